#include "alerts_view.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { DETAIL_ROWS = 5, DETAIL_FROM = 16 };

/* ----------------------------------------------------------------------------------- alerts */

static const char *rule_of(const struct ui_model *m, const struct alert *alert)
{
    const struct alert_rule *rule = alerts_rule(m->alerts, alert->rule);

    return rule ? rule->name : "";
}

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
        area_field(a, 0, at.rule, 14, ROLE_DIM, rule_of(m, alert), false);
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

/* --------------------------------------------------------------------------------- silences */

/* Where the columns are; 0: not there. */
struct silence_columns {
    int number, until, rule, rule_width, devices, devices_width, mutes, who, why;
};

static struct silence_columns silence_columns_of(int cols)
{
    if (cols >= 112)
        return (struct silence_columns){ 3, 9, 20, 14, 36, 28, 65, 73, 94 };
    if (cols >= 72)
        return (struct silence_columns){ 3, 9, 20, 12, 33, 18, 52, 0, 60 };
    return (struct silence_columns){ 3, 9, 19, 10, 30, 14, 45, 0, 53 };
}

static void silence_titles(struct area a)
{
    struct silence_columns at = silence_columns_of(a.cols);

    area_text(a, 0, at.number, ROLE_HEADER, "NO");
    area_text(a, 0, at.until, ROLE_HEADER, "UNTIL");
    area_text(a, 0, at.rule, ROLE_HEADER, "RULE");
    area_text(a, 0, at.devices, ROLE_HEADER, "DEVICES");
    area_text(a, 0, at.mutes, ROLE_HEADER, "MUTES");
    if (at.who)
        area_text(a, 0, at.who, ROLE_HEADER, "BY");
    area_text(a, 0, at.why, ROLE_HEADER, "WHY");
}

static void draw_silence_row(const struct ui *ui, const struct ui_model *m, uint32_t n,
                             struct area a)
{
    const struct alert_silence *s = alerts_screen_silence(ui, m, n);
    struct silence_columns at = silence_columns_of(a.cols);
    uint32_t mutes = ui->alerts.mutes[ui->alerts.shown[n]];
    char text[ALERT_COND_MAX];

    snprintf(text, sizeof(text), "%lld", (long long)s->id);
    area_field(a, 0, at.number, 5, ROLE_DIM, text, false);
    area_field(a, 0, at.until, 10, ROLE_TEXT, fmt_day_hm(s->until_ms, m->now_ms, text), false);
    area_field(a, 0, at.rule, at.rule_width, ROLE_TEXT, s->rule[0] ? s->rule : "any", false);
    area_field(a, 0, at.devices, at.devices_width, ROLE_TEXT,
               s->target[0] ? clean(text, sizeof(text), s->target) : "all", false);
    snprintf(text, sizeof(text), "%u", mutes);
    area_field(a, 0, at.mutes, 5, mutes ? ROLE_WARN : ROLE_DIM, text, true);
    if (at.who)
        area_field(a, 0, at.who, 20, ROLE_DIM, clean(text, sizeof(text), s->who), false);
    area_field(a, 0, at.why, a.cols - at.why - 1, ROLE_DIM, clean(text, sizeof(text), s->reason),
               false);
}

/* What it is about, what it does now, who made it, and how long it lasts. */
static void draw_silence_detail(const struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct alert_silence *s = alerts_screen_silence(ui, m, ui->alerts.cursor.row);
    char text[ALERT_COND_MAX], until[FMT_MAX], left[FMT_MAX], title[40];

    if (!s) {
        area_rule(a, 0, NULL, NULL);
        return;
    }
    uint32_t at = ui->alerts.shown[ui->alerts.cursor.row];
    uint32_t mutes = ui->alerts.mutes[at], devices = ui->alerts.devices[at];
    snprintf(title, sizeof(title), "silence %lld", (long long)s->id);
    area_rule(a, 0, title, NULL);
    area_printf(a, 1, 2, ROLE_TEXT, "%s", clean(text, sizeof(text), s->reason));
    int col =
        area_printf(a, 2, 2, ROLE_DIM, "%s%s of ", s->rule[0] ? "rule " : "every alert", s->rule);
    area_printf(a, 2, col, ROLE_DIM, "%s: %u device%s",
                s->target[0] ? clean(text, sizeof(text), s->target) : "all devices", devices,
                devices == 1 ? "" : "s");
    if (mutes)
        area_printf(a, 3, 2, ROLE_WARN, "mutes %u alert%s now", mutes, mutes == 1 ? "" : "s");
    else
        area_text(a, 3, 2, ROLE_DIM, "mutes nothing now");
    area_printf(a, 4, 2, ROLE_DIM, "until %s, in %s, by %s",
                fmt_day_hm(s->until_ms, m->now_ms, until), fmt_age(s->until_ms - m->now_ms, left),
                clean(text, sizeof(text), s->who));
}

/* --------------------------------------------------------------------------------- together */

/* An empty list must not say more than is known. */
static const char *nothing(struct ui *ui, const struct ui_model *m)
{
    if (ui->alerts.all)
        return "Nothing passes the filter. Esc clears it.";
    if (ui->alerts.pane == ALERTS_SILENCES)
        return "Nothing is muted. m on an alert mutes it for a while.";
    if (ui->alerts.pane == ALERTS_PAST)
        return "Nothing has cleared since this console runs. Tab shows what is muted.";
    if (m->alerts && !alerts_ready(m->alerts))
        return "Not known: nothing is judged before the link has been up for ten seconds.";
    return "Nothing is wrong. Tab shows what was.";
}

