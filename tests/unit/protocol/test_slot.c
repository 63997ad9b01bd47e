#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ossl/crypto.h"
#include "protocol/slot.h"

#define ROLLOUT_40 "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
#define DEVICE_64  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

/* Computed with Python's hashlib and its unbounded integers. */
static const struct {
    const char *rollout, *device;
    uint64_t jitter, rank;
    uint32_t delay_600, delay_max; /* of 600 s and of 2^32 - 1 s, for the jitter value */
} vectors[] = {
    { "r-20261120-1", "sensor-001", 0xf61b86a541074d10, 0x40b96c1fa327b378, 576, 4128999076 },
    { "r-20261120-1", "sensor-002", 0x5bdfebba1b6425d7, 0x424b37457c440310, 215, 1541401529 },
    { "r-20261120-2", "sensor-001", 0xe77e1aee88514980, 0xe25f844810e3f29c, 542, 3883801325 },
    { "a", "b", 0x314875eaf2d1c65c, 0x2d5b9ca54a17584c, 115, 826832362 },
    { ROLLOUT_40, DEVICE_64, 0xc138fe398f65b3ca, 0x430d2676ea248953, 452, 3241737784 },
};

static void slots_and_ranks_are_those_of_the_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint64_t v = slot_value(ossl_crypto(), vectors[i].rollout, vectors[i].device);
        uint64_t r = rank_value(ossl_crypto(), vectors[i].rollout, vectors[i].device);
        assert_true(v == vectors[i].jitter);
        assert_true(r == vectors[i].rank);
        assert_int_equal(slot_delay(600, v), vectors[i].delay_600);
        assert_int_equal(slot_delay(UINT32_MAX, v), vectors[i].delay_max);
    }
}

static void a_delay_is_always_below_the_jitter(void **state)
{
    (void)state;
    assert_int_equal(slot_delay(0, UINT64_MAX), 0);
    assert_int_equal(slot_delay(1, UINT64_MAX), 0);
    assert_int_equal(slot_delay(600, 0), 0);
    assert_int_equal(slot_delay(600, UINT64_MAX), 599);
    assert_true(slot_delay(UINT32_MAX, UINT64_MAX) == UINT32_MAX - 1);
    /* the value at which 600 * v / 2^64 becomes 1, and the one before */
    assert_int_equal(slot_delay(600, UINT64_MAX / 600), 0);
    assert_int_equal(slot_delay(600, UINT64_MAX / 600 + 1), 1);
    assert_int_equal(slot_fraction_ms(0, UINT64_MAX), 0);
    assert_int_equal(slot_fraction_ms(1, UINT64_MAX), 999);
    assert_int_equal(slot_fraction_ms(600, UINT64_MAX / 1200), 499);
    assert_int_equal(slot_fraction_ms(1, UINT64_MAX / 2 + 1), 500);
}

static void sequential_names_spread_evenly(void **state)
{
    unsigned bucket[10] = { 0 };
    char device[32];
    (void)state;

    for (int i = 0; i < 10000; i++) {
        int n = snprintf(device, sizeof(device), "sensor-%05d", i);
        assert_true(n > 0);
        bucket[slot_delay(10, slot_value(ossl_crypto(), "r-1", device))]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(bucket[i], 850, 1150); /* five standard deviations */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_and_ranks_are_those_of_the_vectors),
        cmocka_unit_test(a_delay_is_always_below_the_jitter),
        cmocka_unit_test(sequential_names_spread_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
