#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rollout/window.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any bytes are a zone or none. In a zone changes come in order, offsets stay within a day or so,
 * and between two changes nothing moves; a window's next change is one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct window window = { .from_min = 60, .to_min = 300, .days = 0x1f, .tz = "X" };
    static struct zone z;
    int64_t t = size > 0 ? (int64_t)data[size - 1] << 26 : 0;

    if (zone_from_bytes(&z, data, size, NULL) != 0) {
        if (zone_offset(&z, t) != 0)
            abort();
        return 0;
    }
    for (int i = 0; i < 20 && t < ZONE_NEWEST; i++) {
        int64_t next = zone_next_change(&z, t);
        int32_t offset = zone_offset(&z, t);
        if (next <= t || offset < -93599 || offset > 93599)
            abort();
        if (next < INT64_MAX && zone_offset(&z, t + (next - t) / 2) != offset)
            abort();
        int64_t change = window_next_change(&window, &z, t);
        if (change < INT64_MAX &&
            window_is_open(&window, &z, change) == window_is_open(&window, &z, t))
            abort();
        t = next;
    }
    return 0;
}
