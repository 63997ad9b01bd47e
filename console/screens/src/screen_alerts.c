#include "alerts_view.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "fleet/rows.h"

/* What is wrong now, worst first; what was; and who is told nothing for a while. The selection is
 * an alert or a silence, not a row. This file is what keys do; alerts_draw.c what it looks like. */

/* ------------------------------------------------------------------------------------- rows */

static size_t whole_count(const struct ui *ui, const struct ui_model *m)
{
    const struct alert *const *list;
    size_t n = 0;

    if (!m->alerts)
        return 0;
    if (ui->alerts.pane == ALERTS_NOW)
        return alerts_list(m->alerts, &list);
    while (ui->alerts.pane == ALERTS_PAST ? alerts_past(m->alerts, n) != NULL
                                          : alerts_silence(m->alerts, n) != NULL)
        n++;
    return n;
}

/* Of the whole list of the pane. */
static const struct alert *alert_nth(const struct ui *ui, const struct ui_model *m, size_t n)
{
    const struct alert *const *list;

    if (!m->alerts || ui->alerts.pane == ALERTS_SILENCES)
        return NULL;
    if (ui->alerts.pane == ALERTS_PAST)
        return alerts_past(m->alerts, n);
    return n < alerts_list(m->alerts, &list) ? list[n] : NULL;
}

/* What the filter and its completion read. */
struct rows {
    const struct ui *ui;
    const struct ui_model *m;
    struct alert_row alert;
    struct silence_row silence;
};

static const void *row_nth(void *ctx, size_t n)
{
    struct rows *r = ctx;

    if (r->ui->alerts.pane == ALERTS_SILENCES) {
        r->silence.silence = r->m->alerts ? alerts_silence(r->m->alerts, n) : NULL;
        r->silence.mutes = n < ALERT_SILENCES ? r->ui->alerts.mutes[n] : 0;
        return r->silence.silence ? &r->silence : NULL;
    }
    const struct alert *alert = alert_nth(r->ui, r->m, n);
    if (!alert)
        return NULL;
    alert_row_of(r->m->alerts, alert, &r->alert);
    return &r->alert;
}

static struct filter_list list_of(const struct ui *ui, const struct ui_model *m, struct rows *r)
{
    *r = (struct rows){ .ui = ui, .m = m };
    return (struct filter_list){ .rows = ui->alerts.pane == ALERTS_SILENCES ? &silence_rows
                                                                            : &alert_rows,
                                 .fleet = m->fleet,
                                 .row = row_nth,
                                 .ctx = r,
                                 .now_ms = m->now_ms };
}

struct list_filter *alerts_screen_filter(struct ui *ui)
{
    return ui->alerts.pane == ALERTS_SILENCES ? &ui->alerts.of_silences : &ui->alerts.of_alerts;
}

/* Is what is shown as it was made? Ages and devices change each second, alerts when they do. */
static bool is_made(const struct ui *ui, const struct ui_model *m, uint64_t turn)
{
    const struct alerts_screen *l = &ui->alerts;

    return l->made_of == m->alerts && l->made_pane == l->pane && l->made_turn == turn &&
           l->made_s == m->now_ms / 1000 &&
           (!m->alerts || l->made_version == alerts_version(m->alerts));
}

static void count_silences(struct alerts_screen *l, const struct ui_model *m)
{
    for (size_t n = 0; n < ALERT_SILENCES && alerts_silence(m->alerts, n); n++) {
        l->mutes[n] = alerts_silence_mutes(m->alerts, n);
        l->devices[n] = alerts_silence_devices(m->alerts, n);
    }
}

static void collect(struct ui *ui, const struct ui_model *m)
{
    struct alerts_screen *l = &ui->alerts;
    struct list_filter *f = alerts_screen_filter(ui);
    struct rows r;
    struct filter_list list = list_of(ui, m, &r);

    if (is_made(ui, m, f->turn))
        return;
    if (l->pane == ALERTS_SILENCES && m->alerts)
        count_silences(l, m);
    l->all = (uint32_t)whole_count(ui, m);
    if (l->shown_cap < l->all) {
        l->shown = mem_grow(l->shown, l->all, sizeof(*l->shown));
        l->shown_cap = l->all;
    }
    l->shown_count = 0;
    for (uint32_t n = 0; n < l->all; n++)
        if (!f->filter || list_filter_passes(f, &list, row_nth(&r, n)))
            l->shown[l->shown_count++] = n;
    l->made_of = m->alerts;
    l->made_pane = l->pane;
    l->made_turn = f->turn;
    l->made_s = m->now_ms / 1000;
    l->made_version = m->alerts ? alerts_version(m->alerts) : 0;
}

const struct alert *alerts_screen_alert(const struct ui *ui, const struct ui_model *m, uint32_t n)
{
    return n < ui->alerts.shown_count ? alert_nth(ui, m, ui->alerts.shown[n]) : NULL;
}

const struct alert_silence *alerts_screen_silence(const struct ui *ui, const struct ui_model *m,
                                                  uint32_t n)
{
    if (ui->alerts.pane != ALERTS_SILENCES || !m->alerts || n >= ui->alerts.shown_count)
        return NULL;
    return alerts_silence(m->alerts, ui->alerts.shown[n]);
}

