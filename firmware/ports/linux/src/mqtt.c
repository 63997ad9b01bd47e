#include "mqtt.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "lookup.h"

#define CONNECT_TIMEOUT_MS   15000
#define HANDSHAKE_WAIT_MS    50
#define MISC_EVERY_MS        1000
#define SESSION_EXPIRY_S     1209600u /* 14 days: what the broker keeps for one that is away */
#define PACKET_MAX           16384u   /* an update message has at most 4 KB */
#define DISCONNECT_WITH_WILL 0x04

static void fall(struct mqtt *m, const char *why)
{
    if (m->state == MQTT_OFF)
        return;
    snprintf(m->why, sizeof(m->why), "%s%s%s", why, *m->tls_text ? ": " : "", m->tls_text);
    m->state = MQTT_OFF;
    m->fell = true;
}

/* ---- callbacks of libmosquitto, from mosquitto_loop_*() ---- */

static void on_log(struct mosquitto *mosq, void *ctx, int level, const char *text)
{
    struct mqtt *m = ctx;
    (void)mosq;
    /* With TLS 1.3 a refused certificate shows only here, as an alert on the first read. */
    if (level != MOSQ_LOG_ERR)
        return;
    const char *tail = strstr(text, "::");
    snprintf(m->tls_text, sizeof(m->tls_text), "%s", tail ? tail + 2 : text);
}

static void subscribe(struct mqtt *m)
{
    char topic[PROTO_TOPIC_MAX];
    /* Not topic_format(): that makes no filters. It fits: a topic of each verb does. */
    snprintf(topic, sizeof(topic), "%s/%s/commands/#", m->root, m->id);
    if (mosquitto_subscribe_v5(m->mosq, &m->subscribe_mid, topic, 1, 0, NULL))
        fall(m, "cannot subscribe to commands");
}

static void rise(struct mqtt *m)
{
    if (m->state != MQTT_CONNECTING)
        return;
    m->state = MQTT_UP;
    m->sink->up(m->sink->ctx);
}

static void on_connect(struct mosquitto *mosq, void *ctx, int rc, int flags,
                       const mosquitto_property *properties)
{
    struct mqtt *m = ctx;
    (void)mosq, (void)properties;
    if (rc) {
        fall(m, mosquitto_reason_string(rc));
        return;
    }
    subscribe(m);
    /* The broker kept the session: it is subscribed, and waiting commands come before any SUBACK.
     * Subscribing again brings the retained order once more, in case the session lacks it. */
    if (flags & 1)
        rise(m);
}

static void on_subscribe(struct mosquitto *mosq, void *ctx, int mid, int count, const int *granted,
                         const mosquitto_property *properties)
{
    struct mqtt *m = ctx;
    (void)mosq, (void)properties;
    if (mid != m->subscribe_mid)
        return;
    if (count != 1 || granted[0] > 2)
        fall(m, "broker refused the subscription to commands");
    else
        rise(m);
}

static void on_disconnect(struct mosquitto *mosq, void *ctx, int rc,
                          const mosquitto_property *properties)
{
    struct mqtt *m = ctx;
    (void)mosq, (void)properties;
    if (rc == MOSQ_ERR_KEEPALIVE)
        fall(m, "no answer within the keep-alive");
    else if (rc == 0)
        fall(m, "closed");
    else
        fall(m, rc >= 128 ? mosquitto_reason_string(rc) : mosquitto_strerror(rc));
}

static void on_publish(struct mosquitto *mosq, void *ctx, int mid, int rc,
                       const mosquitto_property *properties)
{
    struct mqtt *m = ctx;
    (void)mosq, (void)rc, (void)properties;
    for (size_t i = 0; i < m->unacked_count; i++) {
        if (m->unacked[i] != mid)
            continue;
        m->unacked[i] = m->unacked[--m->unacked_count];
        m->acked[m->acked_count++] = mid; /* fits: it was in flight */
        return;
    }
}

static void on_message(struct mosquitto *mosq, void *ctx, const struct mosquitto_message *message,
                       const mosquitto_property *properties)
{
    struct mqtt *m = ctx;
    struct topic topic;
    void *correlation = NULL;
    uint16_t correlation_len = 0;
    (void)mosq;
    topic_parse(m->root, message->topic, &topic);
    if (topic.kind != TOPIC_COMMAND || strcmp(topic.id, m->id) != 0 || message->payloadlen < 0)
        return;
    mosquitto_property_read_binary(properties, MQTT_PROP_CORRELATION_DATA, &correlation,
                                   &correlation_len, false);
    m->sink->message(m->sink->ctx, topic.sub, message->payload ? message->payload : "",
                     (size_t)message->payloadlen, correlation, correlation_len);
    free(correlation);
}

/* ---- */

