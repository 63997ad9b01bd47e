#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/hex.h"

static void hex_goes_both_ways(void **state)
{
    static const uint8_t data[] = { 0x00, 0x7f, 0xa5, 0xff };
    uint8_t back[4];
    char text[9];
    (void)state;

    hex_encode(data, sizeof(data), text);
    assert_string_equal(text, "007fa5ff");
    assert_int_equal(hex_decode(text, 8, back, 4), 0);
    assert_memory_equal(back, data, 4);
    assert_int_equal(hex_decode("007FA5FF", 8, back, 4), 0);
    assert_memory_equal(back, data, 4);
}

static void hex_of_another_length_or_alphabet_is_refused(void **state)
{
    uint8_t out[4];
    (void)state;

    assert_int_equal(hex_decode("007fa5f", 7, out, 4), -1);
    assert_int_equal(hex_decode("007fa5ff0", 9, out, 4), -1);
    assert_int_equal(hex_decode("007fa5ff", 8, out, 3), -1);
    assert_int_equal(hex_decode("007fa5fg", 8, out, 4), -1);
    assert_int_equal(hex_decode("007fa5f ", 8, out, 4), -1);
    assert_int_equal(hex_decode("", 0, out, 0), 0);
}

/* RFC 4648 section 10, without padding. */
static void base64url_follows_the_rfc(void **state)
{
    static const char *const pairs[][2] = {
        { "", "" },           { "f", "Zg" },          { "fo", "Zm8" },          { "foo", "Zm9v" },
        { "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[16];
        uint8_t back[16];
        size_t len = strlen(pairs[i][0]);
        const uint8_t *data = (const uint8_t *)pairs[i][0];
        assert_int_equal(b64url_encode(data, len, text, sizeof(text)), strlen(pairs[i][1]));
        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(b64url_decode(text, strlen(text), back, sizeof(back)), len);
        assert_memory_equal(back, data, len);
    }
}

static void base64url_uses_the_url_alphabet(void **state)
{
    static const uint8_t data[] = { 0xfb, 0xff, 0xbf };
    uint8_t out[3];
    char text[5];
    (void)state;

    assert_int_equal(b64url_encode(data, 3, text, sizeof(text)), 4);
    assert_string_equal(text, "-_-_");
    assert_int_equal(b64url_decode("+/+/", 4, out, 3), -1);
}

static void base64url_has_one_spelling(void **state)
{
    uint8_t out[16];
    (void)state;

    assert_int_equal(b64url_decode("Zg==", 4, out, sizeof(out)), -1); /* padding */
    assert_int_equal(b64url_decode("Zh", 2, out, sizeof(out)), -1);   /* unused bits */
    assert_int_equal(b64url_decode("Zm9", 3, out, sizeof(out)), -1);
    assert_int_equal(b64url_decode("Z", 1, out, sizeof(out)), -1);
    assert_int_equal(b64url_decode("Zm9vZ", 5, out, sizeof(out)), -1);
    assert_int_equal(b64url_decode("Zm 9v", 5, out, sizeof(out)), -1);
    assert_int_equal(b64url_decode("Zm9v\n", 5, out, sizeof(out)), -1);
}

static void base64url_keeps_to_its_buffer(void **state)
{
    char text[5];
    uint8_t out[3] = { 0 };
    (void)state;

    assert_int_equal(b64url_encode((const uint8_t *)"foo", 3, text, 5), 4);
    assert_int_equal(b64url_encode((const uint8_t *)"foo", 3, text, 4), -1);
    assert_int_equal(b64url_decode("Zm9v", 4, out, 3), 3);
    assert_int_equal(b64url_decode("Zm9v", 4, out, 2), -1);
}

static void base64url_decodes_in_place(void **state)
{
    char text[] = "Zm9vYmFy";
    (void)state;

    assert_int_equal(b64url_decode(text, 8, (uint8_t *)text, sizeof(text)), 6);
    assert_memory_equal(text, "foobar", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(hex_of_another_length_or_alphabet_is_refused),
        cmocka_unit_test(base64url_follows_the_rfc),
        cmocka_unit_test(base64url_uses_the_url_alphabet),
        cmocka_unit_test(base64url_has_one_spelling),
        cmocka_unit_test(base64url_keeps_to_its_buffer),
        cmocka_unit_test(base64url_decodes_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
