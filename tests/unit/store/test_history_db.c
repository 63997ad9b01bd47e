#include <math.h>
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

#include "store/history.h"
#include "tree.h"

#define HOUR_MS  INT64_C(3600000)
#define DAY_MS   (24 * HOUR_MS)
#define START_MS (INT64_C(20000) * DAY_MS) /* a midnight */

struct place {
    char dir[64], journal[96], path[128];
    struct history *h;
    struct history_limits limits;
    char note[200];
};

static int new_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    snprintf(p->dir, sizeof(p->dir), "/tmp/muster-history-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->journal, sizeof(p->journal), "%s/muster.db", p->dir);
    snprintf(p->path, sizeof(p->path), "%s-history", p->journal);
    *state = p;
    return 0;
}

static int drop_place(void **state)
{
    struct place *p = *state;

    history_close(p->h);
    tree_remove(p->dir);
    free(p);
    return 0;
}

static void open_at(struct place *p, int64_t now_ms)
{
    struct err err = { 0 };
    p->h = history_open(p->journal, &p->limits, now_ms, p->note, sizeof(p->note), &err);
    if (!p->h)
        fail_msg("%s", err.text);
}

static int64_t ask(const struct place *p, const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t out = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return out;
}

/* All there is to do up to `now`, batches included. */
static void work(struct place *p, int64_t now_ms)
{
    struct err err = { 0 };
    int rc;
    history_work(p->h, now_ms, 100000, &err); /* the batch's time begins */
    now_ms += HISTORY_BATCH_MS;
    while ((rc = history_work(p->h, now_ms, 100000, &err)) == 1)
        ;
    if (rc)
        fail_msg("%s", err.text);
}

/* A value a minute for `minutes` from `from`: the minute's number in the day. */
static void fill(struct place *p, const char *device, int64_t from, int minutes)
{
    for (int i = 0; i < minutes; i++) {
        int64_t t = from + i * HISTORY_MINUTE_MS;
        history_add(p->h, device, "temperature", t + 1000, (double)(t / HISTORY_MINUTE_MS % 1440));
        if (i % 240 == 239)
            work(p, t);
    }
    work(p, from + minutes * HISTORY_MINUTE_MS);
}

static size_t read_all(struct place *p, const char *device, int64_t from, int64_t to,
                       enum history_step step, struct history_sample out[HISTORY_SAMPLES])
{
    struct err err = { 0 };
    size_t count;
    struct history *r = history_open_reader(p->journal, &err);
    if (!r)
        fail_msg("%s", err.text);
    struct history_query *q = history_query_new(r, device, "temperature", from, to, step, &err);
    if (!q)
        fail_msg("%s", err.text);
    int rc;
    while ((rc = history_query_work(q, 3, &err)) == 1)
        ;
    if (rc)
        fail_msg("%s", err.text);
    const struct history_sample *s = history_query_samples(q, &count);
    if (count)
        memcpy(out, s, count * sizeof(*out));
    history_query_free(q);
    history_close(r);
    return count;
}

static struct history_sample sample[HISTORY_SAMPLES];

static void a_minute_holds_least_mean_and_greatest_of_its_values(void **state)
{
    struct place *p = *state;
    open_at(p, START_MS);

    history_add(p->h, "a", "temperature", START_MS + 1000, 20);
    history_add(p->h, "a", "temperature", START_MS + 2000, 26);
    work(p, START_MS);
    history_add(p->h, "a", "temperature", START_MS + 30000, 14);
    work(p, START_MS);

    assert_int_equal(read_all(p, "a", START_MS, START_MS + HOUR_MS, HISTORY_MINUTES, sample), 1);
    assert_int_equal(sample[0].t_ms, START_MS);
    assert_int_equal(sample[0].count, 3);
    assert_float_equal(sample[0].min, 14, 0.001);
    assert_float_equal(sample[0].avg, 20, 0.001);
    assert_float_equal(sample[0].max, 26, 0.001);
}

