#ifndef SCREENS_KEYS_SCREEN_H
#define SCREENS_KEYS_SCREEN_H

#include "fleet/adoption.h"
#include "screens/trust.h"

/* The state of the keys screen (keys_view.h). */

#define KEYS_BEHIND   64  /* devices that are named; all are counted */
#define KEYS_LINES    512 /* laid out; more than everything at its most needs */
#define KEYS_NAME_MAX (PROTO_ID_MAX + 32)

enum keys_section {
    KEYS_TO_DO,
    KEYS_WHO,
    KEYS_SET,
    KEYS_OF_FLEET, /* from here on: in the right column, where there are two */
    KEYS_SENT,
    KEYS_BEHIND_LIST,
    KEYS_SECTIONS
};

enum keys_line_kind {
    KEYS_HEAD,
    KEYS_NOTE,
    KEYS_FINDING, /* index: of the finding; from, len: the part of its text */
    KEYS_FINDING_MORE,
    KEYS_TODO,
    KEYS_TODO_MORE,
    KEYS_NAME,
    KEYS_KEY_AT,
    KEYS_SERIAL,
    KEYS_HASH, /* index: which part */
    KEYS_HASH_MORE,
    KEYS_AUTHORITY, /* index: of the authority */
    KEYS_KEY,       /* index: in the keyset */
    KEYS_FLOORS,
    KEYS_SHARE, /* index: enum keys_share */
    KEYS_CERTS,
    KEYS_LATE, /* index: in `behind` */
    KEYS_MORE,
    KEYS_ORDER /* index: of the order */
};

enum keys_share { SHARE_HAVE, SHARE_BEFORE, SHARE_OLDER, SHARE_UNKNOWN, SHARE_BEHIND };

struct keys_line {
    uint8_t kind, section, column;
    uint16_t index, from, len;
};

struct keys_screen {
    struct adoption adoption; /* as counted last */
    char behind[KEYS_BEHIND][PROTO_ID_MAX];
    uint32_t behind_count;
    struct trust_finding finding[TRUST_FINDINGS_MAX]; /* that are not fine, the worst first */
    size_t finding_count;
    int64_t counted_ms;
    const struct fleet *of; /* what was counted */
    uint64_t facts;         /* ui_model.trust_seen then */

    struct keys_line line[KEYS_LINES]; /* of the last picture */
    int count;
    int at;                     /* the chosen one */
    char chosen[KEYS_NAME_MAX]; /* what it is about */
    int top[2], page, list_row; /* of the columns; rows drawn, and where they begin */
    int split;                  /* screen column where the right one begins; 0: there is one */
};

#endif
