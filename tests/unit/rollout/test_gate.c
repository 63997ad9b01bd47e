#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rollout/gate.h"
#include "walk.h"

static void close_to(double is, double should, double within)
{
    if (!(fabs(is - should) <= within))
        fail_msg("%.9g is not %.9g", is, should);
}

static void the_incomplete_beta_function_has_its_known_values(void **state)
{
    (void)state;

    /* Closed forms: I_x(1, b) = 1 - (1-x)^b, I_x(a, 1) = x^a, I_x(a, b) + I_1-x(b, a) = 1, and
     * I_x(2, 2) = 3x^2 - 2x^3. */
    close_to(gate_beta(1, 10, 0.3), 1 - pow(0.7, 10), 1e-12);
    close_to(gate_beta(7, 1, 0.4), pow(0.4, 7), 1e-12);
    close_to(gate_beta(2, 2, 0.25), 3 * 0.0625 - 2 * 0.015625, 1e-12);
    close_to(gate_beta(3.5, 12, 0.2) + gate_beta(12, 3.5, 0.8), 1, 1e-12);
    close_to(gate_beta(500000, 500000, 0.5), 0.5, 1e-8);
    assert_true(gate_beta(2, 3, 0) <= 0 && gate_beta(2, 3, 1) >= 1);
}

/* Sum of the binomial terms: what the bounds are defined by, without the beta function. */
static double binomial_at_most(uint32_t k, uint32_t n, double p)
{
    double sum = 0;

    for (uint32_t i = 0; i <= k; i++)
        sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) + i * log(p) +
                   (n - i) * log1p(-p));
    return sum;
}

static void bounds_are_clopper_and_pearsons(void **state)
{
    static const struct {
        uint32_t failed, n;
    } cases[] = { { 1, 10 }, { 3, 61 }, { 49, 100 }, { 5, 100 }, { 99, 100 }, { 40, 1203 } };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t k = cases[i].failed, n = cases[i].n;
        double upper = gate_upper(k, n, 0.95), lower = gate_lower(k, n, 0.99);
        close_to(binomial_at_most(k, n, upper), 0.05, 1e-9);
        close_to(1 - binomial_at_most(k - 1, n, lower), 0.01, 1e-9);
    }
    /* Published two-sided 95 % intervals: 1 of 10 is 0.0025 to 0.4450, 5 of 100 0.0164 to 0.1128.
     */
    close_to(gate_lower(1, 10, 0.975), 0.0025, 5e-5);
    close_to(gate_upper(1, 10, 0.975), 0.4450, 5e-5);
    close_to(gate_lower(5, 100, 0.975), 0.0164, 5e-5);
    close_to(gate_upper(5, 100, 0.975), 0.1128, 5e-5);
}

static void clean_canaries_show_what_the_rule_of_three_says(void **state)
{
    (void)state;

    close_to(gate_upper(0, 10, 0.95), 0.2589, 5e-5);
    close_to(gate_upper(0, 59, 0.95), 0.0495, 5e-5);
    assert_int_equal(gate_clean_needed(0.05, 0.95), 59);
    assert_int_equal(gate_clean_needed(0.01, 0.95), 299);
    assert_true(gate_clean_needed(0, 0.95) == UINT32_MAX);
    close_to(gate_upper(0, 0, 0.95), 1, 0);
    close_to(gate_lower(0, 0, 0.95), 0, 0);
    close_to(gate_lower(3, 3, 0.95), pow(0.05, 1.0 / 3), 1e-12);
    close_to(gate_upper(0, 1000000, 0.95), 2.9957e-6, 1e-9);
    close_to(gate_upper(20000, 1000000, 0.95), 0.020232, 2e-6);
}

static const struct gate_rule usual = { .allowed_failure = 0.05,
                                        .confidence = 0.95,
                                        .min_sample = 20,
                                        .max_silent = 0.05,
                                        .max_other = 0.1,
                                        .max_network = -1,
                                        .max_power = -1,
                                        .max_policy = -1,
                                        .stop_allowed = 0.05,
                                        .alpha = 0.01 };

static enum gate_verdict verdict(const struct gate_rule *rule, const struct gate_counts *counts,
                                 const char *says)
{
    struct gate_decision d;

    gate_decide(rule, counts, &d);
    if (says && !strstr(d.why, says) && !strstr(d.missing, says))
        fail_msg("\"%s\" / \"%s\" does not say \"%s\"", d.why, d.missing, says);
    return d.verdict;
}

