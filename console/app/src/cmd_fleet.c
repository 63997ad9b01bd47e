#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "fleet/view.h"
#include "protocol/topic.h"

#include "commands.h"
#include "device_json.h"
#include "output.h"
#include "session.h"

/* ---- what ls and watch share
 * ------------------------------------------------------------------------------------- */

static struct filter *compile(const struct cmd_args *args, struct err *err)
{
    char text[FILTER_TEXT_MAX];
    struct filter_error mistake;
    char said[FILTER_SAID_MAX];

    if (!output_join(args, 0, text, sizeof(text))) {
        err_set(err, EXIT_USAGE, "the filter is longer than %d bytes", FILTER_TEXT_MAX - 1);
        return NULL;
    }
    struct filter *f = filter_compile(text, &mistake);
    if (!f)
        err_set(err, EXIT_USAGE, "%s\n        %s\n        %*s^",
                filter_error_said(&mistake, text, said), text, (int)mistake.at, "");
    return f;
}

static const char *state_color(const struct cmd_context *ctx, enum fleet_state state)
{
    static const char *const color[FLEET_STATES] = {
        [FLEET_CRIT] = "\x1b[31;1m", [FLEET_WARN] = "\x1b[33m",     [FLEET_OFFLINE] = "\x1b[2m",
        [FLEET_STALE] = "\x1b[2m",   [FLEET_UPDATING] = "\x1b[36m", [FLEET_OK] = "\x1b[32m",
    };
    return ctx->color && isatty(fileno(ctx->out)) ? color[state] : "";
}

static void print_readings(struct cmd_context *ctx, const struct fleet *fleet,
                           const struct fleet_device *d)
{
    for (uint8_t i = 0; i < d->value_count; i++) {
        const struct fleet_reading *r = fleet_reading(fleet, d->value[i].reading);
        fprintf(ctx->out, "%s%s %.*f%s%s", i ? "  " : "", r->name, r->decimals,
                d->value[i].value * r->scale, *r->unit ? " " : "", r->unit);
    }
}

static void print_device(struct cmd_context *ctx, const struct fleet *fleet,
                         const struct fleet_device *d, int64_t now)
{
    char age[16], id[PROTO_ID_MAX * 2];
    enum fleet_state state = (enum fleet_state)d->state;
    const char *color = state_color(ctx, state);

    output_age(age, sizeof(age), fleet_age_ms(fleet, d, now));
    text_clean(id, sizeof(id), d->id, strlen(d->id));
    const char *fw = fleet_word(fleet, d->fw);
    fprintf(ctx->out, "%s%-8s%s  %-20s  %-10s  %4s  ", color, fleet_state_word(state),
            *color ? "\x1b[0m" : "", id, *fw ? fw : "-", age);
    print_readings(ctx, fleet, d);
    fputc('\n', ctx->out);
}

static void print_list(struct cmd_context *ctx, const struct fleet *fleet, struct fleet_view *view,
                       int64_t now)
{
    json_t *list = json_array();

    if (!ctx->json && !ctx->quiet)
        fprintf(ctx->out, "%-8s  %-20s  %-10s  %4s  %s\n", "STATE", "DEVICE", "FW", "SEEN",
                "READINGS");
    for (uint32_t row = 0; row < fleet_view_count(view); row++) {
        const struct fleet_device *d = fleet_device(fleet, fleet_view_at(view, row));
        if (ctx->json)
            json_array_append_new(list, device_json(fleet, d, now));
        else
            print_device(ctx, fleet, d, now);
    }
    if (ctx->json)
        output_json(ctx, list);
    else
        json_decref(list);
}

/* ---- ls
 * ----------------------------------------------------------------------------------------------------------
 */

static const struct option ls_options[] = {
    { "settle", 0, "TIME", "wait so long for readings that have not come yet (default 6s)" },
    { 0 },
};

