#include <stdlib.h>
#include <string.h>

#include "inside.h"

static int64_t seconds(uint32_t s)
{
    return (int64_t)s * 1000;
}

/* 16 hex digits; 0 for anything else, which no device draws but once in 2^64. */
static uint64_t boot_number(const char *hex)
{
    char *end;
    uint64_t value = strtoull(hex, &end, 16);

    return end != hex && *end == '\0' ? value : 0;
}

enum rollout_phase rollout_device_phase(const struct rollout_device *d)
{
    static const enum rollout_phase told[OTA_REPORT_STATES] = {
        [OTA_REPORT_IDLE] = ROLLOUT_PHASE_TOLD,
        [OTA_REPORT_RECEIVED] = ROLLOUT_PHASE_TOLD,
        [OTA_REPORT_WAITING] = ROLLOUT_PHASE_TOLD,
        [OTA_REPORT_DOWNLOADING] = ROLLOUT_PHASE_DOWNLOADING,
        [OTA_REPORT_PAUSED] = ROLLOUT_PHASE_DOWNLOADING,
        [OTA_REPORT_VERIFYING] = ROLLOUT_PHASE_INSTALLING,
        [OTA_REPORT_INSTALLING] = ROLLOUT_PHASE_INSTALLING,
        [OTA_REPORT_REBOOTING] = ROLLOUT_PHASE_REBOOTING,
        [OTA_REPORT_TRIAL] = ROLLOUT_PHASE_TRIAL,
    };

    if (d->silent)
        return ROLLOUT_PHASE_SILENT;
    switch ((enum rollout_device_state)d->state) {
    case RDEV_PLANNED:
        return d->presence == PRESENCE_OFFLINE ? ROLLOUT_PHASE_OFFLINE : ROLLOUT_PHASE_PLANNED;
    case RDEV_ORDERED:
        return told[d->ota];
    case RDEV_RECALLING:
        return ROLLOUT_PHASE_RECALLED;
    case RDEV_CONFIRMING:
        return ROLLOUT_PHASE_TRIAL;
    case RDEV_SOAKING:
        return ROLLOUT_PHASE_SOAKING;
    case RDEV_RETRYING:
        return ROLLOUT_PHASE_RETRYING;
    case RDEV_DONE:
        return ROLLOUT_PHASE_DONE;
    case RDEV_FAILED:
        return ROLLOUT_PHASE_FAILED;
    case RDEV_EXCUSED:
        return ROLLOUT_PHASE_EXCUSED;
    case RDEV_ABORTING:
        return ROLLOUT_PHASE_ABORTING;
    case RDEV_ABORTED:
        return ROLLOUT_PHASE_ABORTED;
    case RDEV_RETURNING:
        return ROLLOUT_PHASE_RETURNING;
    case RDEV_RETURNED:
        return ROLLOUT_PHASE_RETURNED;
    }
    return ROLLOUT_PHASE_PLANNED;
}

bool device_counts(const struct rollout_device *d)
{
    enum reason_class cls = reason_class((enum reason)d->reason);

    /* A roll-back without another cause is the firmware's. */
    return d->state == RDEV_FAILED &&
           (cls == REASON_CLASS_FIRMWARE || cls == REASON_CLASS_IMAGE || cls == REASON_CLASS_NONE);
}

/* Told, and neither at an end nor silent. */
static bool in_flight(const struct rollout_device *d)
{
    return !d->silent && (d->state == RDEV_ORDERED || d->state == RDEV_RECALLING);
}

static void count(struct rollout *r, const struct rollout_device *d, uint32_t by)
{
    struct rollout_stage *stage = &r->stages[d->stage];

    /* Unsigned: adding UINT32_MAX is taking one away. */
    stage->phase[rollout_device_phase(d)] += by;
    if (in_flight(d))
        r->in_flight += by;
    caps_count(r, d, by);
    if (d->wire_pending)
        r->wire_pending += by;
    if (d->state != RDEV_FAILED)
        return;
    if (device_counts(d))
        stage->counted += by;
    else
        stage->other += by;
    if (d->reason < ROLLOUT_REASONS)
        r->reasons[d->reason] += by;
    if (d->ended_ms > r->acked_ms)
        r->fresh[reason_class((enum reason)d->reason)] += by;
}

void device_leave(struct rollout *r, uint32_t device)
{
    count(r, &r->device[device], UINT32_MAX);
}

