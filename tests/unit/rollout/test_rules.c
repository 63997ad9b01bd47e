/* What a plan's rules and a person's acts do, through the reducer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "sim.h"

#define DAY 86400

static void begin(struct sim *s, struct rollout_plan *plan, uint32_t count)
{
    sim_init(s, plan, count, 1);
    sim_link(s, true);
}

static void wait_s(struct sim *s, int seconds)
{
    for (int i = 0; i < seconds; i++)
        sim_second(s);
}

/* One stage for all, which may fail as it likes. */
static void easy_plan(struct rollout_plan *plan)
{
    sim_plan(plan);
    plan->stage[0] = plan->stage[2];
    plan->stage_count = 1;
    plan->gate.allowed_failure = plan->stop.allowed_failure = 1;
    plan->gate.max_other = plan->gate.max_silent = 1;
}

static void assert_taken(const struct sim *s, const char *says)
{
    if (s->fx.act_refused || !strstr(s->fx.act_text, says))
        fail_msg("\"%s\" is not \"%s\"", s->fx.act_text, says);
}

static void assert_refused(const struct sim *s, const char *says)
{
    if (!s->fx.act_refused || !strstr(s->fx.act_text, says))
        fail_msg("\"%s\" is not \"%s\"", s->fx.act_text, says);
}

/* --- Windows. The simulation starts on Monday 21 September 2026, 14:13:20 UTC. --- */

static void nobody_is_told_or_starts_outside_the_window(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    char why[ROLLOUT_WHY_MAX];
    (void)state;

    easy_plan(&plan);
    plan.in_flight = 3;
    assert_int_equal(plan_window_read("15:00-15:10 UTC", &plan.window, NULL), 0);
    begin(&s, &plan, 40);
    sim_act(&s, ROLLOUT_ACT_START);
    wait_s(&s, 2600);
    assert_int_equal(s.stats.orders, 0);
    assert_true(rollout_waits(s.r, why, sizeof(why)));
    assert_string_equal(why, "the window opens in 3 m (UTC)");
    assert_int_equal(rollout_holds(s.r, why, sizeof(why)), ROLLOUT_HOLD_WINDOW);
    assert_string_equal(why, "the window opens in 3 m (UTC)");

    wait_s(&s, 400); /* 15:03:20 */
    uint32_t before = s.stats.orders;
    assert_true(before > 0);
    wait_s(&s, 400); /* the last was told a jitter before the close: 15:09 */
    uint32_t told = s.stats.orders;
    assert_true(told > before && told < 40);
    assert_true(rollout_waits(s.r, why, sizeof(why)));
    wait_s(&s, 4000);
    assert_int_equal(s.stats.orders, told);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 0);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_FAILED), 0);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_TOLD), 0);
    sim_free(&s);
}

static void what_the_close_cuts_off_comes_in_the_next_window(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    easy_plan(&plan);
    plan.deadline_s = 20 * DAY;
    plan.in_flight = 5;
    plan.jitter_s = 500;
    assert_int_equal(plan_window_read("15:00-15:10 UTC mon-fri", &plan.window, NULL), 0);
    begin(&s, &plan, 20);
    s.download_s = 700; /* longer than the window: the order expires under way */
    sim_act(&s, ROLLOUT_ACT_START);
    wait_s(&s, 2800 + 610);
    s.download_s = 10;
    assert_int_equal(s.stats.orders, 5);
    assert_int_equal(rollout_order_expires(s.r, &s.r->device[0]), s.r->deadline_ms); /* closed */
    wait_s(&s, 3000);
    for (uint32_t i = 0; i < s.count; i++)
        assert_false(s.device[i].new_image); /* nobody switched outside */
    assert_int_equal(s.r->state, ROLLOUT_RUNNING);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_FAILED), 0);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 0);
    assert_true(sim_run(&s, 19 * DAY));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_DONE), 20);
    sim_free(&s);
}

