#include "ca.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define CLOCK_SLACK  (60 * 60) /* s */
#define SERIAL_BYTES 16
#define SAN_MAX      1024

static int ssl_fail(struct err *e, const char *doing)
{
    char why[160] = "unknown error";
    unsigned long code = ERR_peek_last_error();
    if (code)
        ERR_error_string_n(code, why, sizeof(why));
    ERR_clear_error();
    return err_set(e, EXIT_USAGE, "cannot %s: %s", doing, why);
}

void ca_pair_close(struct ca_pair *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->cert);
    *pair = (struct ca_pair){ 0 };
}

EVP_PKEY *ca_key_new(struct err *e)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        ssl_fail(e, "make a key");
    return key;
}

static int add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (!ext)
        return -1;
    int ok = X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
    return ok ? 0 : -1;
}

/* What each kind may do. A device can't pose as a server, a server not as a device. */
static const struct kind_row {
    const char *constraints, *usage, *extended;
} kind_rows[] = {
    [CA_ROOT] = { "critical,CA:TRUE", "critical,keyCertSign,cRLSign", NULL },
    [CA_INTERMEDIATE] = { "critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign", NULL },
    [CA_SERVER] = { "critical,CA:FALSE", "critical,digitalSignature", "serverAuth" },
    [CA_CLIENT] = { "critical,CA:FALSE", "critical,digitalSignature", "clientAuth" },
};

/*
 * A host goes into a list that OpenSSL parses by commas and colons: only what a host name or an
 * address can hold may pass.
 */
static int san_add(char *san, size_t cap, const char *host)
{
    if (host[0] == '\0' ||
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:*") !=
            strlen(host))
        return -1;
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);
    const char *type = ip ? "IP" : "DNS";
    if (!ip && strchr(host, ':'))
        return -1;
    ASN1_OCTET_STRING_free(ip);
    ERR_clear_error();

    char item[256];
    if (!text_format(item, sizeof(item), "%s%s:%s", san[0] ? "," : "", type, host))
        return -1;
    size_t used = strlen(san), len = strlen(item);
    if (used + len >= cap)
        return -1;
    memcpy(san + used, item, len + 1);
    return 0;
}

static int add_hosts(X509 *cert, X509 *issuer, const struct ca_request *request, struct err *e)
{
    char san[SAN_MAX] = "";
    for (size_t i = 0; i < request->host_count; i++)
        if (san_add(san, sizeof(san), request->host[i]) != 0)
            return err_set(e, EXIT_USAGE, "'%.80s' is not a host name or an IP address",
                           request->host[i]);
    if (add_extension(cert, issuer, NID_subject_alt_name, san) != 0)
        return ssl_fail(e, "put the host names into the certificate");
    return 0;
}

