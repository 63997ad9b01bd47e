#include "doctor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "files/files.h"
#include "identity/pki.h"
#include "link/link.h"
#include "ossl/crypto.h"

#include "output.h"
#include "planning.h"
#include "probe.h"
#include "session.h"
#include "trust.h"

enum severity { FINE, NOTE, WARNING, BROKEN };

struct doctor {
    struct cmd_context *ctx;
    json_t *findings;
    bool broken, unreachable;
    bool no_identity; /* certificate, key or CA can't be used: nobody is asked with them */
};

static void say(struct doctor *d, enum severity severity, const char *what, const char *text,
                const char *todo)
{
    static const char *const word[] = { "ok", "note", "warning", "broken" };

    if (severity == BROKEN)
        d->broken = true;
    if (d->ctx->json)
        json_array_append_new(d->findings,
                              json_pack("{s:s, s:s, s:s, s:s}", "check", what, "severity",
                                        word[severity], "text", text, "do", todo));
    else if (severity != FINE || !d->ctx->quiet)
        fprintf(d->ctx->out, "%-8s %-12s %s%s%s\n", word[severity], what, text,
                *todo ? "\n                      -> " : "", todo);
}

static void say_finding(struct doctor *d, const struct trust_finding *f)
{
    static const enum severity as[] = { FINE, NOTE, WARNING, BROKEN };

    say(d, as[f->severity], f->what, f->text, f->todo);
}

/* What the keys screen says too. */
static void check_trust(struct doctor *d, int64_t now_ms)
{
    struct trust_finding finding[TRUST_FINDINGS_MAX];
    struct trust *trust = trust_new(d->ctx->profile);

    trust_look(trust, now_ms);
    const struct ui_trust *t = trust_facts(trust);
    size_t count = trust_findings(t, NULL, now_ms, finding);
    for (size_t i = 0; i < count; i++)
        say_finding(d, &finding[i]);
    d->no_identity =
        *t->cert_trouble || *t->authority_trouble || t->key == UI_KEY_MISSING || t->key_differs;
    trust_free(trust);
}

static void check_gateway_cert(struct doctor *d, int64_t now_ms)
{
    const char *path = d->ctx->profile->gateway.cert;
    struct trust_finding finding;
    struct pki_cert cert;
    struct ui_cert shown;
    struct err err;

    if (!*path)
        return;
    if (pki_cert_read(path, &cert, &err)) {
        say(d, BROKEN, "gateway cert", err.text,
            "correct [gateway] cert, or make one with 'muster pki server NAME'");
        return;
    }
    trust_cert(&cert, &shown);
    trust_cert_finding("gateway cert", &shown, "muster pki server gateway --renew",
                       UI_CERT_SOON_DAYS, now_ms, &finding);
    say_finding(d, &finding);
}

/* Whoever can't show who he is need not ask. */
static bool is_not_asked(struct doctor *d, const char *what)
{
    if (!d->no_identity)
        return false;
    say(d, BROKEN, what, "not asked: this host's certificate, key or authority can't be used",
        "mend first what is said of operator, operator key and authority");
    d->unreachable = true;
    return true;
}

static void broker_trouble(struct doctor *d, struct session *s, const struct err *err)
{
    const struct profile *p = d->ctx->profile;
    struct link_facts facts = { 0 };
    char text[512];

    if (s)
        link_facts(session_link(s), &facts);
    if (facts.reason[0])
        text_format(text, sizeof(text), "cannot reach the broker at %s:%u: %s", p->broker.host,
                    p->broker.port, facts.reason);
    else
        text_copy(text, sizeof(text), err->text);
    say(d, BROKEN, "broker", text,
        "is it running, and do host, port, ca, cert and key in [broker] belong together?");
    d->unreachable = true;
}

static void check_broker(struct doctor *d)
{
    struct session_config config = { .profile = d->ctx->profile,
                                     .log = d->ctx->log,
                                     .name = "doctor" };
    struct err err;
    char text[PROFILE_TEXT_MAX + 64];

    if (is_not_asked(d, "broker"))
        return;
    struct session *s = session_open(&config, &err);
    if (!s || session_settle(s, 0, &err)) {
        broker_trouble(d, s, &err);
    } else {
        text_format(text, sizeof(text), "%s:%u answers, %u devices known",
                    d->ctx->profile->broker.host, d->ctx->profile->broker.port,
                    fleet_count(session_fleet(s)));
        say(d, FINE, "broker", text, "");
    }
    session_close(s);
}

