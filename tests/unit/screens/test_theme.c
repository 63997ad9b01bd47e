#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "screens/theme.h"

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
    static const char *const names[] = { "default-dark", "default-light", "mono",
                                         "colour-blind", "high-contrast", "ansi16" };
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
