#include <string.h>

#include "base/text.h"

#include "commands.h"

/* Man pages and completion from the same tables as --help. */

static void roff(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void man_options(FILE *out, const struct option *o)
{
    for (; o && o->name; o++) {
        fputs(".TP\n", out);
        if (o->letter)
            fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
        fputs("\\fB\\-\\-", out);
        roff(out, o->name);
        fprintf(out, "\\fR%s\\fI%s\\fR\n", o->arg ? " " : "", o->arg ? o->arg : "");
        roff(out, o->help);
        fputc('\n', out);
    }
}

static void man_command(FILE *out, const struct command *c)
{
    fputs(".SS muster ", out);
    roff(out, c->name);
    fputs(c->words && *c->words ? " " : "", out);
    roff(out, c->words ? c->words : "");
    fputc('\n', out);
    roff(out, c->summary);
    fputs(".\n", out);
    if (c->description) {
        fputs(".PP\n", out);
        roff(out, c->description);
        fputc('\n', out);
    }
    man_options(out, c->options);
}

static int run_man(struct cmd_context *ctx, const struct cmd_args *args)
{
    FILE *out = ctx->out;

    (void)args;
    fputs(".TH MUSTER 1\n.SH NAME\nmuster \\- watch a fleet of MQTT devices and roll signed "
          "firmware out to it\n"
          ".SH SYNOPSIS\n\\fBmuster\\fR [\\-\\-profile NAME] [COMMAND]\n.SH DESCRIPTION\n"
          "Without a command: the console, a full\\-screen view of the fleet. ? in it shows its "
          "keys.\n"
          ".SH OPTIONS OF EVERY COMMAND\n",
          out);
    man_options(out, cmd_common_options);
    fputs(".SH COMMANDS\n", out);
    for (const struct command *const *t = app_command_tables; *t; t++) {
        for (const struct command *c = *t; c->name; c++)
            man_command(out, c);
    }
    fputs(".SH EXIT STATUS\n0 done, 1 the answer is no, 2 wrong usage, 3 could not reach or "
          "authenticate, 4 refused by rule\n"
          ".SH FILES\n\\fI$XDG_CONFIG_HOME/muster/NAME.ini\\fR: profiles\n"
          ".SH ENVIRONMENT\n\\fBMUSTER_PROFILE\\fR, \\fBNO_COLOR\\fR\n",
          out);
    return EXIT_DONE;
}

static void bash_completion(FILE *out)
{
    fputs("_muster()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} line=\" "
          "${COMP_WORDS[*]:1:COMP_CWORD-1} \"\n    case \"$line\" in\n",
          out);
    for (const struct command *const *t = app_command_tables; *t; t++) {
        for (const struct command *c = *t; c->name; c++) {
            fprintf(out, "    *\" %s \"*) COMPREPLY=($(compgen -W \"", c->name);
            for (const struct option *o = c->options; o && o->name; o++)
                fprintf(out, "--%s ", o->name);
            for (const struct option *o = cmd_common_options; o->name; o++)
                fprintf(out, "--%s ", o->name);
            fputs("\" -- \"$cur\") $(compgen -f -- \"$cur\")); return ;;\n", out);
        }
    }
    fputs("    esac\n    COMPREPLY=($(compgen -W \"", out);
    for (const struct command *const *t = app_command_tables; *t; t++) {
        for (const struct command *c = *t; c->name; c++)
            fprintf(out, "%s ", c->name);
    }
    fputs("\" -- \"$cur\"))\n}\ncomplete -F _muster muster\n", out);
}

static int run_completion(struct cmd_context *ctx, const struct cmd_args *args)
{
    if (args->word_count != 1 || strcmp(args->word[0], "bash") != 0)
        return cmd_fail(ctx, EXIT_USAGE, "completion is made for: bash");
    bash_completion(ctx->out);
    return EXIT_DONE;
}

const struct command help_commands[] = {
    { "man", "", "print the man page", NULL, run_man, COMMAND_NO_PROFILE, NULL },
    { "completion", "bash", "print the shell completion", NULL, run_completion, COMMAND_NO_PROFILE,
      NULL },
    { 0 },
};
