#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"
#include "protocol/slot.h"
#include "ota/looping.h"

/* The life of an update, over a board in RAM that asserts the port's contract. */

enum { NEW_SIZE = 150000, HOUR = 3600 };

static int new_board(void **state)
{
    struct board *b = board_new();
    board_image(b, "1.4.0", NEW_SIZE, MANNER_GOOD);
    *state = b;
    return 0;
}

static int drop_board(void **state)
{
    board_free(*state);
    return 0;
}

static void order_new(struct board *b)
{
    struct offer f = board_offer(b, 1, 100);
    board_order(b, &f);
}

static void assert_end(const struct board *b, enum ota_state state, enum reason reason)
{
    assert_string_equal(ota_state_word(b->agent.state), ota_state_word(state));
    const struct ota_report *r = board_last(b);
    assert_non_null(r);
    assert_string_equal(reason_word(r->reason), reason_word(reason));
}

/* ---- the way through --------------------------------------------------------------------------
 */

static void a_good_order_ends_done_and_the_new_image_runs(void **state)
{
    struct board *b = *state;
    order_new(b);

    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_string_equal(board_version(b), "1.4.0");
    assert_false(b->on_probation);
    assert_int_equal(b->boots, 2);
    assert_int_equal(b->requests, 1);
    assert_int_equal(ota_agent_release_seq(&b->agent), 11);
    assert_int_equal(ota_agent_security(&b->agent), 1);
}

static void every_state_is_reported_in_its_order(void **state)
{
    static const enum ota_report_state want[] = { OTA_REPORT_RECEIVED,    OTA_REPORT_WAITING,
                                                  OTA_REPORT_DOWNLOADING, OTA_REPORT_VERIFYING,
                                                  OTA_REPORT_INSTALLING,  OTA_REPORT_REBOOTING,
                                                  OTA_REPORT_TRIAL,       OTA_REPORT_DONE };
    struct board *b = *state;
    size_t at = 0;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    for (uint32_t i = 0; i < b->reports; i++) {
        if (at < 8 && b->report[i].state == want[at])
            at++;
    }
    assert_int_equal(at, 8);
    const struct ota_report *r = board_last(b);
    assert_string_equal(r->rollout, "r-100");
    assert_string_equal(r->from, "1.3.0");
    assert_string_equal(r->to, "1.4.0");
    assert_int_equal(r->attempt, 1);
    assert_int_equal(r->got, NEW_SIZE);
    assert_int_equal(r->size, NEW_SIZE);
    assert_string_equal(r->boot, "0000000000000002");
    assert_string_equal(board_said(b, OTA_REPORT_TRIAL)->detail,
                        "proved: boot self-test network broker");
}

static void a_device_does_not_start_before_its_slot(void **state)
{
    struct board *b = *state;
    uint64_t asked = b->unix_s;
    struct offer f = board_offer(b, 1, 100);
    f.order.jitter = 600;
    board_order(b, &f);

    board_run(b, OTA_OPEN, HOUR);

    uint64_t slot = board_said(b, OTA_REPORT_WAITING)->slot;
    assert_true(slot > asked && slot < asked + 600);
    assert_in_range(b->unix_s, slot, slot + 1);
}

static void within_its_second_each_device_has_a_moment_of_its_own(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);
    f.order.jitter = 600;
    board_order(b, &f);
    uint64_t came = b->mono_ms;

    board_run(b, OTA_OPEN, HOUR);

    uint64_t v = slot_value(b->agent.port->crypto, f.order.rollout, b->agent.cfg->id);
    uint64_t exact = slot_delay(600, v) * 1000u + slot_fraction_ms(600, v);
    assert_int_not_equal(slot_fraction_ms(600, v), 0);
    assert_in_range(b->mono_ms - came, exact, exact + 5);
}

static void an_order_for_later_waits_for_its_time_and_its_slot(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);
    f.order.nbf = b->unix_s + 900;
    board_order(b, &f);

    board_run(b, OTA_OPEN, HOUR);

    assert_in_range(b->unix_s, f.order.nbf, f.order.nbf + 21);
    assert_in_range(board_said(b, OTA_REPORT_WAITING)->slot, f.order.nbf, f.order.nbf + 20);
}

static void the_slot_is_the_same_after_a_reboot(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);
    f.order.jitter = 600;
    board_order(b, &f);
    assert_true(board_run(b, OTA_WAIT, HOUR));
    uint64_t slot = board_said(b, OTA_REPORT_WAITING)->slot;

    board_power_off(b);
    b->unix_s += 30;
    b->mono_ms += 30000;
    board_run(b, OTA_OPEN, HOUR);

    assert_int_equal(board_said(b, OTA_REPORT_WAITING)->slot, slot);
    assert_in_range(b->unix_s, slot, slot + 1);
}

static void a_device_without_time_waits_as_long_by_its_own_clock(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);
    f.order.jitter = 600;
    f.order.iat = f.order.nbf = b->unix_s - 100;
    f.order.exp = b->unix_s - 1; /* can't be judged */
    b->trusted = false;
    board_order(b, &f);
    uint64_t start = b->mono_ms;

    assert_true(board_run(b, OTA_OPEN, HOUR));

    uint32_t waited = (uint32_t)(b->mono_ms - start) / 1000;
    assert_int_equal(board_said(b, OTA_REPORT_WAITING)->slot, 0);
    assert_in_range(waited, 1, 600);
}

static void time_that_becomes_trusted_dates_the_first_receipt(void **state)
{
    struct board *b = *state;
    uint64_t asked = b->unix_s;
    struct offer f = board_offer(b, 1, 100);
    f.order.jitter = 600;
    b->trusted = false;
    board_order(b, &f);
    assert_true(board_run(b, OTA_WAIT, HOUR));
    board_run(b, OTA_STATE_COUNT, 10);
    assert_int_equal(b->agent.state, OTA_WAIT);

    b->trusted = true;
    board_tick(b);

    assert_in_range(b->agent.job.receipt, asked, asked + 1);
    assert_int_not_equal(board_last(b)->slot, 0);
}

static void an_order_for_what_runs_is_done_at_once(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 0, 100);
    board_order(b, &f);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(b->boots, 1);
    assert_int_equal(b->requests, 0);
}

/* ---- checks -----------------------------------------------------------------------------------
 */

static void assert_refused(struct board *b, const struct offer *f, enum reason want)
{
    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));
    uint32_t said = b->reports;

    enum reason r = board_order(b, f);

    assert_string_equal(reason_word(r), reason_word(want));
    assert_int_equal(b->reports, said + 1);
    assert_int_equal(board_last(b)->state, OTA_REPORT_REJECTED);
    assert_string_equal(reason_word(board_last(b)->reason), reason_word(want));
    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));
    assert_int_equal(b->requests, 0);
    assert_string_equal(board_version(b), "1.3.0");
}

/* A refusal of one thing: on a board of its own. */
#define REFUSES(name, change, want)                                                                \
    static void name(void **state)                                                                 \
    {                                                                                              \
        struct board *b = *state;                                                                  \
        struct offer f = board_offer(b, 1, 100);                                                   \
        change;                                                                                    \
        assert_refused(b, &f, want);                                                               \
    }

#define TEXT(field, text) snprintf(field, sizeof(field), "%s", text)

REFUSES(an_order_with_a_wrong_signature_is_refused, f.spoil_order = true, REASON_BAD_SIGNATURE)
REFUSES(an_order_by_an_unknown_key_is_refused, f.order_kid = "bbbbbbbbbbbbbbbb", REASON_UNKNOWN_KEY)
REFUSES(an_order_by_a_release_key_is_refused, f.order_kid = board_release_kid, REASON_UNKNOWN_KEY)
REFUSES(an_order_by_a_revoked_key_is_refused, f.order_kid = board_revoked_kid, REASON_REVOKED_KEY)
REFUSES(an_order_for_another_device_is_refused, TEXT(f.order.dev, "sensor-002"),
        REASON_WRONG_DEVICE)
REFUSES(an_order_of_another_fleet_is_refused, TEXT(f.order.fleet, "away"), REASON_WRONG_FLEET)
REFUSES(an_order_past_its_expiry_is_refused,
        (f.order.iat = f.order.nbf = b->unix_s - 9, f.order.exp = b->unix_s - 1), REASON_EXPIRED)
REFUSES(an_order_below_the_keysets_floor_is_a_replay, b->keyset.seq_floor = 100, REASON_REPLAY)
REFUSES(an_order_that_names_another_release_is_refused, f.other_release = true, REASON_BAD_ORDER)
REFUSES(a_release_with_a_wrong_signature_is_refused, f.spoil_release = true, REASON_BAD_SIGNATURE)
REFUSES(a_release_by_a_rollout_key_is_refused, f.release_kid = board_rollout_kid,
        REASON_UNKNOWN_KEY)
REFUSES(a_release_for_another_product_is_refused, TEXT(f.release.product, "pump"),
        REASON_WRONG_PRODUCT)
REFUSES(a_release_for_other_hardware_is_refused, TEXT(f.release.hw[0], "esp32"), REASON_WRONG_HW)
REFUSES(a_release_from_too_old_a_version_is_refused, TEXT(f.release.min_from, "1.3.1"),
        REASON_PRECURSOR)
REFUSES(a_release_for_a_newer_agent_is_refused, f.release.min_agent = OTA_AGENT_VERSION + 1,
        REASON_AGENT_TOO_OLD)
REFUSES(a_release_larger_than_the_slot_is_refused, f.release.size = BOARD_SLOT + 1, REASON_TOO_BIG)
REFUSES(a_busy_device_refuses, b->gate[OTA_GATE_ACCEPT] = REASON_BUSY, REASON_BUSY)
REFUSES(a_low_battery_refuses, b->gate[OTA_GATE_ACCEPT] = REASON_LOW_BATTERY, REASON_LOW_BATTERY)

