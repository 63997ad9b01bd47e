#include <errno.h>
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

#include "ossl/crypto.h"
#include "pem.h"
#include "protocol/hex.h"
#include "vectors.h"

static char dir[] = "/tmp/test_ossl_XXXXXX";
static char file[sizeof(dir) + 16];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    int n = snprintf(file, sizeof(file), "%s/file", dir);
    return n > 0 ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)unlink(file);
    return rmdir(dir);
}

static void write_file(const void *data, size_t len)
{
    FILE *f = fopen(file, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void sha256_is_that_of_fips_180(void **state)
{
    const struct crypto *c = ossl_crypto();
    uint8_t hash[PROTO_SHA256_LEN];
    char hex[PROTO_SHA256_HEX];
    (void)state;

    c->sha256(c->ctx, "abc", 3, hash);
    hex_encode(hash, sizeof(hash), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    c->sha256(c->ctx, "", 0, hash);
    hex_encode(hash, sizeof(hash), hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_file_is_hashed_as_its_bytes_are(void **state)
{
    const struct crypto *c = ossl_crypto();
    static uint8_t data[50000];
    uint8_t expected[PROTO_SHA256_LEN], hash[PROTO_SHA256_LEN];
    uint64_t size = 0;
    (void)state;

    memset(data, 0x5a, sizeof(data));
    write_file(data, sizeof(data));
    c->sha256(c->ctx, data, sizeof(data), expected);
    assert_int_equal(ossl_sha256_file(file, hash, &size), OSSL_OK);
    assert_int_equal(size, sizeof(data));
    assert_memory_equal(hash, expected, sizeof(hash));
    assert_int_equal(ossl_sha256_file(file, hash, NULL), OSSL_OK);

    errno = 0;
    assert_int_equal(ossl_sha256_file("/nonexistent/file", hash, &size), OSSL_OPEN);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(ossl_sha256_file(dir, hash, &size), OSSL_OPEN); /* a folder */
}

static void signatures_go_between_der_and_raw(void **state)
{
    uint8_t der[OSSL_DER_MAX + 8], sig[PROTO_P256_SIG], expected[PROTO_P256_SIG];
    uint8_t back[OSSL_DER_MAX];
    const size_t len = strlen(VECTOR_DER) / 2;
    (void)state;

    assert_int_equal(hex_decode(VECTOR_DER, strlen(VECTOR_DER), der, len), 0);
    assert_int_equal(b64url_decode(VECTOR_SIG, strlen(VECTOR_SIG), expected, 64), 64);
    assert_int_equal(ossl_sig_from_der(der, len, sig), 0);
    assert_memory_equal(sig, expected, sizeof(sig));
    assert_int_equal(ossl_sig_to_der(sig, back), len);
    assert_memory_equal(back, der, len);

    assert_int_equal(ossl_sig_from_der(der, len - 1, sig), -1);
    der[len] = 0;
    assert_int_equal(ossl_sig_from_der(der, len + 1, sig), -1);
    assert_int_equal(ossl_sig_from_der(der, 0, sig), -1);
    der[0] = 0x31;
    assert_int_equal(ossl_sig_from_der(der, len, sig), -1);
    assert_int_equal(ossl_sig_from_der(der, sizeof(der), sig), -1);

    memset(sig, 0xff, sizeof(sig)); /* the longest there is */
    assert_int_equal(ossl_sig_to_der(sig, back), OSSL_DER_MAX);
    memset(sig, 0, sizeof(sig));
    assert_true(ossl_sig_to_der(sig, back) > 0);
}

static void what_a_loaded_key_signs_verifies(void **state)
{
    const struct crypto *c = ossl_crypto();
    uint8_t pub[PROTO_P256_PUB], hash[PROTO_SHA256_LEN] = { 1, 2, 3 }, sig[PROTO_P256_SIG];
    struct crypto_signer signer;
    (void)state;

    write_file(KEY0_PEM, strlen(KEY0_PEM));
    assert_int_equal(ossl_signer_load(file, &signer), OSSL_OK);
    assert_string_equal(signer.kid, KEY0_KID);
    assert_int_equal(ossl_signer_public(&signer, pub), OSSL_OK);
    for (int i = 0; i < 20; i++) {
        hash[0] = (uint8_t)i;
        assert_true(signer.sign(signer.ctx, hash, sig));
        assert_true(c->p256_verify(c->ctx, pub, hash, sig));
        sig[i] ^= 1;
        assert_false(c->p256_verify(c->ctx, pub, hash, sig));
    }
    ossl_signer_free(&signer);
    ossl_signer_free(&signer); /* all zero now */
}

static void a_public_key_is_found_in_every_spelling(void **state)
{
    static const char *const pems[] = { PEM_SEC1,           PEM_CERT, PEM_PUB,
                                        PEM_COMPRESSED_PUB, KEY0_PEM, PEM_CERT KEY1_PEM };
    uint8_t expected[PROTO_P256_PUB], pub[PROTO_P256_PUB];
    struct crypto_signer signer;
    (void)state;

    assert_int_equal(ossl_signer_from_pem(PEM_SEC1, strlen(PEM_SEC1), &signer), OSSL_OK);
    assert_string_equal(signer.kid, KEY0_KID);
    assert_int_equal(ossl_signer_public(&signer, expected), OSSL_OK);
    ossl_signer_free(&signer);
    for (size_t i = 0; i < sizeof(pems) / sizeof(pems[0]); i++) {
        memset(pub, 0, sizeof(pub));
        assert_int_equal(ossl_public_from_pem(pems[i], strlen(pems[i]), pub), OSSL_OK);
        assert_memory_equal(pub, expected, sizeof(pub));
        write_file(pems[i], strlen(pems[i]));
        memset(pub, 0, sizeof(pub));
        assert_int_equal(ossl_public_load(file, pub), OSSL_OK);
        assert_memory_equal(pub, expected, sizeof(pub));
    }
}

static enum ossl_error signer_error(const char *pem)
{
    struct crypto_signer signer;
    enum ossl_error error = ossl_signer_from_pem(pem, strlen(pem), &signer);

    assert_null(signer.ctx);
    return error;
}

static void each_way_a_key_can_be_wrong_has_its_error(void **state)
{
    uint8_t pub[PROTO_P256_PUB];
    struct crypto_signer signer;
    (void)state;

    assert_int_equal(signer_error(""), OSSL_FORMAT);
    assert_int_equal(signer_error("rubbish"), OSSL_FORMAT);
    assert_int_equal(signer_error(PEM_PUB), OSSL_FORMAT);
    assert_int_equal(signer_error(PEM_CERT), OSSL_FORMAT);
    assert_int_equal(signer_error(PEM_ENCRYPTED), OSSL_PASSPHRASE);
    assert_int_equal(signer_error(PEM_ED25519), OSSL_NOT_P256);
    assert_int_equal(signer_error(PEM_P384), OSSL_NOT_P256);
    assert_int_equal(ossl_signer_load("/nonexistent/key", &signer), OSSL_OPEN);
    assert_null(signer.ctx);
    assert_int_equal(ossl_public_load("/nonexistent/key", pub), OSSL_OPEN);
    assert_int_equal(ossl_public_from_pem("", 0, pub), OSSL_FORMAT);
    assert_int_equal(ossl_public_from_pem(PEM_P384, strlen(PEM_P384), pub), OSSL_NOT_P256);
    for (int i = OSSL_OK; i <= OSSL_FAILED + 1; i++)
        assert_true(ossl_error_text((enum ossl_error)i)[0] != '\0');
}

static void a_new_key_is_private_and_never_overwrites(void **state)
{
    uint8_t pub[PROTO_P256_PUB], loaded[PROTO_P256_PUB], again[PROTO_P256_PUB];
    struct stat st;
    (void)state;

    (void)unlink(file);
    mode_t was = umask(0);
    assert_int_equal(ossl_key_generate(file, pub), OSSL_OK);
    (void)umask(was);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(ossl_public_load(file, loaded), OSSL_OK);
    assert_memory_equal(pub, loaded, sizeof(pub));

    errno = 0;
    assert_int_equal(ossl_key_generate(file, again), OSSL_CREATE);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(ossl_public_load(file, loaded), OSSL_OK);
    assert_memory_equal(pub, loaded, sizeof(pub));
    assert_int_equal(ossl_key_generate("/nonexistent/key", NULL), OSSL_CREATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_that_of_fips_180),
        cmocka_unit_test(a_file_is_hashed_as_its_bytes_are),
        cmocka_unit_test(signatures_go_between_der_and_raw),
        cmocka_unit_test(what_a_loaded_key_signs_verifies),
        cmocka_unit_test(a_public_key_is_found_in_every_spelling),
        cmocka_unit_test(each_way_a_key_can_be_wrong_has_its_error),
        cmocka_unit_test(a_new_key_is_private_and_never_overwrites),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
