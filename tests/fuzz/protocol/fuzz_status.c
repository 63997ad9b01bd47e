#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "protocol/status.h"

/* What decodes can be encoded within the limit, and decodes to the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct device_status first, second;
    char text[PROTO_STATUS_BYTES + 1];

    if (device_status_decode((const char *)data, size, &first) != 0)
        return 0;
    int n = device_status_encode(&first, text, sizeof(text));
    CHECK(n > 0 && text[n] == '\0');
    CHECK(device_status_decode(text, (size_t)n, &second) == 0);
    CHECK(memcmp(&first, &second, sizeof(first)) == 0);
    return 0;
}
