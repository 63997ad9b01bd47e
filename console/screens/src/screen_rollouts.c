#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* All rollouts, newest first. */

const struct rollout *rollout_of(const struct ui_model *m, const char *id)
{
    for (size_t i = 0; i < m->rollout_count; i++) {
        if (strcmp(m->rollouts[i]->id, id) == 0)
            return m->rollouts[i];
    }
    return NULL;
}

enum role rollout_state_role(enum rollout_state state)
{
    static const enum role roles[ROLLOUT_STATE_COUNT] = {
        [ROLLOUT_DRAFT] = ROLE_DIM,
        [ROLLOUT_RUNNING] = ROLE_UPDATING,
        [ROLLOUT_PAUSED] = ROLE_WARN,
        [ROLLOUT_STOPPED] = ROLE_CRIT,
        [ROLLOUT_FINISHING] = ROLE_UPDATING,
        [ROLLOUT_ABORTING] = ROLE_WARN,
        [ROLLOUT_DONE] = ROLE_OK,
        [ROLLOUT_ABORTED] = ROLE_DIM,
    };
    return (unsigned)state < ROLLOUT_STATE_COUNT ? roles[state] : ROLE_TEXT;
}

const char *rollout_state_glyph(enum rollout_state state)
{
    static const char *const glyphs[ROLLOUT_STATE_COUNT] = {
        [ROLLOUT_DRAFT] = "·",   [ROLLOUT_RUNNING] = "⇡",   [ROLLOUT_PAUSED] = "▲",
        [ROLLOUT_STOPPED] = "✗", [ROLLOUT_FINISHING] = "⇡", [ROLLOUT_ABORTING] = "▲",
        [ROLLOUT_DONE] = "✓",    [ROLLOUT_ABORTED] = "○",
    };
    return (unsigned)state < ROLLOUT_STATE_COUNT ? glyphs[state] : " ";
}

/* ------------------------------------------------------------------------------------- acts */

void rollout_pause(struct step *s, const char *id)
{
    const struct rollout *r = rollout_of(s->m, id);
    if (!r || !ui_may_act(s))
        return;
    bool resume = r->state == ROLLOUT_PAUSED || r->state == ROLLOUT_STOPPED;
    if (!resume && r->state != ROLLOUT_RUNNING) {
        ui_say(s, TAIL_WARN, "%s is %s: nothing to pause or resume", id,
               rollout_state_word(r->state));
        return;
    }
    if (!resume) { /* harmless: nothing new starts */
        struct ui_effect *e = ui_effect(s, UI_PAUSE_ROLLOUT);
        text_copy(e->id, sizeof(e->id), id);
        ui_say(s, TAIL_PLAIN, "pausing %s: nothing new starts", id);
        return;
    }
    uint32_t phase[ROLLOUT_PHASES];
    struct confirm c = { .keep = "Stay", .act = "Resume", .lines = 0 };
    rollout_totals(r, phase);
    c.effect.kind = UI_RESUME_ROLLOUT;
    text_copy(c.effect.id, sizeof(c.effect.id), id);
    snprintf(c.title, sizeof(c.title), "resume rollout %s", id);
    if (*r->why)
        snprintf(c.line[c.lines++], sizeof(c.line[0]), "It is %s: %.78s",
                 rollout_state_word(r->state), r->why);
    snprintf(c.line[c.lines++], sizeof(c.line[0]), "Goes on with stage %u, \"%s\".", r->stage + 1,
             r->plan.stage[r->stage].name);
    if (phase[ROLLOUT_PHASE_FAILED] + phase[ROLLOUT_PHASE_SILENT])
        snprintf(c.line[c.lines++], sizeof(c.line[0]),
                 "The %u failures and %u silent devices seen so far no longer count.",
                 phase[ROLLOUT_PHASE_FAILED], phase[ROLLOUT_PHASE_SILENT]);
    confirm_open(s->ui, &c);
}

static uint32_t sum(const uint32_t phase[ROLLOUT_PHASES], enum rollout_phase from,
                    enum rollout_phase to)
{
    uint32_t n = 0;
    for (int p = (int)from; p <= (int)to; p++)
        n += phase[p];
    return n;
}

