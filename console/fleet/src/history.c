/*
 * What readings were: see fleet/history.h for the two stores. Times are deciseconds since
 * fleet->base_ms, so that they fit 32 bits for 13 years.
 */
#include "fleet/history.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

enum {
    RAW = 256,
    LEVELS = 3,
    TEN = 360,     /* 10 s: one hour */
    MINUTE = 720,  /* 12 hours */
    QUARTER = 192, /* 48 hours */
    BUCKETS = TEN + MINUTE + QUARTER,
    SILENT_INTERVALS = 3,
    UNKNOWN_GAP_DS = 600,
};
#define HISTORY_MOST (FLT_MAX / 4) /* the difference of two is a float too */

struct raw {
    uint32_t ds;
    float value;
};

struct bucket {
    uint32_t no; /* 1 + time / step; 0: never used */
    uint32_t count;
    float min, avg, max;
};

/* One reading of one device: 27.5 kB. */
struct fleet_history {
    struct fleet_history *next; /* of the device */
    uint32_t device;
    uint32_t place; /* in fleet->history */
    uint32_t reading;
    uint32_t spacing;   /* ds between values, smoothed; 0: not known */
    uint32_t first_ds;  /* of the oldest value ever */
    uint32_t raw_count; /* values ever put into raw */
    /* The newest bucket of each level. It is put into its place only when the next one begins: a
     * value touches this line, not a page of each level. */
    struct bucket open[LEVELS];
    struct raw raw[RAW];
    struct bucket bucket[BUCKETS];
};

/* 30 minutes of one reading. */
struct fleet_trend {
    uint32_t reading;
    uint32_t last;            /* bucket number of the newest value */
    uint32_t count;           /* values in it */
    float value[FLEET_TREND]; /* by bucket number modulo; NAN: none */
};

static const struct level {
    uint32_t step; /* ds */
    uint32_t first, count;
} levels[LEVELS] = {
    { 100, 0, TEN },
    { 600, TEN, MINUTE },
    { 9000, TEN + MINUTE, QUARTER },
};

static uint32_t to_ds(const struct fleet *fleet, int64_t t_ms)
{
    int64_t ds = (t_ms - fleet->base_ms) / 100;
    return ds < 0 ? 0 : ds > UINT32_MAX ? UINT32_MAX : (uint32_t)ds;
}

static int64_t to_ms(const struct fleet *fleet, uint32_t ds)
{
    return fleet->base_ms + (int64_t)ds * 100;
}

/* ---- deep ----------------------------------------------------------------------------------- */

static struct fleet_history *history_of(const struct fleet_device *d, uint32_t reading)
{
    struct fleet_history *h = d->history;
    while (h && h->reading != reading)
        h = h->next;
    return h;
}

bool fleet_has_series(const struct fleet_device *device, uint32_t reading)
{
    return history_of(device, reading) != NULL;
}

static void history_free(struct fleet *fleet, struct fleet_history *h)
{
    struct fleet_history **link = &fleet_at(fleet, h->device)->history;
    while (*link != h)
        link = &(*link)->next;
    *link = h->next;
    struct fleet_history *last = fleet->history[--fleet->history_count];
    fleet->history[h->place] = last;
    last->place = h->place;
    free(h);
}

void fleet_history_drop(struct fleet *fleet, struct fleet_device *d)
{
    while (d->history)
        history_free(fleet, d->history);
    if (d->trend)
        fleet->trend_count--;
    free(d->trend);
    d->trend = NULL;
}

/* Give up one that nobody watches. False when all are watched. */
static bool make_room(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->history_count; i++) {
        fleet->history_victim = (fleet->history_victim + 1) % fleet->history_count;
        struct fleet_history *h = fleet->history[fleet->history_victim];
        if (!fleet_watch_of(fleet, fleet_at(fleet, h->device)->id)) {
            history_free(fleet, h);
            return true;
        }
    }
    return false;
}

static struct fleet_history *history_new(struct fleet *fleet, struct fleet_device *d,
                                         uint32_t reading)
{
    bool room = (fleet->history_count + 1) * sizeof(struct fleet_history) <= fleet->history_budget;
    if (!room && !(fleet_watch_of(fleet, d->id) && make_room(fleet)))
        return NULL;

    struct fleet_history *h = mem_alloc(sizeof(*h));
    h->device = d->index;
    h->reading = reading;
    h->next = d->history;
    d->history = h;
    MEM_PUSH_ROOM(fleet->history, fleet->history_count, fleet->history_cap);
    h->place = fleet->history_count;
    fleet->history[fleet->history_count++] = h;
    return h;
}

