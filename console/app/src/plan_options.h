#ifndef APP_PLAN_OPTIONS_H
#define APP_PLAN_OPTIONS_H

#include "base/cmd.h"
#include "rollout/plan.h"

/* Of `rollout plan`, `rollout start` and `rollout template save`. */
extern const struct option plan_options[];

/*
 * A plan from a file (word `at`, if there is one) or --template, and the options over it. Without
 * `needs_release` it may be without one. 0, or -1 and *err.
 */
int plan_make(const struct cmd_args *args, size_t at, bool needs_release, struct rollout_plan *out,
              struct err *err);

/* "2M", "500k", "1000" → bytes per second. 0, or -1 and *err that names `field`. */
int plan_bytes(const char *text, const char *field, uint32_t *out, struct err *err);

#endif
