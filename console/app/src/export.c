#include "export.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "device_json.h"
#include "files/files.h"

static const struct fleet_device *device_of(const struct fleet *fleet, const char *id)
{
    uint32_t at = fleet_find(fleet, id);
    return at == FLEET_NONE ? NULL : fleet_device(fleet, at);
}

/* ------------------------------------------------------------------------------------- JSON */

static char *json_text(const struct fleet *fleet, char (*ids)[PROTO_ID_MAX], size_t count,
                       int64_t now_ms)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct fleet_device *d = device_of(fleet, ids[i]);
        if (d)
            json_array_append_new(list, device_json(fleet, d, now_ms));
    }
    char *text = json_dumps(list, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    json_decref(list);
    return text;
}

/* -------------------------------------------------------------------------------------- CSV */

struct csv {
    char *data;
    size_t len, cap;
    bool first; /* cell of its line */
};

static void put(struct csv *c, const char *text, size_t len)
{
    if (c->len + len + 1 > c->cap) {
        c->cap = (c->len + len + 1) * 2;
        c->data = mem_grow(c->data, c->cap, 1);
    }
    memcpy(c->data + c->len, text, len);
    c->len += len;
    c->data[c->len] = '\0';
}

static void cell(struct csv *c, const char *text)
{
    char clean[1024];
    size_t len = text_clean(clean, sizeof(clean), text, strlen(text));
    bool quote = strpbrk(clean, ",\"") != NULL;
    if (!c->first)
        put(c, ",", 1);
    c->first = false;
    if (quote)
        put(c, "\"", 1);
    for (size_t i = 0; i < len; i++)
        put(c, clean[i] == '"' ? "\"\"" : &clean[i], clean[i] == '"' ? 2 : 1);
    if (quote)
        put(c, "\"", 1);
}

/* Text of a device: never a formula. */
static void text_cell(struct csv *c, const char *text)
{
    char safe[1024];
    bool formula = *text && strchr("=+-@", *text);
    text_format(safe, sizeof(safe), "%s%.1000s", formula ? "'" : "", text);
    cell(c, safe);
}

static void number_cell(struct csv *c, double value)
{
    char text[40];
    text_format(text, sizeof(text), "%.12g", round(value * 1e6) / 1e6);
    cell(c, text);
}

static void count_cell(struct csv *c, int64_t value)
{
    char text[24];
    text_format(text, sizeof(text), "%lld", (long long)value);
    cell(c, value ? text : "");
}

static void end_line(struct csv *c)
{
    put(c, "\r\n", 2);
    c->first = true;
}

static const char *const facts[] = { "id",     "state",  "product", "hw",
                                     "fw",     "target", "groups",  "last_seen",
                                     "update", "reason", "rollout", "boots",
                                     "reset",  "slot",   "keyset",  "cert_not_after",
                                     "alerts" };
#define FACTS (sizeof(facts) / sizeof(facts[0]))

/* A fact of the device stands under its name already ("boots" is in many devices' telemetry). */
static bool is_fact(const char *name)
{
    for (size_t i = 0; i < FACTS; i++) {
        if (strcmp(facts[i], name) == 0)
            return true;
    }
    return false;
}

/* Which readings any of them has. */
static bool *readings_of(const struct fleet *fleet, char (*ids)[PROTO_ID_MAX], size_t count)
{
    bool *has = mem_array(FLEET_MAX_READINGS, sizeof(*has));
    for (size_t i = 0; i < count; i++) {
        const struct fleet_device *d = device_of(fleet, ids[i]);
        for (uint8_t k = 0; d && k < d->value_count; k++)
            has[d->value[k].reading] = !is_fact(fleet_reading(fleet, d->value[k].reading)->name);
    }
    return has;
}

static void head_line(struct csv *c, const struct fleet *fleet, const bool *has)
{
    for (size_t i = 0; i < FACTS; i++)
        cell(c, facts[i]);
    for (uint32_t i = 0; i < fleet_reading_count(fleet); i++) {
        if (has[i])
            text_cell(c, fleet_reading(fleet, i)->name);
    }
    end_line(c);
}

static void groups_cell(struct csv *c, const struct fleet *fleet, const struct fleet_device *d)
{
    char text[PROTO_GROUP_COUNT * PROTO_GROUP_MAX] = "";
    size_t used = 0;
    for (uint8_t i = 0; i < d->group_count && used < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? "," : "",
                                 fleet_word(fleet, d->group[i]));
    text_cell(c, text);
}

