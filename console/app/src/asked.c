#include "asked.h"

#include <string.h>

static void drop(struct asked *a, size_t i)
{
    memmove(&a->id[i], &a->id[i + 1], (a->count - i - 1) * sizeof(a->id[0]));
    a->count--;
}

void asked_add(struct asked *a, int64_t id)
{
    if (a->count == ASKED_MAX)
        drop(a, 0);
    a->id[a->count++] = id;
}

bool asked_take(struct asked *a, struct store *s, struct store_act *act)
{
    for (size_t i = 0; i < a->count; i++) {
        int rc = store_act_get(s, a->id[i], act, NULL);
        if (rc == 0 && !act->consumed)
            continue;
        drop(a, i);
        if (rc == 0)
            return true;
        i--;
    }
    return false;
}
