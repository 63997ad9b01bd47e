#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"

#define STATUS_FULL                                                                                \
    "{\"state\":\"online\",\"product\":\"weather\",\"hw\":\"linux\",\"fw\":\"1.3.0\","             \
    "\"slot\":\"ota_0\",\"boot\":\"00112233445566ff\",\"boots\":3,\"reset\":\"poweron\","          \
    "\"release_seq\":7,\"security\":1,\"keyset\":2,\"groups\":[\"berlin\",\"outdoor\"],"           \
    "\"agent\":1,\"interval\":10}"

static int setup(void **state)
{
    static struct feed feed;
    feed_open(&feed, NULL);
    *state = &feed;
    return 0;
}

static int teardown(void **state)
{
    struct feed *f = *state;
    fleet_free(f->fleet);
    return 0;
}

static void a_status_makes_a_device_with_its_facts(void **state)
{
    struct feed *f = *state;
    feed_say(f, "devices/a/status", STATUS_FULL);

    const struct fleet_device *d = feed_device(f, "a");
    struct device_status s;
    assert_non_null(d);
    fleet_status(f->fleet, d, &s);
    assert_string_equal(s.fw, "1.3.0");
    assert_string_equal(s.product, "weather");
    assert_int_equal(s.group_count, 2);
    assert_string_equal(s.groups[1], "outdoor");
    assert_int_equal(s.boots, 3);
    assert_int_equal(s.interval, 10);
    assert_int_equal(d->state, FLEET_OK);
    assert_int_equal(fleet_count_state(f->fleet, FLEET_OK), 1);
}

static void a_last_will_turns_a_device_offline_and_keeps_its_facts(void **state)
{
    struct feed *f = *state;
    feed_say(f, "devices/a/status", STATUS_FULL);
    f->now_ms += 5000;
    feed_say(f, "devices/a/status", "{\"state\":\"offline\",\"boot\":\"00112233445566ff\"}");

    const struct fleet_device *d = feed_device(f, "a");
    char why[96];
    assert_int_equal(d->state, FLEET_OFFLINE);
    assert_string_equal(fleet_word(f->fleet, d->fw), "1.3.0");
    assert_int_equal(d->group_count, 2);
    assert_int_equal(d->boots, 3);
    /* The will is the broker's word, not the device's. */
    assert_int_equal(fleet_age_ms(f->fleet, d, f->now_ms), 5000);
    assert_int_equal(feed_last_note(f)->kind, FLEET_NOTE_OFFLINE);
    fleet_why(f->fleet, d, f->now_ms + 7000, why, sizeof(why));
    assert_string_equal(why, "offline for 7s");
}

static void bare_words_are_a_status_too(void **state)
{
    struct feed *f = *state;
    feed_say(f, "devices/x/status", "online");
    assert_int_equal(feed_device(f, "x")->state, FLEET_OK);
    feed_say(f, "devices/x/status", "offline");
    assert_int_equal(feed_device(f, "x")->state, FLEET_OFFLINE);
}

static void silence_of_three_intervals_is_stale_and_a_word_ends_it(void **state)
{
    struct feed *f = *state;
    feed_say(f, "devices/a/status", STATUS_FULL);

    feed_wait(f, 29000);
    assert_int_equal(feed_device(f, "a")->state, FLEET_OK);
    feed_wait(f, 2000);
    assert_int_equal(feed_device(f, "a")->state, FLEET_STALE);
    assert_int_equal(feed_last_note(f)->kind, FLEET_NOTE_STALE);
    assert_int_equal(fleet_count_state(f->fleet, FLEET_STALE), 1);

    feed_wait(f, 10000);
    feed_say(f, "devices/a/telemetry/env", "{\"temp\":20}");
    assert_int_equal(feed_device(f, "a")->state, FLEET_OK);
    assert_int_equal(feed_last_note(f)->kind, FLEET_NOTE_ONLINE);
}

static void an_interval_nobody_declared_is_learned(void **state)
{
    struct feed *f = *state;
    for (int i = 0; i < 20; i++) {
        feed_say(f, "devices/x/telemetry/env", "{\"temp\":20}");
        feed_say(f, "devices/x/telemetry/air", "{\"co2\":400}"); /* same beat */
        f->now_ms += 4000;
    }
    uint32_t interval = feed_device(f, "x")->interval_ms;
    assert_in_range(interval, 3500, 4500);

    feed_wait(f, 14000);
    assert_int_equal(feed_device(f, "x")->state, FLEET_STALE);
}

