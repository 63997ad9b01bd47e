#ifndef APP_KEEPING_H
#define APP_KEEPING_H

#include <stdint.h>

#include "base/log.h"
#include "base/profile.h"
#include "store/keep.h"

/* The journal's retention, by whoever leads: once an hour, a bounded piece per call. */
struct keeping {
    int64_t next_ms;
    struct store_pruned gone; /* in this round */
};

/* What the profile says. */
void keeping_of(const struct profile *p, struct store_keep *out);
void keeping_tick(struct keeping *k, const struct profile *p, struct store *store,
                  const struct log *log, int64_t now_ms);

#endif
