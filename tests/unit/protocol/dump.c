#include "dump.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/hex.h"
#include "protocol/jws.h"
#include "protocol/keyset.h"
#include "protocol/order.h"
#include "protocol/reading.h"
#include "protocol/release.h"
#include "protocol/reply.h"
#include "protocol/report.h"
#include "protocol/status.h"
#include "protocol/topic.h"

struct out {
    char *text;
    size_t cap, len;
};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
say(struct out *o, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(o->text + o->len, o->cap - o->len, format, args);
    va_end(args);
    if (n > 0)
        o->len += (size_t)n < o->cap - o->len ? (size_t)n : o->cap - o->len - 1;
}

static void say_hex(struct out *o, const char *name, const uint8_t *data, size_t len)
{
    char text[2 * PROTO_P256_PUB + 1];

    hex_encode(data, len, text);
    say(o, "%s %s\n", name, text);
}

static bool failed(struct out *o, enum reason reason)
{
    if (reason != REASON_NONE)
        say(o, "error %s\n", reason_word(reason));
    return reason != REASON_NONE;
}

static bool refused(struct out *o, int rc)
{
    if (rc != 0)
        say(o, "error\n");
    return rc != 0;
}

static void say_groups(struct out *o, const char groups[][PROTO_GROUP_MAX], uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        say(o, "group %s\n", groups[i]);
}

static bool dump_status(struct out *o, const char *body, size_t len)
{
    struct device_status s;

    if (refused(o, device_status_decode(body, len, &s)))
        return false;
    say(o, "online %s\nproduct %s\nhw %s\nfw %s\nslot %s\nimage %s\nboot %s\n",
        s.online ? "yes" : "no", s.product, s.hw, s.fw, s.slot, s.image, s.boot);
    say(o, "boots %" PRIu32 "\nreset %s\nrelease_seq %" PRIu32 "\nsecurity %" PRIu32 "\n", s.boots,
        reset_word(s.reset), s.release_seq, s.security);
    say(o,
        "keyset %" PRIu32 "\nagent %" PRIu32 "\ncert_not_after %" PRIu64 "\ninterval %" PRIu32 "\n",
        s.keyset, s.agent, s.cert_not_after, s.interval);
    say_groups(o, (const char(*)[PROTO_GROUP_MAX])s.groups, s.group_count);
    return true;
}

static bool dump_readings(struct out *o, const char *body, size_t len)
{
    struct readings r;

    if (refused(o, readings_decode(body, len, &r)))
        return false;
    say(o, "device %s\nlocation %s\nfirmware %s\n", r.device, r.location, r.firmware);
    if (r.has_ts)
        say(o, "ts %.3f\n", r.ts);
    say(o, "dropped %" PRIu32 "\n", r.dropped);
    for (uint32_t i = 0; i < r.count; i++)
        say(o, "reading %s %.15g\n", r.item[i].name, r.item[i].value);
    return true;
}

static bool dump_report(struct out *o, const char *body, size_t len)
{
    struct ota_report r;

    if (refused(o, ota_report_decode(body, len, &r)))
        return false;
    say(o, "rollout %s\nattempt %" PRIu32 "\nstate %s\nreason %s\nfrom %s\nto %s\n", r.rollout,
        r.attempt, ota_report_word(r.state), reason_word(r.reason), r.from, r.to);
    say(o, "got %" PRIu32 "\nsize %" PRIu32 "\nslot %" PRIu64 "\nboot %s\nimage %s\n", r.got,
        r.size, r.slot, r.boot, r.image);
    say(o, "n %" PRIu32 "\nts %" PRIu64 "\ndetail %s\n", r.n, r.ts, r.detail);
    return true;
}

static bool dump_reply(struct out *o, const char *body, size_t len)
{
    struct reply r;

    if (refused(o, reply_decode(body, len, &r)))
        return false;
    say(o, "verb %s\nseq %" PRIu32 "\nok %s\nreason %s\ndetail %s\nts %" PRIu64 "\n",
        verb_word(r.verb), r.seq, r.ok ? "yes" : "no", reason_word(r.reason), r.detail, r.ts);
    return true;
}

static void dump_set(struct out *o, const struct order_config *set)
{
    if (set->has_interval)
        say(o, "set interval %" PRIu32 "\n", set->interval);
    if (set->has_url)
        say(o, "set url %s\n", set->url);
    if (set->has_ntp)
        say(o, "set ntp %s\n", set->ntp);
    if (set->has_groups)
        say(o, "set groups %" PRIu32 "\n", set->group_count);
    say_groups(o, set->groups, set->group_count);
}

static bool dump_order(struct out *o, const char *body, size_t len)
{
    struct order r;

    if (failed(o, order_decode(body, len, &r)))
        return false;
    say(o, "verb %s\nfleet %s\ndev %s\nseq %" PRIu32 "\n", verb_word(r.verb), r.fleet, r.dev,
        r.seq);
    say(o, "iat %" PRIu64 "\nnbf %" PRIu64 "\nexp %" PRIu64 "\n", r.iat, r.nbf, r.exp);
    if (verb_class(r.verb) == VERB_CLASS_UPDATE)
        say(o, "rollout %s\n", r.rollout);
    if (r.verb == VERB_UPDATE) {
        say(o, "attempt %" PRIu32 "\njitter %" PRIu32 "\n", r.attempt, r.jitter);
        say_hex(o, "release", r.release, sizeof(r.release));
        say(o, "url %s\ntrial %" PRIu32 "\n", r.url, r.trial);
    }
    dump_set(o, &r.set);
    return true;
}

