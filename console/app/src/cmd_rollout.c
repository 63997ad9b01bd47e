#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "files/files.h"
#include "fleet/filter.h"
#include "ossl/crypto.h"
#include "protocol/id.h"

#include "commands.h"
#include "output.h"
#include "plan_options.h"
#include "planning.h"
#include "preview_output.h"
#include "rollout_cli.h"
#include "rollout_output.h"
#include "rollout_progress.h"
#include "session.h"
#include "zone_file.h"
#include "zones.h"

enum { EVENTS_MAX = 64 };

/* ---- what plan and start share
 * ------------------------------------------------------------------------------------ */

struct wish {
    struct rollout_plan plan;
    struct session *session;
    struct store *journal; /* to look into; NULL: there is none */
    struct release_store *releases;
    const struct release_entry *release;
    struct plan_candidate *candidate;
    uint32_t count;
};

static void wish_free(struct wish *w)
{
    free(w->candidate);
    release_store_close(w->releases);
    store_close(w->journal);
    session_close(w->session);
}

/* The journal knows whose firmware failed before; a profile without one can be planned for, too. */
static void mark(struct cmd_context *ctx, struct wish *w)
{
    if (ctx->profile->journal[0] && files_exists(ctx->profile->journal))
        w->journal = store_open(ctx->profile->journal, true, ossl_crypto(), NULL);
    planning_mark(w->journal, w->release->image, w->candidate, w->count);
}

static int wish_make(struct cmd_context *ctx, const struct cmd_args *args, unsigned parts,
                     struct wish *w)
{
    struct session_config config = {
        .profile = ctx->profile, .log = ctx->log, .parts = parts, .name = "plan"
    };
    struct filter_error mistake;
    char said[FILTER_SAID_MAX];
    char name[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX];

    memset(w, 0, sizeof(*w));
    if (plan_make(args, 0, true, &w->plan, &ctx->err) || planning_check_zone(&w->plan, &ctx->err))
        return -1;
    struct filter *filter = filter_compile(w->plan.target, &mistake);
    if (!filter)
        return err_set(&ctx->err, EXIT_USAGE, "target: %s in '%s'",
                       filter_error_said(&mistake, w->plan.target, said), w->plan.target);
    text_format(name, sizeof(name), "%s@%s", w->plan.product, w->plan.version);
    w->releases = release_store_open(ctx->profile->store_dir, ossl_crypto(), &ctx->err);
    w->release = w->releases
                     ? planning_release(ctx->profile, w->releases, ossl_crypto(), name, &ctx->err)
                     : NULL;
    int rc = -1;
    if (w->release && (w->session = session_open(&config, &ctx->err)) &&
        !session_settle(w->session, 0, &ctx->err)) {
        const char *unknown = filter_unknown(filter, session_fleet(w->session));
        w->count =
            planning_candidates(session_fleet(w->session), filter, session_now(), &w->candidate);
        mark(ctx, w);
        rc = !unknown ? 0
                      : err_set(&ctx->err, EXIT_USAGE,
                                "target: no device has a reading or a group '%s:…' in '%s'",
                                unknown, w->plan.target);
    }
    filter_free(filter);
    return rc;
}

/* The zone of the window; in device time that of the first device. NULL without a window. */
static struct zone *window_zone(const struct wish *w, const struct plan_set *set, const char **name)
{
    struct zone *zone;

    *name = w->plan.window.tz;
    if (w->plan.window.days == 0)
        return NULL;
    if (plan_is_in_device_time(&w->plan))
        *name = plan_label(&w->candidate[set->member[0].candidate], PLAN_TZ_LABEL);
    zone = mem_alloc(sizeof(*zone));
    zone_load(zone, NULL, *name, NULL);
    return zone;
}

/* The release that brings devices too old for the jump far enough for it. */
static const char *step_release(const struct wish *w)
{
    const struct release *aim = &w->release->release;
    const struct release_entry *best = NULL;

    for (size_t i = 0; aim->min_from[0] && i < release_store_count(w->releases); i++) {
        const struct release_entry *e = release_store_at(w->releases, i);
        if (strcmp(e->release.product, aim->product) == 0 && e->release.seq < aim->seq &&
            semver_compare(e->release.version, aim->min_from) >= 0 &&
            (!best || e->release.seq > best->release.seq))
            best = e;
    }
    return best ? best->ref : NULL;
}

