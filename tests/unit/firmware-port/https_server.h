#ifndef HTTPS_SERVER_H
#define HTTPS_SERVER_H

#include <stdint.h>
#include <sys/types.h>

#include "tls.h"

/*
 * A server with moods, in a process of its own: what it does depends on the path asked for. It
 * demands a client certificate. One certificate is authority, server and client at once.
 */
struct https_server {
    pid_t pid;
    uint16_t port;
};

/* An authority that names 127.0.0.1 and localhost, as PEM in all three fields. */
void https_identity(struct tls_texts *id);
void https_start(struct https_server *s, const struct tls_texts *id);
void https_stop(struct https_server *s);

#endif
