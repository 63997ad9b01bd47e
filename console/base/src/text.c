#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool text_copy_n(char *out, size_t cap, const char *text, size_t len)
{
    if (len >= cap) {
        if (cap)
            out[0] = '\0';
        return false;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

bool text_copy(char *out, size_t cap, const char *text)
{
    return text_copy_n(out, cap, text, strlen(text));
}

bool text_format(char *out, size_t cap, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int len = vsnprintf(out, cap, format, ap);
    va_end(ap);
    if (len < 0 || (size_t)len >= cap) {
        if (cap)
            out[0] = '\0';
        return false;
    }
    return true;
}

bool text_to_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    if (*text < '0' || *text > '9')
        return false; /* strtoull would take a sign or blanks */
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || value < min || value > max)
        return false;
    *out = value;
    return true;
}

bool text_to_double(const char *text, double *out)
{
    /* The program never calls setlocale(LC_NUMERIC), so strtod reads a point everywhere. */
    char *end;
    if (!*text || strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    double value = strtod(text, &end);
    if (*end || !isfinite(value))
        return false;
    *out = value;
    return true;
}

bool text_to_seconds(const char *text, uint64_t *out)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    char digits[16];
    size_t len = strspn(text, "0123456789");
    uint64_t value;

    if (!text_copy_n(digits, sizeof(digits), text, len) ||
        !text_to_u64(digits, 0, 1000000000, &value))
        return false;
    if (!text[len]) {
        *out = value;
        return true;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text[len] == units[i].unit && !text[len + 1]) {
            *out = value * units[i].seconds;
            return true;
        }
    }
    return false;
}

size_t utf8_decode(const char *text, size_t len, uint32_t *cp)
{
    const unsigned char *s = (const unsigned char *)text;
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };

    if (len == 0)
        return 0;
    if (s[0] < 0x80) {
        *cp = s[0];
        return 1;
    }
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    if (n == 0 || s[0] > 0xf4 || len < n)
        return 0;
    uint32_t value = s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (s[i] & 0x3fu);
    }
    if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *cp = value;
    return n;
}

size_t utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

/* Controls, and the invisible characters that turn or hide text on a screen. */
static bool is_unsafe(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad || cp == 0x61c ||
           (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || (cp >= 0xfff0 && cp <= 0xfffb) ||
           (cp >= 0xe0000 && cp <= 0xe0fff);
}

size_t text_clean(char *out, size_t cap, const char *text, size_t len)
{
    size_t used = 0;
    if (cap == 0)
        return 0;
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        if (text[i] >= 0x20 && text[i] < 0x7f && used + 1 < cap) { /* nearly all there is */
            out[used++] = text[i++];
            continue;
        }
        size_t n = utf8_decode(text + i, len - i, &cp);
        bool safe = n && !is_unsafe(cp);
        size_t put = safe ? n : 1;
        if (used + put >= cap)
            break;
        if (safe)
            memcpy(out + used, text + i, n);
        else
            out[used] = n && (cp == '\t' || cp == '\n' || cp == '\r') ? '.' : '?';
        used += put;
        i += n ? n : 1;
    }
    out[used] = '\0';
    return used;
}
