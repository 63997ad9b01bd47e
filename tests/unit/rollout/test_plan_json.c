#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rollout_json/plan_json.h"

static void wrong(const char *json, const char *says)
{
    struct rollout_plan plan;
    struct err err = { 0 };

    assert_int_equal(plan_decode(json, strlen(json), &plan, &err), -1);
    assert_string_equal(err.text, says);
    assert_int_equal(err.code, EXIT_USAGE);
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 65536);

    assert_non_null(f);
    assert_true(fread(text, 1, 65535, f) > 0);
    fclose(f);
    return text;
}

static void the_documents_example_is_a_plan(void **state)
{
    struct rollout_plan plan, usual;
    struct err err = { 0 };
    (void)state;

    char *text = slurp(MUSTER_SOURCE_DIR "/docs/rollouts.md");
    char *from = strstr(strstr(text, "<!-- example: plan -->"), "```json\n") + 8;
    char *to = strstr(from, "```");
    if (plan_decode(from, (size_t)(to - from), &plan, &err) != 0)
        fail_msg("docs/rollouts.md: %s", err.text);

    assert_string_equal(plan.product, "weather");
    assert_string_equal(plan.version, "1.4.0");
    assert_string_equal(plan.named[1], "sensor-019");
    assert_int_equal(plan.stage[0].named_count, 2);
    assert_int_equal(plan.stage[1].share_ppm, 50000);

    /* And it says the defaults truly. */
    plan_defaults(&usual);
    plan_default_stages(&usual);
    assert_int_equal(plan.jitter_s, usual.jitter_s);
    assert_int_equal(plan.trial_s, usual.trial_s);
    assert_int_equal(plan.in_flight, usual.in_flight);
    assert_memory_equal(&plan.gate, &usual.gate, sizeof(plan.gate));
    assert_memory_equal(&plan.retries, &usual.retries, sizeof(plan.retries));
    assert_int_equal(plan.retry_after_s, usual.retry_after_s);
    assert_int_equal(plan.deadline_s, usual.deadline_s);
    assert_int_equal(plan.max_offline_s, usual.max_offline_s);
    assert_int_equal(plan.on_stop, usual.on_stop);
    assert_int_equal(plan.stage_count, usual.stage_count);
    for (uint32_t i = 0; i < usual.stage_count; i++) {
        assert_string_equal(plan.stage[i].name, usual.stage[i].name);
        assert_int_equal(plan.stage[i].soak_s, usual.stage[i].soak_s);
        assert_int_equal(plan.stage[i].share_ppm, usual.stage[i].share_ppm);
    }
    free(text);
}

static void the_documents_other_example_has_every_rule(void **state)
{
    struct rollout_plan plan;
    struct err err = { 0 };
    (void)state;

    char *text = slurp(MUSTER_SOURCE_DIR "/docs/rollouts.md");
    char *from = strstr(strstr(text, "<!-- example: rules -->"), "```json\n") + 8;
    char *to = strstr(from, "```");
    if (plan_decode(from, (size_t)(to - from), &plan, &err) != 0)
        fail_msg("docs/rollouts.md: %s", err.text);
    assert_true(plan.stage[0].approval && plan.four_eyes);
    assert_string_equal(plan.window.tz, "Europe/Berlin");
    assert_string_equal(plan.per_group.by, "site");
    assert_int_equal(plan_retries_of(&plan, REASON_DNS), 0);
    free(text);
}

static void a_release_alone_is_a_plan(void **state)
{
    static const char json[] = "{\"release\":\"weather@1.4.0\"}";
    struct rollout_plan plan;
    (void)state;

    assert_int_equal(plan_decode(json, sizeof(json) - 1, &plan, NULL), 0);
    assert_int_equal(plan.stage_count, 4);
    assert_int_equal(plan.in_flight, 50);
}

