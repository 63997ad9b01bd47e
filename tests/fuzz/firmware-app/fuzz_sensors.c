/*
 * Whatever a bus says, a driver answers within its promises: the first byte chooses the chip, the
 * rest is what it sends.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/bme280.h"
#include "drivers/scd30.h"
#include "drivers/sds011.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct stream {
    const uint8_t *data;
    size_t len;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static enum bus_err take(void *ctx, uint8_t addr, uint8_t *out, size_t len)
{
    struct stream *s = ctx;

    (void)addr;
    if (len > s->len)
        return BUS_NACK;
    memcpy(out, s->data, len);
    s->data += len;
    s->len -= len;
    return BUS_OK;
}

static enum bus_err swallow(void *ctx, uint8_t addr, const uint8_t *data, size_t len)
{
    (void)ctx;
    (void)addr;
    (void)data;
    (void)len;
    return BUS_OK;
}

static void no_wait(void *ctx, uint32_t ms)
{
    (void)ctx;
    must(ms <= 20);
}

static size_t uart_take(void *ctx, uint8_t *out, size_t cap)
{
    struct stream *s = ctx;
    size_t n = s->len < cap ? s->len : cap;

    return n && take(s, 0, out, n) == BUS_OK ? n : 0;
}

static enum bus_err uart_swallow(void *ctx, const uint8_t *data, size_t len)
{
    return swallow(ctx, 0, data, len);
}

static void bme280(struct stream *s)
{
    const struct i2c_bus bus = { s, swallow, take, no_wait };
    struct bme280_reading r;
    struct bme280 dev;

    bme280_init(&dev, &bus, BME280_ADDR, BME280_ID);
    if (bme280_probe(&dev) != DRV_OK)
        return;
    while (s->len > 9) {
        if (bme280_read(&dev, &r) != DRV_OK)
            continue;
        must(r.temperature >= -4000 && r.temperature <= 8500);
        must(r.pressure >= 30000 && r.pressure <= 110000);
        must(r.humidity <= 10000);
    }
}

static void scd30(struct stream *s)
{
    const struct i2c_bus bus = { s, swallow, take, no_wait };
    struct scd30_reading r;
    struct scd30 dev;

    scd30_init(&dev, &bus);
    while (s->len >= 21) {
        if (scd30_read(&dev, &r) != DRV_OK)
            continue;
        must(r.co2 <= 40000 && r.humidity <= 10000);
        must(r.temperature >= -4000 && r.temperature <= 12500);
    }
}

static void sds011(struct stream *s)
{
    const struct uart_bus bus = { s, uart_swallow, uart_take };
    struct sds011_reading r;
    struct sds011 dev;

    sds011_init(&dev, &bus);
    while (s->len > 0) {
        if (sds011_read(&dev, &r) == DRV_OK)
            must(r.pm2_5 <= 9999 && r.pm10 <= 9999);
        must(dev.len < SDS011_FRAME);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stream s = { data + 1, size - 1 };

    if (size == 0)
        return 0;
    if (data[0] % 3 == 0)
        bme280(&s);
    else if (data[0] % 3 == 1)
        scd30(&s);
    else
        sds011(&s);
    return 0;
}
