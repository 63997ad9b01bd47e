#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "files/files.h"
#include "fleet/filter.h"
#include "ossl/crypto.h"
#include "rollout_json/plan_json.h"
#include "screens/stages.h"

#include "commands.h"
#include "output.h"
#include "planning.h"
#include "rollout_output.h"
#include "session.h"

enum { LIST_MAX = 256, ACT_WAIT_MS = 10000, EVENTS_MAX = 64 };

/* ---- the plan: a file, options, or both
 * --------------------------------------------------------------------------- */

static int read_plan_file(const char *path, struct rollout_plan *plan, struct err *err)
{
    char *text;
    size_t len;

    if (files_read(strcmp(path, "-") ? path : "/dev/stdin", PLAN_JSON_BYTES, &text, &len, err))
        return -1;
    int rc = plan_decode(text, len, plan, err);
    free(text);
    return rc ? err_prefix(err, "%s", path) : 0;
}

static int rate_option(const struct cmd_args *args, const char *name, double *out, struct err *err)
{
    const char *text = cmd_get(args, name, NULL);
    double value;

    if (!text)
        return 0;
    if (!text_to_double(text, &value) || value < 0 || value > 1)
        return err_set(err, EXIT_USAGE, "--%s wants a rate from 0 to 1, not '%s'", name, text);
    *out = value;
    return 0;
}

static int number_options(const struct cmd_args *args, struct rollout_plan *plan, struct err *err)
{
    const struct {
        const char *name;
        uint32_t *at;
        bool time;
    } numbers[] = {
        { "jitter", &plan->jitter_s, true },
        { "trial", &plan->trial_s, true },
        { "in-flight", &plan->in_flight, false },
        { "deadline", &plan->deadline_s, true },
        { "silence-after", &plan->gate.silence_after_s, true },
        { "min-sample", &plan->gate.min_sample, false },
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int rc =
            numbers[i].time
                ? cmd_seconds(args, numbers[i].name, *numbers[i].at, numbers[i].at, err)
                : cmd_u32(args, numbers[i].name, 0, UINT32_MAX, *numbers[i].at, numbers[i].at, err);
        if (rc)
            return -1;
    }
    uint32_t retries = 0;
    if (cmd_u32(args, "retries", 0, PLAN_RETRY_MOST, 0, &retries, err))
        return -1;
    if (cmd_has(args, "retries"))
        plan_set_retries(plan, retries);
    return 0;
}

/* --soak is for the stages that say nothing of it themselves; those of a file or the usual ones
 * give way. */
static void soak_where_unsaid(struct rollout_plan *plan, uint32_t soak_s, bool only_unsaid)
{
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        if (!only_unsaid || plan->stage[i].soak_s == 0)
            plan->stage[i].soak_s = soak_s;
    }
}

static int make_plan(const struct cmd_args *args, struct rollout_plan *plan, struct err *err)
{
    const char *text;
    char problem[128];
    uint32_t soak = 0;
    double allowed = -1;

    if (args->word_count > 1)
        return err_set(err, EXIT_USAGE, "one plan file at most");
    memset(plan, 0, sizeof(*plan));
    plan_defaults(plan);
    if (args->word_count == 1 ? read_plan_file(args->word[0], plan, err)
                              : (plan_default_stages(plan), 0))
        return -1;
    if ((text = cmd_get(args, "release", NULL)) && plan_set_release(plan, text, err))
        return -1;
    if ((text = cmd_get(args, "target", NULL)) &&
        !text_copy(plan->target, sizeof(plan->target), text))
        return err_set(err, EXIT_USAGE, "--target is longer than %d bytes", PLAN_TARGET_MAX - 1);
    if (cmd_seconds(args, "soak", 0, &soak, err) ||
        rate_option(args, "allowed-failure", &allowed, err) || number_options(args, plan, err))
        return -1;
    if ((text = cmd_get(args, "stages", NULL)) &&
        stages_parse(text, plan, problem, sizeof(problem)))
        return err_set(err, EXIT_USAGE, "--%s", problem);
    if (cmd_has(args, "soak"))
        soak_where_unsaid(plan, soak, text != NULL);
    if (allowed >= 0) {
        plan->gate.allowed_failure = plan->stop.allowed_failure = allowed;
        for (uint32_t i = 0; i < plan->stage_count; i++)
            plan->stage[i].allowed_failure = allowed;
    }
    if (!plan->product[0])
        return err_set(err, EXIT_USAGE, "which release? --release product@version, or a plan file");
    return plan_check(plan, err);
}

