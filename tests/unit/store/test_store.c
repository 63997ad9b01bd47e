#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/text.h"
#include "rollout_json/plan_json.h"
#include "sim.h"
#include "store/device.h"
#include "store/store.h"
#include "tree.h"

#define NOW_MS 1790000000000

struct place {
    char dir[64];
    char path[96];
};

static int new_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    snprintf(p->dir, sizeof(p->dir), "/tmp/muster-store-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof(p->path), "%s/muster.db", p->dir);
    *state = p;
    return 0;
}

static int drop_place(void **state)
{
    struct place *p = *state;

    tree_remove(p->dir);
    free(p);
    return 0;
}

static struct store *opened(const struct place *p)
{
    struct err err = { 0 };
    struct store *s = store_open(p->path, false, &sim_crypto, &err);

    if (!s)
        fail_msg("%s", err.text);
    return s;
}

static int sign(void *ctx, const struct rollout *r, const struct rollout_device *d, enum verb verb,
                uint32_t attempt, uint32_t seq, char *jws, size_t cap, struct err *err)
{
    int *calls = ctx;

    (void)r;
    (void)err;
    if (calls && *calls < 0)
        return err_set(err, EXIT_REFUSED, "the key is gone");
    if (calls)
        ++*calls;
    return snprintf(jws, cap, "%s.%s.%u.%u", d->id, verb_word(verb), attempt, seq) > 0 ? 0 : -1;
}

static void create(struct store *s, struct sim *sim, uint32_t count)
{
    struct rollout_plan plan;
    int64_t act;

    sim_plan(&plan);
    sim_init(sim, &plan, count, 1);
    char *json = plan_encode(&plan);
    struct store_rollout_new new = {
        .rollout = sim->r, .plan_json = json, .release_jws = "a.b.c", .who = "ann"
    };
    assert_int_equal(store_rollout_create(s, &new, NOW_MS, &act, NULL), 0);
    assert_int_equal(act, 1);
    free(json);
}

static void step(struct store *s, struct rollout *r, struct rollout_event ev, int *calls)
{
    struct rollout_effects fx;

    ev.now_ms = NOW_MS + 1000;
    do {
        rollout_step(r, &ev, &fx);
        assert_int_equal(store_commit(s, r, &fx, sign, calls, 0, NULL), 0);
        ev.kind = ROLLOUT_EV_TICK;
    } while (fx.more);
}

static void a_rollout_comes_back_as_it_was_committed(void **state)
{
    struct store *s = opened(*state);
    struct sim sim;
    struct err err;
    int calls = 0;

    create(s, &sim, 30);
    struct rollout *r = store_rollout_load(s, "r-1", &err);
    assert_non_null(r);
    assert_int_equal(r->state, ROLLOUT_DRAFT);
    assert_int_equal(r->count, 30);
    assert_int_equal(r->stages[1].size, 13);
    step(s, r, (struct rollout_event){ .kind = ROLLOUT_EV_BROKER_UP }, &calls);
    step(s, r, (struct rollout_event){ .kind = ROLLOUT_EV_ACT, .act_id = 1, .who = "ann" }, &calls);
    for (uint32_t i = 0; i < 2; i++) {
        struct device_status up = { .online = true, .boot = "00000000000000a1" };
        step(s, r, (struct rollout_event){ .kind = ROLLOUT_EV_STATUS, .device = i, .status = &up },
             &calls);
    }
    assert_int_equal(calls, 2);
    store_close(s);

    s = opened(*state);
    struct rollout *again = store_rollout_load(s, "r-1", &err);
    assert_non_null(again);
    assert_int_equal(again->state, ROLLOUT_RUNNING);
    assert_int_equal(again->stages[0].state, ROLLOUT_STAGE_RUNNING);
    assert_int_equal(again->deadline_ms, r->deadline_ms);
    assert_int_equal(again->in_flight, 2);
    assert_string_equal(again->plan.version, "1.4.0");
    assert_string_equal(again->release.image, r->release.image);
    assert_int_equal(again->device[0].boot_before, 0xa1);
    assert_int_equal(again->device[0].attempt, 1);
    assert_int_equal(again->device[0].told_ms, r->device[0].told_ms);
    assert_true(again->device[0].wire_pending);

    char jws[PROTO_RELEASE_BYTES + 1];
    assert_int_equal(store_rollout_release(s, "r-1", jws, sizeof(jws), &err), 0);
    assert_string_equal(jws, "a.b.c");
    assert_null(store_rollout_load(s, "r-2", &err));
    assert_non_null(strstr(err.text, "there is no rollout r-2"));
    rollout_free(again);
    rollout_free(r);
    sim_free(&sim);
    store_close(s);
}

