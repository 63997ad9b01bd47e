#include "planning.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "files/files.h"
#include "fleet/filter.h"
#include "protocol/hex.h"
#include "rollout_json/plan_json.h"
#include "screens/candidate.h"

#include "zone_file.h"

enum { ID_TRIES = 8 };

uint32_t planning_candidates(const struct fleet *fleet, struct filter *filter, int64_t now_ms,
                             struct plan_candidate **out)
{
    uint32_t count = 0;

    *out = mem_array(fleet_count(fleet), sizeof(**out));
    for (uint32_t i = 0; i < fleet_span(fleet); i++) {
        const struct fleet_device *d = fleet_device(fleet, i);
        if (d && filter_match(filter, fleet, d, now_ms))
            (*out)[count++] = candidate_of(fleet, d);
    }
    return count;
}

uint32_t planning_candidates_of(const struct fleet *fleet, char (*ids)[PROTO_ID_MAX], size_t count,
                                struct plan_candidate **out)
{
    uint32_t n = 0;

    *out = mem_array(count, sizeof(**out));
    for (size_t i = 0; i < count; i++) {
        uint32_t at = fleet_find(fleet, ids[i]);
        const struct fleet_device *d = at == FLEET_NONE ? NULL : fleet_device(fleet, at);
        if (d)
            (*out)[n++] = candidate_of(fleet, d);
    }
    return n;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void mark_failed(struct store *store, const char *image, struct plan_candidate *candidate,
                        uint32_t count)
{
    char(*id)[PROTO_ID_MAX];
    uint32_t n = store_failed_before(store, image, &id, NULL);

    for (uint32_t i = 0; i < count && n > 0; i++)
        candidate[i].failed_before = bsearch(candidate[i].id, id, n, sizeof(*id), by_id) != NULL;
    free(id);
}

/* A zone is looked up once, however many devices are in it. */
static void forget_unknown_zones(struct plan_candidate *candidate, uint32_t count)
{
    struct zone *zone = mem_alloc(sizeof(*zone));
    const char *good = "";

    for (uint32_t i = 0; i < count; i++) {
        const char *name = plan_label(&candidate[i], PLAN_TZ_LABEL);
        if (!name || strcmp(name, good) == 0)
            continue;
        if (zone_load(zone, NULL, name, NULL) == 0)
            good = name;
        else
            for (uint32_t g = 0; g < candidate[i].group_count; g++)
                if (candidate[i].group[g] + sizeof(PLAN_TZ_LABEL) == name)
                    candidate[i].group[g] = "";
    }
    free(zone);
}

void planning_mark(struct store *store, const char *image, struct plan_candidate *candidate,
                   uint32_t count)
{
    if (store)
        mark_failed(store, image, candidate, count);
    forget_unknown_zones(candidate, count);
}

int planning_keyset(const struct profile *profile, struct keyset *out, struct err *err)
{
    char *text;
    size_t len;

    if (!profile->trust.keyset[0])
        return err_set(err, EXIT_USAGE, "%s: [trust] keyset is missing: releases can't be checked",
                       profile->path);
    if (files_read(profile->trust.keyset, PROTO_KEYSET_BYTES, &text, &len, err))
        return -1;
    enum reason reason = keyset_open(text, len, out);
    free(text);
    if (reason != REASON_NONE)
        return err_set(err, EXIT_USAGE, "%s: %s", profile->trust.keyset, reason_text(reason));
    return 0;
}

const struct release_entry *planning_release(const struct profile *profile,
                                             const struct release_store *releases,
                                             const struct crypto *crypto, const char *name,
                                             struct err *err)
{
    struct keyset keys;
    struct release checked;
    const struct release_entry *entry = release_store_find_name(releases, name, err);

