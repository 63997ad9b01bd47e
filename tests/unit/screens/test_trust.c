#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "screens/trust.h"

#define NOW_MS INT64_C(1795183652000)
#define DAY    INT64_C(86400)

/* Where nothing is wrong. */
static struct ui_trust sound(void)
{
    struct ui_trust t = {
        .fleet = "demo",
        .named = true,
        .cert = { .cn = "operator-ada",
                  .client = true,
                  .not_before = NOW_MS / 1000 - DAY,
                  .not_after = NOW_MS / 1000 + 300 * DAY },
        .key = UI_KEY_FILE,
        .authority = { { .cn = "demo root CA",
                         .ca = true,
                         .not_after = NOW_MS / 1000 + 3000 * DAY } },
        .authority_count = 1,
        .rollout = { .at = UI_KEY_FILE, .kid = "1111111111111111" },
        .have_keyset = true,
        .keyset = { .fleet = "demo",
                    .version = 4,
                    .root_threshold = 1,
                    .keys = { .count = 2,
                              .key = { { .kid = "1111111111111111", .roles = KEY_ROLLOUT },
                                       { .kid = "2222222222222222",
                                         .roles = KEY_RELEASE,
                                         .revoked = true } } } }
    };
    return t;
}

/* The worst that is said of `what`, and its words. */
static enum trust_severity said(const struct ui_trust *t, const struct adoption *a,
                                const char *what, struct trust_finding *out)
{
    struct trust_finding list[TRUST_FINDINGS_MAX];
    size_t count = trust_findings(t, a, NOW_MS, list);
    enum trust_severity worst = TRUST_FINE;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].what, what) != 0 || list[i].severity < worst)
            continue;
        worst = list[i].severity;
        *out = list[i];
    }
    return worst;
}

static void nothing_is_wrong_where_nothing_is(void **state)
{
    const struct ui_trust t = sound();
    const struct adoption all = { .version = 4, .devices = 7, .have = 7 };
    struct trust_finding list[TRUST_FINDINGS_MAX];
    size_t count = trust_findings(&t, &all, NOW_MS, list);
    (void)state;

    assert_in_range(count, 5, TRUST_FINDINGS_MAX);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(list[i].severity, TRUST_FINE);
}

static void a_certificate_warns_before_it_ends_and_says_how_to_renew_it(void **state)
{
    struct ui_trust t = sound();
    struct trust_finding f;
    (void)state;

    t.cert.not_after = NOW_MS / 1000 + 30 * DAY;
    assert_int_equal(said(&t, NULL, "operator", &f), TRUST_FINE);
    t.cert.not_after = NOW_MS / 1000 + 30 * DAY - 1;
    assert_int_equal(said(&t, NULL, "operator", &f), TRUST_WARNING);
    assert_string_equal(f.text, "operator-ada, 29 days left");
    assert_non_null(strstr(f.todo, "muster pki operator ada --renew"));
    t.cert.not_after = NOW_MS / 1000 - 1;
    assert_int_equal(said(&t, NULL, "operator", &f), TRUST_BROKEN);
    assert_string_equal(f.text, "the certificate of operator-ada ended on 2026-11-20");
    t = sound();
    t.cert.not_before = NOW_MS / 1000 + 5;
    assert_int_equal(said(&t, NULL, "operator", &f), TRUST_BROKEN);
    assert_non_null(strstr(f.todo, "clock"));
}

static void days_left_are_whole_days(void **state)
{
    struct ui_cert c = { 0 };
    (void)state;

    c.not_after = NOW_MS / 1000 + 2 * DAY - 1;
    assert_int_equal(ui_cert_days(&c, NOW_MS), 1);
    c.not_after = NOW_MS / 1000 - 1;
    assert_int_equal(ui_cert_days(&c, NOW_MS), -1);
    c.not_after = NOW_MS / 1000 - DAY - 1;
    assert_int_equal(ui_cert_days(&c, NOW_MS), -2);
}

static void an_authority_warns_earlier(void **state)
{
    struct ui_trust t = sound();
    struct trust_finding f;
    (void)state;

    t.authority[0].not_after = NOW_MS / 1000 + 80 * DAY;

    assert_int_equal(said(&t, NULL, "authority", &f), TRUST_WARNING);
}

