#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench.h"
#include "base/text.h"

/* What keys do on the device screen. */

static int open_device(void **state)
{
    struct bench *b = bench_new(24, 80);
    keys_type(b->ui, &b->f->model, b->c, "/id=hall-b-003<Enter><Enter>", NULL);
    *state = b;
    return 0;
}

static int marked_cells(const struct bench *b)
{
    int count = 0;
    for (int row = 0; row < b->c->rows; row++) {
        for (int col = 0; col < b->c->cols; col++)
            count += canvas_at(b->c, row, col)->role == ROLE_MATCH;
    }
    return count;
}

static void spans_reach_from_five_minutes_to_ninety_days(void **state)
{
    struct bench *b = *state;
    static const char *const longer[] = {
        "1h", "3h", "6h", "12h", "24h", "48h", "7d", "30d", "90d"
    };
    char title[40];

    for (size_t i = 0; i < sizeof(longer) / sizeof(longer[0]); i++) {
        type(b, "+");
        snprintf(title, sizeof(title), "temperature °C  %s ", longer[i]);
        assert_true(on_screen(b, title));
    }
    type(b, "+");
    assert_true(on_screen(b, "°C  90d"));
    for (int i = 0; i < 20; i++)
        type(b, "-");
    assert_true(on_screen(b, "°C  5m"));
}

static void a_plot_pages_back_into_what_the_store_remembers(void **state)
{
    struct bench *b = *state;
    struct ui_past_want want;

    type(b, "++++++"); /* 48 hours: no memory here holds more than half an hour */
    assert_true(on_screen(b, "min 21.6"));
    type(b, "<lt><lt><lt><lt>");
    assert_true(on_screen(b, "48h to"));
    assert_true(on_screen(b, "last")); /* not "now" */
    assert_true(ui_wants_past(b->ui, &b->f->model, &want));
    assert_string_equal(want.id, "hall-b-003");
    assert_true(want.to_ms < FIXTURE_NOW_MS - INT64_C(86400000));
    assert_int_equal(want.to_ms - want.from_ms, INT64_C(172800000));
    assert_true(want.minutes);

    type(b, "<Esc>");
    assert_false(on_screen(b, "48h to"));
    assert_true(on_screen(b, "now 33"));
    type(b, ">");
    assert_true(on_screen(b, "this is now"));
    b->f->model.past = NULL;
    type(b, "");
    assert_false(on_screen(b, "min 21.6"));
}

static void the_scale_goes_round_and_a_fixed_axis_stands(void **state)
{
    struct bench *b = *state;

    type(b, "s");
    assert_true(on_screen(b, "1–99 %"));
    type(b, "s");
    assert_true(on_screen(b, "30m  fixed"));
    assert_true(on_screen(b, "    35 ┤"));
    for (int i = 0; i < 3; i++)
        fixture_message(b->f, "devices/hall-b-003/telemetry/environment", "{\"temperature\":80}",
                        18, false);
    type(b, "");
    assert_true(on_screen(b, "    35 ┤")); /* 80 is at its edge */
    assert_true(on_screen(b, "max 80.0"));
    type(b, "s");
    assert_true(on_screen(b, "from zero"));
    assert_true(on_screen(b, "     0 ┤"));
    type(b, "s");
    assert_false(on_screen(b, "from zero"));
}

static void one_wild_value_does_not_flatten_the_middle_of_the_rest(void **state)
{
    struct bench *b = *state;

    fixture_message(b->f, "devices/hall-b-003/telemetry/environment", "{\"temperature\":900}", 19,
                    false);
    type(b, "");
    assert_false(on_screen(b, "    30 ┤"));
    type(b, "s");
    assert_true(on_screen(b, "    30 ┤"));
}

static void enter_makes_one_plot_large_and_esc_all_again(void **state)
{
    struct bench *b = *state;

    type(b, "<Enter>");
    assert_false(on_screen(b, "tail"));
    assert_true(on_screen(b, "temperature"));
    type(b, "<Down>");
    assert_true(on_screen(b, "humidity %"));
    assert_false(on_screen(b, "temperature"));
    type(b, "<Esc>");
    assert_true(on_screen(b, "tail"));
    assert_int_equal(ui_screen(b->ui), SCREEN_DEVICE);
    type(b, "<Esc>");
    assert_int_equal(ui_screen(b->ui), SCREEN_FLEET);
}

static void enter_gives_the_tail_the_whole_screen(void **state)
{
    struct bench *b = *state;

    type(b, "<Tab><Enter>");
    assert_true(on_screen(b, "── tail"));
    assert_false(on_screen(b, "┤"));
    type(b, "<Tab>"); /* the next pane, whole too */
    assert_true(on_screen(b, "── commands"));
    assert_false(on_screen(b, "── tail"));
    assert_false(on_screen(b, "┤"));
    type(b, "<Esc>");
    assert_true(on_screen(b, "┤"));
    assert_true(on_screen(b, "── commands"));
    assert_int_equal(ui_screen(b->ui), SCREEN_DEVICE);
}

static void filter_hides_and_mark_marks(void **state)
{
    struct bench *b = *state;

    type(b, "/air<Enter>");
    assert_true(on_screen(b, "pm2_5"));
    assert_false(on_screen(b, "\"heap\""));
    type(b, "/<Esc>/!air<Enter>");
    assert_true(on_screen(b, "\"heap\""));
    assert_false(on_screen(b, "\"pm2_5\""));
    type(b, "/<Esc>");

    assert_int_equal(marked_cells(b), 0);
    type(b, "hheap<Enter>G");
    assert_true(marked_cells(b) >= 4);
    assert_true(on_screen(b, "pm2_5")); /* hides nothing */
    type(b, "<Esc>");
    assert_int_equal(marked_cells(b), 0);
}

