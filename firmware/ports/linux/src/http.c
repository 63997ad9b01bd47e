#include "http.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define REDIRECTS_MAX     3
#define SKIP_MAX          65536u /* body of a redirect: read and thrown away */
#define CONNECT_TIMEOUT_S 15L

int http_init(struct http *h, const struct tls_identity *identity)
{
    memset(h, 0, sizeof(*h));
    h->identity = identity;
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return -1;
    h->multi = curl_multi_init();
    return h->multi ? 0 : -1;
}

void http_init_shared(struct http *h, const struct tls_identity *identity, void *multi,
                      void (*news)(void *ctx), void *ctx)
{
    memset(h, 0, offsetof(struct http, buffer));
    h->identity = identity;
    h->multi = multi;
    h->shared = true;
    h->news = news;
    h->news_ctx = ctx;
}

void http_free(struct http *h)
{
    if (h->open)
        http_close(h);
    if (h->shared)
        return;
    curl_multi_cleanup(h->multi);
    curl_global_cleanup();
}

static long status_of(const struct http *h)
{
    long status = 0;
    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct http *h = ctx;
    (void)size;
    /* The empty line ends a head; one of 1xx is followed by another. */
    if (count <= 2 && (data[0] == '\r' || data[0] == '\n') && status_of(h) >= 200)
        h->head = true;
    return count;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct http *h = ctx;
    (void)size;
    if (is_redirect(status_of(h))) {
        h->skipped += (uint32_t)count;
        return h->skipped > SKIP_MAX ? 0 : count;
    }
    if (h->begin == h->end)
        h->begin = h->end = 0;
    if (count > HTTP_BUFFER - h->end && h->begin > 0) {
        memmove(h->buffer, h->buffer + h->begin, h->end - h->begin);
        h->end -= h->begin;
        h->begin = 0;
    }
    if (count > HTTP_BUFFER - h->end) {
        h->paused = true; /* curl keeps these bytes and reads no more from the socket */
        return CURL_WRITEFUNC_PAUSE;
    }
    memcpy(h->buffer + h->end, data, count);
    h->end += count;
    if (h->news)
        h->news(h->news_ctx);
    return count;
}

static struct curl_blob blob_of(const char *text)
{
    /* Not copied: the identity outlives every transfer. */
    return (struct curl_blob){ (void *)(uintptr_t)text, strlen(text), CURL_BLOB_NOCOPY };
}

static CURLcode set_options(struct http *h, const char *url)
{
    CURL *e = h->easy;
    struct curl_blob ca = blob_of(h->identity->ca), cert = blob_of(h->identity->cert),
                     key = blob_of(h->identity->key);
    CURLcode rc = curl_easy_setopt(e, CURLOPT_URL, url);
    if (!rc)
        rc = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https");
    if (!rc)
        rc = curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &ca);
    if (!rc)
        rc = curl_easy_setopt(e, CURLOPT_SSLCERT_BLOB, &cert);
    if (!rc)
        rc = curl_easy_setopt(e, CURLOPT_SSLKEY_BLOB, &key);
    if (!rc)
        rc = curl_easy_setopt(e, CURLOPT_ERRORBUFFER, h->error);
    curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* both certificates count every time */
    curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "muster-device");
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, h);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(e, CURLOPT_PRIVATE, h);
    return rc;
}

static CURLcode set_range(struct http *h, uint32_t from, const char *etag)
{
    char text[OTA_ETAG_MAX + 16];
    if (from == 0)
        return CURLE_OK;
    snprintf(text, sizeof(text), "%lu-", (unsigned long)from);
    CURLcode rc = curl_easy_setopt(h->easy, CURLOPT_RANGE, text);
    if (rc || etag[0] == '\0')
        return rc;
    snprintf(text, sizeof(text), "If-Range: %s", etag);
    h->headers = curl_slist_append(NULL, text);
    return h->headers ? curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers)
                      : CURLE_OUT_OF_MEMORY;
}

