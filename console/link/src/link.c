/*
 * libmosquitto in a poll loop. What had to be learnt of 2.0.11:
 *
 *  - mosquitto_loop_read() takes one packet a call over plain TCP and a whole TLS record over TLS,
 *    so the time slice is ours;
 *  - while TLS shakes hands, it swallows a closed socket (SSL_ERROR_SYSCALL counts as "go on"), so
 *    we look at the socket ourselves;
 *  - some failures close the socket without the disconnect callback, so each return code counts;
 *  - the reason of a TLS failure is only in the log callback, which costs a formatted line for
 *    every packet: it is set while connecting and taken away at CONNACK, before the picture comes;
 *  - a broker that refuses our certificate in TLS 1.3 says so after our side of the handshake is
 *    done; a CONNECT sent at once meets a reset connection, and the reason is lost. "Threaded" mode
 *    (without any thread) keeps it from writing on its own, so that we can listen first;
 *  - a broker (2.0.11) that drops us for a second client with our id says nothing at all;
 *  - retained messages of a subscription arrive before or after its SUBACK; an UNSUBACK asked for
 *    afterwards comes after all of them.
 */
#include "link/link.h"

#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "say.h"

enum {
    KEEPALIVE_S = 20,
    CONNECT_TIMEOUT_MS = 15000,
    MISC_EVERY_MS = 1000,
    PROBE_EVERY_MS = 10000,
    SLICE_MS = 5,
    READS_BETWEEN_CLOCKS = 32,
    MAX_UNACKED = 10000,
    MIDS = 65536,
    HOLD_CONNECT_MS = 100,      /* how long to listen for a TLS alert first */
    SHORT_LIFE_MS = 30000,      /* closed without a word so soon: thrown off by another? */
    TAKEN_OVER_WAIT_MS = 30000, /* two consoles with one certificate must not fight */
};

enum phase {
    PHASE_WAITING,     /* for retry_at_ms */
    PHASE_CONNECTING,  /* until CONNACK */
    PHASE_SUBSCRIBING, /* until the fence is answered */
    PHASE_UP,
};

struct link {
    struct mosquitto *mosq;
    char *host;
    uint16_t port;
    bool tls;
    char *topic[LINK_TOPICS];
    size_t topic_count;
    int topic_mid[LINK_TOPICS]; /* of the last SUBSCRIBE */
    const struct log *log;
    struct link_config calls; /* callbacks only */

    enum phase phase;
    bool begun;           /* mosquitto_connect_async() was called once */
    bool tcp_pending;     /* connect() has not come back yet */
    int begin_errnum;     /* that its failure left behind at once; 0: none */
    bool muted;           /* ending */
    bool shaken;          /* TLS is up, so that CONNECT may go */
    int64_t hold_ms;      /* until then it waits for a word of the broker; 0: not yet there */
    unsigned short_lives; /* in a row */
    int64_t now_ms;
    int64_t since_ms, retry_at_ms, deadline_ms, misc_at_ms, probe_at_ms;
    unsigned attempt;
    int code; /* MQTT reason code of CONNACK or DISCONNECT */
    char reason[128];
    char tls_reason[128]; /* of the attempt under way */
    uint32_t random;

    uint64_t messages;
    uint32_t unacked;
    uint8_t waiting[MIDS / 8]; /* mids of QoS 1 publishes without PUBACK */
    int fence_mid;             /* unsubscribe of nothing, behind the retained picture; 0: none */
    int probe_mid;             /* the same, to measure the round trip; 0: none */
    int timed_mid;             /* a publish being timed; 0: none */
    int64_t probe_us, timed_us;
    int rtt_ms;
};

static int64_t monotonic_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static uint32_t next_random(struct link *l)
{
    /* xorshift: only to keep consoles from coming back in step */
    l->random ^= l->random << 13;
    l->random ^= l->random >> 17;
    l->random ^= l->random << 5;
    return l->random;
}

/* ---- up and down ---------------------------------------------------------------------------- */

