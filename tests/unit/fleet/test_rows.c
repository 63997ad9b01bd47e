#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"
#include "fleet/rows.h"

/* The filter language over alerts, silences, rollouts and releases. */

#define HOUR INT64_C(3600000)

static bool passes(const char *text, const struct filter_rows *rows, const void *row,
                   const struct feed *f)
{
    struct filter_error err;
    struct filter *filter = filter_compile_rows(text, rows, &err);
    char said[FILTER_SAID_MAX];
    if (!filter)
        fail_msg("'%s': %s", text, filter_error_said(&err, text, said));
    bool yes = filter_match_row(filter, row, f ? f->fleet : NULL, f ? f->now_ms : FEED_START_MS);
    filter_free(filter);
    return yes;
}

static void refused(const char *text, const struct filter_rows *rows, const char *why)
{
    struct filter_error err;
    assert_null(filter_compile_rows(text, rows, &err));
    if (!strstr(err.text, why))
        fail_msg("'%s' says '%s', not '%s'", text, err.text, why);
}

/* ---- alerts ---- */

static struct alert_row hot(const struct feed *f)
{
    return (struct alert_row){ .rule = "hot",
                               .subject = "pump-1",
                               .device = fleet_find(f->fleet, "pump-1"),
                               .text = "temp>30: temp 33.5 °C",
                               .level = ALERT_CRIT,
                               .since_ms = f->now_ms - 3 * HOUR,
                               .fired_ms = f->now_ms - 2 * HOUR,
                               .by = "",
                               .readings = "temperature" };
}

static int setup(void **state)
{
    static struct feed f;
    feed_open(&f, NULL);
    feed_say(&f, "devices/pump-1/status",
             "{\"state\":\"online\",\"product\":\"weather\",\"fw\":\"1.9.0\",\"groups\":"
             "[\"site:berlin\"],\"interval\":600}");
    feed_say(&f, "devices/pump-1/telemetry/env", "{\"temp\":33.5}");
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fleet_free(((struct feed *)*state)->fleet);
    return 0;
}

static void an_alert_is_found_by_its_own_fields(void **state)
{
    const struct feed *f = *state;
    struct alert_row r = hot(f);
    static const char *const yes[] = {
        "",
        "pump",
        "rule:hot",
        "rule=hot",
        "device:pump",
        "id=pump-1",
        "state=firing",
        "state>seen",
        "severity=crit",
        "severity>=warn",
        "reading:temp",
        "text~33.5",
        "age>1h",
        "age<150m",
        "since>2h30m",
        "muted=no",
        "acknowledged=no",
        "33.5",
        "not acknowledged=yes",
        "rule~/^h/",
        "severity~/cr/",
        "by!=anna",
        "rule=cold,hot age>1h",
    };
    static const char *const no[] = { "rule:cold", "state=muted", "severity<crit", "age>3h",
                                      "muted=yes", "reading:co2", "by:anna",       "pump-2" };
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        if (!passes(yes[i], &alert_rows, &r, f))
            fail_msg("'%s' should match", yes[i]);
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        if (passes(no[i], &alert_rows, &r, f))
            fail_msg("'%s' should not match", no[i]);
}

static void an_alert_is_found_by_what_its_device_is(void **state)
{
    const struct feed *f = *state;
    struct alert_row r = hot(f);
    assert_true(passes("site:berlin", &alert_rows, &r, f));
    assert_true(passes("fw<1.10 product=weather", &alert_rows, &r, f));
    assert_true(passes("temp>30", &alert_rows, &r, f));
    assert_true(passes("berlin", &alert_rows, &r, f)); /* a word is in a group, too */
    assert_false(passes("site:ams", &alert_rows, &r, f));
    assert_false(passes("temp>40", &alert_rows, &r, f));
}

static void a_rollouts_alert_has_no_device_and_lacks_its_fields(void **state)
{
    const struct feed *f = *state;
    struct alert_row r = hot(f);
    r.subject = "r-20261120-1";
    r.device = FLEET_NONE;
    assert_true(passes("r-2026", &alert_rows, &r, f));
    assert_false(passes("fw=1.9.0", &alert_rows, &r, f));
    assert_true(passes("fw!=1.9.0", &alert_rows, &r, f));
    assert_false(passes("temp>0", &alert_rows, &r, f));
    assert_false(passes("floor:3", &alert_rows, &r, f));
}

static void what_has_cleared_ages_no_more(void **state)
{
    const struct feed *f = *state;
    struct alert_row r = hot(f);
    r.cleared_ms = r.fired_ms + HOUR / 2;
    r.acked = true;
    r.by = "anna@gw1";
    assert_true(passes("age<45m state=cleared by:anna", &alert_rows, &r, f));
    r.cleared_ms = 0;
    assert_true(passes("state=seen", &alert_rows, &r, f));
    r.muted = true;
    assert_true(passes("state=muted state<seen", &alert_rows, &r, f));
}

