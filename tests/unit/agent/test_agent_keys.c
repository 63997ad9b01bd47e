#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keysets.h"

/* Keysets that follow one another, by the rules of the chain and over the records of a board. */

#define LIST(...) ((const enum key_name[]){ __VA_ARGS__, KEY_NAMES })

static char text[PROTO_KEYSET_BYTES + 1], body[BOARD_BODY];
static struct key_life life;

/* Version 1: one root, one key of each role. */
static struct keyset first(void)
{
    return keyset_of(1, LIST(ROOT_1), 1, LIST(RELEASE_1), LIST(ROLLOUT_1));
}

static int start(void **state)
{
    struct keyset k = first();
    size_t len = keyset_text(&k, LIST(ROOT_1), text);

    (void)state;
    life_begin(&life, text, len);
    assert_int_equal(life_boot(&life), REASON_NONE);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    life_end(&life);
    return 0;
}

static enum reason follows(const struct keyset *k, const enum key_name *by,
                           const struct keyset *now)
{
    struct keyset next;
    size_t len = keyset_text(k, by, text);

    return keyset_follows(text, len, board_crypto(), now, &next);
}

/* Send a keyset with an order signed by `order_by`. */
static enum reason send_by(const struct keyset *k, const enum key_name *by, enum key_name order_by)
{
    size_t len = keyset_text(k, by, text);

    return life_take(&life, body, keys_body(text, len, order_by, ++life.seq, body));
}

static enum reason send(const struct keyset *k, const enum key_name *by)
{
    return send_by(k, by, ROLLOUT_1);
}

/* ---- the chain ------------------------------------------------------------------------------- */

static void the_next_version_signed_by_the_root_follows(void **state)
{
    struct keyset one = first(), two = first();
    (void)state;

    two.version = 2;
    assert_int_equal(follows(&two, LIST(ROOT_1), &one), REASON_NONE);
}

static void a_jump_or_a_step_back_does_not_follow(void **state)
{
    struct keyset now = first(), other = first();
    (void)state;

    now.version = 5;
    for (uint32_t v = 1; v < 12; v++) {
        other.version = v;
        assert_int_equal(follows(&other, LIST(ROOT_1), &now),
                         v == 6 ? REASON_NONE : REASON_BAD_KEYSET);
    }
    now.version = other.version = UINT32_MAX;
    assert_int_equal(follows(&other, LIST(ROOT_1), &now), REASON_BAD_KEYSET);
}

static void the_thresholds_of_both_versions_must_be_met(void **state)
{
    struct keyset now = keyset_of(1, LIST(ROOT_1, ROOT_2), 2, LIST(RELEASE_1), LIST(ROLLOUT_1));
    struct keyset next = keyset_of(2, LIST(ROOT_2, ROOT_3), 2, LIST(RELEASE_1), LIST(ROLLOUT_1));
    (void)state;

    assert_int_equal(follows(&next, LIST(ROOT_1, ROOT_2, ROOT_3), &now), REASON_NONE);
    assert_int_equal(follows(&next, LIST(ROOT_1, ROOT_2), &now), REASON_BAD_SIGNATURE);
    assert_int_equal(follows(&next, LIST(ROOT_2, ROOT_3), &now), REASON_BAD_SIGNATURE);
    assert_int_equal(follows(&next, LIST(ROOT_2, ROOT_2, ROOT_3), &now), REASON_BAD_SIGNATURE);
    next.root_threshold = 1;
    assert_int_equal(follows(&next, LIST(ROOT_1, ROOT_2), &now), REASON_NONE);
}

static void only_root_keys_count(void **state)
{
    struct keyset one = first(), two = first();
    (void)state;

    two.version = 2;
    assert_int_equal(follows(&two, LIST(RELEASE_1), &one), REASON_BAD_SIGNATURE);
    assert_int_equal(follows(&two, LIST(ROLLOUT_1, STRANGER), &one), REASON_BAD_SIGNATURE);
}

