#ifndef FLEET_ALERT_H
#define FLEET_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "fleet/fleet.h"

/*
 * Alerts: rules over devices, each of which fires once, clears by itself, can be acknowledged and
 * silenced. Pure, as the fleet is: rules and time go in, firing alerts and events come out. Who
 * tells people of them, and who keeps them over a restart, is the caller.
 *
 * A rule is looked at about once a second for each device that has changed, and for each device
 * when the answer depends on time: the cost does not grow with the rate of messages, and what comes
 * and goes within a second is not seen. While the link is down, and for ALERT_SETTLE_MS after it
 * came up, nothing begins, fires or clears, and that time does not count.
 *
 *   (not there) -> PENDING, since the condition holds -> FIRING after for_s -> gone after clear_s
 */
#define ALERT_RULES      48
#define ALERT_NAME_MAX   33
#define ALERT_COND_MAX   256 /* of a filter in a rule */
#define ALERT_TEXT_MAX   160
#define ALERT_WHO_MAX    65
#define ALERT_REASON_MAX 121
#define ALERT_ACTIVE_MAX 20000 /* pending and firing; more are counted as dropped */
#define ALERT_PAST       512   /* cleared ones remembered, newest first */
#define ALERT_SILENCES   64
#define ALERT_EVENTS     512 /* not yet taken; more are counted as dropped */
#define ALERT_RESTARTS   16  /* restarts remembered of a device */
#define ALERT_SETTLE_MS  10000
#define ALERT_NEW_S      86400 /* so long a device is new, unless acknowledged before */

/* INFO is listed and told, but does not change the device's state. */
enum alert_level { ALERT_INFO, ALERT_WARN, ALERT_CRIT };
const char *alert_level_word(enum alert_level level);
/* WARN for a word that is none. */
enum alert_level alert_level_of(const char *word);

#define ALERT_KIND_MAP(X)                                                                          \
    X(WHEN, "when")       /* a filter matches the device */                                        \
    X(REBOOTS, "reboots") /* more than `count` restarts within `within_s` */                       \
    X(NEW, "new")         /* a device nobody knew, seen while listening */                         \
    X(UNKNOWN, "unknown") /* speaks, and has no certificate of ours (needs `registered`) */        \
    X(RATE, "rate")       /* messages per minute above or below */                                 \
    X(ROLLOUT, "rollout") /* a rollout has stopped itself */
enum alert_kind {
#define X(name, word) ALERT_##name,
    ALERT_KIND_MAP(X)
#undef X
        ALERT_KINDS
};

struct alert_rule {
    char name[ALERT_NAME_MAX]; /* letters, digits, - and _ */
    enum alert_kind kind;
    enum alert_level level;
    char when[ALERT_COND_MAX];   /* WHEN: filter */
    char clear[ALERT_COND_MAX];  /* WHEN: filter; empty: when `when` no longer matches */
    char target[ALERT_COND_MAX]; /* filter: only these devices; empty: all */
    uint32_t for_s;              /* must hold so long before it fires */
    uint32_t clear_s;            /* must be gone so long before it clears */
    uint32_t count, within_s;    /* REBOOTS: count < ALERT_RESTARTS */
    double above, below;         /* RATE: messages per minute; 0: no such limit */
};

/* The rules of a profile that says nothing: silent, offline, certificate, reboots, new, rollout. */
size_t alert_rules_default(struct alert_rule out[], size_t cap);
/* 0, or -1 and a text that names the rule and the key, EXIT_USAGE. */
int alert_rule_check(const struct alert_rule *rule, struct err *err);
/* What it asks, for people: "temp>30 for 2m". */
void alert_rule_text(const struct alert_rule *rule, char *out, size_t cap);
/* The same without for how long: "temp>30". */
void alert_rule_condition(const struct alert_rule *rule, char *out, size_t cap);

struct alert {
    uint32_t rule;
    uint32_t device;       /* FLEET_NONE: of a rollout */
    char id[PROTO_ID_MAX]; /* device or rollout */
    char text[ALERT_TEXT_MAX];
    enum alert_level level;
    int64_t since_ms;   /* the condition holds */
    int64_t fired_ms;   /* 0: pending */
    int64_t gone_ms;    /* the condition is gone, not yet for clear_s; 0: it holds */
    int64_t cleared_ms; /* in the past list */
    bool acked;
    bool silenced;
    char ack_who[ALERT_WHO_MAX];
    int64_t ack_ms;
};

