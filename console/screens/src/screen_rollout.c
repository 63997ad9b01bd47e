#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "protocol/slot.h"

/* One rollout: how far, what the gate says, what failed and why, who is under way. */

#define STAGES_SHOWN 6
#define WIDE(ui)     ((ui)->cols >= 110)

static const struct rollout *shown(const struct ui *ui, const struct ui_model *m)
{
    return rollout_of(m, ui->rollout.id);
}

static bool in_flight(enum rollout_phase phase)
{
    switch (phase) {
    case ROLLOUT_PHASE_TOLD:
    case ROLLOUT_PHASE_DOWNLOADING:
    case ROLLOUT_PHASE_INSTALLING:
    case ROLLOUT_PHASE_REBOOTING:
    case ROLLOUT_PHASE_TRIAL:
    case ROLLOUT_PHASE_SOAKING:
    case ROLLOUT_PHASE_RETRYING:
    case ROLLOUT_PHASE_RECALLED:
    case ROLLOUT_PHASE_SILENT:
    case ROLLOUT_PHASE_ABORTING:
        return true;
    case ROLLOUT_PHASE_PLANNED:
    case ROLLOUT_PHASE_OFFLINE:
    case ROLLOUT_PHASE_DONE:
    case ROLLOUT_PHASE_FAILED:
    case ROLLOUT_PHASE_EXCUSED:
    case ROLLOUT_PHASE_ABORTED:
    case ROLLOUT_PHASES:
        break;
    }
    return false;
}

/* The time at which the picture of an ended rollout stands. */
static int64_t moment(const struct rollout *r, const struct ui_model *m)
{
    return r->ended_ms ? r->ended_ms : m->now_ms;
}

/* ------------------------------------------------------------------------------ device lists */

/* Indices of devices for the two panes, at most `cap`, the most interesting first. */
#define LISTED 512

struct listed {
    uint32_t index[LISTED];
    uint32_t count; /* in `index` */
    uint32_t all;
};

/* Keep the list sorted by `key`, smallest first, dropping what does not fit. */
static void insert(struct listed *l, int64_t key[LISTED], uint32_t device, int64_t value)
{
    uint32_t at = l->count < LISTED ? l->count : LISTED;
    l->all++;
    while (at > 0 && key[at - 1] > value)
        at--;
    if (at == LISTED)
        return;
    uint32_t last = l->count < LISTED ? l->count : LISTED - 1;
    memmove(&l->index[at + 1], &l->index[at], (last - at) * sizeof(l->index[0]));
    memmove(&key[at + 1], &key[at], (last - at) * sizeof(key[0]));
    l->index[at] = device;
    key[at] = value;
    if (l->count < LISTED)
        l->count++;
}

/* Slowest first: told longest ago. */
static void list_flight(const struct rollout *r, struct listed *l)
{
    int64_t key[LISTED];
    *l = (struct listed){ .count = 0 };
    for (uint32_t i = 0; i < r->count; i++) {
        if (in_flight(rollout_device_phase(&r->device[i])))
            insert(l, key, i, r->device[i].told_ms);
    }
}

/* By cause, the most frequent first; then in order of time. */
static void list_failed(const struct rollout *r, struct listed *l)
{
    int64_t key[LISTED];
    *l = (struct listed){ .count = 0 };
    for (uint32_t i = 0; i < r->count; i++) {
        const struct rollout_device *d = &r->device[i];
        if (rollout_device_phase(d) != ROLLOUT_PHASE_FAILED)
            continue;
        uint32_t reason = d->reason < ROLLOUT_REASONS ? d->reason : 0;
        int64_t frequent = -(int64_t)r->reasons[reason];
        insert(l, key, i, (frequent * 256 + d->reason) * 1000000 + i);
    }
}

static void list_pane(const struct ui *ui, const struct rollout *r, struct listed *l)
{
    if (ui->rollout.pane == ROLLOUT_FLIGHT)
        list_flight(r, l);
    else
        list_failed(r, l);
}

/* ------------------------------------------------------------------------------------- keys */

static void opened(struct step *s)
{
    s->ui->rollout.device = (struct cursor){ 0 };
    s->ui->rollout.chosen = false;
}

