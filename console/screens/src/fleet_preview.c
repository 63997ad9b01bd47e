#include "fleet_draw.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Below the table, where there is room: the selected device, and the last events. */

static void draw_note(const struct fleet_note *n, struct area a, int row)
{
    char clock[FMT_MAX];
    int col = area_printf(a, row, 0, ROLE_DIM, "%s ", fmt_clock(n->t_ms, clock));
    col = draw_state(a, row, col, n->state) + 1;
    if (*n->id)
        col = area_text(a, row, col, ROLE_TEXT, n->id) + 1;
    area_field(a, row, col, a.cols - col, ROLE_DIM, n->text, false);
}

static void draw_events(const struct ui_model *m, struct area a)
{
    uint64_t first, last;
    area_rule(a, 0, "events", NULL);
    fleet_note_range(m->fleet, &first, &last);
    uint64_t seq = last;
    for (int row = 1; row < a.rows && seq && seq >= first; row++, seq--) {
        const struct fleet_note *n = fleet_note(m->fleet, seq);
        if (n)
            draw_note(n, area_sub(a, row, 1, 1, -1), 0);
    }
    if (!last)
        area_text(a, 1, 1, ROLE_DIM, "nothing yet");
}

static int preview_numbers(struct area a, int row, const struct fleet_series_stats *stats,
                           const struct fleet_reading *r)
{
    static const char *const names[] = { "now", "min", "avg", "max" };
    const double values[] = { stats->now, stats->min, stats->avg, stats->max };
    int col = 1;
    for (int i = 0; stats->any && i < 4; i++) {
        char text[FMT_MAX];
        col = area_printf(a, row, col, ROLE_DIM, "%s ", names[i]);
        col =
            area_text(a, row, col, ROLE_TEXT, fmt_reading(values[i], r->scale, r->decimals, text)) +
            2;
    }
    return col;
}

void fleet_preview(struct ui *ui, const struct ui_model *m, struct area a)
{
    struct fleet_screen *f = &ui->fleet;
    uint32_t index = fleet_find(m->fleet, f->selected);
    const struct fleet_device *d = index == FLEET_NONE ? NULL : fleet_device(m->fleet, index);
    struct fleet_point trend[FLEET_TREND];
    char title[160], why[120];

    draw_events(m, area_sub(a, 0, a.cols * 3 / 5, -1, -1));
    struct area left = area_sub(a, 0, 0, -1, a.cols * 3 / 5 - 1);
    uint32_t reading = d ? fleet_trend(m->fleet, d, m->now_ms, trend) : FLEET_NONE;
    if (!d || reading == FLEET_NONE) {
        area_rule(left, 0, d ? d->id : "no device", "p hides");
        area_text(left, 1, 1, ROLE_DIM, d ? "It has sent no reading yet." : "");
        return;
    }
    const struct fleet_reading *r = fleet_reading(m->fleet, reading);
    int64_t span = span_now(m, d, f->span_ms);
    snprintf(title, sizeof(title), "%s  %s %s  %s", d->id, r->name, r->unit, span_text(span));
    area_rule(left, 0, title, "p hides");
    struct area box = area_sub(left, 1, 0, -2, -1);
    struct plot p = { .point = ui->point,
                      .scale = r->scale,
                      .decimals = r->decimals,
                      .time_axis = true,
                      .role = ROLE_PLOT,
                      .axis = &f->axis,
                      .mode = plot_mode_for(a.c, PLOT_BRAILLE) };
    struct fleet_series_stats stats;
    if (strcmp(f->axis_of, f->selected) != 0) {
        f->axis = (struct plot_axis){ 0 };
        text_copy(f->axis_of, sizeof(f->axis_of), f->selected);
    }
    p.count = plot_columns(box.cols, p.mode);
    p.to_ms = span_end(m, span, p.count);
    p.from_ms = p.to_ms - span;
    series_of(m, d, reading, p.from_ms, p.to_ms, ui->point, (uint32_t)p.count, &stats);
    p.due = stats.due && !LINK_DOWN(m) && d->state != FLEET_OFFLINE && d->state != FLEET_STALE;
    plot_limits(m, d, reading, &p);
    plot_draw(box, &p);
    int col = preview_numbers(left, a.rows - 1, &stats, r);
    device_why(m, d, why, sizeof(why));
    if (*why)
        area_field(left, a.rows - 1, col, left.cols - col - 1,
                   state_role((enum fleet_state)d->state), why, true);
}

bool fleet_has_preview(const struct ui *ui)
{
    return ui->cols >= 100 && ui->rows >= FLEET_PREVIEW_ROWS && !ui->fleet.preview_off;
}
