#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

enum { FIRST_ID_SLOTS = 1024 };

struct fleet_device *fleet_at(const struct fleet *fleet, uint32_t device)
{
    return &fleet->chunk[device / CHUNK][device % CHUNK];
}

const struct fleet_device *fleet_device(const struct fleet *fleet, uint32_t device)
{
    if (device >= fleet->span)
        return NULL;
    const struct fleet_device *d = fleet_at(fleet, device);
    return d->used ? d : NULL;
}

uint32_t fleet_span(const struct fleet *fleet)
{
    return fleet->span;
}

uint32_t fleet_count(const struct fleet *fleet)
{
    return fleet->count;
}

uint32_t fleet_count_state(const struct fleet *fleet, enum fleet_state state)
{
    return state < FLEET_STATES ? fleet->state_count[state] : 0;
}

/* The slot that holds the id, or the free one where it belongs. */
static uint32_t find_slot(const struct fleet *fleet, const char *id, uint32_t hash)
{
    uint32_t mask = fleet->slot_count - 1;
    uint32_t at = hash & mask;
    while (fleet->slot[at].device) {
        if (fleet->slot[at].hash == hash &&
            strcmp(fleet_at(fleet, fleet->slot[at].device - 1)->id, id) == 0)
            break;
        at = (at + 1) & mask;
    }
    return at;
}

uint32_t fleet_find(const struct fleet *fleet, const char *id)
{
    if (!fleet->slot_count)
        return FLEET_NONE;
    uint32_t at = find_slot(fleet, id, fleet_hash(id, strlen(id)));
    return fleet->slot[at].device ? fleet->slot[at].device - 1 : FLEET_NONE;
}

static void grow_slots(struct fleet *fleet)
{
    struct id_slot *old = fleet->slot;
    uint32_t old_count = fleet->slot_count;

    fleet->slot_count = old_count ? old_count * 2 : FIRST_ID_SLOTS;
    fleet->slot = mem_array(fleet->slot_count, sizeof(*fleet->slot));
    for (uint32_t i = 0; i < old_count; i++) {
        if (!old[i].device)
            continue;
        uint32_t at = old[i].hash & (fleet->slot_count - 1);
        while (fleet->slot[at].device)
            at = (at + 1) & (fleet->slot_count - 1);
        fleet->slot[at] = old[i];
    }
    free(old);
}

static uint32_t take_index(struct fleet *fleet)
{
    if (fleet->hole_count)
        return fleet->hole[--fleet->hole_count];
    if (fleet->span % CHUNK == 0)
        fleet->chunk[fleet->span / CHUNK] = mem_array(CHUNK, sizeof(struct fleet_device));
    return fleet->span++;
}

uint32_t fleet_table_add(struct fleet *fleet, const char *id)
{
    if (fleet->count >= fleet->max_devices)
        return FLEET_NONE;
    if ((fleet->count + 1) * 3 > fleet->slot_count * 2)
        grow_slots(fleet);

    size_t len = strlen(id);
    uint32_t hash = fleet_hash(id, len);
    uint32_t index = take_index(fleet);
    struct fleet_device *d = fleet_at(fleet, index); /* zeroed, but for `dirty` in a used hole */
    d->id = mem_strdup(id);
    d->index = index;
    d->used = true;
    d->state = FLEET_OK;
    fleet->slot[find_slot(fleet, id, hash)] = (struct id_slot){ hash, index + 1 };
    fleet->count++;
    fleet->state_count[FLEET_OK]++;
    fleet->id_changes++;
    fleet->id_bytes += len + 1;
    return index;
}

/* Linear probing without tombstones: move later ones of the run back into the hole. */
static void remove_slot(struct fleet *fleet, uint32_t at)
{
    uint32_t mask = fleet->slot_count - 1;
    uint32_t next = (at + 1) & mask;
    for (; fleet->slot[next].device; next = (next + 1) & mask) {
        uint32_t home = fleet->slot[next].hash & mask;
        if (((next - home) & mask) >= ((next - at) & mask)) {
            fleet->slot[at] = fleet->slot[next];
            at = next;
        }
    }
    fleet->slot[at].device = 0;
}

static void free_device(struct fleet *fleet, struct fleet_device *d)
{
    fleet_history_drop(fleet, d);
    for (uint32_t i = 0; i < d->value_count; i++)
        fleet->reading[d->value[i].reading].devices--;
    fleet->value_bytes -= d->value_cap * sizeof(*d->value);
    if (d->ota) {
        fleet->ota_bytes -= sizeof(*d->ota);
        free(d->ota->detail);
    }
    fleet->id_bytes -= strlen(d->id) + 1;
    free(d->ota);
    free(d->value);
    free((void *)(uintptr_t)d->id);
}

void fleet_forget(struct fleet *fleet, uint32_t device)
{
    if (!fleet_device(fleet, device))
        return;
    struct fleet_device *d = fleet_at(fleet, device);

    remove_slot(fleet, find_slot(fleet, d->id, fleet_hash(d->id, strlen(d->id))));
    fleet->state_count[d->state]--;
    fleet->count--;
    fleet->id_changes++;
    fleet->changes++;
    free_device(fleet, d);
    bool dirty = d->dirty; /* its index is still in the list: not twice, when it is used again */
    memset(d, 0, sizeof(*d));
    d->dirty = dirty;
    MEM_PUSH_ROOM(fleet->hole, fleet->hole_count, fleet->hole_cap);
    fleet->hole[fleet->hole_count++] = device;
}

void fleet_mark(struct fleet *fleet, struct fleet_device *d)
{
    d->changed = ++fleet->changes;
    if (d->dirty)
        return;
    d->dirty = true;
    MEM_PUSH_ROOM(fleet->dirty, fleet->dirty_count, fleet->dirty_cap);
    fleet->dirty[fleet->dirty_count++] = d->index;
}

uint32_t fleet_take_dirty(struct fleet *fleet, uint32_t *out, uint32_t cap)
{
    uint32_t count = 0;
    while (count < cap && fleet->dirty_count) {
        struct fleet_device *d = fleet_at(fleet, fleet->dirty[--fleet->dirty_count]);
        d->dirty = false;
        if (d->used)
            out[count++] = d->index;
    }
    return count;
}

uint64_t fleet_changes(const struct fleet *fleet)
{
    return fleet->changes;
}

void fleet_table_free(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->span; i++)
        if (fleet_at(fleet, i)->used)
            free_device(fleet, fleet_at(fleet, i));
    for (uint32_t i = 0; i * CHUNK < fleet->span; i++)
        free(fleet->chunk[i]);
    free(fleet->chunk);
    free(fleet->hole);
    free(fleet->slot);
    free(fleet->dirty);
}