/* Until a key chooses: who is under way, and when nobody is, what failed. */
static void refresh(struct ui *ui, const struct ui_model *m)
{
    const struct rollout *r = shown(ui, m);
    uint32_t phase[ROLLOUT_PHASES], flight = 0;
    if (!r || ui->rollout.chosen)
        return;
    rollout_totals(r, phase);
    for (int p = 0; p < ROLLOUT_PHASES; p++)
        flight += in_flight((enum rollout_phase)p) ? phase[p] : 0;
    ui->rollout.pane = phase[ROLLOUT_PHASE_FAILED] && flight == 0 ? ROLLOUT_FAILED : ROLLOUT_FLIGHT;
}

static void open_device(struct step *s, const struct rollout *r)
{
    struct listed *l = mem_alloc(sizeof(*l));
    list_pane(s->ui, r, l);
    if (s->ui->rollout.device.row < l->count) {
        const char *id = r->device[l->index[s->ui->rollout.device.row]].id;
        text_copy(s->ui->fleet.selected, sizeof(s->ui->fleet.selected), id);
        s->ui->fleet.touched = true;
        ui_push(s, SCREEN_DEVICE);
    }
    free(l);
}

static bool action_taken(struct step *s, enum action action)
{
    struct rollout_screen *v = &s->ui->rollout;
    const struct rollout *r = shown(s->ui, s->m);
    if (!r)
        return false;
    switch ((int)action) {
    case ACTION_PANE_NEXT:
    case ACTION_PANE_PREV:
        v->chosen = true;
        v->pane = v->pane == ROLLOUT_FAILED ? ROLLOUT_FLIGHT : ROLLOUT_FAILED;
        v->device = (struct cursor){ 0 };
        return true;
    case ACTION_OPEN:
        open_device(s, r);
        return true;
    case ACTION_PAUSE:
        rollout_pause(s, r->id);
        return true;
    case ACTION_ABORT:
        rollout_abort(s, r->id);
        return true;
    case ACTION_COPY:
        text_copy(ui_effect(s, UI_COPY)->text, 256, r->id);
        return true;
    default:
        break;
    }
    struct listed *l = mem_alloc(sizeof(*l));
    list_pane(s->ui, r, l);
    bool taken = cursor_action(&v->device, action, l->count, v->page);
    v->chosen |= taken;
    free(l);
    return taken;
}

/* --------------------------------------------------------------------------------- overview */

/* Devices that ended well in the ten minutes before `at_ms`, per minute. */
static double pace(const struct rollout *r, int64_t at_ms)
{
    uint32_t n = 0;
    int64_t span = at_ms - r->started_ms;
    span = span > 600000 ? 600000 : span;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct rollout_device *d = &r->device[i];
        n += d->state == RDEV_DONE && d->ended_ms > at_ms - span;
    }
    return span >= 60000 ? n * 60000.0 / (double)span : 0;
}

static int count_part(struct area a, int row, int col, enum role role, const char *glyph,
                      uint32_t n, const char *word)
{
    col = area_text(a, row, col, n ? role : ROLE_DIM, glyph);
    return area_printf(a, row, col, n ? ROLE_TEXT : ROLE_DIM, " %u %s", n, word) + 3;
}

