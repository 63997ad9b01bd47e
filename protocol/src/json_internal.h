#ifndef PROTOCOL_JSON_INTERNAL_H
#define PROTOCOL_JSON_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

/* One character of a JSON string, as UTF-8. Returns the bytes of `s` used, 0 when malformed. */
size_t json_next_char(const char *s, size_t len, char out[4], size_t *out_len);
/* A byte sequence that a terminal may obey. */
bool json_is_control(const char *c, size_t n);

#endif
