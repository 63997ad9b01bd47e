#include "screens/pace.h"

enum { SHARE = 10 }; /* pictures that no key asks for may fill a tenth of the line */

static int64_t pause_after(int64_t took_ms)
{
    int64_t pause = took_ms > PACE_MOST_MS ? PACE_MOST_MS : took_ms * SHARE;

    return pause < PACE_FRAME_MS ? PACE_FRAME_MS : pause > PACE_MOST_MS ? PACE_MOST_MS : pause;
}

void pace_begin(struct pace *p, int64_t now_ms)
{
    *p = (struct pace){ .due_ms = now_ms + PACE_FRAME_MS };
}

void pace_at_once(struct pace *p)
{
    p->at_once = true;
}

void pace_changed(struct pace *p)
{
    p->changed = true;
}

/* Until data may be drawn. Whatever else waits for a picture now waits for the terminal alone,
 * which wakes the loop. */
static int64_t until_picture(const struct pace *p, int64_t now_ms)
{
    int64_t left = p->drawn_ms + p->pause_ms - now_ms;

    if (!p->at_once && !p->changed)
        return PACE_WAIT_MS;
    return left > 0 && left < PACE_FRAME_MS ? left : PACE_FRAME_MS;
}

int pace_wait_ms(struct pace *p, int64_t next_ms, int64_t now_ms)
{
    if (next_ms < p->due_ms)
        p->due_ms = next_ms;
    int64_t left = p->due_ms - now_ms;
    int64_t picture = until_picture(p, now_ms);
    return left < 0 ? 0 : (int)(left < picture ? left : picture);
}

bool pace_is_due(struct pace *p, int64_t now_ms)
{
    if (now_ms < p->due_ms)
        return false;
    p->due_ms = INT64_MAX;
    p->changed = true;
    return true;
}

static void took(struct pace *p, int64_t now_ms)
{
    p->sending = false;
    p->pause_ms = pause_after(now_ms - p->drawn_ms);
}

bool pace_draws(struct pace *p, int64_t now_ms, bool ready)
{
    int64_t since = now_ms - p->drawn_ms;

    if (!ready)
        return false;
    if (p->sending)
        took(p, now_ms);
    /* Less than none: the clock was set back. */
    return p->at_once || (p->changed && (since < 0 || since >= p->pause_ms));
}

void pace_drawn(struct pace *p, int64_t now_ms, bool ready)
{
    p->drawn_ms = now_ms;
    p->at_once = p->changed = false;
    p->sending = true;
    if (ready)
        took(p, now_ms);
}
