#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "rollout_json/plan_json.h"
#include "sql.h"

static int row_add(struct store *s, const struct store_rollout_new *new, struct err *err)
{
    const struct rollout *r = new->rollout;
    sqlite3_stmt *q = sql_get(s, SQL_ROLLOUT_ADD, err);
    int at = 1;

    if (!q)
        return -1;
    sql_bind_text(q, at++, r->id);
    sql_bind_text(q, at++, new->plan_json);
    sql_bind_text(q, at++, new->release_jws);
    sql_bind_text(q, at++, new->who);
    sql_bind_text(q, at++, r->release.product);
    sql_bind_text(q, at++, r->release.version);
    sql_bind_text(q, at++, r->release.image);
    sqlite3_bind_blob(q, at++, r->release.digest, sizeof(r->release.digest), SQLITE_STATIC);
    sql_bind_int(q, at++, r->release.size);
    sql_bind_int(q, at++, r->release.seq);
    sql_bind_int(q, at++, r->created_ms);
    sql_bind_int(q, at++, r->count);
    return sql_run(s, q, err);
}

static int create_all(struct store *s, const struct store_rollout_new *new, int64_t now_ms,
                      int64_t *act_id, struct err *err)
{
    if (row_add(s, new, err) != 0 || head_put(s, new->rollout, err) != 0)
        return -1;
    for (uint32_t i = 0; i < new->rollout->count; i++)
        if (device_put(s, new->rollout, i, err) != 0)
            return -1;
    return act_insert(s, new->who, new->rollout->id, ROLLOUT_ACT_START, "", now_ms, act_id, err);
}

/* 1 it is there, 0 it is not, -1. */
static int exists(struct store *s, const char *id, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ROLLOUT_EXISTS, err);

    if (!q)
        return -1;
    sql_bind_text(q, 1, id);
    int row = sql_row(s, q, err);
    sqlite3_reset(q);
    return row;
}

int store_rollout_create(struct store *s, const struct store_rollout_new *new, int64_t now_ms,
                         int64_t *act_id, struct err *err)
{
    if (sql_begin(s, err) != 0)
        return -1;
    int taken = exists(s, new->rollout->id, err);
    int rc = sql_end(s, taken ? -1 : create_all(s, new, now_ms, act_id, err), err);
    if (rc == 0)
        return 0;
    if (taken == 1)
        err_set(err, EXIT_REFUSED, "another one has this id");
    err_prefix(err, "rollout %s was not started", new->rollout->id);
    return taken == 1 ? 1 : -1;
}

int store_rollout_next_id(struct store *s, int64_t now_ms, char out[PROTO_ROLLOUT_MAX],
                          struct err *err)
{
    time_t now = (time_t)(now_ms / 1000);
    struct tm tm;
    char day[16];

    if (!gmtime_r(&now, &tm) || strftime(day, sizeof(day), "%Y%m%d", &tm) == 0)
        return err_set(err, EXIT_USAGE, "the clock is out of range");
    for (int n = 1; n < 100000; n++) {
        text_format(out, PROTO_ROLLOUT_MAX, "r-%s-%d", day, n);
        int there = exists(s, out, err);
        if (there <= 0)
            return there;
    }
    return err_set(err, EXIT_REFUSED, "no rollout number is left for today");
}

int store_rollout_list(struct store *s, struct store_rollout_row *out, size_t cap, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ROLLOUT_LIST, err);
    int count = 0;
    int row = 0;

    if (!q)
        return -1;
    sql_bind_int(q, 1, (int64_t)cap);
    while ((size_t)count < cap && (row = sql_row(s, q, err)) == 1) {
        struct store_rollout_row *r = &out[count++];
        char state[24];

        memset(r, 0, sizeof(*r));
        sql_text(q, 0, r->id, sizeof(r->id));
        sql_text(q, 1, state, sizeof(state));
        rollout_state_from_word(state, &r->state);
        sql_text(q, 2, r->product, sizeof(r->product));
        sql_text(q, 3, r->version, sizeof(r->version));
        sql_text(q, 4, r->why, sizeof(r->why));
        sql_text(q, 5, r->who, sizeof(r->who));
        r->devices = sql_u32(q, 6);
        r->done = sql_u32(q, 7);
        r->failed = sql_u32(q, 8);
        r->created_ms = sqlite3_column_int64(q, 9);
        r->started_ms = sqlite3_column_int64(q, 10);
        r->ended_ms = sqlite3_column_int64(q, 11);
        r->stage = sql_u32(q, 12);
        r->stage_count = sql_u32(q, 13);
        sql_text(q, 14, r->target, sizeof(r->target));
    }
    sqlite3_reset(q);
    return row < 0 ? -1 : count;
}

/* --- Loading --- */

