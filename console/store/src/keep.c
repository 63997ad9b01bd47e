/* What goes, and what is left of it. */
#include "store/keep.h"

#include <string.h>

#include "base/text.h"
#include "protocol/hex.h"
#include "protocol/reason.h"
#include "sql.h"

/* How many rows it changed, or -1. */
static int64_t run(struct store *s, sqlite3_stmt *q, struct err *err)
{
    return sql_run(s, q, err) == 0 ? sqlite3_changes(s->db) : -1;
}

static int64_t run_for(struct store *s, enum sql which, const char *rollout, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, which, err);

    if (!q)
        return -1;
    sql_bind_text(q, 1, rollout);
    if (which == SQL_GONE_DEVICES)
        sql_bind_int(q, 2, STORE_KEEP_ROWS);
    return run(s, q, err);
}

static int64_t run_up_to(struct store *s, enum sql which, int64_t number, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, which, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, number);
    return run(s, q, err);
}

static int number(struct store *s, enum sql which, int64_t *out, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, which, err);

    *out = 0;
    if (!q)
        return -1;
    int row = sql_row(s, q, err);
    if (row == 1)
        *out = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return row < 0 ? -1 : 0;
}

static int used_bytes(struct store *s, int64_t *out, struct err *err)
{
    int64_t pages, free_pages, size;

    if (number(s, SQL_PAGES, &pages, err) != 0 ||
        number(s, SQL_FREE_PAGES, &free_pages, err) != 0 ||
        number(s, SQL_PAGE_SIZE, &size, err) != 0)
        return -1;
    *out = (pages - free_pages) * size;
    return 0;
}

/* ---- rollouts
 * --------------------------------------------------------------------------------------------------
 */

/* 1 and the id of one that may go, 0 none, -1. One that was begun comes first. */
static int next_rollout(struct store *s, int64_t before_ms, int64_t now_ms,
                        char out[PROTO_ROLLOUT_MAX], struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_GONE_NEXT, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, before_ms);
    sql_bind_int(q, 2, now_ms);
    int row = sql_row(s, q, err);
    if (row == 1)
        sql_text(q, 0, out, PROTO_ROLLOUT_MAX);
    sqlite3_reset(q);
    return row;
}

/* Bit by enum reason: those that speak against the firmware. */
static int64_t firmware_reasons(void)
{
    int64_t mask = 0;

    for (int i = 0; i < 63; i++)
        if (reason_class((enum reason)i) == REASON_CLASS_FIRMWARE)
            mask |= (int64_t)1 << i;
    return mask;
}

/* Of the device rows that go next: who is not to be offered this image again. */
static int keep_penalties(struct store *s, const char *rollout, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_GONE_PENALTIES, err);

    if (!q)
        return -1;
    sql_bind_text(q, 1, rollout);
    sql_bind_int(q, 2, STORE_KEEP_ROWS);
    sql_bind_int(q, 3, firmware_reasons());
    if (run(s, q, err) < 0)
        return -1;
    return run_up_to(s, SQL_PENALTY_TRIM, STORE_PENALTIES, err) < 0 ? -1 : 0;
}

/* First it is hidden; its devices go in pieces; then all that is left of it. So a step is short,
 * and a half of a rollout is never loaded. */
static int drop_rollout(struct store *s, const char *id, struct store_pruned *out, struct err *err)
{
    static const enum sql rest[] = { SQL_GONE_STAGES, SQL_GONE_ORDERS, SQL_GONE_EVENTS,
                                     SQL_GONE_ACTS, SQL_GONE_HEAD };
    uint32_t *count[] = { NULL, &out->orders, &out->events, &out->acts, &out->rollouts };
    int64_t n = run_for(s, SQL_GONE_HIDE, id, err);

    if (n >= 0 && keep_penalties(s, id, err) != 0)
        return -1;
    if (n >= 0)
        n = run_for(s, SQL_GONE_DEVICES, id, err);
    if (n < 0)
        return -1;
    out->devices += (uint32_t)n;
    if (n == STORE_KEEP_ROWS)
        return 0;
    for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
        n = run_for(s, rest[i], id, err);
        if (n < 0)
            return -1;
        if (count[i])
            *count[i] += (uint32_t)n;
    }
    return 0;
}

/* ---- rows that belong to no rollout
 * ---------------------------------------------------------------------------- */

static int drop_rows(struct store *s, int64_t before_ms, struct store_pruned *out, struct err *err)
{
    int64_t events = run_up_to(s, SQL_OLD_EVENTS, before_ms, err);
    int64_t orders = events < 0 ? -1 : run_up_to(s, SQL_OLD_ORDERS, before_ms, err);

    if (orders < 0)
        return -1;
    out->events += (uint32_t)events;
    out->orders += (uint32_t)orders;
    return events > 0 || orders > 0;
}