static void a_plan_survives_its_own_json(void **state)
{
    static const char json[] =
        "{\"release\":\"weather@1.4.0-rc.1\",\"target\":\"tag:\\\"älter\\\"\",\"stages\":["
        "{\"name\":\"a\",\"devices\":[\"x\",\"y\"],\"allowed_failure\":0.1,\"soak\":5},"
        "{\"name\":\"b\",\"percent\":12.3456,\"approval\":true},{\"name\":\"c\",\"count\":7,"
        "\"devices\":[\"z\"]}],"
        "\"stop\":{\"allowed_failure\":0.25},\"on_stop\":\"abort\",\"jitter\":0,"
        "\"window\":{\"from\":\"22:30\",\"to\":\"04:00\",\"tz\":\"device\",\"days\":\"mon-wed,"
        "sat\"},"
        "\"per_group\":{\"by\":\"site\",\"max\":2},\"bandwidth\":1000000,\"late\":\"join\","
        "\"precursor\":\"refuse\",\"include_failed\":true,\"four_eyes\":true,"
        "\"gate\":{\"max_network\":0.2,\"max_power\":0},"
        "\"retries\":{\"network\":4,\"power\":0,\"hash_mismatch\":0,\"dns\":7,\"tls\":1}}";
    struct rollout_plan plan, again;
    struct err err = { 0 };
    (void)state;

    if (plan_decode(json, sizeof(json) - 1, &plan, &err) != 0)
        fail_msg("%s", err.text);
    char *text = plan_encode(&plan);
    if (plan_decode(text, strlen(text), &again, &err) != 0)
        fail_msg("%s: %s", text, err.text);
    assert_memory_equal(&again, &plan, sizeof(plan));
    assert_int_equal(plan.stage[1].share_ppm, 123456);
    assert_true(plan.stage[1].approval);
    assert_int_equal(plan.window.from_min, 22 * 60 + 30);
    assert_int_equal(plan.window.days, 0x27);
    assert_true(plan_is_in_device_time(&plan));
    assert_int_equal(plan.per_group.max, 2);
    assert_string_equal(plan.per_group.by, "site");
    assert_int_equal(plan.bandwidth, 1000000);
    assert_int_equal(plan.late, PLAN_LATE_JOIN);
    assert_int_equal(plan.precursor, PLAN_PRECURSOR_REFUSE);
    assert_true(plan.include_failed && plan.four_eyes);
    assert_true(plan.gate.max_power >= 0 && plan.gate.max_policy < 0);
    free(text);
}

static void what_is_tried_again_goes_by_reason_then_by_class(void **state)
{
    static const char json[] = "{\"release\":\"a@1.0.0\",\"retries\":{\"network\":4,\"dns\":7}}";
    static const char number[] = "{\"release\":\"a@1.0.0\",\"retries\":0}";
    struct rollout_plan plan;
    (void)state;

    assert_int_equal(plan_decode(json, sizeof(json) - 1, &plan, NULL), 0);
    assert_int_equal(plan_retries_of(&plan, REASON_DNS), 7);
    assert_int_equal(plan_retries_of(&plan, REASON_CONNECT), 4);
    assert_int_equal(plan_retries_of(&plan, REASON_BROWNOUT), 2);
    assert_int_equal(plan_retries_of(&plan, REASON_HASH_MISMATCH), 1);
    assert_int_equal(plan_retries_of(&plan, REASON_SELF_TEST), 0);
    assert_int_equal(plan_retries_of(&plan, REASON_LOW_BATTERY), 0);
    assert_int_equal(plan_decode(number, sizeof(number) - 1, &plan, NULL), 0);
    assert_int_equal(plan_retries_of(&plan, REASON_DNS), 0);
    assert_int_equal(plan_retries_of(&plan, REASON_HASH_MISMATCH), 0);
}

static void a_template_needs_no_release(void **state)
{
    static const char json[] = "{\"jitter\":30}";
    struct rollout_plan plan, again;
    struct err err = { 0 };
    (void)state;

    assert_int_equal(plan_decode(json, sizeof(json) - 1, &plan, &err), -1);
    assert_int_equal(plan_decode_template(json, sizeof(json) - 1, &plan, &err), 0);
    assert_int_equal(plan.jitter_s, 30);
    assert_string_equal(plan.product, "");
    char *text = plan_encode(&plan);
    assert_null(strstr(text, "release"));
    assert_int_equal(plan_decode_template(text, strlen(text), &again, NULL), 0);
    assert_memory_equal(&again, &plan, sizeof(plan));
    free(text);
    assert_int_equal(plan_decode_template("{\"trial\":100000}", 16, &plan, &err), -1);
    assert_string_equal(err.text, "line 1: trial: 100000 is not from 0 to 86400");
}

