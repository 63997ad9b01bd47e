#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "protocol/hex.h"
#include "store.h"

#define LOCK_WAIT_MS 10000

struct publishing {
    const char *dir;
    const struct files_ops *ops;
    const struct crypto *c;
    const struct release_publish *what;
    struct release release;
    char image[PROTO_SHA256_HEX], jws[PROTO_SHA256_HEX];
    char name[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX]; /* PRODUCT:VERSION */
};

/*
 * A blob is there when a file with its digest for a name has the right bytes: one that is damaged
 * is written again.
 */
static int put_blob(const struct publishing *p, const void *data, size_t len, const char *digest,
                    struct err *e)
{
    char path[FILES_PATH_MAX], *old;
    size_t old_len;
    if (layout_blob(p->dir, digest, path, e) != 0)
        return -1;
    if (files_exists(path) &&
        layout_read_blob(p->dir, digest, RELEASE_IMAGE_BYTES, p->c, &old, &old_len, NULL) == 0) {
        free(old);
        return 0;
    }
    return files_write(p->ops, path, data, len, FILES_PUBLIC, FILES_REPLACE, e);
}

/* Write the manifest's text (taken) and give its descriptor for the index. */
static json_t *put_manifest(const struct publishing *p, char *text, const char *ref, struct err *e)
{
    char digest[PROTO_SHA256_HEX];
    json_t *descriptor = NULL;
    if (!text) {
        err_set(e, EXIT_USAGE, "cannot write the manifest");
        return NULL;
    }
    size_t len = strlen(text);
    oci_digest(p->c, text, len, digest);
    if (put_blob(p, text, len, digest, e) == 0)
        descriptor = oci_descriptor(OCI_MANIFEST_TYPE, digest, len, ref ? OCI_REF : NULL, ref);
    free(text);
    return descriptor;
}

static json_t *put_image(const struct publishing *p, struct err *e)
{
    char title[sizeof(p->name) + 8];
    text_format(title, sizeof(title), "%s-%s.bin", p->release.product, p->release.version);
    if (put_blob(p, p->what->image, p->what->image_len, p->image, e) != 0)
        return NULL;
    json_t *layer =
        oci_descriptor(RELEASE_IMAGE_TYPE, p->image, p->what->image_len, OCI_TITLE, title);
    return put_manifest(p, oci_manifest_text(RELEASE_IMAGE_TYPE, layer, NULL, p->release.version),
                        p->name, e);
}

/* `subject` is borrowed. */
static json_t *put_jws(const struct publishing *p, json_t *subject, struct err *e)
{
    char title[sizeof(p->name) + 8];
    text_format(title, sizeof(title), "%s-%s.jws", p->release.product, p->release.version);
    if (put_blob(p, p->what->jws, p->what->jws_len, p->jws, e) != 0)
        return NULL;
    json_t *layer = oci_descriptor(RELEASE_JWS_TYPE, p->jws, p->what->jws_len, OCI_TITLE, title);
    json_t *bare = json_copy(subject);
    json_object_del(bare, "annotations");
    json_t *descriptor = put_manifest(
        p, oci_manifest_text(RELEASE_JWS_TYPE, layer, bare, p->release.version), NULL, e);
    if (descriptor)
        json_object_set_new(descriptor, "artifactType", json_string(RELEASE_JWS_TYPE));
    return descriptor;
}

static bool lists(const json_t *manifests, const json_t *descriptor)
{
    size_t i;
    json_t *item;
    const char *digest = json_string_value(json_object_get(descriptor, "digest"));
    json_array_foreach(manifests, i, item)
    {
        const char *other = json_string_value(json_object_get(item, "digest"));
        if (digest && other && strcmp(digest, other) == 0)
            return true;
    }
    return false;
}

/* Add what is not listed yet; the rest of index.json, also what others put there, stays. */
static int put_index(const struct publishing *p, json_t *image, json_t *jws, struct err *e)
{
    json_t *index;
    char path[FILES_PATH_MAX];
    if (files_join(path, p->dir, "index.json", e) != 0 || layout_read_index(p->dir, &index, e) != 0)
        return -1;
    if (!index)
        index = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType", OCI_INDEX_TYPE,
                          "manifests");
    json_t *list = json_object_get(index, "manifests");
    int rc = json_is_array(list) ? 0 : err_set(e, EXIT_USAGE, "%s has no list of manifests", path);
    if (rc == 0 && !lists(list, image))
        json_array_append(list, image);
    if (rc == 0 && !lists(list, jws))
        json_array_append(list, jws);
    if (rc == 0 && json_array_size(list) > RELEASE_MANIFESTS)
        rc = err_set(e, EXIT_REFUSED, "the store is full: %d manifests", RELEASE_MANIFESTS);
    char *text = rc == 0 ? json_dumps(index, JSON_INDENT(2)) : NULL;
    if (rc == 0)
        rc = text ? files_write(p->ops, path, text, strlen(text), FILES_PUBLIC, FILES_REPLACE, e)
                  : err_set(e, EXIT_USAGE, "cannot write %s", path);
    free(text);
    json_decref(index);
    return rc;
}

