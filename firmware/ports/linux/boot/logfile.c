#include "logfile.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void start(struct logfile *log, int flags)
{
    struct stat st;
    log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0600);
    log->size = log->fd >= 0 && fstat(log->fd, &st) == 0 ? (size_t)st.st_size : 0;
}

void logfile_open(struct logfile *log, const char *dir, bool echo)
{
    snprintf(log->path, sizeof(log->path), "%s/log", dir);
    log->echo = echo;
    start(log, 0);
}

void logfile_close(struct logfile *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

static void rotate(struct logfile *log)
{
    char old[sizeof(log->path) + 4];
    snprintf(old, sizeof(old), "%s.1", log->path);
    logfile_close(log);
    if (rename(log->path, old))
        start(log, O_TRUNC); /* the bound comes first */
    else
        start(log, 0);
}

void logfile_bytes(struct logfile *log, const void *data, size_t len)
{
    if (log->size + len > LOGFILE_MAX)
        rotate(log);
    if (log->fd >= 0 && write(log->fd, data, len) > 0)
        log->size += len;
    if (log->echo && write(STDERR_FILENO, data, len) < 0)
        log->echo = false;
}

void logfile_say(struct logfile *log, const char *format, ...)
{
    char line[512];
    struct tm tm;
    time_t now = time(NULL);
    va_list args;
    gmtime_r(&now, &tm);
    size_t n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%SZ boot: ", &tm);
    va_start(args, format);
    int more = vsnprintf(line + n, sizeof(line) - n - 1, format, args);
    va_end(args);
    if (more < 0)
        return;
    n += (size_t)more < sizeof(line) - n - 1 ? (size_t)more : sizeof(line) - n - 2;
    line[n++] = '\n';
    logfile_bytes(log, line, n);
}
