#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fleet/alert.h"

/* What is wrong now, worst first, and what was. The selection is an alert, not a row. */

enum { DETAIL_ROWS = 5, DETAIL_FROM = 16 };

static const struct alert *nth(const struct ui *ui, const struct ui_model *m, uint32_t n)
{
    const struct alert *const *list;

    if (!m->alerts)
        return NULL;
    if (ui->alerts.past)
        return alerts_past(m->alerts, n);
    return n < alerts_list(m->alerts, &list) ? list[n] : NULL;
}

static uint32_t count_of(const struct ui *ui, const struct ui_model *m)
{
    const struct alert *const *list;
    uint32_t n = 0;

    if (!m->alerts)
        return 0;
    if (!ui->alerts.past)
        return (uint32_t)alerts_list(m->alerts, &list);
    while (alerts_past(m->alerts, n))
        n++;
    return n;
}

static const char *rule_name(const struct ui_model *m, const struct alert *alert)
{
    const struct alert_rule *rule = alerts_rule(m->alerts, alert->rule);

    return rule ? rule->name : "";
}

static bool is_chosen(const struct ui *ui, const struct ui_model *m, const struct alert *alert)
{
    return strcmp(alert->id, ui->alerts.id) == 0 &&
           strcmp(rule_name(m, alert), ui->alerts.rule) == 0;
}

static void choose(struct ui *ui, const struct ui_model *m)
{
    const struct alert *alert = nth(ui, m, ui->alerts.cursor.row);

    text_copy(ui->alerts.id, sizeof(ui->alerts.id), alert ? alert->id : "");
    text_copy(ui->alerts.rule, sizeof(ui->alerts.rule), alert ? rule_name(m, alert) : "");
}

/* The chosen one may have another row now; when it is gone, the row stays. */
static void refresh(struct ui *ui, const struct ui_model *m)
{
    struct alerts_screen *l = &ui->alerts;
    uint32_t count = count_of(ui, m);

    for (uint32_t i = 0; i < count && *l->id; i++)
        if (is_chosen(ui, m, nth(ui, m, i))) {
            l->cursor.row = i;
            break;
        }
    cursor_fit(&l->cursor, count, l->page);
    choose(ui, m);
}

static const struct alert *selected(const struct ui *ui, const struct ui_model *m)
{
    return nth(ui, m, ui->alerts.cursor.row);
}

/* ------------------------------------------------------------------------------------- acts */

static void acknowledge(struct step *s, const struct alert *alert)
{
    if (s->ui->alerts.past || !ui_may_act(s))
        return;
    if (alert->acked) {
        ui_say(s, TAIL_PLAIN, "%s has seen it already", alert->ack_who);
        return;
    }
    struct ui_effect *e = ui_effect(s, UI_ALERT_ACK);
    text_copy(e->id, sizeof(e->id), alert->id);
    text_copy(e->text, sizeof(e->text), rule_name(s->m, alert));
}

