#ifndef APP_ROLLOUT_OUTPUT_H
#define APP_ROLLOUT_OUTPUT_H

#include <jansson.h>

#include "base/cmd.h"
#include "rollout/rollout.h"
#include "store/store.h"

#define ROLLOUT_HOLDS_MAX (ROLLOUT_WHY_MAX + 16)

/* A rollout of a list. `holds`: what it waits for; "" when it moves, or its row says why not. */
struct rollout_listed {
    struct store_rollout_row row;
    char holds[ROLLOUT_HOLDS_MAX];
};
/* How rollouts are printed, for people and with --json. Nothing here changes anything. */
void rollout_output_list(struct cmd_context *ctx, const struct rollout_listed *list, size_t count);
/* A row as --json has it, but for `holds`. */
json_t *rollout_row_json(const struct store_rollout_row *row);
/* Of a rollout that is not over: who drives it, and since when that one has heard nothing. */
struct rollout_drive {
    char engine[160]; /* text for people; empty: nobody */
    int64_t heard_ms; /* when the engine last had its link to the broker; 0: not known */
    bool deaf;        /* too long ago */
};
void rollout_output_show(struct cmd_context *ctx, const struct rollout *r,
                         const struct rollout_drive *drive);
void rollout_output_event(struct cmd_context *ctx, const struct store_event *event);
void rollout_output_summary(struct cmd_context *ctx, const struct rollout *r);

#endif
