#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "protocol/limits.h"
#include "protocol/reply.h"
#include "protocol/report.h"
#include "protocol/status.h"

/*
 * The fleet as the console knows it: a pure reducer. Messages, link changes and ticks go in through
 * fleet_apply(); devices, readings, states, events and counters are read out. It reads no clock and
 * does no I/O: `now_ms` (Unix milliseconds) is an argument everywhere, and the same events always
 * give the same fleet.
 *
 *   message -> topic -> device (hash by id) -> facts, report, readings -> state -> counts, events
 *
 * Every list in it is bounded (limits below and in struct fleet_config); what does not fit is
 * refused and counted, never lost in silence. A message costs O(1) and, once a device's readings
 * are known, allocates nothing.
 */
struct fleet;

#define FLEET_NONE         UINT32_MAX /* no device, no reading */
#define FLEET_MAX_DEVICES  200000     /* default bound */
#define FLEET_MAX_READINGS 1024       /* different names in a fleet */
#define FLEET_MAX_WORDS    32768      /* different versions, products, groups … in a fleet */
#define FLEET_MAX_SOURCES  32
#define FLEET_MAX_WATCHED  4   /* devices tailed at a time */
#define FLEET_TAIL_LINES   512 /* messages kept of each of them */
#define FLEET_TAIL_BODY    513 /* bytes of a body shown, with NUL */
#define FLEET_EVENTS       512
/* The newest messages of the whole fleet, for tails that open: live ones, and as much again for
 * retained ones. */
#define FLEET_RECENT_BYTES (4 << 20)
#define FLEET_UPDATES      6 /* ended updates remembered of a device */

/*
 * What is wrong with a device, worst first: the number is the order in which lists show them.
 *   CRIT      a condition that needs a person now (see enum fleet_condition)
 *   WARN      a condition that needs a person some time
 *   OFFLINE   said so itself, or the broker by its last will
 *   STALE     silent for more than three of its intervals while the link was up
 *   UPDATING  an OTA report is under way
 *   OK
 * Absence wins over WARN and UPDATING, because it makes them old news; a device that is restarting
 * within its update stays UPDATING for FLEET_REBOOT_GRACE_MS. While the link is down nobody's state
 * changes.
 */
#define FLEET_STATE_MAP(X)                                                                         \
    X(CRIT, "crit")                                                                                \
    X(WARN, "warn")                                                                                \
    X(OFFLINE, "offline")                                                                          \
    X(STALE, "stale")                                                                              \
    X(UPDATING, "updating")                                                                        \
    X(OK, "ok")

enum fleet_state {
#define X(name, word) FLEET_##name,
    FLEET_STATE_MAP(X)
#undef X
        FLEET_STATES
};
const char *fleet_state_word(enum fleet_state state); /* never NULL */

#define FLEET_REBOOT_GRACE_MS 120000
#define FLEET_STALE_FLOOR_MS  5000   /* three intervals, but never less than this */
#define FLEET_STALE_BLIND_MS  900000 /* when neither declared nor learned */

/* Bits: why a device is CRIT or WARN. */
enum fleet_condition {
    FLEET_COND_ROLLBACK_FAILED = 1, /* crit: the old image could not be brought back */
    FLEET_COND_CERT_EXPIRED = 2,    /* crit */
    FLEET_COND_UPDATE_FAILED = 4, /* warn: rejected, failed, rolled back, and still not on target */
    FLEET_COND_CERT_SOON = 8,     /* warn: its certificate ends within 14 days */
    FLEET_COND_BAD_MESSAGE = 16,  /* warn: its last status, report or telemetry is unreadable */
    FLEET_COND_CRASHED = 32,      /* warn: panic or watchdog reset within the last hour */
    FLEET_COND_ALERT_WARN = 64,   /* warn: an alert of the profile's rules fires */
    FLEET_COND_ALERT_CRIT = 128,  /* crit: the same */
};

/* The present value of one reading, in its canonical unit (protocol/reading.h). */
struct fleet_value {
    double value;
    uint32_t t;       /* Unix s: the message's own ts if believable, else its arrival */
    uint16_t reading; /* fleet_reading() */
    uint16_t filler;
};

