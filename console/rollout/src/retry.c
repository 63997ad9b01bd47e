/* Who is tried again, how often, and when. */
#include <string.h>

#include "base/text.h"
#include "inside.h"

void plan_set_retries(struct rollout_plan *plan, uint32_t tries)
{
    uint8_t n = (uint8_t)(tries < UINT8_MAX ? tries : UINT8_MAX);

    plan->retries = (struct plan_retries){ .network = n, .power = n, .hash_mismatch = n > 0 };
}

uint32_t plan_retries_of(const struct rollout_plan *plan, enum reason reason)
{
    const struct plan_retries *r = &plan->retries;

    for (uint32_t i = 0; i < r->one_count && i < PLAN_RETRY_ONES; i++)
        if (r->one[i].reason == reason)
            return r->one[i].tries;
    if (reason == REASON_HASH_MISMATCH)
        return r->hash_mismatch;
    switch (reason_class(reason)) {
    case REASON_CLASS_NETWORK:
        return r->network;
    case REASON_CLASS_POWER:
        return r->power;
    case REASON_CLASS_NONE:
    case REASON_CLASS_FIRMWARE:
    case REASON_CLASS_IMAGE:
    case REASON_CLASS_POLICY:
    case REASON_CLASS_OPERATOR:
    case REASON_CLASS_COUNT:
        break;
    }
    return 0;
}

/* --- By a person --- */

static bool is_named(const struct rollout_ask *ask, const char *id)
{
    for (uint32_t i = 0; i < ask->device_count; i++)
        if (strcmp(ask->device[i], id) == 0)
            return true;
    return ask->device_count == 0;
}

/* Firmware that failed is only tried again when that was meant. */
static bool is_meant(const struct rollout_ask *ask, const struct rollout_device *d)
{
    enum reason_class cls = reason_class((enum reason)d->reason);
    bool chosen =
        ask->reason != REASON_NONE || ask->cls != REASON_CLASS_NONE || ask->device_count > 0;

    if (ask->reason != REASON_NONE && d->reason != (uint8_t)ask->reason)
        return false;
    if (ask->cls != REASON_CLASS_NONE && cls != ask->cls)
        return false;
    return is_named(ask, d->id) && (chosen || cls != REASON_CLASS_FIRMWARE);
}

void retry_start(struct rollout *r, const struct rollout_event *ev, struct rollout_effects *out)
{
    if (ev->ask)
        r->retry = *ev->ask;
    else
        r->retry = (struct rollout_ask){ .reason = REASON_NONE };
    r->retry_act = ev->act_id;
    r->retry_count = 0;
    text_format(r->retry_who, sizeof(r->retry_who), "%.64s", ev->who ? ev->who : "somebody");
    /* The act is taken when all are planned again: a crash in between asks again. */
    out->act_id = 0;
    sweep_start(r, SWEEP_RETRY);
}

void retry_one(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    if (d->state != RDEV_FAILED || !is_meant(&r->retry, d))
        return;
    /* Acknowledged once, it must not hide another's failure. */
    uint32_t *acked = device_counts(d) ? &r->acked_counted : &r->acked_other;
    if (d->ended_ms <= r->acked_ms && *acked > 0)
        (*acked)--;
    d->retries = 0;
    d->ended_ms = 0;
    r->retry_count++;
    device_plan_again(r, device, out);
}

void retry_finish(struct rollout *r, struct rollout_effects *out)
{
    out->act_id = r->retry_act;
    out->save_head = true;
    out->act_refused = r->retry_count == 0;
    if (r->retry_count == 0) {
        text_copy(out->act_text, sizeof(out->act_text),
                  "cannot retry: no failed device is of that kind (firmware failures only when "
                  "asked for by reason, class or device)");
        return;
    }
    text_format(out->act_text, sizeof(out->act_text), "%u device%s will be tried again%s",
                r->retry_count, r->retry_count == 1 ? "" : "s",
                may_tell(r) ? "" : " once it is resumed");
    fx_note(out, NOBODY, false, "retry by %s: %u devices%s%.80s", r->retry_who, r->retry_count,
            r->retry.remark[0] ? ": " : "", r->retry.remark);
}
