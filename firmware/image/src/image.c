#include "esp/image.h"

#include <string.h>

#include "bytes.h"

const char *esp_fault_text(enum esp_fault fault)
{
    switch (fault) {
    case ESP_FAULT_NONE:
        return "no fault";
    case ESP_FAULT_READ:
        return "could not be read";
    case ESP_FAULT_MAGIC:
        return "wrong magic number";
    case ESP_FAULT_SEGMENTS:
        return "segment table is malformed";
    case ESP_FAULT_TRUNCATED:
        return "ends before its last segment, checksum or hash";
    case ESP_FAULT_CHECKSUM:
        return "checksum does not match";
    case ESP_FAULT_NO_HASH:
        return "has no SHA-256 appended";
    case ESP_FAULT_HASH:
        return "appended SHA-256 does not match";
    case ESP_FAULT_CAP:
        return "does not fit the room given";
    case ESP_FAULT_VALUE:
        return "a value is out of range";
    }
    return "unknown fault";
}

static int read_buffer(void *ctx, uint32_t offset, void *data, size_t len)
{
    const struct esp_buffer *b = ctx;
    if (offset > b->len || len > b->len - offset)
        return -1;
    memcpy(data, b->data + offset, len);
    return 0;
}

void esp_reader_buffer(struct esp_reader *r, struct esp_buffer *buf)
{
    r->ctx = buf;
    r->read = read_buffer;
    r->size = buf->len > UINT32_MAX ? UINT32_MAX : (uint32_t)buf->len;
}

/* A read inside the reader's size: past it the image is cut short, inside it the medium failed. */
static enum esp_fault get(const struct esp_reader *r, uint32_t offset, void *data, uint32_t len)
{
    if (offset > r->size || len > r->size - offset)
        return ESP_FAULT_TRUNCATED;
    return r->read(r->ctx, offset, data, len) ? ESP_FAULT_READ : ESP_FAULT_NONE;
}

static void get_text(char *out, const uint8_t *in, size_t len)
{
    memcpy(out, in, len);
    out[len] = '\0';
}

bool esp_app_desc_decode(const uint8_t in[ESP_APP_DESC_SIZE], struct esp_app_desc *out)
{
    memset(out, 0, sizeof(*out));
    if (esp_get32(in) != ESP_APP_DESC_MAGIC)
        return false;
    out->secure_version = esp_get32(in + 4);
    get_text(out->version, in + 16, 32);
    get_text(out->project, in + 48, 32);
    get_text(out->time, in + 80, 16);
    get_text(out->date, in + 96, 16);
    get_text(out->idf, in + 112, 32);
    memcpy(out->elf_sha256, in + 144, PROTO_SHA256_LEN);
    return true;
}

static enum esp_fault xor_segment(const struct esp_reader *r, const struct esp_segment *s,
                                  uint8_t *sum)
{
    uint8_t piece[256];
    for (uint32_t done = 0; done < s->length;) {
        uint32_t n = s->length - done;
        if (n > sizeof(piece))
            n = sizeof(piece);
        enum esp_fault fault = get(r, s->offset + done, piece, n);
        if (fault)
            return fault;
        for (uint32_t i = 0; i < n; i++)
            *sum ^= piece[i];
        done += n;
    }
    return ESP_FAULT_NONE;
}

static enum esp_fault parse_header(const struct esp_reader *r, struct esp_image *out)
{
    uint8_t h[ESP_IMAGE_HEADER];
    enum esp_fault fault = get(r, 0, h, sizeof(h));
    if (fault)
        return fault;
    if (h[0] != ESP_IMAGE_MAGIC)
        return ESP_FAULT_MAGIC;
    out->segment_count = h[1];
    if (out->segment_count == 0 || out->segment_count > ESP_IMAGE_SEGMENTS)
        return ESP_FAULT_SEGMENTS;
    out->entry = esp_get32(h + 4);
    out->chip = esp_get16(h + 12);
    out->has_hash = h[23] == 1;
    return ESP_FAULT_NONE;
}