static void capitals_in_a_filter_make_it_exact(void **state)
{
    struct bench *b = *state;

    type(b, "/heap<Enter>");
    assert_true(on_screen(b, "heap\""));
    type(b, "/<Esc>/HEAP<Enter>");
    assert_true(on_screen(b, "no kept message matches"));
}

static void lines_around_a_match_are_shown_when_asked_for(void **state)
{
    struct bench *b = *state;

    type(b, "<Tab>/temperature rises<Enter>");
    assert_false(on_screen(b, "\"pm10\""));
    type(b, "C");
    assert_true(on_screen(b, "temperature rises"));
    assert_true(on_screen(b, "\"pm10\""));
    type(b, "CC");
    assert_false(on_screen(b, "\"pm10\""));
}

static void n_goes_from_match_to_match_and_stops_the_tail(void **state)
{
    struct bench *b = *state;

    type(b, "n");
    assert_true(on_screen(b, "nothing is looked for"));
    type(b, "hrises<Enter>");
    assert_true(on_screen(b, "temperature rises"));
    assert_true(on_screen(b, "paused"));
    type(b, "nn");
    assert_true(on_screen(b, "no earlier match"));
    type(b, "NN");
    assert_true(on_screen(b, "no later match"));
    type(b, "hnowhere<Enter>");
    assert_true(on_screen(b, "no earlier match"));
}

static void a_message_is_shown_as_json_as_it_came_or_in_hex(void **state)
{
    struct bench *b = *state;

    fixture_message(b->f, "devices/hall-b-003/telemetry/x", "{\"a\":1,\"b\":[2]}", 15, false);
    type(b, "<Tab>");
    assert_true(on_screen(b, "{\"a\": 1, \"b\": [2]}"));
    type(b, "w");
    assert_true(on_screen(b, "  \"a\": 1,"));
    type(b, "wx");
    assert_true(on_screen(b, "{\"a\":1,\"b\":[2]}"));
    type(b, "x");
    assert_true(on_screen(b, "7b 22 61 22 3a 31"));
    type(b, "w");
    assert_true(on_screen(b, "0000  7b 22 61 22 3a 31 2c 22  {\"a\":1,\""));
}

static void hex_shows_what_text_must_not(void **state)
{
    struct bench *b = *state;

    fixture_message(b->f, "devices/hall-b-003/log", "\x1b[2J\xff", 5, false);
    type(b, "<Tab>xxw");
    assert_true(on_screen(b, "0000  1b 5b 32 4a ff           .[2J."));
}

static void commands_stand_with_their_answers_and_times(void **state)
{
    struct bench *b = *state;

    type(b, "<Tab><Tab>");
    assert_true(on_screen(b, "config   seq 218407      ⇡ sent, no answer for 1m"));
    assert_true(on_screen(b, "reboot   seq 218112      ✓ ack 1.8s"));
    assert_true(on_screen(b, "✗ refused 0.6s order is past its expiry"));
    type(b, "]"); /* of another device nothing is said */
    assert_false(on_screen(b, "218407") && !on_screen(b, "hall-b-003"));
}

static void export_is_of_the_pane_that_has_the_focus(void **state)
{
    struct bench *b = *state;

    type(b, "e");
    assert_int_equal(b->fx.count, 1);
    assert_int_equal(b->fx.item[0].kind, UI_EXPORT_SERIES);
    assert_string_equal(b->fx.item[0].past.id, "hall-b-003");
    type(b, "<Tab>e");
    assert_int_equal(b->fx.item[b->fx.count - 1].kind, UI_EXPORT_TAIL);
    assert_string_equal(b->fx.item[b->fx.count - 1].id, "hall-b-003");
}

static void the_view_goes_along_to_the_next_device(void **state)
{
    struct bench *b = *state;

    type(b, "<Esc><Esc>/id=hall-b-003,hall-b-002<Enter><Home><Enter>++s");
    type(b, "]");
    assert_true(on_screen(b, "3h  1–99 %"));
    type(b, "[");
    assert_true(on_screen(b, "3h  1–99 %"));
}

#define KEYS(name) cmocka_unit_test_setup_teardown(name, open_device, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS(spans_reach_from_five_minutes_to_ninety_days),
        KEYS(a_plot_pages_back_into_what_the_store_remembers),
        KEYS(the_scale_goes_round_and_a_fixed_axis_stands),
        KEYS(one_wild_value_does_not_flatten_the_middle_of_the_rest),
        KEYS(enter_gives_the_tail_the_whole_screen),
        KEYS(enter_makes_one_plot_large_and_esc_all_again),
        KEYS(filter_hides_and_mark_marks),
        KEYS(capitals_in_a_filter_make_it_exact),
        KEYS(lines_around_a_match_are_shown_when_asked_for),
        KEYS(n_goes_from_match_to_match_and_stops_the_tail),
        KEYS(a_message_is_shown_as_json_as_it_came_or_in_hex),
        KEYS(hex_shows_what_text_must_not),
        KEYS(commands_stand_with_their_answers_and_times),
        KEYS(export_is_of_the_pane_that_has_the_focus),
        KEYS(the_view_goes_along_to_the_next_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
