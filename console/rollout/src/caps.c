/* How many at a time: in all, per group, and bytes per second. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "inside.h"

/* --- Groups by name --- */

static uint32_t hash(const char *name)
{
    uint32_t h = 2166136261u;

    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h ^ h >> 15;
}

static uint32_t place_of(const struct rollout *r, const char *name)
{
    uint32_t at = hash(name) & r->group_mask;

    while (r->group_index[at] != NOBODY && strcmp(r->group[r->group_index[at]].name, name) != 0)
        at = (at + 1) & r->group_mask;
    return at;
}

/* At most half full. */
static void index_grow(struct rollout *r)
{
    uint32_t slots = r->group_mask + 1;

    if (r->group_index && (r->group_count + 1) * 2 <= slots)
        return;
    slots = r->group_index ? slots * 2 : 16;
    free(r->group_index);
    r->group_index = mem_array(slots, sizeof(*r->group_index));
    r->group_mask = slots - 1;
    for (uint32_t i = 0; i < slots; i++)
        r->group_index[i] = NOBODY;
    for (uint32_t i = 0; i < r->group_count; i++)
        r->group_index[place_of(r, r->group[i].name)] = i;
}

uint32_t rollout_group_number(struct rollout *r, const char *name)
{
    if (name[0] == '\0')
        return ROLLOUT_NO_GROUP;
    index_grow(r);
    uint32_t at = place_of(r, name);
    if (r->group_index[at] != NOBODY)
        return r->group_index[at];

    MEM_PUSH_ROOM(r->group, r->group_count, r->group_cap);
    struct rollout_group *g = &r->group[r->group_count];
    *g = (struct rollout_group){ .first = NOBODY, .last = NOBODY };
    text_copy(g->name, sizeof(g->name), name);
    r->group_index[at] = r->group_count;
    return r->group_count++;
}

const char *rollout_group_name(const struct rollout *r, const struct rollout_device *d)
{
    return d->group < r->group_count ? r->group[d->group].name : "";
}

/* --- Counting --- */

/* A silent one holds its place: were its neighbour told now, a site could lose both. */
static bool holds_place(const struct rollout_device *d)
{
    return d->state == RDEV_ORDERED || d->state == RDEV_RECALLING || d->state == RDEV_CONFIRMING ||
           d->state == RDEV_ABORTING;
}

void caps_count(struct rollout *r, const struct rollout_device *d, uint32_t by)
{
    if (d->group < r->group_count && holds_place(d))
        r->group[d->group].told += by; /* unsigned: adding UINT32_MAX is taking one away */
}

void caps_wake(struct rollout *r, uint32_t group)
{
    if (group >= r->group_count || r->group[group].told >= r->plan.per_group.max)
        return;
    uint32_t device = queue_take(r, &r->group[group].first, &r->group[group].last);
    if (device != NOBODY)
        device_again(r, device);
}

void caps_wake_all(struct rollout *r)
{
    for (uint32_t i = 0; i < r->group_count; i++)
        caps_wake(r, i);
}

/* --- Asking --- */

bool caps_allow(const struct rollout *r)
{
    return r->in_flight < r->plan.in_flight && (r->plan.bandwidth == 0 || r->paid_ms <= r->now_ms);
}

bool caps_admit(struct rollout *r, uint32_t device)
{
    uint32_t number = r->device[device].group;

    if (number >= r->group_count || r->group[number].told < r->plan.per_group.max)
        return true;
    struct rollout_group *g = &r->group[number];
    queue_put(r, &g->first, &g->last, device);
    return false;
}

/* Each order asks for one image: the next may go when the bandwidth has had time to carry it. */
void caps_pay(struct rollout *r)
{
    int64_t from = r->paid_ms > r->now_ms ? r->paid_ms : r->now_ms;

    if (r->plan.bandwidth > 0)
        r->paid_ms = from + (int64_t)r->release.size * 1000 / r->plan.bandwidth;
}

int64_t caps_due(const struct rollout *r)
{
    return r->plan.bandwidth > 0 && r->paid_ms > r->now_ms ? r->paid_ms : INT64_MAX;
}

void caps_note(const struct rollout *r, char *out, size_t cap)
{
    uint32_t full = 0;

    out[0] = '\0';
    if (r->in_flight >= r->plan.in_flight) {
        text_format(out, cap, "%u of %u in flight", r->in_flight, r->plan.in_flight);
        return;
    }
    if (caps_due(r) != INT64_MAX) {
        text_format(out, cap, "bandwidth: the next in %lld s",
                    (long long)(r->paid_ms - r->now_ms + 999) / 1000);
        return;
    }
    for (uint32_t i = 0; i < r->group_count; i++)
        full += r->group[i].first != NOBODY;
    if (full > 0)
        text_format(out, cap, "%u groups %s have %u in flight each", full, r->plan.per_group.by,
                    r->plan.per_group.max);
}
