#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "fleet/filter.h"
#include "ossl/crypto.h"
#include "store/alerts.h"

#include "alerts_json.h"
#include "commands.h"
#include "config_alert.h"
#include "device_json.h"
#include "output.h"
#include "recorder.h"
#include "row_filter.h"
#include "session.h"

enum { LIST_MAX = 5000 };

static struct store *open_journal(struct cmd_context *ctx, bool read_only)
{
    if (!ctx->profile->journal[0]) {
        err_set(&ctx->err, EXIT_USAGE, "%s: [journal] path is missing: alerts are kept there",
                ctx->profile->path);
        return NULL;
    }
    if (!read_only && ctx->profile->ui.read_only) {
        err_set(&ctx->err, EXIT_REFUSED, "the profile says read_only");
        return NULL;
    }
    return store_open(ctx->profile->journal, read_only, ossl_crypto(), &ctx->err);
}

/* ---- who is silenced ------------------------------------------------------------------------- */

/* Which silence an alert is under needs what is known of the device: its last words. */
struct judged {
    struct fleet *fleet;
    struct alerts *alerts;
};

static void judged_close(struct judged *j)
{
    alerts_free(j->alerts);
    fleet_free(j->fleet);
}

static int set_silences(struct judged *j, struct store *store, struct err *err)
{
    struct store_silence row[ALERT_SILENCES];
    struct alert_silence in_force[ALERT_SILENCES];
    int n = store_silence_list(store, session_now(), row, ALERT_SILENCES, err);

    for (int i = 0; i < n; i++) {
        in_force[i] = (struct alert_silence){ .id = row[i].id, .until_ms = row[i].until_ms };
        text_copy(in_force[i].rule, sizeof(in_force[i].rule), row[i].rule);
        text_copy(in_force[i].target, sizeof(in_force[i].target), row[i].target);
        text_copy(in_force[i].who, sizeof(in_force[i].who), row[i].who);
        text_copy(in_force[i].reason, sizeof(in_force[i].reason), row[i].reason);
    }
    return n < 0 ? -1 : alerts_set_silences(j->alerts, in_force, (size_t)n, session_now(), err);
}

static int judge(struct cmd_context *ctx, struct store *store, const struct store_alert *row, int n,
                 struct judged *j)
{
    const struct profile *p = ctx->profile;
    struct fleet_config config = { .root = p->root };
    struct alert_rule rule[ALERT_RULES];
    size_t count;

    *j = (struct judged){ .fleet = fleet_new(&config) };
    recorder_recall(p->journal, j->fleet, session_now());
    if (config_alerts(p, rule, &count, &ctx->err))
        return -1;
    j->alerts = alerts_new(j->fleet, rule, count, NULL, NULL, &ctx->err);
    if (!j->alerts || set_silences(j, store, &ctx->err))
        return -1;
    for (int i = 0; i < n; i++) {
        if (row[i].cleared_ms)
            continue;
        if (strcmp(row[i].rule, "rollout") != 0 &&
            fleet_find(j->fleet, row[i].subject) == FLEET_NONE)
            fleet_recall(j->fleet, row[i].subject, 0, 0, NULL, NULL, NULL, 0);
        alerts_restore(j->alerts, row[i].rule, row[i].subject, row[i].since_ms, row[i].fired_ms,
                       row[i].text);
    }
    return 0;
}

static const struct alert_silence *silence_of(const struct judged *j, const struct store_alert *row)
{
    const struct alert *const *list;
    size_t n = row->cleared_ms ? 0 : alerts_list(j->alerts, &list);

    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i]->id, row->subject) == 0 &&
            strcmp(alerts_rule(j->alerts, list[i]->rule)->name, row->rule) == 0)
            return alerts_silence_of(j->alerts, list[i]);
    return NULL;
}

/* ---- alerts ---------------------------------------------------------------------------------- */

/* A colleague typed it: it goes to a terminal. Returns out. */
static const char *clean(const char *text, char out[512])
{
    text_clean(out, 512, text, strlen(text));
    return out;
}

static void print_alert(struct cmd_context *ctx, const struct store_alert *a,
                        const struct alert_silence *silence)
{
    char when[40], text[512], who[512];

    output_time(when, sizeof(when), a->fired_ms / 1000);
    text_clean(text, sizeof(text), a->text, strlen(a->text));
    fprintf(ctx->out, "%-4s  %s  %-14s %-20s %s%s%s%s", a->level, when, a->rule, a->subject, text,
            a->cleared_ms ? "  (cleared)" : "", a->ack_ms ? "  seen by " : "", a->ack_who);
    if (silence)
        fprintf(ctx->out, "  muted by %s: %s", clean(silence->who, who),
                clean(silence->reason, text));
    fputc('\n', ctx->out);
}