static void a_revoked_root_key_does_not_count(void **state)
{
    struct keyset now = keyset_of(1, LIST(ROOT_1, ROOT_2), 1, LIST(RELEASE_1), LIST(ROLLOUT_1));
    struct keyset next = now;
    (void)state;

    next.version = 2;
    now.keys.key[0].revoked = true;
    assert_int_equal(follows(&next, LIST(ROOT_1), &now), REASON_BAD_SIGNATURE);
    assert_int_equal(follows(&next, LIST(ROOT_2), &now), REASON_NONE);
}

static void a_keyset_of_another_fleet_does_not_follow(void **state)
{
    struct keyset one = first(), two = first();
    (void)state;

    two.version = 2;
    snprintf(two.fleet, sizeof(two.fleet), "other");
    assert_int_equal(follows(&two, LIST(ROOT_1), &one), REASON_WRONG_FLEET);
}

static void the_floor_never_goes_down(void **state)
{
    struct keyset one = first(), two = first();
    (void)state;

    two.version = 2;
    one.seq_floor = 100;
    two.seq_floor = 99;
    assert_int_equal(follows(&two, LIST(ROOT_1), &one), REASON_BAD_KEYSET);
    two.seq_floor = 100;
    assert_int_equal(follows(&two, LIST(ROOT_1), &one), REASON_NONE);
}

/* ---- on a device ----------------------------------------------------------------------------- */

static void a_new_rollout_key_is_obeyed_and_the_old_one_refused(void **state)
{
    struct keyset two = keyset_of(2, LIST(ROOT_1), 1, LIST(RELEASE_1), LIST(ROLLOUT_2));
    (void)state;

    assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_UNKNOWN_KEY);
    assert_int_equal(send(&two, LIST(ROOT_1)), REASON_NONE);

    assert_int_equal(life.keys.now.version, 2);
    assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_NONE);
    assert_int_equal(life_reboot_order(&life, ROLLOUT_1), REASON_UNKNOWN_KEY);
}

static void a_revoked_key_is_named_so_and_the_floor_holds(void **state)
{
    struct keyset two = keyset_of(2, LIST(ROOT_1), 1, LIST(RELEASE_1), LIST(ROLLOUT_2));
    struct trusted_key *gone = &two.keys.key[two.keys.count++];
    (void)state;

    memset(gone, 0, sizeof(*gone));
    memcpy(gone->kid, key_kid(ROLLOUT_1), PROTO_KID_MAX);
    gone->revoked = true;
    two.seq_floor = 5000;
    assert_int_equal(send(&two, LIST(ROOT_1)), REASON_NONE);

    assert_int_equal(life_reboot_order(&life, ROLLOUT_1), REASON_REVOKED_KEY);
    assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_REPLAY);
    life.seq = 5001;
    assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_NONE);
}

static void what_was_taken_survives_a_restart(void **state)
{
    (void)state;

    for (uint32_t v = 2; v < 7; v++) {
        struct keyset k =
            keyset_of(v, LIST(ROOT_1), 1, LIST(RELEASE_1, RELEASE_2), LIST(ROLLOUT_1));
        struct keyset before;
        k.seq_floor = v;
        assert_int_equal(send(&k, LIST(ROOT_1)), REASON_NONE);
        before = life.keys.now;
        board_power_off(life.b);
        assert_int_equal(life_boot(&life), REASON_NONE);
        assert_memory_equal(&life.keys.now, &before, sizeof(before));
        assert_int_equal(life.keys.now.version, v);
    }
}

static void a_jump_is_refused_and_the_missing_step_heals_it(void **state)
{
    struct keyset two = first(), three = first();
    (void)state;

    two.version = 2;
    three.version = 3;
    assert_int_equal(send(&three, LIST(ROOT_1)), REASON_BAD_KEYSET);
    assert_int_equal(life.keys.now.version, 1);
    assert_int_equal(send(&two, LIST(ROOT_1)), REASON_NONE);
    assert_int_equal(send(&three, LIST(ROOT_1)), REASON_NONE);
    assert_int_equal(life.keys.now.version, 3);
}

