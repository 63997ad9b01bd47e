#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ossl/crypto.h"
#include "protocol/hex.h"
#include "protocol/keyset.h"
#include "vectors.h"

static struct crypto_signer signers[4];

static int load_keys(void **state)
{
    static const char *const pem[] = { KEY0_PEM, KEY1_PEM, KEY2_PEM, KEY3_PEM };
    (void)state;

    for (int i = 0; i < 4; i++)
        if (ossl_signer_from_pem(pem[i], strlen(pem[i]), &signers[i]) != OSSL_OK)
            return -1;
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        ossl_signer_free(&signers[i]);
    return 0;
}

static void put_key(struct keyset *k, int signer, uint8_t roles)
{
    struct trusted_key *t = &k->keys.key[k->keys.count++];

    memcpy(t->kid, signers[signer].kid, sizeof(t->kid));
    assert_int_equal(ossl_signer_public(&signers[signer], t->pub), OSSL_OK);
    t->roles = roles;
}

static struct keyset a_keyset(uint32_t threshold)
{
    struct keyset k;

    memset(&k, 0, sizeof(k));
    memcpy(k.fleet, "home", 5);
    k.version = 3;
    k.root_threshold = threshold;
    k.seq_floor = 9;
    put_key(&k, 0, KEY_ROOT);
    put_key(&k, 1, KEY_ROOT);
    put_key(&k, 2, KEY_RELEASE);
    put_key(&k, 3, KEY_ROLLOUT);
    return k;
}

/* Signed by the first `count` of signers 0, 1, …; the length. */
static size_t signed_keyset(const struct keyset *k, const int *by, size_t count, char *out)
{
    const struct crypto_signer *list[4];

    for (size_t i = 0; i < count; i++)
        list[i] = &signers[by[i]];
    int n = keyset_sign(k, ossl_crypto(), list, count, out, PROTO_KEYSET_BYTES + 1);
    assert_true(n > 0);
    return (size_t)n;
}

static enum reason verify(const char *json, size_t len, const struct keyset *by)
{
    return keyset_verify(json, len, ossl_crypto(), by);
}

static void a_keyset_made_by_others_opens_and_verifies(void **state)
{
    struct keyset k;
    (void)state;

    assert_int_equal(keyset_open(VECTOR_KEYSET, strlen(VECTOR_KEYSET), &k), REASON_NONE);
    assert_string_equal(k.fleet, "home");
    assert_int_equal(k.version, 1);
    assert_int_equal(k.root_threshold, 1);
    assert_int_equal(k.seq_floor, 5);
    assert_int_equal(k.keys.count, 5);
    assert_string_equal(k.keys.key[0].kid, KEY0_KID);
    assert_int_equal(k.keys.key[0].roles, KEY_ROOT);
    assert_string_equal(k.keys.key[3].kid, KEY3_KID);
    assert_int_equal(k.keys.key[3].roles, KEY_ROLLOUT);
    assert_true(k.keys.key[4].revoked);
    assert_int_equal(k.keys.key[4].roles, 0);
    assert_int_equal(verify(VECTOR_KEYSET, strlen(VECTOR_KEYSET), &k), REASON_NONE);
    k.root_threshold = 2;
    assert_int_equal(verify(VECTOR_KEYSET, strlen(VECTOR_KEYSET), &k), REASON_NONE);
}

static void a_payload_goes_both_ways(void **state)
{
    struct keyset k = a_keyset(2), back;
    char text[PROTO_KEYSET_BYTES];
    (void)state;

    int n = keyset_encode(&k, text, sizeof(text));
    assert_true(n > 0);
    assert_int_equal(keyset_decode(text, (size_t)n, &back), REASON_NONE);
    assert_memory_equal(&back, &k, sizeof(k));
    for (size_t cap = 0; cap <= (size_t)n; cap++)
        assert_int_equal(keyset_encode(&k, text, cap), -1);
}

