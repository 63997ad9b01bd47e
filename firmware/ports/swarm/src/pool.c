#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_FIRST = 1024 };

static void no_memory(void)
{
    fputs("muster-swarm: out of memory: take fewer devices or smaller images\n", stderr);
    exit(EXIT_FAILURE);
}

void *swarm_alloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        no_memory();
    return p;
}

void *swarm_grow(void *old, size_t count, size_t size)
{
    void *p = size && count > SIZE_MAX / size ? NULL : realloc(old, count * size);
    if (!p)
        no_memory();
    return p;
}

/* FNV-1a by words of eight bytes: the content is ours or was signed, nobody aims at a bucket. */
static uint64_t hash_of(const uint8_t *data, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u ^ len;
    for (; len >= 8; data += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        h = (h ^ word) * 0x100000001b3u;
        h ^= h >> 29;
    }
    for (size_t i = 0; i < len; i++)
        h = (h ^ data[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

void pool_init(struct pool *pool)
{
    *pool = (struct pool){ .buckets = BUCKETS_FIRST };
    pool->bucket = swarm_alloc(pool->buckets, sizeof(struct blob *));
}

void pool_free(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->buckets; i++) {
        for (struct blob *b = pool->bucket[i], *next; b; b = next) {
            next = b->next;
            free(b);
        }
    }
    free(pool->bucket);
}

static void widen(struct pool *pool)
{
    uint32_t n = pool->buckets * 2;
    struct blob **bucket = swarm_alloc(n, sizeof(struct blob *));
    for (uint32_t i = 0; i < pool->buckets; i++) {
        for (struct blob *b = pool->bucket[i], *next; b; b = next) {
            next = b->next;
            b->next = bucket[b->hash & (n - 1)];
            bucket[b->hash & (n - 1)] = b;
        }
    }
    free(pool->bucket);
    pool->bucket = bucket;
    pool->buckets = n;
}

const struct blob *pool_take(struct pool *pool, const void *data, size_t len)
{
    uint64_t hash = hash_of(data, len);
    for (struct blob *b = pool->bucket[hash & (pool->buckets - 1)]; b; b = b->next) {
        if (b->hash == hash && b->len == len && memcmp(b->data, data, len) == 0) {
            b->refs++;
            return b;
        }
    }
    if (pool->count >= pool->buckets)
        widen(pool);
    struct blob *b = swarm_alloc(1, sizeof(*b) + len + 1);
    memcpy(b->data, data, len);
    b->len = (uint32_t)len;
    b->hash = hash;
    b->refs = 1;
    b->next = pool->bucket[hash & (pool->buckets - 1)];
    pool->bucket[hash & (pool->buckets - 1)] = b;
    pool->count++;
    pool->bytes += len;
    return b;
}

void pool_drop(struct pool *pool, const struct blob *blob)
{
    if (!blob)
        return;
    struct blob **at = &pool->bucket[blob->hash & (pool->buckets - 1)];
    while (*at != blob)
        at = &(*at)->next;
    struct blob *b = *at;
    if (--b->refs > 0)
        return;
    *at = b->next;
    pool->count--;
    pool->bytes -= b->len;
    free(b);
}
