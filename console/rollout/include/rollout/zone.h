#ifndef ROLLOUT_ZONE_H
#define ROLLOUT_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * What the clock on the wall shows in a time zone, from Unix seconds. The rules come as the bytes
 * of a TZif file (RFC 8536; /usr/share/zoneinfo), which the caller has read: nothing here opens a
 * file. The bytes may be hostile; they are bounded and checked whole before any is believed.
 *
 * Versions 1 to 4 are read. Zones that count leap seconds ("right/...") are refused: Unix seconds
 * do not. Instants outside years 1 to 9999 have the offset of the nearest of these.
 */
#define ZONE_OLDEST   INT64_C(-62135596800) /* 0001-01-01 00:00 UTC */
#define ZONE_NEWEST   INT64_C(253402300799) /* 9999-12-31 23:59:59 UTC */
#define ZONE_NAME_MAX 64                    /* with the NUL */
#define ZONE_FILE_MAX 65536                 /* bytes; the largest of tzdata 2025b has 3,872 */
#define ZONE_TIMES    2000 /* changes in a file, as zic's TZ_MAX_TIMES; tzdata's most is 310 */

/* One of the two yearly changes of a rule: POSIX's Mm.w.d, Jn or n, and the time of day. */
struct zone_rule {
    uint8_t kind;                 /* 'M', 'J' (1 to 365, never 29 February) or 'n' (0 to 365) */
    uint8_t month, week, weekday; /* week 5: the last; weekday 0: Sunday */
    uint16_t day;
    int32_t time_s; /* wall clock before the change; -167 h to 167 h (RFC 8536, 3.3.1) */
};

/* 24 KB; copy it freely. Read only outside this module. */
struct zone {
    uint32_t count;
    int64_t time[ZONE_TIMES];       /* Unix s, ascending */
    int32_t offset[ZONE_TIMES + 1]; /* s east of UTC; [i] is before time[i] */
    bool has_rule, has_dst;         /* after the last change: a rule; one with summer time */
    int32_t std, dst;               /* its offsets */
    struct zone_rule start, end;    /* of summer time */
};

/* What the clock shows. weekday 0 is Monday. */
struct zone_clock {
    int32_t year;
    uint8_t month, day, hour, minute, second, weekday;
    int32_t offset; /* s east of UTC */
};

/*
 * A name as tzdata has them ("Europe/Berlin", "Etc/GMT+5", "UTC"): parts of A-Z a-z 0-9 _ + -
 * between single slashes, the first a letter. So it can be joined to a folder's path: no dots, no
 * way up.
 */
bool zone_name_is_valid(const char *name);

void zone_utc(struct zone *out);
/* 0, or -1 and *out is UTC. */
int zone_from_bytes(struct zone *out, const void *data, size_t len, struct err *err);
/* A rule alone, as in POSIX's TZ and in the last line of a file: "CET-1CEST,M3.5.0,M10.5.0/3". */
int zone_from_posix(struct zone *out, const char *text, struct err *err);

/* Seconds east of UTC at an instant. */
int32_t zone_offset(const struct zone *z, int64_t unix_s);
/* The first instant after `unix_s` at which the offset may change; INT64_MAX: none. */
int64_t zone_next_change(const struct zone *z, int64_t unix_s);
void zone_clock(const struct zone *z, int64_t unix_s, struct zone_clock *out);

#endif
