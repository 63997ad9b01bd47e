#include <string.h>

#include "app/features.h"
#include "private.h"

#include "protocol/hex.h"
#include "protocol/id.h"

enum {
    REBOOT_MS = 1500, /* for the reply to leave */
};

/* A command being answered. */
struct request {
    const struct app_event *event;
    enum verb verb;
    uint32_t seq;
    const char *detail; /* for a person, or NULL */
};

/* ---- replies -------------------------------------------------------------------------------- */

static void publish_reply(struct app *app, const struct app_event *event, const char *verb, int len)
{
    const struct app_publish message = {
        .kind = TOPIC_REPLY,
        .sub = verb,
        .payload = app->scratch,
        .len = (size_t)len,
        .qos = 1,
        .correlation = event->correlation,
        .correlation_len = event->correlation ? event->correlation_len : 0,
    };

    if (len < 0 || event->correlation_len > APP_CORRELATION_MAX)
        app_say(app, APP_LOG_WARN, "a reply does not fit its message");
    else
        (void)app->platform->publish(app->platform->ctx, &message);
}

static void reply(struct app *app, const struct request *request, enum reason reason)
{
    const char *detail = request->detail ? request->detail : "";
    struct reply r;

    memset(&r, 0, sizeof(r));
    r.verb = request->verb;
    r.seq = request->seq;
    r.ok = reason == REASON_NONE;
    r.reason = reason;
    (void)text_copy(r.detail, sizeof(r.detail), detail, strlen(detail));
    r.ts = app->now.trusted ? (uint64_t)app->now.unix_s : 0;
    publish_reply(app, request->event, verb_word(request->verb),
                  reply_encode(&r, app->scratch, sizeof(app->scratch)));
    app_say(app, reason == REASON_NONE ? APP_LOG_INFO : APP_LOG_WARN, "command %s: %s%s%s",
            verb_word(request->verb), reason == REASON_NONE ? "done" : reason_text(reason),
            *detail ? ": " : "", detail);
}

/* A verb that this side has no number for: the reply is put together by hand. */
static void reply_unknown(struct app *app, const struct app_event *event)
{
    struct text t = text_begin(app->scratch, sizeof(app->scratch));
    size_t len = event->verb ? strlen(event->verb) : 0;

    if (!name_is_valid(event->verb ? event->verb : "", len) || len >= PROTO_VERB_MAX)
        return;
    text_str(&t, "{\"verb\":\"");
    text_str(&t, event->verb);
    text_str(&t, "\",\"seq\":0,\"ok\":false,\"reason\":\"");
    text_str(&t, reason_word(REASON_UNSUPPORTED));
    text_str(&t, "\"}");
    publish_reply(app, event, event->verb, text_end(&t));
    app_say(app, APP_LOG_WARN, "command %s: %s", event->verb, reason_text(REASON_UNSUPPORTED));
}

/* ---- what the commands do ------------------------------------------------------------------- */

static enum reason do_config(struct app *app, struct request *request, const struct order *order)
{
    uint32_t before = app->config.interval;
    const char *field = NULL;
    enum reason reason = app_config_apply(&app->config, app->platform, &order->set, &field);

    request->detail = field;
    if (reason == REASON_RECORD_IO)
        return reason; /* not stored: the order may be tried again */
    enum reason counted = ota_agent_count_order(&app->agent);
    if (reason == REASON_NONE)
        reason = counted;
    if (reason != REASON_NONE)
        return reason;
    if (app->config.interval != before)
        app->sample_ms = app->sampled_ms + app->config.interval * INT64_C(1000);
    app->status_due = true;
    return REASON_NONE;
}

static enum reason do_reboot(struct app *app)
{
    if (ota_agent_is_active(&app->agent))
        return REASON_BUSY;
    app->rebooting = true;
    app->reboot_ms = app->now.mono_ms + REBOOT_MS;
    return REASON_NONE;
}

