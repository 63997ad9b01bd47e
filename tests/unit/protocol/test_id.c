#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/id.h"

static bool is_id(const char *text)
{
    return id_is_valid(text, strlen(text));
}

static void ids_have_one_alphabet(void **state)
{
    (void)state;
    assert_true(is_id("a"));
    assert_true(is_id("sensor-001"));
    assert_true(is_id("0A.b_c-d"));
    assert_false(is_id(""));
    assert_false(is_id("-a"));
    assert_false(is_id(".a"));
    assert_false(is_id("_a"));
    assert_false(is_id("a/b"));
    assert_false(is_id("a+"));
    assert_false(is_id("a#"));
    assert_false(is_id("a b"));
    assert_false(is_id("a\n"));
    assert_false(is_id("\xc3\xa9"));
    assert_false(id_is_valid("a\0b", 3));
}

static void ids_have_a_length(void **state)
{
    char text[80];
    (void)state;

    memset(text, 'a', sizeof(text));
    assert_true(id_is_valid(text, 64));
    assert_false(id_is_valid(text, 65));
    assert_true(rollout_id_is_valid(text, 40));
    assert_false(rollout_id_is_valid(text, 41));
    assert_true(name_is_valid(text, 32));
    assert_false(name_is_valid(text, 33));
    assert_true(group_is_valid("tz:America/St_Johns", 19));
    assert_true(group_is_valid("tz:Etc/GMT+5", 12));
    assert_false(name_is_valid("tz:UTC", 6));
    assert_false(group_is_valid(":tz", 3));
    assert_false(group_is_valid("a b", 3));
    assert_false(group_is_valid("a,b", 3));
    assert_false(group_is_valid("a\0b", 3));
    assert_false(group_is_valid(text, 33));
}

static void a_base_url_is_https_with_a_host_and_ends_in_a_slash(void **state)
{
    static const char *const good[] = { "https://gw/", "https://gw:8443/firmware/",
                                        "https://10.0.0.1/a/b-c_d~/", "https://[fd00::1]:8443/",
                                        "https://gw/%20/" };
    static const char *const bad[] = { "",
                                       "https://",
                                       "https:///",
                                       "https://gw",
                                       "https://gw/firmware",
                                       "http://gw/",
                                       "HTTPS://gw/",
                                       "https://user@gw/",
                                       "https://:443/",
                                       "https://gw /",
                                       "https://gw/a b/",
                                       "https://gw/?q=/",
                                       "https://gw/#/",
                                       "https://gw\\evil/",
                                       "https://gw/\"/",
                                       "https://gw/\n/",
                                       "https://g\xc3\xa9/" };
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!base_url_is_valid(good[i], strlen(good[i])))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (base_url_is_valid(bad[i], strlen(bad[i])))
            fail_msg("accepted: %s", bad[i]);
    assert_false(base_url_is_valid("https://g\0w/", 12));
    assert_false(base_url_is_valid("https://gw/\0/", 13));
}

/* The order of semver.org's own example, and then some. */
static const char *const ascending[] = {
    "",
    "1.0",
    "not",
    "0.0.0",
    "0.9.9",
    "1.0.0-0",
    "1.0.0-2",
    "1.0.0-10",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
    "18446744073709551616.0.0",
};

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static void versions_sort_as_semver_says(void **state)
{
    const int count = sizeof(ascending) / sizeof(ascending[0]);
    (void)state;

    for (int a = 0; a < count; a++)
        for (int b = 0; b < count; b++)
            if (sign(semver_compare(ascending[a], ascending[b])) != sign(a - b))
                fail_msg("%s and %s", ascending[a], ascending[b]);
}

static void build_metadata_does_not_count(void **state)
{
    (void)state;
    assert_int_equal(semver_compare("1.0.0+a", "1.0.0+b"), 0);
    assert_int_equal(semver_compare("1.0.0-x+a.1", "1.0.0-x"), 0);
}

static void what_is_no_semver_is_told(void **state)
{
    static const char *const good[] = {
        "0.0.0",         "1.2.3",   "1.0.0-alpha-x.7", "1.0.0+001",
        "1.0.0-0a.x--y", "1.0.0--", "1.0.0-a+b-c",     "1.0.0+b-c.d"
    };
    static const char *const bad[] = {
        "",       "1",      "1.2",      "1.2.3.4",  "v1.2.3",         "01.2.3",    "1.02.3",
        "1.2.03", "1.2.3-", "1.2.3-01", "1.2.3-a.", "1.2.3-a..b",     "1.2.3+",    "1.2.3+a..",
        "1.2.3 ", " 1.2.3", "1.2.-3",   "1..3",     "1.2.3-\xc3\xa9", "1.2.3+a+b", "a.b.c",
        "1.2.3_4"
    };
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!semver_is_valid(good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (semver_is_valid(bad[i]))
            fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_have_one_alphabet),
        cmocka_unit_test(ids_have_a_length),
        cmocka_unit_test(a_base_url_is_https_with_a_host_and_ends_in_a_slash),
        cmocka_unit_test(versions_sort_as_semver_says),
        cmocka_unit_test(build_metadata_does_not_count),
        cmocka_unit_test(what_is_no_semver_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
