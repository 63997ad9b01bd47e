#ifndef ESP_PORT_EVENT_H
#define ESP_PORT_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"

#include "app/platform.h"
#include "protocol/limits.h"

/*
 * What other tasks tell the main task. Everything the app and the agent do happens on the main
 * task; Wi-Fi, MQTT and the download run on their own and meet it only in this queue (and the
 * download's stream buffer). The main task never waits for one of them, so they may wait for it.
 */
enum board_event_kind {
    BOARD_WAKE, /* the download has something: nothing else to tell */
    BOARD_NETWORK_UP,
    BOARD_NETWORK_DOWN,
    BOARD_BROKER_UP,
    BOARD_BROKER_DOWN, /* .why */
    BOARD_MESSAGE,     /* .message: free() it */
    BOARD_PUBLISHED    /* .mid */
};

/* A command as it came, in one piece of heap. */
struct board_message {
    char verb[PROTO_VERB_MAX];
    uint8_t correlation[APP_CORRELATION_MAX];
    size_t correlation_len;
    size_t len;
    char body[];
};

struct board_event {
    enum board_event_kind kind;
    int mid;
    struct board_message *message;
    char why[64];
};

/* Bounded: with the messages' 4 KB each this is at most 64 KB, and in practice a few. */
#define BOARD_EVENTS 16

#endif
