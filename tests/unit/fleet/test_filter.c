#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed.h"
#include "fleet/filter.h"

/*
 * pump-1  ok, weather 1.9.0, groups Berlin outdoor, temperature 85.5, pressure 101325, heap 41912,
 *         uptime 3 days, seen 10 s ago
 * pump-2  offline, weather 1.10.2, group berlin, updating target 2.0.0
 * door-3  retained only: never seen, fw 0.9-rc1
 */
static int setup(void **state)
{
    static struct feed feed;
    struct feed *f = &feed;
    feed_open(f, NULL);
    feed_say(f, "devices/pump-1/status",
             "{\"state\":\"online\",\"product\":\"weather\",\"hw\":\"esp32\",\"fw\":\"1.9.0\","
             "\"slot\":\"ota_0\",\"boots\":12,\"reset\":\"poweron\",\"keyset\":3,"
             "\"groups\":[\"Berlin\",\"outdoor\",\"site:Ams\",\"floor:3\"],\"interval\":600,\"cert_"
             "not_after\":1800000000}");
    feed_say(f, "devices/pump-1/telemetry/env",
             "{\"temp\":85.5,\"press\":101325,\"heap\":41912,\"uptime\":259200,\"my_volts\":3.3}");
    feed_say(f, "devices/pump-2/status",
             "{\"state\":\"online\",\"product\":\"weather\",\"hw\":\"esp32c3\",\"fw\":\"1.10.2\","
             "\"groups\":[\"berlin\"],\"interval\":600}");
    feed_say(f, "devices/pump-2/ota/report",
             "{\"rollout\":\"r-20261120-1\",\"attempt\":1,\"state\":\"downloading\","
             "\"reason\":\"none\",\"from\":\"1.10.2\",\"to\":\"2.0.0\",\"n\":1}");
    feed_say(f, "devices/pump-2/status", "offline");
    feed_retained(f, "devices/door-3/status",
                  "{\"state\":\"online\",\"product\":\"door\",\"fw\":\"0.9.0-rc1\","
                  "\"interval\":600}");
    f->now_ms += 10000;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct feed *f = *state;
    fleet_free(f->fleet);
    return 0;
}

/* Which of "12 3" match, as text: '1', '2', '3'. */
static const char *matches(const struct feed *f, const char *text)
{
    static const char *const ids[] = { "pump-1", "pump-2", "door-3" };
    static char out[32];
    struct filter_error err;
    struct filter *filter = filter_compile(text, &err);
    size_t len = 0;

    if (!filter) {
        snprintf(out, sizeof(out), "%zu+%zu", err.at, err.len);
        return out;
    }
    for (size_t i = 0; i < 3; i++)
        if (filter_match(filter, f->fleet, feed_device(f, ids[i]), f->now_ms))
            out[len++] = (char)('1' + i);
    out[len] = '\0';
    filter_free(filter);
    return out;
}

struct row {
    const char *text, *want;
};

static void check(const struct feed *f, const struct row *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(matches(f, row[i].text), row[i].want) != 0)
            fail_msg("%s: %s, not %s", row[i].text, matches(f, row[i].text), row[i].want);
}
#define CHECK(f, rows) check(f, rows, sizeof(rows) / sizeof((rows)[0]))

static void a_bare_text_is_looked_for_in_id_and_groups(void **state)
{
    static const struct row rows[] = {
        { "", "123" },         { "  ", "123" },        { "pump", "12" },       { "PUMP", "" },
        { "berlin", "12" },    { "Berlin", "1" },      { "outdoor", "1" },     { "door", "13" },
        { "\"pump-1\"", "1" }, { "/^p.*[23]$/", "2" }, { "/^(door|x)/", "3" }, { "orchid", "" },
    };
    CHECK(*state, rows);
}

