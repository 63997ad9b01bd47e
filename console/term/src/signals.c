#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/*
 * End a string or a sequence that was cut off, leave the alternate screen, show the cursor, drop
 * attributes, character set, mouse, bracketed paste, application keys and synchronised output.
 * Fixed, because a handler may not ask terminfo.
 */
static const char reset[] = "\033\\\033[?2026l\033[?2004l\033[?1006l\033[?1000l\033[?1l\033>\033(B"
                            "\033[?1049l\033[?25h\033[0m";

/* A handler has no argument: what it needs must be static. Only this file touches it. */
static struct {
    int pipe[2];
    int out;
    _Alignas(16) char stack[16384]; /* a stack is; the address sanitizer ends the program else */
    bool open;
    struct termios modes;
    struct sigaction before[NSIG];
    volatile sig_atomic_t resized, stop, resumed;
} the;

static const int fatal[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL,
                             SIGINT,  SIGTERM, SIGHUP, SIGQUIT };
static const int notes[] = { SIGWINCH, SIGCONT, SIGTSTP };
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

bool signals_is_ours(void)
{
    pid_t foreground = tcgetpgrp(STDIN_FILENO);

    return foreground < 0 || foreground == getpgrp(); /* < 0: not our controlling terminal */
}

/* Only calls that a signal handler may make. */
static void say(const char *text, size_t len)
{
    if (write(the.out, text, len) == (ssize_t)len)
        return;
    tcflush(the.out, TCOFLUSH); /* nobody reads: make room */
    ssize_t n = write(the.out, text, len);
    (void)n;
}

void signals_restore(void)
{
    int flags = fcntl(the.out, F_GETFL);

    if (!signals_is_ours())
        return;
    fcntl(the.out, F_SETFL, flags | O_NONBLOCK);
    say(reset, sizeof(reset) - 1);
    fcntl(the.out, F_SETFL, flags);
    signals_modes_off();
}

void signals_modes_off(void)
{
    tcsetattr(STDIN_FILENO, TCSANOW, &the.modes);
}

void signals_modes_on(void)
{
    struct termios m = the.modes;

    m.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | IGNCR | INLCR | INPCK | ISTRIP | IXON | PARMRK);
    m.c_oflag &= ~(tcflag_t)OPOST;
    m.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
    m.c_cc[VMIN] = 1;
    m.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &m);
}

static void restore_and_die(int number)
{
    signals_restore();
    /* SA_RESETHAND put the default back: the signal now does what it always did. */
    raise(number);
}

static void note(int number)
{
    int saved = errno;
    if (number == SIGWINCH)
        the.resized = 1;
    else if (number == SIGCONT)
        the.resumed = 1;
    else
        the.stop = 1;
    ssize_t n = write(the.pipe[1], "", 1); /* full is as good: it wakes too */
    (void)n;
    errno = saved;
}

static void install(int number, void (*handler)(int), int flags)
{
    struct sigaction action = { .sa_flags = flags };
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, &the.before[number]);
    if (handler == restore_and_die && the.before[number].sa_handler == SIG_IGN)
        sigaction(number, &the.before[number], NULL); /* nohup: somebody wanted it so */
}

int signals_open(int out)
{
    if (the.open || tcgetattr(STDIN_FILENO, &the.modes) != 0 || pipe(the.pipe) != 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        fcntl(the.pipe[i], F_SETFL, O_NONBLOCK);
        fcntl(the.pipe[i], F_SETFD, FD_CLOEXEC);
    }
    the.out = out;
    stack_t stack = { .ss_sp = the.stack, .ss_size = sizeof(the.stack) };
    sigaltstack(&stack, NULL); /* for the crash of which the cause is that the stack is full */
    the.resized = the.stop = the.resumed = 0;
    for (size_t i = 0; i < COUNT(fatal); i++)
        install(fatal[i], restore_and_die, (int)SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
    for (size_t i = 0; i < COUNT(notes); i++)
        install(notes[i], note, SA_RESTART);
    the.open = true;
    return 0;
}

/* Handlers that the app has put in place of ours stay. */
static void uninstall(int number, void (*ours)(int))
{
    struct sigaction now;
    if (sigaction(number, NULL, &now) == 0 && now.sa_handler == ours)
        sigaction(number, &the.before[number], NULL);
}

void signals_close(void)
{
    if (!the.open)
        return;
    for (size_t i = 0; i < COUNT(fatal); i++)
        uninstall(fatal[i], restore_and_die);
    for (size_t i = 0; i < COUNT(notes); i++)
        uninstall(notes[i], note);
    stack_t none = { .ss_flags = SS_DISABLE };
    sigaltstack(&none, NULL);
    close(the.pipe[0]);
    close(the.pipe[1]);
    the.open = false;
}

int signals_fd(void)
{
    return the.pipe[0];
}

void signals_take(struct signals_seen *out)
{
    char drop[64];
    while (read(the.pipe[0], drop, sizeof(drop)) > 0)
        ;
    *out =
        (struct signals_seen){ .resized = the.resized, .stop = the.stop, .resumed = the.resumed };
    the.resized = the.stop = the.resumed = 0;
}

void signals_stop_self(void)
{
    struct sigaction by_default = { .sa_flags = 0 }, ours;
    by_default.sa_handler = SIG_DFL;
    sigemptyset(&by_default.sa_mask);
    sigaction(SIGTSTP, &by_default, &ours);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &ours, NULL);
    the.resumed = 0; /* the caller knows */
}
