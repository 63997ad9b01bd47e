#include "history_db.h"

#include <string.h>

/*
 * Keeping the history in order, a window of series at a time: an hour that is over is folded from
 * `recent` into packed rows, what is too old goes, and pages that became free are given back.
 */
enum {
    SWEEP_MS = 1000,
    SIZE_MS = 10000,
    VACUUM_PAGES = 256,
    LEAST_MINUTE_HOURS = 6,
    LEAST_DAYS = 2
};

static int ask(struct history *h, enum history_sql which, int64_t *out, struct err *err)
{
    sqlite3_stmt *q = history_get(h, which, err);
    if (!q)
        return -1;
    int rc = sqlite3_step(q);
    *out = rc == SQLITE_ROW && sqlite3_column_type(q, 0) != SQLITE_NULL ? sqlite3_column_int64(q, 0)
                                                                        : -1;
    if (rc != SQLITE_ROW)
        history_fail(h, err);
    sqlite3_reset(q);
    return rc == SQLITE_ROW ? 0 : -1;
}

/* Begin; fn; commit or roll back. */
static int within(struct history *h, int (*fn)(struct history *, int64_t, struct err *),
                  int64_t arg, struct err *err)
{
    if (history_exec(h, "BEGIN IMMEDIATE", err))
        return -1;
    if (fn(h, arg, err) || history_exec(h, "COMMIT", err)) {
        history_exec(h, "ROLLBACK", NULL);
        return -1;
    }
    return 0;
}

/* ---- folding -------------------------------------------------------------------------------- */

static int bind_window(struct history *h, enum history_sql which, int64_t minute,
                       sqlite3_stmt **out, struct err *err)
{
    *out = history_get(h, which, err);
    if (!*out)
        return -1;
    sqlite3_bind_int64(*out, 1, minute);
    sqlite3_bind_int64(*out, 2, h->fold_after);
    sqlite3_bind_int64(*out, 3, h->fold_after + HISTORY_WINDOW);
    return 0;
}

/* The hour's minutes of the window's series, into h->window. */
static int read_window(struct history *h, uint64_t *present, struct err *err)
{
    sqlite3_stmt *q;
    int rc = SQLITE_DONE;

    *present = 0;
    memset(h->window, 0, HISTORY_WINDOW * sizeof(*h->window));
    for (int i = 0; i < MINUTES_PER_HOUR; i++) {
        if (bind_window(h, H_RECENT_WINDOW, h->fold_hour * MINUTES_PER_HOUR + i, &q, err))
            return -1;
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            int64_t at = sqlite3_column_int64(q, 0) - h->fold_after - 1;
            int64_t n = sqlite3_column_int64(q, 1);
            *present |= UINT64_C(1) << at;
            h->window[at].slot[i] = (struct pack_slot){ n > UINT32_MAX ? UINT32_MAX : (uint32_t)n,
                                                        (float)sqlite3_column_double(q, 2),
                                                        (float)sqlite3_column_double(q, 3),
                                                        (float)sqlite3_column_double(q, 4) };
        }
        if (rc != SQLITE_DONE)
            history_fail(h, err);
        sqlite3_reset(q);
        if (rc != SQLITE_DONE)
            return -1;
    }
    return 0;
}

static int drop_window(struct history *h, struct err *err)
{
    sqlite3_stmt *q;
    for (int i = 0; i < MINUTES_PER_HOUR; i++) {
        if (bind_window(h, H_RECENT_DROP, h->fold_hour * MINUTES_PER_HOUR + i, &q, err) ||
            history_run(h, q, err))
            return -1;
    }
    return 0;
}