/* Walks the segments; *end is the offset behind the last one. */
static enum esp_fault parse_segments(const struct esp_reader *r, struct esp_image *out,
                                     uint32_t *end)
{
    uint32_t at = ESP_IMAGE_HEADER;
    for (uint32_t i = 0; i < out->segment_count; i++) {
        struct esp_segment *s = &out->segment[i];
        uint8_t h[8];
        enum esp_fault fault = get(r, at, h, sizeof(h));
        if (fault)
            return fault;
        s->load = esp_get32(h);
        s->length = esp_get32(h + 4);
        s->offset = at + 8;
        if (s->length % 4 != 0)
            return ESP_FAULT_SEGMENTS;
        if (s->length > r->size - s->offset)
            return ESP_FAULT_TRUNCATED;
        at = s->offset + s->length;
    }
    *end = at;
    return ESP_FAULT_NONE;
}

static enum esp_fault parse_desc(const struct esp_reader *r, struct esp_image *out)
{
    uint8_t raw[ESP_APP_DESC_SIZE];
    if (out->segment[0].length < sizeof(raw))
        return ESP_FAULT_NONE;
    enum esp_fault fault = get(r, out->segment[0].offset, raw, sizeof(raw));
    if (!fault)
        out->has_desc = esp_app_desc_decode(raw, &out->desc);
    return fault;
}

enum esp_fault esp_image_parse(const struct esp_reader *r, struct esp_image *out)
{
    memset(out, 0, sizeof(*out));
    enum esp_fault fault = parse_header(r, out);
    uint32_t end = 0;
    if (!fault)
        fault = parse_segments(r, out, &end);
    if (!fault)
        fault = parse_desc(r, out);
    uint8_t sum = 0xEF;
    for (uint32_t i = 0; !fault && i < out->segment_count; i++)
        fault = xor_segment(r, &out->segment[i], &sum);
    if (fault)
        return fault;

    /* The checksum is the last byte of the block of 16 that holds the byte after the segments. */
    uint32_t last = end | 15u;
    uint8_t found;
    fault = get(r, last, &found, 1);
    if (fault)
        return fault;
    if (found != sum)
        return ESP_FAULT_CHECKSUM;
    out->hashed = last + 1;
    out->size = out->hashed;
    if (out->has_hash) {
        fault = get(r, out->hashed, out->hash, PROTO_SHA256_LEN);
        out->size += PROTO_SHA256_LEN;
    }
    return fault;
}

enum esp_fault esp_image_check_hash(const struct esp_reader *r, const struct esp_image *image,
                                    const struct esp_hash *hash)
{
    uint8_t piece[256], found[PROTO_SHA256_LEN];
    if (!image->has_hash)
        return ESP_FAULT_NO_HASH;
    if (!hash->begin(hash->ctx))
        return ESP_FAULT_READ;
    for (uint32_t done = 0; done < image->hashed;) {
        uint32_t n = image->hashed - done;
        if (n > sizeof(piece))
            n = sizeof(piece);
        if (get(r, done, piece, n) || !hash->update(hash->ctx, piece, n))
            return ESP_FAULT_READ;
        done += n;
    }
    if (!hash->end(hash->ctx, found))
        return ESP_FAULT_READ;
    return memcmp(found, image->hash, sizeof(found)) ? ESP_FAULT_HASH : ESP_FAULT_NONE;
}

enum esp_fault esp_image_check(const void *data, size_t len, const struct crypto *c,
                               struct esp_image *out)
{
    struct esp_buffer buf = { .data = data, .len = len };
    struct esp_reader r;
    esp_reader_buffer(&r, &buf);
    enum esp_fault fault = esp_image_parse(&r, out);
    if (fault)
        return fault;
    if (!out->has_hash)
        return ESP_FAULT_NO_HASH;
    uint8_t found[PROTO_SHA256_LEN];
    c->sha256(c->ctx, data, out->hashed, found);
    return memcmp(found, out->hash, sizeof(found)) ? ESP_FAULT_HASH : ESP_FAULT_NONE;
}
