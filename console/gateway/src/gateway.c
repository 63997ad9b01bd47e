#include "gateway/gateway.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <jansson.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "blobs.h"
#include "http.h"
#include "metrics.h"
#include "tls.h"

/*
 * accept → handshake → head → answer ─┬→ close
 *                       ↑             │
 *                       └─ keep-alive ┘
 *
 * A connection answers one request at a time and does not read while it does; what a client sends
 * ahead waits in a buffer of HTTP_HEAD_MAX. One timer per connection is the absolute end of the
 * phase it is in; a download pushes it on with every piece that leaves.
 *
 * libevent carries the bytes (sockets, TLS, timers, signals); requests are read in http.c, because
 * evhttp answers 400 to the empty line that devices in the field send first (docs/gateway.md).
 */
#define HEAD_S    15 /* handshake and request head together; later heads alone */
#define IDLE_S    60 /* between requests */
#define DRAIN_S   3  /* for downloads, once told to stop */
#define PIECE     16384
#define PIECE_MIN 1024
#define SEND_BUFFER                                                                                \
    65536 /* small, so that a download is over when the device has nearly all of it */
#define DIGEST_LEN   (PROTO_SHA256_HEX - 1)
#define ADDRESS_MAX  64
#define PLAIN_MAX    32 /* on the metrics listener, apart: it must answer when all else is taken */
#define RESERVED_FDS 64

struct gateway {
    const struct gateway_config *config;
    struct event_base *base;
    struct tls tls;
    struct blobs blobs;
    struct metrics metrics;
    struct evconnlistener *listener, *plain;
    struct event *on_term, *on_int, *on_hup, *drain_end;
    struct conn *first;
    uint32_t max_connections, plain_connections;
    bool stopping;
};

struct conn {
    struct gateway *g;
    struct conn *next, **link;
    struct bufferevent *bev;
    bool plain; /* on the metrics listener */
    struct event *deadline, *pace;
    char address[ADDRESS_MAX];
    char peer[PROTO_ID_MAX]; /* CN of the client's certificate; empty: none */
    bool ready;              /* handshake done */
    bool in_head;            /* part of a head is there */

    /* the answer under way */
    bool answering, downloading, close_after;
    struct http_request request;
    int status;
    struct timespec began;
    int fd;               /* of the image, or -1 */
    uint64_t at, left;    /* what is to be sent of it */
    uint64_t sent, whole; /* of this answer's body */
};

static void conn_free(struct conn *c);
static void conn_next(struct conn *c);

/* --- the log -------------------------------------------------------------------------------- */

static long elapsed_ms(const struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000L + (now.tv_nsec - since->tv_nsec) / 1000000L;
}

static const char *method_word(enum http_method method)
{
    return method == HTTP_GET ? "GET" : method == HTTP_HEAD ? "HEAD" : "-";
}

/* A line per answer: who, what, how it ended. */
static void log_answer(const struct conn *c, const char *end)
{
    const struct gateway_config *config = c->g->config;
    char path[sizeof(c->request.path)];
    if (!config->out)
        return;
    text_clean(path, sizeof(path), c->request.path, strlen(c->request.path));
    if (config->json) {
        json_t *o = json_pack("{s:I, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:s, s:i}", "ts",
                              (json_int_t)time(NULL), "from", c->address, "client", c->peer,
                              "method", method_word(c->request.method), "path", path, "status",
                              c->status, "sent", (json_int_t)c->sent, "size", (json_int_t)c->whole,
                              "end", end, "ms", (int)elapsed_ms(&c->began));
        json_dumpf(o, config->out, JSON_COMPACT);
        json_decref(o);
        fputc('\n', config->out);
    } else {
        fprintf(config->out, "%s %s %s %s %d %" PRIu64 "/%" PRIu64 " %s %ldms\n", c->address,
                c->peer[0] ? c->peer : "-", method_word(c->request.method), path[0] ? path : "-",
                c->status, c->sent, c->whole, end, elapsed_ms(&c->began));
    }
    fflush(config->out);
}

/* --- answering ------------------------------------------------------------------------------ */

static void arm(struct conn *c, uint32_t seconds)
{
    const struct timeval tv = { .tv_sec = (time_t)seconds };
    evtimer_add(c->deadline, &tv);
}

