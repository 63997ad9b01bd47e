/* When a plan's stages would start and end, and what they can show, before anything is sent. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "rollout/plan.h"

#define WINDOWS_MOST 4000 /* looked at for one stage: ten years of nights */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Devices of a stage that share a label; 0 without such a cap. */
static uint32_t largest_group(const struct rollout_plan *plan, const struct plan_set *set,
                              const struct plan_candidate *candidate, uint32_t stage)
{
    uint32_t size = set->stage_size[stage], count = 0, run = 0, most = 0;

    if (plan->per_group.by[0] == '\0' || size == 0)
        return 0;
    const char **label = mem_array(size, sizeof(*label));
    for (uint32_t i = 0; i < size; i++) {
        const struct plan_member *m = &set->member[set->stage_first[stage] + i];
        const char *name = plan_label(&candidate[m->candidate], plan->per_group.by);
        if (name)
            label[count++] = name;
    }
    qsort(label, count, sizeof(*label), by_text);
    for (uint32_t i = 0; i < count; i++) {
        run = i > 0 && strcmp(label[i], label[i - 1]) == 0 ? run + 1 : 1;
        most = run > most ? run : most;
    }
    free(label);
    return most;
}

static uint32_t waves(uint32_t devices, uint32_t at_a_time)
{
    return devices == 0 ? 0 : (devices - 1) / at_a_time + 1;
}

/* From the first order of a stage to its last. */
static double telling_s(const struct rollout_plan *plan, const struct plan_preview *p,
                        uint32_t stage)
{
    uint32_t size = p->stage[stage].size;
    uint32_t count = waves(size, plan->in_flight);
    uint32_t grouped =
        plan->per_group.by[0] ? waves(p->stage[stage].largest_group, plan->per_group.max) : 0;

    count = grouped > count ? grouped : count;
    double by_caps = (count - 1.0) * (plan->jitter_s / 2.0 + p->download_s + plan->trial_s);
    double image = size > 0 ? (double)p->stage[stage].bytes / size : 0;
    double by_bandwidth = plan->bandwidth > 0 ? (size - 1.0) * image / plan->bandwidth : 0;
    return fmax(by_caps, by_bandwidth);
}

/* `need` seconds of telling from `from` on, in windows early enough for a slot. *first gets the
 * first instant; the last one is returned, 0 when there is none. */
static int64_t tell(const struct rollout_plan *plan, const struct zone *zone, int64_t from,
                    int64_t need, int64_t *first)
{
    const struct window *w = &plan->window;
    int64_t at = from;

    *first = 0;
    if (w->days == 0 || !zone) {
        *first = from;
        return from + need;
    }
    for (int i = 0; i < WINDOWS_MOST && at != INT64_MAX; i++) {
        int64_t next = window_next_change(w, zone, at);
        int64_t until = next == INT64_MAX ? INT64_MAX : next - plan->jitter_s;
        if (window_is_open(w, zone, at) && at <= until) {
            *first = *first ? *first : at;
            if (until == INT64_MAX || need <= until - at)
                return at + need;
            need -= until - at;
        }
        at = next;
    }
    return 0;
}

void plan_schedule(const struct rollout_plan *plan, const struct plan_set *set,
                   const struct plan_candidate *candidate, const struct zone *zone, int64_t now_s,
                   struct plan_preview *out)
{
    int64_t at = now_s;

    for (uint32_t s = 0; s < out->stage_count; s++) {
        out->stage[s].largest_group = largest_group(plan, set, candidate, s);
        out->stage[s].starts_s = out->stage[s].ends_s = 0;
        if (at == 0)
            continue;
        if (out->stage[s].size == 0) {
            out->stage[s].starts_s = out->stage[s].ends_s = at;
            continue;
        }
        int64_t last =
            tell(plan, zone, at, (int64_t)ceil(telling_s(plan, out, s)), &out->stage[s].starts_s);
        if (last != 0)
            last += (int64_t)ceil(out->download_s) + plan->jitter_s + plan->trial_s +
                    plan->stage[s].soak_s;
        out->stage[s].ends_s = at = last;
    }
}

/* --- In words --- */

static double percent(double rate)
{
    return rate * 100;
}

void plan_clean_text(const struct rollout_plan *plan, const struct plan_preview *preview,
                     uint32_t stage, char out[PLAN_CLEAN_TEXT])
{
    uint32_t n = preview->stage[stage].cumulative, needed = preview->stage[stage].clean_needed;
    double upper = preview->stage[stage].clean_upper;

    if (n == 0)
        text_copy(out, PLAN_CLEAN_TEXT, "no device, nothing to show");
    else if (n < needed && needed != UINT32_MAX)
        text_format(out, PLAN_CLEAN_TEXT,
                    "0 of %u failed: the true rate may still be %.0f %%; %u clean devices are "
                    "needed for %g %%",
                    n, percent(upper), needed, percent(plan->gate.allowed_failure));
    else
        text_format(out, PLAN_CLEAN_TEXT, "0 of %u failed: the true rate is below %.*f %%", n,
                    upper < 0.1 ? 1 : 0, percent(upper));
}

void plan_gate_text(const struct rollout_plan *plan, const struct plan_preview *preview,
                    uint32_t stage, char out[PLAN_CLEAN_TEXT])
{
    uint32_t n = preview->stage[stage].cumulative, most = preview->stage[stage].tolerated;

    if (most == 0)
        text_format(out, PLAN_CLEAN_TEXT, "none of %u may fail", n);
    else
        text_format(out, PLAN_CLEAN_TEXT, "up to %u of %u may fail (%g %% allowed)", most, n,
                    percent(plan_stage_allowed(plan, stage)));
}
