/*
 * The real engine over the real store and reducer is killed (SIGKILL, half of the bytes written) at
 * every single write of its journal, and before every message it sends; another process goes on.
 * Whatever the moment, the rollout ends as it ends undisturbed, and no device is ordered the same
 * thing under two numbers. Prints how often it was killed.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "failing_vfs.h"
#include "rollout_json/plan_json.h"
#include "sim.h"
#include "store/store.h"
#include "world.h"

#define LIMIT_S 4000

struct scenario {
    const char *name;
    enum world_fate fate[WORLD_DEVICES];
    struct world_act act[WORLD_ACTS];
    enum rollout_state ends;
};

#define G FATE_GOOD
#define B FATE_BAD
#define N FATE_NET_ONCE
static const struct scenario scenarios[] = {
    { "retry", { G, N, G, N, G, G }, { { 0 } }, ROLLOUT_DONE },
    { "pause",
      { G, N, G, G, G, G },
      { { 6, ROLLOUT_ACT_PAUSE, false }, { 90, ROLLOUT_ACT_RESUME, false } },
      ROLLOUT_DONE },
    { "stop", { B, B, B, B, B, B }, { { 200, ROLLOUT_ACT_ABORT, false } }, ROLLOUT_ABORTED },
    { "abort", { G, G, G, G, G, G }, { { 45, ROLLOUT_ACT_ABORT, false } }, ROLLOUT_ABORTED },
};
#undef G
#undef B
#undef N
enum { SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]) };

struct outcome {
    enum rollout_state state;
    uint8_t device[WORLD_DEVICES], reason[WORLD_DEVICES], wire[WORLD_DEVICES];
    uint16_t attempt[WORLD_DEVICES];
    bool new_image[WORLD_DEVICES], retained[WORLD_DEVICES];
};

/* ---- one engine's life
 * ----------------------------------------------------------------------------------------- */

static bool fake_sign(void *ctx, const uint8_t hash[PROTO_SHA256_LEN], uint8_t sig[PROTO_P256_SIG])
{
    struct world *w = ctx;

    memcpy(sig, hash, PROTO_SHA256_LEN);
    memset(sig + PROTO_SHA256_LEN, 0, PROTO_P256_SIG - PROTO_SHA256_LEN);
    w->nonce++; /* ECDSA: never the same twice */
    memcpy(sig, &w->nonce, sizeof(w->nonce));
    return true;
}

/* An operator's process. Killed between the row and its note of it, it asks twice. */
static void ask(struct store *s, struct world *w)
{
    for (int i = 0; i < WORLD_ACTS; i++) {
        struct world_act *a = &w->act[i];
        if (!a->at_s || a->asked || w->now_s - w->start_s < a->at_s)
            continue;
        if (store_act_add(s, "ann", "r-1", a->act, w->now_s * 1000, NULL, NULL) == 0)
            a->asked = true;
    }
}

static bool is_over(const struct world *w, struct store *s, const struct engine *e)
{
    const struct rollout *r = engine_find(e, "r-1");
    struct store_act act;

    for (int i = 0; i < WORLD_ACTS; i++) {
        if (w->act[i].at_s && !w->act[i].asked)
            return false;
    }
    return r && rollout_is_over(r) && store_act_pending(s, &act, 1, NULL) == 0;
}

/* Runs to the end, or until it is killed. */
static void live(struct world *w, const char *path)
{
    static struct profile profile;
    struct world_link link = { .world = w };
    struct crypto_signer signer = { .ctx = w, .kid = "0123456789abcdef", .sign = fake_sign };
    struct store *store = store_open(path, false, &sim_crypto, NULL);
    struct engine_config config = { .profile = &profile,
                                    .store = store,
                                    .crypto = &sim_crypto,
                                    .signer = &signer,
                                    .name = "test",
                                    .publish = world_publish,
                                    .replay = world_replay,
                                    .ctx = &link };

    text_copy(profile.fleet, sizeof(profile.fleet), "home");
    text_copy(profile.root, sizeof(profile.root), "devices");
    text_copy(profile.gateway.url, sizeof(profile.gateway.url), "https://gw:8443/firmware/");
    if (!store)
        _exit(3);
    link.engine = engine_new(&config, w->now_s * 1000, NULL);
    if (!link.engine || engine_leader(link.engine))
        _exit(4);
    engine_broker(link.engine, true, w->now_s * 1000);
    world_replay(&link, NULL);
    for (int64_t end = w->now_s + LIMIT_S; w->now_s < end && !is_over(w, store, link.engine);) {
        ask(store, w);
        engine_tick(link.engine, w->now_s * 1000);
        world_second(&link);
    }
    w->over = is_over(w, store, link.engine);
    engine_free(link.engine);
    store_close(store);
    _exit(w->over ? 0 : 5);
}