void device_enter(struct rollout *r, uint32_t device)
{
    count(r, &r->device[device], 1);
    caps_wake(r, r->device[device].group);
    r->gate_dirty = true;
    if (r->device[device].state == RDEV_FAILED)
        r->failed_dirty = true;
}

void device_save(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    if (r->device[device].dirty)
        return;
    r->device[device].dirty = true;
    out->save[out->save_count++] = device;
}

void device_send(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    const struct rollout_device *d = &r->device[device];

    if (r->hearing)
        out->send[out->send_count++] = (struct rollout_send){ .wire = (enum rollout_wire)d->wire,
                                                              .device = device,
                                                              .attempt = d->attempt };
}

/* Inside leave/enter. */
void device_wire(struct rollout *r, uint32_t device, enum rollout_wire wire,
                 struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    d->wire = (uint8_t)wire;
    d->wire_pending = true;
    device_send(r, device, out);
    device_save(r, device, out);
}

/* Take away what lies on its topic, if anything does. */
static void clear_wire(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    if (r->device[device].wire != WIRE_NOTHING)
        device_wire(r, device, WIRE_NOTHING, out);
    device_save(r, device, out);
}

void device_again(struct rollout *r, uint32_t device)
{
    const struct rollout_device *d = &r->device[device];

    if (!d->queued && (device < r->cursor || d->joined))
        queue_put(r, &r->again_first, &r->again_last, device);
}

int64_t device_deadline(const struct rollout *r, const struct rollout_device *d)
{
    int64_t wait = seconds(r->plan.gate.silence_after_s);

    if (d->state == RDEV_ORDERED || d->state == RDEV_RECALLING) {
        if (d->ota == OTA_REPORT_RECEIVED || d->ota == OTA_REPORT_WAITING)
            wait += seconds(r->jitter_most_s);
        else if (d->ota == OTA_REPORT_REBOOTING || d->ota == OTA_REPORT_TRIAL)
            wait += seconds(r->plan.trial_s);
    }
    return d->heard_ms + wait;
}

void device_tell(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    device_leave(r, device);
    if (d->on_target) {
        d->state = RDEV_EXCUSED;
        d->ended_ms = r->now_ms;
        device_save(r, device, out);
    } else {
        d->state = RDEV_ORDERED;
        d->attempt++;
        d->ota = OTA_REPORT_IDLE;
        d->reason = REASON_NONE;
        d->got = 0;
        d->slot_s = 0;
        d->boot_before = d->boot;
        d->told_ms = r->now_ms;
        d->heard_ms = rollout_heard_ms(r);
        device_wire(r, device, WIRE_ORDER, out);
        caps_pay(r);
        timer_set(r, device, device_deadline(r, d));
    }
    device_enter(r, device);
}

/* --- Ends. All inside leave/enter. --- */

void device_end(struct rollout *r, uint32_t device, enum rollout_device_state state,
                enum reason reason, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    d->state = (uint8_t)state;
    d->reason = (uint8_t)reason;
    d->silent = false;
    /* After what was acknowledged, also when the clock was set back since. */
    d->ended_ms = r->now_ms > r->acked_ms ? r->now_ms : r->acked_ms + 1;
    timer_clear(r, device);
    clear_wire(r, device, out);
}

void device_fail(struct rollout *r, uint32_t device, enum reason reason, const char *detail,
                 struct rollout_effects *out)
{
    device_end(r, device, RDEV_FAILED, reason, out);
    fx_note(out, device, true, "%s failed: %s%s%.60s", r->device[device].id, reason_text(reason),
            detail[0] ? ": " : "", detail);
}

void device_plan_again(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    d->state = RDEV_PLANNED;
    d->silent = false;
    timer_clear(r, device);
    clear_wire(r, device, out);
    device_again(r, device);
}

void device_confirm(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];
    struct rollout_stage *stage = &r->stages[d->stage];
    int64_t soak = seconds(r->plan.stage[d->stage].soak_s);

    if (!d->on_target || d->boot == 0 || d->boot == d->boot_before)
        return;
    if (r->back) {
        back_one(r, device, out);
        return;
    }
    confirmed_note(r, device, out);
    if (soak == 0 || r->state == ROLLOUT_ABORTING) {
        device_end(r, device, RDEV_DONE, REASON_NONE, out);
        return;
    }
    d->state = RDEV_SOAKING;
    d->silent = false;
    timer_set(r, device, rollout_heard_ms(r) + soak);
    if (d->due_ms > stage->soak_until_ms)
        stage->soak_until_ms = d->due_ms;
    device_save(r, device, out);
}

