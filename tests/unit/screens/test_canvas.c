#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "screens/canvas.h"
#include "screens/keymap.h"
#include "screens/tail.h"

static char line[512];

static const char *row(const struct canvas *c, int n)
{
    return canvas_row(c, n, line, sizeof(line));
}

static void a_text_is_clipped_at_the_edge_of_its_area(void **state)
{
    struct canvas *c = canvas_new(2, 10, false);
    struct area pane = area_sub(area_all(c), 0, 2, 1, 4);
    (void)state;

    area_text(pane, 0, 0, ROLE_TEXT, "abcdefgh");
    area_text(pane, 1, 0, ROLE_TEXT, "below");
    area_text(pane, 0, -2, ROLE_TEXT, "xyz");

    assert_string_equal(row(c, 0), "  zbcd");
    assert_string_equal(row(c, 1), "");
    canvas_free(c);
}

static void a_wide_character_takes_two_cells_and_is_never_halved(void **state)
{
    struct canvas *c = canvas_new(1, 5, false);
    struct area a = area_all(c);
    (void)state;

    area_text(a, 0, 0, ROLE_TEXT, "a\xe6\xb0\xb4z"); /* 水 */
    assert_int_equal(canvas_at(c, 0, 1)->width, 2);
    assert_int_equal(canvas_at(c, 0, 2)->cp, 0);
    assert_string_equal(row(c, 0), "a\xe6\xb0\xb4z");

    area_put(a, 0, 2, ROLE_TEXT, '!'); /* over its right half */
    assert_string_equal(row(c, 0), "a !z");

    area_text(a, 0, 4, ROLE_TEXT, "\xe6\xb0\xb4"); /* would stick out */
    assert_string_equal(row(c, 0), "a !z");
    area_text(a, 0, 1, ROLE_TEXT, "\xe6\xb0\xb4");
    area_text(a, 0, 2, ROLE_TEXT, "\xe6\xb0\xb4"); /* half over another */
    assert_string_equal(row(c, 0), "a \xe6\xb0\xb4");
    assert_int_equal(canvas_at(c, 0, 1)->width, 1);
    canvas_free(c);
}

static void half_a_wide_character_never_leaves_an_area_without_columns(void **state)
{
    struct canvas *c = canvas_new(2, 2, false);
    struct area none = area_sub(area_all(c), 0, 2, 1, 0); /* at the edge: row 1 begins behind it */
    (void)state;

    area_text(area_all(c), 1, 0, ROLE_TEXT, "x");
    area_text(none, 0, -1, ROLE_TEXT, "\xe6\xb0\xb4");
    assert_string_equal(row(c, 0), "");
    assert_string_equal(row(c, 1), "x");
    canvas_free(c);
}

static void a_control_never_reaches_a_cell(void **state)
{
    static const char hostile[] = "a\x1b[2J\x07\xc2\x9b\xe2\x80\xae\xff"
                                  "e\xcc\x81";
    struct canvas *c = canvas_new(1, 40, false);
    (void)state;

    area_text(area_all(c), 0, 0, ROLE_TEXT, hostile);

    assert_string_equal(row(c, 0), "a?[2J????e");
    canvas_free(c);
}

static void ascii_has_a_stand_in_for_each_glyph(void **state)
{
    struct canvas *c = canvas_new(1, 60, true);
    (void)state;

    area_text(area_all(c), 0, 0, ROLE_TEXT, "✗▲○⇡●│─…–°CµÄ");

    assert_string_equal(row(c, 0), "X!-^o|-~-Cu?");
    canvas_free(c);
}

static void a_field_is_cut_with_an_ellipsis_or_padded(void **state)
{
    struct canvas *c = canvas_new(1, 30, false);
    struct area a = area_all(c);
    (void)state;

    int col = area_field(a, 0, 0, 6, ROLE_TEXT, "pump-ams-0417", false);
    col = area_field(a, 0, col, 6, ROLE_TEXT, "91.4", true);
    area_field(a, 0, col, 6, ROLE_TEXT, "ok", false);
    area_text(a, 0, 18, ROLE_TEXT, "|");

    assert_string_equal(row(c, 0), "pump-…  91.4ok    |");
    canvas_free(c);
}

