#include "slots.h"

#include <string.h>

#include "esp_image_format.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_random.h"
#include "sdkconfig.h"

#include "esp/otadata.h"
#include "store.h"

static const char TAG[] = "slots";

#define SLOTS  2u
#define SECTOR 4096u
#define WORD   16u /* what encrypted flash is written in */

/* A signature block of secure boot (v2) follows the image on the next sector's border. */
#if CONFIG_SECURE_SIGNED_APPS_RSA_SCHEME || CONFIG_SECURE_SIGNED_APPS_ECDSA_V2_SCHEME
#define SIGNATURE_BLOCK SECTOR
#elif CONFIG_SECURE_SIGNED_APPS_ECDSA_SCHEME
#error "secure boot v1 is not supported: use v2"
#else
#define SIGNATURE_BLOCK 0u
#endif

/* ---- otadata -------------------------------------------------------------------------------- */

static int read_otadata(struct otadata *out)
{
    uint8_t raw[OTADATA_ENTRY];
    const esp_partition_t *p =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, NULL);
    for (uint32_t i = 0; i < 2; i++) {
        if (!p || esp_partition_read(p, i * SECTOR, raw, sizeof(raw)) != ESP_OK)
            return -1;
        otadata_decode(raw, &out->entry[i]);
    }
    return 0;
}

static bool is_blank(const struct otadata_entry *e)
{
    return e->seq == OTADATA_EMPTY || e->seq == 0 || !e->crc_ok;
}

bool slots_on_probation(const struct slots *s)
{
    esp_ota_img_states_t state;
    return esp_ota_get_state_partition(s->running, &state) == ESP_OK &&
           state == ESP_OTA_IMG_PENDING_VERIFY;
}

enum ota_passive slots_passive(const struct slots *s)
{
    struct otadata o;
    uint32_t mine = 0, other = 0;
    if (read_otadata(&o))
        return OTA_PASSIVE_NONE;
    for (int i = 0; i < 2; i++) {
        const struct otadata_entry *e = &o.entry[i];
        if (is_blank(e))
            continue;
        uint32_t *seq = otadata_slot(e->seq, SLOTS) == s->index ? &mine : &other;
        if (e->seq > *seq)
            *seq = e->seq;
    }
    return other > mine ? OTA_PASSIVE_GIVEN_UP : OTA_PASSIVE_NONE;
}

/*
 * Drop the passive slot's boot record. Not esp_ota_invalidate_inactive_ota_data_slot(): that drops
 * the entry which does not count, and refuses when the one that counts is the passive slot's: an
 * image that was chosen and did not load.
 */
static enum reason drop_entries(const struct slots *s)
{
    struct otadata o;
    const esp_partition_t *p =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_OTA, NULL);
    if (read_otadata(&o))
        return REASON_FLASH_WRITE;
    for (uint32_t i = 0; i < 2; i++) {
        if (is_blank(&o.entry[i]) || otadata_slot(o.entry[i].seq, SLOTS) == s->index)
            continue;
        if (esp_partition_erase_range(p, i * SECTOR, SECTOR) != ESP_OK)
            return REASON_FLASH_WRITE;
    }
    return REASON_NONE;
}

/* ---- the passive slot ----------------------------------------------------------------------- */

/* Sectors are erased one by one before they are written: erasing a slot at once takes seconds, in
 * which nothing would be measured. */
static enum reason slot_open(void *ctx, uint32_t size, uint32_t keep)
{
    const struct slots *s = ctx;
    (void)keep;
    return size > s->passive->size ? REASON_NO_SPACE : drop_entries(s);
}

/* With flash encryption, bytes go in sixteen at a time; the image's last block may be short. */
static esp_err_t write_padded(const esp_partition_t *p, uint32_t offset, const uint8_t *data,
                              size_t len)
{
    uint8_t tail[WORD];
    size_t whole = len / WORD * WORD;
    esp_err_t err = whole ? esp_partition_write(p, offset, data, whole) : ESP_OK;
    if (err != ESP_OK || whole == len)
        return err;
    memset(tail, 0xFF, sizeof(tail));
    memcpy(tail, data + whole, len - whole);
    return esp_partition_write(p, offset + whole, tail, sizeof(tail));
}

