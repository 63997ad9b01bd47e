#ifndef FLEET_FILTER_H
#define FLEET_FILTER_H

#include "fleet/fleet.h"

/*
 * The filter language, everywhere a list is:
 *
 *   expr := or ; or := and ('or' and)* ; and := not (('and'|space) not)*
 *   not  := ('not'|'!') not | '(' expr ')' | term
 *   term := field op value | field ':' value | text       op := = != < <= > >= ~ !~
 *   value := number[unit] | word | "quoted" | /regex/ | a,b,c
 *
 * Blanks may stand around an operator and behind a comma; and, or, not may be in capitals.
 *
 * Fields: id state product hw fw target slot groups (group, tag) seen uptime boots reset alerts
 * cert keyset ota reason rollout source rate, and every reading under its name or alias (pm2.5 is
 * pm2_5). Another name with a word behind it is a label: site:berlin-7 finds the group
 * "site:berlin-7" (so does group:site:berlin-7); with a number it is one when nobody sends such a
 * reading.
 *
 *   text          in the id or a group; capitals in it make it exact ("smart case"); also "a b",
 * /re/ field:x       the natural question: is x, has x (groups), contains x (id), is 1.9
 * or 1.9.anything (fw, target) = !=          the whole value; a,b,c: any of them, none of them ~ !~
 * contains, or matches the POSIX extended /regex/ < <= > >=     fw, target by SemVer ("1.9"
 * is 1.9.0); seen, uptime, cert by duration (5m 2h 1h30m 7d 2w); state by severity (state>=warn:
 * warn and worse); the others by number
 *
 * A number stands in the unit the console shows (pressure>1000 is hPa) unless one follows it: Pa
 * hPa kPa B kB MB (of 1024) % C °C ppm dBm s m h d w. `=` finds what is shown: 21.53 is 21.5.
 * `cert` is the time left, `rate` messages a minute. Who lacks a value matches nothing but != and
 * !~, which are plain negations. `seen=never` finds devices that have not spoken since the console
 * runs. The empty text matches all.
 */
struct filter;

#define FILTER_TEXT_MAX 512 /* longer texts are refused */
#define FILTER_TERMS    64
#define FILTER_DEPTH    32

struct filter_error {
    size_t at;  /* byte offset of the caret */
    size_t len; /* bytes it is about, at least 1 */
    char text[96];
};

/* NULL and `err` on a mistake. filter_free() it. */
struct filter *filter_compile(const char *text, struct filter_error *err);
/* 'a number is wanted here, at ">80"', or 'at the end': where a caret is not seen. `text` is what
 * was compiled. Returns out. */
#define FILTER_SAID_MAX 160
char *filter_error_said(const struct filter_error *err, const char *text,
                        char out[FILTER_SAID_MAX]);
void filter_free(struct filter *filter); /* NULL is fine */

/*
 * NULL matches all. Not const: the filter remembers what it found out about texts that many devices
 * share. One filter may be used with one fleet only.
 */
bool filter_match(struct filter *filter, const struct fleet *fleet,
                  const struct fleet_device *device, int64_t now_ms);

/* The devices that pass, in the order of the table, into `out`, which has room for fleet_span();
 * how many. The same answers as filter_match(), with the next devices fetched ahead. */
uint32_t filter_select(struct filter *filter, const struct fleet *fleet, int64_t now_ms,
                       uint32_t *out);

/* How many devices pass. */
uint32_t filter_count(struct filter *filter, const struct fleet *fleet, int64_t now_ms);

/* Does the answer change by time alone (seen, cert, rate)? Then a list must be looked at again. */
bool filter_uses_time(const struct filter *filter);

/* A comparison of a reading with one number in a filter: `value` in the canonical unit. */
struct filter_limit {
    uint32_t reading;
    bool above; /* > or >=; else < or <= */
    double value;
};
/* Those of readings that the fleet has met, in the order of the text; how many were written. */
size_t filter_limits(const struct filter *filter, const struct fleet *fleet,
                     struct filter_limit *out, size_t cap);

