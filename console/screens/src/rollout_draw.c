#include "rollout_view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* How far, stage by stage; what the gate says. */

#define WIDE(a) ((a).cols >= 110)

/* -------------------------------------------------------------------------------- progress */

/* One more part of a line if it fits whole; the column after it and a gap. */
static int part(struct area a, int row, int col, enum role glyph_role, const char *glyph,
                enum role role, const char *text)
{
    bool shown = *glyph && !a.c->words;
    int width = (shown ? area_width(a, glyph) + 1 : 0) + area_width(a, text);
    if (col + width > a.cols - 1)
        return col;
    if (shown)
        col = area_mark(a, row, col, glyph_role, glyph);
    return area_text(a, row, col, role, text) + (WIDE(a) ? 3 : 2);
}

static int count_part(struct area a, int row, int col, enum role role, const char *glyph,
                      uint32_t n, const char *word)
{
    char text[60];
    snprintf(text, sizeof(text), "%u %s", n, word);
    return part(a, row, col, n ? role : ROLE_DIM, glyph, n ? ROLE_TEXT : ROLE_DIM, text);
}

/* How fast, and until when; honest where that can't be known. */
static void pace_text(const struct rollout *r, const struct ui_model *m, struct area a, char *out,
                      size_t cap)
{
    char time[FMT_MAX], pace[40] = "";
    double per_minute = rollout_pace(r, m);
    int64_t left = rollout_stage_left_ms(r, m);
    int64_t rough = left > 600000 ? (left + 30000) / 60000 * 60 : (left + 999) / 1000;
    bool wide = WIDE(a);
    out[0] = '\0';
    if (r->state != ROLLOUT_RUNNING)
        return;
    if (per_minute > 0)
        snprintf(pace, sizeof(pace), "   %.2g%s/min", per_minute, wide ? " confirmed" : "");
    snprintf(out, cap, "%s   %s %s", pace, wide ? "stage eta" : "eta",
             left >= 0 ? fmt_left(rough, a.c->words, time) : "unknown");
}

static void elapsed_text(const struct rollout *r, const struct ui_model *m, bool words, char *out,
                         size_t cap)
{
    char time[FMT_MAX];
    out[0] = '\0';
    if (r->started_ms)
        snprintf(
            out, cap, "   %s %s", r->ended_ms ? "took" : "elapsed",
            fmt_passed((rollout_moment(r, m) - r->started_ms) / 1000, words && !r->ended_ms, time));
}

static void draw_counts(const struct rollout_counts *c, bool over, struct area a)
{
    int col = count_part(a, 0, 2, ROLE_OK, "✓", c->done, "done");
    col = count_part(a, 0, col, ROLE_CRIT, "✗", c->failed, "failed");
    col = count_part(a, 0, col, ROLE_UPDATING, "⇡", c->flight, "in flight");
    if (c->soaking)
        col = count_part(a, 0, col, ROLE_UPDATING, "▒", c->soaking, "soaking");
    if (!over || c->waiting)
        col = count_part(a, 0, col, ROLE_DIM, "·", c->waiting, over ? "never told" : "waiting");
    if (c->silent)
        col = count_part(a, 0, col, ROLE_STALE, "?", c->silent, "silent");
    if (c->aborted)
        col = count_part(a, 0, col, ROLE_DIM, "○", c->aborted, "aborted");
    if (c->returned)
        count_part(a, 0, col, ROLE_WARN, "◂", c->returned, "back");
}

