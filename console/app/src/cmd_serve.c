#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "identity/pki.h"
#include "ossl/crypto.h"

#include "commands.h"
#include "output.h"
#include "planning.h"
#include "probe.h"
#include "service.h"
#include "session.h"
#include "trust.h"

/* ---- serve: the engine without a screen
 * --------------------------------------------------------------------------- */

enum {
    DONE_MS = 3000, /* nothing to do for so long: --until-done is over */
    WATCHDOG_MS = 10000
};

static void say_leader(const struct log *log, const struct engine *e, char *last, size_t cap)
{
    const char *leader = engine_leader(e);
    const char *now = leader ? leader : "this process";
    char status[256];

    if (strcmp(last, now) == 0)
        return;
    text_copy(last, cap, now);
    log_say(log, LOG_INFO, "the rollout engine is run by %s", now);
    if (text_format(status, sizeof(status), "STATUS=the engine is run by %s", now))
        service_tell(status);
}

/* The loop turns. */
static void pat_watchdog(int64_t *last_ms)
{
    int64_t now = session_now();

    if (now - *last_ms < WATCHDOG_MS && now >= *last_ms)
        return;
    *last_ms = now;
    service_tell("WATCHDOG=1");
}

static const struct option serve_options[] = {
    { "until-done", 0, NULL, "end when no rollout is under way and everybody has been told" },
    { 0 },
};

static bool has_work(struct session *s)
{
    return engine_leader(session_engine(s)) || engine_is_busy(session_engine(s)) ||
           !session_is_quiet(s);
}

static int run_serve(struct cmd_context *ctx, const struct cmd_args *args)
{
    bool until_done = cmd_has(args, "until-done");
    int64_t busy_ms = session_now(), watchdog_ms = 0;

    /* A service tells its story in its log. */
    struct log log = { .sink = log_to_stderr, .least = ctx->verbose ? LOG_DEBUG : LOG_INFO };
    struct session_config config = {
        .profile = ctx->profile, .log = &log, .parts = SESSION_ENGINE, .name = "serve"
    };
    char leader[160] = "";
    struct session *s = session_open(&config, &ctx->err);

    if (!s)
        return (int)ctx->err.code;
    signals_install();
    service_tell("READY=1");
    log_say(&log, LOG_INFO, "serving fleet %s at %s:%u", ctx->profile->fleet,
            ctx->profile->broker.host, ctx->profile->broker.port);
    do {
        say_leader(&log, session_engine(s), leader, sizeof(leader));
        pat_watchdog(&watchdog_ms);
        if (!until_done || has_work(s))
            busy_ms = session_now();
    } while (session_poll(s, NULL, 0, 1000) && session_now() - busy_ms < DONE_MS);
    log_say(&log, LOG_INFO, signals_stop() ? "stopped by a signal" : "nothing is left to do");
    service_tell("STOPPING=1");
    session_close(s);
    return EXIT_DONE;
}

/* ---- doctor
 * -------------------------------------------------------------------------------------------------------
 */

enum severity { FINE, NOTE, WARNING, BROKEN };

struct doctor {
    struct cmd_context *ctx;
    json_t *findings;
    bool broken, unreachable;
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
    size_t count = trust_findings(trust_facts(trust), NULL, now_ms, finding);
    for (size_t i = 0; i < count; i++)
        say_finding(d, &finding[i]);
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
        say(d, BROKEN, "gateway cert", err.text, "make one with 'muster pki server'");
        return;
    }
    trust_cert(&cert, &shown);
    trust_cert_finding("gateway cert", &shown, "muster pki server gateway --renew",
                       UI_CERT_SOON_DAYS, now_ms, &finding);
    say_finding(d, &finding);
}

static void check_broker(struct doctor *d)
{
    struct session_config config = { .profile = d->ctx->profile,
                                     .log = d->ctx->log,
                                     .name = "doctor" };
    struct err err;
    char text[128];
    struct session *s = session_open(&config, &err);

    if (!s || session_settle(s, 0, &err)) {
        say(d, BROKEN, "broker", err.text,
            "is it running, and do host, port, ca, cert and key in [broker] belong together?");
        d->unreachable = true;
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
    if (probe_gateway(d->ctx->profile, session_now() / 1000, &skew_s, &err)) {
        say(d, BROKEN, "gateway", err.text, "start 'muster gateway', or correct [gateway] url");
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
    char text[256];
    const char *broken;
    struct release_store *releases =
        release_store_open(d->ctx->profile->store_dir, ossl_crypto(), &err);

    if (!releases) {
        say(d, BROKEN, "store", err.text, "correct [store] dir");
        return;
    }
    text_format(text, sizeof(text), "%zu releases", release_store_count(releases));
    say(d, FINE, "store", text, "");
    if (release_store_broken(releases, &broken))
        say(d, WARNING, "store", broken, "'muster release verify' names them");
    release_store_close(releases);
}

static void check_journal(struct doctor *d)
{
    struct err err;
    char holder[160];
    struct store *store = store_open(d->ctx->profile->journal, false, ossl_crypto(), &err);
    int64_t row;

    if (!store) {
        say(d, BROKEN, "journal", err.text, "");
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

static int run_doctor(struct cmd_context *ctx, const struct cmd_args *args)
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

/* ---- demo ---------------------------------------------------------------------------------------
 */

static const struct option demo_options[] = {
    { "devices", 0, "N", "how many devices (default 12)" },
    { "dir", 0, "DIR", "where everything lives (default: a new folder, removed at the end)" },
    { "no-console", 0, NULL, "no screen: prints \"ready\", runs until SIGTERM" },
    { 0 },
};

/* The same as scripts/demo, which comes with the source. */
static int run_demo(struct cmd_context *ctx, const struct cmd_args *args)
{
    static const char *const names[] = { "devices", "dir" };
    const char *line[8] = { MUSTER_DEMO };
    size_t n = 1;

    for (size_t i = 0; i < 2; i++) {
        const char *value = cmd_get(args, names[i], NULL);
        if (value) {
            line[n++] = i == 0 ? "--devices" : "--dir";
            line[n++] = value;
        }
    }
    if (cmd_has(args, "no-console"))
        line[n++] = "--no-console";
    char *argv[8];
    memcpy(argv, line, sizeof(argv));
    execv(MUSTER_DEMO, argv);
    return cmd_fail(ctx, EXIT_USAGE, "the demo needs the source folder: %s: %s", MUSTER_DEMO,
                    strerror(errno));
}

const struct command serve_commands[] = {
    { "serve", "", "run the rollout engine without a screen", serve_options, run_serve,
      COMMAND_PROFILE,
      "One engine leads at a time. Another one that is started waits and takes over when the first "
      "is gone." },
    { "doctor", "",
      "can broker, gateway and store be reached; are clocks, keys and permissions right; what to "
      "do",
      NULL, run_doctor, COMMAND_PROFILE,
      "Exit code 0 when all is well, 1 when something is broken, 3 when something can't be "
      "reached." },
    { "demo", "", "a private fleet on this machine, and the console on it", demo_options, run_demo,
      COMMAND_NO_PROFILE, NULL },
    { 0 },
};
