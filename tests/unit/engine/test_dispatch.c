/* Orders on their way: what is signed, what goes out, and what is remembered of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "dispatch.h"
#include "protocol/jws.h"
#include "protocol/order.h"
#include "rollout_json/plan_json.h"
#include "sim.h"
#include "store/store.h"

#define NOW_MS  INT64_C(1790000000000)
#define RELEASE "release.jws.text"
#define SENT    8

struct message {
    struct topic topic;
    char body[PROTO_UPDATE_BYTES + 1];
    bool retain;
};

struct place {
    char dir[64], path[96];
    struct engine_config cfg;
    struct profile profile;
    struct crypto_signer signer;
    struct sim sim;
    struct dispatch dispatch;
    struct message sent[SENT];
    int count;
    bool full; /* the link takes nothing now */
};

static bool fake_sign(void *ctx, const uint8_t hash[PROTO_SHA256_LEN], uint8_t sig[PROTO_P256_SIG])
{
    (void)ctx;
    memset(sig, 0, PROTO_P256_SIG);
    memcpy(sig, hash, PROTO_SHA256_LEN);
    return true;
}

static int publish(void *ctx, const char *topic, const void *body, size_t len, bool retain)
{
    struct place *p = ctx;

    if (p->full)
        return -1;
    assert_in_range(p->count, 0, SENT - 1);
    struct message *m = &p->sent[p->count++];
    topic_parse("devices", topic, &m->topic);
    assert_int_equal(m->topic.kind, TOPIC_COMMAND);
    text_copy_n(m->body, sizeof(m->body), body, len);
    m->retain = retain;
    return p->count; /* the message id */
}

static void create(struct place *p)
{
    struct rollout_plan plan;

    sim_plan(&plan);
    sim_init(&p->sim, &plan, 4, 42);
    text_copy(p->sim.r->id, sizeof(p->sim.r->id), "r-1");
    char *json = plan_encode(&plan);
    struct store_rollout_new new = { p->sim.r, json, RELEASE, "ann" };
    assert_int_equal(store_rollout_create(p->cfg.store, &new, NOW_MS, NULL, NULL), 0);
    free(json);
}

static int new_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    snprintf(p->dir, sizeof(p->dir), "/tmp/muster-dispatch-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof(p->path), "%s/muster.db", p->dir);
    p->signer = (struct crypto_signer){ .kid = "0123456789abcdef", .sign = fake_sign };
    text_copy(p->profile.fleet, sizeof(p->profile.fleet), "home");
    text_copy(p->profile.root, sizeof(p->profile.root), "devices");
    text_copy(p->profile.gateway.url, sizeof(p->profile.gateway.url), "https://gw:8443/firmware/");
    p->cfg = (struct engine_config){ .profile = &p->profile,
                                     .store = store_open(p->path, false, &sim_crypto, NULL),
                                     .crypto = &sim_crypto,
                                     .signer = &p->signer,
                                     .publish = publish,
                                     .ctx = p };
    p->dispatch.cfg = &p->cfg;
    *state = p;
    if (!p->cfg.store)
        return -1;
    create(p);
    return 0;
}

static int drop_place(void **state)
{
    struct place *p = *state;
    static const char *const tails[] = { "", "-wal", "-shm", ".lock" };

    dispatch_free(&p->dispatch);
    sim_free(&p->sim);
    store_close(p->cfg.store);
    for (size_t i = 0; i < 4; i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s", p->path, tails[i]);
        unlink(name);
    }
    rmdir(p->dir);
    free(p);
    return 0;
}

/* Into the journal, as it would be there: signed by nobody, which nothing here looks at. */
static void keep(struct place *p, uint32_t device, enum verb verb, uint32_t attempt)
{
    static uint32_t seq;
    struct store_order order = { .verb = verb, .attempt = attempt, .seq = ++seq };

    text_copy(order.rollout, sizeof(order.rollout), "r-1");
    text_copy(order.device, sizeof(order.device), p->sim.r->device[device].id);
    snprintf(order.jws, sizeof(order.jws), "%s.of.%u", verb_word(verb), attempt);
    assert_int_equal(store_order_add(p->cfg.store, &order, NOW_MS, NULL), 0);
}

static void put(struct place *p, uint32_t device, enum rollout_wire wire, uint32_t attempt)
{
    struct rollout_send send = { .wire = wire, .device = device, .attempt = attempt };

    dispatch_send(&p->dispatch, p->sim.r, RELEASE, &send);
}

static void check_sent(const struct place *p, int i, const char *verb, const char *body,
                       bool retain)
{
    assert_true(i < p->count);
    assert_string_equal(p->sent[i].topic.sub, verb);
    assert_string_equal(p->sent[i].topic.id, p->sim.r->device[0].id);
    assert_string_equal(p->sent[i].body, body);
    assert_int_equal(p->sent[i].retain, retain);
}

/* ---- what goes out
 * ------------------------------------------------------------------------------------------ */