static void hours_that_are_over_are_folded_and_read_as_before(void **state)
{
    struct place *p = *state;
    open_at(p, START_MS);
    fill(p, "a", START_MS, 150); /* two hours and a half */

    assert_int_equal(read_all(p, "a", START_MS, START_MS + DAY_MS, HISTORY_MINUTES, sample), 150);
    for (int i = 0; i < 150; i++) {
        assert_int_equal(sample[i].t_ms, START_MS + i * HISTORY_MINUTE_MS);
        assert_float_equal(sample[i].avg, i, 0.001);
    }
    assert_int_equal(read_all(p, "a", START_MS, START_MS + DAY_MS, HISTORY_QUARTERS, sample), 10);
    assert_int_equal(sample[1].count, 15);
    assert_float_equal(sample[1].min, 15, 0.001);
    assert_float_equal(sample[1].avg, 22, 0.001);
    assert_float_equal(sample[1].max, 29, 0.001);
}

static void only_the_hours_that_run_lie_in_recent(void **state)
{
    struct place *p = *state;
    open_at(p, START_MS);
    fill(p, "a", START_MS, 150);

    assert_int_equal(ask(p, "SELECT count(*) FROM recent"), 30);
    assert_int_equal(ask(p, "SELECT count(*) FROM minutes"), 2);
    assert_int_equal(ask(p, "SELECT count(*) FROM quarters"), 1);
}

/* The machine's clock was years ahead for a moment: those minutes stay in `recent` until then. */
static void a_clock_that_was_ahead_hides_nothing_of_the_present(void **state)
{
    struct place *p = *state;
    open_at(p, START_MS);
    history_add(p->h, "a", "temperature", START_MS + 4000 * DAY_MS, 99);
    fill(p, "a", START_MS, 150);

    assert_int_equal(read_all(p, "a", START_MS, START_MS + DAY_MS, HISTORY_MINUTES, sample), 150);
    assert_float_equal(sample[149].avg, 149, 0.001);
    assert_int_equal(read_all(p, "a", START_MS, START_MS + DAY_MS, HISTORY_QUARTERS, sample), 10);
    assert_int_equal(ask(p, "SELECT count(*) FROM recent"), 31);
}

/* A machine without a battery begins in 1970. */
static void values_of_the_first_hour_of_all_hold_up_no_folding(void **state)
{
    struct place *p = *state;
    open_at(p, 60000);
    history_add(p->h, "a", "temperature", 60000, 1);
    work(p, 120000);
    assert_int_equal(ask(p, "SELECT count(*) FROM recent"), 1);
    fill(p, "a", START_MS, 150);

    assert_int_equal(ask(p, "SELECT count(*) FROM recent"), 30);
    assert_int_equal(read_all(p, "a", START_MS, START_MS + DAY_MS, HISTORY_MINUTES, sample), 150);
}

static void a_late_value_finds_its_minute_in_a_folded_hour(void **state)
{
    struct place *p = *state;
    open_at(p, START_MS);
    fill(p, "a", START_MS, 150);

    history_add(p->h, "a", "temperature", START_MS + 5 * HISTORY_MINUTE_MS + 30000, 1005);
    work(p, START_MS + 3 * HOUR_MS);

    read_all(p, "a", START_MS, START_MS + DAY_MS, HISTORY_MINUTES, sample);
    assert_int_equal(sample[5].count, 2);
    assert_float_equal(sample[5].avg, 505, 0.001);
    assert_float_equal(sample[5].max, 1005, 0.001);
    read_all(p, "a", START_MS, START_MS + DAY_MS, HISTORY_QUARTERS, sample);
    assert_int_equal(sample[0].count, 16);
    assert_float_equal(sample[0].max, 1005, 0.001);
}

static void a_query_gives_its_range_of_its_series_only(void **state)
{
    struct place *p = *state;
    open_at(p, START_MS);
    fill(p, "a", START_MS, 130);
    fill(p, "b", START_MS, 130);

    size_t n = read_all(p, "b", START_MS + 10 * HISTORY_MINUTE_MS,
                        START_MS + 125 * HISTORY_MINUTE_MS, HISTORY_MINUTES, sample);

    assert_int_equal(n, 115);
    assert_int_equal(sample[0].t_ms, START_MS + 10 * HISTORY_MINUTE_MS);
    assert_int_equal(read_all(p, "c", START_MS, START_MS + DAY_MS, HISTORY_MINUTES, sample), 0);
}

