/* What people ask for: taken, or refused with the reason. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "inside.h"

static bool refuse(struct rollout_effects *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct rollout_effects *out, const char *format, ...)
{
    va_list ap;

    out->act_refused = true;
    va_start(ap, format);
    vsnprintf(out->act_text, sizeof(out->act_text), format, ap);
    va_end(ap);
    return false;
}

/* --- The simple ones --- */

static void start(struct rollout *r, const char *who, struct rollout_effects *out)
{
    if (r->starter[0] == '\0')
        text_format(r->starter, sizeof(r->starter), "%.64s", who);
    r->started_ms = r->now_ms;
    r->deadline_ms = r->now_ms + (int64_t)r->plan.deadline_s * 1000;
    r->state = ROLLOUT_RUNNING;
    stage_start(r, 0, out);
}

static void pause(struct rollout *r, const char *who)
{
    r->state = ROLLOUT_PAUSED;
    text_format(r->why, sizeof(r->why), "paused by %.64s", who);
    sweep_start(r, SWEEP_RECALL);
}

static void resume(struct rollout *r)
{
    struct rollout_stage *stage = &r->stages[r->stage];

    stages_accept(r);
    r->why[0] = '\0';
    r->ended_ms = 0;
    r->sweep_kinds &= ~(uint32_t)SWEEP_RECALL;
    if (stage->state == ROLLOUT_STAGE_PASSED) {
        r->state = ROLLOUT_FINISHING;
        return;
    }
    r->state = ROLLOUT_RUNNING;
    stage->state = ROLLOUT_STAGE_RUNNING;
    stage->ended_ms = 0;
}

/* Who reads it tomorrow still sees what had stopped it. */
static void abort_all(struct rollout *r, const char *who)
{
    char before[ROLLOUT_WHY_MAX] = "";

    if (r->state == ROLLOUT_STOPPED)
        text_format(before, sizeof(before), "; it had stopped: %.120s", r->why);
    text_format(r->why, sizeof(r->why), "aborted by %.64s%s", who, before);
    r->state = ROLLOUT_ABORTING;
    r->gate_dirty = true;
    stage_stop(r);
    sweep_start(r, SWEEP_ABORT);
}

/* --- Approving a stage --- */

static uint32_t stage_by_name(const struct rollout *r, const char *name)
{
    if (name[0] == '\0')
        return r->stage;
    for (uint32_t s = 0; s < r->plan.stage_count; s++)
        if (strcmp(r->plan.stage[s].name, name) == 0)
            return s;
    return PLAN_STAGES;
}

static bool approve(struct rollout *r, const struct rollout_ask *ask, const char *who,
                    struct rollout_effects *out)
{
    uint32_t s = stage_by_name(r, ask->stage);

    if (s >= r->plan.stage_count)
        return refuse(out, "cannot approve: there is no stage %s", ask->stage);
    const char *name = r->plan.stage[s].name;
    if (!r->plan.stage[s].approval)
        return refuse(out, "cannot approve: the plan asks for no approval of stage %s", name);
    if (s > r->stage)
        return refuse(out, "cannot approve: stage %s has not begun", name);
    if (r->stages[s].state == ROLLOUT_STAGE_PASSED || (r->approved >> s & 1))
        return refuse(out, "cannot approve: stage %s has been approved already", name);
    if (r->plan.four_eyes && strcmp(who, r->starter) == 0)
        return refuse(out, "cannot approve: four eyes: %.64s started it, another person must",
                      r->starter);
    r->approved |= 1u << s;
    stages_look_again(r);
    text_format(out->act_text, sizeof(out->act_text), "stage %s is approved", name);
    return true;
}

/* --- Changing what has not started --- */

static bool check_set(const struct rollout *r, const struct rollout_ask *ask,
                      struct rollout_effects *out)
{
    struct rollout_plan changed = r->plan;
    struct err err;

    if (ask->set == 0)
        return refuse(out, "nothing to set: in_flight, jitter, per_group or bandwidth");
    if ((ask->set & ROLLOUT_SET_PER_GROUP) && r->plan.per_group.by[0] == '\0')
        return refuse(out, "cannot set per_group: the plan names no label");
    if (ask->set & ROLLOUT_SET_IN_FLIGHT)
        changed.in_flight = ask->in_flight;
    if (ask->set & ROLLOUT_SET_JITTER)
        changed.jitter_s = ask->jitter_s;
    if (ask->set & ROLLOUT_SET_PER_GROUP)
        changed.per_group.max = ask->per_group;
    return plan_check(&changed, &err) == 0 || refuse(out, "cannot set %.180s", err.text);
}

