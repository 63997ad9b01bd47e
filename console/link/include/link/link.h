#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

/*
 * The broker, as the operator's side needs it: MQTT 5 over mutual TLS, driven from the caller's
 * poll loop. No libmosquitto type or constant leaves this folder; no threads. It reconnects by
 * itself with full-jitter back-off (1 s to 30 s) and says when.
 *
 *     for (;;) {
 *         poll link_fd(l) for POLLIN, and for POLLOUT when link_wants_write(l), at most until
 *             link_next_ms(l); not at all when the last link_run() returned true
 *         link_run(l, readable, writable, now_ms); POLLHUP and POLLERR count as readable
 *     }
 *
 * What may have a large retained picture is subscribed at QoS 0: a QoS 1 subscription loses what is
 * beyond the broker's queue (docs/broker.md). At QoS 0 a broker drops what a slow reader leaves
 * lying; the few messages of which none may be missed are subscribed at QoS 1 (`sure_count`).
 */
struct link;

#define LINK_TOPICS 32

struct link_config {
    const char *host;
    uint16_t port;
    const char *ca, *cert, *key; /* PEM files; ca empty: plain TCP (tests) */
    const char
        *client_id; /* with use_username_as_clientid the broker takes the certificate's CN anyway */
    const char *topic[LINK_TOPICS]; /* MQTT filters to subscribe, in this order */
    size_t topic_count;
    size_t sure_count; /* the first of them at QoS 1; 0: none */
    const char
        *will_topic; /* cleared (nothing, retained) when the connection breaks; may be NULL */
    const struct log *log;

    /* `topic` terminated; `body` valid only during the call. Called only from inside link_run(). */
    void (*on_message)(void *ctx, const char *topic, const void *body, size_t len, bool retained);
    /* up: connected, subscribed, and the retained messages that there were have been delivered: so
     * on_message is called before the first on_state. Down (also after each attempt that failed):
     * `reason` in words ("the broker's certificate has expired"). */
    void (*on_state)(void *ctx, bool up, const char *reason);
    /* The broker acknowledged a QoS 1 publish; `code` is its MQTT 5 reason code, >= 128: refused
     * (135 not authorized). May be NULL. */
    void (*on_published)(void *ctx, int mid, int code);
    void *ctx;
};

/*
 * Copies the configuration; nothing is sent before the first link_run(). NULL and *err: files that
 * can't be read, a topic or client id that can't be. (A key that does not belong to the certificate
 * shows at the first attempt, as a reason in words.) Ignore SIGPIPE in the program. Free with
 * link_free().
 */
struct link *link_new(const struct link_config *config, struct err *err);
void link_free(struct link *l); /* NULL is fine; disconnects properly */

int link_fd(const struct link *l); /* to poll; -1 while there is none */
bool link_wants_write(const struct link *l);
/* When link_run() should be called at the latest though nothing is readable (keep-alive, retry);
 * Unix ms. */
int64_t link_next_ms(const struct link *l);

/*
 * Read, write, keep alive, reconnect, for at most some 5 ms of messages, so that keys are never
 * kept waiting. Returns true when there is more to read right away.
 */
bool link_run(struct link *l, bool readable, bool writable, int64_t now_ms);

struct link_publish {
    const char *topic;
    const void *body;
    size_t len;
    int qos; /* 0 or 1 */
    bool retain;
    uint32_t expiry_s;       /* MQTT 5 message expiry; 0: none */
    const void *correlation; /* MQTT 5 correlation data; NULL: none */
    size_t correlation_len;
};
/* The message id (> 0), or -1: offline, or the queue of 10,000 unacknowledged messages is full. */
int link_publish(struct link *l, const struct link_publish *message);

/* Connect now rather than at the planned time. */
void link_reconnect(struct link *l, int64_t now_ms);
/* Subscribe again: the broker repeats its retained messages. */
void link_resubscribe(struct link *l);

struct link_facts {
    bool up;
    char reason[128];    /* why down; "" while up */
    int64_t since_ms;    /* up or down since; 0: never was up */
    int64_t retry_at_ms; /* next attempt; 0: not planned */
    unsigned attempt;    /* 1, 2, 3 … since the link went down */
    int rtt_ms;          /* of the last acknowledged QoS 1 publish or ping; -1: not known */
    char tls[16];        /* "on"; "" for plain TCP */
};
void link_facts(const struct link *l, struct link_facts *out);

#endif
