#include "drivers/bme280.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
    REG_CALIB_LOW = 0x88,
    REG_ID = 0xD0,
    REG_RESET = 0xE0,
    REG_CALIB_HIGH = 0xE1,
    REG_CTRL_HUM = 0xF2,
    REG_STATUS = 0xF3,
    REG_CTRL_MEAS = 0xF4,
    REG_DATA = 0xF7,

    RESET_WORD = 0xB6,
    STATUS_MEASURING = 0x08,
    STATUS_IM_UPDATE = 0x01, /* calibration is being copied after a reset */
    HUM_X1 = 0x01,
    HUM_OVERSAMPLING = 0x07, /* the other bits are not used */
    MEAS_T_X1_P_X1 = 0x24,
    MEAS_FORCED = 0x01, /* the chip takes it back when it has measured */
};

static enum drv_err read_regs(const struct bme280 *dev, uint8_t reg, uint8_t *out, size_t len)
{
    enum bus_err err = dev->bus->write(dev->bus->ctx, dev->addr, &reg, 1);

    if (err == BUS_OK)
        err = dev->bus->read(dev->bus->ctx, dev->addr, out, len);
    return drv_from_bus(err);
}

static enum drv_err write_reg(const struct bme280 *dev, uint8_t reg, uint8_t value)
{
    const uint8_t bytes[2] = { reg, value };

    return drv_from_bus(dev->bus->write(dev->bus->ctx, dev->addr, bytes, sizeof(bytes)));
}

static uint16_t u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static int16_t s16(const uint8_t *p)
{
    int32_t v = u16(p);

    return (int16_t)(v < 0x8000 ? v : v - 0x10000);
}

/* 12 bits, signed: upper 8 and lower 4. */
static int16_t s12(uint8_t high, uint8_t low)
{
    int32_t v = high << 4 | low;

    return (int16_t)(v < 0x800 ? v : v - 0x1000);
}

void bme280_calib_unpack(const uint8_t low[26], const uint8_t high[7], struct bme280_calib *out)
{
    out->t1 = u16(low);
    out->t2 = s16(low + 2);
    out->t3 = s16(low + 4);
    out->p1 = u16(low + 6);
    out->p2 = s16(low + 8);
    out->p3 = s16(low + 10);
    out->p4 = s16(low + 12);
    out->p5 = s16(low + 14);
    out->p6 = s16(low + 16);
    out->p7 = s16(low + 18);
    out->p8 = s16(low + 20);
    out->p9 = s16(low + 22);
    out->h1 = low[25]; /* 0xA1; 0xA0 is not used */
    out->h2 = s16(high);
    out->h3 = high[2];
    /* H4 and H5 share the register 0xE5. */
    out->h4 = s12(high[3], high[4] & 0x0F);
    out->h5 = s12(high[5], high[4] >> 4);
    out->h6 = (int8_t)(high[6] < 0x80 ? high[6] : high[6] - 0x100);
}

/*
 * The arithmetic of the datasheet, section 4.2.3, widened to 64 bits throughout and with the two
 * products that hostile constants could overflow checked: the bytes come from a bus. Shifts of
 * negative numbers are written as the datasheet means them, as arithmetic shifts.
 */
static int64_t asr(int64_t v, unsigned bits)
{
    return v >= 0 ? v >> bits : ~(~v >> bits);
}

static int64_t fine_temperature(const struct bme280_calib *c, uint32_t raw)
{
    int64_t a = (int64_t)(raw >> 3) - 2 * (int64_t)c->t1;
    int64_t b = (int64_t)(raw >> 4) - c->t1;

    return asr(a * c->t2, 11) + asr(asr(b * b, 12) * c->t3, 14);
}

/* Pa in Q24.8, or -1. */
static int64_t pressure_q8(const struct bme280_calib *c, uint32_t raw, int64_t t_fine)
{
    int64_t t = t_fine - 128000;
    int64_t offset = t * t * c->p6 + t * c->p5 * (INT64_C(1) << 17) + c->p4 * (INT64_C(1) << 35);
    int64_t slope = asr(t * t * c->p3, 8) + t * c->p2 * (INT64_C(1) << 12);
    int64_t p;

    if (__builtin_mul_overflow((INT64_C(1) << 47) + slope, (int64_t)c->p1, &slope))
        return -1;
    slope = asr(slope, 33);
    if (slope <= 0)
        return -1;
    p = (INT64_C(1048576) - raw) * (INT64_C(1) << 31) - offset;
    if (__builtin_mul_overflow(p, INT64_C(3125), &p))
        return -1;
    p /= slope;
    if (p < 0 || p >= INT64_C(1) << 36) /* 2^16 per Pa here: 1 MPa, and no overflow below */
        return -1;
    return asr(p + asr(c->p9 * (p >> 13) * (p >> 13), 25) + asr(c->p8 * p, 19), 8) + c->p7 * 16;
}

/* %RH in Q22.10. */
static int64_t humidity_q10(const struct bme280_calib *c, uint16_t raw, int64_t t_fine)
{
    int64_t t = t_fine - 76800;
    int64_t a = asr(raw * INT64_C(16384) - c->h4 * INT64_C(1048576) - c->h5 * t + 16384, 15);
    int64_t b = asr(asr(t * c->h6, 10) * (asr(t * c->h3, 11) + 32768), 10) + 2097152;
    int64_t v = a * asr(b * c->h2 + 8192, 14);

    v -= asr(asr(asr(v, 15) * asr(v, 15), 7) * c->h1, 4);
    if (v < 0)
        return 0;
    return (v > 419430400 ? 419430400 : v) >> 12;
}

