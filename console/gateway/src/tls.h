#ifndef GATEWAY_TLS_H
#define GATEWAY_TLS_H

#include <openssl/ssl.h>

#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "protocol/limits.h"

/* The server's side of TLS, made anew when one of its files changes. */
enum { TLS_CERT, TLS_KEY, TLS_CA, TLS_CRL, TLS_FILES };

struct tls {
    const char *path[TLS_FILES]; /* TLS_CRL may be NULL */
    struct stat seen[TLS_FILES];
    SSL_CTX *ctx;
};

int tls_open(struct tls *t, struct err *e);
void tls_close(struct tls *t);

/* A bad file is logged and the settings that worked stay: a half-copied certificate must not stop
 * the service, and a broken CRL must not admit anybody. */
void tls_refresh(struct tls *t, const struct log *log);

/* Name of the verified client certificate: false when there is none, or its CN is not an id. */
bool tls_peer(const SSL *ssl, char cn[PROTO_ID_MAX]);

#endif
