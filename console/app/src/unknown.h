#ifndef APP_UNKNOWN_H
#define APP_UNKNOWN_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Words that are no command: the first word of some ("rollout") is answered with what may follow,
 * any other with the nearest command. argv begins at the word. With --help behind a first word the
 * list goes to stdout and is no mistake. Returns the exit code.
 */
int unknown_command(int argc, char **argv);

#endif
