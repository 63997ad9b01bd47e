/* Bytes are events, of any kind and in any order; after each step the rules must hold. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define DEVICES 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at, *end;
};

static uint32_t next(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static uint32_t told(const struct rollout *r)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < r->count; i++)
        count += !r->device[i].silent &&
                 (r->device[i].state == RDEV_ORDERED || r->device[i].state == RDEV_RECALLING);
    return count;
}

static void check(const struct rollout *r, const struct rollout_effects *fx, uint32_t before)
{
    uint32_t phase[ROLLOUT_PHASES], sum = 0, orders = 0;

    rollout_totals(r, phase);
    for (int i = 0; i < ROLLOUT_PHASES; i++)
        sum += phase[i];
    if (sum != r->count || told(r) != r->in_flight)
        abort();
    for (uint32_t i = 0; i < fx->send_count; i++) {
        const struct rollout_device *d = &r->device[fx->send[i].device];
        if (!r->hearing)
            abort();
        if (fx->send[i].wire != WIRE_ORDER || d->told_ms != r->now_ms || d->ota != 0)
            continue;
        orders++;
        if (d->stage > r->stage)
            abort();
    }
    /* Who comes back from silence may exceed the cap; who is told must not. */
    if (orders > 0 && r->in_flight > r->plan.in_flight && r->in_flight > before)
        abort();
}

/* Counts of groups agree with what the devices say, too. */
static void check_groups(const struct rollout *r)
{
    for (uint32_t g = 0; g < r->group_count; g++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < r->count; i++)
            count += r->device[i].group == g &&
                     (r->device[i].state == RDEV_ORDERED || r->device[i].state == RDEV_RECALLING ||
                      r->device[i].state == RDEV_CONFIRMING || r->device[i].state == RDEV_ABORTING);
        if (count != r->group[g].told)
            abort();
    }
}

static void fill_ask(struct input *in, struct rollout_ask *ask)
{
    *ask = (struct rollout_ask){ .set = next(in) % 16,
                                 .in_flight = next(in) % 6,
                                 .per_group = next(in) % 4,
                                 .jitter_s = next(in),
                                 .bandwidth = next(in) * 1000,
                                 .cls = (enum reason_class)(next(in) % REASON_CLASS_COUNT) };
}

static const char *label(uint32_t i)
{
    static const char *const labels[] = { "site:a", "site:b", NULL };
    return labels[i % 3];
}

static void fill(struct input *in, struct rollout_event *ev, struct ota_report *report,
                 struct device_status *status, struct reply *reply)
{
    memset(report, 0, sizeof(*report));
    memset(status, 0, sizeof(*status));
    memset(reply, 0, sizeof(*reply));
    ev->kind = (enum rollout_event_kind)(next(in) % (ROLLOUT_EV_JOIN + 1));
    ev->device = next(in) % (DEVICES + 4);
    uint32_t a = next(in), b = next(in);
    ev->act = (enum rollout_act)(a % (ROLLOUT_ACT_COUNT + 1));
    ev->wire = (enum rollout_wire)(a % 4);
    ev->attempt = b % 4;
    report->attempt = b % 4;
    report->state = (enum ota_report_state)(a % OTA_REPORT_STATES);
    report->reason = (enum reason)(next(in) % 60);
    report->n = next(in);
    snprintf(report->rollout, sizeof(report->rollout), "r-1");
    snprintf(report->boot, sizeof(report->boot), "%016x", b % 3);
    status->online = a % 2;
    snprintf(status->boot, sizeof(status->boot), "%016x", b % 3);
    memset(status->image, a % 4 < 2 ? 'a' : 'b', 64);
    reply->verb = b % 2 ? VERB_ABORT : VERB_ROLLBACK;
    reply->ok = a % 3 == 0;
    reply->reason = report->reason;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, data + size };
    struct rollout_plan plan;
    struct sim s;
    static struct rollout_effects fx;
    struct ota_report report;
    struct device_status status;
    struct reply reply;
    struct rollout_ask ask;
    int64_t now_ms = 1790000000000;

    sim_plan(&plan);
    plan.in_flight = 1 + next(&in) % 5;
    plan.gate.max_silent = plan.gate.max_other = next(&in) % 3 / 2.0;
    plan.gate.min_sample = 1;
    uint32_t rules = next(&in);
    if (rules & 1) {
        memcpy(plan.per_group.by, "site", 5);
        plan.per_group.max = 1;
    }
    if (rules & 2)
        plan_window_read("14:00-16:00 UTC", &plan.window, NULL);
    plan.late = rules & 4 ? PLAN_LATE_JOIN : PLAN_LATE_IGNORE;
    plan.bandwidth = rules & 8 ? 100000 : 0;
    plan.stage[0].approval = rules & 16;
    sim_init_labels(&s, &plan, DEVICES, 1, label);
    while (in.at < in.end) {
        char late[8] = "";
        struct plan_candidate join = { .id = late, .boot = "", .online = true };
        struct rollout_event ev = { .report = &report,
                                    .status = &status,
                                    .reply = &reply,
                                    .act_id = 1,
                                    .who = "x",
                                    .ask = &ask,
                                    .join = &join,
                                    .join_count = 1 };
        snprintf(late, sizeof(late), "l-%u", next(&in) % 20);
        fill_ask(&in, &ask);
        fill(&in, &ev, &report, &status, &reply);
        now_ms += (int64_t)next(&in) * next(&in) * 100;
        for (int i = 0;; i++) {
            uint32_t before = told(s.r);
            ev.now_ms = now_ms;
            rollout_step(s.r, &ev, &fx);
            check(s.r, &fx, before);
            check_groups(s.r);
            if (!fx.more)
                break;
            if (i > 1000)
                abort(); /* never comes to rest */
            ev.kind = ROLLOUT_EV_TICK;
        }
    }
    sim_free(&s);
    return 0;
}
