#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"
#include "protocol/reading.h"
#include "fleet/history.h"

/* What others remember, and what others are told. */

static void say_temp(struct feed *f, const char *id, double value)
{
    char topic[64], body[64];
    snprintf(topic, sizeof(topic), "devices/%s/telemetry/env", id);
    snprintf(body, sizeof(body), "{\"temp\":%.3f}", value);
    feed_say(f, topic, body);
}

static const char *kinds(const struct fleet_point *p, uint32_t count)
{
    static char out[256];
    for (uint32_t i = 0; i < count; i++)
        out[i] = ".v-"[p[i].kind];
    out[count] = '\0';
    return out;
}

/* A piece a minute for `count` minutes, ending `end_ms`. */
static struct fleet_past minutes(struct fleet_sample *out, size_t count, int64_t end_ms,
                                 float value)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (struct fleet_sample){ end_ms - (int64_t)(count - i) * 60000 + 30000, 1, value,
                                        value, value };
    return (struct fleet_past){ out, count, 60000 };
}

static uint32_t series(struct feed *f, const struct fleet_past *past, int64_t span_ms,
                       uint32_t columns, struct fleet_point *out, struct fleet_series_stats *stats)
{
    return fleet_series_past(f->fleet, feed_device(f, "a"), fleet_reading_find(f->fleet, "temp"),
                             past, f->now_ms - span_ms, f->now_ms, out, columns, stats);
}

static void what_a_store_remembers_comes_before_what_was_heard(void **state)
{
    struct feed f;
    struct fleet_sample sample[20];
    struct fleet_point p[30];
    struct fleet_series_stats stats;
    (void)state;
    feed_open(&f, NULL);
    struct fleet_past past = minutes(sample, 20, f.now_ms, 5);
    for (int i = 0; i < 10; i++, f.now_ms += 60000)
        say_temp(&f, "a", 7);

    series(&f, &past, 30 * 60000, 30, p, &stats);

    assert_string_equal(kinds(p, 30), "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvv");
    assert_true(p[0].avg == 5 && p[19].avg == 5 && p[20].avg == 7 && p[29].avg == 7);
    assert_true(stats.now == 7 && stats.min == 5 && stats.max == 7);
    assert_int_equal(stats.first_ms, f.now_ms - 30 * 60000 + 30000);
    fleet_free(f.fleet);
}

static void a_silence_between_the_two_stays_a_gap(void **state)
{
    struct feed f;
    struct fleet_sample sample[10];
    struct fleet_point p[30];
    (void)state;
    feed_open(&f, NULL);
    struct fleet_past past = minutes(sample, 10, f.now_ms - 10 * 60000, 5);
    for (int i = 0; i < 10; i++, f.now_ms += 60000)
        say_temp(&f, "a", 7);

    series(&f, &past, 30 * 60000, 30, p, NULL);

    assert_string_equal(kinds(p, 30), "vvvvvvvvvv..........vvvvvvvvvv");
    fleet_free(f.fleet);
}

static void where_both_know_it_is_the_fleets_own(void **state)
{
    struct feed f;
    struct fleet_sample sample[20];
    struct fleet_point p[20];
    struct fleet_series_stats stats;
    (void)state;
    feed_open(&f, NULL);
    struct fleet_past past = minutes(sample, 20, f.now_ms + 10 * 60000, 5);
    for (int i = 0; i < 10; i++, f.now_ms += 60000)
        say_temp(&f, "a", 7);

    series(&f, &past, 20 * 60000, 20, p, &stats);

    for (int i = 0; i < 20; i++)
        assert_true(p[i].avg == (i < 10 ? 5 : 7));
    fleet_free(f.fleet);
}