static enum reason slot_write(void *ctx, uint32_t offset, const uint8_t *data, size_t len)
{
    const struct slots *s = ctx;
    if (offset % SECTOR || len > SECTOR || offset >= s->passive->size ||
        len > s->passive->size - offset)
        return REASON_FLASH_WRITE;
    esp_err_t err = esp_partition_erase_range(s->passive, offset, SECTOR);
    if (err == ESP_OK)
        err = write_padded(s->passive, offset, data, len);
    if (err != ESP_OK)
        ESP_LOGE(TAG, "write at 0x%x: %s", (unsigned)offset, esp_err_to_name(err));
    return err == ESP_OK ? REASON_NONE : REASON_FLASH_WRITE;
}

static enum reason slot_read(void *ctx, uint32_t offset, uint8_t *data, size_t len)
{
    const struct slots *s = ctx;
    return esp_partition_read(s->passive, offset, data, len) == ESP_OK ? REASON_NONE
                                                                       : REASON_FLASH_READ;
}

/* Bytes of the image file in a slot, signature block included; 0: none there. Not what
 * esp_image_verify() says, which counts the block in some configurations and not in others. */
static uint32_t file_size(const esp_partition_t *p)
{
    const esp_partition_pos_t pos = { p->address, p->size };
    esp_image_metadata_t image;
    if (esp_image_get_metadata(&pos, &image) != ESP_OK)
        return 0;
    if (SIGNATURE_BLOCK == 0)
        return image.image_len;
    return (image.image_len + SECTOR - 1) / SECTOR * SECTOR + SIGNATURE_BLOCK;
}

/* As the bootloader does it: header, chip and its revision, segments, checksum, hash, and with
 * secure boot the signature. */
static enum reason image_check(void *ctx, uint32_t size)
{
    const struct slots *s = ctx;
    const esp_partition_pos_t pos = { s->passive->address, s->passive->size };
    esp_image_metadata_t image;
    esp_err_t err = esp_image_verify(ESP_IMAGE_VERIFY, &pos, &image);
    if (err == ESP_ERR_IMAGE_FLASH_FAIL)
        return REASON_FLASH_READ;
    return err != ESP_OK || file_size(s->passive) != size ? REASON_IMAGE_INVALID : REASON_NONE;
}

static void slot_close(void *ctx)
{
    (void)ctx; /* esp_partition keeps nothing */
}

/* Of the whole image file in a partition; zero when there is none. Its size. */
static uint32_t digest_of(struct slots *s, const esp_partition_t *p, uint8_t out[PROTO_SHA256_LEN])
{
    uint32_t size = file_size(p);
    uint8_t piece[512];
    memset(out, 0, PROTO_SHA256_LEN);
    if (size == 0 || size > p->size)
        return 0;
    sha_begin(&s->sha);
    for (uint32_t done = 0; done < size;) {
        uint32_t n = size - done < sizeof(piece) ? size - done : sizeof(piece);
        if (esp_partition_read(p, done, piece, n) != ESP_OK) {
            s->sha.good = false;
            break;
        }
        sha_add(&s->sha, piece, n);
        done += n;
    }
    sha_end(&s->sha, out);
    return size;
}

void slots_digest(struct slots *s, uint8_t out[PROTO_SHA256_LEN])
{
    (void)digest_of(s, s->running, out);
}

static enum reason other_image(void *ctx, struct ota_other *out)
{
    struct slots *s = ctx;
    const esp_partition_pos_t pos = { s->passive->address, s->passive->size };
    esp_image_metadata_t image;
    esp_app_desc_t desc;
    esp_err_t err = esp_image_verify(ESP_IMAGE_VERIFY, &pos, &image);
    if (err == ESP_ERR_IMAGE_FLASH_FAIL)
        return REASON_FLASH_READ;
    if (err != ESP_OK || esp_ota_get_partition_description(s->passive, &desc) != ESP_OK)
        return REASON_IMAGE_INVALID;
    out->size = digest_of(s, s->passive, out->sha256);
    out->security = desc.secure_version;
    _Static_assert(sizeof(desc.version) < sizeof(out->version), "it fits with its end");
    memcpy(out->version, desc.version, sizeof(desc.version));
    out->version[sizeof(desc.version)] = '\0';
    return out->size > 0 ? REASON_NONE : REASON_IMAGE_INVALID;
}

/* ---- what boots ----------------------------------------------------------------------------- */

static enum reason boot_switch(void *ctx)
{
    const struct slots *s = ctx;
    esp_err_t err = esp_ota_set_boot_partition(s->passive);
    if (err != ESP_OK)
        ESP_LOGE(TAG, "boot switch: %s", esp_err_to_name(err));
    return err == ESP_OK ? REASON_NONE : REASON_BOOT_SWITCH;
}

