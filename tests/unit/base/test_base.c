#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

static void a_prefix_goes_in_front_and_never_costs_the_cause(void **state)
{
    struct err e;
    char longest[600];
    (void)state;

    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    err_set(&e, EXIT_REACH, "disk full: free some room");
    err_prefix(&e, "cannot publish %s", "weather");

    assert_string_equal(e.text, "cannot publish weather: disk full: free some room");
    err_prefix(&e, "%s", longest);
    assert_non_null(strstr(e.text, "disk full: free some room"));
    assert_int_equal(e.code, EXIT_REACH);
}

static void a_text_that_does_not_fit_is_refused_not_cut(void **state)
{
    char out[4];
    (void)state;

    assert_true(text_copy(out, sizeof(out), "abc"));
    assert_false(text_copy(out, sizeof(out), "abcd"));
    assert_string_equal(out, "");
    assert_false(text_format(out, sizeof(out), "%d", 12345));
}

static void numbers_are_read_whole_or_not_at_all(void **state)
{
    uint64_t n;
    double d;
    (void)state;

    assert_true(text_to_u64("42", 0, 100, &n));
    assert_int_equal(n, 42);
    assert_false(text_to_u64("42x", 0, 100, &n));
    assert_false(text_to_u64("-1", 0, 100, &n));
    assert_false(text_to_u64("101", 0, 100, &n));
    assert_false(text_to_u64("", 0, 100, &n));
    assert_true(text_to_double("-1.5e3", &d));
    assert_false(text_to_double("nan", &d));
    assert_false(text_to_double("0x10", &d));
    assert_false(text_to_double("1e999", &d));
}

static void durations_take_a_unit(void **state)
{
    uint64_t s;
    (void)state;

    assert_true(text_to_seconds("90", &s) && s == 90);
    assert_true(text_to_seconds("15m", &s) && s == 900);
    assert_true(text_to_seconds("2h", &s) && s == 7200);
    assert_true(text_to_seconds("7d", &s) && s == 604800);
    assert_false(text_to_seconds("7w", &s));
    assert_false(text_to_seconds("m", &s));
    assert_false(text_to_seconds("1hh", &s));
}

static void hostile_text_loses_its_controls(void **state)
{
    static const char escape[] = "a\x1b[2Jb\x07\n\xc2\x9b"
                                 "c\xe2\x80\xae"
                                 "d\xff\xc0\x80";
    char out[64];
    (void)state;

    text_clean(out, sizeof(out), escape, sizeof(escape) - 1);

    assert_string_equal(out, "a?[2Jb?.?c?d???");
}

static void clean_text_is_cut_between_characters(void **state)
{
    char out[4];
    (void)state;

    assert_int_equal(text_clean(out, sizeof(out), "\xc3\xa9\xc3\xa9", 4), 2);
    assert_string_equal(out, "\xc3\xa9");
}

static void keep_line(void *ctx, enum log_level level, const char *line)
{
    (void)level;
    strncat(ctx, line, 63);
}

static void a_log_line_carries_no_control_bytes(void **state)
{
    char got[64] = "";
    struct log log = { .sink = keep_line, .ctx = got, .least = LOG_INFO };
    (void)state;

    log_say(&log, LOG_DEBUG, "not this");
    log_say(&log, LOG_WARN, "x%sy", "\x1b[0m");

    assert_string_equal(got, "x?[0my");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_goes_in_front_and_never_costs_the_cause),
        cmocka_unit_test(a_text_that_does_not_fit_is_refused_not_cut),
        cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
        cmocka_unit_test(durations_take_a_unit),
        cmocka_unit_test(hostile_text_loses_its_controls),
        cmocka_unit_test(clean_text_is_cut_between_characters),
        cmocka_unit_test(a_log_line_carries_no_control_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
