#include "nor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const nor_tear_word[TEAR_KINDS] = { "prefix", "mixed word", "scattered", "torn erase" };

static uint8_t *blank_sector(void)
{
    static uint8_t blank[ESP_SECTOR];
    memset(blank, 0xFF, sizeof(blank));
    return blank;
}

static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16 ^ *seed << 11;
}

static uint32_t draw32(uint32_t *seed)
{
    uint32_t high = draw(seed) << 16;
    return high ^ (draw(seed) & 0xFFFFu);
}

/* The sector, to be changed. */
static uint8_t *own(struct nor *n, uint32_t sector)
{
    if (!n->own[sector]) {
        uint8_t *mine = malloc(ESP_SECTOR);
        if (!mine)
            abort();
        memcpy(mine, n->sector[sector], ESP_SECTOR);
        n->sector[sector] = mine;
        n->own[sector] = true;
    }
    return n->sector[sector];
}

static bool inside(uint32_t offset, size_t len)
{
    return offset <= FLASH_SIZE && len <= FLASH_SIZE - offset;
}

static int nor_read(void *ctx, uint32_t offset, void *data, size_t len)
{
    const struct nor *n = ctx;
    uint8_t *to = data;
    if (!inside(offset, len))
        return -1;
    while (len > 0) {
        uint32_t at = offset % ESP_SECTOR;
        size_t piece = ESP_SECTOR - at < len ? ESP_SECTOR - at : len;
        memcpy(to, n->sector[offset / ESP_SECTOR] + at, piece);
        to += piece;
        offset += (uint32_t)piece;
        len -= piece;
    }
    return 0;
}

uint32_t nor_words(const struct nor_op *op)
{
    return (op->offset + op->len + 3) / 4 - op->offset / 4;
}

static void put_byte(struct nor *n, const struct nor_op *op, uint32_t i, uint8_t keep)
{
    uint32_t at = op->offset + i;
    uint8_t *to = own(n, at / ESP_SECTOR) + at % ESP_SECTOR;
    *to &= (uint8_t)(op->data[i] | keep);
}

/* Program the bytes of the op's kth word; bits set in `keep` do not make it. */
static void put_word(struct nor *n, const struct nor_op *op, uint32_t k, uint32_t keep)
{
    uint32_t word = op->offset / 4 + k;
    for (uint32_t b = 0; b < 4; b++) {
        uint32_t at = word * 4 + b;
        if (at >= op->offset && at < op->offset + op->len)
            put_byte(n, op, at - op->offset, (uint8_t)(keep >> (8 * b)));
    }
}

void nor_apply(struct nor *n, const struct nor_op *op)
{
    uint32_t sector = op->offset / ESP_SECTOR;
    if (op->erase) {
        memset(own(n, sector), 0xFF, ESP_SECTOR);
        if (n->wear)
            n->wear->erased[sector]++;
        return;
    }
    for (uint32_t i = 0; i < op->len; i++)
        put_byte(n, op, i, 0);
    if (n->wear)
        n->wear->programmed[sector] += op->len;
}

/* An erase first brings all cells to 0, so as to wear them evenly, then lets them rise to 1. Cut
 * short, a word may be anything between. */
static void torn_erase(struct nor *n, const struct nor_op *op, uint32_t seed)
{
    uint8_t *s = own(n, op->offset / ESP_SECTOR);
    uint32_t style = draw(&seed) % 6, front = draw(&seed) % (ESP_SECTOR / 4);
    for (uint32_t w = 0; w < ESP_SECTOR / 4; w++) {
        uint32_t old, r = draw32(&seed), fresh;
        memcpy(&old, s + 4 * w, 4);
        switch (style) {
        case 0: /* stray bits have risen */
            fresh = old | (r & draw32(&seed));
            break;
        case 1: /* most bits have */
            fresh = old | r | draw32(&seed);
            break;
        case 2: /* the front is erased */
            fresh = w < front ? UINT32_MAX : old;
            break;
        case 3: /* words here and there are */
            fresh = r % 4 == 0 ? UINT32_MAX : old;
            break;
        case 4: /* the first phase: stray bits at 0 */
            fresh = old & (r | draw32(&seed));
            break;
        default: /* no word is what it was */
            fresh = r;
            break;
        }
        memcpy(s + 4 * w, &fresh, 4);
    }
}