static void who_waits_at_the_close_is_called_back(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    easy_plan(&plan);
    assert_int_equal(plan_window_read("15:00-15:10 UTC", &plan.window, NULL), 0);
    begin(&s, &plan, 4);
    sim_act(&s, ROLLOUT_ACT_START);
    wait_s(&s, 2803);
    assert_int_equal(s.stats.orders, 4);
    assert_int_equal(rollout_order_expires(s.r, &s.r->device[0]), (int64_t)1790003400 * 1000);
    for (uint32_t i = 0; i < s.count; i++)
        s.device[i].next_s = s.now_s + 100000; /* held up by its own gate */
    wait_s(&s, 590);
    assert_int_equal(s.stats.aborts, 0);
    wait_s(&s, 20);
    assert_int_equal(s.stats.aborts, 4);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_PLANNED), 4);
    for (uint32_t i = 0; i < s.count; i++)
        assert_int_equal(s.device[i].wire, WIRE_NOTHING);
    assert_true(sim_run(&s, 2 * DAY)); /* told again tomorrow, and done by the deadline */
    sim_free(&s);
}

static void an_order_that_expires_while_it_is_aborted_is_aborted(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    easy_plan(&plan);
    assert_int_equal(plan_window_read("15:00-15:10 UTC", &plan.window, NULL), 0);
    begin(&s, &plan, 2);
    sim_act(&s, ROLLOUT_ACT_START);
    wait_s(&s, 2803);
    sim_act(&s, ROLLOUT_ACT_ABORT);
    struct ota_report report = { .rollout = "r-1",
                                 .attempt = 1,
                                 .n = 99,
                                 .state = OTA_REPORT_EXPIRED,
                                 .reason = REASON_EXPIRED };
    struct rollout_event ev = { .kind = ROLLOUT_EV_REPORT, .device = 0, .report = &report };
    s.now_s += 600;
    sim_event(&s, &ev);
    assert_int_equal(s.r->device[0].state, RDEV_ABORTED);
    sim_free(&s);
}

static void who_does_not_answer_at_the_close_is_not_silent(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    easy_plan(&plan);
    plan.gate.silence_after_s = 1000;
    assert_int_equal(plan_window_read("15:00-15:10 UTC", &plan.window, NULL), 0);
    begin(&s, &plan, 4);
    s.device[2].fate = SIM_DEAD;
    sim_act(&s, ROLLOUT_ACT_START);
    wait_s(&s, 2800 + 6000);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 0);
    assert_int_equal(s.r->device[2].state, RDEV_PLANNED);
    sim_free(&s);
}

static const char *two_zones(uint32_t i)
{
    return i % 2 ? "tz:Europe/Berlin" : "tz:UTC";
}

static void in_device_time_each_zone_has_its_own_window(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    easy_plan(&plan);
    plan.in_flight = 100;
    assert_int_equal(plan_window_read("17:00-17:30 device", &plan.window, NULL), 0);
    sim_init_labels(&s, &plan, 10, 1, two_zones);
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_int_equal(s.r->zone_count, 2);
    wait_s(&s, 3000); /* 15:03 UTC is 17:03 in Berlin */
    assert_int_equal(s.stats.orders, 5);
    for (uint32_t i = 0; i < s.count; i++)
        assert_int_equal(s.r->device[i].attempt,
                         strcmp(rollout_zone_name(s.r, &s.r->device[i]), "UTC") != 0);
    wait_s(&s, 7200);
    assert_int_equal(s.stats.orders, 10);
    assert_true(sim_run(&s, DAY));
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_DONE), 10);
    sim_free(&s);
}

static void without_its_rules_a_window_stays_shut(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    char why[ROLLOUT_WHY_MAX];
    (void)state;

    easy_plan(&plan);
    assert_int_equal(plan_window_read("00:00-24:00 Europe/Nowhere", &plan.window, NULL), 0);
    begin(&s, &plan, 3);
    free(s.r->zone[0].rules);
    s.r->zone[0].rules = NULL;
    s.r->zone[0].known = false;
    sim_act(&s, ROLLOUT_ACT_START);
    assert_int_equal(s.stats.orders, 0);
    assert_true(rollout_waits(s.r, why, sizeof(why)));
    assert_string_equal(why, "the window never opens: is time zone Europe/Nowhere known here?");
    sim_free(&s);
}

/* --- Caps --- */

static const char *site_of(uint32_t i)
{
    static const char *const site[] = { "site:a", "site:b", "site:c", NULL };
    return site[i % 4];
}

/* Told and not at an end, of one group. */
static uint32_t told_of(const struct sim *s, const char *name)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < s->r->count; i++)
        count +=
            strcmp(rollout_group_name(s->r, &s->r->device[i]), name) == 0 &&
            (s->r->device[i].state == RDEV_ORDERED || s->r->device[i].state == RDEV_CONFIRMING);
    return count;
}

