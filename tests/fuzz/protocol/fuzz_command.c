#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "protocol/order.h"

static void check_span(const uint8_t *data, size_t size, const char *span, size_t len)
{
    const uint8_t *s = (const uint8_t *)span;

    CHECK(!span || (s >= data && s + len <= data + size && len > 0));
}

/* The spans lie within the body, and order and release written again split into the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char order[PROTO_ORDER_BYTES + 1], release[PROTO_RELEASE_BYTES + 1];
    char text[PROTO_UPDATE_BYTES + 1];
    struct command_body b, again;

    if (command_body_split((const char *)data, size, &b) != REASON_NONE)
        return 0;
    check_span(data, size, b.order, b.order_len);
    check_span(data, size, b.release, b.release_len);
    check_span(data, size, b.keyset, b.keyset_len);
    memcpy(order, b.order, b.order_len);
    order[b.order_len] = '\0';
    if (b.release)
        memcpy(release, b.release, b.release_len);
    release[b.release_len] = '\0';
    int n = command_body_encode(order, b.release ? release : NULL, text, sizeof(text));
    CHECK(n > 0);
    CHECK(command_body_split(text, (size_t)n, &again) == REASON_NONE);
    CHECK(again.order_len == b.order_len && memcmp(again.order, b.order, b.order_len) == 0);
    CHECK(again.release_len == b.release_len);
    return 0;
}
