#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "screens/pace.h"
#include "screens/ui.h"

#define START INT64_C(1700000000000)
enum { SECOND = 1000, MINUTE = 60 * SECOND, PICTURES = 20000 };

/*
 * The console's loop with a clock of its own: it wakes when pace_wait_ms() says, when data or a key
 * come, when the terminal has taken a picture, and in any case `step` ms after it slept.
 */
struct loop {
    struct pace pace;
    struct ui *ui;
    int64_t now;
    int64_t step;            /* something wakes it that often, and changes nothing */
    int64_t data, data_left; /* a message each so many ms, so many of them; 0: none */
    int64_t data_at;
    int64_t key_at;
    int64_t took;     /* the terminal needs so long for a picture */
    int64_t ready_at; /* and is ready then */
    int64_t picture[PICTURES];
    size_t pictures, ticks, turns;
};

static void begin(struct loop *l, int64_t phase)
{
    *l = (struct loop){ .now = START + phase,
                        .step = INT_MAX,
                        .data_at = INT64_MAX,
                        .key_at = INT64_MAX,
                        .ui = ui_new() };
    pace_begin(&l->pace, l->now);
}

static void end(struct loop *l)
{
    ui_free(l->ui);
}

static int64_t nearer(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void sleep_of(struct loop *l, int64_t end)
{
    struct ui_model m = { .now_ms = l->now };
    int wait = pace_wait_ms(&l->pace, ui_next_ms(l->ui, &m), l->now);
    assert_in_range(wait, 0, PACE_WAIT_MS);

    int64_t until = nearer(l->now + nearer(wait, l->step), nearer(l->data_at, l->key_at));
    if (l->ready_at > l->now)
        until = nearer(until, l->ready_at);
    until = nearer(until, end);
    l->now = until > l->now ? until : l->now;
}

static void hear(struct loop *l)
{
    if (l->now >= l->key_at) {
        l->key_at = INT64_MAX;
        pace_at_once(&l->pace);
    }
    if (l->now >= l->data_at) {
        l->data_at = --l->data_left > 0 ? l->now + l->data : INT64_MAX;
        pace_changed(&l->pace);
    }
    l->ticks += pace_is_due(&l->pace, l->now);
}

static void turn(struct loop *l, int64_t end)
{
    sleep_of(l, end);
    hear(l);
    l->turns++;
    if (!pace_draws(&l->pace, l->now, l->now >= l->ready_at))
        return;
    assert_true(l->pictures < PICTURES);
    l->picture[l->pictures++] = l->now;
    l->ready_at = l->now + l->took;
    pace_drawn(&l->pace, l->now, l->took == 0);
}

static void run_until(struct loop *l, int64_t until)
{
    while (l->now < until)
        turn(l, until);
}

static void data(struct loop *l, int64_t period, int64_t count)
{
    l->data = period;
    l->data_left = count;
    l->data_at = l->now + 1;
}

static size_t pictures_between(const struct loop *l, int64_t from, int64_t to)
{
    size_t n = 0;

    for (size_t i = 0; i < l->pictures; i++)
        n += l->picture[i] >= from && l->picture[i] < to;
    return n;
}

/* The first `time` at or after which it was drawn. */
static int64_t drawn_after(const struct loop *l, int64_t time)
{
    for (size_t i = 0; i < l->pictures; i++)
        if (l->picture[i] >= time)
            return l->picture[i];
    return INT64_MAX;
}

/* From the second picture on: the first second has the first of all. */
static void check_seconds(const struct loop *l, int64_t count)
{
    for (int64_t s = 1; s <= count; s++)
        assert_int_equal(pictures_between(l, START + s * SECOND, START + (s + 1) * SECOND), 1);
}

/* ---- time
 * ---------------------------------------------------------------------------------------------- */

static void an_idle_picture_is_drawn_once_each_second_whenever_the_loop_wakes(void **state)
{
    static const int64_t steps[] = { 1, 7, 30, 99, 100, 101, 250, 333, 999, INT_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        for (int64_t phase = 0; phase < SECOND; phase += 11) {
            struct loop l;
            begin(&l, phase);
            l.step = steps[i];
            run_until(&l, START + 62 * SECOND);
            check_seconds(&l, 60);
            end(&l);
        }
}

static void its_clock_turns_when_the_second_does(void **state)
{
    struct loop l;

    (void)state;
    begin(&l, 437);
    l.step = 100;
    run_until(&l, START + MINUTE);
    for (int64_t s = 1; s < 60; s++)
        assert_int_equal(drawn_after(&l, START + s * SECOND), START + s * SECOND);
    end(&l);
}

static void an_idle_loop_sleeps(void **state)
{
    struct loop l;

    (void)state;
    begin(&l, 0);
    run_until(&l, START + MINUTE);
    assert_in_range(l.turns, 60, 125);
    end(&l);
}

static void each_moment_comes_once(void **state)
{
    struct pace p;

    (void)state;
    pace_begin(&p, START);
    pace_wait_ms(&p, START + 50, START);
    assert_false(pace_is_due(&p, START + 49));
    assert_true(pace_is_due(&p, START + 50));
    assert_false(pace_is_due(&p, START + 51));
}

static void the_nearest_moment_named_is_kept(void **state)
{
    struct pace p;

    (void)state;
    pace_begin(&p, START);
    assert_true(pace_is_due(&p, START + PACE_FRAME_MS));
    pace_drawn(&p, START + PACE_FRAME_MS, true);
    assert_int_equal(pace_wait_ms(&p, START + 800, START + 200), 600);
    assert_int_equal(pace_wait_ms(&p, START + 1750, START + 750), 50);
    assert_int_equal(pace_wait_ms(&p, START + 760, START + 750), 10);
    assert_true(pace_is_due(&p, START + 760));
    assert_int_equal(pace_wait_ms(&p, INT64_MAX, START + 5000), PACE_FRAME_MS); /* not drawn yet */
    pace_drawn(&p, START + 5000, true);
    assert_int_equal(pace_wait_ms(&p, INT64_MAX, START + 5000), PACE_WAIT_MS);
}

static void the_first_picture_waits_a_tenth_of_a_second_unless_a_key_comes(void **state)
{
    struct loop l;

    (void)state;
    begin(&l, 300);
    run_until(&l, START + 800);
    assert_int_equal(l.picture[0], START + 300 + PACE_FRAME_MS);
    end(&l);
    begin(&l, 300);
    l.key_at = l.now + 5;
    run_until(&l, START + 800);
    assert_int_equal(l.picture[0], START + 305);
    end(&l);
}

/* ---- data
 * ---------------------------------------------------------------------------------------------- */

static void a_burst_of_data_makes_at_most_ten_pictures_in_any_second(void **state)
{
    static const int64_t periods[] = { 1, 3, 10, 40, 99, 100, 101 };

    (void)state;
    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        struct loop l;
        begin(&l, 123);
        data(&l, periods[i], 20 * SECOND);
        run_until(&l, START + 10 * SECOND);
        for (size_t k = 1; k < l.pictures; k++)
            assert_true(l.picture[k] - l.picture[k - 1] >= PACE_FRAME_MS);
        assert_true(pictures_between(&l, START + SECOND, START + 9 * SECOND) >= 8 * 9);
        end(&l);
    }
}

static void the_last_message_of_a_burst_is_on_the_screen_within_a_tenth_of_a_second(void **state)
{
    (void)state;
    for (int64_t count = 1; count < 200; count++) {
        struct loop l;
        begin(&l, 0);
        run_until(&l, START + 400);
        data(&l, 2, count);
        int64_t last = l.data_at + (count - 1) * 2;
        run_until(&l, START + 3 * SECOND);
        assert_in_range(drawn_after(&l, last), last, last + PACE_FRAME_MS);
        end(&l);
    }
}

static void one_message_after_a_silence_is_drawn_at_once(void **state)
{
    struct loop l;

    (void)state;
    begin(&l, 0);
    run_until(&l, START + 400);
    data(&l, 1, 1);
    int64_t at = l.data_at;
    run_until(&l, START + 900);
    assert_int_equal(drawn_after(&l, START + 200), at);
    end(&l);
}

static void nothing_new_is_no_picture(void **state)
{
    struct pace p;

    (void)state;
    pace_begin(&p, START);
    pace_drawn(&p, START, true);
    for (int64_t now = START; now < START + 10 * SECOND; now += 50)
        assert_false(pace_draws(&p, now, true));
}

/* ---- keys
 * ---------------------------------------------------------------------------------------------- */

static void a_key_is_echoed_at_once_in_the_middle_of_a_burst_too(void **state)
{
    (void)state;
    for (int64_t at = 500; at < 900; at++) {
        struct loop l;
        begin(&l, 0);
        data(&l, 1, 10 * SECOND);
        l.key_at = START + at;
        run_until(&l, START + 2 * SECOND);
        assert_int_equal(drawn_after(&l, START + at), START + at);
        end(&l);
    }
}

static void a_key_is_echoed_by_one_picture(void **state)
{
    struct loop l;

    (void)state;
    begin(&l, 0);
    run_until(&l, START + 450);
    l.key_at = START + 460;
    run_until(&l, START + 990);
    assert_int_equal(pictures_between(&l, START + 460, START + 990), 1);
    end(&l);
}

/* ---- a slow terminal
 * ---------------------------------------------------------------------------------------------- */

static void no_picture_is_given_to_a_terminal_that_has_not_taken_the_last(void **state)
{
    struct loop l;

    (void)state;
    begin(&l, 0);
    l.took = 700;
    data(&l, 1, 100 * SECOND);
    for (int64_t s = 1; s < 30; s++) {
        l.key_at = START + s * SECOND;
        run_until(&l, START + s * SECOND + SECOND / 2);
    }
    for (size_t k = 1; k < l.pictures; k++)
        assert_true(l.picture[k] - l.picture[k - 1] >= l.took);
    assert_true(l.pictures > 20);
    end(&l);
}

/* Such as one that is stopped by ^S. What else fills its line (a bell, a copy) is not a picture. */
static void the_loop_sleeps_while_a_terminal_takes_nothing(void **state)
{
    (void)state;
    for (int key = 0; key < 2; key++)
        for (int sent = 0; sent < 2; sent++) {
            struct loop l;
            begin(&l, 0);
            l.took = sent ? 10 * MINUTE : 0;
            run_until(&l, START + 300);
            l.ready_at = START + 10 * MINUTE;
            l.key_at = key ? START + 400 : INT64_MAX;
            data(&l, 10, 20);
            run_until(&l, START + MINUTE);
            assert_int_equal(l.pictures, 1);
            assert_in_range(l.turns, 60, 800);
            end(&l);
        }
}

static void a_key_is_echoed_as_soon_as_a_slow_terminal_is_ready(void **state)
{
    struct loop l;

    (void)state;
    begin(&l, 0);
    l.took = 300;
    l.key_at = START + 150; /* the first picture began at 100 */
    run_until(&l, START + SECOND);
    assert_int_equal(l.picture[0], START + 100);
    assert_int_equal(l.picture[1], START + 400);
    end(&l);
}

static void data_and_the_clock_fill_a_tenth_of_a_slow_line(void **state)
{
    (void)state;
    for (int64_t took = 20; took <= 300; took += 20) {
        struct loop l;
        begin(&l, 0);
        l.took = took;
        data(&l, 5, 100 * SECOND);
        run_until(&l, START + MINUTE);
        for (size_t k = 2; k < l.pictures; k++)
            assert_in_range(l.picture[k] - l.picture[k - 1], 10 * took, 10 * took + PACE_FRAME_MS);
        end(&l);
    }
}

static void even_the_slowest_terminal_is_given_a_picture_in_three_seconds(void **state)
{
    struct loop l;

    (void)state;
    begin(&l, 0);
    l.took = 2500;
    data(&l, 5, 100 * SECOND);
    run_until(&l, START + MINUTE);
    for (size_t k = 2; k < l.pictures; k++)
        assert_in_range(l.picture[k] - l.picture[k - 1], 0, PACE_MOST_MS + PACE_FRAME_MS);
    end(&l);
}

static void a_terminal_that_was_slow_once_has_ten_pictures_a_second_again(void **state)
{
    struct loop l;

    (void)state;
    begin(&l, 0);
    l.took = 2000;
    data(&l, 1, 100 * SECOND);
    run_until(&l, START + 5 * SECOND);
    l.took = 0;
    run_until(&l, START + 30 * SECOND);
    assert_true(pictures_between(&l, START + 20 * SECOND, START + 21 * SECOND) >= 9);
    end(&l);
}

static void an_idle_terminal_that_takes_pictures_at_once_is_never_a_slow_one(void **state)
{
    struct loop l;

    (void)state;
    begin(&l, 0);
    run_until(&l, START + 5 * SECOND + 300);
    assert_int_equal(l.pace.pause_ms, PACE_FRAME_MS);
    l.now = START + 5 * SECOND + 890; /* it slept, and nobody asked the terminal meanwhile */
    assert_false(pace_draws(&l.pace, l.now, true));
    assert_int_equal(l.pace.pause_ms, PACE_FRAME_MS);
    end(&l);
}

/* ---- a clock that is set
 * ---------------------------------------------------------------------------------------------- */

static void a_clock_that_is_set_holds_nothing_up(void **state)
{
    static const int64_t by[] = {
        -3600 * SECOND, -10 * SECOND, -1, 1, 10 * SECOND, INT64_C(1) << 40
    };

    (void)state;
    for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
        struct loop l;
        begin(&l, 0);
        run_until(&l, START + 2 * SECOND + 50);
        int64_t set = l.now + by[i];
        l.now = set;
        l.ready_at = set;
        l.pictures = 0;
        l.data_at = set + 1;
        l.data_left = 1;
        run_until(&l, set + 5 * SECOND);
        assert_in_range(drawn_after(&l, set), set, set + 1 + PACE_FRAME_MS);
        assert_in_range(l.pictures, 4, 8); /* and the clock goes on */
        end(&l);
    }
}