/* Merge `more` into the packed row (series, t) of a table. */
static int merge_row(struct history *h, enum history_sql get, enum history_sql put, int64_t series,
                     int64_t t, const struct pack *more, struct err *err)
{
    uint8_t body[PACK_BYTES];
    struct pack whole;
    sqlite3_stmt *q = history_get(h, get, err);

    memset(&whole, 0, sizeof(whole));
    if (!q)
        return -1;
    sqlite3_bind_int64(q, 1, series);
    sqlite3_bind_int64(q, 2, t);
    if (sqlite3_step(q) == SQLITE_ROW &&
        pack_decode(sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0), &whole))
        memset(&whole, 0, sizeof(whole)); /* what can't be read is replaced */
    sqlite3_reset(q);
    for (int i = 0; i < PACK_SLOTS; i++)
        pack_merge(&whole.slot[i], &more->slot[i]);
    q = history_get(h, put, err);
    if (!q)
        return -1;
    sqlite3_bind_int64(q, 1, series);
    sqlite3_bind_int64(q, 2, t);
    sqlite3_bind_blob(q, 3, body, (int)pack_encode(&whole, body), SQLITE_STATIC);
    return history_run(h, q, err);
}

static int fold_series(struct history *h, int64_t series, const struct pack *minutes,
                       struct err *err)
{
    struct pack quarters;
    int64_t day = h->fold_hour / 24;
    int first = (int)(h->fold_hour % 24) * 4;
    sqlite3_stmt *seen = history_get(h, H_SERIES_SEEN, err);

    memset(&quarters, 0, sizeof(quarters));
    for (int i = 0; i < MINUTES_PER_HOUR; i++)
        pack_merge(&quarters.slot[first + i / MINUTES_PER_QUARTER], &minutes->slot[i]);
    if (!seen)
        return -1;
    sqlite3_bind_int64(seen, 1, day);
    sqlite3_bind_int64(seen, 2, series);
    return history_run(h, seen, err) ||
                   merge_row(h, H_MINUTES_GET, H_MINUTES_PUT, series, h->fold_hour, minutes, err) ||
                   merge_row(h, H_QUARTERS_GET, H_QUARTERS_PUT, series, day, &quarters, err)
               ? -1
               : 0;
}

static int fold_window(struct history *h, int64_t unused, struct err *err)
{
    uint64_t present;

    (void)unused;
    if (read_window(h, &present, err))
        return -1;
    for (int i = 0; i < HISTORY_WINDOW; i++) {
        if (present & UINT64_C(1) << i && fold_series(h, h->fold_after + 1 + i, &h->window[i], err))
            return -1;
    }
    return present ? drop_window(h, err) : 0;
}

/* The oldest hour that is over and still in `recent`. */
static int choose_hour(struct history *h, int64_t now_ms, struct err *err)
{
    int64_t first;

    if (ask(h, H_RECENT_FIRST, &first, err))
        return -1;
    int64_t hour = first / MINUTES_PER_HOUR;
    int64_t over = (hour + 1) * MINUTES_PER_HOUR + HISTORY_GRACE_MIN;
    h->fold_hour = first >= 0 && now_ms / HISTORY_MINUTE_MS >= over ? hour : FOLD_NONE;
    h->fold_after = 0;
    return h->fold_hour != FOLD_NONE ? 1 : 0;
}

static int fold(struct history *h, struct err *err)
{
    int64_t top;

    if (ask(h, H_SERIES_TOP, &top, err) || within(h, fold_window, 0, err)) {
        h->fold_hour = FOLD_NONE;
        return -1;
    }
    h->fold_after += HISTORY_WINDOW;
    if (h->fold_after >= top)
        h->fold_hour = FOLD_NONE;
    return 1;
}

/* ---- forgetting ----------------------------------------------------------------------------- */

static int drop_older(struct history *h, enum history_sql which, int64_t series, int64_t cut,
                      struct err *err)
{
    sqlite3_stmt *q = history_get(h, which, err);
    if (!q)
        return -1;
    sqlite3_bind_int64(q, 1, series);
    sqlite3_bind_int64(q, 2, cut);
    return history_run(h, q, err);
}

