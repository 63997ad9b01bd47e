#ifndef PROTOCOL_TOPIC_H
#define PROTOCOL_TOPIC_H

#include <stddef.h>

#include "protocol/limits.h"
#include "protocol/order.h"

enum topic_kind {
    TOPIC_OTHER, /* not one of ours */
    TOPIC_STATUS,
    TOPIC_TELEMETRY, /* sub = group */
    TOPIC_LOG,
    TOPIC_REPORT,
    TOPIC_COMMAND, /* sub = verb */
    TOPIC_REPLY,   /* sub = verb */
    TOPIC_ROLLOUT, /* fleet/rollouts/<id>, id = rollout */
    TOPIC_RELEASE  /* fleet/releases/<product>, id = product */
};

struct topic {
    enum topic_kind kind;
    char id[PROTO_ID_MAX];
    char sub[PROTO_ID_MAX];
};

/* `root` is "devices" unless configured. A malformed or foreign topic is TOPIC_OTHER, never an
 * error. */
void topic_parse(const char *root, const char *text, struct topic *out);

/* Build; length, or -1 when it does not fit. */
int topic_format(char *out, size_t cap, const char *root, const char *id, enum topic_kind kind,
                 const char *sub);

#endif
