#ifndef RELEASE_STORE_H
#define RELEASE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "files/files.h"
#include "protocol/crypto.h"
#include "protocol/keyset.h"
#include "protocol/limits.h"
#include "protocol/release.h"

/*
 * The releases: a folder in OCI image layout (image-spec 1.1), so that skopeo, oras and any
 * registry can copy it.
 *
 *   oci-layout, index.json, blobs/sha256/HEX
 *
 * A release is two manifests: the image (ref "PRODUCT:VERSION", one layer of RELEASE_IMAGE_TYPE)
 * and, as its referrer, the signed release (artifactType RELEASE_JWS_TYPE). An image signed again
 * under a higher `seq` has several referrers; the highest counts.
 *
 * Publishing writes blobs first and index.json last, each in one rename: whatever happens in
 * between, the folder holds what it held before, or all of the new release.
 */
#define RELEASE_IMAGE_TYPE  "application/vnd.espressif.esp32.firmware.v1+binary"
#define RELEASE_JWS_TYPE    "application/vnd.muster.release.v1+jws"
#define RELEASE_IMAGE_BYTES (64u << 20) /* longest image that is taken */
#define RELEASE_MANIFESTS   4096        /* most manifests in one store */

struct release_entry {
    struct release release;        /* as signed; check with release_check() before trusting it */
    char image[PROTO_SHA256_HEX];  /* digest of the image blob */
    uint64_t image_size;           /* of the blob as the manifest says */
    char *jws;                     /* the signed release, exactly as published */
    size_t jws_len;                /* < PROTO_RELEASE_BYTES */
    char digest[PROTO_SHA256_HEX]; /* SHA-256 of `jws`: what an order names */
    char kid[PROTO_KID_MAX];       /* who says to have signed it */
    char ref[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX]; /* what index.json calls it */
    bool superseded; /* the same image is there under a higher seq */
};

struct release_store;

/*
 * Open and read the folder; one that is not there yet is an empty store. Manifests of other kinds
 * are passed over, those of ours that can't be read are counted as broken. `c` must outlive it.
 * NULL with `e`. Free with release_store_close().
 */
struct release_store *release_store_open(const char *dir, const struct crypto *c, struct err *e);
void release_store_close(struct release_store *s); /* NULL is fine */

/*
 * Read again if index.json is another one than last time. Entries got before are invalid after a
 * change. 1 when it had changed, 0 when not, -1 with `e` (then the old entries stay).
 */
int release_store_refresh(struct release_store *s, struct err *e);

/* Ordered by product, then seq, newest first. Valid until refresh or close. */
size_t release_store_count(const struct release_store *s);
const struct release_entry *release_store_at(const struct release_store *s, size_t i);
size_t release_store_broken(const struct release_store *s, const char **first_reason);

/* `version` NULL: the highest seq. With several of a version, that of the highest seq. */
const struct release_entry *release_store_find(const struct release_store *s, const char *product,
                                               const char *version);
/* "weather@1.4.0" or "weather:1.4.0"; "weather" is the newest. NULL with `e`. */
const struct release_entry *release_store_find_name(const struct release_store *s, const char *name,
                                                    struct err *e);
/* By digest of the signed release: what an order or a rollout names. */
const struct release_entry *release_store_find_digest(const struct release_store *s,
                                                      const char *digest);
/* By digest of the image: what a device downloads. NULL: no release has it. */
const struct release_entry *release_store_find_image(const struct release_store *s,
                                                     const char *image);

/* The highest seq of the product; 0 when it has no release. */
uint32_t release_store_highest_seq(const struct release_store *s, const char *product);

/* Where the blob with this digest lies (it need not be there). */
int release_store_blob(const struct release_store *s, const char *digest, char out[FILES_PATH_MAX],
                       struct err *e);

/*
 * Signature by a release key of `keys`, and strict payload. REASON_NONE, or why not.
 */
enum reason release_check(const char *jws, size_t len, const struct crypto *c,
                          const struct keyring *keys, struct release *out);

/*
 * Put an image and its signed release into the folder. What is checked before: signature and
 * payload (by `keys`), size and digest of the image, that the image is whole, and that its
 * description and chip say what the release says. EXIT_REFUSED when the version is there with
 * another image, or the seq is not above that of another release of the product. The same once more
 * is fine and changes nothing: *changed says. `ops` NULL: the real ones.
 */
struct release_publish {
    const void *image;
    size_t image_len;
    const char *jws;
    size_t jws_len;
};
int release_store_publish(const char *dir, const struct release_publish *what,
                          const struct crypto *c, const struct keyring *keys,
                          const struct files_ops *ops, bool *changed, struct err *e);

/*
 * Check one entry to the bottom: blob there, digest, size, signature, image, ref. 0, or -1 with the
 * first thing that is wrong.
 */
int release_store_verify(const struct release_store *s, const struct release_entry *entry,
                         const struct keyring *keys, struct err *e);

#endif
