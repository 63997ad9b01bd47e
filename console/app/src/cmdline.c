#include "cmdline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config.h"
#include "screens/config_fields.h"
#include "screens/stages.h"

static void put(struct cmdline *c, const char *text)
{
    size_t n = strlen(text);

    if (c->len + n >= sizeof(c->text))
        c->cut = true;
    if (c->cut)
        return;
    memcpy(c->text + c->len, text, n + 1);
    c->len += n;
}

/* Letters that mean nothing to a shell; a word of others goes between single quotes. */
static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_";

    return *word && word[strspn(word, plain)] == '\0';
}

void cmdline_word(struct cmdline *c, const char *word)
{
    char one[2] = "";

    put(c, " ");
    if (is_plain(word)) {
        put(c, word);
        return;
    }
    put(c, "'");
    for (; *word; word++) {
        one[0] = *word;
        put(c, *word == '\'' ? "'\\''" : one);
    }
    put(c, "'");
}

void cmdline_option(struct cmdline *c, const char *name, const char *value)
{
    put(c, " --");
    put(c, name);
    cmdline_word(c, value);
}

static void option_number(struct cmdline *c, const char *name, uint32_t value, const char *unit)
{
    char text[24];

    snprintf(text, sizeof(text), "%u%s", value, unit);
    cmdline_option(c, name, text);
}

/* As --profile would find it from any folder: not at all, by its name, by its path. */
static void put_profile(struct cmdline *c, const struct profile *p)
{
    char path[PROFILE_PATH_MAX];
    const char *slash = strrchr(p->path, '/'), *file = slash ? slash + 1 : p->path;
    char name[PROFILE_PATH_MAX];

    if (config_path(NULL, path, sizeof(path), NULL) == 0 && strcmp(path, p->path) == 0)
        return;
    size_t len = strlen(file);
    if (len > 4 && text_copy_n(name, sizeof(name), file, len - 4) &&
        config_path(name, path, sizeof(path), NULL) == 0 && strcmp(path, p->path) == 0)
        cmdline_option(c, "profile", name);
    else if (text_format(path, sizeof(path), "%s/%s", p->dir, file))
        cmdline_option(c, "profile", path);
}

void cmdline_begin(struct cmdline *c, const struct profile *p, const char *command)
{
    memset(c, 0, sizeof(*c));
    put(c, "muster");
    put_profile(c, p);
    put(c, " ");
    put(c, command);
}

const char *cmdline_text(const struct cmdline *c)
{
    return c->cut
               ? "# too long to stand here; 'muster journal ls' and 'muster rollout show --json' "
                 "have it"
               : c->text;
}

void cmdline_device(struct cmdline *c, const struct profile *p, enum verb verb, const char *id,
                    const struct order_config *set)
{
    char command[32], words[768] = "", *rest = NULL;

    snprintf(command, sizeof(command), "device %s", verb_word(verb));
    cmdline_begin(c, p, command);
    cmdline_word(c, id);
    if (set)
        config_fields_text(set, words, sizeof(words));
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        cmdline_word(c, word);
    if (verb != VERB_IDENTIFY)
        put(c, " --yes");
}

static void put_set(struct cmdline *c, const struct rollout_ask *ask)
{
    const struct {
        uint32_t bit;
        const char *key;
        uint32_t value;
    } row[] = {
        { ROLLOUT_SET_IN_FLIGHT, "in-flight", ask->in_flight },
        { ROLLOUT_SET_JITTER, "jitter", ask->jitter_s },
        { ROLLOUT_SET_PER_GROUP, "per-group", ask->per_group },
        { ROLLOUT_SET_BANDWIDTH, "bandwidth", ask->bandwidth },
    };
    char word[40];

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        if (ask->set & row[i].bit) {
            snprintf(word, sizeof(word), "%s=%u", row[i].key, row[i].value);
            cmdline_word(c, word);
        }
}

void cmdline_act(struct cmdline *c, const struct profile *p, enum rollout_act act, const char *id,
                 const struct rollout_ask *ask)
{
    char command[32];

    snprintf(command, sizeof(command), "rollout %s", rollout_act_word(act));
    cmdline_begin(c, p, command);
    cmdline_word(c, id);
    if (ask->stage[0])
        cmdline_word(c, ask->stage);
    for (uint32_t i = 0; i < ask->device_count && i < ROLLOUT_ASK_DEVICES; i++)
        cmdline_word(c, ask->device[i]);
    put_set(c, ask);
    if (ask->reason != REASON_NONE)
        cmdline_option(c, "reason", reason_word(ask->reason));
    if (ask->cls != REASON_CLASS_NONE)
        cmdline_option(c, "class", reason_class_word(ask->cls));
    if (ask->remark[0])
        cmdline_option(c, "remark", ask->remark);
    if (act == ROLLOUT_ACT_ABORT || act == ROLLOUT_ACT_ROLLBACK)
        put(c, " --yes");
}

