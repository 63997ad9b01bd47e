#ifndef CROSS_CMOCKA_H
#define CROSS_CMOCKA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*
 * As much of cmocka's interface as our tests use, for a processor that cmocka is not built for: a
 * failed assertion says where, and the next test begins. The tests are compiled as they are; only
 * this header stands in for the library's.
 */
struct CMUnitTest {
    const char *name;
    void (*test_func)(void **state);
    int (*setup_func)(void **state);
    int (*teardown_func)(void **state);
};

#define cmocka_unit_test(f)                                                                        \
    {                                                                                              \
#f, f, NULL, NULL                                                                          \
    }
#define cmocka_unit_test_setup_teardown(f, setup, teardown)                                        \
    {                                                                                              \
#f, f, setup, teardown                                                                     \
    }
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    cross_run(tests, sizeof(tests) / sizeof((tests)[0]))

int cross_run(const struct CMUnitTest *tests, size_t count);
/* Ends the test that runs. */
_Noreturn void cross_fail(const char *what, const char *file, int line);
void cross_int_equal(uintmax_t a, uintmax_t b, bool equal, const char *file, int line);
void cross_string_equal(const char *a, const char *b, bool equal, const char *file, int line);

#define assert_true(c)         ((c) ? (void)0 : cross_fail(#c " is false", __FILE__, __LINE__))
#define assert_false(c)        ((c) ? cross_fail(#c " is true", __FILE__, __LINE__) : (void)0)
#define assert_null(p)         assert_true((p) == NULL)
#define assert_non_null(p)     assert_true((p) != NULL)
#define assert_ptr_equal(a, b) assert_true((const void *)(a) == (const void *)(b))
#define assert_int_equal(a, b)                                                                     \
    cross_int_equal((uintmax_t)(a), (uintmax_t)(b), true, __FILE__, __LINE__)
#define assert_int_not_equal(a, b)                                                                 \
    cross_int_equal((uintmax_t)(a), (uintmax_t)(b), false, __FILE__, __LINE__)
#define assert_in_range(v, low, high)                                                              \
    assert_true((uintmax_t)(v) >= (uintmax_t)(low) && (uintmax_t)(v) <= (uintmax_t)(high))
#define assert_string_equal(a, b)     cross_string_equal(a, b, true, __FILE__, __LINE__)
#define assert_string_not_equal(a, b) cross_string_equal(a, b, false, __FILE__, __LINE__)
#define assert_memory_equal(a, b, n)  assert_true(memcmp(a, b, n) == 0)
#define fail_msg(...)                 (printf(__VA_ARGS__), printf("\n"), cross_fail("failed", __FILE__, __LINE__))
#define fail()                        cross_fail("failed", __FILE__, __LINE__)

#endif
