#ifndef PROTOCOL_STATUS_H
#define PROTOCOL_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"

enum reset_reason {
    RESET_UNKNOWN,
    RESET_POWERON,
    RESET_SOFTWARE,
    RESET_PANIC,
    RESET_WATCHDOG,
    RESET_BROWNOUT,
    RESET_DEEPSLEEP,
    RESET_COUNT
};
const char *reset_word(enum reset_reason reset);
int reset_from_word(const char *word, size_t len, enum reset_reason *out);

/* devices/<id>/status. Only `online` is always there; the rest is empty or 0 when the device did
 * not say it. */
struct device_status {
    bool online;
    char product[PROTO_PRODUCT_MAX], hw[PROTO_HW_MAX], fw[PROTO_VERSION_MAX];
    char slot[PROTO_SLOT_MAX], image[PROTO_SHA256_HEX], boot[PROTO_BOOT_MAX];
    uint32_t boots;
    enum reset_reason reset;
    uint32_t release_seq, security, keyset, agent;
    uint64_t cert_not_after; /* Unix s */
    char groups[PROTO_GROUP_COUNT][PROTO_GROUP_MAX];
    uint32_t group_count;
    uint32_t interval; /* s */
};

int device_status_encode(const struct device_status *status, char *out,
                         size_t cap); /* no heap; length, or -1 */
/* JSON, or the bare words `online` and `offline`. 0, or -1 when it is neither. No heap. */
int device_status_decode(const char *body, size_t len, struct device_status *out);

#endif
