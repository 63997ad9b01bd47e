#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "freertos/task.h"

#include "clock.h"
#include "event.h"
#include "protocol/topic.h"

static const char TAG[] = "mqtt";

#define KEEPALIVE_S          60
#define SESSION_EXPIRY_S     1209600u /* 14 days: what the broker keeps for one that is away */
#define RECEIVE_MAX          8        /* commands on their way to us at once */
#define NETWORK_TIMEOUT_MS   15000
#define CONNECT_TIMEOUT_MS   45000u /* to SUBACK: resolver, TLS and CONNACK have their own limits */
#define RETRANSMIT_MS        5000
#define IN_BUFFER            (PROTO_UPDATE_BYTES + 1024) /* also our maximum packet size */
#define OUT_BUFFER           2048
#define OUTBOX_BYTES         24576u
#define REQUESTS             (LINK_INFLIGHT + 8)
#define RETRY_MS             500
#define RETRIES              60
#define CLIENT_STACK         8192 /* the TLS handshake runs on it */
#define SENDER_STACK         4096
#define TASK_PRIORITY        5
#define DISCONNECT_WITH_WILL 0x04

enum link_state { LINK_OFF, LINK_CONNECTING, LINK_UP };

enum request_kind { REQUEST_CONNECT, REQUEST_PUBLISH, REQUEST_GOOD_BYE };

/* One piece of heap, the sender's once it is in the queue. */
struct request {
    enum request_kind kind;
    int mid; /* 0: QoS 0 */
    bool retain;
    char topic[PROTO_TOPIC_MAX];
    uint8_t correlation[APP_CORRELATION_MAX];
    size_t correlation_len;
    size_t len;
    char payload[];
};

/* ---- to the main task --------------------------------------------------------------------- */

/* The main task waits for nobody, so there will be room; and if it hangs, the watchdog comes. */
static void post(struct link *l, const struct board_event *event)
{
    xQueueSend(l->events, event, portMAX_DELAY);
}

static void rise(struct link *l)
{
    const struct board_event event = { .kind = BOARD_BROKER_UP };
    int connecting = LINK_CONNECTING;
    if (atomic_compare_exchange_strong(&l->state, &connecting, LINK_UP))
        post(l, &event);
}

static void fall(struct link *l, const char *why)
{
    struct board_event event = { .kind = BOARD_BROKER_DOWN };
    if (atomic_exchange(&l->state, LINK_OFF) == LINK_OFF)
        return;
    snprintf(event.why, sizeof(event.why), "%s", l->why[0] ? l->why : why);
    l->why[0] = '\0';
    post(l, &event);
}

/* ---- acknowledgements: esp-mqtt's identifiers to ours ------------------------------------- */

static void settle(struct link *l, int mid)
{
    const struct board_event event = { .kind = BOARD_PUBLISHED, .mid = mid };
    atomic_fetch_sub(&l->taken, 1);
    post(l, &event);
}

/* Takes `msg_id` out of the flights; our id, or 0. */
static int land(struct link *l, int msg_id)
{
    for (int i = 0; i < LINK_INFLIGHT; i++) {
        int mid = l->flight[i].mid;
        if (mid == 0 || l->flight[i].msg_id != msg_id)
            continue;
        l->flight[i].mid = 0;
        return mid;
    }
    return 0;
}

static void on_acked(struct link *l, int msg_id)
{
    xSemaphoreTake(l->lock, portMAX_DELAY);
    int mid = land(l, msg_id);
    if (mid == 0 && l->publishing) {
        memmove(&l->early[1], &l->early[0], sizeof(l->early) - sizeof(l->early[0]));
        l->early[0] = msg_id;
    }
    xSemaphoreGive(l->lock);
    if (mid > 0)
        settle(l, mid);
}

