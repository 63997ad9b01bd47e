#include "board_ini.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_ 200

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    size_t n = strlen(s);
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
        s[--n] = '\0';
    return s;
}

static bool take_chips(char *list, struct board_config *c)
{
    c->bme280 = c->scd30 = c->sds011 = false;
    while (list) {
        char *comma = strchr(list, ',');
        if (comma)
            *comma++ = '\0';
        char *word = trim(list);
        if (strcmp(word, "bme280") == 0)
            c->bme280 = true;
        else if (strcmp(word, "scd30") == 0)
            c->scd30 = true;
        else if (strcmp(word, "sds011") == 0)
            c->sds011 = true;
        else if (*word)
            return false;
        list = comma;
    }
    return true;
}

static bool take_seed(const char *value, uint64_t *seed)
{
    char *end;
    unsigned long long v = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0')
        return false;
    *seed = v;
    return true;
}

static bool take_clock(const char *value, enum board_clock *clock)
{
    if (strcmp(value, "trusted") == 0)
        *clock = BOARD_CLOCK_TRUSTED;
    else if (strcmp(value, "untrusted") == 0)
        *clock = BOARD_CLOCK_UNTRUSTED;
    else if (strcmp(value, "host") == 0)
        *clock = BOARD_CLOCK_HOST;
    else
        return false;
    return true;
}

static bool take(const char *key, char *value, struct board_ini *out)
{
    if (strcmp(key, "seed") == 0)
        return take_seed(value, &out->chips.seed);
    if (strcmp(key, "chips") == 0)
        return take_chips(value, &out->chips);
    if (strcmp(key, "bme280") == 0)
        return model_fault_from_word(value, &out->chips.bme280_fault) == 0;
    if (strcmp(key, "scd30") == 0)
        return model_fault_from_word(value, &out->chips.scd30_fault) == 0;
    if (strcmp(key, "sds011") == 0)
        return model_fault_from_word(value, &out->chips.sds011_fault) == 0;
    if (strcmp(key, "clock") == 0)
        return take_clock(value, &out->clock);
    return false;
}

static bool take_line(char *line, struct board_ini *out)
{
    char *s = trim(line);
    if (*s == '\0' || *s == '#' || *s == ';' || *s == '[')
        return true;
    char *equals = strchr(s, '=');
    if (!equals)
        return false;
    *equals = '\0';
    return take(trim(s), trim(equals + 1), out);
}

unsigned board_ini_parse(const char *text, size_t len, struct board_ini *out)
{
    unsigned unknown = 0;
    memset(out, 0, sizeof(*out));
    out->chips.bme280 = out->chips.scd30 = out->chips.sds011 = true;
    for (size_t at = 0; at < len;) {
        char line[LINE_MAX_];
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - (text + at)) : len - at;
        if (n < sizeof(line) && !memchr(text + at, '\0', n)) {
            memcpy(line, text + at, n);
            line[n] = '\0';
            unknown += !take_line(line, out);
        } else {
            unknown++;
        }
        at += n + 1;
    }
    return unknown;
}

int board_ini_load(const char *path, struct board_ini *out, unsigned *unknown)
{
    char text[4096];
    size_t n = 0;
    FILE *f = fopen(path, "re");
    if (!f && errno != ENOENT)
        return -1;
    if (f) {
        n = fread(text, 1, sizeof(text), f);
        bool bad = ferror(f) != 0;
        fclose(f);
        if (bad)
            return -1;
    }
    *unknown = board_ini_parse(text, n, out);
    return 0;
}
