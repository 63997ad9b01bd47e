#include "protocol/json_read.h"

#include <string.h>

#include "json_internal.h"
#include "protocol/hex.h"

/* json_parse() at work. */
struct walk {
    const char *text;
    size_t len, pos; /* checked so far */
    unsigned left;   /* values and keys that may still come */
};

size_t utf8_length(const char *text, size_t len)
{
    static const uint8_t lowest_second[] = { 0xa0, 0x90 };  /* after E0, F0: else overlong */
    static const uint8_t highest_second[] = { 0x9f, 0x8f }; /* after ED, F4: surrogates, too high */
    const unsigned char *s = (const unsigned char *)text;

    if (len == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;

    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
               : s[0] >= 0xe0 && s[0] <= 0xef ? 3
               : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                              : 0;
    if (n == 0 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < lowest_second[0]) || (s[0] == 0xf0 && s[1] < lowest_second[1]))
        return 0;
    if ((s[0] == 0xed && s[1] > highest_second[0]) || (s[0] == 0xf4 && s[1] > highest_second[1]))
        return 0;
    return n;
}

/* The four digits of \uXXXX, or -1. */
static int32_t hex4(const char *s, size_t len)
{
    int32_t v = 0;

    if (len < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(s[i]);
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* A \u escape, or a pair of them for a character above U+FFFF. Returns the bytes used after the
 * backslash, 0 when malformed; NUL and half pairs are. */
static size_t unicode_escape(const char *s, size_t len, uint32_t *cp)
{
    int32_t hi = len > 0 && s[0] == 'u' ? hex4(s + 1, len - 1) : -1;

    if (hi <= 0 || (hi >= 0xdc00 && hi <= 0xdfff))
        return 0;
    *cp = (uint32_t)hi;
    if (hi < 0xd800 || hi > 0xdbff)
        return 5;

    int32_t lo = len >= 11 && s[5] == '\\' && s[6] == 'u' ? hex4(s + 7, 4) : -1;
    if (lo < 0xdc00 || lo > 0xdfff)
        return 0;
    *cp = 0x10000 + (((uint32_t)hi - 0xd800) << 10 | ((uint32_t)lo - 0xdc00));
    return 11;
}

static size_t escape(const char *s, size_t len, uint32_t *cp)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

    if (len == 0)
        return 0;
    for (size_t i = 0; from[i]; i++) {
        if (from[i] == s[0]) {
            *cp = (uint32_t)to[i];
            return 1;
        }
    }
    return unicode_escape(s, len, cp);
}

/* UTF-8 of `cp`; the number of bytes. */
static size_t utf8_put(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (cp & 0x3f));
        cp >>= 6;
    }
    out[0] = (char)(lead[n] | cp);
    return n;
}

/* One character of a JSON string, as UTF-8. Returns the bytes of `s` used, 0 when malformed. */
size_t json_next_char(const char *s, size_t len, char out[4], size_t *out_len)
{
    if (s[0] == '\\') {
        uint32_t cp;
        size_t used = escape(s + 1, len - 1, &cp);
        if (used == 0)
            return 0;
        *out_len = utf8_put(cp, out);
        return used + 1;
    }
    if ((unsigned char)s[0] < 0x20 || s[0] == '"')
        return 0;
    *out_len = utf8_length(s, len);
    if (*out_len > 0)
        memcpy(out, s, *out_len);
    return *out_len;
}

/* ASCII that stands for itself. */
static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '\\' && c != '"';
}

/* How many plain characters `s` begins with. Nearly every string is nothing else, so a 64-bit
 * machine looks at eight at once; a smaller one would rather have it short. */