void draw_progress(const struct rollout *r, const struct ui_model *m, struct area a)
{
    struct rollout_counts c;
    char text[200], pace[80], elapsed[60] = "";
    rollout_count_all(r, &c);
    pace_text(r, m, a, pace, sizeof(pace));
    if (WIDE(a) || !*pace)
        elapsed_text(r, m, a.c->words, elapsed, sizeof(elapsed));
    snprintf(text, sizeof(text), "   %u of %u   %u%%%s%s", c.done, r->count,
             r->count ? (unsigned)((uint64_t)c.done * 100 / r->count) : 0, pace, elapsed);
    bool words = a.c->words;                         /* the text has the percentage */
    if (a.cols - area_width(a, text) < 18 && !words) /* a bar is worth more than a pace */
        snprintf(text, sizeof(text), "   %u of %u", c.done, r->count);
    int width = a.cols - area_width(a, text) - 4;
    if (words) {
        area_field(a, 0, 2, a.cols - 3, ROLE_TEXT, text + strspn(text, " "), false);
    } else if (width > 0) {
        area_bar(a, 0, 2, width, c.done, c.flight + c.soaking, r->count);
        area_text(a, 0, 2 + width, ROLE_TEXT, text);
    }
    draw_counts(&c, r->ended_ms > 0, area_sub(a, 1, 0, 1, -1));
}

/* ---------------------------------------------------------------------------------- stages */

static const struct {
    const char *glyph;
    enum role role;
} stage_look[ROLLOUT_STAGE_STATE_COUNT] = {
    [ROLLOUT_STAGE_WAITING] = { "·", ROLE_DIM },
    [ROLLOUT_STAGE_RUNNING] = { "⇡", ROLE_UPDATING },
    [ROLLOUT_STAGE_SOAKING] = { "⇡", ROLE_UPDATING },
    [ROLLOUT_STAGE_HOLDING] = { "▲", ROLE_WARN },
    [ROLLOUT_STAGE_PASSED] = { "✓", ROLE_OK },
    [ROLLOUT_STAGE_STOPPED] = { "✗", ROLE_CRIT },
};

/* What the gate behind a stage wants, and of the current one what is missing. */
static void gate_text(const struct rollout *r, uint32_t i, const struct gate_decision *g,
                      struct area a, int width, char *out, size_t cap)
{
    bool wide = WIDE(a);
    char soak[FMT_MAX];
    const struct rollout_stage *s = &r->stages[i];
    bool passed = s->state == ROLLOUT_STAGE_PASSED;
    bool now = i == r->stage && !passed && r->state == ROLLOUT_RUNNING;
    const char *tick = passed ? " ✓" : "", *word = "";
    double allowed = plan_stage_allowed(&r->plan, i) * 100;
    fmt_duration(r->plan.stage[i].soak_s, soak);
    if (r->plan.stage[i].approval && !passed)
        word = !(r->approved >> i & 1) ? ", approval" : a.c->words ? ", approved" : ", approved ✓";
    if (now && s->state == ROLLOUT_STAGE_HOLDING && rollout_wants_approval(r))
        snprintf(out, cap, "%s", r->plan.four_eyes ? "approval of another (A)" : "approval (A)");
    else if (now && *g->missing && s->state != ROLLOUT_STAGE_WAITING)
        snprintf(out, cap, "%s",
                 *g->brief && area_width(a, g->missing) > width ? g->brief : g->missing);
    else
        snprintf(out, cap, "soak %s%s, %s%.3g%%%s%s", soak, tick, wide || !*word ? "fail ≤ " : "≤ ",
                 allowed, tick, word);
}

struct stage_columns {
    int size, state, done, fail, rate, started, gate, gate_width, bar, bar_width;
};

static struct stage_columns stage_columns(struct area a)
{
    struct stage_columns c = {
        .size = 16, .state = 24, .done = 34, .fail = 40, .rate = 46, .gate = 54
    };
    if (WIDE(a)) {
        c.started = 55;
        c.gate = 67;
        c.bar_width = a.cols >= 160 ? 40 : 22;
        c.bar = a.cols - 1 - c.bar_width;
    }
    if (a.cols < 70) { /* the rate is on the ruler */
        c.rate = 0;
        c.gate = 47;
    }
    c.gate_width = (c.bar ? c.bar - 2 : a.cols - 1) - c.gate;
    return c;
}

