/*
 * Time as the alerts count it. What lasts is counted while somebody listens: not while the link is
 * down, not while the machine slept, and not by steps of the clock.
 */
#include "alert.h"

enum {
    GAP_MS = 15000, /* ticks come ten times a second: so long without one, and nobody listened */
    BACK_MS = 2000  /* less than that is waited for; more, and the clock was set back */
};

/* What has lasted so long goes on from there, by the new clock. When something fired stays as it
 * was told. */
static void set_back(struct alerts *a, int64_t by)
{
    for (uint32_t i = 0; i < a->entry_count; i++) {
        struct alert *alert = &a->entry[i].alert;
        alert->since_ms -= by;
        alert->gone_ms -= alert->gone_ms ? by : 0;
    }
    for (uint32_t i = 0; i < a->seat_count; i++) {
        struct seat *seat = &a->seat[i];
        seat->asked_ms = 0;
        for (uint32_t k = 0; seat->restarts && k < ALERT_RESTARTS; k++)
            seat->restarts->at_ms[k] -= by;
    }
    a->up_ms -= a->up_ms ? by : 0;
    a->deaf_ms -= a->deaf_ms ? by : 0;
    a->ready_ms -= a->ready_ms ? by : 0;
    a->now_ms -= by;
    a->version++;
}

/* Since when the link is up, by the present clock. */
static void follow_link(struct alerts *a)
{
    const struct fleet_link *link = fleet_link(a->fleet);

    if (!link->up)
        a->up_ms = 0;
    else if (!a->up_ms || link->since_ms != a->up_of)
        a->up_ms = link->since_ms < a->now_ms ? link->since_ms : a->now_ms;
    a->up_of = link->since_ms;
}

static void stop_judging(struct alerts *a, int64_t since_ms)
{
    if (a->ready_ms)
        a->deaf_ms = since_ms < a->now_ms ? since_ms : a->now_ms;
    a->ready_ms = 0;
}

void alert_clock(struct alerts *a, int64_t now_ms)
{
    int64_t before_ms = a->now_ms, by = now_ms - before_ms;
    bool gap = a->ready_ms && by >= GAP_MS;

    if (before_ms && by <= -BACK_MS)
        set_back(a, -by);
    a->now_ms = now_ms > a->now_ms ? now_ms : a->now_ms;
    follow_link(a);
    if (gap) {
        stop_judging(a, before_ms);
        a->up_ms = a->up_ms ? a->now_ms : 0; /* what is heard now may be as old as the gap */
    }
}

/* The time in which nobody listened does not count. */
static void resume(struct alerts *a)
{
    int64_t lost = a->deaf_ms ? a->now_ms - a->deaf_ms : 0;

    for (uint32_t i = 0; i < a->entry_count && lost > 0; i++) {
        struct alert *alert = &a->entry[i].alert;
        if (!a->entry[i].used)
            continue;
        if (!alert->fired_ms)
            alert->since_ms += lost;
        if (alert->gone_ms)
            alert->gone_ms += lost;
    }
    a->ready_ms = a->now_ms;
    if (!a->first_ready_ms)
        a->first_ready_ms = a->now_ms;
}

bool alert_hears(struct alerts *a)
{
    const struct fleet_link *link = fleet_link(a->fleet);

    if (!a->up_ms || a->now_ms - a->up_ms < ALERT_SETTLE_MS) {
        stop_judging(a, link->up ? a->now_ms : link->since_ms);
        return false;
    }
    if (!a->ready_ms)
        resume(a);
    return true;
}
