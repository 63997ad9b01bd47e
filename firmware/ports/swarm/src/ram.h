#ifndef SWARM_RAM_H
#define SWARM_RAM_H

#include "pool.h"
#include "port/flash.h"

/*
 * A device's flash and its key/value store, in memory and kept over reboots. Sectors and values
 * lie in a pool, since a fleet's devices hold much the same.
 */

/* The 4 MB flash of port/flash.h, by NOR's rules: a write that would set a bit fails. Erased
 * sectors take no room. `flash` must not move while `flash.flash` is in use. */
enum { RAM_FLASH_PAGE = 64 /* sectors */, RAM_FLASH_PAGES = 16 };
struct ram_flash {
    struct pool *pool;
    const struct blob **page[RAM_FLASH_PAGES]; /* NULL: all erased */
    struct flash flash;
};
void ram_flash_init(struct ram_flash *f, struct pool *pool);
void ram_flash_free(struct ram_flash *f);

/* Values by namespace and key, any bytes. At most a few dozen, so they are searched in a row. */
struct ram_item {
    const struct blob *ns, *key, *value;
};
struct ram_store {
    struct pool *pool;
    struct ram_item *item;
    uint32_t count, cap;
};
void ram_store_init(struct ram_store *s, struct pool *pool);
void ram_store_free(struct ram_store *s);
void ram_store_set(struct ram_store *s, const char *ns, const char *key, const void *data,
                   size_t len);
/* NULL: absent. Valid until it is set again; a NUL follows the bytes. */
const struct blob *ram_store_get(const struct ram_store *s, const char *ns, const char *key);

#endif
