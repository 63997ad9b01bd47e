#ifndef FLEET_SRC_ALERT_H
#define FLEET_SRC_ALERT_H

#include "fleet/alert.h"
#include "fleet/filter.h"
#include "internal.h"

/* What the files of the alerts know of each other. */

#define NO_ENTRY UINT32_MAX

struct rule {
    struct alert_rule is;
    struct filter *when, *clear, *target;
    bool uses_time;
    char text[ALERT_TEXT_MAX]; /* alert_rule_text() */
};

/* One pending or firing alert. A free one is on the free list by `next`. */
struct entry {
    struct alert alert;
    uint32_t next; /* in its hash chain */
    bool used;
};

/* Restarts of a device that has restarted: the times of the last, as a ring. */
struct restarts {
    int64_t at_ms[ALERT_RESTARTS];
    uint32_t count;
};

/* What is kept of every device. */
struct seat {
    uint64_t mask;    /* rules that have an entry of it */
    uint64_t changed; /* fleet_device.changed when last looked at */
    uint64_t boot;    /* hash of its boot id */
    struct restarts *restarts;
    int64_t asked_ms; /* when `registered` was asked; 0: never */
    uint32_t boots;
    bool met, fresh; /* looked at before; was new then */
    bool stranger;
    bool acked_new;
};

struct silence {
    struct alert_silence is;
    struct filter *target;
};

struct alerts {
    struct fleet *fleet;
    struct rule rule[ALERT_RULES];
    uint32_t rule_count;
    alert_registered_fn *registered;
    void *ctx;

    struct seat *seat;
    uint32_t seat_count, at; /* where the next tick goes on */

    struct entry *entry;
    uint32_t entry_count, entry_cap, free_first, used;
    uint32_t *chain; /* hash heads */

    struct silence silence[ALERT_SILENCES];
    size_t silence_count;

    struct alert_event *event; /* ring */
    uint32_t event_first, event_count;
    struct alert *past; /* ring */
    uint64_t past_total;
    const struct alert **list; /* sorted */
    size_t list_count, list_cap;
    uint64_t version, listed;
    uint64_t dropped;

    int64_t now_ms, ready_ms; /* began to judge; 0: does not now */
    int64_t up_ms, up_of;     /* link up since, by the present clock; its since_ms then */
    int64_t deaf_ms;          /* when it stopped judging; 0: never began */
    int64_t first_ready_ms;
};

struct entry *alert_find(const struct alerts *a, uint32_t rule, uint32_t device, const char *id);
struct entry *alert_add(struct alerts *a, uint32_t rule, uint32_t device, const char *id);
void alert_remove(struct alerts *a, struct entry *e);
void alert_event_add(struct alerts *a, enum alert_event_kind kind, const struct alert *alert);
/* Tell the fleet what fires for the device. */
void alert_show(struct alerts *a, uint32_t device);
bool alert_is_silenced(struct alerts *a, const struct alert *alert);
/* It is now_ms: at each tick, first. Then: does it judge? */
void alert_clock(struct alerts *a, int64_t now_ms);
bool alert_hears(struct alerts *a);
/* Those that are over; at each tick. */
void alert_silences_end(struct alerts *a);
void alert_silences_free(struct alerts *a);

#endif
