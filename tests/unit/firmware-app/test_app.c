#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "private.h"
#include "protocol/reading.h"
#include "protocol/reply.h"
#include "protocol/status.h"

static int setup(void **state)
{
    struct fake *f = calloc(1, sizeof(*f));

    if (!f)
        return -1;
    fake_init(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static struct readings read_sample(const struct fake_message *m)
{
    struct readings r;

    assert_non_null(m);
    assert_int_equal(readings_decode(m->payload, m->len, &r), 0);
    assert_int_equal(r.dropped, 0);
    return r;
}

static bool has(const struct readings *r, const char *name, double low, double high)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (strcmp(r->item[i].name, name) == 0)
            return r->item[i].value >= low && r->item[i].value <= high;
    }
    return false;
}

static struct device_status last_status(const struct fake *f)
{
    const struct fake_message *m = fake_sent(f, "/status", -1);
    struct device_status s;

    assert_non_null(m);
    assert_true(m->retain);
    assert_int_equal(m->qos, 1);
    assert_int_equal(device_status_decode(m->payload, m->len, &s), 0);
    return s;
}

static struct reply last_reply(const struct fake *f, const char *topic)
{
    const struct fake_message *m = fake_sent(f, topic, -1);
    struct reply r;

    assert_non_null(m);
    assert_false(m->retain);
    assert_int_equal(reply_decode(m->payload, m->len, &r), 0);
    return r;
}

static const char environment[] = "/telemetry/environment";
static const char health[] = "/telemetry/health";

/* ---- measuring ------------------------------------------------------------------------------ */

static void the_first_reading_comes_soon_after_start(void **state)
{
    struct fake *f = *state;
    struct readings r;

    fake_boot(f);
    fake_run(f, 5000);

    r = read_sample(fake_sent(f, environment, 0));
    assert_true(has(&r, "temperature", 5, 35));
    assert_true(has(&r, "humidity", 20, 90));
    assert_true(has(&r, "pressure", 98000, 104000)); /* Pa, not hPa */
    assert_true(has(&r, "co2", 350, 1200));
    assert_true(has(&r, "pm2_5", 0.1, 60));
    assert_true(has(&r, "pm10", 0.1, 90));
    assert_false(has(&r, "dew_point", -100, 100));
    assert_true(r.has_ts);
    assert_in_range((int64_t)r.ts, f->unix_s, f->unix_s + 3);
}

static void readings_follow_the_interval(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 95000);

    assert_in_range(fake_count(f, environment), 9, 10);
}

static void dew_point_is_sent_by_builds_that_have_it(void **state)
{
    struct fake *f = *state;
    struct readings r;

    f->build.dew_point = true;
    fake_boot(f);
    fake_run(f, 5000);

    r = read_sample(fake_sent(f, environment, 0));
    assert_true(has(&r, "dew_point", -5, 30));
}

static void a_sample_as_an_influx_line_reads_back(void **state)
{
    struct app_sample sample = { .have = 1U << APP_TEMPERATURE | 1U << APP_PRESSURE };
    struct readings r;
    char line[200], small[20];

    (void)state;
    sample.value[APP_TEMPERATURE] = -512;
    sample.value[APP_PRESSURE] = 101325;
    int len = telemetry_encode_line(&sample, 1790000000, line, sizeof(line));

    assert_string_equal(line, "environment temperature=-5.12,pressure=101325 1790000000000000000");
    assert_int_equal(readings_decode(line, (size_t)len, &r), 0);
    assert_true(has(&r, "temperature", -5.13, -5.11) && has(&r, "pressure", 101325, 101325));
    assert_true(r.has_ts && (int64_t)r.ts == 1790000000);
    assert_int_equal(telemetry_encode_line(&sample, 0, small, sizeof(small)), -1);
}

static void a_missing_sensor_does_not_stop_the_others_and_is_found_again(void **state)
{
    struct fake *f = *state;
    struct readings r;

    f->board.config.sds011_fault = MODEL_ABSENT;
    fake_boot(f);
    fake_run(f, 8000);
    r = read_sample(fake_sent(f, environment, -1));
    assert_true(has(&r, "temperature", 5, 35));
    assert_false(has(&r, "pm10", 0, 1000));
    assert_true(fake_logged(f, "sensor sds011: does not answer"));

    f->board.sds011.fault = MODEL_OK;
    fake_run(f, 60000);

    r = read_sample(fake_sent(f, environment, -1));
    assert_true(has(&r, "pm10", 0.1, 90));
    assert_true(fake_logged(f, "sensor sds011 works again"));
}

static void a_sensor_that_vanishes_in_service_is_found_again(void **state)
{
    struct fake *f = *state;
    struct readings r;

    fake_boot(f);
    fake_run(f, 8000);
    f->board.bme280.fault = f->board.scd30.fault = MODEL_ABSENT;
    fake_run(f, 20000);
    r = read_sample(fake_sent(f, environment, -1));
    assert_false(has(&r, "temperature", -100, 100));
    assert_true(has(&r, "pm10", 0.1, 90));

    f->board.bme280.fault = f->board.scd30.fault = MODEL_OK;
    fake_run(f, 40000);

    r = read_sample(fake_sent(f, environment, -1));
    assert_true(has(&r, "temperature", 5, 35));
    assert_true(has(&r, "co2", 350, 1200));
}

