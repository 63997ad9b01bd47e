#ifndef ROLLOUT_ROLLOUT_H
#define ROLLOUT_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/ota_state.h"
#include "protocol/reason.h"
#include "protocol/reply.h"
#include "protocol/report.h"
#include "protocol/status.h"
#include "rollout/gate.h"
#include "rollout/plan.h"

/*
 * A staged rollout as a pure reducer: (state, event) -> (state, effects). Nothing here reads a
 * clock or talks to anyone; the same events give the same state.
 *
 * The shell's loop:
 *
 *     rollout_step(r, &event, &fx);
 *     for (;;) {
 *         1. in ONE transaction: make and keep the orders of fx.send, save the devices of fx.save,
 *            the head if fx.save_head, the notes, and mark fx.act_id as consumed
 *            (store_commit() does all of it);
 *         2. only then publish fx.send; when the broker has acknowledged one, feed
 *            ROLLOUT_EV_PUBLISHED;
 *         if (!fx.more) break;
 *         event = a tick at the same time; rollout_step(r, &event, &fx);
 *     }
 *
 * So what is on disk is always at least as far as what was sent. After a crash: store_load(),
 * feed ROLLOUT_EV_BROKER_UP once the link is subscribed, and the retained statuses and reports as
 * they arrive. Everything that has no answer is sent again, byte for byte the same order.
 *
 * Time: soak, silence and back-off run on a clock that stands still while the broker is away or no
 * console runs (rollout_heard_ms()), so nobody is called silent for our own deafness. The deadline
 * and the orders' expiry are wall time.
 */

/* X(NAME, "word"). The words are what --json and the journal say. */
#define ROLLOUT_STATE_MAP(X)                                                                       \
    X(DRAFT, "draft")                                                                              \
    X(RUNNING, "running")                                                                          \
    X(PAUSED, "paused")       /* by a person */                                                    \
    X(STOPPED, "stopped")     /* by itself, see `why`; resume goes on, abort ends it */            \
    X(FINISHING, "finishing") /* all stages passed; offline and silent devices may still come */   \
    X(ABORTING, "aborting")   /* abort orders are out, not all acknowledged */                     \
    X(DONE, "done")                                                                                \
    X(ABORTED, "aborted")

enum rollout_state {
#define X(name, word) ROLLOUT_##name,
    ROLLOUT_STATE_MAP(X)
#undef X
        ROLLOUT_STATE_COUNT
};

#define ROLLOUT_STAGE_MAP(X)                                                                       \
    X(WAITING, "waiting")                                                                          \
    X(RUNNING, "running")                                                                          \
    X(SOAKING, "soaking") /* all have ended, some are still watched */                             \
    X(HOLDING, "holding") /* complete; the gate says what is missing */                            \
    X(PASSED, "passed")                                                                            \
    X(STOPPED, "stopped")

enum rollout_stage_state {
#define X(name, word) ROLLOUT_STAGE_##name,
    ROLLOUT_STAGE_MAP(X)
#undef X
        ROLLOUT_STAGE_STATE_COUNT
};

/* What a device is in, for the engine. Kept in the journal: append, never renumber. */
enum rollout_device_state {
    RDEV_PLANNED = 0,    /* no order out */
    RDEV_ORDERED = 1,    /* order out, no end reported; `ota` says how far */
    RDEV_RECALLING = 2,  /* paused while it waited: abort order out, then planned again */
    RDEV_CONFIRMING = 3, /* reported done; its status does not show the hash and a new boot yet */
    RDEV_SOAKING = 4,    /* confirmed; watched until its soak is over */
    RDEV_RETRYING = 5,   /* failed for a passing cause; back-off */
    RDEV_DONE = 6,
    RDEV_FAILED = 7,     /* `reason` says why */
    RDEV_EXCUSED = 8,    /* never told: already there, or offline until the deadline */
    RDEV_ABORTING = 9,   /* abort order out, not acknowledged */
    RDEV_ABORTED = 10,   /* reason NONE: never told; EXPIRED: never acknowledged */
    RDEV_RETURNING = 11, /* rollback order out, or due once it is past its switch */
    RDEV_RETURNED = 12,  /* runs what it ran before */
};

