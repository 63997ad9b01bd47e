/*
 * Alerts between fleet, journal and people: what is kept, and who is told of what, once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "alerting.h"
#include "base/text.h"
#include "ossl/crypto.h"
#include "store/alerts.h"

#define NOW_MS   INT64_C(1790000000000)
#define SAID_MAX 64

struct world {
    char dir[64], journal[128];
    struct profile profile;
    struct fleet *fleet;
    struct store *store;
    struct alerting *alerting;
    struct log log;
    int64_t now_ms;
    char said[SAID_MAX][200]; /* "fires hot: a: temp>30" */
    size_t said_count;
};

static void quiet(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    (void)level;
    (void)text;
}

static void tell(void *ctx, const struct alert_rule *rule, enum alert_event_kind kind,
                 const char *subject, const char *text, int64_t now_ms)
{
    struct world *w = ctx;
    (void)text;
    (void)now_ms;
    if (w->said_count < SAID_MAX)
        snprintf(w->said[w->said_count++], sizeof(w->said[0]), "%s %s: %s",
                 kind == ALERT_FIRED ? "fires" : "over", rule->name, subject);
}

static void begin(struct world *w)
{
    struct alerting_config config = {
        .profile = &w->profile, .fleet = w->fleet, .log = &w->log, .tell = tell, .ctx = w
    };
    struct err err;
    w->store = store_open(w->journal, false, ossl_crypto(), &err);
    assert_non_null(w->store);
    config.store = w->store;
    w->alerting = alerting_new(&config, &err);
    if (!w->alerting)
        fail_msg("%s", err.text);
}

static void end(struct world *w)
{
    alerting_free(w->alerting);
    store_close(w->store);
    w->alerting = NULL;
    w->store = NULL;
}

static void pass(struct world *w, int64_t ms)
{
    struct fleet_event tick = { .kind = FLEET_EV_TICK };
    for (int64_t i = 0; i < ms; i += 100) {
        w->now_ms += 100;
        fleet_apply(w->fleet, &tick, w->now_ms);
        alerting_tick(w->alerting, true, NULL, 0, w->now_ms);
    }
}

static void say(struct world *w, const char *id, double temperature)
{
    char topic[96], body[64];
    snprintf(topic, sizeof(topic), "devices/%s/telemetry/env", id);
    snprintf(body, sizeof(body), "{\"temp\":%.1f}", temperature);
    struct fleet_event ev = {
        .kind = FLEET_EV_MESSAGE, .topic = topic, .body = body, .len = strlen(body)
    };
    fleet_apply(w->fleet, &ev, w->now_ms);
}

static void line(struct world *w, const char *key, const char *value)
{
    struct profile_alert_line *l = &w->profile.alert[w->profile.alert_count++];
    text_copy(l->rule, sizeof(l->rule), "hot");
    text_copy(l->key, sizeof(l->key), key);
    text_copy(l->value, sizeof(l->value), value);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct fleet_config config = { .root = "devices" };
    struct fleet_event up = { .kind = FLEET_EV_LINK_UP };
    snprintf(w->dir, sizeof(w->dir), "/tmp/muster-alerting-XXXXXX");
    if (!mkdtemp(w->dir))
        return -1;
    snprintf(w->journal, sizeof(w->journal), "%s/muster.db", w->dir);
    text_copy(w->profile.journal, sizeof(w->profile.journal), w->journal);
    line(w, "when", "temp>30");
    line(w, "level", "crit");
    w->log = (struct log){ .sink = quiet, .least = LOG_ERROR };
    w->fleet = fleet_new(&config);
    w->now_ms = NOW_MS;
    fleet_apply(w->fleet, &up, w->now_ms);
    begin(w);
    say(w, "a", 20);
    say(w, "b", 20);
    pass(w, ALERT_SETTLE_MS + 2000);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    char command[160];
    end(w);
    fleet_free(w->fleet);
    snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    int rc = system(command);
    free(w);
    return rc;
}

static size_t told(const struct world *w, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < w->said_count; i++)
        count += strcmp(w->said[i], text) == 0;
    return count;
}

