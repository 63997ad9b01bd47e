#include "protocol/keyset.h"

#include <string.h>

#include "crit.h"
#include "jws_internal.h"
#include "protocol/hex.h"
#include "protocol/id.h"
#include "protocol/json_read.h"
#include "protocol/json_write.h"

/*
 * The payload has at most 2,304 bytes (3,072 of base64url), so twelve keys of eleven tokens and
 * what is around them; the envelope has five tokens for each signature.
 */
enum {
    PAYLOAD_BYTES = KEYSET_PAYLOAD_BYTES,
    PAYLOAD_TOKENS = 168,
    PAYLOAD_DEPTH = 4,
    ENVELOPE_TOKENS = 64,
    ENVELOPE_DEPTH = 4,
    COORDINATE = 32
};

/* clang-format off */
static const struct field fields[] = {
    FIELD(FIELD_TEXT, keyset, fleet, "fleet"),
    FIELD(FIELD_U32, keyset, version, "version"),
    FIELD_NAME("root"),
    FIELD_NAME("release"),
    FIELD_NAME("rollout"),
    FIELD_NAME("revoked"),
    FIELD(FIELD_U32 | FIELD_MAY, keyset, seq_floor, "seq_floor"),
};
static const struct field root_fields[] = { FIELD(FIELD_U32, keyset, root_threshold, "threshold") };
/* clang-format on */
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

static uint32_t count_roles(const struct keyring *keys, enum key_role role)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < keys->count; i++)
        if ((keys->key[i].roles & role) && !keys->key[i].revoked)
            n++;
    return n;
}

static bool is_sound(const struct keyset *k)
{
    if (!name_is_valid(k->fleet, strlen(k->fleet)) || k->version < 1)
        return false;
    if (k->keys.count > KEYRING_MAX || k->root_threshold < 1)
        return false;
    return k->root_threshold <= count_roles(&k->keys, KEY_ROOT);
}

static struct trusted_key *entry(struct keyring *keys, const char *kid)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if (strcmp(keys->key[i].kid, kid) == 0)
            return &keys->key[i];
    if (keys->count == KEYRING_MAX)
        return NULL;
    struct trusted_key *k = &keys->key[keys->count++];
    memcpy(k->kid, kid, PROTO_KID_MAX);
    return k;
}

static int read_kid(struct json *j, int value, char kid[PROTO_KID_MAX])
{
    uint8_t digits[(PROTO_KID_MAX - 1) / 2];

    if (json_text(j, value, kid, PROTO_KID_MAX) != 0 || json_hex(j, value, digits, sizeof(digits)))
        return -1;
    hex_encode(digits, sizeof(digits), kid); /* one spelling, to be compared as text */
    return 0;
}

static int read_coordinate(struct json *j, int jwk, const char *name, uint8_t out[COORDINATE])
{
    int value = json_member(j, jwk, name);
    const char *text;
    size_t len;

    if (!json_string_span(j, value, &text, &len))
        return -1;
    return b64url_decode(text, len, out, COORDINATE) == COORDINATE ? 0 : -1;
}

/* A JWK (RFC 7517): {"kty":"EC","crv":"P-256","kid","x","y"}. */
static int read_key(struct json *j, int jwk, enum key_role role, struct keyring *keys)
{
    uint8_t pub[PROTO_P256_PUB] = { 4 };
    char kid[PROTO_KID_MAX];

    if (!json_equals(j, json_member(j, jwk, "kty"), "EC") ||
        !json_equals(j, json_member(j, jwk, "crv"), "P-256") ||
        read_kid(j, json_member(j, jwk, "kid"), kid) != 0 ||
        read_coordinate(j, jwk, "x", pub + 1) != 0 ||
        read_coordinate(j, jwk, "y", pub + 1 + COORDINATE) != 0)
        return -1;

    struct trusted_key *k = entry(keys, kid);
    if (!k || (k->roles != 0 && memcmp(k->pub, pub, sizeof(pub)) != 0) || (k->roles & role))
        return -1;
    memcpy(k->pub, pub, sizeof(pub));
    k->roles = (uint8_t)(k->roles | role);
    return 0;
}

static int read_keys(struct json *j, int object, const char *name, enum key_role role,
                     struct keyring *keys)
{
    int list = json_member(j, object, name);

    if (!json_is_array(j, list))
        return -1;
    for (int i = json_first(j, list); i != JSON_NONE; i = json_next(j, i))
        if (read_key(j, i, role, keys) != 0)
            return -1;
    return 0;
}

