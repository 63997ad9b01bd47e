#include "crypto.h"

#include <string.h>

int crypto_start(void)
{
    return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
}

static void sha256(void *ctx, const void *data, size_t len, uint8_t out[PROTO_SHA256_LEN])
{
    size_t got = 0;
    (void)ctx;
    if (psa_hash_compute(PSA_ALG_SHA_256, data, len, out, PROTO_SHA256_LEN, &got) != PSA_SUCCESS)
        memset(out, 0, PROTO_SHA256_LEN);
}

static bool p256_verify(void *ctx, const uint8_t pub[PROTO_P256_PUB],
                        const uint8_t hash[PROTO_SHA256_LEN], const uint8_t sig[PROTO_P256_SIG])
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = 0;
    (void)ctx;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    /* Refuses a point that is not on the curve. */
    if (psa_import_key(&attributes, pub, PROTO_P256_PUB, &key) != PSA_SUCCESS)
        return false;
    psa_status_t status = psa_verify_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash,
                                          PROTO_SHA256_LEN, sig, PROTO_P256_SIG);
    psa_destroy_key(key);
    return status == PSA_SUCCESS;
}

const struct crypto *crypto_psa(void)
{
    static const struct crypto psa = { .sha256 = sha256, .p256_verify = p256_verify };
    return &psa;
}

void sha_begin(struct sha *s)
{
    psa_hash_abort(&s->op);
    s->op = psa_hash_operation_init();
    s->good = psa_hash_setup(&s->op, PSA_ALG_SHA_256) == PSA_SUCCESS;
}

void sha_add(struct sha *s, const void *data, size_t len)
{
    s->good = s->good && psa_hash_update(&s->op, data, len) == PSA_SUCCESS;
}

void sha_end(struct sha *s, uint8_t out[PROTO_SHA256_LEN])
{
    size_t got = 0;
    s->good = s->good && psa_hash_finish(&s->op, out, PROTO_SHA256_LEN, &got) == PSA_SUCCESS &&
              got == PROTO_SHA256_LEN;
    if (!s->good) {
        psa_hash_abort(&s->op);
        memset(out, 0, PROTO_SHA256_LEN);
    }
}