static void a_device_that_is_only_remembered_has_a_past(void **state)
{
    struct feed f;
    struct fleet_sample sample[20];
    struct fleet_point p[20];
    struct reading r = { .name = "temperature", .value = 5 };
    uint32_t t = FEED_START_MS / 1000;
    (void)state;
    feed_open(&f, NULL);
    struct fleet_past past = minutes(sample, 20, f.now_ms, 5);
    fleet_recall(f.fleet, "a", FEED_START_MS, 60000, NULL, &r, &t, 1);

    assert_int_equal(series(&f, &past, 20 * 60000, 20, p, NULL), 20);
    assert_int_equal(series(&f, NULL, 20 * 60000, 20, p, NULL), 0);
    fleet_free(f.fleet);
}

/* What the fleet itself has thrown away, days later, the store still has. */
/* Written while the machine's clock was years ahead, before it was set. */
static void last_words_of_the_future_do_not_silence_the_present(void **state)
{
    struct feed f;
    struct reading r = { .name = "temperature", .value = 5 };
    uint32_t t = (uint32_t)(FEED_START_MS / 1000) + 10 * 365 * 86400;
    (void)state;
    feed_open(&f, NULL);

    fleet_recall(f.fleet, "a", (int64_t)t * 1000, 60000, NULL, &r, &t, 1);
    assert_int_equal(feed_device(&f, "a")->last_ms, 0);
    assert_int_equal(feed_device(&f, "a")->value[0].t, 0);
    assert_true(feed_device(&f, "a")->value[0].value == 5); /* better than nothing */

    say_temp(&f, "a", 7);
    assert_true(feed_device(&f, "a")->value[0].value == 7);
    assert_int_equal(feed_device(&f, "a")->last_ms, f.now_ms);
    fleet_free(f.fleet);
}

static void beyond_what_memory_holds_the_store_is_asked(void **state)
{
    struct feed f;
    static struct fleet_sample sample[10 * 96];
    struct fleet_point p[10];
    (void)state;
    feed_open(&f, NULL);
    int64_t begin = f.now_ms;
    for (int i = 0; i < 10 * 96 * 15; i++, f.now_ms += 60000)
        say_temp(&f, "a", 7);
    for (int i = 0; i < 10 * 96; i++)
        sample[i] = (struct fleet_sample){ begin + i * INT64_C(900000) + 450000, 15, 5, 5, 5 };
    struct fleet_past past = { sample, 10 * 96, 900000 };

    assert_int_equal(series(&f, &past, 10 * INT64_C(86400000), 10, p, NULL), 10);
    for (int i = 0; i < 10; i++)
        assert_true(i < 8 ? p[i].avg == 5 : p[i].avg > 6);
    fleet_free(f.fleet);
}

static void a_trend_takes_what_is_remembered_where_nothing_was_heard(void **state)
{
    struct feed f;
    struct fleet_point p[FLEET_TREND];
    (void)state;
    feed_open(&f, NULL);
    for (int i = 0; i < 10; i++, f.now_ms += 60000)
        say_temp(&f, "a", 7);
    f.now_ms -= 60000;
    for (int i = 0; i < 25; i++)
        fleet_recall_trend(f.fleet, "a", "temperature", f.now_ms - i * 60000, 5);
    fleet_recall_trend(f.fleet, "a", "humidity", f.now_ms, 1);
    fleet_recall_trend(f.fleet, "nobody", "temperature", f.now_ms, 1);

    fleet_trend(f.fleet, feed_device(&f, "a"), f.now_ms, p);

    assert_true(p[FLEET_TREND - 1].avg == 7 && p[FLEET_TREND - 3].avg == 7);
    assert_true(p[FLEET_TREND - 40].avg == 5);
    assert_int_equal(p[0].kind, FLEET_POINT_NONE);
    int filled = 0;
    for (int i = 0; i < FLEET_TREND; i++)
        filled += p[i].kind == FLEET_POINT_SAMPLE;
    assert_in_range(filled, 49, 50);
    fleet_free(f.fleet);
}

struct heard {
    char text[400];
};

static void hear(void *ctx, const struct fleet_device *d, uint32_t reading, int64_t t_ms,
                 double value)
{
    struct heard *h = ctx;
    size_t used = strlen(h->text);
    snprintf(h->text + used, sizeof(h->text) - used, "%s/%u=%.1f@%lld ", d->id, reading, value,
             (long long)((t_ms - FEED_START_MS) / 1000));
}

