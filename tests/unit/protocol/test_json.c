#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/json_read.h"
#include "protocol/json_write.h"

enum { TOKENS = 64, DEPTH = 4 };

static int parse_len(struct json *j, const char *text, size_t len)
{
    return json_parse(j, text, len, TOKENS, DEPTH);
}

static int parse(struct json *j, const char *text)
{
    return parse_len(j, text, strlen(text));
}

static void assert_refused(const char *text)
{
    struct json j;
    if (parse(&j, text) == 0)
        fail_msg("accepted: %s", text);
}

static void assert_accepted(const char *text)
{
    struct json j;
    if (parse(&j, text) != 0)
        fail_msg("refused: %s", text);
}

static void the_grammar_is_accepted(void **state)
{
    (void)state;
    assert_accepted("{}");
    assert_accepted(" \t\r\n{ } \n");
    assert_accepted("{\"a\":1}");
    assert_accepted("{ \"a\" : [ ] , \"b\" : { } , \"c\" : [ 1 , \"x\" , null , true , false ] }");
    assert_accepted("{\"a\":-0,\"b\":0,\"c\":-1.5e+10,\"d\":1E-2,\"e\":10.25}");
    assert_accepted("{\"\":\"\"}");
    assert_accepted("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}");
    assert_accepted("{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}");
    assert_accepted("{\"a\":[[[]]]}");
}

static void what_is_not_the_grammar_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "1",
        "\"a\"",
        "[]",
        "null",
        "{",
        "}",
        "{}}",
        "{} {}",
        "{}x",
        "{},",
        ",{}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1,,\"b\":2}",
        "{a:1}",
        "{1:2}",
        "{\"a\" 1}",
        "{\"a\"::1}",
        "{\"a\":1:2}",
        "{\"a\":\"b\":\"c\"}",
        "{\"a\":[1 2]}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1}",
        "{\"a\":{]}",
        "{\"a\":tru}",
        "{\"a\":truex}",
        "{\"a\":nul}",
        "{\"a\":nan}",
        "{\"a\":NaN}",
        "{\"a\":inf}",
        "{\"a\":-}",
        "{\"a\":+1}",
        "{\"a\":01}",
        "{\"a\":-01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":1e+}",
        "{\"a\":0x10}",
        "{\"a\":1_0}",
        "{\"a\":1,\"b\"}",
        "{'a':1}",
        "{\"a\":'b'}",
        "{\"a\":\"b}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\x01\"}",
        "// x\n{}",
        "{}/**/",
        "\xef\xbb\xbf{}",
        "{\"a\":[}]}",
        "{:1}",
        "{[]:1}",
        "{\"a\":1}\"b\"",
        "{\"a\":{\"b\"}}",
        "{\"a\":[\"b\":1]}",
        "{{}}",
        "{[]}",
        "{\"a\"\"b\":1}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused(bad[i]);
}

static void nul_and_trailing_bytes_are_refused(void **state)
{
    struct json j;

    (void)state;
    assert_int_equal(parse_len(&j, "{}\0", 3), -1);
    assert_int_equal(parse_len(&j, "{\"a\":1\0}", 8), -1);
    assert_int_equal(parse_len(&j, "{\"a\":\"x\0y\"}", 11), -1);
    assert_int_equal(parse_len(&j, "{\"a\":1}\0{}", 10), -1);
    assert_refused("{\"a\":\"\\u0000\"}");
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    assert_refused("{\"a\":\"\x80\"}");
    assert_refused("{\"a\":\"\xc3\"}");
    assert_refused("{\"a\":\"\xc0\x80\"}");         /* overlong NUL */
    assert_refused("{\"a\":\"\xe0\x80\xaf\"}");     /* overlong slash */
    assert_refused("{\"a\":\"\xf0\x80\x80\xaf\"}"); /* and longer */
    assert_refused("{\"a\":\"\xed\xa0\x80\"}");     /* a surrogate */
    assert_refused("{\"a\":\"\xf4\x90\x80\x80\"}"); /* above U+10FFFF */
    assert_refused("{\"a\":\"\xff\"}");
    assert_refused("{\"\xc3\":1}");
}

