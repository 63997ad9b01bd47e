#ifndef SCREENS_THEME_H
#define SCREENS_THEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "screens/role.h"

/*
 * Roles to colours. Text of a theme file:
 *
 *     inherit = default-dark
 *     [palette]
 *     blood = #d03030
 *     [roles]                        (optional header)
 *     crit = blood on default bold
 *
 * A colour is #rrggbb, 0–255, an ANSI name (red, bright-red …), `default` or a palette name.
 * Attributes: bold dim italic underline reverse.
 */
enum theme_colour_kind { COLOUR_DEFAULT, COLOUR_INDEX, COLOUR_RGB };
struct theme_colour {
    enum theme_colour_kind kind;
    uint32_t value; /* 0–255 or 0xrrggbb */
};

#define THEME_BOLD      1u
#define THEME_DIM       2u
#define THEME_ITALIC    4u
#define THEME_UNDERLINE 8u
#define THEME_REVERSE   16u

struct theme_style {
    struct theme_colour fg, bg;
    uint8_t attributes;
};

struct theme {
    char name[32];
    bool mono; /* no colour at all: attributes only (NO_COLOR) */
    struct theme_style style[ROLE_COUNT];
};

/* Everything `default`, with the attributes that tell the roles apart without colour. Built in, so
 * that there is a theme without any file. */
void theme_mono(struct theme *out);

/* In eight ANSI colours, for terminals that have no more. Built in. */
void theme_ansi(struct theme *out);
/* Does it name colours by their mixture, which needs a terminal with many? */
bool theme_is_rgb(const struct theme *t);

/* Find the text of a theme by name, for `inherit`: terminated, or NULL. Valid until the next call.
 */
typedef const char *theme_source_fn(void *ctx, const char *name);
/* Said for each line that was not understood; the theme is good all the same. */
typedef void theme_warn_fn(void *ctx, const char *line);

/* Never fails: starts from mono (or from what it inherits) and takes what it understands. */
void theme_parse(struct theme *out, const char *name, const char *text, theme_source_fn *source,
                 theme_warn_fn *warn, void *ctx);

/* A cell's style: its role over what is laid under it. */
struct theme_style theme_resolve(const struct theme *t, enum role role, enum role under);

/* Nearest of the 256-colour cube and grey ramp, or of the first 16 or 8. */
unsigned theme_nearest(uint32_t rgb, unsigned colours);

#endif
