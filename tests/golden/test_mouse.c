#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench.h"

/* What the mouse does in dialogs; on the screens themselves: test_keys. */

static int setup(void **state)
{
    *state = bench_new(24, 80);
    return 0;
}

static void draw(struct bench *b)
{
    ui_draw(b->ui, &b->f->model, b->c);
}

/* Where a text stands; false when it stands nowhere. The lowest, since dialogs repeat words. */
static bool find(const struct bench *b, const char *text, int *row, int *col)
{
    char line[4096];
    for (*row = b->c->rows - 1; *row >= 0; --*row) {
        const char *at = strstr(canvas_row(b->c, *row, line, sizeof(line)), text);
        *col = 0;
        for (const char *c = line; at && c < at; c++)
            *col += (*c & 0xc0) != 0x80;
        if (at)
            return true;
    }
    return false;
}

static bool shows(const struct bench *b, const char *text)
{
    int row, col;
    return find(b, text, &row, &col);
}

/* Without a new picture. */
static void press(struct bench *b, enum ui_mouse what, int row, int col)
{
    struct ui_event ev = { .kind = UI_MOUSE, .mouse = what, .row = row, .col = col };
    struct ui_effects fx;
    ui_step(b->ui, &ev, &b->f->model, &fx);
    if (fx.count)
        b->fx = fx;
}

static void click(struct bench *b, const char *text)
{
    int row, col;
    if (!find(b, text, &row, &col))
        fail_msg("%s is not on the screen", text);
    press(b, UI_CLICK, row, col);
    draw(b);
}

static bool acted(const struct bench *b)
{
    return b->fx.count > 0 && b->fx.item[0].kind == UI_COMMAND;
}

static void the_harmless_button_closes_the_dialog(void **state)
{
    struct bench *b = *state;
    type(b, "/id=hall-a-002<Enter>r");
    assert_true(shows(b, "reboot hall-a-002"));
    click(b, "[ Cancel ]");
    assert_false(shows(b, "reboot hall-a-002"));
    assert_false(acted(b));
}

static void a_click_that_leaves_a_list_ends_the_typing_in_it(void **state)
{
    struct bench *b = *state;

    fixture_alerts(b->f);
    type(b, "a/h");
    press(b, UI_DOUBLE_CLICK, 5, 30); /* an alert of a device */
    draw(b);
    assert_int_equal(ui_screen(b->ui), SCREEN_DEVICE);
    type(b, "<Esc>a?");
    assert_true(shows(b, "keys: alerts")); /* and is not typed after "h" */
}

static void the_button_that_acts_wants_two_clicks(void **state)
{
    struct bench *b = *state;
    type(b, "/id=hall-a-002<Enter>r");
    click(b, " Reboot ");
    assert_false(acted(b));
    assert_true(shows(b, "[ Reboot ]"));
    click(b, "[ Reboot ]");
    assert_true(acted(b));
    assert_string_equal(b->fx.item[0].ids[0], "hall-a-002");
}

static void a_double_click_that_opens_a_dialog_does_not_go_on_in_it(void **state)
{
    struct bench *b = *state;
    int row, col;
    type(b, "/id=hall-a-002<Enter>");
    assert_true(find(b, "c config", &row, &col));
    press(b, UI_CLICK, row, col);
    press(b, UI_CLICK, row, col); /* before there was a picture of the dialog */
    draw(b);
    assert_true(shows(b, "configure hall-a-002"));
    assert_false(shows(b, "interval    c")); /* it would be typed into the field */
    assert_false(acted(b));
}

static void a_click_beside_a_dialog_does_nothing(void **state)
{
    static const char *const dialogs[] = {
        "r", "c", "*r", "s", "o", "t", "?", ":", "u", "e", "R<Down><Enter>X"
    };
    struct bench *b = *state;
    int buttons, col;

    for (size_t i = 0; i < sizeof(dialogs) / sizeof(dialogs[0]); i++) {
        ui_free(b->ui);
        b->ui = ui_new();
        type(b, dialogs[i]);
        b->fx.count = 0;
        char before[24][512], line[512];
        bool has = find(b, "[ ", &buttons, &col);
        for (int row = 0; row < 24; row++)
            canvas_row(b->c, row, before[row], sizeof(before[row]));
        for (int row = 0; row < b->c->rows; row++)
            for (int at = 0; at < b->c->cols && !(has && row == buttons); at += 3)
                press(b, UI_CLICK, row, at);
        draw(b);
        assert_int_equal(b->fx.count, 0);
        for (int row = 0; row < 24; row++)
            assert_string_equal(canvas_row(b->c, row, line, sizeof(line)), before[row]);
    }
}

static void a_name_that_must_be_typed_must_be_typed(void **state)
{
    struct bench *b = *state;
    type(b, "/group:hall<Enter>*r");
    for (int i = 0; i < 4; i++)
        click(b, " Reboot ");
    assert_false(acted(b));
    type(b, "9");
    click(b, "[ Reboot ]");
    assert_true(acted(b));
}

static void a_form_is_sent_by_its_button(void **state)
{
    struct bench *b = *state;
    type(b, "/id=hall-a-002<Enter>c90");
    click(b, " Send ");
    click(b, " Send ");
    assert_false(acted(b));
    click(b, "[ Send ]");
    assert_true(acted(b));
    assert_int_equal(b->fx.item[0].verb, VERB_CONFIG);
}

static void the_wheel_moves_in_lists_of_dialogs(void **state)
{
    struct bench *b = *state;
    type(b, "s");
    int before = b->c->cursor_row;
    press(b, UI_WHEEL_DOWN, 10, 40);
    press(b, UI_WHEEL_DOWN, 10, 40);
    draw(b);
    assert_int_equal(b->c->cursor_row, before + 2);
    press(b, UI_WHEEL_UP, 10, 40);
    draw(b);
    assert_int_equal(b->c->cursor_row, before + 1);
}

static void a_click_on_a_frozen_picture_does_nothing(void **state)
{
    struct bench *b = *state;
    type(b, "<Down>");
    const char *before = ui_selected(b->ui);
    char id[64];
    strncpy(id, before, sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    type(b, "z");
    for (int row = 0; row < 24; row++)
        for (int col = 0; col < 80; col += 3)
            press(b, UI_CLICK, row, col);
    draw(b);
    assert_true(ui_frozen(b->ui));
    assert_string_equal(ui_selected(b->ui), id);
    assert_int_equal(b->fx.count, 0);
}

int main(void)
{
#define MOUSE(name) cmocka_unit_test_setup_teardown(name, setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        MOUSE(the_harmless_button_closes_the_dialog),
        MOUSE(a_click_that_leaves_a_list_ends_the_typing_in_it),
        MOUSE(the_button_that_acts_wants_two_clicks),
        MOUSE(a_double_click_that_opens_a_dialog_does_not_go_on_in_it),
        MOUSE(a_click_beside_a_dialog_does_nothing),
        MOUSE(a_name_that_must_be_typed_must_be_typed),
        MOUSE(a_form_is_sent_by_its_button),
        MOUSE(the_wheel_moves_in_lists_of_dialogs),
        MOUSE(a_click_on_a_frozen_picture_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
