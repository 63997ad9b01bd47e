#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "ossl/crypto.h"
#include "store/keep.h"

#include "commands.h"
#include "keeping.h"
#include "output.h"
#include "session.h"

static struct store *opened(struct cmd_context *ctx, bool read_only)
{
    if (!ctx->profile->journal[0]) {
        err_set(&ctx->err, EXIT_USAGE, "%s: [journal] path is missing", ctx->profile->path);
        return NULL;
    }
    return store_open(ctx->profile->journal, read_only, ossl_crypto(), &ctx->err);
}

static void when(int64_t ms, char out[32])
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm;

    text_copy(out, 32, "-");
    if (ms > 0 && gmtime_r(&t, &tm))
        strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* ---- verify
 * ----------------------------------------------------------------------------------------------------
 */

static int run_verify(struct cmd_context *ctx, const struct cmd_args *args)
{
    int64_t row = 0;
    struct store_facts facts;
    struct store *store = opened(ctx, true);
    int rc = store ? store_audit_verify(store, &row, &ctx->err) : -1;

    (void)args;
    if (rc >= 0 && store_facts(store, &facts, &ctx->err) != 0)
        rc = -1;
    store_close(store);
    if (rc < 0)
        return (int)ctx->err.code;
    if (ctx->json)
        output_json(ctx, json_pack("{s:b, s:I, s:s}", "whole", rc == 0, "row", (json_int_t)row,
                                   "hash", rc == 0 ? facts.audit_hash : ""));
    else if (rc == 0)
        fprintf(ctx->out, "the audit chain is whole up to row %lld%s%s\n", (long long)row,
                facts.audit_hash[0] ? ", hash " : "", facts.audit_hash);
    else
        fprintf(ctx->out,
                "the audit chain is broken at row %lld: it, or one before it, was changed\n",
                (long long)row);
    return rc == 0 ? EXIT_DONE : EXIT_NO;
}

/* ---- show
 * ------------------------------------------------------------------------------------------------------
 */

static json_t *facts_json(const struct cmd_context *ctx, const struct store_facts *f,
                          const char *oldest, const char *engine)
{
    json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "path", ctx->profile->journal, "id",
                          f->id, "schema", (json_int_t)f->schema, "bytes", (json_int_t)f->bytes,
                          "free_bytes", (json_int_t)f->free_bytes, "oldest", oldest);
    json_object_update_new(o, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "rollouts",
                                        (json_int_t)f->rollouts, "living", (json_int_t)f->living,
                                        "devices", (json_int_t)f->devices, "orders",
                                        (json_int_t)f->orders, "acts", (json_int_t)f->acts,
                                        "events", (json_int_t)f->events, "audit",
                                        (json_int_t)f->audit, "outbox", (json_int_t)f->outbox));
    json_object_update_new(o, json_pack("{s:I, s:s, s:I, s:s}", "audit_row",
                                        (json_int_t)f->audit_row, "audit_hash", f->audit_hash,
                                        "anchor_row", (json_int_t)f->anchor_row, "engine", engine));
    return o;
}

static void print_facts(struct cmd_context *ctx, const struct store_facts *f, const char *oldest,
                        const char *engine)
{
    fprintf(ctx->out, "journal   %s\nid        %s, schema %lld\n", ctx->profile->journal, f->id,
            (long long)f->schema);
    fprintf(ctx->out, "size      %.1f MB, %.1f MB of it free\n", (double)f->bytes / 1e6,
            (double)f->free_bytes / 1e6);
    fprintf(ctx->out, "rollouts  %lld, %lld of them alive; %lld rows of devices, %lld orders\n",
            (long long)f->rollouts, (long long)f->living, (long long)f->devices,
            (long long)f->orders);
    fprintf(ctx->out, "story     %lld acts, %lld events; the oldest of %s\n", (long long)f->acts,
            (long long)f->events, oldest);
    fprintf(ctx->out, "audit     %lld rows, the last is %lld %s\n", (long long)f->audit,
            (long long)f->audit_row, f->audit_hash);
    if (f->anchor_row)
        fprintf(ctx->out, "          rows up to %lld were taken out by age\n",
                (long long)f->anchor_row);
    fprintf(ctx->out, "waiting   %lld notifications\nengine    %s\n", (long long)f->outbox, engine);
}

static int run_show(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct store_facts f;
    char oldest[32], engine[160] = "nobody runs it";
    struct store *store = opened(ctx, true);
    int rc = store ? store_facts(store, &f, &ctx->err) : -1;

    (void)args;
    if (rc == 0)
        store_engine_holder(store, engine, sizeof(engine), NULL);
    store_close(store);
    if (rc != 0)
        return (int)ctx->err.code;
    when(f.oldest_ms, oldest);
    if (ctx->json)
        output_json(ctx, facts_json(ctx, &f, oldest, engine));
    else
        print_facts(ctx, &f, oldest, engine);
    return EXIT_DONE;
}