static void without_the_root_nothing_moves(void **state)
{
    struct keyset two = keyset_of(2, LIST(ROOT_2), 1, LIST(RELEASE_1), LIST(STRANGER));
    (void)state;

    assert_int_equal(send(&two, LIST(ROOT_2)), REASON_BAD_SIGNATURE);
    assert_int_equal(send(&two, LIST(ROOT_2, RELEASE_1, ROLLOUT_1)), REASON_BAD_SIGNATURE);
    assert_int_equal(life.keys.now.version, 1);
    assert_int_equal(life.b->puts[OTA_RECORD_KEYSET_A] + life.b->puts[OTA_RECORD_KEYSET_B], 0);
}

static void a_strangers_order_brings_no_keyset(void **state)
{
    struct keyset two = first();
    (void)state;

    two.version = 2;
    assert_int_equal(send_by(&two, LIST(ROOT_1), STRANGER), REASON_UNKNOWN_KEY);
    assert_int_equal(send_by(&two, LIST(ROOT_1), RELEASE_1), REASON_UNKNOWN_KEY);
    assert_int_equal(life.keys.now.version, 1);
}

static void a_rollout_key_that_only_the_new_keyset_names_may_bring_it(void **state)
{
    struct keyset two = keyset_of(2, LIST(ROOT_1), 1, LIST(RELEASE_1), LIST(ROLLOUT_2));
    (void)state;

    assert_int_equal(send_by(&two, LIST(ROOT_2), ROLLOUT_2), REASON_UNKNOWN_KEY);
    assert_int_equal(send_by(&two, LIST(ROOT_1), ROLLOUT_2), REASON_NONE);
    assert_int_equal(life.keys.now.version, 2);
}

static void the_same_keyset_again_is_no_error_and_writes_nothing(void **state)
{
    struct keyset two = first();
    size_t len;
    (void)state;

    two.version = 2;
    len = keyset_text(&two, LIST(ROOT_1), text);
    len = keys_body(text, len, ROLLOUT_1, 2000, body);
    assert_int_equal(life_take(&life, body, len), REASON_NONE);
    assert_int_equal(life_take(&life, body, len), REASON_NONE);
    board_power_off(life.b);
    assert_int_equal(life_boot(&life), REASON_NONE);
    assert_int_equal(life_take(&life, body, len), REASON_NONE);
    assert_int_equal(life.b->puts[OTA_RECORD_KEYSET_A] + life.b->puts[OTA_RECORD_KEYSET_B], 1);
}

static void a_used_number_moves_nothing(void **state)
{
    struct keyset two = first(), three = first();
    (void)state;

    two.version = 2;
    three.version = 3;
    assert_int_equal(send(&two, LIST(ROOT_1)), REASON_NONE);
    life.seq--;
    assert_int_equal(send(&three, LIST(ROOT_1)), REASON_REPLAY);
    assert_int_equal(life.keys.now.version, 2);
}

static void a_refused_keyset_uses_no_number_up(void **state)
{
    struct keyset two = first(), three = first();
    (void)state;

    two.version = 2;
    three.version = 3;
    life.seq = UINT32_MAX - 1;
    assert_int_equal(send(&three, LIST(ROOT_1)), REASON_BAD_KEYSET);
    life.seq = 2000;
    assert_int_equal(send(&two, LIST(ROOT_1)), REASON_NONE);
}

static void an_order_without_a_keyset_is_refused(void **state)
{
    size_t len;
    (void)state;

    len = keys_body("{}", 2, ROLLOUT_1, 2000, body);
    assert_int_equal(life_take(&life, body, len), REASON_BAD_KEYSET);
    len = keys_body("[1]", 3, ROLLOUT_1, 2001, body);
    assert_int_not_equal(life_take(&life, body, len), REASON_NONE);
    assert_int_equal(life_take(&life, "{}", 2), REASON_BAD_ORDER);
}

