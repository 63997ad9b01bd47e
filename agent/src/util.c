#include "internal.h"

#include <string.h>

/* The small things that every part uses. */

const char *ota_state_word(enum ota_state state)
{
    switch (state) {
#define X(name, report)                                                                            \
    case OTA_##name:                                                                               \
        return #name;
        OTA_STATE_MAP(X)
#undef X
    case OTA_STATE_COUNT:
        break;
    }
    return "?";
}

bool runs(const struct ota_agent *a, const uint8_t digest[PROTO_SHA256_LEN])
{
    return memcmp(digest, a->image, PROTO_SHA256_LEN) == 0;
}

void copy_digest(uint8_t to[PROTO_SHA256_LEN], const uint8_t from[PROTO_SHA256_LEN])
{
    memcpy(to, from, PROTO_SHA256_LEN);
}

bool is_zero_digest(const uint8_t digest[PROTO_SHA256_LEN])
{
    uint8_t any = 0;
    for (size_t i = 0; i < PROTO_SHA256_LEN; i++)
        any |= digest[i];
    return any == 0;
}

uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value != 0 ? value : fallback;
}

void copy_text(char *out, size_t cap, const char *text)
{
    size_t len = 0;
    while (text && text[len] && len + 1 < cap) {
        out[len] = text[len];
        len++;
    }
    out[len] = '\0';
}

void set_detail(struct ota_agent *a, const char *text)
{
    copy_text(a->job.detail, sizeof(a->job.detail), text);
}

void wake_in(struct ota_agent *a, uint32_t ms)
{
    a->wake_ms = a->now.mono_ms + ms;
}

uint64_t later(uint64_t mono_ms, uint32_t s)
{
    return mono_ms + (uint64_t)s * MS;
}

bool is_past(const struct ota_agent *a, uint64_t mono_ms)
{
    return a->now.mono_ms >= mono_ms;
}