static void draw_progress(const struct rollout *r, const struct ui_model *m, struct area a)
{
    uint32_t phase[ROLLOUT_PHASES], flight = 0;
    char text[120], time[FMT_MAX];
    rollout_totals(r, phase);
    for (int p = 0; p < ROLLOUT_PHASES; p++)
        flight += in_flight((enum rollout_phase)p) ? phase[p] : 0;
    uint32_t done = phase[ROLLOUT_PHASE_DONE] + phase[ROLLOUT_PHASE_EXCUSED];
    uint32_t ended = done + phase[ROLLOUT_PHASE_FAILED] + phase[ROLLOUT_PHASE_ABORTED];
    uint32_t waiting = phase[ROLLOUT_PHASE_PLANNED] + phase[ROLLOUT_PHASE_OFFLINE];
    snprintf(text, sizeof(text), "   %u of %u   %u%%", done, r->count,
             r->count ? (unsigned)((uint64_t)done * 100 / r->count) : 0);
    int width = a.cols - area_width(a, text) - 6;
    area_bar(a, 0, 2, width, done, flight, r->count);
    area_text(a, 0, 2 + width, ROLE_TEXT, text);

    int col = count_part(a, 1, 2, ROLE_OK, "✓", done, "done");
    col = count_part(a, 1, col, ROLE_CRIT, "✗", phase[ROLLOUT_PHASE_FAILED], "failed");
    col = count_part(a, 1, col, ROLE_UPDATING, "⇡", flight, "in flight");
    col = count_part(a, 1, col, ROLE_DIM, "·", waiting, "waiting");
    if (phase[ROLLOUT_PHASE_SILENT])
        col = count_part(a, 1, col, ROLE_STALE, "?", phase[ROLLOUT_PHASE_SILENT], "silent");
    if (phase[ROLLOUT_PHASE_ABORTED])
        col = count_part(a, 1, col, ROLE_DIM, "○", phase[ROLLOUT_PHASE_ABORTED], "aborted");
    double rate = r->started_ms ? pace(r, moment(r, m)) : 0;
    if (rate > 0 && r->state == ROLLOUT_RUNNING && ended < r->count && col + 20 < a.cols) {
        col = area_printf(a, 1, col, ROLE_DIM, "%.1f/min", rate) + 2;
        if (col + 16 < a.cols && r->started_ms)
            area_printf(a, 1, col, ROLE_DIM, "elapsed %s",
                        fmt_duration((m->now_ms - r->started_ms) / 1000, time));
    }
}

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

static void gate_text(const struct rollout *r, uint32_t i, const struct gate_decision *g, char *out,
                      size_t cap)
{
    char soak[FMT_MAX];
    const struct rollout_stage *s = &r->stages[i];
    fmt_duration(r->plan.stage[i].soak_s, soak);
    double allowed = plan_stage_allowed(&r->plan, i) * 100;
    if (s->state == ROLLOUT_STAGE_PASSED)
        snprintf(out, cap, "soak %s ✓, max %.3g%% fail ✓", soak, allowed);
    else if (i == r->stage && *g->missing && s->state != ROLLOUT_STAGE_WAITING)
        snprintf(out, cap, "%s", g->missing);
    else
        snprintf(out, cap, "soak %s, max %.3g%% fail", soak, allowed);
}

static void draw_stage(const struct rollout *r, uint32_t i, const struct gate_decision *g,
                       const struct ui_model *m, struct area a, int row)
{
    const struct rollout_stage *s = &r->stages[i];
    char text[200], when[FMT_MAX];
    bool begun = s->state != ROLLOUT_STAGE_WAITING, wide = a.cols >= 110;
    uint32_t done = s->phase[ROLLOUT_PHASE_DONE] + s->phase[ROLLOUT_PHASE_EXCUSED];
    uint32_t failed = s->phase[ROLLOUT_PHASE_FAILED], flight = 0;
    enum role role = begun ? ROLE_TEXT : ROLE_DIM;

    for (int p = 0; p < ROLLOUT_PHASES; p++)
        flight += in_flight((enum rollout_phase)p) ? s->phase[p] : 0;
    if (i == r->stage && !rollout_is_over(r))
        area_put(a, row, 1, ROLE_FOCUS, 0x25b8);
    snprintf(text, sizeof(text), "%u %s", i + 1, r->plan.stage[i].name);
    area_field(a, row, 4, 12, role, text, false);
    snprintf(text, sizeof(text), "%u", s->size);
    area_field(a, row, 16, 6, role, text, true);
    area_text(a, row, 24, stage_look[s->state].role, stage_look[s->state].glyph);
    area_field(a, row, 26, 9, stage_look[s->state].role, rollout_stage_word(s->state), false);
    snprintf(text, sizeof(text), begun ? "%u" : "–", done);
    area_field(a, row, 35, 6, role, text, true);
    snprintf(text, sizeof(text), begun ? "%u" : "–", failed);
    area_field(a, row, 42, 5, failed ? ROLE_CRIT : role, text, true);
    if (begun && done + failed)
        snprintf(text, sizeof(text), "%.1f%%", 100.0 * failed / (done + failed));
    else
        snprintf(text, sizeof(text), "–");
    area_field(a, row, 48, 6, role, text, true);
    int col = 56;
    if (wide) {
        area_field(a, row, col, 9, ROLE_DIM,
                   begun ? fmt_day_hm(s->started_ms, m->now_ms, when) : "–", false);
        col += 11;
    }
    int bar = wide ? 20 : 0, room = a.cols - col - 1 - (bar ? bar + 2 : 0);
    gate_text(r, i, g, text, sizeof(text));
    area_field(a, row, col, room, begun ? ROLE_TEXT : ROLE_DIM, text, false);
    if (bar)
        area_bar(a, row, a.cols - bar - 1, bar, done, flight, s->size);
}

