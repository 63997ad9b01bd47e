#include "screens/theme_base16.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { BASES = 24 };

static const char roles[] = "[roles]\n"
                            "text = base05\n"
                            "dim = base04\n"
                            "title = base06 bold\n"
                            "rule = base03\n"
                            "focus = base0D bold\n"
                            "selection = base06 on base02 bold\n"
                            "selection.unfocused = base05 on base01\n"
                            "marked = base07 bold\n"
                            "header = base04\n"
                            "header.sort = base06 bold\n"
                            "key = base0D\n"
                            "hint = base04\n"
                            "crumb = base06 bold\n"
                            "input = base05 on base01\n"
                            "input.error = base08 bold\n"
                            "ok = base0B\n"
                            "warn = base0A bold\n"
                            "crit = base12 bold\n"
                            "offline = base04\n"
                            "updating = base0D bold\n"
                            "stale = base0E\n"
                            "plot = base0C\n"
                            "plot.2 = base0D\n"
                            "plot.3 = base0E\n"
                            "plot.gap = base03\n"
                            "plot.threshold = base08\n"
                            "axis = base04\n"
                            "gauge = base02\n"
                            "gauge.fill = base0B\n"
                            "gauge.limit = base08 bold\n"
                            "badge.prod = base00 on base08 bold\n"
                            "badge.readonly = base00 on base0A\n"
                            "frozen = base00 on base0D bold\n"
                            "disconnected = base00 on base08 bold\n"
                            "log.warn = base0A\n"
                            "log.error = base08\n"
                            "match = base00 on base09\n";

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;

    return at && (c >= '0' && (c <= '9' || (c | 0x20) >= 'a')) ? (int)(at - digits) : -1;
}

/* "base0D", counted from base00: base10 to base17 follow base0F. -1 for other keys. */
static int base_of(const char *key, size_t len)
{
    if (len != 6 || strncmp(key, "base", 4) != 0)
        return -1;
    int high = hex_digit(key[4]), low = hex_digit(key[5]);
    if (low < 0 || (high != 0 && high != 1) || (high == 1 && low > 7))
        return -1;
    return high * 16 + low;
}

/* "181818", '#181818' or "#181818", with a comment behind it. */
static bool colour_of(const char *value, char out[7])
{
    value += strspn(value, " \t\"'#");
    for (int i = 0; i < 6; i++) {
        if (hex_digit(value[i]) < 0)
            return false;
        out[i] = value[i];
    }
    out[6] = '\0';
    return hex_digit(value[6]) < 0;
}

static void read_line(const char *line, size_t len, char colour[BASES][7])
{
    char text[128];

    if (len >= sizeof(text))
        return;
    memcpy(text, line, len);
    text[len] = '\0';
    char *key = text + strspn(text, " \t");
    char *colon = strchr(key, ':');
    if (!colon)
        return;
    int base = base_of(key, (size_t)(colon - key));
    if (base >= 0 && !colour_of(colon + 1, colour[base]))
        colour[base][0] = '\0';
}

/* What a base16 scheme does not have is its sixteen's nearest. */
static const char *colour_at(char colour[BASES][7], int base)
{
    static const int instead[BASES - 16] = { 0x00, 0x00, 0x08, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E };

    return base >= 16 && !colour[base][0] ? colour[instead[base - 16]] : colour[base];
}

int theme_base16(const char *yaml, char *out, size_t cap)
{
    char colour[BASES][7] = { "" };
    size_t used = 0;

    if (cap < THEME_BASE16_MAX)
        return -1;
    while (*yaml) {
        size_t len = strcspn(yaml, "\n");
        read_line(yaml, len, colour);
        yaml += len + (yaml[len] == '\n');
    }
    used = (size_t)snprintf(out, cap, "[palette]\n");
    for (int base = 0; base < BASES; base++) {
        const char *hex = colour_at(colour, base);
        if (!*hex)
            return -1;
        used += (size_t)snprintf(out + used, cap - used, "base%02X = #%s\n", (unsigned)base, hex);
    }
    snprintf(out + used, cap - used, "%s", roles);
    return 0;
}