/* -------------------------------------------------------------------------------- selection */

static const char *rule_name(const struct ui_model *m, const struct alert *alert)
{
    const struct alert_rule *rule = alerts_rule(m->alerts, alert->rule);

    return rule ? rule->name : "";
}

static bool is_chosen(const struct ui *ui, const struct ui_model *m, uint32_t n)
{
    const struct alerts_screen *l = &ui->alerts;
    const struct alert_silence *silence = alerts_screen_silence(ui, m, n);
    const struct alert *alert = alerts_screen_alert(ui, m, n);

    if (silence)
        return silence->id == l->number;
    return alert && strcmp(alert->id, l->id) == 0 && strcmp(rule_name(m, alert), l->rule) == 0 &&
           (l->pane == ALERTS_NOW || alert->fired_ms == l->number);
}

static void choose(struct ui *ui, const struct ui_model *m)
{
    struct alerts_screen *l = &ui->alerts;
    const struct alert *alert = alerts_screen_alert(ui, m, l->cursor.row);
    const struct alert_silence *silence = alerts_screen_silence(ui, m, l->cursor.row);

    text_copy(l->id, sizeof(l->id), alert ? alert->id : "");
    text_copy(l->rule, sizeof(l->rule), alert ? rule_name(m, alert) : "");
    l->number = silence ? silence->id : alert ? alert->fired_ms : 0;
}

/* The row in which the chosen one is now; false when it is shown no longer. */
static bool find_chosen(struct ui *ui, const struct ui_model *m)
{
    struct alerts_screen *l = &ui->alerts;

    for (uint32_t n = 0; n < l->shown_count; n++)
        if (is_chosen(ui, m, n)) {
            l->cursor.row = n;
            return true;
        }
    return false;
}

/* When the chosen one is gone, the row stays. */
static void refresh(struct ui *ui, const struct ui_model *m)
{
    struct alerts_screen *l = &ui->alerts;

    collect(ui, m);
    find_chosen(ui, m);
    cursor_fit(&l->cursor, l->shown_count, l->page);
    choose(ui, m);
}

static void show_pane(struct step *s, int by)
{
    struct alerts_screen *l = &s->ui->alerts;

    l->pane = (enum alerts_pane)(((int)l->pane + by + ALERTS_PANES) % ALERTS_PANES);
    l->cursor = (struct cursor){ 0 };
    l->id[0] = l->rule[0] = '\0';
    l->number = 0;
    refresh(s->ui, s->m);
}

/* ------------------------------------------------------------------------------------- acts */

static void acknowledge(struct step *s, const struct alert *alert)
{
    if (s->ui->alerts.pane != ALERTS_NOW || !ui_may_act(s))
        return;
    if (alert->acked) {
        ui_say(s, TAIL_PLAIN, "%s has seen it already", alert->ack_who);
        return;
    }
    struct ui_effect *e = ui_effect(s, UI_ALERT_ACK);
    text_copy(e->id, sizeof(e->id), alert->id);
    text_copy(e->text, sizeof(e->text), rule_name(s->m, alert));
}

static void end_silence(struct step *s, const struct alert_silence *silence)
{
    if (!silence) {
        ui_say(s, TAIL_PLAIN, "it is not muted");
        return;
    }
    if (!ui_may_act(s))
        return;
    s->ui->form.silence = *silence;
    ui_effect(s, UI_ALERT_UNSILENCE)->silence = &s->ui->form.silence;
}

static void open_subject(struct step *s, const struct alert *alert)
{
    if (alert->device == FLEET_NONE) {
        text_copy(s->ui->rollout.id, sizeof(s->ui->rollout.id), alert->id);
        ui_push(s, SCREEN_ROLLOUT);
        return;
    }
    text_copy(s->ui->fleet.selected, sizeof(s->ui->fleet.selected), alert->id);
    text_copy(s->ui->device.id, sizeof(s->ui->device.id), alert->id);
    ui_push(s, SCREEN_DEVICE);
}

static bool alert_action(struct step *s, enum action action, const struct alert *alert)
{
    bool now = s->ui->alerts.pane == ALERTS_NOW;

    switch ((int)action) {
    case ACTION_OPEN:
        open_subject(s, alert);
        return true;
    case ACTION_ACK:
        acknowledge(s, alert);
        return true;
    case ACTION_SILENCE:
        if (ui_may_act(s))
            alert_mute_open(s, rule_name(s->m, alert),
                            alert->device == FLEET_NONE ? "" : alert->id);
        return true;
    case ACTION_UNSILENCE:
        end_silence(s, now ? alerts_silence_of(s->m->alerts, alert) : NULL);
        return true;
    case ACTION_COPY:
        text_copy(ui_effect(s, UI_COPY)->text, 256, alert->id);
        return true;
    default:
        return false;
    }
}

