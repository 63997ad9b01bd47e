#include "rollout_json/plan_json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/nearest.h"
#include "base/text.h"
#include "plan_where.h"

/* How far decoding is: where in the document, and where to say what is wrong. */
struct reader {
    char path[48]; /* "", "stages[1]." or "gate." */
    struct err *err;
    bool is_template; /* may be without a release */
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

enum type { NUMBER, RATE, TEXT, LIST, OBJECT, FLAG, ANY };

/* A field of an object: which, and where it goes. */
struct field {
    const char *name;
    enum type type;
    void *to;   /* uint32_t for NUMBER, double for RATE, bool for FLAG */
    size_t cap; /* TEXT: of a char array */
};

static const struct field *find(const struct field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

/* What the number counts, for those whose name does not say it. */
static const char *unit_of(const char *field)
{
    static const char *const spans[] = { "jitter",      "trial",    "soak",       "silence_after",
                                         "retry_after", "deadline", "max_offline" };

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        if (strcmp(field, spans[i]) == 0)
            return ": seconds";
    return "";
}

static int take(const struct reader *r, const struct field *f, json_t *value)
{
    switch (f->type) {
    case NUMBER:
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) > UINT32_MAX)
            return wrong(r, f->name, "must be a whole number, not negative%s", unit_of(f->name));
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
    case FLAG:
        if (!json_is_boolean(value))
            return wrong(r, f->name, "must be true or false");
        *(bool *)f->to = json_is_true(value);
        return 0;
    case ANY:
        return 0;
    }
    return -1;
}

struct known_fields {
    const struct field *fields;
    size_t count;
};

static const char *nth_field(void *ctx, size_t n)
{
    const struct known_fields *k = ctx;

    return n < k->count ? k->fields[n].name : NULL;
}

