#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

#define DAY 86400

static void begin(struct sim *s, struct rollout_plan *plan, uint32_t count, uint64_t seed)
{
    sim_init(s, plan, count, seed);
    sim_link(s, true);
}

static void a_good_release_reaches_every_device(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 50, 1);
    sim_act(&s, ROLLOUT_ACT_START);

    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_DONE), 50);
    assert_int_equal(s.stats.orders, 50);
    assert_int_equal(s.stats.clears, 50); /* nothing is left lying on a topic */
    assert_int_equal(s.stats.most_in_flight, 10);
    for (uint32_t i = 0; i < s.count; i++) {
        assert_true(s.device[i].new_image);
        assert_int_equal(s.device[i].wire, WIRE_NOTHING);
    }
    sim_free(&s);
}

static void a_bad_release_ends_with_the_canary(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 50, 1);
    for (uint32_t i = 0; i < s.count; i++)
        s.device[i].fate = SIM_BAD;
    sim_act(&s, ROLLOUT_ACT_START);

    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_STOPPED);
    assert_int_equal(s.r->stages[0].state, ROLLOUT_STAGE_STOPPED);
    assert_true(s.stats.orders <= 2); /* nobody else was ever told */
    assert_int_equal(s.r->stages[1].state, ROLLOUT_STAGE_WAITING);
    assert_true(s.r->reasons[REASON_SELF_TEST] >= 1);
    assert_non_null(strstr(s.r->why, "stage canary: 1 of 1 failed, none may"));

    sim_act(&s, ROLLOUT_ACT_ABORT); /* and what had stopped it is not forgotten */
    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_ABORTED);
    assert_non_null(strstr(s.r->why, "aborted by "));
    assert_non_null(strstr(s.r->why, "; it had stopped: stage canary: 1 of 1 failed, none may"));
    sim_free(&s);
}

static void nothing_advances_before_the_soak_is_over(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.stage[0].soak_s = 1000;
    begin(&s, &plan, 10, 1);
    sim_act(&s, ROLLOUT_ACT_START);
    while (s.r->stages[0].state != ROLLOUT_STAGE_SOAKING)
        sim_second(&s);
    struct gate_decision gate;
    rollout_gate(s.r, &gate);
    assert_int_equal(gate.verdict, GATE_HOLD);
    assert_non_null(strstr(gate.missing, "soaking"));

    for (int i = 0; i < 900; i++)
        sim_second(&s);
    assert_int_equal(s.stats.orders, 2);
    for (int i = 0; i < 110; i++)
        sim_second(&s);
    assert_true(s.stats.orders > 2);
    sim_free(&s);
}

static void a_device_that_falls_back_while_it_soaks_has_failed(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 10, 1);
    s.device[0].fate = SIM_FALLS_BACK;
    sim_act(&s, ROLLOUT_ACT_START);

    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_STOPPED);
    assert_int_equal(s.r->device[0].reason, REASON_RESET);
    sim_free(&s);
}

static void done_needs_the_hash_and_a_new_boot(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.stage[0].soak_s = 0;
    begin(&s, &plan, 10, 1);
    sim_act(&s, ROLLOUT_ACT_START);

    struct ota_report report = { .rollout = "r-1",
                                 .attempt = 1,
                                 .state = OTA_REPORT_DONE,
                                 .n = 90,
                                 .boot = "0000000000000001" };
    struct rollout_event ev = { .kind = ROLLOUT_EV_REPORT, .device = 0, .report = &report };
    sim_event(&s, &ev);
    assert_int_equal(s.r->device[0].state, RDEV_CONFIRMING);

    struct device_status status = { .online = true, .boot = "0000000000000001" };
    struct rollout_event seen = { .kind = ROLLOUT_EV_STATUS, .device = 0, .status = &status };
    memset(status.image, 'a', 64);
    sim_event(&s, &seen); /* the hash, but the same boot */
    assert_int_equal(s.r->device[0].state, RDEV_CONFIRMING);
    memset(status.image, 'a', 64);
    memcpy(status.boot, "00000000000000ff", 17);
    sim_event(&s, &seen);
    assert_int_equal(s.r->device[0].state, RDEV_DONE);
    sim_free(&s);
}

