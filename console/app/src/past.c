#include "past.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/history.h"

enum { ROWS = 100, FRESH_MS = 60000, RETRY_MS = 10000, EDGE_MS = 120000 };

/* One device's past: shown, or being read. */
struct page {
    struct ui_past_want want; /* what it covers */
    struct ui_past_series series[PROTO_READINGS];
    struct fleet_sample *sample[PROTO_READINGS];
    size_t count;
    int64_t read_ms;
    bool any;
};

struct past {
    const char *journal;
    const struct log *log;
    struct history *history;
    struct history_query *query;
    struct history_scan *scan; /* at the beginning */
    bool scanned;
    int64_t retry_ms;
    bool said;
    struct page shown, next;
    bool reading; /* `next` is being filled */
    uint32_t left[PROTO_READINGS];
    size_t left_count;
    struct ui_past picture;
};

struct past *past_new(const char *journal, const struct log *log)
{
    struct past *p = mem_alloc(sizeof(*p));
    p->journal = journal;
    p->log = log;
    return p;
}

static void page_clear(struct page *page)
{
    for (size_t i = 0; i < page->count; i++)
        free(page->sample[i]);
    memset(page, 0, sizeof(*page));
}

static void stop(struct past *p)
{
    history_query_free(p->query);
    p->query = NULL;
    p->reading = false;
    page_clear(&p->next);
}

void past_free(struct past *p)
{
    if (!p)
        return;
    stop(p);
    history_scan_free(p->scan);
    page_clear(&p->shown);
    history_close(p->history);
    free(p);
}

void past_again(struct past *p)
{
    history_scan_free(p->scan);
    p->scan = NULL;
    p->scanned = false;
}

bool past_is_busy(const struct past *p)
{
    return p->reading || p->scan;
}

const struct ui_past *past_picture(const struct past *p)
{
    return &p->picture;
}

/* ---- reading -------------------------------------------------------------------------------- */

static void trouble(struct past *p, const struct err *err, int64_t now_ms)
{
    if (*err->text && !p->said)
        log_say(p->log, LOG_WARN, "%s", err->text);
    p->said = *err->text != '\0';
    p->retry_ms = now_ms + RETRY_MS;
    stop(p);
    history_scan_free(p->scan);
    p->scan = NULL;
    history_close(p->history);
    p->history = NULL;
}

static bool covers(const struct page *page, const struct ui_past_want *want, int64_t now_ms)
{
    /* The newest minutes are in memory anyhow. */
    int64_t to_ms = want->to_ms < now_ms - EDGE_MS ? want->to_ms : page->want.to_ms;
    return page->any && strcmp(page->want.id, want->id) == 0 &&
           page->want.minutes == want->minutes && page->want.from_ms <= want->from_ms &&
           page->want.to_ms >= to_ms;
}

/* A page more than is wanted, so that paging back finds it there. */
static void begin(struct past *p, const struct ui_past_want *want, const struct fleet *fleet)
{
    int64_t span = want->to_ms - want->from_ms;
    uint32_t index = fleet_find(fleet, want->id);
    const struct fleet_device *d = index == FLEET_NONE ? NULL : fleet_device(fleet, index);

    stop(p);
    p->next.want = *want;
    p->next.want.from_ms -= span / 2;
    p->next.any = true;
    p->reading = true;
    p->left_count = 0;
    for (int i = 0; d && i < d->value_count && i < PROTO_READINGS; i++)
        p->left[p->left_count++] = d->value[i].reading;
}

static void keep_samples(struct past *p, uint32_t reading)
{
    size_t count;
    const struct history_sample *in = history_query_samples(p->query, &count);
    struct page *page = &p->next;
    int64_t longest = 0;

    if (!count)
        return;
    struct fleet_sample *out = mem_array(count, sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct fleet_sample){ in[i].t_ms + in[i].span_ms / 2, in[i].count, in[i].min,
                                        in[i].avg, in[i].max };
        longest = in[i].span_ms > longest ? in[i].span_ms : longest;
    }
    page->sample[page->count] = out;
    page->series[page->count] =
        (struct ui_past_series){ reading, { .sample = out, .count = count, .step_ms = longest } };
    page->count++;
}

static bool finish(struct past *p, int64_t now_ms)
{
    page_clear(&p->shown);
    p->shown = p->next;
    p->shown.read_ms = now_ms;
    memset(&p->next, 0, sizeof(p->next));
    p->reading = false;
    return true;
}

/* One piece. True when the page is complete. */
static bool read_on(struct past *p, const struct fleet *fleet, int64_t now_ms)
{
    struct err err = { .text = "" };
    const struct ui_past_want *w = &p->next.want;

    if (!p->query) {
        if (!p->left_count)
            return finish(p, now_ms);
        const struct fleet_reading *r = fleet_reading(fleet, p->left[p->left_count - 1]);
        p->query = history_query_new(p->history, w->id, r->name, w->from_ms, w->to_ms,
                                     w->minutes ? HISTORY_MINUTES : HISTORY_QUARTERS, &err);
    }
    int rc = p->query ? history_query_work(p->query, ROWS, &err) : -1;
    if (rc < 0) {
        trouble(p, &err, now_ms);
        return false;
    }
    if (rc == 0) {
        keep_samples(p, p->left[--p->left_count]);
        history_query_free(p->query);
        p->query = NULL;
    }
    return false;
}

static void on_minute(void *ctx, const char *device, const char *reading, int64_t t_ms, float avg)
{
    fleet_recall_trend(ctx, device, reading, t_ms, avg);
}

static void read_trends(struct past *p, struct fleet *fleet, int64_t now_ms)
{
    struct err err = { .text = "" };
    int64_t from = now_ms - FLEET_TREND * (int64_t)FLEET_TREND_STEP_MS;

    if (!p->scan)
        p->scan = history_scan_new(p->history, from, now_ms, on_minute, fleet);
    int rc = history_scan_work(p->scan, ROWS, &err);
    if (rc == 1)
        return;
    history_scan_free(p->scan);
    p->scan = NULL;
    p->scanned = true;
    if (rc < 0)
        trouble(p, &err, now_ms);
}

static bool ready(struct past *p, int64_t now_ms)
{
    struct err err;

    if (p->history)
        return true;
    if (now_ms < p->retry_ms && p->retry_ms - now_ms <= RETRY_MS)
        return false;
    p->history = history_open_reader(p->journal, &err);
    if (!p->history)
        trouble(p, &err, now_ms);
    return p->history != NULL;
}

bool past_work(struct past *p, const struct ui_past_want *want, struct fleet *fleet, int64_t now_ms)
{
    bool changed = false;

    if (!p->scanned && fleet_count(fleet) && ready(p, now_ms))
        read_trends(p, fleet, now_ms);
    if (want && ready(p, now_ms)) {
        bool fresh = now_ms - p->shown.read_ms < FRESH_MS && now_ms >= p->shown.read_ms;
        bool other = p->reading && !covers(&p->next, want, now_ms);
        if (other || (!p->reading && (!fresh || !covers(&p->shown, want, now_ms))))
            begin(p, want, fleet);
        if (p->reading)
            changed = read_on(p, fleet, now_ms);
    } else if (p->reading) {
        stop(p);
    }
    text_copy(p->picture.id, sizeof(p->picture.id), p->shown.want.id);
    p->picture.series = p->shown.series;
    p->picture.count = p->shown.count;
    p->picture.loading = p->reading;
    return changed;
}
