#include "rollout/rollout.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "inside.h"

_Static_assert(sizeof(struct rollout_device) + 4 * sizeof(uint32_t) <= 200,
               "a device, its place in the heap and its share of the index");

/* The clocks are kept at least this often: what has passed since counts as deaf after a crash. */
#define HEAD_MS 60000

/* --- Effects --- */

bool fx_room(const struct rollout_effects *out)
{
    return out->send_count + 4 <= ROLLOUT_SENDS && out->save_count + 4 <= ROLLOUT_SAVES &&
           out->note_count + 8 <= ROLLOUT_NOTES;
}

void fx_note(struct rollout_effects *out, uint32_t device, bool bad, const char *format, ...)
{
    va_list ap;

    if (out->note_count == ROLLOUT_NOTES)
        return;
    struct rollout_note *note = &out->note[out->note_count++];
    note->device = device;
    note->bad = bad;
    va_start(ap, format);
    vsnprintf(note->text, sizeof(note->text), format, ap);
    va_end(ap);
}

/* --- Reading it --- */

int64_t rollout_heard_ms(const struct rollout *r)
{
    return r->now_ms - r->deaf_ms;
}

void rollout_totals(const struct rollout *r, uint32_t phase[ROLLOUT_PHASES])
{
    memset(phase, 0, ROLLOUT_PHASES * sizeof(*phase));
    for (uint32_t s = 0; s < r->plan.stage_count; s++)
        for (uint32_t p = 0; p < ROLLOUT_PHASES; p++)
            phase[p] += r->stages[s].phase[p];
}

bool rollout_is_live(const struct rollout *r)
{
    return r->state != ROLLOUT_DRAFT && r->state != ROLLOUT_DONE && r->state != ROLLOUT_ABORTED &&
           !r->closed;
}

bool rollout_is_over(const struct rollout *r)
{
    return rollout_is_closed(r) || (r->state == ROLLOUT_STOPPED && r->in_flight == 0 &&
                                    r->wire_pending == 0 && r->sweep_kinds == 0);
}

bool rollout_is_closed(const struct rollout *r)
{
    return r->state != ROLLOUT_DRAFT && !rollout_is_live(r) && r->wire_pending == 0 &&
           r->sweep_kinds == 0;
}

/* Behind `first` in its stage stand those that were there at the start. */
static uint32_t told_end(const struct rollout *r)
{
    const struct rollout_stage *stage = &r->stages[r->stage];

    return stage->span > 0 ? stage->first + stage->span : r->cursor;
}

static bool is_anybody_due(const struct rollout *r)
{
    return r->again_first != NOBODY || r->cursor < told_end(r);
}

bool rollout_waits(const struct rollout *r, char *out, size_t cap)
{
    out[0] = '\0';
    if ((r->state != ROLLOUT_RUNNING && r->state != ROLLOUT_FINISHING) ||
        r->stages[r->stage].phase[ROLLOUT_PHASE_PLANNED] == 0)
        return false;
    hours_note(r, out, cap);
    if (out[0] == '\0')
        caps_note(r, out, cap);
    return out[0] != '\0';
}

int64_t rollout_next_due(const struct rollout *r)
{
    int64_t due = rollout_is_live(r) ? r->deadline_ms : INT64_MAX;
    int64_t head = r->head_ms + HEAD_MS;
    uint32_t top = timer_top(r);

    if (r->hearing && top != NOBODY) {
        int64_t at = r->now_ms + (r->device[top].due_ms - rollout_heard_ms(r));
        if (at < due)
            due = at;
    }
    if (rollout_is_live(r) && head < due)
        due = head;
    if (rollout_is_live(r) && hours_due(r) < due)
        due = hours_due(r);
    if (may_tell(r) && is_anybody_due(r) && caps_due(r) < due)
        due = caps_due(r);
    return due < r->now_ms ? r->now_ms : due;
}

/* --- Stepping --- */

/* Messages and ticks may come in another order by a little; more is a clock that was set. */
#define SET_BACK_MS 1000

/* What was due stays as far away as it was: the heard clock goes on from where it stands. */
static void clock_set_back(struct rollout *r, int64_t now_ms)
{
    int64_t back_ms = r->now_ms - now_ms;

    r->now_ms = now_ms;
    r->deaf_ms -= back_ms;
    r->head_ms -= back_ms;
    r->paid_ms -= back_ms;
    hours_forget(r);
}

static void pass_time(struct rollout *r, int64_t now_ms)
{
    if (now_ms < r->now_ms - SET_BACK_MS)
        clock_set_back(r, now_ms);
    if (now_ms <= r->now_ms)
        return;
    if (!r->hearing)
        r->deaf_ms += now_ms - r->now_ms;
    r->now_ms = now_ms;
}