static void an_order_is_made_once_and_sent_the_same_for_ever(void **state)
{
    struct store *s = opened(*state);
    struct sim sim;
    struct store_order first, again;
    int calls = 0;

    create(s, &sim, 5);
    struct rollout_effects fx = { .send_count = 1, .send = { { WIRE_ORDER, 3, 1 } } };
    assert_int_equal(store_commit(s, sim.r, &fx, sign, &calls, 1000, NULL), 0);
    const char *id = sim.r->device[3].id;
    assert_int_equal(store_order_get(s, "r-1", id, 1, VERB_UPDATE, &first, NULL), 0);
    assert_int_equal(first.seq, 1000); /* the floor */
    assert_int_equal(store_commit(s, sim.r, &fx, sign, &calls, 1000, NULL), 0);
    assert_int_equal(store_order_get(s, "r-1", id, 1, VERB_UPDATE, &again, NULL), 0);
    assert_string_equal(again.jws, first.jws);
    assert_int_equal(calls, 1);

    fx.send[0].attempt = 2;
    fx.send[0].wire = WIRE_ABORT;
    assert_int_equal(store_commit(s, sim.r, &fx, sign, &calls, 0, NULL), 0);
    assert_int_equal(store_order_get(s, "r-1", id, 2, VERB_ABORT, &again, NULL), 0);
    assert_int_equal(again.seq, 1001);
    assert_int_equal(store_order_get(s, "r-1", id, 2, VERB_UPDATE, &again, NULL), 1);
    sim_free(&sim);
    store_close(s);
}

static void numbers_rise_per_class_and_never_fall(void **state)
{
    struct store *s = opened(*state);
    uint32_t a, b, c;

    assert_int_equal(store_seq_next(s, VERB_CLASS_UPDATE, 0, &a, NULL), 0);
    assert_int_equal(store_seq_next(s, VERB_CLASS_CONFIG, 50, &b, NULL), 0);
    assert_int_equal(store_seq_next(s, VERB_CLASS_UPDATE, 0, &c, NULL), 0);
    assert_int_equal(a, 1);
    assert_int_equal(b, 50);
    assert_int_equal(c, 2);
    store_close(s);
    s = opened(*state);
    assert_int_equal(store_seq_next(s, VERB_CLASS_CONFIG, 7, &b, NULL), 0);
    assert_int_equal(b, 51);
    struct err err;
    assert_int_equal(store_seq_next(s, VERB_CLASS_CONFIG, UINT32_MAX, &b, NULL), 0);
    assert_int_equal(store_seq_next(s, VERB_CLASS_CONFIG, 0, &b, &err), -1);
    assert_non_null(strstr(err.text, "used up"));
    store_close(s);
}

static void a_commit_that_cannot_sign_changes_nothing(void **state)
{
    struct store *s = opened(*state);
    struct sim sim;
    struct err err;
    int calls = -1;
    uint32_t seq;

    create(s, &sim, 5);
    struct rollout_effects fx = { .send_count = 1,
                                  .send = { { WIRE_ORDER, 3, 1 } },
                                  .save_count = 1,
                                  .save = { 3 },
                                  .save_head = true,
                                  .act_id = 1,
                                  .act_text = "start: now running" };
    sim.r->device[3].state = RDEV_ORDERED;
    assert_int_equal(store_commit(s, sim.r, &fx, sign, &calls, 0, &err), -1);
    assert_non_null(strstr(err.text, "the key is gone"));
    struct rollout *r = store_rollout_load(s, "r-1", NULL);
    assert_int_equal(r->device[3].state, RDEV_PLANNED);
    assert_int_equal(store_seq_next(s, VERB_CLASS_UPDATE, 0, &seq, NULL), 0);
    assert_int_equal(seq, 1);
    struct store_act act;
    assert_int_equal(store_act_get(s, 1, &act, NULL), 0);
    assert_false(act.consumed);
    rollout_free(r);
    sim_free(&sim);
    store_close(s);
}