/* The same for people: every device is in exactly one phase, and stages count them.
 * X(NAME, "word", "short word for a column") */
#define ROLLOUT_PHASE_MAP(X)                                                                       \
    X(PLANNED, "planned")                                                                          \
    X(OFFLINE, "offline")         /* planned, gets it when it comes back */                        \
    X(TOLD, "told")               /* ordered; received or waiting for its slot */                  \
    X(DOWNLOADING, "downloading") /* or paused between tries */                                    \
    X(INSTALLING, "installing")   /* verifying or installing */                                    \
    X(REBOOTING, "rebooting")                                                                      \
    X(TRIAL, "trial") /* on trial, or done and not confirmed by its status yet */                  \
    X(SOAKING, "soaking")                                                                          \
    X(RETRYING, "retrying")                                                                        \
    X(RECALLED, "recalled")                                                                        \
    X(SILENT, "silent")                                                                            \
    X(ABORTING, "aborting")                                                                        \
    X(DONE, "done")                                                                                \
    X(FAILED, "failed")                                                                            \
    X(EXCUSED, "excused")                                                                          \
    X(ABORTED, "aborted")                                                                          \
    X(RETURNING, "returning") /* asked to go back to what it ran before */                         \
    X(RETURNED, "returned")

enum rollout_phase {
#define X(name, word) ROLLOUT_PHASE_##name,
    ROLLOUT_PHASE_MAP(X)
#undef X
        ROLLOUT_PHASES
};

const char *rollout_state_word(enum rollout_state state);
const char *rollout_stage_word(enum rollout_stage_state state);
const char *rollout_phase_word(enum rollout_phase phase);
int rollout_state_from_word(const char *word, enum rollout_state *out); /* 0, or -1 */

/*
 * What should be on its way to the device. Kept in the journal. The shell publishes, always QoS 1,
 *   WIRE_ORDER    order and release, retained, on commands/update;
 *   WIRE_ABORT    the abort order, not retained, on commands/abort (a device takes a verb only on
 *                 its own topic), and nothing, retained, on commands/update: a persistent session
 *                 keeps the first for a device that is away, and the reducer asks again when a
 *                 device comes back without having answered;
 *   WIRE_ROLLBACK the same with the rollback order on commands/rollback;
 *   WIRE_NOTHING  nothing, retained, on commands/update;
 * and feeds ROLLOUT_EV_PUBLISHED when all of it is acknowledged.
 */
enum rollout_wire { WIRE_NOTHING = 0, WIRE_ORDER = 1, WIRE_ABORT = 2, WIRE_ROLLBACK = 3 };

enum rollout_presence { PRESENCE_UNKNOWN, PRESENCE_ONLINE, PRESENCE_OFFLINE };

/* Fields marked * are kept in the journal; the rest is rebuilt. Read only outside this module. */
struct rollout_device {
    char id[PROTO_ID_MAX]; /* * */
    uint8_t state;         /* * enum rollout_device_state */
    uint8_t stage;         /* * */
    uint8_t ota;           /* * enum ota_report_state last reported in this attempt; IDLE: none
                            * yet. Kept when it starts to download, else as of the last save */
    uint8_t reason;        /* * enum reason, of the last end */
    uint8_t retries;       /* * used */
    uint8_t wire;          /* * enum rollout_wire that should be there */
    bool wire_pending;     /* * not yet acknowledged by the broker */
    bool silent;           /* * */
    uint8_t presence;      /* enum rollout_presence */
    bool image_known;      /* a status has said what it runs, */
    bool on_target;        /* and that is the target */
    bool queued, dirty;
    bool joined;      /* * after the start; such devices stand behind all others */
    uint8_t zone;     /* its place in rollout.zone */
    uint16_t attempt; /* * of the last order; 0: never told */
    uint32_t group;   /* its place in rollout.group; ROLLOUT_NO_GROUP: none that counts */
    uint32_t n;       /* * number of the last report taken */
    uint32_t got;     /* bytes */
    uint32_t next, heap;
    uint64_t boot;        /* last boot id seen; 0: none */
    uint64_t boot_before; /* * boot id when it was told */
    int64_t told_ms;      /* * wall time of the last order */
    int64_t ended_ms;     /* * wall time of its end, 0 */
    int64_t slot_s;       /* Unix s at which it starts to download, as it reported; 0 */
    int64_t heard_ms;     /* * on the heard clock: last word about the update */
    int64_t due_ms;       /* * on the heard clock: soak or back-off is over; else silence check */
};

