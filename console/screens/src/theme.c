#include "screens/theme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define PALETTE_MAX  64
#define INHERITS_MAX 8 /* in all: a theme that inherits itself twice would double each time */
#define LINE_MAX_    256

/* ------------------------------------------------------------------------------------- mono */

static void attributes(struct theme *t, enum role role, uint8_t bits)
{
    t->style[role].attributes = bits;
}

void theme_mono(struct theme *out)
{
    *out = (struct theme){ .name = "mono", .mono = true };
    attributes(out, ROLE_DIM, THEME_DIM);
    attributes(out, ROLE_TITLE, THEME_BOLD);
    attributes(out, ROLE_RULE, THEME_DIM);
    attributes(out, ROLE_FOCUS, THEME_BOLD);
    attributes(out, ROLE_SELECTION, THEME_REVERSE);
    attributes(out, ROLE_SELECTION_UNFOCUSED, THEME_UNDERLINE);
    attributes(out, ROLE_MARKED, THEME_BOLD);
    attributes(out, ROLE_HEADER, THEME_DIM);
    attributes(out, ROLE_HEADER_SORT, THEME_BOLD);
    attributes(out, ROLE_KEY, THEME_BOLD);
    attributes(out, ROLE_CRUMB, THEME_BOLD);
    attributes(out, ROLE_INPUT, THEME_UNDERLINE);
    attributes(out, ROLE_INPUT_ERROR, THEME_BOLD | THEME_UNDERLINE);
    attributes(out, ROLE_WARN, THEME_BOLD);
    attributes(out, ROLE_CRIT, THEME_BOLD);
    attributes(out, ROLE_OFFLINE, THEME_DIM);
    attributes(out, ROLE_UPDATING, THEME_BOLD);
    attributes(out, ROLE_STALE, THEME_DIM);
    attributes(out, ROLE_AXIS, THEME_DIM);
    attributes(out, ROLE_PLOT_GAP, THEME_DIM);
    attributes(out, ROLE_GAUGE, THEME_DIM);
    attributes(out, ROLE_GAUGE_LIMIT, THEME_BOLD);
    attributes(out, ROLE_BADGE_PROD, THEME_REVERSE | THEME_BOLD);
    attributes(out, ROLE_BADGE_READONLY, THEME_REVERSE);
    attributes(out, ROLE_FROZEN, THEME_REVERSE);
    attributes(out, ROLE_DISCONNECTED, THEME_REVERSE | THEME_BOLD);
    attributes(out, ROLE_LOG_WARN, THEME_BOLD);
    attributes(out, ROLE_LOG_ERROR, THEME_BOLD);
    attributes(out, ROLE_MATCH, THEME_UNDERLINE);
}

/* ----------------------------------------------------------------------------------- parser */

struct palette_entry {
    char name[32];
    struct theme_colour colour;
};

struct parser {
    struct theme *theme;
    theme_source_fn *source;
    theme_warn_fn *warn;
    void *ctx;
    struct palette_entry palette[PALETTE_MAX];
    size_t palette_count;
    int inherits;
};

static void warn(const struct parser *p, const char *line, const char *what)
{
    char text[LINE_MAX_ + 64];
    if (!p->warn)
        return;
    snprintf(text, sizeof(text), "%s: %s", line, what);
    p->warn(p->ctx, text);
}

static bool hex_colour(const char *word, struct theme_colour *out)
{
    if (word[0] != '#' || strlen(word) != 7 || strspn(word + 1, "0123456789abcdefABCDEF") != 6)
        return false;
    *out = (struct theme_colour){ COLOUR_RGB, (uint32_t)strtoul(word + 1, NULL, 16) };
    return true;
}

static bool named_colour(const char *word, struct theme_colour *out)
{
    static const char *const names[8] = { "black", "red",     "green", "yellow",
                                          "blue",  "magenta", "cyan",  "white" };
    uint32_t base = 0;
    if (strncmp(word, "bright-", 7) == 0) {
        word += 7;
        base = 8;
    }
    for (uint32_t i = 0; i < 8; i++) {
        if (strcmp(word, names[i]) == 0) {
            *out = (struct theme_colour){ COLOUR_INDEX, base + i };
            return true;
        }
    }
    return false;
}

