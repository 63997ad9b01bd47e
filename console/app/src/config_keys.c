#include "config_keys.h"

int config_keymap(const struct profile *p, struct keymap *out, struct err *err)
{
    char why[160];
    int line;

    keymap_default(out);
    for (size_t i = 0; i < p->key_count; i++) {
        const struct profile_key *k = &p->key[i];
        if (keymap_bind(out, k->action, k->keys, k->line, why, sizeof(why)))
            return err_set(err, EXIT_USAGE, "%s:%d: [keys] %s: %s", p->path, k->line, k->action,
                           why);
    }
    if (keymap_check(out, &line, why, sizeof(why)))
        return err_set(err, EXIT_USAGE, "%s:%d: [keys] %s", p->path, line, why);
    return 0;
}
