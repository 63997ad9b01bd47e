#ifndef APP_RING_H
#define APP_RING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Readings that the broker has not acknowledged yet: bounded, in order, oldest dropped and counted.
 * All telemetry passes through it, so a link that dies unnoticed loses nothing either.
 */
#define APP_RING_SIZE 128

enum app_field {
    APP_TEMPERATURE, /* 0.01 degC */
    APP_HUMIDITY,    /* 0.01 %RH */
    APP_PRESSURE,    /* Pa */
    APP_CO2,         /* ppm */
    APP_PM2_5,       /* 0.1 ug/m3 */
    APP_PM10,        /* 0.1 ug/m3 */
    APP_DEW_POINT_C, /* 0.01 degC */
    APP_FIELD_COUNT
};

struct app_sample {
    int64_t taken; /* Unix seconds when `dated`, else ms of this boot's clock */
    bool dated;    /* the time was trusted when it was taken */
    uint32_t have; /* bit per enum app_field */
    int32_t value[APP_FIELD_COUNT];
};

struct app_ring {
    struct app_sample item[APP_RING_SIZE];
    int mid[APP_RING_SIZE]; /* of the message under way, 0: not sent */
    uint32_t head;          /* oldest */
    uint32_t count;
    uint32_t sent;    /* of them, from the oldest on, handed to the broker's client */
    uint32_t dropped; /* since boot */
};

void app_ring_init(struct app_ring *ring);
/* Newest at the end; when full the oldest goes (also one under way). */
void app_ring_push(struct app_ring *ring, const struct app_sample *sample);
/* The oldest not handed over yet, or NULL. Then say with what id it was. */
const struct app_sample *app_ring_next(const struct app_ring *ring);
void app_ring_sent(struct app_ring *ring, int mid);
/* Acknowledged. Acks may come out of order; a sample leaves when all before it have left. True when
 * `mid` was one of ours. */
bool app_ring_acked(struct app_ring *ring, int mid);
/* Nothing is under way any more: what was handed over and not acknowledged is sent again. */
void app_ring_rewind(struct app_ring *ring);

#endif