void cmdline_silence(struct cmdline *c, const struct profile *p, const struct alert_silence *s,
                     int64_t now_ms)
{
    int64_t span = (s->until_ms - now_ms + 999) / 1000;

    cmdline_begin(c, p, "alerts silence");
    if (s->target[0])
        cmdline_word(c, s->target);
    if (s->rule[0])
        cmdline_option(c, "rule", s->rule);
    option_number(c, "for", span > 0 ? (uint32_t)span : 1, "s");
    cmdline_option(c, "reason", s->reason);
}

/* ---- a rollout ------------------------------------------------------------------------------- */

/* --allowed-failure speaks for every stage, so each stage says its own share where it has one. */
static void put_stages(struct cmdline *c, const struct rollout_plan *plan)
{
    struct rollout_plan said = *plan;
    char text[512];

    for (uint32_t i = 0; i < said.stage_count; i++)
        said.stage[i].allowed_failure = plan_stage_allowed(plan, i);
    if (stages_text(&said, text, sizeof(text)))
        cmdline_option(c, "stages", text);
}

static void put_numbers(struct cmdline *c, const struct rollout_plan *plan,
                        const struct rollout_plan *usual)
{
    char text[64];

    if (plan->gate.allowed_failure != usual->gate.allowed_failure) {
        snprintf(text, sizeof(text), "%g", plan->gate.allowed_failure);
        cmdline_option(c, "allowed-failure", text);
    }
    if (plan->jitter_s != usual->jitter_s)
        option_number(c, "jitter", plan->jitter_s, "s");
    if (plan->trial_s != usual->trial_s)
        option_number(c, "trial", plan->trial_s, "s");
    if (plan->in_flight != usual->in_flight)
        option_number(c, "in-flight", plan->in_flight, "");
    if (plan->deadline_s != usual->deadline_s)
        option_number(c, "deadline", plan->deadline_s, "s");
    if (plan->gate.min_sample != usual->gate.min_sample)
        option_number(c, "min-sample", plan->gate.min_sample, "");
    if (plan->gate.silence_after_s != usual->gate.silence_after_s)
        option_number(c, "silence-after", plan->gate.silence_after_s, "s");
    if (plan->bandwidth)
        option_number(c, "bandwidth", plan->bandwidth, "");
    if (plan->per_group.by[0]) {
        snprintf(text, sizeof(text), "%s=%u", plan->per_group.by, plan->per_group.max);
        cmdline_option(c, "per-group", text);
    }
}

static void put_window(struct cmdline *c, const struct window *w)
{
    char from[WINDOW_TIME_MAX], to[WINDOW_TIME_MAX], days[WINDOW_DAYS_MAX], text[WINDOW_TEXT_MAX];

    if (!w->days)
        return;
    window_time_text(w->from_min, from);
    window_time_text(w->to_min, to);
    window_days_text(w->days, days);
    snprintf(text, sizeof(text), "%s-%s %s %s", from, to, w->tz, days);
    cmdline_option(c, "window", text);
}

/* What only a plan file can say is as usual? */
static bool options_say_it(const struct rollout_plan *a, const struct rollout_plan *usual)
{
    return a->named_count == 0 && memcmp(&a->retries, &usual->retries, sizeof(a->retries)) == 0 &&
           a->gate.confidence == usual->gate.confidence &&
           a->gate.max_silent == usual->gate.max_silent &&
           a->gate.max_other == usual->gate.max_other &&
           a->gate.max_network == usual->gate.max_network &&
           a->gate.max_power == usual->gate.max_power &&
           a->gate.max_policy == usual->gate.max_policy && a->stop.alpha == usual->stop.alpha &&
           a->retry_after_s == usual->retry_after_s && a->max_offline_s == usual->max_offline_s &&
           a->precursor == usual->precursor;
}

void cmdline_start(struct cmdline *c, const struct profile *p, const struct rollout_plan *plan)
{
    char release[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX];
    struct rollout_plan usual = { 0 };

    plan_defaults(&usual);
    text_format(release, sizeof(release), "%s@%s", plan->product, plan->version);
    cmdline_begin(c, p, "rollout start");
    cmdline_option(c, "release", release);
    if (plan->target[0])
        cmdline_option(c, "target", plan->target);
    put_stages(c, plan);
    put_numbers(c, plan, &usual);
    put_window(c, &plan->window);
    put(c, plan->four_eyes ? " --four-eyes" : "");
    put(c, plan->late == PLAN_LATE_JOIN ? " --late" : "");
    put(c, plan->include_failed ? " --include-failed" : "");
    put(c, plan->on_stop == PLAN_STOP_ABORT ? " --abort-on-stop" : "");
    put(c, " --yes");
    if (!options_say_it(plan, &usual))
        put(c, "   # and what only its plan file says: 'muster rollout show --json'");
}