static void device_line(struct csv *c, const struct fleet *fleet, const struct fleet_device *d,
                        const bool *has)
{
    const struct fleet_ota *o = d->ota;
    cell(c, d->id);
    cell(c, fleet_state_word((enum fleet_state)d->state));
    text_cell(c, fleet_word(fleet, d->product));
    text_cell(c, fleet_word(fleet, d->hw));
    text_cell(c, fleet_word(fleet, d->fw));
    text_cell(c, fleet_target(fleet, d));
    groups_cell(c, fleet, d);
    count_cell(c, d->last_ms / 1000);
    cell(c, o ? ota_report_word((enum ota_report_state)o->state) : "");
    cell(c, o ? reason_word((enum reason)o->reason) : "");
    text_cell(c, o ? fleet_word(fleet, o->rollout) : "");
    count_cell(c, d->boots);
    cell(c, d->has_status ? reset_word((enum reset_reason)d->reset) : "");
    text_cell(c, fleet_word(fleet, d->slot));
    count_cell(c, d->keyset);
    count_cell(c, (int64_t)d->cert_not_after);
    count_cell(c, fleet_alerts(d));
    for (uint32_t i = 0; i < fleet_reading_count(fleet); i++) {
        const struct fleet_value *v = has[i] ? fleet_value(d, i) : NULL;
        if (v)
            number_cell(c, v->value);
        else if (has[i])
            cell(c, "");
    }
    end_line(c);
}

static char *csv_text(const struct fleet *fleet, char (*ids)[PROTO_ID_MAX], size_t count)
{
    struct csv c = { .first = true };
    bool *has = readings_of(fleet, ids, count);
    head_line(&c, fleet, has);
    for (size_t i = 0; i < count; i++) {
        const struct fleet_device *d = device_of(fleet, ids[i]);
        if (d)
            device_line(&c, fleet, d, has);
    }
    free(has);
    return c.data;
}

/* ----------------------------------------------------------------------------- other lists */

static const json_t *value_of(const json_t *row, const char *column)
{
    char key[64];
    const char *dot = strchr(column, '.');

    if (!dot)
        return json_object_get(row, column);
    text_copy_n(key, sizeof(key), column, (size_t)(dot - column));
    return json_object_get(json_object_get(row, key), dot + 1);
}

static void list_cell(struct csv *c, const json_t *list)
{
    char text[1024] = "";
    size_t i, used = 0;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (!json_is_string(one) || used >= sizeof(text))
            continue;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "",
                                 json_string_value(one));
    }
    text_cell(c, text);
}

static void json_cell(struct csv *c, const json_t *value)
{
    if (json_is_string(value))
        text_cell(c, json_string_value(value));
    else if (json_is_number(value))
        number_cell(c, json_number_value(value));
    else if (json_is_boolean(value))
        cell(c, json_is_true(value) ? "yes" : "no");
    else if (json_is_array(value))
        list_cell(c, value);
    else
        cell(c, "");
}

static char *list_csv(const json_t *list, const char *const *columns)
{
    struct csv c = { .first = true };
    size_t i;
    json_t *row;

    for (size_t k = 0; columns[k]; k++)
        cell(&c, columns[k]);
    end_line(&c);
    json_array_foreach(list, i, row)
    {
        for (size_t k = 0; columns[k]; k++)
            json_cell(&c, value_of(row, columns[k]));
        end_line(&c);
    }
    return c.data;
}

static int write_text(char *text, const char *path, struct err *err)
{
    int rc = text ? files_write(NULL, path, text, strlen(text), FILES_PUBLIC, FILES_NEW, err)
                  : err_set(err, EXIT_NO, "out of memory");
    free(text);
    return rc;
}

int export_list_write(const json_t *list, const char *const *columns, bool csv, const char *path,
                      struct err *err)
{
    return write_text(csv ? list_csv(list, columns)
                          : json_dumps(list, JSON_INDENT(1) | JSON_REAL_PRECISION(12)),
                      path, err);
}

int export_write(const struct fleet *fleet, char (*ids)[PROTO_ID_MAX], size_t count, bool csv,
                 const char *path, int64_t now_ms, struct err *err)
{
    return write_text(csv ? csv_text(fleet, ids, count) : json_text(fleet, ids, count, now_ms),
                      path, err);
}
