#ifndef SCREENS_CANVAS_H
#define SCREENS_CANVAS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "screens/role.h"

/*
 * A screen as a grid of cells. Screens draw into it, `term` copies what changed to the terminal,
 * goldens compare it. Whatever is drawn, no cell ever holds a control, a format control (bidi,
 * zero-width) or a combining code point: such text shows '?' or is left out. In ASCII mode every
 * cell is printable ASCII: known glyphs have a stand-in, others become '?'.
 *
 * With `words` nothing is told by a glyph alone, for people who have the screen read to them: a
 * known glyph in a text becomes its word ("temp▾" is "temp down"), one that repeats the word beside
 * it is left out (area_mark()), a bar is its percentage, rules and frames are blank. All glyphs and
 * their words are one table, src/glyph.c.
 */
struct cell {
    uint32_t cp;   /* 0: the right half of the wide character to the left */
    uint8_t width; /* 1 or 2; 0 with cp 0 */
    uint8_t role;  /* enum role: the meaning of the foreground */
    uint8_t under; /* enum role laid under it: ROLE_TEXT (nothing), ROLE_SELECTION, ROLE_MARKED … */
    uint8_t spare; /* 0, so that cells can be compared as bytes */
};

/* Where a click means a key: filled in by what draws the key's name. */
struct canvas_hot {
    int row, col, end; /* columns col … end - 1 */
    int key;
};
#define CANVAS_HOTS 64

struct canvas {
    int rows, cols;
    bool ascii;
    bool words;                 /* set by ui_draw() from ui_set_words() */
    int cursor_row, cursor_col; /* where the terminal's cursor rests; always set by ui_draw() */
    bool cursor_visible;        /* a text field has the focus */
    struct cell *cell;          /* rows * cols, row by row */
    struct canvas_hot hot[CANVAS_HOTS];
    int hot_count; /* canvas_clear() makes it 0; more than CANVAS_HOTS are left out */
};

#define CANVAS_ROWS_MAX 500
#define CANVAS_COLS_MAX 1000

/* Sizes are clamped to 1 … MAX. Free with canvas_free(). */
struct canvas *canvas_new(int rows, int cols, bool ascii);
void canvas_free(struct canvas *c); /* NULL is fine */
/* New size, cleared. */
void canvas_resize(struct canvas *c, int rows, int cols);
void canvas_clear(struct canvas *c);
const struct cell *canvas_at(const struct canvas *c, int row, int col); /* NULL outside */
/* A row as UTF-8 without trailing blanks; returns `out`. */
char *canvas_row(const struct canvas *c, int row, char *out, size_t cap);

/* Columns a code point takes: 0 (combining, control), 1 or 2. One table of our own, because wcwidth
 * differs between libcs. Ambiguous width is 1. */
int cp_width(uint32_t cp);
/* A code point that may be in a cell. */
bool cp_is_drawable(uint32_t cp);

/*
 * A rectangle of a canvas, in which a pane draws with coordinates of its own. Everything is clipped
 * to it. Passed by value.
 */
struct area {
    struct canvas *c;
    int row, col;   /* on the canvas */
    int rows, cols; /* may be 0 */
    enum role under;
};

struct area area_all(struct canvas *c);
/* A part of `a`, clipped to it; rows or cols < 0: counted from the far edge ("to the end" is -1).
 */
struct area area_sub(struct area a, int row, int col, int rows, int cols);
/* The same area with everything drawn over `under` (a selected row). Paints the whole area. */
struct area area_over(struct area a, enum role under);

/* All return the column after what was drawn (also beyond the edge, as if not clipped). */
int area_put(struct area a, int row, int col, enum role role, uint32_t cp);
int area_text(struct area a, int row, int col, enum role role, const char *utf8);
int area_printf(struct area a, int row, int col, enum role role, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* A glyph with what it means here; with words that, in its place. */
int area_glyph(struct area a, int row, int col, enum role role, const char *glyph,
               const char *word);
/* A glyph whose word follows it behind a gap of one column; with words nothing. */
int area_mark(struct area a, int row, int col, enum role role, const char *glyph);
/* Cut to `width` columns with … (in words ..) at the end, padded with blanks; `right` aligns right.
 * Returns col + width. */
int area_field(struct area a, int row, int col, int width, enum role role, const char *utf8,
               bool right);
/* Ends in the column before `end`; returns the column where it began. */
int area_right(struct area a, int row, int end, enum role role, const char *utf8);
/* The terminal's cursor rests there: what reads the screen aloud reads that line. */
void area_cursor(struct area a, int row, int col);
void area_fill(struct area a, int row, int col, int width, enum role role, uint32_t cp);
void area_blank(struct area a); /* blanks in every cell */
/* Columns a text takes on this canvas (ASCII stand-ins may be narrower, words are wider). */
int area_width(struct area a, const char *utf8);

/* "── title ───── right ──" over the whole width; either text may be NULL. */
void area_rule(struct area a, int row, const char *title, const char *right);
/* A frame around the area with a title in the upper and a note in the lower edge (may be NULL). */
void area_box(struct area a, enum role role, const char *title, const char *note);
/* A click on columns col … end - 1 of a row shall be that key. */
void area_hot(struct area a, int row, int col, int end, int key);
void area_vline(struct area a, int col, enum role role);
/*
 * A horizontal bar of `width` columns: `full` of `of` filled, then `part` of `of` half-filled (in
 * flight), the rest empty. Halves are used where the canvas has them.
 */
void area_bar(struct area a, int row, int col, int width, double full, double part, double of);

#endif
