#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "claims.h"

#define A  "aaaaaaaa00000001"
#define A2 "aaaaaaaa00000002" /* another process under the same lock */
#define B  "bbbbbbbb00000001"
#define TA CLAIM_PREFIX A
#define TB CLAIM_PREFIX B

static void hear(struct claims *c, const char *topic, const char *body, int64_t now)
{
    assert_true(claims_message(c, topic, body, strlen(body), now));
}

/* Its last claim comes back. */
static void echo(struct claims *c, int64_t now)
{
    char topic[64], body[CLAIM_BODY_MAX];

    claims_topic(c, topic, sizeof(topic));
    claims_body(c, "me", body);
    hear(c, topic, body, now);
}

static void begin(struct claims *c, const char *id)
{
    claims_init(c, id);
    claims_link(c, true, 0);
}

static void hold(struct claims *c, const char *id)
{
    begin(c, id);
    assert_int_equal(claims_turn(c, true, 0), CLAIM_SAY);
    echo(c, 1);
    assert_true(claims_held(c, 1));
}

static void who_leads_alone_claims_and_says_it_again(void **state)
{
    struct claims c;
    char topic[64], body[CLAIM_BODY_MAX];
    (void)state;

    begin(&c, A);
    claims_topic(&c, topic, sizeof(topic));
    assert_string_equal(topic, "fleet/engine/" A);
    assert_int_equal(claims_turn(&c, false, 0), CLAIM_NOTHING); /* follows on its host */
    assert_int_equal(claims_turn(&c, true, 0), CLAIM_SAY);
    claims_body(&c, "serve", body);
    assert_string_equal(body, "serve\n1");
    echo(&c, 1);
    assert_int_equal(claims_turn(&c, true, CLAIM_EVERY_MS - 1), CLAIM_NOTHING);
    assert_int_equal(claims_turn(&c, true, CLAIM_EVERY_MS), CLAIM_SAY);
    assert_true(claims_held(&c, CLAIM_EVERY_MS));
}

static void it_holds_only_when_its_own_claim_came_back(void **state)
{
    struct claims c;
    (void)state;

    begin(&c, A);
    assert_false(claims_held(&c, 0));
    assert_int_equal(claims_turn(&c, true, 0), CLAIM_SAY);
    assert_false(claims_held(&c, 0));
    hear(&c, TA, "me\n7", 1); /* not what it said last */
    hear(&c, TA, "me", 1);
    assert_false(claims_held(&c, 1));
    echo(&c, 2);
    assert_true(claims_held(&c, 2));
}

static void who_finds_another_claim_before_its_own_gives_way(void **state)
{
    struct claims c;
    (void)state;

    begin(&c, A);
    assert_int_equal(claims_turn(&c, true, 0), CLAIM_SAY);
    hear(&c, TB, "b\n1", 1);
    echo(&c, 1);
    assert_false(claims_held(&c, 1));
    assert_int_equal(claims_turn(&c, true, 2), CLAIM_YIELD);
    assert_true(claims_withdraw(&c)); /* its own is to be cleared, once */
    assert_false(claims_withdraw(&c));
}

static void who_finds_its_own_first_stays_whatever_the_ids_are(void **state)
{
    struct claims c;
    (void)state;

    hold(&c, B);
    hear(&c, TA, "a\n1", 2);
    assert_true(claims_held(&c, 2));
    assert_int_equal(claims_turn(&c, true, 2), CLAIM_SAY); /* an answer, once */
    assert_int_equal(claims_turn(&c, true, 3), CLAIM_NOTHING);
    hear(&c, TA, "", 4);
    assert_true(claims_held(&c, 4));
}

static void of_two_that_both_hold_the_smaller_id_stays(void **state)
{
    struct claims a, b;
    (void)state;

    hold(&a, A);
    hold(&b, B);
    hear(&a, TB, "b\n1", 2);
    hear(&b, TA, "a\n1", 2);
    assert_int_equal(claims_turn(&a, true, 2), CLAIM_SAY);
    assert_int_equal(claims_turn(&b, true, 2), CLAIM_SAY);
    hear(&a, TB, "b\n2", 3);
    hear(&b, TA, "a\n2", 3);
    assert_true(claims_held(&a, 3));
    assert_false(claims_held(&b, 3));
    assert_int_equal(claims_turn(&b, true, 3), CLAIM_YIELD);
}

static void who_comes_later_does_not_lead_and_knows_why(void **state)
{
    struct claims c;
    (void)state;

    claims_init(&c, A); /* the smaller one: being first counts more */
    hear(&c, TB, "serve, pid 1 on host b\n3", 0);
    claims_link(&c, true, 0);
    assert_int_equal(claims_turn(&c, true, 0), CLAIM_YIELD);
    assert_string_equal(claims_rival(&c), "serve, pid 1 on host b");
    assert_false(claims_withdraw(&c)); /* it never said one */
    assert_int_equal(claims_turn(&c, false, 100), CLAIM_YIELD);
}

