#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "rollout/plan.h"
#include "sim.h"

#define NOW_MS 1790000000000

static struct release release(void)
{
    struct release r = { .product = "weather",
                         .version = "1.4.0",
                         .seq = 17,
                         .security = 2,
                         .size = 900000,
                         .min_agent = 1,
                         .hw_count = 1 };

    memcpy(r.hw[0], "linux", 6);
    memcpy(r.min_from, "1.2.0", 6);
    memset(r.sha256, 0xaa, sizeof(r.sha256));
    return r;
}

static void fleet(struct plan_candidate *c, char (*id)[16], uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        snprintf(id[i], sizeof(id[i]), "dev-%u", i);
        c[i] = (struct plan_candidate){ .id = id[i],
                                        .product = "weather",
                                        .hw = "linux",
                                        .fw = "1.3.0",
                                        .image = "bb",
                                        .boot = "01",
                                        .release_seq = 16,
                                        .security = 2,
                                        .agent = 1,
                                        .online = true };
    }
}

static void stages_are_exact_and_cumulative(void **state)
{
    enum { N = 1203 };
    static struct plan_candidate c[N];
    static char id[N][16];
    struct rollout_plan plan;
    struct release rel = release();
    struct plan_set set;
    (void)state;

    plan_defaults(&plan);
    plan_set_release(&plan, "weather@1.4.0", NULL);
    plan_default_stages(&plan);
    fleet(c, id, N);

    assert_int_equal(plan_resolve(&plan, &rel, "r-1", &sim_crypto, c, N, NOW_MS, &set, NULL), 0);
    assert_int_equal(set.count, N);
    assert_int_equal(set.stage_size[0], 10);
    assert_int_equal(set.stage_first[1] + set.stage_size[1], 61);  /* 5 %, rounded up */
    assert_int_equal(set.stage_first[2] + set.stage_size[2], 602); /* 50 % */
    assert_int_equal(set.stage_first[3] + set.stage_size[3], N);
    for (uint32_t i = 1; i < N; i++)
        assert_true(set.member[i - 1].rank <= set.member[i].rank);

    /* A larger share only adds devices: the first are the same. */
    struct plan_set more;
    plan.stage[1].share_ppm = 100000;
    assert_int_equal(plan_resolve(&plan, &rel, "r-1", &sim_crypto, c, N, NOW_MS, &more, NULL), 0);
    assert_int_equal(more.stage_first[1] + more.stage_size[1], 121);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(more.member[i].candidate, set.member[i].candidate);
    plan_set_free(&set);
    plan_set_free(&more);
}

static void a_share_of_few_devices_is_never_empty_and_never_one_too_many(void **state)
{
    struct plan_stage stage = { .share_ppm = 10000 };
    (void)state;

    assert_int_equal(plan_stage_target(&stage, 50), 1); /* 1 % */
    assert_int_equal(plan_stage_target(&stage, 100), 1);
    assert_int_equal(plan_stage_target(&stage, 101), 2);
    stage.share_ppm = 1; /* 0.0001 % */
    assert_int_equal(plan_stage_target(&stage, 1000000), 1);
    stage.share_ppm = 1000000;
    assert_int_equal(plan_stage_target(&stage, 7), 7);
    stage = (struct plan_stage){ .count = 9 };
    assert_int_equal(plan_stage_target(&stage, 7), 7);
}

static void what_is_probably_not_meant_is_noted(void **state)
{
    enum { N = 4 };
    struct plan_candidate c[N];
    char id[N][16], note[PLAN_NOTES][PLAN_NOTE_TEXT];
    struct rollout_plan plan;
    struct release rel = release();
    struct plan_set set;
    (void)state;

    plan_defaults(&plan);
    plan_set_release(&plan, "weather@1.4.0", NULL);
    fleet(c, id, N);
    plan.stage_count = 2;
    plan.stage[0] = (struct plan_stage){ .name = "canary", .named_count = 1 };
    plan.stage[1] = (struct plan_stage){ .name = "rest", .share_ppm = 1000000 };
    plan.named_count = 1;
    text_copy(plan.named[0], PROTO_ID_MAX, c[2].id);
    assert_int_equal(plan_resolve(&plan, &rel, "r-1", &sim_crypto, c, N, NOW_MS, &set, NULL), 0);
    assert_int_equal(plan_notes(&plan, &set, c, note), 0);
    text_copy(plan.per_group.by, sizeof(plan.per_group.by), "site");
    assert_int_equal(plan_notes(&plan, &set, c, note), 1);
    assert_string_equal(note[0], "per_group caps nobody: none has a group site:…");
    c[1].group[0] = "site:roof";
    c[1].group_count = 1;
    assert_int_equal(plan_notes(&plan, &set, c, note), 1);
    assert_string_equal(note[0], "per_group: 3 of 4 have no group site:… and no cap");
    plan_set_free(&set);
    c[2].failed_before = true;
    assert_int_equal(plan_resolve(&plan, &rel, "r-1", &sim_crypto, c, N, NOW_MS, &set, NULL), 0);
    assert_int_equal(plan_notes(&plan, &set, c, note), 2);
    assert_string_equal(note[0], "stage canary is empty: all it names are left out");
    plan_set_free(&set);
}

