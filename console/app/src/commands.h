#ifndef APP_COMMANDS_H
#define APP_COMMANDS_H

#include "base/cmd.h"

/* All tables, ended by NULL: dispatch, --help, man pages and completion are made from these. */
extern const struct command *const app_command_tables[];
/* What runs without a command: the console. */
extern const struct command app_console_command;

extern const struct command show_commands[];    /* device show */
extern const struct command config_commands[];  /* config check */
extern const struct command alerts_commands[];  /* alerts, alerts ack, silence, rules … */
extern const struct command fleet_commands[];   /* ls watch tail */
extern const struct command history_commands[]; /* history */
extern const struct command device_commands[];  /* device config, reboot, identify */
extern const struct command keys_commands[]; /* keys show, rotate, retire, revoke, push, status */
extern const struct command rollout_commands[];     /* rollout plan start ls show watch */
extern const struct command rollout_act_commands[]; /* rollout pause … rollback, set */
extern const struct command template_commands[];    /* rollout template */
extern const struct command serve_commands[];       /* serve, doctor, demo */
extern const struct command journal_commands[];     /* journal show, ls, verify, export, prune */
extern const struct command notify_commands[];      /* notify ls, test */
extern const struct command help_commands[];        /* man, completion */
extern const struct command complete_commands[];    /* complete: what completion asks */

#endif
