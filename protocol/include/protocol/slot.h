#ifndef PROTOCOL_SLOT_H
#define PROTOCOL_SLOT_H

#include <stdint.h>

#include "protocol/crypto.h"

/*
 * The place of a device in a rollout, computed alike on both sides:
 *   v = first 8 bytes, big-endian, of SHA-256(label 00 rollout 00 device)
 * with label "muster-jitter-v1" or "muster-rank-v1".
 */
uint64_t slot_value(const struct crypto *c, const char *rollout, const char *device);
uint64_t rank_value(const struct crypto *c, const char *rollout, const char *device);

/* Seconds to wait: floor(jitter * v / 2^64), so 0 <= result < jitter (0 for jitter 0). No 128-bit
 * integer needed. */
uint32_t slot_delay(uint32_t jitter_s, uint64_t v);

/* What that leaves out, in ms: 0 to 999, 0 for jitter 0. The moment within the second, so that the
 * devices of one second do not begin all at once. */
uint32_t slot_fraction_ms(uint32_t jitter_s, uint64_t v);

#endif
