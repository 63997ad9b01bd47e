#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "screens/plot.h"
#include "screens/stages.h"

static char line[1024];

static const char *row(const struct canvas *c, int n)
{
    return canvas_row(c, n, line, sizeof(line));
}

static bool is_125(double step)
{
    double mantissa = step / pow(10, floor(log10(step) + 1e-9));
    return fabs(mantissa - 1) < 1e-6 || fabs(mantissa - 2) < 1e-6 || fabs(mantissa - 5) < 1e-6;
}

static void every_axis_holds_its_values_with_steps_of_1_2_or_5(void **state)
{
    static const double ranges[][2] = { { 0, 1 },       { 20.1, 20.4 },  { -71, -58 },
                                        { 1011, 1014 }, { 1e-4, 3e-4 },  { 0, 98765 },
                                        { -5, 5 },      { 99.9, 100.1 }, { 1e12, 3e12 } };
    (void)state;

    for (int rows = 2; rows < 40; rows++) {
        for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
            struct plot_axis a = { 0 };
            plot_axis_choose(&a, rows, ranges[i][0], ranges[i][1]);
            double half = a.per_row / 2;
            assert_true(a.bottom - half <= ranges[i][0]);
            assert_true(a.bottom + a.per_row * rows - half >= ranges[i][1]);
            assert_true(is_125(a.per_row * a.tick_rows));
            double ticks = a.bottom / (a.per_row * a.tick_rows); /* the lowest row is a tick */
            assert_true(fabs(ticks - round(ticks)) < 1e-6);
        }
    }
}

static void an_axis_grows_at_once_and_shrinks_late(void **state)
{
    struct plot_axis a = { 0 }, before;
    (void)state;

    plot_axis_choose(&a, 8, 10, 20);
    before = a;
    plot_axis_choose(&a, 8, 11, 17);
    assert_memory_equal(&a, &before, sizeof(a));
    plot_axis_choose(&a, 8, 11, 60);
    assert_true(a.per_row > before.per_row);
    plot_axis_choose(&a, 8, 11, 12);
    assert_true(a.per_row < before.per_row);
}

static void a_gap_is_neither_a_line_nor_zero(void **state)
{
    struct fleet_point point[20];
    struct canvas *c = canvas_new(6, PLOT_MARGIN + 20, true);
    struct plot p = { .point = point,
                      .count = 20,
                      .scale = 1,
                      .decimals = 3,
                      .from_ms = 0,
                      .to_ms = 1200000,
                      .time_axis = true,
                      .role = ROLE_PLOT,
                      .mode = PLOT_ASCII };
    (void)state;
    for (int i = 0; i < 20; i++) {
        bool gap = i >= 8 && i < 12;
        float v = i < 8 ? 1 : 3;
        point[i] = (struct fleet_point){ gap ? FLEET_POINT_NONE : FLEET_POINT_SAMPLE, gap ? 0 : v,
                                         gap ? 0 : v, gap ? 0 : v };
    }

    plot_draw(area_all(c), &p);

    assert_string_equal(row(c, 0), "     4 +");
    assert_string_equal(row(c, 1), "     3 +            ********");
    assert_string_equal(row(c, 2), "     2 +");
    assert_string_equal(row(c, 3), "     1 +********");
    assert_string_equal(row(c, 4), "       +--------    --------");
    assert_string_equal(row(c, 5), "       00:00           00:20");
    canvas_free(c);
}

static void what_is_not_due_yet_is_no_gap(void **state)
{
    struct fleet_point point[20];
    struct canvas *c = canvas_new(6, PLOT_MARGIN + 20, true);
    struct plot p = { .point = point,
                      .count = 20,
                      .scale = 1,
                      .decimals = 3,
                      .from_ms = 0,
                      .to_ms = 1200000,
                      .time_axis = true,
                      .role = ROLE_PLOT,
                      .mode = PLOT_ASCII };
    (void)state;
    for (int i = 0; i < 20; i++) {
        bool gap = (i >= 4 && i < 8) || i >= 18;
        point[i] = (struct fleet_point){ gap ? FLEET_POINT_NONE : FLEET_POINT_SAMPLE, 1, 1, 1 };
    }

    plot_draw(area_all(c), &p);
    assert_string_equal(row(c, 4), "       +----    ----------");

    p.due = true;
    plot_draw(area_all(c), &p);
    assert_string_equal(row(c, 4), "       +----    ------------");
    canvas_free(c);
}

