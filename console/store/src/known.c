#include "store/known.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

/* Readings as text, "temperature 21.5 1790000000\n" …: a person can read it with sqlite3. */
enum { LINE_MAX = PROTO_READING_MAX + 64, TEXT_MAX = PROTO_READINGS * LINE_MAX };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS known(id TEXT PRIMARY KEY, last_ms INT NOT NULL,"
    " interval_ms INT NOT NULL, status TEXT NOT NULL, readings TEXT NOT NULL,"
    " report TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS recorder(one INT PRIMARY KEY CHECK(one = 1),"
    " since_ms INT NOT NULL, beat_ms INT NOT NULL);";

enum { PUT, FORGET, BEAT, STATEMENTS };
static const char *const texts[STATEMENTS] = {
    ("INSERT OR REPLACE INTO known(id,last_ms,interval_ms,status,readings,report)"
     "VALUES(?,?,?,?,?,?)"),
    "DELETE FROM known WHERE id=?",
    "INSERT OR REPLACE INTO recorder(one,since_ms,beat_ms)VALUES(1,?,?)",
};

struct known {
    sqlite3 *db;
    sqlite3_stmt *statement[STATEMENTS];
};

static int fail(struct known *k, struct err *err)
{
    return err_set(err, EXIT_REACH, "last known readings: %s", sqlite3_errmsg(k->db));
}

static int exec(struct known *k, const char *text, struct err *err)
{
    return sqlite3_exec(k->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(k, err);
}

static int prepare(struct known *k, struct err *err)
{
    if (exec(k, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;", err) ||
        exec(k, schema, err))
        return -1;
    exec(k, "ALTER TABLE known ADD COLUMN report TEXT NOT NULL DEFAULT ''", NULL); /* of before */
    for (int i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v2(k->db, texts[i], -1, &k->statement[i], NULL) != SQLITE_OK)
            return fail(k, err);
    }
    return 0;
}

static struct known *open_once(const char *path, bool read_only, struct err *err)
{
    struct known *k = mem_alloc(sizeof(*k));
    int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    bool is_new = access(path, F_OK) != 0;

    if (sqlite3_open_v2(path, &k->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(k->db, 2000) != SQLITE_OK || (!read_only && prepare(k, err))) {
        fail(k, err);
        known_close(k);
        return NULL;
    }
    if (is_new)
        chmod(path, S_IRUSR | S_IWUSR);
    return k;
}

static bool is_torn(const char *path)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "SELECT count(*) FROM known; SELECT * FROM recorder", NULL, NULL,
                          NULL);
    sqlite3_close(db);
    return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
}

static void drop(const char *path)
{
    static const char *const tails[] = { "-wal", "-shm" };
    char name[1100];

    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        text_format(name, sizeof(name), "%s%s", path, tails[i]);
        unlink(name);
    }
    unlink(path);
}

struct known *known_open(const char *journal, bool read_only, struct err *err)
{
    char path[1024];

    if (!journal[0] || !text_format(path, sizeof(path), "%s-known", journal)) {
        err_set(err, EXIT_USAGE, "[journal] path is missing or too long");
        return NULL;
    }
    if (read_only && access(path, F_OK) != 0)
        return NULL;
    /* It is kept without waiting for the disk, so a power cut may have torn it; it holds nothing
     * that does not come again. */
    if (!read_only && access(path, F_OK) == 0 && is_torn(path))
        drop(path);
    return open_once(path, read_only, err);
}

void known_close(struct known *k)
{
    if (!k)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(k->statement[i]);
    sqlite3_close(k->db);
    free(k);
}

static int run(struct known *k, int which, struct err *err)
{
    int rc = sqlite3_step(k->statement[which]);
    if (rc != SQLITE_DONE)
        fail(k, err);
    sqlite3_reset(k->statement[which]);
    return rc == SQLITE_DONE ? 0 : -1;
}

int known_begin(struct known *k, struct err *err)
{
    return exec(k, "BEGIN IMMEDIATE", err);
}

int known_put(struct known *k, const struct known_device *d, struct err *err)
{
    char text[TEXT_MAX], status[PROTO_STATUS_BYTES] = "", report[PROTO_REPORT_BYTES + 1] = "";
    size_t used = 0;
    sqlite3_stmt *q = k->statement[PUT];

    text[0] = '\0';
    for (uint32_t i = 0; i < d->count; i++) {
        int len = snprintf(text + used, sizeof(text) - used, "%s %.9g %u\n", d->item[i].name,
                           d->item[i].value, d->t[i]);
        if (len < 0 || (size_t)len >= sizeof(text) - used)
            break;
        used += (size_t)len;
    }
    text[used] = '\0';
    sqlite3_bind_text(q, 1, d->id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, d->last_ms);
    sqlite3_bind_int64(q, 3, d->interval_ms);
    if (d->has_status && device_status_encode(&d->status, status, sizeof(status)) < 0)
        status[0] = '\0';
    sqlite3_bind_text(q, 4, status, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 5, text, (int)used, SQLITE_STATIC);
    if (d->has_report && ota_report_encode(&d->report, report, sizeof(report)) < 0)
        report[0] = '\0';
    sqlite3_bind_text(q, 6, report, -1, SQLITE_STATIC);
    return run(k, PUT, err);
}

