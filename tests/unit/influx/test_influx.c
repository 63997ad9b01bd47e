/* The writer against a stand-in for an InfluxDB: what it sends, and what becomes of it. Time is an
 * argument: nothing waits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../console/influx/src/lines.h"
#include "../../../console/influx/src/queue.h"
#include "../web/server.h"
#include "influx/influx.h"

#define NOW_MS INT64_C(1795816260000)

struct bench {
    const char *python, *script;
    struct server server;
    struct web *web;
    struct influx *influx;
    struct profile profile;
    char dir[64];
    int64_t now_ms;
    char said[2000];
    struct log log;
};

static void sink(void *ctx, enum log_level level, const char *line)
{
    struct bench *b = ctx;
    size_t used = strlen(b->said);
    (void)level;
    snprintf(b->said + used, sizeof(b->said) - used, "%s\n", line);
}

static int start(void **state)
{
    struct bench *b = *state;
    b->influx = NULL;
    b->said[0] = '\0';
    b->log = (struct log){ .sink = sink, .ctx = b, .least = LOG_INFO };
    snprintf(b->dir, sizeof(b->dir), "/tmp/muster-influx-XXXXXX");
    if (!mkdtemp(b->dir))
        return -1;
    server_start(&b->server, b->python, b->script, NULL);
    b->web = web_new();
    b->now_ms = NOW_MS;
    memset(&b->profile, 0, sizeof(b->profile));
    snprintf(b->profile.journal, sizeof(b->profile.journal), "%s/muster.db", b->dir);
    snprintf(b->profile.influx.measurement, sizeof(b->profile.influx.measurement), "readings");
    snprintf(b->profile.influx.database, sizeof(b->profile.influx.database), "fleet");
    b->profile.influx.version = 1;
    b->profile.influx.queue_mb = 1;
    return 0;
}

static int end(void **state)
{
    struct bench *b = *state;
    char line[128];
    influx_free(b->influx);
    web_free(b->web);
    server_stop(&b->server);
    snprintf(line, sizeof(line), "rm -rf %s", b->dir);
    return system(line);
}

static void open_with(struct bench *b, const char *plan)
{
    struct err err = { 0 };
    snprintf(b->profile.influx.url, sizeof(b->profile.influx.url), "http://127.0.0.1:%u/%s",
             b->server.port, plan);
    b->influx = influx_new(&b->profile, b->web, &b->log, &err);
    if (!b->influx)
        fail_msg("%s", err.text);
    influx_tick(b->influx, b->now_ms);
}

/* Until the request under way, if any, is answered. */
static void settle(struct bench *b)
{
    influx_tick(b->influx, b->now_ms);
    while (web_pending(b->web)) {
        struct pollfd fds[WEB_FDS];
        size_t n = web_fds(b->web, fds, WEB_FDS);
        poll(fds, (nfds_t)n, web_wait_ms(b->web));
        web_run(b->web, fds, n);
    }
}

static void pass(struct bench *b, int64_t ms)
{
    b->now_ms += ms;
    settle(b);
}

static void keep_body(void *ctx, const struct web_answer *a)
{
    snprintf(ctx, 20000, "%s", a->body);
}

/* What the server got, a JSON object a line. */
static const char *server_log(struct bench *b)
{
    static char text[20000];
    char url[64];
    struct err err;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/log", b->server.port);
    struct web_request r = { .method = "GET", .url = url, .timeout_ms = 5000 };
    assert_int_equal(web_fetch(&r, keep_body, text, &err), 0);
    return text;
}

static int requests(struct bench *b)
{
    int n = 0;
    for (const char *p = server_log(b); (p = strstr(p, "\"path\"")) != NULL; p++)
        n++;
    return n;
}

static struct influx_counters counted(struct bench *b)
{
    struct influx_counters c;
    influx_counters(b->influx, &c);
    return c;
}

