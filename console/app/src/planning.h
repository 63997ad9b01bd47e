#ifndef APP_PLANNING_H
#define APP_PLANNING_H

#include "base/cmd.h"
#include "fleet/filter.h"
#include "fleet/fleet.h"
#include "release/store.h"
#include "rollout/plan.h"
#include "rollout/rollout.h"
#include "store/store.h"

/*
 * From a wish to a rollout in the journal: the candidates that the target names in the fleet as it
 * is now, the release with its signature checked, the exact set of devices, the row. The console's
 * dialog and `muster rollout start` both come here.
 */

/* What the fleet knows of each device that passes the filter (NULL: all). Texts point into the
 * fleet. free() *out. */
uint32_t planning_candidates(const struct fleet *fleet, struct filter *filter, int64_t now_ms,
                             struct plan_candidate **out);

/* The same for exactly these ids; one that the fleet does not know is left out. */
uint32_t planning_candidates_of(const struct fleet *fleet, char (*ids)[PROTO_ID_MAX], size_t count,
                                struct plan_candidate **out);

/* What the fleet does not know of them: whose firmware failed on this image in an earlier rollout
 * (where the journal can't be read, nobody's), and which time zones this machine does not have: to
 * those a device has none. */
void planning_mark(struct store *store, const char *image, struct plan_candidate *candidate,
                   uint32_t count);

/* Find product@version and check that its signature holds under a release key of the profile's
 * keyset. NULL and *err. */
const struct release_entry *planning_release(const struct profile *profile,
                                             const struct release_store *releases,
                                             const struct crypto *crypto, const char *name,
                                             struct err *err);

struct planning {
    const struct profile *profile;
    const struct crypto *crypto;
    struct store *store;
    const struct rollout_plan *plan;
    const struct release_entry *release;
    const struct plan_candidate *candidate;
    uint32_t count;
    const char *who;
};
/* 0 when planning_start() would find a window's zone and devices that no other rollout holds; else
 * -1 and why not. */
int planning_check_zone(const struct rollout_plan *plan, struct err *err);
int planning_check_free(struct store *store, const struct plan_candidate *candidate,
                        const struct plan_set *set, struct err *err);

/* Mark (see above), draw the next id (unless `id` is filled in already), resolve, keep with an act
 * `start`, whose number is *act. The engine takes it from there. 0 and *id, or -1 and *err. */
int planning_start(const struct planning *p, int64_t now_ms, char id[PROTO_ROLLOUT_MAX],
                   int64_t *act, struct err *err);
/* The engine refused that act: the draft is aborted, so that it does not stand there for ever. */
void planning_give_up(struct store *store, const char *who, const char *id, int64_t now_ms);

/* Keys of [trust] keyset. 0, or -1 and *err. */
int planning_keyset(const struct profile *profile, struct keyset *out, struct err *err);

#endif
