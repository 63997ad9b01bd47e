#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "ossl/crypto.h"
#include "update.h"

/* The half of the agent's port that is flash: what the bootloader needs of it, too. */

static uint32_t passive(const struct update *u)
{
    return 1 - u->running;
}

static bool is_blank(const struct otadata_entry *e)
{
    return e->seq == OTADATA_EMPTY || e->seq == 0 || !e->crc_ok;
}

/* ---- the slot ---- */

static enum reason drop_entries(const struct update *u)
{
    struct otadata o;
    if (slots_read(u->slots, &o))
        return REASON_FLASH_WRITE;
    for (int i = 0; i < 2; i++) {
        const struct otadata_write none = { i, OTADATA_EMPTY, 0 };
        if (is_blank(&o.entry[i]) || otadata_slot(o.entry[i].seq, u->slots->count) != passive(u))
            continue;
        if (slots_write(u->slots, &none))
            return REASON_FLASH_WRITE;
    }
    return REASON_NONE;
}

/* Sectors are erased when their block comes: to erase the rest of the slot here would wear it once
 * more for each connection that drops, and take seconds. */
static enum reason slot_open(void *ctx, uint32_t size, uint32_t keep)
{
    const struct update *u = ctx;
    (void)keep;
    if (size > u->slots->slot[passive(u)].size)
        return REASON_NO_SPACE;
    return drop_entries(u);
}

static bool in_slot(const struct update *u, uint32_t offset, size_t len)
{
    uint32_t room = u->slots->slot[passive(u)].size;
    return offset <= room && len <= room - offset;
}

static enum reason slot_write(void *ctx, uint32_t offset, const uint8_t *data, size_t len)
{
    const struct update *u = ctx;
    const struct flash *f = u->slots->flash;
    uint32_t at = u->slots->slot[passive(u)].offset + offset;
    _Static_assert((uint32_t)OTA_BLOCK == ESP_SECTOR, "a block begins a sector, and fits it");
    if (!in_slot(u, offset, len) || len > ESP_SECTOR || f->erase(f->ctx, at, ESP_SECTOR) ||
        f->write(f->ctx, at, data, len))
        return REASON_FLASH_WRITE;
    return REASON_NONE;
}

static enum reason slot_read(void *ctx, uint32_t offset, uint8_t *data, size_t len)
{
    const struct update *u = ctx;
    const struct flash *f = u->slots->flash;
    if (!in_slot(u, offset, len) ||
        f->read(f->ctx, u->slots->slot[passive(u)].offset + offset, data, len))
        return REASON_FLASH_READ;
    return REASON_NONE;
}

static enum reason image_check(void *ctx, uint32_t size)
{
    const struct update *u = ctx;
    struct esp_image image;
    enum esp_fault fault = slots_check(u->slots, passive(u), &image, NULL);
    if (fault == ESP_FAULT_READ)
        return REASON_FLASH_READ;
    return fault || image.size != size ? REASON_IMAGE_INVALID : REASON_NONE;
}

static enum reason other_image(void *ctx, struct ota_other *out)
{
    const struct update *u = ctx;
    struct esp_image image;
    enum esp_fault fault = slots_check(u->slots, passive(u), &image, out->sha256);
    if (fault)
        return fault == ESP_FAULT_READ ? REASON_FLASH_READ : REASON_IMAGE_INVALID;
    out->size = image.size;
    out->security = image.desc.secure_version;
    snprintf(out->version, sizeof(out->version), "%s", image.desc.version);
    return REASON_NONE;
}

static void slot_close(void *ctx)
{
    const struct update *u = ctx;
    (void)u->slots->flash->sync(u->slots->flash->ctx);
}

/* ---- what boots ---- */

static enum reason boot_switch(void *ctx)
{
    const struct update *u = ctx;
    struct otadata o;
    if (u->slots->flash->sync(u->slots->flash->ctx) || slots_read(u->slots, &o))
        return REASON_BOOT_SWITCH;
    struct otadata_write w = otadata_switch(&o, passive(u), u->slots->count);
    return slots_write(u->slots, &w) ? REASON_BOOT_SWITCH : REASON_NONE;
}

