#include "protocol/status.h"

#include <string.h>

#include "protocol/json_read.h"
#include "protocol/json_write.h"

enum { TOKENS = 96, DEPTH = 4 };

static const char *const reset_words[RESET_COUNT] = {
    [RESET_UNKNOWN] = "unknown",     [RESET_POWERON] = "poweron",   [RESET_SOFTWARE] = "software",
    [RESET_PANIC] = "panic",         [RESET_WATCHDOG] = "watchdog", [RESET_BROWNOUT] = "brownout",
    [RESET_DEEPSLEEP] = "deepsleep",
};

const char *reset_word(enum reset_reason reset)
{
    return (unsigned)reset < RESET_COUNT ? reset_words[reset] : "unknown";
}

int reset_from_word(const char *word, size_t len, enum reset_reason *out)
{
    for (unsigned i = 0; i < RESET_COUNT; i++) {
        if (strlen(reset_words[i]) == len && memcmp(reset_words[i], word, len) == 0) {
            *out = (enum reset_reason)i;
            return 0;
        }
    }
    *out = RESET_UNKNOWN;
    return -1;
}

static void put_groups(struct json_writer *w, const struct device_status *s)
{
    json_open_array(w, "groups");
    for (uint32_t i = 0; i < s->group_count && i < PROTO_GROUP_COUNT; i++)
        json_put_text(w, NULL, s->groups[i]);
    json_close_array(w);
}

int device_status_encode(const struct device_status *status, char *out, size_t cap)
{
    struct json_writer w;

    json_begin(&w, out, cap);
    json_put_text(&w, "state", status->online ? "online" : "offline");
    json_put_text_if(&w, "product", status->product);
    json_put_text_if(&w, "hw", status->hw);
    json_put_text_if(&w, "fw", status->fw);
    json_put_text_if(&w, "slot", status->slot);
    json_put_text_if(&w, "image", status->image);
    json_put_text_if(&w, "boot", status->boot);
    json_put_u64_if(&w, "boots", status->boots);
    if (status->reset != RESET_UNKNOWN)
        json_put_text(&w, "reset", reset_word(status->reset));
    json_put_u64_if(&w, "release_seq", status->release_seq);
    json_put_u64_if(&w, "security", status->security);
    json_put_u64_if(&w, "keyset", status->keyset);
    json_put_u64_if(&w, "cert_not_after", status->cert_not_after);
    if (status->group_count > 0)
        put_groups(&w, status);
    json_put_u64_if(&w, "agent", status->agent);
    json_put_u64_if(&w, "interval", status->interval);
    return json_end(&w);
}

static int set_state(const char *word, size_t len, struct device_status *out)
{
    out->online = len == 6 && memcmp(word, "online", 6) == 0;
    return out->online || (len == 7 && memcmp(word, "offline", 7) == 0) ? 0 : -1;
}

static int read_state(struct json *j, struct device_status *out)
{
    const char *word;
    size_t len;
    int v = json_member(j, JSON_ROOT, "state");

    if (!json_string_span(j, v, &word, &len))
        return -1;
    return set_state(word, len, out);
}

static void read_reset(struct json *j, struct device_status *out)
{
    const char *word;
    size_t len;
    int v = json_member(j, JSON_ROOT, "reset");

    if (json_string_span(j, v, &word, &len))
        (void)reset_from_word(word, len, &out->reset);
}

static void read_groups(struct json *j, struct device_status *out)
{
    int groups = json_member(j, JSON_ROOT, "groups");

    if (!json_is_array(j, groups))
        return;
    for (int i = json_first(j, groups); i != JSON_NONE; i = json_next(j, i)) {
        char *group = out->groups[out->group_count];
        if (json_text(j, i, group, PROTO_GROUP_MAX) == 0 && group[0] != '\0')
            out->group_count++;
        if (out->group_count == PROTO_GROUP_COUNT)
            return;
    }
}

/*
 * Beside the state nothing is needed, and a field of another type or length than ours is as good as
 * not said: a status may come from anybody's firmware, and whether a device is there matters more
 * than how it spells its version.
 */
static void read_fields(struct json *j, struct device_status *out)
{
    struct device_status *s = out;

    (void)json_get_text(j, JSON_ROOT, "product", JSON_MAY, s->product, sizeof(s->product));
    (void)json_get_text(j, JSON_ROOT, "hw", JSON_MAY, s->hw, sizeof(s->hw));
    (void)json_get_text(j, JSON_ROOT, "fw", JSON_MAY, s->fw, sizeof(s->fw));
    (void)json_get_text(j, JSON_ROOT, "slot", JSON_MAY, s->slot, sizeof(s->slot));
    (void)json_get_text(j, JSON_ROOT, "image", JSON_MAY, s->image, sizeof(s->image));
    (void)json_get_text(j, JSON_ROOT, "boot", JSON_MAY, s->boot, sizeof(s->boot));
    (void)json_get_u32(j, JSON_ROOT, "boots", JSON_MAY, &s->boots);
    read_reset(j, s);
    (void)json_get_u32(j, JSON_ROOT, "release_seq", JSON_MAY, &s->release_seq);
    (void)json_get_u32(j, JSON_ROOT, "security", JSON_MAY, &s->security);
    (void)json_get_u32(j, JSON_ROOT, "keyset", JSON_MAY, &s->keyset);
    (void)json_get_u64(j, JSON_ROOT, "cert_not_after", JSON_MAY, &s->cert_not_after);
    read_groups(j, s);
    (void)json_get_u32(j, JSON_ROOT, "agent", JSON_MAY, &s->agent);
    (void)json_get_u32(j, JSON_ROOT, "interval", JSON_MAY, &s->interval);
}

int device_status_decode(const char *body, size_t len, struct device_status *out)
{
    struct json j;

    memset(out, 0, sizeof(*out));
    if (len > PROTO_STATUS_BYTES)
        return -1;
    if (set_state(body, len, out) == 0)
        return 0;
    if (json_parse(&j, body, len, TOKENS, DEPTH) != 0 || read_state(&j, out) != 0)
        return -1;
    read_fields(&j, out);
    return 0;
}