static void silence_is_counted_and_holds_the_stage(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 20, 1);
    s.device[1].fate = SIM_DEAD;
    sim_act(&s, ROLLOUT_ACT_START);
    for (int i = 0; i < 1000; i++)
        sim_second(&s);

    assert_int_equal(s.r->state, ROLLOUT_RUNNING);
    assert_int_equal(s.r->stages[0].state, ROLLOUT_STAGE_HOLDING);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 1);
    assert_int_equal(s.stats.orders, 2);

    sim_act(&s, ROLLOUT_ACT_RESUME); /* a person accepts it */
    for (int i = 0; i < 1000; i++)
        sim_second(&s);
    assert_int_equal(s.r->state, ROLLOUT_FINISHING);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_DONE), 19);
    assert_true(sim_run(&s, 2 * DAY)); /* and at the deadline it is over */
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    assert_int_equal(s.r->device[1].reason, REASON_EXPIRED);
    assert_int_equal(s.device[1].wire, WIRE_NOTHING);
    sim_free(&s);
}

static void nobody_is_silent_for_our_own_deafness(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 20, 1);
    s.device[1].fate = SIM_DEAD;
    sim_act(&s, ROLLOUT_ACT_START);
    for (int i = 0; i < 100; i++)
        sim_second(&s);
    sim_link(&s, false);
    struct rollout_event tick = { .kind = ROLLOUT_EV_TICK };
    s.now_s += 3600;
    sim_event(&s, &tick);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 0);
    assert_int_equal(s.stats.orders, 2);
    sim_link(&s, true);
    for (int i = 0; i < 150; i++)
        sim_second(&s);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 0);
    for (int i = 0; i < 100; i++)
        sim_second(&s);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 1);
    sim_free(&s);
}

static void an_offline_device_is_carried_forward_and_gets_it_later(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.gate.min_sample = 1;
    sim_init(&s, &plan, 20, 1);
    s.device[0].online = false;
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    for (int i = 0; i < 1500; i++)
        sim_second(&s);
    assert_int_equal(s.r->state, ROLLOUT_FINISHING);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_OFFLINE), 1);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_DONE), 19);
    assert_int_equal(s.r->device[0].attempt, 0);

    s.device[0].online = true;
    sim_link(&s, true); /* its status arrives */
    assert_true(sim_run(&s, 1000));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_DONE), 20);
    sim_free(&s);
}

static void a_small_sample_holds_until_a_person_accepts_it(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    sim_init(&s, &plan, 20, 1);
    s.device[0].online = false;
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    for (int i = 0; i < 500; i++)
        sim_second(&s);
    assert_int_equal(s.r->stages[0].state, ROLLOUT_STAGE_HOLDING);
    sim_act(&s, ROLLOUT_ACT_RESUME);
    assert_int_equal(s.r->stage, 1);
    sim_free(&s);
}

static void passing_causes_are_tried_again_and_firmware_never(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.gate.allowed_failure = 0.5;
    plan.gate.max_other = 0.5;
    begin(&s, &plan, 20, 1);
    s.device[5].fate = SIM_NET_ONCE;
    s.device[6].fate = SIM_NET_NEVER;
    s.device[7].fate = SIM_BAD;
    s.device[8].fate = SIM_REJECTS;
    sim_act(&s, ROLLOUT_ACT_START);

    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    assert_int_equal(s.r->device[5].state, RDEV_DONE);
    assert_int_equal(s.r->device[5].attempt, 2);
    assert_int_equal(s.r->device[6].state, RDEV_FAILED);
    assert_int_equal(s.r->device[6].attempt, 3); /* and two retries */
    assert_int_equal(s.r->device[6].reason, REASON_CONNECT);
    assert_int_equal(s.r->device[7].attempt, 1);
    assert_int_equal(s.r->device[7].reason, REASON_SELF_TEST);
    assert_int_equal(s.r->device[8].attempt, 1);
    sim_free(&s);
}

static void pause_recalls_those_that_wait_and_resume_goes_on(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.jitter_s = 3600;
    begin(&s, &plan, 20, 1);
    sim_act(&s, ROLLOUT_ACT_START);
    for (int i = 0; i < 20; i++)
        sim_second(&s);
    sim_act(&s, ROLLOUT_ACT_PAUSE);
    for (int i = 0; i < 20; i++)
        sim_second(&s);
    assert_int_equal(s.r->state, ROLLOUT_PAUSED);
    assert_int_equal(s.stats.aborts, 2);
    assert_int_equal(s.r->in_flight, 0);
    assert_int_equal(s.r->device[0].state, RDEV_PLANNED);
    assert_int_equal(s.device[0].wire, WIRE_NOTHING);
    for (int i = 0; i < 4000; i++)
        sim_second(&s);
    assert_int_equal(s.stats.orders, 2);

    sim_act(&s, ROLLOUT_ACT_RESUME);
    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    assert_int_equal(s.r->device[0].attempt, 2);
    sim_free(&s);
}

