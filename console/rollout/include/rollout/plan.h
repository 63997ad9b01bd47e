#ifndef ROLLOUT_PLAN_H
#define ROLLOUT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "protocol/crypto.h"
#include "protocol/limits.h"
#include "protocol/reason.h"
#include "protocol/release.h"
#include "rollout/window.h"

/*
 * What an operator asks for, which devices it comes to, and what it will look like: a plan, the
 * exact set of devices of each stage, and the preview. Pure; the JSON form is in rollout_json/.
 */
#define PLAN_STAGES     16
#define PLAN_NAMED      64
#define PLAN_TARGET_MAX 512
#define PLAN_NAME_MAX   33
#define PLAN_DEVICES    1000000u
#define PLAN_LABEL_MAX  17 /* key of a label, such as "site" in the group "site:berlin-7" */
#define PLAN_TZ_DEVICE  "device"
#define PLAN_TZ_LABEL   "tz" /* and its zone is the device's group "tz:Europe/Berlin" */
#define PLAN_RETRY_ONES 16   /* reasons with a number of their own */
#define PLAN_RETRY_MOST 10

/*
 * Stages are cumulative: `early, 5 %` means that 5 % of all have it when `early` is over. A stage
 * has a share or a count or only named devices; named ones come first and are part of the number.
 */
struct plan_stage {
    char name[PLAN_NAME_MAX];
    uint32_t share_ppm;                /* of all, in millionths (5 % = 50000); 0: not by share */
    uint32_t count;                    /* of all; 0: not by count */
    uint32_t named_first, named_count; /* in plan.named */
    uint32_t soak_s;                   /* how long a device is watched before it counts as done */
    double allowed_failure; /* < 0: the plan's, and none at all for the first of several stages */
    bool approval;          /* a person must approve before the next stage starts */
};

enum plan_on_stop { PLAN_STOP_PAUSE, PLAN_STOP_ABORT };

/* Devices that match the target only after the start: left alone, or they join the last stage
 * reached. */
enum plan_late { PLAN_LATE_IGNORE, PLAN_LATE_JOIN };

/* Devices too old for the jump (the release's min_from): left out, and with PLAN_LATE_JOIN they
 * join once another release has brought them far enough; or no start at all while there are any. */
enum plan_precursor { PLAN_PRECURSOR_SKIP, PLAN_PRECURSOR_REFUSE };

/* Further attempts by what the last one ended with; what is not here is never tried again. */
struct plan_retries {
    uint8_t network, power; /* for the classes */
    uint8_t hash_mismatch;  /* 0 or 1 */
    uint8_t one_count;
    struct {
        uint8_t reason; /* of class network or power: goes before its class */
        uint8_t tries;
    } one[PLAN_RETRY_ONES];
};

struct rollout_plan {
    char product[PROTO_PRODUCT_MAX];
    char version[PROTO_VERSION_MAX];
    char target[PLAN_TARGET_MAX]; /* filter text, kept for people; the caller resolves it */
    struct plan_stage stage[PLAN_STAGES];
    uint32_t stage_count;
    char named[PLAN_NAMED][PROTO_ID_MAX];
    uint32_t named_count;
    uint32_t jitter_s;
    uint32_t trial_s;
    uint32_t in_flight; /* most devices told and not yet at an end */
    struct {
        char by[PLAN_LABEL_MAX]; /* devices of the same group "by:…" are one; empty: no such cap */
        uint32_t max;   /* most of them told and neither at an end nor confirmed, silent or not */
    } per_group;        /* a device without that label is not capped */
    uint32_t bandwidth; /* bytes per second that orders may ask for on average; 0: no cap */
    /*
     * When devices may start (days 0: any time). `tz` "device": each in its own time, which is that
     * of its group "tz:Europe/Berlin"; a device without one is left out. Nothing is told so late
     * that its slot could lie beyond the close, and orders expire at the close: nobody starts,
     * downloads or switches outside; who has switched by then finishes its trial. The close is
     * neither a failure nor silence.
     */
    struct window window;
    struct {
        double allowed_failure, confidence;
        uint32_t min_sample;
        uint32_t silence_after_s;
        double max_silent, max_other;              /* other: network, power, policy, operator */
        double max_network, max_power, max_policy; /* < 0: no cap of its own */
    } gate;
    struct {
        double allowed_failure; /* < 0: the gate's */
        double alpha;
    } stop;
    struct plan_retries retries;
    uint32_t retry_after_s; /* first back-off, doubled each time, up to half more at random */
    uint32_t deadline_s;
    uint32_t max_offline_s; /* devices not seen for longer are left out; 0: none */
    enum plan_on_stop on_stop;
    enum plan_late late;
    enum plan_precursor precursor;
    bool four_eyes;      /* who started it can't approve a stage of it */
    bool include_failed; /* also devices whose firmware failed on this very release before */
};

