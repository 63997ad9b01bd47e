#ifndef ROLLOUT_GATE_H
#define ROLLOUT_GATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a stage's results show, and whether that is enough: go, hold or stop. Pure arithmetic on
 * counts, so a restart changes nothing. docs/gates.md says how to read it and prints its table.
 *
 * Bounds on a failure rate are exact and one-sided (Clopper and Pearson, Biometrika 26, 1934):
 * the rate p at which so many failures, or more, would still be seen once in 1 / (1 - confidence)
 * runs. "0 of 10 failed" at 95 % has the upper bound 26 %: a clean canary of ten still allows one
 * device in four to fail. 59 clean devices are needed to show 5 %.
 *
 * Stopping while results come in is a test that looks again and again, and each look may err. So a
 * look is not made at alpha: it stops when
 *
 *     P(X >= failed | n, stop_allowed) <= level(n),       X binomial, n: devices at risk so far
 *     level(n) = 1.2 alpha min(m, 1 / m^2),               m = n stop_allowed / 5
 *
 * that is, when the lower bound at confidence 1 - level(n) is above stop_allowed. The level is
 * largest where five failures would be expected at the limit (100 devices for 5 %), and falls on
 * both sides so that the looks add up to a bounded error: a run in which the true rate is at the
 * limit is stopped with probability
 *
 *     3.1 alpha       for stop_allowed 0.05, alpha 0.01 (and 92 % of runs at 15 % within 100)
 *     <= 3.5 alpha    for all alpha >= 0.005, any limit
 *     <= 4.2 alpha    for alpha = 0.001
 *
 * whatever the number of devices, looking after each; less when the true rate is below. Computed
 * exactly, path by path, by tests/unit/rollout/walk.c up to n = 250 / stop_allowed and beyond; what
 * comes after n adds at most 30 alpha / (n stop_allowed): the boundary rises by one only once in
 * 1 / stop_allowed devices, between two rises the last look is the likeliest, and the levels there
 * sum to that. An error of alpha itself can't be had: even one single look after 100 devices needs
 * 1.15 % to find 15 % nine times in ten (11 failures or more).
 *
 * A failure is known before a success: who fails says so during its trial, who does not is first
 * soaked. So n is everybody at risk (has switched, or ended): failed so far <= failures among n,
 * however long good ones take, and the error stays what it is. Done alone would stop good rollouts.
 */

/* One-sided bounds: the true rate is below `upper` (above `lower`) with the given confidence,
 * 0 < confidence < 1. With n = 0 they are 1 and 0. failed > n counts as n. */
double gate_upper(uint32_t failed, uint32_t n, double confidence);
double gate_lower(uint32_t failed, uint32_t n, double confidence);

/* The regularized incomplete beta function I_x(a, b), a, b > 0, 0 <= x <= 1. */
double gate_beta(double a, double b, double x);

/* Fewest devices that show a rate within `allowed` when none fails; UINT32_MAX for allowed <= 0. */
uint32_t gate_clean_needed(double allowed, double confidence);

enum gate_verdict { GATE_HOLD, GATE_GO, GATE_STOP };

/* Fewest devices of which `failed` may fail and that still show a rate within `allowed`: the least
 * n with gate_upper(failed, n, confidence) <= allowed. UINT32_MAX for allowed <= 0. */
uint32_t gate_needed(uint32_t failed, double allowed, double confidence);

/* The level of a look at n devices: see above. 0 for n = 0 or allowed = 0. */
double gate_level(double allowed, double alpha, uint32_t n);
/* Whether that look stops: `failed` of n. With allowed <= 0 any failure does. */
int gate_test(double allowed, double alpha, uint32_t failed, uint32_t n);

/* The rule of one stage. Rates are 0 to 1. */
struct gate_rule {
    double allowed_failure;
    double confidence;
    uint32_t min_sample;
    double max_silent;
    double
        max_other; /* ends that say nothing about the firmware: network, power, policy, operator */
    double max_network, max_power, max_policy; /* caps of these alone; < 0: none */
    double stop_allowed;                       /* what the test above is about */
    double alpha;
};

/* Devices, counted over the stages so far; each counts once however many attempts it had.
 * Failures that a person has acknowledged (resume) are in no field. */
struct gate_counts {
    uint32_t total;                  /* devices in the stages so far, acknowledged ends left out */
    uint32_t done;                   /* target hash runs, new boot, soaked */
    uint32_t failed;                 /* counts against the firmware or the image */
    uint32_t other;                  /* ended by network, power, policy or operator */
    uint32_t network, power, policy; /* parts of `other` */
    uint32_t silent;                 /* told, and nothing heard */
    uint32_t excused;                /* offline and carried forward, or already there */
    uint32_t away;                   /* of excused: offline, may still come */
    uint32_t soaking;                /* confirmed, still being watched */
    uint32_t trying;                 /* installing, rebooting or on trial: may fail any moment */
    uint32_t pending;                /* in this stage: not yet ended, silent, soaking or excused */
    uint32_t untold;                 /* of pending: have no order yet */
    uint32_t waiting;                /* in this stage: soaking */
    int64_t soak_left_ms;            /* until the last soaking device is through; 0 when none */
    int64_t
        word_ms;   /* after so long without a word a pending device counts as silent; 0: unknown */
    bool accepted; /* a person accepted this stage's sample, small as it is */
};

struct gate_decision {
    enum gate_verdict verdict;
    uint32_t failed, sample; /* the two numbers that observed and upper are of: done and failed */
    double observed, upper;  /* upper at confidence */
    double lower;            /* of all at risk, at 1 - gate_level(); of a complete stage that stops,
                              * at confidence */
    bool bad;                /* the observed rate is above what is allowed: never goes by itself */
    char why[160];           /* "0 of 10 failed: the true rate could still be 26 %" */
    char missing[160];       /* for HOLD: "12 more results or 35m without a word"; else empty */
    char brief[40];          /* the same where a column is all there is: "12 more or 35m silent";
                              * empty when `missing` can't be said so */
};

/*
 * GO: nothing of the stage is out or soaking; silence and the caps hold; the sample is all that can
 * come, or min_sample; and the upper bound is within allowed_failure or, when not even a clean
 * stage could show that (fewer than gate_clean_needed()), the observed rate is. `why` says which.
 * STOP: the test above says so; or any failure where none is allowed; or the stage is complete and
 * its lower bound at `confidence` is above allowed_failure.
 * HOLD otherwise: `missing` says what would change that. A complete stage whose observed rate is
 * above allowed_failure without being shown to be (`bad`) waits for a person.
 */
void gate_decide(const struct gate_rule *rule, const struct gate_counts *counts,
                 struct gate_decision *out);

/* The part of gate_decide() that can only change when a device fails: nonzero when it says STOP. */
int gate_must_stop(const struct gate_rule *rule, const struct gate_counts *counts);

#endif