/* Kept in order of time; a late value (a device's offline ring) is put where it belongs. */
static void raw_add(struct fleet_history *h, uint32_t ds, float value)
{
    uint32_t kept = h->raw_count < RAW ? h->raw_count : RAW;
    uint32_t at = h->raw_count;

    if (kept == RAW && ds < h->raw[h->raw_count % RAW].ds)
        return; /* older than all that is kept */
    h->raw_count++;
    for (; kept > 0 && h->raw[(at - 1) % RAW].ds > ds; at--, kept--)
        h->raw[at % RAW] = h->raw[(at - 1) % RAW];
    h->raw[at % RAW] = (struct raw){ ds, value };
}

/* Where bucket `no` of a level is if it is kept: look whether it is that one. */
static const struct bucket *bucket_of(const struct fleet_history *h, size_t level, uint32_t no)
{
    const struct level *l = &levels[level];
    const struct bucket *open = &h->open[level];

    return no % l->count == open->no % l->count ? open : &h->bucket[l->first + no % l->count];
}

static void bucket_begin(struct fleet_history *h, size_t level, const struct bucket *first)
{
    const struct level *l = &levels[level];
    struct bucket *open = &h->open[level];

    if (open->no)
        h->bucket[l->first + open->no % l->count] = *open;
    *open = *first;
}

static void bucket_add(struct fleet_history *h, size_t level, uint32_t ds, float value)
{
    const struct level *l = &levels[level];
    uint32_t no = ds / l->step + 1;
    struct bucket *b = &h->open[level], first = { no, 1, value, value, value };

    if (no > b->no) {
        bucket_begin(h, level, &first);
        return;
    }
    if (no < b->no && no % l->count != b->no % l->count)
        b = &h->bucket[l->first + no % l->count];
    if (b->no > no)
        return; /* its place was taken by a newer one */
    if (b->no < no) {
        *b = first;
        return;
    }
    b->count++;
    b->min = value < b->min ? value : b->min;
    b->max = value > b->max ? value : b->max;
    b->avg += (value - b->avg) / (float)b->count;
}

static void learn_spacing(struct fleet_history *h, uint32_t ds)
{
    if (!h->raw_count)
        return;
    uint32_t last = h->raw[(h->raw_count - 1) % RAW].ds;
    if (ds <= last)
        return;
    uint32_t gap = ds - last;
    if (!h->spacing)
        h->spacing = gap;
    else /* a long silence teaches little */
        h->spacing = (h->spacing * 7 + (gap > h->spacing * 4 ? h->spacing * 4 : gap) + 4) / 8;
}

static void deep_add(struct fleet_history *h, uint32_t ds, float value)
{
    learn_spacing(h, ds);
    if (!h->raw_count || ds < h->first_ds)
        h->first_ds = ds;
    raw_add(h, ds, value);
    for (size_t i = 0; i < LEVELS; i++)
        bucket_add(h, i, ds, value);
}

/* ---- trend ---------------------------------------------------------------------------------- */

static void trend_add(struct fleet_trend *t, int64_t t_ms, float value)
{
    uint32_t no = (uint32_t)(t_ms / FLEET_TREND_STEP_MS);
    if (no + FLEET_TREND <= t->last)
        return;
    float *slot = &t->value[no % FLEET_TREND];
    if (no < t->last) { /* late: the mean of what was there and this will do */
        *slot = isnan(*slot) ? value : (*slot + value) / 2;
        return;
    }
    if (no > t->last) {
        uint32_t steps = no - t->last < FLEET_TREND ? no - t->last : FLEET_TREND;
        for (uint32_t i = 0; i < steps; i++)
            t->value[(no - i) % FLEET_TREND] = NAN;
        t->last = no;
        t->count = 0;
    }
    t->count++;
    *slot = t->count == 1 ? value : *slot + (value - *slot) / (float)t->count;
}