/* The exit code, or 1000 when it was killed. */
static int life(struct world *w, const char *path, enum failing_how how, long at)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        failing_vfs_arm(how, at);
        live(w, path);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? 1000 : WEXITSTATUS(status);
}

/* ---- a run
 * -----------------------------------------------------------------------------------------------------
 */

static void drop_files(const char *path)
{
    static const char *const tails[] = { "", "-wal", "-shm", ".lock" };
    char name[96];

    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        unlink(name);
    }
}

static void begin(struct world *w, const char *path, const struct scenario *sc)
{
    struct rollout_plan plan;
    struct sim sim;

    drop_files(path);
    failing_vfs_arm(FAIL_NEVER, 0);
    world_init(w, sc->fate);
    memcpy(w->act, sc->act, sizeof(w->act));
    sim_plan(&plan);
    plan.in_flight = 2;
    plan.jitter_s = 10;
    plan.trial_s = 5;
    for (uint32_t i = 0; i < plan.stage_count; i++)
        plan.stage[i].soak_s = 5;
    sim_init(&sim, &plan, WORLD_DEVICES, 42);
    struct store *store = store_open(path, false, &sim_crypto, NULL);
    assert_non_null(store);
    char *json = plan_encode(&plan);
    struct store_rollout_new new = { sim.r, json, "release", "ann" };
    assert_int_equal(store_rollout_create(store, &new, w->now_s * 1000, NULL, NULL), 0);
    free(json);
    store_close(store);
    sim_free(&sim);
}

static void read_outcome(const struct world *w, const char *path, struct outcome *out)
{
    struct store *store = store_open(path, true, &sim_crypto, NULL);
    struct rollout *r;
    int64_t row;

    memset(out, 0, sizeof(*out));
    assert_non_null(store);
    assert_int_equal(store_audit_verify(store, &row, NULL), 0);
    r = store_rollout_load(store, "r-1", NULL);
    assert_non_null(r);
    out->state = r->state;
    for (uint32_t i = 0; i < WORLD_DEVICES; i++) {
        out->device[i] = r->device[i].state;
        out->reason[i] = r->device[i].reason;
        out->wire[i] = r->device[i].wire;
        out->attempt[i] = r->device[i].attempt;
        out->new_image[i] = w->device[i].new_image;
        out->retained[i] = w->device[i].retained[0] != '\0';
    }
    rollout_free(r);
    store_close(store);
}

static void compare(const struct scenario *sc, const char *where, long at, const struct world *w,
                    const char *path, const struct outcome *expected)
{
    struct outcome got;

    if (w->broken[0])
        fail_msg("%s, killed at %s %ld: %s", sc->name, where, at, w->broken);
    read_outcome(w, path, &got);
    if (got.state != expected->state)
        fail_msg("%s, killed at %s %ld: ends %s, not %s", sc->name, where, at,
                 rollout_state_word(got.state), rollout_state_word(expected->state));
    for (int i = 0; i < WORLD_DEVICES; i++) {
        if (got.device[i] != expected->device[i] || got.attempt[i] != expected->attempt[i] ||
            got.new_image[i] != expected->new_image[i] || got.reason[i] != expected->reason[i] ||
            got.wire[i] != expected->wire[i] || got.retained[i] != expected->retained[i])
            fail_msg("%s, killed at %s %ld: device %d ends %u/%u/%u, not %u/%u/%u (state, reason, "
                     "attempt)",
                     sc->name, where, at, i, got.device[i], got.reason[i], got.attempt[i],
                     expected->device[i], expected->reason[i], expected->attempt[i]);
    }
}

struct bench {
    struct world *world;
    char path[64];
};

static struct outcome undisturbed(struct bench *b, const struct scenario *sc)
{
    struct outcome out;

