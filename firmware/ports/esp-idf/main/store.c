#include "store.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "esp_log.h"
#include "nvs.h"
#include "nvs_flash.h"

static const char TAG[] = "store";

#define OWN_PARTITION "muster"
#define NS_RECORDS    "ota"
#define NS_PORT       "boot"

int store_open(const char **why)
{
    esp_err_t err = nvs_flash_init();
    if (err == ESP_ERR_NVS_NO_FREE_PAGES || err == ESP_ERR_NVS_NEW_VERSION_FOUND) {
        *why = "partition `nvs` is not of this NVS version: flash the factory image again";
        return -1;
    }
    if (err != ESP_OK) {
        *why = "partition `nvs` can't be read: flash the factory image";
        return -1;
    }
    err = nvs_flash_init_partition(OWN_PARTITION);
    if (err != ESP_OK)
        ESP_LOGE(TAG, "partition `muster`: %s; orders will be refused", esp_err_to_name(err));
    return 0;
}

static bool own_open(const char *ns, nvs_open_mode_t mode, nvs_handle_t *out)
{
    return nvs_open_from_partition(OWN_PARTITION, ns, mode, out) == ESP_OK;
}

int store_get_str(const char *ns, const char *key, char *out, size_t cap)
{
    nvs_handle_t h;
    size_t len = cap;
    if (nvs_open(ns, NVS_READONLY, &h) != ESP_OK)
        return -1;
    esp_err_t err = nvs_get_str(h, key, out, &len); /* len counts the NUL */
    nvs_close(h);
    return err == ESP_OK && len > 0 ? (int)(len - 1) : -1;
}

static int read_number(nvs_handle_t h, const char *key, uint32_t *out)
{
    uint8_t u8;
    uint16_t u16;
    char text[12];
    size_t len = sizeof(text);
    if (nvs_get_u32(h, key, out) == ESP_OK)
        return 0;
    if (nvs_get_u16(h, key, &u16) == ESP_OK) {
        *out = u16;
        return 0;
    }
    if (nvs_get_u8(h, key, &u8) == ESP_OK) {
        *out = u8;
        return 0;
    }
    if (nvs_get_str(h, key, text, &len) != ESP_OK || len < 2)
        return -1;
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n > UINT32_MAX)
        return -1;
    *out = (uint32_t)n;
    return 0;
}

int store_get_u32(const char *ns, const char *key, uint32_t *out)
{
    nvs_handle_t h;
    if (nvs_open(ns, NVS_READONLY, &h) != ESP_OK)
        return -1;
    int rc = read_number(h, key, out);
    nvs_close(h);
    return rc;
}

/* NVS writes the new entry before it erases the old one: a cut leaves either. */
static int finish(nvs_handle_t h, esp_err_t err)
{
    if (err == ESP_OK)
        err = nvs_commit(h);
    nvs_close(h);
    if (err != ESP_OK)
        ESP_LOGW(TAG, "not stored: %s", esp_err_to_name(err));
    return err == ESP_OK ? 0 : -1;
}

int store_set_str(const char *ns, const char *key, const char *value)
{
    nvs_handle_t h;
    if (nvs_open(ns, NVS_READWRITE, &h) != ESP_OK)
        return -1;
    return finish(h, nvs_set_str(h, key, value));
}

int store_set_u32(const char *ns, const char *key, uint32_t value)
{
    nvs_handle_t h;
    if (nvs_open(ns, NVS_READWRITE, &h) != ESP_OK)
        return -1;
    return finish(h, nvs_set_u32(h, key, value));
}

char *store_text(const char *ns, const char *key)
{
    nvs_handle_t h;
    size_t len = 0;
    char *text = NULL;
    if (nvs_open(ns, NVS_READONLY, &h) != ESP_OK)
        return NULL;
    if (nvs_get_str(h, key, NULL, &len) == ESP_OK && len > 1)
        text = malloc(len);
    if (text && nvs_get_str(h, key, text, &len) != ESP_OK) {
        free(text);
        text = NULL;
    }
    nvs_close(h);
    return text;
}

uint32_t store_count_boot(void)
{
    nvs_handle_t h;
    uint32_t count = 0;
    if (!own_open(NS_PORT, NVS_READWRITE, &h))
        return 0;
    (void)nvs_get_u32(h, "count", &count);
    count++;
    return finish(h, nvs_set_u32(h, "count", count)) == 0 ? count : 0;
}

uint64_t store_last_time(void)
{
    nvs_handle_t h;
    uint64_t unix_s = 0;
    if (!own_open(NS_PORT, NVS_READONLY, &h))
        return 0;
    if (nvs_get_u64(h, "time", &unix_s) != ESP_OK)
        unix_s = 0;
    nvs_close(h);
    return unix_s;
}

void store_keep_time(uint64_t unix_s)
{
    nvs_handle_t h;
    if (own_open(NS_PORT, NVS_READWRITE, &h))
        (void)finish(h, nvs_set_u64(h, "time", unix_s));
}

static void record_key(enum ota_record id, char out[8])
{
    snprintf(out, 8, "r%u", (unsigned)id % 100u);
}

enum reason store_record_get(enum ota_record id, uint8_t *data, size_t cap, size_t *len)
{
    nvs_handle_t h;
    char key[8];
    *len = cap;
    record_key(id, key);
    esp_err_t err = nvs_open_from_partition(OWN_PARTITION, NS_RECORDS, NVS_READONLY, &h);
    if (err == ESP_OK) {
        err = nvs_get_blob(h, key, data, len);
        nvs_close(h);
    }
    if (err == ESP_OK)
        return REASON_NONE;
    *len = 0;
    return err == ESP_ERR_NVS_NOT_FOUND ? REASON_NONE : REASON_RECORD_IO;
}

enum reason store_record_put(enum ota_record id, const uint8_t *data, size_t len)
{
    nvs_handle_t h;
    char key[8];
    record_key(id, key);
    if (!own_open(NS_RECORDS, NVS_READWRITE, &h))
        return REASON_RECORD_IO;
    return finish(h, nvs_set_blob(h, key, data, len)) == 0 ? REASON_NONE : REASON_RECORD_IO;
}