static void draw_stage(const struct rollout *r, uint32_t i, const struct gate_decision *g,
                       const struct ui_model *m, struct area a)
{
    const struct rollout_stage *s = &r->stages[i];
    const struct stage_columns at = stage_columns(a);
    struct rollout_counts c;
    char text[200], when[FMT_MAX];
    bool begun = s->state != ROLLOUT_STAGE_WAITING;
    enum role role = begun ? ROLE_TEXT : ROLE_DIM;

    rollout_count(s->phase, &c);
    uint32_t results = c.done + c.soaking + c.failed;
    if (i == r->stage && !rollout_is_over(r) && !rollout_ended(r))
        area_glyph(a, 0, a.c->words ? 0 : 1, ROLE_FOCUS, "▸", "now");
    if (i == r->stage && !a.c->cursor_row)
        area_cursor(a, 0, 1); /* until something is chosen */
    snprintf(text, sizeof(text), "%u %s", i + 1, r->plan.stage[i].name);
    area_field(a, 0, 4, 12, role, text, false);
    snprintf(text, sizeof(text), "%u", s->size);
    area_field(a, 0, at.size, 6, role, text, true);
    int state = area_mark(a, 0, at.state, stage_look[s->state].role, stage_look[s->state].glyph);
    area_field(a, 0, state, 8, stage_look[s->state].role,
               begun || !rollout_ended(r) ? rollout_stage_word(s->state) : "not run", false);
    snprintf(text, sizeof(text), begun ? "%u" : "–", c.done);
    area_field(a, 0, at.done, 5, role, text, true);
    snprintf(text, sizeof(text), begun ? "%u" : "–", c.failed);
    area_field(a, 0, at.fail, 5, c.failed ? ROLE_CRIT : role, text, true);
    if (begun && results)
        snprintf(text, sizeof(text), "%.1f%%", 100.0 * c.failed / results);
    else
        snprintf(text, sizeof(text), "–");
    if (at.rate)
        area_field(a, 0, at.rate, 6, role, text, true);
    if (at.started)
        area_field(a, 0, at.started, 10, ROLE_DIM,
                   begun ? fmt_day_hm(s->started_ms, m->now_ms, when) : "–", false);
    gate_text(r, i, g, a, at.gate_width, text, sizeof(text));
    area_field(a, 0, at.gate, at.gate_width, begun ? ROLE_TEXT : ROLE_DIM, text, false);
    if (at.bar)
        area_bar(a, 0, at.bar, at.bar_width, c.done, c.flight + c.soaking, s->size);
}

static void stage_titles(struct area a)
{
    const struct stage_columns at = stage_columns(a);
    area_text(a, 0, 4, ROLE_HEADER, "STAGE");
    area_field(a, 0, at.size, 6, ROLE_HEADER, "SIZE", true);
    area_text(a, 0, at.state, ROLE_HEADER, "STATE");
    area_field(a, 0, at.done, 5, ROLE_HEADER, "DONE", true);
    area_field(a, 0, at.fail, 5, ROLE_HEADER, "FAIL", true);
    if (at.rate)
        area_field(a, 0, at.rate, 6, ROLE_HEADER, "RATE", true);
    if (at.started)
        area_text(a, 0, at.started, ROLE_HEADER, "STARTED");
    area_text(a, 0, at.gate, ROLE_HEADER, "GATE TO NEXT");
    if (at.bar)
        area_text(a, 0, at.bar, ROLE_HEADER, "PROGRESS");
}

int draw_stages(const struct rollout *r, const struct ui_model *m, struct area a, int most,
                int selected)
{
    struct gate_decision g;
    uint32_t count = r->plan.stage_count, first = 0;
    uint32_t rows = count < (uint32_t)most ? count : (uint32_t)most;
    uint32_t shown = selected >= 0 ? (uint32_t)selected : r->stage;
    rollout_gate(r, &g);
    stage_titles(area_sub(a, 0, 0, 1, -1));
    if (shown >= rows)
        first = shown - rows + 1;
    for (uint32_t i = 0; i < rows; i++) {
        struct area line = area_sub(a, 1 + (int)i, 0, 1, -1);
        if ((int)(first + i) == selected) {
            line = area_over(line, ROLE_SELECTION);
            area_cursor(line, 0, 1);
        }
        draw_stage(r, first + i, &g, m, line);
    }
    return 1 + (int)rows;
}

