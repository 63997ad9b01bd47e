#ifndef PROTOCOL_CRIT_H
#define PROTOCOL_CRIT_H

#include <stdbool.h>
#include <stddef.h>

#include "fields.h"

/*
 * Unknown keys of a signed payload are ignored, so that a newer console can talk to an older
 * device; those that must not be are named in "crit". False when it is there and not a list of
 * names from `known`.
 */
bool crit_is_understood(struct json *j, const struct field *known, size_t count);

#endif