static void a_clock_set_while_a_picture_was_sent_makes_no_slow_terminal_for_ever(void **state)
{
    struct pace p;

    (void)state;
    pace_begin(&p, START);
    pace_drawn(&p, START, false);
    pace_draws(&p, START - 3600 * SECOND, true);
    assert_int_equal(p.pause_ms, PACE_FRAME_MS);
    pace_drawn(&p, START, false);
    pace_draws(&p, INT64_MAX, true);
    assert_int_equal(p.pause_ms, PACE_MOST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_picture_is_drawn_once_each_second_whenever_the_loop_wakes),
        cmocka_unit_test(its_clock_turns_when_the_second_does),
        cmocka_unit_test(an_idle_loop_sleeps),
        cmocka_unit_test(each_moment_comes_once),
        cmocka_unit_test(the_nearest_moment_named_is_kept),
        cmocka_unit_test(the_first_picture_waits_a_tenth_of_a_second_unless_a_key_comes),
        cmocka_unit_test(a_burst_of_data_makes_at_most_ten_pictures_in_any_second),
        cmocka_unit_test(the_last_message_of_a_burst_is_on_the_screen_within_a_tenth_of_a_second),
        cmocka_unit_test(one_message_after_a_silence_is_drawn_at_once),
        cmocka_unit_test(nothing_new_is_no_picture),
        cmocka_unit_test(a_key_is_echoed_at_once_in_the_middle_of_a_burst_too),
        cmocka_unit_test(a_key_is_echoed_by_one_picture),
        cmocka_unit_test(no_picture_is_given_to_a_terminal_that_has_not_taken_the_last),
        cmocka_unit_test(the_loop_sleeps_while_a_terminal_takes_nothing),
        cmocka_unit_test(a_key_is_echoed_as_soon_as_a_slow_terminal_is_ready),
        cmocka_unit_test(data_and_the_clock_fill_a_tenth_of_a_slow_line),
        cmocka_unit_test(even_the_slowest_terminal_is_given_a_picture_in_three_seconds),
        cmocka_unit_test(a_terminal_that_was_slow_once_has_ten_pictures_a_second_again),
        cmocka_unit_test(an_idle_terminal_that_takes_pictures_at_once_is_never_a_slow_one),
        cmocka_unit_test(a_clock_that_is_set_holds_nothing_up),
        cmocka_unit_test(a_clock_set_while_a_picture_was_sent_makes_no_slow_terminal_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
