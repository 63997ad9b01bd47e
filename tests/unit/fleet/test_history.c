#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"
#include "fleet/history.h"

static void open_with(struct feed *f, size_t bytes)
{
    struct fleet_config config = { .root = "devices", .history_bytes = bytes };
    feed_open(f, &config);
}

static void say_temp(struct feed *f, const char *id, double value)
{
    char topic[64], body[64];
    snprintf(topic, sizeof(topic), "devices/%s/telemetry/env", id);
    snprintf(body, sizeof(body), "{\"temp\":%.3f}", value);
    feed_say(f, topic, body);
}

/* A word per column: v sample, - bridge, . nothing. */
static const char *kinds(const struct fleet_point *p, uint32_t count)
{
    static char out[256];
    for (uint32_t i = 0; i < count; i++)
        out[i] = ".v-"[p[i].kind];
    out[count] = '\0';
    return out;
}

static uint32_t temp_series(struct feed *f, const char *id, int64_t span_ms, uint32_t columns,
                            struct fleet_point *out, struct fleet_series_stats *stats)
{
    return fleet_series(f->fleet, feed_device(f, id), fleet_reading_find(f->fleet, "temp"),
                        f->now_ms - span_ms, f->now_ms, out, columns, stats);
}

static void columns_join_values_but_silence_is_a_gap(void **state)
{
    struct feed f;
    struct fleet_point p[30];
    (void)state;
    open_with(&f, 0);
    for (int i = 0; i < 5; i++, f.now_ms += 2000)
        say_temp(&f, "a", 20 + i);
    f.now_ms += 10000; /* five intervals */
    for (int i = 0; i < 5; i++, f.now_ms += 2000)
        say_temp(&f, "a", 30);

    /* 30 s in 30 columns: one second each. */
    temp_series(&f, "a", 30000, 30, p, NULL);
    assert_string_equal(kinds(p, 30), "v-v-v-v-v...........v-v-v-v-v.");
    assert_true(p[0].avg == 20 && p[1].avg == 20.5f && p[2].avg == 21);
    fleet_free(f.fleet);
}

static void the_next_value_is_due_for_three_intervals(void **state)
{
    struct feed f;
    struct fleet_point p[30];
    struct fleet_series_stats stats;
    (void)state;
    open_with(&f, 0);
    for (int i = 0; i < 5; i++, f.now_ms += 2000)
        say_temp(&f, "a", 20);
    say_temp(&f, "b", 1); /* time goes on */

    temp_series(&f, "a", 30000, 30, p, &stats);
    assert_true(stats.due);
    fleet_series(f.fleet, feed_device(&f, "a"), fleet_reading_find(f.fleet, "temp"),
                 f.now_ms - 30000, f.now_ms - 1000, p, 30, &stats);
    assert_false(stats.due); /* of a range in the past */
    f.now_ms += 10000;
    say_temp(&f, "b", 1);
    temp_series(&f, "a", 30000, 30, p, &stats);
    assert_false(stats.due);
    fleet_free(f.fleet);
}

static void a_column_keeps_the_least_and_the_greatest(void **state)
{
    struct feed f;
    struct fleet_point p[2];
    struct fleet_series_stats stats;
    (void)state;
    open_with(&f, 0);
    static const double values[] = { 20, 90, 21, 22, -5, 23 };
    for (size_t i = 0; i < 6; i++, f.now_ms += 1000)
        say_temp(&f, "a", values[i]);

    assert_int_equal(temp_series(&f, "a", 6000, 2, p, &stats), 2);
    assert_true(p[0].min == 20 && p[0].max == 90);
    assert_true(p[1].min == -5 && p[1].max == 23);
    assert_true(stats.any && stats.now == 23 && stats.min == -5 && stats.max == 90);
    assert_true(stats.avg > 28.4 && stats.avg < 28.6);
    fleet_free(f.fleet);
}

static void hours_are_kept_as_minutes_with_their_extremes(void **state)
{
    struct feed f;
    struct fleet_point p[10];
    struct fleet_series_stats stats;
    (void)state;
    open_with(&f, 0);
    for (int i = 0; i < 5 * 3600; i++, f.now_ms += 1000)
        say_temp(&f, "a", i == 7200 ? 99 : 20);

    assert_int_equal(temp_series(&f, "a", 5 * 3600 * 1000LL, 10, p, &stats), 10);
    assert_true(stats.max == 99);
    assert_true(p[4].max == 99 && p[4].min == 20);
    /* And the last half hour is there in finer steps. */
    struct fleet_point fine[180];
    assert_in_range(temp_series(&f, "a", 1800000, 180, fine, NULL), 178, 180);
    fleet_free(f.fleet);
}

static void late_values_find_their_places(void **state)
{
    struct feed f;
    struct fleet_point p[10];
    char body[96];
    (void)state;
    open_with(&f, 0);
    say_temp(&f, "a", 10);
    f.now_ms += 9000;
    say_temp(&f, "a", 19);
    for (int i = 1; i < 9; i++) { /* the device's ring, after a lost link */
        snprintf(body, sizeof(body), "{\"ts\":%lld,\"temp\":%d}",
                 (long long)(f.now_ms - 9000) / 1000 + i, 10 + i);
        feed_say(&f, "devices/a/telemetry/env", body);
    }
    f.now_ms += 1000;

    assert_int_equal(temp_series(&f, "a", 10000, 10, p, NULL), 10);
    for (int i = 0; i < 10; i++)
        assert_true(p[i].avg == (float)(10 + i));
    fleet_free(f.fleet);
}

