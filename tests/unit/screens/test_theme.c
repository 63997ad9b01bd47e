#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "screens/theme.h"
#include "screens/theme_base16.h"

struct files {
    const char *name, *text;
    int warnings;
    char last[320];
};

static const char *source(void *ctx, const char *name)
{
    const struct files *f = ctx;
    return f->name && strcmp(f->name, name) == 0 ? f->text : NULL;
}

static void warn(void *ctx, const char *line)
{
    struct files *f = ctx;
    f->warnings++;
    snprintf(f->last, sizeof(f->last), "%s", line);
}

static void a_line_says_colours_and_attributes(void **state)
{
    struct files f = { 0 };
    struct theme t;
    (void)state;

    theme_parse(&t, "mine",
                "[palette]\nblood = #d03030\n[roles]\n"
                "crit = blood on 17 bold underline ; worst\nok = bright-green\ndim = default dim\n",
                source, warn, &f);

    assert_int_equal(f.warnings, 0);
    assert_string_equal(t.name, "mine");
    assert_false(t.mono);
    assert_int_equal(t.style[ROLE_CRIT].fg.kind, COLOUR_RGB);
    assert_int_equal(t.style[ROLE_CRIT].fg.value, 0xd03030);
    assert_int_equal(t.style[ROLE_CRIT].bg.value, 17);
    assert_int_equal(t.style[ROLE_CRIT].attributes, THEME_BOLD | THEME_UNDERLINE);
    assert_int_equal(t.style[ROLE_OK].fg.value, 10);
    assert_int_equal(t.style[ROLE_DIM].attributes, THEME_DIM);
}

static void what_is_not_understood_warns_and_changes_nothing(void **state)
{
    struct files f = { 0 };
    struct theme t, mono;
    (void)state;

    theme_mono(&mono);
    theme_parse(&t, "bad",
                "sparkle = red\ncrit = redd\nwarn = red on\nok =\nnonsense\n[colors]\n"
                "dim = #12345\ntext = red blue\n",
                source, warn, &f);

    assert_int_equal(f.warnings, 8);
    assert_memory_equal(&t.style, &mono.style, sizeof(t.style));
}

static void a_theme_inherits_and_its_own_lines_win(void **state)
{
    struct files f = { .name = "base",
                       .text = "[palette]\nx = 5\n[roles]\nok = x\nwarn = x bold\n" };
    struct theme t;
    (void)state;

    theme_parse(&t, "child", "inherit = base\nok = 7\nplot = x\n", source, warn, &f);

    assert_int_equal(f.warnings, 0);
    assert_int_equal(t.style[ROLE_OK].fg.value, 7);
    assert_int_equal(t.style[ROLE_WARN].fg.value, 5);
    assert_int_equal(t.style[ROLE_PLOT].fg.value, 5);
}

static void a_theme_that_inherits_itself_ends(void **state)
{
    struct files f = { .name = "loop", .text = "inherit = loop\nok = 3\n" };
    struct theme t;
    (void)state;

    theme_parse(&t, "loop", f.text, source, warn, &f);

    assert_true(f.warnings > 0);
    assert_int_equal(t.style[ROLE_OK].fg.value, 3);
}

static void a_selected_cell_keeps_its_meaning(void **state)
{
    struct files f = { 0 };
    struct theme t, mono;
    (void)state;
    theme_parse(&t, "t", "selection = default on 4 bold\ncrit = 1\n", source, warn, &f);
    theme_mono(&mono);

    struct theme_style s = theme_resolve(&t, ROLE_CRIT, ROLE_SELECTION);
    assert_int_equal(s.fg.value, 1);
    assert_int_equal(s.bg.value, 4);
    assert_int_equal(s.attributes & THEME_BOLD, THEME_BOLD);

    s = theme_resolve(&mono, ROLE_DIM, ROLE_SELECTION);
    assert_int_equal(s.attributes, THEME_REVERSE);
}

static void the_nearest_colour_is_near(void **state)
{
    (void)state;
    assert_int_equal(theme_nearest(0xffffff, 256), 231);
    assert_int_equal(theme_nearest(0x5fafff, 256), 75);
    assert_int_equal(theme_nearest(0x8a8a8a, 256), 245);
    assert_int_equal(theme_nearest(0xff1010, 16), 9);
    assert_int_equal(theme_nearest(0xff1010, 8), 1);
}

static void every_shipped_theme_is_understood(void **state)
{
    static const char *const names[] = { "default-dark", "default-light",  "mono",
                                         "colour-blind", "high-contrast",  "ansi16",
                                         "tritan",       "solarized-dark", "solarized-light",
                                         "nord",         "gruvbox" };
    char dark[8192], text[8192], path[512];
    (void)state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct files f = { .name = "default-dark", .text = dark };
        struct theme t;
        snprintf(path, sizeof(path), "%s/themes/%s.ini", MUSTER_SOURCE_DIR, names[i]);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        fclose(file);
        if (i == 0)
            memcpy(dark, text, sizeof(dark));

        theme_parse(&t, names[i], text, source, warn, &f);

        if (f.warnings)
            fail_msg("%s: %s", names[i], f.last);
        assert_int_equal(t.mono, strcmp(names[i], "mono") == 0);
    }
}

