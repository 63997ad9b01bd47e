#ifndef PORT_HTTP_HUB_H
#define PORT_HTTP_HUB_H

#include <stdint.h>

#include "http.h"

/*
 * Thousands of downloads in one process: libcurl says which descriptors to watch for what, the
 * owner watches them (epoll) and says which are ready. Nothing here waits. Single-threaded.
 */

/* Watch `fd` for POLLIN and/or POLLOUT; 0: no more. Called from inside the functions below and
 * from http_open() and http_close() of its downloads. */
typedef void http_watch_fn(void *ctx, int fd, short events);

/* Private, but for `multi`, which http_init_shared() wants. */
struct http_hub {
    void *multi;
    http_watch_fn *watch;
    void *ctx;
    int64_t now_ms, due_ms; /* due_ms < 0: no timer */
};

int http_hub_init(struct http_hub *hub, http_watch_fn *watch, void *ctx); /* 0, -1 */
void http_hub_free(struct http_hub *hub); /* after its downloads are closed */

/* A descriptor is ready, or (-1) time has passed. Times are of one clock that never goes back. */
void http_hub_run(struct http_hub *hub, int fd, short revents, int64_t now_ms);
/* At most so long until http_hub_run(hub, -1, …). */
uint32_t http_hub_wait_ms(const struct http_hub *hub, int64_t now_ms);

#endif
