#include "late.h"

#include <string.h>

#include "protocol/jws.h"

int late_release(const char *text, struct release *out)
{
    struct jws jws;
    uint8_t json[PROTO_RELEASE_BYTES];

    if (jws_open(text, strlen(text), JWS_RELEASE, REASON_BAD_RELEASE, &jws) != REASON_NONE)
        return -1;
    int len = jws_payload(&jws, json, sizeof(json));
    return len >= 0 && release_decode((const char *)json, (size_t)len, out) == REASON_NONE ? 0 : -1;
}

bool late_is_wanted(const struct rollout *r)
{
    return r->plan.late == PLAN_LATE_JOIN &&
           (r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_FINISHING);
}

uint32_t late_pick(const struct rollout *r, const struct release *release, struct store *store,
                   const struct plan_candidate *candidate, uint32_t count, int64_t now_ms,
                   struct plan_candidate out[ROLLOUT_JOINS])
{
    char other[PROTO_ROLLOUT_MAX];
    uint32_t n = 0;

    for (uint32_t i = 0; i < count && n < ROLLOUT_JOINS; i++) {
        const struct plan_candidate *c = &candidate[i];
        if (rollout_find(r, c->id) == ROLLOUT_NO_DEVICE &&
            plan_judge(&r->plan, release, c, now_ms) == PLAN_EXCLUDED_COUNT &&
            store_device_rollout(store, c->id, other, NULL) == 0)
            out[n++] = *c;
    }
    return n;
}
