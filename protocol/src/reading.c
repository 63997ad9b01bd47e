#include "protocol/reading.h"

#include <math.h>
#include <string.h>

#include "decimal.h"
#include "line.h"
#include "protocol/json_read.h"

/*
 * This runs for every message of a fleet: nothing here is cleared or copied that is not used, and
 * no buffer is larger than a message may need.
 */
enum { TOKENS = 256, DEPTH = 6, STRING_NUMBER_MAX = 40 };

/* A name or word fit to show: UTF-8 without control characters, and short enough. */
static bool text_is_plain(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = utf8_length(s + i, len - i);
        unsigned char c = (unsigned char)s[i];
        if (n == 0 || (n == 1 && (c < 0x20 || c == 0x7f)))
            return false;
        if (n == 2 && c == 0xc2 && (unsigned char)s[i + 1] < 0xa0)
            return false;
        i += n;
    }
    return true;
}

static bool has_name(const struct readings *out, const char *name)
{
    for (uint32_t i = 0; i < out->count; i++)
        if (out->item[i].name[0] == name[0] && strcmp(out->item[i].name, name) == 0)
            return true;
    return false;
}

/* Keep one reading, or count it as dropped. The first of a name stays: a firmware in the field
 * sends the same sample as JSON and as a line. */
static void add(struct readings *out, const char *own_name, double value)
{
    const char *name = reading_canonical(own_name);

    if (has_name(out, name))
        return;
    if (!isfinite(value) || out->count == PROTO_READINGS) {
        out->dropped++;
        return;
    }
    struct reading *r = &out->item[out->count++];
    memcpy(r->name, name, strlen(name) + 1);
    r->value = value;
}

static void set_ts(struct readings *out, double ts)
{
    if (out->has_ts)
        return;
    if (!isfinite(ts)) {
        out->dropped++;
        return;
    }
    out->has_ts = true;
    out->ts = ts;
}

static void take_number(struct readings *out, const char *name, double value)
{
    if (name[0] == 't' && strcmp(name, "ts") == 0)
        set_ts(out, value);
    else
        add(out, name, value);
}

/* The words a message may say about its sender. */
static char *word_named(struct readings *out, const char *name, size_t *cap)
{
    if (name[0] != 'd' && name[0] != 'l' && name[0] != 'f')
        return NULL;
    if (strcmp(name, "device") == 0) {
        *cap = sizeof(out->device);
        return out->device;
    }
    if (strcmp(name, "location") == 0) {
        *cap = sizeof(out->location);
        return out->location;
    }
    if (strcmp(name, "firmware") == 0) {
        *cap = sizeof(out->firmware);
        return out->firmware;
    }
    return NULL;
}

/* Number, or string that is one: 1. Null is a number that is not there: NaN. 0 for what is none. */
static bool json_number(const struct json *j, int value, double *out)
{
    const char *s;
    size_t len;

    if (json_is_number(j, value))
        return decimal_begin(j->text + value, j->len - (size_t)value, out) > 0;
    if (!json_span(j, value, &s, &len))
        return false;
    if (json_is_string(j, value) && len <= STRING_NUMBER_MAX)
        return decimal_parse(s, len, out);
    *out = (double)NAN;
    return !json_is_string(j, value) && s[0] == 'n';
}

static void take_member(const struct json *j, int key, int value, struct readings *out)
{
    char name[PROTO_READING_MAX];
    size_t cap;
    double v;

    if (json_text(j, key, name, sizeof(name)) != 0) {
        out->dropped += json_number(j, value, &v);
        return;
    }
    char *word = word_named(out, name, &cap);
    if (word) {
        if (word[0] == '\0')
            (void)json_text(j, value, word, cap);
        return;
    }
    if (json_number(j, value, &v))
        take_number(out, name, v);
}

static int decode_json(const char *body, size_t len, struct readings *out)
{
    struct json j;

    if (json_parse(&j, body, len, TOKENS, DEPTH) != 0)
        return -1;
    for (struct json_pair pair = { 0 }; json_next_pair(&j, &pair);)
        take_member(&j, pair.key, pair.value, out);
    return 0;
}

/* From line protocol; the first one said stays. */
static void set_word(char *word, size_t cap, const char *value, size_t len)
{
    if (word[0] != '\0' || !text_is_plain(value, len))
        return;
    if (line_unescape(value, len, word, cap) < 0)
        word[0] = '\0';
}

static void take_tags(const struct line *line, struct readings *out)
{
    const char *s = line->tags;
    size_t len = line->tags_len, cap;
    struct line_pair tag;

    while (line_next_tag(&s, &len, &tag)) {
        char name[16];
        if (line_unescape(tag.key, tag.key_len, name, sizeof(name)) < 0)
            continue;
        char *word = word_named(out, name, &cap);
        if (word)
            set_word(word, cap, tag.value, tag.value_len);
    }
}