static void a_key_may_have_two_roles_and_stays_listed_when_revoked(void **state)
{
    struct keyset k = a_keyset(1), back;
    char text[PROTO_KEYSET_BYTES];
    (void)state;

    k.keys.key[2].roles = KEY_RELEASE | KEY_ROLLOUT;
    k.keys.key[2].revoked = true;
    int n = keyset_encode(&k, text, sizeof(text));
    assert_int_equal(keyset_decode(text, (size_t)n, &back), REASON_NONE);
    assert_memory_equal(&back, &k, sizeof(k));
}

static void a_full_keyset_fits_its_limit(void **state)
{
    struct keyset k = a_keyset(1), back;
    char text[PROTO_KEYSET_BYTES + 1];
    static const int by[] = { 0, 1 };
    (void)state;

    while (k.keys.count < 10) {
        struct trusted_key *t = &k.keys.key[k.keys.count];
        assert_true(snprintf(t->kid, sizeof(t->kid), "%016x", k.keys.count) > 0);
        t->pub[0] = 4;
        t->pub[1] = (uint8_t)k.keys.count++;
        t->roles = KEY_ROLLOUT;
    }
    size_t n = signed_keyset(&k, by, 2, text);
    assert_int_equal(keyset_open(text, n, &back), REASON_NONE);
    assert_memory_equal(&back, &k, sizeof(k));
}

static void a_threshold_of_different_root_keys_must_sign(void **state)
{
    char text[PROTO_KEYSET_BYTES + 1];
    struct keyset one = a_keyset(1), two = a_keyset(2);
    static const int first[] = { 0 }, both[] = { 0, 1 }, twice[] = { 0, 0 }, others[] = { 2, 3 };
    (void)state;

    size_t n = signed_keyset(&two, first, 1, text);
    assert_int_equal(verify(text, n, &one), REASON_NONE);
    assert_int_equal(verify(text, n, &two), REASON_BAD_SIGNATURE);
    n = signed_keyset(&two, both, 2, text);
    assert_int_equal(verify(text, n, &two), REASON_NONE);
    n = signed_keyset(&two, twice, 2, text);
    assert_int_equal(verify(text, n, &two), REASON_BAD_SIGNATURE);
    n = signed_keyset(&two, others, 2, text); /* release and rollout keys are no root keys */
    assert_int_equal(verify(text, n, &one), REASON_BAD_SIGNATURE);
}

static void a_revoked_root_key_does_not_count(void **state)
{
    char text[PROTO_KEYSET_BYTES + 1];
    struct keyset k = a_keyset(1);
    static const int first[] = { 0 }, second[] = { 1 };
    (void)state;

    k.keys.key[0].revoked = true;
    size_t n = signed_keyset(&k, first, 1, text);
    assert_int_equal(verify(text, n, &k), REASON_BAD_SIGNATURE);
    n = signed_keyset(&k, second, 1, text);
    assert_int_equal(verify(text, n, &k), REASON_NONE);
}

static void a_foreign_signature_beside_does_no_harm(void **state)
{
    char text[PROTO_KEYSET_BYTES + 1];
    struct keyset k = a_keyset(1);
    static const int by[] = { 3, 0 };
    (void)state;

    size_t n = signed_keyset(&k, by, 2, text);
    assert_int_equal(verify(text, n, &k), REASON_NONE);
}

static void every_changed_byte_is_noticed(void **state)
{
    struct keyset k = a_keyset(2), back;
    char text[PROTO_KEYSET_BYTES + 1];
    static const int both[] = { 0, 1 };
    (void)state;

    size_t n = signed_keyset(&k, both, 2, text);
    for (size_t i = 0; i < n; i += 3) {
        char was = text[i];
        text[i] = was == 'A' ? 'B' : 'A';
        enum reason reason = keyset_open(text, n, &back);
        if (reason == REASON_NONE)
            reason = verify(text, n, &k);
        if (reason == REASON_NONE)
            fail_msg("byte %zu", i);
        text[i] = was;
    }
}

