#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "protocol/report.h"

/* What decodes can be encoded within the limit, and decodes to the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ota_report first, second;
    char text[PROTO_REPORT_BYTES + 1];

    if (ota_report_decode((const char *)data, size, &first) != 0)
        return 0;
    int n = ota_report_encode(&first, text, sizeof(text));
    CHECK(n > 0 && text[n] == '\0');
    CHECK(ota_report_decode(text, (size_t)n, &second) == 0);
    CHECK(memcmp(&first, &second, sizeof(first)) == 0);
    return 0;
}