static void named_canaries_come_first_and_are_part_of_the_number(void **state)
{
    enum { N = 40 };
    struct plan_candidate c[N];
    char id[N][16];
    struct rollout_plan plan;
    struct release rel = release();
    struct plan_set set;
    struct err err;
    (void)state;

    sim_plan(&plan);
    plan.stage[0].count = 5;
    snprintf(plan.named[0], sizeof(plan.named[0]), "dev-30");
    snprintf(plan.named[1], sizeof(plan.named[1]), "dev-3");
    snprintf(plan.named[2], sizeof(plan.named[2]), "dev-7"); /* kept for the second stage */
    plan.named_count = 3;
    plan.stage[0].named_count = 2;
    plan.stage[1].named_first = 2;
    plan.stage[1].named_count = 1;
    fleet(c, id, N);

    assert_int_equal(plan_resolve(&plan, &rel, "r-9", &sim_crypto, c, N, NOW_MS, &set, NULL), 0);
    assert_int_equal(set.stage_size[0], 5);
    assert_string_equal(c[set.member[0].candidate].id, "dev-30");
    assert_string_equal(c[set.member[1].candidate].id, "dev-3");
    assert_int_equal(set.stage_size[1], 15);
    assert_string_equal(c[set.member[5].candidate].id, "dev-7");
    assert_int_equal(set.count, N);
    plan_set_free(&set);

    snprintf(plan.named[2], sizeof(plan.named[2]), "nobody");
    assert_int_equal(plan_resolve(&plan, &rel, "r-9", &sim_crypto, c, N, NOW_MS, &set, &err), -1);
    assert_string_equal(err.text, "stages[1].devices: \"nobody\" is not among the devices that the "
                                  "target matches: check its spelling and the target");
}

static void each_device_left_out_has_its_reason(void **state)
{
    struct plan_candidate c[PLAN_EXCLUDED_COUNT + 1];
    char id[PLAN_EXCLUDED_COUNT + 1][16];
    struct rollout_plan plan;
    struct release rel = release();
    struct plan_set set;
    (void)state;

    sim_plan(&plan);
    plan.stage_count = 1;
    plan.stage[0] = (struct plan_stage){ .name = "one", .count = 1, .allowed_failure = -1 };
    fleet(c, id, PLAN_EXCLUDED_COUNT + 1);
    c[PLAN_EXCLUDED_ALREADY_THERE].image =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    c[PLAN_EXCLUDED_WRONG_PRODUCT].product = "pump";
    c[PLAN_EXCLUDED_WRONG_HW].hw = "esp32";
    c[PLAN_EXCLUDED_DOWNGRADE].release_seq = 18;
    c[PLAN_EXCLUDED_SECURITY].security = 3;
    c[PLAN_EXCLUDED_PRECURSOR].fw = "1.1.9";
    c[PLAN_EXCLUDED_AGENT_TOO_OLD].agent = 0;
    c[PLAN_EXCLUDED_NO_STATUS].image = "";
    c[PLAN_EXCLUDED_OFFLINE].online = false;
    c[PLAN_EXCLUDED_OFFLINE].last_seen_ms = NOW_MS - 8 * 86400000LL;
    c[PLAN_EXCLUDED_CERT_EXPIRES].cert_not_after = NOW_MS / 1000 + 60;
    c[PLAN_EXCLUDED_BAD_ID].id = "-bad";
    c[PLAN_EXCLUDED_FAILED_BEFORE].failed_before = true;
    assert_int_equal(plan_window_read("01:00-05:00 device", &plan.window, NULL), 0);
    for (int i = 0; i <= PLAN_EXCLUDED_COUNT; i++) {
        c[i].group[0] = i == PLAN_EXCLUDED_NO_ZONE ? "tz:" : "tz:Europe/Berlin";
        c[i].group_count = 1;
    }

    assert_int_equal(plan_resolve(&plan, &rel, "r-1", &sim_crypto, c, PLAN_EXCLUDED_COUNT + 1,
                                  NOW_MS, &set, NULL),
                     0);
    assert_int_equal(set.count, 1); /* two can take it, the second is beyond the last stage */
    assert_int_equal(set.excluded_count, PLAN_EXCLUDED_COUNT);
    for (uint32_t i = 0; i + 1 < set.excluded_count; i++)
        assert_int_equal(set.excluded[i].why, set.excluded[i].candidate);
    for (int why = 0; why < PLAN_EXCLUDED_COUNT; why++) {
        assert_int_equal(set.why_count[why], 1);
        assert_true(strlen(plan_excluded_text((enum plan_excluded)why)) > 5);
    }
    plan_set_free(&set);

    plan.include_failed = true; /* a person's choice */
    assert_int_equal(plan_judge(&plan, &rel, &c[PLAN_EXCLUDED_FAILED_BEFORE], NOW_MS),
                     PLAN_EXCLUDED_COUNT);
    plan.precursor = PLAN_PRECURSOR_REFUSE;
    struct err err;
    assert_int_equal(plan_resolve(&plan, &rel, "r-1", &sim_crypto, c, PLAN_EXCLUDED_COUNT + 1,
                                  NOW_MS, &set, &err),
                     -1);
    assert_string_equal(err.text, "precursor: 1 devices are too old for this release; bring them "
                                  "to 1.2.0 first, or say \"skip\"");
}

