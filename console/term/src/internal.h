#ifndef TERM_INTERNAL_H
#define TERM_INTERNAL_H

/* The one place that includes curses; wide characters need the X/Open extensions. */
#include <curses.h>

#include "term/term.h"

#define PASTE_START (KEY_MAX + 1)
#define PASTE_END   (KEY_MAX + 2)

struct term {
    SCREEN *screen;
    struct term_facts facts;
    struct theme mono, ansi;

    /* What the terminal shows. */
    struct cell *shown;
    int rows, cols;
    struct theme theme;
    bool all; /* paint everything */
    bool sync;
    bool cursor_shown;
    /* Style of each role over each layer, as curses attributes; filled as they are met. */
    struct {
        bool known;
        attr_t attributes;
        short pair;
    } style[ROLE_COUNT][ROLE_COUNT];

    bool resumed; /* an event to give */
    bool resized;
};

/* Write a fixed string past curses' buffer. */
void term_raw(const char *text);

/* ---- signals.c: what a signal handler needs is static there, since a handler has no argument. */
int signals_open(void); /* the pipe's reading end, or -1; saves the terminal's modes */
void signals_close(void);
int signals_fd(void);
struct signals_seen {
    bool resized, stop, resumed;
};
void signals_take(struct signals_seen *out); /* and forget */
void signals_stop_self(void);                /* stop as ^Z does; returns when continued */

/* ---- input.c */
int input_read(struct term *t, struct ui_event *out); /* as term_read(), the keyboard only */
void input_setup(void);

#endif
