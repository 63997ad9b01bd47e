/* What a plan will look like, before anything is sent. */
#include <math.h>
#include <string.h>

#include "rollout/gate.h"
#include "rollout/plan.h"

/* Most failures of n with which the gate still says go. */
static uint32_t tolerated(double allowed, double confidence, uint32_t n)
{
    uint32_t low = 0;
    uint32_t high = (uint32_t)floor(allowed * n + 1e-9);

    if (n < gate_clean_needed(allowed, confidence))
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (gate_upper(middle, n, confidence) <= allowed)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static double peak_mean(uint32_t devices, double download_s, uint32_t jitter_s)
{
    return jitter_s > download_s ? devices * download_s / jitter_s : devices;
}

/* How long a stage takes when every device does its best: in_flight at a time, each waits half the
 * jitter on average, the last one nearly all of it. */
static double stage_seconds(const struct rollout_plan *plan, uint32_t stage, uint32_t size,
                            double download_s)
{
    if (size == 0)
        return 0;
    double waves = ceil((double)size / plan->in_flight);
    double each = download_s + plan->trial_s;

    return (waves - 1) * (plan->jitter_s / 2.0 + each) + plan->jitter_s + each +
           plan->stage[stage].soak_s;
}

void plan_preview(const struct rollout_plan *plan, const struct plan_set *set, uint32_t size,
                  uint32_t rate, struct plan_preview *out)
{
    double start_s = 0;
    uint32_t sum = 0;

    memset(out, 0, sizeof(*out));
    out->download_s = rate > 0 ? (double)size / rate : 0;
    out->stage_count = plan->stage_count;
    out->devices = set->count;
    out->bytes = (uint64_t)set->count * size;
    for (uint32_t s = 0; s < plan->stage_count; s++) {
        uint32_t count = set->stage_size[s];
        uint32_t wave = count < plan->in_flight ? count : plan->in_flight;
        double allowed = plan_stage_allowed(plan, s);
        double mean = peak_mean(wave, out->download_s, plan->jitter_s);

        sum += count;
        out->stage[s].size = count;
        out->stage[s].cumulative = sum;
        out->stage[s].bytes = (uint64_t)count * size;
        out->stage[s].tolerated = tolerated(allowed, plan->gate.confidence, sum);
        out->stage[s].clean_upper = gate_upper(0, sum, plan->gate.confidence);
        out->stage[s].clean_needed =
            gate_clean_needed(plan->gate.allowed_failure, plan->gate.confidence);
        out->stage[s].peak_mean = mean;
        out->stage[s].peak_high = fmin(wave, mean + 4 * sqrt(mean));
        out->stage[s].earliest_s = (int64_t)start_s;
        start_s += stage_seconds(plan, s, count, out->download_s);
    }
}

uint32_t plan_jitter_for_peak(uint32_t devices, double download_s, uint32_t peak)
{
    /* mean + 4 sqrt(mean) <= peak  <=>  sqrt(mean) <= sqrt(4 + peak) - 2 */
    double root = sqrt(4.0 + (peak > 0 ? peak : 1)) - 2.0;
    double jitter = ceil(devices * download_s / (root * root));

    if (devices <= peak)
        return 0;
    return jitter < 4294967295.0 ? (uint32_t)jitter : UINT32_MAX;
}