/*
 * A name in it that says nothing about this fleet: nobody sends such a reading, and nobody has a
 * group "name:…". NULL when there is none. A misspelt name matches nothing, and its negation
 * everything: so an act on many should refuse it, and a list should say it.
 */
const char *filter_unknown(const struct filter *filter, const struct fleet *fleet);

/* What may stand at byte `at` of a half-typed filter, from what the fleet has. */
#define FILTER_HINTS    48
#define FILTER_HINT_MAX 65
struct filter_hints {
    size_t from, to; /* the bytes that one of the words would replace */
    bool value;      /* values of `field`; else names of fields */
    bool more;       /* than FILTER_HINTS */
    char field[PROTO_READING_MAX];
    size_t count;
    char word[FILTER_HINTS][FILTER_HINT_MAX];
};
void filter_complete(const char *text, size_t at, const struct fleet *fleet,
                     struct filter_hints *out);

/*
 * Where the last word of a half-typed filter begins, when it may still become the name of a field
 * of this fleet, or and, or, not; NULL when it may not. Until then it says nothing as a text.
 */
const char *filter_half_word(const char *text, const struct fleet *fleet);

/*
 * A bare word that is in no id and no group may be what a device has in a field: "hw:linux-b". The
 * first such field in the order product, hw, fw, target, slot, rollout, or "" when there is none.
 */
#define FILTER_MEANT_MAX 80
void filter_meant(const char *text, const struct fleet *fleet, char out[FILTER_MEANT_MAX]);

/* Names of the fixed fields for completion: NULL past the last. Readings come from fleet_reading().
 */
const char *filter_field_name(size_t n);

/*
 * The same language over the rows of other lists: alerts, silences, rollouts, releases. A list says
 * which fields its rows have (fleet/rows.h has the tables); `:` of a text is "contains". Where a
 * row belongs to a device, every field of that device may be asked for beside its own, and a name
 * that both have is the row's. A row without a device lacks those.
 */
enum filter_kind {
    FILTER_TEXT,
    FILTER_VERSION, /* a text, in the order of SemVer */
    FILTER_NUMBER,
    FILTER_SPAN, /* seconds: 5m 2h 1h30m 7d */
    FILTER_LEVEL /* one of a few words that have an order */
};
struct filter_field {
    const char *name;
    enum filter_kind kind;
    bool bare;                /* a word without a field is looked for in it */
    const char *const *words; /* FILTER_LEVEL: least first, NULL behind the last */
};
struct filter_cell {
    bool none;        /* it has no such value: matches nothing but != and !~ */
    const char *text; /* TEXT, VERSION: valid until the next call */
    double number;    /* NUMBER, SPAN; LEVEL: place in `words` */
    double step;      /* NUMBER: of what is shown, so that `=` finds it; 0: exact */
};
struct filter_rows {
    const struct filter_field *field;
    size_t count;
    uint32_t (*device)(const void *row); /* it belongs to, or FLEET_NONE; NULL: none ever does */
    void (*cell)(const void *row, size_t field, int64_t now_ms, struct filter_cell *out);
};
/* As filter_compile(); `rows` outlives it. Not for filter_match() and what is above. */
struct filter *filter_compile_rows(const char *text, const struct filter_rows *rows,
                                   struct filter_error *err);
/* `fleet` may be NULL: then no row has a device. A filter that is NULL matches all. */
bool filter_match_row(struct filter *filter, const void *row, const struct fleet *fleet,
                      int64_t now_ms);

/* A list as completion looks at it: row(ctx, n) is valid until the next call, NULL past the last.
 */
struct filter_list {
    const struct filter_rows *rows;
    const struct fleet *fleet; /* may be NULL */
    const void *(*row)(void *ctx, size_t n);
    void *ctx;
    int64_t now_ms;
};
/* As filter_complete() and filter_half_word(). */
void filter_complete_list(const char *text, size_t at, const struct filter_list *list,
                          struct filter_hints *out);
const char *filter_half_word_list(const char *text, const struct filter_list *list);

#endif
