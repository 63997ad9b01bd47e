/*
 * A clock that was set back. What was heard while it was ahead lies in the future: left there, no
 * device would be silent, and no value newer than the last one, until that time comes. It keeps its
 * age instead.
 */
#include "internal.h"

static void pull(int64_t *t_ms, int64_t now_ms, int64_t by_ms)
{
    if (*t_ms > now_ms)
        *t_ms -= by_ms;
}

static void pull_s(uint32_t *t_s, int64_t now_ms, int64_t by_ms)
{
    int64_t t_ms = (int64_t)*t_s * 1000;

    pull(&t_ms, now_ms, by_ms);
    *t_s = (uint32_t)(t_ms > 0 ? t_ms / 1000 : 0);
}

static void pull_device(struct fleet_device *d, int64_t now_ms, int64_t by_ms)
{
    pull(&d->last_ms, now_ms, by_ms);
    pull(&d->met_ms, now_ms, by_ms);
    pull(&d->since_ms, now_ms, by_ms);
    pull(&d->offline_ms, now_ms, by_ms);
    if (d->ota)
        pull(&d->ota->arrived_ms, now_ms, by_ms);
    pull_s(&d->crashed_s, now_ms, by_ms);
    d->spoke_ds = 0; /* between two clocks there is no interval to learn */
    for (uint32_t i = 0; i < d->value_count; i++)
        pull_s(&d->value[i].t, now_ms, by_ms);
}

void fleet_clock_back(struct fleet *fleet, int64_t now_ms)
{
    int64_t by_ms = fleet->now_ms - now_ms;

    fleet->now_ms = now_ms;
    fleet->rate = (struct rate){ 0 };
    pull(&fleet->link.since_ms, now_ms, by_ms);
    pull(&fleet->vouched_ms, now_ms, by_ms);
    for (uint32_t i = 0; i < fleet->span; i++)
        if (fleet_at(fleet, i)->used)
            pull_device(fleet_at(fleet, i), now_ms, by_ms);
    fleet_history_back(fleet);
    fleet->changes++;
}