/* esp_ota_mark_app_valid_cancel_rollback() marks the entry that counts, whichever slot that is: so
 * first see that it is the running one's. */
static enum reason mark_valid(void *ctx)
{
    const struct slots *s = ctx;
    struct otadata o;
    bool ok = false;
    if (read_otadata(&o))
        return REASON_BOOT_SWITCH;
    struct otadata_write w = otadata_mark(&o, s->index, SLOTS, true, &ok);
    if (!ok)
        return REASON_BOOT_SWITCH;
    if (w.sector < 0)
        return REASON_NONE;
    return esp_ota_mark_app_valid_cancel_rollback() == ESP_OK ? REASON_NONE : REASON_BOOT_SWITCH;
}

static enum reason rollback(void *ctx)
{
    (void)ctx;
    if (!esp_ota_check_rollback_is_possible())
        return REASON_ROLLBACK_FAILED;
    esp_err_t err = esp_ota_mark_app_invalid_rollback_and_reboot(); /* returns only if it failed */
    ESP_LOGE(TAG, "rollback: %s", esp_err_to_name(err));
    return REASON_ROLLBACK_FAILED;
}

static void restart(void *ctx)
{
    const struct slots *s = ctx;
    *s->restart = true;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static enum reason record_get(void *ctx, enum ota_record id, uint8_t *data, size_t cap, size_t *len)
{
    (void)ctx;
    return store_record_get(id, data, cap, len);
}

static enum reason record_put(void *ctx, enum ota_record id, const uint8_t *data, size_t len)
{
    (void)ctx;
    return store_record_put(id, data, len);
}

static enum reason open_url(void *ctx, const char *url, uint32_t from, const char *etag)
{
    const struct slots *s = ctx;
    return fetch_open(s->fetch, url, from, etag);
}

static enum ota_io take_answer(void *ctx, struct ota_http_answer *answer, enum reason *why)
{
    const struct slots *s = ctx;
    return fetch_answer(s->fetch, answer, why);
}

static enum ota_io take_body(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why)
{
    const struct slots *s = ctx;
    return fetch_read(s->fetch, data, cap, got, why);
}

static void close_url(void *ctx)
{
    const struct slots *s = ctx;
    fetch_close(s->fetch);
}

static void hash_begin(void *ctx)
{
    struct slots *s = ctx;
    sha_begin(&s->sha);
}

static void hash_add(void *ctx, const uint8_t *data, size_t len)
{
    struct slots *s = ctx;
    sha_add(&s->sha, data, len);
}

static void hash_end(void *ctx, uint8_t out[PROTO_SHA256_LEN])
{
    struct slots *s = ctx;
    sha_end(&s->sha, out);
}

static uint32_t draw(void *ctx)
{
    (void)ctx;
    return esp_random();
}

static bool tell_report(void *ctx, const struct ota_report *report)
{
    const struct slots *s = ctx;
    return app_report(s->app, report);
}

static enum reason ask(void *ctx, enum ota_gate gate)
{
    const struct slots *s = ctx;
    return app_may_proceed(s->app, gate);
}

static const esp_partition_t *find_slot(uint32_t index)
{
    return esp_partition_find_first(
        ESP_PARTITION_TYPE_APP, (esp_partition_subtype_t)(ESP_PARTITION_SUBTYPE_APP_OTA_0 + index),
        NULL);
}

int slots_init(struct slots *s, const char **why)
{
    const esp_partition_t *slot[SLOTS] = { find_slot(0), find_slot(1) };
    s->running = esp_ota_get_running_partition();
    if (!slot[0] || !slot[1] || !s->running ||
        (s->running->address != slot[0]->address && s->running->address != slot[1]->address)) {
        *why = "not running from ota_0 or ota_1: flash partitions.csv of this project";
        return -1;
    }
    s->index = s->running->address == slot[1]->address ? 1 : 0;
    s->passive = slot[1 - s->index];
    s->port = (struct ota_port){
        .ctx = s,
        .crypto = crypto_psa(),
        .slot_size = s->passive->size,
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
        .http_open = open_url,
        .http_answer = take_answer,
        .http_read = take_body,
        .http_close = close_url,
        .sha_begin = hash_begin,
        .sha_add = hash_add,
        .sha_end = hash_end,
        .random = draw,
        .report = tell_report,
        .may_proceed = ask,
    };
    return 0;
}
