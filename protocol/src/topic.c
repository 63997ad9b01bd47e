#include "protocol/topic.h"

#include <stdbool.h>
#include <string.h>

#include "protocol/id.h"

/* What follows devices/<id>/, and whether something more must follow that. */
static const struct {
    const char *path;
    bool has_sub;
} device_path[] = {
    [TOPIC_STATUS] = { "status", false },    [TOPIC_TELEMETRY] = { "telemetry/", true },
    [TOPIC_LOG] = { "log", false },          [TOPIC_REPORT] = { "ota/report", false },
    [TOPIC_COMMAND] = { "commands/", true }, [TOPIC_REPLY] = { "reply/", true },
};

static const char rollouts[] = "fleet/rollouts/";
static const char releases[] = "fleet/releases/";

/* A telemetry group may have levels below it; a verb may not. */
static bool sub_is_valid(enum topic_kind kind, const char *sub, size_t len)
{
    if (kind != TOPIC_TELEMETRY)
        return len < PROTO_VERB_MAX && name_is_valid(sub, len);
    for (size_t i = 0; i < len; i++)
        if (sub[i] <= ' ' || sub[i] > '~' || sub[i] == '+' || sub[i] == '#')
            return false;
    return len > 0 && len < PROTO_ID_MAX;
}

static void copy(char *out, const char *text, size_t len)
{
    memcpy(out, text, len);
    out[len] = '\0';
}

static const char *after(const char *text, const char *prefix, size_t len)
{
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static void parse_fleet(const char *text, struct topic *out)
{
    const char *rollout = after(text, rollouts, sizeof(rollouts) - 1);
    const char *product = after(text, releases, sizeof(releases) - 1);

    if (rollout && rollout_id_is_valid(rollout, strlen(rollout))) {
        out->kind = TOPIC_ROLLOUT;
        copy(out->id, rollout, strlen(rollout));
    } else if (product && name_is_valid(product, strlen(product))) {
        out->kind = TOPIC_RELEASE;
        copy(out->id, product, strlen(product));
    }
}

static void parse_device(const char *text, struct topic *out)
{
    const char *slash = strchr(text, '/');

    if (!slash || !id_is_valid(text, (size_t)(slash - text)))
        return;
    for (unsigned k = TOPIC_STATUS; k <= TOPIC_REPLY; k++) {
        const char *sub = after(slash + 1, device_path[k].path, strlen(device_path[k].path));
        if (!sub)
            continue;
        size_t len = strlen(sub);
        if (device_path[k].has_sub ? !sub_is_valid((enum topic_kind)k, sub, len) : len > 0)
            continue;
        out->kind = (enum topic_kind)k;
        copy(out->id, text, (size_t)(slash - text));
        copy(out->sub, sub, len);
        return;
    }
}

void topic_parse(const char *root, const char *text, struct topic *out)
{
    size_t len = strlen(root);

    out->kind = TOPIC_OTHER;
    out->id[0] = '\0';
    out->sub[0] = '\0';
    const char *rest = after(text, root, len);
    if (rest && *rest == '/')
        parse_device(rest + 1, out);
    if (out->kind == TOPIC_OTHER)
        parse_fleet(text, out);
}

struct builder {
    char *out;
    size_t cap, len;
    bool full;
};

static void add(struct builder *b, const char *text)
{
    size_t n = strlen(text);

    if (b->full || n >= b->cap - b->len) {
        b->full = true;
        return;
    }
    memcpy(b->out + b->len, text, n);
    b->len += n;
}

static bool add_device(struct builder *b, const char *root, const char *id, enum topic_kind kind,
                       const char *sub)
{
    bool has_sub = device_path[kind].has_sub;

    if (!id_is_valid(id, strlen(id)) ||
        (has_sub && (!sub || !sub_is_valid(kind, sub, strlen(sub)))))
        return false;
    add(b, root);
    add(b, "/");
    add(b, id);
    add(b, "/");
    add(b, device_path[kind].path);
    if (has_sub)
        add(b, sub);
    return true;
}

static bool add_fleet(struct builder *b, const char *id, enum topic_kind kind)
{
    size_t len = strlen(id);
    bool rollout = kind == TOPIC_ROLLOUT;

    if (!(rollout ? rollout_id_is_valid(id, len) : name_is_valid(id, len)))
        return false;
    add(b, rollout ? rollouts : releases);
    add(b, id);
    return true;
}

int topic_format(char *out, size_t cap, const char *root, const char *id, enum topic_kind kind,
                 const char *sub)
{
    struct builder b = { .out = out, .cap = cap, .full = cap == 0 };
    bool ok = false;

    if (kind >= TOPIC_STATUS && kind <= TOPIC_REPLY)
        ok = add_device(&b, root, id, kind, sub);
    else if (kind == TOPIC_ROLLOUT || kind == TOPIC_RELEASE)
        ok = add_fleet(&b, id, kind);
    if (cap > 0)
        out[ok && !b.full ? b.len : 0] = '\0';
    return ok && !b.full ? (int)b.len : -1;
}
