#include "trust_json.h"

#include <string.h>

#include "base/text.h"
#include "device_json.h"
#include "identity/keys.h"

json_t *cert_json(const struct ui_cert *c, int64_t now_ms)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "cn", c->cn, "role",
                     ui_cert_role(c), "issuer", c->issuer, "serial", c->serial, "fingerprint",
                     c->fingerprint, "not_before", (json_int_t)c->not_before, "not_after",
                     (json_int_t)c->not_after, "days_left", (json_int_t)ui_cert_days(c, now_ms));
}

json_t *device_cert_json(const struct ui_device_cert *c, int64_t now_ms)
{
    char source[96];
    bool issued = c->known == UI_CERT_ISSUED;
    json_t *o = issued ? cert_json(&c->cert, now_ms) : json_object();
    int64_t end = issued ? c->cert.not_after : c->status_not_after;
    struct ui_cert until = { .not_after = end };

    json_object_set_new(o, "source", json_string(ui_device_cert_source(c, source, sizeof(source))));
    json_object_set_new(o, "issued", json_integer(c->issued));
    json_object_set_new(o, "status_not_after",
                        c->status_not_after ? json_integer((json_int_t)c->status_not_after)
                                            : json_null());
    json_object_set_new(o, "agrees", json_boolean(ui_device_cert_agrees(c)));
    if (!issued)
        json_object_set_new(o, "days_left",
                            end ? json_integer((json_int_t)ui_cert_days(&until, now_ms))
                                : json_null());
    return o;
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

json_t *operator_json(const struct ui_trust *t, int64_t now_ms)
{
    bool there = t->named && !*t->cert_trouble;
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o}", "certificate",
                     there ? cert_json(&t->cert, now_ms) : json_null(), "path",
                     text_or_null(t->cert_path), "key", ui_key_at_text(t->key), "key_path",
                     text_or_null(t->key_path), "key_error", text_or_null(t->key_cause), "error",
                     text_or_null(t->cert_trouble));
}

json_t *authorities_json(const struct ui_trust *t, int64_t now_ms)
{
    json_t *list = json_array();
    for (size_t i = 0; i < t->authority_count; i++)
        json_array_append_new(list, cert_json(&t->authority[i], now_ms));
    return list;
}

static json_t *roles_json(const struct trusted_key *key)
{
    static const enum key_role roles[] = { KEY_ROOT, KEY_RELEASE, KEY_ROLLOUT };
    json_t *list = json_array();
    for (size_t i = 0; i < 3; i++)
        if (key->roles & roles[i])
            json_array_append_new(list, json_string(keys_role_word(roles[i])));
    return list;
}

json_t *keyset_json(const struct ui_trust *t)
{
    json_t *keys = json_array();

    if (!t->have_keyset) {
        json_decref(keys);
        return json_null();
    }
    for (uint32_t i = 0; i < t->keyset.keys.count; i++) {
        const struct trusted_key *k = &t->keyset.keys.key[i];
        bool ours = strcmp(k->kid, t->rollout.kid) == 0 || strcmp(k->kid, t->release.kid) == 0;
        json_array_append_new(
            keys, json_pack("{s:s, s:o, s:b, s:b, s:o, s:o}", "kid", k->kid, "roles", roles_json(k),
                            "revoked", (int)k->revoked, "in_use_here", (int)ours, "since_version",
                            t->since[i] ? json_integer(t->since[i]) : json_null(), "since",
                            t->made_s[i] ? json_integer((json_int_t)t->made_s[i]) : json_null()));
    }
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:o}", "fleet", t->keyset.fleet, "version",
                     (json_int_t)t->keyset.version, "threshold",
                     (json_int_t)t->keyset.root_threshold, "seq_floor",
                     (json_int_t)t->keyset.seq_floor, "path", t->keyset_path, "keys", keys);
}

json_t *key_orders_json(const struct ui_key_orders *orders)
{
    json_t *list = json_array();

    for (size_t i = 0; i < orders->count; i++) {
        const struct ui_key_order *o = &orders->item[i];
        json_t *answered =
            o->answered_ms ? json_real((double)(o->answered_ms / 100) / 10) : json_null();
        json_array_append_new(
            list, json_pack("{s:s, s:I, s:f, s:b, s:o, s:o, s:o, s:o}", "id", o->id, "seq",
                            (json_int_t)o->seq, "sent", (double)(o->sent_ms / 100) / 10, "has",
                            (int)o->has, "answered", answered, "ok",
                            o->answered_ms ? json_boolean(o->ok) : json_null(), "reason",
                            o->answered_ms ? json_string(reason_word(o->reason)) : json_null(),
                            "detail", clean_json(o->detail)));
    }
    return list;
}

json_t *findings_json(const struct trust_finding *list, size_t count)
{
    json_t *out = json_array();

    for (size_t i = 0; i < count; i++)
        if (list[i].severity != TRUST_FINE)
            json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:s}", "check", list[i].what,
                                                 "severity", trust_severity_word(list[i].severity),
                                                 "text", list[i].text, "do", list[i].todo));
    return out;
}
