#include "rollout/gate.h"

#include <math.h>

#include "base/text.h"

/*
 * Continued fraction of the incomplete beta function by Lentz's method (Numerical Recipes' and
 * DLMF 8.17.22's form). It converges in about sqrt(max(a, b)) rounds on the side used below; the
 * bound covers a million devices.
 */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    const int rounds = 20000;
    double c = 1.0;
    double d = 1.0 - (a + b) * x / (a + 1.0);

    d = 1.0 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m <= rounds; m++) {
        double even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 + even * d;
        c = 1.0 + even / c;
        d = 1.0 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;

        double odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 + odd * d;
        c = 1.0 + odd / c;
        d = 1.0 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        if (fabs(d * c - 1.0) < 1e-14)
            break;
    }
    return h;
}

double gate_beta(double a, double b, double x)
{
    if (x <= 0.0)
        return 0.0;
    if (x >= 1.0)
        return 1.0;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));

    if (x < (a + 1.0) / (a + b + 2.0))
        return front * beta_fraction(a, b, x) / a;
    return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}

/* The x with I_x(a, b) = p. The function rises in x, so halving is safe; 60 halvings are beyond
 * double's precision of the result. */
static double beta_inverse(double a, double b, double p)
{
    double low = 0.0;
    double high = 1.0;

    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (gate_beta(a, b, middle) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double gate_upper(uint32_t failed, uint32_t n, double confidence)
{
    if (failed >= n)
        return 1.0;
    if (failed == 0)
        return -expm1(log1p(-confidence) / n);
    return beta_inverse(failed + 1.0, (double)(n - failed), confidence);
}

double gate_lower(uint32_t failed, uint32_t n, double confidence)
{
    if (failed == 0 || n == 0)
        return 0.0;
    if (failed >= n)
        return exp(log1p(-confidence) / n);
    return beta_inverse(failed, (double)(n - failed) + 1.0, 1.0 - confidence);
}

uint32_t gate_clean_needed(double allowed, double confidence)
{
    if (allowed <= 0.0)
        return UINT32_MAX;
    if (allowed >= 1.0)
        return 1;
    double n = ceil(log1p(-confidence) / log1p(-allowed) - 1e-9);
    return n < 1.0 ? 1 : n >= 4294967295.0 ? UINT32_MAX : (uint32_t)n;
}

uint32_t gate_needed(uint32_t failed, double allowed, double confidence)
{
    uint32_t low = failed + 1, high = low;

    if (allowed <= 0.0)
        return UINT32_MAX;
    if (failed == 0 || allowed >= 1.0)
        return failed == 0 ? gate_clean_needed(allowed, confidence) : failed;
    /* upper(failed, n) <= allowed  <=>  P(X > failed | n, allowed) >= confidence, rising in n. */
    while (high < UINT32_MAX / 2 &&
           gate_beta(failed + 1.0, (double)(high - failed), allowed) < confidence)
        high *= 2;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (gate_beta(failed + 1.0, (double)(middle - failed), allowed) < confidence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- The stop while results come in: see gate.h --- */

#define LOOK_PEAK     1.2
#define LOOK_EXPECTED 5.0

double gate_level(double allowed, double alpha, uint32_t n)
{
    double m = n * allowed / LOOK_EXPECTED;

    if (m <= 0.0)
        return 0.0;
    return LOOK_PEAK * alpha * (m < 1.0 ? m : 1.0 / (m * m));
}

int gate_test(double allowed, double alpha, uint32_t failed, uint32_t n)
{
    if (failed == 0)
        return 0;
    if (allowed <= 0.0)
        return 1;
    /* At or below what is expected the chance is about a half: no need to compute it. */
    if (failed <= allowed * n || failed > n)
        return failed > n;
    return gate_beta(failed, (double)(n - failed) + 1.0, allowed) <= gate_level(allowed, alpha, n);
}

static uint32_t at_risk(const struct gate_counts *c)
{
    return c->done + c->failed + c->soaking + c->trying;
}

int gate_must_stop(const struct gate_rule *rule, const struct gate_counts *c)
{
    if (c->failed > 0 && rule->allowed_failure <= 0.0)
        return 1;
    return gate_test(rule->stop_allowed, rule->alpha, c->failed, at_risk(c));
}

/* --- In words --- */

/* In steps, rounded up: the text would otherwise be another each second, on every screen, in the
 * events and to whoever has it read aloud. */
static void say_duration(char *out, size_t cap, int64_t ms)
{
    long long s = (ms + 999) / 1000;

    if (s > 50)
        s = (s + 59) / 60 * 60;
    else if (s >= 10)
        s = (s + 9) / 10 * 10;
    if (s >= 86400)
        text_format(out, cap, "%lldd%lldh", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        text_format(out, cap, "%lldh%lldm", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        text_format(out, cap, "%lldm", s / 60);
    else
        text_format(out, cap, "%llds", s);
}

/* How many results there can be in the end. */
static uint32_t most_results(const struct gate_counts *c)
{
    uint32_t never = c->other + (c->excused > c->away ? c->excused - c->away : 0);

    return c->total > never ? c->total - never : 0;
}

/* Not even a stage without a failure could show the rate: the observed one decides. Of those that
 * are away as many as may be silent are not waited for. */
static bool too_small(const struct gate_rule *rule, const struct gate_counts *c)
{
    uint32_t needed = gate_clean_needed(rule->allowed_failure, rule->confidence);
    double most = most_results(c);

    return c->done + c->failed < needed && floor(most * (1.0 - rule->max_silent)) < needed;
}

static bool too_many(double allowed, uint32_t failed, uint32_t n)
{
    return failed > floor(allowed * n + 1e-9); /* 0.29 * 100 is 28.99... */
}

static void explain_stop(const struct gate_rule *rule, const struct gate_counts *c,
                         struct gate_decision *out)
{
    uint32_t n = at_risk(c);

    if (rule->allowed_failure <= 0.0)
        text_format(out->why, sizeof(out->why), "%u of %u failed, none may", c->failed,
                    out->sample);
    else
        text_format(out->why, sizeof(out->why),
                    "%u of %u failed, %.1f %% allowed: the true rate is at least %.1f %%",
                    c->failed, n, rule->allowed_failure * 100, out->lower * 100);
}

/* What a go rests on. */
static const char *go_words(const struct gate_rule *rule, const struct gate_counts *c)
{
    if (c->accepted)
        return "; a person has accepted that";
    return too_small(rule, c) ? "; too few to show more, the observed rate is within the limit"
                              : "";
}

static void explain(const struct gate_rule *rule, const struct gate_counts *c,
                    struct gate_decision *out)
{
    char *text = out->why;
    size_t cap = sizeof(out->why);
    int digits = out->upper < 0.1 ? 1 : 0;
    bool go = out->verdict == GATE_GO;

    if (out->verdict == GATE_STOP)
        explain_stop(rule, c, out);
    else if (out->sample == 0)
        text_format(text, cap, "no results yet");
    else if (go && out->upper <= rule->allowed_failure)
        text_format(text, cap, "%u of %u failed: the true rate is below %.*f %%, %.1f %% allowed",
                    out->failed, out->sample, digits, out->upper * 100,
                    rule->allowed_failure * 100);
    else
        text_format(text, cap, "%u of %u failed: the true rate could still be %.*f %%%s",
                    out->failed, out->sample, digits, out->upper * 100,
                    go ? go_words(rule, c) : "");
}

/* --- The decision --- */

static double share(uint32_t part, const struct gate_counts *c)
{
    uint32_t told = c->total > c->excused ? c->total - c->excused : 0;
    return told > 0 ? (double)part / told : 0.0;
}

static void say_pending(const struct gate_rule *rule, const struct gate_counts *c,
                        struct gate_decision *out)
{
    bool lost = too_many(rule->allowed_failure, c->failed, most_results(c));
    char time[40], text[64] = "", brief[sizeof(out->brief)] = "";

    if (c->untold > 0) {
        text_format(text, sizeof(text), ", %u of them not told yet", c->untold);
        text_format(brief, sizeof(brief), ", %u not told", c->untold);
    } else if (c->word_ms > 0) {
        say_duration(time, sizeof(time), c->word_ms);
        text_format(text, sizeof(text), " or %s without a word", time);
        text_format(brief, sizeof(brief), " or %s silent", time);
    }
    text_format(out->brief, sizeof(out->brief), "%u more%s", c->pending,
                lost ? ", too many failed" : brief);
    text_format(out->missing, sizeof(out->missing), "%u more result%s%s%s", c->pending,
                c->pending == 1 ? "" : "s", text,
                lost ? "; too many have failed for it to go on by itself" : "");
}

static void say_soaking(const struct gate_counts *c, struct gate_decision *out)
{
    char left[40];

    say_duration(left, sizeof(left), c->soak_left_ms);
    text_format(out->missing, sizeof(out->missing), "%u soaking, %s left", c->waiting, left);
}

/* One of the caps on what says nothing about the firmware; false when all hold. */
static bool lacks_word(const struct gate_rule *rule, const struct gate_counts *c,
                       struct gate_decision *out)
{
    const struct {
        const char *what;
        uint32_t count;
        double most;
    } caps[] = {
        { "ended by the network", c->network, rule->max_network },
        { "ended by power", c->power, rule->max_power },
        { "refused it (policy)", c->policy, rule->max_policy },
        { "ended for reasons of their own", c->other, rule->max_other },
    };

    if (share(c->silent, c) > rule->max_silent) {
        text_format(out->missing, sizeof(out->missing),
                    "%u silent, %.0f %% allowed: a word from them, or resume", c->silent,
                    rule->max_silent * 100);
        return true;
    }
    for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
        if (caps[i].most < 0.0 || share(caps[i].count, c) <= caps[i].most)
            continue;
        text_format(out->missing, sizeof(out->missing),
                    "%u %s, %.0f %% allowed: resume accepts them", caps[i].count, caps[i].what,
                    caps[i].most * 100);
        return true;
    }
    return false;
}

/* What the results themselves lack; false when nothing. */
static bool lacks_results(const struct gate_rule *rule, const struct gate_counts *c,
                          struct gate_decision *out)
{
    char *text = out->missing;
    size_t cap = sizeof(out->missing);
    uint32_t n = out->sample, come = c->away + c->silent;
    bool small = too_small(rule, c);
    uint32_t needed =
        small ? rule->min_sample : gate_needed(c->failed, rule->allowed_failure, rule->confidence);
    uint32_t more = n < needed ? needed - n : 0;

    if (small && more > come)
        more = come; /* then the sample is the whole stage */
    if (out->bad)
        text_format(text, cap, "%.1f %% failed, %.1f %% allowed: resume accepts it, or abort",
                    out->observed * 100, rule->allowed_failure * 100);
    else if (c->accepted)
        return false;
    else if (n == 0 && come > 0)
        text_format(text, cap, "a first result: %u are offline or silent; resume goes on without",
                    come);
    else if (n == 0)
        text_format(text, cap, "a result, and nobody is left to give one: resume, or retry");
    else if (more == 0)
        return false;
    else if (more <= come)
        text_format(text, cap,
                    "%u more result%s: %u are offline or silent; resume accepts the smaller sample",
                    more, more == 1 ? "" : "s", come);
    else
        text_format(text, cap,
                    "shown only to be below %.1f %%, %.1f %% allowed (%u results would show it): "
                    "resume accepts it",
                    out->upper * 100, rule->allowed_failure * 100, needed);
    return true;
}

void gate_decide(const struct gate_rule *rule, const struct gate_counts *c,
                 struct gate_decision *out)
{
    uint32_t n = c->done + c->failed, risk = at_risk(c);
    bool complete = c->pending == 0 && c->waiting == 0;

    *out = (struct gate_decision){ .verdict = GATE_HOLD, .failed = c->failed, .sample = n };
    out->observed = n > 0 ? (double)c->failed / n : 0.0;
    out->bad = too_many(rule->allowed_failure, c->failed, n);
    out->lower =
        gate_lower(c->failed, risk, 1.0 - gate_level(rule->stop_allowed, rule->alpha, risk));
    out->upper = gate_upper(c->failed, n, rule->confidence);

    if (gate_must_stop(rule, c))
        out->verdict = GATE_STOP;
    else if (complete && gate_lower(c->failed, n, rule->confidence) > rule->allowed_failure) {
        out->verdict = GATE_STOP;
        out->lower = gate_lower(c->failed, n, rule->confidence);
    } else if (c->pending > 0)
        say_pending(rule, c, out);
    else if (c->waiting > 0)
        say_soaking(c, out);
    else if (!lacks_word(rule, c, out) && !lacks_results(rule, c, out))
        out->verdict = GATE_GO;
    explain(rule, c, out);
}
