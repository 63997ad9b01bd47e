#include "trust.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "identity/keys.h"
#include "ossl/crypto.h"
#include "store/device.h"

enum { FILES = 6, ORDERS_MS = 3600000 };

/* What tells one state of a file from another; all zero: it is not there. */
struct stamp {
    ino_t ino;
    off_t size;
    mode_t mode;
    struct timespec changed;
};

struct trust {
    const struct profile *profile;
    struct ui_trust facts;
    struct stamp stamp[FILES];
    int64_t looked_ms;
    bool read;
};

struct trust *trust_new(const struct profile *profile)
{
    struct trust *t = mem_alloc(sizeof(*t));
    t->profile = profile;
    return t;
}

void trust_free(struct trust *t)
{
    free(t);
}

const struct ui_trust *trust_facts(const struct trust *t)
{
    return &t->facts;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* The end of a path says more than its beginning. */
static void path_text(char out[UI_PATH_MAX], const char *path)
{
    char clean[FILES_PATH_MAX];
    size_t len = text_clean(clean, sizeof(clean), path, strlen(path));

    if (text_copy(out, UI_PATH_MAX, clean))
        return;
    const char *end = clean + len - (UI_PATH_MAX - 4);
    while ((*end & 0xc0) == 0x80)
        end++;
    snprintf(out, UI_PATH_MAX, "…%s", end);
}

static void trouble(char out[UI_TROUBLE_MAX], const struct err *err)
{
    text_clean(out, UI_TROUBLE_MAX, err->text, strlen(err->text));
}

void trust_cert(const struct pki_cert *from, struct ui_cert *out)
{
    *out = (struct ui_cert){ .not_before = from->not_before,
                             .not_after = from->not_after,
                             .ca = from->ca,
                             .client = from->client };
    text_copy(out->cn, sizeof(out->cn), from->cn);
    text_copy(out->issuer, sizeof(out->issuer), from->issuer);
    text_copy(out->serial, sizeof(out->serial), from->serial);
    text_copy(out->fingerprint, sizeof(out->fingerprint), from->fingerprint);
}

/* Why a file that is there holds no key that can be used; "": it does. TLS takes other kinds of
 * keys than orders do. */
static const char *key_fault(enum ossl_error error, bool for_tls)
{
    if (error == OSSL_OPEN)
        return strerror(errno);
    if (error == OSSL_FORMAT)
        return "there is no private key in it (PEM)";
    if (error == OSSL_PASSPHRASE)
        return "a passphrase protects it, which is not supported here";
    if (error == OSSL_NOT_P256)
        return for_tls ? "" : "it is not an ECDSA key over P-256";
    return error == OSSL_OK ? "" : ossl_error_text(error);
}

/* `kid` (NULL: the operator's, for TLS) is filled in when the key is one that signs. */
static enum ui_key_at key_at(const char *path, char cause[UI_CAUSE_MAX], char kid[PROTO_KID_MAX])
{
    struct crypto_signer key = { 0 };
    const char *fault = NULL;
    struct stat st;

    if (!*path)
        return UI_KEY_UNSAID;
    if (strncmp(path, "pkcs11:", 7) == 0)
        return UI_KEY_TOKEN;
    if (stat(path, &st) != 0 || access(path, R_OK) != 0)
        fault = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        fault = "it is not a file";
    else
        fault = key_fault(ossl_signer_load(path, &key), !kid);
    if (kid && key.ctx)
        text_copy(kid, PROTO_KID_MAX, key.kid);
    ossl_signer_free(&key);
    text_copy(cause, UI_CAUSE_MAX, fault);
    if (*fault)
        return UI_KEY_MISSING;
    return st.st_mode & 077 ? UI_KEY_OPEN : UI_KEY_FILE;
}

static bool is_file(enum ui_key_at at)
{
    return at == UI_KEY_FILE || at == UI_KEY_OPEN;
}

static void add_authority(struct ui_trust *f, const struct pki_cert *cert)
{
    for (size_t i = 0; i < f->authority_count; i++)
        if (strcmp(f->authority[i].fingerprint, cert->fingerprint) == 0)
            return;
    if (cert->ca && f->authority_count < UI_AUTHORITY_MAX)
        trust_cert(cert, &f->authority[f->authority_count++]);
}

/* The certificate, and those above it in the same file. */
static void read_identity(const struct profile *p, struct ui_trust *f)
{
    struct pki_cert cert[UI_AUTHORITY_MAX];
    uint8_t ours[PROTO_P256_PUB], keys[PROTO_P256_PUB];
    struct err err = { 0 };
    size_t count = 0;

    f->named = p->broker.cert[0] != '\0';
    f->key = key_at(p->broker.key, f->key_cause, NULL);
    path_text(f->cert_path, p->broker.cert);
    path_text(f->key_path, p->broker.key);
    if (!f->named)
        return;
    if (pki_certs_read(p->broker.cert, cert, UI_AUTHORITY_MAX, &count, &err) != 0) {
        trouble(f->cert_trouble, &err);
        return;
    }
    trust_cert(&cert[0], &f->cert);
    for (size_t i = 1; i < count; i++)
        add_authority(f, &cert[i]);
    f->key_differs = is_file(f->key) && ossl_public_load(p->broker.cert, ours) == OSSL_OK &&
                     ossl_public_load(p->broker.key, keys) == OSSL_OK &&
                     memcmp(ours, keys, sizeof(ours)) != 0;
}

static void read_authorities(const struct profile *p, struct ui_trust *f)
{
    struct pki_cert cert[UI_AUTHORITY_MAX];
    struct err err = { 0 };
    size_t count = 0;

    if (!p->broker.ca[0])
        return;
    if (pki_certs_read(p->broker.ca, cert, UI_AUTHORITY_MAX, &count, &err) != 0)
        trouble(f->authority_trouble, &err);
    for (size_t i = 0; i < count; i++)
        add_authority(f, &cert[i]);
}

static void read_signing_key(const char *path, struct ui_signing_key *out)
{
    out->at = key_at(path, out->cause, out->kid);
    path_text(out->path, path);
}

static void read_keyset(const struct profile *p, struct ui_trust *f)
{
    struct key_age age[KEYRING_MAX];
    struct keys_folder folder;
    struct err err = { 0 };

    path_text(f->keyset_path, p->trust.keyset);
    if (!p->trust.keyset[0])
        return;
    if (keys_look(&folder, p->trust.keyset, &err) != 0) {
        trouble(f->keyset_trouble, &err);
        return;
    }
    f->have_keyset = true;
    f->keyset = folder.now;
    keys_ages(&folder, age);
    for (uint32_t i = 0; i < f->keyset.keys.count; i++) {
        f->since[i] = age[i].version;
        f->made_s[i] = age[i].made_s;
    }
}

static void stamps(const struct profile *p, struct stamp out[FILES])
{
    const char *const path[FILES] = { p->broker.cert,  p->broker.key,        p->broker.ca,
                                      p->trust.keyset, p->trust.rollout_key, p->trust.release_key };

    memset(out, 0, FILES * sizeof(*out));
    for (size_t i = 0; i < FILES; i++) {
        struct stat st;
        if (stat(path[i], &st) != 0)
            continue;
        out[i].ino = st.st_ino;
        out[i].size = st.st_size;
        out[i].mode = st.st_mode;
        out[i].changed = st.st_ctim; /* of a mode, too */
    }
}

bool trust_look(struct trust *t, int64_t now_ms)
{
    const struct profile *p = t->profile;
    struct stamp now[FILES];

    if (t->read && now_ms - t->looked_ms < TRUST_PERIOD_MS && now_ms >= t->looked_ms)
        return false;
    t->looked_ms = now_ms;
    stamps(p, now);
    if (t->read && memcmp(now, t->stamp, sizeof(now)) == 0)
        return false;
    t->read = true;
    memcpy(t->stamp, now, sizeof(now));
    memset(&t->facts, 0, sizeof(t->facts));
    text_copy(t->facts.fleet, sizeof(t->facts.fleet), p->fleet);
    read_authorities(p, &t->facts);
    read_identity(p, &t->facts);
    read_signing_key(p->trust.rollout_key, &t->facts.rollout);
    read_signing_key(p->trust.release_key, &t->facts.release);
    read_keyset(p, &t->facts);
    return true;
}

/* ---- orders -----------------------------------------------------------------------------------
 */

static struct ui_key_order *order_of(struct ui_key_orders *o, const char *id)
{
    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->item[i].id, id) == 0)
            return &o->item[i];
    return NULL;
}