static void acts_wait_until_they_are_consumed_and_keep_their_result(void **state)
{
    struct store *s = opened(*state);
    struct store *other = opened(*state);
    struct store_act act[4];
    struct sim sim;
    int64_t id, before, after;

    create(s, &sim, 5);
    assert_int_equal(store_data_version(s, &before, NULL), 0);
    assert_int_equal(store_act_add(other, "bob", "r-1", ROLLOUT_ACT_PAUSE, NOW_MS, &id, NULL), 0);
    assert_int_equal(store_data_version(s, &after, NULL), 0);
    assert_true(after != before); /* the engine sees that somebody wrote */
    assert_int_equal(store_act_pending(s, act, 4, NULL), 2);
    assert_string_equal(act[1].who, "bob");
    assert_int_equal(act[1].act, ROLLOUT_ACT_PAUSE);
    assert_int_equal(act[0].act, ROLLOUT_ACT_START);

    struct rollout_effects fx = { .act_id = id, .act_refused = true, .act_text = "not now" };
    assert_int_equal(store_commit(s, sim.r, &fx, sign, NULL, 0, NULL), 0);
    assert_int_equal(store_act_pending(s, act, 4, NULL), 1);
    assert_int_equal(store_act_get(other, id, act, NULL), 0);
    assert_true(act->consumed && act->refused);
    assert_string_equal(act->result, "not now");
    assert_int_equal(store_act_get(other, 99, act, NULL), 1);
    assert_int_equal(store_act_refuse(other, 1, "no such rollout", NULL), 0);
    assert_int_equal(store_act_pending(s, act, 4, NULL), 0);
    sim_free(&sim);
    store_close(other);
    store_close(s);
}

static void ids_are_of_the_day_and_never_twice(void **state)
{
    struct store *s = opened(*state);
    struct sim sim;
    char id[PROTO_ROLLOUT_MAX];

    assert_int_equal(store_rollout_next_id(s, NOW_MS, id, NULL), 0);
    assert_string_equal(id, "r-20260921-1");
    struct rollout_plan plan;
    sim_plan(&plan);
    sim_init(&sim, &plan, 3, 1);
    memcpy(sim.r->id, id, sizeof(id));
    char *json = plan_encode(&plan);
    struct store_rollout_new new = { sim.r, json, "x", "ann" };
    struct err err;
    assert_int_equal(store_rollout_create(s, &new, NOW_MS, NULL, NULL), 0);
    assert_int_equal(store_rollout_create(s, &new, NOW_MS, NULL, &err), 1);
    assert_int_equal(store_rollout_next_id(s, NOW_MS, id, NULL), 0);
    assert_string_equal(id, "r-20260921-2");

    struct store_rollout_row row[3];
    assert_int_equal(store_rollout_list(s, row, 3, NULL), 1);
    assert_string_equal(row[0].id, "r-20260921-1");
    assert_int_equal(row[0].devices, 3);
    assert_int_equal(row[0].state, ROLLOUT_DRAFT);
    assert_string_equal(row[0].who, "ann");
    assert_int_equal(row[0].stage, 0);
    assert_int_equal(row[0].stage_count, plan.stage_count);
    assert_string_equal(row[0].target, plan.target);
    assert_int_equal(store_device_rollout(s, "dev-0000001", id, NULL), 1);
    assert_string_equal(id, "r-20260921-1");
    assert_int_equal(store_device_rollout(s, "nobody", id, NULL), 0);
    free(json);
    sim_free(&sim);
    store_close(s);
}

