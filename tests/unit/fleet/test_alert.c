#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"
#include "fleet/alert.h"

/* A fleet, and the alerts over it; devices a and b have a status and a temperature. */
struct world {
    struct feed feed;
    struct alerts *alerts;
    bool known;
};

static bool is_known(void *ctx, const char *id)
{
    struct world *w = ctx;
    (void)id;
    return w->known;
}

static void pass(struct world *w, int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 100) {
        w->feed.now_ms += 100;
        feed_event(&w->feed, FLEET_EV_TICK, NULL);
        alerts_tick(w->alerts, w->feed.now_ms);
    }
}

static void temperature(struct world *w, const char *id, double value)
{
    char topic[64], body[64];
    snprintf(topic, sizeof(topic), "devices/%s/telemetry/env", id);
    snprintf(body, sizeof(body), "{\"temp\":%.1f}", value);
    feed_say(&w->feed, topic, body);
}

static void status(struct world *w, const char *id, unsigned boots)
{
    char topic[64], body[200];
    snprintf(topic, sizeof(topic), "devices/%s/status", id);
    snprintf(
        body, sizeof(body),
        "{\"state\":\"online\",\"fw\":\"1.0.0\",\"boot\":\"%016x\",\"boots\":%u,\"interval\":3600,"
        "\"groups\":[\"berlin\"]}",
        boots, boots);
    feed_say(&w->feed, topic, body);
}

static void open_world(struct world *w, const struct alert_rule *rule, size_t count)
{
    struct err err;

    feed_open(&w->feed, NULL);
    w->known = true;
    w->alerts = alerts_new(w->feed.fleet, rule, count, is_known, w, &err);
    assert_non_null(w->alerts);
    status(w, "a", 1);
    status(w, "b", 1);
    temperature(w, "a", 20);
    temperature(w, "b", 20);
    pass(w, ALERT_SETTLE_MS + 2000);
}

static void close_world(struct world *w)
{
    alerts_free(w->alerts);
    fleet_free(w->feed.fleet);
}

static size_t firing(struct world *w)
{
    const struct alert *const *list;
    return alerts_list(w->alerts, &list);
}

static const struct alert *first(struct world *w)
{
    const struct alert *const *list;
    assert_true(alerts_list(w->alerts, &list) > 0);
    return list[0];
}

static const struct alert_rule hot = { .name = "hot",
                                       .kind = ALERT_WHEN,
                                       .level = ALERT_CRIT,
                                       .when = "temp>30",
                                       .clear = "temp<28",
                                       .for_s = 10 };

static void a_reading_above_its_limit_for_long_enough_fires_once(void **state)
{
    struct world w;
    struct alert_event ev[8];
    (void)state;
    open_world(&w, &hot, 1);

    temperature(&w, "a", 31.4);
    pass(&w, 8000);
    assert_int_equal(firing(&w), 0);
    pass(&w, 4000);

    assert_int_equal(firing(&w), 1);
    assert_string_equal(first(&w)->id, "a");
    assert_string_equal(first(&w)->text, "temp>30 for 10s: TEMP 31.4 °C");
    assert_int_equal(feed_device(&w.feed, "a")->state, FLEET_CRIT);
    pass(&w, 60000);
    assert_int_equal(alerts_take(w.alerts, ev, 8), 1);
    assert_int_equal(ev[0].kind, ALERT_FIRED);
    close_world(&w);
}

static void it_clears_only_below_the_lower_limit(void **state)
{
    struct world w;
    struct alert_event ev[8];
    (void)state;
    open_world(&w, &hot, 1);
    temperature(&w, "a", 31);
    pass(&w, 12000);

    temperature(&w, "a", 29);
    pass(&w, 20000);
    assert_int_equal(firing(&w), 1);
    temperature(&w, "a", 27);
    pass(&w, 2000);

    assert_int_equal(firing(&w), 0);
    assert_int_equal(feed_device(&w.feed, "a")->state, FLEET_OK);
    assert_int_equal(alerts_take(w.alerts, ev, 8), 2);
    assert_int_equal(ev[1].kind, ALERT_CLEARED);
    assert_string_equal(alerts_past(w.alerts, 0)->id, "a");
    assert_null(alerts_past(w.alerts, 1));
    close_world(&w);
}