static void say(struct bench *b, const char *device, double value)
{
    influx_add(b->influx, device, "temperature", b->now_ms, value);
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void escapes_are_those_of_the_protocol(void **state)
{
    char out[64];
    (void)state;
    assert_true(lines_escape(out, sizeof(out), "a b,c=d", LINES_MEASUREMENT));
    assert_string_equal(out, "a\\ b\\,c=d");
    assert_true(lines_escape(out, sizeof(out), "a b,c=d\"e\"\\f", LINES_KEY));
    assert_string_equal(out, "a\\ b\\,c\\=d\"e\"\\f");
    assert_true(lines_escape(out, sizeof(out), "new\nline\\", LINES_KEY));
    assert_string_equal(out, "new_line_");
    assert_true(lines_escape(out, sizeof(out), "", LINES_KEY));
    assert_string_equal(out, "_");
    assert_false(lines_escape(out, 5, "abcdefgh", LINES_KEY));
}

static void readings_of_one_message_are_one_line(void **state)
{
    struct lines l = { 0 };
    (void)state;
    lines_add(&l, "readings", ",site=ams", "a", "temperature", 1000, 21.5);
    lines_add(&l, "readings", ",site=ams", "a", "co2", 1000, 480);
    lines_add(&l, "readings", ",site=ams", "a", "co2", 2000, 481);
    lines_add(&l, "readings", ",site=ams", "b", "co2", 2000, (double)NAN);
    lines_add(&l, "readings", ",site=ams", "b", "pm2 5", 2000, -1e-7);
    lines_close(&l);
    lines_close(&l);

    static const char wanted[] = "readings,device=a,site=ams temperature=21.5,co2=480 1000\n"
                                 "readings,device=a,site=ams co2=481 2000\n"
                                 "readings,device=b,site=ams pm2\\ 5=-1e-07 2000\n";
    assert_int_equal(l.len, strlen(wanted));
    assert_memory_equal(l.text, wanted, l.len);
    assert_int_equal(l.count, 3);
    lines_free(&l);
}

static void tags_are_checked(void **state)
{
    char out[200];
    struct err err;
    (void)state;
    assert_int_equal(lines_tags("site=ams,hall=b 2", out, sizeof(out), &err), 0);
    assert_string_equal(out, ",site=ams,hall=b\\ 2");
    assert_int_equal(lines_tags("site=ams,hall", out, sizeof(out), &err), -1);
    assert_non_null(strstr(err.text, "'hall'"));
    assert_int_equal(lines_tags("=x", out, sizeof(out), &err), -1);
    assert_int_equal(lines_tags("x=", out, sizeof(out), &err), -1);
}

/* ---- requests ------------------------------------------------------------------------------- */

static void version_1_is_told_the_database_and_who_asks(void **state)
{
    struct bench *b = *state;
    FILE *f;
    snprintf(b->profile.influx.token_file, sizeof(b->profile.influx.token_file), "%s/token",
             b->dir);
    f = fopen(b->profile.influx.token_file, "w");
    fputs("ada:secret\n", f);
    fclose(f);
    snprintf(b->profile.influx.database, sizeof(b->profile.influx.database), "my fleet");
    open_with(b, "204");
    say(b, "a", 21.5);
    pass(b, 100);
    assert_int_equal(requests(b), 0);
    pass(b, INFLUX_BATCH_MS);

    const char *log = server_log(b);
    assert_non_null(strstr(log, "/204/write?precision=ms&db=my%20fleet\""));
    assert_non_null(strstr(log, "\"Basic YWRhOnNlY3JldA==\""));
    assert_non_null(strstr(log, "readings,device=a temperature=21.5 1795816260000\\n\""));
    assert_int_equal(counted(b).sent, 1);
    assert_int_equal(counted(b).waiting_bytes, 0);
}

static void versions_2_and_3_are_told_the_bucket(void **state)
{
    struct bench *b = *state;
    FILE *f;
    snprintf(b->profile.influx.token_file, sizeof(b->profile.influx.token_file), "%s/token",
             b->dir);
    f = fopen(b->profile.influx.token_file, "w");
    fputs("abc==", f);
    fclose(f);
    snprintf(b->profile.influx.bucket, sizeof(b->profile.influx.bucket), "b&1");
    snprintf(b->profile.influx.org, sizeof(b->profile.influx.org), "acme");
    b->profile.influx.version = 2;
    open_with(b, "204");
    say(b, "a", 1);
    pass(b, INFLUX_BATCH_MS);
    assert_non_null(
        strstr(server_log(b), "/204/api/v2/write?precision=ms&bucket=b%261&org=acme\""));
    assert_non_null(strstr(server_log(b), "\"Token abc==\""));

    influx_free(b->influx);
    b->profile.influx.version = 3;
    open_with(b, "204");
    say(b, "a", 1);
    pass(b, INFLUX_BATCH_MS);
    assert_non_null(strstr(server_log(b), "/204/api/v2/write?precision=ms&bucket=b%261\""));
    assert_non_null(strstr(server_log(b), "\"Bearer abc==\""));
}

static void a_full_batch_does_not_wait_for_its_time(void **state)
{
    struct bench *b = *state;
    open_with(b, "204");
    for (int i = 0; i < 3000; i++)
        influx_add(b->influx, "sensor-00001", "temperature", NOW_MS + i, i);
    pass(b, 100);
    assert_int_equal(requests(b), 1);
    assert_int_equal(counted(b).sent, 3000);
}

static void what_is_not_taken_now_waits_and_goes_out_oldest_first(void **state)
{
    struct bench *b = *state;
    open_with(b, "503,503,204");
    say(b, "first", 1);
    pass(b, INFLUX_BATCH_MS); /* 503 */
    assert_int_equal(counted(b).failures, 1);
    assert_true(counted(b).waiting_bytes > 0);
    assert_non_null(strstr(b->said, "HTTP 503"));
    say(b, "second", 2);
    pass(b, 900); /* too early */
    assert_int_equal(requests(b), 1);
    pass(b, 1200); /* 503 again */
    assert_int_equal(requests(b), 2);
    pass(b, 1000);
    assert_int_equal(requests(b), 2); /* twice as long now */
    pass(b, 3100);
    pass(b, 100);
    pass(b, INFLUX_HOLD_MS);

    const char *log = server_log(b);
    const char *last = strstr(log, "device=second");
    assert_non_null(last);
    assert_true(strstr(log, "\"status\": 204, \"body\": \"readings,device=first") < last);
    assert_int_equal(counted(b).sent, 2);
    assert_int_equal(counted(b).waiting_bytes, 0);
    assert_non_null(strstr(b->said, "takes readings again"));
}

static void retry_after_is_obeyed(void **state)
{
    struct bench *b = *state;
    open_with(b, "429,204");
    say(b, "a", 1);
    pass(b, INFLUX_BATCH_MS);
    pass(b, 6900);
    assert_int_equal(requests(b), 1);
    pass(b, 200);
    assert_int_equal(requests(b), 2);
    assert_int_equal(counted(b).sent, 1);
}

static void a_partial_write_is_counted_said_and_not_repeated(void **state)
{
    struct bench *b = *state;
    open_with(b, "400,204");
    say(b, "a", 1);
    pass(b, INFLUX_BATCH_MS);
    assert_int_equal(counted(b).rejected, 1);
    assert_int_equal(counted(b).waiting_bytes, 0);
    assert_non_null(strstr(b->said, "field type conflict"));
    say(b, "b", 1);
    pass(b, INFLUX_BATCH_MS);
    assert_int_equal(requests(b), 2);
    assert_int_equal(counted(b).sent, 1);
}

static void who_is_not_let_in_keeps_what_he_has(void **state)
{
    struct bench *b = *state;
    open_with(b, "401");
    say(b, "a", 1);
    pass(b, INFLUX_BATCH_MS);
    assert_int_equal(counted(b).rejected, 0);
    assert_true(counted(b).waiting_bytes > 0);
    assert_non_null(strstr(b->said, "unauthorized"));
}

static void what_waits_survives_a_restart(void **state)
{
    struct bench *b = *state;
    open_with(b, "503,503,204");
    say(b, "before", 1);
    pass(b, INFLUX_BATCH_MS);
    say(b, "filling", 2); /* was not yet a batch */
    influx_free(b->influx);
    b->now_ms += 100;
    open_with(b, "204");
    settle(b);
    pass(b, 100);
    pass(b, 100);

    const char *log = server_log(b);
    assert_non_null(strstr(log, "\"status\": 204, \"body\": \"readings,device=before"));
    assert_non_null(strstr(log, "device=filling"));
    assert_int_equal(counted(b).sent, 2);
}

static void a_server_that_is_not_there_loses_nothing(void **state)
{
    struct bench *b = *state;
    open_with(b, "204");
    influx_free(b->influx);
    struct err err;
    snprintf(b->profile.influx.url, sizeof(b->profile.influx.url), "http://127.0.0.1:9");
    b->influx = influx_new(&b->profile, b->web, &b->log, &err);
    settle(b);
    for (int i = 0; i < 40; i++) {
        say(b, "a", i);
        pass(b, 5000);
    }
    assert_int_equal(counted(b).dropped, 0);
    influx_free(b->influx);
    open_with(b, "204");
    for (int i = 0; i < 20; i++)
        pass(b, 100);
    assert_int_equal(counted(b).sent, 40);
}

static void settings_that_cannot_work_are_refused(void **state)
{
    struct bench *b = *state;
    struct err err;
    snprintf(b->profile.influx.url, sizeof(b->profile.influx.url), "influx.example");
    assert_int_equal(influx_check(&b->profile, &err), -1);
    assert_non_null(strstr(err.text, "http://"));
    snprintf(b->profile.influx.url, sizeof(b->profile.influx.url), "http://influx.example");
    assert_int_equal(influx_check(&b->profile, &err), 0);
    b->profile.influx.version = 2;
    assert_int_equal(influx_check(&b->profile, &err), -1);
    assert_non_null(strstr(err.text, "org"));
    b->profile.influx.version = 4;
    assert_int_equal(influx_check(&b->profile, &err), -1);
    b->profile.influx.version = 1;
    snprintf(b->profile.influx.token_file, sizeof(b->profile.influx.token_file), "/nowhere/token");
    assert_int_equal(influx_check(&b->profile, &err), -1);
    assert_non_null(strstr(err.text, "token_file"));
}

/* ---- queue ---------------------------------------------------------------------------------- */

static void a_full_queue_drops_its_oldest_and_counts_them(void **state)
{
    struct bench *b = *state;
    struct err err;
    uint64_t dropped;
    char folder[100], *text;
    size_t len;
    uint32_t lines;
    snprintf(folder, sizeof(folder), "%s/queue", b->dir);
    struct queue *q = queue_open(folder, 100, &err);
    for (uint32_t i = 1; i <= 5; i++) {
        char body[31];
        snprintf(body, sizeof(body), "%030u", i);
        assert_int_equal(queue_push(q, body, 30, i, &dropped, &err), 0);
        assert_int_equal(dropped, i <= 3 ? 0 : i - 3);
    }
    assert_int_equal(queue_bytes(q), 90);
    queue_close(q);

    q = queue_open(folder, 100, &err); /* as another process finds it */
    assert_int_equal(queue_bytes(q), 90);
    for (uint32_t i = 3; i <= 5; i++) {
        assert_int_equal(queue_first(q, &text, &len, &lines, &err), 1);
        assert_int_equal(lines, i);
        assert_int_equal(text[29], '0' + (int)i);
        free(text);
        queue_pop(q);
    }
    assert_int_equal(queue_first(q, &text, &len, &lines, &err), 0);
    assert_true(queue_is_empty(q));
    queue_close(q);
}

int main(int argc, char **argv)
{
    struct bench b = { .python = argc > 1 ? argv[1] : "", .script = argc > 2 ? argv[2] : "" };
#define WITH(name) cmocka_unit_test_prestate_setup_teardown(name, start, end, &b)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_those_of_the_protocol),
        cmocka_unit_test(readings_of_one_message_are_one_line),
        cmocka_unit_test(tags_are_checked),
        WITH(version_1_is_told_the_database_and_who_asks),
        WITH(versions_2_and_3_are_told_the_bucket),
        WITH(a_full_batch_does_not_wait_for_its_time),
        WITH(what_is_not_taken_now_waits_and_goes_out_oldest_first),
        WITH(retry_after_is_obeyed),
        WITH(a_partial_write_is_counted_said_and_not_repeated),
        WITH(who_is_not_let_in_keeps_what_he_has),
        WITH(what_waits_survives_a_restart),
        WITH(a_server_that_is_not_there_loses_nothing),
        WITH(settings_that_cannot_work_are_refused),
        WITH(a_full_queue_drops_its_oldest_and_counts_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