static void while_the_link_is_down_nobody_grows_stale_and_ages_stand_still(void **state)
{
    struct feed *f = *state;
    feed_say(f, "devices/a/status", STATUS_FULL);
    f->now_ms += 4000;
    feed_event(f, FLEET_EV_LINK_DOWN, "keep-alive timeout");

    feed_wait(f, 600000);
    assert_int_equal(feed_device(f, "a")->state, FLEET_OK);
    assert_int_equal(fleet_age_ms(f->fleet, feed_device(f, "a"), f->now_ms), 4000);
    assert_string_equal(fleet_link(f->fleet)->reason, "keep-alive timeout");

    /* The retained picture comes before the link counts as up. */
    feed_retained(f, "devices/a/status", STATUS_FULL);
    assert_int_equal(feed_device(f, "a")->state, FLEET_OK);

    /* Back: each gets its three intervals anew. */
    feed_event(f, FLEET_EV_LINK_UP, NULL);
    feed_wait(f, 20000);
    assert_int_equal(feed_device(f, "a")->state, FLEET_OK);
    feed_wait(f, 12000);
    assert_int_equal(feed_device(f, "a")->state, FLEET_STALE);
}

static void the_retained_picture_is_no_sign_of_life(void **state)
{
    struct feed *f = *state;
    uint64_t first, last, after;
    fleet_note_range(f->fleet, &first, &last);
    feed_retained(f, "devices/a/status", STATUS_FULL);
    feed_retained(f, "devices/b/status", "{\"state\":\"offline\"}");

    assert_int_equal(fleet_age_ms(f->fleet, feed_device(f, "a"), f->now_ms), -1);
    assert_int_equal(feed_device(f, "a")->state, FLEET_OK);
    assert_int_equal(feed_device(f, "b")->state, FLEET_OFFLINE);
    assert_int_equal(feed_device(f, "a")->messages, 0);
    fleet_note_range(f->fleet, &first, &after);
    assert_int_equal(after, last); /* how it was found is no news */
}

static void readings_are_kept_under_their_canonical_names(void **state)
{
    struct feed *f = *state;
    feed_say(f, "devices/x/telemetry/environment",
             "{\"device\":\"x\",\"temp\":22.5,\"hum\":55.0,\"uptime\":123}");

    const struct fleet_device *d = feed_device(f, "x");
    uint32_t temperature = fleet_reading_find(f->fleet, "temp");
    assert_int_not_equal(temperature, FLEET_NONE);
    assert_string_equal(fleet_reading(f->fleet, temperature)->name, "temperature");
    assert_true(fleet_value(d, temperature)->value == 22.5);
    assert_true(fleet_value(d, fleet_reading_find(f->fleet, "humidity"))->value == 55.0);
    assert_int_equal(fleet_reading(f->fleet, temperature)->devices, 1);
    assert_null(fleet_value(d, fleet_reading_find(f->fleet, "co2")));
}

static double value_named(const struct feed *f, const char *id, const char *name)
{
    const struct fleet_value *v =
        fleet_value(feed_device(f, id), fleet_reading_find(f->fleet, name));
    assert_non_null(v);
    return v->value;
}

static void readings_find_their_places_in_any_order(void **state)
{
    struct feed *f = *state;

    feed_say(f, "devices/a/telemetry/env", "{\"co2\":1,\"humidity\":2,\"pressure\":3}");
    feed_say(f, "devices/a/telemetry/env", "{\"pressure\":30,\"co2\":10,\"humidity\":20}");
    feed_say(f, "devices/a/telemetry/net", "{\"rssi\":-4,\"humidity\":21}");
    feed_say(f, "devices/b/telemetry/net", "{\"rssi\":-5,\"co2\":6,\"tempo\":7}");
    assert_true(value_named(f, "a", "co2") == 10);
    assert_true(value_named(f, "a", "humidity") == 21);
    assert_true(value_named(f, "a", "pressure") == 30);
    assert_true(value_named(f, "a", "rssi") == -4);
    assert_int_equal(feed_device(f, "a")->value_count, 4);
    assert_true(value_named(f, "b", "rssi") == -5);
    assert_true(value_named(f, "b", "co2") == 6);
    assert_true(value_named(f, "b", "tempo") == 7);
    assert_int_equal(feed_device(f, "b")->value_count, 3);
}

