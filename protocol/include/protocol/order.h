#ifndef PROTOCOL_ORDER_H
#define PROTOCOL_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/reason.h"

/* X(NAME, "word", replay class) */
#define VERB_MAP(X)                                                                                \
    X(UPDATE, "update", UPDATE)                                                                    \
    X(ABORT, "abort", UPDATE)                                                                      \
    X(ROLLBACK, "rollback", UPDATE)                                                                \
    X(REBOOT, "reboot", OTHER)                                                                     \
    X(CONFIG, "config", CONFIG)                                                                    \
    X(KEYS, "keys", KEYS)                                                                          \
    X(RENEW, "renew", OTHER)                                                                       \
    X(IDENTIFY, "identify", OTHER)

enum verb {
#define X(name, word, cls) VERB_##name,
    VERB_MAP(X)
#undef X
        VERB_COUNT
};

/* `seq` must rise within its class, so that a late config does not make an update look like a
 * replay. */
enum verb_class {
    VERB_CLASS_UPDATE,
    VERB_CLASS_CONFIG,
    VERB_CLASS_KEYS,
    VERB_CLASS_OTHER,
    VERB_CLASS_COUNT
};

const char *verb_word(enum verb verb);
enum verb_class verb_class(enum verb verb);
int verb_from_word(const char *word, size_t len, enum verb *out); /* 0, or -1 */

/* What a `config` order sets; a field that is absent stays as it is. All or nothing. */
struct order_config {
    bool has_interval, has_url, has_groups, has_ntp;
    uint32_t interval; /* seconds, 1 to 86400 */
    char url[PROTO_URL_MAX];
    char groups[PROTO_GROUP_COUNT][PROTO_GROUP_MAX];
    uint32_t group_count;
    char ntp[PROTO_HOST_MAX];
};

/* Times are Unix seconds. Fields that a verb does not have are zero or empty. */
struct order {
    enum verb verb;
    uint32_t seq;
    uint64_t iat, nbf, exp;
    uint32_t attempt;
    uint32_t jitter; /* s */
    uint32_t trial;  /* s */
    char fleet[PROTO_FLEET_MAX];
    char dev[PROTO_ID_MAX];
    char rollout[PROTO_ROLLOUT_MAX];
    uint8_t release[PROTO_SHA256_LEN]; /* SHA-256 of the release JWS text */
    char url[PROTO_URL_MAX];           /* order_url_is_valid(); the digest is appended */
    struct order_config set;           /* verb config */
};

/*
 * Strict: duplicate keys, a missing or mistyped field for the verb, trailing bytes, nesting deeper
 * than needed, NUL, invalid UTF-8 and an unknown key named in "crit" are REASON_BAD_ORDER (a bad
 * value inside `set`: REASON_BAD_CONFIG); other unknown keys are ignored. No heap.
 */
enum reason order_decode(const char *json, size_t len, struct order *out);
/* Returns the length written to `out` (terminated), or -1 when it does not fit. */
int order_encode(const struct order *order, char *out, size_t cap);

/* Bodies on commands/<verb>: spans into `json`, which must outlive them. `release` is empty for
 * verbs other than update. */
struct command_body {
    const char *order;
    size_t order_len;
    const char *release;
    size_t release_len;
    const char *keyset; /* verb keys: the raw JSON object */
    size_t keyset_len;
};
enum reason command_body_split(const char *json, size_t len, struct command_body *out);
/* {"order":"…"} or {"order":"…","release":"…"} (release NULL: without). Length, or -1. */
int command_body_encode(const char *order_jws, const char *release_jws, char *out, size_t cap);
/* {"order":"…","keyset":{…}}, the keyset as it was signed. Length, or -1. */
int command_keys_encode(const char *order_jws, const char *keyset_json, char *out, size_t cap);

#endif
