/*
 * The engine dies at every write of its journal and before every message it sends, and is started
 * again: the rollout must end as it ends without. The fleet and the broker live on, as they would.
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

#include "failing_vfs.h"
#include "rollout_json/plan_json.h"
#include "sim.h"
#include "store/store.h"

#define FLEET   8
#define LIMIT_S 20000

/* What a run does besides starting. */
struct scenario {
    const char *name;
    bool bad;       /* the release rolls back */
    bool rules;     /* a window that opens, caps by label and per second */
    uint32_t act_s; /* when, after the start; 0: no act */
    enum rollout_act act;
    uint32_t resume_s; /* when it is resumed; 0: never */
};

struct published {
    char jws[3][3][64]; /* by wire - 1, attempt - 1 */
    uint32_t seq;
};

struct run {
    char path[64];
    struct store *store;
    struct sim sim;
    struct published seen[FLEET];
    unsigned nonce; /* a signature is never the same twice */
    long sends, die_at_send;
    bool full_disk; /* a failed commit is tried again, as an engine does */
    uint32_t full_seen;
};

struct outcome {
    enum rollout_state state;
    uint8_t device[FLEET], reason[FLEET], wire[FLEET];
    uint16_t attempt[FLEET];
    bool new_image[FLEET];
};

static int sign(void *ctx, const struct rollout *r, const struct rollout_device *d, enum verb verb,
                uint32_t attempt, uint32_t seq, char *jws, size_t cap, struct err *err)
{
    struct run *run = ctx;

    (void)r;
    (void)err;
    snprintf(jws, cap, "%.12s.%s.%u.%u.%u", d->id, verb_word(verb), attempt, seq, ++run->nonce);
    return 0;
}

static int commit(void *ctx, const struct rollout *r, const struct rollout_effects *fx)
{
    struct run *run = ctx;
    struct err err;

    if (store_commit(run->store, r, fx, sign, run, 0, &err) == 0)
        return 0;
    if (!run->full_disk)
        return -1;
    if (!strstr(err.text, "the disk is full; free some room"))
        fail_msg("a full disk says: %s", err.text);
    run->full_seen++;
    return store_commit(run->store, r, fx, sign, run, 0, &err);
}

/* Same text whenever it is sent, numbers only rise. */
static void check_published(struct run *run, const struct rollout_send *send)
{
    const struct rollout_device *d = &run->sim.r->device[send->device];
    struct published *seen = &run->seen[send->device];
    struct store_order order;

    if (send->wire == WIRE_NOTHING || send->attempt > 3)
        return;
    enum verb verb = send->wire == WIRE_ORDER   ? VERB_UPDATE
                     : send->wire == WIRE_ABORT ? VERB_ABORT
                                                : VERB_ROLLBACK;
    assert_int_equal(store_order_get(run->store, "r-1", d->id, send->attempt, verb, &order, NULL),
                     0);
    char *before = seen->jws[send->wire - 1][send->attempt - 1];
    if (before[0]) {
        assert_string_equal(before, order.jws);
        return;
    }
    assert_true(order.seq > seen->seq);
    seen->seq = order.seq;
    snprintf(before, sizeof(seen->jws[0][0]), "%.63s", order.jws);
}

static int on_send(void *ctx, const struct rollout_send *send)
{
    struct run *run = ctx;

    if (++run->sends == run->die_at_send)
        return -1;
    check_published(run, send);
    return 0;
}

static struct rollout *reload(void *ctx)
{
    struct run *run = ctx;
    struct err err = { 0 };

    store_close(run->store);
    failing_vfs_arm(FAIL_NEVER, 0);
    run->die_at_send = 0;
    run->store = store_open(run->path, false, &sim_crypto, &err);
    if (!run->store)
        fail_msg("cannot open again: %s", err.text);
    struct rollout *r = store_rollout_load(run->store, "r-1", &err);
    if (!r)
        fail_msg("cannot load again: %s", err.text);
    sim_zones(&(struct sim){ .r = r });
    return r;
}

