#include "recorder.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/known.h"

enum { PERIOD_MS = 2000, BATCH = 256, FRESH_MS = 15000 };

struct recorder {
    const char *journal;
    const struct log *log;
    struct known *known;
    int64_t next_ms;
    bool complained;
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

struct recorder *recorder_new(const char *journal, const struct log *log)
{
    struct recorder *r = mem_alloc(sizeof(*r));
    r->journal = journal;
    r->log = log;
    return r;
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    known_close(r->known);
    free(r);
}

static void describe(const struct fleet *fleet, const struct fleet_device *d,
                     struct known_device *out)
{
    text_copy(out->id, sizeof(out->id), d->id);
    out->last_ms = d->last_ms;
    out->interval_ms = d->interval_ms;
    out->has_status = d->fw != 0;
    fleet_status(fleet, d, &out->status);
    out->count = 0;
    for (uint8_t i = 0; i < d->value_count && i < PROTO_READINGS; i++) {
        const struct fleet_reading *reading = fleet_reading(fleet, d->value[i].reading);
        text_copy(out->item[i].name, sizeof(out->item[i].name), reading->name);
        out->item[i].value = d->value[i].value;
        out->t[i] = d->value[i].t;
        out->count++;
    }
}

static int write_dirty(struct recorder *r, struct fleet *fleet, int64_t since_ms, int64_t now_ms,
                       struct err *err)
{
    uint32_t dirty[BATCH], n;
    struct known_device row;
    int rc = 0;

    if (known_begin(r->known, err))
        return -1;
    do {
        n = fleet_take_dirty(fleet, dirty, BATCH);
        for (uint32_t i = 0; i < n && rc == 0; i++) {
            const struct fleet_device *d = fleet_device(fleet, dirty[i]);
            if (!d)
                continue;
            describe(fleet, d, &row);
            rc = known_put(r->known, &row, err);
        }
    } while (n == BATCH);
    return known_end(r->known, since_ms, now_ms, rc ? NULL : err) || rc ? -1 : 0;
}

void recorder_tick(struct recorder *r, struct fleet *fleet, int64_t since_ms, int64_t now_ms)
{
    struct err err;

    if (now_ms < r->next_ms)
        return;
    r->next_ms = now_ms + PERIOD_MS;
    if (!r->known)
        r->known = known_open(r->journal, false, &err);
    if (r->known && write_dirty(r, fleet, since_ms, now_ms, &err) == 0) {
        r->complained = false;
        return;
    }
    if (!r->complained)
        log_say(r->log, LOG_WARN, "%s", err.text);
    r->complained = true;
}
