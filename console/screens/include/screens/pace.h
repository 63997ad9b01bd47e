#ifndef SCREENS_PACE_H
#define SCREENS_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When the next picture is drawn. There are three reasons for one:
 *   a key, and what somebody waits for     at once
 *   data                                   at most ten pictures a second
 *   time: a clock, an age, a countdown     when it has come, and then as data
 * and one against it: the terminal has not taken the last one. A terminal that needed long for a
 * picture is given fewer that no key asks for, so that their bytes are a tenth of what goes over
 * the line, and a key's echo does not queue behind a picture nobody has seen yet.
 *
 * Every call is handed the time (Unix ms). It may be set back or forward in between: nothing stands
 * still for that.
 */
#define PACE_FRAME_MS 100
#define PACE_MOST_MS  3000 /* between two pictures that no key asks for, however slow it is */
#define PACE_WAIT_MS  1000

struct pace {
    int64_t drawn_ms; /* the last picture was given to the terminal */
    int64_t pause_ms; /* from then until the next that no key asks for */
    int64_t due_ms;   /* when time changes the picture */
    bool at_once, changed;
    bool sending; /* the terminal has not said yet that it took the last picture */
};

/* The first picture is due a tenth of a second later, if nothing asks for one before. */
void pace_begin(struct pace *p, int64_t now_ms);

void pace_at_once(struct pace *p); /* a key, or what it asked for */
void pace_changed(struct pace *p); /* data */

/*
 * Before waiting: when time changes the picture as seen from now (ui_next_ms()), and for how long
 * the loop may sleep when nothing happens: 0 to PACE_WAIT_MS. The nearest moment named so far is
 * kept until it has come, since asked again a little before it ui_next_ms() names the one after.
 */
int pace_wait_ms(struct pace *p, int64_t next_ms, int64_t now_ms);
/* After waiting: true once when that moment has come, which also is a reason for a picture. */
bool pace_is_due(struct pace *p, int64_t now_ms);

/*
 * Is a picture drawn now? `ready`: the terminal has taken the last one. To be asked at each turn of
 * the loop, for how long that took is seen here.
 */
bool pace_draws(struct pace *p, int64_t now_ms, bool ready);
/* It was, at now_ms. `ready`: the terminal took it at once, so that no later turn says so. */
void pace_drawn(struct pace *p, int64_t now_ms, bool ready);

#endif