static void trend_reset(struct fleet_trend *t, uint32_t reading)
{
    t->reading = reading;
    t->last = t->count = 0;
    for (size_t i = 0; i < FLEET_TREND; i++)
        t->value[i] = NAN;
}

static void trend_fill(const struct fleet *fleet, struct fleet_trend *t,
                       const struct fleet_history *h)
{
    uint32_t now = to_ds(fleet, fleet->now_ms);
    uint32_t no = now / levels[0].step + 1;
    for (uint32_t i = TEN; i-- > 0;) {
        if (no <= i)
            continue;
        const struct bucket *b = bucket_of(h, 0, no - i);
        if (b->no == no - i)
            trend_add(t, to_ms(fleet, (b->no - 1) * levels[0].step), b->avg);
    }
}

static uint32_t best_reading(const struct fleet *fleet, const struct fleet_device *d)
{
    if (fleet->trend_reading != FLEET_NONE && fleet_value(d, fleet->trend_reading))
        return fleet->trend_reading;
    for (size_t i = 0; i < PREFERRED_TRENDS; i++)
        if (fleet->preferred[i] != FLEET_NONE && fleet_value(d, fleet->preferred[i]))
            return fleet->preferred[i];
    return d->value_count ? d->value[0].reading : FLEET_NONE;
}

void fleet_trend_choose(struct fleet *fleet, struct fleet_device *d)
{
    uint32_t reading = best_reading(fleet, d);
    if (reading == FLEET_NONE || (d->trend && d->trend->reading == reading))
        return;
    if (!d->trend) {
        d->trend = mem_alloc(sizeof(*d->trend));
        fleet->trend_count++;
    }
    trend_reset(d->trend, reading);
    const struct fleet_history *h = history_of(d, reading);
    if (h)
        trend_fill(fleet, d->trend, h);
}

void fleet_set_trend(struct fleet *fleet, uint32_t reading)
{
    if (reading == fleet->trend_reading)
        return;
    fleet->trend_reading = reading;
    fleet->changes++;
    for (uint32_t i = 0; i < fleet->span; i++)
        if (fleet_at(fleet, i)->used)
            fleet_trend_choose(fleet, fleet_at(fleet, i));
}

/* A bucket that has heard nothing takes what is remembered. */
static void trend_recall(struct fleet_trend *t, int64_t t_ms, float value)
{
    uint32_t no = (uint32_t)(t_ms / FLEET_TREND_STEP_MS);
    float *slot = &t->value[no % FLEET_TREND];

    if (no > t->last)
        trend_add(t, t_ms, value);
    else if (no + FLEET_TREND > t->last && isnan(*slot))
        *slot = value;
}

void fleet_recall_trend(struct fleet *fleet, const char *id, const char *reading, int64_t t_ms,
                        float avg)
{
    uint32_t device = fleet_find(fleet, id), n = fleet_reading_find(fleet, reading);
    const struct fleet_device *d = device == FLEET_NONE ? NULL : fleet_device(fleet, device);

    if (!d || n == FLEET_NONE || !d->trend || d->trend->reading != n)
        return;
    for (int64_t at = t_ms; at < t_ms + 60000 && at <= fleet->now_ms; at += FLEET_TREND_STEP_MS)
        trend_recall(d->trend, at, avg);
    fleet->changes++;
}

void fleet_history_add(struct fleet *fleet, struct fleet_device *d, uint32_t reading, int64_t t_ms,
                       double value)
{
    struct fleet_history *h = history_of(d, reading);
    if (fleet->ear.value)
        fleet->ear.value(fleet->ear.ctx, d, reading, t_ms, value);
    if (fabs(value) > (double)HISTORY_MOST)
        return; /* what a mean of floats can't hold: the table shows it all the same */
    if (!h)
        h = history_new(fleet, d, reading);
    if (h)
        deep_add(h, to_ds(fleet, t_ms), (float)value);
    if (d->trend && d->trend->reading == reading)
        trend_add(d->trend, t_ms, (float)value);
}

static bool has_future(const struct fleet *fleet, const struct fleet_history *h)
{
    return h->raw_count && h->raw[(h->raw_count - 1) % RAW].ds > to_ds(fleet, fleet->now_ms);
}