static void drop(struct http *h)
{
    if (h->easy) {
        curl_multi_remove_handle(h->multi, h->easy);
        curl_easy_cleanup(h->easy);
    }
    curl_slist_free_all(h->headers);
    h->easy = h->headers = NULL;
}

enum reason http_open(void *ctx, const char *url, uint32_t from, const char *etag)
{
    struct http *h = ctx;
    if (strncmp(url, "https://", 8) != 0)
        return REASON_CONNECT;
    h->head = h->done = h->paused = false;
    h->result = CURLE_OK;
    h->failed = REASON_NONE;
    h->redirects = h->skipped = 0;
    h->begin = h->end = 0;
    h->error[0] = '\0';
    h->easy = curl_easy_init();
    if (!h->easy)
        return REASON_NO_SPACE;
    if (set_options(h, url) || set_range(h, from, etag) ||
        curl_multi_add_handle(h->multi, h->easy)) {
        drop(h);
        return REASON_INTERNAL;
    }
    h->open = true;
    return REASON_NONE;
}

void http_close(void *ctx)
{
    struct http *h = ctx;
    drop(h);
    h->open = false;
}

/* Same scheme, host and port. */
static bool same_place(const char *a, const char *b)
{
    static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT };
    CURLU *ua = curl_url(), *ub = curl_url();
    bool same = ua && ub && !curl_url_set(ua, CURLUPART_URL, a, 0) &&
                !curl_url_set(ub, CURLUPART_URL, b, 0);
    for (size_t i = 0; same && i < sizeof(parts) / sizeof(parts[0]); i++) {
        char *pa = NULL, *pb = NULL;
        same = !curl_url_get(ua, parts[i], &pa, CURLU_DEFAULT_PORT) &&
               !curl_url_get(ub, parts[i], &pb, CURLU_DEFAULT_PORT) && strcmp(pa, pb) == 0;
        curl_free(pa);
        curl_free(pb);
    }
    curl_url_cleanup(ua);
    curl_url_cleanup(ub);
    return same;
}

/* The transfer ended with a redirect: follow it, or fail. */
static void follow(struct http *h)
{
    char *to = NULL, *from = NULL;
    curl_easy_getinfo(h->easy, CURLINFO_REDIRECT_URL, &to);
    curl_easy_getinfo(h->easy, CURLINFO_EFFECTIVE_URL, &from);
    h->failed = REASON_REDIRECT;
    if (!to || !from || ++h->redirects > REDIRECTS_MAX || !same_place(from, to))
        return;
    char *url = strdup(to); /* curl's own is gone once the handle is touched */
    if (url && !curl_multi_remove_handle(h->multi, h->easy) &&
        !curl_easy_setopt(h->easy, CURLOPT_URL, url) && !curl_multi_add_handle(h->multi, h->easy)) {
        h->failed = REASON_NONE;
        h->head = h->done = false;
    }
    free(url);
}

static void finish(struct http *h, CURLcode result)
{
    h->done = true;
    h->result = (int)result;
    if (h->result == CURLE_OK && is_redirect(status_of(h)))
        follow(h);
    if (h->news && h->done)
        h->news(h->news_ctx);
}

void http_collect(void *multi)
{
    int left;
    for (CURLMsg *msg; (msg = curl_multi_info_read(multi, &left)) != NULL;) {
        char *h = NULL;
        if (msg->msg == CURLMSG_DONE &&
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &h) == CURLE_OK && h)
            finish((struct http *)(void *)h, msg->data.result);
    }
}

void http_run(struct http *h)
{
    int running;
    if (!h->open)
        return;
    curl_multi_perform(h->multi, &running);
    http_collect(h->multi);
}

