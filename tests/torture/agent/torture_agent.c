#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"

/*
 * Break everything, one thing at a time. The board asserts at every boot that what it boots is a
 * whole signed image, and after every event that no counter went back; what is left to assert here
 * is that every run ends, and ends where it should.
 */
enum { NEW_SIZE = 140000, DAY = 86400, SEEDS = 3 };

static struct board *new_board(enum manner manner, uint32_t seed)
{
    struct board *b = board_new();
    board_image(b, "1.4.0", NEW_SIZE, manner);
    b->seed = seed;
    b->server.etag = "\"v1\"";
    struct offer f = board_offer(b, 1, 100);
    board_retain(b, &f);
    return b;
}

static void assert_ended(const struct board *b)
{
    assert_false(ota_agent_is_active(&b->agent));
    assert_false(b->on_probation);
    assert_false(b->slot_open || b->http_open);
}

/* Whatever happened: the next good order must find a device that takes it. */
static void assert_recovers(struct board *b)
{
    int next = board_image(b, "1.5.0", 70000, MANNER_GOOD);
    struct offer f = board_offer(b, next, 200);
    b->fail_at = 0;
    b->cut_at = 0;
    if (!b->told_up) {
        b->alive = false;
        b->reset = RESET_POWERON;
    }
    assert_int_equal(board_order(b, &f), REASON_NONE);
    assert_true(board_run(b, OTA_STATE_COUNT, DAY));
    assert_int_equal(b->agent.state, OTA_DONE);
    assert_string_equal(board_version(b), "1.5.0");
    assert_string_equal(board_last(b)->rollout, "r-200");
}

/* ---- a call that fails ------------------------------------------------------------------------
 */

static uint32_t break_every_call(enum manner manner)
{
    uint32_t broken = 0;
    for (uint32_t n = 1;; n++) {
        struct board *b = new_board(manner, n);
        b->fail_at = n;
        assert_true(board_run(b, OTA_STATE_COUNT, DAY));
        bool hit = b->calls >= n;
        assert_ended(b);
        if (b->agent.records_bad) /* could not read them: it refuses until it is started again */
            board_power_off(b);
        if (hit)
            assert_recovers(b);
        board_free(b);
        if (!hit)
            break;
        broken++;
    }
    return broken;
}

static void any_call_may_fail_once(void **state)
{
    (void)state;
    uint32_t good = break_every_call(MANNER_GOOD);
    uint32_t bad = break_every_call(MANNER_UNFIT);
    printf("calls broken: %u of a good update, %u of one rolled back\n", good, bad);
    assert_true(good > 100 && bad > 100);
}

/* ---- power that goes --------------------------------------------------------------------------
 */

/* One life with a cut in the nth write. False when the nth write was never made. */
static bool cut_once(enum manner manner, enum cut cut, uint32_t n, uint32_t seed, uint32_t *cuts)
{
    struct board *b = new_board(manner, seed);
    b->cut_at = n;
    b->cut = cut;
    bool ended = board_run(b, OTA_STATE_COUNT, DAY);
    bool hit = b->cuts > 0;
    assert_true(ended);
    assert_ended(b);
    if (manner == MANNER_GOOD) {
        assert_int_equal(b->agent.state, OTA_DONE);
        assert_string_equal(board_version(b), "1.4.0");
    } else {
        assert_int_equal(b->agent.state, OTA_ROLLED_BACK);
        assert_string_equal(board_version(b), "1.3.0");
    }
    assert_true(b->agent.job.flags & 1); /* and the broker has been told */
    *cuts += b->cuts;
    if (hit)
        assert_recovers(b);
    board_free(b);
    return hit;
}

static uint32_t cut_everywhere(enum manner manner)
{
    uint32_t cuts = 0;
    for (enum cut cut = CUT_BEFORE; cut < CUT_KINDS; cut++) {
        for (uint32_t seed = 1; seed <= SEEDS; seed++) {
            for (uint32_t n = 1; cut_once(manner, cut, n, seed, &cuts); n++) {
            }
        }
    }
    return cuts;
}

static void power_may_go_in_any_write_of_a_good_update(void **state)
{
    (void)state;
    uint32_t cuts = cut_everywhere(MANNER_GOOD);
    printf("power cuts in a good update: %u, each ends done\n", cuts);
    assert_true(cuts > 300);
}

static void power_may_go_in_any_write_of_an_update_that_rolls_back(void **state)
{
    (void)state;
    uint32_t cuts = cut_everywhere(MANNER_UNFIT);
    printf("power cuts in a bad update: %u, each ends rolled back\n", cuts);
    assert_true(cuts > 300);
}

/* After each start power goes again, within `most` writes. */
static uint32_t cut_often(enum manner manner, uint32_t seed, uint32_t most)
{
    struct board *b = new_board(manner, seed * 2654435761u);
    b->cut_again = most;
    b->cuts_left = 30;
    b->cut = (enum cut)(seed % CUT_KINDS);
    b->cut_at = 1 + seed % most;
    assert_true(board_run(b, OTA_STATE_COUNT, DAY));
    assert_ended(b);
    if (manner == MANNER_UNFIT)
        assert_string_equal(board_version(b), "1.3.0");
    uint32_t cuts = b->cuts;
    b->cuts_left = 0;
    assert_recovers(b);
    board_free(b);
    return cuts;
}

