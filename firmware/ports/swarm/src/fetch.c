#include "fetch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool.h"
#include "protocol/hex.h"

enum { SLICE_MS = 50 /* how often a paced download looks for its next bytes */ };

/* ---- files of the store --------------------------------------------------------------------- */

static void map_file(struct blob_file *f, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < INT32_MAX) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (map != MAP_FAILED) {
            f->data = map;
            f->size = (uint32_t)st.st_size;
        }
    }
    close(fd);
}

/* By the last part of the URL, which is the image's digest. NULL: there is none. */
static const struct blob_file *find_file(struct fetch_all *all, const char *url)
{
    char path[512];
    uint8_t digest[PROTO_SHA256_LEN];
    const char *name = strrchr(url, '/') + 1;
    if (hex_decode(name, strlen(name), digest, sizeof(digest)))
        return NULL;
    for (const struct blob_file *f = all->files; f; f = f->next)
        if (strcmp(f->digest, name) == 0)
            return f;
    struct blob_file *f = swarm_alloc(1, sizeof(*f));
    snprintf(f->digest, sizeof(f->digest), "%s", name);
    snprintf(path, sizeof(path), "%s/blobs/sha256/%s", all->store, name);
    map_file(f, path);
    if (!f->data) { /* it may be published yet */
        free(f);
        return NULL;
    }
    f->next = all->files;
    all->files = f;
    return f;
}

void fetch_all_free(struct fetch_all *all)
{
    while (all->files) {
        struct blob_file *f = all->files;
        all->files = f->next;
        munmap((void *)(uintptr_t)f->data, f->size);
        free(f);
    }
}

void fetch_all_mark(struct fetch_all *all)
{
    all->peak = all->open;
    all->body_peak = all->body;
    all->ended = all->spent_ms = 0;
}

/* ---- one download --------------------------------------------------------------------------- */

void fetch_init(struct fetch *f, struct fetch_all *all, const struct tls_identity *identity,
                uint32_t limit, void (*news)(void *ctx), void *ctx)
{
    *f = (struct fetch){
        .all = all, .identity = identity, .limit = limit, .news = news, .news_ctx = ctx
    };
}

void fetch_set_time(struct fetch *f, int64_t now_ms)
{
    f->now_ms = now_ms;
}

/* The pace that counts; 0: none. */
static uint32_t pace(const struct fetch *f)
{
    uint32_t own = f->all->store ? f->all->pace : 0;
    return f->limit && (!own || f->limit < own) ? f->limit : own;
}

static size_t allowed(const struct fetch *f, size_t cap)
{
    uint64_t due;
    if (!pace(f))
        return cap;
    due = (uint64_t)(f->now_ms - f->start_ms) * pace(f) / 1000;
    if (due <= f->taken)
        return 0;
    return due - f->taken < cap ? (size_t)(due - f->taken) : cap;
}

uint32_t fetch_wait_ms(const struct fetch *f)
{
    if (!f->open)
        return UINT32_MAX;
    if (pace(f))
        return SLICE_MS;
    return f->http && !http_has_news(f->http) ? UINT32_MAX : 0;
}

static enum reason open_real(struct fetch *f, const char *url, uint32_t from, const char *etag)
{
    /* Not zeroed: most of a slow download's buffer is never touched. */
    f->http = swarm_grow(NULL, 1, sizeof(*f->http));
    http_init_shared(f->http, f->identity, f->all->hub.multi, f->news, f->news_ctx);
    enum reason reason = http_open(f->http, url, from, etag);
    if (reason) {
        free(f->http);
        f->http = NULL;
    }
    return reason;
}

enum reason fetch_open(struct fetch *f, const char *url, uint32_t from, const char *etag)
{
    f->start_ms = f->now_ms;
    f->taken = 0;
    f->at = f->from = from;
    f->answered = false;
    f->file = NULL;
    if (!f->all->store) {
        enum reason reason = open_real(f, url, from, etag);
        if (reason)
            return reason;
    } else {
        f->file = find_file(f->all, url);
    }
    f->open = true;
    f->all->begun++;
    if (++f->all->open > f->all->peak)
        f->all->peak = f->all->open;
    return REASON_NONE;
}

static enum ota_io virtual_answer(const struct fetch *f, struct ota_http_answer *answer)
{
    *answer = (struct ota_http_answer){ .status = 404 };
    if (!f->file)
        return OTA_OK;
    answer->status = f->from ? 206 : 200;
    answer->from = f->from;
    answer->has_total = true;
    answer->total = f->file->size;
    snprintf(answer->etag, sizeof(answer->etag), "\"%s\"", f->file->digest);
    return OTA_OK;
}

enum ota_io fetch_answer(struct fetch *f, struct ota_http_answer *answer, enum reason *why)
{
    enum ota_io io = f->http ? http_answer(f->http, answer, why) : virtual_answer(f, answer);
    if (io != OTA_OK || f->answered)
        return io;
    f->answered = true;
    if (++f->all->body > f->all->body_peak)
        f->all->body_peak = f->all->body;
    return io;
}

static enum ota_io virtual_read(struct fetch *f, uint8_t *data, size_t cap, size_t *got)
{
    size_t left = f->file && f->at < f->file->size ? f->file->size - f->at : 0;
    size_t n = cap < left ? cap : left;
    if (n > 0)
        memcpy(data, f->file->data + f->at, n);
    f->at += (uint32_t)n;
    *got = n;
    return OTA_OK;
}

enum ota_io fetch_read(struct fetch *f, uint8_t *data, size_t cap, size_t *got, enum reason *why)
{
    size_t most = allowed(f, cap);
    *got = 0;
    if (most == 0)
        return OTA_AGAIN;
    enum ota_io io =
        f->http ? http_read(f->http, data, most, got, why) : virtual_read(f, data, most, got);
    f->taken += *got;
    f->all->bytes += *got;
    return io;
}

void fetch_close(struct fetch *f)
{
    if (!f->open)
        return;
    if (f->http) {
        http_close(f->http);
        free(f->http);
        f->http = NULL;
    }
    f->open = false;
    f->all->ended++;
    f->all->spent_ms += (uint64_t)(f->now_ms - f->start_ms);
    f->all->open--;
    if (f->answered)
        f->all->body--;
}
