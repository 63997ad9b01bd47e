#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "protocol/hex.h"
#include "protocol/jws.h"

/* What opens can be put together again from its parts, to the byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    uint8_t payload[PROTO_RELEASE_BYTES];
    char again[PROTO_RELEASE_BYTES + 1];
    struct jws jws;

    enum reason reason = jws_open(text, size, JWS_RELEASE, REASON_BAD_RELEASE, &jws);
    CHECK(reason == REASON_NONE || reason == REASON_BAD_RELEASE || reason == REASON_BAD_SIGNATURE);
    if (reason != REASON_NONE)
        return 0;
    CHECK(jws.signed_text == text && jws.signed_len < size && strlen(jws.kid) == 16);
    int n = jws_payload(&jws, payload, sizeof(payload));
    if (n >= 0) {
        CHECK(b64url_encode(payload, (size_t)n, again, sizeof(again)) == (int)jws.payload_len);
        CHECK(memcmp(again, jws.payload, jws.payload_len) == 0);
    }
    CHECK(b64url_encode(jws.sig, sizeof(jws.sig), again, sizeof(again)) == 86);
    CHECK(size == jws.signed_len + 1 + 86 && memcmp(text + jws.signed_len + 1, again, 86) == 0);
    return 0;
}
