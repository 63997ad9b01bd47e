#ifndef DRIVERS_BME280_H
#define DRIVERS_BME280_H

#include <stdint.h>

#include "drivers/bus.h"

/*
 * Bosch BME280 on I2C: temperature, pressure, humidity. Forced mode: bme280_start() begins one
 * measurement (oversampling x1, about 10 ms), bme280_read() fetches it. Integer arithmetic only.
 */
#define BME280_ADDR     0x76
#define BME280_ADDR_ALT 0x77
#define BME280_ID       0x60

/* As the datasheet names them (table 16). */
struct bme280_calib {
    uint16_t t1;
    int16_t t2, t3;
    uint16_t p1;
    int16_t p2, p3, p4, p5, p6, p7, p8, p9;
    uint8_t h1;
    int16_t h2;
    uint8_t h3;
    int16_t h4, h5; /* 12 bits, signed */
    int8_t h6;
};

struct bme280_raw {
    uint32_t t, p; /* 20 bits */
    uint16_t h;
};

struct bme280_reading {
    int32_t temperature; /* 0.01 degC, -4000 to 8500 */
    uint32_t pressure;   /* Pa, 30000 to 110000 */
    uint32_t humidity;   /* 0.01 %RH, 0 to 10000 */
};

struct bme280 {
    const struct i2c_bus *bus;
    uint8_t addr;
    uint8_t expect_id;
    struct bme280_calib calib;
};

/* No bus traffic. `expect_id` is BME280_ID for the real chip. */
void bme280_init(struct bme280 *dev, const struct i2c_bus *bus, uint8_t addr, uint8_t expect_id);

/* Id, soft reset, calibration. ABSENT, WRONG_ID, TIMEOUT (reset), CALIBRATION, IO. Call it again
 * after an error; nothing below works before it has succeeded once. */
enum drv_err bme280_probe(struct bme280 *dev);

/* Begin one measurement. */
enum drv_err bme280_start(struct bme280 *dev);

/* Fetch it. AGAIN while the chip still measures; RANGE for a value it can't measure. */
enum drv_err bme280_read(struct bme280 *dev, struct bme280_reading *out);

/* Probe, measure once (waits up to 60 ms on the bus), check the value. */
enum drv_err bme280_self_test(struct bme280 *dev);

/* The published compensation, by itself: raw values and calibration in, fixed point out. RANGE when
 * the result is not something the chip can measure (whatever the bytes were: no overflow). */
enum drv_err bme280_compensate(const struct bme280_calib *calib, const struct bme280_raw *raw,
                               struct bme280_reading *out);

/* The registers 0x88-0xA1 (26 bytes) and 0xE1-0xE7 (7 bytes) taken apart. */
void bme280_calib_unpack(const uint8_t low[26], const uint8_t high[7], struct bme280_calib *out);

#endif
