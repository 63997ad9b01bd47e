/*
 * The journal's outbox and its delivery, against a real HTTP server and real commands: a rollout
 * that runs in the journal tells its story once, in order, whatever fails on the way.
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
#include <jansson.h>

#include "base/text.h"
#include "notify/notify.h"
#include "rollout_json/plan_json.h"
#include "server.h"
#include "sim.h"

#define NOW_MS   1790000000000
#define SINKS    3
#define LOG_MAX  16384
#define SECRET   "SECRET-1234"
#define GIVEN_UP 2000

struct place {
    const char *python, *script;
    char dir[64], journal[96], token[96], out[96];
    struct server server;
    struct profile profile;
    struct store *store;
    struct web *web;
    struct notify *notify;
    struct log log;
    char said[LOG_MAX];
    int64_t now_ms;
};

static void sink(void *ctx, enum log_level level, const char *line)
{
    struct place *p = ctx;
    size_t used = strlen(p->said);

    (void)level;
    snprintf(p->said + used, sizeof(p->said) - used, "%s\n", line);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct profile_notify *add(struct place *p, const char *name, const char *kind,
                                  const char *path)
{
    struct profile_notify *n = &p->profile.notify[p->profile.notify_count++];

    memset(n, 0, sizeof(*n));
    text_copy(n->name, sizeof(n->name), name);
    text_copy(n->kind, sizeof(n->kind), kind);
    text_copy(n->on, sizeof(n->on), "all");
    text_format(n->url, sizeof(n->url), "http://127.0.0.1:%u/%s", p->server.port, path);
    text_copy(n->token_file, sizeof(n->token_file), p->token);
    text_copy(n->chat, sizeof(n->chat), "42");
    return n;
}

static void reopen(struct place *p)
{
    struct err err = { 0 };

    web_free(p->web);
    notify_free(p->notify);
    store_close(p->store);
    p->store = store_open(p->journal, false, &sim_crypto, &err);
    if (!p->store)
        fail_msg("%s", err.text);
    p->web = web_new();
    p->notify = notify_new(&p->profile, p->store, p->web, &p->log, &err);
    if (!p->notify)
        fail_msg("%s", err.text);
    notify_watch(p->notify);
}

static int set_up(void **state)
{
    struct place *p = *state;

    snprintf(p->dir, sizeof(p->dir), "/tmp/muster-notify-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->journal, sizeof(p->journal), "%s/muster.db", p->dir);
    snprintf(p->token, sizeof(p->token), "%s/token", p->dir);
    snprintf(p->out, sizeof(p->out), "%s/out", p->dir);
    write_file(p->token, SECRET "\n");
    server_start(&p->server, p->python, p->script, NULL);
    memset(&p->profile, 0, sizeof(p->profile));
    text_copy(p->profile.fleet, sizeof(p->profile.fleet), "home");
    p->log = (struct log){ .sink = sink, .ctx = p, .least = LOG_DEBUG };
    p->said[0] = '\0';
    p->now_ms = NOW_MS;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    static const char *const tails[] = {
        "muster.db", "muster.db-wal", "muster.db-shm", "muster.db.lock", "token", "out", "in"
    };
    char name[160];

    web_free(p->web);
    notify_free(p->notify);
    store_close(p->store);
    p->web = NULL;
    p->notify = NULL;
    p->store = NULL;
    server_stop(&p->server);
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        snprintf(name, sizeof(name), "%s/%s", p->dir, tails[i]);
        unlink(name);
    }
    rmdir(p->dir);
    return 0;
}

static void post(struct place *p, enum notify_event event, const char *why)
{
    struct notify_facts f = {
        .event = event, .ts_ms = p->now_ms, .fleet = "home", .rollout = "r-1", .why = why
    };

    assert_int_equal(notify_post(p->notify, &f, NULL), 0);
}

static struct store_sink row_of(struct place *p, const char *name)
{
    struct store_sink row[OUTBOX_SINKS];
    int n = store_outbox_sinks(p->store, row, OUTBOX_SINKS, NULL);

    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        if (strcmp(row[i].name, name) == 0)
            return row[i];
    }
    return (struct store_sink){ 0 };
}

static uint32_t queued(struct place *p)
{
    struct store_sink row[OUTBOX_SINKS];
    int n = store_outbox_sinks(p->store, row, OUTBOX_SINKS, NULL);
    uint32_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += row[i].queued;
    return sum;
}

/* A turn of the loop; the clock only moves when nothing is under way, and then by `step_ms`. */
static void turn(struct place *p, int64_t step_ms)
{
    struct pollfd fds[WEB_FDS];
    size_t n = web_fds(p->web, fds, WEB_FDS);
    int wait = web_wait_ms(p->web);

    poll(fds, (nfds_t)n, wait < 0 || wait > 10 ? 10 : wait);
    web_run(p->web, fds, n);
    if (!notify_is_busy(p->notify))
        p->now_ms += step_ms;
    notify_tick(p->notify, p->now_ms);
}

