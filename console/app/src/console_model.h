#ifndef APP_CONSOLE_MODEL_H
#define APP_CONSOLE_MODEL_H

#include "console.h"

/* What the screens are told. It points into the console: valid until the next turn of the loop. */
struct ui_model console_model(struct console *c, int64_t now_ms);

/* Every two seconds, what other processes may have changed: the release folder, the list of
 * rollouts, the next one's id, saved plans, and what an engine elsewhere wrote down. */
void console_look_around(struct console *c, int64_t now_ms);
/* How the connection is now, for the next model. */
void console_read_link(struct console *c);

#endif
