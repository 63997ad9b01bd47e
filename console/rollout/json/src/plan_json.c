#include "rollout_json/plan_json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/text.h"

/* How far decoding is: where in the document, and where to say what is wrong. */
struct reader {
    char path[48]; /* "", "stages[1]." or "gate." */
    struct err *err;
};

static int wrong(const struct reader *r, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `field` may be a key of the document: anything at all. */
static int wrong(const struct reader *r, const char *field, const char *format, ...)
{
    char raw[256], what[256], name[48];
    va_list ap;

    va_start(ap, format);
    vsnprintf(raw, sizeof(raw), format, ap);
    va_end(ap);
    text_clean(what, sizeof(what), raw, strlen(raw));
    text_clean(name, sizeof(name), field, strlen(field));
    return err_set(r->err, EXIT_USAGE, "%s%s: %s", r->path, name, what);
}

enum type { NUMBER, RATE, TEXT, LIST, OBJECT };

/* A field of an object: which, and where it goes. */
struct field {
    const char *name;
    enum type type;
    void *to;   /* uint32_t for NUMBER, double for RATE */
    size_t cap; /* TEXT: of a char array */
};

static const struct field *find(const struct field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

static int take(const struct reader *r, const struct field *f, json_t *value)
{
    switch (f->type) {
    case NUMBER:
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) > UINT32_MAX)
            return wrong(r, f->name, "must be a whole number, not negative");
        *(uint32_t *)f->to = (uint32_t)json_integer_value(value);
        return 0;
    case RATE:
        if (!json_is_number(value) || json_number_value(value) < 0 || json_number_value(value) > 1)
            return wrong(r, f->name, "must be a number from 0 to 1");
        *(double *)f->to = json_number_value(value);
        return 0;
    case TEXT:
        if (!json_is_string(value))
            return wrong(r, f->name, "must be text");
        if (!text_copy(f->to, f->cap, json_string_value(value)))
            return wrong(r, f->name, "is longer than %zu bytes", f->cap - 1);
        return 0;
    case LIST:
        return json_is_array(value) ? 0 : wrong(r, f->name, "must be a list");
    case OBJECT:
        return json_is_object(value) ? 0 : wrong(r, f->name, "must be an object");
    }
    return -1;
}

/* Every key known and of its type; what lists and objects hold is the caller's. */
static int take_all(const struct reader *r, json_t *object, const struct field *fields,
                    size_t count)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        const struct field *f = find(fields, count, key);
        if (!f)
            return wrong(r, key, "is not a field that a plan has here");
        if (take(r, f, value) != 0)
            return -1;
    }
    return 0;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Exact to the millionth: a share is counted in whole devices. */
static int take_percent(const struct reader *r, json_t *value, uint32_t *ppm)
{
    double percent = json_number_value(value);

    if (!json_is_number(value) || !(percent > 0 && percent <= 100))
        return wrong(r, "percent", "must be more than 0 and at most 100");
    double exact = percent * 10000;
    double whole = nearbyint(exact);
    if (whole < 1 || fabs(exact - whole) > 1e-6)
        return wrong(r, "percent", "at most four decimals");
    *ppm = (uint32_t)whole;
    return 0;
}

static int take_devices(const struct reader *r, json_t *list, struct rollout_plan *plan,
                        struct plan_stage *stage)
{
    size_t i;
    json_t *id;

    stage->named_first = plan->named_count;
    json_array_foreach(list, i, id)
    {
        if (plan->named_count == PLAN_NAMED)
            return wrong(r, "devices", "at most %d named in all stages", PLAN_NAMED);
        if (!json_is_string(id) ||
            !text_copy(plan->named[plan->named_count], PROTO_ID_MAX, json_string_value(id)))
            return wrong(r, "devices", "must be device ids");
        plan->named_count++;
        stage->named_count++;
    }
    return 0;
}

static int take_stage(struct reader *r, json_t *object, struct rollout_plan *plan)
{
    struct plan_stage *stage = &plan->stage[plan->stage_count];

    text_format(r->path, sizeof(r->path), "stages[%u]", plan->stage_count);
    if (!json_is_object(object))
        return wrong(r, "", "must be an object");
    text_format(r->path, sizeof(r->path), "stages[%u].", plan->stage_count++);
    *stage = (struct plan_stage){ .allowed_failure = -1 };
    const struct field fields[] = {
        { "name", TEXT, stage->name, sizeof(stage->name) },
        { "count", NUMBER, &stage->count, 0 },
        { "soak", NUMBER, &stage->soak_s, 0 },
        { "allowed_failure", RATE, &stage->allowed_failure, 0 },
        { "devices", LIST, NULL, 0 },
    };
    json_t *share = json_object_get(object, "percent");
    if (share && take_percent(r, share, &stage->share_ppm) != 0)
        return -1;
    json_object_del(object, "percent");
    if (take_all(r, object, fields, COUNT(fields)) != 0)
        return -1;
    return take_devices(r, json_object_get(object, "devices"), plan, stage);
}

static int take_stages(struct reader *r, json_t *list, struct rollout_plan *plan)
{
    size_t i;
    json_t *stage;

    if (!list) {
        plan_default_stages(plan);
        return 0;
    }
    if (json_array_size(list) == 0 || json_array_size(list) > PLAN_STAGES)
        return wrong(r, "stages", "from 1 to %d", PLAN_STAGES);
    json_array_foreach(list, i, stage)
    {
        if (take_stage(r, stage, plan) != 0)
            return -1;
    }
    r->path[0] = '\0';
    return 0;
}

