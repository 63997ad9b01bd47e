#ifndef PORT_MQTT_H
#define PORT_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/platform.h"
#include "tls.h"

/*
 * The broker, for one device. No libmosquitto type leaves mqtt.c. Nothing here blocks.
 * Single-threaded: poll mqtt_fd() for
 * mqtt_poll_events(), at most mqtt_wait_ms() long, then call mqtt_run().
 *
 * The callbacks are made only from inside mqtt_run(), never from mqtt_connect() or mqtt_publish().
 */
struct mqtt_sink {
    void *ctx;
    void (*up)(void *ctx);
    void (*down)(void *ctx, const char *why);
    void (*message)(void *ctx, const char *verb, const void *body, size_t len,
                    const uint8_t *correlation, size_t correlation_len);
    void (*published)(void *ctx, int mid);
};

#define MQTT_INFLIGHT 64 /* QoS 1 messages taken and not yet acknowledged */

struct mosquitto;
struct lookup;
enum mqtt_state { MQTT_OFF, MQTT_RESOLVING, MQTT_CONNECTING, MQTT_UP };

/* Private. */
struct mqtt {
    const struct mqtt_sink *sink;
    const struct tls_identity *identity;
    uint16_t keepalive; /* s */
    struct mosquitto *mosq;
    struct ssl_ctx_st *tls, *shared; /* one of them; `shared` is not ours to free */
    char root[PROTO_ROOT_MAX], id[PROTO_ID_MAX];
    char host[PROTO_HOST_MAX];
    uint16_t port;
    struct lookup *lookup;
    uint32_t tries; /* so that each address of a name gets its turn */
    enum mqtt_state state;
    bool sent; /* the socket was writable once, so the handshake has begun */
    bool fell; /* tell sink->down() */
    int subscribe_mid;
    int64_t since_ms, misc_ms;
    char why[160], tls_text[120];
    int unacked[MQTT_INFLIGHT], acked[MQTT_INFLIGHT];
    size_t unacked_count, acked_count;
};

void mqtt_init(struct mqtt *m, const struct mqtt_sink *sink, const struct tls_identity *identity,
               uint16_t keepalive);
/* After mqtt_init(): use this context, which others use too, instead of one of its own. It is
 * given the identity anew for each connection. It must outlive `m`. */
void mqtt_share_tls(struct mqtt *m, struct ssl_ctx_st *shared);
void mqtt_free(struct mqtt *m);

/* As app_platform.broker_connect() and publish(). */
void mqtt_connect(struct mqtt *m, const struct app_broker *broker, int64_t now_ms);
int mqtt_publish(struct mqtt *m, const struct app_publish *message);

int mqtt_fd(const struct mqtt *m); /* -1: nothing to poll */
short mqtt_poll_events(const struct mqtt *m);
uint32_t mqtt_wait_ms(const struct mqtt *m);
/* `revents` as poll() gave them, 0 when there was nothing to poll. */
void mqtt_run(struct mqtt *m, short revents, int64_t now_ms);

/* Nothing that was taken is still on its way. */
bool mqtt_is_idle(const struct mqtt *m);
/* Say good-bye and have the broker publish the will; the socket is closed once that has left. */
void mqtt_good_bye(struct mqtt *m);

#endif