static void events_are_listed_oldest_first_from_where_one_left_off(void **state)
{
    struct store *s = opened(*state);
    struct sim sim;
    struct store_event ev[5];

    create(s, &sim, 3);
    struct rollout_effects fx = { .note_count = 2 };
    fx.note[0] = (struct rollout_note){ .device = ROLLOUT_NO_DEVICE, .text = "stage starts" };
    fx.note[1] = (struct rollout_note){ .device = 1, .bad = true, .text = "failed" };
    assert_int_equal(store_commit(s, sim.r, &fx, sign, NULL, 0, NULL), 0);
    assert_int_equal(store_event_list(s, "r-1", 0, ev, 5, NULL), 2);
    assert_string_equal(ev[0].text, "stage starts");
    assert_string_equal(ev[1].device, sim.r->device[1].id);
    assert_true(ev[1].bad);
    assert_int_equal(store_event_list(s, NULL, ev[0].id, ev, 5, NULL), 1);
    assert_int_equal(store_event_list(s, "r-2", 0, ev, 5, NULL), 0);
    assert_int_equal(store_event_list(s, "r-1", 0, ev, 1, NULL), 1); /* the newest */
    assert_string_equal(ev[0].text, "failed");
    sim_free(&sim);
    store_close(s);
}

static const char *label_of(uint32_t i)
{
    return i % 2 ? "site:a" : "tz:Europe/Berlin";
}

/* Caps by label, what was changed on the way, approvals, who joined: all of it is there after a
 * restart, or the rules would be others. */
static void what_people_changed_on_the_way_is_kept(void **state)
{
    struct store *s = opened(*state);
    struct rollout_plan plan;
    struct sim sim;
    struct err err;

    sim_plan(&plan);
    text_copy(plan.per_group.by, sizeof(plan.per_group.by), "site");
    plan.per_group.max = 2;
    plan.late = PLAN_LATE_JOIN;
    assert_int_equal(plan_window_read("00:00-24:00 UTC", &plan.window, NULL), 0);
    sim_init_labels(&sim, &plan, 6, 1, label_of);
    char *json = plan_encode(&plan);
    struct store_rollout_new new = { sim.r, json, "x", "ann" };
    assert_int_equal(store_rollout_create(s, &new, NOW_MS, NULL, NULL), 0);
    struct rollout_ask ask = { .set = ROLLOUT_SET_IN_FLIGHT | ROLLOUT_SET_JITTER |
                                      ROLLOUT_SET_PER_GROUP | ROLLOUT_SET_BANDWIDTH,
                               .in_flight = 7,
                               .jitter_s = 5,
                               .per_group = 3,
                               .bandwidth = 1000 };
    struct plan_candidate late = {
        .id = "late-1", .boot = "01", .group = { "site:z" }, .group_count = 1
    };
    step(s, sim.r, (struct rollout_event){ .kind = ROLLOUT_EV_ACT, .act_id = 1, .who = "ann" },
         NULL);
    step(s, sim.r,
         (struct rollout_event){ .kind = ROLLOUT_EV_ACT,
                                 .act = ROLLOUT_ACT_SET,
                                 .act_id = 2,
                                 .who = "ann",
                                 .ask = &ask },
         NULL);
    step(s, sim.r,
         (struct rollout_event){ .kind = ROLLOUT_EV_JOIN, .join = &late, .join_count = 1 }, NULL);
    sim.r->approved = 2;
    sim.r->back = true;
    sim.r->acked_ms = 99;
    struct rollout_effects fx = { .save_head = true };
    assert_int_equal(store_commit(s, sim.r, &fx, sign, NULL, 0, NULL), 0);

    struct rollout *r = store_rollout_load(s, "r-1", &err);
    if (!r)
        fail_msg("%s", err.text);
    assert_string_equal(r->starter, "ann");
    assert_int_equal(r->plan.in_flight, 7);
    assert_int_equal(r->plan.jitter_s, 5);
    assert_int_equal(r->jitter_most_s, 60);
    assert_int_equal(r->plan.per_group.max, 3);
    assert_int_equal(r->plan.bandwidth, 1000);
    assert_int_equal(r->approved, 2);
    assert_true(r->back);
    assert_int_equal(r->acked_ms, 99);
    assert_int_equal(r->count, 7);
    assert_string_equal(r->device[6].id, "late-1");
    assert_true(r->device[6].joined && !r->device[5].joined);
    for (uint32_t i = 0; i < 7; i++) {
        assert_string_equal(rollout_group_name(r, &r->device[i]),
                            rollout_group_name(sim.r, &sim.r->device[i]));
        assert_string_equal(rollout_zone_name(r, &r->device[i]), "UTC");
    }
    assert_int_equal(r->group_count, 2);
    struct store_rollout_row row;
    assert_int_equal(store_rollout_list(s, &row, 1, NULL), 1);
    assert_int_equal(row.devices, 7);
    rollout_free(r);
    free(json);
    sim_free(&sim);
    store_close(s);
}

