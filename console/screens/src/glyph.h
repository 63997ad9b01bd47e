#ifndef SCREENS_GLYPH_H
#define SCREENS_GLYPH_H

#include <stdint.h>

/* The ASCII stand-in of a glyph the screens use: printable, 0 for "leave it out", or '?' when there
 * is none. */
char glyph_ascii(uint32_t cp);

#endif
