#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "protocol/reply.h"

/* What decodes can be encoded within the limit, and decodes to the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reply first, second;
    char text[PROTO_REPLY_BYTES + 1];

    if (reply_decode((const char *)data, size, &first) != 0)
        return 0;
    int n = reply_encode(&first, text, sizeof(text));
    CHECK(n > 0 && text[n] == '\0');
    CHECK(reply_decode(text, (size_t)n, &second) == 0);
    CHECK(memcmp(&first, &second, sizeof(first)) == 0);
    return 0;
}
