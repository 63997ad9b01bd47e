#ifndef OSSL_CRYPTO_H
#define OSSL_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/crypto.h"

/*
 * The formats' primitives and the P-256 keys behind them, by OpenSSL 3. No OpenSSL type leaves this
 * folder. Nothing here asks on the terminal: a key with a passphrase is an error.
 */

enum ossl_error {
    OSSL_OK,
    OSSL_OPEN,       /* file can't be opened or read; errno says why */
    OSSL_CREATE,     /* file can't be made or written, or exists already; errno says why */
    OSSL_FORMAT,     /* not the PEM that was asked for */
    OSSL_PASSPHRASE, /* the private key is encrypted */
    OSSL_NOT_P256,   /* a key of another kind or curve */
    OSSL_FAILED      /* OpenSSL refused: out of memory or misconfigured */
};

/* A sentence for a person; never NULL. */
const char *ossl_error_text(enum ossl_error error);

/* SHA-256 and ECDSA P-256. Lives for ever, may be used by several threads. */
const struct crypto *ossl_crypto(void);

/* A private key (PEM, PKCS#8 or SEC 1) as a signer, kid filled in. Free with
 * ossl_signer_free(); on error there is nothing to free. */
enum ossl_error ossl_signer_load(const char *path, struct crypto_signer *out);
enum ossl_error ossl_signer_from_pem(const char *pem, size_t len, struct crypto_signer *out);
void ossl_signer_free(struct crypto_signer *signer); /* one never loaded, all zero, is fine */

/* The public point of a PEM: private key, public key or (first) certificate. */
enum ossl_error ossl_public_load(const char *path, uint8_t pub[PROTO_P256_PUB]);
enum ossl_error ossl_public_from_pem(const char *pem, size_t len, uint8_t pub[PROTO_P256_PUB]);
enum ossl_error ossl_signer_public(const struct crypto_signer *signer, uint8_t pub[PROTO_P256_PUB]);

/* A new private key as PEM (PKCS#8) in a new file of mode 0600, on disk when this returns. Never
 * overwrites: OSSL_CREATE with EEXIST. `pub` may be NULL. */
enum ossl_error ossl_key_generate(const char *path, uint8_t pub[PROTO_P256_PUB]);

/* Streaming; `size` (bytes) may be NULL. */
enum ossl_error ossl_sha256_file(const char *path, uint8_t out[PROTO_SHA256_LEN], uint64_t *size);

/* A signature between its two spellings: DER as `openssl dgst -sign` writes it, and r || s as JWS
 * has it. From DER: 0, or -1 when malformed. To DER: the length, at most OSSL_DER_MAX, or -1. */
#define OSSL_DER_MAX 72
int ossl_sig_from_der(const uint8_t *der, size_t len, uint8_t sig[PROTO_P256_SIG]);
int ossl_sig_to_der(const uint8_t sig[PROTO_P256_SIG], uint8_t der[OSSL_DER_MAX]);

#endif
