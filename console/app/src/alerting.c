#include "alerting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "ossl/crypto.h"
#include "store/alerts.h"

#include "config_alert.h"
#include "registry.h"

enum {
    LOOK_MS = 1000, /* how often the journal is asked whether somebody changed something */
    EVENTS = 64,
    DIGEST_NAMED = 3,
};

/* What came of a rule since something was last told of it. */
struct digest {
    int64_t until_ms; /* nothing more is told before; 0: the next is told at once */
    uint32_t count;
    uint8_t *met; /* bits by device: one that comes and goes is one device */
    size_t met_bytes;
    char named[DIGEST_NAMED][PROTO_ID_MAX];
};

struct alerting {
    struct alerting_config is;
    struct digest digest[ALERT_RULES][2]; /* by rule and enum alert_event_kind */
    struct alerts *alerts;
    struct registry *registry; /* NULL: no authority here */
    struct store_alert *row;   /* [ALERT_ACTIVE_MAX], for reading */
    int64_t version;           /* of the journal's alerts when last read */
    int64_t look_ms;
    bool restored;  /* what was firing before is known */
    bool led;       /* at the last tick */
    int64_t now_ms; /* then */
    bool complained;
    uint64_t dropped;      /* alerts_dropped() when all were last kept */
    enum alert_level rung; /* the worst that fired since it was asked */
};

static bool is_registered(void *ctx, const char *id)
{
    return registry_has(ctx, id);
}

/* ---- opening --------------------------------------------------------------------------------- */

struct alerting *alerting_new(const struct alerting_config *config, struct err *err)
{
    struct alert_rule rule[ALERT_RULES];
    size_t count;

    if (config_alerts(config->profile, rule, &count, err))
        return NULL;
    struct alerting *a = mem_alloc(sizeof(*a));
    a->is = *config;
    a->row = mem_array(ALERT_ACTIVE_MAX, sizeof(*a->row));
    a->version = -1;
    a->registry = registry_new(config->profile->pki_dir);
    a->alerts = alerts_new(config->fleet, rule, count, a->registry ? is_registered : NULL,
                           a->registry, err);
    if (!a->alerts) {
        alerting_free(a);
        return NULL;
    }
    return a;
}

struct registry *alerting_registry(struct alerting *a)
{
    return a->registry;
}

struct alerts *alerting_alerts(struct alerting *a)
{
    return a->alerts;
}

void alerting_nudge(struct alerting *a)
{
    a->look_ms = 0;
}

static void complain(struct alerting *a, int rc, const struct err *err)
{
    if (rc < 0 && !a->complained)
        log_say(a->is.log, LOG_WARN, "alerts are not kept: %s", err->text);
    a->complained = rc < 0;
}

/* ---- what the journal says ------------------------------------------------------------------- */

static int read_silences(struct alerting *a, int64_t now_ms, struct err *err)
{
    struct store_silence row[ALERT_SILENCES];
    _Static_assert(ALERT_SILENCES >= STORE_SILENCES, "all that are kept are in force");
    struct alert_silence in_force[ALERT_SILENCES];
    int n = store_silence_list(a->is.store, now_ms, row, ALERT_SILENCES, err);

    for (int i = 0; i < n; i++) {
        struct alert_silence *s = &in_force[i];
        memset(s, 0, sizeof(*s));
        s->id = row[i].id;
        s->until_ms = row[i].until_ms;
        text_copy(s->rule, sizeof(s->rule), row[i].rule);
        text_copy(s->target, sizeof(s->target), row[i].target);
        text_copy(s->who, sizeof(s->who), row[i].who);
        text_copy(s->reason, sizeof(s->reason), row[i].reason);
    }
    if (n < 0)
        return -1;
    /* One that this version can't read must not keep the others, and all alerts, from being. */
    if (alerts_set_silences(a->alerts, in_force, (size_t)n, now_ms, err) != 0)
        log_say(a->is.log, LOG_WARN, "not in force: %s", err->text);
    return 0;
}

