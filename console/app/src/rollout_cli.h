#ifndef APP_ROLLOUT_CLI_H
#define APP_ROLLOUT_CLI_H

#include "base/cmd.h"
#include "protocol/limits.h"
#include "store/store.h"

/* What the rollout commands share. */

/* The profile's journal; NULL and ctx->err. */
struct store *rollout_journal(struct cmd_context *ctx, bool read_only);
/* The id given as the first word, or the newest rollout's. 0, or -1 and ctx->err. */
int rollout_which(struct cmd_context *ctx, const struct cmd_args *args, struct store *store,
                  char id[PROTO_ROLLOUT_MAX]);

#endif
