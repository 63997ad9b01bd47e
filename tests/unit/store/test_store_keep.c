/* What goes by age and size, what never goes, and that the audit chain holds all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/text.h"
#include "rollout_json/plan_json.h"
#include "sim.h"
#include "store/keep.h"
#include "tree.h"

#define DAY_MS INT64_C(86400000)

struct place {
    char dir[64], path[96];
    struct store *s;
    int64_t now_ms; /* of the newest rollout's end */
};

static int new_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    struct err err = { 0 };

    snprintf(p->dir, sizeof(p->dir), "/tmp/muster-keep-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof(p->path), "%s/muster.db", p->dir);
    p->s = store_open(p->path, false, &sim_crypto, &err);
    *state = p;
    return p->s ? 0 : -1;
}

static int drop_place(void **state)
{
    struct place *p = *state;

    store_close(p->s);
    tree_remove(p->dir);
    free(p);
    return 0;
}

static int sign(void *ctx, const struct rollout *r, const struct rollout_device *d, enum verb verb,
                uint32_t attempt, uint32_t seq, char *jws, size_t cap, struct err *err)
{
    (void)ctx;
    (void)r;
    (void)err;
    snprintf(jws, cap, "%s.%s.%u.%u", d->id, verb_word(verb), attempt, seq);
    return 0;
}

static int commit(void *ctx, const struct rollout *r, const struct rollout_effects *fx)
{
    return store_commit(ctx, r, fx, sign, NULL, 0, NULL);
}

/* A rollout named `id` at `start_ms`; run to its end, or only started. Returns when it was last
 * touched. */
static int64_t a_rollout_of(struct place *p, uint32_t devices, const char *id, int64_t start_ms,
                            bool to_its_end)
{
    struct rollout_plan plan;
    struct sim sim;

    sim_plan(&plan);
    sim_init(&sim, &plan, devices, 3);
    text_copy(sim.r->id, sizeof(sim.r->id), id);
    sim.r->created_ms = sim.r->now_ms = start_ms;
    sim.now_s = start_ms / 1000;
    char *json = plan_encode(&plan);
    struct store_rollout_new new = { sim.r, json, "release", "ann" };
    assert_int_equal(store_rollout_create(p->s, &new, start_ms, NULL, NULL), 0);
    free(json);
    sim.commit = commit;
    sim.ctx = p->s;
    sim_link(&sim, true);
    sim_act(&sim, ROLLOUT_ACT_START);
    for (int i = 0; i < 100 || (to_its_end && !rollout_is_closed(sim.r)); i++)
        sim_second(&sim);
    int64_t end = sim.now_s * 1000;
    sim_free(&sim);
    return end;
}

static int64_t a_rollout(struct place *p, const char *id, int64_t start_ms, bool to_its_end)
{
    return a_rollout_of(p, 12, id, start_ms, to_its_end);
}

static struct store_pruned pruned(struct place *p, struct store_keep keep, int64_t now_ms)
{
    struct store_pruned gone = { 0 };
    struct err err;
    int rc, steps = 0;

    while ((rc = store_prune(p->s, &keep, now_ms, &gone, &err)) == 1)
        assert_true(++steps < 100);
    if (rc < 0)
        fail_msg("%s", err.text);
    return gone;
}

