#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "torn_flash.h"

static uint32_t draw(struct torn_flash *t)
{
    t->seed = t->seed * 1664525u + 1013904223u;
    return t->seed >> 8;
}

static bool cut(struct torn_flash *t)
{
    t->ops++;
    if (t->ops == t->cut_at)
        t->dead = true;
    return t->dead;
}

static int torn_read(void *ctx, uint32_t offset, void *data, size_t len)
{
    struct torn_flash *t = ctx;
    assert_true(offset <= TORN_SIZE && len <= TORN_SIZE - offset);
    if (t->dead)
        return -1;
    memcpy(data, t->byte + offset, len);
    return 0;
}

static int torn_write(void *ctx, uint32_t offset, const void *data, size_t len)
{
    struct torn_flash *t = ctx;
    const uint8_t *from = data;
    assert_true(offset <= TORN_SIZE && len <= TORN_SIZE - offset);
    if (t->dead)
        return -1;
    for (size_t i = 0; i < len; i++)
        assert_int_equal(from[i] & ~t->byte[offset + i], 0);
    size_t whole = cut(t) ? draw(t) % (len + 1) : len;
    memcpy(t->byte + offset, from, whole);
    if (whole < len)
        t->byte[offset + whole] &= (uint8_t)(from[whole] | draw(t));
    return t->dead ? -1 : 0;
}

static int torn_erase(void *ctx, uint32_t offset, uint32_t len)
{
    struct torn_flash *t = ctx;
    assert_true(offset % ESP_SECTOR == 0 && len % ESP_SECTOR == 0);
    assert_true(offset <= TORN_SIZE && len <= TORN_SIZE - offset);
    if (t->dead)
        return -1;
    if (!cut(t)) {
        memset(t->byte + offset, 0xFF, len);
        return 0;
    }
    uint32_t style = draw(t) % 5, front = draw(t) % len;
    bool fast = false;
    for (uint32_t i = 0; i < len; i++) {
        if (i % 4 == 0)
            fast = draw(t) % 4 == 0; /* words whose cells give way sooner */
        if (style == 0 || (style == 1 && i < front) || (style == 2 && fast))
            t->byte[offset + i] = 0xFF;
        else if (style == 3)
            t->byte[offset + i] |= (uint8_t)draw(t);
    }
    return -1;
}

static int torn_sync(void *ctx)
{
    struct torn_flash *t = ctx;
    return t->dead ? -1 : 0;
}

void torn_init(struct torn_flash *t, uint32_t seed)
{
    memset(t, 0, sizeof(*t));
    memset(t->byte, 0xFF, sizeof(t->byte));
    t->seed = seed;
    t->flash = (struct flash){ .ctx = t,
                               .size = TORN_SIZE,
                               .read = torn_read,
                               .write = torn_write,
                               .erase = torn_erase,
                               .sync = torn_sync };
}

void torn_power_on(struct torn_flash *t, uint32_t cut_at)
{
    t->dead = false;
    t->ops = 0;
    t->cut_at = cut_at;
}
