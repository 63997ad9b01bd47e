#include "store/outbox.h"

#include <string.h>

#include "base/text.h"
#include "sql.h"

void store_on_change(struct store *s, store_change_fn *fn, void *ctx)
{
    s->on_change = fn;
    s->on_change_ctx = ctx;
}

/* What the disk says of the rollout before this commit; `change` keeps its defaults without rows.
 */
static int read_before(struct store *s, struct store_change *change, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_CHANGE_BEFORE, err);
    char word[24];

    if (!q)
        return -1;
    sql_bind_text(q, 1, change->rollout->id);
    sql_bind_int(q, 2, change->rollout->stage);
    int row = sql_row(s, q, err);
    if (row == 1) {
        sql_text(q, 0, word, sizeof(word));
        rollout_state_from_word(word, &change->before);
        change->stage_index_before = sql_u32(q, 1);
        sql_text(q, 2, word, sizeof(word));
        stage_from_word(word, &change->stage_before);
    }
    sqlite3_reset(q);
    return row < 0 ? -1 : 0;
}

int change_tell(struct store *s, const struct rollout *r, struct err *err)
{
    struct store_change change = { .rollout = r };

    if (!s->on_change)
        return 0;
    if (read_before(s, &change, err) != 0)
        return -1;
    return s->on_change(s->on_change_ctx, s, &change, err);
}

/* ---- counting
 * --------------------------------------------------------------------------------------------------
 */

static int count_sink(struct store *s, enum sql which, const char *sink, int64_t ms,
                      const char *error, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, which, err);

    if (!q)
        return -1;
    sql_bind_text(q, 1, sink);
    sql_bind_int(q, 2, ms);
    sql_bind_text(q, 3, error);
    return sql_run(s, q, err);
}

static int delete_row(struct store *s, int64_t id, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_OUTBOX_DELETE, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, id);
    return sql_run(s, q, err);
}

static int drop(struct store *s, const struct store_message *m, const char *why, int64_t now_ms,
                struct err *err)
{
    char text[ROLLOUT_NOTE_MAX];

    text_format(text, sizeof(text), "notification to %.31s dropped (%.15s): %.120s", m->sink,
                m->event, why);
    if (delete_row(s, m->id, err) != 0 ||
        count_sink(s, SQL_SINK_DROPPED, m->sink, now_ms, why, err) != 0)
        return -1;
    return event_insert(s, now_ms, "", "", true, text, err);
}

/* ---- in and out
 * ------------------------------------------------------------------------------------------------
 */

static void read_message(sqlite3_stmt *q, struct store_message *m)
{
    memset(m, 0, sizeof(*m));
    m->id = sqlite3_column_int64(q, 0);
    m->ts_ms = sqlite3_column_int64(q, 1);
    sql_text(q, 2, m->sink, sizeof(m->sink));
    sql_text(q, 3, m->event, sizeof(m->event));
    sql_text(q, 4, m->text, sizeof(m->text));
    sql_text(q, 5, m->body, sizeof(m->body));
    m->attempts = sql_u32(q, 6);
    m->due_ms = sqlite3_column_int64(q, 7);
}

/* One more than there is room for: the oldest of all goes. */
static int make_room(struct store *s, int64_t now_ms, struct err *err)
{
    struct store_message oldest;
    sqlite3_stmt *q = sql_get(s, SQL_OUTBOX_OVERFLOW, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, OUTBOX_ROWS);
    int row = sql_row(s, q, err);
    if (row == 1)
        read_message(q, &oldest);
    sqlite3_reset(q);
    if (row != 1)
        return row;
    return drop(s, &oldest, "too many are waiting", now_ms, err);
}

static int insert(struct store *s, const struct store_message *m, struct err *err)
{
    sqlite3_stmt *q;

    if (make_room(s, m->ts_ms, err) != 0)
        return -1;
    q = sql_get(s, SQL_OUTBOX_ADD, err);
    if (!q)
        return -1;
    sql_bind_int(q, 1, m->ts_ms);
    sql_bind_text(q, 2, m->sink);
    sql_bind_text(q, 3, m->event);
    sql_bind_text(q, 4, m->text);
    sql_bind_text(q, 5, m->body);
    sql_bind_int(q, 6, m->due_ms);
    return sql_run(s, q, err);
}

int store_outbox_put(struct store *s, const struct store_message *m, struct err *err)
{
    if (!sqlite3_get_autocommit(s->db))
        return insert(s, m, err);
    if (sql_begin(s, err) != 0)
        return -1;
    return sql_end(s, insert(s, m, err), err);
}

int store_outbox_first(struct store *s, const char *sink, struct store_message *out,
                       struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_OUTBOX_FIRST, err);

    if (!q)
        return -1;
    sql_bind_text(q, 1, sink);
    int row = sql_row(s, q, err);
    if (row == 1)
        read_message(q, out);
    sqlite3_reset(q);
    return row < 0 ? -1 : row == 0;
}

int store_outbox_done(struct store *s, const struct store_message *m, int64_t now_ms,
                      struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    int rc = delete_row(s, m->id, err);
    if (rc == 0)
        rc = count_sink(s, SQL_SINK_DELIVERED, m->sink, now_ms, "", err);
    return sql_end(s, rc, err);
}

static int postpone(struct store *s, const struct store_message *m, int64_t due_ms, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_OUTBOX_AGAIN, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, m->id);
    sql_bind_int(q, 2, due_ms);
    return sql_run(s, q, err);
}

int store_outbox_again(struct store *s, const struct store_message *m, int64_t due_ms,
                       const char *why, struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    int rc = postpone(s, m, due_ms, err);
    if (rc == 0)
        rc = count_sink(s, SQL_SINK_ERROR, m->sink, 0, why, err);
    return sql_end(s, rc, err);
}

int store_outbox_drop(struct store *s, const struct store_message *m, const char *why,
                      int64_t now_ms, struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    return sql_end(s, drop(s, m, why, now_ms, err), err);
}

int store_outbox_sinks(struct store *s, struct store_sink *out, size_t cap, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_SINKS, err);
    int count = 0;
    int row = 0;

    if (!q)
        return -1;
    while ((size_t)count < cap && (row = sql_row(s, q, err)) == 1) {
        struct store_sink *k = &out[count++];

        memset(k, 0, sizeof(*k));
        sql_text(q, 0, k->name, sizeof(k->name));
        k->queued = sql_u32(q, 1);
        k->delivered = sql_u32(q, 2);
        k->dropped = sql_u32(q, 3);
        k->attempts = sql_u32(q, 4);
        k->due_ms = sqlite3_column_int64(q, 5);
        k->ok_ms = sqlite3_column_int64(q, 6);
        sql_text(q, 7, k->error, sizeof(k->error));
    }
    sqlite3_reset(q);
    return row < 0 ? -1 : count;
}

int store_journal_id(struct store *s, char out[17], struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_JOURNAL_ID, err);

    out[0] = '\0';
    if (!q)
        return -1;
    int row = sql_row(s, q, err);
    if (row == 1)
        sql_text(q, 0, out, 17);
    sqlite3_reset(q);
    return row < 0 ? -1 : 0;
}
