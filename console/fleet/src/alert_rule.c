#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fleet/alert.h"
#include "fleet/filter.h"

const char *alert_level_word(enum alert_level level)
{
    static const char *const words[] = { "info", "warn", "crit" };

    return (unsigned)level < sizeof(words) / sizeof(words[0]) ? words[level] : "warn";
}

enum alert_level alert_level_of(const char *word)
{
    for (int i = ALERT_INFO; i <= ALERT_CRIT; i++)
        if (strcmp(alert_level_word((enum alert_level)i), word) == 0)
            return (enum alert_level)i;
    return ALERT_WARN;
}

size_t alert_rules_default(struct alert_rule out[], size_t cap)
{
    static const struct alert_rule rules[] = {
        { .name = "silent", .kind = ALERT_WHEN, .level = ALERT_WARN, .when = "state=stale" },
        { .name = "offline",
          .kind = ALERT_WHEN,
          .level = ALERT_WARN,
          .when = "state=offline",
          .for_s = 300 },
        { .name = "certificate", .kind = ALERT_WHEN, .level = ALERT_WARN, .when = "cert<14d" },
        { .name = "reboots",
          .kind = ALERT_REBOOTS,
          .level = ALERT_WARN,
          .count = 5,
          .within_s = 3600 },
        { .name = "new", .kind = ALERT_NEW, .level = ALERT_INFO },
        { .name = "unknown", .kind = ALERT_UNKNOWN, .level = ALERT_WARN },
        { .name = "rollout", .kind = ALERT_ROLLOUT, .level = ALERT_CRIT },
    };
    size_t n = sizeof(rules) / sizeof(rules[0]);

    n = n < cap ? n : cap;
    memcpy(out, rules, n * sizeof(*out));
    return n;
}

static int check_filter(const struct alert_rule *r, const char *key, const char *text,
                        struct err *err)
{
    struct filter_error e;
    struct filter *f = filter_compile(text, &e);

    if (!f)
        return err_set(err, EXIT_USAGE, "[alert %s] %s: %s, at '%.40s'", r->name, key, e.text,
                       text + e.at);
    filter_free(f);
    return 0;
}

static int check_when(const struct alert_rule *r, struct err *err)
{
    if (!r->when[0])
        return err_set(err, EXIT_USAGE,
                       "[alert %s] when is missing: a filter, as in 'when = temp>30'", r->name);
    if (check_filter(r, "when", r->when, err))
        return -1;
    return r->clear[0] ? check_filter(r, "clear", r->clear, err) : 0;
}

static bool name_is_good(const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    return *name && strspn(name, good) == strlen(name);
}

int alert_rule_check(const struct alert_rule *r, struct err *err)
{
    if (!name_is_good(r->name))
        return err_set(err, EXIT_USAGE, "[alert %s]: a name is letters, digits, - and _", r->name);
    if (r->target[0] && check_filter(r, "target", r->target, err))
        return -1;
    switch (r->kind) {
    case ALERT_WHEN:
        return check_when(r, err);
    case ALERT_REBOOTS:
        if (r->count < 1 || r->count >= ALERT_RESTARTS || r->within_s == 0)
            return err_set(err, EXIT_USAGE,
                           "[alert %s] kind reboots wants count from 1 to %d, and within", r->name,
                           ALERT_RESTARTS - 1);
        return 0;
    case ALERT_RATE:
        if (!(r->above > 0) && !(r->below > 0))
            return err_set(err, EXIT_USAGE,
                           "[alert %s] kind rate wants above or below, in messages per minute",
                           r->name);
        return 0;
    case ALERT_NEW:
    case ALERT_UNKNOWN:
    case ALERT_ROLLOUT:
        return 0;
    case ALERT_KINDS:
        break;
    }
    return err_set(err, EXIT_USAGE, "[alert %s]: unknown kind", r->name);
}

static void say_span(uint32_t s, char *out, size_t cap)
{
    if (s % 86400 == 0)
        text_format(out, cap, "%ud", s / 86400);
    else if (s % 3600 == 0)
        text_format(out, cap, "%uh", s / 3600);
    else if (s % 60 == 0)
        text_format(out, cap, "%um", s / 60);
    else
        text_format(out, cap, "%us", s);
}

static void say_kind(const struct alert_rule *r, char *out, size_t cap)
{
    char span[24];

    switch (r->kind) {
    case ALERT_WHEN:
        text_format(out, cap, "%s", r->when);
        break;
    case ALERT_REBOOTS:
        say_span(r->within_s, span, sizeof(span));
        text_format(out, cap, "more than %u restarts in %s", r->count, span);
        break;
    case ALERT_RATE:
        if (r->above > 0 && r->below > 0)
            text_format(out, cap, "not %g to %g messages a minute", r->below, r->above);
        else
            text_format(out, cap, "%s %g messages a minute", r->above > 0 ? "above" : "below",
                        r->above > 0 ? r->above : r->below);
        break;
    case ALERT_NEW:
        text_format(out, cap, "a device nobody knew");
        break;
    case ALERT_UNKNOWN:
        text_format(out, cap, "no certificate was made for it");
        break;
    case ALERT_ROLLOUT:
        text_format(out, cap, "a rollout stopped itself");
        break;
    case ALERT_KINDS:
        break;
    }
}

void alert_rule_condition(const struct alert_rule *r, char *out, size_t cap)
{
    char what[ALERT_COND_MAX];

    say_kind(r, what, sizeof(what));
    text_format(out, cap, "%s", what);
}

void alert_rule_text(const struct alert_rule *r, char *out, size_t cap)
{
    char what[ALERT_COND_MAX], span[24];

    say_kind(r, what, sizeof(what));
    say_span(r->for_s, span, sizeof(span));
    snprintf(out, cap, "%s%s%s", what, r->for_s ? " for " : "", r->for_s ? span : "");
}
