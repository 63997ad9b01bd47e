#include "port/nvs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "esp/otadata.h"

#define PAGE_MAGIC   0x31564E4Du /* "MNV1" */
#define PAGE_HEADER  16u
#define RECORD_MAGIC 0xA55Au
#define RECORD_HEAD  12u

const char *nvs_result_text(int result)
{
    switch (result) {
    case NVS_OK:
        return "ok";
    case NVS_ABSENT:
        return "no such key";
    case NVS_TOO_LONG:
        return "value or name is too long";
    case NVS_NO_SPACE:
        return "store is full";
    case NVS_IO:
        return "flash failed";
    default:
        return result > 0 ? "ok" : "unknown error";
    }
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static bool is_erased(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != 0xFF)
            return false;
    return true;
}

/* A record where it lies in a page's bytes. */
struct record {
    enum nvs_type type;
    const uint8_t *ns, *key, *value;
    uint32_t ns_len, key_len, value_len;
    uint32_t size; /* padded */
};

static uint32_t record_crc(const uint8_t *p, uint32_t body)
{
    return esp_crc32(esp_crc32(0, p, 8), p + RECORD_HEAD, body);
}

/* The record at `at`: its parts, without looking at its CRC. */
static bool parse_record(const uint8_t *page, uint32_t at, struct record *r)
{
    const uint8_t *p = page + at;
    if (at + RECORD_HEAD > ESP_SECTOR || (uint32_t)(p[0] | p[1] << 8) != RECORD_MAGIC)
        return false;
    if (p[2] > NVS_BLOB)
        return false;
    r->type = (enum nvs_type)p[2];
    r->ns_len = p[3] >> 4;
    r->key_len = p[3] & 15u;
    r->value_len = (uint32_t)(p[4] | p[5] << 8);
    uint32_t body = r->ns_len + r->key_len + r->value_len;
    r->size = (RECORD_HEAD + body + 3u) & ~3u;
    if (r->size > ESP_SECTOR - at)
        return false;
    r->ns = p + RECORD_HEAD;
    r->key = r->ns + r->ns_len;
    r->value = r->key + r->key_len;
    return true;
}

static bool is_whole(const uint8_t *page, uint32_t at, const struct record *r)
{
    const uint8_t *p = page + at;
    return get32(p + 8) == record_crc(p, r->ns_len + r->key_len + r->value_len);
}

static bool has_name(const struct record *r, const char *ns, size_t ns_len, const char *key,
                     size_t key_len)
{
    return r->ns_len == ns_len && r->key_len == key_len && memcmp(r->ns, ns, ns_len) == 0 &&
           memcmp(r->key, key, key_len) == 0;
}

static int load_page(struct nvs *nvs, uint32_t page)
{
    return nvs->flash->read(nvs->flash->ctx, nvs->base + page * ESP_SECTOR, nvs->walk, ESP_SECTOR);
}

static int erase_page(struct nvs *nvs, uint32_t page)
{
    nvs->page[page].number = 0;
    if (nvs->flash->erase(nvs->flash->ctx, nvs->base + page * ESP_SECTOR, ESP_SECTOR))
        return NVS_IO;
    return NVS_OK;
}

static int put(struct nvs *nvs, uint32_t page, uint32_t at, const void *data, size_t len)
{
    uint32_t offset = nvs->base + page * ESP_SECTOR + at;
    return nvs->flash->write(nvs->flash->ctx, offset, data, len) ? NVS_IO : NVS_OK;
}

/* Number and extent of a page as found; *complete tells a finished one from a half-made one. */
static int scan_page(struct nvs *nvs, uint32_t page, bool *complete)
{
    struct record r;
    uint32_t at = PAGE_HEADER;
    if (load_page(nvs, page))
        return NVS_IO;
    const uint8_t *p = nvs->walk;
    nvs->page[page].number = 0;
    *complete = false;
    if (get32(p) != PAGE_MAGIC || get32(p + 8) != esp_crc32(0, p, 8))
        return NVS_OK;
    nvs->page[page].number = get32(p + 4);
    *complete = get32(p + 12) == 0;
    while (parse_record(p, at, &r) && is_whole(p, at, &r))
        at += r.size;
    nvs->page[page].end = at;
    nvs->page[page].closed = !is_erased(p + at, ESP_SECTOR - at);
    return NVS_OK;
}

