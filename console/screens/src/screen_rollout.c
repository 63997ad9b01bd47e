#include "rollout_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* One rollout: how far, what the gate says, what failed and why, who is under way. */

#define STAGES_SHOWN 6
#define WIDE(ui)     ((ui)->cols >= 110)

static const struct rollout *shown(const struct ui *ui, const struct ui_model *m)
{
    return rollout_of(m, ui->rollout.id);
}

/* ------------------------------------------------------------------------------------- keys */

static void opened(struct step *s)
{
    struct rollout_screen *v = &s->ui->rollout;
    const struct rollout *r = shown(s->ui, s->m);
    v->device = v->cause = v->list = (struct cursor){ 0 };
    v->at_stage = (struct cursor){ .row = r ? r->stage : 0 };
    v->chosen = v->listing = false;
}

/* Until a key chooses: who is under way, and when nobody is, what failed. */
static void refresh(struct ui *ui, const struct ui_model *m)
{
    const struct rollout *r = shown(ui, m);
    struct rollout_counts c;
    if (!r)
        return;
    refresh_clusters(ui, m, r);
    if (ui->rollout.chosen)
        return;
    rollout_count_all(r, &c);
    ui->rollout.pane = c.failed && c.flight + c.soaking == 0 ? ROLLOUT_FAILED : ROLLOUT_FLIGHT;
}

static void open_device(struct step *s, const struct rollout *r, const struct listed *l,
                        uint32_t row)
{
    if (row >= l->count)
        return;
    text_copy(s->ui->fleet.selected, sizeof(s->ui->fleet.selected), r->device[l->index[row]].id);
    s->ui->fleet.touched = true;
    ui_push(s, SCREEN_DEVICE);
}

static void open_list(struct rollout_screen *v, int stage, int reason)
{
    v->listing = true;
    v->list_stage = stage;
    v->list_reason = reason;
    v->list = (struct cursor){ 0 };
}

static void open_row(struct step *s, const struct rollout *r)
{
    struct rollout_screen *v = &s->ui->rollout;
    struct listed *l = mem_alloc(sizeof(*l));
    if (v->listing) {
        list_devices(r, v->list_stage, v->list_reason, l);
        open_device(s, r, l, v->list.row);
    } else if (v->pane == ROLLOUT_FLIGHT) {
        list_flight(r, s->m, v->sort, l);
        open_device(s, r, l, v->device.row);
    } else if (v->pane == ROLLOUT_STAGES && v->at_stage.row < r->plan.stage_count) {
        open_list(v, (int)v->at_stage.row, -1);
    } else if (v->pane == ROLLOUT_FAILED && v->cause.row < v->cluster_count) {
        open_list(v, -1, v->cluster[v->cause.row].reason);
    }
    free(l);
}

/* The fleet's list of those that have reported in this rollout. */
static void show_in_fleet(struct step *s, const struct rollout *r)
{
    struct fleet_screen *f = &s->ui->fleet;
    snprintf(f->filter, sizeof(f->filter), "rollout:%s", r->id);
    f->states = 0;
    f->stale = true;
    f->bad = f->none = f->editing = false;
    while (s->ui->depth > 1)
        ui_back(s);
}

static void next_pane(struct rollout_screen *v, int by)
{
    v->chosen = true;
    v->pane = (enum rollout_pane)(((int)v->pane + by + ROLLOUT_PANES) % ROLLOUT_PANES);
}

/* How many rows the focused list has, and its cursor. */
static struct cursor *list_cursor(struct step *s, const struct rollout *r, uint32_t *count)
{
    struct rollout_screen *v = &s->ui->rollout;
    struct listed *l = mem_alloc(sizeof(*l));
    struct cursor *c = &v->device;
    if (v->listing) {
        list_devices(r, v->list_stage, v->list_reason, l);
        c = &v->list;
    } else if (v->pane == ROLLOUT_FLIGHT) {
        list_flight(r, s->m, v->sort, l);
    }
    *count = l->count;
    free(l);
    if (!v->listing && v->pane == ROLLOUT_FAILED) {
        *count = v->cluster_count;
        c = &v->cause;
    } else if (!v->listing && v->pane == ROLLOUT_STAGES) {
        *count = r->plan.stage_count;
        c = &v->at_stage;
    }
    return c;
}

