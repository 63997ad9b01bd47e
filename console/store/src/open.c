#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "sql.h"

#define APPLICATION_ID 0x6d757374 /* "must" */

/* Step i brings a journal of version i to i + 1. Append; what is here has been released: a journal
 * of each version is kept in tests/unit/store/journals, and test_store_migrate goes red when one of
 * them ends otherwise than a new one. */
static const char *const steps[] = {
    "CREATE TABLE rollouts(id TEXT NOT NULL UNIQUE, plan TEXT NOT NULL, release_jws TEXT NOT NULL,"
    " who TEXT NOT NULL, product TEXT NOT NULL, version TEXT NOT NULL, image TEXT NOT NULL,"
    " digest BLOB NOT NULL, size INT NOT NULL, seq INT NOT NULL, created_ms INT NOT NULL,"
    " devices INT NOT NULL, done INT NOT NULL DEFAULT 0, failed INT NOT NULL DEFAULT 0,"
    " state TEXT NOT NULL, why TEXT NOT NULL, stage INT NOT NULL, started_ms INT NOT NULL,"
    " ended_ms INT NOT NULL, deadline_ms INT NOT NULL, now_ms INT NOT NULL, deaf_ms INT NOT NULL,"
    " acked_counted INT NOT NULL, acked_other INT NOT NULL, acked_silent INT NOT NULL,"
    " accepted INT NOT NULL);"
    "CREATE TABLE rollout_stages(rollout TEXT NOT NULL, idx INT NOT NULL, state TEXT NOT NULL,"
    " started_ms INT NOT NULL, ended_ms INT NOT NULL, PRIMARY KEY(rollout, idx)) WITHOUT ROWID;"
    "CREATE TABLE rollout_devices(rollout TEXT NOT NULL, idx INT NOT NULL, id TEXT NOT NULL,"
    " stage INT NOT NULL, state INT NOT NULL, ota INT NOT NULL, reason INT NOT NULL,"
    " retries INT NOT NULL, wire INT NOT NULL, wire_pending INT NOT NULL, silent INT NOT NULL,"
    " attempt INT NOT NULL, n INT NOT NULL, boot_before INT NOT NULL, told_ms INT NOT NULL,"
    " ended_ms INT NOT NULL, heard_ms INT NOT NULL, due_ms INT NOT NULL,"
    " PRIMARY KEY(rollout, idx)) WITHOUT ROWID;"
    "CREATE INDEX rollout_devices_id ON rollout_devices(id);"
    "CREATE TABLE acts(id INTEGER PRIMARY KEY AUTOINCREMENT, ts_ms INT NOT NULL,"
    " who TEXT NOT NULL, rollout TEXT NOT NULL, act TEXT NOT NULL,"
    " consumed INT NOT NULL DEFAULT 0, refused INT NOT NULL DEFAULT 0,"
    " result TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX acts_pending ON acts(id) WHERE consumed = 0;"
    "CREATE TABLE seqs(class TEXT PRIMARY KEY, last INT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE orders(rollout TEXT NOT NULL, device TEXT NOT NULL, verb TEXT NOT NULL,"
    " attempt INT NOT NULL, seq INT NOT NULL, jws TEXT NOT NULL, ts_ms INT NOT NULL);"
    "CREATE UNIQUE INDEX orders_of_rollouts ON orders(rollout, device, attempt, verb)"
    " WHERE rollout <> '';"
    "CREATE INDEX orders_device ON orders(device, seq);"
    "CREATE TABLE events(id INTEGER PRIMARY KEY, ts_ms INT NOT NULL, rollout TEXT NOT NULL,"
    " device TEXT NOT NULL, bad INT NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX events_rollout ON events(rollout, id);"
    "CREATE TABLE audit(id INTEGER PRIMARY KEY, ts_ms INT NOT NULL, who TEXT NOT NULL,"
    " what TEXT NOT NULL, hash BLOB NOT NULL);",
    "CREATE TABLE alerts(id INTEGER PRIMARY KEY, rule TEXT NOT NULL, subject TEXT NOT NULL,"
    " level TEXT NOT NULL, text TEXT NOT NULL, since_ms INT NOT NULL, fired_ms INT NOT NULL,"
    " cleared_ms INT NOT NULL DEFAULT 0, ack_who TEXT NOT NULL DEFAULT '',"
    " ack_ms INT NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX alerts_open ON alerts(rule, subject) WHERE cleared_ms = 0;"
    "CREATE INDEX alerts_fired ON alerts(fired_ms);"
    "CREATE TABLE silences(id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL,"
    " target TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL, made_ms INT NOT NULL,"
    " until_ms INT NOT NULL);"
    "CREATE TABLE alert_version(n INT NOT NULL);"
    "INSERT INTO alert_version VALUES(0);",
    /* Windows, caps per group and per second, approval, rolling back, late joiners, acts with
     * arguments. */
    "ALTER TABLE rollouts ADD COLUMN acked_ms INT NOT NULL DEFAULT 0;"
    "ALTER TABLE rollouts ADD COLUMN approved INT NOT NULL DEFAULT 0;"
    "ALTER TABLE rollouts ADD COLUMN back INT NOT NULL DEFAULT 0;"
    "ALTER TABLE rollouts ADD COLUMN jitter_most_s INT NOT NULL DEFAULT 0;"
    "ALTER TABLE rollouts ADD COLUMN paid_ms INT NOT NULL DEFAULT 0;"
    "ALTER TABLE rollouts ADD COLUMN in_flight INT NOT NULL DEFAULT -1;"
    "ALTER TABLE rollouts ADD COLUMN jitter_s INT NOT NULL DEFAULT -1;"
    "ALTER TABLE rollouts ADD COLUMN per_group INT NOT NULL DEFAULT -1;"
    "ALTER TABLE rollouts ADD COLUMN bandwidth INT NOT NULL DEFAULT -1;"
    "ALTER TABLE rollout_devices ADD COLUMN joined INT NOT NULL DEFAULT 0;"
    "ALTER TABLE rollout_devices ADD COLUMN label TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE rollout_devices ADD COLUMN tz TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE acts ADD COLUMN ask TEXT NOT NULL DEFAULT '';",
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('journal', lower(hex(randomblob(8))));"
    "CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, ts_ms INT NOT NULL,"
    " sink TEXT NOT NULL, event TEXT NOT NULL, text TEXT NOT NULL, body TEXT NOT NULL,"
    " attempts INT NOT NULL DEFAULT 0, due_ms INT NOT NULL);"
    "CREATE INDEX outbox_sink ON outbox(sink, id);"
    "CREATE TABLE sinks(name TEXT PRIMARY KEY, delivered INT NOT NULL DEFAULT 0,"
    " dropped INT NOT NULL DEFAULT 0, ok_ms INT NOT NULL DEFAULT 0,"
    " error TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"
    "CREATE TABLE audit_anchor(id INTEGER PRIMARY KEY CHECK(id = 1), row INT NOT NULL,"
    " hash BLOB NOT NULL);",
    /* What is left of a device whose firmware failed when its rollout goes by age. */
    ("CREATE TABLE penalties(id INTEGER PRIMARY KEY, image TEXT NOT NULL, device TEXT NOT NULL,"
     " reason INT NOT NULL, UNIQUE(image, device));"),
};
#define SCHEMA ((int64_t)(sizeof(steps) / sizeof(steps[0])))

