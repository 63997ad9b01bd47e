#ifndef SCREENS_GLYPH_H
#define SCREENS_GLYPH_H

#include <stdint.h>

/* The ASCII stand-in of a glyph the screens use: printable, 0 for "leave it out", or '?' when there
 * is none. */
char glyph_ascii(uint32_t cp);
/* What it says on a canvas with words: printable ASCII, " " for a rule. NULL: it is a letter or a
 * sign that is read aloud as it is. */
const char *glyph_word(uint32_t cp);

#endif
