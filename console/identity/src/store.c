#include "store.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define PEM_BYTES 65536

int store_path(char out[FILES_PATH_MAX], const char *dir, const char *name, struct err *e)
{
    char pki[FILES_PATH_MAX];
    return files_join(pki, dir, "pki", e) == 0 ? files_join(out, pki, name, e) : -1;
}

int store_fleet(const char *dir, struct fleet_file *out, struct err *e)
{
    char path[FILES_PATH_MAX];
    return store_path(path, dir, "fleet.json", e) == 0 ? fleet_file_read(path, out, e) : -1;
}

static char *read_pem(const char *dir, const char *name, const char *suffix, struct err *e)
{
    char file[PKI_CN_MAX + 16], path[FILES_PATH_MAX], *text = NULL;
    if (!text_format(file, sizeof(file), "%s%s", name, suffix)) {
        err_set(e, EXIT_USAGE, "name is too long: %.80s", name);
        return NULL;
    }
    if (store_path(path, dir, file, e) != 0 || files_read(path, PEM_BYTES, &text, NULL, e) != 0)
        return NULL;
    return text;
}

int store_load_pair(const char *dir, const char *name, struct ca_pair *out, struct err *e)
{
    *out = (struct ca_pair){ 0 };
    char *key = read_pem(dir, name, ".key", e);
    char *cert = key ? read_pem(dir, name, ".pem", e) : NULL;
    if (cert)
        out->key = ca_key_parse(key, e);
    if (out->key)
        out->cert = ca_cert_parse(cert, e);
    if (key)
        OPENSSL_cleanse(key, strlen(key));
    free(key);
    free(cert);
    if (!out->cert) {
        ca_pair_close(out);
        return err_prefix(e, "%s", name);
    }
    if (X509_check_private_key(out->cert, out->key) != 1) {
        ca_pair_close(out);
        return err_set(e, EXIT_USAGE, "%s.key does not belong to %s.pem", name, name);
    }
    return 0;
}

int store_write_key(const char *path, EVP_PKEY *key, struct err *e)
{
    char *pem = ca_key_pem(key, e);
    if (!pem)
        return -1;
    int rc = files_write(NULL, path, pem, strlen(pem), FILES_PRIVATE, FILES_NEW, e);
    OPENSSL_cleanse(pem, strlen(pem));
    free(pem);
    return rc;
}

int store_write_chain(const char *path, X509 *cert, X509 *issuer, enum files_how how, struct err *e)
{
    char *first = ca_cert_pem(cert, e), *second = issuer ? ca_cert_pem(issuer, e) : mem_strdup("");
    int rc = -1;
    if (first && second) {
        size_t a = strlen(first), b = strlen(second);
        char *both = mem_alloc(a + b + 1);
        memcpy(both, first, a);
        memcpy(both + a, second, b);
        rc = files_write(NULL, path, both, a + b, FILES_PUBLIC, how, e);
        free(both);
    }
    free(first);
    free(second);
    return rc;
}

int store_record(const char *pki, X509 *cert, const char *cn, struct err *e)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *serial = number ? BN_bn2hex(number) : NULL;
    char name[PKI_CN_MAX + 64], path[FILES_PATH_MAX];
    int rc = -1;
    if (!serial || !text_format(name, sizeof(name), "issued/%s-%s.pem", cn, serial))
        err_set(e, EXIT_USAGE, "cannot record the certificate of %.80s", cn);
    else if (files_join(path, pki, name, e) == 0)
        rc = store_write_chain(path, cert, NULL, FILES_REPLACE, e);
    OPENSSL_free(serial);
    BN_free(number);
    return rc;
}
