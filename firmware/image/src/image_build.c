#include "esp/image.h"

#include <string.h>

#include "bytes.h"

static size_t round4(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

/* Offset of the byte after the last segment; 0 when it can't be built. */
static size_t segments_end(const struct esp_build *b)
{
    size_t at = ESP_IMAGE_HEADER;
    if (b->part_count == 0 || b->part_count > ESP_IMAGE_SEGMENTS)
        return 0;
    for (size_t i = 0; i < b->part_count; i++) {
        if (b->part[i].len > UINT32_MAX / 32)
            return 0;
        at += 8 + round4(b->part[i].len);
    }
    return at;
}

size_t esp_image_size(const struct esp_build *build)
{
    size_t end = segments_end(build);
    return end == 0 ? 0 : (end | 15u) + 1 + PROTO_SHA256_LEN;
}

static void put_header(const struct esp_build *b, uint8_t h[ESP_IMAGE_HEADER])
{
    h[0] = ESP_IMAGE_MAGIC;
    h[1] = (uint8_t)b->part_count;
    h[2] = b->flash_mode;
    h[3] = b->flash_size;
    esp_put32(h + 4, b->entry);
    h[8] = 0xEE; /* WP pin: not used */
    esp_put16(h + 12, b->chip);
    esp_put16(h + 17, UINT16_MAX); /* any chip revision */
    h[23] = 1;                     /* a hash follows */
}

static size_t put_segment(const struct esp_part *part, uint8_t *out, uint8_t *sum)
{
    const uint8_t *data = part->data;
    esp_put32(out, part->load);
    esp_put32(out + 4, (uint32_t)round4(part->len));
    if (part->len > 0)
        memcpy(out + 8, data, part->len);
    for (size_t i = 0; i < part->len; i++)
        *sum ^= data[i];
    return 8 + round4(part->len);
}

enum esp_fault esp_image_build(const struct esp_build *build, const struct crypto *c, uint8_t *out,
                               size_t cap, size_t *size)
{
    size_t whole = esp_image_size(build), at = ESP_IMAGE_HEADER;
    uint8_t sum = 0xEF;
    if (whole == 0)
        return ESP_FAULT_SEGMENTS;
    if (whole > cap)
        return ESP_FAULT_CAP;
    memset(out, 0, whole);
    put_header(build, out);
    for (size_t i = 0; i < build->part_count; i++)
        at += put_segment(&build->part[i], out + at, &sum);
    at |= 15u;
    out[at++] = sum;
    c->sha256(c->ctx, out, at, out + at);
    *size = whole;
    return ESP_FAULT_NONE;
}

/* A field of fixed width, filled up with NULs; it need not end with one. */
static bool put_text(uint8_t *out, size_t width, const char *text)
{
    size_t len = strlen(text);
    if (len > width)
        return false;
    memcpy(out, text, len);
    return true;
}

enum esp_fault esp_app_desc_encode(const struct esp_app_desc *desc, uint8_t out[ESP_APP_DESC_SIZE])
{
    memset(out, 0, ESP_APP_DESC_SIZE);
    esp_put32(out, ESP_APP_DESC_MAGIC);
    esp_put32(out + 4, desc->secure_version);
    memcpy(out + 144, desc->elf_sha256, PROTO_SHA256_LEN);
    bool ok = put_text(out + 16, 32, desc->version) && put_text(out + 48, 32, desc->project) &&
              put_text(out + 80, 16, desc->time) && put_text(out + 96, 16, desc->date) &&
              put_text(out + 112, 32, desc->idf);
    return ok ? ESP_FAULT_NONE : ESP_FAULT_VALUE;
}

size_t esp_linux_image_size(size_t elf_len)
{
    const struct esp_part part[] = { { .len = ESP_APP_DESC_SIZE }, { .len = elf_len } };
    const struct esp_build build = { .part = part, .part_count = 2 };
    return esp_image_size(&build);
}

enum esp_fault esp_linux_image_build(const struct esp_app_desc *desc, const void *elf,
                                     size_t elf_len, const struct crypto *c, uint8_t *out,
                                     size_t cap, size_t *size)
{
    uint8_t raw[ESP_APP_DESC_SIZE];
    struct esp_app_desc full = *desc;
    if (elf_len < 4 || memcmp(elf, "\177ELF", 4) != 0)
        return ESP_FAULT_MAGIC;
    c->sha256(c->ctx, elf, elf_len, full.elf_sha256);
    enum esp_fault fault = esp_app_desc_encode(&full, raw);
    if (fault)
        return fault;
    const struct esp_part part[] = { { .data = raw, .len = sizeof(raw) },
                                     { .data = elf, .len = elf_len } };
    const struct esp_build build = {
        .chip = ESP_CHIP_LINUX, .flash_mode = 2, .flash_size = 0x20, .part = part, .part_count = 2
    };
    return esp_image_build(&build, c, out, cap, size);
}
