#include "identity/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "ossl/crypto.h"

#define TOKEN "pkcs11:"

static bool is_token(const char *source)
{
    return strncmp(source, TOKEN, sizeof(TOKEN) - 1) == 0;
}

/* ---- words ----------------------------------------------------------------------------------- */

static const struct {
    enum key_role role;
    const char *word;
} roles[] = { { KEY_ROOT, "root" }, { KEY_RELEASE, "release" }, { KEY_ROLLOUT, "rollout" } };

const char *keys_role_word(enum key_role role)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (roles[i].role == role)
            return roles[i].word;
    return "none";
}

int keys_role_from_word(const char *word, enum key_role *out)
{
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(roles[i].word, word) == 0) {
            *out = roles[i].role;
            return 0;
        }
    }
    return -1;
}

uint32_t keys_count(const struct keyset *k, enum key_role role)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->keys.count; i++)
        n += (k->keys.key[i].roles & role) && !k->keys.key[i].revoked;
    return n;
}

static bool is_trusted(const struct keyset *k, const char *kid, enum key_role role)
{
    for (uint32_t i = 0; i < k->keys.count; i++)
        if (strcmp(k->keys.key[i].kid, kid) == 0)
            return (k->keys.key[i].roles & role) && !k->keys.key[i].revoked;
    return false;
}

const struct trusted_key *keys_find(const struct keyset *k, const char *kid, struct err *e)
{
    const struct trusted_key *found = NULL;
    size_t len = strlen(kid);

    for (uint32_t i = 0; i < k->keys.count; i++) {
        if (len < 4 || strncmp(k->keys.key[i].kid, kid, len) != 0)
            continue;
        if (found) {
            err_set(e, EXIT_USAGE, "more than one key begins with %.20s", kid);
            return NULL;
        }
        found = &k->keys.key[i];
    }
    if (!found)
        err_set(e, EXIT_USAGE, "no key of the keyset begins with '%.20s' (muster keys show)", kid);
    return found;
}

/* ---- files ----------------------------------------------------------------------------------- */

static int key_error(struct err *e, const char *path, enum ossl_error error)
{
    bool file = ossl_error_has_errno(error);
    return err_set(e, EXIT_USAGE, "key %s %s%s%s", path, ossl_error_text(error), file ? ": " : "",
                   file ? strerror(errno) : "");
}

static int chain_path(const struct keys_folder *f, uint32_t version, char out[FILES_PATH_MAX],
                      struct err *e)
{
    char name[32];
    snprintf(name, sizeof(name), "chain/%u.json", version);
    return files_join(out, f->dir, name, e);
}

static int read_text(const char *path, char text[PROTO_KEYSET_BYTES + 1], size_t *len,
                     struct err *e)
{
    char *data;
    if (files_read(path, PROTO_KEYSET_BYTES, &data, len, e) != 0)
        return -1;
    memcpy(text, data, *len);
    text[*len] = '\0';
    free(data);
    return 0;
}

static int check_itself(const char *path, const char *text, size_t len, struct keyset *out,
                        struct err *e)
{
    enum reason r = keyset_open(text, len, out);
    if (r == REASON_NONE)
        r = keyset_verify(text, len, ossl_crypto(), out);
    return r == REASON_NONE ? 0 : err_set(e, EXIT_USAGE, "%s: %s", path, reason_text(r));
}

/* The one in chain/ that keyset.json did not become, because something stopped it. */
static int carry_on(struct keys_folder *f, bool write, struct err *e)
{
    for (;;) {
        char path[FILES_PATH_MAX], text[PROTO_KEYSET_BYTES + 1];
        struct keyset next;
        size_t len;
        if (chain_path(f, f->now.version + 1, path, e) != 0)
            return -1;
        if (!files_exists(path))
            return 0;
        if (read_text(path, text, &len, e) != 0)
            return -1;
        enum reason r = keyset_follows(text, len, ossl_crypto(), &f->now, &next);
        if (r != REASON_NONE)
            return err_set(e, EXIT_USAGE, "%s does not follow %s: %s; move it away", path, f->path,
                           reason_text(r));
        if (write && files_write(NULL, f->path, text, len, FILES_PUBLIC, FILES_REPLACE, e) != 0)
            return -1;
        f->now = next;
        f->len = len;
        memcpy(f->text, text, len + 1);
    }
}

