#include "port/slots.h"

#include <string.h>

#include <openssl/evp.h>

enum { CRC_AT = OTADATA_ENTRY - 4 }; /* in an entry */

int slots_init(struct slots *s, const struct flash *flash, const struct esp_partition_table *table)
{
    const struct esp_partition *ota = esp_partition_find(table, ESP_TYPE_DATA, ESP_DATA_OTA);
    memset(s, 0, sizeof(*s));
    if (!ota || ota->size != 2 * ESP_SECTOR || esp_partition_slots(table) != 2)
        return -1;
    s->flash = flash;
    s->otadata = ota->offset;
    s->count = 2;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct esp_partition *p =
            esp_partition_find(table, ESP_TYPE_APP, (uint8_t)(ESP_APP_OTA_0 + i));
        s->slot[i].offset = p->offset;
        s->slot[i].size = p->size;
    }
    return 0;
}

int slots_read(const struct slots *s, struct otadata *out)
{
    uint8_t raw[OTADATA_ENTRY];
    for (uint32_t i = 0; i < 2; i++) {
        if (s->flash->read(s->flash->ctx, s->otadata + i * ESP_SECTOR, raw, sizeof(raw)))
            return -1;
        otadata_decode(raw, &out->entry[i]);
    }
    return 0;
}

/* Spoil the CRC of an entry that counts before its sector is erased: an erase that power cuts short
 * may change the state, which no CRC covers, and leave the rest as it was. */
static int kill_entry(const struct flash *f, uint32_t at)
{
    static const uint8_t zero[4] = { 0 };
    uint8_t raw[OTADATA_ENTRY];
    struct otadata_entry e;
    if (f->read(f->ctx, at, raw, sizeof(raw)))
        return -1;
    otadata_decode(raw, &e);
    if (!e.crc_ok || e.seq == OTADATA_EMPTY)
        return 0;
    return f->write(f->ctx, at + CRC_AT, zero, sizeof(zero));
}

int slots_write(const struct slots *s, const struct otadata_write *w)
{
    uint8_t raw[OTADATA_ENTRY];
    uint32_t at = s->otadata + (uint32_t)w->sector * ESP_SECTOR;
    const struct flash *f = s->flash;
    if (kill_entry(f, at) || f->erase(f->ctx, at, ESP_SECTOR))
        return -1;
    if (w->seq != OTADATA_EMPTY) {
        /* The CRC last and by itself: it does not cover the state, and an entry that counts with
         * half a state would boot an image that proved nothing without probation. */
        otadata_encode(w->seq, w->state, raw);
        if (f->write(f->ctx, at, raw, CRC_AT) ||
            f->write(f->ctx, at + CRC_AT, raw + CRC_AT, OTADATA_ENTRY - CRC_AT))
            return -1;
    }
    return f->sync(f->ctx);
}

static int read_slot(void *ctx, uint32_t offset, void *data, size_t len)
{
    const struct slot_reader *r = ctx;
    uint32_t size = r->s->slot[r->slot].size;
    if (offset > size || len > size - offset)
        return -1;
    return r->s->flash->read(r->s->flash->ctx, r->s->slot[r->slot].offset + offset, data, len);
}

void slots_reader(struct esp_reader *r, struct slot_reader *ctx, const struct slots *s,
                  uint32_t slot)
{
    *ctx = (struct slot_reader){ s, slot };
    *r = (struct esp_reader){ ctx, read_slot, s->slot[slot].size };
}

static bool hash_begin(void *ctx)
{
    return EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
}

static bool hash_update(void *ctx, const void *data, size_t len)
{
    return EVP_DigestUpdate(ctx, data, len) == 1;
}

static bool hash_end(void *ctx, uint8_t out[PROTO_SHA256_LEN])
{
    return EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

static bool digest_all(const struct esp_reader *r, const struct esp_hash *hash, uint32_t size,
                       uint8_t out[PROTO_SHA256_LEN])
{
    uint8_t piece[ESP_SECTOR];
    if (!hash->begin(hash->ctx))
        return false;
    for (uint32_t done = 0; done < size;) {
        uint32_t n = size - done;
        if (n > sizeof(piece))
            n = sizeof(piece);
        if (r->read(r->ctx, done, piece, n) || !hash->update(hash->ctx, piece, n))
            return false;
        done += n;
    }
    return hash->end(hash->ctx, out);
}

enum esp_fault slots_check(const struct slots *s, uint32_t slot, struct esp_image *out,
                           uint8_t digest[PROTO_SHA256_LEN])
{
    struct slot_reader ctx;
    struct esp_reader r;
    slots_reader(&r, &ctx, s, slot);
    enum esp_fault fault = esp_image_parse(&r, out);
    if (fault)
        return fault;
    if (out->chip != ESP_CHIP_LINUX || out->segment_count != 2 || !out->has_desc)
        return ESP_FAULT_VALUE;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    const struct esp_hash hash = { md, hash_begin, hash_update, hash_end };
    fault = md ? esp_image_check_hash(&r, out, &hash) : ESP_FAULT_READ;
    if (!fault && digest && !digest_all(&r, &hash, out->size, digest))
        fault = ESP_FAULT_READ;
    EVP_MD_CTX_free(md);
    return fault;
}

static int load(const struct slots *s, uint32_t slot, struct slots_boot *out)
{
    out->fault[slot] = slots_check(s, slot, &out->image, out->digest);
    out->slot = slot;
    return out->fault[slot] ? -1 : 0;
}

int slots_boot(const struct slots *s, struct slots_boot *out)
{
    struct otadata o;
    struct otadata_boot b;
    memset(out, 0, sizeof(*out));
    if (slots_read(s, &o))
        return -1;
    otadata_boot(&o, s->count, &b);
    for (uint32_t i = 0; i < b.write_count; i++)
        if (slots_write(s, &b.write[i]))
            return -1;
    uint32_t first = b.slot < 0 ? 0 : (uint32_t)b.slot;
    if (load(s, first, out)) {
        if (load(s, 1 - first, out))
            return -1;
    } else {
        out->trial = b.trial;
    }
    if (b.initial) {
        struct otadata_write w = otadata_initial(out->slot);
        return slots_write(s, &w);
    }
    return 0;
}
