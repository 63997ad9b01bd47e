#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "screens/theme.h"

/* Any text gives a theme whose styles are in range, whatever it inherits. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *source(void *ctx, const char *name)
{
    return *name == 'x' ? ctx : NULL; /* itself: a circle */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_alloc(size + 1);
    struct theme t;
    memcpy(text, data, size);
    theme_parse(&t, "fuzz", text, source, NULL, text);
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        struct theme_style s = theme_resolve(&t, (enum role)i, ROLE_SELECTION);
        if ((s.fg.kind == COLOUR_INDEX && s.fg.value > 255) || s.fg.value > 0xffffff)
            abort();
        if (theme_nearest(s.fg.value, 256) > 255 || theme_nearest(s.fg.value, 8) > 7)
            abort();
    }
    free(text);
    return 0;
}
