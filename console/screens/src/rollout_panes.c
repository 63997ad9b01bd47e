#include "rollout_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The lists of a rollout: who is under way, what failed and why, the devices of a stage. */

/* ----------------------------------------------------------------------------------- lists */

/* Keep the list sorted by key, smallest first, at most `cap` of them. */
static void insert(struct listed *l, uint32_t cap, uint32_t device, int64_t key)
{
    uint32_t at = l->count < cap ? l->count : cap;
    l->all++;
    while (at > 0 && l->key[at - 1] > key)
        at--;
    if (at == cap)
        return;
    uint32_t last = l->count < cap ? l->count : cap - 1;
    memmove(&l->index[at + 1], &l->index[at], (last - at) * sizeof(l->index[0]));
    memmove(&l->key[at + 1], &l->key[at], (last - at) * sizeof(l->key[0]));
    l->index[at] = device;
    l->key[at] = key;
    if (l->count < cap)
        l->count++;
}

/* How far on its way; small first. */
static int64_t distance(enum rollout_phase phase)
{
    static const enum rollout_phase order[] = {
        ROLLOUT_PHASE_RETURNING,  ROLLOUT_PHASE_ABORTING,    ROLLOUT_PHASE_SILENT,
        ROLLOUT_PHASE_RETRYING,   ROLLOUT_PHASE_TRIAL,       ROLLOUT_PHASE_REBOOTING,
        ROLLOUT_PHASE_INSTALLING, ROLLOUT_PHASE_DOWNLOADING, ROLLOUT_PHASE_TOLD,
        ROLLOUT_PHASE_RECALLED,
    };
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (order[i] == phase)
            return (int64_t)i;
    }
    return 99;
}

static int64_t badness(enum rollout_phase phase);

/* How it ended for each, what went badly first. */
static void list_ended(const struct rollout *r, struct listed *l)
{
    for (uint32_t i = 0; i < r->count; i++)
        insert(l, LISTED_FLIGHT, i,
               badness(rollout_device_phase(&r->device[i])) * INT64_C(10000000) + i);
}

void list_flight(const struct rollout *r, const struct ui_model *m, enum rollout_sort sort,
                 struct listed *l)
{
    l->count = l->all = 0;
    if (rollout_ended(r)) {
        list_ended(r, l);
        return;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        const struct rollout_device *d = &r->device[i];
        enum rollout_phase phase = rollout_device_phase(d);
        bool soaking = phase == ROLLOUT_PHASE_SOAKING;
        if (!soaking && !phase_in_flight(phase))
            continue;
        int64_t key = d->told_ms;
        if (sort == ROLLOUT_FURTHEST)
            key = distance(phase) * INT64_C(1000000000000000) + d->told_ms;
        if (sort == ROLLOUT_BY_ID)
            key = i;
        if (phase == ROLLOUT_PHASE_TOLD && sort == ROLLOUT_SLOWEST)
            key += rollout_slot_ms(r, m, d) > m->now_ms ? INT64_C(2000000000000000) : 0;
        insert(l, LISTED_FLIGHT, i, key + (soaking ? INT64_C(4000000000000000000) : 0));
    }
}

/* What an operator looks for first. */
static int64_t badness(enum rollout_phase phase)
{
    switch ((int)phase) {
    case ROLLOUT_PHASE_FAILED:
        return 0;
    case ROLLOUT_PHASE_SILENT:
        return 1;
    case ROLLOUT_PHASE_RETRYING:
        return 2;
    case ROLLOUT_PHASE_SOAKING:
        return 5;
    case ROLLOUT_PHASE_OFFLINE:
        return 6;
    case ROLLOUT_PHASE_PLANNED:
        return 7;
    case ROLLOUT_PHASE_EXCUSED:
    case ROLLOUT_PHASE_ABORTED:
    case ROLLOUT_PHASE_RETURNED:
        return 8;
    case ROLLOUT_PHASE_DONE:
        return 9;
    default:
        return 4; /* under way */
    }
}

void list_devices(const struct rollout *r, int stage, int reason, struct listed *l)
{
    l->count = l->all = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct rollout_device *d = &r->device[i];
        enum rollout_phase phase = rollout_device_phase(d);
        bool wanted =
            stage >= 0 ? d->stage == stage : phase == ROLLOUT_PHASE_FAILED && d->reason == reason;
        if (wanted)
            insert(l, LISTED, i, badness(phase) * INT64_C(10000000) + i);
    }
}

