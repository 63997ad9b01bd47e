#include <stdlib.h>

#include "base/text.h"
#include "influx/influx.h"
#include "device_json.h"

#include "commands.h"
#include "config.h"
#include "output.h"

/* What a profile's reader has to say, collected instead of printed. */
struct findings {
    struct cmd_context *ctx;
    json_t *list;
    int warnings;
};

static void take(void *at, enum log_level level, const char *line)
{
    struct findings *f = at;

    const char *severity = level == LOG_ERROR ? "error" : "warning";
    f->warnings += level != LOG_ERROR;
    if (f->ctx->json)
        json_array_append_new(
            f->list, json_pack("{s:s, s:o}", "severity", severity, "text", clean_json(line)));
    else
        fprintf(f->ctx->out, "%-7s  %s\n", severity, line);
}

static void finish(struct findings *f, const char *path, const struct err *err)
{
    struct cmd_context *ctx = f->ctx;

    if (ctx->json) {
        if (err)
            json_array_append_new(f->list, json_pack("{s:s, s:o}", "severity", "error", "text",
                                                     clean_json(err->text)));
        output_json(ctx, f->list);
        return;
    }
    json_decref(f->list);
    if (err)
        fprintf(ctx->out, "error    %s\n", err->text);
    else if (!ctx->quiet)
        fprintf(ctx->out, "%s: good, %d warning%s\n", path, f->warnings,
                f->warnings == 1 ? "" : "s");
}

static int run_check(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct findings f = { .ctx = ctx, .list = json_array() };
    struct log log = { .sink = take, .ctx = &f, .least = LOG_WARN };
    struct profile profile;
    struct err err;

    if (args->word_count > 1) {
        json_decref(f.list);
        return cmd_fail(ctx, EXIT_USAGE, "one profile at a time");
    }
    const char *name =
        args->word_count ? args->word[0] : cmd_get(args, "profile", getenv("MUSTER_PROFILE"));
    int rc = config_load(name, &profile, &log, &err);
    if (rc == 0 && *profile.influx.url && influx_check(&profile, &err))
        rc = err_prefix(&err, "%s", profile.path);
    finish(&f, profile.path, rc ? &err : NULL);
    return rc ? EXIT_USAGE : f.warnings ? EXIT_NO : EXIT_DONE;
}

const struct command config_commands[] = {
    { "config check", "[PROFILE]",
      "read a profile and say what is wrong with it, with line numbers", NULL, run_check,
      COMMAND_NO_PROFILE,
      "Exit code 0 when all is well, 1 when there are unknown keys (a newer muster may know them), "
      "2 when it can't be used. 'muster doctor' then looks whether broker, gateway and keys are "
      "there." },
    { 0 },
};
