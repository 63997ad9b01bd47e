/* One engine at a time: a flock beside the journal, which the kernel lets go however a process
 * ends. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "sql.h"

static int open_lock(const struct store *s, struct err *err)
{
    char path[sizeof(s->path) + 8];

    text_format(path, sizeof(path), "%s.lock", s->path);
    int flags = s->read_only ? O_RDONLY : O_RDWR | O_CREAT;
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        err_set(err, EXIT_REACH, "engine lock %s: %s", path, strerror(errno));
    return fd;
}

static void read_holder(int fd, char *holder, size_t cap)
{
    char raw[200];
    ssize_t len = pread(fd, raw, sizeof(raw) - 1, 0);

    if (!holder)
        return;
    raw[len > 0 ? len : 0] = '\0';
    raw[strcspn(raw, "\n")] = '\0';
    text_clean(holder, cap, raw[0] ? raw : "another process",
               strlen(raw[0] ? raw : "another process"));
}

static void write_holder(int fd, const char *name)
{
    char host[65] = "?";
    char when[32] = "?";
    char text[200];
    time_t now = time(NULL);
    struct tm tm;

    gethostname(host, sizeof(host) - 1);
    if (gmtime_r(&now, &tm))
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%SZ", &tm);
    int len = snprintf(text, sizeof(text), "%s, pid %ld on host %s, since %s\n", name,
                       (long)getpid(), host, when);
    /* The words only help people; the lock is held without them. */
    if (ftruncate(fd, 0) != 0 || len <= 0 || pwrite(fd, text, strlen(text), 0) < 0)
        return;
}

int store_engine_lock(struct store *s, const char *name, char *holder, size_t cap, struct err *err)
{
    const struct timespec moment = { .tv_nsec = 20000000 };

    if (s->lock_fd >= 0)
        return 0;
    int fd = open_lock(s, err);
    if (fd < 0)
        return -1;
    /* Somebody who only asks who has it holds it for a moment. */
    for (int tries = 0; tries < 5; tries++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            write_holder(fd, name);
            s->lock_fd = fd;
            return 0;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            err_set(err, EXIT_REACH, "engine lock %s.lock: %s", s->path, strerror(errno));
            close(fd);
            return -1;
        }
        nanosleep(&moment, NULL);
    }
    read_holder(fd, holder, cap);
    close(fd);
    return 1;
}

void store_engine_unlock(struct store *s)
{
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    s->lock_fd = -1;
}

int store_engine_holder(struct store *s, char *holder, size_t cap, struct err *err)
{
    if (s->lock_fd >= 0) {
        read_holder(s->lock_fd, holder, cap);
        return 1;
    }
    int fd = open_lock(s, err);
    if (fd < 0)
        return s->read_only ? 0 : -1; /* nobody has ever led, or it is not ours to see */
    int held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (held)
        read_holder(fd, holder, cap);
    close(fd);
    return held;
}
