/* All that the reader finds in a text, as text: the same code for a large and for a small machine's
 * reader. The including file names it: FACTS(text, len, out, cap) is 0, or json_parse()'s -1. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/json_read.h"

enum { TOKENS = 140, DEPTH = 4 };

struct pen {
    char *out;
    size_t cap, len;
};

__attribute__((format(printf, 2, 3))) static void put(struct pen *p, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(p->out + p->len, p->cap - p->len, format, ap);
    va_end(ap);
    p->len += n < 0 || (size_t)n >= p->cap - p->len ? p->cap - p->len - 1 : (size_t)n;
}

static void put_value(struct pen *p, const struct json *j, int value)
{
    char text[9];
    const char *s = "";
    size_t len = 0;
    uint64_t u;
    uint32_t v;
    bool b, is_span = json_span(j, value, &s, &len);
    int rc_text = json_text(j, value, text, sizeof(text));
    int rc_u = json_u64(j, value, &u), rc_v = json_u32(j, value, &v);

    put(p, "@%d %d%.*s ", value, is_span, (int)len, s);
    put(p, "%d'%s' %d:%llu %d:%u %d ", rc_text, text, rc_u, (unsigned long long)u, rc_v, v,
        json_bool(j, value, &b));
    put(p, "%d%d%d%d %d\n", json_is_object(j, value), json_is_array(j, value),
        json_is_string(j, value), json_is_number(j, value), json_next(j, value));
}

static void put_container(struct pen *p, const struct json *j, int value, int depth)
{
    bool is_object = json_is_object(j, value);

    for (int i = json_first(j, value); i != JSON_NONE; i = json_next(j, i)) {
        int inner = is_object ? json_value(j, i) : i;
        put_value(p, j, i);
        put_value(p, j, inner);
        if (depth > 0)
            put_container(p, j, inner, depth - 1);
    }
}

int FACTS(const char *text, size_t len, char *out, size_t cap)
{
    static const char *const names[] = { "a", "b",        "ab",       "state", "",  "\xc3\xa9",
                                         "n", "interval", "interval", "k12",   "a", "k33" };
    struct pen p = { .out = out, .cap = cap };
    struct json j;

    out[0] = '\0';
    int rc = json_parse(&j, text, len, TOKENS, DEPTH);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int value = json_member(&j, JSON_ROOT, names[i]);
        put_value(&p, &j, value);
        put(&p, "%d\n", json_member(&j, value, names[i]));
    }
    for (struct json_pair pair = { 0 }; json_next_pair(&j, &pair);)
        put(&p, "%d %d\n", pair.key, pair.value);
    put_container(&p, &j, JSON_ROOT, DEPTH);
    return rc;
}
