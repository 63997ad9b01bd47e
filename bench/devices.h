#ifndef BENCH_DEVICES_H
#define BENCH_DEVICES_H

#include <stdint.h>
#include <sys/types.h>

/*
 * A made-up fleet for the benches: the retained status and the telemetry of `count` devices, in the
 * shape our firmware sends them, at QoS 0 from one client, over plain TCP to 127.0.0.1.
 * Device n is called sensor-NNNNNN.
 */

/* All of them once, as fast as the broker takes them without dropping. 0 or -1: broker lost. */
int devices_say_status(int port, int count);
/* `messages` readings, round and round in a scattered order, `rate` a second. `count` must
 * not be a multiple of 7919. */
int devices_say_readings(int port, int count, int rate, uint64_t messages);

/* The same in a child; its pid (wait for it), or -1. */
pid_t devices_start_readings(int port, int count, int rate, uint64_t messages);

double bench_seconds(void); /* monotonic */

#endif
