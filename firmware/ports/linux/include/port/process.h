#ifndef PORT_PROCESS_H
#define PORT_PROCESS_H

#include "app/app.h"

/* The firmware as a Linux process, started by the bootloader: everything but what differs between
 * versions. Returns the exit code. */
int process_run(const struct app_build *build);

#endif
