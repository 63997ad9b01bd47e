#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "files/files.h"
#include "rollout/zone.h"
#include "zone_file.h"

static struct zone load(const char *name)
{
    struct zone z;
    struct err err;

    if (zone_load(&z, NULL, name, &err) != 0)
        fail_msg("%s", err.text);
    return z;
}

static void clock_is(const char *zone, int64_t t, const char *should)
{
    struct zone z = load(zone);
    struct zone_clock c;
    char text[64];

    zone_clock(&z, t, &c);
    snprintf(text, sizeof(text), "%d-%02d-%02d %02d:%02d:%02d %+d %d", c.year, c.month, c.day,
             c.hour, c.minute, c.second, c.offset, c.weekday);
    assert_string_equal(text, should);
}

static void the_clock_shows_what_the_zone_says(void **state)
{
    (void)state;

    clock_is("UTC", 0, "1970-01-01 00:00:00 +0 3");
    clock_is("UTC", -1, "1969-12-31 23:59:59 +0 2");
    clock_is("UTC", 951782400, "2000-02-29 00:00:00 +0 1");
    clock_is("UTC", ZONE_NEWEST, "9999-12-31 23:59:59 +0 4");
    clock_is("UTC", ZONE_OLDEST, "1-01-01 00:00:00 +0 0");
    clock_is("UTC", INT64_MIN, "1-01-01 00:00:00 +0 0");
    clock_is("UTC", INT64_MAX, "9999-12-31 23:59:59 +0 4");
    clock_is("Europe/Berlin", 1774745999, "2026-03-29 01:59:59 +3600 6");
    clock_is("Europe/Berlin", 1774746000, "2026-03-29 03:00:00 +7200 6");
    clock_is("America/New_York", 1793512800, "2026-11-01 01:00:00 -18000 6");
    clock_is("Australia/Lord_Howe", 1790000000, "2026-09-22 00:43:20 +37800 1");
    clock_is("Australia/Lord_Howe", 1800000000, "2027-01-15 19:00:00 +39600 4");
    clock_is("Asia/Kolkata", 1790000000, "2026-09-21 19:43:20 +19800 0");
    /* Beyond the last change in the file the rule goes on. */
    clock_is("Europe/Berlin", 4118000000, "2100-06-30 02:53:20 +7200 2");
}

static int32_t rule_at(const char *rule, int64_t t)
{
    struct zone z;

    if (zone_from_posix(&z, rule, NULL) != 0)
        fail_msg("%s", rule);
    return zone_offset(&z, t);
}

static void rules_of_every_shape_hold(void **state)
{
    struct zone z;
    (void)state;

    /* 1800000000 is Fri 15 January 2027, 08:00 UTC; 1815000000 is in July. */
    assert_int_equal(rule_at("CET-1CEST,M3.5.0,M10.5.0/3", 1815000000), 7200);
    assert_int_equal(rule_at("<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", 1800000000), 49500);
    assert_int_equal(rule_at("EST5EDT,J60/0,J300/0", 1800000000), -18000);
    assert_int_equal(rule_at("EST5EDT4:30:15,59/0,299/0", 1815000000), -16215);
    /* All-year summer time, as RFC 8536 writes it. */
    assert_int_equal(rule_at("XXX3EDT4,0/0,J365/23", 1800000000), -14400);
    assert_int_equal(rule_at("XXX3EDT4,0/0,J365/23", 1798761600), -14400);
    /* J counts no leap day: J60 is the first of March, also in 2028; n = 60 is not. */
    assert_int_equal(rule_at("AAA0BBB,J60/0,J61/0", 1835481600), 3600);
    assert_int_equal(rule_at("AAA0BBB,59/0,60/0", 1835481600), 0);
    assert_int_equal(rule_at("AAA0BBB,60/0,61/0", 1835481600), 3600);
    /* A rule without summer time never changes. */
    assert_int_equal(zone_from_posix(&z, "IST-5:30", NULL), 0);
    assert_true(zone_next_change(&z, 0) == INT64_MAX);
}