static void a_board_that_was_held_up_gives_no_sensor_up(void **state)
{
    struct fake *f = *state;
    struct readings r;

    f->board.config.sds011_fault = MODEL_ABSENT;
    fake_boot(f);
    fake_run(f, 8000);
    f->board.sds011.fault = MODEL_OK;
    f->stall_ms = 3000; /* longer than any sensor is waited for */
    fake_run(f, 200000);

    assert_false(fake_logged(f, "did not finish in time"));
    assert_true(fake_logged(f, "sensor sds011 works again"));
    r = read_sample(fake_sent(f, environment, -1));
    assert_true(has(&r, "temperature", 5, 35));
    assert_true(has(&r, "co2", 350, 1200));
    assert_true(has(&r, "pm10", 0.1, 90));
}

static void impossible_values_are_not_sent(void **state)
{
    struct fake *f = *state;
    struct readings r;

    f->board.config.bme280_fault = f->board.config.sds011_fault = MODEL_WILD;
    fake_boot(f);
    fake_run(f, 8000);

    r = read_sample(fake_sent(f, environment, -1));
    assert_false(has(&r, "temperature", -1e9, 1e9));
    assert_false(has(&r, "pm10", -1e9, 1e9));
    assert_true(has(&r, "co2", 350, 1200));
}

static int lines_with(const struct fake *f, const char *text)
{
    int count = 0;

    for (int i = 0; i < f->lines; i++)
        count += strstr(f->line[i], text) != NULL;
    return count;
}

static void a_sensor_that_fails_now_and_then_is_told_of_once(void **state)
{
    struct fake *f = *state;

    f->board.config.scd30_fault = MODEL_CRC;
    fake_boot(f);
    fake_run(f, 600000);

    assert_in_range(lines_with(f, "sensor scd30"), 1, 12);
    assert_true(fake_logged(f, "sensor scd30: checksum is wrong"));
    assert_in_range(fake_count(f, environment), 59, 61);
}

static void health_tells_uptime_memory_and_boots(void **state)
{
    struct fake *f = *state;
    struct readings r;

    fake_boot(f);
    fake_run(f, 65000);

    assert_in_range(fake_count(f, health), 2, 3);
    r = read_sample(fake_sent(f, health, -1));
    assert_true(has(&r, "uptime", 30, 65));
    assert_true(has(&r, "heap", 123456, 123456));
    assert_true(has(&r, "boots", 12, 12));
    assert_false(has(&r, "rssi", -1e9, 1e9)); /* no radio: not said, rather than invented */
}

/* ---- the ring ------------------------------------------------------------------------------- */

static void readings_taken_offline_arrive_later_in_order_with_their_own_time(void **state)
{
    struct fake *f = *state;
    double last = 0;
    int count;

    fake_boot(f);
    fake_run(f, 15000);
    fake_cut_link(f);
    fake_run(f, 300000);
    count = fake_count(f, environment);
    f->broker_ok = true;
    fake_run(f, 90000);

    assert_true(fake_count(f, environment) >= count + 37);
    for (int i = 0; i < fake_count(f, environment); i++) {
        struct readings r = read_sample(fake_sent(f, environment, i));

        assert_true(r.ts > last);
        assert_true(last == 0 || (r.ts - last > 8 && r.ts - last < 12));
        last = r.ts;
    }
}

static void each_second_has_its_own_reading_wherever_in_it_they_are_taken(void **state)
{
    struct fake *f = *state;

    for (int phase = 0; phase < 1000; phase += 50) {
        double last = 0;

        fake_init(f);
        fake_set(f, APP_NS_FACTORY, "interval", "1"); /* the SCD30 has something every other time */
        f->phase_ms = phase;
        fake_boot(f);
        fake_run(f, 20000);
        assert_in_range(fake_count(f, environment), 15, 21);
        for (int i = 0; i < fake_count(f, environment); i++) {
            struct readings r = read_sample(fake_sent(f, environment, i));

            assert_true(last == 0 || (r.ts - last > 0.5 && r.ts - last < 1.5));
            last = r.ts;
        }
    }
}

static void a_full_ring_drops_the_oldest_and_says_how_many(void **state)
{
    struct fake *f = *state;
    struct readings r;

    f->broker_ok = false;
    fake_boot(f);
    fake_run(f, (APP_RING_SIZE + 20) * 10000);
    f->broker_ok = true;
    fake_run(f, 130000);

    r = read_sample(fake_sent(f, environment, 0));
    assert_in_range((int64_t)r.ts - f->unix_s, 190, 320);
    r = read_sample(fake_sent(f, health, -1));
    assert_true(has(&r, "dropped", 18, 32));
}

static bool sent_since(const struct fake *f, int from, double ts)
{
    for (int i = from; i < fake_count(f, environment); i++) {
        if (read_sample(fake_sent(f, environment, i)).ts == ts)
            return true;
    }
    return false;
}

static void a_link_that_dies_unnoticed_loses_nothing(void **state)
{
    struct fake *f = *state;
    int before, after;

    fake_boot(f);
    fake_run(f, 15000);
    before = fake_count(f, environment);
    f->broker_acks = false; /* taken by the client, never seen by the broker */
    fake_run(f, 60000);
    after = fake_count(f, environment);
    assert_true(after - before >= 5);
    for (int i = 0; i < f->sent_count; i++)
        f->sent[i].acked = true; /* those are lost for ever */
    f->broker_acks = true;
    fake_run(f, 200000);

    for (int i = before; i < after; i++)
        assert_true(sent_since(f, after, read_sample(fake_sent(f, environment, i)).ts));
    assert_int_equal(f->app.ring.count, 0);
}

