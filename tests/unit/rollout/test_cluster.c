#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "rollout/cluster.h"

enum { REV_A = 1, REV_B = 2, OLD = 7, OLDER = 8, BERLIN = 20, LAB = 21 };
enum { SELF_TEST = 40, NET_LOST = 41 };

static int setup(void **state)
{
    *state = clusters_new();
    return 0;
}

static int teardown(void **state)
{
    clusters_free(*state);
    return 0;
}

/* `count` devices alike; reason 0: they did well. */
static void add(struct clusters *c, uint32_t count, uint8_t reason, uint16_t hw, uint16_t from,
                uint16_t group)
{
    struct cluster_device d = {
        .failed = reason != 0,
        .reason = reason,
        .trait_count = 3,
        .trait = { { CLUSTER_HW, hw }, { CLUSTER_FROM, from }, { CLUSTER_GROUP, group } }
    };
    while (count-- > 0)
        clusters_add(c, &d);
}

static void the_hardware_that_most_failures_share_is_named(void **state)
{
    struct clusters *c = *state;
    struct cluster one;

    add(c, 30, 0, REV_A, OLD, BERLIN);
    add(c, 4, 0, REV_B, OLD, BERLIN);
    add(c, 5, SELF_TEST, REV_B, OLD, BERLIN);
    add(c, 1, SELF_TEST, REV_A, OLD, BERLIN);

    clusters_whole(c, &one);
    assert_int_equal(one.failed, 6);
    assert_int_equal(one.common_count, 1);
    assert_int_equal(one.common[0].factor, CLUSTER_HW);
    assert_int_equal(one.common[0].word, REV_B);
    assert_int_equal(one.with, 5);
    assert_int_equal(one.all_with, 9);
    assert_int_equal(one.total, 40);
    assert_true(one.strong);
}

static void what_all_devices_share_is_never_named(void **state)
{
    struct clusters *c = *state;
    struct cluster one;

    add(c, 34, 0, REV_B, OLD, BERLIN);
    add(c, 6, SELF_TEST, REV_B, OLD, BERLIN);

    clusters_whole(c, &one);
    assert_int_equal(one.failed, 6);
    assert_int_equal(one.common_count, 0);
}

static void what_most_devices_share_is_not_named_for_being_frequent(void **state)
{
    struct clusters *c = *state;
    struct cluster one;

    add(c, 8, 0, REV_A, OLD, BERLIN);
    add(c, 26, 0, REV_B, OLD, BERLIN);
    add(c, 6, SELF_TEST, REV_B, OLD, BERLIN); /* 6 of 6, but 32 of 40 have it */

    clusters_whole(c, &one);
    assert_int_equal(one.common_count, 0);
}

static void a_single_failure_has_nothing_in_common_with_itself(void **state)
{
    struct clusters *c = *state;
    struct cluster one;

    add(c, 1000, 0, REV_A, OLD, BERLIN);
    add(c, 1, SELF_TEST, REV_B, OLDER, LAB);

    clusters_whole(c, &one);
    assert_int_equal(one.failed, 1);
    assert_int_equal(one.common_count, 0);
}

static void few_devices_name_a_trait_but_not_strongly(void **state)
{
    struct clusters *c = *state;
    struct cluster one;

    add(c, 3, 0, REV_A, OLD, BERLIN);
    add(c, 2, SELF_TEST, REV_B, OLD, BERLIN);

    clusters_whole(c, &one); /* 1 in (5 choose 2) by chance */
    assert_int_equal(one.common_count, 1);
    assert_int_equal(one.common[0].word, REV_B);
    assert_true(one.p > 0.0999 && one.p < 0.1001);
    assert_false(one.strong);
}

static void each_reason_is_a_cluster_of_its_own_the_largest_first(void **state)
{
    struct clusters *c = *state;
    struct cluster list[4];

    add(c, 40, 0, REV_A, OLD, BERLIN);
    add(c, 20, 0, REV_B, OLDER, LAB);
    add(c, 2, SELF_TEST, REV_A, OLD, BERLIN);
    add(c, 6, NET_LOST, REV_A, OLD, LAB); /* all of the lab's network, whatever the hardware */

    assert_int_equal(clusters_list(c, list, 4), 2);
    assert_int_equal(list[0].reason, NET_LOST);
    assert_int_equal(list[0].failed, 6);
    assert_int_equal(list[0].common[0].factor, CLUSTER_GROUP);
    assert_int_equal(list[0].common[0].word, LAB);
    assert_int_equal(list[1].reason, SELF_TEST);
    assert_int_equal(list[1].common_count, 0);
}

