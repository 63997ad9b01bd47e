#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "protocol/hex.h"
#include "store.h"

#define PEM_BYTES 65536

static int64_t unix_time(const ASN1_TIME *t)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    if (epoch)
        ASN1_TIME_diff(&days, &seconds, epoch, t);
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

static void common_name(const X509_NAME *name, char *out, size_t cap)
{
    out[0] = '\0';
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0)
        return;
    const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    text_clean(out, cap, (const char *)ASN1_STRING_get0_data(text),
               (size_t)ASN1_STRING_length(text));
}

static void serial_text(const X509 *cert, char *out, size_t cap)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    if (!hex || !text_copy(out, cap, hex))
        text_copy(out, cap, "?");
    OPENSSL_free(hex);
    BN_free(number);
}

static void fingerprint(const X509 *cert, char out[PROTO_SHA256_HEX])
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    out[0] = '\0';
    if (X509_digest(cert, EVP_sha256(), hash, &len) == 1 && len == PROTO_SHA256_LEN)
        hex_encode(hash, len, out);
}

static void describe(X509 *cert, struct pki_cert *out)
{
    *out = (struct pki_cert){ 0 };
    fingerprint(cert, out->fingerprint);
    common_name(X509_get_subject_name(cert), out->cn, sizeof(out->cn));
    common_name(X509_get_issuer_name(cert), out->issuer, sizeof(out->issuer));
    serial_text(cert, out->serial, sizeof(out->serial));
    out->not_before = unix_time(X509_get0_notBefore(cert));
    out->not_after = unix_time(X509_get0_notAfter(cert));
    out->ca = X509_check_ca(cert) == 1;
    uint32_t use = X509_get_extended_key_usage(cert);
    out->server = !out->ca && use != UINT32_MAX && (use & XKU_SSL_SERVER);
    out->client = !out->ca && use != UINT32_MAX && (use & XKU_SSL_CLIENT);
}

int pki_certs_read(const char *path, struct pki_cert *out, size_t cap, size_t *count, struct err *e)
{
    char *pem;
    *count = 0;
    if (files_read(path, PEM_BYTES, &pem, NULL, e) != 0)
        return -1;
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = NULL;
    while (bio && *count < cap && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        describe(cert, &out[*count]);
        X509_free(cert);
        (void)text_copy(out[*count].path, sizeof(out->path), path);
        (*count)++;
    }
    ERR_clear_error(); /* the end of the file is one */
    BIO_free(bio);
    free(pem);
    return *count > 0 || cap == 0 ? 0 : err_set(e, EXIT_USAGE, "%s: no certificate in it", path);
}

int pki_cert_read(const char *path, struct pki_cert *out, struct err *e)
{
    size_t count;
    if (strlen(path) >= sizeof(out->path))
        return err_set(e, EXIT_USAGE, "path is too long: %.160s…", path);
    return pki_certs_read(path, out, 1, &count, e);
}

struct cert_list {
    struct pki_cert *cert;
    size_t count, cap;
};

static int add(struct cert_list *l, const char *path, struct err *e)
{
    MEM_PUSH_ROOM(l->cert, l->count, l->cap);
    if (pki_cert_read(path, &l->cert[l->count], e) != 0)
        return -1;
    l->count++;
    return 0;
}

static int by_cn_and_date(const void *a, const void *b)
{
    const struct pki_cert *x = a, *y = b;
    int order = strcmp(x->cn, y->cn);
    if (order != 0)
        return order;
    return x->not_before < y->not_before ? -1 : x->not_before > y->not_before;
}

static int add_issued(struct cert_list *l, const char *dir, struct err *e)
{
    char issued[FILES_PATH_MAX], path[FILES_PATH_MAX], **names;
    size_t count;
    if (store_path(issued, dir, "issued", e) != 0 || files_list(issued, &names, &count, e) != 0)
        return -1;
    int rc = 0;
    size_t first = l->count;
    for (size_t i = 0; i < count && rc == 0; i++) {
        size_t len = strlen(names[i]);
        if (len < 4 || strcmp(names[i] + len - 4, ".pem") != 0)
            continue; /* what an interrupted write left */
        rc = files_join(path, issued, names[i], e) == 0 ? add(l, path, e) : -1;
    }
    files_list_free(names, count);
    if (l->count > first)
        qsort(l->cert + first, l->count - first, sizeof(*l->cert), by_cn_and_date);
    return rc;
}

int pki_list(const char *dir, struct pki_cert **list, size_t *count, struct err *e)
{
    static const char *const authorities[] = { "root.pem", "intermediate.pem", "operators.pem" };
    struct cert_list l = { 0 };
    char path[FILES_PATH_MAX];
    int rc = 0;
    for (size_t i = 0; i < sizeof(authorities) / sizeof(authorities[0]) && rc == 0; i++)
        rc = store_path(path, dir, authorities[i], e) == 0 ? add(&l, path, e) : -1;
    if (rc == 0)
        rc = add_issued(&l, dir, e);
    if (rc != 0) {
        free(l.cert);
        return -1;
    }
    *list = l.cert;
    *count = l.count;
    return 0;
}
