#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/known.h"
#include "tree.h"

#define NOW_MS INT64_C(1790000000000)

struct place {
    char dir[64], journal[96], path[128];
};

static int new_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    snprintf(p->dir, sizeof(p->dir), "/tmp/muster-known-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->journal, sizeof(p->journal), "%s/muster.db", p->dir);
    snprintf(p->path, sizeof(p->path), "%s-known", p->journal);
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

static void write_devices(struct place *p, int count)
{
    struct err err = { 0 };
    struct known *k = known_open(p->journal, false, &err);
    if (!k)
        fail_msg("%s", err.text);
    assert_int_equal(known_begin(k, &err), 0);
    for (int i = 0; i < count; i++) {
        struct known_device d = { .last_ms = NOW_MS, .interval_ms = 60000, .count = 1 };
        snprintf(d.id, sizeof(d.id), "sensor-%04d", i);
        snprintf(d.item[0].name, sizeof(d.item[0].name), "temperature");
        d.item[0].value = 20.5 + i;
        d.t[0] = (uint32_t)(NOW_MS / 1000);
        assert_int_equal(known_put(k, &d, &err), 0);
    }
    assert_int_equal(known_end(k, NOW_MS - 1000, NOW_MS, &err), 0);
    known_close(k);
}

static void count_device(void *ctx, const struct known_device *d)
{
    int *count = ctx;
    assert_int_equal(d->count, 1);
    assert_true(d->item[0].value >= 20.5);
    ++*count;
}

static void take_report(void *ctx, const struct known_device *d)
{
    struct known_device *out = ctx;

    if (strcmp(d->id, "sensor-a") == 0)
        *out = *d;
    else
        assert_false(d->has_report);
}

static void read_back(struct place *p, struct known_device *out)
{
    int64_t since, beat;
    struct err err;
    struct known *k = known_open(p->journal, true, &err);

    memset(out, 0, sizeof(*out));
    assert_non_null(k);
    assert_int_equal(known_each(k, take_report, out, &since, &beat, &err), 0);
    assert_int_equal(beat, NOW_MS);
    known_close(k);
}

static void write_report(struct place *p)
{
    struct err err = { 0 };
    struct known *k = known_open(p->journal, false, &err);
    struct known_device d = { .id = "sensor-a", .last_ms = NOW_MS, .has_report = true };

    d.report = (struct ota_report){ .state = OTA_REPORT_TRIAL, .attempt = 3, .n = 7, .got = 99 };
    snprintf(d.report.rollout, sizeof(d.report.rollout), "r-1");
    assert_non_null(k);
    assert_int_equal(known_begin(k, &err), 0);
    assert_int_equal(known_put(k, &d, &err), 0);
    assert_int_equal(known_end(k, NOW_MS - 1000, NOW_MS, &err), 0);
    known_close(k);
}

static void how_far_an_update_was_is_kept(void **state)
{
    struct place *p = *state;
    struct known_device d;

    write_devices(p, 2);
    write_report(p);
    read_back(p, &d);
    assert_true(d.has_report);
    assert_int_equal(d.report.state, OTA_REPORT_TRIAL);
    assert_int_equal(d.report.attempt, 3);
    assert_int_equal(d.report.got, 99);
    assert_string_equal(d.report.rollout, "r-1");
}

static void a_file_of_before_reports_were_kept_is_read_and_brought_up_to_date(void **state)
{
    struct place *p = *state;
    struct known_device d;
    sqlite3 *db;

    write_report(p);
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "ALTER TABLE known DROP COLUMN report", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    read_back(p, &d);
    assert_int_equal(d.last_ms, NOW_MS);
    assert_false(d.has_report);
    write_report(p);
    read_back(p, &d);
    assert_true(d.has_report);
}

static int known_devices(struct place *p)
{
    struct err err;
    int64_t since, beat;
    int count = 0;
    struct known *k = known_open(p->journal, true, &err);
    if (!k || known_each(k, count_device, &count, &since, &beat, &err))
        count = -1;
    known_close(k);
    return count;
}

static void last_words_are_read_back(void **state)
{
    struct place *p = *state;
    write_devices(p, 300);
    assert_int_equal(known_devices(p), 300);
}

static void a_torn_file_is_begun_anew(void **state)
{
    struct place *p = *state;
    for (long from = 0; from <= 4096; from += 4096) { /* its head; all but its head */
        struct stat st;
        write_devices(p, 300);
        assert_int_equal(stat(p->path, &st), 0);
        FILE *f = fopen(p->path, "r+");
        fseek(f, from, SEEK_SET);
        for (long i = from; i < st.st_size; i++)
            fputc(0x5a, f);
        fclose(f);
        assert_int_equal(known_devices(p), -1);
        write_devices(p, 3);
        assert_int_equal(known_devices(p), 3);
    }
}

static void note_id(void *ctx, const char *id)
{
    char *text = ctx;
    size_t len = strlen(text);
    snprintf(text + len, 256 - len, "%s ", id);
}

static void ids_that_begin_so_come_in_order_and_no_more_than_asked(void **state)
{
    struct place *p = *state;
    struct err err = { 0 };
    char ids[256] = "";
    write_devices(p, 50);
    struct known *k = known_open(p->journal, true, &err);
    assert_int_equal(known_ids(k, "sensor-001", 100, note_id, ids, &err), 0);
    assert_string_equal(ids, "sensor-0010 sensor-0011 sensor-0012 sensor-0013 sensor-0014 "
                             "sensor-0015 sensor-0016 sensor-0017 sensor-0018 sensor-0019 ");
    ids[0] = '\0';
    assert_int_equal(known_ids(k, "", 2, note_id, ids, &err), 0);
    assert_string_equal(ids, "sensor-0000 sensor-0001 ");
    ids[0] = '\0';
    assert_int_equal(known_ids(k, "sensor-1", 2, note_id, ids, &err), 0);
    assert_string_equal(ids, "");
    known_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(last_words_are_read_back, new_place, drop_place),
        cmocka_unit_test_setup_teardown(ids_that_begin_so_come_in_order_and_no_more_than_asked,
                                        new_place, drop_place),
        cmocka_unit_test_setup_teardown(how_far_an_update_was_is_kept, new_place, drop_place),
        cmocka_unit_test_setup_teardown(
            a_file_of_before_reports_were_kept_is_read_and_brought_up_to_date, new_place,
            drop_place),
        cmocka_unit_test_setup_teardown(a_torn_file_is_begun_anew, new_place, drop_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