/* An update that ended, newest first in a device's list. */
struct fleet_update {
    uint32_t t; /* Unix s of the report, or of its arrival; 0: not known (retained, no ts) */
    uint16_t from, to, rollout; /* words */
    uint8_t state;              /* enum ota_report_state */
    uint8_t reason;             /* enum reason */
};

/* The last OTA report, compact. fleet_report() gives it whole. */
struct fleet_ota {
    uint64_t slot, ts; /* Unix s, 0: not said */
    uint32_t got, size, n, attempt;
    uint16_t rollout, from, to, image; /* words */
    uint8_t state;                     /* enum ota_report_state */
    uint8_t reason;                    /* enum reason */
    uint8_t update_count;
    struct fleet_update update[FLEET_UPDATES];
    int64_t arrived_ms; /* 0: retained, so not known */
    char boot[PROTO_BOOT_MAX];
    char *detail; /* NULL: none. Raw text of the device: clean it before showing */
};

struct fleet_trend;
struct fleet_history;

/*
 * One device. Yours to read, the fleet's to write. The pointer stays good until the device is
 * forgotten (fleet_forget(), or its retained status is cleared); keep ids, not pointers or indices,
 * over calls of fleet_apply(). Some 190 bytes and its id; see bench/fleet_bench for the whole.
 */
struct fleet_device {
    const char *id;
    int64_t last_ms;  /* arrival of its last live message; 0: none yet, only retained ones */
    int64_t met_ms;   /* when this console first heard of it */
    int64_t since_ms; /* when `state` began; 0: before this console looked */
    uint64_t changed; /* fleet_changes() when it last changed */
    uint64_t cert_not_after;
    struct fleet_value *value; /* value_count of them, in order of first appearance */
    struct fleet_ota *ota;     /* NULL: never reported */
    struct fleet_trend *trend; /* private */
    struct fleet_history *history;
    uint32_t interval_ms; /* declared in its status, else learned; 0: not known */
    uint32_t messages;    /* live ones */
    uint32_t bad;         /* undecodable ones */
    uint32_t boots, release_seq, security, keyset, agent;
    uint32_t rate_minute;                  /* private: see fleet_rate() */
    uint16_t rate_now, rate_before;        /* private */
    uint16_t product, hw, fw, slot, image; /* words: see fleet_word() */
    uint16_t group[PROTO_GROUP_COUNT];     /* words */
    char boot[PROTO_BOOT_MAX];
    uint8_t group_count;
    uint8_t value_count, value_cap;
    uint8_t reset;       /* enum reset_reason */
    uint8_t state;       /* enum fleet_state */
    uint8_t conditions;  /* enum fleet_condition, or-ed */
    uint8_t bad_kinds;   /* private */
    uint8_t source;      /* 0: devices/<id>/…, else 1 + index in fleet_config.source */
    bool used;           /* false: a hole in the table, skip it */
    bool has_status;     /* presence is known by a status */
    bool online;         /* what the status said; a live message also proves it */
    bool declared;       /* interval_ms is the declared one */
    bool dirty;          /* private */
    int64_t offline_ms;  /* when it went offline; 0: not, or not known */
    uint32_t index;      /* its own */
    uint32_t crashed_s;  /* private: Unix s of a crash that was seen live */
    uint32_t spoke_ds;   /* private: last telemetry, for learning the interval */
    uint16_t alert_word; /* the worst alert that fires, for a person: a word */
    uint8_t alert_count; /* alerts that fire */
};

/* Where a foreign topic's device id is found. */
enum fleet_id_from { FLEET_ID_TOPIC, FLEET_ID_JSON, FLEET_ID_TAG };

/* A [source] of the profile: readings of people who don't follow devices/<id>/… */
struct fleet_source {
    char name[PROTO_ID_MAX];
    char topic[PROTO_TOPIC_MAX]; /* MQTT filter: + one level, # the rest */
    enum fleet_id_from from;
    uint32_t level;              /* FLEET_ID_TOPIC: which level, 1 is the first */
    char key[PROTO_READING_MAX]; /* FLEET_ID_JSON, FLEET_ID_TAG */
};
/*
 * Fill from the profile's texts: topic "sensors/#", id "tag:location", "json:device" or "topic:2".
 * 0, or -1 and err (EXIT_USAGE).
 */
