/* Which devices there are: found by id, and those that join later. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "inside.h"
#include "protocol/id.h"

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

static void index_make(struct rollout *r, uint32_t slots)
{
    free(r->index);
    r->index = mem_array(slots, sizeof(*r->index));
    r->index_mask = slots - 1;
    for (uint32_t i = 0; i < slots; i++)
        r->index[i] = NOBODY;
}

struct rollout *rollout_alloc(uint32_t count)
{
    struct rollout *r = mem_alloc(sizeof(*r));
    uint32_t slots = 8;

    while (slots < count * 2)
        slots *= 2;
    r->count = count;
    r->device_cap = count ? count : 1;
    r->device = mem_array(r->device_cap, sizeof(*r->device));
    r->heap = mem_array(r->device_cap, sizeof(*r->heap));
    index_make(r, slots);
    r->again_first = NOBODY;
    r->again_last = NOBODY;
    return r;
}

void rollout_free(struct rollout *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; i < r->zone_count; i++)
        free(r->zone[i].rules);
    free(r->group);
    free(r->group_index);
    free(r->device);
    free(r->heap);
    free(r->index);
    free(r);
}

static void place(struct rollout *r, uint32_t device)
{
    struct rollout_stage *stage = &r->stages[r->device[device].stage];

    stage->size++;
    if (!r->device[device].joined && stage->span++ == 0)
        stage->first = device;
}

void roster_add(struct rollout *r, uint32_t device)
{
    struct rollout_device *d = &r->device[device];
    struct rollout_stage *stage = &r->stages[d->stage];

    index_add(r, device);
    place(r, device);
    device_enter(r, device);
    if (d->joined && d->state == RDEV_PLANNED)
        device_again(r, device);
    if (d->state == RDEV_SOAKING && d->due_ms > stage->soak_until_ms)
        stage->soak_until_ms = d->due_ms;
    if (d->state == RDEV_SOAKING || d->state == RDEV_RETRYING)
        timer_set(r, device, d->due_ms);
    else if (!d->silent && (d->state == RDEV_ORDERED || d->state == RDEV_RECALLING ||
                            d->state == RDEV_CONFIRMING))
        timer_set(r, device, device_deadline(r, d));
}

static void grow(struct rollout *r)
{
    uint32_t cap = r->device_cap;

    if (r->count < cap)
        return;
    r->device_cap = cap * 2;
    r->device = mem_grow(r->device, r->device_cap, sizeof(*r->device));
    r->heap = mem_grow(r->heap, r->device_cap, sizeof(*r->heap));
    index_make(r, (r->index_mask + 1) * 2);
    for (uint32_t i = 0; i < r->count; i++)
        index_add(r, i);
}

static void fill(struct rollout *r, struct rollout_device *d, const struct plan_candidate *c)
{
    const char *group = r->plan.per_group.by[0] ? plan_label(c, r->plan.per_group.by) : NULL;
    const char *tz = plan_label(c, PLAN_TZ_LABEL);

    memset(d, 0, sizeof(*d));
    text_copy(d->id, sizeof(d->id), c->id);
    d->presence = c->online ? PRESENCE_ONLINE : PRESENCE_OFFLINE;
    d->boot = strtoull(c->boot, NULL, 16);
    d->group = rollout_group_number(r, group ? group : "");
    d->zone = rollout_zone_number(r, tz ? tz : "");
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
    r->jitter_most_s = plan->jitter_s;
    for (uint32_t i = 0; i < set->count; i++) {
        fill(r, &r->device[i], &candidate[set->member[i].candidate]);
        r->device[i].stage = (uint8_t)set->member[i].stage;
        roster_add(r, i);
    }
    return r;
}

static bool row_is_whole(const struct rollout *r, uint32_t i)
{
    const struct rollout_device *d = &r->device[i];
    const struct rollout_device *before = i > 0 ? &r->device[i - 1] : NULL;

    if (before && before->joined && !d->joined)
        return false;
    return id_is_valid(d->id, strlen(d->id)) && rollout_find(r, d->id) == NOBODY &&
           d->state <= RDEV_RETURNED && d->ota < OTA_REPORT_STATES && d->wire <= WIRE_ROLLBACK &&
           d->stage < r->plan.stage_count && (!before || d->joined || before->stage <= d->stage);
}

int rollout_rebuild(struct rollout *r, struct err *err)
{
    if (r->plan.stage_count == 0 || r->plan.stage_count > PLAN_STAGES ||
        r->stage >= r->plan.stage_count || r->state >= ROLLOUT_STATE_COUNT)
        return err_set(err, EXIT_NO, "rollout %s: the journal's head row is damaged", r->id);
    if (r->jitter_most_s < r->plan.jitter_s)
        r->jitter_most_s = r->plan.jitter_s;
    for (uint32_t i = 0; i < r->count; i++) {
        struct rollout_device *d = &r->device[i];
        if (!row_is_whole(r, i))
            return err_set(err, EXIT_NO, "rollout %s: the journal's row of device %u is damaged",
                           r->id, i);
        /* What is known of it now arrives with the retained messages. */
        d->presence = PRESENCE_UNKNOWN;
        d->queued = d->dirty = false;
        d->heap = 0;
        roster_add(r, i);
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

/* --- Late ones --- */

static bool may_join(const struct rollout *r)
{
    return r->plan.late == PLAN_LATE_JOIN && rollout_is_live(r) &&
           (r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_PAUSED ||
            r->state == ROLLOUT_FINISHING);
}

static bool join(struct rollout *r, const struct plan_candidate *c, struct rollout_effects *out)
{
    if (!id_is_valid(c->id, strlen(c->id)) || rollout_find(r, c->id) != NOBODY ||
        r->count == PLAN_DEVICES || !fx_room(out))
        return false;
    grow(r);
    uint32_t device = r->count++;
    fill(r, &r->device[device], c);
    r->device[device].joined = true;
    r->device[device].stage = (uint8_t)r->stage;
    roster_add(r, device);
    device_save(r, device, out);
    return true;
}

void roster_take_join(struct rollout *r, const struct rollout_event *ev,
                      struct rollout_effects *out)
{
    uint32_t count = 0;

    if (!may_join(r))
        return;
    for (uint32_t i = 0; i < ev->join_count && i < ROLLOUT_JOINS; i++)
        count += join(r, &ev->join[i], out);
    if (count == 0)
        return;
    out->save_head = true;
    fx_note(out, NOBODY, false, "%u more device%s the target and join%s stage %s", count,
            count == 1 ? " matches" : "s match", count == 1 ? "s" : "",
            r->plan.stage[r->stage].name);
}
