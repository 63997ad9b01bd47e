/* jansson keeps no places of what it has read, so the place of a mistake is looked for afterwards.
 */
#include "plan_where.h"

#include <stdbool.h>
#include <string.h>

struct scan {
    const char *at, *end;
    uint32_t line;
};

static char peek(struct scan *s)
{
    for (; s->at < s->end && memchr(" \t\r\n", *s->at, 4); s->at++)
        s->line += *s->at == '\n';
    return s->at < s->end ? *s->at : '\0';
}

static bool take(struct scan *s, char c)
{
    if (peek(s) != c || s->at == s->end)
        return false;
    s->at++;
    return true;
}

/* A string has no line ends: JSON wants them escaped. */
static void skip_string(struct scan *s)
{
    for (s->at++; s->at < s->end && *s->at != '"'; s->at++)
        if (*s->at == '\\')
            s->at++;
    if (s->at < s->end)
        s->at++;
}

static void skip_value(struct scan *s)
{
    int depth = 0;

    do {
        char c = peek(s);
        if (c == '"') {
            skip_string(s);
            continue;
        }
        if (c == '\0' || (depth == 0 && strchr(",]}", c)))
            return;
        depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
        s->at++;
    } while (depth > 0 || (s->at < s->end && !memchr(",]} \t\r\n", *s->at, 7)));
}

/* Before element `n` of the list that begins here. */
static bool enter_list(struct scan *s, uint32_t n)
{
    if (!take(s, '['))
        return false;
    for (; n > 0; n--) {
        skip_value(s);
        if (!take(s, ','))
            return false;
    }
    return peek(s) != ']' && s->at < s->end;
}

/* Before the value of that key; *line is the key's. */
static bool enter_object(struct scan *s, const char *key, size_t len, uint32_t *line)
{
    if (!take(s, '{'))
        return false;
    do {
        if (peek(s) != '"')
            return false;
        const char *name = s->at + 1;
        *line = s->line;
        skip_string(s);
        bool found = (size_t)(s->at - name) == len + 1 && memcmp(name, key, len) == 0;
        if (!take(s, ':') || found)
            return found;
        skip_value(s);
    } while (take(s, ','));
    return false;
}

uint32_t plan_line(const char *json, size_t json_len, const char *path, size_t len)
{
    struct scan s = { json, json + json_len, 1 };
    const char *end = path + len;
    uint32_t found = 0, line = 0;

    while (path < end) {
        bool there;
        if (*path == '[') {
            uint32_t n = 0;
            for (path++; path < end && *path >= '0' && *path <= '9'; path++)
                n = n < 1000000 ? n * 10 + (uint32_t)(*path - '0') : n;
            path++; /* the bracket */
            there = enter_list(&s, n);
            line = s.line;
        } else {
            const char *name = path;
            while (path < end && *path != '.' && *path != '[')
                path++;
            there = enter_object(&s, name, (size_t)(path - name), &line);
        }
        if (!there)
            break;
        found = line;
        if (path < end && *path == '.')
            path++;
    }
    return found;
}
