#include "rollout/rollout.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "inside.h"
#include "protocol/id.h"

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

/* --- Making one --- */

static uint32_t hash(const char *id)
{
    uint32_t h = 2166136261u;

    for (; *id; id++)
        h = (h ^ (uint8_t)*id) * 16777619u;
    return h ^ h >> 15;
}

uint32_t rollout_find(const struct rollout *r, const char *id)
{
    for (uint32_t at = hash(id) & r->index_mask; r->index[at] != NOBODY;
         at = (at + 1) & r->index_mask)
        if (strcmp(r->device[r->index[at]].id, id) == 0)
            return r->index[at];
    return NOBODY;
}

static void index_add(struct rollout *r, uint32_t device)
{
    uint32_t at = hash(r->device[device].id) & r->index_mask;

    while (r->index[at] != NOBODY)
        at = (at + 1) & r->index_mask;
    r->index[at] = device;
}

struct rollout *rollout_alloc(uint32_t count)
{
    struct rollout *r = mem_alloc(sizeof(*r));
    uint32_t slots = 8;

    while (slots < count * 2)
        slots *= 2;
    r->count = count;
    r->device = mem_array(count ? count : 1, sizeof(*r->device));
    r->heap = mem_array(count ? count : 1, sizeof(*r->heap));
    r->index = mem_array(slots, sizeof(*r->index));
    r->index_mask = slots - 1;
    for (uint32_t i = 0; i < slots; i++)
        r->index[i] = NOBODY;
    r->again_first = NOBODY;
    r->again_last = NOBODY;
    return r;
}

void rollout_free(struct rollout *r)
{
    if (!r)
        return;
    free(r->device);
    free(r->heap);
    free(r->index);
    free(r);
}

/* Count and index a device whose fields are set; its timer starts where it was. */
static void adopt(struct rollout *r, uint32_t device)
{
    struct rollout_device *d = &r->device[device];
    struct rollout_stage *stage = &r->stages[d->stage];

    index_add(r, device);
    if (stage->size++ == 0)
        stage->first = device;
    device_enter(r, device);
    if (d->state == RDEV_SOAKING && d->due_ms > stage->soak_until_ms)
        stage->soak_until_ms = d->due_ms;
    if (d->state == RDEV_SOAKING || d->state == RDEV_RETRYING)
        timer_set(r, device, d->due_ms);
    else if (!d->silent && (d->state == RDEV_ORDERED || d->state == RDEV_RECALLING ||
                            d->state == RDEV_CONFIRMING))
        timer_set(r, device, device_deadline(r, d));
}

struct rollout *rollout_new(const char *id, const struct rollout_plan *plan,
                            const struct rollout_release *release,
                            const struct plan_candidate *candidate, const struct plan_set *set,
                            int64_t now_ms)
{
    struct rollout *r = rollout_alloc(set->count);

    text_copy(r->id, sizeof(r->id), id);
    r->plan = *plan;
    r->release = *release;
    r->created_ms = r->now_ms = now_ms;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct plan_candidate *c = &candidate[set->member[i].candidate];
        struct rollout_device *d = &r->device[i];

        text_copy(d->id, sizeof(d->id), c->id);
        d->stage = (uint8_t)set->member[i].stage;
        d->presence = c->online ? PRESENCE_ONLINE : PRESENCE_OFFLINE;
        d->boot = strtoull(c->boot, NULL, 16);
        adopt(r, i);
    }
    return r;
}

static bool row_is_whole(const struct rollout *r, uint32_t i)
{
    const struct rollout_device *d = &r->device[i];

    return id_is_valid(d->id, strlen(d->id)) && rollout_find(r, d->id) == NOBODY &&
           d->state <= RDEV_ABORTED && d->ota < OTA_REPORT_STATES && d->wire <= WIRE_ABORT &&
           d->stage < r->plan.stage_count && (i == 0 || r->device[i - 1].stage <= d->stage);
}

int rollout_rebuild(struct rollout *r, struct err *err)
{
    if (r->plan.stage_count == 0 || r->plan.stage_count > PLAN_STAGES ||
        r->stage >= r->plan.stage_count || r->state >= ROLLOUT_STATE_COUNT)
        return err_set(err, EXIT_NO, "rollout %s: the journal's head row is damaged", r->id);
    for (uint32_t i = 0; i < r->count; i++) {
        struct rollout_device *d = &r->device[i];
        if (!row_is_whole(r, i))
            return err_set(err, EXIT_NO, "rollout %s: the journal's row of device %u is damaged",
                           r->id, i);
        /* What is known of it now arrives with the retained messages. */
        d->presence = PRESENCE_UNKNOWN;
        d->queued = d->dirty = false;
        d->heap = 0;
        adopt(r, i);
    }
    r->closed = r->deadline_ms > 0 && r->ended_ms >= r->deadline_ms;
    if (r->closed)
        sweep_start(r, SWEEP_CLOSE);
    else if (r->state == ROLLOUT_PAUSED || r->state == ROLLOUT_STOPPED)
        sweep_start(r, SWEEP_RECALL);
    else if (r->state == ROLLOUT_ABORTING)
        sweep_start(r, SWEEP_ABORT);
    return 0;
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

static bool is_live(const struct rollout *r)
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
    return r->state != ROLLOUT_DRAFT && !is_live(r) && r->wire_pending == 0 && r->sweep_kinds == 0;
}

