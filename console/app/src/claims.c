#include "claims.h"

#include <string.h>

#include "base/text.h"

void claims_init(struct claims *c, const char *id)
{
    memset(c, 0, sizeof(*c));
    text_copy(c->own, sizeof(c->own), id);
}

void claims_topic(const struct claims *c, char *out, size_t cap)
{
    text_format(out, cap, CLAIM_PREFIX "%s", c->own);
}

void claims_body(const struct claims *c, const char *who, char out[CLAIM_BODY_MAX])
{
    text_format(out, CLAIM_BODY_MAX, "%.*s\n%u", CLAIM_WHO_MAX - 1, who, c->said);
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

/* What came after ours goes before the one that we must make now. */
static void lose(struct claims *c)
{
    c->held = c->answer = false;
    for (int i = 0; i < CLAIM_OTHERS; i++)
        c->other[i].later = false;
}

/* The first whose claim is in our way; -1: nobody's. */
static int rival(const struct claims *c)
{
    int best = -1;

    for (int i = 0; i < CLAIM_OTHERS; i++) {
        if (c->other[i].id[0] && !c->other[i].later &&
            (best < 0 || strcmp(c->other[i].id, c->other[best].id) < 0))
            best = i;
    }
    return best;
}

/* ---- what is heard
 * --------------------------------------------------------------------------------------------- */

static void hear_own(struct claims *c, const char *body, size_t len)
{
    const char *end = memchr(body, '\n', len);
    char number[12] = "";
    uint64_t said = 0;

    if (len == 0) { /* a will of an earlier connection, or somebody's hand */
        c->there = false;
        lose(c);
        return;
    }
    c->there = true;
    if (end)
        text_copy_n(number, sizeof(number), end + 1, len - (size_t)(end + 1 - body));
    if (c->yielded || !text_to_u64(number, 1, UINT32_MAX, &said) || said != c->said)
        return; /* an older one, on its way while we said another */
    c->back = true;
    c->held = rival(c) < 0;
    c->sure_ms = c->said_ms;
}

static void hear_other(struct claims *c, const char *id, const char *body, size_t len,
                       int64_t now_ms)
{
    int i = place_of(c, id);

    if (i < 0)
        return;
    if (len == 0) {
        drop(c, i, now_ms);
        return;
    }
    bool again = c->other[i].later;
    const char *end = memchr(body, '\n', len);
    text_copy(c->other[i].id, sizeof(c->other[i].id), id);
    text_clean(c->other[i].who, sizeof(c->other[i].who), body, end ? (size_t)(end - body) : len);
    c->other[i].heard_ms = now_ms;
    /* One that says it again has not seen ours before its own. */
    c->other[i].later = c->held && (!again || strcmp(c->own, id) < 0);
    c->answer = c->answer || (c->held && !again);
}

bool claims_message(struct claims *c, const char *topic, const void *body, size_t len,
                    int64_t now_ms)
{
    const char *id = topic + sizeof(CLAIM_PREFIX) - 1;

    if (strncmp(topic, CLAIM_PREFIX, sizeof(CLAIM_PREFIX) - 1) != 0)
        return false;
    if (strlen(id) != CLAIM_ID - 1)
        return true;
    if (strcmp(id, c->own) == 0)
        hear_own(c, body, len);
    else if (strncmp(id, c->own, CLAIM_PLACE) != 0)
        hear_other(c, id, body, len, now_ms);
    return true;
}

void claims_link(struct claims *c, bool up, int64_t now_ms)
{
    c->there = false;
    lose(c);
    if (up)
        return;
    /* What they are now comes with the next picture. */
    for (int i = 0; i < CLAIM_OTHERS; i++)
        drop(c, i, now_ms - CLAIM_GRACE_MS);
}

/* ---- what to do
 * ------------------------------------------------------------------------------------------------
 */

bool claims_withdraw(struct claims *c)
{
    bool there = c->there;

    c->there = false;
    lose(c);
    return there;
}

bool claims_held(const struct claims *c, int64_t now_ms)
{
    return c->held && rival(c) < 0 && now_ms - c->sure_ms < CLAIM_HOLD_MS;
}

const char *claims_rival(const struct claims *c)
{
    int i = rival(c);

    return i < 0 ? NULL : c->other[i].who;
}

static void look_at_time(struct claims *c, int64_t now_ms)
{
    for (int i = 0; i < CLAIM_OTHERS; i++) {
        if (c->other[i].id[0] && now_ms - c->other[i].heard_ms > CLAIM_DEAD_MS)
            drop(c, i, now_ms - CLAIM_GRACE_MS);
    }
    if (c->held && now_ms - c->sure_ms >= CLAIM_HOLD_MS)
        lose(c);
}

static enum claim_do give_way(struct claims *c)
{
    c->yielded = true;
    c->held = false;
    return CLAIM_YIELD;
}

enum claim_do claims_turn(struct claims *c, bool leads, int64_t now_ms)
{
    look_at_time(c, now_ms);
    if (rival(c) >= 0 && (leads || c->yielded))
        return give_way(c);
    if (c->yielded) {
        if (now_ms < c->free_ms)
            return CLAIM_NOTHING;
        c->yielded = false;
        return CLAIM_FREE;
    }
    if (!leads)
        return claims_withdraw(c) ? CLAIM_CLEAR : CLAIM_NOTHING;
    bool late = now_ms - c->said_ms >= CLAIM_EVERY_MS;
    if (c->there && !c->held && !c->back && late) { /* it does not come back */
        c->free_ms = now_ms + CLAIM_GRACE_MS;
        return give_way(c);
    }
    if (c->there && !late && !c->answer && (c->held || !c->back))
        return CLAIM_NOTHING;
    c->there = true;
    c->back = c->answer = false;
    c->said++;
    c->said_ms = now_ms;
    return CLAIM_SAY;
}
