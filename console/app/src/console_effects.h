#ifndef APP_CONSOLE_EFFECTS_H
#define APP_CONSOLE_EFFECTS_H

#include "console.h"

/* Do what the reducer says; what became of it is told. */
void console_carry_out(struct console *c, const struct ui_model *m, const struct ui_effect *fx);

/* A line for the user: above the footer, and in the log screen. At most 255 bytes of it. */
void console_tell(struct console *c, const struct ui_model *m, enum tail_level level,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Once a turn: quits when what is to be left behind is settled. */
void console_look_at_leaving(struct console *c, int64_t now_ms);

#endif
