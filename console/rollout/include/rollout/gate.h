#ifndef ROLLOUT_GATE_H
#define ROLLOUT_GATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a stage's results show, and whether that is enough. Pure arithmetic: exact (Clopper-Pearson)
 * one-sided bounds on a failure rate, and the decision made of them.
 *
 * "0 of 10 failed" at 95 % has the upper bound 26 %: a clean canary of ten still allows one device
 * in four to fail. 59 clean devices are needed to show 5 %.
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

/* The rule of one stage. Rates are 0 to 1. */
struct gate_rule {
    double allowed_failure;
    double confidence;
    uint32_t min_sample;
    double max_silent;
    double max_other;    /* ends that say nothing about the firmware: network, power, policy */
    double stop_allowed; /* stop as soon as the lower bound at 1 - alpha is above this */
    double alpha;
};

/* Devices, counted over the stages so far; each counts once however many attempts it had.
 * Failures that a person has acknowledged (resume) are in no field. */
struct gate_counts {
    uint32_t total;       /* devices in the stages so far, acknowledged ends left out */
    uint32_t done;        /* target hash runs, new boot, soaked */
    uint32_t failed;      /* counts against the firmware or the image */
    uint32_t other;       /* ended by network, power, policy or operator */
    uint32_t silent;      /* told, and nothing heard */
    uint32_t excused;     /* offline and carried forward, or already there */
    uint32_t soaking;     /* confirmed, still being watched */
    uint32_t pending;     /* in this stage: not yet ended, silent, soaking or excused */
    uint32_t waiting;     /* in this stage: soaking */
    int64_t soak_left_ms; /* until the last soaking device is through; 0 when none */
    bool accepted;        /* a person accepted this stage's sample, small as it is */
};

struct gate_decision {
    enum gate_verdict verdict;
    uint32_t failed, sample;       /* the two numbers the bounds are of */
    double observed, lower, upper; /* lower at 1 - alpha, upper at confidence */
    char why[160];                 /* "0 of 10 failed: the true rate could still be 26 %" */
    char missing[160];             /* for HOLD: "12 more results"; empty otherwise */
};

/* `complete`: nothing of the stage is pending or soaking. */
void gate_decide(const struct gate_rule *rule, const struct gate_counts *counts,
                 struct gate_decision *out);

/* The part of gate_decide() that can only change when a device fails: nonzero when it says STOP. */
int gate_must_stop(const struct gate_rule *rule, const struct gate_counts *counts);

#endif