static void a_newer_factory_keyset_wins_and_an_older_one_does_not(void **state)
{
    struct keyset two = first(), nine = first();
    (void)state;

    two.version = 2;
    assert_int_equal(send(&two, LIST(ROOT_1)), REASON_NONE);
    board_power_off(life.b);
    nine.version = 9;
    life.factory_len = keyset_text(&nine, LIST(ROOT_1), life.factory);
    assert_int_equal(life_boot(&life), REASON_NONE);
    assert_int_equal(life.keys.now.version, 9);
    nine.version = 10;
    assert_int_equal(send(&nine, LIST(ROOT_1)), REASON_NONE);
}

static void records_of_another_fleet_are_left_alone(void **state)
{
    struct keyset two = first(), other = first();
    (void)state;

    two.version = 2;
    assert_int_equal(send(&two, LIST(ROOT_1)), REASON_NONE);
    board_power_off(life.b);
    snprintf(other.fleet, sizeof(other.fleet), "other");
    life.factory_len = keyset_text(&other, LIST(ROOT_1), life.factory);
    assert_int_equal(life_boot(&life), REASON_NONE);
    assert_int_equal(life.keys.now.version, 1);
    assert_string_equal(life.keys.now.fleet, "other");
}

static void records_that_cannot_be_read_leave_nothing_trusted(void **state)
{
    struct keyset two = first();
    (void)state;

    two.version = 2;
    assert_int_equal(send(&two, LIST(ROOT_1)), REASON_NONE);
    board_power_off(life.b);
    life.b->records_unreadable = true;
    assert_int_equal(life_boot(&life), REASON_RECORD_IO);
    assert_int_equal(life.keys.now.keys.count, 0);
    life.b->records_unreadable = false;
    assert_int_equal(send(&two, LIST(ROOT_1)), REASON_RECORD_IO);
}

static void one_damaged_copy_leaves_the_other(void **state)
{
    (void)state;

    for (uint32_t v = 2; v < 4; v++) {
        struct keyset k = first();
        k.version = v;
        assert_int_equal(send(&k, LIST(ROOT_1)), REASON_NONE);
    }
    for (size_t at = 0; at < life.b->record_len[OTA_RECORD_KEYSET_B]; at++) {
        life.b->record[OTA_RECORD_KEYSET_B][at] ^= 0x10;
        board_power_off(life.b);
        assert_int_equal(life_boot(&life), REASON_NONE);
        assert_int_equal(life.keys.now.version, 2);
        assert_false(life.keys.damaged);
        life.b->record[OTA_RECORD_KEYSET_B][at] ^= 0x10;
    }
    life.b->record[OTA_RECORD_KEYSET_A][20] ^= 1;
    life.b->record[OTA_RECORD_KEYSET_B][20] ^= 1;
    board_power_off(life.b);
    assert_int_equal(life_boot(&life), REASON_NONE);
    assert_true(life.keys.damaged);
    assert_int_equal(life.keys.now.version, 1);
}

static void the_biggest_keyset_fits_a_record(void **state)
{
    struct keyset big = first();
    (void)state;

    big.version = 2;
    for (uint32_t i = big.keys.count; i < KEYRING_MAX; i++) {
        struct trusted_key *gone = &big.keys.key[big.keys.count++];
        memset(gone, 0, sizeof(*gone));
        snprintf(gone->kid, sizeof(gone->kid), "%016x", i);
        gone->revoked = true;
    }
    assert_int_equal(send(&big, LIST(ROOT_1)), REASON_NONE);
    board_power_off(life.b);
    assert_int_equal(life_boot(&life), REASON_NONE);
    assert_memory_equal(&life.keys.now, &big, sizeof(big));
}

/* ---- an update under way -----------------------------------------------------------------------
 */

/* The board's own keys: 0 is its rollout key, 1 its release key. */
/* ---- numbers that a stolen key has used up --------------------------------------------------- */

