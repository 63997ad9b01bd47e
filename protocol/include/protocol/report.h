#ifndef PROTOCOL_REPORT_H
#define PROTOCOL_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/ota_state.h"
#include "protocol/reason.h"

/* devices/<id>/ota/report */
struct ota_report {
    enum ota_report_state state;
    enum reason reason;
    uint32_t attempt;
    uint32_t got, size; /* bytes */
    uint32_t n;         /* rises with every report, over reboots */
    uint64_t slot;      /* Unix s at which the device starts its download; 0 when not known yet */
    uint64_t ts;        /* Unix s; 0 when the device has no trusted time */
    char rollout[PROTO_ROLLOUT_MAX];
    char from[PROTO_VERSION_MAX], to[PROTO_VERSION_MAX];
    char boot[PROTO_BOOT_MAX];
    char image[PROTO_SHA256_HEX]; /* running image */
    char detail[PROTO_DETAIL_MAX];
};

int ota_report_encode(const struct ota_report *report, char *out,
                      size_t cap); /* no heap; length, or -1 */
/* 0, or -1 when it is not a report (needs state; unknown fields ignored; unknown reason words
 * become INTERNAL). No heap. */
int ota_report_decode(const char *json, size_t len, struct ota_report *out);

#endif