static void a_kid_that_is_not_its_keys_is_refused(void **state)
{
    char text[PROTO_KEYSET_BYTES + 1];
    struct keyset k = a_keyset(1), back;
    static const int first[] = { 0 };
    (void)state;

    memcpy(k.keys.key[3].kid, "0000000000000001", PROTO_KID_MAX);
    size_t n = signed_keyset(&k, first, 1, text);
    assert_int_equal(keyset_open(text, n, &back), REASON_NONE); /* it has the shape */
    assert_int_equal(verify(text, n, &k), REASON_BAD_KEYSET);
}

#define JWK(kid, x, y)                                                                             \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"" kid "\",\"x\":\"" x "\",\"y\":\"" y "\"}"
#define ROOT_A JWK("0000000000000001", RFC_X, RFC_Y)
#define PAYLOAD(fleet, version, root, threshold, rest)                                             \
    "{\"fleet\":" fleet ",\"version\":" version ",\"root\":{\"keys\":" root                        \
    ",\"threshold\":" threshold "},\"release\":[],\"rollout\":[]" rest "}"

static enum reason decode(const char *json)
{
    struct keyset k;
    return keyset_decode(json, strlen(json), &k);
}

static void a_payload_of_the_wrong_shape_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        PAYLOAD("\"a/b\"", "1", "[" ROOT_A "]", "1", ""),
        PAYLOAD("\"home\"", "0", "[" ROOT_A "]", "1", ""),
        PAYLOAD("\"home\"", "-1", "[" ROOT_A "]", "1", ""),
        PAYLOAD("\"home\"", "\"1\"", "[" ROOT_A "]", "1", ""),
        PAYLOAD("\"home\"", "1", "[" ROOT_A "]", "0", ""),
        PAYLOAD("\"home\"", "1", "[" ROOT_A "]", "2", ""),
        PAYLOAD("\"home\"", "1", "[]", "1", ""),
        PAYLOAD("\"home\"", "1", "{}", "1", ""),
        PAYLOAD("\"home\"", "1", "[7]", "1", ""),
        PAYLOAD("\"home\"", "1", "[" ROOT_A "," ROOT_A "]", "2", ""), /* the same key twice */
        PAYLOAD("\"home\"", "1", "[" ROOT_A "," JWK("0000000000000001", RFC_Y, RFC_X) "]", "1", ""),
        PAYLOAD("\"home\"", "1", "[" JWK("1", RFC_X, RFC_Y) "]", "1", ""),
        PAYLOAD("\"home\"", "1", "[" JWK("000000000000000g", RFC_X, RFC_Y) "]", "1", ""),
        PAYLOAD("\"home\"", "1", "[" JWK("0000000000000001", RFC_X, "AA") "]", "1", ""),
        PAYLOAD("\"home\"", "1", "[" JWK("0000000000000001", RFC_X "A", RFC_Y) "]", "1", ""),
        PAYLOAD("\"home\"", "1", "[" ROOT_A "]", "1", ",\"revoked\":7"),
        PAYLOAD("\"home\"", "1", "[" ROOT_A "]", "1", ",\"revoked\":[7]"),
        PAYLOAD("\"home\"", "1", "[" ROOT_A "]", "1", ",\"revoked\":[\"0000000000000001\"]"),
        PAYLOAD("\"home\"", "1", "[" ROOT_A "]", "1", ",\"seq_floor\":\"1\""),
        PAYLOAD("\"home\"", "1", "[" ROOT_A "]", "1", ",\"crit\":[\"new\"],\"new\":1"),
        PAYLOAD("\"home\"", "1", "[" ROOT_A "]", "1", ",\"version\":2"),
    };
    (void)state;

    assert_int_equal(decode(PAYLOAD("\"home\"", "1", "[" ROOT_A "]", "1", "")), REASON_NONE);
    assert_int_equal(decode(PAYLOAD("\"home\"", "1", "[" ROOT_A "]", "1", ",\"new\":1")),
                     REASON_NONE);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (decode(bad[i]) != REASON_BAD_KEYSET)
            fail_msg("not refused: %s", bad[i]);
}