static void not_more_than_a_few_are_under_way_at_once(void **state)
{
    struct fake *f = *state;

    f->broker_acks = false;
    fake_boot(f);
    fake_run(f, 89000);

    assert_int_equal(fake_count(f, environment), 8);
    assert_int_equal(f->app.ring.count, 9);
}

static void without_trusted_time_nothing_is_dated_until_it_is_known(void **state)
{
    struct fake *f = *state;
    struct readings r;

    f->trusted = false;
    fake_boot(f);
    fake_run(f, 5000);
    r = read_sample(fake_sent(f, environment, -1));
    assert_false(r.has_ts);

    fake_cut_link(f);
    fake_run(f, 20000);
    f->trusted = true;
    f->broker_ok = true;
    fake_run(f, 60000);

    r = read_sample(fake_sent(f, environment, 1)); /* taken before, dated now */
    assert_true(r.has_ts);
    assert_in_range((int64_t)r.ts - f->unix_s, 9, 12);
}

static void acknowledgements_may_come_in_any_order(void **state)
{
    struct app_ring ring;
    struct app_sample s = { .have = 1 };
    (void)state;

    app_ring_init(&ring);
    for (int i = 1; i <= 3; i++) {
        s.taken = i;
        app_ring_push(&ring, &s);
        app_ring_sent(&ring, 100 + i);
    }
    assert_null(app_ring_next(&ring));

    assert_true(app_ring_acked(&ring, 102));
    assert_int_equal(ring.count, 3);
    assert_true(app_ring_acked(&ring, 101));
    assert_int_equal(ring.count, 1);
    assert_false(app_ring_acked(&ring, 101));
    assert_false(app_ring_acked(&ring, 0));
    app_ring_rewind(&ring);
    assert_int_equal(app_ring_next(&ring)->taken, 3);
}

/* ---- session -------------------------------------------------------------------------------- */

static void every_connection_begins_with_a_retained_status(void **state)
{
    struct fake *f = *state;
    struct device_status s;
    char image[PROTO_SHA256_HEX] = "abcd";

    memset(image + 4, '0', 60);
    fake_boot(f);
    fake_run(f, 3000);

    assert_int_equal(f->sent[0].kind, TOPIC_STATUS);
    s = last_status(f);
    assert_true(s.online);
    assert_string_equal(s.product, "weather");
    assert_string_equal(s.hw, "linux");
    assert_string_equal(s.fw, "1.4.0");
    assert_string_equal(s.slot, "ota_0");
    assert_string_equal(s.image, image);
    assert_string_equal(s.boot, "0123456789abcdef");
    assert_int_equal(s.boots, 12);
    assert_int_equal(s.reset, RESET_SOFTWARE);
    assert_int_equal(s.keyset, 3);
    assert_int_equal(s.agent, OTA_AGENT_VERSION);
    assert_int_equal(s.cert_not_after, 1805000000);
    assert_int_equal(s.interval, 10);
    assert_int_equal(s.group_count, 2);
    assert_string_equal(s.groups[1], "outdoor");

    fake_cut_link(f);
    f->broker_ok = true;
    fake_run(f, 5000);
    assert_int_equal(fake_count(f, "/status"), 2);
    assert_non_null(strstr(f->will, "0123456789abcdef"));
}

static void attempts_are_spread_and_never_more_than_a_minute_apart(void **state)
{
    struct fake *f = *state;
    int64_t shortest = INT64_MAX, longest = 0;

    f->broker_ok = false;
    fake_boot(f);
    fake_run(f, 600000);

    assert_true(f->connects > 12);
    for (int i = 1; i < f->connects; i++) {
        int64_t gap = f->connected_ms[i] - f->connected_ms[i - 1];

        longest = gap > longest ? gap : longest;
        if (i > 6)
            shortest = gap < shortest ? gap : shortest;
    }
    assert_in_range(longest, 30000, 62100);
    assert_in_range(shortest, 0, 30000); /* full jitter: not all near the end */
}

/* Boards whose power comes back at once: when each of them tries first. */
static int64_t first_attempt_ms(struct fake *f, uint32_t seed, enum reset_reason reset)
{
    f->seed = seed * 2654435761u + 1;
    f->reset = reset;
    f->connects = f->lines = 0;
    f->broker_ok = false;
    fake_boot(f);
    int64_t on = f->mono_ms;
    while (f->connects == 0)
        fake_run(f, 20);
    return f->connected_ms[0] - on;
}

static void after_a_power_cut_first_attempts_are_spread_evenly(void **state)
{
    static const enum reset_reason power[] = { RESET_POWERON, RESET_BROWNOUT };
    struct fake *f = *state;

    for (size_t r = 0; r < 2; r++) {
        int tenth[10] = { 0 }, whole = 0;
        for (uint32_t i = 0; i < 300; i++) {
            int64_t at = first_attempt_ms(f, i, power[r]);
            assert_in_range(at, 0, 10020);
            tenth[at / 1000 < 9 ? at / 1000 : 9]++;
            whole += at % 1000 < 100;
        }
        for (int i = 0; i < 10; i++)
            assert_in_range(tenth[i], 12, 52); /* 30 each, were it exact */
        assert_in_range(whole, 10, 60);        /* and not in waves, at a tick's second */
    }
}

