#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim.h"
#include "store/alerts.h"
#include "tree.h"

#define NOW_MS 1790000000000

struct place {
    char dir[64];
    char path[96];
    struct store *store;
};

static int new_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    struct err err;

    snprintf(p->dir, sizeof(p->dir), "/tmp/muster-alerts-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof(p->path), "%s/muster.db", p->dir);
    p->store = store_open(p->path, false, &sim_crypto, &err);
    *state = p;
    return p->store ? 0 : -1;
}

static int drop_place(void **state)
{
    struct place *p = *state;

    store_close(p->store);
    tree_remove(p->dir);
    free(p);
    return 0;
}

static void fire(struct place *p, const char *subject, int64_t at_ms)
{
    struct store_alert a = { .rule = "hot",
                             .level = "crit",
                             .text = "temp>30: 31.4",
                             .since_ms = at_ms - 1000,
                             .fired_ms = at_ms };
    struct err err;

    snprintf(a.subject, sizeof(a.subject), "%s", subject);
    assert_int_equal(store_alert_fired(p->store, &a, &err), 0);
}

static void what_fires_is_open_until_it_is_cleared(void **state)
{
    struct place *p = *state;
    struct store_alert out[4];
    struct err err;

    fire(p, "a", NOW_MS);
    fire(p, "b", NOW_MS + 1);
    struct store_alert again = {
        .rule = "hot", .subject = "b", .level = "crit", .fired_ms = NOW_MS + 2
    };
    assert_int_equal(store_alert_fired(p->store, &again, &err), 1);
    assert_int_equal(store_alert_open(p->store, out, 4, &err), 2);
    assert_string_equal(out[0].subject, "b");
    assert_int_equal(out[0].since_ms, NOW_MS + 1 - 1000);
    assert_int_equal(store_alert_cleared(p->store, "hot", "b", NOW_MS + 9, &err), 0);

    assert_int_equal(store_alert_open(p->store, out, 4, &err), 1);
    assert_int_equal(store_alert_list(p->store, NOW_MS + 1, out, 4, &err), 1);
    assert_int_equal(out[0].cleared_ms, NOW_MS + 9);
}

static void an_acknowledgement_says_who_and_is_audited_once(void **state)
{
    struct place *p = *state;
    struct store_alert out[4];
    struct err err;
    int64_t row;

    fire(p, "a", NOW_MS);
    assert_int_equal(store_alert_ack(p->store, "hot", "a", "alice@gw", NOW_MS + 5, &err), 0);
    assert_int_equal(store_alert_ack(p->store, "hot", "a", "bob@gw", NOW_MS + 6, &err), 1);
    assert_int_equal(store_alert_ack(p->store, "hot", "zzz", "bob@gw", NOW_MS + 6, &err), 1);

    assert_int_equal(store_alert_open(p->store, out, 4, &err), 1);
    assert_string_equal(out[0].ack_who, "alice@gw");
    assert_int_equal(out[0].ack_ms, NOW_MS + 5);
    assert_int_equal(store_audit_verify(p->store, &row, &err), 0);
    assert_int_equal(row, 1);
}

static void a_silence_is_in_force_until_its_time_or_its_end(void **state)
{
    struct place *p = *state;
    struct store_silence s = { .rule = "hot",
                               .target = "group:berlin",
                               .who = "alice@gw",
                               .reason = "oven day",
                               .made_ms = NOW_MS,
                               .until_ms = NOW_MS + 1000 };
    struct store_silence out[4];
    struct err err;
    int64_t id;

    assert_int_equal(store_silence_add(p->store, &s, &id, &err), 0);
    assert_int_equal(store_silence_list(p->store, NOW_MS + 999, out, 4, &err), 1);
    assert_string_equal(out[0].reason, "oven day");
    assert_int_equal(store_silence_list(p->store, NOW_MS + 1000, out, 4, &err), 0);
    assert_int_equal(store_silence_end(p->store, id, "bob@gw", NOW_MS + 10, &err), 0);
    assert_int_equal(store_silence_end(p->store, id, "bob@gw", NOW_MS + 20, &err), 1);

    assert_int_equal(store_silence_list(p->store, NOW_MS + 11, out, 4, &err), 0);
}

static void one_silence_more_than_can_be_in_force_is_refused(void **state)
{
    struct place *p = *state;
    struct store_silence s = { .who = "alice@gw", .reason = "x", .made_ms = NOW_MS };
    struct store_silence out[STORE_SILENCES + 1];
    struct err err;
    int64_t id, first = 0;

    for (int i = 0; i < STORE_SILENCES; i++) {
        s.until_ms = NOW_MS + 1000;
        assert_int_equal(store_silence_add(p->store, &s, &id, &err), 0);
        first = first ? first : id;
    }
    assert_int_equal(store_silence_add(p->store, &s, &id, &err), -1);
    assert_int_equal(err.code, EXIT_REFUSED);
    assert_int_equal(store_silence_list(p->store, NOW_MS, out, STORE_SILENCES + 1, &err),
                     STORE_SILENCES);
    assert_int_equal(store_silence_end(p->store, first, "bob@gw", NOW_MS, &err), 0);
    assert_int_equal(store_silence_add(p->store, &s, &id, &err), 0);
    s.made_ms = NOW_MS + 1000; /* those are over */
    s.until_ms = NOW_MS + 2000;
    assert_int_equal(store_silence_add(p->store, &s, &id, &err), 0);
}

static void many_are_kept_in_one_go_and_what_is_news_is_told(void **state)
{
    struct place *p = *state;
    struct store_alert rows[3] = {
        { .rule = "hot", .subject = "a", .level = "crit", .fired_ms = NOW_MS },
        { .rule = "hot", .subject = "a", .level = "crit", .fired_ms = NOW_MS + 1 },
        { .rule = "hot", .subject = "b", .level = "crit", .fired_ms = NOW_MS }
    };
    struct store_alert out[4];
    bool fresh[3];
    struct err err;

    assert_int_equal(store_alerts_put(p->store, rows, 3, fresh, &err), 0);
    assert_true(fresh[0] && !fresh[1] && fresh[2]);
    rows[0].cleared_ms = NOW_MS + 5;
    assert_int_equal(store_alerts_put(p->store, rows, 1, fresh, &err), 0);

    assert_int_equal(store_alert_open(p->store, out, 4, &err), 1);
    assert_string_equal(out[0].subject, "b");
}

static void each_change_raises_the_version(void **state)
{
    struct place *p = *state;
    struct err err;
    int64_t before, after;

    assert_int_equal(store_alerts_version(p->store, &before, &err), 0);
    fire(p, "a", NOW_MS);
    assert_int_equal(store_alerts_version(p->store, &after, &err), 0);
    assert_true(after > before);
    before = after;
    store_alert_ack(p->store, "hot", "a", "alice@gw", NOW_MS, &err);
    store_alerts_version(p->store, &after, &err);
    assert_true(after > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_fires_is_open_until_it_is_cleared, new_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(an_acknowledgement_says_who_and_is_audited_once, new_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(one_silence_more_than_can_be_in_force_is_refused, new_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(a_silence_is_in_force_until_its_time_or_its_end, new_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(many_are_kept_in_one_go_and_what_is_news_is_told, new_place,
                                        drop_place),
        cmocka_unit_test_setup_teardown(each_change_raises_the_version, new_place, drop_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
