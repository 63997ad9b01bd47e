#ifndef STORE_KNOWN_H
#define STORE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "protocol/reading.h"
#include "protocol/report.h"
#include "protocol/status.h"

/*
 * The last words of each device, kept by whoever leads, so that a console or a command that starts
 * now knows readings and ages at once: telemetry is not retained by the broker. A database of its
 * own beside the journal ("muster.db" → "muster.db-known"): it may be lost without harm, so it is
 * written without waiting for the disk, and a torn one is begun anew. One row per device; a device
 * that is forgotten goes.
 */
struct known;

/* `journal` is the journal's path. read_only: nothing is created; NULL without *err being an
 * error worth telling when there is none yet. Free with known_close(). */
struct known *known_open(const char *journal, bool read_only, struct err *err);
void known_close(struct known *k); /* NULL is fine */

struct known_device {
    char id[PROTO_ID_MAX];
    int64_t last_ms;      /* its last live message; 0: none */
    uint32_t interval_ms; /* declared or learned; 0: not known */
    bool has_status;      /* it has said what it is */
    struct device_status status;
    bool has_report; /* it has said how far an update is */
    struct ota_report report;
    struct reading item[PROTO_READINGS];
    uint32_t t[PROTO_READINGS]; /* Unix s of each */
    uint32_t count;
};

/* Between begin and end: one transaction. 0, or -1 and *err. */
int known_begin(struct known *k, struct err *err);
int known_put(struct known *k, const struct known_device *device, struct err *err);
int known_forget(struct known *k, const char *id, struct err *err);
/* The recorder listens without a break since `since_ms` and says so at `now_ms`. */
int known_end(struct known *k, int64_t since_ms, int64_t now_ms, struct err *err);

/* Ids that begin so, in order, at most `cap` of them. 0, or -1. */
typedef void known_id_fn(void *ctx, const char *id);
int known_ids(struct known *k, const char *prefix, size_t cap, known_id_fn *fn, void *ctx,
              struct err *err);

/* Every device; `fn` is called with a struct that is valid during the call only. *since_ms and
 * *beat_ms as known_end() was last told; 0 when never. 0, or -1. */
typedef void known_fn(void *ctx, const struct known_device *device);
int known_each(struct known *k, known_fn *fn, void *ctx, int64_t *since_ms, int64_t *beat_ms,
               struct err *err);

#endif