static void a_body_that_is_no_order_is_refused(void **state)
{
    static const char *const bodies[] = { "",
                                          "x",
                                          "{}",
                                          "{\"order\":\"\"}",
                                          "{\"order\":\"a.b.c\"}",
                                          "{\"order\":\"a.b.c\",\"order\":\"a.b.c\"}" };
    struct board *b = *state;
    board_run(b, OTA_STATE_COUNT, HOUR);

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        enum reason r = board_command(b, VERB_UPDATE, bodies[i], strlen(bodies[i]));
        assert_string_equal(reason_word(r), "bad_order");
    }
    assert_string_equal(board_last(b)->rollout, "");
}

static void a_refusal_names_the_rollout_only_if_the_signature_held(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);
    board_run(b, OTA_STATE_COUNT, HOUR);

    f.spoil_order = true;
    board_order(b, &f);
    assert_string_equal(board_last(b)->rollout, "");

    f.spoil_order = false;
    TEXT(f.order.dev, "sensor-002");
    board_order(b, &f);
    assert_string_equal(board_last(b)->rollout, "r-100");
}

static void an_order_that_was_refused_is_told_once(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);
    f.spoil_order = true;
    board_run(b, OTA_STATE_COUNT, HOUR);
    board_order(b, &f);
    uint32_t said = b->reports;

    assert_int_equal(board_order(b, &f), REASON_BAD_SIGNATURE);

    assert_int_equal(b->reports, said);
}

static void a_busy_device_takes_the_same_order_later(void **state)
{
    struct board *b = *state;
    b->gate[OTA_GATE_ACCEPT] = REASON_BUSY;
    order_new(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_REJECTED, REASON_BUSY);

    b->gate[OTA_GATE_ACCEPT] = REASON_NONE;
    order_new(b);
    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
}

static void an_older_release_is_a_downgrade_after_the_commit(void **state)
{
    struct board *b = *state;
    int third = board_image(b, "1.3.9", 20000, MANNER_GOOD);
    order_new(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    struct offer f = board_offer(b, third, 101);
    f.release.seq = 11; /* as what runs */

    assert_int_equal(board_order(b, &f), REASON_DOWNGRADE);

    f = board_offer(b, third, 102);
    f.release.security = 0;
    assert_int_equal(board_order(b, &f), REASON_SECURITY_DOWNGRADE);
    assert_string_equal(board_version(b), "1.4.0");
}

/* Fresh from the factory, no number is known: every signed release would be newer. */
static void a_factory_device_takes_no_older_version(void **state)
{
    struct board *b = *state;
    static const char *const old[] = { "1.2.9", "1.3.0-rc.1", "1.3.0" };
    board_run(b, OTA_STATE_COUNT, HOUR);

    for (uint32_t i = 0; i < 3; i++) {
        struct offer f = board_offer(b, board_image(b, old[i], 20000, MANNER_GOOD), 50 + i);
        assert_int_equal(board_order(b, &f), REASON_DOWNGRADE);
    }

    order_new(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
}

static void once_a_number_is_known_the_version_does_not_matter(void **state)
{
    struct board *b = *state;
    int old = board_image(b, "1.2.9", 20000, MANNER_GOOD);
    struct offer same = board_offer(b, 0, 50);
    board_order(b, &same);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(ota_agent_release_seq(&b->agent), 10);

    struct offer f = board_offer(b, old, 51);
    f.release.seq = 10;
    assert_int_equal(board_order(b, &f), REASON_DOWNGRADE);
    f = board_offer(b, old, 52); /* signed anew: back on purpose */
    board_order(b, &f);
    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_string_equal(board_version(b), "1.2.9");
}

static void the_factorys_number_counts_until_the_first_commit(void **state)
{
    struct board *b = *state;
    b->factory_seq = 11;
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_int_equal(ota_agent_release_seq(&b->agent), 11);

    struct offer f = board_offer(b, 1, 50);
    assert_int_equal(board_order(b, &f), REASON_DOWNGRADE);
    f = board_offer(b, board_image(b, "1.2.9", 20000, MANNER_GOOD), 51);
    board_order(b, &f);
    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(ota_agent_release_seq(&b->agent), 12);
}

/* The operator went back to the other slot by hand: what runs is not what was committed last. */
static void the_floor_holds_for_an_image_it_does_not_know(void **state)
{
    struct board *b = *state;
    int third = board_image(b, "1.3.9", 20000, MANNER_GOOD);
    order_new(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    b->otadata[0].seq = b->otadata[1].seq + 2;
    board_power_off(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_string_equal(board_version(b), "1.3.0");
    assert_int_equal(ota_agent_release_seq(&b->agent), 0);

    struct offer f = board_offer(b, third, 101);
    f.release.seq = 10;
    assert_int_equal(board_order(b, &f), REASON_DOWNGRADE);

    f = board_offer(b, 1, 102); /* forward again is allowed */
    board_order(b, &f);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
    assert_string_equal(board_version(b), "1.4.0");
}

static void an_order_counts_as_used_from_the_write_that_keeps_it(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 3; n++) { /* a lot of report numbers, the job, the counters */
        struct board *b = board_new();
        board_image(b, "1.4.0", NEW_SIZE, MANNER_GOOD);
        struct offer f = board_offer(b, 1, 100);
        f.order.jitter = 600;
        b->cut_at = n;
        b->cut = CUT_BEFORE;
        board_retain(b, &f);

        board_run(b, OTA_WAIT, HOUR);
        assert_int_equal(b->cuts, 1);

        f = board_offer(b, 1, 99);
        if (b->agent.state == OTA_WAIT) {
            b->told_up = true;
            assert_int_equal(board_order(b, &f), REASON_REPLAY);
        }
        board_free(b);
    }
}

/* The job is written before the number that it uses up. */
static void a_number_whose_write_power_cut_is_made_good_whatever_becomes_of_the_update(void **state)
{
    struct board *b = *state;
    b->image[1].manner = MANNER_UNFIT;
    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));
    jmp_buf jump;
    b->jump = &jump;
    if (setjmp(jump) == 0) {
        b->cut = CUT_BEFORE;
        b->cut_at = b->writes + 3; /* a lot of report numbers, the job, and this */
        order_new(b);
    }
    assert_int_equal(b->cuts, 1);
    b->told_up = false;
    b->broker_away = true; /* or the next report's number would take it along */
    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));
    assert_int_equal(b->agent.state, OTA_ROLLED_BACK);
    board_power_off(b);
    b->broker_away = false;
    b->retained_len = 0;
    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));
    assert_end(b, OTA_ROLLED_BACK, REASON_SELF_TEST);

    for (int boots = 0; boots < 2; boots++) {
        struct offer f = board_offer(b, 1, 99);
        assert_int_equal(board_order(b, &f), REASON_REPLAY);
        f = board_offer(b, 1, 200 + (uint32_t)boots);
        f.spoil_release = true;
        board_order(b, &f);
        b->retained_len = 0;
        board_power_off(b);
        assert_true(board_run(b, OTA_STATE_COUNT, HOUR));
    }
}

static void an_order_is_never_taken_twice(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);
    board_order(b, &f);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_int_equal(b->agent.state, OTA_DONE);

    /* Another text with the number that was used. */
    f.order.exp++;
    assert_int_equal(board_order(b, &f), REASON_REPLAY);

    board_power_off(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_int_equal(board_order(b, &f), REASON_REPLAY);
}

static void a_retained_order_that_comes_again_changes_nothing(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);
    board_order(b, &f);
    assert_true(board_run(b, OTA_WAIT, HOUR));
    uint32_t said = b->reports;

    assert_int_equal(board_order(b, &f), REASON_NONE);
    assert_int_equal(b->agent.state, OTA_WAIT);
    assert_int_equal(b->reports, said);

    board_run(b, OTA_STATE_COUNT, HOUR);
    said = b->reports;
    assert_int_equal(board_order(b, &f), REASON_NONE);
    assert_int_equal(b->agent.state, OTA_DONE);
    assert_int_equal(b->reports, said);

    board_power_off(b); /* the end is known to the broker: not a word more */
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_int_equal(b->agent.state, OTA_DONE);
    assert_int_equal(b->reports, said);
}

static void junk_does_not_disturb_an_update(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_DOWNLOAD, HOUR));
    struct offer f = board_offer(b, 1, 101);
    f.spoil_order = true;

    assert_int_equal(board_order(b, &f), REASON_BAD_SIGNATURE);

    assert_int_equal(board_last(b)->state, OTA_REPORT_DOWNLOADING);
    b->retained_len = 0;
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
}

static void a_newer_order_replaces_one_that_waits(void **state)
{
    struct board *b = *state;
    int third = board_image(b, "1.5.0", 90000, MANNER_GOOD);
    order_new(b);
    assert_true(board_run(b, OTA_DOWNLOAD, HOUR));
    struct offer f = board_offer(b, third, 101);

    assert_int_equal(board_order(b, &f), REASON_NONE);

    assert_string_equal(board_said(b, OTA_REPORT_ABORTED)->rollout, "r-100");
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
    assert_string_equal(board_last(b)->rollout, "r-101");
    assert_string_equal(board_version(b), "1.5.0");
}

static void an_order_that_expires_while_waiting_ends_expired(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);
    f.order.jitter = 5000;
    f.order.exp = b->unix_s + 60;
    board_order(b, &f);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_EXPIRED, REASON_EXPIRED);
    assert_int_equal(b->requests, 0);
}