/* ---- the audit chain
 * ------------------------------------------------------------------------------------------- */

void anchor_text(int64_t row, const uint8_t hash[PROTO_SHA256_LEN], char out[ANCHOR_TEXT_MAX])
{
    char hex[2 * PROTO_SHA256_LEN + 1];

    hex_encode(hash, PROTO_SHA256_LEN, hex);
    text_format(out, ANCHOR_TEXT_MAX,
                "audit rows up to %lld taken out by age, the last with hash %s", (long long)row,
                hex);
}

/* The newest row that is old enough; 1 and what it is, 0 none, -1. */
static int last_old_audit(struct store *s, int64_t before_ms, int64_t *row,
                          uint8_t hash[PROTO_SHA256_LEN], struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_AUDIT_OLD, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, before_ms);
    int rc = sql_row(s, q, err);
    if (rc == 1) {
        *row = sqlite3_column_int64(q, 0);
        if (sqlite3_column_bytes(q, 1) == PROTO_SHA256_LEN)
            memcpy(hash, sqlite3_column_blob(q, 1), PROTO_SHA256_LEN);
    }
    sqlite3_reset(q);
    return rc;
}

static int put_anchor(struct store *s, int64_t row, const uint8_t hash[PROTO_SHA256_LEN],
                      struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ANCHOR_PUT, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, row);
    sqlite3_bind_blob(q, 2, hash, PROTO_SHA256_LEN, SQLITE_STATIC);
    return sql_run(s, q, err);
}

static int drop_audit(struct store *s, int64_t before_ms, int64_t now_ms, struct store_pruned *out,
                      struct err *err)
{
    uint8_t hash[PROTO_SHA256_LEN] = { 0 };
    char what[ANCHOR_TEXT_MAX];
    int64_t row = 0;
    int rc = s->has_crypto ? last_old_audit(s, before_ms, &row, hash, err) : 0;

    if (rc != 1)
        return rc;
    anchor_text(row, hash, what);
    if (audit_insert(s, "muster", what, now_ms, err) != 0 || put_anchor(s, row, hash, err) != 0)
        return -1;
    int64_t n = run_up_to(s, SQL_AUDIT_DROP, row, err);
    if (n < 0)
        return -1;
    out->audit += (uint32_t)n;
    return 0;
}

/* ---- a step
 * ----------------------------------------------------------------------------------------------------
 */

static int step(struct store *s, const struct store_keep *keep, int64_t now_ms,
                struct store_pruned *out, struct err *err)
{
    int64_t before_ms = keep->age_ms > 0 ? now_ms - keep->age_ms : 0;
    int64_t used = 0;
    char id[PROTO_ROLLOUT_MAX];

    if (keep->bytes > 0 && used_bytes(s, &used, err) != 0)
        return -1;
    bool too_large = keep->bytes > 0 && used > keep->bytes;
    int rc = next_rollout(s, too_large ? INT64_MAX : before_ms, now_ms, id, err);
    if (rc == 1)
        return drop_rollout(s, id, out, err) == 0 ? 1 : -1;
    if (rc == 0 && keep->age_ms > 0) {
        rc = drop_rows(s, before_ms, out, err);
        if (rc == 0)
            rc = drop_audit(s, before_ms, now_ms, out, err);
    }
    return rc;
}

int store_prune(struct store *s, const struct store_keep *keep, int64_t now_ms,
                struct store_pruned *out, struct err *err)
{
    struct store_pruned before = *out;

    if (sql_begin(s, err) != 0)
        return -1;
    int rc = step(s, keep, now_ms, out, err);
    if (sql_end(s, rc < 0 ? -1 : 0, err) != 0) {
        *out = before;
        return -1;
    }
    return rc;
}

int store_compact(struct store *s, struct err *err)
{
    char holder[160];

    if (s->read_only)
        return err_set(err, EXIT_REFUSED, "journal %s: opened read-only", s->path);
    if (s->lock_fd < 0 && store_engine_lock(s, "journal prune", holder, sizeof(holder), err) != 0)
        return err_set(err, EXIT_REFUSED, "not compacted while the engine runs (%s)", holder);
    int rc = sqlite3_exec(s->db,
                          "PRAGMA wal_checkpoint(TRUNCATE); VACUUM;"
                          "PRAGMA wal_checkpoint(TRUNCATE)",
                          NULL, NULL, NULL) == SQLITE_OK
                 ? 0
                 : sql_fail(s, err);
    store_engine_unlock(s);
    return rc;
}
