#ifndef APP_BACKOFF_H
#define APP_BACKOFF_H

#include <stdint.h>

/*
 * Exponential back-off with full jitter: the n-th wait is uniform in [0, min(cap, base * 2^n)], so
 * a fleet that lost its broker together does not come back together. Pure; randomness is the
 * caller's.
 */
struct backoff {
    uint32_t base_ms, cap_ms;
    uint32_t tries; /* failures in a row */
};

void backoff_init(struct backoff *b, uint32_t base_ms, uint32_t cap_ms);
void backoff_reset(struct backoff *b);
/* Count a failure; how long to wait now. `random` is 32 uniform bits. */
uint32_t backoff_next(struct backoff *b, uint32_t random);

#endif
