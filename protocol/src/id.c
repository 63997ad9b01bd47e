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

static bool is_word(const char *text, size_t len, size_t max, const char *more)
{
    if (len < 1 || len > max || !is_alnum(text[0]))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!is_alnum(text[i]) && (text[i] == '\0' || !strchr(more, text[i])))
            return false;
    return true;
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
    if (len == 0 || s[0] == ':')
        return false;
    for (size_t i = 0; i < len; i++)
        if (s[i] == '\0' || (!is_alnum(s[i]) && !strchr(".-_:[]", s[i])))
            return false;
    return true;
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
    for (const char *p = slash; p < text + len; p++)
        if (*p == '\0' || (!is_alnum(*p) && !strchr("/-._~%!$&'()*+,;=:@", *p)))
            return false;
    return true;
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

/* A part of a SemVer: the digits or identifiers up to the next separator. */
struct span {
    const char *s;
    size_t len;
};

static bool all_digits(struct span p)
{
    for (size_t i = 0; i < p.len; i++)
        if (!is_digit(p.s[i]))
            return false;
    return p.len > 0;
}

static bool leading_zero(struct span p)
{
    return p.len > 1 && p.s[0] == '0';
}

/* The next dot-separated piece of `rest`, which shrinks; false when there is none left. */
static bool next_piece(struct span *rest, struct span *piece)
{
    if (!rest->s)
        return false;
    const char *dot = rest->len > 0 ? memchr(rest->s, '.', rest->len) : NULL;
    piece->s = rest->s;
    piece->len = dot ? (size_t)(dot - rest->s) : rest->len;
    if (dot) {
        rest->s = dot + 1;
        rest->len -= piece->len + 1;
    } else {
        rest->s = NULL;
    }
    return true;
}

static bool identifiers_are_valid(struct span list, bool prerelease)
{
    struct span p;

    while (next_piece(&list, &p)) {
        if (p.len == 0)
            return false;
        for (size_t i = 0; i < p.len; i++)
            if (!is_alnum(p.s[i]) && p.s[i] != '-')
                return false;
        if (prerelease && all_digits(p) && leading_zero(p))
            return false;
    }
    return true;
}

struct semver {
    struct span core[3];
    struct span pre; /* s NULL: none */
};

static bool semver_split(const char *text, struct semver *v)
{
    size_t len = strlen(text);
    const char *plus = memchr(text, '+', len);
    size_t head = plus ? (size_t)(plus - text) : len;
    const char *dash = memchr(text, '-', head);
    struct span core = { text, dash ? (size_t)(dash - text) : head };

    v->pre = (struct span){ NULL, 0 };
    if (dash)
        v->pre = (struct span){ dash + 1, head - core.len - 1 };
    if (plus && !identifiers_are_valid((struct span){ plus + 1, len - head - 1 }, false))
        return false;
    if (dash && !identifiers_are_valid(v->pre, true))
        return false;
    for (size_t i = 0; i < 3; i++)
        if (!next_piece(&core, &v->core[i]) || !all_digits(v->core[i]) || leading_zero(v->core[i]))
            return false;
    return core.s == NULL;
}

/* Without leading zeros the longer number is the larger one: no overflow to think of. */
static int compare_numbers(struct span a, struct span b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return memcmp(a.s, b.s, a.len);
}

static int compare_pieces(struct span a, struct span b)
{
    bool na = all_digits(a), nb = all_digits(b);

    if (na && nb)
        return compare_numbers(a, b);
    if (na != nb)
        return na ? -1 : 1; /* numbers sort below words */
    int d = memcmp(a.s, b.s, a.len < b.len ? a.len : b.len);
    if (d != 0)
        return d;
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_prereleases(struct span a, struct span b)
{
    if (!a.s || !b.s)
        return a.s ? -1 : b.s != NULL; /* a pre-release sorts below its release */
    for (;;) {
        struct span pa, pb;
        bool more_a = next_piece(&a, &pa), more_b = next_piece(&b, &pb);
        if (!more_a || !more_b)
            return more_a - more_b;
        int d = compare_pieces(pa, pb);
        if (d != 0)
            return d;
    }
}

bool semver_is_valid(const char *text)
{
    struct semver v;
    return semver_split(text, &v);
}

int semver_compare(const char *a, const char *b)
{
    struct semver va, vb;
    bool ok_a = semver_split(a, &va), ok_b = semver_split(b, &vb);

    if (!ok_a || !ok_b)
        return ok_a == ok_b ? strcmp(a, b) : ok_a - ok_b;
    for (size_t i = 0; i < 3; i++) {
        int d = compare_numbers(va.core[i], vb.core[i]);
        if (d != 0)
            return d;
    }
    return compare_prereleases(va.pre, vb.pre);
}
