#ifndef BOOT_LOGFILE_H
#define BOOT_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "port/facts.h"

/*
 * DIR/log: what bootloader and program say, at most twice LOGFILE_MAX bytes on disk: a full one
 * becomes DIR/log.1. Never fails as far as the device knows: a full disk costs lines, not readings.
 */
#define LOGFILE_MAX (256 * 1024)

struct logfile {
    char path[PORT_PATH_MAX + 8];
    int fd; /* -1: can't be written now */
    size_t size;
    bool echo; /* to standard error as well */
};

void logfile_open(struct logfile *log, const char *dir, bool echo);
void logfile_close(struct logfile *log);
void logfile_bytes(struct logfile *log, const void *data, size_t len);
/* A line of the bootloader's own, with time and "boot". */
void logfile_say(struct logfile *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
