#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"

/*
 * The HTTPS front door for devices: images by digest, out of a release store.
 *
 *   GET, HEAD /firmware/HEX   client certificate of the fleet; Range, If-Range, ETag; 503 and
 *                             Retry-After while `max_downloads` are under way
 *   GET /health /ready        anyone; ready means that the store can be read
 *   GET /metrics              on the metrics listener; on the TLS one for operators' certificates
 *
 * One thread, one event loop. Certificates, CRL and store are read again when their files change:
 * what is revoked or published counts from the next connection or request on.
 */
struct gateway_config {
    const char *listen;  /* HOST:PORT, [V6]:PORT; port 0: any, see the "listening on" line */
    const char *metrics; /* HOST:PORT of a plain listener, or NULL */
    const char *cert, *key, *ca;
    const char *crl; /* NULL: none; the file must be there otherwise */
    const char *store;
    uint32_t max_downloads; /* at least 1 */
    uint32_t rate;          /* bytes per second and download; 0: no limit */
    uint32_t retry_after;   /* s */
    uint32_t max_connections;
    uint32_t stall_s; /* a download that makes no progress for so long is closed */
    FILE *out;        /* "listening on …" and a line per request; NULL: silent */
    bool json;        /* those lines as JSON objects */
    int ready_fd;     /* "ready\n" is written and it is closed once all listen; -1: none */
    const struct log *log;
};

/* Serve until SIGTERM or SIGINT: then no new connections, downloads get up to 3 seconds. 0, or -1
 * when it could not start. */
int gateway_run(const struct gateway_config *config, struct err *e);

#endif
