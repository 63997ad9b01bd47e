#include "device_draw.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* One device: facts, plots, messages, commands, updates. device_draw.c is what it looks like. */

#define PLOT_DAYS 400 /* further back nobody pages */

static void watch(struct step *s, enum ui_effect_kind kind)
{
    struct ui_effect *e = ui_effect(s, kind);
    text_copy(e->id, sizeof(e->id), s->ui->device.id);
}

static void show(struct step *s, const char *id)
{
    struct device_screen *d = &s->ui->device;
    struct device_screen fresh = { .pane = d->pane,
                                   .low = d->low,
                                   .span_ms = d->span_ms,
                                   .end_ms = d->end_ms,
                                   .large = d->large,
                                   .range = d->range == RANGE_FIXED ? RANGE_ALL : d->range,
                                   .wrap = d->wrap,
                                   .form = d->form,
                                   .context = d->context,
                                   .filter = d->filter,
                                   .find = d->find };
    text_copy(fresh.id, sizeof(fresh.id), id);
    *d = fresh;
    watch(s, UI_WATCH);
}

static void opened(struct step *s)
{
    struct device_screen *d = &s->ui->device;
    field_set(&d->filter, ""); /* kept from device to device, not from visit to visit */
    field_set(&d->find, "");
    d->end_ms = 0;
    d->large = false;
    show(s, s->ui->fleet.selected);
}

static void closed(struct step *s)
{
    watch(s, UI_UNWATCH);
}

static void other_device(struct step *s, int by)
{
    fleet_screen_move(s->ui, s->m, by);
    s->ui->fleet.touched = true;
    if (strcmp(s->ui->fleet.selected, s->ui->device.id) == 0) {
        ui_say(s, TAIL_PLAIN, by > 0 ? "that was the last one" : "that was the first one");
        return;
    }
    watch(s, UI_UNWATCH);
    show(s, s->ui->fleet.selected);
}

/* ------------------------------------------------------------------------------------- tail */

/* The next line that passes the filter, from `seq` in direction `by`; 0 when there is none. */
static uint64_t next_line(const struct ui *ui, const struct ui_model *m, uint64_t seq, int by)
{
    uint64_t first, last;
    fleet_tail_range(m->fleet, ui->device.id, &first, &last);
    for (;;) {
        seq = by > 0 ? seq + 1 : seq - 1;
        if (last == 0 || seq < first || seq > last)
            return 0;
        if (device_tail_shows(ui, m, seq))
            return seq;
    }
}

static void tail_go(struct step *s, int by, int lines)
{
    struct device_screen *d = &s->ui->device;
    uint64_t first, last;
    fleet_tail_range(s->m->fleet, d->id, &first, &last);
    if (!d->paused) {
        if (by > 0)
            return;
        d->paused = true;
        d->top = d->seen = last;
    }
    while (lines-- > 0) {
        uint64_t next = next_line(s->ui, s->m, d->top, by);
        if (!next) {
            d->paused = by < 0; /* past the newest: live again */
            return;
        }
        d->top = next;
    }
}

static bool tail_action(struct step *s, enum action action)
{
    struct device_screen *d = &s->ui->device;
    int page = d->tail_rows < 2 ? 1 : d->tail_rows - 1;
    switch ((int)action) {
    case ACTION_UP:
        tail_go(s, -1, 1);
        return true;
    case ACTION_DOWN:
        tail_go(s, 1, 1);
        return true;
    case ACTION_PAGE_UP:
    case ACTION_HALF_UP:
        tail_go(s, -1, page);
        return true;
    case ACTION_PAGE_DOWN:
    case ACTION_HALF_DOWN:
        tail_go(s, 1, page);
        return true;
    case ACTION_FIRST:
        tail_go(s, -1, FLEET_TAIL_LINES);
        return true;
    case ACTION_LAST:
        d->paused = false;
        return true;
    default:
        return false;
    }
}

static void toggle_follow(struct step *s)
{
    struct device_screen *d = &s->ui->device;
    uint64_t first, last;
    fleet_tail_range(s->m->fleet, d->id, &first, &last);
    d->paused = !d->paused;
    d->top = d->seen = last;
    d->pane = PANE_TAIL;
}