enum drv_err bme280_compensate(const struct bme280_calib *calib, const struct bme280_raw *raw,
                               struct bme280_reading *out)
{
    int64_t t_fine = fine_temperature(calib, raw->t);
    int64_t t = asr(t_fine * 5 + 128, 8);
    int64_t p;

    if (t < -4000 || t > 8500)
        return DRV_RANGE;
    p = pressure_q8(calib, raw->p, t_fine);
    p = p < 0 ? -1 : (p + 128) >> 8;
    if (p < 30000 || p > 110000)
        return DRV_RANGE;

    out->temperature = (int32_t)t;
    out->pressure = (uint32_t)p;
    out->humidity = (uint32_t)((humidity_q10(calib, raw->h, t_fine) * 100 + 512) >> 10);
    return DRV_OK;
}

void bme280_init(struct bme280 *dev, const struct i2c_bus *bus, uint8_t addr, uint8_t expect_id)
{
    memset(dev, 0, sizeof(*dev));
    dev->bus = bus;
    dev->addr = addr;
    dev->expect_id = expect_id;
}

/* The chip copies its constants for up to 2 ms after a reset; 10 tries of 2 ms are generous. */
static enum drv_err reset(const struct bme280 *dev)
{
    enum drv_err err = write_reg(dev, REG_RESET, RESET_WORD);

    for (int i = 0; err == DRV_OK && i < 10; i++) {
        uint8_t status = 0;

        dev->bus->wait_ms(dev->bus->ctx, 2);
        err = read_regs(dev, REG_STATUS, &status, 1);
        if (err == DRV_OK && !(status & STATUS_IM_UPDATE))
            return DRV_OK;
    }
    return err == DRV_OK ? DRV_TIMEOUT : err;
}

static bool plausible(const struct bme280_calib *c)
{
    return c->t1 != 0 && c->t1 != 0xFFFF && c->p1 != 0 && c->p1 != 0xFFFF && c->t2 != 0 &&
           c->h2 != 0;
}

enum drv_err bme280_probe(struct bme280 *dev)
{
    uint8_t id = 0, low[26], high[7];
    enum drv_err err = read_regs(dev, REG_ID, &id, 1);

    if (err != DRV_OK)
        return err;
    if (id != dev->expect_id)
        return DRV_WRONG_ID;
    err = reset(dev);
    if (err == DRV_OK)
        err = read_regs(dev, REG_CALIB_LOW, low, sizeof(low));
    if (err == DRV_OK)
        err = read_regs(dev, REG_CALIB_HIGH, high, sizeof(high));
    if (err != DRV_OK)
        return err;
    bme280_calib_unpack(low, high, &dev->calib);
    return plausible(&dev->calib) ? DRV_OK : DRV_CALIBRATION;
}

enum drv_err bme280_start(struct bme280 *dev)
{
    /* ctrl_hum becomes effective with the write of ctrl_meas that follows. */
    enum drv_err err = write_reg(dev, REG_CTRL_HUM, HUM_X1);

    return err == DRV_OK ? write_reg(dev, REG_CTRL_MEAS, MEAS_T_X1_P_X1 | MEAS_FORCED) : err;
}

/*
 * Where nothing was measured (after a reset, or with the oversampling off) the data registers hold
 * 0x80000 and 0x8000. These are values like any others: humidity has the second at some 65 %RH, and
 * a device whose air is there would now and then wait in vain. So the controls are asked: they are
 * as bme280_start() wrote them, but for the mode, once our measurement is in the registers.
 */
static enum drv_err measured(const struct bme280 *dev)
{
    uint8_t now[3]; /* ctrl_hum, status, ctrl_meas */
    enum drv_err err = read_regs(dev, REG_CTRL_HUM, now, sizeof(now));

    if (err != DRV_OK)
        return err;
    bool done = (now[0] & HUM_OVERSAMPLING) == HUM_X1 && now[2] == MEAS_T_X1_P_X1 &&
                !(now[1] & STATUS_MEASURING);
    return done ? DRV_OK : DRV_AGAIN;
}

enum drv_err bme280_read(struct bme280 *dev, struct bme280_reading *out)
{
    struct bme280_raw raw;
    uint8_t d[8];
    enum drv_err err = measured(dev);

    if (err != DRV_OK)
        return err;
    /* One burst, so that all eight bytes are of one measurement. */
    err = read_regs(dev, REG_DATA, d, sizeof(d));
    if (err != DRV_OK)
        return err;
    raw.p = (uint32_t)d[0] << 12 | (uint32_t)d[1] << 4 | d[2] >> 4;
    raw.t = (uint32_t)d[3] << 12 | (uint32_t)d[4] << 4 | d[5] >> 4;
    raw.h = (uint16_t)(d[6] << 8 | d[7]);
    return bme280_compensate(&dev->calib, &raw, out);
}

enum drv_err bme280_self_test(struct bme280 *dev)
{
    struct bme280_reading reading;
    enum drv_err err = bme280_probe(dev);

    if (err == DRV_OK)
        err = bme280_start(dev);
    if (err != DRV_OK)
        return err;
    err = DRV_AGAIN;
    for (int i = 0; i < 3 && err == DRV_AGAIN; i++) {
        dev->bus->wait_ms(dev->bus->ctx, 20);
        err = bme280_read(dev, &reading);
    }
    return err == DRV_AGAIN ? DRV_TIMEOUT : err;
}
