#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tty.h"

static void become_child(const char *slave, int fd, const char *type, void (*child)(int fd))
{
    alarm(60); /* whatever becomes of the test */
    setsid();
    int tty = open(slave, O_RDWR); /* the first one a session opens is its terminal */
    dup2(tty, STDIN_FILENO);
    dup2(tty, STDOUT_FILENO);
    dup2(tty, STDERR_FILENO);
    setenv("TERM", type, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("COLORTERM");
    unsetenv("STY");
    child(fd);
    _exit(0);
}

void tty_set_size(const struct tty *t, unsigned short rows, unsigned short cols)
{
    struct winsize size = { .ws_row = rows, .ws_col = cols };
    assert_int_equal(ioctl(t->master, TIOCSWINSZ, &size), 0);
}

struct tty *tty_start(const char *type, void (*child)(int report))
{
    struct tty *t = calloc(1, sizeof(*t));
    int report[2];
    assert_non_null(t);
    t->master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(t->master >= 0 && grantpt(t->master) == 0 && unlockpt(t->master) == 0);
    tty_set_size(t, 24, 80);
    assert_int_equal(tcgetattr(t->master, &t->before), 0);
    assert_int_equal(pipe(report), 0);
    char slave[64];
    snprintf(slave, sizeof(slave), "%s", ptsname(t->master));
    t->pid = fork();
    if (t->pid == 0) {
        close(t->master); /* or the terminal would never go away */
        become_child(slave, report[1], type, child);
    }
    close(report[1]);
    t->report = report[0];
    return t;
}

int tty_wait(struct tty *t)
{
    int status = 0;
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    t->pid = 0;
    return status;
}

void tty_hang_up(struct tty *t)
{
    close(t->master);
    t->master = -1;
}

void tty_stop(struct tty *t)
{
    if (t->pid) {
        kill(t->pid, SIGKILL);
        waitpid(t->pid, NULL, 0);
    }
    if (t->master >= 0)
        close(t->master);
    close(t->report);
    free(t);
}

static void take(int fd, char *into, size_t *len, size_t cap)
{
    ssize_t n = read(fd, into + *len, cap - 1 - *len);
    if (n > 0)
        *len += (size_t)n;
    into[*len] = '\0';
}

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static const char *next(struct tty *t, bool reads)
{
    static char line[512];
    for (int64_t until = now_ms() + TTY_PATIENCE_MS; now_ms() < until;) {
        char *end = strchr(t->lines, '\n');
        if (end) {
            snprintf(line, sizeof(line), "%.*s", (int)(end - t->lines), t->lines);
            t->lines_len -= (size_t)(end + 1 - t->lines);
            memmove(t->lines, end + 1, t->lines_len + 1);
            return line;
        }
        struct pollfd p[2] = { { .fd = t->report, .events = POLLIN },
                               { .fd = t->master, .events = POLLIN } };
        poll(p, reads ? 2 : 1, 50);
        if (p[0].revents & POLLIN)
            take(t->report, t->lines, &t->lines_len, sizeof(t->lines));
        if (p[1].revents & POLLIN)
            take(t->master, t->out, &t->out_len, sizeof(t->out));
    }
    return "";
}

const char *tty_next(struct tty *t)
{
    return next(t, true);
}

const char *tty_next_unread(struct tty *t)
{
    return next(t, false);
}

const char *tty_event(struct tty *t)
{
    const char *line = tty_next(t);
    while (strcmp(line, "shown") == 0)
        line = tty_next(t);
    return line;
}

void tty_drain(struct tty *t, int ms)
{
    struct pollfd p = { .fd = t->master, .events = POLLIN };
    while (poll(&p, 1, ms) > 0 && p.revents & POLLIN)
        take(t->master, t->out, &t->out_len, sizeof(t->out));
}

void tty_type(const struct tty *t, const char *bytes)
{
    assert_int_equal(write(t->master, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
}

void tty_assert_modes(const struct tty *t)
{
    struct termios now;
    assert_int_equal(tcgetattr(t->master, &now), 0);
    assert_int_equal(now.c_lflag, t->before.c_lflag);
    assert_int_equal(now.c_iflag, t->before.c_iflag);
    assert_int_equal(now.c_oflag, t->before.c_oflag);
}

void tty_assert_restored(struct tty *t)
{
    tty_drain(t, 100);
    tty_assert_modes(t);
    const char *leave = strstr(t->out, "\033[?1049l");
    assert_non_null(leave);
    assert_null(strstr(leave, "\033[?1049h"));
    assert_non_null(strstr(t->out, "\033[?2004l"));
}
