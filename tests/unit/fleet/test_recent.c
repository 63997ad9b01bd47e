#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fleet/fleet.h"
#include "fleet/history.h"

/* What a device's tail begins with: the fleet's newest messages, in a bounded ring. */

#define NOW_MS INT64_C(1790000000000)

static struct fleet *fleet_with(size_t recent_bytes)
{
    const struct fleet_config config = { .root = "devices", .recent_bytes = recent_bytes };
    return fleet_new(&config);
}

static void say(struct fleet *fleet, const char *topic, const char *body, bool retained,
                int64_t at_ms)
{
    const struct fleet_event ev = { .kind = FLEET_EV_MESSAGE,
                                    .topic = topic,
                                    .body = body,
                                    .len = strlen(body),
                                    .retained = retained };
    fleet_apply(fleet, &ev, at_ms);
}

static uint64_t lines(const struct fleet *fleet, const char *id)
{
    uint64_t first, last;
    fleet_tail_range(fleet, id, &first, &last);
    return last ? last - first + 1 : 0;
}

static void a_tail_begins_with_what_came_before_it_was_watched(void **state)
{
    struct fleet *fleet = fleet_with(0);
    (void)state;

    say(fleet, "devices/a/status", "online", true, NOW_MS);
    say(fleet, "devices/b/log", "info of another", false, NOW_MS + 1);
    say(fleet, "devices/a/telemetry/env", "{\"t\":1,\"x\":\"\x1b[2J\"}", false, NOW_MS + 2000);
    say(fleet, "devices/a/telemetry/env", "no reading", false, NOW_MS + 3000);
    assert_int_equal(fleet_watch(fleet, "a"), 0);

    assert_int_equal(lines(fleet, "a"), 3);
    const struct fleet_tail_line *line = fleet_tail(fleet, "a", 1);
    assert_string_equal(line->topic, "status");
    assert_string_equal(line->body, "online");
    assert_true(line->retained);
    assert_int_equal(line->t_ms, NOW_MS);
    line = fleet_tail(fleet, "a", 2);
    assert_string_equal(line->topic, "telemetry/env");
    assert_null(strchr(line->body, 0x1b));
    assert_non_null(memchr(line->raw, 0x1b, line->raw_len));
    assert_false(line->retained);
    assert_int_equal(line->t_ms, NOW_MS + 2000);
    assert_true(fleet_tail(fleet, "a", 3)->bad);

    say(fleet, "devices/a/log", "info and goes on", false, NOW_MS + 4000);
    assert_int_equal(lines(fleet, "a"), 4);
    fleet_free(fleet);
}

static void a_line_is_the_same_whether_it_was_watched_or_kept(void **state)
{
    struct fleet *fleet = fleet_with(0);
    char body[1200];
    (void)state;

    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    fleet_watch(fleet, "a");
    say(fleet, "devices/a/log", body, false, NOW_MS);
    struct fleet_tail_line watched = *fleet_tail(fleet, "a", 1);
    fleet_unwatch(fleet, "a");
    fleet_watch(fleet, "a");

    const struct fleet_tail_line *kept = fleet_tail(fleet, "a", 1);
    assert_int_equal(kept->size, sizeof(body) - 1);
    assert_string_equal(kept->body, watched.body);
    assert_int_equal(kept->raw_len, watched.raw_len);
    assert_memory_equal(kept->raw, watched.raw, watched.raw_len);
    fleet_free(fleet);
}

/* Sizes of all kinds, so that the ring's end is met in every way: what is kept is a run of the
 * newest, and it is never less than the ring holds. */
static void the_ring_keeps_the_newest_and_no_more_than_its_bytes(void **state)
{
    enum { RING = 4000, MESSAGES = 3000, MOST = 40 + 16 + 200 };
    struct fleet *fleet = fleet_with(RING);
    char body[256];
    size_t before = 0;
    (void)state;

    for (int i = 0; i < MESSAGES; i++) {
        int n = snprintf(body, sizeof(body), "info %d ", i);
        int more = i * 7919 % 180;
        memset(body + n, 'x', (size_t)more);
        body[n + more] = '\0';
        say(fleet, i % 3 ? "devices/b/log" : "devices/a/log", body, false, NOW_MS + i);
        if (i == 0)
            before = fleet_bytes(fleet, NULL);
        if (i < 100 || i % 7)
            continue;
        fleet_watch(fleet, "a");
        uint64_t count = lines(fleet, "a");
        int newest = i - i % 3;
        assert_true(count >= RING / MOST / 3 - 1 && count <= RING / 40);
        for (uint64_t k = 1; k <= count; k++) {
            int number = -1;
            assert_int_equal(sscanf(fleet_tail(fleet, "a", k)->body, "info %d ", &number), 1);
            assert_int_equal(number, newest - 3 * (int)(count - k));
            assert_int_equal(fleet_tail(fleet, "a", k)->t_ms, NOW_MS + number);
        }
        fleet_unwatch(fleet, "a");
    }
    assert_true(fleet_bytes(fleet, NULL) < before + 4000); /* the second device, and no more */
    fleet_free(fleet);
}

static void live_messages_do_not_push_retained_ones_out(void **state)
{
    struct fleet *fleet = fleet_with(4000);
    (void)state;

    say(fleet, "devices/a/telemetry/env", "{\"t\":1}", false, NOW_MS);
    say(fleet, "devices/a/status", "online", true, NOW_MS + 10); /* connected anew */
    say(fleet, "devices/a/telemetry/env", "{\"t\":2}", false, NOW_MS + 20);
    fleet_watch(fleet, "a");
    assert_int_equal(lines(fleet, "a"), 3); /* in the order in which they came */
    assert_false(fleet_tail(fleet, "a", 1)->retained);
    assert_true(fleet_tail(fleet, "a", 2)->retained);
    assert_false(fleet_tail(fleet, "a", 3)->retained);
    fleet_unwatch(fleet, "a");

    for (int i = 0; i < 1000; i++)
        say(fleet, "devices/b/telemetry/env", "{\"t\":1}", false, NOW_MS + 100 + i);
    fleet_watch(fleet, "a");
    assert_int_equal(lines(fleet, "a"), 1);
    assert_string_equal(fleet_tail(fleet, "a", 1)->topic, "status");
    fleet_free(fleet);
}

static void who_takes_the_place_of_another_does_not_get_its_messages(void **state)
{
    struct fleet *fleet = fleet_with(0);
    (void)state;

    say(fleet, "devices/a/log", "info of the first", false, NOW_MS);
    uint32_t place = fleet_find(fleet, "a");
    fleet_forget(fleet, place);
    say(fleet, "devices/b/log", "info of the next", false, NOW_MS);
    assert_int_equal(fleet_find(fleet, "b"), place);
    fleet_watch(fleet, "b");
    assert_int_equal(lines(fleet, "b"), 1);

    fleet_forget(fleet, place);
    say(fleet, "devices/a/log", "info once more", false, NOW_MS + 20); /* the same id, anew */
    fleet_watch(fleet, "a");
    assert_int_equal(lines(fleet, "a"), 1);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tail_begins_with_what_came_before_it_was_watched),
        cmocka_unit_test(a_line_is_the_same_whether_it_was_watched_or_kept),
        cmocka_unit_test(the_ring_keeps_the_newest_and_no_more_than_its_bytes),
        cmocka_unit_test(live_messages_do_not_push_retained_ones_out),
        cmocka_unit_test(who_takes_the_place_of_another_does_not_get_its_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