static void the_other_mistakes_are_named(void **state)
{
#define REST(text) "{\"release\":\"a@1.0.0\"," text "}"
    (void)state;

    wrong(REST("\"late\":\"no\""), "line 1: late: must be \"ignore\" or \"join\"");
    wrong(REST("\"precursor\":\"no\""), "line 1: precursor: must be \"skip\" or \"refuse\"");
    wrong(REST("\"four_eyes\":1"), "line 1: four_eyes: must be true or false");
    wrong(REST("\"window\":\"x\""), "line 1: window: must be an object");
    wrong(REST("\"window\":{\"to\":\"05:00\"}"),
          "line 1: window.from: is missing: a time of day like 01:00");
    wrong(REST("\"window\":{\"from\":\"1:00\",\"to\":\"05:00\"}"),
          "line 1: window.from: \"1:00\" is not a time of day like 01:00");
    wrong(REST("\"window\":{\"from\":\"01:00\",\"to\":\"05:00\",\"zone\":1}"),
          "line 1: window.zone: is not a field that a plan has here");
    wrong(REST("\"window\":{\"from\":\"01:00\",\"to\":\"01:10\"}"),
          "jitter: 600 s is not shorter than the window of 10 min");
    wrong(REST("\"per_group\":{\"max\":2}"),
          "line 1: per_group.by: is missing: the key of a label, such as site");
    wrong(REST("\"per_group\":{\"by\":\"site\",\"max\":0}"),
          "line 1: per_group.max: 0 is not from 1 to 1000000");
    wrong(REST("\"per_group\":{\"by\":\"a:b\"}"),
          "line 1: per_group.by: letters, digits, dot, dash and underscore only");
    wrong(REST("\"bandwidth\":-5"), "line 1: bandwidth: must be a whole number, not negative");
    wrong(REST("\"retries\":\"2\""), "line 1: retries: must be a whole number, not negative");
    wrong(REST("\"retries\":11"), "line 1: retries.network: 11 is not from 0 to 10");
    wrong(REST("\"retries\":{\"self_test\":1}"),
          "line 1: retries.self_test: class firmware is never tried "
          "again by itself; a person may: rollout retry");
    wrong(REST("\"retries\":{\"luck\":1}"),
          "line 1: retries.luck: is neither network, power nor a reason of these classes");
    wrong(REST("\"retries\":{\"hash_mismatch\":2}"),
          "line 1: retries.hash_mismatch: 2 is not from 0 to 1");
    wrong(REST("\"gate\":{\"max_policy\":1.5}"),
          "line 1: gate.max_policy: must be a number from 0 to 1");
    wrong(REST("\"stages\":[{\"name\":\"a\",\"percent\":100,\"approval\":true}]"),
          "line 1: stages[0].approval: the last stage has no next one to hold back");
#undef REST
}

