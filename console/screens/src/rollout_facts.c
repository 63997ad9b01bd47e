#include "rollout_view.h"

#include "protocol/slot.h"

bool rollout_ended(const struct rollout *r)
{
    return rollout_is_closed(r) || r->state == ROLLOUT_DONE || r->state == ROLLOUT_ABORTED;
}

bool phase_in_flight(enum rollout_phase phase)
{
    switch (phase) {
    case ROLLOUT_PHASE_TOLD:
    case ROLLOUT_PHASE_DOWNLOADING:
    case ROLLOUT_PHASE_INSTALLING:
    case ROLLOUT_PHASE_REBOOTING:
    case ROLLOUT_PHASE_TRIAL:
    case ROLLOUT_PHASE_RETRYING:
    case ROLLOUT_PHASE_RECALLED:
    case ROLLOUT_PHASE_SILENT:
    case ROLLOUT_PHASE_ABORTING:
    case ROLLOUT_PHASE_RETURNING:
        return true;
    case ROLLOUT_PHASE_PLANNED:
    case ROLLOUT_PHASE_OFFLINE:
    case ROLLOUT_PHASE_SOAKING:
    case ROLLOUT_PHASE_DONE:
    case ROLLOUT_PHASE_FAILED:
    case ROLLOUT_PHASE_EXCUSED:
    case ROLLOUT_PHASE_ABORTED:
    case ROLLOUT_PHASE_RETURNED:
    case ROLLOUT_PHASES:
        break;
    }
    return false;
}

void rollout_count(const uint32_t phase[ROLLOUT_PHASES], struct rollout_counts *out)
{
    *out = (struct rollout_counts){ 0 };
    for (int p = 0; p < ROLLOUT_PHASES; p++) {
        out->phase[p] = phase[p];
        out->flight += phase_in_flight((enum rollout_phase)p) ? phase[p] : 0;
    }
    out->done = phase[ROLLOUT_PHASE_DONE] + phase[ROLLOUT_PHASE_EXCUSED];
    out->soaking = phase[ROLLOUT_PHASE_SOAKING];
    out->waiting = phase[ROLLOUT_PHASE_PLANNED] + phase[ROLLOUT_PHASE_OFFLINE];
    out->failed = phase[ROLLOUT_PHASE_FAILED];
    out->silent = phase[ROLLOUT_PHASE_SILENT];
    out->aborted = phase[ROLLOUT_PHASE_ABORTED];
    out->returned = phase[ROLLOUT_PHASE_RETURNED];
}

void rollout_count_all(const struct rollout *r, struct rollout_counts *out)
{
    uint32_t phase[ROLLOUT_PHASES];
    rollout_totals(r, phase);
    rollout_count(phase, out);
}

int64_t rollout_moment(const struct rollout *r, const struct ui_model *m)
{
    if (r->state == ROLLOUT_STOPPED && r->in_flight == 0 && r->stages[r->stage].ended_ms)
        return r->stages[r->stage].ended_ms; /* nothing moves until somebody resumes it */
    return r->ended_ms ? r->ended_ms : m->now_ms;
}

/* Its soak ends `soak_s` after it; the soak runs on the clock that stands while nobody listens. */
int64_t rollout_confirmed_ms(const struct rollout *r, const struct rollout_device *d)
{
    int64_t soak_ms = (int64_t)r->plan.stage[d->stage].soak_s * 1000;
    if (d->state == RDEV_SOAKING)
        return d->due_ms - soak_ms + r->deaf_ms;
    if (d->state == RDEV_DONE && d->ended_ms)
        return d->ended_ms - soak_ms > d->told_ms ? d->ended_ms - soak_ms : d->ended_ms;
    return 0;
}

double rollout_pace(const struct rollout *r, const struct ui_model *m)
{
    const struct rollout_stage *s = &r->stages[r->stage];
    int64_t at = rollout_moment(r, m), span = at - s->started_ms;
    uint32_t n = 0;
    span = span > 600000 ? 600000 : span;
    if (!s->started_ms || span < 60000)
        return 0;
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->device[i].stage != r->stage)
            continue;
        int64_t confirmed = rollout_confirmed_ms(r, &r->device[i]);
        n += confirmed > at - span && confirmed <= at;
    }
    return n * 60000.0 / (double)span;
}

/* A rollout that another process leads is only as new as its last commit. */
int64_t rollout_heard_now_ms(const struct rollout *r, const struct ui_model *m)
{
    int64_t since = m->now_ms - r->now_ms;
    return rollout_heard_ms(r) + (m->engine && !LINK_DOWN(m) && since > 0 ? since : 0);
}

int64_t rollout_stage_left_ms(const struct rollout *r, const struct ui_model *m)
{
    const struct rollout_stage *s = &r->stages[r->stage];
    struct rollout_counts c;
    rollout_count(s->phase, &c);
    bool moves = s->state == ROLLOUT_STAGE_RUNNING || s->state == ROLLOUT_STAGE_SOAKING;
    uint32_t left = c.flight - c.silent + c.phase[ROLLOUT_PHASE_PLANNED];
    if (r->state != ROLLOUT_RUNNING || !moves || LINK_DOWN(m))
        return -1;
    if (left == 0) {
        int64_t soak = s->soak_until_ms - rollout_heard_now_ms(r, m);
        return c.soaking && soak > 0 ? soak : -1;
    }
    double pace = rollout_pace(r, m);
    if (pace <= 0)
        return -1;
    return (int64_t)(left / pace * 60000) + (int64_t)r->plan.stage[r->stage].soak_s * 1000;
}

int64_t rollout_slot_ms(const struct rollout *r, const struct ui_model *m,
                        const struct rollout_device *d)
{
    if (d->slot_s)
        return d->slot_s * 1000;
    if (!m->crypto || !d->told_ms)
        return 0;
    uint64_t v = slot_value(m->crypto, r->id, d->id);
    return d->told_ms + (int64_t)slot_delay(r->plan.jitter_s, v) * 1000;
}