static void http_date(char out[40])
{
    time_t now = time(NULL);
    struct tm tm;
    if (!gmtime_r(&now, &tm) || strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
        out[0] = '\0';
}

/* Status line and headers; `extra` is more header lines, each with its CRLF. */
static void send_head(struct conn *c, int status, const char *type, uint64_t length,
                      const char *extra)
{
    char date[40];
    http_date(date);
    c->status = status;
    c->answering = true;
    if (!c->request.keep_alive || c->g->stopping)
        c->close_after = true;
    metrics_request(&c->g->metrics, status);
    bufferevent_disable(c->bev, EV_READ);
    arm(c, c->g->config->stall_s);
    evbuffer_add_printf(bufferevent_get_output(c->bev),
                        "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %" PRIu64
                        "\r\n%sConnection: %s\r\n\r\n",
                        status, http_status_text(status), date, type, length, extra,
                        c->close_after ? "close" : "keep-alive");
}

static void send_text(struct conn *c, int status, const char *type, const char *body, size_t len,
                      const char *extra)
{
    send_head(c, status, type, len, extra);
    c->whole = len;
    if (c->request.method != HTTP_HEAD) {
        evbuffer_add(bufferevent_get_output(c->bev), body, len);
        c->sent = len;
    }
}

static void send_status(struct conn *c, int status, const char *why, const char *extra)
{
    char body[256];
    if (!text_format(body, sizeof(body), "%s: %s\n", http_status_text(status), why))
        body[0] = '\0';
    send_text(c, status, "text/plain; charset=utf-8", body, strlen(body), extra);
}

static void end_download(struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    if (c->downloading)
        metrics_download_end(&c->g->metrics);
    c->downloading = false;
}

/* The answer has left. */
static void finish(struct conn *c)
{
    if (c->downloading)
        c->g->metrics.completed++;
    end_download(c);
    log_answer(c, "done");
    if (c->close_after || c->g->stopping) {
        conn_free(c); /* sends close_notify: without it devices take a download for cut off */
        return;
    }
    c->answering = c->in_head = false;
    arm(c, IDLE_S);
    bufferevent_enable(c->bev, EV_READ);
    conn_next(c);
}

static size_t piece_size(const struct gateway_config *config)
{
    if (config->rate == 0)
        return PIECE;
    size_t tenth = config->rate / 10;
    return tenth < PIECE_MIN ? PIECE_MIN : tenth > PIECE ? PIECE : tenth;
}

static void fill(struct conn *c)
{
    char piece[PIECE];
    size_t want = piece_size(c->g->config);
    if (want > c->left)
        want = (size_t)c->left;
    ssize_t n = pread(c->fd, piece, want, (off_t)c->at);
    if (n <= 0) {
        log_say(c->g->config->log, LOG_ERROR, "cannot read the image: %s",
                n < 0 ? strerror(errno) : "it became shorter");
        conn_free(c); /* a length was promised: cutting off is the only honest end */
        return;
    }
    evbuffer_add(bufferevent_get_output(c->bev), piece, (size_t)n);
    c->at += (uint64_t)n;
    c->left -= (uint64_t)n;
    c->sent += (uint64_t)n;
    c->g->metrics.bytes += (uint64_t)n;
}

static void on_pace(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    fill(ctx);
}

/* All that was put out has left. */
static void on_write(struct bufferevent *bev, void *ctx)
{
    struct conn *c = ctx;
    if (!c->answering || evbuffer_get_length(bufferevent_get_output(bev)) > 0 ||
        evtimer_pending(c->pace, NULL))
        return;
    if (c->left == 0) {
        finish(c);
        return;
    }
    arm(c, c->g->config->stall_s);
    uint32_t rate = c->g->config->rate;
    if (rate == 0) {
        fill(c);
        return;
    }
    uint64_t us = (uint64_t)piece_size(c->g->config) * 1000000 / rate;
    const struct timeval tv = { .tv_sec = (time_t)(us / 1000000),
                                .tv_usec = (suseconds_t)(us % 1000000) };
    evtimer_add(c->pace, &tv);
}

/* --- what there is -------------------------------------------------------------------------- */

static void answer_metrics(struct conn *c)
{
    char text[METRICS_TEXT_MAX];
    struct gateway *g = c->g;
    if (!c->plain && strncmp(c->peer, "operator-", 9) != 0) {
        send_status(c, 403, "metrics need an operator's certificate, or the metrics listener", "");
        return;
    }
    blobs_refresh(&g->blobs, NULL);
    size_t len =
        metrics_text(&g->metrics, release_store_count(g->blobs.store), g->blobs.readable, text);
    send_text(c, 200, "text/plain; version=0.0.4; charset=utf-8", text, len, "");
}

static void answer_ready(struct conn *c)
{
    struct err e = { 0 };
    if (blobs_refresh(&c->g->blobs, &e))
        send_text(c, 200, "text/plain; charset=utf-8", "ready\n", 6, "");
    else
        send_status(c, 503, e.text, "Retry-After: 5\r\n");
}

static void refuse_busy(struct conn *c)
{
    char extra[40];
    c->g->metrics.rejected++;
    text_format(extra, sizeof(extra), "Retry-After: %" PRIu32 "\r\n", c->g->config->retry_after);
    send_status(c, 503, "too many downloads are under way, come again", extra);
}

/* Head and, for GET, the first piece. `c->fd` is open. */
static void send_image(struct conn *c, const char *digest, uint64_t size)
{
    uint64_t first = 0, last = size ? size - 1 : 0;
    char tag[DIGEST_LEN + 3], extra[320], range[96] = "";
    text_format(tag, sizeof(tag), "\"%s\"", digest);
    bool ranged = c->request.method == HTTP_GET && c->request.range[0] &&
                  (!c->request.if_range[0] || strcmp(c->request.if_range, tag) == 0);
    enum http_range how =
        ranged ? http_range(c->request.range, size, &first, &last) : HTTP_RANGE_WHOLE;

    if (how == HTTP_RANGE_NONE) {
        end_download(c);
        text_format(extra, sizeof(extra), "Content-Range: bytes */%" PRIu64 "\r\n", size);
        send_status(c, 416, "the image is shorter", extra);
        return;
    }
    if (how == HTTP_RANGE_PART)
        text_format(range, sizeof(range),
                    "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", first, last,
                    size);
    text_format(extra, sizeof(extra),
                "ETag: %s\r\nAccept-Ranges: bytes\r\nCache-Control: private, max-age=31536000, "
                "immutable\r\n%s",
                tag, range);
    c->whole = how == HTTP_RANGE_PART ? last - first + 1 : size;
    send_head(c, how == HTTP_RANGE_PART ? 206 : 200, "application/octet-stream", c->whole, extra);
    if (c->request.method == HTTP_HEAD) {
        end_download(c);
        return;
    }
    c->at = how == HTTP_RANGE_PART ? first : 0;
    c->left = c->whole;
    c->downloading = true;
    metrics_download_begin(&c->g->metrics);
    if (c->left)
        fill(c);
}

static void answer_firmware(struct conn *c, const char *digest)
{
    struct gateway *g = c->g;
    struct err e = { 0 };
    uint64_t size;
    if (!c->peer[0]) {
        send_status(c, 403, "a client certificate of the fleet is needed", "");
        return;
    }
    if (strlen(digest) != DIGEST_LEN || strspn(digest, "0123456789abcdef") != DIGEST_LEN) {
        send_status(c, 404, "a firmware is asked for by its SHA-256 in hex", "");
        return;
    }
    if (c->request.method == HTTP_GET && g->metrics.downloads >= g->config->max_downloads) {
        refuse_busy(c);
        return;
    }
    if (!blobs_refresh(&g->blobs, &e))
        log_say(g->config->log, LOG_ERROR, "%s", e.text);
    c->fd = blobs_get(&g->blobs, digest, &size, &e);
    if (c->fd >= 0) {
        send_image(c, digest, size);
        return;
    }
    if (e.code == EXIT_NO) {
        send_status(c, 404, e.text, "");
        return;
    }
    log_say(g->config->log, LOG_ERROR, "%s", e.text);
    send_status(c, 500, "the image can't be read here", "");
}

static void answer(struct conn *c)
{
    static const char firmware[] = "/firmware/";
    const char *path = c->request.path;
    if (c->request.method == HTTP_OTHER) {
        c->close_after = true;
        send_status(c, 405, "GET and HEAD are served", "Allow: GET, HEAD\r\n");
    } else if (strcmp(path, "/health") == 0) {
        send_text(c, 200, "text/plain; charset=utf-8", "ok\n", 3, "");
    } else if (strcmp(path, "/ready") == 0) {
        answer_ready(c);
    } else if (strcmp(path, "/metrics") == 0) {
        answer_metrics(c);
    } else if (!c->plain && strncmp(path, firmware, strlen(firmware)) == 0) {
        answer_firmware(c, path + strlen(firmware));
    } else {
        send_status(c, 404, "nothing is here", "");
    }
}

/* --- a connection --------------------------------------------------------------------------- */

static void begin_answer(struct conn *c)
{
    clock_gettime(CLOCK_MONOTONIC, &c->began);
    c->close_after = false;
    c->sent = c->whole = c->left = 0;
    c->status = 0;
}

/* Take the next request, if its head is there. */
static void conn_next(struct conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t have = evbuffer_get_length(in), skip;
    if (c->answering || !c->ready || have == 0)
        return;
    const char *data = (const char *)evbuffer_pullup(in, -1);
    long head = data ? http_head_length(data, have, &skip) : -1;
    if (head == 0) {
        if (!c->in_head)
            arm(c, HEAD_S);
        c->in_head = true;
        return;
    }
    begin_answer(c);
    int status = head < 0 ? 431 : http_parse(data + skip, (size_t)head, &c->request);
    if (status != 0) {
        /* Where the next request begins is anybody's guess. */
        c->request = (struct http_request){ .method = HTTP_OTHER };
        send_status(c, status, "this request can't be read", "");
        evbuffer_drain(in, have);
        return;
    }
    evbuffer_drain(in, skip + (size_t)head);
    answer(c);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    conn_next(ctx);
}

static void note_tls_failure(struct conn *c)
{
    unsigned long code = bufferevent_get_openssl_error(c->bev);
    const char *why = code ? ERR_reason_error_string(code) : NULL;
    c->g->metrics.tls_failures++;
    log_say(c->g->config->log, LOG_INFO, "%s: TLS handshake failed: %s", c->address,
            why ? why : "connection closed");
}

/* The connection ends before the answer does. */
static void cut_off(struct conn *c, bool stalled)
{
    if (c->answering) {
        if (c->downloading && stalled)
            c->g->metrics.stalled++;
        else if (c->downloading)
            c->g->metrics.aborted++;
        /* What the socket had not taken did not get there. */
        size_t unsent = evbuffer_get_length(bufferevent_get_output(c->bev));
        c->sent = c->sent > unsent ? c->sent - unsent : 0;
        log_answer(c, stalled ? "stalled" : "cut off");
    }
    conn_free(c);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct conn *c = ctx;
    if (what & BEV_EVENT_CONNECTED) {
        c->ready = true;
        tls_peer(bufferevent_openssl_get_ssl(bev), c->peer);
        return;
    }
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) {
        if (!c->ready)
            note_tls_failure(c);
        cut_off(c, false);
    }
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    cut_off(ctx, true);
}

