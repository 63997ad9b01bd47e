#include <stdlib.h>
#include <string.h>

#include "rollout_json/plan_json.h"

#include "commands.h"
#include "output.h"
#include "plan_options.h"
#include "templates.h"

static int save(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct rollout_plan plan;

    if (args->word_count < 2)
        return err_set(&ctx->err, EXIT_USAGE, "template save wants a name");
    if (plan_make(args, 2, false, &plan, &ctx->err) ||
        template_save(args->word[1], &plan, &ctx->err))
        return -1;
    if (ctx->json)
        output_json(ctx, json_pack("{s:s}", "template", args->word[1]));
    else
        fprintf(ctx->out, "saved; 'muster rollout start --template %s' begins with it\n",
                args->word[1]);
    return 0;
}

static int list(struct cmd_context *ctx)
{
    char **names;
    int n = template_list(&names, &ctx->err);
    json_t *all = json_array();

    for (int i = 0; i < n; i++) {
        json_array_append_new(all, json_string(names[i]));
        if (!ctx->json)
            fprintf(ctx->out, "%s\n", names[i]);
    }
    if (ctx->json && n >= 0)
        output_json(ctx, json_incref(all));
    json_decref(all);
    template_list_free(names, n);
    return n < 0 ? -1 : 0;
}

static int show(struct cmd_context *ctx, const char *name)
{
    struct rollout_plan plan;

    if (template_load(name, &plan, &ctx->err))
        return -1;
    char *text = plan_encode(&plan);
    json_t *o = json_loads(text, 0, NULL);
    free(text);
    if (ctx->json)
        output_json(ctx, json_incref(o));
    else {
        char *pretty = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        fprintf(ctx->out, "%s\n", pretty ? pretty : "");
        free(pretty);
    }
    json_decref(o);
    return 0;
}

static int run_template(struct cmd_context *ctx, const struct cmd_args *args)
{
    const char *verb = args->word_count > 0 ? args->word[0] : "ls";
    bool one = args->word_count == 2;
    int rc;

    if (strcmp(verb, "save") == 0)
        rc = save(ctx, args);
    else if (strcmp(verb, "ls") == 0 && args->word_count <= 1)
        rc = list(ctx);
    else if (strcmp(verb, "show") == 0 && one)
        rc = show(ctx, args->word[1]);
    else if (strcmp(verb, "rm") == 0 && one)
        rc = template_remove(args->word[1], &ctx->err);
    else
        rc = err_set(&ctx->err, EXIT_USAGE,
                     "rollout template save NAME [FILE], ls, show NAME or rm NAME");
    return rc ? (int)ctx->err.code : EXIT_DONE;
}

const struct command template_commands[] = {
    { "rollout template", "save NAME [FILE] | ls | show NAME | rm NAME",
      "plans saved by name, for --template and the console's dialog", plan_options, run_template,
      COMMAND_NO_PROFILE,
      "save takes a plan file, options, or both, as rollout start does; a release need not be "
      "named. Kept in $XDG_CONFIG_HOME/muster/plans." },
    { 0 },
};