static void take_event(struct rollout *r, const struct rollout_event *ev,
                       struct rollout_effects *out)
{
    switch (ev->kind) {
    case ROLLOUT_EV_TICK:
        break;
    case ROLLOUT_EV_ACT:
        act_take(r, ev, out);
        break;
    case ROLLOUT_EV_REPORT:
        if (ev->device < r->count)
            device_report(r, ev->device, ev->report, out);
        break;
    case ROLLOUT_EV_REPLY:
        if (ev->device < r->count)
            device_reply(r, ev->device, ev->reply, out);
        break;
    case ROLLOUT_EV_STATUS:
        if (ev->device < r->count)
            device_status(r, ev->device, ev->status, out);
        break;
    case ROLLOUT_EV_PUBLISHED:
        if (ev->device < r->count)
            device_published(r, ev, out);
        break;
    case ROLLOUT_EV_BROKER_UP:
        r->hearing = true;
        out->save_head = r->state != ROLLOUT_DRAFT;
        sweep_start(r, SWEEP_RESEND);
        break;
    case ROLLOUT_EV_BROKER_DOWN:
        r->hearing = false;
        break;
    case ROLLOUT_EV_JOIN:
        roster_take_join(r, ev, out);
        break;
    }
}

static void past_deadline(struct rollout *r, struct rollout_effects *out)
{
    if (!rollout_is_live(r) || r->now_ms < r->deadline_ms)
        return;
    r->closed = true;
    out->save_head = true;
    sweep_start(r, SWEEP_CLOSE);
    if (r->state == ROLLOUT_FINISHING)
        rollout_finish(r, ROLLOUT_DONE, out);
    else if (r->state == ROLLOUT_ABORTING)
        rollout_finish(r, ROLLOUT_ABORTED, out);
    else {
        text_copy(r->why, sizeof(r->why), "the deadline has passed");
        stage_stop(r);
        rollout_finish(r, ROLLOUT_STOPPED, out);
    }
}

static void sweep(struct rollout *r, struct rollout_effects *out)
{
    if (r->sweep_kinds == 0)
        return;
    while (r->sweep_at < r->count && fx_room(out))
        device_sweep(r, r->sweep_at++, r->sweep_kinds, out);
    if (r->sweep_at < r->count)
        return;
    if (r->sweep_kinds & SWEEP_RETRY)
        retry_finish(r, out);
    r->sweep_kinds = 0;
}

static bool timers(struct rollout *r, struct rollout_effects *out)
{
    int64_t heard = rollout_heard_ms(r);
    uint32_t top = NOBODY;

    while (r->hearing && fx_room(out) && (top = timer_top(r)) != NOBODY &&
           r->device[top].due_ms <= heard)
        device_timer(r, top, out);
    return r->hearing && (top = timer_top(r)) != NOBODY && r->device[top].due_ms <= heard;
}

/* Who is next: one that waited, else the next in rank. */
static uint32_t next_device(struct rollout *r)
{
    uint32_t device = queue_take(r, &r->again_first, &r->again_last);

    return device != NOBODY ? device : r->cursor++;
}

/* True when it is told, or needs nothing; else the next of its group may have its place. */
static void consider(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    const struct rollout_device *d = &r->device[device];

    if (d->state == RDEV_PLANNED && d->attempt < UINT16_MAX && d->presence == PRESENCE_ONLINE) {
        if (hours_admit(r, device) && caps_admit(r, device))
            device_tell(r, device, out);
        if (d->queued)
            return;
    } else if (d->state == RDEV_PLANNED && d->presence == PRESENCE_UNKNOWN)
        timer_set(r, device, rollout_heard_ms(r) + (int64_t)r->plan.gate.silence_after_s * 1000);
    caps_wake(r, d->group);
}

/* Tell devices of the stages reached, lowest rank first, while the caps and the window let. True
 * when any was told or excused. */
static bool tell(struct rollout *r, struct rollout_effects *out)
{
    uint32_t saves = out->save_count;

    while (hours_allow(r) && caps_allow(r) && fx_room(out) && is_anybody_due(r))
        consider(r, next_device(r), out);
    return out->save_count != saves;
}

void rollout_step(struct rollout *r, const struct rollout_event *ev, struct rollout_effects *out)
{
    bool due, moved;

    out->send_count = out->save_count = out->note_count = 0;
    out->save_head = out->act_refused = out->more = false;
    out->act_id = 0;
    out->act_text[0] = '\0';
    pass_time(r, ev->now_ms);
    hours_step(r, out);
    take_event(r, ev, out);
    past_deadline(r, out);
    /* The gate looks before anybody is told: a failure must not make room for one more. */
    do {
        sweep(r, out);
        due = rollout_is_live(r) && timers(r, out);
        moved = !due && fx_room(out) && stages_step(r, out);
        if (!due && may_tell(r))
            moved = tell(r, out) || moved;
    } while (moved && fx_room(out));

    out->more = !fx_room(out) || r->sweep_kinds != 0 || due;
    if (out->save_count > 0 || r->now_ms - r->head_ms >= HEAD_MS)
        out->save_head = out->save_head || rollout_is_live(r);
    if (out->save_head)
        r->head_ms = r->now_ms;
    for (uint32_t i = 0; i < out->save_count; i++)
        r->device[out->save[i]].dirty = false;
}

void rollout_look(struct rollout *r, uint32_t device, const struct ota_report *report)
{
    struct rollout_device *d = &r->device[device];

    if (d->state != RDEV_ORDERED || report->attempt != d->attempt ||
        ota_report_is_end(report->state) || strcmp(report->rollout, r->id) != 0)
        return;
    device_leave(r, device);
    d->ota = (uint8_t)report->state;
    d->got = report->got;
    d->slot_s = (int64_t)report->slot;
    device_enter(r, device);
}

void rollout_look_clock(struct rollout *r, int64_t now_ms)
{
    if (now_ms > r->now_ms)
        r->now_ms = now_ms;
    hours_look(r);
}
