#include "screens/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fmt.h"

int plot_columns(int area_cols, enum plot_mode mode)
{
    int cells = area_cols - PLOT_MARGIN;
    if (cells < 0)
        return 0;
    return mode == PLOT_BRAILLE ? 2 * cells : cells;
}

enum plot_mode plot_mode_for(const struct canvas *c, enum plot_mode wanted)
{
    return c->ascii ? PLOT_ASCII : wanted;
}

/* A device may send 1e308: beyond this there is no axis, only a line along the edge. */
#define PLOT_BIGGEST 1e15

static double bounded(double value)
{
    return isnan(value) ? 0 : fmin(fmax(value, -PLOT_BIGGEST), PLOT_BIGGEST);
}

void plot_range(const struct fleet_point *point, int count, double *least, double *greatest)
{
    for (int i = 0; i < count; i++) {
        if (point[i].kind == FLEET_POINT_NONE)
            continue;
        *least = fmin(*least, bounded((double)point[i].min));
        *greatest = fmax(*greatest, bounded((double)point[i].max));
    }
}

void plot_widen(double *least, double *greatest, double scale, int decimals)
{
    double unit = 4 * pow(10, -decimals) / (scale != 0 ? fabs(scale) : 1);
    if (*greatest >= *least && *greatest - *least < unit) {
        double middle = (*least + *greatest) / 2;
        *least = middle - unit / 2;
        *greatest = middle + unit / 2;
    }
}

/* ------------------------------------------------------------------------------------- axis */

/* 1, 2, 5, 10, 20 … times 10^n: the n-th step. */
static double nice_step(int n)
{
    static const double mantissa[3] = { 1, 2, 5 };
    int decade = n >= 0 ? n / 3 : -((2 - n) / 3);
    return mantissa[n - 3 * decade] * pow(10, decade);
}

/* The finest axis with a tick every `tick_rows` rows that holds least … greatest. */
static struct plot_axis axis_for(int rows, int tick_rows, double least, double greatest)
{
    int n = 3 * (int)floor(log10((greatest - least) / rows * tick_rows)) - 3;
    struct plot_axis axis = { .rows = rows, .tick_rows = tick_rows };
    for (int tries = 0; tries < 40; tries++, n++) {
        double step = nice_step(n);
        axis.per_row = step / tick_rows;
        axis.bottom = floor((least + axis.per_row / 2) / step) * step;
        if (axis.bottom + axis.per_row * (rows - 0.6) >= greatest)
            break;
    }
    return axis;
}

static bool still_good(const struct plot_axis *axis, int rows, double least, double greatest)
{
    double half = axis->per_row / 2;
    double low = axis->bottom - half, high = axis->bottom + axis->per_row * rows - half;
    return axis->rows == rows && axis->per_row > 0 && least >= low && greatest <= high &&
           greatest - least >= 0.4 * (high - low);
}

void plot_axis_choose(struct plot_axis *axis, int rows, double least, double greatest)
{
    if (rows < 1)
        rows = 1;
    /* A line that does not move. */
    double biggest = fmax(fabs(least), fabs(greatest));
    double flat = biggest == 0 ? 1 : fmax(biggest * 0.001, 1e-6);
    if (greatest - least < flat) {
        double middle = (least + greatest) / 2;
        least = middle - flat / 2;
        greatest = middle + flat / 2;
    } else if (still_good(axis, rows, least, greatest)) {
        return;
    }
    double head = (greatest - least) * 0.05;
    double best = HUGE_VAL;
    struct plot_axis chosen = axis_for(rows, 1, least - head, greatest + head);
    for (int tick_rows = 1; tick_rows <= 4 && tick_rows < rows; tick_rows++) {
        struct plot_axis a = axis_for(rows, tick_rows, least - head, greatest + head);
        int ticks = (rows - 1) / tick_rows + 1;
        double waste = a.per_row * rows / (greatest - least);
        double cost = waste + (ticks > 6 ? 0.25 * (ticks - 6) : 0) + (ticks < 3 ? 1.0 : 0);
        if (cost < best) {
            best = cost;
            chosen = a;
        }
    }
    *axis = chosen;
}

static int tick_decimals(double step)
{
    int decimals = 0;
    while (decimals < 6 && fabs(step - round(step)) > 1e-9 * step) {
        step *= 10;
        decimals++;
    }
    return decimals;
}

