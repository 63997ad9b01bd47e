#include "identity/pki.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "nvs_csv.h"
#include "protocol/id.h"
#include "store.h"

#define DEVICE_DAYS_MAX 365
#define PEM_BYTES       65536

/* What a person may set per device. The rest (id, keys, certificates) is ours to write. */
enum {
    SET_PRODUCT,
    SET_HW,
    SET_HOST,
    SET_PORT,
    SET_URL,
    SET_GROUPS,
    SET_INTERVAL,
    SET_SENSORS,
    SET_NTP,
    SET_RELEASE_SEQ,
    SET_CLOCK,
    SET_HOSTS,
    SET_SPREAD,
    SET_COUNT
};

static bool in_list(const char *word, size_t len, const char *const *allowed, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(allowed[i]) == len && memcmp(allowed[i], word, len) == 0)
            return true;
    return false;
}

static bool sensor_ok(const char *word, size_t len)
{
    static const char *const kinds[] = { "bme280", "scd30", "sds011" };
    return in_list(word, len, kinds, sizeof(kinds) / sizeof(kinds[0]));
}

/* A comma list, each item of which is ok; empty is fine. */
static bool list_ok(const char *text, size_t max, bool (*item_ok)(const char *, size_t))
{
    if (text[0] == '\0')
        return true;
    for (size_t n = 1;; n++) {
        size_t len = strcspn(text, ",");
        if (n > max || !item_ok(text, len))
            return false;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

static bool product_ok(const char *v)
{
    return name_is_valid(v, strlen(v));
}

static bool hw_ok(const char *v)
{
    return strlen(v) < PROTO_HW_MAX && name_is_valid(v, strlen(v));
}

static bool host_ok(const char *v)
{
    size_t len = strlen(v);
    return len > 0 && len < PROTO_HOST_MAX && strcspn(v, " \t\r\n\"',/") == len;
}

static bool port_ok(const char *v)
{
    uint64_t n;
    return text_to_u64(v, 1, 65535, &n);
}

static bool url_ok(const char *v)
{
    size_t len = strlen(v);
    return len < PROTO_URL_MAX && strncmp(v, "https://", 8) == 0 && v[len - 1] == '/' &&
           strcspn(v, " \t\r\n\"") == len;
}

static bool groups_ok(const char *v)
{
    return list_ok(v, PROTO_GROUP_COUNT, group_is_valid);
}

static bool interval_ok(const char *v)
{
    uint64_t n;
    return text_to_u64(v, 1, 86400, &n);
}

static bool sensors_ok(const char *v)
{
    return list_ok(v, 8, sensor_ok);
}

static bool ntp_ok(const char *v)
{
    return v[0] == '\0' || host_ok(v);
}

static bool release_seq_ok(const char *v)
{
    uint64_t n;
    return v[0] == '\0' || text_to_u64(v, 1, UINT32_MAX, &n);
}

static bool clock_ok(const char *v)
{
    return v[0] == '\0' || strcmp(v, "trusted") == 0;
}

/* A host, or host:port; the device compares letter by letter. */
static bool place_ok(const char *word, size_t len)
{
    const size_t head = sizeof("https://") - 1;
    char url[PROTO_URL_MAX];
    if (len == 0 || len + head + 2 > sizeof(url) || memchr(word, '/', len))
        return false;
    snprintf(url, sizeof(url), "https://%.*s/", (int)len, word);
    return base_url_is_valid(url, strlen(url));
}

static bool hosts_ok(const char *v)
{
    return strlen(v) < PROTO_URL_MAX && list_ok(v, 8, place_ok);
}

static bool spread_ok(const char *v)
{
    uint64_t n;
    return v[0] == '\0' || text_to_u64(v, 0, 600, &n);
}

static const struct set_row {
    const char *key, *encoding;
    bool (*ok)(const char *value);
    const char *wants;
} set_rows[SET_COUNT] = {
    [SET_PRODUCT] = { "product", "string", product_ok, "1 to 32 of A-Z a-z 0-9 . _ -" },
    [SET_HW] = { "hw", "string", hw_ok, "1 to 16 of A-Z a-z 0-9 . _ -" },
    [SET_HOST] = { "broker_host", "string", host_ok, "a host name or address" },
    [SET_PORT] = { "broker_port", "u16", port_ok, "1 to 65535" },
    [SET_URL] = { "url", "string", url_ok, "https://…/ with a slash at the end" },
    [SET_GROUPS] = { "groups", "string", groups_ok, "up to 8 names with commas between" },
    [SET_INTERVAL] = { "interval", "u32", interval_ok, "1 to 86400 seconds" },
    [SET_SENSORS] = { "sensors", "string", sensors_ok, "a comma list of bme280, scd30, sds011" },
    [SET_NTP] = { "ntp", "string", ntp_ok, "a host name or address" },
    [SET_RELEASE_SEQ] = { "release_seq", "u32", release_seq_ok, "1 to 4294967295" },
    [SET_CLOCK] = { "clock", "string", clock_ok, "trusted" },
    [SET_HOSTS] = { "hosts", "string", hosts_ok, "up to 8 of HOST or HOST:PORT, commas between" },
    [SET_SPREAD] = { "spread", "u32", spread_ok, "0 to 600 seconds" },
};

struct factory {
    char port[8], interval[12], url[PROTO_URL_MAX];
    const char *value[SET_COUNT];
    char *ca, *chain, *key, *keyset;
};

static int set_value(struct factory *f, const char *key, const char *value, struct err *e)
{
    for (size_t i = 0; i < SET_COUNT; i++) {
        if (strcmp(set_rows[i].key, key) != 0)
            continue;
        if (!set_rows[i].ok(value))
            return err_set(e, EXIT_USAGE, "%s=%.60s: must be %s", key, value, set_rows[i].wants);
        f->value[i] = value;
        return 0;
    }
    return err_set(e, EXIT_USAGE,
                   "'%.40s' can't be set: product, hw, broker_host, broker_port, url, groups, "
                   "interval, sensors, ntp, release_seq, clock, hosts or spread",
                   key);
}

static int fill_settings(struct factory *out, const struct fleet_file *f,
                         const struct pki_setting *set, size_t count, struct err *e)
{
    if (fleet_file_url(f, out->url, e) != 0)
        return -1;
    snprintf(out->port, sizeof(out->port), "%u", (unsigned)f->broker_port);
    snprintf(out->interval, sizeof(out->interval), "%u", (unsigned)f->interval);
    const char *const from_fleet[SET_COUNT] = {
        [SET_PRODUCT] = f->product,
        [SET_HW] = f->hw,
        [SET_HOST] = f->broker_host,
        [SET_PORT] = out->port,
        [SET_URL] = out->url,
        [SET_GROUPS] = f->groups,
        [SET_INTERVAL] = out->interval,
        [SET_SENSORS] = f->sensors,
        [SET_NTP] = f->ntp,
        [SET_CLOCK] = "",
        [SET_HOSTS] = "",
        [SET_SPREAD] = "",
        [SET_RELEASE_SEQ] = "", /* of the image that will be flashed: said for each device */
    };
    for (size_t i = 0; i < SET_COUNT; i++)
        if (set_value(out, set_rows[i].key, from_fleet[i], e) != 0)
            return err_prefix(e, "fleet.json");
    for (size_t i = 0; i < count; i++)
        if (set_value(out, set[i].key, set[i].value, e) != 0)
            return -1;
    return 0;
}

static char *read_pki(const char *dir, const char *name, struct err *e)
{
    char path[FILES_PATH_MAX], *text = NULL;
    if (store_path(path, dir, name, e) == 0)
        files_read(path, PEM_BYTES, &text, NULL, e);
    return text;
}

static char *read_out(const char *out, const char *name, struct err *e)
{
    char path[FILES_PATH_MAX], *text = NULL;
    if (files_join(path, out, name, e) == 0)
        files_read(path, PEM_BYTES, &text, NULL, e);
    return text;
}

/*
 * A new key, or the one that a run which was interrupted has left: nvs.csv is written last, so
 * without it no device has been told of the key.
 */
static EVP_PKEY *device_key(const char *out, struct err *e)
{
    char path[FILES_PATH_MAX];
    EVP_PKEY *key;
    if (files_join(path, out, "device.key", e) != 0)
        return NULL;
    if (files_exists(path)) {
        char *pem = read_out(out, "device.key", e);
        key = pem ? ca_key_parse(pem, e) : NULL;
        if (pem)
            OPENSSL_cleanse(pem, strlen(pem));
        free(pem);
        return key;
    }
    key = ca_key_new(e);
    if (key && store_write_key(path, key, e) != 0) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

/* Key and chain in OUT, so that what goes into NVS is what lies there. */
static int make_identity(const char *dir, const char *id, const char *out, int days, int64_t now,
                         struct err *e)
{
    struct ca_pair by;
    char path[FILES_PATH_MAX], pki[FILES_PATH_MAX];
    if (files_join(pki, dir, "pki", e) != 0 || store_load_pair(dir, "intermediate", &by, e) != 0)
        return -1;
    const struct ca_request request = { .kind = CA_CLIENT, .cn = id, .now = now, .days = days };
    EVP_PKEY *key = device_key(out, e);
    X509 *cert = key ? ca_issue(&request, key, &by, e) : NULL;
    int rc = -1;
    if (cert && files_join(path, out, "device.pem", e) == 0 &&
        store_write_chain(path, cert, by.cert, FILES_REPLACE, e) == 0)
        rc = store_record(pki, cert, id, e);
    X509_free(cert);
    EVP_PKEY_free(key);
    ca_pair_close(&by);
    return rc;
}

static int write_nvs(const struct factory *f, const char *id, const struct fleet_file *fleet,
                     const char *out, struct err *e)
{
    struct nvs_item item[NVS_ITEMS_MAX] = {
        { "id", "string", id },
        { "fleet", "string", fleet->fleet },
        { "root", "string", fleet->root },
        /* The root alone: servers send their chain, and an intermediate may be replaced. */
        { "ca", "string", f->ca },
        { "cert", "string", f->chain },
        { "key", "string", f->key },
        { "keyset", "string", f->keyset },
    };
    size_t count = 7;
    for (size_t i = 0; i < SET_COUNT; i++)
        if (f->value[i][0])
            item[count++] = (struct nvs_item){ set_rows[i].key, set_rows[i].encoding, f->value[i] };

    char path[FILES_PATH_MAX];
    char *text = nvs_csv_text(item, count, e);
    if (!text)
        return -1;
    int rc = files_join(path, out, "nvs.csv", e);
    if (rc == 0)
        rc = files_write(NULL, path, text, strlen(text), FILES_PRIVATE, FILES_REPLACE, e);
    OPENSSL_cleanse(text, strlen(text));
    free(text);
    return rc;
}

static int make_device(const char *dir, const char *id, const char *out, struct factory *f,
                       const struct fleet_file *fleet, int days, int64_t now, struct err *e)
{
    char path[FILES_PATH_MAX];
    f->ca = read_pki(dir, "root.pem", e);
    f->keyset = f->ca ? read_pki(dir, "keys/keyset.json", e) : NULL;
    if (!f->keyset || files_join(path, out, "nvs.csv", e) != 0)
        return -1;
    if (files_exists(path))
        return err_set(e, EXIT_REFUSED, "%s is already there, and keys are never overwritten",
                       path);
    if (files_mkdirs(NULL, out, 0755, e) != 0 || make_identity(dir, id, out, days, now, e) != 0)
        return -1;
    f->key = read_out(out, "device.key", e);
    f->chain = f->key ? read_out(out, "device.pem", e) : NULL;
    return f->chain ? write_nvs(f, id, fleet, out, e) : -1;
}

int pki_device(const char *dir, const char *id, const char *out, const struct pki_setting *set,
               size_t set_count, int days, int64_t now, struct err *e)
{
    if (!id_is_valid(id, strlen(id)))
        return err_set(e, EXIT_USAGE,
                       "'%.80s' is not a device id: 1 to 64 of A-Z a-z 0-9 . _ -, the first one a "
                       "letter or digit",
                       id);
    if (pki_name_is_reserved(id))
        return err_set(e, EXIT_REFUSED,
                       "a device must not be called %s: that is an operator's or "
                       "the authority's name",
                       id);
    if (days < 1 || days > DEVICE_DAYS_MAX)
        return err_set(e, EXIT_USAGE, "a device certificate is valid for 1 to %d days",
                       DEVICE_DAYS_MAX);

    struct fleet_file fleet;
    struct factory f = { 0 };
    if (store_fleet(dir, &fleet, e) != 0 || fill_settings(&f, &fleet, set, set_count, e) != 0)
        return -1;
    int rc = make_device(dir, id, out, &f, &fleet, days, now, e);
    if (f.key)
        OPENSSL_cleanse(f.key, strlen(f.key));
    free(f.ca);
    free(f.chain);
    free(f.key);
    free(f.keyset);
    return rc == 0 ? 0 : err_prefix(e, "device %s", id);
}
