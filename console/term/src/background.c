/*
 * Is the terminal's background light? Asked by xterm's OSC 11, which most answer and some never do;
 * so the primary device attributes (DA1), which all answer, are asked behind it: when those come,
 * nothing else will.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.h"
#include "out.h"
#include "term/term.h"

#define QUESTION  "\033]11;?\033\\\033[c"
#define REPLY_MAX 256
#define TORN_MS   1000 /* longer, for the rest of an answer that has begun */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One of "hhhh/hhhh/hhhh", one to four digits, as 0 to 1; < 0 when it is none. */
static double component(const char **at)
{
    double value = 0, most = 0;

    for (int digits = 0; digits < 4 && hex_value(**at) >= 0; digits++, (*at)++) {
        value = value * 16 + hex_value(**at);
        most = most * 16 + 15;
    }
    return most > 0 ? value / most : -1;
}

enum term_background term_background_parse(const char *reply)
{
    const char *at = strstr(reply, "\033]11;rgb:");
    double part[3];

    if (!at)
        return TERM_BACKGROUND_UNKNOWN;
    at += strlen("\033]11;rgb:");
    for (int i = 0; i < 3; i++) {
        part[i] = component(&at);
        if (part[i] < 0 || (i < 2 && *at++ != '/'))
            return TERM_BACKGROUND_UNKNOWN;
    }
    /* Rec. 709 luma is near enough to tell paper from ink. */
    double luma = 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
    return luma > 0.5 ? TERM_BACKGROUND_LIGHT : TERM_BACKGROUND_DARK;
}

static bool is_whole(const char *reply)
{
    const char *da1 = strstr(reply, "\033[?");

    return da1 && strchr(da1, 'c');
}

/* An answer has begun: its rest would be taken for keys. */
static bool is_torn(const char *reply)
{
    const char *escape = strrchr(reply, '\033');

    return escape && !is_whole(reply);
}

static void read_reply(int in, int wait_ms, char reply[REPLY_MAX])
{
    int64_t until = term_clock_ms() + wait_ms;
    size_t len = 0;

    reply[0] = '\0';
    while (len + 1 < REPLY_MAX && !is_whole(reply)) {
        struct pollfd p = { .fd = in, .events = POLLIN };
        int64_t left = until + (is_torn(reply) ? TORN_MS : 0) - term_clock_ms();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0)
            return;
        ssize_t n = read(in, reply + len, REPLY_MAX - 1 - len);
        if (n <= 0)
            return;
        for (ssize_t i = 0; i < n; i++) /* a NUL would end the search */
            reply[len + (size_t)i] = reply[len + (size_t)i] ? reply[len + (size_t)i] : ' ';
        len += (size_t)n;
        reply[len] = '\0';
    }
}

static enum term_background ask(int in, int out, int wait_ms, const struct termios *was)
{
    struct termios quiet = *was;
    char reply[REPLY_MAX] = "";

    quiet.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    if (tcsetattr(in, TCSANOW, &quiet) != 0)
        return TERM_BACKGROUND_UNKNOWN;
    if (write(out, QUESTION, strlen(QUESTION)) == (ssize_t)strlen(QUESTION))
        read_reply(in, wait_ms, reply);
    tcsetattr(in, TCSANOW, was);
    return term_background_parse(reply);
}

enum term_background term_ask_background(int in, int out, int wait_ms)
{
    static const int held_back[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP };
    struct termios was;
    sigset_t set, before;

    if (tcgetattr(in, &was) != 0)
        return TERM_BACKGROUND_UNKNOWN;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(held_back) / sizeof(held_back[0]); i++)
        sigaddset(&set, held_back[i]); /* nobody restores the modes yet */
    sigprocmask(SIG_BLOCK, &set, &before);
    enum term_background background = ask(in, out, wait_ms, &was);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return background;
}

/* "15;0": foreground; background. 7 and 9 to 15 are light ones. */
static bool colorfgbg_is_light(void)
{
    const char *text = getenv("COLORFGBG");
    const char *last = text ? strrchr(text, ';') : NULL;
    uint64_t background;

    return last && text_to_u64(last + 1, 0, 255, &background) &&
           (background == 7 || background >= 9);
}

/* Those that would print the question. */
static bool may_ask(void)
{
    const char *type = getenv("TERM");

    return type && strncmp(type, "vt", 2) != 0 && strcmp(type, "linux") != 0 &&
           strcmp(type, "dumb") != 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool term_is_light(int wait_ms)
{
    enum term_background b = may_ask() ? term_ask_background(STDIN_FILENO, STDOUT_FILENO, wait_ms)
                                       : TERM_BACKGROUND_UNKNOWN;

    return b == TERM_BACKGROUND_UNKNOWN ? colorfgbg_is_light() : b == TERM_BACKGROUND_LIGHT;
}
