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
    assert_int_equal(plan.retries, usual.retries);
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
        "{\"name\":\"b\",\"percent\":12.3456},{\"name\":\"c\",\"count\":7,\"devices\":[\"z\"]}],"
        "\"stop\":{\"allowed_failure\":0.25},\"on_stop\":\"abort\",\"jitter\":0}";
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
    free(text);
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
          "windows: is not a field that a plan has here");
    wrong("{\"release\":\"a@1.0.0\",\"a\\u001b[2J\":1}",
          "a?[2J: is not a field that a plan has here");
    wrong("{\"release\":\"a@1.0.0\",\"jitter\":-1}",
          "jitter: must be a whole number, not negative");
    wrong("{\"release\":\"a@1.0.0\",\"jitter\":1.5}",
          "jitter: must be a whole number, not negative");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[]}", "stages: from 1 to 16");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[1]}", "stages[0]: must be an object");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[{\"name\":\"a\",\"percent\":101}]}",
          "stages[0].percent: must be more than 0 and at most 100");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[{\"name\":\"a\",\"percent\":0.00001}]}",
          "stages[0].percent: at most four decimals");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[{\"name\":\"a\",\"percent\":5},"
          "{\"name\":\"b\",\"percent\":4}]}",
          "stages[1].percent: 4 is less than the 5 of stages[0]; stages are cumulative");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[{\"name\":\"a\",\"percent\":5,\"approval\":true}]}",
          "stages[0].approval: is not a field that a plan has here");
    wrong("{\"release\":\"a@1.0.0\",\"stages\":[{\"name\":\"a\",\"devices\":[\"x\",1]}]}",
          "stages[0].devices: must be device ids");
    wrong("{\"release\":\"a@1.0.0\",\"gate\":{\"max_silent\":2}}",
          "gate.max_silent: must be a number from 0 to 1");
    wrong("{\"release\":\"a@1.0.0\",\"stop\":[]}", "stop: must be an object");
    wrong("{\"release\":\"a@1.0.0\",\"on_stop\":\"retry\"}",
          "on_stop: must be \"pause\" or \"abort\"");
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
        cmocka_unit_test(a_release_alone_is_a_plan),
        cmocka_unit_test(a_plan_survives_its_own_json),
        cmocka_unit_test(each_mistake_is_named),
        cmocka_unit_test(a_plan_too_long_to_be_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
