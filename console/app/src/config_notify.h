#ifndef APP_CONFIG_NOTIFY_H
#define APP_CONFIG_NOTIFY_H

#include <stddef.h>

#include "base/profile.h"

/*
 * One line of [notify NAME] into the profile. 0; 1 for an unknown key (to be ignored); -1 and what
 * is wrong in `why`, without the value: it may be a secret. Whether a sink is complete is checked
 * when it is used (notify_check()).
 */
int config_notify_field(struct profile *p, const char *name, const char *key, const char *value,
                        char *why, size_t cap);

#endif
