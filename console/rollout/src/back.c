/* Devices that have switched go back to what they ran before. */
#include "base/text.h"
#include "inside.h"

#define BACK_TRIES   5
#define BACK_WAIT_MS 30000

/* Only a device that is seen to run this release is sent back: what it runs since may be newer. */
static void send_back(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    if (d->presence == PRESENCE_ONLINE && d->on_target)
        device_wire(r, device, WIRE_ROLLBACK, out);
    else
        device_save(r, device, out);
}

void back_one(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    if (d->presence == PRESENCE_ONLINE && !d->on_target && d->state == RDEV_DONE)
        return; /* runs something else by now */
    d->state = RDEV_RETURNING;
    d->silent = false;
    d->ended_ms = 0;
    d->retries = 0;
    timer_clear(r, device);
    send_back(r, device, out);
}

void back_report(struct rollout *r, uint32_t device, const struct ota_report *report,
                 struct rollout_effects *out)
{
    r->device[device].ota = (uint8_t)report->state;
    if (report->state == OTA_REPORT_ROLLED_BACK)
        device_end(r, device, RDEV_RETURNED, REASON_ABORTED_BY_OPERATOR, out);
    else if (report->state == OTA_REPORT_FAILED)
        device_fail(r, device, report->reason, report->detail, out);
}

/* A new order, since a device answers the same one the same way. */
static void try_again(struct rollout *r, uint32_t device, enum reason reason,
                      struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    if (d->retries >= BACK_TRIES || d->attempt == UINT16_MAX) {
        device_fail(r, device, reason, "did not go back", out);
        return;
    }
    d->retries++;
    timer_set(r, device, rollout_heard_ms(r) + BACK_WAIT_MS);
    device_save(r, device, out);
}

void back_reply(struct rollout *r, uint32_t device, const struct reply *reply,
                struct rollout_effects *out)
{
    if (reply->ok || r->device[device].heap != 0)
        return;
    if (reply->reason == REASON_BUSY || reply->reason == REASON_REPLAY ||
        reply->reason == REASON_RECORD_IO)
        try_again(r, device, reply->reason, out);
    else
        device_fail(r, device, reply->reason, "did not go back", out);
}

void back_status(struct rollout *r, uint32_t device, bool back, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    if (d->presence != PRESENCE_ONLINE || !d->image_known)
        return;
    if (!d->on_target)
        device_end(r, device, RDEV_RETURNED, REASON_NONE, out);
    else if (d->heap == 0 && (back || d->wire != WIRE_ROLLBACK))
        send_back(r, device, out);
}

void back_timer(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    r->device[device].attempt++;
    send_back(r, device, out);
}

void back_start(struct rollout *r, const char *who, struct rollout_effects *out)
{
    text_format(r->why, sizeof(r->why), "rolled back by %.64s", who);
    if (r->state != ROLLOUT_ABORTING)
        stage_stop(r);
    if (r->closed || r->ended_ms != 0)
        r->deadline_ms = r->now_ms + (int64_t)r->plan.deadline_s * 1000;
    r->closed = false;
    r->ended_ms = 0;
    r->back = true;
    r->state = ROLLOUT_ABORTING;
    r->gate_dirty = true;
    sweep_start(r, SWEEP_ABORT);
    (void)out;
}