static bool is_firing(const struct alerting *a, const struct store_alert *row)
{
    const struct alert *const *list;
    size_t n = alerts_list(a->alerts, &list);

    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i]->id, row->subject) == 0 &&
            strcmp(alerts_rule(a->alerts, list[i]->rule)->name, row->rule) == 0)
            return true;
    return false;
}

static bool take_up(struct alerting *a, const struct store_alert *row)
{
    return alerts_restore(a->alerts, row->rule, row->subject, row->since_ms, row->fired_ms,
                          row->text);
}

static void take_ack(struct alerting *a, const struct store_alert *row)
{
    if (row->ack_ms)
        alerts_ack(a->alerts, row->rule, row->subject, row->ack_who, row->ack_ms);
}

/* Before anything is judged: what fires by the journal is shown at once, with the time it has fired
 * since. Devices may still be unknown, so this says nothing about those it can't take up. */
static int read_early(struct alerting *a, struct err *err)
{
    int n = store_alert_open(a->is.store, a->row, ALERT_ACTIVE_MAX, err);

    for (int i = 0; i < n; i++)
        if (take_up(a, &a->row[i]))
            take_ack(a, &a->row[i]);
    return n;
}

/* Rows that fire: known from before, or acknowledged by somebody. One that we can't take up
 * (device or rule are gone) is over. */
static int read_rows(struct alerting *a, bool leads, int64_t now_ms, struct err *err)
{
    int n = store_alert_open(a->is.store, a->row, ALERT_ACTIVE_MAX, err);

    for (int i = 0; i < n; i++) {
        const struct store_alert *row = &a->row[i];
        bool there = a->restored ? is_firing(a, row) : take_up(a, row);
        if (there)
            take_ack(a, row);
        if (!there && leads &&
            store_alert_cleared(a->is.store, row->rule, row->subject, now_ms, err))
            return -1;
    }
    a->restored = a->restored || n >= 0;
    return n;
}

static void look(struct alerting *a, bool leads, int64_t now_ms)
{
    struct err err;
    int64_t version;

    if (a->look_ms && now_ms - a->look_ms < LOOK_MS && now_ms >= a->look_ms)
        return;
    a->look_ms = now_ms;
    int rc = store_alerts_version(a->is.store, &version, &err);
    if (rc == 0 && version == a->version && leads == a->led)
        return;
    if (rc == 0)
        rc = read_silences(a, now_ms, &err);
    if (rc == 0 && alerts_ready(a->alerts))
        rc = read_rows(a, leads, now_ms, &err);
    else if (rc == 0 && !a->restored)
        rc = read_early(a, &err);
    if (rc >= 0 && alerts_ready(a->alerts))
        a->version = version;
    complain(a, rc, &err);
}

/* ---- what we tell the journal ---------------------------------------------------------------- */

static void row_of(const struct alerting *a, const struct alert *alert, bool over,
                   struct store_alert *row)
{
    memset(row, 0, sizeof(*row));
    row->since_ms = alert->since_ms;
    row->fired_ms = alert->fired_ms;
    row->cleared_ms = over ? alert->cleared_ms : 0;
    text_copy(row->rule, sizeof(row->rule), alerts_rule(a->alerts, alert->rule)->name);
    text_copy(row->subject, sizeof(row->subject), alert->id);
    text_copy(row->level, sizeof(row->level), alert_level_word(alert->level));
    text_copy(row->text, sizeof(row->text), alert->text);
}

/* ---- what we tell people --------------------------------------------------------------------- */

