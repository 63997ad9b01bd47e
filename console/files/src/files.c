#include "files/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

static int real_open(void *ctx, const char *path, int flags, mode_t mode)
{
    (void)ctx;
    return open(path, flags, mode);
}

static ssize_t real_write(void *ctx, int fd, const void *data, size_t len)
{
    (void)ctx;
    return write(fd, data, len);
}

static int real_fsync(void *ctx, int fd)
{
    (void)ctx;
    return fsync(fd);
}

static int real_close(void *ctx, int fd)
{
    (void)ctx;
    return close(fd);
}

static int real_rename(void *ctx, const char *from, const char *to)
{
    (void)ctx;
    return rename(from, to);
}

static int real_link(void *ctx, const char *from, const char *to)
{
    (void)ctx;
    return link(from, to);
}

static int real_unlink(void *ctx, const char *path)
{
    (void)ctx;
    return unlink(path);
}

static int real_mkdir(void *ctx, const char *path, mode_t mode)
{
    (void)ctx;
    return mkdir(path, mode);
}

static const struct files_ops real_ops = {
    .open = real_open,
    .write = real_write,
    .fsync = real_fsync,
    .close = real_close,
    .rename = real_rename,
    .link = real_link,
    .unlink = real_unlink,
    .mkdir = real_mkdir,
};

static int cannot(struct err *e, const char *doing, const char *path)
{
    int why = errno;
    const char *hint = why == ENOSPC || why == EDQUOT ? " (free some space and try again)" : "";
    return err_set(e, EXIT_USAGE, "cannot %s %s: %s%s", doing, path, strerror(why), hint);
}

int files_join(char out[FILES_PATH_MAX], const char *dir, const char *name, struct err *e)
{
    bool fits = name[0] == '/' ? text_copy(out, FILES_PATH_MAX, name)
                               : text_format(out, FILES_PATH_MAX, "%s/%s", dir, name);
    return fits ? 0 : err_set(e, EXIT_USAGE, "path is too long: %.80s…/%.80s", dir, name);
}

int files_dir(char out[FILES_PATH_MAX], const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 1;
    const char *from = slash ? path : ".";
    if (slash == path)
        len = 1;
    return text_copy_n(out, FILES_PATH_MAX, from, len)
               ? 0
               : err_set(e, EXIT_USAGE, "path is too long: %.160s…", path);
}

bool files_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int files_list(const char *dir, char ***names, size_t *count, struct err *e)
{
    char **list = NULL;
    size_t n = 0, cap = 0;
    DIR *d = opendir(dir);
    if (!d)
        return cannot(e, "read folder", dir);
    for (struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        if (n == FILES_LIST_MAX) {
            closedir(d);
            files_list_free(list, n);
            return err_set(e, EXIT_USAGE, "%s holds more than %d files", dir, FILES_LIST_MAX);
        }
        MEM_PUSH_ROOM(list, n, cap);
        list[n++] = mem_strdup(entry->d_name);
    }
    closedir(d);
    if (n)
        qsort(list, n, sizeof(*list), by_name);
    *names = list;
    *count = n;
    return 0;
}

