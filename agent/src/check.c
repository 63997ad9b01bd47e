#include "internal.h"

#include <string.h>

#include "protocol/hex.h"
#include "protocol/id.h"

/*
 * The checks of an order and of a release, in the order that the design gives them: cheap and
 * decisive first, and no field is used before the signature over it held.
 */

static const char *fleet_of(const struct ota_agent *a)
{
    return a->cfg->fleet && a->cfg->fleet[0] ? a->cfg->fleet : a->cfg->keyset->fleet;
}

static uint32_t seq_floor(const struct ota_agent *a, enum verb_class cls)
{
    uint32_t seen = a->counters.order_seq[cls];
    uint32_t floor = a->cfg->keyset->seq_floor;
    return seen > floor ? seen : floor;
}

/* Split off the order's text. */
static enum reason order_text(const struct ota_command *cmd, struct command_body *body)
{
    if (cmd->len > PROTO_UPDATE_BYTES)
        return REASON_BAD_ORDER;
    enum reason r = command_body_split(cmd->body, cmd->len, body);
    if (r != REASON_NONE)
        return REASON_BAD_ORDER;
    if (body->order_len == 0 || body->order_len > PROTO_ORDER_BYTES)
        return REASON_BAD_ORDER;
    return REASON_NONE;
}

enum reason order_digest(struct ota_agent *a, const struct ota_command *cmd,
                         uint8_t digest[PROTO_SHA256_LEN])
{
    struct command_body body;
    enum reason r = order_text(cmd, &body);
    if (r != REASON_NONE)
        return r;
    a->port->crypto->sha256(a->port->crypto->ctx, body.order, body.order_len, digest);
    return REASON_NONE;
}

bool order_is_known(const struct ota_agent *a, const uint8_t digest[PROTO_SHA256_LEN])
{
    return a->job.phase != PHASE_NONE && a->job.order_seq != 0 &&
           memcmp(a->job.order_digest, digest, PROTO_SHA256_LEN) == 0;
}

/* The last 32 bits of a kid. Two keys that share them would stop an update too many, no more. */
static uint32_t kid_tail(const char *kid)
{
    uint8_t tail[4] = { 0 };
    (void)hex_decode(kid + PROTO_KID_MAX - 1 - 2 * sizeof(tail), 2 * sizeof(tail), tail,
                     sizeof(tail));
    return record_get_u32(tail);
}

bool job_is_revoked(const struct ota_agent *a)
{
    const struct keyring *keys = &a->cfg->keyset->keys;

    for (uint32_t i = 0; i < keys->count; i++) {
        uint32_t tail = kid_tail(keys->key[i].kid);
        if (keys->key[i].revoked && tail != 0 &&
            (tail == a->job.signed_by[0] || tail == a->job.signed_by[1]))
            return true;
    }
    return false;
}

/* Envelope, key, signature, payload to tmp. Returns its length in *len. */
static enum reason open_signed(struct ota_agent *a, const char *text, size_t text_len,
                               enum jws_type type, enum key_role role, enum reason malformed,
                               size_t *len)
{
    struct jws jws;
    enum reason r = jws_open(text, text_len, type, malformed, &jws);
    if (r != REASON_NONE)
        return r;
    r = jws_verify(&jws, a->port->crypto, &a->cfg->keyset->keys, role);
    if (r != REASON_NONE)
        return r;
    a->signed_by[type == JWS_RELEASE] = kid_tail(jws.kid);
    int n = jws_payload(&jws, a->tmp.bytes, sizeof(a->tmp.bytes));
    if (n < 0)
        return malformed;
    *len = (size_t)n;
    return REASON_NONE;
}

/* Time narrows, never widens: an untrusted clock judges nothing. */
static enum reason check_time(const struct ota_agent *a, const struct order *o)
{
    if (!a->now.trusted)
        return REASON_NONE;
    if (o->exp != 0 && a->now.unix_s > o->exp)
        return REASON_EXPIRED;
    /* An update's nbf is when its jitter starts to count, so it only waits. */
    if (o->verb != VERB_UPDATE && o->nbf > a->now.unix_s)
        return REASON_NOT_YET;
    return REASON_NONE;
}