static void an_act_is_kept_with_what_it_asks(void **state)
{
    struct store *s = opened(*state);
    struct rollout_ask ask = { .stage = "half", .remark = "fine" }, again;
    struct store_act act[2];
    struct sim sim;

    create(s, &sim, 3);
    assert_int_equal(store_act_ask(s, "bob", "r-1", ROLLOUT_ACT_APPROVE, &ask, NOW_MS, NULL, NULL),
                     0);
    assert_int_equal(store_act_pending(s, act, 2, NULL), 2);
    assert_string_equal(act[0].ask, "");
    assert_int_equal(act[1].act, ROLLOUT_ACT_APPROVE);
    assert_int_equal(rollout_ask_read(act[1].ask, &again, NULL), 0);
    assert_memory_equal(&again, &ask, sizeof(ask));
    sim_free(&sim);
    store_close(s);
}

static void whose_firmware_failed_on_an_image_is_remembered(void **state)
{
    struct store *s = opened(*state);
    char(*id)[PROTO_ID_MAX];
    struct sim sim;

    create(s, &sim, 10);
    assert_int_equal(store_failed_before(s, sim.r->release.image, &id, NULL), 0);
    assert_null(id);
    struct rollout_effects fx = { .save = { 2, 5, 7 }, .save_count = 3 };
    for (uint32_t i = 0; i < 3; i++)
        sim.r->device[fx.save[i]].state = RDEV_FAILED;
    sim.r->device[2].reason = REASON_SELF_TEST;
    sim.r->device[5].reason = REASON_DNS;
    sim.r->device[7].reason = REASON_PANIC;
    assert_int_equal(store_commit(s, sim.r, &fx, sign, NULL, 0, NULL), 0);
    assert_int_equal(store_failed_before(s, sim.r->release.image, &id, NULL), 2);
    assert_true(strcmp(id[0], id[1]) < 0);
    assert_true(strcmp(id[0], sim.r->device[2].id) == 0 || strcmp(id[1], sim.r->device[2].id) == 0);
    free(id);
    assert_int_equal(store_failed_before(s, "another", &id, NULL), 0);
    sim_free(&sim);
    store_close(s);
}