/* esp-mqtt gave it up (an hour without acknowledgement). The app sends what matters again. */
static void on_dropped(struct link *l, int msg_id)
{
    xSemaphoreTake(l->lock, portMAX_DELAY);
    if (land(l, msg_id) > 0)
        atomic_fetch_sub(&l->taken, 1);
    xSemaphoreGive(l->lock);
}

static void begin_publish(struct link *l)
{
    xSemaphoreTake(l->lock, portMAX_DELAY);
    memset(l->early, 0, sizeof(l->early));
    l->publishing = true;
    xSemaphoreGive(l->lock);
}

/* There is a free place: `taken` is at most LINK_INFLIGHT. */
static void end_publish(struct link *l, int msg_id, int mid)
{
    bool acked = false;
    xSemaphoreTake(l->lock, portMAX_DELAY);
    l->publishing = false;
    for (size_t i = 0; msg_id > 0 && i < sizeof(l->early) / sizeof(l->early[0]); i++)
        acked = acked || l->early[i] == msg_id;
    for (int i = 0; msg_id > 0 && mid > 0 && !acked && i < LINK_INFLIGHT; i++) {
        if (l->flight[i].mid != 0)
            continue;
        l->flight[i] = (struct link_flight){ mid, msg_id };
        break;
    }
    xSemaphoreGive(l->lock);
    if (acked && mid > 0)
        settle(l, mid);
}

/* ---- on esp-mqtt's task ------------------------------------------------------------------- */

static void subscribe(struct link *l)
{
    char filter[PROTO_TOPIC_MAX];
    /* Not topic_format(): that makes no filters. It fits: a topic of each verb does. */
    snprintf(filter, sizeof(filter), "%s/%s/commands/#", l->root, l->id);
    l->subscribe_id = esp_mqtt_client_subscribe_single(l->client, filter, 1);
    if (l->subscribe_id >= 0)
        return;
    snprintf(l->why, sizeof(l->why), "cannot subscribe to commands");
    esp_mqtt_client_disconnect(l->client);
}

static void on_connected(struct link *l, const esp_mqtt_event_t *event)
{
    subscribe(l);
    /* The broker kept the session: it is subscribed, and waiting commands come before any SUBACK.
     * Subscribing again brings the retained order once more, in case the session lacks it. */
    if (event->session_present)
        rise(l);
}

static void on_subscribed(struct link *l, const esp_mqtt_event_t *event)
{
    if (event->msg_id != l->subscribe_id)
        return;
    if (event->error_handle &&
        event->error_handle->error_type == MQTT_ERROR_TYPE_SUBSCRIBE_FAILED) {
        snprintf(l->why, sizeof(l->why), "broker refused the subscription to commands");
        esp_mqtt_client_disconnect(l->client);
    } else {
        rise(l);
    }
}

static void on_error(struct link *l, const esp_mqtt_error_codes_t *e)
{
    if (!e)
        return;
    if (e->error_type == MQTT_ERROR_TYPE_CONNECTION_REFUSED)
        snprintf(l->why, sizeof(l->why), "broker refused the connection, code %d",
                 (int)e->connect_return_code);
    else if (e->esp_tls_cert_verify_flags != 0)
        snprintf(l->why, sizeof(l->why), "broker's certificate refused, flags 0x%x",
                 (unsigned)e->esp_tls_cert_verify_flags);
    else if (e->esp_tls_last_esp_err != ESP_OK)
        snprintf(l->why, sizeof(l->why), "%s", esp_err_to_name(e->esp_tls_last_esp_err));
    else if (e->esp_transport_sock_errno != 0)
        snprintf(l->why, sizeof(l->why), "socket error %d", e->esp_transport_sock_errno);
}

static void take_correlation(struct board_message *m, const esp_mqtt_event_t *event)
{
    const esp_mqtt5_event_property_t *p = event->property;
    if (!p || !p->correlation_data || p->correlation_data_len > sizeof(m->correlation))
        return;
    memcpy(m->correlation, p->correlation_data, p->correlation_data_len);
    m->correlation_len = p->correlation_data_len;
}