/* Rows used. */
static int draw_stages(const struct rollout *r, const struct ui_model *m, struct area a, int most)
{
    struct gate_decision g;
    uint32_t count = r->plan.stage_count, first = 0;
    rollout_gate(r, &g);
    area_text(a, 0, 4, ROLE_HEADER, "STAGE");
    area_field(a, 0, 16, 6, ROLE_HEADER, "SIZE", true);
    area_text(a, 0, 24, ROLE_HEADER, "STATE");
    area_field(a, 0, 35, 6, ROLE_HEADER, "DONE", true);
    area_field(a, 0, 42, 5, ROLE_HEADER, "FAIL", true);
    area_field(a, 0, 48, 6, ROLE_HEADER, "RATE", true);
    if (a.cols >= 110)
        area_text(a, 0, 56, ROLE_HEADER, "STARTED");
    area_text(a, 0, a.cols >= 110 ? 67 : 56, ROLE_HEADER, "GATE");
    uint32_t rows = count < (uint32_t)most ? count : (uint32_t)most;
    if (r->stage >= rows)
        first = r->stage - rows + 1;
    for (uint32_t i = 0; i < rows; i++)
        draw_stage(r, first + i, &g, m, a, 1 + (int)i);
    return 1 + (int)rows;
}

/* "stage 2   told 3  ›  downloading 2  ›  …" */
static void draw_flow(const struct rollout *r, struct area a)
{
    static const enum rollout_phase flow[] = { ROLLOUT_PHASE_TOLD,       ROLLOUT_PHASE_DOWNLOADING,
                                               ROLLOUT_PHASE_INSTALLING, ROLLOUT_PHASE_REBOOTING,
                                               ROLLOUT_PHASE_TRIAL,      ROLLOUT_PHASE_SOAKING };
    static const char *const words[] = { "told", "download", "install", "reboot", "trial", "soak" };
    const struct rollout_stage *s = &r->stages[r->stage];
    int col = area_printf(a, 0, 2, ROLE_DIM, "stage %u", r->stage + 1) + 3;
    for (size_t i = 0; i < sizeof(flow) / sizeof(flow[0]); i++) {
        uint32_t n = s->phase[flow[i]];
        if (i)
            col = area_text(a, 0, col, ROLE_DIM, a.cols >= 110 ? "   ›   " : " › ");
        col = area_printf(a, 0, col, n ? ROLE_TEXT : ROLE_DIM, "%s ", words[i]);
        col = area_printf(a, 0, col, n ? ROLE_UPDATING : ROLE_DIM, "%u", n);
    }
}

/*
 * The rate, what it could still be, and the limit on one ruler, so that "how close are we" needs no
 * arithmetic.
 */
static void draw_ruler(const struct rollout *r, struct area a)
{
    struct gate_decision g;
    char text[120];
    rollout_gate(r, &g);
    double allowed = plan_stage_allowed(&r->plan, r->stage);
    double end = fmax(fmax(allowed * 2, g.upper), fmax(g.observed * 1.1, 0.02));
    end = fmin(end, 1);
    int width = a.cols >= 110 ? 50 : 24, col = 2;
    col = area_text(a, 0, col, ROLE_DIM, "fail rate ");
    for (int i = 0; i < width; i++) {
        double at = (i + 0.5) / width * end;
        bool full = at <= g.observed, could = at <= g.upper;
        area_put(a, 0, col + i, full ? ROLE_GAUGE_FILL : ROLE_GAUGE,
                 full    ? 0x2588
                 : could ? 0x2592
                         : 0xb7);
    }
    int limit = (int)(allowed / end * width);
    area_put(a, 0, col + (limit < width ? limit : width - 1), ROLE_GAUGE_LIMIT, 0x2502);
    col += width + 1;
    if (g.sample == 0) {
        snprintf(text, sizeof(text), "no result yet   │ allowed %.3g%%", allowed * 100);
    } else {
        snprintf(text, sizeof(text), "%u of %u: %.3g%%  ▒ to %.3g%%  │ allowed %.3g%%", g.failed,
                 g.sample, g.observed * 100, g.upper * 100, allowed * 100);
    }
    area_field(a, 0, col, a.cols - col - 1, ROLE_TEXT, text, false);
}

