#ifndef ESP_OTADATA_H
#define ESP_OTADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which slot boots: ESP-IDF's otadata, two sectors with an entry of 32 bytes at the start of each,
 * and the rules of its bootloader with rollback enabled. Pure: an entry is decided here, written by
 * the caller (erase the sector, write the entry).
 *
 * slot = (seq - 1) % slots. A new image gets one boot: chosen as NEW it becomes PENDING_VERIFY, and
 * found PENDING_VERIFY at the next boot it becomes ABORTED, unless it marked itself VALID between.
 */
#define OTADATA_ENTRY 32
#define OTADATA_EMPTY UINT32_MAX

enum otadata_state {
    OTADATA_NEW = 0,
    OTADATA_PENDING = 1,
    OTADATA_VALID = 2,
    OTADATA_INVALID = 3,
    OTADATA_ABORTED = 4
};
#define OTADATA_UNDEFINED UINT32_MAX
const char *otadata_state_word(uint32_t state); /* "new" …; "undefined" for any other */

struct otadata_entry {
    uint32_t seq;
    uint32_t state; /* enum otadata_state, or any other number found in flash */
    bool crc_ok;
};
struct otadata {
    struct otadata_entry entry[2]; /* by sector */
};

void otadata_encode(uint32_t seq, uint32_t state, uint8_t out[OTADATA_ENTRY]);
void otadata_decode(const uint8_t in[OTADATA_ENTRY], struct otadata_entry *out);

/* zlib's CRC-32, to be continued by passing the last result; 0 to begin. otadata begins with
 * 0xFFFFFFFF. */
uint32_t esp_crc32(uint32_t crc, const void *data, size_t len);

/* The sector whose entry counts, or -1: empty, INVALID, ABORTED and bad CRCs do not; the larger seq
 * wins. */
int otadata_active(const struct otadata *o);
/* Slot of a seq; `slots` is at least 1 and `seq` at least 1. */
uint32_t otadata_slot(uint32_t seq, uint32_t slots);

/* A sector to be written; sector -1: nothing to write. */
struct otadata_write {
    int sector;
    uint32_t seq, state;
};

/* What the bootloader must do, in this order. */
struct otadata_boot {
    struct otadata_write write[3]; /* before the image is loaded; unused ones have sector -1 */
    uint32_t write_count;
    int slot;     /* to try first; -1: none named, try them all from slot 0 */
    bool initial; /* otadata was blank: after a slot has loaded, write otadata_initial(slot) */
    bool trial;   /* the slot to try first runs on probation (PENDING_VERIFY) */
};

/* Decide a boot; `o` is brought to what flash holds after the writes. Without factory partition, as
 * ours have none: blank otadata boots slot 0. */
void otadata_boot(struct otadata *o, uint32_t slots, struct otadata_boot *out);
struct otadata_write otadata_initial(uint32_t slot);

/* Make `slot` boot next, as NEW: writes the sector that does not count now, with the smallest seq
 * above the current one that maps to the slot. */
struct otadata_write otadata_switch(const struct otadata *o, uint32_t slot, uint32_t slots);

/*
 * Commit or condemn the image that runs. It is the running slot that counts, not the highest seq:
 * an entry the bootloader has just aborted is not made valid again. sector -1 with *ok true:
 * nothing to write (already valid); with *ok false: the entry that counts is not this slot's.
 */
struct otadata_write otadata_mark(const struct otadata *o, uint32_t running, uint32_t slots,
                                  bool valid, bool *ok);

#endif