static void abort_reaches_those_that_wait_and_lets_the_others_finish(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.stage[0].count = 20;
    plan.in_flight = 20;
    begin(&s, &plan, 50, 1);
    sim_act(&s, ROLLOUT_ACT_START);
    for (int i = 0; i < 60; i++)
        sim_second(&s);
    sim_act(&s, ROLLOUT_ACT_ABORT);
    assert_int_equal(s.r->state, ROLLOUT_ABORTING);

    assert_true(sim_run(&s, 1000));
    assert_int_equal(s.r->state, ROLLOUT_ABORTED);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_ABORTED) + sim_phase(&s, ROLLOUT_PHASE_DONE), 20);
    assert_true(sim_phase(&s, ROLLOUT_PHASE_ABORTED) > 0);
    assert_true(sim_phase(&s, ROLLOUT_PHASE_DONE) > 0);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_PLANNED), 30); /* never told */
    assert_int_equal(s.r->stages[0].state, ROLLOUT_STAGE_STOPPED);
    assert_int_equal(s.r->stages[1].state, ROLLOUT_STAGE_WAITING);
    for (uint32_t i = 0; i < s.count; i++)
        assert_int_equal(s.device[i].wire, WIRE_NOTHING);
    sim_free(&s);
}

static void an_abort_given_while_the_broker_is_away_is_not_lost(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.jitter_s = 3600;
    begin(&s, &plan, 20, 1);
    sim_act(&s, ROLLOUT_ACT_START);
    for (int i = 0; i < 20; i++)
        sim_second(&s);
    sim_link(&s, false);
    sim_act(&s, ROLLOUT_ACT_ABORT);
    assert_int_equal(s.stats.aborts, 0);
    sim_link(&s, true);
    assert_int_equal(s.stats.aborts, 2);
    assert_true(sim_run(&s, 100));
    assert_int_equal(s.r->state, ROLLOUT_ABORTED);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_ABORTED), 2);
    sim_free(&s);
}

static void say(struct sim *s, uint32_t device, uint32_t attempt, enum ota_report_state state,
                enum reason reason)
{
    struct ota_report report = { .rollout = "r-1",
                                 .attempt = attempt,
                                 .state = state,
                                 .reason = reason,
                                 .n = ++s->device[device].n };
    struct rollout_event ev = { .kind = ROLLOUT_EV_REPORT, .device = device, .report = &report };

    sim_event(s, &ev);
}

/* `image`: 'a' is the target's. */
static void show(struct sim *s, uint32_t device, const char *boot, char image)
{
    struct device_status status = { .online = true };
    struct rollout_event ev = { .kind = ROLLOUT_EV_STATUS, .device = device, .status = &status };

    snprintf(status.boot, sizeof(status.boot), "%s", boot);
    memset(status.image, image, 64);
    sim_event(s, &ev);
}

static void wait_s(struct sim *s, int64_t seconds)
{
    struct rollout_event tick = { .kind = ROLLOUT_EV_TICK };

    s->now_s += seconds;
    sim_event(s, &tick);
}

/* One stage of `count` devices, all told at once. */
static void told(struct sim *s, struct rollout_plan *plan, uint32_t count)
{
    plan->stage_count = 1;
    plan->stage[0] = (struct plan_stage){
        .name = "all", .share_ppm = 1000000, .soak_s = 100, .allowed_failure = 1
    };
    plan->stop.allowed_failure = 1;
    plan->in_flight = count;
    begin(s, plan, count, 1);
    sim_act(s, ROLLOUT_ACT_START);
}

static void a_wrong_hash_is_tried_once_more(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    told(&s, &plan, 4);
    say(&s, 0, 1, OTA_REPORT_FAILED, REASON_HASH_MISMATCH);
    assert_int_equal(s.r->device[0].state, RDEV_RETRYING);
    wait_s(&s, 30);
    assert_int_equal(s.r->device[0].state, RDEV_ORDERED);
    say(&s, 0, 2, OTA_REPORT_FAILED, REASON_HASH_MISMATCH);
    assert_int_equal(s.r->device[0].state, RDEV_FAILED);
    sim_free(&s);
}

