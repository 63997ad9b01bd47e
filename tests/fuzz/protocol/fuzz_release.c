#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "protocol/release.h"

/* What decodes can be encoded within the limit, and decodes to the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct release first, second;
    char text[PROTO_RELEASE_BYTES + 1];

    if (release_decode((const char *)data, size, &first) != REASON_NONE)
        return 0;
    int n = release_encode(&first, text, sizeof(text));
    CHECK(n > 0 && text[n] == '\0');
    CHECK(release_decode(text, (size_t)n, &second) == REASON_NONE);
    CHECK(memcmp(&first, &second, sizeof(first)) == 0);
    return 0;
}
