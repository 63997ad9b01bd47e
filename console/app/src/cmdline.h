#ifndef APP_CMDLINE_H
#define APP_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/profile.h"
#include "fleet/alert.h"
#include "protocol/order.h"
#include "rollout/rollout.h"
#include "screens/tail.h"

/*
 * What the console does, as the command that does the same: the lines of its log, which can be
 * pasted into a shell as they are. Words are quoted for POSIX shells; the profile is named unless
 * it is the default one; --yes stands where the command would ask.
 */
#define CMDLINE_MAX TAIL_TEXT_MAX /* as long as a line of the log may be */

struct cmdline {
    char text[CMDLINE_MAX];
    size_t len;
    bool cut; /* it did not fit: `text` is a remark instead, and no command */
};

/* "muster [--profile P] COMMAND"; `command` is one or more plain words. */
void cmdline_begin(struct cmdline *c, const struct profile *p, const char *command);
/* One more word, quoted when it needs it. */
void cmdline_word(struct cmdline *c, const char *word);
/* "--NAME VALUE" */
void cmdline_option(struct cmdline *c, const char *name, const char *value);
/* The line, or a remark that it was too long. */
const char *cmdline_text(const struct cmdline *c);

/* Each fills `c` from nothing. `set`: of VERB_CONFIG, else NULL. */
void cmdline_device(struct cmdline *c, const struct profile *p, enum verb verb, const char *id,
                    const struct order_config *set);
void cmdline_act(struct cmdline *c, const struct profile *p, enum rollout_act act, const char *id,
                 const struct rollout_ask *ask);
void cmdline_silence(struct cmdline *c, const struct profile *p, const struct alert_silence *s,
                     int64_t now_ms);
/* What no option says (a template's other numbers) is told behind a '#'. */
void cmdline_start(struct cmdline *c, const struct profile *p, const struct rollout_plan *plan);

#endif
