#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "board_ini.h"

static void without_a_file_every_chip_is_there_and_well(void **state)
{
    struct board_ini ini;
    unsigned unknown = 7;
    (void)state;

    assert_int_equal(board_ini_load("/nowhere/board.ini", &ini, &unknown), 0);

    assert_int_equal(unknown, 0);
    assert_true(ini.chips.bme280 && ini.chips.scd30 && ini.chips.sds011);
    assert_int_equal(ini.clock, BOARD_CLOCK_HOST);
    assert_int_equal(ini.chips.scd30_fault, MODEL_OK);
}

static void a_file_says_what_is_there_and_what_is_broken(void **state)
{
    static const char text[] = "# made by hand\nseed = 42\r\n  chips=bme280 , sds011\n\n"
                               "sds011 = stuck\nclock = untrusted";
    struct board_ini ini;
    (void)state;

    assert_int_equal(board_ini_parse(text, sizeof(text) - 1, &ini), 0);

    assert_int_equal(ini.chips.seed, 42);
    assert_true(ini.chips.bme280 && !ini.chips.scd30 && ini.chips.sds011);
    assert_int_equal(ini.chips.sds011_fault, MODEL_STUCK);
    assert_int_equal(ini.clock, BOARD_CLOCK_UNTRUSTED);
    assert_int_equal(board_ini_parse("clock = trusted\n", 16, &ini), 0);
    assert_int_equal(ini.clock, BOARD_CLOCK_TRUSTED);
}

static void lines_that_are_not_understood_are_counted(void **state)
{
    static const char text[] = "seed = -1\nchips = bmp180\nscd30 = tired\nnothing\nwhat = ever\n"
                               "clock = 12\n\0\n";
    struct board_ini ini;
    (void)state;

    assert_int_equal(board_ini_parse(text, sizeof(text) - 1, &ini), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_every_chip_is_there_and_well),
        cmocka_unit_test(a_file_says_what_is_there_and_what_is_broken),
        cmocka_unit_test(lines_that_are_not_understood_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