static bool action_taken(struct step *s, enum action action)
{
    struct rollout_screen *v = &s->ui->rollout;
    const struct rollout *r = shown(s->ui, s->m);
    uint32_t count;
    if (!r)
        return false;
    if (rollout_act_key(s, r->id, action))
        return true;
    switch ((int)action) {
    case ACTION_PANE_NEXT:
    case ACTION_PANE_PREV:
        if (!v->listing)
            next_pane(v, action == ACTION_PANE_NEXT ? 1 : -1);
        return true;
    case ACTION_BACK:
        if (!v->listing)
            return false;
        v->listing = false;
        return true;
    case ACTION_SORT:
        v->sort = (enum rollout_sort)((v->sort + 1) % ROLLOUT_SORTS);
        return true;
    case ACTION_OPEN:
        open_row(s, r);
        return true;
    case ACTION_FILTER:
        show_in_fleet(s, r);
        return true;
    case ACTION_COPY:
        text_copy(ui_effect(s, UI_COPY)->text, 256, r->id);
        return true;
    default:
        break;
    }
    struct cursor *c = list_cursor(s, r, &count);
    bool taken = cursor_action(c, action, count, v->page);
    v->chosen |= taken;
    return taken;
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
        draw_rollout_log(m, r, area_sub(a, row + panes, 0, log, -1));
}

static void body_panes(struct ui *ui, const struct ui_model *m, const struct rollout *r,
                       struct area a, int row)
{
    struct rollout_counts c;
    rollout_count_all(r, &c);
    struct area rest = area_sub(a, row, 0, -1, -1);
    bool failed =
        ui->rollout.pane == ROLLOUT_FAILED || (ui->rollout.pane == ROLLOUT_STAGES && c.failed);
    if (WIDE(ui))
        body_wide(ui, m, r, a, row);
    else if (failed)
        draw_failed(ui, m, r, rest);
    else
        draw_flight(ui, m, r, rest);
}

static void body(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct rollout *r = shown(ui, m);
    struct rollout_screen *v = &ui->rollout;
    if (!r) {
        area_printf(a, 1, 2, ROLE_DIM,
                    "%s is not there: it appears when the engine has taken it up.", v->id);
        return;
    }
    bool roomy = a.rows >= 17;
    int row = roomy && WIDE(ui) ? 1 : 0;
    int selected = v->pane == ROLLOUT_STAGES && !v->listing ? (int)v->at_stage.row : -1;
    draw_progress(r, m, area_sub(a, row, 0, 2, -1));
    row += 2 + roomy;
    if (v->listing) {
        draw_device_list(ui, m, r, area_sub(a, row, 0, -1, -1));
        return;
    }
    row +=
        draw_stages(r, m, area_sub(a, row, 0, -1, -1), a.rows >= 24 ? STAGES_SHOWN : 4, selected) +
        roomy;
    if (r->state == ROLLOUT_DRAFT) {
        area_text(a, row, 2, ROLE_DIM, "Not started.");
        return;
    }
    draw_flow(r, area_sub(a, row++, 0, 1, -1));
    draw_ruler(r, area_sub(a, row++, 0, 1, -1));
    draw_why(r, m, area_sub(a, row++, 0, 1, -1));
    if (a.rows >= 24 || (roomy && has_caps(r)))
        draw_caps(r, m, area_sub(a, row++, 0, 1, -1));
    row += a.rows >= 30;
    body_panes(ui, m, r, a, row);
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
    snprintf(text, sizeof(text), " %s%s%s  stage %u of %u ",
             a.c->words ? "" : rollout_state_glyph(r->state), a.c->words ? "" : " ", word,
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
    if (r)
        col = draw_rollout_acts(ui, r, m, a, col);
    if (r && rollout_ended(r)) /* nobody drives it any more */
        return;
    snprintf(text, sizeof(text), "%s", m->engine ? m->engine : "driven by this console");
    draw_act_right(a, col, text);
}

static void narrow(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct rollout *r = shown(ui, m);
    if (!r)
        return;
    int col = area_mark(a, 0, 0, rollout_state_role(r->state), rollout_state_glyph(r->state));
    area_printf(a, 0, col, ROLE_TEXT, "%s %s", r->id, rollout_state_word(r->state));
    draw_progress(r, m, area_sub(a, 1, 0, 2, -1));
    for (uint32_t i = 0; i < r->plan.stage_count && (int)i + 3 < a.rows; i++) {
        const struct rollout_stage *s = &r->stages[i];
        area_printf(a, 3 + (int)i, 0, s->state == ROLLOUT_STAGE_WAITING ? ROLE_DIM : ROLE_TEXT,
                    "%s %s: %u of %u, %u failed", r->plan.stage[i].name,
                    rollout_stage_word(s->state), s->phase[ROLLOUT_PHASE_DONE], s->size,
                    s->phase[ROLLOUT_PHASE_FAILED]);
    }
    int row = 3 + (int)r->plan.stage_count;
    if (row < a.rows)
        draw_why(r, m, area_sub(a, row, 0, 1, -1));
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