int64_t rollout_next_due(const struct rollout *r)
{
    int64_t due = is_live(r) ? r->deadline_ms : INT64_MAX;
    int64_t head = r->head_ms + HEAD_MS;
    uint32_t top = timer_top(r);

    if (r->hearing && top != NOBODY) {
        int64_t at = r->now_ms + (r->device[top].due_ms - rollout_heard_ms(r));
        if (at < due)
            due = at;
    }
    if (is_live(r) && head < due)
        due = head;
    return due < r->now_ms ? r->now_ms : due;
}

/* --- Stepping --- */

static void pass_time(struct rollout *r, int64_t now_ms)
{
    if (now_ms <= r->now_ms)
        return;
    if (!r->hearing)
        r->deaf_ms += now_ms - r->now_ms;
    r->now_ms = now_ms;
}

static void refuse(struct rollout_effects *out, const struct rollout *r, const char *act)
{
    out->act_refused = true;
    text_format(out->act_text, sizeof(out->act_text), "cannot %s: the rollout is %s%s", act,
                rollout_state_word(r->state), r->closed ? " and past its deadline" : "");
}

static void start(struct rollout *r, struct rollout_effects *out)
{
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

static void abort_all(struct rollout *r, const char *who)
{
    text_format(r->why, sizeof(r->why), "aborted by %.64s", who);
    r->state = ROLLOUT_ABORTING;
    r->gate_dirty = true;
    stage_stop(r);
    sweep_start(r, SWEEP_ABORT);
}

static bool may_act(const struct rollout *r, enum rollout_act act)
{
    if (act == ROLLOUT_ACT_START)
        return r->state == ROLLOUT_DRAFT;
    if (act == ROLLOUT_ACT_ABORT && r->state == ROLLOUT_DRAFT)
        return true;
    if (!is_live(r) || r->state == ROLLOUT_ABORTING || act >= ROLLOUT_ACT_COUNT)
        return false;
    if (act == ROLLOUT_ACT_PAUSE)
        return r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_FINISHING;
    return true;
}

static void take_act(struct rollout *r, const struct rollout_event *ev, struct rollout_effects *out)
{
    const char *who = ev->who ? ev->who : "somebody";

    out->act_id = ev->act_id;
    out->save_head = true;
    if (!may_act(r, ev->act)) {
        refuse(out, r, rollout_act_word(ev->act));
        return;
    }
    switch (ev->act) {
    case ROLLOUT_ACT_START:
        start(r, out);
        break;
    case ROLLOUT_ACT_PAUSE:
        pause(r, who);
        break;
    case ROLLOUT_ACT_RESUME:
        resume(r);
        break;
    case ROLLOUT_ACT_ABORT:
        abort_all(r, who);
        break;
    case ROLLOUT_ACT_COUNT:
        break;
    }
    text_format(out->act_text, sizeof(out->act_text), "%s: now %s", rollout_act_word(ev->act),
                rollout_state_word(r->state));
    fx_note(out, NOBODY, false, "%s by %.64s", rollout_act_word(ev->act), who);
}

static void take_event(struct rollout *r, const struct rollout_event *ev,
                       struct rollout_effects *out)
{
    switch (ev->kind) {
    case ROLLOUT_EV_TICK:
        break;
    case ROLLOUT_EV_ACT:
        take_act(r, ev, out);
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
    }
}

static void past_deadline(struct rollout *r, struct rollout_effects *out)
{
    if (!is_live(r) || r->now_ms < r->deadline_ms)
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
    if (r->sweep_at == r->count)
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

static uint32_t next_again(struct rollout *r)
{
    uint32_t device = r->again_first;

    r->again_first = r->device[device].next;
    r->device[device].queued = false;
    return device;
}

/* Tell devices of the stages reached, lowest rank first, while there is room under the cap. True
 * when any was told or excused. */
static bool tell(struct rollout *r, struct rollout_effects *out)
{
    uint32_t end = r->stages[r->stage].size + r->stages[r->stage].first;
    uint32_t saves = out->save_count;

    while (r->in_flight < r->plan.in_flight && fx_room(out) &&
           (r->again_first != NOBODY || r->cursor < end)) {
        uint32_t device = r->again_first != NOBODY ? next_again(r) : r->cursor++;
        const struct rollout_device *d = &r->device[device];

        if (d->state != RDEV_PLANNED || d->attempt == UINT16_MAX)
            continue;
        if (d->presence == PRESENCE_ONLINE)
            device_tell(r, device, out);
        else if (d->presence == PRESENCE_UNKNOWN)
            timer_set(r, device,
                      rollout_heard_ms(r) + (int64_t)r->plan.gate.silence_after_s * 1000);
    }
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
    take_event(r, ev, out);
    past_deadline(r, out);
    /* The gate looks before anybody is told: a failure must not make room for one more. */
    do {
        sweep(r, out);
        due = is_live(r) && timers(r, out);
        moved = !due && fx_room(out) && stages_step(r, out);
        if (!due && may_tell(r))
            moved = tell(r, out) || moved;
    } while (moved && fx_room(out));

    out->more = !fx_room(out) || r->sweep_kinds != 0 || due;
    if (out->save_count > 0 || r->now_ms - r->head_ms >= HEAD_MS)
        out->save_head = out->save_head || is_live(r);
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
