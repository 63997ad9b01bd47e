#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/order.h"
#include "protocol/ota_state.h"
#include "protocol/reason.h"
#include "protocol/status.h"

/* The words of the wire: reasons, states, verbs, resets. */

static void every_reason_is_found_by_its_word(void **state)
{
    enum reason back;
    unsigned next = 0;
    (void)state;

#define X(name, number, word, class, text)                                                         \
    assert_int_equal(number, next++);                                                              \
    assert_string_equal(reason_word(REASON_##name), word);                                         \
    assert_true(reason_text(REASON_##name)[0] != '\0');                                            \
    assert_int_equal(reason_from_word(word, strlen(word), &back), 0);                              \
    assert_int_equal(back, REASON_##name);
    REASON_MAP(X)
#undef X
}

/* Numbers are kept in flash, words are on the wire: neither may ever change. */
static void the_numbers_of_reasons_are_fixed(void **state)
{
    (void)state;
    assert_int_equal(REASON_BAD_SIGNATURE, 1);
    assert_int_equal(REASON_DOWNGRADE, 11);
    assert_int_equal(REASON_HASH_MISMATCH, 29);
    assert_int_equal(REASON_SELF_TEST, 33);
    assert_int_equal(REASON_ABORTED_BY_OPERATOR, 39);
    assert_int_equal(REASON_INTERNAL, 56);
}

static void a_reason_of_a_newer_device_is_internal(void **state)
{
    enum reason reason;
    (void)state;

    assert_int_equal(reason_from_word("solar_flare", 11, &reason), -1);
    assert_int_equal(reason, REASON_INTERNAL);
    assert_int_equal(reason_from_word("nonesuch", 8, &reason), -1);
    assert_int_equal(reason_from_word("", 0, &reason), -1);
    assert_string_equal(reason_word((enum reason)999), "unknown");
    assert_string_equal(reason_text((enum reason)999), "unknown reason");
    assert_int_equal(reason_class((enum reason)999), REASON_CLASS_FIRMWARE);
}

static void causes_are_classed_for_the_gate(void **state)
{
    (void)state;
    assert_int_equal(reason_class(REASON_NONE), REASON_CLASS_NONE);
    assert_int_equal(reason_class(REASON_SELF_TEST), REASON_CLASS_FIRMWARE);
    assert_int_equal(reason_class(REASON_HASH_MISMATCH), REASON_CLASS_IMAGE);
    assert_int_equal(reason_class(REASON_NET_LOST), REASON_CLASS_NETWORK);
    assert_int_equal(reason_class(REASON_POWER_LOST), REASON_CLASS_POWER);
    assert_string_equal(reason_class_word(REASON_CLASS_POLICY), "policy");
    assert_string_equal(reason_class_word((enum reason_class)99), "unknown");
}

static void every_state_is_found_by_its_word(void **state)
{
    enum ota_report_state back;
    (void)state;

#define X(name, number, word, end)                                                                 \
    assert_string_equal(ota_report_word(OTA_REPORT_##name), word);                                 \
    assert_int_equal(ota_report_is_end(OTA_REPORT_##name), end);                                   \
    assert_int_equal(ota_report_from_word(word, strlen(word), &back), 0);                          \
    assert_int_equal(back, OTA_REPORT_##name);
    OTA_REPORT_MAP(X)
#undef X
    assert_int_equal(ota_report_from_word("don", 3, &back), -1);
    assert_int_equal(ota_report_from_word("donee", 5, &back), -1);
    assert_string_equal(ota_report_word((enum ota_report_state)99), "unknown");
    assert_false(ota_report_is_end((enum ota_report_state)99));
}

static void every_verb_is_found_by_its_word(void **state)
{
    enum verb back;
    (void)state;

#define X(name, word, cls)                                                                         \
    assert_string_equal(verb_word(VERB_##name), word);                                             \
    assert_int_equal(verb_class(VERB_##name), VERB_CLASS_##cls);                                   \
    assert_int_equal(verb_from_word(word, strlen(word), &back), 0);                                \
    assert_int_equal(back, VERB_##name);
    VERB_MAP(X)
#undef X
    assert_int_equal(verb_from_word("dance", 5, &back), -1);
    assert_string_equal(verb_word(VERB_COUNT), "unknown");
    assert_int_equal(verb_class(VERB_COUNT), VERB_CLASS_OTHER);
}

static void every_reset_is_found_by_its_word(void **state)
{
    enum reset_reason back;
    (void)state;

    for (int i = 0; i < RESET_COUNT; i++) {
        const char *word = reset_word((enum reset_reason)i);
        assert_int_equal(reset_from_word(word, strlen(word), &back), 0);
        assert_int_equal(back, i);
    }
    assert_int_equal(reset_from_word("tired", 5, &back), -1);
    assert_int_equal(back, RESET_UNKNOWN);
    assert_string_equal(reset_word(RESET_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_is_found_by_its_word),
        cmocka_unit_test(the_numbers_of_reasons_are_fixed),
        cmocka_unit_test(a_reason_of_a_newer_device_is_internal),
        cmocka_unit_test(causes_are_classed_for_the_gate),
        cmocka_unit_test(every_state_is_found_by_its_word),
        cmocka_unit_test(every_verb_is_found_by_its_word),
        cmocka_unit_test(every_reset_is_found_by_its_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
