#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "internal.h"
#include "protocol/id.h"

void fleet_note_add(struct fleet *fleet, const struct fleet_device *device,
                    enum fleet_note_kind kind, const char *format, ...)
{
    char raw[256];
    va_list ap;
    va_start(ap, format);
    int len = vsnprintf(raw, sizeof(raw), format, ap);
    va_end(ap);

    struct fleet_note *note = &fleet->note[fleet->note_last % FLEET_EVENTS];
    note->seq = ++fleet->note_last;
    note->t_ms = fleet->now_ms;
    note->kind = kind;
    note->state = device ? (enum fleet_state)device->state : FLEET_OK;
    text_copy(note->id, sizeof(note->id), device ? device->id : "");
    text_clean(note->text, sizeof(note->text), raw, len > 0 ? strlen(raw) : 0);
    fleet->changes++;
}

void fleet_note_range(const struct fleet *fleet, uint64_t *first, uint64_t *last)
{
    *last = fleet->note_last;
    *first = fleet->note_last > FLEET_EVENTS ? fleet->note_last - FLEET_EVENTS + 1
                                             : (fleet->note_last ? 1 : 0);
}

const struct fleet_note *fleet_note(const struct fleet *fleet, uint64_t seq)
{
    uint64_t first, last;
    fleet_note_range(fleet, &first, &last);
    return seq >= 1 && seq >= first && seq <= last ? &fleet->note[(seq - 1) % FLEET_EVENTS] : NULL;
}

void fleet_reply_add(struct fleet *fleet, const char *id, const struct reply *reply)
{
    struct fleet_reply *r = &fleet->reply[fleet->reply_last % FLEET_REPLIES];
    r->seq = ++fleet->reply_last;
    r->t_ms = fleet->now_ms;
    text_copy(r->id, sizeof(r->id), id);
    r->reply = *reply;
}

void fleet_reply_range(const struct fleet *fleet, uint64_t *first, uint64_t *last)
{
    *last = fleet->reply_last;
    *first = *last > FLEET_REPLIES ? *last - FLEET_REPLIES + 1 : (*last ? 1 : 0);
}

const struct fleet_reply *fleet_reply(const struct fleet *fleet, uint64_t seq)
{
    uint64_t first, last;
    fleet_reply_range(fleet, &first, &last);
    return seq >= 1 && seq >= first && seq <= last ? &fleet->reply[(seq - 1) % FLEET_REPLIES]
                                                   : NULL;
}

struct watch *fleet_watch_of(struct fleet *fleet, const char *id)
{
    for (size_t i = 0; i < FLEET_MAX_WATCHED; i++)
        if (fleet->watch[i].started && strcmp(fleet->watch[i].id, id) == 0)
            return &fleet->watch[i];
    return NULL;
}

static const struct watch *watch_of(const struct fleet *fleet, const char *id)
{
    for (size_t i = 0; i < FLEET_MAX_WATCHED; i++)
        if (fleet->watch[i].started && strcmp(fleet->watch[i].id, id) == 0)
            return &fleet->watch[i];
    return NULL;
}

static void watch_end(struct watch *watch)
{
    free(watch->line);
    memset(watch, 0, sizeof(*watch));
}

int fleet_watch(struct fleet *fleet, const char *id)
{
    if (!id_is_valid(id, strlen(id)))
        return -1;
    if (fleet_watch_of(fleet, id))
        return 0;
    struct watch *oldest = &fleet->watch[0];
    for (size_t i = 1; i < FLEET_MAX_WATCHED; i++)
        if (fleet->watch[i].started < oldest->started)
            oldest = &fleet->watch[i];
    watch_end(oldest);
    text_copy(oldest->id, sizeof(oldest->id), id);
    oldest->started = ++fleet->watch_order;
    oldest->line = mem_array(FLEET_TAIL_LINES, sizeof(*oldest->line));
    fleet_recent_replay(fleet, oldest);
    return 0;
}

void fleet_unwatch(struct fleet *fleet, const char *id)
{
    struct watch *watch = fleet_watch_of(fleet, id);
    if (watch)
        watch_end(watch);
}

const char *fleet_short_topic(const struct fleet *fleet, const char *topic,
                              const struct topic *parsed)
{
    if (parsed->kind == TOPIC_OTHER)
        return topic;
    return topic + strlen(fleet->root) + 1 + strlen(parsed->id) + 1;
}

void fleet_watch_push(struct watch *watch, const struct fleet_message *m)
{
    struct fleet_tail_line *line = &watch->line[watch->last % FLEET_TAIL_LINES];

    line->seq = ++watch->last;
    line->t_ms = m->t_ms;
    line->kind = m->kind;
    line->retained = m->retained;
    line->bad = m->bad;
    line->size = m->size;
    text_clean(line->topic, sizeof(line->topic), m->topic, m->topic_len);
    text_clean(line->body, sizeof(line->body), m->raw, m->len);
    line->raw_len = m->len < sizeof(line->raw) ? (uint16_t)m->len : sizeof(line->raw);
    if (line->raw_len)
        memcpy(line->raw, m->raw, line->raw_len);
}

void fleet_tail_add(struct fleet *fleet, struct watch *watch, const struct fleet_event *event,
                    const struct topic *topic, bool bad)
{
    const char *name = fleet_short_topic(fleet, event->topic, topic);
    const struct fleet_message m = { .t_ms = fleet->now_ms,
                                     .kind = (uint8_t)topic->kind,
                                     .retained = event->retained,
                                     .bad = bad,
                                     .size = event->len < UINT16_MAX ? (uint16_t)event->len
                                                                     : UINT16_MAX,
                                     .topic = name,
                                     .topic_len = strlen(name),
                                     .raw = event->body,
                                     .len = event->len };
    fleet_watch_push(watch, &m);
}

void fleet_tail_range(const struct fleet *fleet, const char *id, uint64_t *first, uint64_t *last)
{
    const struct watch *watch = watch_of(fleet, id);
    *last = watch ? watch->last : 0;
    *first = *last > FLEET_TAIL_LINES ? *last - FLEET_TAIL_LINES + 1 : (*last ? 1 : 0);
}

const struct fleet_tail_line *fleet_tail(const struct fleet *fleet, const char *id, uint64_t seq)
{
    uint64_t first, last;
    const struct watch *watch = watch_of(fleet, id);
    fleet_tail_range(fleet, id, &first, &last);
    return watch && seq >= 1 && seq >= first && seq <= last
               ? &watch->line[(seq - 1) % FLEET_TAIL_LINES]
               : NULL;
}
