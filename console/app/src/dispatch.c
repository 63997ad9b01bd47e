#include "dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "protocol/jws.h"
#include "protocol/order.h"
#include "protocol/topic.h"

int dispatch_sign(void *ctx, const struct rollout *r, const struct rollout_device *d,
                  enum verb verb, uint32_t attempt, uint32_t seq, char *jws, size_t cap,
                  struct err *err)
{
    const struct dispatch_signing *s = ctx;
    const struct profile *p = s->cfg->profile;
    struct order order = { .verb = verb, .seq = seq, .attempt = attempt };
    char json[PROTO_ORDER_BYTES];

    order.iat = (uint64_t)(s->now_ms / 1000);
    order.nbf = order.iat;
    /* An abort must still be good when the window has closed. */
    order.exp =
        (uint64_t)((verb == VERB_UPDATE ? rollout_order_expires(r, d) : r->deadline_ms) / 1000);
    bool fits = text_copy(order.fleet, sizeof(order.fleet), p->fleet) &&
                text_copy(order.dev, sizeof(order.dev), d->id) &&
                text_copy(order.rollout, sizeof(order.rollout), r->id);
    if (verb == VERB_UPDATE) {
        order.jitter = r->plan.jitter_s;
        order.trial = r->plan.trial_s;
        memcpy(order.release, r->release.digest, sizeof(order.release));
        fits = fits && text_copy(order.url, sizeof(order.url), p->gateway.url);
    }
    int len = fits ? order_encode(&order, json, sizeof(json)) : -1;
    if (len < 0)
        return err_set(err, EXIT_USAGE, "order for %s does not fit %d bytes: shorten [gateway] url",
                       d->id, PROTO_ORDER_BYTES);
    if (jws_sign(JWS_ORDER, json, (size_t)len, s->cfg->crypto, s->cfg->signer, jws, cap) < 0)
        return err_set(err, EXIT_REFUSED,
                       "the rollout key could not sign (token gone, or the order is too long)");
    return 0;
}

static bool in_flight(const struct dispatch *d, const struct rollout *r,
                      const struct rollout_send *send)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct flight *f = &d->flight[i];
        if (f->device == send->device && f->attempt == send->attempt && f->wire == send->wire &&
            strcmp(f->rollout, r->id) == 0)
            return true;
    }
    return false;
}

/* The kept order of a send as the body of a command; -1 when the journal has none. */
static int body_of(const struct engine_config *cfg, const struct rollout *r, const char *release,
                   const struct rollout_send *send, enum verb verb, char *body, size_t cap)
{
    struct store_order order;
    struct err err;
    const char *id = r->device[send->device].id;

    if (store_order_get(cfg->store, r->id, id, send->attempt, verb, &order, &err) != 0) {
        log_say(cfg->log, LOG_ERROR, "%s: the journal has no %s order for %s", r->id,
                verb_word(verb), id);
        return -1;
    }
    return command_body_encode(order.jws, verb == VERB_UPDATE ? release : NULL, body, cap);
}

/* On commands/<verb> of the device; the message id, or -1. */
static int publish_to(const struct engine_config *cfg, const char *id, enum verb verb,
                      const char *body, size_t len, bool retain)
{
    char topic[PROTO_TOPIC_MAX];

    if (topic_format(topic, sizeof(topic), cfg->profile->root, id, TOPIC_COMMAND, verb_word(verb)) <
        0)
        return -1;
    return cfg->publish(cfg->ctx, topic, body, len, retain);
}

/* As enum rollout_wire says. The last of an abort's two messages stands for both: the broker
 * acknowledges in order. */
static int publish_wire(const struct engine_config *cfg, const struct rollout *r,
                        const char *release, const struct rollout_send *send)
{
    char body[PROTO_UPDATE_BYTES + 1];
    const char *id = r->device[send->device].id;
    enum verb verb;
    int len;

    switch (send->wire) {
    case WIRE_NOTHING:
        return publish_to(cfg, id, VERB_UPDATE, "", 0, true);
    case WIRE_ORDER:
        len = body_of(cfg, r, release, send, VERB_UPDATE, body, sizeof(body));
        return len < 0 ? -1 : publish_to(cfg, id, VERB_UPDATE, body, (size_t)len, true);
    case WIRE_ABORT:
    case WIRE_ROLLBACK:
        verb = send->wire == WIRE_ABORT ? VERB_ABORT : VERB_ROLLBACK;
        len = body_of(cfg, r, release, send, verb, body, sizeof(body));
        if (len < 0 || publish_to(cfg, id, VERB_UPDATE, "", 0, true) < 0)
            return -1;
        return publish_to(cfg, id, verb, body, (size_t)len, false);
    }
    return -1;
}

void dispatch_send(struct dispatch *d, const struct rollout *r, const char *release,
                   const struct rollout_send *send)
{
    if (in_flight(d, r, send))
        return;
    int mid = publish_wire(d->cfg, r, release, send);
    if (mid <= 0)
        return; /* the reducer asks again */
    MEM_PUSH_ROOM(d->flight, d->count, d->cap);
    struct flight *f = &d->flight[d->count++];
    f->mid = mid;
    f->device = send->device;
    f->attempt = send->attempt;
    f->wire = send->wire;
    text_copy(f->rollout, sizeof(f->rollout), r->id);
}

bool dispatch_acknowledged(struct dispatch *d, int mid, struct flight *out)
{
    for (size_t i = 0; i < d->count; i++) {
        if (d->flight[i].mid != mid)
            continue;
        *out = d->flight[i];
        d->flight[i] = d->flight[--d->count];
        return true;
    }
    return false;
}

void dispatch_forget(struct dispatch *d)
{
    d->count = 0;
}

void dispatch_free(struct dispatch *d)
{
    free(d->flight);
}
