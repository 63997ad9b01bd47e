#ifndef TERM_TTY_H
#define TERM_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

/*
 * A pseudo terminal for a test: a child has it as its controlling terminal and reports in lines
 * through a pipe; the test is the terminal.
 */
#define TTY_PATIENCE_MS 10000

struct tty {
    int master, report;
    pid_t pid;
    struct termios before;
    char out[262144]; /* what the child wrote to the terminal */
    size_t out_len;
    char lines[8192]; /* reports not yet taken */
    size_t lines_len;
};

/* 24 by 80, TERM as given, LC_ALL=C.UTF-8. `child` runs in the new process, which ends behind it.
 */
struct tty *tty_start(const char *type, void (*child)(int report));
void tty_stop(struct tty *t);    /* kills */
int tty_wait(struct tty *t);     /* until the child has ended; its status as of waitpid() */
void tty_hang_up(struct tty *t); /* the terminal is closed */
void tty_set_size(const struct tty *t, unsigned short rows, unsigned short cols);
void tty_type(const struct tty *t, const char *bytes);
/* The next report without its newline, "" when none came; reads what the child draws meanwhile. */
const char *tty_next(struct tty *t);
const char *tty_event(struct tty *t); /* the next one that is not "shown" */
/* The next report, with nothing read from the terminal: what a reader that has stopped does. */
const char *tty_next_unread(struct tty *t);
void tty_drain(struct tty *t, int ms); /* read what is drawn, until nothing came for that long */
/* The modes as they were found, the alternate screen left, pastes without brackets. */
void tty_assert_restored(struct tty *t);
void tty_assert_modes(const struct tty *t); /* the modes alone: reads nothing */

#endif
