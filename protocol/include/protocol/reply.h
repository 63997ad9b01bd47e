#ifndef PROTOCOL_REPLY_H
#define PROTOCOL_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/order.h"
#include "protocol/reason.h"

/* devices/<id>/reply/<verb>: {"verb","seq","ok","reason","detail","ts"}; MQTT 5 correlation data of
 * the command is echoed. */
struct reply {
    enum verb verb;
    uint32_t seq;
    bool ok;
    enum reason reason; /* NONE when ok */
    char detail[PROTO_DETAIL_MAX];
    uint64_t ts; /* Unix s, 0 when not known */
};
int reply_encode(const struct reply *reply, char *out, size_t cap); /* no heap; length, or -1 */
int reply_decode(const char *json, size_t len, struct reply *out);  /* no heap; 0, or -1 */

#endif
