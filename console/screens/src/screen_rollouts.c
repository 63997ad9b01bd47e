#include "rollout_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "fleet/rows.h"

/* All rollouts: what is going on first, then the past, newest first. */

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

/* ------------------------------------------------------------------------------------- list */

/* A rollout of the list: whole if it is in memory, else what the journal says in short. */
struct entry {
    const struct rollout *r;
    const struct ui_rollout_row *row;
};

struct entries {
    struct entry entry[UI_ROLLOUT_ROWS];
    uint32_t count, all; /* that pass the filter; of all */
};

static enum rollout_state state_of(const struct entry *e)
{
    return e->r ? e->r->state : e->row->state;
}

static const char *id_of(const struct entry *e)
{
    return e->r ? e->r->id : e->row->id;
}

/* Somebody may still have to do something about it. */
static bool is_live(const struct entry *e)
{
    enum rollout_state state = state_of(e);
    if (e->r)
        return !rollout_is_closed(e->r);
    return state != ROLLOUT_DONE && state != ROLLOUT_ABORTED && state != ROLLOUT_STOPPED;
}

static const struct ui_rollout_row *row_of(const struct ui_model *m, const char *id)
{
    for (size_t i = 0; i < m->row_count; i++) {
        if (strcmp(m->rows[i].id, id) == 0)
            return &m->rows[i];
    }
    return NULL;
}

/* Numbers of a rollout, from whichever source there is. */
struct numbers {
    const char *product, *version, *target, *who, *why;
    uint32_t devices, done, failed, under_way, flight, stage, stage_count;
    int64_t started_ms, ended_ms;
};

static struct numbers numbers_of(const struct entry *e)
{
    struct numbers n = { .who = e->row ? e->row->who : "" };
    struct rollout_counts c;
    if (!e->r) {
        const struct ui_rollout_row *row = e->row;
        return (struct numbers){ row->product,
                                 row->version,
                                 row->target,
                                 row->who,
                                 row->why,
                                 row->devices,
                                 row->done,
                                 row->failed,
                                 0,
                                 0,
                                 row->stage,
                                 row->stage_count,
                                 row->started_ms ? row->started_ms : row->created_ms,
                                 row->ended_ms };
    }
    rollout_count_all(e->r, &c);
    n.product = e->r->release.product;
    n.version = e->r->release.version;
    n.target = e->r->plan.target;
    n.why = e->r->why;
    n.devices = e->r->count;
    n.done = c.done;
    n.failed = c.failed;
    n.flight = c.flight;
    n.under_way = c.flight + c.soaking;
    n.stage = e->r->stage;
    n.stage_count = e->r->plan.stage_count;
    n.started_ms = e->r->started_ms ? e->r->started_ms : e->r->created_ms;
    n.ended_ms = e->r->ended_ms;
    return n;
}

/* What the filter asks of it. */
static struct rollout_row facts_of(const struct entry *e)
{
    const struct numbers n = numbers_of(e);

    return (struct rollout_row){ .id = id_of(e),
                                 .state = rollout_state_word(state_of(e)),
                                 .product = n.product,
                                 .version = n.version,
                                 .target = *n.target ? n.target : "all",
                                 .who = n.who,
                                 .why = n.why,
                                 .devices = n.devices,
                                 .done = n.done,
                                 .failed = n.failed,
                                 .stage = n.stage,
                                 .stage_count = n.stage_count,
                                 .started_ms = n.started_ms,
                                 .ended_ms = n.ended_ms,
                                 .over = !is_live(e) };
}

static void add_entry(struct entries *list, struct entry e, bool live)
{
    if (is_live(&e) == live && list->count < UI_ROLLOUT_ROWS)
        list->entry[list->count++] = e;
}

/* What is going on first; then the past; both newest first. */
static void collect_all(const struct ui_model *m, struct entries *list)
{
    list->count = 0;
    for (int live = 1; live >= 0; live--) {
        for (size_t i = 0; i < m->rollout_count; i++) { /* too new for the journal's list */
            const struct ui_rollout_row *row = row_of(m, m->rollouts[i]->id);
            if (!row)
                add_entry(list, (struct entry){ m->rollouts[i], NULL }, live);
        }
        for (size_t i = 0; i < m->row_count; i++)
            add_entry(list, (struct entry){ rollout_of(m, m->rows[i].id), &m->rows[i] }, live);
    }
}

