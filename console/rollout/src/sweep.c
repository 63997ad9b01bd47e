/* Passes over all devices: what an abort, a deadline, a close of the window or a link that is back
 * means for each of them. */
#include "inside.h"

static bool has_switched(const struct rollout_device *d)
{
    if (d->state == RDEV_ORDERED || d->state == RDEV_RECALLING || d->state == RDEV_ABORTING)
        return d->ota == OTA_REPORT_TRIAL;
    return d->state == RDEV_CONFIRMING || d->state == RDEV_SOAKING || d->state == RDEV_DONE;
}

static void abort_one(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    if (r->back && has_switched(d)) {
        back_one(r, device, out);
        return;
    }
    switch ((enum rollout_device_state)d->state) {
    case RDEV_ORDERED:
    case RDEV_RECALLING:
        d->silent = false;
        timer_clear(r, device);
        if (d->state == RDEV_ORDERED)
            device_wire(r, device, WIRE_ABORT, out);
        d->state = RDEV_ABORTING;
        device_save(r, device, out);
        break;
    case RDEV_RETRYING:
        device_fail(r, device, (enum reason)d->reason, "aborted before another try", out);
        break;
    case RDEV_SOAKING:
        device_end(r, device, RDEV_DONE, REASON_NONE, out);
        break;
    case RDEV_CONFIRMING:
        device_confirm(r, device, out);
        break;
    case RDEV_PLANNED: /* never told: stays as it is */
    case RDEV_DONE:
    case RDEV_FAILED:
    case RDEV_EXCUSED:
    case RDEV_ABORTING:
    case RDEV_ABORTED:
    case RDEV_RETURNING:
    case RDEV_RETURNED:
        break;
    }
}

static void close_one(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    switch ((enum rollout_device_state)d->state) {
    case RDEV_PLANNED:
        if (d->stage <= r->stage)
            device_end(r, device, RDEV_EXCUSED, REASON_EXPIRED, out);
        break;
    case RDEV_ORDERED:
    case RDEV_RECALLING:
    case RDEV_CONFIRMING:
        device_end(r, device, RDEV_FAILED, REASON_EXPIRED, out);
        break;
    case RDEV_RETRYING:
        device_end(r, device, RDEV_FAILED, (enum reason)d->reason, out);
        break;
    case RDEV_ABORTING:
        device_end(r, device, RDEV_ABORTED, REASON_EXPIRED, out);
        break;
    case RDEV_SOAKING:
        device_end(r, device, RDEV_DONE, REASON_NONE, out);
        break;
    case RDEV_DONE:
    case RDEV_FAILED:
    case RDEV_EXCUSED:
    case RDEV_ABORTED:
    case RDEV_RETURNED:
        break;
    case RDEV_RETURNING:
        device_fail(r, device, REASON_EXPIRED, "did not go back", out);
        break;
    }
}

/* No word yet to what was sent: the broker may have lost it. */
static bool unanswered(const struct rollout_device *d)
{
    return d->state == RDEV_ABORTING || d->state == RDEV_RECALLING ||
           (d->state == RDEV_RETURNING && d->wire == WIRE_ROLLBACK) ||
           (d->state == RDEV_ORDERED && d->ota == OTA_REPORT_IDLE);
}

void device_sweep(struct rollout *r, uint32_t device, uint32_t kinds, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];
    uint32_t sent = out->send_count;

    device_leave(r, device);
    if (kinds & SWEEP_CLOSE)
        close_one(r, device, out);
    else if (kinds & SWEEP_ABORT)
        abort_one(r, device, out);
    else if ((kinds & SWEEP_RECALL) || ((kinds & SWEEP_WINDOW) && !hours_open(r, d)))
        device_recall(r, device, out);
    if (kinds & SWEEP_RETRY)
        retry_one(r, device, out);
    if ((kinds & SWEEP_RESEND) && out->send_count == sent && (d->wire_pending || unanswered(d))) {
        d->wire_pending = true;
        device_send(r, device, out);
    }
    device_enter(r, device);
}
