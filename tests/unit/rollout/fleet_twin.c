/*
 * The same rollout on the virtual clock, by the same reducer: what a fleet of real devices must end
 * as. tests/e2e/test_fleet40.py compares.
 *
 *     fleet_twin PLAN.json ROLLOUT UNIX_TIME [abort=N] <DEVICES
 *
 * DEVICES: a line per device, "id hw fw group,group good|bad"; groups may be "-". abort=N: an
 * operator aborts once N devices are downloading. Prints "rollout STATE", then "stage STATE SIZE"
 * and "device ID STAGE STATE REASON" lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ossl/crypto.h"
#include "rollout_json/plan_json.h"
#include "sim.h"

enum { DEVICES = 1000, LIMIT_S = 7 * 86400 };

struct line {
    char id[PROTO_ID_MAX], hw[PROTO_HW_MAX], fw[PROTO_VERSION_MAX], groups[256], fate[16];
};

static int read_plan(const char *path, struct rollout_plan *plan)
{
    static char text[PLAN_JSON_BYTES];
    struct err err = { 0 };
    FILE *f = fopen(path, "re");
    size_t len = f ? fread(text, 1, sizeof(text), f) : 0;

    if (f)
        fclose(f);
    if (plan_decode(text, len, plan, &err) == 0)
        return 0;
    fprintf(stderr, "fleet_twin: %s: %s\n", path, err.text);
    return -1;
}

static struct plan_candidate candidate_of(struct line *line)
{
    struct plan_candidate c = sim_candidate(line->id, line->hw, line->fw);
    char *rest = NULL;

    if (strcmp(line->groups, "-") == 0)
        return c;
    for (char *g = strtok_r(line->groups, ",", &rest); g && c.group_count < PROTO_GROUP_COUNT;
         g = strtok_r(NULL, ",", &rest))
        c.group[c.group_count++] = g;
    return c;
}

static uint32_t read_devices(struct line *line, struct plan_candidate *candidate)
{
    uint32_t n = 0;

    while (n < DEVICES && scanf("%64s %16s %32s %255s %15s", line[n].id, line[n].hw, line[n].fw,
                                line[n].groups, line[n].fate) == 5) {
        candidate[n] = candidate_of(&line[n]);
        n++;
    }
    return n;
}

static void give_fates(struct sim *s, const struct line *line, uint32_t count)
{
    for (uint32_t i = 0; i < s->count; i++)
        for (uint32_t k = 0; k < count; k++)
            if (strcmp(line[k].id, s->r->device[i].id) == 0 && strcmp(line[k].fate, "bad") == 0)
                s->device[i].fate = SIM_BAD;
}

static void abort_when(struct sim *s, uint32_t downloading)
{
    for (int i = 0; i < LIMIT_S && sim_phase(s, ROLLOUT_PHASE_DOWNLOADING) < downloading; i++)
        sim_second(s);
    sim_act(s, ROLLOUT_ACT_ABORT);
}

static void print(const struct rollout *r)
{
    printf("rollout %s\n", rollout_state_word(r->state));
    for (uint32_t i = 0; i < r->plan.stage_count; i++)
        printf("stage %s %u\n", rollout_stage_word(r->stages[i].state),
               (unsigned)r->stages[i].size);
    for (uint32_t i = 0; i < r->count; i++)
        printf("device %s %u %s %s\n", r->device[i].id, (unsigned)r->device[i].stage,
               rollout_phase_word(rollout_device_phase(&r->device[i])),
               reason_word((enum reason)r->device[i].reason));
}

int main(int argc, char **argv)
{
    static struct line line[DEVICES];
    static struct plan_candidate candidate[DEVICES];
    static struct rollout_plan plan;
    static struct sim s;

    if (argc < 4 || read_plan(argv[1], &plan) != 0)
        return 2;
    uint32_t count = read_devices(line, candidate);
    sim_init_fleet(&s, &plan, argv[2], candidate, count, ossl_crypto(), strtoll(argv[3], NULL, 10),
                   1);
    give_fates(&s, line, count);
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    if (argc > 4 && strncmp(argv[4], "abort=", 6) == 0)
        abort_when(&s, (uint32_t)strtoul(argv[4] + 6, NULL, 10));
    (void)sim_run(&s, LIMIT_S);
    print(s.r);
    sim_free(&s);
    return 0;
}