static enum reason do_identify(struct app *app)
{
    app_say(app, APP_LOG_INFO, "identify: here I am");
    if (app->platform->identify)
        app->platform->identify(app->platform->ctx);
    return REASON_NONE;
}

/* Reports say how it goes on. */
static enum reason do_rollback(struct app *app)
{
    return app->rebooting ? REASON_BUSY : ota_agent_rollback(&app->agent);
}

static enum reason do_renew(struct app *app)
{
    const struct app_platform *p = app->platform;

    enum reason reason = p->renew ? p->renew(p->ctx) : REASON_UNSUPPORTED;

    (void)ota_agent_count_order(&app->agent); /* renewed twice does no harm */
    return reason;
}

static enum reason carry_out(struct app *app, struct request *request, const struct order *order)
{
    if (request->verb == VERB_CONFIG)
        return do_config(app, request, order);
    if (request->verb == VERB_REBOOT)
        return do_reboot(app);
    if (request->verb == VERB_ROLLBACK)
        return do_rollback(app);
    if (request->verb == VERB_RENEW)
        return do_renew(app);
    return do_identify(app);
}

/* ---- taking one in -------------------------------------------------------------------------- */

static struct ota_event as_event(const struct request *request)
{
    return (struct ota_event){
        .kind = OTA_EV_COMMAND,
        .command = { .verb = request->verb,
                     .body = request->event->body,
                     .len = request->event->len },
    };
}

/* The agent says the rest in its reports; a reply only for who asked for one, since the retained
 * order comes again with every connection. */
static void give_to_agent(struct app *app, struct request *request)
{
    struct ota_event event = as_event(request);
    enum reason reason = app_tell_agent(app, &event);

    if (request->event->correlation)
        reply(app, request, reason);
    else if (reason != REASON_NONE)
        app_say(app, APP_LOG_WARN, "order %s: %s", verb_word(request->verb), reason_text(reason));
}

#define SEEN_KEY 16 /* "seen_" and a verb: a key of NVS has 15 characters at most */

static void seen_key(enum verb verb, char key[SEEN_KEY])
{
    struct text t = text_begin(key, SEEN_KEY);

    text_str(&t, "seen_");
    text_str(&t, verb_word(verb));
}

/* "118 0 <digest>": also after a restart, which is what some orders are about. Not kept, it is a
 * `replay` then. */
static void keep_seen(struct app *app, enum verb verb)
{
    const struct app_order_seen *seen = &app->seen[verb];
    char key[SEEN_KEY], value[32 + PROTO_SHA256_HEX], hex[PROTO_SHA256_HEX];
    struct text t = text_begin(value, sizeof(value));

    seen_key(verb, key);
    text_u64(&t, seen->seq);
    text_str(&t, " ");
    text_u64(&t, (uint64_t)seen->answer);
    text_str(&t, " ");
    hex_encode(seen->digest, sizeof(seen->digest), hex);
    text_str(&t, hex);
    (void)app->platform->nvs_set_str(app->platform->ctx, APP_NS_CONFIG, key, value);
}

static int read_seen(const char *value, size_t len, struct app_order_seen *seen)
{
    const char *end = value + len, *a = memchr(value, ' ', len);
    const char *b = a ? memchr(a + 1, ' ', (size_t)(end - a) - 1) : NULL;
    uint32_t answer;

    if (!b || text_to_u32(value, (size_t)(a - value), UINT32_MAX, &seen->seq) ||
        text_to_u32(a + 1, (size_t)(b - a) - 1, UINT16_MAX, &answer))
        return -1;
    seen->answer = (enum reason)answer;
    return hex_decode(b + 1, (size_t)(end - b) - 1, seen->digest, sizeof(seen->digest));
}

