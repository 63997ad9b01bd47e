#include "protocol/order.h"

#include <string.h>

#include "crit.h"
#include "protocol/id.h"
#include "protocol/json_read.h"
#include "protocol/json_write.h"

enum { TOKENS = 96, DEPTH = 3 };

/* What a verb has beside the common fields. */
enum {
    HAS_ROLLOUT = 1,
    HAS_UPDATE = 2,
    HAS_SET = 4,
    VERB_UPDATE_HAS = HAS_ROLLOUT | HAS_UPDATE,
    VERB_ABORT_HAS = HAS_ROLLOUT,
    VERB_ROLLBACK_HAS = HAS_ROLLOUT,
    VERB_REBOOT_HAS = 0,
    VERB_CONFIG_HAS = HAS_SET,
    VERB_KEYS_HAS = 0,
    VERB_RENEW_HAS = 0,
    VERB_IDENTIFY_HAS = 0
};

enum { DAY_S = 86400, JITTER_MAX_S = 30 * DAY_S, TRIAL_MAX_S = DAY_S, INTERVAL_MAX_S = DAY_S };

/* clang-format off */
static const struct field fields[] = {
    FIELD_NAME("verb"),
    FIELD(FIELD_TEXT, order, fleet, "fleet"),
    FIELD(FIELD_TEXT, order, dev, "dev"),
    FIELD(FIELD_U32, order, seq, "seq"),
    FIELD(FIELD_U64, order, iat, "iat"),
    FIELD(FIELD_U64, order, nbf, "nbf"),
    FIELD(FIELD_U64, order, exp, "exp"),
    FIELD(FIELD_TEXT, order, rollout, "rollout"),
    FIELD(FIELD_U32, order, attempt, "attempt"),
    FIELD(FIELD_U32, order, jitter, "jitter"),
    FIELD(FIELD_HEX, order, release, "release"),
    FIELD(FIELD_TEXT | FIELD_MAY, order, url, "url"),
    FIELD(FIELD_U32, order, trial, "trial"),
    FIELD_NAME("set"),
};
/* clang-format on */
/* How many of them a verb has: the common ones, those and a rollout, or all. */
enum { COMMON = 7, WITH_ROLLOUT = 8, ALL = sizeof(fields) / sizeof(fields[0]) };

static const struct {
    const char *word;
    uint8_t cls; /* enum verb_class */
    uint8_t has;
} verbs[VERB_COUNT] = {
#define X(name, word, cls) [VERB_##name] = { word, VERB_CLASS_##cls, VERB_##name##_HAS },
    VERB_MAP(X)
#undef X
};

const char *verb_word(enum verb verb)
{
    return (unsigned)verb < VERB_COUNT ? verbs[verb].word : "unknown";
}

enum verb_class verb_class(enum verb verb)
{
    return (unsigned)verb < VERB_COUNT ? (enum verb_class)verbs[verb].cls : VERB_CLASS_OTHER;
}

int verb_from_word(const char *word, size_t len, enum verb *out)
{
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        if (strlen(verbs[i].word) == len && memcmp(verbs[i].word, word, len) == 0) {
            *out = (enum verb)i;
            return 0;
        }
    }
    return -1;
}

static unsigned fields_of(enum verb verb)
{
    return (unsigned)verb < VERB_COUNT ? verbs[verb].has : 0;
}

static bool set_is_sound(const struct order_config *set)
{
    if (!set->has_interval && !set->has_url && !set->has_groups && !set->has_ntp)
        return false;
    if (set->has_interval && (set->interval < 1 || set->interval > INTERVAL_MAX_S))
        return false;
    if (set->has_url && !base_url_is_valid(set->url, strlen(set->url)))
        return false;
    if (set->has_ntp && !host_is_valid(set->ntp, strlen(set->ntp)))
        return false;
    if (set->group_count > PROTO_GROUP_COUNT)
        return false;
    for (uint32_t i = 0; i < set->group_count; i++)
        if (!group_is_valid(set->groups[i], strlen(set->groups[i])))
            return false;
    return true;
}

static bool is_sound(const struct order *o)
{
    unsigned has = fields_of(o->verb);

    if ((unsigned)o->verb >= VERB_COUNT || !name_is_valid(o->fleet, strlen(o->fleet)) ||
        !id_is_valid(o->dev, strlen(o->dev)))
        return false;
    if (o->exp <= o->nbf)
        return false;
    if ((has & HAS_ROLLOUT) && !rollout_id_is_valid(o->rollout, strlen(o->rollout)))
        return false;
    if ((has & HAS_UPDATE) &&
        (o->attempt < 1 || o->jitter > JITTER_MAX_S || o->trial < 1 || o->trial > TRIAL_MAX_S ||
         !order_url_is_valid(o->url, strlen(o->url))))
        return false;
    return true;
}