static void never_more_of_one_group_than_its_cap(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    uint32_t most = 0, free_ones = 0;
    (void)state;

    easy_plan(&plan);
    plan.in_flight = 100;
    text_copy(plan.per_group.by, sizeof(plan.per_group.by), "site");
    plan.per_group.max = 2;
    sim_init_labels(&s, &plan, 80, 1, site_of);
    s.device[7].fate = SIM_NET_ONCE;
    s.device[9].fate = SIM_BAD;
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_int_equal(s.r->group_count, 3);
    for (int i = 0; i < 3 * DAY && !rollout_is_over(s.r); i++) {
        sim_second(&s);
        for (uint32_t g = 0; g < s.r->group_count; g++) {
            uint32_t told = told_of(&s, s.r->group[g].name);
            assert_int_equal(told, s.r->group[g].told);
            assert_true(told <= 2);
            most = told > most ? told : most;
        }
        if (told_of(&s, "") > free_ones)
            free_ones = told_of(&s, "");
    }
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_DONE), 79);
    assert_int_equal(most, 2);
    assert_int_equal(free_ones, 20); /* a device without the label is not capped */
    sim_free(&s);
}

static const char *one_site(uint32_t i)
{
    (void)i;
    return "site:a";
}

static void who_can_not_use_its_place_in_a_group_leaves_it_to_the_next(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    easy_plan(&plan);
    text_copy(plan.per_group.by, sizeof(plan.per_group.by), "site");
    plan.per_group.max = 1;
    plan.deadline_s = 7200;
    sim_init_labels(&s, &plan, 14, 1, one_site);
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_int_equal(s.stats.orders, 1);
    struct device_status gone = { .online = false };
    for (uint32_t i = 1; i < 12; i++) { /* the next in line, while they wait */
        struct rollout_event ev = { .kind = ROLLOUT_EV_STATUS, .device = i, .status = &gone };
        sim_event(&s, &ev);
    }
    wait_s(&s, 1000);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_DONE), 3);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_OFFLINE), 11);
    sim_free(&s);
}

static void a_silent_device_keeps_its_place_in_its_group(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    struct rollout_ask ask = { .set = ROLLOUT_SET_PER_GROUP, .per_group = 2 };
    (void)state;

    easy_plan(&plan);
    text_copy(plan.per_group.by, sizeof(plan.per_group.by), "site");
    plan.per_group.max = 1;
    sim_init_labels(&s, &plan, 2, 1, one_site);
    s.device[0].fate = SIM_DEAD;
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    wait_s(&s, 2000);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 1);
    assert_int_equal(s.stats.orders, 1);
    sim_ask(&s, ROLLOUT_ACT_SET, &ask, "ann"); /* a person knows better */
    assert_int_equal(s.stats.orders, 2);
    sim_free(&s);
}

static void a_larger_cap_lets_those_in_at_once_who_waited_for_it(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    struct rollout_ask ask = { .set = ROLLOUT_SET_PER_GROUP, .per_group = 3 };
    (void)state;

    easy_plan(&plan);
    plan.in_flight = 100;
    plan.jitter_s = 3600;
    text_copy(plan.per_group.by, sizeof(plan.per_group.by), "site");
    plan.per_group.max = 1;
    sim_init_labels(&s, &plan, 40, 1, site_of);
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_int_equal(s.stats.orders, 3 + 10);
    sim_ask(&s, ROLLOUT_ACT_SET, &ask, "ann");
    assert_int_equal(s.stats.orders, 3 * 3 + 10);
    sim_free(&s);
}

static void a_shorter_jitter_makes_nobody_silent_who_was_told_a_longer_one(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    struct rollout_ask ask = { .set = ROLLOUT_SET_JITTER, .jitter_s = 0 };
    (void)state;

    easy_plan(&plan);
    plan.jitter_s = 3600;
    begin(&s, &plan, 10);
    sim_act(&s, ROLLOUT_ACT_START);
    wait_s(&s, 5); /* they have drawn their slots */
    sim_ask(&s, ROLLOUT_ACT_SET, &ask, "ann");
    for (int i = 0; i < 3700; i++) {
        sim_second(&s);
        assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_SILENT), 0);
    }
    sim_free(&s);
}