static void a_device_of_unknown_boot_is_judged_by_the_one_it_downloads_in(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    told(&s, &plan, 4);
    s.r->device[0].boot = s.r->device[0].boot_before = 0;
    struct ota_report report = { .rollout = "r-1",
                                 .attempt = 1,
                                 .n = 50,
                                 .state = OTA_REPORT_DOWNLOADING,
                                 .boot = "00000000000000b0" };
    struct rollout_event ev = { .kind = ROLLOUT_EV_REPORT, .device = 0, .report = &report };
    sim_event(&s, &ev);
    assert_int_equal(s.r->device[0].boot_before, 0xb0);
    report.state = OTA_REPORT_DONE;
    report.n = 51;
    sim_event(&s, &ev);
    show(&s, 0, "00000000000000b0", 'a');
    assert_int_equal(s.r->device[0].state, RDEV_CONFIRMING);
    show(&s, 0, "00000000000000b1", 'a');
    assert_int_equal(s.r->device[0].state, RDEV_SOAKING);
    sim_free(&s);
}

static void a_device_that_goes_back_after_all_has_failed(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    told(&s, &plan, 4);
    for (uint32_t i = 0; i < 3; i++)
        say(&s, i, 1, OTA_REPORT_DONE, REASON_NONE);
    show(&s, 0, "02", 'b'); /* never showed the new image */
    assert_int_equal(s.r->device[0].state, RDEV_FAILED);
    show(&s, 1, "02", 'a');
    say(&s, 1, 1, OTA_REPORT_ROLLED_BACK, REASON_PANIC); /* in the soak */
    assert_int_equal(s.r->device[1].reason, REASON_PANIC);
    show(&s, 2, "02", 'a');
    wait_s(&s, 100);
    assert_int_equal(s.r->device[2].state, RDEV_DONE);
    say(&s, 2, 1, OTA_REPORT_ROLLED_BACK, REASON_RESET); /* and long after */
    assert_int_equal(s.r->device[2].state, RDEV_FAILED);
    assert_int_equal(s.r->stages[0].counted, 3);
    sim_free(&s);
}

static void somebody_elses_abort_ends_the_device_and_does_not_count(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    told(&s, &plan, 4);
    say(&s, 0, 1, OTA_REPORT_ABORTED, REASON_ABORTED_BY_OPERATOR);
    assert_int_equal(s.r->device[0].state, RDEV_FAILED);
    assert_int_equal(s.r->stages[0].counted, 0);
    assert_int_equal(s.r->stages[0].other, 1);
    sim_free(&s);
}

static void a_silent_device_that_speaks_again_is_where_it_was(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    told(&s, &plan, 4);
    say(&s, 0, 1, OTA_REPORT_DOWNLOADING, REASON_NONE);
    wait_s(&s, 301);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 4);
    assert_int_equal(s.r->in_flight, 0);
    say(&s, 0, 1, OTA_REPORT_INSTALLING, REASON_NONE);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 3);
    assert_int_equal(s.r->in_flight, 1);
    show(&s, 1, "77", 'b'); /* so is one that has restarted */
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 2);
    show(&s, 2, "0000000000000001", 'b'); /* but not one whose old status comes again */
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 2);
    sim_free(&s);
}

static void waiting_for_its_slot_is_not_silence(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.jitter_s = 5000;
    told(&s, &plan, 2);
    say(&s, 0, 1, OTA_REPORT_WAITING, REASON_NONE);
    wait_s(&s, 301);
    assert_int_equal(s.r->device[0].silent, false);
    assert_int_equal(s.r->device[1].silent, true);
    wait_s(&s, 5000);
    assert_int_equal(s.r->device[0].silent, true);
    sim_free(&s);
}

static void one_that_runs_it_already_is_excused(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 6, 1);
    show(&s, 5, "05", 'a');
    assert_int_equal(s.r->device[5].state, RDEV_EXCUSED);
    s.r->device[0].on_target = true; /* known since before it was planned */
    sim_act(&s, ROLLOUT_ACT_START);
    assert_int_equal(s.r->device[0].state, RDEV_EXCUSED);
    assert_int_equal(s.stats.orders, 1);
    sim_free(&s);
}

