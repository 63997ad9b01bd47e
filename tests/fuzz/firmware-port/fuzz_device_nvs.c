/* A key/value store mounted on whatever a partition holds: it must mount or say no, and then keep
 * what it is given. */
#undef NDEBUG /* the fuzz preset optimises; what must hold is checked all the same */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "port/nvs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE (4 * ESP_SECTOR)
static uint8_t bytes[SIZE];

static int get(void *ctx, uint32_t offset, void *data, size_t len)
{
    (void)ctx;
    assert(offset <= SIZE && len <= SIZE - offset);
    memcpy(data, bytes + offset, len);
    return 0;
}

static int put(void *ctx, uint32_t offset, const void *data, size_t len)
{
    const uint8_t *from = data;
    (void)ctx;
    assert(offset <= SIZE && len <= SIZE - offset);
    for (size_t i = 0; i < len; i++)
        bytes[offset + i] &= from[i];
    return 0;
}

static int erase(void *ctx, uint32_t offset, uint32_t len)
{
    (void)ctx;
    assert(offset % ESP_SECTOR == 0 && offset <= SIZE && len <= SIZE - offset);
    memset(bytes + offset, 0xFF, len);
    return 0;
}

static int sync(void *ctx)
{
    (void)ctx;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nvs nvs;
    const struct flash flash = { NULL, SIZE, get, put, erase, sync };
    char text[32];
    uint32_t number;
    memset(bytes, 0xFF, sizeof(bytes));
    memcpy(bytes, data, size < SIZE ? size : SIZE);
    if (nvs_mount(&nvs, &flash, 0, SIZE) != NVS_OK)
        return 0;
    nvs_get_str(&nvs, "factory", "id", text, sizeof(text));
    for (uint32_t i = 0; i < 20; i++) {
        if (nvs_set_u32(&nvs, "fuzz", "n", i) != NVS_OK)
            return 0; /* full of what the fuzzer put there */
        assert(nvs_get_u32(&nvs, "fuzz", "n", &number) == NVS_OK && number == i);
    }
    assert(nvs_mount(&nvs, &flash, 0, SIZE) == NVS_OK);
    assert(nvs_get_u32(&nvs, "fuzz", "n", &number) == NVS_OK && number == 19);
    return 0;
}