static void orders_go_out_no_faster_than_the_bandwidth(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    char why[ROLLOUT_WHY_MAX];
    (void)state;

    easy_plan(&plan);
    plan.in_flight = 100;
    plan.bandwidth = 90000; /* an image of 900,000 bytes each 10 s */
    begin(&s, &plan, 30);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_int_equal(s.stats.orders, 1);
    assert_true(rollout_waits(s.r, why, sizeof(why)));
    assert_string_equal(why, "bandwidth: the next in 10 s");
    assert_int_equal(rollout_next_due(s.r), s.now_s * 1000 + 10000);
    wait_s(&s, 100);
    assert_int_equal(s.stats.orders, 11);
    struct rollout_ask ask = { .set = ROLLOUT_SET_BANDWIDTH, .bandwidth = 0 };
    sim_ask(&s, ROLLOUT_ACT_SET, &ask, "ann");
    assert_int_equal(s.stats.orders, 30);
    sim_free(&s);
}

static void caps_and_jitter_change_for_what_has_not_started(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    easy_plan(&plan);
    plan.jitter_s = 3600;
    plan.in_flight = 2;
    text_copy(plan.per_group.by, sizeof(plan.per_group.by), "site");
    plan.per_group.max = 1;
    sim_init_labels(&s, &plan, 40, 1, site_of);
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_int_equal(s.stats.orders, 2);
    struct rollout_ask ask = { .set = ROLLOUT_SET_IN_FLIGHT | ROLLOUT_SET_JITTER |
                                      ROLLOUT_SET_PER_GROUP,
                               .in_flight = 9,
                               .jitter_s = 0,
                               .per_group = 3 };
    sim_ask(&s, ROLLOUT_ACT_SET, &ask, "ann");
    assert_taken(&s, "for what has not started: in flight 9, jitter 0 s, per group 3");
    assert_int_equal(s.stats.orders, 9);
    assert_int_equal(s.r->jitter_most_s, 3600); /* those told before may wait so long */

    ask = (struct rollout_ask){ .set = ROLLOUT_SET_IN_FLIGHT, .in_flight = 0 };
    sim_ask(&s, ROLLOUT_ACT_SET, &ask, "ann");
    assert_refused(&s, "cannot set in_flight: 0 is not from 1 to 1000000");
    sim_ask(&s, ROLLOUT_ACT_SET, NULL, "ann");
    assert_refused(&s, "nothing to set");
    sim_free(&s);
}

/* --- Approval --- */

static void a_stage_that_asks_for_it_waits_for_another_persons_approval(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    struct rollout_ask ask = { .stage = "half", .remark = "looks good" };
    struct gate_decision gate;
    char why[ROLLOUT_WHY_MAX];
    (void)state;

    sim_plan(&plan);
    plan.stage[1].approval = true;
    plan.four_eyes = true;
    begin(&s, &plan, 20);
    sim_ask(&s, ROLLOUT_ACT_START, NULL, "ann@host");
    sim_ask(&s, ROLLOUT_ACT_APPROVE, &ask, "bob@host");
    assert_refused(&s, "cannot approve: stage half has not begun");
    sim_ask(&s, ROLLOUT_ACT_APPROVE, NULL, "bob@host");
    assert_refused(&s, "the plan asks for no approval of stage canary");
    wait_s(&s, 1500);
    assert_int_equal(s.r->stage, 1);
    assert_int_equal(s.r->stages[1].state, ROLLOUT_STAGE_HOLDING);
    rollout_gate(s.r, &gate);
    assert_int_equal(gate.verdict, GATE_HOLD);
    assert_string_equal(gate.missing, "an approval: muster rollout approve r-1, by another person "
                                      "than who started it");
    assert_int_equal(rollout_holds(s.r, why, sizeof(why)), ROLLOUT_HOLD_APPROVAL);
    assert_string_equal(why, "stage half wants an approval, by another person than ann@host");

    sim_act(&s, ROLLOUT_ACT_RESUME); /* is no approval */
    assert_int_equal(s.r->stage, 1);
    sim_ask(&s, ROLLOUT_ACT_APPROVE, &ask, "ann@host");
    assert_refused(&s, "cannot approve: four eyes: ann@host started it, another person must");
    assert_int_equal(s.r->stage, 1);
    sim_ask(&s, ROLLOUT_ACT_APPROVE, &ask, "bob@host");
    assert_taken(&s, "stage half is approved");
    assert_int_equal(s.r->stage, 2);
    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    sim_free(&s);
}