/* ------------------------------------------------------------------------------------ rows */

static struct area list_row(struct area a, int row, bool selected)
{
    struct area line = area_sub(a, row, 1, 1, -1);
    if (selected) {
        line = area_over(line, ROLE_SELECTION);
        area_cursor(line, 0, 0);
    }
    return line;
}

/* The device began its trial when it said so, and keeps it to itself: that is all that is known. */
static int64_t trial_left_s(const struct rollout *r, const struct ui_model *m,
                            const struct rollout_device *d)
{
    return r->plan.trial_s - (rollout_heard_now_ms(r, m) - d->heard_ms) / 1000;
}

/* What a device waits for or is at, behind its phase. */
static void draw_doing(const struct rollout *r, const struct ui_model *m,
                       const struct rollout_device *d, struct area a, int col, int bar)
{
    enum rollout_phase phase = rollout_device_phase(d);
    char text[FMT_MAX], clock[FMT_MAX];
    int64_t slot = rollout_slot_ms(r, m, d);
    if (phase == ROLLOUT_PHASE_DOWNLOADING && r->release.size) {
        if (a.c->words) /* the number says it */
            bar = 0;
        area_bar(a, 0, col, bar, d->got, 0, r->release.size);
        area_printf(a, 0, col + bar, ROLE_TEXT, " %3u%%",
                    (unsigned)((uint64_t)d->got * 100 / r->release.size));
    } else if (phase == ROLLOUT_PHASE_TOLD && slot > m->now_ms) {
        col = area_printf(a, 0, col, ROLE_DIM, "slot in %s",
                          fmt_left((slot - m->now_ms + 999) / 1000, a.c->words, text));
        if (bar >= 14)
            area_printf(a, 0, col, ROLE_DIM, ", %s", fmt_clock(slot, clock));
    } else if (phase == ROLLOUT_PHASE_TOLD && d->ota == OTA_REPORT_IDLE) {
        area_text(a, 0, col, ROLE_DIM, "no answer yet");
    } else if (phase == ROLLOUT_PHASE_SOAKING) {
        int64_t left = d->due_ms - rollout_heard_now_ms(r, m);
        area_printf(a, 0, col, ROLE_DIM, "%s left", fmt_left(left / 1000, a.c->words, text));
    } else if (phase == ROLLOUT_PHASE_TRIAL && trial_left_s(r, m, d) > 0) {
        area_printf(a, 0, col, ROLE_DIM, "%s left",
                    fmt_left(trial_left_s(r, m, d), a.c->words, text));
    } else if (phase == ROLLOUT_PHASE_RETRYING) {
        area_printf(a, 0, col, ROLE_DIM, "%s, again in %s", reason_word((enum reason)d->reason),
                    fmt_left((d->due_ms - rollout_heard_now_ms(r, m)) / 1000, a.c->words, text));
    } else if (d->reason != REASON_NONE) {
        area_text(a, 0, col, ROLE_DIM, reason_word((enum reason)d->reason));
    }
}

static enum role phase_role(enum rollout_phase phase)
{
    if (phase == ROLLOUT_PHASE_FAILED)
        return ROLE_CRIT;
    if (phase == ROLLOUT_PHASE_DONE)
        return ROLE_OK;
    if (phase == ROLLOUT_PHASE_SILENT || phase == ROLLOUT_PHASE_RETRYING ||
        phase == ROLLOUT_PHASE_ABORTING || phase == ROLLOUT_PHASE_RETURNING)
        return ROLE_WARN;
    return phase_in_flight(phase) || phase == ROLLOUT_PHASE_SOAKING ? ROLE_UPDATING : ROLE_DIM;
}

static const char *phase_shown(const struct rollout *r, const struct ui_model *m,
                               const struct rollout_device *d)
{
    enum rollout_phase phase = rollout_device_phase(d);
    if (phase == ROLLOUT_PHASE_TOLD && rollout_slot_ms(r, m, d) > m->now_ms)
        return "waiting";
    return rollout_phase_word(phase);
}