static void reported_done(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    d->state = RDEV_CONFIRMING;
    clear_wire(r, device, out);
    timer_set(r, device, device_deadline(r, d));
    device_confirm(r, device, out);
}

static bool may_retry(const struct rollout *r, const struct rollout_device *d,
                      const struct ota_report *report)
{
    if (r->state == ROLLOUT_ABORTING || r->closed)
        return false;
    if (report->state != OTA_REPORT_FAILED && report->state != OTA_REPORT_ROLLED_BACK)
        return false;
    return d->retries < plan_retries_of(&r->plan, report->reason);
}

/* Doubled each time; up to half more, spread by device and try so that a reboot of the gateway does
 * not bring them all back at once. The multiplication is Knuth's hash: no secret, only a spread. */
static int64_t back_off(const struct rollout *r, uint32_t device)
{
    const struct rollout_device *d = &r->device[device];
    int64_t wait = seconds(r->plan.retry_after_s) << (d->retries - 1);
    uint32_t spread = (device * 31 + d->attempt + 1) * 2654435769u >> 16;

    return wait + wait * spread / 131072;
}

static void reported_failure(struct rollout *r, uint32_t device, const struct ota_report *report,
                             struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    if (hours_ended(r, d, report)) {
        if (d->state == RDEV_ABORTING)
            device_end(r, device, RDEV_ABORTED, REASON_ABORTED_BY_OPERATOR, out);
        else
            device_plan_again(r, device, out);
        return;
    }
    if (!may_retry(r, d, report)) {
        device_fail(r, device, report->reason, report->detail, out);
        return;
    }
    d->state = RDEV_RETRYING;
    d->reason = (uint8_t)report->reason;
    d->retries++;
    clear_wire(r, device, out);
    timer_set(r, device, rollout_heard_ms(r) + back_off(r, device));
    fx_note(out, device, false, "%s will try again in %lld s: %s", d->id,
            (long long)((d->due_ms - rollout_heard_ms(r)) / 1000), reason_text(report->reason));
}

bool device_waits(const struct rollout_device *d)
{
    return d->state == RDEV_ORDERED && d->ota <= OTA_REPORT_WAITING;
}

void device_recall(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    if (!device_waits(d))
        return;
    d->state = RDEV_RECALLING;
    device_wire(r, device, WIRE_ABORT, out);
}

/* An answer to a report about an abort. */
static void reported_aborted(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    switch ((enum rollout_device_state)r->device[device].state) {
    case RDEV_RECALLING:
        device_plan_again(r, device, out);
        return;
    case RDEV_ABORTING:
        device_end(r, device, RDEV_ABORTED, REASON_ABORTED_BY_OPERATOR, out);
        return;
    case RDEV_PLANNED:
    case RDEV_ORDERED:
    case RDEV_CONFIRMING:
    case RDEV_SOAKING:
    case RDEV_RETRYING:
    case RDEV_DONE:
    case RDEV_FAILED:
    case RDEV_EXCUSED:
    case RDEV_ABORTED:
    case RDEV_RETURNING:
    case RDEV_RETURNED:
        /* Somebody else's abort order: another console's key, or the device's own button. */
        device_fail(r, device, REASON_ABORTED_BY_OPERATOR, "", out);
        return;
    }
}

/* An abort order that was delivered again after the device had forgotten its digest. */
static bool abort_was_used(const struct rollout_device *d, const struct ota_report *report)
{
    return d->state != RDEV_ORDERED && report->state == OTA_REPORT_REJECTED &&
           report->reason == REASON_REPLAY;
}

/* What a report means for a device whose order is out. */
static void take_report(struct rollout *r, uint32_t device, const struct ota_report *report,
                        struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];
    bool waited = d->ota <= OTA_REPORT_WAITING;

    d->ota = (uint8_t)report->state;
    if (report->state == OTA_REPORT_DONE)
        reported_done(r, device, out);
    else if (report->state == OTA_REPORT_ABORTED || abort_was_used(d, report))
        reported_aborted(r, device, out);
    else if (ota_report_is_end(report->state))
        reported_failure(r, device, report, out);
    else if (report->reason == REASON_TOO_LATE && d->state == RDEV_RECALLING)
        d->state = RDEV_ORDERED;
    if (waited && d->ota > OTA_REPORT_WAITING)
        device_save(r, device, out); /* a restart must not take it for one that only waits */
}

