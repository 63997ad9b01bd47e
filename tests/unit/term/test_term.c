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
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "term/term.h"
#include "tty.h"

/*
 * The terminal's manners, on a real pseudo-terminal: a child opens it and reports each event as a
 * line through a pipe; the parent is the terminal.
 */
/* ------------------------------------------------------------------------------------ child */

static void report_event(int fd, const struct ui_event *ev)
{
    switch (ev->kind) {
    case UI_KEY:
        dprintf(fd, "key %d\n", ev->key);
        break;
    case UI_PASTE:
        dprintf(fd, "paste %s\n", ev->paste);
        break;
    case UI_MOUSE:
        dprintf(fd, "mouse %d %d %d\n", (int)ev->mouse, ev->row, ev->col);
        break;
    case UI_RESIZE:
        dprintf(fd, "resize %d %d\n", ev->row, ev->col);
        break;
    case UI_TICK:
    case UI_RESUMED:
        dprintf(fd, "resumed\n");
        break;
    }
}

static void paint(struct canvas *c, int key)
{
    canvas_clear(c);
    area_text(area_all(c), 0, 0, ROLE_CRIT, "\xe2\x9c\x97 red");
    for (int row = 1; row < c->rows; row++)
        area_printf(area_all(c), row, 0, ROLE_TEXT, "row %d of a quiet picture", row);
    if (key == '1')
        area_put(area_all(c), 3, 30, ROLE_OK, '1');
}

/* Until the stack is full. */
static int deepen(int n)
{
    volatile char room[4096];
    room[0] = (char)n;
    return n < 0 ? 0 : deepen(n + 1) + room[0];
}

/* Opens, reports events, paints after each; 'q' closes. */
static void child(int fd, bool no_color)
{
    const struct term_options o = { .utf8 = true, .no_color = no_color };
    struct err err;
    struct theme theme;
    struct term *t = term_open(&o, &err);
    if (!t) {
        dprintf(fd, "refused %s\n", err.text);
        return;
    }
    int rows, cols, key = 0;
    theme_ansi(&theme);
    term_size(t, &rows, &cols);
    struct canvas *c = canvas_new(rows, cols, false);
    dprintf(fd, "open %d %d %u %s\n", rows, cols, term_facts(t)->colours, term_facts(t)->type);
    while (key != 'q') {
        struct ui_event ev;
        struct pollfd p[TERM_FDS];
        paint(c, key);
        term_show(t, c, &theme);
        dprintf(fd, "shown\n");
        term_polls(t, p);
        poll(p, TERM_FDS, TTY_PATIENCE_MS);
        usleep(20000); /* let a storm gather */
        while (key != 'q' && term_read(t, &ev) > 0) {
            report_event(fd, &ev);
            if (ev.kind == UI_KEY && ev.key == K_CTRL('X'))
                dprintf(fd, "%d\n", deepen(0));
            if (ev.kind == UI_KEY && ev.key == K_CTRL('Y'))
                term_copy(t, "hall-a-001\033]");
            key = ev.kind == UI_KEY ? ev.key : key;
            if (ev.kind == UI_RESIZE)
                canvas_resize(c, ev.row, ev.col);
        }
    }
    canvas_free(c);
    term_close(t);
    dprintf(fd, "closed\n");
}

/* Opens with colours, or without. */
static void coloured(int fd)
{
    child(fd, false);
}

static void colourless(int fd)
{
    child(fd, true);
}

static struct tty *start(const char *type, bool no_color)
{
    return tty_start(type, no_color ? colourless : coloured);
}

/* ----------------------------------------------------------------------------------- parent */

static void closing_leaves_the_terminal_as_it_was(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;

    assert_string_equal(tty_event(t), "open 24 80 256 xterm-256color");
    tty_type(t, "q");
    assert_string_equal(tty_event(t), "key 113");
    assert_string_equal(tty_event(t), "closed");
    tty_assert_restored(t);
    tty_stop(t);
}

static void a_signal_that_kills_restores_the_terminal_first(void **state)
{
    static const int fatal[] = {
        SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGABRT, SIGBUS, SIGFPE
    };
    (void)state;
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        struct tty *t = start("xterm-256color", false);
        assert_memory_equal(tty_event(t), "open", 4);
        assert_string_equal(tty_next(t), "shown");

        kill(t->pid, fatal[i]);
        int status = tty_wait(t);

        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), fatal[i]);
        tty_assert_restored(t);
        tty_stop(t);
    }
}

