#ifndef ESP_PORT_LINK_H
#define ESP_PORT_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "mqtt_client.h"

#include "app/platform.h"
#include "identity.h"
#include "protocol/limits.h"

/*
 * The broker, by esp-mqtt: MQTT 5, mutual TLS, last will, a session that the broker keeps for 14
 * days. No esp-mqtt type leaves link.c but for the memory below.
 *
 * esp-mqtt's calls may wait for the network (its lock is held while it sends), so the main task
 * makes none of them: what it wants goes through a queue to a task of ours, which may wait.
 *
 *   main  --requests-->  sender task  --publish, reconnect-->  esp-mqtt
 *   main  <--events----  esp-mqtt's task, which waits for room in the queue: back-pressure
 */
#define LINK_INFLIGHT 24 /* QoS 1 messages taken and not yet acknowledged */

struct link_flight {
    int mid;    /* ours, > 0; 0: this place is free */
    int msg_id; /* MQTT's packet identifier */
};

/* Private. */
struct link {
    QueueHandle_t events;   /* struct board_event */
    QueueHandle_t requests; /* struct request *, see link.c */
    SemaphoreHandle_t lock; /* flights, early; held for a few instructions */
    const struct identity *identity;
    esp_mqtt_client_handle_t client;
    atomic_int state; /* enum link_state */
    atomic_int taken; /* QoS 1 messages */
    int last_mid;     /* main task */
    int subscribe_id;

    /* From the first broker_connect(). */
    char host[PROTO_HOST_MAX], root[PROTO_ROOT_MAX], id[PROTO_ID_MAX];
    char will_topic[PROTO_TOPIC_MAX];
    char will[PROTO_STATUS_BYTES];
    uint16_t port;

    struct link_flight flight[LINK_INFLIGHT];
    int early[4]; /* acknowledged before publish() had returned its identifier */
    bool publishing;
    atomic_uint since_ms; /* begin of the attempt under way, modulo 2^32 */
    esp_mqtt5_publish_property_config_t property;
    char why[64];
};

/* 0, or -1: no memory. `identity` must outlive it. */
int link_init(struct link *l, QueueHandle_t events, const struct identity *identity);

/* On the main task; as app_platform.broker_connect() and publish(). Neither waits. */
void link_connect(struct link *l, const struct app_broker *broker);
int link_publish(struct link *l, const struct app_publish *message);

/* Nothing that was taken is still on its way, or nothing can be sent. */
bool link_is_idle(const struct link *l);
/* Say good-bye and have the broker publish the will. */
void link_good_bye(struct link *l);
bool link_is_off(const struct link *l);

#endif
