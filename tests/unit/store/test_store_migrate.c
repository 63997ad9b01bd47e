/*
 * Journals of every schema that was ever released, kept as SQL text in journals/: each is brought
 * up to date, is then the same as a new one, and its rollout goes on to its end.
 */
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

#include "sim.h"
#include "store/outbox.h"
#include "store/store.h"
#include "tree.h"

#define KEPT 4 /* v1.sql … v4.sql */

struct place {
    char dir[64], path[96];
};

static int new_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    snprintf(p->dir, sizeof(p->dir), "/tmp/muster-migrate-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof(p->path), "%s/muster.db", p->dir);
    *state = p;
    return 0;
}

static void drop_files(const char *path)
{
    static const char *const tails[] = { "", "-wal", "-shm", ".lock" };

    for (size_t i = 0; i < 4; i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        unlink(name);
    }
}

static int drop_place(void **state)
{
    struct place *p = *state;

    tree_remove(p->dir);
    free(p);
    return 0;
}

static char *read_text(int version)
{
    char path[512];

    snprintf(path, sizeof(path), MUSTER_SOURCE_DIR "/tests/unit/store/journals/v%d.sql", version);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *text = calloc(1, 1 << 20);
    size_t n = fread(text, 1, (1 << 20) - 1, f);
    fclose(f);
    assert_true(n > 0 && n < (1 << 20) - 1);
    return text;
}

/* The journal as it was kept. */
static void unpack(const struct place *p, int version)
{
    char *text = read_text(version), *said = NULL;
    sqlite3 *db;

    drop_files(p->path);
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("v%d.sql: %s", version, said);
    sqlite3_close(db);
    free(text);
}

static struct store *opened(const struct place *p)
{
    struct err err = { 0 };
    struct store *s = store_open(p->path, false, &sim_crypto, &err);

    if (!s)
        fail_msg("%s", err.text);
    return s;
}

/* Everything that makes a schema, as text. free() it. */
static char *schema_of(const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    char *text = calloc(1, 65536);

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT type||' '||name||' '||COALESCE(sql,'') FROM "
                                        "sqlite_schema ORDER BY type,name",
                                        -1, &q, NULL),
                     SQLITE_OK);
    while (sqlite3_step(q) == SQLITE_ROW) {
        strncat(text, (const char *)sqlite3_column_text(q, 0), 60000 - strlen(text));
        strncat(text, "\n", 2);
    }
    sqlite3_finalize(q);
    sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &q, NULL);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    snprintf(text + strlen(text), 32, "version %d\n", sqlite3_column_int(q, 0));
    sqlite3_finalize(q);
    sqlite3_close(db);
    return text;
}

static void every_version_ends_as_a_new_one(void **state)
{
    struct place *p = *state;

    store_close(opened(p));
    char *fresh = schema_of(p->path);
    for (int v = 1; v <= KEPT; v++) {
        unpack(p, v);
        store_close(opened(p));
        char *migrated = schema_of(p->path);
        assert_string_equal(migrated, fresh);
        free(migrated);
    }
    free(fresh);
}

/* What a new one has and no kept one: a schema was changed, and its predecessor is not kept. */
static void the_newest_kept_one_is_at_most_one_step_behind(void **state)
{
    struct place *p = *state;
    char mark[32];

    store_close(opened(p));
    char *fresh = schema_of(p->path);
    int version = atoi(strstr(fresh, "\nversion ") + 9);
    snprintf(mark, sizeof(mark), "v%d.sql", version - 1);
    if (version > KEPT + 1)
        fail_msg("the schema is %d: keep a journal of %d as journals/%s", version, version - 1,
                 mark);
    free(fresh);
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
    struct err err;
    int rc = store_commit(ctx, r, fx, sign, NULL, 0, &err);

    if (rc != 0)
        print_error("%s\n", err.text);
    return rc;
}

