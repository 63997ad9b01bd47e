#include "drivers/sds011.h"

#include <string.h>

enum {
    HEAD = 0xAA,
    TAIL = 0xAB,
    TO_SENSOR = 0xB4,
    DATA = 0xC0,
    ANSWER = 0xC5,

    CMD_MODE = 2,
    CMD_QUERY = 4,
    CMD_VERSION = 7,

    COMMAND_LEN = 19,
    PM_MAX = 9999, /* 999.9 ug/m3, the end of its range */
};

void sds011_init(struct sds011 *dev, const struct uart_bus *bus)
{
    memset(dev, 0, sizeof(*dev));
    dev->bus = bus;
}

static enum drv_err send(const struct sds011 *dev, uint8_t cmd, uint8_t set, uint8_t value)
{
    uint8_t f[COMMAND_LEN] = { HEAD, TO_SENSOR, cmd, set, value };
    uint8_t sum = 0;

    f[15] = f[16] = 0xFF; /* to any sensor on this line */
    for (int i = 2; i < 17; i++)
        sum = (uint8_t)(sum + f[i]);
    f[17] = sum;
    f[18] = TAIL;
    return drv_from_bus(dev->bus->write(dev->bus->ctx, f, sizeof(f)));
}

enum drv_err sds011_set_mode(struct sds011 *dev, enum sds011_mode mode)
{
    return send(dev, CMD_MODE, 1, (uint8_t)mode);
}

enum drv_err sds011_query(struct sds011 *dev)
{
    return send(dev, CMD_QUERY, 0, 0);
}

/* Throw away the first byte, and more until the rest can be the start of a frame again. */
static void resync(struct sds011 *dev)
{
    uint8_t drop = 1;

    while (drop < dev->len && dev->buf[drop] != HEAD)
        drop++;
    dev->len = (uint8_t)(dev->len - drop);
    memmove(dev->buf, dev->buf + drop, dev->len);
    dev->resyncs += drop;
}

static void take_frame(struct sds011 *dev)
{
    const uint8_t *f = dev->buf;

    dev->answered = true;
    if (f[1] == DATA) {
        dev->last.pm2_5 = (uint32_t)(f[2] | f[3] << 8);
        dev->last.pm10 = (uint32_t)(f[4] | f[5] << 8);
        dev->fresh = true;
    }
    dev->len = 0;
}

static bool sum_holds(const uint8_t *f)
{
    uint8_t sum = 0;

    for (int i = 2; i < 8; i++)
        sum = (uint8_t)(sum + f[i]);
    return sum == f[8];
}

/* One byte more. A frame is believed only whole: head, type, tail and sum. */
static void take_byte(struct sds011 *dev, uint8_t byte)
{
    dev->buf[dev->len++] = byte;
    while (dev->len > 0) {
        const uint8_t *f = dev->buf;

        if (f[0] != HEAD || (dev->len > 1 && f[1] != DATA && f[1] != ANSWER)) {
            resync(dev);
            continue;
        }
        if (dev->len < SDS011_FRAME)
            return;
        if (f[9] == TAIL && sum_holds(f)) {
            take_frame(dev);
            return;
        }
        if (f[9] == TAIL)
            dev->bad_sum = true;
        resync(dev);
    }
}

/* Bounded: a line that never stops talking does not hold the caller for longer than this. */
static void drain(struct sds011 *dev)
{
    uint8_t bytes[32];

    for (int round = 0; round < 8; round++) {
        size_t got = dev->bus->read(dev->bus->ctx, bytes, sizeof(bytes));

        for (size_t i = 0; i < got; i++)
            take_byte(dev, bytes[i]);
        if (got < sizeof(bytes))
            return;
    }
}

enum drv_err sds011_read(struct sds011 *dev, struct sds011_reading *out)
{
    bool bad;

    drain(dev);
    bad = dev->bad_sum;
    dev->bad_sum = false;
    if (!dev->fresh)
        return bad ? DRV_CRC : DRV_AGAIN;
    dev->fresh = false;
    if (dev->last.pm2_5 > PM_MAX || dev->last.pm10 > PM_MAX)
        return DRV_RANGE;
    *out = dev->last;
    return DRV_OK;
}

enum drv_err sds011_probe(struct sds011 *dev)
{
    drain(dev); /* what came before does not prove that it is there now */
    dev->answered = false;
    dev->bad_sum = false;
    return send(dev, CMD_VERSION, 0, 0);
}

enum drv_err sds011_probe_done(struct sds011 *dev)
{
    drain(dev);
    if (dev->answered)
        return DRV_OK;
    return dev->bad_sum ? DRV_CRC : DRV_AGAIN;
}
