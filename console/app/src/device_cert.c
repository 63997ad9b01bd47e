#include "device_cert.h"

#include <string.h>

#include "base/text.h"
#include "identity/pki.h"

#include "trust.h"

enum { PERIOD_MS = 2000 };

static bool is_better(const struct pki_cert *cert, const struct pki_cert *best, uint64_t not_after)
{
    bool this = cert->not_after == (int64_t)not_after, that = best->not_after == (int64_t)not_after;
    return this != that ? this : cert->not_before > best->not_before;
}

void device_cert_find(struct registry *registry, const char *id, uint64_t not_after,
                      struct ui_device_cert *out)
{
    char path[REGISTRY_FILES][FILES_PATH_MAX];
    struct pki_cert cert, best = { 0 };
    uint32_t count = registry ? registry_files(registry, id, path) : 0;

    memset(out, 0, sizeof(*out));
    out->known = registry ? UI_CERT_NONE : UI_CERT_NO_AUTHORITY;
    out->status_not_after = (int64_t)not_after;
    text_copy(out->id, sizeof(out->id), id);
    for (uint32_t i = 0; i < count; i++) {
        if (pki_cert_read(path[i], &cert, NULL) != 0 || strcmp(cert.cn, id) != 0)
            continue;
        if (out->issued++ == 0 || is_better(&cert, &best, not_after))
            best = cert;
    }
    if (out->issued == 0)
        return;
    out->known = UI_CERT_ISSUED;
    trust_cert(&best, &out->cert);
}

bool device_cert_work(struct device_cert *c, struct registry *registry, const struct fleet *fleet,
                      const char *id, int64_t now_ms)
{
    struct ui_device_cert next;
    uint32_t at = *id ? fleet_find(fleet, id) : FLEET_NONE;

    if (at == FLEET_NONE)
        return false;
    uint64_t not_after = fleet_device(fleet, at)->cert_not_after;
    bool same = strcmp(c->picture.id, id) == 0 && c->not_after == not_after;
    if (same && now_ms - c->read_ms < PERIOD_MS && now_ms >= c->read_ms)
        return false;
    c->read_ms = now_ms;
    c->not_after = not_after;
    device_cert_find(registry, id, not_after, &next);
    if (memcmp(&next, &c->picture, sizeof(next)) == 0)
        return false;
    memcpy(&c->picture, &next, sizeof(next));
    return true;
}
