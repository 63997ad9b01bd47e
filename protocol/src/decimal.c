#include "decimal.h"

#include <math.h>
#include <stdint.h>

enum { EXPONENT_MAX = 100000 };

struct number {
    uint64_t mantissa;
    int exponent; /* of ten */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits, and how many. Those beyond the 19th (leading zeros not counted) only scale: they are
 * below what a double can hold. */
static size_t take_digits(struct number *n, const char *s, size_t len, bool after_point)
{
    const uint64_t full = 1000000000000000000u; /* from here on it has 19 digits */
    uint64_t m = n->mantissa;
    size_t i = 0;

    for (; i < len && is_digit(s[i]) && m < full; i++)
        m = m * 10 + (uint64_t)(s[i] - '0');
    n->mantissa = m;
    if (after_point)
        n->exponent -= (int)i;
    for (; i < len && is_digit(s[i]); i++)
        n->exponent += !after_point;
    return i;
}

/* The digits after 'e'. Returns the bytes used, 0 when there are none. */
static size_t parse_exponent(const char *s, size_t len, int *out)
{
    size_t i = len > 0 && (s[0] == '+' || s[0] == '-') ? 1 : 0;
    bool negative = i == 1 && s[0] == '-';
    int e = 0;

    if (i >= len || !is_digit(s[i]))
        return 0;
    for (; i < len && is_digit(s[i]); i++)
        if (e < EXPONENT_MAX)
            e = e * 10 + (s[i] - '0');
    *out = negative ? -e : e;
    return i;
}

static double scale(uint64_t mantissa, int exponent)
{
    static const long double power[] = {
        1e1L, 1e2L, 1e4L, 1e8L, 1e16L, 1e32L, 1e64L, 1e128L, 1e256L
    };
    long double by = 1, v = (long double)mantissa;
    unsigned e = (unsigned)(exponent < 0 ? -exponent : exponent);

    if (mantissa == 0)
        return 0;
    if (e > 400)
        return exponent < 0 ? 0 : (double)INFINITY;
    for (unsigned i = 0; e > 0; i++, e >>= 1)
        if (e & 1)
            by *= power[i];
    v = exponent < 0 ? v / by : v * by;
    return (double)v;
}

/* The usual reading: so few digits that both parts are exact and one operation rounds. */
static bool scale_fast(uint64_t mantissa, int exponent, double *out)
{
    static const double power[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

    if (mantissa > (uint64_t)1 << 53 || exponent < -22 || exponent > 22)
        return false;
    *out = exponent < 0 ? (double)mantissa / power[-exponent] : (double)mantissa * power[exponent];
    return true;
}

static bool word_is(const char *s, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++)
        if (word[i] == '\0' || (s[i] | 0x20) != word[i])
            return false;
    return word[len] == '\0';
}

/* Returns the bytes used, 0 when it is none. */
static size_t parse_word(const char *s, size_t len, double *out)
{
    if (word_is(s, len, "nan"))
        *out = (double)NAN;
    else if (word_is(s, len, "inf") || word_is(s, len, "infinity"))
        *out = (double)INFINITY;
    else
        return 0;
    return len;
}

static size_t parse_magnitude(const char *s, size_t len, double *out)
{
    struct number n = { 0 };
    size_t whole = take_digits(&n, s, len, false), i = whole, fraction = 0;
    int e = 0;

    if (i < len && s[i] == '.') {
        fraction = take_digits(&n, s + i + 1, len - i - 1, true);
        i += fraction + 1;
    }
    if (whole + fraction == 0)
        return parse_word(s, len, out);
    if (i < len && (s[i] | 0x20) == 'e') {
        size_t used = parse_exponent(s + i + 1, len - i - 1, &e);
        if (used == 0)
            return 0;
        i += used + 1;
    }
    if (!scale_fast(n.mantissa, n.exponent + e, out))
        *out = scale(n.mantissa, n.exponent + e);
    return i;
}

size_t decimal_begin(const char *text, size_t len, double *out)
{
    bool signed_ = len > 0 && (text[0] == '-' || text[0] == '+');
    size_t used = parse_magnitude(text + signed_, len - signed_, out);

    if (used == 0)
        return 0;
    if (signed_ && text[0] == '-')
        *out = -*out;
    return used + signed_;
}

bool decimal_parse(const char *text, size_t len, double *out)
{
    return len > 0 && decimal_begin(text, len, out) == len;
}
