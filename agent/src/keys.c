#include "ota/keys.h"

#include <assert.h>
#include <string.h>

#include "internal.h"
#include "protocol/hex.h"
#include "protocol/jws.h"

/*
 * A keyset's record, 929 bytes at most:
 *
 *     form (1)  kind (1)  version (4)  threshold (4)  seq_floor (4)  fleet (33)  count (1)
 *     for each key: kid (8)  X and Y (64)  roles, and 0x80 when revoked (1)
 *     CRC-32 of all before (4)
 *
 * little-endian. Not the signed text, which is three times as long: it was checked when it was
 * taken, and who can write this flash can write the program that would check it again. The version
 * is the serial number too, since it only rises.
 */
enum {
    KIND = 3, /* after record.c's */
    HEAD = 2 + 3 * 4 + PROTO_FLEET_MAX + 1,
    KID = (PROTO_KID_MAX - 1) / 2,
    KEY = KID + (PROTO_P256_PUB - 1) + 1,
    CRC = RECORD_CRC,
    REVOKED = 0x80
};
_Static_assert(HEAD + KEYRING_MAX * KEY + CRC <= OTA_RECORD_MAX, "the port's bound holds");
_Static_assert(OTA_RECORD_MAX <= sizeof(((struct ota_agent *)0)->tmp.bytes), "and it fits tmp");
_Static_assert(OTA_RECORD_MAX <= KEYSET_PAYLOAD_BYTES, "and the work");

static size_t encode(const struct keyset *k, uint8_t *out)
{
    uint8_t *at = out + HEAD;

    record_put_u32(out + 6, k->root_threshold);
    record_put_u32(out + 10, k->seq_floor);
    memcpy(out + 14, k->fleet, PROTO_FLEET_MAX);
    out[HEAD - 1] = (uint8_t)k->keys.count;
    for (uint32_t i = 0; i < k->keys.count; i++, at += KEY) {
        const struct trusted_key *key = &k->keys.key[i];
        (void)hex_decode(key->kid, PROTO_KID_MAX - 1, at, KID);
        memcpy(at + KID, key->pub + 1, PROTO_P256_PUB - 1);
        at[KEY - 1] = (uint8_t)(key->roles | (key->revoked ? REVOKED : 0));
    }
    return record_seal(out, (size_t)(at - out), KIND, k->version);
}

/* The version; 0: it is not whole. */
static uint32_t version_of(const uint8_t *in, size_t len)
{
    if (len < HEAD + CRC || in[HEAD - 1] > KEYRING_MAX ||
        len != HEAD + (size_t)in[HEAD - 1] * KEY + CRC)
        return 0;
    return record_serial(in, len, KIND);
}

/* `in` is whole. */
static void decode(const uint8_t *in, struct keyset *out)
{
    const uint8_t *at = in + HEAD;

    memset(out, 0, sizeof(*out));
    out->version = record_get_u32(in + 2);
    out->root_threshold = record_get_u32(in + 6);
    out->seq_floor = record_get_u32(in + 10);
    memcpy(out->fleet, in + 14, PROTO_FLEET_MAX - 1);
    out->keys.count = in[HEAD - 1];
    for (uint32_t i = 0; i < out->keys.count; i++, at += KEY) {
        struct trusted_key *key = &out->keys.key[i];
        hex_encode(at, KID, key->kid);
        key->roles = at[KEY - 1] & (uint8_t)~REVOKED;
        key->revoked = (at[KEY - 1] & REVOKED) != 0;
        key->pub[0] = key->roles ? 4 : 0; /* one that is only known as revoked has no point */
        memcpy(key->pub + 1, at + KID, PROTO_P256_PUB - 1);
    }
}

static enum ota_record record_of(unsigned copy)
{
    return copy ? OTA_RECORD_KEYSET_B : OTA_RECORD_KEYSET_A;
}

/* Read both copies; the newer of the good ones goes to keys->next. */
static enum reason read_records(struct ota_keys *k, const struct ota_port *port, uint8_t *scratch)
{
    unsigned there = 0;

    for (unsigned copy = 0; copy < 2; copy++) {
        size_t len = 0;
        enum reason r = record_read(port, record_of(copy), scratch, &len);
        if (r != REASON_NONE)
            return r;
        there += len > 0;
        if (version_of(scratch, len) <= k->stored)
            continue;
        decode(scratch, &k->next);
        k->stored = k->next.version;
        k->newest = (uint8_t)copy;
    }
    k->damaged = there == 2 && k->stored == 0;
    return REASON_NONE;
}

enum reason ota_keys_load(struct ota_keys *k, const struct ota_port *port, const char *json,
                          size_t len, union keyset_work *work)
{
    memset(k, 0, sizeof(*k));
    enum reason r = keyset_open_in(work, json, len, &k->now);
    if (r == REASON_NONE)
        r = keyset_verify_in(work, json, len, port->crypto, &k->now);
    if (r == REASON_NONE) {
        r = read_records(k, port, work->inside.payload);
        k->bad = r != REASON_NONE;
    }
    if (r != REASON_NONE) {
        memset(&k->now, 0, sizeof(k->now));
        return r;
    }
    /* A board that was flashed for another fleet keeps records of its former life. */
    if (k->stored > k->now.version && strcmp(k->next.fleet, k->now.fleet) == 0)
        memcpy(&k->now, &k->next, sizeof(k->now));
    return REASON_NONE;
}

/* ---- taking the next one --------------------------------------------------------------------- */

static bool is_in_use(const struct ota_keys *k)
{
    return k->next.version == k->now.version && memcmp(&k->next, &k->now, sizeof(k->now)) == 0;
}

