#ifndef SCREENS_CANDIDATE_H
#define SCREENS_CANDIDATE_H

#include "fleet/fleet.h"
#include "rollout/plan.h"

/* A device of the fleet as a plan sees it: for the dialog's preview and for the real start. The
 * texts are the fleet's and live as long as the device is known. */
struct plan_candidate candidate_of(const struct fleet *fleet, const struct fleet_device *device);

#endif
