#ifndef SCREENS_FIELD_H
#define SCREENS_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "screens/canvas.h"
#include "screens/ui.h"

/* One line of text being typed. Takes keys before anything else does. */
#define FIELD_MAX 512
struct field {
    char text[FIELD_MAX];
    size_t len, at; /* bytes; `at` is the cursor, always between characters */
};

void field_set(struct field *f, const char *text);
/* True when the text changed. Enter, Esc, Tab, arrows up and down are not the field's: they are
 * left to the caller (*taken false). */
bool field_event(struct field *f, const struct ui_event *ev, bool *taken);
/* Draws from `col` on, scrolled so that the cursor is seen, and puts the canvas's cursor there.
 * Returns the screen column of the text's byte 0, which may be left of `col`. */
int field_draw(const struct field *f, struct area a, int row, int col, int width);

#endif