/* For the filter and its completion. */
struct rows {
    struct entries list;
    struct rollout_row row;
};

static const void *row_nth(void *ctx, size_t n)
{
    struct rows *r = ctx;

    if (n >= r->list.count)
        return NULL;
    r->row = facts_of(&r->list.entry[n]);
    return &r->row;
}

static struct filter_list list_of(const struct ui_model *m, struct rows *r)
{
    return (struct filter_list){
        .rows = &rollout_row_fields, .row = row_nth, .ctx = r, .now_ms = m->now_ms
    };
}

static void collect(struct ui *ui, const struct ui_model *m, struct entries *list)
{
    struct list_filter *f = &ui->rollouts.filter;
    const struct filter_list of = list_of(m, NULL);
    uint32_t kept = 0;

    collect_all(m, list);
    list->all = list->count;
    for (uint32_t i = 0; i < list->count && f->filter; i++) {
        struct rollout_row row = facts_of(&list->entry[i]);
        if (list_filter_passes(f, &of, &row))
            list->entry[kept++] = list->entry[i];
    }
    if (f->filter)
        list->count = kept;
}

/* The selection is a rollout, not a row. */
static void find_selected(struct rollouts_screen *l, const struct entries *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (strcmp(id_of(&list->entry[i]), l->selected) == 0)
            l->cursor.row = i;
    }
    cursor_fit(&l->cursor, list->count, l->page);
    text_copy(l->selected, sizeof(l->selected),
              l->cursor.row < list->count ? id_of(&list->entry[l->cursor.row]) : "");
}

static void refresh(struct ui *ui, const struct ui_model *m)
{
    struct entries *list = mem_alloc(sizeof(*list));
    collect(ui, m, list);
    find_selected(&ui->rollouts, list);
    free(list);
}

static bool moved(struct step *s, enum action action)
{
    struct rollouts_screen *l = &s->ui->rollouts;
    struct entries *list = mem_alloc(sizeof(*list));
    collect(s->ui, s->m, list);
    bool taken = cursor_action(&l->cursor, action, list->count, l->page);
    if (taken && l->cursor.row < list->count)
        text_copy(l->selected, sizeof(l->selected), id_of(&list->entry[l->cursor.row]));
    free(list);
    return taken;
}

static void open_selected(struct step *s)
{
    const char *id = s->ui->rollouts.selected;
    if (!rollout_of(s->m, id)) {
        struct ui_effect *e = ui_effect(s, UI_LOAD_ROLLOUT);
        text_copy(e->id, sizeof(e->id), id);
    }
    text_copy(s->ui->rollout.id, sizeof(s->ui->rollout.id), id);
    ui_push(s, SCREEN_ROLLOUT);
}

static void mouse(struct step *s, const struct ui_event *ev)
{
    struct rollouts_screen *l = &s->ui->rollouts;
    bool wheel = ev->mouse == UI_WHEEL_UP || ev->mouse == UI_WHEEL_DOWN;
    int row = ev->row - l->list_row;
    if (wheel) {
        moved(s, ev->mouse == UI_WHEEL_UP ? ACTION_UP : ACTION_DOWN);
        return;
    }
    if (row < 0 || row >= l->page)
        return;
    struct entries *list = mem_alloc(sizeof(*list));
    collect(s->ui, s->m, list);
    uint32_t at = l->cursor.top + (uint32_t)row;
    bool there = at < list->count, again = at == l->cursor.row;
    if (there)
        text_copy(l->selected, sizeof(l->selected), id_of(&list->entry[at]));
    find_selected(l, list);
    free(list);
    if (there && (again || ev->mouse == UI_DOUBLE_CLICK))
        open_selected(s);
}

static bool filter_taken(struct step *s, enum action action, const struct ui_event *ev)
{
    struct list_filter *f = &s->ui->rollouts.filter;
    bool clears = action == ACTION_BACK && *f->text;
    if (!(ev ? f->editing : action == ACTION_FILTER || clears))
        return false;
    struct rows *r = mem_alloc(sizeof(*r));
    collect_all(s->m, &r->list);
    const struct filter_list list = list_of(s->m, r);
    bool taken = ev ? list_filter_typing(f, &list, ev) : list_filter_action(f, &list, action);
    free(r);
    return taken;
}

