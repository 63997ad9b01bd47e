#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "device_json.h"

#include "commands.h"
#include "config.h"
#include "config_look.h"
#include "output.h"

/* What a profile's reader has to say, collected, and printed by line. */
enum { FINDINGS = 200 };

struct finding {
    bool error;
    int line; /* 0: of the whole file */
    char text[640];
};

struct findings {
    const char *path;
    struct finding *row; /* [FINDINGS] */
    size_t count, errors;
};

/* "PATH:12: …" */
static int line_in(const char *path, const char *text)
{
    size_t len = strlen(path);

    return strncmp(text, path, len) == 0 && text[len] == ':' ? (int)strtol(text + len + 1, NULL, 10)
                                                             : 0;
}

static void take(void *at, enum log_level level, const char *line)
{
    struct findings *f = at;
    char text[sizeof(f->row[0].text)];

    text_clean(text, sizeof(text), line, strlen(line)); /* a profile may be any file at all */
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->row[i].text, text) == 0)
            return;
    f->errors += level == LOG_ERROR;
    if (f->count == FINDINGS)
        return;
    struct finding *row = &f->row[f->count++];
    row->error = level == LOG_ERROR;
    row->line = line_in(f->path, line);
    text_copy(row->text, sizeof(row->text), text);
}

static int by_line(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;

    return x->line != y->line ? (x->line < y->line ? -1 : 1) : strcmp(x->text, y->text);
}

static void print(struct cmd_context *ctx, struct findings *f)
{
    json_t *list = json_array();

    qsort(f->row, f->count, sizeof(f->row[0]), by_line);
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *row = &f->row[i];
        const char *severity = row->error ? "error" : "warning";
        if (ctx->json)
            json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "severity", severity, "line",
                                                  row->line ? json_integer(row->line) : json_null(),
                                                  "text", clean_json(row->text)));
        else
            fprintf(ctx->out, "%-7s  %s\n", severity, row->text);
    }
    size_t warnings = f->count - f->errors;
    if (!ctx->json && !ctx->quiet && !f->errors)
        fprintf(ctx->out, "%s: good, %zu warning%s\n", f->path, warnings, warnings == 1 ? "" : "s");
    if (ctx->json)
        output_json(ctx, list);
    else
        json_decref(list);
}

static int run_check(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct profile profile = { 0 };
    struct findings f = { .path = profile.path };
    struct log log = { .sink = take, .ctx = &f, .least = LOG_WARN };
    struct err err;

    if (args->word_count > 1)
        return cmd_fail(ctx, EXIT_USAGE, "one profile at a time");
    const char *name =
        args->word_count ? args->word[0] : cmd_get(args, "profile", getenv("MUSTER_PROFILE"));
    f.row = mem_array(FINDINGS, sizeof(*f.row));
    if (config_load(name, &profile, &log, &err))
        take(&f, LOG_ERROR, err.text);
    config_look(&profile, &log);
    print(ctx, &f);
    free(f.row);
    return f.errors ? EXIT_USAGE : f.count ? EXIT_NO : EXIT_DONE;
}

const struct command config_commands[] = {
    { "config check", "[PROFILE]",
      "read a profile and say what is wrong with it, with line numbers", NULL, run_check,
      COMMAND_NO_PROFILE,
      "Also keys, alert rules, sources, sinks and theme, as those who use them will read them. "
      "Exit "
      "code 0 when all is well, 1 when there are warnings (a newer muster may know that key), 2 "
      "when it can't be used. 'muster doctor' then looks whether broker, gateway and keys are "
      "there." },
    { 0 },
};
