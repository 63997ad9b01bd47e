#include "failing_vfs.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

/* SQLite's VFS registry is global, so this is too. */
static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    sqlite3_io_methods methods;
    enum failing_how how;
    long at, count;
} failing;

struct failing_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct failing_file *)(void *)file)->real;
}

/* What becomes of this change: SQLITE_OK to do it, else the error; *half: do half of it first. */
static int fate(int *half)
{
    *half = 0;
    failing.count++;
    if (failing.how == FAIL_NEVER || failing.count < failing.at)
        return SQLITE_OK;
    if (failing.how == FAIL_FULL)
        return failing.count == failing.at ? SQLITE_FULL : SQLITE_OK;
    *half = failing.count == failing.at;
    return SQLITE_IOERR;
}

static void die(void)
{
    if (failing.how == FAIL_KILL)
        kill(getpid(), SIGKILL);
}

static int x_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int x_read(sqlite3_file *f, void *data, int len, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), data, len, at);
}

static int x_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 at)
{
    int half;
    int rc = fate(&half);

    if (rc == SQLITE_OK || half) {
        int done = real_of(f)->pMethods->xWrite(real_of(f), data, half ? len / 2 : len, at);
        if (half)
            die();
        return half ? SQLITE_IOERR_WRITE : done;
    }
    return rc;
}

static int x_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int half;
    int rc = fate(&half);

    if (half)
        die();
    return rc == SQLITE_OK ? real_of(f)->pMethods->xTruncate(real_of(f), size) : rc;
}

static int x_sync(sqlite3_file *f, int flags)
{
    (void)f;
    (void)flags;
    return failing.how == FAIL_DEAD && failing.count >= failing.at ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int x_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int x_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int x_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int x_check_lock(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int x_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int x_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int x_traits(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int x_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int x_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void x_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int x_shm_unmap(sqlite3_file *f, int drop)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), drop);
}

static int x_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct failing_file *f = (struct failing_file *)(void *)file;

    (void)vfs;
    f->real = (sqlite3_file *)(void *)(f + 1);
    f->base.pMethods = NULL;
    int rc = failing.real->xOpen(failing.real, name, f->real, flags, out);
    if (rc == SQLITE_OK)
        f->base.pMethods = &failing.methods;
    return rc;
}

static int x_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    int half;
    int rc = fate(&half);

    (void)vfs;
    (void)sync_dir;
    if (half)
        die();
    return rc == SQLITE_OK ? failing.real->xDelete(failing.real, name, 0) : rc;
}

void failing_vfs_install(void)
{
    failing.real = sqlite3_vfs_find(NULL);
    failing.vfs = *failing.real;
    failing.vfs.zName = "failing";
    failing.vfs.pNext = NULL;
    failing.vfs.szOsFile = (int)sizeof(struct failing_file) + failing.real->szOsFile;
    failing.vfs.xOpen = x_open;
    failing.vfs.xDelete = x_delete;
    failing.methods = (sqlite3_io_methods){ .iVersion = 2,
                                            .xClose = x_close,
                                            .xRead = x_read,
                                            .xWrite = x_write,
                                            .xTruncate = x_truncate,
                                            .xSync = x_sync,
                                            .xFileSize = x_size,
                                            .xLock = x_lock,
                                            .xUnlock = x_unlock,
                                            .xCheckReservedLock = x_check_lock,
                                            .xFileControl = x_control,
                                            .xSectorSize = x_sector,
                                            .xDeviceCharacteristics = x_traits,
                                            .xShmMap = x_shm_map,
                                            .xShmLock = x_shm_lock,
                                            .xShmBarrier = x_shm_barrier,
                                            .xShmUnmap = x_shm_unmap };
    sqlite3_vfs_register(&failing.vfs, 1);
}

void failing_vfs_arm(enum failing_how how, long at)
{
    failing.how = how;
    failing.at = at;
    failing.count = 0;
}

long failing_vfs_count(void)
{
    return failing.count;
}
