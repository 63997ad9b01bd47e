#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "fleet/view.h"
#include "ossl/crypto.h"
#include "protocol/order.h"
#include "protocol/reply.h"
#include "protocol/topic.h"

#include "keys_fleet.h"
#include "output.h"
#include "session.h"

/* Keysets on their way to the fleet. How far they have come: cmd_keys_status.c. */

enum { UNDER_WAY_MAX = 32, RESEND_MS = 10000, TRIES_MAX = 3 };

struct filter *keys_filter(struct cmd_context *ctx, const struct cmd_args *args)
{
    char text[FILTER_TEXT_MAX];
    struct filter_error mistake;
    char said[FILTER_SAID_MAX];

    if (!output_join(args, 0, text, sizeof(text))) {
        err_set(&ctx->err, EXIT_USAGE, "the filter is longer than %d bytes", FILTER_TEXT_MAX - 1);
        return NULL;
    }
    struct filter *filter = filter_compile(text, &mistake);
    if (!filter)
        err_set(&ctx->err, EXIT_USAGE, "%s\n        %s\n        %*s^",
                filter_error_said(&mistake, text, said), text, (int)mistake.at, "");
    return filter;
}

/* ---- pushing ----------------------------------------------------------------------------------
 */

enum push_state { PUSH_WAITS, PUSH_SENT, PUSH_DONE, PUSH_FAILED };

struct push_device {
    char id[PROTO_ID_MAX];
    uint32_t from, at; /* keyset it had, and has */
    uint32_t seq;      /* of the order under way */
    int64_t sent_ms;
    int tries;
    enum push_state state;
    char why[PROTO_DETAIL_MAX + 32];
};

struct push {
    struct cmd_context *ctx;
    struct keys_folder folder;
    struct session *session;
    struct push_device *device;
    size_t count, cap;
    char who[65];
};

static struct push_device *device_of(struct push *p, const char *id)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->device[i].id, id) == 0)
            return &p->device[i];
    return NULL;
}

static void reached(struct push *p, struct push_device *d, uint32_t version)
{
    d->at = version;
    d->tries = 0;
    d->state = version >= p->folder.now.version ? PUSH_DONE : PUSH_WAITS;
}

static void on_message(void *ctx, const char *topic, const void *body, size_t len, bool retained)
{
    struct push *p = ctx;
    struct topic t;
    struct reply reply;
    char detail[PROTO_DETAIL_MAX];

    topic_parse(p->ctx->profile->root, topic, &t);
    struct push_device *d = retained || t.kind != TOPIC_REPLY ? NULL : device_of(p, t.id);
    if (!d || d->state != PUSH_SENT || reply_decode(body, len, &reply) != 0 ||
        reply.verb != VERB_KEYS || (reply.seq != 0 && reply.seq != d->seq))
        return;
    if (reply.ok) {
        reached(p, d, d->at + 1);
        return;
    }
    /* Seq 0: it would not even tell whose order that was. Then this one is as likely as any. */
    text_clean(detail, sizeof(detail), reply.detail, strlen(reply.detail));
    text_format(d->why, sizeof(d->why), "%s%s%s", reason_word(reply.reason), *detail ? ": " : "",
                detail);
    d->state = PUSH_FAILED;
}

static int collect(struct push *p, struct filter *filter)
{
    const struct fleet *fleet = session_fleet(p->session);

    for (uint32_t i = 0; i < fleet_span(fleet); i++) {
        const struct fleet_device *d = fleet_device(fleet, i);
        if (!d || d->keyset == 0 || d->keyset >= p->folder.now.version ||
            !filter_match(filter, fleet, d, session_now()))
            continue;
        MEM_PUSH_ROOM(p->device, p->count, p->cap);
        struct push_device *mine = &p->device[p->count++];
        memset(mine, 0, sizeof(*mine));
        text_copy(mine->id, sizeof(mine->id), d->id);
        mine->from = mine->at = d->keyset;
    }
    return 0;
}

/* The next version of what it has, by a key that it obeys. */
static int send_next(struct push *p, struct push_device *d, struct err *err)
{
    char text[PROTO_KEYSET_BYTES + 1], before_text[PROTO_KEYSET_BYTES + 1];
    struct order order = { .verb = VERB_KEYS };
    struct keyset before, next;
    struct crypto_signer by;

    if (keys_version(&p->folder, d->at, before_text, &before, err) != 0 ||
        keys_version(&p->folder, d->at + 1, text, &next, err) != 0 ||
        keys_signer_for(p->ctx->profile->trust.rollout_key, &before, &next, &by, err) != 0)
        return -1;
    text_copy(order.dev, sizeof(order.dev), d->id);
    int rc = session_keys(p->session, &order, text, &by, p->who, &d->seq, err);
    ossl_signer_free(&by);
    return rc;
}

