#ifndef INFLUX_INFLUX_H
#define INFLUX_INFLUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/profile.h"
#include "web/web.h"

/*
 * Readings to an InfluxDB, in its line protocol over HTTP: version 1 by /write?db=, versions 2 and
 * 3 by /api/v2/write. One line per message, its readings as fields:
 *
 *     readings,device=sensor-001,site=ams temperature=21.5,humidity=48 1795816260000
 *
 * Lines go out in batches of INFLUX_BATCH_BYTES or INFLUX_BATCH_MS, one request at a time. What the
 * server does not take now (no answer, 429, 5xx, and 401, 403, 404, which a person mends) waits in
 * files in a folder beside the journal, "<journal>-influx", oldest first out, and survives a
 * restart; when they exceed `queue_mb` the oldest are dropped and counted. What it will never take
 * (400, 413, 422 …: also a partial write, of which it kept the rest) is dropped, counted and said.
 * After a failure it waits: as long as Retry-After says, else 1 s, doubled up to
 * INFLUX_WAIT_MAX_MS.
 *
 * kill -9 loses the batch being filled and the one under way; influx_free() keeps both.
 */
struct influx;

#define INFLUX_BATCH_BYTES 65536
#define INFLUX_BATCH_MAX   200000 /* while it is not reachable: fewer and larger files */
#define INFLUX_BATCH_MS    5000
#define INFLUX_HOLD_MS     30000 /* the same, for age */
#define INFLUX_WAIT_MAX_MS 60000
#define INFLUX_ASK_MS      30000 /* a request may take */

/* `p->influx` with a url: checked here. The queue is of one process at a time. `web` and `log` must
 * outlive it. NULL and *err (EXIT_USAGE) when the section, or the file with the token, can't be
 * used. */
struct influx *influx_new(const struct profile *p, struct web *web, const struct log *log,
                          struct err *err);
void influx_free(struct influx *i); /* also after web_free(); NULL is fine */
/* The section alone, without touching the queue. 0, or -1 as above. */
int influx_check(const struct profile *p, struct err *err);

/* Memory only. Values of one device and time that follow each other become one line. */
void influx_add(struct influx *i, const char *device, const char *reading, int64_t t_ms,
                double value);
/* About ten times a second. */
void influx_tick(struct influx *i, int64_t now_ms);

struct influx_counters {
    uint64_t lines;    /* taken */
    uint64_t sent;     /* lines the server has acknowledged */
    uint64_t rejected; /* in batches the server will never take, or took in part */
    uint64_t dropped;  /* no room in the queue */
    uint64_t waiting_bytes;
    uint32_t failures; /* in a row */
    char error[160];   /* of the last request; "" when it went well */
};
void influx_counters(const struct influx *i, struct influx_counters *out);

#endif