static void draw_value_axis(struct area a, const struct plot_axis *axis, int rows)
{
    int decimals = tick_decimals(axis->per_row * axis->tick_rows);
    for (int row = 0; row < rows; row++) {
        int up = rows - 1 - row;
        bool tick = up % axis->tick_rows == 0;
        if (tick) {
            char text[FMT_MAX];
            fmt_number(axis->bottom + axis->per_row * up, decimals, text);
            area_right(a, row, PLOT_MARGIN - 2, ROLE_AXIS, text);
        }
        area_put(a, row, PLOT_MARGIN - 1, ROLE_AXIS, tick ? 0x2524 : 0x2502);
    }
}

/* Where silence ends to be one: all points, or those up to the last value. */
static int told_points(const struct plot *p)
{
    int count = p->count;
    while (p->due && count > 0 && p->point[count - 1].kind == FLEET_POINT_NONE)
        count--;
    return count;
}

/* The longest silence between two values, or up to now, in words if there is room. */
static void draw_gap(struct area a, int row, const struct plot *p, int per_cell)
{
    int first = 0, best = 0, best_at = 0, told = told_points(p);
    char text[FMT_MAX], span[FMT_MAX];

    while (first < p->count && p->point[first].kind == FLEET_POINT_NONE)
        first++; /* before its time */
    for (int i = first, run = 0; i < told; i++) {
        run = p->point[i].kind == FLEET_POINT_NONE ? run + 1 : 0;
        if (run > best) {
            best = run;
            best_at = i - run + 1;
        }
    }
    int64_t ms = p->count ? (p->to_ms - p->from_ms) * best / p->count : 0;
    snprintf(text, sizeof(text), " no data %.16s ", fmt_duration(ms / 1000, span));
    int width = area_width(a, text);
    if (best / per_cell >= width + 2)
        area_text(a, row, PLOT_MARGIN + best_at / per_cell + (best / per_cell - width) / 2,
                  ROLE_PLOT_GAP, text);
}

static void draw_time_axis(struct area a, int row, const struct plot *p, int per_cell)
{
    int cells = a.cols - PLOT_MARGIN, told = told_points(p);
    area_put(a, row, PLOT_MARGIN - 1, ROLE_AXIS, 0x2514);
    for (int i = 0; i < cells; i++) {
        bool data = told > 0 && i * per_cell >= told;
        for (int k = 0; k < per_cell && i * per_cell + k < p->count; k++)
            data |= p->point[i * per_cell + k].kind != FLEET_POINT_NONE;
        area_put(a, row, PLOT_MARGIN + i, data ? ROLE_AXIS : ROLE_PLOT_GAP, data ? 0x2500 : 0x254c);
    }
    draw_gap(a, row, p, per_cell);
    int labels = cells < 30 ? 2 : cells < 90 ? 3 : 5;
    for (int i = 0; i < labels; i++) {
        int64_t at = p->from_ms + (p->to_ms - p->from_ms) * i / (labels - 1);
        char text[FMT_MAX];
        fmt_axis_time(at, p->to_ms - p->from_ms, text);
        int width = area_width(a, text);
        int col = PLOT_MARGIN + (cells - 1) * i / (labels - 1) - width / 2;
        if (i == 0)
            col = PLOT_MARGIN - 1;
        if (i == labels - 1)
            col = a.cols - width;
        area_text(a, row + 1, col, ROLE_AXIS, text);
    }
}

/* ------------------------------------------------------------------------------------- data */

/* A point as dots above the lower edge: [low, high], inside 0 … dots - 1. */
struct span {
    bool any;
    int low, high;
};

static int clamp_dot(double dot, int dots)
{
    if (!(dot > 0)) /* also when it is not a number */
        return 0;
    return dot >= dots ? dots - 1 : (int)dot;
}

static struct span span_of(const struct plot *p, int i, const struct plot_axis *axis, int dots,
                           int per_row)
{
    const struct fleet_point *pt = &p->point[i];
    struct span s = { .any = pt->kind != FLEET_POINT_NONE };
    double edge = axis->bottom - axis->per_row / 2;
    if (!s.any)
        return s;
    double a = (bounded((double)pt->min) * p->scale - edge) / axis->per_row * per_row;
    double b = (bounded((double)pt->max) * p->scale - edge) / axis->per_row * per_row;
    s.low = clamp_dot(fmin(a, b), dots);
    s.high = clamp_dot(fmax(a, b), dots);
    return s;
}

