#ifndef GOLDEN_FIXTURE_ROLLOUTS_H
#define GOLDEN_FIXTURE_ROLLOUTS_H

#include "fixture.h"

/*
 * A larger made-up fleet for the rollout screens: 240 pumps at four sites, two hardware revisions,
 * one of which a release does badly on. Rollouts are driven through rollout_step() over some
 * forty minutes of virtual time by devices that wait for their slot, download, install, reboot and
 * report, so that slots, paces and failures are as they would be. Free with fixture_free().
 *
 * Rollouts, newest first: one that runs in its third stage; one that wants an approval; one whose
 * window is closed; one that stopped itself; one that is done. And 500 more in the journal's list.
 */
struct fixture *fixture_rollouts_new(void);

#endif
