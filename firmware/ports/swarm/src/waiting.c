#include "waiting.h"

static void place(struct waiting *w, uint32_t at, struct device *d)
{
    w->item[at] = d;
    d->heap = at;
}

static void rise(struct waiting *w, uint32_t at)
{
    struct device *d = w->item[at];
    for (uint32_t up; at > 0 && w->item[up = (at - 1) / 2]->due_ms > d->due_ms; at = up)
        place(w, at, w->item[up]);
    place(w, at, d);
}

static void sink(struct waiting *w, uint32_t at)
{
    struct device *d = w->item[at];
    for (uint32_t child; (child = 2 * at + 1) < w->count; at = child) {
        if (child + 1 < w->count && w->item[child + 1]->due_ms < w->item[child]->due_ms)
            child++;
        if (w->item[child]->due_ms >= d->due_ms)
            break;
        place(w, at, w->item[child]);
    }
    place(w, at, d);
}

static void leave(struct waiting *w, struct device *d)
{
    uint32_t at = d->heap;
    struct device *last = w->item[--w->count];
    d->heap = UINT32_MAX;
    if (last == d)
        return;
    place(w, at, last);
    rise(w, at);
    sink(w, last->heap);
}

void waiting_set(struct waiting *w, struct device *d, int64_t due_ms)
{
    if (due_ms < 0) {
        if (d->heap != UINT32_MAX)
            leave(w, d);
        return;
    }
    d->due_ms = due_ms;
    if (d->heap == UINT32_MAX)
        place(w, w->count++, d);
    rise(w, d->heap);
    sink(w, d->heap);
}

struct device *waiting_first(const struct waiting *w)
{
    return w->count > 0 ? w->item[0] : NULL;
}