static void other_verbs_are_checked_and_counted_by_class(void **state)
{
    struct board *b = *state;
    char body[BOARD_BODY];
    const struct order *out = NULL;
    struct offer f = board_offer(b, 0, 7);
    board_run(b, OTA_STATE_COUNT, HOUR);

    f.order.verb = VERB_REBOOT;
    size_t len = board_body(&f, body, sizeof(body));
    struct ota_event ev = { .kind = OTA_EV_COMMAND, .command = { VERB_REBOOT, body, len } };
    assert_int_equal(ota_agent_check_order(&b->agent, &ev, &out), REASON_NONE);
    assert_int_equal(out->seq, 7);
    assert_int_equal(ota_agent_check_order(&b->agent, &ev, &out), REASON_REPLAY);
    assert_null(out);

    /* The same number in another class is no replay; the topic's verb must be the signed one. */
    f.order.verb = VERB_CONFIG;
    f.order.set.has_interval = true;
    f.order.set.interval = 30;
    len = board_body(&f, body, sizeof(body));
    ev.command = (struct ota_command){ VERB_REBOOT, body, len };
    assert_int_equal(ota_agent_check_order(&b->agent, &ev, &out), REASON_BAD_ORDER);
    ev.command.verb = VERB_CONFIG;
    assert_int_equal(ota_agent_check_order(&b->agent, &ev, &out), REASON_NONE);
    assert_int_equal(out->set.interval, 30);
    /* Settings are stored before the order counts as used, which a power cut may put off. */
    assert_int_equal(ota_agent_check_order(&b->agent, &ev, &out), REASON_NONE);
    assert_int_equal(ota_agent_count_order(&b->agent), REASON_NONE);

    /* And the count outlives a reset. */
    board_power_off(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_int_equal(ota_agent_check_order(&b->agent, &ev, &out), REASON_REPLAY);
}

static void identify_needs_no_signature_but_takes_no_wrong_one(void **state)
{
    struct board *b = *state;
    char body[BOARD_BODY];
    const struct order *out = NULL;
    board_run(b, OTA_STATE_COUNT, HOUR);

    struct ota_event ev = { .kind = OTA_EV_COMMAND, .command = { VERB_IDENTIFY, "{}", 2 } };
    assert_int_equal(ota_agent_check_order(&b->agent, &ev, &out), REASON_NONE);
    assert_int_equal(out->verb, VERB_IDENTIFY);

    struct offer f = board_offer(b, 0, 7);
    f.order.verb = VERB_IDENTIFY;
    f.spoil_order = true;
    ev.command.len = board_body(&f, body, sizeof(body));
    ev.command.body = body;
    assert_int_equal(ota_agent_check_order(&b->agent, &ev, &out), REASON_BAD_SIGNATURE);
}

static void records_that_cannot_be_read_mean_no_orders_and_no_writes(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);
    board_order(b, &f);
    board_run(b, OTA_STATE_COUNT, HOUR);
    uint32_t said = b->reports;

    board_power_off(b);
    b->records_unreadable = true;
    f.order.seq++;
    board_order(b, &f);
    memset(b->puts, 0, sizeof(b->puts));
    memset(&b->high, 0, sizeof(b->high)); /* what is in memory counts for nothing now */
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_int_equal(board_order(b, &f), REASON_RECORD_IO);
    assert_int_equal(b->reports, said);
    for (int i = 0; i < OTA_RECORD_COUNT; i++)
        assert_int_equal(b->puts[i], 0);

    board_power_off(b);
    b->records_unreadable = false;
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(b->agent.counters.order_seq[VERB_CLASS_UPDATE], 101);
}

static void a_trial_whose_records_cannot_be_read_goes_back_and_writes_nothing(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_REBOOT, HOUR));
    b->records_unreadable = true;
    memset(b->puts, 0, sizeof(b->puts));
    memset(&b->high, 0, sizeof(b->high));
    assert_true(board_run(b, OTA_TRIAL, HOUR));

    board_run(b, OTA_IDLE, HOUR);

    assert_string_equal(board_version(b), "1.3.0");
    for (int i = 0; i < OTA_RECORD_COUNT; i++)
        assert_int_equal(b->puts[i], 0);
    b->records_unreadable = false;
    board_power_off(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_false(ota_agent_is_active(&b->agent));
}

/* ---- download ---------------------------------------------------------------------------------
 */

static void a_download_goes_on_where_it_was_after_a_reset(void **state)
{
    struct board *b = *state;
    b->server.etag = "\"v1\"";
    b->server.bytes_per_tick = 1024;
    order_new(b);
    assert_true(board_run(b, OTA_DOWNLOAD, HOUR));
    while (b->slot_at < 100000)
        board_run(b, OTA_STATE_COUNT, 1);

    board_power_off(b);
    b->server.bytes_per_tick = 0;
    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(b->requests, 2);
    assert_int_equal(b->last_from, 65536);
    assert_string_equal(b->last_etag, "\"v1\"");
}

static void a_changed_file_is_fetched_from_the_start(void **state)
{
    struct board *b = *state;
    b->server.etag = "\"v1\"";
    b->server.drop_after = 100000;
    b->server.drop_times = 1;
    order_new(b);
    assert_true(board_run(b, OTA_PAUSED, HOUR));

    b->server.etag = "\"v2\"";
    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(b->requests, 3); /* whole, refused part, whole */
    assert_int_equal(b->last_from, 0);
}

static void a_connection_that_drops_is_taken_up_again(void **state)
{
    struct board *b = *state;
    b->server.drop_after = 70000;
    b->server.drop_times = 1;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(board_said(b, OTA_REPORT_PAUSED)->reason, REASON_CONNECT);
    assert_int_equal(b->last_from, 65536);
    assert_int_equal(b->closes, 2);
}

static void a_body_that_ends_early_is_truncated(void **state)
{
    struct board *b = *state;
    b->server.drop_after = 1000;
    b->server.drop_times = 1;
    b->server.drop_clean = true;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(board_said(b, OTA_REPORT_PAUSED)->reason, REASON_TRUNCATED);
}

static void retry_after_is_honoured_and_spread(void **state)
{
    struct board *b = *state;
    b->server.status = 503;
    b->server.status_times = 1;
    b->server.retry_after_s = 40;
    order_new(b);
    assert_true(board_run(b, OTA_PAUSED, HOUR));
    uint64_t asked = b->mono_ms;

    assert_true(board_run(b, OTA_OPEN, HOUR));

    assert_in_range(b->mono_ms - asked, 40000, 50501);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
}

static void an_image_that_is_not_there_fails_after_a_few_tries(void **state)
{
    struct board *b = *state;
    b->server.status = 404;
    b->server.status_times = -1;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_FAILED, REASON_HTTP_STATUS);
    assert_int_equal(b->requests, 5);
}

static void a_redirect_is_not_followed(void **state)
{
    struct board *b = *state;
    b->server.status = 302;
    b->server.status_times = -1;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_FAILED, REASON_REDIRECT);
}

static void a_server_that_cannot_be_reached_is_tried_until_the_deadline(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);

    f.order.exp = b->unix_s + 10 * 86400;
    b->server.open_fails = REASON_DNS;
    b->server.open_fails_times = -1;
    board_order(b, &f);

    board_run(b, OTA_STATE_COUNT, 3 * 86400);

    assert_end(b, OTA_FAILED, REASON_DEADLINE);
    assert_in_range(b->requests, 100, 1000); /* back-off: on average one in seven minutes */
    uint32_t kept = b->puts[OTA_RECORD_PROGRESS_A] + b->puts[OTA_RECORD_PROGRESS_B];
    assert_in_range(kept, 2, 86400 / 600 + 2); /* and flash is not worn by waiting */
}

static void a_server_that_says_a_longer_length_is_refused(void **state)
{
    struct board *b = *state;
    b->server.lie_total = NEW_SIZE + 1;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_FAILED, REASON_TOO_LONG);
}

static void not_a_byte_more_than_the_size_is_taken(void **state)
{
    struct board *b = *state;
    static uint8_t body[NEW_SIZE + 1];
    memcpy(body, b->image[1].data, NEW_SIZE);
    b->server.body = body;
    b->server.body_size = sizeof(body);
    b->server.no_total = true;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_FAILED, REASON_TOO_LONG);
    assert_string_equal(board_version(b), "1.3.0");
}

static void a_body_without_length_is_good_if_it_ends_in_time(void **state)
{
    struct board *b = *state;
    b->server.no_total = true;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
}

static void a_wrong_range_is_not_written(void **state)
{
    struct board *b = *state;
    b->server.drop_after = 100000;
    b->server.drop_times = 1;
    order_new(b);
    assert_true(board_run(b, OTA_PAUSED, HOUR));
    b->server.wrong_from = true;

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE); /* from zero again */
    assert_int_equal(b->last_from, 0);
}

static void a_server_without_ranges_still_serves(void **state)
{
    struct board *b = *state;
    b->server.drop_after = 100000;
    b->server.drop_times = 1;
    b->server.no_ranges = true;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
}

static void a_tampered_image_is_refused(void **state)
{
    struct board *b = *state;
    static uint8_t body[NEW_SIZE];
    memcpy(body, b->image[1].data, NEW_SIZE);
    body[NEW_SIZE / 2] ^= 4;
    b->server.body = body;
    b->server.body_size = sizeof(body);
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_FAILED, REASON_HASH_MISMATCH);
    assert_string_equal(board_version(b), "1.3.0");

    /* And what is in flash then does not spoil the next try. */
    b->server.body = NULL;
    struct offer f = board_offer(b, 1, 101);
    board_order(b, &f);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
}

static void flash_that_changed_under_a_resume_is_found_and_fetched_again(void **state)
{
    struct board *b = *state;
    b->server.drop_after = 100000;
    b->server.drop_times = 1;
    order_new(b);
    assert_true(board_run(b, OTA_PAUSED, HOUR));
    b->slot[1][5000] ^= 0x10;

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(b->requests, 3);
}

static void flash_that_reads_back_wrong_is_refused(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_VERIFY, HOUR));
    b->flip_on_read = 1;

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_FAILED, REASON_FLASH_VERIFY);
    assert_string_equal(board_version(b), "1.3.0");
}

static void an_image_that_would_not_boot_is_refused(void **state)
{
    struct board *b = *state;
    b->image[1].data[0] = 0;
    board_crypto()->sha256(NULL, b->image[1].data, NEW_SIZE, b->image[1].sha256);
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_FAILED, REASON_IMAGE_INVALID);
}