/* The fleet as the journal believes it to be: who was told has the order and is busy with it. */
static void wake_fleet(struct sim *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct rollout_device *d = &s->r->device[i];
        s->device[i].n = d->n;
        s->device[i].boot = 5;
        s->device[i].new_image = d->state == RDEV_DONE;
        if (d->state != RDEV_ORDERED || d->ota == OTA_REPORT_IDLE)
            continue; /* gets its order again */
        s->device[i].attempt = s->device[i].wire_attempt = d->attempt;
        s->device[i].ota = d->ota;
        s->device[i].next_s = s->now_s + 5;
    }
}

static void its_rollout_goes_on_to_its_end(void **state)
{
    struct place *p = *state;

    for (int v = 1; v <= KEPT; v++) {
        struct rollout_plan plan;
        struct sim sim;
        int64_t row;

        unpack(p, v);
        struct store *s = opened(p);
        assert_int_equal(store_audit_verify(s, &row, NULL), 0);
        sim_plan(&plan);
        sim_init(&sim, &plan, 12, 7);
        rollout_free(sim.r);
        sim.r = store_rollout_load(s, "r-1", NULL);
        assert_non_null(sim.r);
        assert_int_equal(sim.r->state, ROLLOUT_RUNNING);
        assert_int_equal(sim.r->stage, 1);
        sim.now_s = sim.r->now_ms / 1000;
        sim.commit = commit;
        sim.ctx = s;
        sim.watch_cap = false;
        wake_fleet(&sim);
        sim_link(&sim, true);
        sim_wake_all(&sim);
        sim_run(&sim, 40000);
        if (sim.r->state != ROLLOUT_DONE || sim_phase(&sim, ROLLOUT_PHASE_DONE) != 12)
            fail_msg("v%d: ends %s, %u of 12 done: %s", v, rollout_state_word(sim.r->state),
                     sim_phase(&sim, ROLLOUT_PHASE_DONE), sim.r->why);
        sim_free(&sim);
        store_close(s);
        s = opened(p);
        struct rollout *r = store_rollout_load(s, "r-1", NULL);
        assert_int_equal(r->state, ROLLOUT_DONE);
        rollout_free(r);
        store_close(s);
    }
}

static void what_was_written_before_is_still_read(void **state)
{
    struct place *p = *state;

    for (int v = 1; v <= KEPT; v++) {
        struct store_event event[64];
        struct store_act act;
        struct store_order order;
        uint32_t seq;
        char id[17];

        unpack(p, v);
        struct store *s = opened(p);
        int n = store_event_list(s, "r-1", 0, event, 64, NULL);
        assert_true(n >= 2);
        assert_int_equal(store_act_get(s, 1, &act, NULL), 0);
        assert_int_equal(act.act, ROLLOUT_ACT_START);
        assert_string_equal(act.ask, "");
        struct rollout *r = store_rollout_load(s, "r-1", NULL);
        assert_int_equal(store_order_get(s, "r-1", r->device[0].id, 1, VERB_UPDATE, &order, NULL),
                         0);
        assert_int_equal(store_seq_next(s, VERB_CLASS_UPDATE, 0, &seq, NULL), 0);
        assert_true(seq > order.seq + 3); /* those of the others came after */
        assert_int_equal(store_journal_id(s, id, NULL), 0);
        assert_int_equal(strlen(id), 16);
        rollout_free(r);
        store_close(s);
    }
}

static void an_old_one_that_may_only_be_read_says_what_to_do(void **state)
{
    struct place *p = *state;
    struct err err;

    unpack(p, 1);
    assert_null(store_open(p->path, true, &sim_crypto, &err));
    assert_int_equal(err.code, EXIT_REFUSED);
    assert_non_null(strstr(err.text, "made by an older muster; open it once without read-only"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, new_place, drop_place)
    const struct CMUnitTest tests[] = {
        T(every_version_ends_as_a_new_one),
        T(the_newest_kept_one_is_at_most_one_step_behind),
        T(its_rollout_goes_on_to_its_end),
        T(what_was_written_before_is_still_read),
        T(an_old_one_that_may_only_be_read_says_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
