#ifndef APP_THEMES_H
#define APP_THEMES_H

#include <stddef.h>

#include "base/log.h"
#include "screens/theme.h"

/*
 * Theme files: $XDG_CONFIG_HOME/muster/themes, then the installed or source folder: NAME.ini, or
 * NAME.yaml of base16 or base24. Names, each once, sorted.
 */
#define THEMES_MAX 64
struct themes {
    const char *name[THEMES_MAX];
    size_t count;
};

void themes_find(struct themes *t); /* free with themes_free() */
void themes_free(struct themes *t);
/* Always gives a theme: a missing file is said and becomes the built-in mono. */
void themes_load(const struct themes *t, const char *name, struct theme *out,
                 const struct log *log);

#endif
