#include "http_hub.h"

#include <poll.h>
#include <string.h>

#include <curl/curl.h>

#define WAIT_MAX_MS 1000u

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *own)
{
    const struct http_hub *hub = ctx;
    short events = 0;
    (void)easy, (void)own;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= POLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= POLLOUT;
    hub->watch(hub->ctx, (int)fd, events);
    return 0;
}

static int on_timer(CURLM *multi, long wait_ms, void *ctx)
{
    struct http_hub *hub = ctx;
    (void)multi;
    hub->due_ms = wait_ms < 0 ? -1 : hub->now_ms + wait_ms;
    return 0;
}

int http_hub_init(struct http_hub *hub, http_watch_fn *watch, void *ctx)
{
    *hub = (struct http_hub){ .watch = watch, .ctx = ctx, .due_ms = -1 };
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return -1;
    hub->multi = curl_multi_init();
    if (!hub->multi)
        return -1;
    curl_multi_setopt(hub->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(hub->multi, CURLMOPT_SOCKETDATA, hub);
    curl_multi_setopt(hub->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(hub->multi, CURLMOPT_TIMERDATA, hub);
    return 0;
}

void http_hub_free(struct http_hub *hub)
{
    curl_multi_cleanup(hub->multi);
    curl_global_cleanup();
}

void http_hub_run(struct http_hub *hub, int fd, short revents, int64_t now_ms)
{
    int running, mask = 0;
    hub->now_ms = now_ms;
    if (fd >= 0) {
        mask = (revents & POLLIN ? CURL_CSELECT_IN : 0) |
               (revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
               (revents & (POLLERR | POLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(hub->multi, fd, mask, &running);
    } else if (hub->due_ms >= 0 && now_ms >= hub->due_ms) {
        hub->due_ms = -1;
        curl_multi_socket_action(hub->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    http_collect(hub->multi);
}

uint32_t http_hub_wait_ms(const struct http_hub *hub, int64_t now_ms)
{
    if (hub->due_ms < 0 || hub->due_ms - now_ms > (int64_t)WAIT_MAX_MS)
        return WAIT_MAX_MS;
    return hub->due_ms <= now_ms ? 0 : (uint32_t)(hub->due_ms - now_ms);
}