static void conn_free(struct conn *c)
{
    struct gateway *g = c->g;
    end_download(c);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    if (c->deadline)
        event_free(c->deadline);
    if (c->pace)
        event_free(c->pace);
    if (c->bev)
        bufferevent_free(c->bev);
    if (c->plain)
        g->plain_connections--;
    else
        g->metrics.connections--;
    free(c);
    if (g->stopping && !g->first)
        event_base_loopbreak(g->base);
}

static void name_address(const struct sockaddr *address, int len, char out[ADDRESS_MAX])
{
    char host[48], port[8];
    if (getnameinfo(address, (socklen_t)len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0 ||
        !text_format(out, ADDRESS_MAX, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port))
        text_copy(out, ADDRESS_MAX, "?");
}

static void tune(evutil_socket_t fd)
{
    const int on = 1, buffer = SEND_BUFFER;
    /* Best effort: without them it is slower or counts less exactly, not wrong. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
}

/* `ssl` NULL: plain. Both descriptors are taken. */
static void conn_new(struct gateway *g, evutil_socket_t fd, SSL *ssl,
                     const struct sockaddr *address, int len)
{
    struct conn *c = mem_alloc(sizeof(*c));
    *c = (struct conn){
        .g = g, .plain = ssl == NULL, .fd = -1, .ready = ssl == NULL, .next = g->first
    };
    c->link = &g->first;
    if (g->first)
        g->first->link = &c->next;
    g->first = c;
    if (c->plain)
        g->plain_connections++;
    else
        g->metrics.connections++;
    name_address(address, len, c->address);

    c->bev =
        ssl ? bufferevent_openssl_socket_new(g->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                             BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS)
            : bufferevent_socket_new(g->base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    c->deadline = evtimer_new(g->base, on_deadline, c);
    c->pace = evtimer_new(g->base, on_pace, c);
    if (!c->bev || !c->deadline || !c->pace) {
        if (!c->bev) {
            SSL_free(ssl);
            evutil_closesocket(fd);
        }
        conn_free(c);
        return;
    }
    bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, 2 * HTTP_HEAD_MAX);
    arm(c, HEAD_S);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int len, void *ctx)
{
    struct gateway *g = ctx;
    (void)listener;
    if (g->metrics.connections >= g->max_connections) {
        g->metrics.connections_refused++;
        evutil_closesocket(fd);
        return;
    }
    tls_refresh(&g->tls, g->config->log);
    SSL *ssl = SSL_new(g->tls.ctx);
    if (!ssl) {
        evutil_closesocket(fd);
        return;
    }
    tune(fd);
    conn_new(g, fd, ssl, address, len);
}

static void on_accept_plain(struct evconnlistener *listener, evutil_socket_t fd,
                            struct sockaddr *address, int len, void *ctx)
{
    struct gateway *g = ctx;
    (void)listener;
    if (g->plain_connections < PLAIN_MAX)
        conn_new(g, fd, NULL, address, len);
    else
        evutil_closesocket(fd);
}

static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
    struct gateway *g = ctx;
    (void)listener;
    log_say(g->config->log, LOG_ERROR, "cannot accept a connection: %s",
            evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
}

/* --- starting and stopping ------------------------------------------------------------------ */

static struct evconnlistener *listen_on(struct gateway *g, const char *where, const char *scheme,
                                        evconnlistener_cb on_new, struct err *e)
{
    char host[128], shown[ADDRESS_MAX];
    const char *colon = strrchr(where, ':');
    size_t len = colon ? (size_t)(colon - where) : 0;
    const char *from = where;
    if (len >= 2 && where[0] == '[' && where[len - 1] == ']') {
        from++;
        len -= 2;
    }
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    if (!colon || !text_copy_n(host, sizeof(host), from, len) ||
        getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &found) != 0) {
        err_set(e, EXIT_USAGE, "cannot listen on '%.80s': want HOST:PORT", where);
        return NULL;
    }
    struct evconnlistener *l = evconnlistener_new_bind(
        g->base, on_new, g, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, 512,
        found->ai_addr, (int)found->ai_addrlen);
    freeaddrinfo(found);
    if (!l) {
        err_set(e, EXIT_REACH, "cannot listen on %s: %s", where, strerror(errno));
        return NULL;
    }
    evconnlistener_set_error_cb(l, on_accept_error);

    struct sockaddr_storage bound;
    socklen_t bound_len = sizeof(bound);
    if (g->config->out &&
        getsockname(evconnlistener_get_fd(l), (struct sockaddr *)&bound, &bound_len) == 0) {
        name_address((struct sockaddr *)&bound, (int)bound_len, shown);
        fprintf(g->config->out,
                g->config->json ? "{\"listening\":\"%s://%s\"}\n" : "listening on %s://%s\n",
                scheme, shown);
        fflush(g->config->out);
    }
    return l;
}

static void close_listeners(struct gateway *g)
{
    if (g->listener)
        evconnlistener_free(g->listener);
    if (g->plain)
        evconnlistener_free(g->plain);
    g->listener = g->plain = NULL;
}

static void on_stop(evutil_socket_t signal, short what, void *ctx)
{
    struct gateway *g = ctx;
    const struct timeval drain = { .tv_sec = DRAIN_S };
    (void)signal, (void)what;
    if (g->stopping || !g->first) { /* asked twice, or nobody is there */
        event_base_loopbreak(g->base);
        g->stopping = true;
        return;
    }
    g->stopping = true;
    close_listeners(g);
    evtimer_add(g->drain_end, &drain);
    for (struct conn *c = g->first, *next; c; c = next) {
        next = c->next;
        if (!c->answering)
            conn_free(c);
    }
}

static void on_drain_end(evutil_socket_t fd, short what, void *ctx)
{
    struct gateway *g = ctx;
    (void)fd, (void)what;
    event_base_loopbreak(g->base);
}

static void on_reload(evutil_socket_t signal, short what, void *ctx)
{
    struct gateway *g = ctx;
    struct err e = { 0 };
    (void)signal, (void)what;
    tls_refresh(&g->tls, g->config->log);
    if (!blobs_refresh(&g->blobs, &e))
        log_say(g->config->log, LOG_ERROR, "%s", e.text);
}

/* Descriptors: two per connection (socket and image). Better fewer connections than EMFILE. */
static void fit_descriptors(struct gateway *g)
{
    struct rlimit limit;
    g->max_connections = g->config->max_connections;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit more = { limit.rlim_max, limit.rlim_max };
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            limit = more;
    }
    rlim_t room = limit.rlim_cur > RESERVED_FDS ? (limit.rlim_cur - RESERVED_FDS) / 2 : 1;
    if (room < g->max_connections)
        g->max_connections = (uint32_t)room;
}