static void drop_files(const char *path)
{
    static const char *const tails[] = { "", "-wal", "-shm", ".lock" };
    char name[80];

    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        unlink(name);
    }
}

static const char *site(uint32_t i)
{
    return i % 3 ? "site:a" : "site:b";
}

static void begin(struct run *run, const struct scenario *sc)
{
    struct rollout_plan plan;
    struct err err = { 0 };

    memset(run, 0, sizeof(*run));
    snprintf(run->path, sizeof(run->path), "/tmp/muster-crash-%ld.db", (long)getpid());
    drop_files(run->path);
    failing_vfs_arm(FAIL_NEVER, 0);
    run->store = store_open(run->path, false, &sim_crypto, &err);
    assert_non_null(run->store);
    sim_plan(&plan);
    plan.in_flight = 3;
    plan.jitter_s = 40;
    if (sc->rules) {
        memcpy(plan.per_group.by, "site", 5);
        plan.per_group.max = 1;
        plan.bandwidth = 90000; /* an order each 10 s */
        plan_window_read("14:14-15:40 UTC", &plan.window, NULL);
        plan.deadline_s = 10 * 86400;
    }
    sim_init_labels(&run->sim, &plan, FLEET, 42, sc->rules ? site : NULL);
    for (uint32_t i = 0; i < FLEET; i++)
        run->sim.device[i].fate = sc->bad ? SIM_BAD : SIM_GOOD;
    if (!sc->bad)
        run->sim.device[4].fate = SIM_NET_ONCE;
    char *json = plan_encode(&plan);
    struct store_rollout_new new = { run->sim.r, json, "release", "ann" };
    assert_int_equal(store_rollout_create(run->store, &new, run->sim.now_s * 1000, NULL, NULL), 0);
    free(json);
    rollout_free(run->sim.r);
    run->sim.r = reload(run);
    run->sim.commit = commit;
    run->sim.on_send = on_send;
    run->sim.reload = reload;
    run->sim.ctx = run;
}

static void finish(struct run *run)
{
    sim_free(&run->sim);
    store_close(run->store);
    drop_files(run->path);
}

/* An operator in another process asks; an error is seen and it is asked again. */
static void ask(struct run *run, enum rollout_act act)
{
    for (int tries = 0; tries < 3; tries++) {
        if (store_act_add(run->store, "ann", "r-1", act, run->sim.now_s * 1000, NULL, NULL) == 0)
            return;
        rollout_free(run->sim.r);
        run->sim.r = reload(run);
        run->sim.link_up = false;
        run->sim.unacked_count = 0;
    }
    fail_msg("the act was never taken");
}

static void consume_acts(struct run *run)
{
    struct store_act act[4];
    int count = store_act_pending(run->store, act, 4, NULL);

    for (int i = 0; i < count; i++) {
        struct rollout_event ev = {
            .kind = ROLLOUT_EV_ACT, .act = act[i].act, .act_id = act[i].id, .who = act[i].who
        };
        uint32_t deaths = run->sim.deaths;
        sim_event(&run->sim, &ev);
        if (run->sim.deaths != deaths)
            return;
    }
}

static void drive(struct run *run, const struct scenario *sc)
{
    struct sim *s = &run->sim;
    int64_t start_s = s->now_s;

    if (!s->link_up)
        sim_link(s, true);
    while (s->now_s - start_s < LIMIT_S && !rollout_is_over(s->r)) {
        uint32_t at = (uint32_t)(s->now_s - start_s);
        if (sc->act_s && at == sc->act_s)
            ask(run, sc->act);
        if (sc->resume_s && at == sc->resume_s)
            ask(run, ROLLOUT_ACT_RESUME);
        consume_acts(run);
        sim_second(s);
    }
    /* What was asked after it was over, or just before a death at the very end. */
    for (int i = 0; i < 100 && !rollout_is_over(s->r); i++)
        sim_second(s);
}