static void an_hour_that_is_folded_while_it_is_read_is_seen_once(void **state)
{
    struct place *p = *state;
    struct err err;
    size_t count;
    open_at(p, START_MS);
    fill(p, "a", START_MS, 122); /* the second hour is not yet folded */
    assert_int_equal(ask(p, "SELECT count(*) FROM recent"), 62);

    struct history *r = history_open_reader(p->journal, &err);
    struct history_query *q = history_query_new(r, "a", "temperature", START_MS, START_MS + DAY_MS,
                                                HISTORY_MINUTES, &err);
    assert_int_equal(history_query_work(q, 1, &err), 1); /* has read the packed hours */
    work(p, START_MS + 125 * HISTORY_MINUTE_MS);
    assert_int_equal(ask(p, "SELECT count(*) FROM recent"), 2);
    while (history_query_work(q, 1, &err) == 1)
        ;
    history_query_samples(q, &count);
    assert_int_equal(count, 122);
    history_query_free(q);
    history_close(r);
}

static void what_is_older_than_the_minutes_comes_in_quarters(void **state)
{
    struct place *p = *state;
    p->limits = (struct history_limits){ .minute_days = 1, .days = 30 };
    open_at(p, START_MS);
    fill(p, "a", START_MS, 3 * 1440);
    for (int i = 0; i < 5; i++)
        work(p, START_MS + 3 * DAY_MS + i * 60000);

    size_t n = read_all(p, "a", START_MS, START_MS + 3 * DAY_MS, HISTORY_MINUTES, sample);

    assert_in_range(ask(p, "SELECT count(*) FROM minutes"), 24, 26);
    assert_int_equal(sample[0].span_ms, HISTORY_QUARTER_MS);
    assert_int_equal(sample[n - 1].span_ms, HISTORY_MINUTE_MS);
    for (size_t i = 1; i < n; i++)
        assert_int_equal(sample[i].t_ms, sample[i - 1].t_ms + sample[i - 1].span_ms);
    assert_int_equal(sample[n - 1].t_ms, START_MS + 3 * DAY_MS - HISTORY_MINUTE_MS);
}

static void after_its_days_a_silent_device_leaves_nothing(void **state)
{
    struct place *p = *state;
    p->limits = (struct history_limits){ .minute_days = 1, .days = 5 };
    open_at(p, START_MS);
    fill(p, "gone", START_MS, 120);
    fill(p, "here", START_MS + 20 * DAY_MS, 120);
    for (int i = 0; i < 5; i++)
        work(p, START_MS + 20 * DAY_MS + 4 * HOUR_MS + i * 60000);

    assert_int_equal(ask(p, "SELECT count(*) FROM series"), 1);
    assert_int_equal(ask(p, "SELECT count(*) FROM quarters"), 1);

    fill(p, "gone", START_MS + 21 * DAY_MS, 10); /* and comes back */
    assert_int_equal(read_all(p, "gone", START_MS, START_MS + 22 * DAY_MS, HISTORY_MINUTES, sample),
                     10);
}

static void a_full_file_keeps_less_and_stays_in_its_bound(void **state)
{
    struct place *p = *state;
    char device[16];
    struct err err;
    p->limits = (struct history_limits){ .minute_days = 30, .days = 90, .megabytes = 2 };
    open_at(p, START_MS);

    for (int hour = 0; hour < 24 * 12; hour++) {
        int64_t t = START_MS + hour * HOUR_MS;
        for (int d = 0; d < 20; d++) {
            snprintf(device, sizeof(device), "d%d", d);
            for (int i = 0; i < 120; i++)
                history_add(p->h, device, "temperature", t + i * 30000, i * d);
        }
        for (int i = 0; i < 20; i++)
            while (history_work(p->h, t + HOUR_MS + i * 30000, 100000, &err) == 1)
                ;
    }
    struct history_counters c;
    history_counters(p->h, &c);
    assert_in_range(c.bytes, 500000, 2 << 20);
    struct stat st;
    assert_int_equal(stat(p->path, &st), 0);
    assert_in_range(st.st_size, 500000, 2300000);
    /* The newest is there all the same. */
    int64_t last = START_MS + 24 * 12 * HOUR_MS;
    assert_int_equal(read_all(p, "d7", last - HOUR_MS, last, HISTORY_MINUTES, sample), 60);
}

