#include "fleet_table.h"

#include <string.h>

#include "base/text.h"
#include "filter_bar.h"
#include "views.h"

/* A filter while it is typed: what of it counts already. filter_bar.c is how it looks. */

/* Is the last word still being typed: a name an operator may follow, or the first letters of a
 * value? */
static bool half_typed(const struct fleet_screen *f)
{
    return f->editing && f->field.len && !strchr(" )\"", f->field.text[f->field.len - 1]);
}

static void put_filter(struct step *s, struct filter *filter)
{
    struct fleet_screen *f = &s->ui->fleet;
    fleet_view_filter(f->view, filter);
    if (*f->kept)
        text_copy(f->selected, sizeof(f->selected), f->kept);
    fleet_table_show_now(s);
}

/* The last word may become the name of a field: until it is one, what stands before it counts. */
static bool try_before(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    struct filter_error err;
    const char *word = f->editing && f->field.at == f->field.len && f->past_at == 0
                           ? filter_half_word(f->field.text, s->m->fleet)
                           : NULL;
    f->half = word != NULL;
    if (!f->half)
        return false;
    char before[FILTER_TEXT_MAX];
    struct filter *as_text = filter_compile(f->field.text, &err);
    f->as_text = as_text ? filter_count(as_text, s->m->fleet, s->m->now_ms) : 0;
    filter_free(as_text);
    text_copy_n(before, sizeof(before), f->field.text, (size_t)(word - f->field.text));
    struct filter *filter = filter_compile(before, &err);
    if (filter) {
        put_filter(s, filter);
        text_copy(f->filter, sizeof(f->filter), before);
    }
    return true;
}

/* What is typed so far takes effect at once; but half a word never blanks the list. */
static void try_filter(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    struct filter_error err;
    f->none = f->bad = false;
    f->unknown[0] = '\0';
    if (try_before(s))
        return;
    struct filter *filter = filter_compile(f->field.text, &f->error);
    const char *unknown = filter_unknown(filter, s->m->fleet);
    text_copy(f->unknown, sizeof(f->unknown), unknown ? unknown : "");
    f->bad = !filter;
    if (f->bad)
        return;
    put_filter(s, filter);
    if (half_typed(f) && fleet_view_matched(f->view) == 0) {
        f->none = true;
        put_filter(s, filter_compile(f->filter, &err));
        return;
    }
    text_copy(f->filter, sizeof(f->filter), f->field.text);
}

/* Blanks around it say nothing, and the state file does not keep them. */
static void trim(struct field *field)
{
    char text[FIELD_MAX];
    size_t from = strspn(field->text, " "), to = field->len;
    while (to > from && field->text[to - 1] == ' ')
        to--;
    text_copy_n(text, sizeof(text), field->text + from, to - from);
    field_set(field, text);
}

/* Enter: what was typed is meant, even if nothing matches. */
static void keep_filter(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    if (f->bad)
        return;
    trim(&f->field);
    f->editing = false;
    try_filter(s);
    f->editing = f->bad; /* "temp>20 and" was half a word until now */
    if (f->bad)
        return;
    f->kept[0] = '\0';
    past_add(&s->ui->past, f->filter);
    ui_save(s);
}

void fleet_filter_set(struct step *s, const char *text)
{
    field_set(&s->ui->fleet.field, text);
    try_filter(s);
}

void fleet_screen_show(struct step *s, const char *filter, uint32_t states)
{
    struct fleet_screen *f = &s->ui->fleet;
    f->states = states;
    fleet_view_states(f->view, states);
    fleet_filter_set(s, filter);
}

/* After the text changed. */
static void typed(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    f->past_at = 0;
    filter_bar_hints(f);
    try_filter(s);
}

/* Keys that belong to the bar and not to its text. */
static bool bar_key(struct step *s, int key)
{
    struct fleet_screen *f = &s->ui->fleet;
    switch (key) {
    case K_ENTER:
        keep_filter(s);
        return true;
    case K_ESC:
    case K_CTRL('C'):
        f->editing = false;
        fleet_filter_set(s, f->before);
        f->kept[0] = '\0';
        return true;
    case K_TAB:
    case K_BACKTAB:
        if (filter_bar_complete(f, key == K_TAB ? 1 : -1))
            try_filter(s);
        return true;
    case K_UP:
    case K_DOWN:
        if (filter_bar_recall(f, &s->ui->past, key == K_UP ? 1 : -1))
            try_filter(s);
        return true;
    case K_PGUP:
    case K_PGDN:
        f->kept[0] = '\0';
        ui_act(s, key == K_PGUP ? ACTION_PAGE_UP : ACTION_PAGE_DOWN);
        return true;
    default:
        return true;
    }
}

bool fleet_filter_typing(struct step *s, const struct ui_event *ev)
{
    struct fleet_screen *f = &s->ui->fleet;
    bool taken;
    if (!f->editing)
        return false;
    size_t at = f->field.at;
    if (field_event(&f->field, ev, &taken))
        typed(s);
    else if (f->field.at != at)
        filter_bar_hints(f);
    return taken || ev->kind != UI_KEY || bar_key(s, ev->key);
}

void fleet_filter_edit(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    text_copy(f->before, sizeof(f->before), f->filter);
    text_copy(f->kept, sizeof(f->kept), f->touched ? f->selected : "");
    field_set(&f->field, f->filter);
    f->bad = f->none = f->half = false;
    f->unknown[0] = '\0';
    f->past_at = 0;
    f->editing = true;
    filter_bar_hints(f);
}