static void a_slow_server_is_left_and_asked_again(void **state)
{
    struct board *b = *state;
    b->server.bytes_per_tick = 40; /* a tick in 50 ms: 800 bytes a second */
    order_new(b);
    assert_true(board_run(b, OTA_PAUSED, HOUR));
    assert_int_equal(board_last(b)->reason, REASON_SLOW_DOWNLOAD);

    b->server.bytes_per_tick = 100;
    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
}

static void an_application_that_defers_is_asked_again(void **state)
{
    struct board *b = *state;
    b->gate[OTA_GATE_SWITCH] = REASON_DEFERRED;
    order_new(b);
    board_run(b, OTA_STATE_COUNT, 600);
    assert_int_equal(b->agent.state, OTA_PAUSED);
    assert_int_equal(board_last(b)->reason, REASON_DEFERRED);
    assert_int_equal(b->requests, 1);

    b->gate[OTA_GATE_SWITCH] = REASON_NONE;
    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(b->requests, 1); /* it was all there */
}

/* ---- abort ------------------------------------------------------------------------------------
 */

static void abort_in(struct board *b, enum ota_state state)
{
    order_new(b);
    assert_true(board_run(b, state, HOUR));

    assert_int_equal(board_abort(b, "r-100", 101), REASON_NONE);

    assert_end(b, OTA_ABORTED, REASON_ABORTED_BY_OPERATOR);
    assert_string_equal(board_last(b)->rollout, "r-100");
    assert_false(b->slot_open || b->http_open);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_string_equal(board_version(b), "1.3.0");

    /* The retained order comes again after a reset: it stays aborted. */
    board_power_off(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_int_equal(b->agent.state, OTA_ABORTED);
}

static void an_abort_stops_a_device_that_waits(void **state)
{
    abort_in(*state, OTA_WAIT);
}

static void an_abort_stops_a_download(void **state)
{
    struct board *b = *state;
    b->server.bytes_per_tick = 1000;
    abort_in(b, OTA_DOWNLOAD);
}

static void an_abort_stops_a_device_about_to_install(void **state)
{
    abort_in(*state, OTA_INSTALL);
}

static void an_abort_after_the_switch_is_too_late(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_TRIAL, HOUR));
    board_run(b, OTA_STATE_COUNT, 2);

    assert_int_equal(board_abort(b, "r-100", 101), REASON_TOO_LATE);
    assert_int_equal(board_last(b)->state, OTA_REPORT_TRIAL);
    assert_int_equal(board_last(b)->reason, REASON_TOO_LATE);

    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
}

static void an_abort_of_another_rollout_is_answered_and_stops_nothing(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_WAIT, HOUR));

    assert_int_equal(board_abort(b, "r-other", 101), REASON_NO_ROLLOUT);

    const struct ota_report *r = board_said(b, OTA_REPORT_ABORTED);
    assert_string_equal(r->rollout, "r-other");
    assert_int_equal(r->reason, REASON_NO_ROLLOUT);
    assert_int_equal(board_last(b)->state, OTA_REPORT_WAITING);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
}

static void an_abort_delivered_twice_is_one_abort(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_WAIT, HOUR));
    board_abort(b, "r-100", 101);
    uint32_t said = b->reports;

    assert_int_equal(board_abort(b, "r-100", 101), REASON_NONE);

    assert_int_equal(b->reports, said);
}

/* ---- trial ------------------------------------------------------------------------------------
 */

static void run_bad(struct board *b, enum manner manner)
{
    b->image[1].manner = manner;
    order_new(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_string_equal(board_version(b), "1.3.0");
    assert_string_equal(board_last(b)->from, "1.3.0");
    assert_int_equal(ota_agent_release_seq(&b->agent), 0);
    assert_int_equal(ota_agent_security(&b->agent), 0);
}

static void a_failed_self_test_goes_back_and_says_which(void **state)
{
    struct board *b = *state;
    run_bad(b, MANNER_UNFIT);
    assert_end(b, OTA_ROLLED_BACK, REASON_SELF_TEST);
    assert_int_equal(b->otadata[1].state,
                     IMG_INVALID); /* by its own word, not by the bootloader's */
    assert_string_equal(board_last(b)->detail, "bme280: chip id 0x60, wanted 0x61");
}

static void a_crash_before_the_agent_starts_goes_back(void **state)
{
    run_bad(*state, MANNER_PANIC);
    assert_end(*state, OTA_ROLLED_BACK, REASON_PANIC);
}

static void a_hang_goes_back(void **state)
{
    run_bad(*state, MANNER_HANG);
    assert_end(*state, OTA_ROLLED_BACK, REASON_WATCHDOG);
}

static void a_self_test_that_never_ends_goes_back(void **state)
{
    run_bad(*state, MANNER_MUTE);
    assert_end(*state, OTA_ROLLED_BACK, REASON_TRIAL_TIMEOUT);
}

static void an_image_that_finds_no_broker_goes_back(void **state)
{
    run_bad(*state, MANNER_NO_BROKER);
    assert_end(*state, OTA_ROLLED_BACK, REASON_NO_BROKER);
}

static void no_broker_for_the_old_image_either_is_the_networks_fault(void **state)
{
    struct board *b = *state;
    b->image[1].manner = MANNER_NO_NETWORK;
    order_new(b);
    assert_true(board_run(b, OTA_TRIAL, HOUR));
    b->broker_after_s = 300;

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_ROLLED_BACK, REASON_NET_LOST);
}

static void an_image_that_is_never_acknowledged_goes_back(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_REBOOT, HOUR));
    b->acks_away = true;

    board_run(b, OTA_ROLLED_BACK, HOUR);

    b->acks_away = false;
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_ROLLED_BACK, REASON_NO_ACK);
}

static void power_lost_in_the_trial_is_tried_once_more(void **state)
{
    struct board *b = *state;
    b->image[1].manner = MANNER_POWER_CUT;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(board_said(b, OTA_REPORT_PAUSED)->reason, REASON_POWER_LOST);
    assert_int_equal(b->requests, 1);
}

static void power_lost_twice_is_the_end(void **state)
{
    run_bad(*state, MANNER_POWER_CUTS);
    assert_end(*state, OTA_ROLLED_BACK, REASON_POWER_LOST);
}

static void counters_rise_at_the_commit_only(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_TRIAL, HOUR));
    board_run(b, OTA_STATE_COUNT, 3);
    assert_int_equal(b->agent.state, OTA_TRIAL);
    assert_int_equal(b->agent.counters.release_seq, 0);
    assert_int_equal(b->agent.counters.security, 0);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_int_equal(b->agent.counters.release_seq, 11);
    assert_int_equal(b->agent.counters.security, 1);
}

static void a_trial_without_its_record_must_be_proved_all_the_same(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_TRIAL, HOUR));
    b->record_len[OTA_RECORD_JOB_A] = 0;
    b->record_len[OTA_RECORD_JOB_B] = 0;
    b->otadata[1].state = IMG_NEW; /* as if it had not started yet */
    board_power_off(b);
    b->retained_len = 0;

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_false(b->on_probation);
    assert_string_equal(board_last(b)->rollout, "");
}

/* ---- corners ----------------------------------------------------------------------------------
 */

static void an_order_during_the_trial_is_busy_and_taken_afterwards(void **state)
{
    struct board *b = *state;
    int third = board_image(b, "1.5.0", 20000, MANNER_GOOD);
    order_new(b);
    assert_true(board_run(b, OTA_TRIAL, HOUR));
    board_run(b, OTA_STATE_COUNT, 2);
    struct offer f = board_offer(b, third, 101);

    assert_int_equal(board_order(b, &f), REASON_BUSY);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_int_equal(b->agent.state, OTA_DONE);

    board_order(b, &f); /* delivered again with the next connection */
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_string_equal(board_version(b), "1.5.0");
}

static void an_application_that_defers_takes_the_order_all_the_same(void **state)
{
    struct board *b = *state;
    b->gate[OTA_GATE_ACCEPT] = REASON_DEFERRED;
    b->gate[OTA_GATE_DOWNLOAD] = REASON_DEFERRED;
    order_new(b);
    board_run(b, OTA_STATE_COUNT, 600);
    assert_int_equal(b->agent.state, OTA_PAUSED);
    b->gate[OTA_GATE_DOWNLOAD] = REASON_LOW_BATTERY;
    board_run(b, OTA_STATE_COUNT, 600);
    assert_int_equal(board_last(b)->reason, REASON_LOW_BATTERY);
    assert_int_equal(b->requests, 0);

    b->gate[OTA_GATE_DOWNLOAD] = REASON_NONE;
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
}

static void a_bad_release_does_not_end_an_update_under_way(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_WAIT, HOUR));
    struct offer f = board_offer(b, 1, 101);
    f.spoil_release = true;

    assert_int_equal(board_order(b, &f), REASON_BAD_SIGNATURE);

    assert_int_equal(b->agent.state, OTA_WAIT);
    assert_int_equal(board_last(b)->state, OTA_REPORT_WAITING);
}

static void an_abort_after_the_end_hears_the_end_again(void **state)
{
    struct board *b = *state;
    order_new(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    uint32_t said = b->reports;

    assert_int_equal(board_abort(b, "r-100", 101), REASON_TOO_LATE);

    assert_int_equal(b->reports, said + 1);
    assert_end(b, OTA_DONE, REASON_NONE);
}

static void an_abort_that_power_interrupts_is_obeyed_when_it_comes_again(void **state)
{
    struct board *b = *state;
    jmp_buf jump;
    order_new(b);
    assert_true(board_run(b, OTA_WAIT, HOUR));
    b->jump = &jump;
    b->cut = CUT_AFTER;
    b->cut_at = b->writes + 1;
    if (setjmp(jump) == 0) {
        board_abort(b, "r-100", 101);
        fail();
    }

    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));
    assert_int_equal(board_abort(b, "r-100", 101), REASON_NONE);

    assert_end(b, OTA_ABORTED, REASON_ABORTED_BY_OPERATOR);
    assert_int_equal(b->agent.counters.order_seq[VERB_CLASS_UPDATE], 101);
}