static void what_was_committed_survives_kill_9(void **state)
{
    struct place *p = *state;
    for (int round = 0; round < 12; round++) {
        int told[2];
        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
            struct err err;
            struct history *h = history_open(p->journal, NULL, START_MS, NULL, 0, &err);
            for (int i = 0;; i++) { /* a batch per minute, told when committed */
                int64_t t = START_MS + (round * 10000 + i) * HISTORY_MINUTE_MS;
                struct history_counters c;
                history_add(h, "a", "temperature", t, i);
                history_work(h, t, 1000, &err);
                history_work(h, t + HISTORY_BATCH_MS, 1000, &err);
                history_work(h, t + HISTORY_BATCH_MS, 1000, &err);
                history_counters(h, &c);
                int done = (int)c.rows;
                if (write(told[1], &done, sizeof(done)) < 0)
                    _exit(1);
            }
        }
        int rows = 0, got;
        while (rows < 3 + round * 17 && read(told[0], &got, sizeof(got)) == sizeof(got))
            rows = got;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(told[1]);
        while (read(told[0], &got, sizeof(got)) == sizeof(got))
            rows = got;
        close(told[0]);

        int64_t from = START_MS + round * 10000 * HISTORY_MINUTE_MS;
        open_at(p, START_MS);
        assert_string_equal(p->note, "");
        work(p, from + 9000 * HISTORY_MINUTE_MS);
        size_t n = read_all(p, "a", from, from + 9000 * HISTORY_MINUTE_MS, HISTORY_MINUTES, sample);
        assert_in_range(n, rows, rows + 1);
        history_close(p->h);
        p->h = NULL;
    }
}

static void a_second_process_adds_to_the_minute_of_the_first(void **state)
{
    struct place *p = *state;
    open_at(p, START_MS);
    history_add(p->h, "a", "temperature", START_MS + 1000, 10);
    history_close(p->h); /* writes what is pending */
    open_at(p, START_MS);
    history_add(p->h, "a", "temperature", START_MS + 40000, 20);
    work(p, START_MS);

    assert_int_equal(read_all(p, "a", START_MS, START_MS + HOUR_MS, HISTORY_MINUTES, sample), 1);
    assert_int_equal(sample[0].count, 2);
    assert_float_equal(sample[0].avg, 15, 0.001);
}

static void a_damaged_file_is_put_aside_and_said(void **state)
{
    struct place *p = *state;
    char kept[256];
    FILE *f = fopen(p->path, "w");
    for (int i = 0; i < 9000; i++)
        fputc('x', f);
    fclose(f);

    open_at(p, START_MS);

    assert_non_null(strstr(p->note, "damaged"));
    snprintf(kept, sizeof(kept), "%s.damaged-%lld", p->path, (long long)START_MS / 1000);
    assert_int_equal(access(kept, F_OK), 0);
    fill(p, "a", START_MS, 10);
    assert_int_equal(read_all(p, "a", START_MS, START_MS + HOUR_MS, HISTORY_MINUTES, sample), 10);
}

