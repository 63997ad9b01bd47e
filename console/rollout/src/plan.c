#include "rollout/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "protocol/id.h"

#define DAY 86400u

void plan_defaults(struct rollout_plan *plan)
{
    *plan = (struct rollout_plan){
        .jitter_s = 600,
        .trial_s = 300,
        .in_flight = 50,
        .gate = { .allowed_failure = 0.05,
                  .confidence = 0.95,
                  .min_sample = 20,
                  .silence_after_s = 1800,
                  .max_silent = 0.05,
                  .max_other = 0.10,
                  .max_network = -1,
                  .max_power = -1,
                  .max_policy = -1 },
        .stop = { .allowed_failure = -1, .alpha = 0.01 },
        .retries = { .network = 2, .power = 2, .hash_mismatch = 1 },
        .retry_after_s = 60,
        .deadline_s = 7 * DAY,
        .max_offline_s = 7 * DAY,
        .on_stop = PLAN_STOP_PAUSE,
    };
}

void plan_default_stages(struct rollout_plan *plan)
{
    static const struct plan_stage usual[] = {
        { .name = "canary", .count = 10, .soak_s = 3600, .allowed_failure = -1 },
        { .name = "early", .share_ppm = 50000, .soak_s = 21600, .allowed_failure = -1 },
        { .name = "half", .share_ppm = 500000, .soak_s = 7200, .allowed_failure = -1 },
        { .name = "rest", .share_ppm = 1000000, .allowed_failure = -1 },
    };

    memcpy(plan->stage, usual, sizeof(usual));
    plan->stage_count = sizeof(usual) / sizeof(usual[0]);
}

int plan_set_release(struct rollout_plan *plan, const char *text, struct err *err)
{
    const char *at = strchr(text, '@');

    if (!at || !text_copy_n(plan->product, sizeof(plan->product), text, (size_t)(at - text)) ||
        !text_copy(plan->version, sizeof(plan->version), at + 1) ||
        !name_is_valid(plan->product, strlen(plan->product)) || !semver_is_valid(plan->version))
        return err_set(err, EXIT_USAGE, "release: write PRODUCT@VERSION, such as weather@1.4.0");
    return 0;
}

double plan_stage_allowed(const struct rollout_plan *plan, uint32_t stage)
{
    if (plan->stage[stage].allowed_failure >= 0)
        return plan->stage[stage].allowed_failure;
    return stage == 0 && plan->stage_count > 1 ? 0.0 : plan->gate.allowed_failure;
}

double plan_stop_allowed(const struct rollout_plan *plan)
{
    return plan->stop.allowed_failure >= 0 ? plan->stop.allowed_failure
                                           : plan->gate.allowed_failure;
}

static int bad(struct err *err, const char *field, const char *what)
{
    return err_set(err, EXIT_USAGE, "%s: %s", field, what);
}

static int check_rate(double rate, const char *field, struct err *err)
{
    return rate >= 0 && rate <= 1 ? 0 : bad(err, field, "must be from 0 to 1");
}

static int check_number(uint32_t value, uint32_t min, uint32_t max, const char *field,
                        struct err *err)
{
    if (value >= min && value <= max)
        return 0;
    return err_set(err, EXIT_USAGE, "%s: %u is not from %u to %u", field, value, min, max);
}

/* A rate that may be absent, which is below 0. */
static int check_cap(double rate, const char *field, struct err *err)
{
    return rate <= 1 ? 0 : bad(err, field, "must be from 0 to 1");
}

static int check_order(const struct rollout_plan *plan, uint32_t i, struct err *err)
{
    const struct plan_stage *stage = &plan->stage[i];

    for (uint32_t before = 0; before < i; before++) {
        const struct plan_stage *b = &plan->stage[before];
        if (strcmp(stage->name, b->name) == 0)
            return err_set(err, EXIT_USAGE, "stages[%u].name: \"%s\" is also stages[%u]", i,
                           stage->name, before);
        if (stage->share_ppm > 0 && stage->share_ppm < b->share_ppm)
            return err_set(err, EXIT_USAGE,
                           "stages[%u].percent: %g is less than the %g of stages[%u]; stages are "
                           "cumulative",
                           i, stage->share_ppm / 1e4, b->share_ppm / 1e4, before);
        if (stage->count > 0 && stage->count < b->count)
            return err_set(err, EXIT_USAGE,
                           "stages[%u].count: %u is less than the %u of stages[%u]; stages are "
                           "cumulative",
                           i, stage->count, b->count, before);
    }
    return 0;
}

