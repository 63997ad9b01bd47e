#include "protocol/json_read.h"

#include <string.h>

#include "json_internal.h"
#include "protocol/hex.h"

/* A 64-bit machine reads many messages, and has code to spare for reading them faster; a smaller
 * one would rather have it short. */
#ifndef JSON_IS_LARGE
#define JSON_IS_LARGE (sizeof(size_t) >= sizeof(uint64_t))
#endif
enum { IS_LARGE = JSON_IS_LARGE };

/* json_parse() at work. */
struct walk {
    const struct json *j;
    size_t pos;    /* checked so far */
    unsigned left; /* values and keys that may still come */
};

size_t utf8_length(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;

    if (len == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;

    size_t n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] < 0xc2 || n > len)
        return 0;
    uint32_t cp = s[0] & (n == 2 ? 0x1fu : 0x0fu);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        cp = cp << 6 | (s[i] & 0x3f);
    }
    /* Three bytes from U+0800 on, four from U+10000; no surrogates; nothing above U+10FFFF. */
    if (cp >> (5 * n - 4) == 0 || cp >> 11 == 0xd800 >> 11 || cp >> 16 > 0x10)
        return 0;
    return n;
}

/* The four digits of \uXXXX, or -1. */
static int32_t hex4(const char *s)
{
    uint8_t v[2];
    return hex_decode(s, 4, v, 2) == 0 ? v[0] << 8 | v[1] : -1;
}

/* A \u escape, or a pair of them for a character above U+FFFF. Returns the bytes used after the
 * backslash, 0 when malformed; NUL and half pairs are. */
static size_t unicode_escape(const char *s, size_t len, uint32_t *cp)
{
    int32_t hi = len >= 5 && s[0] == 'u' ? hex4(s + 1) : -1;

    *cp = (uint32_t)hi;
    if (hi <= 0 || hi >> 10 == 0xdc00 >> 10)
        return 0;
    if (hi >> 10 != 0xd800 >> 10)
        return 5;

    int32_t lo = len >= 11 && s[5] == '\\' && s[6] == 'u' ? hex4(s + 7) : -1;
    if (lo >> 10 != 0xdc00 >> 10)
        return 0;
    *cp = 0x10000 + (((uint32_t)hi & 0x3ff) << 10 | ((uint32_t)lo & 0x3ff));
    return 11;
}

static size_t escape(const char *s, size_t len, uint32_t *cp)
{
    static const char pairs[] = "\"\"\\\\//b\bf\fn\nr\rt\t";

    if (len == 0)
        return 0;
    for (const char *p = pairs; *p; p += 2) {
        if (*p == s[0]) {
            *cp = (uint32_t)p[1];
            return 1;
        }
    }
    return unicode_escape(s, len, cp);
}

/* UTF-8 of `cp`; the number of bytes. */
static size_t utf8_put(uint32_t cp, char out[4])
{
    size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (cp & 0x3f));
        cp >>= 6;
    }
    out[0] = (char)(n == 1 ? cp : (0xf00u >> n & 0xf0) | cp);
    return n;
}

/* ASCII that stands for itself. */
static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '\\' && c != '"';
}

size_t json_next_char(const char **at, const char *end, char out[4])
{
    const char *s = *at;
    size_t len = (size_t)(end - s), n;

    if (s[0] == '\\') {
        uint32_t cp;
        size_t used = escape(s + 1, len - 1, &cp);
        *at = s + 1 + used;
        return used == 0 ? 0 : utf8_put(cp, out);
    }
    if ((unsigned char)s[0] < 0x20 || s[0] == '"')
        return 0;
    n = utf8_length(s, len);
    memcpy(out, s, n);
    *at = s + n;
    return n;
}

/* How many plain characters `s` begins with; nearly every string is nothing else. */
static size_t plain_run(const char *s, size_t len)
{
    const uint64_t ones = 0x0101010101010101u;
    size_t i = 0;

    while (IS_LARGE && len - i >= sizeof(uint64_t)) {
        uint64_t x;
        memcpy(&x, s + i, sizeof(x));
        /* The top bit of a byte is set where it is not plain; further up it may be set for
         * nothing, and then the loop below goes on from here. */
        uint64_t special = ((x ^ ones * '"') - ones) | ((x ^ ones * '\\') - ones) |
                           ((x ^ ones * 0x7f) - ones) | (x - ones * 0x20) | x;
        if (special & ones * 0x80)
            break;
        i += sizeof(x);
    }
    while (i < len && is_plain(s[i]))
        i++;
    return i;
}