static void an_approval_does_not_replace_evidence(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.stage[0].approval = true;
    begin(&s, &plan, 20);
    s.device[0].fate = SIM_BAD;
    sim_act(&s, ROLLOUT_ACT_START);
    sim_act(&s, ROLLOUT_ACT_APPROVE);
    assert_taken(&s, "stage canary is approved");
    sim_act(&s, ROLLOUT_ACT_APPROVE);
    assert_refused(&s, "stage canary has been approved already");
    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_STOPPED);
    assert_int_equal(s.r->stage, 0);
    sim_free(&s);
}

/* What it waits for is said of one that is under way, and of one that was stopped why. */
static void what_a_rollout_waits_for_is_said_with_the_most_pressing_first(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    char why[ROLLOUT_WHY_MAX];
    (void)state;

    sim_plan(&plan);
    plan.stage[0].approval = true;
    begin(&s, &plan, 20);
    sim_ask(&s, ROLLOUT_ACT_START, NULL, "ann@host");
    wait_s(&s, 10);
    assert_int_equal(rollout_holds(s.r, why, sizeof(why)),
                     ROLLOUT_HOLD_GATE); /* not yet a person */
    assert_non_null(strstr(why, "more result"));
    sim_ask(&s, ROLLOUT_ACT_PAUSE, NULL, "ann@host");
    assert_int_equal(rollout_holds(s.r, why, sizeof(why)), ROLLOUT_HOLD_SAID);
    assert_string_equal(why, s.r->why);
    sim_act(&s, ROLLOUT_ACT_RESUME);
    sim_act(&s, ROLLOUT_ACT_APPROVE);
    assert_true(sim_run(&s, DAY));
    assert_int_equal(rollout_holds(s.r, why, sizeof(why)), ROLLOUT_HOLD_NONE);
    assert_string_equal(why, "");
    sim_free(&s);
}

/* --- The story --- */

struct story {
    uint32_t lines, others; /* devices named, and those only counted */
    char first[ROLLOUT_NOTE_MAX];
};

static int hear(void *ctx, const struct rollout *r, const struct rollout_effects *fx)
{
    struct story *story = ctx;
    (void)r;

    for (uint32_t i = 0; i < fx->note_count; i++) {
        const char *more = strstr(fx->note[i].text, "; ");
        unsigned n = 0;
        if (!strstr(fx->note[i].text, " confirmed "))
            continue;
        assert_false(fx->note[i].bad);
        if (story->lines++ == 0)
            text_copy(story->first, sizeof(story->first), fx->note[i].text);
        if (more && sscanf(more, "; %u more since the line before", &n) == 1)
            story->others += n;
    }
    return 0;
}

static struct story story_of(uint32_t devices, uint32_t jitter_s)
{
    struct rollout_plan plan;
    struct story story = { 0 };
    struct sim s;

    easy_plan(&plan);
    plan.in_flight = devices;
    plan.jitter_s = jitter_s;
    begin(&s, &plan, devices);
    s.commit = hear;
    s.ctx = &story;
    sim_act(&s, ROLLOUT_ACT_START);
    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    assert_in_range(story.others + s.r->confirm_unsaid + story.lines, devices, devices);
    sim_free(&s);
    return story;
}

static void each_confirmed_device_is_told_with_how_long_it_took(void **state)
{
    struct story story = story_of(5, 3600);
    unsigned seconds;
    (void)state;

    assert_int_equal(story.lines, 5);
    assert_int_equal(sscanf(story.first, "dev-%*7c confirmed 1.4.0 in %us", &seconds), 1);
    assert_null(
        strchr(strstr(story.first, " in "), 'm')); /* from its slot: the jitter is an hour */
    assert_in_range(seconds, 10, 59);
}

static void of_many_that_are_confirmed_at_once_some_are_only_counted(void **state)
{
    struct story story = story_of(2000, 60);
    (void)state;

    assert_in_range(story.lines, ROLLOUT_CONFIRM_BURST, 500);
    assert_true(story.others > 1000);
}

/* --- Retry --- */

