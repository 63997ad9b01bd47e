#ifndef OSSL_CRYPTO_H
#define OSSL_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/crypto.h"

/*
 * The formats' primitives and the P-256 keys behind them, by OpenSSL 3. No OpenSSL type leaves this
 * folder. Nothing here asks on the terminal: a key with a passphrase is an error.
 */

enum ossl_error {
    OSSL_OK,
    OSSL_OPEN,            /* file can't be opened or read; errno says why */
    OSSL_CREATE,          /* file can't be made or written, or exists already; errno says why */
    OSSL_FORMAT,          /* not the PEM that was asked for */
    OSSL_PASSPHRASE,      /* the private key is encrypted */
    OSSL_NOT_P256,        /* a key of another kind or curve */
    OSSL_FAILED,          /* OpenSSL refused: out of memory or misconfigured */
    OSSL_TOKEN_ENGINE,    /* pkcs11: OpenSSL's engine for tokens is not installed */
    OSSL_TOKEN_MODULE,    /* the token's library (module-path) can't be loaded */
    OSSL_TOKEN_URI,       /* malformed or too long */
    OSSL_TOKEN_PIN_SHOWN, /* a PIN in the URI, where others can read it */
    OSSL_TOKEN_PIN_FILE,  /* pin-source can't be read; errno says why */
    OSSL_TOKEN_NO_PIN,    /* no PIN given, and without one there is no such key */
    OSSL_TOKEN_PIN,       /* wrong, or locked */
    OSSL_TOKEN_KEY        /* no such key: token gone, or another name */
};

/* Is errno part of the story? */
bool ossl_error_has_errno(enum ossl_error error);
/* A sentence for a person; never NULL. */
const char *ossl_error_text(enum ossl_error error);

/* SHA-256 and ECDSA P-256. Lives for ever, may be used by several threads. */
const struct crypto *ossl_crypto(void);

/*
 * A private key as a signer, kid filled in: a file (PEM, PKCS#8 or SEC 1), or a key that stays on a
 * token, by its URI (RFC 7512):
 * "pkcs11:token=T;object=O?module-path=/…/libx.so&pin-source=file:/…". Without module-path
 * PKCS11_MODULE_PATH or p11-kit decides; without pin-source the PIN is that of MUSTER_PIN; a PIN in
 * the URI is refused. Free with ossl_signer_free(); on error there is nothing to free.
 */
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