static void a_command_before_its_time_is_not_yet(void **state)
{
    struct board *b = *state;
    char body[BOARD_BODY];
    const struct order *out = NULL;
    struct offer f = board_offer(b, 0, 7);
    board_run(b, OTA_STATE_COUNT, HOUR);
    f.order.verb = VERB_REBOOT;
    f.order.nbf = b->unix_s + 100;
    size_t len = board_body(&f, body, sizeof(body));
    struct ota_event ev = { .kind = OTA_EV_COMMAND, .command = { VERB_REBOOT, body, len } };

    ev.now = (struct ota_time){ b->mono_ms, b->unix_s, true };
    assert_int_equal(ota_agent_check_order(&b->agent, &ev, &out), REASON_NOT_YET);
    ev.now.trusted = false;
    assert_int_equal(ota_agent_check_order(&b->agent, &ev, &out), REASON_NONE);
    ev.command.verb = VERB_UPDATE;
    assert_int_equal(ota_agent_check_order(&b->agent, &ev, &out), REASON_UNSUPPORTED);
    assert_int_equal(board_command(b, VERB_REBOOT, body, len), REASON_UNSUPPORTED);
}

static void a_body_beyond_its_bound_is_not_looked_at(void **state)
{
    struct board *b = *state;
    static char body[PROTO_UPDATE_BYTES + 2];
    struct offer f = board_offer(b, 1, 100);
    board_run(b, OTA_STATE_COUNT, HOUR);
    size_t len = board_body(&f, body, sizeof(body));
    memset(body + len, ' ', sizeof(body) - len);

    assert_int_equal(board_command(b, VERB_UPDATE, body, PROTO_UPDATE_BYTES + 1), REASON_BAD_ORDER);
    assert_int_equal(board_command(b, VERB_UPDATE, body, len), REASON_NONE);
}

static void an_order_may_expire_in_mid_download(void **state)
{
    struct board *b = *state;
    struct offer f = board_offer(b, 1, 100);
    f.order.exp = b->unix_s + 100;
    b->server.bytes_per_tick = 60;
    board_order(b, &f);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_EXPIRED, REASON_EXPIRED);
    assert_int_equal(b->requests, 1);
    assert_false(b->slot_open || b->http_open);
}

static void a_server_that_never_answers_is_left(void **state)
{
    struct board *b = *state;
    b->server.silent_times = -1;
    order_new(b);
    assert_true(board_run(b, OTA_CONNECT, HOUR));
    uint64_t asked = b->mono_ms;

    assert_true(board_run(b, OTA_PAUSED, HOUR));

    assert_in_range(b->mono_ms - asked, 59000, 61500);
    b->server.silent_times = 3;
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
}

static void passing_troubles_of_a_server_are_waited_out(void **state)
{
    static const int statuses[] = { 408, 425, 429, 500, 502, 503 };
    struct board *b = *state;
    order_new(b);
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        b->server.status = statuses[i];
        b->server.status_times = 6; /* more than a refusal gets */
        assert_true(board_run(b, OTA_CONNECT, HOUR));
        while (b->server.status_times > 0)
            board_run(b, OTA_STATE_COUNT, 1);
    }

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
}

static void a_part_of_another_file_is_fetched_from_the_start(void **state)
{
    struct board *b = *state;
    b->server.etag = "\"v1\"";
    b->server.part_etag = "\"v2\"";
    b->server.drop_after = 100000;
    b->server.drop_times = 1;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(b->requests, 3);
}

static void a_server_that_never_has_the_rest_is_given_up(void **state)
{
    struct board *b = *state;
    b->server.drop_after = 100000;
    b->server.drop_times = -1;
    b->server.wrong_from = true;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_FAILED, REASON_BAD_RANGE);
}

static void a_range_that_is_refused_means_from_the_start(void **state)
{
    struct board *b = *state;
    b->server.drop_after = 100000;
    b->server.drop_times = 1;
    order_new(b);
    assert_true(board_run(b, OTA_PAUSED, HOUR));
    b->server.status = 416;
    b->server.status_times = 1;

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_int_equal(b->last_from, 0);
}

static void a_shorter_file_is_given_up_after_a_few_tries(void **state)
{
    struct board *b = *state;
    b->server.lie_total = NEW_SIZE - 1;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_FAILED, REASON_TRUNCATED);
    assert_int_equal(b->requests, 5);
}

static void a_restart_that_does_not_come_is_asked_for_again(void **state)
{
    struct board *b = *state;
    b->restarts_ignored = 3;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
}

static void an_image_that_cannot_go_back_ends_failed_and_takes_no_order(void **state)
{
    struct board *b = *state;
    b->image[1].manner = MANNER_UNFIT;
    b->no_way_back = true;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_FAILED, REASON_ROLLBACK_FAILED);
    assert_true(b->on_probation);
    struct offer f = board_offer(b, 1, 101);
    assert_int_equal(board_order(b, &f), REASON_BUSY);
}

static void a_report_the_client_refuses_is_offered_again(void **state)
{
    struct board *b = *state;
    order_new(b);
    b->reports_refused = true;
    board_run(b, OTA_WAIT, HOUR);
    assert_in_range(ota_agent_wants(&b->agent, b->mono_ms), 0, 1000);
    board_tick(b);
    assert_int_equal(b->reports, 0);

    b->reports_refused = false;
    b->mono_ms += 1000;
    board_tick(b);

    assert_int_equal(board_last(b)->state, OTA_REPORT_WAITING);
}

/* In a trial two versions of the agent read each other's records. */
static void a_record_of_another_agent_is_read(void **state)
{
    struct board *b = *state;
    order_new(b);
    board_run(b, OTA_STATE_COUNT, HOUR);
    struct ota_counters c = b->agent.counters;

    /* A newer one appended a field; an older one had not `image` yet. */
    board_cut_record(b, OTA_RECORD_COUNTERS_A, 8);
    board_cut_record(b, OTA_RECORD_COUNTERS_B, 8);
    board_power_off(b);
    board_run(b, OTA_DONE, 1);
    assert_int_equal(b->agent.counters.release_seq, c.release_seq);

    board_cut_record(b, OTA_RECORD_COUNTERS_A, -40);
    board_cut_record(b, OTA_RECORD_COUNTERS_B, -40);
    memset(&b->high, 0, sizeof(b->high)); /* fields that are not there are zero */
    board_power_off(b);
    board_run(b, OTA_DONE, 1);
    assert_int_equal(b->agent.counters.order_seq[VERB_CLASS_UPDATE], 100);
}

/* ---- reports ----------------------------------------------------------------------------------
 */

static void an_end_is_told_until_the_broker_has_it(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_TRIAL, HOUR));
    while (b->agent.state == OTA_TRIAL)
        board_run(b, OTA_DONE, 1);
    b->acks_away = true;
    b->acks = 0;
    board_run(b, OTA_STATE_COUNT, 60);

    for (int i = 0; i < 3; i++) {
        uint32_t said = b->reports;
        board_power_off(b);
        board_run(b, OTA_STATE_COUNT, 60);
        assert_int_equal(b->reports, said + 1);
        assert_end(b, OTA_DONE, REASON_NONE);
    }
    b->acks_away = false;
    board_power_off(b);
    board_run(b, OTA_STATE_COUNT, 60);
    uint32_t said = b->reports;
    board_power_off(b);
    board_run(b, OTA_STATE_COUNT, 60);
    assert_int_equal(b->reports, said);
}

static void the_acknowledgement_of_something_else_counts_for_nothing(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_REBOOT, HOUR));
    b->acks_away = true;
    assert_true(board_run(b, OTA_TRIAL, HOUR));
    board_run(b, OTA_STATE_COUNT, 2);
    uint32_t n = board_said(b, OTA_REPORT_TRIAL)->n;

    board_event(b, (struct ota_event){ .kind = OTA_EV_REPORT_ACKED, .acked_n = n + 1 });
    assert_false(b->agent.heard);
    board_event(b, (struct ota_event){ .kind = OTA_EV_REPORT_ACKED, .acked_n = 1 });
    assert_false(b->agent.heard);
    board_event(b, (struct ota_event){ .kind = OTA_EV_REPORT_ACKED, .acked_n = n });
    assert_true(b->agent.heard);
}

static void an_update_without_a_broker_goes_on_and_is_told_later(void **state)
{
    struct board *b = *state;
    order_new(b);
    assert_true(board_run(b, OTA_WAIT, HOUR));
    board_event(b, (struct ota_event){ .kind = OTA_EV_BROKER_DOWN });
    b->told_up = false;
    b->broker_away = true;
    uint32_t said = b->reports;
    assert_true(board_run(b, OTA_INSTALL, HOUR));
    assert_int_equal(b->reports, said);

    b->broker_away = false;
    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
}

static void events_before_the_boot_event_are_refused(void **state)
{
    struct board *b = *state;
    ota_agent_init(&b->agent, &b->port, &b->cfg);
    assert_int_equal(board_event(b, (struct ota_event){ .kind = OTA_EV_TICK }), REASON_UNSUPPORTED);
    assert_int_equal(ota_agent_wants(&b->agent, 0), UINT32_MAX);
}

