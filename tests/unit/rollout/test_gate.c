#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rollout/gate.h"

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

static void a_complete_stage_with_a_bad_rate_stops(void **state)
{
    struct gate_rule rule = usual;
    (void)state;

    /* 51 good and 49 failed of 100, with 40 % allowed: another server calls that a success. */
    rule.allowed_failure = rule.stop_allowed = 0.4;
    struct gate_counts c = { .total = 100, .done = 51, .failed = 49 };
    assert_int_equal(verdict(&rule, &c, "49 of 100 failed, 40.0 % allowed"), GATE_STOP);

    /* And it is stopped by the 41st failure: no luck of the others could mend it. */
    c = (struct gate_counts){ .total = 100, .done = 51, .failed = 40, .pending = 9 };
    assert_int_equal(verdict(&rule, &c, NULL), GATE_HOLD);
    c = (struct gate_counts){ .total = 100, .done = 51, .failed = 41, .pending = 8 };
    assert_int_equal(verdict(&rule, &c, NULL), GATE_STOP);

    c = (struct gate_counts){ .total = 100, .done = 70, .failed = 30 };
    assert_int_equal(verdict(&rule, &c, NULL), GATE_GO);
}

static void one_failure_stops_a_canary_that_allows_none(void **state)
{
    struct gate_rule rule = usual;
    (void)state;

    rule.allowed_failure = 0;
    struct gate_counts c = { .total = 10, .failed = 1, .pending = 9 };
    assert_int_equal(verdict(&rule, &c, "1 of 1 failed"), GATE_STOP);
    c = (struct gate_counts){ .total = 10, .done = 10 };
    assert_int_equal(verdict(&rule, &c, "0 of 10 failed: the true rate could still be 26 %"),
                     GATE_GO);
}

static void nothing_goes_on_because_it_is_merely_finished(void **state)
{
    struct gate_counts c;
    (void)state;

    c = (struct gate_counts){ .total = 10, .done = 5, .pending = 5 };
    assert_int_equal(verdict(&usual, &c, "5 more results"), GATE_HOLD);
    c = (struct gate_counts){
        .total = 10, .done = 5, .soaking = 5, .waiting = 5, .soak_left_ms = 4200000
    };
    assert_int_equal(verdict(&usual, &c, "5 soaking, 1 h 10 m left"), GATE_HOLD);
    c = (struct gate_counts){ .total = 10, .silent = 10 };
    assert_int_equal(verdict(&usual, &c, "10 silent"), GATE_HOLD);
    c = (struct gate_counts){ .total = 10, .done = 8, .other = 2 };
    assert_int_equal(verdict(&usual, &c, "reasons of their own"), GATE_HOLD);
    c = (struct gate_counts){ .total = 10, .done = 7, .excused = 3 };
    assert_int_equal(verdict(&usual, &c, "13 more results: 3 are offline"), GATE_HOLD);
    c.accepted = true;
    assert_int_equal(verdict(&usual, &c, NULL), GATE_GO);
    c = (struct gate_counts){ .total = 30, .done = 27, .excused = 3 };
    assert_int_equal(verdict(&usual, &c, NULL), GATE_GO);
    c = (struct gate_counts){ .total = 100, .done = 98, .failed = 2 };
    assert_int_equal(verdict(&usual, &c, "below 6.2 %, 5.0 % allowed"), GATE_HOLD);
    c = (struct gate_counts){ .total = 120, .done = 119, .failed = 1 };
    assert_int_equal(verdict(&usual, &c, NULL), GATE_GO);
}

static void an_empty_gate_has_no_first_result(void **state)
{
    struct gate_counts c = { 0 };
    (void)state;

    assert_int_equal(verdict(&usual, &c, "a first result"), GATE_HOLD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_incomplete_beta_function_has_its_known_values),
        cmocka_unit_test(bounds_are_clopper_and_pearsons),
        cmocka_unit_test(clean_canaries_show_what_the_rule_of_three_says),
        cmocka_unit_test(a_complete_stage_with_a_bad_rate_stops),
        cmocka_unit_test(one_failure_stops_a_canary_that_allows_none),
        cmocka_unit_test(nothing_goes_on_because_it_is_merely_finished),
        cmocka_unit_test(an_empty_gate_has_no_first_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