static void a_late_reading_does_not_replace_a_newer_one(void **state)
{
    struct feed *f = *state;
    char body[96];
    feed_say(f, "devices/x/telemetry/env", "{\"temp\":20}");
    snprintf(body, sizeof(body), "{\"ts\":%lld,\"temp\":10}", (long long)f->now_ms / 1000 - 600);
    feed_say(f, "devices/x/telemetry/env", body);

    const struct fleet_device *d = feed_device(f, "x");
    assert_true(fleet_value(d, fleet_reading_find(f->fleet, "temp"))->value == 20);
    assert_int_equal(fleet_age_ms(f->fleet, d, f->now_ms), 0);
}

static void an_unreadable_message_warns_until_a_good_one_comes(void **state)
{
    struct feed *f = *state;
    struct fleet_counters c;
    feed_say(f, "devices/x/telemetry/env", "{\"temp\":20}");
    feed_say(f, "devices/x/telemetry/env", "\x01\x02\xff");
    assert_int_equal(feed_device(f, "x")->state, FLEET_WARN);
    fleet_counters(f->fleet, f->now_ms, &c);
    assert_int_equal(c.undecodable, 1);

    feed_say(f, "devices/x/telemetry/env", "{\"temp\":21}");
    assert_int_equal(feed_device(f, "x")->state, FLEET_OK);
}

static const char *report(char *body, size_t cap, const char *word, const char *reason, unsigned n)
{
    snprintf(body, cap,
             "{\"rollout\":\"r-1\",\"attempt\":1,\"state\":\"%s\",\"reason\":\"%s\","
             "\"from\":\"1.3.0\",\"to\":\"1.4.0\",\"got\":50,\"size\":200,\"n\":%u,"
             "\"ts\":1790000100,\"detail\":\"bus says 0x61\"}",
             word, reason, n);
    return body;
}

static void an_update_is_followed_to_its_end(void **state)
{
    struct feed *f = *state;
    char body[400], why[96];
    feed_say(f, "devices/a/status", STATUS_FULL);

    feed_say(f, "devices/a/ota/report", report(body, sizeof(body), "downloading", "none", 1));
    const struct fleet_device *d = feed_device(f, "a");
    assert_int_equal(d->state, FLEET_UPDATING);
    fleet_why(f->fleet, d, f->now_ms, why, sizeof(why));
    assert_string_equal(why, "downloading 1.4.0, 25 %");
    assert_string_equal(fleet_target(f->fleet, d), "1.4.0");

    feed_say(f, "devices/a/ota/report", report(body, sizeof(body), "rolled_back", "self_test", 2));
    assert_int_equal(d->state, FLEET_WARN);
    fleet_why(f->fleet, d, f->now_ms, why, sizeof(why));
    assert_string_equal(why, "update rolled_back: new firmware failed its self-test");
    assert_int_equal(d->ota->update_count, 1);
    assert_int_equal(d->ota->update[0].reason, REASON_SELF_TEST);

    struct ota_report r;
    assert_true(fleet_report(f->fleet, d, &r));
    assert_string_equal(r.detail, "bus says 0x61");

    /* The broker repeats it after a reconnect: nothing new. */
    feed_retained(f, "devices/a/ota/report", body);
    assert_int_equal(d->ota->update_count, 1);
}

static void a_restart_within_an_update_is_updating_but_not_for_ever(void **state)
{
    struct feed *f = *state;
    char body[400];
    feed_say(f, "devices/a/status", STATUS_FULL);
    feed_say(f, "devices/a/ota/report", report(body, sizeof(body), "rebooting", "none", 3));
    feed_say(f, "devices/a/status", "{\"state\":\"offline\"}");

    feed_wait(f, FLEET_REBOOT_GRACE_MS - 1000);
    assert_int_equal(feed_device(f, "a")->state, FLEET_UPDATING);
    feed_wait(f, 2000);
    assert_int_equal(feed_device(f, "a")->state, FLEET_OFFLINE);
}

static void a_device_lost_while_it_downloads_is_offline(void **state)
{
    struct feed *f = *state;
    char body[400];
    feed_say(f, "devices/a/status", STATUS_FULL);
    feed_say(f, "devices/a/ota/report", report(body, sizeof(body), "downloading", "none", 3));
    feed_say(f, "devices/a/status", "{\"state\":\"offline\"}");
    assert_int_equal(feed_device(f, "a")->state, FLEET_OFFLINE);
}

