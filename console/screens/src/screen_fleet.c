#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "columns.h"
#include "filter_bar.h"
#include "fleet_draw.h"
#include "views.h"

/* The fleet: a live table, worst first. This file is what keys do to it; fleet_draw.c what it
 * looks like. */

/* ---------------------------------------------------------------------------------- the view */

/* The keys that the fleet knows; a reading nobody has sent yet waits. Then severity, then id. */
static void apply_sort(struct fleet_screen *f)
{
    struct fleet_sort_key keys[FLEET_SORT_KEYS];
    bool by_state = false;
    f->key_count = 0;
    f->key_readings = fleet_reading_count(f->of);
    for (size_t i = 0; i < f->sort_count; i++) {
        if (column_sort_key(f->of, &f->sort[i], &f->key[f->key_count]))
            f->key_count++;
    }
    memcpy(keys, f->key, sizeof(keys));
    for (size_t i = 0; i < f->key_count; i++)
        by_state = by_state || keys[i].column == FLEET_COL_STATE;
    size_t count = f->key_count;
    if (!by_state && count < FLEET_SORT_KEYS)
        keys[count++] = (struct fleet_sort_key){ .column = FLEET_COL_STATE, .reading = FLEET_NONE };
    fleet_view_sort(f->view, keys, count);
    f->stale = true;
}

static void new_view(struct fleet_screen *f, const struct ui_model *m)
{
    fleet_view_free(f->view);
    f->view = fleet_view_new(m->fleet);
    f->of = m->fleet;
    f->trend = FLEET_NONE;
    apply_sort(f);
    fleet_view_states(f->view, f->states);
    if (*f->filter) {
        struct filter_error err;
        fleet_view_filter(f->view, filter_compile(f->filter, &err));
    }
}

static const struct fleet_device *device_at(const struct fleet_screen *f, uint32_t row)
{
    uint32_t index = fleet_view_at(f->view, row);
    return index == FLEET_NONE ? NULL : fleet_device(f->of, index);
}

static void select_row(struct fleet_screen *f, uint32_t row)
{
    const struct fleet_device *d = device_at(f, row);
    f->selected[0] = '\0';
    f->row = row;
    if (d)
        text_copy(f->selected, sizeof(f->selected), d->id);
}

/* Scroll as little as shows the selected row; a followed one keeps its place on the screen. */
static void scroll(struct fleet_screen *f, uint32_t was_row)
{
    uint32_t count = fleet_view_count(f->view), page = f->page < 1 ? 1 : (uint32_t)f->page;
    if (f->follow && f->row != was_row) {
        int64_t top = (int64_t)f->top + (int64_t)f->row - (int64_t)was_row;
        f->top = (uint32_t)(top < 0 ? 0 : top);
    }
    if (f->row < f->top)
        f->top = f->row;
    if (f->row >= f->top + page)
        f->top = f->row - page + 1;
    if (f->top + page > count)
        f->top = count > page ? count - page : 0;
}

/* The selection is an id: find its row again; if it is no longer shown, take what stands there. */
static void find_selected(struct fleet_screen *f)
{
    uint32_t was = f->row, count = fleet_view_count(f->view);
    uint32_t row = *f->selected ? fleet_view_row(f->view, f->selected) : FLEET_NONE;
    if (!f->touched) /* nobody has chosen yet: the worst */
        select_row(f, 0);
    else if (row != FLEET_NONE)
        f->row = row;
    else
        select_row(f, count == 0 ? 0 : was < count ? was : count - 1);
    scroll(f, was);
}

static void refresh(struct ui *ui, const struct ui_model *m)
{
    struct fleet_screen *f = &ui->fleet;
    if (f->of != m->fleet)
        new_view(f, m);
    if (f->key_count < f->sort_count && f->key_readings != fleet_reading_count(m->fleet))
        apply_sort(f);
    bool held = m->now_ms < f->hold_until_ms && !f->stale;
    if (!held)
        fleet_view_refresh(f->view, m->now_ms);
    f->stale = false;
    find_selected(f);
}

