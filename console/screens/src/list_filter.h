#ifndef SCREENS_LIST_FILTER_H
#define SCREENS_LIST_FILTER_H

#include "field.h"
#include "fleet/filter.h"
#include "screens/canvas.h"
#include "screens/keymap.h"
#include "screens/ui.h"

/*
 * `/` on a list that is not the fleet: what is typed takes effect at once, half a word hides
 * nothing, Tab completes, Enter keeps, Esc brings back the filter before. The list says what its
 * rows are by a struct filter_list.
 */
struct list_filter {
    bool editing;
    struct field field;
    char text[FILTER_TEXT_MAX]; /* in force */
    char before[FILTER_TEXT_MAX];
    struct filter *filter; /* of `text`; NULL: all */
    uint64_t turn;         /* another one whenever `filter` is */
    bool bad, none;        /* what is typed does not compile; matches nothing and may be half */
    struct filter_error error;
    struct filter_hints hints;
    int hint;
};

void list_filter_free(struct list_filter *f);
bool list_filter_passes(struct list_filter *f, const struct filter_list *list, const void *row);
/* An event while it is typed; true when it took it. */
bool list_filter_typing(struct list_filter *f, const struct filter_list *list,
                        const struct ui_event *ev);
/* `/` begins, Esc clears one that is in force; false: not its key. */
bool list_filter_action(struct list_filter *f, const struct filter_list *list, enum action action);
/* " / rule:hot" in the line of the screen's name, at most `most` columns; returns the column after
 * it. */
int list_filter_head(const struct list_filter *f, struct area a, int col, int most);
/* The bar that is typed in; false when nothing is. `example` for the last line. */
bool list_filter_bar(const struct list_filter *f, struct area a, uint32_t shown, uint32_t all,
                     const char *example);

#endif
