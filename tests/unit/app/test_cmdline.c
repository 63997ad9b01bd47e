#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wordexp.h>
#include <cmocka.h>

#include "base/cmd.h"
#include "cmdline.h"
#include "plan_options.h"
#include "screens/stages.h"

/* Lines of the console's log are read here as a shell and the program would read them. */
static const struct profile profile = { .path = "/srv/it's a fleet/profile.ini",
                                        .dir = "/srv/it's a fleet" };

static void as_words(const struct cmdline *c, wordexp_t *w)
{
    assert_false(c->cut);
    assert_int_equal(wordexp(cmdline_text(c), w, WRDE_NOCMD | WRDE_UNDEF), 0);
    assert_string_equal(w->we_wordv[0], "muster");
    assert_string_equal(w->we_wordv[1], "--profile");
}

static void any_word_reaches_the_program_as_it_was(void **state)
{
    static const char *const words[] = { "plain",    "it's", "$HOME `x` \"y\"", "a;b|c&d", "*?[x]",
                                         "~/x",      "",     "two words",       "#no",     "x!y",
                                         "id=\"a\"", "a\\b", "(seq 1)",         "a>b<c" };
    struct cmdline c;
    wordexp_t w;
    (void)state;
    cmdline_begin(&c, &profile, "alerts ack");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        cmdline_word(&c, words[i]);
    as_words(&c, &w);
    assert_string_equal(w.we_wordv[2], "/srv/it's a fleet/profile.ini");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_string_equal(w.we_wordv[5 + i], words[i]);
    wordfree(&w);
}

static void the_default_profile_is_not_named_and_one_beside_it_by_its_name(void **state)
{
    struct profile home = { .path = "/etc/x/muster/default.ini", .dir = "/etc/x/muster" };
    struct cmdline c;
    (void)state;
    setenv("XDG_CONFIG_HOME", "/etc/x", 1);
    cmdline_begin(&c, &home, "ls");
    assert_string_equal(cmdline_text(&c), "muster ls");
    strcpy(home.path, "/etc/x/muster/prod.ini");
    cmdline_begin(&c, &home, "ls");
    assert_string_equal(cmdline_text(&c), "muster --profile prod ls");
}

static void what_would_be_asked_is_answered(void **state)
{
    const struct profile p = { .path = "p.ini", .dir = "/d" };
    const struct order_config set = { .has_interval = true, .interval = 30 };
    struct rollout_ask ask = { .reason = REASON_NONE };
    struct cmdline c;
    (void)state;
    cmdline_device(&c, &p, VERB_REBOOT, "sensor-001", NULL);
    assert_string_equal(cmdline_text(&c),
                        "muster --profile /d/p.ini device reboot sensor-001 --yes");
    cmdline_device(&c, &p, VERB_CONFIG, "sensor-001", &set);
    assert_string_equal(cmdline_text(&c),
                        "muster --profile /d/p.ini device config sensor-001 interval=30 --yes");
    cmdline_act(&c, &p, ROLLOUT_ACT_ABORT, "r-1", &ask);
    assert_string_equal(cmdline_text(&c), "muster --profile /d/p.ini rollout abort r-1 --yes");
}

static void an_act_has_its_options_as_the_command_takes_them(void **state)
{
    const struct profile p = { .path = "p.ini", .dir = "/d" };
    struct rollout_ask ask = { .reason = REASON_DNS, .cls = REASON_CLASS_NETWORK };
    struct cmdline c;
    (void)state;
    cmdline_act(&c, &p, ROLLOUT_ACT_RETRY, "r-1", &ask);
    assert_string_equal(cmdline_text(&c),
                        "muster --profile /d/p.ini rollout retry r-1 --reason dns --class network");
    ask = (struct rollout_ask){ .reason = REASON_NONE,
                                .set = ROLLOUT_SET_IN_FLIGHT | ROLLOUT_SET_JITTER,
                                .in_flight = 20,
                                .jitter_s = 60 };
    cmdline_act(&c, &p, ROLLOUT_ACT_SET, "r-1", &ask);
    assert_string_equal(cmdline_text(&c),
                        "muster --profile /d/p.ini rollout set r-1 in-flight=20 jitter=60");
    ask = (struct rollout_ask){ .reason = REASON_NONE, .stage = "canary", .remark = "looks good" };
    cmdline_act(&c, &p, ROLLOUT_ACT_APPROVE, "r-1", &ask);
    assert_string_equal(
        cmdline_text(&c),
        "muster --profile /d/p.ini rollout approve r-1 canary --remark 'looks good'");
}

static void a_silence_says_whom_how_long_and_why(void **state)
{
    const struct profile p = { .path = "p.ini", .dir = "/d" };
    const struct alert_silence s = {
        .rule = "hot", .target = "id=\"a\"", .reason = "oven day", .until_ms = 3601000
    };
    struct cmdline c;
    (void)state;
    cmdline_silence(&c, &p, &s, 1000);
    assert_string_equal(cmdline_text(&c), "muster --profile /d/p.ini alerts silence 'id=\"a\"' "
                                          "--rule hot --for 3600s --reason 'oven day'");
}

