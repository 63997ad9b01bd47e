#include "rollout/budget.h"

/* `failed` of the sample in place of as many that did well. */
static int stops_of(const struct gate_rule *rule, const struct gate_counts *counts, uint32_t failed)
{
    struct gate_counts c = *counts;

    c.done = counts->done + counts->failed - failed;
    c.failed = failed;
    return gate_must_stop(rule, &c);
}

/* The sample grown by `more` failures. */
static int stops_with(const struct gate_rule *rule, const struct gate_counts *counts, uint32_t more)
{
    struct gate_counts c = *counts;

    c.failed += more;
    return gate_must_stop(rule, &c);
}

typedef int stops_fn(const struct gate_rule *rule, const struct gate_counts *counts, uint32_t n);

/* The least n up to `most` that stops; more failures never help. BUDGET_NONE when none does. */
static uint32_t least(stops_fn *stops, const struct gate_rule *rule,
                      const struct gate_counts *counts, uint32_t most)
{
    uint32_t low = 0, high = most;

    if (!stops(rule, counts, most))
        return BUDGET_NONE;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (stops(rule, counts, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void gate_budget(const struct gate_rule *rule, const struct gate_counts *counts,
                 struct gate_budget *out)
{
    uint32_t sample = counts->done + counts->failed;
    uint32_t ended = sample + counts->other + counts->silent;
    uint32_t left = counts->total > ended ? counts->total - ended : 0;

    out->stop_at = sample ? least(stops_of, rule, counts, sample) : BUDGET_NONE;
    out->stop_rate = out->stop_at == BUDGET_NONE ? 1 : (double)out->stop_at / sample;
    out->more = least(stops_with, rule, counts, left);
}
