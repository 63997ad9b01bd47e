#include "rollout_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define SHOWN_MAX 256 /* more than an engine keeps */

struct rollout_rows {
    struct store_rollout_row *read;
    struct ui_rollout_row *row;
    size_t count;
    struct rollout *opened;
    const struct rollout *shown[SHOWN_MAX];
};

struct rollout_rows *rollout_rows_new(void)
{
    struct rollout_rows *rows = mem_alloc(sizeof(*rows));
    rows->read = mem_array(UI_ROLLOUT_ROWS, sizeof(*rows->read));
    rows->row = mem_array(UI_ROLLOUT_ROWS, sizeof(*rows->row));
    return rows;
}

void rollout_rows_free(struct rollout_rows *rows)
{
    if (!rows)
        return;
    rollout_free(rows->opened);
    free(rows->read);
    free(rows->row);
    free(rows);
}

static void take(const struct store_rollout_row *from, struct ui_rollout_row *to)
{
    *to = (struct ui_rollout_row){ .state = from->state,
                                   .devices = from->devices,
                                   .done = from->done,
                                   .failed = from->failed,
                                   .stage = from->stage,
                                   .stage_count = from->stage_count,
                                   .created_ms = from->created_ms,
                                   .started_ms = from->started_ms,
                                   .ended_ms = from->ended_ms };
    text_copy(to->id, sizeof(to->id), from->id);
    text_copy(to->product, sizeof(to->product), from->product);
    text_copy(to->version, sizeof(to->version), from->version);
    text_clean(to->target, sizeof(to->target), from->target, strlen(from->target));
    text_clean(to->why, sizeof(to->why), from->why, strlen(from->why));
    text_clean(to->who, sizeof(to->who), from->who, strlen(from->who));
}

void rollout_rows_refresh(struct rollout_rows *rows, struct store *store)
{
    int n = store_rollout_list(store, rows->read, UI_ROLLOUT_ROWS, NULL);

    if (n < 0)
        return;
    rows->count = (size_t)n;
    for (int i = 0; i < n; i++)
        take(&rows->read[i], &rows->row[i]);
}

int rollout_rows_load(struct rollout_rows *rows, struct store *store, const char *id,
                      struct err *err)
{
    struct rollout *r = store_rollout_load(store, id, err);

    if (!r)
        return -1;
    rollout_free(rows->opened);
    rows->opened = r;
    return 0;
}

void rollout_rows_model(struct rollout_rows *rows, const struct rollout *const *engine,
                        size_t count, struct ui_model *m)
{
    size_t n = 0;
    bool there = !rows->opened;

    for (size_t i = 0; i < count && n + 1 < SHOWN_MAX; i++) {
        rows->shown[n++] = engine[i];
        there |= rows->opened && strcmp(engine[i]->id, rows->opened->id) == 0;
    }
    if (!there)
        rows->shown[n++] = rows->opened;
    m->rollouts = rows->shown;
    m->rollout_count = n;
    m->rows = rows->row;
    m->row_count = rows->count;
}
