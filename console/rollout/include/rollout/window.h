#ifndef ROLLOUT_WINDOW_H
#define ROLLOUT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "rollout/zone.h"

/*
 * A maintenance window: new orders go out only while it is open. The clock on the wall decides:
 *
 *   it is open while the local time of day is at or after `from` and before `to`, on a day of
 *   `days`. When `to` is not after `from` it passes midnight: the part after midnight belongs to
 * the day before ("fri 22:00-04:00" ends on Saturday at 4).
 *
 * So nothing is ever sent at a local time outside it, and around the changes of the clock that
 * means:
 *   - a time that is skipped (02:00 to 03:00 in spring) is never shown: a window that begins in the
 *     gap opens at its end, one that ends in the gap closes at its beginning, one wholly inside
 * does not open that day;
 *   - a time that comes twice (02:00 to 03:00 in autumn) counts both times: 01:00-02:30 is open
 *     until the first 02:30 and again from the second 02:00 to the second 02:30; 02:15-02:45 opens
 *     twice; 01:00-05:00 lasts five hours instead of four.
 */
struct window {
    uint16_t from_min, to_min; /* minutes from midnight, 0 to 1440 (only `to`) */
    uint8_t days; /* bit 0 Monday to bit 6 Sunday: days on which it opens; 0: no window,
                   * that is always open */
    char tz[ZONE_NAME_MAX];
};

#define WINDOW_ALL_DAYS 0x7f
/* How far ahead the next change is looked for. Every window but 00:00-24:00 changes within a week,
 * a skipped hour can make it two. */
#define WINDOW_AHEAD_S (35 * 86400)

/*
 * From the texts of a plan: "01:00", "05:00" ("24:00" is the end of the day), an IANA name (NULL:
 * UTC), and days: "mon-fri", "sat,sun", "fri-mon", "mon-wed,sat" (NULL or "daily": all). -1 and a
 * text that names the field ("window.from: ..."). Whether the zone exists is for who reads files.
 */
int window_parse(struct window *out, const char *from, const char *to, const char *tz,
                 const char *days, struct err *err);
/* The same checks on one that is filled in already. */
int window_check(const struct window *w, struct err *err);

#define WINDOW_TIME_MAX 6
#define WINDOW_DAYS_MAX 28
#define WINDOW_TEXT_MAX 112
/* Back to what window_parse() reads: "01:00" · "mon-wed,sat". */
void window_time_text(uint16_t minutes, char out[WINDOW_TIME_MAX]);
void window_days_text(uint8_t days, char out[WINDOW_DAYS_MAX]);
/* For people: "01:00-05:00 mon-fri, Europe/Berlin"; "any time" when there is none. */
void window_text(const struct window *w, char out[WINDOW_TEXT_MAX]);

/* `z`: the zone that w->tz names. */
bool window_is_open(const struct window *w, const struct zone *z, int64_t unix_s);
/* The first instant after `unix_s` at which it opens or closes: Unix s; INT64_MAX when there is
 * none within WINDOW_AHEAD_S. */
int64_t window_next_change(const struct window *w, const struct zone *z, int64_t unix_s);

#endif
