#ifndef PORT_SLOTS_H
#define PORT_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "esp/otadata.h"
#include "port/flash.h"

/*
 * The two image slots and otadata on a flash: what the bootloader and the agent's port both do.
 */
struct slots {
    const struct flash *flash;
    uint32_t otadata; /* offset */
    uint32_t count;
    struct {
        uint32_t offset, size;
    } slot[2];
};

/* 0, or -1 when the table has no otadata or not two slots. */
int slots_init(struct slots *s, const struct flash *flash, const struct esp_partition_table *table);

int slots_read(const struct slots *s, struct otadata *out); /* 0, -1 */
/* Spoil the entry there, erase the sector, write the new one, sync. A cut leaves the old entry,
 * none that counts, or the new one. 0, -1 */
int slots_write(const struct slots *s, const struct otadata_write *w);

/* A whole slot to be read from 0. The reader points to `s` and `slot`, which must outlive it. */
struct slot_reader {
    const struct slots *s;
    uint32_t slot;
};
void slots_reader(struct esp_reader *r, struct slot_reader *ctx, const struct slots *s,
                  uint32_t slot);

/* Check a slot's image: structure, checksum, appended hash, chip. `digest`: SHA-256 of the whole
 * image as releases sign it; NULL: not wanted. NONE, or why it would not boot. */
enum esp_fault slots_check(const struct slots *s, uint32_t slot, struct esp_image *out,
                           uint8_t digest[PROTO_SHA256_LEN]);

/* The outcome of the bootloader's choice. */
struct slots_boot {
    uint32_t slot;
    bool trial; /* on probation: PENDING_VERIFY */
    struct esp_image image;
    uint8_t digest[PROTO_SHA256_LEN];
    enum esp_fault fault[2]; /* by slot: why it was passed over; NONE: not tried, or taken */
};
/* Apply ESP-IDF's boot rules, write what they ask for, and find the first slot whose image is
 * whole. 0, or -1: none is bootable, or the flash failed. */
int slots_boot(const struct slots *s, struct slots_boot *out);

#endif