static void words_join_by_and_or_not_and_parentheses(void **state)
{
    static const struct row rows[] = {
        { "pump outdoor", "1" },
        { "pump and outdoor", "1" },
        { "outdoor or id:door-3", "13" },
        { "not pump", "3" },
        { "!pump", "3" },
        { "! pump", "3" },
        { "not not pump", "12" },
        { "pump not outdoor", "2" },
        { "id:door or pump outdoor", "13" },
        { "(id:door or pump) outdoor", "1" },
        { "not (id:door or outdoor)", "2" },
        { "not pump and id:door or outdoor", "13" },
        { "((pump))", "12" },
        { "pump and(outdoor)", "1" },
        { "pump AND outdoor", "1" },
        { "outdoor OR id:door-3", "13" },
        { "NOT pump", "3" },
        { "And", "" }, /* a text */
    };
    CHECK(*state, rows);
}

static void fields_compare_as_what_they_are(void **state)
{
    static const struct row rows[] = {
        { "fw<1.10", "13" }, /* not as text */
        { "fw < 1.10", "13" },
        { "fw <1.10 and pump", "1" },
        { "fw= 1.9.0, 1.10.2", "12" },
        { "pump fw !~ 1.9", "2" },
        { "uptime<72h30m", "1" },
        { "uptime<2d23h59m59s", "" },
        { "uptime<1w", "1" },
        { "rate>=0", "123" },
        { "rate>1000", "" },
        { "fw>=1.9", "12" },
        { "fw<1.9", "3" },
        { "fw=1.9.0", "1" },
        { "fw:1.9", "1" },
        { "fw:1", "12" },
        { "fw:1.1", "" }, /* 1.10 is not 1.1 */
        { "fw!=1.9.0", "23" },
        { "fw=1.9.0,1.10.2", "12" },
        { "fw!=1.9.0,1.10.2", "3" },
        { "fw~rc", "3" },
        { "fw~/^1[.]/", "12" },
        { "fw!~/^1[.]/", "3" },
        { "target:2.0.0", "2" },
        { "target>1", "2" },
        { "product=weather", "12" },
        { "product=WEATHER", "" },
        { "hw=esp32", "1" },
        { "hw~esp32", "12" },
        { "groups:berlin", "12" },
        { "group=Berlin", "1" },
        { "tag:berlin,outdoor", "12" },
        { "groups!=berlin", "3" },
        { "state=offline", "2" },
        { "state:ok", "13" },
        { "state>=offline", "2" },
        { "state>ok", "2" },
        { "state<offline", "13" },
        { "state=ok,offline", "123" },
        { "boots>10", "1" },
        { "boots<=12", "1" },
        { "reset=poweron", "1" },
        { "keyset=3", "1" },
        { "alerts=0", "123" },
        { "ota=downloading", "2" },
        { "reason=none", "2" },
        { "rollout=r-20261120-1", "2" },
        { "slot=ota_0", "1" },
        { "id=pump-1", "1" },
        { "id:ump", "12" },
        { "id=PUMP-1", "" },
    };
    CHECK(*state, rows);
}

static void a_group_with_a_value_is_a_field(void **state)
{
    static const struct row rows[] = {
        { "site:Ams", "1" },        { "site:ams", "1" },
        { "site=AMS", "" },         { "site:am", "" },
        { "site~am", "1" },         { "site:/^A/", "1" },
        { "site:\"Ams\"", "1" },    { "site:rtm,ams", "1" },
        { "site!=ams", "23" },      { "not site:ams", "23" },
        { "group:site:Ams", "1" },  { "floor:3", "1" },
        { "floor=3", "1" },         { "floor!=3", "23" },
        { "floor>2", "" }, /* a label has no order */
        { "tz:Europe/Berlin", "" },
    };
    CHECK(*state, rows);
}

static void a_name_that_says_nothing_is_told(void **state)
{
    static const struct row rows[] = {
        { "site:ams", NULL },       { "sit:ams", "sit" },
        { "temp>3", NULL },         { "tmp>3", "tmp" },
        { "pump or lux<4", "lux" }, { "floor:3", NULL },
        { "fw<3 id~x", NULL },      { "not (state=ok or flor:3)", "flor" },
    };
    struct feed *f = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct filter *filter = filter_compile(rows[i].text, NULL);
        const char *name = filter_unknown(filter, f->fleet);
        if (name != rows[i].want && (!name || !rows[i].want || strcmp(name, rows[i].want) != 0))
            fail_msg("%s: %s", rows[i].text, name ? name : "nothing");
        filter_free(filter);
    }
}

