#ifndef SCREENS_STAGES_H
#define SCREENS_STAGES_H

#include <stddef.h>

#include "rollout/plan.h"

/*
 * Stages as people type them: "canary 2 soak 1m, half 50%, rest". Items by commas; each has a name
 * (or none), a number of devices or a share, and how long to watch. "rest" or "all" alone is 100 %.
 * Short, for command lines: "canary:2/1m,half:50%,rest".
 * 0, or -1 and a sentence in `problem`.
 */
int stages_parse(const char *text, struct rollout_plan *plan, char *problem, size_t cap);
/* What to offer for so many devices. */
const char *stages_usual(uint32_t devices);

#endif
