#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rollout/window.h"

static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";
static const char new_york[] = "EST5EDT,M3.2.0,M11.1.0";
static const char lord_howe[] = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";
static const char kolkata[] = "IST-5:30";

static struct zone zone_of(const char *rule)
{
    struct zone z;

    assert_int_equal(zone_from_posix(&z, rule, NULL), 0);
    return z;
}

static struct window window_of(const char *from, const char *to, const char *days)
{
    struct window w;
    struct err err;

    if (window_parse(&w, from, to, "Europe/Berlin", days, &err) != 0)
        fail_msg("%s", err.text);
    return w;
}

/* Unix seconds of a UTC date and time, counted day by day: nothing of the module's own. */
static int64_t utc(int year, int month, int day, int hour, int minute)
{
    static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t days = 0;

    for (int y = 1970; y < year; y++)
        days += y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 366 : 365;
    for (int m = 1; m < month; m++)
        days += length[m - 1] + (m == 2 && year % 4 == 0);
    return ((days + day - 1) * 24 + hour) * 3600 + minute * 60;
}

/* "open since":"until" for a whole day, as hours and minutes of UTC: the changes of one window. */
static void changes_are(const char *rule, const struct window *w, int64_t from, int64_t until,
                        const char *should)
{
    struct zone z = zone_of(rule);
    char text[400] = "";

    for (int64_t t = from; (t = window_next_change(w, &z, t)) < until;) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, "%s%c%02d:%02d", len ? " " : "",
                 window_is_open(w, &z, t) ? '+' : '-', (int)(t / 3600 % 24), (int)(t / 60 % 60));
    }
    assert_string_equal(text, should);
}

static void a_night_is_open_from_one_to_five(void **state)
{
    struct window w = window_of("01:00", "05:00", NULL);
    struct zone z = zone_of(berlin);
    int64_t summer = utc(2026, 7, 1, 0, 0);
    (void)state;

    assert_false(window_is_open(&w, &z, summer - 3601)); /* 00:59:59 at UTC+2 */
    assert_true(window_is_open(&w, &z, summer - 3600));
    assert_true(window_is_open(&w, &z, summer + 3 * 3600 - 1));
    assert_false(window_is_open(&w, &z, summer + 3 * 3600));
    changes_are(berlin, &w, utc(2026, 1, 10, 0, 0) - 1, utc(2026, 1, 11, 0, 0) - 1,
                "+00:00 -04:00");
    changes_are(kolkata, &w, utc(2026, 1, 10, 0, 0), utc(2026, 1, 11, 0, 0), "+19:30 -23:30");
}

static void a_skipped_hour_is_never_shown(void **state)
{
    /* Berlin, 29 March 2026: 01:59:59 is followed by 03:00:00, at 01:00 UTC. */
    int64_t from = utc(2026, 3, 29, 0, 0) - 1, until = utc(2026, 3, 29, 12, 0);
    struct window w;
    (void)state;

    w = window_of("01:00", "05:00", NULL); /* three hours only */
    changes_are(berlin, &w, from, until, "+00:00 -03:00");
    w = window_of("02:30", "04:00", NULL); /* begins in the gap: opens at its end */
    changes_are(berlin, &w, from, until, "+01:00 -02:00");
    w = window_of("01:00", "02:30", NULL); /* ends in the gap: closes at its beginning */
    changes_are(berlin, &w, from, until, "+00:00 -01:00");
    w = window_of("02:00", "03:00", NULL); /* wholly inside: not this day */
    changes_are(berlin, &w, from, until, "");
    /* New York, 8 March, 07:00 UTC. */
    w = window_of("02:15", "03:30", NULL);
    changes_are(new_york, &w, utc(2026, 3, 8, 0, 0), utc(2026, 3, 9, 0, 0), "+07:00 -07:30");
    /* Lord Howe, 4 October: half an hour, 02:00 to 02:30, at 15:30 UTC of the third. */
    w = window_of("02:10", "03:00", NULL);
    changes_are(lord_howe, &w, utc(2026, 10, 3, 12, 0), utc(2026, 10, 4, 12, 0), "+15:30 -16:00");
    w = window_of("02:00", "02:30", NULL);
    changes_are(lord_howe, &w, utc(2026, 10, 3, 12, 0), utc(2026, 10, 4, 12, 0), "");
}

