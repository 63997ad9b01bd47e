#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rollout/budget.h"

static const struct gate_rule rule = { .allowed_failure = 0.05,
                                       .confidence = 0.95,
                                       .min_sample = 20,
                                       .max_silent = 0.05,
                                       .max_other = 0.2,
                                       .stop_allowed = 0.05,
                                       .alpha = 0.01 };

static void stop_at_is_the_first_number_that_stops(void **state)
{
    struct gate_counts c = { .total = 1000, .done = 98, .failed = 2, .pending = 900 };
    struct gate_budget b;
    (void)state;

    gate_budget(&rule, &c, &b);
    assert_true(b.stop_at > 2 && b.stop_at < 100);

    c.failed = b.stop_at;
    c.done = 100 - b.stop_at;
    assert_true(gate_must_stop(&rule, &c));
    c.failed--;
    c.done++;
    assert_false(gate_must_stop(&rule, &c));
    assert_true(b.stop_rate > (b.stop_at - 0.5) / 100 && b.stop_rate < (b.stop_at + 0.5) / 100);
}

static void more_is_how_many_failures_in_a_row_stop_it(void **state)
{
    struct gate_counts c = { .total = 1000, .done = 98, .failed = 2, .pending = 900 };
    struct gate_budget b;
    (void)state;

    gate_budget(&rule, &c, &b);
    assert_true(b.more > 0 && b.more < 50);

    c.failed = 2 + b.more - 1;
    assert_false(gate_must_stop(&rule, &c));
    c.failed++;
    assert_true(gate_must_stop(&rule, &c));
}

static void a_canary_that_allows_nothing_stops_at_one(void **state)
{
    struct gate_rule strict = rule;
    struct gate_counts c = { .total = 10, .done = 3, .pending = 7 };
    struct gate_budget b;
    (void)state;
    strict.allowed_failure = 0;

    gate_budget(&strict, &c, &b);

    assert_int_equal(b.stop_at, 1);
    assert_int_equal(b.more, 1);
}

static void without_a_sample_there_is_no_limit_yet(void **state)
{
    struct gate_counts c = { .total = 10, .pending = 10 };
    struct gate_budget b;
    (void)state;

    gate_budget(&rule, &c, &b);

    assert_int_equal(b.stop_at, BUDGET_NONE);
    assert_true(b.stop_rate >= 1);
    assert_int_equal(b.more, 3); /* two of two come once in 400 canaries at 5 %, three in 8,000 */
}

static void a_rule_that_allows_everything_never_stops(void **state)
{
    struct gate_rule lax = rule;
    struct gate_counts c = { .total = 10, .done = 3, .failed = 1, .pending = 6 };
    struct gate_budget b;
    (void)state;
    lax.allowed_failure = lax.stop_allowed = 1;

    gate_budget(&lax, &c, &b);

    assert_int_equal(b.stop_at, BUDGET_NONE);
    assert_int_equal(b.more, BUDGET_NONE);
}

static void what_must_stop_already_has_nothing_left(void **state)
{
    struct gate_counts c = { .total = 100, .done = 3, .failed = 9, .pending = 88 };
    struct gate_budget b;
    (void)state;

    gate_budget(&rule, &c, &b);

    assert_int_equal(b.more, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_at_is_the_first_number_that_stops),
        cmocka_unit_test(more_is_how_many_failures_in_a_row_stop_it),
        cmocka_unit_test(a_canary_that_allows_nothing_stops_at_one),
        cmocka_unit_test(without_a_sample_there_is_no_limit_yet),
        cmocka_unit_test(a_rule_that_allows_everything_never_stops),
        cmocka_unit_test(what_must_stop_already_has_nothing_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