static void on_data(struct link *l, const esp_mqtt_event_t *event)
{
    char name[PROTO_TOPIC_MAX];
    struct topic topic;
    size_t len = event->data_len > 0 ? (size_t)event->data_len : 0;
    /* In pieces only if it is longer than our maximum packet size, which no broker sends. */
    if (event->topic_len <= 0 || (size_t)event->topic_len >= sizeof(name) ||
        event->total_data_len != event->data_len || len > PROTO_UPDATE_BYTES)
        return;
    memcpy(name, event->topic, (size_t)event->topic_len);
    name[event->topic_len] = '\0';
    topic_parse(l->root, name, &topic);
    size_t verb_len = strlen(topic.sub);
    if (topic.kind != TOPIC_COMMAND || strcmp(topic.id, l->id) != 0 || verb_len >= PROTO_VERB_MAX)
        return;
    struct board_message *m = calloc(1, sizeof(*m) + len + 1);
    if (!m) {
        ESP_LOGE(TAG, "no memory for a command of %u bytes", (unsigned)len);
        return;
    }
    memcpy(m->verb, topic.sub, verb_len + 1);
    take_correlation(m, event);
    memcpy(m->body, event->data ? event->data : "", len);
    m->len = len;
    const struct board_event out = { .kind = BOARD_MESSAGE, .message = m };
    post(l, &out);
}

static void on_event(void *ctx, esp_event_base_t base, int32_t id, void *data)
{
    struct link *l = ctx;
    const esp_mqtt_event_t *event = data;
    (void)base;
    switch ((esp_mqtt_event_id_t)id) {
    case MQTT_EVENT_CONNECTED:
        on_connected(l, event);
        break;
    case MQTT_EVENT_SUBSCRIBED:
        on_subscribed(l, event);
        break;
    case MQTT_EVENT_DISCONNECTED:
        fall(l, "closed");
        break;
    case MQTT_EVENT_ERROR:
        on_error(l, event->error_handle);
        break;
    case MQTT_EVENT_PUBLISHED:
        on_acked(l, event->msg_id);
        break;
    case MQTT_EVENT_DELETED:
        on_dropped(l, event->msg_id);
        break;
    case MQTT_EVENT_DATA:
        on_data(l, event);
        break;
    default: /* the rest says nothing we act on, and versions differ in what there is */
        break;
    }
}

/* ---- the sender task ---------------------------------------------------------------------- */

static esp_err_t make_client(struct link *l)
{
    const esp_mqtt_client_config_t config = {
        .broker.address = { .hostname = l->host,
                            .port = l->port,
                            .transport = MQTT_TRANSPORT_OVER_SSL },
        .broker.verification.certificate = l->identity->ca,
        .credentials = { .client_id = l->id,
                         .authentication = { .certificate = l->identity->cert,
                                             .key = l->identity->key } },
        .session = { .last_will = { .topic = l->will_topic,
                                    .msg = l->will,
                                    .msg_len = (int)strlen(l->will),
                                    .qos = 1,
                                    .retain = 1 },
                     .disable_clean_session = true,
                     .keepalive = KEEPALIVE_S,
                     .protocol_ver = MQTT_PROTOCOL_V_5,
                     .message_retransmit_timeout = RETRANSMIT_MS },
        .network = { .timeout_ms = NETWORK_TIMEOUT_MS, .disable_auto_reconnect = true },
        .task = { .priority = TASK_PRIORITY, .stack_size = CLIENT_STACK },
        .buffer = { .size = IN_BUFFER, .out_size = OUT_BUFFER },
        .outbox.limit = OUTBOX_BYTES,
    };
    const esp_mqtt5_connection_property_config_t property = {
        .session_expiry_interval = SESSION_EXPIRY_S,
        .maximum_packet_size = IN_BUFFER,
        .receive_maximum = RECEIVE_MAX,
    };
    l->client = esp_mqtt_client_init(&config);
    if (!l->client)
        return ESP_ERR_NO_MEM;
    esp_err_t err = esp_mqtt5_client_set_connect_property(l->client, &property);
    if (err == ESP_OK)
        err = esp_mqtt_client_register_event(l->client, MQTT_EVENT_ANY, on_event, l);
    if (err == ESP_OK)
        err = esp_mqtt_client_start(l->client);
    if (err != ESP_OK) {
        esp_mqtt_client_destroy(l->client);
        l->client = NULL;
    }
    return err;
}