int fleet_source_parse(const char *name, const char *topic, const char *id,
                       struct fleet_source *out, struct err *err);
/* Does an MQTT filter match a topic (+, #, and $-topics only when named)? */
bool fleet_topic_matches(const char *filter, const char *topic);

/* Zero means the default. Everything is copied. */
struct fleet_config {
    const char *root;     /* "devices" */
    uint32_t max_devices; /* FLEET_MAX_DEVICES */
    size_t recent_bytes;  /* FLEET_RECENT_BYTES */
    size_t history_bytes; /* for deep history; 24 MiB */
    const struct fleet_source *source;
    size_t source_count; /* at most FLEET_MAX_SOURCES, the rest is ignored */
};

struct fleet *fleet_new(const struct fleet_config *config); /* fleet_free() it */
void fleet_free(struct fleet *fleet);                       /* NULL is fine */

/* ---- events in ------------------------------------------------------------------------------ */

enum fleet_event_kind { FLEET_EV_MESSAGE, FLEET_EV_LINK_UP, FLEET_EV_LINK_DOWN, FLEET_EV_TICK };

struct fleet_event {
    enum fleet_event_kind kind;
    const char *topic; /* MESSAGE */
    const void *body;  /* MESSAGE; any bytes, need not be terminated */
    size_t len;
    bool retained;    /* MESSAGE: the broker's memory, not a sign of life */
    const char *text; /* LINK_DOWN: why; may be NULL */
};

/*
 * Advance by one event. Returns the device it was about, or FLEET_NONE. Send a TICK about ten times
 * a second: each looks at a bounded number of devices for silence, so that 100,000 are gone through
 * in about a second. Times that run backwards are taken as standing still up to
 * FLEET_CLOCK_BACK_MS, and more as a clock that was set: what was heard in its future keeps
 * its age, and histories that reach there begin anew.
 */
#define FLEET_CLOCK_BACK_MS 60000
uint32_t fleet_apply(struct fleet *fleet, const struct fleet_event *event, int64_t now_ms);

/*
 * What another console knew when this one was not yet there: a device's last words. Fills in only
 * what is not known better already; a device that is not known yet is added. `facts` (NULL: none)
 * are of its last status: a last will wipes them from the broker's memory. `t[i]` is when item[i]
 * was measured, Unix s; times more than a minute ahead of fleet_apply()'s are taken as not known.
 */
struct reading;
void fleet_recall(struct fleet *fleet, const char *id, int64_t last_ms, uint32_t interval_ms,
                  const struct device_status *facts, const struct reading *item, const uint32_t *t,
                  uint32_t count);

/* Somebody who has told us all it heard (fleet_recall) has been listening without a break since
 * `since_ms`: silence may be judged from then on, not only from our own link's coming up. Forgotten
 * when our link goes down. */
void fleet_vouch(struct fleet *fleet, int64_t since_ms);

/*
 * What the alert rules say of a device (fleet/alert.h calls it): how many fire, whether the worst
 * is WARN or CRIT (neither: it changes no state), and its text, one per rule so that words stay
 * few. Of a device that was forgotten nothing is taken.
 */
void fleet_set_alert(struct fleet *fleet, uint32_t device, uint8_t count, bool warn, bool crit,
                     const char *text);

/* Drop a device and all that is known of it (retired). */
void fleet_forget(struct fleet *fleet, uint32_t device);

/* ---- devices out ---------------------------------------------------------------------------- */

/* Devices lie at indices 0 … fleet_span() - 1; a hole gives NULL. fleet_count() are there. */
uint32_t fleet_span(const struct fleet *fleet);
uint32_t fleet_count(const struct fleet *fleet);
uint32_t fleet_count_state(const struct fleet *fleet, enum fleet_state state);
const struct fleet_device *fleet_device(const struct fleet *fleet, uint32_t device);
uint32_t fleet_find(const struct fleet *fleet, const char *id); /* FLEET_NONE when unknown */

/*
 * Texts that many devices share (version, product, group …) are kept once; a device has their
 * number, 0 for the empty text. Never NULL; clean for a terminal.
 */
const char *fleet_word(const struct fleet *fleet, uint16_t word);

/* Whole protocol structs again. fleet_report: false when the device never reported. */
void fleet_status(const struct fleet *fleet, const struct fleet_device *device,
                  struct device_status *out);
