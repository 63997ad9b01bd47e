#include "glyph.h"

#include <stddef.h>

/* Every non-ASCII glyph that screens draw on purpose, with its stand-in and its word: tests draw
 * all screens in ASCII and look for '?', and with words and look for glyphs. Sorted by code point.
 */
#define SPELT 1 /* by its word in ASCII, too: one character would say something else */
/* clang-format off */
static const struct {
    uint32_t cp;
    char ascii;
    const char *word;
} glyphs[] = {
    { 0x00b0, 0,     NULL }, /* ° : "C" alone is understood */
    { 0x00b1, SPELT, "+-" }, /* ± */
    { 0x00b2, '2',   NULL }, /* ² */
    { 0x00b3, '3',   NULL }, /* ³ */
    { 0x00b5, 'u',   NULL }, /* µ */
    { 0x00b7, '.',   "." }, /* · */
    { 0x00d7, 'x',   "x" }, /* × */
    { 0x03bc, 'u',   NULL }, /* μ */
    { 0x2013, '-',   "-" }, /* – ; alone in a field: "none" */
    { 0x2014, '-',   "-" }, /* — */
    { 0x2018, '\'',  "'" }, /* ‘ */
    { 0x2019, '\'',  "'" }, /* ’ */
    { 0x201c, '"',   "\"" }, /* “ */
    { 0x201d, '"',   "\"" }, /* ” */
    { 0x2026, '~',   "..." }, /* … */
    { 0x203a, '>',   "/" }, /* › */
    { 0x2190, '<',   "Left" }, /* ← */
    { 0x2191, '^',   "Up" }, /* ↑ */
    { 0x2192, '>',   "Right" }, /* → */
    { 0x2193, 'v',   "Down" }, /* ↓ */
    { 0x21e1, '^',   "updating" }, /* ⇡ */
    { 0x2260, SPELT, "!=" }, /* ≠ */
    { 0x2264, SPELT, "<=" }, /* ≤ */
    { 0x2265, SPELT, ">=" }, /* ≥ */
    { 0x22ee, ':',   "and" }, /* ⋮ */
    { 0x2500, '-',   " " }, /* ─ */
    { 0x2502, '|',   " " }, /* │ */
    { 0x2508, '.',   " " }, /* ┈ */
    { 0x250c, '+',   " " }, /* ┌ */
    { 0x2510, '+',   " " }, /* ┐ */
    { 0x2514, '+',   " " }, /* └ */
    { 0x2518, '+',   " " }, /* ┘ */
    { 0x251c, '+',   " " }, /* ├ */
    { 0x2524, '+',   " " }, /* ┤ */
    { 0x252c, '+',   " " }, /* ┬ */
    { 0x2534, '+',   " " }, /* ┴ */
    { 0x254c, ' ',   " " }, /* ╌ : no data */
    { 0x254e, '!',   " " }, /* ╎ */
    { 0x2581, '_',   "#" }, /* ▁ */
    { 0x2582, '.',   "#" }, /* ▂ */
    { 0x2583, ',',   "#" }, /* ▃ */
    { 0x2584, ':',   "#" }, /* ▄ */
    { 0x2585, ';',   "#" }, /* ▅ */
    { 0x2586, '+',   "#" }, /* ▆ */
    { 0x2587, '|',   "#" }, /* ▇ */
    { 0x2588, '#',   "#" }, /* █ */
    { 0x258c, '#',   "#" }, /* ▌ */
    { 0x258f, '_',   "_" }, /* ▏ : text cursor */
    { 0x2591, '.',   "#" }, /* ░ */
    { 0x2592, '=',   "#" }, /* ▒ */
    { 0x2593, '%',   "#" }, /* ▓ */
    { 0x25b2, '!',   "warn" }, /* ▲ */
    { 0x25b4, '^',   "up" }, /* ▴ */
    { 0x25b8, '>',   ">" }, /* ▸ */
    { 0x25be, 'v',   "down" }, /* ▾ */
    { 0x25c2, '<',   "<" }, /* ◂ */
    { 0x25cb, '-',   "off" }, /* ○ */
    { 0x25cf, 'o',   "on" }, /* ● */
    { 0x2713, '+',   "ok" }, /* ✓ */
    { 0x2717, 'X',   "failed" }, /* ✗ */
};
/* clang-format on */

#define GLYPHS (sizeof(glyphs) / sizeof(glyphs[0]))

/* Its row; GLYPHS when it has none. */
static size_t row_of(uint32_t cp)
{
    size_t low = 0, high = GLYPHS;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (glyphs[mid].cp == cp)
            return mid;
        if (glyphs[mid].cp < cp)
            low = mid + 1;
        else
            high = mid;
    }
    return GLYPHS;
}

char glyph_ascii(uint32_t cp)
{
    size_t row = row_of(cp);
    return row == GLYPHS ? '?' : glyphs[row].ascii == SPELT ? *glyphs[row].word : glyphs[row].ascii;
}

const char *glyph_spelt(uint32_t cp, bool ascii, bool words)
{
    size_t row = cp > 0x7e && (ascii || words) ? row_of(cp) : GLYPHS;
    bool spelt = row < GLYPHS && (words || glyphs[row].ascii == SPELT);
    return spelt ? glyphs[row].word : NULL;
}
