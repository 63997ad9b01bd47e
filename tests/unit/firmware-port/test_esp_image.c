#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "esp/image.h"
#include "esp/partition.h"

static void sha256(void *ctx, const void *data, size_t len, uint8_t out[PROTO_SHA256_LEN])
{
    (void)ctx;
    assert_true(EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1);
}

static void md5(void *ctx, const void *data, size_t len, uint8_t out[16])
{
    (void)ctx;
    assert_true(EVP_Digest(data, len, out, NULL, EVP_md5(), NULL) == 1);
}

static const struct crypto crypto = { .sha256 = sha256 };
static const struct esp_app_desc desc = { .secure_version = 3,
                                          .version = "1.4.0",
                                          .project = "weather" };
static const uint8_t elf[] = "\177ELF and then the rest of a program";

static size_t build(uint8_t *out, size_t cap)
{
    size_t size;
    assert_int_equal(esp_linux_image_build(&desc, elf, sizeof(elf) - 1, &crypto, out, cap, &size),
                     0);
    assert_int_equal(size, esp_linux_image_size(sizeof(elf) - 1));
    return size;
}

static void an_image_reads_back_as_it_was_built(void **state)
{
    uint8_t raw[1024];
    struct esp_image im;
    (void)state;

    size_t size = build(raw, sizeof(raw));

    assert_int_equal(esp_image_check(raw, size, &crypto, &im), ESP_FAULT_NONE);
    assert_int_equal(im.size, size);
    assert_int_equal(im.chip, ESP_CHIP_LINUX);
    assert_int_equal(im.segment_count, 2);
    assert_true(im.has_desc);
    assert_string_equal(im.desc.version, "1.4.0");
    assert_string_equal(im.desc.project, "weather");
    assert_int_equal(im.desc.secure_version, 3);
    assert_int_equal(im.segment[1].length, 36);
    assert_memory_equal(raw + im.segment[1].offset, elf, sizeof(elf) - 1);
    assert_memory_equal(raw + 0x20, "\x32\x54\xcd\xab", 4);
    assert_int_equal(size % 16, 0);
}

/* 24 + 8 + n data, n chosen so that the checksum falls on each place of its block. */
static void the_checksum_ends_a_block_of_16_whatever_the_length(void **state)
{
    uint8_t raw[256], data[64];
    struct esp_image im;
    (void)state;

    memset(data, 0x5a, sizeof(data));
    for (size_t n = 0; n <= sizeof(data); n++) {
        const struct esp_part part = { .load = 0x3f400020, .data = data, .len = n };
        const struct esp_build b = { .chip = 5, .entry = 7, .part = &part, .part_count = 1 };
        size_t size;
        assert_int_equal(esp_image_build(&b, &crypto, raw, sizeof(raw), &size), 0);
        assert_int_equal(size % 16, 0);
        assert_int_equal(esp_image_check(raw, size, &crypto, &im), ESP_FAULT_NONE);
        assert_int_equal(im.segment[0].load, 0x3f400020);
        assert_int_equal(im.entry, 7);
        assert_false(im.has_desc);
    }
}

static void any_changed_byte_is_found(void **state)
{
    uint8_t raw[1024];
    struct esp_image im;
    (void)state;

    size_t size = build(raw, sizeof(raw));

    for (size_t at = 0; at < size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            raw[at] ^= (uint8_t)(1u << bit);
            assert_int_not_equal(esp_image_check(raw, size, &crypto, &im), ESP_FAULT_NONE);
            raw[at] ^= (uint8_t)(1u << bit);
        }
    }
}

static void a_cut_image_is_truncated(void **state)
{
    uint8_t raw[1024];
    struct esp_image im;
    (void)state;

    size_t size = build(raw, sizeof(raw));

    for (size_t len = 0; len < size; len++)
        assert_int_equal(esp_image_check(raw, len, &crypto, &im), ESP_FAULT_TRUNCATED);
}

static void bytes_after_the_image_do_not_matter(void **state)
{
    uint8_t raw[1024];
    struct esp_image im;
    (void)state;

    size_t size = build(raw, sizeof(raw));
    memset(raw + size, 0xff, sizeof(raw) - size);

    assert_int_equal(esp_image_check(raw, sizeof(raw), &crypto, &im), ESP_FAULT_NONE);
    assert_int_equal(im.size, size);
}

static void a_header_from_elsewhere_is_refused(void **state)
{
    uint8_t raw[1024];
    struct esp_image im;
    (void)state;

    memset(raw, 0xff, sizeof(raw));
    assert_int_equal(esp_image_check(raw, sizeof(raw), &crypto, &im), ESP_FAULT_MAGIC);
    raw[0] = ESP_IMAGE_MAGIC;
    raw[1] = 17;
    assert_int_equal(esp_image_check(raw, sizeof(raw), &crypto, &im), ESP_FAULT_SEGMENTS);
    raw[1] = 1;
    assert_int_equal(esp_image_check(raw, sizeof(raw), &crypto, &im), ESP_FAULT_SEGMENTS);
    memset(raw + 28, 0xf0, 4); /* a length that would wrap */
    assert_int_equal(esp_image_check(raw, sizeof(raw), &crypto, &im), ESP_FAULT_TRUNCATED);
}

