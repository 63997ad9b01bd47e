#include "commands.h"

#include "gateway/cmd.h"
#include "identity/cmd.h"
#include "release/cmd.h"

/* clang-format off */
const struct command *const app_command_tables[] = {
    fleet_commands,
    history_commands,
    show_commands,
    device_commands,
    rollout_commands,
    rollout_act_commands,
    template_commands,
    keys_commands,
    release_commands,
    identity_commands,
    gateway_commands,
    alerts_commands,
    config_commands,
    serve_commands,
    journal_commands,
    notify_commands,
    help_commands,
    complete_commands,
    NULL,
};
/* clang-format on */
