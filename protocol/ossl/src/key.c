#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "ossl/crypto.h"
#include "token.h"

enum { COORDINATE = 32, PEM_MAX = 64 * 1024 };

const char *ossl_error_text(enum ossl_error error)
{
    switch (error) {
    case OSSL_OK:
        return "no error";
    case OSSL_OPEN:
        return "can't be read";
    case OSSL_CREATE:
        return "can't be created";
    case OSSL_FORMAT:
        return "is not a PEM key or certificate";
    case OSSL_PASSPHRASE:
        return "is protected by a passphrase, which is not supported here";
    case OSSL_NOT_P256:
        return "is not an ECDSA key over P-256";
    case OSSL_FAILED:
        return "was refused by OpenSSL";
    case OSSL_TOKEN_ENGINE:
        return "needs OpenSSL's PKCS#11 engine: install libengine-pkcs11-openssl";
    case OSSL_TOKEN_MODULE:
        return "can't be reached: the token's library (module-path, or PKCS11_MODULE_PATH) does "
               "not "
               "load";
    case OSSL_TOKEN_URI:
        return "is not a pkcs11: URI that can be used";
    case OSSL_TOKEN_PIN_SHOWN:
        return "has a PIN in it, where others can read it: use pin-source=file:/path or MUSTER_PIN";
    case OSSL_TOKEN_PIN_FILE:
        return "can't be opened: its pin-source can't be read";
    case OSSL_TOKEN_NO_PIN:
        return "is not there without a PIN: give one by pin-source=file:/path or MUSTER_PIN";
    case OSSL_TOKEN_PIN:
        return "can't be used: the token refuses the PIN (wrong, or locked after wrong ones)";
    case OSSL_TOKEN_KEY:
        return "is not there: is the token plugged in, and are token and object named so?";
    }
    return "unknown error";
}

bool ossl_error_has_errno(enum ossl_error error)
{
    return error == OSSL_OPEN || error == OSSL_CREATE || error == OSSL_TOKEN_PIN_FILE;
}

/* Instead of OpenSSL's own, which would ask on the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *asked)
{
    (void)buf;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static bool is_p256(const EVP_PKEY *key)
{
    char group[32];
    size_t len;

    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof(group), &len) &&
           strcmp(group, "prime256v1") == 0;
}

/* By coordinates, since a key file may hold its point compressed. */
static enum ossl_error plain_point_of(const EVP_PKEY *key, uint8_t pub[PROTO_P256_PUB])
{
    BIGNUM *x = NULL, *y = NULL;
    enum ossl_error error = OSSL_FAILED;

    if (!is_p256(key))
        return OSSL_NOT_P256;
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) &&
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) &&
        BN_bn2binpad(x, pub + 1, COORDINATE) == COORDINATE &&
        BN_bn2binpad(y, pub + 1 + COORDINATE, COORDINATE) == COORDINATE) {
        pub[0] = 4;
        error = OSSL_OK;
    }
    BN_free(x);
    BN_free(y);
    return error;
}

/* A token's key is of the engine's kind, which has no coordinates to ask for: its public half is.
 */
static enum ossl_error point_of(const EVP_PKEY *key, uint8_t pub[PROTO_P256_PUB])
{
    unsigned char *der = NULL;
    const unsigned char *at;

    if (EVP_PKEY_get0_provider(key))
        return plain_point_of(key, pub);
    int len = i2d_PUBKEY(key, &der);
    at = der;
    EVP_PKEY *half = len > 0 ? d2i_PUBKEY(NULL, &at, len) : NULL;
    enum ossl_error error = half ? plain_point_of(half, pub) : OSSL_NOT_P256;
    EVP_PKEY_free(half);
    OPENSSL_free(der);
    ERR_clear_error();
    return error;
}

static enum ossl_error private_from(BIO *in, EVP_PKEY **out)
{
    bool asked = false;

    *out = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, &asked);
    ERR_clear_error();
    if (!*out)
        return asked ? OSSL_PASSPHRASE : OSSL_FORMAT;
    if (is_p256(*out))
        return OSSL_OK;
    EVP_PKEY_free(*out);
    *out = NULL;
    return OSSL_NOT_P256;
}

static BIO *open_file(const char *path)
{
    BIO *in = BIO_new_file(path, "r");
    ERR_clear_error();
    return in;
}

static BIO *open_memory(const char *pem, size_t len)
{
    return len <= PEM_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
}

static bool sign(void *ctx, const uint8_t hash[PROTO_SHA256_LEN], uint8_t sig[PROTO_P256_SIG])
{
    EVP_PKEY_CTX *signing = EVP_PKEY_CTX_new(ctx, NULL);
    uint8_t der[OSSL_DER_MAX];
    size_t len = sizeof(der);
    bool ok = signing && EVP_PKEY_sign_init(signing) == 1 &&
              EVP_PKEY_sign(signing, der, &len, hash, PROTO_SHA256_LEN) == 1 &&
              ossl_sig_from_der(der, len, sig) == 0;

    EVP_PKEY_CTX_free(signing);
    ERR_clear_error();
    return ok;
}

/* Takes the key over. */
static enum ossl_error signer_of(EVP_PKEY *key, struct crypto_signer *out)
{
    uint8_t pub[PROTO_P256_PUB];
    enum ossl_error error = point_of(key, pub);

    if (error != OSSL_OK) {
        EVP_PKEY_free(key);
        return error;
    }
    out->ctx = key;
    out->sign = sign;
    crypto_kid(ossl_crypto(), pub, out->kid);
    return OSSL_OK;
}

