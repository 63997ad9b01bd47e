#include "session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "notify/notify.h"
#include "ossl/crypto.h"
#include "protocol/jws.h"
#include "protocol/order.h"
#include "protocol/topic.h"
#include "influx/influx.h"
#include "web/web.h"

#include "alerting.h"
#include "planning.h"
#include "claiming.h"
#include "keeping.h"
#include "recorder.h"

enum {
    TICK_MS = 100,      /* the fleet looks for silence, the engine for timers */
    QUIET_MS = 300,     /* no retained message for so long: the picture is whole */
    CONNECT_MS = 15000, /* a command gives up */
    PICTURE_MS = 60000,
    SIGNER_MS = 2000,
    COMMAND_EXP_S = 3600 /* an order for a sleeping device waits so long in the broker */
};

struct session {
    const struct profile *profile;
    const struct log *log;
    session_message_fn *on_message;
    void *ctx;
    struct fleet *fleet;
    struct link *link;
    struct store *store;
    struct engine *engine;
    struct recorder *recorder;
    struct alerting *alerting;
    struct web *web;
    struct notify *notify;
    struct keeping keeping;
    struct claiming claiming; /* on this fleet's rollouts; with the engine */
    int64_t up_ms;            /* listening without a break since */
    struct crypto_signer *signer;
    struct timespec signer_made; /* its file, to see when another takes its place */
    int64_t signer_ms;
    int64_t now_ms, tick_ms;
    int64_t steady_ms;   /* of a clock that nobody sets: for how long a claim is good */
    int64_t retained_ms; /* when the last retained message came */
    bool up, was_up;
};

/* ---- signals: the one place that needs something global
 * ------------------------------------------------------ */

static volatile sig_atomic_t stop_asked;

static void on_stop(int number)
{
    (void)number;
    stop_asked = 1;
}

void signals_install(void)
{
    struct sigaction sa = { .sa_handler = on_stop };
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sa.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &sa, NULL);
}

bool signals_stop(void)
{
    return stop_asked;
}

int64_t session_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void read_clocks(struct session *s)
{
    struct timespec ts;

    s->now_ms = session_now();
    clock_gettime(CLOCK_MONOTONIC, &ts);
    s->steady_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void session_who(char *out, size_t cap)
{
    char host[64] = "localhost";
    const char *user = getenv("SUDO_USER");

    if (!user || !*user)
        user = getenv("USER");
    if (!user || !*user)
        user = getenv("LOGNAME");
    if (!user || !*user)
        user = geteuid() == 0 ? "root" : "unknown";
    gethostname(host, sizeof(host) - 1);
    if (!text_format(out, cap, "%s@%s", user, host))
        text_copy(out, cap, "unknown");
}

/* ---- what the link says
 * ---------------------------------------------------------------------------------------- */

static void on_message(void *ctx, const char *topic, const void *body, size_t len, bool retained)
{
    struct session *s = ctx;
    struct fleet_event ev = {
        .kind = FLEET_EV_MESSAGE, .topic = topic, .body = body, .len = len, .retained = retained
    };

    if (retained)
        s->retained_ms = s->now_ms;
    if (s->engine && claiming_message(&s->claiming, topic, body, len, s->now_ms, s->steady_ms))
        return;
    fleet_apply(s->fleet, &ev, s->now_ms);
    if (s->engine) {
        struct topic parsed;
        topic_parse(s->profile->root, topic, &parsed);
        engine_message(s->engine, &parsed, body, len, s->now_ms);
    }
    if (s->on_message)
        s->on_message(s->ctx, topic, body, len, retained);
}

static void publish_claim(void *ctx, const char *topic, const char *text, uint32_t expiry_s)
{
    struct session *s = ctx;
    struct link_publish m = { .topic = topic,
                              .body = text,
                              .len = strlen(text),
                              .qos = 1,
                              .retain = true,
                              .expiry_s = expiry_s };

    link_publish(s->link, &m);
}

static void on_state(void *ctx, bool up, const char *reason)
{
    struct session *s = ctx;
    struct fleet_event ev = { .kind = up ? FLEET_EV_LINK_UP : FLEET_EV_LINK_DOWN, .text = reason };

    s->up = up;
    s->up_ms = s->now_ms;
    s->was_up = s->was_up || up;
    s->retained_ms = s->now_ms;
    fleet_apply(s->fleet, &ev, s->now_ms);
    if (s->engine)
        claiming_link(&s->claiming, up, s->now_ms, s->steady_ms);
}

static void on_published(void *ctx, int mid, int code)
{
    struct session *s = ctx;

    if (code >= 128)
        log_say(s->log, LOG_ERROR, "the broker refused a message (reason code %d%s)", code,
                code == 135 ? ": this certificate may not publish there" : "");
    else if (s->engine)
        engine_published(s->engine, mid, s->now_ms);
}

static int engine_publish(void *ctx, const char *topic, const void *body, size_t len, bool retain)
{
    struct session *s = ctx;
    struct link_publish m = {
        .topic = topic, .body = body, .len = len, .qos = 1, .retain = retain
    };
    return link_publish(s->link, &m);
}

static void engine_replay(void *ctx, const struct rollout *r)
{
    struct session *s = ctx;

    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t at = fleet_find(s->fleet, r->device[i].id);
        const struct fleet_device *d = at == FLEET_NONE ? NULL : fleet_device(s->fleet, at);
        struct device_status status;
        struct ota_report report;
        if (!d)
            continue;
        if (d->has_status) {
            fleet_status(s->fleet, d, &status);
            engine_status(s->engine, d->id, &status, s->now_ms);
        }
        if (fleet_report(s->fleet, d, &report))
            engine_report(s->engine, d->id, &report, s->now_ms);
    }
}

