/* Bytes of a slot, of a partition table and of otadata, as flash may hold them after anything. */
#undef NDEBUG /* the fuzz preset optimises; what must hold is checked all the same */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "esp/image.h"
#include "esp/otadata.h"
#include "esp/partition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sum that a fuzzer can satisfy: the checks behind it are what is looked for. */
static void sum(void *ctx, const void *data, size_t len, uint8_t out[16])
{
    (void)ctx, (void)data, (void)len;
    memset(out, 0, 16);
}

static void look_at_table(const uint8_t *data, size_t size)
{
    uint8_t raw[ESP_TABLE_SIZE], again[ESP_TABLE_SIZE];
    struct esp_partition_table table;
    memset(raw, 0xFF, sizeof(raw));
    memcpy(raw, data, size < sizeof(raw) ? size : sizeof(raw));
    if (esp_partitions_decode(raw, sum, NULL, &table))
        return;
    assert(table.count <= ESP_PARTITIONS);
    assert(esp_partitions_encode(&table, sum, NULL, again) == ESP_FAULT_NONE);
}

static void look_at_otadata(const uint8_t *data, size_t size)
{
    struct otadata o;
    struct otadata_boot boot;
    uint8_t raw[2 * OTADATA_ENTRY];
    memset(raw, 0xFF, sizeof(raw));
    memcpy(raw, data, size < sizeof(raw) ? size : sizeof(raw));
    otadata_decode(raw, &o.entry[0]);
    otadata_decode(raw + OTADATA_ENTRY, &o.entry[1]);
    otadata_boot(&o, 2, &boot);
    assert(boot.slot >= -1 && boot.slot < 2 && boot.write_count <= 3);
    struct otadata_write w = otadata_switch(&o, 1, 2);
    assert(w.sector == 0 || w.sector == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct esp_buffer buf = { data, size };
    struct esp_reader r;
    struct esp_image image;
    esp_reader_buffer(&r, &buf);
    if (esp_image_parse(&r, &image) == ESP_FAULT_NONE)
        assert(image.size <= size && image.hashed <= image.size && image.segment_count <= 16);
    look_at_table(data, size);
    look_at_otadata(data, size);
    return 0;
}