/* Everything but product, version, target and stages. */
void plan_defaults(struct rollout_plan *plan);
/* Four usual stages: canary 10 (one hour of soak), early 5 % (6 h), half 50 % (2 h), rest. */
void plan_default_stages(struct rollout_plan *plan);
/* Append "weather@1.4.0" → product and version. */
int plan_set_release(struct rollout_plan *plan, const char *text, struct err *err);

/*
 * 0, or -1 and a text that names the field as the JSON does ("stages[1].percent: …"). An array that
 * is not full is checked up to its count.
 */
int plan_check(const struct rollout_plan *plan, struct err *err);
/* The allowed failure rate of a stage, defaults applied. */
double plan_stage_allowed(const struct rollout_plan *plan, uint32_t stage);
double plan_stop_allowed(const struct rollout_plan *plan);
/* Network and power `tries` times, a wrong hash once (never for 0), no reason of its own. */
void plan_set_retries(struct rollout_plan *plan, uint32_t tries);
/* How often an attempt that ended with this reason may be followed by another. */
uint32_t plan_retries_of(const struct rollout_plan *plan, enum reason reason);

/* Is the window in each device's own time? */
bool plan_is_in_device_time(const struct rollout_plan *plan);
/* A window as on the command line: "01:00-05:00 [ZONE] [DAYS]" by spaces, or "none". 0, or -1 and a
 * text that names the field. */
int plan_window_read(const char *text, struct window *out, struct err *err);

/* What is known of a device that the target names. Texts may be empty, never NULL; they must
 * outlive the set. */
struct plan_candidate {
    const char *id, *product, *hw, *fw;
    const char *image; /* SHA-256 of what runs, hex */
    const char *boot;  /* boot id, 16 hex */
    uint32_t release_seq, security, agent;
    uint64_t cert_not_after; /* Unix s; 0: not said */
    int64_t last_seen_ms;    /* 0: never */
    bool online;
    bool failed_before; /* its firmware failed on this very release in an earlier rollout */
    const char *group[PROTO_GROUP_COUNT];
    uint32_t group_count;
};

/* The "berlin-7" of the group "site:berlin-7" for the key "site"; NULL when it has none. */
const char *plan_label(const struct plan_candidate *candidate, const char *key);

/* Why a device of the target is left out. X(NAME, "text") */
#define PLAN_EXCLUDED_MAP(X)                                                                       \
    X(ALREADY_THERE, "already runs it")                                                            \
    X(WRONG_PRODUCT, "another product")                                                            \
    X(WRONG_HW, "hardware the release is not for")                                                 \
    X(DOWNGRADE, "runs something newer")                                                           \
    X(SECURITY, "release is below its security floor")                                             \
    X(PRECURSOR, "version too old to jump straight to it")                                         \
    X(AGENT_TOO_OLD, "agent too old")                                                              \
    X(NO_STATUS, "has never said what it runs")                                                    \
    X(OFFLINE, "offline for too long")                                                             \
    X(CERT_EXPIRES, "certificate expires before the deadline")                                     \
    X(FAILED_BEFORE, "its firmware failed on this release before")                                 \
    X(NO_ZONE, "the window is in its own time, and it has no group tz:ZONE")                       \
    X(BAD_ID, "id is not one the contract allows")                                                 \
    X(BEYOND, "beyond the last stage")

enum plan_excluded {
#define X(name, text) PLAN_EXCLUDED_##name,
    PLAN_EXCLUDED_MAP(X)
#undef X
        PLAN_EXCLUDED_COUNT
};
const char *plan_excluded_text(enum plan_excluded why);

struct plan_member {
    uint32_t candidate; /* index */
    uint32_t stage;
    uint64_t rank;
};

/* The devices in the order in which they get it; those of stage s are
 * [stage_first[s], stage_first[s] + stage_size[s]). */
