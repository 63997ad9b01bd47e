#include "screens/tail.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct tail {
    size_t cap, count, head; /* head: the oldest */
    uint64_t total;
    struct tail_line *line;
};

struct tail *tail_new(size_t cap)
{
    struct tail *t = mem_alloc(sizeof(*t));
    t->cap = cap < 1 ? 1 : cap > TAIL_CAP_MAX ? TAIL_CAP_MAX : cap;
    t->line = mem_array(t->cap, sizeof(*t->line));
    return t;
}

void tail_free(struct tail *t)
{
    if (!t)
        return;
    free(t->line);
    free(t);
}

void tail_clear(struct tail *t)
{
    t->count = t->head = 0;
    t->total = 0;
}

void tail_push(struct tail *t, int64_t at_ms, enum tail_level level, bool retained,
               const char *label, const void *text, size_t len)
{
    struct tail_line *line = &t->line[(t->head + t->count) % t->cap];
    if (t->count < t->cap)
        t->count++;
    else
        t->head = (t->head + 1) % t->cap;
    line->at_ms = at_ms;
    line->number = ++t->total;
    line->level = level;
    line->retained = retained;
    line->size = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
    text_clean(line->label, sizeof(line->label), label ? label : "", label ? strlen(label) : 0);
    text_clean(line->text, sizeof(line->text), text ? text : "", text ? len : 0);
}

/* How far back a line that comes late looks for its place. */
#define LATE 64

void tail_in_order(struct tail *t)
{
    for (size_t i = t->count, steps = 0; i > 1 && steps < LATE; i--, steps++) {
        struct tail_line *late = &t->line[(t->head + i - 1) % t->cap];
        struct tail_line *before = &t->line[(t->head + i - 2) % t->cap];
        struct tail_line moved = *before;
        if (before->at_ms <= late->at_ms)
            return;
        *before = *late;
        *late = moved;
        late->number = before->number;
        before->number = moved.number;
    }
}

size_t tail_count(const struct tail *t)
{
    return t ? t->count : 0;
}

uint64_t tail_total(const struct tail *t)
{
    return t ? t->total : 0;
}

const struct tail_line *tail_at(const struct tail *t, size_t index)
{
    if (!t || index >= t->count)
        return NULL;
    return &t->line[(t->head + index) % t->cap];
}
