#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "device_cert.h"
#include "files/files.h"
#include "identity/pki.h"
#include "trust.h"
#include "tree.h"

/* What is read of the files of a fleet made by `muster pki init`. */

#define NOW_S  INT64_C(1790000000)
#define NOW_MS (NOW_S * 1000)
#define DAY    INT64_C(86400)

struct place {
    char dir[64];
    struct profile profile;
};

static void in(const struct place *p, const char *name, char out[PROFILE_PATH_MAX])
{
    assert_true(text_format(out, PROFILE_PATH_MAX, "%s/pki/%s", p->dir, name));
}

static int make(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    const struct pki_init how = { .fleet = "test",
                                  .root = "devices",
                                  .broker = { { "127.0.0.1" }, 1, 8883 },
                                  .gateway = { { "127.0.0.1" }, 1, 8443 } };
    struct pki_init init = how;
    struct err e = { 0 };

    snprintf(p->dir, sizeof(p->dir), "/tmp/muster-trust-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    init.dir = p->dir;
    assert_int_equal(pki_init(&init, NOW_S, &e), 0);
    text_copy(p->profile.fleet, sizeof(p->profile.fleet), "test");
    in(p, "ca-bundle.pem", p->profile.broker.ca);
    in(p, "operator-admin.pem", p->profile.broker.cert);
    in(p, "operator-admin.key", p->profile.broker.key);
    in(p, "keys/keyset.json", p->profile.trust.keyset);
    in(p, "keys/rollout.key", p->profile.trust.rollout_key);
    in(p, "keys/release.key", p->profile.trust.release_key);
    *state = p;
    return 0;
}

static int drop(void **state)
{
    struct place *p = *state;
    tree_remove(p->dir);
    free(p);
    return 0;
}

static void what_pki_init_made_is_read_whole_and_nothing_is_wrong(void **state)
{
    const struct place *p = *state;
    struct trust_finding finding[TRUST_FINDINGS_MAX];
    struct trust *t = trust_new(&p->profile);

    assert_true(trust_look(t, NOW_MS));

    const struct ui_trust *f = trust_facts(t);
    assert_string_equal(f->cert.cn, "operator-admin");
    assert_string_equal(f->cert.issuer, "test operators CA");
    assert_int_equal(f->key, UI_KEY_FILE);
    assert_int_equal(f->authority_count, 3);
    assert_int_equal(f->keyset.version, 1);
    assert_int_equal(f->since[0], 1);
    assert_true(ui_trusts(f, f->rollout.kid, KEY_ROLLOUT));
    assert_true(ui_trusts(f, f->release.kid, KEY_RELEASE));
    size_t count = trust_findings(f, NULL, NOW_MS, finding);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(finding[i].severity, TRUST_FINE);
    trust_free(t);
}

static void files_are_read_again_when_they_change_and_not_before(void **state)
{
    struct place *p = *state;
    struct trust *t = trust_new(&p->profile);

    assert_true(trust_look(t, NOW_MS));
    assert_false(trust_look(t, NOW_MS + TRUST_PERIOD_MS));
    assert_int_equal(chmod(p->profile.broker.key, 0644), 0);
    assert_false(trust_look(t, NOW_MS + TRUST_PERIOD_MS + 1)); /* looked at a moment ago */
    assert_true(trust_look(t, NOW_MS + 2 * TRUST_PERIOD_MS));
    assert_int_equal(trust_facts(t)->key, UI_KEY_OPEN);
    assert_int_equal(unlink(p->profile.broker.cert), 0);
    assert_true(trust_look(t, NOW_MS + 3 * TRUST_PERIOD_MS));
    assert_non_null(strstr(trust_facts(t)->cert_trouble, "operator-admin.pem"));
    trust_free(t);
}

static void a_key_of_another_certificate_is_noticed_and_a_token_is_not_asked(void **state)
{
    struct place *p = *state;
    struct trust *t = trust_new(&p->profile);

    in(p, "broker.key", p->profile.broker.key);
    assert_true(trust_look(t, NOW_MS));
    assert_true(trust_facts(t)->key_differs);
    trust_free(t);
    text_copy(p->profile.broker.key, sizeof(p->profile.broker.key), "pkcs11:token=none;object=x");
    t = trust_new(&p->profile);
    assert_true(trust_look(t, NOW_MS));
    assert_int_equal(trust_facts(t)->key, UI_KEY_TOKEN);
    assert_false(trust_facts(t)->key_differs);
    trust_free(t);
}

/* What may be named instead of a key, and the cause that is said. */
static void a_key_that_cannot_be_used_has_its_cause(void **state)
{
    static const struct {
        const char *name, *cause;
    } row[] = {
        { "nowhere.key", "No such file or directory" },
        { "operator-admin.key/x", "Not a directory" },
        { "keys", "it is not a file" },
        { "operator-admin.pem", "there is no private key in it (PEM)" },
        { "keys/keyset.json", "there is no private key in it (PEM)" },
    };
    struct place *p = *state;

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        in(p, row[i].name, p->profile.broker.key);
        in(p, row[i].name, p->profile.trust.rollout_key);
        struct trust *t = trust_new(&p->profile);
        assert_true(trust_look(t, NOW_MS));

        assert_int_equal(trust_facts(t)->key, UI_KEY_MISSING);
        assert_string_equal(trust_facts(t)->key_cause, row[i].cause);
        assert_int_equal(trust_facts(t)->rollout.at, UI_KEY_MISSING);
        assert_string_equal(trust_facts(t)->rollout.cause, row[i].cause);
        assert_string_equal(trust_facts(t)->rollout.kid, "");
        trust_free(t);
    }
}

