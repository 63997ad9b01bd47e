#include "glyph.h"

#include <stddef.h>

/* Every non-ASCII glyph that screens draw on purpose; a test draws all screens in ASCII and looks
 * for '?'. Sorted by code point. */
static const struct {
    uint32_t cp;
    char ascii;
} glyphs[] = {
    { 0x00b0, 0 },   /* ° : "C" alone is understood */
    { 0x00b1, '~' }, /* ± */
    { 0x00b2, '2' }, /* ² */
    { 0x00b3, '3' }, /* ³ */
    { 0x00b5, 'u' }, /* µ */
    { 0x00b7, '.' }, /* · */
    { 0x00d7, 'x' }, /* × */
    { 0x03bc, 'u' }, /* μ */
    { 0x2013, '-' }, /* – */
    { 0x2014, '-' }, /* — */
    { 0x2018, '\'' }, { 0x2019, '\'' }, { 0x201c, '"' }, { 0x201d, '"' }, { 0x2026, '~' }, /* … */
    { 0x203a, '>' },                                                                       /* › */
    { 0x2190, '<' },                                                                       /* ← */
    { 0x2191, '^' },                                                                       /* ↑ */
    { 0x2192, '>' },                                                                       /* → */
    { 0x2193, 'v' },                                                                       /* ↓ */
    { 0x21e1, '^' },                                                                       /* ⇡ */
    { 0x2260, '#' },                                                                       /* ≠ */
    { 0x2264, '<' },                                                                       /* ≤ */
    { 0x2265, '>' },                                                                       /* ≥ */
    { 0x22ee, ':' },                                                                       /* ⋮ */
    { 0x2500, '-' },                                                                       /* ─ */
    { 0x2502, '|' },                                                                       /* │ */
    { 0x2508, '.' },                                                                       /* ┈ */
    { 0x250c, '+' },  { 0x2510, '+' },  { 0x2514, '+' }, { 0x2518, '+' }, { 0x251c, '+' },
    { 0x2524, '+' },  { 0x252c, '+' },  { 0x2534, '+' }, { 0x254c, ' ' }, /* ╌ : no data */
    { 0x254e, '!' },                                                      /* ╎ */
    { 0x2581, '_' },  { 0x2582, '.' },  { 0x2583, ',' }, { 0x2584, ':' }, { 0x2585, ';' },
    { 0x2586, '+' },  { 0x2587, '|' },  { 0x2588, '#' }, { 0x258c, '#' }, /* ▌ */
    { 0x258f, '_' },                                                      /* ▏ : text cursor */
    { 0x2591, '.' },  { 0x2592, '=' },  { 0x2593, '%' }, { 0x25b2, '!' }, /* ▲ */
    { 0x25b4, '^' },                                                      /* ▴ */
    { 0x25b8, '>' },                                                      /* ▸ */
    { 0x25be, 'v' },                                                      /* ▾ */
    { 0x25c2, '<' },                                                      /* ◂ */
    { 0x25cb, '-' },                                                      /* ○ */
    { 0x25cf, 'o' },                                                      /* ● */
    { 0x2713, '+' },                                                      /* ✓ */
    { 0x2717, 'X' },                                                      /* ✗ */
};

char glyph_ascii(uint32_t cp)
{
    size_t low = 0, high = sizeof(glyphs) / sizeof(glyphs[0]);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (glyphs[mid].cp == cp)
            return glyphs[mid].ascii;
        if (glyphs[mid].cp < cp)
            low = mid + 1;
        else
            high = mid;
    }
    return '?';
}