/* ---- what plan and start share
 * ------------------------------------------------------------------------------------ */

struct wish {
    struct rollout_plan plan;
    struct session *session;
    struct release_store *releases;
    const struct release_entry *release;
    struct plan_candidate *candidate;
    uint32_t count;
};

static void wish_free(struct wish *w)
{
    free(w->candidate);
    release_store_close(w->releases);
    session_close(w->session);
}

static int wish_make(struct cmd_context *ctx, const struct cmd_args *args, unsigned parts,
                     struct wish *w)
{
    struct session_config config = {
        .profile = ctx->profile, .log = ctx->log, .parts = parts, .name = "plan"
    };
    struct filter_error mistake;
    char name[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX];

    memset(w, 0, sizeof(*w));
    if (make_plan(args, &w->plan, &ctx->err))
        return -1;
    struct filter *filter = filter_compile(w->plan.target, &mistake);
    if (!filter)
        return err_set(&ctx->err, EXIT_USAGE, "target: %s (at byte %zu of '%s')", mistake.text,
                       mistake.at, w->plan.target);
    text_format(name, sizeof(name), "%s@%s", w->plan.product, w->plan.version);
    w->releases = release_store_open(ctx->profile->store_dir, ossl_crypto(), &ctx->err);
    w->release = w->releases
                     ? planning_release(ctx->profile, w->releases, ossl_crypto(), name, &ctx->err)
                     : NULL;
    int rc = -1;
    if (w->release && (w->session = session_open(&config, &ctx->err)) &&
        !session_settle(w->session, 0, &ctx->err)) {
        w->count =
            planning_candidates(session_fleet(w->session), filter, session_now(), &w->candidate);
        rc = 0;
    }
    filter_free(filter);
    return rc;
}

static int preview(struct cmd_context *ctx, const struct wish *w, const char *id)
{
    struct plan_set set;
    struct plan_preview p;

    if (plan_resolve(&w->plan, &w->release->release, id, ossl_crypto(), w->candidate, w->count,
                     session_now(), &set, &ctx->err))
        return -1;
    plan_preview(&w->plan, &set, w->release->release.size, 100000, &p);
    rollout_output_preview(ctx, &w->plan, &set, &p, w->candidate);
    plan_set_free(&set);
    return 0;
}

static int run_plan(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct wish w;
    int rc = wish_make(ctx, args, SESSION_FLEET, &w) || preview(ctx, &w, "preview")
                 ? (int)ctx->err.code
                 : EXIT_DONE;
    wish_free(&w);
    return rc;
}

/* ---- start
 * --------------------------------------------------------------------------------------------------------
 */

static int confirm(struct cmd_context *ctx, const struct cmd_args *args, const struct wish *w)
{
    char answer[16], wanted[16];

    if (ctx->profile->ui.read_only)
        return err_set(&ctx->err, EXIT_REFUSED, "this profile is read-only ([ui] read_only)");
    if (cmd_has(args, "yes"))
        return 0;
    if (!isatty(STDIN_FILENO))
        return err_set(&ctx->err, EXIT_REFUSED,
                       "a rollout to %u devices: say --yes to start it without being asked",
                       w->count);
    if (preview(ctx, w, "preview"))
        return -1;
    fprintf(stderr, "Type the number of candidates (%u) to start: ", w->count);
    text_format(wanted, sizeof(wanted), "%u\n", w->count);
    if (!fgets(answer, sizeof(answer), stdin) || strcmp(answer, wanted) != 0)
        return err_set(&ctx->err, EXIT_NO, "nothing was started");
    return 0;
}