/* ------------------------------------------------------------------------------------ flow */

static const struct {
    enum rollout_phase phase;
    const char *word;
    enum role role;
    bool rare; /* shown only when there are some */
} flow[] = {
    { ROLLOUT_PHASE_PLANNED, "queued", ROLE_TEXT, false },
    { ROLLOUT_PHASE_TOLD, "told", ROLE_UPDATING, false },
    { ROLLOUT_PHASE_DOWNLOADING, "download", ROLE_UPDATING, false },
    { ROLLOUT_PHASE_INSTALLING, "install", ROLE_UPDATING, false },
    { ROLLOUT_PHASE_REBOOTING, "reboot", ROLE_UPDATING, false },
    { ROLLOUT_PHASE_TRIAL, "trial", ROLE_UPDATING, false },
    { ROLLOUT_PHASE_SOAKING, "soak", ROLE_UPDATING, false },
    { ROLLOUT_PHASE_RETRYING, "retry", ROLE_WARN, true },
    { ROLLOUT_PHASE_RECALLED, "recalled", ROLE_WARN, true },
    { ROLLOUT_PHASE_ABORTING, "aborting", ROLE_WARN, true },
    { ROLLOUT_PHASE_RETURNING, "going back", ROLE_WARN, true },
    { ROLLOUT_PHASE_OFFLINE, "offline", ROLE_OFFLINE, true },
    { ROLLOUT_PHASE_SILENT, "silent", ROLE_STALE, true },
};
#define FLOWS (sizeof(flow) / sizeof(flow[0]))

/* How many of the stage are there. When all is over nobody waits any more. */
static uint32_t flow_count(const struct rollout *r, size_t i)
{
    if (flow[i].phase == ROLLOUT_PHASE_PLANNED && rollout_ended(r))
        return 0;
    return r->stages[r->stage].phase[flow[i].phase];
}

/* "stage 2   queued 12  ›  told 3  ›  downloading 2  ›  …" */
void draw_flow(const struct rollout *r, struct area a)
{
    const char *arrow = a.c->words ? ", " : WIDE(a) ? "  ›  " : " › ";
    char text[60];
    int col = area_printf(a, 0, 2, ROLE_DIM, "stage %u", r->stage + 1) + (WIDE(a) ? 3 : 2);
    int whole = 0;
    for (size_t i = 0; i < FLOWS; i++) {
        snprintf(text, sizeof(text), "%s %u%s", flow[i].word, flow_count(r, i), arrow);
        whole += flow[i].rare && !flow_count(r, i) ? 0 : area_width(a, text);
    }
    bool all = col + whole - area_width(a, arrow) < a.cols && !rollout_ended(r), first = true;
    for (size_t i = 0; i < FLOWS; i++) {
        uint32_t n = flow_count(r, i);
        if (n == 0 && (flow[i].rare || !all))
            continue;
        snprintf(text, sizeof(text), "%s%s %u", arrow, flow[i].word, n);
        if (col + area_width(a, text) >= a.cols)
            break;
        if (!first)
            col = area_text(a, 0, col, ROLE_DIM, flow[i].rare ? "   " : arrow);
        col = area_printf(a, 0, col, n ? ROLE_TEXT : ROLE_DIM, "%s ", flow[i].word);
        col = area_printf(a, 0, col, n ? flow[i].role : ROLE_DIM, "%u", n);
        first = false;
    }
    if (first)
        area_text(a, 0, col, ROLE_DIM, "nothing under way");
}

/* ----------------------------------------------------------------------------------- ruler */

#define MARK_ALLOWED 0x254e /* ╎ */
#define MARK_STOP    0x2502 /* │ */

/* The end of the scale: everything that is on it, and some air. */
static double ruler_end(const struct gate_decision *g, double allowed, double stop)
{
    double end = fmax(fmax(allowed * 1.5, g->sample ? g->upper * 1.1 : 0), 0.02);
    end = fmax(end, g->observed * 1.2);
    if (stop < 1)
        end = fmax(end, stop * 1.15);
    return fmin(end, 1);
}

