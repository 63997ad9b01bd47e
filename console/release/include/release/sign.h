#ifndef RELEASE_SIGN_H
#define RELEASE_SIGN_H

#include <stddef.h>

#include "base/err.h"
#include "protocol/crypto.h"
#include "protocol/keyset.h"
#include "protocol/release.h"

/*
 * The signed release of an image: product, version and chip come from the image where it has a
 * description; `wish` fills what is empty or 0 in the image and adds the rest (seq, min_from,
 * min_agent, created, hw). Where both say something they must agree. `out` is terminated; its
 * length, or -1 with `e`. `cap` of PROTO_RELEASE_BYTES is enough.
 */
int release_sign(const void *image, size_t len, const struct release *wish, const struct crypto *c,
                 const struct crypto_signer *signer, char *out, size_t cap, struct err *e);

/* Read and check a keyset file against itself: the keys that releases and orders are checked with.
 */
int release_load_keyset(const char *path, const struct crypto *c, struct keyset *out,
                        struct err *e);

#endif
