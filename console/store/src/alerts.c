#include "store/alerts.h"

#include <string.h>

#include "base/text.h"
#include "sql.h"

static int touch(struct store *s, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ALERT_TOUCH, err);

    return q ? sql_run(s, q, err) : -1;
}

/* sql_end() takes 1 for a failure too, and then nothing was changed anyway. */
static int end(struct store *s, int rc, struct err *err)
{
    int ended = sql_end(s, rc == 1 ? 0 : rc, err);

    return ended != 0 ? -1 : rc;
}

static int insert(struct store *s, const struct store_alert *a, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ALERT_ADD, err);

    if (!q)
        return -1;
    sql_bind_text(q, 1, a->rule);
    sql_bind_text(q, 2, a->subject);
    sql_bind_text(q, 3, a->level);
    sql_bind_text(q, 4, a->text);
    sql_bind_int(q, 5, a->since_ms);
    sql_bind_int(q, 6, a->fired_ms);
    if (sql_run(s, q, err) != 0)
        return -1;
    if (sqlite3_changes(s->db) == 0)
        return 1;
    q = sql_get(s, SQL_ALERT_PRUNE, err);
    if (!q)
        return -1;
    sql_bind_int(q, 1, STORE_ALERTS_KEPT);
    return sql_run(s, q, err) != 0 ? -1 : touch(s, err);
}

int store_alert_fired(struct store *s, const struct store_alert *alert, struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    return end(s, insert(s, alert, err), err);
}

static int clear(struct store *s, const char *rule, const char *subject, int64_t now_ms,
                 struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ALERT_CLEAR, err);

    if (!q)
        return -1;
    sql_bind_text(q, 1, rule);
    sql_bind_text(q, 2, subject);
    sql_bind_int(q, 3, now_ms);
    return sql_run(s, q, err) != 0 ? -1 : touch(s, err);
}

int store_alert_cleared(struct store *s, const char *rule, const char *subject, int64_t now_ms,
                        struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    return sql_end(s, clear(s, rule, subject, now_ms, err), err);
}

static int put_one(struct store *s, const struct store_alert *a, bool *fresh, struct err *err)
{
    int rc = a->cleared_ms ? clear(s, a->rule, a->subject, a->cleared_ms, err) : insert(s, a, err);

    *fresh = rc == 0;
    return rc < 0 ? -1 : 0;
}

int store_alerts_put(struct store *s, const struct store_alert *alert, size_t count, bool *fresh,
                     struct err *err)
{
    int rc = 0;

    if (sql_begin(s, err) != 0)
        return -1;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = put_one(s, &alert[i], &fresh[i], err);
    return sql_end(s, rc, err);
}

/* 0 and audited when `q` changed a row, 1 when it did not, -1. */
static int changed(struct store *s, sqlite3_stmt *q, const char *who, const char *what,
                   int64_t now_ms, struct err *err)
{
    if (sql_run(s, q, err) != 0)
        return -1;
    if (sqlite3_changes(s->db) == 0)
        return 1;
    if (audit_insert(s, who, what, now_ms, err) != 0)
        return -1;
    return touch(s, err);
}

static int ack(struct store *s, const char *rule, const char *subject, const char *who,
               int64_t now_ms, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ALERT_ACK, err);
    char what[160];

    if (!q)
        return -1;
    sql_bind_text(q, 1, rule);
    sql_bind_text(q, 2, subject);
    sql_bind_text(q, 3, who);
    sql_bind_int(q, 4, now_ms);
    text_format(what, sizeof(what), "alert %s of %s acknowledged", rule, subject);
    return changed(s, q, who, what, now_ms, err);
}

int store_alert_ack(struct store *s, const char *rule, const char *subject, const char *who,
                    int64_t now_ms, struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    return end(s, ack(s, rule, subject, who, now_ms, err), err);
}

static int read_all(struct store *s, sqlite3_stmt *q, struct store_alert *out, size_t cap,
                    struct err *err)
{
    int count = 0;
    int row = 0;