void rollout_abort(struct step *s, const char *id)
{
    const struct rollout *r = rollout_of(s->m, id);
    uint32_t phase[ROLLOUT_PHASES];
    if (!r || !ui_may_act(s))
        return;
    if (rollout_is_over(r) && r->state != ROLLOUT_STOPPED) {
        ui_say(s, TAIL_WARN, "%s is over", id);
        return;
    }
    struct confirm c = { .keep = "Keep it", .act = "Abort", .doing = "abort" };
    rollout_totals(r, phase);
    uint32_t early = sum(phase, ROLLOUT_PHASE_TOLD, ROLLOUT_PHASE_DOWNLOADING);
    uint32_t late = sum(phase, ROLLOUT_PHASE_INSTALLING, ROLLOUT_PHASE_TRIAL);
    uint32_t new = phase[ROLLOUT_PHASE_DONE] + phase[ROLLOUT_PHASE_SOAKING];
    c.effect.kind = UI_ABORT_ROLLOUT;
    text_copy(c.effect.id, sizeof(c.effect.id), id);
    text_copy(c.type, sizeof(c.type), id);
    snprintf(c.title, sizeof(c.title), "abort rollout %s", id);
    snprintf(c.line[c.lines++], sizeof(c.line[0]),
             "Stops stage %u.  %u devices are in flight:", r->stage + 1, early + late);
    snprintf(c.line[c.lines++], sizeof(c.line[0]),
             "  %u waiting or downloading    will stop and keep what they run", early);
    snprintf(c.line[c.lines++], sizeof(c.line[0]),
             "  %u past download             will finish and may run %s", late, r->release.version);
    snprintf(c.line[c.lines++], sizeof(c.line[0]), "%u devices stay on %s.  No device rolls back.",
             new, r->release.version);
    snprintf(c.line[c.lines++], sizeof(c.line[0]), "%u devices are never told.",
             phase[ROLLOUT_PHASE_PLANNED] + phase[ROLLOUT_PHASE_OFFLINE]);
    confirm_open(s->ui, &c);
}

/* ------------------------------------------------------------------------------------- list */

static const struct rollout *selected(const struct ui *ui, const struct ui_model *m)
{
    return ui->rollouts.cursor.row < m->rollout_count ? m->rollouts[ui->rollouts.cursor.row] : NULL;
}

static void refresh(struct ui *ui, const struct ui_model *m)
{
    cursor_fit(&ui->rollouts.cursor, (uint32_t)m->rollout_count, ui->rollouts.page);
}

static bool action_taken(struct step *s, enum action action)
{
    struct rollouts_screen *l = &s->ui->rollouts;
    const struct rollout *r = selected(s->ui, s->m);
    if (cursor_action(&l->cursor, action, (uint32_t)s->m->rollout_count, l->page))
        return true;
    if (!r)
        return false;
    switch ((int)action) {
    case ACTION_OPEN:
        text_copy(s->ui->rollout.id, sizeof(s->ui->rollout.id), r->id);
        ui_push(s, SCREEN_ROLLOUT);
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
        return false;
    }
}

static void draw_row(const struct rollout *r, const struct ui_model *m, struct area a)
{
    uint32_t phase[ROLLOUT_PHASES];
    char text[120], when[FMT_MAX];
    rollout_totals(r, phase);
    uint32_t done = phase[ROLLOUT_PHASE_DONE] + phase[ROLLOUT_PHASE_EXCUSED];
    uint32_t failed = phase[ROLLOUT_PHASE_FAILED];
    enum role role = rollout_state_role(r->state);

    area_text(a, 0, 4, role, rollout_state_glyph(r->state));
    area_field(a, 0, 6, 16, ROLE_TEXT, r->id, false);
    snprintf(text, sizeof(text), "%s %s", r->release.product, r->release.version);
    area_field(a, 0, 23, 17, ROLE_TEXT, text, false);
    area_field(a, 0, 41, 9, role, rollout_state_word(r->state), false);
    snprintf(text, sizeof(text), "%u/%u", r->stage + 1, r->plan.stage_count);
    area_field(a, 0, 51, 5, ROLE_DIM, text, true);
    snprintf(text, sizeof(text), "%u/%u", done, r->count);
    area_field(a, 0, 57, 10, ROLE_TEXT, text, true);
    snprintf(text, sizeof(text), "%u", failed);
    area_field(a, 0, 68, 5, failed ? ROLE_CRIT : ROLE_DIM, text, true);
    int col = 75;
    if (a.cols >= 110) {
        area_bar(a, 0, col, 20, done, r->in_flight, r->count);
        area_field(a, 0, col + 22, 10, ROLE_DIM,
                   fmt_day_hm(r->started_ms ? r->started_ms : r->created_ms, m->now_ms, when),
                   false);
        col += 33;
        area_field(a, 0, col, a.cols - col - 1, ROLE_DIM, r->why, false);
    }
}