static void a_person_retries_by_reason_and_firmware_only_when_it_is_meant(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    struct rollout_ask ask = { .reason = REASON_LOW_BATTERY };
    (void)state;

    easy_plan(&plan);
    plan_set_retries(&plan, 0);
    plan.stage[0].soak_s = 3600;
    begin(&s, &plan, 20);
    s.device[3].fate = SIM_BAD;
    s.device[4].fate = SIM_NET_ONCE;
    s.device[5].fate = s.device[6].fate = SIM_REJECTS;
    sim_act(&s, ROLLOUT_ACT_START);
    wait_s(&s, 600);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_FAILED), 4);

    s.device[5].fate = s.device[3].fate = SIM_GOOD;
    sim_ask(&s, ROLLOUT_ACT_RETRY, &ask, "ann");
    assert_taken(&s, "2 devices will be tried again");
    wait_s(&s, 300);
    assert_int_equal(s.r->device[5].state, RDEV_SOAKING);
    assert_int_equal(s.r->device[6].reason, REASON_LOW_BATTERY);
    sim_act(&s, ROLLOUT_ACT_RETRY); /* all but firmware */
    assert_taken(&s, "2 devices will be tried again");
    wait_s(&s, 300);
    assert_int_equal(s.r->device[4].state, RDEV_SOAKING);
    assert_int_equal(s.r->device[3].state, RDEV_FAILED);
    ask = (struct rollout_ask){ .device_count = 1 };
    text_copy(ask.device[0], PROTO_ID_MAX, s.r->device[3].id);
    sim_ask(&s, ROLLOUT_ACT_RETRY, &ask, "ann");
    assert_taken(&s, "1 device will be tried again");
    wait_s(&s, 300);
    assert_int_equal(s.r->device[3].state, RDEV_SOAKING);
    ask = (struct rollout_ask){ .cls = REASON_CLASS_POWER };
    sim_ask(&s, ROLLOUT_ACT_RETRY, &ask, "ann");
    assert_refused(&s, "cannot retry: no failed device is of that kind");
    sim_free(&s);
}

static void a_retried_failure_was_acknowledged_only_once(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    struct rollout_ask ask = { .cls = REASON_CLASS_FIRMWARE };
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 20);
    s.device[0].fate = SIM_BAD;
    sim_act(&s, ROLLOUT_ACT_START);
    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_STOPPED);
    sim_ask(&s, ROLLOUT_ACT_RETRY, &ask, "ann");
    assert_taken(&s, "1 device will be tried again once it is resumed");
    sim_act(&s, ROLLOUT_ACT_RESUME);
    assert_true(sim_run(&s, DAY)); /* it fails again, and that counts again */
    assert_int_equal(s.r->state, ROLLOUT_STOPPED);
    assert_int_equal(s.r->device[0].attempt, 2);
    sim_act(&s, ROLLOUT_ACT_RESUME);
    assert_int_equal(s.r->acked_counted, 1);
    sim_ask(&s, ROLLOUT_ACT_RETRY, &ask, "ann");
    assert_int_equal(s.r->acked_counted, 0);
    sim_free(&s);
}

/* --- Back --- */

static void a_rollback_reaches_all_who_switched_and_counts_their_answers(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    easy_plan(&plan);
    plan.in_flight = 5;
    begin(&s, &plan, 40);
    sim_act(&s, ROLLOUT_ACT_START);
    wait_s(&s, 200);
    uint32_t done = sim_phase(&s, ROLLOUT_PHASE_DONE);
    assert_true(done > 0 && done < 40);
    sim_ask(&s, ROLLOUT_ACT_ROLLBACK, NULL, "ann");
    assert_taken(&s, "rollback: now aborting");
    assert_true(sim_run(&s, 2000));
    assert_int_equal(s.r->state, ROLLOUT_ABORTED);
    assert_string_equal(s.r->why, "rolled back by ann");
    assert_true(sim_phase(&s, ROLLOUT_PHASE_RETURNED) >= done);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_DONE), 0);
    for (uint32_t i = 0; i < s.count; i++) {
        assert_false(s.device[i].new_image);
        assert_int_equal(s.device[i].wire, WIRE_NOTHING);
    }
    sim_act(&s, ROLLOUT_ACT_ABORT);
    assert_refused(&s, "cannot abort: the rollout is aborted");
    sim_free(&s);
}

