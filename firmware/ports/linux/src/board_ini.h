#ifndef PORT_BOARD_INI_H
#define PORT_BOARD_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "models/board.h"

/*
 * DIR/board.ini: what is soldered on and what is broken. Lines "key = value", # and ; begin a
 * comment. Read at the start of the program.
 *
 *   seed   = 7                    place on the earth, noise
 *   chips  = bme280,scd30,sds011  on the buses; all three when the line is missing
 *   bme280 = ok|absent|stuck|crc|wild      likewise scd30, sds011
 *   clock  = host|trusted|untrusted   whether the time may be believed; host, which is also what
 *                                 a missing line means: when the factory said so (key `clock`), or
 *                                 once the host's kernel says that its clock is synchronised
 */
enum board_clock { BOARD_CLOCK_HOST, BOARD_CLOCK_TRUSTED, BOARD_CLOCK_UNTRUSTED };

struct board_ini {
    struct board_config chips;
    enum board_clock clock;
};

/* Pure. A line that is not understood is left out and counted. */
unsigned board_ini_parse(const char *text, size_t len, struct board_ini *out);
/* A missing file is an empty one: all chips, no fault. -1: it can't be read. */
int board_ini_load(const char *path, struct board_ini *out, unsigned *unknown);

#endif