static void change(const struct place *p, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void a_changed_audit_row_is_found(void **state)
{
    struct store *s = opened(*state);
    int64_t row = 0;

    for (int i = 0; i < 5; i++)
        assert_int_equal(store_audit_add(s, "ann", "looked at it", NOW_MS + i, NULL), 0);
    assert_int_equal(store_audit_verify(s, &row, NULL), 0);
    change(*state, "UPDATE audit SET who='bob' WHERE id=3");
    assert_int_equal(store_audit_verify(s, &row, NULL), 1);
    assert_int_equal(row, 3);
    change(*state, "UPDATE audit SET who='ann' WHERE id=3");
    assert_int_equal(store_audit_verify(s, &row, NULL), 0);
    change(*state, "DELETE FROM audit WHERE id=2");
    assert_int_equal(store_audit_verify(s, &row, NULL), 1);
    assert_int_equal(row, 3);
    store_close(s);
}

static void old_orders_and_events_make_room_but_not_those_of_a_living_rollout(void **state)
{
    struct store *s = opened(*state);
    struct sim sim;
    struct store_order order = { .rollout = "r-1", .device = "a", .attempt = 1, .jws = "x" };
    struct store_event ev;

    create(s, &sim, 3);
    assert_int_equal(store_order_add(s, &order, 1000, NULL), 0); /* 1970, but r-1 lives */
    memcpy(order.rollout, "r-0", 4);
    assert_int_equal(store_order_add(s, &order, 1000, NULL), 0);
    store_close(s);
    change(*state, "INSERT INTO events(id,ts_ms,rollout,device,bad,text) VALUES"
                   "(1,1,'r-1','',0,'old'),(300000,1,'r-1','',0,'new')");

    s = opened(*state);
    assert_int_equal(store_order_get(s, "r-1", "a", 1, VERB_UPDATE, &order, NULL), 0);
    assert_int_equal(store_order_get(s, "r-0", "a", 1, VERB_UPDATE, &order, NULL), 1);
    assert_int_equal(store_event_list(s, "r-1", 0, &ev, 1, NULL), 1);
    assert_string_equal(ev.text, "new");
    assert_int_equal(ev.id, 300000);
    sim_free(&sim);
    store_close(s);
}

static void one_engine_at_a_time_and_it_is_told_who(void **state)
{
    struct store *one = opened(*state);
    struct store *two = opened(*state);
    char who[120] = "";

    assert_int_equal(store_engine_holder(two, who, sizeof(who), NULL), 0);
    assert_int_equal(store_engine_lock(one, "muster console", who, sizeof(who), NULL), 0);
    assert_int_equal(store_engine_lock(two, "muster serve", who, sizeof(who), NULL), 1);
    char mine[64];
    snprintf(mine, sizeof(mine), "muster console, pid %ld on host", (long)getpid());
    assert_non_null(strstr(who, mine));
    assert_int_equal(store_engine_holder(two, who, sizeof(who), NULL), 1);
    store_close(one);
    assert_int_equal(store_engine_lock(two, "muster serve", who, sizeof(who), NULL), 0);
    store_close(two);
}

static void a_killed_engine_lets_the_lock_go(void **state)
{
    int ready[2];

    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *s = store_open(((struct place *)*state)->path, false, &sim_crypto, NULL);
        store_engine_lock(s, "child", NULL, 0, NULL);
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct store *s = opened(*state);
    assert_int_equal(store_engine_lock(s, "parent", NULL, 0, NULL), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(store_engine_lock(s, "parent", NULL, 0, NULL), 0);
    store_close(s);
    close(ready[0]);
    close(ready[1]);
}

static void refused(const struct place *p, bool read_only, const char *says)
{
    struct err err = { 0 };
    struct store *s = store_open(p->path, read_only, &sim_crypto, &err);

    assert_null(s);
    if (!strstr(err.text, says))
        fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void what_cannot_be_used_says_what_to_do(void **state)
{
    struct place *p = *state;
    struct place nowhere = { .path = "/nonexistent/folder/muster.db" };

    refused(p, true, "does its folder exist");
    refused(&nowhere, false, "does its folder exist");

    store_close(opened(p));
    change(p, "PRAGMA user_version = 99");
    refused(p, false, "written by a newer muster (version 99");
    change(p, "PRAGMA application_id = 7; PRAGMA user_version = 1");
    refused(p, false, "another program's database");

    FILE *f = fopen(p->path, "wb");
    for (int i = 0; i < 2000; i++)
        fputs("not a database", f);
    fclose(f);
    refused(p, false, "not a SQLite file");
}

static void a_damaged_row_is_an_error_not_a_crash(void **state)
{
    struct store *s = opened(*state);
    struct sim sim;
    struct err err;

    create(s, &sim, 5);
    change(*state, "UPDATE rollout_devices SET state=77 WHERE idx=2");
    assert_null(store_rollout_load(s, "r-1", &err));
    assert_non_null(strstr(err.text, "row of device 2 is damaged"));
    change(*state, "DELETE FROM rollout_devices WHERE idx=2");
    assert_null(store_rollout_load(s, "r-1", &err));
    assert_non_null(strstr(err.text, "the list of devices of rollout r-1"));
    change(*state, "UPDATE rollouts SET plan='{}'");
    assert_null(store_rollout_load(s, "r-1", &err));
    assert_non_null(strstr(err.text, "plan of rollout r-1 in the journal"));
    sim_free(&sim);
    store_close(s);
}

static void a_read_only_store_reads_and_does_not_write(void **state)
{
    struct store *s = opened(*state);
    struct err err;
    struct store_act act[2];
    struct sim sim;

    create(s, &sim, 3);
    struct store *ro = store_open(((struct place *)*state)->path, true, NULL, &err);
    assert_non_null(ro);
    assert_int_equal(store_act_pending(ro, act, 2, NULL), 1);
    assert_int_equal(store_act_add(ro, "eve", "r-1", ROLLOUT_ACT_ABORT, 1, NULL, &err), -1);
    assert_int_equal(err.code, EXIT_REFUSED);
    store_close(ro);
    sim_free(&sim);
    store_close(s);
}

static void the_file_is_for_its_owner_only(void **state)
{
    struct place *p = *state;
    struct stat st;

    store_close(opened(p));
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_place, drop_place)

static void sent(struct store *s, const char *device, enum verb verb, uint32_t seq, int64_t ms)
{
    struct store_order order = { .verb = verb, .seq = seq, .jws = "x" };

    text_copy(order.device, sizeof(order.device), device);
    assert_int_equal(store_order_add(s, &order, ms, NULL), 0);
}

static void what_was_sent_of_a_verb_is_listed_newest_first(void **state)
{
    struct store *s = opened(*state);
    struct store_sent out[4];

    sent(s, "a", VERB_KEYS, 1, NOW_MS);
    sent(s, "b", VERB_REBOOT, 2, NOW_MS + 1);
    sent(s, "b", VERB_KEYS, 3, NOW_MS + 2);
    sent(s, "c", VERB_KEYS, 4, NOW_MS + 3);

    assert_int_equal(store_sent_of(s, VERB_KEYS, NOW_MS + 1, out, 4, NULL), 2);
    assert_string_equal(out[0].device, "c");
    assert_int_equal(out[0].seq, 4);
    assert_int_equal(out[0].t_ms, NOW_MS + 3);
    assert_string_equal(out[1].device, "b");
    assert_int_equal(store_sent_of(s, VERB_KEYS, 0, out, 1, NULL), 1);
    assert_string_equal(out[0].device, "c");
    assert_int_equal(store_sent_of(s, VERB_CONFIG, 0, out, 4, NULL), 0);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_sent_of_a_verb_is_listed_newest_first),
        TEST(a_rollout_comes_back_as_it_was_committed),
        TEST(an_order_is_made_once_and_sent_the_same_for_ever),
        TEST(numbers_rise_per_class_and_never_fall),
        TEST(a_commit_that_cannot_sign_changes_nothing),
        TEST(acts_wait_until_they_are_consumed_and_keep_their_result),
        TEST(ids_are_of_the_day_and_never_twice),
        TEST(events_are_listed_oldest_first_from_where_one_left_off),
        TEST(what_people_changed_on_the_way_is_kept),
        TEST(an_act_is_kept_with_what_it_asks),
        TEST(whose_firmware_failed_on_an_image_is_remembered),
        TEST(a_changed_audit_row_is_found),
        TEST(old_orders_and_events_make_room_but_not_those_of_a_living_rollout),
        TEST(one_engine_at_a_time_and_it_is_told_who),
        TEST(a_killed_engine_lets_the_lock_go),
        TEST(what_cannot_be_used_says_what_to_do),
        TEST(a_damaged_row_is_an_error_not_a_crash),
        TEST(a_read_only_store_reads_and_does_not_write),
        TEST(the_file_is_for_its_owner_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