    while ((size_t)count < cap && (row = sql_row(s, q, err)) == 1) {
        struct store_alert *a = &out[count++];
        sql_text(q, 0, a->rule, sizeof(a->rule));
        sql_text(q, 1, a->subject, sizeof(a->subject));
        sql_text(q, 2, a->level, sizeof(a->level));
        sql_text(q, 3, a->text, sizeof(a->text));
        a->since_ms = sqlite3_column_int64(q, 4);
        a->fired_ms = sqlite3_column_int64(q, 5);
        a->cleared_ms = sqlite3_column_int64(q, 6);
        sql_text(q, 7, a->ack_who, sizeof(a->ack_who));
        a->ack_ms = sqlite3_column_int64(q, 8);
    }
    sqlite3_reset(q);
    return row < 0 ? -1 : count;
}

int store_alert_open(struct store *s, struct store_alert *out, size_t cap, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ALERT_OPEN, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, (int64_t)cap);
    return read_all(s, q, out, cap, err);
}

int store_alert_list(struct store *s, int64_t since_ms, struct store_alert *out, size_t cap,
                     struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ALERT_LIST, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, since_ms);
    sql_bind_int(q, 2, (int64_t)cap);
    return read_all(s, q, out, cap, err);
}

/* ---- silences ------------------------------------------------------------------------------- */

static int add(struct store *s, const struct store_silence *silence, int64_t *id, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_SILENCE_ADD, err);
    char what[512];

    if (!q)
        return -1;
    sql_bind_text(q, 1, silence->rule);
    sql_bind_text(q, 2, silence->target);
    sql_bind_text(q, 3, silence->who);
    sql_bind_text(q, 4, silence->reason);
    sql_bind_int(q, 5, silence->made_ms);
    sql_bind_int(q, 6, silence->until_ms);
    sql_bind_int(q, 7, STORE_SILENCES);
    if (sql_run(s, q, err) != 0)
        return -1;
    if (sqlite3_changes(s->db) == 0)
        return err_set(err, EXIT_REFUSED,
                       "%d silences are in force: end one before ('muster alerts silences')",
                       STORE_SILENCES);
    *id = sqlite3_last_insert_rowid(s->db);
    text_format(what, sizeof(what), "alerts silenced: rule %s, devices %s, %lld s: %s",
                silence->rule[0] ? silence->rule : "any",
                silence->target[0] ? silence->target : "all",
                (long long)(silence->until_ms - silence->made_ms) / 1000, silence->reason);
    if (audit_insert(s, silence->who, what, silence->made_ms, err) != 0)
        return -1;
    return touch(s, err);
}

int store_silence_add(struct store *s, const struct store_silence *silence, int64_t *id,
                      struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    return sql_end(s, add(s, silence, id, err), err);
}

static int end_silence(struct store *s, int64_t id, const char *who, int64_t now_ms,
                       struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_SILENCE_END, err);
    char what[80];

    if (!q)
        return -1;
    sql_bind_int(q, 1, id);
    sql_bind_int(q, 2, now_ms);
    text_format(what, sizeof(what), "silence %lld ended", (long long)id);
    return changed(s, q, who, what, now_ms, err);
}

int store_silence_end(struct store *s, int64_t id, const char *who, int64_t now_ms, struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    return end(s, end_silence(s, id, who, now_ms, err), err);
}

int store_silence_list(struct store *s, int64_t now_ms, struct store_silence *out, size_t cap,
                       struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_SILENCE_LIST, err);
    int count = 0;
    int row = 0;

    if (!q)
        return -1;
    sql_bind_int(q, 1, now_ms);
    sql_bind_int(q, 2, (int64_t)cap);
    while ((size_t)count < cap && (row = sql_row(s, q, err)) == 1) {
        struct store_silence *out_one = &out[count++];
        out_one->id = sqlite3_column_int64(q, 0);
        sql_text(q, 1, out_one->rule, sizeof(out_one->rule));
        sql_text(q, 2, out_one->target, sizeof(out_one->target));
        sql_text(q, 3, out_one->who, sizeof(out_one->who));
        sql_text(q, 4, out_one->reason, sizeof(out_one->reason));
        out_one->made_ms = sqlite3_column_int64(q, 5);
        out_one->until_ms = sqlite3_column_int64(q, 6);
    }
    sqlite3_reset(q);
    return row < 0 ? -1 : count;
}

int store_alerts_version(struct store *s, int64_t *version, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ALERT_VERSION, err);

    if (!q || sql_row(s, q, err) != 1)
        return -1;
    *version = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return 0;
}