static void on_log(struct mosquitto *mosq, void *ctx, int level, const char *line)
{
    struct link *l = ctx;
    const char *words = say_tls(line);
    (void)mosq;
    if (words && !l->tls_reason[0])
        text_copy(l->tls_reason, sizeof(l->tls_reason), words);
    if (level == MOSQ_LOG_ERR || level == MOSQ_LOG_WARNING)
        log_say(l->log, LOG_DEBUG, "mqtt: %s", line);
}

static void go_up(struct link *l)
{
    l->phase = PHASE_UP;
    l->attempt = 0;
    l->reason[0] = '\0';
    l->since_ms = l->now_ms;
    l->retry_at_ms = 0;
    l->probe_at_ms = l->now_ms;
    if (l->calls.on_state)
        l->calls.on_state(l->calls.ctx, true, "");
}

static void plan_retry(struct link *l)
{
    l->attempt++;
    unsigned least = l->short_lives > 1 ? l->short_lives + 1 : 0;
    uint32_t wait = say_backoff_ms(l->attempt > least ? l->attempt : least, next_random(l));
    if (l->code == MQTT_RC_SESSION_TAKEN_OVER)
        wait = TAKEN_OVER_WAIT_MS;
    l->retry_at_ms = l->now_ms + wait;
}

/* The broker closed without a word, again and again, though it takes us at once. */
static bool is_thrown_off(struct link *l, bool was_up, int rc)
{
    bool silent = rc == MOSQ_ERR_CONN_LOST && !l->code;
    if (was_up)
        l->short_lives = silent && l->now_ms - l->since_ms < SHORT_LIFE_MS ? l->short_lives + 1 : 0;
    return was_up && l->short_lives > 1;
}

static void say_why(struct link *l, int rc, int errnum, bool thrown_off)
{
    const char *code = l->code ? say_code(l->code) : NULL;
    if (code)
        text_copy(l->reason, sizeof(l->reason), code);
    else if (l->tls_reason[0])
        text_copy(l->reason, sizeof(l->reason), l->tls_reason);
    else if (l->code)
        text_format(l->reason, sizeof(l->reason), "the broker refused with code %d", l->code);
    else if (thrown_off)
        text_copy(l->reason, sizeof(l->reason),
                  "the broker keeps closing: does another console use the same certificate?");
    else
        say_result(rc, errnum, l->reason, sizeof(l->reason));
}

/* Whatever went wrong ends here: told once, closed, planned anew. */
static void fail(struct link *l, int rc, int errnum)
{
    bool was_up = l->phase == PHASE_UP;
    if (l->muted || l->phase == PHASE_WAITING)
        return;
    say_why(l, rc, errnum, is_thrown_off(l, was_up, rc));
    int fd = mosquitto_socket(l->mosq);
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR); /* libmosquitto closes it when it connects again */
    l->phase = PHASE_WAITING;
    l->tcp_pending = false;
    l->fence_mid = l->probe_mid = l->timed_mid = 0;
    l->rtt_ms = -1;
    if (was_up)
        l->since_ms = l->now_ms;
    plan_retry(l);
    log_say(l->log, LOG_INFO, "broker %s:%u: %s", l->host, l->port, l->reason);
    if (l->calls.on_state)
        l->calls.on_state(l->calls.ctx, false, l->reason);
}

/* Leaving a topic nobody is in: the cheapest question to which MQTT has an answer we are told of.
 */
static int ask(struct link *l)
{
    int mid = 0;
    return mosquitto_unsubscribe(l->mosq, &mid, "muster/rtt") == MOSQ_ERR_SUCCESS ? mid : 0;
}

static void on_connect(struct mosquitto *mosq, void *ctx, int code, int flags,
                       const mosquitto_property *props)
{
    struct link *l = ctx;
    (void)mosq;
    (void)flags;
    (void)props;
    if (code != 0) {
        l->code = code; /* libmosquitto goes on to fail, and so do we */
        return;
    }
    l->phase = PHASE_SUBSCRIBING;
    mosquitto_log_callback_set(l->mosq, NULL);
    link_resubscribe(l);
    l->fence_mid = ask(l); /* without one the deadline ends this attempt */
}

