#include <string.h>

#include "jws_internal.h"
#include "protocol/hex.h"
#include "protocol/json_write.h"
#include "protocol/keyset.h"

/* What only an operator's program does with a keyset. */
enum { PAYLOAD_BYTES = PROTO_KEYSET_BYTES / 4 * 3 };

/* header.payload in `joined`, signed. */
static bool sign_one(char *joined, size_t len, const struct crypto *c,
                     const struct crypto_signer *signer, uint8_t sig[PROTO_P256_SIG])
{
    uint8_t hash[PROTO_SHA256_LEN];

    c->sha256(c->ctx, joined, len, hash);
    return signer->sign(signer->ctx, hash, sig);
}

/* Put {"protected","signature"} of one signer; `payload` is base64url. */
static bool put_signature(struct json_writer *w, const char *payload, size_t payload_len,
                          const struct crypto *c, const struct crypto_signer *signer)
{
    char joined[2 * PROTO_KEYSET_BYTES];
    uint8_t sig[PROTO_P256_SIG];
    int n = jws_header_encode(JWS_KEYSET, signer->kid, joined, sizeof(joined));

    if (n < 0 || (size_t)n + 1 + payload_len > sizeof(joined))
        return false;
    joined[n] = '.';
    memcpy(joined + n + 1, payload, payload_len);
    if (!sign_one(joined, (size_t)n + 1 + payload_len, c, signer, sig))
        return false;

    json_open_object(w, NULL);
    json_put_span(w, "protected", joined, (size_t)n);
    json_put_b64url(w, "signature", sig, sizeof(sig));
    json_close_object(w);
    return true;
}

int keyset_sign(const struct keyset *keyset, const struct crypto *c,
                const struct crypto_signer *const *signers, size_t count, char *out, size_t cap)
{
    char json[PAYLOAD_BYTES + 1], payload[PROTO_KEYSET_BYTES + 1];
    int n = keyset_encode(keyset, json, sizeof(json));
    int len =
        n < 0 ? -1 : b64url_encode((const uint8_t *)json, (size_t)n, payload, sizeof(payload));
    struct json_writer w;

    if (len < 0 || count < 1 || count > KEYSET_SIGNATURES)
        return -1;
    json_begin(&w, out, cap);
    json_put_span(&w, "payload", payload, (size_t)len);
    json_open_array(&w, "signatures");
    for (size_t i = 0; i < count; i++)
        if (!put_signature(&w, payload, (size_t)len, c, signers[i]))
            return -1;
    json_close_array(&w);
    int total = json_end(&w);
    return total > PROTO_KEYSET_BYTES ? -1 : total;
}