static void draw_gate_line(const struct rollout *r, struct area a)
{
    struct gate_decision g;
    static const enum role roles[] = {
        [GATE_HOLD] = ROLE_TEXT, [GATE_GO] = ROLE_OK, [GATE_STOP] = ROLE_CRIT
    };
    static const char *const words[] = { "hold", "go", "stop" };
    rollout_gate(r, &g);
    if (*r->why) {
        area_field(a, 0, 2, a.cols - 3, rollout_state_role(r->state), r->why, false);
        return;
    }
    int col = area_text(a, 0, 2, ROLE_DIM, "gate ");
    col = area_printf(a, 0, col, roles[g.verdict], "%s", words[g.verdict]) + 2;
    char text[340];
    bool wants = a.cols >= 110 && *g.missing; /* elsewhere the stage's row says it */
    snprintf(text, sizeof(text), "%s%s%s", g.why, wants ? "; wants " : "", wants ? g.missing : "");
    area_field(a, 0, col, a.cols - col - 1, ROLE_TEXT, text, false);
}

/* ------------------------------------------------------------------------------------ plots */

/* Results over time as points: failed share so far, or confirmations per minute. */
static void result_points(const struct rollout *r, int64_t from, int64_t to, int columns, bool rate,
                          struct fleet_point *out)
{
    /* Devices that ended up to the end of a column; [0] is what was before. */
    uint32_t *good = mem_array((size_t)columns + 1, sizeof(*good));
    uint32_t *bad = mem_array((size_t)columns + 1, sizeof(*bad));
    int64_t width = to - from;

    for (uint32_t i = 0; i < r->count; i++) {
        const struct rollout_device *d = &r->device[i];
        if (!d->ended_ms || d->ended_ms > to)
            continue;
        int64_t at = d->ended_ms < from ? 0 : (d->ended_ms - from) * columns / width + 1;
        at = at > columns ? columns : at;
        good[at] += d->state == RDEV_DONE;
        bad[at] += d->state == RDEV_FAILED;
    }
    /* Smooth over a fifteenth of the width, a minute at least. */
    int window = columns / 15, minute = (int)(60000 * (int64_t)columns / width);
    window = window < minute ? minute : window;
    window = window < 1 ? 1 : window;
    double minutes = (double)width / 60000 / columns * window;
    for (int i = 0; i < columns; i++) {
        good[i + 1] += good[i];
        bad[i + 1] += bad[i];
        uint32_t all = good[i + 1] + bad[i + 1];
        uint32_t before = i + 1 >= window ? good[i + 1 - window] : 0;
        float v = rate ? (float)(100.0 * bad[i + 1] / (all ? all : 1))
                       : (float)((good[i + 1] - before) / minutes);
        bool any = !rate || all > 0;
        out[i] = (struct fleet_point){ any ? FLEET_POINT_SAMPLE : FLEET_POINT_NONE, v, v, v };
    }
    free(good);
    free(bad);
}

static void draw_result_plot(struct ui *ui, const struct ui_model *m, const struct rollout *r,
                             bool rate, struct area a)
{
    int64_t to = moment(r, m), from = r->started_ms;
    struct area box = area_sub(a, 1, 0, -1, -1);
    struct plot p = { .point = ui->point,
                      .scale = 1,
                      .from_zero = true,
                      .time_axis = true,
                      .role = rate ? ROLE_PLOT : ROLE_PLOT_2,
                      .mode = plot_mode_for(a.c, PLOT_BRAILLE) };
    if (to - from > 3600000)
        from = to - 3600000;
    if (to - from < 300000)
        from = to - 300000;
    p.from_ms = from;
    p.to_ms = to;
    p.count = plot_columns(box.cols, p.mode);
    if (p.count < 1)
        return;
    result_points(r, from, to, p.count, rate, ui->point);
    if (rate) {
        p.has_limit = true;
        p.limit = plan_stage_allowed(&r->plan, r->stage) * 100;
    }
    char limit[40];
    snprintf(limit, sizeof(limit), "┈ allowed %.3g%%", p.limit);
    area_rule(a, 0, rate ? "failed %  so far" : "confirmed per minute", rate ? limit : NULL);
    plot_draw(box, &p);
}

