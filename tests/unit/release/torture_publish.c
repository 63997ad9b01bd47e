#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

/*
 * Publishing, broken at its nth call that changes the disk, for every n: once only (a full disk
 * that is then emptied) and from there on (a kill: nothing after it happens, clearing up neither).
 * The store must hold what it held, or all of the new release, and take the release afterwards.
 *
 * A write that breaks has written half before, and the promise of files.h is asserted on the way: a
 * file is moved into place only after it was synced.
 */
struct breaker {
    int calls, break_at;
    bool for_ever;
    bool synced; /* since the last write */
};

static bool breaks(struct breaker *b)
{
    b->calls++;
    if (b->calls == b->break_at || (b->for_ever && b->calls > b->break_at)) {
        errno = ENOSPC;
        return true;
    }
    return false;
}

static int t_open(void *ctx, const char *path, int flags, mode_t mode)
{
    return breaks(ctx) ? -1 : open(path, flags, mode);
}

static ssize_t t_write(void *ctx, int fd, const void *data, size_t len)
{
    struct breaker *b = ctx;
    b->synced = false;
    if (!breaks(b))
        return write(fd, data, len);
    if (write(fd, data, len / 2) < 0)
        abort();
    errno = ENOSPC;
    return -1;
}

static int t_fsync(void *ctx, int fd)
{
    struct breaker *b = ctx;
    if (breaks(b))
        return -1;
    b->synced = true;
    return fsync(fd);
}

static int t_close(void *ctx, int fd)
{
    bool broken = breaks(ctx);
    int rc = close(fd);
    if (broken)
        errno = ENOSPC;
    return broken ? -1 : rc;
}

static int t_rename(void *ctx, const char *from, const char *to)
{
    struct breaker *b = ctx;
    if (breaks(b))
        return -1;
    assert_true(b->synced);
    return rename(from, to);
}

static int t_link(void *ctx, const char *from, const char *to)
{
    return breaks(ctx) ? -1 : link(from, to);
}

static int t_unlink(void *ctx, const char *path)
{
    return breaks(ctx) ? -1 : unlink(path);
}

static int t_mkdir(void *ctx, const char *path, mode_t mode)
{
    return breaks(ctx) ? -1 : mkdir(path, mode);
}

static void assert_whole(const struct fixture *f, size_t at_least, size_t at_most)
{
    struct err e = { 0 };
    struct release_store *s = release_store_open(f->store, f->c, &e);
    if (!s)
        fail_msg("%s", e.text);
    assert_in_range(release_store_count(s), at_least, at_most);
    assert_int_equal(release_store_broken(s, NULL), 0);
    for (size_t i = 0; i < release_store_count(s); i++)
        if (release_store_verify(s, release_store_at(s, i), &f->keys, &e) != 0)
            fail_msg("%s", e.text);
    release_store_close(s);
}

static int torture_once(int break_at, bool for_ever, bool first_release)
{
    struct breaker b = { .break_at = break_at, .for_ever = for_ever };
    const struct files_ops ops = { &b,       t_open, t_write,  t_fsync, t_close,
                                   t_rename, t_link, t_unlink, t_mkdir };
    struct fixture f;
    struct made old, new;
    struct err e = { 0 };
    bool changed;
    assert_int_equal(fixture_open(&f), 0);
    fixture_make(&f, "1.3.0", 1, 'a', &old);
    fixture_make(&f, "1.4.0", 2, 'b', &new);
    size_t before = first_release ? 0 : 1;
    if (!first_release)
        assert_int_equal(fixture_publish(&f, &old, NULL, NULL, &e), 0);

    int rc = fixture_publish(&f, &new, &ops, &changed, &e);

    /* An unlink of what is not there may break and nobody minds: then it went through. */
    assert_whole(&f, rc == 0 ? before + 1 : before, before + 1);
    if (rc != 0)
        assert_true(e.text[0] != '\0');
    if (fixture_publish(&f, &new, NULL, &changed, &e) != 0)
        fail_msg("call %d: %s", break_at, e.text);
    assert_whole(&f, before + 1, before + 1);
    made_free(&old);
    made_free(&new);
    fixture_close(&f);
    return b.calls;
}

static void torture(bool for_ever, bool first_release)
{
    int n = 1;
    while (torture_once(n, for_ever, first_release) >= n)
        n++;
    assert_true(n > 20);
}

static void a_disk_that_fails_once_leaves_a_whole_store(void **state)
{
    (void)state;
    torture(false, false);
    torture(false, true);
}

static void a_kill_at_any_call_leaves_a_whole_store(void **state)
{
    (void)state;
    torture(true, false);
    torture(true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_fails_once_leaves_a_whole_store),
        cmocka_unit_test(a_kill_at_any_call_leaves_a_whole_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
