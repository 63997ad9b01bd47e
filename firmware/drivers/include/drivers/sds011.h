#ifndef DRIVERS_SDS011_H
#define DRIVERS_SDS011_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"

/*
 * Nova SDS011 on a UART at 9600 8N1: fine dust. In active mode it sends a frame every second; in
 * query mode only when asked. Frames are found again after noise, cut frames and wrong sums.
 */
struct sds011_reading {
    uint32_t pm2_5; /* 0.1 ug/m3, 0 to 9999 */
    uint32_t pm10;
};

enum sds011_mode { SDS011_ACTIVE = 0, SDS011_QUERY = 1 };

#define SDS011_FRAME 10

struct sds011 {
    const struct uart_bus *bus;
    uint8_t buf[SDS011_FRAME]; /* a frame being put together */
    uint8_t len;
    uint32_t resyncs; /* bytes thrown away to find a frame's start */
    bool fresh;       /* `last` has not been read */
    bool bad_sum;     /* a frame with a wrong sum came since the last read */
    bool answered;    /* a command's answer (C5) came */
    struct sds011_reading last;
};

/* No bus traffic. */
void sds011_init(struct sds011 *dev, const struct uart_bus *bus);

/* Choose the mode; the answer arrives later and is taken in by sds011_read(). IO. */
enum drv_err sds011_set_mode(struct sds011 *dev, enum sds011_mode mode);

/* Query mode: ask for one measurement. */
enum drv_err sds011_query(struct sds011 *dev);

/* Take in what has arrived and give the newest measurement. AGAIN when there is none, CRC when only
 * frames with wrong sums came, RANGE. */
enum drv_err sds011_read(struct sds011 *dev, struct sds011_reading *out);

/* Ask for the firmware version (command 7); then poll sds011_probe_done(): AGAIN until anything
 * valid came from the sensor, then OK. The caller keeps the time limit (500 ms is plenty). */
enum drv_err sds011_probe(struct sds011 *dev);
enum drv_err sds011_probe_done(struct sds011 *dev);

#endif
