#ifndef SWARM_SWARM_H
#define SWARM_SWARM_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "port/fail.h"

/*
 * Thousands of devices in one process and one thread, over epoll. The same numbers, seed and
 * folder give the same devices, each with the same part to play.
 */
enum { SWARM_DEVICES_MAX = 20000 };

struct swarm_options {
    uint32_t count;     /* 1 to SWARM_DEVICES_MAX */
    const char *folder; /* of the devices' settings: FOLDER/ID/nvs.csv */
    const char *prefix; /* id = prefix and a number of at least three digits */
    const char *image;  /* file flashed at the factory; NULL: one of `version` is made */
    const char *version;
    const char *store; /* downloads are virtual, out of this release store; NULL: real */
    uint32_t pace;     /* bytes per second of a virtual download */
    uint32_t slow;     /* bytes per second of the slow devices */
    uint32_t boot_ms;  /* what a bootloader takes */
    uint32_t start_s;  /* the devices are switched on one after the other within this time */
    int64_t spread_s;  /* the devices' factory key `spread`; -1: as it is in their settings */
    uint64_t seed;
    double share[DEVICE_KINDS]; /* 0 to 1, of all; DEVICE_GOOD is the rest */
    bool verbose;               /* the devices' logs to standard error */
};

/*
 * Until SIGTERM or SIGINT, or "quit" on standard input; prints "ready" once every device that is
 * not offline has been on the broker, and the counts at the end. Commands, one a line, each
 * answered by one line:
 *
 *   counts      what has happened so far, as one JSON object
 *   mark        begin the counts per second anew
 *   off [F]     cut the power of all, or of the first F (0 to 1) of them
 *   on          and here it is again
 *   quit
 *
 * 0, or -1 and *why: could not start.
 */
int swarm_run(const struct swarm_options *options, struct port_fail *why);

#endif