static void a_rollout_that_is_done_can_go_back_too(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    easy_plan(&plan);
    begin(&s, &plan, 12);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    s.now_s += 3 * DAY;
    s.device[4].online = false;
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_ROLLBACK);
    wait_s(&s, 60);
    assert_int_equal(s.r->state, ROLLOUT_ABORTING);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_RETURNED), 11);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_RETURNING), 1);
    assert_int_equal(s.stats.backs, 11); /* nothing is sent to who can't be seen to run it */
    sim_act(&s, ROLLOUT_ACT_ROLLBACK);
    assert_refused(&s, "cannot rollback: the rollout is aborting");
    s.device[4].online_s = s.now_s + 1;
    sim_wake_all(&s);
    assert_true(sim_run(&s, 60));
    assert_int_equal(s.r->state, ROLLOUT_ABORTED);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_RETURNED), 12);
    sim_free(&s);
}

static void a_device_that_can_not_go_back_says_so(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    easy_plan(&plan);
    begin(&s, &plan, 3);
    sim_act(&s, ROLLOUT_ACT_START);
    assert_true(sim_run(&s, DAY));
    sim_act(&s, ROLLOUT_ACT_ROLLBACK);
    struct reply reply = { .verb = VERB_ROLLBACK, .reason = REASON_BUSY };
    struct rollout_event ev = { .kind = ROLLOUT_EV_REPLY, .device = 0, .reply = &reply };
    for (int i = 0; i < 2; i++)
        s.device[i].unseen = false; /* these two never hear it */
    sim_event(&s, &ev);
    uint32_t attempt = s.r->device[0].attempt, backs = s.stats.backs;
    s.device[0].new_image = false;
    s.device[0].unseen = false;
    wait_s(&s, 31); /* busy: asked anew, with an order of its own */
    assert_int_equal(s.stats.backs, backs + 1);
    assert_int_equal(s.r->device[0].attempt, attempt + 1);
    assert_int_equal(s.r->device[0].state, RDEV_FAILED);
    assert_int_equal(s.r->device[0].reason, REASON_NO_WAY_BACK);
    assert_int_equal(s.r->device[1].state, RDEV_RETURNING);
    assert_int_equal(s.r->device[2].state, RDEV_RETURNED);
    wait_s(&s, DAY + 10);
    assert_int_equal(s.r->device[1].reason, REASON_EXPIRED);
    assert_int_equal(s.r->state, ROLLOUT_ABORTED);
    sim_free(&s);
}

/* --- Late ones --- */

static void join(struct sim *s, uint32_t from, uint32_t count)
{
    static char id[ROLLOUT_JOINS][16];
    struct plan_candidate c[ROLLOUT_JOINS];
    struct rollout_event ev = { .kind = ROLLOUT_EV_JOIN, .join = c, .join_count = count };

    for (uint32_t i = 0; i < count; i++) {
        text_format(id[i], sizeof(id[i]), "late-%u", from + i);
        c[i] = (struct plan_candidate){ .id = id[i], .boot = "01", .online = true };
    }
    sim_event(s, &ev);
}

static void who_matches_later_joins_the_last_stage_reached(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    plan.late = PLAN_LATE_JOIN;
    plan.in_flight = 100;
    sim_init(&s, &plan, 20, 1);
    s.device = realloc(s.device, 60 * sizeof(*s.device));
    for (uint32_t i = 20; i < 60; i++)
        s.device[i] = (struct sim_device){ .online = true, .boot = 1 };
    sim_link(&s, true);
    sim_act(&s, ROLLOUT_ACT_START);
    while (s.r->stage == 0)
        sim_second(&s);
    join(&s, 0, 3);
    s.count = s.r->count;
    assert_int_equal(s.r->count, 23);
    assert_int_equal(s.r->stages[1].size, 11);
    assert_int_equal(s.r->stages[1].span, 8);
    assert_int_equal(s.r->device[21].stage, 1);
    assert_int_equal(s.r->device[21].state, RDEV_ORDERED);
    join(&s, 0, 3); /* the same again */
    assert_int_equal(s.r->count, 23);
    join(&s, 3, 20);
    s.count = s.r->count;
    assert_int_equal(rollout_find(s.r, "late-22"), 42);
    for (uint32_t i = 0; i < s.r->count; i++)
        assert_int_equal(rollout_find(s.r, s.r->device[i].id), i);
    assert_true(sim_run(&s, DAY));
    assert_int_equal(s.r->state, ROLLOUT_DONE);
    assert_int_equal(sim_phase(&s, ROLLOUT_PHASE_DONE), 43);
    join(&s, 50, 1); /* it is over */
    assert_int_equal(s.r->count, 43);
    sim_free(&s);
}