static void the_factory_says_how_far_they_are_spread(void **state)
{
    struct fake *f = *state;
    int64_t longest = 0;

    fake_set(f, APP_NS_FACTORY, "spread", "120");
    for (uint32_t i = 0; i < 40; i++) {
        int64_t at = first_attempt_ms(f, i, RESET_POWERON);
        longest = at > longest ? at : longest;
    }
    assert_in_range(longest, 60000, 120020);
    fake_set(f, APP_NS_FACTORY, "spread", "0");
    assert_in_range(first_attempt_ms(f, 9, RESET_POWERON), 0, 20);
    fake_set(f, APP_NS_FACTORY, "spread", "99999"); /* not believed */
    assert_in_range(first_attempt_ms(f, 9, RESET_POWERON), 0, 10020);
}

static void a_restart_by_itself_is_not_held_up(void **state)
{
    struct fake *f = *state;

    for (uint32_t i = 0; i < 40; i++)
        assert_in_range(first_attempt_ms(f, i, RESET_SOFTWARE), 0, 520);
}

static void backoff_is_uniform_below_its_ceiling(void **state)
{
    struct backoff b;
    (void)state;

    backoff_init(&b, 1000, 60000);
    assert_int_equal(backoff_next(&b, 0), 0);
    assert_int_equal(backoff_next(&b, UINT32_MAX), 2000);
    assert_int_equal(backoff_next(&b, UINT32_MAX / 2), 1999 + 1);
    for (int i = 0; i < 100; i++)
        assert_true(backoff_next(&b, UINT32_MAX) <= 60000);
    assert_int_equal(backoff_next(&b, UINT32_MAX), 60000);
    backoff_reset(&b);
    assert_int_equal(backoff_next(&b, UINT32_MAX), 1000);
}

static void a_board_without_an_id_waits_and_says_what_to_do(void **state)
{
    struct fake *f = *state;

    fake_set(f, APP_NS_FACTORY, "id", "../../etc");
    fake_boot(f);
    fake_run(f, 5000);

    assert_true(app_is_dead(&f->app));
    assert_int_equal(f->connects, 0);
    assert_true(fake_logged(f, "factory key `id`"));
    assert_true(f->feeds > 0); /* resetting would not help */
}

static void the_watchdog_is_fed_while_it_runs(void **state)
{
    struct fake *f = *state;

    f->broker_ok = false;
    fake_boot(f);
    fake_run(f, 60000);

    assert_true(f->feeds >= 60);
}

static void log_lines_carry_level_and_clean_text_within_a_budget(void **state)
{
    struct fake *f = *state;
    int before;

    fake_boot(f);
    fake_run(f, 15000);
    assert_non_null(fake_sent(f, "/log", 0));
    assert_int_equal(strncmp(fake_sent(f, "/log", 0)->payload, "info ", 5), 0);

    before = fake_count(f, "/log");
    for (int i = 0; i < 60; i++)
        fake_command(f, "frobnicate", "{}", NULL);
    assert_true(fake_count(f, "/log") - before <= 20);
}

/* ---- commands ------------------------------------------------------------------------------- */

static void a_config_order_takes_effect_at_once_and_survives_a_reboot(void **state)
{
    struct fake *f = *state;
    struct device_status s;
    int before;

    fake_set(f, APP_NS_FACTORY, "interval", "600");
    fake_boot(f);
    fake_run(f, 15000);
    before = fake_count(f, environment);
    fake_good_order(f, "config", ",\"set\":{\"interval\":2,\"groups\":[\"lab\"]}", "c-1");
    fake_run(f, 9000);

    assert_true(last_reply(f, "/reply/config").ok);
    assert_true(fake_count(f, environment) - before >= 4);
    s = last_status(f);
    assert_int_equal(s.interval, 2);
    assert_int_equal(s.group_count, 1);
    assert_string_equal(s.groups[0], "lab");

    fake_boot(f);
    fake_run(f, 3000);
    assert_int_equal(last_status(f).interval, 2);
    assert_string_equal(last_status(f).groups[0], "lab");
    assert_string_equal(fake_get(f, APP_NS_FACTORY, "interval"), "600");
}

static void a_later_config_order_keeps_what_it_does_not_name(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);
    fake_good_order(f, "config", ",\"set\":{\"interval\":33}", NULL);
    fake_good_order(f, "config", ",\"set\":{\"url\":\"https://gw.example:8443/firmware/\"}", NULL);
    fake_boot(f);

    assert_int_equal(f->app.config.interval, 33);
    assert_string_equal(f->app.config.url, "https://gw.example:8443/firmware/");
}

static void a_config_order_moves_the_agents_server_at_once_and_over_a_reboot(void **state)
{
    static const char old[] = "https://old.example:8443/firmware/";
    static const char new[] = "https://new.example/images/";
    struct fake *f = *state;

    fake_set(f, APP_NS_FACTORY, "url", old);
    fake_boot(f);
    fake_run(f, 3000);
    assert_string_equal(f->app.ota_config.url, old);
    assert_true(ota_host_is_allowed(f->app.ota_config.hosts, f->app.ota_config.url, old));
    fake_good_order(f, "config", ",\"set\":{\"url\":\"https://new.example/images/\"}", "c");

    for (int boots = 0; boots < 2; boots++) {
        assert_true(last_reply(f, "/reply/config").ok);
        assert_string_equal(f->app.ota_config.url, new);
        assert_true(ota_host_is_allowed(f->app.ota_config.hosts, f->app.ota_config.url, new));
        assert_false(ota_host_is_allowed(f->app.ota_config.hosts, f->app.ota_config.url, old));
        fake_boot(f);
    }
}