static void warn_without_engine(struct cmd_context *ctx, struct store *store)
{
    char holder[160];
    struct err err;

    if (store_engine_holder(store, holder, sizeof(holder), &err) == 0)
        log_say(
            ctx->log, LOG_WARN,
            "nobody runs the engine, so nothing will move: start 'muster serve', the console, or "
            "'muster rollout watch'");
}

static int run_start(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct wish w;
    char id[PROTO_ROLLOUT_MAX] = "", who[65];

    if (wish_make(ctx, args, SESSION_JOURNAL, &w) || confirm(ctx, args, &w)) {
        wish_free(&w);
        return (int)ctx->err.code;
    }
    session_who(who, sizeof(who));
    struct planning p = { .profile = ctx->profile,
                          .crypto = ossl_crypto(),
                          .store = session_store(w.session),
                          .plan = &w.plan,
                          .release = w.release,
                          .candidate = w.candidate,
                          .count = w.count,
                          .who = who };
    int rc = planning_start(&p, session_now(), id, &ctx->err) ? (int)ctx->err.code : EXIT_DONE;
    if (rc == EXIT_DONE) {
        warn_without_engine(ctx, session_store(w.session));
        if (ctx->json)
            output_json(ctx, json_pack("{s:s, s:s}", "rollout", id, "state", "started"));
        else
            fprintf(ctx->out, "%s started; 'muster rollout watch %s' follows it\n", id, id);
    }
    wish_free(&w);
    return rc;
}

/* ---- ls, show
 * -----------------------------------------------------------------------------------------------------
 */

static struct store *open_journal(struct cmd_context *ctx, bool read_only)
{
    if (!ctx->profile->journal[0]) {
        err_set(&ctx->err, EXIT_USAGE, "%s: [journal] path is missing", ctx->profile->path);
        return NULL;
    }
    return store_open(ctx->profile->journal, read_only, ossl_crypto(), &ctx->err);
}

static int run_rollout_ls(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct store *store = open_journal(ctx, true);
    struct store_rollout_row *row = mem_array(LIST_MAX, sizeof(*row));
    int n = store ? store_rollout_list(store, row, LIST_MAX, &ctx->err) : -1;

    (void)args;
    if (n >= 0)
        rollout_output_list(ctx, row, (size_t)n);
    free(row);
    store_close(store);
    return n < 0 ? (int)ctx->err.code : EXIT_DONE;
}

/* The id given, or the newest rollout's. 0, or -1. */
static int which(struct cmd_context *ctx, const struct cmd_args *args, struct store *store,
                 char id[PROTO_ROLLOUT_MAX])
{
    struct store_rollout_row row;

    if (args->word_count > 1)
        return err_set(&ctx->err, EXIT_USAGE, "one rollout id at most");
    if (args->word_count == 1) {
        if (!text_copy(id, PROTO_ROLLOUT_MAX, args->word[0]))
            return err_set(&ctx->err, EXIT_USAGE, "no rollout '%s'", args->word[0]);
        return 0;
    }
    int n = store_rollout_list(store, &row, 1, &ctx->err);
    if (n < 0)
        return -1;
    if (n == 0)
        return err_set(&ctx->err, EXIT_NO, "there is no rollout yet");
    return text_copy(id, PROTO_ROLLOUT_MAX, row.id) ? 0 : -1;
}

static int run_show(struct cmd_context *ctx, const struct cmd_args *args)
{
    char id[PROTO_ROLLOUT_MAX];
    struct store *store = open_journal(ctx, true);
    struct rollout *r = NULL;

    if (store && !which(ctx, args, store, id))
        r = store_rollout_load(store, id, &ctx->err);
    if (r)
        rollout_output_show(ctx, r);
    store_close(store);
    int rc = r ? EXIT_DONE : (int)ctx->err.code;
    rollout_free(r);
    return rc;
}

/* ---- acts
 * ---------------------------------------------------------------------------------------------------------
 */