/* Is it the first time in this digest? Rollouts have no number, and are few. */
static bool meet(struct digest *d, const struct alert *alert)
{
    size_t byte = alert->device / 8;
    uint8_t bit = (uint8_t)(1u << alert->device % 8);

    for (uint32_t i = 0; i < d->count && i < DIGEST_NAMED; i++)
        if (strcmp(d->named[i], alert->id) == 0)
            return false;
    if (alert->device == FLEET_NONE)
        return true;
    if (byte >= d->met_bytes) {
        size_t room = byte + byte / 2 + 64;
        d->met = mem_grow(d->met, room, 1);
        memset(d->met + d->met_bytes, 0, room - d->met_bytes);
        d->met_bytes = room;
    }
    bool first = !(d->met[byte] & bit);
    d->met[byte] |= bit;
    return first;
}

static void digest_add(struct digest *d, const struct alert *alert)
{
    if (!meet(d, alert))
        return;
    if (d->count < DIGEST_NAMED)
        text_copy(d->named[d->count], sizeof(d->named[0]), alert->id);
    d->count++;
}

static void digest_end(struct digest *d)
{
    free(d->met);
    memset(d, 0, sizeof(*d));
}

static void tell(struct alerting *a, const struct alert_event *ev, int64_t now_ms)
{
    enum alert_event_kind kind = ev->kind == ALERT_CLEARED ? ALERT_CLEARED : ALERT_FIRED;
    struct digest *d = &a->digest[ev->alert.rule][kind];

    if (!a->is.tell)
        return;
    if (d->until_ms) {
        digest_add(d, &ev->alert);
        return;
    }
    d->until_ms = now_ms + ALERTING_DIGEST_MS;
    a->is.tell(a->is.ctx, alerts_rule(a->alerts, ev->alert.rule), kind, ev->alert.id,
               ev->alert.text, now_ms);
}

static void tell_digest(struct alerting *a, uint32_t rule, enum alert_event_kind kind,
                        const struct digest *d, int64_t now_ms)
{
    const struct alert_rule *r = alerts_rule(a->alerts, rule);
    char subject[DIGEST_NAMED * PROTO_ID_MAX + 48] = "", text[ALERT_TEXT_MAX];
    size_t len = 0;

    if (d->count > 1)
        len = (size_t)snprintf(subject, sizeof(subject), "%u devices: ", d->count);
    for (uint32_t i = 0; i < d->count && i < DIGEST_NAMED; i++)
        len += (size_t)snprintf(subject + len, sizeof(subject) - len, "%s%s", i ? ", " : "",
                                d->named[i]);
    if (d->count > DIGEST_NAMED)
        snprintf(subject + len, sizeof(subject) - len, " …");
    alert_rule_text(r, text, sizeof(text));
    a->is.tell(a->is.ctx, r, kind, subject, text, now_ms);
}

/* A clock that was set back must not hold it up: it is never further away than its whole time. */
static bool is_due(const struct digest *d, int64_t now_ms)
{
    return d->until_ms && (now_ms >= d->until_ms || d->until_ms - now_ms > ALERTING_DIGEST_MS);
}

/* `all`: also those whose time has not come. */
static void tell_digests(struct alerting *a, bool all, int64_t now_ms)
{
    for (uint32_t rule = 0; alerts_rule(a->alerts, rule); rule++)
        for (int kind = ALERT_FIRED; kind <= ALERT_CLEARED; kind++) {
            struct digest *d = &a->digest[rule][kind];
            if (!is_due(d, now_ms) && !(all && d->until_ms))
                continue;
            uint32_t count = d->count;
            if (count)
                tell_digest(a, rule, (enum alert_event_kind)kind, d, now_ms);
            digest_end(d);
            d->until_ms = count ? now_ms + ALERTING_DIGEST_MS : 0; /* it may go on */
        }
}

