#ifndef GATEWAY_BLOBS_H
#define GATEWAY_BLOBS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "protocol/limits.h"
#include "release/store.h"

/*
 * Images that may be served: those of a release in the store, whose bytes have the digest that they
 * are asked for by. A file is hashed once, and again when it is another file.
 */
#define BLOBS_KNOWN 64

struct blob_known {
    char digest[PROTO_SHA256_HEX];
    struct stat seen;
};

struct blobs {
    struct release_store *store;
    struct blob_known known[BLOBS_KNOWN];
    unsigned next;
    bool readable; /* the last look at the store went well */
};

int blobs_open(struct blobs *b, const char *dir, struct err *e);
void blobs_close(struct blobs *b);

/* Look at the store again if it changed. False: it can't be read (what was known stays). */
bool blobs_refresh(struct blobs *b, struct err *e);

/* A descriptor to read and close, or -1: EXIT_NO when no release has it, EXIT_REACH when the file
 * is missing or damaged. */
int blobs_get(struct blobs *b, const char *digest, uint64_t *size, struct err *e);

#endif