static void a_config_order_stays_within_the_factorys_hosts(void **state)
{
    struct fake *f = *state;

    fake_set(f, APP_NS_FACTORY, "url", "https://gw.example/firmware/");
    fake_set(f, APP_NS_FACTORY, "hosts", "gw.example,spare.example:8443");
    fake_boot(f);
    fake_run(f, 3000);
    fake_good_order(f, "config", ",\"set\":{\"interval\":20,\"url\":\"https://evil.example/x/\"}",
                    "c-1");

    assert_int_equal(last_reply(f, "/reply/config").reason, REASON_HOST_NOT_ALLOWED);
    assert_string_equal(last_reply(f, "/reply/config").detail, "url");
    assert_string_equal(f->app.config.url, "https://gw.example/firmware/");
    assert_int_equal(f->app.config.interval, 10);

    fake_good_order(f, "config", ",\"set\":{\"url\":\"https://spare.example:8443/x/\"}", "c-2");
    assert_true(last_reply(f, "/reply/config").ok);
}

static void a_config_order_with_one_bad_field_changes_nothing(void **state)
{
    static const char *const bad[] = {
        ",\"set\":{\"interval\":20,\"url\":\"http://plain.example/\"}",
        ",\"set\":{\"interval\":20,\"url\":\"https://gw.example/no-folder\"}",
        ",\"set\":{\"interval\":20,\"groups\":[\"ok\",\"not ok\"]}",
        ",\"set\":{\"groups\":[\"fine\"],\"interval\":0}",
        ",\"set\":{\"groups\":[\"fine\"],\"interval\":86401}",
        ",\"set\":{\"interval\":20,\"ntp\":\"a b\"}",
    };
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct reply r;

        fake_good_order(f, "config", bad[i], "x");

        r = last_reply(f, "/reply/config");
        assert_false(r.ok);
        assert_int_equal(r.reason, REASON_BAD_CONFIG);
        assert_int_equal(f->app.config.interval, 10);
        assert_string_equal(f->app.config.groups[0], "berlin");
        assert_null(fake_get(f, APP_NS_CONFIG, "set"));
    }
}

/* The order's decoder looks too; the app does not rely on it. */
static void each_field_of_a_config_is_checked_by_the_app_itself(void **state)
{
    const struct {
        struct order_config set;
        const char *field;
    } table[] = {
        { { .has_interval = true, .interval = 0 }, "interval" },
        { { .has_interval = true, .interval = 86401 }, "interval" },
        { { .has_url = true, .url = "http://plain.example/" }, "url" },
        { { .has_url = true, .url = "https://gw.example/no-folder" }, "url" },
        { { .has_url = true, .url = "https:///x/" }, "url" },
        { { .has_url = true, .url = "https://gw/a\nb/" }, "url" },
        { { .has_groups = true, .group_count = 2, .groups = { "ok", "a,b" } }, "groups" },
        { { .has_groups = true, .group_count = 9 }, "groups" },
        { { .has_ntp = true, .ntp = "" }, "ntp" },
        { { .has_ntp = true, .ntp = "a b" }, "ntp" },
    };
    struct fake *f = *state;
    const char *field;

    fake_boot(f);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_int_equal(app_config_apply(&f->app.config, &f->platform, &table[i].set, &field),
                         REASON_BAD_CONFIG);
        assert_string_equal(field, table[i].field);
        assert_null(fake_get(f, APP_NS_CONFIG, "set"));
    }
}

static void a_config_that_can_not_be_stored_does_not_take_effect(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);
    f->nvs_fails = true;
    fake_good_order(f, "config", ",\"set\":{\"interval\":2}", NULL);

    assert_int_equal(last_reply(f, "/reply/config").reason, REASON_RECORD_IO);
    assert_int_equal(f->app.config.interval, 10);
}

static void a_damaged_config_record_falls_back_to_the_factory(void **state)
{
    static const char *const damaged[] = { "interval=20", "interval=abc\n", "interval=0\n",   "=\n",
                                           "\n",          "url=ftp://x/\n", "interval=\xFF\n" };
    struct fake *f = *state;

    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        fake_set(f, APP_NS_CONFIG, "set", damaged[i]);
        fake_boot(f);

        assert_false(app_is_dead(&f->app));
        assert_int_equal(f->app.config.interval, 10);
    }
}

static void a_reply_echoes_the_correlation_data(void **state)
{
    struct fake *f = *state;
    const struct fake_message *m;

    fake_boot(f);
    fake_run(f, 3000);
    fake_good_order(f, "identify", "", "corr-\x01\xFF-7");

    m = fake_sent(f, "/reply/identify", -1);
    assert_non_null(m);
    assert_int_equal(m->qos, 1);
    assert_int_equal(m->correlation_len, 9);
    assert_memory_equal(m->correlation, "corr-\x01\xFF-7", 9);
    assert_true(last_reply(f, "/reply/identify").ok);
    assert_int_equal(last_reply(f, "/reply/identify").seq, f->order_seq);
    assert_int_equal(f->identifies, 1);
}

static void an_unsigned_identify_blinks_each_time(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);
    fake_command(f, "identify", "{}", NULL);
    fake_command(f, "identify", "{}", NULL);

    assert_int_equal(f->identifies, 2);
}

