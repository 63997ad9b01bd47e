/* When windows are open: nobody starts outside, and a close is nobody's fault. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "inside.h"

/* A device's clock may be ahead of ours by this much when it says that its order has expired. */
#define SKEW_MS 120000

uint8_t rollout_zone_number(struct rollout *r, const char *name)
{
    if (r->plan.window.days == 0)
        return 0;
    if (!plan_is_in_device_time(&r->plan))
        name = r->plan.window.tz;
    for (uint32_t i = 0; i < r->zone_count; i++)
        if (strcmp(r->zone[i].name, name) == 0)
            return (uint8_t)i;
    if (r->zone_count == ROLLOUT_ZONES)
        return 0;
    struct rollout_zone *z = &r->zone[r->zone_count];
    *z = (struct rollout_zone){ .first = NOBODY, .last = NOBODY };
    text_copy(z->name, sizeof(z->name), name);
    return (uint8_t)r->zone_count++;
}

const char *rollout_zone_name(const struct rollout *r, const struct rollout_device *d)
{
    return d->zone < r->zone_count ? r->zone[d->zone].name : "";
}

void rollout_zone_rules(struct rollout *r, uint32_t i, const struct zone *rules)
{
    struct rollout_zone *z = &r->zone[i];

    if (i >= r->zone_count)
        return;
    if (!z->rules)
        z->rules = mem_alloc(sizeof(*z->rules));
    *z->rules = *rules;
    z->known = false;
}

/* --- Opening and closing --- */

static void look(struct rollout *r, struct rollout_zone *z)
{
    const struct window *w = &r->plan.window;
    int64_t next = INT64_MAX;

    z->open = false;
    if (z->rules) {
        z->open = window_is_open(w, z->rules, r->now_ms / 1000);
        next = window_next_change(w, z->rules, r->now_ms / 1000);
    }
    z->known = true;
    z->next_ms = next == INT64_MAX ? INT64_MAX : next * 1000;
}

void hours_look(struct rollout *r)
{
    for (uint32_t i = 0; i < r->zone_count; i++)
        if (!r->zone[i].known || r->now_ms >= r->zone[i].next_ms)
            look(r, &r->zone[i]);
}

static void wake_zone(struct rollout *r, struct rollout_zone *z)
{
    uint32_t device;

    while ((device = queue_take(r, &z->first, &z->last)) != NOBODY)
        device_again(r, device);
}

static void step_zone(struct rollout *r, struct rollout_zone *z, struct rollout_effects *out)
{
    bool was_known = z->known;
    bool was_open = z->open;

    if (was_known && r->now_ms < z->next_ms)
        return;
    look(r, z);
    if (z->open && !(was_known && was_open))
        wake_zone(r, z);
    if (!z->open && !(was_known && !was_open) && rollout_is_live(r))
        sweep_start(r, SWEEP_WINDOW);
    if (was_known && was_open != z->open && rollout_is_live(r) && !r->closed)
        fx_note(out, NOBODY, false, "the window %s (%s)", z->open ? "opens" : "closes", z->name);
}

void hours_step(struct rollout *r, struct rollout_effects *out)
{
    for (uint32_t i = 0; i < r->zone_count; i++)
        step_zone(r, &r->zone[i], out);
}

void hours_forget(struct rollout *r)
{
    for (uint32_t i = 0; i < r->zone_count; i++)
        r->zone[i].next_ms = INT64_MIN;
}

void hours_wake_all(struct rollout *r)
{
    for (uint32_t i = 0; i < r->zone_count; i++)
        wake_zone(r, &r->zone[i]);
}

/* --- Asking --- */

static const struct rollout_zone *zone_of(const struct rollout *r, const struct rollout_device *d)
{
    return d->zone < r->zone_count ? &r->zone[d->zone] : NULL;
}

bool hours_open(const struct rollout *r, const struct rollout_device *d)
{
    const struct rollout_zone *z = zone_of(r, d);

    return !z || z->open;
}

/* Early enough that its slot can't lie beyond the close. */
static bool may_be_told(const struct rollout *r, const struct rollout_zone *z)
{
    return z->open &&
           (z->next_ms == INT64_MAX || r->now_ms + (int64_t)r->plan.jitter_s * 1000 <= z->next_ms);
}

bool hours_allow(const struct rollout *r)
{
    return r->zone_count == 0 || plan_is_in_device_time(&r->plan) || may_be_told(r, &r->zone[0]);
}

bool hours_admit(struct rollout *r, uint32_t device)
{
    uint8_t number = r->device[device].zone;

    if (number >= r->zone_count || may_be_told(r, &r->zone[number]))
        return true;
    queue_put(r, &r->zone[number].first, &r->zone[number].last, device);
    return false;
}

bool hours_ended(const struct rollout *r, const struct rollout_device *d,
                 const struct ota_report *report)
{
    const struct rollout_zone *z = zone_of(r, d);

    if (!z || !z->rules || report->reason != REASON_EXPIRED || r->closed)
        return false;
    int64_t close = window_next_change(&r->plan.window, z->rules, d->told_ms / 1000);
    return close != INT64_MAX && r->now_ms + SKEW_MS >= close * 1000;
}

int64_t rollout_order_expires(const struct rollout *r, const struct rollout_device *d)
{
    const struct rollout_zone *z = zone_of(r, d);

    return z && z->open && z->next_ms < r->deadline_ms ? z->next_ms : r->deadline_ms;
}

int64_t hours_due(const struct rollout *r)
{
    int64_t due = INT64_MAX;

    for (uint32_t i = 0; i < r->zone_count; i++)
        if (!r->zone[i].known)
            due = r->now_ms;
        else if (r->zone[i].next_ms < due)
            due = r->zone[i].next_ms;
    return due;
}

/* --- In words --- */

/* "3 h 10 m" */
static void say_time(char *out, size_t cap, int64_t ms)
{
    long long s = (ms + 999) / 1000;

    s = s > 50 && s < 60 ? 60 : s;
    if (s >= 86400)
        text_format(out, cap, "%lld d %lld h", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        text_format(out, cap, "%lld h %lld m", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        text_format(out, cap, "%lld m", s / 60);
    else
        text_format(out, cap, "%lld s",
                    s < 10 ? s : (s + 9) / 10 * 10); /* not another each second */
}

void hours_note(const struct rollout *r, char *out, size_t cap)
{
    const struct rollout_zone *next = NULL;
    char left[40];

    out[0] = '\0';
    for (uint32_t i = 0; i < r->zone_count; i++) {
        const struct rollout_zone *z = &r->zone[i];
        if (!z->known || may_be_told(r, z))
            return;
        if (!z->open && (!next || z->next_ms < next->next_ms))
            next = z;
    }
    if (!next) {
        if (r->zone_count > 0)
            text_format(out, cap, "too late for a slot in this window");
        return;
    }
    if (next->next_ms == INT64_MAX) {
        text_format(out, cap, "the window never opens: is time zone %s known here?", next->name);
        return;
    }
    say_time(left, sizeof(left), next->next_ms - r->now_ms);
    text_format(out, cap, "the window opens in %s (%s)", left, next->name);
}