static int check_stage(const struct rollout_plan *plan, uint32_t i, struct err *err)
{
    const struct plan_stage *stage = &plan->stage[i];

    if (stage->name[0] == '\0')
        return err_set(err, EXIT_USAGE, "stages[%u].name: is missing", i);
    if (!name_is_valid(stage->name, strlen(stage->name)))
        return err_set(err, EXIT_USAGE,
                       "stages[%u].name: letters, digits, dot, dash and underscore only", i);
    if (stage->share_ppm > 0 && stage->count > 0)
        return err_set(err, EXIT_USAGE, "stages[%u]: give percent or count, not both", i);
    if (stage->share_ppm == 0 && stage->count == 0 && stage->named_count == 0)
        return err_set(err, EXIT_USAGE, "stages[%u]: needs percent, count or devices", i);
    if (stage->share_ppm > 1000000)
        return err_set(err, EXIT_USAGE, "stages[%u].percent: must be from 0.0001 to 100", i);
    if (stage->count > PLAN_DEVICES)
        return err_set(err, EXIT_USAGE, "stages[%u].count: at most %u", i, PLAN_DEVICES);
    if (stage->soak_s > 30 * DAY)
        return err_set(err, EXIT_USAGE, "stages[%u].soak: at most 30 days", i);
    if (stage->allowed_failure > 1)
        return err_set(err, EXIT_USAGE, "stages[%u].allowed_failure: must be from 0 to 1", i);
    if (stage->approval && i + 1 == plan->stage_count)
        return err_set(err, EXIT_USAGE,
                       "stages[%u].approval: the last stage has no next one to hold back", i);
    if (stage->named_first > plan->named_count ||
        stage->named_count > plan->named_count - stage->named_first)
        return err_set(err, EXIT_USAGE, "stages[%u].devices: more than %u named in all", i,
                       PLAN_NAMED);
    return check_order(plan, i, err);
}

/* The stage that names this one. */
static uint32_t stage_of_named(const struct rollout_plan *plan, uint32_t named)
{
    uint32_t i = 0;

    while (i + 1 < plan->stage_count &&
           (named < plan->stage[i].named_first ||
            named - plan->stage[i].named_first >= plan->stage[i].named_count))
        i++;
    return i;
}

static int check_named(const struct rollout_plan *plan, struct err *err)
{
    for (uint32_t i = 0; i < plan->named_count; i++) {
        const char *id = plan->named[i];
        uint32_t stage = stage_of_named(plan, i);
        if (!id_is_valid(id, strlen(id)))
            return err_set(err, EXIT_USAGE,
                           "stages[%u].devices: a named device is not a valid device id", stage);
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(id, plan->named[k]) == 0)
                return err_set(err, EXIT_USAGE, "stages[%u].devices: \"%s\" is named twice", stage,
                               id);
    }
    return 0;
}

static int check_gate(const struct rollout_plan *plan, struct err *err)
{
    if (check_rate(plan->gate.allowed_failure, "gate.allowed_failure", err) != 0 ||
        check_rate(plan->gate.max_silent, "gate.max_silent", err) != 0 ||
        check_rate(plan->gate.max_other, "gate.max_other", err) != 0 ||
        check_cap(plan->gate.max_network, "gate.max_network", err) != 0 ||
        check_cap(plan->gate.max_power, "gate.max_power", err) != 0 ||
        check_cap(plan->gate.max_policy, "gate.max_policy", err) != 0 ||
        check_number(plan->gate.min_sample, 1, PLAN_DEVICES, "gate.min_sample", err) != 0 ||
        check_number(plan->gate.silence_after_s, 1, 30 * DAY, "gate.silence_after", err) != 0)
        return -1;
    if (!(plan->gate.confidence >= 0.5 && plan->gate.confidence < 1))
        return bad(err, "gate.confidence", "must be at least 0.5 and less than 1");
    if (!(plan->stop.allowed_failure <= 1))
        return bad(err, "stop.allowed_failure", "must be from 0 to 1");
    if (!(plan->stop.alpha > 0 && plan->stop.alpha <= 0.5))
        return bad(err, "stop.alpha", "must be more than 0 and at most 0.5");
    return 0;
}

bool plan_is_in_device_time(const struct rollout_plan *plan)
{
    return plan->window.days != 0 && strcmp(plan->window.tz, PLAN_TZ_DEVICE) == 0;
}

