#ifndef ROLLOUT_CLUSTER_H
#define ROLLOUT_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What failed devices have in common. Failures are gathered by reason; for each reason, and for all
 * together, the trait (hardware, version it came from, group) is looked for that sets them apart
 * from the devices that did well. A trait that everybody shares explains nothing and is never
 * named.
 *
 * Words are numbers (the caller knows their texts, as fleet_word() does); 0 means not known and is
 * not counted.
 */
#define CLUSTER_FACTOR_MAP(X)                                                                      \
    X(HW, "hw")                                                                                    \
    X(FROM, "from")                                                                                \
    X(GROUP, "group")

enum cluster_factor {
#define X(name, word) CLUSTER_##name,
    CLUSTER_FACTOR_MAP(X)
#undef X
        CLUSTER_FACTORS
};
const char *cluster_factor_word(enum cluster_factor factor); /* never NULL */

#define CLUSTER_PER_DEVICE 10  /* traits of one device; the rest is ignored */
#define CLUSTER_TRAITS     512 /* different ones in all; later ones are ignored */
#define CLUSTER_REASONS    64  /* a reason of that number or above counts as 0 */
#define CLUSTER_ALIKE      3

struct cluster_trait {
    uint8_t factor; /* enum cluster_factor */
    uint16_t word;
};

/* A device with a result, good or bad. */
struct cluster_device {
    bool failed;
    uint8_t reason; /* of a failed one */
    uint8_t trait_count;
    struct cluster_trait trait[CLUSTER_PER_DEVICE]; /* no two alike */
};

/*
 * The trait that stands out, if one does: at least two and at least half of the failed share it,
 * and Fisher's exact test (one-sided: the chance that as many of the failed have it if it had
 * nothing to do with failing, the tail of the hypergeometric distribution) gives at most 0.1. At
 * most 0.01 is called strong; between the two it may well be chance, and the words should say so.
 */
#define CLUSTER_P_NAMED  0.1
#define CLUSTER_P_STRONG 0.01

struct cluster {
    uint8_t reason;
    uint32_t failed; /* devices of the cluster */
    /* Traits that stand out most: several when they hold exactly the same share of both. */
    struct cluster_trait common[CLUSTER_ALIKE];
    uint32_t common_count; /* 0: nothing stands out */
    bool strong;
    uint32_t with;            /* of `failed` have it */
    uint32_t all_with, total; /* of all devices with a result */
    double p;
};

struct clusters;
struct clusters *clusters_new(void); /* free with clusters_free() */
void clusters_free(struct clusters *c);
void clusters_clear(struct clusters *c);
void clusters_add(struct clusters *c, const struct cluster_device *device);

/* The clusters by reason, the largest first (then by reason). Returns how many were written, at
 * most `cap`. */
uint32_t clusters_list(const struct clusters *c, struct cluster *out, uint32_t cap);
/* All failures as one cluster (reason 0). */
void clusters_whole(const struct clusters *c, struct cluster *out);

/* P(X >= k) when n of N are drawn without looking and K of the N have the trait. */
double cluster_tail(uint32_t N, uint32_t K, uint32_t n, uint32_t k);

#endif
