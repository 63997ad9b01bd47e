#ifndef PORT_FACTS_H
#define PORT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/status.h"

/*
 * What the bootloader tells the program it starts, by the environment (MUSTER_DEVICE_*): on a chip
 * the program would read it from registers and flash.
 */
#define PORT_EXIT_REBOOT 85 /* exit code: restart me, reset reason "software" */
#define PORT_PATH_MAX    256
#define PORT_WATCHDOG_S  30 /* s without a byte on watchdog_fd: the bootloader resets the board */

struct facts {
    char dir[PORT_PATH_MAX]; /* of the device */
    enum reset_reason reset;
    uint32_t slot;
    bool trial; /* otadata says PENDING_VERIFY */
    char boot[PROTO_BOOT_MAX];
    char image[PROTO_SHA256_HEX]; /* SHA-256 of the running image, as releases sign it */
    uint32_t security;            /* the running image's secure_version */
    int watchdog_fd;              /* write a byte to feed it; -1: none */
    int parent;                   /* pid of the bootloader, whose stop is the board's stop */
};

/* 0, or -1: the environment is full. */
int facts_export(const struct facts *facts);
/* 0, or -1: not started by the bootloader. */
int facts_import(struct facts *out);

#endif