static int sweep_window(struct history *h, int64_t now_ms, struct err *err)
{
    double minute_hours = h->limits.minute_days * 24.0 * h->scale;
    double days = h->limits.days * h->scale;
    int64_t hour = now_ms / HISTORY_MINUTE_MS / MINUTES_PER_HOUR;
    int64_t minutes_cut =
        hour - (int64_t)(minute_hours < LEAST_MINUTE_HOURS ? LEAST_MINUTE_HOURS : minute_hours);
    int64_t days_cut = hour / 24 - (int64_t)(days < LEAST_DAYS ? LEAST_DAYS : days);

    for (int64_t i = h->sweep_after + 1; i <= h->sweep_after + HISTORY_WINDOW; i++) {
        if (drop_older(h, H_MINUTES_DROP, i, minutes_cut, err) ||
            drop_older(h, H_QUARTERS_DROP, i, days_cut, err))
            return -1;
    }
    sqlite3_stmt *q = history_get(h, H_SERIES_DROP, err);
    if (!q)
        return -1;
    sqlite3_bind_int64(q, 1, h->sweep_after);
    sqlite3_bind_int64(q, 2, h->sweep_after + HISTORY_WINDOW);
    sqlite3_bind_int64(q, 3, days_cut);
    if (history_run(h, q, err))
        return -1;
    if (sqlite3_changes(h->db))
        history_forget_ids(h);
    return 0;
}

static int drop_replies(struct history *h, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *q = history_get(h, H_REPLY_DROP, err);
    if (!q)
        return -1;
    sqlite3_bind_int64(q, 1, now_ms - (int64_t)h->limits.days * 86400000);
    return history_run(h, q, err);
}

/* Too full: keep less; room again: keep more. */
static void adapt(struct history *h)
{
    uint64_t bound = (uint64_t)h->limits.megabytes << 20;

    if (h->counters.bytes > bound / 20 * 19)
        h->scale *= 0.85;
    else if (h->counters.bytes < bound / 10 * 8 && h->scale < 1)
        h->scale = h->scale * 1.1 > 1 ? 1 : h->scale * 1.1;
}

static int sweep(struct history *h, int64_t now_ms, struct err *err)
{
    int64_t top;

    if (now_ms - h->sweep_ms < SWEEP_MS && now_ms >= h->sweep_ms)
        return 0;
    h->sweep_ms = now_ms;
    if (ask(h, H_SERIES_TOP, &top, err) || within(h, sweep_window, now_ms, err))
        return -1;
    h->sweep_after += HISTORY_WINDOW;
    if (h->sweep_after < top)
        return 0;
    h->sweep_after = 0;
    adapt(h);
    return within(h, drop_replies, now_ms, err);
}

static int pragma(struct history *h, const char *text, int64_t *out, struct err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = -1;
    if (sqlite3_prepare_v2(h->db, text, -1, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW) {
        *out = sqlite3_column_int64(q, 0);
        rc = 0;
    } else {
        history_fail(h, err);
    }
    sqlite3_finalize(q);
    return rc;
}

/* Pages that are free will be used again: give back only when they are many. */
static int look_at_size(struct history *h, int64_t now_ms, struct err *err)
{
    int64_t pages, unused;
    char text[64];

    if (now_ms - h->size_ms < SIZE_MS && now_ms >= h->size_ms)
        return 0;
    h->size_ms = now_ms;
    if (pragma(h, "PRAGMA page_count", &pages, err) ||
        pragma(h, "PRAGMA freelist_count", &unused, err))
        return -1;
    h->counters.bytes = (uint64_t)(pages - unused) * 4096;
    if (unused < VACUUM_PAGES || unused < pages / 8)
        return 0;
    sqlite3_snprintf(sizeof(text), text, "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
    h->size_ms = 0;
    return history_exec(h, text, err);
}

int history_keep(struct history *h, int64_t now_ms, struct err *err)
{
    if (h->fold_hour == FOLD_NONE) {
        int due = choose_hour(h, now_ms, err);
        if (due <= 0)
            return due || sweep(h, now_ms, err) || look_at_size(h, now_ms, err) ? -1 : 0;
    }
    return fold(h, err);
}
