#include "protocol/json_read.h"

#include <string.h>

#include "protocol/hex.h"

/*
 * After jsmn is done with them, two fields of a token that has a place in a container are used
 * anew: `parent` is the next sibling (JSON_NONE at the end), and a key's `size` is a hash of its
 * characters with the lowest bit telling whether it is spelt with escapes. Without the hash, a
 * hostile message of many escaped keys took two milliseconds to look through for duplicates.
 */
enum { KEY_ESCAPED = 1 };

struct walk {
    struct json *j;
    size_t len;
    size_t pos; /* checked so far */
    int next;   /* token that must come next */
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

static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

/* The four digits of \uXXXX, or -1. */
static int32_t hex4(const char *s, size_t len)
{
    int32_t v = 0;

    if (len < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        unsigned d = hex_digit(s[i]);
        if (d > 15)
            return -1;
        v = v << 4 | (int32_t)d;
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
static size_t next_char(const char *s, size_t len, char out[4], size_t *out_len)
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

static bool string_is_valid(const char *s, size_t len, bool *escaped)
{
    size_t i = 0;

    *escaped = false;
    while ((i += plain_run(s + i, len - i)) < len) {
        char c[4];
        size_t n, used = next_char(s + i, len - i, c, &n);
        if (used == 0)
            return false;
        *escaped |= s[i] == '\\';
        i += used;
    }
    return true;
}

static size_t digits(const char *s, size_t len)
{
    size_t n = 0;
    while (n < len && s[n] >= '0' && s[n] <= '9')
        n++;
    return n;
}

static bool number_is_valid(const char *s, size_t len)
{
    size_t i = len > 0 && s[0] == '-' ? 1 : 0;
    size_t n = digits(s + i, len - i);

    if (n == 0 || (n > 1 && s[i] == '0'))
        return false;
    i += n;
    if (i < len && s[i] == '.') {
        n = digits(s + i + 1, len - i - 1);
        if (n == 0)
            return false;
        i += n + 1;
    }
    if (i < len && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        if (i < len && (s[i] == '+' || s[i] == '-'))
            i++;
        n = digits(s + i, len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return i == len;
}

static bool primitive_is_valid(const char *s, size_t len)
{
    switch (s[0]) {
    case 't':
        return len == 4 && memcmp(s, "true", 4) == 0;
    case 'f':
        return len == 5 && memcmp(s, "false", 5) == 0;
    case 'n':
        return len == 4 && memcmp(s, "null", 4) == 0;
    default:
        return number_is_valid(s, len);
    }
}

static void skip_space(struct walk *w)
{
    while (w->pos < w->len) {
        char c = w->j->text[w->pos];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return;
        w->pos++;
    }
}

/* Take the character `c`, which must be next but for white space. */
static bool take(struct walk *w, char c)
{
    skip_space(w);
    if (w->pos >= w->len || w->j->text[w->pos] != c)
        return false;
    w->pos++;
    return true;
}

static size_t token_len(const json_token *t)
{
    return (size_t)(t->end - t->start);
}

static bool check_string(struct walk *w, const json_token *t, bool *escaped)
{
    if (!take(w, '"') || w->pos != (size_t)t->start)
        return false;
    if (!string_is_valid(w->j->text + t->start, token_len(t), escaped))
        return false;
    w->pos = (size_t)t->end;
    return take(w, '"');
}

static bool check_primitive(struct walk *w, const json_token *t)
{
    skip_space(w);
    if (w->pos != (size_t)t->start || !primitive_is_valid(w->j->text + t->start, token_len(t)))
        return false;
    w->pos = (size_t)t->end;
    return true;
}

/* Two strings compared as the characters they stand for. */
static bool same_characters(const char *a, size_t a_len, const char *b, size_t b_len)
{
    while (a_len > 0 && b_len > 0) {
        char ca[4], cb[4];
        size_t na = 0, nb = 0;
        size_t ua = next_char(a, a_len, ca, &na), ub = next_char(b, b_len, cb, &nb);
        if (ua == 0 || ub == 0 || na != nb || memcmp(ca, cb, na) != 0)
            return false;
        a += ua;
        a_len -= ua;
        b += ub;
        b_len -= ub;
    }
    return a_len == 0 && b_len == 0;
}

static uint32_t hash_add(uint32_t hash, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)s[i]) * 16777619u; /* FNV-1a */
    return hash;
}

/* Of the characters a key stands for. */
static int key_tag(const char *s, size_t len, bool escaped)
{
    uint32_t hash = 2166136261u;

    if (!escaped)
        hash = hash_add(hash, s, len);
    while (escaped && len > 0) {
        char c[4];
        size_t n = 0, used = next_char(s, len, c, &n);
        if (used == 0)
            break;
        hash = hash_add(hash, c, n);
        s += used;
        len -= used;
    }
    return (int)((hash >> 2) << 1 | (escaped ? KEY_ESCAPED : 0));
}

static bool same_key(const struct json *j, const json_token *a, const json_token *b)
{
    const char *ta = j->text + a->start, *tb = j->text + b->start;

    if ((a->size ^ b->size) & ~KEY_ESCAPED)
        return false;
    return same_characters(ta, token_len(a), tb, token_len(b));
}

/* `seen` has a bit for the hash of each key before this one. */
static bool key_is_new(const struct json *j, int object, int key, uint32_t *seen)
{
    uint32_t bit = UINT32_C(1) << ((unsigned)j->token[key].size >> 1 & 31);

    if (!(*seen & bit)) {
        *seen |= bit;
        return true;
    }
    for (int k = object + 1; k < key; k = j->token[k].parent)
        if (same_key(j, &j->token[k], &j->token[key]))
            return false;
    return true;
}

static bool check_value(struct walk *w, int depth);

static bool check_key(struct walk *w, int object, uint32_t *seen)
{
    json_token *key = &w->j->token[w->next];
    bool escaped;

    if (w->next >= w->j->count || key->type != JSMN_STRING || key->size != 1)
        return false;
    if (!check_string(w, key, &escaped) || !take(w, ':'))
        return false;
    key->size = key_tag(w->j->text + key->start, token_len(key), escaped);
    if (!key_is_new(w->j, object, w->next, seen))
        return false;
    w->next++;
    return true;
}

/* Recursion is bounded by `depth`, which the caller of json_parse() chose. */
static bool check_container(struct walk *w, int container, int depth)
{
    json_token *t = &w->j->token[container];
    bool object = t->type == JSMN_OBJECT;
    uint32_t seen = 0;

    if (depth == 0 || !take(w, object ? '{' : '[') || w->pos != (size_t)t->start + 1)
        return false;
    for (int i = 0; i < t->size; i++) {
        int item = w->next;
        if (i > 0 && !take(w, ','))
            return false;
        if (object && !check_key(w, container, &seen))
            return false;
        if (!check_value(w, depth - 1))
            return false;
        w->j->token[item].parent = i + 1 < t->size ? w->next : JSON_NONE;
    }
    return take(w, object ? '}' : ']') && w->pos == (size_t)t->end;
}

static bool check_value(struct walk *w, int depth)
{
    int value = w->next;
    json_token *t = &w->j->token[value];
    bool escaped;

    if (value >= w->j->count)
        return false;
    w->next++;
    switch (t->type) {
    case JSMN_OBJECT:
    case JSMN_ARRAY:
        return check_container(w, value, depth);
    case JSMN_STRING:
        return t->size == 0 && check_string(w, t, &escaped);
    case JSMN_PRIMITIVE:
        return t->size == 0 && check_primitive(w, t);
    case JSMN_UNDEFINED:
        break;
    }
    return false;
}

int json_parse(struct json *j, const char *text, size_t len, json_token *tokens, unsigned cap,
               int depth)
{
    jsmn_parser parser;

    *j = (struct json){ .text = text, .token = tokens, .hint = JSON_NONE };
    if (len > JSON_TEXT_MAX)
        return -1;
    jsmn_init(&parser);
    j->count = jsmn_parse(&parser, text, len, tokens, cap);
    if (j->count <= 0 || tokens[0].type != JSMN_OBJECT)
        return -1;

    struct walk w = { .j = j, .len = len };
    if (!check_value(&w, depth) || w.next != j->count)
        return -1;
    tokens[0].parent = JSON_NONE;
    skip_space(&w);
    return w.pos == len ? 0 : -1;
}

static bool is(const struct json *j, int value, jsmntype_t type)
{
    return value >= 0 && value < j->count && j->token[value].type == type;
}

bool json_is_object(const struct json *j, int value)
{
    return is(j, value, JSMN_OBJECT);
}

bool json_is_array(const struct json *j, int value)
{
    return is(j, value, JSMN_ARRAY);
}

bool json_is_string(const struct json *j, int value)
{
    return is(j, value, JSMN_STRING);
}

bool json_is_number(const struct json *j, int value)
{
    if (!is(j, value, JSMN_PRIMITIVE))
        return false;
    char c = j->text[j->token[value].start];
    return c == '-' || (c >= '0' && c <= '9');
}

int json_first(const struct json *j, int container)
{
    if (!json_is_object(j, container) && !json_is_array(j, container))
        return JSON_NONE;
    return j->token[container].size > 0 ? container + 1 : JSON_NONE;
}

int json_next(const struct json *j, int item)
{
    return item > 0 && item < j->count ? j->token[item].parent : JSON_NONE;
}

int json_value(const struct json *j, int key)
{
    return key > 0 && key + 1 < j->count ? key + 1 : JSON_NONE;
}

static bool key_is(const struct json *j, int key, const char *name, size_t len)
{
    const json_token *t = &j->token[key];

    if (t->size & KEY_ESCAPED)
        return json_equals(j, key, name);
    return token_len(t) == len && memcmp(j->text + t->start, name, len) == 0;
}

int json_member(struct json *j, int object, const char *key)
{
    if (!json_is_object(j, object))
        return JSON_NONE;

    size_t len = strlen(key);
    int first = json_first(j, object);
    int start = j->hint_object == object && j->hint != JSON_NONE ? j->hint : first;
    int k = start;
    while (k != JSON_NONE) {
        int next = json_next(j, k);
        if (key_is(j, k, key, len)) {
            j->hint_object = object;
            j->hint = next;
            return k + 1;
        }
        k = next == JSON_NONE && start != first ? first : next;
        if (k == start)
            break;
    }
    return JSON_NONE;
}

bool json_span(const struct json *j, int value, const char **start, size_t *len)
{
    if (value < 0 || value >= j->count)
        return false;
    *start = j->text + j->token[value].start;
    *len = token_len(&j->token[value]);
    return true;
}

bool json_equals(const struct json *j, int value, const char *text)
{
    if (!json_is_string(j, value))
        return false;

    const char *s = j->text + j->token[value].start;
    size_t left = token_len(&j->token[value]);
    while (left > 0) {
        char c[4];
        size_t n = 0, used = next_char(s, left, c, &n);
        if (used == 0 || strncmp(text, c, n) != 0)
            return false;
        text += n;
        s += used;
        left -= used;
    }
    return *text == '\0';
}

int json_u64(const struct json *j, int value, uint64_t *out)
{
    const char *s;
    size_t len;

    *out = 0;
    if (!json_is_number(j, value) || !json_span(j, value, &s, &len) || digits(s, len) != len)
        return -1;
    uint64_t v = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned d = (unsigned)(s[i] - '0');
        if (v > (UINT64_MAX - d) / 10)
            return -1;
        v = v * 10 + d;
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
    *out = false;
    if (!is(j, value, JSMN_PRIMITIVE))
        return -1;
    char c = j->text[j->token[value].start];
    *out = c == 't';
    return c == 't' || c == 'f' ? 0 : -1;
}

/* C0, DEL and C1 (U+0080 to U+009F): bytes that a terminal may obey. */
static bool is_control(const char *c, size_t n)
{
    unsigned char first = (unsigned char)c[0];

    if (n == 1)
        return first < 0x20 || first == 0x7f;
    return n == 2 && first == 0xc2 && (unsigned char)c[1] < 0xa0;
}

enum text_rule { TEXT_EXACT, TEXT_PROSE };

static int copy_text(const struct json *j, int value, char *out, size_t cap, enum text_rule rule)
{
    size_t len = 0, left;
    const char *s;

    out[0] = '\0';
    if (!json_is_string(j, value) || !json_span(j, value, &s, &left))
        return -1;
    while (left > 0) {
        char c[4];
        if (is_plain(s[0]) && len + 1 < cap) { /* nearly all there is */
            out[len++] = *s++;
            left--;
            continue;
        }
        size_t n = 0, used = next_char(s, left, c, &n);
        bool control = used > 0 && is_control(c, n);
        if (used > 0 && control && rule == TEXT_PROSE) {
            c[0] = ' ';
            n = 1;
            control = false;
        }
        if (used == 0 || control || len + n >= cap) {
            if (rule == TEXT_PROSE)
                break;           /* what fits is what is shown */
            memset(out, 0, len); /* no half of a text stays behind */
            return -1;
        }
        memcpy(out + len, c, n);
        len += n;
        s += used;
        left -= used;
    }
    out[len] = '\0';
    return 0;
}

int json_text(const struct json *j, int value, char *out, size_t cap)
{
    return copy_text(j, value, out, cap, TEXT_EXACT);
}

int json_prose(const struct json *j, int value, char *out, size_t cap)
{
    return copy_text(j, value, out, cap, TEXT_PROSE);
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
