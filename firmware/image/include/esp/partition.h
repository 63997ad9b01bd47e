#ifndef ESP_PARTITION_H
#define ESP_PARTITION_H

#include <stdint.h>

#include "esp/image.h"

/*
 * The partition table at 0x8000: 32-byte entries, then EB EB, 14 times FF and the MD5 of the
 * entries before; the rest of 0xC00 bytes is FF.
 */
#define ESP_TABLE_OFFSET   0x8000u
#define ESP_TABLE_SIZE     0xC00u
#define ESP_PARTITIONS     32
#define ESP_SECTOR         4096u

#define ESP_TYPE_APP       0
#define ESP_TYPE_DATA      1
#define ESP_APP_FACTORY    0x00
#define ESP_APP_OTA_0      0x10
#define ESP_DATA_OTA       0x00
#define ESP_DATA_PHY       0x01
#define ESP_DATA_NVS       0x02
#define ESP_DATA_COREDUMP  0x03
#define ESP_DATA_NVS_KEYS  0x04
#define ESP_DATA_UNDEFINED 0x06 /* a product's own data */

struct esp_partition {
    uint8_t type, subtype;
    uint32_t offset, size; /* bytes; multiples of a sector, apps aligned to 64 KB */
    char label[17];
    uint32_t flags;
};

struct esp_partition_table {
    struct esp_partition part[ESP_PARTITIONS];
    uint32_t count;
};

/* MD5 is the table's checksum, not a protection; whoever links this supplies it. */
typedef void esp_md5_fn(void *ctx, const void *data, size_t len, uint8_t out[16]);

/* VALUE for a misplaced or overlapping partition or a label longer than 16. */
enum esp_fault esp_partitions_encode(const struct esp_partition_table *table, esp_md5_fn *md5,
                                     void *ctx, uint8_t out[ESP_TABLE_SIZE]);
/* MAGIC when there is no table, SEGMENTS when it has too many entries, CHECKSUM, VALUE as above.
 * A table without the MD5 entry is refused. */
enum esp_fault esp_partitions_decode(const uint8_t in[ESP_TABLE_SIZE], esp_md5_fn *md5, void *ctx,
                                     struct esp_partition_table *out);

/* NULL when there is none. */
const struct esp_partition *esp_partition_find(const struct esp_partition_table *table,
                                               uint8_t type, uint8_t subtype);
const struct esp_partition *esp_partition_by_label(const struct esp_partition_table *table,
                                                   const char *label);
/* How many ota_n slots lie in a row from ota_0: what otadata counts modulo. */
uint32_t esp_partition_slots(const struct esp_partition_table *table);

#endif