static void a_restart_is_told_with_its_cause_and_a_crash_warns_for_an_hour(void **state)
{
    struct feed *f = *state;
    feed_say(f, "devices/a/status", STATUS_FULL);
    feed_say(f, "devices/a/status",
             "{\"state\":\"online\",\"fw\":\"1.3.0\",\"boot\":\"ff\",\"boots\":4,"
             "\"reset\":\"panic\",\"interval\":3600}");

    const struct fleet_device *d = feed_device(f, "a");
    assert_int_equal(d->state, FLEET_WARN);
    feed_wait(f, 3601000);
    assert_int_equal(d->state, FLEET_OK);
}

static void an_expired_certificate_is_critical(void **state)
{
    struct feed *f = *state;
    feed_say(f, "devices/a/status",
             "{\"state\":\"online\",\"fw\":\"1\",\"cert_not_after\":1780000000}");
    assert_int_equal(feed_device(f, "a")->state, FLEET_CRIT);
    assert_int_equal(fleet_alerts(feed_device(f, "a")), 1);
}

static void a_flat_topic_is_mapped_by_a_tag_in_line_or_json(void **state)
{
    struct fleet_source source;
    struct feed f;
    (void)state;
    assert_int_equal(fleet_source_parse("seed", "sensors", "tag:location", &source, NULL), 0);
    struct fleet_config config = { .root = "devices", .source = &source, .source_count = 1 };
    feed_open(&f, &config);

    feed_say(&f, "sensors",
             "weather,location=outdoor,firmware=0.1.3 temperature=21.53,humidity=44.10");
    feed_say(&f, "sensors", "{\"location\": \"attic room\", \"temperature\": \"19.5\"}");
    feed_say(&f, "other", "{\"temperature\": 1}");

    const struct fleet_device *d = feed_device(&f, "outdoor");
    assert_non_null(d);
    assert_string_equal(fleet_word(f.fleet, d->fw), "0.1.3");
    assert_int_equal(d->source, 1);
    assert_non_null(feed_device(&f, "attic-room"));
    struct fleet_counters c;
    fleet_counters(f.fleet, f.now_ms, &c);
    assert_int_equal(c.foreign, 1);
    fleet_free(f.fleet);
}

static void a_foreign_body_can_not_speak_for_a_device(void **state)
{
    struct fleet_source source;
    struct feed f;
    (void)state;
    assert_int_equal(fleet_source_parse("seed", "sensors", "json:device", &source, NULL), 0);
    struct fleet_config config = { .root = "devices", .source = &source, .source_count = 1 };
    feed_open(&f, &config);
    feed_say(&f, "devices/pump/telemetry/env", "{\"temp\":20}");
    f.now_ms += 1000;
    feed_say(&f, "sensors", "{\"device\":\"pump\",\"temp\":99}");

    struct fleet_counters c;
    fleet_counters(f.fleet, f.now_ms, &c);
    assert_int_equal(c.conflicts, 1);
    assert_true(fleet_value(feed_device(&f, "pump"), 0)->value == 20);
    assert_int_equal(fleet_age_ms(f.fleet, feed_device(&f, "pump"), f.now_ms), 1000);
    fleet_free(f.fleet);
}

static void a_full_table_refuses_and_counts(void **state)
{
    struct fleet_config config = { .root = "devices", .max_devices = 3 };
    struct feed f;
    char topic[64];
    (void)state;
    feed_open(&f, &config);
    for (int i = 0; i < 5; i++) {
        snprintf(topic, sizeof(topic), "devices/d%d/status", i);
        feed_say(&f, topic, "online");
    }
    struct fleet_counters c;
    fleet_counters(f.fleet, f.now_ms, &c);
    assert_int_equal(fleet_count(f.fleet), 3);
    assert_int_equal(c.refused, 2);

    feed_say(&f, "devices/d1/status", ""); /* cleared: there is room again */
    feed_say(&f, "devices/d4/status", "online");
    assert_null(feed_device(&f, "d1"));
    assert_non_null(feed_device(&f, "d4"));
    fleet_free(f.fleet);
}

static void forgetting_leaves_all_others_findable(void **state)
{
    struct feed *f = *state;
    char topic[64], id[16];
    for (int i = 0; i < 5000; i++) {
        snprintf(topic, sizeof(topic), "devices/d%d/status", i);
        feed_retained(f, topic, "online");
    }
    for (int i = 0; i < 5000; i += 3) {
        snprintf(id, sizeof(id), "d%d", i);
        fleet_forget(f->fleet, fleet_find(f->fleet, id));
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(id, sizeof(id), "d%d", i);
        const struct fleet_device *d = feed_device(f, id);
        if (i % 3 == 0)
            assert_null(d);
        else
            assert_string_equal(d->id, id);
    }
    assert_int_equal(fleet_count(f->fleet), fleet_count_state(f->fleet, FLEET_OK));
}