/* ------------------------------------------------------------------------------------ panes */

/* When its download begins: as it reported, or as both sides compute it. */
static int64_t slot_ms(const struct rollout *r, const struct ui_model *m,
                       const struct rollout_device *d)
{
    if (d->slot_s)
        return d->slot_s * 1000;
    if (!m->crypto || !d->told_ms)
        return 0;
    uint64_t v = slot_value(m->crypto, r->id, d->id);
    return d->told_ms + (int64_t)slot_delay(r->plan.jitter_s, v) * 1000;
}

static void draw_flight_row(const struct rollout *r, const struct ui_model *m,
                            const struct rollout_device *d, struct area a)
{
    enum rollout_phase phase = rollout_device_phase(d);
    char text[FMT_MAX], clock[FMT_MAX];
    int64_t slot = slot_ms(r, m, d);
    bool late = phase == ROLLOUT_PHASE_SILENT || phase == ROLLOUT_PHASE_RETRYING;
    int id = a.cols >= 75 ? 22 : 17, bar = a.cols >= 70 ? 14 : 8;
    int col = 2 + id;

    if (late)
        area_put(a, 0, 0, ROLE_WARN, 0x25b2);
    area_field(a, 0, 2, id - 1, ROLE_TEXT, d->id, false);
    area_field(a, 0, col, 11, late ? ROLE_WARN : ROLE_UPDATING, rollout_phase_word(phase), false);
    col += 12;
    if (phase == ROLLOUT_PHASE_DOWNLOADING && r->release.size) {
        area_bar(a, 0, col, bar, d->got, 0, r->release.size);
        area_printf(a, 0, col + bar, ROLE_TEXT, " %3u%%",
                    (unsigned)((uint64_t)d->got * 100 / r->release.size));
    } else if (phase == ROLLOUT_PHASE_TOLD && slot > m->now_ms) {
        area_printf(a, 0, col, ROLE_DIM, "slot %s in %s", fmt_clock(slot, clock),
                    fmt_duration((slot - m->now_ms + 999) / 1000, text));
    } else if (phase == ROLLOUT_PHASE_SOAKING) {
        int64_t left = d->due_ms - rollout_heard_ms(r);
        area_printf(a, 0, col, ROLE_DIM, "%s left", fmt_duration(left / 1000, text));
    } else if (d->reason != REASON_NONE) {
        area_text(a, 0, col, ROLE_DIM, reason_word((enum reason)d->reason));
    }
    if (d->told_ms)
        area_right(a, 0, a.cols - 1, ROLE_TEXT,
                   fmt_duration((moment(r, m) - d->told_ms) / 1000, text));
}

static struct area list_row(struct ui *ui, struct area a, int row, uint32_t at, bool focus)
{
    struct area line = area_sub(a, row, 1, 1, -1);
    if (focus && at == ui->rollout.device.row) {
        line = area_over(line, ROLE_SELECTION);
        line.c->cursor_row = line.row;
        line.c->cursor_col = line.col;
    }
    return line;
}

static void draw_flight(struct ui *ui, const struct ui_model *m, const struct rollout *r,
                        struct area a)
{
    struct rollout_screen *v = &ui->rollout;
    struct listed *l = mem_alloc(sizeof(*l));
    bool focus = v->pane == ROLLOUT_FLIGHT;
    char title[40];
    list_flight(r, l);
    snprintf(title, sizeof(title), "in flight %u", l->all);
    draw_pane_rule(a, 0, focus, title, "slowest first");
    struct area list = area_sub(a, 1, 0, -1, -1);
    if (focus) {
        v->page = list.rows;
        cursor_fit(&v->device, l->count, list.rows);
    }
    uint32_t top = focus ? v->device.top : 0;
    for (int i = 0; i < list.rows && top + (uint32_t)i < l->count; i++)
        draw_flight_row(r, m, &r->device[l->index[top + (uint32_t)i]],
                        list_row(ui, list, i, top + (uint32_t)i, focus));
    if (l->count == 0)
        area_text(list, 0, 2, ROLE_DIM, "nobody");
    free(l);
}