static uint32_t count_free(const struct nvs *nvs)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < nvs->pages; i++)
        n += nvs->page[i].number == 0;
    return n;
}

static uint32_t newest(const struct nvs *nvs)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < nvs->pages; i++)
        if (nvs->page[i].number > nvs->page[best].number)
            best = i;
    return best;
}

static uint32_t oldest(const struct nvs *nvs)
{
    uint32_t best = nvs->current;
    for (uint32_t i = 0; i < nvs->pages; i++)
        if (nvs->page[i].number != 0 && nvs->page[i].number < nvs->page[best].number)
            best = i;
    return best;
}

/* After a failed write the pages may not be what memory says: look again before the next one. */
static int heal(struct nvs *nvs)
{
    if (!nvs->failed)
        return NVS_OK;
    return nvs_mount(nvs, nvs->flash, nvs->base, nvs->pages * ESP_SECTOR);
}

static int note(struct nvs *nvs, int rc)
{
    nvs->failed = rc == NVS_IO;
    return rc;
}

/* Begin a free page behind the current one. Not complete until finish_page(). */
static int begin_page(struct nvs *nvs)
{
    uint8_t header[12];
    uint32_t page = 0, number = nvs->page[nvs->current].number + 1;
    while (page < nvs->pages && nvs->page[page].number != 0)
        page++;
    if (page == nvs->pages)
        return NVS_NO_SPACE;
    if (load_page(nvs, page))
        return NVS_IO;
    if (!is_erased(nvs->walk, ESP_SECTOR) && erase_page(nvs, page))
        return NVS_IO;
    put32(header, PAGE_MAGIC);
    put32(header + 4, number);
    put32(header + 8, esp_crc32(0, header, 8));
    if (put(nvs, page, 0, header, sizeof(header)))
        return NVS_IO;
    nvs->page[page].number = number;
    nvs->page[page].end = PAGE_HEADER;
    nvs->page[page].closed = false;
    nvs->current = page;
    return NVS_OK;
}

static int finish_page(struct nvs *nvs)
{
    static const uint8_t complete[4] = { 0 };
    if (nvs->flash->sync(nvs->flash->ctx))
        return NVS_IO;
    return put(nvs, nvs->current, 12, complete, sizeof(complete));
}

static int mount(struct nvs *nvs)
{
    bool complete[NVS_PAGES];
    if (nvs->pages < 3 || nvs->pages > NVS_PAGES)
        return NVS_IO;
    for (uint32_t i = 0; i < nvs->pages; i++)
        if (scan_page(nvs, i, &complete[i]))
            return NVS_IO;

    nvs->current = newest(nvs);
    if (nvs->page[nvs->current].number != 0 && !complete[nvs->current]) {
        if (erase_page(nvs, nvs->current))
            return NVS_IO;
        nvs->current = newest(nvs);
        /* A power cut leaves only the newest half-made. An older one was damaged otherwise; its
         * records are judged one by one, and the next mount must not take it for half-made. */
        if (nvs->page[nvs->current].number != 0 && !complete[nvs->current] && finish_page(nvs))
            return NVS_IO;
    }
    if (nvs->page[nvs->current].number == 0) {
        int rc = begin_page(nvs);
        return rc ? rc : finish_page(nvs);
    }
    if (count_free(nvs) == 0)
        return erase_page(nvs, oldest(nvs));
    return NVS_OK;
}

int nvs_mount(struct nvs *nvs, const struct flash *flash, uint32_t base, uint32_t size)
{
    memset(nvs, 0, sizeof(*nvs));
    nvs->flash = flash;
    nvs->base = base;
    nvs->pages = size / ESP_SECTOR;
    return note(nvs, mount(nvs));
}

/* Where the newest record of a name lies. */
struct place {
    uint32_t page, at, number;
};

