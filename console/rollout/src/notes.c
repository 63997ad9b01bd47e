/* What is right by the letter of a plan and probably not what was meant. */
#include <string.h>

#include "base/text.h"
#include "rollout/plan.h"

static uint32_t unlabelled(const struct rollout_plan *plan, const struct plan_set *set,
                           const struct plan_candidate *candidate)
{
    uint32_t without = 0;

    for (uint32_t i = 0; i < set->count; i++)
        without += plan_label(&candidate[set->member[i].candidate], plan->per_group.by) == NULL;
    return without;
}

static bool note_caps(const struct rollout_plan *plan, const struct plan_set *set,
                      const struct plan_candidate *candidate, char out[PLAN_NOTE_TEXT])
{
    uint32_t without = plan->per_group.by[0] ? unlabelled(plan, set, candidate) : 0;

    if (without == 0)
        return false;
    if (without == set->count)
        text_format(out, PLAN_NOTE_TEXT, "per_group caps nobody: none has a group %s:…",
                    plan->per_group.by);
    else
        text_format(out, PLAN_NOTE_TEXT, "per_group: %u of %u have no group %s:… and no cap",
                    without, set->count, plan->per_group.by);
    return true;
}

/* Named and left out: the stage that was to protect the next one has nobody to do so. */
static bool note_empty(const struct rollout_plan *plan, const struct plan_set *set,
                       char out[PLAN_NOTE_TEXT])
{
    for (uint32_t s = 0; s < plan->stage_count; s++) {
        if (plan->stage[s].named_count == 0 || set->stage_size[s] > 0)
            continue;
        text_format(out, PLAN_NOTE_TEXT, "stage %s is empty: all it names are left out",
                    plan->stage[s].name);
        return true;
    }
    return false;
}

uint32_t plan_notes(const struct rollout_plan *plan, const struct plan_set *set,
                    const struct plan_candidate *candidate, char out[PLAN_NOTES][PLAN_NOTE_TEXT])
{
    uint32_t count = 0;

    count += note_empty(plan, set, out[count]);
    count += note_caps(plan, set, candidate, out[count]);
    return count;
}