static int add_extensions(X509 *cert, X509 *issuer, const struct ca_request *request, struct err *e)
{
    const struct kind_row *row = &kind_rows[request->kind];
    if (add_extension(cert, issuer, NID_basic_constraints, row->constraints) != 0 ||
        add_extension(cert, issuer, NID_key_usage, row->usage) != 0 ||
        (row->extended && add_extension(cert, issuer, NID_ext_key_usage, row->extended) != 0) ||
        add_extension(cert, issuer, NID_subject_key_identifier, "hash") != 0 ||
        (issuer != cert &&
         add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always") != 0))
        return ssl_fail(e, "put the extensions into the certificate");
    return request->kind == CA_SERVER ? add_hosts(cert, issuer, request, e) : 0;
}

/* Random, positive, never short: the first bit is 0 and the second 1. */
static int set_serial(X509 *cert)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return -1;
    bytes[0] = (unsigned char)((bytes[0] & 0x3f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    int ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return ok ? 0 : -1;
}

static int set_dates(X509 *cert, X509 *issuer, const struct ca_request *request)
{
    ASN1_TIME *from = X509_getm_notBefore(cert), *to = X509_getm_notAfter(cert);
    int64_t end = request->now - CLOCK_SLACK + (int64_t)request->days * 86400;
    if (!ASN1_TIME_set(from, (time_t)(request->now - CLOCK_SLACK)) ||
        !ASN1_TIME_set(to, (time_t)end))
        return -1;
    /* One that outlives its issuer would fail on the day nobody expects. */
    if (issuer != cert && ASN1_TIME_compare(to, X509_get0_notAfter(issuer)) > 0)
        return X509_set1_notAfter(cert, X509_get0_notAfter(issuer)) ? 0 : -1;
    return 0;
}

static int set_subject(X509 *cert, X509 *issuer, const char *cn)
{
    X509_NAME *name = X509_get_subject_name(cert);
    if (!X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1,
                                    0))
        return -1;
    return X509_set_issuer_name(cert, X509_get_subject_name(issuer)) ? 0 : -1;
}

X509 *ca_issue(const struct ca_request *request, EVP_PKEY *key, const struct ca_pair *issuer,
               struct err *e)
{
    X509 *cert = X509_new();
    if (!cert) {
        ssl_fail(e, "make a certificate");
        return NULL;
    }
    X509 *by = issuer ? issuer->cert : cert;
    if (!X509_set_version(cert, 2) || set_serial(cert) != 0 || set_dates(cert, by, request) != 0 ||
        set_subject(cert, by, request->cn) != 0 || !X509_set_pubkey(cert, key)) {
        ssl_fail(e, "make a certificate");
        goto fail;
    }
    if (add_extensions(cert, by, request, e) != 0)
        goto fail;
    if (!X509_sign(cert, issuer ? issuer->key : key, EVP_sha256())) {
        ssl_fail(e, "sign a certificate");
        goto fail;
    }
    return cert;

fail:
    X509_free(cert);
    return NULL;
}

static int crl_fill(X509_CRL *crl, const struct ca_pair *issuer, long number, int64_t now, int days)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(now - CLOCK_SLACK));
    ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(now + (int64_t)days * 86400));
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer->cert, NULL, NULL, crl, 0);
    X509V3_set_ctx_nodb(&ctx);
    X509_EXTENSION *by =
        X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");

    int ok = from && to && serial && by && X509_CRL_set_version(crl, 1) &&
             X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert)) &&
             X509_CRL_set1_lastUpdate(crl, from) && X509_CRL_set1_nextUpdate(crl, to) &&
             X509_CRL_add_ext(crl, by, -1) && ASN1_INTEGER_set(serial, number) &&
             X509_CRL_add1_ext_i2d(crl, NID_crl_number, serial, 0, 0) &&
             X509_CRL_sign(crl, issuer->key, EVP_sha256());

    X509_EXTENSION_free(by);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return ok ? 0 : -1;
}

X509_CRL *ca_crl_new(const struct ca_pair *issuer, long number, int64_t now, int days,
                     struct err *e)
{
    X509_CRL *crl = X509_CRL_new();
    if (crl && crl_fill(crl, issuer, number, now, days) == 0)
        return crl;
    ssl_fail(e, "make a revocation list");
    X509_CRL_free(crl);
    return NULL;
}

/* What was written to a memory BIO, as a text of ours. Takes the BIO. */
static char *take_text(BIO *bio, int ok, const char *doing, struct err *e)
{
    char *data = NULL;
    long len = bio ? BIO_get_mem_data(bio, &data) : 0;
    char *text = NULL;
    if (ok && len > 0) {
        text = mem_alloc((size_t)len + 1);
        memcpy(text, data, (size_t)len);
    } else {
        ssl_fail(e, doing);
    }
    BIO_free(bio);
    return text;
}

char *ca_key_pem(EVP_PKEY *key, struct err *e)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    int ok = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    return take_text(bio, ok, "write a key", e);
}

char *ca_cert_pem(X509 *cert, struct err *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take_text(bio, bio && PEM_write_bio_X509(bio, cert), "write a certificate", e);
}

char *ca_crl_pem(X509_CRL *crl, struct err *e)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take_text(bio, bio && PEM_write_bio_X509_CRL(bio, crl), "write a revocation list", e);
}

X509 *ca_cert_parse(const char *pem, struct err *e)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    if (!cert)
        ssl_fail(e, "read the certificate");
    return cert;
}

/* Never ask on the terminal: an encrypted key is an error here. */
static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf, (void)size, (void)rwflag, (void)ctx;
    return -1;
}

EVP_PKEY *ca_key_parse(const char *pem, struct err *e)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    if (!key)
        ssl_fail(e, "read the key");
    return key;
}