static int find(struct nvs *nvs, const char *ns, size_t ns_len, const char *key, size_t key_len,
                struct place *out)
{
    struct record r;
    out->number = 0;
    for (uint32_t i = 0; i < nvs->pages; i++) {
        if (nvs->page[i].number <= out->number)
            continue;
        if (load_page(nvs, i))
            return NVS_IO;
        for (uint32_t at = PAGE_HEADER; at < nvs->page[i].end; at += r.size) {
            if (!parse_record(nvs->walk, at, &r))
                return NVS_IO; /* it was one at mount */
            if (has_name(&r, ns, ns_len, key, key_len))
                *out = (struct place){ i, at, nvs->page[i].number };
        }
    }
    return out->number == 0 ? NVS_ABSENT : NVS_OK;
}

/* As find(), with the record itself, which lies in nvs->walk until the next call. */
static int find_record(struct nvs *nvs, const char *ns, const char *key, struct record *out)
{
    struct place place;
    int rc = heal(nvs);
    if (!rc)
        rc = find(nvs, ns, strlen(ns), key, strlen(key), &place);
    if (rc)
        return rc;
    if (load_page(nvs, place.page) || !parse_record(nvs->walk, place.at, out) ||
        !is_whole(nvs->walk, place.at, out))
        return NVS_IO;
    return out->type == NVS_NONE ? NVS_ABSENT : NVS_OK;
}

int nvs_get(struct nvs *nvs, const char *ns, const char *key, enum nvs_type type, void *out,
            size_t cap)
{
    struct record r;
    int rc = find_record(nvs, ns, key, &r);
    if (rc)
        return rc;
    if (r.type != type)
        return NVS_ABSENT;
    if (r.value_len > cap)
        return NVS_TOO_LONG;
    memcpy(out, r.value, r.value_len);
    return (int)r.value_len;
}

int nvs_get_str(struct nvs *nvs, const char *ns, const char *key, char *out, size_t cap)
{
    if (cap == 0)
        return NVS_TOO_LONG;
    int n = nvs_get(nvs, ns, key, NVS_STR, out, cap - 1);
    out[n < 0 ? 0 : n] = '\0';
    return n;
}

int nvs_get_u32(struct nvs *nvs, const char *ns, const char *key, uint32_t *out)
{
    uint8_t raw[4];
    char text[12], *end;
    int n = nvs_get(nvs, ns, key, NVS_U32, raw, sizeof(raw));
    if (n == 4) {
        *out = get32(raw);
        return NVS_OK;
    }
    n = nvs_get_str(nvs, ns, key, text, sizeof(text));
    if (n <= 0)
        return n < 0 ? n : NVS_ABSENT;
    unsigned long long v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || v > UINT32_MAX)
        return NVS_ABSENT;
    *out = (uint32_t)v;
    return NVS_OK;
}

static bool has_room(const struct nvs *nvs, uint32_t size)
{
    return !nvs->page[nvs->current].closed && size <= ESP_SECTOR - nvs->page[nvs->current].end;
}

static int append(struct nvs *nvs, const uint8_t *record, uint32_t size)
{
    uint32_t at = nvs->page[nvs->current].end;
    /* Closed until it is known to be whole: after a failed write nothing may follow it. */
    nvs->page[nvs->current].closed = true;
    if (put(nvs, nvs->current, at, record, size))
        return NVS_IO;
    nvs->page[nvs->current].end = at + size;
    nvs->page[nvs->current].closed = false;
    return NVS_OK;
}

/* Copy what is live in page `from` to the current one, which is fresh: so it fits. A removal needs
 * no copy, because nothing older is left that it would hide. */
