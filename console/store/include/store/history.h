#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "protocol/limits.h"
#include "protocol/reply.h"

/*
 * What readings were, for as long as a person asks: a database of its own beside the journal
 * ("muster.db" → "muster.db-history"), written by whoever records and read by everybody else while
 * it is being written.
 *
 *   recent    a row per minute and series, as it grows: written every HISTORY_BATCH_MS
 *   minutes   a row per hour and series: up to 60 minutes packed (src/pack.h)
 *   quarters  a row per day and series: up to 96 quarters of an hour packed
 *   replies   the answers to commands
 *
 * A series is one reading of one device. Each minute or quarter has number, least, mean and
 * greatest. Once an hour is over (and HISTORY_GRACE_MIN for stragglers), its minutes are folded
 * from `recent` into the packed rows; values that come even later are merged where they belong.
 *
 * SQLite in WAL mode with synchronous=NORMAL: kill -9 loses what had not been committed, at most
 * one batch; a power cut may also lose the last transactions, and never damages what is before
 * them. A file that is damaged all the same is put aside (renamed) and a new one begun: history is
 * worth having, not worth stopping for.
 *
 * Bounds: HISTORY_SERIES, HISTORY_PENDING, and struct history_limits. Nothing here waits: one call
 * of history_work() does a bounded piece.
 */
struct history;

#define HISTORY_SERIES 100000 /* more are refused and counted */
#define HISTORY_PENDING                                                                            \
    262144 /* minutes and series not yet written; more are refused and counted */
#define HISTORY_REPLIES    256 /* answers not yet written; more are refused and counted */
#define HISTORY_BATCH_MS   5000
#define HISTORY_GRACE_MIN  3
#define HISTORY_SAMPLES    9600 /* a query gives at most so many */
#define HISTORY_MINUTE_MS  INT64_C(60000)
#define HISTORY_QUARTER_MS INT64_C(900000)

/* 0: the default. */
struct history_limits {
    uint32_t minute_days; /* minutes are kept so long; 7 */
    uint32_t days;        /* quarters and replies; 90 */
    uint32_t megabytes;   /* of the file; when it fills, both times shrink together; 1024 */
};

/*
 * For writing: makes the file (0600) when there is none. A damaged one is renamed to
 * "….damaged-<Unix s>" and `note` (of at least 200 bytes) says so; else it is empty. NULL and *err.
 * `journal` is the journal's path. Free with history_close().
 */
struct history *history_open(const char *journal, const struct history_limits *limits,
                             int64_t now_ms, char *note, size_t cap, struct err *err);
/* For reading. NULL when there is none yet (*err untouched, its text empty) or it can't be read. */
struct history *history_open_reader(const char *journal, struct err *err);
void history_close(struct history *h); /* writes what is pending; NULL is fine */

/* ---- writing -------------------------------------------------------------------------------- */

/* Memory only; the value is written with the next batch. Not finite: ignored. */
void history_add(struct history *h, const char *device, const char *reading, int64_t t_ms,
                 double value);
/* The answer to a command came at t_ms. Of several to one order the first is kept. */
void history_add_reply(struct history *h, const char *device, const struct reply *reply,
                       int64_t t_ms);

/*
 * A piece of what there is to do: write a batch, fold an hour, forget what is too old, give back
 * free pages. At most `rows` rows are written (each some 5 µs; 64 series when folding). 1: there is
 * more to do at once; 0: not now; -1 and *err: what the batch held is lost and counted, the next
 * call goes on. When history_damaged(), nothing more will come of it: history_renew().
 */
int history_work(struct history *h, int64_t now_ms, uint32_t rows, struct err *err);
bool history_damaged(const struct history *h);
/* Put the file aside and begin a new one, as history_open() does. What is pending stays. 0, or -1.
 */
int history_renew(struct history *h, int64_t now_ms, char *note, size_t cap, struct err *err);

struct history_counters {
    uint64_t values;  /* taken */
    uint64_t refused; /* series or room exceeded */
    uint64_t lost;    /* minutes lost with a batch that failed */
    uint64_t rows;    /* written to `recent` */
    uint64_t batches; /* committed */
    uint64_t bytes;   /* in use in the file, at the last look */
};
void history_counters(const struct history *h, struct history_counters *out);

/* ---- reading -------------------------------------------------------------------------------- */

enum history_step { HISTORY_MINUTES, HISTORY_QUARTERS };

struct history_sample {
    int64_t t_ms; /* when the minute or quarter began */
    int64_t span_ms;
    uint32_t count; /* values in it, at least 1 */
    float min, avg, max;
};

/*
 * The past of one series in [from_ms, to_ms), oldest first, from one consistent picture of the
 * file. With HISTORY_MINUTES, what is older than the minutes that are kept comes in quarters. More
 * than HISTORY_SAMPLES: the newest. One query of a handle at a time. NULL and *err.
 */
struct history_query;
struct history_query *history_query_new(struct history *h, const char *device, const char *reading,
                                        int64_t from_ms, int64_t to_ms, enum history_step step,
                                        struct err *err);
void history_query_free(struct history_query *q); /* NULL is fine */
/* At most `rows` rows of the file (each up to 96 samples). 1: call again; 0: all there; -1. */
int history_query_work(struct history_query *q, uint32_t rows, struct err *err);
/* Complete only after history_query_work() gave 0; valid until the query is freed. */
const struct history_sample *history_query_samples(const struct history_query *q, size_t *count);

/* What readings of a device there are, by name; `first_ms` is the hour or the day from which on
 * there is something, 0: it has been heard for less than an hour. 0, or -1. */
typedef void history_reading_fn(void *ctx, const char *reading, int64_t first_ms);
int history_readings(struct history *h, const char *device, history_reading_fn *fn, void *ctx,
                     struct err *err);

/*
 * The mean of each minute from `from_ms` on, of all series, in no particular order: for sparklines
 * when a console starts. At most some hours back. history_scan_work(): as for a query, `rows` rows
 * of the file at most (each up to 60 minutes).
 */
typedef void history_minute_fn(void *ctx, const char *device, const char *reading, int64_t t_ms,
                               float avg);
struct history_scan;
struct history_scan *history_scan_new(struct history *h, int64_t from_ms, int64_t now_ms,
                                      history_minute_fn *fn, void *ctx);
int history_scan_work(struct history_scan *s, uint32_t rows, struct err *err);
void history_scan_free(struct history_scan *s); /* NULL is fine */

struct history_reply {
    struct reply reply;
    int64_t t_ms;
};
/* The newest `cap` answers of a device, newest first. How many, or -1. */
int history_replies(struct history *h, const char *device, struct history_reply *out, size_t cap,
                    struct err *err);

#endif
