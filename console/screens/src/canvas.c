#include "screens/canvas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "glyph.h"

/* ---------------------------------------------------------------------------------- widths */

/*
 * Code points that terminals agree about, with their width. What is not here (scripts that combine
 * or join, private use, the unassigned) is shown as '?': a wrong width would shift the whole row.
 */
static const struct {
    uint32_t first, last;
    uint8_t width;
} drawable[] = {
    { 0x0020, 0x007e, 1 }, { 0x00a0, 0x00ac, 1 }, { 0x00ae, 0x02ff, 1 },   { 0x0370, 0x0377, 1 },
    { 0x037a, 0x037f, 1 }, { 0x0384, 0x0482, 1 }, { 0x048a, 0x052f, 1 },   { 0x0531, 0x0556, 1 },
    { 0x0561, 0x0587, 1 }, { 0x10a0, 0x10ff, 1 }, { 0x1e00, 0x1fff, 1 },   { 0x2010, 0x2027, 1 },
    { 0x2030, 0x205e, 1 }, { 0x2070, 0x209c, 1 }, { 0x20a0, 0x20bf, 1 },   { 0x2100, 0x218b, 1 },
    { 0x2190, 0x2319, 1 }, { 0x231c, 0x2328, 1 }, { 0x232b, 0x23e8, 1 },   { 0x2460, 0x25fc, 1 },
    { 0x2600, 0x2613, 1 }, { 0x2616, 0x2647, 1 }, { 0x2660, 0x267e, 1 },   { 0x2701, 0x2704, 1 },
    { 0x2706, 0x2709, 1 }, { 0x270c, 0x2727, 1 }, { 0x2729, 0x274b, 1 },   { 0x2756, 0x2756, 1 },
    { 0x2758, 0x2794, 1 }, { 0x2798, 0x27af, 1 }, { 0x27c0, 0x2aff, 1 },   { 0x2e80, 0x2e99, 2 },
    { 0x2f00, 0x2fd5, 2 }, { 0x3000, 0x3029, 2 }, { 0x3030, 0x303e, 2 },   { 0x3041, 0x3096, 2 },
    { 0x309b, 0x30ff, 2 }, { 0x3105, 0x312f, 2 }, { 0x3131, 0x318e, 2 },   { 0x3200, 0x321e, 2 },
    { 0x3220, 0x3247, 2 }, { 0x3250, 0x4dbf, 2 }, { 0x4e00, 0x9ffc, 2 },   { 0xa000, 0xa48c, 2 },
    { 0xac00, 0xd7a3, 2 }, { 0xf900, 0xfa6d, 2 }, { 0xfb00, 0xfb06, 1 },   { 0xff01, 0xff60, 2 },
    { 0xff61, 0xff9f, 1 }, { 0xffe0, 0xffe6, 2 }, { 0x20000, 0x2a6dd, 2 },
};

int cp_width(uint32_t cp)
{
    size_t low = 0, high = sizeof(drawable) / sizeof(drawable[0]);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (cp < drawable[mid].first)
            high = mid;
        else if (cp > drawable[mid].last)
            low = mid + 1;
        else
            return drawable[mid].width;
    }
    return 0;
}

bool cp_is_drawable(uint32_t cp)
{
    return cp_width(cp) > 0;
}

/* Marks that change the letter before: the bare letter is more use than "e?". */
static bool is_mark(uint32_t cp)
{
    return (cp >= 0x0300 && cp <= 0x036f) || (cp >= 0xfe00 && cp <= 0xfe0f);
}

/* What goes into the cell for `cp`: 0 for nothing. */
static uint32_t shown(const struct canvas *c, uint32_t cp)
{
    if (is_mark(cp))
        return 0;
    if (!cp_is_drawable(cp))
        return '?';
    if (c->ascii && cp > 0x7e)
        return (uint32_t)(unsigned char)glyph_ascii(cp);
    return cp == 0xa0 ? ' ' : cp;
}

/* ---------------------------------------------------------------------------------- canvas */

