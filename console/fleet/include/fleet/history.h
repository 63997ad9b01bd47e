#ifndef FLEET_HISTORY_H
#define FLEET_HISTORY_H

#include "fleet/fleet.h"

/*
 * What readings were. Two stores, both bounded:
 *
 *   trend    30 minutes of one reading for every device: FLEET_TREND buckets of 30 s with their
 *            average; 248 bytes a device. For the sparkline of a table.
 *   series   deep, per device and reading, for devices being watched and for all while the fleet is
 *            small enough for the budget (fleet_config.history_bytes): the last 256 values raw,
 * then min/avg/max of 10 s (1 h), 1 min (12 h) and 15 min (48 h). 28 kB each. When the budget is
 * used up, a device being watched takes the place of one that is not.
 *
 * Missing data is a gap, never a line and never zero.
 */
#define FLEET_TREND         60
#define FLEET_TREND_STEP_MS 30000

/* What a column of a plot has. */
enum fleet_point_kind {
    FLEET_POINT_NONE,   /* no data: before the first value, or silence > 3 intervals */
    FLEET_POINT_SAMPLE, /* values fell into this column */
    FLEET_POINT_BRIDGE, /* between two values less than 3 intervals apart: interpolated */
};

struct fleet_point {
    enum fleet_point_kind kind;
    float min, avg, max; /* canonical unit; 0 for NONE */
};

/* now/min/avg/max beside a plot: over what was found in the range. */
struct fleet_series_stats {
    bool any;
    double now, min, avg, max;
    int64_t first_ms, last_ms; /* of the samples */
    bool due;                  /* the range reaches to now, and the next value is not overdue yet */
};

/*
 * Columns of equal width over [from_ms, to_ms), out[0] the oldest. The finest store that reaches
 * back to `from_ms` is used. Returns the number of SAMPLE columns. Without deep history it is the
 * trend, if that is of this reading. `stats` may be NULL.
 */
uint32_t fleet_series(const struct fleet *fleet, const struct fleet_device *device,
                      uint32_t reading, int64_t from_ms, int64_t to_ms, struct fleet_point *out,
                      uint32_t columns, struct fleet_series_stats *stats);

/* A piece of what a store remembers: what a minute or a quarter of an hour held. */
struct fleet_sample {
    int64_t t_ms; /* its middle */
    uint32_t count;
    float min, avg, max;
};
/* In order of time. NULL or none: nothing is known beyond what this process heard. */
struct fleet_past {
    const struct fleet_sample *sample;
    size_t count;
    int64_t step_ms; /* the longest piece in it */
};
/*
 * As fleet_series(), and before what this process heard (or keeps at that span) what the store
 * remembers. Where both know something it is the fleet's own.
 */
uint32_t fleet_series_past(const struct fleet *fleet, const struct fleet_device *device,
                           uint32_t reading, const struct fleet_past *past, int64_t from_ms,
                           int64_t to_ms, struct fleet_point *out, uint32_t columns,
                           struct fleet_series_stats *stats);
/* Has this device deep history of this reading? */
bool fleet_has_series(const struct fleet_device *device, uint32_t reading);

/*
 * The sparkline: one point for each of FLEET_TREND buckets that end at `now_ms`, oldest first
 * (while the link is down, at its loss). Returns the reading it shows, FLEET_NONE when there is
 * none. That is the reading set with fleet_set_trend() if the device has it, else the device's own
 * first in the order temperature co2 pm2_5 pm10 humidity pressure battery rssi, else its first.
 */
uint32_t fleet_trend(const struct fleet *fleet, const struct fleet_device *device, int64_t now_ms,
                     struct fleet_point out[FLEET_TREND]);
/*
 * The reading that every device's trend should show, FLEET_NONE for each one's own. A device whose
 * reading changes starts anew, from its deep history where it has one.
 */
void fleet_set_trend(struct fleet *fleet, uint32_t reading);

/*
 * What a store remembers of the last half hour: fills a device's trend where nothing was heard, if
 * the trend is of that reading. A minute, beginning at t_ms.
 */
void fleet_recall_trend(struct fleet *fleet, const char *id, const char *reading, int64_t t_ms,
                        float avg);

/* Memory the fleet holds, for the bench: all of it, and what deep history takes of it. */
size_t fleet_bytes(const struct fleet *fleet, size_t *history);

#endif