static bool set(struct rollout *r, const struct rollout_ask *ask, struct rollout_effects *out)
{
    if (!check_set(r, ask, out))
        return false;
    if (ask->set & ROLLOUT_SET_IN_FLIGHT)
        r->plan.in_flight = ask->in_flight;
    if (ask->set & ROLLOUT_SET_JITTER)
        r->plan.jitter_s = ask->jitter_s;
    if (ask->set & ROLLOUT_SET_PER_GROUP)
        r->plan.per_group.max = ask->per_group;
    if (ask->set & ROLLOUT_SET_BANDWIDTH) {
        r->plan.bandwidth = ask->bandwidth;
        r->paid_ms = 0;
    }
    if (r->plan.jitter_s > r->jitter_most_s)
        r->jitter_most_s = r->plan.jitter_s;
    caps_wake_all(r);
    hours_wake_all(r);
    text_format(out->act_text, sizeof(out->act_text),
                "for what has not started: in flight %u, jitter %u s, per group %u, bandwidth %u",
                r->plan.in_flight, r->plan.jitter_s, r->plan.per_group.max, r->plan.bandwidth);
    return true;
}

/* --- All --- */

static bool may_act(const struct rollout *r, enum rollout_act act)
{
    bool live = rollout_is_live(r) && r->state != ROLLOUT_ABORTING;

    switch (act) {
    case ROLLOUT_ACT_START:
        return r->state == ROLLOUT_DRAFT;
    case ROLLOUT_ACT_PAUSE:
        return live && (r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_FINISHING);
    case ROLLOUT_ACT_ABORT:
        return live || r->state == ROLLOUT_DRAFT;
    case ROLLOUT_ACT_RESUME:
    case ROLLOUT_ACT_RETRY:
    case ROLLOUT_ACT_SET:
        return live;
    case ROLLOUT_ACT_APPROVE:
        return live && r->state != ROLLOUT_FINISHING;
    case ROLLOUT_ACT_ROLLBACK:
        return r->state != ROLLOUT_DRAFT && !(r->state == ROLLOUT_ABORTING && r->back);
    case ROLLOUT_ACT_COUNT:
        break;
    }
    return false;
}

/* False when it was refused, or is not through yet. */
static bool carry_out(struct rollout *r, const struct rollout_event *ev, const char *who,
                      struct rollout_effects *out)
{
    static const struct rollout_ask nothing = { .reason = REASON_NONE };
    const struct rollout_ask *ask = ev->ask ? ev->ask : &nothing;

    switch (ev->act) {
    case ROLLOUT_ACT_START:
        start(r, who, out);
        return true;
    case ROLLOUT_ACT_PAUSE:
        pause(r, who);
        return true;
    case ROLLOUT_ACT_RESUME:
        resume(r);
        return true;
    case ROLLOUT_ACT_ABORT:
        abort_all(r, who);
        return true;
    case ROLLOUT_ACT_APPROVE:
        return approve(r, ask, who, out);
    case ROLLOUT_ACT_RETRY:
        retry_start(r, ev, out);
        return false;
    case ROLLOUT_ACT_ROLLBACK:
        back_start(r, who, out);
        return true;
    case ROLLOUT_ACT_SET:
        return set(r, ask, out);
    case ROLLOUT_ACT_COUNT:
        break;
    }
    return false;
}

void act_take(struct rollout *r, const struct rollout_event *ev, struct rollout_effects *out)
{
    const char *who = ev->who ? ev->who : "somebody";
    const char *remark = ev->ask ? ev->ask->remark : "";

    out->act_id = ev->act_id;
    out->save_head = true;
    if (!may_act(r, ev->act)) {
        refuse(out, "cannot %s: the rollout is %s%s", rollout_act_word(ev->act),
               rollout_state_word(r->state), r->closed ? " and past its deadline" : "");
        return;
    }
    if (!carry_out(r, ev, who, out))
        return;
    if (out->act_text[0] == '\0')
        text_format(out->act_text, sizeof(out->act_text), "%s: now %s", rollout_act_word(ev->act),
                    rollout_state_word(r->state));
    fx_note(out, NOBODY, false, "%s by %.64s%s%.100s", rollout_act_word(ev->act), who,
            remark[0] ? ": " : "", remark);
}
