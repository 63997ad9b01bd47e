/* A plan as JSON text. */
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "rollout_json/plan_json.h"

static json_t *encode_stage(const struct rollout_plan *plan, const struct plan_stage *stage)
{
    json_t *o = json_pack("{s:s}", "name", stage->name);

    if (stage->named_count > 0) {
        json_t *devices = json_array();
        for (uint32_t i = 0; i < stage->named_count; i++)
            json_array_append_new(devices, json_string(plan->named[stage->named_first + i]));
        json_object_set_new(o, "devices", devices);
    }
    if (stage->share_ppm > 0 && stage->share_ppm % 10000 == 0)
        json_object_set_new(o, "percent", json_integer(stage->share_ppm / 10000));
    else if (stage->share_ppm > 0)
        json_object_set_new(o, "percent", json_real(stage->share_ppm / 1e4));
    if (stage->count > 0)
        json_object_set_new(o, "count", json_integer(stage->count));
    json_object_set_new(o, "soak", json_integer(stage->soak_s));
    if (stage->allowed_failure >= 0)
        json_object_set_new(o, "allowed_failure", json_real(stage->allowed_failure));
    if (stage->approval)
        json_object_set_new(o, "approval", json_true());
    return o;
}

static json_t *encode_stop(const struct rollout_plan *plan)
{
    json_t *o = json_pack("{s:f}", "alpha", plan->stop.alpha);

    if (plan->stop.allowed_failure >= 0)
        json_object_set_new(o, "allowed_failure", json_real(plan->stop.allowed_failure));
    return o;
}

static json_t *encode_gate(const struct rollout_plan *plan)
{
    const struct {
        const char *name;
        double rate;
    } caps[] = {
        { "max_network", plan->gate.max_network },
        { "max_power", plan->gate.max_power },
        { "max_policy", plan->gate.max_policy },
    };
    json_t *o = json_pack("{s:f,s:f,s:I,s:I,s:f,s:f}", "allowed_failure",
                          plan->gate.allowed_failure, "confidence", plan->gate.confidence,
                          "min_sample", (json_int_t)plan->gate.min_sample, "silence_after",
                          (json_int_t)plan->gate.silence_after_s, "max_silent",
                          plan->gate.max_silent, "max_other", plan->gate.max_other);

    for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
        if (caps[i].rate >= 0)
            json_object_set_new(o, caps[i].name, json_real(caps[i].rate));
    return o;
}

static json_t *encode_retries(const struct plan_retries *r)
{
    json_t *o = json_pack("{s:i,s:i,s:i}", "network", r->network, "power", r->power,
                          "hash_mismatch", r->hash_mismatch);

    for (uint32_t i = 0; i < r->one_count && i < PLAN_RETRY_ONES; i++)
        json_object_set_new(o, reason_word((enum reason)r->one[i].reason),
                            json_integer(r->one[i].tries));
    return o;
}

static json_t *encode_window(const struct window *w)
{
    char from[WINDOW_TIME_MAX], to[WINDOW_TIME_MAX], days[WINDOW_DAYS_MAX];

    window_time_text(w->from_min, from);
    window_time_text(w->to_min, to);
    window_days_text(w->days, days);
    return json_pack("{s:s,s:s,s:s,s:s}", "from", from, "to", to, "tz", w->tz, "days", days);
}

static void encode_rules(const struct rollout_plan *plan, json_t *o)
{
    static const char *const late[] = { "ignore", "join" };
    static const char *const precursor[] = { "skip", "refuse" };

    if (plan->per_group.by[0])
        json_object_set_new(o, "per_group",
                            json_pack("{s:s,s:I}", "by", plan->per_group.by, "max",
                                      (json_int_t)plan->per_group.max));
    json_object_set_new(o, "bandwidth", json_integer(plan->bandwidth));
    if (plan->window.days != 0)
        json_object_set_new(o, "window", encode_window(&plan->window));
    json_object_set_new(o, "late", json_string(late[plan->late]));
    json_object_set_new(o, "precursor", json_string(precursor[plan->precursor]));
    json_object_set_new(o, "include_failed", json_boolean(plan->include_failed));
    json_object_set_new(o, "four_eyes", json_boolean(plan->four_eyes));
}

char *plan_encode(const struct rollout_plan *plan)
{
    json_t *stages = json_array();

    for (uint32_t i = 0; i < plan->stage_count; i++)
        json_array_append_new(stages, encode_stage(plan, &plan->stage[i]));
    json_t *o = json_pack(
        "{s:s,s:o,s:I,s:I,s:I,s:o,s:o,s:o,s:I,s:I,s:I,s:s}", "target", plan->target, "stages",
        stages, "jitter", (json_int_t)plan->jitter_s, "trial", (json_int_t)plan->trial_s,
        "in_flight", (json_int_t)plan->in_flight, "gate", encode_gate(plan), "stop",
        encode_stop(plan), "retries", encode_retries(&plan->retries), "retry_after",
        (json_int_t)plan->retry_after_s, "deadline", (json_int_t)plan->deadline_s, "max_offline",
        (json_int_t)plan->max_offline_s, "on_stop",
        plan->on_stop == PLAN_STOP_ABORT ? "abort" : "pause");
    json_t *whole = json_object();
    if (plan->product[0])
        json_object_set_new(whole, "release", json_sprintf("%s@%s", plan->product, plan->version));
    encode_rules(plan, o);
    json_object_update(whole, o);
    json_decref(o);
    char *text = json_dumps(whole, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(whole);
    /* Texts that came through plan_check() and the filter are UTF-8, so there is always one. */
    return text ? text : mem_strdup("{}");
}