/* ---- text that was checked: every string has its end, every container its brace ---------------
 */

static size_t skip_space(const struct json *j, size_t pos)
{
    while (pos < j->len && j->text[pos] <= ' ' &&
           (j->text[pos] == ' ' || j->text[pos] == '\n' || j->text[pos] == '\r' ||
            j->text[pos] == '\t'))
        pos++;
    return pos;
}

/* By quotes: the last one comes after an even number of backslashes. */
static size_t far_string_end(const struct json *j, size_t pos)
{
    const char *s = j->text + pos + 1;

    for (;;) {
        const char *quote = memchr(s, '"', j->len - (size_t)(s - j->text));
        if (!quote)
            return j->len; /* not in a text that was checked */
        const char *slash = quote;
        while (slash > s && slash[-1] == '\\')
            slash--;
        if ((quote - slash) % 2 == 0)
            return (size_t)(quote - j->text) + 1;
        s = quote + 1;
    }
}

/* From a string's first quote to behind its last one. */
static size_t string_end(const struct json *j, size_t pos)
{
    if (IS_LARGE)
        return far_string_end(j, pos);
    for (pos++; pos < j->len && j->text[pos] != '"'; pos++)
        if (j->text[pos] == '\\')
            pos++;
    return pos + 1;
}

static size_t container_end(const struct json *j, size_t pos)
{
    int open = 0;

    do {
        char c = j->text[pos];
        if (c == '"') {
            pos = string_end(j, pos);
            continue;
        }
        open += (c == '{' || c == '[') - (c == '}' || c == ']');
        pos++;
    } while (open > 0);
    return pos;
}

static size_t primitive_end(const struct json *j, size_t pos)
{
    while (pos < j->len && j->text[pos] > ' ' && j->text[pos] != ',' && j->text[pos] != '}' &&
           j->text[pos] != ']')
        pos++;
    return pos;
}

static size_t value_end(const struct json *j, size_t pos)
{
    switch (j->text[pos]) {
    case '"':
        return string_end(j, pos);
    case '{':
    case '[':
        return container_end(j, pos);
    default:
        return primitive_end(j, pos);
    }
}

/* From behind a key to its value. */
static size_t behind_colon(const struct json *j, size_t key_end)
{
    return skip_space(j, skip_space(j, key_end) + 1);
}

/* ---- checking ---------------------------------------------------------------------------------
 */

/* The next character but for white space, or NUL at the end of the text. */
static char peek(struct walk *w)
{
    w->pos = skip_space(w->j, w->pos);
    return w->pos < w->j->len ? w->j->text[w->pos] : '\0';
}

/* Take the character `c`, which must be next. */
static bool take(struct walk *w, char c)
{
    if (peek(w) != c)
        return false;
    w->pos++;
    return true;
}

/* A string from its quote on. */
static bool check_string(struct walk *w)
{
    const char *s = w->j->text + w->pos + 1, *end = w->j->text + w->j->len;

    for (;;) {
        char c[4];
        s += plain_run(s, (size_t)(end - s));
        if (s == end)
            return false;
        if (*s == '"')
            break;
        if (json_next_char(&s, end, c) == 0)
            return false;
    }
    w->pos = (size_t)(s + 1 - w->j->text);
    return true;
}

/* One digit or more, which may not begin with a zero that says nothing if `whole`. */
static bool check_digits(struct walk *w, bool whole)
{
    const char *s = w->j->text;
    size_t from = w->pos;

    while (w->pos < w->j->len && s[w->pos] >= '0' && s[w->pos] <= '9')
        w->pos++;
    return w->pos > from && !(whole && s[from] == '0' && w->pos > from + 1);
}

/* Step over the next character if it is `a` or `b`. */
static bool skip(struct walk *w, char a, char b)
{
    bool is_one = w->pos < w->j->len && (w->j->text[w->pos] == a || w->j->text[w->pos] == b);
    w->pos += is_one;
    return is_one;
}

static bool check_number(struct walk *w)
{
    (void)skip(w, '-', '-');
    if (!check_digits(w, true) || (skip(w, '.', '.') && !check_digits(w, false)))
        return false;
    if (!skip(w, 'e', 'E'))
        return true;
    (void)skip(w, '+', '-');
    return check_digits(w, false);
}

/* What may follow is not looked at. */
static bool check_primitive(struct walk *w)
{
    static const char words[3][6] = { "true", "false", "null" };

    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if (w->j->len - w->pos >= n && memcmp(w->j->text + w->pos, words[i], n) == 0) {
            w->pos += n;
            return true;
        }
    }
    return check_number(w);
}

