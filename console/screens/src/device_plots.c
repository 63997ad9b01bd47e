#include "device_draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Its readings: the chosen one large, or as many as fit, and the others a line each. */

int device_readings(const struct ui_model *m, const struct fleet_device *d,
                    uint32_t out[PROTO_READINGS])
{
    int count = 0;
    for (int i = 0; i < d->value_count && count < PROTO_READINGS; i++) {
        uint32_t reading = d->value[i].reading;
        if (reading_is_count(fleet_reading(m->fleet, reading)->name))
            continue;
        int place = reading_place(fleet_reading(m->fleet, reading)->name), at = count;
        while (at > 0 && reading_place(fleet_reading(m->fleet, out[at - 1])->name) > place) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = reading;
        count++;
    }
    return count;
}

/* What all plots of a picture share. */
struct shown {
    struct ui *ui;
    const struct ui_model *m;
    const struct fleet_device *d;
    int64_t span_ms;
    bool past; /* what it ends with is not now */
};

static struct shown window_of(struct ui *ui, const struct ui_model *m, const struct fleet_device *d)
{
    struct shown w = { ui, m, d, span_now(m, d, ui->device.span_ms), false };
    w.past =
        ui->device.end_ms || LINK_DOWN(m) || d->state == FLEET_OFFLINE || d->state == FLEET_STALE;
    return w;
}

