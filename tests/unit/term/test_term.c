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

/*
 * The terminal's manners, on a real pseudo-terminal: a child opens it and reports each event as a
 * line through a pipe; the parent is the terminal.
 */
#define PATIENCE_MS 10000

struct tty {
    int master, report;
    pid_t pid;
    struct termios before;
    char out[262144]; /* what the child wrote to the terminal */
    size_t out_len;
    char lines[8192]; /* reports not yet taken */
    size_t lines_len;
};

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
    int rows, cols, fds[TERM_FDS], key = 0;
    theme_ansi(&theme);
    term_size(t, &rows, &cols);
    struct canvas *c = canvas_new(rows, cols, false);
    term_fds(t, fds);
    dprintf(fd, "open %d %d %u %s\n", rows, cols, term_facts(t)->colours, term_facts(t)->type);
    while (key != 'q') {
        struct ui_event ev;
        struct pollfd p[TERM_FDS] = { { .fd = fds[0], .events = POLLIN },
                                      { .fd = fds[1], .events = POLLIN } };
        paint(c, key);
        term_show(t, c, &theme);
        dprintf(fd, "shown\n");
        poll(p, TERM_FDS, PATIENCE_MS);
        usleep(20000); /* let a storm gather */
        while (key != 'q' && term_read(t, &ev) > 0) {
            report_event(fd, &ev);
            key = ev.kind == UI_KEY ? ev.key : key;
            if (ev.kind == UI_RESIZE)
                canvas_resize(c, ev.row, ev.col);
        }
    }
    canvas_free(c);
    term_close(t);
    dprintf(fd, "closed\n");
}

static void become_child(const char *slave, int fd, const char *type, bool no_color)
{
    alarm(60); /* whatever becomes of the test */
    setsid();
    int tty = open(slave, O_RDWR); /* the first one a session opens is its terminal */
    dup2(tty, STDIN_FILENO);
    dup2(tty, STDOUT_FILENO);
    dup2(tty, STDERR_FILENO);
    setenv("TERM", type, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("COLORTERM");
    child(fd, no_color);
    _exit(0);
}

/* ----------------------------------------------------------------------------------- parent */

static void set_size(const struct tty *t, unsigned short rows, unsigned short cols)
{
    struct winsize size = { .ws_row = rows, .ws_col = cols };
    assert_int_equal(ioctl(t->master, TIOCSWINSZ, &size), 0);
}

static struct tty *start(const char *type, bool no_color)
{
    struct tty *t = calloc(1, sizeof(*t));
    int report[2];
    assert_non_null(t);
    t->master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(t->master >= 0 && grantpt(t->master) == 0 && unlockpt(t->master) == 0);
    set_size(t, 24, 80);
    assert_int_equal(tcgetattr(t->master, &t->before), 0);
    assert_int_equal(pipe(report), 0);
    char slave[64];
    snprintf(slave, sizeof(slave), "%s", ptsname(t->master));
    t->pid = fork();
    if (t->pid == 0)
        become_child(slave, report[1], type, no_color);
    close(report[1]);
    t->report = report[0];
    return t;
}

static void stop(struct tty *t)
{
    kill(t->pid, SIGKILL);
    waitpid(t->pid, NULL, 0);
    close(t->master);
    close(t->report);
    free(t);
}

static void take(int fd, char *into, size_t *len, size_t cap)
{
    ssize_t n = read(fd, into + *len, cap - 1 - *len);
    if (n > 0)
        *len += (size_t)n;
    into[*len] = '\0';
}

/* Wait for the next report; returns it without its newline, "" when none came. */
static const char *next(struct tty *t)
{
    static char line[512];
    for (int waited = 0; waited < PATIENCE_MS; waited += 50) {
        char *end = strchr(t->lines, '\n');
        if (end) {
            snprintf(line, sizeof(line), "%.*s", (int)(end - t->lines), t->lines);
            t->lines_len -= (size_t)(end + 1 - t->lines);
            memmove(t->lines, end + 1, t->lines_len + 1);
            return line;
        }
        struct pollfd p[2] = { { .fd = t->master, .events = POLLIN },
                               { .fd = t->report, .events = POLLIN } };
        poll(p, 2, 50);
        if (p[0].revents & POLLIN)
            take(t->master, t->out, &t->out_len, sizeof(t->out));
        if (p[1].revents & POLLIN)
            take(t->report, t->lines, &t->lines_len, sizeof(t->lines));
    }
    return "";
}

/* The next report that is not "shown". */
static const char *event(struct tty *t)
{
    const char *line = next(t);
    while (strcmp(line, "shown") == 0)
        line = next(t);
    return line;
}

static void drain(struct tty *t, int ms)
{
    struct pollfd p = { .fd = t->master, .events = POLLIN };
    while (poll(&p, 1, ms) > 0 && p.revents & POLLIN)
        take(t->master, t->out, &t->out_len, sizeof(t->out));
}

static void type(const struct tty *t, const char *bytes)
{
    assert_int_equal(write(t->master, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
}

static void assert_restored(struct tty *t)
{
    struct termios now;
    drain(t, 100);
    assert_int_equal(tcgetattr(t->master, &now), 0);
    assert_int_equal(now.c_lflag, t->before.c_lflag);
    assert_int_equal(now.c_iflag, t->before.c_iflag);
    assert_int_equal(now.c_oflag, t->before.c_oflag);
    const char *leave = strstr(t->out, "\033[?1049l");
    assert_non_null(leave);
    assert_null(strstr(leave, "\033[?1049h"));
    assert_non_null(strstr(t->out, "\033[?2004l"));
}

static void closing_leaves_the_terminal_as_it_was(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;

    assert_string_equal(event(t), "open 24 80 256 xterm-256color");
    type(t, "q");
    assert_string_equal(event(t), "key 113");
    assert_string_equal(event(t), "closed");
    assert_restored(t);
    stop(t);
}

static void a_signal_that_kills_restores_the_terminal_first(void **state)
{
    static const int fatal[] = { SIGTERM, SIGHUP, SIGSEGV, SIGABRT };
    (void)state;
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        struct tty *t = start("xterm-256color", false);
        int status;
        assert_memory_equal(event(t), "open", 4);
        assert_string_equal(next(t), "shown");

        kill(t->pid, fatal[i]);
        waitpid(t->pid, &status, 0);

        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), fatal[i]);
        assert_restored(t);
        stop(t);
    }
}

