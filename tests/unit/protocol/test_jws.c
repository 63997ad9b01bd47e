#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ossl/crypto.h"
#include "protocol/hex.h"
#include "protocol/jws.h"
#include "vectors.h"

static struct keyring ring_of(uint8_t roles, bool revoked)
{
    struct keyring ring = { .count = 1 };
    struct trusted_key *k = &ring.key[0];

    memcpy(k->kid, VECTOR_KID, sizeof(VECTOR_KID));
    assert_int_equal(hex_decode(VECTOR_PUB, strlen(VECTOR_PUB), k->pub, sizeof(k->pub)), 0);
    k->roles = roles;
    k->revoked = revoked;
    return ring;
}

static enum reason open_text(const char *text, struct jws *jws)
{
    return jws_open(text, strlen(text), JWS_ORDER, REASON_BAD_ORDER, jws);
}

/* A JWS with another header; the signature no longer fits, but the envelope comes first. */
static enum reason open_header(const char *header, struct jws *jws)
{
    char text[1024], part[512];

    assert_true(b64url_encode((const uint8_t *)header, strlen(header), part, sizeof(part)) > 0);
    int n = snprintf(text, sizeof(text), "%s.%s.%s", part, VECTOR_PAYLOAD, VECTOR_SIG);
    assert_true(n > 0 && (size_t)n < sizeof(text));
    enum reason reason = open_text(text, jws);
    memset(jws, 0, sizeof(*jws)); /* its text is gone */
    return reason;
}

static void a_signature_made_by_others_holds(void **state)
{
    struct keyring ring = ring_of(KEY_ROLLOUT, false);
    uint8_t payload[64];
    struct jws jws;
    (void)state;

    assert_int_equal(open_text(VECTOR_JWS, &jws), REASON_NONE);
    assert_string_equal(jws.kid, VECTOR_KID);
    assert_int_equal(jws_verify(&jws, ossl_crypto(), &ring, KEY_ROLLOUT), REASON_NONE);
    assert_int_equal(jws_payload(&jws, payload, sizeof(payload)), 17);
    assert_memory_equal(payload, "{\"hello\":\"world\"}", 17);
    assert_int_equal(jws_payload(&jws, payload, 16), -1);
}

static void the_rfc_vector_holds(void **state)
{
    const struct crypto *c = ossl_crypto();
    uint8_t pub[PROTO_P256_PUB] = { 4 }, hash[PROTO_SHA256_LEN], sig[PROTO_P256_SIG];
    (void)state;

    assert_int_equal(b64url_decode(RFC_X, strlen(RFC_X), pub + 1, 32), 32);
    assert_int_equal(b64url_decode(RFC_Y, strlen(RFC_Y), pub + 33, 32), 32);
    assert_int_equal(b64url_decode(RFC_SIG, strlen(RFC_SIG), sig, sizeof(sig)), 64);
    c->sha256(c->ctx, RFC_SIGNED, strlen(RFC_SIGNED), hash);
    assert_true(c->p256_verify(c->ctx, pub, hash, sig));

    hash[0] ^= 1;
    assert_false(c->p256_verify(c->ctx, pub, hash, sig));
    hash[0] ^= 1;
    pub[64] ^= 1; /* off the curve */
    assert_false(c->p256_verify(c->ctx, pub, hash, sig));
    pub[64] ^= 1;
    for (uint8_t form = 0; form < 8; form++) { /* 6 and 7 are the hybrid form of X9.62 */
        pub[0] = form;
        assert_int_equal(c->p256_verify(c->ctx, pub, hash, sig), form == 4);
    }
    pub[0] = 4;
    memset(sig, 0, sizeof(sig));
    assert_false(c->p256_verify(c->ctx, pub, hash, sig));
}

static void the_kid_is_the_digest_of_the_spki(void **state)
{
    struct keyring ring = ring_of(KEY_ROLLOUT, false);
    char kid[PROTO_KID_MAX];
    (void)state;

    crypto_kid(ossl_crypto(), ring.key[0].pub, kid);
    assert_string_equal(kid, VECTOR_KID);
}

static void what_is_signed_here_verifies(void **state)
{
    struct keyring ring = ring_of(KEY_RELEASE, false);
    struct crypto_signer signer;
    char text[512];
    struct jws jws;
    (void)state;

    assert_int_equal(ossl_signer_from_pem(VECTOR_PEM, strlen(VECTOR_PEM), &signer), OSSL_OK);
    int len = jws_sign(JWS_RELEASE, "{}", 2, ossl_crypto(), &signer, text, sizeof(text));
    assert_int_equal(len, strlen(text));
    assert_int_equal(jws_open(text, (size_t)len, JWS_RELEASE, REASON_BAD_RELEASE, &jws),
                     REASON_NONE);
    assert_int_equal(jws_verify(&jws, ossl_crypto(), &ring, KEY_RELEASE), REASON_NONE);
    for (size_t cap = 0; cap <= (size_t)len; cap++)
        assert_int_equal(jws_sign(JWS_RELEASE, "{}", 2, ossl_crypto(), &signer, text, cap), -1);
    ossl_signer_free(&signer);
}

