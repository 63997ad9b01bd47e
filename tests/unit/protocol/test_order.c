#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/order.h"

/* What is refused, and why, is in tests/cases/order and tests/cases/command. */

static struct order an_order(enum verb verb)
{
    struct order o = { .verb = verb,
                       .fleet = "home",
                       .dev = "sensor-001",
                       .seq = 118,
                       .iat = 1790000000,
                       .nbf = 1790000001,
                       .exp = 1790086400 };
    return o;
}

static struct order an_update(void)
{
    struct order o = an_order(VERB_UPDATE);

    memcpy(o.rollout, "r-20261120-1", 13);
    o.attempt = 2;
    o.jitter = 600;
    memset(o.release, 0xab, sizeof(o.release));
    memcpy(o.url, "https://gw:8443/firmware/", 26);
    o.trial = 300;
    return o;
}

static void goes_both_ways(const struct order *o)
{
    char first[PROTO_ORDER_BYTES], second[PROTO_ORDER_BYTES];
    struct order back;

    int n = order_encode(o, first, sizeof(first));
    assert_true(n > 0);
    assert_int_equal(n, strlen(first));
    assert_int_equal(order_decode(first, (size_t)n, &back), REASON_NONE);
    assert_memory_equal(&back, o, sizeof(back));
    assert_int_equal(order_encode(&back, second, sizeof(second)), n);
    assert_string_equal(first, second);
}

static void every_verb_goes_both_ways(void **state)
{
    (void)state;
    struct order o = an_update();
    goes_both_ways(&o);

    static const enum verb plain[] = { VERB_REBOOT, VERB_KEYS, VERB_RENEW, VERB_IDENTIFY };
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        o = an_order(plain[i]);
        goes_both_ways(&o);
    }
    static const enum verb named[] = { VERB_ABORT, VERB_ROLLBACK };
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        o = an_order(named[i]);
        memcpy(o.rollout, "r-1", 4);
        goes_both_ways(&o);
    }
}

static void a_config_goes_both_ways(void **state)
{
    struct order o = an_order(VERB_CONFIG);
    (void)state;

    o.set.has_interval = true;
    o.set.interval = 30;
    goes_both_ways(&o);
    o.set.has_groups = true; /* and none of them */
    goes_both_ways(&o);
    o.set.group_count = PROTO_GROUP_COUNT;
    for (int i = 0; i < PROTO_GROUP_COUNT; i++)
        memset(o.set.groups[i], 'a' + i, PROTO_GROUP_MAX - 1);
    o.set.has_url = o.set.has_ntp = true;
    memcpy(o.set.url, "https://gw/", 12);
    memcpy(o.set.ntp, "pool.ntp.org", 13);
    goes_both_ways(&o);
}

static void the_largest_update_fits_a_signed_order(void **state)
{
    struct order o = an_update();
    char text[PROTO_ORDER_BYTES];
    (void)state;

    memset(o.fleet, 'f', PROTO_FLEET_MAX - 1);
    memset(o.dev, 'd', PROTO_ID_MAX - 1);
    memset(o.rollout, 'r', PROTO_ROLLOUT_MAX - 1);
    memset(o.url + 11, 'u', 100);
    memcpy(o.url + 111, "/", 2);
    o.seq = o.attempt = UINT32_MAX;
    int n = order_encode(&o, text, sizeof(text));
    assert_true(n > 0);
    /* header, payload and signature in base64url, and two dots */
    assert_true(90 + (n * 4 + 2) / 3 + 86 + 2 <= PROTO_ORDER_BYTES);
}

static void an_order_that_a_device_would_refuse_is_not_encoded(void **state)
{
    char out[PROTO_ORDER_BYTES];
    struct order o;
    (void)state;

    o = an_update();
    memcpy(o.url, "http://gw/", 11);
    assert_int_equal(order_encode(&o, out, sizeof(out)), -1);
    o = an_update();
    o.attempt = 0;
    assert_int_equal(order_encode(&o, out, sizeof(out)), -1);
    o = an_update();
    o.exp = o.nbf;
    assert_int_equal(order_encode(&o, out, sizeof(out)), -1);
    o = an_update();
    o.rollout[0] = '\0';
    assert_int_equal(order_encode(&o, out, sizeof(out)), -1);
    o = an_order(VERB_CONFIG);
    assert_int_equal(order_encode(&o, out, sizeof(out)), -1);
    o = an_order(VERB_COUNT);
    assert_int_equal(order_encode(&o, out, sizeof(out)), -1);
    o = an_order(VERB_REBOOT);
    memcpy(o.dev, "a b", 4);
    assert_int_equal(order_encode(&o, out, sizeof(out)), -1);
}

static void a_small_buffer_is_told(void **state)
{
    struct order o = an_update();
    char out[PROTO_ORDER_BYTES];
    (void)state;

    int n = order_encode(&o, out, sizeof(out));
    for (size_t cap = 0; cap <= (size_t)n; cap++)
        assert_int_equal(order_encode(&o, out, cap), -1);
    assert_int_equal(order_encode(&o, out, (size_t)n + 1), n);
}

static void a_refused_order_says_nothing(void **state)
{
    struct order o, zero;
    (void)state;

    memset(&o, 0xff, sizeof(o));
    memset(&zero, 0, sizeof(zero));
    assert_int_equal(order_decode("[]", 2, &o), REASON_BAD_ORDER);
    assert_memory_equal(&o, &zero, sizeof(o));
}

static void a_command_body_goes_both_ways(void **state)
{
    struct command_body b;
    char out[64];
    (void)state;

    int n = command_body_encode("a.b.c", "d.e.f", out, sizeof(out));
    assert_string_equal(out, "{\"order\":\"a.b.c\",\"release\":\"d.e.f\"}");
    assert_int_equal(command_body_split(out, (size_t)n, &b), REASON_NONE);
    assert_int_equal(b.order_len, 5);
    assert_memory_equal(b.order, "a.b.c", 5);
    assert_int_equal(b.release_len, 5);
    assert_memory_equal(b.release, "d.e.f", 5);
    assert_null(b.keyset);

    n = command_body_encode("a.b.c", NULL, out, sizeof(out));
    assert_string_equal(out, "{\"order\":\"a.b.c\"}");
    assert_int_equal(command_body_split(out, (size_t)n, &b), REASON_NONE);
    assert_int_equal(b.release_len, 0);
    assert_int_equal(command_body_encode("a.b.c", NULL, out, (size_t)n), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_goes_both_ways),
        cmocka_unit_test(a_config_goes_both_ways),
        cmocka_unit_test(the_largest_update_fits_a_signed_order),
        cmocka_unit_test(an_order_that_a_device_would_refuse_is_not_encoded),
        cmocka_unit_test(a_small_buffer_is_told),
        cmocka_unit_test(a_refused_order_says_nothing),
        cmocka_unit_test(a_command_body_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