static void an_order_goes_out_retained_as_the_journal_has_it_and_with_its_release(void **state)
{
    struct place *p = *state;

    keep(p, 0, VERB_UPDATE, 2);
    put(p, 0, WIRE_ORDER, 2);
    assert_int_equal(p->count, 1);
    check_sent(p, 0, "update", "{\"order\":\"update.of.2\",\"release\":\"" RELEASE "\"}", true);
}

static void an_abort_or_rollback_takes_the_order_away_and_is_not_retained(void **state)
{
    struct place *p = *state;

    keep(p, 0, VERB_ABORT, 1);
    keep(p, 0, VERB_ROLLBACK, 1);
    put(p, 0, WIRE_ABORT, 1);
    put(p, 0, WIRE_ROLLBACK, 1);
    assert_int_equal(p->count, 4);
    check_sent(p, 0, "update", "", true);
    check_sent(p, 1, "abort", "{\"order\":\"abort.of.1\"}", false);
    check_sent(p, 2, "update", "", true);
    check_sent(p, 3, "rollback", "{\"order\":\"rollback.of.1\"}", false);
}

static void nothing_is_an_empty_retained_message(void **state)
{
    struct place *p = *state;

    put(p, 0, WIRE_NOTHING, 1);
    assert_int_equal(p->count, 1);
    check_sent(p, 0, "update", "", true);
}

static void what_the_journal_does_not_have_never_goes_out(void **state)
{
    struct place *p = *state;

    keep(p, 0, VERB_UPDATE, 1);
    keep(p, 1, VERB_ABORT, 2);
    put(p, 0, WIRE_ORDER, 2);
    put(p, 0, WIRE_ABORT, 2); /* nor is the order taken away for it */
    put(p, 0, WIRE_ROLLBACK, 1);
    assert_int_equal(p->count, 0);
    assert_int_equal(p->dispatch.count, 0);
}

/* ---- what is remembered
 * ------------------------------------------------------------------------------------- */

static void what_is_on_its_way_is_not_sent_again_until_it_has_arrived(void **state)
{
    struct place *p = *state;
    struct flight f;

    keep(p, 0, VERB_UPDATE, 1);
    put(p, 0, WIRE_ORDER, 1);
    put(p, 0, WIRE_ORDER, 1);
    assert_int_equal(p->count, 1);
    assert_true(dispatch_acknowledged(&p->dispatch, 1, &f));
    assert_false(dispatch_acknowledged(&p->dispatch, 1, &f));
    put(p, 0, WIRE_ORDER, 1);
    assert_int_equal(p->count, 2);
}

static void another_device_attempt_or_wire_is_another_message(void **state)
{
    struct place *p = *state;

    keep(p, 0, VERB_UPDATE, 1);
    keep(p, 0, VERB_UPDATE, 2);
    keep(p, 1, VERB_UPDATE, 1);
    put(p, 0, WIRE_ORDER, 1);
    put(p, 0, WIRE_ORDER, 2);
    put(p, 1, WIRE_ORDER, 1);
    put(p, 0, WIRE_NOTHING, 1);
    assert_int_equal(p->count, 4);
    text_copy(p->sim.r->id, sizeof(p->sim.r->id), "r-2");
    put(p, 0, WIRE_NOTHING, 1); /* and another rollout */
    assert_int_equal(p->count, 5);
}

static void an_acknowledgement_says_what_it_was_in_any_order(void **state)
{
    struct place *p = *state;
    struct flight f;

    keep(p, 2, VERB_UPDATE, 3);
    for (uint32_t i = 0; i < 3; i++)
        put(p, i, i == 2 ? WIRE_ORDER : WIRE_NOTHING, i + 1);
    assert_false(dispatch_acknowledged(&p->dispatch, 99, &f)); /* of a command by hand */
    assert_true(dispatch_acknowledged(&p->dispatch, 2, &f));
    assert_int_equal(f.device, 1);
    assert_true(dispatch_acknowledged(&p->dispatch, 3, &f));
    assert_string_equal(f.rollout, "r-1");
    assert_int_equal(f.device, 2);
    assert_int_equal(f.attempt, 3);
    assert_int_equal(f.wire, WIRE_ORDER);
    assert_true(dispatch_acknowledged(&p->dispatch, 1, &f));
    assert_int_equal(f.device, 0);
    assert_int_equal(p->dispatch.count, 0);
}

static void an_abort_has_arrived_when_its_second_message_has(void **state)
{
    struct place *p = *state;
    struct flight f;

    keep(p, 0, VERB_ABORT, 1);
    put(p, 0, WIRE_ABORT, 1);
    assert_false(dispatch_acknowledged(&p->dispatch, 1, &f));
    assert_true(dispatch_acknowledged(&p->dispatch, 2, &f));
    assert_int_equal(f.wire, WIRE_ABORT);
}

