#include "models/bme280.h"

#include <string.h>

enum {
    REG_CALIB_LOW = 0x88,
    REG_ID = 0xD0,
    REG_RESET = 0xE0,
    REG_CALIB_HIGH = 0xE1,
    REG_CTRL_HUM = 0xF2,
    REG_STATUS = 0xF3,
    REG_CTRL_MEAS = 0xF4,
    REG_CONFIG = 0xF5,
    REG_DATA = 0xF7,
    DATA_LEN = 8,

    MEASURE_MS = 10, /* datasheet, 9.1: at most 9.3 ms with oversampling x1 */
    IM_UPDATE_MS = 2,
};

/* Constants of the size that real chips have, a little different from chip to chip. */
struct calib {
    double t1, t2, t3, p1, p2, p3, p4, p5, p6, p7, p8, p9, h1, h2, h3, h4, h5, h6;
};

static void put16(uint8_t *reg, int32_t value)
{
    reg[0] = (uint8_t)value;
    reg[1] = (uint8_t)(value >> 8);
}

static void solder_calibration(struct model_bme280 *m)
{
    const int32_t low[12] = { 28485, 26735, 50, 36738, -10635, 3024,
                              6980,  -4,    -7, 9900,  -10230, 4285 };
    const int32_t h2 = 365, h4 = 328, h5 = 50;
    uint8_t *high = m->reg + REG_CALIB_HIGH;

    for (unsigned i = 0; i < 12; i++) {
        int32_t spread = low[i] / 64 < 0 ? -low[i] / 64 : low[i] / 64;

        put16(m->reg + REG_CALIB_LOW + 2 * i, low[i] + model_noise(m->seed, 100, i, spread));
    }
    m->reg[0xA1] = 75; /* H1 */
    put16(high, h2 + model_noise(m->seed, 101, 0, 8));
    high[2] = 0; /* H3 */
    high[3] = (uint8_t)(h4 >> 4);
    high[4] = (uint8_t)((h4 & 0x0F) | (h5 & 0x0F) << 4);
    high[5] = (uint8_t)(h5 >> 4);
    high[6] = 30; /* H6 */
}

static void power_up(struct model_bme280 *m)
{
    static const uint8_t nothing[DATA_LEN] = { 0x80, 0, 0, 0x80, 0, 0, 0x80, 0 };

    memset(m->reg, 0, sizeof(m->reg));
    m->reg[REG_ID] = 0x60;
    solder_calibration(m);
    memcpy(m->reg + REG_DATA, nothing, sizeof(nothing));
    m->measuring = false;
}

void model_bme280_init(struct model_bme280 *m, uint64_t seed, enum model_fault fault)
{
    memset(m, 0, sizeof(*m));
    m->seed = seed;
    m->fault = fault;
    power_up(m);
}

static double s16(const uint8_t *reg)
{
    int32_t v = reg[0] | reg[1] << 8;

    return v < 0x8000 ? v : v - 0x10000;
}

static double u16(const uint8_t *reg)
{
    return reg[0] | reg[1] << 8;
}

static struct calib calibration(const struct model_bme280 *m)
{
    const uint8_t *low = m->reg + REG_CALIB_LOW, *high = m->reg + REG_CALIB_HIGH;

    return (struct calib){
        .t1 = u16(low),
        .t2 = s16(low + 2),
        .t3 = s16(low + 4),
        .p1 = u16(low + 6),
        .p2 = s16(low + 8),
        .p3 = s16(low + 10),
        .p4 = s16(low + 12),
        .p5 = s16(low + 14),
        .p6 = s16(low + 16),
        .p7 = s16(low + 18),
        .p8 = s16(low + 20),
        .p9 = s16(low + 22),
        .h1 = low[25],
        .h2 = s16(high),
        .h3 = high[2],
        .h4 = high[3] * 16 + high[4] % 16, /* both positive here */
        .h5 = high[5] * 16 + high[4] / 16,
        .h6 = high[6],
    };
}

/*
 * The datasheet's other form of the compensation, in floating point (section 8.1): on purpose not
 * the driver's integer code, so that an error in one does not hide in the other.
 */
static double fine(const struct calib *c, double raw)
{
    double a = (raw / 16384 - c->t1 / 1024) * c->t2;
    double b = raw / 131072 - c->t1 / 8192;

    return a + b * b * c->t3;
}

static double pascal(const struct calib *c, double raw, double t_fine)
{
    double a = t_fine / 2 - 64000;
    double b = (a * a * c->p6 / 32768 + a * c->p5 * 2) / 4 + c->p4 * 65536;
    double slope = (1 + (c->p3 * a * a / 524288 + c->p2 * a) / 524288 / 32768) * c->p1;
    double p = (1048576 - raw - b / 4096) * 6250 / slope;

    return p + (c->p9 * p * p / 2147483648.0 + p * c->p8 / 32768 + c->p7) / 16;
}