static void an_hour_that_comes_twice_counts_twice(void **state)
{
    /* Berlin, 25 October 2026: at 01:00 UTC the clock goes from 03:00 back to 02:00. */
    int64_t from = utc(2026, 10, 24, 22, 0), until = utc(2026, 10, 25, 12, 0);
    struct window w;
    (void)state;

    w = window_of("01:00", "05:00", NULL); /* five hours */
    changes_are(berlin, &w, from, until, "+23:00 -04:00");
    w = window_of("01:00", "02:30", NULL);
    changes_are(berlin, &w, from, until, "+23:00 -00:30 +01:00 -01:30");
    w = window_of("02:15", "02:45", NULL);
    changes_are(berlin, &w, from, until, "+00:15 -00:45 +01:15 -01:45");
    w = window_of("02:30", "04:00", NULL);
    changes_are(berlin, &w, from, until, "+00:30 -01:00 +01:30 -03:00");
    /* New York, 1 November, 06:00 UTC: 02:00 back to 01:00. */
    w = window_of("01:00", "02:00", NULL);
    changes_are(new_york, &w, utc(2026, 11, 1, 0, 0), utc(2026, 11, 2, 0, 0), "+05:00 -07:00");
    /* Lord Howe, 5 April, 15:00 UTC of the fourth: 02:00 back to 01:30. */
    w = window_of("01:40", "02:10", NULL);
    changes_are(lord_howe, &w, utc(2026, 4, 4, 12, 0), utc(2026, 4, 5, 12, 0),
                "+14:40 -15:00 +15:10 -15:40");
}

static void the_days_are_those_on_which_it_opens(void **state)
{
    struct zone z = zone_of("UTC0");
    struct window w = window_of("22:00", "04:00", "fri");
    (void)state;

    /* 27 November 2026 is a Friday. */
    changes_are("UTC0", &w, utc(2026, 11, 24, 0, 0), utc(2026, 12, 1, 0, 0), "+22:00 -04:00");
    assert_true(window_is_open(&w, &z, utc(2026, 11, 28, 3, 59)));
    assert_false(window_is_open(&w, &z, utc(2026, 11, 27, 3, 0)));
    assert_false(window_is_open(&w, &z, utc(2026, 11, 28, 23, 0)));
    assert_true(window_next_change(&w, &z, utc(2026, 11, 28, 4, 0)) == utc(2026, 12, 4, 22, 0));
    /* To the end of the day, and on to the next if that is one too. */
    w = window_of("20:00", "24:00", "sat,sun");
    changes_are("UTC0", &w, utc(2026, 11, 27, 0, 0), utc(2026, 12, 3, 0, 0),
                "+20:00 -00:00 +20:00 -00:00");
    w = window_of("00:00", "24:00", "sat,sun");
    changes_are("UTC0", &w, utc(2026, 11, 27, 0, 0), utc(2026, 12, 3, 0, 0), "+00:00 -00:00");
}

static void a_window_that_never_closes_has_no_next_change(void **state)
{
    struct zone z = zone_of(berlin);
    struct window w = window_of("00:00", "24:00", "daily");
    struct window none = { 0 };
    (void)state;

    assert_true(window_is_open(&w, &z, 1790000000));
    assert_true(window_next_change(&w, &z, 1790000000) == INT64_MAX);
    assert_true(window_is_open(&none, &z, 1790000000));
    assert_true(window_next_change(&none, &z, 1790000000) == INT64_MAX);
    /* And instants that no calendar has do no harm. */
    w = window_of("01:00", "05:00", NULL);
    window_is_open(&w, &z, INT64_MIN);
    window_is_open(&w, &z, INT64_MAX);
    assert_true(window_next_change(&w, &z, INT64_MAX) == INT64_MAX);
    assert_true(window_next_change(&w, &z, INT64_MIN) > INT64_MIN);
}