static void at_the_deadline_every_device_gets_an_end(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.deadline_s = 400;
    plan.gate.silence_after_s = 10000;
    told(&s, &plan, 6);
    wait_s(&s, 350);
    say(&s, 0, 1, OTA_REPORT_DONE, REASON_NONE);
    show(&s, 0, "02", 'a');
    say(&s, 1, 1, OTA_REPORT_FAILED, REASON_DNS);
    wait_s(&s, 5);
    assert_int_equal(s.r->device[0].state, RDEV_SOAKING);
    assert_int_equal(s.r->device[1].state, RDEV_RETRYING);
    wait_s(&s, 2);
    s.r->device[1].due_ms = INT64_MAX / 2; /* still backing off */
    assert_true(rollout_next_due(s.r) <= s.r->deadline_ms);
    wait_s(&s, 60);
    assert_int_equal(s.r->state, ROLLOUT_STOPPED);
    assert_string_equal(s.r->why, "the deadline has passed");
    assert_int_equal(s.r->device[0].state, RDEV_DONE);
    assert_int_equal(s.r->device[1].reason, REASON_DNS);
    assert_int_equal(s.r->device[2].reason, REASON_EXPIRED);
    assert_false(rollout_is_closed(s.r)); /* until the topics are clear */
    sim_second(&s);
    assert_true(rollout_is_closed(s.r));
    assert_true(rollout_next_due(s.r) == INT64_MAX);
    sim_act(&s, ROLLOUT_ACT_RESUME);
    assert_string_equal(s.fx.act_text,
                        "cannot resume: the rollout is stopped and past its deadline");
    sim_free(&s);
}

static void the_next_due_is_when_a_tick_has_something_to_do(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    told(&s, &plan, 1);
    say(&s, 0, 1, OTA_REPORT_DONE, REASON_NONE);
    show(&s, 0, "02", 'a');
    int64_t soaked_ms = s.now_s * 1000 + 100000;
    while (rollout_next_due(s.r) < soaked_ms) { /* only the clocks are kept */
        s.now_s = rollout_next_due(s.r) / 1000;
        wait_s(&s, 0);
        assert_true(s.fx.save_head);
        assert_int_equal(s.r->device[0].state, RDEV_SOAKING);
    }
    assert_true(rollout_next_due(s.r) == soaked_ms);
    s.now_s = soaked_ms / 1000;
    wait_s(&s, 0);
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    sim_free(&s);
}

static void every_way_to_answer_an_abort_is_understood(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.stage[0].count = 6;
    begin(&s, &plan, 6, 1);
    sim_act(&s, ROLLOUT_ACT_START);
    say(&s, 5, 0, OTA_REPORT_ABORTED, REASON_NO_ROLLOUT); /* of an older one: not about this */
    assert_int_equal(s.r->device[5].state, RDEV_ORDERED);
    sim_act(&s, ROLLOUT_ACT_PAUSE);
    say(&s, 0, 1, OTA_REPORT_ABORTED, REASON_ABORTED_BY_OPERATOR);
    say(&s, 1, 0, OTA_REPORT_ABORTED, REASON_NO_ROLLOUT);
    say(&s, 2, 1, OTA_REPORT_REJECTED, REASON_REPLAY);
    say(&s, 3, 1, OTA_REPORT_TRIAL, REASON_TOO_LATE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(s.r->device[i].state, RDEV_PLANNED);
    assert_int_equal(s.r->device[3].state, RDEV_ORDERED);

    sim_act(&s, ROLLOUT_ACT_ABORT);
    say(&s, 4, 0, OTA_REPORT_ABORTED, REASON_NO_ROLLOUT);
    say(&s, 5, 1, OTA_REPORT_REJECTED, REASON_REPLAY);
    assert_int_equal(s.r->device[4].state, RDEV_ABORTED);
    assert_int_equal(s.r->device[5].state, RDEV_ABORTED);
    assert_int_equal(s.r->state, ROLLOUT_ABORTING);
    say(&s, 3, 1, OTA_REPORT_ROLLED_BACK, REASON_SELF_TEST);
    assert_int_equal(s.r->state, ROLLOUT_ABORTED);
    assert_int_equal(s.r->device[3].state, RDEV_FAILED);
    sim_free(&s);
}

static void an_abort_is_said_again_to_who_comes_back(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 6, 1);
    sim_act(&s, ROLLOUT_ACT_START);
    sim_act(&s, ROLLOUT_ACT_ABORT);
    assert_int_equal(s.stats.aborts, 2);
    struct device_status gone = { .online = false };
    struct device_status back = { .online = true, .boot = "0000000000000001" };
    struct rollout_event ev = { .kind = ROLLOUT_EV_STATUS, .device = 0, .status = &gone };
    sim_event(&s, &ev);
    ev.status = &back;
    sim_event(&s, &ev);
    assert_int_equal(s.stats.aborts, 3);
    sim_free(&s);
}