static void do_connect(struct link *l)
{
    esp_err_t err = l->client ? esp_mqtt_client_reconnect(l->client) : make_client(l);
    if (err != ESP_OK)
        fall(l, esp_err_to_name(err));
}

static int hand_over(struct link *l, const struct request *r)
{
    l->property = (esp_mqtt5_publish_property_config_t){
        .correlation_data = r->correlation_len ? (const char *)r->correlation : NULL,
        .correlation_data_len = (uint16_t)r->correlation_len,
    };
    esp_mqtt5_client_set_publish_property(l->client, &l->property);
    begin_publish(l);
    int msg_id = esp_mqtt_client_publish(l->client, r->topic, r->len ? r->payload : NULL,
                                         (int)r->len, r->mid > 0 ? 1 : 0, r->retain);
    end_publish(l, msg_id, r->mid);
    return msg_id;
}

/* A QoS 1 message stays in esp-mqtt's outbox until acknowledged, also over reconnects. What that
 * can't take now (full, or the broker's receive maximum reached) is offered again for a while. */
static void do_publish(struct link *l, const struct request *r)
{
    if (!l->client || (r->mid == 0 && atomic_load(&l->state) != LINK_UP))
        return;
    if (hand_over(l, r) >= 0 || r->mid == 0)
        return;
    for (int i = 0; i < RETRIES; i++) {
        vTaskDelay(pdMS_TO_TICKS(RETRY_MS));
        if (hand_over(l, r) >= 0)
            return;
    }
    ESP_LOGE(TAG, "a message for %s could not be queued", r->topic);
    atomic_fetch_sub(&l->taken, 1);
}

static void do_good_bye(struct link *l)
{
    const esp_mqtt5_disconnect_property_config_t property = { .disconnect_reason =
                                                                  DISCONNECT_WITH_WILL };
    if (!l->client)
        return;
    esp_mqtt5_client_set_disconnect_property(l->client, &property);
    esp_mqtt_client_disconnect(l->client);
}

/* An attempt must end. The broker took the connection but never answers the subscription; or the
 * attempt could not even be asked for. */
static void watch(struct link *l)
{
    if (atomic_load(&l->state) != LINK_CONNECTING)
        return;
    unsigned age = (unsigned)clock_mono_ms() - atomic_load(&l->since_ms);
    if (age > 2 * CONNECT_TIMEOUT_MS)
        fall(l, "no answer");
    else if (age > CONNECT_TIMEOUT_MS && l->client)
        esp_mqtt_client_disconnect(l->client);
}

static void send_all(void *ctx)
{
    struct link *l = ctx;
    for (;;) {
        struct request *r = NULL;
        if (xQueueReceive(l->requests, &r, pdMS_TO_TICKS(1000)) == pdTRUE) {
            switch (r->kind) {
            case REQUEST_CONNECT:
                do_connect(l);
                break;
            case REQUEST_PUBLISH:
                do_publish(l, r);
                break;
            case REQUEST_GOOD_BYE:
                do_good_bye(l);
                break;
            }
            free(r);
        }
        watch(l);
    }
}

/* ---- on the main task --------------------------------------------------------------------- */