static void titles(struct area a)
{
    area_text(a, 0, 6, ROLE_HEADER, "ROLLOUT");
    area_text(a, 0, 23, ROLE_HEADER, "RELEASE");
    area_text(a, 0, 41, ROLE_HEADER, "STATE");
    area_text(a, 0, 51, ROLE_HEADER, "STAGE");
    area_text(a, 0, 63, ROLE_HEADER, "DONE");
    area_text(a, 0, 69, ROLE_HEADER, "FAIL");
    if (a.cols >= 110) {
        area_text(a, 0, 75, ROLE_HEADER, "PROGRESS");
        area_text(a, 0, 97, ROLE_HEADER, "STARTED");
        area_text(a, 0, 108, ROLE_HEADER, "WHY");
    }
}

static void body(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct rollouts_screen *l = &ui->rollouts;
    titles(area_sub(a, 0, 0, 1, -1));
    struct area list = area_sub(a, 1, 0, -1, -1);
    l->page = list.rows;
    cursor_fit(&l->cursor, (uint32_t)m->rollout_count, l->page);
    if (m->rollout_count == 0) {
        area_text(list, 1, 4, ROLE_DIM, "No rollout yet. Esc, then u on the fleet plans one.");
        return;
    }
    for (int i = 0; i < list.rows && l->cursor.top + (uint32_t)i < m->rollout_count; i++) {
        uint32_t at = l->cursor.top + (uint32_t)i;
        struct area line = area_sub(list, i, 0, 1, -1);
        if (at == l->cursor.row) {
            line = area_over(line, ROLE_SELECTION);
            area_put(line, 0, 1, ROLE_FOCUS, 0x25b8);
            line.c->cursor_row = line.row;
            line.c->cursor_col = 1;
        }
        draw_row(m->rollouts[at], m, line);
    }
}

static void head(struct ui *ui, const struct ui_model *m, struct area a)
{
    char text[120];
    (void)ui;
    area_text(a, 0, 1, ROLE_CRUMB, "rollouts");
    snprintf(text, sizeof(text), m->engine ? "driven by %s " : "driven by this console ",
             m->engine ? m->engine : "");
    area_right(a, 0, a.cols, ROLE_DIM, text);
}

static void acts(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct rollout *r = selected(ui, m);
    if (r && *r->why)
        area_printf(a, 0, 1, ROLE_TEXT, "%s: %s", rollout_state_word(r->state), r->why);
}

static void narrow(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct rollouts_screen *l = &ui->rollouts;
    l->page = a.rows;
    cursor_fit(&l->cursor, (uint32_t)m->rollout_count, l->page);
    for (int i = 0; i < a.rows && l->cursor.top + (uint32_t)i < m->rollout_count; i++) {
        const struct rollout *r = m->rollouts[l->cursor.top + (uint32_t)i];
        struct area line = area_sub(a, i, 0, 1, -1);
        if (l->cursor.top + (uint32_t)i == l->cursor.row)
            line = area_over(line, ROLE_SELECTION);
        area_text(line, 0, 0, rollout_state_role(r->state), rollout_state_glyph(r->state));
        int col = area_text(line, 0, 2, ROLE_TEXT, r->id) + 1;
        area_printf(line, 0, col, ROLE_DIM, "%s %s", r->release.version,
                    rollout_state_word(r->state));
    }
}

const struct screen_ops screen_rollouts = {
    .refresh = refresh,
    .action = action_taken,
    .head = head,
    .body = body,
    .acts = acts,
    .narrow = narrow,
};
