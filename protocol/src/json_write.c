#include "protocol/json_write.h"

#include <string.h>

#include "protocol/hex.h"
#include "protocol/json_read.h"

/* One byte is always kept for the terminating NUL. */
static void put(struct json_writer *w, const char *text, size_t len)
{
    if (w->full || len >= w->cap - w->len) {
        w->full = true;
        return;
    }
    memcpy(w->out + w->len, text, len);
    w->len += len;
}

static void put_char(struct json_writer *w, char c)
{
    put(w, &c, 1);
}

/* What stands behind the backslash for `c`; 0: it has no such letter, or needs none. */
static char escape_letter(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return '\0';
    }
}

/* ASCII that does not stand for itself. */
static void put_escaped(struct json_writer *w, char c)
{
    char letter = escape_letter(c), hex[3];

    put_char(w, '\\');
    put_char(w, letter ? letter : 'u');
    if (letter)
        return;
    hex_encode((const uint8_t *)&c, 1, hex);
    put(w, "00", 2);
    put(w, hex, 2);
}

static void put_quoted(struct json_writer *w, const char *text, size_t len)
{
    put_char(w, '"');
    for (size_t i = 0; i < len;) {
        size_t n = utf8_length(text + i, len - i);
        if (n == 0 || text[i] == '\0') { /* NUL no reader of ours would take */
            put_char(w, '?');
            n = 1;
        } else if ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\') {
            put_escaped(w, text[i]);
        } else {
            put(w, text + i, n);
        }
        i += n;
    }
    put_char(w, '"');
}

/* What precedes a value: a comma and its key, if any. */
static void lead(struct json_writer *w, const char *key)
{
    if (w->comma)
        put_char(w, ',');
    w->comma = true;
    if (key) {
        put_quoted(w, key, strlen(key));
        put_char(w, ':');
    }
}

void json_begin(struct json_writer *w, char *out, size_t cap)
{
    *w = (struct json_writer){ .out = out, .cap = cap, .full = cap == 0 };
    put_char(w, '{');
}

int json_end(struct json_writer *w)
{
    put_char(w, '}');
    if (w->cap > 0)
        w->out[w->full ? 0 : w->len] = '\0';
    return w->full || w->len > INT32_MAX ? -1 : (int)w->len;
}

static void open_container(struct json_writer *w, const char *key, char c)
{
    lead(w, key);
    put_char(w, c);
    w->comma = false;
}

static void close_container(struct json_writer *w, char c)
{
    put_char(w, c);
    w->comma = true;
}

void json_open_object(struct json_writer *w, const char *key)
{
    open_container(w, key, '{');
}

void json_close_object(struct json_writer *w)
{
    close_container(w, '}');
}

void json_open_array(struct json_writer *w, const char *key)
{
    open_container(w, key, '[');
}

void json_close_array(struct json_writer *w)
{
    close_container(w, ']');
}

void json_put_span(struct json_writer *w, const char *key, const char *text, size_t len)
{
    lead(w, key);
    put_quoted(w, text, len);
}

void json_put_text(struct json_writer *w, const char *key, const char *text)
{
    json_put_span(w, key, text, strlen(text));
}

/* The last decimal digit of *value, which is divided by ten: in steps of 32 bits, since a division
 * of 64 is a library function of 2 KB on a small processor. */
static char take_digit(uint64_t *value)
{
    uint32_t high = (uint32_t)(*value >> 32), low = (uint32_t)*value;
    uint32_t middle = high % 10 << 16 | low >> 16;

    low = middle % 10 << 16 | (low & 0xffff);
    *value = (uint64_t)(high / 10) << 32 | (middle / 10 << 16 | low / 10);
    return (char)('0' + low % 10);
}

/* At least `min` digits, in `out` of 20. Returns where they begin. */
static size_t to_digits(uint64_t value, unsigned min, char out[20])
{
    size_t i = 20;

    while (value > 0 || 20 - i < min)
        out[--i] = take_digit(&value);
    return i;
}

void json_put_u64(struct json_writer *w, const char *key, uint64_t value)
{
    char d[20];
    size_t i = to_digits(value, 1, d);

    lead(w, key);
    put(w, d + i, sizeof(d) - i);
}

void json_put_i64(struct json_writer *w, const char *key, int64_t value)
{
    json_put_fixed(w, key, value, 0);
}

void json_put_fixed(struct json_writer *w, const char *key, int64_t value, unsigned decimals)
{
    uint64_t size = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    char d[20];
    size_t i = to_digits(size, decimals + 1, d);
    size_t point = sizeof(d) - decimals;

    lead(w, key);
    if (value < 0)
        put_char(w, '-');
    put(w, d + i, point - i);
    if (decimals > 0) {
        put_char(w, '.');
        put(w, d + point, decimals);
    }
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
    json_put_raw(w, key, value ? "true" : "false", value ? 4 : 5);
}

void json_put_hex(struct json_writer *w, const char *key, const uint8_t *data, size_t len)
{
    lead(w, key);
    put_char(w, '"');
    for (size_t i = 0; i < len; i++) {
        char byte[3];
        hex_encode(data + i, 1, byte);
        put(w, byte, 2);
    }
    put_char(w, '"');
}

void json_put_b64url(struct json_writer *w, const char *key, const uint8_t *data, size_t len)
{
    lead(w, key);
    put_char(w, '"');
    for (size_t i = 0; i < len; i += 3) {
        char group[5];
        int n = b64url_encode(data + i, len - i < 3 ? len - i : 3, group, sizeof(group));
        put(w, group, (size_t)n);
    }
    put_char(w, '"');
}

void json_put_raw(struct json_writer *w, const char *key, const char *json, size_t len)
{
    lead(w, key);
    put(w, json, len);
}

void json_put_text_if(struct json_writer *w, const char *key, const char *text)
{
    if (text[0] != '\0')
        json_put_text(w, key, text);
}

void json_put_u64_if(struct json_writer *w, const char *key, uint64_t value)
{
    if (value > 0)
        json_put_u64(w, key, value);
}
