#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "screens/ui.h"

/* Any text may stand in the state file: what was understood of it is written, and read again gives
 * the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const char *text, char *out)
{
    struct ui *ui = ui_new();
    ui_state_read(ui, text);
    ui_state_write(ui, out, UI_STATE_MAX);
    ui_free(ui);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_alloc(size + 1), *once = mem_alloc(UI_STATE_MAX);
    char *twice = mem_alloc(UI_STATE_MAX);
    memcpy(text, data, size);
    round_trip(text, once);
    round_trip(once, twice);
    if (strcmp(once, twice) != 0)
        abort();
    free(text);
    free(once);
    free(twice);
    return 0;
}