static void draw_device_row(const struct rollout *r, const struct ui_model *m,
                            const struct rollout_device *d, struct area a)
{
    enum rollout_phase phase = rollout_device_phase(d);
    char text[FMT_MAX];
    int id = a.cols >= 75 ? 22 : a.cols >= 50 ? 17 : 14, bar = a.cols >= 70 ? 14 : 8;
    int col = 2 + id;

    if (phase == ROLLOUT_PHASE_SILENT || phase == ROLLOUT_PHASE_RETRYING)
        area_mark(a, 0, 0, ROLE_WARN, "▲");
    if (phase == ROLLOUT_PHASE_FAILED)
        area_mark(a, 0, 0, ROLE_CRIT, "✗");
    area_field(a, 0, 2, id - 1, ROLE_TEXT, d->id, false);
    area_field(a, 0, col, 11, phase_role(phase), phase_shown(r, m, d), false);
    col += 12;
    int end = a.cols - 1;
    if (d->ended_ms)
        end = area_right(a, 0, end, ROLE_DIM, fmt_day_hm(d->ended_ms, m->now_ms, text)) - 2;
    else if (d->told_ms)
        end = area_right(a, 0, end, ROLE_TEXT,
                         fmt_passed((rollout_moment(r, m) - d->told_ms) / 1000, a.c->words, text)) -
              2;
    draw_doing(r, m, d, area_sub(a, 0, 0, 1, end), col, bar);
}

/* ---------------------------------------------------------------------------------- flight */

static const char *const sort_words[ROLLOUT_SORTS] = { "slowest first", "furthest first",
                                                       "in their order" };

static void flight_title(const struct rollout *r, const struct rollout_counts *c, char *out,
                         size_t cap)
{
    if (rollout_ended(r))
        snprintf(out, cap, "how it ended for each");
    else if (c->soaking)
        snprintf(out, cap, "in flight %u  soaking %u", c->flight, c->soaking);
    else
        snprintf(out, cap, "in flight %u", c->flight);
}

void draw_flight(struct ui *ui, const struct ui_model *m, const struct rollout *r, struct area a)
{
    struct rollout_screen *v = &ui->rollout;
    struct listed *l = mem_alloc(sizeof(*l));
    struct rollout_counts c;
    bool focus = v->pane == ROLLOUT_FLIGHT;
    char title[60], right[40];
    rollout_count_all(r, &c);
    list_flight(r, m, v->sort, l);
    flight_title(r, &c, title, sizeof(title));
    if (l->all > l->count)
        snprintf(right, sizeof(right), "the first %u", l->count);
    else
        snprintf(right, sizeof(right), "%s",
                 rollout_ended(r) ? "what went badly first" : sort_words[v->sort]);
    draw_pane_rule(a, 0, focus, title, right);
    struct area list = area_sub(a, 1, 0, -1, -1);
    if (focus) {
        v->page = list.rows;
        cursor_fit(&v->device, l->count, list.rows);
    }
    uint32_t top = focus ? v->device.top : 0;
    for (int i = 0; i < list.rows && top + (uint32_t)i < l->count; i++)
        draw_device_row(r, m, &r->device[l->index[top + (uint32_t)i]],
                        list_row(list, i, focus && top + (uint32_t)i == v->device.row));
    if (l->count == 0)
        area_text(list, 0, 2, ROLE_DIM, "nobody");
    free(l);
}

void draw_device_list(struct ui *ui, const struct ui_model *m, const struct rollout *r,
                      struct area a)
{
    struct rollout_screen *v = &ui->rollout;
    struct listed *l = mem_alloc(sizeof(*l));
    char title[120], right[60] = "Esc back";
    list_devices(r, v->list_stage, v->list_reason, l);
    if (v->list_stage >= 0)
        snprintf(title, sizeof(title), "stage %d %s: %u device%s", v->list_stage + 1,
                 r->plan.stage[v->list_stage].name, l->all, l->all == 1 ? "" : "s");
    else
        snprintf(title, sizeof(title), "failed, %s: %u device%s",
                 reason_text((enum reason)v->list_reason), l->all, l->all == 1 ? "" : "s");
    if (l->all > l->count)
        snprintf(right, sizeof(right), "the first %u", l->count);
    draw_pane_rule(a, 0, true, title, right);
    struct area list = area_sub(a, 1, 0, -1, -1);
    v->page = list.rows;
    cursor_fit(&v->list, l->count, list.rows);
    for (int i = 0; i < list.rows && v->list.top + (uint32_t)i < l->count; i++) {
        uint32_t at = v->list.top + (uint32_t)i;
        draw_device_row(r, m, &r->device[l->index[at]], list_row(list, i, at == v->list.row));
    }
    if (l->count == 0)
        area_text(list, 0, 2, ROLE_DIM, "none");
    free(l);
}