/* ---- export
 * ----------------------------------------------------------------------------------------------------
 */

static void put(json_t *o, const char *key, const char *value)
{
    if (value && *value)
        json_object_set_new(o, key, json_string(value));
}

static void add_own(json_t *o, const struct store_record *r)
{
    json_t *plan;

    if (strcmp(r->kind, "rollout") == 0) {
        plan = r->extra ? json_loads(r->extra, 0, NULL) : NULL;
        json_object_set_new(o, "plan", plan ? plan : json_null());
        json_object_set_new(o, "devices", json_integer(r->number));
        put(o, "state", r->what);
        put(o, "release", r->text);
    } else if (strcmp(r->kind, "act") == 0) {
        put(o, "act", r->what);
        put(o, "ask", r->extra);
        put(o, "result", r->text);
        json_object_set_new(o, "taken", json_boolean(r->number > 0));
        json_object_set_new(o, "refused", json_boolean(r->bad));
    } else if (strcmp(r->kind, "event") == 0) {
        put(o, "text", r->text);
        json_object_set_new(o, "bad", json_boolean(r->bad));
    } else if (strcmp(r->kind, "order") == 0) {
        put(o, "verb", r->what);
        put(o, "jws", r->extra);
        json_object_set_new(o, "seq", json_integer(r->number));
        json_object_set_new(o, "attempt", json_integer(r->attempt));
    } else {
        put(o, "what", r->what);
        put(o, "hash", r->hash);
    }
}

static void export_line(void *ctx, const struct store_record *r)
{
    struct cmd_context *c = ctx;
    char time_text[32];
    json_t *o = json_object();

    when(r->ts_ms, time_text);
    put(o, "kind", r->kind);
    json_object_set_new(o, "id", json_integer(r->id));
    put(o, "time", time_text);
    json_object_set_new(o, "ts_ms", json_integer(r->ts_ms));
    put(o, "rollout", r->rollout);
    put(o, "device", r->device);
    put(o, "who", r->who);
    add_own(o, r);
    json_dumpf(o, c->out, JSON_COMPACT);
    fputc('\n', c->out);
    json_decref(o);
}

/* "7d" ago, or a UTC day. 0, or -1. */
static int since_of(const char *text, int64_t now_ms, int64_t *out, struct err *err)
{
    uint64_t s;
    int y, m, d;

    *out = 0;
    if (!text)
        return 0;
    if (text_to_seconds(text, &s)) {
        *out = now_ms - (int64_t)s * 1000;
        return 0;
    }
    if (strlen(text) == 10 && sscanf(text, "%4d-%2d-%2d", &y, &m, &d) == 3 && m >= 1 && m <= 12 &&
        d >= 1 && d <= 31 && y >= 1970) {
        /* Days since 1970 in the proleptic Gregorian calendar, by March-based years. */
        int64_t a = (14 - m) / 12, year = y + 4800 - a, month = m + 12 * a - 3;
        int64_t day = d + (153 * month + 2) / 5 + 365 * year + year / 4 - year / 100 + year / 400 -
                      32045 - 2440588;
        *out = day * 86400000;
        return 0;
    }
    return err_set(err, EXIT_USAGE,
                   "--since wants a time like 7d or a day like 2026-11-20, not '%s'", text);
}

static int run_export(struct cmd_context *ctx, const struct cmd_args *args)
{
    int64_t since_ms;
    const char *rollout = cmd_get(args, "rollout", NULL);
    struct store *store;

    if (since_of(cmd_get(args, "since", NULL), session_now(), &since_ms, &ctx->err) != 0)
        return EXIT_USAGE;
    store = opened(ctx, true);
    int rc = store ? store_export(store, since_ms, rollout, export_line, ctx, &ctx->err) : -1;
    store_close(store);
    return rc == 0 ? EXIT_DONE : (int)ctx->err.code;
}

/* ---- ls
 * --------------------------------------------------------------------------------------------------------
 */

struct act_list {
    struct cmd_context *ctx;
    json_t *json;
};

static void list_act(void *ctx, const struct store_record *r)
{
    struct act_list *l = ctx;
    char time_text[32];
    bool taken = r->number > 0;

    if (strcmp(r->kind, "act") != 0)
        return;
    when(r->ts_ms, time_text);
    if (l->ctx->json) {
        json_array_append_new(l->json,
                              json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:s}", "time", time_text,
                                        "who", r->who, "rollout", r->rollout, "act", r->what,
                                        "taken", taken, "refused", r->bad, "result", r->text));
        return;
    }
    fprintf(l->ctx->out, "%s  %-24s %-16s %-9s %s%s\n", time_text, r->who, r->rollout, r->what,
            !taken   ? "waits for an engine"
            : r->bad ? "refused: "
                     : "",
            taken ? r->text : "");
}