static void verbs_this_firmware_does_not_have_are_answered_unsupported(void **state)
{
    struct fake *f = *state;
    const struct fake_message *m;

    fake_boot(f);
    fake_run(f, 3000);
    fake_good_order(f, "renew", "", "r");
    assert_int_equal(last_reply(f, "/reply/renew").reason, REASON_UNSUPPORTED);
    fake_command(f, "frobnicate", "{}", "z");
    m = fake_sent(f, "/reply/frobnicate", -1);
    assert_non_null(m);
    assert_string_equal(
        m->payload, "{\"verb\":\"frobnicate\",\"seq\":0,\"ok\":false,\"reason\":\"unsupported\"}");
    assert_int_equal(m->correlation_len, 1);
}

static uint32_t told_keyset(const struct fake *f)
{
    const struct fake_message *m = fake_sent(f, "/status", -1);
    struct device_status s;

    assert_int_equal(device_status_decode(m->payload, m->len, &s), 0);
    return s.keyset;
}

static void a_new_keyset_is_told_at_once_and_kept_over_a_restart(void **state)
{
    struct fake *f = *state;
    char text[PROTO_KEYSET_BYTES];

    fake_boot(f);
    fake_run(f, 3000);
    fake_keyset(f, 4, 9, text);
    fake_keys_order(f, text, "k");
    assert_int_equal(last_reply(f, "/reply/keys").reason, REASON_NONE);
    assert_string_equal(last_reply(f, "/reply/keys").detail, "version 4");
    fake_run(f, 100);
    assert_int_equal(told_keyset(f), 4);

    fake_good_order(f, "reboot", "", "r"); /* by the key that is gone */
    assert_int_equal(last_reply(f, "/reply/reboot").reason, REASON_UNKNOWN_KEY);
    fake_boot(f);
    fake_run(f, 3000);
    assert_int_equal(told_keyset(f), 4);
    fake_good_order(f, "reboot", "", "r");
    assert_int_equal(last_reply(f, "/reply/reboot").reason, REASON_UNKNOWN_KEY);
}

static void a_keyset_that_jumps_is_refused_with_both_versions(void **state)
{
    struct fake *f = *state;
    char text[PROTO_KEYSET_BYTES];

    fake_boot(f);
    fake_run(f, 3000);
    fake_keyset(f, 6, 3, text);
    fake_keys_order(f, text, "k");
    assert_int_equal(last_reply(f, "/reply/keys").reason, REASON_BAD_KEYSET);
    assert_string_equal(last_reply(f, "/reply/keys").detail, "version 3 in use, not followed by 6");
    fake_run(f, 100);
    assert_int_equal(told_keyset(f), 3);
}

static void a_verb_that_is_no_name_is_not_answered(void **state)
{
    struct fake *f = *state;
    int before;

    fake_boot(f);
    fake_run(f, 3000);
    before = f->sent_count;
    fake_command(f, "a b\"", "{}", "z");
    fake_command(f, "", "{}", "z");
    fake_command(f, NULL, "{}", "z");
    fake_command(f, "abcdefghijklmnopqrstuvwxyz", "{}", "z");

    assert_int_equal(f->sent_count, before);
}

static void an_order_that_is_not_signed_right_does_nothing(void **state)
{
    struct fake *f = *state;
    static char huge[70000];

    fake_boot(f);
    fake_run(f, 3000);
    fake_command(f, "config", "{\"order\":\"aaaa.bbbb.cccc\"}", NULL);
    assert_int_equal(last_reply(f, "/reply/config").ok, false);
    memset(huge, 'x', sizeof(huge) - 1);
    fake_command(f, "reboot", huge, NULL);
    assert_int_equal(last_reply(f, "/reply/reboot").reason, REASON_BAD_ORDER);
    fake_order(f, "config",
               "{\"verb\":\"config\",\"fleet\":\"home\",\"dev\":\"sensor-002\",\"seq\":9,\"iat\":"
               "1,\"nbf\":1,\"exp\":1990000000,\"set\":{\"interval\":2}}",
               NULL);
    assert_int_equal(last_reply(f, "/reply/config").reason, REASON_WRONG_DEVICE);
    fake_run(f, 10000);

    assert_int_equal(f->app.config.interval, 10);
    assert_int_equal(f->reboots, 0);
}

static void an_order_of_another_verb_does_not_pass_for_this_one(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);
    fake_order(f, "reboot",
               "{\"verb\":\"identify\",\"fleet\":\"home\",\"dev\":\"sensor-001\",\"seq\":9,\"iat\":"
               "1,\"nbf\":1,\"exp\":1990000000}",
               NULL);
    fake_run(f, 5000);

    assert_false(last_reply(f, "/reply/reboot").ok);
    assert_int_equal(f->reboots, 0);
}

static const char reboot_order[] =
    "{\"verb\":\"reboot\",\"fleet\":\"home\",\"dev\":\"sensor-001\",\"seq\":5,\"iat\":1,\"nbf\":1,"
    "\"exp\":1990000000}";

static void a_redelivered_order_gets_its_first_answer_and_acts_once(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);
    fake_order(f, "reboot", reboot_order, "one");
    fake_order(f, "reboot", reboot_order, "two");
    fake_run(f, 5000);

    assert_int_equal(fake_count(f, "/reply/reboot"), 2);
    assert_true(last_reply(f, "/reply/reboot").ok);
    assert_int_equal(f->reboots, 1);
}

