#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#include "commands.h"
#include "output.h"
#include "plan_options.h"
#include "rollout_cli.h"
#include "session.h"

/* What people ask of a rollout: rows in the journal, which whoever runs the engine takes. */
enum { ACT_WAIT_MS = 10000 };

int rollout_act_wait(struct store *store, int64_t number, struct store_act *act, struct err *err)
{
    int64_t until = session_now() + ACT_WAIT_MS;

    do {
        if (store_act_get(store, number, act, err) < 0)
            return -1;
        poll(NULL, 0, act->consumed ? 0 : 100);
    } while (!act->consumed && session_now() < until);
    return 0;
}

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
                        enum rollout_act what, const struct rollout_ask *ask)
{
    char who[65];
    int64_t number;
    struct store_act act = { .act = what };

    session_who(who, sizeof(who));
    if (store_act_ask(store, who, id, what, ask, session_now(), &number, &ctx->err))
        return (int)ctx->err.code;
    if (rollout_act_wait(store, number, &act, &ctx->err))
        return (int)ctx->err.code;
    return say_act(ctx, id, &act);
}

/* What will happen, and the id to be typed for it. */
static int confirm(struct cmd_context *ctx, const struct cmd_args *args, enum rollout_act what)
{
    bool back = what == ROLLOUT_ACT_ROLLBACK;
    char answer[PROTO_ROLLOUT_MAX + 2] = "";

    if ((what != ROLLOUT_ACT_ABORT && !back) || cmd_has(args, "yes"))
        return 0;
    if (!isatty(STDIN_FILENO))
        return err_set(&ctx->err, EXIT_REFUSED, "%s %s: say --yes to do it without being asked",
                       rollout_act_word(what), args->word[0]);
    fprintf(stderr,
            "Devices waiting or downloading stop and keep what they run; those past the switch "
            "%s.\nType %s to %s: ",
            back ? "go back to what they ran before" : "finish", args->word[0],
            back ? "roll back" : "abort");
    if (!fgets(answer, sizeof(answer), stdin) ||
        strncmp(answer, args->word[0], strlen(args->word[0])) != 0)
        return err_set(&ctx->err, EXIT_NO, "nothing was done");
    return 0;
}

static int remark_option(const struct cmd_args *args, struct rollout_ask *ask, struct err *err)
{
    const char *text = cmd_get(args, "remark", "");
    char clean[2 * ROLLOUT_REMARK_MAX];

    text_clean(clean, sizeof(clean), text, strlen(text));
    return text_copy(ask->remark, sizeof(ask->remark), clean)
               ? 0
               : err_set(err, EXIT_USAGE, "--remark is longer than %d bytes",
                         ROLLOUT_REMARK_MAX - 1);
}

static int run_act(struct cmd_context *ctx, const struct cmd_args *args, enum rollout_act what,
                   struct rollout_ask *ask)
{
    char id[PROTO_ROLLOUT_MAX];

    if (ctx->profile->ui.read_only)
        return cmd_fail(ctx, EXIT_REFUSED, "this profile is read-only ([ui] read_only)");
    if (remark_option(args, ask, &ctx->err) || confirm(ctx, args, what))
        return (int)ctx->err.code;
    if (!text_copy(id, sizeof(id), args->word[0]))
        return cmd_fail(ctx, EXIT_USAGE, "no rollout '%s'", args->word[0]);
    struct store *store = rollout_journal(ctx, false);
    int rc = store ? act_and_wait(ctx, store, id, what, ask) : (int)ctx->err.code;
    store_close(store);
    return rc;
}

static int wants_words(struct cmd_context *ctx, const struct cmd_args *args, enum rollout_act what,
                       size_t most)
{
    if (args->word_count >= 1 && args->word_count <= most)
        return 0;
    return err_set(&ctx->err, EXIT_USAGE, "rollout %s wants a rollout id%s", rollout_act_word(what),
                   most > 1 ? " first" : "");
}

static int run_plain(struct cmd_context *ctx, const struct cmd_args *args, enum rollout_act what)
{
    struct rollout_ask ask = { .reason = REASON_NONE };

    return wants_words(ctx, args, what, 1) ? (int)ctx->err.code : run_act(ctx, args, what, &ask);
}

static int run_pause(struct cmd_context *ctx, const struct cmd_args *args)
{
    return run_plain(ctx, args, ROLLOUT_ACT_PAUSE);
}

static int run_resume(struct cmd_context *ctx, const struct cmd_args *args)
{
    return run_plain(ctx, args, ROLLOUT_ACT_RESUME);
}

static int run_abort(struct cmd_context *ctx, const struct cmd_args *args)
{
    return run_plain(ctx, args,
                     cmd_has(args, "roll-back") ? ROLLOUT_ACT_ROLLBACK : ROLLOUT_ACT_ABORT);
}

static int run_rollback(struct cmd_context *ctx, const struct cmd_args *args)
{
    return run_plain(ctx, args, ROLLOUT_ACT_ROLLBACK);
}

static int run_approve(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct rollout_ask ask = { .reason = REASON_NONE };

    if (wants_words(ctx, args, ROLLOUT_ACT_APPROVE, 2))
        return (int)ctx->err.code;
    if (args->word_count == 2 && !text_copy(ask.stage, sizeof(ask.stage), args->word[1]))
        return cmd_fail(ctx, EXIT_USAGE, "there is no stage '%s'", args->word[1]);
    return run_act(ctx, args, ROLLOUT_ACT_APPROVE, &ask);
}

