#ifndef IDENTITY_CMD_H
#define IDENTITY_CMD_H

#include "base/cmd.h"

/* muster pki init, config, device, operator, server, show */
extern const struct command identity_commands[];

#endif