    begin(b->world, b->path, sc);
    assert_int_equal(life(b->world, b->path, FAIL_NEVER, 0), 0);
    if (b->world->broken[0])
        fail_msg("%s: %s", sc->name, b->world->broken);
    read_outcome(b->world, b->path, &out);
    if (out.state != sc->ends)
        fail_msg("%s ends %s", sc->name, rollout_state_word(out.state));
    assert_true(b->world->orders > 0);
    return out;
}

static void undisturbed_they_end_as_they_should(void **state)
{
    struct bench *b = *state;

    for (int i = 0; i < SCENARIOS; i++) {
        struct outcome out = undisturbed(b, &scenarios[i]);
        print_message("%s: %s, %u orders, %u aborts, %u messages\n", scenarios[i].name,
                      rollout_state_word(out.state), b->world->orders, b->world->aborts,
                      b->world->publishes);
        if (strcmp(scenarios[i].name, "retry") == 0)
            assert_int_equal(b->world->orders, WORLD_DEVICES + 2);
        if (strcmp(scenarios[i].name, "pause") == 0)
            assert_true(b->world->aborts > 0); /* who waited was called back */
        if (strcmp(scenarios[i].name, "abort") == 0)
            assert_true(b->world->orders < WORLD_DEVICES);
    }
}

static void killed_at_any_write_of_the_journal_it_ends_the_same(void **state)
{
    struct bench *b = *state;
    long all = 0;

    for (int i = 0; i < SCENARIOS; i++) {
        struct outcome expected = undisturbed(b, &scenarios[i]);
        long at = 1;
        for (;; at++) {
            begin(b->world, b->path, &scenarios[i]);
            int how = life(b->world, b->path, FAIL_KILL, at);
            if (how == 0)
                break; /* fewer writes than that: every one has had its turn */
            assert_int_equal(how, 1000);
            int then = life(b->world, b->path, FAIL_NEVER, 0);
            if (then != 0)
                fail_msg("%s, killed at write %ld: the next engine ends with %d", scenarios[i].name,
                         at, then);
            compare(&scenarios[i], "write", at, b->world, b->path, &expected);
        }
        print_message("%s: killed at each of %ld writes\n", scenarios[i].name, at - 1);
        assert_true(at > 100);
        all += at - 1;
    }
    print_message("killed %ld times in all\n", all);
}

static void killed_before_any_message_it_ends_the_same(void **state)
{
    struct bench *b = *state;
    uint32_t all = 0;

    for (int i = 0; i < SCENARIOS; i++) {
        struct outcome expected = undisturbed(b, &scenarios[i]);
        uint32_t messages = b->world->publishes;
        for (uint32_t at = 1; at <= messages; at++, all++) {
            begin(b->world, b->path, &scenarios[i]);
            b->world->die_at_publish = at;
            assert_int_equal(life(b->world, b->path, FAIL_NEVER, 0), 1000);
            assert_int_equal(life(b->world, b->path, FAIL_NEVER, 0), 0);
            compare(&scenarios[i], "message", at, b->world, b->path, &expected);
        }
    }
    print_message("killed before each of %u messages\n", all);
}

static void killed_again_and_again_it_still_ends_the_same(void **state)
{
    struct bench *b = *state;

    for (int i = 0; i < SCENARIOS; i++) {
        struct outcome expected = undisturbed(b, &scenarios[i]);
        int kills = 0;
        begin(b->world, b->path, &scenarios[i]);
        for (long at = 7; life(b->world, b->path, kills < 200 ? FAIL_KILL : FAIL_NEVER, at) != 0;
             at = at % 53 + 11)
            kills++;
        compare(&scenarios[i], "kill", kills, b->world, b->path, &expected);
        print_message("%s: killed %d times in one run\n", scenarios[i].name, kills);
        assert_true(kills >= 5);
    }
}

int main(void)
{
    struct bench b = { .world = mmap(NULL, sizeof(*b.world), PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0) };
#define T(name) cmocka_unit_test_prestate(name, &b)
    const struct CMUnitTest tests[] = {
        T(undisturbed_they_end_as_they_should),
        T(killed_at_any_write_of_the_journal_it_ends_the_same),
        T(killed_before_any_message_it_ends_the_same),
        T(killed_again_and_again_it_still_ends_the_same),
    };

    if (b.world == MAP_FAILED)
        return 1;
    snprintf(b.path, sizeof(b.path), "/tmp/muster-engine-%ld.db", (long)getpid());
    failing_vfs_install();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    drop_files(b.path);
    munmap(b.world, sizeof(*b.world));
    return failed;
}
