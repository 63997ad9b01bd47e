#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "protocol/crypto.h"
#include "protocol/limits.h"
#include "protocol/order.h"
#include "rollout/rollout.h"

/*
 * The journal: SQLite in WAL mode with synchronous=FULL, so what a call has committed survives
 * kill -9 and a power cut. Rollouts are kept as state rows (a head, stages, devices), written in
 * the transaction that comes before the act they allow; `events` is the append-only story for
 * people, `audit` the hash-chained record of who asked for what.
 *
 * Any process may open it: rollouts are created and acts appended by whoever the operator uses;
 * only the holder of the engine lock consumes acts and writes rollout state.
 *
 * Every call that can fail returns -1 with a text that says what to do (disk full, locked,
 * read-only, damaged, from a newer muster). A call that fails has changed nothing.
 */
struct store;

/* Opens or creates, brings an older schema up to date. `crypto` (copied; only its sha256 is used)
 * is for the audit chain. read_only: nothing is created or changed. NULL and *err on failure. */
struct store *store_open(const char *path, bool read_only, const struct crypto *crypto,
                         struct err *err);
void store_close(struct store *s); /* NULL is fine; lets the engine lock go */

/*
 * The engine lock: flock on "<path>.lock", which says who has it. 0 when it is ours, 1 when another
 * has it (`holder`: "muster console, pid 4711 on host gw1, since 14:02:11Z"), -1 on errors. The
 * kernel lets it go when the process ends, however it ends.
 */
int store_engine_lock(struct store *s, const char *name, char *holder, size_t cap, struct err *err);
/* Let it go before the process ends, for another to take. */
void store_engine_unlock(struct store *s);
/* Who has it, without trying to take it: 0 nobody, 1 somebody. */
int store_engine_holder(struct store *s, char *holder, size_t cap, struct err *err);

/* --- Rollouts --- */

/* What was decided when it was made. Texts are owned by the struct's user. */
struct store_rollout_new {
    const struct rollout *rollout; /* state DRAFT */
    const char *plan_json;
    const char *release_jws;
    const char *who;
};
/* Head, stages, devices and an act `start`, in one transaction: all of it or nothing.
 * *act_id gets the act's number. 1 and *err: another has taken the id since it was drawn. */
int store_rollout_create(struct store *s, const struct store_rollout_new *new, int64_t now_ms,
                         int64_t *act_id, struct err *err);

/* "r-20261120-3": the next free one of the UTC day. */
int store_rollout_next_id(struct store *s, int64_t now_ms, char out[PROTO_ROLLOUT_MAX],
                          struct err *err);

struct store_rollout_row {
    char id[PROTO_ROLLOUT_MAX];
    enum rollout_state state;
    char product[PROTO_PRODUCT_MAX], version[PROTO_VERSION_MAX];
    char why[ROLLOUT_WHY_MAX];
    char who[65];
    char target[PLAN_TARGET_MAX];
    uint32_t devices, done, failed;
    uint32_t stage, stage_count; /* the current one, from 0 */
    int64_t created_ms, started_ms, ended_ms;
};
/* Newest first. Returns how many were written to `out`, or -1. */
int store_rollout_list(struct store *s, struct store_rollout_row *out, size_t cap, struct err *err);

/* A whole rollout as it was last committed; the plan is decoded again from its JSON. NULL and *err.
 * Free with rollout_free(). */
struct rollout *store_rollout_load(struct store *s, const char *id, struct err *err);
/* The release's JWS (at most PROTO_RELEASE_BYTES + 1 bytes) and the plan's JSON; free() it. */
int store_rollout_release(struct store *s, const char *id, char *out, size_t cap, struct err *err);
char *store_rollout_plan(struct store *s, const char *id, struct err *err);

/* Devices whose firmware failed on the image with this digest (hex), in any rollout, ascending
 * without doubles. How many, at most PLAN_DEVICES; free() *ids (NULL for none, and on errors). */
uint32_t store_failed_before(struct store *s, const char *image, char (**ids)[PROTO_ID_MAX],
                             struct err *err);

/* --- Orders --- */

struct store_order {
    char rollout[PROTO_ROLLOUT_MAX]; /* empty: not of a rollout */
    char device[PROTO_ID_MAX];
    enum verb verb;
    uint32_t attempt;
    uint32_t seq;
    char jws[PROTO_ORDER_BYTES + 1];
};