void fleet_history_back(struct fleet *fleet)
{
    /* Late values must not lie before the zero either. */
    bool anew = fleet->now_ms < fleet->base_ms + (int64_t)BASE_BEFORE_S * 500;
    uint32_t no = (uint32_t)(fleet->now_ms / FLEET_TREND_STEP_MS);

    for (uint32_t i = fleet->history_count; i-- > 0;)
        if (anew || has_future(fleet, fleet->history[i]))
            history_free(fleet, fleet->history[i]);
    for (uint32_t i = 0; i < fleet->span; i++) {
        struct fleet_trend *t = fleet_at(fleet, i)->trend;
        if (t && t->last > no)
            trend_reset(t, t->reading);
    }
    if (anew)
        fleet->base_ms = fleet->now_ms - (int64_t)BASE_BEFORE_S * 1000;
}

/* ---- reading out ---------------------------------------------------------------------------- */

/* Samples arrive in order of time; columns are filled and the room between them bridged. */
struct plot {
    struct fleet_point *out;
    uint32_t columns;
    int64_t from_ms, to_ms;
    int64_t gap_ms;
    int64_t prev_ms; /* of the last sample; only if prev != FLEET_NONE */
    uint32_t prev;   /* its column */
    uint32_t samples;
    double sum;
    uint32_t count;
    struct fleet_series_stats stats;
};

struct sample {
    int64_t t_ms; /* where it is drawn */
    uint32_t count;
    float min, avg, max;
};

static void plot_bridge(struct plot *p, uint32_t column, float to)
{
    float from = p->out[p->prev].avg;
    for (uint32_t c = p->prev + 1; c < column; c++) {
        float part = (float)(c - p->prev) / (float)(column - p->prev);
        float v = from + (to - from) * part;
        p->out[c] = (struct fleet_point){ FLEET_POINT_BRIDGE, v, v, v };
    }
}

static void plot_stats(struct plot *p, const struct sample *s)
{
    struct fleet_series_stats *st = &p->stats;
    if (!st->any) {
        st->any = true;
        st->first_ms = s->t_ms;
        st->min = (double)s->min;
        st->max = (double)s->max;
    }
    st->min = (double)s->min < st->min ? (double)s->min : st->min;
    st->max = (double)s->max > st->max ? (double)s->max : st->max;
    st->now = (double)s->avg;
    st->last_ms = s->t_ms;
    p->sum += (double)s->avg * s->count;
    p->count += s->count;
}

static void plot_sample(struct plot *p, const struct sample *s)
{
    if (s->t_ms < p->from_ms || s->t_ms >= p->to_ms)
        return;
    uint32_t column =
        (uint32_t)((s->t_ms - p->from_ms) * (int64_t)p->columns / (p->to_ms - p->from_ms));
    struct fleet_point *point = &p->out[column];

    if (point->kind == FLEET_POINT_SAMPLE) {
        point->min = s->min < point->min ? s->min : point->min;
        point->max = s->max > point->max ? s->max : point->max;
        point->avg += (s->avg - point->avg) / 2; /* recent ones weigh more; a column is narrow */
    } else {
        *point = (struct fleet_point){ FLEET_POINT_SAMPLE, s->min, s->avg, s->max };
        p->samples++;
        if (p->prev != FLEET_NONE && s->t_ms - p->prev_ms <= p->gap_ms)
            plot_bridge(p, column, s->avg);
    }
    p->prev = column;
    p->prev_ms = s->t_ms;
    plot_stats(p, s);
}

static void plot_raw(struct plot *p, const struct fleet *fleet, const struct fleet_history *h)
{
    uint32_t kept = h->raw_count < RAW ? h->raw_count : RAW;
    for (uint32_t i = h->raw_count - kept; i < h->raw_count; i++) {
        const struct raw *r = &h->raw[i % RAW];
        plot_sample(p, &(struct sample){ to_ms(fleet, r->ds), 1, r->value, r->value, r->value });
    }
}

