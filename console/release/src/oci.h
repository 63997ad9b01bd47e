#ifndef RELEASE_OCI_H
#define RELEASE_OCI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "protocol/crypto.h"
#include "protocol/limits.h"

/*
 * The documents of an OCI image layout, as structs. Digests are the hex part of "sha256:HEX"; other
 * algorithms are not taken. Documents of others may hold more than this: it is passed over.
 */
#define OCI_MANIFEST_TYPE  "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX_TYPE     "application/vnd.oci.image.index.v1+json"
#define OCI_EMPTY_TYPE     "application/vnd.oci.empty.v1+json"
#define OCI_EMPTY_DIGEST   "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define OCI_LAYOUT         "{\"imageLayoutVersion\":\"1.0.0\"}"
#define OCI_REF            "org.opencontainers.image.ref.name"
#define OCI_TITLE          "org.opencontainers.image.title"
#define OCI_VERSION        "org.opencontainers.image.version"
#define OCI_INDEX_BYTES    (8u << 20)
#define OCI_MANIFEST_BYTES (256u << 10)
#define OCI_LAYERS         16
#define OCI_TYPE_MAX       128
#define OCI_TITLE_MAX      128

struct oci_blob {
    char type[OCI_TYPE_MAX];
    char digest[PROTO_SHA256_HEX];
    uint64_t size;
    char name[OCI_TITLE_MAX]; /* the title of a layer, the ref of a manifest; may be empty */
};

struct oci_manifest {
    char artifact_type[OCI_TYPE_MAX]; /* or the config's type, as older tools have it */
    struct oci_blob layer[OCI_LAYERS];
    size_t layer_count;
    bool has_subject;
    struct oci_blob subject;
};

/* The manifests of an index. Free *out with free(). */
int oci_index_read(const json_t *index, size_t max, struct oci_blob **out, size_t *count,
                   struct err *e);
int oci_manifest_read(const char *text, size_t len, struct oci_manifest *out, struct err *e);

/* {"mediaType","digest","size"[,"annotations":{key:value}]}; `key` NULL: none. */
json_t *oci_descriptor(const char *type, const char *digest, uint64_t size, const char *key,
                       const char *value);

/* A manifest of one layer with the empty config. `subject` may be NULL; `layer` and `subject` are
 * taken. The text is to be freed; NULL when memory or a name is bad. */
char *oci_manifest_text(const char *artifact_type, json_t *layer, json_t *subject,
                        const char *version);

/* Hex digest of bytes. */
void oci_digest(const struct crypto *c, const void *data, size_t len, char out[PROTO_SHA256_HEX]);

#endif
