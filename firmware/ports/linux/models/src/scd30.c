#include "models/scd30.h"

#include <string.h>

enum {
    CMD_START = 0x0010,
    CMD_STOP = 0x0104,
    CMD_READY = 0x0202,
    CMD_READ = 0x0300,
    CMD_INTERVAL = 0x4600,
    CMD_VERSION = 0xD100,
    CMD_RESET = 0xD304,

    PAUSE_MS = 3,
    VERSION = 0x0342,
};

/* Table-less and of its own, so that the driver's CRC is checked against another one. */
static uint8_t crc8(uint8_t a, uint8_t b)
{
    unsigned r = 0xFFU << 8;
    const uint8_t byte[2] = { a, b };

    for (int i = 0; i < 16; i++) {
        unsigned bit = (unsigned)byte[i / 8] >> (7 - i % 8) & 1;
        unsigned top = r >> 15 & 1;

        r = r << 1 & 0xFF00;
        if (top ^ bit)
            r ^= 0x3100;
    }
    return (uint8_t)(r >> 8);
}

static void put_word(uint8_t *out, uint16_t word)
{
    out[0] = (uint8_t)(word >> 8);
    out[1] = (uint8_t)word;
    out[2] = crc8(out[0], out[1]);
}

static void put_float(uint8_t *out, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    put_word(out, (uint16_t)(bits >> 16));
    put_word(out + 3, (uint16_t)bits);
}

static void power_up(struct model_scd30 *m)
{
    m->interval_s = 2;
    m->running = m->fresh = false;
    m->answer_len = 0;
}

void model_scd30_init(struct model_scd30 *m, uint64_t seed, enum model_fault fault)
{
    memset(m, 0, sizeof(*m));
    m->seed = seed;
    m->fault = fault;
    power_up(m);
}

static void measure(struct model_scd30 *m, int64_t unix_s)
{
    uint64_t when = (uint64_t)unix_s;
    struct weather w;
    int32_t co2, t, h;

    if (m->fault == MODEL_STUCK && m->latched)
        return;
    weather_at(m->seed, unix_s, &w);
    co2 = (int32_t)w.co2 * 10 + model_noise(m->seed, 120, when, 30);
    t = w.temperature + 60 + model_noise(m->seed, 121, when, 5); /* it warms itself */
    h = (int32_t)w.humidity - 150 + model_noise(m->seed, 122, when, 20);
    put_float(m->data, m->fault == MODEL_WILD ? 1e9F : (float)co2 / 10.0F);
    put_float(m->data + 6, (float)t / 100.0F);
    put_float(m->data + 12, (float)h / 100.0F);
    if (m->fault == MODEL_CRC && model_noise(m->seed, 123, when, 1) >= 0)
        m->data[5] ^= 0x10;
    m->latched = true;
}

static void step(struct model_scd30 *m, int64_t mono_ms, int64_t unix_s)
{
    int64_t period = m->interval_s * INT64_C(1000);

    if (!m->running || mono_ms < m->next_ms)
        return;
    measure(m, unix_s);
    m->fresh = true;
    m->next_ms += (mono_ms - m->next_ms) / period * period + period;
}

static void answer(struct model_scd30 *m, int64_t mono_ms, uint16_t command)
{
    m->command = command;
    m->command_ms = mono_ms;
    m->answer_len = 3;
    if (command == CMD_READY) {
        put_word(m->answer, m->fresh ? 1 : 0);
    } else if (command == CMD_VERSION) {
        put_word(m->answer, VERSION);
    } else if (command == CMD_INTERVAL) {
        put_word(m->answer, m->interval_s);
    } else if (command == CMD_READ) {
        memcpy(m->answer, m->data, sizeof(m->data));
        m->answer_len = sizeof(m->data);
        m->fresh = false;
    } else {
        m->answer_len = 0;
    }
}

static enum bus_err set(struct model_scd30 *m, int64_t mono_ms, uint16_t command, uint16_t value)
{
    if (command == CMD_INTERVAL) {
        if (value < 2 || value > 1800)
            return BUS_NACK;
        m->interval_s = value;
    } else if (command == CMD_START) {
        m->pressure_hpa = value;
    } else {
        return BUS_NACK;
    }
    if (command == CMD_START && !m->running) {
        m->running = true;
        m->next_ms = mono_ms + m->interval_s * INT64_C(1000);
    }
    return BUS_OK;
}

enum bus_err model_scd30_write(struct model_scd30 *m, int64_t mono_ms, int64_t unix_s,
                               const uint8_t *data, size_t len)
{
    uint16_t command;

    if (m->fault == MODEL_ABSENT)
        return BUS_NACK;
    step(m, mono_ms, unix_s);
    if (len != 2 && len != 5)
        return BUS_NACK;
    command = (uint16_t)(data[0] << 8 | data[1]);
    if (len == 5) {
        if (crc8(data[2], data[3]) != data[4])
            return BUS_NACK;
        return set(m, mono_ms, command, (uint16_t)(data[2] << 8 | data[3]));
    }
    if (command == CMD_STOP)
        m->running = false;
    else if (command == CMD_RESET)
        power_up(m);
    else
        answer(m, mono_ms, command);
    return BUS_OK;
}

enum bus_err model_scd30_read(struct model_scd30 *m, int64_t mono_ms, int64_t unix_s, uint8_t *data,
                              size_t len)
{
    if (m->fault == MODEL_ABSENT)
        return BUS_NACK;
    step(m, mono_ms, unix_s);
    if (m->answer_len == 0 || mono_ms < m->command_ms + PAUSE_MS)
        return BUS_NACK;
    memset(data, 0xFF, len); /* nobody drives the line after the end */
    memcpy(data, m->answer, len < m->answer_len ? len : m->answer_len);
    m->answer_len = 0;
    return BUS_OK;
}