static int open_events(struct gateway *g, struct err *e)
{
    g->base = event_base_new();
    if (!g->base)
        return err_set(e, EXIT_USAGE, "cannot start the event loop");
    g->on_term = evsignal_new(g->base, SIGTERM, on_stop, g);
    g->on_int = evsignal_new(g->base, SIGINT, on_stop, g);
    g->on_hup = evsignal_new(g->base, SIGHUP, on_reload, g);
    g->drain_end = evtimer_new(g->base, on_drain_end, g);
    if (!g->on_term || !g->on_int || !g->on_hup || !g->drain_end ||
        evsignal_add(g->on_term, NULL) != 0 || evsignal_add(g->on_int, NULL) != 0 ||
        evsignal_add(g->on_hup, NULL) != 0)
        return err_set(e, EXIT_USAGE, "cannot watch signals");
    return 0;
}

static void close_events(struct gateway *g)
{
    struct event *all[] = { g->on_term, g->on_int, g->on_hup, g->drain_end };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i])
            event_free(all[i]);
    if (g->base) {
        /* A freed bufferevent is really freed in the loop's next turn. */
        event_base_loop(g->base, EVLOOP_NONBLOCK);
        event_base_free(g->base);
    }
}

static int start(struct gateway *g, struct err *e)
{
    const struct gateway_config *config = g->config;
    if (tls_open(&g->tls, e) != 0 || blobs_open(&g->blobs, config->store, e) != 0 ||
        open_events(g, e) != 0)
        return -1;
    g->listener = listen_on(g, config->listen, "https", on_accept, e);
    if (!g->listener)
        return -1;
    if (config->metrics && config->metrics[0]) {
        g->plain = listen_on(g, config->metrics, "http", on_accept_plain, e);
        if (!g->plain)
            return -1;
    }
    if (config->ready_fd >= 0) {
        if (write(config->ready_fd, "ready\n", 6) != 6)
            log_say(config->log, LOG_WARN, "nobody reads --ready-fd %d", config->ready_fd);
        close(config->ready_fd);
    }
    return 0;
}

int gateway_run(const struct gateway_config *config, struct err *e)
{
    struct gateway g = {
        .config = config, .tls = { .path = { config->cert, config->key, config->ca, config->crl } }
    };
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    sigaction(SIGPIPE, &ignore, &before);
    g.metrics.started = (int64_t)time(NULL);
    fit_descriptors(&g);

    int rc = start(&g, e);
    if (rc == 0)
        event_base_dispatch(g.base);

    g.stopping = true;
    close_listeners(&g);
    while (g.first)
        cut_off(g.first, false);
    close_events(&g);
    blobs_close(&g.blobs);
    tls_close(&g.tls);
    sigaction(SIGPIPE, &before, NULL);
    return rc;
}
