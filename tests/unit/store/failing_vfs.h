#ifndef FAILING_VFS_H
#define FAILING_VFS_H

/*
 * The system's files, but the nth change to one (write, truncate, delete) goes wrong. One per
 * process, as SQLite's default VFS is. Syncs are not passed on: they cost time and change nothing
 * for a process that dies.
 */
enum failing_how {
    FAIL_NEVER, /* only count */
    FAIL_FULL,  /* this one change fails as on a full disk; the next works */
    FAIL_DEAD,  /* half of it is written; from then on nothing works, as for a dead process */
    FAIL_KILL   /* half of it is written, then kill -9 of this process */
};

void failing_vfs_install(void);
void failing_vfs_arm(enum failing_how how, long at); /* and count from 1 */
long failing_vfs_count(void);

#endif
