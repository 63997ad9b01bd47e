/* Silences: who is not told of what, for how long. */
#include <string.h>

#include "alert.h"

void alert_silences_free(struct alerts *a)
{
    for (size_t i = 0; i < a->silence_count; i++)
        filter_free(a->silence[i].target);
    a->silence_count = 0;
}

/* A silence of some devices never hits a rollout's alert. */
static bool hits(const struct alerts *a, const struct silence *s, const struct alert *alert)
{
    const struct fleet_device *d =
        alert->device == FLEET_NONE ? NULL : fleet_device(a->fleet, alert->device);

    if (a->now_ms >= s->is.until_ms ||
        (s->is.rule[0] && strcmp(s->is.rule, a->rule[alert->rule].is.name) != 0))
        return false;
    return !s->target || (d && filter_match(s->target, a->fleet, d, a->now_ms));
}

const struct alert_silence *alerts_silence_of(const struct alerts *a, const struct alert *alert)
{
    const struct alert_silence *last = NULL;

    for (size_t i = 0; i < a->silence_count; i++) {
        const struct silence *s = &a->silence[i];
        if (hits(a, s, alert) && (!last || s->is.until_ms > last->until_ms))
            last = &s->is;
    }
    return last;
}

bool alert_is_silenced(struct alerts *a, const struct alert *alert)
{
    return alerts_silence_of(a, alert) != NULL;
}

/* Who was silenced and no longer is, or the other way round. */
static void silence_entry(struct alerts *a, struct entry *e)
{
    bool silenced = alert_is_silenced(a, &e->alert);

    if (silenced == e->alert.silenced)
        return;
    e->alert.silenced = silenced;
    a->version++;
    if (!silenced && e->alert.fired_ms && !e->alert.acked)
        alert_event_add(a, ALERT_UNMUTED, &e->alert);
    if (e->alert.device != FLEET_NONE)
        alert_show(a, e->alert.device);
}

int alerts_set_silences(struct alerts *a, const struct alert_silence *silence, size_t count,
                        int64_t now_ms, struct err *err)
{
    int rc = 0;

    a->now_ms = now_ms > a->now_ms ? now_ms : a->now_ms;
    alert_silences_free(a);
    for (size_t i = 0; i < count && a->silence_count < ALERT_SILENCES; i++) {
        struct silence *s = &a->silence[a->silence_count];
        struct filter_error e;
        s->is = silence[i];
        s->target = NULL;
        if (s->is.until_ms <= now_ms)
            continue;
        if (s->is.target[0] && !(s->target = filter_compile(s->is.target, &e))) {
            rc = err_set(err, EXIT_USAGE, "silence %lld: %s", (long long)s->is.id, e.text);
            continue;
        }
        a->silence_count++;
    }
    a->version++;
    for (uint32_t i = 0; i < a->entry_count; i++)
        if (a->entry[i].used)
            silence_entry(a, &a->entry[i]);
    return rc;
}

void alert_silences_end(struct alerts *a)
{
    bool over = false;

    for (size_t i = 0; i < a->silence_count; i++)
        over = over || a->silence[i].is.until_ms <= a->now_ms;
    if (!over)
        return;
    for (uint32_t i = 0; i < a->entry_count; i++)
        if (a->entry[i].used)
            silence_entry(a, &a->entry[i]);
    size_t kept = 0;
    for (size_t i = 0; i < a->silence_count; i++) {
        if (a->silence[i].is.until_ms <= a->now_ms)
            filter_free(a->silence[i].target);
        else
            a->silence[kept++] = a->silence[i];
    }
    a->silence_count = kept;
    a->version++;
}

/* ---- read out -------------------------------------------------------------------------------- */

const struct alert_silence *alerts_silence(const struct alerts *a, size_t n)
{
    return n < a->silence_count ? &a->silence[n].is : NULL;
}

uint32_t alerts_silence_mutes(const struct alerts *a, size_t n)
{
    uint32_t count = 0;

    if (n >= a->silence_count)
        return 0;
    for (uint32_t i = 0; i < a->entry_count; i++) {
        const struct entry *e = &a->entry[i];
        count +=
            e->used && e->alert.fired_ms && e->alert.silenced && hits(a, &a->silence[n], &e->alert);
    }
    return count;
}

uint32_t alerts_silence_devices(const struct alerts *a, size_t n)
{
    if (n >= a->silence_count)
        return 0;
    return a->silence[n].target ? filter_count(a->silence[n].target, a->fleet, a->now_ms)
                                : fleet_count(a->fleet);
}
