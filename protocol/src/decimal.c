#include "decimal.h"

#include <math.h>
#include <stdint.h>

enum { DIGITS_MAX = 19, EXPONENT_MAX = 100000 };

struct number {
    uint64_t mantissa;
    int digits;   /* in mantissa, leading zeros not counted */
    int exponent; /* of ten */
    bool any;     /* a digit was seen */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits beyond the 19th only scale: they are below what a double can hold. */
static void add_digit(struct number *n, char c, bool after_point)
{
    n->any = true;
    if (n->digits == DIGITS_MAX) {
        n->exponent += after_point ? 0 : 1;
        return;
    }
    n->mantissa = n->mantissa * 10 + (uint64_t)(c - '0');
    n->digits += n->mantissa != 0;
    n->exponent -= after_point ? 1 : 0;
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

static bool parse_word(const char *s, size_t len, double *out)
{
    if (word_is(s, len, "nan"))
        *out = (double)NAN;
    else if (word_is(s, len, "inf") || word_is(s, len, "infinity"))
        *out = (double)INFINITY;
    else
        return false;
    return true;
}

static bool parse_magnitude(const char *s, size_t len, double *out)
{
    struct number n = { 0 };
    size_t i = 0;
    int e = 0;

    for (; i < len && is_digit(s[i]); i++)
        add_digit(&n, s[i], false);
    if (i < len && s[i] == '.')
        for (i++; i < len && is_digit(s[i]); i++)
            add_digit(&n, s[i], true);
    if (!n.any)
        return parse_word(s, len, out);
    if (i < len && (s[i] | 0x20) == 'e') {
        size_t used = parse_exponent(s + i + 1, len - i - 1, &e);
        if (used == 0)
            return false;
        i += used + 1;
    }
    if (i != len)
        return false;
    if (!scale_fast(n.mantissa, n.exponent + e, out))
        *out = scale(n.mantissa, n.exponent + e);
    return true;
}

bool decimal_parse(const char *text, size_t len, double *out)
{
    bool signed_ = len > 0 && (text[0] == '-' || text[0] == '+');

    if (!parse_magnitude(text + signed_, len - signed_, out))
        return false;
    if (signed_ && text[0] == '-')
        *out = -*out;
    return true;
}