static void until_empty(struct place *p, int64_t step_ms)
{
    for (int i = 0; i < GIVEN_UP && (queued(p) > 0 || notify_is_busy(p->notify)); i++)
        turn(p, step_ms);
    assert_int_equal(queued(p), 0);
}

/* ---- what the server has seen
 * ----------------------------------------------------------------------------------- */

struct seen {
    char text[65536];
};

static void on_log(void *ctx, const struct web_answer *a)
{
    struct seen *seen = ctx;

    assert_int_equal(a->status, 200);
    snprintf(seen->text, sizeof(seen->text), "%s", a->body);
}

/* As an array of what was posted. Free with json_decref(). */
static json_t *received(struct place *p)
{
    static struct seen seen;
    char url[64];
    struct web_request q = { .method = "GET", .url = url, .timeout_ms = 10000, .direct = true };
    json_t *list = json_array();

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/log", p->server.port);
    assert_int_equal(web_fetch(&q, on_log, &seen, NULL), 0);
    for (char *line = strtok(seen.text, "\n"); line; line = strtok(NULL, "\n"))
        json_array_append_new(list, json_loads(line, 0, NULL));
    return list;
}

static const char *of(const json_t *list, size_t i, const char *key)
{
    return json_string_value(json_object_get(json_array_get(list, i), key));
}

static const char *header_of(const json_t *list, size_t i, const char *key)
{
    return json_string_value(
        json_object_get(json_object_get(json_array_get(list, i), "headers"), key));
}

/* "stop" of the i-th body. */
static void assert_event(const json_t *list, size_t i, const char *event)
{
    json_t *o = json_loads(of(list, i, "body"), 0, NULL);

    assert_non_null(o);
    assert_string_equal(json_string_value(json_object_get(o, "event")), event);
    json_decref(o);
}

/* ---- the tests
 * -------------------------------------------------------------------------------------------------
 */

static void a_webhook_gets_each_message_once_and_in_order(void **state)
{
    struct place *p = *state;

    add(p, "hook", "webhook", "hook");
    reopen(p);
    post(p, NOTIFY_START, "");
    post(p, NOTIFY_HOLD, "12 more results");
    post(p, NOTIFY_DONE, "");
    until_empty(p, 0);

    json_t *list = received(p);
    assert_int_equal(json_array_size(list), 3);
    assert_event(list, 0, "start");
    assert_event(list, 1, "hold");
    assert_event(list, 2, "done");
    assert_string_equal(of(list, 0, "path"), "/hook");
    assert_string_equal(header_of(list, 0, "Content-Type"), "application/json");
    assert_string_equal(header_of(list, 0, "Authorization"), "Bearer " SECRET);
    assert_string_not_equal(header_of(list, 0, "Idempotency-Key"),
                            header_of(list, 1, "Idempotency-Key"));
    json_decref(list);
    assert_int_equal(row_of(p, "hook").delivered, 3);
}

static void telegram_gets_chat_and_text_by_the_tokens_path(void **state)
{
    struct place *p = *state;
    struct profile_notify *n = add(p, "chat", "telegram", "");

    n->url[strlen(n->url) - 1] = '\0';
    reopen(p);
    post(p, NOTIFY_STOP, "4 of 10 failed");
    until_empty(p, 0);

    json_t *list = received(p);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(of(list, 0, "path"), "/bot" SECRET "/sendMessage");
    json_t *o = json_loads(of(list, 0, "body"), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(o, "chat_id")), "42");
    assert_non_null(strstr(json_string_value(json_object_get(o, "text")), "4 of 10 failed"));
    json_decref(o);
    json_decref(list);
}

