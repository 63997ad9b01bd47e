#ifndef APP_ROW_FILTER_H
#define APP_ROW_FILTER_H

#include "base/cmd.h"
#include "fleet/rows.h"

/* The option that commands with a list have; for their tables. */
#define ROW_FILTER_OPTION                                                                          \
    {                                                                                              \
        "filter", 0, "FILTER", "only rows that pass (docs/console.md)"                             \
    }

/* --filter, compiled for rows of that kind: *out is NULL without one; filter_free() it. 0, or -1
 * and ctx->err with the place of the mistake. */
int row_filter(struct cmd_context *ctx, const struct cmd_args *args, const struct filter_rows *rows,
               struct filter **out);

#endif
