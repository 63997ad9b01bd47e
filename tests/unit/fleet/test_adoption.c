#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"
#include "fleet/adoption.h"

#define DAY 86400

static int setup(void **state)
{
    static struct feed f;
    feed_open(&f, NULL);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fleet_free(((struct feed *)*state)->fleet);
    return 0;
}

/* keyset or cert_days 0: not said. */
static void device(struct feed *f, const char *id, uint32_t keyset, int cert_days)
{
    char topic[128], body[256], set[32] = "", cert[48] = "";
    if (keyset)
        snprintf(set, sizeof(set), ",\"keyset\":%u", keyset);
    if (cert_days)
        snprintf(cert, sizeof(cert), ",\"cert_not_after\":%lld",
                 (long long)(f->now_ms / 1000 + cert_days * DAY));
    snprintf(topic, sizeof(topic), "devices/%s/status", id);
    snprintf(body, sizeof(body), "{\"state\":\"online\",\"fw\":\"1.0.0\",\"security\":%u%s%s}",
             keyset + 1, set, cert);
    feed_retained(f, topic, body);
}

static void devices_are_counted_by_the_keyset_they_have(void **state)
{
    struct feed *f = *state;
    struct adoption a;
    device(f, "a", 4, 0);
    device(f, "b", 5, 0);
    device(f, "c", 3, 0);
    device(f, "d", 2, 0);
    device(f, "e", 1, 0);
    device(f, "f", 0, 0);
    feed_say(f, "devices/g/telemetry/env", "{\"temperature\":1}"); /* no status: not ours */

    adoption_count(f->fleet, NULL, 4, f->now_ms, &a);

    assert_int_equal(a.devices, 6);
    assert_int_equal(a.have, 2);
    assert_int_equal(a.before, 1);
    assert_int_equal(a.older, 2);
    assert_int_equal(a.unknown, 1);
    assert_int_equal(a.security_least, 1);
    assert_int_equal(a.security_most, 6);
}

static void a_filter_narrows_what_is_counted(void **state)
{
    struct feed *f = *state;
    struct filter_error mistake;
    struct adoption a;
    device(f, "a", 4, 0);
    device(f, "b", 3, 0);
    struct filter *filter = filter_compile("id=b", &mistake);

    adoption_count(f->fleet, filter, 4, f->now_ms, &a);

    assert_int_equal(a.devices, 1);
    assert_int_equal(a.before, 1);
    filter_free(filter);
}

static void enough_is_99_of_100_and_never_nobody(void **state)
{
    (void)state;
    assert_false(adoption_is_enough(&(struct adoption){ .devices = 0, .have = 0 }));
    assert_true(adoption_is_enough(&(struct adoption){ .devices = 1, .have = 1 }));
    assert_false(adoption_is_enough(&(struct adoption){ .devices = 100, .have = 98 }));
    assert_true(adoption_is_enough(&(struct adoption){ .devices = 100, .have = 99 }));
}

static void certificates_that_end_are_counted_and_the_first_is_named(void **state)
{
    struct feed *f = *state;
    struct adoption a;
    device(f, "over", 1, -3);
    device(f, "later", 1, 29);
    device(f, "first", 1, 5);
    device(f, "fine", 1, 300);
    device(f, "silent", 1, 0);

    adoption_count(f->fleet, NULL, 1, f->now_ms, &a);

    assert_int_equal(a.cert_ended, 1);
    assert_int_equal(a.cert_soon, 2);
    assert_int_equal(a.cert_unknown, 1);
    assert_string_equal(a.cert_of, "first");
    assert_int_equal(a.cert_first, f->now_ms / 1000 + 5 * DAY);
}

static void those_behind_come_oldest_first_and_within_bounds(void **state)
{
    struct feed *f = *state;
    char id[3][PROTO_ID_MAX];
    device(f, "z", 2, 0);
    device(f, "new", 4, 0);
    device(f, "m", 3, 0);
    device(f, "b", 2, 0);
    device(f, "unsaid", 0, 0);
    device(f, "old", 1, 0);
    device(f, "a", 3, 0);

    assert_int_equal(adoption_behind(f->fleet, NULL, 4, f->now_ms, id, 3), 3);
    assert_string_equal(id[0], "old");
    assert_string_equal(id[1], "b");
    assert_string_equal(id[2], "z");
    assert_int_equal(adoption_behind(f->fleet, NULL, 2, f->now_ms, id, 3), 1);
    assert_int_equal(adoption_behind(f->fleet, NULL, 4, f->now_ms, id, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(devices_are_counted_by_the_keyset_they_have, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_filter_narrows_what_is_counted, setup, teardown),
        cmocka_unit_test(enough_is_99_of_100_and_never_nobody),
        cmocka_unit_test_setup_teardown(certificates_that_end_are_counted_and_the_first_is_named,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(those_behind_come_oldest_first_and_within_bounds, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