static void read_outcome(const struct run *run, struct outcome *out)
{
    const struct sim *s = &run->sim;

    memset(out, 0, sizeof(*out));
    out->state = s->r->state;
    for (uint32_t i = 0; i < FLEET; i++) {
        out->device[i] = s->r->device[i].state;
        out->reason[i] = s->r->device[i].reason;
        out->attempt[i] = s->r->device[i].attempt;
        out->wire[i] = s->device[i].wire;
        out->new_image[i] = s->device[i].new_image;
    }
}

/* The same end. Under acts, when who was told what depends on the second: there the state, and that
 * nothing is left out and nobody runs what the engine does not know of. */
static void same_end(const struct scenario *sc, const char *what, long at, const struct outcome *is,
                     const struct outcome *should)
{
    bool same = is->state == should->state;

    for (uint32_t i = 0; i < FLEET && same; i++) {
        same = is->wire[i] == WIRE_NOTHING && (is->device[i] == RDEV_DONE) == is->new_image[i];
        if (same && !sc->act_s && !sc->bad)
            same = is->device[i] == should->device[i] && is->reason[i] == should->reason[i] &&
                   is->attempt[i] == should->attempt[i];
        if (same && sc->resume_s)
            same = is->device[i] == should->device[i];
    }
    if (!same)
        fail_msg("%s, dead at %s %ld: ends %s instead of %s, or with other devices", sc->name, what,
                 at, rollout_state_word(is->state), rollout_state_word(should->state));
}

