#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "fmt.h"
#include "screens/plot.h"

/* Trends and plots as sentences and small tables, for a canvas with words. */

/* ----------------------------------------------------------------------------------- trends */

/* Average of points first … last - 1; false when there is none. */
static bool mean(const struct fleet_point *p, int first, int last, double *out)
{
    double sum = 0;
    int n = 0;
    for (int i = first < 0 ? 0 : first; i < last; i++) {
        if (p[i].kind != FLEET_POINT_NONE) {
            sum += (double)p[i].avg;
            n++;
        }
    }
    *out = n ? sum / n : 0;
    return n > 0;
}

int plot_direction(const struct fleet_point *point, int count, double least, double greatest)
{
    double now, before, much = (greatest - least) / 20;
    int last = count / 15 > 0 ? count / 15 : 1;
    if (!mean(point, count - last, count, &now) ||
        !mean(point, count - 4 * last, count - last, &before))
        return 0;
    if (!(much > 0) || !(fabs(now - before) >= much))
        return 0;
    return now > before ? 1 : -1;
}

/* The points that can have a gap among them: from the first value on, and not the few columns at
 * the end whose time has hardly come. */
static void known(const struct fleet_point *point, int count, int *first, int *end)
{
    int i = count;
    *first = 0;
    while (*first < count && point[*first].kind == FLEET_POINT_NONE)
        ++*first;
    while (i > *first && point[i - 1].kind == FLEET_POINT_NONE)
        i--;
    *end = count - i > count / 15 + 1 ? count : i;
}

static int missing(const struct fleet_point *point, int count)
{
    int n = 0, first, end;
    known(point, count, &first, &end);
    for (int i = first; i < end; i++)
        n += point[i].kind == FLEET_POINT_NONE;
    return n;
}

char *plot_way_text(const struct fleet_point *point, int count, int direction,
                    char out[PLOT_TREND_TEXT])
{
    snprintf(out, PLOT_TREND_TEXT, "%s%s",
             direction > 0   ? "up"
             : direction < 0 ? "down"
                             : "steady",
             missing(point, count) ? ", gaps" : "");
    return out;
}

char *plot_trend_text(const struct fleet_point *point, int count, double scale, int decimals,
                      int direction, int width, char out[PLOT_TREND_TEXT])
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    char least[FMT_MAX], greatest[FMT_MAX], range[2 * FMT_MAX + 4];
    char way[PLOT_TREND_TEXT];

    plot_range(point, count, &low, &high);
    if (low > high) {
        snprintf(out, PLOT_TREND_TEXT, "no data");
        return out;
    }
    fmt_reading(fmin(low * scale, high * scale), 1, decimals, least);
    fmt_reading(fmax(low * scale, high * scale), 1, decimals, greatest);
    snprintf(range, sizeof(range), strcmp(least, greatest) ? "%s..%s" : "%s", least, greatest);
    plot_way_text(point, count, direction, way);
    for (int less = 0; less < 2; less++) { /* first with the gaps, then without */
        text_format(out, PLOT_TREND_TEXT, "%s %s", range, way);
        if ((int)strlen(out) <= width)
            return out;
        way[strcspn(way, ",")] = '\0';
    }
    text_format(out, PLOT_TREND_TEXT, "%s", direction == 0 ? range : way);
    if ((int)strlen(out) > width)
        text_format(out, PLOT_TREND_TEXT, "%s", way);
    return out;
}

/* ------------------------------------------------------------------------------------ plots */

static int64_t time_of(const struct plot *p, int i)
{
    return p->from_ms + (p->to_ms - p->from_ms) * i / (p->count ? p->count : 1);
}

static char *time_text(const struct plot *p, int i, char out[FMT_MAX])
{
    return fmt_axis_time(time_of(p, i), p->to_ms - p->from_ms, out);
}

static char *value_text(const struct plot *p, double canonical, char out[FMT_MAX])
{
    return fmt_reading(canonical, p->scale, p->decimals, out);
}

/* "rising from 20.3 to 24.1", by the first and the last fifth of what there is. */
static void way_text(const struct plot *p, double least, double greatest, char *out, size_t cap)
{
    char from[FMT_MAX], to[FMT_MAX];
    double first = 0, last = 0;
    int begin = 0, end = p->count;

    while (begin < end && p->point[begin].kind == FLEET_POINT_NONE)
        begin++;
    while (end > begin && p->point[end - 1].kind == FLEET_POINT_NONE)
        end--;
    int fifth = (end - begin + 4) / 5;
    mean(p->point, begin, begin + fifth, &first);
    mean(p->point, end - fifth, end, &last);
    plot_widen(&least, &greatest, p->scale, p->decimals);
    value_text(p, first, from);
    value_text(p, last, to);
    bool more = last * p->scale > first * p->scale;
    if (fabs(last - first) < (greatest - least) / 10 || strcmp(from, to) == 0)
        snprintf(out, cap, "steady about %s", to);
    else
        snprintf(out, cap, "%s from %s to %s", more ? "rising" : "falling", from, to);
}

