#include "plan_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "files/files.h"
#include "rollout_json/plan_json.h"
#include "screens/stages.h"

#include "templates.h"

static int read_plan_file(const char *path, struct rollout_plan *plan, struct err *err)
{
    char *text;
    size_t len;

    if (files_read(strcmp(path, "-") ? path : "/dev/stdin", PLAN_JSON_BYTES, &text, &len, err))
        return -1;
    int rc = plan_decode_template(text, len, plan, err);
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

int plan_bytes(const char *text, const char *field, uint32_t *out, struct err *err)
{
    char number[24];
    size_t len = strlen(text);
    uint64_t value, unit = 1;

    if (len > 0 && strchr("kKmM", text[len - 1]))
        unit = strchr("kK", text[--len]) ? 1000 : 1000000;
    if (!text_copy_n(number, sizeof(number), text, len) ||
        !text_to_u64(number, 0, UINT32_MAX / unit, &value))
        return err_set(err, EXIT_USAGE, "%s wants bytes per second like 2M or 500k, not '%s'",
                       field, text);
    *out = (uint32_t)(value * unit);
    return 0;
}

/* "site=1" */
static int per_group_option(const struct cmd_args *args, struct rollout_plan *plan, struct err *err)
{
    const char *text = cmd_get(args, "per-group", NULL);
    const char *is = text ? strchr(text, '=') : NULL;
    uint64_t most;

    if (!text)
        return 0;
    if (!is ||
        !text_copy_n(plan->per_group.by, sizeof(plan->per_group.by), text, (size_t)(is - text)) ||
        !text_to_u64(is + 1, 1, PLAN_DEVICES, &most))
        return err_set(err, EXIT_USAGE, "--per-group wants LABEL=N such as site=1, not '%s'", text);
    plan->per_group.max = (uint32_t)most;
    return 0;
}

static int approve_options(const struct cmd_args *args, struct rollout_plan *plan, struct err *err)
{
    const char *name;

    for (size_t i = 0; (name = cmd_nth(args, "approve", i)); i++) {
        uint32_t s = 0;
        while (s < plan->stage_count && strcmp(plan->stage[s].name, name) != 0)
            s++;
        if (s == plan->stage_count)
            return err_set(err, EXIT_USAGE, "--approve: there is no stage '%s'", name);
        plan->stage[s].approval = true;
    }
    return 0;
}

static int rule_options(const struct cmd_args *args, struct rollout_plan *plan, struct err *err)
{
    const char *text = cmd_get(args, "bandwidth", NULL);

    if (text && plan_bytes(text, "--bandwidth", &plan->bandwidth, err))
        return -1;
    text = cmd_get(args, "window", NULL);
    if (text && plan_window_read(text, &plan->window, err))
        return err_prefix(err, "--window");
    if (cmd_has(args, "late"))
        plan->late = PLAN_LATE_JOIN;
    if (cmd_has(args, "four-eyes"))
        plan->four_eyes = true;
    if (cmd_has(args, "include-failed"))
        plan->include_failed = true;
    if (cmd_has(args, "abort-on-stop"))
        plan->on_stop = PLAN_STOP_ABORT;
    return per_group_option(args, plan, err);
}

static int stage_options(const struct cmd_args *args, struct rollout_plan *plan, struct err *err)
{
    const char *text = cmd_get(args, "stages", NULL);
    char problem[128];
    uint32_t soak = 0;
    double allowed = -1;

    if (cmd_seconds(args, "soak", 0, &soak, err) ||
        rate_option(args, "allowed-failure", &allowed, err))
        return -1;
    if (text && stages_parse(text, plan, problem, sizeof(problem)))
        return err_set(err, EXIT_USAGE, "--%s", problem);
    if (cmd_has(args, "soak"))
        soak_where_unsaid(plan, soak, text != NULL);
    if (allowed >= 0) {
        plan->gate.allowed_failure = plan->stop.allowed_failure = allowed;
        for (uint32_t i = 0; i < plan->stage_count; i++)
            if (!text || plan->stage[i].allowed_failure < 0) /* what --stages says stands */
                plan->stage[i].allowed_failure = allowed;
    }
    return approve_options(args, plan, err);
}

/* A file, a template, or the defaults. */
static int begin_with(const struct cmd_args *args, size_t at, struct rollout_plan *plan,
                      struct err *err)
{
    const char *name = cmd_get(args, "template", NULL);

    if (args->word_count > at + 1)
        return err_set(err, EXIT_USAGE, "one plan file at most");
    if (args->word_count > at && name)
        return err_set(err, EXIT_USAGE, "a plan file or --template, not both");
    memset(plan, 0, sizeof(*plan));
    if (args->word_count > at)
        return read_plan_file(args->word[at], plan, err);
    if (name)
        return template_load(name, plan, err);
    plan_defaults(plan);
    plan_default_stages(plan);
    return 0;
}

int plan_make(const struct cmd_args *args, size_t at, bool needs_release, struct rollout_plan *plan,
              struct err *err)
{
    const char *text;

    if (begin_with(args, at, plan, err))
        return -1;
    if ((text = cmd_get(args, "release", NULL)) && plan_set_release(plan, text, err))
        return -1;
    if ((text = cmd_get(args, "target", NULL)) &&
        !text_copy(plan->target, sizeof(plan->target), text))
        return err_set(err, EXIT_USAGE, "--target is longer than %d bytes", PLAN_TARGET_MAX - 1);
    if (number_options(args, plan, err) || stage_options(args, plan, err) ||
        rule_options(args, plan, err))
        return -1;
    if (plan->product[0])
        return plan_check(plan, err);
    if (needs_release)
        return err_set(err, EXIT_USAGE, "which release? --release product@version, or a plan file");
    struct rollout_plan whole = *plan;
    return plan_set_release(&whole, "x@1.0.0", err) ? -1 : plan_check(&whole, err);
}

const struct option plan_options[] = {
    { "template", 0, "NAME", "begin with a saved plan: see 'muster rollout template'" },
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
      "0 to 1, where --stages says no fail; the first of several allows none unless this is "
      "given" },
    { "min-sample", 0, "N", "results a gate wants at least" },
    { "silence-after", 0, "TIME", "a device not heard of for so long counts as silent" },
    { "window", 0, "FROM-TO [ZONE] [DAYS]",
      "when devices may start: '01:00-05:00 Europe/Berlin mon-fri'; ZONE 'device': each in its "
      "own" },
    { "per-group", 0, "LABEL=N", "most under way of the devices with the same group LABEL:…" },
    { "bandwidth", 0, "BYTES/S", "what the orders may ask for on average: 2M, 500k" },
    { "approve", 0, "STAGE", "a person must approve before the stage after it; may be repeated" },
    { "four-eyes", 0, NULL, "not the person who started it" },
    { "late", 0, NULL, "devices that match the target later join the last stage reached" },
    { "include-failed", 0, NULL, "also devices whose firmware failed on this release before" },
    { "abort-on-stop", 0, NULL, "when it stops by itself, call everybody back" },
    { "peak", 0, "N", "of 'plan': the jitter that keeps simultaneous downloads at or under N" },
    { "rate", 0, "BYTES/S", "of 'plan': what one device downloads per second (default 100k)" },
    { "yes", 'y', NULL, "start without being asked" },
    { 0 },
};
