#ifndef SCREENS_STAGES_H
#define SCREENS_STAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "rollout/plan.h"

/*
 * Stages as people type them: "canary 2 soak 1m, half 50% fail 2% approve, rest". Items by commas;
 * each has a name (or none), a number of devices or a share, how long to watch, which share may
 * fail (else the plan's), and whether a person must approve it before the next. "rest" or "all"
 * alone is 100 %. Short, for command lines: "canary:2/1m,half:50%,rest". 0, or -1 and a sentence in
 * `problem`.
 */
int stages_parse(const char *text, struct rollout_plan *plan, char *problem, size_t cap);
/* Back to that, without devices named one by one; false when it does not fit. */
bool stages_text(const struct rollout_plan *plan, char *out, size_t cap);
/* What to offer for so many devices. */
const char *stages_usual(uint32_t devices);

#endif