static int run_ls(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct session_config config = { .profile = ctx->profile, .log = ctx->log, .name = "ls" };
    uint32_t settle;
    struct filter *filter = compile(args, &ctx->err);

    if (!filter)
        return EXIT_USAGE;
    if (cmd_seconds(args, "settle", 6, &settle, &ctx->err)) {
        filter_free(filter);
        return EXIT_USAGE;
    }
    struct session *s = session_open(&config, &ctx->err);
    if (!s || session_settle(s, (int)settle * 1000, &ctx->err)) {
        filter_free(filter);
        session_close(s);
        return (int)ctx->err.code;
    }
    /* Asked for a time: look for all of it, so that silence can be told from not having spoken yet.
     */
    int64_t until = session_now() + (cmd_has(args, "settle") ? (int64_t)settle * 1000 : 0);
    while (session_now() < until && session_poll(s, NULL, 0, 100))
        ;
    const char *unknown = filter_unknown(filter, session_fleet(s));
    if (unknown)
        log_say(ctx->log, LOG_WARN, "no device has a reading or a group '%s:…'", unknown);
    struct fleet_view *view = fleet_view_new(session_fleet(s));
    fleet_view_filter(view, filter);
    fleet_view_refresh(view, session_now());
    print_list(ctx, session_fleet(s), view, session_now());
    fleet_view_free(view);
    session_close(s);
    return EXIT_DONE;
}

/* ---- watch
 * -------------------------------------------------------------------------------------------------------
 */

static const struct option for_options[] = {
    { "for", 0, "TIME", "stop after so long (default: when interrupted)" },
    { 0 },
};

/* `now`: when it was seen, which is up to a tenth of a second after it came. */
static void print_change(struct cmd_context *ctx, const struct fleet *fleet,
                         const struct fleet_device *d, int64_t now)
{
    char when[40];

    if (ctx->json) {
        json_t *o = device_json(fleet, d, now);
        json_object_set_new(o, "ts", json_real((double)now / 1000));
        output_json(ctx, o);
        return;
    }
    output_time(when, sizeof(when), now / 1000);
    fprintf(ctx->out, "%s  ", when);
    print_device(ctx, fleet, d, now);
}

static void print_changes(struct cmd_context *ctx, struct session *s, struct filter *filter)
{
    struct fleet *fleet = session_fleet(s);
    uint32_t dirty[64];
    uint32_t n;

    do {
        n = fleet_take_dirty(fleet, dirty, 64);
        for (uint32_t i = 0; i < n; i++) {
            const struct fleet_device *d = fleet_device(fleet, dirty[i]);
            int64_t now = session_now();
            if (!d || !filter_match(filter, fleet, d, now))
                continue;
            print_change(ctx, fleet, d, now);
        }
    } while (n == 64);
    fflush(ctx->out);
}

static int run_watch(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct session_config config = { .profile = ctx->profile, .log = ctx->log, .name = "watch" };
    uint32_t limit;
    struct filter *filter = compile(args, &ctx->err);

    if (!filter)
        return EXIT_USAGE;
    struct session *s = NULL;
    int rc = EXIT_DONE;
    if (cmd_seconds(args, "for", 0, &limit, &ctx->err) || !(s = session_open(&config, &ctx->err)) ||
        session_settle(s, 0, &ctx->err)) {
        rc = (int)ctx->err.code;
    } else {
        int64_t until = limit ? session_now() + (int64_t)limit * 1000 : INT64_MAX;
        signals_install();
        do {
            print_changes(ctx, s, filter);
        } while (session_poll(s, NULL, 0, 100) && session_now() < until && !ferror(ctx->out));
    }
    session_close(s);
    filter_free(filter);
    return rc;
}

/* ---- tail
 * --------------------------------------------------------------------------------------------------------
 */

struct tail_run {
    struct cmd_context *ctx;
    const char *root;
    const char *id;
    uint32_t count, limit;
};

static json_t *body_json(const char *body, size_t len)
{
    json_t *value = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    if (value)
        return value;
    char clean[2048];
    text_clean(clean, sizeof(clean), body, len);
    return json_string(clean);
}

