#include "base/cmd.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

const struct option cmd_common_options[] = {
    { "profile", 0, "NAME", "profile: a name in the configuration folder, or a path" },
    { "json", 0, NULL, "one JSON document; one object per line where it streams" },
    { "no-color", 0, NULL, "no colour, as with NO_COLOR" },
    { "quiet", 'q', NULL, "say only what was asked for" },
    { "verbose", 'v', NULL, "say what is being done" },
    { "help", 'h', NULL, "this text" },
    { 0 },
};

static const struct option *find_long(const struct option *table, const char *name, size_t len)
{
    for (; table && table->name; table++) {
        if (strlen(table->name) == len && memcmp(table->name, name, len) == 0)
            return table;
    }
    return NULL;
}

static const struct option *find_letter(const struct option *table, char letter)
{
    for (; table && table->name; table++) {
        if (table->letter == letter)
            return table;
    }
    return NULL;
}

static const struct option *find_option(const struct command *command, const char *text,
                                        const char **value)
{
    const struct option *o;

    *value = NULL;
    if (text[1] != '-') {
        o = find_letter(command->options, text[1]);
        if (!o)
            o = find_letter(cmd_common_options, text[1]);
        if (o && text[2])
            *value = text + 2;
        return o;
    }
    size_t len = strcspn(text + 2, "=");
    o = find_long(command->options, text + 2, len);
    if (!o)
        o = find_long(cmd_common_options, text + 2, len);
    if (o && text[2 + len] == '=')
        *value = text + 3 + len;
    return o;
}

/* One option at argv[i]; returns how many words it took, or -1. */
static int take_option(const struct command *command, int left, char **argv, struct cmd_args *args,
                       struct err *err)
{
    const char *value;
    const struct option *o = find_option(command, argv[0], &value);
    int used = 1;

    if (!o)
        return err_set(err, EXIT_USAGE, "unknown option %s: see 'muster %s --help'", argv[0],
                       command->name);
    if (args->option_count == CMD_OPTIONS_MAX)
        return err_set(err, EXIT_USAGE, "more than %d options", CMD_OPTIONS_MAX);
    if (!o->arg && value)
        return err_set(err, EXIT_USAGE, "--%s takes no argument", o->name);
    if (o->arg && !value) {
        if (left < 2)
            return err_set(err, EXIT_USAGE, "--%s wants %s", o->name, o->arg);
        value = argv[1];
        used = 2;
    }
    args->option[args->option_count] = o;
    args->value[args->option_count++] = value ? value : "";
    return used;
}

int cmd_parse(const struct command *command, int argc, char **argv, struct cmd_args *args,
              struct err *err)
{
    bool options = true;

    args->option_count = 0;
    args->word_count = 0;
    for (int i = 0; i < argc;) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
            i++;
        } else if (options && argv[i][0] == '-' && argv[i][1]) {
            int used = take_option(command, argc - i, argv + i, args, err);
            if (used < 0)
                return -1;
            i += used;
        } else {
            if (args->word_count == CMD_WORDS_MAX)
                return err_set(err, EXIT_USAGE, "more than %d arguments", CMD_WORDS_MAX);
            args->word[args->word_count++] = argv[i++];
        }
    }
    return 0;
}

bool cmd_has(const struct cmd_args *args, const char *name)
{
    return cmd_nth(args, name, 0) != NULL;
}

const char *cmd_nth(const struct cmd_args *args, const char *name, size_t i)
{
    for (size_t k = 0; k < args->option_count; k++) {
        if (strcmp(args->option[k]->name, name) == 0 && i-- == 0)
            return args->value[k];
    }
    return NULL;
}

const char *cmd_get(const struct cmd_args *args, const char *name, const char *otherwise)
{
    const char *value = otherwise;
    for (size_t k = 0; k < args->option_count; k++) {
        if (strcmp(args->option[k]->name, name) == 0)
            value = args->value[k];
    }
    return value;
}

int cmd_u32(const struct cmd_args *args, const char *name, uint32_t min, uint32_t max,
            uint32_t otherwise, uint32_t *out, struct err *err)
{
    const char *text = cmd_get(args, name, NULL);
    uint64_t value = otherwise;

    if (text && !text_to_u64(text, min, max, &value))
        return err_set(err, EXIT_USAGE, "--%s wants a whole number from %u to %u, not '%s'", name,
                       min, max, text);
    *out = (uint32_t)value;
    return 0;
}

int cmd_seconds(const struct cmd_args *args, const char *name, uint32_t otherwise, uint32_t *out,
                struct err *err)
{
    const char *text = cmd_get(args, name, NULL);
    uint64_t value = otherwise;

    if (text && (!text_to_seconds(text, &value) || value > UINT32_MAX))
        return err_set(err, EXIT_USAGE, "--%s wants a time like 90, 15m, 2h or 7d, not '%s'", name,
                       text);
    *out = (uint32_t)value;
    return 0;
}

/* How many of argv's words the command's name takes when it matches, else 0. */
static int name_matches(const char *name, int argc, char **argv)
{
    int used = 0;
    for (const char *p = name; *p; used++) {
        size_t len = strcspn(p, " ");
        if (used >= argc || strlen(argv[used]) != len || memcmp(argv[used], p, len) != 0)
            return 0;
        p += len;
        if (*p)
            p++;
    }
    return used;
}

const struct command *cmd_find(const struct command *const *tables, int argc, char **argv,
                               int *used)
{
    for (; *tables; tables++) {
        for (const struct command *c = *tables; c->name; c++) {
            int n = name_matches(c->name, argc, argv);
            if (n) {
                *used = n;
                return c;
            }
        }
    }
    return NULL;
}

int cmd_fail(struct cmd_context *ctx, enum exit_code code, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(ctx->err.text, sizeof(ctx->err.text), format, ap);
    va_end(ap);
    ctx->err.code = code;
    return (int)code;
}

static void help_options(const char *title, const struct option *options, FILE *out)
{
    if (!options || !options->name)
        return;
    fprintf(out, "\n%s\n", title);
    for (const struct option *o = options; o->name; o++) {
        char left[64];
        char letter[8] = "";
        if (o->letter)
            text_format(letter, sizeof(letter), "-%c, ", o->letter);
        text_format(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->arg ? " " : "",
                    o->arg ? o->arg : "");
        fprintf(out, "  %-28s %s\n", left, o->help);
    }
}

void cmd_help(const struct command *command, FILE *out)
{
    fprintf(out, "usage: muster %s%s%s%s\n\n%s\n", command->name,
            command->options && command->options->name ? " [options]" : "",
            command->words && *command->words ? " " : "", command->words ? command->words : "",
            command->summary);
    if (command->description)
        fprintf(out, "\n%s\n", command->description);
    help_options("options", command->options, out);
    help_options("every command", cmd_common_options, out);
}
