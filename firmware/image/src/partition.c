#include "esp/partition.h"

#include <string.h>

#include "bytes.h"

#define ENTRY 32u

static bool overlaps(const struct esp_partition *a, const struct esp_partition *b)
{
    return a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

static bool is_placed(const struct esp_partition_table *t, uint32_t index)
{
    const struct esp_partition *p = &t->part[index];
    uint32_t align = p->type == ESP_TYPE_APP ? 0x10000u : ESP_SECTOR;
    if (p->offset % align != 0 || p->size == 0 || p->size % ESP_SECTOR != 0 ||
        p->offset < ESP_TABLE_OFFSET + ESP_SECTOR || p->size > UINT32_MAX - p->offset)
        return false;
    for (uint32_t i = 0; i < index; i++)
        if (overlaps(p, &t->part[i]))
            return false;
    return true;
}

enum esp_fault esp_partitions_encode(const struct esp_partition_table *table, esp_md5_fn *md5,
                                     void *ctx, uint8_t out[ESP_TABLE_SIZE])
{
    memset(out, 0xFF, ESP_TABLE_SIZE);
    if (table->count > ESP_PARTITIONS)
        return ESP_FAULT_VALUE;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct esp_partition *p = &table->part[i];
        uint8_t *e = out + i * ENTRY;
        size_t label = strlen(p->label);
        if (label > 16 || !is_placed(table, i))
            return ESP_FAULT_VALUE;
        memset(e, 0, ENTRY);
        e[0] = 0xAA;
        e[1] = 0x50;
        e[2] = p->type;
        e[3] = p->subtype;
        esp_put32(e + 4, p->offset);
        esp_put32(e + 8, p->size);
        memcpy(e + 12, p->label, label);
        esp_put32(e + 28, p->flags);
    }
    uint8_t *sum = out + table->count * ENTRY;
    sum[0] = sum[1] = 0xEB;
    md5(ctx, out, table->count * ENTRY, sum + 16);
    return ESP_FAULT_NONE;
}

static enum esp_fault decode_entry(const uint8_t *e, struct esp_partition_table *out)
{
    if (out->count == ESP_PARTITIONS)
        return ESP_FAULT_SEGMENTS;
    struct esp_partition *p = &out->part[out->count];
    p->type = e[2];
    p->subtype = e[3];
    p->offset = esp_get32(e + 4);
    p->size = esp_get32(e + 8);
    memcpy(p->label, e + 12, 16);
    p->flags = esp_get32(e + 28);
    if (!is_placed(out, out->count))
        return ESP_FAULT_VALUE;
    out->count++;
    return ESP_FAULT_NONE;
}

enum esp_fault esp_partitions_decode(const uint8_t in[ESP_TABLE_SIZE], esp_md5_fn *md5, void *ctx,
                                     struct esp_partition_table *out)
{
    memset(out, 0, sizeof(*out));
    for (uint32_t at = 0; at < ESP_TABLE_SIZE; at += ENTRY) {
        const uint8_t *e = in + at;
        if (e[0] == 0xEB && e[1] == 0xEB) {
            uint8_t sum[16];
            md5(ctx, in, at, sum);
            return memcmp(sum, e + 16, sizeof(sum)) ? ESP_FAULT_CHECKSUM : ESP_FAULT_NONE;
        }
        if (e[0] != 0xAA || e[1] != 0x50)
            return ESP_FAULT_MAGIC;
        enum esp_fault fault = decode_entry(e, out);
        if (fault)
            return fault;
    }
    return ESP_FAULT_MAGIC;
}

const struct esp_partition *esp_partition_find(const struct esp_partition_table *table,
                                               uint8_t type, uint8_t subtype)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (table->part[i].type == type && table->part[i].subtype == subtype)
            return &table->part[i];
    return NULL;
}

const struct esp_partition *esp_partition_by_label(const struct esp_partition_table *table,
                                                   const char *label)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (strcmp(table->part[i].label, label) == 0)
            return &table->part[i];
    return NULL;
}

uint32_t esp_partition_slots(const struct esp_partition_table *table)
{
    uint32_t n = 0;
    while (n < 16 && esp_partition_find(table, ESP_TYPE_APP, (uint8_t)(ESP_APP_OTA_0 + n)))
        n++;
    return n;
}
