/* The alerts' table: entries by (rule, device or rollout), events, and what is read out. */
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "base/mem.h"
#include "base/text.h"

enum { CHAINS = 16384 };

static uint32_t chain_of(uint32_t rule, uint32_t device, const char *id)
{
    uint32_t h = device == FLEET_NONE ? fleet_hash(id, strlen(id)) : device * 2654435761u;

    return (h ^ rule * 40503u) % CHAINS;
}

static struct entry *in_chain(const struct alerts *a, uint32_t rule, uint32_t device,
                              const char *id)
{
    if (!a->chain)
        return NULL;
    for (uint32_t i = a->chain[chain_of(rule, device, id)]; i != NO_ENTRY; i = a->entry[i].next) {
        struct entry *e = &a->entry[i];
        if (e->alert.rule == rule && e->alert.device == device &&
            (device != FLEET_NONE || strcmp(e->alert.id, id) == 0))
            return e;
    }
    return NULL;
}

struct entry *alert_find(const struct alerts *a, uint32_t rule, uint32_t device, const char *id)
{
    if (device != FLEET_NONE &&
        (device >= a->seat_count || !(a->seat[device].mask & UINT64_C(1) << rule)))
        return NULL;
    return in_chain(a, rule, device, id);
}

static uint32_t take_free(struct alerts *a)
{
    if (a->free_first != NO_ENTRY) {
        uint32_t i = a->free_first;
        a->free_first = a->entry[i].next;
        return i;
    }
    if (a->entry_count == ALERT_ACTIVE_MAX)
        return NO_ENTRY;
    MEM_PUSH_ROOM(a->entry, a->entry_count, a->entry_cap);
    a->listed = UINT64_MAX; /* what the list points to may have moved */
    return a->entry_count++;
}

struct entry *alert_add(struct alerts *a, uint32_t rule, uint32_t device, const char *id)
{
    uint32_t i = take_free(a);

    if (i == NO_ENTRY) {
        a->dropped++;
        return NULL;
    }
    if (!a->chain) {
        a->chain = mem_array(CHAINS, sizeof(*a->chain));
        memset(a->chain, 0xff, CHAINS * sizeof(*a->chain));
    }
    uint32_t *head = &a->chain[chain_of(rule, device, id)];
    struct entry *e = &a->entry[i];

    memset(e, 0, sizeof(*e));
    e->used = true;
    e->next = *head;
    *head = i;
    e->alert.rule = rule;
    e->alert.device = device;
    e->alert.level = a->rule[rule].is.level;
    text_copy(e->alert.id, sizeof(e->alert.id), id);
    if (device != FLEET_NONE)
        a->seat[device].mask |= UINT64_C(1) << rule;
    a->used++;
    return e;
}

void alert_remove(struct alerts *a, struct entry *e)
{
    uint32_t rule = e->alert.rule, device = e->alert.device;
    uint32_t mine = (uint32_t)(e - a->entry);
    uint32_t *link = &a->chain[chain_of(rule, device, e->alert.id)];

    while (*link != mine)
        link = &a->entry[*link].next;
    *link = e->next;
    e->used = false;
    e->next = a->free_first;
    a->free_first = mine;
    a->used--;
    a->version++;
    if (device != FLEET_NONE)
        a->seat[device].mask &= ~(UINT64_C(1) << rule);
}

void alert_event_add(struct alerts *a, enum alert_event_kind kind, const struct alert *alert)
{
    a->version++;
    if (a->event_count == ALERT_EVENTS) {
        a->dropped++;
        return;
    }
    struct alert_event *ev = &a->event[(a->event_first + a->event_count++) % ALERT_EVENTS];

    ev->kind = kind;
    ev->alert = *alert;
}

size_t alerts_take(struct alerts *a, struct alert_event *out, size_t cap)
{
    size_t n = 0;

    while (n < cap && a->event_count) {
        out[n++] = a->event[a->event_first];
        a->event_first = (a->event_first + 1) % ALERT_EVENTS;
        a->event_count--;
    }
    return n;
}

/* ---- read out ------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const struct alert *a = *(const struct alert *const *)left;
    const struct alert *b = *(const struct alert *const *)right;

    if (a->silenced != b->silenced)
        return a->silenced ? 1 : -1;
    if (a->level != b->level)
        return a->level > b->level ? -1 : 1;
    if (a->fired_ms != b->fired_ms)
        return a->fired_ms > b->fired_ms ? -1 : 1;
    int id = strcmp(a->id, b->id);
    return id ? id : (a->rule > b->rule) - (a->rule < b->rule);
}

size_t alerts_list(struct alerts *a, const struct alert *const **out)
{
    if (a->listed != a->version) {
        a->list_count = 0;
        for (uint32_t i = 0; i < a->entry_count; i++) {
            if (!a->entry[i].used || !a->entry[i].alert.fired_ms)
                continue;
            MEM_PUSH_ROOM(a->list, a->list_count, a->list_cap);
            a->list[a->list_count++] = &a->entry[i].alert;
        }
        if (a->list_count)
            qsort(a->list, a->list_count, sizeof(*a->list), compare);
        a->listed = a->version;
    }
    *out = a->list;
    return a->list_count;
}

const struct alert *alerts_past(const struct alerts *a, size_t n)
{
    uint64_t kept = a->past_total < ALERT_PAST ? a->past_total : ALERT_PAST;

    return n < kept ? &a->past[(a->past_total - 1 - n) % ALERT_PAST] : NULL;
}

size_t alerts_of(const struct alerts *a, uint32_t device, const struct alert **out, size_t cap)
{
    size_t n = 0;

    if (device >= a->seat_count || !a->seat[device].mask)
        return 0;
    for (int level = ALERT_CRIT; level >= ALERT_INFO; level--)
        for (uint32_t r = 0; r < a->rule_count; r++) {
            const struct entry *e = alert_find(a, r, device, "");
            if (!e || !e->alert.fired_ms || (int)e->alert.level != level)
                continue;
            if (n < cap)
                out[n] = &e->alert;
            n++;
        }
    return n;
}

const struct alert_rule *alerts_rule(const struct alerts *a, uint32_t rule)
{
    return rule < a->rule_count ? &a->rule[rule].is : NULL;
}

uint32_t alerts_firing(const struct alerts *a, enum alert_level level)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < a->entry_count; i++) {
        const struct entry *e = &a->entry[i];
        n += e->used && e->alert.fired_ms && !e->alert.silenced && e->alert.level == level;
    }
    return n;
}

uint64_t alerts_version(const struct alerts *a)
{
    return a->version;
}

uint64_t alerts_dropped(const struct alerts *a)
{
    return a->dropped;
}
