#include <cmocka.h>

static jmp_buf after_test;

_Noreturn void cross_fail(const char *what, const char *file, int line)
{
    printf("%s:%d: %s\n", file, line, what);
    longjmp(after_test, 1);
}

void cross_int_equal(uintmax_t a, uintmax_t b, bool equal, const char *file, int line)
{
    if ((a == b) == equal)
        return;
    printf("%jd (%#jx) and %jd (%#jx)\n", (intmax_t)a, a, (intmax_t)b, b);
    cross_fail(equal ? "are not equal" : "are equal", file, line);
}

void cross_string_equal(const char *a, const char *b, bool equal, const char *file, int line)
{
    if ((strcmp(a, b) == 0) == equal)
        return;
    printf("\"%s\" and \"%s\"\n", a, b);
    cross_fail(equal ? "are not equal" : "are equal", file, line);
}

static bool run_one(const struct CMUnitTest *t)
{
    void *state = NULL;

    if (setjmp(after_test) != 0) {
        printf("FAILED %s\n", t->name);
        return false;
    }
    if (t->setup_func && t->setup_func(&state) != 0)
        cross_fail("set-up failed", t->name, 0);
    t->test_func(&state);
    if (t->teardown_func && t->teardown_func(&state) != 0)
        cross_fail("tear-down failed", t->name, 0);
    return true;
}

/* Thousands of lives each: minutes in an emulator, a second in the unit tests. */
static bool takes_too_long(const char *name)
{
    return strncmp(name, "power_may_go_", 13) == 0 ||
           strncmp(name, "any_call_of_a_rotation_", 23) == 0;
}

/* The last line is what the script adds up. */
int cross_run(const struct CMUnitTest *tests, size_t count)
{
    unsigned passed = 0, failed = 0;

    for (size_t i = 0; i < count; i++) {
        if (takes_too_long(tests[i].name))
            printf("left out: %s\n", tests[i].name);
        else if (run_one(&tests[i]))
            passed++;
        else
            failed++;
    }
    printf("cross: %u passed, %u failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