/* -------------------------------------------------------------------------------- failures */

#define CLUSTER_REFRESH_MS 5000

static void add_trait(struct cluster_device *c, enum cluster_factor factor, uint16_t word)
{
    if (word && c->trait_count < CLUSTER_PER_DEVICE)
        c->trait[c->trait_count++] = (struct cluster_trait){ (uint8_t)factor, word };
}

/* The version it had before this rollout, as a word of the fleet; 0: not known. */
static uint16_t came_from(const struct fleet *fleet, const struct fleet_device *d,
                          const struct rollout *r, bool failed)
{
    const struct fleet_ota *o = d->ota;
    if (o && strcmp(fleet_word(fleet, o->rollout), r->id) == 0 && o->from)
        return o->from;
    for (int i = 0; o && i < o->update_count; i++) {
        if (strcmp(fleet_word(fleet, o->update[i].rollout), r->id) == 0)
            return o->update[i].from;
    }
    return failed ? d->fw : 0;
}

static void add_device(struct clusters *all, const struct ui_model *m, const struct rollout *r,
                       const struct rollout_device *d)
{
    bool failed = d->state == RDEV_FAILED;
    struct cluster_device c = { .failed = failed, .reason = failed ? d->reason : 0 };
    uint32_t at = fleet_find(m->fleet, d->id);
    const struct fleet_device *dev = at == FLEET_NONE ? NULL : fleet_device(m->fleet, at);
    if (!failed && !rollout_confirmed_ms(r, d))
        return;
    if (dev) {
        add_trait(&c, CLUSTER_HW, dev->hw);
        add_trait(&c, CLUSTER_FROM, came_from(m->fleet, dev, r, failed));
        for (int i = 0; i < dev->group_count; i++)
            add_trait(&c, CLUSTER_GROUP, dev->group[i]);
    }
    clusters_add(all, &c);
}

void refresh_clusters(struct ui *ui, const struct ui_model *m, const struct rollout *r)
{
    struct rollout_screen *v = &ui->rollout;
    struct rollout_counts c;
    rollout_count_all(r, &c);
    uint32_t results = c.failed * 31 + c.done + c.soaking;
    bool same = strcmp(v->cluster_of, r->id) == 0 && v->cluster_results == results;
    if (same || (strcmp(v->cluster_of, r->id) == 0 && m->now_ms >= v->cluster_ms &&
                 m->now_ms < v->cluster_ms + CLUSTER_REFRESH_MS && c.failed == v->whole.failed))
        return;
    struct clusters *all = clusters_new();
    for (uint32_t i = 0; c.failed && i < r->count; i++)
        add_device(all, m, r, &r->device[i]);
    v->cluster_count = clusters_list(all, v->cluster, ROLLOUT_CAUSES);
    clusters_whole(all, &v->whole);
    clusters_free(all);
    snprintf(v->cluster_of, sizeof(v->cluster_of), "%s", r->id);
    v->cluster_results = results;
    v->cluster_ms = m->now_ms;
}

/* "hw px200b, group lab" */
static void traits_text(const struct cluster *c, const struct ui_model *m, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < c->common_count && used < cap; i++)
        used += (size_t)snprintf(out + used, cap - used, "%s%s %s", i ? ", " : "",
                                 cluster_factor_word((enum cluster_factor)c->common[i].factor),
                                 fleet_word(m->fleet, c->common[i].word));
}

/* "5 of 6 share hw px200b, as 48 of 240 do" */
static void draw_common(const struct cluster *c, const struct ui_model *m, const char *what,
                        struct area a, int row)
{
    char text[200], traits[120];
    traits_text(c, m, traits, sizeof(traits));
    snprintf(text, sizeof(text), "%u of %u%s share %s   (%u of all %u with a result%s)", c->with,
             c->failed, what, traits, c->all_with, c->total, c->strong ? "" : ": may be chance");
    area_field(a, row, 2, a.cols - 3, c->strong ? ROLE_WARN : ROLE_TEXT, text, false);
}