static void plot_level(struct plot *p, const struct fleet *fleet, const struct fleet_history *h,
                       const struct level *level)
{
    uint32_t last = to_ds(fleet, p->to_ms) / level->step + 1;
    uint32_t newest = to_ds(fleet, fleet->now_ms) / level->step + 1;
    last = last < newest ? last : newest;
    for (uint32_t i = level->count; i-- > 0;) {
        if (last <= i)
            continue;
        const struct bucket *b = bucket_of(h, (size_t)(level - levels), last - i);
        if (b->no != last - i)
            continue;
        uint32_t middle = (b->no - 1) * level->step + level->step / 2;
        int64_t t_ms = to_ms(fleet, middle);
        /* The newest is still filling: its middle may lie beyond the right edge. */
        if (t_ms >= p->to_ms && to_ms(fleet, middle - level->step / 2) < p->to_ms)
            t_ms = p->to_ms - 1;
        plot_sample(p, &(struct sample){ t_ms, b->count, b->min, b->avg, b->max });
    }
}

/* The finest store that reaches back to `from`: 0 raw, 1 to LEVELS. */
static size_t pick_level(const struct fleet *fleet, const struct fleet_history *h, int64_t from_ms)
{
    uint32_t from = to_ds(fleet, from_ms);
    uint32_t now = to_ds(fleet, fleet->now_ms);

    if (from < h->first_ds)
        from = h->first_ds; /* no store has more than that */
    if (h->raw_count <= RAW || h->raw[h->raw_count % RAW].ds <= from)
        return 0;
    for (size_t i = 0; i < LEVELS - 1; i++)
        if (now - from < levels[i].step * (levels[i].count - 1))
            return i + 1;
    return LEVELS;
}

static int64_t gap_limit(const struct fleet_device *d, uint32_t spacing_ds, uint32_t step_ds)
{
    int64_t spacing = (int64_t)spacing_ds * 100;
    if ((int64_t)d->interval_ms > spacing)
        spacing = d->interval_ms;
    if (!spacing)
        spacing = UNKNOWN_GAP_DS * 100 / SILENT_INTERVALS;
    int64_t limit = spacing * SILENT_INTERVALS;
    int64_t step = (int64_t)step_ds * 100;
    return limit > step + step / 2 ? limit : step + step / 2; /* neighbours always join */
}

static void plot_trend(struct plot *p, const struct fleet_trend *t)
{
    for (uint32_t i = FLEET_TREND; i-- > 0;) {
        if (t->last < i)
            continue;
        float v = t->value[(t->last - i) % FLEET_TREND];
        if (isnan(v))
            continue;
        int64_t t_ms = (int64_t)(t->last - i) * FLEET_TREND_STEP_MS + FLEET_TREND_STEP_MS / 2;
        if (t_ms >= p->to_ms && t_ms - FLEET_TREND_STEP_MS / 2 < p->to_ms)
            t_ms = p->to_ms - 1;
        plot_sample(p, &(struct sample){ t_ms, 1, v, v, v });
    }
}

/* From when on the fleet's own store of that level knows better than any other. */
static int64_t own_from(const struct fleet *fleet, const struct fleet_history *h, size_t level)
{
    int64_t first = to_ms(fleet, h->first_ds);
    if (level == 0)
        return first;
    const struct level *l = &levels[level - 1];
    uint32_t newest = to_ds(fleet, fleet->now_ms) / l->step;
    uint32_t oldest = newest >= l->count ? newest - l->count + 1 : 0;
    int64_t kept = to_ms(fleet, oldest * l->step);
    return kept > first ? kept : first;
}

/* Pieces that reach into what the fleet has itself are drawn where they begin to. */
static void plot_past(struct plot *p, const struct fleet_past *past, int64_t until_ms)
{
    for (size_t i = 0; i < past->count; i++) {
        const struct fleet_sample *s = &past->sample[i];
        int64_t half = past->step_ms / 2;
        if (s->t_ms - half >= until_ms)
            break;
        int64_t t_ms = s->t_ms < until_ms ? s->t_ms : until_ms - 1;
        plot_sample(p, &(struct sample){ t_ms, s->count, s->min, s->avg, s->max });
    }
}

uint32_t fleet_series_past(const struct fleet *fleet, const struct fleet_device *d,
                           uint32_t reading, const struct fleet_past *past, int64_t from_ms,
                           int64_t to_ms_, struct fleet_point *out, uint32_t columns,
                           struct fleet_series_stats *stats)
{
    struct plot p = {
        .out = out, .columns = columns, .from_ms = from_ms, .to_ms = to_ms_, .prev = FLEET_NONE
    };
    const struct fleet_history *h = history_of(d, reading);
    bool has_past = past && past->count;
    bool trend = !h && d->trend && d->trend->reading == reading && !has_past;

