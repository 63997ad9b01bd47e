#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "term/term.h"
#include "tty.h"

/*
 * A terminal that reads slowly or not at all. The child changes every cell as often as it can; the
 * test is the terminal, and reads what it likes.
 */

/* ------------------------------------------------------------------------------------ child */

/* A picture of which every cell differs from the one before. */
static void paint(struct canvas *c, unsigned n)
{
    for (int row = 0; row < c->rows; row++) {
        for (int col = 0; col < c->cols; col++)
            area_put(area_all(c), row, col, (n + (unsigned)col) % 2 ? ROLE_OK : ROLE_CRIT,
                     'a' + (n + (unsigned)(row + col)) % 26);
    }
    area_printf(area_all(c), 0, 0, ROLE_TEXT, "é%u", n);
}

struct counts {
    unsigned turns, pictures;
};

static void answer(int fd, int key, const struct counts *n)
{
    if (key == 'n')
        dprintf(fd, "%u turns %u pictures\n", n->turns, n->pictures);
    else if (key == 'm')
        dprintf(fd, "%zu bytes\n", mallinfo2().uordblks + mallinfo2().hblkhd);
    else
        dprintf(fd, "key %d\n", key);
}

static void restless(int fd)
{
    const struct term_options o = { .utf8 = true };
    struct counts n = { 0, 0 };
    struct theme theme;
    struct canvas *c = canvas_new(24, 80, false);
    struct term *t = term_open(&o, NULL);
    int key = 0, got = 0;

    theme_ansi(&theme);
    dprintf(fd, "open\n");
    while (t && key != 'q' && got >= 0) {
        struct ui_event ev;
        struct pollfd p[TERM_FDS];
        paint(c, n.turns++);
        n.pictures += term_show(t, c, &theme);
        if (n.turns % 16 == 0) {
            term_bell(t);
            term_copy(t, "an id");
        }
        term_polls(t, p);
        poll(p, TERM_FDS, 1);
        while (key != 'q' && (got = term_read(t, &ev)) > 0) {
            if (ev.kind == UI_KEY)
                answer(fd, key = ev.key, &n);
        }
    }
    term_close(t);
    canvas_free(c);
    dprintf(fd, got < 0 ? "gone\n" : "closed\n");
}

/* ----------------------------------------------------------------------------------- parent */

static struct tty *start(void)
{
    struct tty *t = tty_start("xterm-256color", restless);
    assert_string_equal(tty_next_unread(t), "open");
    return t;
}

static struct counts ask(struct tty *t)
{
    struct counts n = { 0, 0 };
    tty_type(t, "n");
    assert_int_equal(sscanf(tty_next_unread(t), "%u turns %u pictures", &n.turns, &n.pictures), 2);
    return n;
}

/* Until it has turned so often again, with nothing read. */
static struct counts turn(struct tty *t, unsigned turns)
{
    struct counts first = ask(t), n = first;
    for (int i = 0; i < 10000 && n.turns - first.turns < turns; i++) {
        n = ask(t);
        poll(NULL, 0, 1);
    }
    assert_true(n.turns - first.turns >= turns);
    return n;
}

static size_t heap(struct tty *t)
{
    size_t bytes = 0;
    tty_type(t, "m");
    assert_int_equal(sscanf(tty_next_unread(t), "%zu bytes", &bytes), 1);
    return bytes;
}

static size_t read_some(struct tty *t, char *into, size_t most)
{
    struct pollfd p = { .fd = t->master, .events = POLLIN };
    if (poll(&p, 1, TTY_PATIENCE_MS) <= 0)
        return 0;
    ssize_t n = read(t->master, into, most);
    return n > 0 ? (size_t)n : 0;
}

/* Where a terminal's reader stands in the stream. */
struct reader {
    enum { GROUND, ESCAPE, CHARSET, CONTROL, STRING, STRING_ESCAPE } in;
    int utf8; /* bytes of a character still to come */
    unsigned sequences;
};

/* False when a sequence or a character was cut off. */
static bool reads(struct reader *r, unsigned char c)
{
    if (r->utf8 > 0)
        return r->utf8--, (c & 0xc0) == 0x80;
    switch (r->in) {
    case GROUND:
        r->in = c == 27 ? ESCAPE : GROUND;
        r->utf8 = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
        return c < 0x80 || c >= 0xc0;
    case ESCAPE:
        r->sequences++;
        r->in = c == '[' ? CONTROL : c == ']' ? STRING : c == '(' || c == ')' ? CHARSET : GROUND;
        return r->in != GROUND || strchr("=>M78\\", c) != NULL;
    case CHARSET:
        r->in = GROUND;
        return c == 'B' || c == '0';
    case CONTROL:
        r->in = c >= 0x40 ? GROUND : CONTROL;
        return c >= 0x20 && c <= 0x7e;
    case STRING:
        r->in = c == 7 ? GROUND : c == 27 ? STRING_ESCAPE : STRING;
        return c == 7 || c == 27 || (c >= 0x20 && c <= 0x7e);
    case STRING_ESCAPE:
        r->in = GROUND;
        return c == '\\';
    }
    return false;
}

