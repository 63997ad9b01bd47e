#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "feed.h"
#include "fleet/history.h"

/* The machine's clock is set while a console runs. */

#define YEARS_MS (INT64_C(10) * 365 * 86400 * 1000)

static void say_temp(struct feed *f, double value)
{
    char body[64];
    snprintf(body, sizeof(body), "{\"temp\":%.2f}", value);
    feed_say(f, "devices/a/telemetry/env", body);
}

/* For a while the clock is ahead by `ahead_ms`; then it is set. */
static void clock_is_ahead(struct feed *f, int64_t ahead_ms)
{
    f->now_ms += ahead_ms;
    for (int i = 0; i < 5; i++, f->now_ms += 10000)
        say_temp(f, 99);
    feed_event(f, FLEET_EV_TICK, NULL);
    f->now_ms -= ahead_ms;
}

static void after_a_clock_that_was_ahead_silence_is_silence_again(void **state)
{
    struct feed f;
    (void)state;
    feed_open(&f, NULL);
    say_temp(&f, 5);
    clock_is_ahead(&f, YEARS_MS);
    feed_event(&f, FLEET_EV_TICK, NULL);
    assert_int_equal(feed_device(&f, "a")->last_ms, f.now_ms - 10000); /* it keeps its age */
    assert_int_equal(feed_device(&f, "a")->value[0].t, f.now_ms / 1000 - 10);
    say_temp(&f, 6);
    assert_int_equal(feed_device(&f, "a")->last_ms, f.now_ms);
    assert_int_equal(feed_device(&f, "a")->value[0].t, f.now_ms / 1000);
    assert_true(feed_device(&f, "a")->value[0].value == 6);

    feed_wait(&f, FLEET_STALE_BLIND_MS + 60000);

    assert_int_equal(feed_device(&f, "a")->state, FLEET_STALE);
    fleet_free(f.fleet);
}

static void after_a_clock_that_was_ahead_plots_and_trends_go_on(void **state)
{
    struct feed f;
    struct fleet_point p[10], trend[FLEET_TREND];
    (void)state;

    for (int late = 0; late < 2; late++) {
        feed_open(&f, NULL);
        if (late) /* else it was ahead from the beginning: all its times are beyond the zero */
            say_temp(&f, 5);
        clock_is_ahead(&f, YEARS_MS);
        for (int i = 0; i < 10; i++, f.now_ms += 60000)
            say_temp(&f, 7);

        const struct fleet_device *d = feed_device(&f, "a");
        uint32_t samples =
            fleet_series(f.fleet, d, d->value[0].reading, f.now_ms - 600000, f.now_ms, p, 10, NULL);
        assert_int_equal(samples, 10);
        for (int i = 0; i < 10; i++)
            assert_true(p[i].avg == 7);
        fleet_trend(f.fleet, d, f.now_ms, trend);
        assert_int_equal(trend[FLEET_TREND - 3].kind, FLEET_POINT_SAMPLE);
        assert_true(trend[FLEET_TREND - 3].avg == 7);
        fleet_free(f.fleet);
    }
}

static void a_clock_ahead_from_the_start_leaves_room_for_late_values(void **state)
{
    struct feed f;
    struct fleet_point p[10];
    char body[96];
    static const struct fleet_config plain = { .root = "devices" };
    (void)state;
    f.fleet = fleet_new(&plain);
    f.now_ms = FEED_START_MS + YEARS_MS;
    feed_event(&f, FLEET_EV_LINK_UP, NULL);
    say_temp(&f, 99);
    f.now_ms = FEED_START_MS;

    for (int i = 0; i < 10; i++) {
        snprintf(body, sizeof(body), "{\"ts\":%lld,\"temp\":3}",
                 (long long)(FEED_START_MS / 1000 - 7200 + i * 60));
        feed_say(&f, "devices/a/telemetry/env", body);
    }
    const struct fleet_device *d = feed_device(&f, "a");
    assert_int_equal(fleet_series(f.fleet, d, d->value[0].reading, f.now_ms - 7200000,
                                  f.now_ms - 6600000, p, 10, NULL),
                     10);
    fleet_free(f.fleet);
}

static void a_clock_that_is_slewed_stands_still_for_the_moment(void **state)
{
    struct feed f;
    (void)state;
    feed_open(&f, NULL);
    say_temp(&f, 5);
    int64_t was = f.now_ms;

    f.now_ms -= FLEET_CLOCK_BACK_MS;
    say_temp(&f, 6);

    assert_int_equal(feed_device(&f, "a")->last_ms, was);
    assert_true(feed_device(&f, "a")->value[0].value == 6);
    assert_true(fleet_has_series(feed_device(&f, "a"), feed_device(&f, "a")->value[0].reading));
    fleet_free(f.fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_clock_that_was_ahead_silence_is_silence_again),
        cmocka_unit_test(after_a_clock_that_was_ahead_plots_and_trends_go_on),
        cmocka_unit_test(a_clock_ahead_from_the_start_leaves_room_for_late_values),
        cmocka_unit_test(a_clock_that_is_slewed_stands_still_for_the_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