static int unknown_field(const struct reader *r, const char *key, const struct field *fields,
                         size_t count)
{
    struct known_fields known = { fields, count };
    const char *near = word_nearest(key, nth_field, &known);

    return wrong(r, key, "is not a field that a plan has here%s%s%s", near ? "; did you mean " : "",
                 near ? near : "", near ? "?" : "");
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
            return unknown_field(r, key, fields, count);
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
        { "approval", FLAG, &stage->approval, 0 },
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
        { "max_network", RATE, &plan->gate.max_network, 0 },
        { "max_power", RATE, &plan->gate.max_power, 0 },
        { "max_policy", RATE, &plan->gate.max_policy, 0 },
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

/* A word of a list, by its place; -1 and the error names them all. */
static int one_of(const struct reader *r, const char *field, const char *word,
                  const char *const *words, int count)
{
    char all[96] = "";

    for (int i = 0; i < count; i++) {
        size_t len = strlen(all);
        if (strcmp(word, words[i]) == 0)
            return i;
        text_format(all + len, sizeof(all) - len, "%s\"%s\"", i == 0 ? "" : " or ", words[i]);
    }
    return wrong(r, field, "must be %s", all);
}

/* Everything but the release. */
static int check_template(const struct rollout_plan *plan, struct err *err)
{
    struct rollout_plan whole = *plan;

    text_copy(whole.product, sizeof(whole.product), "x");
    text_copy(whole.version, sizeof(whole.version), "1.0.0");
    return plan_check(&whole, err);
}

static int take_words(const struct reader *r, const char *on_stop, const char *late,
                      const char *precursor, struct rollout_plan *plan)
{
    static const char *const stop_words[] = { "pause", "abort" };
    static const char *const late_words[] = { "ignore", "join" };
    static const char *const precursor_words[] = { "skip", "refuse" };
    int stop = one_of(r, "on_stop", on_stop, stop_words, COUNT(stop_words));
    int l = stop < 0 ? -1 : one_of(r, "late", late, late_words, COUNT(late_words));
    int p = l < 0 ? -1 : one_of(r, "precursor", precursor, precursor_words, COUNT(precursor_words));

    if (p < 0)
        return -1;
    plan->on_stop = (enum plan_on_stop)stop;
    plan->late = (enum plan_late)l;
    plan->precursor = (enum plan_precursor)p;
    return 0;
}

static int take_window(struct reader *r, json_t *window, struct rollout_plan *plan)
{
    char from[16] = "", to[16] = "", days[40] = "daily", tz[ZONE_NAME_MAX] = "UTC";
    const struct field fields[] = {
        { "from", TEXT, from, sizeof(from) },
        { "to", TEXT, to, sizeof(to) },
        { "tz", TEXT, tz, sizeof(tz) },
        { "days", TEXT, days, sizeof(days) },
    };

    if (!window)
        return 0;
    text_copy(r->path, sizeof(r->path), "window.");
    if (take_all(r, window, fields, COUNT(fields)) != 0)
        return -1;
    if (!from[0] || !to[0])
        return wrong(r, from[0] ? "to" : "from", "is missing: a time of day like 01:00");
    r->path[0] = '\0';
    return window_parse(&plan->window, from, to, tz, days, r->err);
}

static int take_per_group(struct reader *r, json_t *group, struct rollout_plan *plan)
{
    const struct field fields[] = {
        { "by", TEXT, plan->per_group.by, sizeof(plan->per_group.by) },
        { "max", NUMBER, &plan->per_group.max, 0 },
    };

    if (!group)
        return 0;
    plan->per_group.max = 1;
    text_copy(r->path, sizeof(r->path), "per_group.");
    if (take_all(r, group, fields, COUNT(fields)) != 0)
        return -1;
    if (!plan->per_group.by[0])
        return wrong(r, "by", "is missing: the key of a label, such as site");
    r->path[0] = '\0';
    return 0;
}

static int take_tries(const struct reader *r, const char *key, json_t *value,
                      struct plan_retries *out)
{
    uint32_t tries = 0;
    const struct field number = { key, NUMBER, &tries, 0 };
    enum reason reason;

    if (take(r, &number, value) != 0)
        return -1;
    uint8_t n = (uint8_t)(tries < UINT8_MAX ? tries : UINT8_MAX);
    if (strcmp(key, "network") == 0)
        out->network = n;
    else if (strcmp(key, "power") == 0)
        out->power = n;
    else if (strcmp(key, "hash_mismatch") == 0)
        out->hash_mismatch = n;
    else if (reason_from_word(key, strlen(key), &reason) != 0)
        return wrong(r, key, "is neither network, power nor a reason of these classes");
    else if (reason_class(reason) != REASON_CLASS_NETWORK &&
             reason_class(reason) != REASON_CLASS_POWER)
        return wrong(r, key, "class %s is never tried again by itself; a person may: rollout retry",
                     reason_class_word(reason_class(reason)));
    else if (out->one_count == PLAN_RETRY_ONES)
        return wrong(r, key, "at most %d reasons of their own", PLAN_RETRY_ONES);
    else {
        out->one[out->one_count].reason = (uint8_t)reason;
        out->one[out->one_count++].tries = n;
    }
    return 0;
}

/* A number for all that passes, or an object by class and reason. */
static int take_retries(struct reader *r, json_t *retries, struct rollout_plan *plan)
{
    const char *key;
    json_t *value;
    uint32_t tries;
    const struct field number = { "retries", NUMBER, &tries, 0 };

    if (!retries)
        return 0;
    if (!json_is_object(retries)) {
        if (take(r, &number, retries) != 0)
            return -1;
        plan_set_retries(plan, tries);
        return 0;
    }
    text_copy(r->path, sizeof(r->path), "retries.");
    json_object_foreach(retries, key, value)
    {
        if (take_tries(r, key, value, &plan->retries) != 0)
            return -1;
    }
    r->path[0] = '\0';
    return 0;
}

static int take_parts(struct reader *r, json_t *object, struct rollout_plan *plan)
{
    if (take_stages(r, json_object_get(object, "stages"), plan) != 0 ||
        take_gate(r, json_object_get(object, "gate"), json_object_get(object, "stop"), plan) != 0 ||
        take_window(r, json_object_get(object, "window"), plan) != 0 ||
        take_per_group(r, json_object_get(object, "per_group"), plan) != 0)
        return -1;
    return take_retries(r, json_object_get(object, "retries"), plan);
}

static int take_plan(struct reader *r, json_t *object, struct rollout_plan *plan)
{
    char release[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX] = "";
    char on_stop[16] = "pause", late[16] = "ignore", precursor[16] = "skip";
    const struct field fields[] = {
        { "release", TEXT, release, sizeof(release) },
        { "target", TEXT, plan->target, sizeof(plan->target) },
        { "stages", LIST, NULL, 0 },
        { "jitter", NUMBER, &plan->jitter_s, 0 },
        { "trial", NUMBER, &plan->trial_s, 0 },
        { "in_flight", NUMBER, &plan->in_flight, 0 },
        { "per_group", OBJECT, NULL, 0 },
        { "bandwidth", NUMBER, &plan->bandwidth, 0 },
        { "window", OBJECT, NULL, 0 },
        { "gate", OBJECT, NULL, 0 },
        { "stop", OBJECT, NULL, 0 },
        { "retries", ANY, NULL, 0 },
        { "retry_after", NUMBER, &plan->retry_after_s, 0 },
        { "deadline", NUMBER, &plan->deadline_s, 0 },
        { "max_offline", NUMBER, &plan->max_offline_s, 0 },
        { "late", TEXT, late, sizeof(late) },
        { "precursor", TEXT, precursor, sizeof(precursor) },
        { "include_failed", FLAG, &plan->include_failed, 0 },
        { "four_eyes", FLAG, &plan->four_eyes, 0 },
        { "on_stop", TEXT, on_stop, sizeof(on_stop) },
    };

    if (take_all(r, object, fields, COUNT(fields)) != 0)
        return -1;
    if (release[0] == '\0' && r->is_template)
        plan->product[0] = plan->version[0] = '\0';
    else if (plan_set_release(plan, release, r->err) != 0)
        return -1;
    if (take_parts(r, object, plan) != 0 || take_words(r, on_stop, late, precursor, plan) != 0)
        return -1;
    return r->is_template && plan->product[0] == '\0' ? check_template(plan, r->err)
                                                      : plan_check(plan, r->err);
}

/* "stages[1].percent: …" becomes "line 3: stages[1].percent: …". */
static int say_line(const char *json, size_t len, struct err *err)
{
    const char *colon = err ? strstr(err->text, ": ") : NULL;
    uint32_t line = colon ? plan_line(json, len, err->text, (size_t)(colon - err->text)) : 0;

    return line > 0 ? err_prefix(err, "line %u", line) : -1;
}

static int decode(const char *json, size_t len, bool is_template, struct rollout_plan *out,
                  struct err *err)
{
    struct reader r = { .err = err, .is_template = is_template };
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
    return rc == 0 ? 0 : say_line(json, len, err);
}

int plan_decode(const char *json, size_t len, struct rollout_plan *out, struct err *err)
{
    return decode(json, len, false, out, err);
}

int plan_decode_template(const char *json, size_t len, struct rollout_plan *out, struct err *err)
{
    return decode(json, len, true, out, err);
}
