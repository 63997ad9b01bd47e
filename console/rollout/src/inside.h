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
    SWEEP_CLOSE = 8,   /* the deadline has passed */
    SWEEP_WINDOW = 16, /* a window has closed: stop those in it that only wait */
    SWEEP_RETRY = 32,  /* plan again those that rollout.retry names */
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
void device_report(struct rollout *r, uint32_t device, const struct ota_report *report,
                   struct rollout_effects *out);
void device_reply(struct rollout *r, uint32_t device, const struct reply *reply,
                  struct rollout_effects *out);
void device_status(struct rollout *r, uint32_t device, const struct device_status *status,
                   struct rollout_effects *out);
void device_published(struct rollout *r, const struct rollout_event *ev,
                      struct rollout_effects *out);
/* Remember that a device that the cursor has passed may be told again. */
void device_again(struct rollout *r, uint32_t device);
int64_t device_deadline(const struct rollout *r, const struct rollout_device *d);
bool device_counts(const struct rollout_device *d); /* FAILED, against firmware or image */
bool device_waits(const struct rollout_device *d);  /* told, and not yet downloading */
/* Publish what should be on the wire, if anybody hears. */
void device_send(struct rollout *r, uint32_t device, struct rollout_effects *out);
/* The next five inside leave/enter. */
/* It said done: soaking, or at its end, when its status shows the image under another boot. */
/* The device runs the target, by a new boot: say so, and how long it took. */
void confirmed_note(struct rollout *r, uint32_t device, struct rollout_effects *out);
void device_confirm(struct rollout *r, uint32_t device, struct rollout_effects *out);
void device_end(struct rollout *r, uint32_t device, enum rollout_device_state state,
                enum reason reason, struct rollout_effects *out);
void device_fail(struct rollout *r, uint32_t device, enum reason reason, const char *detail,
                 struct rollout_effects *out);
void device_plan_again(struct rollout *r, uint32_t device, struct rollout_effects *out);
void device_recall(struct rollout *r, uint32_t device, struct rollout_effects *out);

/* roster.c: which devices there are, by id, and the memory they stand in. */
void roster_add(struct rollout *r, uint32_t device); /* index and count it; its timer goes on */
bool roster_join(struct rollout *r, const struct plan_candidate *c, struct rollout_effects *out);
void roster_take_join(struct rollout *r, const struct rollout_event *ev,
                      struct rollout_effects *out);

/* caps.c: how many at a time: in all, per group, per second. */
void caps_count(struct rollout *r, const struct rollout_device *d, uint32_t by); /* in its group */
void caps_wake(struct rollout *r, uint32_t group); /* the next that waits, if there is room */
void caps_wake_all(struct rollout *r);
bool caps_allow(const struct rollout *r); /* one more, whoever it is */
/* False: it waits for room in its group, and is woken when there is. */
bool caps_admit(struct rollout *r, uint32_t device);
void caps_pay(struct rollout *r);          /* an order goes out */
int64_t caps_due(const struct rollout *r); /* wall; INT64_MAX: not waiting for bandwidth */
void caps_note(const struct rollout *r, char *out, size_t cap); /* empty: nothing is in the way */

/* hours.c: when windows are open. */
void hours_look(struct rollout *r); /* without consequences: for onlookers */
void hours_step(struct rollout *r, struct rollout_effects *out);
void hours_forget(struct rollout *r); /* the clock was set: what was open is looked at again */
bool hours_open(const struct rollout *r, const struct rollout_device *d);
bool hours_allow(const struct rollout *r);            /* somebody may be told now */
bool hours_admit(struct rollout *r, uint32_t device); /* false: it waits until its window opens */
void hours_wake_all(struct rollout *r);
/* Is this end only the close of the window in which the device was told? */
bool hours_ended(const struct rollout *r, const struct rollout_device *d,
                 const struct ota_report *report);
int64_t hours_due(const struct rollout *r); /* wall ms of the next change, or INT64_MAX */
void hours_note(const struct rollout *r, char *out, size_t cap);

/* sweep.c: what the pass of these kinds means for one device. */
void device_sweep(struct rollout *r, uint32_t device, uint32_t kinds, struct rollout_effects *out);

/* queue.c: lists of devices through device.next; a device is in one at most. */
void queue_put(struct rollout *r, uint32_t *first, uint32_t *last, uint32_t device);
uint32_t queue_take(struct rollout *r, uint32_t *first, uint32_t *last); /* or NOBODY */

/* back.c: devices that have switched go back to what they ran. */
void back_start(struct rollout *r, const char *who, struct rollout_effects *out);
/* Inside leave/enter. */
void back_one(struct rollout *r, uint32_t device, struct rollout_effects *out);
void back_report(struct rollout *r, uint32_t device, const struct ota_report *report,
                 struct rollout_effects *out);
void back_reply(struct rollout *r, uint32_t device, const struct reply *reply,
                struct rollout_effects *out);
void back_status(struct rollout *r, uint32_t device, bool back, struct rollout_effects *out);
void back_timer(struct rollout *r, uint32_t device, struct rollout_effects *out);

/* retry.c */
void retry_start(struct rollout *r, const struct rollout_event *ev, struct rollout_effects *out);
void retry_one(struct rollout *r, uint32_t device, struct rollout_effects *out);
void retry_finish(struct rollout *r, struct rollout_effects *out); /* the sweep is through */

/* acts.c */
void act_take(struct rollout *r, const struct rollout_event *ev, struct rollout_effects *out);
bool rollout_is_live(const struct rollout *r);

/* stage.c */
bool stages_step(struct rollout *r, struct rollout_effects *out); /* true: something moved on */
void stage_start(struct rollout *r, uint32_t stage, struct rollout_effects *out);
void stage_stop(struct rollout *r); /* unless it has passed, or never started */
void stages_accept(struct rollout *r);
void stages_look_again(struct rollout *r); /* even when the counts are the same */
bool may_tell(const struct rollout *r);
void rollout_stop(struct rollout *r, struct rollout_effects *out, const char *why);
void rollout_finish(struct rollout *r, enum rollout_state state, struct rollout_effects *out);
void sweep_start(struct rollout *r, uint32_t kind);

#endif