static void half_a_surrogate_pair_is_refused(void **state)
{
    (void)state;
    assert_refused("{\"a\":\"\\ud83d\"}");
    assert_refused("{\"a\":\"\\ude00\"}");
    assert_refused("{\"a\":\"\\ud83dx\"}");
    assert_refused("{\"a\":\"\\ud83d\\u0041\"}");
    assert_refused("{\"a\":\"\\ud83d\\ud83d\"}");
}

static void duplicate_keys_are_refused_however_they_are_spelt(void **state)
{
    (void)state;
    assert_refused("{\"a\":1,\"a\":1}");
    assert_refused("{\"a\":1,\"b\":2,\"a\":3}");
    assert_refused("{\"a\":1,\"\\u0061\":2}");
    assert_refused("{\"\\u0061\":1,\"\\u0061\":2}");
    assert_refused("{\"\xc3\xa9\":1,\"\\u00e9\":2}");
    assert_refused("{\"x\":{\"a\":1,\"a\":2}}");
    assert_refused("{\"x\":[{\"a\":1,\"b\":[],\"a\":2}]}");
    assert_accepted("{\"a\":{\"a\":1},\"b\":{\"a\":1}}");
    assert_accepted("{\"a\":1,\"ab\":2,\"A\":3}");
}

static void nesting_is_limited(void **state)
{
    (void)state;
    assert_accepted("{\"a\":[[[1]]]}");
    assert_refused("{\"a\":[[[[]]]]}");
    assert_refused("{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}");
}

static void more_values_than_allowed_are_refused(void **state)
{
    struct json j;
    (void)state;

    assert_int_equal(json_parse(&j, "{\"a\":1}", 7, 3, 1), 0);
    assert_int_equal(json_parse(&j, "{\"a\":1}", 7, 2, 1), -1);
}

static void members_are_found_in_any_order(void **state)
{
    struct json j;
    uint32_t v;
    (void)state;

    assert_int_equal(parse(&j, "{\"a\":1,\"b\":{\"a\":2},\"c\":[5],\"d\":4}"), 0);
    assert_int_equal(json_u32(&j, json_member(&j, JSON_ROOT, "d"), &v), 0);
    assert_int_equal(v, 4);
    assert_int_equal(json_u32(&j, json_member(&j, JSON_ROOT, "a"), &v), 0);
    assert_int_equal(v, 1);
    int b = json_member(&j, JSON_ROOT, "b");
    assert_int_equal(json_u32(&j, json_member(&j, b, "a"), &v), 0);
    assert_int_equal(v, 2);
    assert_int_equal(json_member(&j, JSON_ROOT, "e"), JSON_NONE);
    assert_int_equal(json_member(&j, b, "b"), JSON_NONE);
    assert_int_equal(json_member(&j, json_member(&j, JSON_ROOT, "c"), "a"), JSON_NONE);
    assert_int_equal(json_member(&j, JSON_NONE, "a"), JSON_NONE);
    assert_int_not_equal(json_member(&j, JSON_ROOT, "c"), JSON_NONE);
}

static void a_key_spelt_with_escapes_is_found(void **state)
{
    struct json j;
    uint32_t v;
    (void)state;

    assert_int_equal(parse(&j, "{\"x\":0,\"\\u0061b\":7}"), 0);
    assert_int_equal(json_u32(&j, json_member(&j, JSON_ROOT, "ab"), &v), 0);
    assert_int_equal(v, 7);
    assert_int_equal(json_member(&j, JSON_ROOT, "a"), JSON_NONE);
    assert_int_equal(json_member(&j, JSON_ROOT, "abc"), JSON_NONE);
}

static void containers_are_walked(void **state)
{
    struct json j;
    uint32_t v, sum = 0;
    int count = 0;
    (void)state;

    assert_int_equal(parse(&j, "{\"a\":[1,[9],2,{\"x\":9},4],\"b\":0,\"c\":[]}"), 0);
    int a = json_member(&j, JSON_ROOT, "a");
    for (int i = json_first(&j, a); i != JSON_NONE; i = json_next(&j, i)) {
        if (json_u32(&j, i, &v) == 0)
            sum += v;
        count++;
    }
    assert_int_equal(sum, 7);
    assert_int_equal(count, 5);
    count = 0;
    for (int k = json_first(&j, JSON_ROOT); k != JSON_NONE; k = json_next(&j, k))
        count++;
    assert_int_equal(count, 3);
    assert_int_equal(json_first(&j, json_member(&j, JSON_ROOT, "c")), JSON_NONE);
    assert_int_equal(json_first(&j, json_member(&j, JSON_ROOT, "b")), JSON_NONE);
}