static void a_chat_that_is_not_there_is_refused_in_telegrams_words_and_dropped(void **state)
{
    struct place *p = *state;
    struct profile_notify *n = add(p, "chat", "telegram", "");

    n->url[strlen(n->url) - 1] = '\0';
    text_copy(n->chat, sizeof(n->chat), "43");
    reopen(p);
    post(p, NOTIFY_STOP, "x");
    until_empty(p, 60000);

    json_t *list = received(p);
    assert_int_equal(json_array_size(list), NOTIFY_REFUSALS);
    json_decref(list);
    struct store_sink row = row_of(p, "chat");
    assert_int_equal(row.dropped, 1);
    assert_int_equal(row.delivered, 0);
    assert_non_null(strstr(row.error, "Telegram answers 400: Bad Request: chat not found"));
    assert_non_null(strstr(p->said, "is dropped"));
    struct store_event event[4];
    int n_events = store_event_list(p->store, NULL, 0, event, 4, NULL);
    assert_int_equal(n_events, 1);
    assert_true(event[0].bad);
    assert_non_null(strstr(event[0].text, "notification to chat dropped (stop)"));
}

static void a_sink_that_fails_for_a_while_gets_everything_later_and_in_order(void **state)
{
    struct place *p = *state;

    add(p, "hook", "webhook", "failing/5/x");
    reopen(p);
    post(p, NOTIFY_START, "");
    post(p, NOTIFY_DONE, "");
    int64_t begun = p->now_ms;
    until_empty(p, 500);

    json_t *list = received(p);
    assert_int_equal(json_array_size(list), 7);
    for (size_t i = 0; i < 6; i++) {
        assert_event(list, i, "start");
        assert_string_equal(header_of(list, i, "Idempotency-Key"),
                            header_of(list, 0, "Idempotency-Key"));
    }
    assert_event(list, 6, "done");
    json_decref(list);
    assert_true(p->now_ms - begun >= (2500 + 5000 + 10000 + 20000 + 40000)); /* the back-off */
    assert_int_equal(row_of(p, "hook").dropped, 0);
    assert_string_equal(row_of(p, "hook").error, "");
}

static void one_dead_sink_does_not_hold_up_another(void **state)
{
    struct place *p = *state;

    add(p, "dead", "webhook", "status/500");
    add(p, "hook", "webhook", "hook");
    reopen(p);
    post(p, NOTIFY_START, "");
    for (int i = 0; i < 300 && row_of(p, "hook").delivered == 0; i++)
        turn(p, 100);
    assert_int_equal(row_of(p, "hook").delivered, 1);
    assert_int_equal(row_of(p, "dead").queued, 1);
}

static void old_news_is_dropped_and_counted(void **state)
{
    struct place *p = *state;

    add(p, "dead", "webhook", "status/500");
    reopen(p);
    post(p, NOTIFY_START, "");
    until_empty(p, NOTIFY_AGE_MS / 4);
    assert_int_equal(row_of(p, "dead").dropped, 1);
    assert_non_null(strstr(row_of(p, "dead").error, "three days old"));
}

static void the_outbox_is_bounded_and_the_oldest_make_room(void **state)
{
    struct place *p = *state;
    struct store_message m;

    add(p, "hook", "webhook", "hook");
    reopen(p);
    for (int i = 0; i < OUTBOX_ROWS + 3; i++)
        post(p, NOTIFY_START, "");
    struct store_sink row = row_of(p, "hook");
    assert_int_equal(row.queued, OUTBOX_ROWS);
    assert_int_equal(row.dropped, 3);
    assert_int_equal(store_outbox_first(p->store, "hook", &m, NULL), 0);
    assert_int_equal(m.id, 4);
}

