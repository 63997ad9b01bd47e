#include "inside.h"

void queue_put(struct rollout *r, uint32_t *first, uint32_t *last, uint32_t device)
{
    struct rollout_device *d = &r->device[device];

    d->queued = true;
    d->next = NOBODY;
    if (*first == NOBODY)
        *first = device;
    else
        r->device[*last].next = device;
    *last = device;
}

uint32_t queue_take(struct rollout *r, uint32_t *first, uint32_t *last)
{
    uint32_t device = *first;

    if (device == NOBODY)
        return NOBODY;
    *first = r->device[device].next;
    if (*first == NOBODY)
        *last = NOBODY;
    r->device[device].queued = false;
    return device;
}
