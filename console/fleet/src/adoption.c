#include "fleet/adoption.h"

#include <string.h>

#include "base/text.h"

static const struct fleet_device *counted(const struct fleet *fleet, uint32_t index,
                                          struct filter *filter, int64_t now_ms)
{
    const struct fleet_device *d = fleet_device(fleet, index);
    return d && d->has_status && (!filter || filter_match(filter, fleet, d, now_ms)) ? d : NULL;
}

static void count_cert(const struct fleet_device *d, uint64_t now_s, struct adoption *a)
{
    if (!d->cert_not_after) {
        a->cert_unknown++;
        return;
    }
    if (d->cert_not_after <= now_s) {
        a->cert_ended++;
        return;
    }
    a->cert_soon += d->cert_not_after < now_s + ADOPTION_CERT_SOON_S;
    if (!a->cert_first || d->cert_not_after < a->cert_first) {
        a->cert_first = d->cert_not_after;
        text_copy(a->cert_of, sizeof(a->cert_of), d->id);
    }
}

static void count_one(const struct fleet_device *d, struct adoption *a)
{
    a->devices++;
    if (d->keyset == 0)
        a->unknown++;
    else if (d->keyset >= a->version)
        a->have++;
    else if (d->keyset + 1 == a->version)
        a->before++;
    else
        a->older++;
    if (d->security == 0)
        return;
    if (!a->security_least || d->security < a->security_least)
        a->security_least = d->security;
    if (d->security > a->security_most)
        a->security_most = d->security;
}

void adoption_count(const struct fleet *fleet, struct filter *filter, uint32_t version,
                    int64_t now_ms, struct adoption *out)
{
    *out = (struct adoption){ .version = version };
    for (uint32_t i = 0; i < fleet_span(fleet); i++) {
        const struct fleet_device *d = counted(fleet, i, filter, now_ms);
        if (!d)
            continue;
        count_one(d, out);
        count_cert(d, (uint64_t)(now_ms / 1000), out);
    }
}

bool adoption_is_enough(const struct adoption *a)
{
    return a->devices > 0 && (uint64_t)a->have * 100 >= (uint64_t)a->devices * 99;
}

uint32_t adoption_behind(const struct fleet *fleet, struct filter *filter, uint32_t version,
                         int64_t now_ms, char (*id)[PROTO_ID_MAX], uint32_t cap)
{
    uint32_t count = 0;

    for (uint32_t i = 0; cap > 0 && i < fleet_span(fleet); i++) {
        const struct fleet_device *d = counted(fleet, i, filter, now_ms);
        if (!d || d->keyset == 0 || d->keyset >= version)
            continue;
        uint32_t at = count;
        while (at > 0) {
            const struct fleet_device *other = fleet_device(fleet, fleet_find(fleet, id[at - 1]));
            if (other->keyset < d->keyset ||
                (other->keyset == d->keyset && strcmp(other->id, d->id) < 0))
                break;
            at--;
        }
        if (at == cap)
            continue;
        count += count < cap;
        memmove(id[at + 1], id[at], (count - 1 - at) * sizeof(*id));
        text_copy(id[at], sizeof(*id), d->id);
    }
    return count;
}