static void a_short_excursion_starts_the_wait_anew(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, &hot, 1);

    for (int i = 0; i < 5; i++) {
        temperature(&w, "a", 31);
        pass(&w, 8000);
        temperature(&w, "a", 20);
        pass(&w, 2000);
    }

    assert_int_equal(firing(&w), 0);
    close_world(&w);
}

static void a_target_keeps_a_rule_to_its_devices(void **state)
{
    struct alert_rule rule = hot;
    struct world w;
    (void)state;
    snprintf(rule.target, sizeof(rule.target), "id=b");
    open_world(&w, &rule, 1);

    temperature(&w, "a", 40);
    temperature(&w, "b", 40);
    pass(&w, 12000);

    assert_int_equal(firing(&w), 1);
    assert_string_equal(first(&w)->id, "b");
    close_world(&w);
}

static void nothing_fires_while_the_link_is_down_and_that_time_does_not_count(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, &hot, 1);
    temperature(&w, "a", 40);
    pass(&w, 4000);

    feed_event(&w.feed, FLEET_EV_LINK_DOWN, "gone");
    pass(&w, 60000);
    assert_int_equal(firing(&w), 0);
    feed_event(&w.feed, FLEET_EV_LINK_UP, NULL);
    pass(&w, ALERT_SETTLE_MS + 2000);
    assert_int_equal(firing(&w), 0);
    pass(&w, 8000);

    assert_int_equal(firing(&w), 1);
    close_world(&w);
}

static void many_restarts_fire_and_are_forgotten_after_the_span(void **state)
{
    const struct alert_rule rule = {
        .name = "reboots", .kind = ALERT_REBOOTS, .level = ALERT_WARN, .count = 3, .within_s = 60
    };
    struct world w;
    (void)state;
    open_world(&w, &rule, 1);

    for (unsigned boots = 2; boots <= 4; boots++) {
        status(&w, "a", boots);
        pass(&w, 2000);
    }
    assert_int_equal(firing(&w), 0);
    status(&w, "a", 5);
    pass(&w, 2000);
    assert_int_equal(firing(&w), 1);
    assert_int_equal(feed_device(&w.feed, "a")->state, FLEET_WARN);
    pass(&w, 62000);

    assert_int_equal(firing(&w), 0);
    close_world(&w);
}

static void restarts_that_nobody_saw_are_counted_by_the_boot_counter(void **state)
{
    const struct alert_rule rule = {
        .name = "reboots", .kind = ALERT_REBOOTS, .level = ALERT_WARN, .count = 3, .within_s = 60
    };
    struct world w;
    (void)state;
    open_world(&w, &rule, 1);

    status(&w, "a", 40);
    pass(&w, 2000);

    assert_int_equal(firing(&w), 1);
    close_world(&w);
}

static void a_device_nobody_knew_is_new_until_somebody_has_seen_it(void **state)
{
    const struct alert_rule rule = { .name = "new", .kind = ALERT_NEW, .level = ALERT_INFO };
    struct world w;
    (void)state;
    open_world(&w, &rule, 1);
    assert_int_equal(firing(&w), 0);

    status(&w, "c", 1);
    pass(&w, 2000);
    assert_int_equal(firing(&w), 1);
    assert_int_equal(feed_device(&w.feed, "c")->state, FLEET_OK);
    assert_true(alerts_ack(w.alerts, "new", "c", "alice", w.feed.now_ms));
    pass(&w, 2000);

    assert_int_equal(firing(&w), 0);
    close_world(&w);
}

static void a_device_without_a_certificate_of_ours_is_named(void **state)
{
    const struct alert_rule rule = { .name = "unknown",
                                     .kind = ALERT_UNKNOWN,
                                     .level = ALERT_WARN };
    struct world w;
    (void)state;
    open_world(&w, &rule, 1);
    w.known = false;

    status(&w, "stranger", 1);
    pass(&w, 2000);
    assert_int_equal(firing(&w), 1);
    assert_string_equal(first(&w)->id, "stranger");
    w.known = true;
    pass(&w, 62000);

    assert_int_equal(firing(&w), 0);
    close_world(&w);
}

static void too_many_messages_a_minute_fire(void **state)
{
    const struct alert_rule rule = {
        .name = "chatty", .kind = ALERT_RATE, .level = ALERT_WARN, .above = 100
    };
    struct world w;
    (void)state;
    open_world(&w, &rule, 1);

    for (int i = 0; i < 150; i++)
        temperature(&w, "a", 20);
    pass(&w, 2000);

    assert_int_equal(firing(&w), 1);
    close_world(&w);
}

