#include "history_db.h"

#include <stdlib.h>

#include "base/mem.h"

/* All series over the last minutes: the hours that are packed, then the one that runs. */
struct history_scan {
    struct history *h;
    int64_t from, hour, last_hour; /* minutes; hours */
    bool recent;
    sqlite3_stmt *q;
    history_minute_fn *fn;
    void *ctx;
};

struct history_scan *history_scan_new(struct history *h, int64_t from_ms, int64_t now_ms,
                                      history_minute_fn *fn, void *ctx)
{
    struct history_scan *s = mem_alloc(sizeof(*s));

    s->h = h;
    s->from = from_ms / HISTORY_MINUTE_MS;
    s->hour = s->from / MINUTES_PER_HOUR;
    s->last_hour = now_ms / HISTORY_MINUTE_MS / MINUTES_PER_HOUR;
    s->fn = fn;
    s->ctx = ctx;
    return s;
}

void history_scan_free(struct history_scan *s)
{
    if (!s)
        return;
    sqlite3_finalize(s->q);
    free(s);
}

static int prepare(struct history_scan *s, struct err *err)
{
    /* The series outside, so that each hour is found by its key. */
    static const char packed[] = "SELECT s.device,s.reading,m.t,m.body FROM series s CROSS JOIN"
                                 " minutes m WHERE m.series=s.id AND m.t=?";
    static const char running[] = "SELECT s.device,s.reading,r.t,r.av FROM recent r CROSS JOIN"
                                  " series s WHERE s.id=r.series AND r.t>=?";

    if (sqlite3_prepare_v2(s->h->db, s->recent ? running : packed, -1, &s->q, NULL) != SQLITE_OK)
        return history_fail(s->h, err);
    sqlite3_bind_int64(s->q, 1, s->recent ? s->from : s->hour);
    return 0;
}

static void tell_hour(struct history_scan *s, const char *device, const char *reading)
{
    struct pack p;
    int64_t first = sqlite3_column_int64(s->q, 2) * MINUTES_PER_HOUR;

    if (pack_decode(sqlite3_column_blob(s->q, 3), (size_t)sqlite3_column_bytes(s->q, 3), &p))
        return;
    for (int i = 0; i < MINUTES_PER_HOUR; i++) {
        if (p.slot[i].n && first + i >= s->from)
            s->fn(s->ctx, device, reading, (first + i) * HISTORY_MINUTE_MS, p.slot[i].avg);
    }
}

static int one(struct history_scan *s, struct err *err)
{
    if (!s->q && prepare(s, err))
        return -1;
    int rc = sqlite3_step(s->q);
    if (rc == SQLITE_ROW) {
        const char *device = (const char *)sqlite3_column_text(s->q, 0);
        const char *reading = (const char *)sqlite3_column_text(s->q, 1);
        if (device && reading && s->recent)
            s->fn(s->ctx, device, reading, sqlite3_column_int64(s->q, 2) * HISTORY_MINUTE_MS,
                  (float)sqlite3_column_double(s->q, 3));
        else if (device && reading)
            tell_hour(s, device, reading);
        return 1;
    }
    if (rc != SQLITE_DONE)
        return history_fail(s->h, err);
    sqlite3_finalize(s->q);
    s->q = NULL;
    if (s->recent)
        return 0;
    s->recent = ++s->hour > s->last_hour;
    return 1;
}

int history_scan_work(struct history_scan *s, uint32_t rows, struct err *err)
{
    int rc = 1;
    for (uint32_t i = 0; (i < rows || i == 0) && rc == 1; i++)
        rc = one(s, err);
    return rc;
}