static void a_listener_hears_each_value_with_its_time(void **state)
{
    struct feed f;
    struct heard h = { "" };
    char body[96];
    (void)state;
    feed_open(&f, NULL);
    fleet_listen(f.fleet, hear, &h);
    feed_say(&f, "devices/a/telemetry/env", "{\"temp\":20,\"hum\":50}");
    snprintf(body, sizeof(body), "{\"temp\":21,\"ts\":%lld}", (long long)FEED_START_MS / 1000 + 10);
    feed_say(&f, "devices/b/telemetry/env", body);
    feed_say(&f, "devices/b/telemetry/env", "nonsense");
    fleet_listen(f.fleet, NULL, NULL);
    feed_say(&f, "devices/a/telemetry/env", "{\"temp\":22}");

    assert_string_equal(h.text, "a/0=20.0@60 a/1=50.0@60 b/0=21.0@10 ");
    fleet_free(f.fleet);
}

static void answers_are_kept_with_their_arrival(void **state)
{
    struct feed f;
    uint64_t first, last;
    (void)state;
    feed_open(&f, NULL);
    feed_say(&f, "devices/a/reply/reboot", "{\"verb\":\"reboot\",\"seq\":7,\"ok\":true}");
    f.now_ms += 1000;
    feed_say(&f, "devices/a/reply/config",
             "{\"verb\":\"config\",\"seq\":8,\"ok\":false,\"reason\":\"expired\"}");
    feed_say(&f, "devices/a/reply/config", "{");

    fleet_reply_range(f.fleet, &first, &last);
    assert_int_equal(first, 1);
    assert_int_equal(last, 2);
    assert_string_equal(fleet_reply(f.fleet, 1)->id, "a");
    assert_int_equal(fleet_reply(f.fleet, 1)->reply.seq, 7);
    assert_int_equal(fleet_reply(f.fleet, 2)->reply.reason, REASON_EXPIRED);
    assert_int_equal(fleet_reply(f.fleet, 2)->t_ms, f.now_ms);
    assert_null(fleet_reply(f.fleet, 3));
    for (int i = 0; i < 2 * FLEET_REPLIES; i++)
        feed_say(&f, "devices/a/reply/reboot", "{\"verb\":\"reboot\",\"seq\":9,\"ok\":true}");
    fleet_reply_range(f.fleet, &first, &last);
    assert_int_equal(last - first + 1, FLEET_REPLIES);
    assert_null(fleet_reply(f.fleet, 1));
    fleet_free(f.fleet);
}

static void a_watched_message_is_kept_as_it_came(void **state)
{
    struct feed f;
    static const uint8_t body[] = { 0x1b, '[', '2', 'J', 0, 0xff };
    (void)state;
    feed_open(&f, NULL);
    fleet_watch(f.fleet, "a");
    feed_bytes(&f, "devices/a/log", body, sizeof(body), false);

    const struct fleet_tail_line *line = fleet_tail(f.fleet, "a", 1);
    assert_int_equal(line->raw_len, sizeof(body));
    assert_memory_equal(line->raw, body, sizeof(body));
    assert_null(strchr(line->body, 0x1b));
    fleet_free(f.fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_store_remembers_comes_before_what_was_heard),
        cmocka_unit_test(a_silence_between_the_two_stays_a_gap),
        cmocka_unit_test(where_both_know_it_is_the_fleets_own),
        cmocka_unit_test(a_device_that_is_only_remembered_has_a_past),
        cmocka_unit_test(last_words_of_the_future_do_not_silence_the_present),
        cmocka_unit_test(beyond_what_memory_holds_the_store_is_asked),
        cmocka_unit_test(a_trend_takes_what_is_remembered_where_nothing_was_heard),
        cmocka_unit_test(a_listener_hears_each_value_with_its_time),
        cmocka_unit_test(answers_are_kept_with_their_arrival),
        cmocka_unit_test(a_watched_message_is_kept_as_it_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
