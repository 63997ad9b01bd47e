#ifndef APP_CONSOLE_LOOP_H
#define APP_CONSOLE_LOOP_H

#include "console.h"

/* Until somebody quits, a signal asks for it, or the script is over where there is no terminal. */
void console_loop(struct console *c);

/* The picture as it is now, into the canvas and onto the terminal if there is one. */
void console_draw(struct console *c, int64_t now_ms);
/* The canvas to the command's output, as text. */
void console_print(const struct console *c);

#endif