/* Two strings compared as the characters they stand for, from behind their first quotes. Both were
 * checked. */
static bool same_characters(const char *a, const char *b, const char *end)
{
    while (*a != '"' && *b != '"') {
        char ca[4], cb[4];
        size_t na = json_next_char(&a, end, ca), nb = json_next_char(&b, end, cb);
        if (na != nb || memcmp(ca, cb, na) != 0)
            return false;
    }
    return *a == *b;
}

/* Is the key at `key` unlike those from `first` to it? */
static bool key_is_new(const struct walk *w, size_t first, size_t key)
{
    const char *text = w->j->text;

    for (size_t k = first; k < key; k = (size_t)json_next(w->j, (int)k))
        if (same_characters(text + k + 1, text + key + 1, text + w->pos))
            return false;
    return true;
}

static uint32_t hash_add(uint32_t hash, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = hash * 31 + (unsigned char)s[i];
    return hash;
}

/* Of the characters of the key that was checked last. */
static uint32_t key_hash(const struct walk *w, size_t key)
{
    const char *s = w->j->text + key + 1, *end = w->j->text + w->pos;
    uint32_t hash = 0;

    while (*s != '"') {
        char c[4];
        size_t n = 1;
        if (is_plain(s[0]))
            c[0] = *s++;
        else
            n = json_next_char(&s, end, c);
        hash = hash_add(hash, c, n);
    }
    return hash;
}

static bool is_seen(const uint32_t seen[JSON_SEEN], uint32_t hash)
{
    unsigned place = (hash ^ hash >> 16) & 127;
    return seen[place >> 5] >> (place & 31) & 1;
}

/* Was it, or another of its hash, seen before? It is now. */
static bool may_be_seen(const struct walk *w, size_t key, uint32_t seen[JSON_SEEN])
{
    if (!IS_LARGE)
        return true;
    uint32_t hash = key_hash(w, key);
    bool was = is_seen(seen, hash);
    unsigned place = (hash ^ hash >> 16) & 127;
    seen[place >> 5] |= UINT32_C(1) << (place & 31);
    return was;
}

/* A key that may have been seen before is compared with all before it; the bits of `seen` tell of
 * most keys that they are new. */
static bool check_key(struct walk *w, size_t *first, uint32_t seen[JSON_SEEN])
{
    if (peek(w) != '"' || w->left == 0)
        return false;
    w->left--;
    size_t key = w->pos;
    if (!check_string(w))
        return false;
    if (*first == 0)
        *first = key;
    if (may_be_seen(w, key, seen) && !key_is_new(w, *first, key))
        return false;
    return take(w, ':');
}

static bool check_value(struct walk *w, int depth);

/* An object or array from its bracket on. Recursion is bounded by `depth`, which the caller of
 * json_parse() chose. */
static bool check_container(struct walk *w, int depth, uint32_t seen[JSON_SEEN])
{
    bool is_object = w->j->text[w->pos] == '{';
    char end = is_object ? '}' : ']';
    size_t first = 0;

    if (depth == 0)
        return false;
    w->pos++;
    if (take(w, end))
        return true;
    do {
        if ((is_object && !check_key(w, &first, seen)) || !check_value(w, depth - 1))
            return false;
    } while (take(w, ','));
    return take(w, end);
}

static bool check_value(struct walk *w, int depth)
{
    char c = peek(w);

    if (c == '\0' || w->left == 0)
        return false;
    w->left--;
    if (c == '"')
        return check_string(w);
    if (c != '{' && c != '[')
        return check_primitive(w);
    uint32_t seen[JSON_SEEN] = { 0 };
    return check_container(w, depth, seen);
}

static bool check_root(struct walk *w, int depth, uint32_t seen[JSON_SEEN])
{
    if (peek(w) != '{' || w->left == 0)
        return false;
    w->left--;
    return check_container(w, depth, seen) && peek(w) == '\0' && w->pos == w->j->len;
}

int json_parse(struct json *j, const char *text, size_t len, unsigned most, int depth)
{
    *j = (struct json){ .text = text, .hint = JSON_NONE };
    if (len > JSON_TEXT_MAX)
        return -1;

    /* The root is 0, whatever comes before it. */
    j->len = len;
    size_t start = skip_space(j, 0);
    j->text += start;
    j->len -= start;
    struct walk w = { .j = j, .left = most };
    if (check_root(&w, depth, j->seen))
        return 0;
    j->len = 0;
    return -1;
}