/* Reach up or down to the neighbour, so that a steep line has no holes. */
static struct span joined(struct span s, struct span before)
{
    if (!s.any || !before.any)
        return s;
    if (before.high < s.low)
        s.low = before.high + 1 < s.high ? before.high + 1 : s.high;
    if (before.low > s.high)
        s.high = before.low - 1 > s.low ? before.low - 1 : s.low;
    return s;
}

static uint32_t braille_dot(int x, int y_from_top)
{
    static const uint8_t bit[2][4] = { { 0x01, 0x02, 0x04, 0x40 }, { 0x08, 0x10, 0x20, 0x80 } };
    return bit[x][y_from_top];
}

static void draw_braille(struct area a, const struct plot *p, const struct plot_axis *axis,
                         int rows)
{
    int dots = rows * 4;
    struct span before = { 0 };
    for (int i = 0; i < p->count; i++) {
        struct span raw = span_of(p, i, axis, dots, 4);
        struct span s = joined(raw, before);
        before = raw;
        for (int dot = s.low; s.any && dot <= s.high; dot++) {
            int row = rows - 1 - dot / 4, col = PLOT_MARGIN + i / 2;
            const struct cell *cell = canvas_at(a.c, a.row + row, a.col + col);
            uint32_t old = cell && cell->cp >= 0x2800 && cell->cp <= 0x28ff ? cell->cp : 0x2800;
            area_put(a, row, col, p->role, old | braille_dot(i % 2, 3 - dot % 4));
        }
    }
}

static void draw_blocks(struct area a, const struct plot *p, const struct plot_axis *axis, int rows)
{
    for (int i = 0; i < p->count; i++) {
        struct span s = span_of(p, i, axis, rows * 8, 8);
        if (!s.any)
            continue;
        for (int row = rows - 1; row >= 0; row--) {
            int eighths = s.high + 1 - (rows - 1 - row) * 8;
            if (eighths <= 0)
                break;
            area_put(a, row, PLOT_MARGIN + i, p->role,
                     0x2580 + (uint32_t)(eighths > 8 ? 8 : eighths));
        }
    }
}

static void draw_ascii(struct area a, const struct plot *p, const struct plot_axis *axis, int rows)
{
    struct span before = { 0 };
    for (int i = 0; i < p->count; i++) {
        struct span raw = span_of(p, i, axis, rows, 1);
        struct span s = joined(raw, before);
        before = raw;
        for (int dot = s.low; s.any && dot <= s.high; dot++) {
            bool own = dot >= raw.low && dot <= raw.high;
            area_put(a, rows - 1 - dot, PLOT_MARGIN + i, p->role, own ? '*' : '|');
        }
    }
}

static void draw_limit(struct area a, const struct plot *p, const struct plot_axis *axis, int rows)
{
    int up = (int)floor((p->limit - axis->bottom) / axis->per_row + 0.5);
    if (!p->has_limit || up < 0 || up >= rows)
        return;
    area_fill(a, rows - 1 - up, PLOT_MARGIN, a.cols - PLOT_MARGIN, ROLE_PLOT_THRESHOLD, 0x2508);
}

