#include "release/sign.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "files/files.h"
#include "protocol/id.h"
#include "protocol/jws.h"
#include "release/image.h"

/* Names and versions from the image, or, when it has no description, from the wish. */
static int fill_names(const struct image_facts *facts, struct release *r, struct err *e)
{
    if (facts->product[0]) {
        if (r->product[0] && strcmp(r->product, facts->product) != 0)
            return err_set(e, EXIT_USAGE, "the image is of product %s", facts->product);
        if (r->version[0] && strcmp(r->version, facts->version) != 0)
            return err_set(e, EXIT_USAGE, "the image is version %s", facts->version);
        text_copy(r->product, sizeof(r->product), facts->product);
        text_copy(r->version, sizeof(r->version), facts->version);
        if (r->security == 0)
            r->security = facts->security;
    }
    if (!name_is_valid(r->product, strlen(r->product)) || !semver_is_valid(r->version))
        return err_set(e, EXIT_USAGE,
                       "the image has no description: say --product NAME and --version X.Y.Z");
    if (r->hw_count == 0) {
        text_copy(r->hw[0], sizeof(r->hw[0]), facts->hw);
        r->hw_count = 1;
    }
    return 0;
}

int release_sign(const void *image, size_t len, const struct release *wish, const struct crypto *c,
                 const struct crypto_signer *signer, char *out, size_t cap, struct err *e)
{
    struct release r = *wish, back;
    struct image_facts facts;
    char json[PROTO_RELEASE_BYTES];
    if (image_inspect(image, len, c, &facts, e) != 0 || fill_names(&facts, &r, e) != 0)
        return -1;
    r.size = (uint32_t)len;
    c->sha256(c->ctx, image, len, r.sha256);
    if (image_matches(&facts, &r, e) != 0)
        return -1;
    int n = release_encode(&r, json, sizeof(json));
    if (n < 0 || release_decode(json, (size_t)n, &back) != REASON_NONE)
        return err_set(e, EXIT_USAGE, "the release can't be written down: a field is out of range");
    int total = jws_sign(JWS_RELEASE, json, (size_t)n, c, signer, out, cap);
    if (total < 0)
        return err_set(e, EXIT_USAGE, "the release is longer than %d bytes, or the key can't sign",
                       PROTO_RELEASE_BYTES);
    return total;
}

int release_load_keyset(const char *path, const struct crypto *c, struct keyset *out, struct err *e)
{
    char *text;
    size_t len;
    if (files_read(path, PROTO_KEYSET_BYTES, &text, &len, e) != 0)
        return err_prefix(e, "no keyset (muster pki init makes one)");
    enum reason r = keyset_open(text, len, out);
    if (r == REASON_NONE)
        r = keyset_verify(text, len, c, out);
    free(text);
    return r == REASON_NONE ? 0 : err_set(e, EXIT_USAGE, "%s: %s", path, reason_text(r));
}
