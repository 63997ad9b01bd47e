#include "screens/config_fields.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "protocol/id.h"

#define INTERVAL_MAX_S 86400

static bool refuse(char *why, size_t cap, const char *text)
{
    snprintf(why, cap, "%s", text);
    return false;
}

static bool set_interval(struct order_config *set, const char *value, char *why, size_t cap)
{
    uint64_t n;
    if (!text_to_seconds(value, &n) || n < 1 || n > INTERVAL_MAX_S)
        return refuse(why, cap, "interval wants 1 s to 24 h: 90, 15m, 2h");
    set->interval = (uint32_t)n;
    set->has_interval = true;
    return true;
}

static bool set_groups(struct order_config *set, const char *value, char *why, size_t cap)
{
    set->group_count = 0;
    set->has_groups = true;
    if (strcmp(value, "none") == 0)
        return true;
    while (*value) {
        size_t len = strcspn(value, ",");
        if (set->group_count == PROTO_GROUP_COUNT || !group_is_valid(value, len)) {
            snprintf(why, cap, "groups wants at most %d names of A-Z a-z 0-9 . _ - : / +, or none",
                     PROTO_GROUP_COUNT);
            return false;
        }
        text_copy_n(set->groups[set->group_count++], PROTO_GROUP_MAX, value, len);
        value += len + (value[len] == ',');
    }
    return true;
}

static bool set_url(struct order_config *set, const char *value, char *why, size_t cap)
{
    if (!base_url_is_valid(value, strlen(value)) || !text_copy(set->url, sizeof(set->url), value)) {
        snprintf(why, cap, "url wants https://host/path/ of at most %d bytes", PROTO_URL_MAX - 1);
        return false;
    }
    set->has_url = true;
    return true;
}

static bool set_ntp(struct order_config *set, const char *value, char *why, size_t cap)
{
    static const char letters[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:";
    if (!*value || value[strspn(value, letters)] || !text_copy(set->ntp, sizeof(set->ntp), value)) {
        snprintf(why, cap, "ntp wants a host name of at most %d bytes", PROTO_HOST_MAX - 1);
        return false;
    }
    set->has_ntp = true;
    return true;
}

static const struct config_field {
    const char *name;
    bool (*set)(struct order_config *set, const char *value, char *why, size_t cap);
} fields[CONFIG_FIELDS] = {
    { "interval", set_interval },
    { "groups", set_groups },
    { "url", set_url },
    { "ntp", set_ntp },
};

const char *config_field_name(size_t n)
{
    return n < CONFIG_FIELDS ? fields[n].name : NULL;
}

bool config_field_set(struct order_config *set, const char *name, const char *value, char *why,
                      size_t cap)
{
    for (size_t i = 0; i < CONFIG_FIELDS; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].set(set, value, why, cap);
    }
    snprintf(why, cap, "'%.40s' is not one of interval, groups, url, ntp", name);
    return false;
}

void config_fields_text(const struct order_config *set, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
#define ADD(...)                                                                                   \
    do {                                                                                           \
        if (used < cap)                                                                            \
            used += (size_t)snprintf(out + used, cap - used, __VA_ARGS__);                         \
    } while (0)
    if (set->has_interval)
        ADD(" interval=%u", set->interval);
    if (set->has_groups)
        ADD(" groups=%s", set->group_count ? "" : "none");
    for (uint32_t i = 0; i < set->group_count; i++)
        ADD("%s%s", i ? "," : "", set->groups[i]);
    if (set->has_url)
        ADD(" url=%s", set->url);
    if (set->has_ntp)
        ADD(" ntp=%s", set->ntp);
#undef ADD
    memmove(out, out + (*out == ' '), strlen(out) + (*out != ' '));
}
