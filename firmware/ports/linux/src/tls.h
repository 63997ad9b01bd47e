#ifndef PORT_TLS_H
#define PORT_TLS_H

#include <stdint.h>

#include "port/fail.h"

struct ssl_ctx_st;

/* The device's identity, PEM texts out of NVS; nothing of it is ever written to a file. The texts
 * must outlive what is made with it. */
struct tls_identity {
    const char *ca;   /* whom to trust */
    const char *cert; /* own certificate, then its issuers */
    const char *key;
};

/* Room for one. */
struct tls_texts {
    char ca[4001], cert[4001], key[2049];
};
struct tls_identity tls_identity_of(const struct tls_texts *texts); /* points into it */

/*
 * A client context that shows the identity, trusts `ca` and nothing else, speaks TLS 1.2 with AEAD
 * or 1.3, and accepts only a server whose certificate names `host` (a name or an IP address).
 * NULL and *why. Free with tls_free().
 */
struct ssl_ctx_st *tls_client(const struct tls_identity *id, const char *host,
                              struct port_fail *why);
void tls_free(struct ssl_ctx_st *ctx);

/*
 * One context for many devices of a fleet, as the swarm has them: show this identity from now on.
 * A connection that has begun keeps the one it began with. Trust, host and the issuers sent along
 * stay those of tls_client(). 0, or -1 and *why: the context must not be used then.
 */
int tls_wear(struct ssl_ctx_st *ctx, const struct tls_identity *id, struct port_fail *why);
/* Give buffers back between records: worth it when there are thousands of connections. */
void tls_save_memory(struct ssl_ctx_st *ctx);

/* End of the certificate's life, Unix s; 0 when it can't be read. */
uint64_t tls_not_after(const struct tls_identity *id);

#endif