static void a_window_is_written_as_people_say_it(void **state)
{
    struct window w;
    struct err err;
    (void)state;

    assert_int_equal(plan_window_read("22:00-04:30 Europe/Berlin fri-sun", &w, &err), 0);
    assert_int_equal(w.from_min, 22 * 60);
    assert_int_equal(w.to_min, 4 * 60 + 30);
    assert_int_equal(w.days, 0x70);
    assert_string_equal(w.tz, "Europe/Berlin");
    assert_int_equal(plan_window_read("01:00-05:00", &w, &err), 0);
    assert_string_equal(w.tz, "UTC");
    assert_int_equal(plan_window_read("none", &w, &err), 0);
    assert_int_equal(w.days, 0);
    assert_int_equal(plan_window_read("at night", &w, &err), -1);
    assert_int_equal(plan_window_read("01:00-25:00", &w, &err), -1);
}

static void nobody_to_update_is_an_answer(void **state)
{
    struct plan_candidate c[2];
    char id[2][16];
    struct rollout_plan plan;
    struct release rel = release();
    struct plan_set set;
    struct err err;
    (void)state;

    sim_plan(&plan);
    fleet(c, id, 2);
    c[0].product = c[1].product = "pump";
    assert_int_equal(plan_resolve(&plan, &rel, "r", &sim_crypto, c, 2, NOW_MS, &set, &err), -1);
    assert_int_equal(err.code, EXIT_NO);
    assert_non_null(strstr(err.text, "none of the 2 devices"));
    assert_int_equal(plan_resolve(&plan, &rel, "r", &sim_crypto, c, 0, NOW_MS, &set, &err), -1);
    assert_string_equal(err.text, "target: no device matches");
}

static void wrong(const struct rollout_plan *plan, const char *says)
{
    struct err err = { 0 };

    assert_int_equal(plan_check(plan, &err), -1);
    assert_string_equal(err.text, says);
    assert_int_equal(err.code, EXIT_USAGE);
}