    if (!entry || planning_keyset(profile, &keys, err))
        return NULL;
    enum reason reason = release_check(entry->jws, entry->jws_len, crypto, &keys.keys, &checked);
    if (reason != REASON_NONE) {
        err_set(err, EXIT_REFUSED, "release %s is not trusted: %s", name, reason_text(reason));
        return NULL;
    }
    return entry;
}

static int describe(const struct release_entry *entry, struct rollout_release *out)
{
    memset(out, 0, sizeof(*out));
    out->size = entry->release.size;
    out->seq = entry->release.seq;
    return text_copy(out->product, sizeof(out->product), entry->release.product) &&
                   text_copy(out->version, sizeof(out->version), entry->release.version) &&
                   text_copy(out->image, sizeof(out->image), entry->image) &&
                   hex_decode(entry->digest, strlen(entry->digest), out->digest,
                              sizeof(out->digest)) == 0
               ? 0
               : -1;
}

static int keep(const struct planning *p, const char *id, const struct plan_set *set,
                int64_t now_ms, int64_t *act, struct err *err)
{
    struct rollout_release release;
    int rc;

    if (describe(p->release, &release))
        return err_set(err, EXIT_USAGE, "release %s is malformed", p->release->ref);
    char *json = plan_encode(p->plan);
    struct rollout *r = rollout_new(id, p->plan, &release, p->candidate, set, now_ms);
    struct store_rollout_new row = {
        .rollout = r, .plan_json = json, .release_jws = p->release->jws, .who = p->who
    };
    rc = store_rollout_create(p->store, &row, now_ms, act, err);
    rollout_free(r);
    free(json);
    return rc;
}

/* Two live rollouts that pull at one device would undo each other. */
int planning_check_free(struct store *store, const struct plan_candidate *candidate,
                        const struct plan_set *set, struct err *err)
{
    char other[PROTO_ROLLOUT_MAX];

    for (uint32_t i = 0; i < set->count; i++) {
        const char *id = candidate[set->member[i].candidate].id;
        int rc = store_device_rollout(store, id, other, err);
        if (rc < 0)
            return -1;
        if (rc > 0)
            return err_set(err, EXIT_REFUSED,
                           "%s is still in rollout %s: wait for its end, or end it with 'muster "
                           "rollout abort %s'",
                           id, other, other);
    }
    return 0;
}

int planning_check_zone(const struct rollout_plan *plan, struct err *err)
{
    if (plan->window.days == 0 || plan_is_in_device_time(plan))
        return 0;
    struct zone *zone = mem_alloc(sizeof(*zone));
    int rc = zone_load(zone, NULL, plan->window.tz, err);
    free(zone);
    return rc == 0 ? 0 : err_prefix(err, "window.tz");
}

/* As keep(): 1 when the id has been taken meanwhile. */
static int resolve_and_keep(const struct planning *p, const char *id, int64_t now_ms, int64_t *act,
                            struct err *err)
{
    struct plan_set set;

    if (plan_resolve(p->plan, &p->release->release, id, p->crypto, p->candidate, p->count, now_ms,
                     &set, err))
        return -1;
    int rc = planning_check_free(p->store, p->candidate, &set, err)
                 ? -1
                 : keep(p, id, &set, now_ms, act, err);
    plan_set_free(&set);
    return rc;
}

int planning_start(const struct planning *p, int64_t now_ms, char id[PROTO_ROLLOUT_MAX],
                   int64_t *act, struct err *err)
{
    bool given = id[0];
    int rc = -1;

    if (!p->profile->gateway.url[0])
        return err_set(err, EXIT_USAGE,
                       "%s: [gateway] url is missing: devices would not know where to download",
                       p->profile->path);
    if (plan_check(p->plan, err) || planning_check_zone(p->plan, err))
        return -1;
    struct plan_candidate *marked = mem_array(p->count, sizeof(*marked));
    struct planning own = *p;
    for (uint32_t i = 0; i < p->count; i++)
        marked[i] = p->candidate[i];
    own.candidate = marked;
    planning_mark(p->store, p->release->image, marked, p->count);
    for (int tries = 0; tries < ID_TRIES; tries++) { /* others may start one in the same moment */
        rc = given ? 0 : store_rollout_next_id(p->store, now_ms, id, err);
        if (rc == 0)
            rc = resolve_and_keep(&own, id, now_ms, act, err);
        if (rc <= 0 || given)
            break;
    }
    free(marked);
    return rc == 0 ? 0 : -1;
}

void planning_give_up(struct store *store, const char *who, const char *id, int64_t now_ms)
{
    store_act_add(store, who, id, ROLLOUT_ACT_ABORT, now_ms, NULL, NULL);
}