static int read_setting(struct json *j, int key, struct order_config *set)
{
    int value = json_value(j, key);

    if (json_equals(j, key, "interval")) {
        set->has_interval = true;
        return json_u32(j, value, &set->interval);
    }
    if (json_equals(j, key, "url")) {
        set->has_url = true;
        return json_text(j, value, set->url, sizeof(set->url));
    }
    if (json_equals(j, key, "groups")) {
        set->has_groups = true;
        return json_texts(j, value, set->groups[0], PROTO_GROUP_MAX, PROTO_GROUP_COUNT,
                          &set->group_count);
    }
    if (json_equals(j, key, "ntp")) {
        set->has_ntp = true;
        return json_text(j, value, set->ntp, sizeof(set->ntp));
    }
    return -1; /* to set what one does not know would be to say yes and do nothing */
}

static enum reason read_set(struct json *j, struct order_config *set)
{
    int object = json_member(j, JSON_ROOT, "set");

    if (!json_is_object(j, object))
        return REASON_BAD_ORDER;
    for (int k = json_first(j, object); k != JSON_NONE; k = json_next(j, k))
        if (read_setting(j, k, set) != 0)
            return REASON_BAD_CONFIG;
    return set_is_sound(set) ? REASON_NONE : REASON_BAD_CONFIG;
}

static int read_verb(struct json *j, enum verb *out)
{
    char word[PROTO_VERB_MAX];

    if (json_get_text(j, JSON_ROOT, "verb", JSON_MUST, word, sizeof(word)) != 0)
        return -1;
    return verb_from_word(word, strlen(word), out);
}

enum reason order_decode(const char *json, size_t len, struct order *out)
{
    struct json j;

    memset(out, 0, sizeof(*out));
    if (len > PROTO_ORDER_BYTES || json_parse(&j, json, len, TOKENS, DEPTH) != 0 ||
        !crit_is_understood(&j, fields, ALL))
        return REASON_BAD_ORDER;

    if (read_verb(&j, &out->verb) != 0)
        return REASON_BAD_ORDER;
    unsigned has = fields_of(out->verb);
    size_t count = has & HAS_UPDATE ? ALL : has & HAS_ROLLOUT ? WITH_ROLLOUT : COMMON;
    if (fields_read(&j, JSON_ROOT, fields, count, out) != 0)
        return REASON_BAD_ORDER;
    if (!is_sound(out))
        return REASON_BAD_ORDER;
    return has & HAS_SET ? read_set(&j, &out->set) : REASON_NONE;
}

static void put_set(struct json_writer *w, const struct order_config *set)
{
    json_open_object(w, "set");
    if (set->has_interval)
        json_put_u64(w, "interval", set->interval);
    if (set->has_url)
        json_put_text(w, "url", set->url);
    if (set->has_groups) {
        json_open_array(w, "groups");
        for (uint32_t i = 0; i < set->group_count; i++)
            json_put_text(w, NULL, set->groups[i]);
        json_close_array(w);
    }
    if (set->has_ntp)
        json_put_text(w, "ntp", set->ntp);
    json_close_object(w);
}

static void put_update(struct json_writer *w, const struct order *o)
{
    json_put_u64(w, "attempt", o->attempt);
    json_put_u64(w, "jitter", o->jitter);
    json_put_hex(w, "release", o->release, sizeof(o->release));
    json_put_text_if(w, "url", o->url);
    json_put_u64(w, "trial", o->trial);
}

int order_encode(const struct order *order, char *out, size_t cap)
{
    unsigned has = fields_of(order->verb);
    struct json_writer w;

    if (!is_sound(order) || ((has & HAS_SET) && !set_is_sound(&order->set)))
        return -1;
    json_begin(&w, out, cap);
    json_put_text(&w, "verb", verb_word(order->verb));
    json_put_text(&w, "fleet", order->fleet);
    json_put_text(&w, "dev", order->dev);
    json_put_u64(&w, "seq", order->seq);
    json_put_u64(&w, "iat", order->iat);
    json_put_u64(&w, "nbf", order->nbf);
    json_put_u64(&w, "exp", order->exp);
    if (has & HAS_ROLLOUT)
        json_put_text(&w, "rollout", order->rollout);
    if (has & HAS_UPDATE)
        put_update(&w, order);
    if (has & HAS_SET)
        put_set(&w, &order->set);
    return json_end(&w);
}