static enum ossl_error signer_from(BIO *in, struct crypto_signer *out)
{
    EVP_PKEY *key;

    memset(out, 0, sizeof(*out));
    enum ossl_error error = private_from(in, &key);
    return error == OSSL_OK ? signer_of(key, out) : error;
}

static enum ossl_error signer_on_token(const char *uri, struct crypto_signer *out)
{
    EVP_PKEY *key;

    memset(out, 0, sizeof(*out));
    enum ossl_error error = token_load(uri, &key);
    return error == OSSL_OK ? signer_of(key, out) : error;
}

enum ossl_error ossl_signer_load(const char *path, struct crypto_signer *out)
{
    if (token_is_uri(path))
        return signer_on_token(path, out);
    BIO *in = open_file(path);
    enum ossl_error error = in ? signer_from(in, out) : OSSL_OPEN;

    if (!in)
        memset(out, 0, sizeof(*out));
    BIO_free(in);
    return error;
}

enum ossl_error ossl_signer_from_pem(const char *pem, size_t len, struct crypto_signer *out)
{
    BIO *in = open_memory(pem, len);
    enum ossl_error error = in ? signer_from(in, out) : OSSL_FORMAT;

    if (!in)
        memset(out, 0, sizeof(*out));
    BIO_free(in);
    return error;
}

void ossl_signer_free(struct crypto_signer *signer)
{
    EVP_PKEY_free(signer->ctx);
    memset(signer, 0, sizeof(*signer));
}

enum ossl_error ossl_signer_public(const struct crypto_signer *signer, uint8_t pub[PROTO_P256_PUB])
{
    return point_of(signer->ctx, pub);
}

static EVP_PKEY *certified_key(BIO *in)
{
    X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
    EVP_PKEY *key = cert ? X509_get_pubkey(cert) : NULL;

    X509_free(cert);
    return key;
}

/* The three kinds of PEM, each read from the start. */
static enum ossl_error public_from(BIO *in, uint8_t pub[PROTO_P256_PUB])
{
    EVP_PKEY *key = PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
    enum ossl_error error = OSSL_OK;

    if (!key && BIO_reset(in) >= 0)
        key = certified_key(in);
    if (!key && BIO_reset(in) >= 0)
        error = private_from(in, &key);
    if (key)
        error = point_of(key, pub);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return error;
}

enum ossl_error ossl_public_load(const char *path, uint8_t pub[PROTO_P256_PUB])
{
    BIO *in = open_file(path);
    enum ossl_error error = in ? public_from(in, pub) : OSSL_OPEN;

    BIO_free(in);
    return error;
}

enum ossl_error ossl_public_from_pem(const char *pem, size_t len, uint8_t pub[PROTO_P256_PUB])
{
    BIO *in = open_memory(pem, len);
    enum ossl_error error = in ? public_from(in, pub) : OSSL_FORMAT;

    BIO_free(in);
    return error;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd);
}

/* Nobody else may read it at any moment, so the mode is set by creating it. */
static enum ossl_error write_private(const char *path, const char *pem, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return OSSL_CREATE;
    int rc = write_all(fd, pem, len);
    int why = errno;
    if (close(fd) != 0 && rc == 0) {
        rc = -1;
        why = errno;
    }
    if (rc == 0)
        return OSSL_OK;
    (void)unlink(path);
    errno = why;
    return OSSL_CREATE;
}

enum ossl_error ossl_key_generate(const char *path, uint8_t pub[PROTO_P256_PUB])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *mem = BIO_new(BIO_s_secmem());
    enum ossl_error error = OSSL_FAILED;
    uint8_t point[PROTO_P256_PUB];
    char *pem = NULL;

    if (key && mem && PEM_write_bio_PKCS8PrivateKey(mem, key, NULL, NULL, 0, NULL, NULL))
        error = point_of(key, point);
    if (error == OSSL_OK) {
        long len = BIO_get_mem_data(mem, &pem);
        error = write_private(path, pem, (size_t)len);
    }
    if (error == OSSL_OK && pub)
        memcpy(pub, point, sizeof(point));
    BIO_free(mem);
    EVP_PKEY_free(key);
    return error;
}

static enum ossl_error digest_stream(FILE *f, EVP_MD_CTX *md, uint8_t out[PROTO_SHA256_LEN],
                                     uint64_t *size)
{
    uint8_t block[16 * 1024];
    uint64_t total = 0;
    size_t n;

    if (EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
        return OSSL_FAILED;
    while ((n = fread(block, 1, sizeof(block), f)) > 0) {
        if (EVP_DigestUpdate(md, block, n) != 1)
            return OSSL_FAILED;
        total += n;
    }
    if (ferror(f))
        return OSSL_OPEN;
    if (size)
        *size = total;
    return EVP_DigestFinal_ex(md, out, NULL) == 1 ? OSSL_OK : OSSL_FAILED;
}

enum ossl_error ossl_sha256_file(const char *path, uint8_t out[PROTO_SHA256_LEN], uint64_t *size)
{
    FILE *f = fopen(path, "rb");
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    enum ossl_error error = !f ? OSSL_OPEN : !md ? OSSL_FAILED : digest_stream(f, md, out, size);
    int why = errno;

    EVP_MD_CTX_free(md);
    if (f)
        (void)fclose(f);
    errno = why;
    return error;
}
