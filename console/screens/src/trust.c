#include "screens/trust.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fmt.h"

/* What is wrong with whom this host trusts and who it is. */

enum { DAY_S = 86400 };

/* ---- words ------------------------------------------------------------------------------------
 */

int64_t ui_cert_days(const struct ui_cert *cert, int64_t now_ms)
{
    int64_t left = cert->not_after - now_ms / 1000;
    return left >= 0 ? left / DAY_S : -((-left + DAY_S - 1) / DAY_S);
}

const char *ui_key_at_text(enum ui_key_at at)
{
    switch (at) {
    case UI_KEY_UNSAID:
        return "not named in the profile";
    case UI_KEY_FILE:
        return "in a file";
    case UI_KEY_OPEN:
        return "in a file that others can read";
    case UI_KEY_TOKEN:
        return "on a PKCS#11 token";
    case UI_KEY_MISSING:
        return "cannot be read";
    }
    return "";
}

const char *ui_cert_role(const struct ui_cert *cert)
{
    if (cert->ca)
        return "authority";
    if (!cert->client)
        return "server";
    return strncmp(cert->cn, "operator-", 9) == 0 ? "operator" : "device";
}

bool ui_device_cert_agrees(const struct ui_device_cert *c)
{
    return c->known == UI_CERT_ISSUED &&
           (!c->status_not_after || c->status_not_after == c->cert.not_after);
}

char *ui_device_cert_source(const struct ui_device_cert *c, char *out, size_t cap)
{
    char date[FMT_MAX];

    if (c->known == UI_CERT_NO_AUTHORITY)
        snprintf(out, cap, "not known here: this host has no authority");
    else if (c->known == UI_CERT_NONE)
        snprintf(out, cap, "not known here: this authority made none for it");
    else if (ui_device_cert_agrees(c))
        snprintf(out, cap, "issued here");
    else
        snprintf(out, cap, "issued here, but its status names one that ends %s",
                 fmt_date(c->status_not_after * 1000, date));
    return out;
}

char *trust_roles_text(const struct trusted_key *key, char *out, size_t cap)
{
    static const struct {
        enum key_role role;
        const char *word;
    } roles[] = { { KEY_ROOT, "root" }, { KEY_RELEASE, "release" }, { KEY_ROLLOUT, "rollout" } };
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < 3; i++) {
        int n = key->roles & roles[i].role
                    ? snprintf(out + used, cap - used, "%s%s", used ? " " : "", roles[i].word)
                    : 0;
        if (n < 0 || used + (size_t)n >= cap)
            break;
        used += (size_t)n;
    }
    return out;
}

bool ui_trusts(const struct ui_trust *t, const char *kid, enum key_role role)
{
    const struct trusted_key *key;
    return t->have_keyset && keyring_find(&t->keyset.keys, kid, role, &key) == REASON_NONE;
}

const char *trust_severity_word(enum trust_severity s)
{
    static const char *const words[] = { "ok", "note", "warning", "broken" };
    return words[s];
}

/* ---- findings ---------------------------------------------------------------------------------
 */

struct findings {
    struct trust_finding *out;
    size_t count;
};

