#ifndef ROLLOUT_WALK_H
#define ROLLOUT_WALK_H

#include <stdint.h>

/*
 * How often the gate's test stops a run, exactly: the chance of every path of failures is carried
 * on from device to device, and what reaches the boundary is taken out. No dice.
 */

/* bound[n], n = 0 .. `most`: fewest failures of n with which gate_test() stops; n + 1: none.
 * Asked of gate_test() itself. Free with free(). */
uint32_t *walk_boundary(double allowed, double alpha, uint32_t most);

struct walk {
    double *stopped;  /* [0 .. most]: chance to be stopped at or before n devices */
    double mean_stop; /* devices until the stop, of runs that are stopped */
    double lost;      /* chance of the paths that were left out as hopelessly rare */
};

/* Each device fails with chance `rate`. Free with walk_free(). */
void walk_run(struct walk *out, const uint32_t *bound, uint32_t most, double rate);
void walk_free(struct walk *walk);

#endif