static void on_disconnect(struct mosquitto *mosq, void *ctx, int rc,
                          const mosquitto_property *props)
{
    struct link *l = ctx;
    (void)mosq;
    (void)props;
    /* A reason of the broker's (128 and more), or libmosquitto's own return code. */
    if (rc >= 128 && !l->code)
        l->code = rc;
    fail(l, rc >= 128 ? MOSQ_ERR_CONN_LOST : rc, errno);
}

static void on_subscribe(struct mosquitto *mosq, void *ctx, int mid, int count, const int *granted,
                         const mosquitto_property *props)
{
    struct link *l = ctx;
    (void)mosq;
    (void)props;
    for (size_t i = 0; i < l->topic_count; i++)
        if (l->topic_mid[i] == mid && count > 0 && granted[0] >= 128)
            log_say(l->log, LOG_WARN, "the broker refuses the subscription to %s (%d)", l->topic[i],
                    granted[0]);
}

/* ---- messages and acknowledgements ---------------------------------------------------------- */

static void on_message(struct mosquitto *mosq, void *ctx, const struct mosquitto_message *m,
                       const mosquitto_property *props)
{
    struct link *l = ctx;
    (void)mosq;
    (void)props;
    l->messages++;
    l->deadline_ms = l->now_ms + CONNECT_TIMEOUT_MS; /* a large picture may take its time */
    if (l->calls.on_message)
        l->calls.on_message(l->calls.ctx, m->topic, m->payload ? m->payload : "",
                            m->payloadlen > 0 ? (size_t)m->payloadlen : 0, m->retain);
}

static bool take_mid(struct link *l, int mid)
{
    if (mid <= 0 || mid >= MIDS || !(l->waiting[mid / 8] >> mid % 8 & 1))
        return false;
    l->waiting[mid / 8] &= (uint8_t) ~(1u << mid % 8);
    l->unacked--;
    return true;
}

static void on_publish(struct mosquitto *mosq, void *ctx, int mid, int code,
                       const mosquitto_property *props)
{
    struct link *l = ctx;
    (void)mosq;
    (void)props;
    if (!take_mid(l, mid))
        return; /* QoS 0: written, which says nothing */
    if (mid == l->timed_mid) {
        l->rtt_ms = (int)((monotonic_us() - l->timed_us + 500) / 1000);
        l->timed_mid = 0;
    }
    if (l->calls.on_published)
        l->calls.on_published(l->calls.ctx, mid, code);
}

static void on_unsubscribe(struct mosquitto *mosq, void *ctx, int mid,
                           const mosquitto_property *props)
{
    struct link *l = ctx;
    (void)mosq;
    (void)props;
    if (mid == l->fence_mid) {
        l->fence_mid = 0;
        go_up(l);
    } else if (mid == l->probe_mid) {
        l->rtt_ms = (int)((monotonic_us() - l->probe_us + 500) / 1000);
        l->probe_mid = 0;
    }
}

static void probe(struct link *l)
{
    l->probe_at_ms = l->now_ms + PROBE_EVERY_MS;
    if (l->probe_mid)
        return;
    l->probe_us = monotonic_us();
    l->probe_mid = ask(l);
}

/* ---- making one ----------------------------------------------------------------------------- */

static int check_file(const char *what, const char *path, struct err *err)
{
    if (access(path, R_OK) == 0)
        return 0;
    return err_set(err, EXIT_USAGE, "%s %s can't be read: %s", what, path, strerror(errno));
}

static int set_tls(struct link *l, const struct link_config *c, struct err *err)
{
    const char *cert = c->cert && *c->cert ? c->cert : NULL;
    const char *key = c->key && *c->key ? c->key : NULL;
    l->tls = c->ca && *c->ca;
    if (!l->tls)
        return 0;
    if (check_file("CA file", c->ca, err) != 0)
        return -1;
    if (!cert != !key)
        return err_set(err, EXIT_USAGE, "a certificate needs its key, and a key its certificate");
    if (cert && (check_file("certificate", cert, err) != 0 || check_file("key", key, err) != 0))
        return -1;
    int rc = mosquitto_tls_set(l->mosq, c->ca, NULL, cert, key, NULL);
    if (rc != MOSQ_ERR_SUCCESS)
        return err_set(err, EXIT_USAGE, "TLS files are not accepted: %s", mosquitto_strerror(rc));
    return 0;
}

