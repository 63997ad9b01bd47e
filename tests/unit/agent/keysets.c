#include "keysets.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void point_of(enum key_name name, uint8_t pub[PROTO_P256_PUB])
{
    pub[0] = 4;
    for (size_t i = 1; i < PROTO_P256_PUB; i++)
        pub[i] = (uint8_t)(37u * ((unsigned)name + 1) + 11u * i);
}

const char *key_kid(enum key_name name)
{
    static char kid[KEY_NAMES][PROTO_KID_MAX];
    uint8_t pub[PROTO_P256_PUB];

    point_of(name, pub);
    crypto_kid(board_crypto(), pub, kid[name]);
    return kid[name];
}

/* The board's toy: a signature is the hash, mixed with the point. */
static bool sign(void *ctx, const uint8_t hash[PROTO_SHA256_LEN], uint8_t sig[PROTO_P256_SIG])
{
    static const enum key_name names[] = { ROOT_1,    ROOT_2,    ROOT_3,    RELEASE_1,
                                           RELEASE_2, ROLLOUT_1, ROLLOUT_2, STRANGER };
    uint8_t pub[PROTO_P256_PUB];

    for (size_t i = 0; i < KEY_NAMES; i++)
        if (ctx == key_kid(names[i]))
            point_of(names[i], pub);
    for (size_t i = 0; i < PROTO_P256_SIG; i++)
        sig[i] = (uint8_t)(hash[i % PROTO_SHA256_LEN] ^ pub[i + 1]);
    return true;
}

struct crypto_signer key_signer(enum key_name name)
{
    struct crypto_signer s = { .sign = sign };
    static const char *kid;

    kid = key_kid(name);
    memcpy(&s.ctx, &kid, sizeof(s.ctx));
    memcpy(s.kid, kid, PROTO_KID_MAX);
    return s;
}

static void put(struct keyset *k, const enum key_name *names, uint8_t role)
{
    for (; *names != KEY_NAMES; names++) {
        struct trusted_key *key = &k->keys.key[k->keys.count++];
        memcpy(key->kid, key_kid(*names), PROTO_KID_MAX);
        point_of(*names, key->pub);
        key->roles = role;
    }
}

struct keyset keyset_of(uint32_t version, const enum key_name *roots, uint32_t threshold,
                        const enum key_name *release, const enum key_name *rollout)
{
    struct keyset k;

    memset(&k, 0, sizeof(k));
    snprintf(k.fleet, sizeof(k.fleet), "home");
    k.version = version;
    k.root_threshold = threshold;
    put(&k, roots, KEY_ROOT);
    put(&k, release, KEY_RELEASE);
    put(&k, rollout, KEY_ROLLOUT);
    return k;
}

size_t keyset_text(const struct keyset *k, const enum key_name *by, char *out)
{
    struct crypto_signer signer[KEYSET_SIGNATURES];
    const struct crypto_signer *list[KEYSET_SIGNATURES];
    size_t count = 0;

    for (; *by != KEY_NAMES; by++, count++) {
        signer[count] = key_signer(*by);
        list[count] = &signer[count];
    }
    int n = keyset_sign(k, board_crypto(), list, count, out, PROTO_KEYSET_BYTES + 1);
    assert(n > 0);
    return (size_t)n;
}

void life_begin(struct key_life *life, const char *factory, size_t len)
{
    memset(life, 0, sizeof(*life));
    life->b = board_new();
    life->b->cfg.keyset = &life->keys.now;
    memcpy(life->factory, factory, len);
    life->factory_len = len;
    life->seq = 1000;
}

void life_end(struct key_life *life)
{
    board_free(life->b);
}

enum reason life_boot(struct key_life *life)
{
    union keyset_work work;
    enum reason r =
        ota_keys_load(&life->keys, &life->b->port, life->factory, life->factory_len, &work);

    board_boot(life->b);
    return r;
}

static size_t order_text(enum verb verb, enum key_name by, uint32_t seq, char *out, size_t cap)
{
    char json[PROTO_ORDER_BYTES];
    struct order o = { .verb = verb, .fleet = "home", .dev = "sensor-001", .seq = seq };
    struct crypto_signer signer = key_signer(by);

    o.iat = o.nbf = 1790000000;
    o.exp = o.iat + 864000;
    int n = order_encode(&o, json, sizeof(json));
    assert(n > 0);
    n = jws_sign(JWS_ORDER, json, (size_t)n, board_crypto(), &signer, out, cap);
    assert(n > 0);
    return (size_t)n;
}

size_t keys_body(const char *keyset, size_t len, enum key_name by, uint32_t seq, char *out)
{
    char jws[PROTO_ORDER_BYTES + 1];

    order_text(VERB_KEYS, by, seq, jws, sizeof(jws));
    int n = snprintf(out, BOARD_BODY, "{\"order\":\"%s\",\"keyset\":%.*s}", jws, (int)len, keyset);
    assert(n > 0 && n < BOARD_BODY);
    return (size_t)n;
}

static struct ota_event command(const struct board *b, enum verb verb, const char *body, size_t len)
{
    return (struct ota_event){ .kind = OTA_EV_COMMAND,
                               .now = { b->mono_ms, b->unix_s, b->trusted },
                               .command = { verb, body, len } };
}

enum reason life_take(struct key_life *life, const char *body, size_t len)
{
    struct ota_event ev = command(life->b, VERB_KEYS, body, len);
    const struct order *order;
    union keyset_work work;

    return ota_keys_take(&life->b->agent, &life->keys, &ev, &work, &order);
}

enum reason life_reboot_order(struct key_life *life, enum key_name by)
{
    char jws[PROTO_ORDER_BYTES + 1], body[BOARD_BODY];
    const struct order *order;

    order_text(VERB_REBOOT, by, life->seq++, jws, sizeof(jws));
    int n = command_body_encode(jws, NULL, body, sizeof(body));
    struct ota_event ev = command(life->b, VERB_REBOOT, body, (size_t)n);
    return ota_agent_check_order(&life->b->agent, &ev, &order);
}
