#ifndef TEST_KEYSETS_H
#define TEST_KEYSETS_H

#include "board.h"
#include "ota/keys.h"

/*
 * A board whose keys can be rotated: toy keys that board_crypto() verifies, with kids that are
 * those of their points, and a chain of keysets made of them.
 */
enum key_name {
    ROOT_1,
    ROOT_2,
    ROOT_3,
    RELEASE_1,
    RELEASE_2,
    ROLLOUT_1,
    ROLLOUT_2,
    STRANGER,
    KEY_NAMES
};

struct key_life {
    struct board *b;
    struct ota_keys keys;
    char factory[PROTO_KEYSET_BYTES + 1];
    size_t factory_len;
    uint32_t seq;
};

const char *key_kid(enum key_name name);
struct crypto_signer key_signer(enum key_name name);
/* Lists end with KEY_NAMES. */
struct keyset keyset_of(uint32_t version, const enum key_name *roots, uint32_t threshold,
                        const enum key_name *release, const enum key_name *rollout);
size_t keyset_text(const struct keyset *k, const enum key_name *by, char *out);

/* A board with a factory keyset; not started. */
void life_begin(struct key_life *life, const char *factory, size_t len);
void life_end(struct key_life *life);
/* Start it (again): keys, then agent. b->jump is the caller's. */
enum reason life_boot(struct key_life *life);
/* The body of commands/keys; its length. */
size_t keys_body(const char *keyset, size_t len, enum key_name by, uint32_t seq, char *out);
enum reason life_take(struct key_life *life, const char *body, size_t len);
/* What the agent says to an order of another verb signed by that key. */
enum reason life_reboot_order(struct key_life *life, enum key_name by);

#endif