static int run_text(struct store *s, const char *text, struct err *err)
{
    return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : sql_fail(s, err);
}

static int read_number(struct store *s, const char *text, int64_t *out, struct err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = -1;

    if (sqlite3_prepare_v2(s->db, text, -1, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW) {
        *out = sqlite3_column_int64(q, 0);
        rc = 0;
    } else
        sql_fail(s, err);
    sqlite3_finalize(q);
    return rc;
}

/* Is it ours, and not from the future? */
static int check_version(struct store *s, int64_t *version, struct err *err)
{
    int64_t application = 0;
    int64_t tables = 0;

    if (read_number(s, "PRAGMA application_id", &application, err) != 0 ||
        read_number(s, "PRAGMA user_version", version, err) != 0 ||
        read_number(s, "SELECT COUNT(*) FROM sqlite_schema", &tables, err) != 0)
        return -1;
    if (application != APPLICATION_ID && (tables > 0 || application != 0))
        return err_set(err, EXIT_USAGE,
                       "journal %s: this is another program's database; does [journal] path name "
                       "the right file?",
                       s->path);
    if (*version > SCHEMA)
        return err_set(err, EXIT_REFUSED,
                       "journal %s: written by a newer muster (version %lld, this one knows %lld); "
                       "use the newer one",
                       s->path, (long long)*version, (long long)SCHEMA);
    return 0;
}

/* Who only reads may come while another process is just making the journal, or bringing it up to
 * date: that takes a moment. */
static int wait_for_schema(struct store *s, int64_t *version, struct err *err)
{
    for (int i = 0; i < 50 && *version < SCHEMA; i++) {
        sqlite3_sleep(100);
        if (check_version(s, version, err) != 0)
            return -1;
    }
    return 0;
}

/* The version is asked again inside the transaction: another process may have been faster. */
static int migrate(struct store *s, struct err *err)
{
    int64_t version = 0;

    if (check_version(s, &version, err) != 0)
        return -1;
    if (version < SCHEMA && s->read_only && wait_for_schema(s, &version, err) != 0)
        return -1;
    if (version == SCHEMA)
        return 0;
    if (s->read_only)
        return err_set(err, EXIT_REFUSED,
                       "journal %s: made by an older muster; open it once without read-only",
                       s->path);
    if (sql_begin(s, err) != 0)
        return -1;
    int rc = check_version(s, &version, err);
    for (; rc == 0 && version < SCHEMA; version++) {
        char mark[80];
        text_format(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %lld",
                    APPLICATION_ID, (long long)version + 1);
        rc = run_text(s, steps[version], err);
        if (rc == 0)
            rc = run_text(s, mark, err);
    }
    return sql_end(s, rc, err);
}

static int open_file(struct store *s, struct err *err)
{
    int flags = s->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    /* The journal holds orders and who asked for what: not for others. umask() is not changed, as
     * it belongs to the process. */
    bool is_new = access(s->path, F_OK) != 0;

    if (sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return s->db ? sql_fail(s, err) : err_set(err, EXIT_REACH, "out of memory");
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, 5000);
    if (is_new && !s->read_only)
        chmod(s->path, S_IRUSR | S_IWUSR);
    if (s->read_only)
        return 0;
    return run_text(s,
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                    "PRAGMA trusted_schema = OFF",
                    err);
}

/* Keep the newest 200,000 events, and orders of 90 days or of rollouts that still live. When that
 * can't be done now, it can the next time. */
static void prune(struct store *s)
{
    static const enum sql what[] = { SQL_EVENT_PRUNE, SQL_ORDER_PRUNE };

    for (size_t i = 0; i < sizeof(what) / sizeof(what[0]) && !s->read_only; i++) {
        sqlite3_stmt *q = sql_get(s, what[i], NULL);
        if (q)
            sql_run(s, q, NULL);
    }
}

struct store *store_open(const char *path, bool read_only, const struct crypto *crypto,
                         struct err *err)
{
    struct store *s = mem_alloc(sizeof(*s));

    s->lock_fd = -1;
    s->read_only = read_only;
    if (crypto) {
        s->crypto = *crypto;
        s->has_crypto = true;
    }
    if (!text_copy(s->path, sizeof(s->path), path) || (!crypto && !read_only)) {
        err_set(err, EXIT_USAGE, "journal: %s", crypto ? "path is too long" : "no hash function");
        free(s);
        return NULL;
    }
    if (open_file(s, err) != 0 || migrate(s, err) != 0) {
        store_close(s);
        return NULL;
    }
    prune(s);
    return s;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(s->statement[i]);
    sqlite3_close(s->db);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s);
}

int store_data_version(struct store *s, int64_t *version, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_DATA_VERSION, err);

    if (!q || sql_row(s, q, err) != 1)
        return -1;
    *version = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return 0;
}