struct plan_set {
    struct plan_member *member;
    uint32_t count;
    uint32_t stage_first[PLAN_STAGES], stage_size[PLAN_STAGES];
    struct {
        uint32_t candidate;
        enum plan_excluded why;
    } * excluded;
    uint32_t excluded_count;
    uint32_t why_count[PLAN_EXCLUDED_COUNT];
};

/*
 * Leave out who can't take it, rank the rest by rank_value(rollout, device), cut at the exact sizes
 * (a share is rounded up: 5 % of 1,203 is 61). -1 when nobody is left, a named device is not among
 * the candidates, or there are more than PLAN_DEVICES. Free with plan_set_free().
 */
int plan_resolve(const struct rollout_plan *plan, const struct release *release,
                 const char *rollout_id, const struct crypto *crypto,
                 const struct plan_candidate *candidate, uint32_t count, int64_t now_ms,
                 struct plan_set *out, struct err *err);
void plan_set_free(struct plan_set *set);
/* The same judgement of one device; PLAN_EXCLUDED_COUNT when it can take it. */
enum plan_excluded plan_judge(const struct rollout_plan *plan, const struct release *release,
                              const struct plan_candidate *candidate, int64_t now_ms);

/* The size that a stage asks for out of `total`, before named devices and earlier stages. */
uint32_t plan_stage_target(const struct plan_stage *stage, uint32_t total);

struct plan_preview {
    struct {
        uint32_t size, cumulative;
        uint64_t bytes;
        uint32_t tolerated;       /* failures in all up to here with which the gate still says go */
        double clean_upper;       /* what the rate could still be when nobody fails */
        uint32_t clean_needed;    /* clean devices that would show the allowed rate */
        double peak_mean;         /* expected simultaneous downloads, N * d / W, within in_flight */
        double peak_high;         /* mean + 4 * sqrt(mean), within in_flight */
        int64_t earliest_s;       /* from the start, if every device does its best, at any hour */
        int64_t starts_s, ends_s; /* Unix s, by plan_schedule(); 0: not known, or never */
        uint32_t largest_group;   /* devices of the stage that share a label of per_group */
    } stage[PLAN_STAGES];
    uint32_t stage_count, devices;
    uint64_t bytes;
    double download_s;
};

/* `size`: bytes of the image; `rate`: bytes per second that one device is expected to get. */
void plan_preview(const struct rollout_plan *plan, const struct plan_set *set, uint32_t size,
                  uint32_t rate, struct plan_preview *out);

/*
 * When each stage would start and end if every device did its best: with the window (its rules;
 * NULL: as if there were none), the caps in all, per group and per second, the soak; approvals are
 * given at once. In device time `zone` stands for all. Needs a preview; `candidate` as for
 * plan_resolve().
 */
void plan_schedule(const struct rollout_plan *plan, const struct plan_set *set,
                   const struct plan_candidate *candidate, const struct zone *zone, int64_t now_s,
                   struct plan_preview *out);

/* What a stage in which nobody fails can show and what it can't: "0 of 10 failed: the true rate may
 * still be 26 %; 59 clean devices are needed for 5 %". */
#define PLAN_CLEAN_TEXT 112
void plan_clean_text(const struct rollout_plan *plan, const struct plan_preview *preview,
                     uint32_t stage, char out[PLAN_CLEAN_TEXT]);
/* What its gate tolerates: "up to 2 of 61 may fail (5 % allowed)". */
void plan_gate_text(const struct rollout_plan *plan, const struct plan_preview *preview,
                    uint32_t stage, char out[PLAN_CLEAN_TEXT]);

/* What is probably not meant: a label of per_group that devices do not have, a stage whose named
 * devices are all left out. For a set made of `candidate`; how many, PLAN_NOTES at most. */
#define PLAN_NOTES     2
#define PLAN_NOTE_TEXT 128
uint32_t plan_notes(const struct rollout_plan *plan, const struct plan_set *set,
                    const struct plan_candidate *candidate, char out[PLAN_NOTES][PLAN_NOTE_TEXT]);

/* The shortest jitter that keeps mean + 4 * sqrt(mean) of `devices` at or under `peak` >= 1. */
uint32_t plan_jitter_for_peak(uint32_t devices, double download_s, uint32_t peak);

#endif
