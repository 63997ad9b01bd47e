#ifndef PORT_FLASH_H
#define PORT_FLASH_H

#include <stddef.h>
#include <stdint.h>

#include "esp/partition.h"

/*
 * NOR flash: erased to FF by sectors of 4 KB, and writing only clears bits. Everything above is
 * built on these four functions, so that tests can put a flash beneath that loses power.
 * Each returns 0, or -1: out of range, misaligned erase, or the medium failed.
 */
struct flash {
    void *ctx;
    uint32_t size;
    int (*read)(void *ctx, uint32_t offset, void *data, size_t len);
    int (*write)(void *ctx, uint32_t offset, const void *data, size_t len);
    int (*erase)(void *ctx, uint32_t offset, uint32_t len);
    /* What was written before is on the medium when this returns. A killed process loses nothing
     * without it; a host that loses power might. */
    int (*sync)(void *ctx);
};

#define FLASH_SIZE 0x400000u

/* The partitions of our 4 MB devices, the same on Linux and on ESP32. */
void flash_layout(struct esp_partition_table *out);

/* A flash in a file. Private. */
struct flash_file {
    int fd;
    const uint8_t *map;
    struct flash flash;
};

/* 0, or -1 with `errno`: EINVAL when the file is not exactly FLASH_SIZE long. `f` must not move. */
int flash_file_open(struct flash_file *f, const char *path);
/* Make an erased one; never over an existing file (EEXIST). */
int flash_file_create(struct flash_file *f, const char *path);
void flash_file_close(struct flash_file *f);

/* Write the partition table of flash_layout(); read and check it. 0 or -1, *fault says why. */
int flash_write_table(const struct flash *flash);
int flash_read_table(const struct flash *flash, struct esp_partition_table *out,
                     enum esp_fault *fault);

#endif
