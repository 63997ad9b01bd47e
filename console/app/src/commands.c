#include "commands.h"

#include "gateway/cmd.h"
#include "identity/cmd.h"
#include "release/cmd.h"

const struct command *const app_command_tables[] = {
    fleet_commands,  history_commands, device_commands,   rollout_commands,
    keys_commands,   release_commands, identity_commands, gateway_commands,
    alerts_commands, serve_commands,   help_commands,     NULL,
};
