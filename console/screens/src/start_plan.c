#include "screens/candidate.h"
#include "start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "protocol/hex.h"
#include "screens/stages.h"

/*
 * The preview is worked out when a field changes, and its ids are the ones that the rollout will
 * touch: it does not change by itself.
 */

const struct ui_release *start_release(const struct start *d, const struct ui_model *m)
{
    for (size_t i = 0; i < m->release_count; i++) {
        const struct release *r = &m->releases[i].release;
        if (strcmp(r->product, d->product) == 0 && strcmp(r->version, d->version) == 0)
            return &m->releases[i];
    }
    return NULL;
}

bool start_is_choice(enum start_row row)
{
    return row == START_RELEASE || row == START_TEMPLATE || row == START_EYES ||
           row == START_LATE || row == START_STOP;
}

/* --------------------------------------------------------------------------- fields and plan */

/* "10m", "90s": what text_to_seconds() reads. */
static void put_seconds(struct field *f, uint32_t s)
{
    char text[24];
    if (s && s % 3600 == 0)
        snprintf(text, sizeof(text), "%uh", s / 3600);
    else if (s && s % 60 == 0)
        snprintf(text, sizeof(text), "%um", s / 60);
    else
        snprintf(text, sizeof(text), "%us", s);
    field_set(f, text);
}

static void put_window(struct field *f, const struct window *w)
{
    char from[WINDOW_TIME_MAX], to[WINDOW_TIME_MAX], days[WINDOW_DAYS_MAX];
    char text[WINDOW_TEXT_MAX + 16] = "";
    window_time_text(w->from_min, from);
    window_time_text(w->to_min, to);
    window_days_text(w->days, days);
    if (w->days)
        snprintf(text, sizeof(text), "%s-%s %s %s", from, to, w->tz, days);
    field_set(f, text);
}

void start_show_plan(struct start *d)
{
    const struct rollout_plan *p = &d->base;
    char text[FIELD_MAX];
    if (stages_text(p, text, sizeof(text)))
        field_set(&d->field[START_STAGES], text);
    snprintf(text, sizeof(text), "%.6g%%", p->gate.allowed_failure * 100);
    field_set(&d->field[START_FAILURE], text);
    put_seconds(&d->field[START_JITTER], p->jitter_s);
    put_seconds(&d->field[START_TRIAL], p->trial_s);
    snprintf(text, sizeof(text), "%u", p->in_flight);
    field_set(&d->field[START_FLIGHT], text);
    snprintf(text, sizeof(text), "%s %u", p->per_group.by, p->per_group.max);
    field_set(&d->field[START_GROUP], *p->per_group.by ? text : "");
    bytes_text(p->bandwidth, text);
    field_set(&d->field[START_BANDWIDTH], p->bandwidth ? text : "");
    put_window(&d->field[START_WINDOW], &p->window);
    d->eyes = p->four_eyes;
    d->late = p->late == PLAN_LATE_JOIN;
    d->abort = p->on_stop == PLAN_STOP_ABORT;
}

static int problem(struct start *d, enum start_row row, const char *text)
{
    snprintf(d->problem, sizeof(d->problem), "%.190s", text);
    d->problem_row = row;
    d->good = false;
    return -1;
}

/* Devices that a template names in a stage stay in the stage of that name. */
static void keep_named(struct start *d)
{
    for (uint32_t i = 0; i < d->plan.stage_count; i++) {
        for (uint32_t k = 0; k < d->base.stage_count; k++) {
            if (strcmp(d->plan.stage[i].name, d->base.stage[k].name) != 0)
                continue;
            d->plan.stage[i].named_first = d->base.stage[k].named_first;
            d->plan.stage[i].named_count = d->base.stage[k].named_count;
        }
    }
}

static int read_share(struct start *d)
{
    char digits[16];
    const char *text = d->field[START_FAILURE].text;
    size_t len = strspn(text, "0123456789.");
    double percent;
    if (!text_copy_n(digits, sizeof(digits), text, len) || !text_to_double(digits, &percent) ||
        strcmp(text + len, "%") != 0 || percent > 100)
        return problem(d, START_FAILURE, "may fail: a share is wanted: 5%");
    d->plan.gate.allowed_failure = percent / 100;
    return 0;
}

/* "site 2": a label and how many. */
static int read_group(struct start *d)
{
    const char *text = d->field[START_GROUP].text;
    size_t len = strcspn(text, " :");
    uint64_t most;
    d->plan.per_group.by[0] = '\0';
    d->plan.per_group.max = 0;
    if (!*text)
        return 0;
    if (!text[len] || !text_copy_n(d->plan.per_group.by, sizeof(d->plan.per_group.by), text, len) ||
        !text_to_u64(text + len + 1, 1, PLAN_DEVICES, &most))
        return problem(d, START_GROUP, "per group: a label and a number: site 2");
    d->plan.per_group.max = (uint32_t)most;
    return 0;
}

