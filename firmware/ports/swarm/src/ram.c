#include "ram.h"

#include <stdlib.h>
#include <string.h>

/* ---- flash ---------------------------------------------------------------------------------- */

static const struct blob **sector_at(const struct ram_flash *f, uint32_t offset)
{
    uint32_t n = offset / ESP_SECTOR;
    const struct blob **page = f->page[n / RAM_FLASH_PAGE];
    return page ? &page[n % RAM_FLASH_PAGE] : NULL;
}

static void load(const struct ram_flash *f, uint32_t offset, uint8_t out[ESP_SECTOR])
{
    const struct blob **sector = sector_at(f, offset);
    if (sector && *sector)
        memcpy(out, (*sector)->data, ESP_SECTOR);
    else
        memset(out, 0xFF, ESP_SECTOR);
}

static void store(struct ram_flash *f, uint32_t offset, const uint8_t data[ESP_SECTOR])
{
    uint32_t n = offset / ESP_SECTOR;
    if (!f->page[n / RAM_FLASH_PAGE])
        f->page[n / RAM_FLASH_PAGE] = swarm_alloc(RAM_FLASH_PAGE, sizeof(struct blob *));
    const struct blob **sector = sector_at(f, offset);
    const struct blob *old = *sector;
    *sector = data ? pool_take(f->pool, data, ESP_SECTOR) : NULL;
    pool_drop(f->pool, old);
}

static bool inside(uint32_t offset, size_t len)
{
    return offset <= FLASH_SIZE && len <= FLASH_SIZE - offset;
}

static uint32_t piece_of(uint32_t offset, size_t len)
{
    uint32_t room = ESP_SECTOR - offset % ESP_SECTOR;
    return len < room ? (uint32_t)len : room;
}

static int flash_get(void *ctx, uint32_t offset, void *data, size_t len)
{
    uint8_t sector[ESP_SECTOR], *out = data;
    if (!inside(offset, len))
        return -1;
    while (len > 0) {
        uint32_t n = piece_of(offset, len);
        load(ctx, offset, sector);
        memcpy(out, sector + offset % ESP_SECTOR, n);
        out += n;
        offset += n;
        len -= n;
    }
    return 0;
}

static int flash_put(void *ctx, uint32_t offset, const void *data, size_t len)
{
    uint8_t sector[ESP_SECTOR];
    const uint8_t *in = data;
    if (!inside(offset, len))
        return -1;
    while (len > 0) {
        uint32_t n = piece_of(offset, len), at = offset % ESP_SECTOR;
        load(ctx, offset, sector);
        for (uint32_t i = 0; i < n; i++) {
            if (in[i] & ~sector[at + i])
                return -1; /* sets a bit: this was not erased */
            sector[at + i] = in[i];
        }
        store(ctx, offset, sector);
        in += n;
        offset += n;
        len -= n;
    }
    return 0;
}

static int flash_wipe(void *ctx, uint32_t offset, uint32_t len)
{
    struct ram_flash *f = ctx;
    if (!inside(offset, len) || offset % ESP_SECTOR != 0 || len % ESP_SECTOR != 0)
        return -1;
    for (; len > 0; offset += ESP_SECTOR, len -= ESP_SECTOR)
        if (f->page[offset / ESP_SECTOR / RAM_FLASH_PAGE])
            store(f, offset, NULL);
    return 0;
}

static int flash_sync(void *ctx)
{
    (void)ctx;
    return 0;
}

void ram_flash_init(struct ram_flash *f, struct pool *pool)
{
    memset(f, 0, sizeof(*f));
    f->pool = pool;
    f->flash = (struct flash){ .ctx = f,
                               .size = FLASH_SIZE,
                               .read = flash_get,
                               .write = flash_put,
                               .erase = flash_wipe,
                               .sync = flash_sync };
    _Static_assert(FLASH_SIZE == (uint32_t)RAM_FLASH_PAGES * RAM_FLASH_PAGE * ESP_SECTOR, "whole");
}

void ram_flash_free(struct ram_flash *f)
{
    for (int i = 0; i < RAM_FLASH_PAGES; i++) {
        for (int k = 0; f->page[i] && k < RAM_FLASH_PAGE; k++)
            pool_drop(f->pool, f->page[i][k]);
        free(f->page[i]);
        f->page[i] = NULL;
    }
}

/* ---- key/value ------------------------------------------------------------------------------ */

void ram_store_init(struct ram_store *s, struct pool *pool)
{
    *s = (struct ram_store){ .pool = pool };
}

void ram_store_free(struct ram_store *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        pool_drop(s->pool, s->item[i].ns);
        pool_drop(s->pool, s->item[i].key);
        pool_drop(s->pool, s->item[i].value);
    }
    free(s->item);
    *s = (struct ram_store){ .pool = s->pool };
}

static struct ram_item *find(const struct ram_store *s, const char *ns, const char *key)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (strcmp((const char *)s->item[i].key->data, key) == 0 &&
            strcmp((const char *)s->item[i].ns->data, ns) == 0)
            return &s->item[i];
    return NULL;
}

static struct ram_item *add(struct ram_store *s, const char *ns, const char *key)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap + s->cap / 2 : 20;
        s->item = swarm_grow(s->item, s->cap, sizeof(*s->item));
    }
    struct ram_item *item = &s->item[s->count++];
    *item = (struct ram_item){ .ns = pool_take(s->pool, ns, strlen(ns)),
                               .key = pool_take(s->pool, key, strlen(key)) };
    return item;
}

void ram_store_set(struct ram_store *s, const char *ns, const char *key, const void *data,
                   size_t len)
{
    struct ram_item *item = find(s, ns, key);
    if (!item)
        item = add(s, ns, key);
    const struct blob *old = item->value;
    item->value = pool_take(s->pool, data, len);
    pool_drop(s->pool, old);
}

const struct blob *ram_store_get(const struct ram_store *s, const char *ns, const char *key)
{
    const struct ram_item *item = find(s, ns, key);
    return item ? item->value : NULL;
}
