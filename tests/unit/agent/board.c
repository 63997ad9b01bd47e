#include "board.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ossl/crypto.h"
#include "protocol/hex.h"

const char board_rollout_kid[] = "aaaaaaaaaaaaaaa1";
const char board_release_kid[] = "aaaaaaaaaaaaaaa2";
const char board_revoked_kid[] = "aaaaaaaaaaaaaaa3";
const char board_root_kid[] = "aaaaaaaaaaaaaaa4";

/* ---- keys ------------------------------------------------------------------------------------ */

static void toy_pub(const char *kid, uint8_t pub[PROTO_P256_PUB])
{
    pub[0] = 4;
    for (size_t i = 1; i < PROTO_P256_PUB; i++)
        pub[i] = (uint8_t)(kid[(i - 1) % 16] + (char)i);
}

static void toy_sig(const uint8_t pub[PROTO_P256_PUB], const uint8_t hash[PROTO_SHA256_LEN],
                    uint8_t sig[PROTO_P256_SIG])
{
    for (size_t i = 0; i < PROTO_P256_SIG; i++)
        sig[i] = (uint8_t)(hash[i % PROTO_SHA256_LEN] ^ pub[i + 1]);
}

static bool toy_sign(void *ctx, const uint8_t hash[PROTO_SHA256_LEN], uint8_t sig[PROTO_P256_SIG])
{
    uint8_t pub[PROTO_P256_PUB];
    toy_pub(ctx, pub);
    toy_sig(pub, hash, sig);
    return true;
}

static bool toy_verify(void *ctx, const uint8_t pub[PROTO_P256_PUB],
                       const uint8_t hash[PROTO_SHA256_LEN], const uint8_t sig[PROTO_P256_SIG])
{
    uint8_t want[PROTO_P256_SIG];
    (void)ctx;
    toy_sig(pub, hash, want);
    return memcmp(want, sig, sizeof(want)) == 0;
}

static void sha256(void *ctx, const void *data, size_t len, uint8_t out[PROTO_SHA256_LEN])
{
    (void)ctx;
    ossl_crypto()->sha256(ossl_crypto()->ctx, data, len, out);
}

const struct crypto *board_crypto(void)
{
    static const struct crypto toy = { NULL, sha256, toy_verify };
    return &toy;
}

