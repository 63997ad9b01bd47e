#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/topic.h"

/* What parses to what is in tests/cases/topic. */

static void goes_both_ways(const char *root, enum topic_kind kind, const char *id, const char *sub,
                           const char *expected)
{
    char text[PROTO_TOPIC_MAX];
    struct topic t;

    int n = topic_format(text, sizeof(text), root, id, kind, sub);
    assert_int_equal(n, strlen(expected));
    assert_string_equal(text, expected);
    topic_parse(root, text, &t);
    assert_int_equal(t.kind, kind);
    assert_string_equal(t.id, id);
    assert_string_equal(t.sub, sub ? sub : "");
    for (size_t cap = 0; cap <= (size_t)n; cap++)
        assert_int_equal(topic_format(text, cap, root, id, kind, sub), -1);
}

static void every_kind_goes_both_ways(void **state)
{
    (void)state;
    goes_both_ways("devices", TOPIC_STATUS, "s-1", NULL, "devices/s-1/status");
    goes_both_ways("devices", TOPIC_TELEMETRY, "s-1", "env", "devices/s-1/telemetry/env");
    goes_both_ways("devices", TOPIC_LOG, "s-1", NULL, "devices/s-1/log");
    goes_both_ways("devices", TOPIC_REPORT, "s-1", NULL, "devices/s-1/ota/report");
    goes_both_ways("devices", TOPIC_COMMAND, "s-1", "update", "devices/s-1/commands/update");
    goes_both_ways("devices", TOPIC_REPLY, "s-1", "reboot", "devices/s-1/reply/reboot");
    goes_both_ways("devices", TOPIC_ROLLOUT, "r-1", NULL, "fleet/rollouts/r-1");
    goes_both_ways("devices", TOPIC_RELEASE, "weather", NULL, "fleet/releases/weather");
    goes_both_ways("site/7/things", TOPIC_STATUS, "a", NULL, "site/7/things/a/status");
}

static void another_root_is_not_ours(void **state)
{
    struct topic t;
    (void)state;

    topic_parse("site/7", "devices/a/status", &t);
    assert_int_equal(t.kind, TOPIC_OTHER);
    topic_parse("site/7", "fleet/rollouts/r-1", &t);
    assert_int_equal(t.kind, TOPIC_ROLLOUT);
    topic_parse("fleet", "fleet/a/status", &t);
    assert_int_equal(t.kind, TOPIC_STATUS);
}

static void a_topic_that_would_go_astray_is_not_built(void **state)
{
    char out[PROTO_TOPIC_MAX];
    (void)state;

    assert_int_equal(topic_format(out, sizeof(out), "devices", "+", TOPIC_STATUS, NULL), -1);
    assert_int_equal(topic_format(out, sizeof(out), "devices", "a/b", TOPIC_STATUS, NULL), -1);
    assert_int_equal(topic_format(out, sizeof(out), "devices", "", TOPIC_STATUS, NULL), -1);
    assert_int_equal(topic_format(out, sizeof(out), "devices", "a", TOPIC_COMMAND, NULL), -1);
    assert_int_equal(topic_format(out, sizeof(out), "devices", "a", TOPIC_COMMAND, "#"), -1);
    assert_int_equal(topic_format(out, sizeof(out), "devices", "a", TOPIC_COMMAND, "x/y"), -1);
    assert_int_equal(topic_format(out, sizeof(out), "devices", "a", TOPIC_TELEMETRY, "x/+"), -1);
    assert_int_equal(topic_format(out, sizeof(out), "devices", "a", TOPIC_OTHER, NULL), -1);
    assert_string_equal(out, "");
}

static void levels_above_and_below_a_known_topic_are_not_ours(void **state)
{
    struct topic t;
    (void)state;

    topic_parse("devices", "devices/a/ota/report/x", &t);
    assert_int_equal(t.kind, TOPIC_OTHER);
    topic_parse("devices", "devices/a/ota", &t);
    assert_int_equal(t.kind, TOPIC_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_goes_both_ways),
        cmocka_unit_test(another_root_is_not_ours),
        cmocka_unit_test(a_topic_that_would_go_astray_is_not_built),
        cmocka_unit_test(levels_above_and_below_a_known_topic_are_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
