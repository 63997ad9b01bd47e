#ifndef INFLUX_LINES_H
#define INFLUX_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * InfluxDB line protocol (docs.influxdata.com, "line protocol reference"): measurements have commas
 * and blanks escaped with \, tag keys, tag values and field keys also "=". A \ at the end of one
 * would escape what follows, and a line end can't be escaped at all: both become "_".
 */
struct lines {
    char *text; /* `len` bytes, not terminated */
    size_t len, cap;
    uint32_t count;
    /* The line being made: */
    bool open;
    int64_t t_ms;
    char device[80];
};

/* "site=ams,env=prod" → ",env=prod,site=ams" escaped, sorted not needed. 0, or -1 and *err. */
int lines_tags(const char *tags, char *out, size_t cap, struct err *err);

/* `head` is the escaped measurement, `tags` as lines_tags() made them. */
void lines_add(struct lines *l, const char *head, const char *tags, const char *device,
               const char *field, int64_t t_ms, double value);
void lines_close(struct lines *l); /* ends the line being made */
void lines_clear(struct lines *l); /* nothing in it; keeps its room */
void lines_free(struct lines *l);

enum lines_what { LINES_MEASUREMENT, LINES_KEY };
/* false when it does not fit; "" gives "_". */
bool lines_escape(char *out, size_t cap, const char *text, enum lines_what what);

#endif
