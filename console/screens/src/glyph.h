#ifndef SCREENS_GLYPH_H
#define SCREENS_GLYPH_H

#include <stdbool.h>
#include <stdint.h>

/* The ASCII stand-in of a glyph the screens use: printable, 0 for "leave it out", or '?' when there
 * is none. */
char glyph_ascii(uint32_t cp);
/* What it says on a canvas with words: printable ASCII, " " for a rule; on one in ASCII where one
 * character is not enough ("<="). NULL: it is drawn as it is, or by its stand-in. */
const char *glyph_spelt(uint32_t cp, bool ascii, bool words);

#endif
