#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"
#include "fleet/view.h"

struct env {
    struct feed f;
    struct fleet_view *view;
};

static int setup(void **state)
{
    static struct env env;
    feed_open(&env.f, NULL);
    env.view = fleet_view_new(env.f.fleet);
    *state = &env;
    return 0;
}

static int teardown(void **state)
{
    struct env *e = *state;
    fleet_view_free(e->view);
    fleet_free(e->f.fleet);
    return 0;
}

static void say(struct env *e, const char *id, const char *sub, const char *body)
{
    char topic[128];
    snprintf(topic, sizeof(topic), "devices/%s/%s", id, sub);
    feed_say(&e->f, topic, body);
}

static void status(struct env *e, const char *id, const char *fw)
{
    char body[128];
    snprintf(body, sizeof(body), "{\"state\":\"online\",\"fw\":\"%s\",\"interval\":600}", fw);
    say(e, id, "status", body);
}

/* The rows' ids, joined by blanks. */
static const char *rows(struct env *e)
{
    static char out[512];
    size_t len = 0;
    out[0] = '\0';
    fleet_view_refresh(e->view, e->f.now_ms);
    for (uint32_t i = 0; i < fleet_view_count(e->view) && len < 400; i++) {
        const struct fleet_device *d = fleet_device(e->f.fleet, fleet_view_at(e->view, i));
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s", i ? " " : "", d->id);
    }
    return out;
}

static void the_worst_stand_first_and_ties_in_natural_order_of_ids(void **state)
{
    struct env *e = *state;
    status(e, "pump-10", "1.0.0");
    status(e, "pump-2", "1.0.0");
    status(e, "pump-1", "1.0.0");
    status(e, "zebra", "1.0.0");
    say(e, "zebra", "status", "offline");
    assert_string_equal(rows(e), "zebra pump-1 pump-2 pump-10");
}

static void an_empty_fleet_has_an_empty_list(void **state)
{
    struct env *e = *state;
    assert_true(fleet_view_refresh(e->view, e->f.now_ms));
    assert_int_equal(fleet_view_count(e->view), 0);
    assert_int_equal(fleet_view_at(e->view, 0), FLEET_NONE);
    assert_int_equal(fleet_view_row(e->view, "a"), FLEET_NONE);
}

static void versions_sort_as_versions_and_keys_follow_each_other(void **state)
{
    struct env *e = *state;
    status(e, "a", "1.10.0");
    status(e, "b", "1.9.0");
    status(e, "c", "1.10.0");
    status(e, "d", "1.9.0-rc1");
    struct fleet_sort_key by[] = { { .column = FLEET_COL_FW },
                                   { .column = FLEET_COL_ID, .invert = true } };
    fleet_view_sort(e->view, by, 1);
    assert_string_equal(rows(e), "d b a c");
    fleet_view_sort(e->view, by, 2);
    assert_string_equal(rows(e), "d b c a");
    by[0].invert = true;
    fleet_view_sort(e->view, by, 1);
    assert_string_equal(rows(e), "a c b d");
}

static void who_has_no_value_stands_last_also_when_inverted(void **state)
{
    struct env *e = *state;
    say(e, "a", "telemetry/e", "{\"temp\":-5}");
    say(e, "b", "telemetry/e", "{\"temp\":20}");
    say(e, "c", "telemetry/e", "{\"co2\":400}");
    say(e, "d", "telemetry/e", "{\"temp\":-20}");
    struct fleet_sort_key by = { .column = FLEET_COL_READING,
                                 .reading = fleet_reading_find(e->f.fleet, "temp") };
    fleet_view_sort(e->view, &by, 1);
    assert_string_equal(rows(e), "d a b c");
    by.invert = true;
    fleet_view_sort(e->view, &by, 1);
    assert_string_equal(rows(e), "b a d c");
}