static void what_cannot_be_read_is_said_with_what_to_do(void **state)
{
    struct ui_trust t = sound();
    struct trust_finding f;
    (void)state;

    snprintf(t.cert_trouble, sizeof(t.cert_trouble), "cannot open operator.pem");
    assert_int_equal(said(&t, NULL, "operator", &f), TRUST_BROKEN);
    assert_string_equal(f.text, "cannot open operator.pem");
    assert_non_null(strstr(f.todo, "[broker] cert"));
    t = sound();
    t.key = UI_KEY_OPEN;
    snprintf(t.key_path, sizeof(t.key_path), "pki/operator-ada.key");
    assert_int_equal(said(&t, NULL, "operator key", &f), TRUST_WARNING);
    assert_string_equal(f.todo, "chmod 600 pki/operator-ada.key");
    t.key = UI_KEY_MISSING;
    snprintf(t.key_path, sizeof(t.key_path), "/etc/muster/ada.key");
    snprintf(t.key_cause, sizeof(t.key_cause), "Permission denied");
    assert_int_equal(said(&t, NULL, "operator key", &f), TRUST_BROKEN);
    assert_string_equal(f.text, "cannot read /etc/muster/ada.key: Permission denied");
    assert_non_null(strstr(f.todo, "[broker] key"));
    t.key = UI_KEY_TOKEN;
    assert_int_equal(said(&t, NULL, "operator key", &f), TRUST_FINE);
    t.key_differs = true;
    assert_int_equal(said(&t, NULL, "operator key", &f), TRUST_BROKEN);
    t = sound();
    t.release.at = UI_KEY_MISSING; /* it may be elsewhere */
    snprintf(t.release.cause, sizeof(t.release.cause), "No such file or directory");
    assert_int_equal(said(&t, NULL, "release key", &f), TRUST_NOTE);
    assert_non_null(strstr(f.text, "No such file or directory"));
}

static void a_keyset_that_is_not_named_or_of_another_fleet_is_said(void **state)
{
    struct ui_trust t = sound();
    struct trust_finding f;
    (void)state;

    snprintf(t.fleet, sizeof(t.fleet), "other");
    assert_int_equal(said(&t, NULL, "keyset", &f), TRUST_BROKEN);
    t.have_keyset = false;
    assert_int_equal(said(&t, NULL, "keyset", &f), TRUST_WARNING);
    assert_non_null(strstr(f.todo, "[trust] keyset"));
    snprintf(t.keyset_trouble, sizeof(t.keyset_trouble), "keyset.json: bad signature");
    assert_int_equal(said(&t, NULL, "keyset", &f), TRUST_BROKEN);
}

static void a_key_that_the_keyset_does_not_trust_is_said(void **state)
{
    struct ui_trust t = sound();
    struct trust_finding f;
    (void)state;

    snprintf(t.rollout.kid, sizeof(t.rollout.kid), "3333333333333333");
    assert_int_equal(said(&t, NULL, "rollout key", &f), TRUST_BROKEN);
    assert_non_null(strstr(f.text, "unknown_key"));
    t = sound();
    t.release = (struct ui_signing_key){ .at = UI_KEY_FILE, .kid = "2222222222222222" };
    assert_int_equal(said(&t, NULL, "release key", &f), TRUST_BROKEN);
    assert_non_null(strstr(f.text, "revoked_key"));
    assert_false(ui_trusts(&t, "2222222222222222", KEY_RELEASE));
    assert_true(ui_trusts(&t, "1111111111111111", KEY_ROLLOUT));
    assert_false(ui_trusts(&t, "1111111111111111", KEY_RELEASE));
}

static void devices_behind_are_counted_with_the_command_that_helps(void **state)
{
    const struct ui_trust t = sound();
    struct adoption a = {
        .version = 4, .devices = 10, .have = 6, .before = 1, .older = 2, .unknown = 1
    };
    struct trust_finding f;
    (void)state;

    assert_int_equal(said(&t, &a, "adoption", &f), TRUST_WARNING);
    assert_memory_equal(f.text, "3 of 10 devices lack keyset 4", 29);
    assert_non_null(strstr(f.todo, "muster keys push"));
    a = (struct adoption){ .version = 4, .devices = 10, .have = 9, .unknown = 1 };
    assert_int_equal(said(&t, &a, "adoption", &f), TRUST_NOTE);
    a.cert_ended = 1;
    assert_int_equal(said(&t, &a, "device certs", &f), TRUST_BROKEN);
}

/* Everything at once, as bad as it gets, still fits. */
static void no_set_of_facts_is_too_long(void **state)
{
    struct ui_trust t = sound();
    struct trust_finding list[TRUST_FINDINGS_MAX];
    const struct adoption a = { .version = 4,
                                .devices = 9,
                                .before = 3,
                                .unknown = 2,
                                .cert_ended = 1,
                                .cert_soon = 2,
                                .cert_first = 1 };
    (void)state;

    t.key_differs = true;
    t.authority_count = UI_AUTHORITY_MAX;
    snprintf(t.authority_trouble, sizeof(t.authority_trouble), "no");
    snprintf(t.fleet, sizeof(t.fleet), "other");
    snprintf(t.rollout.kid, sizeof(t.rollout.kid), "3333333333333333");
    snprintf(t.release.kid, sizeof(t.release.kid), "3333333333333333");

    assert_in_range(trust_findings(&t, &a, NOW_MS, list), 1, TRUST_FINDINGS_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_wrong_where_nothing_is),
        cmocka_unit_test(a_certificate_warns_before_it_ends_and_says_how_to_renew_it),
        cmocka_unit_test(days_left_are_whole_days),
        cmocka_unit_test(an_authority_warns_earlier),
        cmocka_unit_test(what_cannot_be_read_is_said_with_what_to_do),
        cmocka_unit_test(a_keyset_that_is_not_named_or_of_another_fleet_is_said),
        cmocka_unit_test(a_key_that_the_keyset_does_not_trust_is_said),
        cmocka_unit_test(devices_behind_are_counted_with_the_command_that_helps),
        cmocka_unit_test(no_set_of_facts_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
