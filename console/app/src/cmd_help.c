#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "commands.h"
#include "screens/keymap.h"
#include "completion.h"

/* Man pages and completion from the same tables as --help. */

static void roff(FILE *out, const char *text)
{
    static const char ellipsis[] = "\xe2\x80\xa6";

    for (; *text; text++) {
        if (strncmp(text, ellipsis, strlen(ellipsis)) == 0) { /* not every troff has it */
            fputs("...", out);
            text += strlen(ellipsis) - 1;
            continue;
        }
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

/* Keys with the same action next to each other, by group, as the help overlay has them. */
static void man_keys(FILE *out)
{
    size_t count;
    const struct key_binding *table = keymap_table(&count);
    char key[16];

    for (int group = 0; group < GROUP_COUNT; group++) {
        fprintf(out, ".SS %s\n", key_group_word((enum key_group)group));
        for (size_t i = 0; i < count; i++) {
            const struct key_binding *b = &table[i];
            if ((int)b->group != group || !b->key[0])
                continue;
            fputs(".TP\n", out);
            for (int k = 0; k < KEYS_PER_ACTION && b->key[k]; k++) {
                fputs(k ? ", \\fB" : "\\fB", out);
                roff(out, key_text(b->key[k], true, key, sizeof(key)));
                fputs("\\fR", out);
            }
            fputc('\n', out);
            roff(out, b->help);
            fprintf(out, " (\\fI:%s\\fR)\n", action_word(b->action));
        }
    }
}

/* A page for one command: what `man muster-rollout-start` shows. */
static int man_page(FILE *out, const struct command *c)
{
    char dashed[64];

    snprintf(dashed, sizeof(dashed), "muster-%s", c->name);
    for (char *at = dashed; *at; at++)
        *at = *at == ' ' ? '-' : *at;
    fputs(".TH ", out);
    roff(out, dashed);
    fputs(" 1\n.SH NAME\n", out);
    roff(out, dashed);
    fputs(" \\- ", out);
    roff(out, c->summary);
    fputs("\n.SH SYNOPSIS\n\\fBmuster ", out);
    roff(out, c->name);
    fputs("\\fR [options] ", out);
    roff(out, c->words ? c->words : "");
    fputs("\n.SH DESCRIPTION\n", out);
    roff(out, c->description ? c->description : c->summary);
    fputs("\n.SH OPTIONS\n", out);
    man_options(out, c->options);
    man_options(out, cmd_common_options);
    fputs(".SH KEYS OF THE CONSOLE\nThe profile's [keys] changes them.\n", out);
    man_keys(out);
    fputs(".SH EXIT STATUS\n0 done, 1 the answer is no, 2 wrong usage, 3 could not reach or "
          "authenticate, 4 refused by rule\n.SH SEE ALSO\n\\fBmuster\\fR(1)\n",
          out);
    return EXIT_DONE;
}

static int one_page(struct cmd_context *ctx, const struct cmd_args *args)
{
    char *word[2] = { NULL, NULL };
    char copy[2][32];
    int used = 0;

    for (size_t i = 0; i < args->word_count && i < 2; i++)
        if (text_copy(copy[i], sizeof(copy[i]), args->word[i]))
            word[i] = copy[i];
    const struct command *c = cmd_find(app_command_tables,
                                       word[1]   ? 2
                                       : word[0] ? 1
                                                 : 0,
                                       word, &used);
    if (!c || used != (int)args->word_count)
        return cmd_fail(ctx, EXIT_USAGE, "no such command: 'muster --help' lists them");
    return man_page(ctx->out, c);
}

static int run_man(struct cmd_context *ctx, const struct cmd_args *args)
{
    FILE *out = ctx->out;

    if (args->word_count)
        return one_page(ctx, args);
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

static int run_completion(struct cmd_context *ctx, const struct cmd_args *args)
{
    if (args->word_count != 1 || !completion_write(args->word[0], ctx->out))
        return cmd_fail(ctx, EXIT_USAGE, "completion is made for: bash, zsh, fish");
    return EXIT_DONE;
}

const struct command help_commands[] = {
    { "man", "[COMMAND]", "print the man page, of all or of one command", NULL, run_man,
      COMMAND_NO_PROFILE, NULL },
    { "completion", "bash|zsh|fish", "print the shell completion", NULL, run_completion,
      COMMAND_NO_PROFILE, NULL },
    { 0 },
};
