#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/text.h"

#include "commands.h"
#include "config.h"
#include "unknown.h"

/* Before a command's word only options of every command and the console's may stand. */
static bool takes_value(const char *word)
{
    const struct option *const tables[] = { cmd_common_options, app_console_command.options };

    if (strncmp(word, "--", 2) != 0)
        return false; /* none of these has a letter and a value */
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (const struct option *o = tables[t]; o && o->name; o++)
            if (o->arg && strcmp(o->name, word + 2) == 0)
                return true;
    return false;
}

/* The first argument that is a command's word: options with their values may stand before it. */
static int command_start(int argc, char **argv)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-')
        i += takes_value(argv[i]) ? 2 : 1;
    return i < argc ? i : argc;
}

static void usage(FILE *out)
{
    fputs("usage: muster [--profile NAME] [--json] [--no-color] [-q] [-v] [COMMAND …]\n\n"
          "Without a command: the console. Commands:\n\n",
          out);
    for (const struct command *const *t = app_command_tables; *t; t++) {
        for (const struct command *c = *t; c->name; c++)
            fprintf(out, "  %-20s %s\n", c->name, c->summary);
    }
    fputs("\n'muster COMMAND --help' says more. Exit codes: 0 done, 1 the answer is no, 2 wrong "
          "usage,\n"
          "3 could not reach or authenticate, 4 refused by rule.\n",
          out);
}

static int load_profile(struct cmd_context *ctx, const struct command *command,
                        const struct cmd_args *args, struct profile *profile)
{
    const char *name = cmd_get(args, "profile", getenv("MUSTER_PROFILE"));

    if (command->flags == COMMAND_NO_PROFILE)
        return 0;
    if (command->flags == COMMAND_MAYBE_PROFILE && !name) {
        char path[PROFILE_PATH_MAX];
        if (config_path(NULL, path, sizeof(path), NULL) || access(path, R_OK))
            return 0;
    }
    if (config_load(name, profile, ctx->log, &ctx->err))
        return -1;
    ctx->profile = profile;
    return 0;
}

/* Options before the command belong to it too: they are moved behind it. */
static int gather(int argc, char **argv, int start, int used, char **out)
{
    int n = 0;
    for (int i = start + used; i < argc; i++)
        out[n++] = argv[i];
    int words = n;
    /* In front of the command's own words, so that a "--" there doesn't hide them. */
    memmove(out + (start - 1), out, (size_t)words * sizeof(*out));
    memcpy(out, argv + 1, (size_t)(start - 1) * sizeof(*out));
    return words + start - 1;
}

static int run(struct cmd_context *ctx, const struct command *command, int argc, char **argv)
{
    struct cmd_args args;
    static const char *const no_color = "NO_COLOR";
    const char *env = getenv(no_color);

    if (cmd_parse(command, argc, argv, &args, &ctx->err))
        return EXIT_USAGE;
    if (cmd_has(&args, "help")) {
        cmd_help(command, ctx->out);
        return EXIT_DONE;
    }
    ctx->json = cmd_has(&args, "json");
    ctx->quiet = cmd_has(&args, "quiet");
    ctx->verbose = cmd_has(&args, "verbose");
    ctx->color = !cmd_has(&args, "no-color") && !(env && *env);
    struct log log = { .sink = log_to_stderr,
                       .least = ctx->verbose ? LOG_DEBUG
                                : ctx->quiet ? LOG_ERROR
                                             : LOG_WARN };
    ctx->log = &log;

    struct profile profile;
    if (load_profile(ctx, command, &args, &profile))
        return (int)ctx->err.code;
    return command->run(ctx, &args);
}

int main(int argc, char **argv)
{
    struct cmd_context ctx = { .out = stdout, .program = argv[0] };
    char **rest = calloc((size_t)argc + 1, sizeof(*rest));
    int start = command_start(argc, argv);
    int used = 0;

    if (!rest)
        return EXIT_NO;
    const struct command *command = cmd_find(app_command_tables, argc - start, argv + start, &used);
    if (!command && start < argc) {
        free(rest);
        return unknown_command(argc - start, argv + start);
    }
    bool help = start == argc && argc > 1 &&
                (strcmp(argv[argc - 1], "--help") == 0 || strcmp(argv[argc - 1], "-h") == 0);
    if (help) {
        usage(stdout);
        free(rest);
        return EXIT_DONE;
    }
    if (!command)
        command = &app_console_command;
    int count = gather(argc, argv, start, used, rest);
    int rc = run(&ctx, command, count, rest);
    if (rc != EXIT_DONE && ctx.err.text[0])
        fprintf(stderr, "muster: %s\n", ctx.err.text);
    free(rest);
    if (fflush(stdout) || ferror(stdout))
        return rc ? rc : EXIT_NO;
    return rc;
}
