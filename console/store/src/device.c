#include "store/device.h"

#include <string.h>

#include "base/text.h"
#include "sql.h"

static sqlite3_stmt *ask(struct store *s, const char *text, const char *device, size_t cap,
                         struct err *err)
{
    sqlite3_stmt *q = NULL;

    if (sqlite3_prepare_v2(s->db, text, -1, &q, NULL) != SQLITE_OK) {
        sql_fail(s, err);
        return NULL;
    }
    sqlite3_bind_text(q, 1, device, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, (int64_t)cap);
    return q;
}

static int end(struct store *s, sqlite3_stmt *q, int rc, int count, struct err *err)
{
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        count = sql_fail(s, err);
    sqlite3_finalize(q);
    return count;
}

int store_device_orders(struct store *s, const char *device, struct store_device_order *out,
                        size_t cap, struct err *err)
{
    static const char text[] = "SELECT verb,seq,ts_ms FROM orders WHERE device=? AND rollout=''"
                               " ORDER BY ts_ms DESC, seq DESC LIMIT ?";
    sqlite3_stmt *q = ask(s, text, device, cap, err);
    int rc = SQLITE_DONE, count = 0;

    if (!q)
        return -1;
    while ((size_t)count < cap && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *verb = (const char *)sqlite3_column_text(q, 0);
        struct store_device_order *o = &out[count];
        if (!verb || verb_from_word(verb, strlen(verb), &o->verb))
            continue;
        o->seq = (uint32_t)sqlite3_column_int64(q, 1);
        o->t_ms = sqlite3_column_int64(q, 2);
        count++;
    }
    return end(s, q, rc, count, err);
}

int store_sent_of(struct store *s, enum verb verb, int64_t since_ms, struct store_sent *out,
                  size_t cap, struct err *err)
{
    static const char text[] =
        "SELECT device,seq,ts_ms FROM"
        " (SELECT rowid AS n,* FROM orders ORDER BY rowid DESC LIMIT ?4)"
        " WHERE verb=?1 AND rollout='' AND ts_ms>=?3 ORDER BY ts_ms DESC, n DESC LIMIT ?2";
    sqlite3_stmt *q = ask(s, text, verb_word(verb), cap, err);
    int rc = SQLITE_DONE, count = 0;

    if (!q)
        return -1;
    sqlite3_bind_int64(q, 3, since_ms);
    sqlite3_bind_int64(q, 4, STORE_SENT_LOOK);
    while ((size_t)count < cap && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *device = (const char *)sqlite3_column_text(q, 0);
        struct store_sent *o = &out[count];
        if (!device || !text_copy(o->device, sizeof(o->device), device))
            continue;
        o->seq = (uint32_t)sqlite3_column_int64(q, 1);
        o->t_ms = sqlite3_column_int64(q, 2);
        count++;
    }
    return end(s, q, rc, count, err);
}

int store_device_updates(struct store *s, const char *device, struct store_device_update *out,
                         size_t cap, struct err *err)
{
    static const char text[] =
        "SELECT d.rollout, r.version, d.state, d.reason, d.attempt,"
        " CASE WHEN d.ended_ms THEN d.ended_ms WHEN d.told_ms THEN d.told_ms ELSE r.started_ms END"
        " FROM rollout_devices d JOIN rollouts r ON r.id=d.rollout"
        " WHERE d.id=? AND r.started_ms ORDER BY r.created_ms DESC LIMIT ?";
    sqlite3_stmt *q = ask(s, text, device, cap, err);
    int rc = SQLITE_DONE, count = 0;

    if (!q)
        return -1;
    while ((size_t)count < cap && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *rollout = (const char *)sqlite3_column_text(q, 0);
        const char *version = (const char *)sqlite3_column_text(q, 1);
        struct store_device_update *u = &out[count];
        if (!rollout || !version || !text_copy(u->rollout, sizeof(u->rollout), rollout) ||
            !text_copy(u->version, sizeof(u->version), version))
            continue;
        u->state = (enum rollout_device_state)sqlite3_column_int(q, 2);
        u->reason = (enum reason)sqlite3_column_int(q, 3);
        u->attempt = (uint32_t)sqlite3_column_int(q, 4);
        u->t_ms = sqlite3_column_int64(q, 5);
        count++;
    }
    return end(s, q, rc, count, err);
}
