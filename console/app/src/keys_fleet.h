#ifndef APP_KEYS_FLEET_H
#define APP_KEYS_FLEET_H

#include "base/cmd.h"
#include "identity/keys.h"

/* How far a keyset has come in the fleet. */
struct adoption {
    uint32_t devices; /* that have ever said a status */
    uint32_t have;    /* the version asked for, or a later one */
    uint32_t unknown; /* did not say theirs: offline, or firmware without keysets */
};

/* At least 99 of 100, and at least one. */
bool adoption_is_enough(const struct adoption *a);
/* Ask the broker. 0, or -1 and ctx->err. */
int adoption_of(struct cmd_context *ctx, uint32_t version, struct adoption *out);

cmd_run_fn cmd_keys_push, cmd_keys_status;

#endif