/* ---- looking up -------------------------------------------------------------------------------
 */

/* What a value begins with; NUL for JSON_NONE. */
static char first_of(const struct json *j, int value)
{
    return value >= 0 && (size_t)value < j->len ? j->text[value] : '\0';
}

static bool is(const struct json *j, int value, char first)
{
    return first_of(j, value) == first;
}

bool json_is_object(const struct json *j, int value)
{
    return is(j, value, '{');
}

bool json_is_array(const struct json *j, int value)
{
    return is(j, value, '[');
}

bool json_is_string(const struct json *j, int value)
{
    return is(j, value, '"');
}

bool json_is_number(const struct json *j, int value)
{
    char c = first_of(j, value);
    return c == '-' || (c >= '0' && c <= '9');
}

int json_first(const struct json *j, int container)
{
    char c = first_of(j, container);

    if (c != '{' && c != '[')
        return JSON_NONE;
    size_t pos = skip_space(j, (size_t)container + 1);
    return j->text[pos] == '}' || j->text[pos] == ']' ? JSON_NONE : (int)pos;
}

int json_value(const struct json *j, int key)
{
    if (!json_is_string(j, key))
        return JSON_NONE;
    size_t pos = skip_space(j, string_end(j, (size_t)key));
    return is(j, (int)pos, ':') ? (int)skip_space(j, pos + 1) : JSON_NONE;
}

/* What follows a value in its container. */
static int after_value(const struct json *j, int value)
{
    size_t pos = value_end(j, (size_t)value);

    pos = skip_space(j, pos);
    return is(j, (int)pos, ',') ? (int)skip_space(j, pos + 1) : JSON_NONE;
}

int json_next(const struct json *j, int item)
{
    if (item <= JSON_ROOT || (size_t)item >= j->len)
        return JSON_NONE;
    int value = json_value(j, item); /* only a key has one */
    return after_value(j, value != JSON_NONE ? value : item);
}

/* The key that ends before `end`. With escapes it is longer than what it stands for; one of the
 * same length that has any stands for something shorter. */
static bool key_is(const struct json *j, int key, size_t end, const char *name, size_t len)
{
    const char *s = j->text + key + 1;
    size_t has = end - (size_t)key - 2;

    if (has == len)
        return memcmp(s, name, len) == 0 && !memchr(s, '\\', len);
    return has > len && memchr(s, '\\', has) && json_equals(j, key, name);
}

/* Goes on where the last look-up ended, and knows most keys that are not there. */
static int quick_member(struct json *j, int object, const char *key)
{
    size_t len = strlen(key);
    int start = JSON_NONE;
    if (j->hint_object == object && j->hint != JSON_NONE)
        start = after_value(j, j->hint);
    if (start == JSON_NONE)
        start = json_first(j, object);
    int k = start;
    while (k != JSON_NONE) {
        size_t end = string_end(j, (size_t)k);
        int value = (int)behind_colon(j, end);
        if (key_is(j, k, end, key, len)) {
            j->hint_object = object;
            j->hint = value;
            return value;
        }
        if (k == start && object == JSON_ROOT && !is_seen(j->seen, hash_add(0, key, len)))
            break;
        k = after_value(j, value);
        if (k == JSON_NONE)
            k = json_first(j, object);
        if (k == start)
            break;
    }
    return JSON_NONE;
}

int json_member(struct json *j, int object, const char *key)
{
    if (!json_is_object(j, object))
        return JSON_NONE;
    if (IS_LARGE)
        return quick_member(j, object, key);
    for (int k = json_first(j, object); k != JSON_NONE; k = json_next(j, k))
        if (json_equals(j, k, key))
            return json_value(j, k);
    return JSON_NONE;
}

bool json_span(const struct json *j, int value, const char **start, size_t *len)
{
    if (value < 0 || (size_t)value >= j->len)
        return false;
    size_t quote = json_is_string(j, value) ? 1 : 0;
    size_t end = value_end(j, (size_t)value);
    *start = j->text + value + quote;
    *len = end - (size_t)value - 2 * quote;
    return true;
}

bool json_equals(const struct json *j, int value, const char *text)
{
    if (!json_is_string(j, value))
        return false;

    const char *s = j->text + value + 1, *end = j->text + j->len;
    while (*s != '"') {
        char c[4];
        size_t n = json_next_char(&s, end, c);
        if (n == 0 || strncmp(text, c, n) != 0)
            return false;
        text += n;
    }
    return *text == '\0';
}