static uint32_t engine_candidates(void *ctx, const char *target, const char *image,
                                  struct plan_candidate **out)
{
    struct session *s = ctx;
    struct filter_error mistake;
    struct filter *filter = filter_compile(target, &mistake);

    *out = NULL;
    if (!filter)
        return 0;
    uint32_t count = planning_candidates(s->fleet, filter, s->now_ms, out);
    filter_free(filter);
    planning_mark(s->store, image, *out, count);
    return count;
}

/* ---- opening
 * -----------------------------------------------------------------------------------------------------
 */

static int make_fleet(struct session *s, struct err *err)
{
    struct fleet_source source[PROFILE_SOURCES_MAX];
    const struct profile *p = s->profile;

    for (size_t i = 0; i < p->source_count; i++) {
        if (fleet_source_parse(p->source[i].name, p->source[i].topic, p->source[i].id, &source[i],
                               err))
            return err_prefix(err, "%s", p->path);
    }
    struct fleet_config config = { .root = p->root,
                                   .source = source,
                                   .source_count = p->source_count };
    s->fleet = fleet_new(&config);
    return 0;
}

static int make_link(struct session *s, const char *name, struct err *err)
{
    static const char *const kinds[] = { "+/status", "+/ota/report", "+/telemetry/#", "+/log",
                                         "+/reply/#" };
    enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };
    char topic[KINDS][PROTO_TOPIC_MAX];
    char client[128], will[PROTO_TOPIC_MAX] = "", host[33] = "";
    const struct profile *p = s->profile;
    struct link_config c = { .host = p->broker.host,
                             .port = p->broker.port,
                             .ca = p->broker.ca,
                             .cert = p->broker.cert,
                             .key = p->broker.key,
                             .client_id = client,
                             .log = s->log,
                             .on_message = on_message,
                             .on_state = on_state,
                             .on_published = on_published,
                             .ctx = s };

    gethostname(host, sizeof(host) - 1);
    text_format(client, sizeof(client), "muster-%s-%ld-%s", name, (long)getpid(), host);
    if (s->engine) {
        claims_topic(&s->claiming.claims, will, sizeof(will));
        c.will_topic = will;
        c.topic[c.topic_count++] = CLAIM_PREFIX "+";
        c.sure_count = c.topic_count;
    }
    for (size_t i = 0; i < KINDS; i++) {
        text_format(topic[i], sizeof(topic[i]), "%s/%s", p->root, kinds[i]);
        c.topic[c.topic_count++] = topic[i];
    }
    for (size_t i = 0; i < p->source_count && c.topic_count < LINK_TOPICS; i++)
        c.topic[c.topic_count++] = p->source[i].topic;
    s->link = link_new(&c, err);
    return s->link ? 0 : -1;
}

