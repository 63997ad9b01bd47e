#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "protocol/jws.h"
#include "protocol/order.h"
#include "protocol/reply.h"

#define WAIT_S     6
#define DOWNLOAD_S 4
#define TRIAL_S    3
#define START_S    1790000000

static const char new_image[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char old_image[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

void world_init(struct world *w, const enum world_fate fate[WORLD_DEVICES])
{
    memset(w, 0, sizeof(*w));
    w->now_s = w->start_s = START_S;
    for (int i = 0; i < WORLD_DEVICES; i++)
        w->device[i] = (struct world_device){ .fate = fate[i], .boot = 1 };
}

static void id_of(int device, char out[PROTO_ID_MAX])
{
    text_format(out, PROTO_ID_MAX, "dev-%07d", device);
}

static void complain(struct world *w, const char *what, const char *id, uint32_t attempt)
{
    if (!w->broken[0])
        snprintf(w->broken, sizeof(w->broken), "%s: %.40s attempt %u at %lld s", what, id, attempt,
                 (long long)(w->now_s - w->start_s));
}

/* ---- what a device says
 * ---------------------------------------------------------------------------------------- */

static void say_status(struct world_link *l, int i)
{
    const struct world_device *d = &l->world->device[i];
    struct device_status status = { .online = true };
    char id[PROTO_ID_MAX];

    id_of(i, id);
    text_format(status.boot, sizeof(status.boot), "%016x", d->boot);
    text_copy(status.image, sizeof(status.image), d->new_image ? new_image : old_image);
    engine_status(l->engine, id, &status, l->world->now_s * 1000);
}

static void say_report(struct world_link *l, int i)
{
    const struct world_device *d = &l->world->device[i];
    struct ota_report report = {
        .attempt = d->attempt, .state = d->ota, .reason = d->reason, .n = d->n
    };
    char id[PROTO_ID_MAX];

    if (d->n == 0)
        return;
    id_of(i, id);
    text_copy(report.rollout, sizeof(report.rollout), "r-1");
    text_format(report.boot, sizeof(report.boot), "%016x", d->boot);
    engine_report(l->engine, id, &report, l->world->now_s * 1000);
}

static void report(struct world_link *l, int i, enum ota_report_state state, enum reason reason)
{
    struct world_device *d = &l->world->device[i];

    d->ota = state;
    d->reason = reason;
    d->n++;
    say_report(l, i);
}

static void say_reply(struct world_link *l, int i)
{
    struct world_device *d = &l->world->device[i];
    struct reply reply = { .verb = VERB_ABORT,
                           .seq = d->reply_seq,
                           .ok = d->reply_reason == REASON_NONE,
                           .reason = d->reply_reason };
    struct topic topic = { .kind = TOPIC_REPLY };
    char json[512];

    d->owes_reply = false;
    id_of(i, topic.id);
    text_copy(topic.sub, sizeof(topic.sub), "abort");
    int len = reply_encode(&reply, json, sizeof(json));
    if (len > 0)
        engine_message(l->engine, &topic, json, (size_t)len, l->world->now_s * 1000);
}

void world_replay(void *ctx, const struct rollout *r)
{
    struct world_link *l = ctx;

    (void)r;
    for (int i = 0; l->engine && i < WORLD_DEVICES; i++) {
        say_status(l, i);
        say_report(l, i);
    }
}

/* ---- what it is told
 * ------------------------------------------------------------------------------------------- */

static bool is_busy(const struct world_device *d)
{
    return d->ota != OTA_REPORT_IDLE && !ota_report_is_end(d->ota);
}

/* The order in a command's body, and its text. */
static bool read_order(const void *body, size_t len, struct order *order, char text[WORLD_TEXT])
{
    struct command_body split;
    struct jws jws;
    uint8_t payload[PROTO_ORDER_BYTES];

    if (command_body_split(body, len, &split) != REASON_NONE || split.order_len >= WORLD_TEXT ||
        jws_open(split.order, split.order_len, JWS_ORDER, REASON_BAD_ORDER, &jws) != REASON_NONE)
        return false;
    text_copy_n(text, WORLD_TEXT, split.order, split.order_len);
    int n = jws_payload(&jws, payload, sizeof(payload));
    return n > 0 && order_decode((const char *)payload, (size_t)n, order) == REASON_NONE;
}

/* An abort names the rollout, not the attempt: it is of the last that was ordered. */
static uint32_t last_attempt(const struct world_device *d)
{
    uint32_t last = WORLD_ATTEMPTS;

    while (last > 0 && !d->seen[0][last - 1][0])
        last--;
    return last;
}

/* False: it has been here before. */
static bool check_order(struct world *w, struct world_device *d, struct order *o, const char *text)
{
    int kind = o->verb == VERB_UPDATE ? 0 : 1;

    if (kind == 1)
        o->attempt = last_attempt(d);
    if (o->attempt == 0 || o->attempt > WORLD_ATTEMPTS) {
        complain(w, "an attempt out of range", o->dev, o->attempt);
        return false;
    }
    char *before = d->seen[kind][o->attempt - 1];
    if (before[0]) {
        if (d->seq[kind][o->attempt - 1] != o->seq)
            complain(w, "ordered again under another number", o->dev, o->attempt);
        else if (strcmp(before, text) != 0)
            complain(w, "ordered again in other bytes", o->dev, o->attempt);
        w->repeats++;
        return false;
    }
    if (o->seq <= d->last_seq[kind])
        complain(w, "a number that does not rise", o->dev, o->attempt);
    d->last_seq[kind] = o->seq;
    d->seq[kind][o->attempt - 1] = o->seq;
    text_copy(before, WORLD_TEXT, text);
    return true;
}

static void take_update(struct world *w, struct world_device *d, const struct order *o)
{
    w->orders++;
    if (is_busy(d))
        return;
    d->attempt = o->attempt;
    d->ota = OTA_REPORT_RECEIVED;
    d->reason = REASON_NONE;
    d->n++;
    d->next_s = w->now_s + 1; /* says so then */
}

static void take_abort(struct world *w, struct world_device *d, const struct order *o)
{
    w->aborts++;
    d->owes_reply = true;
    d->reply_seq = o->seq;
    d->reply_reason = d->ota >= OTA_REPORT_REBOOTING && is_busy(d) ? REASON_TOO_LATE : REASON_NONE;
    if (is_busy(d) && d->reply_reason == REASON_NONE) {
        d->ota = OTA_REPORT_ABORTED;
        d->reason = REASON_ABORTED_BY_OPERATOR;
        d->n++;
        d->next_s = w->now_s + 1;
    }
}

/* The broker takes it, the device finds it. */
static void deliver(struct world *w, int i, const char *verb, const void *body, size_t len,
                    bool retain)
{
    struct world_device *d = &w->device[i];
    struct order order;
    char text[WORLD_TEXT];

    if (len == 0) {
        d->retained[0] = '\0';
        return;
    }
    if (!read_order(body, len, &order, text)) {
        complain(w, "no order in a command", verb, 0);
        return;
    }
    bool first = check_order(w, d, &order, text);
    if (retain)
        text_copy(d->retained, sizeof(d->retained), text);
    if (strcmp(verb, "abort") == 0)
        take_abort(w, d, &order); /* answered each time */
    else if (first)
        take_update(w, d, &order);
}

int world_publish(void *ctx, const char *topic, const void *body, size_t len, bool retain)
{
    struct world_link *l = ctx;
    struct topic t;
    int i = -1;

    if (l->mid_count == WORLD_MIDS)
        return -1;
    if (++l->world->publishes == l->world->die_at_publish)
        kill(getpid(), SIGKILL);
    topic_parse("devices", topic, &t);
    if (t.kind == TOPIC_COMMAND && sscanf(t.id, "dev-%d", &i) == 1 && i >= 0 && i < WORLD_DEVICES)
        deliver(l->world, i, t.sub, body, len, retain);
    else if (strncmp(topic, "fleet/rollouts/", 15) != 0) /* how it stands, for whoever listens */
        complain(l->world, "a topic of nobody", topic, 0);
    l->mid[l->mid_count++] = ++l->mids;
    return l->mids;
}

/* ---- what it does
 * ---------------------------------------------------------------------------------------------- */

static void advance(struct world_link *l, int i)
{
    struct world_device *d = &l->world->device[i];

    d->next_s = l->world->now_s + 1;
    switch ((int)d->ota) {
    case OTA_REPORT_RECEIVED:
        report(l, i, OTA_REPORT_WAITING, REASON_NONE);
        d->next_s = l->world->now_s + WAIT_S;
        return;
    case OTA_REPORT_WAITING:
        report(l, i, OTA_REPORT_DOWNLOADING, REASON_NONE);
        d->next_s = l->world->now_s + DOWNLOAD_S;
        return;
    case OTA_REPORT_DOWNLOADING:
        d->tries++;
        if (d->fate == FATE_NET_ONCE && d->tries == 1)
            report(l, i, OTA_REPORT_FAILED, REASON_CONNECT);
        else
            report(l, i, OTA_REPORT_REBOOTING, REASON_NONE);
        return;
    case OTA_REPORT_REBOOTING:
        d->boot++;
        d->new_image = true;
        say_status(l, i);
        report(l, i, OTA_REPORT_TRIAL, REASON_NONE);
        d->next_s = l->world->now_s + TRIAL_S;
        return;
    case OTA_REPORT_TRIAL:
        if (d->fate == FATE_BAD) {
            d->boot++;
            d->new_image = false;
            say_status(l, i);
        }
        report(l, i, d->fate == FATE_BAD ? OTA_REPORT_ROLLED_BACK : OTA_REPORT_DONE,
               d->fate == FATE_BAD ? REASON_SELF_TEST : REASON_NONE);
        d->next_s = 0;
        return;
    default: /* an end that was not said yet */
        say_report(l, i);
        d->next_s = 0;
        return;
    }
}

void world_second(struct world_link *l)
{
    struct world *w = l->world;
    int count = l->mid_count, mid[WORLD_MIDS];

    w->now_s++;
    memcpy(mid, l->mid, sizeof(mid));
    l->mid_count = 0;
    for (int i = 0; i < count; i++)
        engine_published(l->engine, mid[i], w->now_s * 1000);
    for (int i = 0; i < WORLD_DEVICES; i++) {
        if (w->device[i].owes_reply)
            say_reply(l, i);
        if (w->device[i].next_s && w->device[i].next_s <= w->now_s)
            advance(l, i);
    }
}
