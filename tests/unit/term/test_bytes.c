/* Pseudo terminals are XSI's. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "fixture.h"
#include "term/term.h"

/*
 * Bytes to the terminal, which are the same on every run: the made-up fleet in a child on a pseudo
 * terminal, told frame by frame through a pipe to let time pass or a device speak; the parent
 * counts what comes out. Budgets of docs/figures.md, no times.
 */
enum { ROWS = 40, COLS = 120, FRAMES = 60 };

struct terminal {
    int screen;      /* the pty's side where the terminal would be */
    int ask, answer; /* an order to the child; its word that the frame is written */
    pid_t pid;
};

/* ---- the child ------------------------------------------------------------------------------ */

static void theme_load(struct theme *out)
{
    char text[16384];
    FILE *file = fopen(MUSTER_SOURCE_DIR "/themes/default-dark.ini", "r");
    if (!file)
        _exit(3);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    theme_parse(out, "default-dark", text, NULL, NULL, NULL);
}

/* A reading of one of the devices at the top of the list, as far apart from the last as is usual.
 */
static void speak(struct fixture *f, int n)
{
    static const char *const ids[] = { "berlin-roof-001", "hall-a-001", "hall-b-003" };
    char topic[96], body[96];
    snprintf(topic, sizeof(topic), "devices/%s/telemetry/environment", ids[n % 3]);
    snprintf(body, sizeof(body), "{\"temperature\":%d.%d,\"humidity\":%d,\"pressure\":%d}",
             19 + n % 7, n % 10, 40 + n % 13, 101300 + n * 17 % 400);
    fixture_message(f, topic, body, strlen(body), false);
}

static int64_t pass_ms(char order)
{
    switch (order) {
    case '=':
        return 0;
    case 't':
        return 1000;
    case 'm':
        return 200000;
    default:
        return 100;
    }
}

static void draw_frames(int orders, int answers)
{
    struct term_options options = { .utf8 = true };
    struct fixture *f = fixture_new();
    struct ui *ui = ui_new();
    struct canvas *c = canvas_new(ROWS, COLS, false);
    struct theme theme;
    struct term *t = term_open(&options, NULL);
    char order;
    int said = 0;

    if (!t)
        _exit(2);
    theme_load(&theme);
    while (read(orders, &order, 1) == 1) {
        fixture_pass(f, pass_ms(order));
        for (int i = 0; order == 's' && i < 3; i++)
            speak(f, said++);
        ui_draw(ui, &f->model, c);
        term_show(t, c, &theme);
        while (!term_ready(t)) { /* the whole of it, so that it is counted where it belongs */
            struct pollfd p[TERM_FDS];
            term_polls(t, p);
            poll(p, TERM_FDS, 10000);
        }
        if (write(answers, &order, 1) != 1)
            break;
    }
    _exit(0);
}

static void become_terminal(const char *name)
{
    struct winsize size = { .ws_row = ROWS, .ws_col = COLS };
    setsid();
    int fd = open(name, O_RDWR); /* the first one opened becomes the controlling terminal */
    if (fd < 0 || ioctl(fd, TIOCSWINSZ, &size) != 0)
        _exit(4);
    dup2(fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("NO_COLOR");
    unsetenv("LINES");
    unsetenv("COLUMNS");
}

static void start(struct terminal *t)
{
    int ask[2], answer[2];
    t->screen = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(t->screen >= 0 && grantpt(t->screen) == 0 && unlockpt(t->screen) == 0);
    char name[128];
    snprintf(name, sizeof(name), "%s", ptsname(t->screen));
    assert_int_equal(pipe(ask) | pipe(answer), 0);
    t->pid = fork();
    if (t->pid == 0) {
        close(ask[1]);
        close(answer[0]);
        close(t->screen);
        become_terminal(name);
        draw_frames(ask[0], answer[1]);
    }
    close(ask[0]);
    close(answer[1]);
    t->ask = ask[1];
    t->answer = answer[0];
}

/* ---- the parent ----------------------------------------------------------------------------- */

static bool waits(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}

static size_t drain(const struct terminal *t)
{
    char buffer[4096];
    size_t bytes = 0;
    while (waits(t->screen)) {
        ssize_t n = read(t->screen, buffer, sizeof(buffer));
        if (n <= 0)
            break;
        bytes += (size_t)n;
    }
    return bytes;
}

/* One frame after that order; the bytes it took. */
static size_t frame(const struct terminal *t, char order)
{
    struct pollfd p[2] = { { .fd = t->answer, .events = POLLIN },
                           { .fd = t->screen, .events = POLLIN } };
    size_t bytes = 0;
    char word = 0;

    assert_int_equal(write(t->ask, &order, 1), 1);
    while (!word && poll(p, 2, 10000) > 0) { /* a large frame is read while it is written */
        bytes += drain(t);
        if (p[0].revents)
            assert_int_equal(read(t->answer, &word, 1), 1);
    }
    assert_int_equal(word, order);
    return bytes + drain(t);
}

static int open_terminal(void **state)
{
    struct terminal *t = calloc(1, sizeof(*t));
    if (!t)
        return -1;
    start(t);
    *state = t;
    return 0;
}

static int close_terminal(void **state)
{
    struct terminal *t = *state;
    int status = 0;
    close(t->ask);
    while (waitpid(t->pid, &status, WNOHANG) == 0)
        if (drain(t) == 0)
            poll(NULL, 0, 1);
    close(t->answer);
    close(t->screen);
    free(t);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void the_first_picture_takes_less_than_16_kilobytes(void **state)
{
    size_t bytes = frame(*state, '=');
    assert_in_range(bytes, COLS * 10, 16000); /* and a picture came at all */
}

static void a_frame_in_which_nothing_changed_writes_nothing(void **state)
{
    frame(*state, '=');
    for (int i = 0; i < 9; i++)
        assert_int_equal(frame(*state, '='), 0);
}

static void a_fleet_at_rest_takes_less_than_50_bytes_a_second(void **state)
{
    size_t bytes = 0;
    frame(*state, 'm'); /* all have been silent for three minutes */
    for (int i = 0; i < FRAMES; i++)
        bytes += frame(*state, 't');
    print_message("at rest: %zu bytes a second\n", bytes / FRAMES);
    assert_in_range(bytes / FRAMES, 1, 50);
}

static void a_frame_in_which_three_devices_spoke_takes_less_than_600_bytes(void **state)
{
    size_t bytes = 0, most = 0;
    frame(*state, '=');
    for (int i = 0; i < FRAMES; i++) {
        size_t one = frame(*state, 's');
        bytes += one;
        most = one > most ? one : most;
    }
    print_message("three rows: %zu bytes a frame, at most %zu\n", bytes / FRAMES, most);
    assert_in_range(bytes / FRAMES, 1, 600);
}

int main(void)
{
#define ON_A_TERMINAL(test) cmocka_unit_test_setup_teardown(test, open_terminal, close_terminal)
    const struct CMUnitTest tests[] = {
        ON_A_TERMINAL(the_first_picture_takes_less_than_16_kilobytes),
        ON_A_TERMINAL(a_frame_in_which_nothing_changed_writes_nothing),
        ON_A_TERMINAL(a_fleet_at_rest_takes_less_than_50_bytes_a_second),
        ON_A_TERMINAL(a_frame_in_which_three_devices_spoke_takes_less_than_600_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
