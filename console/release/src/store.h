#ifndef RELEASE_STORE_PRIVATE_H
#define RELEASE_STORE_PRIVATE_H

#include "oci.h"
#include "release/store.h"

/* The layout on disk, shared by reading (store.c) and publishing (publish.c). */

int layout_blob(const char *dir, const char *digest, char out[FILES_PATH_MAX], struct err *e);
/* A blob whose bytes have the digest that its name says. Free *data. */
int layout_read_blob(const char *dir, const char *digest, size_t max, const struct crypto *c,
                     char **data, size_t *len, struct err *e);
/* NULL in *index when there is none yet. */
int layout_read_index(const char *dir, json_t **index, struct err *e);

/* Size, digest, whole, and says what the release says. */
int release_check_image(const void *image, size_t len, const struct release *release,
                        const struct crypto *c, struct err *e);

#endif
