#ifndef TERM_TERM_H
#define TERM_TERM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "screens/canvas.h"
#include "screens/theme.h"
#include "screens/ui.h"

/*
 * The terminal; no ncurses type or constant leaves this folder. One at a time per process. While it
 * is open, nothing else may write to the terminal (send stderr elsewhere).
 *
 * Signals: SEGV, ABRT, BUS, FPE, ILL, INT, TERM, HUP and QUIT restore the terminal with a fixed
 * string and then do what they would have done; install your own handlers after term_open() for
 * those you want to survive, and call term_close() then. WINCH, CONT and TSTP become events.
 */
struct term;

struct term_options {
    bool ascii; /* even if the locale is UTF-8 */
    bool utf8;  /* even if the locale does not say so */
    bool no_mouse;
    bool no_color; /* as NO_COLOR */
    bool no_sync;  /* no synchronised output (ESC[?2026h) */
};

struct term_facts {
    bool utf8;
    bool mouse;
    bool reduced;     /* TERM was not known, or not to be believed: another was taken */
    unsigned colours; /* 0 (mono), 8, 16, 256 */
    char type[32];    /* the terminfo entry in use */
};

/* Fails when stdin or stdout is no terminal or no description can be found. */
struct term *term_open(const struct term_options *options, struct err *err);
void term_close(
    struct term *t); /* restores, in half a second also where nobody reads; NULL is fine */

const struct term_facts *term_facts(const struct term *t);
void term_size(const struct term *t, int *rows, int *cols);

/* Wait for these: the keyboard, a pipe that signals wake, and the terminal while it has not taken
 * the last picture. Whichever it was, term_read() does what is to be done. */
#define TERM_FDS 3
void term_polls(const struct term *t, struct pollfd p[TERM_FDS]);
/*
 * The next event without waiting: 1, 0 when there is none now, -1 when the terminal is gone (hang
 * up). A storm of resizes gives one event; a paste is one, at its end, and no byte of it or of what
 * a terminal answers is a key, in however many pieces it comes.
 */
int term_read(struct term *t, struct ui_event *out);

/*
 * Copy what changed since the last time; one doupdate(). Never waits: what the terminal does not
 * take at once is sent by term_read(), and until then the terminal is not ready and a new picture
 * is not taken (false). So a slow terminal sees fewer pictures, each of them whole
 * (screens/pace.h).
 */
bool term_ready(struct term *t);
bool term_show(struct term *t, const struct canvas *c, const struct theme *theme);
void term_redraw(struct term *t);  /* next term_show() paints everything */
void term_suspend(struct term *t); /* ^Z: restores, stops the process, comes back as UI_RESUMED */
void term_bell(struct term *t);    /* rings or flashes, as the terminal does */
/* To the clipboard by OSC 52; at most 8 kB; left out while a megabyte waits to be sent. */
void term_copy(struct term *t, const char *text);

/*
 * The background, before term_open(): what the terminal answers to OSC 11 within `wait_ms`, else
 * what COLORFGBG says, else dark. Keys typed in that time are lost.
 */
bool term_is_light(int wait_ms);

enum term_background { TERM_BACKGROUND_UNKNOWN, TERM_BACKGROUND_DARK, TERM_BACKGROUND_LIGHT };
/* Asks the terminal on these two; its modes are as before afterwards. */
enum term_background term_ask_background(int in, int out, int wait_ms);
/* "ESC ] 11 ; rgb:ffff/ffff/ffff ESC \" and whatever stands around it. */
enum term_background term_background_parse(const char *reply);

#endif
