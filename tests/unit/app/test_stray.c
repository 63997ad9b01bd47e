#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stray.h"

struct heard {
    int count;
    char last[512];
};

static void hear(void *ctx, enum log_level level, const char *line)
{
    struct heard *h = ctx;

    assert_int_equal(level, LOG_WARN);
    h->count++;
    snprintf(h->last, sizeof(h->last), "%s", line);
}

static void a_line_on_stderr_becomes_a_line_of_the_log(void **state)
{
    struct heard h = { 0 };
    struct log log = { .sink = hear, .ctx = &h };
    (void)state;

    struct stray *s = stray_open();
    assert_non_null(s);
    fputs("half", stderr);
    stray_read(s, &log);
    assert_int_equal(h.count, 0);
    fputs(" a line\nanother \x1b[2J\n", stderr);
    stray_read(s, &log);
    stray_close(s);

    assert_int_equal(h.count, 2);
    assert_string_equal(h.last, "stderr: another ?[2J");
}

static void who_writes_too_much_is_not_made_to_wait(void **state)
{
    struct heard h = { 0 };
    struct log log = { .sink = hear, .ctx = &h };
    char much[4096];
    (void)state;

    memset(much, 'x', sizeof(much));
    struct stray *s = stray_open();
    for (int i = 0; i < 100; i++) /* more than a pipe holds */
        if (write(STDERR_FILENO, much, sizeof(much)) < 0)
            break;
    stray_read(s, &log);
    stray_close(s);

    assert_true(h.count > 100);
    assert_true(strlen(h.last) < 300);
}

static void stderr_is_what_it_was_afterwards(void **state)
{
    int out[2];
    char back[8] = "";
    (void)state;

    assert_int_equal(pipe(out), 0);
    int real = dup(STDERR_FILENO);
    dup2(out[1], STDERR_FILENO);
    struct stray *s = stray_open();
    stray_close(s);
    ssize_t wrote = write(STDERR_FILENO, "here", 4);
    dup2(real, STDERR_FILENO);
    close(real);
    close(out[1]);

    assert_int_equal(wrote, 4);
    assert_int_equal(read(out[0], back, sizeof(back) - 1), 4);
    assert_string_equal(back, "here");
    close(out[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_on_stderr_becomes_a_line_of_the_log),
        cmocka_unit_test(who_writes_too_much_is_not_made_to_wait),
        cmocka_unit_test(stderr_is_what_it_was_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
