#include "describe.h"

#include <curses.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

const char *describe(const char *type)
{
    int found;

    /* Changing the flags of what newterm() has loaded does nothing: the library has its own. */
    if (setupterm(type, STDOUT_FILENO, &found) == ERR)
        return type;
    const char *cup = tigetstr("cup");
    bool ansi = cup && cup != (const char *)-1 && strncmp(cup, "\033[", 2) == 0;
    bool at_once = tigetflag("am") > 0 && tigetflag("xenl") <= 0;
    del_curterm(cur_term);
    return ansi && at_once ? "screen" : type;
}