/* The hints where the text has a | in it, joined by blanks; first what would be replaced. */
static const char *hints(const struct feed *f, const char *text)
{
    static char out[4096];
    char typed[128];
    struct filter_hints h;
    size_t at = strcspn(text, "|");
    snprintf(typed, sizeof(typed), "%.*s%s", (int)at, text, text + at + 1);
    filter_complete(typed, at, f->fleet, &h);
    int len = snprintf(out, sizeof(out), "%.*s", (int)(h.to - h.from), typed + h.from);
    for (size_t i = 0; i < h.count; i++)
        len += snprintf(out + len, sizeof(out) - (size_t)len, " %s", h.word[i]);
    return out;
}

static void what_may_stand_there_is_offered(void **state)
{
    static const struct row rows[] = {
        { "fw|", "fw fw" },
        { "re|", "re reset reason" },
        { "(not re|", "re reset reason" },
        { "!si|", "si site" },
        { "pump my|", "my my_volts" },
        { "state=|", " crit warn offline stale updating ok" },
        { "state=ok,o| x", "o offline ok" },
        { "fw<|", " 0.9.0-rc1 1.10.2 1.9.0" },
        { "fw<1.1|", "1.1 1.10.2" },
        { "hw:e|", "e esp32 esp32c3" },
        { "group:b|", "b Berlin berlin" },
        { "group:B|", "B Berlin" },
        { "group:site:|", "site: site:Ams" },
        { "site:|", " Ams" },
        { "hw = e|", "e esp32 esp32c3" },
        { "hw =|", " esp32 esp32c3" },
        { "hw = |", " esp32 esp32c3" },
        { "hw=esp32, e|", "e esp32 esp32c3" },
        { "hw = x re|", "re reset reason" },
        { "hw  re|", "re reset reason" },
        { "pump !si|", "si site" },
        { "id:pump|", "pump pump-1 pump-2" },
        { "ota=d|", "d done downloading" },
        { "reason=|", " none" },
        { "seen>|", " never" },
        { "temp>|", "" },
        { "\"re|", "" },
        { "id~/re|", "" },
        { "id~/a b/ re|", "re reset reason" },
        { "id=\"a b\",pump-1|", "pump-1 pump-1" },
    };
    struct feed *f = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(hints(f, rows[i].text), rows[i].want) != 0)
            fail_msg("%s: '%s', not '%s'", rows[i].text, hints(f, rows[i].text), rows[i].want);
    }
}

static void half_a_word_may_become_a_field(void **state)
{
    static const struct row rows[] = {
        { "te", "te" },
        { "temp", "temp" },
        { "temp>20 f", "f" },
        { "temp>20 an", "an" },
        { "not", "not" },
        { "(sit", "sit" },
        { "temp>20 or", "or" },
        { "free_heap", "free_heap" },
        { "pump", "-" },
        { "an", "-" },
        { "temp ", "-" },
        { "temp>", "-" },
        { "\"te", "-" },
        { "/te", "-" },
        { "", "-" },
        { "!fw", "fw" },
        { "temperature", "temperature" },
    };
    struct feed *f = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *word = filter_half_word(rows[i].text, f->fleet);
        if (strcmp(word ? word : "-", rows[i].want) != 0)
            fail_msg("'%s': '%s', not '%s'", rows[i].text, word ? word : "-", rows[i].want);
    }
}

static void a_word_may_be_in_another_field(void **state)
{
    static const struct row rows[] = {
        { "esp32c", "hw:esp32c3" }, { " weat ", "product:weather" },
        { "nothing", "" },          { "hw:esp32", "" },
        { "two words", "" },        { "", "" },
        { "1.10", "fw:1.10.2" },
    };
    struct feed *f = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char meant[FILTER_MEANT_MAX];
        filter_meant(rows[i].text, f->fleet, meant);
        if (strcmp(meant, rows[i].want) != 0)
            fail_msg("'%s': '%s', not '%s'", rows[i].text, meant, rows[i].want);
    }
}

