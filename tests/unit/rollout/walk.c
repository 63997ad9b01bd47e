#include "walk.h"

#include <stdlib.h>

#include "base/mem.h"
#include "rollout/gate.h"

#define RARE 1e-20

/* The last n up to `most` with which `failed` still stop. More devices make them less telling, so
 * it is found by doubling and halving. */
static uint32_t holds_until(double allowed, double alpha, uint32_t failed, uint32_t n,
                            uint32_t most)
{
    uint32_t step = 1;

    while (n + step <= most && gate_test(allowed, alpha, failed, n + step))
        step *= 2;
    uint32_t low = n + step / 2, high = n + step < most ? n + step : most + 1;
    if (step == 1)
        low = n;
    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;
        if (gate_test(allowed, alpha, failed, middle))
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t *walk_boundary(double allowed, double alpha, uint32_t most)
{
    uint32_t *bound = mem_array(most + 1, sizeof(*bound));
    uint32_t k = 1;

    bound[0] = 1;
    for (uint32_t n = 1; n <= most;) {
        while (k <= n && !gate_test(allowed, alpha, k, n))
            k++;
        uint32_t last = k <= n ? holds_until(allowed, alpha, k, n, most) : n;
        for (; n <= last; n++)
            bound[n] = k;
    }
    return bound;
}

void walk_run(struct walk *out, const uint32_t *bound, uint32_t most, double rate)
{
    double *mass = mem_array(most + 2, sizeof(*mass));
    uint32_t low = 0, high = 0;
    double sum = 0, weighted = 0;

    out->stopped = mem_array(most + 1, sizeof(*out->stopped));
    out->lost = 0;
    mass[0] = 1;
    for (uint32_t n = 1; n <= most; n++) {
        high++;
        for (uint32_t k = high; k > low; k--)
            mass[k] = mass[k] * (1 - rate) + mass[k - 1] * rate;
        mass[low] *= 1 - rate;
        for (; high >= bound[n] && high >= low; high--) {
            sum += mass[high];
            weighted += mass[high] * n;
            mass[high] = 0;
            if (high == 0)
                break;
        }
        for (; low < high && mass[low] < RARE; low++)
            out->lost += mass[low];
        for (; high > low && mass[high] < RARE; high--) {
            out->lost += mass[high];
            mass[high] = 0;
        }
        out->stopped[n] = sum;
    }
    out->mean_stop = sum > 0 ? weighted / sum : 0;
    free(mass);
}

void walk_free(struct walk *walk)
{
    free(walk->stopped);
}
