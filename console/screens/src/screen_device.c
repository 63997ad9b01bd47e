#include "device_draw.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* One device: facts, plots, messages, updates. device_draw.c is what it looks like. */

static void watch(struct step *s, enum ui_effect_kind kind)
{
    struct ui_effect *e = ui_effect(s, kind);
    text_copy(e->id, sizeof(e->id), s->ui->device.id);
}

static void show(struct step *s, const char *id)
{
    struct device_screen *d = &s->ui->device;
    struct device_screen fresh = { .pane = d->pane, .span_ms = d->span_ms, .wrap = d->wrap };
    text_copy(fresh.id, sizeof(fresh.id), id);
    *d = fresh;
    watch(s, UI_WATCH);
}

static void opened(struct step *s)
{
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
        if (device_tail_passes(&ui->device, fleet_tail(m->fleet, ui->device.id, seq)))
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

/* ------------------------------------------------------------------------------------ plots */

static bool plots_action(struct step *s, enum action action)
{
    struct device_screen *d = &s->ui->device;
    uint32_t index = fleet_find(s->m->fleet, d->id);
    const struct fleet_device *dev = index == FLEET_NONE ? NULL : fleet_device(s->m->fleet, index);
    struct cursor c = { .row = d->reading };
    if (!cursor_action(&c, action, dev ? dev->value_count : 0, 3))
        return false;
    d->reading = c.row;
    return true;
}

static bool updates_action(struct step *s, enum action action)
{
    return cursor_action(&s->ui->device.update, action, FLEET_UPDATES, 3);
}

/* ------------------------------------------------------------------------------------- keys */

static bool typing(struct step *s, const struct ui_event *ev)
{
    struct device_screen *d = &s->ui->device;
    bool taken;
    if (!d->editing)
        return false;
    field_event(&d->filter, ev, &taken);
    if (ev->kind != UI_KEY || taken)
        return true;
    if (ev->key == K_ESC || ev->key == K_CTRL('C')) {
        field_set(&d->filter, "");
        d->editing = false;
    } else if (ev->key == K_ENTER) {
        d->editing = false;
    }
    return true;
}

static void next_pane(struct step *s, int by)
{
    struct device_screen *d = &s->ui->device;
    int panes = device_is_wide(s->ui->rows, s->ui->cols) ? PANE_UPDATES : DEVICE_PANES;
    d->pane = (enum device_pane)(((int)d->pane + by + panes) % panes);
}

static bool back(struct step *s)
{
    struct device_screen *d = &s->ui->device;
    if (!d->filter.len)
        return false;
    field_set(&d->filter, "");
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
    case ACTION_SPAN_MORE:
    case ACTION_SPAN_LESS:
        change_span(s, &d->span_ms, action == ACTION_SPAN_MORE ? 1 : -1);
        return true;
    case ACTION_FOLLOW:
        toggle_follow(s);
        return true;
    case ACTION_WRAP:
        d->wrap = !d->wrap;
        return true;
    case ACTION_FILTER:
        d->editing = true;
        d->pane = PANE_TAIL;
        return true;
    default:
        break;
    }
    if (fleet_screen_act(s, action))
        return true;
    return d->pane == PANE_TAIL    ? tail_action(s, action)
           : d->pane == PANE_PLOTS ? plots_action(s, action)
                                   : updates_action(s, action);
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
