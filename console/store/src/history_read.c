#include "history_db.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* The parts of a query, in this order. */
enum phase { READ_MINUTES, READ_QUARTERS, READ_RECENT, READ_DONE };

struct history_query {
    struct history *h;
    int64_t series;       /* 0: not in the file */
    int64_t from, to;     /* minutes */
    int64_t minutes_from; /* the first minute that was found */
    enum history_step step;
    enum phase phase;
    sqlite3_stmt *q;
    int64_t recent; /* the next minute to look for */
    int64_t recent_end;
    struct history_sample *sample;
    size_t count, cap;
};

static int find_series(struct history_query *q, const char *device, const char *reading,
                       struct err *err)
{
    sqlite3_stmt *s = history_get(q->h, H_SERIES_GET, err);
    if (!s)
        return -1;
    sqlite3_bind_text(s, 1, device, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, reading, -1, SQLITE_STATIC);
    int rc = sqlite3_step(s);
    q->series = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        history_fail(q->h, err);
    sqlite3_reset(s);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

struct history_query *history_query_new(struct history *h, const char *device, const char *reading,
                                        int64_t from_ms, int64_t to_ms, enum history_step step,
                                        struct err *err)
{
    struct history_query *q = mem_alloc(sizeof(*q));

    q->h = h;
    q->step = step;
    q->from = from_ms < 0 ? 0 : from_ms / HISTORY_MINUTE_MS;
    q->to = (to_ms + HISTORY_MINUTE_MS - 1) / HISTORY_MINUTE_MS;
    q->minutes_from = q->to;
    q->phase = step == HISTORY_MINUTES ? READ_MINUTES : READ_QUARTERS;
    /* One transaction for all of it: else an hour folded in between would be seen twice. */
    if (history_exec(h, "BEGIN", err) || find_series(q, device, reading, err)) {
        history_query_free(q);
        return NULL;
    }
    if (!q->series || q->from >= q->to)
        q->phase = READ_DONE;
    return q;
}

void history_query_free(struct history_query *q)
{
    if (!q)
        return;
    sqlite3_finalize(q->q);
    if (!sqlite3_get_autocommit(q->h->db))
        history_exec(q->h, "COMMIT", NULL);
    free(q->sample);
    free(q);
}

const struct history_sample *history_query_samples(const struct history_query *q, size_t *count)
{
    size_t skip = q->count > HISTORY_SAMPLES ? q->count - HISTORY_SAMPLES : 0;
    *count = q->count - skip;
    return q->sample + skip;
}

static void push(struct history_query *q, int64_t minute, int64_t span_ms,
                 const struct pack_slot *s)
{
    MEM_PUSH_ROOM(q->sample, q->count, q->cap);
    q->sample[q->count++] = (struct history_sample){
        minute * HISTORY_MINUTE_MS, span_ms, s->n, s->min, s->avg, s->max
    };
}

/* The next packed row of a table; its slots are `minutes` long each. */
static int read_packed(struct history_query *q, const char *table, int64_t minutes, int64_t slots,
                       int64_t to, struct err *err)
{
    struct pack p;
    char text[96];

    if (!q->q) {
        sqlite3_snprintf(sizeof(text), text,
                         "SELECT t,body FROM %s WHERE series=? AND t>=? AND t<? ORDER BY t", table);
        if (sqlite3_prepare_v2(q->h->db, text, -1, &q->q, NULL) != SQLITE_OK)
            return history_fail(q->h, err);
        sqlite3_bind_int64(q->q, 1, q->series);
        sqlite3_bind_int64(q->q, 2, q->from / (minutes * slots));
        sqlite3_bind_int64(q->q, 3, (to + minutes * slots - 1) / (minutes * slots));
    }
    int rc = sqlite3_step(q->q);
    if (rc == SQLITE_DONE) {
        sqlite3_finalize(q->q);
        q->q = NULL;
        return 0;
    }
    if (rc != SQLITE_ROW)
        return history_fail(q->h, err);
    int64_t first = sqlite3_column_int64(q->q, 0) * minutes * slots;
    if (pack_decode(sqlite3_column_blob(q->q, 1), (size_t)sqlite3_column_bytes(q->q, 1), &p))
        return 1; /* one row that can't be read is a gap */
    for (int64_t i = 0; i < slots; i++) {
        int64_t minute = first + i * minutes;
        if (!p.slot[i].n || minute + minutes <= q->from || minute >= to)
            continue;
        push(q, minute, minutes * HISTORY_MINUTE_MS, &p.slot[i]);
        if (minutes == 1 && minute < q->minutes_from)
            q->minutes_from = minute;
    }
    return 1;
}

static int edge(struct history_query *q, enum history_sql which, int64_t *out, struct err *err)
{
    sqlite3_stmt *s = history_get(q->h, which, err);
    if (!s)
        return -1;
    if (sqlite3_bind_parameter_count(s))
        sqlite3_bind_int64(s, 1, q->to);
    int rc = sqlite3_step(s);
    *out = rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL ? sqlite3_column_int64(s, 0)
                                                                        : -1;
    sqlite3_reset(s);
    return rc == SQLITE_ROW ? 0 : history_fail(q->h, err);
}

/* `recent` holds the last hour or two; stragglers older than that wait there only for moments, and
 * what a clock put there that was ahead waits for long: it is not what the query ends at. */
static int begin_recent(struct history_query *q, struct err *err)
{
    int64_t first, last;
    if (edge(q, H_RECENT_FIRST, &first, err) || edge(q, H_RECENT_LAST, &last, err))
        return -1;
    if (first < last - 3 * MINUTES_PER_HOUR)
        first = last - 3 * MINUTES_PER_HOUR;
    q->recent = first > q->from ? first : q->from;
    q->recent_end = last < 0 ? 0 : last + 1 < q->to ? last + 1 : q->to;
    return 0;
}

static int read_recent(struct history_query *q, struct err *err)
{
    sqlite3_stmt *s = history_get(q->h, H_RECENT_ONE, err);
    if (!s)
        return -1;
    for (int i = 0; i < 16 && q->recent < q->recent_end; i++, q->recent++) {
        sqlite3_bind_int64(s, 1, q->recent);
        sqlite3_bind_int64(s, 2, q->series);
        int rc = sqlite3_step(s);
        if (rc == SQLITE_ROW) {
            int64_t n = sqlite3_column_int64(s, 0);
            struct pack_slot slot = { n > UINT32_MAX ? UINT32_MAX : (uint32_t)n,
                                      (float)sqlite3_column_double(s, 1),
                                      (float)sqlite3_column_double(s, 2),
                                      (float)sqlite3_column_double(s, 3) };
            bool fine = q->step == HISTORY_MINUTES;
            int64_t begin = fine ? q->recent : q->recent - q->recent % MINUTES_PER_QUARTER;
            push(q, begin, fine ? HISTORY_MINUTE_MS : HISTORY_QUARTER_MS, &slot);
        } else if (rc != SQLITE_DONE) {
            history_fail(q->h, err);
        }
        sqlite3_reset(s);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            return -1;
    }
    return q->recent < q->recent_end ? 1 : 0;
}

static int by_time(const void *a, const void *b)
{
    const struct history_sample *x = a, *y = b;
    return x->t_ms < y->t_ms ? -1 : x->t_ms > y->t_ms;
}

/* In order of time, one sample for each time. */
static void finish(struct history_query *q)
{
    size_t out = 0;

    if (q->count)
        qsort(q->sample, q->count, sizeof(*q->sample), by_time);
    for (size_t i = 0; i < q->count; i++) {
        struct history_sample *last = out ? &q->sample[out - 1] : NULL;
        const struct history_sample *s = &q->sample[i];
        if (!last || last->t_ms != s->t_ms) {
            q->sample[out++] = *s;
            continue;
        }
        struct pack_slot a = { last->count, last->min, last->avg, last->max };
        struct pack_slot b = { s->count, s->min, s->avg, s->max };
        pack_merge(&a, &b);
        *last = (struct history_sample){ last->t_ms, last->span_ms, a.n, a.min, a.avg, a.max };
    }
    q->count = out;
}

static int work_once(struct history_query *q, struct err *err)
{
    int64_t to = q->step == HISTORY_MINUTES ? q->minutes_from : q->to;
    int rc = -1;

    switch (q->phase) {
    case READ_MINUTES:
        rc = read_packed(q, "minutes", 1, MINUTES_PER_HOUR, q->to, err);
        break;
    case READ_QUARTERS:
        rc = read_packed(q, "quarters", MINUTES_PER_QUARTER, 96,
                         q->step == HISTORY_MINUTES ? to - to % MINUTES_PER_QUARTER : to, err);
        break;
    case READ_RECENT:
        if (!q->recent_end && begin_recent(q, err))
            return -1;
        rc = read_recent(q, err);
        break;
    case READ_DONE:
        return 0;
    }
    if (rc == 0) {
        q->phase++;
        if (q->phase == READ_DONE)
            finish(q);
        return q->phase != READ_DONE;
    }
    return rc;
}

int history_query_work(struct history_query *q, uint32_t rows, struct err *err)
{
    int rc = 1;
    for (uint32_t i = 0; (i < rows || i == 0) && rc == 1; i++)
        rc = work_once(q, err);
    return rc;
}

/* ---- what there is -------------------------------------------------------------------------- */

int history_readings(struct history *h, const char *device, history_reading_fn *fn, void *ctx,
                     struct err *err)
{
    static const char text[] =
        "SELECT reading, (SELECT min(t) FROM quarters WHERE series=id),"
        " (SELECT min(t) FROM minutes WHERE series=id) FROM series WHERE device=? ORDER BY reading";
    sqlite3_stmt *q = NULL;
    int rc;

