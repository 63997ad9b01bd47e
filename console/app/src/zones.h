#ifndef APP_ZONES_H
#define APP_ZONES_H

#include "base/log.h"
#include "rollout/rollout.h"

/* Give a rollout the rules of its time zones, from the files of this machine. What is not known
 * here stays shut, and the log says so. */
void zones_fill(struct rollout *r, const struct log *log);

#endif