static int read_numbers(struct start *d)
{
    uint64_t n;
    if (!text_to_seconds(d->field[START_JITTER].text, &n) || n > 7 * 86400)
        return problem(d, START_JITTER, "jitter: a time is wanted: 30s 10m 2h");
    d->plan.jitter_s = (uint32_t)n;
    if (!text_to_seconds(d->field[START_TRIAL].text, &n) || n > 86400)
        return problem(d, START_TRIAL, "trial: a time is wanted: 30s 5m");
    d->plan.trial_s = (uint32_t)n;
    if (!text_to_u64(d->field[START_FLIGHT].text, 1, PLAN_DEVICES, &n))
        return problem(d, START_FLIGHT, "in flight: at least 1");
    d->plan.in_flight = (uint32_t)n;
    d->plan.bandwidth = 0;
    if (d->field[START_BANDWIDTH].len &&
        (!bytes_read(d->field[START_BANDWIDTH].text, &n) || n > UINT32_MAX))
        return problem(d, START_BANDWIDTH, "bandwidth: bytes per second: 500k 2M");
    if (d->field[START_BANDWIDTH].len)
        d->plan.bandwidth = (uint32_t)n;
    return 0;
}

/* The fields as a plan. */
static int read_fields(struct start *d)
{
    char text[200];
    struct err err;
    d->plan = d->base;
    text_copy(d->plan.product, sizeof(d->plan.product), d->product);
    text_copy(d->plan.version, sizeof(d->plan.version), d->version);
    if (!text_copy(d->plan.target, sizeof(d->plan.target), d->field[START_TARGET].text))
        return problem(d, START_TARGET, "target: too long");
    if (stages_parse(d->field[START_STAGES].text, &d->plan, text, sizeof(text)) != 0)
        return problem(d, START_STAGES, text);
    keep_named(d);
    if (read_share(d) != 0 || read_numbers(d) != 0 || read_group(d) != 0)
        return -1;
    const char *window = d->field[START_WINDOW].text;
    if (plan_window_read(*window ? window : "none", &d->plan.window, &err) != 0)
        return problem(d, START_WINDOW, err.text);
    d->plan.four_eyes = d->eyes;
    d->plan.late = d->late ? PLAN_LATE_JOIN : PLAN_LATE_IGNORE;
    d->plan.on_stop = d->abort ? PLAN_STOP_ABORT : PLAN_STOP_PAUSE;
    return 0;
}

/* plan_check() names the field as the JSON does; here it is a row. */
static enum start_row row_of(const char *text)
{
    static const struct {
        const char *word;
        enum start_row row;
    } rows[] = {
        { "stages", START_STAGES },  { "gate", START_FAILURE },        { "jitter", START_JITTER },
        { "trial", START_TRIAL },    { "in_flight", START_FLIGHT },    { "per_group", START_GROUP },
        { "window", START_WINDOW },  { "bandwidth", START_BANDWIDTH }, { "stop", START_FAILURE },
        { "four_eyes", START_EYES }, { "release", START_RELEASE },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strncmp(text, rows[i].word, strlen(rows[i].word)) == 0)
            return rows[i].row;
    }
    return START_TARGET;
}

/* -------------------------------------------------------------------------------------- who */

struct plan_candidate candidate_of(const struct fleet *fleet, const struct fleet_device *d)
{
    struct plan_candidate c = { .id = d->id,
                                .product = fleet_word(fleet, d->product),
                                .hw = fleet_word(fleet, d->hw),
                                .fw = fleet_word(fleet, d->fw),
                                .image = fleet_word(fleet, d->image),
                                .boot = d->boot,
                                .release_seq = d->release_seq,
                                .security = d->security,
                                .agent = d->agent,
                                .cert_not_after = d->cert_not_after,
                                .last_seen_ms = d->last_ms,
                                .online = d->online,
                                .group_count = d->group_count };
    for (uint32_t i = 0; i < d->group_count && i < PROTO_GROUP_COUNT; i++)
        c.group[i] = fleet_word(fleet, d->group[i]);
    return c;
}

static uint32_t marked_candidates(const struct step *s, struct plan_candidate *out)
{
    uint32_t count = 0;
    for (size_t i = 0; i < s->ui->fleet.mark_count; i++) {
        uint32_t at = fleet_find(s->m->fleet, s->ui->fleet.mark[i]);
        const struct fleet_device *d = at == FLEET_NONE ? NULL : fleet_device(s->m->fleet, at);
        if (d)
            out[count++] = candidate_of(s->m->fleet, d);
    }
    return count;
}