static void keys_come_as_code_points_and_names(void **state)
{
    struct tty *t = start("xterm-256color", false);
    char want[32];
    (void)state;
    assert_memory_equal(event(t), "open", 4);

    type(t, "\xc3\xa9"); /* é */
    assert_string_equal(event(t), "key 233");
    type(t, "\033OA"); /* up */
    snprintf(want, sizeof(want), "key %d", K_UP);
    assert_string_equal(event(t), want);
    type(t, "\r");
    assert_string_equal(event(t), "key 13");
    type(t, "\x7f");
    assert_string_equal(event(t), "key 127");
    type(t, "\x03"); /* ^C is a key, not a signal */
    assert_string_equal(event(t), "key 3");
    type(t, "\033");
    assert_string_equal(event(t), "key 27");
    type(t, "\033q"); /* Esc and q sent together are two keys */
    assert_string_equal(event(t), "key 27");
    assert_string_equal(event(t), "key 113");
    stop(t);
}

static void home_and_end_are_known_however_they_are_spelt(void **state)
{
    static const char *const homes[] = { "\033[1~", "\033[7~", "\033[H", "\033OH" };
    static const char *const ends[] = { "\033[4~", "\033[8~", "\033[F", "\033OF" };
    struct tty *t = start("xterm-256color", false);
    char want[32];
    (void)state;
    assert_memory_equal(event(t), "open", 4);

    for (int i = 0; i < 4; i++) {
        type(t, homes[i]);
        snprintf(want, sizeof(want), "key %d", K_HOME);
        assert_string_equal(event(t), want);
        type(t, ends[i]);
        snprintf(want, sizeof(want), "key %d", K_END);
        assert_string_equal(event(t), want);
    }
    stop(t);
}

static void a_sequence_nobody_knows_is_not_taken_for_keys(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(event(t), "open", 4);

    type(t, "\033[99;99~");
    type(t, "\033[?1;2c");
    usleep(100000);
    type(t, "x");

    assert_string_equal(event(t), "key 120");
    stop(t);
}

static void a_paste_is_one_event_and_runs_no_keys(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(event(t), "open", 4);

    type(t, "\033[200~qX \r\n\x1b ok\033[201~");
    assert_string_equal(event(t), "paste qX  ok");
    type(t, "y");
    assert_string_equal(event(t), "key 121");
    stop(t);
}

static void a_storm_of_resizes_ends_in_the_last_size(void **state)
{
    struct tty *t = start("xterm-256color", false);
    const char *line;
    int count = 0;
    char last[512] = "";
    (void)state;
    assert_memory_equal(event(t), "open", 4);
    assert_string_equal(next(t), "shown");

    for (unsigned short i = 0; i < 50; i++)
        set_size(t, (unsigned short)(20 + i), (unsigned short)(70 + i));
    type(t, "e");
    while (strcmp(line = event(t), "key 101") != 0 && *line) {
        snprintf(last, sizeof(last), "%s", line);
        count++;
    }

    assert_string_equal(last, "resize 69 119");
    assert_in_range(count, 1, 10);
    stop(t);
}

static void only_what_changed_is_sent(void **state)
{
    struct tty *t = start("xterm-256color", false);
    (void)state;
    assert_memory_equal(event(t), "open", 4);
    assert_string_equal(next(t), "shown");
    drain(t, 200);
    size_t before = t->out_len;
    assert_true(before > 500);

    type(t, "x"); /* the same picture again */
    assert_string_equal(event(t), "key 120");
    assert_string_equal(next(t), "shown");
    drain(t, 200);
    assert_in_range(t->out_len - before, 0, 8);
    before = t->out_len;

    type(t, "1"); /* one cell more */
    assert_string_equal(event(t), "key 49");
    assert_string_equal(next(t), "shown");
    drain(t, 200);
    assert_in_range(t->out_len - before, 1, 48);
    assert_null(strstr(t->out, "\033[2J\033[2J"));
    stop(t);
}

