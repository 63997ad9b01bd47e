#ifndef APP_RECORDER_H
#define APP_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/profile.h"
#include "fleet/fleet.h"
#include "web/web.h"

/*
 * What is kept of what devices say, by the one process that leads: their last words (every two
 * seconds; read back when a session opens), the history of their readings and their answers
 * (store/history.h); and readings go to an InfluxDB if the profile says so (influx/influx.h). Never
 * an obstacle: what can't be read or written is said once in the log.
 */
void recorder_recall(const char *journal, struct fleet *fleet, int64_t now_ms);

struct recorder;
/* Listens to the fleet's values (fleet_listen()). Both must outlive it. Free with recorder_free(),
 * before the fleet. */
struct recorder *recorder_new(const struct profile *profile, struct fleet *fleet, struct web *web,
                              const struct log *log);
void recorder_free(struct recorder *r); /* writes what is pending; NULL is fine */

struct recorder_state {
    bool leading;     /* this process is the one that records */
    bool up;          /* the link is */
    int64_t since_ms; /* this process has been listening without a break since */
};
/* About ten times a second: a bounded piece of what there is to do. */
void recorder_tick(struct recorder *r, const struct recorder_state *state, int64_t now_ms);

#endif