static void the_first_is_told_at_once_and_the_rest_as_one(void **state)
{
    struct world *w = *state;
    char id[16];
    for (int i = 1; i <= 5; i++) {
        snprintf(id, sizeof(id), "site-%d", i);
        say(w, id, 40);
    }
    pass(w, 2000);
    assert_int_equal(w->said_count, 1);
    pass(w, ALERTING_DIGEST_MS);
    assert_int_equal(w->said_count, 2);
    assert_string_equal(w->said[0], "fires hot: site-1");
    assert_string_equal(w->said[1], "fires hot: 4 devices: site-2, site-3, site-4 …");
}

static void one_device_that_comes_and_goes_is_one_device(void **state)
{
    struct world *w = *state;
    say(w, "b", 40);
    pass(w, 1500);
    for (int i = 0; i < 3; i++) {
        say(w, "a", 40);
        pass(w, 1200);
        say(w, "a", 20);
        pass(w, 1200);
    }
    pass(w, ALERTING_DIGEST_MS);
    assert_int_equal(told(w, "fires hot: b"), 1);
    assert_int_equal(told(w, "fires hot: a"), 1);
}

static void what_waits_to_be_told_as_one_is_told_when_the_process_ends(void **state)
{
    struct world *w = *state;
    say(w, "a", 40);
    pass(w, 1500);
    say(w, "b", 40);
    pass(w, 1500);
    assert_int_equal(w->said_count, 1);
    end(w);
    assert_int_equal(told(w, "fires hot: b"), 1);
    begin(w);
    pass(w, ALERT_SETTLE_MS + 3 * ALERTING_DIGEST_MS);
    assert_int_equal(w->said_count, 2); /* and not again */
}

static void silence(struct world *w, const char *target, int64_t until_ms)
{
    struct store_silence s = { .made_ms = w->now_ms, .until_ms = until_ms };
    struct err err;
    int64_t id;
    text_copy(s.target, sizeof(s.target), target);
    text_copy(s.who, sizeof(s.who), "anna@gw1");
    text_copy(s.reason, sizeof(s.reason), "oven day");
    if (store_silence_add(w->store, &s, &id, &err))
        fail_msg("%s", err.text);
}

static void what_fired_under_a_silence_is_told_when_that_ends(void **state)
{
    struct world *w = *state;
    silence(w, "id=a", w->now_ms + 20000);
    pass(w, 2000);
    say(w, "a", 40);
    pass(w, 5000);
    assert_int_equal(w->said_count, 0);
    pass(w, 20000);
    assert_int_equal(told(w, "fires hot: a"), 1);
    pass(w, 40000);
    assert_int_equal(w->said_count, 1);
}

/* A later version may know fields that this one does not. */
static void a_silence_that_cannot_be_read_silences_no_alert(void **state)
{
    struct world *w = *state;
    silence(w, "id=b", w->now_ms + 600000);
    silence(w, "id=a", w->now_ms + 600000);
    end(w);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(w->journal, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE silences SET target='id>' WHERE target='id=a'", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    sqlite3_close(db);
    begin(w);
    pass(w, 2000);
    say(w, "a", 40);
    say(w, "b", 40);
    pass(w, ALERT_SETTLE_MS + 2 * ALERTING_DIGEST_MS);
    assert_int_equal(told(w, "fires hot: a"), 1);
    assert_int_equal(told(w, "fires hot: b"), 0);
}

static void a_clock_set_back_does_not_keep_what_is_told_as_one(void **state)
{
    struct world *w = *state;
    say(w, "a", 40);
    pass(w, 1500);
    say(w, "b", 40);
    pass(w, 1500);
    w->now_ms -= 3600000;
    pass(w, 2 * ALERTING_DIGEST_MS);
    assert_int_equal(told(w, "fires hot: b"), 1);
}

#define IN_WORLD(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(the_first_is_told_at_once_and_the_rest_as_one),
        IN_WORLD(one_device_that_comes_and_goes_is_one_device),
        IN_WORLD(what_waits_to_be_told_as_one_is_told_when_the_process_ends),
        IN_WORLD(what_fired_under_a_silence_is_told_when_that_ends),
        IN_WORLD(a_silence_that_cannot_be_read_silences_no_alert),
        IN_WORLD(a_clock_set_back_does_not_keep_what_is_told_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
