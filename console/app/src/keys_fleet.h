#ifndef APP_KEYS_FLEET_H
#define APP_KEYS_FLEET_H

#include "base/cmd.h"
#include "fleet/adoption.h"
#include "identity/keys.h"

/* Ask the broker. 0, or -1 and ctx->err. */
int adoption_of(struct cmd_context *ctx, uint32_t version, struct adoption *out);

/* The words of the command as a filter; NULL and ctx->err. filter_free() it. */
struct filter *keys_filter(struct cmd_context *ctx, const struct cmd_args *args);

cmd_run_fn cmd_keys_push, cmd_keys_status;

#endif
