#ifndef APP_DOCTOR_H
#define APP_DOCTOR_H

#include "base/cmd.h"

/*
 * `muster doctor`: a line for each thing that the profile names, with the cause when it can't be
 * used (path and errno's text) and what to do. Makes and changes nothing. EXIT_DONE, EXIT_NO when
 * something is broken, EXIT_REACH when broker or gateway can't be reached.
 */
int doctor_run(struct cmd_context *ctx, const struct cmd_args *args);

#endif