/* "I know no such rollout": the device has nothing of ours, and says so without an attempt. */
static bool knows_nothing(const struct rollout_device *d, const struct ota_report *report)
{
    return report->state == OTA_REPORT_ABORTED && report->reason == REASON_NO_ROLLOUT &&
           report->n > d->n && (d->state == RDEV_RECALLING || d->state == RDEV_ABORTING);
}

static bool is_fall_back(const struct ota_report *report)
{
    return report->state == OTA_REPORT_ROLLED_BACK || report->state == OTA_REPORT_FAILED;
}

static void note_word(struct rollout *r, uint32_t device, const struct ota_report *report)
{
    struct rollout_device *d = &r->device[device];
    uint64_t boot = boot_number(report->boot);

    if (report->n > d->n || report->n == 0 || d->ota == OTA_REPORT_IDLE) {
        d->heard_ms = rollout_heard_ms(r);
        if (d->silent) {
            d->silent = false;
            timer_set(r, device, device_deadline(r, d));
        }
    }
    d->n = report->n;
    d->got = report->got;
    if (report->slot) /* the last reports need not repeat it */
        d->slot_s = (int64_t)report->slot;
    if (boot == 0)
        return;
    d->boot = boot;
    /* Nothing was known of it when it was told: the boot it downloads in is the one to differ. */
    if (d->boot_before == 0 && report->state < OTA_REPORT_REBOOTING)
        d->boot_before = boot;
}

void device_report(struct rollout *r, uint32_t device, const struct ota_report *report,
                   struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    if (strcmp(report->rollout, r->id) != 0 || d->attempt == 0 || r->closed ||
        (report->n != 0 && report->n < d->n) ||
        (report->attempt != d->attempt && !knows_nothing(d, report) && d->state != RDEV_RETURNING))
        return;
    device_leave(r, device);
    note_word(r, device, report);
    switch ((enum rollout_device_state)d->state) {
    case RDEV_ORDERED:
    case RDEV_RECALLING:
    case RDEV_ABORTING:
        take_report(r, device, report, out);
        break;
    case RDEV_CONFIRMING:
    case RDEV_SOAKING:
    case RDEV_DONE:
        if (is_fall_back(report))
            device_fail(r, device, report->reason, report->detail, out);
        break;
    case RDEV_PLANNED:
    case RDEV_RETRYING:
    case RDEV_FAILED:
    case RDEV_EXCUSED:
    case RDEV_ABORTED:
    case RDEV_RETURNED:
        break;
    case RDEV_RETURNING:
        back_report(r, device, report, out);
        break;
    }
    device_enter(r, device);
}

static void abort_reply(struct rollout *r, uint32_t device, enum reason reason,
                        struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    if (reason == REASON_NO_ROLLOUT)
        reported_aborted(r, device, out);
    else if (reason == REASON_TOO_LATE && d->state == RDEV_RECALLING) {
        /* Past the switch: it finishes its trial. What lies on its topic is cleared at the end. */
        d->state = RDEV_ORDERED;
        d->ota = OTA_REPORT_REBOOTING;
        device_save(r, device, out);
    }
}

void device_reply(struct rollout *r, uint32_t device, const struct reply *reply,
                  struct rollout_effects *out)
{
    const struct rollout_device *d = &r->device[device];

    device_leave(r, device);
    if (reply->verb == VERB_ABORT && (d->state == RDEV_RECALLING || d->state == RDEV_ABORTING))
        abort_reply(r, device, reply->reason, out);
    else if (reply->verb == VERB_ROLLBACK && d->state == RDEV_RETURNING)
        back_reply(r, device, reply, out);
    device_enter(r, device);
}

static void status_of_planned(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    if (d->on_target) {
        device_end(r, device, RDEV_EXCUSED, REASON_NONE, out);
        return;
    }
    if (d->state == RDEV_PLANNED && d->presence == PRESENCE_ONLINE)
        device_again(r, device);
}

/* `back`: it has just come (back) online. */
static void status_while_told(struct rollout *r, uint32_t device, bool new_boot, bool back,
                              struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    /* An abort order is not retained: say it again to who may have missed it. */
    if ((new_boot || back) && (d->state == RDEV_RECALLING || d->state == RDEV_ABORTING))
        device_wire(r, device, WIRE_ABORT, out);
    if (!new_boot)
        return;
    d->heard_ms = rollout_heard_ms(r);
    if (d->silent) {
        d->silent = false;
        timer_set(r, device, device_deadline(r, d));
    }
}