static void keep_and_tell(struct alerting *a, const struct alert_event *ev, size_t count,
                          int64_t now_ms)
{
    struct store_alert row[EVENTS];
    bool fresh[EVENTS] = { false };
    struct err err;

    for (size_t i = 0; i < count; i++)
        row_of(a, &ev[i].alert, ev[i].kind == ALERT_CLEARED, &row[i]); /* UNMUTED: is there */
    int rc = count ? store_alerts_put(a->is.store, row, count, fresh, &err) : 0;
    complain(a, rc, &err);
    for (size_t i = 0; i < count && rc == 0; i++)
        if ((fresh[i] || ev[i].kind == ALERT_UNMUTED) && !ev[i].alert.silenced)
            tell(a, &ev[i], now_ms);
}

static void take_events(struct alerting *a, bool leads, int64_t now_ms)
{
    struct alert_event ev[EVENTS];
    size_t n;

    do {
        n = alerts_take(a->alerts, ev, EVENTS);
        for (size_t i = 0; i < n; i++)
            if (ev[i].kind != ALERT_CLEARED && !ev[i].alert.silenced && ev[i].alert.level > a->rung)
                a->rung = ev[i].alert.level;
        if (leads)
            keep_and_tell(a, ev, n, now_ms);
    } while (n == EVENTS);
}

/* What fired while nobody kept it, or more at once than there is room for in the queue. The journal
 * takes each only once. */
static void keep_all(struct alerting *a, int64_t now_ms)
{
    const struct alert *const *list;
    size_t n = alerts_list(a->alerts, &list);
    struct alert_event ev[EVENTS];
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        ev[count++] = (struct alert_event){ .kind = ALERT_FIRED, .alert = *list[i] };
        if (count == EVENTS || i + 1 == n) {
            keep_and_tell(a, ev, count, now_ms);
            count = 0;
        }
    }
    a->version = -1; /* and what is over is taken out when the rows are read */
    a->dropped = alerts_dropped(a->alerts);
}

enum alert_level alerting_take_rung(struct alerting *a)
{
    enum alert_level rung = a->rung;

    a->rung = ALERT_INFO;
    return rung;
}

void alerting_tick(struct alerting *a, bool leads, const struct rollout *const *rollouts,
                   size_t count, int64_t now_ms)
{
    bool ready = alerts_ready(a->alerts);

    a->now_ms = now_ms;
    alerts_tick(a->alerts, now_ms);
    if (!ready && alerts_ready(a->alerts))
        a->look_ms = 0;
    look(a, leads, now_ms);
    if (!a->restored)
        return; /* what it says now may be old news */
    for (size_t i = 0; i < count; i++)
        alerts_rollout(a->alerts, rollouts[i]->id, rollouts[i]->state == ROLLOUT_STOPPED,
                       rollouts[i]->why, now_ms);
    take_events(a, leads, now_ms);
    if (leads && (!a->led || alerts_dropped(a->alerts) != a->dropped))
        keep_all(a, now_ms);
    if (leads && a->is.tell)
        tell_digests(a, false, now_ms);
    a->led = leads;
}

void alerting_free(struct alerting *a)
{
    if (!a)
        return;
    /* The next leader finds them kept, and tells nobody: so it is now. */
    if (a->led && a->is.tell && a->alerts)
        tell_digests(a, true, a->now_ms);
    for (size_t rule = 0; rule < ALERT_RULES; rule++)
        for (int kind = ALERT_FIRED; kind <= ALERT_CLEARED; kind++)
            digest_end(&a->digest[rule][kind]);
    alerts_free(a->alerts);
    registry_free(a->registry);
    free(a->row);
    free(a);
}

void alerting_recall(const struct profile *p, struct fleet *fleet, int64_t now_ms)
{
    struct err err;
    struct stat st;
    struct store *store = p->journal[0] && stat(p->journal, &st) == 0
                              ? store_open(p->journal, true, ossl_crypto(), &err)
                              : NULL;
    struct alerting_config config = { .profile = p, .fleet = fleet, .store = store };
    struct alerting *a = store ? alerting_new(&config, &err) : NULL;

    if (a && read_silences(a, now_ms, &err) == 0)
        read_rows(a, false, now_ms, &err);
    alerting_free(a);
    store_close(store);
}
