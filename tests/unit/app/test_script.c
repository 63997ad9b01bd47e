#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "screens/key_script.h"
#include "screens/keymap.h"
#include "script.h"

static struct script *load(const char *text, struct err *err)
{
    char path[] = "/tmp/muster-script-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct script *s = script_load(path, err);
    unlink(path);
    return s;
}

static void keys_are_characters_and_names_in_brackets(void **state)
{
    static const struct {
        const char *text;
        int len, key;
    } rows[] = {
        { "jk", 1, 'j' },      { "é", 2, 0xe9 },           { "<Enter>q", 7, K_ENTER },
        { "<lt>", 4, '<' },    { "<^D>", 4, K_CTRL('D') }, { "<F5>", 4, K_FN(5) },
        { "<Space>", 7, ' ' }, { " x", 1, ' ' },           { "<S-Tab>", 7, K_BACKTAB },
        { ">", 1, '>' },
    };
    static const char *const wrong[] = { "<",  "<Enter", "<Foo>", "<>",
                                         "\t", "\x7f",   "\xff",  "<a name longer than any>" };
    int key;
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(key_script_next(rows[i].text, &key), rows[i].len);
        assert_int_equal(key, rows[i].key);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(key_script_next(wrong[i], &key), -1);
    assert_int_equal(key_script_next("", &key), 0);
}

static void lines_are_done_in_turn(void **state)
{
    struct canvas *c = canvas_new(3, 20, false);
    struct err err;
    struct script *s = load("# why\n\ntype a<Enter>\nsize 120x40\ndump\r\ntype  b\n", &err);
    (void)state;
    assert_non_null(s);

    assert_int_equal(script_next(s, c, 1, &err).key, 'a');
    assert_int_equal(script_next(s, c, 1, &err).key, K_ENTER);
    struct script_step size = script_next(s, c, 1, &err);
    assert_int_equal(size.what, SCRIPT_SIZE);
    assert_int_equal(size.cols, 120);
    assert_int_equal(size.rows, 40);
    assert_int_equal(script_next(s, c, 1, &err).what, SCRIPT_DUMP);
    assert_int_equal(script_next(s, c, 1, &err).key, ' '); /* blanks count */
    assert_int_equal(script_next(s, c, 1, &err).key, 'b');
    assert_int_equal(script_next(s, c, 1, &err).what, SCRIPT_OVER);
    assert_int_equal(script_next(s, c, 1, &err).what, SCRIPT_OVER);
    script_free(s);
    canvas_free(c);
}

static void a_text_is_waited_for_and_not_for_ever(void **state)
{
    struct canvas *c = canvas_new(3, 20, false);
    struct err err;
    struct script *s = load("wait sensor 1\ngone sensor 1\nwait never", &err);
    (void)state;

    assert_int_equal(script_next(s, c, 5, &err).what, SCRIPT_WAITS);
    area_text(area_all(c), 2, 4, ROLE_TEXT, "a sensor 1 is here");
    assert_int_equal(script_next(s, c, 5 + SCRIPT_WAIT_MS - 1, &err).what, SCRIPT_WAITS); /* gone */
    canvas_clear(c);
    assert_int_equal(script_next(s, c, 5 + SCRIPT_WAIT_MS, &err).what, SCRIPT_WAITS); /* never */
    assert_int_equal(script_next(s, c, 5 + 2 * SCRIPT_WAIT_MS, &err).what, SCRIPT_FAILED);
    assert_int_equal(err.code, EXIT_NO);
    assert_non_null(strstr(err.text, ":3: not so after 60 s: wait never"));
    script_free(s);
    canvas_free(c);
}

static void a_mistake_is_told_with_its_line_before_anything_is_done(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        { "type a\nwiat x\n", ":2: \"wiat x\": a line is type KEYS" },
        { "type a<Foo>b\n", ":1: \"<Foo>b\" begins with no key" },
        { "size 120\n", ":1: \"120\" is no size" },
        { "size 0x40\n", ":1: \"0x40\" is no size" },
        { "size 9999x40\n", "is no size" },
        { "\n\nwait\n", ":3: \"wait\"" },
    };
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_null(load(rows[i].text, &err));
        assert_int_equal(err.code, EXIT_USAGE);
        assert_non_null(strstr(err.text, rows[i].says));
    }
    assert_null(script_load("/nonexistent/script", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_characters_and_names_in_brackets),
        cmocka_unit_test(lines_are_done_in_turn),
        cmocka_unit_test(a_text_is_waited_for_and_not_for_ever),
        cmocka_unit_test(a_mistake_is_told_with_its_line_before_anything_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