/* A revoked key stays in the list, or is put there, so that the reason can be told. */
static int read_revoked(struct json *j, struct keyring *keys)
{
    int list = json_member(j, JSON_ROOT, "revoked");

    if (list == JSON_NONE)
        return 0;
    if (!json_is_array(j, list))
        return -1;
    for (int i = json_first(j, list); i != JSON_NONE; i = json_next(j, i)) {
        char kid[PROTO_KID_MAX];
        if (read_kid(j, i, kid) != 0)
            return -1;
        struct trusted_key *k = entry(keys, kid);
        if (!k || k->revoked)
            return -1;
        k->revoked = true;
    }
    return 0;
}

enum reason keyset_decode(const char *json, size_t len, struct keyset *out)
{
    struct json j;
    int bad = 0;

    memset(out, 0, sizeof(*out));
    if (len > PAYLOAD_BYTES || json_parse(&j, json, len, PAYLOAD_TOKENS, PAYLOAD_DEPTH) != 0 ||
        !crit_is_understood(&j, fields, FIELDS))
        return REASON_BAD_KEYSET;

    bad |= fields_read(&j, JSON_ROOT, fields, FIELDS, out);
    int root = json_member(&j, JSON_ROOT, "root");
    bad |= fields_read(&j, root, root_fields, 1, out);
    bad |= read_keys(&j, root, "keys", KEY_ROOT, &out->keys);
    bad |= read_keys(&j, JSON_ROOT, "release", KEY_RELEASE, &out->keys);
    bad |= read_keys(&j, JSON_ROOT, "rollout", KEY_ROLLOUT, &out->keys);
    bad |= read_revoked(&j, &out->keys);
    return bad || !is_sound(out) ? REASON_BAD_KEYSET : REASON_NONE;
}

static void put_keys(struct json_writer *w, const char *name, const struct keyring *keys,
                     enum key_role role)
{
    json_open_array(w, name);
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct trusted_key *k = &keys->key[i];
        if (!(k->roles & role))
            continue;
        json_open_object(w, NULL);
        json_put_text(w, "kty", "EC");
        json_put_text(w, "crv", "P-256");
        json_put_text(w, "kid", k->kid);
        json_put_b64url(w, "x", k->pub + 1, COORDINATE);
        json_put_b64url(w, "y", k->pub + 1 + COORDINATE, COORDINATE);
        json_close_object(w);
    }
    json_close_array(w);
}

static void put_revoked(struct json_writer *w, const struct keyring *keys)
{
    json_open_array(w, "revoked");
    for (uint32_t i = 0; i < keys->count; i++)
        if (keys->key[i].revoked)
            json_put_text(w, NULL, keys->key[i].kid);
    json_close_array(w);
}

int keyset_encode(const struct keyset *keyset, char *out, size_t cap)
{
    struct json_writer w;

    if (!is_sound(keyset))
        return -1;
    json_begin(&w, out, cap);
    json_put_text(&w, "fleet", keyset->fleet);
    json_put_u64(&w, "version", keyset->version);
    json_open_object(&w, "root");
    put_keys(&w, "keys", &keyset->keys, KEY_ROOT);
    json_put_u64(&w, "threshold", keyset->root_threshold);
    json_close_object(&w);
    put_keys(&w, "release", &keyset->keys, KEY_RELEASE);
    put_keys(&w, "rollout", &keyset->keys, KEY_ROLLOUT);
    put_revoked(&w, &keyset->keys);
    json_put_u64(&w, "seq_floor", keyset->seq_floor);
    return json_end(&w);
}

/* The envelope, taken apart; pointers go into the text. */
struct envelope {
    const char *payload;
    size_t payload_len;
    uint32_t count;
    struct {
        const char *header, *sig; /* base64url */
        size_t header_len, sig_len;
    } signature[KEYSET_SIGNATURES];
};

static bool member_text(struct json *j, int object, const char *key, const char **text, size_t *len)
{
    int v = json_member(j, object, key);
    return json_string_span(j, v, text, len);
}

static int decode_signature(const struct envelope *e, uint32_t i, uint8_t sig[PROTO_P256_SIG])
{
    int n = b64url_decode(e->signature[i].sig, e->signature[i].sig_len, sig, PROTO_P256_SIG);
    return n == PROTO_P256_SIG ? 0 : -1;
}

static int read_signature(struct json *j, int item, struct envelope *e)
{
    uint8_t sig[PROTO_P256_SIG];
    uint32_t i = e->count;

    if (i == KEYSET_SIGNATURES ||
        !member_text(j, item, "protected", &e->signature[i].header, &e->signature[i].header_len) ||
        !member_text(j, item, "signature", &e->signature[i].sig, &e->signature[i].sig_len))
        return -1;
    e->count++;
    return decode_signature(e, i, sig);
}

