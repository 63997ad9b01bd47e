#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include "base/err.h"
#include "base/log.h"
#include "base/profile.h"

/*
 * Reads a profile. `name` is a path (it holds a '/' or ends in .ini) or a name looked up as
 * $XDG_CONFIG_HOME/muster/NAME.ini (~/.config without it); NULL means "default". 0, or -1:
 * EXIT_USAGE with the file, the line and what to do. An unknown section or key is said as a
 * warning, not an error, so that an older program reads a newer file.
 */
int config_load(const char *name, struct profile *out, const struct log *log, struct err *err);

/* Where config_load() would look. 0, or -1 when it does not fit or there is no home. */
int config_path(const char *name, char *out, size_t cap, struct err *err);

#endif
