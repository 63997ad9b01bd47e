#include "keeping.h"

enum { HOUR_MS = 3600000, FIRST_MS = 30000 };

void keeping_of(const struct profile *p, struct store_keep *out)
{
    out->age_ms = (int64_t)p->journal_keep_days * 86400000;
    out->bytes = (int64_t)p->journal_max_mb * 1000000;
}

void keeping_tick(struct keeping *k, const struct profile *p, struct store *store,
                  const struct log *log, int64_t now_ms)
{
    struct store_keep keep;
    struct err err;

    if (k->next_ms == 0)
        k->next_ms = now_ms + FIRST_MS;
    if (now_ms < k->next_ms)
        return;
    keeping_of(p, &keep);
    int rc = store_prune(store, &keep, now_ms, &k->gone, &err);
    if (rc == 1)
        return;
    k->next_ms = now_ms + HOUR_MS;
    if (rc < 0)
        log_say(log, LOG_WARN, "the journal was not pruned: %s", err.text);
    else if (k->gone.rollouts > 0)
        log_say(log, LOG_INFO, "the journal let go of %u rollouts with %u devices",
                k->gone.rollouts, k->gone.devices);
    k->gone = (struct store_pruned){ 0 };
}
