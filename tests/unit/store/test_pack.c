#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../console/store/src/pack.h"

static void what_goes_in_comes_out(void **state)
{
    struct pack in, out;
    uint8_t body[PACK_BYTES];
    (void)state;
    for (unsigned seed = 1; seed < 300; seed++) {
        memset(&in, 0, sizeof(in));
        srand(seed);
        for (int i = 0; i < PACK_SLOTS; i++) {
            if (rand() % 3 == 0)
                continue;
            float a = (float)(rand() % 20000 - 10000) / 7, b = rand() % 2 ? a : a + 5;
            in.slot[i] = (struct pack_slot){ (uint32_t)(1 + rand() % 900), a, (a + b) / 2, b };
        }
        size_t len = pack_encode(&in, body);
        assert_int_equal(pack_decode(body, len, &out), 0);
        assert_memory_equal(&in, &out, sizeof(in));
    }
}

static void a_single_value_costs_six_bytes(void **state)
{
    struct pack in = { .slot[95] = { 1, 20.5f, 20.5f, 20.5f } };
    uint8_t body[PACK_BYTES];
    (void)state;
    assert_int_equal(pack_encode(&in, body), 12 + 6);
    in.slot[0] = (struct pack_slot){ 2, 1, 2, 3 };
    assert_int_equal(pack_encode(&in, body), 12 + 6 + 14);
}

static void a_large_number_saturates(void **state)
{
    struct pack in = { .slot[3] = { 1000000, 1, 2, 3 } }, out;
    uint8_t body[PACK_BYTES];
    (void)state;
    assert_int_equal(pack_decode(body, pack_encode(&in, body), &out), 0);
    assert_int_equal(out.slot[3].n, 32767);
}

static void cut_and_foreign_bytes_are_refused(void **state)
{
    struct pack in = { .slot[3] = { 2, 1, 2, 3 }, .slot[9] = { 1, 1, 1, 1 } }, out;
    uint8_t body[PACK_BYTES];
    (void)state;
    size_t len = pack_encode(&in, body);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(pack_decode(body, i, &out), -1);
    assert_int_equal(pack_decode(body, len + 1, &out), -1);
    assert_int_equal(pack_decode(NULL, 0, &out), -1);
    memset(body, 0xff, sizeof(body)); /* all slots, not a number */
    assert_int_equal(pack_decode(body, sizeof(body), &out), -1);
}

static void merging_is_as_if_all_values_had_been_put_into_one(void **state)
{
    struct pack_slot a = { 3, 1, 2, 3 }, b = { 1, 10, 10, 10 }, none = { 0, 0, 0, 0 };
    (void)state;
    pack_merge(&a, &none);
    pack_merge(&a, &b);
    assert_int_equal(a.n, 4);
    assert_float_equal(a.avg, 4, 0.001);
    assert_float_equal(a.min, 1, 0.001);
    assert_float_equal(a.max, 10, 0.001);
    pack_merge(&none, &a);
    assert_memory_equal(&none, &a, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(a_single_value_costs_six_bytes),
        cmocka_unit_test(a_large_number_saturates),
        cmocka_unit_test(cut_and_foreign_bytes_are_refused),
        cmocka_unit_test(merging_is_as_if_all_values_had_been_put_into_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
