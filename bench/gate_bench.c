/*
 * How often the gate goes, holds and stops: the tables of docs/gates.md.
 *
 *     gate_bench           all tables (a minute; exact ones to a million devices)
 *     gate_bench --quick   the exact ones to 100,000, fewer runs of the others
 *
 * "Exact" is path by path (tests/unit/rollout/walk.h); "runs" are simulated with a fixed seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollout/gate.h"
#include "rollout/plan.h"
#include "walk.h"

#define LIMIT 0.05
#define ALPHA 0.01

static uint64_t seed = 7;

/* xorshift64*: enough for dice. */
static double dice(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (double)(seed * 2685821657736338717u >> 11) / 9007199254740992.0;
}

/* --- The test alone, exact --- */

static void test_alone(uint32_t most)
{
    static const double rates[] = { 0.01, 0.03, 0.04, 0.05, 0.06, 0.07, 0.10, 0.15, 0.20, 0.30, 1 };
    static const uint32_t at[] = { 20, 50, 100, 200, 1000, 10000, 1000000 };
    uint32_t *bound = walk_boundary(LIMIT, ALPHA, most);

    printf("The test alone, looking after each device; 5 %% allowed, alpha 0.01; exact\n\n");
    printf(
        "| true rate | within 20 | 50 | 100 | 200 | 1,000 | 10,000 | %s | devices until a stop |\n",
        most < 1000000 ? "100,000" : "1,000,000");
    printf("|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct walk walk;
        walk_run(&walk, bound, most, rates[i]);
        printf("| %.0f %% |", rates[i] * 100);
        for (size_t k = 0; k < sizeof(at) / sizeof(at[0]); k++)
            printf(" %.2f %% |", walk.stopped[at[k] < most ? at[k] : most] * 100);
        printf(" %.0f |\n", walk.mean_stop);
        walk_free(&walk);
    }
    printf("\nfailures that stop: ");
    for (size_t k = 0; k < sizeof(at) / sizeof(at[0]) - 1; k++)
        printf("%u of %u, ", bound[at[k]], at[k]);
    printf("%u of %u\n\n", bound[most], most);
    free(bound);
}

static void other_limits(void)
{
    static const double limits[] = { 0.001, 0.01, 0.02, 0.05, 0.10, 0.20, 0.40 };
    static const double alphas[] = { 0.001, 0.005, 0.01, 0.05, 0.10 };

    printf("Runs stopped when the true rate is the limit, in multiples of alpha; exact, to 250 / "
           "limit "
           "devices\n\n| limit |");
    for (size_t a = 0; a < 5; a++)
        printf(" alpha %g |", alphas[a]);
    printf("\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < 7; i++) {
        uint32_t most = (uint32_t)(250 / limits[i]);
        printf("| %.1f %% |", limits[i] * 100);
        for (size_t a = 0; a < 5; a++) {
            uint32_t *bound = walk_boundary(limits[i], alphas[a], most);
            struct walk walk;
            walk_run(&walk, bound, most, limits[i]);
            printf(" %.2f |", walk.stopped[most] / alphas[a]);
            walk_free(&walk);
            free(bound);
        }
        printf("\n");
    }
    printf("\n");
}

/* --- A stage, from its first result to the gate's last word --- */

struct tally {
    uint32_t go, hold, early, late, canary, touched, runs;
};

/* Results one by one; a silent device gives none. True when it was stopped. */
static bool run_stage(const struct gate_rule *rule, struct gate_counts *c, uint32_t total,
                      double rate, double silence, struct tally *t)
{
    c->pending = total - c->total;
    c->total = total;
    while (c->pending > 0) {
        bool silent = dice() < silence, fails = dice() < rate;
        c->pending--;
        c->silent += silent;
        c->failed += !silent && fails;
        c->done += !silent && !fails;
        if (!silent && fails && gate_must_stop(rule, c)) {
            t->touched += c->done + c->failed + c->silent;
            return true;
        }
    }
    return false;
}

static struct gate_rule rule_of(const struct rollout_plan *plan, uint32_t stage)
{
    return (struct gate_rule){ .allowed_failure = plan_stage_allowed(plan, stage),
                               .confidence = plan->gate.confidence,
                               .min_sample = plan->gate.min_sample,
                               .max_silent = plan->gate.max_silent,
                               .max_other = plan->gate.max_other,
                               .max_network = plan->gate.max_network,
                               .max_power = plan->gate.max_power,
                               .max_policy = plan->gate.max_policy,
                               .stop_allowed = plan_stop_allowed(plan),
                               .alpha = plan->stop.alpha };
}