static void a_wrong_plan_is_told_where(void **state)
{
    struct rollout_plan good, plan;
    (void)state;

    sim_plan(&good);
    assert_int_equal(plan_check(&good, NULL), 0);

    plan = good;
    plan.stage[0].count = 0;
    plan.stage[0].share_ppm = 600000;
    wrong(&plan, "stages[1].percent: 50 is less than the 60 of stages[0]; stages are cumulative");
    plan = good;
    plan.stage[1].count = 4;
    wrong(&plan, "stages[1]: give percent or count, not both");
    plan = good;
    plan.stage[1].share_ppm = 0;
    wrong(&plan, "stages[1]: needs percent, count or devices");
    plan = good;
    memcpy(plan.stage[2].name, "half", 5);
    wrong(&plan, "stages[2].name: \"half\" is also stages[1]");
    plan = good;
    plan.stage_count = 0;
    wrong(&plan, "stages: from 1 to 16");
    plan = good;
    plan.gate.confidence = 1;
    wrong(&plan, "gate.confidence: must be at least 0.5 and less than 1");
    plan = good;
    plan.gate.allowed_failure = nan("");
    wrong(&plan, "gate.allowed_failure: must be from 0 to 1");
    plan = good;
    plan.in_flight = 0;
    wrong(&plan, "in_flight: 0 is not from 1 to 1000000");
    plan = good;
    plan.deadline_s = 80;
    wrong(&plan, "deadline: must be longer than jitter and trial together");
    plan = good;
    plan.version[0] = '\0';
    wrong(&plan, "release: write PRODUCT@VERSION, such as weather@1.4.0");
    plan = good;
    plan.named_count = 2;
    memcpy(plan.named[0], "a", 2);
    memcpy(plan.named[1], "a", 2);
    wrong(&plan, "stages[2].devices: \"a\" is named twice");
}

static void the_first_of_several_stages_allows_no_failure(void **state)
{
    struct rollout_plan plan;
    (void)state;

    sim_plan(&plan);
    assert_true(plan_stage_allowed(&plan, 0) <= 0);
    assert_true(plan_stage_allowed(&plan, 1) > 0.049);
    plan.stage[0].allowed_failure = 0.2;
    assert_true(plan_stage_allowed(&plan, 0) > 0.19);
    plan.stage[0].allowed_failure = -1;
    plan.stage_count = 1;
    assert_true(plan_stage_allowed(&plan, 0) > 0.049);
}

static void the_preview_says_what_it_will_cost_and_show(void **state)
{
    enum { N = 1000 };
    static struct plan_candidate c[N];
    static char id[N][16];
    struct rollout_plan plan;
    struct release rel = release();
    struct plan_set set;
    struct plan_preview p;
    (void)state;

    plan_defaults(&plan);
    plan_default_stages(&plan);
    plan.in_flight = 1000;
    fleet(c, id, N);
    assert_int_equal(plan_resolve(&plan, &rel, "r", &sim_crypto, c, N, NOW_MS, &set, NULL), 0);
    plan_preview(&plan, &set, 900000, 30000, &p);

    assert_int_equal(p.bytes, 900000000);
    assert_true(fabs(p.download_s - 30) < 1e-9);
    assert_int_equal(p.stage[0].tolerated, 0);
    assert_true(fabs(p.stage[0].clean_upper - 0.2589) < 1e-4); /* 0 of 10: still 26 % */
    assert_int_equal(p.stage[0].clean_needed, 59);
    assert_int_equal(p.stage[1].cumulative, 50);
    assert_int_equal(p.stage[1].tolerated, 2);  /* too few to show 5 %: the observed rate */
    assert_int_equal(p.stage[3].tolerated, 38); /* 38 of 1000 shows < 5 %, 39 does not */
    assert_true(fabs(p.stage[3].peak_mean - 500 * 30.0 / 600) < 1e-9);
    assert_true(fabs(p.stage[3].peak_high - (25 + 4 * 5)) < 1e-9);
    assert_int_equal(p.stage[0].earliest_s, 0);
    assert_int_equal(p.stage[1].earliest_s, 600 + 30 + 300 + 3600);
    plan_set_free(&set);
}

/* 10 devices: 2, then all. Monday 21 September 2026, 14:13:20. */
static void scheduled(const char *window, uint32_t bandwidth, const char *group,
                      struct plan_preview *p)
{
    struct plan_candidate c[10];
    char id[10][16];
    struct rollout_plan plan;
    struct release rel = release();
    struct plan_set set;
    struct zone zone;

    sim_plan(&plan);
    plan.stage_count = 2;
    plan.stage[1].share_ppm = 1000000;
    plan.stage[0].soak_s = 3600;
    plan.bandwidth = bandwidth;
    assert_int_equal(plan_window_read(window, &plan.window, NULL), 0);
    zone_utc(&zone);
    fleet(c, id, 10);
    for (int i = 0; i < 10; i++) {
        c[i].group[0] = group;
        c[i].group_count = 1;
    }
    if (group[0]) {
        memcpy(plan.per_group.by, "site", 5);
        plan.per_group.max = 1;
    }
    assert_int_equal(plan_resolve(&plan, &rel, "r", &sim_crypto, c, 10, NOW_MS, &set, NULL), 0);
    plan_preview(&plan, &set, 900000, 30000, p);
    plan_schedule(&plan, &set, c, &zone, NOW_MS / 1000, p);
    plan_set_free(&set);
}