static int64_t count(struct place *p, const char *what)
{
    char text[160];
    sqlite3 *db;
    sqlite3_stmt *q;

    snprintf(text, sizeof(text), "SELECT COUNT(*) FROM %s", what);
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

static void change(struct place *p, const char *text)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int verified(struct place *p, int64_t *row)
{
    return store_audit_verify(p->s, row, NULL);
}

#define START_MS INT64_C(1790000000000)

static void what_ended_long_ago_goes_with_all_that_was_its_own(void **state)
{
    struct place *p = *state;
    struct store_keep keep = { .age_ms = 30 * DAY_MS };
    int64_t row;

    a_rollout(p, "r-old", START_MS, true);
    int64_t end = a_rollout(p, "r-new", START_MS + 60 * DAY_MS, true);
    struct store_pruned gone = pruned(p, keep, end);

    assert_int_equal(gone.rollouts, 1);
    assert_int_equal(gone.devices, 12);
    assert_true(gone.events > 0 && gone.acts > 0 && gone.orders >= 12 && gone.audit > 0);
    assert_int_equal(count(p, "rollout_devices WHERE rollout='r-old'"), 0);
    assert_int_equal(count(p, "rollout_stages WHERE rollout='r-old'"), 0);
    assert_int_equal(count(p, "events WHERE rollout='r-old'"), 0);
    assert_int_equal(count(p, "orders WHERE rollout='r-old'"), 0);
    assert_int_equal(count(p, "rollout_devices WHERE rollout='r-new'"), 12);
    struct rollout *r = store_rollout_load(p->s, "r-new", NULL);
    assert_non_null(r);
    rollout_free(r);
    assert_int_equal(verified(p, &row), 0);
    gone = pruned(p, keep, end);
    assert_int_equal(gone.rollouts + gone.devices + gone.events + gone.audit, 0);
}

static void a_rollout_that_may_still_move_never_goes(void **state)
{
    struct place *p = *state;
    struct store_keep keep = { .age_ms = DAY_MS, .bytes = 1 };

    a_rollout(p, "r-alive", START_MS, false);
    int64_t orders = count(p, "orders"), events = count(p, "events");
    struct store_pruned gone = pruned(p, keep, START_MS + 4000 * DAY_MS);

    assert_int_equal(gone.rollouts, 0);
    assert_int_equal(count(p, "rollout_devices"), 12);
    assert_int_equal(count(p, "orders"), orders);
    assert_int_equal(count(p, "events"), events);
    change(p, "UPDATE rollouts SET state='stopped', ended_ms=started_ms+1000;"
              "UPDATE rollout_devices SET wire_pending=0");
    keep.age_ms = 1000;
    assert_int_equal(pruned(p, keep, START_MS + DAY_MS / 2).rollouts, 0); /* can be resumed */
    assert_int_equal(pruned(p, keep, START_MS + 2 * DAY_MS).rollouts, 1);
}

static void one_whose_topic_is_not_yet_as_it_should_be_stays(void **state)
{
    struct place *p = *state;
    struct store_keep keep = { .age_ms = DAY_MS };

    a_rollout(p, "r-1", START_MS, true);
    change(p, "UPDATE rollout_devices SET wire_pending=1 WHERE idx=3");
    assert_int_equal(pruned(p, keep, START_MS + 100 * DAY_MS).rollouts, 0);
}

static void a_journal_that_is_too_large_lets_the_oldest_go_first(void **state)
{
    struct place *p = *state;
    struct store_rollout_row row[8];
    struct store_facts facts;
    struct store_keep keep = { 0 };

    for (int i = 0; i < 4; i++) {
        char id[16];
        snprintf(id, sizeof(id), "r-%d", i);
        a_rollout_of(p, 200, id, START_MS + i * DAY_MS, true);
    }
    assert_int_equal(store_facts(p->s, &facts, NULL), 0);
    keep.bytes = (facts.bytes - facts.free_bytes) * 3 / 4;
    struct store_pruned gone = pruned(p, keep, START_MS + 5 * DAY_MS);
    assert_in_range(gone.rollouts, 1, 3);
    int n = store_rollout_list(p->s, row, 8, NULL);
    assert_int_equal(n, 4 - (int)gone.rollouts);
    assert_string_equal(row[0].id, "r-3");
    assert_int_equal(gone.audit, 0);
}

static void a_large_one_goes_in_pieces_and_is_hidden_from_the_first(void **state)
{
    struct place *p = *state;
    struct store_keep keep = { .age_ms = DAY_MS };
    struct store_pruned gone = { 0 };
    struct store_rollout_row row[4];
    char id[PROTO_ROLLOUT_MAX];

    a_rollout(p, "r-1", START_MS, true);
    change(p, "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i+1 FROM n WHERE i<12099) "
              "INSERT INTO rollout_devices SELECT rollout,n.i,'d-'||n.i,stage,state,ota,reason,"
              "retries,wire,wire_pending,silent,attempt,n,boot_before,told_ms,ended_ms,heard_ms,"
              "due_ms,joined,label,tz FROM rollout_devices, n WHERE idx=0");
    assert_int_equal(count(p, "rollout_devices"), 12012);
    change(p, "UPDATE rollout_devices SET state=1 WHERE idx>5000");
    assert_int_equal(store_prune(p->s, &keep, START_MS + 9 * DAY_MS, &gone, NULL), 1);
    assert_int_equal(gone.devices, STORE_KEEP_ROWS);
    assert_int_equal(gone.rollouts, 0);
    assert_int_equal(store_rollout_list(p->s, row, 4, NULL), 0);
    assert_int_equal(store_device_rollout(p->s, "d-9000", id, NULL), 0);
    gone = pruned(p, keep, START_MS + 9 * DAY_MS);
    assert_int_equal(gone.rollouts, 1);
    assert_int_equal(count(p, "rollout_devices"), 0);
}

static void who_failed_a_release_is_known_when_its_rollout_is_gone(void **state)
{
    struct place *p = *state;
    struct store_keep keep = { .age_ms = DAY_MS };
    char(*id)[PROTO_ID_MAX];

    a_rollout(p, "r-1", START_MS, true);
    a_rollout(p, "r-2", START_MS + 1000000, true);
    /* Rows of two pieces; network and image speak for no penalty, nor does a device that is done.
     */
    change(p, "UPDATE rollouts SET image='bad' WHERE id='r-1';"
              "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i+1 FROM n WHERE i<6099) "
              "INSERT INTO rollout_devices SELECT rollout,n.i,'d-'||n.i,stage,6,ota,reason,"
              "retries,wire,wire_pending,silent,attempt,n,boot_before,told_ms,ended_ms,heard_ms,"
              "due_ms,joined,label,tz FROM rollout_devices, n WHERE idx=0 AND rollout='r-1';"
              "UPDATE rollout_devices SET state=7, reason=33 WHERE id IN ('d-100','d-6000');"
              "UPDATE rollout_devices SET state=7, reason=36 WHERE rollout='r-2' AND idx=0;"
              "UPDATE rollout_devices SET state=7, reason=43 WHERE id='d-101';"
              "UPDATE rollout_devices SET state=6, reason=33 WHERE id='d-102'");
    assert_int_equal(reason_class(43), REASON_CLASS_NETWORK);
    assert_int_equal(pruned(p, keep, START_MS + 9 * DAY_MS).rollouts, 2);
    assert_int_equal(count(p, "rollout_devices"), 0);
    assert_int_equal(store_failed_before(p->s, "bad", &id, NULL), 2);
    assert_string_equal(id[0], "d-100");
    assert_string_equal(id[1], "d-6000");
    free(id);
    assert_int_equal(count(p, "penalties"), 3);
}

static void penalties_of_long_ago_make_way(void **state)
{
    struct place *p = *state;
    struct store_keep keep = { .age_ms = DAY_MS };
    char(*id)[PROTO_ID_MAX];

    change(p, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<200000) "
              "INSERT INTO penalties(image,device,reason) SELECT 'old','d-'||i,33 FROM n");
    a_rollout(p, "r-1", START_MS, true);
    change(p, "UPDATE rollouts SET image='bad';"
              "UPDATE rollout_devices SET state=7, reason=33 WHERE idx<3");
    pruned(p, keep, START_MS + 9 * DAY_MS);
    assert_int_equal(count(p, "penalties"), STORE_PENALTIES);
    assert_int_equal(count(p, "penalties WHERE device IN ('d-1','d-2','d-3')"), 0);
    assert_int_equal(store_failed_before(p->s, "bad", &id, NULL), 3);
    free(id);
}