static int damaged(const struct store *s, const char *id, const char *what, struct err *err)
{
    return err_set(err, EXIT_REACH,
                   "journal %s: %s of rollout %s cannot be read; restore a backup, or abort the "
                   "devices by hand",
                   s->path, what, id);
}

/* What was changed since the plan was made; -1: as the plan has it. */
static void read_set(sqlite3_stmt *q, int at, struct rollout_plan *plan)
{
    uint32_t *const value[] = { &plan->in_flight, &plan->jitter_s, &plan->per_group.max,
                                &plan->bandwidth };

    for (int i = 0; i < 4; i++)
        if (sqlite3_column_int64(q, at + i) >= 0)
            *value[i] = sql_u32(q, at + i);
}

static int read_head(struct store *s, sqlite3_stmt *q, struct rollout *r, struct err *err)
{
    const char *plan = (const char *)sqlite3_column_text(q, 0);
    char state[24];
    int at = 9;

    sql_text(q, at++, r->starter, sizeof(r->starter));
    if (!plan || plan_decode(plan, strlen(plan), &r->plan, err) != 0)
        return plan ? err_prefix(err, "plan of rollout %s in the journal", r->id)
                    : damaged(s, r->id, "the plan", err);
    sql_text(q, 1, r->release.product, sizeof(r->release.product));
    sql_text(q, 2, r->release.version, sizeof(r->release.version));
    sql_text(q, 3, r->release.image, sizeof(r->release.image));
    if (sqlite3_column_bytes(q, 4) != (int)sizeof(r->release.digest))
        return damaged(s, r->id, "the release", err);
    memcpy(r->release.digest, sqlite3_column_blob(q, 4), sizeof(r->release.digest));
    r->release.size = sql_u32(q, 5);
    r->release.seq = sql_u32(q, 6);
    r->created_ms = sqlite3_column_int64(q, 7);
    if (!sql_text(q, at++, state, sizeof(state)) || rollout_state_from_word(state, &r->state) != 0)
        return damaged(s, r->id, "the state", err);
    sql_text(q, at++, r->why, sizeof(r->why));
    r->stage = sql_u32(q, at++);
    r->started_ms = sqlite3_column_int64(q, at++);
    r->ended_ms = sqlite3_column_int64(q, at++);
    r->deadline_ms = sqlite3_column_int64(q, at++);
    r->now_ms = sqlite3_column_int64(q, at++);
    r->deaf_ms = sqlite3_column_int64(q, at++);
    r->acked_counted = sql_u32(q, at++);
    r->acked_other = sql_u32(q, at++);
    r->acked_silent = sql_u32(q, at++);
    r->accepted = sql_u32(q, at++);
    r->acked_ms = sqlite3_column_int64(q, at++);
    r->approved = sql_u32(q, at++);
    r->back = sql_u32(q, at++) != 0;
    r->jitter_most_s = sql_u32(q, at++);
    r->paid_ms = sqlite3_column_int64(q, at++);
    read_set(q, at, &r->plan);
    return 0;
}

int stage_from_word(const char *word, enum rollout_stage_state *out)
{
    for (int i = 0; i < ROLLOUT_STAGE_STATE_COUNT; i++) {
        if (strcmp(word, rollout_stage_word((enum rollout_stage_state)i)) == 0) {
            *out = (enum rollout_stage_state)i;
            return 0;
        }
    }
    return -1;
}

static int read_stages(struct store *s, struct rollout *r, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_STAGE_GET, err);
    int row = 0;

    if (!q)
        return -1;
    sql_bind_text(q, 1, r->id);
    while ((row = sql_row(s, q, err)) == 1) {
        uint32_t idx = sql_u32(q, 0);
        char word[24];

        if (idx >= PLAN_STAGES || !sql_text(q, 1, word, sizeof(word)) ||
            stage_from_word(word, &r->stages[idx].state) != 0) {
            sqlite3_reset(q);
            return damaged(s, r->id, "a stage", err);
        }
        r->stages[idx].started_ms = sqlite3_column_int64(q, 2);
        r->stages[idx].ended_ms = sqlite3_column_int64(q, 3);
    }
    return row;
}

