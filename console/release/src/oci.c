#include "oci.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "protocol/hex.h"

static bool take_text(const json_t *o, const char *key, char *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text && text_copy(out, cap, text);
}

/* "sha256:" and 64 lower-case digits: what is a file name in blobs/ must be nothing else. */
static bool take_digest(const json_t *o, char out[PROTO_SHA256_HEX])
{
    const char *text = json_string_value(json_object_get(o, "digest"));
    if (!text || strncmp(text, "sha256:", 7) != 0 || strlen(text + 7) != PROTO_SHA256_HEX - 1 ||
        strspn(text + 7, "0123456789abcdef") != PROTO_SHA256_HEX - 1)
        return false;
    memcpy(out, text + 7, PROTO_SHA256_HEX);
    return true;
}

static bool take_blob(const json_t *o, const char *name_key, struct oci_blob *out)
{
    *out = (struct oci_blob){ 0 };
    const json_t *size = json_object_get(o, "size");
    if (!take_text(o, "mediaType", out->type, sizeof(out->type)) || !take_digest(o, out->digest) ||
        !json_is_integer(size) || json_integer_value(size) < 0)
        return false;
    out->size = (uint64_t)json_integer_value(size);
    take_text(json_object_get(o, "annotations"), name_key, out->name, sizeof(out->name));
    return true;
}

int oci_index_read(const json_t *index, size_t max, struct oci_blob **out, size_t *count,
                   struct err *e)
{
    const json_t *list = json_object_get(index, "manifests");
    if (!json_is_array(list))
        return err_set(e, EXIT_USAGE, "index.json has no list of manifests");
    size_t n = json_array_size(list), kept = 0;
    if (n > max)
        return err_set(e, EXIT_USAGE, "index.json lists %zu manifests; %zu are the most", n, max);
    struct oci_blob *blob = mem_array(n ? n : 1, sizeof(*blob));
    for (size_t i = 0; i < n; i++)
        if (take_blob(json_array_get(list, i), OCI_REF, &blob[kept]))
            kept++;
    *out = blob;
    *count = kept;
    return 0;
}

static int read_layers(const json_t *list, struct oci_manifest *out, struct err *e)
{
    if (!json_is_array(list) || json_array_size(list) > OCI_LAYERS)
        return err_set(e, EXIT_USAGE, "manifest has no layers, or more than %d", OCI_LAYERS);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!take_blob(json_array_get(list, i), OCI_TITLE, &out->layer[out->layer_count++]))
            return err_set(e, EXIT_USAGE, "layer %zu of the manifest is malformed", i);
    return 0;
}

int oci_manifest_read(const char *text, size_t len, struct oci_manifest *out, struct err *e)
{
    *out = (struct oci_manifest){ 0 };
    json_error_t je;
    json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
    if (!o)
        return err_set(e, EXIT_USAGE, "manifest: %s", je.text);
    if (!take_text(o, "artifactType", out->artifact_type, sizeof(out->artifact_type)))
        take_text(json_object_get(o, "config"), "mediaType", out->artifact_type,
                  sizeof(out->artifact_type));
    const json_t *subject = json_object_get(o, "subject");
    out->has_subject = subject != NULL;
    int rc = read_layers(json_object_get(o, "layers"), out, e);
    if (rc == 0 && subject && !take_blob(subject, OCI_TITLE, &out->subject))
        rc = err_set(e, EXIT_USAGE, "manifest: subject is malformed");
    json_decref(o);
    return rc;
}

json_t *oci_descriptor(const char *type, const char *digest, uint64_t size, const char *key,
                       const char *value)
{
    char named[8 + PROTO_SHA256_HEX];
    text_format(named, sizeof(named), "sha256:%s", digest);
    json_t *o =
        json_pack("{s:s, s:s, s:I}", "mediaType", type, "digest", named, "size", (json_int_t)size);
    if (o && key)
        json_object_set_new(o, "annotations", json_pack("{s:s}", key, value));
    return o;
}

char *oci_manifest_text(const char *artifact_type, json_t *layer, json_t *subject,
                        const char *version)
{
    json_t *config = oci_descriptor(OCI_EMPTY_TYPE, OCI_EMPTY_DIGEST, 2, NULL, NULL);
    if (config)
        json_object_set_new(config, "data", json_string("e30="));
    json_t *o =
        json_pack("{s:i, s:s, s:s, s:o, s:[o]}", "schemaVersion", 2, "mediaType", OCI_MANIFEST_TYPE,
                  "artifactType", artifact_type, "config", config, "layers", layer);
    if (!o) {
        json_decref(subject);
        return NULL;
    }
    if (subject)
        json_object_set_new(o, "subject", subject);
    json_object_set_new(o, "annotations", json_pack("{s:s}", OCI_VERSION, version));
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

void oci_digest(const struct crypto *c, const void *data, size_t len, char out[PROTO_SHA256_HEX])
{
    uint8_t hash[PROTO_SHA256_LEN];
    c->sha256(c->ctx, data, len, hash);
    hex_encode(hash, sizeof(hash), out);
}