static void the_records_keep_to_their_bounds_and_their_number(void **state)
{
    struct board *b = *state;
    order_new(b);

    board_run(b, OTA_STATE_COUNT, HOUR);

    uint32_t job = b->puts[OTA_RECORD_JOB_A] + b->puts[OTA_RECORD_JOB_B];
    uint32_t counters = b->puts[OTA_RECORD_COUNTERS_A] + b->puts[OTA_RECORD_COUNTERS_B];
    uint32_t progress = b->puts[OTA_RECORD_PROGRESS_A] + b->puts[OTA_RECORD_PROGRESS_B];
    assert_in_range(job, 1, 6);
    assert_in_range(counters, 1, 4);
    assert_in_range(progress, 1, 1 + NEW_SIZE / 65536 + 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, new_board, drop_board)

/* ---- back -------------------------------------------------------------------------------------
 */

/* 1.4.0 committed, 1.3.0 in the other slot. */
static struct board *updated_board(void)
{
    struct board *b = board_new();
    int next = board_image(b, "1.4.0", 60000, MANNER_GOOD);
    struct offer f = board_offer(b, next, 100);
    b->factory_seq = 7;
    assert_int_equal(board_order(b, &f), REASON_NONE);
    assert_true(board_run(b, OTA_STATE_COUNT, 86400));
    assert_int_equal(b->agent.state, OTA_DONE);
    assert_string_equal(board_version(b), "1.4.0");
    return b;
}

static void a_rollback_order_brings_the_earlier_image_back(void **state)
{
    (void)state;
    struct board *b = updated_board();
    uint32_t floor = b->agent.counters.release_seq;
    assert_int_equal(board_rollback(b, "r-100", 101), REASON_NONE);
    assert_true(board_run(b, OTA_STATE_COUNT, 3600));
    assert_string_equal(board_version(b), "1.3.0");
    assert_int_equal(b->agent.state, OTA_ROLLED_BACK);
    assert_false(b->on_probation);
    const struct ota_report *r = board_last(b);
    assert_int_equal(r->state, OTA_REPORT_ROLLED_BACK);
    assert_int_equal(r->reason, REASON_ABORTED_BY_OPERATOR);
    assert_string_equal(r->rollout, "r-100");
    assert_string_equal(r->from, "1.4.0");
    assert_string_equal(r->to, "1.3.0");
    assert_non_null(board_said(b, OTA_REPORT_TRIAL));
    /* No floor has moved, and what runs is known by its own number. */
    assert_int_equal(b->agent.counters.release_seq, floor);
    assert_int_equal(ota_agent_release_seq(&b->agent), 7);
    board_free(b);
}

static void after_a_rollback_the_same_order_is_known_and_a_newer_one_is_taken(void **state)
{
    (void)state;
    struct board *b = updated_board();
    uint32_t boots;
    assert_int_equal(board_rollback(b, "r-100", 101), REASON_NONE);
    assert_true(board_run(b, OTA_STATE_COUNT, 3600));
    boots = b->boots;
    board_power_off(b); /* the retained order comes again */
    assert_true(board_run(b, OTA_STATE_COUNT, 3600));
    assert_int_equal(b->boots, boots + 1);
    assert_string_equal(board_version(b), "1.3.0");
    assert_int_equal(b->agent.state, OTA_ROLLED_BACK);
    assert_int_equal(board_rollback(b, "r-100", 102), REASON_NO_WAY_BACK);

    struct offer f = board_offer(b, 1, 110); /* the very release that was taken back */
    assert_int_equal(board_order(b, &f), REASON_NONE);
    assert_true(board_run(b, OTA_STATE_COUNT, 86400));
    assert_string_equal(board_version(b), "1.4.0");
    board_free(b);
}

static void a_rollback_is_refused_when_there_is_nothing_good_to_go_back_to(void **state)
{
    (void)state;
    struct board *b = board_new();
    assert_true(board_run(b, OTA_STATE_COUNT, 60));
    assert_int_equal(board_rollback(b, "r-1", 1), REASON_NO_WAY_BACK);
    assert_int_equal(b->agent.state, OTA_IDLE);
    board_free(b);

    b = updated_board();
    b->slot[1 - b->running][77] ^= 1; /* not whole */
    assert_int_equal(board_rollback(b, "r-100", 101), REASON_IMAGE_INVALID);
    b->slot[1 - b->running][77] ^= 1;
    b->image[0].security = 0; /* below the floor */
    assert_int_equal(board_rollback(b, "r-100", 102), REASON_SECURITY_DOWNGRADE);
    assert_int_equal(b->agent.state, OTA_DONE);
    assert_string_equal(board_version(b), "1.4.0");
    board_free(b);
}

static void an_image_that_failed_its_trial_is_nothing_to_go_back_to(void **state)
{
    (void)state;
    struct board *b = updated_board();
    int bad = board_image(b, "1.5.0", 50000, MANNER_UNFIT);
    struct offer f = board_offer(b, bad, 110);
    assert_int_equal(board_order(b, &f), REASON_NONE);
    assert_true(board_run(b, OTA_STATE_COUNT, 86400));
    assert_int_equal(b->agent.state, OTA_ROLLED_BACK);
    assert_int_equal(board_rollback(b, "r-110", 120), REASON_NO_WAY_BACK);
    assert_string_equal(board_version(b), "1.4.0");
    board_free(b);
}

static void a_rollback_waits_for_an_update_to_end_and_its_number_counts_once(void **state)
{
    (void)state;
    struct board *b = updated_board();
    int next = board_image(b, "1.5.0", 60000, MANNER_GOOD);
    struct offer f = board_offer(b, next, 110);
    f.order.jitter = 3600;
    assert_int_equal(board_order(b, &f), REASON_NONE);
    assert_int_equal(board_rollback(b, "r-110", 111), REASON_BUSY);
    assert_int_equal(board_rollback(b, "r-110", 111), REASON_REPLAY);
    assert_int_equal(b->agent.state, OTA_WAIT);
    board_free(b);
}

static void a_rollback_order_gives_a_trial_up(void **state)
{
    (void)state;
    struct board *b = updated_board();
    int next = board_image(b, "1.5.0", 60000, MANNER_GOOD);
    struct offer f = board_offer(b, next, 110);
    f.order.trial = 600;
    assert_int_equal(board_order(b, &f), REASON_NONE);
    assert_true(board_run(b, OTA_TRIAL, 86400));
    assert_int_equal(board_rollback(b, "r-100", 111), REASON_NO_ROLLOUT);
    assert_int_equal(board_rollback(b, "r-110", 112), REASON_NONE);
    assert_true(board_run(b, OTA_STATE_COUNT, 3600));
    assert_string_equal(board_version(b), "1.4.0");
    assert_int_equal(board_last(b)->state, OTA_REPORT_ROLLED_BACK);
    assert_int_equal(board_last(b)->reason, REASON_ABORTED_BY_OPERATOR);
    board_free(b);
}

static void a_rollback_that_fails_is_told_and_the_device_goes_on(void **state)
{
    static const enum manner manners[] = { MANNER_UNFIT, MANNER_PANIC, MANNER_HANG,
                                           MANNER_POWER_CUTS };
    (void)state;
    for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
        struct board *b = updated_board();
        b->image[0].manner = manners[i];
        assert_int_equal(board_rollback(b, "r-100", 101), REASON_NONE);
        assert_true(board_run(b, OTA_STATE_COUNT, 3600));
        assert_string_equal(board_version(b), "1.4.0");
        assert_int_equal(b->agent.state, OTA_FAILED);
        assert_int_equal(board_last(b)->state, OTA_REPORT_FAILED);
        assert_int_equal(board_last(b)->reason, REASON_ROLLBACK_FAILED);
        if (manners[i] == MANNER_UNFIT)
            assert_string_equal(board_last(b)->detail,
                                "self_test bme280: chip id 0x60, wanted 0x61");
        assert_int_equal(b->agent.counters.crashes, 0); /* the other image's crash */
        board_free(b);
    }
}

static void power_lost_in_a_rollbacks_trial_is_tried_once_more(void **state)
{
    (void)state;
    struct board *b = updated_board();
    b->image[0].manner = MANNER_POWER_CUT;
    assert_int_equal(board_rollback(b, "r-100", 101), REASON_NONE);
    assert_true(board_run(b, OTA_STATE_COUNT, 3600));
    assert_string_equal(board_version(b), "1.3.0");
    assert_int_equal(b->agent.state, OTA_ROLLED_BACK);
    board_free(b);
}

static void crash(struct board *b, enum reset_reason reset, uint32_t after_s)
{
    b->mono_ms += after_s * 1000u;
    if (b->alive)
        board_tick(b);
    b->alive = false;
    b->told_up = false;
    b->reset = reset;
    (void)board_run(b, OTA_STATE_COUNT, 30); /* it waits for the row of crashes to end */
    assert_true(b->alive);
}

static void a_committed_image_that_keeps_crashing_is_left_for_the_earlier_one(void **state)
{
    (void)state;
    struct board *b = updated_board();
    for (int i = 0; i < 4; i++)
        crash(b, i % 2 ? RESET_PANIC : RESET_WATCHDOG, 5);
    assert_string_equal(board_version(b), "1.4.0");
    crash(b, RESET_PANIC, 5);
    assert_string_equal(board_version(b), "1.3.0");
    assert_int_equal(b->agent.state, OTA_ROLLED_BACK);
    assert_int_equal(board_last(b)->state, OTA_REPORT_ROLLED_BACK);
    assert_int_equal(board_last(b)->reason, REASON_PANIC);
    assert_string_equal(board_last(b)->rollout, "r-100");
    assert_string_equal(board_last(b)->detail, "kept crashing after it was found good");
    /* And it stays, although the retained order comes again with each start. */
    board_power_off(b);
    assert_true(board_run(b, OTA_STATE_COUNT, 60));
    assert_string_equal(board_version(b), "1.3.0");
    board_free(b);
}

static void leaving_a_crashing_image_needs_no_broker(void **state)
{
    (void)state;
    struct board *b = updated_board();
    b->broker_away = true;
    for (int i = 0; i < 5; i++)
        crash(b, RESET_PANIC, 5);
    assert_string_equal(board_version(b), "1.3.0");
    assert_false(b->on_probation);
    board_free(b);
}

static void crashes_far_apart_and_resets_of_another_kind_are_no_loop(void **state)
{
    (void)state;
    struct board *b = updated_board();
    for (int i = 0; i < 8; i++) {
        crash(b, RESET_PANIC, 5);
        crash(b, RESET_PANIC, 5);
        crash(b, RESET_POWERON, 5);
        crash(b, RESET_SOFTWARE, 601);
        b->mono_ms += 601 * 1000u;
        board_tick(b);
        assert_int_equal(b->agent.counters.crashes, 0);
    }
    assert_string_equal(board_version(b), "1.4.0");
    board_free(b);
}

