#include "line.h"

#include <stdint.h>
#include <string.h>

#include "decimal.h"

/* How many unescaped spaces a tag's value may have. Each is a guess that costs a look at what
 * follows. */
enum { GUESSES = 8 };

/* The offset of the first unescaped `stop` or `stop2`, or `len`. */
static size_t find(const char *s, size_t len, char stop, char stop2)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] == stop || s[i] == stop2)
            return i;
        if (s[i] == '\\')
            i++;
    }
    return len;
}

/* The length of a key that ends in '='; 0 when there is none. */
static size_t key_length(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '=')
            return i;
        if (s[i] == ',' || s[i] == ' ')
            return 0;
        if (s[i] == '\\')
            i++;
    }
    return 0;
}

/* The length of a field's value; 0 when it is malformed. */
static size_t value_length(const char *s, size_t len)
{
    if (len == 0 || s[0] != '"')
        return find(s, len, ',', ' ');
    for (size_t i = 1; i < len; i++) {
        if (s[i] == '\\')
            i++;
        else if (s[i] == '"')
            return i + 1;
    }
    return 0;
}

static bool is_boolean(const char *s, size_t len)
{
    static const char *const words[] = { "t", "T", "true",  "True",  "TRUE",
                                         "f", "F", "false", "False", "FALSE" };

    if (len == 0 || !strchr("tTfF", s[0]))
        return false; /* nearly always a number */
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i]) == len && memcmp(words[i], s, len) == 0)
            return true;
    return false;
}

static bool value_is_valid(const char *s, size_t len)
{
    double ignored;

    if (len > 0 && s[0] == '"')
        return true;
    if (is_boolean(s, len))
        return true;
    if (len > 1 && (s[len - 1] == 'i' || s[len - 1] == 'u'))
        len--;
    return decimal_parse(s, len, &ignored);
}

bool line_next_pair(const char **text, size_t *len, struct line_pair *out)
{
    size_t key = key_length(*text, *len);

    if (key == 0)
        return false;
    const char *value = *text + key + 1;
    size_t n = value_length(value, *len - key - 1);
    if (n == 0 || !value_is_valid(value, n))
        return false;
    *out = (struct line_pair){ *text, value, key, n };

    size_t used = key + 1 + n;
    if (used < *len && (*text)[used] == ',') {
        used++;
        if (used == *len)
            return false; /* a comma with nothing after it */
    } else if (used < *len) {
        return false;
    }
    *text += used;
    *len -= used;
    return true;
}

bool line_next_tag(const char **text, size_t *len, struct line_pair *out)
{
    if (*len == 0 || **text != ',')
        return false;
    size_t end = 1 + find(*text + 1, *len - 1, ',', ',');
    size_t key = 1 + find(*text + 1, end - 1, '=', '=');
    if (key == 1 || key >= end)
        return false;
    *out = (struct line_pair){ *text + 1, *text + key + 1, key - 1, end - key - 1 };
    *text += end;
    *len -= end;
    return true;
}

/* The length of a field section at the start of `s`; 0 when there is none. */
static size_t fields_length(const char *s, size_t len)
{
    size_t at = 0;

    for (;;) {
        size_t key = key_length(s + at, len - at);
        if (key == 0)
            return 0;
        at += key + 1;
        size_t n = value_length(s + at, len - at);
        if (n == 0 || !value_is_valid(s + at, n))
            return 0;
        at += n;
        if (at == len || s[at] == ' ')
            return at;
        if (s[at] != ',')
            return 0;
        at++;
    }
}

/* Seconds, milli-, micro- or nanoseconds: told apart by size, which works from 1973 to 5138. */
static bool parse_timestamp(const char *s, size_t len, struct line *out)
{
    double v;

    while (len > 0 && s[0] == ' ') {
        s++;
        len--;
    }
    if (len == 0)
        return true;
    for (size_t i = 0; i < len; i++)
        if ((s[i] < '0' || s[i] > '9') && !(i == 0 && s[i] == '-'))
            return false;
    if (!decimal_parse(s, len, &v))
        return false;
    double size = v < 0 ? -v : v;
    out->has_ts = true;
    out->ts = v / (size >= 1e17 ? 1e9 : size >= 1e14 ? 1e6 : size >= 1e11 ? 1e3 : 1);
    return true;
}

bool line_split(const char *text, size_t len, struct line *out)
{
    size_t name = find(text, len, ',', ' ');
    size_t space = name;

    *out = (struct line){ 0 };
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\r'))
        len--;
    if (name == 0 || name >= len)
        return false;
    for (int i = 0; i < GUESSES; i++) {
        space += find(text + space, len - space, ' ', ' ');
        if (space >= len)
            return false;
        const char *fields = text + space + 1;
        size_t n = fields_length(fields, len - space - 1);
        if (n > 0 && parse_timestamp(fields + n, len - space - 1 - n, out)) {
            out->tags = text + name;
            out->tags_len = space - name;
            out->fields = fields;
            out->fields_len = n;
            return true;
        }
        if (name == space)
            return false; /* no tags: nothing that a space could belong to */
        space++;
    }
    return false;
}

int line_unescape(const char *text, size_t len, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '\\' && i + 1 < len && strchr(",= \"\\", text[i + 1]) && text[i + 1] != '\0')
            c = text[++i];
        if (n + 1 >= cap)
            return -1;
        out[n++] = c;
    }
    if (cap == 0)
        return -1;
    out[n] = '\0';
    return n > INT32_MAX ? -1 : (int)n;
}

bool line_next(const char **text, size_t *len, const char **line, size_t *line_len)
{
    if (*len == 0)
        return false;
    const char *end = memchr(*text, '\n', *len);
    *line = *text;
    *line_len = end ? (size_t)(end - *text) : *len;
    size_t used = *line_len + (end ? 1 : 0);
    *text += used;
    *len -= used;
    while (*line_len > 0 && (*line)[*line_len - 1] == '\r')
        (*line_len)--;
    return true;
}