static void torn_program(struct nor *n, const struct nor_op *op, const struct nor_tear *tear)
{
    uint32_t seed = tear->seed, words = nor_words(op);
    uint32_t whole = tear->kind == TEAR_SCATTER ? 0 : tear->words;
    for (uint32_t k = 0; k < whole && k < words; k++)
        put_word(n, op, k, 0);
    if (tear->kind == TEAR_MIX && whole < words)
        put_word(n, op, whole, draw32(&seed));
    if (tear->kind != TEAR_SCATTER)
        return;
    /* Pages before the one that power goes in are done, those behind it not begun. */
    uint32_t torn = (op->offset / 4 + draw(&seed) % words) * 4 / NOR_PAGE;
    for (uint32_t k = 0; k < words; k++) {
        uint32_t page = (op->offset / 4 + k) * 4 / NOR_PAGE, how = draw(&seed) % 3;
        uint32_t mixture = draw32(&seed);
        if (page < torn || (page == torn && how == 0))
            put_word(n, op, k, 0);
        else if (page == torn && how == 1)
            put_word(n, op, k, mixture);
    }
}

void nor_apply_torn(struct nor *n, const struct nor_op *op, const struct nor_tear *tear)
{
    if (tear->kind == TEAR_ERASE)
        torn_erase(n, op, tear->seed);
    else if (op->erase && tear->words > 0)
        nor_apply(n, op);
    else if (!op->erase)
        torn_program(n, op, tear);
}

static bool sets_bits(const struct nor *n, const struct nor_op *op)
{
    for (uint32_t i = 0; i < op->len; i++) {
        uint32_t at = op->offset + i;
        if (op->data[i] & ~n->sector[at / ESP_SECTOR][at % ESP_SECTOR])
            return true;
    }
    return false;
}

static void perform(struct nor *n, const struct nor_op *op)
{
    if (!op->erase && sets_bits(n, op))
        n->bad_write = true;
    if (n->hook)
        n->hook(n->ctx, op);
    nor_apply(n, op);
}

static int nor_write(void *ctx, uint32_t offset, const void *data, size_t len)
{
    const uint8_t *from = data;
    if (!inside(offset, len))
        return -1;
    while (len > 0) { /* an operation stays within a sector */
        uint32_t room = ESP_SECTOR - offset % ESP_SECTOR;
        uint32_t piece = len < room ? (uint32_t)len : room;
        const struct nor_op op = { false, offset, piece, from };
        perform(ctx, &op);
        offset += piece;
        from += piece;
        len -= piece;
    }
    return 0;
}

static int nor_erase(void *ctx, uint32_t offset, uint32_t len)
{
    if (!inside(offset, len) || offset % ESP_SECTOR != 0 || len % ESP_SECTOR != 0)
        return -1;
    for (uint32_t at = offset; at < offset + len; at += ESP_SECTOR) {
        const struct nor_op op = { true, at, ESP_SECTOR, NULL };
        perform(ctx, &op);
    }
    return 0;
}

static int nor_sync(void *ctx)
{
    (void)ctx; /* what was written is on the medium at once */
    return 0;
}

static void connect(struct nor *n)
{
    n->flash = (struct flash){ .ctx = n,
                               .size = FLASH_SIZE,
                               .read = nor_read,
                               .write = nor_write,
                               .erase = nor_erase,
                               .sync = nor_sync };
}

void nor_blank(struct nor *n)
{
    memset(n, 0, sizeof(*n));
    for (uint32_t i = 0; i < NOR_SECTORS; i++)
        n->sector[i] = blank_sector();
    connect(n);
}

void nor_copy(struct nor *copy, const struct nor *n)
{
    memset(copy, 0, sizeof(*copy));
    memcpy(copy->sector, n->sector, sizeof(copy->sector));
    connect(copy);
}

void nor_free(struct nor *n)
{
    for (uint32_t i = 0; i < NOR_SECTORS; i++)
        if (n->own[i])
            free(n->sector[i]);
}