static void a_stopped_rollout_is_an_alert_until_it_goes_on(void **state)
{
    const struct alert_rule rule = { .name = "rollout",
                                     .kind = ALERT_ROLLOUT,
                                     .level = ALERT_CRIT };
    struct world w;
    (void)state;
    open_world(&w, &rule, 1);

    for (int i = 0; i < 3; i++)
        alerts_rollout(w.alerts, "r-1", true, "2 of 10 failed", w.feed.now_ms);
    assert_int_equal(firing(&w), 1);
    assert_string_equal(first(&w)->text, "2 of 10 failed");
    assert_int_equal(alerts_firing(w.alerts, ALERT_CRIT), 1);
    alerts_rollout(w.alerts, "r-1", false, "", w.feed.now_ms);

    assert_int_equal(firing(&w), 0);
    close_world(&w);
}

static void a_silence_hides_it_from_the_state_until_it_is_over(void **state)
{
    struct world w;
    struct err err;
    (void)state;
    open_world(&w, &hot, 1);
    struct alert_silence s = { .id = 1,
                               .rule = "hot",
                               .target = "group:berlin",
                               .who = "alice",
                               .reason = "oven day",
                               .until_ms = w.feed.now_ms + 30000 };

    assert_int_equal(alerts_set_silences(w.alerts, &s, 1, w.feed.now_ms, &err), 0);
    temperature(&w, "a", 40);
    pass(&w, 12000);
    assert_int_equal(firing(&w), 1);
    assert_true(first(&w)->silenced);
    assert_int_equal(alerts_firing(w.alerts, ALERT_CRIT), 0);
    assert_int_equal(feed_device(&w.feed, "a")->state, FLEET_OK);
    pass(&w, 20000);

    assert_false(first(&w)->silenced);
    assert_int_equal(feed_device(&w.feed, "a")->state, FLEET_CRIT);
    assert_null(alerts_silence(w.alerts, 0));
    close_world(&w);
}

static void what_fired_before_a_restart_does_not_fire_again(void **state)
{
    struct world w;
    struct alert_event ev[4];
    (void)state;
    open_world(&w, &hot, 1);

    assert_true(alerts_restore(w.alerts, "hot", "a", w.feed.now_ms - 60000, w.feed.now_ms - 50000,
                               "temp>30"));
    assert_false(alerts_restore(w.alerts, "hot", "gone", 1, 1, ""));
    assert_false(alerts_restore(w.alerts, "other", "a", 1, 1, ""));
    temperature(&w, "a", 40);
    pass(&w, 20000);

    assert_int_equal(firing(&w), 1);
    assert_int_equal(alerts_take(w.alerts, ev, 4), 0);
    close_world(&w);
}

static void one_that_fired_before_this_process_keeps_its_older_time(void **state)
{
    struct world w;
    struct alert_event ev[4];
    (void)state;
    open_world(&w, &hot, 1);

    temperature(&w, "a", 40);
    pass(&w, 2000); /* pending: `for` is not over */
    assert_int_equal(firing(&w), 0);
    int64_t fired = w.feed.now_ms - 50000;
    assert_true(alerts_restore(w.alerts, "hot", "a", fired - 10000, fired, "temp>30"));
    assert_int_equal(firing(&w), 1);
    assert_int_equal(first(&w)->fired_ms, fired);
    pass(&w, 20000);
    assert_int_equal(first(&w)->fired_ms, fired);
    assert_int_equal(alerts_take(w.alerts, ev, 4), 0);

    assert_true(alerts_restore(w.alerts, "hot", "a", fired, fired + 5000, "temp>30"));
    assert_int_equal(first(&w)->fired_ms, fired); /* the oldest stands */
    close_world(&w);
}

static void the_silence_an_alert_is_under_is_known(void **state)
{
    struct world w;
    struct err err;
    (void)state;
    open_world(&w, &hot, 1);
    struct alert_silence s[2] = {
        { .id = 1, .rule = "hot", .reason = "short", .until_ms = w.feed.now_ms + 30000 },
        { .id = 2, .target = "id=a", .reason = "long", .until_ms = w.feed.now_ms + 90000 },
    };

    temperature(&w, "a", 40);
    pass(&w, 12000);
    assert_null(alerts_silence_of(w.alerts, first(&w)));
    assert_int_equal(alerts_set_silences(w.alerts, s, 2, w.feed.now_ms, &err), 0);
    assert_int_equal(alerts_silence_of(w.alerts, first(&w))->id, 2);
    assert_int_equal(alerts_set_silences(w.alerts, s, 1, w.feed.now_ms, &err), 0);
    assert_int_equal(alerts_silence_of(w.alerts, first(&w))->id, 1);
    close_world(&w);
}

