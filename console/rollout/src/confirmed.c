#include "base/text.h"
#include "inside.h"

/* "pump-lis-0090 confirmed 1.9.0 in 3m12s": the story of a rollout that goes well. */

enum { EVERY_MS = 1000, BURST_MS = ROLLOUT_CONFIRM_BURST * EVERY_MS, ROOM = 8 };

/* One a second after a burst: the time until which lines are used up moves on by a second with
 * each (a virtual scheduling clock). A wall clock that was set back begins anew. */
static bool may_say(struct rollout *r, const struct rollout_effects *out)
{
    int64_t used = r->confirm_ms;

    if (used < r->now_ms || used > r->now_ms + 2 * BURST_MS)
        used = r->now_ms;
    if (used - r->now_ms >= BURST_MS || out->note_count + ROOM > ROLLOUT_NOTES)
        return false;
    r->confirm_ms = used + EVERY_MS;
    return true;
}

static void span_text(int64_t ms, char *out, size_t cap)
{
    long long s = ms > 0 ? ms / 1000 : 0;

    if (s >= 3600)
        text_format(out, cap, "%lldh%02lldm", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        text_format(out, cap, "%lldm%02llds", s / 60, s % 60);
    else
        text_format(out, cap, "%llds", s);
}

/* From its slot, for until then it only waits; without one, or with one by a clock that is ahead,
 * from when it was told. */
static int64_t began_ms(const struct rollout *r, const struct rollout_device *d)
{
    int64_t slot = d->slot_s * 1000;
    return slot > d->told_ms && slot <= r->now_ms ? slot : d->told_ms;
}

void confirmed_note(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    const struct rollout_device *d = &r->device[device];
    char took[32], more[48] = "";

    if (!may_say(r, out)) {
        r->confirm_unsaid++;
        return;
    }
    if (r->confirm_unsaid)
        text_format(more, sizeof(more), "; %u more since the line before", r->confirm_unsaid);
    r->confirm_unsaid = 0;
    span_text(r->now_ms - began_ms(r, d), took, sizeof(took));
    fx_note(out, device, false, "%s confirmed %s in %s%s", d->id, r->release.version, took, more);
}
