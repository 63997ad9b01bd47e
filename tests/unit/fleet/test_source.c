#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fleet/fleet.h"

static void a_plus_stands_for_one_level_and_a_hash_for_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *topic;
        bool match;
    } rows[] = {
        { "sensors", "sensors", true },
        { "sensors", "sensors/a", false },
        { "sensors/#", "sensors", true },
        { "sensors/#", "sensors/a/b", true },
        { "sensors/+", "sensors/a", true },
        { "sensors/+", "sensors/a/b", false },
        { "sensors/+", "sensors", false },
        { "+/+/t", "a/b/t", true },
        { "+/t", "/t", true },
        { "#", "a/b", true },
        { "#", "$SYS/broker", false },
        { "+/broker", "$SYS/broker", false },
        { "$SYS/#", "$SYS/broker", true },
        { "a/b", "a/bc", false },
        { "a/bc", "a/b", false },
        { "a/#", "ab", false },
        { "a/+/#", "a/b", true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (fleet_topic_matches(rows[i].filter, rows[i].topic) != rows[i].match)
            fail_msg("%s against %s", rows[i].filter, rows[i].topic);
}

static void a_source_says_where_its_ids_are(void **state)
{
    struct fleet_source source;
    struct err err;
    (void)state;

    assert_int_equal(fleet_source_parse("seed", "sensors/#", "tag:location", &source, &err), 0);
    assert_int_equal(source.from, FLEET_ID_TAG);
    assert_string_equal(source.key, "location");

    assert_int_equal(fleet_source_parse("z", "zigbee2mqtt/+", "topic:2", &source, &err), 0);
    assert_int_equal(source.from, FLEET_ID_TOPIC);
    assert_int_equal(source.level, 2);

    assert_int_equal(fleet_source_parse("j", "tele", "json:device", &source, &err), 0);
    assert_int_equal(source.from, FLEET_ID_JSON);
}

static void a_source_that_cannot_work_is_refused_with_the_reason(void **state)
{
    static const char *const topics[] = { "", "a/#/b", "a+/b", "a/b#" };
    static const char *const ids[] = { "", "tag:", "json:", "topic:0", "topic:x", "location" };
    struct fleet_source source;
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
        assert_int_equal(fleet_source_parse("s", topics[i], "tag:x", &source, &err), -1);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        assert_int_equal(fleet_source_parse("s", "a/#", ids[i], &source, &err), -1);
    assert_int_equal(err.code, EXIT_USAGE);
    assert_non_null(strstr(err.text, "location"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plus_stands_for_one_level_and_a_hash_for_the_rest),
        cmocka_unit_test(a_source_says_where_its_ids_are),
        cmocka_unit_test(a_source_that_cannot_work_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