/* WCAG 2.2, "relative luminance" and "contrast ratio". */
static double channel(uint32_t value)
{
    double c = (double)(value & 0xff) / 255;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(uint32_t rgb)
{
    return 0.2126 * channel(rgb >> 16) + 0.7152 * channel(rgb >> 8) + 0.0722 * channel(rgb);
}

static double contrast(uint32_t a, uint32_t b)
{
    double la = luminance(a), lb = luminance(b);
    return la > lb ? (la + 0.05) / (lb + 0.05) : (lb + 0.05) / (la + 0.05);
}

static void read_theme(const char *name, char text[8192])
{
    char path[512];
    snprintf(path, sizeof(path), "%s/themes/%s.ini", MUSTER_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, 8191, file)] = '\0';
    fclose(file);
}

static void the_high_contrast_theme_has_seven_to_one_for_all_that_is_read(void **state)
{
    char text[8192], dark[8192];
    struct files f = { .name = "default-dark", .text = dark };
    struct theme t;
    (void)state;
    read_theme("default-dark", dark);
    read_theme("high-contrast", text);
    theme_parse(&t, "high-contrast", text, source, warn, &f);

    for (int role = 0; role < ROLE_COUNT; role++) {
        const struct theme_style *s = &t.style[role];
        uint32_t bg = s->bg.kind == COLOUR_RGB ? s->bg.value : 0x000000;
        if (s->fg.kind == COLOUR_RGB && role != ROLE_RULE && role != ROLE_GAUGE &&
            role != ROLE_PLOT_GAP && contrast(s->fg.value, bg) < 7.0)
            fail_msg("%s: %.2f", role_word((enum role)role), contrast(s->fg.value, bg));
    }
}

static const char scheme[] = "system: \"base16\"\nname: \"A scheme\"\npalette:\n"
                             "  base00: \"#181818\" # background\n  base01: '282828'\n"
                             "  base02: 383838\n  base03: \"585858\"\n  base04: \"b8b8b8\"\n"
                             "  base05: \"d8d8d8\"\n  base06: \"e8e8e8\"\n  base07: \"f8f8f8\"\n"
                             "  base08: \"ab4642\"\n  base09: \"dc9656\"\n  base0A: \"f7ca88\"\n"
                             "  base0B: \"a1b56c\"\n  base0C: \"86c1b9\"\n  base0D: \"7cafc2\"\n"
                             "  base0E: \"ba8baf\"\n  base0F: \"a16946\"\n";

static void a_base16_scheme_is_a_theme(void **state)
{
    char text[THEME_BASE16_MAX];
    struct files f = { .name = "", .text = "" };
    struct theme t;
    (void)state;

    assert_int_equal(theme_base16(scheme, text, sizeof(text)), 0);
    theme_parse(&t, "scheme", text, source, warn, &f);

    assert_int_equal(f.warnings, 0);
    assert_int_equal(t.style[ROLE_TEXT].fg.value, 0xd8d8d8);
    assert_int_equal(t.style[ROLE_CRIT].fg.value, 0xab4642); /* no base12: base08 */
    assert_int_equal(t.style[ROLE_SELECTION].bg.value, 0x383838);
}

static void a_base24_scheme_gives_its_brighter_colours(void **state)
{
    char yaml[2048], text[THEME_BASE16_MAX];
    struct files f = { .name = "", .text = "" };
    struct theme t;
    (void)state;

    snprintf(yaml, sizeof(yaml), "%s  base12: \"ff0000\"\n", scheme);
    assert_int_equal(theme_base16(yaml, text, sizeof(text)), 0);
    theme_parse(&t, "scheme", text, source, warn, &f);

    assert_int_equal(t.style[ROLE_CRIT].fg.value, 0xff0000);
}

static void what_is_no_scheme_is_refused(void **state)
{
    static const char *const bad[] = { "", "palette:\n  base00: \"181818\"\n",
                                       "base00: zzz\n: :\nbase0Z: 111111\nbase", "{}" };
    char text[THEME_BASE16_MAX], whole[2048];
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(theme_base16(bad[i], text, sizeof(text)), -1);
    snprintf(whole, sizeof(whole), "%s  base0D: \"7cafc\"\n", scheme); /* the later line wins */
    assert_int_equal(theme_base16(whole, text, sizeof(text)), -1);
    assert_int_equal(theme_base16(scheme, text, 100), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_colours_and_attributes),
        cmocka_unit_test(what_is_not_understood_warns_and_changes_nothing),
        cmocka_unit_test(a_theme_inherits_and_its_own_lines_win),
        cmocka_unit_test(a_theme_that_inherits_itself_ends),
        cmocka_unit_test(a_selected_cell_keeps_its_meaning),
        cmocka_unit_test(the_nearest_colour_is_near),
        cmocka_unit_test(every_shipped_theme_is_understood),
        cmocka_unit_test(the_high_contrast_theme_has_seven_to_one_for_all_that_is_read),
        cmocka_unit_test(a_base16_scheme_is_a_theme),
        cmocka_unit_test(a_base24_scheme_gives_its_brighter_colours),
        cmocka_unit_test(what_is_no_scheme_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
