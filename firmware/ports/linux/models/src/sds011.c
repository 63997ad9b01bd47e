#include "models/sds011.h"

#include <string.h>

enum {
    FRAME = 10,
    FRAME_MS = 11, /* ten bytes at 9600 8N1 */
    ACTIVE_MS = 1000,
    CMD_MODE = 2,
    CMD_QUERY = 4,
    CMD_VERSION = 7,
};

void model_sds011_init(struct model_sds011 *m, uint64_t seed, enum model_fault fault)
{
    memset(m, 0, sizeof(*m));
    m->seed = seed;
    m->fault = fault;
    m->id = (uint16_t)(0xA160 + model_noise(seed, 130, 0, 90));
    m->next_ms = ACTIVE_MS;
}

static uint8_t sum_of(const uint8_t *bytes, size_t len)
{
    unsigned sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += bytes[i];
    return (uint8_t)(sum & 0xFF);
}

/* A full buffer loses the frame, as a UART nobody reads does. */
static void send(struct model_sds011 *m, int64_t mono_ms, uint8_t kind, const uint8_t data[4])
{
    uint8_t *f = m->out + m->out_len;

    if ((size_t)m->out_len + FRAME > sizeof(m->out))
        return;
    f[0] = 0xAA;
    f[1] = kind;
    memcpy(f + 2, data, 4);
    f[6] = (uint8_t)(m->id >> 8);
    f[7] = (uint8_t)m->id;
    f[8] = sum_of(f + 2, 6);
    f[9] = 0xAB;
    m->out_len = (uint8_t)(m->out_len + FRAME);
    m->out_ms = mono_ms + FRAME_MS;
}

static void send_measurement(struct model_sds011 *m, int64_t mono_ms, int64_t unix_s)
{
    uint64_t when = (uint64_t)unix_s;
    struct weather w;
    uint8_t before = m->out_len;

    if (!(m->fault == MODEL_STUCK && m->latched)) {
        int32_t noise = model_noise(m->seed, 131, when, 5);
        int32_t fine, coarse;

        weather_at(m->seed, unix_s, &w);
        fine = m->fault == MODEL_WILD ? 0xFFFF : (int32_t)w.pm2_5 + noise;
        coarse = m->fault == MODEL_WILD ? 0xFFFF : (int32_t)w.pm10 + 2 * noise;
        m->latch[0] = (uint8_t)fine;
        m->latch[1] = (uint8_t)(fine >> 8);
        m->latch[2] = (uint8_t)coarse;
        m->latch[3] = (uint8_t)(coarse >> 8);
        m->latched = true;
    }
    send(m, mono_ms, 0xC0, m->latch);
    if (m->fault == MODEL_CRC && m->out_len > before && model_noise(m->seed, 132, when, 1) >= 0)
        m->out[before + 8] ^= 0x01;
}

static void step(struct model_sds011 *m, int64_t mono_ms, int64_t unix_s)
{
    if (mono_ms < m->next_ms)
        return;
    if (m->mode == 0)
        send_measurement(m, mono_ms, unix_s);
    m->next_ms += (mono_ms - m->next_ms) / ACTIVE_MS * ACTIVE_MS + ACTIVE_MS;
}

static void obey(struct model_sds011 *m, int64_t mono_ms, int64_t unix_s)
{
    const uint8_t *c = m->in;

    if (sum_of(c + 2, 15) != c[17])
        return;
    if (c[2] == CMD_QUERY) {
        send_measurement(m, mono_ms, unix_s);
    } else if (c[2] == CMD_VERSION) {
        send(m, mono_ms, 0xC5, (const uint8_t[]){ CMD_VERSION, 18, 11, 16 });
    } else if (c[2] == CMD_MODE) {
        if (c[3] == 1)
            m->mode = c[4] ? 1 : 0;
        send(m, mono_ms, 0xC5, (const uint8_t[]){ CMD_MODE, c[3], m->mode, 0 });
    }
}

enum bus_err model_sds011_write(struct model_sds011 *m, int64_t mono_ms, int64_t unix_s,
                                const uint8_t *data, size_t len)
{
    step(m, mono_ms, unix_s);
    for (size_t i = 0; i < len && m->fault != MODEL_ABSENT; i++) {
        m->in[m->in_len++] = data[i];
        if (m->in[0] != 0xAA)
            m->in_len = 0;
        if (m->in_len == sizeof(m->in)) {
            if (m->in[1] == 0xB4 && m->in[18] == 0xAB)
                obey(m, mono_ms, unix_s);
            m->in_len = 0;
        }
    }
    return BUS_OK; /* nobody notices a missing listener on a UART */
}

size_t model_sds011_read(struct model_sds011 *m, int64_t mono_ms, int64_t unix_s, uint8_t *data,
                         size_t cap)
{
    size_t len;

    step(m, mono_ms, unix_s);
    if (m->fault == MODEL_ABSENT || mono_ms < m->out_ms)
        return 0;
    len = m->out_len < cap ? m->out_len : cap;
    memcpy(data, m->out, len);
    m->out_len = (uint8_t)(m->out_len - len);
    memmove(m->out, m->out + len, m->out_len);
    return len;
}
