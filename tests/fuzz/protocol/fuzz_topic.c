#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "protocol/topic.h"

/* A topic that is ours can be built again from its parts, to the byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[PROTO_TOPIC_MAX + 64], again[PROTO_TOPIC_MAX];
    struct topic t;

    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    topic_parse("devices", text, &t);
    if (t.kind == TOPIC_OTHER)
        return 0;
    int n = topic_format(again, sizeof(again), "devices", t.id, t.kind, t.sub);
    CHECK(n > 0 && strcmp(again, text) == 0);
    return 0;
}
