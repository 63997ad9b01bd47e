/*
 * Proof 1 of the rollout engine: random plans over random fleets, with losses, duplicates, late
 * messages, reboots, broker outages, acts of two people at any moment, and an engine that dies
 * before and after its journal and between two messages. What must never happen is checked at each
 * order; how each run must end, at its end. The journal here keeps what the real one keeps and
 * nothing else, so a change that is not saved is a change that is lost.
 *
 * ROLLOUT_SEED=n runs that one, with ROLLOUT_TRACE=1 its story is told; ROLLOUT_RUNS=n runs so
 * many from 1 on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "sim.h"

#define DAY   86400
#define HOURS 6
#define MOST  40
#define RUNS  1000

struct run {
    struct sim sim, dice;
    uint64_t seed;
    struct rollout kept; /* the journal: head */
    struct rollout_device device[MOST];
    char group[MOST][PROTO_GROUP_MAX], zone[MOST][ZONE_NAME_MAX];
    uint32_t count;
    bool dies;   /* the engine does, now and then */
    bool resets; /* the clock is set back, now and then */
    bool trace;  /* tell the story */
    int64_t act_id, consumed;
    bool refused;
    /* What has been seen, by other means than the reducer's own. */
    uint16_t attempt[MOST], past[MOST]; /* last told; and known to be past its wait */
    bool bad_firmware[MOST];
    bool may_pass[PLAN_STAGES];
    int64_t free_ms; /* when bandwidth allows the next order */
    bool abort_taken;
    uint32_t orders, deaths;
};

static const char *const starter = "ada", *const other = "bob";

#define MUST(run, what)                                                                            \
    do {                                                                                           \
        if (!(what))                                                                               \
            fail_msg("seed %llu at %lld s: %s", (unsigned long long)(run)->seed,                   \
                     (long long)(run)->sim.now_s - 1790000000, #what);                             \
    } while (0)

static uint32_t dice(struct run *run, uint32_t below)
{
    return sim_random(&run->dice, below);
}

/* --- The journal --- */

static void keep_head(struct rollout *to, const struct rollout *from)
{
    uint32_t acked[] = { from->acked_counted, from->acked_other, from->acked_silent };

    to->state = from->state;
    memcpy(to->why, from->why, sizeof(to->why));
    to->stage = from->stage;
    to->started_ms = from->started_ms;
    to->ended_ms = from->ended_ms;
    to->deadline_ms = from->deadline_ms;
    to->now_ms = from->now_ms;
    to->deaf_ms = from->deaf_ms;
    to->acked_counted = acked[0];
    to->acked_other = acked[1];
    to->acked_silent = acked[2];
    to->accepted = from->accepted;
    to->acked_ms = from->acked_ms;
    to->approved = from->approved;
    to->back = from->back;
    to->jitter_most_s = from->jitter_most_s;
    to->paid_ms = from->paid_ms;
    to->plan = from->plan;
    for (int i = 0; i < PLAN_STAGES; i++) {
        to->stages[i].state = from->stages[i].state;
        to->stages[i].started_ms = from->stages[i].started_ms;
        to->stages[i].ended_ms = from->stages[i].ended_ms;
    }
}

/* The fields marked * in rollout.h. */
static void keep_device(struct rollout_device *to, const struct rollout_device *from)
{
    struct rollout_device d = { 0 };

    memcpy(d.id, from->id, sizeof(d.id));
    d.state = from->state;
    d.stage = from->stage;
    d.ota = from->ota;
    d.reason = from->reason;
    d.retries = from->retries;
    d.wire = from->wire;
    d.wire_pending = from->wire_pending;
    d.silent = from->silent;
    d.joined = from->joined;
    d.attempt = from->attempt;
    d.n = from->n;
    d.boot_before = from->boot_before;
    d.told_ms = from->told_ms;
    d.ended_ms = from->ended_ms;
    d.heard_ms = from->heard_ms;
    d.due_ms = from->due_ms;
    *to = d;
}

static void keep(struct run *run, const struct rollout *r, const struct rollout_effects *fx)
{
    for (uint32_t i = 0; i < fx->save_count; i++)
        keep_device(&run->device[fx->save[i]], &r->device[fx->save[i]]);
    if (fx->save_head || fx->save_count > 0)
        keep_head(&run->kept, r);
    if (fx->act_id != 0) {
        run->consumed = fx->act_id;
        run->refused = fx->act_refused;
    }
}

static void begin_journal(struct run *run)
{
    const struct rollout *r = run->sim.r;

    run->count = r->count;
    run->kept = *r;
    for (uint32_t i = 0; i < r->count; i++) {
        keep_device(&run->device[i], &r->device[i]);
        text_copy(run->group[i], PROTO_GROUP_MAX, rollout_group_name(r, &r->device[i]));
        text_copy(run->zone[i], ZONE_NAME_MAX, rollout_zone_name(r, &r->device[i]));
    }
}

static struct rollout *reload(void *ctx)
{
    struct run *run = ctx;
    struct rollout *r = rollout_alloc(run->count);

    memcpy(r->id, run->kept.id, sizeof(r->id));
    memcpy(r->starter, run->kept.starter, sizeof(r->starter));
    r->release = run->kept.release;
    r->created_ms = run->kept.created_ms;
    keep_head(r, &run->kept);
    for (uint32_t i = 0; i < run->count; i++) {
        r->device[i] = run->device[i];
        r->device[i].group = rollout_group_number(r, run->group[i]);
        r->device[i].zone = rollout_zone_number(r, run->zone[i]);
    }
    MUST(run, rollout_rebuild(r, NULL) == 0);
    struct rollout *was = run->sim.r;
    run->sim.r = r;
    sim_zones(&run->sim);
    run->sim.r = was;
    run->deaths++;
    return r;
}

/* --- What must never happen --- */

static uint32_t told_in_group(const struct rollout *r, uint32_t group)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < r->count; i++)
        count += r->device[i].group == group && !r->device[i].silent &&
                 (r->device[i].state == RDEV_ORDERED || r->device[i].state == RDEV_RECALLING);
    return count;
}