static void when_the_claim_is_gone_it_leads_after_a_while(void **state)
{
    struct claims c;
    (void)state;

    begin(&c, A);
    hear(&c, TB, "b", 0);
    assert_int_equal(claims_turn(&c, true, 0), CLAIM_YIELD);
    hear(&c, TB, "", 1000);
    assert_int_equal(claims_turn(&c, false, 1000), CLAIM_NOTHING);
    hear(&c, TB, "b", 2000); /* it had only reconnected */
    assert_int_equal(claims_turn(&c, false, 2000), CLAIM_YIELD);
    hear(&c, TB, "", 3000);
    assert_int_equal(claims_turn(&c, false, 3000 + CLAIM_GRACE_MS - 1), CLAIM_NOTHING);
    assert_int_equal(claims_turn(&c, false, 3000 + CLAIM_GRACE_MS), CLAIM_FREE);
    assert_int_equal(claims_turn(&c, true, 3001 + CLAIM_GRACE_MS), CLAIM_SAY);
}

static void a_claim_that_nobody_says_again_is_dead_and_its_holder_has_stopped_before(void **state)
{
    struct claims a, b;
    (void)state;

    hold(&b, B); /* said at 0; the others never hear it again */
    assert_true(claims_held(&b, CLAIM_HOLD_MS - 1));
    assert_false(claims_held(&b, CLAIM_HOLD_MS));
    begin(&a, A);
    hear(&a, TB, "b\n1", 0);
    assert_int_equal(claims_turn(&a, true, CLAIM_DEAD_MS), CLAIM_YIELD);
    assert_int_equal(claims_turn(&a, false, CLAIM_DEAD_MS + 1), CLAIM_FREE);
    assert_null(claims_rival(&a));
    assert_true(CLAIM_HOLD_MS < CLAIM_DEAD_MS);
}

static void who_loses_the_lock_or_its_claim_holds_no_longer(void **state)
{
    struct claims c;
    (void)state;

    hold(&c, A);
    assert_int_equal(claims_turn(&c, false, 2), CLAIM_CLEAR); /* handed over on this host */
    assert_false(claims_held(&c, 2));
    assert_int_equal(claims_turn(&c, false, 3), CLAIM_NOTHING);

    hold(&c, A);
    hear(&c, TA, "", 2); /* cleared by somebody */
    assert_false(claims_held(&c, 2));
    assert_int_equal(claims_turn(&c, true, 3), CLAIM_SAY);
    echo(&c, 4);
    assert_true(claims_held(&c, 4));

    claims_link(&c, false, 5);
    assert_false(claims_held(&c, 5));
}

static void a_process_under_the_same_lock_is_no_rival(void **state)
{
    struct claims c;
    (void)state;

    begin(&c, A);
    hear(&c, CLAIM_PREFIX A2, "console, pid 1\n3", 0); /* killed; its will is on the way */
    assert_int_equal(claims_turn(&c, true, 0), CLAIM_SAY);
    echo(&c, 1);
    assert_true(claims_held(&c, 1));
}

static void a_broker_that_does_not_give_the_claim_back_is_told(void **state)
{
    struct claims c;
    (void)state;

    begin(&c, A);
    assert_int_equal(claims_turn(&c, true, 0), CLAIM_SAY);
    assert_int_equal(claims_turn(&c, true, CLAIM_EVERY_MS - 1), CLAIM_NOTHING);
    assert_int_equal(claims_turn(&c, true, CLAIM_EVERY_MS), CLAIM_YIELD);
    assert_null(claims_rival(&c));
    assert_int_equal(claims_turn(&c, false, CLAIM_EVERY_MS + CLAIM_GRACE_MS), CLAIM_FREE);
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
        cmocka_unit_test(it_holds_only_when_its_own_claim_came_back),
        cmocka_unit_test(who_finds_another_claim_before_its_own_gives_way),
        cmocka_unit_test(who_finds_its_own_first_stays_whatever_the_ids_are),
        cmocka_unit_test(of_two_that_both_hold_the_smaller_id_stays),
        cmocka_unit_test(who_comes_later_does_not_lead_and_knows_why),
        cmocka_unit_test(when_the_claim_is_gone_it_leads_after_a_while),
        cmocka_unit_test(a_claim_that_nobody_says_again_is_dead_and_its_holder_has_stopped_before),
        cmocka_unit_test(who_loses_the_lock_or_its_claim_holds_no_longer),
        cmocka_unit_test(a_process_under_the_same_lock_is_no_rival),
        cmocka_unit_test(a_broker_that_does_not_give_the_claim_back_is_told),
        cmocka_unit_test(other_topics_are_left_to_others_and_garbage_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
