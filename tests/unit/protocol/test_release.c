#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/release.h"

/* What is refused, and why, is in tests/cases/release. */

static struct release a_release(void)
{
    struct release r = { .product = "weather",
                         .hw = { "esp32", "linux" },
                         .hw_count = 2,
                         .version = "1.4.0",
                         .seq = 17,
                         .security = 2,
                         .size = 917504,
                         .min_from = "1.2.0",
                         .min_agent = 1,
                         .created = 1790000000 };
    memset(r.sha256, 0xab, sizeof(r.sha256));
    return r;
}

static void goes_both_ways(const struct release *r)
{
    char text[PROTO_RELEASE_BYTES];
    struct release back;

    int n = release_encode(r, text, sizeof(text));
    assert_true(n > 0);
    assert_int_equal(release_decode(text, (size_t)n, &back), REASON_NONE);
    assert_memory_equal(&back, r, sizeof(back));
}

static void a_release_goes_both_ways(void **state)
{
    struct release r = a_release();
    (void)state;

    goes_both_ways(&r);
    memset(r.min_from, 0, sizeof(r.min_from));
    r.min_agent = 0;
    r.created = 0;
    r.security = 0;
    goes_both_ways(&r);
}

static void the_largest_release_fits_its_limit_signed(void **state)
{
    struct release r = a_release();
    char text[PROTO_RELEASE_BYTES];
    (void)state;

    memset(r.product, 'p', PROTO_PRODUCT_MAX - 1);
    r.hw_count = PROTO_HW_COUNT;
    for (int i = 0; i < PROTO_HW_COUNT; i++)
        memset(r.hw[i], 'a' + i, PROTO_HW_MAX - 1);
    r.delta_count = PROTO_DELTA_COUNT;
    for (int i = 0; i < PROTO_DELTA_COUNT; i++) {
        memset(r.delta[i].format, 'f', PROTO_FORMAT_MAX - 1);
        r.delta[i].size = UINT32_MAX;
    }
    goes_both_ways(&r);
    int n = release_encode(&r, text, sizeof(text));
    assert_true(92 + (n * 4 + 2) / 3 + 86 + 2 <= PROTO_RELEASE_BYTES);
}

static void a_release_that_a_device_would_refuse_is_not_encoded(void **state)
{
    char out[PROTO_RELEASE_BYTES];
    struct release r;
    (void)state;

    r = a_release();
    r.hw_count = 0;
    assert_int_equal(release_encode(&r, out, sizeof(out)), -1);
    r = a_release();
    r.hw_count = PROTO_HW_COUNT + 1;
    assert_int_equal(release_encode(&r, out, sizeof(out)), -1);
    r = a_release();
    r.delta_count = PROTO_DELTA_COUNT + 1;
    assert_int_equal(release_encode(&r, out, sizeof(out)), -1);
    r = a_release();
    memcpy(r.version, "1.4", 4);
    assert_int_equal(release_encode(&r, out, sizeof(out)), -1);
    r = a_release();
    r.size = 0;
    assert_int_equal(release_encode(&r, out, sizeof(out)), -1);
    r = a_release();
    r.product[0] = '\0';
    assert_int_equal(release_encode(&r, out, sizeof(out)), -1);
}

static void a_small_buffer_is_told(void **state)
{
    struct release r = a_release();
    char out[PROTO_RELEASE_BYTES];
    (void)state;

    int n = release_encode(&r, out, sizeof(out));
    for (size_t cap = 0; cap <= (size_t)n; cap++)
        assert_int_equal(release_encode(&r, out, cap), -1);
}

static void hardware_is_matched_whole(void **state)
{
    struct release r = a_release();
    (void)state;

    assert_true(release_fits_hw(&r, "esp32"));
    assert_true(release_fits_hw(&r, "linux"));
    assert_false(release_fits_hw(&r, "esp32c3"));
    assert_false(release_fits_hw(&r, "esp"));
    assert_false(release_fits_hw(&r, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_release_goes_both_ways),
        cmocka_unit_test(the_largest_release_fits_its_limit_signed),
        cmocka_unit_test(a_release_that_a_device_would_refuse_is_not_encoded),
        cmocka_unit_test(a_small_buffer_is_told),
        cmocka_unit_test(hardware_is_matched_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