static void a_reboot_order_delivered_again_after_the_reboot_gets_its_first_answer(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);
    fake_order(f, "reboot", reboot_order, NULL);
    assert_true(last_reply(f, "/reply/reboot").ok);
    assert_int_equal(f->reboots, 0); /* the reply leaves first */
    fake_run(f, 3000);
    assert_int_equal(f->reboots, 1);

    fake_boot(f);
    fake_run(f, 3000);
    fake_order(f, "reboot", reboot_order, NULL);
    fake_run(f, 5000);

    assert_int_equal(fake_count(f, "/reply/reboot"), 2);
    assert_true(last_reply(f, "/reply/reboot").ok);
    assert_int_equal(last_reply(f, "/reply/reboot").seq, 5);
    assert_int_equal(f->reboots, 1);
}

static void a_damaged_memory_of_answers_makes_a_replay_of_the_order(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);
    fake_order(f, "reboot", reboot_order, NULL);
    fake_run(f, 3000);
    fake_set(f, APP_NS_CONFIG, "seen_reboot", "5 0 4711");
    fake_boot(f);
    fake_run(f, 3000);
    fake_order(f, "reboot", reboot_order, NULL);
    fake_run(f, 5000);

    assert_int_equal(last_reply(f, "/reply/reboot").reason, REASON_REPLAY);
    assert_int_equal(f->reboots, 1);
}

static void config_order(struct fake *f, unsigned seq, unsigned interval, long long exp)
{
    char payload[300];

    (void)snprintf(payload, sizeof(payload),
                   "{\"verb\":\"config\",\"fleet\":\"home\",\"dev\":\"sensor-001\",\"seq\":%u,"
                   "\"iat\":1,\"nbf\":1,\"exp\":%lld,\"set\":{\"interval\":%u}}",
                   seq, exp, interval);
    fake_order(f, "config", payload, NULL);
}

static void an_older_config_that_comes_after_a_newer_one_is_a_replay(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);
    config_order(f, 8, 20, 1990000000);
    assert_true(last_reply(f, "/reply/config").ok);
    config_order(f, 7, 30, 1990000000);

    assert_int_equal(last_reply(f, "/reply/config").reason, REASON_REPLAY);
    assert_int_equal(f->app.config.interval, 20);
    /* The number of one class says nothing about another. */
    fake_order(f, "reboot", reboot_order, NULL);
    assert_true(last_reply(f, "/reply/reboot").ok);
}

static void an_order_that_waited_for_days_is_expired(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);
    fake_cut_link(f);
    f->unix_s += 3 * 86400;
    f->broker_ok = true;
    fake_run(f, 90000);
    assert_true(f->connected);
    config_order(f, 7, 30, f->unix_s - 2 * 86400);
    assert_int_equal(last_reply(f, "/reply/config").reason, REASON_EXPIRED);
    assert_int_equal(f->app.config.interval, 10);
    /* Refused, it has not used its number up; and without a trusted clock nothing is expired. */
    f->trusted = false;
    config_order(f, 7, 30, f->unix_s - 2 * 86400);
    assert_true(last_reply(f, "/reply/config").ok);
    assert_int_equal(f->app.config.interval, 30);
}

static void a_rollback_order_without_an_earlier_image_is_refused_with_its_reason(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);
    fake_good_order(f, "rollback", ",\"rollout\":\"r-1\"", "r");
    fake_run(f, 5000);

    assert_int_equal(last_reply(f, "/reply/rollback").reason, REASON_NO_WAY_BACK);
    assert_int_equal(last_reply(f, "/reply/rollback").seq, f->order_seq);
    assert_int_equal(f->reboots, 0);
}

static enum reason begin_renewal(void *ctx)
{
    struct fake *f = ctx;

    f->renewals++;
    return REASON_NONE;
}

static void a_renew_order_is_handed_to_the_platform_once(void **state)
{
    struct fake *f = *state;

    f->platform.renew = begin_renewal;
    fake_boot(f);
    fake_run(f, 3000);
    fake_good_order(f, "renew", "", "r");
    f->order_seq--;
    fake_good_order(f, "renew", "", "r");

    assert_int_equal(fake_count(f, "/reply/renew"), 2);
    assert_true(last_reply(f, "/reply/renew").ok);
    assert_int_equal(f->renewals, 1);
}

/* ---- self-test ------------------------------------------------------------------------------ */

static void the_self_test_passes_when_every_named_sensor_answers(void **state)
{
    struct fake *f = *state;

    fake_boot(f);
    fake_run(f, 3000);

    assert_true(f->app.self_test_ok);
    assert_true(fake_logged(f, "self-test passed"));
}

static void a_build_that_expects_another_chip_fails_its_self_test(void **state)
{
    struct fake *f = *state;

    f->build.bme280_id = 0x61;
    fake_boot(f);
    fake_run(f, 3000);

    assert_false(f->app.self_test_ok);
    assert_true(fake_logged(f, "self-test failed: bme280 answers with another chip id"));
}

static void a_build_may_expect_another_chip_on_one_revision_of_the_board(void **state)
{
    struct fake *f = *state;

    f->build.other_hw = "linux-b";
    f->build.other_bme280_id = 0x61;
    fake_boot(f);
    fake_run(f, 3000);
    assert_true(f->app.self_test_ok);

    fake_set(f, APP_NS_FACTORY, "hw", "linux-b");
    fake_boot(f);
    fake_run(f, 3000);
    assert_false(f->app.self_test_ok);
}

static void on_probation_a_failed_self_test_goes_back_to_the_old_image(void **state)
{
    struct fake *f = *state;

    f->build.bme280_id = 0x61;
    fake_boot_on_probation(f);
    fake_run(f, 10000);

    assert_true(f->rollbacks > 0);
}

