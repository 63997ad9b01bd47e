#ifndef STORE_KEEP_H
#define STORE_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/*
 * How long the journal keeps what is over. A rollout that may still move (anything but done,
 * aborted, or stopped past its deadline) is never touched, nor what belongs to it, nor an order
 * that is not older than the age. The audit chain stays verifiable: the last row that goes leaves
 * its number and hash as an anchor, and a new row of the chain names them. Which devices' firmware
 * failed on which image is kept when their rollout goes: store_failed_before() still knows.
 */
struct store_keep {
    int64_t age_ms; /* what ended, or was written, before now - age goes; 0: no limit */
    int64_t bytes;  /* beyond this size the oldest ended rollouts go, however young; 0: no limit */
};
#define STORE_KEEP_AGE_MS INT64_C(31536000000) /* a year */
#define STORE_KEEP_BYTES  INT64_C(1073741824)
#define STORE_KEEP_ROWS   5000   /* device rows that one step takes out at most */
#define STORE_PENALTIES   200000 /* kept of rollouts that are gone; the oldest make way */

struct store_pruned {
    uint32_t rollouts, devices, orders, acts, events, audit;
};

/* A bounded piece of the work, in one transaction; adds to *out. 1: there is more; 0 nothing is
 * left to do; -1. */
int store_prune(struct store *s, const struct store_keep *keep, int64_t now_ms,
                struct store_pruned *out, struct err *err);
/* Give room that is free in the file back to the disk. May take seconds on a large journal, and
 * needs as much room again: not while an engine runs elsewhere (EXIT_REFUSED). */
int store_compact(struct store *s, struct err *err);

/* What is in it. */
struct store_facts {
    int64_t schema, bytes, free_bytes;
    int64_t rollouts, living, devices, orders, acts, events, audit, outbox;
    int64_t oldest_ms;   /* the oldest act, event or audit row; 0 */
    int64_t audit_row;   /* the last one; 0: none */
    char audit_hash[65]; /* its hash: kept elsewhere, it shows that nobody made a new chain */
    int64_t anchor_row;  /* rows up to here were taken out by age; 0: none */
    char id[17];
};
int store_facts(struct store *s, struct store_facts *out, struct err *err);

/* A row for export, of any of these kinds, texts valid during the call only. */
struct store_record {
    const char *kind; /* "rollout", "act", "event", "order", "audit" */
    int64_t id, ts_ms;
    const char *rollout, *device, *who, *what, *text; /* NULL where it has none */
    const char *extra;                                /* rollout: plan; act: ask; order: JWS */
    int64_t number;                                   /* order: seq; act: 1 consumed, 2 refused */
    int64_t attempt;
    const char *hash; /* audit: hex */
    bool bad;         /* event */
};
typedef void store_record_fn(void *ctx, const struct store_record *r);
/* Kind by kind, oldest first; since_ms 0 and rollout NULL: all (audit rows name no rollout and come
 * only without one). 0, or -1. */
int store_export(struct store *s, int64_t since_ms, const char *rollout, store_record_fn *fn,
                 void *ctx, struct err *err);

#endif