static int run_ls(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct act_list l = { .ctx = ctx, .json = json_array() };
    int64_t since_ms;
    struct store *store = NULL;
    int rc = since_of(cmd_get(args, "since", NULL), session_now(), &since_ms, &ctx->err);

    if (rc == 0)
        store = opened(ctx, true);
    rc = store ? store_export(store, since_ms, cmd_get(args, "rollout", NULL), list_act, &l,
                              &ctx->err)
               : -1;
    store_close(store);
    if (rc == 0 && ctx->json)
        output_json(ctx, l.json);
    else
        json_decref(l.json);
    return rc == 0 ? EXIT_DONE : (int)ctx->err.code;
}

/* ---- prune
 * -----------------------------------------------------------------------------------------------------
 */

static int prune_all(struct store *store, const struct store_keep *keep, struct store_pruned *gone,
                     struct err *err)
{
    int rc;

    while ((rc = store_prune(store, keep, session_now(), gone, err)) == 1)
        ;
    return rc;
}

/* On a terminal it asks; without one it wants --yes. */
static bool confirmed(struct cmd_context *ctx, const struct cmd_args *args)
{
    char line[16] = "";

    if (cmd_has(args, "yes"))
        return true;
    if (!isatty(STDIN_FILENO)) {
        err_set(&ctx->err, EXIT_REFUSED, "not confirmed: say --yes");
        return false;
    }
    fprintf(stderr, "Take out what is over and older, for good? [y/N] ");
    err_set(&ctx->err, EXIT_REFUSED, "nothing was taken out");
    return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

static int run_prune(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct store_keep keep;
    struct store_pruned gone = { 0 };
    uint32_t age_s = 0;

    keeping_of(ctx->profile, &keep);
    if (ctx->profile->ui.read_only)
        return cmd_fail(ctx, EXIT_REFUSED, "this profile is read-only ([ui] read_only)");
    if (cmd_seconds(args, "keep", (uint32_t)(keep.age_ms / 1000), &age_s, &ctx->err) != 0)
        return EXIT_USAGE;
    if (!confirmed(ctx, args))
        return (int)ctx->err.code;
    keep.age_ms = (int64_t)age_s * 1000;
    struct store *store = opened(ctx, false);
    int rc = store ? prune_all(store, &keep, &gone, &ctx->err) : -1;
    if (rc == 0 && cmd_has(args, "compact"))
        rc = store_compact(store, &ctx->err);
    store_close(store);
    if (rc != 0)
        return (int)ctx->err.code;
    if (ctx->json)
        output_json(ctx, json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "rollouts", (int)gone.rollouts,
                                   "devices", (int)gone.devices, "orders", (int)gone.orders, "acts",
                                   (int)gone.acts, "events", (int)gone.events, "audit",
                                   (int)gone.audit));
    else
        fprintf(ctx->out,
                "taken out: %u rollouts with %u devices, %u orders, %u acts, %u events, "
                "%u audit rows\n",
                gone.rollouts, gone.devices, gone.orders, gone.acts, gone.events, gone.audit);
    return EXIT_DONE;
}

/* clang-format off */
static const struct option export_options[] = {
    { "since", 0, "TIME", "what was written since: 7d, 12h, or a UTC day like 2026-11-20" },
    { "rollout", 0, "ID", "only of this rollout (audit rows name none and are left out)" },
    { 0 },
};
static const struct option prune_options[] = {
    { "keep", 0, "TIME", "keep what is younger (default: the profile's keep_days)" },
    { "compact", 0, NULL, "and give the room back to the disk; not while an engine runs" },
    { "yes", 0, NULL, "do not ask" },
    { 0 },
};

const struct command journal_commands[] = {
    { "journal show", "", "what the journal holds, how large it is, who runs the engine", NULL, run_show, COMMAND_PROFILE, NULL },
    { "journal ls", "", "what operators asked for, and what became of it", export_options, run_ls, COMMAND_PROFILE, NULL },
    { "journal verify", "", "check the hash chain of the audit trail", NULL, run_verify, COMMAND_PROFILE,
      "Exit code 0 when it is whole, 1 and the row when it is not. The hash of the last row, kept elsewhere, shows later that nobody made "
      "the whole chain anew." },
    { "journal export", "", "rollouts, acts, events, orders and audit as JSON, an object per line", export_options, run_export, COMMAND_PROFILE,
      "Kind by kind, each oldest first." },
    { "journal prune", "", "take out what is over and old; the engine does so by itself once an hour", prune_options, run_prune, COMMAND_PROFILE,
      "Never a rollout that may still move. The audit chain stays verifiable." },
    { 0 },
};
/* clang-format on */