struct rollout_stage {
    enum rollout_stage_state state;
    uint32_t first, size; /* size: with those that joined; the others stand from `first` on */
    uint32_t span;        /* and are so many */
    int64_t started_ms, ended_ms; /* wall; 0: not yet */
    uint32_t phase[ROLLOUT_PHASES];
    int64_t soak_until_ms;   /* on the heard clock: when the last one soaking is through */
    uint32_t counted, other; /* of FAILED: against the firmware or image; all others */
};

/* Deliberate acts. Words as in the acts table and on the command line. */
#define ROLLOUT_ACT_MAP(X)                                                                         \
    X(START, "start")                                                                              \
    X(PAUSE, "pause")                                                                              \
    X(RESUME, "resume")   /* also acknowledges the failures seen */                                \
    X(ABORT, "abort")     /* who has switched keeps the new image */                               \
    X(APPROVE, "approve") /* a stage whose plan asks for it */                                     \
    X(RETRY, "retry")     /* failed devices, also those that are not tried again by themselves */  \
    X(ROLLBACK, "rollback") /* as abort, and who has switched goes back; also when it is over */   \
    X(SET, "set")           /* caps and jitter, for what has not started */

enum rollout_act {
#define X(name, word) ROLLOUT_ACT_##name,
    ROLLOUT_ACT_MAP(X)
#undef X
        ROLLOUT_ACT_COUNT
};
const char *rollout_act_word(enum rollout_act act);
int rollout_act_from_word(const char *word, enum rollout_act *out); /* 0, or -1 */

#define ROLLOUT_REMARK_MAX  161
#define ROLLOUT_ASK_DEVICES 16
#define ROLLOUT_ASK_TEXT    1400

enum rollout_set {
    ROLLOUT_SET_IN_FLIGHT = 1,
    ROLLOUT_SET_JITTER = 2,
    ROLLOUT_SET_PER_GROUP = 4,
    ROLLOUT_SET_BANDWIDTH = 8,
};

/* What an act is asked with; all zero: nothing. */
struct rollout_ask {
    char remark[ROLLOUT_REMARK_MAX]; /* any act: for the story and the audit */
    char stage[PLAN_NAME_MAX];       /* APPROVE: empty means the current one */
    enum reason reason;              /* RETRY: only devices that failed so; NONE: any */
    enum reason_class cls;           /* RETRY: only of this class; NONE: any */
    char device[ROLLOUT_ASK_DEVICES][PROTO_ID_MAX]; /* RETRY: only these */
    uint32_t device_count;
    uint32_t set; /* SET: bits of enum rollout_set, and the values */
    uint32_t in_flight, jitter_s, per_group, bandwidth;
};

/*
 * As text, in the journal and on the command line: words separated by spaces,
 *   stage=NAME reason=WORD class=WORD device=ID in_flight=N jitter=S per_group=N bandwidth=N
 * and last remark=TEXT to the end. RETRY asked without reason, class and device takes all but class
 * `firmware`. Length, or -1 when it does not fit.
 */
int rollout_ask_text(const struct rollout_ask *ask, char *out, size_t cap);
/* 0, or -1 and a text that names the word. */
int rollout_ask_read(const char *text, struct rollout_ask *out, struct err *err);