/* Orders of two classes with the last number there is. */
static void use_numbers_up(void)
{
    struct keyset two = first();

    two.version = 2;
    life.seq = UINT32_MAX - 1;
    assert_int_equal(send(&two, LIST(ROOT_1)), REASON_NONE);
    assert_int_equal(life_reboot_order(&life, ROLLOUT_1), REASON_NONE);
    life.seq = 7;
    assert_int_equal(life_reboot_order(&life, ROLLOUT_1), REASON_REPLAY);
}

static void a_keyset_without_the_stolen_key_frees_all_numbers(void **state)
{
    struct keyset three = keyset_of(3, LIST(ROOT_1), 1, LIST(RELEASE_1), LIST(ROLLOUT_2));
    (void)state;

    use_numbers_up();
    assert_int_equal(send_by(&three, LIST(ROOT_1), ROLLOUT_2), REASON_NONE);

    for (int boots = 0; boots < 2; boots++) {
        assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_NONE);
        life.seq--;
        assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_REPLAY);
        assert_int_equal(life_reboot_order(&life, ROLLOUT_1), REASON_UNKNOWN_KEY);
        board_power_off(life.b);
        assert_int_equal(life_boot(&life), REASON_NONE);
    }
}

/* The operator's tool signs with what a device that is behind obeys, and that is the old key. */
static void the_stolen_key_itself_may_bring_it_whatever_its_number(void **state)
{
    struct keyset three = keyset_of(3, LIST(ROOT_1), 1, LIST(RELEASE_1), LIST(ROLLOUT_2));
    (void)state;

    use_numbers_up();
    assert_int_equal(send_by(&three, LIST(ROOT_2), ROLLOUT_1), REASON_REPLAY);
    assert_int_equal(send_by(&three, LIST(ROOT_1), ROLLOUT_1), REASON_NONE);
    assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_NONE);

    /* A thief who passes it on with the last number gains nothing by that. */
    struct keyset four = first();
    four.version = 4;
    assert_int_equal(send_by(&four, LIST(ROOT_1), ROLLOUT_2), REASON_NONE);
}

static void a_keyset_that_keeps_a_rollout_key_frees_none(void **state)
{
    struct keyset three =
        keyset_of(3, LIST(ROOT_1), 1, LIST(RELEASE_1), LIST(ROLLOUT_1, ROLLOUT_2));
    (void)state;

    use_numbers_up();
    assert_int_equal(send(&three, LIST(ROOT_1)), REASON_REPLAY);
    assert_int_equal(send_by(&three, LIST(ROOT_1), ROLLOUT_2), REASON_REPLAY);
    assert_int_equal(life.keys.now.version, 2);
}

static void a_keyset_that_adds_a_key_leaves_the_used_numbers_used(void **state)
{
    struct keyset two = keyset_of(2, LIST(ROOT_1), 1, LIST(RELEASE_1), LIST(ROLLOUT_1, ROLLOUT_2));
    (void)state;

    life.seq = UINT32_MAX;
    assert_int_equal(life_reboot_order(&life, ROLLOUT_1), REASON_NONE);
    life.seq = 7;
    assert_int_equal(send(&two, LIST(ROOT_1)), REASON_NONE);
    assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_REPLAY);
}

static void freed_numbers_begin_above_the_keysets_floor(void **state)
{
    struct keyset three = keyset_of(3, LIST(ROOT_1), 1, LIST(RELEASE_1), LIST(ROLLOUT_2));
    (void)state;

    use_numbers_up();
    three.seq_floor = 5000;
    assert_int_equal(send_by(&three, LIST(ROOT_1), ROLLOUT_2), REASON_REPLAY);
    life.seq = 5000;
    assert_int_equal(send_by(&three, LIST(ROOT_1), ROLLOUT_2), REASON_NONE);
    life.seq = 5000;
    assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_REPLAY);
    assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_NONE);
}

/* Power goes in each write of it; sent again until it is answered, it frees the numbers all the
 * same, and before it is in use it frees none. */
