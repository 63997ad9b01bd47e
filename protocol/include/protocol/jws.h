#ifndef PROTOCOL_JWS_H
#define PROTOCOL_JWS_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/crypto.h"
#include "protocol/reason.h"

/*
 * Compact JWS (RFC 7515), ES256 and nothing else. The signed bytes are the transported bytes;
 * nothing is re-encoded. No heap.
 */
enum jws_type { JWS_RELEASE, JWS_ORDER, JWS_KEYSET };

const char *jws_type_word(enum jws_type type); /* "muster-release" … as in `typ` */

/* A compact JWS taken apart. Pointers go into the caller's text, which must outlive it. */
struct jws {
    const char *signed_text; /* header.payload */
    size_t signed_len;
    const char *payload; /* still base64url */
    size_t payload_len;
    char kid[PROTO_KID_MAX];
    uint8_t sig[PROTO_P256_SIG];
};

/* What a key may sign. */
enum key_role { KEY_ROOT = 1, KEY_RELEASE = 2, KEY_ROLLOUT = 4 };

/* Keys a verifier trusts. A revoked key stays listed, so that the reason can be told. */
#define KEYRING_MAX 12
struct trusted_key {
    char kid[PROTO_KID_MAX];
    uint8_t pub[PROTO_P256_PUB];
    uint8_t roles; /* enum key_role, or-ed */
    bool revoked;
};
struct keyring {
    uint32_t count;
    struct trusted_key key[KEYRING_MAX];
};

/* The key that may sign for `role`. UNKNOWN_KEY, or REVOKED_KEY whatever its role was. */
enum reason keyring_find(const struct keyring *keys, const char *kid, enum key_role role,
                         const struct trusted_key **out);

/*
 * Split and check the envelope: three parts, header strict JSON with exactly alg ES256, typ as
 * asked, a kid of 16 lower-case hex and nothing else that would have to be understood ("crit").
 * `malformed` is what to answer for a broken envelope (REASON_BAD_ORDER or REASON_BAD_RELEASE); an
 * alg other than ES256 is REASON_BAD_SIGNATURE.
 */
enum reason jws_open(const char *text, size_t len, enum jws_type type, enum reason malformed,
                     struct jws *out);

/* Find the kid with the role asked (UNKNOWN_KEY, REVOKED_KEY), check the signature (BAD_SIGNATURE).
 */
enum reason jws_verify(const struct jws *jws, const struct crypto *c, const struct keyring *keys,
                       enum key_role role);

/* The payload's bytes. Returns their length, or -1 when malformed or longer than `cap`. Verify
 * first. */
int jws_payload(const struct jws *jws, uint8_t *out, size_t cap);

/* Sign `payload`. Returns the length of the text in `out` (terminated), or -1: `cap` too small or
 * the signer refused. */
int jws_sign(enum jws_type type, const void *payload, size_t len, const struct crypto *c,
             const struct crypto_signer *signer, char *out, size_t cap);

#endif