static void unmute(struct step *s, const struct alert *alert)
{
    const struct alert_silence *silence = alerts_silence_of(s->m->alerts, alert);

    if (!silence || s->ui->alerts.past) {
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

static bool action_taken(struct step *s, enum action action)
{
    struct alerts_screen *l = &s->ui->alerts;

    if (cursor_action(&l->cursor, action, count_of(s->ui, s->m), l->page)) {
        choose(s->ui, s->m);
        return true;
    }
    if (action == ACTION_PANE_NEXT || action == ACTION_PANE_PREV) {
        l->past = !l->past;
        l->cursor = (struct cursor){ 0 };
        choose(s->ui, s->m);
        return true;
    }
    const struct alert *alert = selected(s->ui, s->m);
    if (!alert)
        return false;
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
        unmute(s, alert);
        return true;
    case ACTION_COPY:
        text_copy(ui_effect(s, UI_COPY)->text, 256, alert->id);
        return true;
    default:
        return false;
    }
}

/* ------------------------------------------------------------------------------------- list */

static enum role role_of(const struct alert *alert)
{
    static const enum role roles[] = { ROLE_UPDATING, ROLE_WARN, ROLE_CRIT };

    return alert->silenced || alert->cleared_ms ? ROLE_DIM : roles[alert->level];
}

static const char *glyph_of(const struct alert *alert)
{
    static const char *const glyphs[] = { "·", "▲", "✗" };

    return glyphs[alert->level];
}

static const char *seen_by(const struct alert *alert, char *out, size_t cap)
{
    if (alert->silenced)
        return "silenced";
    if (!alert->acked)
        return "";
    snprintf(out, cap, "seen by %.24s", alert->ack_who);
    return out;
}

/* Where the columns are: narrow screens do without the word beside the glyph, wide ones have rule
 * and duration too (the text says what the rule asks). */
struct columns {
    int level, since, device, device_width, rule, lasts, what, seen;
};

static struct columns columns_of(struct area a)
{
    int cols = a.cols;
    if (cols >= 112)
        return (struct columns){ 6, 11, 22, 20, 43, 58, 68, cols - (cols >= 150 ? 32 : 10) };
    if (cols >= 72)
        return (struct columns){ 6, 11, 22, 18, 0, 0, 41, cols - 10 };
    if (a.c->words)
        return (struct columns){ 3, 8, 18, 12, 0, 0, 31, cols - 6 };
    return (struct columns){ 0, 6, 16, 14, 0, 0, 31, cols - 6 };
}

static const char *seen_short(const struct alert *alert, bool narrow)
{
    return alert->silenced ? (narrow ? "muted" : "silenced") : alert->acked ? "seen" : "";
}

static void draw_row(const struct ui_model *m, const struct alert *alert, struct area a)
{
    char text[ALERT_TEXT_MAX];
    struct columns at = columns_of(a);

    area_mark(a, 0, 4, role_of(alert), glyph_of(alert));
    if (at.level)
        area_text(a, 0, at.level, role_of(alert), alert_level_word(alert->level));
    area_field(a, 0, at.since, 9, ROLE_DIM, fmt_day_hm(alert->fired_ms, m->now_ms, text), false);
    area_field(a, 0, at.device, at.device_width, ROLE_TEXT, alert->id, false);
    if (at.rule) {
        int64_t end = alert->cleared_ms ? alert->cleared_ms : m->now_ms;
        area_field(a, 0, at.rule, 14, ROLE_DIM, rule_name(m, alert), false);
        area_field(a, 0, at.lasts, 8, ROLE_DIM,
                   alert->cleared_ms ? fmt_duration((end - alert->fired_ms) / 1000, text)
                                     : fmt_age(end - alert->fired_ms, text),
                   true);
    }
    area_field(a, 0, at.what, at.seen - at.what - 1, alert->silenced ? ROLE_DIM : ROLE_TEXT,
               clean(text, sizeof(text), alert->text), false);
    area_field(a, 0, at.seen, a.cols - at.seen - 1, ROLE_DIM,
               a.cols >= 150 ? seen_by(alert, text, sizeof(text)) : seen_short(alert, a.cols < 72),
               false);
}

static void titles(struct area a)
{
    struct columns at = columns_of(a);

    area_text(a, 0, at.level ? at.level : at.since, ROLE_HEADER, "SINCE");
    area_text(a, 0, at.device, ROLE_HEADER, "DEVICE");
    if (at.rule) {
        area_text(a, 0, at.rule, ROLE_HEADER, "RULE");
        area_text(a, 0, at.lasts + 5, ROLE_HEADER, "FOR");
    }
    area_text(a, 0, at.what, ROLE_HEADER, "WHAT");
}

/* Who muted it, for how long, and why. */
static void draw_silence(const struct ui_model *m, const struct alert *alert, struct area a)
{
    const struct alert_silence *s = alert->cleared_ms ? NULL : alerts_silence_of(m->alerts, alert);
    char text[ALERT_REASON_MAX], until[FMT_MAX];

    if (s)
        area_printf(a, 0, 2, ROLE_WARN, "muted until %s by %s: %s",
                    fmt_day_hm(s->until_ms, m->now_ms, until), s->who,
                    clean(text, sizeof(text), s->reason));
}

static void draw_detail(const struct ui_model *m, const struct alert *alert, struct area a)
{
    const struct alert_rule *rule = alert ? alerts_rule(m->alerts, alert->rule) : NULL;
    char text[ALERT_TEXT_MAX + 32], from[FMT_MAX], to[FMT_MAX];

    if (!rule) {
        area_rule(a, 0, NULL, NULL);
        return;
    }
    area_rule(a, 0, alert->id, NULL);
    area_printf(a, 1, 2, ROLE_TEXT, "%s", clean(text, sizeof(text), alert->text));
    alert_rule_text(rule, text, sizeof(text));
    area_printf(a, 2, 2, ROLE_DIM, "rule %s: %s%s%s", rule->name, text,
                rule->clear[0] ? ", clears at " : "", rule->clear);
    fmt_day_hm(alert->since_ms, m->now_ms, from);
    if (alert->cleared_ms)
        area_printf(a, 3, 2, ROLE_DIM, "from %s to %s", from,
                    fmt_day_hm(alert->cleared_ms, m->now_ms, to));
    else
        area_printf(a, 3, 2, ROLE_DIM, "since %s%s%s", from, alert->acked ? ", seen by " : "",
                    alert->ack_who);
    draw_silence(m, alert, area_sub(a, 4, 0, 1, -1));
}

/* An empty list must not say more than is known. */
static const char *nothing(const struct ui *ui, const struct ui_model *m)
{
    if (ui->alerts.past)
        return "Nothing has cleared since this console runs.";
    if (m->alerts && !alerts_ready(m->alerts))
        return "Not known: nothing is judged before the link has been up for ten seconds.";
    return "Nothing is wrong. Tab shows what was.";
}

static void draw_list(struct ui *ui, const struct ui_model *m, struct area list)
{
    struct alerts_screen *l = &ui->alerts;
    uint32_t count = count_of(ui, m);

    l->page = list.rows;
    cursor_fit(&l->cursor, count, l->page);
    if (count == 0) {
        area_cursor(list, 1, 4);
        area_text(list, 1, 4, ROLE_DIM, nothing(ui, m));
        return;
    }
    for (int i = 0; i < list.rows && l->cursor.top + (uint32_t)i < count; i++) {
        struct area line = area_sub(list, i, 0, 1, -1);
        if (l->cursor.top + (uint32_t)i == l->cursor.row) {
            line = area_over(line, ROLE_SELECTION);
            area_pointer(line, 1);
        }
        draw_row(m, nth(ui, m, l->cursor.top + (uint32_t)i), line);
    }
}

static void body(struct ui *ui, const struct ui_model *m, struct area a)
{
    bool detail = a.rows >= DETAIL_FROM;

    titles(area_sub(a, 0, 0, 1, -1));
    draw_list(ui, m, area_sub(a, 1, 0, a.rows - 1 - (detail ? DETAIL_ROWS : 0), -1));
    if (detail)
        draw_detail(m, selected(ui, m), area_sub(a, a.rows - DETAIL_ROWS, 0, DETAIL_ROWS, -1));
}

static void head(struct ui *ui, const struct ui_model *m, struct area a)
{
    size_t silences = 0;
    int col = area_text(a, 0, 1, ROLE_CRUMB, ui->alerts.past ? "alerts › past" : "alerts");

    if (!m->alerts)
        return;
    while (alerts_silence(m->alerts, silences))
        silences++;
    area_printf(a, 0, col + 3, ROLE_DIM, "%u crit  %u warn  %u info",
                alerts_firing(m->alerts, ALERT_CRIT), alerts_firing(m->alerts, ALERT_WARN),
                alerts_firing(m->alerts, ALERT_INFO));
    if (silences) {
        char text[48];
        snprintf(text, sizeof(text), "%zu silence%s in force ", silences, silences == 1 ? "" : "s");
        area_right(a, 0, a.cols, ROLE_WARN, text);
    }
}

static void acts(struct ui *ui, const struct ui_model *m, struct area a)
{
    if (!selected(ui, m) || ui->alerts.past)
        return;
    if (m->read_only) {
        area_text(a, 0, 1, ROLE_DIM, "read-only");
        return;
    }
    int col = draw_action(ui, a, 1, ACTION_ACK, "acknowledge");
    col = draw_action(ui, a, col, ACTION_SILENCE, "mute…");
    if (selected(ui, m)->silenced)
        draw_action(ui, a, col, ACTION_UNSILENCE, "unmute");
}

static void narrow(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct alerts_screen *l = &ui->alerts;
    uint32_t count = count_of(ui, m);

    l->page = a.rows;
    cursor_fit(&l->cursor, count, l->page);
    for (int i = 0; i < a.rows && l->cursor.top + (uint32_t)i < count; i++) {
        const struct alert *alert = nth(ui, m, l->cursor.top + (uint32_t)i);
        struct area line = area_sub(a, i, 0, 1, -1);
        char text[ALERT_TEXT_MAX];
        if (l->cursor.top + (uint32_t)i == l->cursor.row) {
            line = area_over(line, ROLE_SELECTION);
            area_cursor(line, 0, 0);
        }
        int col =
            area_glyph(line, 0, 0, role_of(alert), glyph_of(alert), alert_level_word(alert->level));
        col = area_text(line, 0, col + 1, ROLE_TEXT, alert->id) + 1;
        area_text(line, 0, col, ROLE_DIM, clean(text, sizeof(text), alert->text));
    }
}

const struct screen_ops screen_alerts = {
    .refresh = refresh,
    .action = action_taken,
    .head = head,
    .body = body,
    .acts = acts,
    .narrow = narrow,
};