/* False for booleans and texts. */
static bool line_number(const struct line_pair *p, double *out)
{
    const char *s = p->value;
    size_t len = p->value_len;

    if (len >= 2 && s[0] == '"') {
        s++;
        len -= 2;
    } else if (len > 1 && (s[len - 1] == 'i' || s[len - 1] == 'u')) {
        len--;
    }
    return decimal_parse(s, len, out);
}

static void take_field(const struct line_pair *p, struct readings *out)
{
    char name[PROTO_READING_MAX];
    size_t cap;
    double v;

    bool named = text_is_plain(p->key, p->key_len) &&
                 line_unescape(p->key, p->key_len, name, sizeof(name)) >= 0;
    char *word = named ? word_named(out, name, &cap) : NULL;
    if (word) {
        if (p->value_len >= 2 && p->value[0] == '"')
            set_word(word, cap, p->value + 1, p->value_len - 2);
    } else if (line_number(p, &v)) {
        if (named)
            take_number(out, name, v);
        else
            out->dropped++;
    }
}

static int decode_line(const char *text, size_t len, struct readings *out)
{
    struct line line;
    struct line_pair pair;

    if (!line_split(text, len, &line))
        return -1;
    take_tags(&line, out);
    while (line_next_pair(&line.fields, &line.fields_len, &pair))
        take_field(&pair, out);
    if (line.has_ts)
        set_ts(out, line.ts);
    return 0;
}

static bool is_blank(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r')
            return false;
    return true;
}

static int decode_lines(const char *text, size_t len, struct readings *out)
{
    const char *line;
    size_t line_len;
    bool any = false;

    while (line_next(&text, &len, &line, &line_len)) {
        if (is_blank(line, line_len) || line[0] == '#')
            continue;
        if (decode_line(line, line_len, out) != 0)
            return -1;
        any = true;
    }
    return any ? 0 : -1;
}

/* Where the object at the start ends, so that what follows it can be looked at; `len` when it does
 * not end. */
static size_t object_length(const char *s, size_t len)
{
    unsigned depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        if (quoted) {
            if (s[i] == '\\')
                i++;
            else if (s[i] == '"')
                quoted = false;
        } else if (s[i] == '"') {
            quoted = true;
        } else if (s[i] == '{') {
            depth++;
        } else if (s[i] == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return len;
}

/* The JSON part of a body and the lines after it, either of which may be empty. */
static size_t json_part(const char *body, size_t len)
{
    size_t end = len;

    if (len == 0 || body[0] != '{')
        return 0;
    while (end > 0 && (is_blank(body + end - 1, 1) || body[end - 1] == '\n'))
        end--;
    return body[end - 1] == '}' ? len : object_length(body, len);
}

static void clear(struct readings *out)
{
    /* Not the whole of it: `item` beyond `count` is nobody's business. */
    out->count = 0;
    out->dropped = 0;
    out->has_ts = false;
    out->ts = 0;
    out->device[0] = '\0';
    out->location[0] = '\0';
    out->firmware[0] = '\0';
}

int readings_decode(const char *body, size_t len, struct readings *out)
{
    clear(out);
    if (len == 0 || len > PROTO_READINGS_BYTES)
        return -1;
    size_t json = json_part(body, len);
    if (json > 0 && decode_json(body, json, out) != 0)
        return -1;
    if (json == len)
        return 0;
    return decode_lines(body + json, len - json, out);
}

int readings_field(const char *body, size_t len, const char *json_key, char *out, size_t cap)
{
    struct json j;

    if (cap == 0)
        return -1;
    out[0] = '\0';
    if (len > PROTO_READINGS_BYTES)
        return -1;
    size_t json = json_part(body, len);
    if (json == 0 || json_parse(&j, body, json, TOKENS, DEPTH) != 0)
        return -1;
    return json_text(&j, json_member(&j, JSON_ROOT, json_key), out, cap);
}

static int tag_of_line(const char *text, size_t len, const char *wanted, char *out, size_t cap)
{
    struct line line;
    struct line_pair tag;

    if (!line_split(text, len, &line))
        return -1;
    while (line_next_tag(&line.tags, &line.tags_len, &tag)) {
        char name[PROTO_READING_MAX];
        if (line_unescape(tag.key, tag.key_len, name, sizeof(name)) < 0 ||
            strcmp(name, wanted) != 0)
            continue;
        if (text_is_plain(tag.value, tag.value_len) &&
            line_unescape(tag.value, tag.value_len, out, cap) >= 0)
            return 0;
        break;
    }
    return -1;
}

int readings_tag(const char *body, size_t len, const char *tag, char *out, size_t cap)
{
    const char *line;
    size_t line_len;

    if (cap == 0)
        return -1;
    out[0] = '\0';
    if (len > PROTO_READINGS_BYTES)
        return -1;
    size_t json = json_part(body, len);
    body += json;
    len -= json;
    while (line_next(&body, &len, &line, &line_len)) {
        if (is_blank(line, line_len) || line[0] == '#')
            continue;
        if (tag_of_line(line, line_len, tag, out, cap) == 0)
            return 0;
        out[0] = '\0';
        return -1;
    }
    return -1;
}