/* After a key that says what is to be shown: at once, so that the next key acts on it. */
static void show_now(struct step *s)
{
    s->ui->fleet.stale = true;
    refresh(s->ui, s->m);
}

/* After a cursor key: rows stand still for a while. */
static void hold(struct step *s)
{
    s->ui->fleet.touched = true;
    s->ui->fleet.hold_until_ms = s->m->now_ms + FLEET_HOLD_MS;
}

/* ------------------------------------------------------------------------------------- marks */

static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

static char (*find_mark(const struct fleet_screen *f, const char *id))[PROTO_ID_MAX]
{
    if (f->mark_count == 0)
        return NULL;
    return bsearch(id, f->mark, f->mark_count, sizeof(*f->mark), compare_ids);
}

bool fleet_screen_is_marked(const struct ui *ui, const char *id)
{
    return find_mark(&ui->fleet, id) != NULL;
}

void fleet_screen_clear_marks(struct ui *ui)
{
    ui->fleet.mark_count = 0;
    ui->fleet.last_mark[0] = '\0';
}

static bool add_mark(struct fleet_screen *f, const char *id)
{
    if (f->mark_count == FLEET_MARKS_MAX)
        return false;
    MEM_PUSH_ROOM(f->mark, f->mark_count, f->mark_cap);
    text_copy(f->mark[f->mark_count++], sizeof(*f->mark), id);
    return true;
}

/* Mark rows first … last. */
static void mark_rows(struct step *s, uint32_t first, uint32_t last)
{
    struct fleet_screen *f = &s->ui->fleet;
    size_t before = f->mark_count, sorted;
    bool room = true;
    for (uint32_t row = first; row <= last && room; row++) {
        const struct fleet_device *d = device_at(f, row);
        sorted = f->mark_count;
        f->mark_count = before; /* look only among the sorted ones */
        bool known = d && find_mark(f, d->id);
        f->mark_count = sorted;
        if (d && !known)
            room = add_mark(f, d->id);
    }
    qsort(f->mark, f->mark_count, sizeof(*f->mark), compare_ids);
    if (!room)
        ui_say(s, TAIL_WARN, "not more than %d devices can be marked", FLEET_MARKS_MAX);
}

static void toggle_mark(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    if (!*f->selected)
        return;
    char(*mark)[PROTO_ID_MAX] = find_mark(f, f->selected);
    if (mark) {
        size_t at = (size_t)(mark - f->mark);
        memmove(mark, mark + 1, (f->mark_count - at - 1) * sizeof(*mark));
        f->mark_count--;
    } else {
        mark_rows(s, f->row, f->row);
        text_copy(f->last_mark, sizeof(f->last_mark), f->selected);
    }
    hold(s);
    if (f->row + 1 < fleet_view_count(f->view))
        select_row(f, f->row + 1);
    scroll(f, f->row);
}

static void mark_range(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    uint32_t from = *f->last_mark ? fleet_view_row(f->view, f->last_mark) : FLEET_NONE;
    if (!*f->selected)
        return;
    if (from == FLEET_NONE)
        from = f->row;
    mark_rows(s, from < f->row ? from : f->row, from < f->row ? f->row : from);
    text_copy(f->last_mark, sizeof(f->last_mark), f->selected);
    hold(s);
}

size_t fleet_screen_targets(struct ui *ui)
{
    const struct fleet_screen *f = &ui->fleet;
    bool one = ui_screen(ui) == SCREEN_DEVICE || f->mark_count == 0;
    const char *id = ui_selected(ui);
    size_t count = !one ? f->mark_count : *id ? 1 : 0;
    ui_ids_room(ui, count);
    for (size_t i = 0; i < count; i++)
        text_copy(ui->ids[i], sizeof(*ui->ids), one ? id : f->mark[i]);
    return count;
}

/* ------------------------------------------------------------------------------------ filter */

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
    show_now(s);
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

/* Enter: what was typed is meant, even if nothing matches. */
static void keep_filter(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    if (f->bad)
        return;
    f->editing = false;
    try_filter(s);
    f->editing = f->bad; /* "temp>20 and" was half a word until now */
    if (f->bad)
        return;
    f->kept[0] = '\0';
    past_add(&s->ui->past, f->filter);
    ui_save(s);
}

