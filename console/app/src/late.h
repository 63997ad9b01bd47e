#ifndef APP_LATE_H
#define APP_LATE_H

#include "protocol/release.h"
#include "rollout/rollout.h"
#include "store/store.h"

/* Devices that match a rollout's target only after its start. */

/* What the kept JWS says; it was checked when the rollout was made. 0, or -1. */
int late_release(const char *jws, struct release *out);

/* Does the plan want to hear of them now? */
bool late_is_wanted(const struct rollout *r);

/* Of `count` candidates those that are not in it, can take the release and are free, at most
 * ROLLOUT_JOINS. Returns how many. */
uint32_t late_pick(const struct rollout *r, const struct release *release, struct store *store,
                   const struct plan_candidate *candidate, uint32_t count, int64_t now_ms,
                   struct plan_candidate out[ROLLOUT_JOINS]);

#endif
