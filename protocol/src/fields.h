#ifndef PROTOCOL_FIELDS_H
#define PROTOCOL_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/json_read.h"

/*
 * The members of a JSON object and where they go in a struct, as a table: it is a third of the code
 * that would say the same, and names what "crit" may list.
 */
enum field_kind {
    FIELD_U32,
    FIELD_U64,
    FIELD_TEXT,   /* `size` counts the NUL */
    FIELD_HEX,    /* exactly `size` bytes */
    FIELD_OTHER,  /* known, and read by other means */
    FIELD_MAY = 8 /* or-ed: need not be there */
};

struct field {
    const char *name;
    uint16_t offset; /* in the struct */
    uint8_t size;    /* of the member */
    uint8_t kind;
};

#define FIELD(kind, st, member, name)                                                              \
    {                                                                                              \
        name, offsetof(struct st, member), sizeof(((struct st *)0)->member), kind                  \
    }
#define FIELD_NAME(name)                                                                           \
    {                                                                                              \
        name, 0, 0, FIELD_OTHER                                                                    \
    }

/* Read these members of `object` into `out`, which begins as all zero. 0; or -1 when one is missing
 * or is not what it should be. */
int fields_read(struct json *j, int object, const struct field *rows, size_t count, void *out);

#endif