bool fleet_report(const struct fleet *fleet, const struct fleet_device *device,
                  struct ota_report *out);
/* The [source] of the profile it came by; "" for devices/<id>/… */
const char *fleet_source_name(const struct fleet *fleet, const struct fleet_device *device);
/* The version it is being updated to, or last was; "" when never. */
const char *fleet_target(const struct fleet *fleet, const struct fleet_device *device);

/*
 * Milliseconds since its last live message, or -1 when there was none since this console runs.
 * Stands still while the link is down.
 */
int64_t fleet_age_ms(const struct fleet *fleet, const struct fleet_device *device, int64_t now_ms);
/* Messages per minute over the last one to two minutes. */
double fleet_rate(const struct fleet_device *device, int64_t now_ms);
/* The same for people: -1 before this console has listened for a minute (its link is down, or has
 * just come up), and until two have passed what was counted over the time it took. */
double fleet_rate_heard(const struct fleet *fleet, const struct fleet_device *device,
                        int64_t now_ms);
/* Why it is in its state, for a person: "silent for 3 of its intervals", "rolled back: new firmware
 * failed its self-test". "" when ok. */
void fleet_why(const struct fleet *fleet, const struct fleet_device *device, int64_t now_ms,
               char *out, size_t cap);
/* Number of conditions that hold and alerts that fire. */
uint32_t fleet_alerts(const struct fleet_device *device);

/* ---- readings ------------------------------------------------------------------------------- */

/* A name met in this fleet. */
struct fleet_reading {
    char name[PROTO_READING_MAX]; /* canonical; control characters never */
    const char *label;            /* for a header; the name itself when not a known one */
    const char *unit;             /* as shown; "" when not known */
    double scale;                 /* shown = value * scale */
    int decimals;
    uint32_t devices; /* how many have it */
};
uint32_t fleet_reading_count(const struct fleet *fleet);
const struct fleet_reading *fleet_reading(const struct fleet *fleet, uint32_t reading);
/* By name or alias ("temp"); FLEET_NONE when nobody sent it yet. */
uint32_t fleet_reading_find(const struct fleet *fleet, const char *name);
/* The device's present value, NULL when it never sent it. */
const struct fleet_value *fleet_value(const struct fleet_device *device, uint32_t reading);

/*
 * Whoever keeps values hears each as it is applied, with when it was measured (Unix ms). One
 * listener; NULL for none. Called within fleet_apply(): it must not call the fleet back.
 */
typedef void fleet_value_fn(void *ctx, const struct fleet_device *device, uint32_t reading,
                            int64_t t_ms, double value);
void fleet_listen(struct fleet *fleet, fleet_value_fn *value, void *ctx);

/* ---- changes -------------------------------------------------------------------------------- */

/* Rises whenever anything shown may have changed. */
uint64_t fleet_changes(const struct fleet *fleet);
/*
 * Devices that changed since the last call (of any caller): up to `cap` indices, each once; call
 * again while it returns `cap`. One that has been forgotten since is not among them.
 */
uint32_t fleet_take_dirty(struct fleet *fleet, uint32_t *out, uint32_t cap);

struct fleet_counters {
    uint64_t messages;    /* all that came */
    uint64_t retained;    /* of these */
    uint64_t bytes;       /* bodies */
    uint64_t undecodable; /* ours by topic, not by body */
    uint64_t foreign;     /* no topic of ours and no source's */
    uint64_t refused;     /* device table full, or an id a device may not have */
    uint64_t conflicts;   /* a source's body claimed the id of a device that has its own topics */
    uint64_t dropped;     /* single readings: not finite, too many, name table full */
    uint64_t broker_dropped; /* $SYS/broker/publish/messages/dropped since the link came up */
    double per_second;       /* live messages, over FLEET_RATE_OVER s or since the link is up */
};
/* Devices that speak every 5 or 10 s in step with each other make one rate of it, not two. */
#define FLEET_RATE_OVER 10
void fleet_counters(const struct fleet *fleet, int64_t now_ms, struct fleet_counters *out);

