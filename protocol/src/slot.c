#include "protocol/slot.h"

#include <string.h>

static size_t put(uint8_t *to, const char *text, size_t cap)
{
    size_t n = strlen(text);
    if (n > cap)
        n = cap;
    memcpy(to, text, n);
    to[n] = 0;
    return n + 1;
}

static uint64_t salted_value(const struct crypto *c, const char *label, const char *rollout,
                             const char *device)
{
    /* The label is at most 16; an id that is too long is cut, as it is no id. */
    uint8_t text[17 + PROTO_ROLLOUT_MAX + PROTO_ID_MAX];
    uint8_t hash[PROTO_SHA256_LEN];

    size_t len = put(text, label, 16);
    len += put(text + len, rollout, PROTO_ROLLOUT_MAX - 1);
    len += put(text + len, device, PROTO_ID_MAX - 1) - 1; /* no zero behind the last */
    c->sha256(c->ctx, text, len, hash);

    uint64_t v = 0;
    for (size_t i = 0; i < 8; i++)
        v = v << 8 | hash[i];
    return v;
}

uint64_t slot_value(const struct crypto *c, const char *rollout, const char *device)
{
    return salted_value(c, "muster-jitter-v1", rollout, device);
}

uint64_t rank_value(const struct crypto *c, const char *rollout, const char *device)
{
    return salted_value(c, "muster-rank-v1", rollout, device);
}

/* jitter * v / 2^32 in two halves; neither product nor their sum passes 64 bits. */
static uint64_t scaled(uint32_t jitter_s, uint64_t v)
{
    uint64_t high = jitter_s * (v >> 32);
    uint64_t low = jitter_s * (v & 0xffffffffu);

    return high + (low >> 32);
}

uint32_t slot_delay(uint32_t jitter_s, uint64_t v)
{
    return (uint32_t)(scaled(jitter_s, v) >> 32);
}

uint32_t slot_fraction_ms(uint32_t jitter_s, uint64_t v)
{
    return (uint32_t)((scaled(jitter_s, v) & 0xffffffffu) * 1000 >> 32);
}
