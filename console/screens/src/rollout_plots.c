#include "rollout_view.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/*
 * Results over the last hour, worked out from when each device was confirmed or failed: nothing is
 * sampled, so a console that starts now draws the same curve as one that has been there all along.
 */

struct bins {
    uint32_t *good, *bad; /* up to the end of a column; [0] is what was before */
    int columns;
    int64_t from, width;
};

static void count_in(const struct bins *b, uint32_t *into, int64_t at_ms)
{
    int64_t at = at_ms < b->from ? 0 : (at_ms - b->from) * b->columns / b->width + 1;
    into[at > b->columns ? b->columns : at]++;
}

static struct bins fill_bins(const struct rollout *r, int64_t from, int64_t to, int columns)
{
    struct bins b = { .columns = columns, .from = from, .width = to - from };
    b.good = mem_array((size_t)columns + 1, sizeof(*b.good));
    b.bad = mem_array((size_t)columns + 1, sizeof(*b.bad));
    for (uint32_t i = 0; i < r->count; i++) {
        const struct rollout_device *d = &r->device[i];
        int64_t confirmed = rollout_confirmed_ms(r, d);
        if (confirmed && confirmed <= to)
            count_in(&b, b.good, confirmed);
        else if (d->state == RDEV_FAILED && d->ended_ms && d->ended_ms <= to)
            count_in(&b, b.bad, d->ended_ms);
    }
    return b;
}

/* Failed share so far, or confirmations per minute, smoothed over a fifteenth of the width, a
 * minute at least. A gap where nothing had a result yet. */
static void result_points(const struct rollout *r, int64_t from, int64_t to, int columns, bool rate,
                          struct fleet_point *out)
{
    struct bins b = fill_bins(r, from, to, columns);
    int window = columns / 15, minute = (int)(60000 * (int64_t)columns / b.width);
    window = window < minute ? minute : window;
    window = window < 1 ? 1 : window;
    double minutes = (double)b.width / 60000 / columns * window;
    for (int i = 0; i < columns; i++) {
        b.good[i + 1] += b.good[i];
        b.bad[i + 1] += b.bad[i];
        uint32_t all = b.good[i + 1] + b.bad[i + 1];
        uint32_t before = b.good[i + 1 > window ? i + 1 - window : 0];
        float v = rate ? (float)(100.0 * b.bad[i + 1] / (all ? all : 1))
                       : (float)((b.good[i + 1] - before) / minutes);
        bool any = rate ? all > 0 : from + b.width * (i + 1) / columns >= r->started_ms;
        out[i] = (struct fleet_point){ any ? FLEET_POINT_SAMPLE : FLEET_POINT_NONE, v, v, v };
    }
    free(b.good);
    free(b.bad);
}

void draw_result_plot(struct ui *ui, const struct ui_model *m, const struct rollout *r, bool rate,
                      struct area a)
{
    int64_t to = rollout_moment(r, m), from = r->started_ms;
    struct area box = area_sub(a, 1, 0, -1, -1);
    struct plot p = { .point = ui->point,
                      .scale = 1,
                      .decimals = 1,
                      .from_zero = true,
                      .time_axis = true,
                      .role = rate ? ROLE_PLOT : ROLE_PLOT_2,
                      .mode = plot_mode_for(a.c, PLOT_BRAILLE) };
    char right[60];
    if (to - from > 3600000)
        from = to - 3600000;
    if (to - from < 300000)
        from = to - 300000;
    p.from_ms = from;
    p.to_ms = to;
    p.count = plot_columns(box.cols, p.mode);
    if (p.count < 1)
        return;
    result_points(r, from, to, p.count, rate, ui->point);
    const struct fleet_point *last = &ui->point[p.count - 1];
    const char *word = r->ended_ms ? "end" : "now";
    if (rate) {
        p.has_limit = true;
        p.limit = plan_stage_allowed(&r->plan, r->stage) * 100;
    }
    if (last->kind == FLEET_POINT_NONE)
        snprintf(right, sizeof(right), rate ? "┈ allowed %.3g" : "no result yet", p.limit);
    else if (rate)
        snprintf(right, sizeof(right), "%s %.3g   ┈ allowed %.3g", word, (double)last->avg,
                 p.limit);
    else
        snprintf(right, sizeof(right), "%s %.2g", word, (double)last->avg);
    area_rule(a, 0, rate ? "failure rate %" : "confirmed per minute", right);
    plot_draw(box, &p);
}
