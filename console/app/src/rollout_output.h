#ifndef APP_ROLLOUT_OUTPUT_H
#define APP_ROLLOUT_OUTPUT_H

#include "base/cmd.h"
#include "rollout/rollout.h"
#include "store/store.h"

/* How rollouts are printed, for people and with --json. Nothing here changes anything. */
void rollout_output_list(struct cmd_context *ctx, const struct store_rollout_row *row,
                         size_t count);
void rollout_output_show(struct cmd_context *ctx, const struct rollout *r);
void rollout_output_event(struct cmd_context *ctx, const struct store_event *event);
void rollout_output_summary(struct cmd_context *ctx, const struct rollout *r);

#endif
