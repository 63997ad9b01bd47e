#ifndef TORN_FLASH_H
#define TORN_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#include "port/flash.h"

/*
 * A flash in memory that loses power at its nth operation. What that operation leaves behind is any
 * prefix of the bytes, then one byte of mixed old and new bits; for an erase: all, a front part,
 * single words here and there, or stray bits erased, or nothing. After the cut every call fails,
 * until the power comes back. It asserts what NOR flash demands: writing can't set bits.
 */
#define TORN_SIZE 0x10000u

struct torn_flash {
    uint8_t byte[TORN_SIZE];
    uint32_t ops;    /* so far */
    uint32_t cut_at; /* 0: never */
    bool dead;
    uint32_t seed;
    struct flash flash;
};

void torn_init(struct torn_flash *t, uint32_t seed);
void torn_power_on(struct torn_flash *t, uint32_t cut_at);

#endif
