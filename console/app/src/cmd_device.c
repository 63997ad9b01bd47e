#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "protocol/id.h"
#include "protocol/order.h"
#include "protocol/reply.h"
#include "protocol/report.h"
#include "protocol/topic.h"
#include "screens/config_fields.h"

#include "commands.h"
#include "output.h"
#include "session.h"

/* One order, one device, one answer. */
struct call {
    const char *root;
    struct order order;
    uint32_t seq;
    bool named; /* order.rollout was given by the operator */
    bool answered;
    struct reply reply;
};

/* The rollout that the device last spoke of is the one to undo, when none was named. */
static void note_rollout(struct call *call, const void *body, size_t len)
{
    struct ota_report report;

    if (call->order.verb == VERB_ROLLBACK && !call->named && !ota_report_decode(body, len, &report))
        text_copy(call->order.rollout, sizeof(call->order.rollout), report.rollout);
}

static void on_message(void *ctx, const char *topic, const void *body, size_t len, bool retained)
{
    struct call *call = ctx;
    struct topic t;
    struct reply reply;

    topic_parse(call->root, topic, &t);
    if (t.kind == TOPIC_REPORT && strcmp(t.id, call->order.dev) == 0)
        note_rollout(call, body, len);
    if (retained || t.kind != TOPIC_REPLY || strcmp(t.id, call->order.dev) != 0)
        return;
    if (reply_decode(body, len, &reply) || reply.seq != call->seq || reply.verb != call->order.verb)
        return;
    call->reply = reply;
    call->answered = true;
}

static int say_answer(struct cmd_context *ctx, const struct call *call)
{
    const struct reply *r = &call->reply;
    const char *verb = verb_word(call->order.verb);
    char detail[PROTO_DETAIL_MAX];

    text_clean(detail, sizeof(detail), r->detail, strlen(r->detail));
    if (ctx->json)
        output_json(ctx, json_pack("{s:s, s:s, s:I, s:b, s:b, s:s, s:s}", "id", call->order.dev,
                                   "verb", verb, "seq", (json_int_t)call->seq, "answered",
                                   (int)call->answered, "ok", (int)(call->answered && r->ok),
                                   "reason", call->answered ? reason_word(r->reason) : "no_answer",
                                   "detail", detail));
    else if (!call->answered)
        fprintf(ctx->out, "%s: %s sent (seq %u), no answer yet; the broker keeps it for an hour\n",
                call->order.dev, verb, call->seq);
    else if (r->ok)
        fprintf(ctx->out, "%s: %s done%s%s\n", call->order.dev, verb, *detail ? ": " : "", detail);
    else
        fprintf(ctx->out, "%s: %s refused: %s%s%s\n", call->order.dev, verb, reason_text(r->reason),
                *detail ? ": " : "", detail);
    return call->answered && r->ok ? EXIT_DONE : EXIT_NO;
}

static int need_rollout(struct cmd_context *ctx, const struct call *call)
{
    const struct order *o = &call->order;

    if (o->verb != VERB_ROLLBACK || rollout_id_is_valid(o->rollout, strlen(o->rollout)))
        return 0;
    return err_set(&ctx->err, EXIT_NO,
                   "%s has told of no rollout that could be undone; name one with --rollout ID",
                   o->dev);
}

static int send_and_wait(struct cmd_context *ctx, struct call *call, uint32_t wait_s)
{
    struct session_config config = { .profile = ctx->profile,
                                     .log = ctx->log,
                                     .parts = SESSION_JOURNAL | SESSION_SIGNER,
                                     .name = "device",
                                     .on_message = on_message,
                                     .ctx = call };
    char who[65];
    struct session *s = session_open(&config, &ctx->err);

    call->root = ctx->profile->root;
    session_who(who, sizeof(who));
    if (!s || session_settle(s, 0, &ctx->err) || need_rollout(ctx, call) ||
        session_command(s, &call->order, who, &call->seq, &ctx->err)) {
        session_close(s);
        return (int)ctx->err.code;
    }
    int64_t until = session_now() + (int64_t)wait_s * 1000;
    while (!call->answered && session_now() < until && session_poll(s, NULL, 0, 100))
        ;
    session_close(s);
    return say_answer(ctx, call);
}

/* An act names what it touches and wants a yes. */
static int confirm(struct cmd_context *ctx, const struct cmd_args *args, const struct order *o,
                   const char *what)
{
    char answer[16];

    if (ctx->profile->ui.read_only)
        return err_set(&ctx->err, EXIT_REFUSED, "this profile is read-only ([ui] read_only)");
    if (cmd_has(args, "yes") || o->verb == VERB_IDENTIFY)
        return 0;
    if (!isatty(STDIN_FILENO))
        return err_set(&ctx->err, EXIT_REFUSED, "%s %s: say --yes to do it without being asked",
                       what, o->dev);
    fprintf(stderr, "%s %s? Type yes: ", what, o->dev);
    if (!fgets(answer, sizeof(answer), stdin) || strcmp(answer, "yes\n") != 0)
        return err_set(&ctx->err, EXIT_NO, "nothing was done");
    return 0;
}