static void power_may_go_while_numbers_are_freed(void **state)
{
    struct keyset three = keyset_of(3, LIST(ROOT_1), 1, LIST(RELEASE_1), LIST(ROLLOUT_2));
    volatile uint32_t cuts = 0;

    stop(state); /* it makes its own */
    for (volatile uint32_t n = 1; n < 40; n++) {
        for (volatile int cut = CUT_BEFORE; cut < CUT_KINDS; cut++) {
            for (volatile uint32_t seed = 1; seed < 20; seed++) {
                jmp_buf jump;
                start(state);
                use_numbers_up();
                life.b->seed = seed * 7919;
                life.b->jump = &jump;
                life.b->cut = (enum cut)cut;
                life.b->cut_at = life.b->writes + n;
                if (setjmp(jump) == 0) {
                    assert_int_equal(send_by(&three, LIST(ROOT_1), ROLLOUT_2), REASON_NONE);
                } else {
                    cuts++;
                    assert_int_equal(life_boot(&life), REASON_NONE);
                    if (life.keys.now.version == 2)
                        assert_int_equal(life_reboot_order(&life, ROLLOUT_1), REASON_REPLAY);
                    assert_int_equal(send_by(&three, LIST(ROOT_1), ROLLOUT_2), REASON_NONE);
                }
                life.b->cut_at = 0;
                assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_NONE);
                life.seq--;
                assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_REPLAY);
                board_power_off(life.b);
                assert_int_equal(life_boot(&life), REASON_NONE);
                life.seq--;
                assert_int_equal(life_reboot_order(&life, ROLLOUT_2), REASON_REPLAY);
                life_end(&life);
            }
        }
    }
    printf("power cuts while numbers were freed: %u\n", (unsigned)cuts);
    assert_true(cuts > 150);
    start(state);
}

static void revoke_in(struct board *b, enum ota_state when, int key)
{
    struct offer f = board_offer(b, board_image(b, "1.4.0", 70000, MANNER_GOOD), 100);

    board_order(b, &f);
    assert_true(board_run(b, when, 3600));
    assert_string_equal(ota_state_word(b->agent.state), ota_state_word(when));
    b->keyset.keys.key[key].revoked = true;
}

static void assert_stopped(struct board *b)
{
    assert_true(board_run(b, OTA_STATE_COUNT, 3600));
    assert_string_equal(ota_state_word(b->agent.state), "FAILED");
    assert_string_equal(reason_word(board_last(b)->reason), "revoked_key");
    assert_string_equal(board_version(b), "1.3.0");
    board_free(b);
}

static void a_revoked_key_stops_what_it_signed_before_the_switch(void **state)
{
    static const enum ota_state when[] = { OTA_WAIT, OTA_DOWNLOAD, OTA_VERIFY, OTA_INSTALL };
    (void)state;

    for (size_t i = 0; i < sizeof(when) / sizeof(when[0]); i++) {
        for (int key = 0; key < 2; key++) {
            struct board *b = board_new();
            revoke_in(b, when[i], key);
            assert_stopped(b);
        }
    }
}

static void a_restart_forgets_nothing_of_that(void **state)
{
    struct board *b = board_new();
    (void)state;

    revoke_in(b, OTA_WAIT, 1);
    board_power_off(b);
    b->server.open_fails_times = -1; /* nor is anything fetched: this would end another way */
    b->server.open_fails = REASON_CONNECT;
    assert_stopped(b);
}

static void another_key_that_is_revoked_stops_nothing(void **state)
{
    struct board *b = board_new();
    (void)state;

    revoke_in(b, OTA_WAIT, 2); /* it was revoked before */
    assert_true(board_run(b, OTA_STATE_COUNT, 3600));
    assert_string_equal(ota_state_word(b->agent.state), "DONE");
    board_free(b);
}

/* ---- everything breaks ------------------------------------------------------------------------
 */

/* Three rotations: of the rollout key, of the root, of the release key. */
enum { STEPS = 3 };
static char step_body[STEPS][BOARD_BODY];
static size_t step_len[STEPS];

