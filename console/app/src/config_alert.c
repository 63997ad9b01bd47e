#include "config_alert.h"

#include <string.h>

#include "base/text.h"

/* The rules while they are read. */
struct reading {
    const struct profile *p;
    struct alert_rule *rule;
    bool off[ALERT_RULES];
    int line[ALERT_RULES]; /* where its section begins; 0: a usual one */
    size_t count;
    struct err *err;
};

static int wrong(struct reading *r, const struct profile_alert_line *l, const char *wants)
{
    return err_set(r->err, EXIT_USAGE, "%s:%d: [alert %s] %s wants %s, not '%.60s'", r->p->path,
                   l->line, l->rule, l->key, wants, l->value);
}

static int word_of(const char *value, const char *const *word, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(value, word[i]) == 0)
            return i;
    return -1;
}

static int set_kind(struct reading *r, const struct profile_alert_line *l, struct alert_rule *rule)
{
    static const char *const words[] = {
#define X(name, word) word,
        ALERT_KIND_MAP(X)
#undef X
    };
    int kind = word_of(l->value, words, ALERT_KINDS);

    if (kind < 0)
        return wrong(r, l, "when, reboots, new, unknown, rate or rollout");
    rule->kind = (enum alert_kind)kind;
    return 0;
}

static int set_level(struct reading *r, const struct profile_alert_line *l, struct alert_rule *rule)
{
    static const char *const words[] = { "info", "warn", "crit" };
    int level = word_of(l->value, words, 3);

    if (level < 0)
        return wrong(r, l, "info, warn or crit");
    rule->level = (enum alert_level)level;
    return 0;
}

static int set_seconds(struct reading *r, const struct profile_alert_line *l, uint32_t *out)
{
    uint64_t s;

    if (!text_to_seconds(l->value, &s) || s > 366 * 86400)
        return wrong(r, l, "a time as in 90, 5m, 2h, 7d");
    *out = (uint32_t)s;
    return 0;
}

static int set_text(struct reading *r, const struct profile_alert_line *l, char *out, size_t cap)
{
    return text_copy(out, cap, l->value) ? 0 : wrong(r, l, "a shorter filter");
}

static int set_number(struct reading *r, const struct profile_alert_line *l, double *out)
{
    return text_to_double(l->value, out) && *out >= 0 ? 0 : wrong(r, l, "messages per minute");
}

static int set_off(struct reading *r, const struct profile_alert_line *l, size_t at)
{
    static const char *const words[] = { "no", "yes" };
    int word = word_of(l->value, words, 2);

    if (word < 0)
        return wrong(r, l, "yes or no");
    r->off[at] = word == 1;
    return 0;
}

static int set_count(struct reading *r, const struct profile_alert_line *l, uint32_t *out)
{
    uint64_t n;

    if (!text_to_u64(l->value, 1, ALERT_RESTARTS - 1, &n))
        return wrong(r, l, "1 to 15");
    *out = (uint32_t)n;
    return 0;
}

static int set_key(struct reading *r, const struct profile_alert_line *l, size_t at)
{
    struct alert_rule *rule = &r->rule[at];

    if (strcmp(l->key, "kind") == 0)
        return set_kind(r, l, rule);
    if (strcmp(l->key, "level") == 0)
        return set_level(r, l, rule);
    if (strcmp(l->key, "when") == 0)
        return set_text(r, l, rule->when, sizeof(rule->when));
    if (strcmp(l->key, "clear") == 0)
        return set_text(r, l, rule->clear, sizeof(rule->clear));
    if (strcmp(l->key, "target") == 0)
        return set_text(r, l, rule->target, sizeof(rule->target));
    if (strcmp(l->key, "for") == 0)
        return set_seconds(r, l, &rule->for_s);
    if (strcmp(l->key, "clear_for") == 0)
        return set_seconds(r, l, &rule->clear_s);
    if (strcmp(l->key, "within") == 0)
        return set_seconds(r, l, &rule->within_s);
    if (strcmp(l->key, "count") == 0)
        return set_count(r, l, &rule->count);
    if (strcmp(l->key, "above") == 0)
        return set_number(r, l, &rule->above);
    if (strcmp(l->key, "below") == 0)
        return set_number(r, l, &rule->below);
    if (strcmp(l->key, "off") == 0)
        return set_off(r, l, at);
    return err_set(
        r->err, EXIT_USAGE,
        "%s:%d: [alert %s] knows no %s: kind when clear target for clear_for level count "
        "within above below off",
        r->p->path, l->line, l->rule, l->key);
}

/* The rule a line is of, made when it is the first; -1 when there is no room. */
static int rule_for(struct reading *r, const struct profile_alert_line *l, size_t *at)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->rule[i].name, l->rule) == 0) {
            r->line[i] = r->line[i] ? r->line[i] : l->line;
            *at = i;
            return 0;
        }
    if (r->count == ALERT_RULES)
        return err_set(r->err, EXIT_USAGE, "%s:%d: more than %d alert rules", r->p->path, l->line,
                       ALERT_RULES);
    *at = r->count++;
    r->rule[*at] = (struct alert_rule){ .kind = ALERT_WHEN, .level = ALERT_WARN };
    r->off[*at] = false;
    r->line[*at] = l->line;
    text_copy(r->rule[*at].name, sizeof(r->rule[*at].name), l->rule);
    return 0;
}

static int check(struct reading *r)
{
    struct err why;

    for (size_t i = 0; i < r->count; i++)
        if (!r->off[i] && alert_rule_check(&r->rule[i], &why))
            return err_set(r->err, EXIT_USAGE, "%s:%d: %s", r->p->path, r->line[i], why.text);
    return 0;
}

int config_alerts(const struct profile *p, struct alert_rule out[ALERT_RULES], size_t *count,
                  struct err *err)
{
    struct reading r = { .p = p, .rule = out, .err = err };
    size_t kept = 0;

    if (p->default_alerts)
        r.count = alert_rules_default(out, ALERT_RULES);
    for (size_t i = 0; i < p->alert_count; i++) {
        size_t at;
        if (rule_for(&r, &p->alert[i], &at) || set_key(&r, &p->alert[i], at))
            return -1;
    }
    if (check(&r))
        return -1;
    for (size_t i = 0; i < r.count; i++)
        if (!r.off[i])
            out[kept++] = out[i];
    *count = kept;
    return 0;
}