static void the_worst_and_newest_come_first(void **state)
{
    const struct alert_rule rules[] = {
        { .name = "warm", .kind = ALERT_WHEN, .level = ALERT_WARN, .when = "temp>25" },
        { .name = "hot", .kind = ALERT_WHEN, .level = ALERT_CRIT, .when = "temp>30" },
    };
    struct world w;
    const struct alert *const *list;
    const struct alert *of[4];
    (void)state;
    open_world(&w, rules, 2);

    temperature(&w, "a", 31);
    pass(&w, 2000);
    temperature(&w, "b", 31);
    pass(&w, 2000);

    assert_int_equal(alerts_list(w.alerts, &list), 4);
    assert_int_equal(list[0]->level, ALERT_CRIT);
    assert_string_equal(list[0]->id, "b");
    assert_int_equal(list[3]->level, ALERT_WARN);
    assert_int_equal(alerts_of(w.alerts, fleet_find(w.feed.fleet, "a"), of, 4), 2);
    assert_int_equal(of[0]->level, ALERT_CRIT);
    assert_int_equal(fleet_alerts(feed_device(&w.feed, "a")), 2);
    close_world(&w);
}

static void a_forgotten_device_takes_its_alerts_along(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, &hot, 1);
    temperature(&w, "a", 40);
    pass(&w, 12000);
    assert_int_equal(firing(&w), 1);

    fleet_forget(w.feed.fleet, fleet_find(w.feed.fleet, "a"));
    pass(&w, 2000);

    assert_int_equal(firing(&w), 0);
    close_world(&w);
}

static void a_silence_that_outlives_its_device_ends_without_it(void **state)
{
    struct world w;
    struct err err;
    uint32_t sum = 0;
    (void)state;
    open_world(&w, &hot, 1);
    struct alert_silence s = {
        .id = 1, .rule = "hot", .who = "alice", .until_ms = w.feed.now_ms + 30000
    };
    assert_int_equal(alerts_set_silences(w.alerts, &s, 1, w.feed.now_ms, &err), 0);
    temperature(&w, "a", 40);
    pass(&w, 12000);
    assert_true(first(&w)->silenced);

    fleet_forget(w.feed.fleet, fleet_find(w.feed.fleet, "a"));
    w.feed.now_ms = s.until_ms; /* before the alerts have come by */
    alerts_tick(w.alerts, w.feed.now_ms);

    for (int i = 0; i < FLEET_STATES; i++)
        sum += fleet_count_state(w.feed.fleet, (enum fleet_state)i);
    assert_int_equal(sum, fleet_count(w.feed.fleet));
    close_world(&w);
}

static void more_alerts_than_there_is_room_for_are_counted(void **state)
{
    const struct alert_rule rule = {
        .name = "any", .kind = ALERT_WHEN, .level = ALERT_INFO, .when = "temp>30"
    };
    struct world w;
    (void)state;
    open_world(&w, &rule, 1);

    for (int i = 0; i < ALERT_ACTIVE_MAX + 10; i++) {
        char id[32];
        snprintf(id, sizeof(id), "d%d", i);
        temperature(&w, id, 31);
    }
    pass(&w, 3000);

    assert_int_equal(firing(&w), ALERT_ACTIVE_MAX);
    assert_true(alerts_dropped(w.alerts) >= 10);
    close_world(&w);
}

static void a_rule_gives_the_plot_its_limit_in_the_canonical_unit(void **state)
{
    const struct alert_rule rule = {
        .name = "low", .kind = ALERT_WHEN, .level = ALERT_WARN, .when = "pressure<980 and temp>5"
    };
    struct world w;
    struct alert_limit limit[4];
    (void)state;
    open_world(&w, &rule, 1);
    feed_say(&w.feed, "devices/a/telemetry/env", "{\"pressure\":101325}");

    const struct fleet_device *d = feed_device(&w.feed, "a");
    uint32_t pressure = fleet_reading_find(w.feed.fleet, "pressure");
    assert_int_equal(alerts_limits(w.alerts, d, pressure, w.feed.now_ms, limit, 4), 1);
    assert_false(limit[0].above);
    assert_int_equal((int)limit[0].value, 98000);
    close_world(&w);
}

