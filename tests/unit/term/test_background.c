#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "term/term.h"

#define DA1 "\033[?62;22c"

static void an_answer_tells_light_from_dark(void **state)
{
    static const struct {
        const char *reply;
        enum term_background is;
    } rows[] = {
        { "\033]11;rgb:ffff/ffff/ffff\033\\" DA1, TERM_BACKGROUND_LIGHT },
        { "\033]11;rgb:fdfd/f6f6/e3e3\007" DA1, TERM_BACKGROUND_LIGHT }, /* Solarized, with BEL */
        { "\033]11;rgb:0000/2b2b/3636\033\\", TERM_BACKGROUND_DARK },
        { "\033]11;rgb:1e/1e/1e\033\\", TERM_BACKGROUND_DARK },
        { "\033]11;rgb:f/f/f\033\\", TERM_BACKGROUND_LIGHT },
        { "jj\033]11;rgb:0/0/0\033\\", TERM_BACKGROUND_DARK }, /* somebody types ahead */
        { DA1, TERM_BACKGROUND_UNKNOWN },
        { "", TERM_BACKGROUND_UNKNOWN },
        { "\033]11;rgb:", TERM_BACKGROUND_UNKNOWN },
        { "\033]11;rgb:ff/ff", TERM_BACKGROUND_UNKNOWN },
        { "\033]11;rgb:ff-ff-ff", TERM_BACKGROUND_UNKNOWN },
        { "\033]11;rgb:zz/zz/zz", TERM_BACKGROUND_UNKNOWN },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(term_background_parse(rows[i].reply), rows[i].is);
}

static int open_pty(int *slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);

    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    *slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(*slave >= 0);
    return master;
}

static void a_terminal_is_asked_and_left_as_it_was(void **state)
{
    static const char reply[] = "\033]11;rgb:ffff/ffff/ffff\033\\" DA1;
    struct termios before, after;
    char asked[64] = "";
    int slave, master = open_pty(&slave);
    (void)state;
    tcgetattr(slave, &before);
    before.c_lflag &= ~(tcflag_t)ICANON; /* so that the answer may be there already */
    before.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(slave, TCSANOW, &before);
    assert_int_equal(write(master, reply, strlen(reply)), (ssize_t)strlen(reply));

    assert_int_equal(term_ask_background(slave, slave, 5000), TERM_BACKGROUND_LIGHT);

    assert_true(read(master, asked, sizeof(asked) - 1) > 0);
    assert_string_equal(asked, "\033]11;?\033\\\033[c");
    tcgetattr(slave, &after);
    assert_int_equal(after.c_lflag, before.c_lflag);
    close(slave);
    close(master);
}

static void a_terminal_that_says_nothing_is_not_waited_for_long(void **state)
{
    int slave, master = open_pty(&slave);
    (void)state;

    assert_int_equal(term_ask_background(slave, slave, 1), TERM_BACKGROUND_UNKNOWN);
    close(slave);
    close(master);
}

static void what_is_no_terminal_is_not_asked(void **state)
{
    int pipe_fd[2];
    (void)state;
    assert_int_equal(pipe(pipe_fd), 0);

    assert_int_equal(term_ask_background(pipe_fd[0], pipe_fd[1], 1000), TERM_BACKGROUND_UNKNOWN);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_tells_light_from_dark),
        cmocka_unit_test(a_terminal_is_asked_and_left_as_it_was),
        cmocka_unit_test(a_terminal_that_says_nothing_is_not_waited_for_long),
        cmocka_unit_test(what_is_no_terminal_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
