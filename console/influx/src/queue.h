#ifndef INFLUX_QUEUE_H
#define INFLUX_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Batches that wait, a file each in one folder: "0000000042-117.lp" is the 42nd, of 117 lines. One
 * process at a time uses it (the one that leads). At most `bound` bytes: the oldest go.
 */
struct queue;
/* Makes the folder (0700) when it is first needed; reads what is there. NULL and *err. */
struct queue *queue_open(const char *folder, uint64_t bound, struct err *err);
void queue_close(struct queue *q); /* NULL is fine */

/* *dropped: lines that went to make room. 0, or -1 and *err: nothing was kept. */
int queue_push(struct queue *q, const char *text, size_t len, uint32_t lines, uint64_t *dropped,
               struct err *err);
/* The oldest: 1, *text (free() it), *len and *lines; 0: none; -1. One that can't be read goes. */
int queue_first(struct queue *q, char **text, size_t *len, uint32_t *lines, struct err *err);
void queue_pop(struct queue *q); /* the oldest, which is done */
uint64_t queue_bytes(const struct queue *q);
bool queue_is_empty(const struct queue *q);

#endif
