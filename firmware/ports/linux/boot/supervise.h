#ifndef BOOT_SUPERVISE_H
#define BOOT_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>

#include "port/fail.h"
#include "protocol/status.h"

struct logfile;

/*
 * The bootloader's life: pick a slot, run the program in it, turn its end into a reset reason, and
 * again. How a program ends:
 *
 *   exit PORT_EXIT_REBOOT     software       killed by SIGKILL            poweron (its power was
 * cut) another signal, exit > 0  panic          no sign of life for 30 s     watchdog
 */
struct device_options {
    const char *dir;
    bool verbose;        /* the log to standard error too */
    uint32_t watchdog_s; /* 0: PORT_WATCHDOG_S */
};

enum device_end {
    DEVICE_STOPPED = 0, /* by SIGTERM or SIGINT: the program said good-bye */
    DEVICE_NO_IMAGE = 1,
    DEVICE_FAILED = 3 /* no flash, already running, ... */
};

/* Runs until told to stop. Anything but STOPPED: *why. */
enum device_end device_run(const struct device_options *options, struct port_fail *why);

/* Take the device's folder for this process: DIR/device.pid, locked and with the pid in it.
 * Descriptor, or -1: *why (it is running already). */
int device_lock(const char *dir, struct port_fail *why);

/* What the end of a program means. Pure. `status` is waitpid()'s. */
enum reset_reason device_reset_of(int status, bool watchdog_bit);

/* How long to wait before the next start: nothing worth mentioning after a clean restart, doubling
 * up to 30 s while programs end within 10 s. Pure; *quick counts those in a row. */
uint32_t device_pause_ms(enum reset_reason reset, uint64_t ran_ms, uint32_t *quick);

#endif