static void messages_to_a_sink_that_left_the_profile_are_dropped(void **state)
{
    struct place *p = *state;

    add(p, "hook", "webhook", "hook");
    reopen(p);
    post(p, NOTIFY_START, "");
    p->profile.notify_count = 0;
    reopen(p);
    notify_tick(p->notify, p->now_ms);
    assert_int_equal(queued(p), 0);
    assert_int_equal(row_of(p, "hook").dropped, 1);
    json_t *list = received(p);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

static void what_was_under_way_when_the_process_died_is_delivered_by_the_next(void **state)
{
    struct place *p = *state;
    struct profile_notify *n = add(p, "hook", "webhook", "slow");

    reopen(p);
    post(p, NOTIFY_STOP, "x");
    turn(p, 0);
    assert_true(notify_is_busy(p->notify));
    text_format(n->url, sizeof(n->url), "http://127.0.0.1:%u/hook", p->server.port);
    reopen(p);
    until_empty(p, 0);
    assert_int_equal(row_of(p, "hook").delivered, 1);
}

static void read_all(const char *path, char *out, size_t cap)
{
    FILE *f = fopen(path, "r");

    out[0] = '\0';
    if (!f)
        return;
    size_t n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    fclose(f);
}

static void a_command_gets_the_text_in_its_environment_and_the_json_on_stdin(void **state)
{
    struct place *p = *state;
    struct profile_notify *n = add(p, "cmd", "command", "");
    char out[4096];

    snprintf(n->command, sizeof(n->command),
             "printf '%%s|%%s|' \"$MUSTER_EVENT\" \"$MUSTER_TEXT\" >> %s; cat >> %s", p->out,
             p->out);
    reopen(p);
    post(p, NOTIFY_STOP, "$(touch /tmp/never); \"quoted\"");
    until_empty(p, 0);
    read_all(p->out, out, sizeof(out));
    assert_non_null(strstr(out, "stop|home: r-1 has stopped itself: $(touch /tmp/never); "
                                "\"quoted\"; 0 of 0 done, 0 failed|{\"event\":\"stop\","));
    assert_int_not_equal(access("/tmp/never", F_OK), 0);
}

static void a_command_that_fails_is_tried_again(void **state)
{
    struct place *p = *state;
    struct profile_notify *n = add(p, "cmd", "command", "");
    char out[64];

    snprintf(n->command, sizeof(n->command), "echo x >> %s; test $(wc -l < %s) -ge 3", p->out,
             p->out);
    reopen(p);
    post(p, NOTIFY_STOP, "");
    until_empty(p, 1000);
    read_all(p->out, out, sizeof(out));
    assert_string_equal(out, "x\nx\nx\n");
    assert_non_null(strstr(p->said, "the command ended with exit code 1"));
}

static void a_command_that_hangs_is_ended_with_all_it_started(void **state)
{
    struct place *p = *state;
    struct profile_notify *n = add(p, "cmd", "command", "");

    snprintf(n->command, sizeof(n->command), "sleep 300 | cat");
    reopen(p);
    post(p, NOTIFY_STOP, "");
    turn(p, 0);
    assert_true(notify_is_busy(p->notify));
    for (int i = 0; i < 3; i++) {
        p->now_ms += i < 2 ? 10000 : 9999;
        notify_tick(p->notify, p->now_ms);
        assert_true(notify_is_busy(p->notify));
    }
    p->now_ms += 1;
    notify_tick(p->notify, p->now_ms);
    assert_false(notify_is_busy(p->notify));
    assert_non_null(strstr(row_of(p, "cmd").error, "longer than 30 s"));
}

/* A machine that slept, or a clock that was set by NTP: the command has its time all the same. */
static void a_clock_that_is_set_ends_no_command(void **state)
{
    struct place *p = *state;
    struct profile_notify *n = add(p, "cmd", "command", "");

    snprintf(n->command, sizeof(n->command), "while ! test -e %s.go; do sleep 0.01; done", p->out);
    reopen(p);
    post(p, NOTIFY_STOP, "");
    turn(p, 0);
    assert_true(notify_is_busy(p->notify));
    p->now_ms += 3600000;
    notify_tick(p->notify, p->now_ms);
    assert_true(notify_is_busy(p->notify));
    p->now_ms -= 86400000;
    notify_tick(p->notify, p->now_ms);
    p->now_ms += 10000;
    notify_tick(p->notify, p->now_ms);
    assert_true(notify_is_busy(p->notify));
    for (int i = 0; i < 2; i++) { /* and no more than its time */
        p->now_ms += 10000;
        notify_tick(p->notify, p->now_ms);
    }
    assert_false(notify_is_busy(p->notify));
    assert_non_null(strstr(row_of(p, "cmd").error, "longer than 30 s"));
}

static void a_clock_that_is_set_back_keeps_no_message(void **state)
{
    struct place *p = *state;
    struct profile_notify *n = add(p, "cmd", "command", "");
    char out[64];

    snprintf(n->command, sizeof(n->command), "echo x >> %s", p->out);
    reopen(p);
    turn(p, 100);
    post(p, NOTIFY_STOP, "");
    p->now_ms -= 86400000;
    until_empty(p, 1); /* two seconds at most */
    post(p, NOTIFY_STOP, "");
    p->now_ms -= 86400000;
    reopen(p); /* nor does one that the process before left */
    until_empty(p, 1);
    read_all(p->out, out, sizeof(out));
    assert_string_equal(out, "x\nx\n");
}

static void what_is_to_be_tried_again_outlives_a_clock_that_is_set_back(void **state)
{
    struct place *p = *state;
    struct profile_notify *n = add(p, "cmd", "command", "");
    char out[64];

    snprintf(n->command, sizeof(n->command), "echo x >> %s; test $(wc -l < %s) -ge 2", p->out,
             p->out);
    reopen(p);
    post(p, NOTIFY_STOP, "");
    for (int i = 0; i < GIVEN_UP && row_of(p, "cmd").attempts == 0; i++)
        turn(p, 10);
    turn(p, 10); /* looked at, and not due */
    p->now_ms -= 86400000;
    until_empty(p, 1);
    read_all(p->out, out, sizeof(out));
    assert_string_equal(out, "x\nx\n");
}

static void a_secret_is_in_no_log_error_or_row(void **state)
{
    struct place *p = *state;
    struct profile_notify *n = add(p, "chat", "telegram", "");
    struct store_message m;
    struct err err = { 0 };

    text_copy(n->url, sizeof(n->url), "http://127.0.0.1:9"); /* discard: nobody is there */
    n = add(p, "hook", "webhook", SECRET);
    text_copy(n->url, sizeof(n->url), "http://127.0.0.1:9/" SECRET);
    reopen(p);
    post(p, NOTIFY_STOP, "");
    for (int i = 0; i < 20; i++)
        turn(p, 1000);
    assert_non_null(strstr(p->said, "is not delivered yet"));
    assert_null(strstr(p->said, SECRET));
    assert_null(strstr(row_of(p, "chat").error, SECRET));
    assert_null(strstr(row_of(p, "hook").error, SECRET));
    assert_int_equal(store_outbox_first(p->store, "hook", &m, NULL), 0);
    assert_null(strstr(m.body, SECRET));
    assert_int_equal(notify_test(&p->profile, "chat", NOW_MS, &err), -1);
    assert_int_equal(err.code, EXIT_REACH);
    assert_null(strstr(err.text, SECRET));

    write_file(p->token, "bad/../" SECRET "\n");
    assert_int_equal(notify_test(&p->profile, "chat", NOW_MS, &err), -1);
    assert_int_equal(err.code, EXIT_USAGE);
    assert_null(strstr(err.text, SECRET));
}

static void a_test_message_goes_out_at_once_and_says_how_it_went(void **state)
{
    struct place *p = *state;
    struct err err;

    add(p, "hook", "webhook", "hook");
    add(p, "no", "webhook", "status/403");
    text_copy(add(p, "cmd", "command", "")->command, PROFILE_PATH_MAX, "exit 3");
    reopen(p);
    assert_int_equal(notify_test(&p->profile, "hook", NOW_MS, &err), 0);
    assert_int_equal(notify_test(&p->profile, "no", NOW_MS, &err), -1);
    assert_string_equal(err.text, "no: it answers 403");
    assert_int_equal(notify_test(&p->profile, "cmd", NOW_MS, &err), -1);
    assert_string_equal(err.text, "cmd: the command ended with exit code 3");
    assert_int_equal(notify_test(&p->profile, "nobody", NOW_MS, &err), -1);
    assert_int_equal(err.code, EXIT_USAGE);
    assert_int_equal(queued(p), 0);
}

static void what_a_sink_lacks_is_named(void **state)
{
    static const struct {
        struct profile_notify n;
        const char *text;
    } row[] = {
        { { "a", "fax", "", "", "", "", "", "" }, "kind is command, webhook or telegram" },
        { { "a", "webhook", "", "", "", "", "", "" }, "needs url" },
        { { "a", "webhook", "", "ftp://x", "", "", "", "" }, "https://" },
        { { "a", "telegram", "", "", "", "", "1", "" }, "needs token_file" },
        { { "a", "telegram", "", "", "", "/t", "", "" }, "needs chat" },
        { { "a", "command", "", "", "", "", "", "" }, "needs command" },
        { { "a", "command", "never", "", "x", "", "", "" }, "'never' is no event" },
    };
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_int_equal(notify_check(&row[i].n, &err), -1);
        assert_int_equal(err.code, EXIT_USAGE);
        assert_non_null(strstr(err.text, row[i].text));
    }
}

