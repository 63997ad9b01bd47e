#ifndef SCREENS_FMT_H
#define SCREENS_FMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/reading.h"

/* Numbers and times as people read them. All write to `out` and return it; UTC everywhere. */
#define FMT_MAX 32

/* "now", "5s", "10s" (in steps of ten, so that a still fleet is a still picture), "2m", "3h", "4d";
 * "–" for a negative one. */
char *fmt_age(int64_t ms, char out[FMT_MAX]);
char *fmt_clock(int64_t ms, char out[FMT_MAX]);                  /* 14:07:32 */
char *fmt_clock_ms(int64_t ms, char out[FMT_MAX]);               /* 14:07:32.201 */
char *fmt_hm(int64_t ms, char out[FMT_MAX]);                     /* 14:07 */
char *fmt_day_hm(int64_t ms, int64_t now_ms, char out[FMT_MAX]); /* 14:07, Mon 14:07, 3 Nov */
/* On an axis that spans so much: 14:07, Mon 14:07, 3 Nov. */
char *fmt_axis_time(int64_t ms, int64_t span_ms, char out[FMT_MAX]);
char *fmt_date(int64_t ms, char out[FMT_MAX]);          /* 2026-11-20 */
char *fmt_duration(int64_t seconds, char out[FMT_MAX]); /* 45s, 3m12s, 2h05m, 6d 02h */
/*
 * What is left until something, and what has passed since: as fmt_duration(). With `words` (read
 * aloud whenever it changes) in steps: whole minutes from a minute on, below it tens of seconds;
 * only the last ten seconds that are left are counted. What is left is rounded up, what has passed
 * down.
 */
char *fmt_left(int64_t seconds, bool words, char out[FMT_MAX]);
char *fmt_passed(int64_t seconds, bool words, char out[FMT_MAX]);
char *fmt_size(uint64_t bytes, char out[FMT_MAX]);               /* 611 kB */
char *fmt_rate(double per_second, char out[FMT_MAX]);            /* 1.24k */
char *fmt_number(double value, int decimals, char out[FMT_MAX]); /* never "-0.0" */
char *fmt_reading(double canonical, double scale, int decimals, char out[FMT_MAX]);

/* Bytes as people type them: "500k" is 500,000, "2M" two million; false when it is no such number.
 */
bool bytes_read(const char *text, uint64_t *out);
/* Back to that, exactly. */
char *bytes_text(uint64_t bytes, char out[FMT_MAX]);

#endif