static void a_bar_shows_done_in_flight_and_waiting(void **state)
{
    struct canvas *c = canvas_new(1, 10, false);
    (void)state;

    area_bar(area_all(c), 0, 0, 10, 4.5, 2, 10);

    assert_string_equal(row(c, 0), "████▌▒▒░░░");
    canvas_free(c);
}

static void no_key_has_two_meanings_on_one_screen(void **state)
{
    struct keymap keys;
    (void)state;

    keymap_default(&keys);
    const struct key_binding *table = keys.binding;
    for (int screen = 0; screen < SCREEN_COUNT; screen++) {
        for (size_t i = 0; i < keys.count; i++) {
            if (!(table[i].screens & 1u << screen))
                continue;
            for (int k = 0; k < KEYS_PER_ACTION && table[i].key[k]; k++)
                assert_ptr_equal(keymap_find(&keys, (enum screen_id)screen, table[i].key[k]),
                                 &table[i]);
        }
    }
}

static void the_keys_that_hands_fear_do_not_act(void **state)
{
    static const int feared[] = { K_CTRL('D'), K_CTRL('K'), K_BACKSPACE, K_DELETE };
    struct keymap keys;
    (void)state;

    keymap_default(&keys);
    for (size_t i = 0; i < sizeof(feared) / sizeof(feared[0]); i++) {
        for (int screen = 0; screen < SCREEN_COUNT; screen++) {
            const struct key_binding *b = keymap_find(&keys, (enum screen_id)screen, feared[i]);
            if (b)
                assert_int_not_equal(b->group, GROUP_ACT);
        }
    }
}

static void a_line_that_comes_late_stands_at_its_time(void **state)
{
    struct tail *t = tail_new(4);
    (void)state;

    tail_push(t, 9, TAIL_PLAIN, false, "", "gone", 4); /* the ring has gone round */
    tail_push(t, 10, TAIL_PLAIN, false, "", "first", 5);
    tail_push(t, 20, TAIL_PLAIN, false, "", "same", 4);
    tail_push(t, 30, TAIL_PLAIN, false, "", "newest", 6);
    tail_push(t, 20, TAIL_WARN, false, "", "late", 4);
    tail_in_order(t);

    assert_string_equal(tail_at(t, 0)->text, "first");
    assert_string_equal(tail_at(t, 1)->text, "same");
    assert_string_equal(tail_at(t, 2)->text, "late");
    assert_int_equal(tail_at(t, 2)->level, TAIL_WARN);
    assert_string_equal(tail_at(t, 3)->text, "newest");
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(tail_at(t, i)->number, 2 + i);
    tail_free(t);
}

static void a_tail_keeps_the_newest_lines_and_their_numbers(void **state)
{
    struct tail *t = tail_new(3);
    (void)state;

    for (int i = 0; i < 5; i++)
        tail_push(t, i, TAIL_PLAIN, false, "log", "x\x1b", 2);

    assert_int_equal(tail_count(t), 3);
    assert_int_equal(tail_total(t), 5);
    assert_int_equal(tail_at(t, 0)->number, 3);
    assert_string_equal(tail_at(t, 2)->text, "x?");
    assert_null(tail_at(t, 3));
    tail_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_clipped_at_the_edge_of_its_area),
        cmocka_unit_test(a_wide_character_takes_two_cells_and_is_never_halved),
        cmocka_unit_test(half_a_wide_character_never_leaves_an_area_without_columns),
        cmocka_unit_test(a_control_never_reaches_a_cell),
        cmocka_unit_test(ascii_has_a_stand_in_for_each_glyph),
        cmocka_unit_test(a_field_is_cut_with_an_ellipsis_or_padded),
        cmocka_unit_test(a_bar_shows_done_in_flight_and_waiting),
        cmocka_unit_test(no_key_has_two_meanings_on_one_screen),
        cmocka_unit_test(the_keys_that_hands_fear_do_not_act),
        cmocka_unit_test(a_tail_keeps_the_newest_lines_and_their_numbers),
        cmocka_unit_test(a_line_that_comes_late_stands_at_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
