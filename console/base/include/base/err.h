#ifndef BASE_ERR_H
#define BASE_ERR_H

/*
 * How a console function fails: it returns -1 (or NULL) and leaves one line that says what failed
 * and what to do. Each level may put its own words in front ("cannot publish: "), so that the last
 * line tells the story. The device side has no strings: it returns enum reason.
 */

/* Exit codes of every command (docs/cli.md). */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_NO = 1,      /* the answer is no: a gate failed, a check found something */
    EXIT_USAGE = 2,   /* wrong usage, bad configuration, bad input file */
    EXIT_REACH = 3,   /* could not reach or authenticate */
    EXIT_REFUSED = 4, /* refused by rule */
};

struct err {
    enum exit_code code;
    char text[512];
};

/* Set the code and the text; returns -1, so that a failing path is one line. `e` may be NULL. */
int err_set(struct err *e, enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "prefix: " in front of what is there; returns -1. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