/* "least 19.8 at 13:41, greatest 24.5 at 14:03" */
static void extremes_text(const struct plot *p, char *out, size_t cap)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    int at_low = 0, at_high = 0;
    char least[FMT_MAX], greatest[FMT_MAX], when[FMT_MAX], then[FMT_MAX];

    for (int i = 0; i < p->count; i++) {
        double a = (double)p->point[i].min * p->scale, b = (double)p->point[i].max * p->scale;
        if (p->point[i].kind == FLEET_POINT_NONE)
            continue;
        if (fmin(a, b) < low) {
            low = fmin(a, b);
            at_low = i;
        }
        if (fmax(a, b) > high) {
            high = fmax(a, b);
            at_high = i;
        }
    }
    fmt_number(low, p->decimals, least);
    fmt_number(high, p->decimals, greatest);
    snprintf(out, cap, "least %s at %s, greatest %s at %s", least, time_text(p, at_low, when),
             greatest, time_text(p, at_high, then));
}

/* "no data for 4m from 13:50, 12m in all", or that there is no gap. */
static void gaps_text(const struct plot *p, char *out, size_t cap)
{
    int run = 0, best = 0, at = 0, first, end, all = missing(p->point, p->count);
    char span[FMT_MAX], when[FMT_MAX], whole[FMT_MAX];

    known(p->point, p->count, &first, &end);
    for (int i = first; i < end; i++) {
        run = p->point[i].kind == FLEET_POINT_NONE ? run + 1 : 0;
        if (run > best) {
            best = run;
            at = i - run + 1;
        }
    }
    int64_t each = (p->to_ms - p->from_ms) / (p->count ? p->count : 1);
    fmt_duration(each * best / 1000, span);
    fmt_duration(each * all / 1000, whole);
    if (best == 0)
        snprintf(out, cap, "no gaps");
    else if (best == all)
        snprintf(out, cap, "no data for %s from %s", span, time_text(p, at, when));
    else
        snprintf(out, cap, "no data for %s from %s, %s in all", span, time_text(p, at, when),
                 whole);
}

static size_t add_limit(const struct plot *p, double limit, double least, double greatest,
                        char *out, size_t used, size_t cap)
{
    char text[FMT_MAX];
    double low = fmin(least * p->scale, greatest * p->scale);
    double high = fmax(least * p->scale, greatest * p->scale);
    const char *side = high < limit ? "all below" : low > limit ? "all above" : "reached";

    fmt_number(limit, p->decimals, text);
    if (strchr(text, '.') == NULL && limit != floor(limit))
        snprintf(text, sizeof(text), "%.3g", limit);
    if (used >= cap)
        return used;
    return used +
           (size_t)snprintf(out + used, cap - used, "%slimit %s: %s", used ? ", " : "", text, side);
}

static void limits_text(const struct plot *p, double least, double greatest, char *out, size_t cap)
{
    size_t used = 0;

    out[0] = '\0';
    if (p->has_limit)
        used = add_limit(p, p->limit, least, greatest, out, used, cap);
    for (int i = 0; i < p->lines && i < PLOT_LINES; i++)
        used = add_limit(p, p->line[i].at, least, greatest, out, used, cap);
}

/* "13:37  20.3  19.9..20.6": the points first … last - 1. */
static void slice_text(const struct plot *p, int first, int last, char *out, size_t cap)
{
    double low = HUGE_VAL, high = -HUGE_VAL, avg;
    char when[FMT_MAX], now[FMT_MAX], least[FMT_MAX], greatest[FMT_MAX];

    time_text(p, first, when);
    if (!mean(p->point, first, last, &avg)) {
        snprintf(out, cap, "%s  no data", when);
        return;
    }
    plot_range(p->point + first, last - first, &low, &high);
    value_text(p, avg, now);
    fmt_number(fmin(low * p->scale, high * p->scale), p->decimals, least);
    fmt_number(fmax(low * p->scale, high * p->scale), p->decimals, greatest);
    if (strcmp(least, greatest) == 0)
        snprintf(out, cap, "%s  %s", when, now);
    else
        snprintf(out, cap, "%s  %s, %s..%s", when, now, least, greatest);
}

/* The rest of the rows: the span in that many parts, each with its mean and its range. */
static void draw_slices(struct area a, int row, const struct plot *p)
{
    int rows = a.rows - row, parts = rows < PLOT_SLICES ? rows : PLOT_SLICES;
    char text[4 * FMT_MAX];

    if (parts > p->count)
        parts = p->count;
    for (int i = 0; parts >= 2 && i < parts; i++) {
        slice_text(p, p->count * i / parts, p->count * (i + 1) / parts, text, sizeof(text));
        area_field(a, row + i, 2, a.cols - 3, ROLE_DIM, text, false);
    }
}

void plot_draw_words(struct area a, const struct plot *p)
{
    double least = HUGE_VAL, greatest = -HUGE_VAL;
    char text[4][160];
    int row = 0;

    plot_range(p->point, p->count, &least, &greatest);
    if (least > greatest) {
        area_field(a, 0, 2, a.cols - 3, ROLE_DIM, "no data in this span", false);
        return;
    }
    way_text(p, least, greatest, text[0], sizeof(text[0]));
    extremes_text(p, text[1], sizeof(text[1]));
    gaps_text(p, text[2], sizeof(text[2]));
    limits_text(p, least, greatest, text[3], sizeof(text[3]));
    for (int i = 0; i < 4; i++) {
        if (*text[i])
            area_field(a, row++, 2, a.cols - 3, ROLE_TEXT, text[i], false);
    }
    draw_slices(a, row, p);
}
