#include "protocol/id.h"

#include <string.h>

#include "protocol/limits.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters, digits and those of `more`. */
static bool chars_are(const char *text, size_t len, const char *more)
{
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(text[i]) && (text[i] == '\0' || !strchr(more, text[i])))
            return false;
    return true;
}

static bool is_word(const char *text, size_t len, size_t max, const char *more)
{
    if (len < 1 || len > max || !is_alnum(text[0]))
        return false;
    return chars_are(text, len, more);
}

static bool word_is_valid(const char *text, size_t len, size_t max)
{
    return is_word(text, len, max, "._-");
}

bool id_is_valid(const char *text, size_t len)
{
    return word_is_valid(text, len, PROTO_ID_MAX - 1);
}

bool rollout_id_is_valid(const char *text, size_t len)
{
    return word_is_valid(text, len, PROTO_ROLLOUT_MAX - 1);
}

bool name_is_valid(const char *text, size_t len)
{
    return word_is_valid(text, len, PROTO_FLEET_MAX - 1);
}

bool group_is_valid(const char *text, size_t len)
{
    return is_word(text, len, PROTO_GROUP_MAX - 1, "._-:/+");
}

/* The authority: host or [v6], and a port if any. No user information: it has no use here but to
 * mislead. */
static bool authority_is_valid(const char *s, size_t len)
{
    return len > 0 && s[0] != ':' && chars_are(s, len, ".-_:[]");
}

bool host_is_valid(const char *text, size_t len)
{
    return len > 0 && len < PROTO_HOST_MAX && chars_are(text, len, ".-:");
}

bool base_url_is_valid(const char *text, size_t len)
{
    static const char scheme[] = "https://";
    const size_t skip = sizeof(scheme) - 1;

    if (len <= skip || len > PROTO_URL_MAX - 1 || memcmp(text, scheme, skip) != 0)
        return false;
    if (text[len - 1] != '/')
        return false;
    const char *slash = memchr(text + skip, '/', len - skip);
    if (!slash || !authority_is_valid(text + skip, (size_t)(slash - text) - skip))
        return false;
    return chars_are(slash, len - (size_t)(slash - text), "/-._~%!$&'()*+,;=:@");
}

/* Names, so that no step leads up or away. */
static bool folder_is_valid(const char *text, size_t len)
{
    while (len > 0) {
        const char *slash = memchr(text, '/', len);
        if (!slash || !name_is_valid(text, (size_t)(slash - text)))
            return false;
        len -= (size_t)(slash - text) + 1;
        text = slash + 1;
    }
    return true;
}

bool order_url_is_valid(const char *text, size_t len)
{
    return base_url_is_valid(text, len) || (len < PROTO_URL_MAX && folder_is_valid(text, len));
}

/* A piece of a SemVer: a number of the core, or an identifier. Its length, and whether it has
 * digits only. */
static size_t piece(const char *s, bool core, bool *digits)
{
    size_t n = 0;

    *digits = true;
    for (; is_digit(s[n]) || (!core && (is_alnum(s[n]) || s[n] == '-')); n++)
        *digits &= is_digit(s[n]);
    return n;
}

enum part { CORE, PRERELEASE, BUILD };

/* The end of identifiers with dots between, or NULL, and how many there are. */
static const char *identifiers(const char *s, enum part part, int *count)
{
    for (*count = 1;; s++, ++*count) {
        bool digits;
        size_t n = piece(s, part == CORE, &digits);
        if (n == 0 || (part != BUILD && digits && n > 1 && s[0] == '0'))
            return NULL;
        s += n;
        if (*s != '.')
            return s;
    }
}

bool semver_is_valid(const char *text)
{
    int count;
    const char *s = identifiers(text, CORE, &count);

    if (count != 3)
        return false;
    if (s && *s == '-')
        s = identifiers(s + 1, PRERELEASE, &count);
    if (s && *s == '+')
        s = identifiers(s + 1, BUILD, &count);
    return s && *s == '\0';
}

/* Compare the pieces that *a and *b begin with, and step over them. */
static int compare_pieces(const char **a, const char **b, bool core)
{
    bool da, db;
    size_t na = piece(*a, core, &da), nb = piece(*b, core, &db);
    int d = da != db ? (da ? -1 : 1) : 0; /* numbers sort below words */

    /* Without leading zeros the longer number is the larger one: no overflow to think of. */
    if (d == 0 && da)
        d = (na > nb) - (na < nb);
    if (d == 0)
        d = memcmp(*a, *b, na < nb ? na : nb);
    if (d == 0)
        d = (na > nb) - (na < nb);
    *a += na;
    *b += nb;
    return d;
}

int semver_compare(const char *a, const char *b)
{
    bool ok_a = semver_is_valid(a), ok_b = semver_is_valid(b);

    if (!ok_a || !ok_b)
        return ok_a == ok_b ? strcmp(a, b) : ok_a - ok_b;
    for (int i = 0;; i++) {
        int d = compare_pieces(&a, &b, i < 3);
        if (d != 0)
            return d;
        bool more_a = *a == '.' || *a == '-', more_b = *b == '.' || *b == '-';
        if (!more_a || !more_b) /* a pre-release sorts below its release; more words above fewer */
            return i == 2 ? more_b - more_a : more_a - more_b;
        a++;
        b++;
    }
}
