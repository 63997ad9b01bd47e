#include "base/text.h"
#include "inside.h"
#include "rollout/rollout.h"

/* What a rollout waits for: one place says it to the screen, `rollout watch` and `rollout ls`. */

static bool is_window_shut(const struct rollout *r)
{
    for (uint32_t i = 0; i < r->zone_count; i++) {
        if (r->zone[i].open)
            return false;
    }
    return r->zone_count > 0;
}

/* The results are in and good, and only a person's word is missing: as long as the gate lacks some,
 * an approval alone would not move it. */
static bool is_approval_all(const struct rollout *r)
{
    struct gate_rule rule;
    struct gate_counts counts;
    struct gate_decision g;

    if (r->state != ROLLOUT_RUNNING || !rollout_wants_approval(r) ||
        r->stages[r->stage].state != ROLLOUT_STAGE_HOLDING)
        return false;
    rollout_gate_input(r, &rule, &counts);
    gate_decide(&rule, &counts, &g);
    return g.verdict == GATE_GO;
}

static enum rollout_hold gate_holds(const struct rollout *r, char *out, size_t cap)
{
    struct gate_decision g;

    if (r->state != ROLLOUT_RUNNING)
        return ROLLOUT_HOLD_NONE;
    rollout_gate(r, &g);
    text_format(out, cap, "%s", g.missing);
    return *g.missing ? ROLLOUT_HOLD_GATE : ROLLOUT_HOLD_NONE;
}

enum rollout_hold rollout_holds(const struct rollout *r, char *out, size_t cap)
{
    out[0] = '\0';
    if (r->why[0]) {
        text_format(out, cap, "%s", r->why);
        return ROLLOUT_HOLD_SAID;
    }
    if (is_approval_all(r)) {
        text_format(out, cap, "stage %s wants an approval%s%.64s", r->plan.stage[r->stage].name,
                    r->plan.four_eyes ? ", by another person than " : "",
                    r->plan.four_eyes ? r->starter : "");
        return ROLLOUT_HOLD_APPROVAL;
    }
    if (is_window_shut(r) && rollout_waits(r, out, cap))
        return ROLLOUT_HOLD_WINDOW;
    return gate_holds(r, out, cap);
}
