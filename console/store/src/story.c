/* The events that people read, and the audit chain. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "sql.h"

int event_insert(struct store *s, int64_t ts_ms, const char *rollout, const char *device, bool bad,
                 const char *text, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_EVENT_ADD, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, ts_ms);
    sql_bind_text(q, 2, rollout);
    sql_bind_text(q, 3, device);
    sql_bind_int(q, 4, bad);
    sql_bind_text(q, 5, text);
    return sql_run(s, q, err);
}

int store_event_list(struct store *s, const char *rollout, int64_t after, struct store_event *out,
                     size_t cap, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_EVENT_LIST, err);
    int count = 0;
    int row = 0;

    if (!q)
        return -1;
    sql_bind_text(q, 1, rollout); /* NULL binds NULL */
    sql_bind_int(q, 2, after);
    sql_bind_int(q, 3, (int64_t)cap);
    while ((size_t)count < cap && (row = sql_row(s, q, err)) == 1) {
        struct store_event *e = &out[count++];

        memset(e, 0, sizeof(*e));
        e->id = sqlite3_column_int64(q, 0);
        e->ts_ms = sqlite3_column_int64(q, 1);
        sql_text(q, 2, e->rollout, sizeof(e->rollout));
        sql_text(q, 3, e->device, sizeof(e->device));
        e->bad = sql_u32(q, 4) != 0;
        sql_text(q, 5, e->text, sizeof(e->text));
    }
    sqlite3_reset(q);
    return row < 0 ? -1 : count;
}

/* SHA-256 over the hash of the row before and this row. The lengths keep one text from passing for
 * another split. */
static void chain(const struct store *s, const uint8_t before[PROTO_SHA256_LEN], int64_t id,
                  int64_t ts_ms, const char *who, const char *what, uint8_t out[PROTO_SHA256_LEN])
{
    size_t cap = PROTO_SHA256_LEN + 128 + strlen(who) + strlen(what);
    uint8_t *row = mem_alloc(cap);
    char *text = (char *)row + PROTO_SHA256_LEN;

    memcpy(row, before, PROTO_SHA256_LEN);
    text_format(text, cap - PROTO_SHA256_LEN, "%lld %lld %zu:%s %zu:%s", (long long)id,
                (long long)ts_ms, strlen(who), who, strlen(what), what);
    s->crypto.sha256(s->crypto.ctx, row, PROTO_SHA256_LEN + strlen(text), out);
    free(row);
}

static int last_hash(struct store *s, int64_t *id, uint8_t hash[PROTO_SHA256_LEN], struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_AUDIT_LAST, err);

    memset(hash, 0, PROTO_SHA256_LEN);
    *id = 0;
    if (!q)
        return -1;
    int row = sql_row(s, q, err);
    if (row == 1) {
        *id = sqlite3_column_int64(q, 0);
        if (sqlite3_column_bytes(q, 1) == PROTO_SHA256_LEN)
            memcpy(hash, sqlite3_column_blob(q, 1), PROTO_SHA256_LEN);
    }
    sqlite3_reset(q);
    return row < 0 ? -1 : 0;
}

int audit_insert(struct store *s, const char *who, const char *what, int64_t now_ms,
                 struct err *err)
{
    uint8_t hash[PROTO_SHA256_LEN];
    int64_t id;

    if (!s->has_crypto)
        return 0;
    if (last_hash(s, &id, hash, err) != 0)
        return -1;
    chain(s, hash, ++id, now_ms, who, what, hash);
    sqlite3_stmt *q = sql_get(s, SQL_AUDIT_ADD, err);
    if (!q)
        return -1;
    sql_bind_int(q, 1, id);
    sql_bind_int(q, 2, now_ms);
    sql_bind_text(q, 3, who);
    sql_bind_text(q, 4, what);
    sqlite3_bind_blob(q, 5, hash, sizeof(hash), SQLITE_STATIC);
    return sql_run(s, q, err);
}

int store_audit_add(struct store *s, const char *who, const char *what, int64_t now_ms,
                    struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    return sql_end(s, audit_insert(s, who, what, now_ms, err), err);
}

/* Where the chain begins: at nothing, or behind what was taken out by age. 0, 1 when the anchor is
 * not what the chain says it is, -1. */
static int chain_start(struct store *s, int64_t *row, uint8_t hash[PROTO_SHA256_LEN],
                       struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ANCHOR_GET, err);
    char what[ANCHOR_TEXT_MAX];

    *row = 0;
    memset(hash, 0, PROTO_SHA256_LEN);
    if (!q)
        return -1;
    int rc = sql_row(s, q, err);
    if (rc == 1) {
        *row = sqlite3_column_int64(q, 0);
        if (sqlite3_column_bytes(q, 1) == PROTO_SHA256_LEN)
            memcpy(hash, sqlite3_column_blob(q, 1), PROTO_SHA256_LEN);
    }
    sqlite3_reset(q);
    if (rc != 1)
        return rc;
    anchor_text(*row, hash, what);
    q = sql_get(s, SQL_ANCHOR_NAMED, err);
    if (!q)
        return -1;
    sql_bind_int(q, 1, *row);
    sql_bind_text(q, 2, what);
    rc = sql_row(s, q, err);
    sqlite3_reset(q);
    return rc < 0 ? -1 : rc == 0;
}

int store_audit_verify(struct store *s, int64_t *row, struct err *err)
{
    uint8_t hash[PROTO_SHA256_LEN];
    int64_t expected = 0;

    if (!s->has_crypto)
        return err_set(err, EXIT_USAGE, "the audit chain needs SHA-256");
    int rc = chain_start(s, &expected, hash, err);
    *row = expected;
    if (rc != 0)
        return rc;
    sqlite3_stmt *q = sql_get(s, SQL_AUDIT_ALL, err);
    if (!q)
        return -1;
    while ((rc = sql_row(s, q, err)) == 1) {
        const char *who = (const char *)sqlite3_column_text(q, 2);
        const char *what = (const char *)sqlite3_column_text(q, 3);

        *row = sqlite3_column_int64(q, 0);
        chain(s, hash, *row, sqlite3_column_int64(q, 1), who ? who : "", what ? what : "", hash);
        if (*row != ++expected || sqlite3_column_bytes(q, 4) != PROTO_SHA256_LEN ||
            memcmp(sqlite3_column_blob(q, 4), hash, PROTO_SHA256_LEN) != 0) {
            sqlite3_reset(q);
            return 1;
        }
    }
    return rc;
}