static size_t plain_run(const char *s, size_t len)
{
    const uint64_t ones = 0x0101010101010101u;
    size_t i = 0;

    while (sizeof(size_t) >= sizeof(uint64_t) && len - i >= sizeof(uint64_t)) {
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

static size_t digits(const char *s, size_t len)
{
    size_t n = 0;
    while (n < len && s[n] >= '0' && s[n] <= '9')
        n++;
    return n;
}

/* The length of the number at `s`; 0 when it is none. What may follow is not looked at. */
static size_t number_length(const char *s, size_t len)
{
    size_t i = len > 0 && s[0] == '-' ? 1 : 0;
    size_t n = digits(s + i, len - i);

    if (n == 0 || (n > 1 && s[i] == '0'))
        return 0;
    i += n;
    if (i < len && s[i] == '.') {
        n = digits(s + i + 1, len - i - 1);
        if (n == 0)
            return 0;
        i += n + 1;
    }
    if (i < len && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        if (i < len && (s[i] == '+' || s[i] == '-'))
            i++;
        n = digits(s + i, len - i);
        if (n == 0)
            return 0;
        i += n;
    }
    return i;
}

static size_t word_length(const char *s, size_t len, const char *word, size_t n)
{
    return len >= n && memcmp(s, word, n) == 0 ? n : 0;
}

static size_t primitive_length(const char *s, size_t len)
{
    switch (s[0]) {
    case 't':
        return word_length(s, len, "true", 4);
    case 'f':
        return word_length(s, len, "false", 5);
    case 'n':
        return word_length(s, len, "null", 4);
    default:
        return number_length(s, len);
    }
}

/* ---- text that was checked: every string has its end, every container its brace ---------------
 */

static size_t skip_space(const char *text, size_t len, size_t pos)
{
    while (pos < len && text[pos] <= ' ' &&
           (text[pos] == ' ' || text[pos] == '\n' || text[pos] == '\r' || text[pos] == '\t'))
        pos++;
    return pos;
}

/* From a string's first quote to behind its last one: a quote after an even number of backslashes.
 */
static size_t string_end(const char *text, size_t len, size_t pos)
{
    const char *s = text + pos + 1;

    for (;;) {
        const char *quote = memchr(s, '"', len - (size_t)(s - text));
        if (!quote)
            return len; /* not in a text that was checked */
        const char *slash = quote;
        while (slash > s && slash[-1] == '\\')
            slash--;
        if ((quote - slash) % 2 == 0)
            return (size_t)(quote - text) + 1;
        s = quote + 1;
    }
}

static size_t container_end(const char *text, size_t len, size_t pos)
{
    int open = 0;

    do {
        char c = text[pos];
        if (c == '"') {
            pos = string_end(text, len, pos);
            continue;
        }
        open += (c == '{' || c == '[') - (c == '}' || c == ']');
        pos++;
    } while (open > 0);
    return pos;
}

static size_t primitive_end(const char *text, size_t len, size_t pos)
{
    while (pos < len && text[pos] > ' ' && text[pos] != ',' && text[pos] != '}' && text[pos] != ']')
        pos++;
    return pos;
}

static size_t value_end(const char *text, size_t len, size_t pos)
{
    switch (text[pos]) {
    case '"':
        return string_end(text, len, pos);
    case '{':
    case '[':
        return container_end(text, len, pos);
    default:
        return primitive_end(text, len, pos);
    }
}

/* From behind a key to its value. */
static size_t behind_colon(const char *text, size_t len, size_t key_end)
{
    return skip_space(text, len, skip_space(text, len, key_end) + 1);
}

static size_t key_value(const char *text, size_t len, size_t key)
{
    return behind_colon(text, len, string_end(text, len, key));
}

/* ---- checking ---------------------------------------------------------------------------------
 */

/* Take the character `c`, which must be next but for white space. */
static bool take(struct walk *w, char c)
{
    w->pos = skip_space(w->text, w->len, w->pos);
    if (w->pos >= w->len || w->text[w->pos] != c)
        return false;
    w->pos++;
    return true;
}

/* A string from its quote on. */
static bool check_string(struct walk *w)
{
    const char *s = w->text;
    size_t i = w->pos + 1;

    for (;;) {
        char c[4];
        size_t n;
        i += plain_run(s + i, w->len - i);
        if (i >= w->len)
            return false;
        if (s[i] == '"')
            break;
        size_t used = json_next_char(s + i, w->len - i, c, &n);
        if (used == 0)
            return false;
        i += used;
    }
    w->pos = i + 1;
    return true;
}

static bool check_primitive(struct walk *w)
{
    size_t n = primitive_length(w->text + w->pos, w->len - w->pos);
    w->pos += n;
    return n > 0;
}

/* Two strings compared as the characters they stand for, from behind their first quotes. Both were
 * checked. */
static bool same_characters(const char *a, const char *b, const char *end)
{
    while (*a != '"' && *b != '"') {
        char ca[4], cb[4];
        size_t na = 0, nb = 0;
        size_t ua = json_next_char(a, (size_t)(end - a), ca, &na);
        size_t ub = json_next_char(b, (size_t)(end - b), cb, &nb);
        if (na != nb || memcmp(ca, cb, na) != 0)
            return false;
        a += ua;
        b += ub;
    }
    return *a == *b;
}

/* Is the key at `key` unlike those from `first` to it? */
static bool key_is_new(const struct walk *w, size_t first, size_t key)
{
    for (size_t k = first; k < key;) {
        if (same_characters(w->text + k + 1, w->text + key + 1, w->text + w->pos))
            return false;
        k = value_end(w->text, w->len, key_value(w->text, w->len, k));
        k = skip_space(w->text, w->len, k); /* the comma, for there is a key to come */
        k = skip_space(w->text, w->len, k + 1);
    }
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
    const char *s = w->text + key + 1, *end = w->text + w->pos;
    uint32_t hash = 0;

    while (*s != '"') {
        char c[4] = { s[0] };
        size_t n = 1;
        s += is_plain(s[0]) ? 1 : json_next_char(s, (size_t)(end - s), c, &n);
        hash = hash_add(hash, c, n);
    }
    return hash;
}

static bool is_seen(const uint32_t seen[JSON_SEEN], uint32_t hash)
{
    unsigned place = (hash ^ hash >> 16) & 127;
    return seen[place >> 5] >> (place & 31) & 1;
}

static void set_seen(uint32_t seen[JSON_SEEN], uint32_t hash)
{
    unsigned place = (hash ^ hash >> 16) & 127;
    seen[place >> 5] |= UINT32_C(1) << (place & 31);
}

/* A key that may have been seen before is compared with all before it; the bits of `seen` tell of
 * most keys that they are new. */
static bool check_key(struct walk *w, size_t *first, uint32_t seen[JSON_SEEN])
{
    w->pos = skip_space(w->text, w->len, w->pos);
    if (w->pos >= w->len || w->text[w->pos] != '"' || w->left == 0)
        return false;
    w->left--;
    size_t key = w->pos;
    if (!check_string(w))
        return false;
    if (*first == 0)
        *first = key;
    uint32_t hash = key_hash(w, key);
    bool is_new = !is_seen(seen, hash) || key_is_new(w, *first, key);
    set_seen(seen, hash);
    return is_new && take(w, ':');
}

static bool check_value(struct walk *w, int depth);

/* An object or array from its bracket on. Recursion is bounded by `depth`, which the caller of
 * json_parse() chose. */
static bool check_container(struct walk *w, int depth, uint32_t seen[JSON_SEEN])
{
    bool is_object = w->text[w->pos] == '{';
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
    w->pos = skip_space(w->text, w->len, w->pos);
    if (w->pos >= w->len || w->left == 0)
        return false;
    w->left--;
    char c = w->text[w->pos];
    if (c == '"')
        return check_string(w);
    if (c != '{' && c != '[')
        return check_primitive(w);
    uint32_t seen[JSON_SEEN] = { 0 };
    return check_container(w, depth, seen);
}

int json_parse(struct json *j, const char *text, size_t len, unsigned most, int depth)
{
    *j = (struct json){ .text = text, .hint = JSON_NONE };
    if (len > JSON_TEXT_MAX)
        return -1;

    size_t start = skip_space(text, len, 0);
    struct walk w = { .text = text + start, .len = len - start, .left = most };
    if (w.len == 0 || w.text[0] != '{' || w.left-- == 0 || !check_container(&w, depth, j->seen))
        return -1;
    if (skip_space(w.text, w.len, w.pos) != w.len)
        return -1;
    j->text = w.text;
    j->len = w.len;
    return 0;
}

/* ---- looking up -------------------------------------------------------------------------------
 */

static bool is(const struct json *j, int value, char first)
{
    return value >= 0 && (size_t)value < j->len && j->text[value] == first;
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
    if (value < 0 || (size_t)value >= j->len)
        return false;
    char c = j->text[value];
    return c == '-' || (c >= '0' && c <= '9');
}

int json_first(const struct json *j, int container)
{
    if (!json_is_object(j, container) && !json_is_array(j, container))
        return JSON_NONE;
    size_t pos = skip_space(j->text, j->len, (size_t)container + 1);
    return j->text[pos] == '}' || j->text[pos] == ']' ? JSON_NONE : (int)pos;
}

int json_value(const struct json *j, int key)
{
    if (!json_is_string(j, key))
        return JSON_NONE;
    size_t pos = skip_space(j->text, j->len, string_end(j->text, j->len, (size_t)key));
    return is(j, (int)pos, ':') ? (int)skip_space(j->text, j->len, pos + 1) : JSON_NONE;
}

/* What follows a value in its container. */
static int after_value(const struct json *j, int value)
{
    size_t pos = value_end(j->text, j->len, (size_t)value);

    pos = skip_space(j->text, j->len, pos);
    return is(j, (int)pos, ',') ? (int)skip_space(j->text, j->len, pos + 1) : JSON_NONE;
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

int json_member(struct json *j, int object, const char *key)
{
    if (!json_is_object(j, object))
        return JSON_NONE;

    size_t len = strlen(key);
    int start = JSON_NONE;
    if (j->hint_object == object && j->hint != JSON_NONE)
        start = after_value(j, j->hint);
    if (start == JSON_NONE)
        start = json_first(j, object);
    int k = start;
    while (k != JSON_NONE) {
        size_t end = string_end(j->text, j->len, (size_t)k);
        int value = (int)behind_colon(j->text, j->len, end);
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

bool json_span(const struct json *j, int value, const char **start, size_t *len)
{
    if (value < 0 || (size_t)value >= j->len)
        return false;
    size_t quote = json_is_string(j, value) ? 1 : 0;
    size_t end = value_end(j->text, j->len, (size_t)value);
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
        size_t n = 0, used = json_next_char(s, (size_t)(end - s), c, &n);
        if (used == 0 || strncmp(text, c, n) != 0)
            return false;
        text += n;
        s += used;
    }
    return *text == '\0';
}

int json_u64(const struct json *j, int value, uint64_t *out)
{
    uint64_t v = 0;

    *out = 0;
    if (!json_is_number(j, value))
        return -1;
    size_t end = primitive_end(j->text, j->len, (size_t)value);
    for (size_t i = (size_t)value; i < end; i++) {
        unsigned d = (unsigned)(j->text[i] - '0');
        if (d > 9)
            return -1;
        /* In halves: a comparison with UINT64_MAX / 10 is long on a small processor. */
        uint64_t low = (v & UINT32_MAX) * 10 + d;
        uint64_t high = (v >> 32) * 10 + (low >> 32);
        if (high > UINT32_MAX)
            return -1;
        v = high << 32 | (low & UINT32_MAX);
    }
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
bool json_is_control(const char *c, size_t n)
{
    unsigned char first = (unsigned char)c[0];

    if (n == 1)
        return first < 0x20 || first == 0x7f;
    return n == 2 && first == 0xc2 && (unsigned char)c[1] < 0xa0;
}

int json_text(const struct json *j, int value, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    if (!json_is_string(j, value))
        return -1;
    const char *s = j->text + value + 1, *end = j->text + j->len;
    while (*s != '"') {
        char c[4] = { s[0] };
        size_t n = 1, used = 1;
        if (!is_plain(s[0])) /* nearly all are */
            used = json_next_char(s, (size_t)(end - s), c, &n);
        if (used == 0 || json_is_control(c, n) || len + n >= cap) {
            memset(out, 0, len); /* no half of a text stays behind */
            return -1;
        }
        memcpy(out + len, c, n);
        len += n;
        s += used;
    }
    out[len] = '\0';
    return 0;
}

int json_hex(const struct json *j, int value, uint8_t *out, size_t len)
{
    const char *s;
    size_t text_len;

    if (json_is_string(j, value) && json_span(j, value, &s, &text_len) &&
        hex_decode(s, text_len, out, len) == 0)
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
