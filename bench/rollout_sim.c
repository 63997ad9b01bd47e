/*
 * A rollout of many devices on a virtual clock: what the reducer costs in time and memory.
 *
 *     rollout_bench [DEVICES]     default 100000
 *     rollout_bench --gate        how often the gate stops, by true failure rate
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "sim.h"

static int64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void run(uint32_t devices)
{
    struct rollout_plan plan;
    static struct sim s;

    sim_plan(&plan);
    plan_default_stages(&plan);
    for (uint32_t i = 0; i < plan.stage_count; i++)
        plan.stage[i].soak_s = 60;
    plan.jitter_s = 600;
    plan.in_flight = devices / 20 + 1;
    plan.deadline_s = 30 * 86400;
    sim_init(&s, &plan, devices, 1);
    for (uint32_t i = 0; i < devices; i += 200) /* one in 200 has a bad line, and gets there */
        s.device[i].fate = SIM_NET_ONCE;
    s.clock_ns = clock_ns;
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    int64_t start_s = s.now_s;
    bool over = sim_run(&s, 30 * 86400);

    size_t slots = (size_t)s.r->index_mask + 1;
    size_t bytes = devices * (sizeof(struct rollout_device) + sizeof(uint32_t)) +
                   slots * sizeof(uint32_t) + sizeof(struct rollout);
    printf("%9u devices: %s, %lld s of virtual time, %u steps, %.3f s in the reducer "
           "(%.2f us a device), %zu bytes a device\n",
           devices, over ? rollout_state_word(s.r->state) : "not over",
           (long long)(s.now_s - start_s), s.stats.steps, (double)s.stats.step_ns / 1e9,
           (double)s.stats.step_ns / 1e3 / devices, bytes / devices);
    sim_free(&s);
}

/* --- The gate by itself: devices give their results one after the other --- */

struct tally {
    uint32_t canary, later, touched;
};

/* The usual stages over 1,000 devices with a true failure rate; counts where it stopped. */
static void one_gate(struct sim *dice, double rate, const struct rollout_plan *plan,
                     struct tally *tally)
{
    struct gate_counts c = { 0 };

    for (uint32_t s = 0; s < plan->stage_count; s++) {
        struct gate_rule rule = { .allowed_failure = plan_stage_allowed(plan, s),
                                  .confidence = plan->gate.confidence,
                                  .min_sample = plan->gate.min_sample,
                                  .max_silent = 1,
                                  .max_other = 1,
                                  .stop_allowed = plan_stop_allowed(plan),
                                  .alpha = plan->stop.alpha };
        c.total = plan_stage_target(&plan->stage[s], 1000);
        while (c.done + c.failed < c.total) {
            bool fails = sim_random(dice, 1000000) < rate * 1000000;
            c.failed += fails;
            c.done += !fails;
            if (fails && gate_must_stop(&rule, &c)) {
                tally->canary += s == 0;
                tally->later += s > 0;
                tally->touched += c.done + c.failed;
                return;
            }
        }
    }
    tally->touched += 1000;
}

/* Only the lower bound, looked at after each of 1,000 results. */
static bool bound_stops(struct sim *dice, double rate, const struct rollout_plan *plan)
{
    uint32_t failed = 0;

    for (uint32_t n = 1; n <= 1000; n++) {
        if (sim_random(dice, 1000000) >= rate * 1000000)
            continue;
        if (gate_lower(++failed, n, 1 - plan->stop.alpha) > plan_stop_allowed(plan))
            return true;
    }
    return false;
}

static void gate_table(void)
{
    static const double rates[] = { 0.005, 0.01, 0.02, 0.05, 0.10, 0.15, 0.30 };
    enum { RUNS = 2000 };
    struct rollout_plan plan;
    struct sim dice = { .seed = 7 };

    sim_plan(&plan);
    plan_default_stages(&plan);
    printf("1,000 devices, usual stages, 5 %% allowed, alpha 0.01; of %d runs\n", RUNS);
    printf("true rate  stopped in canary  stopped later  devices touched  by the bound alone\n");
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct tally t = { 0 };
        uint32_t bound = 0;
        for (int k = 0; k < RUNS; k++) {
            one_gate(&dice, rates[i], &plan, &t);
            bound += bound_stops(&dice, rates[i], &plan);
        }
        printf("%8.1f %%  %15.1f %%  %11.1f %%  %15u  %16.1f %%\n", rates[i] * 100,
               t.canary * 100.0 / RUNS, t.later * 100.0 / RUNS, t.touched / RUNS,
               bound * 100.0 / RUNS);
    }
}

int main(int argc, char **argv)
{
    uint64_t devices = 100000;

    if (argc > 1 && strcmp(argv[1], "--gate") == 0) {
        gate_table();
        return 0;
    }
    if (argc > 1 && !text_to_u64(argv[1], 100, 1000000, &devices)) {
        fprintf(stderr, "usage: rollout_bench [100 to 1000000 | --gate]\n");
        return 2;
    }
    run((uint32_t)devices);
    return 0;
}