void mqtt_init(struct mqtt *m, const struct mqtt_sink *sink, const struct tls_identity *identity,
               uint16_t keepalive)
{
    memset(m, 0, sizeof(*m));
    m->sink = sink;
    m->identity = identity;
    m->keepalive = keepalive < 5 ? 60 : keepalive;
    m->lookup = lookup_new();
    mosquitto_lib_init();
}

void mqtt_share_tls(struct mqtt *m, struct ssl_ctx_st *shared)
{
    m->shared = shared;
}

void mqtt_free(struct mqtt *m)
{
    if (m->mosq)
        mosquitto_destroy(m->mosq);
    tls_free(m->tls);
    lookup_free(m->lookup);
    m->mosq = NULL;
    m->tls = NULL;
    m->lookup = NULL;
    mosquitto_lib_cleanup();
}

/* CONNECT's properties can be given to the blocking connect only. Called with a port that can't be,
 * it keeps them for mosquitto_connect_async() and does nothing else. */
static int keep_properties(struct mosquitto *mosq, const char *host, int keepalive)
{
    mosquitto_property *list = NULL;
    int rc =
        mosquitto_property_add_int32(&list, MQTT_PROP_SESSION_EXPIRY_INTERVAL, SESSION_EXPIRY_S);
    if (!rc)
        rc = mosquitto_property_add_int32(&list, MQTT_PROP_MAXIMUM_PACKET_SIZE, PACKET_MAX);
    if (!rc && mosquitto_connect_bind_v5(mosq, host, -1, keepalive, NULL, list) != MOSQ_ERR_INVAL)
        rc = MOSQ_ERR_UNKNOWN;
    mosquitto_property_free_all(&list);
    return rc;
}