#define FLEET_RATE_SECONDS 32
/* Messages in each of the last FLEET_RATE_SECONDS whole seconds, oldest first, for a sparkline. */
void fleet_rate_history(const struct fleet *fleet, int64_t now_ms,
                        uint32_t out[FLEET_RATE_SECONDS]);

/* The link, as events told it. */
struct fleet_link {
    bool up;
    int64_t since_ms; /* of the last change; 0: never was up */
    char reason[128]; /* why down */
};
const struct fleet_link *fleet_link(const struct fleet *fleet);

/* ---- what happened -------------------------------------------------------------------------- */

enum fleet_note_kind {
    FLEET_NOTE_NEW,     /* a device nobody knew (not from the retained picture) */
    FLEET_NOTE_ONLINE,  /* is back */
    FLEET_NOTE_OFFLINE, /* … */
    FLEET_NOTE_STALE,
    FLEET_NOTE_BOOT,   /* restarted: text says why */
    FLEET_NOTE_UPDATE, /* an OTA report changed its state */
    FLEET_NOTE_ALERT,  /* a condition began */
    FLEET_NOTE_REPLY,  /* answered a command */
    FLEET_NOTE_LOG,    /* a log line of level warn or error */
    FLEET_NOTE_LINK,
};

/* One notable event, newest last. Text is clean for a terminal. */
struct fleet_note {
    uint64_t seq; /* 1, 2, 3 … */
    int64_t t_ms;
    enum fleet_note_kind kind;
    enum fleet_state state; /* of the device then, for its glyph */
    char id[PROTO_ID_MAX];  /* "" for the link */
    char text[96];
};
/* Notes seq first … last are kept: 0 and 0 when there is none yet. */
void fleet_note_range(const struct fleet *fleet, uint64_t *first, uint64_t *last);
const struct fleet_note *fleet_note(const struct fleet *fleet, uint64_t seq); /* NULL: not kept */

/* ---- answers to commands -------------------------------------------------------------------- */

#define FLEET_REPLIES 128
struct fleet_reply {
    uint64_t seq; /* 1, 2, 3 … */
    int64_t t_ms; /* arrival */
    char id[PROTO_ID_MAX];
    struct reply reply; /* its detail is the device's raw text: clean it before showing */
};
/* Answers seq first … last are kept: 0 and 0 when there is none yet. Retained ones are none. */
void fleet_reply_range(const struct fleet *fleet, uint64_t *first, uint64_t *last);
const struct fleet_reply *fleet_reply(const struct fleet *fleet, uint64_t seq); /* NULL: not kept */

/* ---- tail ----------------------------------------------------------------------------------- */

/* One message of a watched device. `topic` and `body` are clean for a terminal. */
struct fleet_tail_line {
    uint64_t seq; /* 1, 2, 3 … per watch */
    int64_t t_ms;
    uint8_t kind; /* enum topic_kind */
    bool retained;
    bool bad;       /* did not decode */
    uint16_t size;  /* of the body before it was cut, at most 65535 */
    char topic[96]; /* without root and id: "telemetry/env" */
    char body[FLEET_TAIL_BODY];
    uint16_t raw_len;
    uint8_t raw[FLEET_TAIL_BODY]; /* its first bytes as they came: never to a terminal */
};

/*
 * Keep a device's messages (and deep history of its readings) from now on; the device need not be
 * known yet. Its tail begins with those of its messages that lie in the two rings of the fleet's
 * newest (FLEET_RECENT_BYTES each; a message takes 40 bytes, its topic behind the id, and its body
 * up to FLEET_TAIL_BODY), with the times at which they came. That is, of a thousand devices that
 * each speak every ten seconds the last minutes, of 100,000 that speak once a minute the last ten
 * seconds of all; and the status and report that the broker has retained, of some 10,000 devices.
 * Watching one more than
 * FLEET_MAX_WATCHED drops the one watched longest. -1 when `id` is no valid id.
 */
int fleet_watch(struct fleet *fleet, const char *id);
void fleet_unwatch(struct fleet *fleet, const char *id);
/* seq first … last are kept, 0 and 0 when none or not watched. To pause, remember `last`. */
void fleet_tail_range(const struct fleet *fleet, const char *id, uint64_t *first, uint64_t *last);
const struct fleet_tail_line *fleet_tail(const struct fleet *fleet, const char *id, uint64_t seq);

#endif