static bool parse_colour(const struct parser *p, const char *word, struct theme_colour *out)
{
    uint64_t index;
    if (strcmp(word, "default") == 0) {
        *out = (struct theme_colour){ COLOUR_DEFAULT, 0 };
        return true;
    }
    for (size_t i = p->palette_count; i-- > 0;) { /* the newest of a name wins */
        if (strcmp(p->palette[i].name, word) == 0) {
            *out = p->palette[i].colour;
            return true;
        }
    }
    if (text_to_u64(word, 0, 255, &index)) {
        *out = (struct theme_colour){ COLOUR_INDEX, (uint32_t)index };
        return true;
    }
    return hex_colour(word, out) || named_colour(word, out);
}

static bool parse_attribute(const char *word, uint8_t *bits)
{
    static const struct {
        const char *word;
        uint8_t bit;
    } attribute[] = { { "bold", THEME_BOLD },
                      { "dim", THEME_DIM },
                      { "italic", THEME_ITALIC },
                      { "underline", THEME_UNDERLINE },
                      { "reverse", THEME_REVERSE } };
    for (size_t i = 0; i < sizeof(attribute) / sizeof(attribute[0]); i++) {
        if (strcmp(word, attribute[i].word) == 0) {
            *bits |= attribute[i].bit;
            return true;
        }
    }
    return false;
}

/* The next word of *text into `word`; false at the end. */
static bool next_word(const char **text, char word[32])
{
    *text += strspn(*text, " \t");
    size_t len = strcspn(*text, " \t");
    if (len == 0)
        return false;
    if (!text_copy_n(word, 32, *text, len))
        word[0] = '?', word[1] = '\0'; /* too long to be anything */
    *text += len;
    return true;
}

/* fg [on bg] [attributes]: 0, or -1 when a word is not understood. */
static int parse_style(const struct parser *p, const char *text, struct theme_style *out)
{
    struct theme_style style = { 0 };
    char word[32];
    bool first = true;

    while (next_word(&text, word)) {
        if (strcmp(word, "on") == 0) {
            if (!next_word(&text, word) || !parse_colour(p, word, &style.bg))
                return -1;
        } else if (!parse_attribute(word, &style.attributes)) {
            if (!first || !parse_colour(p, word, &style.fg))
                return -1;
        }
        first = false;
    }
    *out = style;
    return first ? -1 : 0;
}

static void take_palette(struct parser *p, const char *name, const char *value, const char *line)
{
    struct palette_entry entry;
    if (p->palette_count == PALETTE_MAX)
        warn(p, line, "too many palette colours");
    else if (!text_copy(entry.name, sizeof(entry.name), name) ||
             !parse_colour(p, value, &entry.colour))
        warn(p, line, "not a colour");
    else
        p->palette[p->palette_count++] = entry;
}

static void take_role(struct parser *p, const char *name, const char *value, const char *line)
{
    enum role role;
    if (role_from_word(name, &role) != 0)
        warn(p, line, "no such role");
    else if (parse_style(p, value, &p->theme->style[role]) != 0)
        warn(p, line, "not a style (colour [on colour] [bold dim italic underline reverse])");
    else
        p->theme->mono = false;
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t len = strlen(text);
    while (len && strchr(" \t\r", text[len - 1]))
        text[--len] = '\0';
    return text;
}

static void parse_text(struct parser *p, const char *text);

static void inherit(struct parser *p, const char *name, const char *line)
{
    const char *text = p->source && p->inherits++ < INHERITS_MAX ? p->source(p->ctx, name) : NULL;
    if (!text) {
        if (strcmp(name, "mono") != 0) /* where everything starts anyway */
            warn(p, line, "no such theme to inherit");
        return;
    }
    char *copy = mem_strdup(text); /* the next call of source() ends its life */
    parse_text(p, copy);
    free(copy);
}

/* One line without comment; `palette` says which section it stands in. */
static void parse_line(struct parser *p, char *line, bool *palette)
{
    char whole[LINE_MAX_];
    text_copy(whole, sizeof(whole), line);
    if (*line == '[') {
        *palette = strcmp(line, "[palette]") == 0;
        if (!*palette && strcmp(line, "[roles]") != 0)
            warn(p, whole, "no such section");
        return;
    }
    char *equals = strchr(line, '=');
    if (!equals) {
        warn(p, whole, "not `role = style`");
        return;
    }
    *equals = '\0';
    const char *name = trim(line), *value = trim(equals + 1);
    if (*palette)
        take_palette(p, name, value, whole);
    else if (strcmp(name, "inherit") == 0)
        inherit(p, value, whole);
    else
        take_role(p, name, value, whole);
}

