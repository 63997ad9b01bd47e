#include "store.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "protocol/hex.h"
#include "protocol/jws.h"
#include "release/image.h"

struct release_store {
    char dir[FILES_PATH_MAX];
    const struct crypto *c;
    struct release_entry *entry;
    size_t count;
    size_t broken;
    char first_broken[256];

    /* index.json as it was when we read it */
    bool there;
    struct timespec mtime;
    ino_t inode;
    off_t size;
};

/* While the folder is read: a manifest and its place. */
struct loaded {
    struct oci_blob at;
    struct oci_manifest manifest;
    bool ok;
};

struct reading {
    const char *dir;
    const struct crypto *c;
    struct loaded *item;
    size_t count;
    struct release_entry *entry;
    size_t entry_count, entry_cap;
    size_t broken;
    char first_broken[256];
};

int layout_blob(const char *dir, const char *digest, char out[FILES_PATH_MAX], struct err *e)
{
    if (!text_format(out, FILES_PATH_MAX, "%s/blobs/sha256/%s", dir, digest))
        return err_set(e, EXIT_USAGE, "path is too long: %.160s…", dir);
    return 0;
}

int layout_read_blob(const char *dir, const char *digest, size_t max, const struct crypto *c,
                     char **data, size_t *len, struct err *e)
{
    char path[FILES_PATH_MAX], found[PROTO_SHA256_HEX];
    if (layout_blob(dir, digest, path, e) != 0 || files_read(path, max, data, len, e) != 0)
        return -1;
    oci_digest(c, *data, *len, found);
    if (strcmp(found, digest) == 0)
        return 0;
    free(*data);
    *data = NULL;
    return err_set(e, EXIT_NO, "blob %.16s… is damaged: its bytes have another digest", digest);
}

int layout_read_index(const char *dir, json_t **index, struct err *e)
{
    char path[FILES_PATH_MAX], *text;
    size_t len;
    *index = NULL;
    if (files_join(path, dir, "index.json", e) != 0)
        return -1;
    if (!files_exists(path) && errno == ENOENT)
        return 0; /* a store that nobody published to yet */
    if (files_read(path, OCI_INDEX_BYTES, &text, &len, e) != 0)
        return -1;
    json_error_t je;
    *index = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
    free(text);
    return *index ? 0 : err_set(e, EXIT_USAGE, "%s line %d: %s", path, je.line, je.text);
}

enum reason release_check(const char *jws, size_t len, const struct crypto *c,
                          const struct keyring *keys, struct release *out)
{
    struct jws parts;
    uint8_t payload[PROTO_RELEASE_BYTES];
    if (len >= PROTO_RELEASE_BYTES)
        return REASON_BAD_RELEASE;
    enum reason r = jws_open(jws, len, JWS_RELEASE, REASON_BAD_RELEASE, &parts);
    if (r == REASON_NONE && keys)
        r = jws_verify(&parts, c, keys, KEY_RELEASE);
    if (r != REASON_NONE)
        return r;
    int n = jws_payload(&parts, payload, sizeof(payload));
    return n < 0 ? REASON_BAD_RELEASE : release_decode((const char *)payload, (size_t)n, out);
}

/* --- reading -------------------------------------------------------------------------------- */

static void note_broken(struct reading *r, const char *digest, const struct err *why)
{
    if (r->broken++ == 0)
        text_format(r->first_broken, sizeof(r->first_broken), "manifest %.16s…: %.200s", digest,
                    why->text);
}

static void load_manifests(struct reading *r, const struct oci_blob *list, size_t count)
{
    r->item = mem_array(count ? count : 1, sizeof(*r->item));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].type, OCI_MANIFEST_TYPE) != 0)
            continue;
        struct loaded *item = &r->item[r->count++];
        struct err why = { 0 };
        char *text;
        size_t len;
        item->at = list[i];
        if (layout_read_blob(r->dir, list[i].digest, OCI_MANIFEST_BYTES, r->c, &text, &len, &why) ==
            0) {
            item->ok = oci_manifest_read(text, len, &item->manifest, &why) == 0;
            free(text);
        }
        if (!item->ok)
            note_broken(r, list[i].digest, &why);
    }
}

static const struct oci_blob *layer_of(const struct loaded *item, const char *type)
{
    for (size_t i = 0; i < item->manifest.layer_count; i++)
        if (strcmp(item->manifest.layer[i].type, type) == 0)
            return &item->manifest.layer[i];
    return NULL;
}

static const struct loaded *manifest_by_digest(const struct reading *r, const char *digest)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->item[i].ok && strcmp(r->item[i].at.digest, digest) == 0)
            return &r->item[i];
    return NULL;
}