static void late_ones_are_left_alone_unless_the_plan_takes_them(void **state)
{
    struct rollout_plan plan;
    struct sim s;
    (void)state;

    sim_plan(&plan);
    begin(&s, &plan, 20);
    sim_act(&s, ROLLOUT_ACT_START);
    join(&s, 0, 1);
    assert_int_equal(s.r->count, 20);
    sim_free(&s);
}

/* --- What is asked, as text --- */

static void what_an_act_asks_goes_through_text_and_back(void **state)
{
    struct rollout_ask ask = { .stage = "half",
                               .reason = REASON_DNS,
                               .cls = REASON_CLASS_NETWORK,
                               .device = { "a-1", "b-2" },
                               .device_count = 2,
                               .set = 15,
                               .in_flight = 9,
                               .jitter_s = 60,
                               .per_group = 2,
                               .bandwidth = 1000,
                               .remark = "it = looks good" };
    struct rollout_ask again;
    struct err err;
    char text[ROLLOUT_ASK_TEXT];
    (void)state;

    int len = rollout_ask_text(&ask, text, sizeof(text));
    assert_string_equal(text, "stage=half reason=dns class=network device=a-1 device=b-2 "
                              "in_flight=9 jitter=60 per_group=2 bandwidth=1000 "
                              "remark=it = looks good");
    assert_int_equal(len, strlen(text));
    assert_int_equal(rollout_ask_read(text, &again, &err), 0);
    assert_memory_equal(&again, &ask, sizeof(ask));
    assert_int_equal(rollout_ask_text(&ask, text, 40), -1);
    assert_int_equal(rollout_ask_read("in_flight=many", &again, &err), -1);
    assert_string_equal(err.text, "'in_flight=many' can't be asked of a rollout");
    assert_int_equal(rollout_ask_read("reason=luck", &again, &err), -1);
    assert_int_equal(rollout_ask_read("x", &again, &err), -1);
    assert_int_equal(rollout_ask_read("device=../x", &again, &err), -1);
    assert_int_equal(rollout_ask_read("", &again, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_told_or_starts_outside_the_window),
        cmocka_unit_test(what_the_close_cuts_off_comes_in_the_next_window),
        cmocka_unit_test(who_waits_at_the_close_is_called_back),
        cmocka_unit_test(an_order_that_expires_while_it_is_aborted_is_aborted),
        cmocka_unit_test(who_does_not_answer_at_the_close_is_not_silent),
        cmocka_unit_test(in_device_time_each_zone_has_its_own_window),
        cmocka_unit_test(without_its_rules_a_window_stays_shut),
        cmocka_unit_test(never_more_of_one_group_than_its_cap),
        cmocka_unit_test(who_can_not_use_its_place_in_a_group_leaves_it_to_the_next),
        cmocka_unit_test(a_silent_device_keeps_its_place_in_its_group),
        cmocka_unit_test(a_larger_cap_lets_those_in_at_once_who_waited_for_it),
        cmocka_unit_test(a_shorter_jitter_makes_nobody_silent_who_was_told_a_longer_one),
        cmocka_unit_test(orders_go_out_no_faster_than_the_bandwidth),
        cmocka_unit_test(caps_and_jitter_change_for_what_has_not_started),
        cmocka_unit_test(a_stage_that_asks_for_it_waits_for_another_persons_approval),
        cmocka_unit_test(an_approval_does_not_replace_evidence),
        cmocka_unit_test(what_a_rollout_waits_for_is_said_with_the_most_pressing_first),
        cmocka_unit_test(each_confirmed_device_is_told_with_how_long_it_took),
        cmocka_unit_test(of_many_that_are_confirmed_at_once_some_are_only_counted),
        cmocka_unit_test(a_person_retries_by_reason_and_firmware_only_when_it_is_meant),
        cmocka_unit_test(a_retried_failure_was_acknowledged_only_once),
        cmocka_unit_test(a_rollback_reaches_all_who_switched_and_counts_their_answers),
        cmocka_unit_test(a_rollout_that_is_done_can_go_back_too),
        cmocka_unit_test(a_device_that_can_not_go_back_says_so),
        cmocka_unit_test(who_matches_later_joins_the_last_stage_reached),
        cmocka_unit_test(late_ones_are_left_alone_unless_the_plan_takes_them),
        cmocka_unit_test(what_an_act_asks_goes_through_text_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
