#ifndef TERM_INTERNAL_H
#define TERM_INTERNAL_H

/* The one place that includes curses; wide characters need the X/Open extensions. */
#include <curses.h>

#include "out.h"
#include "term/term.h"

#define PASTE_START (KEY_MAX + 1)
#define PASTE_END   (KEY_MAX + 2)

/* Where the keyboard's bytes stand: a sequence or a paste may come in pieces. */
enum input_in { INPUT_KEYS, INPUT_CONTROL, INPUT_STRING, INPUT_SKIP, INPUT_PASTE };
struct input {
    enum input_in in;
    int64_t since_ms;  /* the last byte of a paste, the first one of anything else */
    int64_t escape_ms; /* when Esc was last given as a key, 0 never */
    char control[8];   /* the control sequence so far, behind its '[' */
    size_t control_len;
    unsigned skip;  /* characters still to be ignored */
    bool escaped;   /* in a string: ESC came last */
    size_t matched; /* of the mark that ends a paste, where it came as single characters */
    size_t before;  /* the length of the paste before that */
    size_t used;
    struct ui_event paste;
};

struct term {
    SCREEN *screen;
    struct out out;
    struct input input;
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

/* ---- signals.c: what a signal handler needs is static there, since a handler has no argument. */
/* Saves the terminal's modes; what restores the terminal is written to `out`. 0, or -1. */
int signals_open(int out);
void signals_close(void);
void signals_modes_on(void); /* each key comes at once and as it is; nothing is echoed */
/*
 * The terminal as it was found, without waiting for it: what it has not taken yet is thrown away
 * when the way is blocked. Not where the shell has the terminal back (stopped, then killed).
 */
void signals_restore(void);
bool signals_is_ours(void);   /* we are in the foreground */
void signals_modes_off(void); /* the modes alone */
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
