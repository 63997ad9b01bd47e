/* From a plan and what is known of the fleet to the exact devices of each stage. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "protocol/hex.h"
#include "protocol/id.h"
#include "protocol/slot.h"
#include "rollout/plan.h"

#define NOT_NAMED UINT32_MAX

/* A device on its way into the set. `named`: index in plan.named. */
struct entry {
    uint32_t candidate, named;
    uint64_t rank;
    const char *id;
};

const char *plan_excluded_text(enum plan_excluded why)
{
    switch (why) {
#define X(name, text)                                                                              \
    case PLAN_EXCLUDED_##name:                                                                     \
        return text;
        PLAN_EXCLUDED_MAP(X)
#undef X
    case PLAN_EXCLUDED_COUNT:
        break;
    }
    return "unknown";
}

static bool runs_it(const struct plan_candidate *c, const char *image)
{
    return strcmp(c->image, image) == 0;
}

const char *plan_label(const struct plan_candidate *candidate, const char *key)
{
    size_t len = strlen(key);

    for (uint32_t i = 0; i < candidate->group_count && i < PROTO_GROUP_COUNT; i++) {
        const char *group = candidate->group[i];
        if (strncmp(group, key, len) == 0 && group[len] == ':' && group[len + 1] != '\0')
            return group + len + 1;
    }
    return NULL;
}

/* The same questions in the same order as the device will ask them, as far as its status tells. */
static enum plan_excluded judge(const struct rollout_plan *plan, const struct release *release,
                                const char *image, const struct plan_candidate *c, int64_t now_ms)
{
    if (!id_is_valid(c->id, strlen(c->id)))
        return PLAN_EXCLUDED_BAD_ID;
    if (c->product[0] == '\0' || c->image[0] == '\0')
        return PLAN_EXCLUDED_NO_STATUS;
    if (strcmp(c->product, release->product) != 0)
        return PLAN_EXCLUDED_WRONG_PRODUCT;
    if (runs_it(c, image))
        return PLAN_EXCLUDED_ALREADY_THERE;
    if (!release_fits_hw(release, c->hw))
        return PLAN_EXCLUDED_WRONG_HW;
    if (c->release_seq >= release->seq)
        return PLAN_EXCLUDED_DOWNGRADE;
    if (c->security > release->security)
        return PLAN_EXCLUDED_SECURITY;
    if (release->min_from[0] != '\0' && semver_compare(c->fw, release->min_from) < 0)
        return PLAN_EXCLUDED_PRECURSOR;
    if (c->agent < release->min_agent)
        return PLAN_EXCLUDED_AGENT_TOO_OLD;
    if (!c->online && plan->max_offline_s > 0 &&
        now_ms - c->last_seen_ms > (int64_t)plan->max_offline_s * 1000)
        return PLAN_EXCLUDED_OFFLINE;
    if (c->cert_not_after > 0 && c->cert_not_after < (uint64_t)(now_ms / 1000) + plan->deadline_s)
        return PLAN_EXCLUDED_CERT_EXPIRES;
    if (c->failed_before && !plan->include_failed)
        return PLAN_EXCLUDED_FAILED_BEFORE;
    if (plan_is_in_device_time(plan) && !plan_label(c, PLAN_TZ_LABEL))
        return PLAN_EXCLUDED_NO_ZONE;
    return PLAN_EXCLUDED_COUNT;
}

enum plan_excluded plan_judge(const struct rollout_plan *plan, const struct release *release,
                              const struct plan_candidate *candidate, int64_t now_ms)
{
    char image[PROTO_SHA256_HEX];

    hex_encode(release->sha256, PROTO_SHA256_LEN, image);
    return judge(plan, release, image, candidate, now_ms);
}

static uint32_t find_named(const struct rollout_plan *plan, const char *id)
{
    for (uint32_t i = 0; i < plan->named_count; i++)
        if (strcmp(plan->named[i], id) == 0)
            return i;
    return NOT_NAMED;
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    /* Named devices in front, as the plan has them; the others by rank. */
    if (x->named != y->named)
        return x->named < y->named ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return strcmp(x->id, y->id);
}

uint32_t plan_stage_target(const struct plan_stage *stage, uint32_t total)
{
    uint64_t share = ((uint64_t)stage->share_ppm * total + 999999) / 1000000;

    if (stage->count > share)
        share = stage->count;
    return share < total ? (uint32_t)share : total;
}

static void exclude(struct plan_set *set, uint32_t candidate, enum plan_excluded why)
{
    set->excluded[set->excluded_count].candidate = candidate;
    set->excluded[set->excluded_count++].why = why;
    set->why_count[why]++;
}

static void take(struct plan_set *set, const struct entry *e, uint32_t stage)
{
    set->member[set->count++] =
        (struct plan_member){ .candidate = e->candidate, .stage = stage, .rank = e->rank };
}