static void power_may_go_again_and_again(void **state)
{
    uint32_t cuts = 0;
    (void)state;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        cuts += cut_often(MANNER_GOOD, seed, 40);
        cuts += cut_often(MANNER_GOOD, seed, 12);
        cuts += cut_often(MANNER_UNFIT, seed, 60);
        cuts += cut_often(MANNER_UNFIT, seed, 6);
    }
    printf("power cuts one after the other: %u in 1200 lives\n", cuts);
    assert_true(cuts > 6000);
}

/* ---- going back -------------------------------------------------------------------------------
 */

/* A life with an update behind it, then back by order (or by crashes), with a cut in the nth write
 * of that. */
static bool cut_way_back(enum manner old, bool looped, enum cut cut, uint32_t n, uint32_t seed,
                         uint32_t *cuts)
{
    struct board *b = new_board(MANNER_GOOD, seed);
    assert_true(board_run(b, OTA_STATE_COUNT, DAY));
    assert_int_equal(b->agent.state, OTA_DONE);
    b->image[0].manner = old;
    b->cfg.crash_limit = 1;
    b->writes = 0;
    b->cut_at = n;
    b->cut = cut;
    if (looped) {
        b->alive = b->told_up = false;
        b->reset = RESET_PANIC;
    } else {
        b->gate[OTA_GATE_SWITCH] = REASON_DEFERRED; /* the order is counted without a cut */
        b->cut_at = 0;
        assert_int_equal(board_rollback(b, "r-100", 101), REASON_NONE);
        b->gate[OTA_GATE_SWITCH] = REASON_NONE;
        b->writes = 0;
        b->cut_at = n;
    }
    assert_true(board_run(b, OTA_STATE_COUNT, DAY));
    bool hit = b->cuts > 0;
    assert_ended(b);
    const char *runs = board_version(b);
    if (old == MANNER_GOOD && !looped && b->agent.state == OTA_ROLLED_BACK)
        assert_string_equal(runs, "1.3.0");
    else if (old == MANNER_UNFIT && !looped)
        assert_string_equal(runs, "1.4.0");
    if (!hit && old == MANNER_GOOD)
        assert_string_equal(runs, "1.3.0");
    *cuts += b->cuts;
    if (hit)
        assert_recovers(b);
    board_free(b);
    return hit;
}

static void power_may_go_in_any_write_of_a_way_back(void **state)
{
    uint32_t cuts = 0;
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        for (enum cut cut = CUT_BEFORE; cut < CUT_KINDS; cut++) {
            for (uint32_t seed = 1; seed <= SEEDS; seed++) {
                enum manner old = kind == 1 ? MANNER_UNFIT : MANNER_GOOD;
                for (uint32_t n = 1; cut_way_back(old, kind == 2, cut, n, seed, &cuts); n++) {
                }
            }
        }
    }
    printf("power cuts on the way back: %u\n", cuts);
    assert_true(cuts > 100);
}

/* A committed image that dies at each start: power goes in each write of what leads back. */
static bool cut_leaving(enum cut cut, uint32_t n, uint32_t seed, uint32_t *cuts)
{
    struct board *b = new_board(MANNER_GOOD, seed);
    assert_true(board_run(b, OTA_STATE_COUNT, DAY));
    assert_string_equal(board_version(b), "1.4.0");
    b->image[1].manner = MANNER_LATE;
    board_power_off(b);
    b->cut = cut;
    b->writes = 0;
    b->cut_at = n;
    assert_true(board_run(b, OTA_STATE_COUNT, DAY));
    bool hit = b->cuts > 0;
    assert_ended(b);
    assert_string_equal(board_version(b), "1.3.0");
    *cuts += b->cuts;
    assert_recovers(b);
    board_free(b);
    return hit;
}

static void power_may_go_in_any_write_while_a_dead_image_is_left(void **state)
{
    uint32_t cuts = 0;
    (void)state;
    for (enum cut cut = CUT_BEFORE; cut < CUT_KINDS; cut++)
        for (uint32_t seed = 1; seed <= SEEDS; seed++)
            for (uint32_t n = 1; cut_leaving(cut, n, seed, &cuts); n++) {
            }
    printf("power cuts while a dead image was left: %u\n", cuts);
    assert_true(cuts > 50);
}

/* ---- a server that does its worst -------------------------------------------------------------
 */

static void a_connection_may_drop_after_any_block(void **state)
{
    uint32_t drops = 0;
    (void)state;
    for (uint32_t at = 0; at < NEW_SIZE; at += 3001) {
        struct board *b = new_board(MANNER_GOOD, at + 1);
        b->server.drop_after = at;
        b->server.drop_times = 3;
        b->server.drop_clean = at % 2;
        assert_true(board_run(b, OTA_STATE_COUNT, DAY));
        assert_int_equal(b->agent.state, OTA_DONE);
        drops += b->requests - 1;
        board_free(b);
    }
    printf("connections dropped: %u\n", drops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_call_may_fail_once),
        cmocka_unit_test(power_may_go_in_any_write_of_a_good_update),
        cmocka_unit_test(power_may_go_in_any_write_of_an_update_that_rolls_back),
        cmocka_unit_test(power_may_go_again_and_again),
        cmocka_unit_test(power_may_go_in_any_write_of_a_way_back),
        cmocka_unit_test(power_may_go_in_any_write_while_a_dead_image_is_left),
        cmocka_unit_test(a_connection_may_drop_after_any_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
