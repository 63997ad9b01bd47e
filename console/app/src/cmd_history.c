#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fleet/history.h"
#include "protocol/reading.h"
#include "store/history.h"

#include "commands.h"
#include "output.h"
#include "session.h"

/* What a plot shows, as numbers. */
struct history_run {
    struct cmd_context *ctx;
    struct history *history;
    const char *device;
    char reading[PROTO_READING_MAX];
    int64_t from_ms, to_ms;
    enum history_step step;
    bool csv;
    uint32_t found;
    json_t *list;
};

static void print_reading(void *ctx, const char *reading, int64_t first_ms)
{
    struct history_run *run = ctx;
    char when[40] = "less than an hour ago", name[2 * PROTO_READING_MAX];

    run->found++;
    text_clean(name, sizeof(name), reading, strlen(reading));
    if (run->ctx->json) {
        json_array_append_new(run->list,
                              json_pack("{s:s, s:o}", "reading", name, "since",
                                        first_ms ? json_integer(first_ms / 1000) : json_null()));
        return;
    }
    if (first_ms)
        output_time(when, sizeof(when), first_ms / 1000);
    if (run->csv)
        fprintf(run->ctx->out, "%s,%lld\n", name, (long long)(first_ms / 1000));
    else
        fprintf(run->ctx->out, "%-20s  since %s\n", name, when);
}

static int list_readings(struct history_run *run)
{
    struct cmd_context *ctx = run->ctx;

    run->list = json_array();
    if (run->csv)
        fprintf(ctx->out, "reading,since\n");
    int rc = history_readings(run->history, run->device, print_reading, run, &ctx->err);
    if (ctx->json && rc == 0)
        output_json(ctx, run->list);
    else
        json_decref(run->list);
    if (rc)
        return (int)ctx->err.code;
    return run->found ? EXIT_DONE
                      : cmd_fail(ctx, EXIT_NO, "nothing is remembered of '%s'", run->device);
}

/* A float as short as it is: 19.51, not 19.5100002289. */
static json_t *short_real(float value)
{
    char text[32];
    double out;

    text_format(text, sizeof(text), "%.7g", (double)value);
    return json_real(text_to_double(text, &out) ? out : (double)value);
}

static void print_sample(struct history_run *run, const struct history_sample *s,
                         const struct reading_info *info)
{
    char when[40];
    double scale = info->scale;
    int decimals = info->name ? info->decimals : 2;

    if (run->ctx->json) {
        /* As sent, in the canonical unit. */
        json_array_append_new(run->list,
                              json_pack("{s:I, s:I, s:I, s:o, s:o, s:o}", "t",
                                        (json_int_t)(s->t_ms / 1000), "seconds",
                                        (json_int_t)(s->span_ms / 1000), "count",
                                        (json_int_t)s->count, "min", short_real(s->min), "avg",
                                        short_real(s->avg), "max", short_real(s->max)));
        return;
    }
    output_time(when, sizeof(when), s->t_ms / 1000);
    if (run->csv)
        fprintf(run->ctx->out, "%s,%lld,%u,%.7g,%.7g,%.7g\n", when, (long long)(s->span_ms / 1000),
                s->count, (double)s->min, (double)s->avg, (double)s->max);
    else
        fprintf(run->ctx->out, "%s  %5u  %10.*f  %10.*f  %10.*f\n", when, s->count, decimals,
                (double)s->min * scale, decimals, (double)s->avg * scale, decimals,
                (double)s->max * scale);
}

static void print_samples(struct history_run *run, const struct history_sample *s, size_t count)
{
    struct cmd_context *ctx = run->ctx;
    const struct reading_info *info = reading_info(run->reading);

    run->list = json_array();
    if (run->csv)
        fprintf(ctx->out, "time,seconds,count,min,avg,max\n");
    else if (!ctx->json && !ctx->quiet)
        fprintf(ctx->out, "%-20s  %5s  %10s  %10s  %10s  %s\n", "TIME", "COUNT", "MIN", "AVG",
                "MAX", info->unit);
    for (size_t i = 0; i < count; i++)
        print_sample(run, &s[i], info);
    if (ctx->json)
        output_json(ctx, run->list);
    else
        json_decref(run->list);
}

