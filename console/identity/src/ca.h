#ifndef IDENTITY_CA_H
#define IDENTITY_CA_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Certificates and CRLs in memory. What goes into a certificate is decided here and nowhere else: a
 * caller chooses a kind, a name and hosts, never extensions.
 */
enum ca_kind {
    CA_ROOT,         /* self-signed */
    CA_INTERMEDIATE, /* pathlen:0 */
    CA_SERVER,       /* serverAuth, SAN */
    CA_CLIENT,       /* clientAuth: devices and operators */
};

struct ca_pair {
    EVP_PKEY *key;
    X509 *cert;
};
void ca_pair_close(struct ca_pair *pair); /* zeroed is fine */

struct ca_request {
    enum ca_kind kind;
    const char *cn;
    const char *const *host; /* CA_SERVER: names or IP addresses */
    size_t host_count;
    int64_t now; /* Unix s */
    int days;
};

EVP_PKEY *ca_key_new(struct err *e);

/* `issuer` NULL: self-signed with `key`. The certificate ends no later than its issuer does. */
X509 *ca_issue(const struct ca_request *request, EVP_PKEY *key, const struct ca_pair *issuer,
               struct err *e);

/* An empty list. */
X509_CRL *ca_crl_new(const struct ca_pair *issuer, long number, int64_t now, int days,
                     struct err *e);

/* PEM texts, free() them. Keys as unencrypted PKCS#8. */
char *ca_key_pem(EVP_PKEY *key, struct err *e);
char *ca_cert_pem(X509 *cert, struct err *e);
char *ca_crl_pem(X509_CRL *crl, struct err *e);

X509 *ca_cert_parse(const char *pem, struct err *e);
EVP_PKEY *ca_key_parse(const char *pem, struct err *e);

#endif