static int open_newest(struct keys_folder *f, const char *keyset_path, bool write, struct err *e)
{
    memset(f, 0, sizeof(*f));
    if (!keyset_path[0])
        return err_set(e, EXIT_USAGE, "[trust] keyset is missing in the profile");
    if (!text_copy(f->path, sizeof(f->path), keyset_path) || files_dir(f->dir, keyset_path, e) != 0)
        return -1;
    if (read_text(f->path, f->text, &f->len, e) != 0)
        return err_prefix(e, "no keyset (muster pki init makes one)");
    if (check_itself(f->path, f->text, f->len, &f->now, e) != 0)
        return -1;
    return carry_on(f, write, e);
}

int keys_open(struct keys_folder *f, const char *keyset_path, struct err *e)
{
    return open_newest(f, keyset_path, true, e);
}

int keys_look(struct keys_folder *f, const char *keyset_path, struct err *e)
{
    return open_newest(f, keyset_path, false, e);
}

int keys_version(const struct keys_folder *f, uint32_t version, char text[PROTO_KEYSET_BYTES + 1],
                 struct keyset *out, struct err *e)
{
    char path[FILES_PATH_MAX];
    struct keyset k;
    size_t len = f->len;

    if (version == f->now.version) {
        memcpy(text, f->text, f->len + 1);
        text_copy(path, sizeof(path), f->path);
    } else if (chain_path(f, version, path, e) != 0 || read_text(path, text, &len, e) != 0) {
        return err_prefix(e, "keyset %u is needed to walk devices up", version);
    }
    if (check_itself(path, text, len, out ? out : &k, e) != 0)
        return -1;
    return (out ? out : &k)->version == version
               ? 0
               : err_set(e, EXIT_USAGE, "%s is not version %u", path, version);
}

static bool names_key(const struct keyset *k, const char *kid)
{
    for (uint32_t i = 0; i < k->keys.count; i++)
        if (strcmp(k->keys.key[i].kid, kid) == 0)
            return true;
    return false;
}

static int64_t written_s(const struct keys_folder *f, uint32_t version)
{
    char path[FILES_PATH_MAX];
    struct stat st;
    if (chain_path(f, version, path, NULL) == 0 && stat(path, &st) == 0)
        return (int64_t)st.st_mtime;
    /* A keyset that nothing followed yet need not be in chain/. */
    return version == f->now.version && stat(f->path, &st) == 0 ? (int64_t)st.st_mtime : 0;
}

void keys_ages(const struct keys_folder *f, struct key_age out[KEYRING_MAX])
{
    bool known[KEYRING_MAX] = { false };
    uint32_t open = f->now.keys.count, last = f->now.version;

    memset(out, 0, KEYRING_MAX * sizeof(*out));
    for (uint32_t v = last; open > 0 && v > 0 && last - v < KEYS_AGES_BACK; v--) {
        char text[PROTO_KEYSET_BYTES + 1];
        struct keyset before = { 0 };
        /* Version 0 names none: the keys of 1 came from the factory. */
        if (v > 1 && keys_version(f, v - 1, text, &before, NULL) != 0)
            return;
        for (uint32_t i = 0; i < f->now.keys.count; i++) {
            if (known[i] || names_key(&before, f->now.keys.key[i].kid))
                continue;
            known[i] = true;
            open--;
            out[i] = (struct key_age){ v, written_s(f, v) };
        }
    }
}