static void a_column_reaches_from_its_least_to_its_greatest(void **state)
{
    struct fleet_point point[3] = { { FLEET_POINT_SAMPLE, 1, 1, 1 },
                                    { FLEET_POINT_SAMPLE, 1, 2, 4 },
                                    { FLEET_POINT_SAMPLE, 4, 4, 4 } };
    struct canvas *c = canvas_new(4, PLOT_MARGIN + 3, true);
    struct plot_axis axis = { .bottom = 1, .per_row = 1, .tick_rows = 1, .rows = 4 };
    struct plot p = { .point = point,
                      .count = 3,
                      .scale = 1,
                      .decimals = 3,
                      .role = ROLE_PLOT,
                      .mode = PLOT_ASCII,
                      .axis = &axis };
    (void)state;

    plot_draw(area_all(c), &p);

    assert_string_equal(row(c, 0), "     4 + **");
    assert_string_equal(row(c, 1), "     3 + *");
    assert_string_equal(row(c, 3), "     1 +**");
    canvas_free(c);
}

static void braille_has_two_columns_and_four_rows_in_a_cell(void **state)
{
    struct fleet_point point[4];
    struct canvas *c = canvas_new(1, PLOT_MARGIN + 2, false);
    struct plot_axis axis = { .bottom = 0.5, .per_row = 1, .tick_rows = 1, .rows = 1 };
    struct plot p = { .point = point,
                      .count = 4,
                      .scale = 1,
                      .decimals = 3,
                      .role = ROLE_PLOT,
                      .mode = PLOT_BRAILLE,
                      .axis = &axis };
    (void)state;
    for (int i = 0; i < 4; i++) {
        float v = 0.1f + 0.25f * (float)i;
        point[i] = (struct fleet_point){ FLEET_POINT_SAMPLE, v, v, v };
    }

    plot_draw(area_all(c), &p);

    assert_int_equal(canvas_at(c, 0, PLOT_MARGIN)->cp, 0x2800 + 0x40 + 0x20);
    assert_int_equal(canvas_at(c, 0, PLOT_MARGIN + 1)->cp, 0x2800 + 0x02 + 0x08);
    canvas_free(c);
}

static void values_beyond_all_reason_do_no_harm(void **state)
{
    struct fleet_point point[4] = { { FLEET_POINT_SAMPLE, -INFINITY, 0, INFINITY },
                                    { FLEET_POINT_SAMPLE, NAN, NAN, NAN },
                                    { FLEET_POINT_SAMPLE, 0, 0, 3e38f },
                                    { FLEET_POINT_NONE, 0, 0, 0 } };
    struct canvas *c = canvas_new(9, 40, false);
    struct plot p = { .point = point,
                      .count = 4,
                      .scale = 0.001,
                      .time_axis = true,
                      .role = ROLE_PLOT,
                      .mode = PLOT_BRAILLE };
    (void)state;

    plot_draw(area_all(c), &p);
    plot_spark(area_all(c), 0, 0, 10, point, 4, -HUGE_VAL, HUGE_VAL, ROLE_PLOT);
    canvas_free(c);
}

static void changes_below_what_is_shown_do_not_fill_the_plot(void **state)
{
    double least = 25.31, greatest = 25.36;
    (void)state;

    plot_widen(&least, &greatest, 1, 1);
    assert_true(fabs(greatest - least - 0.4) < 1e-9);
    assert_true(least < 25.31 && greatest > 25.36);

    least = 101200, greatest = 101300; /* Pa, shown as hPa with one decimal */
    plot_widen(&least, &greatest, 0.01, 1);
    assert_true(fabs(greatest - least - 100) < 1e-9);
}

static void stages_are_read_as_people_type_them(void **state)
{
    struct rollout_plan plan = { 0 };
    char problem[160];
    (void)state;

    assert_int_equal(stages_parse("canary 2 soak 1m, 5%, half 50% soak 2h, rest", &plan, problem,
                                  sizeof(problem)),
                     0);

    assert_int_equal(plan.stage_count, 4);
    assert_string_equal(plan.stage[0].name, "canary");
    assert_int_equal(plan.stage[0].count, 2);
    assert_int_equal(plan.stage[0].soak_s, 60);
    assert_string_equal(plan.stage[1].name, "stage-2");
    assert_int_equal(plan.stage[1].share_ppm, 50000);
    assert_int_equal(plan.stage[2].soak_s, 7200);
    assert_int_equal(plan.stage[3].share_ppm, 1000000);
}

