#include "app/backoff.h"

void backoff_init(struct backoff *b, uint32_t base_ms, uint32_t cap_ms)
{
    b->base_ms = base_ms;
    b->cap_ms = cap_ms;
    b->tries = 0;
}

void backoff_reset(struct backoff *b)
{
    b->tries = 0;
}

static uint32_t ceiling(const struct backoff *b)
{
    uint64_t top = b->base_ms;

    for (uint32_t i = 0; i < b->tries && top < b->cap_ms; i++)
        top *= 2;
    return top < b->cap_ms ? (uint32_t)top : b->cap_ms;
}

uint32_t backoff_next(struct backoff *b, uint32_t random)
{
    uint64_t span = (uint64_t)ceiling(b) + 1;

    if (b->tries < UINT32_MAX)
        b->tries++;
    return (uint32_t)((span * random) >> 32);
}