static void numbers_are_in_the_unit_shown_unless_they_say_another(void **state)
{
    static const struct row rows[] = {
        { "temp>80", "1" },
        { "temperature>80", "1" },
        { "temp>80C", "1" },
        { "temp=85.5", "1" },
        { "temp=85.5C", "1" },
        { "heap=41kB", "1" }, /* 41,912 bytes are shown as 41 kB */
        { "heap>41kB", "" },
        { "heap>40kB", "1" },
        { "temp>85.5", "" },
        { "temp>=85.5", "1" },
        { "temp<0", "" }, /* who has none, has none */
        { "temp!=1", "123" },
        { "pressure>1000", "1" }, /* hPa */
        { "pressure>1020", "" },
        { "press>1000hPa", "1" },
        { "pressure>101000Pa", "1" },
        { "pressure>102000Pa", "" },
        { "heap<42", "1" },
        { "heap<40kB", "" },
        { "my_volts>3", "1" },
        { "my_volts>3e0", "1" },
        { "volts>3", "" },
        { "uptime>2d", "1" },
        { "uptime>72h", "" },
        { "uptime>=72h", "1" },
        { "seen>5s", "12" },
        { "seen<1m", "12" },
        { "seen>5m", "" },
        { "seen=never", "3" },
        { "cert<200d", "1" },
        { "cert>1d", "1" },
        { "temp:80,85.5", "1" },
    };
    CHECK(*state, rows);
}

static void a_mistake_is_told_with_its_place(void **state)
{
    static const struct row rows[] = {
        { "temp>>80", "5+3" },      { "state=fine", "6+4" },  { "fw<", "3+1" },
        { "fw<<1", "3+2" },         { "target>=new", "8+3" }, { "(pump", "0+1" },
        { "pump)", "4+1" },         { "pump or", "7+1" },     { "and pump", "0+3" },
        { "pump and or x", "9+2" }, { ">3", "0+1" },          { "\"open", "0+5" },
        { "/(/", "0+3" },           { "seen>soon", "5+4" },   { "id>3", "2+1" },
        { "fw<1,2", "2+1" },        { "site>ams", "0+4" }, /* there is no such field, and no reading
                                                              is a word */
        { "temp>80 not", "11+1" },  { ",", "0+1" },
    };
    CHECK(*state, rows);
}

static void the_message_says_what_is_wanted(void **state)
{
    struct filter_error err;
    (void)state;
    assert_null(filter_compile("temp>>80", &err));
    assert_string_equal(err.text, "a number is wanted here");
    assert_null(filter_compile("site>ams", &err));
    assert_string_equal(err.text, "'site' would be a reading, and a number is wanted behind it");
    assert_null(filter_compile("state=fine", &err));
    assert_string_equal(err.text, "a state is wanted here: crit warn offline stale updating ok");
}

static void the_place_of_a_mistake_can_be_said(void **state)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        { "temp>>80 and id=a", "a number is wanted here, at \">80\"" },
        { "id=lab state=fine",
          "a state is wanted here: crit warn offline stale updating ok, at \"fine\"" },
    };
    struct filter_error err;
    char said[FILTER_SAID_MAX], text[FILTER_TEXT_MAX];
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_null(filter_compile(rows[i].text, &err));
        assert_string_equal(filter_error_said(&err, rows[i].text, said), rows[i].said);
    }
    assert_null(filter_compile("temp>", &err));
    assert_non_null(strstr(filter_error_said(&err, "temp>", said), ", at the end"));
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "state=", 6);
    assert_null(filter_compile(text, &err));
    assert_in_range(strlen(filter_error_said(&err, text, said)), 1, FILTER_SAID_MAX - 1);
}

static void what_is_too_long_or_too_deep_is_refused(void **state)
{
    struct filter_error err;
    char text[FILTER_TEXT_MAX + 2];
    (void)state;

    memset(text, '(', sizeof(text));
    text[FILTER_DEPTH * 2] = '\0';
    assert_null(filter_compile(text, &err));

    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_null(filter_compile(text, &err));

    for (size_t i = 0; i < sizeof(text) - 1; i++)
        text[i] = i % 2 ? ' ' : 'a';
    assert_null(filter_compile(text, &err));
    text[FILTER_TERMS * 2 - 1] = '\0';
    struct filter *filter = filter_compile(text, &err);
    assert_non_null(filter);
    filter_free(filter);
}