    if (sqlite3_prepare_v2(h->db, text, -1, &q, NULL) != SQLITE_OK)
        return history_fail(h, err);
    sqlite3_bind_text(q, 1, device, -1, SQLITE_STATIC);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        char reading[PROTO_READING_MAX];
        const char *name = (const char *)sqlite3_column_text(q, 0);
        int64_t day = sqlite3_column_int64(q, 1), hour = sqlite3_column_int64(q, 2);
        int64_t first = hour && hour / 24 <= day ? hour * MINUTES_PER_HOUR : day * MINUTES_PER_DAY;
        if (name && text_copy(reading, sizeof(reading), name))
            fn(ctx, reading, first * HISTORY_MINUTE_MS);
    }
    if (rc != SQLITE_DONE)
        history_fail(h, err);
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? 0 : -1;
}

static bool read_reply(sqlite3_stmt *q, struct history_reply *out)
{
    const char *verb = (const char *)sqlite3_column_text(q, 1);
    const char *reason = (const char *)sqlite3_column_text(q, 4);
    const char *detail = (const char *)sqlite3_column_text(q, 5);

    memset(out, 0, sizeof(*out));
    out->reply.seq = (uint32_t)sqlite3_column_int64(q, 0);
    out->t_ms = sqlite3_column_int64(q, 2);
    out->reply.ok = sqlite3_column_int(q, 3) != 0;
    if (!verb || verb_from_word(verb, strlen(verb), &out->reply.verb))
        return false;
    if (reason)
        reason_from_word(reason, strlen(reason), &out->reply.reason);
    text_copy(out->reply.detail, sizeof(out->reply.detail), detail ? detail : "");
    return true;
}

int history_replies(struct history *h, const char *device, struct history_reply *out, size_t cap,
                    struct err *err)
{
    static const char text[] = "SELECT seq,verb,t_ms,ok,reason,detail FROM replies WHERE device=?"
                               " ORDER BY t_ms DESC LIMIT ?";
    sqlite3_stmt *q = NULL;
    int rc, count = 0;

    if (sqlite3_prepare_v2(h->db, text, -1, &q, NULL) != SQLITE_OK)
        return history_fail(h, err);
    sqlite3_bind_text(q, 1, device, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, (int64_t)cap);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW && (size_t)count < cap)
        count += read_reply(q, &out[count]);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        history_fail(h, err);
    sqlite3_finalize(q);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? count : -1;
}