static void a_full_stack_restores_the_terminal_too(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);
    assert_string_equal(tty_next(t), "shown");

    tty_type(t, "\x18");
    assert_string_equal(tty_event(t), "key 24");
    int status = tty_wait(t);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    tty_assert_restored(t);
    tty_stop(t);
}

static void keys_come_as_code_points_and_names(void **state)
{
    struct tty *t = start("xterm-256color", false);
    char want[32];
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);

    tty_type(t, "\xc3\xa9"); /* é */
    assert_string_equal(tty_event(t), "key 233");
    tty_type(t, "\033OA"); /* up */
    snprintf(want, sizeof(want), "key %d", K_UP);
    assert_string_equal(tty_event(t), want);
    tty_type(t, "\r");
    assert_string_equal(tty_event(t), "key 13");
    tty_type(t, "\x7f");
    assert_string_equal(tty_event(t), "key 127");
    tty_type(t, "\x03"); /* ^C is a key, not a signal */
    assert_string_equal(tty_event(t), "key 3");
    tty_type(t, "\033");
    assert_string_equal(tty_event(t), "key 27");
    tty_type(t, "\033q"); /* Esc and q sent together are two keys */
    assert_string_equal(tty_event(t), "key 27");
    assert_string_equal(tty_event(t), "key 113");
    tty_stop(t);
}

/* The descriptions of these call ^Z a key, "suspend". */
static void a_control_character_is_itself_whatever_the_description_says(void **state)
{
    static const char *const types[] = { "linux", "cygwin", "xterm" };
    (void)state;

    for (int i = 0; i < 3; i++) {
        struct tty *t = start(types[i], false);
        assert_memory_equal(tty_event(t), "open", 4);
        tty_type(t, "\x1a");
        assert_string_equal(tty_event(t), "key 26");
        tty_stop(t);
    }
}

static void where_the_picture_stays_its_last_line_is_left_to_the_shell(void **state)
{
    static const char *const types[] = { "vt100", "linux", "xterm" };
    (void)state;

    for (int i = 0; i < 3; i++) {
        struct tty *t = start(types[i], false);
        assert_memory_equal(tty_event(t), "open", 4);
        assert_string_equal(tty_next(t), "shown");
        tty_drain(t, 100);
        t->out_len = 0;
        tty_type(t, "q");
        assert_string_equal(tty_event(t), "key 113");
        assert_string_equal(tty_event(t), "closed");
        tty_drain(t, 100);
        assert_true(strstr(t->out, "\033[K") || strstr(t->out, "\033[J"));
        tty_stop(t);
    }
}

static void arrows_home_and_end_are_known_however_they_are_spelt(void **state)
{
    static const char *const homes[] = { "\033[1~", "\033[7~", "\033[H", "\033OH" };
    static const char *const arrows[] = { "\033[A", "\033[B", "\033OA", "\033OB" };
    static const char *const ends[] = { "\033[4~", "\033[8~", "\033[F", "\033OF" };
    struct tty *t = start("xterm-256color", false);
    char want[32];
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);

    for (int i = 0; i < 4; i++) {
        tty_type(t, homes[i]);
        snprintf(want, sizeof(want), "key %d", K_HOME);
        assert_string_equal(tty_event(t), want);
        tty_type(t, arrows[i]);
        snprintf(want, sizeof(want), "key %d", i % 2 ? K_DOWN : K_UP);
        assert_string_equal(tty_event(t), want);
        tty_type(t, ends[i]);
        snprintf(want, sizeof(want), "key %d", K_END);
        assert_string_equal(tty_event(t), want);
    }
    tty_stop(t);
}

static void a_sequence_nobody_knows_is_not_taken_for_keys(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);

    tty_type(t, "\033[99;99~");
    tty_type(t, "\033[?1;2c");
    usleep(100000);
    tty_type(t, "x");

    assert_string_equal(tty_event(t), "key 120");
    tty_stop(t);
}

static void a_paste_is_one_event_and_runs_no_keys(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);

    tty_type(t, "\033[200~qX \r\n\x1b ok\033[201~");
    assert_string_equal(tty_event(t), "paste qX  ok");
    tty_type(t, "y");
    assert_string_equal(tty_event(t), "key 121");
    tty_stop(t);
}

/* Typed in pieces with a pause between, as a slow line delivers it. */
static void type_slowly(const struct tty *t, const char *bytes, size_t piece)
{
    char part[64];
    for (size_t at = 0; at < strlen(bytes); at += piece) {
        snprintf(part, sizeof(part), "%.*s", (int)piece, bytes + at);
        tty_type(t, part);
        usleep(60000); /* longer than curses waits behind an ESC */
    }
}