static int sync_folder(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        err_set(e, EXIT_USAGE, "cannot sync %s: %s", path, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    (void)close(fd);
    return 0;
}

static int move(const char *from, const char *to, struct err *e)
{
    return rename(from, to) == 0
               ? 0
               : err_set(e, EXIT_USAGE, "cannot move %s to %s: %s", from, to, strerror(errno));
}

static int kid_of(const char *path, char kid[PROTO_KID_MAX], uint8_t pub[PROTO_P256_PUB],
                  struct err *e)
{
    struct crypto_signer signer;
    enum ossl_error error = ossl_signer_load(path, &signer);
    if (error == OSSL_OK)
        error = ossl_signer_public(&signer, pub);
    if (error != OSSL_OK)
        return key_error(e, path, error);
    memcpy(kid, signer.kid, PROTO_KID_MAX);
    ossl_signer_free(&signer);
    return 0;
}

static int new_path(const char *key_path, char out[FILES_PATH_MAX], struct err *e)
{
    return text_format(out, FILES_PATH_MAX, "%s.new", key_path)
               ? 0
               : err_set(e, EXIT_USAGE, "path is too long: %.160s", key_path);
}

static int old_path(const char *key_path, enum key_role role, const char *kid,
                    char out[FILES_PATH_MAX], struct err *e)
{
    char dir[FILES_PATH_MAX], name[64];
    if (files_dir(dir, key_path, e) != 0)
        return -1;
    snprintf(name, sizeof(name), "old/%s-%s.key", keys_role_word(role), kid);
    return files_join(out, dir, name, e);
}

/* KEY.new takes the place of KEY once the keyset names it. Does what is left to do of that. */
static int settle(const struct keys_folder *f, enum key_role role, const char *key_path,
                  struct err *e)
{
    char fresh[FILES_PATH_MAX], old[FILES_PATH_MAX], dir[FILES_PATH_MAX], kid[PROTO_KID_MAX];
    uint8_t pub[PROTO_P256_PUB];

    if (is_token(key_path) || new_path(key_path, fresh, e) != 0 || !files_exists(fresh))
        return is_token(key_path) ? 0 : (fresh[0] ? 0 : -1);
    if (kid_of(fresh, kid, pub, e) != 0)
        return -1;
    if (!is_trusted(&f->now, kid, role))
        return 0; /* made, but not named yet */
    if (files_exists(key_path)) {
        if (kid_of(key_path, kid, pub, e) != 0 || old_path(key_path, role, kid, old, e) != 0 ||
            files_dir(dir, old, e) != 0 || files_mkdirs(NULL, dir, 0700, e) != 0 ||
            move(key_path, old, e) != 0 || sync_folder(dir, e) != 0)
            return -1;
    }
    return move(fresh, key_path, e) != 0 || files_dir(dir, key_path, e) != 0 ? -1
                                                                             : sync_folder(dir, e);
}

/* ---- signing --------------------------------------------------------------------------------- */

struct signers {
    struct crypto_signer item[KEYSET_SIGNATURES];
    size_t count;
};

static void signers_free(struct signers *s)
{
    for (size_t i = 0; i < s->count; i++)
        ossl_signer_free(&s->item[i]);
    s->count = 0;
}

/* Keep it if one of the two counts it as a root and it is not there yet. */
static int signers_add(struct signers *s, const char *source, const struct keyset *now,
                       const struct keyset *next, struct err *e)
{
    struct crypto_signer *one = &s->item[s->count];
    if (s->count == KEYSET_SIGNATURES)
        return 0;
    enum ossl_error error = ossl_signer_load(source, one);
    if (error != OSSL_OK)
        return key_error(e, source, error);
    bool known = !is_trusted(now, one->kid, KEY_ROOT) && !is_trusted(next, one->kid, KEY_ROOT);
    for (size_t i = 0; i < s->count; i++)
        known |= strcmp(s->item[i].kid, one->kid) == 0;
    if (known)
        ossl_signer_free(one);
    else
        s->count++;
    return 0;
}

static int signers_of_folder(struct signers *s, const char *dir, const struct keyset *now,
                             const struct keyset *next, struct err *e)
{
    static const char *const names[] = { "root.key", "root.key.new" };
    char path[FILES_PATH_MAX], old[FILES_PATH_MAX], **list = NULL;
    size_t count = 0;
    int rc = 0;

    for (size_t i = 0; i < 2 && rc == 0; i++)
        if (files_join(path, dir, names[i], e) == 0 && files_exists(path))
            rc = signers_add(s, path, now, next, e);
    if (rc != 0 || files_join(old, dir, "old", e) != 0 || !files_exists(old))
        return rc;
    if (files_list(old, &list, &count, e) != 0)
        return -1;
    for (size_t i = 0; i < count && rc == 0; i++)
        if (strncmp(list[i], "root-", 5) == 0 && files_join(path, old, list[i], e) == 0)
            rc = signers_add(s, path, now, next, e);
    files_list_free(list, count);
    return rc;
}

static int publish(struct keys_folder *f, const struct keyset *next, const struct signers *s,
                   struct err *e)
{
    const struct crypto_signer *list[KEYSET_SIGNATURES];
    char text[PROTO_KEYSET_BYTES + 1], path[FILES_PATH_MAX], dir[FILES_PATH_MAX];
    struct keyset back;

    for (size_t i = 0; i < s->count; i++)
        list[i] = &s->item[i];
    if (s->count == 0)
        return err_set(e, EXIT_REFUSED, "no root key at hand: give it with --root FILE");
    int len = keyset_sign(next, ossl_crypto(), list, s->count, text, sizeof(text));
    if (len < 0)
        return err_set(
            e, EXIT_REFUSED,
            "keyset %u could not be signed, or is longer than %d bytes: retire keys that "
            "are not used any more",
            next->version, PROTO_KEYSET_BYTES);
    /* What devices will refuse must not leave this machine. */
    enum reason r = keyset_follows(text, (size_t)len, ossl_crypto(), &f->now, &back);
    if (r != REASON_NONE)
        return err_set(e, EXIT_REFUSED,
                       r == REASON_BAD_SIGNATURE
                           ? "not enough root keys at hand: %u of version %u and %u of %u are "
                             "needed; give them with --root FILE"
                           : "keyset refused (%u of %u, %u of %u)",
                       f->now.root_threshold, f->now.version, next->root_threshold, next->version);
    if (chain_path(f, f->now.version, path, e) != 0 || files_dir(dir, path, e) != 0 ||
        files_mkdirs(NULL, dir, 0755, e) != 0)
        return -1;
    if (!files_exists(path) &&
        files_write(NULL, path, f->text, f->len, FILES_PUBLIC, FILES_NEW, e) != 0)
        return -1;
    if (chain_path(f, next->version, path, e) != 0 ||
        files_write(NULL, path, text, (size_t)len, FILES_PUBLIC, FILES_NEW, e) != 0)
        return -1;
    return carry_on(f, true, e);
}

static int sign_next(struct keys_folder *f, struct keyset *next, const struct keys_signing *by,
                     struct err *e)
{
    struct signers s = { .count = 0 };
    int rc = 0;

    next->version = f->now.version + 1;
    if (by->threshold)
        next->root_threshold = by->threshold;
    if (by->seq_floor > next->seq_floor)
        next->seq_floor = by->seq_floor;
    if (next->root_threshold > keys_count(next, KEY_ROOT))
        return err_set(e, EXIT_REFUSED, "a threshold of %u wants as many root keys, not %u",
                       next->root_threshold, keys_count(next, KEY_ROOT));
    for (size_t i = 0; i < by->root_count && rc == 0; i++)
        rc = signers_add(&s, by->root[i], &f->now, next, e);
    if (rc == 0)
        rc = signers_of_folder(&s, f->dir, &f->now, next, e);
    if (rc == 0)
        rc = publish(f, next, &s, e);
    signers_free(&s);
    return rc;
}

/* ---- changes --------------------------------------------------------------------------------- */

static void drop(struct keyset *k, uint32_t at)
{
    memmove(&k->keys.key[at], &k->keys.key[at + 1],
            (k->keys.count - at - 1) * sizeof(k->keys.key[0]));
    memset(&k->keys.key[--k->keys.count], 0, sizeof(k->keys.key[0]));
}

/* Only the kid stays, which is enough to say `revoked_key`; a point would cost 160 bytes. */
static void revoke(struct keyset *k, uint32_t at)
{
    struct trusted_key gone = { .revoked = true };
    memcpy(gone.kid, k->keys.key[at].kid, sizeof(gone.kid));
    drop(k, at);
    k->keys.key[k->keys.count++] = gone;
}

/* The oldest revoked kids make room: their keys are then unknown, and refused as well. */
static int make_room(struct keyset *k, struct err *e)
{
    for (uint32_t i = 0; k->keys.count == KEYRING_MAX && i < k->keys.count; i++)
        if (k->keys.key[i].revoked)
            drop(k, i);
    return k->keys.count < KEYRING_MAX
               ? 0
               : err_set(e, EXIT_REFUSED, "the keyset is full (%d keys): retire one", KEYRING_MAX);
}

static int put_key(struct keyset *next, enum key_role role, const char *kid,
                   const uint8_t pub[PROTO_P256_PUB], struct err *e)
{
    for (uint32_t i = 0; i < next->keys.count; i++) {
        struct trusted_key *k = &next->keys.key[i];
        if (strcmp(k->kid, kid) != 0)
            continue;
        if (k->revoked || (k->roles & role))
            return err_set(e, EXIT_REFUSED, "key %s is %s", kid,
                           k->revoked ? "revoked" : "in the keyset already");
        k->roles = (uint8_t)(k->roles | role);
        return 0;
    }
    if (make_room(next, e) != 0)
        return -1;
    struct trusted_key *k = &next->keys.key[next->keys.count++];
    memcpy(k->kid, kid, PROTO_KID_MAX);
    memcpy(k->pub, pub, PROTO_P256_PUB);
    k->roles = (uint8_t)role;
    return 0;
}

static void revoke_others(struct keyset *next, enum key_role role, const char *kid)
{
    uint32_t count = next->keys.count;
    for (uint32_t i = count; i-- > 0;)
        if ((next->keys.key[i].roles & role) && strcmp(next->keys.key[i].kid, kid) != 0)
            revoke(next, i);
}

/* The key that is to come: the token's, or that of KEY.new, which is made unless it is there. */
static int fresh_key(const char *key_path, char kid[PROTO_KID_MAX], uint8_t pub[PROTO_P256_PUB],
                     struct err *e)
{
    char fresh[FILES_PATH_MAX];
    if (is_token(key_path))
        return kid_of(key_path, kid, pub, e);
    if (new_path(key_path, fresh, e) != 0)
        return -1;
    if (!files_exists(fresh)) {
        enum ossl_error error = ossl_key_generate(fresh, NULL);
        if (error != OSSL_OK)
            return key_error(e, fresh, error);
    }
    return kid_of(fresh, kid, pub, e);
}

int keys_rotate(struct keys_folder *f, enum key_role role, const char *key_path,
                bool revoke_the_others, const struct keys_signing *by, char kid[PROTO_KID_MAX],
                struct err *e)
{
    struct keyset next = f->now;
    uint8_t pub[PROTO_P256_PUB];

    if (settle(f, role, key_path, e) != 0 || fresh_key(key_path, kid, pub, e) != 0 ||
        put_key(&next, role, kid, pub, e) != 0)
        return -1;
    if (revoke_the_others)
        revoke_others(&next, role, kid);
    return sign_next(f, &next, by, e) != 0 ? -1 : settle(f, role, key_path, e);
}

int keys_remove(struct keys_folder *f, const char *kid, bool revoked, const struct keys_signing *by,
                struct err *e)
{
    const struct trusted_key *key = keys_find(&f->now, kid, e);
    struct keyset next = f->now;

    if (!key)
        return -1;
    if (revoked && key->revoked)
        return err_set(e, EXIT_REFUSED, "key %s is revoked already", key->kid);
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (!key->revoked && (key->roles & roles[i].role) && keys_count(&f->now, roles[i].role) < 2)
            return err_set(e, EXIT_REFUSED, "key %s is the only %s key: 'muster keys rotate %s%s'",
                           key->kid, roles[i].word, roles[i].word, revoked ? " --revoke" : "");
    uint32_t at = (uint32_t)(key - f->now.keys.key);
    if (revoked)
        revoke(&next, at);
    else
        drop(&next, at);
    return sign_next(f, &next, by, e);
}

/* ---- orders for devices that are behind -------------------------------------------------------
 */

static bool is_obeyed(const struct crypto_signer *s, const struct keyset *before,
                      const struct keyset *next)
{
    return is_trusted(before, s->kid, KEY_ROLLOUT) || is_trusted(next, s->kid, KEY_ROLLOUT);
}

static bool try_old(const char *dir, const char *name, const struct keyset *before,
                    const struct keyset *next, struct crypto_signer *out)
{
    char path[FILES_PATH_MAX];
    if (strncmp(name, "rollout-", 8) != 0 || files_join(path, dir, name, NULL) != 0 ||
        ossl_signer_load(path, out) != OSSL_OK)
        return false;
    if (is_obeyed(out, before, next))
        return true;
    ossl_signer_free(out);
    return false;
}

int keys_signer_for(const char *key_path, const struct keyset *before, const struct keyset *next,
                    struct crypto_signer *out, struct err *e)
{
    char dir[FILES_PATH_MAX], old[FILES_PATH_MAX], **names = NULL;
    enum ossl_error error = ossl_signer_load(key_path, out);
    size_t count = 0;
    bool found = false;

    if (error != OSSL_OK)
        return key_error(e, key_path, error);
    if (is_obeyed(out, before, next))
        return 0;
    ossl_signer_free(out);
    if (!is_token(key_path) && files_dir(dir, key_path, e) == 0 &&
        files_join(old, dir, "old", e) == 0 && files_exists(old) &&
        files_list(old, &names, &count, e) == 0)
        for (size_t i = 0; i < count && !found; i++)
            found = try_old(old, names[i], before, next, out);
    files_list_free(names, count);
    return found ? 0
                 : err_set(e, EXIT_REFUSED,
                           "no rollout key at hand that keyset %u or %u names: put it in %s/old as "
                           "rollout-KID.key",
                           before->version, next->version, is_token(key_path) ? "keys" : dir);
}