static int set_up(struct link *l, const struct link_config *c, struct err *err)
{
    l->mosq = mosquitto_new(c->client_id && *c->client_id ? c->client_id : NULL, true, l);
    if (!l->mosq)
        return err_set(err, EXIT_USAGE, "client id '%s' is not accepted",
                       c->client_id ? c->client_id : "");
    mosquitto_int_option(l->mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    mosquitto_int_option(l->mosq, MOSQ_OPT_TCP_NODELAY, 1);
    if (c->will_topic && *c->will_topic)
        mosquitto_will_set_v5(l->mosq, c->will_topic, 0, NULL, 1, true, NULL);
    mosquitto_threaded_set(l->mosq, true); /* no thread: see the top of this file */
    mosquitto_connect_v5_callback_set(l->mosq, on_connect);
    mosquitto_disconnect_v5_callback_set(l->mosq, on_disconnect);
    mosquitto_subscribe_v5_callback_set(l->mosq, on_subscribe);
    mosquitto_unsubscribe_v5_callback_set(l->mosq, on_unsubscribe);
    mosquitto_message_v5_callback_set(l->mosq, on_message);
    mosquitto_publish_v5_callback_set(l->mosq, on_publish);
    for (size_t i = 0; i < c->topic_count && i < LINK_TOPICS; i++) {
        if (mosquitto_sub_topic_check(c->topic[i]) != MOSQ_ERR_SUCCESS)
            return err_set(err, EXIT_USAGE, "'%s' is not a topic to subscribe to", c->topic[i]);
        l->topic[l->topic_count++] = mem_strdup(c->topic[i]);
    }
    return set_tls(l, c, err);
}

struct link *link_new(const struct link_config *config, struct err *err)
{
    if (!config->host || !*config->host || config->port == 0) {
        err_set(err, EXIT_USAGE, "the profile names no broker: set host and port in [broker]");
        return NULL;
    }
    mosquitto_lib_init();
    struct link *l = mem_alloc(sizeof(*l));
    l->host = mem_strdup(config->host);
    l->port = config->port;
    l->log = config->log;
    l->calls = *config;
    l->rtt_ms = -1;
    l->random = (uint32_t)(monotonic_us() * 2654435761u) ^ (uint32_t)getpid();
    l->random |= 1;
    if (set_up(l, config, err) == 0)
        return l;
    link_free(l);
    return NULL;
}

void link_free(struct link *l)
{
    if (!l)
        return;
    l->muted = true; /* nobody is told of the end they asked for */
    if (l->mosq && l->phase != PHASE_WAITING) {
        mosquitto_disconnect_v5(l->mosq, 0, NULL);
        mosquitto_loop_write(l->mosq, 1);
    }
    mosquitto_destroy(l->mosq);
    for (size_t i = 0; i < l->topic_count; i++)
        free(l->topic[i]);
    free(l->host);
    free(l);
    mosquitto_lib_cleanup();
}

/* ---- running -------------------------------------------------------------------------------- */

/* With the handshake over, the waiting CONNECT counts as something to write. */
static void look_for_end_of_handshake(struct link *l)
{
    if (l->phase == PHASE_CONNECTING && !l->shaken && !l->hold_ms && mosquitto_want_write(l->mosq))
        l->hold_ms = l->now_ms + HOLD_CONNECT_MS;
}

static void begin(struct link *l)
{
    l->phase = PHASE_CONNECTING;
    l->tcp_pending = true;
    l->shaken = !l->tls;
    l->hold_ms = 0;
    l->code = 0;
    l->tls_reason[0] = '\0';
    l->retry_at_ms = 0;
    l->deadline_ms = l->now_ms + CONNECT_TIMEOUT_MS;
    l->misc_at_ms = l->now_ms + MISC_EVERY_MS;
    mosquitto_log_callback_set(l->mosq, on_log);
    errno = 0;
    int rc = l->begun ? mosquitto_reconnect_async(l->mosq)
                      : mosquitto_connect_async(l->mosq, l->host, l->port, KEEPALIVE_S);
    l->begin_errnum =
        errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH ? errno : 0;
    l->begun = true;
    /* A connect() under way is reported as -1 by some paths and as success by others. */
    if (rc > 0)
        fail(l, rc, errno);
    else
        look_for_end_of_handshake(l);
}

int link_fd(const struct link *l)
{
    return l->phase == PHASE_WAITING ? -1 : mosquitto_socket(l->mosq);
}

/* TLS is through, but CONNECT waits for the broker's alert, or its session ticket, or a moment. */
static bool is_holding(const struct link *l)
{
    return !l->shaken && l->hold_ms && l->now_ms < l->hold_ms;
}

bool link_wants_write(const struct link *l)
{
    if (l->phase == PHASE_WAITING)
        return false;
    return l->tcp_pending || (mosquitto_want_write(l->mosq) && !is_holding(l));
}

int64_t link_next_ms(const struct link *l)
{
    if (l->phase == PHASE_WAITING)
        return l->retry_at_ms;
    if (is_holding(l))
        return l->hold_ms;
    if (l->phase != PHASE_UP && l->deadline_ms < l->misc_at_ms)
        return l->deadline_ms;
    return l->misc_at_ms;
}

/* The error of a connect() that failed is told once, and libmosquitto's first try of the handshake
 * takes it: afterwards the socket looks as if the peer had closed it. */
static bool has_no_peer(int fd)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);
    return getpeername(fd, (struct sockaddr *)&peer, &len) != 0 && errno == ENOTCONN;
}