/* `muster keys rotate` puts another key into the file: a `serve` that goes on with the old one
 * would sign what the fleet refuses. While there is none to read (the file is being replaced) the
 * old one stays. */
static void follow_signer(struct session *s)
{
    const char *path = s->profile->trust.rollout_key;
    struct crypto_signer next;
    struct stat st;

    if (!s->signer || (s->now_ms - s->signer_ms < SIGNER_MS && s->now_ms >= s->signer_ms))
        return;
    s->signer_ms = s->now_ms;
    if (stat(path, &st) != 0 || (st.st_ctim.tv_sec == s->signer_made.tv_sec &&
                                 st.st_ctim.tv_nsec == s->signer_made.tv_nsec))
        return;
    if (ossl_signer_load(path, &next) != OSSL_OK)
        return;
    s->signer_made = st.st_ctim;
    if (strcmp(next.kid, s->signer->kid) != 0)
        log_say(s->log, LOG_INFO, "orders are signed by key %s from now on", next.kid);
    ossl_signer_free(s->signer);
    *s->signer = next; /* the engine has the pointer */
}

static void tell_alert(void *ctx, const struct alert_rule *rule, enum alert_event_kind kind,
                       const char *subject, const char *text, int64_t now_ms)
{
    struct session *s = ctx;
    struct notify_facts facts = { .event = kind == ALERT_FIRED ? NOTIFY_ALERT : NOTIFY_CLEAR,
                                  .ts_ms = now_ms,
                                  .fleet = s->profile->fleet,
                                  .subject = subject,
                                  .rule = rule->name,
                                  .level = alert_level_word(rule->level),
                                  .why = text };
    struct err err;

    log_say(s->log, kind == ALERT_FIRED && rule->level > ALERT_INFO ? LOG_WARN : LOG_INFO,
            "alert %s %s: %s: %s", rule->name, kind == ALERT_FIRED ? "fires" : "is over", subject,
            text);
    if (notify_post(s->notify, &facts, &err))
        log_say(s->log, LOG_WARN, "%s", err.text);
}

/* After the engine has tried its lock, so that its file is there. */
static int make_claim(struct session *s, struct err *err)
{
    struct claiming_config c = {
        .engine = s->engine, .store = s->store, .log = s->log, .publish = publish_claim, .ctx = s
    };
    uint64_t nonce;
    char id[CLAIM_ID];

    if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
        return err_set(err, EXIT_REACH, "the system gives no random numbers: %s", strerror(errno));
    claiming_id(ossl_crypto(), s->profile->journal, nonce, id);
    claiming_init(&s->claiming, &c, id);
    return 0;
}

