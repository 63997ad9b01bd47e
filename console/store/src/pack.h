#ifndef STORE_PACK_H
#define STORE_PACK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Up to 96 equal pieces of time (60 minutes of an hour, 96 quarters of a day) in a few bytes:
 *
 *   12 bytes  which slots hold something: bit i % 8 of byte i / 8
 *   then for each of them, little-endian:
 *   u16       values in it, at most 32767; the top bit says that all were equal
 *   f32       their mean; and unless they were equal, f32 least and f32 greatest
 *
 * So a device that speaks once a minute costs 6 bytes a minute, any other 14.
 */
#define PACK_SLOTS 96
#define PACK_BYTES (12 + PACK_SLOTS * 14)

struct pack_slot {
    uint32_t n; /* 0: nothing */
    float min, avg, max;
};
struct pack {
    struct pack_slot slot[PACK_SLOTS];
};

size_t pack_encode(const struct pack *p, uint8_t out[PACK_BYTES]); /* bytes */
int pack_decode(const void *body, size_t len, struct pack *out);   /* 0, or -1: not a pack */
/* As if the values of both had been put into one. */
void pack_merge(struct pack_slot *into, const struct pack_slot *from);

#endif