static void without_colour_no_colour_is_sent(void **state)
{
    struct tty *t = start("xterm-256color", true);
    (void)state;

    assert_string_equal(event(t), "open 24 80 0 xterm-256color");
    assert_string_equal(next(t), "shown");
    drain(t, 200);

    assert_null(strstr(t->out, "\033[31"));
    assert_null(strstr(t->out, "\033[38"));
    assert_null(strstr(t->out, ";31m"));
    stop(t);
}

static void an_unknown_terminal_gets_something_simpler(void **state)
{
    struct tty *t = start("no-such-terminal", false);
    (void)state;

    assert_memory_equal(event(t), "open 24 80", 10);
    stop(t);

    t = start("dumb", false);
    assert_memory_equal(event(t), "refused cannot use a terminal of type \"dumb\"", 43);
    stop(t);
}

static void a_stopped_program_takes_the_terminal_again(void **state)
{
    struct tty *t = start("xterm-256color", false);
    struct termios now;
    int status;
    (void)state;
    assert_memory_equal(event(t), "open", 4);
    assert_string_equal(next(t), "shown");

    /* An orphaned process group is not stopped by SIGTSTP, and a child of this test is one. */
    kill(t->pid, SIGSTOP);
    assert_int_equal(waitpid(t->pid, &status, WUNTRACED), t->pid);
    kill(t->pid, SIGCONT);
    assert_string_equal(event(t), "resumed");
    drain(t, 200);

    assert_int_equal(tcgetattr(t->master, &now), 0);
    assert_false(now.c_lflag & ICANON);
    assert_string_equal(next(t), "shown");
    stop(t);
}

static void a_slow_line_gets_fewer_frames(void **state)
{
    (void)state;
    assert_int_equal(term_pause_ms(-5), TERM_FRAME_MS); /* the clock was set back */
    assert_int_equal(term_pause_ms(0), TERM_FRAME_MS);
    assert_int_equal(term_pause_ms(10), TERM_FRAME_MS);
    assert_int_equal(term_pause_ms(80), 800);
    assert_int_equal(term_pause_ms(60000), TERM_PAUSE_MOST_MS);
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
    };
    (void)state;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct tty *t = start(kinds[i].type, false);
        assert_string_equal(event(t), kinds[i].says);
        assert_string_equal(next(t), "shown");
        drain(t, 100);
        if (strcmp(kinds[i].type, "vt100") == 0)
            assert_null(strstr(t->out, "\033[31"));
        assert_true((strstr(t->out, "\033[?2026h") != NULL) ==
                    (strcmp(kinds[i].type, "vt100") != 0 && strcmp(kinds[i].type, "linux") != 0));
        type(t, "q");
        assert_string_equal(event(t), "key 113");
        assert_string_equal(event(t), "closed");
        stop(t);
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
    assert_memory_equal(event(t), "open", 4);

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        set_size(t, sizes[i].rows, sizes[i].cols);
        kill(t->pid, SIGWINCH);
        snprintf(says, sizeof(says), "resize %d %d", sizes[i].rows, sizes[i].cols);
        const char *last = event(t);
        for (int more = 0; more < 4 && strcmp(last, says) != 0; more++)
            last = event(t); /* the size before may be told twice */
        assert_string_equal(last, says);
        t->out_len = 0; /* a large window is a lot to keep */
    }
    type(t, "q");
    const char *key = event(t);
    for (int more = 0; more < 4 && memcmp(key, "resize", 6) == 0; more++)
        key = event(t);
    assert_string_equal(key, "key 113");
    stop(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_leaves_the_terminal_as_it_was),
        cmocka_unit_test(a_signal_that_kills_restores_the_terminal_first),
        cmocka_unit_test(keys_come_as_code_points_and_names),
        cmocka_unit_test(home_and_end_are_known_however_they_are_spelt),
        cmocka_unit_test(a_sequence_nobody_knows_is_not_taken_for_keys),
        cmocka_unit_test(a_paste_is_one_event_and_runs_no_keys),
        cmocka_unit_test(a_storm_of_resizes_ends_in_the_last_size),
        cmocka_unit_test(only_what_changed_is_sent),
        cmocka_unit_test(without_colour_no_colour_is_sent),
        cmocka_unit_test(an_unknown_terminal_gets_something_simpler),
        cmocka_unit_test(a_stopped_program_takes_the_terminal_again),
        cmocka_unit_test(a_slow_line_gets_fewer_frames),
        cmocka_unit_test(each_kind_of_terminal_gets_the_colours_it_has),
        cmocka_unit_test(the_smallest_and_the_largest_window_are_windows_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