static void changed_devices_are_told_once(void **state)
{
    struct feed *f = *state;
    uint32_t out[8];
    feed_say(f, "devices/a/status", "online");
    feed_say(f, "devices/b/status", "online");
    feed_say(f, "devices/a/telemetry/e", "{\"t\":1}");
    assert_int_equal(fleet_take_dirty(f->fleet, out, 8), 2);
    assert_int_equal(fleet_take_dirty(f->fleet, out, 8), 0);
    feed_say(f, "devices/b/telemetry/e", "{\"t\":1}");
    fleet_forget(f->fleet, fleet_find(f->fleet, "b"));
    feed_say(f, "devices/c/status", "online"); /* takes b's place in the table */
    assert_int_equal(fleet_take_dirty(f->fleet, out, 8), 1);
    assert_int_equal(out[0], fleet_find(f->fleet, "c"));
}

static void a_watched_device_has_a_clean_bounded_tail(void **state)
{
    struct feed *f = *state;
    uint64_t first, last;
    char body[64];
    assert_int_equal(fleet_watch(f->fleet, "a"), 0); /* before it is known */
    feed_say(f, "devices/a/telemetry/env", "{\"x\":\"\x1b[2J\"}");
    feed_say(f, "devices/b/log", "info not mine");

    fleet_tail_range(f->fleet, "a", &first, &last);
    assert_int_equal(last, 1);
    const struct fleet_tail_line *line = fleet_tail(f->fleet, "a", 1);
    assert_string_equal(line->topic, "telemetry/env");
    assert_null(strchr(line->body, 0x1b));

    for (int i = 0; i < FLEET_TAIL_LINES + 10; i++) {
        snprintf(body, sizeof(body), "info line %d", i);
        feed_say(f, "devices/a/log", body);
    }
    fleet_tail_range(f->fleet, "a", &first, &last);
    assert_int_equal(last - first + 1, FLEET_TAIL_LINES);
    assert_null(fleet_tail(f->fleet, "a", first - 1));
    assert_string_equal(fleet_tail(f->fleet, "a", last)->body, "info line 521");
    fleet_unwatch(f->fleet, "a");
    assert_null(fleet_tail(f->fleet, "a", last));
}

static void warnings_of_devices_are_among_the_events(void **state)
{
    struct feed *f = *state;
    feed_say(f, "devices/a/log", "info all well");
    assert_true(!feed_last_note(f) || feed_last_note(f)->kind != FLEET_NOTE_LOG);
    feed_say(f, "devices/a/log", "warn sensor 0x76 \x1b[31m is gone");
    assert_int_equal(feed_last_note(f)->kind, FLEET_NOTE_LOG);
    assert_string_equal(feed_last_note(f)->text, "warn sensor 0x76 ?[31m is gone");
}

static void a_reply_is_told(void **state)
{
    struct feed *f = *state;
    feed_say(f, "devices/a/reply/config",
             "{\"verb\":\"config\",\"seq\":4,\"ok\":false,\"reason\":\"bad_config\"}");
    assert_int_equal(feed_last_note(f)->kind, FLEET_NOTE_REPLY);
    assert_non_null(strstr(feed_last_note(f)->text, "config refused"));
}

static void what_the_broker_dropped_is_counted_from_the_connection_on(void **state)
{
    struct feed *f = *state;
    struct fleet_counters c;
    feed_retained(f, "$SYS/broker/publish/messages/dropped", "1000");
    feed_say(f, "$SYS/broker/publish/messages/dropped", "1007");
    fleet_counters(f->fleet, f->now_ms, &c);
    assert_int_equal(c.broker_dropped, 7);
}

static void what_the_broker_says_or_has_kept_is_not_the_fleets_rate(void **state)
{
    struct feed *f = *state;
    struct fleet_counters c;
    feed_retained(f, "devices/a/status", "{\"state\":\"online\"}");
    feed_say(f, "$SYS/broker/publish/messages/dropped", "1000");
    fleet_counters(f->fleet, f->now_ms + 1000, &c);
    assert_true(c.per_second == 0);
}