static void what_the_link_could_not_take_may_be_sent_at_once_again(void **state)
{
    struct place *p = *state;

    keep(p, 0, VERB_UPDATE, 1);
    p->full = true;
    put(p, 0, WIRE_ORDER, 1);
    assert_int_equal(p->dispatch.count, 0);
    p->full = false;
    put(p, 0, WIRE_ORDER, 1);
    assert_int_equal(p->count, 1);
}

static void what_was_forgotten_is_sent_again_and_its_acknowledgement_is_nobodys(void **state)
{
    struct place *p = *state;
    struct flight f;

    keep(p, 0, VERB_UPDATE, 1);
    put(p, 0, WIRE_ORDER, 1);
    dispatch_forget(&p->dispatch);
    assert_false(dispatch_acknowledged(&p->dispatch, 1, &f));
    put(p, 0, WIRE_ORDER, 1);
    assert_int_equal(p->count, 2);
}

/* ---- what is signed
 * ----------------------------------------------------------------------------------------- */

/* A week is left, and of the window of tonight an hour. */
static void open_window(struct place *p)
{
    p->sim.r->deadline_ms = NOW_MS + 7 * INT64_C(86400000);
    p->sim.r->zone_count = 1;
    p->sim.r->zone[0].open = true;
    p->sim.r->zone[0].next_ms = NOW_MS + 3600000;
}

static struct order sign(struct place *p, enum verb verb)
{
    struct dispatch_signing signing = { &p->cfg, NOW_MS };
    char text[PROTO_ORDER_BYTES + 1];
    uint8_t payload[PROTO_ORDER_BYTES];
    struct order order;
    struct jws jws;

    assert_int_equal(dispatch_sign(&signing, p->sim.r, &p->sim.r->device[1], verb, 3, 77, text,
                                   sizeof(text), NULL),
                     0);
    assert_int_equal(jws_open(text, strlen(text), JWS_ORDER, REASON_BAD_ORDER, &jws), REASON_NONE);
    int n = jws_payload(&jws, payload, sizeof(payload));
    assert_true(n > 0);
    assert_int_equal(order_decode((const char *)payload, (size_t)n, &order), REASON_NONE);
    return order;
}

static void an_order_names_fleet_device_rollout_attempt_release_and_its_time(void **state)
{
    struct place *p = *state;
    const struct rollout *r = p->sim.r;

    open_window(p);
    struct order o = sign(p, VERB_UPDATE);
    assert_string_equal(o.fleet, "home");
    assert_string_equal(o.dev, r->device[1].id);
    assert_string_equal(o.rollout, "r-1");
    assert_int_equal(o.seq, 77);
    assert_int_equal(o.attempt, 3);
    assert_string_equal(o.url, p->profile.gateway.url);
    assert_memory_equal(o.release, r->release.digest, sizeof(o.release));
    assert_int_equal(o.jitter, r->plan.jitter_s);
    assert_int_equal(o.trial, r->plan.trial_s);
    assert_int_equal(o.nbf, NOW_MS / 1000);
    assert_int_equal(o.exp, NOW_MS / 1000 + 3600); /* not later than the window */
}

static void an_abort_is_good_until_the_rollouts_own_end(void **state)
{
    struct place *p = *state;

    open_window(p);
    struct order o = sign(p, VERB_ABORT);
    assert_int_equal(o.exp, p->sim.r->deadline_ms / 1000);
    assert_string_equal(o.url, "");
}

static void an_address_that_does_not_fit_is_said_before_anything_is_signed(void **state)
{
    struct place *p = *state;
    struct dispatch_signing signing = { &p->cfg, NOW_MS };
    char text[PROTO_ORDER_BYTES + 1] = "";
    struct err err;

    memset(p->profile.gateway.url, 'x', sizeof(p->profile.gateway.url) - 1);
    assert_int_equal(dispatch_sign(&signing, p->sim.r, &p->sim.r->device[1], VERB_UPDATE, 1, 1,
                                   text, sizeof(text), &err),
                     -1);
    assert_non_null(strstr(err.text, "shorten [gateway] url"));
    assert_string_equal(text, "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, new_place, drop_place)
    const struct CMUnitTest tests[] = {
        T(an_order_goes_out_retained_as_the_journal_has_it_and_with_its_release),
        T(an_abort_or_rollback_takes_the_order_away_and_is_not_retained),
        T(nothing_is_an_empty_retained_message),
        T(what_the_journal_does_not_have_never_goes_out),
        T(what_is_on_its_way_is_not_sent_again_until_it_has_arrived),
        T(another_device_attempt_or_wire_is_another_message),
        T(an_acknowledgement_says_what_it_was_in_any_order),
        T(an_abort_has_arrived_when_its_second_message_has),
        T(what_the_link_could_not_take_may_be_sent_at_once_again),
        T(what_was_forgotten_is_sent_again_and_its_acknowledgement_is_nobodys),
        T(an_order_names_fleet_device_rollout_attempt_release_and_its_time),
        T(an_abort_is_good_until_the_rollouts_own_end),
        T(an_address_that_does_not_fit_is_said_before_anything_is_signed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