/* As the screen's filter sees it. */
static void facts_of(const struct judged *j, const struct store_alert *a,
                     const struct alert_silence *silence, struct alert_row *out)
{
    *out = (struct alert_row){ .rule = a->rule,
                               .subject = a->subject,
                               .text = a->text,
                               .device = fleet_find(j->fleet, a->subject),
                               .level = alert_level_of(a->level),
                               .since_ms = a->since_ms,
                               .fired_ms = a->fired_ms,
                               .cleared_ms = a->cleared_ms,
                               .acked = a->ack_ms != 0,
                               .muted = silence != NULL,
                               .by = a->ack_who };
    for (uint32_t i = 0; alerts_rule(j->alerts, i); i++)
        if (strcmp(alerts_rule(j->alerts, i)->name, a->rule) == 0)
            alert_rule_readings(j->alerts, i, out->readings);
}

static void print_alerts(struct cmd_context *ctx, const struct judged *j,
                         const struct store_alert *row, int n, struct filter *filter)
{
    json_t *list = json_array();
    int printed = 0;

    for (int i = 0; i < n; i++) {
        const struct alert_silence *silence = silence_of(j, &row[i]);
        struct alert_row facts;
        facts_of(j, &row[i], silence, &facts);
        if (!filter_match_row(filter, &facts, j->fleet, session_now()))
            continue;
        printed++;
        if (ctx->json)
            json_array_append_new(list, alert_json(&row[i], silence));
        else
            print_alert(ctx, &row[i], silence);
    }
    if (printed == 0 && !ctx->json && !ctx->quiet)
        fputs(n ? "nothing passes the filter\n" : "nothing fires\n", ctx->out);
    if (ctx->json)
        output_json(ctx, list);
    else
        json_decref(list);
}

/* Alerts are kept by whoever leads: without one the list is old. */
static void warn_alone(struct cmd_context *ctx, struct store *store)
{
    char holder[160];
    struct err err;

    if (store_engine_holder(store, holder, sizeof(holder), &err) == 0)
        log_say(ctx->log, LOG_WARN,
                "nobody looks at the fleet now, so this may be old: start 'muster serve' or the "
                "console");
}

static const struct option list_options[] = {
    { "since", 0, "TIME", "also those that have cleared, of the last TIME (as in 2h, 7d)" },
    ROW_FILTER_OPTION,
    { 0 },
};

static int run_alerts(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct filter *filter;
    uint32_t since;

    if (cmd_seconds(args, "since", 0, &since, &ctx->err) ||
        row_filter(ctx, args, &alert_rows, &filter))
        return EXIT_USAGE;
    struct store *store = open_journal(ctx, true);
    if (!store) {
        filter_free(filter);
        return (int)ctx->err.code;
    }
    struct store_alert *row = mem_array(LIST_MAX, sizeof(*row));
    int n = since ? store_alert_list(store, session_now() - (int64_t)since * 1000, row, LIST_MAX,
                                     &ctx->err)
                  : store_alert_open(store, row, LIST_MAX, &ctx->err);
    struct judged j = { 0 };
    if (n >= 0 && judge(ctx, store, row, n, &j))
        n = -1;
    if (n >= 0) {
        warn_alone(ctx, store);
        print_alerts(ctx, &j, row, n, filter);
    }
    filter_free(filter);
    judged_close(&j);
    free(row);
    store_close(store);
    return n < 0 ? (int)ctx->err.code : EXIT_DONE;
}

/* ---- alerts ack ------------------------------------------------------------------------------ */

static int run_ack(struct cmd_context *ctx, const struct cmd_args *args)
{
    char who[65];

    if (args->word_count != 2)
        return cmd_fail(ctx, EXIT_USAGE,
                        "alerts ack wants RULE and ID: 'muster alerts' lists them");
    struct store *store = open_journal(ctx, false);
    if (!store)
        return (int)ctx->err.code;
    session_who(who, sizeof(who));
    int rc = store_alert_ack(store, args->word[0], args->word[1], who, session_now(), &ctx->err);
    store_close(store);
    if (rc < 0)
        return (int)ctx->err.code;
    if (rc == 1)
        return cmd_fail(ctx, EXIT_NO, "%s does not fire for %s, or was acknowledged already",
                        args->word[0], args->word[1]);
    return EXIT_DONE;
}

