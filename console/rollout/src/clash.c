/* Two rollouts that pull at one device would undo each other. */
#include "inside.h"

static bool is_end(enum rollout_device_state state)
{
    return state == RDEV_DONE || state == RDEV_FAILED || state == RDEV_EXCUSED ||
           state == RDEV_ABORTED || state == RDEV_RETURNED;
}

static bool pulls(const struct rollout *r)
{
    return r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_PAUSED ||
           r->state == ROLLOUT_FINISHING || r->state == ROLLOUT_ABORTING;
}

static bool holds(const struct rollout *r, uint32_t device)
{
    const struct rollout_device *d = &r->device[device];

    return d->wire_pending || (pulls(r) && !is_end((enum rollout_device_state)d->state));
}

const char *rollout_clash(const struct rollout *r, enum rollout_act act,
                          const struct rollout *other)
{
    bool ended_too = act == ROLLOUT_ACT_RETRY || act == ROLLOUT_ACT_ROLLBACK;

    if (act != ROLLOUT_ACT_START && act != ROLLOUT_ACT_RESUME && !ended_too)
        return NULL;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct rollout_device *d = &r->device[i];
        if (!ended_too && is_end((enum rollout_device_state)d->state))
            continue;
        uint32_t at = rollout_find(other, d->id);
        if (at != ROLLOUT_NO_DEVICE && holds(other, at))
            return d->id;
    }
    return NULL;
}