/* The entry is rewritten in place, as ESP-IDF does it: a cut between erase and write loses it, and
 * the old image boots. */
static enum reason mark(const struct update *u, bool valid)
{
    struct otadata o;
    bool ok = false;
    if (slots_read(u->slots, &o))
        return REASON_BOOT_SWITCH;
    struct otadata_write w = otadata_mark(&o, u->running, u->slots->count, valid, &ok);
    if (!ok || (w.sector >= 0 && slots_write(u->slots, &w)))
        return REASON_BOOT_SWITCH;
    return REASON_NONE;
}

static enum reason mark_valid(void *ctx)
{
    return mark(ctx, true);
}

static bool can_go_back(const struct update *u)
{
    struct otadata o;
    struct esp_image image;
    if (slots_read(u->slots, &o))
        return false;
    for (int i = 0; i < 2; i++) {
        const struct otadata_entry *e = &o.entry[i];
        if (!is_blank(e) && e->state != OTADATA_INVALID && e->state != OTADATA_ABORTED &&
            otadata_slot(e->seq, u->slots->count) == passive(u))
            return slots_check(u->slots, passive(u), &image, NULL) == ESP_FAULT_NONE;
    }
    return false;
}

static enum reason rollback(void *ctx)
{
    const struct update *u = ctx;
    if (!can_go_back(u) || mark(u, false))
        return REASON_ROLLBACK_FAILED;
    *u->restart = true;
    return REASON_NONE;
}

static void restart(void *ctx)
{
    const struct update *u = ctx;
    *u->restart = true;
}

enum ota_passive update_passive(const struct slots *slots, uint32_t running)
{
    struct otadata o;
    uint32_t mine = 0, other = 0;
    if (slots_read(slots, &o))
        return OTA_PASSIVE_NONE;
    for (int i = 0; i < 2; i++) {
        const struct otadata_entry *e = &o.entry[i];
        if (is_blank(e))
            continue;
        uint32_t *seq = otadata_slot(e->seq, slots->count) == running ? &mine : &other;
        if (e->seq > *seq)
            *seq = e->seq;
    }
    return other > mine ? OTA_PASSIVE_GIVEN_UP : OTA_PASSIVE_NONE;
}

/* ---- records ---- */

static void record_key(enum ota_record id, char out[8])
{
    snprintf(out, 8, "r%u", (unsigned)id % 100u);
}

static enum reason record_get(void *ctx, enum ota_record id, uint8_t *data, size_t cap, size_t *len)
{
    const struct update *u = ctx;
    char key[8];
    record_key(id, key);
    int n = nvs_get(u->records, "ota", key, NVS_BLOB, data, cap);
    *len = n > 0 ? (size_t)n : 0;
    return n >= 0 || n == NVS_ABSENT ? REASON_NONE : REASON_RECORD_IO;
}

static enum reason record_put(void *ctx, enum ota_record id, const uint8_t *data, size_t len)
{
    const struct update *u = ctx;
    char key[8];
    record_key(id, key);
    return nvs_set(u->records, "ota", key, NVS_BLOB, data, len) ? REASON_RECORD_IO : REASON_NONE;
}

/* ---- the rest ---- */

static uint32_t draw(void *ctx)
{
    uint32_t r = 0;
    (void)ctx;
    while (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r)) {
    }
    return r;
}

void update_flash_port(struct update *u)
{
    u->port = (struct ota_port){
        .ctx = u,
        .crypto = ossl_crypto(),
        .slot_size = u->slots->slot[passive(u)].size,
        .slot_open = slot_open,
        .slot_write = slot_write,
        .slot_read = slot_read,
        .image_check = image_check,
        .other_image = other_image,
        .slot_close = slot_close,
        .boot_switch = boot_switch,
        .mark_valid = mark_valid,
        .rollback = rollback,
        .reboot = restart,
        .record_get = record_get,
        .record_put = record_put,
        .random = draw,
    };
}
