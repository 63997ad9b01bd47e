#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "protocol/json_read.h"
#include "protocol/reading.h"

static void check_text(const char *text, size_t cap)
{
    const char *end = memchr(text, '\0', cap);

    CHECK(end);
    for (const char *p = text; p < end;) {
        size_t n = utf8_length(p, (size_t)(end - p));
        CHECK(n > 0 && (unsigned char)*p >= 0x20 && *p != 0x7f);
        p += n;
    }
}

static void check_readings(const struct readings *r)
{
    CHECK(r->count <= PROTO_READINGS);
    check_text(r->device, sizeof(r->device));
    check_text(r->location, sizeof(r->location));
    check_text(r->firmware, sizeof(r->firmware));
    if (r->has_ts)
        CHECK(isfinite(r->ts));
    for (uint32_t i = 0; i < r->count; i++) {
        CHECK(isfinite(r->item[i].value));
        check_text(r->item[i].name, sizeof(r->item[i].name));
        CHECK(strcmp(reading_canonical(r->item[i].name), r->item[i].name) == 0);
        for (uint32_t k = 0; k < i; k++)
            CHECK(strcmp(r->item[i].name, r->item[k].name) != 0);
    }
}

/* Names that need no escape, written again as a JSON object, are the same readings. */
static void check_again(const struct readings *r)
{
    char text[PROTO_READINGS_BYTES];
    struct readings again;
    size_t len = 0;

    for (uint32_t i = 0; i < r->count; i++) {
        if (strpbrk(r->item[i].name, "\"\\") || strcmp(r->item[i].name, "ts") == 0)
            return;
        int n = snprintf(text + len, sizeof(text) - len, "%s\"%s\":%.17g", i ? "," : "{",
                         r->item[i].name, r->item[i].value);
        CHECK(n > 0 && (size_t)n < sizeof(text) - len);
        len += (size_t)n;
    }
    if (r->count == 0)
        return;
    text[len++] = '}';
    CHECK(readings_decode(text, len, &again) == 0);
    CHECK(again.count == r->count);
    for (uint32_t i = 0; i < r->count; i++) {
        CHECK(strcmp(again.item[i].name, r->item[i].name) == 0);
        CHECK(fabs(again.item[i].value - r->item[i].value) <= fabs(r->item[i].value) * 1e-14);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *body = (const char *)data;
    struct readings r;
    char out[32];

    if (readings_decode(body, size, &r) == 0) {
        check_readings(&r);
        check_again(&r);
    }
    if (readings_field(body, size, "location", out, sizeof(out)) == 0)
        check_text(out, sizeof(out));
    if (readings_tag(body, size, "location", out, sizeof(out)) == 0)
        check_text(out, sizeof(out));
    return 0;
}