/* A cause once, then the devices below it; the list is sorted by cause. */
static void draw_failed(struct ui *ui, const struct ui_model *m, const struct rollout *r,
                        struct area a)
{
    struct rollout_screen *v = &ui->rollout;
    struct listed *l = mem_alloc(sizeof(*l));
    bool focus = v->pane == ROLLOUT_FAILED;
    char title[40], when[FMT_MAX];
    list_failed(r, l);
    snprintf(title, sizeof(title), "failed %u", l->all);
    draw_pane_rule(a, 0, focus, title, "by cause");
    struct area list = area_sub(a, 1, 0, -1, -1);
    if (focus) {
        v->page = list.rows > 2 ? list.rows / 2 : 1;
        cursor_fit(&v->device, l->count, v->page);
    }
    int before = -1, row = 0;
    for (uint32_t i = focus ? v->device.top : 0; i < l->count && row < list.rows; i++) {
        const struct rollout_device *d = &r->device[l->index[i]];
        if ((int)d->reason != before) {
            int col = area_text(list, row, 1, ROLE_CRIT, "✗");
            col = area_printf(list, row, col, ROLE_TEXT, " %u  ",
                              d->reason < ROLLOUT_REASONS ? r->reasons[d->reason] : 0);
            area_field(list, row, col, list.cols - col - 1, ROLE_TEXT,
                       reason_text((enum reason)d->reason), false);
            before = d->reason;
            row++;
        }
        if (row >= list.rows)
            break;
        struct area line = list_row(ui, list, row++, i, focus);
        area_field(line, 0, 5, 24, ROLE_TEXT, d->id, false);
        area_text(line, 0, 30, ROLE_DIM, fmt_day_hm(d->ended_ms, m->now_ms, when));
    }
    if (l->count == 0)
        area_text(list, 0, 2, ROLE_DIM, "none");
    free(l);
}

/* The newest lines of the log that name this rollout. */
static void draw_log(const struct ui_model *m, const struct rollout *r, struct area a)
{
    static const enum role roles[] = { ROLE_TEXT, ROLE_LOG_WARN, ROLE_LOG_ERROR };
    int row = 1;
    char clock[FMT_MAX];
    area_rule(a, 0, "log", "L full log");
    for (size_t i = m->log ? tail_count(m->log) : 0; i-- > 0 && row < a.rows;) {
        const struct tail_line *line = tail_at(m->log, i);
        if (!strstr(line->text, r->id))
            continue;
        int col = area_printf(a, row, 1, ROLE_DIM, "%s ", fmt_clock(line->at_ms, clock));
        area_field(a, row++, col, a.cols - col - 1, roles[line->level], line->text, false);
    }
}

/* --------------------------------------------------------------------------------- together */

static void body_wide(struct ui *ui, const struct ui_model *m, const struct rollout *r,
                      struct area a, int row)
{
    int half = a.cols / 2, left = a.rows - row;
    int log = left >= 20 ? 4 : 0, plots = left - log >= 16 ? 8 : 0;
    if (left - log - plots > 24 && plots)
        plots = 11;
    if (plots) {
        draw_result_plot(ui, m, r, true, area_sub(a, row, 0, plots, half - 1));
        draw_result_plot(ui, m, r, false, area_sub(a, row, half, plots, -1));
        row += plots;
    }
    int panes = a.rows - row - log;
    draw_failed(ui, m, r, area_sub(a, row, 0, panes, half - 1));
    draw_flight(ui, m, r, area_sub(a, row, half, panes, -1));
    if (log)
        draw_log(m, r, area_sub(a, row + panes, 0, log, -1));
}