static void check_new_order(struct run *run, const struct rollout *r, uint32_t device)
{
    const struct rollout_device *d = &r->device[device];
    const struct rollout_zone *zone = &r->zone[d->zone];

    run->orders++;
    MUST(run, r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_FINISHING);
    MUST(run, !run->abort_taken);
    MUST(run, d->stage <= r->stage);
    MUST(run, r->stages[d->stage].state != ROLLOUT_STAGE_WAITING);
    MUST(run, d->state == RDEV_ORDERED && d->attempt == run->attempt[device] + 1);
    MUST(run, !run->bad_firmware[device]); /* only a person may offer it again */
    MUST(run, r->in_flight <= r->plan.in_flight);
    if (d->group != ROLLOUT_NO_GROUP)
        MUST(run, told_in_group(r, d->group) <= r->plan.per_group.max);
    if (r->plan.window.days != 0) {
        int64_t now = r->now_ms / 1000, slot = r->plan.jitter_s > 0 ? r->plan.jitter_s - 1 : 0;
        MUST(run, zone->rules && window_is_open(&r->plan.window, zone->rules, now));
        MUST(run, window_is_open(&r->plan.window, zone->rules, now + slot)); /* the latest */
    }
    if (r->plan.bandwidth > 0) {
        MUST(run, r->now_ms >= run->free_ms);
        run->free_ms = r->now_ms + (int64_t)r->release.size * 1000 / r->plan.bandwidth;
    }
    run->attempt[device] = d->attempt;
}

/* Who only waits is called back by pause, stop and the window's close; who downloads goes on. */
static void check_abort(struct run *run, const struct rollout *r, const struct rollout_send *send)
{
    if (r->state == ROLLOUT_PAUSED || r->state == ROLLOUT_STOPPED || r->state == ROLLOUT_RUNNING)
        MUST(run, run->past[send->device] != send->attempt);
}

/* Once all have been looked at, nobody may be left to go on as if nothing had happened. */
static void check_aborting(struct run *run, const struct rollout *r)
{
    if (r->state != ROLLOUT_ABORTING || r->sweep_kinds != 0)
        return;
    for (uint32_t i = 0; i < r->count; i++)
        MUST(run, r->device[i].state != RDEV_ORDERED && r->device[i].state != RDEV_RECALLING &&
                      r->device[i].state != RDEV_RETRYING);
}

