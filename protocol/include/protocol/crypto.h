#ifndef PROTOCOL_CRYPTO_H
#define PROTOCOL_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"

/*
 * The two primitives the formats need, supplied by whoever links them: OpenSSL on Linux
 * (protocol/ossl), mbedTLS on ESP32. Neither may keep state between calls; both are called on the
 * caller's thread.
 */
struct crypto {
    void *ctx;
    void (*sha256)(void *ctx, const void *data, size_t len, uint8_t out[PROTO_SHA256_LEN]);
    /* ECDSA over P-256, `pub` uncompressed (04 || X || Y), `sig` r || s. False for anything but a
     * signature that holds. */
    bool (*p256_verify)(void *ctx, const uint8_t pub[PROTO_P256_PUB],
                        const uint8_t hash[PROTO_SHA256_LEN], const uint8_t sig[PROTO_P256_SIG]);
};

/* A private key that can sign: a file or a PKCS#11 token behind it. `kid` is the first 16 hex of
 * SHA-256 of its SPKI. */
struct crypto_signer {
    void *ctx;
    char kid[PROTO_KID_MAX];
    /* False when the key can't be used (token gone, wrong PIN). */
    bool (*sign)(void *ctx, const uint8_t hash[PROTO_SHA256_LEN], uint8_t sig[PROTO_P256_SIG]);
};

/*
 * kid of a public key: DER SubjectPublicKeyInfo of P-256 is a constant prefix of 26 bytes and the
 * 65 bytes of the point (RFC 5480), so no ASN.1 is needed. `out` gets 16 hex digits and NUL.
 */
void crypto_kid(const struct crypto *c, const uint8_t pub[PROTO_P256_PUB], char out[PROTO_KID_MAX]);

#endif
