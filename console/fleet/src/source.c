#include <string.h>

#include "base/text.h"
#include "internal.h"

const char *fleet_state_word(enum fleet_state state)
{
    switch (state) {
#define X(name, word)                                                                              \
    case FLEET_##name:                                                                             \
        return word;
        FLEET_STATE_MAP(X)
#undef X
    case FLEET_STATES:
        break;
    }
    return "unknown";
}

bool fleet_topic_matches(const char *filter, const char *topic)
{
    /* MQTT 5 section 4.7.2: a leading wildcard does not match $SYS and its like. */
    if (*topic == '$' && *filter != '$')
        return false;
    for (;;) {
        size_t want = strcspn(filter, "/");
        size_t have = strcspn(topic, "/");
        if (want == 1 && *filter == '#')
            return true;
        if (!(want == 1 && *filter == '+') && (want != have || memcmp(filter, topic, want) != 0))
            return false;
        filter += want;
        topic += have;
        if (!*filter)
            return !*topic;
        if (!*topic)
            return strcmp(filter, "/#") == 0; /* "a/#" also matches its parent "a" */
        filter++;
        topic++;
    }
}

/* A filter that subscribes: no empty text, '#' alone and last, '+' alone in its level. */
static bool filter_is_valid(const char *filter)
{
    if (!*filter)
        return false;
    for (;;) {
        size_t len = strcspn(filter, "/");
        bool wild = memchr(filter, '#', len) || memchr(filter, '+', len);
        if (wild && len != 1)
            return false;
        if (*filter == '#' && filter[len])
            return false;
        if (!filter[len])
            return true;
        filter += len + 1;
    }
}

static int parse_id(const char *id, struct fleet_source *out)
{
    uint64_t level;

    if (strncmp(id, "tag:", 4) == 0) {
        out->from = FLEET_ID_TAG;
        return id[4] && text_copy(out->key, sizeof(out->key), id + 4) ? 0 : -1;
    }
    if (strncmp(id, "json:", 5) == 0) {
        out->from = FLEET_ID_JSON;
        return id[5] && text_copy(out->key, sizeof(out->key), id + 5) ? 0 : -1;
    }
    if (strncmp(id, "topic:", 6) == 0 && text_to_u64(id + 6, 1, 32, &level)) {
        out->from = FLEET_ID_TOPIC;
        out->level = (uint32_t)level;
        return 0;
    }
    return -1;
}

int fleet_source_parse(const char *name, const char *topic, const char *id,
                       struct fleet_source *out, struct err *err)
{
    memset(out, 0, sizeof(*out));
    if (!*name || !text_copy(out->name, sizeof(out->name), name))
        return err_set(err, EXIT_USAGE, "source needs a name of 1 to %d bytes", PROTO_ID_MAX - 1);
    if (!filter_is_valid(topic) || !text_copy(out->topic, sizeof(out->topic), topic))
        return err_set(err, EXIT_USAGE,
                       "source %s: '%s' is not an MQTT topic filter of at most %d bytes", name,
                       topic, PROTO_TOPIC_MAX - 1);
    if (parse_id(id, out) != 0)
        return err_set(err, EXIT_USAGE,
                       "source %s: id '%s' is not tag:NAME, json:NAME or topic:LEVEL (1 to 32)",
                       name, id);
    return 0;
}

const char *fleet_source_name(const struct fleet *fleet, const struct fleet_device *d)
{
    return d->source && d->source <= fleet->source_count ? fleet->source[d->source - 1].name : "";
}