static void a_rule_that_makes_no_sense_is_refused_with_its_name_and_key(void **state)
{
    struct alert_rule bad[] = {
        { .name = "x", .kind = ALERT_WHEN },
        { .name = "x", .kind = ALERT_WHEN, .when = "temp>>3" },
        { .name = "x", .kind = ALERT_WHEN, .when = "temp>3", .clear = "(" },
        { .name = "x", .kind = ALERT_REBOOTS, .count = 0, .within_s = 60 },
        { .name = "x", .kind = ALERT_REBOOTS, .count = ALERT_RESTARTS, .within_s = 60 },
        { .name = "x", .kind = ALERT_RATE },
        { .name = "x", .kind = ALERT_NEW, .target = "and" },
        { .name = "x", .kind = ALERT_KINDS },
        { .name = "a b", .kind = ALERT_NEW },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = { 0 };
        assert_int_equal(alert_rule_check(&bad[i], &err), -1);
        assert_non_null(strstr(err.text, bad[i].name));
    }
}

static void the_default_rules_are_good(void **state)
{
    struct alert_rule rule[ALERT_RULES];
    size_t n = alert_rules_default(rule, ALERT_RULES);
    struct err err;
    (void)state;

    assert_true(n > 4);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(alert_rule_check(&rule[i], &err), 0);
}

static void an_alert_is_told_with_its_value_and_since_when(void **state)
{
    static const struct alert_rule rule[] = {
        { .name = "hot", .kind = ALERT_WHEN, .level = ALERT_CRIT, .when = "temp>30", .for_s = 5 },
    };
    const struct alert *of[1];
    struct world w;
    char text[160];
    (void)state;
    open_world(&w, rule, 1);
    pass(&w, 12000);
    temperature(&w, "a", 31);
    pass(&w, 60000);
    temperature(&w, "a", 33.5);
    pass(&w, 60000);

    assert_int_equal(alerts_of(w.alerts, fleet_find(w.feed.fleet, "a"), of, 1), 1);
    alerts_say(w.alerts, of[0], w.feed.now_ms, text, sizeof(text));
    assert_string_equal(text, "temp>30: 33.5 °C for 1m");
    alerts_say(w.alerts, of[0], w.feed.now_ms + 86400000, text, sizeof(text));
    assert_string_equal(text, "temp>30: 33.5 °C for 1d");
    alerts_say(w.alerts, of[0], of[0]->since_ms + 59999, text, sizeof(text));
    assert_string_equal(text, "temp>30: 33.5 °C");
    alert_rule_condition(rule, text, sizeof(text));
    assert_string_equal(text, "temp>30");
    close_world(&w);
}

static void a_clock_that_is_set_back_holds_nothing_up(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, &hot, 1);
    temperature(&w, "a", 31);
    pass(&w, 5000);
    w.feed.now_ms -= 3600000;
    pass(&w, 7000);
    assert_int_equal(firing(&w), 1);
    int64_t held = first(&w)->fired_ms - first(&w)->since_ms;
    assert_in_range(held, 10000, 13000);
    temperature(&w, "a", 20);
    pass(&w, 2000);
    assert_int_equal(firing(&w), 0);
    close_world(&w);
}

static void a_silence_ends_by_the_clock_on_the_wall_also_when_it_was_set(void **state)
{
    struct world w;
    struct alert_silence s = { .id = 1, .rule = "hot" };
    struct err err;
    (void)state;
    open_world(&w, &hot, 1);
    s.until_ms = w.feed.now_ms + 60000;
    alerts_set_silences(w.alerts, &s, 1, w.feed.now_ms, &err);
    w.feed.now_ms -= 3600000;
    pass(&w, 2000);
    assert_non_null(alerts_silence(w.alerts, 0));
    w.feed.now_ms = s.until_ms;
    pass(&w, 200);
    assert_null(alerts_silence(w.alerts, 0));
    close_world(&w);
}