static void an_answer_that_comes_late_is_no_key(void **state)
{
    static const char *const answers[] = {
        "\033]11;rgb:ffff/ffff/ffff\033\\", /* the background, ended by ST */
        "\033]11;rgb:0000/0000/0000\007",   /* and by BEL */
        "\033[?62;22c",                     /* device attributes */
        "\033[12;40R",                      /* where the cursor is */
        "\033P>|XTerm(388)\033\\",          /* the terminal's name */
        "\033_Gi=1;OK\033\\",               /* whether it has pictures */
        "\033[I\033[O",                     /* focus */
        "\033[1;5A\033[[A",                 /* an arrow with a modifier, an odd F1 */
    };
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        tty_type(t, answers[i]);
        tty_type(t, "x");
        assert_string_equal(tty_event(t), "key 120");
    }
    tty_stop(t);
}

static void an_answer_in_pieces_is_no_key_either(void **state)
{
    static const char *const answers[] = { "\033]11;rgb:ffff/ffff/ffff\033\\", "\033[?62;22c" };
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        type_slowly(t, answers[i], 5);
        tty_type(t, "x");
        assert_string_equal(tty_event(t), "key 120");
    }
    tty_stop(t);
}

static void a_paste_in_pieces_is_one_event_too(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);

    type_slowly(t, "\033[200~:quit\ry\n\033[201~", 7); /* cut within the mark at its end, too */
    assert_string_equal(tty_event(t), "paste :quity");
    type_slowly(t, "\033[200~:quit\ry\n\033[201~", 2);
    assert_string_equal(tty_event(t), "paste :quity");
    tty_type(t, "y");
    assert_string_equal(tty_event(t), "key 121");
    tty_stop(t);
}

static void a_paste_longer_than_an_event_is_cut_and_nothing_of_it_acts(void **state)
{
    struct tty *t = start("xterm-256color", false);
    char want[512] = "paste ";
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);

    tty_type(t, "\033[200~");
    for (int i = 0; i < 100; i++)
        tty_type(t, "rm -rf /\rqqqqqq\n");
    tty_type(t, "\033[201~y");

    const char *got = tty_event(t);
    assert_memory_equal(got, "paste rm -rf /qqqqqqrm -rf /", 28);
    assert_true(strlen(got) < sizeof(((struct ui_event *)NULL)->paste) + strlen(want));
    assert_string_equal(tty_event(t), "key 121");
    tty_stop(t);
}

static void the_mouse_comes_as_clicks_and_wheel(void **state)
{
    static const struct {
        const char *type, *on, *bytes, *says;
    } rows[] = {
        /* SGR: button; column; row, from 1 */
        { "xterm-256color", "\033[?1006;1000h", "\033[<0;10;5M", "mouse 0 4 9" },
        { "xterm-256color", "\033[?1006;1000h", "\033[<0;230;5M", "mouse 0 4 229" },
        { "xterm-256color", "\033[?1006;1000h", "\033[<64;1;1M", "mouse 2 0 0" },
        { "xterm-256color", "\033[?1006;1000h", "\033[<65;1;1M", "mouse 3 0 0" },
        /* of before SGR: three bytes, 32 more than the button, the column and the row */
        { "screen-256color", "\033[?1000h", "\033[M *%", "mouse 0 4 9" },
        { "tmux-256color", "\033[?1000h", "\033[M *%", "mouse 0 4 9" },
        { "screen-256color", "\033[?1000h", "\033[M`!!", "mouse 2 0 0" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tty *t = start(rows[i].type, false);
        tty_set_size(t, 50, 240);
        assert_memory_equal(tty_event(t), "open", 4);
        assert_string_equal(tty_next(t), "shown");
        tty_type(t, rows[i].bytes);
        const char *got = tty_event(t);
        while (memcmp(got, "resize", 6) == 0)
            got = tty_event(t);
        assert_string_equal(got, rows[i].says);
        tty_type(t, "x"); /* and nothing of it is left over */
        assert_string_equal(tty_event(t), "key 120");
        assert_non_null(strstr(t->out, rows[i].on));
        tty_stop(t);
    }
}

static void in_gnu_screen(int fd)
{
    setenv("STY", "1234.pts-0.host", 1);
    unsetenv("TMUX");
    child(fd, false);
}

static void where_the_mouse_would_cost_the_escape_key_it_is_left_alone(void **state)
{
    (void)state;

    for (int screen = 0; screen < 2; screen++) {
        struct tty *t = tty_start("screen-256color", screen ? in_gnu_screen : coloured);
        assert_memory_equal(tty_event(t), "open", 4);
        assert_string_equal(tty_next(t), "shown");
        tty_drain(t, 100);
        assert_true((strstr(t->out, "\033[?1000h") == NULL) == (screen == 1));
        tty_stop(t);
    }
}

static void a_mouse_of_another_kind_than_asked_for_is_no_key(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);

    tty_type(t, "\033[M qr"); /* q quits, r reboots */
    tty_type(t, "x");
    assert_string_equal(tty_event(t), "key 120");
    tty_type(t, "\033[<0;10;5m\033[<35;3;3Mx"); /* let go; moved */
    assert_string_equal(tty_event(t), "key 120");
    tty_stop(t);
}

