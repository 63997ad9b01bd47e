#ifndef SWARM_FETCH_H
#define SWARM_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "http_hub.h"
#include "ota/port.h"

/*
 * A device's download, behind the agent's port: a real one by HTTPS from the gateway with the
 * device's certificate, or a virtual one, whose bytes come out of the release store on this
 * machine at a given pace. Either can be slowed down.
 */
struct blob_file { /* a file of the store, mapped once */
    struct blob_file *next;
    char digest[PROTO_SHA256_HEX];
    const uint8_t *data;
    uint32_t size;
};

/* What all downloads of the process share, and what is counted. */
struct fetch_all {
    struct http_hub hub;
    const char *store;        /* folder of the release store: downloads are virtual. NULL: real */
    uint32_t pace;            /* bytes per second of a virtual one */
    struct blob_file *files;  /* mapped so far */
    uint32_t open, peak;      /* under way: from the request to its end */
    uint32_t body, body_peak; /* of them: the answer is there */
    uint64_t begun, bytes;
    uint64_t ended, spent_ms; /* since the last mark: how many, and how long they took together */
};
void fetch_all_free(struct fetch_all *all);
void fetch_all_mark(struct fetch_all *all); /* peaks and durations count from now on */

/* One device's. Private. */
struct fetch {
    struct fetch_all *all;
    const struct tls_identity *identity;
    uint32_t limit; /* bytes per second; 0: none */
    void (*news)(void *ctx);
    void *news_ctx;
    bool open, answered;
    struct http *http;            /* while open and real */
    const struct blob_file *file; /* while open and virtual; NULL: no such file */
    uint32_t at, from;
    int64_t start_ms, now_ms;
    uint64_t taken; /* bytes handed over since start_ms */
};
void fetch_init(struct fetch *f, struct fetch_all *all, const struct tls_identity *identity,
                uint32_t limit, void (*news)(void *ctx), void *ctx);
/* Before each event that may lead to calls: the time, of the loop's clock. */
void fetch_set_time(struct fetch *f, int64_t now_ms);
/* Milliseconds until there may be something to take; UINT32_MAX: not known, `news` will say. */
uint32_t fetch_wait_ms(const struct fetch *f);

/* As the slots of ota_port have it. */
enum reason fetch_open(struct fetch *f, const char *url, uint32_t from, const char *etag);
enum ota_io fetch_answer(struct fetch *f, struct ota_http_answer *answer, enum reason *why);
enum ota_io fetch_read(struct fetch *f, uint8_t *data, size_t cap, size_t *got, enum reason *why);
void fetch_close(struct fetch *f); /* nothing when it is not open */

#endif
