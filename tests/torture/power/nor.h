#ifndef POWER_NOR_H
#define POWER_NOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/flash.h"

/*
 * NOR flash in memory: sectors of 4 KB that are erased to FF, words of 4 bytes whose bits writing
 * only clears. A copy shares its sectors until one is changed, so a thousand lives may branch off
 * one flash. It counts wear, shows every operation to a hook before it happens, and can do one only
 * in part, as power that goes in the middle does.
 */
#define NOR_SECTORS (FLASH_SIZE / ESP_SECTOR)
#define NOR_PAGE    256u /* bytes that a chip programs at once */

/* A program or the erase of one sector. */
struct nor_op {
    bool erase;
    uint32_t offset;
    uint32_t len;
    const uint8_t *data; /* of a program */
};

/* How an operation is cut short. */
enum nor_tear_kind {
    TEAR_PREFIX,  /* the first `words` words are new, the rest is old; all of them: just after it */
    TEAR_MIX,     /* as above, and the next word is a random mixture of old and new bits */
    TEAR_SCATTER, /* in each page any word is old, new or a mixture */
    TEAR_ERASE,   /* a sector partly erased, in a manner drawn from `seed` */
    TEAR_KINDS
};
struct nor_tear {
    enum nor_tear_kind kind;
    uint32_t words;
    uint32_t seed;
};
extern const char *const nor_tear_word[TEAR_KINDS];

struct nor_wear {
    uint64_t programmed[NOR_SECTORS]; /* bytes */
    uint32_t erased[NOR_SECTORS];
};

struct nor {
    uint8_t *sector[NOR_SECTORS];
    bool own[NOR_SECTORS];
    struct nor_wear *wear;                            /* counted when not NULL */
    void (*hook)(void *ctx, const struct nor_op *op); /* may not return */
    void *ctx;
    bool bad_write; /* something tried to set a bit by writing */
    struct flash flash;
};

void nor_blank(struct nor *n);
/* `n` must not change while the copy lives. */
void nor_copy(struct nor *copy, const struct nor *n);
void nor_free(struct nor *n);                /* only what it does not share */
uint32_t nor_words(const struct nor_op *op); /* words a program touches */
void nor_apply(struct nor *n, const struct nor_op *op);
void nor_apply_torn(struct nor *n, const struct nor_op *op, const struct nor_tear *tear);

#endif