static int mark_at(double value, double end, int width)
{
    int at = (int)(value / end * width);
    return at < width ? at : width - 1;
}

static void ruler_text(const struct gate_decision *g, const struct gate_budget *b, double allowed,
                       int cols, char *out, size_t cap)
{
    char stop[60] = "";
    bool wide = cols >= 110;
    if (g->sample == 0) {
        snprintf(out, cap, "no result yet   ╎ allowed %.3g%%", allowed * 100);
        return;
    }
    if (cols < 70) {
        if (b->stop_at != BUDGET_NONE)
            snprintf(stop, sizeof(stop), " │%.3g%%", b->stop_rate * 100);
        snprintf(out, cap, "%.3g%% ▒%.3g%% ╎%.3g%%%s", g->observed * 100, g->upper * 100,
                 allowed * 100, stop);
        return;
    }
    if (b->stop_at != BUDGET_NONE && wide)
        snprintf(stop, sizeof(stop), "   │ stops at %u of %u, %.3g%%", b->stop_at, g->sample,
                 b->stop_rate * 100);
    else if (b->stop_at != BUDGET_NONE)
        snprintf(stop, sizeof(stop), "  │ stop %.3g%%", b->stop_rate * 100);
    if (wide)
        snprintf(out, cap, "%u of %u: %.3g%%   ▒ could be %.3g%%   ╎ allowed %.3g%%%s", g->failed,
                 g->sample, g->observed * 100, g->upper * 100, allowed * 100, stop);
    else
        snprintf(out, cap, "%.3g%%  ▒ to %.3g%%  ╎ max %.3g%%%s", g->observed * 100, g->upper * 100,
                 allowed * 100, stop);
}

/* The longest of its texts that fits, without the marks that it explains. */
static void ruler_in_words(const struct gate_decision *g, const struct gate_budget *b,
                           double allowed, struct area a)
{
    static const int widths[] = { 110, 80 };
    char text[160];
    for (int i = 0; i < 2; i++) {
        ruler_text(g, b, allowed, widths[i], text, sizeof(text));
        char *to = text;
        for (const char *from = text; *from; from++) {
            if ((*from & 0x80) == 0)
                *to++ = *from;
            else if (from[1] == ' ') /* the end of a mark */
                from++;
        }
        *to = '\0';
        if (area_width(a, text) <= a.cols)
            break;
    }
    area_field(a, 0, 0, a.cols, ROLE_TEXT, text, false);
}

/*
 * The rate, what it could still be, what is allowed and where it stops itself, all on one scale, so
 * that "how close are we" needs no arithmetic.
 */
void draw_ruler(const struct rollout *r, struct area a)
{
    struct gate_decision g;
    struct gate_rule rule;
    struct gate_counts counts;
    struct gate_budget b;
    char text[160];
    rollout_gate(r, &g);
    rollout_gate_input(r, &rule, &counts);
    gate_budget(&rule, &counts, &b);
    double allowed = rule.allowed_failure, end = ruler_end(&g, allowed, b.stop_rate);
    int col = area_text(a, 0, 2, ROLE_DIM, "fail rate ") + 1;
    if (a.c->words) { /* the ruler's room is the text's */
        ruler_in_words(&g, &b, allowed, area_sub(a, 0, col, 1, a.cols - col - 1));
        return;
    }
    ruler_text(&g, &b, allowed, a.cols, text, sizeof(text));
    int width = a.cols - col - area_width(a, text) - 3;
    width = width > 60 ? 60 : width < 8 ? 8 : width;
    for (int i = 0; i < width; i++) {
        double at = (i + 0.5) / width * end;
        bool full = g.sample && at <= g.observed, could = g.sample && at <= g.upper;
        area_put(a, 0, col + i, full ? ROLE_GAUGE_FILL : ROLE_GAUGE,
                 full    ? 0x2588
                 : could ? 0x2592
                         : 0xb7);
    }
    int go = mark_at(allowed, end, width), stop = mark_at(b.stop_rate, end, width);
    area_put(a, 0, col + go, ROLE_GAUGE_LIMIT, MARK_ALLOWED);
    if (b.stop_at != BUDGET_NONE)
        area_put(a, 0, col + (stop == go ? (go + 1 < width ? go + 1 : go) : stop), ROLE_CRIT,
                 MARK_STOP);
    area_field(a, 0, col + width + 2, a.cols - col - width - 3, ROLE_TEXT, text, false);
}