/* Devices that the target names; free() it. -1 when the filter is wrong. */
static int find_candidates(struct step *s, struct start *d, struct plan_candidate **out,
                           uint32_t *count)
{
    struct filter_error err;
    struct filter *filter = d->marked ? NULL : filter_compile(d->field[START_TARGET].text, &err);
    if (!filter && !d->marked) {
        char text[160];
        snprintf(text, sizeof(text), "target: %s, at character %zu", err.text, err.at + 1);
        return problem(d, START_TARGET, text);
    }
    *out = mem_array(fleet_count(s->m->fleet) + 1, sizeof(**out));
    *count = d->marked ? marked_candidates(s, *out) : 0;
    for (uint32_t i = 0; filter && i < fleet_span(s->m->fleet); i++) {
        const struct fleet_device *dev = fleet_device(s->m->fleet, i);
        if (dev && filter_match(filter, s->m->fleet, dev, s->m->now_ms))
            (*out)[(*count)++] = candidate_of(s->m->fleet, dev);
    }
    filter_free(filter);
    d->matched = *count;
    return 0;
}

static void keep_excluded(struct start *d, const struct plan_set *set,
                          const struct plan_candidate *candidate)
{
    uint32_t kept[PLAN_EXCLUDED_COUNT] = { 0 };
    memcpy(d->excluded, set->why_count, sizeof(d->excluded));
    d->excluded_count = set->excluded_count;
    for (uint32_t i = 0; i < set->excluded_count; i++) {
        enum plan_excluded why = set->excluded[i].why;
        if (kept[why] < START_ID_SHOWN)
            text_copy(d->excluded_id[why][kept[why]++], PROTO_ID_MAX,
                      candidate[set->excluded[i].candidate].id);
    }
}

static void keep_result(struct ui *ui, struct start *d, const struct plan_set *set,
                        const struct plan_candidate *candidate, uint32_t size)
{
    ui_ids_room(ui, set->count);
    for (uint32_t i = 0; i < set->count; i++)
        text_copy(ui->ids[i], sizeof(*ui->ids), candidate[set->member[i].candidate].id);
    d->id_count = set->count;
    d->canary = set->stage_size[0];
    keep_excluded(d, set, candidate);
    d->note_count = plan_notes(&d->plan, set, candidate, d->note);
    plan_preview(&d->plan, set, size, START_DOWNLOAD_RATE, &d->preview);
}

/* When the window lets anybody start; and whether this machine knows its zone. */
static int look_at_window(struct start *d, const struct ui_model *m)
{
    const struct window *w = &d->plan.window;
    d->opens_ms = 0;
    if (w->days == 0)
        return 0;
    d->opens_ms = -1;
    if (plan_is_in_device_time(&d->plan) || !m->lookup || !m->lookup->zone)
        return 0;
    const struct zone *z = m->lookup->zone(m->lookup->ctx, w->tz);
    if (!z) {
        char text[160];
        snprintf(text, sizeof(text), "window: this machine knows no time zone %.60s", w->tz);
        return problem(d, START_WINDOW, text);
    }
    int64_t now_s = m->now_ms / 1000;
    int64_t next = window_next_change(w, z, now_s);
    if (window_is_open(w, z, now_s))
        d->opens_ms = 0;
    else if (next != INT64_MAX)
        d->opens_ms = next * 1000;
    return 0;
}

static int judge(struct step *s, struct start *d, const struct ui_release *release,
                 struct plan_candidate *candidate, uint32_t count)
{
    struct plan_set set;
    struct err err = { .text = "" };
    char image[PROTO_SHA256_HEX];
    if (plan_check(&d->plan, &err) != 0)
        return problem(d, row_of(err.text), err.text);
    if (look_at_window(d, s->m) != 0)
        return -1;
    hex_encode(release->release.sha256, PROTO_SHA256_LEN, image);
    if (s->m->lookup && s->m->lookup->mark)
        s->m->lookup->mark(s->m->lookup->ctx, image, candidate, count);
    if (plan_resolve(&d->plan, &release->release, d->rollout, s->m->crypto, candidate, count,
                     s->m->now_ms, &set, &err) != 0)
        return problem(d, START_TARGET, err.text);
    keep_result(s->ui, d, &set, candidate, release->release.size);
    plan_set_free(&set);
    d->good = true;
    return 0;
}

void start_resolve(struct step *s, struct start *d)
{
    const struct ui_release *release = start_release(d, s->m);
    struct plan_candidate *candidate;
    uint32_t count;

    d->problem[0] = '\0';
    d->good = false;
    d->id_count = 0;
    d->excluded_count = d->matched = 0;
    memset(d->excluded, 0, sizeof(d->excluded));
    if (!release) {
        problem(d, START_RELEASE, "the store has no release: muster release publish");
    } else if (!release->signed_ok) {
        problem(d, START_RELEASE, "not signed by a release key of this fleet");
    } else if (!s->m->crypto || !s->m->next_rollout) {
        problem(d, START_RELEASE, "this console cannot start rollouts");
    } else {
        text_copy(d->rollout, sizeof(d->rollout), s->m->next_rollout);
        if (read_fields(d) == 0 && find_candidates(s, d, &candidate, &count) == 0) {
            judge(s, d, release, candidate, count);
            free(candidate);
        }
    }
}