static bool dump_release(struct out *o, const char *body, size_t len)
{
    struct release r;

    if (failed(o, release_decode(body, len, &r)))
        return false;
    say(o, "product %s\n", r.product);
    for (uint32_t i = 0; i < r.hw_count; i++)
        say(o, "hw %s\n", r.hw[i]);
    say(o, "version %s\nseq %" PRIu32 "\nsecurity %" PRIu32 "\nsize %" PRIu32 "\n", r.version,
        r.seq, r.security, r.size);
    say_hex(o, "sha256", r.sha256, sizeof(r.sha256));
    say(o, "min_from %s\nmin_agent %" PRIu32 "\ncreated %" PRIu64 "\n", r.min_from, r.min_agent,
        r.created);
    for (uint32_t i = 0; i < r.delta_count; i++) {
        say(o, "delta %s %" PRIu32 "\n", r.delta[i].format, r.delta[i].size);
        say_hex(o, "delta from", r.delta[i].from, sizeof(r.delta[i].from));
        say_hex(o, "delta sha256", r.delta[i].sha256, sizeof(r.delta[i].sha256));
    }
    return true;
}

static bool dump_keyset(struct out *o, const char *body, size_t len)
{
    struct keyset k;

    if (failed(o, keyset_open(body, len, &k)))
        return false;
    say(o, "fleet %s\nversion %" PRIu32 "\nroot_threshold %" PRIu32 "\nseq_floor %" PRIu32 "\n",
        k.fleet, k.version, k.root_threshold, k.seq_floor);
    for (uint32_t i = 0; i < k.keys.count; i++) {
        const struct trusted_key *t = &k.keys.key[i];
        say(o, "key %s%s%s%s%s\n", t->kid, t->roles & KEY_ROOT ? " root" : "",
            t->roles & KEY_RELEASE ? " release" : "", t->roles & KEY_ROLLOUT ? " rollout" : "",
            t->revoked ? " revoked" : "");
    }
    return true;
}

static bool dump_command(struct out *o, const char *body, size_t len)
{
    struct command_body c;

    if (failed(o, command_body_split(body, len, &c)))
        return false;
    say(o, "order %.*s\n", (int)c.order_len, c.order);
    if (c.release)
        say(o, "release %.*s\n", (int)c.release_len, c.release);
    if (c.keyset)
        say(o, "keyset %.*s\n", (int)c.keyset_len, c.keyset);
    return true;
}

static bool dump_topic(struct out *o, const char *body, size_t len)
{
    static const char *const kinds[] = { "other",   "status", "telemetry", "log",    "report",
                                         "command", "reply",  "rollout",   "release" };
    char text[512];
    struct topic t;

    if (len >= sizeof(text))
        len = sizeof(text) - 1;
    memcpy(text, body, len);
    text[len] = '\0';
    topic_parse("devices", text, &t);
    say(o, "kind %s\nid %s\nsub %s\n", kinds[t.kind], t.id, t.sub);
    return t.kind != TOPIC_OTHER;
}

static bool dump_jws(struct out *o, const char *body, size_t len, enum jws_type type)
{
    bool order = type == JWS_ORDER;
    uint8_t payload[PROTO_RELEASE_BYTES];
    struct jws jws;

    if (failed(o, jws_open(body, len, type, order ? REASON_BAD_ORDER : REASON_BAD_RELEASE, &jws)))
        return false;
    say(o, "kid %s\n", jws.kid);
    int n = jws_payload(&jws, payload, sizeof(payload));
    if (refused(o, n < 0))
        return false;
    return order ? dump_order(o, (const char *)payload, (size_t)n)
                 : dump_release(o, (const char *)payload, (size_t)n);
}

static bool dump_jws_order(struct out *o, const char *body, size_t len)
{
    return dump_jws(o, body, len, JWS_ORDER);
}

static bool dump_jws_release(struct out *o, const char *body, size_t len)
{
    return dump_jws(o, body, len, JWS_RELEASE);
}

bool dump_message(const char *kind, const char *body, size_t len, char *out, size_t cap, bool *ok)
{
    static const struct {
        const char *kind;
        bool (*dump)(struct out *o, const char *body, size_t len);
    } table[] = {
        { "status", dump_status },
        { "readings", dump_readings },
        { "report", dump_report },
        { "reply", dump_reply },
        { "order", dump_order },
        { "release", dump_release },
        { "keyset", dump_keyset },
        { "command", dump_command },
        { "topic", dump_topic },
        { "jws-order", dump_jws_order },
        { "jws-release", dump_jws_release },
    };
    struct out o = { out, cap, 0 };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].kind, kind) == 0) {
            *ok = table[i].dump(&o, body, len);
            return true;
        }
    }
    return false;
}
