#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/reply.h"
#include "protocol/report.h"
#include "protocol/status.h"

/* What a device says: status, report, reply. What is refused is in tests/cases. */

static void a_status_goes_both_ways(void **state)
{
    struct device_status s, back;
    char text[PROTO_STATUS_BYTES];
    (void)state;

    memset(&s, 0, sizeof(s));
    s.online = true;
    memset(s.product, 'p', PROTO_PRODUCT_MAX - 1);
    memset(s.hw, 'h', PROTO_HW_MAX - 1);
    memset(s.fw, 'f', PROTO_VERSION_MAX - 1);
    memset(s.slot, 's', PROTO_SLOT_MAX - 1);
    memset(s.image, 'a', PROTO_SHA256_HEX - 1);
    memset(s.boot, 'b', PROTO_BOOT_MAX - 1);
    s.boots = s.release_seq = s.security = s.keyset = s.agent = s.interval = UINT32_MAX;
    s.cert_not_after = UINT64_MAX;
    s.reset = RESET_BROWNOUT;
    s.group_count = PROTO_GROUP_COUNT;
    for (int i = 0; i < PROTO_GROUP_COUNT; i++)
        memset(s.groups[i], 'a' + i, PROTO_GROUP_MAX - 1);

    int n = device_status_encode(&s, text, sizeof(text)); /* the largest there is, and it fits */
    assert_true(n > 0);
    assert_int_equal(device_status_decode(text, (size_t)n, &back), 0);
    assert_memory_equal(&back, &s, sizeof(s));
    for (size_t cap = 0; cap <= (size_t)n; cap++)
        assert_int_equal(device_status_encode(&s, text, cap), -1);
}

static void the_last_will_is_short(void **state)
{
    struct device_status s = { .boot = "0123456789abcdef" };
    char text[64];
    (void)state;

    assert_true(device_status_encode(&s, text, sizeof(text)) > 0);
    assert_string_equal(text, "{\"state\":\"offline\",\"boot\":\"0123456789abcdef\"}");
}

static void a_report_goes_both_ways(void **state)
{
    struct ota_report r, back;
    char text[PROTO_REPORT_BYTES];
    (void)state;

    memset(&r, 0, sizeof(r));
    memset(r.rollout, 'r', PROTO_ROLLOUT_MAX - 1);
    r.attempt = r.got = r.size = r.n = UINT32_MAX;
    r.state = OTA_REPORT_ROLLED_BACK;
    r.reason = REASON_SECURITY_DOWNGRADE;
    memset(r.from, 'f', PROTO_VERSION_MAX - 1);
    memset(r.to, 't', PROTO_VERSION_MAX - 1);
    r.slot = r.ts = UINT64_MAX;
    memset(r.boot, 'b', PROTO_BOOT_MAX - 1);
    memset(r.image, 'a', PROTO_SHA256_HEX - 1);
    memset(r.detail, 'd', PROTO_DETAIL_MAX - 1);

    int n = ota_report_encode(&r, text, sizeof(text)); /* the largest there is, and it fits */
    assert_true(n > 0);
    assert_int_equal(ota_report_decode(text, (size_t)n, &back), 0);
    assert_memory_equal(&back, &r, sizeof(r));
    for (size_t cap = 0; cap <= (size_t)n; cap++)
        assert_int_equal(ota_report_encode(&r, text, cap), -1);
}

static void every_state_and_reason_goes_through_a_report(void **state)
{
    char text[PROTO_REPORT_BYTES];
    struct ota_report back;
    (void)state;

    for (int i = 0; i < OTA_REPORT_STATES; i++) {
        struct ota_report r = { .state = (enum ota_report_state)i, .reason = REASON_INTERNAL };
        int n = ota_report_encode(&r, text, sizeof(text));
        assert_int_equal(ota_report_decode(text, (size_t)n, &back), 0);
        assert_int_equal(back.state, i);
    }
    for (int i = REASON_NONE; i <= REASON_INTERNAL; i++) {
        struct ota_report r = { .reason = (enum reason)i };
        int n = ota_report_encode(&r, text, sizeof(text));
        assert_int_equal(ota_report_decode(text, (size_t)n, &back), 0);
        assert_int_equal(back.reason, i);
    }
}

static void a_reply_goes_both_ways(void **state)
{
    struct reply r, back;
    char text[PROTO_REPLY_BYTES];
    (void)state;

    memset(&r, 0, sizeof(r));
    r.verb = VERB_CONFIG;
    r.seq = 7;
    r.reason = REASON_BAD_CONFIG;
    memset(r.detail, 'd', PROTO_DETAIL_MAX - 1);
    r.ts = 1790000000;
    int n = reply_encode(&r, text, sizeof(text));
    assert_true(n > 0);
    assert_int_equal(reply_decode(text, (size_t)n, &back), 0);
    assert_memory_equal(&back, &r, sizeof(r));
    for (size_t cap = 0; cap <= (size_t)n; cap++)
        assert_int_equal(reply_encode(&r, text, cap), -1);

    memset(r.detail, 0, sizeof(r.detail));
    r.ok = true;
    r.reason = REASON_NONE;
    r.ts = 0;
    assert_true(reply_encode(&r, text, sizeof(text)) > 0);
    assert_string_equal(text, "{\"verb\":\"config\",\"seq\":7,\"ok\":true,\"reason\":\"none\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_goes_both_ways),
        cmocka_unit_test(the_last_will_is_short),
        cmocka_unit_test(a_report_goes_both_ways),
        cmocka_unit_test(every_state_and_reason_goes_through_a_report),
        cmocka_unit_test(a_reply_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
