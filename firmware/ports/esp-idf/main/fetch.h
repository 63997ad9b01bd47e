#ifndef ESP_PORT_FETCH_H
#define ESP_PORT_FETCH_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "freertos/stream_buffer.h"
#include "freertos/task.h"

#include "identity.h"
#include "ota/port.h"

/*
 * One download at a time over HTTPS with the device's certificate, by esp_http_client, which waits
 * for the network: so it runs on a task of its own and its bytes come through a stream buffer of
 * FETCH_BUFFER. When that is full the task waits and the socket's window closes.
 *
 * Every fetch_open() has a number. A task that finds another number than its own stops as soon as
 * its call into the network returns; nothing it says after that is heard.
 */
#define FETCH_BUFFER 16384u

enum fetch_phase {
    FETCH_ASKED,  /* not answered yet */
    FETCH_BODY,   /* `answer` is there; bytes are coming */
    FETCH_DONE,   /* all bytes are in the buffer */
    FETCH_FAILED, /* `why`, once the buffer is empty */
};

/* Private. */
struct fetch {
    const struct identity *identity;
    QueueHandle_t events;
    TaskHandle_t task;
    StreamBufferHandle_t body;
    SemaphoreHandle_t lock; /* what follows, but for `number`; held for a few instructions */
    atomic_uint number;     /* of the download under way; changed by the main task alone */
    unsigned answered;      /* the number that phase, answer and why belong to */
    enum fetch_phase phase;
    struct ota_http_answer answer;
    enum reason why;
    char url[PROTO_URL_MAX + PROTO_SHA256_HEX];
    uint32_t from;
    char etag[OTA_ETAG_MAX];
};

/* 0, or -1: no memory. `identity` must outlive it. */
int fetch_init(struct fetch *f, QueueHandle_t events, const struct identity *identity);

/* The slots of ota_port; ctx is a struct fetch. */
enum reason fetch_open(void *ctx, const char *url, uint32_t from, const char *etag);
enum ota_io fetch_answer(void *ctx, struct ota_http_answer *answer, enum reason *why);
enum ota_io fetch_read(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why);
void fetch_close(void *ctx);

#endif