static void rates_are_told_by_the_second_and_by_the_minute(void **state)
{
    struct feed *f = *state;
    struct fleet_counters c;
    for (int i = 0; i < 1200; i++) {
        feed_say(f, "devices/a/telemetry/e", "{\"t\":1}");
        f->now_ms += 100;
    }
    fleet_counters(f->fleet, f->now_ms, &c);
    assert_true(c.per_second > 9.5 && c.per_second < 10.5);
    double rate = fleet_rate(feed_device(f, "a"), f->now_ms);
    assert_true(rate > 550 && rate < 650);
    fleet_counters(f->fleet, f->now_ms + 100000, &c);
    assert_true(c.per_second == 0);
}

static void a_fleet_that_speaks_in_step_has_one_rate(void **state)
{
    struct feed *f = *state;
    struct fleet_counters c;
    for (int second = 0; second < 60; second++) {
        for (int i = 0; i < 12 && second % 5 == 0; i++)
            feed_say(f, "devices/a/telemetry/e", "{\"t\":1}");
        f->now_ms += 1000;
        fleet_counters(f->fleet, f->now_ms, &c);
        if (second >= 10)
            assert_true(c.per_second > 2.39 && c.per_second < 2.41);
    }
}

static void a_rate_is_told_once_a_minute_has_been_listened(void **state)
{
    struct feed *f = *state;
    feed_event(f, FLEET_EV_LINK_DOWN, "gone");
    feed_event(f, FLEET_EV_LINK_UP, NULL);
    for (int i = 0; i < 100; i++) {
        feed_say(f, "devices/a/telemetry/e", "{\"t\":1}");
        f->now_ms += 1000;
        double rate = fleet_rate_heard(f->fleet, feed_device(f, "a"), f->now_ms);
        assert_true(i < 59 ? rate < 0 : rate > 55 && rate < 65);
    }
    feed_event(f, FLEET_EV_LINK_DOWN, "gone");
    assert_true(fleet_rate_heard(f->fleet, feed_device(f, "a"), f->now_ms + 200000) < 0);
}

static void many_names_of_readings_are_bounded(void **state)
{
    struct feed *f = *state;
    char body[64];
    struct fleet_counters c;
    for (int i = 0; i < FLEET_MAX_READINGS + 100; i++) {
        char topic[64];
        snprintf(topic, sizeof(topic), "devices/d%d/telemetry/e", i);
        snprintf(body, sizeof(body), "{\"name%d\":1}", i);
        feed_say(f, topic, body);
    }
    fleet_counters(f->fleet, f->now_ms, &c);
    assert_int_equal(fleet_reading_count(f->fleet), FLEET_MAX_READINGS);
    assert_int_equal(c.dropped, 100);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_status_makes_a_device_with_its_facts),
        T(a_last_will_turns_a_device_offline_and_keeps_its_facts),
        T(bare_words_are_a_status_too),
        T(silence_of_three_intervals_is_stale_and_a_word_ends_it),
        T(an_interval_nobody_declared_is_learned),
        T(while_the_link_is_down_nobody_grows_stale_and_ages_stand_still),
        T(the_retained_picture_is_no_sign_of_life),
        T(readings_are_kept_under_their_canonical_names),
        T(readings_find_their_places_in_any_order),
        T(a_late_reading_does_not_replace_a_newer_one),
        T(an_unreadable_message_warns_until_a_good_one_comes),
        T(an_update_is_followed_to_its_end),
        T(a_restart_within_an_update_is_updating_but_not_for_ever),
        T(a_device_lost_while_it_downloads_is_offline),
        T(a_restart_is_told_with_its_cause_and_a_crash_warns_for_an_hour),
        T(an_expired_certificate_is_critical),
        cmocka_unit_test(a_flat_topic_is_mapped_by_a_tag_in_line_or_json),
        cmocka_unit_test(a_foreign_body_can_not_speak_for_a_device),
        cmocka_unit_test(a_full_table_refuses_and_counts),
        T(forgetting_leaves_all_others_findable),
        T(changed_devices_are_told_once),
        T(a_watched_device_has_a_clean_bounded_tail),
        T(warnings_of_devices_are_among_the_events),
        T(a_reply_is_told),
        T(what_the_broker_dropped_is_counted_from_the_connection_on),
        T(what_the_broker_says_or_has_kept_is_not_the_fleets_rate),
        T(rates_are_told_by_the_second_and_by_the_minute),
        T(a_fleet_that_speaks_in_step_has_one_rate),
        T(a_rate_is_told_once_a_minute_has_been_listened),
        T(many_names_of_readings_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