static const char *kind_word(enum topic_kind kind)
{
    switch (kind) {
    case TOPIC_STATUS:
        return "status";
    case TOPIC_TELEMETRY:
        return "telemetry";
    case TOPIC_LOG:
        return "log";
    case TOPIC_REPORT:
        return "report";
    case TOPIC_REPLY:
        return "reply";
    case TOPIC_COMMAND:
        return "command";
    case TOPIC_OTHER:
    case TOPIC_ROLLOUT:
    case TOPIC_RELEASE:
        break;
    }
    return "other";
}

static void tail_message(void *ctx, const char *topic, const void *body, size_t len, bool retained)
{
    struct tail_run *run = ctx;
    struct topic t;
    char clean[1024], when[40];
    int64_t now = session_now();

    topic_parse(run->root, topic, &t);
    if (strcmp(t.id, run->id) != 0 || t.kind == TOPIC_OTHER || run->count >= run->limit)
        return;
    run->count++;
    if (run->ctx->json) {
        output_json(run->ctx, json_pack("{s:f, s:o, s:s, s:b, s:o}", "ts", (double)now / 1000,
                                        "topic", clean_json(topic), "kind", kind_word(t.kind),
                                        "retained", retained, "body", body_json(body, len)));
        return;
    }
    text_clean(clean, sizeof(clean), body, len);
    output_time(when, sizeof(when), now / 1000);
    fprintf(run->ctx->out, "%s  %-9s %-14s %s%s\n", when, kind_word(t.kind), t.sub,
            retained ? "(retained) " : "", clean);
    fflush(run->ctx->out);
}

static const struct option tail_options[] = {
    { "for", 0, "TIME", "stop after so long (default: when interrupted)" },
    { "count", 'n', "N", "stop after so many messages" },
    { 0 },
};

static int run_tail(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct tail_run run = { .ctx = ctx, .root = ctx->profile->root };
    struct session_config config = { .profile = ctx->profile,
                                     .log = ctx->log,
                                     .name = "tail",
                                     .on_message = tail_message,
                                     .ctx = &run };
    uint32_t limit;

    if (args->word_count != 1)
        return cmd_fail(ctx, EXIT_USAGE, "tail wants one device id");
    run.id = args->word[0];
    if (cmd_seconds(args, "for", 0, &limit, &ctx->err) ||
        cmd_u32(args, "count", 1, UINT32_MAX, UINT32_MAX, &run.limit, &ctx->err))
        return EXIT_USAGE;
    struct session *s = session_open(&config, &ctx->err);
    if (!s || session_settle(s, 0, &ctx->err)) {
        session_close(s);
        return (int)ctx->err.code;
    }
    if (run.count == 0 && fleet_find(session_fleet(s), run.id) == FLEET_NONE)
        log_say(ctx->log, LOG_WARN,
                "no device %s is known; waiting for it ('muster ls' lists them)", run.id);
    int64_t until = limit ? session_now() + (int64_t)limit * 1000 : INT64_MAX;
    signals_install();
    while (run.count < run.limit && session_now() < until && !ferror(ctx->out) &&
           session_poll(s, NULL, 0, 200))
        ;
    session_close(s);
    return EXIT_DONE;
}

const struct command fleet_commands[] = {
    { "ls", "[FILTER]", "list devices, worst first", ls_options, run_ls, COMMAND_PROFILE,
      "FILTER is the console's language: ls 'state>=warn', ls fw<1.4 and not tag:lab, ls "
      "temperature>30." },
    { "watch", "[FILTER]", "a line per change of a device", for_options, run_watch, COMMAND_PROFILE,
      "Each line begins with the time (UTC); with --json it is the field `ts` of what ls has." },
    { "tail", "ID", "the messages of one device as they arrive", tail_options, run_tail,
      COMMAND_PROFILE, NULL },
    { 0 },
};