/*
 * While libmosquitto shakes hands it does not notice that nobody is there any more. What was sent
 * before the end (an alert) is read first: a reset connection still gives it out.
 */
static void check_socket(struct link *l)
{
    int fd = mosquitto_socket(l->mosq);
    char c;

    if (fd < 0)
        return;
    ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 && l->begin_errnum && has_no_peer(fd))
        fail(l, MOSQ_ERR_ERRNO, l->begin_errnum);
    else if (n == 0)
        fail(l, MOSQ_ERR_CONN_LOST, 0);
    else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        fail(l, MOSQ_ERR_ERRNO, errno);
}

static bool step(struct link *l, int rc)
{
    int errnum = errno;
    if (l->phase == PHASE_WAITING)
        return false; /* a callback already told */
    if (rc != MOSQ_ERR_SUCCESS || mosquitto_socket(l->mosq) < 0) {
        fail(l, rc ? rc : MOSQ_ERR_CONN_LOST, errnum);
        return false;
    }
    return true;
}

static bool is_readable(const struct link *l)
{
    struct pollfd p = { .fd = link_fd(l), .events = POLLIN };
    return p.fd >= 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}

/* True when the slice was used up and there may be more. */
static bool read_slice(struct link *l)
{
    int64_t end_us = monotonic_us() + SLICE_MS * 1000;
    do {
        for (int i = 0; i < READS_BETWEEN_CLOCKS; i++) {
            uint64_t before = l->messages;
            errno = 0;
            if (!step(l, mosquitto_loop_read(l->mosq, 1)))
                return false;
            /* Without a message it was another packet, or (EAGAIN) none, which nobody need ask. */
            if (l->messages == before && (errno == EAGAIN || !is_readable(l)))
                return false;
        }
    } while (monotonic_us() < end_us);
    return true;
}

/* Carry the TLS handshake on. libmosquitto does so only when it is told to read. */
static void shake(struct link *l, bool readable)
{
    if (l->hold_ms && (readable || l->now_ms >= l->hold_ms))
        l->shaken = true; /* what the broker said is read before CONNECT goes */
    errno = 0;
    if (step(l, mosquitto_loop_read(l->mosq, 1)) && readable)
        check_socket(l);
    look_for_end_of_handshake(l);
}

static void tcp_is_through(struct link *l)
{
    l->tcp_pending = false;
    check_socket(l);
}

static void write_some(struct link *l)
{
    errno = 0;
    step(l, mosquitto_loop_write(l->mosq, 1));
}

