#ifndef APP_ROLLOUT_PROGRESS_H
#define APP_ROLLOUT_PROGRESS_H

#include "base/cmd.h"
#include "rollout/rollout.h"

/*
 * How far a rollout is, as lines that are only ever appended: for pipelines and for screen readers.
 * A line comes when the stage or the state has changed, else when a number has and the last line is
 * PROGRESS_MS old.
 */
#define PROGRESS_MS 5000

/* What the last line said; all zero: there was none. */
struct rollout_progress {
    uint32_t phase[ROLLOUT_PHASES];
    uint32_t stage;
    enum rollout_state state;
    int64_t said_ms;
};

void rollout_progress_say(struct cmd_context *ctx, const struct rollout *r, int64_t now_ms,
                          struct rollout_progress *last);

#endif