static int u64_of(const char *text, uint64_t *out)
{
    struct json j;
    assert_int_equal(parse(&j, text), 0);
    return json_u64(&j, json_member(&j, JSON_ROOT, "a"), out);
}

static void whole_numbers_have_one_spelling(void **state)
{
    struct json j;
    uint64_t v;
    uint32_t w;
    (void)state;

    assert_int_equal(u64_of("{\"a\":18446744073709551615}", &v), 0);
    assert_true(v == UINT64_MAX);
    assert_int_equal(u64_of("{\"a\":18446744073709551616}", &v), -1);
    assert_true(v == 0);
    assert_int_equal(u64_of("{\"a\":99999999999999999999999}", &v), -1);
    assert_int_equal(u64_of("{\"a\":-1}", &v), -1);
    assert_int_equal(u64_of("{\"a\":1.0}", &v), -1);
    assert_int_equal(u64_of("{\"a\":1e3}", &v), -1);
    assert_int_equal(u64_of("{\"a\":\"1\"}", &v), -1);
    assert_int_equal(u64_of("{\"a\":true}", &v), -1);
    assert_int_equal(u64_of("{\"b\":1}", &v), -1);
    assert_int_equal(parse(&j, "{\"a\":4294967295,\"b\":4294967296}"), 0);
    assert_int_equal(json_u32(&j, json_member(&j, JSON_ROOT, "a"), &w), 0);
    assert_true(w == UINT32_MAX);
    assert_int_equal(json_u32(&j, json_member(&j, JSON_ROOT, "b"), &w), -1);
    assert_int_equal(w, 0);
}

static void texts_are_unescaped_and_bounded(void **state)
{
    struct json j;
    char out[8];
    (void)state;

    assert_int_equal(parse(&j, "{\"a\":\"\\u00e9\\\"\\\\x\",\"b\":\"1234567\",\"c\":\"12345678\","
                               "\"d\":\"a\\nb\",\"e\":\"\xc2\x9b\",\"f\":\"\x7f\",\"g\":7}"),
                     0);
    assert_int_equal(json_text(&j, json_member(&j, JSON_ROOT, "a"), out, sizeof(out)), 0);
    assert_string_equal(out, "\xc3\xa9\"\\x");
    assert_int_equal(json_text(&j, json_member(&j, JSON_ROOT, "b"), out, sizeof(out)), 0);
    assert_string_equal(out, "1234567");
    static const char *const refused[] = { "c", "d", "e", "f", "g", "h" };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        int value = json_member(&j, JSON_ROOT, refused[i]);
        assert_int_equal(json_text(&j, value, out, sizeof(out)), -1);
        assert_string_equal(out, "");
    }
}

static void prose_is_cut_between_characters_and_has_no_controls(void **state)
{
    struct json j;
    char out[6];
    (void)state;

    assert_int_equal(parse(&j, "{\"a\":\"abcd\xc3\xa9\",\"b\":\"a\\u001b[\\u009bb\"}"), 0);
    assert_int_equal(json_prose(&j, json_member(&j, JSON_ROOT, "a"), out, sizeof(out)), 0);
    assert_string_equal(out, "abcd");
    assert_int_equal(json_prose(&j, json_member(&j, JSON_ROOT, "b"), out, sizeof(out)), 0);
    assert_string_equal(out, "a [ b");
}