void command_start(struct app *app)
{
    static const enum verb kept[] = { VERB_CONFIG, VERB_REBOOT, VERB_ROLLBACK, VERB_RENEW };
    char key[SEEN_KEY], value[32 + PROTO_SHA256_HEX];

    for (size_t i = 0; FW_COMMANDS && i < sizeof(kept) / sizeof(kept[0]); i++) {
        struct app_order_seen *seen = &app->seen[kept[i]];
        int len;

        seen_key(kept[i], key);
        len = app->platform->nvs_get_str(app->platform->ctx, APP_NS_CONFIG, key, value,
                                         sizeof(value));
        seen->known = len > 0 && read_seen(value, (size_t)len, seen) == 0;
    }
}

/*
 * QoS 1 may bring an order twice. Its number is used up by then, but answering `replay` to who
 * sent it once would be a lie: the first answer is given again, and nothing is done.
 */
static bool answer_again(struct app *app, struct request *request,
                         const uint8_t digest[PROTO_SHA256_LEN])
{
    const struct app_order_seen *seen = &app->seen[request->verb];

    if (!seen->known || memcmp(seen->digest, digest, PROTO_SHA256_LEN) != 0)
        return false;
    request->seq = seen->seq;
    reply(app, request, seen->answer);
    return true;
}

static void remember(struct app *app, const struct request *request,
                     const uint8_t digest[PROTO_SHA256_LEN], enum reason answer)
{
    struct app_order_seen *seen = &app->seen[request->verb];

    seen->known = true;
    seen->seq = request->seq;
    seen->answer = answer;
    memcpy(seen->digest, digest, PROTO_SHA256_LEN);
    if (request->verb != VERB_IDENTIFY) /* it does no harm twice, and is not worth a write */
        keep_seen(app, request->verb);
}

static void check_and_do(struct app *app, struct request *request)
{
    const struct crypto *crypto = app->platform->crypto;
    struct ota_event event = as_event(request);
    const struct order *order = NULL;
    uint8_t digest[PROTO_SHA256_LEN];
    enum reason reason;

    if (request->event->len <= PROTO_UPDATE_BYTES) {
        crypto->sha256(crypto->ctx, request->event->body, request->event->len, digest);
        if (answer_again(app, request, digest))
            return;
    }
    event.now = app_ota_time(app);
    reason = ota_agent_check_order(&app->agent, &event, &order);
    if (reason == REASON_NONE) {
        request->seq = order->seq;
        reason = carry_out(app, request, order);
        /* An unsigned identify has no number: each one counts. */
        if (request->seq)
            remember(app, request, digest, reason);
    }
    reply(app, request, reason);
}

/* The agent knows a keyset that comes twice, also after a restart: nothing is remembered here. */
static void take_keys(struct app *app, struct request *request)
{
    char detail[PROTO_DETAIL_MAX];
    struct ota_event event = as_event(request);
    enum reason reason = keys_take(app, &event, &request->seq, detail, sizeof(detail));

    request->detail = detail;
    reply(app, request, reason);
}

void command_take(struct app *app, const struct app_event *event)
{
    struct request request = { .event = event };
    size_t len = event->verb ? strlen(event->verb) : 0;

    if (len == 0 || verb_from_word(event->verb, len, &request.verb) != 0) {
        reply_unknown(app, event);
        return;
    }
    if (event->len == 0 && request.verb == VERB_UPDATE)
        return; /* the retained order was taken away */

    switch (request.verb) {
    case VERB_UPDATE:
    case VERB_ABORT:
        give_to_agent(app, &request);
        return;
    case VERB_CONFIG:
    case VERB_REBOOT:
    case VERB_ROLLBACK:
    case VERB_RENEW:
    case VERB_IDENTIFY:
        if (!FW_COMMANDS)
            break;
        check_and_do(app, &request);
        return;
    case VERB_KEYS:
        take_keys(app, &request);
        return;
    case VERB_COUNT:
        break;
    }
    reply(app, &request, REASON_UNSUPPORTED);
}

void command_tick(struct app *app)
{
    if (!app->rebooting || app->now.mono_ms < app->reboot_ms)
        return;
    app->rebooting = false;
    app->platform->reboot(app->platform->ctx);
}
