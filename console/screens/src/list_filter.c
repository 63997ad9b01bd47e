#include "list_filter.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "filter_bar.h"

void list_filter_free(struct list_filter *f)
{
    filter_free(f->filter);
    f->filter = NULL;
}

bool list_filter_passes(struct list_filter *f, const struct filter_list *list, const void *row)
{
    return filter_match_row(f->filter, row, list->fleet, list->now_ms);
}

static void put(struct list_filter *f, struct filter *filter, const char *text)
{
    filter_free(f->filter);
    f->filter = filter;
    f->turn++;
    text_copy(f->text, sizeof(f->text), text);
}

static bool any_passes(struct filter *filter, const struct filter_list *list)
{
    const void *row;

    for (size_t n = 0; (row = list->row(list->ctx, n)) != NULL; n++)
        if (filter_match_row(filter, row, list->fleet, list->now_ms))
            return true;
    return false;
}

/* The last word may become a field's name: until it is one, what stands before it counts. */
static void before_half(const struct list_filter *f, const struct filter_list *list, char *out)
{
    const char *half = f->editing && f->field.at == f->field.len
                           ? filter_half_word_list(f->field.text, list)
                           : NULL;

    text_copy_n(out, FILTER_TEXT_MAX, f->field.text,
                half ? (size_t)(half - f->field.text) : f->field.len);
}

static bool may_be_half(const struct list_filter *f, const char *text)
{
    size_t len = strlen(text);

    return f->editing && len && !strchr(" )\"", text[len - 1]);
}

static void try_it(struct list_filter *f, const struct filter_list *list)
{
    char text[FILTER_TEXT_MAX];

    before_half(f, list, text);
    struct filter *filter = filter_compile_rows(text, list->rows, &f->error);
    f->bad = !filter;
    f->none = filter && may_be_half(f, text) && !any_passes(filter, list);
    if (f->bad || f->none)
        filter_free(filter); /* the list stays as it is */
    else
        put(f, filter, text);
}

struct typing {
    struct list_filter *f;
    const struct filter_list *list;
};

static void hints(void *ctx)
{
    struct typing *t = ctx;

    filter_complete_list(t->f->field.text, t->f->field.at, t->list, &t->f->hints);
    t->f->hint = -1;
}

static void keep(struct typing *t)
{
    t->f->editing = false;
    try_it(t->f, t->list);
    t->f->editing = t->f->bad;
}

static bool bar_key(struct typing *t, int key)
{
    struct list_filter *f = t->f;
    const struct typed_filter typed = { &f->field, &f->hints, &f->hint };

    switch (key) {
    case K_ENTER:
        keep(t);
        return true;
    case K_ESC:
    case K_CTRL('C'):
        f->editing = false;
        field_set(&f->field, f->before);
        try_it(f, t->list);
        return true;
    case K_TAB:
    case K_BACKTAB:
        if (typed_filter_complete(&typed, key == K_TAB ? 1 : -1, hints, t))
            try_it(f, t->list);
        return true;
    default:
        return true;
    }
}

bool list_filter_typing(struct list_filter *f, const struct filter_list *list,
                        const struct ui_event *ev)
{
    struct typing t = { f, list };
    bool taken;

    if (!f->editing)
        return false;
    size_t at = f->field.at;
    bool changed = field_event(&f->field, ev, &taken);
    if (changed || f->field.at != at)
        hints(&t);
    if (changed)
        try_it(f, list);
    return taken || ev->kind != UI_KEY || bar_key(&t, ev->key);
}

bool list_filter_action(struct list_filter *f, const struct filter_list *list, enum action action)
{
    struct typing t = { f, list };

    if (action == ACTION_BACK && *f->text) {
        put(f, NULL, "");
        return true;
    }
    if (action != ACTION_FILTER)
        return false;
    text_copy(f->before, sizeof(f->before), f->text);
    field_set(&f->field, f->text);
    f->bad = f->none = false;
    f->editing = true;
    hints(&t);
    return true;
}

/* ------------------------------------------------------------------------------------ drawing */

int list_filter_head(const struct list_filter *f, struct area a, int col, int most)
{
    if (!*f->text || most < 8)
        return col;
    col = area_text(a, 0, col, ROLE_CRUMB, " / ");
    int width = area_width(a, f->text);
    width = width < most - 3 ? width : most - 3;
    area_field(a, 0, col, width, ROLE_TEXT, f->text, false);
    return col + width;
}

/* Something is wanted where the text ends: that is no mistake yet, and the hints say what. */
static bool is_open(const struct list_filter *f)
{
    return f->error.at >= f->field.len && f->field.at == f->field.len && f->hints.count;
}

static int hint_title(const struct list_filter *f, struct area a)
{
    const struct filter_hints *h = &f->hints;

    if (h->count == 0)
        return 3;
    return area_printf(a, 1, 3, ROLE_DIM, "%s ", h->value ? h->field : "fields");
}

bool list_filter_bar(const struct list_filter *f, struct area a, uint32_t shown, uint32_t all,
                     const char *example)
{
    char count[64];

    if (!f->editing)
        return false;
    if (f->none)
        snprintf(count, sizeof(count), "no match yet ");
    else
        snprintf(count, sizeof(count), "%u of %u ", shown, all);
    int end = area_right(a, 0, a.cols, ROLE_DIM, count);
    area_text(a, 0, 1, ROLE_KEY, "/");
    int start = field_draw(&f->field, a, 0, 3, end - 5);
    bool wrong = f->bad && !is_open(f);
    if (a.rows > 1 && wrong)
        draw_filter_mistake(&f->field, &f->error, a, start);
    else if (a.rows > 1)
        draw_filter_hints(&f->hints, f->hint, a, 1, hint_title(f, a));
    if (a.rows > 2 && !wrong)
        area_printf(a, a.rows - 1, 3, ROLE_HINT, "%s   Tab fills  Enter%s  Esc%s", example,
                    a.cols >= 100 ? " keeps" : "", a.cols >= 100 ? " cancels" : "");
    return true;
}