static void a_mistake_names_the_words_there_are(void **state)
{
    (void)state;
    refused("severity=high", &alert_rows, "info warn crit");
    refused("muted=perhaps", &alert_rows, "no yes");
    refused("age>old", &alert_rows, "a time such as");
    refused("rule>hot", &alert_rows, "no order");
    refused("fw=1.0", &rollout_row_fields, "no such field");
    refused("site:berlin", &release_row_fields, "no such field");
}

static void the_facts_of_an_alert_are_the_alerts(void **state)
{
    struct feed *f = *state;
    static const struct alert_rule rule = { .name = "hot",
                                            .level = ALERT_CRIT,
                                            .when = "temp>30 or co2>900" };
    const struct alert *const *list;
    struct err err;
    struct alerts *a = alerts_new(f->fleet, &rule, 1, NULL, NULL, &err);
    for (int i = 0; i < 200; i++) {
        f->now_ms += 100;
        alerts_tick(a, f->now_ms);
    }
    feed_say(f, "devices/pump-1/telemetry/env", "{\"co2\":400}"); /* so that the name is known */
    assert_int_equal(alerts_list(a, &list), 1);
    struct alert_row r;
    alert_row_of(a, list[0], &r);
    assert_string_equal(r.rule, "hot");
    assert_string_equal(r.readings, "temperature co2");
    assert_true(passes("reading:co2 pump severity=crit muted=no", &alert_rows, &r, f));
    alerts_free(a);
}

/* ---- the other lists ---- */

static void silences_rollouts_and_releases_have_fields_of_their_own(void **state)
{
    (void)state;
    struct alert_silence of = { .id = 7,
                                .rule = "hot",
                                .who = "anna@gw1",
                                .reason = "oven day",
                                .until_ms = FEED_START_MS + HOUR };
    struct silence_row s = { &of, 3 };
    assert_true(passes("oven who:anna id=7 target=all until<2h mutes>0", &silence_rows, &s, NULL));
    assert_false(passes("mutes=0", &silence_rows, &s, NULL));
    struct rollout_row r = { .id = "r-1",
                             .state = "running",
                             .product = "weather",
                             .version = "1.10.0",
                             .target = "site:berlin",
                             .who = "anna",
                             .why = "",
                             .devices = 40,
                             .done = 27,
                             .failed = 3,
                             .stage = 1,
                             .stage_count = 3,
                             .started_ms = FEED_START_MS - 2 * HOUR };
    assert_true(passes("running version>1.9 rate=10 stage=2 since>1h over=no devices>=40",
                       &rollout_row_fields, &r, NULL));
    assert_false(passes("ended<1d", &rollout_row_fields, &r, NULL));
    struct release_row rel = { .product = "weather",
                               .version = "1.4.0",
                               .hw = "esp32 esp32c3",
                               .image = "ab12",
                               .kid = "release-1",
                               .seq = 9,
                               .size = 500 * 1024,
                               .created_ms = FEED_START_MS - 48 * HOUR };
    assert_true(passes("weather version:1.4 hw:c3 size<1MB seq>5 created<7d", &release_row_fields,
                       &rel, NULL));
    assert_false(passes("version>1.4", &release_row_fields, &rel, NULL));
}

/* ---- completion ---- */

static const void *nth(void *ctx, size_t n)
{
    static struct alert_row row;
    static const char *const rules[] = { "hot", "offline", "hot" };
    row = hot(ctx);
    if (n >= 3)
        return NULL;
    row.rule = rules[n];
    return &row;
}

static const char *hints(struct feed *f, const char *text)
{
    static char out[2048];
    struct filter_list list = {
        .rows = &alert_rows, .fleet = f->fleet, .row = nth, .ctx = f, .now_ms = f->now_ms
    };
    struct filter_hints h;
    size_t used = 0;
    filter_complete_list(text, strlen(text), &list, &h);
    out[0] = '\0';
    for (size_t i = 0; i < h.count && used < sizeof(out); i++)
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%s", i ? " " : "", h.word[i]);
    return out;
}

static void what_is_offered_is_of_the_list(void **state)
{
    struct feed *f = *state;
    assert_string_equal(hints(f, "sev"), "severity");
    assert_string_equal(hints(f, "severity>="), "info warn crit");
    assert_string_equal(hints(f, "rule:"), "hot offline");
    assert_string_equal(hints(f, "sta"), "state"); /* once, though a device has one, too */
    assert_string_equal(hints(f, "product="), "weather");
    assert_non_null(strstr(hints(f, ""), "temperature"));
    struct filter_list list = { .rows = &release_row_fields, .row = nth, .ctx = f };
    assert_non_null(filter_half_word_list("vers", &list));
    assert_null(filter_half_word_list("temper", &list));
}

#define OF_FLEET(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OF_FLEET(an_alert_is_found_by_its_own_fields),
        OF_FLEET(an_alert_is_found_by_what_its_device_is),
        OF_FLEET(a_rollouts_alert_has_no_device_and_lacks_its_fields),
        OF_FLEET(what_has_cleared_ages_no_more),
        cmocka_unit_test(a_mistake_names_the_words_there_are),
        OF_FLEET(the_facts_of_an_alert_are_the_alerts),
        cmocka_unit_test(silences_rollouts_and_releases_have_fields_of_their_own),
        OF_FLEET(what_is_offered_is_of_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