static void set_filter(struct step *s, const char *text)
{
    field_set(&s->ui->fleet.field, text);
    try_filter(s);
}

void fleet_screen_show(struct step *s, const char *filter, uint32_t states)
{
    struct fleet_screen *f = &s->ui->fleet;
    f->states = states;
    fleet_view_states(f->view, states);
    set_filter(s, filter);
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
        set_filter(s, f->before);
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
        return key != K_CTRL('L') && key != K_CTRL('Z');
    }
}

static bool typing(struct step *s, const struct ui_event *ev)
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

/* ------------------------------------------------------------------------------------- acts */

static void reboot(struct step *s)
{
    struct confirm c = { .keep = "Cancel", .act = "Reboot", .doing = "reboot" };
    size_t count = fleet_screen_targets(s->ui);
    if (count == 0 || !ui_may_act(s))
        return;
    c.effect = (struct ui_effect){ .kind = UI_COMMAND, .verb = VERB_REBOOT, .id_count = count };
    fleet_confirm_ids(s->ui, s->m, &c, "Restarts");
    if (count == 1)
        snprintf(c.title, sizeof(c.title), "reboot %s", s->ui->ids[0]);
    else
        snprintf(c.title, sizeof(c.title), "reboot %u devices", (unsigned)count);
    if (count > 1)
        snprintf(c.type, sizeof(c.type), "%u", (unsigned)count);
    confirm_open(s->ui, &c);
}

static void identify(struct step *s)
{
    size_t count = fleet_screen_targets(s->ui);
    if (count == 0 || !ui_may_act(s))
        return;
    struct ui_effect *e = ui_effect(s, UI_COMMAND);
    e->verb = VERB_IDENTIFY;
    e->ids = s->ui->ids;
    e->id_count = count;
    ui_say(s, TAIL_PLAIN, "identify: asked %s%s", count == 1 ? s->ui->ids[0] : "the marked devices",
           count == 1 ? "" : " to show themselves");
}

size_t fleet_screen_rows(struct ui *ui)
{
    struct fleet_screen *f = &ui->fleet;
    uint32_t count = fleet_view_count(f->view);
    size_t used = 0;
    ui_ids_room(ui, count);
    for (uint32_t row = 0; row < count; row++) {
        const struct fleet_device *d = device_at(f, row);
        if (d)
            text_copy(ui->ids[used++], sizeof(*ui->ids), d->id);
    }
    return used;
}

static void copy_ids(struct step *s)
{
    size_t count = fleet_screen_targets(s->ui);
    struct ui_effect *e = count ? ui_effect(s, UI_COPY) : NULL;
    size_t used = 0, copied = 0;
    for (size_t i = 0; e && i < count; i++) {
        size_t len = strlen(s->ui->ids[i]);
        if (used + len + 2 > sizeof(e->text))
            break;
        memcpy(e->text + used, s->ui->ids[i], len);
        used += len;
        e->text[used++] = i + 1 < count ? ' ' : '\0';
        copied++;
    }
    if (e && copied < count)
        ui_say(s, TAIL_WARN, "copied the first %u of %u ids", (unsigned)copied, (unsigned)count);
    else if (e)
        ui_say(s, TAIL_PLAIN, "copied %s", count == 1 ? s->ui->ids[0] : "the marked ids");
}

void fleet_screen_trend(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    bool by_reading = f->key_count && f->key[0].column == FLEET_COL_READING;
    uint32_t reading = by_reading ? f->key[0].reading : FLEET_NONE;
    if (!f->of || reading == f->trend)
        return;
    f->trend = reading;
    ui_effect(s, UI_TREND)->reading = reading;
}

void fleet_screen_sort_by(struct step *s, const struct sort_choice *by, size_t count)
{
    struct fleet_screen *f = &s->ui->fleet;
    if (count == 0)
        return;
    f->sort_count = count < FLEET_SORT_KEYS ? count : FLEET_SORT_KEYS;
    memmove(f->sort, by, f->sort_count * sizeof(*by));
    apply_sort(f);
    show_now(s);
    f->top = 0;
    scroll(f, f->row);
    ui_save(s);
}