static void every_changed_byte_is_noticed(void **state)
{
    struct keyring ring = ring_of(KEY_ROLLOUT, false);
    char text[] = VECTOR_JWS;
    struct jws jws;
    (void)state;

    for (size_t i = 0; text[i]; i++) {
        char was = text[i];
        text[i] = was == 'A' ? 'B' : 'A';
        enum reason reason = open_text(text, &jws);
        if (reason == REASON_NONE)
            reason = jws_verify(&jws, ossl_crypto(), &ring, KEY_ROLLOUT);
        assert_int_not_equal(reason, REASON_NONE);
        text[i] = was;
    }
}

static void every_shortened_text_is_refused(void **state)
{
    struct jws jws;
    (void)state;

    for (size_t len = 0; len < strlen(VECTOR_JWS); len++)
        assert_int_not_equal(jws_open(VECTOR_JWS, len, JWS_ORDER, REASON_BAD_ORDER, &jws),
                             REASON_NONE);
}

static void only_es256_will_do(void **state)
{
    static const char *const algs[] = { "none", "HS256", "RS256", "ES384", "es256", "" };
    char header[128];
    struct jws jws;
    (void)state;

    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        int n = snprintf(header, sizeof(header),
                         "{\"alg\":\"%s\",\"typ\":\"muster-order\",\"kid\":\"" VECTOR_KID "\"}",
                         algs[i]);
        assert_true(n > 0);
        assert_int_equal(open_header(header, &jws), REASON_BAD_SIGNATURE);
    }
    /* "none" as it is usually written: without a signature */
    assert_int_equal(open_text("eyJhbGciOiJub25lIn0." VECTOR_PAYLOAD ".", &jws),
                     REASON_BAD_SIGNATURE);
}

static void a_header_that_is_not_ours_is_malformed(void **state)
{
#define OK_KID "\"kid\":\"" VECTOR_KID "\""
    static const char *const headers[] = {
        "{\"alg\":\"ES256\",\"typ\":\"muster-release\"," OK_KID "}",
        "{\"alg\":\"ES256\",\"typ\":\"JWT\"," OK_KID "}",
        "{\"alg\":\"ES256\"," OK_KID "}",
        "{\"typ\":\"muster-order\"," OK_KID "}",
        "{\"alg\":\"ES256\",\"typ\":\"muster-order\"}",
        "{\"alg\":\"ES256\",\"typ\":\"muster-order\",\"kid\":\"0203C4E71278A76F\"}",
        "{\"alg\":\"ES256\",\"typ\":\"muster-order\",\"kid\":\"0203c4e71278a76\"}",
        "{\"alg\":\"ES256\",\"typ\":\"muster-order\",\"kid\":\"0203c4e71278a76f0\"}",
        "{\"alg\":\"ES256\",\"typ\":\"muster-order\",\"kid\":7}",
        "{\"alg\":\"ES256\",\"typ\":\"muster-order\"," OK_KID ",\"crit\":[\"b64\"],\"b64\":false}",
        "{\"alg\":\"ES256\",\"typ\":\"muster-order\"," OK_KID ",\"crit\":[]}",
        "{\"alg\":\"none\",\"alg\":\"ES256\",\"typ\":\"muster-order\"," OK_KID "}",
        "{\"alg\":\"ES256\",\"typ\":\"muster-order\"," OK_KID "} ,",
        "{\"alg\":[\"ES256\"],\"typ\":\"muster-order\"," OK_KID "}",
        "[]",
    };
    struct jws jws;
    (void)state;

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        if (open_header(headers[i], &jws) != REASON_BAD_ORDER)
            fail_msg("not bad_order: %s", headers[i]);
    assert_int_equal(
        open_header("{\"alg\":\"ES256\",\"typ\":\"muster-order\"," OK_KID ",\"x\":1}", &jws),
        REASON_NONE);
}

static void a_broken_envelope_is_malformed(void **state)
{
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "a.b.c.d",
        VECTOR_HEADER "." VECTOR_PAYLOAD,
        VECTOR_JWS ".",
        " " VECTOR_JWS,
        VECTOR_HEADER "=." VECTOR_PAYLOAD "." VECTOR_SIG,
        VECTOR_HEADER ".." VECTOR_SIG,
    };
    struct jws jws;
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (open_text(texts[i], &jws) != REASON_BAD_ORDER)
            fail_msg("not bad_order: %s", texts[i]);
    assert_int_equal(open_text(VECTOR_HEADER "." VECTOR_PAYLOAD "." VECTOR_SIG "A", &jws),
                     REASON_BAD_SIGNATURE);
    assert_int_equal(open_text(VECTOR_HEADER "." VECTOR_PAYLOAD "." VECTOR_SIG "\n", &jws),
                     REASON_BAD_SIGNATURE);
}