static void acts_that_make_no_sense_are_refused_with_a_reason(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 5, 1);
    sim_act(&s, ROLLOUT_ACT_PAUSE);
    assert_true(s.fx.act_refused);
    assert_string_equal(s.fx.act_text, "cannot pause: the rollout is draft");
    sim_act(&s, ROLLOUT_ACT_START);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_string_equal(s.fx.act_text, "cannot start: the rollout is running");
    assert_int_equal(s.fx.act_id, ROLLOUT_ACT_START + 1);
    assert_true(sim_run(&s, 1500));
    sim_act(&s, ROLLOUT_ACT_ABORT);
    assert_string_equal(s.fx.act_text, "cannot abort: the rollout is done");
    sim_free(&s);
}

static void effects_of_many_devices_come_in_bounded_pieces(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.stage[0].count = 1000;
    plan.in_flight = 1000;
    plan.jitter_s = 3000;
    begin(&s, &plan, 1000, 1);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_int_equal(s.stats.orders, 1000);
    assert_true(s.stats.steps > 8);
    for (int i = 0; i < 3; i++)
        sim_second(&s);
    sim_act(&s, ROLLOUT_ACT_ABORT);
    assert_true(sim_run(&s, 600));
    assert_int_equal(s.r->state, ROLLOUT_ABORTED);
    for (uint32_t i = 0; i < s.count; i++)
        assert_true(s.device[i].ota == OTA_REPORT_ABORTED || s.device[i].new_image);
    sim_free(&s);
}

/* Random fleets, fates, losses, duplicates, reboots, outages and acts. The simulation itself checks
 * each order: only in a running stage, never over the cap. Here: every run ends, abort is never
 * lost, and what is counted as done runs the new image. */
static void one_random_run(uint64_t seed)
{
    struct rollout_plan plan;
    struct sim s;

    sim_plan(&plan);
    struct sim dice = { .seed = seed };
    plan.in_flight = 1 + sim_random(&dice, 12);
    plan.jitter_s = sim_random(&dice, 200);
    plan.gate.min_sample = 1 + sim_random(&dice, 20);
    plan.gate.allowed_failure = sim_random(&dice, 50) / 100.0;
    plan.on_stop = sim_random(&dice, 3) == 0 ? PLAN_STOP_ABORT : PLAN_STOP_PAUSE;
    plan.deadline_s = 6 * 3600;
    uint32_t count = 3 + sim_random(&dice, 60);
    sim_init(&s, &plan, count, seed);
    s.chaos = true;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t fate = sim_random(&s, 40);
        s.device[i].fate = (uint8_t)(fate <= SIM_FALLS_BACK ? fate : SIM_GOOD);
        s.device[i].online = sim_random(&s, 15) != 0;
    }
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);

    bool abort_asked = false;
    while (!rollout_is_closed(s.r) && s.now_s < 1790000000 + DAY) {
        sim_second(&s);
        uint32_t act = sim_random(&s, 3000);
        if (act == 0)
            sim_act(&s, ROLLOUT_ACT_PAUSE);
        else if (act <= 4)
            sim_act(&s, ROLLOUT_ACT_RESUME);
        else if (act == 5 && sim_random(&s, 4) == 0) {
            sim_act(&s, ROLLOUT_ACT_ABORT);
            abort_asked = abort_asked || !s.fx.act_refused;
        }
    }
    if (!rollout_is_closed(s.r))
        fail_msg("seed %llu: the run has not ended: %s", (unsigned long long)seed,
                 rollout_state_word(s.r->state));
    if (abort_asked && s.r->state != ROLLOUT_ABORTED)
        fail_msg("seed %llu: the abort was lost", (unsigned long long)seed);
    uint32_t left[ROLLOUT_PHASES];
    rollout_totals(s.r, left);
    assert_int_equal(left[ROLLOUT_PHASE_TOLD] + left[ROLLOUT_PHASE_DOWNLOADING] +
                         left[ROLLOUT_PHASE_TRIAL] + left[ROLLOUT_PHASE_SILENT] +
                         left[ROLLOUT_PHASE_RECALLED] + left[ROLLOUT_PHASE_ABORTING] +
                         left[ROLLOUT_PHASE_SOAKING] + left[ROLLOUT_PHASE_RETRYING],
                     0);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(s.device[i].wire, WIRE_NOTHING);
        if (s.r->device[i].state == RDEV_DONE && s.device[i].fate != SIM_FALLS_BACK)
            assert_true(s.device[i].new_image);
    }
    sim_free(&s);
}

static void whatever_happens_the_run_ends_and_the_rules_hold(void **state)
{
    (void)state;

    for (uint64_t seed = 1; seed <= 200; seed++)
        one_random_run(seed);
}

