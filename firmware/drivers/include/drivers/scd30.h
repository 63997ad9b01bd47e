#ifndef DRIVERS_SCD30_H
#define DRIVERS_SCD30_H

#include <stdint.h>

#include "drivers/bus.h"

/*
 * Sensirion SCD30 on I2C: CO2, temperature, humidity. It measures continuously by itself every
 * `interval` seconds; scd30_read() fetches what is new. Its IEEE 754 floats are turned into fixed
 * point by integer code.
 */
#define SCD30_ADDR 0x61

struct scd30_reading {
    uint32_t co2;        /* ppm, 0 to 40000 (rounded) */
    int32_t temperature; /* 0.01 degC */
    uint32_t humidity;   /* 0.01 %RH */
};

struct scd30 {
    const struct i2c_bus *bus;
};

/* No bus traffic. */
void scd30_init(struct scd30 *dev, const struct i2c_bus *bus);

/* Asks for the firmware version (0xD100), which every SCD30 answers. ABSENT, CRC, IO. */
enum drv_err scd30_probe(struct scd30 *dev);

/* Measure every `interval_s` (2 to 1800, else RANGE), with pressure compensation in hPa (700 to
 * 1400; 0: none). May be called again to change either. */
enum drv_err scd30_start(struct scd30 *dev, uint16_t interval_s, uint16_t pressure_hpa);

/* AGAIN when nothing new was measured since the last read; CRC, RANGE (also NaN), ABSENT, IO. */
enum drv_err scd30_read(struct scd30 *dev, struct scd30_reading *out);

/* Probe. A measurement takes the chip at least 2 s, so none is waited for. */
enum drv_err scd30_self_test(struct scd30 *dev);

/* CRC-8 of the Sensirion family: polynomial 0x31, start 0xFF, no reflection. BE EF -> 92. */
uint8_t scd30_crc8(const uint8_t *data, size_t len);

/* An IEEE 754 single (its 32 bits) times 100, rounded to nearest; 0 and *out, or -1 for NaN,
 * infinity and what does not fit. */
int scd30_float_x100(uint32_t bits, int32_t *out);

#endif