static void size_is_checked_before_anything_else(void **state)
{
    static char text[PROTO_RELEASE_BYTES + 2];
    struct jws jws;
    (void)state;

    memset(text, 'A', sizeof(text));
    memcpy(text, "eyJhbGciOiJub25lIn0.", 20);
    text[100] = '.';
    assert_int_equal(jws_open(text, PROTO_RELEASE_BYTES, JWS_RELEASE, REASON_BAD_RELEASE, &jws),
                     REASON_BAD_SIGNATURE);
    assert_int_equal(jws_open(text, PROTO_RELEASE_BYTES + 1, JWS_RELEASE, REASON_BAD_RELEASE, &jws),
                     REASON_BAD_RELEASE);
    assert_int_equal(jws_open(text, PROTO_ORDER_BYTES + 1, JWS_ORDER, REASON_BAD_ORDER, &jws),
                     REASON_BAD_ORDER);
}

static void unknown_wrong_role_and_revoked_keys_are_told_apart(void **state)
{
    struct keyring ring = ring_of(KEY_RELEASE, false);
    struct keyring empty = { .count = 0 };
    struct jws jws;
    (void)state;

    assert_int_equal(open_text(VECTOR_JWS, &jws), REASON_NONE);
    assert_int_equal(jws_verify(&jws, ossl_crypto(), &empty, KEY_ROLLOUT), REASON_UNKNOWN_KEY);
    assert_int_equal(jws_verify(&jws, ossl_crypto(), &ring, KEY_ROLLOUT), REASON_UNKNOWN_KEY);
    ring = ring_of(KEY_ROLLOUT, true);
    assert_int_equal(jws_verify(&jws, ossl_crypto(), &ring, KEY_ROLLOUT), REASON_REVOKED_KEY);
    ring = ring_of(0, true); /* only known as revoked */
    assert_int_equal(jws_verify(&jws, ossl_crypto(), &ring, KEY_ROLLOUT), REASON_REVOKED_KEY);
    ring = ring_of(KEY_ROLLOUT | KEY_RELEASE, false);
    assert_int_equal(jws_verify(&jws, ossl_crypto(), &ring, KEY_ROLLOUT), REASON_NONE);
}

static void a_kid_that_names_another_key_does_not_help(void **state)
{
    struct keyring ring = ring_of(KEY_ROLLOUT, false);
    struct jws jws;
    (void)state;

    /* the right kid, another key behind it: RFC 7515's */
    assert_int_equal(b64url_decode(RFC_X, strlen(RFC_X), ring.key[0].pub + 1, 32), 32);
    assert_int_equal(b64url_decode(RFC_Y, strlen(RFC_Y), ring.key[0].pub + 33, 32), 32);
    assert_int_equal(open_text(VECTOR_JWS, &jws), REASON_NONE);
    assert_int_equal(jws_verify(&jws, ossl_crypto(), &ring, KEY_ROLLOUT), REASON_BAD_SIGNATURE);
}

static bool refuse(void *ctx, const uint8_t hash[PROTO_SHA256_LEN], uint8_t sig[PROTO_P256_SIG])
{
    (void)ctx;
    (void)hash;
    (void)sig;
    return false;
}

static void a_signer_that_refuses_is_told(void **state)
{
    struct crypto_signer signer = { .kid = VECTOR_KID, .sign = refuse };
    char text[512];
    (void)state;

    assert_int_equal(jws_sign(JWS_ORDER, "{}", 2, ossl_crypto(), &signer, text, sizeof(text)), -1);
}

static void nothing_larger_than_the_limit_is_signed(void **state)
{
    static char payload[1000], text[4096];
    struct crypto_signer signer;
    (void)state;

    memset(payload, 'x', sizeof(payload));
    assert_int_equal(ossl_signer_from_pem(VECTOR_PEM, strlen(VECTOR_PEM), &signer), OSSL_OK);
    assert_int_equal(
        jws_sign(JWS_ORDER, payload, sizeof(payload), ossl_crypto(), &signer, text, sizeof(text)),
        -1);
    assert_true(jws_sign(JWS_RELEASE, payload, sizeof(payload), ossl_crypto(), &signer, text,
                         sizeof(text)) > 0);
    ossl_signer_free(&signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_made_by_others_holds),
        cmocka_unit_test(the_rfc_vector_holds),
        cmocka_unit_test(the_kid_is_the_digest_of_the_spki),
        cmocka_unit_test(what_is_signed_here_verifies),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(every_shortened_text_is_refused),
        cmocka_unit_test(only_es256_will_do),
        cmocka_unit_test(a_header_that_is_not_ours_is_malformed),
        cmocka_unit_test(a_broken_envelope_is_malformed),
        cmocka_unit_test(size_is_checked_before_anything_else),
        cmocka_unit_test(unknown_wrong_role_and_revoked_keys_are_told_apart),
        cmocka_unit_test(a_kid_that_names_another_key_does_not_help),
        cmocka_unit_test(a_signer_that_refuses_is_told),
        cmocka_unit_test(nothing_larger_than_the_limit_is_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
