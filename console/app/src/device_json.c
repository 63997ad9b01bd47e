#include "device_json.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

json_t *clean_json(const char *text)
{
    char clean[1024];
    text_clean(clean, sizeof(clean), text, strlen(text));
    return json_string(clean);
}

static json_t *word_json(const struct fleet *fleet, uint16_t word)
{
    const char *text = fleet_word(fleet, word);
    return *text ? clean_json(text) : json_null();
}

static json_t *readings_json(const struct fleet *fleet, const struct fleet_device *d)
{
    json_t *o = json_object();
    for (uint8_t i = 0; i < d->value_count; i++) {
        const struct fleet_reading *r = fleet_reading(fleet, d->value[i].reading);
        /* Rounded as people read it: 21.53, not 21.530000000000001. */
        double value = round(d->value[i].value * 1e6) / 1e6;
        json_object_set_new(o, r->name, json_real(value));
    }
    return o;
}

static json_t *ota_json(const struct fleet *fleet, const struct fleet_device *d)
{
    struct ota_report r;
    if (!fleet_report(fleet, d, &r))
        return json_null();
    return json_pack("{s:s, s:I, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:o}", "rollout", r.rollout,
                     "attempt", (json_int_t)r.attempt, "state", ota_report_word(r.state), "reason",
                     reason_word(r.reason), "from", clean_json(r.from), "to", clean_json(r.to),
                     "got", (json_int_t)r.got, "size", (json_int_t)r.size, "slot",
                     (json_int_t)r.slot, "detail", clean_json(r.detail));
}

static json_t *alerts_json(const struct fleet *fleet, const struct fleet_device *d)
{
    static const struct {
        enum fleet_condition bit;
        const char *word;
    } words[] = {
        { FLEET_COND_ROLLBACK_FAILED, "rollback_failed" },
        { FLEET_COND_CERT_EXPIRED, "cert_expired" },
        { FLEET_COND_UPDATE_FAILED, "update_failed" },
        { FLEET_COND_CERT_SOON, "cert_soon" },
        { FLEET_COND_BAD_MESSAGE, "bad_message" },
        { FLEET_COND_CRASHED, "crashed" },
    };
    json_t *a = json_array();
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (d->conditions & words[i].bit)
            json_array_append_new(a, json_string(words[i].word));
    }
    if (d->alert_count) /* of the profile's rules: the worst one */
        json_array_append_new(a, clean_json(fleet_word(fleet, d->alert_word)));
    return a;
}

static json_t *groups_json(const struct fleet *fleet, const struct fleet_device *d)
{
    json_t *a = json_array();
    for (uint8_t i = 0; i < d->group_count; i++)
        json_array_append_new(a, clean_json(fleet_word(fleet, d->group[i])));
    return a;
}

static void set_seen(const struct fleet *fleet, const struct fleet_device *d, int64_t now_ms,
                     json_t *o)
{
    int64_t age = fleet_age_ms(fleet, d, now_ms);
    json_object_set_new(o, "last_seen",
                        d->last_ms ? json_real((double)(d->last_ms / 100) / 10) : json_null());
    json_object_set_new(o, "age", age >= 0 ? json_real((double)(age / 100) / 10) : json_null());
}

/* Messages per minute: known once this process has listened for one. */
static json_t *rate_json(const struct fleet *fleet, const struct fleet_device *d, int64_t now_ms)
{
    const struct fleet_link *link = fleet_link(fleet);
    bool known = link->up && now_ms - link->since_ms >= 60000;

    return known ? json_real(round(fleet_rate(d, now_ms) * 10) / 10) : json_null();
}

json_t *device_json(const struct fleet *fleet, const struct fleet_device *d, int64_t now_ms)
{
    json_t *o = json_object();
    char why[160];

    fleet_why(fleet, d, now_ms, why, sizeof(why));
    json_object_set_new(o, "id", clean_json(d->id));
    json_object_set_new(o, "state", json_string(fleet_state_word((enum fleet_state)d->state)));
    json_object_set_new(o, "why", clean_json(why));
    json_object_set_new(o, "product", word_json(fleet, d->product));
    json_object_set_new(o, "hw", word_json(fleet, d->hw));
    json_object_set_new(o, "fw", word_json(fleet, d->fw));
    json_object_set_new(o, "slot", word_json(fleet, d->slot));
    json_object_set_new(o, "image", word_json(fleet, d->image));
    json_object_set_new(o, "boot", clean_json(d->boot));
    json_object_set_new(o, "boots", json_integer(d->boots));
    json_object_set_new(o, "reset", json_string(reset_word((enum reset_reason)d->reset)));
    json_object_set_new(o, "release_seq", json_integer(d->release_seq));
    json_object_set_new(o, "security", json_integer(d->security));
    json_object_set_new(o, "keyset", json_integer(d->keyset));
    json_object_set_new(o, "cert_not_after",
                        d->cert_not_after ? json_integer((json_int_t)d->cert_not_after)
                                          : json_null());
    json_object_set_new(o, "interval",
                        d->interval_ms ? json_real((double)d->interval_ms / 1000) : json_null());
    json_object_set_new(o, "rate", rate_json(fleet, d, now_ms));
    const char *source = fleet_source_name(fleet, d);
    json_object_set_new(o, "source", source && *source ? clean_json(source) : json_null());
    set_seen(fleet, d, now_ms, o);
    json_object_set_new(o, "readings", readings_json(fleet, d));
    json_object_set_new(o, "ota", ota_json(fleet, d));
    json_object_set_new(o, "alerts", alerts_json(fleet, d));
    json_object_set_new(o, "groups", groups_json(fleet, d));
    return o;
}