static void body(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct rollout *r = shown(ui, m);
    if (!r) {
        area_printf(a, 1, 2, ROLE_DIM,
                    "%s is not there: it appears when the engine has taken it up.", ui->rollout.id);
        return;
    }
    bool roomy = a.rows >= 17;
    int row = roomy && WIDE(ui) ? 1 : 0;
    draw_progress(r, m, area_sub(a, row, 0, 2, -1));
    row += 2 + roomy;
    row += draw_stages(r, m, area_sub(a, row, 0, -1, -1), a.rows >= 24 ? STAGES_SHOWN : 4) + roomy;
    if (r->state == ROLLOUT_DRAFT) {
        area_text(a, row, 2, ROLE_DIM, "Not started.");
        return;
    }
    draw_flow(r, area_sub(a, row++, 0, 1, -1));
    draw_ruler(r, area_sub(a, row++, 0, 1, -1));
    draw_gate_line(r, area_sub(a, row++, 0, 1, -1));
    row += a.rows >= 24;
    if (WIDE(ui))
        body_wide(ui, m, r, a, row);
    else if (ui->rollout.pane == ROLLOUT_FAILED)
        draw_failed(ui, m, r, area_sub(a, row, 0, -1, -1));
    else
        draw_flight(ui, m, r, area_sub(a, row, 0, -1, -1));
}

static void head(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct rollout *r = shown(ui, m);
    char text[120], size[FMT_MAX];
    char word[24];
    int col = area_text(a, 0, 1, ROLE_DIM, "rollouts › ");
    col = area_text(a, 0, col, ROLE_CRUMB, ui->rollout.id);
    if (!r)
        return;
    snprintf(word, sizeof(word), "%s", rollout_state_word(r->state));
    for (char *p = word; *p; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    snprintf(text, sizeof(text), " %s %s  stage %u of %u ", rollout_state_glyph(r->state), word,
             r->stage + 1, r->plan.stage_count);
    struct area left = a;
    left.cols = area_right(a, 0, a.cols, rollout_state_role(r->state), text);
    col = area_printf(left, 0, col, ROLE_TEXT, "  %s %s", r->release.product, r->release.version);
    if (WIDE(ui))
        area_printf(left, 0, col, ROLE_DIM, "   %s   target %.60s", fmt_size(r->release.size, size),
                    *r->plan.target ? r->plan.target : "all");
}

static void acts(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct rollout *r = shown(ui, m);
    int col = 1;
    char text[80];
    if (r && m->read_only)
        col = area_text(a, 0, col, ROLE_DIM, "read-only");
    else if (r && !rollout_is_over(r)) {
        bool stands = r->state == ROLLOUT_PAUSED || r->state == ROLLOUT_STOPPED;
        if (r->state == ROLLOUT_RUNNING || stands)
            col = draw_act(a, col, "Space", stands ? "resume…" : "pause");
        col = draw_act(a, col, "X", "abort…");
    } else if (r && r->state == ROLLOUT_STOPPED) {
        col = draw_act(a, col, "Space", "resume…");
        col = draw_act(a, col, "X", "abort…");
    }
    snprintf(text, sizeof(text), "%s", m->engine ? m->engine : "driven by this console");
    draw_act_right(a, col, text);
}

static void narrow(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct rollout *r = shown(ui, m);
    if (!r)
        return;
    int col = area_text(a, 0, 0, rollout_state_role(r->state), rollout_state_glyph(r->state));
    area_printf(a, 0, col, ROLE_TEXT, " %s %s", r->id, rollout_state_word(r->state));
    draw_progress(r, m, area_sub(a, 1, 0, 2, -1));
    for (uint32_t i = 0; i < r->plan.stage_count && (int)i + 3 < a.rows; i++) {
        const struct rollout_stage *s = &r->stages[i];
        col = area_text(a, 3 + (int)i, 0, stage_look[s->state].role, stage_look[s->state].glyph);
        area_printf(a, 3 + (int)i, col + 1, ROLE_TEXT, "%s %u/%u, %u failed", r->plan.stage[i].name,
                    s->phase[ROLLOUT_PHASE_DONE], s->size, s->phase[ROLLOUT_PHASE_FAILED]);
    }
}

static int bottom_rows(const struct ui *ui)
{
    return ui->rows >= 30 ? 3 : 2;
}

const struct screen_ops screen_rollout = {
    .refresh = refresh,
    .action = action_taken,
    .opened = opened,
    .bottom_rows = bottom_rows,
    .head = head,
    .body = body,
    .acts = acts,
    .narrow = narrow,
};
