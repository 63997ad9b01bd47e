#include "text.h"

#include <string.h>

struct text text_begin(char *buf, size_t cap)
{
    buf[0] = '\0';
    return (struct text){ .buf = buf, .cap = cap };
}

static void add(struct text *t, const char *s, size_t len)
{
    if (t->full || len >= t->cap - t->len) {
        t->full = true;
        return;
    }
    memcpy(t->buf + t->len, s, len);
    t->len += len;
    t->buf[t->len] = '\0';
}

void text_str(struct text *t, const char *s)
{
    add(t, s, strlen(s));
}

void text_u64(struct text *t, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + v % 10);
    while (v /= 10);
    add(t, digits + at, sizeof(digits) - at);
}

void text_fixed(struct text *t, int64_t v, unsigned decimals)
{
    uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v, unit = 1;

    for (unsigned i = 0; i < decimals; i++)
        unit *= 10;
    if (v < 0)
        text_str(t, "-");
    text_u64(t, magnitude / unit);
    if (decimals)
        text_str(t, ".");
    while (unit > 1) {
        unit /= 10;
        text_u64(t, magnitude / unit % 10);
    }
}

int text_end(const struct text *t)
{
    return t->full ? -1 : (int)t->len;
}

int text_split(const char *list, size_t len, text_item_fn *item, void *ctx)
{
    size_t from = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i < len && list[i] != ',')
            continue;
        if (i > from && item(ctx, list + from, i - from) != 0)
            return -1;
        from = i + 1;
    }
    return 0;
}

int text_copy(char *out, size_t cap, const char *s, size_t len)
{
    if (len >= cap)
        return -1;
    memcpy(out, s, len);
    out[len] = '\0';
    return 0;
}

int text_to_u32(const char *s, size_t len, uint32_t max, uint32_t *out)
{
    uint64_t v = 0;

    if (len == 0 || len > 10)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        v = v * 10 + (uint64_t)(s[i] - '0');
    }
    if (v > max)
        return -1;
    *out = (uint32_t)v;
    return 0;
}
