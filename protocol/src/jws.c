#include "protocol/jws.h"

#include <string.h>

#include "protocol/hex.h"
#include "protocol/json_read.h"
#include "protocol/json_write.h"

#include "jws_internal.h"

/* Our own header has three short fields; room for a few that others may add. */
enum { HEADER_BYTES = 192, HEADER_TOKENS = 24, HEADER_DEPTH = 3, SIG_TEXT = 86 };

const char *jws_type_word(enum jws_type type)
{
    switch (type) {
    case JWS_RELEASE:
        return "muster-release";
    case JWS_ORDER:
        return "muster-order";
    case JWS_KEYSET:
        return "muster-keyset";
    }
    return "unknown";
}

static size_t size_limit(enum jws_type type)
{
    switch (type) {
    case JWS_RELEASE:
        return PROTO_RELEASE_BYTES;
    case JWS_ORDER:
        return PROTO_ORDER_BYTES;
    case JWS_KEYSET:
        return PROTO_KEYSET_BYTES;
    }
    return 0;
}

static bool is_kid(const char *text)
{
    for (size_t i = 0; i < PROTO_KID_MAX - 1; i++)
        if (hex_digit(text[i]) < 0 || (text[i] >= 'A' && text[i] <= 'F'))
            return false;
    return text[PROTO_KID_MAX - 1] == '\0';
}

enum reason jws_header(const char *text, size_t len, enum jws_type type, enum reason malformed,
                       char kid[PROTO_KID_MAX])
{
    uint8_t header[HEADER_BYTES];
    struct json j;
    int n = b64url_decode(text, len, header, sizeof(header));

    kid[0] = '\0';
    if (n < 0 || json_parse(&j, (const char *)header, (size_t)n, HEADER_TOKENS, HEADER_DEPTH) != 0)
        return malformed;

    int alg = json_member(&j, JSON_ROOT, "alg");
    if (!json_is_string(&j, alg))
        return malformed;
    if (!json_equals(&j, alg, "ES256"))
        return REASON_BAD_SIGNATURE;
    /* "crit" names what must be understood, and here that is nothing. */
    if (json_member(&j, JSON_ROOT, "crit") != JSON_NONE)
        return malformed;
    if (!json_equals(&j, json_member(&j, JSON_ROOT, "typ"), jws_type_word(type)))
        return malformed;
    if (json_get_text(&j, JSON_ROOT, "kid", JSON_MUST, kid, PROTO_KID_MAX) != 0 || !is_kid(kid))
        return malformed;
    return REASON_NONE;
}

enum reason jws_open(const char *text, size_t len, enum jws_type type, enum reason malformed,
                     struct jws *out)
{
    memset(out, 0, sizeof(*out));
    if (len == 0 || len > size_limit(type))
        return malformed;

    const char *end = text + len;
    const char *dot1 = memchr(text, '.', len);
    const char *dot2 = dot1 ? memchr(dot1 + 1, '.', (size_t)(end - dot1 - 1)) : NULL;
    if (!dot2 || memchr(dot2 + 1, '.', (size_t)(end - dot2 - 1)))
        return malformed;

    /* The algorithm first: "none" has no signature, and that is its own answer. */
    enum reason reason = jws_header(text, (size_t)(dot1 - text), type, malformed, out->kid);
    if (reason != REASON_NONE)
        return reason;
    out->signed_text = text;
    out->signed_len = (size_t)(dot2 - text);
    out->payload = dot1 + 1;
    out->payload_len = (size_t)(dot2 - dot1 - 1);
    if (out->payload_len == 0)
        return malformed;
    if (b64url_decode(dot2 + 1, (size_t)(end - dot2 - 1), out->sig, sizeof(out->sig)) !=
        (int)sizeof(out->sig))
        return REASON_BAD_SIGNATURE;
    return REASON_NONE;
}

enum reason keyring_find(const struct keyring *keys, const char *kid, enum key_role role,
                         const struct trusted_key **out)
{
    const struct trusted_key *found = NULL;

    for (uint32_t i = 0; i < keys->count && i < KEYRING_MAX; i++) {
        const struct trusted_key *k = &keys->key[i];
        if (strcmp(k->kid, kid) != 0)
            continue;
        if (k->revoked)
            return REASON_REVOKED_KEY;
        if (k->roles & role)
            found = k;
    }
    *out = found;
    return found ? REASON_NONE : REASON_UNKNOWN_KEY;
}

enum reason jws_verify(const struct jws *jws, const struct crypto *c, const struct keyring *keys,
                       enum key_role role)
{
    const struct trusted_key *key = NULL;
    uint8_t hash[PROTO_SHA256_LEN];
    enum reason reason = keyring_find(keys, jws->kid, role, &key);

    if (reason != REASON_NONE)
        return reason;
    c->sha256(c->ctx, jws->signed_text, jws->signed_len, hash);
    return c->p256_verify(c->ctx, key->pub, hash, jws->sig) ? REASON_NONE : REASON_BAD_SIGNATURE;
}

int jws_payload(const struct jws *jws, uint8_t *out, size_t cap)
{
    return b64url_decode(jws->payload, jws->payload_len, out, cap);
}

int jws_header_encode(enum jws_type type, const char *kid, char *out, size_t cap)
{
    char header[HEADER_BYTES];
    struct json_writer w;

    json_begin(&w, header, sizeof(header));
    json_put_text(&w, "alg", "ES256");
    json_put_text(&w, "typ", jws_type_word(type));
    json_put_text(&w, "kid", kid);
    int n = json_end(&w);
    return n < 0 ? -1 : b64url_encode((const uint8_t *)header, (size_t)n, out, cap);
}

int jws_sign(enum jws_type type, const void *payload, size_t len, const struct crypto *c,
             const struct crypto_signer *signer, char *out, size_t cap)
{
    uint8_t hash[PROTO_SHA256_LEN], sig[PROTO_P256_SIG];
    int head = jws_header_encode(type, signer->kid, out, cap);

    if (head < 0 || (size_t)head + 1 >= cap)
        return -1;
    size_t n = (size_t)head;
    out[n++] = '.';
    int body = b64url_encode(payload, len, out + n, cap - n);
    if (body <= 0)
        return -1;
    n += (size_t)body;

    c->sha256(c->ctx, out, n, hash);
    if (n + 1 + SIG_TEXT + 1 > cap || n + 1 + SIG_TEXT > size_limit(type) ||
        !signer->sign(signer->ctx, hash, sig))
        return -1;
    out[n++] = '.';
    return (int)n + b64url_encode(sig, sizeof(sig), out + n, cap - n);
}