/* What the journal would give back. */
static struct rollout *rebuilt(const struct rollout *r)
{
    struct rollout *again = rollout_alloc(r->count);

    again->plan = r->plan;
    memcpy(again->id, r->id, sizeof(again->id));
    again->release = r->release;
    again->state = r->state;
    again->stage = r->stage;
    for (int i = 0; i < PLAN_STAGES; i++)
        again->stages[i].state = r->stages[i].state;
    again->now_ms = r->now_ms;
    again->deaf_ms = r->deaf_ms;
    again->deadline_ms = r->deadline_ms;
    again->started_ms = r->started_ms;
    memcpy(again->device, r->device, r->count * sizeof(*r->device));
    assert_int_equal(rollout_rebuild(again, NULL), 0);
    return again;
}

/* The engine dies after the first piece of what an act makes it do. */
static void act_broken_off(struct sim *s, enum rollout_act act)
{
    struct rollout_event ev = { .kind = ROLLOUT_EV_ACT, .act = act, .now_ms = s->now_s * 1000 };

    rollout_step(s->r, &ev, &s->fx);
    assert_true(s->fx.more);
    struct rollout *again = rebuilt(s->r);
    rollout_free(s->r);
    s->r = again;
    s->link_up = false;
    s->unacked_count = 0;
}

static void an_act_broken_off_halfway_goes_on_after_a_restart(void **state)
{
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct rollout_plan plan;
        struct sim s;
        sim_plan(&plan);
        plan.stage[0].count = 1000;
        plan.in_flight = 1000;
        plan.jitter_s = 3000;
        begin(&s, &plan, 1000, 1);
        sim_act(&s, ROLLOUT_ACT_START);
        for (int k = 0; k < 3; k++)
            sim_second(&s);
        act_broken_off(&s, i == 0 ? ROLLOUT_ACT_ABORT : ROLLOUT_ACT_PAUSE);
        for (int k = 0; k < 600; k++)
            sim_second(&s);
        assert_int_equal(s.r->state, i == 0 ? ROLLOUT_ABORTED : ROLLOUT_PAUSED);
        assert_int_equal(s.r->in_flight, 0);
        for (uint32_t k = 0; k < s.count; k++)
            assert_int_equal(s.device[k].wire, WIRE_NOTHING);
        sim_free(&s);
    }
}

static void who_is_unknown_to_the_broker_does_not_hold_a_stage_for_ever(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    sim_init(&s, &plan, 3, 1);
    struct rollout *again = rebuilt(s.r);
    rollout_free(s.r);
    s.r = again;
    struct rollout_event up = { .kind = ROLLOUT_EV_BROKER_UP };
    s.link_up = true;
    sim_event(&s, &up);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_int_equal(s.stats.orders, 0);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_PLANNED), 3);
    show(&s, 1, "02", 'b');
    assert_int_equal(s.stats.orders, 1);
    wait_s(&s, 301);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_OFFLINE), 1); /* the other of the canaries */
    sim_free(&s);
}

static void an_onlooker_sees_how_far_a_device_is(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    struct ota_report report = { .state = OTA_REPORT_TRIAL, .attempt = 1, .got = 4096 };
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 3, 1);
    sim_act(&s, ROLLOUT_ACT_START);
    uint32_t told = 0;
    while (s.r->device[told].state != RDEV_ORDERED)
        told++;
    memcpy(report.rollout, s.r->id, strlen(s.r->id) + 1);
    uint32_t in_flight = s.r->in_flight;

    rollout_look(s.r, told, &report);

    assert_int_equal(rollout_device_phase(&s.r->device[told]), ROLLOUT_PHASE_TRIAL);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_TRIAL), 1);
    assert_int_equal(s.r->device[told].got, 4096);
    report.state = OTA_REPORT_DONE; /* an end is for the leader to judge */
    rollout_look(s.r, told, &report);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_TRIAL), 1);
    assert_int_equal(s.r->in_flight, in_flight);
    sim_free(&s);
}

