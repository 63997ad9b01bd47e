#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int named(const char *name, size_t len)
{
    static const struct {
        const char *name;
        int key;
    } names[] = {
        { "Enter", K_ENTER },  { "Esc", K_ESC },    { "Tab", K_TAB },   { "S-Tab", K_BACKTAB },
        { "Up", K_UP },        { "Down", K_DOWN },  { "PgUp", K_PGUP }, { "PgDn", K_PGDN },
        { "Home", K_HOME },    { "End", K_END },    { "Left", K_LEFT }, { "Right", K_RIGHT },
        { "BS", K_BACKSPACE }, { "Del", K_DELETE }, { "Space", ' ' },   { "lt", '<' },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0)
            return names[i].key;
    }
    if (len == 3 && name[0] == 'C' && name[1] == '-')
        return K_CTRL(name[2]);
    if (len == 2 && name[0] == 'F')
        return K_FN(name[1] - '0');
    fprintf(stderr, "keys: <%.*s> is no key\n", (int)len, name);
    abort();
}

void keys_type(struct ui *ui, const struct ui_model *m, struct canvas *c, const char *script,
               struct ui_effects *last)
{
    ui_draw(ui, m, c);
    while (*script) {
        struct ui_event ev = { .kind = UI_KEY };
        struct ui_effects fx;
        uint32_t cp = 0;
        const char *end = *script == '<' ? strchr(script, '>') : NULL;
        if (end) {
            ev.key = named(script + 1, (size_t)(end - script - 1));
            script = end + 1;
        } else {
            size_t len = utf8_decode(script, strlen(script), &cp);
            ev.key = (int)cp;
            script += len ? len : 1;
        }
        ui_step(ui, &ev, m, &fx);
        if (last && fx.count)
            *last = fx;
        ui_draw(ui, m, c);
    }
}