static struct trust_finding *say(struct findings *f, enum trust_severity severity, const char *what,
                                 const char *todo, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static struct trust_finding *say(struct findings *f, enum trust_severity severity, const char *what,
                                 const char *todo, const char *format, ...)
{
    /* The last place is written over rather than beyond: no set of facts fills them all. */
    struct trust_finding *t = &f->out[f->count < TRUST_FINDINGS_MAX ? f->count++ : f->count - 1];
    va_list ap;
    t->severity = severity;
    snprintf(t->what, sizeof(t->what), "%s", what);
    snprintf(t->todo, sizeof(t->todo), "%s", todo);
    va_start(ap, format);
    vsnprintf(t->text, sizeof(t->text), format, ap);
    va_end(ap);
    return t;
}

void trust_cert_finding(const char *what, const struct ui_cert *cert, const char *renew,
                        int soon_days, int64_t now_ms, struct trust_finding *out)
{
    struct findings f = { .out = out };
    int64_t days = ui_cert_days(cert, now_ms);
    char date[FMT_MAX];

    if (cert->not_before > now_ms / 1000)
        say(&f, TRUST_BROKEN, what, "is this machine's clock right?",
            "the certificate of %s is not valid before %s", cert->cn,
            fmt_date(cert->not_before * 1000, date));
    else if (days < 0)
        say(&f, TRUST_BROKEN, what, renew, "the certificate of %s ended on %s", cert->cn,
            fmt_date(cert->not_after * 1000, date));
    else
        say(&f, days < soon_days ? TRUST_WARNING : TRUST_FINE, what, days < soon_days ? renew : "",
            "%s, %lld day%s left", cert->cn, (long long)days, days == 1 ? "" : "s");
}

/* A private key as the profile names it, and what to do when it can't be used. */
struct named_key {
    const char *what, *path, *cause, *todo;
    enum ui_key_at at;
    bool needed; /* by this host */
};

static void key_finding(struct findings *f, const struct named_key *key)
{
    const char *what = key->what, *path = key->path;
    char chmod[UI_PATH_MAX + 16];

    switch (key->at) {
    case UI_KEY_UNSAID:
        say(f, TRUST_NOTE, what, "", "%s: not named in the profile", what);
        break;
    case UI_KEY_FILE:
        say(f, TRUST_FINE, what, "", "%s", path);
        break;
    case UI_KEY_OPEN:
        snprintf(chmod, sizeof(chmod), "chmod 600 %s", path);
        say(f, TRUST_WARNING, what, chmod, "%s can be read by others", path);
        break;
    case UI_KEY_TOKEN:
        say(f, TRUST_FINE, what, "", "on a PKCS#11 token");
        break;
    case UI_KEY_MISSING:
        say(f, key->needed ? TRUST_BROKEN : TRUST_NOTE, what, key->todo, "cannot read %s: %s", path,
            key->cause);
        break;
    }
}

static void signing_key_finding(struct findings *f, const struct ui_signing_key *key,
                                const char *what, const char *todo, bool needed)
{
    const struct named_key named = { what, key->path, key->cause, todo, key->at, needed };
    key_finding(f, &named);
}

static void identity_findings(struct findings *f, const struct ui_trust *t, int64_t now_ms)
{
    char renew[160];
    const char *name = strncmp(t->cert.cn, "operator-", 9) == 0 ? t->cert.cn + 9 : "NAME";

    snprintf(renew, sizeof(renew),
             "on the authority's host: muster pki operator %.64s --renew; then copy the .pem here",
             name);
    if (!t->named)
        say(f, TRUST_NOTE, "operator", "muster pki operator NAME makes one; name it in [broker]",
            "the profile names no certificate: the broker can't tell who acts");
    else if (*t->cert_trouble)
        say(f, TRUST_BROKEN, "operator",
            "correct [broker] cert, or make one with 'muster pki operator NAME'", "%s",
            t->cert_trouble);
    else
        trust_cert_finding("operator", &t->cert, renew, UI_CERT_SOON_DAYS, now_ms,
                           &f->out[f->count++]);
    const struct named_key key = {
        "operator key", t->key_path,
        t->key_cause,   "correct [broker] key: the file beside the certificate, which you may read",
        t->key,         true
    };
    key_finding(f, &key);
    if (t->key_differs)
        say(f, TRUST_BROKEN, "operator key", "[broker] cert and key must be a pair",
            "%s does not belong to the certificate of %s", t->key_path, t->cert.cn);
}

static void authority_findings(struct findings *f, const struct ui_trust *t, int64_t now_ms)
{
    if (*t->authority_trouble)
        say(f, TRUST_BROKEN, "authority", "correct [broker] ca", "%s", t->authority_trouble);
    for (size_t i = 0; i < t->authority_count; i++)
        trust_cert_finding("authority", &t->authority[i],
                           "a new authority is needed, and devices must learn of it before",
                           UI_AUTHORITY_SOON_DAYS, now_ms, &f->out[f->count++]);
}

static void signer_finding(struct findings *f, const struct ui_trust *t,
                           const struct ui_signing_key *key, enum key_role role, const char *word)
{
    const struct trusted_key *found;
    char what[16], todo[96];

    if (!*key->kid || !t->have_keyset)
        return;
    enum reason why = keyring_find(&t->keyset.keys, key->kid, role, &found);
    if (why == REASON_NONE)
        return;
    snprintf(what, sizeof(what), "%s key", word);
    snprintf(todo, sizeof(todo), "muster keys rotate %s, then muster keys push", word);
    say(f, TRUST_BROKEN, what, todo, "keyset %u does not trust %s %s: devices answer %s",
        t->keyset.version, word, key->kid, reason_word(why));
}

static void keyset_findings(struct findings *f, const struct ui_trust *t)
{
    if (!t->have_keyset && !*t->keyset_trouble)
        say(f, TRUST_WARNING, "keyset", "name it: [trust] keyset = …/pki/keys/keyset.json",
            "the profile names no keyset: nobody can say which keys devices trust");
    else if (!t->have_keyset)
        say(f, TRUST_BROKEN, "keyset", "correct [trust] keyset", "%s", t->keyset_trouble);
    else if (*t->fleet && strcmp(t->keyset.fleet, t->fleet) != 0)
        say(f, TRUST_BROKEN, "keyset", "correct [fleet] name or [trust] keyset",
            "the keyset is of fleet %s, the profile of %s", t->keyset.fleet, t->fleet);
    else
        say(f, TRUST_FINE, "keyset", "", "version %u, readable", t->keyset.version);
    signer_finding(f, t, &t->rollout, KEY_ROLLOUT, "rollout");
    signer_finding(f, t, &t->release, KEY_RELEASE, "release");
}

static const char *plural(uint32_t n)
{
    return n == 1 ? "" : "s";
}

static void adoption_findings(struct findings *f, const struct adoption *a)
{
    uint32_t behind = a->before + a->older;

    if (behind)
        say(f, TRUST_WARNING, "adoption", "muster keys push; again for those that are offline now",
            "%u of %u device%s lack%s keyset %u: what its new keys sign is refused there", behind,
            a->devices, plural(a->devices), behind == 1 ? "s" : "", a->version);
    if (a->unknown)
        say(f, TRUST_NOTE, "adoption", "",
            "%u device%s did not say which keyset: offline, or firmware without keysets",
            a->unknown, plural(a->unknown));
    if (!behind && a->devices && !a->unknown)
        say(f, TRUST_FINE, "adoption", "", "all %u devices have keyset %u", a->devices, a->version);
}

static void device_cert_findings(struct findings *f, const struct adoption *a, int64_t now_ms)
{
    if (a->cert_ended)
        say(f, TRUST_BROKEN, "device certs", "they are let in nowhere: give them new ones by hand",
            "the certificate%s of %u device%s ended", plural(a->cert_ended), a->cert_ended,
            plural(a->cert_ended));
    if (a->cert_soon)
        say(f, TRUST_WARNING, "device certs",
            "muster device renew ID where its firmware can; else a new one by muster pki device",
            "%u device certificate%s end%s within %d days, %s in %lld days", a->cert_soon,
            plural(a->cert_soon), a->cert_soon == 1 ? "s" : "", UI_CERT_SOON_DAYS, a->cert_of,
            ((long long)a->cert_first - now_ms / 1000) / DAY_S);
}

size_t trust_findings(const struct ui_trust *t, const struct adoption *adoption, int64_t now_ms,
                      struct trust_finding out[TRUST_FINDINGS_MAX])
{
    struct findings f = { .out = out };

    identity_findings(&f, t, now_ms);
    authority_findings(&f, t, now_ms);
    signing_key_finding(&f, &t->rollout, "rollout key",
                        "correct [trust] rollout_key, or make one: muster keys rotate rollout",
                        true);
    if (t->release.at == UI_KEY_MISSING) /* it may be on another host, where releases are made */
        signing_key_finding(&f, &t->release, "release key",
                            "releases can't be signed on this host; if they are to be: correct "
                            "[trust] release_key",
                            false);
    keyset_findings(&f, t);
    if (adoption && t->have_keyset)
        adoption_findings(&f, adoption);
    if (adoption)
        device_cert_findings(&f, adoption, now_ms);
    return f.count;
}
