#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "monkey.h"

/*
 * A few seeds here. For longer: MONKEY_SEED=<first> MONKEY_RUNS=<count> [MONKEY_EVENTS=<each>]
 * build/asan/tests/golden/test_monkey
 */
static uint64_t setting(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : usual;
}

static void whatever_is_typed_and_happens_the_ui_keeps_its_promises(void **state)
{
    uint64_t first = setting("MONKEY_SEED", 1), runs = setting("MONKEY_RUNS", 12);
    unsigned events = (unsigned)setting("MONKEY_EVENTS", 1500), failed = 0;
    char why[2000];
    (void)state;

    for (uint64_t seed = first; seed < first + runs; seed++) {
        printf("seed %llu\n", (unsigned long long)seed); /* for one that does not come back */
        fflush(stdout);
        if (monkey_run(seed, events, why, sizeof(why)) == 0)
            continue;
        fprintf(stderr, "MONKEY_SEED=%llu MONKEY_RUNS=1 MONKEY_EVENTS=%u: %s\n",
                (unsigned long long)seed, events, why);
        failed++;
    }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_typed_and_happens_the_ui_keeps_its_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
