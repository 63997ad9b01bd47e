#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ossl/crypto.h"
#include "tree.h"

int fixture_open(struct fixture *f)
{
    static const char template[] = "/tmp/muster-release-XXXXXX";
    char key[FILES_PATH_MAX];
    *f = (struct fixture){ .c = ossl_crypto() };
    memcpy(f->dir, template, sizeof(template));
    if (!mkdtemp(f->dir) || files_join(f->store, f->dir, "store", NULL) != 0 ||
        files_join(key, f->dir, "release.key", NULL) != 0)
        return -1;
    struct trusted_key *trusted = &f->keys.key[f->keys.count++];
    if (ossl_key_generate(key, trusted->pub) != OSSL_OK ||
        ossl_signer_load(key, &f->signer) != OSSL_OK)
        return -1;
    crypto_kid(f->c, trusted->pub, trusted->kid);
    trusted->roles = KEY_RELEASE;
    return 0;
}

void fixture_close(struct fixture *f)
{
    ossl_signer_free(&f->signer);
    tree_remove(f->dir);
}

void fixture_make(const struct fixture *f, const char *version, uint32_t seq, char salt,
                  struct made *out)
{
    char elf[64] = "\177ELF a program";
    struct release wish = { .seq = seq, .created = 1790000000 };
    elf[sizeof(elf) - 1] = salt;
    const struct image_build build = { .product = "weather",
                                       .version = version,
                                       .date = "",
                                       .time = "",
                                       .elf = elf,
                                       .elf_len = sizeof(elf) };
    struct err e;
    if (image_build_linux(&build, f->c, &out->image, &out->image_len, &e) != 0)
        abort();
    int n = release_sign(out->image, out->image_len, &wish, f->c, &f->signer, out->jws,
                         sizeof(out->jws), &e);
    if (n < 0)
        abort();
    out->jws_len = (size_t)n;
}

void made_free(struct made *m)
{
    free(m->image);
}

int fixture_publish(const struct fixture *f, const struct made *m, const struct files_ops *ops,
                    bool *changed, struct err *e)
{
    const struct release_publish what = { m->image, m->image_len, m->jws, m->jws_len };
    bool dummy;
    return release_store_publish(f->store, &what, f->c, &f->keys, ops, changed ? changed : &dummy,
                                 e);
}