/* Download slots that are taken at once are those of one stage, and no more than in_flight. */
static uint32_t most_at_once(const struct wish *w, const struct plan_set *set)
{
    uint32_t most = 0;

    for (uint32_t s = 0; s < w->plan.stage_count; s++)
        most = set->stage_size[s] > most ? set->stage_size[s] : most;
    return most < w->plan.in_flight ? most : w->plan.in_flight;
}

/* *devices: how many will get it. */
static int preview(struct cmd_context *ctx, const struct cmd_args *args, const struct wish *w,
                   uint32_t *devices)
{
    struct preview_view v = { .plan = &w->plan, .candidate = w->candidate, .rate = 100000 };
    const char *rate = cmd_get(args, "rate", NULL);
    struct plan_set set;
    struct err conflict;

    if ((rate && plan_bytes(rate, "--rate", &v.rate, &ctx->err)) ||
        cmd_u32(args, "peak", 1, PLAN_DEVICES, 0, &v.peak, &ctx->err) ||
        plan_resolve(&w->plan, &w->release->release, "preview", ossl_crypto(), w->candidate,
                     w->count, session_now(), &set, &ctx->err))
        return -1;
    struct zone *zone = window_zone(w, &set, &v.zone_name);
    v.set = &set;
    v.zone = zone;
    v.step = step_release(w);
    if (w->journal && planning_check_free(w->journal, w->candidate, &set, &conflict))
        v.conflict = conflict.text;
    plan_preview(&w->plan, &set, w->release->release.size, v.rate, &v.preview);
    plan_schedule(&w->plan, &set, w->candidate, zone, session_now() / 1000, &v.preview);
    if (v.peak)
        v.peak_jitter_s = plan_jitter_for_peak(most_at_once(w, &set), v.preview.download_s, v.peak);
    preview_output(ctx, &v);
    *devices = set.count;
    free(zone);
    plan_set_free(&set);
    return 0;
}

static int run_plan(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct wish w;
    uint32_t devices;
    int rc = wish_make(ctx, args, SESSION_FLEET, &w) || preview(ctx, args, &w, &devices)
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
    uint32_t devices;

    if (ctx->profile->ui.read_only)
        return err_set(&ctx->err, EXIT_REFUSED, "this profile is read-only ([ui] read_only)");
    if (cmd_has(args, "yes"))
        return 0;
    if (!isatty(STDIN_FILENO))
        return err_set(&ctx->err, EXIT_REFUSED,
                       "a rollout to %u devices: say --yes to start it without being asked",
                       w->count);
    if (preview(ctx, args, w, &devices))
        return -1;
    fprintf(stderr, "Type the number of devices (%u) to start: ", devices);
    text_format(wanted, sizeof(wanted), "%u\n", devices);
    if (!fgets(answer, sizeof(answer), stdin) || strcmp(answer, wanted) != 0)
        return err_set(&ctx->err, EXIT_NO, "nothing was started");
    return 0;
}

/* What the preview would have said to whom was not asked. */
static void warn_notes(struct cmd_context *ctx, const struct wish *w)
{
    char note[PLAN_NOTES][PLAN_NOTE_TEXT];
    struct plan_set set;

    if (plan_resolve(&w->plan, &w->release->release, "preview", ossl_crypto(), w->candidate,
                     w->count, session_now(), &set, NULL))
        return;
    uint32_t count = plan_notes(&w->plan, &set, w->candidate, note);
    for (uint32_t i = 0; i < count; i++)
        log_say(ctx->log, LOG_WARN, "%s", note[i]);
    plan_set_free(&set);
}

