#ifndef APP_SHORT_STATE_H
#define APP_SHORT_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "rollout/rollout.h"

#define SHORT_STATE_BYTES 768

/*
 * What lies, retained, on fleet/rollouts/<rollout> for others to show:
 *   {"rollout","state","why","release","stage","stages","devices","done","failed","in_flight"}
 * The same rollout gives the same text. False when it does not fit.
 */
bool short_state_text(const struct rollout *r, char *out, size_t cap);

#endif
