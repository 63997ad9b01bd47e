#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes as they come from a socket: find heads, parse each, and check what callers rely on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    while (size > 0) {
        size_t skip = 0;
        long head = http_head_length(at, size, &skip);
        if (head <= 0)
            break;
        if (skip + (size_t)head > size || head > HTTP_HEAD_MAX + 4)
            abort();
        struct http_request r;
        if (http_parse(at + skip, (size_t)head, &r) == 0) {
            uint64_t first = 0, last = 0, length = 1 + (uint64_t)r.path[1];
            if (r.path[0] != '/' || strpbrk(r.path, " \t\r\n"))
                abort();
            if (http_range(r.range, length, &first, &last) == HTTP_RANGE_PART &&
                (first > last || last >= length))
                abort();
        }
        at += skip + (size_t)head;
        size -= skip + (size_t)head;
    }
    return 0;
}