static void check_stages(struct run *run, const struct rollout *r)
{
    for (uint32_t s = 0; s < r->stage; s++) {
        MUST(run, r->stages[s].state == ROLLOUT_STAGE_PASSED);
        MUST(run, !r->plan.stage[s].approval || run->may_pass[s]);
    }
}

static void check_counts(struct run *run, const struct rollout *r)
{
    uint32_t phase[ROLLOUT_PHASES], sum = 0, told = 0;

    rollout_totals(r, phase);
    for (int i = 0; i < ROLLOUT_PHASES; i++)
        sum += phase[i];
    for (uint32_t i = 0; i < r->count; i++) {
        const struct rollout_device *d = &r->device[i];
        /* (An abort order that came too late is sent until the broker has it.) */
        if (d->state == RDEV_ORDERED && d->ota > OTA_REPORT_WAITING && d->wire == WIRE_ORDER)
            run->past[i] = d->attempt;
        told += !d->silent && (d->state == RDEV_ORDERED || d->state == RDEV_RECALLING);
        bool firmware = reason_class((enum reason)d->reason) == REASON_CLASS_FIRMWARE;
        MUST(run, d->state != RDEV_RETRYING || !firmware);
        if (d->state == RDEV_FAILED && firmware)
            run->bad_firmware[i] = true;
    }
    if (run->trace)
        for (uint32_t i = 0; i < run->sim.fx.note_count; i++)
            fprintf(stderr, "%lld: %s\n", (long long)run->sim.now_s - 1790000000,
                    run->sim.fx.note[i].text);
    MUST(run, sum == r->count);
    MUST(run, told == r->in_flight);
}

/* The engine's transaction. Dies before it, or after. */
static int commit(void *ctx, const struct rollout *r, const struct rollout_effects *fx)
{
    struct run *run = ctx;
    uint32_t fate = run->dies ? dice(run, 700) : 2;

    if (fate == 0)
        return -1;
    keep(run, r, fx);
    check_counts(run, r);
    check_stages(run, r);
    check_aborting(run, r);
    for (uint32_t i = 0; i < fx->send_count; i++) {
        const struct rollout_send *send = &fx->send[i];
        if (send->wire == WIRE_ORDER && send->attempt > run->attempt[send->device])
            check_new_order(run, r, send->device);
        if (send->wire == WIRE_ABORT)
            check_abort(run, r, send);
    }
    return fate == 1 ? -1 : 0;
}

static int on_send(void *ctx, const struct rollout_send *send)
{
    struct run *run = ctx;

    (void)send;
    return run->dies && dice(run, 1500) == 0 ? -1 : 0;
}

/* --- People --- */

/* Until it is in the journal: an act is a row that waits for whoever leads. */
static void act(struct run *run, enum rollout_act what, const struct rollout_ask *ask,
                const char *who)
{
    struct rollout_event ev = {
        .kind = ROLLOUT_EV_ACT, .act = what, .act_id = ++run->act_id, .who = who, .ask = ask
    };

    for (int i = 0; i < 100 && run->consumed != run->act_id; i++) {
        /* Noted before: the orders that follow in the same step rest on it. */
        if (what == ROLLOUT_ACT_RETRY)
            memset(run->bad_firmware, 0, sizeof(run->bad_firmware));
        if (what == ROLLOUT_ACT_SET)
            run->free_ms = 0;
        if (what == ROLLOUT_ACT_APPROVE && (!run->kept.plan.four_eyes || who == other))
            run->may_pass[run->sim.r->stage] = true;
        struct rollout_event again = ev;
        sim_event(&run->sim, &again);
    }
    MUST(run, run->consumed == run->act_id);
    if ((what == ROLLOUT_ACT_ABORT || what == ROLLOUT_ACT_ROLLBACK) && !run->refused)
        run->abort_taken = true;
}