/* ---- silences -------------------------------------------------------------------------------- */

static const struct option silence_options[] = {
    { "rule", 0, "RULE", "only this rule (default: every rule)" },
    { "for", 0, "TIME", "how long (default 1h, at most 30d)" },
    { "reason", 0, "TEXT", "why: it is asked for" },
    { 0 },
};

static bool rule_exists(struct cmd_context *ctx, const char *name)
{
    struct alert_rule rule[ALERT_RULES];
    size_t count;

    if (config_alerts(ctx->profile, rule, &count, &ctx->err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(rule[i].name, name) == 0)
            return true;
    err_set(&ctx->err, EXIT_USAGE, "no rule is called '%s': 'muster alerts rules' lists them",
            name);
    return false;
}

static int read_silence(struct cmd_context *ctx, const struct cmd_args *args,
                        struct store_silence *s)
{
    const char *rule = cmd_get(args, "rule", "");
    struct filter_error mistake;
    char said[FILTER_SAID_MAX];
    uint32_t span;

    if (cmd_seconds(args, "for", 3600, &span, &ctx->err))
        return -1;
    if (span < 1 || span > 30 * 86400)
        return err_set(&ctx->err, EXIT_USAGE, "--for wants 1s to 30d");
    if (*rule && !rule_exists(ctx, rule))
        return -1;
    if (!output_join(args, 0, s->target, sizeof(s->target)))
        return err_set(&ctx->err, EXIT_USAGE, "the filter is too long");
    struct filter *f = filter_compile(s->target, &mistake);
    if (!f)
        return err_set(&ctx->err, EXIT_USAGE, "%s\n        %s\n        %*s^",
                       filter_error_said(&mistake, s->target, said), s->target, (int)mistake.at,
                       "");
    filter_free(f);
    const char *reason = cmd_get(args, "reason", "");
    if (!*reason)
        return err_set(&ctx->err, EXIT_USAGE, "say why, with --reason: it is shown and kept");
    if (!text_copy(s->reason, sizeof(s->reason), reason) ||
        !text_copy(s->rule, sizeof(s->rule), rule))
        return err_set(&ctx->err, EXIT_USAGE, "--reason is longer than 120 bytes");
    session_who(s->who, sizeof(s->who));
    s->made_ms = session_now();
    s->until_ms = s->made_ms + (int64_t)span * 1000;
    return 0;
}

static int run_silence(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct store_silence s = { 0 };
    int64_t id;

    if (read_silence(ctx, args, &s))
        return (int)ctx->err.code;
    struct store *store = open_journal(ctx, false);
    if (!store)
        return (int)ctx->err.code;
    int rc = store_silence_add(store, &s, &id, &ctx->err);
    store_close(store);
    if (rc)
        return (int)ctx->err.code;
    if (ctx->json)
        output_json(
            ctx, json_pack("{s:I, s:f}", "id", (json_int_t)id, "until", (double)s.until_ms / 1000));
    else if (!ctx->quiet)
        fprintf(ctx->out, "silence %lld; 'muster alerts unsilence %lld' ends it\n", (long long)id,
                (long long)id);
    return EXIT_DONE;
}

static int run_unsilence(struct cmd_context *ctx, const struct cmd_args *args)
{
    uint64_t id;
    char who[65];

    if (args->word_count != 1 || !text_to_u64(args->word[0], 1, INT64_MAX, &id))
        return cmd_fail(ctx, EXIT_USAGE,
                        "alerts unsilence wants a number: 'muster alerts silences'");
    struct store *store = open_journal(ctx, false);
    if (!store)
        return (int)ctx->err.code;
    session_who(who, sizeof(who));
    int rc = store_silence_end(store, (int64_t)id, who, session_now(), &ctx->err);
    store_close(store);
    if (rc < 0)
        return (int)ctx->err.code;
    return rc == 0 ? EXIT_DONE : cmd_fail(ctx, EXIT_NO, "no silence %s is in force", args->word[0]);
}

/* What each of them mutes now needs what fires. */
static int judge_silences(struct cmd_context *ctx, struct store *store, struct judged *j)
{
    struct store_alert *row = mem_array(LIST_MAX, sizeof(*row));
    int n = store_alert_open(store, row, LIST_MAX, &ctx->err);
    int rc = n < 0 ? -1 : judge(ctx, store, row, n, j);

    free(row);
    return rc;
}

static void print_silence(struct cmd_context *ctx, const struct store_silence *s, uint32_t mutes,
                          uint32_t devices, json_t *list)
{
    char until[40], target[512], who[512], reason[512];

    output_time(until, sizeof(until), s->until_ms / 1000);
    if (ctx->json) {
        json_t *o = alert_silence_json(s);
        json_object_set_new(o, "mutes", json_integer(mutes));
        json_object_set_new(o, "devices", json_integer(devices));
        json_array_append_new(list, o);
    } else
        fprintf(ctx->out, "%4lld  until %s  rule %s  devices %s (%u)  mutes %u  by %s: %s\n",
                (long long)s->id, until, s->rule[0] ? s->rule : "any",
                s->target[0] ? clean(s->target, target) : "all", devices, mutes, clean(s->who, who),
                clean(s->reason, reason));
}

static const struct option silences_options[] = { ROW_FILTER_OPTION, { 0 } };

/* The silences of the judge are those of the journal, in the same order unless one is bad. */
static void print_silences(struct cmd_context *ctx, const struct judged *j,
                           const struct store_silence *row, int n, struct filter *filter)
{
    json_t *list = json_array();

    for (int i = 0; i < n; i++) {
        size_t at = 0;
        const struct alert_silence *is;
        while ((is = alerts_silence(j->alerts, at)) && is->id != row[i].id)
            at++;
        if (!is)
            continue;
        struct silence_row facts = { is, alerts_silence_mutes(j->alerts, at) };
        if (filter_match_row(filter, &facts, NULL, session_now()))
            print_silence(ctx, &row[i], facts.mutes, alerts_silence_devices(j->alerts, at), list);
    }
    if (ctx->json)
        output_json(ctx, list);
    else
        json_decref(list);
}

static int run_silences(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct store_silence row[ALERT_SILENCES];
    struct judged j = { 0 };
    struct filter *filter;

    if (row_filter(ctx, args, &silence_rows, &filter))
        return EXIT_USAGE;
    struct store *store = open_journal(ctx, true);
    int n = store ? store_silence_list(store, session_now(), row, ALERT_SILENCES, &ctx->err) : -1;
    if (n >= 0 && judge_silences(ctx, store, &j))
        n = -1;
    if (n >= 0)
        print_silences(ctx, &j, row, n, filter);
    filter_free(filter);
    judged_close(&j);
    store_close(store);
    return n < 0 ? (int)ctx->err.code : EXIT_DONE;
}

/* ---- alerts rules ---------------------------------------------------------------------------- */

static int run_rules(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct alert_rule rule[ALERT_RULES];
    size_t count;
    json_t *list = json_array();

    (void)args;
    if (config_alerts(ctx->profile, rule, &count, &ctx->err)) {
        json_decref(list);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < count; i++) {
        char text[ALERT_TEXT_MAX + 32];
        alert_rule_text(&rule[i], text, sizeof(text));
        if (ctx->json)
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", rule[i].name,
                                            "level", alert_level_word(rule[i].level), "text", text,
                                            "clear", rule[i].clear, "target", rule[i].target));
        else
            fprintf(ctx->out, "%-4s  %-14s %s%s%s%s%s\n", alert_level_word(rule[i].level),
                    rule[i].name, text, rule[i].clear[0] ? ", clears at " : "", rule[i].clear,
                    rule[i].target[0] ? ", only " : "", rule[i].target);
    }
    if (ctx->json)
        output_json(ctx, list);
    else
        json_decref(list);
    return EXIT_DONE;
}

const struct command alerts_commands[] = {
    { "alerts ack", "RULE ID", "say that you have seen an alert", NULL, run_ack, COMMAND_PROFILE,
      "It stays listed until its condition is gone; a new device is then no longer new." },
    { "alerts silence", "[FILTER]", "tell nobody of alerts for a while, with a reason",
      silence_options, run_silence, COMMAND_PROFILE,
      "FILTER says for which devices (all of them without one). Silenced alerts are listed, and "
      "change no state." },
    { "alerts unsilence", "NUMBER", "end a silence now", NULL, run_unsilence, COMMAND_PROFILE,
      NULL },
    { "alerts silences", "", "the silences in force", silences_options, run_silences,
      COMMAND_PROFILE, NULL },
    { "alerts rules", "", "the rules of the profile, and the usual ones", NULL, run_rules,
      COMMAND_PROFILE, NULL },
    { "alerts", "", "what is wrong now, newest first", list_options, run_alerts, COMMAND_PROFILE,
      "Alerts are found and kept by whoever leads: 'muster serve' or the console." },
    { 0 },
};