static void a_rebuilt_rollout_counts_the_same(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 50, 1);
    sim_act(&s, ROLLOUT_ACT_START);
    for (int i = 0; i < 200; i++)
        sim_second(&s);

    struct rollout *again = rebuilt(s.r);
    assert_int_equal(again->in_flight, s.r->in_flight);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(again->stages[i].size, s.r->stages[i].size);
        assert_int_equal(again->stages[i].first, s.r->stages[i].first);
        assert_memory_equal(again->stages[i].phase, s.r->stages[i].phase,
                            sizeof(again->stages[i].phase));
    }
    assert_int_equal(rollout_find(again, s.r->device[33].id), 33);
    assert_int_equal(rollout_find(again, "nobody"), ROLLOUT_NO_DEVICE);

    struct err err;
    memcpy(again->device[7].id, again->device[8].id, sizeof(again->device[7].id));
    struct rollout *bad = rollout_alloc(50);
    bad->plan = again->plan;
    memcpy(bad->device, again->device, 50 * sizeof(*bad->device));
    assert_int_equal(rollout_rebuild(bad, &err), -1);
    assert_non_null(strstr(err.text, "device 8 is damaged"));
    rollout_free(bad);
    rollout_free(again);
    sim_free(&s);
}

static void the_words_go_both_ways(void **state)
{
    (void)state;

    for (int i = 0; i < ROLLOUT_STATE_COUNT; i++) {
        enum rollout_state back;
        assert_int_equal(rollout_state_from_word(rollout_state_word((enum rollout_state)i), &back),
                         0);
        assert_int_equal(back, i);
    }
    for (int i = 0; i < ROLLOUT_ACT_COUNT; i++) {
        enum rollout_act back;
        assert_int_equal(rollout_act_from_word(rollout_act_word((enum rollout_act)i), &back), 0);
        assert_int_equal(back, i);
    }
    assert_string_equal(rollout_stage_word(ROLLOUT_STAGE_HOLDING), "holding");
    assert_string_equal(rollout_phase_word(ROLLOUT_PHASE_TOLD), "told");
}

static void a_device_costs_less_than_two_hundred_bytes(void **state)
{
    (void)state;

    assert_true(sizeof(struct rollout_device) + 3 * sizeof(uint32_t) <= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_release_reaches_every_device),
        cmocka_unit_test(a_bad_release_ends_with_the_canary),
        cmocka_unit_test(nothing_advances_before_the_soak_is_over),
        cmocka_unit_test(a_device_that_falls_back_while_it_soaks_has_failed),
        cmocka_unit_test(done_needs_the_hash_and_a_new_boot),
        cmocka_unit_test(silence_is_counted_and_holds_the_stage),
        cmocka_unit_test(nobody_is_silent_for_our_own_deafness),
        cmocka_unit_test(an_offline_device_is_carried_forward_and_gets_it_later),
        cmocka_unit_test(a_small_sample_holds_until_a_person_accepts_it),
        cmocka_unit_test(passing_causes_are_tried_again_and_firmware_never),
        cmocka_unit_test(pause_recalls_those_that_wait_and_resume_goes_on),
        cmocka_unit_test(abort_reaches_those_that_wait_and_lets_the_others_finish),
        cmocka_unit_test(an_abort_given_while_the_broker_is_away_is_not_lost),
        cmocka_unit_test(a_wrong_hash_is_tried_once_more),
        cmocka_unit_test(a_device_of_unknown_boot_is_judged_by_the_one_it_downloads_in),
        cmocka_unit_test(a_device_that_goes_back_after_all_has_failed),
        cmocka_unit_test(somebody_elses_abort_ends_the_device_and_does_not_count),
        cmocka_unit_test(a_silent_device_that_speaks_again_is_where_it_was),
        cmocka_unit_test(waiting_for_its_slot_is_not_silence),
        cmocka_unit_test(one_that_runs_it_already_is_excused),
        cmocka_unit_test(at_the_deadline_every_device_gets_an_end),
        cmocka_unit_test(the_next_due_is_when_a_tick_has_something_to_do),
        cmocka_unit_test(who_is_unknown_to_the_broker_does_not_hold_a_stage_for_ever),
        cmocka_unit_test(every_way_to_answer_an_abort_is_understood),
        cmocka_unit_test(an_abort_is_said_again_to_who_comes_back),
        cmocka_unit_test(acts_that_make_no_sense_are_refused_with_a_reason),
        cmocka_unit_test(effects_of_many_devices_come_in_bounded_pieces),
        cmocka_unit_test(whatever_happens_the_run_ends_and_the_rules_hold),
        cmocka_unit_test(an_act_broken_off_halfway_goes_on_after_a_restart),
        cmocka_unit_test(an_onlooker_sees_how_far_a_device_is),
        cmocka_unit_test(a_rebuilt_rollout_counts_the_same),
        cmocka_unit_test(the_words_go_both_ways),
        cmocka_unit_test(a_device_costs_less_than_two_hundred_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
