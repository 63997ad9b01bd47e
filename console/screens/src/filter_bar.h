#ifndef SCREENS_FILTER_BAR_H
#define SCREENS_FILTER_BAR_H

#include "internal.h"

/* What every filter being typed has: its text, and what may stand at the cursor of it. */
struct typed_filter {
    struct field *field;
    struct filter_hints *hints;
    int *hint; /* the one Tab put in; -1: none yet */
};
/* Tab (+1), S-Tab (-1): as below. `again` is asked for new hints when letters were filled in. */
bool typed_filter_complete(const struct typed_filter *t, int by, void (*again)(void *ctx),
                           void *ctx);
/* A mistake, with a caret under the place; `start` as field_draw() gave it. */
void draw_filter_mistake(const struct field *field, const struct filter_error *error, struct area a,
                         int start);
/* The hints in a line from `col` on, from the first that leaves the chosen one in sight. */
void draw_filter_hints(const struct filter_hints *h, int hint, struct area a, int row, int col);

/* What may stand at the cursor, anew: after each change of the text. */
void filter_bar_hints(struct fleet_screen *f);
/* Tab (+1), S-Tab (-1): what all hints share, then one after the other. True when the text
 * changed. */
bool filter_bar_complete(struct fleet_screen *f, int by);
/* Up (+1) to an older filter, Down (-1) to a newer one. True when the text changed. */
bool filter_bar_recall(struct fleet_screen *f, const struct past_filters *past, int by);

#endif
