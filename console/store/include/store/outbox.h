#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "rollout/rollout.h"
#include "store/store.h"

/*
 * Messages to people that have yet to be delivered: notifications of rollouts now, alerts by the
 * same calls. A row per message and sink, written in the transaction of the state it tells of, so
 * that it is there exactly when the state is; taken out when it was delivered. A crash between the
 * delivery and that leaves the row: it is delivered again (at least once), under the same number.
 *
 * Bounded: OUTBOX_ROWS rows, the oldest make room. Who delivers bounds age and attempts. What is
 * dropped is counted per sink and told as an event.
 */
#define OUTBOX_ROWS     1000
#define OUTBOX_SINK_MAX 32
#define OUTBOX_WORD_MAX 16
#define OUTBOX_TEXT_MAX 400
#define OUTBOX_BODY_MAX 2048

struct store_message {
    int64_t id; /* rises; given by store_outbox_put() */
    int64_t ts_ms;
    char sink[OUTBOX_SINK_MAX];  /* [notify NAME] */
    char event[OUTBOX_WORD_MAX]; /* "stop", "alert" … */
    char text[OUTBOX_TEXT_MAX];  /* one clean line for people */
    char body[OUTBOX_BODY_MAX];  /* the same as a JSON object */
    uint32_t attempts;           /* failed so far */
    int64_t due_ms;              /* not before */
};

/* What a commit changes of a rollout, as told to who writes messages about it. */
struct store_change {
    const struct rollout *rollout;         /* as it is now */
    enum rollout_state before;             /* as it was last committed */
    enum rollout_stage_state stage_before; /* of the stage it is in now */
    uint32_t stage_index_before;           /* the stage it was in */
};
/* Called inside the transaction of store_commit() before anything is written; what it adds by
 * store_outbox_put() is kept with the rest, or not at all. 0, or -1 and *err: nothing is kept. */
typedef int store_change_fn(void *ctx, struct store *s, const struct store_change *change,
                            struct err *err);
/* NULL: nobody. `ctx` must outlive the store or the next call. */
void store_on_change(struct store *s, store_change_fn *fn, void *ctx);

/* Adds; in the present transaction when there is one, else in its own. 0, or -1. */
int store_outbox_put(struct store *s, const struct store_message *m, struct err *err);
/* The oldest message of a sink, whether due or not. 0, 1 when there is none, -1. */
int store_outbox_first(struct store *s, const char *sink, struct store_message *out,
                       struct err *err);
/* Delivered: gone. */
int store_outbox_done(struct store *s, const struct store_message *m, int64_t now_ms,
                      struct err *err);
/* Not delivered: again at due_ms. `why` must hold no secret. */
int store_outbox_again(struct store *s, const struct store_message *m, int64_t due_ms,
                       const char *why, struct err *err);
/* Given up: gone, counted, and told as an event. */
int store_outbox_drop(struct store *s, const struct store_message *m, const char *why,
                      int64_t now_ms, struct err *err);

/* Per sink that ever had a message, by name. */
struct store_sink {
    char name[OUTBOX_SINK_MAX];
    uint32_t queued, delivered, dropped;
    uint32_t attempts; /* of the oldest queued */
    int64_t due_ms;    /* of the oldest queued; 0 */
    int64_t ok_ms;     /* last delivery; 0: never */
    char error[160];   /* why the last attempt failed; empty when it did not */
};
#define OUTBOX_SINKS 64
/* How many were written to `out`, or -1. */
int store_outbox_sinks(struct store *s, struct store_sink *out, size_t cap, struct err *err);

/* This journal's own id, 16 hex digits, for ever. 0, or -1. */
int store_journal_id(struct store *s, char out[17], struct err *err);

#endif
