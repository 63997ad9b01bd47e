#include "gateway/gateway.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"
#include "server.h"

/*
 * Starting, accepting, stopping. libevent carries the bytes (sockets, TLS, timers, signals);
 * requests are read in http.c, because evhttp answers 400 to the empty line that devices in the
 * field send first (docs/gateway.md).
 */
#define DRAIN_S      3  /* for downloads, once told to stop */
#define PLAIN_MAX    32 /* on the metrics listener, apart: it must answer when all else is taken */
#define RESERVED_FDS 64

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

static void on_accept_again(evutil_socket_t fd, short what, void *ctx)
{
    struct gateway *g = ctx;
    (void)fd, (void)what;
    if (g->listener)
        evconnlistener_enable(g->listener);
    if (g->plain)
        evconnlistener_enable(g->plain);
}

/* Out of descriptors or memory: what waits would be reported again and again without a pause. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
    struct gateway *g = ctx;
    const struct timeval pause = { .tv_sec = 1 };
    log_say(g->config->log, LOG_ERROR, "cannot accept a connection: %s",
            evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    if (event_base_once(g->base, -1, EV_TIMEOUT, on_accept_again, g, &pause) == 0)
        evconnlistener_disable(listener);
}

static struct evconnlistener *listen_on(struct gateway *g, const char *where, const char *scheme,
                                        evconnlistener_cb on_new, struct err *e)
{
    char host[128], shown[SERVER_ADDRESS_MAX];
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
        server_name_address((struct sockaddr *)&bound, (int)bound_len, shown);
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
            conn_cut_off(c, false);
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
        conn_cut_off(g.first, false);
    close_events(&g);
    blobs_close(&g.blobs);
    tls_close(&g.tls);
    sigaction(SIGPIPE, &before, NULL);
    return rc;
}
