#ifndef ESP_IMAGE_H
#define ESP_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/crypto.h"

/*
 * The application image of the ESP32 family: what a slot holds and what a release signs.
 *
 *   header 24 | (load u32, length u32, data)... | zeros, checksum | SHA-256 of all before
 *
 * All numbers little-endian. The first segment may begin with a 256-byte description
 * (esp_app_desc_t), which then lies at 0x20 of the file. Nothing here allocates or does I/O.
 *
 * For hw "linux" the container is the same: chip 0x7E57, segment 0 the description alone, segment 1
 * a whole ELF file padded with zeros to a multiple of 4.
 */
#define ESP_IMAGE_MAGIC    0xE9
#define ESP_IMAGE_HEADER   24
#define ESP_IMAGE_SEGMENTS 16
#define ESP_APP_DESC_SIZE  256
#define ESP_APP_DESC_MAGIC 0xABCD5432u
#define ESP_CHIP_ESP32     0
#define ESP_CHIP_LINUX     0x7E57 /* ours: an ELF for a Linux process */

/* Why an image, a table or an entry is refused. esp_fault_text() says it to a person. */
enum esp_fault {
    ESP_FAULT_NONE,
    ESP_FAULT_READ,      /* the reader failed */
    ESP_FAULT_MAGIC,     /* not an image (not a table) */
    ESP_FAULT_SEGMENTS,  /* no, too many or misaligned segments; overlong */
    ESP_FAULT_TRUNCATED, /* ends before it should */
    ESP_FAULT_CHECKSUM,  /* XOR of the segments, or the table's MD5 */
    ESP_FAULT_NO_HASH,   /* no SHA-256 appended */
    ESP_FAULT_HASH,      /* SHA-256 does not match */
    ESP_FAULT_CAP,       /* does not fit the room given */
    ESP_FAULT_VALUE      /* an argument out of range: text too long, label, address */
};
const char *esp_fault_text(enum esp_fault fault); /* never NULL */

/* Bytes of an image wherever they lie. 0, or -1 when [offset, offset + len) can't be read. */
struct esp_reader {
    void *ctx;
    int (*read)(void *ctx, uint32_t offset, void *data, size_t len);
    uint32_t size; /* bytes that may be read: the slot's or the file's size */
};

/* A reader over memory. `buf` must outlive it and is set up by esp_reader_buffer(). */
struct esp_buffer {
    const uint8_t *data;
    size_t len;
};
void esp_reader_buffer(struct esp_reader *r, struct esp_buffer *buf);

/* SHA-256 in pieces, for images that don't lie in memory. */
struct esp_hash {
    void *ctx;
    bool (*begin)(void *ctx);
    bool (*update)(void *ctx, const void *data, size_t len);
    bool (*end)(void *ctx, uint8_t out[PROTO_SHA256_LEN]);
};

struct esp_app_desc {
    uint32_t secure_version;
    char version[33];
    char project[33];
    char time[17];
    char date[17];
    char idf[33];
    uint8_t elf_sha256[PROTO_SHA256_LEN];
};

struct esp_segment {
    uint32_t load;   /* address in the chip's memory; 0 for hw "linux" */
    uint32_t offset; /* of the data, in the image */
    uint32_t length; /* a multiple of 4 */
};

struct esp_image {
    uint16_t chip;
    uint32_t entry;
    uint32_t segment_count;
    struct esp_segment segment[ESP_IMAGE_SEGMENTS];
    bool has_desc; /* old Rust images have none */
    struct esp_app_desc desc;
    bool has_hash;
    uint8_t hash[PROTO_SHA256_LEN];
    uint32_t hashed; /* bytes the appended hash covers */
    uint32_t size;   /* bytes of the whole image, hash included */
};

/*
 * Read header, segments and description and check the checksum: the whole image is read once, in
 * pieces of at most 256 bytes. The appended hash is read, not checked.
 * MAGIC, SEGMENTS, TRUNCATED, CHECKSUM, READ.
 */
enum esp_fault esp_image_parse(const struct esp_reader *r, struct esp_image *out);

/* Compare the appended hash with the image's bytes. NO_HASH, HASH, READ. */
enum esp_fault esp_image_check_hash(const struct esp_reader *r, const struct esp_image *image,
                                    const struct esp_hash *hash);

/* Both of the above over memory. Bytes after the image are not an error; compare `out->size`. */
enum esp_fault esp_image_check(const void *data, size_t len, const struct crypto *c,
                               struct esp_image *out);

/* What to build. Segment data is padded with zeros to a multiple of 4. */
struct esp_part {
    uint32_t load;
    const void *data;
    size_t len;
};
struct esp_build {
    uint16_t chip;
    uint32_t entry;
    uint8_t flash_mode; /* 0 QIO, 2 DIO */
    uint8_t flash_size; /* high nibble size, low nibble speed: 0x2f = 4 MB, 80 MHz */
    const struct esp_part *part;
    size_t part_count; /* 1 to ESP_IMAGE_SEGMENTS */
};

/* Bytes esp_image_build() will write; 0 when it can't be built. */
size_t esp_image_size(const struct esp_build *build);
/* Write the image with checksum and SHA-256. CAP, SEGMENTS. `*size` is its length. */
enum esp_fault esp_image_build(const struct esp_build *build, const struct crypto *c, uint8_t *out,
                               size_t cap, size_t *size);

/* 256 bytes as they lie at 0x20. VALUE when a text is longer than its field. */
enum esp_fault esp_app_desc_encode(const struct esp_app_desc *desc, uint8_t out[ESP_APP_DESC_SIZE]);
/* False when the magic is not there. Texts are terminated; they may hold any bytes. */
bool esp_app_desc_decode(const uint8_t in[ESP_APP_DESC_SIZE], struct esp_app_desc *out);

/*
 * The image of hw "linux": description and ELF in one. `desc->elf_sha256` is filled in here.
 * MAGIC when `elf` is not an ELF file; CAP; VALUE.
 */
size_t esp_linux_image_size(size_t elf_len);
enum esp_fault esp_linux_image_build(const struct esp_app_desc *desc, const void *elf,
                                     size_t elf_len, const struct crypto *c, uint8_t *out,
                                     size_t cap, size_t *size);

#endif
