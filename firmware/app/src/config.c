#include "app/config.h"

#include <string.h>

#include "app/features.h"
#include "ota/agent.h"
#include "protocol/id.h"
#include "text.h"

enum { INTERVAL_DEFAULT = 60, INTERVAL_MAX = 86400, PORT_DEFAULT = 8883 };

/* The one key of namespace config that holds everything orders have changed. */
static const char record_key[] = "set";

const char *app_sensor_word(enum app_sensor sensor)
{
    static const char *const words[APP_SENSOR_COUNT] = {
#define X(name, word) [APP_SENSOR_##name] = (word),
        APP_SENSOR_MAP(X)
#undef X
    };

    return (unsigned)sensor < APP_SENSOR_COUNT ? words[sensor] : "unknown";
}

bool app_sensor_is_built(enum app_sensor sensor)
{
    static const bool built[APP_SENSOR_COUNT] = {
#define X(name, word) [APP_SENSOR_##name] = FW_##name,
        APP_SENSOR_MAP(X)
#undef X
    };

    return (unsigned)sensor < APP_SENSOR_COUNT && built[sensor];
}

const char *app_ns_word(enum app_ns ns)
{
    return ns == APP_NS_FACTORY ? "factory" : "config";
}

/* ---- checking ------------------------------------------------------------------------------- */

static bool groups_are_valid(const struct order_config *set)
{
    if (set->group_count > PROTO_GROUP_COUNT)
        return false;
    for (uint32_t i = 0; i < set->group_count; i++) {
        if (!group_is_valid(set->groups[i], strlen(set->groups[i])))
            return false;
    }
    return true;
}

enum reason app_config_check(const struct order_config *set, const char **field)
{
    *field = NULL;
    if (set->has_interval && (set->interval < 1 || set->interval > INTERVAL_MAX))
        *field = "interval";
    else if (set->has_url && !base_url_is_valid(set->url, strlen(set->url)))
        *field = "url";
    else if (set->has_groups && !groups_are_valid(set))
        *field = "groups";
    else if (set->has_ntp && !host_is_valid(set->ntp, strlen(set->ntp)))
        *field = "ntp";
    return *field ? REASON_BAD_CONFIG : REASON_NONE;
}

/* ---- the record ----------------------------------------------------------------------------- */

int app_config_record_encode(const struct order_config *set, char *out, size_t cap)
{
    struct text t = text_begin(out, cap);

    if (set->has_interval) {
        text_str(&t, "interval=");
        text_u64(&t, set->interval);
        text_str(&t, "\n");
    }
    if (set->has_url) {
        text_str(&t, "url=");
        text_str(&t, set->url);
        text_str(&t, "\n");
    }
    if (set->has_groups) {
        text_str(&t, "groups=");
        for (uint32_t i = 0; i < set->group_count; i++) {
            text_str(&t, i ? "," : "");
            text_str(&t, set->groups[i]);
        }
        text_str(&t, "\n");
    }
    if (set->has_ntp) {
        text_str(&t, "ntp=");
        text_str(&t, set->ntp);
        text_str(&t, "\n");
    }
    return text_end(&t);
}

static int add_group(void *ctx, const char *item, size_t len)
{
    struct order_config *set = ctx;

    if (set->group_count == PROTO_GROUP_COUNT)
        return -1;
    return text_copy(set->groups[set->group_count++], PROTO_GROUP_MAX, item, len);
}

static int read_groups(struct order_config *set, const char *list, size_t len)
{
    set->has_groups = true;
    set->group_count = 0;
    return text_split(list, len, add_group, set);
}

static bool is_key(const char *line, size_t key_len, const char *key)
{
    return key_len == strlen(key) && memcmp(line, key, key_len) == 0;
}

static int read_line(struct order_config *set, const char *line, size_t len)
{
    const char *eq = memchr(line, '=', len);
    size_t key_len = eq ? (size_t)(eq - line) : 0;
    const char *value = line + key_len + 1;
    size_t value_len;

    if (!eq)
        return -1;
    value_len = len - key_len - 1;
    if (is_key(line, key_len, "interval")) {
        set->has_interval = true;
        return text_to_u32(value, value_len, INTERVAL_MAX, &set->interval);
    }
    if (is_key(line, key_len, "url")) {
        set->has_url = true;
        return text_copy(set->url, sizeof(set->url), value, value_len);
    }
    if (is_key(line, key_len, "groups"))
        return read_groups(set, value, value_len);
    if (is_key(line, key_len, "ntp")) {
        set->has_ntp = true;
        return text_copy(set->ntp, sizeof(set->ntp), value, value_len);
    }
    return 0; /* written by a newer firmware that was rolled back */
}

int app_config_record_decode(const char *text, size_t len, struct order_config *out)
{
    const char *field;

    memset(out, 0, sizeof(*out));
    while (len > 0) {
        const char *end = memchr(text, '\n', len);

        if (!end || read_line(out, text, (size_t)(end - text)) != 0)
            return -1;
        len -= (size_t)(end - text) + 1;
        text = end + 1;
    }
    return app_config_check(out, &field) == REASON_NONE ? 0 : -1;
}

/* ---- loading and changing ------------------------------------------------------------------- */

/* Lay `from` over `onto`: only the fields that `from` has. */
static void overlay(struct order_config *onto, const struct order_config *from)
{
    if (from->has_interval) {
        onto->has_interval = true;
        onto->interval = from->interval;
    }
    if (from->has_url) {
        onto->has_url = true;
        memcpy(onto->url, from->url, sizeof(onto->url));
    }
    if (from->has_groups) {
        onto->has_groups = true;
        onto->group_count = from->group_count;
        memcpy(onto->groups, from->groups, sizeof(onto->groups));
    }
    if (from->has_ntp) {
        onto->has_ntp = true;
        memcpy(onto->ntp, from->ntp, sizeof(onto->ntp));
    }
}