static void read_device(sqlite3_stmt *q, struct rollout *r, struct rollout_device *d)
{
    char name[ZONE_NAME_MAX];
    int at = 1;

    sql_text(q, at++, d->id, sizeof(d->id));
    d->stage = (uint8_t)sql_u32(q, at++);
    d->state = (uint8_t)sql_u32(q, at++);
    d->ota = (uint8_t)sql_u32(q, at++);
    d->reason = (uint8_t)sql_u32(q, at++);
    d->retries = (uint8_t)sql_u32(q, at++);
    d->wire = (uint8_t)sql_u32(q, at++);
    d->wire_pending = sql_u32(q, at++) != 0;
    d->silent = sql_u32(q, at++) != 0;
    d->attempt = (uint16_t)sql_u32(q, at++);
    d->n = sql_u32(q, at++);
    d->boot_before = (uint64_t)sqlite3_column_int64(q, at++);
    d->told_ms = sqlite3_column_int64(q, at++);
    d->ended_ms = sqlite3_column_int64(q, at++);
    d->heard_ms = sqlite3_column_int64(q, at++);
    d->due_ms = sqlite3_column_int64(q, at++);
    d->joined = sql_u32(q, at++) != 0;
    sql_text(q, at++, name, PROTO_GROUP_MAX);
    d->group = rollout_group_number(r, name);
    sql_text(q, at, name, sizeof(name));
    d->zone = rollout_zone_number(r, name);
}

static int read_devices(struct store *s, struct rollout *r, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_DEVICE_GET, err);
    uint32_t count = 0;
    int row = 0;

    if (!q)
        return -1;
    sql_bind_text(q, 1, r->id);
    while (count < r->count && (row = sql_row(s, q, err)) == 1) {
        if (sql_u32(q, 0) != count)
            break;
        read_device(q, r, &r->device[count++]);
    }
    sqlite3_reset(q);
    if (row < 0)
        return -1;
    return count == r->count ? 0 : damaged(s, r->id, "the list of devices", err);
}

struct rollout *store_rollout_load(struct store *s, const char *id, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ROLLOUT_GET, err);

    if (!q)
        return NULL;
    sql_bind_text(q, 1, id);
    int row = sql_row(s, q, err);
    if (row <= 0) {
        if (row == 0)
            err_set(err, EXIT_USAGE, "there is no rollout %s; `muster rollout ls` lists them", id);
        return NULL;
    }
    uint32_t count = sql_u32(q, 8);
    struct rollout *r = rollout_alloc(count <= PLAN_DEVICES ? count : 0);
    text_copy(r->id, sizeof(r->id), id);
    int rc = read_head(s, q, r, err);
    sqlite3_reset(q);
    if (rc != 0 || read_stages(s, r, err) != 0 || read_devices(s, r, err) != 0 ||
        rollout_rebuild(r, err) != 0) {
        rollout_free(r);
        return NULL;
    }
    return r;
}

/* Column of the texts row; NULL and *err when there is none. */
static char *text_of(struct store *s, const char *id, int column, struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_ROLLOUT_TEXTS, err);

    if (!q)
        return NULL;
    sql_bind_text(q, 1, id);
    int row = sql_row(s, q, err);
    if (row == 0)
        err_set(err, EXIT_USAGE, "there is no rollout %s; `muster rollout ls` lists them", id);
    if (row != 1)
        return NULL;
    const char *text = (const char *)sqlite3_column_text(q, column);
    char *copy = mem_strdup(text ? text : "");
    sqlite3_reset(q);
    return copy;
}

char *store_rollout_plan(struct store *s, const char *id, struct err *err)
{
    return text_of(s, id, 0, err);
}

int store_rollout_release(struct store *s, const char *id, char *out, size_t cap, struct err *err)
{
    char *text = text_of(s, id, 1, err);

    if (!text)
        return -1;
    bool fits = text_copy(out, cap, text);
    free(text);
    return fits ? 0 : damaged(s, id, "the release", err);
}

int store_device_rollout(struct store *s, const char *device, char out[PROTO_ROLLOUT_MAX],
                         struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_DEVICE_ROLLOUT, err);

    if (!q)
        return -1;
    sql_bind_text(q, 1, device);
    int row = sql_row(s, q, err);
    if (row == 1)
        sql_text(q, 0, out, PROTO_ROLLOUT_MAX);
    sqlite3_reset(q);
    return row;
}

uint32_t store_failed_before(struct store *s, const char *image, char (**ids)[PROTO_ID_MAX],
                             struct err *err)
{
    sqlite3_stmt *q = sql_get(s, SQL_DEVICE_FAILED, err);
    uint32_t count = 0, cap = 0;
    char id[PROTO_ID_MAX];

    *ids = NULL;
    if (!q)
        return 0;
    sql_bind_text(q, 1, image);
    while (count < PLAN_DEVICES && sql_row(s, q, err) == 1) {
        if (reason_class((enum reason)sql_u32(q, 1)) != REASON_CLASS_FIRMWARE ||
            !sql_text(q, 0, id, sizeof(id)) || (count > 0 && strcmp((*ids)[count - 1], id) == 0))
            continue;
        MEM_PUSH_ROOM(*ids, count, cap);
        text_copy((*ids)[count++], sizeof(**ids), id);
    }
    sqlite3_reset(q);
    return count;
}
