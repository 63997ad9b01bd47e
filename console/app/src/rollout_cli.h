#ifndef APP_ROLLOUT_CLI_H
#define APP_ROLLOUT_CLI_H

#include "base/cmd.h"
#include "protocol/limits.h"
#include "store/store.h"

/* What the rollout commands share. */

/* The profile's journal; NULL and ctx->err. */
struct store *rollout_journal(struct cmd_context *ctx, bool read_only);
/* `muster rollout ls`. */
extern const struct option rollout_list_options[];
int rollout_list_run(struct cmd_context *ctx, const struct cmd_args *args);
/* What the journal does not hold: how far the devices say they are, and who drives. Both are with
 * whoever leads. */
struct rollout_drive;
void rollout_drive_look(struct cmd_context *ctx, struct store *store, struct rollout *r,
                        struct rollout_drive *out);
/* The id given as the first word, or the newest rollout's. 0, or -1 and ctx->err. */
int rollout_which(struct cmd_context *ctx, const struct cmd_args *args, struct store *store,
                  char id[PROTO_ROLLOUT_MAX]);
/* Wait for some seconds for the engine to take the act of that number. *act says what became of it,
 * if anything (`consumed`). -1 and *err when the journal can't be read. */
int rollout_act_wait(struct store *store, int64_t number, struct store_act *act, struct err *err);

#endif
