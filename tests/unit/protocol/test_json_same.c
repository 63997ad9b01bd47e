/* A large machine's reader takes short cuts. Texts by the ten thousand, most of them nearly JSON,
 * must mean the same to it and to the one without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int facts_small(const char *text, size_t len, char *out, size_t cap);
int facts_large(const char *text, size_t len, char *out, size_t cap);

#define FACTS facts_large
#include "json_facts.h"

enum { TEXTS = 60000, TEXT_MAX = 1500, OUT_MAX = 1 << 16 };

struct maker {
    uint32_t random;
    char text[TEXT_MAX];
    size_t len;
};

static uint32_t below(struct maker *m, uint32_t n)
{
    m->random = m->random * 1664525u + 1013904223u;
    return (m->random >> 8) % n;
}

static void say(struct maker *m, const char *words)
{
    size_t n = strlen(words);
    if (n < TEXT_MAX - m->len) {
        memcpy(m->text + m->len, words, n);
        m->len += n;
    }
}

static void say_space(struct maker *m)
{
    static const char *const spaces[] = { " ", "\n\t", "  \r\n " };
    if (below(m, 12) == 0)
        say(m, spaces[below(m, 3)]);
}

/* Names that share beginnings, ends, lengths and spellings. */
static void say_key(struct maker *m, bool many)
{
    static const char *const keys[] = { "a",
                                        "b",
                                        "ab",
                                        "\\u0061",
                                        "\\u0061b",
                                        "ba",
                                        "interval",
                                        "intermal",
                                        "state",
                                        "stale",
                                        "release",
                                        "",
                                        "n\\n",
                                        "\xc3\xa9",
                                        "\\u00e9",
                                        "release_seq",
                                        "release_seq_of_the_last",
                                        "x\x7fy",
                                        "\\/" };
    char key[16];

    if (!many) {
        say(m, keys[below(m, sizeof(keys) / sizeof(keys[0]))]);
        return;
    }
    snprintf(key, sizeof(key), "k%u", (unsigned)below(m, 4000));
    say(m, key);
}

static void say_value(struct maker *m, int depth);

static void say_members(struct maker *m, int depth, uint32_t most)
{
    uint32_t n = below(m, most + 1);

    say(m, "{");
    say_space(m);
    for (uint32_t i = 0; i < n; i++) {
        say(m, i ? ",\"" : "\"");
        say_key(m, most > 12);
        say(m, "\"");
        say_space(m);
        say(m, ":");
        say_space(m);
        say_value(m, depth);
        say_space(m);
    }
    say(m, "}");
}

static void say_list(struct maker *m, int depth)
{
    say(m, "[");
    for (uint32_t i = 0, n = below(m, 4); i < n; i++) {
        if (i)
            say(m, ",");
        say_value(m, depth);
    }
    say(m, "]");
}

static void say_value(struct maker *m, int depth)
{
    static const char *const good[] = {
        "0",
        "1",
        "-1",
        "12.50",
        "4294967295",
        "4294967296",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999",
        "1e3",
        "-0.5E-7",
        "true",
        "false",
        "null",
        "\"\"",
        "\"online\"",
        "\"1234567\"",
        "\"12345678\"",
        "\"123456789\"",
        "\"exactly 16 bytes\"",
        "\"abcdefg\\\"\"",
        "\"\\u00e9\\ud83d\\ude00\"",
        "\"\xc2\x9b\"",
        "\"\xe2\x82\xac of eight\"",
        "\"a text that is long\"",
        "\"del \x7f\"",
        "\"\\\\\"",
        "\"12345678\\n\"",
    };
    static const char *const bad[] = {
        "01", "1.", "-", "tru", "True", "+1", "\"\xed\xa0\x80\"", "\"1234567\x1f\"", "\"tab\there\""
    };

    if (depth > 0 && below(m, 8) == 0)
        say_members(m, depth - 1, 5);
    else if (depth > 0 && below(m, 8) == 0)
        say_list(m, depth - 1);
    else if (below(m, 100) > 0)
        say(m, good[below(m, sizeof(good) / sizeof(good[0]))]);
    else
        say(m, bad[below(m, sizeof(bad) / sizeof(bad[0]))]);
}

static void spoil(struct maker *m)
{
    static const char bytes[] = "\"\\{}[]:,0a \x01\x80\xff\x7f";

    for (uint32_t n = below(m, 3); n > 0 && m->len > 0; n--) {
        size_t at = below(m, (uint32_t)m->len);
        if (below(m, 2))
            m->text[at] = bytes[below(m, sizeof(bytes))];
        else
            m->len = below(m, 4) ? m->len : at;
    }
}

/* Read from a block of its own, so that a sanitizer sees a step beyond the end. */
static int compare(const char *text, size_t len)
{
    static char large[OUT_MAX], small[OUT_MAX];
    char *exact = malloc(len + 1);

    assert_non_null(exact);
    char *start = exact + 1; /* unaligned */
    memcpy(start, text, len);
    int rc = facts_large(start, len, large, sizeof(large));
    assert_int_equal(rc, facts_small(start, len, small, sizeof(small)));
    if (strcmp(large, small) != 0)
        fail_msg("not the same of: %.*s\n%s\n%s", (int)len, start, large, small);
    free(exact);
    return rc;
}

static void both_readers_find_the_same(void **state)
{
    static struct maker m = { .random = 1 };
    int accepted = 0;
    (void)state;

    for (int i = 0; i < TEXTS; i++) {
        m.len = 0;
        say_space(&m);
        say_members(&m, 3, below(&m, 6) ? 12 : 50);
        say_space(&m);
        if (below(&m, 3) == 0)
            spoil(&m);
        accepted += compare(m.text, m.len) == 0;
    }
    /* Neither is a test of what is refused, nor of what is accepted alone. */
    assert_in_range(accepted, TEXTS / 20, TEXTS - TEXTS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(both_readers_find_the_same) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
