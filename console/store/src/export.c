/* The journal for other programs, and what is in it. */
#include <string.h>

#include "base/text.h"
#include "protocol/hex.h"
#include "sql.h"
#include "store/keep.h"

static const char *column(sqlite3_stmt *q, int i)
{
    return (const char *)sqlite3_column_text(q, i);
}

static void read_record(sqlite3_stmt *q, struct store_record *r, char hex[65])
{
    r->kind = column(q, 0);
    r->id = sqlite3_column_int64(q, 1);
    r->ts_ms = sqlite3_column_int64(q, 2);
    r->rollout = column(q, 3);
    r->device = column(q, 4);
    r->who = column(q, 5);
    r->what = column(q, 6);
    r->text = column(q, 7);
    r->extra = column(q, 8);
    r->number = sqlite3_column_int64(q, 9);
    r->attempt = sqlite3_column_int64(q, 10);
    r->bad = sqlite3_column_int(q, 11) != 0;
    r->hash = NULL;
    if (sqlite3_column_bytes(q, 12) == PROTO_SHA256_LEN) {
        hex_encode(sqlite3_column_blob(q, 12), PROTO_SHA256_LEN, hex);
        r->hash = hex;
    }
}

static int export_kind(struct store *s, enum sql which, int64_t since_ms, const char *rollout,
                       store_record_fn *fn, void *ctx, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, which, err);
    struct store_record r;
    char hex[65];
    int row;

    if (!q)
        return -1;
    sql_bind_int(q, 1, since_ms);
    sql_bind_text(q, 2, rollout); /* NULL binds NULL */
    while ((row = sql_row(s, q, err)) == 1) {
        read_record(q, &r, hex);
        fn(ctx, &r);
    }
    return row;
}

int store_export(struct store *s, int64_t since_ms, const char *rollout, store_record_fn *fn,
                 void *ctx, struct err *err)
{
    static const enum sql kinds[] = { SQL_EXPORT_ROLLOUTS, SQL_EXPORT_ACTS, SQL_EXPORT_EVENTS,
                                      SQL_EXPORT_ORDERS, SQL_EXPORT_AUDIT };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (export_kind(s, kinds[i], since_ms, rollout, fn, ctx, err) != 0)
            return -1;
    }
    return 0;
}

int store_facts(struct store *s, struct store_facts *out, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_FACTS, err);

    memset(out, 0, sizeof(*out));
    if (!q)
        return -1;
    int row = sql_row(s, q, err);
    if (row == 1) {
        int64_t *const field[] = { &out->schema,    &out->bytes,     &out->free_bytes,
                                   &out->rollouts,  &out->living,    &out->devices,
                                   &out->orders,    &out->acts,      &out->events,
                                   &out->audit,     &out->outbox,    &out->oldest_ms,
                                   &out->audit_row, &out->anchor_row };
        int n = (int)(sizeof(field) / sizeof(field[0]));
        for (int i = 0; i < n; i++)
            *field[i] = sqlite3_column_int64(q, i);
        if (sqlite3_column_bytes(q, n) == PROTO_SHA256_LEN)
            hex_encode(sqlite3_column_blob(q, n), PROTO_SHA256_LEN, out->audit_hash);
        sql_text(q, n + 1, out->id, sizeof(out->id));
    }
    sqlite3_reset(q);
    return row == 1 ? 0 : -1;
}
