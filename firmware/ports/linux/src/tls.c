#include "tls.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* A key with a passphrase: nobody is there to type it. */
static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf, (void)size, (void)rwflag, (void)ctx;
    return -1;
}

static BIO *open_text(const char *text)
{
    return BIO_new_mem_buf(text, (int)strlen(text));
}

static bool add_trust(SSL_CTX *ctx, const char *pem)
{
    BIO *bio = open_text(pem);
    int n = 0;
    if (!bio)
        return false;
    for (X509 *x; (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL; n++) {
        bool ok = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x) == 1;
        X509_free(x);
        if (!ok) {
            n = 0;
            break;
        }
    }
    ERR_clear_error(); /* the end of the text is an error to PEM_read */
    BIO_free(bio);
    return n > 0;
}

static bool use_chain(SSL_CTX *ctx, const char *pem)
{
    BIO *bio = open_text(pem);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    bool ok = x && SSL_CTX_use_certificate(ctx, x) == 1;
    X509_free(x);
    while (ok && (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        ok = SSL_CTX_add0_chain_cert(ctx, x) == 1;
        if (!ok)
            X509_free(x);
    }
    ERR_clear_error();
    BIO_free(bio);
    return ok;
}

static bool use_key(SSL_CTX *ctx, const char *pem)
{
    BIO *bio = open_text(pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    bool ok = key && SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return ok;
}

/* libmosquitto checks no host name in a context that it was given: the context must. */
static bool expect_host(SSL_CTX *ctx, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    ERR_clear_error();
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
        return true;
    ERR_clear_error();
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
}

struct ssl_ctx_st *tls_client(const struct tls_identity *id, const char *host,
                              struct port_fail *why)
{
    static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
                                  "ECDHE-ECDSA-AES256-GCM-SHA384";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx) {
        port_fail(why, "out of memory");
        return NULL;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    bool ok = false;
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, ciphers) != 1)
        port_fail(why, "OpenSSL has none of the ciphers this device may use");
    else if (!add_trust(ctx, id->ca))
        port_fail(why, "factory key `ca` holds no certificate");
    else if (!use_chain(ctx, id->cert))
        port_fail(why, "factory key `cert` holds no certificate");
    else if (!use_key(ctx, id->key))
        port_fail(why, "factory key `key` does not belong to `cert`");
    else if (!expect_host(ctx, host))
        port_fail(why, "broker host is not a name or address");
    else
        ok = true;
    if (!ok) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

struct tls_identity tls_identity_of(const struct tls_texts *texts)
{
    return (struct tls_identity){ .ca = texts->ca, .cert = texts->cert, .key = texts->key };
}

/* The certificate first: it drops the key of the one before, which would not fit. */
int tls_wear(struct ssl_ctx_st *ctx, const struct tls_identity *id, struct port_fail *why)
{
    BIO *bio = open_text(id->cert);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    bool ok = x && SSL_CTX_use_certificate(ctx, x) == 1 && use_key(ctx, id->key);
    X509_free(x);
    BIO_free(bio);
    ERR_clear_error();
    return ok ? 0 : port_fail(why, "factory keys `cert` and `key` do not belong together");
}

void tls_save_memory(struct ssl_ctx_st *ctx)
{
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
}

void tls_free(struct ssl_ctx_st *ctx)
{
    SSL_CTX_free(ctx);
}

uint64_t tls_not_after(const struct tls_identity *id)
{
    BIO *bio = open_text(id->cert);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
    int days, seconds;
    uint64_t out = 0;
    int64_t now = (int64_t)time(NULL);
    if (x && ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)) == 1) {
        int64_t end = now + (int64_t)days * 86400 + seconds;
        out = end > 0 ? (uint64_t)end : 0;
    }
    X509_free(x);
    BIO_free(bio);
    ERR_clear_error();
    return out;
}
