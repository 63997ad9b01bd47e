#ifndef PROTOCOL_READING_H
#define PROTOCOL_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"

struct reading {
    char name[PROTO_READING_MAX]; /* canonical (temperature, not temp) */
    double value;                 /* finite */
};

/* One telemetry message: JSON object, Influx lines, or JSON immediately followed by a line. */
struct readings {
    struct reading item[PROTO_READINGS];
    uint32_t count;
    uint32_t dropped; /* non-finite values, and readings beyond PROTO_READINGS */
    bool has_ts;
    double ts;                        /* Unix s */
    char device[PROTO_ID_MAX];        /* JSON "device", or empty */
    char location[PROTO_ID_MAX];      /* JSON "location" or tag "location", or empty */
    char firmware[PROTO_VERSION_MAX]; /* JSON "firmware" or tag "firmware", or empty */
};

/*
 * 0, or -1 when the body is none of the three or longer than PROTO_READINGS_BYTES. A string that is
 * a decimal number counts as a number; other strings are ignored but for the three named above.
 * Numbers may be NaN or inf in line protocol: dropped, counted.
 */
int readings_decode(const char *body, size_t len, struct readings *out);

/*
 * A JSON string member at the top level, or a tag of the first line, for `[source]` mapping of
 * foreign topics. Writes it terminated to `out`; 0, or -1 when absent or too long.
 */
int readings_field(const char *body, size_t len, const char *json_key, char *out, size_t cap);
int readings_tag(const char *body, size_t len, const char *tag, char *out, size_t cap);

/* How a reading is shown: value * scale + unit, with so many decimals. Unknown names: scale 1,
 * empty unit, 1 decimal. */
struct reading_info {
    const char *name;
    const char *label; /* short, for a column header: "TEMP" */
    const char *unit;  /* "°C" */
    double scale;
    int decimals;
};
/* Never NULL; for an unknown name `name` and `label` are NULL: use the reading's own. */
const struct reading_info *reading_info(const char *name);
/* "temp" → "temperature"; an unknown name is returned as it is. */
const char *reading_canonical(const char *name);

#endif