static const struct scenario scenarios[] = {
    { .name = "good release" },
    { .name = "bad release", .bad = true },
    { .name = "paused and resumed", .act_s = 10, .act = ROLLOUT_ACT_PAUSE, .resume_s = 60 },
    { .name = "aborted", .act_s = 180, .act = ROLLOUT_ACT_ABORT },
    { .name = "rolled back", .act_s = 180, .act = ROLLOUT_ACT_ROLLBACK },
    { .name = "window and caps", .rules = true },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

/* How it ends when nothing goes wrong, and how many writes and messages that takes. */
static void undisturbed(const struct scenario *sc, struct outcome *out, long *writes, long *sends)
{
    struct run run;

    begin(&run, sc);
    failing_vfs_arm(FAIL_NEVER, 0);
    drive(&run, sc);
    *writes = failing_vfs_count();
    *sends = run.sends;
    read_outcome(&run, out);
    finish(&run);
}

static void the_scenarios_end_as_they_should(void **state)
{
    static const enum rollout_state ends[SCENARIOS] = { ROLLOUT_DONE,    ROLLOUT_STOPPED,
                                                        ROLLOUT_DONE,    ROLLOUT_ABORTED,
                                                        ROLLOUT_ABORTED, ROLLOUT_DONE };
    (void)state;

    for (size_t i = 0; i < SCENARIOS; i++) {
        struct outcome out;
        long writes, sends;
        undisturbed(&scenarios[i], &out, &writes, &sends);
        assert_int_equal(out.state, ends[i]);
        print_message("%s: %ld writes, %ld messages\n", scenarios[i].name, writes, sends);
    }
}

static void dying_at_any_message_changes_nothing(void **state)
{
    (void)state;

    for (size_t i = 0; i < SCENARIOS; i++) {
        struct outcome should, is;
        long writes, sends;
        undisturbed(&scenarios[i], &should, &writes, &sends);
        for (long at = 1; at <= sends; at++) {
            struct run run;
            begin(&run, &scenarios[i]);
            run.die_at_send = at;
            drive(&run, &scenarios[i]);
            assert_int_equal(run.sim.deaths, 1);
            read_outcome(&run, &is);
            same_end(&scenarios[i], "message", at, &is, &should);
            finish(&run);
        }
    }
}

static void dying_at_any_write_of_the_journal_changes_nothing(void **state)
{
    (void)state;

    for (size_t i = 0; i < SCENARIOS; i++) {
        struct outcome should, is;
        long writes, sends;
        undisturbed(&scenarios[i], &should, &writes, &sends);
        for (long at = 1; at <= writes; at++) {
            struct run run;
            begin(&run, &scenarios[i]);
            failing_vfs_arm(FAIL_DEAD, at);
            drive(&run, &scenarios[i]);
            read_outcome(&run, &is);
            same_end(&scenarios[i], "write", at, &is, &should);
            finish(&run);
        }
    }
}

static void a_full_disk_is_said_and_nothing_is_lost(void **state)
{
    struct outcome should, is;
    long writes, sends;
    uint32_t seen = 0;
    (void)state;

    undisturbed(&scenarios[0], &should, &writes, &sends);
    for (long at = 1; at <= writes; at++) {
        struct run run;
        begin(&run, &scenarios[0]);
        run.full_disk = true;
        failing_vfs_arm(FAIL_FULL, at);
        drive(&run, &scenarios[0]);
        seen += run.full_seen;
        assert_int_equal(run.sim.deaths, 0);
        read_outcome(&run, &is);
        same_end(&scenarios[0], "full disk at write", at, &is, &should);
        finish(&run);
    }
    assert_true(seen > writes / 2);
}

/* --- And with a real kill -9 of a real process, again and again in one run --- */

struct shared {
    struct sim_device device[FLEET];
    int64_t now_s;
    uint64_t seed;
    bool over;
};

static void engine_process(struct run *run, struct shared *shared, long die_at)
{
    struct sim *s = &run->sim;

    s->r = reload(run);
    s->link_up = false;
    s->unacked_count = 0;
    s->now_s = shared->now_s;
    s->seed = shared->seed;
    sim_wake_all(s);
    failing_vfs_arm(die_at ? FAIL_KILL : FAIL_NEVER, die_at);
    sim_link(s, true);
    while (!rollout_is_over(s->r) && s->now_s < shared->now_s + LIMIT_S) {
        consume_acts(run);
        sim_second(s);
        shared->now_s = s->now_s;
        shared->seed = s->seed;
    }
    shared->over = rollout_is_over(s->r);
    _exit(0);
}

static void one_that_is_killed_again_and_again_still_ends(void **state)
{
    struct run run;
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int kills = 0;
    (void)state;

    assert_ptr_not_equal(shared, MAP_FAILED);
    begin(&run, &scenarios[0]);
    memcpy(shared->device, run.sim.device, sizeof(shared->device));
    free(run.sim.device);
    run.sim.device = shared->device;
    shared->now_s = run.sim.now_s;
    shared->seed = 1;
    rollout_free(run.sim.r);
    run.sim.r = NULL;
    store_close(run.store);
    run.store = NULL;
    for (long die_at = 3; !shared->over; die_at = die_at % 97 + 5) {
        pid_t child = fork();
        if (child == 0)
            engine_process(&run, shared, kills < 60 ? die_at : 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status))
            kills++;
        else
            assert_true(shared->over);
    }
    run.sim.r = reload(&run);
    assert_int_equal(run.sim.r->state, ROLLOUT_DONE);
    for (uint32_t i = 0; i < FLEET; i++) {
        assert_int_equal(run.sim.r->device[i].state, RDEV_DONE);
        assert_true(shared->device[i].new_image);
    }
    assert_true(kills >= 10);
    print_message("killed %d times\n", kills);
    run.sim.device = NULL;
    finish(&run);
    munmap(shared, sizeof(*shared));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scenarios_end_as_they_should),
        cmocka_unit_test(dying_at_any_message_changes_nothing),
        cmocka_unit_test(dying_at_any_write_of_the_journal_changes_nothing),
        cmocka_unit_test(a_full_disk_is_said_and_nothing_is_lost),
        cmocka_unit_test(one_that_is_killed_again_and_again_still_ends),
    };

    failing_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
