#include "protocol/json_read.h"

#include <string.h>

#include "json_internal.h"
#include "protocol/hex.h"

enum { IS_LARGE = JSON_IS_LARGE, SEEN = 4 };

/* json_parse() at work. */
struct walk {
    struct json *j;
    size_t pos;          /* checked so far */
    unsigned left;       /* values and keys that may still come */
    size_t key, key_len; /* the key checked last: its quote, its characters */
    bool plain;          /* the string checked last has plain characters only */
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
static inline size_t plain_run(const char *s, size_t len)
{
    const uint64_t ones = 0x0101010101010101u;
    size_t i = 0;

    for (; IS_LARGE && len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t x;
        memcpy(&x, s + i, sizeof(x));
        /* The top bit of a byte is set where it is not plain. Above the lowest such byte it may be
         * set for nothing: what is taken from it is borrowed further up. */
        uint64_t special = ((x ^ ones * '"') - ones) | ((x ^ ones * '\\') - ones) |
                           (x - ones * 0x20) | (x + ones) | x;
        special &= ones * 0x80;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        if (special)
            return i + (size_t)__builtin_ctzll(special) / 8;
#else
        if (special)
            break;
#endif
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

/* ---- checking ---------------------------------------------------------------------------------
 */

/* The next character but for white space, or NUL at the end of the text. */
static inline char peek(struct walk *w)
{
    if (IS_LARGE && w->pos < w->j->len && w->j->text[w->pos] > ' ')
        return w->j->text[w->pos]; /* nearly always */
    w->pos = skip_space(w->j, w->pos);
    return w->pos < w->j->len ? w->j->text[w->pos] : '\0';
}

/* Take the character `c`, which must be next. */
static inline bool take(struct walk *w, char c)
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

    if (IS_LARGE)
        w->plain = true;
    for (;;) {
        char c[4];
        s += plain_run(s, (size_t)(end - s));
        if (s == end)
            return false;
        if (*s == '"')
            break;
        if (IS_LARGE)
            w->plain = false;
        if (json_next_char(&s, end, c) == 0)
            return false;
    }
    w->pos = (size_t)(s + 1 - w->j->text);
    return true;
}

/* One digit or more, which may not begin with a zero that says nothing if `whole`. */
static bool check_digits(struct walk *w, bool whole)
{
    const char *s = w->j->text + w->pos;
    size_t n = 0, most = w->j->len - w->pos;

    while (n < most && s[n] >= '0' && s[n] <= '9')
        n++;
    w->pos += n;
    return n > 0 && !(whole && s[0] == '0' && n > 1);
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

    if (IS_LARGE && w->j->text[w->pos] < 'a')
        return check_number(w);
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

/* Is the key checked last unlike those from `first` to it? */
static bool key_is_new(const struct walk *w, size_t first)
{
    const char *text = w->j->text;

    for (size_t k = first; k < w->key; k = (size_t)json_next(w->j, (int)k))
        if (same_characters(text + k + 1, text + w->key + 1, text + w->pos))
            return false;
    return true;
}

#if JSON_IS_LARGE

/* Of the members placed so far the one of this key, looked for from `from` on; or their count. */
static unsigned find_place(const struct json *j, unsigned from, const char *key, size_t len)
{
    unsigned i = from < j->count ? from : 0;

    for (unsigned n = 0; n < j->count; n++) {
        const struct json_place *p = &j->place[i];
        if (p->key_len == len && memcmp(j->text + p->key + 1, key, len) == 0)
            return i;
        i = i + 1 < j->count ? i + 1 : 0;
    }
    return j->count;
}

/* The key checked last and the value to come are a member of the root. */
static void place(struct walk *w)
{
    struct json *j = w->j;

    j->placed = j->placed && w->plain && j->count < JSON_PLACES;
    if (!j->placed)
        return;
    (void)peek(w);
    j->place[j->count++] =
        (struct json_place){ (uint16_t)w->key, (uint16_t)w->key_len, (uint16_t)w->pos };
}

static void clear_places(struct json *j, bool placed)
{
    j->placed = placed;
    j->count = j->next = 0;
}

/* One of 128 bits for a key, by its first and last characters and its length. */
static unsigned key_bit(const char *s, size_t len)
{
    uint64_t a = 0, b = 0;

    if (len >= sizeof(a)) {
        memcpy(&a, s, sizeof(a));
        memcpy(&b, s + len - sizeof(b), sizeof(b));
    } else if (len >= sizeof(uint32_t)) {
        memcpy(&a, s, sizeof(uint32_t));
        memcpy(&b, s + len - sizeof(uint32_t), sizeof(uint32_t));
    } else if (len > 0) {
        a = (unsigned char)s[0];
        b = (uint64_t)(unsigned char)s[len / 2] << 8 | (unsigned char)s[len - 1];
    }
    a = (a ^ len) * 0x9e3779b97f4a7c15u;
    return (unsigned)(((a ^ a >> 29 ^ b) * 0xbf58476d1ce4e5b9u) >> 57);
}

/* As key_is_new(). The bits of `seen` tell of most keys that they are; but from one that has
 * escapes on, any may be the same as one before it. */
static bool key_is_new_by(struct walk *w, size_t first, uint32_t seen[SEEN])
{
    const char *s = w->j->text + w->key + 1;

    w->key_len = w->pos - w->key - 2;
    if (!w->plain) {
        memset(seen, 0xff, SEEN * sizeof(*seen));
        return key_is_new(w, first);
    }
    unsigned bit = key_bit(s, w->key_len);
    uint32_t mask = UINT32_C(1) << (bit & 31);
    bool was = seen[bit >> 5] & mask;
    seen[bit >> 5] |= mask;
    if (!was)
        return true;
    if (w->j->placed && w->j->count > 0 && w->j->place[0].key == first)
        return find_place(w->j, 0, s, w->key_len) == w->j->count;
    return key_is_new(w, first);
}

#else

static void place(struct walk *w)
{
    (void)w;
}

static void clear_places(struct json *j, bool placed)
{
    (void)j;
    (void)placed;
}

static bool key_is_new_by(struct walk *w, size_t first, uint32_t seen[SEEN])
{
    (void)seen;
    return key_is_new(w, first);
}

#endif

/* A key and its colon. `first` is that of its object, 0 when this is it. */
static bool check_key(struct walk *w, size_t *first, uint32_t seen[SEEN])
{
    if (peek(w) != '"' || w->left == 0)
        return false;
    w->left--;
    w->key = w->pos;
    if (!check_string(w))
        return false;
    if (*first == 0)
        *first = w->key;
    return key_is_new_by(w, *first, seen) && take(w, ':');
}

static bool check_value(struct walk *w, int depth);

/* An object or array from its bracket on. Recursion is bounded by `depth`, which the caller of
 * json_parse() chose. */
static bool check_container(struct walk *w, int depth)
{
    uint32_t seen[SEEN] = { 0 };
    bool is_object = w->j->text[w->pos] == '{', is_root = w->pos == 0;
    char end = is_object ? '}' : ']';
    size_t first = 0;

    if (depth == 0)
        return false;
    w->pos++;
    if (take(w, end))
        return true;
    do {
        if (is_object && !check_key(w, &first, seen))
            return false;
        if (is_root)
            place(w);
        if (!check_value(w, depth - 1))
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
    if (c == '{' || c == '[')
        return check_container(w, depth);
    return check_primitive(w);
}

static bool check_root(struct walk *w, int depth)
{
    if (peek(w) != '{' || w->left == 0)
        return false;
    w->left--;
    return check_container(w, depth) && peek(w) == '\0' && w->pos == w->j->len;
}

int json_parse(struct json *j, const char *text, size_t len, unsigned most, int depth)
{
    j->text = text;
    j->len = 0;
    clear_places(j, true);
    if (len > JSON_TEXT_MAX)
        return -1;

    /* The root is 0, whatever comes before it. */
    j->len = len;
    size_t start = skip_space(j, 0);
    j->text += start;
    j->len -= start;
    struct walk w = { .j = j, .left = most };
    if (check_root(&w, depth))
        return 0;
    j->len = 0;
    clear_places(j, false);
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

#if JSON_IS_LARGE
static int placed_member(struct json *j, const char *key)
{
    unsigned i = find_place(j, j->next, key, strlen(key));

    if (i == j->count)
        return JSON_NONE;
    j->next = (uint8_t)(i + 1);
    return j->place[i].value;
}
#endif

int json_member(struct json *j, int object, const char *key)
{
    if (!json_is_object(j, object))
        return JSON_NONE;
#if JSON_IS_LARGE
    if (object == JSON_ROOT && j->placed)
        return placed_member(j, key);
#endif
    for (int k = json_first(j, object); k != JSON_NONE; k = json_next(j, k))
        if (json_equals(j, k, key))
            return json_value(j, k);
    return JSON_NONE;
}

bool json_next_pair(const struct json *j, struct json_pair *pair)
{
    unsigned at = pair->at++;
#if JSON_IS_LARGE
    if (j->placed) {
        bool any = at < j->count;
        pair->key = any ? j->place[at].key : JSON_NONE;
        pair->value = any ? j->place[at].value : JSON_NONE;
        return any;
    }
#endif
    pair->key = at == 0 ? json_first(j, JSON_ROOT) : json_next(j, pair->key);
    pair->value = json_value(j, pair->key);
    return pair->key != JSON_NONE;
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
    if (IS_LARGE) { /* nearly all are nothing but plain */
        len = plain_run(s, (size_t)(end - s));
        len = len < cap ? len : cap - 1;
        memcpy(out, s, len);
        s += len;
    }
    while (*s != '"') {
        char c[4];
        size_t n = json_next_char(&s, end, c);
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