static void the_chain_holds_behind_its_anchor_and_what_was_changed_is_found(void **state)
{
    struct place *p = *state;
    struct store_keep keep = { .age_ms = 30 * DAY_MS };
    int64_t row;

    for (int i = 0; i < 10; i++)
        store_audit_add(p->s, "ann", "something", START_MS + i * 10 * DAY_MS, NULL);
    assert_int_equal(pruned(p, keep, START_MS + 100 * DAY_MS).audit, 7);
    assert_int_equal(verified(p, &row), 0);
    assert_int_equal(row, 11); /* 3 left, and the one that says so */
    assert_int_equal(pruned(p, keep, START_MS + 100 * DAY_MS).audit, 0);
    assert_int_equal(pruned(p, keep, START_MS + 115 * DAY_MS).audit, 2);
    assert_int_equal(verified(p, &row), 0);

    change(p, "UPDATE audit SET who='bob' WHERE id=10");
    assert_int_equal(verified(p, &row), 1);
    assert_int_equal(row, 10);
    change(p, "UPDATE audit SET who='ann' WHERE id=10");
    assert_int_equal(verified(p, &row), 0);
    change(p, "DELETE FROM audit WHERE id=10"); /* as if by age */
    assert_int_equal(verified(p, &row), 1);
}

static void an_anchor_that_was_moved_is_found(void **state)
{
    struct place *p = *state;
    struct store_keep keep = { .age_ms = 30 * DAY_MS };
    int64_t row;

    for (int i = 0; i < 10; i++)
        store_audit_add(p->s, "ann", "something", START_MS + i * 10 * DAY_MS, NULL);
    pruned(p, keep, START_MS + 100 * DAY_MS);
    /* Row 8 goes too, and the anchor says it was by age. */
    change(p, "UPDATE audit_anchor SET row=8, hash=(SELECT hash FROM audit WHERE id=8);"
              "DELETE FROM audit WHERE id=8");
    assert_int_equal(verified(p, &row), 1);
    assert_int_equal(row, 8);
}

