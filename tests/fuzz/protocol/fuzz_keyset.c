#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "protocol/keyset.h"

/* Not for security: any hash does to reach the code behind it. */
static void weak_hash(void *ctx, const void *data, size_t len, uint8_t out[PROTO_SHA256_LEN])
{
    const uint8_t *s = data;
    uint32_t h = 2166136261u;

    (void)ctx;
    for (size_t i = 0; i < len; i++)
        h = (h ^ s[i]) * 16777619u;
    memset(out, 0, PROTO_SHA256_LEN);
    memcpy(out, &h, sizeof(h));
}

static bool accept(void *ctx, const uint8_t pub[PROTO_P256_PUB],
                   const uint8_t hash[PROTO_SHA256_LEN], const uint8_t sig[PROTO_P256_SIG])
{
    (void)ctx;
    (void)pub;
    (void)hash;
    return sig[0] & 1;
}

static const struct crypto crypto = { NULL, weak_hash, accept };

static void check_payload(const char *json, size_t size)
{
    struct keyset first, second;
    char text[PROTO_KEYSET_BYTES + 1];

    if (keyset_decode(json, size, &first) != REASON_NONE)
        return;
    CHECK(first.keys.count >= 1 && first.keys.count <= KEYRING_MAX && first.root_threshold >= 1);
    int n = keyset_encode(&first, text, sizeof(text));
    CHECK(n > 0);
    CHECK(keyset_decode(text, (size_t)n, &second) == REASON_NONE);
    CHECK(second.version == first.version && second.keys.count == first.keys.count);
    CHECK(second.root_threshold == first.root_threshold && second.seq_floor == first.seq_floor);
}

/* As an envelope and as the payload within. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *json = (const char *)data;
    struct keyset keyset;

    check_payload(json, size);
    if (keyset_open(json, size, &keyset) == REASON_NONE)
        (void)keyset_verify(json, size, &crypto, &keyset);
    return 0;
}
