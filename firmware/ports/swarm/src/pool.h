#ifndef SWARM_POOL_H
#define SWARM_POOL_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes that many devices hold alike, kept once: sectors of the same image, the fleet's
 * certificates and keyset, names. A blob never changes; it lives while anybody holds it.
 * Memory that can't be had ends the program.
 */
struct blob {
    struct blob *next; /* of the same bucket */
    uint64_t hash;
    uint32_t refs, len;
    uint8_t data[]; /* len bytes and a NUL */
};

/* Private. */
struct pool {
    struct blob **bucket;
    uint32_t buckets; /* a power of two */
    uint32_t count;
    uint64_t bytes; /* of all blobs */
};

void pool_init(struct pool *pool);
void pool_free(struct pool *pool); /* and every blob that is still held */

/* The blob of these bytes; pool_drop() it once for each call. */
const struct blob *pool_take(struct pool *pool, const void *data, size_t len);
void pool_drop(struct pool *pool, const struct blob *blob); /* NULL is fine */

/* malloc() and realloc() that end the program when there is no memory. Zeroed; free() it. */
void *swarm_alloc(size_t count, size_t size);
void *swarm_grow(void *old, size_t count, size_t size);

#endif
