#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "claims.h"

#define A  "aaaaaaaaaaaaaaaa"
#define B  "bbbbbbbbbbbbbbbb"
#define TA CLAIM_PREFIX A
#define TB CLAIM_PREFIX B

static void hear(struct claims *c, const char *topic, const char *body, int64_t now)
{
    assert_true(claims_message(c, topic, body, strlen(body), now));
}

static void who_leads_alone_claims_and_says_it_again(void **state)
{
    struct claims c;
    char topic[64];
    (void)state;

    claims_init(&c, A);
    claims_topic(&c, topic, sizeof(topic));
    assert_string_equal(topic, "fleet/engine/aaaaaaaaaaaaaaaa");
    claims_link(&c, true, 0);
    assert_int_equal(claims_turn(&c, false, false, 0), CLAIM_NOTHING); /* follows on its host */
    assert_int_equal(claims_turn(&c, true, false, 0), CLAIM_SAY);
    assert_int_equal(claims_turn(&c, true, false, CLAIM_EVERY_MS - 1), CLAIM_NOTHING);
    assert_int_equal(claims_turn(&c, true, false, CLAIM_EVERY_MS), CLAIM_SAY);
    hear(&c, TA, "", CLAIM_EVERY_MS + 1); /* the will of a process of ours that died */
    assert_int_equal(claims_turn(&c, true, false, CLAIM_EVERY_MS + 2), CLAIM_SAY);
}

static void who_comes_later_does_not_lead_and_knows_why(void **state)
{
    struct claims c;
    (void)state;

    claims_init(&c, A); /* the smaller one: being first counts more */
    hear(&c, TB, "serve, pid 1 on host b", 0);
    claims_link(&c, true, 0);
    assert_int_equal(claims_turn(&c, true, false, 0), CLAIM_YIELD);
    assert_string_equal(claims_rival(&c), "serve, pid 1 on host b");
    assert_int_equal(claims_turn(&c, false, true, 100), CLAIM_YIELD);
}

static void when_the_claim_is_gone_it_leads_after_a_while(void **state)
{
    struct claims c;
    (void)state;

    claims_init(&c, A);
    hear(&c, TB, "b", 0);
    assert_int_equal(claims_turn(&c, true, false, 0), CLAIM_YIELD);
    hear(&c, TB, "", 1000);
    assert_int_equal(claims_turn(&c, false, true, 1000), CLAIM_NOTHING);
    hear(&c, TB, "b", 2000); /* it had only reconnected */
    assert_int_equal(claims_turn(&c, false, true, 2000), CLAIM_YIELD);
    hear(&c, TB, "", 3000);
    assert_int_equal(claims_turn(&c, false, true, 3000 + CLAIM_GRACE_MS - 1), CLAIM_NOTHING);
    assert_int_equal(claims_turn(&c, false, true, 3000 + CLAIM_GRACE_MS), CLAIM_FREE);
    assert_int_equal(claims_turn(&c, true, false, 3001 + CLAIM_GRACE_MS), CLAIM_SAY);
}

static void a_claim_that_nobody_says_again_is_dead(void **state)
{
    struct claims c;
    (void)state;

    claims_init(&c, A);
    hear(&c, TB, "b", 0);
    assert_int_equal(claims_turn(&c, true, false, CLAIM_DEAD_MS), CLAIM_YIELD);
    assert_int_equal(claims_turn(&c, false, true, CLAIM_DEAD_MS + 1), CLAIM_FREE);
    assert_null(claims_rival(&c));
}

static void of_two_at_the_same_moment_exactly_one_stays(void **state)
{
    struct claims a, b;
    (void)state;

    claims_init(&a, A);
    claims_init(&b, B);
    assert_int_equal(claims_turn(&a, true, false, 0), CLAIM_SAY);
    assert_int_equal(claims_turn(&b, true, false, 0), CLAIM_SAY);
    hear(&a, TB, "b", 1);
    hear(&b, TA, "a", 1);
    assert_int_equal(claims_turn(&a, true, false, 2), CLAIM_NOTHING);
    assert_int_equal(claims_turn(&b, true, false, 2), CLAIM_YIELD);
    hear(&a, TB, "", 3);
    assert_null(claims_rival(&a));
}

static void other_topics_are_left_to_others_and_garbage_is_bounded(void **state)
{
    struct claims c;
    char topic[64];
    (void)state;

    claims_init(&c, A);
    assert_false(claims_message(&c, "devices/x/status", "{}", 2, 0));
    hear(&c, CLAIM_PREFIX "short", "x", 0);
    assert_null(claims_rival(&c));
    for (int i = 0; i < 100; i++) {
        snprintf(topic, sizeof(topic), CLAIM_PREFIX "%016d", i);
        hear(&c, topic, "\x1b[31mred", 0);
    }
    assert_null(strchr(claims_rival(&c), '\x1b'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_leads_alone_claims_and_says_it_again),
        cmocka_unit_test(who_comes_later_does_not_lead_and_knows_why),
        cmocka_unit_test(when_the_claim_is_gone_it_leads_after_a_while),
        cmocka_unit_test(a_claim_that_nobody_says_again_is_dead),
        cmocka_unit_test(of_two_at_the_same_moment_exactly_one_stays),
        cmocka_unit_test(other_topics_are_left_to_others_and_garbage_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