static void set_something(struct run *run)
{
    struct rollout_ask ask = { .set = ROLLOUT_SET_IN_FLIGHT,
                               .in_flight = 1 + dice(run, 10),
                               .per_group = 1 + dice(run, 3),
                               .jitter_s = dice(run, 100),
                               .bandwidth = dice(run, 2) * (30000 + dice(run, 500000)) };

    if (run->sim.r->plan.per_group.by[0] && dice(run, 2))
        ask.set |= ROLLOUT_SET_PER_GROUP;
    if (dice(run, 2))
        ask.set |= ROLLOUT_SET_JITTER;
    if (dice(run, 2))
        ask.set |= ROLLOUT_SET_BANDWIDTH;
    act(run, ROLLOUT_ACT_SET, &ask, other);
}

static void people(struct run *run)
{
    const char *who = dice(run, 2) ? starter : other;
    struct rollout_ask any = { .cls = dice(run, 2) ? REASON_CLASS_NONE : REASON_CLASS_FIRMWARE };

    switch (dice(run, 2500)) {
    case 0:
        act(run, ROLLOUT_ACT_PAUSE, NULL, who);
        break;
    case 1:
    case 2:
    case 3:
        act(run, ROLLOUT_ACT_RESUME, NULL, who);
        break;
    case 4:
    case 5:
    case 6:
        act(run, ROLLOUT_ACT_APPROVE, NULL, who);
        break;
    case 7:
        act(run, ROLLOUT_ACT_RETRY, &any, who);
        break;
    case 8:
        set_something(run);
        break;
    case 9:
        if (dice(run, 30) == 0)
            act(run, dice(run, 2) ? ROLLOUT_ACT_ABORT : ROLLOUT_ACT_ROLLBACK, NULL, who);
        break;
    default:
        break;
    }
}

/* --- A run --- */

static const char *label(uint32_t i)
{
    static const char *const sites[] = { "site:a", "site:b", "site:c", "site:d" };

    return i % 5 == 4 ? NULL : sites[i % 5];
}

static const char *zone_label(uint32_t i)
{
    return i % 2 ? "tz:UTC" : "tz:Europe/Berlin";
}

/* The simulation begins on a Monday at 14:13 UTC. */
static void random_window(struct run *run, struct rollout_plan *plan)
{
    static const char *const windows[] = {
        "14:00-15:00 UTC",           "14:30-14:50 UTC mon", "16:20-17:30 Europe/Berlin",
        "17:00-14:20 Europe/Berlin", "16:00-18:00 device",
    };
    uint32_t which = dice(run, 10);

    if (which >= 5)
        return;
    MUST(run, plan_window_read(windows[which], &plan->window, NULL) == 0);
    if (plan->jitter_s > 300)
        plan->jitter_s = 300;
}

static void random_plan(struct run *run, struct rollout_plan *plan)
{
    sim_plan(plan);
    plan->in_flight = 1 + dice(run, 12);
    plan->jitter_s = dice(run, 200);
    plan->gate.min_sample = 1 + dice(run, 20);
    plan->gate.allowed_failure = dice(run, 50) / 100.0;
    plan->gate.max_silent = dice(run, 30) / 100.0;
    plan->gate.max_network = dice(run, 2) ? -1 : 0.1;
    plan->on_stop = dice(run, 3) == 0 ? PLAN_STOP_ABORT : PLAN_STOP_PAUSE;
    plan->deadline_s = HOURS * 3600;
    plan->four_eyes = dice(run, 2) == 0;
    plan->stage[0].approval = dice(run, 3) == 0;
    plan->stage[1].approval = dice(run, 3) == 0;
    plan_set_retries(plan, dice(run, 4));
    if (dice(run, 3) == 0)
        plan->bandwidth = 20000 + dice(run, 200000);
    random_window(run, plan);
    if (plan_is_in_device_time(plan) || dice(run, 2))
        return;
    text_copy(plan->per_group.by, sizeof(plan->per_group.by), "site");
    plan->per_group.max = 1 + dice(run, 3);
}