static void parse_text(struct parser *p, const char *text)
{
    bool palette = false;
    while (*text) {
        char line[LINE_MAX_];
        size_t len = strcspn(text, "\n");
        bool fits = text_copy_n(line, sizeof(line), text, len);
        text += len + (text[len] == '\n');
        if (!fits) {
            warn(p, "…", "line too long");
            continue;
        }
        line[strcspn(line, ";")] = '\0';
        char *content = trim(line);
        if (*content && *content != '#') /* '#' elsewhere begins a colour */
            parse_line(p, content, &palette);
    }
}

void theme_parse(struct theme *out, const char *name, const char *text, theme_source_fn *source,
                 theme_warn_fn *warning, void *ctx)
{
    struct parser p = { .theme = out, .source = source, .warn = warning, .ctx = ctx };
    theme_mono(out);
    parse_text(&p, text);
    text_clean(out->name, sizeof(out->name), name, strlen(name));
}

void theme_ansi(struct theme *out)
{
    static const char text[] = "focus = cyan bold\nselection = default reverse\nkey = cyan\n"
                               "input.error = red bold\nok = green\nwarn = yellow bold\n"
                               "crit = red bold\nupdating = cyan bold\nstale = magenta\n"
                               "plot = cyan\nplot.2 = blue\nplot.3 = magenta\n"
                               "plot.threshold = red\ngauge.fill = green\n"
                               "gauge.limit = red bold\nbadge.prod = white on red bold\n"
                               "badge.readonly = black on yellow\nfrozen = black on cyan\n"
                               "disconnected = white on red bold\nlog.warn = yellow\n"
                               "log.error = red\nmatch = black on yellow\n";
    theme_parse(out, "ansi", text, NULL, NULL, NULL);
}

bool theme_is_rgb(const struct theme *t)
{
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        if (t->style[i].fg.kind == COLOUR_RGB || t->style[i].bg.kind == COLOUR_RGB)
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------------------------- resolve */

struct theme_style theme_resolve(const struct theme *t, enum role role, enum role under)
{
    struct theme_style style = t->style[role];
    if (under == ROLE_TEXT)
        return style;
    const struct theme_style *below = &t->style[under];
    if (below->bg.kind != COLOUR_DEFAULT && style.bg.kind == COLOUR_DEFAULT)
        style.bg = below->bg;
    bool plain = style.fg.kind == COLOUR_DEFAULT || below->attributes & THEME_REVERSE;
    if (plain && below->fg.kind != COLOUR_DEFAULT)
        style.fg = below->fg;
    style.attributes |= below->attributes;
    if (below->attributes & THEME_REVERSE)
        style.attributes &= (uint8_t)~THEME_DIM; /* dim reverse is unreadable on many terminals */
    return style;
}

/* ---------------------------------------------------------------------------------- nearest */

static uint32_t channel(uint32_t rgb, int n)
{
    return rgb >> (16 - 8 * n) & 0xff;
}

static uint32_t distance(uint32_t a, uint32_t b)
{
    static const uint32_t weight[3] = { 3, 4, 2 }; /* the eye's, roughly */
    uint32_t sum = 0;
    for (int i = 0; i < 3; i++) {
        int d = (int)channel(a, i) - (int)channel(b, i);
        sum += weight[i] * (uint32_t)(d * d);
    }
    return sum;
}

static uint32_t palette_rgb(unsigned index)
{
    static const uint32_t ansi[16] = { 0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
                                       0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00,
                                       0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff };
    static const uint32_t level[6] = { 0, 95, 135, 175, 215, 255 };
    if (index < 16)
        return ansi[index];
    if (index < 232) {
        unsigned n = index - 16;
        return level[n / 36] << 16 | level[n / 6 % 6] << 8 | level[n % 6];
    }
    uint32_t grey = 8 + 10 * (index - 232);
    return grey << 16 | grey << 8 | grey;
}

unsigned theme_nearest(uint32_t rgb, unsigned colours)
{
    /* The first 16 of 256 are the user's own and look like anything: not used there. */
    unsigned first = colours >= 256 ? 16 : 0;
    unsigned last = colours >= 256 ? 256 : colours >= 16 ? 16 : 8;
    unsigned best = first;
    for (unsigned i = first; i < last; i++) {
        if (distance(palette_rgb(i), rgb) < distance(palette_rgb(best), rgb))
            best = i;
    }
    return best;
}