static void stages_may_name_a_limit_and_an_approval(void **state)
{
    struct rollout_plan plan = { 0 };
    char problem[128], text[128];
    (void)state;

    assert_int_equal(stages_parse("canary 2 fail 0% approve, half 50% soak 90s fail 2.5%, rest",
                                  &plan, problem, sizeof(problem)),
                     0);
    assert_true(plan.stage[0].approval);
    assert_true(plan.stage[0].allowed_failure >= 0 && plan.stage[0].allowed_failure < 1e-9);
    assert_false(plan.stage[1].approval);
    assert_true(plan.stage[1].allowed_failure > 0.0249 && plan.stage[1].allowed_failure < 0.0251);
    assert_true(plan.stage[2].allowed_failure < 0);
    assert_int_equal(stages_parse("canary 2 fail", &plan, problem, sizeof(problem)), -1);
    assert_int_equal(stages_parse("canary 2 fail lots", &plan, problem, sizeof(problem)), -1);

    plan_default_stages(&plan);
    plan.stage[1].approval = true;
    assert_true(stages_text(&plan, text, sizeof(text)));
    assert_string_equal(text, "canary 10 soak 1h, early 5% soak 6h approve, half 50% soak 2h, "
                              "rest 100%");
    assert_false(stages_text(&plan, text, 20));
}

static void stages_are_the_same_when_read_back(void **state)
{
    static const char *const texts[] = { "canary 2 soak 1m fail 0% approve, rest 100%",
                                         "a 1, b 12.5% soak 3h, c 99% fail 2.5%",
                                         "stage-1 5% soak 90s" };
    struct rollout_plan plan = { 0 };
    char problem[128], text[128];
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(stages_parse(texts[i], &plan, problem, sizeof(problem)), 0);
        assert_true(stages_text(&plan, text, sizeof(text)));
        assert_string_equal(text, texts[i]);
    }
}

static void stages_may_be_spelt_short(void **state)
{
    struct rollout_plan plan;
    char problem[128];
    (void)state;

    assert_int_equal(stages_parse("canary:2/10m,5%/6h,rest", &plan, problem, sizeof(problem)), 0);
    assert_int_equal(plan.stage_count, 3);
    assert_string_equal(plan.stage[0].name, "canary");
    assert_int_equal(plan.stage[0].count, 2);
    assert_int_equal(plan.stage[0].soak_s, 600);
    assert_int_equal(plan.stage[1].share_ppm, 50000);
    assert_int_equal(plan.stage[1].soak_s, 21600);
    assert_int_equal(plan.stage[2].share_ppm, 1000000);
    assert_int_equal(stages_parse("2/", &plan, problem, sizeof(problem)), -1);
}

static void a_stage_that_makes_no_sense_is_named(void **state)
{
    static const char *const wrong[] = { "",           "canary",   "2 3%",     "a b 3",
                                         "x 5% soak",  "x 0%",     "x 101%",   "x 3 soak long",
                                         "x 99999999", "a 1,,b 2", "x 3.5.5%", "x -3" };
    char problem[160];
    (void)state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct rollout_plan plan = { 0 };
        assert_int_equal(stages_parse(wrong[i], &plan, problem, sizeof(problem)), -1);
        assert_memory_equal(problem, "stages: ", 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_may_be_spelt_short),
        cmocka_unit_test(stages_may_name_a_limit_and_an_approval),
        cmocka_unit_test(stages_are_the_same_when_read_back),
        cmocka_unit_test(every_axis_holds_its_values_with_steps_of_1_2_or_5),
        cmocka_unit_test(an_axis_grows_at_once_and_shrinks_late),
        cmocka_unit_test(a_gap_is_neither_a_line_nor_zero),
        cmocka_unit_test(what_is_not_due_yet_is_no_gap),
        cmocka_unit_test(a_column_reaches_from_its_least_to_its_greatest),
        cmocka_unit_test(braille_has_two_columns_and_four_rows_in_a_cell),
        cmocka_unit_test(values_beyond_all_reason_do_no_harm),
        cmocka_unit_test(changes_below_what_is_shown_do_not_fill_the_plot),
        cmocka_unit_test(stages_are_read_as_people_type_them),
        cmocka_unit_test(a_stage_that_makes_no_sense_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