static int open_journal(struct session *s, unsigned parts, const char *name, struct err *err)
{
    const struct profile *p = s->profile;

    if (!p->journal[0])
        return err_set(err, EXIT_USAGE,
                       "%s: [journal] path is missing: orders and rollouts need it", p->path);
    bool look = parts & SESSION_FOLLOW && access(p->journal, F_OK) == 0;
    s->store = store_open(p->journal, look, ossl_crypto(), err);
    if (!s->store)
        return -1;
    if (parts & (SESSION_SIGNER | SESSION_ENGINE) && !(parts & SESSION_FOLLOW)) {
        if (!p->trust.rollout_key[0])
            return err_set(err, EXIT_USAGE,
                           "%s: [trust] rollout_key is missing: orders can't be signed", p->path);
        s->signer = mem_alloc(sizeof(*s->signer));
        enum ossl_error e = ossl_signer_load(p->trust.rollout_key, s->signer);
        if (e != OSSL_OK)
            return err_set(err, EXIT_USAGE, "rollout key %s %s%s%s", p->trust.rollout_key,
                           ossl_error_text(e), ossl_error_has_errno(e) ? ": " : "",
                           ossl_error_has_errno(e) ? strerror(errno) : "");
    }
    if (!(parts & SESSION_ENGINE))
        return 0;
    struct engine_config c = { .profile = p,
                               .store = s->store,
                               .crypto = ossl_crypto(),
                               .signer = s->signer,
                               .log = s->log,
                               .name = name,
                               .only_follow = parts & SESSION_FOLLOW,
                               .publish = engine_publish,
                               .replay = engine_replay,
                               .candidates = engine_candidates,
                               .ctx = s };
    struct alerting_config alerts = { .profile = p,
                                      .fleet = s->fleet,
                                      .store = s->store,
                                      .log = s->log,
                                      .tell = tell_alert,
                                      .ctx = s };
    s->alerting = alerting_new(&alerts, err);
    if (!s->alerting)
        return -1;
    s->web = web_new();
    s->notify = s->web ? notify_new(p, s->store, s->web, s->log, err) : NULL;
    if (!s->notify)
        return s->web ? -1 : err_set(err, EXIT_REACH, "libcurl could not be started");
    notify_watch(s->notify);
    if (*p->influx.url && influx_check(p, err))
        return err_prefix(err, "%s", p->path);
    s->recorder = recorder_new(p, s->fleet, s->web, s->log);
    s->engine = engine_new(&c, s->now_ms, err);
    return s->engine ? make_claim(s, err) : -1;
}

static void set_clock(struct session *s)
{
    struct fleet_event tick = { .kind = FLEET_EV_TICK };
    fleet_apply(s->fleet, &tick, s->now_ms);
}

struct session *session_open(const struct session_config *config, struct err *err)
{
    struct session *s = mem_alloc(sizeof(*s));

    s->profile = config->profile;
    s->log = config->log;
    s->on_message = config->on_message;
    s->ctx = config->ctx;
    read_clocks(s);
    if (make_fleet(s, err))
        goto fail;
    set_clock(s);
    recorder_recall(s->profile->journal, s->fleet, s->now_ms);
    if (config->parts && open_journal(s, config->parts, config->name, err))
        goto fail;
    if (make_link(s, config->name, err))
        goto fail;
    return s;

fail:
    session_close(s);
    return NULL;
}

void session_close(struct session *s)
{
    if (!s)
        return;
    if (s->engine && s->link)
        claiming_end(&s->claiming);
    engine_free(s->engine);
    alerting_free(s->alerting);
    web_free(s->web); /* drops what notify has under way */
    notify_free(s->notify);
    recorder_free(s->recorder);
    link_free(s->link);
    if (s->signer) {
        ossl_signer_free(s->signer);
        free(s->signer);
    }
    store_close(s->store);
    fleet_free(s->fleet);
    free(s);
}

/* ---- the loop
 * ----------------------------------------------------------------------------------------------------
 */

#define POLL_MAX 8

static void tick(struct session *s)
{
    struct fleet_event ev = { .kind = FLEET_EV_TICK };

    if (s->now_ms - s->tick_ms < TICK_MS && s->now_ms >= s->tick_ms)
        return;
    s->tick_ms = s->now_ms;
    fleet_apply(s->fleet, &ev, s->now_ms);
    follow_signer(s);
    if (s->engine) {
        claiming_turn(&s->claiming, s->now_ms, s->steady_ms);
        engine_tick(s->engine, s->now_ms);
        struct recorder_state state = { !engine_leader(s->engine), s->up, s->up_ms };
        recorder_tick(s->recorder, &state, s->now_ms);
    }
    if (s->notify && !engine_leader(s->engine)) {
        notify_tick(s->notify, s->now_ms);
        keeping_tick(&s->keeping, s->profile, s->store, s->log, s->now_ms);
    }
    if (s->alerting) {
        size_t count;
        const struct rollout *const *rollouts = engine_rollouts(s->engine, &count);
        alerting_tick(s->alerting, !engine_leader(s->engine), rollouts, count, s->now_ms);
    }
}

