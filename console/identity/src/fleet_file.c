#include "fleet_file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "files/files.h"
#include "protocol/id.h"

#define FLEET_FILE_BYTES 16384

static bool host_ok(const char *host)
{
    size_t len = strlen(host);
    return len > 0 && len < PROTO_HOST_MAX &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:") ==
               len;
}

/* A topic or a filter that is printed into the ACL: one line, no white space. */
static bool topic_ok(const char *topic)
{
    size_t len = strlen(topic);
    if (len == 0 || len >= PROTO_TOPIC_MAX || topic[0] == '$' || topic[0] == '#')
        return false;
    for (size_t i = 0; i < len; i++)
        if (topic[i] <= ' ' || topic[i] > '~' || topic[i] == '%')
            return false;
    return true;
}

int fleet_file_check(const struct fleet_file *f, struct err *e)
{
    if (!name_is_valid(f->fleet, strlen(f->fleet)))
        return err_set(e, EXIT_USAGE, "'%.40s' is not a fleet name: 1 to 32 of A-Z a-z 0-9 . _ -",
                       f->fleet);
    if (!name_is_valid(f->root, strlen(f->root)))
        return err_set(e, EXIT_USAGE, "'%.40s' is not a topic root: 1 to 32 of A-Z a-z 0-9 . _ -",
                       f->root);
    if (!host_ok(f->broker_host))
        return err_set(e, EXIT_USAGE, "'%.80s' is not a host name or address", f->broker_host);
    if (!host_ok(f->gateway_host))
        return err_set(e, EXIT_USAGE, "'%.80s' is not a host name or address", f->gateway_host);
    if (f->broker_port == 0 || f->gateway_port == 0 || f->operator_port == 0)
        return err_set(e, EXIT_USAGE, "a port must be 1 to 65535");
    if (f->broker_user[0] && !name_is_valid(f->broker_user, strlen(f->broker_user)))
        return err_set(e, EXIT_USAGE, "'%.40s' is not a user name", f->broker_user);
    for (size_t i = 0; i < f->source_count; i++)
        if (!topic_ok(f->source[i]))
            return err_set(e, EXIT_USAGE,
                           "'%.80s' can't be a source: a topic without spaces, $ or a leading #",
                           f->source[i]);
    return 0;
}

static void take_text(const json_t *o, const char *key, char *out, size_t cap, bool *ok)
{
    const json_t *v = json_object_get(o, key);
    if (v && (!json_is_string(v) || !text_copy(out, cap, json_string_value(v))))
        *ok = false;
}

static void take_number(const json_t *o, const char *key, uint32_t max, uint32_t *out, bool *ok)
{
    const json_t *v = json_object_get(o, key);
    if (!v)
        return;
    json_int_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < 0 || n > (json_int_t)max)
        *ok = false;
    else
        *out = (uint32_t)n;
}

static void take_endpoint(const json_t *o, char *host, uint16_t *port, bool *ok)
{
    uint32_t n = 0;
    take_text(o, "host", host, PROTO_HOST_MAX, ok);
    take_number(o, "port", 65535, &n, ok);
    *port = (uint16_t)n;
}

static bool take_all(const json_t *o, struct fleet_file *f)
{
    bool ok = json_is_object(o);
    take_text(o, "fleet", f->fleet, sizeof(f->fleet), &ok);
    take_text(o, "root", f->root, sizeof(f->root), &ok);
    take_text(o, "broker_user", f->broker_user, sizeof(f->broker_user), &ok);
    take_endpoint(json_object_get(o, "broker"), f->broker_host, &f->broker_port, &ok);
    take_endpoint(json_object_get(o, "gateway"), f->gateway_host, &f->gateway_port, &ok);
    uint32_t port = 0, metrics = 0;
    take_number(json_object_get(o, "broker"), "operator_port", 65535, &port, &ok);
    f->operator_port = (uint16_t)port;
    take_number(json_object_get(o, "gateway"), "metrics_port", 65535, &metrics, &ok);
    f->metrics_port = (uint16_t)metrics;

    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(o, "sources"), i, item)
    {
        const char *text = json_string_value(item);
        if (!text || f->source_count == FLEET_SOURCES_MAX ||
            !text_copy(f->source[f->source_count++], PROTO_TOPIC_MAX, text))
            return false;
    }

    const json_t *device = json_object_get(o, "device");
    take_text(device, "product", f->product, sizeof(f->product), &ok);
    take_text(device, "hw", f->hw, sizeof(f->hw), &ok);
    take_text(device, "sensors", f->sensors, sizeof(f->sensors), &ok);
    take_text(device, "groups", f->groups, sizeof(f->groups), &ok);
    take_text(device, "ntp", f->ntp, sizeof(f->ntp), &ok);
    take_number(device, "interval", 86400, &f->interval, &ok);
    return ok;
}

int fleet_file_read(const char *path, struct fleet_file *out, struct err *e)
{
    *out = (struct fleet_file){ 0 };
    char *text;
    if (files_read(path, FLEET_FILE_BYTES, &text, NULL, e) != 0)
        return err_prefix(e, "no certificate authority here (muster pki init makes one)");
    json_error_t je;
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &je);
    free(text);
    if (!o)
        return err_set(e, EXIT_USAGE, "%s line %d: %s", path, je.line, je.text);
    bool ok = take_all(o, out);
    json_decref(o);
    if (!ok)
        return err_set(e, EXIT_USAGE, "%s: a field has the wrong type or is too long", path);
    return fleet_file_check(out, e) == 0 ? 0 : err_prefix(e, "%s", path);
}

char *fleet_file_text(const struct fleet_file *f)
{
    json_t *sources = json_array();
    for (size_t i = 0; i < f->source_count; i++)
        json_array_append_new(sources, json_string(f->source[i]));
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:{s:s, s:i, s:i}, s:{s:s, s:i, s:i}, s:o,"
        " s:{s:s, s:s, s:s, s:s, s:s, s:i}}",
        "fleet", f->fleet, "root", f->root, "broker_user", f->broker_user, "broker", "host",
        f->broker_host, "port", (int)f->broker_port, "operator_port", (int)f->operator_port,
        "gateway", "host", f->gateway_host, "port", (int)f->gateway_port, "metrics_port",
        (int)f->metrics_port, "sources", sources, "device", "product", f->product, "hw", f->hw,
        "sensors", f->sensors, "groups", f->groups, "ntp", f->ntp, "interval", (int)f->interval);
    char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
    json_decref(o);
    return text;
}

int fleet_file_url(const struct fleet_file *f, char out[PROTO_URL_MAX], struct err *e)
{
    bool v6 = strchr(f->gateway_host, ':') != NULL;
    if (!text_format(out, PROTO_URL_MAX, "https://%s%s%s:%u/firmware/", v6 ? "[" : "",
                     f->gateway_host, v6 ? "]" : "", (unsigned)f->gateway_port))
        return err_set(e, EXIT_USAGE, "the gateway's URL is too long");
    return 0;
}
