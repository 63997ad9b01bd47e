#ifndef TERM_OUT_H
#define TERM_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What goes to the terminal. curses writes into a file in memory, what it wrote is queued, and the
 * queue is sent as the terminal takes it: a slow terminal, or one that has stopped reading, holds
 * up nothing else, no byte is lost in the middle of an escape sequence (curses ignores a short
 * write), and leaving does not wait for anybody.
 *
 * Bound: the caller draws a picture only when nothing waits, so the queue holds one picture and the
 * few strings behind it.
 */
struct out {
    int fd;       /* the terminal, for writing */
    FILE *curses; /* for newterm() */
    char *queue;
    size_t len, sent, cap;
    bool gone; /* the terminal is closed: nothing more is written */
};

#define OUT_KEEP 65536 /* bytes of an empty queue that are kept for the next picture */

/* stdout must be a terminal. 0, or -1 with errno. */
int out_open(struct out *o);
void out_close(struct out *o); /* sends nothing */

void out_text(struct out *o, const char *text); /* behind what curses has written so far */
void out_take(struct out *o);                   /* queue what curses has written so far */
/* Send what the terminal takes now. True when nothing waits any more. */
bool out_send(struct out *o);
bool out_waits(const struct out *o);
void out_drop(struct out *o); /* forget what was not sent */
/* Wait until it is sent, but not longer than that. False when something is left. */
bool out_flush(struct out *o, int most_ms);

int64_t term_clock_ms(void); /* monotonic */

#endif
