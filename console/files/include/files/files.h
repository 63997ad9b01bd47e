#ifndef FILES_FILES_H
#define FILES_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Whole files, kept so that a power cut or a `kill -9` leaves the old one or the new one and never
 * a part: written aside in the same folder, synced, moved into place, folder synced.
 *
 * Paths are at most FILES_PATH_MAX - 1 bytes. All functions return 0, or -1 with `e` filled in.
 */
#define FILES_PATH_MAX 1024

/*
 * The calls that change a disk, so that a test can break the nth of them. Each behaves as its POSIX
 * namesake: -1 with errno. A NULL table means the real ones.
 */
struct files_ops {
    void *ctx;
    int (*open)(void *ctx, const char *path, int flags, mode_t mode);
    ssize_t (*write)(void *ctx, int fd, const void *data, size_t len);
    int (*fsync)(void *ctx, int fd);
    int (*close)(void *ctx, int fd);
    int (*rename)(void *ctx, const char *from, const char *to);
    int (*link)(void *ctx, const char *from, const char *to);
    int (*unlink)(void *ctx, const char *path);
    int (*mkdir)(void *ctx, const char *path, mode_t mode);
};

enum files_how {
    FILES_REPLACE, /* an old file of that name goes */
    FILES_NEW,     /* an old file of that name stays, and that is an error (EXIT_REFUSED) */
};

#define FILES_PRIVATE 0600
#define FILES_PUBLIC  0644

int files_write(const struct files_ops *ops, const char *path, const void *data, size_t len,
                mode_t mode, enum files_how how, struct err *e);

/*
 * The whole file, terminated by a NUL that `*len` does not count. One longer than `max` bytes is an
 * error. Free *data with free(). `len` may be NULL.
 */
int files_read(const char *path, size_t max, char **data, size_t *len, struct err *e);

/* Make a folder and those above it; one that is there already is fine and keeps its mode. */
int files_mkdirs(const struct files_ops *ops, const char *path, mode_t mode, struct err *e);

bool files_exists(const char *path);

/*
 * The names in a folder, sorted, without those that begin with a dot. Free with files_list_free().
 * More than FILES_LIST_MAX is an error.
 */
#define FILES_LIST_MAX 1000000
int files_list(const char *dir, char ***names, size_t *count, struct err *e);
void files_list_free(char **names, size_t count);

/* "dir/name", or `name` alone when it is absolute. */
int files_join(char out[FILES_PATH_MAX], const char *dir, const char *name, struct err *e);

/* The folder part of a path: "." when there is none. */
int files_dir(char out[FILES_PATH_MAX], const char *path, struct err *e);

/*
 * Take the lock `path` (made if missing) for this process; waits up to `wait_ms` for another that
 * has it. Returns a descriptor to hand to files_unlock(), or -1. The kernel drops it when the
 * process dies, so there are no stale locks.
 */
int files_lock(const char *path, int wait_ms, struct err *e);
void files_unlock(int lock);

#endif