static int say_act(struct cmd_context *ctx, const char *id, const struct store_act *act)
{
    if (ctx->json)
        output_json(ctx, json_pack("{s:s, s:s, s:b, s:b, s:s}", "rollout", id, "act",
                                   rollout_act_word(act->act), "taken", (int)act->consumed,
                                   "refused", (int)act->refused, "result", act->result));
    else if (act->consumed)
        fprintf(ctx->out, "%s: %s %s%s%s\n", id, rollout_act_word(act->act),
                act->refused ? "refused" : "done", *act->result ? ": " : "", act->result);
    if (act->consumed)
        return act->refused ? EXIT_REFUSED : EXIT_DONE;
    return cmd_fail(ctx, EXIT_NO,
                    "%s: %s is in the journal, but nobody runs the engine to carry it out: start "
                    "'muster serve', "
                    "the console, or 'muster rollout watch'",
                    id, rollout_act_word(act->act));
}

static int act_and_wait(struct cmd_context *ctx, struct store *store, const char *id,
                        enum rollout_act what)
{
    char who[65];
    int64_t number;
    struct store_act act = { .act = what };
    int64_t until = session_now() + ACT_WAIT_MS;

    session_who(who, sizeof(who));
    if (store_act_add(store, who, id, what, session_now(), &number, &ctx->err))
        return (int)ctx->err.code;
    do {
        if (store_act_get(store, number, &act, &ctx->err) < 0)
            return (int)ctx->err.code;
        poll(NULL, 0, act.consumed ? 0 : 100);
    } while (!act.consumed && session_now() < until);
    return say_act(ctx, id, &act);
}

static int run_act(struct cmd_context *ctx, const struct cmd_args *args, enum rollout_act what)
{
    char id[PROTO_ROLLOUT_MAX];
    int rc;

    if (ctx->profile->ui.read_only)
        return cmd_fail(ctx, EXIT_REFUSED, "this profile is read-only ([ui] read_only)");
    if (args->word_count != 1)
        return cmd_fail(ctx, EXIT_USAGE, "rollout %s wants a rollout id", rollout_act_word(what));
    if (what == ROLLOUT_ACT_ABORT && !cmd_has(args, "yes") && !isatty(STDIN_FILENO))
        return cmd_fail(ctx, EXIT_REFUSED, "abort %s: say --yes to do it without being asked",
                        args->word[0]);
    if (what == ROLLOUT_ACT_ABORT && !cmd_has(args, "yes")) {
        char answer[PROTO_ROLLOUT_MAX + 2] = "";
        fprintf(stderr,
                "Devices waiting or downloading stop and keep what they run; those past the switch "
                "finish.\n"
                "Type %s to abort: ",
                args->word[0]);
        if (!fgets(answer, sizeof(answer), stdin) ||
            strncmp(answer, args->word[0], strlen(args->word[0])) != 0)
            return cmd_fail(ctx, EXIT_NO, "nothing was aborted");
    }
    struct store *store = open_journal(ctx, false);
    if (!store || which(ctx, args, store, id))
        rc = (int)ctx->err.code;
    else
        rc = act_and_wait(ctx, store, id, what);
    store_close(store);
    return rc;
}

static int run_pause(struct cmd_context *ctx, const struct cmd_args *args)
{
    return run_act(ctx, args, ROLLOUT_ACT_PAUSE);
}

static int run_resume(struct cmd_context *ctx, const struct cmd_args *args)
{
    return run_act(ctx, args, ROLLOUT_ACT_RESUME);
}

static int run_abort(struct cmd_context *ctx, const struct cmd_args *args)
{
    return run_act(ctx, args, ROLLOUT_ACT_ABORT);
}

/* ---- watch: linear, for pipes and screen readers; leads when nobody else does
 * --------------------------------------- */

static int print_events(struct cmd_context *ctx, struct store *store, const char *id,
                        int64_t *after)
{
    struct store_event *event = mem_array(EVENTS_MAX, sizeof(*event));
    int n = store_event_list(store, id, *after, event, EVENTS_MAX, &ctx->err);

    for (int i = 0; i < n; i++) {
        *after = event[i].id;
        rollout_output_event(ctx, &event[i]);
    }
    free(event);
    return n;
}

