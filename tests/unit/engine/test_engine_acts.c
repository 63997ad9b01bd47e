/* What the engine refuses although the rollout alone would not. */
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
#include "engine.h"
#include "rollout_json/plan_json.h"
#include "sim.h"
#include "store/store.h"
#include "tree.h"

#define DEVICES 4
#define NOW_MS  INT64_C(1790000000000)

struct place {
    char dir[64], path[96];
    struct store *store;
    struct engine *engine;
    struct profile profile;
    struct crypto_signer signer;
    int64_t now_ms;
    int mids, commands; /* of the messages sent, those to devices */
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

    p->commands += strstr(topic, "/commands/") != NULL;
    (void)body;
    (void)len;
    (void)retain;
    return ++p->mids;
}

static void replay(void *ctx, const struct rollout *r)
{
    (void)ctx;
    (void)r;
}

static int new_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    snprintf(p->dir, sizeof(p->dir), "/tmp/muster-acts-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof(p->path), "%s/muster.db", p->dir);
    p->store = store_open(p->path, false, &sim_crypto, NULL);
    p->signer = (struct crypto_signer){ .kid = "0123456789abcdef", .sign = fake_sign };
    p->now_ms = NOW_MS;
    text_copy(p->profile.fleet, sizeof(p->profile.fleet), "home");
    text_copy(p->profile.root, sizeof(p->profile.root), "devices");
    text_copy(p->profile.gateway.url, sizeof(p->profile.gateway.url), "https://gw:8443/firmware/");
    struct engine_config config = { .profile = &p->profile,
                                    .store = p->store,
                                    .crypto = &sim_crypto,
                                    .signer = &p->signer,
                                    .name = "test",
                                    .publish = publish,
                                    .replay = replay,
                                    .ctx = p };
    *state = p;
    p->engine = p->store ? engine_new(&config, p->now_ms, NULL) : NULL;
    if (!p->engine || engine_leader(p->engine))
        return -1;
    engine_broker(p->engine, true, p->now_ms);
    return 0;
}

static int drop_place(void **state)
{
    struct place *p = *state;

    engine_free(p->engine);
    store_close(p->store);
    tree_remove(p->dir);
    free(p);
    return 0;
}

/* A rollout over the same devices as all the others here; the act that starts it is asked for. */
static void create(struct place *p, const char *id)
{
    struct rollout_plan plan;
    struct sim sim;

    sim_plan(&plan);
    sim_init(&sim, &plan, DEVICES, 42);
    text_copy(sim.r->id, sizeof(sim.r->id), id);
    char *json = plan_encode(&plan);
    struct store_rollout_new new = { sim.r, json, "release", "ann" };
    assert_int_equal(store_rollout_create(p->store, &new, p->now_ms, NULL, NULL), 0);
    free(json);
    sim_free(&sim);
}

static void turns(struct place *p)
{
    for (int i = 0; i < 5; i++, p->now_ms += 1000)
        engine_tick(p->engine, p->now_ms);
}

/* What became of it. */
static struct store_act asked(struct place *p, const char *rollout, enum rollout_act act)
{
    struct store_act out;
    int64_t id;

    assert_int_equal(store_act_add(p->store, "ann", rollout, act, p->now_ms, &id, NULL), 0);
    turns(p);
    assert_int_equal(store_act_get(p->store, id, &out, NULL), 0);
    assert_true(out.consumed);
    return out;
}

static enum rollout_state state_of(const struct place *p, const char *id)
{
    const struct rollout *r = engine_find(p->engine, id);

    assert_non_null(r);
    return r->state;
}

static void all_online(struct place *p, const char *id)
{
    struct device_status status = { .online = true, .boot = "0000000000000001" };
    const struct rollout *r = engine_find(p->engine, id);

    assert_non_null(r);
    memset(status.image, 'b', 64);
    for (uint32_t i = 0; i < r->count; i++)
        engine_status(p->engine, r->device[i].id, &status, p->now_ms);
}

/* As when its gate had stopped it a week ago. */
static void stop(struct place *p, const char *id)
{
    struct ota_report report = { .attempt = 1, .state = OTA_REPORT_ROLLED_BACK, .n = 1 };
    const struct rollout *r = engine_find(p->engine, id);

    assert_non_null(r);
    report.reason = REASON_SELF_TEST;
    text_copy(report.rollout, sizeof(report.rollout), id);
    all_online(p, id);
    turns(p);
    for (uint32_t i = 0; i < r->count; i++)
        if (r->device[i].attempt > 0)
            engine_report(p->engine, r->device[i].id, &report, p->now_ms);
    for (int mid = 1; mid <= p->mids; mid++)
        engine_published(p->engine, mid, p->now_ms);
    turns(p);
    for (int mid = 1; mid <= p->mids; mid++)
        engine_published(p->engine, mid, p->now_ms);
    assert_int_equal(state_of(p, id), ROLLOUT_STOPPED);
}

static void of_two_started_over_one_device_only_the_first_runs(void **state)
{
    struct place *p = *state;

    create(p, "r-1"); /* two people in the same second: neither saw the other's when planning */
    create(p, "r-2");
    turns(p);
    assert_int_equal(state_of(p, "r-1"), ROLLOUT_RUNNING);
    assert_int_equal(state_of(p, "r-2"), ROLLOUT_DRAFT);
    struct store_act act = asked(p, "r-2", ROLLOUT_ACT_START);
    assert_true(act.refused);
    assert_non_null(strstr(act.result, "is still in rollout r-1"));
    assert_false(asked(p, "r-1", ROLLOUT_ACT_ABORT).refused);
}

