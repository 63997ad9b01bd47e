#ifndef APP_STRAY_H
#define APP_STRAY_H

#include "base/err.h"
#include "base/log.h"

/*
 * While curses is on, a line on stderr (of a library, of a program we started) would tear the
 * screen: it becomes a line of the log instead. One at a time, since stderr is the process's.
 */
struct stray;

/* stderr goes into a pipe from now on. NULL when that can't be had: it stays as it is. */
struct stray *stray_open(void);
int stray_fd(const struct stray *s); /* to poll for reading; -1 for NULL */
/* Whole lines that have come, to the log as warnings; over-long ones are cut. */
void stray_read(struct stray *s, const struct log *log);
/* stderr is what it was. NULL is fine. */
void stray_close(struct stray *s);

#endif
