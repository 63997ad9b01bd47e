#ifndef ROLLOUT_PLAN_H
#define ROLLOUT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "protocol/crypto.h"
#include "protocol/limits.h"
#include "protocol/release.h"

/*
 * What an operator asks for, which devices it comes to, and what it will look like: a plan, the
 * exact set of devices of each stage, and the preview. Pure; the JSON form is in rollout_json/.
 */
#define PLAN_STAGES     16
#define PLAN_NAMED      64
#define PLAN_TARGET_MAX 512
#define PLAN_NAME_MAX   33
#define PLAN_DEVICES    1000000u

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
};

enum plan_on_stop { PLAN_STOP_PAUSE, PLAN_STOP_ABORT };

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
        double allowed_failure, confidence;
        uint32_t min_sample;
        uint32_t silence_after_s;
        double max_silent, max_other;
    } gate;
    struct {
        double allowed_failure; /* < 0: the gate's */
        double alpha;
    } stop;
    uint32_t retries;       /* further attempts after network or power errors */
    uint32_t retry_after_s; /* first back-off, doubled each time, up to half more at random */
    uint32_t deadline_s;
    uint32_t max_offline_s; /* devices not seen for longer are left out; 0: none */
    enum plan_on_stop on_stop;
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
};

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

/* The size that a stage asks for out of `total`, before named devices and earlier stages. */
uint32_t plan_stage_target(const struct plan_stage *stage, uint32_t total);

struct plan_preview {
    struct {
        uint32_t size, cumulative;
        uint64_t bytes;
        uint32_t tolerated;    /* failures in all up to here with which the gate still says go */
        double clean_upper;    /* what the rate could still be when nobody fails */
        uint32_t clean_needed; /* clean devices that would show the allowed rate */
        double peak_mean;      /* expected simultaneous downloads, N * d / W, within in_flight */
        double peak_high;      /* mean + 4 * sqrt(mean), within in_flight */
        int64_t earliest_s;    /* from the start, if every device does its best */
    } stage[PLAN_STAGES];
    uint32_t stage_count, devices;
    uint64_t bytes;
    double download_s;
};

/* `size`: bytes of the image; `rate`: bytes per second that one device is expected to get. */
void plan_preview(const struct rollout_plan *plan, const struct plan_set *set, uint32_t size,
                  uint32_t rate, struct plan_preview *out);
/* The shortest jitter that keeps mean + 4 * sqrt(mean) of `devices` at or under `peak` >= 1. */
uint32_t plan_jitter_for_peak(uint32_t devices, double download_s, uint32_t peak);

#endif