static int earlier(int a, int b)
{
    return b >= 0 && b < a ? b : a;
}

static int wait_ms(const struct session *s, int timeout_ms)
{
    int64_t due = s->tick_ms + TICK_MS;
    int64_t link_due = link_next_ms(s->link);
    if (link_due < due)
        due = link_due;
    int64_t left = due - s->now_ms;
    int wait = earlier(timeout_ms, left < 0 ? 0 : (int)left);
    return s->web ? earlier(wait, web_wait_ms(s->web)) : wait;
}

bool session_poll(struct session *s, struct pollfd *extra, nfds_t count, int timeout_ms)
{
    struct pollfd fds[POLL_MAX + 1 + WEB_FDS];
    nfds_t n = count < POLL_MAX ? count : POLL_MAX;

    if (n)
        memcpy(fds, extra, n * sizeof(*fds));
    fds[n].fd = link_fd(s->link);
    fds[n].events = (short)(POLLIN | (link_wants_write(s->link) ? POLLOUT : 0));
    fds[n].revents = 0;
    size_t web = s->web ? web_fds(s->web, &fds[n + 1], WEB_FDS) : 0;
    read_clocks(s);
    int ready = poll(fds, n + 1 + web, wait_ms(s, timeout_ms));
    if (ready < 0) {
        for (nfds_t i = 0; i <= n + web; i++)
            fds[i].revents = 0;
    }
    if (n)
        memcpy(extra, fds, n * sizeof(*fds));

    read_clocks(s);
    bool readable = fds[n].revents & (POLLIN | POLLHUP | POLLERR);
    link_run(s->link, readable, fds[n].revents & POLLOUT, s->now_ms);
    if (s->web)
        web_run(s->web, &fds[n + 1], web);
    tick(s);
    return !stop_asked;
}

/* Does an online device of ours still owe its first readings? */
static bool readings_are_missing(const struct session *s)
{
    for (uint32_t i = 0; i < fleet_span(s->fleet); i++) {
        const struct fleet_device *d = fleet_device(s->fleet, i);
        if (d && d->online && d->has_status && d->value_count == 0)
            return true;
    }
    return false;
}

int session_settle(struct session *s, int readings_ms, struct err *err)
{
    int64_t begun = session_now();
    struct link_facts facts;

    while (!s->up || s->now_ms - s->retained_ms < QUIET_MS) {
        int64_t limit = s->was_up ? PICTURE_MS : CONNECT_MS;
        link_facts(s->link, &facts);
        bool hopeless = !s->was_up && facts.attempt >= 2;
        if (!session_poll(s, NULL, 0, 50))
            return err_set(err, EXIT_REACH, "interrupted");
        if (hopeless || s->now_ms - begun > limit)
            return err_set(err, EXIT_REACH,
                           "cannot reach the broker at %s:%u: %s. 'muster doctor' looks closer",
                           s->profile->broker.host, s->profile->broker.port,
                           facts.reason[0] ? facts.reason : "no answer");
    }
    begun = s->now_ms;
    while (s->now_ms - begun < readings_ms && readings_are_missing(s)) {
        if (!session_poll(s, NULL, 0, 50))
            return err_set(err, EXIT_REACH, "interrupted");
    }
    if (!s->alerting)
        alerting_recall(s->profile, s->fleet, s->now_ms);
    return 0;
}

/* ---- orders outside a rollout
 * ------------------------------------------------------------------------------------ */

static int keep_order(struct session *s, const struct order *o, const char *jws, const char *who,
                      struct err *err)
{
    struct store_order row = { .verb = o->verb, .attempt = 0, .seq = o->seq };
    char what[160];