static int64_t window_end(const struct shown *w, int columns)
{
    return w->ui->device.end_ms ? w->ui->device.end_ms : span_end(w->m, w->span_ms, columns);
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* Nothing in the span: the last word, with its age. */
static void last_text(const struct shown *w, uint32_t reading, char *out, size_t cap)
{
    const struct fleet_reading *r = fleet_reading(w->m->fleet, reading);
    const struct fleet_value *v = fleet_value(w->d, reading);
    char number[FMT_MAX], age[FMT_MAX];

    if (!v || !v->t) {
        snprintf(out, cap, "no data");
        return;
    }
    int64_t ms = w->m->now_ms - (int64_t)v->t * 1000;
    snprintf(out, cap, "last %s, %s%s", fmt_reading(v->value, r->scale, r->decimals, number),
             fmt_age(ms, age), ms < 5000 ? "" : " ago");
}

static void numbers_text(const struct shown *w, uint32_t reading,
                         const struct fleet_series_stats *stats, bool avg, char *out, size_t cap)
{
    const struct fleet_reading *r = fleet_reading(w->m->fleet, reading);
    const char *word = w->past ? "last" : "now";
    char now[FMT_MAX], least[FMT_MAX], mean[FMT_MAX], most[FMT_MAX];

    if (!stats->any) {
        last_text(w, reading, out, cap);
        return;
    }
    fmt_reading(stats->now, r->scale, r->decimals, now);
    fmt_reading(stats->min, r->scale, r->decimals, least);
    fmt_reading(stats->avg, r->scale, r->decimals, mean);
    fmt_reading(stats->max, r->scale, r->decimals, most);
    if (avg)
        snprintf(out, cap, "%s %s  min %s  avg %s  max %s", word, now, least, mean, most);
    else
        snprintf(out, cap, "%-4s %6s  min %6s  max %6s", word, now, least, most);
}

/* Shorter and shorter until it stands beside the title. */
static void fit_numbers(const struct shown *w, uint32_t reading,
                        const struct fleet_series_stats *stats, struct area a, int title, char *out,
                        size_t cap)
{
    const struct fleet_reading *r = fleet_reading(w->m->fleet, reading);
    char now[FMT_MAX];

    numbers_text(w, reading, stats, true, out, cap);
    if (title + area_width(a, out) + 10 < a.cols || !stats->any)
        return;
    snprintf(out, cap, "%s %s", w->past ? "last" : "now",
             fmt_reading(stats->now, r->scale, r->decimals, now));
}

static void reading_title(const struct fleet_reading *r, char *out, size_t cap)
{
    char name[PROTO_READING_MAX];
    snprintf(out, cap, "%s %s", clean(name, sizeof(name), r->name), r->unit);
}

static void plot_title(const struct shown *w, const struct fleet_reading *r, char *out, size_t cap)
{
    static const char *const ranges[PLOT_RANGES] = { "", "  1–99 %", "  fixed", "  from zero" };
    const struct device_screen *s = &w->ui->device;
    char name[80], when[FMT_MAX], end[FMT_MAX + 8] = "";

    reading_title(r, name, sizeof(name));
    if (s->end_ms)
        snprintf(end, sizeof(end), " to %.16s", fmt_day_hm(s->end_ms, w->m->now_ms, when));
    snprintf(out, cap, "%s  %s%s%s%s", name, span_text(w->span_ms), end, ranges[s->range],
             w->m->past && w->m->past->loading && strcmp(w->m->past->id, s->id) != 0 ? "  reading"
                                                                                     : "");
}

/* ---- plots ---------------------------------------------------------------------------------- */

void plot_limits(const struct ui_model *m, const struct fleet_device *d, uint32_t reading,
                 struct plot *p)
{
    struct alert_limit limit[PLOT_LINES];

    if (!m->alerts)
        return;
    size_t count = alerts_limits(m->alerts, d, reading, m->now_ms, limit, PLOT_LINES);
    for (size_t i = 0; i < count && p->lines < PLOT_LINES; i++)
        p->line[p->lines++] = (struct plot_line){ limit[i].value * p->scale, ROLE_PLOT_THRESHOLD };
}

static void draw_plot(const struct shown *w, uint32_t reading, int slot, bool focus, struct area a)
{
    const struct fleet_reading *r = fleet_reading(w->m->fleet, reading);
    struct device_screen *s = &w->ui->device;
    struct area box = area_sub(a, 1, 0, -1, -1);
    struct fleet_series_stats stats;
    char title[160], numbers[160];
    struct plot p = { .point = w->ui->point,
                      .scale = r->scale,
                      .decimals = r->decimals,
                      .from_zero = s->range == RANGE_ZERO,
                      .middle = s->range == RANGE_MIDDLE,
                      .fixed = s->range == RANGE_FIXED,
                      .time_axis = box.rows >= 5,
                      .role = ROLE_PLOT,
                      .axis = &s->axis[slot],
                      .mode = plot_mode_for(a.c, PLOT_BRAILLE) };

    p.count = plot_columns(box.cols, p.mode);
    p.to_ms = window_end(w, p.count);
    p.from_ms = p.to_ms - w->span_ms;
    series_of(w->m, w->d, reading, p.from_ms, p.to_ms, w->ui->point, (uint32_t)p.count, &stats);
    p.due = stats.due && !w->past;
    plot_limits(w->m, w->d, reading, &p);
    plot_title(w, r, title, sizeof(title));
    fit_numbers(w, reading, &stats, a, area_width(a, title), numbers, sizeof(numbers));
    draw_pane_rule(a, 0, focus, title, numbers);
    plot_draw(box, &p);
}

/* Without the range, which stands behind it. */
static void draw_way(const struct shown *w, double least, double greatest, int width, struct area a,
                     int row)
{
    char text[PLOT_TREND_TEXT];
    int way = plot_direction(w->ui->point, width, least, greatest);
    plot_way_text(w->ui->point, width, way, text);
    area_field(a, row, 20, width, ROLE_TEXT, text, false);
}

/* "rssi dBm   ▅▅▅▅▅▄▄▄  now -71  min -80  max -60" */
static void draw_spark_row(const struct shown *w, uint32_t reading, struct area a, int row)
{
    const struct fleet_reading *r = fleet_reading(w->m->fleet, reading);
    struct fleet_series_stats stats;
    char name[80], numbers[160];
    double least = HUGE_VAL, greatest = -HUGE_VAL;
    int numbers_col = a.cols - 40, width = numbers_col - 2 - 20;

    reading_title(r, name, sizeof(name));
    if (width < 4)
        width = 4;
    int64_t to = window_end(w, 4 * width); /* by whole columns */
    series_of(w->m, w->d, reading, to - w->span_ms, to, w->ui->point, (uint32_t)width, &stats);
    plot_range(w->ui->point, width, &least, &greatest);
    plot_widen(&least, &greatest, r->scale, r->decimals);
    area_field(a, row, 2, 17, ROLE_DIM, name, false);
    if (a.c->words)
        draw_way(w, least, greatest, width, a, row);
    else
        plot_spark(a, row, 20, width, w->ui->point, width, least, greatest, ROLE_PLOT);
    for (int i = width; stats.due && !w->past && !a.c->words && i > 0; i--) {
        if (w->ui->point[i - 1].kind != FLEET_POINT_NONE)
            break;
        area_put(a, row, 20 + i - 1, ROLE_TEXT, ' '); /* not overdue: nothing is missing yet */
    }
    numbers_text(w, reading, &stats, false, numbers, sizeof(numbers));
    area_text(a, row, numbers_col, w->past || !stats.any ? ROLE_DIM : ROLE_TEXT, numbers);
}

/* How many are drawn large, from which on, and how many lines are left for the others. */
struct split {
    int first, large, sparks;
};

static struct split split_of(const struct device_screen *s, int count, int rows)
{
    struct split p = { .large = s->large ? 1 : rows >= 30 ? 3 : rows >= 17 ? 2 : 1 };

    if (p.large > count)
        p.large = count;
    p.first = (int)s->reading > count - p.large ? count - p.large : (int)s->reading;
    p.sparks = s->large ? 0 : count - p.large;
    int least = (rows >= 12 ? 8 : 6) * p.large; /* title, a few rows, axis, times */
    if (p.sparks > rows - least)
        p.sparks = rows - least > 0 ? rows - least : 0;
    return p;
}

void draw_plots(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                struct area a)
{
    uint32_t reading[PROTO_READINGS];
    struct device_screen *s = &ui->device;
    struct shown w = window_of(ui, m, d);
    int count = device_readings(m, d, reading), row = 0;

    if (count == 0) {
        draw_pane_rule(a, 0, s->pane == PANE_PLOTS, "readings", NULL);
        area_text(a, 1, 2, ROLE_DIM, "It has sent no reading yet.");
        return;
    }
    if (s->reading >= (uint32_t)count)
        s->reading = (uint32_t)count - 1;
    struct split p = split_of(s, count, a.rows);
    int height = (a.rows - p.sparks) / p.large;
    for (int i = 0; i < p.large; i++) {
        int rows = i == p.large - 1 ? a.rows - p.sparks - row : height;
        int at = p.first + i;
        draw_plot(&w, reading[at], at, s->pane == PANE_PLOTS && at == (int)s->reading,
                  area_sub(a, row, 0, rows, -1));
        row += rows;
    }
    for (int i = 0; i < count && p.sparks > 0; i++) {
        if (i >= p.first && i < p.first + p.large)
            continue;
        draw_spark_row(&w, reading[i], a, row++);
        p.sparks--;
    }
}

int draw_values(struct ui *ui, const struct ui_model *m, const struct fleet_device *d,
                struct area a)
{
    uint32_t reading[PROTO_READINGS];
    struct shown w = window_of(ui, m, d);
    int count = device_readings(m, d, reading);

    if (count > a.rows)
        count = a.rows > 0 ? a.rows : 0;
    for (int i = 0; i < count; i++) {
        const struct fleet_reading *r = fleet_reading(m->fleet, reading[i]);
        const struct fleet_value *v = fleet_value(d, reading[i]);
        char name[80], number[FMT_MAX];
        reading_title(r, name, sizeof(name));
        area_field(a, i, 2, 17, ROLE_DIM, name, false);
        if (v)
            area_field(a, i, 20, 10, w.past ? ROLE_DIM : ROLE_TEXT,
                       fmt_reading(v->value, r->scale, r->decimals, number), true);
    }
    return count;
}
