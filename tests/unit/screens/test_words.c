#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "screens/canvas.h"
#include "screens/plot.h"

/* A canvas with words: what glyphs, bars, trends and plots say there. */

static char line[1024];

static struct canvas *canvas(int rows, int cols)
{
    struct canvas *c = canvas_new(rows, cols, false);
    c->words = true;
    return c;
}

static const char *row(const struct canvas *c, int n)
{
    return canvas_row(c, n, line, sizeof(line));
}

static void a_glyph_in_a_text_becomes_its_word(void **state)
{
    static const char *const texts[][2] = {
        { "temp▾, fw▴", "temp down, fw up" },
        { "↑↓ choose  ←→", "Up Down choose  Left Right" },
        { "fleet › lab", "fleet / lab" },
        { "fail ≤ 5%, ±2", "fail <= 5%, +-2" },
        { "soak 1m ✓, ok", "soak 1m ok, ok" },
        { "update…", "update..." },
        { "–", "none" },
        { "1–99 %", "1-99 %" },
        { "21 °C, 4 µg/m³", "21 °C, 4 µg/m³" },
        { "│─┈", "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct canvas *c = canvas(1, 40);
        struct area a = area_all(c);
        int end = area_text(a, 0, 0, ROLE_TEXT, texts[i][0]);
        assert_string_equal(row(c, 0), texts[i][1]);
        assert_int_equal(area_width(a, texts[i][0]), end);
        canvas_free(c);
    }
}

static void a_glyph_whose_word_follows_is_left_out(void **state)
{
    struct canvas *c = canvas(2, 20);
    struct area a = area_all(c);
    (void)state;

    area_text(a, 0, area_mark(a, 0, 0, ROLE_OK, "✓"), ROLE_TEXT, "done");
    area_glyph(a, 1, 0, ROLE_OK, "✓", "signed");
    assert_string_equal(row(c, 0), "done");
    assert_string_equal(row(c, 1), "signed");
    c->words = false;
    canvas_clear(c);
    area_text(a, 0, area_mark(a, 0, 0, ROLE_OK, "✓"), ROLE_TEXT, "done");
    area_glyph(a, 1, 0, ROLE_OK, "✓", "signed");
    assert_string_equal(row(c, 0), "✓ done");
    assert_string_equal(row(c, 1), "✓");
    canvas_free(c);
}

static void ascii_says_at_most_and_not_less_than(void **state)
{
    struct canvas *c = canvas_new(1, 40, true);
    struct area a = area_all(c);
    (void)state;

    int end = area_text(a, 0, 0, ROLE_TEXT, "fail ≤ 0%, ≥ 2, ≠ 3, ±4");
    assert_string_equal(row(c, 0), "fail <= 0%, >= 2, != 3, +-4");
    assert_int_equal(area_width(a, "fail ≤ 0%, ≥ 2, ≠ 3, ±4"), end);
    canvas_free(c);
}

static void a_field_never_grows_beyond_its_width(void **state)
{
    struct canvas *c = canvas(3, 20);
    struct area a = area_all(c);
    (void)state;

    assert_int_equal(area_field(a, 0, 2, 8, ROLE_TEXT, "1.4.0… and on", false), 10);
    assert_int_equal(area_field(a, 1, 2, 8, ROLE_TEXT, "–", true), 10);
    assert_int_equal(area_field(a, 2, 2, 2, ROLE_TEXT, "▾▾", false), 4);
    assert_string_equal(row(c, 0), "  1.4.0...");
    assert_string_equal(row(c, 1), "      none");
    assert_string_equal(row(c, 2), "  do");
    canvas_free(c);
}

static void a_bar_is_a_percentage_and_100_only_when_all_is_done(void **state)
{
    struct canvas *c = canvas(3, 12);
    (void)state;

    area_bar(area_all(c), 0, 0, 8, 5, 2, 8);
    area_bar(area_all(c), 1, 0, 8, 9999, 0, 10000);
    area_bar(area_all(c), 2, 0, 8, 8, 0, 8);
    assert_string_equal(row(c, 0), "62 %");
    assert_string_equal(row(c, 1), "99 %");
    assert_string_equal(row(c, 2), "100 %");
    canvas_free(c);
}

#define POINTS 60
/* Rises from 20 to 25.9; nothing in `gap` points from 20 on. */
static void slope(struct fleet_point p[POINTS], int gap)
{
    for (int i = 0; i < POINTS; i++) {
        float v = 20 + (float)i / 10;
        bool none = i >= 20 && i < 20 + gap;
        p[i] = (struct fleet_point){ none ? FLEET_POINT_NONE : FLEET_POINT_SAMPLE, v, v, v };
    }
}

static void a_trend_tells_its_range_its_way_and_its_gaps_as_far_as_there_is_room(void **state)
{
    struct fleet_point p[POINTS];
    char text[PLOT_TREND_TEXT];
    (void)state;

    slope(p, 10);
    int way = plot_direction(p, POINTS, 20, 26);
    assert_int_equal(way, 1);
    assert_int_equal(plot_direction(p, POINTS, 0, 100), 0);
    assert_string_equal(plot_trend_text(p, POINTS, 1, 1, way, 40, text), "20.0..25.9 up, gaps");
    assert_string_equal(plot_trend_text(p, POINTS, 1, 1, way, 13, text), "20.0..25.9 up");
    assert_string_equal(plot_trend_text(p, POINTS, 1, 1, way, 12, text), "up");
    assert_string_equal(plot_trend_text(p, POINTS, 1, 1, 0, 12, text), "20.0..25.9");
    slope(p, 0);
    assert_string_equal(plot_trend_text(p, POINTS, 1, 0, -1, 40, text), "20..26 down");
    slope(p, POINTS);
    for (int i = 0; i < 20; i++)
        p[i].kind = FLEET_POINT_NONE;
    assert_string_equal(plot_trend_text(p, POINTS, 1, 1, 0, 40, text), "no data");
}

static struct plot plot_of(const struct fleet_point *p)
{
    return (struct plot){ .point = p,
                          .count = POINTS,
                          .from_ms = INT64_C(1795183200000), /* 14:00 */
                          .to_ms = INT64_C(1795183200000) + 3600000,
                          .decimals = 1,
                          .scale = 1,
                          .lines = 2,
                          .line = { { 22, ROLE_PLOT_THRESHOLD }, { 30, ROLE_PLOT_THRESHOLD } },
                          .time_axis = true,
                          .mode = PLOT_BLOCKS };
}

static void a_plot_tells_its_way_extremes_gaps_and_limits_and_then_its_parts(void **state)
{
    struct fleet_point p[POINTS];
    struct canvas *c = canvas(7, 80);
    (void)state;

    slope(p, 20);
    struct plot plot = plot_of(p);
    plot_draw(area_all(c), &plot);
    assert_string_equal(row(c, 0), "  rising from 20.6 to 25.3");
    assert_string_equal(row(c, 1), "  least 20.0 at 14:00, greatest 25.9 at 14:59");
    assert_string_equal(row(c, 2), "  no data for 20m from 14:20");
    assert_string_equal(row(c, 3), "  limit 22.0: reached, limit 30.0: all below");
    assert_string_equal(row(c, 4), "  14:00  20.9, 20.0..21.9");
    assert_string_equal(row(c, 5), "  14:20  no data");
    assert_string_equal(row(c, 6), "  14:40  24.9, 24.0..25.9");
    canvas_free(c);
}

static void the_columns_whose_time_has_hardly_come_are_no_gap(void **state)
{
    struct fleet_point p[POINTS];
    struct canvas *c = canvas(4, 80);
    (void)state;

    slope(p, 0);
    p[POINTS - 1].kind = p[POINTS - 2].kind = FLEET_POINT_NONE;
    struct plot plot = plot_of(p);
    plot_draw(area_all(c), &plot);
    assert_string_equal(row(c, 2), "  no gaps");
    for (int i = POINTS - 12; i < POINTS; i++)
        p[i].kind = FLEET_POINT_NONE;
    plot_draw(area_all(c), &plot);
    assert_string_equal(row(c, 2), "  no data for 12m from 14:48");
    canvas_free(c);
}

static void a_plot_in_words_stays_in_its_area_whatever_comes(void **state)
{
    struct fleet_point p[POINTS];
    (void)state;

    slope(p, 30);
    p[3].min = -1e38F;
    p[4].max = 1e38F;
    for (int rows = 1; rows < 20; rows++) {
        struct canvas *c = canvas(22, 70);
        struct plot plot = plot_of(p);
        plot_draw(area_sub(area_all(c), 1, 5, rows, 20 + 2 * rows), &plot);
        for (int at = 0; at < 22 * 70; at++) {
            bool inside =
                at / 70 >= 1 && at / 70 < 1 + rows && at % 70 >= 5 && at % 70 < 25 + 2 * rows;
            assert_in_range(c->cell[at].cp, ' ', inside ? '~' : ' ');
        }
        canvas_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_glyph_in_a_text_becomes_its_word),
        cmocka_unit_test(a_glyph_whose_word_follows_is_left_out),
        cmocka_unit_test(ascii_says_at_most_and_not_less_than),
        cmocka_unit_test(a_field_never_grows_beyond_its_width),
        cmocka_unit_test(a_bar_is_a_percentage_and_100_only_when_all_is_done),
        cmocka_unit_test(a_trend_tells_its_range_its_way_and_its_gaps_as_far_as_there_is_room),
        cmocka_unit_test(a_plot_tells_its_way_extremes_gaps_and_limits_and_then_its_parts),
        cmocka_unit_test(the_columns_whose_time_has_hardly_come_are_no_gap),
        cmocka_unit_test(a_plot_in_words_stays_in_its_area_whatever_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