static void a_crashing_image_without_a_way_back_goes_on_and_stops_writing(void **state)
{
    (void)state;
    struct board *b = board_new();
    assert_true(board_run(b, OTA_STATE_COUNT, 60));
    for (int i = 0; i < 10; i++)
        crash(b, RESET_PANIC, 5);
    uint32_t puts = b->puts[OTA_RECORD_COUNTERS_A] + b->puts[OTA_RECORD_COUNTERS_B];
    for (int i = 0; i < 10; i++)
        crash(b, RESET_PANIC, 5);
    assert_int_equal(b->puts[OTA_RECORD_COUNTERS_A] + b->puts[OTA_RECORD_COUNTERS_B], puts);
    assert_string_equal(board_version(b), "1.3.0");
    board_free(b);
}

static void two_crashing_images_are_not_swapped_for_ever(void **state)
{
    (void)state;
    struct board *b = updated_board();
    b->image[0].manner = MANNER_PANIC;
    for (int i = 0; i < 5; i++)
        crash(b, RESET_PANIC, 5);
    assert_string_equal(board_version(b), "1.4.0");
    assert_int_equal(board_last(b)->reason, REASON_ROLLBACK_FAILED);
    uint32_t boots = b->boots;
    for (int i = 0; i < 10; i++)
        crash(b, RESET_PANIC, 5);
    assert_int_equal(b->boots, boots + 10);
    assert_string_equal(board_version(b), "1.4.0");
    board_free(b);
}

/* ---- images that die before their agent comes up --------------------------------------------- */

/* 1.4.0 was found good, and never starts again. */
static struct board *late_board(void)
{
    struct board *b = updated_board();
    b->image[1].manner = MANNER_LATE;
    board_power_off(b);
    return b;
}

static void an_image_that_dies_before_its_agent_is_left_for_the_earlier_one(void **state)
{
    struct board *b = late_board();
    (void)state;

    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));

    assert_int_equal(b->dead, BOARD_DEAD_LIMIT);
    assert_int_equal(b->left, REASON_NONE);
    assert_string_equal(board_version(b), "1.3.0");
    assert_false(b->on_probation);
    const struct ota_report *r = board_last(b);
    assert_int_equal(r->state, OTA_REPORT_ROLLED_BACK);
    assert_int_equal(r->reason, REASON_PANIC);
    assert_string_equal(r->rollout, "r-100");
    assert_string_equal(r->detail, "died before its agent came up");
    assert_int_equal(b->agent.counters.release_seq, 11); /* the floor stays */
    board_free(b);
}

static void an_order_that_waits_there_does_not_hold_it(void **state)
{
    struct board *b = updated_board();
    struct offer f = board_offer(b, board_image(b, "1.5.0", 50000, MANNER_GOOD), 110);
    (void)state;
    f.order.jitter = 600;
    assert_int_equal(board_order(b, &f), REASON_NONE);
    board_run(b, OTA_WAIT, HOUR);
    b->image[1].manner = MANNER_LATE;
    board_power_off(b);

    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));

    assert_string_equal(board_version(b), "1.3.0");
    board_free(b);
}

static void without_an_earlier_image_it_goes_on_as_it_is(void **state)
{
    struct board *b = board_new();
    struct ota_boot boot;
    (void)state;
    assert_true(board_run(b, OTA_STATE_COUNT, 60));
    b->reset = RESET_PANIC;
    board_facts(b, &boot);

    assert_int_equal(ota_agent_leave(&b->agent, &b->port, &boot), REASON_NO_WAY_BACK);

    board_power_off(b);
    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));
    assert_string_equal(board_version(b), "1.3.0");
    board_free(b);
}

static void an_earlier_image_that_dies_too_is_tried_again(void **state)
{
    struct board *b = late_board();
    (void)state;
    b->image[0].manner = MANNER_PANIC;
    jmp_buf jump;
    volatile int starts = 0;
    b->jump = &jump;
    (void)setjmp(jump);
    if (starts++ < 30)
        board_boot(b);
    assert_true(b->leaves >= 3);

    b->image[0].manner = MANNER_GOOD; /* whatever it was */
    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));
    assert_string_equal(board_version(b), "1.3.0");
    assert_false(b->on_probation);
    board_free(b);
}

static void a_commit_that_power_interrupted_is_made_good_before_it_is_left(void **state)
{
    struct board *b = board_new();
    struct offer f = board_offer(b, board_image(b, "1.4.0", 60000, MANNER_GOOD), 100);
    (void)state;
    assert_int_equal(board_order(b, &f), REASON_NONE);
    assert_true(board_run(b, OTA_TRIAL, HOUR));
    b->otadata[b->running].state = IMG_VALID; /* marked, and power went before the counters */
    b->image[1].manner = MANNER_LATE;
    board_power_off(b);

    assert_true(board_run(b, OTA_STATE_COUNT, HOUR));

    assert_string_equal(board_version(b), "1.3.0");
    assert_int_equal(b->agent.counters.release_seq, 11);
    board_free(b);
}

/* Crashes until the count says that it is enough. */
static uint32_t crashes_until(struct ota_looping *l)
{
    for (uint32_t n = 1; n < 2000; n++)
        if (ota_looping_count(l, n % 2 ? RESET_PANIC : RESET_WATCHDOG, false, false))
            return n;
    return 0;
}

static void a_program_that_never_comes_up_is_counted_out_ever_more_slowly(void **state)
{
    struct ota_looping l = { 0 };
    (void)state;

    assert_int_equal(crashes_until(&l), OTA_LOOPING_LIMIT);
    assert_int_equal(crashes_until(&l), 2 * OTA_LOOPING_LIMIT);
    for (int i = 0; i < 9; i++)
        (void)crashes_until(&l);
    assert_int_equal(crashes_until(&l), OTA_LOOPING_LIMIT_MAX);
    assert_false(ota_looping_count(&l, RESET_PANIC, false, true)); /* one whose agent was up */
    assert_int_equal(crashes_until(&l), OTA_LOOPING_LIMIT);
}

static void only_crashes_without_an_agent_off_trial_count(void **state)
{
    struct ota_looping l = { 0 };
    (void)state;

    for (int i = 0; i < 50; i++) {
        assert_false(ota_looping_count(&l, RESET_POWERON, false, false));
        assert_false(ota_looping_count(&l, RESET_SOFTWARE, false, false));
        assert_false(ota_looping_count(&l, RESET_PANIC, true, false));
        assert_false(ota_looping_count(&l, RESET_PANIC, true, true));
    }
    assert_int_equal(l.count, 0);
    assert_int_equal(crashes_until(&l), OTA_LOOPING_LIMIT);
}

/* ---- where images come from ------------------------------------------------------------------ */

static void order_at(struct board *b, const char *url, uint32_t seq)
{
    struct offer f = board_offer(b, 1, seq);
    snprintf(f.order.url, sizeof(f.order.url), "%s", url);
    board_order(b, &f);
}

static void only_the_listed_hosts_are_allowed(void **state)
{
    static const char hosts[] = "gw,gw2:8443,[::1]";
    (void)state;

    assert_true(ota_host_is_allowed(hosts, "", "https://gw/"));
    assert_true(ota_host_is_allowed(hosts, "", "https://gw:8443/firmware/"));
    assert_true(ota_host_is_allowed(hosts, "", "https://gw2:8443/"));
    assert_true(ota_host_is_allowed(hosts, "", "https://[::1]:8443/"));
    assert_false(ota_host_is_allowed(hosts, "", "https://gw2/"));
    assert_false(ota_host_is_allowed(hosts, "", "https://gw2:84430/"));
    assert_false(ota_host_is_allowed(hosts, "", "https://gw.evil/"));
    assert_false(ota_host_is_allowed(hosts, "", "https://evil/gw/"));
    assert_false(ota_host_is_allowed(hosts, "", "https://g/"));
    assert_false(ota_host_is_allowed(hosts, "", "https://[::11]/"));
    assert_false(ota_host_is_allowed(",,", "", "https://gw/"));
    assert_false(
        ota_host_is_allowed("a", "https://gw/", "https://gw/")); /* the list, and no more */
}

static void without_a_list_the_devices_own_server_is_the_one(void **state)
{
    (void)state;

    assert_true(ota_host_is_allowed("", "https://gw:1/x/", "https://gw:2/"));
    assert_true(ota_host_is_allowed(NULL, "https://[::1]:1/", "https://[::1]/"));
    assert_false(ota_host_is_allowed("", "https://gw/", "https://gw2/"));
    assert_false(ota_host_is_allowed("", "https://[::1]/", "https://[::2]/"));
    assert_true(ota_host_is_allowed("", "", "https://anywhere/"));
    assert_true(ota_host_is_allowed(NULL, NULL, "https://anywhere/"));
}

static void an_order_that_names_another_host_is_refused(void **state)
{
    struct board *b = *state;
    b->cfg.url = "https://gw:8443/firmware/";
    order_at(b, "https://elsewhere:8443/firmware/", 100);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_REJECTED, REASON_HOST_NOT_ALLOWED);
    assert_int_equal(b->requests, 0);
    order_at(b, "https://gw:8443/firmware/", 101);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
}

static void an_order_without_a_url_means_the_devices_own(void **state)
{
    struct board *b = *state;
    b->cfg.url = "https://gw:8443/firmware/";
    order_at(b, "", 100);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_memory_equal(b->last_url, "https://gw:8443/firmware/", 25);
    assert_int_equal(strlen(b->last_url), 25 + 64);
}

static void a_relative_url_is_a_folder_of_it(void **state)
{
    struct board *b = *state;
    b->cfg.url = "https://gw:8443/firmware/";
    order_at(b, "beta/", 100);

    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_memory_equal(b->last_url, "https://gw:8443/firmware/beta/", 30);
}

static void a_device_without_a_url_can_not_tell_where_that_is(void **state)
{
    struct board *b = *state;
    order_at(b, "", 100);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_REJECTED, REASON_HOST_NOT_ALLOWED);
}

