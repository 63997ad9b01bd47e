#ifndef ROLLOUT_JSON_PLAN_WHERE_H
#define ROLLOUT_JSON_PLAN_WHERE_H

#include <stddef.h>
#include <stdint.h>

/* On which line (from 1) of a well-formed JSON text that stands which `path` names, such as
 * "stages[1].percent": a field at its key, an element at its begin. Where that is not there, the
 * innermost of those around it that is; 0 when there is not even the first. `len` is that of the
 * path. */
uint32_t plan_line(const char *json, size_t json_len, const char *path, size_t len);

#endif
