#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "screens/line_cut.h"

static void what_fits_is_one_line(void **state)
{
    (void)state;
    assert_int_equal(line_cut("", 8), 0);
    assert_int_equal(line_cut("12345678", 8), 8);
}

static void a_line_ends_before_the_last_blank_of_its_second_half(void **state)
{
    (void)state;
    assert_int_equal(line_cut("one two three", 8), 7);
    assert_int_equal(line_cut("12345678 9", 8), 8); /* the blank is the first that does not fit */
    assert_int_equal(line_cut("a bcdefghijk", 8), 8);
}

static void no_character_is_cut_in_two(void **state)
{
    const char *water = "水水水水"; /* three bytes each */
    (void)state;
    assert_int_equal(line_cut(water, 9), 9);
    assert_int_equal(line_cut(water, 10), 9);
    assert_int_equal(line_cut(water, 11), 9);
    assert_int_equal(line_cut(water, 4), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_one_line),
        cmocka_unit_test(a_line_ends_before_the_last_blank_of_its_second_half),
        cmocka_unit_test(no_character_is_cut_in_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