/* A time zone of the plan's window. The shell gives its rules: see rollout_zone_rules(). */
struct rollout_zone {
    char name[ZONE_NAME_MAX];
    struct zone *rules;   /* NULL: not given, and then never open */
    bool known, open;     /* as of the last step */
    int64_t next_ms;      /* wall: when that changes */
    uint32_t first, last; /* queue of those that wait for it to open; ROLLOUT_NO_DEVICE: nobody */
};

/* What is being rolled out. */
struct rollout_release {
    char product[PROTO_PRODUCT_MAX];
    char version[PROTO_VERSION_MAX];
    char image[PROTO_SHA256_HEX];     /* hash that must run */
    uint8_t digest[PROTO_SHA256_LEN]; /* of the release's JWS */
    uint32_t size, seq;
};

#define ROLLOUT_WHY_MAX   200
#define ROLLOUT_WHO_MAX   65
#define ROLLOUT_REASONS   64
#define ROLLOUT_ZONES     64 /* different time zones in one rollout with a window in device time */
#define ROLLOUT_NO_DEVICE UINT32_MAX
#define ROLLOUT_NO_GROUP  UINT32_MAX
/* Lines that devices are confirmed: so many at once, then one a second that counts the others. */
#define ROLLOUT_CONFIRM_BURST 60

/* Devices that share the label of plan.per_group. 48 bytes each. */
struct rollout_group {
    char name[PROTO_GROUP_MAX]; /* * */
    uint32_t told;              /* and neither at an end nor confirmed; silent ones too */
    uint32_t first, last;       /* queue of those that wait for room; ROLLOUT_NO_DEVICE: nobody */
};

struct rollout {
    char id[PROTO_ROLLOUT_MAX];
    char starter[ROLLOUT_WHO_MAX]; /* who made it */
    struct rollout_plan plan;      /* with what was changed since by ROLLOUT_ACT_SET */
    struct rollout_release release;
    enum rollout_state state;
    char why[ROLLOUT_WHY_MAX]; /* why it is stopped, paused or over; empty while all is well */
    uint32_t stage;            /* the current one */
    struct rollout_stage stages[PLAN_STAGES];
    int64_t created_ms, started_ms, ended_ms, deadline_ms; /* wall; 0: not yet */
    int64_t now_ms;                                        /* of the last event */
    int64_t deaf_ms;                                       /* total time without ears */
    bool hearing;
    uint32_t acked_counted, acked_other, acked_silent; /* by resume; no longer count */
    int64_t acked_ms;                                  /* wall time of that resume */
    uint32_t accepted;      /* stage + 1 whose small sample a person has accepted; 0: none */
    uint32_t approved;      /* bit s: a person has approved stage s */
    bool back;              /* ABORTING: who has switched goes back too */
    uint32_t jitter_most_s; /* the longest that any order has had */
    int64_t paid_ms; /* wall: until then the bandwidth is spoken for by orders already sent */
    struct rollout_group *group; /* without plan.per_group: none */
    uint32_t group_count;
    struct rollout_zone zone[ROLLOUT_ZONES]; /* without a window: none */
    uint32_t zone_count;
    uint32_t in_flight;
    uint32_t wire_pending;              /* devices whose topic is not yet as it should be */
    uint32_t reasons[ROLLOUT_REASONS];  /* devices FAILED, by enum reason */
    uint32_t fresh[REASON_CLASS_COUNT]; /* devices FAILED since the last resume, by class */
    struct rollout_device *device;
    uint32_t count;

    /* Inside. */
    uint32_t device_cap;
    uint32_t *index, index_mask; /* id -> device */
    uint32_t *group_index, group_mask, group_cap;
    uint32_t *heap, heap_count; /* timers */
    uint32_t again_first, again_last, cursor;
    uint32_t sweep_at, sweep_kinds;
    int64_t head_ms; /* wall time of the last saved head */
    bool gate_dirty, failed_dirty, closed;
    struct gate_counts held;  /* with which the current stage holds */
    struct rollout_ask retry; /* SWEEP_RETRY: of which devices, and how many so far */
    int64_t retry_act;
    char retry_who[ROLLOUT_WHO_MAX];
    uint32_t retry_count;
    int64_t confirm_ms;      /* wall: until then lines about confirmed devices are used up */
    uint32_t confirm_unsaid; /* confirmed since the last such line */
};