static void what_can_not_be_built_is_refused(void **state)
{
    uint8_t raw[1024];
    size_t size;
    struct esp_app_desc longer = desc;
    (void)state;

    assert_int_equal(esp_linux_image_build(&desc, "#!/bin/sh", 9, &crypto, raw, sizeof(raw), &size),
                     ESP_FAULT_MAGIC);
    assert_int_equal(esp_linux_image_build(&desc, elf, sizeof(elf), &crypto, raw, 64, &size),
                     ESP_FAULT_CAP);
    /* 32 bytes fill the field without a NUL, as ESP-IDF allows */
    memset(longer.version, '1', 32);
    assert_int_equal(
        esp_linux_image_build(&longer, elf, sizeof(elf), &crypto, raw, sizeof(raw), &size), 0);
}

static const struct esp_partition_table table = {
    .count = 4,
    .part = { { 1, ESP_DATA_NVS, 0x9000, 0x6000, "nvs", 0 },
              { 1, ESP_DATA_OTA, 0xf000, 0x2000, "otadata", 0 },
              { 0, ESP_APP_OTA_0, 0x20000, 0x1c0000, "ota_0", 0 },
              { 0, ESP_APP_OTA_0 + 1, 0x1e0000, 0x1c0000, "a_label_of_16_by", 1 } },
};

static void a_partition_table_reads_back_as_it_was_written(void **state)
{
    uint8_t raw[ESP_TABLE_SIZE];
    struct esp_partition_table back;
    (void)state;

    assert_int_equal(esp_partitions_encode(&table, md5, NULL, raw), ESP_FAULT_NONE);
    assert_int_equal(esp_partitions_decode(raw, md5, NULL, &back), ESP_FAULT_NONE);

    assert_int_equal(back.count, 4);
    assert_string_equal(back.part[3].label, "a_label_of_16_by");
    assert_int_equal(esp_partition_slots(&back), 2);
    assert_int_equal(esp_partition_find(&back, ESP_TYPE_DATA, ESP_DATA_OTA)->offset, 0xf000);
    assert_null(esp_partition_by_label(&back, "factory"));
    assert_memory_equal(raw, "\xaa\x50\x01\x02\x00\x90\x00\x00\x00\x60\x00\x00nvs\0", 16);
}

static void the_md5_entry_lies_where_esp_idf_puts_it(void **state)
{
    uint8_t raw[ESP_TABLE_SIZE], sum[16];
    (void)state;

    assert_int_equal(esp_partitions_encode(&table, md5, NULL, raw), ESP_FAULT_NONE);

    md5(NULL, raw, 4 * 32, sum);
    assert_memory_equal(raw + 4 * 32, "\xeb\xeb\xff\xff", 4);
    assert_memory_equal(raw + 4 * 32 + 16, sum, 16);
    assert_int_equal(raw[5 * 32], 0xff);
}

static void a_damaged_table_is_refused(void **state)
{
    uint8_t raw[ESP_TABLE_SIZE];
    struct esp_partition_table back;
    (void)state;

    assert_int_equal(esp_partitions_encode(&table, md5, NULL, raw), ESP_FAULT_NONE);
    raw[12] ^= 1;
    assert_int_equal(esp_partitions_decode(raw, md5, NULL, &back), ESP_FAULT_CHECKSUM);
    memset(raw, 0xff, sizeof(raw));
    assert_int_equal(esp_partitions_decode(raw, md5, NULL, &back), ESP_FAULT_MAGIC);
}

static void partitions_may_not_overlap_or_lie_astray(void **state)
{
    uint8_t raw[ESP_TABLE_SIZE];
    struct esp_partition_table t = table;
    (void)state;

    t.part[3].offset = 0x1d0000; /* inside ota_0 */
    assert_int_equal(esp_partitions_encode(&t, md5, NULL, raw), ESP_FAULT_VALUE);
    t.part[3].offset = 0x1e1000; /* not a multiple of 64 KB */
    assert_int_equal(esp_partitions_encode(&t, md5, NULL, raw), ESP_FAULT_VALUE);
    t = table;
    t.part[0].offset = 0x8000; /* the table itself */
    assert_int_equal(esp_partitions_encode(&t, md5, NULL, raw), ESP_FAULT_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_reads_back_as_it_was_built),
        cmocka_unit_test(the_checksum_ends_a_block_of_16_whatever_the_length),
        cmocka_unit_test(any_changed_byte_is_found),
        cmocka_unit_test(a_cut_image_is_truncated),
        cmocka_unit_test(bytes_after_the_image_do_not_matter),
        cmocka_unit_test(a_header_from_elsewhere_is_refused),
        cmocka_unit_test(what_can_not_be_built_is_refused),
        cmocka_unit_test(a_partition_table_reads_back_as_it_was_written),
        cmocka_unit_test(the_md5_entry_lies_where_esp_idf_puts_it),
        cmocka_unit_test(a_damaged_table_is_refused),
        cmocka_unit_test(partitions_may_not_overlap_or_lie_astray),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
