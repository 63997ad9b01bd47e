#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "notify/notify.h"
#include "ossl/crypto.h"
#include "store/outbox.h"

#include "commands.h"
#include "output.h"
#include "session.h"

/* ---- notify ls
 * -------------------------------------------------------------------------------------------------
 */

static void events_text(const struct profile_notify *p, char *out, size_t cap)
{
    uint32_t mask = 0;
    size_t used = 0;

    out[0] = '\0';
    if (notify_mask(p->on, &mask, NULL) != 0)
        return;
    for (int i = 0; i < NOTIFY_EVENTS; i++) {
        if (i == NOTIFY_TEST || !(mask & 1u << i))
            continue;
        text_format(out + used, cap - used, "%s%s", used ? "," : "",
                    notify_event_word((enum notify_event)i));
        used += strlen(out + used);
    }
}

static const struct store_sink *row_of(const struct store_sink *row, int count, const char *name)
{
    static const struct store_sink none;

    for (int i = 0; i < count; i++) {
        if (strcmp(row[i].name, name) == 0)
            return &row[i];
    }
    return &none;
}

static json_t *sink_json(const struct profile_notify *p, const char *on, const struct store_sink *r)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:s}", "name", p->name, "kind", p->kind, "on",
                     on, "queued", (int)r->queued, "delivered", (int)r->delivered, "dropped",
                     (int)r->dropped, "error", r->error);
}

static void print_sinks(struct cmd_context *ctx, const struct store_sink *row, int count)
{
    const struct profile *p = ctx->profile;
    json_t *list = json_array();
    char on[160];

    if (!ctx->json && p->notify_count > 0)
        fprintf(ctx->out, "%-16s %-9s %6s %9s %7s  %s\n", "NAME", "KIND", "QUEUED", "DELIVERED",
                "DROPPED", "ON");
    for (size_t i = 0; i < p->notify_count; i++) {
        const struct store_sink *r = row_of(row, count, p->notify[i].name);
        events_text(&p->notify[i], on, sizeof(on));
        json_array_append_new(list, sink_json(&p->notify[i], on, r));
        if (ctx->json)
            continue;
        fprintf(ctx->out, "%-16s %-9s %6u %9u %7u  %s\n", p->notify[i].name, p->notify[i].kind,
                r->queued, r->delivered, r->dropped, on);
        if (r->error[0])
            fprintf(ctx->out, "%16s last error: %s\n", "", r->error);
    }
    if (ctx->json)
        output_json(ctx, list);
    else
        json_decref(list);
}

static int run_ls(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct store *store;
    struct store_sink *row;
    int count;

    (void)args;
    if (ctx->profile->notify_count == 0 && !ctx->json) {
        fprintf(ctx->out, "no [notify NAME] in %s: nobody is told (docs/notify.md)\n",
                ctx->profile->path);
        return EXIT_DONE;
    }
    store = store_open(ctx->profile->journal, true, ossl_crypto(), &ctx->err);
    if (!store)
        return (int)ctx->err.code;
    row = mem_array(OUTBOX_SINKS, sizeof(*row));
    count = store_outbox_sinks(store, row, OUTBOX_SINKS, &ctx->err);
    if (count >= 0)
        print_sinks(ctx, row, count);
    free(row);
    store_close(store);
    return count < 0 ? (int)ctx->err.code : EXIT_DONE;
}

/* ---- notify test
 * -----------------------------------------------------------------------------------------------
 */

static int run_test(struct cmd_context *ctx, const struct cmd_args *args)
{
    if (args->word_count != 1)
        return cmd_fail(ctx, EXIT_USAGE, "which? 'muster notify ls' lists them");
    if (notify_test(ctx->profile, args->word[0], session_now(), &ctx->err) != 0)
        return (int)ctx->err.code;
    if (ctx->json)
        output_json(ctx, json_pack("{s:s, s:b}", "name", args->word[0], "delivered", 1));
    else if (!ctx->quiet)
        fprintf(ctx->out, "%s has taken a test message\n", args->word[0]);
    return EXIT_DONE;
}

const struct command notify_commands[] = {
    { "notify ls", "", "who is told of what, and what waits to be delivered", NULL, run_ls,
      COMMAND_PROFILE, NULL },
    { "notify test", "NAME", "send a test message to one sink, now", NULL, run_test,
      COMMAND_PROFILE,
      "NAME is that of a [notify NAME] section. Waits for the answer: exit code 0 when the sink "
      "has "
      "taken it, 3 when it could not be reached or refused." },
    { 0 },
};