static void damage_met_while_running_is_told_and_mended(void **state)
{
    struct place *p = *state;
    struct err err;
    struct stat st;
    open_at(p, START_MS);
    fill(p, "a", START_MS, 130);
    history_close(p->h);
    p->h = NULL;
    assert_int_equal(stat(p->path, &st), 0);
    FILE *f = fopen(p->path, "r+");
    fseek(f, 4096, SEEK_SET); /* every page but the first */
    for (long i = 4096; i < st.st_size; i++)
        fputc(0x5a, f);
    fclose(f);

    open_at(p, START_MS);
    history_add(p->h, "a", "temperature", START_MS + 3 * HOUR_MS, 1);
    for (int i = 0; i < 9 && !history_damaged(p->h); i++)
        history_work(p->h, START_MS + 4 * HOUR_MS + i * 6000, 100, &err);

    assert_true(history_damaged(p->h));
    history_add(p->h, "a", "temperature", START_MS + 5 * HOUR_MS, 2);
    assert_int_equal(history_renew(p->h, START_MS, p->note, sizeof(p->note), &err), 0);
    assert_non_null(strstr(p->note, "damaged"));
    assert_false(history_damaged(p->h));
    work(p, START_MS + 5 * HOUR_MS);
    assert_int_equal(
        read_all(p, "a", START_MS + 5 * HOUR_MS, START_MS + DAY_MS, HISTORY_MINUTES, sample), 1);
}

static void another_programs_database_is_left_alone(void **state)
{
    struct place *p = *state;
    struct err err = { 0 };
    sqlite3 *db;
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE mine(x)", NULL, NULL, NULL);
    sqlite3_close(db);

    assert_null(history_open(p->journal, NULL, START_MS, NULL, 0, &err));
    assert_non_null(strstr(err.text, "another program"));
    assert_int_equal(ask(p, "SELECT count(*) FROM mine"), 0);
}

static void a_reader_of_nothing_is_no_error(void **state)
{
    struct place *p = *state;
    struct err err = { .text = "old" };
    assert_null(history_open_reader(p->journal, &err));
    assert_string_equal(err.text, "");
}

static void a_batch_takes_only_so_many_rows_at_a_time(void **state)
{
    struct place *p = *state;
    struct err err;
    char device[16];
    struct history_counters c;
    open_at(p, START_MS);
    for (int i = 0; i < 100; i++) {
        snprintf(device, sizeof(device), "d%d", i);
        history_add(p->h, device, "temperature", START_MS + 1000, i);
    }
    history_work(p->h, START_MS, 10, &err);

    int calls = 0;
    do {
        assert_int_equal(history_work(p->h, START_MS + 6000, 10, &err), 1);
        history_counters(p->h, &c);
        calls++;
    } while (c.rows == 0);
    assert_in_range(calls, 10, 11);
    assert_int_equal(c.rows, 100);
    /* Values that come meanwhile are of the next batch. */
    history_add(p->h, "d5", "temperature", START_MS + 7000, 7);
    work(p, START_MS + 7000);
    read_all(p, "d5", START_MS, START_MS + HOUR_MS, HISTORY_MINUTES, sample);
    assert_int_equal(sample[0].count, 2);
}

static void what_is_not_finite_is_not_kept(void **state)
{
    struct place *p = *state;
    struct history_counters c;
    open_at(p, START_MS);
    history_add(p->h, "a", "temperature", START_MS, (double)NAN);
    history_add(p->h, "a", "temperature", START_MS, 1e300);
    history_add(p->h, "a", "temperature", 0, 1);
    history_counters(p->h, &c);
    assert_int_equal(c.values, 0);
}

struct minutes {
    int count;
    int64_t first, last;
    double sum;
};

static void count_minute(void *ctx, const char *device, const char *reading, int64_t t_ms,
                         float avg)
{
    struct minutes *m = ctx;
    assert_true(strcmp(device, "a") == 0 || strcmp(device, "b") == 0);
    assert_string_equal(reading, "temperature");
    m->first = !m->count || t_ms < m->first ? t_ms : m->first;
    m->last = t_ms > m->last ? t_ms : m->last;
    m->sum += (double)avg;
    m->count++;
}

static void a_scan_finds_the_last_minutes_of_all_series_wherever_they_lie(void **state)
{
    struct place *p = *state;
    struct err err;
    struct minutes m = { 0 };
    open_at(p, START_MS);
    fill(p, "a", START_MS, 130); /* two hours packed, ten minutes in the one that runs */
    fill(p, "b", START_MS, 130);
    int64_t now = START_MS + 130 * HISTORY_MINUTE_MS;

    struct history *r = history_open_reader(p->journal, &err);
    struct history_scan *s =
        history_scan_new(r, now - 30 * HISTORY_MINUTE_MS, now, count_minute, &m);
    int rc;
    while ((rc = history_scan_work(s, 1, &err)) == 1)
        ;
    assert_int_equal(rc, 0);
    assert_int_equal(m.count, 60);
    assert_int_equal(m.first, now - 30 * HISTORY_MINUTE_MS);
    assert_int_equal(m.last, now - HISTORY_MINUTE_MS);
    assert_float_equal(m.sum, 2 * (100 + 129) * 15, 0.01);
    history_scan_free(s);
    history_close(r);
}

