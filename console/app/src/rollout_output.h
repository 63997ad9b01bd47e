#ifndef APP_ROLLOUT_OUTPUT_H
#define APP_ROLLOUT_OUTPUT_H

#include "base/cmd.h"
#include "rollout/plan.h"
#include "rollout/rollout.h"
#include "store/store.h"

/* How rollouts are printed, for people and with --json. Nothing here changes anything. */
void rollout_output_list(struct cmd_context *ctx, const struct store_rollout_row *row,
                         size_t count);
void rollout_output_show(struct cmd_context *ctx, const struct rollout *r);
void rollout_output_event(struct cmd_context *ctx, const struct store_event *event);
void rollout_output_summary(struct cmd_context *ctx, const struct rollout *r);
void rollout_output_preview(struct cmd_context *ctx, const struct rollout_plan *plan,
                            const struct plan_set *set, const struct plan_preview *preview,
                            const struct plan_candidate *candidate);

#endif
