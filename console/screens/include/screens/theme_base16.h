#ifndef SCREENS_THEME_BASE16_H
#define SCREENS_THEME_BASE16_H

#include <stddef.h>

/*
 * A base16 or base24 scheme (YAML of tinted-theming: `base00: "181818"`, flat or under `palette:`)
 * as the text of a theme. Its meaning is the styling guide's: base00 to base07 from background to
 * lightest foreground, base08 red, 09 orange, 0A yellow, 0B green, 0C cyan, 0D blue, 0E magenta. Of
 * base24 the brighter colours (base12 …) are taken where they are there.
 */
#define THEME_BASE16_MAX 4096

/* 0, or -1 when one of the sixteen is missing or no colour, or `cap` is less than
 * THEME_BASE16_MAX. */
int theme_base16(const char *yaml, char *out, size_t cap);

#endif
