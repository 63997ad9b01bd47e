#include "protocol/order.h"

#include <string.h>

#include "crit.h"
#include "protocol/id.h"
#include "protocol/json_read.h"
#include "protocol/json_write.h"

enum { TOKENS = 96, DEPTH = 3 };

/* What a verb has beside the common fields. */
enum { HAS_ROLLOUT = 1, HAS_UPDATE = 2, HAS_SET = 4 };

enum { DAY_S = 86400, JITTER_MAX_S = 30 * DAY_S, TRIAL_MAX_S = DAY_S, INTERVAL_MAX_S = DAY_S };

static const char *const known[] = {
    "verb",    "fleet",   "dev",    "seq",     "iat", "nbf",   "exp",
    "rollout", "attempt", "jitter", "release", "url", "trial", "set",
};

static const struct {
    const char *word;
    enum verb_class cls;
} verbs[VERB_COUNT] = {
#define X(name, word, cls) [VERB_##name] = { word, VERB_CLASS_##cls },
    VERB_MAP(X)
#undef X
};

const char *verb_word(enum verb verb)
{
    return (unsigned)verb < VERB_COUNT ? verbs[verb].word : "unknown";
}

enum verb_class verb_class(enum verb verb)
{
    return (unsigned)verb < VERB_COUNT ? verbs[verb].cls : VERB_CLASS_OTHER;
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
    switch (verb) {
    case VERB_UPDATE:
        return HAS_ROLLOUT | HAS_UPDATE;
    case VERB_ABORT:
    case VERB_ROLLBACK:
        return HAS_ROLLOUT;
    case VERB_CONFIG:
        return HAS_SET;
    case VERB_REBOOT:
    case VERB_KEYS:
    case VERB_RENEW:
    case VERB_IDENTIFY:
    case VERB_COUNT:
        break;
    }
    return 0;
}

/* A host name or address as NTP takes it. */
static bool host_is_valid(const char *host)
{
    size_t len = strlen(host);

    for (size_t i = 0; i < len; i++) {
        char c = host[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && c != '.' && c != '-' && c != ':')
            return false;
    }
    return len > 0 && len < PROTO_HOST_MAX;
}

static bool set_is_sound(const struct order_config *set)
{
    if (!set->has_interval && !set->has_url && !set->has_groups && !set->has_ntp)
        return false;
    if (set->has_interval && (set->interval < 1 || set->interval > INTERVAL_MAX_S))
        return false;
    if (set->has_url && !base_url_is_valid(set->url, strlen(set->url)))
        return false;
    if (set->has_ntp && !host_is_valid(set->ntp))
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

static int read_groups(struct json *j, int groups, struct order_config *set)
{
    for (int i = json_first(j, groups); i != JSON_NONE; i = json_next(j, i)) {
        if (set->group_count == PROTO_GROUP_COUNT)
            return -1;
        if (json_text(j, i, set->groups[set->group_count], PROTO_GROUP_MAX) != 0)
            return -1;
        set->group_count++;
    }
    return json_is_array(j, groups) ? 0 : -1;
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
        return read_groups(j, value, set);
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

static int read_common(struct json *j, struct order *out)
{
    int bad = read_verb(j, &out->verb);

    bad |= json_get_text(j, JSON_ROOT, "fleet", JSON_MUST, out->fleet, sizeof(out->fleet));
    bad |= json_get_text(j, JSON_ROOT, "dev", JSON_MUST, out->dev, sizeof(out->dev));
    bad |= json_get_u32(j, JSON_ROOT, "seq", JSON_MUST, &out->seq);
    bad |= json_get_u64(j, JSON_ROOT, "iat", JSON_MUST, &out->iat);
    bad |= json_get_u64(j, JSON_ROOT, "nbf", JSON_MUST, &out->nbf);
    bad |= json_get_u64(j, JSON_ROOT, "exp", JSON_MUST, &out->exp);
    return bad;
}

static int read_update(struct json *j, struct order *out)
{
    int bad = json_get_u32(j, JSON_ROOT, "attempt", JSON_MUST, &out->attempt);

    bad |= json_get_u32(j, JSON_ROOT, "jitter", JSON_MUST, &out->jitter);
    bad |= json_get_hex(j, JSON_ROOT, "release", JSON_MUST, out->release, sizeof(out->release));
    bad |= json_get_text(j, JSON_ROOT, "url", JSON_MAY, out->url, sizeof(out->url));
    bad |= json_get_u32(j, JSON_ROOT, "trial", JSON_MUST, &out->trial);
    return bad;
}

enum reason order_decode(const char *json, size_t len, struct order *out)
{
    struct json j;

    memset(out, 0, sizeof(*out));
    if (len > PROTO_ORDER_BYTES || json_parse(&j, json, len, TOKENS, DEPTH) != 0 ||
        !crit_is_understood(&j, known, sizeof(known) / sizeof(known[0])))
        return REASON_BAD_ORDER;

    if (read_common(&j, out) != 0)
        return REASON_BAD_ORDER;
    unsigned has = fields_of(out->verb);
    if ((has & HAS_ROLLOUT) &&
        json_get_text(&j, JSON_ROOT, "rollout", JSON_MUST, out->rollout, sizeof(out->rollout)) != 0)
        return REASON_BAD_ORDER;
    if ((has & HAS_UPDATE) && read_update(&j, out) != 0)
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