static int read_signatures(struct json *j, struct envelope *e)
{
    int list = json_member(j, JSON_ROOT, "signatures");

    for (int i = json_first(j, list); i != JSON_NONE; i = json_next(j, i))
        if (read_signature(j, i, e) != 0)
            return -1;
    return json_is_array(j, list) && e->count > 0 ? 0 : -1;
}

static enum reason open_envelope(const char *json, size_t len, struct envelope *e)
{
    struct json j;

    memset(e, 0, sizeof(*e));
    if (len > PROTO_KEYSET_BYTES ||
        json_parse(&j, json, len, ENVELOPE_TOKENS, ENVELOPE_DEPTH) != 0 ||
        !member_text(&j, JSON_ROOT, "payload", &e->payload, &e->payload_len) ||
        read_signatures(&j, e) != 0)
        return REASON_BAD_KEYSET;
    return REASON_NONE;
}

static enum reason decode_payload(const struct envelope *e, uint8_t payload[PAYLOAD_BYTES],
                                  struct keyset *out)
{
    int n = b64url_decode(e->payload, e->payload_len, payload, PAYLOAD_BYTES);

    if (n < 0) {
        memset(out, 0, sizeof(*out));
        return REASON_BAD_KEYSET;
    }
    return keyset_decode((const char *)payload, (size_t)n, out);
}

enum reason keyset_open_in(union keyset_work *work, const char *json, size_t len,
                           struct keyset *out)
{
    struct envelope e;
    enum reason reason = open_envelope(json, len, &e);

    if (reason != REASON_NONE) {
        memset(out, 0, sizeof(*out));
        return reason;
    }
    return decode_payload(&e, work->inside.payload, out);
}

/* Each key's kid must be that of its point: it is what orders and releases are matched by. */
static bool kids_are_true(const struct crypto *c, const struct keyring *keys)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        char kid[PROTO_KID_MAX];
        if (keys->key[i].roles == 0)
            continue; /* only known as revoked */
        crypto_kid(c, keys->key[i].pub, kid);
        if (strcmp(kid, keys->key[i].kid) != 0)
            return false;
    }
    return true;
}

/* The bytes of header.payload, hashed. They are not adjacent in the JSON, so they are joined; both
 * come out of one text of that length. */
static void signed_hash(const struct envelope *e, uint32_t i, const struct crypto *c,
                        uint8_t joined[PROTO_KEYSET_BYTES + 1], uint8_t hash[PROTO_SHA256_LEN])
{
    size_t n = e->signature[i].header_len;

    memcpy(joined, e->signature[i].header, n);
    joined[n++] = '.';
    memcpy(joined + n, e->payload, e->payload_len);
    c->sha256(c->ctx, joined, n + e->payload_len, hash);
}

static bool signature_holds(union keyset_work *work, const struct envelope *e, uint32_t i,
                            const struct crypto *c, const struct keyring *by,
                            const struct trusted_key **signer)
{
    uint8_t hash[PROTO_SHA256_LEN], sig[PROTO_P256_SIG];
    char kid[PROTO_KID_MAX];

    if (jws_header(e->signature[i].header, e->signature[i].header_len, JWS_KEYSET,
                   REASON_BAD_KEYSET, kid) != REASON_NONE ||
        keyring_find(by, kid, KEY_ROOT, signer) != REASON_NONE || decode_signature(e, i, sig) != 0)
        return false; /* other people's signatures do no harm, they only don't count */
    signed_hash(e, i, c, work->joined, hash);
    return c->p256_verify(c->ctx, (*signer)->pub, hash, sig);
}

static bool payload_is_true(union keyset_work *work, const struct envelope *e,
                            const struct crypto *c)
{
    return decode_payload(e, work->inside.payload, &work->inside.keyset) == REASON_NONE &&
           kids_are_true(c, &work->inside.keyset.keys);
}

enum reason keyset_verify_in(union keyset_work *work, const char *json, size_t len,
                             const struct crypto *c, const struct keyset *by)
{
    const struct trusted_key *counted[KEYSET_SIGNATURES];
    uint32_t count = 0;
    struct envelope e;

    if (open_envelope(json, len, &e) != REASON_NONE || !payload_is_true(work, &e, c) ||
        by->root_threshold < 1)
        return REASON_BAD_KEYSET;
    for (uint32_t i = 0; i < e.count; i++) {
        const struct trusted_key *signer = NULL;
        bool again = false;
        if (!signature_holds(work, &e, i, c, &by->keys, &signer))
            continue;
        for (uint32_t k = 0; k < count; k++)
            again |= counted[k] == signer;
        if (!again)
            counted[count++] = signer;
    }
    return count >= by->root_threshold ? REASON_NONE : REASON_BAD_SIGNATURE;
}
