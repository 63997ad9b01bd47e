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

/* Most failures of n that are within the rate; a hair of slack for rates like 0.29 * 100. */
static double most_failures(double rate, uint32_t n)
{
    return floor(rate * n + 1e-9);
}

int gate_must_stop(const struct gate_rule *rule, const struct gate_counts *counts)
{
    if (counts->failed == 0)
        return 0;

    /* Even if everybody who is still to come does well, the rate will be above what is allowed:
     * going on would only cost more devices. */
    uint32_t most = counts->total > counts->other ? counts->total - counts->other : 0;
    if (counts->failed > most_failures(rule->allowed_failure, most))
        return 1;
    uint32_t sample = counts->done + counts->failed;
    return gate_lower(counts->failed, sample, 1.0 - rule->alpha) > rule->stop_allowed;
}

static void explain(const struct gate_rule *rule, struct gate_decision *out)
{
    if (out->sample == 0)
        text_format(out->why, sizeof(out->why), "no results yet");
    else if (out->verdict == GATE_STOP)
        text_format(out->why, sizeof(out->why),
                    "%u of %u failed, %.1f %% allowed: the true rate is at least %.1f %%",
                    out->failed, out->sample, rule->allowed_failure * 100, out->lower * 100);
    else
        text_format(out->why, sizeof(out->why),
                    "%u of %u failed: the true rate could still be %.*f %%", out->failed,
                    out->sample, out->upper < 0.1 ? 1 : 0, out->upper * 100);
}

static void say_duration(char *out, size_t cap, int64_t ms)
{
    long long s = (ms + 999) / 1000;

    if (s >= 86400)
        text_format(out, cap, "%lld d %lld h", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        text_format(out, cap, "%lld h %lld m", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        text_format(out, cap, "%lld m %lld s", s / 60, s % 60);
    else
        text_format(out, cap, "%lld s", s);
}

static double share(uint32_t part, const struct gate_counts *c)
{
    uint32_t told = c->total > c->excused ? c->total - c->excused : 0;
    return told > 0 ? (double)part / told : 0.0;
}

/* What a stage with nothing pending lacks for a go; false when nothing. */
static bool lacks(const struct gate_rule *rule, const struct gate_counts *c,
                  struct gate_decision *out)
{
    char *text = out->missing;
    size_t cap = sizeof(out->missing);
    uint32_t n = out->sample;

    if (share(c->silent, c) > rule->max_silent)
        text_format(text, cap, "%u silent, %.0f %% allowed: a word from them, or resume", c->silent,
                    rule->max_silent * 100);
    else if (share(c->other, c) > rule->max_other)
        text_format(text, cap,
                    "%u ended for reasons of their own, %.0f %% allowed: resume accepts them",
                    c->other, rule->max_other * 100);
    else if (n == 0 && !c->accepted)
        text_format(text, cap, "a first result");
    else if (c->excused > 0 && n < rule->min_sample && !c->accepted)
        text_format(text, cap, "%u more results: %u are offline; resume accepts the smaller sample",
                    rule->min_sample - n, c->excused);
    else if (n >= gate_clean_needed(rule->allowed_failure, rule->confidence) &&
             out->upper > rule->allowed_failure)
        text_format(text, cap,
                    "shown only to be below %.1f %%, %.1f %% allowed: resume accepts them",
                    out->upper * 100, rule->allowed_failure * 100);
    else
        return false;
    return true;
}

void gate_decide(const struct gate_rule *rule, const struct gate_counts *c,
                 struct gate_decision *out)
{
    uint32_t n = c->done + c->failed;

    *out = (struct gate_decision){ .verdict = GATE_HOLD, .failed = c->failed, .sample = n };
    out->observed = n > 0 ? (double)c->failed / n : 0.0;
    out->lower = gate_lower(c->failed, n, 1.0 - rule->alpha);
    out->upper = gate_upper(c->failed, n, rule->confidence);

    bool complete = c->pending == 0 && c->waiting == 0;
    if (gate_must_stop(rule, c) ||
        (complete && c->failed > most_failures(rule->allowed_failure, n)))
        out->verdict = GATE_STOP;
    else if (c->pending > 0)
        text_format(out->missing, sizeof(out->missing), "%u more results", c->pending);
    else if (c->waiting > 0) {
        char left[40];
        say_duration(left, sizeof(left), c->soak_left_ms);
        text_format(out->missing, sizeof(out->missing), "%u soaking, %s left", c->waiting, left);
    } else if (!lacks(rule, c, out))
        out->verdict = GATE_GO;
    explain(rule, out);
}