static void a_storm_of_resizes_ends_in_the_last_size(void **state)
{
    struct tty *t = start("xterm-256color", false);
    const char *line;
    int count = 0;
    char last[512] = "";
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);
    assert_string_equal(tty_next(t), "shown");

    for (unsigned short i = 0; i < 50; i++)
        tty_set_size(t, (unsigned short)(20 + i), (unsigned short)(70 + i));
    tty_type(t, "e");
    while (strcmp(line = tty_event(t), "key 101") != 0 && *line) {
        snprintf(last, sizeof(last), "%s", line);
        count++;
    }

    assert_string_equal(last, "resize 69 119");
    assert_in_range(count, 1, 25);
    tty_stop(t);
}

static void only_what_changed_is_sent(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);
    assert_string_equal(tty_next(t), "shown");
    tty_drain(t, 200);
    size_t before = t->out_len;
    assert_true(before > 500);

    tty_type(t, "x"); /* the same picture again */
    assert_string_equal(tty_event(t), "key 120");
    assert_string_equal(tty_next(t), "shown");
    tty_drain(t, 200);
    assert_in_range(t->out_len - before, 0, 8);
    before = t->out_len;

    tty_type(t, "1"); /* one cell more */
    assert_string_equal(tty_event(t), "key 49");
    assert_string_equal(tty_next(t), "shown");
    tty_drain(t, 200);
    assert_in_range(t->out_len - before, 1, 48);
    assert_null(strstr(t->out, "\033[2J\033[2J"));
    tty_stop(t);
}

static void without_colour_no_colour_is_sent(void **state)
{
    struct tty *t = start("xterm-256color", true);
    (void)state;

    assert_string_equal(tty_event(t), "open 24 80 0 xterm-256color");
    assert_string_equal(tty_next(t), "shown");
    tty_drain(t, 200);

    assert_null(strstr(t->out, "\033[31"));
    assert_null(strstr(t->out, "\033[38"));
    assert_null(strstr(t->out, ";31m"));
    tty_stop(t);
}

static void a_copy_is_a_string_that_ends(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);

    tty_type(t, "\x19");
    assert_string_equal(tty_event(t), "key 25");
    tty_type(t, "q"); /* all that was written before is there when it has closed */
    assert_string_equal(tty_event(t), "key 113");
    assert_string_equal(tty_event(t), "closed");
    tty_drain(t, 200);

    assert_non_null(strstr(t->out, "\033]52;c;aGFsbC1hLTAwMRtd\a"));
    tty_stop(t);
}

static void an_unknown_terminal_gets_something_simpler(void **state)
{
    struct tty *t = start("no-such-terminal", false);
    (void)state;

    assert_memory_equal(tty_event(t), "open 24 80", 10);
    tty_stop(t);

    t = start("dumb", false);
    assert_memory_equal(tty_event(t), "refused cannot use a terminal of type \"dumb\"", 43);
    tty_stop(t);
}

static void a_stopped_program_takes_the_terminal_again(void **state)
{
    struct tty *t = start("xterm-256color", false);
    struct termios now;
    int status;
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);
    assert_string_equal(tty_next(t), "shown");

    /* An orphaned process group is not stopped by SIGTSTP, and a child of this test is one. */
    kill(t->pid, SIGSTOP);
    assert_int_equal(waitpid(t->pid, &status, WUNTRACED), t->pid);
    kill(t->pid, SIGCONT);
    assert_string_equal(tty_event(t), "resumed");
    tty_drain(t, 200);

    assert_int_equal(tcgetattr(t->master, &now), 0);
    assert_false(now.c_lflag & ICANON);
    assert_string_equal(tty_next(t), "shown");
    tty_stop(t);
}