enum reason check_order(struct ota_agent *a, const struct ota_command *cmd, bool *authentic)
{
    struct command_body body;
    struct order *o = &a->order;
    size_t len = 0;

    *authentic = false;
    if (a->records_bad)
        return REASON_RECORD_IO;
    enum reason r = order_text(cmd, &body);
    if (r != REASON_NONE)
        return r;
    r = open_signed(a, body.order, body.order_len, JWS_ORDER, KEY_ROLLOUT, REASON_BAD_ORDER, &len);
    if (r != REASON_NONE)
        return r;
    r = order_decode((const char *)a->tmp.bytes, len, o);
    if (r != REASON_NONE)
        return r;
    *authentic = true;
    if (o->verb != cmd->verb)
        return REASON_BAD_ORDER;
    if (strcmp(o->fleet, fleet_of(a)) != 0)
        return REASON_WRONG_FLEET;
    if (strcmp(o->dev, a->cfg->id) != 0)
        return REASON_WRONG_DEVICE;
    if (o->seq <= seq_floor(a, verb_class(o->verb)))
        return REASON_REPLAY;
    return check_time(a, o);
}

/* An image may come in when it is newer than what runs, and not below what ever was committed. */
static enum reason check_age(const struct ota_agent *a, const struct release *r)
{
    if (r->security < a->counters.security)
        return REASON_SECURITY_DOWNGRADE;
    /* Already there: the end is `done`, whatever its number. */
    if (runs(a, r->sha256))
        return REASON_NONE;
    uint32_t seq = ota_agent_release_seq(a);
    if (r->seq < a->counters.release_seq || r->seq <= seq)
        return REASON_DOWNGRADE;
    /* No number was ever known here, so all signed releases would be newer: the old ones, with the
     * old holes, too. The version is the next best thing to judge by. */
    if (a->counters.release_seq == 0 && seq == 0 && semver_compare(r->version, a->version) <= 0)
        return REASON_DOWNGRADE;
    return REASON_NONE;
}

static enum reason check_fit(const struct ota_agent *a, const struct release *r)
{
    if (strcmp(r->product, a->cfg->product) != 0)
        return REASON_WRONG_PRODUCT;
    if (!release_fits_hw(r, a->cfg->hw))
        return REASON_WRONG_HW;
    enum reason age = check_age(a, r);
    if (age != REASON_NONE)
        return age;
    if (r->min_from[0] && semver_compare(a->version, r->min_from) < 0)
        return REASON_PRECURSOR;
    if (r->min_agent > OTA_AGENT_VERSION)
        return REASON_AGENT_TOO_OLD;
    if (r->size > a->port->slot_size)
        return REASON_TOO_BIG;
    if (r->size == 0)
        return REASON_BAD_RELEASE;
    return REASON_NONE;
}

enum reason check_release(struct ota_agent *a, const struct ota_command *cmd)
{
    struct command_body body;
    uint8_t digest[PROTO_SHA256_LEN];
    size_t len = 0;

    enum reason r = order_text(cmd, &body);
    if (r != REASON_NONE)
        return r;
    if (body.release_len == 0 || body.release_len > PROTO_RELEASE_BYTES)
        return REASON_BAD_RELEASE;
    a->port->crypto->sha256(a->port->crypto->ctx, body.release, body.release_len, digest);
    if (memcmp(digest, a->order.release, sizeof(digest)) != 0)
        return REASON_BAD_ORDER;
    r = open_signed(a, body.release, body.release_len, JWS_RELEASE, KEY_RELEASE, REASON_BAD_RELEASE,
                    &len);
    if (r != REASON_NONE)
        return r;
    r = release_decode((const char *)a->tmp.bytes, len, &a->release);
    if (r != REASON_NONE)
        return r;
    r = check_fit(a, &a->release);
    return r == REASON_NONE ? address(a, a->order.url) : r;
}
