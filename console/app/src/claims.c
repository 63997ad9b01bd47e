#include "claims.h"

#include <string.h>

#include "base/text.h"

void claims_init(struct claims *c, const char *journal_id)
{
    memset(c, 0, sizeof(*c));
    text_copy(c->own, sizeof(c->own), journal_id);
}

void claims_topic(const struct claims *c, char *out, size_t cap)
{
    text_format(out, cap, CLAIM_PREFIX "%s", c->own);
}

/* Its place, or a free one; -1 when there is none. */
static int place_of(const struct claims *c, const char *id)
{
    int free_place = -1;

    for (int i = 0; i < CLAIM_OTHERS; i++) {
        if (strcmp(c->other[i].id, id) == 0)
            return i;
        if (!c->other[i].id[0] && free_place < 0)
            free_place = i;
    }
    return free_place;
}

static void drop(struct claims *c, int i, int64_t now_ms)
{
    if (c->other[i].id[0])
        c->free_ms = now_ms + CLAIM_GRACE_MS;
    memset(&c->other[i], 0, sizeof(c->other[i]));
}

bool claims_message(struct claims *c, const char *topic, const void *body, size_t len,
                    int64_t now_ms)
{
    const char *id = topic + sizeof(CLAIM_PREFIX) - 1;

    if (strncmp(topic, CLAIM_PREFIX, sizeof(CLAIM_PREFIX) - 1) != 0)
        return false;
    if (strlen(id) != sizeof(c->own) - 1)
        return true;
    if (strcmp(id, c->own) == 0) {
        if (len == 0)
            c->said = false; /* a will of ours, from before */
        return true;
    }
    int i = place_of(c, id);
    if (i < 0)
        return true;
    if (len == 0) {
        drop(c, i, now_ms);
        return true;
    }
    text_copy(c->other[i].id, sizeof(c->other[i].id), id);
    text_clean(c->other[i].who, sizeof(c->other[i].who), body, len);
    c->other[i].heard_ms = now_ms;
    return true;
}

void claims_link(struct claims *c, bool up, int64_t now_ms)
{
    c->said = false;
    if (up)
        return;
    /* What they are now comes with the next picture. */
    for (int i = 0; i < CLAIM_OTHERS; i++)
        drop(c, i, now_ms - CLAIM_GRACE_MS);
}

static int rival(const struct claims *c)
{
    int best = -1;

    for (int i = 0; i < CLAIM_OTHERS; i++) {
        if (c->other[i].id[0] && (best < 0 || strcmp(c->other[i].id, c->other[best].id) < 0))
            best = i;
    }
    return best;
}

const char *claims_rival(const struct claims *c)
{
    int i = rival(c);

    return i < 0 ? NULL : c->other[i].who;
}

enum claim_do claims_turn(struct claims *c, bool leads, bool yielded, int64_t now_ms)
{
    for (int i = 0; i < CLAIM_OTHERS; i++) {
        if (c->other[i].id[0] && now_ms - c->other[i].heard_ms > CLAIM_DEAD_MS)
            drop(c, i, now_ms - CLAIM_GRACE_MS);
    }
    int i = rival(c);
    if (i >= 0 && c->said && leads && strcmp(c->own, c->other[i].id) < 0)
        i = -1; /* both at once: the other one goes */
    if (i >= 0) {
        c->said = false;
        return leads || yielded ? CLAIM_YIELD : CLAIM_NOTHING;
    }
    if (yielded)
        return now_ms >= c->free_ms ? CLAIM_FREE : CLAIM_NOTHING;
    if (!leads || (c->said && now_ms - c->said_ms < CLAIM_EVERY_MS))
        return CLAIM_NOTHING;
    c->said = true;
    c->said_ms = now_ms;
    return CLAIM_SAY;
}