/* The engine has the last word: another start may have been a moment earlier. */
static int see_it_start(struct cmd_context *ctx, struct store *store, const char *id,
                        int64_t number)
{
    char holder[160], who[65];
    struct store_act act = { 0 };

    if (store_engine_holder(store, holder, sizeof(holder), &ctx->err) == 0) {
        log_say(
            ctx->log, LOG_WARN,
            "nobody runs the engine, so nothing will move: start 'muster serve', the console, or "
            "'muster rollout watch'");
        return 0;
    }
    if (rollout_act_wait(store, number, &act, &ctx->err))
        return -1;
    if (!act.consumed || !act.refused)
        return 0;
    session_who(who, sizeof(who));
    planning_give_up(store, who, id, session_now());
    return err_set(&ctx->err, EXIT_REFUSED, "%s was not started: %s", id, act.result);
}

static int run_start(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct wish w;
    char id[PROTO_ROLLOUT_MAX] = "", who[65];
    int64_t act;

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
    bool started = planning_start(&p, session_now(), id, &act, &ctx->err) == 0 &&
                   see_it_start(ctx, p.store, id, act) == 0;
    if (started) {
        if (cmd_has(args, "yes"))
            warn_notes(ctx, &w);
        if (ctx->json)
            output_json(ctx, json_pack("{s:s, s:s}", "rollout", id, "state", "started"));
        else
            fprintf(ctx->out, "%s started; 'muster rollout watch %s' follows it\n", id, id);
    }
    wish_free(&w);
    return started ? EXIT_DONE : (int)ctx->err.code;
}

/* ---- ls, show
 * -----------------------------------------------------------------------------------------------------
 */

struct store *rollout_journal(struct cmd_context *ctx, bool read_only)
{
    if (!ctx->profile->journal[0]) {
        err_set(&ctx->err, EXIT_USAGE, "%s: [journal] path is missing", ctx->profile->path);
        return NULL;
    }
    return store_open(ctx->profile->journal, read_only, ossl_crypto(), &ctx->err);
}

int rollout_which(struct cmd_context *ctx, const struct cmd_args *args, struct store *store,
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
    struct store *store = rollout_journal(ctx, true);
    struct rollout *r = NULL;
    struct rollout_drive drive;

    if (store && !rollout_which(ctx, args, store, id))
        r = store_rollout_load(store, id, &ctx->err);
    if (r) {
        zones_fill(r, ctx->log);
        rollout_look_clock(r, session_now());
        rollout_drive_look(ctx, store, r, &drive);
        rollout_output_show(ctx, r, &drive);
    }
    store_close(store);
    int rc = r ? EXIT_DONE : (int)ctx->err.code;
    rollout_free(r);
    return rc;
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
    struct rollout_progress said = { .said_ms = 0 };
    int64_t after = 0;
    int rc = -1;
    struct session *s = session_open(&config, &ctx->err);

    if (!s || rollout_which(ctx, args, session_store(s), id)) {
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
        } else if (rollout_progress_say(ctx, r, session_now(), &said),
                   !session_poll(s, NULL, 0, 200)) {
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

const struct command rollout_commands[] = {
    { "rollout plan", "[FILE]",
      "show who would get a release, when, and what the gates can show; sends nothing",
      plan_options, run_plan, COMMAND_PROFILE, NULL },
    { "rollout start", "[FILE]", "start a rollout from a plan file, options, or both", plan_options,
      run_start, COMMAND_PROFILE, NULL },
    { "rollout ls", "", "list rollouts, newest first", rollout_list_options, rollout_list_run,
      COMMAND_PROFILE, NULL },
    { "rollout show", "[ID]", "stages, gate and devices of a rollout (default: the newest)", NULL,
      run_show, COMMAND_PROFILE, NULL },
    { "rollout watch", "[ID]", "follow a rollout to its end; runs the engine when nobody else does",
      NULL, run_rollout_watch, COMMAND_PROFILE,
      "Prints what happens and how far it is as lines that are only appended: for pipelines, and "
      "for "
      "screen readers. With --json one object a line: \"kind\" is event, progress or end. Exit "
      "code 0 "
      "when the rollout is done, 1 when it stopped or was aborted." },
    { 0 },
};
