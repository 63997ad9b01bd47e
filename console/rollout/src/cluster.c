#include "rollout/cluster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ROUNDING 1e-9 /* 1 in 10 is 0.1, and a hair more when computed */

/* How often a trait was seen: among all with a result, among the failed, by reason. */
struct seen {
    struct cluster_trait trait;
    uint32_t all, failed;
    uint32_t reason[CLUSTER_REASONS];
};

struct clusters {
    struct seen seen[CLUSTER_TRAITS];
    uint32_t seen_count;
    uint16_t slot[2 * CLUSTER_TRAITS]; /* hash: index in seen + 1 */
    uint32_t total, failed;
    uint32_t reason[CLUSTER_REASONS];
};

const char *cluster_factor_word(enum cluster_factor factor)
{
    static const char *const words[CLUSTER_FACTORS] = {
#define X(name, word) word,
        CLUSTER_FACTOR_MAP(X)
#undef X
    };
    return (unsigned)factor < CLUSTER_FACTORS ? words[factor] : "";
}

struct clusters *clusters_new(void)
{
    return mem_alloc(sizeof(struct clusters));
}

void clusters_free(struct clusters *c)
{
    free(c);
}

void clusters_clear(struct clusters *c)
{
    memset(c, 0, sizeof(*c));
}

static bool same(const struct cluster_trait *a, const struct cluster_trait *b)
{
    return a->factor == b->factor && a->word == b->word;
}

/* NULL when there is no room for another trait. */
static struct seen *seen_of(struct clusters *c, const struct cluster_trait *trait)
{
    const uint32_t slots = 2 * CLUSTER_TRAITS;
    uint32_t at = ((uint32_t)trait->word * 2654435761u + trait->factor * 40503u) % slots;

    for (; c->slot[at]; at = (at + 1) % slots) {
        struct seen *s = &c->seen[c->slot[at] - 1];
        if (same(&s->trait, trait))
            return s;
    }
    if (c->seen_count == CLUSTER_TRAITS)
        return NULL;
    c->seen[c->seen_count].trait = *trait;
    c->slot[at] = (uint16_t)++c->seen_count;
    return &c->seen[c->seen_count - 1];
}

void clusters_add(struct clusters *c, const struct cluster_device *device)
{
    uint32_t reason = device->reason < CLUSTER_REASONS ? device->reason : 0;

    c->total++;
    c->failed += device->failed;
    c->reason[reason] += device->failed;
    for (uint32_t i = 0; i < device->trait_count && i < CLUSTER_PER_DEVICE; i++) {
        struct seen *s = device->trait[i].word ? seen_of(c, &device->trait[i]) : NULL;
        if (!s)
            continue;
        s->all++;
        s->failed += device->failed;
        s->reason[reason] += device->failed;
    }
}

/* ln of "n choose k". */
static double choose(uint32_t n, uint32_t k)
{
    return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma((double)(n - k) + 1.0);
}

double cluster_tail(uint32_t N, uint32_t K, uint32_t n, uint32_t k)
{
    uint32_t most = n < K ? n : K;
    uint32_t least = n + K > N ? n + K - N : 0;
    double sum = 0, term;

    if (k <= least)
        return 1;
    for (uint32_t x = k; x <= most; x++) {
        term = exp(choose(K, x) + choose(N - K, n - x) - choose(N, n));
        sum += term;
        if (term < sum * 1e-12)
            break;
    }
    return fmin(sum, 1);
}

/* Does `s`, which `with` of the cluster's devices have, stand out more than what is in `out`? */
static void consider(const struct clusters *c, const struct seen *s, uint32_t with,
                     struct cluster *out)
{
    bool often = with >= 2 && 2 * (uint64_t)with >= out->failed;

    if (!often)
        return;
    if (out->common_count && with == out->with && s->all == out->all_with) {
        if (out->common_count < CLUSTER_ALIKE)
            out->common[out->common_count++] = s->trait;
        return;
    }
    double p = cluster_tail(c->total, s->all, out->failed, with);
    if (p > CLUSTER_P_NAMED + ROUNDING || (out->common_count && p >= out->p))
        return;
    out->common[0] = s->trait;
    out->common_count = 1;
    out->with = with;
    out->all_with = s->all;
    out->p = p;
    out->strong = p <= CLUSTER_P_STRONG + ROUNDING;
}

uint32_t clusters_list(const struct clusters *c, struct cluster *out, uint32_t cap)
{
    uint32_t count = 0;

    for (uint32_t reason = 0; reason < CLUSTER_REASONS; reason++) {
        struct cluster one = { .reason = (uint8_t)reason,
                               .failed = c->reason[reason],
                               .total = c->total };
        if (one.failed == 0)
            continue;
        for (uint32_t i = 0; i < c->seen_count; i++)
            consider(c, &c->seen[i], c->seen[i].reason[reason], &one);
        uint32_t at = count < cap ? count++ : cap;
        while (at > 0 && out[at - 1].failed < one.failed) {
            if (at < cap)
                out[at] = out[at - 1];
            at--;
        }
        if (at < cap)
            out[at] = one;
    }
    return count;
}

void clusters_whole(const struct clusters *c, struct cluster *out)
{
    *out = (struct cluster){ .failed = c->failed, .total = c->total };
    for (uint32_t i = 0; i < c->seen_count; i++)
        consider(c, &c->seen[i], c->seen[i].failed, out);
}