static double percent(const struct calib *c, double raw, double t_fine)
{
    double t = t_fine - 76800;
    double h = (raw - (c->h4 * 64 + c->h5 / 16384 * t)) *
               (c->h2 / 65536 * (1 + c->h6 / 67108864 * t * (1 + c->h3 / 67108864 * t)));

    return h * (1 - c->h1 * h / 524288);
}

/* Smallest code in [0, 2^bits) for which `f` has passed `want`; f rises, or falls for pressure. */
typedef double curve_fn(const struct calib *c, double raw, double t_fine);

static double celsius(const struct calib *c, double raw, double unused)
{
    (void)unused;
    return fine(c, raw) / 5120;
}

static uint32_t invert(curve_fn *f, const struct calib *c, double t_fine, double want,
                       unsigned bits, bool falls)
{
    uint32_t low = 0, high = (1U << bits) - 1;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        double v = f(c, middle, t_fine);

        if (falls ? v > want : v < want)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void put20(uint8_t *reg, uint32_t raw)
{
    reg[0] = (uint8_t)(raw >> 12);
    reg[1] = (uint8_t)(raw >> 4);
    reg[2] = (uint8_t)(raw << 4);
}

static void measure(struct model_bme280 *m, int64_t unix_s)
{
    struct calib c = calibration(m);
    struct weather w;
    uint8_t *data = m->reg + REG_DATA;
    uint64_t when = (uint64_t)unix_s;
    uint32_t t, p, h;

    if (m->fault == MODEL_STUCK && m->latched) {
        memcpy(data, m->latch, DATA_LEN);
        return;
    }
    weather_at(m->seed, unix_s, &w);
    t = invert(celsius, &c, 0, (w.temperature + model_noise(m->seed, 110, when, 4)) / 100.0, 20,
               false);
    p = invert(pascal, &c, fine(&c, t), (int32_t)w.pressure + model_noise(m->seed, 111, when, 3),
               20, true);
    h = invert(percent, &c, fine(&c, t),
               ((int32_t)w.humidity + model_noise(m->seed, 112, when, 12)) / 100.0, 16, false);
    if (m->fault == MODEL_WILD)
        t = when % 2 ? 0xFFFFF : 0;
    put20(data, p);
    put20(data + 3, t);
    data[6] = (uint8_t)(h >> 8);
    data[7] = (uint8_t)h;
    memcpy(m->latch, data, DATA_LEN);
    m->latched = true;
}

/* What has happened since the chip was last looked at. */
static void step(struct model_bme280 *m, int64_t mono_ms, int64_t unix_s)
{
    bool normal = (m->reg[REG_CTRL_MEAS] & 3) == 3;

    if (m->measuring && mono_ms >= m->ready_ms) {
        measure(m, unix_s);
        m->measuring = normal;
        m->ready_ms = mono_ms + MEASURE_MS;
        if (!normal)
            m->reg[REG_CTRL_MEAS] &= 0xFC; /* forced mode ends in sleep */
    }
    m->reg[REG_STATUS] = (uint8_t)((m->measuring ? 0x08 : 0) | (mono_ms < m->im_ready_ms ? 1 : 0));
}

static void set_reg(struct model_bme280 *m, int64_t mono_ms, uint8_t reg, uint8_t value)
{
    if (reg == REG_RESET && value == 0xB6) {
        power_up(m);
        m->im_ready_ms = mono_ms + IM_UPDATE_MS;
    } else if (reg == REG_CTRL_HUM || reg == REG_CONFIG) {
        m->reg[reg] = value;
    } else if (reg == REG_CTRL_MEAS) {
        m->reg[reg] = value;
        if (value & 3) {
            m->measuring = true;
            m->ready_ms = mono_ms + MEASURE_MS;
        }
    } /* the others can only be read */
}

enum bus_err model_bme280_write(struct model_bme280 *m, int64_t mono_ms, int64_t unix_s,
                                const uint8_t *data, size_t len)
{
    if (m->fault == MODEL_ABSENT)
        return BUS_NACK;
    step(m, mono_ms, unix_s);
    if (len > 0)
        m->pointer = data[0];
    /* Pairs of register and value; the address does not count up when writing. */
    for (size_t i = 0; i + 1 < len; i += 2)
        set_reg(m, mono_ms, data[i], data[i + 1]);
    return BUS_OK;
}

enum bus_err model_bme280_read(struct model_bme280 *m, int64_t mono_ms, int64_t unix_s,
                               uint8_t *data, size_t len)
{
    if (m->fault == MODEL_ABSENT)
        return BUS_NACK;
    step(m, mono_ms, unix_s);
    if (m->fault == MODEL_CRC && m->pointer == REG_DATA)
        return BUS_IO;
    for (size_t i = 0; i < len; i++)
        data[i] = m->reg[m->pointer++];
    return BUS_OK;
}
