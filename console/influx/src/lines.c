#include "lines.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

bool lines_escape(char *out, size_t cap, const char *text, enum lines_what what)
{
    size_t used = 0;

    for (const char *p = *text ? text : "_"; *p; p++) {
        unsigned char c = (unsigned char)*p;
        bool special = c == ',' || c == ' ' || (c == '=' && what == LINES_KEY);
        bool never = c < 0x20 || c == 0x7f || (c == '\\' && !p[1]);
        if (used + 3 > cap) {
            if (cap)
                out[0] = '\0';
            return false;
        }
        if (special)
            out[used++] = '\\';
        out[used++] = never ? '_' : *p;
    }
    out[used] = '\0';
    return true;
}

int lines_tags(const char *tags, char *out, size_t cap, struct err *err)
{
    size_t used = 0;

    out[0] = '\0';
    while (*tags) {
        char one[160], key[160], value[160];
        size_t len = strcspn(tags, ",");
        if (!text_copy_n(one, sizeof(one), tags, len))
            return err_set(err, EXIT_USAGE, "[influx] tags: one is too long");
        char *equals = strchr(one, '=');
        if (!equals || equals == one || !equals[1])
            return err_set(err, EXIT_USAGE, "[influx] tags wants key=value, …, not '%s'", one);
        *equals = '\0';
        int n = lines_escape(key, sizeof(key), one, LINES_KEY) &&
                        lines_escape(value, sizeof(value), equals + 1, LINES_KEY)
                    ? snprintf(out + used, cap - used, ",%s=%s", key, value)
                    : -1;
        if (n < 0 || (size_t)n >= cap - used)
            return err_set(err, EXIT_USAGE, "[influx] tags are too long");
        used += (size_t)n;
        tags += len + (tags[len] == ',');
    }
    return 0;
}

static void put(struct lines *l, const char *text)
{
    size_t len = strlen(text);
    if (l->len + len > l->cap) {
        l->cap = 2 * l->cap + len + 4096;
        l->text = mem_grow(l->text, l->cap, 1);
    }
    memcpy(l->text + l->len, text, len);
    l->len += len;
}

void lines_close(struct lines *l)
{
    char text[32];

    if (!l->open)
        return;
    snprintf(text, sizeof(text), " %lld\n", (long long)l->t_ms);
    put(l, text);
    l->open = false;
    l->count++;
}

void lines_add(struct lines *l, const char *head, const char *tags, const char *device,
               const char *field, int64_t t_ms, double value)
{
    char key[200], number[40];

    if (!isfinite(value) || !lines_escape(key, sizeof(key), field, LINES_KEY))
        return;
    if (l->open && (l->t_ms != t_ms || strcmp(l->device, device) != 0))
        lines_close(l);
    if (!l->open) {
        char id[200];
        if (!lines_escape(id, sizeof(id), device, LINES_KEY) ||
            !text_copy(l->device, sizeof(l->device), device))
            return;
        put(l, head);
        put(l, ",device=");
        put(l, id);
        put(l, tags);
        put(l, " ");
        l->open = true;
        l->t_ms = t_ms;
    } else {
        put(l, ",");
    }
    snprintf(number, sizeof(number), "=%.10g", value);
    put(l, key);
    put(l, number);
}

void lines_clear(struct lines *l)
{
    l->len = 0;
    l->count = 0;
    l->open = false;
}

void lines_free(struct lines *l)
{
    free(l->text);
    memset(l, 0, sizeof(*l));
}
