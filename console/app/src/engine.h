#ifndef APP_ENGINE_H
#define APP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/profile.h"
#include "protocol/crypto.h"
#include "protocol/topic.h"
#include "rollout/rollout.h"
#include "store/store.h"

/*
 * The shell around the rollout reducer: turns messages, acts and time into events, keeps what the
 * reducer says in the journal, and only then publishes it. One process leads at a time (the lock
 * beside the journal); another one that opens an engine follows: it shows what the leader has
 * committed and takes over when the leader is gone.
 */
struct engine;

/* Publish QoS 1; returns the message id (> 0), or -1 when it could not be taken now. */
typedef int engine_publish_fn(void *ctx, const char *topic, const void *body, size_t len,
                              bool retain);

struct engine_config {
    const struct profile *profile; /* outlives the engine, as everything here */
    struct store *store;
    const struct crypto *crypto;
    const struct crypto_signer *signer; /* rollout key */
    const struct log *log;
    const char *name; /* for whoever finds the lock taken: "console", "serve" */
    bool only_follow; /* never lead: for who may only look; no signer is needed */
    engine_publish_fn *publish;
    /* Say again what is known of the rollout's devices (engine_status, engine_report): it has just
     * come from the journal. */
    void (*replay)(void *ctx, const struct rollout *r);
    /* What a target (filter text) names now, as planning_candidates(); free() *out. */
    uint32_t (*candidates)(void *ctx, const char *target, const char *image,
                           struct plan_candidate **out);
    void *ctx;
};

/* Loads what is in the journal. NULL and *err. Free with engine_free(). */
struct engine *engine_new(const struct engine_config *config, int64_t now_ms, struct err *err);
void engine_free(struct engine *e); /* NULL is fine */

/* Stop leading and let the lock go, for another process to take; not again before `until_ms`. */
void engine_resign(struct engine *e, int64_t until_ms);
/* As engine_resign(), for `who` on another host (engine_leader() says it). Holds while it leads or
 * not. */
void engine_yield(struct engine *e, const char *who, int64_t until_ms);
/* Lead again at the next tick, when nobody else does. */
void engine_lead_again(struct engine *e, int64_t now_ms);

/* NULL: this process leads; else who does ("muster serve, pid 4711 …"). */
const char *engine_leader(const struct engine *e);

void engine_broker(struct engine *e, bool up, int64_t now_ms);
/* A message of one of our topics; others are ignored. */
void engine_message(struct engine *e, const struct topic *topic, const void *body, size_t len,
                    int64_t now_ms);
void engine_status(struct engine *e, const char *id, const struct device_status *status,
                   int64_t now_ms);
void engine_report(struct engine *e, const char *id, const struct ota_report *report,
                   int64_t now_ms);
void engine_published(struct engine *e, int mid, int64_t now_ms);
/* Call at least once a second: takes acts, steps timers, takes over, follows. */
void engine_tick(struct engine *e, int64_t now_ms);
/* Take acts at the next tick whatever the time (this process has just appended one). */
void engine_nudge(struct engine *e);

/* Newest first; valid until the next call into the engine. */
const struct rollout *const *engine_rollouts(const struct engine *e, size_t *count);
const struct rollout *engine_find(const struct engine *e, const char *id);
/* Any rollout of ours that is not over? */
bool engine_is_busy(const struct engine *e);
/* The journal refused the last write; "" when all is well. */
const char *engine_trouble(const struct engine *e);

#endif