static void make_steps(void)
{
    struct keyset k = keyset_of(2, LIST(ROOT_1), 1, LIST(RELEASE_1), LIST(ROLLOUT_2));
    size_t len = keyset_text(&k, LIST(ROOT_1), text);
    step_len[0] = keys_body(text, len, ROLLOUT_1, 1001, step_body[0]);

    k = keyset_of(3, LIST(ROOT_2, ROOT_3), 2, LIST(RELEASE_1), LIST(ROLLOUT_2));
    len = keyset_text(&k, LIST(ROOT_1, ROOT_2, ROOT_3), text);
    step_len[1] = keys_body(text, len, ROLLOUT_2, 1002, step_body[1]);

    k = keyset_of(4, LIST(ROOT_2, ROOT_3), 2, LIST(RELEASE_2), LIST(ROLLOUT_2));
    len = keyset_text(&k, LIST(ROOT_2, ROOT_3), text);
    step_len[2] = keys_body(text, len, ROLLOUT_2, 1003, step_body[2]);
}

/* What the world sees: the version in use never falls, and is never one that was not sent. */
static void assert_moves_on(uint32_t *seen)
{
    assert_true(life.keys.now.version >= *seen && life.keys.now.version <= *seen + 1);
    assert_true(life.keys.now.version <= 1 + STEPS);
    *seen = life.keys.now.version;
}

/* Each order is sent until it is answered NONE, as a broker does over reconnects. */
static void walk(uint32_t *seen)
{
    while (life.keys.now.version < 1 + STEPS) {
        uint32_t at = life.keys.now.version - 1;
        enum reason r = life_take(&life, step_body[at], step_len[at]);
        assert_true(r == REASON_NONE || r == REASON_RECORD_IO);
        assert_moves_on(seen);
        if (r == REASON_RECORD_IO && (life.keys.bad || life.b->agent.records_bad))
            break;
    }
    /* The last one comes once more. */
    if (life.keys.now.version == 1 + STEPS)
        assert_int_equal(life_take(&life, step_body[STEPS - 1], step_len[STEPS - 1]), REASON_NONE);
}

static void live(uint32_t *seen)
{
    static jmp_buf jump;

    life.b->jump = &jump;
    (void)setjmp(jump);
    for (int lives = 0; lives < 64; lives++) {
        if (!life.b->alive) {
            enum reason r = life_boot(&life);
            if (r != REASON_NONE) { /* a record could not be read: nothing is trusted, for now */
                assert_int_equal(life.keys.now.keys.count, 0);
                board_power_off(life.b);
                continue;
            }
            assert_moves_on(seen);
        }
        walk(seen);
        if (life.keys.now.version == 1 + STEPS)
            break;
        board_power_off(life.b);
    }
    assert_int_equal(life.keys.now.version, 1 + STEPS);
    assert_int_equal(life_reboot_order(&life, ROLLOUT_1), REASON_UNKNOWN_KEY);
    if (life.b->agent.records_bad) {
        board_power_off(life.b);
        assert_int_equal(life_boot(&life), REASON_NONE);
    }
    enum reason r = life_reboot_order(&life, ROLLOUT_2);
    if (r == REASON_RECORD_IO && life.b->fail_at) /* the call that fails is this one's */
        r = life_reboot_order(&life, ROLLOUT_2);
    assert_int_equal(r, REASON_NONE);
}

static void begin(uint32_t seed)
{
    struct keyset k = first();
    size_t len = keyset_text(&k, LIST(ROOT_1), text);

    life_begin(&life, text, len);
    life.seq = 3000;
    life.b->seed = seed;
}