static void a_complete_stage_with_a_bad_rate_never_goes_on(void **state)
{
    struct gate_rule rule = usual;
    struct gate_decision d;
    (void)state;

    /* 51 good and 49 failed of 100, with 40 % allowed: another server calls that a success. */
    rule.allowed_failure = rule.stop_allowed = 0.4;
    struct gate_counts c = { .total = 100, .done = 51, .failed = 49 };
    assert_int_equal(
        verdict(&rule, &c, "49 of 100 failed, 40.0 % allowed: the true rate is at least 40.4 %"),
        GATE_STOP);
    c = (struct gate_counts){ .total = 100, .done = 70, .failed = 30 };
    assert_int_equal(verdict(&rule, &c, NULL), GATE_GO);

    /* Above what is allowed, but so few that it may be chance: a person decides. */
    c = (struct gate_counts){ .total = 100, .done = 93, .failed = 7 };
    assert_int_equal(verdict(&usual, &c, "7.0 % failed, 5.0 % allowed: resume accepts it"),
                     GATE_HOLD);
    gate_decide(&usual, &c, &d);
    assert_true(d.bad);
    c.accepted = true; /* of a sample, not of failures that came since */
    assert_int_equal(verdict(&usual, &c, NULL), GATE_HOLD);

    /* It is known before the stage is over. */
    c = (struct gate_counts){ .total = 100, .done = 74, .failed = 6, .pending = 20 };
    assert_int_equal(verdict(&usual, &c, "too many have failed for it to go on by itself"),
                     GATE_HOLD);
    c.failed = 5;
    gate_decide(&usual, &c, &d);
    assert_null(strstr(d.missing, "too many"));
}

static void one_failure_stops_a_canary_that_allows_none(void **state)
{
    struct gate_rule rule = usual;
    (void)state;

    rule.allowed_failure = 0;
    struct gate_counts c = { .total = 10, .failed = 1, .pending = 9 };
    assert_int_equal(verdict(&rule, &c, "1 of 1 failed, none may"), GATE_STOP);
    c = (struct gate_counts){ .total = 10, .done = 10 };
    assert_int_equal(verdict(&rule, &c, "0 of 10 failed: the true rate could still be 26 %"),
                     GATE_GO);
}

static void what_is_missing_fits_a_column_too(void **state)
{
    struct gate_counts c = { .total = 20, .done = 8, .pending = 12, .word_ms = 4200000 };
    struct gate_decision d;
    (void)state;

    gate_decide(&usual, &c, &d);
    assert_string_equal(d.brief, "12 more or 1h10m silent");
    c.untold = 7;
    gate_decide(&usual, &c, &d);
    assert_string_equal(d.brief, "12 more, 7 not told");
    c = (struct gate_counts){ .total = 100, .done = 74, .failed = 6, .pending = 20 };
    gate_decide(&usual, &c, &d);
    assert_string_equal(d.brief, "20 more, too many failed");
    c = (struct gate_counts){ .total = 10, .silent = 10 };
    gate_decide(&usual, &c, &d);
    assert_string_equal(d.brief, "");
}

static void nothing_goes_on_because_it_is_merely_finished(void **state)
{
    struct gate_counts c;
    (void)state;

    c = (struct gate_counts){ .total = 10, .done = 5, .pending = 5 };
    assert_int_equal(verdict(&usual, &c, "5 more results"), GATE_HOLD);
    c = (struct gate_counts){ .total = 20, .done = 8, .pending = 12, .word_ms = 4200000 };
    assert_int_equal(verdict(&usual, &c, "12 more results or 1h10m without a word"), GATE_HOLD);
    c.untold = 7;
    assert_int_equal(verdict(&usual, &c, "12 more results, 7 of them not told yet"), GATE_HOLD);
    c = (struct gate_counts){ .total = 20, .done = 19, .pending = 1, .word_ms = 1800000 };
    assert_int_equal(verdict(&usual, &c, "1 more result or 30m without a word"), GATE_HOLD);
    c = (struct gate_counts){
        .total = 10, .done = 5, .soaking = 5, .waiting = 5, .soak_left_ms = 4200000
    };
    assert_int_equal(verdict(&usual, &c, "5 soaking, 1h10m left"), GATE_HOLD);
    c = (struct gate_counts){ .total = 10, .silent = 10 };
    assert_int_equal(verdict(&usual, &c, "10 silent"), GATE_HOLD);
    c = (struct gate_counts){ .total = 10, .done = 7, .excused = 3, .away = 3 };
    assert_int_equal(verdict(&usual, &c, "3 more results: 3 are offline"), GATE_HOLD);
    c.accepted = true;
    assert_int_equal(verdict(&usual, &c, "a person has accepted that"), GATE_GO);
    c = (struct gate_counts){ .total = 10, .done = 7, .excused = 3 }; /* already there */
    assert_int_equal(verdict(&usual, &c, NULL), GATE_GO);
    c = (struct gate_counts){ .total = 30, .done = 27, .excused = 3, .away = 3 };
    assert_int_equal(verdict(&usual, &c, NULL), GATE_GO);
}

