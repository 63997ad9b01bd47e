#include "base/text.h"
#include "sql.h"

static const char *class_word(enum verb_class class)
{
    switch (class) {
    case VERB_CLASS_UPDATE:
        return "update";
    case VERB_CLASS_CONFIG:
        return "config";
    case VERB_CLASS_KEYS:
        return "keys";
    case VERB_CLASS_OTHER:
    case VERB_CLASS_COUNT:
        break;
    }
    return "other";
}

int seq_draw(struct store *s, enum verb_class class, uint32_t floor, uint32_t *seq, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_SEQ_GET, err);
    int64_t last = 0;

    if (!q)
        return -1;
    sql_bind_text(q, 1, class_word(class));
    int row = sql_row(s, q, err);
    if (row < 0)
        return -1;
    if (row == 1)
        last = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);

    int64_t next = last + 1 > floor ? last + 1 : floor;
    if (next > UINT32_MAX)
        return err_set(err, EXIT_REFUSED, "order numbers of class %s are used up",
                       class_word(class));
    q = sql_get(s, SQL_SEQ_PUT, err);
    if (!q)
        return -1;
    sql_bind_text(q, 1, class_word(class));
    sql_bind_int(q, 2, next);
    *seq = (uint32_t)next;
    return sql_run(s, q, err);
}

int store_seq_next(struct store *s, enum verb_class class, uint32_t floor, uint32_t *seq,
                   struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    return sql_end(s, seq_draw(s, class, floor, seq, err), err);
}

int order_insert(struct store *s, const struct store_order *order, int64_t now_ms, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ORDER_ADD, err);

    if (!q)
        return -1;
    sql_bind_text(q, 1, order->rollout);
    sql_bind_text(q, 2, order->device);
    sql_bind_text(q, 3, verb_word(order->verb));
    sql_bind_int(q, 4, order->attempt);
    sql_bind_int(q, 5, order->seq);
    sql_bind_text(q, 6, order->jws);
    sql_bind_int(q, 7, now_ms);
    return sql_run(s, q, err);
}

int store_order_add(struct store *s, const struct store_order *order, int64_t now_ms,
                    struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    return sql_end(s, order_insert(s, order, now_ms, err), err);
}

int store_order_get(struct store *s, const char *rollout, const char *device, uint32_t attempt,
                    enum verb verb, struct store_order *out, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ORDER_GET, err);

    if (!q)
        return -1;
    sql_bind_text(q, 1, rollout);
    sql_bind_text(q, 2, device);
    sql_bind_int(q, 3, attempt);
    sql_bind_text(q, 4, verb_word(verb));
    int row = sql_row(s, q, err);
    if (row <= 0)
        return row < 0 ? -1 : 1;
    *out = (struct store_order){ .verb = verb, .attempt = attempt, .seq = sql_u32(q, 4) };
    bool fits = sql_text(q, 0, out->rollout, sizeof(out->rollout)) &&
                sql_text(q, 1, out->device, sizeof(out->device)) &&
                sql_text(q, 5, out->jws, sizeof(out->jws));
    sqlite3_reset(q);
    return fits ? 0 : err_set(err, EXIT_REACH, "journal %s: an order in it is too long", s->path);
}