bool json_string_span(const struct json *j, int value, const char **start, size_t *len)
{
    return json_is_string(j, value) && json_span(j, value, start, len);
}

int json_u64(const struct json *j, int value, uint64_t *out)
{
    uint64_t v = 0;

    *out = 0;
    if (!json_is_number(j, value))
        return -1;
    const char *digit = j->text + value;
    size_t n = primitive_end(j, (size_t)value) - (size_t)value;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digit[i] - '0');
        if (d > 9)
            return -1;
        v = v * 10 + d;
    }
    /* Without leading zeros, 19 digits always fit. 20 fit when they begin with a one and the sum
     * did not wrap: from 10^19 to 2^64 the top bit is set, and of what is left of 2 * 10^19 it is
     * not.
     */
    if (n > 20 || (n == 20 && (digit[0] != '1' || v >> 63 == 0)))
        return -1;
    *out = v;
    return 0;
}

int json_u32(const struct json *j, int value, uint32_t *out)
{
    uint64_t v;
    int rc = json_u64(j, value, &v);

    if (rc == 0 && v > UINT32_MAX)
        rc = -1;
    *out = rc == 0 ? (uint32_t)v : 0;
    return rc;
}

int json_bool(const struct json *j, int value, bool *out)
{
    *out = is(j, value, 't');
    return *out || is(j, value, 'f') ? 0 : -1;
}

/* C0, DEL and C1 (U+0080 to U+009F): bytes that a terminal may obey. */
bool json_is_control(const char *c)
{
    unsigned char first = (unsigned char)c[0];

    return first < 0x20 || first == 0x7f || (first == 0xc2 && (unsigned char)c[1] < 0xa0);
}

int json_text(const struct json *j, int value, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    if (!json_is_string(j, value))
        return -1;
    const char *s = j->text + value + 1, *end = j->text + j->len;
    while (*s != '"') {
        char c[4];
        size_t n = 1;
        if (IS_LARGE && is_plain(s[0])) /* nearly all are */
            c[0] = *s++;
        else
            n = json_next_char(&s, end, c);
        if (n == 0 || json_is_control(c) || len + n >= cap) {
            memset(out, 0, len); /* no half of a text stays behind */
            return -1;
        }
        memcpy(out + len, c, n);
        len += n;
    }
    out[len] = '\0';
    return 0;
}

int json_texts(const struct json *j, int list, char *out, size_t each, uint32_t most,
               uint32_t *count)
{
    if (!json_is_array(j, list))
        return -1;
    for (int i = json_first(j, list); i != JSON_NONE; i = json_next(j, i)) {
        if (*count == most || json_text(j, i, out + *count * each, each) != 0)
            return -1;
        ++*count;
    }
    return 0;
}

int json_hex(const struct json *j, int value, uint8_t *out, size_t len)
{
    const char *s;
    size_t text_len;

    if (json_string_span(j, value, &s, &text_len) && hex_decode(s, text_len, out, len) == 0)
        return 0;
    memset(out, 0, len);
    return -1;
}

static bool may_be_absent(int value, enum json_need need)
{
    return value == JSON_NONE && need == JSON_MAY;
}

int json_get_u64(struct json *j, int object, const char *key, enum json_need need, uint64_t *out)
{
    int v = json_member(j, object, key);
    return json_u64(j, v, out) == 0 || may_be_absent(v, need) ? 0 : -1;
}

int json_get_u32(struct json *j, int object, const char *key, enum json_need need, uint32_t *out)
{
    int v = json_member(j, object, key);
    return json_u32(j, v, out) == 0 || may_be_absent(v, need) ? 0 : -1;
}

int json_get_bool(struct json *j, int object, const char *key, enum json_need need, bool *out)
{
    int v = json_member(j, object, key);
    return json_bool(j, v, out) == 0 || may_be_absent(v, need) ? 0 : -1;
}

int json_get_text(struct json *j, int object, const char *key, enum json_need need, char *out,
                  size_t cap)
{
    int v = json_member(j, object, key);
    return json_text(j, v, out, cap) == 0 || may_be_absent(v, need) ? 0 : -1;
}

int json_get_hex(struct json *j, int object, const char *key, enum json_need need, uint8_t *out,
                 size_t len)
{
    int v = json_member(j, object, key);
    return json_hex(j, v, out, len) == 0 || may_be_absent(v, need) ? 0 : -1;
}
