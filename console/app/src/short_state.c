#include "short_state.h"

#include <stdlib.h>

#include <jansson.h>

#include "base/text.h"

bool short_state_text(const struct rollout *r, char *out, size_t cap)
{
    uint32_t phase[ROLLOUT_PHASES];

    rollout_totals(r, phase);
    json_t *o = json_pack(
        "{s:s,s:s,s:s,s:o,s:s,s:I,s:I,s:I,s:I,s:I}", "rollout", r->id, "state",
        rollout_state_word(r->state), "why", r->why, "release",
        json_sprintf("%s@%s", r->release.product, r->release.version), "stage",
        r->plan.stage[r->stage].name, "stages", (json_int_t)r->plan.stage_count, "devices",
        (json_int_t)r->count, "done", (json_int_t)phase[ROLLOUT_PHASE_DONE], "failed",
        (json_int_t)phase[ROLLOUT_PHASE_FAILED], "in_flight", (json_int_t)r->in_flight);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    bool fits = text && text_copy(out, cap, text);

    json_decref(o);
    free(text);
    return fits;
}