static void time_that_jumps_ahead_is_time_in_which_nobody_listened(void **state)
{
    struct world w;
    (void)state;
    open_world(&w, &hot, 1);
    temperature(&w, "a", 31);
    pass(&w, 5000);
    w.feed.now_ms += 3600000; /* it slept */
    pass(&w, 9000);
    assert_int_equal(firing(&w), 0);
    assert_false(alerts_ready(w.alerts));
    pass(&w, 4000); /* settled; five of ten seconds */
    assert_int_equal(firing(&w), 0);
    pass(&w, 7000);
    assert_int_equal(firing(&w), 1);
    close_world(&w);
}

static size_t unmuted(struct world *w)
{
    struct alert_event ev[8];
    size_t n = alerts_take(w->alerts, ev, 8), count = 0;
    for (size_t i = 0; i < n; i++)
        count += ev[i].kind == ALERT_UNMUTED && !ev[i].alert.silenced;
    return count;
}

static void what_still_fires_when_its_silence_ends_is_told(void **state)
{
    struct world w;
    struct alert_silence s = { .id = 1, .rule = "hot" };
    struct err err;
    (void)state;
    open_world(&w, &hot, 1);
    s.until_ms = w.feed.now_ms + 30000;
    alerts_set_silences(w.alerts, &s, 1, w.feed.now_ms, &err);
    temperature(&w, "a", 31);
    temperature(&w, "b", 31);
    pass(&w, 20000);
    assert_int_equal(firing(&w), 2);
    assert_int_equal(unmuted(&w), 0);
    alerts_ack(w.alerts, "hot", "b", "anna", w.feed.now_ms); /* somebody knows */
    pass(&w, 15000);
    assert_int_equal(unmuted(&w), 1);
    pass(&w, 15000);
    assert_int_equal(unmuted(&w), 0);

    s.until_ms = w.feed.now_ms + 3600000; /* and when it is ended by hand */
    alerts_set_silences(w.alerts, &s, 1, w.feed.now_ms, &err);
    pass(&w, 1000);
    alerts_set_silences(w.alerts, NULL, 0, w.feed.now_ms, &err);
    assert_int_equal(unmuted(&w), 1);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_is_set_back_holds_nothing_up),
        cmocka_unit_test(a_silence_ends_by_the_clock_on_the_wall_also_when_it_was_set),
        cmocka_unit_test(time_that_jumps_ahead_is_time_in_which_nobody_listened),
        cmocka_unit_test(what_still_fires_when_its_silence_ends_is_told),
        cmocka_unit_test(an_alert_is_told_with_its_value_and_since_when),
        cmocka_unit_test(a_reading_above_its_limit_for_long_enough_fires_once),
        cmocka_unit_test(it_clears_only_below_the_lower_limit),
        cmocka_unit_test(a_short_excursion_starts_the_wait_anew),
        cmocka_unit_test(a_target_keeps_a_rule_to_its_devices),
        cmocka_unit_test(nothing_fires_while_the_link_is_down_and_that_time_does_not_count),
        cmocka_unit_test(many_restarts_fire_and_are_forgotten_after_the_span),
        cmocka_unit_test(restarts_that_nobody_saw_are_counted_by_the_boot_counter),
        cmocka_unit_test(a_device_nobody_knew_is_new_until_somebody_has_seen_it),
        cmocka_unit_test(a_device_without_a_certificate_of_ours_is_named),
        cmocka_unit_test(too_many_messages_a_minute_fire),
        cmocka_unit_test(a_stopped_rollout_is_an_alert_until_it_goes_on),
        cmocka_unit_test(a_silence_hides_it_from_the_state_until_it_is_over),
        cmocka_unit_test(what_fired_before_a_restart_does_not_fire_again),
        cmocka_unit_test(one_that_fired_before_this_process_keeps_its_older_time),
        cmocka_unit_test(the_silence_an_alert_is_under_is_known),
        cmocka_unit_test(the_worst_and_newest_come_first),
        cmocka_unit_test(a_forgotten_device_takes_its_alerts_along),
        cmocka_unit_test(a_silence_that_outlives_its_device_ends_without_it),
        cmocka_unit_test(more_alerts_than_there_is_room_for_are_counted),
        cmocka_unit_test(a_rule_gives_the_plot_its_limit_in_the_canonical_unit),
        cmocka_unit_test(a_rule_that_makes_no_sense_is_refused_with_its_name_and_key),
        cmocka_unit_test(the_default_rules_are_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