int link_init(struct link *l, QueueHandle_t events, const struct identity *identity)
{
    memset(l, 0, sizeof(*l));
    l->events = events;
    l->identity = identity;
    l->requests = xQueueCreate(REQUESTS, sizeof(struct request *));
    l->lock = xSemaphoreCreateMutex();
    if (!l->requests || !l->lock)
        return -1;
    return xTaskCreate(send_all, "mqtt_send", SENDER_STACK, l, TASK_PRIORITY, NULL) == pdPASS ? 0
                                                                                              : -1;
}

static int ask(struct link *l, struct request *r)
{
    if (r && xQueueSend(l->requests, &r, 0) == pdTRUE)
        return 0;
    free(r);
    return -1;
}

static int ask_plain(struct link *l, enum request_kind kind)
{
    struct request *r = calloc(1, sizeof(*r));
    if (r)
        r->kind = kind;
    return ask(l, r);
}

/* Host, names and will don't change between two starts, and the client copies them: the sender
 * reads them once. */
static int remember(struct link *l, const struct app_broker *broker)
{
    if (l->id[0])
        return 0;
    if (broker->will_len >= sizeof(l->will) ||
        topic_format(l->will_topic, sizeof(l->will_topic), broker->root, broker->id, TOPIC_STATUS,
                     NULL) < 0)
        return -1;
    memcpy(l->will, broker->will, broker->will_len);
    l->will[broker->will_len] = '\0';
    snprintf(l->host, sizeof(l->host), "%s", broker->host);
    snprintf(l->root, sizeof(l->root), "%s", broker->root);
    snprintf(l->id, sizeof(l->id), "%s", broker->id);
    l->port = broker->port;
    return 0;
}

void link_connect(struct link *l, const struct app_broker *broker)
{
    atomic_store(&l->since_ms, (unsigned)clock_mono_ms());
    atomic_store(&l->state, LINK_CONNECTING);
    /* When it can't be asked for, watch() ends the attempt: fall() may wait, and this is the task
     * that it would wait for. */
    if (remember(l, broker) || ask_plain(l, REQUEST_CONNECT))
        ESP_LOGE(TAG, "no memory to connect");
}

static struct request *request_of(const struct link *l, const struct app_publish *message)
{
    struct request *r = calloc(1, sizeof(*r) + message->len + 1);
    if (!r)
        return NULL;
    r->kind = REQUEST_PUBLISH;
    r->retain = message->retain;
    r->len = message->len;
    memcpy(r->payload, message->payload, message->len);
    if (message->correlation && message->correlation_len <= sizeof(r->correlation)) {
        memcpy(r->correlation, message->correlation, message->correlation_len);
        r->correlation_len = message->correlation_len;
    }
    if (topic_format(r->topic, sizeof(r->topic), l->root, l->id, message->kind, message->sub) < 0) {
        free(r);
        return NULL;
    }
    return r;
}

int link_publish(struct link *l, const struct app_publish *message)
{
    if (atomic_load(&l->state) != LINK_UP ||
        (message->qos > 0 && atomic_load(&l->taken) >= LINK_INFLIGHT))
        return -1;
    struct request *r = request_of(l, message);
    if (!r)
        return -1;
    int mid = 0;
    if (message->qos > 0) {
        l->last_mid = l->last_mid < INT32_MAX ? l->last_mid + 1 : 1;
        mid = r->mid = l->last_mid;
        atomic_fetch_add(&l->taken, 1);
    }
    if (ask(l, r) == 0)
        return mid;
    if (mid > 0)
        atomic_fetch_sub(&l->taken, 1);
    return -1;
}

bool link_is_idle(const struct link *l)
{
    return atomic_load(&l->state) != LINK_UP ||
           (atomic_load(&l->taken) == 0 && uxQueueMessagesWaiting(l->requests) == 0);
}

void link_good_bye(struct link *l)
{
    (void)ask_plain(l, REQUEST_GOOD_BYE);
}

bool link_is_off(const struct link *l)
{
    return atomic_load(&l->state) == LINK_OFF;
}
