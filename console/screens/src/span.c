#include "internal.h"

#include <string.h>

/* Spans of time that plots show, and what is to be shown in them: what was heard and what a store
 * remembers. */

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const struct {
    int64_t ms;
    const char *word;
} spans[] = {
    { 5 * MINUTE, "5m" }, { 15 * MINUTE, "15m" }, { 30 * MINUTE, "30m" }, { HOUR, "1h" },
    { 3 * HOUR, "3h" },   { 6 * HOUR, "6h" },     { 12 * HOUR, "12h" },   { DAY, "24h" },
    { 2 * DAY, "48h" },   { 7 * DAY, "7d" },      { 30 * DAY, "30d" },    { 90 * DAY, "90d" },
};
#define SPANS ((int)(sizeof(spans) / sizeof(spans[0])))
#define USUAL 2 /* 30 minutes */

int64_t span_now(const struct ui_model *m, const struct fleet_device *d, int64_t span_ms)
{
    struct fleet_point point[60];
    int64_t longest = spans[USUAL].ms, oldest = m->now_ms;
    if (span_ms != SPAN_AUTO)
        return span_ms;
    for (int i = 0; i < d->value_count; i++) {
        struct fleet_series_stats stats;
        series_of(m, d, d->value[i].reading, m->now_ms - longest, m->now_ms, point, 60, &stats);
        if (stats.any && stats.first_ms < oldest)
            oldest = stats.first_ms;
    }
    for (int i = 0; i < USUAL; i++) {
        if (m->now_ms - oldest < spans[i].ms)
            return spans[i].ms;
    }
    return longest;
}

int64_t span_end(const struct ui_model *m, int64_t span_ms, int count)
{
    int64_t step = count > 0 ? span_ms * 4 / count : span_ms;
    return step > 0 ? (m->now_ms + step - 1) / step * step : m->now_ms;
}

void change_span(struct step *s, int64_t *span_ms, int by)
{
    uint32_t index = fleet_find(s->m->fleet, ui_selected(s->ui));
    const struct fleet_device *d = index == FLEET_NONE ? NULL : fleet_device(s->m->fleet, index);
    int64_t now = d ? span_now(s->m, d, *span_ms) : spans[USUAL].ms;
    int at = 0;
    while (at < SPANS - 1 && spans[at].ms < now)
        at++;
    at += by;
    *span_ms = spans[at < 0 ? 0 : at >= SPANS ? SPANS - 1 : at].ms;
}

const char *span_text(int64_t span_ms)
{
    for (int i = 0; i < SPANS; i++) {
        if (spans[i].ms == span_ms)
            return spans[i].word;
    }
    return "";
}

const struct fleet_past *past_of(const struct ui_model *m, const char *id, uint32_t reading)
{
    const struct ui_past *p = m->past;
    for (size_t i = 0; p && i < p->count && strcmp(p->id, id) == 0; i++) {
        if (p->series[i].reading == reading)
            return &p->series[i].past;
    }
    return NULL;
}

uint32_t series_of(const struct ui_model *m, const struct fleet_device *d, uint32_t reading,
                   int64_t from_ms, int64_t to_ms, struct fleet_point *out, uint32_t columns,
                   struct fleet_series_stats *stats)
{
    return fleet_series_past(m->fleet, d, reading, past_of(m, d->id, reading), from_ms, to_ms, out,
                             columns, stats);
}

/* Plots finer than a quarter of an hour a column are drawn from minutes. */
#define MINUTES_UP_TO (3 * DAY)

bool ui_wants_past(const struct ui *ui, const struct ui_model *m, struct ui_past_want *out)
{
    bool device = ui_screen(ui) == SCREEN_DEVICE;
    const char *id = ui_selected(ui);
    uint32_t index = fleet_find(m->fleet, id);
    const struct fleet_device *d = index == FLEET_NONE ? NULL : fleet_device(m->fleet, index);

    memset(out, 0, sizeof(*out));
    if (!d || (!device && !(ui_screen(ui) == SCREEN_FLEET && fleet_has_preview(ui))))
        return false;
    int64_t span = span_now(m, d, device ? ui->device.span_ms : ui->fleet.span_ms);
    if (span < spans[USUAL].ms)
        span = spans[USUAL].ms; /* whether there is more is to be found out */
    memcpy(out->id, d->id, strlen(d->id) + 1);
    out->to_ms = device && ui->device.end_ms ? ui->device.end_ms : m->now_ms;
    out->from_ms = out->to_ms - span;
    out->minutes = span <= MINUTES_UP_TO;
    return true;
}