    memset(out, 0, columns * sizeof(*out));
    if (stats)
        memset(stats, 0, sizeof(*stats));
    if (columns == 0 || to_ms_ <= from_ms)
        return 0;
    size_t level = h ? pick_level(fleet, h, from_ms) : 0;
    if (has_past) {
        p.gap_ms = gap_limit(d, h ? h->spacing : 0, (uint32_t)(past->step_ms / 100));
        plot_past(&p, past, h ? own_from(fleet, h, level) : INT64_MAX);
    }
    if (h) {
        int64_t gap_ms = gap_limit(d, h->spacing, level ? levels[level - 1].step : 0);
        p.gap_ms = gap_ms > p.gap_ms ? gap_ms : p.gap_ms;
        if (level == 0)
            plot_raw(&p, fleet, h);
        else
            plot_level(&p, fleet, h, &levels[level - 1]);
    } else if (trend) {
        p.gap_ms = gap_limit(d, 0, FLEET_TREND_STEP_MS / 100);
        plot_trend(&p, d->trend);
    }
    if (p.count)
        p.stats.avg = p.sum / p.count;
    p.stats.due =
        p.stats.any && to_ms_ >= fleet->now_ms && p.stats.last_ms + p.gap_ms >= fleet->now_ms;
    if (stats)
        *stats = p.stats;
    return p.samples;
}

uint32_t fleet_series(const struct fleet *fleet, const struct fleet_device *d, uint32_t reading,
                      int64_t from_ms, int64_t to_ms_, struct fleet_point *out, uint32_t columns,
                      struct fleet_series_stats *stats)
{
    return fleet_series_past(fleet, d, reading, NULL, from_ms, to_ms_, out, columns, stats);
}

uint32_t fleet_trend(const struct fleet *fleet, const struct fleet_device *d, int64_t now_ms,
                     struct fleet_point out[FLEET_TREND])
{
    memset(out, 0, FLEET_TREND * sizeof(*out));
    if (!d->trend)
        return FLEET_NONE;
    if (!fleet->link.up && fleet->link.since_ms && now_ms > fleet->link.since_ms)
        now_ms = fleet->link.since_ms;
    int64_t end = (now_ms / FLEET_TREND_STEP_MS + 1) * FLEET_TREND_STEP_MS;
    struct plot p = {
        .out = out,
        .columns = FLEET_TREND,
        .from_ms = end - (int64_t)FLEET_TREND * FLEET_TREND_STEP_MS,
        .to_ms = end,
        .gap_ms = gap_limit(d, 0, FLEET_TREND_STEP_MS / 100),
        .prev = FLEET_NONE,
    };
    plot_trend(&p, d->trend);
    return d->trend->reading;
}

size_t fleet_bytes(const struct fleet *fleet, size_t *history)
{
    size_t deep = fleet->history_count * sizeof(struct fleet_history) +
                  fleet->history_cap * sizeof(*fleet->history);
    size_t chunks = (fleet->span + CHUNK - 1) / CHUNK;
    size_t watched = 0;

    for (size_t i = 0; i < FLEET_MAX_WATCHED; i++)
        if (fleet->watch[i].started)
            watched += FLEET_TAIL_LINES * sizeof(struct fleet_tail_line);
    if (history)
        *history = deep;
    return sizeof(*fleet) + deep + watched + fleet_recent_bytes(fleet) +
           chunks * CHUNK * sizeof(struct fleet_device) +
           (fleet->max_devices / CHUNK + 1) * sizeof(*fleet->chunk) + fleet->id_bytes +
           fleet->value_bytes + fleet->ota_bytes + fleet->trend_count * sizeof(struct fleet_trend) +
           fleet->slot_count * sizeof(*fleet->slot) +
           (fleet->hole_cap + fleet->dirty_cap) * sizeof(uint32_t) +
           FLEET_MAX_READINGS * sizeof(*fleet->reading) + FLEET_EVENTS * sizeof(struct fleet_note) +
           (size_t)fleet->words.bytes + fleet->words.cap * sizeof(char *) +
           fleet->words.slot_count * sizeof(uint16_t);
}
