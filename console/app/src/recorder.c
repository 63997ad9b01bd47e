#include "recorder.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "influx/influx.h"
#include "store/history.h"
#include "store/known.h"

enum {
    PERIOD_MS = 2000,
    BATCH = 256,
    FRESH_MS = 15000,
    REOPEN_MS = 60000,  /* a history that can't be opened is tried again */
    HISTORY_ROWS = 1000 /* a tick: some 5 ms */
};

struct recorder {
    const struct profile *profile;
    struct fleet *fleet;
    const struct log *log;
    struct known *known;
    struct history *history;
    struct web *web;
    struct influx *influx;
    bool influx_said;
    int64_t next_ms, open_ms;
    uint64_t replies; /* the last one that was taken */
    bool leading, known_said, history_said;
};

static void recall_one(void *ctx, const struct known_device *d)
{
    fleet_recall(ctx, d->id, d->last_ms, d->interval_ms, d->has_status ? &d->status : NULL, d->item,
                 d->t, d->count);
}

void recorder_recall(const char *journal, struct fleet *fleet, int64_t now_ms)
{
    int64_t since, beat;
    struct known *k = known_open(journal, true, NULL);

    if (!k)
        return;
    /* A recorder that has just said that it listens is as good as having listened ourselves. */
    if (known_each(k, recall_one, fleet, &since, &beat, NULL) == 0 && beat &&
        now_ms - beat < FRESH_MS)
        fleet_vouch(fleet, since);
    known_close(k);
}

/* The fleet says a value. */
static void on_value(void *ctx, const struct fleet_device *d, uint32_t reading, int64_t t_ms,
                     double value)
{
    struct recorder *r = ctx;

    const char *name = fleet_reading(r->fleet, reading)->name;
    if (r->leading && r->history)
        history_add(r->history, d->id, name, t_ms, value);
    if (r->influx)
        influx_add(r->influx, d->id, name, t_ms, value);
}

struct recorder *recorder_new(const struct profile *profile, struct fleet *fleet, struct web *web,
                              const struct log *log)
{
    struct recorder *r = mem_alloc(sizeof(*r));
    r->profile = profile;
    r->fleet = fleet;
    r->web = web;
    r->log = log;
    fleet_listen(fleet, on_value, r);
    return r;
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    fleet_listen(r->fleet, NULL, NULL);
    known_close(r->known);
    history_close(r->history);
    influx_free(r->influx);
    free(r);
}

/* Say it, unless the last time was the same trouble. */
static void complain(struct recorder *r, bool *said, const struct err *err)
{
    if (err && !*said)
        log_say(r->log, LOG_WARN, "%s", err->text);
    *said = err != NULL;
}

static void describe(const struct fleet *fleet, const struct fleet_device *d,
                     struct known_device *out)
{
    text_copy(out->id, sizeof(out->id), d->id);
    out->last_ms = d->last_ms;
    out->interval_ms = d->interval_ms;
    out->has_status = d->fw != 0;
    fleet_status(fleet, d, &out->status);
    out->has_report = fleet_report(fleet, d, &out->report);
    out->count = 0;
    for (uint8_t i = 0; i < d->value_count && i < PROTO_READINGS; i++) {
        const struct fleet_reading *reading = fleet_reading(fleet, d->value[i].reading);
        text_copy(out->item[i].name, sizeof(out->item[i].name), reading->name);
        out->item[i].value = d->value[i].value;
        out->t[i] = d->value[i].t;
        out->count++;
    }
}

static int write_dirty(struct recorder *r, int64_t since_ms, int64_t now_ms, struct err *err)
{
    uint32_t dirty[BATCH], n;
    struct known_device row;
    int rc = 0;

    if (known_begin(r->known, err))
        return -1;
    do {
        n = fleet_take_dirty(r->fleet, dirty, BATCH);
        for (uint32_t i = 0; i < n && rc == 0; i++) {
            const struct fleet_device *d = fleet_device(r->fleet, dirty[i]);
            if (!d)
                continue;
            describe(r->fleet, d, &row);
            rc = known_put(r->known, &row, err);
        }
    } while (n == BATCH);
    return known_end(r->known, since_ms, now_ms, rc ? NULL : err) || rc ? -1 : 0;
}

static void last_words(struct recorder *r, int64_t since_ms, int64_t now_ms)
{
    struct err err;

    if (now_ms < r->next_ms && r->next_ms - now_ms <= PERIOD_MS)
        return;
    r->next_ms = now_ms + PERIOD_MS;
    if (!r->known)
        r->known = known_open(r->profile->journal, false, &err);
    bool done = r->known && write_dirty(r, since_ms, now_ms, &err) == 0;
    complain(r, &r->known_said, done ? NULL : &err);
}

/* ---- history -------------------------------------------------------------------------------- */

static void take_replies(struct recorder *r)
{
    uint64_t first, last;

    fleet_reply_range(r->fleet, &first, &last);
    for (uint64_t seq = r->replies < first ? first : r->replies + 1; last && seq <= last; seq++) {
        const struct fleet_reply *reply = fleet_reply(r->fleet, seq);
        history_add_reply(r->history, reply->id, &reply->reply, reply->t_ms);
    }
    r->replies = last;
}

static int open_history(struct recorder *r, int64_t now_ms, struct err *err)
{
    const struct history_limits limits = { r->profile->history.minute_days,
                                           r->profile->history.days,
                                           r->profile->history.megabytes };
    char note[256];

    if (now_ms < r->open_ms && r->open_ms - now_ms <= REOPEN_MS)
        return -1; /* said already */
    r->open_ms = now_ms + REOPEN_MS;
    r->history = history_open(r->profile->journal, &limits, now_ms, note, sizeof(note), err);
    if (r->history && *note)
        log_say(r->log, LOG_WARN, "%s", note);
    return r->history ? 0 : -1;
}

static void mend(struct recorder *r, int64_t now_ms)
{
    struct err err;
    char note[256];

    if (history_renew(r->history, now_ms, note, sizeof(note), &err) == 0) {
        log_say(r->log, LOG_WARN, "%s", note);
        return;
    }
    complain(r, &r->history_said, &err);
    history_close(r->history);
    r->history = NULL;
}

static void keep_history(struct recorder *r, int64_t now_ms)
{
    struct err err = { .text = "" };

    if (!r->history && open_history(r, now_ms, &err)) {
        if (*err.text)
            complain(r, &r->history_said, &err);
        return;
    }
    take_replies(r);
    int rc = history_work(r->history, now_ms, HISTORY_ROWS, &err);
    if (rc < 0 && history_damaged(r->history))
        mend(r, now_ms);
    else if (rc < 0)
        complain(r, &r->history_said, &err);
    else if (rc == 0)
        complain(r, &r->history_said, NULL);
}

/* Only now: the queue on disk is of the one that leads. */
static void feed_influx(struct recorder *r, int64_t now_ms)
{
    struct err err;

    if (!r->influx && !r->influx_said) {
        r->influx = influx_new(r->profile, r->web, r->log, &err);
        complain(r, &r->influx_said, r->influx ? NULL : &err);
    }
    if (r->influx)
        influx_tick(r->influx, now_ms);
}

void recorder_tick(struct recorder *r, const struct recorder_state *state, int64_t now_ms)
{
    r->leading = state->leading;
    if (!state->leading)
        return;
    if (state->up)
        last_words(r, state->since_ms, now_ms);
    keep_history(r, now_ms);
    if (*r->profile->influx.url)
        feed_influx(r, now_ms);
}
