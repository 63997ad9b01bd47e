#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cmd.h"

static const struct option options[] = {
    { "set", 's', "KEY=VALUE", "set" },
    { "count", 'n', "N", "count" },
    { "force", 0, NULL, "force" },
    { 0 },
};

static const struct command commands[] = {
    { "ls", "", "list", NULL, NULL, COMMAND_PROFILE, NULL },
    { "pki init", "WORD", "init", options, NULL, COMMAND_PROFILE, NULL },
    { 0 },
};

static int parse(struct cmd_args *args, struct err *err, int argc, const char **argv)
{
    char *copy[16];
    for (int i = 0; i < argc; i++)
        memcpy(&copy[i], &argv[i], sizeof(copy[i]));
    return cmd_parse(&commands[1], argc, copy, args, err);
}

static void options_and_words_may_mix(void **state)
{
    const char *argv[] = { "a", "--set=x=1", "-s", "y=2", "--force", "--json", "--", "-n" };
    struct cmd_args args;
    struct err err;
    (void)state;

    assert_int_equal(parse(&args, &err, 8, argv), 0);

    assert_string_equal(cmd_nth(&args, "set", 0), "x=1");
    assert_string_equal(cmd_nth(&args, "set", 1), "y=2");
    assert_null(cmd_nth(&args, "set", 2));
    assert_true(cmd_has(&args, "force"));
    assert_true(cmd_has(&args, "json"));
    assert_int_equal(args.word_count, 2);
    assert_string_equal(args.word[1], "-n");
}

static void a_mistake_is_named(void **state)
{
    const char *unknown[] = { "--sett", "x" };
    const char *missing[] = { "--set" };
    const char *extra[] = { "--force=1" };
    struct cmd_args args;
    struct err err;
    (void)state;

    assert_int_equal(parse(&args, &err, 2, unknown), -1);
    assert_non_null(strstr(err.text, "--sett"));
    assert_int_equal(err.code, EXIT_USAGE);
    assert_int_equal(parse(&args, &err, 1, missing), -1);
    assert_non_null(strstr(err.text, "KEY=VALUE"));
    assert_int_equal(parse(&args, &err, 1, extra), -1);
}

static void a_number_out_of_range_is_refused(void **state)
{
    const char *argv[] = { "-n", "12" };
    struct cmd_args args;
    struct err err;
    uint32_t n = 0;
    (void)state;

    assert_int_equal(parse(&args, &err, 2, argv), 0);
    assert_int_equal(cmd_u32(&args, "count", 0, 20, 1, &n, &err), 0);
    assert_int_equal(n, 12);
    assert_int_equal(cmd_u32(&args, "count", 0, 10, 1, &n, &err), -1);
    assert_int_equal(cmd_u32(&args, "other", 0, 10, 7, &n, &err), 0);
    assert_int_equal(n, 7);
}

static void commands_are_found_by_one_or_two_words(void **state)
{
    const struct command *const tables[] = { commands, NULL };
    char pki[] = "pki", init[] = "init", ls[] = "ls";
    char *two[] = { pki, init };
    char *one[] = { ls };
    int used = 0;
    (void)state;

    assert_ptr_equal(cmd_find(tables, 2, two, &used), &commands[1]);
    assert_int_equal(used, 2);
    assert_ptr_equal(cmd_find(tables, 1, one, &used), &commands[0]);
    assert_null(cmd_find(tables, 1, two, &used));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_words_may_mix),
        cmocka_unit_test(a_mistake_is_named),
        cmocka_unit_test(a_number_out_of_range_is_refused),
        cmocka_unit_test(commands_are_found_by_one_or_two_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