static void what_is_no_rule_is_refused(void **state)
{
    static const char *const bad[] = { "",
                                       "C",
                                       "CET",
                                       "CET-25",
                                       "CET-1CEST",
                                       "CET-1CEST,M3.5.0",
                                       "CET-1CEST,M13.5.0,M10.5.0",
                                       "CET-1CEST,M3.6.0,M10.5.0",
                                       "CET-1CEST,M3.5.7,M10.5.0",
                                       "CET-1CEST,J0,J10",
                                       "CET-1CEST,366,1",
                                       "CET-1CEST,M3.5.0/168,M10.5.0",
                                       "CET-1CEST,M3.5.0,M10.5.0/3x",
                                       "<+01-1",
                                       "CET-1:60",
                                       "CET--1",
                                       "CET99999999999999999999" };
    struct zone z;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (zone_from_posix(&z, bad[i], NULL) == 0)
            fail_msg("\"%s\" is taken", bad[i]);
}

static void every_change_of_a_file_is_met_in_order(void **state)
{
    struct zone z = load("Asia/Gaza");
    uint32_t steps = 0;
    (void)state;

    for (int64_t t = ZONE_OLDEST; (t = zone_next_change(&z, t)) < 4102444800; steps++)
        assert_true(steps < z.count || z.has_rule);
    assert_true(steps >= z.count && steps < z.count + 300);
}

static void names_that_could_leave_the_folder_are_no_names(void **state)
{
    static const char *const good[] = {
        "UTC",       "Europe/Berlin",          "America/Argentina/Buenos_Aires",
        "Etc/GMT+5", "America/Port-au-Prince", "EST5EDT"
    };
    static const char *const bad[] = {
        "",    "/etc/passwd",     "..", "../x", "Europe/../../x", "a//b", "a/", "1a", "a.b",
        "a b", "Europe/Berlin\n", "-x", "a\\b"
    };
    char long_name[ZONE_NAME_MAX + 1];
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(zone_name_is_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(zone_name_is_valid(bad[i]));
    memset(long_name, 'a', sizeof(long_name));
    long_name[ZONE_NAME_MAX] = '\0';
    assert_false(zone_name_is_valid(long_name));
    assert_true(zone_name_is_valid(long_name + 1));
}

static void a_zone_that_cannot_be_read_says_why(void **state)
{
    static const struct {
        const char *name, *says;
    } cases[] = {
        { "Europe/Berlln", "there is no /usr/share/zoneinfo/Europe/Berlln" },
        { "Europe", "a folder of zones" },
        { "../../etc/passwd", "not a name" },
        { "zone", "does not begin like one" }, /* zone.tab is text, and has a dot */
    };
    struct zone z;
    struct err err;
    (void)state;

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(zone_load(&z, NULL, cases[i].name, &err), -1);
        if (!strstr(err.text, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
        assert_int_equal(zone_offset(&z, 1790000000), 0);
    }
    /* A file that is no zone. */
    assert_int_equal(zone_load(&z, MUSTER_SOURCE_DIR, "LICENSE", &err), -1);
    assert_non_null(strstr(err.text, cases[3].says));
}

/* Cut at each length, and each byte changed: refused, or read without harm (the sanitizers say). */
static void damaged_files_do_no_harm(void **state)
{
    char *data;
    size_t len;
    uint32_t refused = 0;
    struct zone z;
    (void)state;

    assert_int_equal(files_read(ZONE_DIR "/Australia/Lord_Howe", ZONE_FILE_MAX, &data, &len, NULL),
                     0);
    for (size_t cut = 0; cut < len; cut++) {
        char *part = malloc(cut ? cut : 1); /* its own, so that one byte too far is seen */
        assert_non_null(part);
        memcpy(part, data, cut);
        assert_int_equal(zone_from_bytes(&z, part, cut, NULL), -1);
        free(part);
    }
    for (size_t i = 0; i < len * 3; i++) {
        static const char flip[] = { 1, (char)0x80, (char)0xff };
        data[i / 3] = (char)(data[i / 3] ^ flip[i % 3]);
        refused += zone_from_bytes(&z, data, len, NULL) != 0;
        zone_next_change(&z, 1790000000);
        zone_offset(&z, 1790000000);
        data[i / 3] = (char)(data[i / 3] ^ flip[i % 3]);
    }
    assert_true(refused > 100);
    assert_int_equal(zone_from_bytes(&z, data, len, NULL), 0);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_shows_what_the_zone_says),
        cmocka_unit_test(rules_of_every_shape_hold),
        cmocka_unit_test(what_is_no_rule_is_refused),
        cmocka_unit_test(every_change_of_a_file_is_met_in_order),
        cmocka_unit_test(names_that_could_leave_the_folder_are_no_names),
        cmocka_unit_test(a_zone_that_cannot_be_read_says_why),
        cmocka_unit_test(damaged_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
