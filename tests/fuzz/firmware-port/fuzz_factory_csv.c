/* The factory's settings, a file that people edit. */
#undef NDEBUG /* the fuzz preset optimises; what must hold is checked all the same */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct csv_row row;
    struct csv csv;
    const char *why = NULL;
    int more = csv_begin(&csv, (const char *)data, size, &why) ? -1 : 1;
    while (more > 0) {
        size_t before = csv.at;
        more = csv_next(&csv, &row, &why);
        if (more <= 0)
            break;
        assert(csv.at > before && csv.at <= size);
        assert(strlen(row.ns) <= NVS_NAME_MAX && strlen(row.key) <= NVS_NAME_MAX);
        assert(row.type != NVS_STR || strlen(row.value) == row.len);
        assert(row.len <= NVS_VALUE_MAX);
    }
    assert(more == 0 || why);
    return 0;
}
