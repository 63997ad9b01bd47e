/* What one step of a rollout leaves behind, in one transaction. */
#include "base/text.h"
#include "sql.h"

int device_put(struct store *s, const struct rollout *r, uint32_t device, struct err *err)
{
    const struct rollout_device *d = &r->device[device];
    sqlite3_stmt *q = sql_get(s, SQL_DEVICE_PUT, err);
    int at = 1;

    if (!q)
        return -1;
    sql_bind_text(q, at++, r->id);
    sql_bind_int(q, at++, device);
    sql_bind_text(q, at++, d->id);
    sql_bind_int(q, at++, d->stage);
    sql_bind_int(q, at++, d->state);
    sql_bind_int(q, at++, d->ota);
    sql_bind_int(q, at++, d->reason);
    sql_bind_int(q, at++, d->retries);
    sql_bind_int(q, at++, d->wire);
    sql_bind_int(q, at++, d->wire_pending);
    sql_bind_int(q, at++, d->silent);
    sql_bind_int(q, at++, d->attempt);
    sql_bind_int(q, at++, d->n);
    sql_bind_int(q, at++, (int64_t)d->boot_before);
    sql_bind_int(q, at++, d->told_ms);
    sql_bind_int(q, at++, d->ended_ms);
    sql_bind_int(q, at++, d->heard_ms);
    sql_bind_int(q, at++, d->due_ms);
    sql_bind_int(q, at++, d->joined);
    sql_bind_text(q, at++, rollout_group_name(r, d));
    sql_bind_text(q, at++, rollout_zone_name(r, d));
    return sql_run(s, q, err);
}

static int stages_put(struct store *s, const struct rollout *r, struct err *err)
{
    for (uint32_t i = 0; i < r->plan.stage_count; i++) {
        sqlite3_stmt *q = sql_get(s, SQL_STAGE_PUT, err);
        if (!q)
            return -1;
        sql_bind_text(q, 1, r->id);
        sql_bind_int(q, 2, i);
        sql_bind_text(q, 3, rollout_stage_word(r->stages[i].state));
        sql_bind_int(q, 4, r->stages[i].started_ms);
        sql_bind_int(q, 5, r->stages[i].ended_ms);
        if (sql_run(s, q, err) != 0)
            return -1;
    }
    return 0;
}

int head_put(struct store *s, const struct rollout *r, struct err *err)
{
    uint32_t phase[ROLLOUT_PHASES];
    sqlite3_stmt *q = sql_get(s, SQL_ROLLOUT_SAVE, err);
    int at = 1;

    if (!q)
        return -1;
    rollout_totals(r, phase);
    sql_bind_text(q, at++, rollout_state_word(r->state));
    sql_bind_text(q, at++, r->why);
    sql_bind_int(q, at++, r->stage);
    sql_bind_int(q, at++, r->started_ms);
    sql_bind_int(q, at++, r->ended_ms);
    sql_bind_int(q, at++, r->deadline_ms);
    sql_bind_int(q, at++, r->now_ms);
    sql_bind_int(q, at++, r->deaf_ms);
    sql_bind_int(q, at++, r->acked_counted);
    sql_bind_int(q, at++, r->acked_other);
    sql_bind_int(q, at++, r->acked_silent);
    sql_bind_int(q, at++, r->accepted);
    sql_bind_int(q, at++, r->acked_ms);
    sql_bind_int(q, at++, r->approved);
    sql_bind_int(q, at++, r->back);
    sql_bind_int(q, at++, r->jitter_most_s);
    sql_bind_int(q, at++, r->paid_ms);
    sql_bind_int(q, at++, r->plan.in_flight);
    sql_bind_int(q, at++, r->plan.jitter_s);
    sql_bind_int(q, at++, r->plan.per_group.max);
    sql_bind_int(q, at++, r->plan.bandwidth);
    sql_bind_int(q, at++, phase[ROLLOUT_PHASE_DONE]);
    sql_bind_int(q, at++, phase[ROLLOUT_PHASE_FAILED]);
    sql_bind_int(q, at++, r->count);
    sql_bind_text(q, at++, r->id);
    if (sql_run(s, q, err) != 0)
        return -1;
    return stages_put(s, r, err);
}

/* An order is made once; whoever asks again gets the same bytes. */
static int order_make(struct store *s, const struct rollout *r, const struct rollout_send *send,
                      store_sign_fn *sign, void *ctx, uint32_t floor, struct err *err)
{
    const struct rollout_device *d = &r->device[send->device];
    enum verb verb = send->wire == WIRE_ORDER   ? VERB_UPDATE
                     : send->wire == WIRE_ABORT ? VERB_ABORT
                                                : VERB_ROLLBACK;
    struct store_order order;

    if (send->wire == WIRE_NOTHING)
        return 0;
    int known = store_order_get(s, r->id, d->id, send->attempt, verb, &order, err);
    if (known != 1)
        return known;

    order = (struct store_order){ .verb = verb, .attempt = send->attempt };
    if (!text_copy(order.rollout, sizeof(order.rollout), r->id) ||
        !text_copy(order.device, sizeof(order.device), d->id))
        return err_set(err, EXIT_USAGE, "order for %s: id too long", d->id);
    if (seq_draw(s, verb_class(verb), floor, &order.seq, err) != 0)
        return -1;
    if (sign(ctx, r, d, verb, send->attempt, order.seq, order.jws, sizeof(order.jws), err) != 0)
        return err_prefix(err, "order for %s", d->id);
    return order_insert(s, &order, r->now_ms, err);
}

static int put_all(struct store *s, const struct rollout *r, const struct rollout_effects *fx,
                   store_sign_fn *sign, void *ctx, uint32_t floor, struct err *err)
{
    if (change_tell(s, r, err) != 0)
        return -1;
    for (uint32_t i = 0; i < fx->send_count; i++)
        if (order_make(s, r, &fx->send[i], sign, ctx, floor, err) != 0)
            return -1;
    for (uint32_t i = 0; i < fx->save_count; i++)
        if (device_put(s, r, fx->save[i], err) != 0)
            return -1;
    for (uint32_t i = 0; i < fx->note_count; i++) {
        const struct rollout_note *note = &fx->note[i];
        const char *device = note->device < r->count ? r->device[note->device].id : "";
        if (event_insert(s, r->now_ms, r->id, device, note->bad, note->text, err) != 0)
            return -1;
    }
    if (fx->act_id != 0 && act_consume(s, fx->act_id, fx->act_refused, fx->act_text, err) != 0)
        return -1;
    return fx->save_head || fx->save_count > 0 ? head_put(s, r, err) : 0;
}

int store_commit(struct store *s, const struct rollout *r, const struct rollout_effects *fx,
                 store_sign_fn *sign, void *ctx, uint32_t seq_floor, struct err *err)
{
    if (fx->send_count == 0 && fx->save_count == 0 && fx->note_count == 0 && fx->act_id == 0 &&
        !fx->save_head)
        return 0;
    if (sql_begin(s, err) != 0)
        return -1;
    return sql_end(s, put_all(s, r, fx, sign, ctx, seq_floor, err), err);
}