static void compacting_gives_the_room_back(void **state)
{
    struct place *p = *state;
    struct store_keep keep = { .age_ms = DAY_MS };
    struct store_facts before, after;
    int64_t row;
    struct err err;

    for (int i = 0; i < 4; i++) {
        char id[16];
        snprintf(id, sizeof(id), "r-%d", i);
        a_rollout_of(p, 200, id, START_MS + i * 1000000, true);
    }
    pruned(p, keep, START_MS + 100 * DAY_MS);
    store_facts(p->s, &before, NULL);
    assert_true(before.free_bytes > 0);
    if (store_compact(p->s, &err) != 0)
        fail_msg("%s", err.text);
    store_facts(p->s, &after, NULL);
    assert_int_equal(after.free_bytes, 0);
    assert_true(after.bytes < before.bytes);
    assert_int_equal(verified(p, &row), 0);
}

static void compacting_waits_for_no_engine(void **state)
{
    struct place *p = *state;
    struct store *engine = store_open(p->path, false, &sim_crypto, NULL);
    char holder[160];
    struct err err;

    assert_int_equal(store_engine_lock(engine, "serve", holder, sizeof(holder), NULL), 0);
    assert_int_equal(store_compact(p->s, &err), -1);
    assert_int_equal(err.code, EXIT_REFUSED);
    assert_non_null(strstr(err.text, "serve, pid"));
    store_close(engine);
}

struct seen {
    int kind[5];
    int64_t last;
    bool hashes, jws;
};

static void see(void *ctx, const struct store_record *r)
{
    static const char *const kinds[] = { "rollout", "act", "event", "order", "audit" };
    struct seen *seen = ctx;

    for (int i = 0; i < 5; i++)
        seen->kind[i] += strcmp(r->kind, kinds[i]) == 0;
    if (strcmp(r->kind, "audit") == 0)
        seen->hashes = r->hash && strlen(r->hash) == 64;
    if (strcmp(r->kind, "order") == 0)
        seen->jws = r->extra && strstr(r->extra, "update") && r->number > 0 && r->device;
}

static void everything_is_exported_or_what_was_asked_for(void **state)
{
    struct place *p = *state;
    struct seen all = { 0 }, one = { 0 }, late = { 0 };

    a_rollout(p, "r-1", START_MS, true);
    a_rollout(p, "r-2", START_MS + DAY_MS, true);
    assert_int_equal(store_export(p->s, 0, NULL, see, &all, NULL), 0);
    assert_int_equal(all.kind[0], 2);
    assert_int_equal(all.kind[1], 2);
    assert_int_equal(all.kind[2], count(p, "events"));
    assert_int_equal(all.kind[3], count(p, "orders"));
    assert_int_equal(all.kind[4], count(p, "audit"));
    assert_true(all.hashes && all.jws);
    assert_int_equal(store_export(p->s, 0, "r-2", see, &one, NULL), 0);
    assert_int_equal(one.kind[0], 1);
    assert_int_equal(one.kind[3], all.kind[3] / 2);
    assert_int_equal(one.kind[4], 0);
    assert_int_equal(store_export(p->s, START_MS + DAY_MS, NULL, see, &late, NULL), 0);
    assert_int_equal(late.kind[0], 1);
    assert_true(late.kind[4] > 0 && late.kind[4] < all.kind[4]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, new_place, drop_place)
    const struct CMUnitTest tests[] = {
        T(what_ended_long_ago_goes_with_all_that_was_its_own),
        T(a_rollout_that_may_still_move_never_goes),
        T(one_whose_topic_is_not_yet_as_it_should_be_stays),
        T(a_journal_that_is_too_large_lets_the_oldest_go_first),
        T(a_large_one_goes_in_pieces_and_is_hidden_from_the_first),
        T(who_failed_a_release_is_known_when_its_rollout_is_gone),
        T(penalties_of_long_ago_make_way),
        T(the_chain_holds_behind_its_anchor_and_what_was_changed_is_found),
        T(an_anchor_that_was_moved_is_found),
        T(compacting_gives_the_room_back),
        T(compacting_waits_for_no_engine),
        T(everything_is_exported_or_what_was_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