enum rollout_event_kind {
    ROLLOUT_EV_TICK,
    ROLLOUT_EV_ACT,       /* act, act_id, who, ask (NULL: nothing) */
    ROLLOUT_EV_REPORT,    /* device, report */
    ROLLOUT_EV_REPLY,     /* device, reply: only those to abort matter */
    ROLLOUT_EV_STATUS,    /* device, status */
    ROLLOUT_EV_PUBLISHED, /* device, wire: the broker acknowledged what fx.send asked for */
    ROLLOUT_EV_BROKER_UP, /* connected and subscribed */
    ROLLOUT_EV_BROKER_DOWN,
    ROLLOUT_EV_JOIN, /* join, join_count: devices that match the target now (plan.late) */
};

/* Devices in one ROLLOUT_EV_JOIN; those that are in the rollout already are passed over. */
#define ROLLOUT_JOINS 32

struct rollout_event {
    enum rollout_event_kind kind;
    int64_t now_ms; /* wall; a step back is taken as standing still */
    uint32_t device;
    const struct ota_report *report;
    const struct reply *reply;
    const struct device_status *status;
    enum rollout_wire wire; /* and the attempt it was sent for */
    uint32_t attempt;
    enum rollout_act act;
    int64_t act_id;
    const char *who;
    const struct rollout_ask *ask;
    const struct plan_candidate *join;
    uint32_t join_count;
};

/* Publish as enum rollout_wire says. */
struct rollout_send {
    enum rollout_wire wire;
    uint32_t device;
    uint32_t attempt; /* one order per (rollout, device, attempt, wire): made once, sent often */
};

#define ROLLOUT_SENDS    128
#define ROLLOUT_SAVES    160
#define ROLLOUT_NOTES    32
#define ROLLOUT_NOTE_MAX 200

struct rollout_note {
    uint32_t device; /* or ROLLOUT_NO_DEVICE */
    bool bad;        /* worth waking somebody */
    char text[ROLLOUT_NOTE_MAX];
};

struct rollout_effects {
    struct rollout_send send[ROLLOUT_SENDS];
    uint32_t send_count;
    uint32_t save[ROLLOUT_SAVES];
    uint32_t save_count;
    bool save_head;
    struct rollout_note note[ROLLOUT_NOTES];
    uint32_t note_count;
    int64_t act_id; /* 0: no act was taken by this step */
    bool act_refused;
    char act_text[ROLLOUT_NOTE_MAX]; /* what became of it */
    bool more;                       /* there was no room for all: carry these out, then tick */
};

/* A new rollout in state DRAFT over the set; copies everything. Free with rollout_free(). */
struct rollout *rollout_new(const char *id, const struct rollout_plan *plan,
                            const struct rollout_release *release,
                            const struct plan_candidate *candidate, const struct plan_set *set,
                            int64_t now_ms);

/*
 * For the store: an empty rollout with room for `count` devices whose kept fields the caller fills
 * in; then rollout_rebuild() counts and indexes, and counts the time since now_ms as deaf.
 * -1 when the rows contradict each other.
 */
struct rollout *rollout_alloc(uint32_t count);
/* Numbers for device.group and device.zone by name, found or made; "" is ROLLOUT_NO_GROUP, and 0.
 * A zone too many (ROLLOUT_ZONES) counts as zone 0. */
uint32_t rollout_group_number(struct rollout *r, const char *name);
uint8_t rollout_zone_number(struct rollout *r, const char *name);
const char *rollout_group_name(const struct rollout *r, const struct rollout_device *d);
const char *rollout_zone_name(const struct rollout *r, const struct rollout_device *d);
/* The rules of zone[i], copied: to be given for each zone before the first step, and for new ones
 * after ROLLOUT_EV_JOIN. */
