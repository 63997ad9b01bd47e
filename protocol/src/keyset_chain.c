#include "protocol/keyset.h"

#include <string.h>

/* The chain of keysets: version n says who may make version n + 1. */

enum reason keyset_follows_in(union keyset_work *work, const char *json, size_t len,
                              const struct crypto *c, const struct keyset *now, struct keyset *next)
{
    enum reason r = keyset_open_in(work, json, len, next);

    if (r != REASON_NONE)
        return r;
    if (strcmp(next->fleet, now->fleet) != 0)
        return REASON_WRONG_FLEET;
    /* A jump would skip the version that took a root key away. */
    if (now->version == UINT32_MAX || next->version != now->version + 1)
        return REASON_BAD_KEYSET;
    if (next->seq_floor < now->seq_floor)
        return REASON_BAD_KEYSET;
    r = keyset_verify_in(work, json, len, c, now);
    return r == REASON_NONE ? keyset_verify_in(work, json, len, c, next) : r;
}