/* `entry`: `named` named ones, then the rest by rank. A named one that comes in a later stage is
 * kept for it. */
static void cut(const struct rollout_plan *plan, const struct entry *entry, uint32_t total,
                uint32_t named, struct plan_set *set)
{
    uint32_t next = named;

    for (uint32_t s = 0; s < plan->stage_count; s++) {
        const struct plan_stage *stage = &plan->stage[s];
        uint32_t target = plan_stage_target(stage, total);

        set->stage_first[s] = set->count;
        for (uint32_t i = 0; i < named; i++)
            if (entry[i].named - stage->named_first < stage->named_count)
                take(set, &entry[i], s);
        while (set->count < target && next < total)
            take(set, &entry[next++], s);
        set->stage_size[s] = set->count - set->stage_first[s];
    }
    while (next < total)
        exclude(set, entry[next++].candidate, PLAN_EXCLUDED_BEYOND);
}

static int all_named_seen(const struct rollout_plan *plan, const bool *seen, struct err *err)
{
    for (uint32_t s = 0; s < plan->stage_count; s++) {
        const struct plan_stage *stage = &plan->stage[s];
        for (uint32_t i = 0; i < stage->named_count; i++)
            if (!seen[stage->named_first + i])
                return err_set(err, EXIT_USAGE,
                               "stages[%u].devices: \"%s\" is not among the devices that the "
                               "target matches: check its spelling and the target",
                               s, plan->named[stage->named_first + i]);
    }
    return 0;
}

/* "target: none of the 5 devices that match can take it: 4 already runs it; 1 agent too old" */
static int nobody(const struct plan_set *set, uint32_t count, struct err *err)
{
    char why[400] = "";

    for (int i = 0; i < PLAN_EXCLUDED_COUNT; i++) {
        size_t len = strlen(why);
        if (set->why_count[i] > 0)
            text_format(why + len, sizeof(why) - len, "%s%u: %s", len > 0 ? "; " : "",
                        set->why_count[i], plan_excluded_text((enum plan_excluded)i));
    }
    return err_set(err, EXIT_NO, "target: none of the %u devices that match can take it (%s)",
                   count, why);
}

int plan_resolve(const struct rollout_plan *plan, const struct release *release,
                 const char *rollout_id, const struct crypto *crypto,
                 const struct plan_candidate *candidate, uint32_t count, int64_t now_ms,
                 struct plan_set *out, struct err *err)
{
    char image[PROTO_SHA256_HEX];
    bool seen[PLAN_NAMED] = { false };
    uint32_t total = 0;
    uint32_t named = 0;

    memset(out, 0, sizeof(*out));
    if (count == 0)
        return err_set(err, EXIT_NO, "target: no device matches%s%s%s", plan->target[0] ? " '" : "",
                       plan->target, plan->target[0] ? "'" : "");
    if (count > PLAN_DEVICES)
        return err_set(err, EXIT_USAGE, "target: %u devices match, at most %u in one rollout",
                       count, PLAN_DEVICES);
    hex_encode(release->sha256, PROTO_SHA256_LEN, image);
    out->member = mem_array(count, sizeof(*out->member));
    out->excluded = mem_array(count, sizeof(*out->excluded));
    struct entry *entry = mem_array(count, sizeof(*entry));

    for (uint32_t i = 0; i < count; i++) {
        const struct plan_candidate *c = &candidate[i];
        uint32_t name = find_named(plan, c->id);
        enum plan_excluded why = judge(plan, release, image, c, now_ms);

        if (name != NOT_NAMED)
            seen[name] = true;
        if (why != PLAN_EXCLUDED_COUNT) {
            exclude(out, i, why);
            continue;
        }
        named += name != NOT_NAMED;
        entry[total++] = (struct entry){ .candidate = i,
                                         .named = name,
                                         .rank = rank_value(crypto, rollout_id, c->id),
                                         .id = c->id };
    }
    if (plan->precursor == PLAN_PRECURSOR_REFUSE && out->why_count[PLAN_EXCLUDED_PRECURSOR] > 0) {
        uint32_t old = out->why_count[PLAN_EXCLUDED_PRECURSOR];
        free(entry);
        plan_set_free(out);
        return err_set(
            err, EXIT_NO,
            "precursor: %u devices are too old for this release; bring them to %s first, "
            "or say \"skip\"",
            old, release->min_from);
    }
    qsort(entry, total, sizeof(*entry), by_place);
    cut(plan, entry, total, named, out);
    free(entry);

    if (all_named_seen(plan, seen, err) != 0) {
        plan_set_free(out);
        return -1;
    }
    if (out->count == 0) {
        plan_set_free(out);
        return nobody(out, count, err);
    }
    return 0;
}

void plan_set_free(struct plan_set *set)
{
    free(set->member);
    free(set->excluded);
    set->member = NULL;
    set->excluded = NULL;
    set->count = 0;
    set->excluded_count = 0;
}