static void a_sensor_that_was_dead_before_the_update_is_not_the_new_images_fault(void **state)
{
    struct fake *f = *state;

    f->board.config.scd30_fault = MODEL_ABSENT;
    fake_boot(f);
    fake_run(f, 5000);
    /* As the agent asks before it switches. */
    assert_int_equal(app_may_proceed(&f->app, OTA_GATE_SWITCH), REASON_NONE);
    assert_string_equal(fake_get(f, APP_NS_CONFIG, "alive"), ",bme280,sds011,");
    fake_boot_on_probation(f);
    fake_run(f, 5000);
    assert_true(f->app.self_test_ok);
    assert_int_equal(f->rollbacks, 0);

    /* Another one that is silent now is. */
    f->board.config.bme280_fault = MODEL_ABSENT;
    fake_boot_on_probation(f);
    fake_run(f, 15000);
    assert_false(f->app.self_test_ok);
    assert_true(fake_logged(f, "self-test failed: bme280"));
}

static void a_silent_sensor_fails_the_self_test_in_time(void **state)
{
    struct fake *f = *state;

    f->board.config.sds011_fault = MODEL_ABSENT;
    fake_boot(f);
    fake_run(f, 2500);

    assert_false(f->app.self_testing);
    assert_false(f->app.self_test_ok);
    assert_true(fake_logged(f, "self-test failed: sds011 does not answer"));
}

static void a_sensor_this_firmware_does_not_have_fails_the_self_test(void **state)
{
    struct fake *f = *state;

    fake_set(f, APP_NS_FACTORY, "sensors", "bme280,geiger");
    fake_boot(f);
    fake_run(f, 2500);

    assert_false(f->app.self_test_ok);
    assert_true(fake_logged(f, "names one this firmware does not have"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_first_reading_comes_soon_after_start),
        T(readings_follow_the_interval),
        T(dew_point_is_sent_by_builds_that_have_it),
        T(a_sample_as_an_influx_line_reads_back),
        T(a_missing_sensor_does_not_stop_the_others_and_is_found_again),
        T(a_sensor_that_vanishes_in_service_is_found_again),
        T(a_board_that_was_held_up_gives_no_sensor_up),
        T(impossible_values_are_not_sent),
        T(a_sensor_that_fails_now_and_then_is_told_of_once),
        T(health_tells_uptime_memory_and_boots),
        T(readings_taken_offline_arrive_later_in_order_with_their_own_time),
        T(each_second_has_its_own_reading_wherever_in_it_they_are_taken),
        T(a_full_ring_drops_the_oldest_and_says_how_many),
        T(a_link_that_dies_unnoticed_loses_nothing),
        T(not_more_than_a_few_are_under_way_at_once),
        T(without_trusted_time_nothing_is_dated_until_it_is_known),
        T(acknowledgements_may_come_in_any_order),
        T(every_connection_begins_with_a_retained_status),
        T(attempts_are_spread_and_never_more_than_a_minute_apart),
        T(after_a_power_cut_first_attempts_are_spread_evenly),
        T(the_factory_says_how_far_they_are_spread),
        T(a_restart_by_itself_is_not_held_up),
        T(backoff_is_uniform_below_its_ceiling),
        T(a_board_without_an_id_waits_and_says_what_to_do),
        T(the_watchdog_is_fed_while_it_runs),
        T(log_lines_carry_level_and_clean_text_within_a_budget),
        T(a_config_order_takes_effect_at_once_and_survives_a_reboot),
        T(a_later_config_order_keeps_what_it_does_not_name),
        T(a_config_order_moves_the_agents_server_at_once_and_over_a_reboot),
        T(a_config_order_stays_within_the_factorys_hosts),
        T(a_config_order_with_one_bad_field_changes_nothing),
        T(each_field_of_a_config_is_checked_by_the_app_itself),
        T(a_config_that_can_not_be_stored_does_not_take_effect),
        T(a_damaged_config_record_falls_back_to_the_factory),
        T(a_reply_echoes_the_correlation_data),
        T(an_unsigned_identify_blinks_each_time),
        T(a_new_keyset_is_told_at_once_and_kept_over_a_restart),
        T(a_keyset_that_jumps_is_refused_with_both_versions),
        T(verbs_this_firmware_does_not_have_are_answered_unsupported),
        T(a_verb_that_is_no_name_is_not_answered),
        T(an_order_that_is_not_signed_right_does_nothing),
        T(an_order_of_another_verb_does_not_pass_for_this_one),
        T(a_redelivered_order_gets_its_first_answer_and_acts_once),
        T(a_reboot_order_delivered_again_after_the_reboot_gets_its_first_answer),
        T(a_damaged_memory_of_answers_makes_a_replay_of_the_order),
        T(an_older_config_that_comes_after_a_newer_one_is_a_replay),
        T(an_order_that_waited_for_days_is_expired),
        T(a_rollback_order_without_an_earlier_image_is_refused_with_its_reason),
        T(a_renew_order_is_handed_to_the_platform_once),
        T(the_self_test_passes_when_every_named_sensor_answers),
        T(a_build_may_expect_another_chip_on_one_revision_of_the_board),
        T(a_build_that_expects_another_chip_fails_its_self_test),
        T(on_probation_a_failed_self_test_goes_back_to_the_old_image),
        T(a_sensor_that_was_dead_before_the_update_is_not_the_new_images_fault),
        T(a_silent_sensor_fails_the_self_test_in_time),
        T(a_sensor_this_firmware_does_not_have_fails_the_self_test),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