/* The next change is the first minute at which a look gives another answer. */
static void the_next_change_is_what_looking_each_minute_finds(void **state)
{
    static const char *const rules[] = { berlin, new_york, lord_howe, kolkata,
                                         "<-02>2<-01>,M3.5.0/-1,M10.5.0/0" };
    static const char *const times[][2] = { { "01:00", "05:00" }, { "23:30", "00:30" },
                                            { "02:00", "03:00" }, { "02:30", "02:45" },
                                            { "00:00", "24:00" }, { "03:00", "02:59" } };
    static const char *const days[] = { "daily", "sun", "mon-fri", "sat-mon" };
    (void)state;

    for (size_t i = 0; i < 5 * 6 * 4; i++) {
        struct zone z = zone_of(rules[i % 5]);
        struct window w = window_of(times[i / 5 % 6][0], times[i / 5 % 6][1], days[i / 30]);
        for (int day = 0; day < 2; day++) {
            int64_t t = day ? utc(2026, 10, 22, 7, 30) : utc(2026, 3, 26, 7, 30);
            int64_t end = t + 12 * 86400;
            int64_t next = window_next_change(&w, &z, t);
            bool open = window_is_open(&w, &z, t);
            for (; t < end; t += 60) {
                if (window_is_open(&w, &z, t) != open) {
                    assert_true(t == next);
                    open = !open;
                    next = window_next_change(&w, &z, t);
                }
                assert_true(t < next);
            }
        }
    }
}

static void refuses(const char *from, const char *to, const char *tz, const char *days,
                    const char *says)
{
    struct window w;
    struct err err = { .code = EXIT_DONE };

    assert_int_equal(window_parse(&w, from, to, tz, days, &err), -1);
    if (!strstr(err.text, says))
        fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void what_is_no_window_is_refused_by_the_name_of_its_field(void **state)
{
    (void)state;

    refuses("1:00", "05:00", NULL, NULL, "window.from: \"1:00\" is not a time of day like 01:00");
    refuses("01:00", "24:01", NULL, NULL, "window.to: \"24:01\"");
    refuses("01:60", "05:00", NULL, NULL, "window.from");
    refuses("01:0a", "05:00", NULL, NULL, "window.from");
    refuses("24:00", "05:00", NULL, NULL, "window.from: later than the day is long");
    refuses("05:00", "05:00", NULL, NULL, "the whole day is 00:00 to 24:00");
    refuses("01:00", "05:00", "../../etc/passwd", NULL, "window.tz");
    refuses("01:00", "05:00", "", NULL, "window.tz");
    refuses("01:00", "05:00", NULL, "", "window.days: \"\" is not like mon-fri or sat,sun");
    refuses("01:00", "05:00", NULL, "mon-", "window.days");
    refuses("01:00", "05:00", NULL, "mon,", "window.days");
    refuses("01:00", "05:00", NULL, "monday", "window.days");
    refuses("01:00", "05:00", NULL, "mo", "window.days");
}

static void days_come_back_as_they_are_read(void **state)
{
    static const char *const same[] = { "mon-fri",        "sat,sun", "mon",
                                        "mon-wed,sat",    "tue,thu", "mon,tue,thu,fri",
                                        "mon,wed,fri,sun" };
    char text[WINDOW_TEXT_MAX];
    struct window w;
    (void)state;

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        w = window_of("01:00", "05:00", same[i]);
        window_days_text(w.days, text);
        assert_string_equal(text, same[i]);
    }
    assert_int_equal(window_of("01:00", "05:00", "fri-mon").days, 0x71);
    assert_int_equal(window_of("01:00", "05:00", "Sat, SUN").days, 0x60);
    for (unsigned days = 1; days <= WINDOW_ALL_DAYS; days++) { /* each fits, and comes back */
        window_days_text((uint8_t)days, text);
        assert_int_equal(window_of("01:00", "05:00", text).days, days);
    }
    w = window_of("01:00", "24:00", "mon-fri");
    window_text(&w, text);
    assert_string_equal(text, "01:00-24:00 mon-fri, Europe/Berlin");
    w = (struct window){ 0 };
    window_text(&w, text);
    assert_string_equal(text, "any time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_night_is_open_from_one_to_five),
        cmocka_unit_test(a_skipped_hour_is_never_shown),
        cmocka_unit_test(an_hour_that_comes_twice_counts_twice),
        cmocka_unit_test(the_days_are_those_on_which_it_opens),
        cmocka_unit_test(a_window_that_never_closes_has_no_next_change),
        cmocka_unit_test(the_next_change_is_what_looking_each_minute_finds),
        cmocka_unit_test(what_is_no_window_is_refused_by_the_name_of_its_field),
        cmocka_unit_test(days_come_back_as_they_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
