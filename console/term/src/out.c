/* For memfd_create(). */
#define _GNU_SOURCE
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

/*
 * A description of our own of the terminal behind stdout, so that "don't wait" is not left behind
 * in the shell's, which shares stdout. /dev/tty is tried first since it can be opened even where
 * the terminal belongs to somebody else (after su).
 */
static int open_terminal(void)
{
    int flags = O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
    int fd = tcgetpgrp(STDOUT_FILENO) >= 0 ? open("/dev/tty", flags) : -1;

    if (fd < 0)
        fd = open("/proc/self/fd/1", flags);
    return fd >= 0 ? fd : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3); /* this one may wait */
}

int out_open(struct out *o)
{
    int file = memfd_create("muster-picture", MFD_CLOEXEC);

    *o = (struct out){ .fd = open_terminal() };
    o->curses = file < 0 ? NULL : fdopen(file, "w");
    if (o->curses && o->fd >= 0)
        return 0;
    if (file >= 0 && !o->curses)
        close(file);
    out_close(o);
    return -1;
}

void out_close(struct out *o)
{
    if (o->curses)
        fclose(o->curses);
    if (o->fd >= 0)
        close(o->fd);
    free(o->queue);
    *o = (struct out){ .fd = -1 };
}

static char *room_for(struct out *o, size_t more)
{
    if (o->sent == o->len)
        o->sent = o->len = 0;
    if (o->len + more > o->cap) {
        o->cap = o->len + more;
        o->queue = mem_grow(o->queue, o->cap, 1);
    }
    return o->queue + o->len;
}

void out_text(struct out *o, const char *text)
{
    size_t len = strlen(text);

    out_take(o);
    memcpy(room_for(o, len), text, len);
    o->len += len;
}

void out_take(struct out *o)
{
    int file = fileno(o->curses);
    off_t written = lseek(file, 0, SEEK_CUR);

    if (written <= 0)
        return;
    ssize_t n = pread(file, room_for(o, (size_t)written), (size_t)written, 0);
    if (n > 0)
        o->len += (size_t)n;
    lseek(file, 0, SEEK_SET); /* written over by the next picture */
}

bool out_send(struct out *o)
{
    while (o->sent < o->len && !o->gone) {
        ssize_t n = write(o->fd, o->queue + o->sent, o->len - o->sent);
        if (n > 0)
            o->sent += (size_t)n;
        else if (n < 0 && errno == EAGAIN)
            return false;
        else if (n == 0 || errno != EINTR)
            o->gone = true;
    }
    if (o->cap > OUT_KEEP && o->sent == o->len) { /* once a large window, not for ever */
        free(o->queue);
        o->queue = NULL;
        o->cap = o->len = o->sent = 0;
    }
    return true;
}

bool out_waits(const struct out *o)
{
    return o->sent < o->len && !o->gone;
}

void out_drop(struct out *o)
{
    out_take(o);
    o->sent = o->len = 0;
}

int64_t term_clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool out_flush(struct out *o, int most_ms)
{
    int64_t until = term_clock_ms() + most_ms, left;

    while (!out_send(o) && (left = until - term_clock_ms()) > 0) {
        struct pollfd p = { .fd = o->fd, .events = POLLOUT };
        poll(&p, 1, (int)left);
    }
    return !out_waits(o);
}
