#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cmd.h"
#include "gateway/cmd.h"
#include "identity/cmd.h"
#include "release/cmd.h"

/* The commands of identity, release and gateway without the rest of the console, for their tests:
 * --json may come first, there are no profiles. */
int main(int argc, char **argv)
{
    static const struct command *const tables[] = { identity_commands, release_commands,
                                                    gateway_commands, NULL };
    struct log log = { .sink = log_to_stderr, .least = LOG_INFO };
    struct cmd_context ctx = { .out = stdout, .log = &log, .program = argv[0] };
    struct cmd_args args;
    int used, at = 1;
    if (argc > 1 && strcmp(argv[1], "--json") == 0) {
        ctx.json = true;
        at++;
    }
    const struct command *command = cmd_find(tables, argc - at, argv + at, &used);
    if (!command)
        return EXIT_USAGE;
    int rc = cmd_parse(command, argc - at - used, argv + at + used, &args, &ctx.err);
    rc = rc == 0 ? command->run(&ctx, &args) : (int)ctx.err.code;
    if (rc != EXIT_DONE && ctx.err.text[0])
        fprintf(stderr, "%s\n", ctx.err.text);
    return rc;
}
