#ifndef ROLLOUT_BUDGET_H
#define ROLLOUT_BUDGET_H

#include "rollout/gate.h"

/*
 * How far a stage is from being stopped: the failure budget. Pure; asks gate_must_stop(), so it
 * says what the gate will do whatever the gate's rule is.
 */
#define BUDGET_NONE UINT32_MAX

struct gate_budget {
    /* Fewest failures among the present sample with which the gate would stop; BUDGET_NONE: none
     * would, or there is no sample. And their share of the sample (1 for BUDGET_NONE). */
    uint32_t stop_at;
    double stop_rate;
    /* How many of the devices still to come must fail in a row, from now on, for it to stop;
     * BUDGET_NONE: it does not even if all of them do. 0: it stops now. */
    uint32_t more;
};

void gate_budget(const struct gate_rule *rule, const struct gate_counts *counts,
                 struct gate_budget *out);

#endif