/* The plan that the program makes of a line. */
static void read_back(const struct cmdline *c, struct rollout_plan *plan)
{
    static const struct command start = { .name = "rollout start", .options = plan_options };
    struct cmd_args args;
    struct err err = { 0 };
    wordexp_t w;
    as_words(c, &w);
    if (cmd_parse(&start, (int)w.we_wordc - 5, w.we_wordv + 5, &args, &err) ||
        plan_make(&args, 0, true, plan, &err))
        fail_msg("%s: %s", cmdline_text(c), err.text);
    wordfree(&w);
}

static void assert_same_plan(const struct rollout_plan *a, const struct rollout_plan *b)
{
    char x[512], y[512];
    assert_string_equal(a->product, b->product);
    assert_string_equal(a->version, b->version);
    assert_string_equal(a->target, b->target);
    assert_true(stages_text(b, y, sizeof(y)));
    assert_int_equal(a->stage_count, b->stage_count);
    for (uint32_t i = 0; i < a->stage_count; i++)
        assert_true(fabs(plan_stage_allowed(a, i) - plan_stage_allowed(b, i)) < 1e-9);
    for (uint32_t i = 0; i < a->stage_count; i++)
        assert_int_equal(a->stage[i].approval, b->stage[i].approval);
    assert_true(stages_text(a, x, sizeof(x)));
    assert_int_equal(a->jitter_s, b->jitter_s);
    assert_int_equal(a->trial_s, b->trial_s);
    assert_int_equal(a->in_flight, b->in_flight);
    assert_int_equal(a->deadline_s, b->deadline_s);
    assert_int_equal(a->bandwidth, b->bandwidth);
    assert_string_equal(a->per_group.by, b->per_group.by);
    assert_int_equal(a->per_group.max, b->per_group.max);
    assert_memory_equal(&a->window, &b->window, sizeof(a->window));
    assert_true(fabs(a->gate.allowed_failure - b->gate.allowed_failure) < 1e-9);
    assert_int_equal(a->gate.min_sample, b->gate.min_sample);
    assert_int_equal(a->gate.silence_after_s, b->gate.silence_after_s);
    assert_true(fabs(plan_stop_allowed(a) - plan_stop_allowed(b)) < 1e-9);
    assert_int_equal(a->on_stop, b->on_stop);
    assert_int_equal(a->late, b->late);
    assert_int_equal(a->four_eyes, b->four_eyes);
    assert_int_equal(a->include_failed, b->include_failed);
}

static void a_rollout_started_again_from_its_line_is_the_same_plan(void **state)
{
    static struct rollout_plan plan, again;
    struct cmdline c;
    struct err err;
    char problem[128];
    (void)state;
    plan_defaults(&plan);
    assert_int_equal(plan_set_release(&plan, "weather@1.4.0", &err), 0);
    strcpy(plan.target, "product:weather and not \"it's\"");
    assert_int_equal(stages_parse("canary 2 soak 30s, half 50% fail 2% approve, rest", &plan,
                                  problem, sizeof(problem)),
                     0);
    cmdline_start(&c, &profile, &plan);
    assert_null(strchr(cmdline_text(&c), '#'));
    read_back(&c, &again);
    assert_same_plan(&plan, &again);

    const struct profile near = { .path = "p.ini", .dir = "/d" };
    strcpy(plan.target, "hall");
    plan.gate.allowed_failure = 0.125;
    plan.jitter_s = 7;
    plan.bandwidth = 500000;
    strcpy(plan.per_group.by, "site");
    plan.per_group.max = 2;
    plan.deadline_s = 7200;
    plan.gate.min_sample = 9;
    plan.gate.silence_after_s = 77;
    plan.on_stop = PLAN_STOP_ABORT;
    plan.late = PLAN_LATE_JOIN;
    plan.four_eyes = plan.include_failed = true;
    assert_int_equal(plan_window_read("01:00-05:00 Europe/Berlin mon-fri", &plan.window, &err), 0);
    cmdline_start(&c, &near, &plan);
    read_back(&c, &again);
    assert_same_plan(&plan, &again);
}

static void what_no_option_can_say_is_told(void **state)
{
    static struct rollout_plan plan;
    struct cmdline c;
    struct err err;
    (void)state;
    plan_defaults(&plan);
    plan_default_stages(&plan);
    plan_set_release(&plan, "weather@1.4.0", &err);
    plan.gate.confidence = 0.99;
    cmdline_start(&c, &profile, &plan);
    assert_non_null(strstr(cmdline_text(&c), "   # "));
}

static void a_line_that_does_not_fit_is_a_remark_and_no_half_a_command(void **state)
{
    struct cmdline c;
    (void)state;
    cmdline_begin(&c, &profile, "ls");
    for (int i = 0; i < 100; i++)
        cmdline_word(&c, "sensor-001");
    assert_true(c.cut);
    assert_int_equal(cmdline_text(&c)[0], '#');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_word_reaches_the_program_as_it_was),
        cmocka_unit_test(the_default_profile_is_not_named_and_one_beside_it_by_its_name),
        cmocka_unit_test(what_would_be_asked_is_answered),
        cmocka_unit_test(an_act_has_its_options_as_the_command_takes_them),
        cmocka_unit_test(a_silence_says_whom_how_long_and_why),
        cmocka_unit_test(a_rollout_started_again_from_its_line_is_the_same_plan),
        cmocka_unit_test(what_no_option_can_say_is_told),
        cmocka_unit_test(a_line_that_does_not_fit_is_a_remark_and_no_half_a_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
