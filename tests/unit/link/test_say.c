#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "say.h"

static void tls_failures_are_told_in_words(void **state)
{
    (void)state;
    assert_string_equal(
        say_tls("OpenSSL Error[0]: error:0A000415:SSL routines::sslv3 alert certificate expired"),
        "the broker says our certificate has expired");
    assert_non_null(
        strstr(say_tls("OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed"),
               "not good by our CA file"));
    assert_non_null(say_tls("OpenSSL Error[0]: error:0A00045C:SSL routines::"
                            "tlsv13 alert certificate required"));
    assert_null(say_tls("Client x sending CONNECT"));
}

static void codes_of_the_broker_are_told_in_words(void **state)
{
    (void)state;
    assert_string_equal(say_code(135), "the broker does not authorize us");
    assert_non_null(strstr(say_code(142), "same certificate"));
    assert_null(say_code(0));
    assert_null(say_code(255));
}

static void waits_double_to_half_a_minute_and_are_drawn_at_random(void **state)
{
    (void)state;
    assert_int_equal(say_backoff_ms(1, UINT32_MAX), 999);
    assert_int_equal(say_backoff_ms(2, UINT32_MAX), 1999);
    assert_int_equal(say_backoff_ms(5, UINT32_MAX), 15999);
    assert_int_equal(say_backoff_ms(6, UINT32_MAX), 29999);
    assert_int_equal(say_backoff_ms(1000000, UINT32_MAX), 29999);
    assert_int_equal(say_backoff_ms(6, UINT32_MAX / 2), 14999);
    assert_int_equal(say_backoff_ms(6, 0), 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_failures_are_told_in_words),
        cmocka_unit_test(codes_of_the_broker_are_told_in_words),
        cmocka_unit_test(waits_double_to_half_a_minute_and_are_drawn_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