static void a_reading_that_appears_later_is_found(void **state)
{
    struct feed *f = *state;
    struct filter *filter = filter_compile("lux>5", NULL);
    assert_non_null(filter);
    assert_false(filter_match(filter, f->fleet, feed_device(f, "pump-1"), f->now_ms));
    feed_say(f, "devices/pump-1/telemetry/env", "{\"lux\":7}");
    assert_true(filter_match(filter, f->fleet, feed_device(f, "pump-1"), f->now_ms));
    filter_free(filter);
}

static void a_version_that_appears_later_is_compared(void **state)
{
    struct feed *f = *state;
    char topic[64], body[96];
    struct filter *filter = filter_compile("fw=3.0.499", NULL);
    uint32_t found = 0;
    for (int i = 0; i < 500; i++) {
        snprintf(topic, sizeof(topic), "devices/n%d/status", i);
        snprintf(body, sizeof(body), "{\"state\":\"online\",\"fw\":\"3.0.%d\"}", i);
        uint32_t device = feed_say(f, topic, body);
        found += filter_match(filter, f->fleet, fleet_device(f->fleet, device), f->now_ms);
    }
    assert_int_equal(found, 1);
    filter_free(filter);
}

/* ---- a property: the program says what the tree of the same text would say --------------------
 */

/* A random expression of a, b, c (which are true or false by bits) and its value. */
static bool random_expr(uint32_t *seed, unsigned bits, unsigned depth, char *out, size_t cap)
{
    static const char *const text[] = { "boots=12", "keyset=3", "slot=ota_0" };
    *seed = *seed * 1664525u + 1013904223u;
    unsigned kind = *seed >> 24 & 3;
    char a[400], b[400];
    bool va, vb;

    if (depth == 0 || kind == 0) {
        unsigned i = (*seed >> 16) % 3;
        bool want = bits >> i & 1;
        snprintf(out, cap, "%s%s", want ? "" : "not ", text[i]);
        return want;
    }
    va = random_expr(seed, bits, depth - 1, a, sizeof(a));
    if (kind == 1) {
        snprintf(out, cap, "not (%s)", a);
        return !va;
    }
    vb = random_expr(seed, bits, depth - 1, b, sizeof(b));
    snprintf(out, cap, kind == 2 ? "(%s) %s(%s)" : "(%s) or %s(%s)", a,
             kind == 2 && *seed & 1024 ? "and " : "", b);
    return kind == 2 ? va && vb : va || vb;
}

static void any_expression_has_the_value_of_its_tree(void **state)
{
    struct feed *f = *state;
    uint32_t seed = 7;
    for (int i = 0; i < 3000; i++) {
        char text[1200];
        /* All three terms hold for pump-1; "not" before one makes it false. */
        bool want = random_expr(&seed, (unsigned)i & 7, 4, text, sizeof(text));
        struct filter_error err;
        struct filter *filter = filter_compile(text, &err);
        if (!filter) /* longer than a filter may be */
            continue;
        if (filter_match(filter, f->fleet, feed_device(f, "pump-1"), f->now_ms) != want)
            fail_msg("%s is %d", text, !want);
        filter_free(filter);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_bare_text_is_looked_for_in_id_and_groups),
        T(words_join_by_and_or_not_and_parentheses),
        T(fields_compare_as_what_they_are),
        T(a_group_with_a_value_is_a_field),
        T(a_name_that_says_nothing_is_told),
        T(what_may_stand_there_is_offered),
        T(half_a_word_may_become_a_field),
        T(a_word_may_be_in_another_field),
        T(numbers_are_in_the_unit_shown_unless_they_say_another),
        T(a_mistake_is_told_with_its_place),
        cmocka_unit_test(the_message_says_what_is_wanted),
        cmocka_unit_test(the_place_of_a_mistake_can_be_said),
        cmocka_unit_test(what_is_too_long_or_too_deep_is_refused),
        T(a_reading_that_appears_later_is_found),
        T(a_version_that_appears_later_is_compared),
        T(any_expression_has_the_value_of_its_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
