#ifndef PROTOCOL_JSON_INTERNAL_H
#define PROTOCOL_JSON_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/* One character of a JSON string, as UTF-8: the bytes of it in `out`, and *at is behind it. 0 when
 * it is malformed. */
size_t json_next_char(const char **at, const char *end, char out[4]);
/* A character, in UTF-8, that a terminal may obey. */
bool json_is_control(const char *c);

#endif
