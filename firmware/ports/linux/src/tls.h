#ifndef PORT_TLS_H
#define PORT_TLS_H

#include <stdint.h>

#include "port/fail.h"

struct ssl_ctx_st;

/* The device's identity, PEM texts out of NVS; nothing of it is ever written to a file. */
struct tls_identity {
    char ca[4001];   /* whom to trust */
    char cert[4001]; /* own certificate, then its issuers */
    char key[2049];
};

/*
 * A client context that shows the identity, trusts `ca` and nothing else, speaks TLS 1.2 with AEAD
 * or 1.3, and accepts only a server whose certificate names `host` (a name or an IP address).
 * NULL and *why. Free with tls_free().
 */
struct ssl_ctx_st *tls_client(const struct tls_identity *id, const char *host,
                              struct port_fail *why);
void tls_free(struct ssl_ctx_st *ctx);

/* End of the certificate's life, Unix s; 0 when it can't be read. */
uint64_t tls_not_after(const struct tls_identity *id);

#endif
