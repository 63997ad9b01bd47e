#include "list_export.h"

#include <stdlib.h>
#include <string.h>

#include "alerts_json.h"
#include "base/mem.h"
#include "base/text.h"
#include "export.h"
#include "release/json.h"
#include "rollout_output.h"

/* ---- alerts ---------------------------------------------------------------------------------- */

static bool is_row(const struct alerts *a, const struct alert *alert, const char *rule,
                   const char *id)
{
    return strcmp(alert->id, id) == 0 && strcmp(alerts_rule(a, alert->rule)->name, rule) == 0;
}

static void add_alert(json_t *list, const struct alerts *a, const struct alert *alert)
{
    struct store_alert row;

    alert_row_fill(a, alert, &row);
    json_array_append_new(list,
                          alert_json(&row, alert->cleared_ms ? NULL : alerts_silence_of(a, alert)));
}

/* Firing ones are found by their device: there may be 20,000. Those of a rollout are few. */
static void alerts_now(const struct list_export *from, const struct ui_effect *fx, json_t *list)
{
    for (size_t i = 0; from->model->alerts && i + 1 < fx->id_count; i += 2) {
        const struct alert *alert = alerts_find(from->model->alerts, fx->ids[i], fx->ids[i + 1]);
        if (alert)
            add_alert(list, from->model->alerts, alert);
    }
}

static void alerts_over(const struct list_export *from, const struct ui_effect *fx, json_t *list)
{
    for (size_t i = 0; from->model->alerts && i + 2 < fx->id_count; i += 3) {
        const struct alert *alert;
        for (size_t n = 0; (alert = alerts_past(from->model->alerts, n)) != NULL; n++)
            if (alert->fired_ms == strtoll(fx->ids[i + 2], NULL, 10) &&
                is_row(from->model->alerts, alert, fx->ids[i], fx->ids[i + 1])) {
                add_alert(list, from->model->alerts, alert);
                break;
            }
    }
}

static void silences(const struct list_export *from, const struct ui_effect *fx, json_t *list)
{
    struct store_silence row[ALERT_SILENCES];
    int n = store_silence_list(from->store, from->model->now_ms, row, ALERT_SILENCES, NULL);

    for (size_t i = 0; i < fx->id_count; i++)
        for (int k = 0; k < n; k++)
            if (row[k].id == strtoll(fx->ids[i], NULL, 10))
                json_array_append_new(list, alert_silence_json(&row[k]));
}

/* ---- rollouts and releases ------------------------------------------------------------------- */

static void rollouts(const struct list_export *from, const struct ui_effect *fx, json_t *list)
{
    struct store_rollout_row *row = mem_array(UI_ROLLOUT_ROWS, sizeof(*row));
    int n = store_rollout_list(from->store, row, UI_ROLLOUT_ROWS, NULL);

    for (size_t i = 0; i < fx->id_count; i++)
        for (int k = 0; k < n; k++)
            if (strcmp(row[k].id, fx->ids[i]) == 0)
                json_array_append_new(list, rollout_row_json(&row[k]));
    free(row);
}

static void releases(const struct list_export *from, const struct ui_effect *fx, json_t *list)
{
    for (size_t i = 0; from->releases && i + 1 < fx->id_count; i += 2) {
        const struct release_entry *e =
            release_store_find(from->releases, fx->ids[i], fx->ids[i + 1]);
        if (e)
            json_array_append_new(list, release_json(e, false));
    }
}

/* ---- together -------------------------------------------------------------------------------- */

static const char *const alert_columns[] = {
    "rule",    "subject", "level",      "text",        "since",          "fired",         "cleared",
    "seen_by", "seen",    "silence.id", "silence.who", "silence.reason", "silence.until", NULL
};
static const char *const silence_columns[] = { "id",     "rule", "target", "who",
                                               "reason", "made", "until",  NULL };
static const char *const rollout_columns[] = { "id",     "state",   "product", "version",
                                               "why",    "who",     "devices", "done",
                                               "failed", "created", "started", "ended",
                                               NULL };
static const char *const release_columns[] = { "product", "version", "seq",        "security",
                                               "hw",      "size",    "image",      "release",
                                               "kid",     "created", "superseded", NULL };

static const struct {
    void (*fill)(const struct list_export *from, const struct ui_effect *fx, json_t *list);
    const char *const *columns;
} lists[] = {
    [UI_ROWS_ALERTS] = { alerts_now, alert_columns },
    [UI_ROWS_PAST] = { alerts_over, alert_columns },
    [UI_ROWS_SILENCES] = { silences, silence_columns },
    [UI_ROWS_ROLLOUTS] = { rollouts, rollout_columns },
    [UI_ROWS_RELEASES] = { releases, release_columns },
};

int list_export_write(const struct list_export *from, const struct ui_effect *fx, size_t *count,
                      struct err *err)
{
    const struct ui_model *m = from->model;

    *count = fx->id_count;
    if (fx->rows == UI_ROWS_DEVICES)
        return export_write(m->fleet, fx->ids, fx->id_count, fx->csv, fx->text, m->now_ms, err);
    json_t *list = json_array();
    lists[fx->rows].fill(from, fx, list);
    *count = json_array_size(list);
    int rc = export_list_write(list, lists[fx->rows].columns, fx->csv, fx->text, err);
    json_decref(list);
    return rc;
}
