#include "inside.h"

/*
 * A binary heap of device numbers; device.heap is its place in it plus one. A report does not move
 * its device: the timer fires at the old time, sees that there was word since, and is set again. So
 * a report costs nothing here.
 */
static bool before(const struct rollout *r, uint32_t a, uint32_t b)
{
    return r->device[a].due_ms < r->device[b].due_ms;
}

static void put(struct rollout *r, uint32_t place, uint32_t device)
{
    r->heap[place] = device;
    r->device[device].heap = place + 1;
}

static void rise(struct rollout *r, uint32_t place)
{
    uint32_t device = r->heap[place];

    while (place > 0 && before(r, device, r->heap[(place - 1) / 2])) {
        put(r, place, r->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(r, place, device);
}

static void sink(struct rollout *r, uint32_t place)
{
    uint32_t device = r->heap[place];

    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child + 1 < r->heap_count && before(r, r->heap[child + 1], r->heap[child]))
            child++;
        if (child >= r->heap_count || !before(r, r->heap[child], device))
            break;
        put(r, place, r->heap[child]);
        place = child;
    }
    put(r, place, device);
}

void timer_clear(struct rollout *r, uint32_t device)
{
    uint32_t heap = r->device[device].heap;

    if (heap == 0)
        return;
    r->device[device].heap = 0;
    uint32_t last = r->heap[--r->heap_count];
    if (last == device)
        return;
    put(r, heap - 1, last);
    rise(r, heap - 1);
    sink(r, r->device[last].heap - 1);
}

void timer_set(struct rollout *r, uint32_t device, int64_t due_ms)
{
    timer_clear(r, device);
    r->device[device].due_ms = due_ms;
    put(r, r->heap_count++, device);
    rise(r, r->heap_count - 1);
}

uint32_t timer_top(const struct rollout *r)
{
    return r->heap_count > 0 ? r->heap[0] : NOBODY;
}