/* Ids of a cause, as many as fit. */
static void draw_ids(const struct rollout *r, int reason, uint32_t count, struct area a, int row,
                     int col)
{
    uint32_t shown = 0;
    char more[24];
    for (uint32_t i = 0; i < r->count && shown < count; i++) {
        const struct rollout_device *d = &r->device[i];
        if (d->state != RDEV_FAILED || d->reason != reason)
            continue;
        snprintf(more, sizeof(more), "+%u", count - shown);
        int room = a.cols - 1 - (shown + 1 < count ? area_width(a, more) + 1 : 0);
        if (col + area_width(a, d->id) > room) {
            if (col + area_width(a, more) < a.cols)
                area_text(a, row, col, ROLE_DIM, more);
            return;
        }
        col = area_text(a, row, col, ROLE_TEXT, d->id) + 2;
        shown++;
    }
}

static void draw_cause(const struct rollout *r, const struct cluster *c, struct area line,
                       struct area below, bool two_rows)
{
    const char *text = reason_text((enum reason)c->reason);
    int col = area_mark(line, 0, 0, ROLE_CRIT, "✗");
    col = area_printf(line, 0, col, ROLE_TEXT, "%u  ", c->failed);
    int width = area_width(line, text), room = line.cols - col - 1;
    if (two_rows)
        area_field(line, 0, col, room, ROLE_TEXT, text, false);
    else if (room - width >= 26)
        draw_ids(r, c->reason, c->failed, line, 0, area_text(line, 0, col, ROLE_TEXT, text) + 2);
    else
        area_field(line, 0, col, room, ROLE_TEXT, text, false);
    if (two_rows)
        draw_ids(r, c->reason, c->failed, below, 0, 5);
}

/* A cause to a row with its devices behind or below it; at the end what they share. */
void draw_failed(struct ui *ui, const struct ui_model *m, const struct rollout *r, struct area a)
{
    struct rollout_screen *v = &ui->rollout;
    bool focus = v->pane == ROLLOUT_FAILED;
    char title[40];
    snprintf(title, sizeof(title), "failed %u", v->whole.failed);
    draw_pane_rule(a, 0, focus, title, "by cause");
    struct area list = area_sub(a, 1, 0, -1, -1);
    bool common = v->whole.common_count && list.rows >= 2;
    int rows = list.rows - common, each = (int)v->cluster_count * 2 <= rows && a.cols < 110 ? 2 : 1;
    v->page = focus ? rows / each : v->page;
    if (focus)
        cursor_fit(&v->cause, v->cluster_count, rows / each);
    int row = 0;
    for (uint32_t i = focus ? v->cause.top : 0; i < v->cluster_count && row + each <= rows; i++) {
        struct area line = list_row(list, row, focus && i == v->cause.row);
        draw_cause(r, &v->cluster[i], line, area_sub(list, row + 1, 1, 1, -1), each == 2);
        row += each;
    }
    if (common)
        draw_common(&v->whole, m, "", list, list.rows > row + 1 ? row + (rows > row + 2) : row);
    for (uint32_t i = 0; !common && i < v->cluster_count && row < list.rows; i++) {
        if (v->cluster[i].common_count)
            draw_common(&v->cluster[i], m, "", list, row++);
    }
    if (v->cluster_count == 0)
        area_text(list, 0, 2, ROLE_DIM, "none");
}

/* ------------------------------------------------------------------------------------- log */

/* The newest lines of the log that name this rollout; its name is not repeated. */
void draw_rollout_log(const struct ui_model *m, const struct rollout *r, struct area a)
{
    static const enum role roles[] = { ROLE_TEXT, ROLE_LOG_WARN, ROLE_LOG_ERROR };
    int row = 1;
    char clock[FMT_MAX];
    size_t len = strlen(r->id);
    area_rule(a, 0, "log", "L full log");
    for (size_t i = m->log ? tail_count(m->log) : 0; i-- > 0 && row < a.rows;) {
        const struct tail_line *line = tail_at(m->log, i);
        const char *text = line->text;
        if (!strstr(text, r->id))
            continue;
        if (strncmp(text, r->id, len) == 0)
            text += len + (text[len] == ':') + (text[len] == ':' || text[len] == ' ');
        draw_log_level(a, row, line->level);
        int col = area_printf(a, row, 1, ROLE_DIM, "%s ", fmt_clock(line->at_ms, clock));
        if (a.c->words && line->level != TAIL_PLAIN)
            col =
                area_printf(a, row, col, roles[line->level], "%s: ", tail_level_word(line->level));
        area_field(a, row++, col, a.cols - col - 1, roles[line->level], text, false);
    }
}
