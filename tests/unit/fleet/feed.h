#ifndef TEST_FLEET_FEED_H
#define TEST_FLEET_FEED_H

#include <string.h>

#include "fleet/fleet.h"

/* A fleet and its clock: events are said in one line. */
struct feed {
    struct fleet *fleet;
    int64_t now_ms;
};

#define FEED_START_MS INT64_C(1790000000000)

static inline void feed_event(struct feed *f, enum fleet_event_kind kind, const char *text)
{
    struct fleet_event ev = { .kind = kind, .text = text };
    fleet_apply(f->fleet, &ev, f->now_ms);
}

/* A fleet whose link has been up for a while. */
static inline void feed_open(struct feed *f, const struct fleet_config *config)
{
    static const struct fleet_config plain = { .root = "devices" };
    f->fleet = fleet_new(config ? config : &plain);
    f->now_ms = FEED_START_MS;
    feed_event(f, FLEET_EV_LINK_UP, NULL);
    f->now_ms += 60000;
}

static inline uint32_t feed_bytes(struct feed *f, const char *topic, const void *body, size_t len,
                                  bool retained)
{
    struct fleet_event ev = {
        .kind = FLEET_EV_MESSAGE, .topic = topic, .body = body, .len = len, .retained = retained
    };
    return fleet_apply(f->fleet, &ev, f->now_ms);
}

static inline uint32_t feed_say(struct feed *f, const char *topic, const char *body)
{
    return feed_bytes(f, topic, body, strlen(body), false);
}

static inline uint32_t feed_retained(struct feed *f, const char *topic, const char *body)
{
    return feed_bytes(f, topic, body, strlen(body), true);
}

/* Time passes, with a tick each 100 ms. */
static inline void feed_wait(struct feed *f, int64_t ms)
{
    for (int64_t end = f->now_ms + ms; f->now_ms < end; f->now_ms += 100)
        feed_event(f, FLEET_EV_TICK, NULL);
}

static inline const struct fleet_device *feed_device(const struct feed *f, const char *id)
{
    return fleet_device(f->fleet, fleet_find(f->fleet, id));
}

static inline const struct fleet_note *feed_last_note(const struct feed *f)
{
    uint64_t first, last;
    fleet_note_range(f->fleet, &first, &last);
    return fleet_note(f->fleet, last);
}

#endif
