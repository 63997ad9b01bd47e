#include "drivers/scd30.h"

#include <stddef.h>
#include <string.h>

enum {
    CMD_START = 0x0010,
    CMD_READY = 0x0202,
    CMD_READ = 0x0300,
    CMD_INTERVAL = 0x4600,
    CMD_VERSION = 0xD100,

    PAUSE_MS = 4, /* the chip wants more than 3 ms between a command and reading its answer */
    WORDS_MAX = 6,
};

uint8_t scd30_crc8(const uint8_t *data, size_t len)
{
    uint8_t crc = 0xFF;

    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ 0x31 : crc << 1);
    }
    return crc;
}

int scd30_float_x100(uint32_t bits, int32_t *out)
{
    uint32_t exponent = bits >> 23 & 0xFF;
    uint64_t scaled = (bits & 0x7FFFFF) * UINT64_C(100);
    int32_t value;
    int shift = 150 - (int)exponent; /* value = mantissa / 2^shift */

    if (exponent == 0xFF)
        return -1;
    if (exponent != 0)
        scaled += UINT64_C(100) << 23;
    if (shift < 1) /* above 2^23: far beyond what a sensor says */
        return -1;
    if (shift > 40)
        scaled = 0;
    else
        scaled = (scaled + (UINT64_C(1) << (shift - 1))) >> shift;
    if (scaled > INT32_MAX)
        return -1;
    value = (int32_t)scaled;
    *out = bits >> 31 ? -value : value;
    return 0;
}

void scd30_init(struct scd30 *dev, const struct i2c_bus *bus)
{
    dev->bus = bus;
}

static enum drv_err command(const struct scd30 *dev, uint16_t cmd)
{
    const uint8_t bytes[2] = { (uint8_t)(cmd >> 8), (uint8_t)cmd };

    return drv_from_bus(dev->bus->write(dev->bus->ctx, SCD30_ADDR, bytes, sizeof(bytes)));
}

static enum drv_err command_with(const struct scd30 *dev, uint16_t cmd, uint16_t argument)
{
    uint8_t bytes[5] = { (uint8_t)(cmd >> 8), (uint8_t)cmd, (uint8_t)(argument >> 8),
                         (uint8_t)argument, 0 };

    bytes[4] = scd30_crc8(bytes + 2, 2);
    return drv_from_bus(dev->bus->write(dev->bus->ctx, SCD30_ADDR, bytes, sizeof(bytes)));
}

/* Ask, wait, and read `count` words, each followed by its CRC. */
static enum drv_err ask(const struct scd30 *dev, uint16_t cmd, uint16_t *words, size_t count)
{
    uint8_t bytes[3 * WORDS_MAX];
    enum drv_err err = command(dev, cmd);

    if (err != DRV_OK)
        return err;
    dev->bus->wait_ms(dev->bus->ctx, PAUSE_MS);
    err = drv_from_bus(dev->bus->read(dev->bus->ctx, SCD30_ADDR, bytes, 3 * count));
    if (err != DRV_OK)
        return err;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = bytes + 3 * i;

        if (scd30_crc8(p, 2) != p[2])
            return DRV_CRC;
        words[i] = (uint16_t)(p[0] << 8 | p[1]);
    }
    return DRV_OK;
}

enum drv_err scd30_probe(struct scd30 *dev)
{
    uint16_t version = 0;

    return ask(dev, CMD_VERSION, &version, 1);
}

enum drv_err scd30_start(struct scd30 *dev, uint16_t interval_s, uint16_t pressure_hpa)
{
    enum drv_err err;

    if (interval_s < 2 || interval_s > 1800)
        return DRV_RANGE;
    if (pressure_hpa != 0 && (pressure_hpa < 700 || pressure_hpa > 1400))
        return DRV_RANGE;
    err = command_with(dev, CMD_INTERVAL, interval_s);
    if (err != DRV_OK)
        return err;
    dev->bus->wait_ms(dev->bus->ctx, PAUSE_MS);
    return command_with(dev, CMD_START, pressure_hpa);
}

enum drv_err scd30_read(struct scd30 *dev, struct scd30_reading *out)
{
    uint16_t ready = 0, w[WORDS_MAX];
    int32_t co2, temperature, humidity;
    enum drv_err err = ask(dev, CMD_READY, &ready, 1);

    if (err != DRV_OK)
        return err;
    if (ready != 1)
        return DRV_AGAIN;
    err = ask(dev, CMD_READ, w, WORDS_MAX);
    if (err != DRV_OK)
        return err;
    if (scd30_float_x100((uint32_t)w[0] << 16 | w[1], &co2) != 0 ||
        scd30_float_x100((uint32_t)w[2] << 16 | w[3], &temperature) != 0 ||
        scd30_float_x100((uint32_t)w[4] << 16 | w[5], &humidity) != 0)
        return DRV_RANGE;
    if (co2 < 0 || co2 > 4000000 || temperature < -4000 || temperature > 12500 || humidity < 0 ||
        humidity > 10000)
        return DRV_RANGE;
    out->co2 = ((uint32_t)co2 + 50) / 100;
    out->temperature = temperature;
    out->humidity = (uint32_t)humidity;
    return DRV_OK;
}

enum drv_err scd30_self_test(struct scd30 *dev)
{
    return scd30_probe(dev);
}