/* The next line that has what is looked for, with a few after it. */
static void go_to_match(struct step *s, int by)
{
    struct device_screen *d = &s->ui->device;
    uint64_t first, last;

    fleet_tail_range(s->m->fleet, d->id, &first, &last);
    if (!d->find.len && !d->filter.len) {
        ui_say(s, TAIL_PLAIN, "nothing is looked for: h marks a text, / filters");
        return;
    }
    uint64_t at = d->match && d->match >= first ? d->match : last + 1;
    for (;;) {
        at = by > 0 ? at + 1 : at - 1;
        if (at < first || at > last || last == 0) {
            ui_say(s, TAIL_PLAIN, by > 0 ? "no later match" : "no earlier match");
            return;
        }
        if (device_tail_matches(d, fleet_tail(s->m->fleet, d->id, at)) &&
            device_tail_shows(s->ui, s->m, at))
            break;
    }
    if (!d->paused)
        d->seen = last;
    d->paused = true;
    d->match = d->top = at;
    d->pane = PANE_TAIL;
    for (int i = 0; i < d->tail_rows / 2; i++) {
        uint64_t next = next_line(s->ui, s->m, d->top, 1);
        d->top = next ? next : d->top;
    }
}

static bool tail_view(struct step *s, enum action action)
{
    static const int contexts[] = { 0, 2, 5 };
    struct device_screen *d = &s->ui->device;

    switch ((int)action) {
    case ACTION_FOLLOW:
        toggle_follow(s);
        return true;
    case ACTION_WRAP:
        d->wrap = !d->wrap;
        return true;
    case ACTION_FORM:
        d->form = (enum tail_form)((d->form + 1) % TAIL_FORMS);
        return true;
    case ACTION_CONTEXT:
        d->context = d->context == contexts[0]   ? contexts[1]
                     : d->context == contexts[1] ? contexts[2]
                                                 : contexts[0];
        ui_say(s, TAIL_PLAIN,
               d->context ? "%d lines around what passes the filter"
                          : "only what passes the filter",
               d->context);
        return true;
    case ACTION_NEXT_MATCH:
    case ACTION_PREV_MATCH:
        go_to_match(s, action == ACTION_NEXT_MATCH ? -1 : 1);
        return true;
    case ACTION_FILTER:
    case ACTION_FIND:
        d->editing = action == ACTION_FILTER ? EDIT_FILTER : EDIT_FIND;
        d->pane = PANE_TAIL;
        return true;
    default:
        return false;
    }
}

/* ------------------------------------------------------------------------------------ plots */

static void new_axes(struct device_screen *d)
{
    if (d->range != RANGE_FIXED)
        memset(d->axis, 0, sizeof(d->axis));
}

/* By half of what is shown; forward past now is now. */
static void page_time(struct step *s, int by)
{
    struct device_screen *d = &s->ui->device;
    const struct fleet_device *dev = device_of(s->ui, s->m);
    int64_t span = dev ? span_now(s->m, dev, d->span_ms) : d->span_ms;
    int64_t end = (d->end_ms ? d->end_ms : s->m->now_ms) + by * span / 2;

    end -= end % 60000;
    if (end >= s->m->now_ms) {
        end = 0;
        if (by > 0 && !d->end_ms)
            ui_say(s, TAIL_PLAIN, "this is now");
    } else if (s->m->now_ms - end > PLOT_DAYS * INT64_C(86400000)) {
        ui_say(s, TAIL_PLAIN, "nothing is kept for longer");
        return;
    }
    d->end_ms = end;
    d->pane = PANE_PLOTS;
    new_axes(d);
}

static bool plots_action(struct step *s, enum action action)
{
    struct device_screen *d = &s->ui->device;
    uint32_t reading[PROTO_READINGS];
    const struct fleet_device *dev = device_of(s->ui, s->m);
    struct cursor c = { .row = d->reading };

    if (action == ACTION_PAGE_UP || action == ACTION_PAGE_DOWN) {
        page_time(s, action == ACTION_PAGE_UP ? -1 : 1);
        return true;
    }
    if (action == ACTION_LAST && d->end_ms) {
        d->end_ms = 0;
        new_axes(d);
        return true;
    }
    if (!cursor_action(&c, action, dev ? (uint32_t)device_readings(s->m, dev, reading) : 0, 3))
        return false;
    d->reading = c.row;
    return true;
}

static bool plots_view(struct step *s, enum action action)
{
    static const char *const ranges[PLOT_RANGES] = { "the axis spans all values",
                                                     "the axis spans 1 to 99 % of the values",
                                                     "the axis stays as it is",
                                                     "the axis begins at zero" };
    struct device_screen *d = &s->ui->device;

    switch ((int)action) {
    case ACTION_SPAN_MORE:
    case ACTION_SPAN_LESS:
        change_span(s, &d->span_ms, action == ACTION_SPAN_MORE ? 1 : -1);
        new_axes(d);
        return true;
    case ACTION_EARLIER:
    case ACTION_LATER:
        page_time(s, action == ACTION_EARLIER ? -1 : 1);
        return true;
    case ACTION_SCALE:
        d->range = (enum plot_range)((d->range + 1) % PLOT_RANGES);
        new_axes(d);
        ui_say(s, TAIL_PLAIN, "%s", ranges[d->range]);
        return true;
    case ACTION_ZOOM:
        d->large = !d->large;
        new_axes(d);
        return true;
    default:
        return false;
    }
}