static int list_samples(struct history_run *run)
{
    struct cmd_context *ctx = run->ctx;
    size_t count;
    int rc;
    struct history_query *q = history_query_new(run->history, run->device, run->reading,
                                                run->from_ms, run->to_ms, run->step, &ctx->err);

    if (!q)
        return (int)ctx->err.code;
    do {
        rc = history_query_work(q, 1000, &ctx->err);
    } while (rc == 1);
    if (rc == 0) {
        const struct history_sample *s = history_query_samples(q, &count);
        print_samples(run, s, count);
        rc = count ? EXIT_DONE
                   : cmd_fail(ctx, EXIT_NO, "nothing is remembered of %s of '%s' in that time",
                              run->reading, run->device);
    } else {
        rc = (int)ctx->err.code;
    }
    history_query_free(q);
    return rc;
}

static int take_times(struct history_run *run, const struct cmd_args *args)
{
    static const char *const steps[] = { "auto", "minute", "quarter" };
    struct err *err = &run->ctx->err;
    uint32_t since, until;
    const char *step = cmd_get(args, "step", "auto");
    int64_t now = session_now();

    if (cmd_seconds(args, "since", 86400, &since, err) ||
        cmd_seconds(args, "until", 0, &until, err))
        return -1;
    if (until >= since)
        return err_set(err, EXIT_USAGE,
                       "--until must be less than --since: both count back from now");
    run->from_ms = now - (int64_t)since * 1000;
    run->to_ms = now - (int64_t)until * 1000;
    run->step = since - until > 3 * 86400 ? HISTORY_QUARTERS : HISTORY_MINUTES;
    if (strcmp(step, steps[1]) == 0)
        run->step = HISTORY_MINUTES;
    else if (strcmp(step, steps[2]) == 0)
        run->step = HISTORY_QUARTERS;
    else if (strcmp(step, steps[0]) != 0)
        return err_set(err, EXIT_USAGE, "--step wants auto, minute or quarter, not '%s'", step);
    return 0;
}

static int run_history(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct history_run run = { .ctx = ctx, .csv = cmd_has(args, "csv") };

    if (args->word_count < 1 || args->word_count > 2)
        return cmd_fail(ctx, EXIT_USAGE, "history wants a device id, and a reading");
    if (take_times(&run, args))
        return (int)ctx->err.code;
    run.device = args->word[0];
    run.history = history_open_reader(ctx->profile->journal, &ctx->err);
    if (!run.history)
        return *ctx->err.text ? (int)ctx->err.code
                              : cmd_fail(ctx, EXIT_NO,
                                         "there is no history yet: the console, or 'muster serve', "
                                         "writes it while it runs");
    int rc;
    if (args->word_count == 1) {
        rc = list_readings(&run);
    } else {
        if (text_copy(run.reading, sizeof(run.reading), reading_canonical(args->word[1])))
            rc = list_samples(&run);
        else
            rc = cmd_fail(ctx, EXIT_USAGE, "the reading's name is too long");
    }
    history_close(run.history);
    return rc;
}

static const struct option history_options[] = {
    { "since", 0, "TIME", "from so long ago: 90m, 2h, 7d (default 24h)" },
    { "until", 0, "TIME", "up to so long ago (default: now)" },
    { "step", 0, "STEP", "minute, quarter (of an hour) or auto: minutes up to three days" },
    { "csv", 0, NULL, "comma-separated, in the unit the device sends" },
    { 0 },
};

const struct command history_commands[] = {
    { "history", "ID [READING]",
      "what a reading was: least, mean and greatest of each minute or quarter", history_options,
      run_history, COMMAND_PROFILE,
      "Without READING: which readings of the device are remembered. The leading console or "
      "'muster "
      "serve' writes the history; docs/history.md says how much is kept." },
    { 0 },
};