/* Signs `verb` for the device with this seq; text to `jws`. 0, or -1 and *err. */
typedef int store_sign_fn(void *ctx, const struct rollout *r, const struct rollout_device *d,
                          enum verb verb, uint32_t attempt, uint32_t seq, char *jws, size_t cap,
                          struct err *err);

/*
 * Step 1 of the engine's loop: everything `fx` says, in one transaction. On -1 nothing was kept: do
 * not publish and do not step on; try the same call again, or load the rollout anew.
 * For each send that is an
 * order or an abort and has none yet, a number is drawn and `sign` called once; its text is kept,
 * so that it is the same after a crash. Numbers rise over the whole fleet per verb class, and are
 * at least `seq_floor` (pass e.g. seconds since 2020, and a lost journal does not make every order
 * a replay).
 */
int store_commit(struct store *s, const struct rollout *r, const struct rollout_effects *fx,
                 store_sign_fn *sign, void *ctx, uint32_t seq_floor, struct err *err);

/* The kept order of (rollout, device, attempt, verb). 0, 1 when there is none, -1. */
int store_order_get(struct store *s, const char *rollout, const char *device, uint32_t attempt,
                    enum verb verb, struct store_order *out, struct err *err);

/* For orders outside a rollout (config, reboot …): draw the next number of the class. */
int store_seq_next(struct store *s, enum verb_class class, uint32_t floor, uint32_t *seq,
                   struct err *err);
int store_order_add(struct store *s, const struct store_order *order, int64_t now_ms,
                    struct err *err);

/* Which rollout still has something in mind for this device: one that is not over or stopped and in
 * which the device has not ended, or one whose last message to it is not out. 0 none, 1 and its id,
 * -1. */
int store_device_rollout(struct store *s, const char *device, char out[PROTO_ROLLOUT_MAX],
                         struct err *err);

/* --- Acts: what operators ask for; rows that the engine consumes --- */

struct store_act {
    int64_t id, ts_ms;
    char who[65];
    char rollout[PROTO_ROLLOUT_MAX];
    enum rollout_act act;
    bool consumed, refused;
    char result[ROLLOUT_NOTE_MAX];
    char ask[ROLLOUT_ASK_TEXT]; /* rollout_ask_read() */
};
/* Appends the act and its audit row. *id may be NULL. */
int store_act_add(struct store *s, const char *who, const char *rollout, enum rollout_act act,
                  int64_t now_ms, int64_t *id, struct err *err);
/* The same with what it asks for (NULL: nothing). */
int store_act_ask(struct store *s, const char *who, const char *rollout, enum rollout_act act,
                  const struct rollout_ask *ask, int64_t now_ms, int64_t *id, struct err *err);
/* Not yet consumed, oldest first. Returns how many, or -1. */
int store_act_pending(struct store *s, struct store_act *out, size_t cap, struct err *err);
/* 0, 1 when there is none of that number, -1. */
int store_act_get(struct store *s, int64_t id, struct store_act *out, struct err *err);
/* An act that no rollout can take (no such rollout). */
int store_act_refuse(struct store *s, int64_t id, const char *why, struct err *err);
/* Changes when another process has written: cheap enough to ask at every tick. */
int store_data_version(struct store *s, int64_t *version, struct err *err);

/* --- The story --- */

struct store_event {
    int64_t id, ts_ms;
    char rollout[PROTO_ROLLOUT_MAX], device[PROTO_ID_MAX]; /* may be empty */
    bool bad;
    char text[ROLLOUT_NOTE_MAX];
};
/* The newest `cap` of a rollout (NULL: of all) with id > after, oldest first. Count, or -1. */
int store_event_list(struct store *s, const char *rollout, int64_t after, struct store_event *out,
                     size_t cap, struct err *err);

/* --- Audit: each row holds the SHA-256 of the row before --- */

int store_audit_add(struct store *s, const char *who, const char *what, int64_t now_ms,
                    struct err *err);
/* 0 whole (*row is the last), 1 broken at *row (the first bad row, or the anchor that no row
 * names, see store/keep.h), -1. */
int store_audit_verify(struct store *s, int64_t *row, struct err *err);

#endif
