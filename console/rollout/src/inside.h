#ifndef ROLLOUT_INSIDE_H
#define ROLLOUT_INSIDE_H

/* What the reducer's files share. Nothing here is seen outside the folder. */
#include "rollout/rollout.h"

#define NOBODY ROLLOUT_NO_DEVICE

/* rollout.sweep_kinds: what a pass over all devices is to do. */
enum sweep {
    SWEEP_RESEND = 1, /* publish what has no answer */
    SWEEP_RECALL = 2, /* paused or stopped: stop those that only wait */
    SWEEP_ABORT = 4,
    SWEEP_CLOSE = 8, /* the deadline has passed */
};

/* Room in the effects for one more device and what may follow from it. */
bool fx_room(const struct rollout_effects *out);
void fx_note(struct rollout_effects *out, uint32_t device, bool bad, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* timers.c: a heap of devices by due_ms on the heard clock. */
void timer_set(struct rollout *r, uint32_t device, int64_t due_ms);
void timer_clear(struct rollout *r, uint32_t device);
uint32_t timer_top(const struct rollout *r); /* or NOBODY */

/* device.c: every change of a device lies between leave() and enter(), which keep the counts. */
void device_leave(struct rollout *r, uint32_t device);
void device_enter(struct rollout *r, uint32_t device);
void device_save(struct rollout *r, uint32_t device, struct rollout_effects *out);
/* Put on the wire what should be there; sent later when nobody listens. */
void device_wire(struct rollout *r, uint32_t device, enum rollout_wire wire,
                 struct rollout_effects *out);
void device_tell(struct rollout *r, uint32_t device, struct rollout_effects *out);
void device_timer(struct rollout *r, uint32_t device, struct rollout_effects *out);
void device_sweep(struct rollout *r, uint32_t device, uint32_t kinds, struct rollout_effects *out);
void device_report(struct rollout *r, uint32_t device, const struct ota_report *report,
                   struct rollout_effects *out);
void device_reply(struct rollout *r, uint32_t device, const struct reply *reply,
                  struct rollout_effects *out);
void device_status(struct rollout *r, uint32_t device, const struct device_status *status,
                   struct rollout_effects *out);
void device_published(struct rollout *r, const struct rollout_event *ev,
                      struct rollout_effects *out);
/* Remember that a device before the cursor may be told again. */
void device_again(struct rollout *r, uint32_t device);
int64_t device_deadline(const struct rollout *r, const struct rollout_device *d);
bool device_counts(const struct rollout_device *d); /* FAILED, against firmware or image */

/* stage.c */
bool stages_step(struct rollout *r, struct rollout_effects *out); /* true: something moved on */
void stage_start(struct rollout *r, uint32_t stage, struct rollout_effects *out);
void stage_stop(struct rollout *r); /* unless it has passed, or never started */
void stages_accept(struct rollout *r);
bool may_tell(const struct rollout *r);
void rollout_stop(struct rollout *r, struct rollout_effects *out, const char *why);
void rollout_finish(struct rollout *r, enum rollout_state state, struct rollout_effects *out);
void sweep_start(struct rollout *r, uint32_t kind);

#endif