    text_copy(row.device, sizeof(row.device), o->dev);
    text_copy(row.jws, sizeof(row.jws), jws);
    text_format(what, sizeof(what), "%s %s seq %u", verb_word(o->verb), o->dev, o->seq);
    return store_order_add(s->store, &row, s->now_ms, err) ||
                   store_audit_add(s->store, who, what, s->now_ms, err)
               ? -1
               : 0;
}

/* `keyset` NULL: a verb without one. */
static int send_order(struct session *s, struct order *o, const char *keyset,
                      const struct crypto_signer *by, const char *who, uint32_t *seq,
                      struct err *err)
{
    char json[PROTO_ORDER_BYTES], jws[PROTO_ORDER_BYTES + 1], body[PROTO_UPDATE_BYTES];
    char topic[PROTO_TOPIC_MAX], correlation[16];
    uint32_t floor = (uint32_t)(s->now_ms / 1000 - 1577836800);

    if (!s->up) /* before it is kept as sent */
        return err_set(err, EXIT_REACH, "the broker is not reachable: the order was not sent");
    if (!text_copy(o->fleet, sizeof(o->fleet), s->profile->fleet))
        return err_set(err, EXIT_USAGE, "[fleet] name is too long");
    if (store_seq_next(s->store, verb_class(o->verb), floor, &o->seq, err))
        return -1;
    o->iat = (uint64_t)(s->now_ms / 1000);
    o->nbf = o->iat;
    o->exp = o->iat + COMMAND_EXP_S;
    int len = order_encode(o, json, sizeof(json));
    if (len < 0 || jws_sign(JWS_ORDER, json, (size_t)len, ossl_crypto(), by, jws, sizeof(jws)) < 0)
        return err_set(err, EXIT_REFUSED,
                       "the order could not be signed, or is longer than %d bytes",
                       PROTO_ORDER_BYTES);
    len = keyset ? command_keys_encode(jws, keyset, body, sizeof(body))
                 : command_body_encode(jws, NULL, body, sizeof(body));
    if (len < 0 || topic_format(topic, sizeof(topic), s->profile->root, o->dev, TOPIC_COMMAND,
                                verb_word(o->verb)) < 0)
        return err_set(err, EXIT_USAGE, "'%s' is not a device id", o->dev);
    if (keep_order(s, o, jws, who, err))
        return -1;
    snprintf(correlation, sizeof(correlation), "%u", o->seq);
    struct link_publish m = { .topic = topic,
                              .body = body,
                              .len = (size_t)len,
                              .qos = 1,
                              .expiry_s = COMMAND_EXP_S,
                              .correlation = correlation,
                              .correlation_len = strlen(correlation) };
    if (link_publish(s->link, &m) < 0)
        return err_set(err, EXIT_REACH, "the broker is not reachable: the order was not sent");
    *seq = o->seq;
    return 0;
}

int session_command(struct session *s, struct order *o, const char *who, uint32_t *seq,
                    struct err *err)
{
    return send_order(s, o, NULL, s->signer, who, seq, err);
}

int session_keys(struct session *s, struct order *o, const char *keyset,
                 const struct crypto_signer *by, const char *who, uint32_t *seq, struct err *err)
{
    return send_order(s, o, keyset, by, who, seq, err);
}

struct fleet *session_fleet(struct session *s)
{
    return s->fleet;
}

struct link *session_link(struct session *s)
{
    return s->link;
}

struct store *session_store(struct session *s)
{
    return s->store;
}

struct engine *session_engine(struct session *s)
{
    return s->engine;
}

struct alerting *session_alerting(struct session *s)
{
    return s->alerting;
}

const struct crypto *session_crypto(const struct session *s)
{
    (void)s;
    return ossl_crypto();
}

const struct crypto_signer *session_signer(const struct session *s)
{
    return s->signer;
}

bool session_is_up(const struct session *s)
{
    return s->up;
}

bool session_is_busy(const struct session *s)
{
    return s->notify && notify_is_busy(s->notify);
}

bool session_is_quiet(struct session *s)
{
    return !s->notify || (!notify_is_busy(s->notify) && notify_is_empty(s->notify));
}