static bool list_action(struct step *s, enum action action)
{
    struct device_screen *d = &s->ui->device;
    uint32_t count = d->pane == PANE_COMMANDS ? device_command_count(s->ui, s->m)
                     : d->pane == PANE_UPDATES
                         ? device_update_count(s->ui, s->m, device_of(s->ui, s->m))
                         : 0;
    return cursor_action(&d->row, action, count, 3);
}

static void export_shown(struct step *s)
{
    struct device_screen *d = &s->ui->device;
    struct ui_effect *e;

    if (d->pane == PANE_PLOTS) {
        e = ui_effect(s, UI_EXPORT_SERIES);
        if (!ui_wants_past(s->ui, s->m, &e->past))
            e->kind = UI_EXPORT_TAIL;
    } else {
        e = ui_effect(s, UI_EXPORT_TAIL);
    }
    text_copy(e->id, sizeof(e->id), d->id);
}

/* ------------------------------------------------------------------------------------- keys */

static bool typing(struct step *s, const struct ui_event *ev)
{
    struct device_screen *d = &s->ui->device;
    struct field *field = d->editing == EDIT_FILTER ? &d->filter : &d->find;
    bool taken;

    if (d->editing == EDIT_NOTHING)
        return false;
    if (field_event(field, ev, &taken))
        d->match = 0;
    if (ev->kind != UI_KEY || taken)
        return true;
    if (ev->key == K_ESC || ev->key == K_CTRL('C')) {
        field_set(field, "");
        d->editing = EDIT_NOTHING;
    } else if (ev->key == K_ENTER) {
        bool find = d->editing == EDIT_FIND && d->find.len;
        d->editing = EDIT_NOTHING;
        if (find)
            go_to_match(s, -1);
    }
    return true;
}

static void next_pane(struct step *s, int by)
{
    struct device_screen *d = &s->ui->device;
    d->pane = (enum device_pane)(((int)d->pane + by + DEVICE_PANES) % DEVICE_PANES);
    d->row = (struct cursor){ 0 };
}

/* One thing at a time, before the screen itself. */
static bool back(struct step *s)
{
    struct device_screen *d = &s->ui->device;

    if (d->find.len) {
        field_set(&d->find, "");
        d->match = 0;
    } else if (d->filter.len) {
        field_set(&d->filter, "");
    } else if (d->large) {
        d->large = false;
        new_axes(d);
    } else if (d->end_ms) {
        d->end_ms = 0;
        new_axes(d);
    } else {
        return false;
    }
    return true;
}

static bool action_taken(struct step *s, enum action action)
{
    struct device_screen *d = &s->ui->device;

    switch ((int)action) {
    case ACTION_BACK:
        return back(s);
    case ACTION_PANE_NEXT:
    case ACTION_PANE_PREV:
        next_pane(s, action == ACTION_PANE_NEXT ? 1 : -1);
        return true;
    case ACTION_NEXT_ITEM:
    case ACTION_PREV_ITEM:
        other_device(s, action == ACTION_NEXT_ITEM ? 1 : -1);
        return true;
    case ACTION_EXPORT:
        export_shown(s);
        return true;
    default:
        break;
    }
    if (plots_view(s, action) || tail_view(s, action) || fleet_screen_act(s, action))
        return true;
    return d->pane == PANE_TAIL    ? tail_action(s, action)
           : d->pane == PANE_PLOTS ? plots_action(s, action)
                                   : list_action(s, action);
}

static void mouse(struct step *s, const struct ui_event *ev)
{
    if (ev->mouse == UI_WHEEL_UP)
        tail_go(s, -1, 3);
    else if (ev->mouse == UI_WHEEL_DOWN)
        tail_go(s, 1, 3);
}

const struct screen_ops screen_device = {
    .typing = typing,
    .action = action_taken,
    .mouse = mouse,
    .opened = opened,
    .closed = closed,
    .bottom_rows = device_bottom_rows,
    .head = device_head,
    .body = device_body,
    .acts = device_acts,
    .bar = device_bar,
    .narrow = device_narrow,
};