/* ------------------------------------------------------------------------------------ caps */

bool has_caps(const struct rollout *r)
{
    return r->plan.window.days || r->plan.bandwidth || *r->plan.per_group.by;
}

/* The zone whose window changes next, and how many are open. NULL: none ever does. */
static const struct rollout_zone *next_zone(const struct rollout *r, const struct ui_model *m,
                                            uint32_t *open)
{
    const struct rollout_zone *next = NULL;
    *open = 0;
    for (uint32_t i = 0; i < r->zone_count; i++) {
        const struct rollout_zone *z = &r->zone[i];
        *open += z->open;
        if (z->next_ms != INT64_MAX && z->next_ms > m->now_ms &&
            (!next || z->next_ms < next->next_ms))
            next = z;
    }
    return next;
}

/* "window 01:00-05:00 mon-fri, Europe/Berlin  closed, opens in 3h, 00:00Z", as much as fits. */
static int draw_window(const struct rollout *r, const struct ui_model *m, struct area a, int col)
{
    char text[WINDOW_TEXT_MAX], time[FMT_MAX], clock[FMT_MAX], when[80] = "", state[60];
    uint32_t open;
    const struct rollout_zone *next = next_zone(r, m, &open);
    window_text(&r->plan.window, text);
    col = area_printf(a, 0, col, ROLE_DIM, "window ");
    if (WIDE(a) || !next)
        col = area_printf(a, 0, col, ROLE_TEXT, "%s  ", text);
    snprintf(state, sizeof(state), "%s", open ? "open" : "closed");
    if (r->zone_count > 1)
        snprintf(state, sizeof(state), "open in %u of %u zones", open, r->zone_count);
    col = area_text(a, 0, col, open ? ROLE_OK : ROLE_WARN, state);
    if (next)
        snprintf(when, sizeof(when), ", %s in %s, %.5sZ", open ? "changes" : "opens",
                 fmt_duration((next->next_ms - m->now_ms) / 60000 * 60, time),
                 fmt_hm(next->next_ms, clock));
    if (col + area_width(a, when) < a.cols)
        col = area_text(a, 0, col, ROLE_DIM, when);
    return col + 3;
}

static int draw_groups(const struct rollout *r, struct area a, int col)
{
    uint32_t full = 0, most = 0;
    for (uint32_t i = 0; i < r->group_count; i++) {
        full += r->group[i].told >= r->plan.per_group.max;
        most = r->group[i].told > most ? r->group[i].told : most;
    }
    col = area_printf(a, 0, col, ROLE_DIM, WIDE(a) ? "per %s " : "%s ", r->plan.per_group.by);
    col = area_printf(a, 0, col, ROLE_TEXT, "%u of %u", most, r->plan.per_group.max);
    if (full)
        col = area_printf(a, 0, col, ROLE_WARN, ", %u full", full);
    return col + 3;
}

static int draw_flight_cap(const struct rollout *r, struct area a, int col)
{
    bool full = r->in_flight >= r->plan.in_flight;
    col = area_text(a, 0, col, ROLE_DIM, "in flight ");
    return area_printf(a, 0, col, full ? ROLE_WARN : ROLE_TEXT, "%u of %u", r->in_flight,
                       r->plan.in_flight) +
           3;
}

/* What keeps it from going faster: what is used of each cap. Where it is narrow the window, which
 * may keep all of it, comes first. */