static bool silence_action(struct step *s, enum action action, const struct alert_silence *silence)
{
    char target[ALERT_COND_MAX];

    switch ((int)action) {
    case ACTION_OPEN: /* its devices */
        text_copy(target, sizeof(target), silence->target);
        ui_push(s, SCREEN_FLEET);
        fleet_screen_show(s, target, 0);
        return true;
    case ACTION_ACK:
    case ACTION_SILENCE:
        ui_say(s, TAIL_PLAIN, "this is a silence: M ends it");
        return true;
    case ACTION_UNSILENCE:
        end_silence(s, silence);
        return true;
    case ACTION_COPY:
        text_format(ui_effect(s, UI_COPY)->text, 256, "%lld", (long long)silence->id);
        return true;
    default:
        return false;
    }
}

static const enum ui_rows export_of[ALERTS_PANES] = { UI_ROWS_ALERTS, UI_ROWS_PAST,
                                                      UI_ROWS_SILENCES };

/* What needs no selection. */
static bool list_action(struct step *s, enum action action)
{
    struct alerts_screen *l = &s->ui->alerts;
    struct rows r;
    struct filter_list list = list_of(s->ui, s->m, &r);

    if (cursor_action(&l->cursor, action, l->shown_count, l->page)) {
        choose(s->ui, s->m);
        return true;
    }
    if (action == ACTION_PANE_NEXT || action == ACTION_PANE_PREV) {
        show_pane(s, action == ACTION_PANE_NEXT ? 1 : -1);
        return true;
    }
    if (action == ACTION_EXPORT) {
        export_open(s, export_of[l->pane]);
        return true;
    }
    return list_filter_action(alerts_screen_filter(s->ui), &list, action);
}

/* An act hits what was shown as chosen: when that is over by now, nothing. */
static bool action_taken(struct step *s, enum action action)
{
    struct alerts_screen *l = &s->ui->alerts;

    collect(s->ui, s->m);
    bool was = l->id[0] || l->number, there = was && find_chosen(s->ui, s->m);
    if (list_action(s, action))
        return true;
    const struct alert_silence *silence = alerts_screen_silence(s->ui, s->m, l->cursor.row);
    const struct alert *alert = alerts_screen_alert(s->ui, s->m, l->cursor.row);
    if (there && silence)
        return silence_action(s, action, silence);
    if (there && alert)
        return alert_action(s, action, alert);
    bool act = action == ACTION_OPEN || action == ACTION_ACK || action == ACTION_SILENCE ||
               action == ACTION_UNSILENCE || action == ACTION_COPY;
    if (was && act)
        ui_say(s, TAIL_PLAIN, "what was chosen has just gone from the list");
    return act;
}

static bool typing(struct step *s, const struct ui_event *ev)
{
    struct rows r;
    struct filter_list list = list_of(s->ui, s->m, &r);

    return list_filter_typing(alerts_screen_filter(s->ui), &list, ev);
}

static void mouse(struct step *s, const struct ui_event *ev)
{
    struct alerts_screen *l = &s->ui->alerts;
    int row = ev->row - l->list_row;

    if (ev->mouse == UI_WHEEL_UP || ev->mouse == UI_WHEEL_DOWN) {
        action_taken(s, ev->mouse == UI_WHEEL_UP ? ACTION_UP : ACTION_DOWN);
        return;
    }
    uint32_t at = l->cursor.top + (uint32_t)(row < 0 ? 0 : row);
    if (row < 0 || row >= l->page || at >= l->shown_count)
        return;
    bool again = at == l->cursor.row;
    l->cursor.row = at;
    choose(s->ui, s->m);
    if (again || ev->mouse == UI_DOUBLE_CLICK)
        action_taken(s, ACTION_OPEN);
}

/* ----------------------------------------------------------------------------------- export */

static void export_row(struct ui *ui, const struct ui_model *m, uint32_t n, size_t *used)
{
    const struct alert_silence *silence = alerts_screen_silence(ui, m, n);
    const struct alert *alert = alerts_screen_alert(ui, m, n);
    char(*id)[PROTO_ID_MAX] = ui->ids;

    if (silence)
        text_format(id[(*used)++], sizeof(*id), "%lld", (long long)silence->id);
    if (!alert)
        return;
    text_copy(id[(*used)++], sizeof(*id), rule_name(m, alert));
    text_copy(id[(*used)++], sizeof(*id), alert->id);
    if (ui->alerts.pane == ALERTS_PAST)
        text_format(id[(*used)++], sizeof(*id), "%lld", (long long)alert->fired_ms);
}

size_t alerts_screen_rows(struct ui *ui, const struct ui_model *m)
{
    size_t used = 0;

    collect(ui, m);
    ui_ids_room(ui, (size_t)ui->alerts.shown_count * 3);
    for (uint32_t n = 0; n < ui->alerts.shown_count; n++)
        export_row(ui, m, n, &used);
    return used;
}

const struct screen_ops screen_alerts = {
    .refresh = refresh,
    .typing = typing,
    .action = action_taken,
    .mouse = mouse,
    .head = alerts_head,
    .body = alerts_body,
    .acts = alerts_acts,
    .bar = alerts_bar,
    .narrow = alerts_narrow,
};
