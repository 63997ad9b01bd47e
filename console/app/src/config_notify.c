#include "config_notify.h"

#include <string.h>

#include "base/text.h"

static struct profile_notify *find_or_add(struct profile *p, const char *name)
{
    for (size_t i = 0; i < p->notify_count; i++) {
        if (strcmp(p->notify[i].name, name) == 0)
            return &p->notify[i];
    }
    if (p->notify_count == PROFILE_NOTIFY_MAX)
        return NULL;
    return &p->notify[p->notify_count];
}

static bool path_from(const struct profile *p, char *out, size_t cap, const char *value)
{
    return value[0] == '/' ? text_copy(out, cap, value)
                           : text_format(out, cap, "%s/%s", p->dir, value);
}

int config_notify_field(struct profile *p, const char *name, const char *key, const char *value,
                        char *why, size_t cap)
{
    struct profile_notify *n = find_or_add(p, name);
    const struct {
        const char *key;
        char *at;
        size_t size;
        bool is_path;
    } row[] = {
        { "kind", n ? n->kind : NULL, sizeof(n->kind), false },
        { "on", n ? n->on : NULL, sizeof(n->on), false },
        { "url", n ? n->url : NULL, sizeof(n->url), false },
        { "command", n ? n->command : NULL, sizeof(n->command), false },
        { "token_file", n ? n->token_file : NULL, sizeof(n->token_file), true },
        { "chat", n ? n->chat : NULL, sizeof(n->chat), false },
        { "ca", n ? n->ca : NULL, sizeof(n->ca), true },
    };

    if (!n) {
        text_format(why, cap, "more than %d [notify] sections", PROFILE_NOTIFY_MAX);
        return -1;
    }
    if (!*name || strlen(name) >= sizeof(n->name)) {
        text_format(why, cap, "[notify NAME]: a name of 1 to %zu characters", sizeof(n->name) - 1);
        return -1;
    }
    if (!n->name[0]) {
        text_copy(n->name, sizeof(n->name), name);
        p->notify_count++;
    }
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        if (strcmp(row[i].key, key) != 0)
            continue;
        bool fits = row[i].is_path ? path_from(p, row[i].at, row[i].size, value)
                                   : text_copy(row[i].at, row[i].size, value);
        if (!fits)
            text_format(why, cap, "%s is too long", key);
        return fits ? 0 : -1;
    }
    return 1;
}