static int put_layout(const struct publishing *p, struct err *e)
{
    char path[FILES_PATH_MAX];
    if (files_join(path, p->dir, "blobs/sha256", e) != 0 ||
        files_mkdirs(p->ops, path, 0755, e) != 0 || files_join(path, p->dir, "oci-layout", e) != 0)
        return -1;
    if (!files_exists(path) && files_write(p->ops, path, OCI_LAYOUT, strlen(OCI_LAYOUT),
                                           FILES_PUBLIC, FILES_REPLACE, e) != 0)
        return -1;
    return put_blob(p, "{}", 2, OCI_EMPTY_DIGEST, e);
}

/* 1: may go in. 0: is there already. */
static int may_go_in(const struct publishing *p, const struct release_store *s, struct err *e)
{
    const struct release *r = &p->release;
    if (release_store_find_digest(s, p->jws))
        return 0;
    for (size_t i = 0; i < release_store_count(s); i++) {
        const struct release_entry *old = release_store_at(s, i);
        if (strcmp(old->release.product, r->product) != 0)
            continue;
        if (strcmp(old->release.version, r->version) == 0 && strcmp(old->image, p->image) != 0)
            return err_set(e, EXIT_REFUSED,
                           "%s is there already with another image: a version never changes, give "
                           "this one a new number",
                           p->name);
        if (old->release.seq >= r->seq)
            return err_set(e, EXIT_REFUSED,
                           "seq %u is not above %u of %s:%s: sign it again (`muster release sign` "
                           "takes the next one)",
                           (unsigned)r->seq, (unsigned)old->release.seq, old->release.product,
                           old->release.version);
    }
    return 1;
}

static int put_all(const struct publishing *p, struct err *e)
{
    if (put_layout(p, e) != 0)
        return -1;
    json_t *image = put_image(p, e);
    json_t *jws = image ? put_jws(p, image, e) : NULL;
    int rc = jws ? put_index(p, image, jws, e) : -1;
    json_decref(image);
    json_decref(jws);
    return rc;
}

static int publish_locked(const struct publishing *p, bool *changed, struct err *e)
{
    struct release_store *s = release_store_open(p->dir, p->c, e);
    if (!s)
        return -1;
    int go = may_go_in(p, s, e);
    release_store_close(s);
    if (go <= 0)
        return go;
    if (put_all(p, e) != 0)
        return -1;
    *changed = true;
    return 0;
}

static int check_before(struct publishing *p, const struct keyring *keys, struct err *e)
{
    const struct release_publish *w = p->what;
    enum reason r = release_check(w->jws, w->jws_len, p->c, keys, &p->release);
    if (r != REASON_NONE)
        return err_set(e, EXIT_REFUSED, "the release is not accepted: %s", reason_text(r));
    if (w->image_len > RELEASE_IMAGE_BYTES)
        return err_set(e, EXIT_REFUSED, "the image is longer than %u bytes", RELEASE_IMAGE_BYTES);
    oci_digest(p->c, w->image, w->image_len, p->image);
    oci_digest(p->c, w->jws, w->jws_len, p->jws);
    text_format(p->name, sizeof(p->name), "%s:%s", p->release.product, p->release.version);
    return release_check_image(w->image, w->image_len, &p->release, p->c, e);
}

int release_store_publish(const char *dir, const struct release_publish *what,
                          const struct crypto *c, const struct keyring *keys,
                          const struct files_ops *ops, bool *changed, struct err *e)
{
    struct publishing p = { .dir = dir, .ops = ops, .c = c, .what = what };
    char lock_path[FILES_PATH_MAX];
    *changed = false;
    if (check_before(&p, keys, e) != 0 || files_mkdirs(ops, dir, 0755, e) != 0 ||
        files_join(lock_path, dir, ".lock", e) != 0)
        return -1;
    int lock = files_lock(lock_path, LOCK_WAIT_MS, e);
    if (lock < 0)
        return -1;
    int rc = publish_locked(&p, changed, e);
    files_unlock(lock);
    return rc;
}