static void chip(struct step *s, uint32_t mask)
{
    struct fleet_screen *f = &s->ui->fleet;
    f->states = f->states == mask ? 0 : mask; /* the same key again: all */
    fleet_view_states(f->view, f->states);
    show_now(s);
}

static void back(struct step *s)
{
    struct fleet_screen *f = &s->ui->fleet;
    if (f->mark_count)
        fleet_screen_clear_marks(s->ui);
    else if (*f->filter)
        set_filter(s, "");
    else if (f->states)
        chip(s, f->states);
    else
        ui_say(s, TAIL_PLAIN, "q quits");
}

static void edit_filter(struct step *s)
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

/* ------------------------------------------------------------------------------------ moving */

static bool move(struct step *s, enum action action)
{
    struct fleet_screen *f = &s->ui->fleet;
    struct cursor c = { .row = f->row, .top = f->top };
    if (!cursor_action(&c, action, fleet_view_count(f->view), f->page))
        return false;
    f->top = c.top;
    select_row(f, c.row);
    hold(s);
    return true;
}

void fleet_screen_move(struct ui *ui, const struct ui_model *m, int by)
{
    struct fleet_screen *f = &ui->fleet;
    refresh(ui, m);
    uint32_t count = fleet_view_count(f->view);
    int64_t row = (int64_t)f->row + by;
    if (count == 0)
        return;
    select_row(f, (uint32_t)(row < 0 ? 0 : row >= count ? count - 1 : row));
    scroll(f, f->row);
}

static void open_selected(struct step *s)
{
    if (*s->ui->fleet.selected)
        ui_push(s, SCREEN_DEVICE);
}

void fleet_screen_open(struct step *s, const char *id)
{
    struct fleet_screen *f = &s->ui->fleet;
    ui_push(s, SCREEN_FLEET);
    if (fleet_find(s->m->fleet, id) == FLEET_NONE ||
        !text_copy(f->selected, sizeof(f->selected), id))
        return;
    f->touched = true;
    find_selected(f);
    text_copy(f->selected, sizeof(f->selected), id); /* also when the filter hides it */
    ui_push(s, SCREEN_DEVICE);
}

static bool filter_action(struct step *s, enum action action)
{
    switch ((int)action) {
    case ACTION_FILTER:
        edit_filter(s);
        return true;
    case ACTION_CHIP_ALL:
        s->ui->fleet.states = 0;
        fleet_view_states(s->ui->fleet.view, 0);
        show_now(s);
        return true;
    case ACTION_CHIP_1:
        chip(s, 1u << FLEET_CRIT);
        return true;
    case ACTION_CHIP_2:
        chip(s, 1u << FLEET_WARN);
        return true;
    case ACTION_CHIP_3:
        chip(s, 1u << FLEET_OFFLINE | 1u << FLEET_STALE);
        return true;
    case ACTION_CHIP_4:
        chip(s, 1u << FLEET_UPDATING);
        return true;
    case ACTION_CHIP_5:
        chip(s, 1u << FLEET_OK);
        return true;
    default:
        return false;
    }
}

static bool view_action(struct step *s, enum action action)
{
    struct fleet_screen *f = &s->ui->fleet;
    switch ((int)action) {
    case ACTION_SORT:
        sort_open(s->ui);
        return true;
    case ACTION_INVERT:
        f->sort[0].invert = !f->sort[0].invert;
        fleet_screen_sort_by(s, f->sort, f->sort_count);
        return true;
    case ACTION_COLUMNS:
        columns_open(s);
        return true;
    case ACTION_VIEWS:
        views_open(s);
        return true;
    case ACTION_FOLLOW:
        f->follow = !f->follow;
        ui_say(s, TAIL_PLAIN, f->follow ? "the view follows %s" : "the view stays",
               *f->selected ? f->selected : "the selected row");
        return true;
    case ACTION_PREVIEW:
        f->preview_off = !f->preview_off;
        if (!f->preview_off && (s->ui->rows < FLEET_PREVIEW_ROWS || s->ui->cols < 100))
            ui_say(s, TAIL_PLAIN,
                   "the plot needs 100 columns and %d rows; here it is a line for what is not ok",
                   FLEET_PREVIEW_ROWS);
        return true;
    case ACTION_SPAN_MORE:
    case ACTION_SPAN_LESS:
        change_span(s, &f->span_ms, action == ACTION_SPAN_MORE ? 1 : -1);
        return true;
    default:
        return false;
    }
}