static void random_fleet(struct run *run)
{
    struct sim *s = &run->sim;
    uint32_t bad = 20 + dice(run, 60);

    s->chaos = true;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t fate = dice(run, bad);
        s->device[i].fate = (uint8_t)(fate <= SIM_FALLS_BACK ? fate : SIM_GOOD);
        s->device[i].online = dice(run, 15) != 0;
    }
    if (dice(run, 10) == 0) /* a release that is bad for all */
        for (uint32_t i = 0; i < s->count; i++)
            s->device[i].fate = SIM_BAD;
}

static void check_end(struct run *run)
{
    const struct sim *s = &run->sim;
    uint32_t left[ROLLOUT_PHASES];

    MUST(run, rollout_is_closed(s->r));
    MUST(run, !run->abort_taken || s->r->state == ROLLOUT_ABORTED);
    MUST(run, run->abort_taken || s->r->plan.on_stop == PLAN_STOP_ABORT ||
                  s->r->state != ROLLOUT_ABORTED);
    rollout_totals(s->r, left);
    MUST(run, left[ROLLOUT_PHASE_TOLD] + left[ROLLOUT_PHASE_DOWNLOADING] +
                      left[ROLLOUT_PHASE_INSTALLING] + left[ROLLOUT_PHASE_REBOOTING] +
                      left[ROLLOUT_PHASE_TRIAL] + left[ROLLOUT_PHASE_SOAKING] +
                      left[ROLLOUT_PHASE_RETRYING] + left[ROLLOUT_PHASE_RECALLED] +
                      left[ROLLOUT_PHASE_SILENT] + left[ROLLOUT_PHASE_ABORTING] +
                      left[ROLLOUT_PHASE_RETURNING] ==
                  0);
    for (uint32_t i = 0; i < s->count; i++) {
        MUST(run, s->device[i].wire == WIRE_NOTHING); /* nothing is left lying on a topic */
        if (s->r->device[i].state == RDEV_DONE && s->device[i].fate != SIM_FALLS_BACK)
            MUST(run, s->device[i].new_image);
        if (s->r->device[i].state == RDEV_RETURNED)
            MUST(run, !s->device[i].new_image);
    }
}

static void begin(struct run *run, uint64_t seed)
{
    struct rollout_plan plan;
    struct sim *s = &run->sim;

    memset(run, 0, sizeof(*run));
    run->seed = run->dice.seed = seed;
    run->trace = getenv("ROLLOUT_TRACE") != NULL;
    random_plan(run, &plan);
    sim_init_labels(s, &plan, 3 + dice(run, MOST - 3), seed,
                    plan_is_in_device_time(&plan) ? zone_label : label);
    text_copy(s->r->starter, sizeof(s->r->starter), starter);
    begin_journal(run);
    random_fleet(run);
    s->commit = commit;
    s->on_send = on_send;
    s->reload = reload;
    s->ctx = run;
    run->dies = dice(run, 2) == 0;
    run->resets = dice(run, 4) == 0;
}

static void set_back(struct run *run, uint32_t by_s)
{
    run->sim.now_s -= by_s;
    run->free_ms -= (int64_t)by_s * 1000;
}

static void one_run(struct run *run, uint64_t seed)
{
    begin(run, seed);
    sim_link(&run->sim, true);
    act(run, ROLLOUT_ACT_START, NULL, starter);
    while (!rollout_is_closed(run->sim.r) && run->sim.now_s < 1790000000 + DAY) {
        sim_second(&run->sim);
        people(run);
        if (run->resets && dice(run, 3000) == 0)
            set_back(run, 2 + dice(run, 900));
    }
    check_end(run);
    sim_free(&run->sim);
}