/* The signed release and the image it is a referrer of, as an entry. */
static int join_entry(const struct reading *r, const struct loaded *item, struct release_entry *out,
                      struct err *e)
{
    const struct oci_blob *jws = layer_of(item, RELEASE_JWS_TYPE);
    const struct loaded *subject = manifest_by_digest(r, item->manifest.subject.digest);
    const struct oci_blob *image = subject ? layer_of(subject, RELEASE_IMAGE_TYPE) : NULL;
    struct jws parts;
    char said[PROTO_SHA256_HEX];
    if (!jws || !image)
        return err_set(e, EXIT_USAGE, jws ? "the image it signs is not here" : "no signed release");
    if (layout_read_blob(r->dir, jws->digest, PROTO_RELEASE_BYTES - 1, r->c, &out->jws,
                         &out->jws_len, e) != 0)
        return -1;
    if (jws_open(out->jws, out->jws_len, JWS_RELEASE, REASON_BAD_RELEASE, &parts) != REASON_NONE ||
        release_check(out->jws, out->jws_len, r->c, NULL, &out->release) != REASON_NONE)
        return err_set(e, EXIT_USAGE, "the signed release is malformed");
    hex_encode(out->release.sha256, sizeof(out->release.sha256), said);
    if (strcmp(said, image->digest) != 0)
        return err_set(e, EXIT_USAGE, "the signed release is of another image");
    text_copy(out->kid, sizeof(out->kid), parts.kid);
    text_copy(out->image, sizeof(out->image), image->digest);
    text_copy(out->digest, sizeof(out->digest), jws->digest);
    text_copy(out->ref, sizeof(out->ref), subject->at.name);
    out->image_size = image->size;
    return 0;
}

static void collect_entries(struct reading *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct loaded *item = &r->item[i];
        if (!item->ok || !item->manifest.has_subject ||
            strcmp(item->manifest.artifact_type, RELEASE_JWS_TYPE) != 0)
            continue;
        struct release_entry entry = { 0 };
        struct err why = { 0 };
        if (join_entry(r, item, &entry, &why) != 0) {
            note_broken(r, item->at.digest, &why);
            free(entry.jws);
            continue;
        }
        MEM_PUSH_ROOM(r->entry, r->entry_count, r->entry_cap);
        r->entry[r->entry_count++] = entry;
    }
}

static int by_product_and_seq(const void *a, const void *b)
{
    const struct release_entry *x = a, *y = b;
    int order = strcmp(x->release.product, y->release.product);
    if (order != 0)
        return order;
    if (x->release.seq != y->release.seq)
        return x->release.seq > y->release.seq ? -1 : 1;
    return strcmp(x->digest, y->digest);
}

static void sort_entries(struct reading *r)
{
    if (r->entry_count == 0)
        return;
    qsort(r->entry, r->entry_count, sizeof(*r->entry), by_product_and_seq);
    for (size_t i = 0; i < r->entry_count; i++)
        for (size_t k = i + 1; k < r->entry_count; k++)
            if (strcmp(r->entry[i].release.product, r->entry[k].release.product) == 0 &&
                strcmp(r->entry[i].image, r->entry[k].image) == 0)
                r->entry[k].superseded = true;
}

static void free_entries(struct release_entry *entry, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(entry[i].jws);
    free(entry);
}

static void stat_index(struct release_store *s)
{
    char path[FILES_PATH_MAX];
    struct stat st;
    s->there = files_join(path, s->dir, "index.json", NULL) == 0 && stat(path, &st) == 0;
    if (s->there) {
        s->mtime = st.st_mtim;
        s->inode = st.st_ino;
        s->size = st.st_size;
    }
}

static int read_store(struct release_store *s, struct err *e)
{
    json_t *index;
    /* Before reading: a change in between is then seen by the next refresh. */
    stat_index(s);
    if (layout_read_index(s->dir, &index, e) != 0)
        return -1;
    struct reading r = { .dir = s->dir, .c = s->c };
    if (index) {
        struct oci_blob *list;
        size_t count;
        int rc = oci_index_read(index, RELEASE_MANIFESTS, &list, &count, e);
        json_decref(index);
        if (rc != 0)
            return -1;
        load_manifests(&r, list, count);
        free(list);
        collect_entries(&r);
        sort_entries(&r);
        free(r.item);
    }
    free_entries(s->entry, s->count);
    s->entry = r.entry;
    s->count = r.entry_count;
    s->broken = r.broken;
    memcpy(s->first_broken, r.first_broken, sizeof(s->first_broken));
    return 0;
}

