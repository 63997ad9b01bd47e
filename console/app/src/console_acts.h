#ifndef APP_CONSOLE_ACTS_H
#define APP_CONSOLE_ACTS_H

#include "console.h"

/*
 * What changes the world: orders to devices, rollouts, alerts. False: this effect is none of those.
 * Else it was done, or refused (read-only), and the user has been told; what was done is in the log
 * as the command that does the same.
 */
bool console_act(struct console *c, const struct ui_model *m, const struct ui_effect *fx);

/* Once a turn: what whoever leads has made of the acts asked for; a refusal is told. */
void console_tell_answers(struct console *c, int64_t now_ms);

#endif
