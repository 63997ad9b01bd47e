#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/files.h"
#include "identity/pki.h"
#include "ossl/crypto.h"
#include "protocol/keyset.h"
#include "tree.h"

#define NOW 1790000000

static int make_dir(void **state)
{
    char *dir = strdup("/tmp/muster-identity-XXXXXX");
    *state = dir;
    return dir && mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    tree_remove(*state);
    free(*state);
    return 0;
}

static int init(const char *dir, struct err *e)
{
    const struct pki_init how = { .dir = dir,
                                  .fleet = "test",
                                  .root = "devices",
                                  .broker = { { "broker.example" }, 1, 8883 },
                                  .gateway = { { "gw.example", "10.1.2.3" }, 2, 8443 } };
    return pki_init(&how, NOW, e);
}

static char *slurp(const char *dir, const char *name)
{
    char path[FILES_PATH_MAX], *text;
    struct err e;
    assert_int_equal(files_join(path, dir, name, &e), 0);
    assert_int_equal(files_read(path, 1 << 20, &text, NULL, &e), 0);
    return text;
}

static void a_second_init_is_refused_and_changes_nothing(void **state)
{
    const char *dir = *state;
    struct err e = { 0 };
    assert_int_equal(init(dir, &e), 0);
    char *before = slurp(dir, "pki/root.key");

    assert_int_equal(init(dir, &e), -1);

    assert_int_equal(e.code, EXIT_REFUSED);
    char *after = slurp(dir, "pki/root.key");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void a_failed_init_leaves_no_half_folder(void **state)
{
    const char *dir = *state;
    char path[FILES_PATH_MAX], **names;
    size_t count;
    struct err e = { 0 };
    const struct pki_init bad = { .dir = dir,
                                  .fleet = "test",
                                  .root = "devices",
                                  .broker = { { "ok", "not a host" }, 2, 8883 },
                                  .gateway = { { "ok" }, 1, 8443 } };

    assert_int_equal(pki_init(&bad, NOW, &e), -1);

    assert_non_null(strstr(e.text, "not a host"));
    assert_int_equal(files_join(path, dir, "pki", &e), 0);
    assert_false(files_exists(path));
    assert_int_equal(files_list(dir, &names, &count, &e), 0);
    assert_int_equal(count, 0);
    files_list_free(names, count);
}

static void a_name_that_would_break_a_configuration_file_is_refused(void **state)
{
    const char *bad[] = { "", "a b", "a\nuser x", "../x", "a/b" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = { 0 };
        struct pki_init how = { .dir = *state,
                                .fleet = bad[i],
                                .root = "devices",
                                .broker = { { "ok" }, 1, 8883 },
                                .gateway = { { "ok" }, 1, 8443 } };
        assert_int_equal(pki_init(&how, NOW, &e), -1);
        how.fleet = "test";
        how.root = bad[i];
        assert_int_equal(pki_init(&how, NOW, &e), -1);
        how.root = "devices";
        how.broker.host[0] = bad[i];
        assert_int_equal(pki_init(&how, NOW, &e), -1);
    }
}

static void an_interrupted_init_is_completed_by_config(void **state)
{
    const char *dir = *state;
    struct err e = { 0 };
    char path[FILES_PATH_MAX];
    assert_int_equal(init(dir, &e), 0);
    assert_int_equal(files_join(path, dir, "profile.ini", &e), 0);
    assert_int_equal(unlink(path), 0);

    assert_int_equal(pki_config(dir, false, &e), 0);

    char *profile = slurp(dir, "profile.ini");
    assert_non_null(strstr(profile, "host = broker.example\nport = 8884\n"));
    assert_non_null(strstr(profile, "url = https://gw.example:8443/firmware/\n"));
    free(profile);
}

static void the_keyset_is_signed_by_its_root_and_knows_each_role(void **state)
{
    const char *dir = *state;
    struct err e = { 0 };
    struct keyset keyset;
    assert_int_equal(init(dir, &e), 0);

    char *text = slurp(dir, "pki/keys/keyset.json");
    assert_int_equal(keyset_open(text, strlen(text), &keyset), REASON_NONE);
    assert_int_equal(keyset_verify(text, strlen(text), ossl_crypto(), &keyset), REASON_NONE);

    assert_string_equal(keyset.fleet, "test");
    assert_int_equal(keyset.version, 1);
    assert_int_equal(keyset.keys.count, 3);
    uint8_t roles = 0;
    for (uint32_t i = 0; i < keyset.keys.count; i++)
        roles |= keyset.keys.key[i].roles;
    assert_int_equal(roles, KEY_ROOT | KEY_RELEASE | KEY_ROLLOUT);
    free(text);
}

static int device(const char *dir, const char *id, const struct pki_setting *set, size_t count,
                  struct err *e)
{
    char out[FILES_PATH_MAX];
    assert_true(snprintf(out, sizeof(out), "%s/out", dir) > 0);
    return pki_device(dir, id, out, set, count, 365, NOW, e);
}

static void a_device_gets_what_it_was_set_and_never_a_second_key(void **state)
{
    const char *dir = *state;
    const struct pki_setting set[] = { { "interval", "5" }, { "groups", "berlin,outdoor" } };
    struct err e = { 0 };
    assert_int_equal(init(dir, &e), 0);

    assert_int_equal(device(dir, "sensor-001", set, 2, &e), 0);

    char *nvs = slurp(dir, "out/nvs.csv");
    assert_non_null(strstr(nvs, "key,type,encoding,value\nfactory,namespace,,\n"));
    assert_non_null(strstr(nvs, "\nid,data,string,sensor-001\n"));
    assert_non_null(strstr(nvs, "\nroot,data,string,devices\n"));
    assert_non_null(strstr(nvs, "\ninterval,data,u32,5\n"));
    assert_non_null(strstr(nvs, "\ngroups,data,string,\"berlin,outdoor\"\n"));
    assert_non_null(strstr(nvs, "\nbroker_host,data,string,broker.example\n"));
    assert_non_null(strstr(nvs, "\nbroker_port,data,u16,8883\n"));
    assert_non_null(strstr(nvs, "\nkeyset,data,string,\"{\"\"payload\"\":"));
    assert_non_null(strstr(nvs, "\nkey,data,string,\"-----BEGIN PRIVATE KEY-----\n"));
    free(nvs);
    assert_int_equal(device(dir, "sensor-001", set, 2, &e), -1);
    assert_int_equal(e.code, EXIT_REFUSED);
}

static void an_interrupted_device_is_completed_with_the_key_it_has(void **state)
{
    const char *dir = *state;
    struct err e = { 0 };
    char path[FILES_PATH_MAX];
    assert_int_equal(init(dir, &e), 0);
    assert_int_equal(device(dir, "sensor-001", NULL, 0, &e), 0);
    char *key = slurp(dir, "out/device.key");
    assert_int_equal(files_join(path, dir, "out/nvs.csv", &e), 0);
    assert_int_equal(unlink(path), 0);

    assert_int_equal(device(dir, "sensor-001", NULL, 0, &e), 0);

    char *nvs = slurp(dir, "out/nvs.csv");
    assert_non_null(strstr(nvs, key));
    free(nvs);
    free(key);
}

static void what_an_interrupted_init_left_is_cleared_away(void **state)
{
    const char *dir = *state;
    struct err e = { 0 };
    char path[FILES_PATH_MAX], file[FILES_PATH_MAX];
    assert_int_equal(files_join(path, dir, "pki.tmp/keys", &e), 0);
    assert_int_equal(files_mkdirs(NULL, path, 0700, &e), 0);
    assert_int_equal(files_join(file, path, "root.key", &e), 0);
    assert_int_equal(files_write(NULL, file, "old", 3, 0600, FILES_NEW, &e), 0);

    assert_int_equal(init(dir, &e), 0);

    assert_int_equal(files_join(path, dir, "pki.tmp", &e), 0);
    assert_false(files_exists(path));
}

static void a_setting_that_no_device_has_or_takes_is_refused(void **state)
{
    const struct pki_setting bad[] = { { "id", "x" },           { "key", "x" },
                                       { "interval", "0" },     { "interval", "1e3" },
                                       { "sensors", "bmp180" }, { "sensors", "bme280," },
                                       { "groups", "a b" },     { "broker_port", "0" },
                                       { "url", "http://x/" },  { "url", "https://x" },
                                       { "product", "a/b" } };
    const char *dir = *state;
    struct err e = { 0 };
    assert_int_equal(init(dir, &e), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(device(dir, "sensor-001", &bad[i], 1, &e), -1);
        assert_int_equal(e.code, EXIT_USAGE);
    }
}

static void a_device_can_not_be_an_operator(void **state)
{
    const char *dir = *state;
    struct err e = { 0 };
    assert_int_equal(init(dir, &e), 0);
    assert_int_equal(device(dir, "operator-admin", NULL, 0, &e), -1);
    assert_int_equal(e.code, EXIT_REFUSED);
    assert_int_equal(device(dir, "a/b", NULL, 0, &e), -1);
    assert_int_equal(device(dir, "", NULL, 0, &e), -1);
    assert_int_equal(pki_device(dir, "sensor-001", dir, NULL, 0, 366, NOW, &e), -1);
}

static void a_certificate_says_who_and_for_how_long(void **state)
{
    const char *dir = *state;
    struct err e = { 0 };
    struct pki_cert cert;
    char path[FILES_PATH_MAX];
    assert_int_equal(init(dir, &e), 0);
    assert_int_equal(device(dir, "sensor-001", NULL, 0, &e), 0);

    assert_int_equal(files_join(path, dir, "out/device.pem", &e), 0);
    assert_int_equal(pki_cert_read(path, &cert, &e), 0);

    assert_string_equal(cert.cn, "sensor-001");
    assert_string_equal(cert.issuer, "test intermediate CA");
    assert_true(cert.client && !cert.server && !cert.ca);
    assert_int_equal(cert.not_before, NOW - 3600);
    assert_int_equal(cert.not_after - cert.not_before, 365 * 86400);
}

/* As `openssl x509 -fingerprint -sha256` has it, without colons. */
static void a_certificate_has_the_fingerprint_of_its_der(void **state)
{
    const char *dir = *state;
    struct err e = { 0 };
    struct pki_cert cert;
    char path[FILES_PATH_MAX], command[FILES_PATH_MAX + 200], line[160] = "", plain[160] = "";
    assert_int_equal(init(dir, &e), 0);
    assert_int_equal(files_join(path, dir, "pki/root.pem", &e), 0);

    assert_int_equal(pki_cert_read(path, &cert, &e), 0);

    snprintf(command, sizeof(command), "openssl x509 -in %s -noout -fingerprint -sha256", path);
    FILE *openssl = popen(command, "r");
    assert_non_null(openssl);
    assert_non_null(fgets(line, sizeof(line), openssl));
    pclose(openssl);
    size_t used = 0;
    for (const char *at = strchr(line, '=') + 1; *at && *at != '\n'; at++) {
        if (*at != ':')
            plain[used++] = *at >= 'A' && *at <= 'F' ? (char)(*at - 'A' + 'a') : *at;
    }
    assert_string_equal(cert.fingerprint, plain);
}

static void a_bundle_is_read_whole_and_within_bounds(void **state)
{
    const char *dir = *state;
    struct err e = { 0 };
    struct pki_cert cert[4];
    char path[FILES_PATH_MAX];
    size_t count;
    assert_int_equal(init(dir, &e), 0);
    assert_int_equal(files_join(path, dir, "pki/ca-bundle.pem", &e), 0);

    assert_int_equal(pki_certs_read(path, cert, 4, &count, &e), 0);
    assert_int_equal(count, 2);
    assert_string_equal(cert[0].cn, "test intermediate CA");
    assert_string_equal(cert[1].cn, "test root CA");
    assert_true(cert[0].ca && cert[1].ca);

    assert_int_equal(pki_certs_read(path, cert, 1, &count, &e), 0);
    assert_int_equal(count, 1);
    assert_int_equal(files_join(path, dir, "pki/root.key", &e), 0);
    assert_int_equal(pki_certs_read(path, cert, 4, &count, &e), -1);
    assert_non_null(strstr(e.text, "no certificate in it"));
}

static void renewing_a_server_keeps_its_key(void **state)
{
    const char *dir = *state;
    const struct pki_endpoint at = { { "new.example" }, 1, 0 };
    struct err e = { 0 };
    assert_int_equal(init(dir, &e), 0);
    char *key = slurp(dir, "pki/gateway.key"), *cert = slurp(dir, "pki/gateway.pem");

    assert_int_equal(pki_server(dir, "gateway", &at, 90, false, NOW, &e), -1);
    assert_int_equal(e.code, EXIT_REFUSED);
    assert_int_equal(pki_server(dir, "gateway", &at, 90, true, NOW, &e), 0);

    char *key2 = slurp(dir, "pki/gateway.key"), *cert2 = slurp(dir, "pki/gateway.pem");
    assert_string_equal(key, key2);
    assert_string_not_equal(cert, cert2);
    assert_int_equal(pki_server(dir, "root", &at, 90, true, NOW, &e), -1);
    free(key);
    free(key2);
    free(cert);
    free(cert2);
}

static void a_new_operator_is_added_to_the_acl_once(void **state)
{
    const char *dir = *state;
    struct err e = { 0 };
    assert_int_equal(init(dir, &e), 0);

    assert_int_equal(pki_operator(dir, "eve", 365, false, NOW, &e), 0);
    assert_int_equal(pki_operator(dir, "eve", 365, true, NOW, &e), 0);

    char *acl = slurp(dir, "mosquitto/acl");
    const char *first = strstr(acl, "\nuser operator-eve\n");
    assert_non_null(first);
    assert_null(strstr(first + 1, "\nuser operator-eve\n"));
    assert_non_null(strstr(acl, "\nuser operator-admin\n"));
    free(acl);
    assert_int_equal(pki_operator(dir, "a b", 365, false, NOW, &e), -1);
    assert_int_equal(pki_operator(dir, "x\nuser y", 365, false, NOW, &e), -1);
    /* and made anew from the certificates it is the same */
    assert_int_equal(pki_config(dir, true, &e), 0);
    acl = slurp(dir, "mosquitto/acl");
    assert_non_null(strstr(acl, "\nuser operator-eve\n"));
    free(acl);
}

static void all_that_was_issued_is_listed(void **state)
{
    const char *dir = *state;
    struct err e = { 0 };
    struct pki_cert *list;
    size_t count;
    assert_int_equal(init(dir, &e), 0);
    assert_int_equal(device(dir, "sensor-001", NULL, 0, &e), 0);

    assert_int_equal(pki_list(dir, &list, &count, &e), 0);

    assert_int_equal(count, 7);
    assert_string_equal(list[0].cn, "test root CA");
    assert_string_equal(list[1].cn, "test intermediate CA");
    assert_string_equal(list[2].cn, "test operators CA");
    assert_string_equal(list[6].cn, "sensor-001");
    free(list);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_dir, drop_dir)
    const struct CMUnitTest tests[] = {
        T(a_second_init_is_refused_and_changes_nothing),
        T(a_failed_init_leaves_no_half_folder),
        T(a_name_that_would_break_a_configuration_file_is_refused),
        T(an_interrupted_init_is_completed_by_config),
        T(the_keyset_is_signed_by_its_root_and_knows_each_role),
        T(a_device_gets_what_it_was_set_and_never_a_second_key),
        T(an_interrupted_device_is_completed_with_the_key_it_has),
        T(what_an_interrupted_init_left_is_cleared_away),
        T(a_setting_that_no_device_has_or_takes_is_refused),
        T(a_device_can_not_be_an_operator),
        T(a_certificate_says_who_and_for_how_long),
        T(a_certificate_has_the_fingerprint_of_its_der),
        T(a_bundle_is_read_whole_and_within_bounds),
        T(renewing_a_server_keeps_its_key),
        T(a_new_operator_is_added_to_the_acl_once),
        T(all_that_was_issued_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