/* ---- a rollout tells its story
 * ---------------------------------------------------------------------------------- */

static int sign(void *ctx, const struct rollout *r, const struct rollout_device *d, enum verb verb,
                uint32_t attempt, uint32_t seq, char *jws, size_t cap, struct err *err)
{
    const bool *broken = ctx;

    (void)r;
    if (broken && *broken)
        return err_set(err, EXIT_REFUSED, "the key is gone");
    snprintf(jws, cap, "%s.%s.%u.%u", d->id, verb_word(verb), attempt, seq);
    return 0;
}

struct shell {
    struct place *place;
    bool broken;
};

static int commit(void *ctx, const struct rollout *r, const struct rollout_effects *fx)
{
    struct shell *sh = ctx;

    return store_commit(sh->place->store, r, fx, sign, &sh->broken, 0, NULL);
}

static void begin_plan(struct place *p, struct sim *sim, struct shell *sh, enum sim_fate fate,
                       bool approval)
{
    struct rollout_plan plan;

    sim_plan(&plan);
    plan.stage[0].approval = approval;
    sim_init(sim, &plan, 8, 42);
    for (uint32_t i = 0; i < 8; i++)
        sim->device[i].fate = (uint8_t)fate;
    char *json = plan_encode(&plan);
    struct store_rollout_new new = { sim->r, json, "release", "ann" };
    assert_int_equal(store_rollout_create(p->store, &new, sim->now_s * 1000, NULL, NULL), 0);
    free(json);
    *sh = (struct shell){ .place = p };
    sim->commit = commit;
    sim->ctx = sh;
    sim_link(sim, true);
}