static bool typing(struct step *s, const struct ui_event *ev)
{
    return filter_taken(s, ACTION_NONE, ev);
}

static bool bar(struct ui *ui, const struct ui_model *m, struct area a)
{
    if (!ui->rollouts.filter.editing)
        return false;
    struct entries *list = mem_alloc(sizeof(*list));
    collect(ui, m, list);
    bool drawn = list_filter_bar(&ui->rollouts.filter, a, list->count, list->all,
                                 "running  failed>0  version:1.4  since<7d");
    free(list);
    return drawn;
}

size_t rollouts_screen_rows(struct ui *ui, const struct ui_model *m)
{
    struct entries *list = mem_alloc(sizeof(*list));
    collect(ui, m, list);
    size_t count = list->count;
    ui_ids_room(ui, count);
    for (size_t i = 0; i < count; i++)
        text_copy(ui->ids[i], sizeof(*ui->ids), id_of(&list->entry[i]));
    free(list);
    return count;
}

static bool action_taken(struct step *s, enum action action)
{
    const char *id = s->ui->rollouts.selected;
    if (moved(s, action) || filter_taken(s, action, NULL))
        return true;
    if (action == ACTION_EXPORT) {
        export_open(s, UI_ROWS_ROLLOUTS);
        return true;
    }
    if (!*id)
        return false;
    if (action == ACTION_OPEN) {
        open_selected(s);
        return true;
    }
    if (action == ACTION_COPY) {
        text_copy(ui_effect(s, UI_COPY)->text, 256, id);
        return true;
    }
    return rollout_act_key(s, id, action);
}

/* ------------------------------------------------------------------------------------- rows */

/* Columns that a width has room for; 0: not there. */
struct list_columns {
    int id_width, release, release_width, target, state, stage, bar, bar_width, done, flight, fail,
        rate, since, who;
};

static struct list_columns list_columns(int cols)
{
    if (cols >= 150)
        return (
            struct list_columns){ 16, 24, 18, 43, 70, 80, 86, 18, 105, 116, 122, 128, 136, 150 };
    if (cols >= 110)
        return (struct list_columns){ 16, 23, 16, 0, 40, 50, 56, 12, 69, 79, 84, 90, 97, 109 };
    if (cols >= 76)
        return (struct list_columns){ 14, 21, 17, 0, 39, 49, 53, 5, 58, 0, 68, 0, 73, 0 };
    return (struct list_columns){ 14, 0, 0, 0, 21, 31, 35, 6, 42, 0, 53, 0, 0, 0 };
}

/* When it will be through its stage, else since when it runs, else when it ended. */
static void since_text(const struct entry *e, const struct numbers *n, const struct ui_model *m,
                       bool wide, char *out, size_t cap)
{
    char time[FMT_MAX];
    int64_t left = e->r ? rollout_stage_left_ms(e->r, m) : -1;
    if (left >= 0)
        snprintf(out, cap, "%s %s", wide ? "eta" : "in", fmt_age(left, time));
    else if (n->ended_ms && wide)
        snprintf(out, cap, "%s", fmt_day_hm(n->ended_ms, m->now_ms, time));
    else if (n->ended_ms)
        snprintf(out, cap, "%s", fmt_age(m->now_ms - n->ended_ms, time));
    else
        snprintf(out, cap, "%s%s", wide ? "for " : "", fmt_age(m->now_ms - n->started_ms, time));
}

