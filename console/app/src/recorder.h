#ifndef APP_RECORDER_H
#define APP_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "fleet/fleet.h"

/*
 * Last known readings: read when a session opens, and written every two seconds by the process that
 * leads. Never an obstacle: what can't be read or written is said once in the log.
 */
void recorder_recall(const char *journal, struct fleet *fleet, int64_t now_ms);

struct recorder;
struct recorder *recorder_new(const char *journal,
                              const struct log *log); /* free with recorder_free() */
void recorder_free(struct recorder *r);               /* NULL is fine */
/* `since_ms`: when this process began to listen without a break. */
void recorder_tick(struct recorder *r, struct fleet *fleet, int64_t since_ms, int64_t now_ms);

#endif
