#ifndef SCREENS_KEYS_VIEW_H
#define SCREENS_KEYS_VIEW_H

#include "internal.h"

/*
 * How the keys screen looks; screen_keys.c is what it does. The screen is a list of lines under
 * headings, in one column or, on a wide screen, in two; the cursor goes through those that say
 * something.
 */
#define KEYS_WIDE_COLS 110
/* Columns left of a line's text, of a label, and of a whole SHA-256 in hex. */
enum { KEYS_INDENT = 3, KEYS_HASH_LABEL = 9, KEYS_HASH_LEN = 64 };

/* Lay the lines out anew for the present facts and size. */
void keys_lines(struct ui *ui, const struct ui_model *m);
/* How much of a fingerprint is in a line: all of it, a half, a quarter. */
int keys_hash_part(const struct keys_screen *k, int cols);
/* Can the cursor stand there? */
bool keys_line_stops(const struct keys_line *line);
/* The lines of one column, in their order: how many, and the number in `line` of its nth (or -1).
 */
int keys_column_count(const struct keys_screen *k, int column);
int keys_column_line(const struct keys_screen *k, int column, int n);
/* What a line is about, the same from picture to picture: "behind lab-001". */
void keys_line_name(const struct keys_screen *k, const struct ui_model *m, int line, char *out,
                    size_t cap);
void keys_body(struct ui *ui, const struct ui_model *m, struct area a);
void keys_head(struct ui *ui, const struct ui_model *m, struct area a);

#endif