static void the_chips_count_what_passes_the_filter(void **state)
{
    struct env *e = *state;
    status(e, "pump-1", "1.0.0");
    status(e, "pump-2", "1.0.0");
    status(e, "door-1", "1.0.0");
    say(e, "pump-2", "status", "offline");
    fleet_view_filter(e->view, filter_compile("pump", NULL));
    fleet_view_states(e->view, 1u << FLEET_OFFLINE);
    assert_string_equal(rows(e), "pump-2");
    assert_int_equal(fleet_view_matched(e->view), 2);
    assert_int_equal(fleet_view_matched_state(e->view, FLEET_OK), 1);
    assert_int_equal(fleet_view_row(e->view, "pump-2"), 0);
    assert_int_equal(fleet_view_row(e->view, "pump-1"), FLEET_NONE);
    assert_int_equal(fleet_view_row(e->view, "nobody"), FLEET_NONE);

    fleet_view_filter(e->view, NULL);
    fleet_view_states(e->view, 0);
    assert_string_equal(rows(e), "pump-2 door-1 pump-1");
}

static void nothing_moves_without_a_refresh_and_a_refresh_says_whether_it_did(void **state)
{
    struct env *e = *state;
    status(e, "a", "1.0.0");
    status(e, "b", "1.0.0");
    assert_string_equal(rows(e), "a b");
    assert_false(fleet_view_refresh(e->view, e->f.now_ms + 50));
    say(e, "b", "status", "offline");
    assert_int_equal(fleet_view_row(e->view, "b"), 1);
    assert_true(fleet_view_refresh(e->view, e->f.now_ms));
    assert_int_equal(fleet_view_row(e->view, "b"), 0);
}

static void a_filter_on_time_is_looked_at_again_each_second(void **state)
{
    struct env *e = *state;
    status(e, "a", "1.0.0");
    fleet_view_filter(e->view, filter_compile("seen>5s", NULL));
    assert_string_equal(rows(e), "");
    e->f.now_ms += 6000;
    assert_string_equal(rows(e), "a");
}

static void the_forgotten_leave_and_the_new_find_their_places(void **state)
{
    struct env *e = *state;
    status(e, "b", "1.0.0");
    status(e, "d", "1.0.0");
    status(e, "c", "1.0.0");
    assert_string_equal(rows(e), "b c d");
    say(e, "c", "status", "");
    status(e, "e", "1.0.0"); /* takes c's place in the table */
    status(e, "a", "1.0.0");
    assert_string_equal(rows(e), "a b d e");
}

/* A property: whatever happens, each device is there once, in order. */
static void a_view_is_always_a_sorted_permutation(void **state)
{
    struct env *e = *state;
    uint32_t seed = 3;
    char id[16], body[64];
    struct fleet_sort_key by[] = { { .column = FLEET_COL_STATE },
                                   { .column = FLEET_COL_READING, .invert = true } };
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 40; i++) {
            seed = seed * 1664525u + 1013904223u;
            snprintf(id, sizeof(id), "d%u", seed >> 22);
            snprintf(body, sizeof(body), "{\"temp\":%u}", seed >> 12 & 63);
            if ((seed >> 5 & 7) == 0)
                say(e, id, "status", seed & 64 ? "offline" : "");
            else
                say(e, id, "telemetry/e", body);
        }
        by[1].reading = fleet_reading_find(e->f.fleet, "temperature");
        fleet_view_sort(e->view, by, 2);
        fleet_view_refresh(e->view, e->f.now_ms);
        assert_int_equal(fleet_view_count(e->view), fleet_count(e->f.fleet));
        double last = 1e9;
        int last_state = -1;
        for (uint32_t i = 0; i < fleet_view_count(e->view); i++) {
            const struct fleet_device *d = fleet_device(e->f.fleet, fleet_view_at(e->view, i));
            assert_non_null(d);
            assert_int_equal(fleet_view_row(e->view, d->id), i);
            const struct fleet_value *v = fleet_value(d, by[1].reading);
            double value = v ? v->value : -1e9;
            assert_true(d->state > last_state || (d->state == last_state && value <= last));
            last_state = d->state;
            last = value;
        }
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_worst_stand_first_and_ties_in_natural_order_of_ids),
        T(an_empty_fleet_has_an_empty_list),
        T(versions_sort_as_versions_and_keys_follow_each_other),
        T(who_has_no_value_stands_last_also_when_inverted),
        T(the_chips_count_what_passes_the_filter),
        T(nothing_moves_without_a_refresh_and_a_refresh_says_whether_it_did),
        T(a_filter_on_time_is_looked_at_again_each_second),
        T(the_forgotten_leave_and_the_new_find_their_places),
        T(a_view_is_always_a_sorted_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
