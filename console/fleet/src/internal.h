#ifndef FLEET_INTERNAL_H
#define FLEET_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet/fleet.h"
#include "fleet/history.h"
#include "protocol/reading.h"
#include "protocol/topic.h"

/* What the files of this folder know of each other. Nothing of it is public. */

enum {
    CHUNK = 1024,          /* devices allocated together; their addresses never change */
    NAME_SLOTS = 2048,     /* hash of reading names, twice FLEET_MAX_READINGS */
    SCAN_PER_TICK = 16384, /* devices looked at for silence in one tick */
    SETTLE_MS = 10000,     /* after the link came up: the retained picture is still arriving */
    PREFERRED_TRENDS = 8,
    BASE_BEFORE_S = 30 * 86400, /* the zero of histories is so long before the first event */
    BAD_STATUS = 1,             /* fleet_device.bad_kinds */
    BAD_REPORT = 2,
    BAD_TELEMETRY = 4,
};

/* A set of texts, each with a number from 1. Grows; never forgets, but is bounded. */
struct words {
    char **text; /* [count], text[0] is "" */
    uint32_t count, cap;
    uint16_t *slot; /* hash, slot_count a power of two; 0 is free */
    uint32_t slot_count;
    uint64_t bytes;
};

struct id_slot {
    uint32_t hash;
    uint32_t device; /* 1 + index; 0 is free */
};

struct watch {
    char id[PROTO_ID_MAX];
    uint64_t started; /* order of watching; 0: free */
    uint64_t last;    /* seq of the newest line */
    struct fleet_tail_line *line;
};

/* recent.c: a ring of bytes; head and tail only rise. */
struct recent {
    uint8_t *bytes; /* NULL until the first message */
    size_t size;
    uint64_t head, tail; /* behind the newest, at the oldest message */
};

/* A message on its way into a tail. Topic and raw need not be terminated; `size` is that of the
 * whole body, `len` that of `raw`. */
struct fleet_message {
    int64_t t_ms;
    uint8_t kind;
    bool retained, bad;
    uint16_t size;
    const char *topic;
    size_t topic_len;
    const void *raw;
    size_t len;
};

struct rate {
    int64_t second;
    uint32_t count[FLEET_RATE_SECONDS + 1]; /* by second modulo */
};

struct fleet {
    char root[PROTO_ROOT_MAX];
    uint32_t max_devices;
    size_t history_budget;
    struct fleet_source source[FLEET_MAX_SOURCES];
    uint32_t source_count;

    int64_t now_ms;  /* runs backwards by more than FLEET_CLOCK_BACK_MS only */
    int64_t base_ms; /* zero of the deciseconds in histories */
    uint64_t changes;

    struct fleet_device **chunk; /* [max_devices / CHUNK + 1] */
    uint32_t span, count;
    uint32_t *hole; /* indices to use again */
    uint32_t hole_count, hole_cap;
    struct id_slot *slot;
    uint32_t slot_count; /* a power of two */
    uint32_t state_count[FLEET_STATES];
    uint32_t scan_at;    /* where the next tick goes on */
    uint64_t id_changes; /* rises when devices come or go */

    struct words words;
    struct fleet_reading *reading; /* [FLEET_MAX_READINGS] */
    uint32_t reading_count;
    uint16_t name_slot[NAME_SLOTS]; /* 1 + reading; 0 is free */
    uint32_t preferred[PREFERRED_TRENDS];
    uint32_t trend_reading; /* FLEET_NONE: each its own */

    struct fleet_history **history; /* all deep histories */
    uint32_t history_count, history_cap;
    uint32_t history_victim; /* where to look for one to give up */
    uint32_t trend_count;

    uint32_t *dirty;
    uint32_t dirty_count, dirty_cap;

    struct fleet_counters counters;
    struct rate rate;
    bool has_dropped_base;
    uint64_t dropped_base;

    struct fleet_link link;
    int64_t vouched_ms;      /* somebody else has been listening since; 0: nobody */
    struct fleet_note *note; /* ring of FLEET_EVENTS */
    uint64_t note_last;
    struct watch watch[FLEET_MAX_WATCHED];
    uint64_t watch_order;
    struct recent recent[2]; /* of live and of retained messages */
    size_t value_bytes, ota_bytes, id_bytes;
    struct fleet_reply *reply; /* ring of FLEET_REPLIES */
    uint64_t reply_last;
    struct {
        fleet_value_fn *value;
        void *ctx;
    } ear;
};

uint32_t fleet_hash(const char *text, size_t len);

/* words.c: the number of a text, cleaned; 0 for "", and the number of "…" when the table is full.
 */
void fleet_words_init(struct words *words);
void fleet_words_free(struct words *words);
uint16_t fleet_words_add(struct words *words, const char *text);
/* The number of a reading, FLEET_NONE when the table is full or the name empty. */
uint32_t fleet_reading_intern(struct fleet *fleet, const char *name);

/* table.c */
struct fleet_device *fleet_at(const struct fleet *fleet, uint32_t device);
uint32_t fleet_table_add(struct fleet *fleet, const char *id);     /* FLEET_NONE when full */
void fleet_mark(struct fleet *fleet, struct fleet_device *device); /* changed: dirty list */
void fleet_table_free(struct fleet *fleet);

/* presence.c */
void fleet_evaluate(struct fleet *fleet, struct fleet_device *device);
void fleet_scan(struct fleet *fleet, uint32_t limit);
/* Milliseconds as a person says them: "12s", "4m12s", "3h05m", "2d4h". */
void fleet_span_text(int64_t ms, char out[16]);

/* clock.c: the clock was set back to `now_ms`. */
void fleet_clock_back(struct fleet *fleet, int64_t now_ms);

/* note.c: `device` NULL for the link. */
void fleet_note_add(struct fleet *fleet, const struct fleet_device *device,
                    enum fleet_note_kind kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void fleet_reply_add(struct fleet *fleet, const char *id, const struct reply *reply);
struct watch *fleet_watch_of(struct fleet *fleet, const char *id);
void fleet_tail_add(struct fleet *fleet, struct watch *watch, const struct fleet_event *event,
                    const struct topic *topic, bool bad);
void fleet_watch_push(struct watch *watch, const struct fleet_message *message);
/* What follows "<root>/<id>/" of our topics; the whole of a foreign one. */
const char *fleet_short_topic(const struct fleet *fleet, const char *topic,
                              const struct topic *parsed);

/* recent.c */
void fleet_recent_init(struct recent *recent, size_t bytes);
void fleet_recent_free(struct recent *recent);
void fleet_recent_add(struct fleet *fleet, const struct fleet_device *device,
                      const struct fleet_event *event, const struct topic *topic, bool bad);
/* The messages of the device that begins to be watched into its tail, oldest first. */
void fleet_recent_replay(const struct fleet *fleet, struct watch *watch);
size_t fleet_recent_bytes(const struct fleet *fleet);

/* history.c: one value of a device's reading at Unix ms `t_ms`. */
void fleet_history_add(struct fleet *fleet, struct fleet_device *device, uint32_t reading,
                       int64_t t_ms, double value);
void fleet_history_drop(struct fleet *fleet, struct fleet_device *device);
/* The clock was set back: what has values ahead of it begins anew. */
void fleet_history_back(struct fleet *fleet);
/* The device got a value under a name it did not have: its trend may have to show another. */
void fleet_trend_choose(struct fleet *fleet, struct fleet_device *device);

#endif
