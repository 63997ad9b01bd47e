#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/reading.h"

/* The formats in the field, and what is refused, are in tests/cases/readings. */

static double value_of(const char *number)
{
    struct readings r;
    char text[128];
    int n = snprintf(text, sizeof(text), "{\"x\":%s}", number);

    assert_int_equal(readings_decode(text, (size_t)n, &r), 0);
    assert_int_equal(r.count, 1);
    return r.item[0].value;
}

static void assert_same(double got, double expected, const char *text)
{
    if (memcmp(&got, &expected, sizeof(got)) != 0)
        fail_msg("%s: %.17g, not %.17g", text, got, expected);
}

static void numbers_of_a_sensor_are_exact(void **state)
{
    char text[40];
    (void)state;

    for (int i = -5000; i <= 5000; i += 7) {
        for (int decimals = 0; decimals <= 6; decimals++) {
            int n = snprintf(text, sizeof(text), "%.*f", decimals, i / 97.0);
            assert_true(n > 0);
            assert_same(value_of(text), strtod(text, NULL), text);
        }
    }
    static const char *const some[] = { "0",    "-0.0",  "101325.00",       "9007199254740992",
                                        "1e22", "1e-22", "1.5E+3",          "0.000001",
                                        "4.35", "1e0",   "123456789.123456" };
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
        assert_same(value_of(some[i]), strtod(some[i], NULL), some[i]);
}

static void other_numbers_are_near_enough(void **state)
{
    static const char *const some[] = { "21.530000686645508",
                                        "123456789012345678901234567890",
                                        "1.7976931348623157e308",
                                        "2.2250738585072014e-308",
                                        "0.1000000000000000055511151231257827",
                                        "3.141592653589793238462643383279502884e-100",
                                        "99999999999999999999e20",
                                        "1e23",
                                        "5e60",
                                        "7e-25",
                                        "3e-60" };
    (void)state;

    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        double expected = strtod(some[i], NULL), got = value_of(some[i]);
        if (fabs(got - expected) > fabs(expected) * 1e-15)
            fail_msg("%s: %.17g, not %.17g", some[i], got, expected);
    }
}

static void the_locale_has_no_say(void **state)
{
    (void)state;
    (void)setlocale(LC_ALL, "de_DE.UTF-8"); /* where the machine has it */
    assert_same(value_of("21.53"), 21.53, "21.53");
    (void)setlocale(LC_ALL, "C");
}

static void a_message_of_the_largest_size_is_read_and_no_larger(void **state)
{
    static char body[PROTO_READINGS_BYTES + 1];
    struct readings r;
    (void)state;

    memset(body, ' ', sizeof(body));
    memcpy(body, "{\"t\":1", 6);
    body[PROTO_READINGS_BYTES - 1] = '}';
    assert_int_equal(readings_decode(body, PROTO_READINGS_BYTES, &r), 0);
    assert_int_equal(r.count, 1);
    body[PROTO_READINGS_BYTES - 1] = ' ';
    body[PROTO_READINGS_BYTES] = '}';
    assert_int_equal(readings_decode(body, PROTO_READINGS_BYTES + 1, &r), -1);
    assert_int_equal(r.count, 0);
}

static void only_what_counts_is_written(void **state)
{
    struct readings r;
    (void)state;

    memset(&r, 0x5a, sizeof(r));
    assert_int_equal(readings_decode("{\"t\":1}", 7, &r), 0);
    assert_int_equal(r.count, 1);
    assert_int_equal((unsigned char)r.item[1].name[0], 0x5a);
}

static void fields_and_tags_are_found_for_a_source(void **state)
{
    const char json[] = "{\"location\":\"roof \\u00e9\",\"n\":5,\"nested\":{\"id\":\"x\"},\"t\":1}";
    const char line[] = "weather,location=living\\ room,id=b1 t=1\nweather,id=b2 t=2";
    char both[160], out[16];
    (void)state;

    assert_int_equal(readings_field(json, strlen(json), "location", out, sizeof(out)), 0);
    assert_string_equal(out, "roof \xc3\xa9");
    assert_int_equal(readings_field(json, strlen(json), "location", out, 6), -1);
    assert_string_equal(out, "");
    assert_int_equal(readings_field(json, strlen(json), "n", out, sizeof(out)), -1);
    assert_int_equal(readings_field(json, strlen(json), "id", out, sizeof(out)), -1);
    assert_int_equal(readings_field(line, strlen(line), "location", out, sizeof(out)), -1);

    assert_int_equal(readings_tag(line, strlen(line), "location", out, sizeof(out)), 0);
    assert_string_equal(out, "living room");
    assert_int_equal(readings_tag(line, strlen(line), "id", out, sizeof(out)), 0);
    assert_string_equal(out, "b1");
    assert_int_equal(readings_tag(line, strlen(line), "none", out, sizeof(out)), -1);
    assert_int_equal(readings_tag(line, strlen(line), "location", out, 5), -1);
    assert_string_equal(out, "");
    assert_int_equal(readings_tag(json, strlen(json), "location", out, sizeof(out)), -1);

    int n = snprintf(both, sizeof(both), "%s%s", json, line);
    assert_int_equal(readings_field(both, (size_t)n, "location", out, sizeof(out)), 0);
    assert_string_equal(out, "roof \xc3\xa9");
    assert_int_equal(readings_tag(both, (size_t)n, "id", out, sizeof(out)), 0);
    assert_string_equal(out, "b1");
}

static void names_have_one_spelling(void **state)
{
    static const char *const pairs[][2] = {
        { "temp", "temperature" },
        { "t", "temperature" },
        { "hum", "humidity" },
        { "rh", "humidity" },
        { "press", "pressure" },
        { "air_quality_pm2_5", "pm2_5" },
        { "pm25", "pm2_5" },
        { "air_quality_pm10", "pm10" },
        { "wifi_rssi", "rssi" },
        { "free_heap", "heap" },
        { "batt", "battery" },
        { "lux", "lux" },
        { "temperature", "temperature" },
        { "", "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_string_equal(reading_canonical(pairs[i][0]), pairs[i][1]);
}

static void readings_are_shown_in_units_people_use(void **state)
{
    const struct reading_info *p = reading_info("pressure");
    (void)state;

    assert_string_equal(p->unit, "hPa");
    assert_true(fabs(101325 * p->scale - 1013.25) < 1e-9);
    assert_string_equal(reading_info("temperature")->unit, "°C");
    assert_string_equal(reading_info("heap")->unit, "kB");
    const struct reading_info *u = reading_info("lux");
    assert_null(u->name);
    assert_null(u->label);
    assert_string_equal(u->unit, "");
    assert_int_equal(u->decimals, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_a_sensor_are_exact),
        cmocka_unit_test(other_numbers_are_near_enough),
        cmocka_unit_test(the_locale_has_no_say),
        cmocka_unit_test(a_message_of_the_largest_size_is_read_and_no_larger),
        cmocka_unit_test(only_what_counts_is_written),
        cmocka_unit_test(fields_and_tags_are_found_for_a_source),
        cmocka_unit_test(names_have_one_spelling),
        cmocka_unit_test(readings_are_shown_in_units_people_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