static int start(struct cmd_context *ctx, const struct cmd_args *args, enum verb verb,
                 struct call *call)
{
    if (args->word_count < 1 || !id_is_valid(args->word[0], strlen(args->word[0])))
        return err_set(&ctx->err, EXIT_USAGE, "device %s wants a device id", verb_word(verb));
    call->order.verb = verb;
    text_copy(call->order.dev, sizeof(call->order.dev), args->word[0]);
    return 0;
}

static int finish(struct cmd_context *ctx, const struct cmd_args *args, struct call *call,
                  const char *what)
{
    uint32_t wait_s;

    if (cmd_seconds(args, "wait", 15, &wait_s, &ctx->err) || confirm(ctx, args, &call->order, what))
        return (int)ctx->err.code;
    return send_and_wait(ctx, call, wait_s);
}

static int run_reboot(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct call call = { 0 };
    return start(ctx, args, VERB_REBOOT, &call) ? (int)ctx->err.code
                                                : finish(ctx, args, &call, "reboot");
}

static int run_rollback(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct call call = { 0 };
    const char *rollout = cmd_get(args, "rollout", NULL);

    if (start(ctx, args, VERB_ROLLBACK, &call))
        return (int)ctx->err.code;
    if (rollout && !rollout_id_is_valid(rollout, strlen(rollout)))
        return cmd_fail(ctx, EXIT_USAGE, "'%s' is not a rollout's id", rollout);
    call.named = rollout != NULL;
    text_copy(call.order.rollout, sizeof(call.order.rollout), rollout ? rollout : "");
    return finish(ctx, args, &call, "bring back the earlier firmware of");
}

static int run_renew(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct call call = { 0 };
    return start(ctx, args, VERB_RENEW, &call)
               ? (int)ctx->err.code
               : finish(ctx, args, &call, "renew the certificate of");
}

static int run_identify(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct call call = { 0 };
    return start(ctx, args, VERB_IDENTIFY, &call) ? (int)ctx->err.code
                                                  : finish(ctx, args, &call, "identify");
}

/* ---- config
 * ------------------------------------------------------------------------------------------------------
 */

static int set_one(struct order_config *set, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    char name[16], why[160];

    if (!equals || !text_copy_n(name, sizeof(name), text, (size_t)(equals - text)))
        return err_set(err, EXIT_USAGE, "'%s': KEY=VALUE is wanted", text);
    const char *value = equals + 1;
    bool clears = strcmp(name, "groups") == 0 && !*value;
    if (!config_field_set(set, name, clears ? "none" : value, why, sizeof(why)))
        return err_set(err, EXIT_USAGE, "%s", why);
    return 0;
}

static int run_config(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct call call = { 0 };

    if (start(ctx, args, VERB_CONFIG, &call))
        return (int)ctx->err.code;
    if (args->word_count < 2)
        return cmd_fail(ctx, EXIT_USAGE,
                        "device config wants KEY=VALUE …: interval, url, groups, ntp");
    for (size_t i = 1; i < args->word_count; i++) {
        if (set_one(&call.order.set, args->word[i], &ctx->err))
            return (int)ctx->err.code;
    }
    return finish(ctx, args, &call, "change the configuration of");
}

static const struct option device_options[] = {
    { "yes", 'y', NULL, "do it without asking" },
    { "wait", 0, "TIME", "how long to wait for the answer (default 15s)" },
    { 0 },
};

static const struct option rollback_options[] = {
    { "yes", 'y', NULL, "do it without asking" },
    { "wait", 0, "TIME", "how long to wait for the answer (default 15s)" },
    { "rollout", 0, "ID", "the rollout to undo (default: the one the device last told of)" },
    { 0 },
};

const struct command device_commands[] = {
    { "device config", "ID KEY=VALUE…",
      "change interval, url, groups or ntp of a device, all or nothing", device_options, run_config,
      COMMAND_PROFILE, NULL },
    { "device reboot", "ID", "restart a device", device_options, run_reboot, COMMAND_PROFILE,
      NULL },
    { "device rollback", "ID", "bring back the firmware a device ran before its last update",
      rollback_options, run_rollback, COMMAND_PROFILE, NULL },
    { "device renew", "ID", "let a device renew its certificate now", device_options, run_renew,
      COMMAND_PROFILE, NULL },
    { "device identify", "ID", "let a device blink and log, so that a person finds it",
      device_options, run_identify, COMMAND_PROFILE, NULL },
    { 0 },
};