static void the_line_of_a_mistake_is_said(void **state)
{
    (void)state;

    wrong("{\"release\":\"a@1.0.0\",\n \"stages\":[{\"name\":\"a\",\"percent\":5},\n"
          "  {\"name\":\"b\",\r\n   \"percent\":4}]}",
          "line 4: stages[1].percent: 4 is less than the 5 of stages[0]; stages are cumulative");
    wrong("{\"release\":\"a@1.0.0\",\n\n\"jiter\":7}",
          "line 3: jiter: is not a field that a plan has here; did you mean jitter?");
    /* Not there: where it should be. */
    wrong("{\"release\":\"a@1.0.0\",\n\"stages\":[\n{\"percent\":5}]}",
          "line 3: stages[0].name: is missing");
    /* Brackets, quotes and names in texts and values before it mislead nobody. */
    wrong(
        "{\"target\":\"name~\\\"}]{\\\\\",\"release\":\"a@1.0.0\",\n\"gate\":{\"confidence\":0.9,\n"
        "\"max_other\": 0.5\n,\"max_silent\":-1 }}",
        "line 4: gate.max_silent: must be a number from 0 to 1");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[{\"name\":\"a\",\"devices\":[\"x\"]},\n"
          "{\"name\":\"b\",\n\"devices\":[\"y\",\"x\"]}]}",
          "line 3: stages[1].devices: \"x\" is named twice");
    wrong("{\"release\":\"a@1.0.0\",\"jitter\":3,\n\"window\":{\"from\":\"01:00\",\n\"to\":\"5\"}}",
          "line 3: window.to: \"5\" is not a time of day like 01:00");
}

static void each_mistake_is_named(void **state)
{
    (void)state;

    wrong("[]", "plan: must be a JSON object");
    wrong("{\"release\":\"a@1.0.0\"", "plan: line 1, column 20: '}' expected near end of file");
    wrong("{\"release\":\"a@1.0.0\",\"release\":\"a@1.0.0\"}",
          "plan: line 1, column 30: duplicate object key near '\"release\"'");
    wrong("{}", "release: write PRODUCT@VERSION, such as weather@1.4.0");
    wrong("{\"release\":\"a@1.0.0\",\"windows\":1}",
          "line 1: windows: is not a field that a plan has here; did you mean window?");
    wrong("{\"release\":\"a@1.0.0\",\"a\\u001b[2J\":1}",
          "a?[2J: is not a field that a plan has here");
    wrong("{\"release\":\"a@1.0.0\",\"jitter\":-1}",
          "line 1: jitter: must be a whole number, not negative: seconds");
    wrong("{\"release\":\"a@1.0.0\",\"jitter\":1.5}",
          "line 1: jitter: must be a whole number, not negative: seconds");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[]}", "line 1: stages: from 1 to 16");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[1]}", "line 1: stages[0]: must be an object");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[{\"name\":\"a\",\"percent\":101}]}",
          "line 1: stages[0].percent: must be more than 0 and at most 100");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[{\"name\":\"a\",\"percent\":0.00001}]}",
          "line 1: stages[0].percent: at most four decimals");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[{\"name\":\"a\",\"percent\":5},"
          "{\"name\":\"b\",\"percent\":4}]}",
          "line 1: stages[1].percent: 4 is less than the 5 of stages[0]; stages are cumulative");
    wrong(
        "{\"release\":\"a@1.0.0\",\"stages\":[{\"name\":\"a\",\"percent\":5,\"approved\":true}]}",
        "line 1: stages[0].approved: is not a field that a plan has here; did you mean approval?");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[{\"name\":\"a\",\"devices\":[\"x\",1]}]}",
          "line 1: stages[0].devices: must be device ids");
    wrong("{\"release\":\"a@1.0.0\",\"gate\":{\"max_silent\":2}}",
          "line 1: gate.max_silent: must be a number from 0 to 1");
    wrong("{\"release\":\"a@1.0.0\",\"stop\":[]}", "line 1: stop: must be an object");
    wrong("{\"release\":\"a@1.0.0\",\"on_stop\":\"retry\"}",
          "line 1: on_stop: must be \"pause\" or \"abort\"");
}

static void a_plan_too_long_to_be_one_is_refused(void **state)
{
    struct rollout_plan plan;
    struct err err;
    char *text = calloc(1, PLAN_JSON_BYTES + 2);
    (void)state;

    memset(text, ' ', PLAN_JSON_BYTES + 1);
    assert_int_equal(plan_decode(text, PLAN_JSON_BYTES + 1, &plan, &err), -1);
    assert_string_equal(err.text, "plan: longer than 65536 bytes");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documents_example_is_a_plan),
        cmocka_unit_test(the_documents_other_example_has_every_rule),
        cmocka_unit_test(a_release_alone_is_a_plan),
        cmocka_unit_test(a_plan_survives_its_own_json),
        cmocka_unit_test(each_mistake_is_named),
        cmocka_unit_test(the_line_of_a_mistake_is_said),
        cmocka_unit_test(the_other_mistakes_are_named),
        cmocka_unit_test(what_is_tried_again_goes_by_reason_then_by_class),
        cmocka_unit_test(a_template_needs_no_release),
        cmocka_unit_test(a_plan_too_long_to_be_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