void http_wait(struct http *h, struct pollfd *fds, unsigned count, uint32_t wait_ms)
{
    struct curl_waitfd extra[4];
    int ready;
    if (!h->open) {
        poll(fds, count, (int)wait_ms);
        return;
    }
    for (unsigned i = 0; i < count && i < 4; i++) {
        short events = (short)((fds[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
                               (fds[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0));
        extra[i] = (struct curl_waitfd){ fds[i].fd, events, 0 };
    }
    curl_multi_poll(h->multi, extra, count, (int)wait_ms, &ready);
    /* curl's answer leaves out hang-ups; a second look costs one system call. */
    poll(fds, count, 0);
}

bool http_has_news(const struct http *h)
{
    return h->open && (h->done || h->end > h->begin);
}

static enum reason reason_of(const struct http *h)
{
    bool tls_said = strstr(h->error, "SSL") || strstr(h->error, "alert");
    if (h->failed)
        return h->failed;
    switch (h->result) { /* an int: most of the hundred codes mean the same to us */
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return REASON_DNS;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return REASON_TLS;
    case CURLE_WRITE_ERROR:
        return REASON_REDIRECT; /* an endless body under a redirect is all that we refuse */
    default:
        if (!h->head)
            return tls_said ? REASON_TLS : REASON_CONNECT;
        return REASON_TRUNCATED;
    }
}

/* "bytes from-to/total" */
static void read_content_range(const struct http *h, struct ota_http_answer *answer)
{
    struct curl_header *range;
    unsigned long long from, to, total;
    char after;
    if (curl_easy_header(h->easy, "Content-Range", 0, CURLH_HEADER, -1, &range))
        return;
    if (sscanf(range->value, "bytes %10llu-%10llu/%10llu%c", &from, &to, &total, &after) != 3 ||
        total > UINT32_MAX || from > to || to >= total)
        return;
    answer->from = (uint32_t)from;
    answer->total = (uint32_t)total;
    answer->has_total = true;
}

static void read_head(const struct http *h, struct ota_http_answer *answer)
{
    struct curl_header *etag;
    curl_off_t length = -1, retry = 0;
    memset(answer, 0, sizeof(*answer));
    answer->status = (int)status_of(h);
    curl_easy_getinfo(h->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &retry);
    if (retry > 0)
        answer->retry_after_s = retry > 86400 ? 86400u : (uint32_t)retry;
    if (answer->status == 206) {
        read_content_range(h, answer);
    } else if (length >= 0 && length <= (curl_off_t)UINT32_MAX) {
        answer->total = (uint32_t)length;
        answer->has_total = true;
    }
    if (curl_easy_header(h->easy, "ETag", 0, CURLH_HEADER, -1, &etag) == CURLHE_OK &&
        strlen(etag->value) < sizeof(answer->etag))
        memcpy(answer->etag, etag->value, strlen(etag->value) + 1);
}

enum ota_io http_answer(void *ctx, struct ota_http_answer *answer, enum reason *why)
{
    struct http *h = ctx;
    if (h->failed || (h->done && !h->head)) {
        *why = reason_of(h);
        return OTA_FAIL;
    }
    /* The head of a redirect is followed by another one, or by `failed`. */
    if (!h->head || is_redirect(status_of(h))) {
        if (!h->done || h->result == CURLE_OK)
            return OTA_AGAIN;
        *why = reason_of(h);
        return OTA_FAIL;
    }
    read_head(h, answer);
    return OTA_OK;
}

enum ota_io http_read(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why)
{
    struct http *h = ctx;
    size_t n = h->end - h->begin < cap ? h->end - h->begin : cap;
    *got = n;
    if (n > 0) {
        memcpy(data, h->buffer + h->begin, n);
        h->begin += n;
        if (h->paused && h->end - h->begin < HTTP_BUFFER / 2) {
            h->paused = false;
            curl_easy_pause(h->easy, CURLPAUSE_CONT); /* hands over what it held back */
        }
        return OTA_OK;
    }
    if (!h->done)
        return OTA_AGAIN;
    if (h->result == CURLE_OK && !h->failed)
        return OTA_OK;
    *why = reason_of(h);
    return OTA_FAIL;
}