static int copy_live(struct nvs *nvs, uint32_t from)
{
    uint8_t page[ESP_SECTOR];
    struct record r;
    if (load_page(nvs, from))
        return NVS_IO;
    memcpy(page, nvs->walk, sizeof(page));
    for (uint32_t at = PAGE_HEADER; at < nvs->page[from].end; at += r.size) {
        struct place place;
        if (!parse_record(page, at, &r) || !is_whole(page, at, &r))
            return NVS_IO;
        int rc = find(nvs, (const char *)r.ns, r.ns_len, (const char *)r.key, r.key_len, &place);
        if (rc)
            return rc;
        if (r.type == NVS_NONE || place.page != from || place.at != at)
            continue;
        rc = append(nvs, page + at, r.size);
        if (rc)
            return rc;
    }
    return NVS_OK;
}

/* Make the current page one with room. */
static int make_room(struct nvs *nvs, uint32_t size)
{
    for (uint32_t tries = 0; tries < 2 * nvs->pages; tries++) {
        if (has_room(nvs, size))
            return NVS_OK;
        bool last = count_free(nvs) < 2;
        uint32_t victim = oldest(nvs);
        int rc = begin_page(nvs);
        if (!rc && last)
            rc = copy_live(nvs, victim);
        if (!rc)
            rc = finish_page(nvs);
        if (!rc && last)
            rc = erase_page(nvs, victim);
        if (rc)
            return rc;
    }
    return NVS_NO_SPACE;
}

static uint32_t build_record(uint8_t *out, const char *ns, const char *key, enum nvs_type type,
                             const void *data, size_t len)
{
    size_t ns_len = strlen(ns), key_len = strlen(key);
    uint32_t body = (uint32_t)(ns_len + key_len + len);
    uint32_t size = (RECORD_HEAD + body + 3u) & ~3u;
    memset(out, 0xFF, size);
    out[0] = RECORD_MAGIC & 0xFFu;
    out[1] = RECORD_MAGIC >> 8;
    out[2] = (uint8_t)type;
    out[3] = (uint8_t)(ns_len << 4 | key_len);
    out[4] = (uint8_t)len;
    out[5] = (uint8_t)(len >> 8);
    memcpy(out + RECORD_HEAD, ns, ns_len);
    memcpy(out + RECORD_HEAD + ns_len, key, key_len);
    if (len > 0)
        memcpy(out + RECORD_HEAD + ns_len + key_len, data, len);
    put32(out + 8, record_crc(out, body));
    return size;
}

static bool name_fits(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= NVS_NAME_MAX;
}

static int store(struct nvs *nvs, const char *ns, const char *key, enum nvs_type type,
                 const void *data, size_t len)
{
    uint32_t size = build_record(nvs->record, ns, key, type, data, len);
    int rc = make_room(nvs, size);
    if (!rc)
        rc = append(nvs, nvs->record, size);
    if (!rc && nvs->flash->sync(nvs->flash->ctx))
        rc = NVS_IO;
    return note(nvs, rc);
}

int nvs_set(struct nvs *nvs, const char *ns, const char *key, enum nvs_type type, const void *data,
            size_t len)
{
    struct record r;
    if (!name_fits(ns) || !name_fits(key) || len > NVS_VALUE_MAX)
        return NVS_TOO_LONG;
    int rc = find_record(nvs, ns, key, &r);
    if (rc == NVS_IO)
        return rc;
    if (rc == NVS_OK && r.type == type && r.value_len == len &&
        (len == 0 || memcmp(r.value, data, len) == 0))
        return NVS_OK;
    return store(nvs, ns, key, type, data, len);
}

int nvs_set_str(struct nvs *nvs, const char *ns, const char *key, const char *value)
{
    return nvs_set(nvs, ns, key, NVS_STR, value, strlen(value));
}

int nvs_set_u32(struct nvs *nvs, const char *ns, const char *key, uint32_t value)
{
    uint8_t raw[4];
    put32(raw, value);
    return nvs_set(nvs, ns, key, NVS_U32, raw, sizeof(raw));
}

int nvs_remove(struct nvs *nvs, const char *ns, const char *key)
{
    struct record r;
    if (!name_fits(ns) || !name_fits(key))
        return NVS_OK;
    int rc = find_record(nvs, ns, key, &r);
    if (rc)
        return rc == NVS_ABSENT ? NVS_OK : rc;
    return store(nvs, ns, key, NVS_NONE, NULL, 0);
}