static void check_gateway(struct doctor *d)
{
    struct err err;
    int64_t skew_s;
    char text[256];

    if (!d->ctx->profile->gateway.url[0]) {
        say(d, NOTE, "gateway", "no [gateway] url: rollouts can't be started", "");
        return;
    }
    if (is_not_asked(d, "gateway"))
        return;
    if (probe_gateway(d->ctx->profile, session_now() / 1000, &skew_s, &err)) {
        say(d, BROKEN, "gateway", err.text,
            err.code == EXIT_USAGE ? "correct [gateway] url"
                                   : "start 'muster gateway', or correct [gateway] url");
        d->unreachable = true;
        return;
    }
    text_format(text, sizeof(text), "%s answers, clocks differ by %lld s",
                d->ctx->profile->gateway.url, (long long)skew_s);
    bool off = skew_s > 60 || skew_s < -60;
    say(d, off ? WARNING : FINE, "gateway", text,
        off ? "set the clocks by NTP: orders carry times" : "");
}

static void check_store(struct doctor *d)
{
    struct err err;
    char text[FILES_PATH_MAX + 64];
    const char *broken, *dir = d->ctx->profile->store_dir;
    struct release_store *releases = release_store_open(dir, ossl_crypto(), &err);

    if (!releases) {
        say(d, BROKEN, "store", err.text, "correct [store] dir");
        return;
    }
    if (!files_exists(dir)) {
        text_format(text, sizeof(text), "%s is not there", dir);
        say(d, NOTE, "store", text,
            "'muster release publish' makes it; if there is one already, correct [store] dir");
        release_store_close(releases);
        return;
    }
    text_format(text, sizeof(text), "%zu releases", release_store_count(releases));
    say(d, FINE, "store", text, "");
    if (release_store_broken(releases, &broken))
        say(d, WARNING, "store", broken, "'muster release verify' names them");
    release_store_close(releases);
}

/* Opening would make it: a slip in its path would look like a journal that is whole. */
static bool is_journal_there(struct doctor *d)
{
    const char *path = d->ctx->profile->journal;
    char text[FILES_PATH_MAX + 160], dir[FILES_PATH_MAX];
    struct err err;

    if (!*path) {
        say(d, NOTE, "journal", "the profile names none: orders and rollouts need one",
            "name it: [journal] path");
        return false;
    }
    if (access(path, R_OK) == 0)
        return true;
    bool made_when_needed =
        errno == ENOENT && files_dir(dir, path, &err) == 0 && access(dir, W_OK | X_OK) == 0;
    if (made_when_needed) {
        text_format(text, sizeof(text), "%s is not there", path);
        say(d, NOTE, "journal", text,
            "the first order makes it; if there is one already, correct [journal] path");
    } else {
        text_format(text, sizeof(text), "cannot open %s: %s", path, strerror(errno));
        say(d, BROKEN, "journal", text,
            "correct [journal] path: its folder must be there, and yours to write");
    }
    return false;
}

static void check_journal(struct doctor *d)
{
    struct err err;
    char holder[160];
    int64_t row;

    if (!is_journal_there(d))
        return;
    struct store *store = store_open(d->ctx->profile->journal, false, ossl_crypto(), &err);
    if (!store) {
        say(d, BROKEN, "journal", err.text, "correct [journal] path, or what is said of the file");
        return;
    }
    int rc = store_audit_verify(store, &row, &err);
    say(d, rc ? BROKEN : FINE, "journal",
        rc == 0   ? "whole"
        : rc == 1 ? "the audit chain is broken"
                  : err.text,
        rc ? "'muster journal verify' says where" : "");
    if (store_engine_holder(store, holder, sizeof(holder), &err) == 1)
        say(d, FINE, "engine", holder, "");
    else
        say(d, NOTE, "engine", "nobody runs it",
            "start 'muster serve' or the console when a rollout is to move");
    store_close(store);
}

int doctor_run(struct cmd_context *ctx, const struct cmd_args *args)
{
    struct doctor d = { .ctx = ctx, .findings = json_array() };
    const struct profile *p = ctx->profile;
    int64_t now_ms = session_now();

    (void)args;
    say(&d, FINE, "profile", p->path, "");
    check_trust(&d, now_ms);
    check_gateway_cert(&d, now_ms);
    check_store(&d);
    check_journal(&d);
    check_gateway(&d);
    check_broker(&d);
    if (ctx->json)
        output_json(ctx, d.findings);
    else
        json_decref(d.findings);
    return d.unreachable ? EXIT_REACH : d.broken ? EXIT_NO : EXIT_DONE;
}