/* One more word of what is asked, through the text that the journal keeps. */
static int ask_more(struct rollout_ask *ask, const char *key, const char *value, struct err *err)
{
    char text[ROLLOUT_ASK_TEXT];
    int len = rollout_ask_text(ask, text, sizeof(text));

    if (len < 0 || !text_format(text + len, sizeof(text) - (size_t)len, "%s%s=%s",
                                len > 0 ? " " : "", key, value))
        return err_set(err, EXIT_USAGE, "'%s' is too much for one act", value);
    return rollout_ask_read(text, ask, err);
}

static int run_retry(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct rollout_ask ask = { .reason = REASON_NONE };
    const char *reason = cmd_get(args, "reason", NULL), *cls = cmd_get(args, "class", NULL);

    if (wants_words(ctx, args, ROLLOUT_ACT_RETRY, 1 + ROLLOUT_ASK_DEVICES) ||
        (reason && ask_more(&ask, "reason", reason, &ctx->err)) ||
        (cls && ask_more(&ask, "class", cls, &ctx->err)))
        return (int)ctx->err.code;
    for (size_t i = 1; i < args->word_count; i++)
        if (ask_more(&ask, "device", args->word[i], &ctx->err))
            return (int)ctx->err.code;
    return run_act(ctx, args, ROLLOUT_ACT_RETRY, &ask);
}

static bool can_be_set(const char *key)
{
    static const char *const keys[] = { "in_flight", "jitter", "per_group", "bandwidth" };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

/* "in-flight=20", "jitter=10m", "bandwidth=2M" */
static int set_word(struct rollout_ask *ask, const char *word, struct err *err)
{
    const char *is = strchr(word, '=');
    char key[16], value[24];
    uint64_t seconds;
    uint32_t bytes;

    if (!is || !text_copy_n(key, sizeof(key), word, (size_t)(is - word)) ||
        !text_copy(value, sizeof(value), is + 1))
        return err_set(err, EXIT_USAGE, "set wants KEY=VALUE, not '%s'", word);
    for (char *c = key; *c; c++)
        *c = *c == '-' ? '_' : *c;
    if (!can_be_set(key))
        return err_set(err, EXIT_USAGE,
                       "'%s' can't be set: in-flight, jitter, per-group or bandwidth", key);
    if (strcmp(key, "jitter") == 0 && text_to_seconds(value, &seconds))
        text_format(value, sizeof(value), "%llu", (unsigned long long)seconds);
    if (strcmp(key, "bandwidth") == 0) {
        if (plan_bytes(value, "bandwidth", &bytes, err))
            return -1;
        text_format(value, sizeof(value), "%u", bytes);
    }
    return ask_more(ask, key, value, err);
}

static int run_set(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct rollout_ask ask = { .reason = REASON_NONE };

    if (wants_words(ctx, args, ROLLOUT_ACT_SET, 5))
        return (int)ctx->err.code;
    if (args->word_count == 1)
        return cmd_fail(ctx, EXIT_USAGE, "set what? in-flight, jitter, per-group or bandwidth");
    for (size_t i = 1; i < args->word_count; i++)
        if (set_word(&ask, args->word[i], &ctx->err))
            return (int)ctx->err.code;
    return run_act(ctx, args, ROLLOUT_ACT_SET, &ask);
}

/* ---- tables
 * -------------------------------------------------------------------------------------------------------
 */

#define REMARK                                                                                     \
    {                                                                                              \
        "remark", 'm', "TEXT", "for the story and the audit"                                       \
    }
#define YES                                                                                        \
    {                                                                                              \
        "yes", 'y', NULL, "do it without being asked"                                              \
    }

static const struct option remark_options[] = { REMARK, { 0 } };
static const struct option rollback_options[] = { REMARK, YES, { 0 } };
static const struct option abort_options[] = {
    { "roll-back", 0, NULL, "devices past the switch go back: the same as rollout rollback" },
    REMARK,
    YES,
    { 0 },
};
static const struct option retry_options[] = {
    { "reason", 0, "WORD", "only devices that failed so: dns, self_test, …" },
    { "class", 0, "WORD", "only of this class: firmware image network power policy operator" },
    REMARK,
    { 0 },
};

const struct command rollout_act_commands[] = {
    { "rollout pause", "ID", "start nothing new; who waits for its slot is called back",
      remark_options, run_pause, COMMAND_PROFILE, NULL },
    { "rollout resume", "ID", "go on; acknowledges the failures seen so far", remark_options,
      run_resume, COMMAND_PROFILE, NULL },
    { "rollout approve", "ID [STAGE]", "let a stage that asks for it pass (default: the current)",
      remark_options, run_approve, COMMAND_PROFILE, NULL },
    { "rollout retry", "ID [DEVICE]…", "try failed devices again", retry_options, run_retry,
      COMMAND_PROFILE,
      "Without reason, class or devices: all that failed, but for failures of the firmware." },
    { "rollout set", "ID KEY=VALUE…", "change in-flight, jitter, per-group or bandwidth",
      remark_options, run_set, COMMAND_PROFILE,
      "For what has not started; devices already told keep their slot." },
    { "rollout abort", "ID", "call devices back that wait or download; the others finish",
      abort_options, run_abort, COMMAND_PROFILE, NULL },
    { "rollout rollback", "ID", "abort, and devices past the switch go back; also when it is over",
      rollback_options, run_rollback, COMMAND_PROFILE, NULL },
    { 0 },
};
