#ifndef APP_ALERTING_H
#define APP_ALERTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/profile.h"
#include "fleet/alert.h"
#include "rollout/rollout.h"
#include "store/store.h"

/*
 * The profile's alert rules over the fleet of this process. Every process judges by itself; the one
 * that leads keeps what fired and cleared in the journal, so that it fires once over restarts and
 * takeovers; what anybody acknowledges and silences is read from there.
 */
struct alerting;

/*
 * Told by the leader when an alert fires or clears. The first of a rule at once; those that follow
 * within ALERTING_DIGEST_MS come as one, `subject` then says how many and names a few: a site that
 * goes dark is one message, not a thousand.
 */
#define ALERTING_DIGEST_MS 10000
typedef void alerting_tell_fn(void *ctx, const struct alert_rule *rule, enum alert_event_kind kind,
                              const char *subject, const char *text, int64_t now_ms);

struct alerting_config {
    const struct profile *profile; /* outlives it, as all here */
    struct fleet *fleet;
    struct store *store;
    const struct log *log;
    alerting_tell_fn *tell; /* may be NULL */
    void *ctx;
};

/* NULL and *err when a rule of the profile is bad. alerting_free() it. */
struct alerting *alerting_new(const struct alerting_config *config, struct err *err);
/* Who has a certificate of ours; NULL: no authority here. Lives as long. */
struct registry *alerting_registry(struct alerting *a);
void alerting_free(struct alerting *a); /* NULL is fine */

/* About ten times a second. `leads`: this process keeps the journal's alerts. */
void alerting_tick(struct alerting *a, bool leads, const struct rollout *const *rollouts,
                   size_t count, int64_t now_ms);
/* Read the journal again at the next tick (this process has just acknowledged or silenced). */
void alerting_nudge(struct alerting *a);
/* The worst level above INFO that has fired since the last call, for a bell; else INFO. */
enum alert_level alerting_take_rung(struct alerting *a);
struct alerts *alerting_alerts(struct alerting *a);

/*
 * For commands that only look once: what the journal says is firing is shown in the fleet's states
 * and counts. Nothing happens when there is no journal.
 */
void alerting_recall(const struct profile *profile, struct fleet *fleet, int64_t now_ms);

#endif