void device_status(struct rollout *r, uint32_t device, const struct device_status *status,
                   struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];
    uint64_t boot = status->online ? boot_number(status->boot) : 0;
    bool new_boot = boot != 0 && boot != d->boot;
    bool back = status->online && d->presence != PRESENCE_ONLINE;

    device_leave(r, device);
    d->presence = status->online ? PRESENCE_ONLINE : PRESENCE_OFFLINE;
    if (boot != 0)
        d->boot = boot;
    if (status->online && status->image[0] != '\0') {
        d->image_known = true;
        d->on_target = strcmp(status->image, r->release.image) == 0;
    }
    switch ((enum rollout_device_state)d->state) {
    case RDEV_PLANNED:
    case RDEV_RETRYING:
        if (!r->closed)
            status_of_planned(r, device, out);
        break;
    case RDEV_ORDERED:
    case RDEV_RECALLING:
    case RDEV_ABORTING:
        status_while_told(r, device, new_boot, back, out);
        break;
    case RDEV_CONFIRMING:
        status_while_told(r, device, new_boot, back, out);
        device_confirm(r, device, out);
        if (d->state == RDEV_CONFIRMING && new_boot && status->image[0] != '\0' && !d->on_target)
            device_fail(r, device, REASON_RESET, "reported done, then came back with another image",
                        out);
        break;
    case RDEV_SOAKING:
        if (status->online && status->image[0] != '\0' && !d->on_target)
            device_fail(r, device, REASON_RESET, "left the new image while it was watched", out);
        break;
    case RDEV_DONE:
    case RDEV_FAILED:
    case RDEV_EXCUSED:
    case RDEV_ABORTED:
    case RDEV_RETURNED:
        break;
    case RDEV_RETURNING:
        back_status(r, device, back, out);
        break;
    }
    device_enter(r, device);
}

void device_published(struct rollout *r, const struct rollout_event *ev,
                      struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[ev->device];

    if (!d->wire_pending || d->wire != ev->wire ||
        (ev->wire != WIRE_NOTHING && d->attempt != ev->attempt))
        return;
    device_leave(r, ev->device);
    d->wire_pending = false;
    /* Orders are sent again after a restart anyway; a topic that was cleared must be left alone,
     * since a later rollout may have put its own order there. */
    if (ev->wire == WIRE_NOTHING)
        device_save(r, ev->device, out);
    device_enter(r, ev->device);
}

static void went_silent(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];
    int64_t deadline = device_deadline(r, d);

    if (rollout_heard_ms(r) < deadline) {
        timer_set(r, device, deadline);
        return;
    }
    if (d->state == RDEV_RECALLING && !hours_open(r, d) && may_tell(r)) {
        device_plan_again(r, device, out); /* its order has expired with the window */
        return;
    }
    d->silent = true;
    device_save(r, device, out);
    fx_note(out, device, true, "%s is silent: no word about its update for %lld s", d->id,
            (long long)((rollout_heard_ms(r) - d->heard_ms) / 1000));
}

void device_timer(struct rollout *r, uint32_t device, struct rollout_effects *out)
{
    struct rollout_device *d = &r->device[device];

    timer_clear(r, device);
    device_leave(r, device);
    switch ((enum rollout_device_state)d->state) {
    case RDEV_PLANNED:
        /* The broker keeps no status of it: as good as offline. */
        if (d->presence == PRESENCE_UNKNOWN)
            d->presence = PRESENCE_OFFLINE;
        break;
    case RDEV_ORDERED:
    case RDEV_RECALLING:
    case RDEV_CONFIRMING:
        went_silent(r, device, out);
        break;
    case RDEV_SOAKING:
        device_end(r, device, RDEV_DONE, REASON_NONE, out);
        break;
    case RDEV_RETRYING:
        device_plan_again(r, device, out);
        break;
    case RDEV_DONE:
    case RDEV_FAILED:
    case RDEV_EXCUSED:
    case RDEV_ABORTING:
    case RDEV_ABORTED:
    case RDEV_RETURNED:
        break;
    case RDEV_RETURNING:
        back_timer(r, device, out);
        break;
    }
    device_enter(r, device);
}