static void a_stopped_one_is_not_resumed_over_one_that_runs(void **state)
{
    static const enum rollout_act refused[] = { ROLLOUT_ACT_RESUME, ROLLOUT_ACT_RETRY,
                                                ROLLOUT_ACT_ROLLBACK };
    struct place *p = *state;

    create(p, "r-1");
    turns(p);
    stop(p, "r-1");
    create(p, "r-2");
    turns(p);
    assert_int_equal(state_of(p, "r-2"), ROLLOUT_RUNNING);
    for (size_t i = 0; i < 3; i++) {
        struct store_act act = asked(p, "r-1", refused[i]);
        assert_true(act.refused);
        assert_non_null(strstr(act.result, "is still in rollout r-2"));
        assert_int_equal(state_of(p, "r-1"), ROLLOUT_STOPPED);
    }
    assert_false(asked(p, "r-1", ROLLOUT_ACT_ABORT).refused); /* sends nothing new */
    stop(p, "r-2");
    assert_false(asked(p, "r-2", ROLLOUT_ACT_RESUME).refused);
}

static uint32_t in_phase(const struct place *p, const char *id, enum rollout_phase phase)
{
    uint32_t count[ROLLOUT_PHASES];
    const struct rollout *r = engine_find(p->engine, id);

    assert_non_null(r);
    rollout_totals(r, count);
    return count[phase];
}

/* Everybody is online; those who were told say so. */
static void all_on_the_way(struct place *p, const char *id)
{
    struct ota_report report = { .attempt = 1, .state = OTA_REPORT_DOWNLOADING, .n = 1 };
    const struct rollout *r = engine_find(p->engine, id);

    assert_non_null(r);
    text_copy(report.rollout, sizeof(report.rollout), id);
    all_online(p, id);
    turns(p);
    for (uint32_t i = 0; i < r->count; i++)
        if (r->device[i].attempt > 0)
            engine_report(p->engine, r->device[i].id, &report, p->now_ms);
    turns(p);
    assert_true(in_phase(p, id, ROLLOUT_PHASE_DOWNLOADING) > 0);
}

static void nobody_is_silent_for_the_time_this_machine_slept(void **state)
{
    struct place *p = *state;

    create(p, "r-1");
    turns(p);
    all_on_the_way(p, "r-1");
    uint32_t told = in_phase(p, "r-1", ROLLOUT_PHASE_DOWNLOADING);
    p->now_ms += 3 * 3600000;
    turns(p);
    assert_int_equal(in_phase(p, "r-1", ROLLOUT_PHASE_SILENT), 0);
    assert_int_equal(in_phase(p, "r-1", ROLLOUT_PHASE_DOWNLOADING), told);
    for (int i = 0; i < 3 * 3600 / 5; i++) /* awake it counts */
        turns(p);
    assert_int_equal(in_phase(p, "r-1", ROLLOUT_PHASE_SILENT), told);
}

static void a_clock_set_back_keeps_no_act_and_no_device_waiting(void **state)
{
    struct place *p = *state;

    create(p, "r-1");
    turns(p);
    all_on_the_way(p, "r-1");
    uint32_t told = in_phase(p, "r-1", ROLLOUT_PHASE_DOWNLOADING);
    p->now_ms -= 12 * 3600000;
    assert_false(asked(p, "r-1", ROLLOUT_ACT_PAUSE).refused);
    assert_false(asked(p, "r-1", ROLLOUT_ACT_RESUME).refused);
    for (int i = 0; i < 3 * 3600 / 5; i++)
        turns(p);
    assert_int_equal(in_phase(p, "r-1", ROLLOUT_PHASE_SILENT), told);
}

/* Told once, and not again while that is on its way. */
static void tell_all(struct place *p, const char *id)
{
    create(p, id);
    turns(p);
    all_online(p, id);
    turns(p);
    int told = p->commands;
    assert_true(told > 0);
    turns(p);
    assert_int_equal(p->commands, told);
}

static void nothing_is_sent_without_a_broker_but_when_it_is_back(void **state)
{
    struct place *p = *state;

    tell_all(p, "r-1");
    int told = p->commands;
    engine_broker(p->engine, false, p->now_ms);
    assert_false(asked(p, "r-1", ROLLOUT_ACT_ABORT).refused);
    assert_int_equal(p->commands, told);
    engine_broker(p->engine, true, p->now_ms);
    turns(p);
    assert_true(p->commands > told);
}

/* Nobody will acknowledge what was on its way when the broker went. */
static void what_was_on_its_way_is_sent_again_when_the_broker_is_back(void **state)
{
    struct place *p = *state;

    tell_all(p, "r-1");
    int told = p->commands;
    engine_broker(p->engine, false, p->now_ms);
    engine_broker(p->engine, true, p->now_ms);
    turns(p);
    assert_int_equal(p->commands, 2 * told);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, new_place, drop_place)
    const struct CMUnitTest tests[] = {
        T(of_two_started_over_one_device_only_the_first_runs),
        T(a_stopped_one_is_not_resumed_over_one_that_runs),
        T(nobody_is_silent_for_the_time_this_machine_slept),
        T(a_clock_set_back_keeps_no_act_and_no_device_waiting),
        T(nothing_is_sent_without_a_broker_but_when_it_is_back),
        T(what_was_on_its_way_is_sent_again_when_the_broker_is_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