static void number_field(struct area a, int col, int width, enum role role, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static void number_field(struct area a, int col, int width, enum role role, const char *format, ...)
{
    char text[80];
    va_list ap;
    if (!col)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    area_field(a, 0, col, width, role, text, true);
}

static void draw_row(const struct entry *e, const struct ui_model *m, struct area a)
{
    const struct list_columns at = list_columns(a.cols);
    const struct numbers n = numbers_of(e);
    char text[160];
    enum rollout_state state = state_of(e);
    enum role role = rollout_state_role(state), plain = is_live(e) ? ROLE_TEXT : ROLE_DIM;
    uint32_t results = n.done + n.failed;

    area_mark(a, 0, 4, role, rollout_state_glyph(state));
    area_field(a, 0, 6, at.id_width, plain, id_of(e), false);
    snprintf(text, sizeof(text), "%s %s", n.product, n.version);
    if (at.release)
        area_field(a, 0, at.release, at.release_width, plain, text, false);
    if (at.target)
        area_field(a, 0, at.target, 26, ROLE_DIM, *n.target ? n.target : "all", false);
    area_field(a, 0, at.state, 9, role, rollout_state_word(state), false);
    snprintf(text, sizeof(text), "%u/%u", n.stage + 1, n.stage_count);
    area_text(a, 0, at.stage, ROLE_DIM, n.stage_count ? text : "");
    area_bar(a, 0, at.bar, at.bar_width, n.done, n.under_way, n.devices);
    number_field(a, at.done, 9, plain, "%u/%u", n.done, n.devices);
    number_field(a, at.flight, 4, n.flight ? ROLE_UPDATING : ROLE_DIM, "%u", n.flight);
    number_field(a, at.fail, 4, n.failed ? ROLE_CRIT : ROLE_DIM, "%u", n.failed);
    if (results)
        number_field(a, at.rate, 6, n.failed ? ROLE_TEXT : ROLE_DIM, "%.1f%%",
                     100.0 * n.failed / results);
    if (at.since) {
        since_text(e, &n, m, at.who > 0, text, sizeof(text));
        area_field(a, 0, at.since, (at.who ? at.who : a.cols) - at.since - 1, ROLE_DIM, text,
                   !at.who);
    }
    if (at.who)
        area_field(a, 0, at.who, a.cols - at.who - 1, ROLE_DIM, n.who, false);
}

static void titles(struct area a)
{
    const struct list_columns at = list_columns(a.cols);
    area_text(a, 0, 6, ROLE_HEADER, "ROLLOUT");
    if (at.release)
        area_text(a, 0, at.release, ROLE_HEADER, "RELEASE");
    if (at.target)
        area_text(a, 0, at.target, ROLE_HEADER, "TARGET");
    area_text(a, 0, at.state, ROLE_HEADER, "STATE");
    area_text(a, 0, at.stage, ROLE_HEADER, "STAGE");
    number_field(a, at.done, 9, ROLE_HEADER, "DONE");
    number_field(a, at.flight, 4, ROLE_HEADER, "FLY");
    number_field(a, at.fail, 4, ROLE_HEADER, "FAIL");
    number_field(a, at.rate, 6, ROLE_HEADER, "RATE");
    if (at.since)
        area_field(a, 0, at.since, (at.who ? at.who : a.cols) - at.since - 1, ROLE_HEADER, "WHEN",
                   !at.who);
    if (at.who)
        area_text(a, 0, at.who, ROLE_HEADER, "BY");
}

/* ---------------------------------------------------------------------------------- together */

#define PREVIEW_ROWS 10

static void draw_preview(const struct entry *e, const struct ui_model *m, struct area a)
{
    const struct numbers n = numbers_of(e);
    char title[120], when[FMT_MAX], took[FMT_MAX];
    snprintf(title, sizeof(title), "%s  %s %s", id_of(e), n.product, n.version);
    area_rule(a, 0, title, "Enter opens");
    if (e->r && e->r->state != ROLLOUT_DRAFT) {
        draw_progress(e->r, m, area_sub(a, 1, 0, 2, -1));
        draw_why(e->r, m, area_sub(a, 3, 0, 1, -1));
        draw_stages(e->r, m, area_sub(a, 4 + (a.rows > 10), 0, -1, -1), a.rows - 6, -1);
    } else {
        area_printf(a, 1, 2, ROLE_TEXT, "%s%s%s", rollout_state_word(state_of(e)),
                    *n.why ? ": " : "", n.why);
        area_printf(a, 2, 2, ROLE_DIM, "%u devices, %u done, %u failed", n.devices, n.done,
                    n.failed);
        int col =
            area_printf(a, 3, 2, ROLE_DIM, "started %s%s%s",
                        fmt_day_hm(n.started_ms, m->now_ms, when), *n.who ? " by " : "", n.who);
        if (n.ended_ms)
            area_printf(a, 3, col, ROLE_DIM, ", took %s",
                        fmt_duration((n.ended_ms - n.started_ms) / 1000, took));
        area_printf(a, 4, 2, ROLE_DIM, "target %s", *n.target ? n.target : "all");
    }
}

static void draw_list(struct rollouts_screen *l, const struct entries *list,
                      const struct ui_model *m, struct area a)
{
    for (int i = 0; i < a.rows && l->cursor.top + (uint32_t)i < list->count; i++) {
        uint32_t at = l->cursor.top + (uint32_t)i;
        struct area line = area_sub(a, i, 0, 1, -1);
        if (at == l->cursor.row) {
            line = area_over(line, ROLE_SELECTION);
            area_pointer(line, 1);
        }
        draw_row(&list->entry[at], m, line);
    }
}

/* Rows of the preview: where there is room, or the list is short. */
static int preview_rows(const struct entries *list, int rows)
{
    int left = rows - (int)list->count;
    if (list->count == 0 || rows < PREVIEW_ROWS + 3)
        return 0;
    if (rows >= 26)
        return left > 14 ? 14 : PREVIEW_ROWS + 2;
    return left >= PREVIEW_ROWS ? PREVIEW_ROWS : 0;
}

static void body(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct rollouts_screen *l = &ui->rollouts;
    struct entries *list = mem_alloc(sizeof(*list));
    collect(ui, m, list);
    titles(area_sub(a, 0, 0, 1, -1));
    int below = preview_rows(list, a.rows - 1);
    struct area rows = area_sub(a, 1, 0, a.rows - 1 - below, -1);
    l->page = rows.rows;
    l->list_row = rows.row;
    find_selected(l, list);
    area_cursor(rows, 1, 4); /* until a row is drawn */
    if (list->count == 0)
        area_text(rows, 1, 4, ROLE_DIM,
                  list->all ? "No rollout passes the filter. Esc clears it."
                            : "No rollout yet. Esc, then u on the fleet plans one.");
    draw_list(l, list, m, rows);
    if (below)
        draw_preview(&list->entry[l->cursor.row], m, area_sub(a, a.rows - below, 0, -1, -1));
    free(list);
}

static void head(struct ui *ui, const struct ui_model *m, struct area a)
{
    char text[120];
    size_t count = m->row_count > m->rollout_count ? m->row_count : m->rollout_count;
    int col = area_text(a, 0, 1, ROLE_CRUMB, "rollouts");
    col = list_filter_head(&ui->rollouts.filter, a, col, a.cols - col - 50);
    if (count)
        area_printf(a, 0, col, ROLE_DIM, "  %zu%s", count,
                    count == UI_ROLLOUT_ROWS ? " newest" : "");
    snprintf(text, sizeof(text), m->engine ? "driven by %s " : "driven by this console ",
             m->engine ? m->engine : "");
    area_right(a, 0, a.cols, ROLE_DIM, text);
}

static void acts(struct ui *ui, const struct ui_model *m, struct area a)
{
    const struct rollout *r = rollout_of(m, ui->rollouts.selected);
    if (r)
        draw_rollout_acts(ui, r, m, a, 1);
}

static void narrow(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct rollouts_screen *l = &ui->rollouts;
    struct entries *list = mem_alloc(sizeof(*list));
    collect(ui, m, list);
    l->page = a.rows;
    find_selected(l, list);
    for (int i = 0; i < a.rows && l->cursor.top + (uint32_t)i < list->count; i++) {
        const struct entry *e = &list->entry[l->cursor.top + (uint32_t)i];
        const struct numbers n = numbers_of(e);
        struct area line = area_sub(a, i, 0, 1, -1);
        if (l->cursor.top + (uint32_t)i == l->cursor.row) {
            line = area_over(line, ROLE_SELECTION);
            area_cursor(line, 0, 0);
        }
        int col = area_mark(line, 0, 0, rollout_state_role(state_of(e)),
                            rollout_state_glyph(state_of(e)));
        col = area_text(line, 0, col, ROLE_TEXT, id_of(e)) + 1;
        area_printf(line, 0, col, ROLE_DIM, "%s %s %u/%u", n.version,
                    rollout_state_word(state_of(e)), n.done, n.devices);
    }
    free(list);
}

const struct screen_ops screen_rollouts = {
    .refresh = refresh,
    .typing = typing,
    .bar = bar,
    .action = action_taken,
    .mouse = mouse,
    .head = head,
    .body = body,
    .acts = acts,
    .narrow = narrow,
};
