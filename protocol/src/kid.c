#include "protocol/crypto.h"

#include <string.h>

#include "protocol/hex.h"

void crypto_kid(const struct crypto *c, const uint8_t pub[PROTO_P256_PUB], char out[PROTO_KID_MAX])
{
    /* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING of the point } */
    static const uint8_t prefix[26] = {
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    };
    uint8_t spki[sizeof(prefix) + PROTO_P256_PUB];
    uint8_t hash[PROTO_SHA256_LEN];

    memcpy(spki, prefix, sizeof(prefix));
    memcpy(spki + sizeof(prefix), pub, PROTO_P256_PUB);
    c->sha256(c->ctx, spki, sizeof(spki), hash);
    hex_encode(hash, (PROTO_KID_MAX - 1) / 2, out);
}