static void optional_fields_may_be_absent_but_not_wrong(void **state)
{
    struct json j;
    uint32_t v = 9;
    bool b;
    (void)state;

    assert_int_equal(parse(&j, "{\"a\":\"x\",\"t\":true,\"n\":null}"), 0);
    assert_int_equal(json_get_u32(&j, JSON_ROOT, "z", JSON_MAY, &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(json_get_u32(&j, JSON_ROOT, "z", JSON_MUST, &v), -1);
    assert_int_equal(json_get_u32(&j, JSON_ROOT, "a", JSON_MAY, &v), -1);
    assert_int_equal(json_get_bool(&j, JSON_ROOT, "t", JSON_MUST, &b), 0);
    assert_true(b);
    assert_int_equal(json_get_bool(&j, JSON_ROOT, "n", JSON_MAY, &b), -1);
}

static void what_is_written_is_read_back(void **state)
{
    char out[256];
    struct json_writer w;
    struct json j;
    char text[32];
    uint8_t bytes[2];
    static const uint8_t data[] = { 0xab, 0x01 };
    (void)state;

    json_begin(&w, out, sizeof(out));
    json_put_text(&w, "t", "q\"b\\n\n\x01\xc3\xa9\xff");
    json_put_u64(&w, "u", UINT64_MAX);
    json_put_i64(&w, "i", INT64_MIN);
    json_put_fixed(&w, "f", -5, 2);
    json_put_fixed(&w, "g", 2153, 2);
    json_open_array(&w, "arr");
    json_put_bool(&w, NULL, true);
    json_put_u64(&w, NULL, 0);
    json_open_object(&w, NULL);
    json_close_object(&w);
    json_close_array(&w);
    json_put_hex(&w, "h", data, sizeof(data));
    json_put_b64url(&w, "b", data, sizeof(data));
    json_put_text_if(&w, "no", "");
    json_put_u64_if(&w, "no", 0);
    json_put_raw(&w, "r", "{\"x\":1}", 7);
    int len = json_end(&w);

    assert_string_equal(out, "{\"t\":\"q\\\"b\\\\n\\n\\u0001\xc3\xa9?\",\"u\":18446744073709551615,"
                             "\"i\":-9223372036854775808,\"f\":-0.05,\"g\":21.53,"
                             "\"arr\":[true,0,{}],\"h\":\"ab01\",\"b\":\"qwE\",\"r\":{\"x\":1}}");
    assert_int_equal(len, strlen(out));
    assert_int_equal(parse(&j, out), 0);
    assert_true(json_equals(&j, json_member(&j, JSON_ROOT, "t"), "q\"b\\n\n\x01\xc3\xa9?"));
    assert_int_equal(json_text(&j, json_member(&j, JSON_ROOT, "h"), text, sizeof(text)), 0);
    assert_int_equal(json_hex(&j, json_member(&j, JSON_ROOT, "h"), bytes, sizeof(bytes)), 0);
    assert_memory_equal(bytes, data, sizeof(data));
}

static void a_buffer_too_small_by_any_amount_is_told(void **state)
{
    char whole[64], out[64];
    struct json_writer w;
    (void)state;

    for (size_t cap = 0; cap <= 32; cap++) {
        memset(out, 'Z', sizeof(out));
        json_begin(&w, out, cap);
        json_put_text(&w, "state", "onl\"ine");
        json_put_u64(&w, "n", 42);
        int len = json_end(&w);
        assert_int_equal(out[cap], 'Z');
        if (len >= 0) {
            memcpy(whole, out, (size_t)len + 1);
            assert_string_equal(whole, "{\"state\":\"onl\\\"ine\",\"n\":42}");
            assert_true(cap > 27);
        } else if (cap > 0) {
            assert_string_equal(out, "");
        }
        assert_int_equal(len, cap > 27 ? 27 : -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grammar_is_accepted),
        cmocka_unit_test(what_is_not_the_grammar_is_refused),
        cmocka_unit_test(nul_and_trailing_bytes_are_refused),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(half_a_surrogate_pair_is_refused),
        cmocka_unit_test(duplicate_keys_are_refused_however_they_are_spelt),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(more_values_than_allowed_are_refused),
        cmocka_unit_test(members_are_found_in_any_order),
        cmocka_unit_test(a_key_spelt_with_escapes_is_found),
        cmocka_unit_test(containers_are_walked),
        cmocka_unit_test(whole_numbers_have_one_spelling),
        cmocka_unit_test(texts_are_unescaped_and_bounded),
        cmocka_unit_test(prose_is_cut_between_characters_and_has_no_controls),
        cmocka_unit_test(optional_fields_may_be_absent_but_not_wrong),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_buffer_too_small_by_any_amount_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