static int verdict(const struct rollout *r)
{
    if (r->state == ROLLOUT_DONE)
        return EXIT_DONE;
    if (r->state == ROLLOUT_ABORTED || r->state == ROLLOUT_STOPPED)
        return EXIT_NO;
    return -1;
}

static int run_rollout_watch(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct session_config config = {
        .profile = ctx->profile, .log = ctx->log, .parts = SESSION_ENGINE, .name = "watch"
    };
    char id[PROTO_ROLLOUT_MAX];
    int64_t after = 0;
    int rc = -1;
    struct session *s = session_open(&config, &ctx->err);

    if (!s || which(ctx, args, session_store(s), id)) {
        session_close(s);
        return (int)ctx->err.code;
    }
    signals_install();
    while (rc < 0) {
        const struct rollout *r = engine_find(session_engine(s), id);
        if (!r) {
            rc = cmd_fail(ctx, EXIT_USAGE, "there is no rollout '%s': see 'muster rollout ls'", id);
        } else if (print_events(ctx, session_store(s), id, &after) == 0 && (rc = verdict(r)) >= 0) {
            rollout_output_summary(ctx, r);
        } else if (!session_poll(s, NULL, 0, 200)) {
            rc = cmd_fail(ctx, EXIT_NO,
                          "interrupted; the rollout goes on when somebody runs the engine");
        }
    }
    session_close(s);
    return rc;
}

/* ---- tables
 * -------------------------------------------------------------------------------------------------------
 */

static const struct option plan_options[] = {
    { "release", 'r', "PRODUCT@VERSION", "what to roll out" },
    { "target", 't', "FILTER",
      "which devices, in the console's filter language (default: all it fits)" },
    { "stages", 0, "LIST",
      "[NAME:]N or N%, /SOAK behind it: 2,100% or canary:10/1h,early:5%/6h,rest:100%" },
    { "soak", 0, "TIME", "how long a device is watched after its update before it counts as done" },
    { "jitter", 0, "TIME", "each device draws its start within this time" },
    { "trial", 0, "TIME", "how long the new firmware must live before it is kept" },
    { "in-flight", 0, "N", "most devices under way at a time" },
    { "retries", 0, "N", "further attempts after network or power errors" },
    { "deadline", 0, "TIME", "orders expire then" },
    { "allowed-failure", 0, "RATE",
      "0 to 1; the first of several stages allows none unless this is given" },
    { "min-sample", 0, "N", "results a gate wants at least" },
    { "silence-after", 0, "TIME", "a device not heard of for so long counts as silent" },
    { "yes", 'y', NULL, "start without being asked" },
    { 0 },
};

static const struct option yes_options[] = { { "yes", 'y', NULL, "do it without being asked" },
                                             { 0 } };

const struct command rollout_commands[] = {
    { "rollout plan", "[FILE]",
      "show who would get a release, when, and what the gates can show; sends nothing",
      plan_options, run_plan, COMMAND_PROFILE, NULL },
    { "rollout start", "[FILE]", "start a rollout from a plan file, options, or both", plan_options,
      run_start, COMMAND_PROFILE, NULL },
    { "rollout ls", "", "list rollouts, newest first", NULL, run_rollout_ls, COMMAND_PROFILE,
      NULL },
    { "rollout show", "[ID]", "stages, gate and devices of a rollout (default: the newest)", NULL,
      run_show, COMMAND_PROFILE, NULL },
    { "rollout watch", "[ID]", "follow a rollout to its end; runs the engine when nobody else does",
      NULL, run_rollout_watch, COMMAND_PROFILE,
      "Exit code 0 when the rollout is done, 1 when it stopped or was aborted." },
    { "rollout pause", "ID", "start nothing new", NULL, run_pause, COMMAND_PROFILE, NULL },
    { "rollout resume", "ID", "go on; acknowledges the failures seen so far", NULL, run_resume,
      COMMAND_PROFILE, NULL },
    { "rollout abort", "ID", "call devices back that wait or download; the others finish",
      yes_options, run_abort, COMMAND_PROFILE, NULL },
    { 0 },
};
