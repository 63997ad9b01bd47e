#ifndef SCREENS_PLOT_H
#define SCREENS_PLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet/history.h"
#include "screens/canvas.h"

/*
 * A plot with honest axes: steps of 1, 2 or 5; ticks on rows; each column from its least to its
 * greatest value; what is missing is a gap. Braille has two columns and four rows of dots in a
 * cell, blocks eight steps, ASCII one.
 */
enum plot_mode { PLOT_BRAILLE, PLOT_BLOCKS, PLOT_ASCII };

/* The value axis. Kept by the caller between frames so that it does not jump: it grows at once and
 * shrinks only when less than half of it is used. All zero: not chosen yet. */
struct plot_axis {
    double bottom;  /* value in the middle of the lowest row; a tick */
    double per_row; /* value from row to row */
    int tick_rows;  /* a tick every so many rows */
    int rows;       /* it was chosen for */
};

/* A threshold: drawn where no data is, when it lies on the axis or near enough to be put there. */
#define PLOT_LINES 4
struct plot_line {
    double at; /* as shown */
    enum role role;
};

struct plot {
    const struct fleet_point *point; /* plot_columns() of them, oldest first */
    int count;
    int64_t from_ms, to_ms;
    int decimals;   /* of the numbers beside it: smaller changes don't fill the plot */
    double scale;   /* shown = value * scale */
    bool has_limit; /* a dotted line, where no data is */
    double limit;   /* as shown */
    bool from_zero; /* zero and the limit are on the axis */
    bool middle; /* the axis spans the 1st to the 99th percentile; what is beyond is at its edge */
    bool fixed;  /* the axis stays as it is, if there is one */
    struct plot_line line[PLOT_LINES]; /* more dotted lines: thresholds */
    int lines;
    bool time_axis; /* two more rows below: the axis and its times */
    bool due;       /* the next value is not overdue: what is behind the last one is no gap */
    enum role role; /* of the line */
    enum plot_mode mode;
    struct plot_axis *axis; /* may be NULL */
};

#define PLOT_MARGIN 8 /* columns left of the data: "  90.5 ┤" */

/* How many points a plot of that width wants. */
int plot_columns(int area_cols, enum plot_mode mode);
/* ASCII canvases always get PLOT_ASCII. */
enum plot_mode plot_mode_for(const struct canvas *c, enum plot_mode wanted);
/* Choose ticks for `rows` rows so that least … greatest lie inside; a good old axis is kept. */
void plot_axis_choose(struct plot_axis *axis, int rows, double least, double greatest);
/* On a canvas with words: what it shows, told. The way from the first fifth to the last, extremes
 * with their times, gaps, limits, then as many parts of the span as there are rows, at most
 * PLOT_SLICES, each with its mean and range. The axis is not touched. */
#define PLOT_SLICES 12
void plot_draw(struct area a, const struct plot *p);
void plot_draw_words(struct area a, const struct plot *p);

/*
 * A line of eighth blocks between `least` and `greatest` (canonical, the same for all rows of a
 * table), `count` points squeezed into `width` columns. '·' where there is no data.
 */
void plot_spark(struct area a, int row, int col, int width, const struct fleet_point *point,
                int count, double least, double greatest, enum role role);
/* 1 rising, -1 falling, 0 neither or too little to say: the last fifteenth of the points differs
 * from the fifth before it by a twentieth of least … greatest. */
int plot_direction(const struct fleet_point *point, int count, double least, double greatest);
/* "up, gaps": whether values are missing between the first and the last. Returns out. */
#define PLOT_TREND_TEXT 96
char *plot_way_text(const struct fleet_point *point, int count, int direction,
                    char out[PLOT_TREND_TEXT]);
/* What a sparkline shows, in at most `width` columns where that is 6 or more: "20.3..21.3 up,
 * gaps", or less of it. `direction` as of plot_direction(). Returns out. */
char *plot_trend_text(const struct fleet_point *point, int count, double scale, int decimals,
                      int direction, int width, char out[PLOT_TREND_TEXT]);
/* Make least … greatest (canonical) at least four steps of the last decimal shown. */
void plot_widen(double *least, double *greatest, double scale, int decimals);
/* Widen least … greatest by what the points hold. */
void plot_range(const struct fleet_point *point, int count, double *least, double *greatest);

#endif
