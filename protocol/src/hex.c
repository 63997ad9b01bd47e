#include "protocol/hex.h"

void hex_encode(const uint8_t *data, size_t len, char *out)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digit[data[i] >> 4];
        out[2 * i + 1] = digit[data[i] & 15];
    }
    out[2 * len] = '\0';
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_decode(const char *text, size_t text_len, uint8_t *out, size_t len)
{
    if (text_len / 2 != len || text_len % 2 != 0)
        return -1;
    for (size_t i = 0; i < len; i++) {
        int hi = hex_digit(text[2 * i]), lo = hex_digit(text[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return -1;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return 0;
}

int b64url_encode(const uint8_t *data, size_t len, char *out, size_t cap)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t n = 0;

    if (len > INT32_MAX / 2 || cap < len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0) + 1)
        return -1;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)data[i] << 16;
        if (left > 1)
            v |= (uint32_t)data[i + 1] << 8;
        if (left > 2)
            v |= data[i + 2];
        for (size_t k = 0; k <= left; k++)
            out[n++] = digit[v >> (18 - 6 * k) & 63];
    }
    out[n] = '\0';
    return (int)n;
}

static int sextet(char c)
{
    static const struct {
        char first;
        uint8_t count;
    } ranges[] = { { 'A', 26 }, { 'a', 26 }, { '0', 10 }, { '-', 1 }, { '_', 1 } };
    int v = 0;

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        uint8_t at = (uint8_t)(c - ranges[i].first);
        if (at < ranges[i].count)
            return v + at;
        v += ranges[i].count;
    }
    return -1;
}

int b64url_decode(const char *text, size_t len, uint8_t *out, size_t cap)
{
    size_t n = len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0);
    uint32_t bits = 0;
    unsigned held = 0;
    size_t done = 0;

    if (len % 4 == 1 || n > cap || n > INT32_MAX)
        return -1;
    for (size_t i = 0; i < len; i++) {
        int v = sextet(text[i]);
        if (v < 0)
            return -1;
        bits = bits << 6 | (uint32_t)v;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[done++] = (uint8_t)(bits >> held);
            bits &= (1u << held) - 1;
        }
    }
    return bits == 0 ? (int)done : -1;
}