static bool mark_action(struct step *s, enum action action)
{
    switch ((int)action) {
    case ACTION_MARK:
        toggle_mark(s);
        return true;
    case ACTION_MARK_RANGE:
        mark_range(s);
        return true;
    case ACTION_MARK_ALL:
        if (fleet_view_count(s->ui->fleet.view))
            mark_rows(s, 0, fleet_view_count(s->ui->fleet.view) - 1);
        return true;
    case ACTION_EXPORT:
        export_open(s, UI_ROWS_DEVICES);
        return true;
    default:
        return false;
    }
}

bool fleet_screen_act(struct step *s, enum action action)
{
    switch ((int)action) {
    case ACTION_UPDATE:
        if (ui_may_act(s))
            start_open(s, NULL, NULL);
        return true;
    case ACTION_REBOOT:
        reboot(s);
        return true;
    case ACTION_IDENTIFY:
        identify(s);
        return true;
    case ACTION_CONFIG:
        config_open(s);
        return true;
    case ACTION_COPY:
        copy_ids(s);
        return true;
    default:
        return false;
    }
}

static bool action_taken(struct step *s, enum action action)
{
    if (action == ACTION_OPEN)
        open_selected(s);
    else if (action == ACTION_BACK)
        back(s);
    else if (!move(s, action) && !filter_action(s, action) && !view_action(s, action) &&
             !mark_action(s, action))
        return fleet_screen_act(s, action);
    return true;
}

/* A click on a header sorts by it; again, the other way round. */
static void click_header(struct step *s, int col)
{
    struct fleet_screen *f = &s->ui->fleet;
    for (size_t i = 0; i < f->column_count; i++) {
        const struct column *c = &f->column[i];
        struct sort_choice by = { .invert = column_inverts(c->word) };
        if (col < c->col || col > c->col + c->width || c->kind == COLUMN_TREND)
            continue;
        text_copy(by.word, sizeof(by.word), c->word);
        if (strcmp(c->word, f->sort[0].word) == 0)
            by.invert = !f->sort[0].invert;
        fleet_screen_sort_by(s, &by, 1);
        return;
    }
}

static void mouse(struct step *s, const struct ui_event *ev)
{
    struct fleet_screen *f = &s->ui->fleet;
    if (ev->mouse == UI_WHEEL_UP || ev->mouse == UI_WHEEL_DOWN) {
        for (int i = 0; i < 3; i++)
            move(s, ev->mouse == UI_WHEEL_UP ? ACTION_UP : ACTION_DOWN);
        return;
    }
    if (ev->row == f->head_row) {
        click_header(s, ev->col);
        return;
    }
    uint32_t row = f->top + (uint32_t)(ev->row - f->list_row);
    if (ev->row < f->list_row || ev->row >= f->list_row + f->page ||
        row >= fleet_view_count(f->view))
        return;
    bool again = row == f->row;
    select_row(f, row);
    hold(s);
    if (again || ev->mouse == UI_DOUBLE_CLICK)
        open_selected(s);
}

const struct screen_ops screen_fleet = {
    .refresh = refresh,
    .typing = typing,
    .action = action_taken,
    .mouse = mouse,
    .head_rows = fleet_head_rows,
    .bottom_rows = fleet_bottom_rows,
    .head = fleet_head,
    .body = fleet_body,
    .acts = fleet_acts,
    .bar = fleet_bar,
    .narrow = fleet_narrow,
};
