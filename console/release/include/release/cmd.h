#ifndef RELEASE_CMD_H
#define RELEASE_CMD_H

#include "base/cmd.h"

/* muster release build, sign, publish, ls, show, verify */
extern const struct command release_commands[];

#endif