static void the_bound_decides_where_it_can_and_the_rate_where_not(void **state)
{
    struct gate_counts c;
    (void)state;

    c = (struct gate_counts){ .total = 58, .done = 58 }; /* 59 could show 5 % */
    assert_int_equal(verdict(&usual, &c, "too few to show more, the observed rate is within"),
                     GATE_GO);
    c = (struct gate_counts){ .total = 58, .done = 57, .failed = 1 };
    assert_int_equal(verdict(&usual, &c, "could still be 7.9 %; too few"), GATE_GO);
    c = (struct gate_counts){ .total = 59, .done = 59 };
    assert_int_equal(verdict(&usual, &c, "the true rate is below 5.0 %, 5.0 % allowed"), GATE_GO);
    c = (struct gate_counts){ .total = 59, .done = 58, .failed = 1 };
    assert_int_equal(verdict(&usual, &c, "(93 results would show it)"), GATE_HOLD);
    c = (struct gate_counts){ .total = 100, .done = 98, .failed = 2 };
    assert_int_equal(verdict(&usual, &c, "below 6.2 %, 5.0 % allowed"), GATE_HOLD);
    c = (struct gate_counts){ .total = 120, .done = 119, .failed = 1 };
    assert_int_equal(verdict(&usual, &c, "the true rate is below 3.9 %"), GATE_GO);
    c = (struct gate_counts){ .total = 60, .done = 58, .silent = 2 }; /* and 5 % may be */
    assert_int_equal(verdict(&usual, &c, "too few"), GATE_GO);
    /* Those who are away could show it: it is not small, it is early. */
    c = (struct gate_counts){ .total = 70, .done = 50, .excused = 20, .away = 20 };
    assert_int_equal(verdict(&usual, &c, "9 more results: 20 are offline or silent"), GATE_HOLD);
    c = (struct gate_counts){ .total = 70, .done = 50, .excused = 20 };
    assert_int_equal(verdict(&usual, &c, "too few"), GATE_GO);
}

static void the_number_needed_is_the_least_that_shows_it(void **state)
{
    static const uint32_t failed[] = { 0, 1, 2, 5, 20, 1000 };
    static const double allowed[] = { 0.01, 0.05, 0.4 };
    (void)state;

    for (size_t i = 0; i < 6 * 3; i++) {
        uint32_t k = failed[i % 6];
        double rate = allowed[i / 6];
        uint32_t n = gate_needed(k, rate, 0.95);
        assert_true(gate_upper(k, n, 0.95) <= rate + 1e-12);
        assert_true(gate_upper(k, n - 1, 0.95) > rate);
    }
    assert_int_equal(gate_needed(1, 0.05, 0.95), 93);
    assert_true(gate_needed(1, 0, 0.95) == UINT32_MAX);
    assert_true(gate_needed(0, 0, 0.95) == UINT32_MAX);
}

static void each_class_of_ends_has_its_cap(void **state)
{
    struct gate_rule rule = usual;
    struct gate_counts c = { .total = 100, .done = 91, .other = 9, .network = 6, .power = 3 };
    (void)state;

    assert_int_equal(verdict(&rule, &c, NULL), GATE_GO);
    rule.max_network = 0.05;
    assert_int_equal(verdict(&rule, &c, "6 ended by the network, 5 % allowed: resume accepts them"),
                     GATE_HOLD);
    rule.max_network = 0.06;
    rule.max_power = 0.02;
    assert_int_equal(verdict(&rule, &c, "3 ended by power, 2 % allowed"), GATE_HOLD);
    rule.max_power = -1;
    c.policy = 1;
    rule.max_policy = 0;
    assert_int_equal(verdict(&rule, &c, "1 refused it (policy), 0 % allowed"), GATE_HOLD);
    rule.max_policy = -1;
    rule.max_other = 0.08;
    assert_int_equal(verdict(&rule, &c, "9 ended for reasons of their own, 8 % allowed"),
                     GATE_HOLD);
}

/* --- The test that looks after every device: exact, path by path --- */

static void the_boundary_is_the_tests_own_and_only_rises(void **state)
{
    uint32_t *bound = walk_boundary(0.05, 0.01, 3000);
    (void)state;

    for (uint32_t n = 1; n <= 3000; n++) {
        assert_true(bound[n] >= bound[n - 1]); /* so only a failure can cross it */
        if (bound[n] <= n)
            assert_true(gate_test(0.05, 0.01, bound[n], n));
        if (bound[n] > 0 && bound[n] - 1 <= n)
            assert_false(gate_test(0.05, 0.01, bound[n] - 1, n));
    }
    assert_int_equal(bound[3], 3); /* three of three, four of ten, eleven of a hundred */
    assert_int_equal(bound[10], 4);
    assert_int_equal(bound[100], 11);
    free(bound);
}