static void a_base_that_leaves_no_room_is_refused(void **state)
{
    struct board *b = *state;
    char base[PROTO_URL_MAX];
    (void)snprintf(base, sizeof(base), "https://gw/%0149d", 0);
    base[sizeof(base) - 2] = '/';
    b->cfg.url = base;
    order_at(b, "b/", 100);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_REJECTED, REASON_HOST_NOT_ALLOWED);
    order_at(b, "", 101);
    board_run(b, OTA_STATE_COUNT, HOUR);
    assert_end(b, OTA_DONE, REASON_NONE);
}

static void a_server_that_moves_while_an_order_waits_is_found(void **state)
{
    struct board *b = *state;
    b->cfg.url = "https://old:8443/firmware/";
    order_at(b, "", 100);
    board_run(b, OTA_WAIT, HOUR);

    b->cfg.url = "https://new/";
    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_DONE, REASON_NONE);
    assert_memory_equal(b->last_url, "https://new/", 12);
}

static void a_host_that_is_not_allowed_any_more_is_not_asked(void **state)
{
    struct board *b = *state;
    b->cfg.url = "https://gw:8443/firmware/";
    order_at(b, b->cfg.url, 100);
    board_run(b, OTA_WAIT, HOUR);

    b->cfg.url = "https://new/";
    board_run(b, OTA_STATE_COUNT, HOUR);

    assert_end(b, OTA_FAILED, REASON_HOST_NOT_ALLOWED);
    assert_int_equal(b->requests, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_good_order_ends_done_and_the_new_image_runs),
        T(every_state_is_reported_in_its_order),
        T(a_device_does_not_start_before_its_slot),
        T(within_its_second_each_device_has_a_moment_of_its_own),
        T(an_order_for_later_waits_for_its_time_and_its_slot),
        T(the_slot_is_the_same_after_a_reboot),
        T(a_device_without_time_waits_as_long_by_its_own_clock),
        T(time_that_becomes_trusted_dates_the_first_receipt),
        T(an_order_for_what_runs_is_done_at_once),
        T(an_order_with_a_wrong_signature_is_refused),
        T(an_order_by_an_unknown_key_is_refused),
        T(an_order_by_a_release_key_is_refused),
        T(an_order_by_a_revoked_key_is_refused),
        T(an_order_for_another_device_is_refused),
        T(an_order_of_another_fleet_is_refused),
        T(an_order_past_its_expiry_is_refused),
        T(an_order_below_the_keysets_floor_is_a_replay),
        T(an_order_that_names_another_release_is_refused),
        T(a_release_with_a_wrong_signature_is_refused),
        T(a_release_by_a_rollout_key_is_refused),
        T(a_release_for_another_product_is_refused),
        T(a_release_for_other_hardware_is_refused),
        T(a_release_from_too_old_a_version_is_refused),
        T(a_release_for_a_newer_agent_is_refused),
        T(a_release_larger_than_the_slot_is_refused),
        T(a_busy_device_refuses),
        T(a_low_battery_refuses),
        T(a_body_that_is_no_order_is_refused),
        T(a_refusal_names_the_rollout_only_if_the_signature_held),
        T(an_order_that_was_refused_is_told_once),
        T(a_busy_device_takes_the_same_order_later),
        T(an_older_release_is_a_downgrade_after_the_commit),
        T(a_factory_device_takes_no_older_version),
        T(once_a_number_is_known_the_version_does_not_matter),
        T(the_factorys_number_counts_until_the_first_commit),
        T(the_floor_holds_for_an_image_it_does_not_know),
        T(an_order_counts_as_used_from_the_write_that_keeps_it),
        T(a_number_whose_write_power_cut_is_made_good_whatever_becomes_of_the_update),
        T(an_order_is_never_taken_twice),
        T(a_retained_order_that_comes_again_changes_nothing),
        T(junk_does_not_disturb_an_update),
        T(a_newer_order_replaces_one_that_waits),
        T(an_order_that_expires_while_waiting_ends_expired),
        T(other_verbs_are_checked_and_counted_by_class),
        T(identify_needs_no_signature_but_takes_no_wrong_one),
        T(records_that_cannot_be_read_mean_no_orders_and_no_writes),
        T(a_trial_whose_records_cannot_be_read_goes_back_and_writes_nothing),
        T(a_download_goes_on_where_it_was_after_a_reset),
        T(a_changed_file_is_fetched_from_the_start),
        T(a_connection_that_drops_is_taken_up_again),
        T(a_body_that_ends_early_is_truncated),
        T(retry_after_is_honoured_and_spread),
        T(an_image_that_is_not_there_fails_after_a_few_tries),
        T(a_redirect_is_not_followed),
        T(a_server_that_cannot_be_reached_is_tried_until_the_deadline),
        T(a_server_that_says_a_longer_length_is_refused),
        T(not_a_byte_more_than_the_size_is_taken),
        T(a_body_without_length_is_good_if_it_ends_in_time),
        T(a_wrong_range_is_not_written),
        T(a_server_without_ranges_still_serves),
        T(a_tampered_image_is_refused),
        T(flash_that_changed_under_a_resume_is_found_and_fetched_again),
        T(flash_that_reads_back_wrong_is_refused),
        T(an_image_that_would_not_boot_is_refused),
        T(a_slow_server_is_left_and_asked_again),
        T(an_application_that_defers_is_asked_again),
        T(an_abort_stops_a_device_that_waits),
        T(an_abort_stops_a_download),
        T(an_abort_stops_a_device_about_to_install),
        T(an_abort_after_the_switch_is_too_late),
        T(an_abort_of_another_rollout_is_answered_and_stops_nothing),
        T(an_abort_delivered_twice_is_one_abort),
        T(a_failed_self_test_goes_back_and_says_which),
        T(a_crash_before_the_agent_starts_goes_back),
        T(a_hang_goes_back),
        T(a_self_test_that_never_ends_goes_back),
        T(an_image_that_finds_no_broker_goes_back),
        T(no_broker_for_the_old_image_either_is_the_networks_fault),
        T(an_image_that_is_never_acknowledged_goes_back),
        T(power_lost_in_the_trial_is_tried_once_more),
        T(power_lost_twice_is_the_end),
        T(counters_rise_at_the_commit_only),
        T(a_trial_without_its_record_must_be_proved_all_the_same),
        T(an_order_during_the_trial_is_busy_and_taken_afterwards),
        T(an_application_that_defers_takes_the_order_all_the_same),
        T(a_bad_release_does_not_end_an_update_under_way),
        T(an_abort_after_the_end_hears_the_end_again),
        T(an_abort_that_power_interrupts_is_obeyed_when_it_comes_again),
        T(a_command_before_its_time_is_not_yet),
        T(a_body_beyond_its_bound_is_not_looked_at),
        T(an_order_may_expire_in_mid_download),
        T(a_server_that_never_answers_is_left),
        T(passing_troubles_of_a_server_are_waited_out),
        T(a_part_of_another_file_is_fetched_from_the_start),
        T(a_server_that_never_has_the_rest_is_given_up),
        T(a_range_that_is_refused_means_from_the_start),
        T(a_shorter_file_is_given_up_after_a_few_tries),
        T(a_restart_that_does_not_come_is_asked_for_again),
        T(an_image_that_cannot_go_back_ends_failed_and_takes_no_order),
        T(a_report_the_client_refuses_is_offered_again),
        T(a_record_of_another_agent_is_read),
        T(an_end_is_told_until_the_broker_has_it),
        T(the_acknowledgement_of_something_else_counts_for_nothing),
        T(an_update_without_a_broker_goes_on_and_is_told_later),
        T(events_before_the_boot_event_are_refused),
        T(the_records_keep_to_their_bounds_and_their_number),
        cmocka_unit_test(a_program_that_never_comes_up_is_counted_out_ever_more_slowly),
        cmocka_unit_test(only_crashes_without_an_agent_off_trial_count),
        cmocka_unit_test(an_image_that_dies_before_its_agent_is_left_for_the_earlier_one),
        cmocka_unit_test(an_order_that_waits_there_does_not_hold_it),
        cmocka_unit_test(without_an_earlier_image_it_goes_on_as_it_is),
        cmocka_unit_test(an_earlier_image_that_dies_too_is_tried_again),
        cmocka_unit_test(a_commit_that_power_interrupted_is_made_good_before_it_is_left),
        cmocka_unit_test(only_the_listed_hosts_are_allowed),
        cmocka_unit_test(without_a_list_the_devices_own_server_is_the_one),
        T(an_order_that_names_another_host_is_refused),
        T(an_order_without_a_url_means_the_devices_own),
        T(a_relative_url_is_a_folder_of_it),
        T(a_device_without_a_url_can_not_tell_where_that_is),
        T(a_base_that_leaves_no_room_is_refused),
        T(a_server_that_moves_while_an_order_waits_is_found),
        T(a_host_that_is_not_allowed_any_more_is_not_asked),
        cmocka_unit_test(a_rollback_order_brings_the_earlier_image_back),
        cmocka_unit_test(after_a_rollback_the_same_order_is_known_and_a_newer_one_is_taken),
        cmocka_unit_test(a_rollback_is_refused_when_there_is_nothing_good_to_go_back_to),
        cmocka_unit_test(an_image_that_failed_its_trial_is_nothing_to_go_back_to),
        cmocka_unit_test(a_rollback_waits_for_an_update_to_end_and_its_number_counts_once),
        cmocka_unit_test(a_rollback_order_gives_a_trial_up),
        cmocka_unit_test(a_rollback_that_fails_is_told_and_the_device_goes_on),
        cmocka_unit_test(power_lost_in_a_rollbacks_trial_is_tried_once_more),
        cmocka_unit_test(a_committed_image_that_keeps_crashing_is_left_for_the_earlier_one),
        cmocka_unit_test(leaving_a_crashing_image_needs_no_broker),
        cmocka_unit_test(crashes_far_apart_and_resets_of_another_kind_are_no_loop),
        cmocka_unit_test(a_crashing_image_without_a_way_back_goes_on_and_stops_writing),
        cmocka_unit_test(two_crashing_images_are_not_swapped_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