static void keys_are_answered_while_nobody_reads(void **state)
{
    struct tty *t = start();
    (void)state;

    turn(t, 50);
    for (int i = 0; i < 20; i++) {
        tty_type(t, "k");
        assert_string_equal(tty_next_unread(t), "key 107");
    }
    tty_stop(t);
}

static void a_slow_terminal_gets_as_many_pictures_as_it_takes(void **state)
{
    enum { PIECE = 500, PIECES = 400, PICTURE = 24 * 80, KERNEL = 262144 };
    struct tty *t = start();
    size_t bytes = 0;
    char piece[PIECE];
    (void)state;

    for (int i = 0; i < PIECES; i++) { /* a piece for each key that is answered */
        bytes += read_some(t, piece, PIECE);
        ask(t);
    }
    struct counts n = turn(t, 300), then = turn(t, 300);

    assert_int_equal(bytes > PIECE * PIECES / 10, true);
    assert_in_range(n.pictures, 1, (bytes + KERNEL) / PICTURE + 1); /* a cell is a byte at least */
    assert_int_equal(then.pictures, n.pictures);                    /* none, when none is read */
    tty_stop(t);
}

static void memory_does_not_grow_while_nobody_reads(void **state)
{
    struct tty *t = start();
    (void)state;

    turn(t, 200);
    size_t before = heap(t);
    turn(t, 2000);

    assert_in_range(heap(t), before / 2, before + 4096);
    tty_stop(t);
}

static void no_sequence_is_ever_cut_off(void **state)
{
    struct tty *t = start();
    struct reader r = { GROUND, 0, 0 };
    char piece[997];
    (void)state;

    for (int i = 0; i < 600; i++) { /* in pieces, amid signals that interrupt what writes */
        kill(t->pid, SIGWINCH);
        size_t n = read_some(t, piece, 1 + (size_t)i * 37 % sizeof(piece));
        assert_true(n > 0);
        for (size_t k = 0; k < n; k++)
            assert_true(reads(&r, (unsigned char)piece[k]));
    }
    assert_true(r.sequences > 1000);
    tty_stop(t);
}

static void leaving_does_not_wait_for_who_has_stopped_reading(void **state)
{
    struct tty *t = start();
    (void)state;
    turn(t, 50);

    tty_type(t, "q");
    assert_string_equal(tty_next_unread(t), "key 113");
    assert_string_equal(tty_next_unread(t), "closed");
    assert_true(WIFEXITED(tty_wait(t)));

    tty_assert_restored(t);
    tty_stop(t);
}

static void a_signal_ends_it_though_nobody_reads(void **state)
{
    static const int fatal[] = { SIGTERM, SIGHUP, SIGSEGV };
    (void)state;

    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        struct tty *t = start();
        turn(t, 50);
        kill(t->pid, fatal[i]);
        assert_int_equal(WTERMSIG(tty_wait(t)), fatal[i]); /* and not the alarm's */
        tty_assert_restored(t);
        tty_stop(t);
    }
}

static void what_reads_again_gets_pictures_again(void **state)
{
    struct tty *t = start();
    struct counts stuck = turn(t, 300), n = stuck;
    char piece[4096];
    (void)state;

    for (int i = 0; i < 2000 && n.pictures < stuck.pictures + 20; i++) {
        assert_true(read_some(t, piece, sizeof(piece)) > 0);
        n = ask(t);
    }
    assert_true(n.pictures >= stuck.pictures + 20);
    tty_stop(t);
}

static void a_terminal_that_goes_away_ends_it(void **state)
{
    struct tty *t = start();
    (void)state;
    turn(t, 50);

    tty_hang_up(t); /* SIGHUP comes with it */

    assert_int_equal(WTERMSIG(tty_wait(t)), SIGHUP);
    tty_stop(t);
}

/* As with nohup: then it is the reading and writing that fails. */
static void deaf_to_hangup(int fd)
{
    signal(SIGHUP, SIG_IGN);
    restless(fd);
}

static void a_terminal_that_goes_away_is_noticed_without_a_signal(void **state)
{
    struct tty *t = tty_start("xterm-256color", deaf_to_hangup);
    (void)state;
    assert_string_equal(tty_next_unread(t), "open");

    tty_hang_up(t);

    assert_string_equal(tty_next_unread(t), "gone");
    assert_true(WIFEXITED(tty_wait(t)));
    tty_stop(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_answered_while_nobody_reads),
        cmocka_unit_test(a_slow_terminal_gets_as_many_pictures_as_it_takes),
        cmocka_unit_test(memory_does_not_grow_while_nobody_reads),
        cmocka_unit_test(no_sequence_is_ever_cut_off),
        cmocka_unit_test(leaving_does_not_wait_for_who_has_stopped_reading),
        cmocka_unit_test(a_signal_ends_it_though_nobody_reads),
        cmocka_unit_test(what_reads_again_gets_pictures_again),
        cmocka_unit_test(a_terminal_that_goes_away_ends_it),
        cmocka_unit_test(a_terminal_that_goes_away_is_noticed_without_a_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