struct release_store *release_store_open(const char *dir, const struct crypto *c, struct err *e)
{
    struct release_store *s = mem_alloc(sizeof(*s));
    s->c = c;
    if (!text_copy(s->dir, sizeof(s->dir), dir)) {
        err_set(e, EXIT_USAGE, "path is too long: %.160s…", dir);
        free(s);
        return NULL;
    }
    if (read_store(s, e) != 0) {
        err_prefix(e, "store %s", dir);
        release_store_close(s);
        return NULL;
    }
    return s;
}

void release_store_close(struct release_store *s)
{
    if (!s)
        return;
    free_entries(s->entry, s->count);
    free(s);
}

int release_store_refresh(struct release_store *s, struct err *e)
{
    struct release_store now = *s;
    stat_index(&now);
    bool same = now.there == s->there &&
                (!now.there ||
                 (now.inode == s->inode && now.size == s->size &&
                  now.mtime.tv_sec == s->mtime.tv_sec && now.mtime.tv_nsec == s->mtime.tv_nsec));
    if (same)
        return 0;
    return read_store(s, e) == 0 ? 1 : err_prefix(e, "store %s", s->dir);
}

/* --- finding -------------------------------------------------------------------------------- */

size_t release_store_count(const struct release_store *s)
{
    return s->count;
}

const struct release_entry *release_store_at(const struct release_store *s, size_t i)
{
    return i < s->count ? &s->entry[i] : NULL;
}

size_t release_store_broken(const struct release_store *s, const char **first_reason)
{
    if (first_reason)
        *first_reason = s->first_broken;
    return s->broken;
}

const struct release_entry *release_store_find(const struct release_store *s, const char *product,
                                               const char *version)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->entry[i].release.product, product) == 0 &&
            (!version || strcmp(s->entry[i].release.version, version) == 0))
            return &s->entry[i];
    return NULL;
}

const struct release_entry *release_store_find_name(const struct release_store *s, const char *name,
                                                    struct err *e)
{
    char product[PROTO_PRODUCT_MAX];
    size_t len = strcspn(name, "@:");
    const char *version = name[len] ? name + len + 1 : NULL;
    const struct release_entry *found = NULL;
    if (text_copy_n(product, sizeof(product), name, len))
        found = release_store_find(s, product, version);
    if (!found)
        err_set(e, EXIT_USAGE, "no release %.80s in %s: `muster release ls` shows what there is",
                name, s->dir);
    return found;
}

const struct release_entry *release_store_find_digest(const struct release_store *s,
                                                      const char *digest)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->entry[i].digest, digest) == 0)
            return &s->entry[i];
    return NULL;
}

const struct release_entry *release_store_find_image(const struct release_store *s,
                                                     const char *image)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->entry[i].image, image) == 0)
            return &s->entry[i];
    return NULL;
}

uint32_t release_store_highest_seq(const struct release_store *s, const char *product)
{
    const struct release_entry *newest = release_store_find(s, product, NULL);
    return newest ? newest->release.seq : 0;
}

int release_store_blob(const struct release_store *s, const char *digest, char out[FILES_PATH_MAX],
                       struct err *e)
{
    return layout_blob(s->dir, digest, out, e);
}

/* --- checking ------------------------------------------------------------------------------- */

int release_check_image(const void *image, size_t len, const struct release *release,
                        const struct crypto *c, struct err *e)
{
    struct image_facts facts;
    uint8_t hash[PROTO_SHA256_LEN];
    if (len != release->size)
        return err_set(e, EXIT_NO, "the release says %u bytes, the image has %zu",
                       (unsigned)release->size, len);
    c->sha256(c->ctx, image, len, hash);
    if (memcmp(hash, release->sha256, sizeof(hash)) != 0)
        return err_set(e, EXIT_NO, "the image does not have the signed digest");
    if (image_inspect(image, len, c, &facts, e) != 0)
        return -1;
    return image_matches(&facts, release, e);
}

int release_store_verify(const struct release_store *s, const struct release_entry *entry,
                         const struct keyring *keys, struct err *e)
{
    struct release release;
    char ref[sizeof(entry->ref)];
    char *image;
    size_t len;
    enum reason r = release_check(entry->jws, entry->jws_len, s->c, keys, &release);
    if (r != REASON_NONE)
        return err_set(e, EXIT_NO, "signed release: %s", reason_text(r));
    if (!text_format(ref, sizeof(ref), "%s:%s", release.product, release.version) ||
        strcmp(ref, entry->ref) != 0)
        return err_set(e, EXIT_NO, "index.json calls it '%s', the signed release %s:%s", entry->ref,
                       release.product, release.version);
    if (layout_read_blob(s->dir, entry->image, RELEASE_IMAGE_BYTES, s->c, &image, &len, e) != 0)
        return -1;
    int rc = release_check_image(image, len, &release, s->c, e);
    free(image);
    return rc;
}
