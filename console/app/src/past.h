#ifndef APP_PAST_H
#define APP_PAST_H

#include "base/log.h"
#include "screens/ui.h"

/*
 * Reads for the screen what the history remembers of the device on it, a piece at a time, so that
 * keys are never kept waiting: each past_work() reads some 100 rows, about a millisecond. What was
 * read is kept until something else is wanted, and read again once a minute.
 */
struct past;
/* `journal` and the log must outlive it. Free with past_free(). */
struct past *past_new(const char *journal, const struct log *log);
void past_free(struct past *p); /* NULL is fine */

/* What ui_wants_past() said; NULL: nothing. True when there is something new to draw. */
bool past_work(struct past *p, const struct ui_past_want *want, struct fleet *fleet,
               int64_t now_ms);
/* Once, and after each past_again(), it also reads the sparklines of the fleet for the half hour
 * before: at the start, and when they are to show another reading, which nobody kept so far. */
void past_again(struct past *p);
/* Does it want to be called again at once? */
bool past_is_busy(const struct past *p);
const struct ui_past *past_picture(const struct past *p);

#endif
