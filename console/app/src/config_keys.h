#ifndef APP_CONFIG_KEYS_H
#define APP_CONFIG_KEYS_H

#include "base/err.h"
#include "base/profile.h"
#include "screens/keymap.h"

/* The keymap that a profile's [keys] asks for. 0, or -1: EXIT_USAGE with the file, the line and
 * what is wrong: no such action or key, or a key that would do two things on one screen. */
int config_keymap(const struct profile *p, struct keymap *out, struct err *err);

#endif
