#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <inttypes.h>
#include <jansson.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "server.h"

/*
 * accept → handshake → head → answer ─┬→ close
 *                       ↑             │
 *                       └─ keep-alive ┘
 *
 * A connection answers one request at a time and does not read while it does; what a client sends
 * ahead waits in a bounded buffer. One timer per connection is the absolute end of the phase it is
 * in; a download pushes it on with every piece that leaves.
 */
#define HEAD_S    15 /* handshake and request head together; later heads alone */
#define IDLE_S    60 /* between requests */
#define PIECE     16384
#define PIECE_MIN 1024
/* Small, so that a download is over when the device has nearly all of it. */
#define SEND_BUFFER 65536

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

void conn_send_text(struct conn *c, int status, const char *type, const char *body, size_t len,
                    const char *extra)
{
    send_head(c, status, type, len, extra);
    c->whole = len;
    if (c->request.method != HTTP_HEAD) {
        evbuffer_add(bufferevent_get_output(c->bev), body, len);
        c->sent = len;
    }
}

void conn_send_status(struct conn *c, int status, const char *why, const char *extra)
{
    char body[256];
    if (!text_format(body, sizeof(body), "%s: %s\n", http_status_text(status), why))
        body[0] = '\0';
    conn_send_text(c, status, "text/plain; charset=utf-8", body, strlen(body), extra);
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

void conn_send_file(struct conn *c, int status, int fd, uint64_t first, uint64_t count,
                    const char *extra)
{
    c->whole = count;
    send_head(c, status, "application/octet-stream", count, extra);
    if (c->request.method == HTTP_HEAD) {
        close(fd);
        return;
    }
    c->fd = fd;
    c->at = first;
    c->left = count;
    c->downloading = true;
    metrics_download_begin(&c->g->metrics);
    if (count)
        fill(c);
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
        conn_send_status(c, status, "this request can't be read", "");
        evbuffer_drain(in, have);
        return;
    }
    evbuffer_drain(in, skip + (size_t)head);
    answer_request(c);
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
void conn_cut_off(struct conn *c, bool stalled)
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
        conn_cut_off(c, false);
    }
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    conn_cut_off(ctx, true);
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

void server_name_address(const struct sockaddr *address, int len, char out[SERVER_ADDRESS_MAX])
{
    char host[48], port[8];
    if (getnameinfo(address, (socklen_t)len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0 ||
        !text_format(out, SERVER_ADDRESS_MAX, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port))
        text_copy(out, SERVER_ADDRESS_MAX, "?");
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
void conn_new(struct gateway *g, evutil_socket_t fd, SSL *ssl, const struct sockaddr *address,
              int len)
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
    server_name_address(address, len, c->address);
    tune(fd);

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
