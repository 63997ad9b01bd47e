#include "ossl/crypto.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

enum { HALF = PROTO_P256_SIG / 2 };

int ossl_sig_from_der(const uint8_t *der, size_t len, uint8_t sig[PROTO_P256_SIG])
{
    const uint8_t *end = der;
    int rc = -1;

    if (len > OSSL_DER_MAX)
        return -1;
    ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &end, (long)len);
    if (s && end == der + len && BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, HALF) == HALF &&
        BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + HALF, HALF) == HALF)
        rc = 0;
    ECDSA_SIG_free(s);
    ERR_clear_error();
    return rc;
}

int ossl_sig_to_der(const uint8_t sig[PROTO_P256_SIG], uint8_t der[OSSL_DER_MAX])
{
    ECDSA_SIG *s = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(sig, HALF, NULL);
    BIGNUM *v = BN_bin2bn(sig + HALF, HALF, NULL);
    int len = -1;

    if (s && r && v && ECDSA_SIG_set0(s, r, v)) {
        uint8_t *end = der;
        len = i2d_ECDSA_SIG(s, &end); /* 72 bytes at most: two integers of 33, three headers of 2 */
    } else {
        BN_free(r);
        BN_free(v);
    }
    ECDSA_SIG_free(s);
    return len > 0 ? len : -1;
}

static void sha256(void *ctx, const void *data, size_t len, uint8_t out[PROTO_SHA256_LEN])
{
    (void)ctx;
    /* Only a broken installation fails here; a hash of zeros matches nothing. */
    if (!EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL))
        memset(out, 0, PROTO_SHA256_LEN);
}

/* NULL for bytes that are no point of the curve. */
static EVP_PKEY *public_key(const uint8_t pub[PROTO_P256_PUB])
{
    uint8_t point[PROTO_P256_PUB];
    char group[] = "prime256v1";
    EVP_PKEY *key = NULL;

    memcpy(point, pub, sizeof(point)); /* OSSL_PARAM takes no const */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static bool p256_verify(void *ctx, const uint8_t pub[PROTO_P256_PUB],
                        const uint8_t hash[PROTO_SHA256_LEN], const uint8_t sig[PROTO_P256_SIG])
{
    uint8_t der[OSSL_DER_MAX];
    int len = ossl_sig_to_der(sig, der);
    bool ok = false;

    (void)ctx;
    EVP_PKEY *key = pub[0] == 4 ? public_key(pub) : NULL;
    EVP_PKEY_CTX *verify = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    if (verify && len > 0 && EVP_PKEY_verify_init(verify) == 1)
        ok = EVP_PKEY_verify(verify, der, (size_t)len, hash, PROTO_SHA256_LEN) == 1;
    EVP_PKEY_CTX_free(verify);
    EVP_PKEY_free(key);
    ERR_clear_error(); /* a refused signature is no error of the thread's */
    return ok;
}

const struct crypto *ossl_crypto(void)
{
    static const struct crypto crypto = { NULL, sha256, p256_verify };
    return &crypto;
}