int plan_window_read(const char *text, struct window *out, struct err *err)
{
    char word[4][ZONE_NAME_MAX] = { "", "", "", "" };
    int count = sscanf(text, "%63[^- ]-%63s %63s %63s", word[0], word[1], word[2], word[3]);

    if (strcmp(text, "none") == 0) {
        memset(out, 0, sizeof(*out));
        return 0;
    }
    if (count < 2)
        return bad(err, "window", "write FROM-TO [ZONE] [DAYS], such as 01:00-05:00 Europe/Berlin");
    return window_parse(out, word[0], word[1], count > 2 ? word[2] : NULL,
                        count > 3 ? word[3] : NULL, err);
}

/* Nobody would ever be told when no slot fits between opening and close. */
static int check_window(const struct rollout_plan *plan, struct err *err)
{
    const struct window *w = &plan->window;
    uint32_t minutes = w->to_min > w->from_min ? (uint32_t)w->to_min - w->from_min
                                               : 24u * 60 + w->to_min - w->from_min;

    if (window_check(w, err) != 0)
        return -1;
    if (w->days != 0 && plan->jitter_s >= minutes * 60)
        return err_set(err, EXIT_USAGE, "jitter: %u s is not shorter than the window of %u min",
                       plan->jitter_s, minutes);
    return 0;
}

static int check_retries(const struct plan_retries *r, struct err *err)
{
    if (check_number(r->network, 0, PLAN_RETRY_MOST, "retries.network", err) != 0 ||
        check_number(r->power, 0, PLAN_RETRY_MOST, "retries.power", err) != 0 ||
        check_number(r->hash_mismatch, 0, 1, "retries.hash_mismatch", err) != 0)
        return -1;
    for (uint32_t i = 0; i < r->one_count && i < PLAN_RETRY_ONES; i++) {
        char field[64];
        text_format(field, sizeof(field), "retries.%s", reason_word((enum reason)r->one[i].reason));
        if (check_number(r->one[i].tries, 0, PLAN_RETRY_MOST, field, err) != 0)
            return -1;
    }
    return 0;
}

static int check_per_group(const struct rollout_plan *plan, struct err *err)
{
    const char *by = plan->per_group.by;

    if (by[0] == '\0')
        return 0;
    if (!name_is_valid(by, strlen(by)))
        return bad(err, "per_group.by", "letters, digits, dot, dash and underscore only");
    return check_number(plan->per_group.max, 1, PLAN_DEVICES, "per_group.max", err);
}

static bool is_utf8(const char *text)
{
    size_t left = strlen(text);
    uint32_t cp;

    while (left > 0) {
        size_t len = utf8_decode(text, left, &cp);
        if (len == 0)
            return false;
        text += len;
        left -= len;
    }
    return true;
}

int plan_check(const struct rollout_plan *plan, struct err *err)
{
    if (!is_utf8(plan->target))
        return bad(err, "target", "is not UTF-8");
    if (!name_is_valid(plan->product, strlen(plan->product)) || !semver_is_valid(plan->version))
        return bad(err, "release", "write PRODUCT@VERSION, such as weather@1.4.0");
    if (plan->stage_count == 0 || plan->stage_count > PLAN_STAGES)
        return err_set(err, EXIT_USAGE, "stages: from 1 to %d", PLAN_STAGES);
    if (plan->named_count > PLAN_NAMED)
        return err_set(err, EXIT_USAGE, "devices: at most %d named in all stages", PLAN_NAMED);
    for (uint32_t i = 0; i < plan->stage_count; i++)
        if (check_stage(plan, i, err) != 0)
            return -1;
    if (check_named(plan, err) != 0 || check_gate(plan, err) != 0 ||
        check_number(plan->jitter_s, 0, 7 * DAY, "jitter", err) != 0 ||
        check_number(plan->trial_s, 0, DAY, "trial", err) != 0 ||
        check_number(plan->in_flight, 1, PLAN_DEVICES, "in_flight", err) != 0 ||
        check_per_group(plan, err) != 0 || check_retries(&plan->retries, err) != 0 ||
        check_number(plan->retry_after_s, 1, DAY, "retry_after", err) != 0 ||
        check_number(plan->max_offline_s, 0, 3650 * DAY, "max_offline", err) != 0 ||
        check_number(plan->deadline_s, 60, 365 * DAY, "deadline", err) != 0)
        return -1;
    if (plan->deadline_s <= (uint64_t)plan->jitter_s + plan->trial_s)
        return bad(err, "deadline", "must be longer than jitter and trial together");
    return check_window(plan, err);
}
