#ifndef APP_PREVIEW_OUTPUT_H
#define APP_PREVIEW_OUTPUT_H

#include "base/cmd.h"
#include "rollout/plan.h"

/* What `rollout plan` prints, for people and with --json. */
struct preview_view {
    const struct rollout_plan *plan;
    const struct plan_set *set;
    const struct plan_candidate *candidate;
    struct plan_preview preview; /* with its schedule */
    const struct zone *zone;     /* of the window; NULL: none */
    const char *zone_name;       /* in device time: the zone that stands for all */
    uint32_t rate;               /* bytes per second of one device, as assumed */
    uint32_t peak;               /* --peak, 0: not asked */
    uint32_t peak_jitter_s;      /* the jitter that keeps it */
    const char *conflict;        /* why a start would be refused now, or NULL */
    const char *step;            /* a release that would bring those too old far enough, or NULL */
};

void preview_output(struct cmd_context *ctx, const struct preview_view *v);

#endif
