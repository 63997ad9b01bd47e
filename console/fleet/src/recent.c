/*
 * The newest messages of the whole fleet as they came, in two rings of bytes: what a device's tail
 * begins with when somebody starts to watch it. Retained ones have their own ring, since they come
 * once and live ones without end. A message is copied in and nothing else is done with it; who is
 * watched is looked for in all of them, which takes about a millisecond.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "internal.h"

/* A message: this, the topic without root and id, the body's first bytes; then up to a multiple of
 * ALIGN. Never split: before the end of the ring stands one of nobody (FLEET_NONE), of which there
 * may be room for `total` and `device` only. */
struct kept {
    uint32_t total; /* bytes, this included */
    uint32_t device;
    uint32_t hash; /* of its id: another device may have got its place in the table since */
    uint16_t topic_len, raw_len;
    int64_t t_ms;
    uint16_t size;
    uint8_t kind;
    bool retained, bad;
};

enum { ALIGN = 8, TOPIC = sizeof(((struct fleet_tail_line *)0)->topic) - 1 };

static struct kept *kept_at(const struct recent *r, uint64_t at)
{
    return (struct kept *)(void *)(r->bytes + at % r->size);
}

static uint64_t total_of(const struct recent *r, uint64_t at)
{
    uint32_t total;
    memcpy(&total, r->bytes + at % r->size, sizeof(total));
    return total;
}

/* Until `total` bytes fit behind the newest; the oldest go. */
static void make_room(struct recent *r, uint64_t total)
{
    while (r->head + total - r->tail > r->size)
        r->tail += total_of(r, r->tail);
}

/* To the beginning of the ring when `total` bytes do not fit before its end. */
static void wrap(struct recent *r, uint64_t total)
{
    uint64_t left = r->size - r->head % r->size;
    uint32_t nobody[2] = { (uint32_t)left, FLEET_NONE };

    if (left >= total)
        return;
    make_room(r, left);
    memcpy(r->bytes + r->head % r->size, nobody, sizeof(nobody));
    r->head += left;
}

void fleet_recent_init(struct recent *r, size_t bytes)
{
    r->size = bytes / ALIGN * ALIGN;
}

void fleet_recent_free(struct recent *r)
{
    free(r->bytes);
}

void fleet_recent_add(struct fleet *fleet, const struct fleet_device *d,
                      const struct fleet_event *event, const struct topic *topic, bool bad)
{
    struct recent *r = &fleet->recent[event->retained];
    const char *name = fleet_short_topic(fleet, event->topic, topic);
    size_t topic_len = strnlen(name, TOPIC);
    size_t raw_len = event->len < FLEET_TAIL_BODY ? event->len : FLEET_TAIL_BODY;
    uint64_t total = (sizeof(struct kept) + topic_len + raw_len + ALIGN - 1) / ALIGN * ALIGN;

    if (total > r->size)
        return;
    if (!r->bytes)
        r->bytes = mem_alloc(r->size);
    wrap(r, total);
    make_room(r, total);
    struct kept *k = kept_at(r, r->head);
    *k = (struct kept){ .total = (uint32_t)total,
                        .device = d->index,
                        .hash = fleet_hash(d->id, strlen(d->id)),
                        .topic_len = (uint16_t)topic_len,
                        .raw_len = (uint16_t)raw_len,
                        .t_ms = fleet->now_ms,
                        .size = event->len < UINT16_MAX ? (uint16_t)event->len : UINT16_MAX,
                        .kind = (uint8_t)topic->kind,
                        .retained = event->retained,
                        .bad = bad };
    memcpy(k + 1, name, topic_len);
    if (raw_len)
        memcpy((uint8_t *)(k + 1) + topic_len, event->body, raw_len);
    r->head += total;
}

static void replay(struct watch *watch, const struct kept *k)
{
    const char *name = (const char *)(k + 1);
    const struct fleet_message m = { .t_ms = k->t_ms,
                                     .kind = k->kind,
                                     .retained = k->retained,
                                     .bad = k->bad,
                                     .size = k->size,
                                     .topic = name,
                                     .topic_len = k->topic_len,
                                     .raw = (const uint8_t *)name + k->topic_len,
                                     .len = k->raw_len };
    fleet_watch_push(watch, &m);
}

/* Reads a ring from its oldest message on. */
struct reader {
    const struct recent *ring;
    const struct fleet_device *d;
    uint32_t hash;
    uint64_t at;
};

static bool is_of(const struct kept *k, const struct reader *r)
{
    return k->hash == r->hash && k->t_ms >= r->d->met_ms;
}

/* The next message of the device, and past it; NULL: there is none. */
static const struct kept *next_of(struct reader *r)
{
    while (r->at < r->ring->head) {
        uint64_t here = r->at;
        uint32_t head[2];

        memcpy(head, r->ring->bytes + here % r->ring->size, sizeof(head));
        r->at += head[0];
        if (head[1] == r->d->index && is_of(kept_at(r->ring, here), r))
            return kept_at(r->ring, here);
    }
    return NULL;
}

void fleet_recent_replay(const struct fleet *fleet, struct watch *watch)
{
    const struct fleet_device *d = fleet_device(fleet, fleet_find(fleet, watch->id));
    uint32_t hash = fleet_hash(watch->id, strlen(watch->id));

    if (!d)
        return;
    struct reader live = { &fleet->recent[0], d, hash, fleet->recent[0].tail };
    struct reader kept = { &fleet->recent[1], d, hash, fleet->recent[1].tail };
    const struct kept *a = next_of(&live), *b = next_of(&kept);
    while (a || b) {
        bool first = !a || (b && b->t_ms <= a->t_ms); /* the picture comes before what is live */
        replay(watch, first ? b : a);
        if (first)
            b = next_of(&kept);
        else
            a = next_of(&live);
    }
}

size_t fleet_recent_bytes(const struct fleet *fleet)
{
    size_t sum = 0;
    for (int i = 0; i < 2; i++)
        sum += fleet->recent[i].bytes ? fleet->recent[i].size : 0;
    return sum;
}
