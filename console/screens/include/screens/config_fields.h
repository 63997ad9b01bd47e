#ifndef SCREENS_CONFIG_FIELDS_H
#define SCREENS_CONFIG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/order.h"

/*
 * What a person types for the settings of a device, checked as the device will check it: interval
 * (90, 15m: 1 s to 24 h), groups (names with commas between, "none" for none), url (https://…/),
 * ntp (a host). One place for the dialog and for `muster device config`.
 */
#define CONFIG_FIELDS 4
const char *config_field_name(size_t n); /* NULL past the last */
/* Put one into `set`. False, and `why`: no such field, or the value is not one. */
bool config_field_set(struct order_config *set, const char *name, const char *value, char *why,
                      size_t cap);
/* "interval=60 groups=a,b" for what is set: the words of the command. */
void config_fields_text(const struct order_config *set, char *out, size_t cap);

#endif
