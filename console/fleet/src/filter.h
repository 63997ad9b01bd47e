#ifndef FLEET_SRC_FILTER_H
#define FLEET_SRC_FILTER_H

#include <regex.h>

#include "fleet/filter.h"
#include "internal.h"

/*
 * A compiled filter: terms and a program over one accumulator. `and` jumps over its right side when
 * the accumulator is false, `or` when it is true, so no stack is needed.
 */
enum field {
    FIELD_TEXT, /* no field: a bare word */
    FIELD_ID,
    FIELD_STATE,
    FIELD_PRODUCT,
    FIELD_HW,
    FIELD_FW,
    FIELD_TARGET,
    FIELD_SLOT,
    FIELD_GROUPS,
    FIELD_SEEN,
    FIELD_UPTIME,
    FIELD_BOOTS,
    FIELD_RESET,
    FIELD_ALERTS,
    FIELD_CERT,
    FIELD_KEYSET,
    FIELD_OTA,
    FIELD_REASON,
    FIELD_ROLLOUT,
    FIELD_SOURCE,
    FIELD_RATE,
    FIELD_READING,
    FIELD_LABEL, /* a group "name:value" */
    FIELD_ROW,   /* of a row of another list */
};

/* How a field's values compare. */
enum field_type {
    TYPE_STRING,
    TYPE_WORD, /* a shared text: the answer is remembered by its number */
    TYPE_VERSION,
    TYPE_STATE,
    TYPE_NUMBER,
    TYPE_DURATION,
    TYPE_LEVEL, /* of a row: words in an order */
};

enum compare { CMP_HAS, CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE, CMP_LIKE, CMP_UNLIKE };

enum { VALUE_MAX = 65, LIST_MAX = 16 };

struct filter_value {
    char text[VALUE_MAX]; /* lower case when `fold` */
    size_t len;
    bool fold;             /* compare without case */
    bool regex;            /* `re` is compiled */
    bool never;            /* seen=never */
    bool shown;            /* number: in the unit the console shows */
    double number, factor; /* of its unit, when it has one */
    regex_t re;
};

struct term {
    enum field field;
    enum field_type type;
    enum compare compare;
    uint32_t first, count; /* in filter.value */
    size_t row_field;      /* FIELD_ROW: in filter.rows */
    char reading[PROTO_READING_MAX];
    uint32_t reading_at; /* FLEET_NONE: nobody sent it yet */
    uint8_t *memo;       /* per word: 0 not known, 1 no, 2 yes */
    uint32_t memo_count;
};

enum op { OP_TERM, OP_NOT, OP_SKIP_FALSE, OP_SKIP_TRUE };

struct instr {
    uint8_t op;
    uint16_t arg; /* term, or where to go on */
};

enum { INSTR_MAX = FILTER_TERMS * 4, VALUES_MAX = FILTER_TERMS * 2 };

struct filter {
    const struct filter_rows *rows; /* NULL: over devices */
    const void *row;                /* that is being looked at */
    uint32_t term_count, value_count, instr_count;
    uint32_t readings_seen; /* reading names resolved so far */
    struct term term[FILTER_TERMS];
    struct instr instr[INSTR_MAX];
    struct filter_value value[VALUES_MAX];
};

/* What a filter looks at behind pointers; fetch it FILTER_AHEAD devices before it is needed, and
 * the device itself twice as far. Indices past the end are fine. */
enum { FILTER_AHEAD = 12 };
struct filter_wants {
    bool id, value, ota;
};
struct filter_wants filter_wants(const struct filter *filter);
void filter_fetch(const struct fleet *fleet, uint32_t far, uint32_t near, struct filter_wants w);

/* The row's field of that name; rows->count when it has none. */
size_t filter_row_field(const struct filter_rows *rows, const char *name);

/* The field of that name; FIELD_READING when it is none of the fixed ones. */
enum field filter_field_named(const char *name);

#endif
