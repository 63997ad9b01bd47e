#ifndef PROTOCOL_RELEASE_H
#define PROTOCOL_RELEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/reason.h"

struct release_delta {
    uint8_t from[PROTO_SHA256_LEN];
    uint32_t size;
    uint8_t sha256[PROTO_SHA256_LEN];
    char format[PROTO_FORMAT_MAX];
};

/* What a release key signs: which image, for whom, and what it may replace. */
struct release {
    uint32_t seq;
    uint32_t security;
    uint32_t size;      /* bytes */
    uint32_t min_agent; /* 0: any */
    uint64_t created;   /* Unix seconds; 0: not said */
    uint32_t hw_count;  /* at least 1 */
    uint32_t delta_count;
    char product[PROTO_PRODUCT_MAX];
    char version[PROTO_VERSION_MAX];
    char min_from[PROTO_VERSION_MAX]; /* empty: any */
    uint8_t sha256[PROTO_SHA256_LEN];
    char hw[PROTO_HW_COUNT][PROTO_HW_MAX];
    struct release_delta delta[PROTO_DELTA_COUNT];
};

/* Strict as order_decode(); REASON_BAD_RELEASE. No heap. */
enum reason release_decode(const char *json, size_t len, struct release *out);
int release_encode(const struct release *release, char *out, size_t cap); /* length, or -1 */
bool release_fits_hw(const struct release *release, const char *hw);

#endif
