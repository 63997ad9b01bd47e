#ifndef ROLLOUT_SIM_H
#define ROLLOUT_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/crypto.h"
#include "rollout/rollout.h"

/*
 * A fleet, a broker and the engine's shell, all make-believe, on a virtual clock of one second a
 * step. The same seed gives the same run. The fleet keeps what a real one keeps: the device its
 * image and how far it is, the broker the retained messages; so the engine's side can be thrown
 * away at any moment and started again.
 */
enum sim_fate {
    SIM_GOOD,
    SIM_BAD,        /* rolls back: self_test */
    SIM_NET_ONCE,   /* first download fails: connect */
    SIM_NET_NEVER,  /* every download fails */
    SIM_DEAD,       /* gets the order, never says a word */
    SIM_REJECTS,    /* low battery */
    SIM_FALLS_BACK, /* says done, and is back on the old image half a minute later */
};

struct sim_device {
    uint8_t fate;
    uint8_t ota;
    uint8_t wire; /* what was sent to it last */
    uint8_t reason;
    bool online, new_image, active, unseen;
    bool retained; /* an order lies on commands/update */
    bool nothing;  /* its last word was that it has nothing of this rollout */
    bool forgot;   /* has rebooted since it answered an abort */
    uint16_t wire_attempt, abort_attempt, attempt, tries;
    uint32_t n, boot, next;
    int64_t next_s;   /* when the next step of its update is due */
    int64_t online_s; /* when it comes back; 0: not planned */
    int64_t exp_s;    /* of the order it has; 0: none */
};

struct sim_stats {
    uint32_t orders, aborts, clears, resends, backs;
    uint32_t most_in_flight;
    uint32_t steps;
    int64_t step_ns; /* in the reducer, when clock_ns is there */
};

struct sim {
    struct rollout *r;
    struct sim_device *device;
    uint32_t count;
    int64_t now_s;
    uint64_t seed;
    bool link_up;
    bool chaos; /* duplicates, late and lost messages, reboots, broker outages */
    uint32_t download_s;
    uint32_t active; /* list of devices that do something */
    struct sim_stats stats;
    struct rollout_effects fx;
    struct rollout_send *unacked;
    uint32_t unacked_count, unacked_cap;
    bool watch_cap; /* check the cap against an own count; off where silent ones come back */

    /* The journal: before anything is sent. Nonzero: the engine died here, before the journal had
     * it or after. NULL: none. */
    int (*commit)(void *ctx, const struct rollout *r, const struct rollout_effects *fx);
    /* Asked before each send; nonzero: the engine dies here. */
    int (*on_send)(void *ctx, const struct rollout_send *send);
    struct rollout *(*reload)(void *ctx);
    void *ctx;
    int64_t (*clock_ns)(void);
    uint32_t deaths;
};

extern const struct crypto sim_crypto; /* no real hash: only spreads */

/* A plan with quick stages: canary 2, then half, then all; jitter 60, trial 30, soak 20. */
void sim_plan(struct rollout_plan *plan);
/* `count` good devices online with ids dev-0000 …, and a rollout in DRAFT. */
void sim_init(struct sim *s, const struct rollout_plan *plan, uint32_t count, uint64_t seed);
/* The same with a group for each device ("site:7", "tz:UTC"), NULL for none. */
void sim_init_labels(struct sim *s, const struct rollout_plan *plan, uint32_t count, uint64_t seed,
                     const char *(*label)(uint32_t i));
/* A device that is online and runs an older release; the texts must outlive it. */
struct plan_candidate sim_candidate(const char *id, const char *hw, const char *fw);
/* Candidates as they are given (also what they run), a rollout of that id for hw linux and linux-b,
 * ranked by `crypto`, at a time of day. */
void sim_init_fleet(struct sim *s, const struct rollout_plan *plan, const char *id,
                    const struct plan_candidate *candidate, uint32_t count,
                    const struct crypto *crypto, int64_t start_s, uint64_t seed);
void sim_free(struct sim *s);
/* Zone rules by name for all zones of the rollout: "UTC", else a POSIX rule. */
void sim_zones(struct sim *s);
uint32_t sim_random(struct sim *s, uint32_t below);

void sim_event(struct sim *s, struct rollout_event *ev); /* feed, commit, send, until no more */
void sim_act(struct sim *s, enum rollout_act act);
void sim_ask(struct sim *s, enum rollout_act act, const struct rollout_ask *ask, const char *who);
void sim_link(struct sim *s, bool up); /* up: retained messages arrive */
void sim_second(struct sim *s);
/* After the devices were handed to another process. */
void sim_wake_all(struct sim *s);
/* Until closed or over, or `limit_s` virtual seconds. True when it is over. */
bool sim_run(struct sim *s, int64_t limit_s);
uint32_t sim_phase(const struct sim *s, enum rollout_phase phase);

#endif