static void the_largest_clusters_are_kept_when_there_is_no_room_for_all(void **state)
{
    struct clusters *c = *state;
    struct cluster list[2];

    for (uint8_t reason = 1; reason <= 5; reason++)
        add(c, reason, reason, REV_A, OLD, BERLIN);

    assert_int_equal(clusters_list(c, list, 2), 2);
    assert_int_equal(list[0].reason, 5);
    assert_int_equal(list[1].reason, 4);
    assert_int_equal(clusters_list(c, list, 0), 0);
}

static void traits_that_cannot_be_told_apart_are_named_together(void **state)
{
    struct clusters *c = *state;
    struct cluster one;

    add(c, 20, 0, REV_A, OLD, BERLIN);
    add(c, 5, SELF_TEST, REV_B, OLD, LAB);

    clusters_whole(c, &one);
    assert_int_equal(one.common_count, 2);
    assert_int_equal(one.common[0].factor, CLUSTER_HW);
    assert_int_equal(one.common[1].factor, CLUSTER_GROUP);
}

static void what_is_not_known_is_not_counted(void **state)
{
    struct clusters *c = *state;
    struct cluster one;

    add(c, 20, 0, REV_A, OLD, BERLIN);
    add(c, 5, SELF_TEST, 0, 0, 0);

    clusters_whole(c, &one);
    assert_int_equal(one.failed, 5);
    assert_int_equal(one.common_count, 0);
}

static void more_traits_than_there_is_room_for_are_ignored(void **state)
{
    struct clusters *c = *state;
    struct cluster one;

    for (uint16_t i = 1; i <= CLUSTER_TRAITS + 100; i++)
        add(c, 1, 0, i, 0, 0);
    add(c, 3, SELF_TEST, 1, 0, 0);

    clusters_whole(c, &one);
    assert_int_equal(one.total, CLUSTER_TRAITS + 103);
    assert_int_equal(one.common[0].word, 1);
    assert_int_equal(one.all_with, 4);
}

static void clear_forgets_everything(void **state)
{
    struct clusters *c = *state;
    struct cluster one;

    add(c, 3, SELF_TEST, REV_B, OLD, BERLIN);
    clusters_clear(c);

    clusters_whole(c, &one);
    assert_int_equal(one.total, 0);
    assert_int_equal(clusters_list(c, &one, 1), 0);
}

/* C(10,5) C(30,1) + C(10,6) over C(40,6), and the corners. */
static void the_tail_is_the_hypergeometric_one(void **state)
{
    (void)state;

    assert_true(cluster_tail(40, 10, 6, 5) > 0.0020242 && cluster_tail(40, 10, 6, 5) < 0.0020244);
    assert_true(cluster_tail(5, 2, 2, 2) > 0.09999999 && cluster_tail(5, 2, 2, 2) < 0.10000001);
    assert_true(cluster_tail(40, 10, 6, 0) >= 1);
    assert_true(cluster_tail(40, 40, 6, 6) >= 1);
    assert_true(cluster_tail(1000000, 10000, 100, 100) < 1e-150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(the_hardware_that_most_failures_share_is_named),
        T(what_all_devices_share_is_never_named),
        T(what_most_devices_share_is_not_named_for_being_frequent),
        T(a_single_failure_has_nothing_in_common_with_itself),
        T(few_devices_name_a_trait_but_not_strongly),
        T(each_reason_is_a_cluster_of_its_own_the_largest_first),
        T(the_largest_clusters_are_kept_when_there_is_no_room_for_all),
        T(traits_that_cannot_be_told_apart_are_named_together),
        T(what_is_not_known_is_not_counted),
        T(more_traits_than_there_is_room_for_are_ignored),
        T(clear_forgets_everything),
        T(the_tail_is_the_hypergeometric_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