static void draw_list(struct ui *ui, const struct ui_model *m, struct area list)
{
    struct alerts_screen *l = &ui->alerts;

    l->page = list.rows;
    l->list_row = list.row;
    cursor_fit(&l->cursor, l->shown_count, l->page);
    if (l->shown_count == 0) {
        area_cursor(list, 1, 4);
        area_text(list, 1, 4, ROLE_DIM, nothing(ui, m));
        return;
    }
    for (int i = 0; i < list.rows && l->cursor.top + (uint32_t)i < l->shown_count; i++) {
        uint32_t n = l->cursor.top + (uint32_t)i;
        struct area line = area_sub(list, i, 0, 1, -1);
        if (n == l->cursor.row) {
            line = area_over(line, ROLE_SELECTION);
            area_pointer(line, 1);
        }
        if (l->pane == ALERTS_SILENCES)
            draw_silence_row(ui, m, n, line);
        else
            draw_row(m, alerts_screen_alert(ui, m, n), line);
    }
}

void alerts_body(struct ui *ui, const struct ui_model *m, struct area a)
{
    bool silences = ui->alerts.pane == ALERTS_SILENCES, detail = a.rows >= DETAIL_FROM;
    struct area low = area_sub(a, a.rows - DETAIL_ROWS, 0, DETAIL_ROWS, -1);

    if (silences)
        silence_titles(area_sub(a, 0, 0, 1, -1));
    else
        titles(area_sub(a, 0, 0, 1, -1));
    draw_list(ui, m, area_sub(a, 1, 0, a.rows - 1 - (detail ? DETAIL_ROWS : 0), -1));
    if (detail && silences)
        draw_silence_detail(ui, m, low);
    else if (detail)
        draw_detail(m, alerts_screen_alert(ui, m, ui->alerts.cursor.row), low);
}

static uint32_t silences_in_force(const struct ui_model *m)
{
    uint32_t n = 0;

    while (m->alerts && alerts_silence(m->alerts, n))
        n++;
    return n;
}

void alerts_head(struct ui *ui, const struct ui_model *m, struct area a)
{
    static const char *const names[ALERTS_PANES] = { "alerts", "alerts › past",
                                                     "alerts › silences" };
    uint32_t silences = silences_in_force(m);
    int col = area_text(a, 0, 1, ROLE_CRUMB, names[ui->alerts.pane]), end = a.cols;

    if (!m->alerts)
        return;
    if (silences) {
        char text[48];
        snprintf(text, sizeof(text), "%u silence%s in force ", silences, silences == 1 ? "" : "s");
        end = area_right(a, 0, a.cols, ROLE_WARN, text);
    }
    col = list_filter_head(alerts_screen_filter(ui), a, col, end - col - 30);
    area_printf(area_sub(a, 0, 0, 1, end - 1), 0, col + 3, ROLE_DIM, "%u crit  %u warn  %u info",
                alerts_firing(m->alerts, ALERT_CRIT), alerts_firing(m->alerts, ALERT_WARN),
                alerts_firing(m->alerts, ALERT_INFO));
}

void alerts_acts(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct alert *alert = alerts_screen_alert(ui, m, ui->alerts.cursor.row);
    const struct alert_silence *silence = alerts_screen_silence(ui, m, ui->alerts.cursor.row);

    if ((!alert && !silence) || ui->alerts.pane == ALERTS_PAST)
        return;
    if (m->read_only) {
        area_text(a, 0, 1, ROLE_DIM, "read-only");
        return;
    }
    if (silence) {
        draw_action(ui, a, 1, ACTION_UNSILENCE, "end it");
        return;
    }
    int col = draw_action(ui, a, 1, ACTION_ACK, "acknowledge");
    col = draw_action(ui, a, col, ACTION_SILENCE, "mute…");
    if (alert->silenced)
        draw_action(ui, a, col, ACTION_UNSILENCE, "unmute");
}

bool alerts_bar(struct ui *ui, const struct ui_model *m, struct area a)
{
    (void)m;
    return list_filter_bar(alerts_screen_filter(ui), a, ui->alerts.shown_count, ui->alerts.all,
                           ui->alerts.pane == ALERTS_SILENCES
                               ? "rule:hot  mutes=0  until<1h"
                               : "rule:hot  severity>=warn  site:berlin  age>1h");
}

static void narrow_row(const struct ui *ui, const struct ui_model *m, uint32_t n, struct area line)
{
    const struct alert *alert = alerts_screen_alert(ui, m, n);
    const struct alert_silence *s = alerts_screen_silence(ui, m, n);
    char text[ALERT_COND_MAX], until[FMT_MAX];

    if (s) {
        area_printf(line, 0, 0, ROLE_TEXT, "%s %s until %s", s->rule[0] ? s->rule : "any",
                    s->target[0] ? clean(text, sizeof(text), s->target) : "all",
                    fmt_day_hm(s->until_ms, m->now_ms, until));
        return;
    }
    int col =
        area_glyph(line, 0, 0, role_of(alert), glyph_of(alert), alert_level_word(alert->level));
    col = area_text(line, 0, col + 1, ROLE_TEXT, alert->id) + 1;
    area_text(line, 0, col, ROLE_DIM, clean(text, sizeof(text), alert->text));
}

void alerts_narrow(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct alerts_screen *l = &ui->alerts;

    l->page = a.rows;
    l->list_row = a.row;
    cursor_fit(&l->cursor, l->shown_count, l->page);
    for (int i = 0; i < a.rows && l->cursor.top + (uint32_t)i < l->shown_count; i++) {
        struct area line = area_sub(a, i, 0, 1, -1);
        if (l->cursor.top + (uint32_t)i == l->cursor.row) {
            line = area_over(line, ROLE_SELECTION);
            area_cursor(line, 0, 0);
        }
        narrow_row(ui, m, l->cursor.top + (uint32_t)i, line);
    }
}