static int make_client(struct mqtt *m, const struct app_broker *broker)
{
    struct port_fail why;
    m->tls = m->shared ? NULL : tls_client(m->identity, broker->host, &why);
    if (!m->tls && !m->shared) {
        snprintf(m->tls_text, sizeof(m->tls_text), "%.100s", why.text);
        return MOSQ_ERR_TLS;
    }
    m->mosq = mosquitto_new(broker->id, false, m);
    if (!m->mosq)
        return MOSQ_ERR_NOMEM;
    mosquitto_int_option(m->mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    mosquitto_int_option(m->mosq, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_int_option(m->mosq, MOSQ_OPT_RECEIVE_MAXIMUM, 8);
    mosquitto_int_option(m->mosq, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0); /* else it wants files */
    mosquitto_void_option(m->mosq, MOSQ_OPT_SSL_CTX, m->tls ? m->tls : m->shared);
    mosquitto_log_callback_set(m->mosq, on_log);
    mosquitto_connect_v5_callback_set(m->mosq, on_connect);
    mosquitto_subscribe_v5_callback_set(m->mosq, on_subscribe);
    mosquitto_disconnect_v5_callback_set(m->mosq, on_disconnect);
    mosquitto_publish_v5_callback_set(m->mosq, on_publish);
    mosquitto_message_v5_callback_set(m->mosq, on_message);
    return keep_properties(m->mosq, broker->host, m->keepalive);
}

static int set_will(struct mqtt *m, const struct app_broker *broker)
{
    char topic[PROTO_TOPIC_MAX];
    if (topic_format(topic, sizeof(topic), broker->root, broker->id, TOPIC_STATUS, NULL) < 0)
        return MOSQ_ERR_INVAL;
    mosquitto_will_clear(m->mosq);
    return mosquitto_will_set_v5(m->mosq, topic, (int)broker->will_len, broker->will, 1, true,
                                 NULL);
}

void mqtt_connect(struct mqtt *m, const struct app_broker *broker, int64_t now_ms)
{
    m->state = MQTT_RESOLVING;
    m->since_ms = m->misc_ms = now_ms;
    m->sent = m->fell = false;
    m->tls_text[0] = '\0';
    m->port = broker->port;
    snprintf(m->host, sizeof(m->host), "%s", broker->host);
    snprintf(m->root, sizeof(m->root), "%s", broker->root);
    snprintf(m->id, sizeof(m->id), "%s", broker->id);
    int rc = m->mosq ? 0 : make_client(m, broker);
    if (!rc)
        rc = set_will(m, broker);
    if (rc)
        fall(m, mosquitto_strerror(rc));
    else if (!m->lookup || lookup_begin(m->lookup, broker->host))
        fall(m, "cannot look up the broker's name");
    if (rc && m->mosq == NULL && m->tls) {
        tls_free(m->tls);
        m->tls = NULL;
    }
}

/* The name has become an address, perhaps: begin to connect to it. */
static void resolve(struct mqtt *m)
{
    char address[LOOKUP_ADDR_MAX];
    const char *why = "";
    int rc = lookup_end(m->lookup, m->tries, address, &why);
    if (rc < 0)
        fall(m, why);
    if (rc <= 0)
        return;
    m->tries++;
    m->state = MQTT_CONNECTING;
    struct port_fail refused;
    if (m->shared && tls_wear(m->shared, m->identity, &refused)) {
        fall(m, refused.text);
        return;
    }
    rc = mosquitto_connect_async(m->mosq, address, m->port, m->keepalive);
    if (rc)
        fall(m, mosquitto_strerror(rc));
}

int mqtt_publish(struct mqtt *m, const struct app_publish *message)
{
    char topic[PROTO_TOPIC_MAX];
    mosquitto_property *list = NULL;
    int mid = 0;
    if (m->state != MQTT_UP || (message->qos > 0 && m->unacked_count == MQTT_INFLIGHT))
        return -1;
    if (topic_format(topic, sizeof(topic), m->root, m->id, message->kind, message->sub) < 0)
        return -1;
    if (message->correlation_len > 0 &&
        mosquitto_property_add_binary(&list, MQTT_PROP_CORRELATION_DATA, message->correlation,
                                      (uint16_t)message->correlation_len))
        return -1;
    int rc = mosquitto_publish_v5(m->mosq, &mid, topic, (int)message->len, message->payload,
                                  message->qos, message->retain, list);
    mosquitto_property_free_all(&list);
    if (rc)
        return -1;
    if (message->qos == 0)
        return 0;
    m->unacked[m->unacked_count++] = mid;
    return mid;
}

int mqtt_fd(const struct mqtt *m)
{
    return m->mosq && m->state > MQTT_RESOLVING ? mosquitto_socket(m->mosq) : -1;
}

/* During the handshake libmosquitto always wants to write, although it has to wait for the peer:
 * polling for that would spin for as long as a broker does not answer. */
short mqtt_poll_events(const struct mqtt *m)
{
    bool out = m->state == MQTT_CONNECTING ? !m->sent : mosquitto_want_write(m->mosq);
    return (short)(POLLIN | (out ? POLLOUT : 0));
}

uint32_t mqtt_wait_ms(const struct mqtt *m)
{
    if (m->fell || m->acked_count > 0)
        return 0;
    return m->state == MQTT_CONNECTING || m->state == MQTT_RESOLVING ? HANDSHAKE_WAIT_MS
                                                                     : MISC_EVERY_MS;
}

/* libmosquitto does not look whether its connect() has failed: OpenSSL swallows the error, and
 * poll() reports a hang-up for ever. */
static void give_up_if_dead(struct mqtt *m, short revents)
{
    struct sockaddr_storage peer;
    int error = 0;
    socklen_t len = sizeof(error), peer_len = sizeof(peer);
    int fd = mosquitto_socket(m->mosq);
    if (m->state != MQTT_CONNECTING || !(revents & (POLLERR | POLLHUP)) || fd < 0)
        return;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error == 0 && getpeername(fd, (struct sockaddr *)&peer, &peer_len))
        error = ECONNREFUSED;
    fall(m, error ? strerror(error) : "connection closed");
}

static void drive(struct mqtt *m, short revents, int64_t now_ms)
{
    bool readable = (revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    int rc = MOSQ_ERR_SUCCESS;
    if (m->state != MQTT_UP && now_ms - m->since_ms > CONNECT_TIMEOUT_MS) {
        fall(m, "no answer");
        return;
    }
    if (m->state == MQTT_RESOLVING) {
        resolve(m);
        return;
    }
    if (readable)
        rc = mosquitto_loop_read(m->mosq, 1);
    m->sent = m->sent || (revents & POLLOUT);
    if (!rc && m->state != MQTT_OFF && m->sent && mosquitto_want_write(m->mosq))
        rc = mosquitto_loop_write(m->mosq, 1);
    if (!rc && m->state != MQTT_OFF && now_ms - m->misc_ms >= MISC_EVERY_MS) {
        m->misc_ms = now_ms;
        rc = mosquitto_loop_misc(m->mosq);
    }
    if (rc)
        fall(m, mosquitto_strerror(rc));
    else if (m->state != MQTT_OFF && mosquitto_socket(m->mosq) < 0)
        fall(m, "connection closed");
    give_up_if_dead(m, revents);
}

void mqtt_run(struct mqtt *m, short revents, int64_t now_ms)
{
    if (m->state != MQTT_OFF)
        drive(m, revents, now_ms);
    while (m->acked_count > 0) {
        int mid = m->acked[0];
        m->acked_count--;
        memmove(m->acked, m->acked + 1, m->acked_count * sizeof(m->acked[0]));
        m->sink->published(m->sink->ctx, mid);
    }
    if (m->fell) {
        m->fell = false;
        m->sink->down(m->sink->ctx, m->why);
    }
}

bool mqtt_is_idle(const struct mqtt *m)
{
    return m->state != MQTT_UP || (m->unacked_count == 0 && !mosquitto_want_write(m->mosq));
}

void mqtt_good_bye(struct mqtt *m)
{
    if (m->state == MQTT_UP)
        mosquitto_disconnect_v5(m->mosq, DISCONNECT_WITH_WILL, NULL);
}