/* The keyset of the command, into keys->next: the one after ours, or *same: ours once more. */
static enum reason judge(const struct ota_agent *a, struct ota_keys *k,
                         const struct ota_command *cmd, union keyset_work *work, bool *same)
{
    const struct crypto *c = a->port->crypto;
    struct command_body body;

    memset(&k->next, 0, sizeof(k->next));
    *same = false;
    if (cmd->len > PROTO_UPDATE_BYTES ||
        command_body_split(cmd->body, cmd->len, &body) != REASON_NONE || body.keyset_len == 0)
        return REASON_BAD_KEYSET;
    enum reason r = keyset_follows_in(work, body.keyset, body.keyset_len, c, &k->now, &k->next);
    if (r == REASON_NONE || !is_in_use(k))
        return r;
    *same = keyset_verify_in(work, body.keyset, body.keyset_len, c, &k->now) == REASON_NONE;
    return *same ? REASON_NONE : r;
}

/* Once more, by the keys of `by`, and as if no number of this class had been used if `anew`. */
static enum reason check_order_by(struct ota_agent *a, const struct keyset *by, bool anew,
                                  const struct ota_command *cmd, bool *authentic)
{
    const struct ota_config *own = a->cfg;
    struct ota_config with = *own;
    uint32_t *seq = &a->counters.order_seq[VERB_CLASS_KEYS];
    uint32_t used = *seq;

    with.keyset = by;
    a->cfg = &with;
    if (anew)
        *seq = 0;
    enum reason r = check_order(a, cmd, authentic);
    *seq = used;
    a->cfg = own;
    return r;
}

/*
 * A keyset that trusts none of the rollout keys of the one before: then nothing that was signed so
 * far will be obeyed again, and no number needs to be remembered for it. This is what frees the
 * numbers that a stolen key has used up (up to 2^32 - 1, above every seq_floor).
 */
static bool starts_anew(const struct ota_keys *k)
{
    const struct keyring *old = &k->now.keys;
    const struct trusted_key *kept;

    for (uint32_t i = 0; i < old->count; i++)
        if ((old->key[i].roles & KEY_ROLLOUT) && !old->key[i].revoked &&
            keyring_find(&k->next.keys, old->key[i].kid, KEY_ROLLOUT, &kept) == REASON_NONE)
            return false;
    return true;
}

/* Written before the keyset: a cut between the two leaves a word of what is still to be done. */
static enum reason note_heal(struct ota_agent *a, uint32_t version)
{
    uint32_t before = a->counters.heal;

    if (before == version)
        return REASON_NONE;
    a->counters.heal = version;
    enum reason r = counters_save(a);
    if (r != REASON_NONE)
        a->counters.heal = before;
    return r;
}

/* The job's own number must go first, for a start makes good a counter that lags behind it. */
void heal_counters(struct ota_agent *a)
{
    struct ota_counters *c = &a->counters;
    const struct keyset *k = a->cfg->keyset; /* NULL in ota_agent_leave() */

    if (c->heal == 0 || !k || c->heal > k->version)
        return;
    if (c->heal == k->version) {
        memset(c->order_seq, 0, sizeof(c->order_seq));
        a->job.order_seq = 0;
        if (a->job.phase != PHASE_NONE && job_save(a) != REASON_NONE)
            return;
    }
    c->heal = 0;
    (void)counters_save(a); /* lost, the next counters on flash take it along */
}

static enum reason keep(struct ota_agent *a, struct ota_keys *k)
{
    unsigned copy = k->stored ? k->newest ^ 1u : 0;
    size_t len = encode(&k->next, a->tmp.bytes);
    enum reason r = a->port->record_put(a->port->ctx, record_of(copy), a->tmp.bytes, len);

    if (r != REASON_NONE)
        return r; /* the same copy is written next time: the good one stays */
    k->stored = k->next.version;
    k->newest = (uint8_t)copy;
    memcpy(&k->now, &k->next, sizeof(k->now));
    return REASON_NONE;
}

enum reason ota_keys_take(struct ota_agent *a, struct ota_keys *k, const struct ota_event *ev,
                          union keyset_work *work, const struct order **out)
{
    const struct ota_command *cmd = &ev->command;
    bool authentic, same;

    *out = NULL;
    assert(a->cfg->keyset == &k->now);
    if (!a->booted || cmd->verb != VERB_KEYS)
        return REASON_UNSUPPORTED;
    if (k->bad)
        return REASON_RECORD_IO;
    a->now = ev->now;
    enum reason ordered = check_order(a, cmd, &authentic);
    bool stranger = ordered == REASON_UNKNOWN_KEY || ordered == REASON_REVOKED_KEY;
    if (ordered != REASON_NONE && !stranger && ordered != REASON_REPLAY) {
        *out = authentic ? &a->order : NULL;
        return ordered;
    }

    enum reason r = judge(a, k, cmd, work, &same);
    bool anew = r == REASON_NONE && !same && starts_anew(k);
    if ((stranger && r == REASON_NONE && !same) || (anew && ordered == REASON_REPLAY))
        ordered = check_order_by(a, stranger ? &k->next : &k->now, anew, cmd, &authentic);
    *out = authentic ? &a->order : NULL;
    if (same && ordered == REASON_REPLAY)
        return REASON_NONE;
    if (ordered != REASON_NONE || r != REASON_NONE || same)
        return ordered != REASON_NONE ? ordered : r;
    /* The keyset first: a cut between the two must not make the order look like a replay. The
     * number guards nothing that the version does not, so a counter that can't be written is no
     * harm. */
    r = note_heal(a, anew ? k->next.version : 0);
    if (r == REASON_NONE)
        r = keep(a, k);
    if (r == REASON_NONE && anew)
        heal_counters(
            a); /* and this order's number is not counted: a thief may have passed it on */
    else if (r == REASON_NONE)
        (void)order_use_up(a);
    return r;
}
