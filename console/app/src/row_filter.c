#include "row_filter.h"

int row_filter(struct cmd_context *ctx, const struct cmd_args *args, const struct filter_rows *rows,
               struct filter **out)
{
    const char *text = cmd_get(args, "filter", NULL);
    struct filter_error mistake;
    char said[FILTER_SAID_MAX];

    *out = NULL;
    if (!text)
        return 0;
    *out = filter_compile_rows(text, rows, &mistake);
    if (*out)
        return 0;
    return err_set(&ctx->err, EXIT_USAGE, "--filter: %s\n        %s\n        %*s^",
                   filter_error_said(&mistake, text, said), text, (int)mistake.at, "");
}
