#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dump.h"
#include "ossl/crypto.h"
#include "protocol/hex.h"
#include "protocol/jws.h"
#include "protocol/keyset.h"
#include "protocol/order.h"
#include "protocol/slot.h"

/*
 * The examples of docs/protocol.md: fenced blocks whose info string has a second word, the kind of
 * message. Each must decode; and those that are signed must be signed as the page says.
 */
enum { DOC_MAX = 128 * 1024, EXAMPLES_MAX = 64 };

struct example {
    char kind[16];
    const char *text;
    size_t len;
};

static char doc[DOC_MAX];
static struct example examples[EXAMPLES_MAX];
static size_t example_count;

static void take_block(const char *info, const char *body, const char *end)
{
    struct example *e = &examples[example_count];

    if (sscanf(info, "%*s %15[a-z-]", e->kind) != 1)
        return;
    assert_true(example_count < EXAMPLES_MAX - 1);
    e->text = body;
    e->len = (size_t)(end - body);
    example_count++;
}

static int read_examples(void **state)
{
    FILE *f = fopen(MUSTER_SOURCE_DIR "/docs/protocol.md", "r");
    (void)state;

    if (!f)
        return -1;
    size_t len = fread(doc, 1, sizeof(doc) - 1, f);
    fclose(f);
    doc[len] = '\0';
    for (char *p = strstr(doc, "\n```"); p; p = strstr(p, "\n```")) {
        char *body = strchr(p + 1, '\n');
        char *end = body ? strstr(body, "\n```") : NULL;
        if (!end)
            return -1;
        *body = '\0';
        take_block(p + 4, body + 1, end);
        p = end + 4;
    }
    return 0;
}

static const struct example *find_example(const char *kind)
{
    for (size_t i = 0; i < example_count; i++)
        if (strcmp(examples[i].kind, kind) == 0)
            return &examples[i];
    fail_msg("no example of %s", kind);
    return NULL;
}

static void every_example_decodes(void **state)
{
    char got[16 * 1024];
    (void)state;

    for (size_t i = 0; i < example_count; i++) {
        const struct example *e = &examples[i];
        bool ok = false;
        if (strcmp(e->kind, "slot") == 0)
            continue;
        if (!dump_message(e->kind, e->text, e->len, got, sizeof(got), &ok) || !ok)
            fail_msg("%s: %.*s\n%s", e->kind, (int)e->len, e->text, got);
    }
}

static void every_kind_of_message_has_an_example(void **state)
{
    static const char *const kinds[] = { "topic",   "status",    "readings",    "report",
                                         "release", "order",     "command",     "reply",
                                         "keyset",  "jws-order", "jws-release", "slot" };
    (void)state;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        assert_non_null(find_example(kinds[i]));
}

static void verify(const struct keyset *keyset, const char *text, size_t len, enum jws_type type,
                   enum key_role role)
{
    struct jws jws;

    assert_int_equal(jws_open(text, len, type, REASON_BAD_ORDER, &jws), REASON_NONE);
    assert_int_equal(jws_verify(&jws, ossl_crypto(), &keyset->keys, role), REASON_NONE);
}

static void the_examples_are_signed_by_the_keyset_of_the_page(void **state)
{
    const struct example *k = find_example("keyset"), *c = find_example("command");
    const struct crypto *crypto = ossl_crypto();
    uint8_t payload[PROTO_ORDER_BYTES], digest[PROTO_SHA256_LEN];
    struct command_body body;
    struct keyset keyset;
    struct order order;
    struct jws jws;
    (void)state;

    assert_int_equal(keyset_open(k->text, k->len, &keyset), REASON_NONE);
    assert_int_equal(keyset_verify(k->text, k->len, crypto, &keyset), REASON_NONE);
    assert_int_equal(command_body_split(c->text, c->len, &body), REASON_NONE);
    verify(&keyset, body.order, body.order_len, JWS_ORDER, KEY_ROLLOUT);
    verify(&keyset, body.release, body.release_len, JWS_RELEASE, KEY_RELEASE);

    /* and the order names this release */
    crypto->sha256(crypto->ctx, body.release, body.release_len, digest);
    assert_int_equal(jws_open(body.order, body.order_len, JWS_ORDER, REASON_BAD_ORDER, &jws), 0);
    int n = jws_payload(&jws, payload, sizeof(payload));
    assert_int_equal(order_decode((const char *)payload, (size_t)n, &order), REASON_NONE);
    assert_memory_equal(order.release, digest, sizeof(digest));
}

static void the_payloads_shown_are_the_signed_ones(void **state)
{
    char shown[8192], signed_[8192];
    bool ok;
    (void)state;

    static const char *const pairs[][2] = { { "order", "jws-order" },
                                            { "release", "jws-release" } };
    for (size_t i = 0; i < 2; i++) {
        const struct example *a = find_example(pairs[i][0]), *b = find_example(pairs[i][1]);
        assert_true(dump_message(a->kind, a->text, a->len, shown, sizeof(shown), &ok));
        assert_true(dump_message(b->kind, b->text, b->len, signed_, sizeof(signed_), &ok));
        const char *after_kid = strchr(signed_, '\n');
        assert_non_null(after_kid);
        assert_string_equal(after_kid + 1, shown);
    }
}

static void the_slot_is_computed_as_shown(void **state)
{
    const struct example *e = find_example("slot");
    char rollout[PROTO_ROLLOUT_MAX], device[PROTO_ID_MAX];
    uint32_t jitter, delay;
    uint64_t v, rank;
    (void)state;

    assert_int_equal(sscanf(e->text, "%40s %64s %" SCNu32 " %" SCNu32 " %" SCNx64 " %" SCNx64,
                            rollout, device, &jitter, &delay, &v, &rank),
                     6);
    assert_true(slot_value(ossl_crypto(), rollout, device) == v);
    assert_true(rank_value(ossl_crypto(), rollout, device) == rank);
    assert_int_equal(slot_delay(jitter, v), delay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_decodes),
        cmocka_unit_test(every_kind_of_message_has_an_example),
        cmocka_unit_test(the_examples_are_signed_by_the_keyset_of_the_page),
        cmocka_unit_test(the_payloads_shown_are_the_signed_ones),
        cmocka_unit_test(the_slot_is_computed_as_shown),
    };
    return cmocka_run_group_tests(tests, read_examples, NULL);
}