/* CUT_INSIDE leaves a prefix of the record, then a mixture of bits, another one for each seed. */
static void power_may_go_in_any_write_of_a_rotation(void **state)
{
    uint32_t cuts = 0;
    (void)state;

    make_steps();
    for (enum cut cut = CUT_BEFORE; cut < CUT_KINDS; cut++) {
        for (uint32_t seed = 1; seed <= 50; seed++) {
            for (uint32_t n = 1;; n++) {
                uint32_t at = 1;
                begin(seed * 7919);
                life.b->cut_at = n;
                life.b->cut = cut;
                live(&at);
                bool hit = life.b->cuts > 0;
                cuts += life.b->cuts;
                life_end(&life);
                if (!hit)
                    break;
            }
        }
    }
    printf("power cuts in three rotations of keys: %u, each ends with the last keyset\n", cuts);
    assert_true(cuts > 1000);
}

static void power_may_go_again_and_again_in_a_rotation(void **state)
{
    uint32_t cuts = 0;
    (void)state;

    make_steps();
    for (uint32_t seed = 1; seed <= 300; seed++) {
        uint32_t at = 1;
        begin(seed * 2654435761u);
        life.b->cut_again = 3;
        life.b->cuts_left = 20;
        life.b->cut = (enum cut)(seed % CUT_KINDS);
        life.b->cut_at = 1 + seed % 5;
        live(&at);
        cuts += life.b->cuts;
        life_end(&life);
    }
    printf("power cuts one after the other, in rotations: %u\n", cuts);
    assert_true(cuts > 800);
}

static void any_call_of_a_rotation_may_fail(void **state)
{
    uint32_t broken = 0;
    (void)state;

    make_steps();
    for (uint32_t n = 1;; n++) {
        uint32_t at = 1;
        begin(n);
        life.b->fail_at = n;
        live(&at);
        bool hit = life.b->calls >= n;
        life_end(&life);
        if (!hit)
            break;
        broken++;
    }
    printf("calls broken in three rotations of keys: %u\n", broken);
    assert_true(broken > 10);
}

#define T(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_version_signed_by_the_root_follows),
        cmocka_unit_test(a_jump_or_a_step_back_does_not_follow),
        cmocka_unit_test(the_thresholds_of_both_versions_must_be_met),
        cmocka_unit_test(only_root_keys_count),
        cmocka_unit_test(a_revoked_root_key_does_not_count),
        cmocka_unit_test(a_keyset_of_another_fleet_does_not_follow),
        cmocka_unit_test(the_floor_never_goes_down),
        T(a_new_rollout_key_is_obeyed_and_the_old_one_refused),
        T(a_revoked_key_is_named_so_and_the_floor_holds),
        T(what_was_taken_survives_a_restart),
        T(a_jump_is_refused_and_the_missing_step_heals_it),
        T(without_the_root_nothing_moves),
        T(a_strangers_order_brings_no_keyset),
        T(a_rollout_key_that_only_the_new_keyset_names_may_bring_it),
        T(the_same_keyset_again_is_no_error_and_writes_nothing),
        T(a_used_number_moves_nothing),
        T(a_refused_keyset_uses_no_number_up),
        T(an_order_without_a_keyset_is_refused),
        T(a_newer_factory_keyset_wins_and_an_older_one_does_not),
        T(records_of_another_fleet_are_left_alone),
        T(records_that_cannot_be_read_leave_nothing_trusted),
        T(one_damaged_copy_leaves_the_other),
        T(the_biggest_keyset_fits_a_record),
        T(a_keyset_without_the_stolen_key_frees_all_numbers),
        T(the_stolen_key_itself_may_bring_it_whatever_its_number),
        T(a_keyset_that_keeps_a_rollout_key_frees_none),
        T(a_keyset_that_adds_a_key_leaves_the_used_numbers_used),
        T(freed_numbers_begin_above_the_keysets_floor),
        T(power_may_go_while_numbers_are_freed),
        cmocka_unit_test(a_revoked_key_stops_what_it_signed_before_the_switch),
        cmocka_unit_test(a_restart_forgets_nothing_of_that),
        cmocka_unit_test(another_key_that_is_revoked_stops_nothing),
        cmocka_unit_test(power_may_go_in_any_write_of_a_rotation),
        cmocka_unit_test(power_may_go_again_and_again_in_a_rotation),
        cmocka_unit_test(any_call_of_a_rotation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