static void each_kind_of_terminal_gets_the_colours_it_has(void **state)
{
    static const struct {
        const char *type, *says;
    } kinds[] = {
        { "vt100", "open 24 80 0 vt100" },
        { "linux", "open 24 80 8 linux" },
        { "xterm", "open 24 80 8 xterm" },
        { "screen-256color", "open 24 80 256 screen-256color" },
        { "tmux-256color", "open 24 80 256 tmux-256color" },
        { "ansi", "open 24 80 8 screen" }, /* see src/describe.h */
        { "pcansi", "open 24 80 8 screen" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct tty *t = start(kinds[i].type, false);
        assert_string_equal(tty_event(t), kinds[i].says);
        assert_string_equal(tty_next(t), "shown");
        tty_drain(t, 100);
        if (strcmp(kinds[i].type, "vt100") == 0)
            assert_null(strstr(t->out, "\033[31"));
        assert_true((strstr(t->out, "\033[?2026h") != NULL) ==
                    (strcmp(kinds[i].type, "vt100") != 0 && strcmp(kinds[i].type, "linux") != 0));
        tty_type(t, "q");
        assert_string_equal(tty_event(t), "key 113");
        assert_string_equal(tty_event(t), "closed");
        tty_stop(t);
    }
}

static void the_smallest_and_the_largest_window_are_windows_too(void **state)
{
    static const struct {
        unsigned short rows, cols;
    } sizes[] = { { 1, 1 }, { 2, 3 }, { 500, 1000 }, { 24, 80 } };
    struct tty *t = start("xterm-256color", false);
    char says[64];
    (void)state;
    assert_memory_equal(tty_event(t), "open", 4);

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        tty_set_size(t, sizes[i].rows, sizes[i].cols);
        kill(t->pid, SIGWINCH);
        snprintf(says, sizeof(says), "resize %d %d", sizes[i].rows, sizes[i].cols);
        const char *last = tty_event(t);
        for (int more = 0; more < 4 && strcmp(last, says) != 0; more++)
            last = tty_event(t); /* the size before may be told twice */
        assert_string_equal(last, says);
        t->out_len = 0; /* a large window is a lot to keep */
    }
    tty_type(t, "q");
    const char *key = tty_event(t);
    for (int more = 0; more < 4 && memcmp(key, "resize", 6) == 0; more++)
        key = tty_event(t);
    assert_string_equal(key, "key 113");
    tty_stop(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_leaves_the_terminal_as_it_was),
        cmocka_unit_test(a_signal_that_kills_restores_the_terminal_first),
        cmocka_unit_test(a_full_stack_restores_the_terminal_too),
        cmocka_unit_test(keys_come_as_code_points_and_names),
        cmocka_unit_test(a_control_character_is_itself_whatever_the_description_says),
        cmocka_unit_test(where_the_picture_stays_its_last_line_is_left_to_the_shell),
        cmocka_unit_test(arrows_home_and_end_are_known_however_they_are_spelt),
        cmocka_unit_test(a_sequence_nobody_knows_is_not_taken_for_keys),
        cmocka_unit_test(a_paste_is_one_event_and_runs_no_keys),
        cmocka_unit_test(an_answer_that_comes_late_is_no_key),
        cmocka_unit_test(an_answer_in_pieces_is_no_key_either),
        cmocka_unit_test(a_paste_in_pieces_is_one_event_too),
        cmocka_unit_test(a_paste_longer_than_an_event_is_cut_and_nothing_of_it_acts),
        cmocka_unit_test(the_mouse_comes_as_clicks_and_wheel),
        cmocka_unit_test(where_the_mouse_would_cost_the_escape_key_it_is_left_alone),
        cmocka_unit_test(a_mouse_of_another_kind_than_asked_for_is_no_key),
        cmocka_unit_test(a_storm_of_resizes_ends_in_the_last_size),
        cmocka_unit_test(only_what_changed_is_sent),
        cmocka_unit_test(without_colour_no_colour_is_sent),
        cmocka_unit_test(a_copy_is_a_string_that_ends),
        cmocka_unit_test(an_unknown_terminal_gets_something_simpler),
        cmocka_unit_test(a_stopped_program_takes_the_terminal_again),
        cmocka_unit_test(each_kind_of_terminal_gets_the_colours_it_has),
        cmocka_unit_test(the_smallest_and_the_largest_window_are_windows_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