static void a_profile_that_names_nothing_is_no_error(void **state)
{
    const struct profile empty = { .fleet = "test" };
    struct trust *t = trust_new(&empty);
    (void)state;

    assert_true(trust_look(t, NOW_MS));
    assert_false(trust_facts(t)->named);
    assert_false(trust_facts(t)->have_keyset);
    assert_string_equal(trust_facts(t)->keyset_trouble, "");
    trust_free(t);
}

static void make_device(const struct place *p, const char *id, const char *out, int64_t now)
{
    char dir[128];
    struct err e = { 0 };

    snprintf(dir, sizeof(dir), "%s/%s", p->dir, out);
    if (pki_device(p->dir, id, dir, NULL, 0, 100, now, &e) != 0)
        fail_msg("%s", e.text);
}

static void of_several_certificates_the_one_that_the_device_names_counts(void **state)
{
    const struct place *p = *state;
    struct ui_device_cert c;
    char pki[PROFILE_PATH_MAX], source[96];

    make_device(p, "sensor-001", "a", NOW_S);
    make_device(p, "sensor-001", "b", NOW_S + 10 * DAY);
    make_device(p, "sensor-0010", "c", NOW_S); /* begins alike */
    text_format(pki, sizeof(pki), "%s/pki", p->dir);
    struct registry *r = registry_new(pki);
    assert_non_null(r);

    device_cert_find(r, "sensor-001", 0, &c);
    assert_int_equal(c.known, UI_CERT_ISSUED);
    assert_int_equal(c.issued, 2);
    assert_int_equal(c.cert.not_after, NOW_S + 110 * DAY - 3600);
    assert_string_equal(c.cert.cn, "sensor-001");
    assert_string_equal(ui_device_cert_source(&c, source, sizeof(source)), "issued here");

    device_cert_find(r, "sensor-001", (uint64_t)(NOW_S + 100 * DAY - 3600), &c);
    assert_int_equal(c.cert.not_after, NOW_S + 100 * DAY - 3600);
    assert_true(ui_device_cert_agrees(&c));

    device_cert_find(r, "sensor-001", NOW_S + 55 * DAY, &c);
    assert_false(ui_device_cert_agrees(&c));
    ui_device_cert_source(&c, source, sizeof(source));
    assert_non_null(strstr(source, "its status names one that ends 2026-11-15"));

    device_cert_find(r, "sensor-002", 0, &c);
    assert_int_equal(c.known, UI_CERT_NONE);
    registry_free(r);
}

static void without_an_authority_here_nothing_is_claimed(void **state)
{
    struct ui_device_cert c;
    char source[96];
    (void)state;

    device_cert_find(NULL, "sensor-001", NOW_S + 5, &c);

    assert_int_equal(c.known, UI_CERT_NO_AUTHORITY);
    assert_int_equal(c.status_not_after, NOW_S + 5);
    assert_string_equal(ui_device_cert_source(&c, source, sizeof(source)),
                        "not known here: this host has no authority");
}

#define T(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_pki_init_made_is_read_whole_and_nothing_is_wrong),
        T(files_are_read_again_when_they_change_and_not_before),
        T(a_key_of_another_certificate_is_noticed_and_a_token_is_not_asked),
        T(a_key_that_cannot_be_used_has_its_cause),
        T(a_profile_that_names_nothing_is_no_error),
        T(of_several_certificates_the_one_that_the_device_names_counts),
        T(without_an_authority_here_nothing_is_claimed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
