#include "signing.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "files/files.h"
#include "ossl/crypto.h"
#include "protocol/keyset.h"

static int make_key(const char *dir, const char *name, enum key_role role, struct keyring *ring,
                    struct err *e)
{
    char path[FILES_PATH_MAX];
    struct trusted_key *key = &ring->key[ring->count];
    if (files_join(path, dir, name, e) != 0)
        return -1;
    enum ossl_error error = ossl_key_generate(path, key->pub);
    if (error != OSSL_OK)
        return err_set(e, EXIT_REFUSED, "key %s %s%s%s", path, ossl_error_text(error),
                       error == OSSL_CREATE ? ": " : "",
                       error == OSSL_CREATE ? strerror(errno) : "");
    crypto_kid(ossl_crypto(), key->pub, key->kid);
    key->roles = (uint8_t)role;
    ring->count++;
    return 0;
}

static int write_keyset(const char *dir, const struct keyset *keyset, struct err *e)
{
    char root[FILES_PATH_MAX], path[FILES_PATH_MAX], text[PROTO_KEYSET_BYTES];
    struct crypto_signer signer;
    if (files_join(root, dir, "root.key", e) != 0 || files_join(path, dir, "keyset.json", e) != 0)
        return -1;
    enum ossl_error error = ossl_signer_load(root, &signer);
    if (error != OSSL_OK)
        return err_set(e, EXIT_USAGE, "key %s %s%s%s", root, ossl_error_text(error),
                       error == OSSL_OPEN ? ": " : "", error == OSSL_OPEN ? strerror(errno) : "");
    const struct crypto_signer *signers[] = { &signer };
    int len = keyset_sign(keyset, ossl_crypto(), signers, 1, text, sizeof(text));
    ossl_signer_free(&signer);
    if (len < 0)
        return err_set(e, EXIT_USAGE, "cannot sign the keyset");

    /* What devices will refuse must not leave this machine. */
    struct keyset back;
    if (keyset_open(text, (size_t)len, &back) != REASON_NONE ||
        keyset_verify(text, (size_t)len, ossl_crypto(), &back) != REASON_NONE)
        return err_set(e, EXIT_USAGE, "the new keyset does not verify");
    return files_write(NULL, path, text, (size_t)len, FILES_PUBLIC, FILES_NEW, e);
}

int signing_make(const char *dir, const char *fleet, struct err *e)
{
    struct keyset keyset = { .version = 1, .root_threshold = 1 };
    if (!text_copy(keyset.fleet, sizeof(keyset.fleet), fleet))
        return err_set(e, EXIT_USAGE, "fleet name is too long");
    if (make_key(dir, "root.key", KEY_ROOT, &keyset.keys, e) != 0 ||
        make_key(dir, "release.key", KEY_RELEASE, &keyset.keys, e) != 0 ||
        make_key(dir, "rollout.key", KEY_ROLLOUT, &keyset.keys, e) != 0)
        return -1;
    return write_keyset(dir, &keyset, e);
}