static void the_trend_is_half_an_hour_of_one_reading(void **state)
{
    struct feed f;
    struct fleet_point p[FLEET_TREND];
    (void)state;
    open_with(&f, 1); /* no deep history at all */
    for (int i = 0; i < 400; i++, f.now_ms += 10000)
        say_temp(&f, "a", i);

    uint32_t reading = fleet_trend(f.fleet, feed_device(&f, "a"), f.now_ms - 10000, p);
    assert_int_equal(reading, fleet_reading_find(f.fleet, "temp"));
    for (int i = 0; i < FLEET_TREND; i++)
        assert_int_equal(p[i].kind, FLEET_POINT_SAMPLE);
    assert_true(p[0].avg < p[30].avg && p[30].avg < p[59].avg);
    assert_false(fleet_has_series(feed_device(&f, "a"), reading));
    /* Without deep history a plot still has the trend. */
    assert_true(temp_series(&f, "a", 1800000, FLEET_TREND, p, NULL) > 50);

    f.now_ms += 600000;
    fleet_trend(f.fleet, feed_device(&f, "a"), f.now_ms, p);
    assert_int_equal(p[59].kind, FLEET_POINT_NONE);
    fleet_free(f.fleet);
}

static void the_trend_shows_what_is_asked_for_where_there_is_such(void **state)
{
    struct feed f;
    struct fleet_point p[FLEET_TREND];
    (void)state;
    open_with(&f, 0);
    for (int i = 0; i < 20; i++, f.now_ms += 30000) {
        feed_say(&f, "devices/a/telemetry/env", "{\"battery\":50,\"co2\":400,\"temp\":20}");
        feed_say(&f, "devices/b/telemetry/env", "{\"pm10\":9}");
    }
    uint32_t co2 = fleet_reading_find(f.fleet, "co2");
    assert_int_equal(fleet_trend(f.fleet, feed_device(&f, "a"), f.now_ms, p),
                     fleet_reading_find(f.fleet, "temp"));
    fleet_set_trend(f.fleet, co2);
    assert_int_equal(fleet_trend(f.fleet, feed_device(&f, "a"), f.now_ms, p), co2);
    assert_true(p[50].kind != FLEET_POINT_NONE && p[50].avg == 400); /* from deep history */
    assert_int_equal(fleet_trend(f.fleet, feed_device(&f, "b"), f.now_ms, p),
                     fleet_reading_find(f.fleet, "pm10"));
    fleet_free(f.fleet);
}

static void deep_history_stays_within_its_budget_and_the_watched_come_first(void **state)
{
    struct feed f;
    size_t deep;
    char id[16];
    (void)state;
    open_with(&f, 10 * 30000);
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof(id), "d%d", i);
        say_temp(&f, id, 1);
    }
    fleet_bytes(f.fleet, &deep);
    assert_in_range(deep, 5 * 30000, 10 * 30000);
    assert_false(fleet_has_series(feed_device(&f, "d49"), 0));

    assert_int_equal(fleet_watch(f.fleet, "d49"), 0);
    say_temp(&f, "d49", 2);
    assert_true(fleet_has_series(feed_device(&f, "d49"), 0));
    fleet_bytes(f.fleet, &deep);
    assert_in_range(deep, 5 * 30000, 10 * 30000);
    fleet_free(f.fleet);
}

static void what_a_float_cannot_hold_spoils_no_mean(void **state)
{
    struct feed f;
    struct fleet_point p[1], trend[FLEET_TREND];
    struct fleet_series_stats stats;
    (void)state;
    feed_open(&f, NULL);
    feed_say(&f, "devices/a/telemetry/env", "{\"temp\":20}");
    feed_say(&f, "devices/a/telemetry/env", "{\"temp\":1e300}");
    feed_say(&f, "devices/a/telemetry/env", "{\"temp\":-3e38}");
    feed_say(&f, "devices/a/telemetry/env", "{\"temp\":22}");

    const struct fleet_device *d = feed_device(&f, "a");
    fleet_series(f.fleet, d, d->value[0].reading, f.now_ms - 60000, f.now_ms + 1, p, 1, &stats);
    assert_true(stats.min == 20 && stats.max == 22 && stats.avg == 21);
    fleet_trend(f.fleet, d, f.now_ms, trend);
    assert_true(trend[FLEET_TREND - 1].avg == 21);
    fleet_free(f.fleet);
}

static void nothing_is_known_of_a_reading_never_sent(void **state)
{
    struct feed f;
    struct fleet_point p[10];
    struct fleet_series_stats stats;
    (void)state;
    open_with(&f, 0);
    say_temp(&f, "a", 1);
    const struct fleet_device *d = feed_device(&f, "a");
    assert_int_equal(fleet_series(f.fleet, d, FLEET_NONE, 0, f.now_ms, p, 10, &stats), 0);
    assert_false(stats.any);
    assert_int_equal(fleet_series(f.fleet, d, 0, f.now_ms, f.now_ms, p, 10, &stats), 0);
    fleet_free(f.fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_join_values_but_silence_is_a_gap),
        cmocka_unit_test(the_next_value_is_due_for_three_intervals),
        cmocka_unit_test(a_column_keeps_the_least_and_the_greatest),
        cmocka_unit_test(hours_are_kept_as_minutes_with_their_extremes),
        cmocka_unit_test(late_values_find_their_places),
        cmocka_unit_test(the_trend_is_half_an_hour_of_one_reading),
        cmocka_unit_test(the_trend_shows_what_is_asked_for_where_there_is_such),
        cmocka_unit_test(deep_history_stays_within_its_budget_and_the_watched_come_first),
        cmocka_unit_test(what_a_float_cannot_hold_spoils_no_mean),
        cmocka_unit_test(nothing_is_known_of_a_reading_never_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