static void draw_lines(struct area a, const struct plot *p, const struct plot_axis *axis, int rows)
{
    for (int i = 0; i < p->lines && i < PLOT_LINES; i++) {
        int up = (int)floor((p->line[i].at - axis->bottom) / axis->per_row + 0.5);
        if (up >= 0 && up < rows)
            area_fill(a, rows - 1 - up, PLOT_MARGIN, a.cols - PLOT_MARGIN, p->line[i].role, 0x2508);
    }
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* The 1st and the 99th percentile of what the points hold: one wild value does not flatten all. */
static void middle_range(const struct plot *p, double *least, double *greatest)
{
    static const int most = 2 * CANVAS_COLS_MAX;
    float value[2 * CANVAS_COLS_MAX];
    int count = 0;

    for (int pass = 0; pass < 2; pass++) {
        count = 0;
        for (int i = 0; i < p->count && count < most; i++) {
            if (p->point[i].kind == FLEET_POINT_SAMPLE)
                value[count++] = pass ? p->point[i].max : p->point[i].min;
        }
        if (count == 0)
            return;
        qsort(value, (size_t)count, sizeof(*value), by_value);
        if (pass == 0)
            *least = bounded((double)value[count / 100]);
        else
            *greatest = bounded((double)value[count - 1 - count / 100]);
    }
}

/* Take in thresholds that are near: within half the height of what there is. */
static void reach_lines(const struct plot *p, double *least, double *greatest)
{
    double reach = fmax(*greatest - *least, fabs(*greatest) * 0.02) / 2;
    double low = *least, high = *greatest;

    for (int i = 0; i < p->lines && i < PLOT_LINES; i++) {
        double at = p->line[i].at;
        if (at > high && at <= high + reach)
            *greatest = fmax(*greatest, at);
        if (at < low && at >= low - reach)
            *least = fmin(*least, at);
    }
}

/* The axis as it was, for another number of rows. */
static void keep_axis(struct plot_axis *axis, int rows)
{
    double half = axis->per_row / 2;
    double low = axis->bottom, high = axis->bottom + axis->per_row * axis->rows - 2 * half;
    if (axis->rows == rows)
        return;
    *axis = (struct plot_axis){ 0 };
    plot_axis_choose(axis, rows, low, high);
}

void plot_draw(struct area a, const struct plot *p)
{
    int rows = a.rows - (p->time_axis ? 2 : 0);
    double least = HUGE_VAL, greatest = -HUGE_VAL;
    struct plot_axis own = { 0 };
    struct plot_axis *axis = p->axis ? p->axis : &own;
    struct plot cut = *p;

    if (rows < 1 || a.cols <= PLOT_MARGIN)
        return;
    int room = plot_columns(a.cols, p->mode);
    if (cut.count > room)
        cut.count = room;
    if (a.c->words) {
        plot_draw_words(a, &cut);
        return;
    }
    plot_range(cut.point, cut.count, &least, &greatest);
    if (least > greatest) { /* nothing at all: say so where the eye looks */
        area_text(a, rows / 2, PLOT_MARGIN + 1, ROLE_DIM, "no data in this span");
        if (p->time_axis)
            draw_time_axis(a, rows, &cut, p->mode == PLOT_BRAILLE ? 2 : 1);
        return;
    }
    if (p->middle)
        middle_range(&cut, &least, &greatest);
    if (!p->from_zero)
        plot_widen(&least, &greatest, p->scale, p->decimals);
    double shown_least = fmin(least * p->scale, greatest * p->scale);
    double shown_most = fmax(least * p->scale, greatest * p->scale);
    if (p->from_zero) {
        shown_least = fmin(shown_least, 0);
        shown_most = fmax(shown_most, p->has_limit && p->limit > 0 ? p->limit * 1.2 : 1);
    }
    reach_lines(p, &shown_least, &shown_most);
    if (p->fixed && axis->per_row > 0)
        keep_axis(axis, rows);
    else
        plot_axis_choose(axis, rows, shown_least, shown_most);
    draw_value_axis(a, axis, rows);
    draw_limit(a, &cut, axis, rows);
    draw_lines(a, &cut, axis, rows);
    if (p->mode == PLOT_BRAILLE)
        draw_braille(a, &cut, axis, rows);
    else if (p->mode == PLOT_BLOCKS)
        draw_blocks(a, &cut, axis, rows);
    else
        draw_ascii(a, &cut, axis, rows);
    if (p->time_axis)
        draw_time_axis(a, rows, &cut, p->mode == PLOT_BRAILLE ? 2 : 1);
}

/* ------------------------------------------------------------------------------------ spark */

void plot_spark(struct area a, int row, int col, int width, const struct fleet_point *point,
                int count, double least, double greatest, enum role role)
{
    /* Nearly still: stay in the lower middle, and do not make mountains of noise. */
    double range = fmax(greatest - least, fmax(fabs(greatest) * 0.0025, 1e-9));
    for (int i = 0; i < width; i++) {
        int first = count * i / width, last = count * (i + 1) / width;
        double sum = 0;
        int n = 0;
        for (int k = first; k < last || k == first; k++) {
            if (k < count && point[k].kind != FLEET_POINT_NONE) {
                sum += bounded((double)point[k].avg);
                n++;
            }
        }
        if (n == 0) {
            area_put(a, row, col + i, ROLE_PLOT_GAP, 0xb7);
            continue;
        }
        double part = (sum / n - least) / range;
        int level = (int)floor(fmin(fmax(part, 0), 0.999) * 8);
        area_put(a, row, col + i, role, 0x2581 + (uint32_t)level);
    }
}
