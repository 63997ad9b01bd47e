#ifndef PROTOCOL_KEYSET_H
#define PROTOCOL_KEYSET_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/jws.h"
#include "protocol/limits.h"
#include "protocol/reason.h"

/*
 * Which keys a fleet trusts for what: the payload of a keyset (JWS JSON, general serialization,
 * signed by a threshold of root keys): the structure, its decoding, the check of one keyset against
 * itself, and of one against the one before it.
 */
struct keyset {
    char fleet[PROTO_FLEET_MAX];
    uint32_t version;
    uint32_t root_threshold;
    uint32_t seq_floor;
    struct keyring keys; /* roles and revocations filled in */
};

#define KEYSET_SIGNATURES 8

/*
 * What reading a signed keyset needs beside the text. A device gives it from memory that is free at
 * the moment, to the functions whose names end in _in; the others have it on their stack (3.4 KB).
 */
#define KEYSET_PAYLOAD_BYTES (PROTO_KEYSET_BYTES / 4 * 3)
union keyset_work {
    struct {
        uint8_t payload[KEYSET_PAYLOAD_BYTES];
        struct keyset keyset;
    } inside;
    uint8_t joined[PROTO_KEYSET_BYTES + 1];
};

/* The payload alone. REASON_BAD_KEYSET. No heap. */
enum reason keyset_decode(const char *json, size_t len, struct keyset *out);
int keyset_encode(const struct keyset *keyset, char *out, size_t cap);

/*
 * A whole signed keyset: checks that at least `root_threshold` different root keys *of `by`* signed
 * it (pass the keyset itself to trust a first one that came by another way, such as the factory).
 * BAD_KEYSET, BAD_SIGNATURE. No heap.
 */
enum reason keyset_open(const char *json, size_t len, struct keyset *out);
enum reason keyset_verify(const char *json, size_t len, const struct crypto *c,
                          const struct keyset *by);

/*
 * Is this signed keyset the next one after `now`? It must be of the same fleet, have version
 * now + 1, not lower seq_floor, and be signed by a threshold of the root keys of `now` *and* of its
 * own. So a device that is behind is walked up one version at a time, and whoever holds only new
 * root keys, or only old ones, moves nothing.
 * *next is what the text says; trust it with REASON_NONE only. BAD_KEYSET (malformed, or not the
 * next one), WRONG_FLEET, BAD_SIGNATURE. No heap.
 */
enum reason keyset_follows(const char *json, size_t len, const struct crypto *c,
                           const struct keyset *now, struct keyset *next);

/* The three above, in the caller's memory: no frame is larger than 512 bytes. */
enum reason keyset_open_in(union keyset_work *work, const char *json, size_t len,
                           struct keyset *out);
enum reason keyset_verify_in(union keyset_work *work, const char *json, size_t len,
                             const struct crypto *c, const struct keyset *by);
enum reason keyset_follows_in(union keyset_work *work, const char *json, size_t len,
                              const struct crypto *c, const struct keyset *now,
                              struct keyset *next);

/* {"payload":"…","signatures":[{"protected":"…","signature":"…"}]}; length, or -1. */
int keyset_sign(const struct keyset *keyset, const struct crypto *c,
                const struct crypto_signer *const *signers, size_t count, char *out, size_t cap);

#endif
