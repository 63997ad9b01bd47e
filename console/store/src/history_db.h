#ifndef STORE_HISTORY_DB_H
#define STORE_HISTORY_DB_H

#include <sqlite3.h>

#include "pack.h"
#include "store/history.h"

/* Shared by history.c (open, batches), history_keep.c (folding, forgetting) and history_read.c. */

#define MINUTES_PER_HOUR    60
#define MINUTES_PER_DAY     1440
#define MINUTES_PER_QUARTER 15
#define FOLD_NONE           -1 /* no hour is being folded */
#define HISTORY_WINDOW      64 /* series folded or swept in one go */

enum history_sql {
    H_SERIES_GET,
    H_SERIES_PUT,
    H_SERIES_SEEN,
    H_RECENT_PUT,
    H_RECENT_FIRST,
    H_RECENT_LAST,
    H_RECENT_WINDOW,
    H_RECENT_ONE,
    H_RECENT_DROP,
    H_MINUTES_GET,
    H_MINUTES_PUT,
    H_MINUTES_DROP,
    H_QUARTERS_GET,
    H_QUARTERS_PUT,
    H_QUARTERS_DROP,
    H_SERIES_TOP,
    H_SERIES_DROP,
    H_REPLY_PUT,
    H_REPLY_DROP,
    H_COUNT
};

/* A minute of a series on its way to the file. */
struct history_row {
    uint32_t series; /* index in history.series */
    int64_t minute;  /* Unix time / 60 s */
    struct pack_slot slot;
    double sum;
};
struct history_rows {
    struct history_row *row;
    size_t count, cap;
};

struct history_series {
    char *name; /* "<device>\0<reading>" */
    uint32_t hash;
    uint32_t batch; /* of `row` */
    size_t row;     /* its newest in `filling` */
    int64_t id;     /* in the file; 0: not asked yet */
};

struct history_pending_reply {
    char device[PROTO_ID_MAX];
    struct history_reply reply;
};

struct history {
    sqlite3 *db;
    sqlite3_stmt *statement[H_COUNT];
    char path[1024];
    struct history_limits limits;
    bool read_only, damaged;

    struct history_series *series; /* open addressing by slot */
    uint32_t series_count, series_cap;
    uint32_t *slot; /* 1 + index in series; 0: free. Twice as many as series_cap */

    struct history_rows filling, writing;
    uint32_t batch;
    size_t written; /* of `writing` */
    bool in_batch;  /* a transaction is open */
    int64_t begun_ms;
    bool begun;
    struct history_pending_reply *reply;
    size_t reply_count;

    int64_t fold_hour, fold_after; /* being folded, series up to there are done */
    int64_t sweep_after, sweep_ms, size_ms;
    double scale;        /* of the times kept, below 1 when the file is full */
    struct pack *window; /* HISTORY_WINDOW */
    struct history_counters counters;
};

sqlite3_stmt *history_get(struct history *h, enum history_sql which, struct err *err);
/* Runs it to its end and resets it. 0, or -1. */
int history_run(struct history *h, sqlite3_stmt *q, struct err *err);
int history_exec(struct history *h, const char *text, struct err *err);
int history_fail(struct history *h, struct err *err);
/* Fold, sweep, vacuum: 1 more at once, 0, -1. */
int history_keep(struct history *h, int64_t now_ms, struct err *err);
/* The ids in the file may have changed: ask again. */
void history_forget_ids(struct history *h);

#endif
