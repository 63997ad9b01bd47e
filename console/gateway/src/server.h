#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "blobs.h"
#include "gateway/gateway.h"
#include "http.h"
#include "metrics.h"
#include "tls.h"

/*
 * What the three parts of the server share: gateway.c starts, accepts and stops; conn.c carries one
 * connection; answer.c knows what there is to ask for.
 */
#define SERVER_ADDRESS_MAX 64

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
    struct event *deadline, *pace;
    char address[SERVER_ADDRESS_MAX];
    char peer[PROTO_ID_MAX]; /* CN of the client's certificate; empty: none */
    bool plain;              /* on the metrics listener */
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

/* "1.2.3.4:5", "[::1]:5", or "?" */
void server_name_address(const struct sockaddr *address, int len, char out[SERVER_ADDRESS_MAX]);

/* `ssl` NULL: a plain one. Both `fd` and `ssl` are taken. */
void conn_new(struct gateway *g, evutil_socket_t fd, SSL *ssl, const struct sockaddr *address,
              int len);
/* End it now, whatever it is doing; an answer under way is logged as cut off. */
void conn_cut_off(struct conn *c, bool stalled);

/*
 * Each request gets exactly one of these. `extra` is more header lines, each with its CRLF; a body
 * is left out for HEAD.
 */
void conn_send_text(struct conn *c, int status, const char *type, const char *body, size_t len,
                    const char *extra);
void conn_send_status(struct conn *c, int status, const char *why, const char *extra);
/* `count` bytes of `fd` from `first` on, counted as a download unless it is for HEAD. Takes `fd`.
 * The connection may be gone afterwards. */
void conn_send_file(struct conn *c, int status, int fd, uint64_t first, uint64_t count,
                    const char *extra);

/* Answer c->request. The connection may be gone afterwards. */
void answer_request(struct conn *c);

#endif