static void take_replies(const struct fleet *fleet, struct ui_key_orders *o)
{
    uint64_t first, last;

    fleet_reply_range(fleet, &first, &last);
    for (uint64_t seq = first; last && seq <= last; seq++) {
        const struct fleet_reply *r = fleet_reply(fleet, seq);
        struct ui_key_order *order = r->reply.verb == VERB_KEYS ? order_of(o, r->id) : NULL;
        if (!order || order->seq != r->reply.seq)
            continue;
        order->answered_ms = r->t_ms;
        order->ok = r->reply.ok;
        order->reason = r->reply.reason;
        text_copy(order->detail, sizeof(order->detail), r->reply.detail);
    }
}

static bool has_version(const struct fleet *fleet, const char *id, uint32_t version)
{
    uint32_t at = fleet_find(fleet, id);
    return at != FLEET_NONE && version && fleet_device(fleet, at)->keyset >= version;
}

int trust_orders(struct store *store, const struct fleet *fleet, uint32_t version, int64_t now_ms,
                 struct ui_key_orders *out, struct err *err)
{
    struct store_sent *sent = mem_array(UI_KEY_ORDERS, sizeof(*sent));
    int count = store_sent_of(store, VERB_KEYS, now_ms - ORDERS_MS, sent, UI_KEY_ORDERS, err);

    memset(out, 0, sizeof(*out));
    for (int i = 0; i < count; i++) {
        if (order_of(out, sent[i].device))
            continue; /* it had a later one */
        struct ui_key_order *o = &out->item[out->count++];
        o->seq = sent[i].seq;
        o->sent_ms = sent[i].t_ms;
        text_copy(o->id, sizeof(o->id), sent[i].device);
    }
    free(sent);
    take_replies(fleet, out);
    for (size_t i = 0; i < out->count; i++) {
        struct ui_key_order *o = &out->item[i];
        o->has = has_version(fleet, o->id, version);
        out->refused += o->answered_ms && !o->ok;
        out->open += !o->answered_ms && !o->has;
    }
    out->taken = (uint32_t)out->count - out->refused - out->open;
    return count < 0 ? -1 : 0;
}
