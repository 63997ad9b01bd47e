#ifndef RELEASE_FIXTURE_H
#define RELEASE_FIXTURE_H

#include "protocol/crypto.h"
#include "protocol/keyset.h"
#include "release/image.h"
#include "release/sign.h"
#include "release/store.h"

/* A folder, a release key that is trusted, and images that are whole but do nothing. */
struct fixture {
    char dir[FILES_PATH_MAX];   /* removed by fixture_close() */
    char store[FILES_PATH_MAX]; /* dir/store */
    const struct crypto *c;
    struct crypto_signer signer;
    struct keyring keys;
};

int fixture_open(struct fixture *f); /* 0, or -1 */
void fixture_close(struct fixture *f);

/* An image and its signed release; `salt` makes images differ. Free with made_free(). */
struct made {
    char *image;
    size_t image_len;
    char jws[PROTO_RELEASE_BYTES];
    size_t jws_len;
};
void fixture_make(const struct fixture *f, const char *version, uint32_t seq, char salt,
                  struct made *out);
void made_free(struct made *m);

int fixture_publish(const struct fixture *f, const struct made *m, const struct files_ops *ops,
                    bool *changed, struct err *e);

#endif
