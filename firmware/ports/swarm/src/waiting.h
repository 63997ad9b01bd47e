#ifndef SWARM_WAITING_H
#define SWARM_WAITING_H

#include "device.h"

/* Devices by when they want their next turn: a binary heap, each knows its place (device.heap). */
struct waiting {
    struct device **item; /* room for all of them */
    uint32_t count;
};

/* Wait until then; -1: not at all. Moves it when it waits already. */
void waiting_set(struct waiting *w, struct device *d, int64_t due_ms);
/* The one whose time comes first; NULL: none waits. */
struct device *waiting_first(const struct waiting *w);

#endif