static int clamp(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

struct canvas *canvas_new(int rows, int cols, bool ascii)
{
    struct canvas *c = mem_alloc(sizeof(*c));
    c->ascii = ascii;
    canvas_resize(c, rows, cols);
    return c;
}

void canvas_free(struct canvas *c)
{
    if (!c)
        return;
    free(c->cell);
    free(c);
}

void canvas_resize(struct canvas *c, int rows, int cols)
{
    c->rows = clamp(rows, 1, CANVAS_ROWS_MAX);
    c->cols = clamp(cols, 1, CANVAS_COLS_MAX);
    free(c->cell);
    c->cell = mem_array((size_t)c->rows * (size_t)c->cols, sizeof(*c->cell));
    canvas_clear(c);
}

void canvas_clear(struct canvas *c)
{
    c->hot_count = 0;
    const struct cell blank = { .cp = ' ', .width = 1, .role = ROLE_TEXT, .under = ROLE_TEXT };
    for (size_t i = 0; i < (size_t)c->rows * (size_t)c->cols; i++)
        c->cell[i] = blank;
    c->cursor_row = c->cursor_col = 0;
    c->cursor_visible = false;
}

static struct cell *cell_at(const struct canvas *c, int row, int col)
{
    return &c->cell[(size_t)row * (size_t)c->cols + (size_t)col];
}

const struct cell *canvas_at(const struct canvas *c, int row, int col)
{
    if (row < 0 || row >= c->rows || col < 0 || col >= c->cols)
        return NULL;
    return cell_at(c, row, col);
}

char *canvas_row(const struct canvas *c, int row, char *out, size_t cap)
{
    size_t used = 0, end = 0;
    for (int col = 0; row >= 0 && row < c->rows && col < c->cols; col++) {
        const struct cell *cell = cell_at(c, row, col);
        char utf8[4];
        if (!cell->cp)
            continue;
        size_t len = utf8_encode(cell->cp, utf8);
        if (used + len >= cap)
            break;
        memcpy(out + used, utf8, len);
        used += len;
        if (cell->cp != ' ')
            end = used;
    }
    if (cap)
        out[end] = '\0';
    return out;
}

/* A wide character of which one half is overwritten becomes blank in the other half. */
static void split_wide(struct canvas *c, int row, int col)
{
    struct cell *cell = cell_at(c, row, col);
    if (!cell->cp && col > 0) {
        cell[-1].cp = ' ';
        cell[-1].width = 1;
    }
    if (cell->width == 2 && col + 1 < c->cols) {
        cell[1].cp = ' ';
        cell[1].width = 1;
    }
}

static void set(struct canvas *c, int row, int col, uint32_t cp, enum role role, enum role under)
{
    int width = cp_width(cp);
    for (int half = 0; half < width; half++)
        split_wide(c, row, col + half);
    for (int half = 0; half < width; half++) {
        *cell_at(c, row, col + half) = (struct cell){ .cp = half ? 0 : cp,
                                                      .width = (uint8_t)(half ? 0 : width),
                                                      .role = (uint8_t)role,
                                                      .under = (uint8_t)under };
    }
}

/* ------------------------------------------------------------------------------------ area */

struct area area_all(struct canvas *c)
{
    return (struct area){ .c = c, .rows = c->rows, .cols = c->cols, .under = ROLE_TEXT };
}

struct area area_sub(struct area a, int row, int col, int rows, int cols)
{
    row = clamp(row, 0, a.rows);
    col = clamp(col, 0, a.cols);
    if (rows < 0)
        rows = a.rows - row + rows + 1;
    if (cols < 0)
        cols = a.cols - col + cols + 1;
    a.rows = clamp(rows, 0, a.rows - row);
    a.cols = clamp(cols, 0, a.cols - col);
    a.row += row;
    a.col += col;
    return a;
}

struct area area_over(struct area a, enum role under)
{
    a.under = under;
    area_blank(a);
    return a;
}

/* One cell, or the two of a wide character; `cp` is what shown() gave. */
static int put_cell(struct area a, int row, int col, enum role role, uint32_t cp)
{
    if (!cp)
        return col;
    int width = cp_width(cp), first = col < 0 ? 0 : col; /* column that is seen */
    if (row < 0 || row >= a.rows || col + width <= 0 || first >= a.cols)
        return col + width;
    bool halved = width == 2 && (col < 0 || col + 1 >= a.cols);
    set(a.c, a.row + row, a.col + first, halved ? ' ' : cp, role, a.under);
    return col + width;
}

int area_put(struct area a, int row, int col, enum role role, uint32_t cp)
{
    const char *word = glyph_spelt(cp, a.c->ascii, a.c->words);
    if (!word)
        return put_cell(a, row, col, role, shown(a.c, cp));
    while (*word)
        col = put_cell(a, row, col, role, (uint32_t)(unsigned char)*word++);
    return col;
}

/* The next code point of a text; U+FFFD ('?' on the screen) for a byte that is not UTF-8. */
static uint32_t next_cp(const char **text)
{
    uint32_t cp = 0;
    size_t len = utf8_decode(*text, strlen(*text), &cp);
    *text += len ? len : 1;
    return len ? cp : 0xfffd;
}

/* A text as the cells of a canvas show it: on one with words, those of its glyphs, set apart from
 * letters and digits beside them ("temp▾" is "temp down", "↑↓" is "Up Down"). */
struct reader {
    const struct canvas *c;
    const char *text, *word;
    uint32_t last;
    bool spelled; /* the last one was the end of a glyph's word */
};

static struct reader reader_of(const struct canvas *c, const char *utf8)
{
    bool none = c->words && strcmp(utf8, "–") == 0; /* a value that is not there */
    return (struct reader){ .c = c, .text = none ? "none" : utf8, .word = "" };
}

static bool is_alnum(uint32_t cp)
{
    return (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
}

/* The next cell's code point, 0 at the end. */
static uint32_t read_shown(struct reader *r)
{
    while (*r->word || *r->text) {
        if (*r->word)
            return r->last = (uint32_t)(unsigned char)*r->word++;
        const char *here = r->text;
        uint32_t cp = next_cp(&r->text);
        const char *word = glyph_spelt(cp, r->c->ascii, r->c->words);
        uint32_t first = word ? (uint32_t)(unsigned char)*word : cp;
        if ((word || r->spelled) && is_alnum(r->last) && is_alnum(first)) {
            r->text = here;
            r->spelled = false;
            return r->last = ' ';
        }
        r->spelled = word != NULL;
        if (word) {
            r->word = word;
            continue;
        }
        cp = shown(r->c, cp);
        if (cp)
            return r->last = cp;
    }
    return 0;
}

int area_text(struct area a, int row, int col, enum role role, const char *utf8)
{
    struct reader r = reader_of(a.c, utf8);
    for (uint32_t cp; (cp = read_shown(&r)) != 0;)
        col = put_cell(a, row, col, role, cp);
    return col;
}

int area_printf(struct area a, int row, int col, enum role role, const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    int len = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    return len < 0 ? col : area_text(a, row, col, role, text);
}

int area_width(struct area a, const char *utf8)
{
    struct reader r = reader_of(a.c, utf8);
    int width = 0;
    for (uint32_t cp; (cp = read_shown(&r)) != 0;)
        width += cp_width(cp);
    return width;
}

int area_glyph(struct area a, int row, int col, enum role role, const char *glyph, const char *word)
{
    return area_text(a, row, col, role, a.c->words ? word : glyph);
}

int area_mark(struct area a, int row, int col, enum role role, const char *glyph)
{
    return a.c->words ? col : area_text(a, row, col, role, glyph) + 1;
}

int area_field(struct area a, int row, int col, int width, enum role role, const char *utf8,
               bool right)
{
    if (width <= 0)
        return col;
    int wanted = area_width(a, utf8);
    int start = right && wanted < width ? col + width - wanted : col;
    const char *mark = !a.c->words ? "…" : width > 2 ? ".." : "";
    const char *cut = wanted > width ? mark : "";
    int end = col + width, room = end - area_width(a, cut);
    struct reader r = reader_of(a.c, utf8);

    for (int blank = col; blank < start; blank++)
        area_put(a, row, blank, role, ' ');
    col = start;
    for (uint32_t cp; (cp = read_shown(&r)) != 0 && col + cp_width(cp) <= room;)
        col = put_cell(a, row, col, role, cp);
    if (*cut)
        col = area_text(a, row, col, role, cut);
    while (col < end)
        col = area_put(a, row, col, role, ' ');
    return end;
}

int area_right(struct area a, int row, int end, enum role role, const char *utf8)
{
    int start = end - area_width(a, utf8);
    area_text(a, row, start, role, utf8);
    return start;
}

void area_cursor(struct area a, int row, int col)
{
    a.c->cursor_row = a.row + row;
    a.c->cursor_col = a.col + col;
}

void area_fill(struct area a, int row, int col, int width, enum role role, uint32_t cp)
{
    for (int i = 0; i < width; i++)
        area_put(a, row, col + i, role, cp);
}

void area_blank(struct area a)
{
    for (int row = 0; row < a.rows; row++)
        area_fill(a, row, 0, a.cols, ROLE_TEXT, ' ');
}

/* --------------------------------------------------------------------------------- drawing */

void area_rule(struct area a, int row, const char *title, const char *right)
{
    area_fill(a, row, 0, a.cols, ROLE_RULE, 0x2500);
    int end = a.cols;
    if (right && *right && area_width(a, right) + 8 < a.cols) {
        end = a.cols - area_width(a, right) - 4;
        area_put(a, row, end, ROLE_TEXT, ' ');
        int col = area_text(a, row, end + 1, ROLE_DIM, right);
        area_put(a, row, col, ROLE_TEXT, ' ');
    }
    if (title && *title) {
        struct area room = area_sub(a, row, 2, 1, end - 3);
        area_put(room, 0, 0, ROLE_TEXT, ' ');
        int width = area_width(a, title);
        if (width > room.cols - 2)
            width = room.cols - 2;
        int col = area_field(room, 0, 1, width, ROLE_TITLE, title, false);
        area_put(room, 0, col, ROLE_TEXT, ' ');
    }
}

void area_vline(struct area a, int col, enum role role)
{
    for (int row = 0; row < a.rows; row++)
        area_put(a, row, col, role, 0x2502);
}

static void edge(struct area a, int row, enum role role, uint32_t left, uint32_t right)
{
    area_fill(a, row, 0, a.cols, role, 0x2500);
    area_put(a, row, 0, role, left);
    area_put(a, row, a.cols - 1, role, right);
}

void area_box(struct area a, enum role role, const char *title, const char *note)
{
    if (a.rows < 2 || a.cols < 2)
        return;
    edge(a, 0, role, 0x250c, 0x2510);
    edge(a, a.rows - 1, role, 0x2514, 0x2518);
    for (int row = 1; row < a.rows - 1; row++) {
        area_put(a, row, 0, role, 0x2502);
        area_put(a, row, a.cols - 1, role, 0x2502);
    }
    struct area top = area_sub(a, 0, 2, 1, a.cols - 4);
    if (title && *title)
        area_printf(top, 0, 0, ROLE_TITLE, " %s ", title);
    if (note && *note && area_width(a, note) + 4 < a.cols) {
        struct area low = area_sub(a, a.rows - 1, 0, 1, a.cols);
        area_printf(low, 0, (a.cols - area_width(a, note) - 2) / 2, ROLE_HINT, " %s ", note);
    }
}

void area_bar(struct area a, int row, int col, int width, double full, double part, double of)
{
    char text[16];
    if (of <= 0)
        of = 1;
    if (a.c->words) {
        /* What is not all is never told as 100 %. */
        snprintf(text, sizeof(text), "%d %%", clamp((int)(full / of * 100), 0, 100));
        area_field(a, row, col, width, ROLE_TEXT, text, false);
        return;
    }
    double filled = full / of * width, touched = (full + part) / of * width;
    filled = filled < 0 ? 0 : filled > width ? width : filled;
    touched = touched < filled ? filled : touched > width ? width : touched;
    for (int i = 0; i < width; i++) {
        double here = filled - i;
        /* A device that is done must not look like none, and one missing not like all. */
        if (here >= 1)
            area_put(a, row, col + i, ROLE_GAUGE_FILL, 0x2588);
        else if (here >= 0.5 && !a.c->ascii)
            area_put(a, row, col + i, ROLE_GAUGE_FILL, 0x258c);
        else if (touched - i >= 0.25)
            area_put(a, row, col + i, ROLE_UPDATING, 0x2592);
        else
            area_put(a, row, col + i, ROLE_GAUGE, 0x2591);
    }
}

void area_hot(struct area a, int row, int col, int end, int key)
{
    if (row < 0 || row >= a.rows || key == 0 || a.c->hot_count == CANVAS_HOTS)
        return;
    a.c->hot[a.c->hot_count++] = (struct canvas_hot){
        .row = a.row + row, .col = a.col + col, .end = a.col + end, .key = key
    };
}