static void add_key(struct keyring *ring, const char *kid, uint8_t roles, bool revoked)
{
    struct trusted_key *k = &ring->key[ring->count++];
    snprintf(k->kid, sizeof(k->kid), "%s", kid);
    toy_pub(kid, k->pub);
    k->roles = roles;
    k->revoked = revoked;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static uint32_t next_random(struct board *b)
{
    b->seed = b->seed * 1664525u + 1013904223u;
    return b->seed >> 8 ^ b->seed << 13;
}

static bool breaks(struct board *b)
{
    b->calls++;
    return b->calls == b->fail_at;
}

static void die(struct board *b, enum reset_reason reset)
{
    b->alive = false;
    b->reset = reset;
    assert(b->jump);
    longjmp(*b->jump, 1);
}

/* Is this write the one in which power goes? */
static bool cut_now(struct board *b, enum cut when)
{
    if (when == CUT_BEFORE)
        b->writes++;
    return b->cut_at != 0 && b->writes == b->cut_at && b->cut == when;
}

static void lose_power(struct board *b)
{
    b->cuts++;
    b->cut_at = 0;
    if (b->cuts_left > 0) {
        b->cuts_left--;
        b->cut = (enum cut)(next_random(b) % CUT_KINDS);
        b->cut_at = b->writes + 1 + next_random(b) % b->cut_again;
    }
    die(b, RESET_POWERON);
}

/* What a write leaves when it is cut: a prefix is new, then bytes of mixed bits, the rest old. */
static void torn_write(struct board *b, uint8_t *to, const uint8_t *data, size_t len)
{
    size_t whole = next_random(b) % (len + 1);
    memcpy(to, data, whole);
    for (size_t i = whole; i < len && i < whole + 4; i++) {
        uint8_t mask = (uint8_t)next_random(b);
        to[i] = (uint8_t)((to[i] & mask) | (data[i] & ~mask));
    }
}

/* ---- slots ----------------------------------------------------------------------------------- */

static uint8_t *passive(struct board *b)
{
    return b->slot[1 - b->running];
}

static enum reason slot_open(void *ctx, uint32_t size, uint32_t keep)
{
    struct board *b = ctx;
    assert(!b->slot_open && !b->on_probation && !b->switched);
    assert(size > 0 && size <= BOARD_SLOT);
    assert(keep == size || (keep < size && keep % OTA_BLOCK == 0));
    if (cut_now(b, CUT_BEFORE))
        lose_power(b);
    if (breaks(b))
        return REASON_FLASH_WRITE;
    if (cut_now(b, CUT_INSIDE)) {
        if (next_random(b) % 2)
            b->otadata[1 - b->running] = (struct otadata){ 0 };
        memset(passive(b) + keep, 0xff, (BOARD_SLOT - keep) / 2);
        lose_power(b);
    }
    b->otadata[1 - b->running] = (struct otadata){ 0 };
    memset(passive(b) + keep, 0xff, BOARD_SLOT - keep);
    if (cut_now(b, CUT_AFTER))
        lose_power(b);
    b->slot_open = true;
    b->image_checked = b->other_checked = false;
    b->slot_size = size;
    b->slot_keep = keep;
    b->slot_at = keep;
    b->read_back = 0;
    return REASON_NONE;
}

static enum reason slot_write(void *ctx, uint32_t offset, const uint8_t *data, size_t len)
{
    struct board *b = ctx;
    assert(b->slot_open && offset == b->slot_at && len > 0 && offset + len <= b->slot_size);
    assert(len == OTA_BLOCK || offset + len == b->slot_size);
    if (cut_now(b, CUT_BEFORE))
        lose_power(b);
    if (breaks(b))
        return REASON_FLASH_WRITE;
    if (cut_now(b, CUT_INSIDE)) {
        torn_write(b, passive(b) + offset, data, len);
        lose_power(b);
    }
    memcpy(passive(b) + offset, data, len);
    b->slot_at += (uint32_t)len;
    b->read_back = 0;
    b->image_checked = false;
    if (cut_now(b, CUT_AFTER))
        lose_power(b);
    return REASON_NONE;
}

static enum reason slot_read(void *ctx, uint32_t offset, uint8_t *data, size_t len)
{
    struct board *b = ctx;
    assert(b->slot_open && len > 0 && offset + len <= b->slot_at);
    if (breaks(b))
        return REASON_FLASH_READ;
    memcpy(data, passive(b) + offset, len);
    if (b->flip_on_read) {
        data[0] ^= 1;
        b->flip_on_read -= b->flip_on_read > 0;
    }
    if (offset == 0)
        b->read_back = 0;
    if (offset == b->read_back)
        b->read_back += (uint32_t)len;
    return REASON_NONE;
}

static const struct board_image *whole_image(const struct board *b, int slot)
{
    for (int i = 0; i < b->images; i++) {
        if (memcmp(b->slot[slot], b->image[i].data, b->image[i].size) == 0)
            return &b->image[i];
    }
    return NULL;
}

static enum reason image_check(void *ctx, uint32_t size)
{
    struct board *b = ctx;
    assert(b->slot_open && size == b->slot_size && b->slot_at == size && b->read_back == size);
    if (breaks(b))
        return REASON_FLASH_READ;
    if (passive(b)[0] != 0xe9)
        return REASON_IMAGE_INVALID;
    assert(whole_image(b, 1 - b->running)); /* the agent's own hash has held */
    b->image_checked = true;
    return REASON_NONE;
}

static enum reason other_image(void *ctx, struct ota_other *out)
{
    struct board *b = ctx;
    const struct board_image *im = whole_image(b, 1 - b->running);
    assert(!b->slot_open);
    if (breaks(b))
        return REASON_FLASH_READ;
    if (!im)
        return REASON_IMAGE_INVALID;
    memcpy(out->sha256, im->sha256, sizeof(out->sha256));
    out->size = im->size;
    out->security = im->security;
    memcpy(out->version, im->version, sizeof(out->version));
    b->other_checked = true;
    return REASON_NONE;
}

static void slot_close(void *ctx)
{
    struct board *b = ctx;
    assert(b->slot_open);
    b->slot_open = false;
}

/* ---- otadata --------------------------------------------------------------------------------- */

/* ESP-IDF erases an entry's sector and writes it anew: a cut leaves the old entry, the new one, or
 * none. */
static enum reason set_otadata(struct board *b, int slot, struct otadata to)
{
    if (cut_now(b, CUT_BEFORE))
        lose_power(b);
    if (breaks(b))
        return REASON_BOOT_SWITCH;
    if (cut_now(b, CUT_INSIDE)) {
        uint32_t left = next_random(b) % 4;
        if (left == 0)
            b->otadata[slot] = to;
        else if (left > 1)
            b->otadata[slot] = (struct otadata){ 0 };
        lose_power(b);
    }
    b->otadata[slot] = to;
    if (cut_now(b, CUT_AFTER))
        lose_power(b);
    return REASON_NONE;
}

static enum reason boot_switch(void *ctx)
{
    struct board *b = ctx;
    assert((b->slot_open && b->image_checked) || (!b->slot_open && b->other_checked));
    assert(!b->on_probation && !b->switched);
    struct otadata to = { b->otadata[b->running].seq + 1, IMG_NEW };
    enum reason r = set_otadata(b, 1 - b->running, to);
    b->switched = r == REASON_NONE;
    return r;
}

static enum reason mark_valid(void *ctx)
{
    struct board *b = ctx;
    uint32_t trial = b->agent.job.trial ? b->agent.job.trial : b->cfg.trial_s;
    assert(b->on_probation);
    if (!(b->agent.job.flags & 32)) /* left a crashing image: to live is enough */
        assert(b->self_tested && b->told_up && b->acked_trial);
    assert(b->mono_ms - b->boot_mono_ms >= trial * 1000u);
    struct otadata to = b->otadata[b->running];
    to.state = IMG_VALID;
    enum reason r = set_otadata(b, b->running, to);
    if (r == REASON_NONE)
        b->on_probation = false;
    return r;
}

static enum reason rollback(void *ctx)
{
    struct board *b = ctx;
    assert(b->on_probation);
    struct otadata to = b->otadata[b->running];
    to.state = IMG_INVALID;
    if (b->no_way_back)
        return REASON_ROLLBACK_FAILED;
    if (set_otadata(b, b->running, to) != REASON_NONE)
        return REASON_ROLLBACK_FAILED;
    die(b, RESET_SOFTWARE);
    return REASON_NONE;
}

static void reboot(void *ctx)
{
    struct board *b = ctx;
    if (b->restarts_ignored > 0) {
        b->restarts_ignored--;
        return;
    }
    die(b, RESET_SOFTWARE);
}

/* Its flash does not fail, but power may go. */
static void bootloader_writes(struct board *b, int slot, struct otadata to)
{
    uint32_t fail_at = b->fail_at;
    b->fail_at = 0;
    (void)set_otadata(b, slot, to);
    b->fail_at = fail_at;
}

/* ESP-IDF's choice: the highest number that is not given up; one that was pending is. */
static void bootloader(struct board *b)
{
    for (int tries = 0; tries < 4; tries++) {
        int best = -1;
        for (int i = 0; i < 2; i++) {
            const struct otadata *o = &b->otadata[i];
            if (o->seq == 0 || o->state == IMG_INVALID || o->state == IMG_ABORTED)
                continue;
            if (best < 0 || o->seq > b->otadata[best].seq)
                best = i;
        }
        assert(best >= 0);
        struct otadata to = b->otadata[best];
        if (to.state == IMG_PENDING && !b->no_way_back) {
            to.state = IMG_ABORTED;
            bootloader_writes(b, best, to);
            continue;
        }
        /* What is tested: the bootloader is never handed anything but a whole signed image. */
        assert(whole_image(b, best));
        if (to.state == IMG_NEW) {
            to.state = IMG_PENDING;
            bootloader_writes(b, best, to);
        }
        b->running = best;
        b->on_probation = to.state == IMG_PENDING;
        return;
    }
    assert(false && "nothing boots");
}

/* ---- records --------------------------------------------------------------------------------- */

static enum reason record_get(void *ctx, enum ota_record id, uint8_t *data, size_t cap, size_t *len)
{
    struct board *b = ctx;
    assert(id < OTA_RECORD_COUNT);
    if (breaks(b) || b->records_unreadable || b->record_len[id] > cap)
        return REASON_RECORD_IO;
    *len = b->record_len[id];
    memcpy(data, b->record[id], *len);
    return REASON_NONE;
}

static enum reason record_put(void *ctx, enum ota_record id, const uint8_t *data, size_t len)
{
    struct board *b = ctx;
    bool is_small = id != OTA_RECORD_JOB_A && id != OTA_RECORD_JOB_B && id != OTA_RECORD_KEYSET_A &&
                    id != OTA_RECORD_KEYSET_B;
    assert(id < OTA_RECORD_COUNT && len > 0 && len <= (is_small ? 128u : OTA_RECORD_MAX));
    b->puts[id]++;
    if (cut_now(b, CUT_BEFORE))
        lose_power(b);
    bool broken = breaks(b);
    if (broken || cut_now(b, CUT_INSIDE)) {
        b->record_len[id] = next_random(b) % 3 ? len : 0;
        torn_write(b, b->record[id], data, len);
        if (broken)
            return REASON_RECORD_IO;
        lose_power(b);
    }
    memcpy(b->record[id], data, len);
    b->record_len[id] = len;
    if (cut_now(b, CUT_AFTER))
        lose_power(b);
    return REASON_NONE;
}

/* ---- download -------------------------------------------------------------------------------- */

static const struct board_image *image_of_url(const struct board *b, const char *url)
{
    char hex[PROTO_SHA256_HEX];
    size_t len = strlen(url);
    assert(len > 64 && strncmp(url, "https://", 8) == 0);
    for (int i = 0; i < b->images; i++) {
        hex_encode(b->image[i].sha256, PROTO_SHA256_LEN, hex);
        if (strcmp(url + len - 64, hex) == 0)
            return &b->image[i];
    }
    assert(false && "an image that no release names");
    return NULL;
}

static enum reason http_open(void *ctx, const char *url, uint32_t from, const char *etag)
{
    struct board *b = ctx;
    struct server *s = &b->server;
    const struct board_image *image = image_of_url(b, url);

    assert(!b->http_open && b->slot_open && from == b->slot_keep);
    if (breaks(b))
        return REASON_CONNECT;
    b->requests++;
    b->last_from = from;
    snprintf(b->last_url, sizeof(b->last_url), "%s", url);
    snprintf(b->last_etag, sizeof(b->last_etag), "%s", etag);
    if (s->open_fails_times != 0) {
        s->open_fails_times -= s->open_fails_times > 0;
        return s->open_fails;
    }
    b->http_open = true;
    b->http_answered = false;
    b->http_body = s->body ? s->body : image->data;
    b->http_size = s->body ? s->body_size : image->size;
    bool same = etag[0] == '\0' || !s->etag || strcmp(etag, s->etag) == 0;
    b->http_from = same && !s->no_ranges ? from : 0;
    b->http_at = b->http_from;
    b->http_given = 0;
    return REASON_NONE;
}

static enum ota_io http_answer(void *ctx, struct ota_http_answer *h, enum reason *why)
{
    struct board *b = ctx;
    struct server *s = &b->server;

    assert(b->http_open && !b->http_answered);
    if (breaks(b)) {
        *why = REASON_TLS;
        return OTA_FAIL;
    }
    if (s->silent_times != 0) {
        s->silent_times -= s->silent_times > 0;
        return OTA_AGAIN;
    }
    b->http_answered = true;
    if (s->status_times != 0) {
        s->status_times -= s->status_times > 0;
        h->status = s->status;
        h->retry_after_s = s->retry_after_s;
        return OTA_OK;
    }
    h->status = b->http_from > 0 ? 206 : 200;
    h->from = s->wrong_from ? b->http_from + 1 : b->http_from;
    h->has_total = !s->no_total;
    h->total = s->lie_total ? s->lie_total : b->http_size;
    const char *etag = h->status == 206 && s->part_etag ? s->part_etag : s->etag;
    snprintf(h->etag, sizeof(h->etag), "%s", etag ? etag : "");
    return OTA_OK;
}

static enum ota_io http_read(void *ctx, uint8_t *data, size_t cap, size_t *got, enum reason *why)
{
    struct board *b = ctx;
    struct server *s = &b->server;

    assert(b->http_open && b->http_answered && cap > 0);
    if (breaks(b)) {
        *why = REASON_TRUNCATED;
        return OTA_FAIL;
    }
    if (s->drop_times != 0 && b->http_given >= s->drop_after) {
        s->drop_times -= s->drop_times > 0;
        *why = REASON_CONNECT;
        *got = 0;
        return s->drop_clean ? OTA_OK : OTA_FAIL;
    }
    uint32_t n = b->http_size - b->http_at;
    if (s->bytes_per_tick && n > b->http_budget)
        n = b->http_budget;
    if (s->drop_times != 0 && n > s->drop_after - b->http_given)
        n = s->drop_after - b->http_given;
    if (n == 0 && b->http_at < b->http_size)
        return OTA_AGAIN;
    if (n > cap)
        n = (uint32_t)cap;
    if (n > 0)
        memcpy(data, b->http_body + b->http_at, n);
    b->http_at += n;
    b->http_given += n;
    if (s->bytes_per_tick)
        b->http_budget -= n;
    *got = n;
    return OTA_OK;
}

static void http_close(void *ctx)
{
    struct board *b = ctx;
    assert(b->http_open);
    b->http_open = false;
    b->closes++;
}

/* ---- the rest of the port -------------------------------------------------------------------- */

static void sha_begin(void *ctx)
{
    struct board *b = ctx;
    b->hashing = true;
    b->hash_len = 0;
}

static void sha_add(void *ctx, const uint8_t *data, size_t len)
{
    struct board *b = ctx;
    assert(b->hashing && b->hash_len + len <= sizeof(b->hash));
    memcpy(b->hash + b->hash_len, data, len);
    b->hash_len += (uint32_t)len;
}

static void sha_end(void *ctx, uint8_t out[PROTO_SHA256_LEN])
{
    struct board *b = ctx;
    assert(b->hashing);
    b->hashing = false;
    sha256(NULL, b->hash, b->hash_len, out);
}

static uint32_t port_random(void *ctx)
{
    return next_random(ctx);
}

static bool report(void *ctx, const struct ota_report *r)
{
    struct board *b = ctx;
    assert(b->told_up && r->n > b->last_n);
    if (breaks(b) || b->reports_refused)
        return false;
    b->last_n = r->n;
    b->report[b->reports++ % BOARD_REPORTS] = *r;
    if (!b->acks_away && b->acks < BOARD_QUEUE)
        b->ack[b->acks++] = r->n;
    return true;
}

static enum reason may_proceed(void *ctx, enum ota_gate gate)
{
    struct board *b = ctx;
    return b->gate[gate];
}

static const struct ota_port functions = {
    .slot_size = BOARD_SLOT,
    .slot_open = slot_open,
    .slot_write = slot_write,
    .slot_read = slot_read,
    .image_check = image_check,
    .other_image = other_image,
    .slot_close = slot_close,
    .boot_switch = boot_switch,
    .mark_valid = mark_valid,
    .rollback = rollback,
    .reboot = reboot,
    .record_get = record_get,
    .record_put = record_put,
    .http_open = http_open,
    .http_answer = http_answer,
    .http_read = http_read,
    .http_close = http_close,
    .sha_begin = sha_begin,
    .sha_add = sha_add,
    .sha_end = sha_end,
    .random = port_random,
    .report = report,
    .may_proceed = may_proceed,
};

/* ---- making one ------------------------------------------------------------------------------ */

struct board *board_new(void)
{
    struct board *b = calloc(1, sizeof(*b));
    assert(b);
    b->seed = 1;
    b->unix_s = 1790000000;
    b->trusted = true;
    b->port = functions;
    b->port.ctx = b;
    b->port.crypto = board_crypto();
    snprintf(b->keyset.fleet, sizeof(b->keyset.fleet), "home");
    add_key(&b->keyset.keys, board_rollout_kid, KEY_ROLLOUT, false);
    add_key(&b->keyset.keys, board_release_kid, KEY_RELEASE, false);
    add_key(&b->keyset.keys, board_revoked_kid, KEY_ROLLOUT | KEY_RELEASE, true);
    add_key(&b->keyset.keys, board_root_kid, KEY_ROOT, false);
    b->cfg = (struct ota_config){ .id = "sensor-001",
                                  .fleet = "",
                                  .product = "weather",
                                  .hw = "linux",
                                  .keyset = &b->keyset,
                                  .trial_s = 5,
                                  .trial_grace_s = 60 };
    int first = board_image(b, "1.3.0", 40000, MANNER_GOOD);
    memcpy(b->slot[0], b->image[first].data, b->image[first].size);
    b->otadata[0] = (struct otadata){ 1, IMG_VALID };
    b->reset = RESET_POWERON;
    return b;
}

void board_free(struct board *b)
{
    for (int i = 0; i < b->images; i++)
        free(b->image[i].data);
    free(b);
}

int board_image(struct board *b, const char *version, uint32_t size, enum manner manner)
{
    assert(b->images < BOARD_IMAGES && size <= BOARD_SLOT);
    struct board_image *im = &b->image[b->images];
    im->data = malloc(size);
    assert(im->data);
    uint32_t x = 12345u + (uint32_t)b->images;
    for (uint32_t i = 0; i < size; i++) {
        x = x * 1103515245u + 12345u;
        im->data[i] = (uint8_t)(x >> 16);
    }
    im->data[0] = 0xe9;
    im->size = size;
    im->manner = manner;
    im->security = 1;
    snprintf(im->version, sizeof(im->version), "%s", version);
    sha256(NULL, im->data, size, im->sha256);
    return b->images++;
}

/* ---- orders ---------------------------------------------------------------------------------- */

struct offer board_offer(const struct board *b, int image, uint32_t seq)
{
    const struct board_image *im = &b->image[image];
    struct offer f = { 0 };
    f.order.verb = VERB_UPDATE;
    snprintf(f.order.fleet, sizeof(f.order.fleet), "home");
    snprintf(f.order.dev, sizeof(f.order.dev), "sensor-001");
    f.order.seq = seq;
    f.order.iat = b->unix_s;
    f.order.nbf = b->unix_s;
    f.order.exp = b->unix_s + 86400;
    snprintf(f.order.rollout, sizeof(f.order.rollout), "r-%u", seq);
    f.order.attempt = 1;
    f.order.jitter = 20;
    snprintf(f.order.url, sizeof(f.order.url), "https://gw:8443/firmware/");
    f.order.trial = 5;
    snprintf(f.release.product, sizeof(f.release.product), "weather");
    snprintf(f.release.hw[0], sizeof(f.release.hw[0]), "linux");
    f.release.hw_count = 1;
    memcpy(f.release.version, im->version, sizeof(f.release.version));
    f.release.seq = 10 + (uint32_t)image;
    f.release.security = 1;
    f.release.size = im->size;
    memcpy(f.release.sha256, im->sha256, sizeof(f.release.sha256));
    return f;
}

static void sign_text(enum jws_type type, const char *kid, const char *json, int len, char *out,
                      size_t cap)
{
    char key[PROTO_KID_MAX];
    snprintf(key, sizeof(key), "%s", kid);
    struct crypto_signer signer = { .ctx = key, .sign = toy_sign };
    snprintf(signer.kid, sizeof(signer.kid), "%s", kid);
    assert(len > 0);
    int n = jws_sign(type, json, (size_t)len, board_crypto(), &signer, out, cap);
    assert(n > 0);
    (void)n;
}

static void spoil(char *jws)
{
    char *sig = strrchr(jws, '.') + 5;
    *sig = *sig == 'A' ? 'B' : 'A';
}

size_t board_body(const struct offer *offer, char *out, size_t cap)
{
    struct offer f = *offer;
    char json[PROTO_RELEASE_BYTES], release[PROTO_RELEASE_BYTES + 1], order[PROTO_ORDER_BYTES + 1];
    bool update = f.order.verb == VERB_UPDATE;

    if (update) {
        int len = release_encode(&f.release, json, sizeof(json));
        sign_text(JWS_RELEASE, f.release_kid ? f.release_kid : board_release_kid, json, len,
                  release, sizeof(release));
        if (f.spoil_release)
            spoil(release);
        sha256(NULL, release, strlen(release), f.order.release);
        f.order.release[0] ^= f.other_release;
    }
    int len = order_encode(&f.order, json, sizeof(json));
    sign_text(JWS_ORDER, f.order_kid ? f.order_kid : board_rollout_kid, json, len, order,
              sizeof(order));
    if (f.spoil_order)
        spoil(order);
    int n = command_body_encode(order, update ? release : NULL, out, cap);
    assert(n > 0);
    return (size_t)n;
}

void board_retain(struct board *b, const struct offer *offer)
{
    b->retained_len = board_body(offer, b->retained, sizeof(b->retained));
}

static enum reason deliver_retained(struct board *b)
{
    return board_command(b, VERB_UPDATE, b->retained, b->retained_len);
}

enum reason board_order(struct board *b, const struct offer *offer)
{
    board_retain(b, offer);
    return b->told_up ? deliver_retained(b) : REASON_NONE;
}

enum reason board_command(struct board *b, enum verb verb, const char *body, size_t len)
{
    struct ota_event ev = { .kind = OTA_EV_COMMAND, .command = { verb, body, len } };
    return board_event(b, ev);
}

enum reason board_abort(struct board *b, const char *rollout, uint32_t seq)
{
    char body[BOARD_BODY];
    struct offer f = board_offer(b, 0, seq);
    f.order.verb = VERB_ABORT;
    snprintf(f.order.rollout, sizeof(f.order.rollout), "%s", rollout);
    return board_command(b, VERB_ABORT, body, board_body(&f, body, sizeof(body)));
}

static void check_counters(struct board *b)
{
    const struct ota_counters *c = &b->agent.counters;
    struct ota_counters *h = &b->high;
    if (b->fail_at != 0) /* a record that can't be written is allowed to lag behind */
        return;
    bool same = b->high_keyset == b->cfg.keyset->version;
    b->high_keyset = b->cfg.keyset->version;
    for (int i = 0; i < VERB_CLASS_COUNT; i++)
        assert(c->order_seq[i] >= h->order_seq[i] || !same);
    assert(c->release_seq >= h->release_seq && c->security >= h->security && c->n >= h->n);
    *h = *c;
}

enum reason board_rollback(struct board *b, const char *rollout, uint32_t seq)
{
    char body[BOARD_BODY];
    const struct order *order;
    struct offer f = board_offer(b, 0, seq);
    f.order.verb = VERB_ROLLBACK;
    snprintf(f.order.rollout, sizeof(f.order.rollout), "%s", rollout);
    struct ota_event ev = { .kind = OTA_EV_COMMAND,
                            .now = { b->mono_ms, b->unix_s, b->trusted },
                            .command = { VERB_ROLLBACK, body, 0 } };
    ev.command.len = board_body(&f, body, sizeof(body));
    enum reason r = ota_agent_check_order(&b->agent, &ev, &order);
    if (r == REASON_NONE)
        r = ota_agent_rollback(&b->agent);
    check_counters(b);
    return r;
}

/* ---- life ------------------------------------------------------------------------------------ */

static const struct board_image *running_image(const struct board *b)
{
    const struct board_image *im = whole_image(b, b->running);
    assert(im);
    return im;
}

const char *board_version(const struct board *b)
{
    return running_image(b)->version;
}

enum reason board_event(struct board *b, struct ota_event ev)
{
    ev.now = (struct ota_time){ b->mono_ms, b->unix_s, b->trusted };
    enum reason r = ota_agent_handle(&b->agent, &ev);
    check_counters(b);
    return r;
}

void board_tick(struct board *b)
{
    board_event(b, (struct ota_event){ .kind = OTA_EV_TICK });
}

void board_facts(const struct board *b, struct ota_boot *boot)
{
    static char boot_id[PROTO_BOOT_MAX];
    snprintf(boot_id, sizeof(boot_id), "%016x", b->boots);
    memset(boot, 0, sizeof(*boot));
    boot->reset = b->reset;
    boot->on_probation = b->on_probation;
    boot->passive = b->otadata[1 - b->running].seq > b->otadata[b->running].seq
                        ? OTA_PASSIVE_GIVEN_UP
                        : OTA_PASSIVE_NONE;
    memcpy(boot->image, running_image(b)->sha256, PROTO_SHA256_LEN);
    boot->version = running_image(b)->version;
    boot->boot_id = boot_id;
    boot->factory_seq = b->factory_seq;
}

/* Started so often in vain: the bootloader asks the agent to go back. */
static void count_dead(struct board *b)
{
    struct ota_boot boot;
    if (++b->dead % BOARD_DEAD_LIMIT != 0)
        return;
    board_facts(b, &boot);
    b->left = ota_agent_leave(&b->agent, &b->port, &boot);
    b->leaves++;
}

void board_boot(struct board *b)
{
    bootloader(b);
    b->alive = true;
    b->boots++;
    b->boot_mono_ms = b->mono_ms;
    b->told_up = b->self_tested = b->acked_trial = false;
    b->slot_open = b->http_open = b->hashing = b->switched = b->other_checked = false;
    b->acks = 0;
    if (running_image(b)->manner == MANNER_PANIC && b->on_probation)
        die(b, RESET_PANIC);
    if (running_image(b)->manner == MANNER_LATE && !b->on_probation) {
        b->reset = RESET_PANIC;
        count_dead(b);
        die(b, RESET_PANIC);
    }

    struct ota_event ev = { .kind = OTA_EV_BOOT };
    board_facts(b, &ev.boot);
    ota_agent_init(&b->agent, &b->port, &b->cfg);
    board_event(b, ev);
}

static void self_test(struct board *b, enum manner manner)
{
    struct ota_event ev = { .kind = OTA_EV_SELF_TEST, .self_test = { true, NULL } };
    if (b->self_tested || manner == MANNER_MUTE)
        return;
    if (manner == MANNER_UNFIT)
        ev.self_test = (struct ota_self_test){ false, "bme280: chip id 0x60, wanted 0x61" };
    b->self_tested = true;
    board_event(b, ev);
}

static void connect_broker(struct board *b)
{
    if (b->told_up || b->broker_away ||
        b->mono_ms - b->boot_mono_ms < (uint64_t)b->broker_after_s * 1000)
        return;
    b->told_up = true;
    board_event(b, (struct ota_event){ .kind = OTA_EV_BROKER_UP });
    if (b->retained_len > 0)
        deliver_retained(b);
}

static void acknowledge(struct board *b)
{
    for (; b->acks > 0;) {
        uint32_t n = b->ack[0];
        memmove(b->ack, b->ack + 1, --b->acks * sizeof(b->ack[0]));
        b->acked_trial = b->acked_trial || b->agent.state == OTA_TRIAL;
        board_event(b, (struct ota_event){ .kind = OTA_EV_REPORT_ACKED, .acked_n = n });
    }
}

/* What the rest of the firmware and the world do in a moment. */
static void surroundings(struct board *b)
{
    enum manner manner = b->on_probation ? running_image(b)->manner : MANNER_GOOD;
    uint64_t up_ms = b->mono_ms - b->boot_mono_ms;

    self_test(b, manner);
    if (manner == MANNER_NO_BROKER && up_ms == 0)
        board_event(b, (struct ota_event){ .kind = OTA_EV_NETWORK_UP });
    if (manner == MANNER_HANG && up_ms > 1000)
        die(b, RESET_WATCHDOG);
    bool first = manner == MANNER_POWER_CUT && !(b->agent.job.flags & 2);
    if ((first || manner == MANNER_POWER_CUTS) && up_ms > 1000)
        die(b, RESET_POWERON);
    if (manner != MANNER_NO_BROKER && manner != MANNER_NO_NETWORK)
        connect_broker(b);
    acknowledge(b);
}

static bool is_quiet(const struct board *b)
{
    bool waiting = !b->told_up && !b->broker_away;
    return ota_agent_wants(&b->agent, b->mono_ms) == UINT32_MAX && b->acks == 0 && !waiting;
}

static void pass_time(struct board *b)
{
    uint32_t wants = ota_agent_wants(&b->agent, b->mono_ms);
    uint32_t ms = wants < 500 ? wants : 500;
    uint64_t before = b->mono_ms / 1000;
    b->mono_ms += ms;
    b->unix_s += b->mono_ms / 1000 - before;
    if (b->server.bytes_per_tick)
        b->http_budget = b->server.bytes_per_tick;
}

static bool run_on(struct board *b, enum ota_state until, uint64_t end_ms)
{
    if (!b->alive)
        board_boot(b);
    while (b->mono_ms <= end_ms) {
        surroundings(b);
        if (b->agent.state == until || is_quiet(b))
            return true;
        board_tick(b);
        if (b->agent.state == until)
            return true;
        pass_time(b);
    }
    return false;
}

bool board_run(struct board *b, enum ota_state until, uint32_t seconds)
{
    jmp_buf jump;
    volatile uint64_t end_ms = b->mono_ms + (uint64_t)seconds * 1000;
    volatile int resets = 0;

    b->jump = &jump;
    if (setjmp(jump) != 0) {
        resets++;
        assert(resets < 256);
    }
    bool done = run_on(b, until, end_ms);
    b->jump = NULL;
    return done;
}

void board_power_off(struct board *b)
{
    b->alive = false;
    b->told_up = false;
    b->reset = RESET_POWERON;
}

const struct ota_report *board_last(const struct board *b)
{
    return b->reports ? &b->report[(b->reports - 1) % BOARD_REPORTS] : NULL;
}

const struct ota_report *board_said(const struct board *b, enum ota_report_state state)
{
    for (uint32_t i = b->reports; i-- > 0 && b->reports - i <= BOARD_REPORTS;) {
        if (b->report[i % BOARD_REPORTS].state == state)
            return &b->report[i % BOARD_REPORTS];
    }
    return NULL;
}

static uint32_t crc32(const uint8_t *data, size_t len)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

void board_cut_record(struct board *b, enum ota_record id, int by)
{
    if (b->record_len[id] < 10)
        return;
    size_t len = b->record_len[id] - 4;
    size_t to = (size_t)((int)len + by);
    assert(to + 4 <= OTA_RECORD_MAX && to >= 6);
    if (to > len)
        memset(b->record[id] + len, 0x5a, to - len);
    uint32_t crc = crc32(b->record[id], to);
    for (size_t i = 0; i < 4; i++)
        b->record[id][to + i] = (uint8_t)(crc >> (8 * i));
    b->record_len[id] = to + 4;
}