static void answers_are_kept_newest_first_and_once(void **state)
{
    struct place *p = *state;
    struct err err;
    struct history_reply out[4];
    struct reply a = { .verb = VERB_REBOOT, .seq = 7, .ok = true };
    struct reply b = {
        .verb = VERB_CONFIG, .seq = 8, .reason = REASON_EXPIRED, .detail = "too late"
    };
    open_at(p, START_MS);
    history_add_reply(p->h, "a", &a, START_MS + 1800);
    history_add_reply(p->h, "a", &b, START_MS + 9000);
    history_add_reply(p->h, "a", &a, START_MS + 20000); /* QoS 1: twice */
    history_add_reply(p->h, "b", &a, START_MS + 1);
    work(p, START_MS);

    struct history *r = history_open_reader(p->journal, &err);
    assert_int_equal(history_replies(r, "a", out, 4, &err), 2);
    assert_int_equal(out[0].reply.seq, 8);
    assert_int_equal(out[0].reply.reason, REASON_EXPIRED);
    assert_string_equal(out[0].reply.detail, "too late");
    assert_int_equal(out[1].t_ms, START_MS + 1800);
    assert_true(out[1].reply.ok);
    history_close(r);
}

static void name_it(void *ctx, const char *reading, int64_t first_ms)
{
    char *out = ctx;
    snprintf(out + strlen(out), 100, "%s %lld;", reading, (long long)(first_ms / HOUR_MS));
}

static void the_readings_of_a_device_are_told_with_their_beginning(void **state)
{
    struct place *p = *state;
    struct err err;
    char text[200] = "";
    open_at(p, START_MS);
    fill(p, "a", START_MS + 5 * HOUR_MS, 130);
    history_add(p->h, "a", "humidity", START_MS + 8 * HOUR_MS, 50);
    work(p, START_MS + 8 * HOUR_MS);

    struct history *r = history_open_reader(p->journal, &err);
    assert_int_equal(history_readings(r, "a", name_it, text, &err), 0);
    assert_string_equal(text, "humidity 0;temperature 480005;");
    history_close(r);
}

#define T(name) cmocka_unit_test_setup_teardown(name, new_place, drop_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_minute_holds_least_mean_and_greatest_of_its_values),
        T(hours_that_are_over_are_folded_and_read_as_before),
        T(only_the_hours_that_run_lie_in_recent),
        T(a_clock_that_was_ahead_hides_nothing_of_the_present),
        T(values_of_the_first_hour_of_all_hold_up_no_folding),
        T(a_late_value_finds_its_minute_in_a_folded_hour),
        T(a_query_gives_its_range_of_its_series_only),
        T(an_hour_that_is_folded_while_it_is_read_is_seen_once),
        T(what_is_older_than_the_minutes_comes_in_quarters),
        T(after_its_days_a_silent_device_leaves_nothing),
        T(a_full_file_keeps_less_and_stays_in_its_bound),
        T(what_was_committed_survives_kill_9),
        T(a_second_process_adds_to_the_minute_of_the_first),
        T(a_damaged_file_is_put_aside_and_said),
        T(damage_met_while_running_is_told_and_mended),
        T(another_programs_database_is_left_alone),
        T(a_reader_of_nothing_is_no_error),
        T(a_batch_takes_only_so_many_rows_at_a_time),
        T(what_is_not_finite_is_not_kept),
        T(a_scan_finds_the_last_minutes_of_all_series_wherever_they_lie),
        T(answers_are_kept_newest_first_and_once),
        T(the_readings_of_a_device_are_told_with_their_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
