#include "stray.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define LINE_MAX_BYTES 256

struct stray {
    int kept; /* the real stderr */
    int fd;   /* where to read */
    char line[LINE_MAX_BYTES];
    size_t len;
};

/* Neither end may wait: nobody reads while we write. */
static int quick(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? 0 : -1;
}

struct stray *stray_open(void)
{
    int pipe_fd[2];
    int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

    if (kept < 0)
        return NULL;
    if (pipe(pipe_fd) != 0) {
        close(kept);
        return NULL;
    }
    if (quick(pipe_fd[0]) || quick(pipe_fd[1]) || dup2(pipe_fd[1], STDERR_FILENO) < 0) {
        close(kept);
        close(pipe_fd[0]);
        close(pipe_fd[1]);
        return NULL;
    }
    close(pipe_fd[1]);
    struct stray *s = mem_alloc(sizeof(*s));
    s->kept = kept;
    s->fd = pipe_fd[0];
    return s;
}

int stray_fd(const struct stray *s)
{
    return s ? s->fd : -1;
}

static void say(struct stray *s, const struct log *log)
{
    char clean[LINE_MAX_BYTES * 3];

    if (s->len == 0)
        return;
    text_clean(clean, sizeof(clean), s->line, s->len);
    log_say(log, LOG_WARN, "stderr: %s", clean);
    s->len = 0;
}

void stray_read(struct stray *s, const struct log *log)
{
    char piece[512];
    ssize_t n;

    while (s && (n = read(s->fd, piece, sizeof(piece))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (piece[i] == '\n' || s->len == sizeof(s->line))
                say(s, log);
            if (piece[i] != '\n')
                s->line[s->len++] = piece[i];
        }
    }
}

void stray_close(struct stray *s)
{
    if (!s)
        return;
    dup2(s->kept, STDERR_FILENO);
    close(s->kept);
    close(s->fd);
    free(s);
}
