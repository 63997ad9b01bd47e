#ifndef GATEWAY_CMD_H
#define GATEWAY_CMD_H

#include "base/cmd.h"

/* muster gateway */
extern const struct command gateway_commands[];

#endif