static void one_stage(const struct rollout_plan *plan, uint32_t size, double rate, double silence,
                      uint32_t runs)
{
    struct gate_rule rule = rule_of(plan, 1);
    struct tally t = { 0 };

    for (uint32_t i = 0; i < runs; i++) {
        struct gate_counts c = { 0 };
        struct gate_decision d;
        if (run_stage(&rule, &c, size, rate, silence, &t)) {
            t.early++;
            continue;
        }
        gate_decide(&rule, &c, &d);
        t.go += d.verdict == GATE_GO;
        t.hold += d.verdict == GATE_HOLD;
        t.late += d.verdict == GATE_STOP;
    }
    printf(" %.0f / %.0f / %.1f + %.1f", t.go * 100.0 / runs, t.hold * 100.0 / runs,
           t.early * 100.0 / runs, t.late * 100.0 / runs);
    if (t.early > 0)
        printf(" (%u)", t.touched / t.early);
    printf(" |");
}

static void stages(const struct rollout_plan *plan, double silence, uint32_t runs)
{
    static const uint32_t sizes[] = { 10, 60, 100, 300, 1000, 10000 };
    static const double rates[] = { 0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.10, 0.15, 0.30 };

    printf(
        "One stage, %.0f %% of its devices silent; go / hold / stopped while it ran + when it was "
        "complete, in %% of %u runs (devices until the stop)\n\n| true rate |",
        silence * 100, runs);
    for (size_t s = 0; s < 6; s++)
        printf(" %u devices |", sizes[s]);
    printf("\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        printf("| %.0f %% |", rates[i] * 100);
        for (size_t s = 0; s < 6; s++)
            one_stage(plan, sizes[s], rates[i], silence, sizes[s] > 1000 ? runs / 4 : runs);
        printf("\n");
    }
    printf("\n");
}

/* --- The usual plan --- */

static void one_plan(const struct rollout_plan *plan, uint32_t devices, double rate,
                     struct tally *t)
{
    struct gate_counts c = { 0 };

    for (uint32_t s = 0; s < plan->stage_count; s++) {
        struct gate_rule rule = rule_of(plan, s);
        struct gate_decision d;
        if (run_stage(&rule, &c, plan_stage_target(&plan->stage[s], devices), rate, 0, t)) {
            t->canary += s == 0;
            t->early += s > 0;
            return;
        }
        gate_decide(&rule, &c, &d);
        if (d.verdict == GATE_GO || (s + 1 == plan->stage_count && !d.bad))
            continue;
        t->late += d.verdict == GATE_STOP;
        t->hold += d.verdict == GATE_HOLD;
        t->touched += c.done + c.failed;
        return;
    }
    t->go++;
    t->touched += devices;
}

static void plans(const struct rollout_plan *plan, uint32_t runs)
{
    static const double rates[] = { 0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.10, 0.15, 0.30 };

    printf("The usual four stages (canary 10, 5 %%, 50 %%, rest) over 1,000 devices, nobody acts; "
           "in %% "
           "of %u runs\n\n",
           runs);
    printf("| true rate | done | stopped by the canary | later, while a stage ran | when it was "
           "complete | "
           "held for a person | devices that got it, mean |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct tally t = { 0 };
        for (uint32_t k = 0; k < runs; k++)
            one_plan(plan, 1000, rates[i], &t);
        printf("| %.1f %% | %.1f | %.1f | %.1f | %.1f | %.1f | %u |\n", rates[i] * 100,
               t.go * 100.0 / runs, t.canary * 100.0 / runs, t.early * 100.0 / runs,
               t.late * 100.0 / runs, t.hold * 100.0 / runs, t.touched / runs);
    }
    printf("\n");
}

/* --- Failures come first --- */

/* 200 devices are told at once; a failure shows during the trial, a success after an hour of soak.
 * The test looks at each failure: n is who has ended, or everybody at risk. */
static void failures_first(const struct rollout_plan *plan, uint32_t runs)
{
    static const double rates[] = { 0.005, 0.01, 0.02, 0.03, 0.05 };
    struct gate_rule rule = rule_of(plan, 1);

    printf(
        "200 devices at once, failures known in minutes, successes after the soak; %% of %u runs "
        "stopped\n\n| true rate | n: ended | n: at risk (what the gate does) |\n|---|---|---|\n",
        runs);
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        uint32_t ended = 0, risk = 0;
        for (uint32_t k = 0; k < runs; k++) {
            struct gate_counts c = { .total = 200 };
            for (uint32_t n = 0; n < 200; n++)
                c.failed += dice() < rates[i];
            ended += gate_must_stop(&rule, &c) != 0;
            c.trying = 200 - c.failed;
            risk += gate_must_stop(&rule, &c) != 0;
        }
        printf("| %.1f %% | %.1f | %.1f |\n", rates[i] * 100, ended * 100.0 / runs,
               risk * 100.0 / runs);
    }
}

int main(int argc, char **argv)
{
    bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    uint32_t runs = quick ? 400 : 4000;
    struct rollout_plan plan;

    if (argc > 1 && !quick) {
        fprintf(stderr, "usage: gate_bench [--quick]\n");
        return 2;
    }
    plan_defaults(&plan);
    plan_default_stages(&plan);
    test_alone(quick ? 100000 : 1000000);
    other_limits();
    stages(&plan, 0, runs);
    stages(&plan, 0.03, runs);
    plans(&plan, runs);
    failures_first(&plan, runs);
    return 0;
}
