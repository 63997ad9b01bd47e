/*
 * A rollout of many devices on a virtual clock: what the reducer costs in time and memory.
 *
 *     rollout_bench [DEVICES]   default 100000
 *     rollout_bench --table     10,000, 100,000 and a million, plain and with every rule
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "sim.h"

static int64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Sites of twenty. The texts must live until the rollout has copied them. */
#define SITE 20
static char (*sites)[16];

static const char *site_of(uint32_t device)
{
    return sites[device / SITE];
}

static void make_sites(uint32_t devices)
{
    uint32_t count = devices / SITE + 1;

    sites = mem_array(count, sizeof(*sites));
    for (uint32_t i = 0; i < count; i++)
        text_format(sites[i], sizeof(sites[i]), "site:s%u", i);
}

/* A window at night, at most two of a site, bandwidth for 20 devices a second. */
static void all_rules(struct rollout_plan *plan)
{
    struct err err;

    text_copy(plan->per_group.by, sizeof(plan->per_group.by), "site");
    plan->per_group.max = 2;
    plan->bandwidth = 20u * 900000;
    if (window_parse(&plan->window, "00:00", "20:00", "UTC", NULL, &err) != 0)
        abort();
}

static void plan_of(struct rollout_plan *plan, uint32_t devices, bool rules)
{
    sim_plan(plan);
    plan_default_stages(plan);
    for (uint32_t i = 0; i < plan->stage_count; i++)
        plan->stage[i].soak_s = 60;
    plan->jitter_s = 600;
    plan->in_flight = devices / 20 + 1;
    plan->deadline_s = 30 * 86400;
    if (rules)
        all_rules(plan);
}

static double cpu_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void run(uint32_t devices, bool rules)
{
    struct rollout_plan plan;
    static struct sim s;
    double cpu = cpu_s();

    plan_of(&plan, devices, rules);
    make_sites(devices);
    sim_init_labels(&s, &plan, devices, 1, rules ? site_of : NULL);
    free(sites);
    sim_zones(&s);
    for (uint32_t i = 0; i < devices; i += 200) /* one in 200 has a bad line, and gets there */
        s.device[i].fate = SIM_NET_ONCE;
    s.clock_ns = clock_ns;
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    int64_t start_s = s.now_s;
    bool over = sim_run(&s, 30 * 86400);

    printf("%9u devices%s: %s, %lld s of virtual time, %u steps, %.3f s in the reducer "
           "(%.2f us a device), %zu bytes a device, %.1f s of CPU with the fleet\n",
           devices, rules ? ", all rules" : "", over ? rollout_state_word(s.r->state) : "not over",
           (long long)(s.now_s - start_s), s.stats.steps, (double)s.stats.step_ns / 1e9,
           (double)s.stats.step_ns / 1e3 / devices, rollout_bytes(s.r) / devices, cpu_s() - cpu);
    sim_free(&s);
}

int main(int argc, char **argv)
{
    uint64_t devices = 100000;

    if (argc > 1 && strcmp(argv[1], "--table") == 0) {
        for (devices = 10000; devices <= 1000000; devices *= 10)
            run((uint32_t)devices, false);
        for (devices = 10000; devices <= 1000000; devices *= 10)
            run((uint32_t)devices, true);
        return 0;
    }
    if (argc > 1 && !text_to_u64(argv[1], 100, 1000000, &devices)) {
        fprintf(stderr, "usage: rollout_bench [100 to 1000000 | --table]\n");
        return 2;
    }
    run((uint32_t)devices, false);
    return 0;
}