struct alert_silence {
    int64_t id;                  /* the caller's number */
    char rule[ALERT_NAME_MAX];   /* empty: every rule */
    char target[ALERT_COND_MAX]; /* filter; empty: every device */
    char who[ALERT_WHO_MAX];
    char reason[ALERT_REASON_MAX];
    int64_t until_ms;
};

/* UNMUTED: nobody was told of it for a while, and it still fires, unseen. */
enum alert_event_kind { ALERT_FIRED, ALERT_CLEARED, ALERT_UNMUTED };
struct alert_event {
    enum alert_event_kind kind;
    struct alert alert; /* as it was then */
};

struct alerts;

/* Does the fleet know a certificate for this id? Asked once a minute for strangers. */
typedef bool alert_registered_fn(void *ctx, const char *id);

/* Rules are copied, and must have passed alert_rule_check(); the fleet outlives it. At most
 * ALERT_RULES. NULL and *err on a bad filter. alerts_free() it. */
struct alerts *alerts_new(struct fleet *fleet, const struct alert_rule *rule, size_t count,
                          alert_registered_fn *registered, void *ctx, struct err *err);
void alerts_free(struct alerts *a); /* NULL is fine */

/* Call about ten times a second. */
void alerts_tick(struct alerts *a, int64_t now_ms);
/* Is it judging (link up and settled)? */
bool alerts_ready(const struct alerts *a);
/* It fires already, as the caller knows from before a restart or from who leads: it does not fire
 * again, and keeps the older time. Best before it is judged. False when rule or device is not there
 * (yet). */
bool alerts_restore(struct alerts *a, const char *rule, const char *id, int64_t since_ms,
                    int64_t fired_ms, const char *text);
/* `stopped`: text says why. The same call again and again is fine. */
void alerts_rollout(struct alerts *a, const char *id, bool stopped, const char *text,
                    int64_t now_ms);

/* Somebody has seen it. False when it is not firing. A NEW device is then no longer new. */
bool alerts_ack(struct alerts *a, const char *rule, const char *id, const char *who,
                int64_t now_ms);
/* The silences in force, whole. Those over are ignored. -1 and *err on a bad filter. */
int alerts_set_silences(struct alerts *a, const struct alert_silence *silence, size_t count,
                        int64_t now_ms, struct err *err);
const struct alert_silence *alerts_silence(const struct alerts *a,
                                           size_t n); /* NULL past the last */

/* Of the n-th silence: how many firing alerts it mutes now, and how many devices it is about. Both
 * look at all of them. */
uint32_t alerts_silence_mutes(const struct alerts *a, size_t n);
uint32_t alerts_silence_devices(const struct alerts *a, size_t n);

/* The silence that a silenced alert is under (the one that ends last), or NULL. */
const struct alert_silence *alerts_silence_of(const struct alerts *a, const struct alert *alert);

/* Events not yet taken, oldest first; returns how many. */
size_t alerts_take(struct alerts *a, struct alert_event *out, size_t cap);

/* Firing ones, worst first, then newest; sorted when something changed. Valid until the next call
 * that is not const. */
size_t alerts_list(struct alerts *a, const struct alert *const **out);
/* Past ones, newest first: NULL past the last. */
const struct alert *alerts_past(const struct alerts *a, size_t n);
/* Firing ones of a device, worst first; how many there are, which may be more than `cap`. */
size_t alerts_of(const struct alerts *a, uint32_t device, const struct alert **out, size_t cap);
/* The firing one of that rule and device or rollout, or NULL. */
const struct alert *alerts_find(const struct alerts *a, const char *rule, const char *id);
/* A firing one as it is now: what the rule wants, the values it looks at, since when it holds, in
 * whole minutes, hours or days: "temp>30: 33.5 °C for 46m". */
void alerts_say(const struct alerts *a, const struct alert *alert, int64_t now_ms, char *out,
                size_t cap);
const struct alert_rule *alerts_rule(const struct alerts *a,
                                     uint32_t rule);                    /* NULL past the last */
uint32_t alerts_firing(const struct alerts *a, enum alert_level level); /* not silenced ones */
uint64_t alerts_version(const struct alerts *a);                        /* rises with each change */
uint64_t alerts_dropped(const struct alerts *a); /* what did not fit ALERT_ACTIVE_MAX or _EVENTS */

/* The limits that rules set for a reading, in its canonical unit, for a plot: how many. */
struct alert_limit {
    double value;
    bool above; /* fires above it */
    enum alert_level level;
};
size_t alerts_limits(struct alerts *a, const struct fleet_device *device, uint32_t reading,
                     int64_t now_ms, struct alert_limit *out, size_t cap);

#endif