static void it_stops_few_good_rollouts_and_finds_a_bad_one(void **state)
{
    enum { MOST = 100000 };
    uint32_t *bound = walk_boundary(0.05, 0.01, MOST);
    struct walk good, bad;
    (void)state;

    walk_run(&good, bound, MOST, 0.05);
    close_to(good.stopped[MOST], 0.0307, 0.0003); /* the figure of gate.h */
    /* And after that, for ever: see gate.h. */
    assert_true(good.stopped[MOST] + 30 * 0.01 / (MOST * 0.05) < 0.04);
    assert_true(good.lost < 1e-9);
    walk_free(&good);
    walk_run(&good, bound, MOST, 0.03);
    assert_true(good.stopped[MOST] < 0.004);
    walk_free(&good);

    walk_run(&bad, bound, 400, 0.15);
    assert_true(bad.stopped[100] > 0.91);
    assert_true(bad.stopped[200] > 0.99);
    walk_free(&bad);
    walk_run(&bad, bound, 100, 1.0);
    assert_true(bad.stopped[3] >= 1);
    walk_free(&bad);
    free(bound);
}

/* P(X >= k) of 100 at 5 % and 15 %: why no test with an error of 1 % can find 15 % in 9 of 10. */
static void even_a_single_look_errs_more_than_one_in_a_hundred(void **state)
{
    (void)state;

    assert_true(1 - binomial_at_most(10, 100, 0.05) > 0.0114);
    assert_true(1 - binomial_at_most(11, 100, 0.15) < 0.9); /* twelve would be too many */
}

static void no_limit_and_no_alpha_err_more_than_the_header_says(void **state)
{
    static const double limits[] = { 0.002, 0.02, 0.05, 0.1, 0.2, 0.4 };
    static const double alphas[] = { 0.001, 0.005, 0.01, 0.05, 0.1 };
    (void)state;

    for (size_t i = 0; i < 6 * 5; i++) {
        double limit = limits[i % 6], alpha = alphas[i / 6];
        uint32_t most = (uint32_t)(150 / limit);
        uint32_t *bound = walk_boundary(limit, alpha, most);
        struct walk walk;
        walk_run(&walk, bound, most, limit);
        double all = walk.stopped[most] + 30 * alpha / 150; /* with the tail */
        if (all > (alpha < 0.005 ? 4.4 : 3.7) * alpha)
            fail_msg("limit %g, alpha %g: %g", limit, alpha, all);
        walk_free(&walk);
        free(bound);
    }
}

static void who_is_at_risk_counts_before_it_has_done_well(void **state)
{
    struct gate_counts c = { .total = 200, .failed = 5, .pending = 60 };
    (void)state;

    /* Five failures within minutes, a hundred others are being soaked: that is 5 %. */
    assert_true(gate_must_stop(&usual, &c));
    c.soaking = 80;
    c.trying = 15;
    assert_false(gate_must_stop(&usual, &c));
    c.failed = 12;
    assert_int_equal(verdict(&usual, &c, "12 of 107 failed, 5.0 % allowed"), GATE_STOP);
}

static void a_gate_without_a_result_says_who_could_give_one(void **state)
{
    struct gate_counts c = { 0 };
    (void)state;

    assert_int_equal(verdict(&usual, &c, "nobody is left to give one: resume, or retry"),
                     GATE_HOLD);
    c = (struct gate_counts){ .total = 3, .excused = 3, .away = 3 };
    assert_int_equal(verdict(&usual, &c, "a first result: 3 are offline or silent"), GATE_HOLD);
    c.accepted = true;
    assert_int_equal(verdict(&usual, &c, NULL), GATE_GO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_incomplete_beta_function_has_its_known_values),
        cmocka_unit_test(bounds_are_clopper_and_pearsons),
        cmocka_unit_test(clean_canaries_show_what_the_rule_of_three_says),
        cmocka_unit_test(a_complete_stage_with_a_bad_rate_never_goes_on),
        cmocka_unit_test(one_failure_stops_a_canary_that_allows_none),
        cmocka_unit_test(what_is_missing_fits_a_column_too),
        cmocka_unit_test(nothing_goes_on_because_it_is_merely_finished),
        cmocka_unit_test(the_bound_decides_where_it_can_and_the_rate_where_not),
        cmocka_unit_test(the_number_needed_is_the_least_that_shows_it),
        cmocka_unit_test(each_class_of_ends_has_its_cap),
        cmocka_unit_test(the_boundary_is_the_tests_own_and_only_rises),
        cmocka_unit_test(it_stops_few_good_rollouts_and_finds_a_bad_one),
        cmocka_unit_test(even_a_single_look_errs_more_than_one_in_a_hundred),
        cmocka_unit_test(no_limit_and_no_alpha_err_more_than_the_header_says),
        cmocka_unit_test(who_is_at_risk_counts_before_it_has_done_well),
        cmocka_unit_test(a_gate_without_a_result_says_who_could_give_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
