#include <string.h>

#include "base/text.h"
#include "sql.h"

int act_insert(struct store *s, const char *who, const char *rollout, enum rollout_act act,
               const char *ask, int64_t now_ms, int64_t *id, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ACT_ADD, err);
    char what[PROTO_ROLLOUT_MAX + ROLLOUT_ASK_TEXT + 32];

    if (!q)
        return -1;
    sql_bind_int(q, 1, now_ms);
    sql_bind_text(q, 2, who);
    sql_bind_text(q, 3, rollout);
    sql_bind_text(q, 4, rollout_act_word(act));
    sql_bind_text(q, 5, ask);
    if (sql_run(s, q, err) != 0)
        return -1;
    if (id)
        *id = sqlite3_last_insert_rowid(s->db);
    text_format(what, sizeof(what), "rollout %s: %s%s%s", rollout, rollout_act_word(act),
                ask[0] ? " " : "", ask);
    return audit_insert(s, who, what, now_ms, err);
}

int store_act_ask(struct store *s, const char *who, const char *rollout, enum rollout_act act,
                  const struct rollout_ask *ask, int64_t now_ms, int64_t *id, struct err *err)
{
    char text[ROLLOUT_ASK_TEXT] = "";

    if (ask && rollout_ask_text(ask, text, sizeof(text)) < 0)
        return err_set(err, EXIT_USAGE, "%s asks for too much at once: give fewer devices",
                       rollout_act_word(act));
    if (sql_begin(s, err) != 0)
        return -1;
    return sql_end(s, act_insert(s, who, rollout, act, text, now_ms, id, err), err);
}

int store_act_add(struct store *s, const char *who, const char *rollout, enum rollout_act act,
                  int64_t now_ms, int64_t *id, struct err *err)
{
    return store_act_ask(s, who, rollout, act, NULL, now_ms, id, err);
}

int act_consume(struct store *s, int64_t id, bool refused, const char *result, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ACT_CONSUME, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, id);
    sql_bind_int(q, 2, refused);
    sql_bind_text(q, 3, result);
    return sql_run(s, q, err);
}

int store_act_refuse(struct store *s, int64_t id, const char *why, struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    return sql_end(s, act_consume(s, id, true, why, err), err);
}

static void read_act(sqlite3_stmt *q, struct store_act *out)
{
    char word[24];

    memset(out, 0, sizeof(*out));
    out->id = sqlite3_column_int64(q, 0);
    out->ts_ms = sqlite3_column_int64(q, 1);
    sql_text(q, 2, out->who, sizeof(out->who));
    sql_text(q, 3, out->rollout, sizeof(out->rollout));
    sql_text(q, 4, word, sizeof(word));
    /* A word of a newer muster: taken as none of ours, and refused by rollout_step(). */
    if (rollout_act_from_word(word, &out->act) != 0)
        out->act = ROLLOUT_ACT_COUNT;
    out->consumed = sql_u32(q, 5) != 0;
    out->refused = sql_u32(q, 6) != 0;
    sql_text(q, 7, out->result, sizeof(out->result));
    sql_text(q, 8, out->ask, sizeof(out->ask));
}

int store_act_pending(struct store *s, struct store_act *out, size_t cap, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ACT_PENDING, err);
    int count = 0;
    int row = 0;

    if (!q)
        return -1;
    sql_bind_int(q, 1, (int64_t)cap);
    while ((size_t)count < cap && (row = sql_row(s, q, err)) == 1)
        read_act(q, &out[count++]);
    sqlite3_reset(q);
    return row < 0 ? -1 : count;
}

int store_act_get(struct store *s, int64_t id, struct store_act *out, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ACT_GET, err);

    if (!q)
        return -1;
    sql_bind_int(q, 1, id);
    int row = sql_row(s, q, err);
    if (row == 1)
        read_act(q, out);
    sqlite3_reset(q);
    return row < 0 ? -1 : row == 0;
}