static void begin(struct place *p, struct sim *sim, struct shell *sh, enum sim_fate fate)
{
    begin_plan(p, sim, sh, fate, false);
}

/* What lies in the outbox, as "start hold …". */
static void story(struct place *p, char *out, size_t cap)
{
    struct store_message m;

    out[0] = '\0';
    while (store_outbox_first(p->store, "hook", &m, NULL) == 0) {
        size_t used = strlen(out);
        snprintf(out + used, cap - used, "%s ", m.event);
        store_outbox_done(p->store, &m, NOW_MS, NULL);
    }
}

static void a_good_rollout_tells_its_start_and_its_end(void **state)
{
    struct place *p = *state;
    struct sim sim;
    struct shell sh;
    char told[256];

    add(p, "hook", "webhook", "hook");
    reopen(p);
    begin(p, &sim, &sh, SIM_GOOD);
    sim_act(&sim, ROLLOUT_ACT_START);
    assert_true(sim_run(&sim, 20000));
    story(p, told, sizeof(told));
    assert_string_equal(told, "start done ");
    sim_free(&sim);
}

static void acts_and_a_stop_are_told(void **state)
{
    struct place *p = *state;
    struct sim sim;
    struct shell sh;
    char told[256];

    add(p, "hook", "webhook", "hook");
    reopen(p);
    begin(p, &sim, &sh, SIM_BAD);
    sim_act(&sim, ROLLOUT_ACT_START);
    sim_act(&sim, ROLLOUT_ACT_PAUSE);
    sim_act(&sim, ROLLOUT_ACT_RESUME);
    for (int i = 0; i < 2000 && sim.r->state != ROLLOUT_STOPPED; i++)
        sim_second(&sim);
    sim_act(&sim, ROLLOUT_ACT_ABORT);
    sim_run(&sim, 20000);
    story(p, told, sizeof(told));
    assert_string_equal(told, "start pause resume stop abort aborted ");
    sim_free(&sim);
}

static void a_stage_that_holds_is_told_once(void **state)
{
    struct place *p = *state;
    struct sim sim;
    struct shell sh;
    char told[256];

    add(p, "hook", "webhook", "hook");
    text_copy(p->profile.notify[0].on, sizeof(p->profile.notify[0].on), "hold");
    reopen(p);
    begin(p, &sim, &sh, SIM_DEAD); /* silent ones make the gate hold */
    sim_act(&sim, ROLLOUT_ACT_START);
    for (int i = 0; i < 8000; i++)
        sim_second(&sim);
    assert_int_equal(sim.r->stages[sim.r->stage].state, ROLLOUT_STAGE_HOLDING);
    story(p, told, sizeof(told));
    assert_string_equal(told, "hold ");
    sim_free(&sim);
}

