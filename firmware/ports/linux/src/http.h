#ifndef PORT_HTTP_H
#define PORT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ota/port.h"
#include "tls.h"

/*
 * One download at a time over HTTPS with the device's certificate, as ota_port asks for it. No
 * libcurl type leaves http.c. Never waits: http_wait() is the process's poll().
 */
#define HTTP_BUFFER 65536u

struct pollfd;

/* Private. */
struct http {
    void *multi, *easy; /* CURLM, CURL */
    bool shared;        /* `multi` is a hub's */
    void (*news)(void *ctx);
    void *news_ctx;
    void *headers; /* curl_slist */
    const struct tls_identity *identity;
    bool open, head, done, paused;
    int result; /* CURLcode, once done */
    uint32_t redirects, skipped;
    enum reason failed; /* NONE, or why without asking curl */
    char error[256];
    size_t begin, end; /* of what lies in `buffer` */
    uint8_t buffer[HTTP_BUFFER];
};

int http_init(struct http *h, const struct tls_identity *identity); /* 0, -1 */
/* One of many downloads of a process: `multi` is that of a struct http_hub (http_hub.h), and `news`
 * is called, from inside http_hub_run(), when http_has_news() has become true. Everything else is
 * as above, but for http_wait() and http_run(), which are the hub's business. */
void http_init_shared(struct http *h, const struct tls_identity *identity, void *multi,
                      void (*news)(void *ctx), void *ctx);
void http_free(struct http *h);

/* poll() that also looks at the download: `fds` may be empty. */
void http_wait(struct http *h, struct pollfd *fds, unsigned count, uint32_t wait_ms);
/* Move bytes. */
void http_run(struct http *h);
/* For http_hub.c: hand the ends of a CURLM's transfers to the downloads they are of. */
void http_collect(void *multi);
/* Something for the agent to take: bytes, the end, or an error. */
bool http_has_news(const struct http *h);

/* The slots of ota_port; ctx is a struct http. */
enum reason http_open(void *ctx, const char *url, uint32_t from, const char *etag);
enum ota_io http_answer(void *ctx, struct ota_http_answer *answer, enum reason *why);
enum ota_io http_read(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why);
void http_close(void *ctx);

#endif
