#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "fleet/filter.h"
#include "fleet/rows.h"
#include "store/known.h"

#include "output.h"
#include "rollout_cli.h"
#include "row_filter.h"
#include "rollout_output.h"
#include "session.h"
#include "zones.h"

/* `muster rollout ls`: what the journal's heads say, and of those that are under way what they wait
 * for. */

enum {
    LIST_MAX = 256,
    DEAF_MS = 10000 /* whoever leads notes every two seconds that it listens */
};

static void look_at(void *ctx, const struct known_device *d)
{
    struct rollout *r = ctx;
    uint32_t device = d->has_report ? rollout_find(r, d->id) : ROLLOUT_NO_DEVICE;

    if (device != ROLLOUT_NO_DEVICE)
        rollout_look(r, device, &d->report);
}

void rollout_drive_look(struct cmd_context *ctx, struct store *store, struct rollout *r,
                        struct rollout_drive *out)
{
    int64_t since;
    struct known *known = known_open(ctx->profile->journal, true, NULL);

    memset(out, 0, sizeof(*out));
    if (known && known_each(known, look_at, r, &since, &out->heard_ms, NULL))
        out->heard_ms = 0;
    known_close(known);
    if (store_engine_holder(store, out->engine, sizeof(out->engine), NULL) != 1)
        out->engine[0] = '\0';
    out->deaf = out->heard_ms > 0 && session_now() - out->heard_ms > DEAF_MS;
}

/* What one that is under way waits for; "" when it moves. Who drives comes first: without anybody
 * nothing else counts. */
static void holds_text(struct cmd_context *ctx, struct store *store, const char *id, char *out,
                       size_t cap)
{
    static const char *const before[] = { [ROLLOUT_HOLD_NONE] = "",
                                          [ROLLOUT_HOLD_SAID] = "",
                                          [ROLLOUT_HOLD_APPROVAL] = "holds: ",
                                          [ROLLOUT_HOLD_WINDOW] = "waits: ",
                                          [ROLLOUT_HOLD_GATE] = "missing: " };
    struct rollout_drive drive;
    char text[ROLLOUT_WHY_MAX];
    struct err err;
    struct rollout *r = store_rollout_load(store, id, &err);

    out[0] = '\0';
    if (!r) {
        text_copy(out, cap, err.text);
        return;
    }
    zones_fill(r, ctx->log);
    rollout_look_clock(r, session_now());
    rollout_drive_look(ctx, store, r, &drive);
    enum rollout_hold hold = rollout_holds(r, text, sizeof(text));
    if (!drive.engine[0])
        text_copy(out, cap, "nobody runs the engine, so nothing moves");
    else if (drive.deaf)
        text_copy(out, cap, "holds: the engine has no link to the broker");
    else
        text_format(out, cap, "%s%s", before[hold], text);
    rollout_free(r);
}

static bool is_under_way(enum rollout_state state)
{
    return state == ROLLOUT_DRAFT || state == ROLLOUT_RUNNING || state == ROLLOUT_FINISHING;
}

const struct option rollout_list_options[] = { ROW_FILTER_OPTION, { 0 } };

static bool passes(const struct rollout_listed *l, struct filter *filter)
{
    const struct store_rollout_row *r = &l->row;
    struct rollout_row facts = { .id = r->id,
                                 .state = rollout_state_word(r->state),
                                 .product = r->product,
                                 .version = r->version,
                                 .target = r->target[0] ? r->target : "all",
                                 .who = r->who,
                                 .why = r->why[0] ? r->why : l->holds,
                                 .devices = r->devices,
                                 .done = r->done,
                                 .failed = r->failed,
                                 .stage = r->stage,
                                 .stage_count = r->stage_count,
                                 .started_ms = r->started_ms ? r->started_ms : r->created_ms,
                                 .ended_ms = r->ended_ms,
                                 .over = r->state == ROLLOUT_DONE || r->state == ROLLOUT_ABORTED ||
                                         r->state == ROLLOUT_STOPPED };
    return filter_match_row(filter, &facts, NULL, session_now());
}

/* The rows that pass; how many do. */
static size_t choose(struct cmd_context *ctx, struct store *store,
                     const struct store_rollout_row *row, int n, struct filter *filter,
                     struct rollout_listed *out)
{
    size_t kept = 0;

    for (int i = 0; i < n; i++) {
        struct rollout_listed *l = &out[kept];
        l->row = row[i];
        l->holds[0] = '\0';
        if (is_under_way(row[i].state) && !row[i].why[0])
            holds_text(ctx, store, row[i].id, l->holds, sizeof(l->holds));
        kept += passes(l, filter);
    }
    return kept;
}

int rollout_list_run(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct filter *filter;

    if (row_filter(ctx, args, &rollout_row_fields, &filter))
        return EXIT_USAGE;
    struct store *store = rollout_journal(ctx, true);
    struct store_rollout_row *row = mem_array(LIST_MAX, sizeof(*row));
    struct rollout_listed *list = mem_array(LIST_MAX, sizeof(*list));
    int n = store ? store_rollout_list(store, row, LIST_MAX, &ctx->err) : -1;

    if (n >= 0)
        rollout_output_list(ctx, list, choose(ctx, store, row, n, filter, list));
    filter_free(filter);
    free(list);
    free(row);
    store_close(store);
    return n < 0 ? (int)ctx->err.code : EXIT_DONE;
}