void files_list_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* A rename is on disk only when its folder is. */
static int sync_dir(const struct files_ops *ops, const char *dir, struct err *e)
{
    int fd = ops->open(ops->ctx, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return cannot(e, "open", dir);
    int rc = ops->fsync(ops->ctx, fd);
    /* Some file systems (network, FUSE) can't sync a folder and say EINVAL: nothing more can be
     * done there. */
    if (rc != 0 && errno == EINVAL)
        rc = 0;
    if (rc != 0)
        cannot(e, "sync", dir);
    if (ops->close(ops->ctx, fd) != 0 && rc == 0)
        rc = cannot(e, "close", dir);
    return rc;
}

static int write_all(const struct files_ops *ops, int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = ops->write(ops->ctx, fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* `path` is what it will be, and what an error names. */
static int write_aside(const struct files_ops *ops, const char *aside, const char *path,
                       const void *data, size_t len, mode_t mode, struct err *e)
{
    /* O_EXCL: nobody can have laid a symbolic link there. The mode is exact from the first moment;
     * umask can only narrow it. */
    int fd = ops->open(ops->ctx, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return cannot(e, "write", path);
    if (write_all(ops, fd, data, len) != 0 || ops->fsync(ops->ctx, fd) != 0) {
        cannot(e, "write", path);
        ops->close(ops->ctx, fd);
        return -1;
    }
    if (ops->close(ops->ctx, fd) != 0)
        return cannot(e, "write", path);
    return 0;
}

static int move_in(const struct files_ops *ops, const char *aside, const char *path,
                   enum files_how how, struct err *e)
{
    if (how == FILES_REPLACE)
        return ops->rename(ops->ctx, aside, path) == 0 ? 0 : cannot(e, "replace", path);

    /* link() refuses an existing name in one step; rename() would replace it. */
    if (ops->link(ops->ctx, aside, path) != 0) {
        if (errno == EEXIST)
            return err_set(e, EXIT_REFUSED, "%s is already there and is not overwritten", path);
        return cannot(e, "make", path);
    }
    ops->unlink(ops->ctx, aside); /* a leftover is harmless, and the file is in place */
    return 0;
}

int files_write(const struct files_ops *ops, const char *path, const void *data, size_t len,
                mode_t mode, enum files_how how, struct err *e)
{
    if (!ops)
        ops = &real_ops;
    if (how == FILES_NEW && files_exists(path))
        return err_set(e, EXIT_REFUSED, "%s is already there and is not overwritten", path);

    char dir[FILES_PATH_MAX], aside[FILES_PATH_MAX];
    if (files_dir(dir, path, e) != 0)
        return -1;
    if (!text_format(aside, sizeof(aside), "%s.%ld.tmp", path, (long)getpid()))
        return err_set(e, EXIT_USAGE, "path is too long: %.160s…", path);

    /* Ours by its pid: what is there was left by a process that died and whose number came round.
     */
    ops->unlink(ops->ctx, aside);
    if (write_aside(ops, aside, path, data, len, mode, e) != 0 ||
        move_in(ops, aside, path, how, e) != 0) {
        ops->unlink(ops->ctx, aside);
        return -1;
    }
    return sync_dir(ops, dir, e);
}

static int read_open(int fd, const char *path, size_t max, char **data, size_t *len, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return cannot(e, "read", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, EXIT_USAGE, "cannot read %s: not a file", path);
    if (st.st_size < 0 || (unsigned long long)st.st_size > max)
        return err_set(e, EXIT_USAGE, "%s is longer than %zu bytes", path, max);

    size_t size = (size_t)st.st_size, got = 0;
    char *buf = mem_alloc(size + 1);
    while (got < size) {
        ssize_t n = read(fd, buf + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (n == 0)
                errno = EIO; /* cut short while we read */
            cannot(e, "read", path);
            free(buf);
            return -1;
        }
        got += (size_t)n;
    }
    buf[size] = '\0';
    *data = buf;
    if (len)
        *len = size;
    return 0;
}

int files_read(const char *path, size_t max, char **data, size_t *len, struct err *e)
{
    *data = NULL;
    /* O_NONBLOCK: a named pipe in the place of a file must not hang us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return cannot(e, "read", path);
    int rc = read_open(fd, path, max, data, len, e);
    close(fd);
    return rc;
}

int files_mkdirs(const struct files_ops *ops, const char *path, mode_t mode, struct err *e)
{
    if (!ops)
        ops = &real_ops;
    char part[FILES_PATH_MAX];
    if (!text_copy(part, sizeof(part), path))
        return err_set(e, EXIT_USAGE, "path is too long: %.160s…", path);
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char was = *p;
        *p = '\0';
        struct stat st;
        if (stat(part, &st) != 0) {
            if (ops->mkdir(ops->ctx, part, mode) != 0 && errno != EEXIST)
                return cannot(e, "make folder", part);
        } else if (!S_ISDIR(st.st_mode)) {
            errno = ENOTDIR;
            return cannot(e, "make folder", part);
        }
        *p = was;
        if (was == '\0')
            return 0;
    }
}

int files_lock(const char *path, int wait_ms, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILES_PRIVATE);
    if (fd < 0)
        return cannot(e, "open lock", path);
    const int step_ms = 20;
    for (int waited = 0;; waited += step_ms) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        if ((errno != EWOULDBLOCK && errno != EINTR) || waited >= wait_ms)
            break;
        nanosleep(&(struct timespec){ .tv_nsec = step_ms * 1000000L }, NULL);
    }
    if (errno == EWOULDBLOCK)
        err_set(e, EXIT_REFUSED, "another process holds %s: wait until it is done", path);
    else
        cannot(e, "lock", path);
    close(fd);
    return -1;
}

void files_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
