#include "pack.h"

#include <math.h>
#include <string.h>

enum { MASK = PACK_SLOTS / 8, FLAT = 0x8000, MOST = 0x7fff };

static size_t put_float(uint8_t *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(bits >> 8 * i);
    return 4;
}

static float get_float(const uint8_t *in)
{
    uint32_t bits = 0;
    float value;
    for (size_t i = 0; i < 4; i++)
        bits |= (uint32_t)in[i] << 8 * i;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

size_t pack_encode(const struct pack *p, uint8_t out[PACK_BYTES])
{
    size_t used = MASK;

    memset(out, 0, MASK);
    for (size_t i = 0; i < PACK_SLOTS; i++) {
        const struct pack_slot *s = &p->slot[i];
        int flat = !(s->min < s->max);
        if (!s->n)
            continue;
        unsigned n = (s->n > MOST ? MOST : s->n) | (flat ? FLAT : 0);
        out[i / 8] |= (uint8_t)(1u << i % 8);
        out[used++] = (uint8_t)n;
        out[used++] = (uint8_t)(n >> 8);
        used += put_float(out + used, s->avg);
        if (!flat) {
            used += put_float(out + used, s->min);
            used += put_float(out + used, s->max);
        }
    }
    return used;
}

int pack_decode(const void *body, size_t len, struct pack *out)
{
    const uint8_t *in = body;
    size_t used = MASK;

    memset(out, 0, sizeof(*out));
    if (!body || len < MASK)
        return -1;
    for (size_t i = 0; i < PACK_SLOTS; i++) {
        struct pack_slot *s = &out->slot[i];
        if (!(in[i / 8] & 1u << i % 8))
            continue;
        if (len - used < 6)
            return -1;
        unsigned n = in[used] | (unsigned)in[used + 1] << 8;
        size_t size = n & FLAT ? 6 : 14;
        if (len - used < size)
            return -1;
        s->n = n & MOST;
        s->min = s->avg = s->max = get_float(in + used + 2);
        if (size == 14) {
            s->min = get_float(in + used + 6);
            s->max = get_float(in + used + 10);
        }
        if (!s->n || !isfinite(s->min) || !isfinite(s->avg) || !isfinite(s->max))
            return -1;
        used += size;
    }
    return used == len ? 0 : -1;
}

void pack_merge(struct pack_slot *into, const struct pack_slot *from)
{
    if (!from->n)
        return;
    if (!into->n) {
        *into = *from;
        return;
    }
    double a = into->n, b = from->n;
    into->avg = (float)(((double)into->avg * a + (double)from->avg * b) / (a + b));
    into->min = from->min < into->min ? from->min : into->min;
    into->max = from->max > into->max ? from->max : into->max;
    into->n = from->n > UINT32_MAX - into->n ? UINT32_MAX : into->n + from->n;
}