static void give_up(struct push_device *d, const char *why)
{
    d->state = PUSH_FAILED;
    text_copy(d->why, sizeof(d->why), why);
}

/* Its status may say more than a reply that was lost. */
static void look_at(struct push *p, struct push_device *d)
{
    uint32_t at = fleet_find(session_fleet(p->session), d->id);
    const struct fleet_device *seen =
        at == FLEET_NONE ? NULL : fleet_device(session_fleet(p->session), at);

    if (seen && seen->keyset > d->at && seen->keyset <= p->folder.now.version)
        reached(p, d, seen->keyset);
    if (d->state != PUSH_SENT || session_now() - d->sent_ms < RESEND_MS)
        return;
    if (d->tries < TRIES_MAX && seen && seen->online)
        d->state = PUSH_WAITS;
}

static size_t advance(struct push *p)
{
    size_t open = 0, under_way = 0;

    for (size_t i = 0; i < p->count; i++) {
        struct push_device *d = &p->device[i];
        struct err err = { 0 };
        if (d->state == PUSH_SENT || d->state == PUSH_WAITS)
            look_at(p, d);
        if (d->state == PUSH_WAITS && under_way < UNDER_WAY_MAX) {
            d->sent_ms = session_now();
            d->tries++;
            if (send_next(p, d, &err) == 0)
                d->state = PUSH_SENT;
            else
                give_up(d, err.text);
        }
        under_way += d->state == PUSH_SENT;
        open += d->state == PUSH_SENT || d->state == PUSH_WAITS;
    }
    return open;
}

static int report(struct push *p)
{
    struct cmd_context *ctx = p->ctx;
    json_t *list = json_array();
    size_t done = 0;

    for (size_t i = 0; i < p->count; i++) {
        const struct push_device *d = &p->device[i];
        const char *why = d->state == PUSH_DONE   ? ""
                          : d->state == PUSH_SENT ? "no answer yet; the broker keeps it for an hour"
                          : d->why[0]             ? d->why
                                                  : "not sent";
        done += d->state == PUSH_DONE;
        if (ctx->json)
            json_array_append_new(list,
                                  json_pack("{s:s, s:I, s:I, s:b, s:s}", "id", d->id, "from",
                                            (json_int_t)d->from, "keyset", (json_int_t)d->at,
                                            "done", (int)(d->state == PUSH_DONE), "why", why));
        else if (!ctx->quiet || *why)
            fprintf(ctx->out, "%-20s  %u -> %u%s%s\n", d->id, d->from, d->at, *why ? "  " : "",
                    why);
    }
    if (ctx->json)
        output_json(ctx, json_pack("{s:I, s:o}", "version", (json_int_t)p->folder.now.version,
                                   "devices", list));
    else
        json_decref(list);
    if (!ctx->json && !ctx->quiet)
        fprintf(ctx->out, "keyset %u: %zu of %zu that were behind have it now\n",
                p->folder.now.version, done, p->count);
    return done == p->count ? EXIT_DONE : EXIT_NO;
}

static int push_all(struct push *p, struct filter *filter, uint32_t wait_s)
{
    if (session_settle(p->session, 0, &p->ctx->err) != 0)
        return (int)p->ctx->err.code;
    collect(p, filter);
    session_who(p->who, sizeof(p->who));
    int64_t until = session_now() + (int64_t)wait_s * 1000;
    while (advance(p) > 0 && session_now() < until && session_poll(p->session, NULL, 0, 50))
        ;
    return report(p);
}

int cmd_keys_push(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct push p = { .ctx = ctx };
    struct session_config config = { .profile = ctx->profile,
                                     .log = ctx->log,
                                     .parts = SESSION_JOURNAL | SESSION_SIGNER,
                                     .name = "keys",
                                     .on_message = on_message,
                                     .ctx = &p };
    uint32_t wait_s;

    if (ctx->profile->ui.read_only)
        return cmd_fail(ctx, EXIT_REFUSED, "this profile is read-only ([ui] read_only)");
    if (cmd_seconds(args, "wait", 30, &wait_s, &ctx->err) != 0 ||
        keys_open(&p.folder, cmd_get(args, "keyset", ctx->profile->trust.keyset), &ctx->err) != 0)
        return (int)ctx->err.code;
    struct filter *filter = keys_filter(ctx, args);
    if (!filter)
        return EXIT_USAGE;
    p.session = session_open(&config, &ctx->err);
    int rc = p.session ? push_all(&p, filter, wait_s) : (int)ctx->err.code;
    session_close(p.session);
    filter_free(filter);
    free(p.device);
    return rc;
}