static int take_gate(struct reader *r, json_t *gate, json_t *stop, struct rollout_plan *plan)
{
    const struct field of_gate[] = {
        { "allowed_failure", RATE, &plan->gate.allowed_failure, 0 },
        { "confidence", RATE, &plan->gate.confidence, 0 },
        { "min_sample", NUMBER, &plan->gate.min_sample, 0 },
        { "silence_after", NUMBER, &plan->gate.silence_after_s, 0 },
        { "max_silent", RATE, &plan->gate.max_silent, 0 },
        { "max_other", RATE, &plan->gate.max_other, 0 },
    };
    const struct field of_stop[] = {
        { "allowed_failure", RATE, &plan->stop.allowed_failure, 0 },
        { "alpha", RATE, &plan->stop.alpha, 0 },
    };

    text_copy(r->path, sizeof(r->path), "gate.");
    if (take_all(r, gate, of_gate, COUNT(of_gate)) != 0)
        return -1;
    text_copy(r->path, sizeof(r->path), "stop.");
    if (take_all(r, stop, of_stop, COUNT(of_stop)) != 0)
        return -1;
    r->path[0] = '\0';
    return 0;
}

static int take_plan(struct reader *r, json_t *object, struct rollout_plan *plan)
{
    char release[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX] = "";
    char on_stop[16] = "pause";
    const struct field fields[] = {
        { "release", TEXT, release, sizeof(release) },
        { "target", TEXT, plan->target, sizeof(plan->target) },
        { "stages", LIST, NULL, 0 },
        { "jitter", NUMBER, &plan->jitter_s, 0 },
        { "trial", NUMBER, &plan->trial_s, 0 },
        { "in_flight", NUMBER, &plan->in_flight, 0 },
        { "gate", OBJECT, NULL, 0 },
        { "stop", OBJECT, NULL, 0 },
        { "retries", NUMBER, &plan->retries, 0 },
        { "retry_after", NUMBER, &plan->retry_after_s, 0 },
        { "deadline", NUMBER, &plan->deadline_s, 0 },
        { "max_offline", NUMBER, &plan->max_offline_s, 0 },
        { "on_stop", TEXT, on_stop, sizeof(on_stop) },
    };

    if (take_all(r, object, fields, COUNT(fields)) != 0 ||
        plan_set_release(plan, release, r->err) != 0 ||
        take_stages(r, json_object_get(object, "stages"), plan) != 0 ||
        take_gate(r, json_object_get(object, "gate"), json_object_get(object, "stop"), plan) != 0)
        return -1;
    if (strcmp(on_stop, "abort") == 0)
        plan->on_stop = PLAN_STOP_ABORT;
    else if (strcmp(on_stop, "pause") != 0)
        return wrong(r, "on_stop", "must be \"pause\" or \"abort\"");
    return plan_check(plan, r->err);
}

int plan_decode(const char *json, size_t len, struct rollout_plan *out, struct err *err)
{
    struct reader r = { .err = err };
    json_error_t where;

    plan_defaults(out);
    if (len > PLAN_JSON_BYTES)
        return err_set(err, EXIT_USAGE, "plan: longer than %d bytes", PLAN_JSON_BYTES);
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &where);
    if (!root) {
        char what[JSON_ERROR_TEXT_LENGTH];
        text_clean(what, sizeof(what), where.text, strlen(where.text));
        return err_set(err, EXIT_USAGE, "plan: line %d, column %d: %s", where.line, where.column,
                       what);
    }
    int rc = json_is_object(root) ? take_plan(&r, root, out)
                                  : err_set(err, EXIT_USAGE, "plan: must be a JSON object");
    json_decref(root);
    return rc;
}

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
    return o;
}

static json_t *encode_stop(const struct rollout_plan *plan)
{
    json_t *o = json_pack("{s:f}", "alpha", plan->stop.alpha);

    if (plan->stop.allowed_failure >= 0)
        json_object_set_new(o, "allowed_failure", json_real(plan->stop.allowed_failure));
    return o;
}

char *plan_encode(const struct rollout_plan *plan)
{
    json_t *stages = json_array();

    for (uint32_t i = 0; i < plan->stage_count; i++)
        json_array_append_new(stages, encode_stage(plan, &plan->stage[i]));
    json_t *o = json_pack(
        "{s:o,s:s,s:o,s:I,s:I,s:I,s:{s:f,s:f,s:I,s:I,s:f,s:f},s:o,s:I,s:I,s:I,s:I,s:s}", "release",
        json_sprintf("%s@%s", plan->product, plan->version), "target", plan->target, "stages",
        stages, "jitter", (json_int_t)plan->jitter_s, "trial", (json_int_t)plan->trial_s,
        "in_flight", (json_int_t)plan->in_flight, "gate", "allowed_failure",
        plan->gate.allowed_failure, "confidence", plan->gate.confidence, "min_sample",
        (json_int_t)plan->gate.min_sample, "silence_after", (json_int_t)plan->gate.silence_after_s,
        "max_silent", plan->gate.max_silent, "max_other", plan->gate.max_other, "stop",
        encode_stop(plan), "retries", (json_int_t)plan->retries, "retry_after",
        (json_int_t)plan->retry_after_s, "deadline", (json_int_t)plan->deadline_s, "max_offline",
        (json_int_t)plan->max_offline_s, "on_stop",
        plan->on_stop == PLAN_STOP_ABORT ? "abort" : "pause");
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(o);
    /* Texts that came through plan_check() and the filter are UTF-8, so there is always one. */
    return text ? text : mem_strdup("{}");
}