static void keep_time(struct link *l)
{
    if (l->phase != PHASE_UP && l->phase != PHASE_WAITING && l->now_ms >= l->deadline_ms) {
        l->code = 0;
        fail(l, MOSQ_ERR_ERRNO, ETIMEDOUT);
    }
    if (l->phase == PHASE_UP && l->now_ms >= l->probe_at_ms)
        probe(l);
    if (l->phase != PHASE_WAITING && l->now_ms >= l->misc_at_ms) {
        l->misc_at_ms = l->now_ms + MISC_EVERY_MS;
        errno = 0;
        step(l, mosquitto_loop_misc(l->mosq));
    }
}

bool link_run(struct link *l, bool readable, bool writable, int64_t now_ms)
{
    bool more = false;
    l->now_ms = now_ms;
    if (l->phase == PHASE_WAITING && now_ms >= l->retry_at_ms)
        begin(l);
    if (l->tcp_pending && (readable || writable))
        tcp_is_through(l);
    if (l->phase == PHASE_CONNECTING && !l->shaken && !l->tcp_pending)
        shake(l, readable);
    else if (l->phase != PHASE_WAITING && readable)
        more = read_slice(l);
    if (l->phase == PHASE_CONNECTING && readable)
        check_socket(l);
    if (l->phase != PHASE_WAITING && l->shaken && !l->tcp_pending && mosquitto_want_write(l->mosq))
        write_some(l);
    keep_time(l);
    return more && l->phase != PHASE_WAITING;
}

void link_reconnect(struct link *l, int64_t now_ms)
{
    if (l->phase == PHASE_WAITING)
        l->retry_at_ms = now_ms;
}

void link_resubscribe(struct link *l)
{
    if (l->phase != PHASE_SUBSCRIBING && l->phase != PHASE_UP)
        return;
    for (size_t i = 0; i < l->topic_count; i++) {
        /* QoS 0: a QoS 1 subscription loses retained messages beyond the broker's queue. */
        int qos = i < l->calls.sure_count ? 1 : 0;
        int rc = mosquitto_subscribe_v5(l->mosq, &l->topic_mid[i], l->topic[i], qos, 0, NULL);
        if (rc != MOSQ_ERR_SUCCESS)
            l->topic_mid[i] = 0;
    }
}

/* ---- publishing ----------------------------------------------------------------------------- */

static mosquitto_property *properties_of(const struct link_publish *p)
{
    mosquitto_property *list = NULL;
    if (p->expiry_s)
        mosquitto_property_add_int32(&list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, p->expiry_s);
    if (p->correlation && p->correlation_len <= UINT16_MAX)
        mosquitto_property_add_binary(&list, MQTT_PROP_CORRELATION_DATA, p->correlation,
                                      (uint16_t)p->correlation_len);
    return list;
}

int link_publish(struct link *l, const struct link_publish *p)
{
    int mid = 0;
    if (l->phase != PHASE_UP || (p->qos && l->unacked >= MAX_UNACKED) || p->len > INT32_MAX)
        return -1;
    mosquitto_property *props = properties_of(p);
    int rc = mosquitto_publish_v5(l->mosq, &mid, p->topic, (int)p->len, p->body, p->qos, p->retain,
                                  props);
    mosquitto_property_free_all(&props);
    if (rc != MOSQ_ERR_SUCCESS || mid <= 0 || mid >= MIDS)
        return -1;
    if (p->qos) {
        l->waiting[mid / 8] |= (uint8_t)(1u << mid % 8);
        l->unacked++;
        if (!l->timed_mid) {
            l->timed_mid = mid;
            l->timed_us = monotonic_us();
        }
    }
    return mid;
}

void link_facts(const struct link *l, struct link_facts *out)
{
    memset(out, 0, sizeof(*out));
    out->up = l->phase == PHASE_UP;
    text_copy(out->reason, sizeof(out->reason), l->reason);
    out->since_ms = l->since_ms;
    out->retry_at_ms = l->phase == PHASE_WAITING ? l->retry_at_ms : 0;
    out->attempt = l->attempt;
    out->rtt_ms = l->rtt_ms;
    text_copy(out->tls, sizeof(out->tls), l->tls ? "on" : "");
}