static void the_schedule_keeps_to_windows_and_caps(void **state)
{
    struct plan_preview p;
    int64_t now = NOW_MS / 1000;
    int64_t each = 60 + 30 + 30; /* jitter, download, trial */
    (void)state;

    scheduled("none", 0, "", &p);
    assert_int_equal(p.stage[0].starts_s, now);
    assert_int_equal(p.stage[0].ends_s, now + each + 3600);
    assert_int_equal(p.stage[1].starts_s, p.stage[0].ends_s);
    assert_int_equal(p.stage[1].ends_s, p.stage[1].starts_s + each + 20);

    scheduled("15:00-15:30 UTC", 0, "", &p); /* 14:13:20 -> 15:00; then tomorrow */
    assert_int_equal(p.stage[0].starts_s, now + 2800);
    assert_int_equal(p.stage[1].starts_s, now + 2800 + 86400);
    scheduled("14:00-14:14 UTC", 0, "", &p); /* 40 s are left: no slot fits */
    assert_int_equal(p.stage[0].starts_s, now - 800 + 86400);

    scheduled("none", 9000, "", &p); /* one in 100 s: the eighth after 700 s */
    assert_int_equal(p.stage[1].ends_s, p.stage[1].starts_s + 700 + each + 20);
    scheduled("none", 0, "site:a", &p); /* one at a time: eight in a row, 30 + 60 s apart */
    assert_int_equal(p.stage[1].largest_group, 8);
    assert_int_equal(p.stage[1].ends_s, p.stage[1].starts_s + 7 * (30 + 60) + each + 20);
}

static void what_a_stage_shows_is_said_in_words(void **state)
{
    struct rollout_plan plan;
    struct plan_preview p = { .stage_count = 1 };
    char text[PLAN_CLEAN_TEXT];
    (void)state;

    plan_defaults(&plan);
    plan_default_stages(&plan);
    p.stage[0].cumulative = 10;
    p.stage[0].clean_upper = 0.2589;
    p.stage[0].clean_needed = 59;
    plan_clean_text(&plan, &p, 0, text);
    assert_string_equal(text, "0 of 10 failed: the true rate may still be 26 %; 59 clean devices "
                              "are needed for 5 %");
    p.stage[0].cumulative = 300;
    p.stage[0].clean_upper = 0.00994;
    plan_clean_text(&plan, &p, 0, text);
    assert_string_equal(text, "0 of 300 failed: the true rate is below 1.0 %");
    plan_gate_text(&plan, &p, 0, text);
    assert_string_equal(text, "none of 300 may fail");
    p.stage[1].cumulative = 61;
    p.stage[1].tolerated = 3;
    plan_gate_text(&plan, &p, 1, text);
    assert_string_equal(text, "up to 3 of 61 may fail (5 % allowed)");
}

static void the_jitter_for_a_peak_keeps_that_peak(void **state)
{
    uint32_t jitter = plan_jitter_for_peak(1000, 30, 45);
    (void)state;

    assert_int_equal(jitter, 1200); /* mean 25, and 4 * 5 */
    assert_int_equal(plan_jitter_for_peak(10, 30, 10), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_are_exact_and_cumulative),
        cmocka_unit_test(a_share_of_few_devices_is_never_empty_and_never_one_too_many),
        cmocka_unit_test(what_is_probably_not_meant_is_noted),
        cmocka_unit_test(named_canaries_come_first_and_are_part_of_the_number),
        cmocka_unit_test(each_device_left_out_has_its_reason),
        cmocka_unit_test(a_window_is_written_as_people_say_it),
        cmocka_unit_test(nobody_to_update_is_an_answer),
        cmocka_unit_test(a_wrong_plan_is_told_where),
        cmocka_unit_test(the_first_of_several_stages_allows_no_failure),
        cmocka_unit_test(the_preview_says_what_it_will_cost_and_show),
        cmocka_unit_test(the_schedule_keeps_to_windows_and_caps),
        cmocka_unit_test(what_a_stage_shows_is_said_in_words),
        cmocka_unit_test(the_jitter_for_a_peak_keeps_that_peak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