int known_forget(struct known *k, const char *id, struct err *err)
{
    sqlite3_bind_text(k->statement[FORGET], 1, id, -1, SQLITE_STATIC);
    return run(k, FORGET, err);
}

int known_end(struct known *k, int64_t since_ms, int64_t now_ms, struct err *err)
{
    sqlite3_bind_int64(k->statement[BEAT], 1, since_ms);
    sqlite3_bind_int64(k->statement[BEAT], 2, now_ms);
    if (run(k, BEAT, err) || exec(k, "COMMIT", err)) {
        exec(k, "ROLLBACK", NULL);
        return -1;
    }
    return 0;
}

/* One line of the text; false when it is not one of ours (then it is passed over). */
static bool parse_line(const char *line, size_t len, struct reading *item, uint32_t *t)
{
    char copy[LINE_MAX];
    uint64_t when;

    if (!text_copy_n(copy, sizeof(copy), line, len))
        return false;
    char *time = strrchr(copy, ' ');
    if (!time)
        return false;
    *time = '\0';
    char *value = strrchr(copy, ' ');
    if (!value)
        return false;
    *value = '\0';
    if (!text_copy(item->name, sizeof(item->name), copy) ||
        !text_to_double(value + 1, &item->value) || !text_to_u64(time + 1, 0, UINT32_MAX, &when))
        return false;
    *t = (uint32_t)when;
    return true;
}

static void parse_readings(const char *text, struct known_device *d)
{
    d->count = 0;
    while (text && *text && d->count < PROTO_READINGS) {
        size_t len = strcspn(text, "\n");
        if (parse_line(text, len, &d->item[d->count], &d->t[d->count]))
            d->count++;
        text += len + (text[len] == '\n');
    }
}

/* A file of before has no reports, and who only reads can't add them. */
static sqlite3_stmt *all_rows(struct known *k)
{
    static const char *const choices[] = {
        "SELECT id,last_ms,interval_ms,readings,status,report FROM known",
        "SELECT id,last_ms,interval_ms,readings,status,'' FROM known",
    };
    sqlite3_stmt *q = NULL;

    for (size_t i = 0; i < 2 && !q; i++)
        sqlite3_prepare_v2(k->db, choices[i], -1, &q, NULL);
    return q;
}

static int each_row(struct known *k, known_fn *fn, void *ctx, struct err *err)
{
    struct known_device d;
    sqlite3_stmt *q = all_rows(k);
    int rc;

    if (!q)
        return fail(k, err);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(q, 0);
        if (!id || !text_copy(d.id, sizeof(d.id), id))
            continue;
        d.last_ms = sqlite3_column_int64(q, 1);
        d.interval_ms = (uint32_t)sqlite3_column_int64(q, 2);
        parse_readings((const char *)sqlite3_column_text(q, 3), &d);
        const char *status = (const char *)sqlite3_column_text(q, 4);
        d.has_status =
            status && *status && device_status_decode(status, strlen(status), &d.status) == 0;
        const char *report = (const char *)sqlite3_column_text(q, 5);
        d.has_report =
            report && *report && ota_report_decode(report, strlen(report), &d.report) == 0;
        fn(ctx, &d);
    }
    if (rc != SQLITE_DONE)
        fail(k, err);
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? 0 : -1;
}

int known_each(struct known *k, known_fn *fn, void *ctx, int64_t *since_ms, int64_t *beat_ms,
               struct err *err)
{
    sqlite3_stmt *q = NULL;

    *since_ms = *beat_ms = 0;
    if (sqlite3_prepare_v2(k->db, "SELECT since_ms,beat_ms FROM recorder", -1, &q, NULL) !=
        SQLITE_OK)
        return fail(k, err);
    if (sqlite3_step(q) == SQLITE_ROW) {
        *since_ms = sqlite3_column_int64(q, 0);
        *beat_ms = sqlite3_column_int64(q, 1);
    }
    sqlite3_finalize(q);
    return each_row(k, fn, ctx, err);
}

int known_ids(struct known *k, const char *prefix, size_t cap, known_id_fn *fn, void *ctx,
              struct err *err)
{
    static const char text[] = "SELECT id FROM known WHERE id>=?1 ORDER BY id LIMIT ?2";
    sqlite3_stmt *q = NULL;
    size_t len = strlen(prefix);
    int rc;

    if (sqlite3_prepare_v2(k->db, text, -1, &q, NULL) != SQLITE_OK)
        return fail(k, err);
    sqlite3_bind_text(q, 1, prefix, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, (sqlite3_int64)cap);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(q, 0);
        if (!id || strncmp(id, prefix, len) != 0)
            break;
        fn(ctx, id);
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        fail(k, err);
    sqlite3_finalize(q);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}
