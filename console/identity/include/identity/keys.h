#ifndef IDENTITY_KEYS_H
#define IDENTITY_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "files/files.h"
#include "protocol/keyset.h"

/*
 * The keysets of a fleet, beside the keys they name:
 *
 *   keyset.json              the newest
 *   chain/1.json 2.json …    all of them, since a device that is behind is walked up one by one
 *   root.key release.key rollout.key   in use
 *   rollout.key.new          on its way in: takes its place once the keyset that names it is there
 *   old/rollout-KID.key      in use before; devices that are behind may know no other
 *
 * A keyset is written to chain/ first, then to keyset.json, then keys change places, each by a
 * rename: keys_open() and keys_rotate() carry on where a kill or a power cut stopped. Nothing is
 * ever overwritten but keyset.json. Functions return 0, or -1 with `e` filled in.
 */
struct keys_folder {
    char dir[FILES_PATH_MAX];  /* that of keyset.json */
    char path[FILES_PATH_MAX]; /* keyset.json itself */
    struct keyset now;
    char text[PROTO_KEYSET_BYTES + 1]; /* as signed */
    size_t len;
};

/* Read and check the newest. EXIT_USAGE when there is none or it does not verify. */
int keys_open(struct keys_folder *f, const char *keyset_path, struct err *e);

/* The same for those who only look: nothing on disk is carried on. */
int keys_look(struct keys_folder *f, const char *keyset_path, struct err *e);

/*
 * Since when keysets name each key of the newest one: by what chain/ still has, the newest
 * KEYS_AGES_BACK versions of it. `made_s` is when the file of that version was written here, so it
 * is that of a copy where the folder was copied.
 */
#define KEYS_AGES_BACK 64
struct key_age {
    uint32_t version; /* 0: not known, it is older than what was looked at */
    int64_t made_s;   /* Unix s; 0: not known */
};
void keys_ages(const struct keys_folder *f, struct key_age out[KEYRING_MAX]);

/* The signed text of a version, terminated, and (unless NULL) what it says. */
int keys_version(const struct keys_folder *f, uint32_t version, char text[PROTO_KEYSET_BYTES + 1],
                 struct keyset *out, struct err *e);

const char *keys_role_word(enum key_role role); /* "root" "release" "rollout" */
int keys_role_from_word(const char *word, enum key_role *out);

/* A key by its kid or the beginning of it (at least 4 digits); NULL and `e` when none or several.
 */
const struct trusted_key *keys_find(const struct keyset *k, const char *kid, struct err *e);
/* Trusted keys of a role. */
uint32_t keys_count(const struct keyset *k, enum key_role role);

/* Who signs the next one: further root keys (files or pkcs11: URIs) beside root.key, root.key.new
 * and old/root-*.key of the folder. */
struct keys_signing {
    const char *const *root;
    size_t root_count;
    uint32_t threshold; /* of the next keyset; 0: stays */
    uint32_t seq_floor; /* lift it to this; 0: stays */
};

/*
 * A new key for a role, trusted beside those that are (`revoke_others`: instead of them, which are
 * revoked). It is made in `key_path` (the old one goes to old/), or, if `key_path` is a pkcs11:
 * URI, is the key there. The new keyset is version + 1 and *f tells it. `kid` is the new key's.
 */
int keys_rotate(struct keys_folder *f, enum key_role role, const char *key_path, bool revoke_others,
                const struct keys_signing *by, char kid[PROTO_KID_MAX], struct err *e);

/* Trust a key no more: revoked (devices answer `revoked_key`), or just dropped. EXIT_REFUSED when
 * it is the last one of its role. */
int keys_remove(struct keys_folder *f, const char *kid, bool revoke, const struct keys_signing *by,
                struct err *e);

/*
 * A signer for orders that a device at keyset `before` obeys when it is to take `next`: the key at
 * `key_path`, else one from old/ beside it. EXIT_REFUSED when there is none. Free with
 * ossl_signer_free().
 */
struct crypto_signer;
int keys_signer_for(const char *key_path, const struct keyset *before, const struct keyset *next,
                    struct crypto_signer *out, struct err *e);

#endif