static uint64_t from_env(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void whatever_happens_the_rules_hold_and_the_run_ends(void **state)
{
    static struct run run;
    uint64_t one = from_env("ROLLOUT_SEED", 0);
    uint64_t first = one ? one : 1, runs = one ? 1 : from_env("ROLLOUT_RUNS", RUNS);
    uint32_t orders = 0, deaths = 0, ends[ROLLOUT_STATE_COUNT] = { 0 };
    (void)state;

    for (uint64_t seed = first; seed < first + runs; seed++) {
        one_run(&run, seed);
        orders += run.orders;
        deaths += run.deaths;
        ends[run.kept.state]++;
    }
    print_message("seeds %llu to %llu: %u orders, %u deaths of the engine; %u done, %u stopped, "
                  "%u aborted\n",
                  (unsigned long long)first, (unsigned long long)(first + runs - 1), orders, deaths,
                  ends[ROLLOUT_DONE], ends[ROLLOUT_STOPPED], ends[ROLLOUT_ABORTED]);
    if (runs < 100)
        return;
    /* Or nothing has been tested. */
    assert_true(orders > runs * 5 && deaths > runs / 2);
    assert_true(ends[ROLLOUT_DONE] > runs / 20 && ends[ROLLOUT_STOPPED] > runs / 20 &&
                ends[ROLLOUT_ABORTED] > runs / 20);
}

/* Four bad ones of 200 that are all told at once; the good ones are soaked for an hour. The first
 * four results are failures, and still it is 2 %. */
static void the_first_results_are_failures_and_that_stops_nothing(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.stage[0] = plan.stage[2];
    plan.stage[0].soak_s = 3600;
    plan.stage_count = 1;
    plan.in_flight = 200;
    sim_init(&s, &plan, 200, 1);
    for (uint32_t i = 0; i < 4; i++)
        s.device[i * 50].fate = SIM_BAD;
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    for (int i = 0; i < 1800; i++)
        sim_second(&s);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_FAILED), 4);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_DONE), 0);
    assert_int_equal(s.r->state, ROLLOUT_RUNNING);
    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    sim_free(&s);
}

/* One in ten fails, half of them in the last stage: it must not end as if all were well. */
static void the_last_stage_holds_for_a_bad_rate(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    struct gate_decision gate;
    (void)state;

    sim_plan(&plan);
    plan.stage[0] = plan.stage[2];
    plan.stage_count = 1;
    plan.gate.allowed_failure = 0.05;
    sim_init(&s, &plan, 40, 1);
    for (uint32_t i = 0; i < 3; i++)
        s.device[5 + i * 12].fate = SIM_BAD;
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    for (int i = 0; i < 4000; i++)
        sim_second(&s);
    assert_int_equal(s.r->stages[0].state, ROLLOUT_STAGE_HOLDING);
    rollout_gate(s.r, &gate);
    assert_non_null(strstr(gate.missing, "7.5 % failed, 5.0 % allowed"));
    sim_act(&s, ROLLOUT_ACT_RESUME);
    assert_true(sim_run(&s, 1000));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    sim_free(&s);
}

static void whole_rollout(uint32_t devices, double *steps, size_t *bytes)
{
    struct rollout_plan plan;
    struct sim s;

    sim_plan(&plan);
    plan_default_stages(&plan);
    plan.in_flight = devices / 20 + 1;
    plan.deadline_s = 7 * DAY;
    text_copy(plan.per_group.by, sizeof(plan.per_group.by), "site");
    plan.per_group.max = devices;
    sim_init_labels(&s, &plan, devices, 1, label);
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_true(sim_run(&s, 7 * DAY));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    *steps = (double)s.stats.steps / devices;
    *bytes = rollout_bytes(s.r) / devices;
    sim_free(&s);
}

/* In steps of the reducer, not in time. The million is bench/rollout_sim's. */
static void ten_times_the_devices_are_ten_times_the_work_and_200_bytes_each(void **state)
{
    double small, large;
    size_t bytes;
    (void)state;

    whole_rollout(2000, &small, &bytes);
    assert_true(bytes <= 200);
    whole_rollout(20000, &large, &bytes);
    assert_true(bytes <= 200);
    assert_true(large <= small * 1.05 && large < 15);
    /* The most that any number of devices costs: the index is at most four slots a device. */
    assert_true(sizeof(struct rollout_device) + sizeof(uint32_t) + 4 * sizeof(uint32_t) <= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_the_rules_hold_and_the_run_ends),
        cmocka_unit_test(the_first_results_are_failures_and_that_stops_nothing),
        cmocka_unit_test(the_last_stage_holds_for_a_bad_rate),
        cmocka_unit_test(ten_times_the_devices_are_ten_times_the_work_and_200_bytes_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