static void take_effect(struct app_config *config)
{
    const struct order_config *set = &config->set;

    if (set->has_interval)
        config->interval = set->interval;
    if (set->has_url)
        memcpy(config->url, set->url, sizeof(config->url));
    if (set->has_groups) {
        config->group_count = set->group_count;
        memcpy(config->groups, set->groups, sizeof(config->groups));
    }
    if (set->has_ntp)
        memcpy(config->ntp, set->ntp, sizeof(config->ntp));
}

static int add_sensor(void *ctx, const char *item, size_t len)
{
    struct app_config *config = ctx;

    for (int i = 0; i < APP_SENSOR_COUNT; i++) {
        if (app_sensor_is_built((enum app_sensor)i) &&
            is_key(item, len, app_sensor_word((enum app_sensor)i))) {
            config->has_sensor[i] = true;
            return 0;
        }
    }
    config->unknown_sensor = true;
    return 0;
}

/* An optional factory string: empty when absent. Returns its length. */
static size_t factory_str(const struct app_platform *p, const char *key, char *out, size_t cap)
{
    int len = p->nvs_get_str(p->ctx, APP_NS_FACTORY, key, out, cap);

    if (len < 0)
        out[0] = '\0';
    return len < 0 ? 0 : (size_t)len;
}

/* The changeable fields as the factory wrote them, in the same form as an order; a field that does
 * not pass the check is left out. */
static void load_factory_defaults(struct app_config *config, const struct app_platform *p)
{
    char list[PROTO_GROUP_COUNT * PROTO_GROUP_MAX];
    struct order_config f;
    const char *field;

    memset(&f, 0, sizeof(f));
    if (p->nvs_get_u32(p->ctx, APP_NS_FACTORY, "interval", &f.interval) == 0)
        f.has_interval = true;
    f.has_url = factory_str(p, "url", f.url, sizeof(f.url)) > 0;
    f.has_ntp = factory_str(p, "ntp", f.ntp, sizeof(f.ntp)) > 0;
    if (read_groups(&f, list, factory_str(p, "groups", list, sizeof(list))) != 0)
        f.has_groups = false;
    while (app_config_check(&f, &field) != REASON_NONE) {
        f.has_interval = f.has_interval && strcmp(field, "interval") != 0;
        f.has_url = f.has_url && strcmp(field, "url") != 0;
        f.has_groups = f.has_groups && strcmp(field, "groups") != 0;
        f.has_ntp = f.has_ntp && strcmp(field, "ntp") != 0;
    }
    config->set = f;
    config->interval = INTERVAL_DEFAULT;
    take_effect(config);
    memset(&config->set, 0, sizeof(config->set));
}

static void load_record(struct app_config *config, const struct app_platform *p)
{
    char text[APP_CONFIG_RECORD];
    int len = p->nvs_get_str(p->ctx, APP_NS_CONFIG, record_key, text, sizeof(text));

    if (len < 0 || app_config_record_decode(text, (size_t)len, &config->set) != 0)
        memset(&config->set, 0, sizeof(config->set));
    take_effect(config);
}

int app_config_load(struct app_config *config, const struct app_platform *platform,
                    const char **why)
{
    char list[96];
    uint32_t port = PORT_DEFAULT;

    memset(config, 0, sizeof(*config));
    *why = NULL;
    if (!id_is_valid(config->id, factory_str(platform, "id", config->id, sizeof(config->id))))
        *why = "factory key `id` is missing or malformed";
    if (factory_str(platform, "fleet", config->fleet, sizeof(config->fleet)) == 0)
        *why = "factory key `fleet` is missing";
    if (!host_is_valid(
            config->broker_host,
            factory_str(platform, "broker_host", config->broker_host, sizeof(config->broker_host))))
        *why = "factory key `broker_host` is missing or malformed";
    (void)platform->nvs_get_u32(platform->ctx, APP_NS_FACTORY, "broker_port", &port);
    if (port == 0 || port > UINT16_MAX)
        *why = "factory key `broker_port` is out of range";
    config->broker_port = (uint16_t)port;
    factory_str(platform, "product", config->product, sizeof(config->product));
    factory_str(platform, "hw", config->hw, sizeof(config->hw));
    if (factory_str(platform, "root", config->root, sizeof(config->root)) == 0)
        memcpy(config->root, "devices", sizeof("devices"));
    (void)text_split(list, factory_str(platform, "sensors", list, sizeof(list)), add_sensor,
                     config);
    factory_str(platform, "hosts", config->hosts, sizeof(config->hosts));
    load_factory_defaults(config, platform);
    load_record(config, platform);
    return *why ? -1 : 0;
}

enum reason app_config_apply(struct app_config *config, const struct app_platform *platform,
                             const struct order_config *set, const char **field)
{
    char text[APP_CONFIG_RECORD];
    struct order_config next = config->set;

    if (app_config_check(set, field) != REASON_NONE)
        return REASON_BAD_CONFIG;
    if (set->has_url && !ota_host_is_allowed(config->hosts, NULL, set->url)) {
        *field = "url";
        return REASON_HOST_NOT_ALLOWED;
    }
    overlay(&next, set);
    if (app_config_record_encode(&next, text, sizeof(text)) < 0 ||
        platform->nvs_set_str(platform->ctx, APP_NS_CONFIG, record_key, text) != 0)
        return REASON_RECORD_IO;
    config->set = next;
    take_effect(config);
    return REASON_NONE;
}