static void a_stage_that_waits_for_a_person_asks_for_an_approval(void **state)
{
    struct place *p = *state;
    struct sim sim;
    struct shell sh;
    char told[256];

    add(p, "hook", "webhook", "hook");
    reopen(p);
    begin_plan(p, &sim, &sh, SIM_GOOD, true);
    sim_act(&sim, ROLLOUT_ACT_START);
    for (int i = 0; i < 1000; i++)
        sim_second(&sim);
    story(p, told, sizeof(told));
    assert_string_equal(told, "start approval ");
    sim_act(&sim, ROLLOUT_ACT_APPROVE);
    assert_true(sim_run(&sim, 20000));
    story(p, told, sizeof(told));
    assert_string_equal(told, "done ");
    sim_free(&sim);
}

static void a_commit_that_fails_tells_nothing_and_the_next_tells_it_once(void **state)
{
    struct place *p = *state;
    struct rollout_effects fx;
    struct rollout_event start = { .kind = ROLLOUT_EV_ACT, .now_ms = NOW_MS, .act_id = 1 };
    struct sim sim;
    struct shell sh;
    char told[256];
    bool broken = true;

    add(p, "hook", "webhook", "hook");
    reopen(p);
    begin(p, &sim, &sh, SIM_GOOD);
    start.now_ms = sim.now_s * 1000;
    rollout_step(sim.r, &start, &fx);
    assert_true(fx.send_count > 0);
    assert_int_equal(store_commit(p->store, sim.r, &fx, sign, &broken, 0, NULL), -1);
    story(p, told, sizeof(told));
    assert_string_equal(told, "");
    assert_int_equal(store_commit(p->store, sim.r, &fx, sign, NULL, 0, NULL), 0);
    assert_int_equal(store_commit(p->store, sim.r, &fx, sign, NULL, 0, NULL), 0);
    story(p, told, sizeof(told));
    assert_string_equal(told, "start ");
    sim_free(&sim);
}

static void a_journal_keeps_its_id(void **state)
{
    struct place *p = *state;
    char first[17], second[17];

    reopen(p);
    assert_int_equal(store_journal_id(p->store, first, NULL), 0);
    assert_int_equal(strlen(first), 16);
    reopen(p);
    assert_int_equal(store_journal_id(p->store, second, NULL), 0);
    assert_string_equal(first, second);
}

int main(int argc, char **argv)
{
    struct place p = { 0 };
#define T(name) cmocka_unit_test_prestate_setup_teardown(name, set_up, tear_down, &p)
    const struct CMUnitTest tests[] = {
        T(a_webhook_gets_each_message_once_and_in_order),
        T(telegram_gets_chat_and_text_by_the_tokens_path),
        T(a_chat_that_is_not_there_is_refused_in_telegrams_words_and_dropped),
        T(a_sink_that_fails_for_a_while_gets_everything_later_and_in_order),
        T(one_dead_sink_does_not_hold_up_another),
        T(old_news_is_dropped_and_counted),
        T(the_outbox_is_bounded_and_the_oldest_make_room),
        T(messages_to_a_sink_that_left_the_profile_are_dropped),
        T(what_was_under_way_when_the_process_died_is_delivered_by_the_next),
        T(a_command_gets_the_text_in_its_environment_and_the_json_on_stdin),
        T(a_command_that_fails_is_tried_again),
        T(a_command_that_hangs_is_ended_with_all_it_started),
        T(a_clock_that_is_set_ends_no_command),
        T(a_clock_that_is_set_back_keeps_no_message),
        T(what_is_to_be_tried_again_outlives_a_clock_that_is_set_back),
        T(a_secret_is_in_no_log_error_or_row),
        T(a_test_message_goes_out_at_once_and_says_how_it_went),
        T(what_a_sink_lacks_is_named),
        T(a_good_rollout_tells_its_start_and_its_end),
        T(acts_and_a_stop_are_told),
        T(a_stage_that_holds_is_told_once),
        T(a_stage_that_waits_for_a_person_asks_for_an_approval),
        T(a_commit_that_fails_tells_nothing_and_the_next_tells_it_once),
        T(a_journal_keeps_its_id),
    };

    if (argc != 3)
        return 2;
    p.python = argv[1];
    p.script = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
