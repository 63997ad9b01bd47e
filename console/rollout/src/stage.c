#include <string.h>

#include "base/text.h"
#include "inside.h"

static struct gate_rule rule_of(const struct rollout *r, uint32_t stage)
{
    return (struct gate_rule){
        .allowed_failure = plan_stage_allowed(&r->plan, stage),
        .confidence = r->plan.gate.confidence,
        .min_sample = r->plan.gate.min_sample,
        .max_silent = r->plan.gate.max_silent,
        .max_other = r->plan.gate.max_other,
        .max_network = r->plan.gate.max_network,
        .max_power = r->plan.gate.max_power,
        .max_policy = r->plan.gate.max_policy,
        .stop_allowed = plan_stop_allowed(&r->plan),
        .alpha = r->plan.stop.alpha,
    };
}

static uint32_t less(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

/* Told or about to be told, and not at an end. */
static uint32_t pending_of(const struct rollout_stage *s)
{
    return s->phase[ROLLOUT_PHASE_PLANNED] + s->phase[ROLLOUT_PHASE_TOLD] +
           s->phase[ROLLOUT_PHASE_DOWNLOADING] + s->phase[ROLLOUT_PHASE_INSTALLING] +
           s->phase[ROLLOUT_PHASE_REBOOTING] + s->phase[ROLLOUT_PHASE_TRIAL] +
           s->phase[ROLLOUT_PHASE_RETRYING] + s->phase[ROLLOUT_PHASE_RECALLED] +
           s->phase[ROLLOUT_PHASE_ABORTING] + s->phase[ROLLOUT_PHASE_RETURNING];
}

/* How long one that is out may be without a word: as device_deadline(), of the slowest phase. While
 * one waits for another try there is no such time. */
static int64_t longest_silence(const struct rollout *r, const struct rollout_stage *s)
{
    int64_t extra = s->phase[ROLLOUT_PHASE_TOLD] > 0 ? r->jitter_most_s : 0;
    bool trial = s->phase[ROLLOUT_PHASE_REBOOTING] + s->phase[ROLLOUT_PHASE_TRIAL] > 0;

    if (s->phase[ROLLOUT_PHASE_RETRYING] > 0)
        return 0;
    if (trial && r->plan.trial_s > extra)
        extra = r->plan.trial_s;
    return (r->plan.gate.silence_after_s + extra) * 1000;
}

static void raw_counts(const struct rollout *r, struct gate_counts *c)
{
    *c = (struct gate_counts){ 0 };
    for (uint32_t i = 0; i <= r->stage && i < r->plan.stage_count; i++) {
        const struct rollout_stage *s = &r->stages[i];
        c->total += s->size;
        c->done += s->phase[ROLLOUT_PHASE_DONE];
        c->failed += s->counted;
        c->other += s->other;
        c->silent += s->phase[ROLLOUT_PHASE_SILENT];
        c->excused += s->phase[ROLLOUT_PHASE_EXCUSED] + s->phase[ROLLOUT_PHASE_OFFLINE];
        c->away += s->phase[ROLLOUT_PHASE_OFFLINE];
        c->soaking += s->phase[ROLLOUT_PHASE_SOAKING];
        c->trying += s->phase[ROLLOUT_PHASE_INSTALLING] + s->phase[ROLLOUT_PHASE_REBOOTING] +
                     s->phase[ROLLOUT_PHASE_TRIAL];
    }
    const struct rollout_stage *now = &r->stages[r->stage];
    c->pending = pending_of(now);
    c->untold = now->phase[ROLLOUT_PHASE_PLANNED] + now->phase[ROLLOUT_PHASE_RECALLED];
    c->word_ms = longest_silence(r, now);
    c->waiting = now->phase[ROLLOUT_PHASE_SOAKING];
    if (c->waiting > 0 && now->soak_until_ms > rollout_heard_ms(r))
        c->soak_left_ms = now->soak_until_ms - rollout_heard_ms(r);
}

static void counts_of(const struct rollout *r, struct gate_counts *c)
{
    raw_counts(r, c);
    c->total = less(c->total, r->acked_counted + r->acked_other);
    c->failed = less(c->failed, r->acked_counted);
    c->other = less(c->other, r->acked_other);
    c->silent = less(c->silent, r->acked_silent);
    c->network = r->fresh[REASON_CLASS_NETWORK];
    c->power = r->fresh[REASON_CLASS_POWER];
    c->policy = r->fresh[REASON_CLASS_POLICY];
    c->accepted = r->accepted == r->stage + 1;
}

/* Now, or later where the clock was set back since devices ended. */
static int64_t last_end(const struct rollout *r)
{
    int64_t last = r->now_ms;

    for (uint32_t i = 0; i < r->count; i++)
        if (r->device[i].ended_ms > last)
            last = r->device[i].ended_ms;
    return last;
}

void stages_accept(struct rollout *r)
{
    struct gate_counts c;

    raw_counts(r, &c);
    r->acked_counted = c.failed;
    r->acked_other = c.other;
    r->acked_silent = c.silent;
    r->acked_ms = last_end(r);
    memset(r->fresh, 0, sizeof(r->fresh));
    if (r->stages[r->stage].state == ROLLOUT_STAGE_HOLDING)
        r->accepted = r->stage + 1;
    r->gate_dirty = true;
    r->failed_dirty = true;
}

void stages_look_again(struct rollout *r)
{
    r->held.total = UINT32_MAX;
    r->gate_dirty = true;
}

bool rollout_wants_approval(const struct rollout *r)
{
    return r->plan.stage[r->stage].approval && !(r->approved >> r->stage & 1);
}

/* The gate's word, and then a person's where the plan asks for it. */
static void decide(const struct rollout *r, const struct gate_rule *rule,
                   const struct gate_counts *counts, struct gate_decision *out)
{
    gate_decide(rule, counts, out);
    if (out->verdict != GATE_GO || !rollout_wants_approval(r))
        return;
    out->verdict = GATE_HOLD;
    text_format(out->missing, sizeof(out->missing), "an approval: muster rollout approve %s%s",
                r->id, r->plan.four_eyes ? ", by another person than who started it" : "");
}

void rollout_gate_input(const struct rollout *r, struct gate_rule *rule, struct gate_counts *counts)
{
    *rule = rule_of(r, r->stage);
    counts_of(r, counts);
}

void rollout_gate(const struct rollout *r, struct gate_decision *out)
{
    struct gate_rule rule;
    struct gate_counts counts;

    rollout_gate_input(r, &rule, &counts);
    decide(r, &rule, &counts, out);
}

bool may_tell(const struct rollout *r)
{
    return r->hearing && (r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_FINISHING);
}

void sweep_start(struct rollout *r, uint32_t kind)
{
    r->sweep_kinds |= kind;
    r->sweep_at = 0;
}

void stage_start(struct rollout *r, uint32_t stage, struct rollout_effects *out)
{
    r->stage = stage;
    r->stages[stage].state = ROLLOUT_STAGE_RUNNING;
    r->stages[stage].started_ms = r->now_ms;
    r->gate_dirty = true;
    out->save_head = true;
    fx_note(out, NOBODY, false, "stage %s starts: %u devices", r->plan.stage[stage].name,
            r->stages[stage].size);
}

void stage_stop(struct rollout *r)
{
    struct rollout_stage *stage = &r->stages[r->stage];

    if (stage->state == ROLLOUT_STAGE_PASSED || stage->state == ROLLOUT_STAGE_WAITING)
        return;
    stage->state = ROLLOUT_STAGE_STOPPED;
    stage->ended_ms = r->now_ms;
}

void rollout_stop(struct rollout *r, struct rollout_effects *out, const char *why)
{
    text_format(r->why, sizeof(r->why), "stage %s: %s", r->plan.stage[r->stage].name, why);
    stage_stop(r);
    if (r->plan.on_stop == PLAN_STOP_ABORT) {
        r->state = ROLLOUT_ABORTING;
        sweep_start(r, SWEEP_ABORT);
    } else {
        r->state = ROLLOUT_STOPPED;
        sweep_start(r, SWEEP_RECALL);
    }
    r->gate_dirty = true;
    out->save_head = true;
    fx_note(out, NOBODY, true, "stopped: %s", r->why);
}

void rollout_finish(struct rollout *r, enum rollout_state state, struct rollout_effects *out)
{
    r->state = state;
    r->ended_ms = r->now_ms;
    out->save_head = true;
    fx_note(out, NOBODY, state != ROLLOUT_DONE, "%s%s%s", rollout_state_word(state),
            r->why[0] ? ": " : "", r->why);
}

/* How many of all stages are out or may still come. */
static uint32_t unfinished(const struct rollout *r)
{
    uint32_t phase[ROLLOUT_PHASES];

    rollout_totals(r, phase);
    return r->count - phase[ROLLOUT_PHASE_DONE] - phase[ROLLOUT_PHASE_FAILED] -
           phase[ROLLOUT_PHASE_EXCUSED] - phase[ROLLOUT_PHASE_ABORTED] -
           phase[ROLLOUT_PHASE_RETURNED];
}

static void set_stage(struct rollout *r, enum rollout_stage_state state,
                      struct rollout_effects *out)
{
    if (r->stages[r->stage].state == state)
        return;
    r->stages[r->stage].state = state;
    out->save_head = true;
}

static void pass(struct rollout *r, const struct gate_decision *gate, struct rollout_effects *out)
{
    r->stages[r->stage].ended_ms = r->now_ms;
    set_stage(r, ROLLOUT_STAGE_PASSED, out);
    fx_note(out, NOBODY, false, "stage %s passed: %s", r->plan.stage[r->stage].name, gate->why);
    if (r->stage + 1 < r->plan.stage_count)
        stage_start(r, r->stage + 1, out);
    else
        r->state = ROLLOUT_FINISHING;
    r->gate_dirty = true; /* the next stage may be over already, and so may all */
}

static bool same_counts(const struct gate_counts *a, const struct gate_counts *b)
{
    return a->total == b->total && a->done == b->done && a->failed == b->failed &&
           a->other == b->other && a->silent == b->silent && a->excused == b->excused &&
           a->away == b->away && a->accepted == b->accepted;
}

/* The stage has nothing out. The last one has no next to protect: whatever is missing there, only a
 * bad rate keeps it from being over. */
static void complete(struct rollout *r, struct rollout_effects *out)
{
    struct gate_rule rule = rule_of(r, r->stage);
    struct gate_decision gate;
    struct gate_counts counts;
    bool last = r->stage + 1 == r->plan.stage_count;
    bool nothing = r->stages[r->stage].size == 0 && !rollout_wants_approval(r);

    counts_of(r, &counts);
    if (r->stages[r->stage].state == ROLLOUT_STAGE_HOLDING && same_counts(&counts, &r->held))
        return; /* a fleet's worth of statuses comes with each connection */
    r->held = counts;
    decide(r, &rule, &counts, &gate);
    if (gate.verdict == GATE_STOP)
        rollout_stop(r, out, gate.why);
    else if (gate.verdict == GATE_GO || (last && !gate.bad) || nothing)
        pass(r, &gate, out);
    else if (r->stages[r->stage].state != ROLLOUT_STAGE_HOLDING) {
        set_stage(r, ROLLOUT_STAGE_HOLDING, out);
        fx_note(out, NOBODY, true, "stage %s holds: %s; missing: %s", r->plan.stage[r->stage].name,
                gate.why, gate.missing);
    }
}

/* True when the counts say so already, before the stage is complete. */
static bool stop_early(struct rollout *r, struct rollout_effects *out)
{
    struct gate_rule rule = rule_of(r, r->stage);
    struct gate_counts counts;

    if (!r->failed_dirty)
        return false;
    r->failed_dirty = false;
    counts_of(r, &counts);
    if (!gate_must_stop(&rule, &counts))
        return false;
    struct gate_decision gate;
    decide(r, &rule, &counts, &gate);
    rollout_stop(r, out, gate.why);
    return true;
}

static bool step_running(struct rollout *r, struct rollout_effects *out)
{
    const struct rollout_stage *stage = &r->stages[r->stage];
    uint32_t at = r->stage;

    if (stop_early(r, out))
        return true;
    if (!r->hearing)
        return false; /* nothing advances while nobody listens */
    if (pending_of(stage) > 0)
        set_stage(r, ROLLOUT_STAGE_RUNNING, out);
    else if (stage->phase[ROLLOUT_PHASE_SOAKING] > 0)
        set_stage(r, ROLLOUT_STAGE_SOAKING, out);
    else
        complete(r, out);
    return r->state != ROLLOUT_RUNNING || r->stage != at;
}

/* Abort orders are out, or devices past the switch are still at it. */
static bool abort_is_over(const struct rollout *r)
{
    uint32_t phase[ROLLOUT_PHASES];

    rollout_totals(r, phase);
    return unfinished(r) == phase[ROLLOUT_PHASE_PLANNED] + phase[ROLLOUT_PHASE_OFFLINE];
}

bool stages_step(struct rollout *r, struct rollout_effects *out)
{
    if (!r->gate_dirty || r->sweep_kinds & ~(uint32_t)SWEEP_RESEND)
        return false;
    r->gate_dirty = false;
    switch (r->state) {
    case ROLLOUT_RUNNING:
        if (!r->hearing)
            r->gate_dirty = true;
        return step_running(r, out);
    case ROLLOUT_FINISHING:
        if (stop_early(r, out))
            return true;
        if (unfinished(r) == 0)
            rollout_finish(r, ROLLOUT_DONE, out);
        return false;
    case ROLLOUT_ABORTING:
        if (abort_is_over(r))
            rollout_finish(r, ROLLOUT_ABORTED, out);
        return false;
    case ROLLOUT_DRAFT:
    case ROLLOUT_PAUSED:
    case ROLLOUT_STOPPED:
    case ROLLOUT_DONE:
    case ROLLOUT_ABORTED:
    case ROLLOUT_STATE_COUNT:
        break;
    }
    return false;
}
