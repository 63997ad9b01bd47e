#ifndef SCREENS_DIALOG_H
#define SCREENS_DIALOG_H

#include "internal.h"

/* What the dialogs share. */
void dialog_close(struct ui *ui);
/* A box of that size in the middle of the screen, blank inside. */
struct area dialog_centred(struct area screen, int rows, int cols);
struct area dialog_right(struct area screen, int rows, int cols); /* at the right edge */
bool is_key(const struct ui_event *ev, int key);
bool is_cancel(const struct ui_event *ev); /* Esc, ^C */
/* Does a text hold another, whatever the case? */
bool text_holds(const char *text, const char *what);
/* Cursor keys in a list of `count` rows: true when it was one. */
bool list_key(const struct ui_event *ev, int *row, int count);
/* The row of a list that is drawn first so that `row` is among `rows`. */
int list_top(int row, int rows);
/* A row of a list, over which the cursor rests when it is the chosen one. */
struct area list_line(struct area in, int y, bool chosen);
/* A button; the column after it. A click on it is `key` (K_NONE: nothing). One that changes the
 * world wants two: the first gives it the focus, the second presses it. */
int dialog_button(struct area a, int row, int col, const char *word, bool focus, int key);

#endif