static void more_keys_than_a_ring_holds_are_refused(void **state)
{
    char json[4096] = "{\"fleet\":\"home\",\"version\":1,\"root\":{\"keys\":[" ROOT_A
                      "],\"threshold\":1},\"release\":[],\"rollout\":[],\"revoked\":[";
    size_t len = strlen(json);
    (void)state;

    for (int i = 0; i < KEYRING_MAX; i++) {
        int n = snprintf(json + len, sizeof(json) - len, "%s\"%016x\"", i ? "," : "", i + 2);
        len += (size_t)n;
        char keep[4];
        memcpy(keep, json + len, sizeof(keep));
        memcpy(json + len, "]}", 3);
        assert_int_equal(decode(json), i < KEYRING_MAX - 1 ? REASON_NONE : REASON_BAD_KEYSET);
        memcpy(json + len, keep, sizeof(keep));
    }
}

static void an_envelope_of_the_wrong_shape_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "{\"payload\":\"e30\"}",
        "{\"payload\":\"e30\",\"signatures\":[]}",
        "{\"payload\":\"e30\",\"signatures\":[7]}",
        "{\"payload\":\"e30\",\"signatures\":[{\"protected\":\"x\"}]}",
        "{\"payload\":\"e30\",\"signatures\":[{\"protected\":\"x\",\"signature\":\"AAAA\"}]}",
        "{\"payload\":7,\"signatures\":[{\"protected\":\"x\",\"signature\":\"" RFC_SIG "\"}]}",
        "{\"payload\":\"@\",\"signatures\":[{\"protected\":\"x\",\"signature\":\"" RFC_SIG "\"}]}",
        "{\"payload\":\"e30\",\"signatures\":[{\"protected\":\"x\",\"signature\":\"" RFC_SIG
        "\"}]}",
    };
    struct keyset k;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (keyset_open(bad[i], strlen(bad[i]), &k) != REASON_BAD_KEYSET)
            fail_msg("not refused: %s", bad[i]);
}

static void an_unsound_keyset_is_not_signed(void **state)
{
    const struct crypto_signer *list[] = { &signers[0] };
    char out[PROTO_KEYSET_BYTES + 1];
    struct keyset k = a_keyset(3);
    (void)state;

    assert_int_equal(keyset_sign(&k, ossl_crypto(), list, 1, out, sizeof(out)), -1);
    k = a_keyset(1);
    assert_int_equal(keyset_sign(&k, ossl_crypto(), list, 0, out, sizeof(out)), -1);
    assert_int_equal(keyset_sign(&k, ossl_crypto(), list, 1, out, 100), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_keyset_made_by_others_opens_and_verifies),
        cmocka_unit_test(a_payload_goes_both_ways),
        cmocka_unit_test(a_key_may_have_two_roles_and_stays_listed_when_revoked),
        cmocka_unit_test(a_full_keyset_fits_its_limit),
        cmocka_unit_test(a_threshold_of_different_root_keys_must_sign),
        cmocka_unit_test(a_revoked_root_key_does_not_count),
        cmocka_unit_test(a_foreign_signature_beside_does_no_harm),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(a_kid_that_is_not_its_keys_is_refused),
        cmocka_unit_test(a_payload_of_the_wrong_shape_is_refused),
        cmocka_unit_test(more_keys_than_a_ring_holds_are_refused),
        cmocka_unit_test(an_envelope_of_the_wrong_shape_is_refused),
        cmocka_unit_test(an_unsound_keyset_is_not_signed),
    };
    return cmocka_run_group_tests(tests, load_keys, free_keys);
}