void rollout_zone_rules(struct rollout *r, uint32_t i, const struct zone *rules);
int rollout_rebuild(struct rollout *r, struct err *err);
void rollout_free(struct rollout *r); /* NULL is fine */

/* Advance by one event; `out` is overwritten with what the shell must now do. */
void rollout_step(struct rollout *r, const struct rollout_event *ev, struct rollout_effects *out);

/*
 * For who only looks on: another process leads, and what it commits is read again and again. How
 * far a device is between two commits is taken from its report; nothing else changes, no effects.
 */
void rollout_look(struct rollout *r, uint32_t device, const struct ota_report *report);
/* And what time it is: windows open and close for onlookers, too. */
void rollout_look_clock(struct rollout *r, int64_t now_ms);

/* ROLLOUT_NO_DEVICE when it is not in this rollout. */
uint32_t rollout_find(const struct rollout *r, const char *id);
enum rollout_phase rollout_device_phase(const struct rollout_device *d);
/* When the next tick has something to do (wall ms), INT64_MAX when only an event can. */
int64_t rollout_next_due(const struct rollout *r);
/* The clock that stands still while nobody listens. */
int64_t rollout_heard_ms(const struct rollout *r);
/* The first device that `act` may send something to and that `other` still has something in mind
 * for (by the rules of store_device_rollout(), but that one which was not started holds nobody);
 * NULL when there is none, or the act sends nothing new. O(devices of r). */
const char *rollout_clash(const struct rollout *r, enum rollout_act act,
                          const struct rollout *other);
/* Nothing more will happen by itself: DONE, ABORTED, or STOPPED with nothing more out. */
bool rollout_is_over(const struct rollout *r);
/* Nothing can happen to it any more; until then an engine keeps it loaded. (A stopped one can be
 * resumed until its deadline.) */
bool rollout_is_closed(const struct rollout *r);

/* For the screens and --json. `out->missing` names a missing approval, too. */
void rollout_gate(const struct rollout *r, struct gate_decision *out); /* of the current stage */
void rollout_gate_input(const struct rollout *r, struct gate_rule *rule,
                        struct gate_counts *counts); /* what it is decided by */
void rollout_totals(const struct rollout *r, uint32_t phase[ROLLOUT_PHASES]);
/* Memory that it holds: at most 200 bytes a device, and 64 a group of plan.per_group, once there
 * are a thousand. */
size_t rollout_bytes(const struct rollout *r);
/* Why nobody is told just now though some are due ("the window opens in 3 h 10 m", "50 of 50 in
 * flight", "bandwidth: the next in 40 s"); false and empty when that is not so. */
bool rollout_waits(const struct rollout *r, char *out, size_t cap);
/*
 * Why it does not go on by itself just now, the most pressing first, without the word before it:
 *   SAID      it was stopped, paused, aborted: r->why
 *   APPROVAL  its stage is through: "stage canary wants an approval, by another person than ada"
 *   WINDOW    devices are due, and no window is open: "the window opens in 3 h 10 m (UTC)"
 *   GATE      the gate is undecided: "12 more results or 35m without a word", too small a sample …
 * `out` is empty for NONE only.
 */
enum rollout_hold {
    ROLLOUT_HOLD_NONE,
    ROLLOUT_HOLD_SAID,
    ROLLOUT_HOLD_APPROVAL,
    ROLLOUT_HOLD_WINDOW,
    ROLLOUT_HOLD_GATE
};
enum rollout_hold rollout_holds(const struct rollout *r, char *out, size_t cap);
/* Does the current stage ask for an approval that is not there? */
bool rollout_wants_approval(const struct rollout *r);
/* When an order made now for this device must end (wall ms): the close of its window or the
 * deadline, whichever comes first. */
int64_t rollout_order_expires(const struct rollout *r, const struct rollout_device *d);

#endif