void draw_caps(const struct rollout *r, const struct ui_model *m, struct area a)
{
    char text[FMT_MAX];
    int col = 2;
    if (r->plan.window.days && !WIDE(a))
        col = draw_window(r, m, a, col);
    col = draw_flight_cap(r, a, col);
    if (*r->plan.per_group.by)
        col = draw_groups(r, a, col);
    if (r->plan.bandwidth && col + 22 < a.cols) {
        col = area_printf(a, 0, col, ROLE_DIM, WIDE(a) || a.c->words ? "bandwidth " : "≤ ");
        col = area_printf(a, 0, col, r->paid_ms > m->now_ms ? ROLE_WARN : ROLE_TEXT, "%s/s",
                          fmt_size(r->plan.bandwidth, text)) +
              3;
    }
    if (r->plan.window.days && WIDE(a))
        draw_window(r, m, a, col);
}

/* ------------------------------------------------------------------------------------- why */

/* What the gate says and what it lacks; where there is no room for both, what the table of stages
 * does not say already. */
static enum role gate_line(const struct rollout *r, struct area a, char *out, size_t cap)
{
    static const char *const words[] = { "hold", "go", "stop" };
    static const enum role roles[] = {
        [GATE_HOLD] = ROLE_TEXT, [GATE_GO] = ROLE_OK, [GATE_STOP] = ROLE_CRIT
    };
    struct gate_decision g;
    rollout_gate(r, &g);
    bool told = area_width(a, g.missing) <= stage_columns(a).gate_width;
    if (*g.missing && (WIDE(a) || !told))
        snprintf(out, cap, "gate %s: %s; missing: %s", words[g.verdict], g.why, g.missing);
    else
        snprintf(out, cap, "gate %s: %s", words[g.verdict], g.why);
    if (*g.missing && !told && area_width(a, out) > a.cols - 3)
        snprintf(out, cap, "gate %s: missing: %s", words[g.verdict], g.missing);
    return roles[g.verdict];
}

/* Why it does not go on, the most pressing first. */
static enum role why_text(const struct rollout *r, const struct ui_model *m, struct area a,
                          char *out, size_t cap)
{
    bool moves = r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_FINISHING;
    if (*r->why) {
        const char *word = rollout_state_word(r->state);
        bool says = strncmp(r->why, word, strlen(word)) == 0; /* "aborted by ada" */
        snprintf(out, cap, "%s%s%s", says ? "" : word, says ? "" : ": ", r->why);
        return rollout_state_role(r->state);
    }
    char text[ROLLOUT_WHY_MAX];
    if (moves && LINK_DOWN(m)) {
        snprintf(out, cap,
                 "holds: the link to the broker is down; nothing new is told, nothing "
                 "counts as silent");
        return ROLE_WARN;
    }
    if (!moves) {
        snprintf(out, cap, "%s", rollout_state_word(r->state));
        return rollout_state_role(r->state);
    }
    enum rollout_hold hold = rollout_holds(r, text, sizeof(text));
    if (hold == ROLLOUT_HOLD_APPROVAL)
        snprintf(out, cap, "holds (A): %s", text);
    else if (hold == ROLLOUT_HOLD_WINDOW)
        snprintf(out, cap, "waits: %s", text);
    else
        return gate_line(r, a, out, cap);
    return ROLE_WARN;
}

void draw_why(const struct rollout *r, const struct ui_model *m, struct area a)
{
    struct gate_rule rule;
    struct gate_counts counts;
    struct gate_budget b;
    char text[400], more[60] = "";
    enum role role = why_text(r, m, a, text, sizeof(text));
    rollout_gate_input(r, &rule, &counts);
    gate_budget(&rule, &counts, &b);
    if (r->state == ROLLOUT_RUNNING && b.more != BUDGET_NONE && b.more > 0)
        snprintf(more, sizeof(more), "%u more failure%s stop%s it ", b.more, b.more == 1 ? "" : "s",
                 b.more == 1 ? "s" : "");
    int end = a.cols - 1;
    if (*more && 2 + area_width(a, text) + 3 + area_width(a, more) < a.cols)
        end = area_right(a, 0, a.cols, ROLE_DIM, more) - 2;
    area_field(a, 0, 2, end - 2, role, text, false);
}
