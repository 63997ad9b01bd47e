#include "notify/notify.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "sink.h"

enum {
    LOOK_MS = 1000,     /* how often the outbox is looked at for a sink with nothing under way */
    ORPHANS_MS = 60000, /* how often for messages to sinks that left the profile */
    ORPHANS_MAX = 100,  /* at a time */
    SETTLE_MS = 2000,   /* after the journal refused a write */
    GAP_MS = 15000,     /* the loop comes round once a second: so long, and it stood still */
    BACK_MS = 2000      /* more, and the clock was set back */
};

struct sink {
    struct notify *of;
    const struct profile_notify *p;
    enum sink_kind kind;
    uint32_t mask;
    struct store_message message; /* under way, when busy */
    bool busy, settled;           /* settled: how it went is known, the journal does not have it */
    struct sink_result result;
    pid_t pid; /* of the command */
    int64_t until_ms, next_ms;
};

struct notify {
    const struct profile *profile;
    struct store *store;
    struct web *web;
    const struct log *log;
    struct sink sink[PROFILE_NOTIFY_MAX];
    size_t count;
    int64_t now_ms, orphans_ms;
    uint32_t random;
    char journal[17];
};

/* Chance enough for back-off. */
static uint32_t next_random(struct notify *n)
{
    n->random = n->random * 1664525u + 1013904223u;
    return n->random >> 8;
}

/* ---- what is told
 * ---------------------------------------------------------------------------------------------- */

int notify_post(struct notify *n, const struct notify_facts *facts, struct err *err)
{
    struct store_message m = { .ts_ms = facts->ts_ms, .due_ms = facts->ts_ms };
    _Static_assert(OUTBOX_TEXT_MAX >= NOTIFY_TEXT_MAX && OUTBOX_BODY_MAX >= NOTIFY_BODY_MAX,
                   "a message fits into its row");

    notify_write(facts, m.text, m.body);
    text_copy(m.event, sizeof(m.event), notify_event_word(facts->event));
    for (size_t i = 0; i < n->count; i++) {
        if (!(n->sink[i].mask & 1u << facts->event))
            continue;
        text_copy(m.sink, sizeof(m.sink), n->sink[i].p->name);
        if (store_outbox_put(n->store, &m, err) != 0)
            return -1;
        n->sink[i].next_ms = 0;
    }
    return 0;
}

static int tell(struct notify *n, enum notify_event event, const struct rollout *r, const char *why,
                struct err *err)
{
    char release[PROTO_PRODUCT_MAX + PROTO_VERSION_MAX + 1];
    uint32_t phase[ROLLOUT_PHASES];
    struct notify_facts f = { .event = event,
                              .ts_ms = r->now_ms,
                              .fleet = n->profile->fleet,
                              .rollout = r->id,
                              .release = release,
                              .stage = r->plan.stage[r->stage].name,
                              .stage_number = r->stage + 1,
                              .stages = r->plan.stage_count,
                              .why = why,
                              .devices = r->count };

    rollout_totals(r, phase);
    f.done = phase[ROLLOUT_PHASE_DONE];
    f.failed = phase[ROLLOUT_PHASE_FAILED];
    text_format(release, sizeof(release), "%s@%s", r->release.product, r->release.version);
    return notify_post(n, &f, err);
}

/* What the new state means to people; -1: nothing. */
static int event_of(const struct store_change *c)
{
    switch (c->rollout->state) {
    case ROLLOUT_RUNNING:
        return c->before == ROLLOUT_DRAFT ? NOTIFY_START : NOTIFY_RESUME;
    case ROLLOUT_PAUSED:
        return NOTIFY_PAUSE;
    case ROLLOUT_STOPPED:
        return NOTIFY_STOP;
    case ROLLOUT_ABORTING:
        return NOTIFY_ABORT;
    case ROLLOUT_DONE:
        return NOTIFY_DONE;
    case ROLLOUT_ABORTED:
        return NOTIFY_ABORTED;
    case ROLLOUT_DRAFT:
    case ROLLOUT_FINISHING:
    case ROLLOUT_STATE_COUNT:
        break;
    }
    return -1;
}

/* One commit may go through several states (the last device ends all): what was skipped over is
 * told by where it ended. */
static int on_change(void *ctx, struct store *s, const struct store_change *c, struct err *err)
{
    struct notify *n = ctx;
    const struct rollout *r = c->rollout;
    struct gate_decision gate;
    char why[sizeof(gate.why) + sizeof(gate.missing) + 16];

    (void)s;
    if (r->state != c->before) {
        int event = event_of(c);
        if (event >= 0 && tell(n, (enum notify_event)event, r, r->why, err) != 0)
            return -1;
    }
    bool holds = r->state == ROLLOUT_RUNNING && r->stages[r->stage].state == ROLLOUT_STAGE_HOLDING;
    bool held = c->stage_index_before == r->stage && c->stage_before == ROLLOUT_STAGE_HOLDING;
    if (!holds || held)
        return 0;
    rollout_gate(r, &gate);
    /* rollout_gate() puts a missing approval there once nothing else is missing. */
    bool approval = rollout_wants_approval(r) && strncmp(gate.missing, "an approval", 11) == 0;
    text_format(why, sizeof(why), "%s%s%s", gate.why, gate.missing[0] ? "; missing: " : "",
                gate.missing);
    return tell(n, approval ? NOTIFY_APPROVAL : NOTIFY_HOLD, r, why, err);
}

void notify_watch(struct notify *n)
{
    store_on_change(n->store, n->count ? on_change : NULL, n);
}

/* ---- deliveries
 * ------------------------------------------------------------------------------------------------
 */

static int give_up(struct sink *k, uint32_t failed, const char *why)
{
    struct notify *n = k->of;
    char text[SINK_WHY_MAX + 32];

    text_format(text, sizeof(text), "%s after %u attempts: %.100s", why, failed, k->result.why);
    log_say(n->log, LOG_WARN, "notification '%s' to %s is dropped, %s", k->message.event,
            k->p->name, text);
    return store_outbox_drop(n->store, &k->message, text, n->now_ms, NULL);
}

static int keep_trying(struct sink *k, uint32_t failed)
{
    struct notify *n = k->of;
    int64_t delay = notify_delay_ms(failed, next_random(n), k->result.retry_after_s);

    log_say(n->log, failed == 1 ? LOG_WARN : LOG_DEBUG,
            "notification '%s' to %s is not delivered yet (%s); again in %lld s", k->message.event,
            k->p->name, k->result.why, (long long)(delay / 1000));
    return store_outbox_again(n->store, &k->message, n->now_ms + delay, k->result.why, NULL);
}

/* The journal learns how it went. When it can't, the result is kept and nothing is sent twice. */
static void settle(struct sink *k)
{
    struct notify *n = k->of;
    uint32_t failed = k->message.attempts + 1;
    int64_t age = n->now_ms - k->message.ts_ms;
    const char *why = notify_give_up(k->result.outcome, failed, age);
    int rc;

    if (k->result.outcome == NOTIFY_DELIVERED)
        rc = store_outbox_done(n->store, &k->message, n->now_ms, NULL);
    else
        rc = why ? give_up(k, failed, why) : keep_trying(k, failed);
    k->settled = rc != 0;
    k->busy = k->settled;
    k->next_ms = rc == 0 ? 0 : n->now_ms + SETTLE_MS;
}

static void failed_to_start(struct sink *k, const struct err *err)
{
    k->result = (struct sink_result){ .outcome = NOTIFY_AGAIN };
    text_format(k->result.why, sizeof(k->result.why), "%.150s", err->text);
    settle(k);
}

static void on_answer(void *ctx, const struct web_answer *a)
{
    struct sink *k = ctx;

    sink_result_of(k->kind, a, &k->result);
    settle(k);
}

static void key_of(const struct notify *n, const struct store_message *m, char out[48])
{
    text_format(out, 48, "%s-%lld", n->journal, (long long)m->id);
}

static void start(struct sink *k)
{
    struct notify *n = k->of;
    struct sink_request q;
    char key[48];
    struct err err = { 0 };
    int rc;

    k->busy = true;
    if (k->kind == SINK_COMMAND) {
        k->pid =
            command_start(k->p->command, k->message.event, k->message.text, k->message.body, &err);
        k->until_ms = n->now_ms + SINK_COMMAND_MS;
        rc = k->pid > 0 ? 0 : -1;
    } else {
        key_of(n, &k->message, key);
        rc = sink_request(k->p, k->kind, k->message.text, k->message.body, key, &q, &err);
        if (rc == 0)
            rc = web_start(n->web, &q.web, on_answer, k, &err);
        sink_request_wipe(&q);
    }
    if (rc != 0)
        failed_to_start(k, &err);
}

static void look_at_command(struct sink *k)
{
    struct notify *n = k->of;

    if (command_look(k->pid, &k->result) == 0) {
        if (n->now_ms < k->until_ms)
            return;
        command_kill(k->pid);
        k->result = (struct sink_result){ .outcome = NOTIFY_AGAIN };
        text_format(k->result.why, sizeof(k->result.why), "the command took longer than %d s",
                    SINK_COMMAND_MS / 1000);
    }
    k->pid = 0;
    settle(k);
}

/* None is put off for longer than that: it was put there before the clock was set back. */
static bool is_due(const struct store_message *m, int64_t now_ms)
{
    return m->due_ms <= now_ms || m->due_ms - now_ms > NOTIFY_LONGEST_MS;
}

static void turn(struct sink *k)
{
    struct notify *n = k->of;

    if (k->settled) {
        if (n->now_ms >= k->next_ms)
            settle(k);
        return;
    }
    if (k->busy) {
        if (k->pid > 0)
            look_at_command(k);
        return;
    }
    if (n->now_ms < k->next_ms)
        return;
    k->next_ms = n->now_ms + LOOK_MS;
    if (store_outbox_first(n->store, k->p->name, &k->message, NULL) == 0 &&
        is_due(&k->message, n->now_ms))
        start(k);
}

static bool is_known(const struct notify *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->sink[i].p->name, name) == 0)
            return true;
    }
    return false;
}

/* Nobody will ever deliver them. */
static void drop_orphans(struct notify *n)
{
    struct store_sink *row = mem_array(OUTBOX_SINKS, sizeof(*row));
    int count = store_outbox_sinks(n->store, row, OUTBOX_SINKS, NULL);
    struct store_message m;

    for (int i = 0; i < count; i++) {
        for (int k = 0; k < ORPHANS_MAX && row[i].queued > 0 && !is_known(n, row[i].name); k++) {
            if (store_outbox_first(n->store, row[i].name, &m, NULL) != 0 ||
                store_outbox_drop(n->store, &m, "the sink has left the profile", n->now_ms, NULL))
                break;
        }
    }
    free(row);
}

/* The clock was set, or nothing ran for a while: what is timed goes on from there. */
static void mind_clock(struct notify *n, int64_t now_ms)
{
    int64_t by = n->now_ms ? now_ms - n->now_ms : 0;

    n->now_ms = now_ms;
    if (by > -BACK_MS && by < GAP_MS)
        return;
    n->orphans_ms = now_ms;
    for (size_t i = 0; i < n->count; i++) {
        n->sink[i].next_ms = now_ms;
        n->sink[i].until_ms += by;
    }
}

void notify_tick(struct notify *n, int64_t now_ms)
{
    mind_clock(n, now_ms);
    for (size_t i = 0; i < n->count; i++)
        turn(&n->sink[i]);
    if (now_ms < n->orphans_ms)
        return;
    n->orphans_ms = now_ms + ORPHANS_MS;
    drop_orphans(n);
}

bool notify_is_busy(const struct notify *n)
{
    for (size_t i = 0; i < n->count; i++) {
        if (n->sink[i].busy)
            return true;
    }
    return false;
}

bool notify_is_empty(struct notify *n)
{
    struct store_message m;

    for (size_t i = 0; i < n->count; i++) {
        if (store_outbox_first(n->store, n->sink[i].p->name, &m, NULL) == 0)
            return false;
    }
    return true;
}

/* ---- opening and closing
 * ---------------------------------------------------------------------------------------- */

static int add_sink(struct notify *n, const struct profile_notify *p, struct err *err)
{
    struct sink *k = &n->sink[n->count];

    if (notify_check(p, err) != 0 || notify_mask(p->on, &k->mask, err) != 0 ||
        sink_kind_of(p->kind, &k->kind) != 0)
        return err_prefix(err, "%s", n->profile->path);
    k->of = n;
    k->p = p;
    n->count++;
    return 0;
}

struct notify *notify_new(const struct profile *profile, struct store *store, struct web *web,
                          const struct log *log, struct err *err)
{
    struct notify *n = mem_alloc(sizeof(*n));
    struct timespec ts;

    n->profile = profile;
    n->store = store;
    n->web = web;
    n->log = log;
    clock_gettime(CLOCK_REALTIME, &ts);
    n->random = (uint32_t)ts.tv_nsec;
    for (size_t i = 0; i < profile->notify_count; i++) {
        if (add_sink(n, &profile->notify[i], err) != 0) {
            notify_free(n);
            return NULL;
        }
    }
    if (store_journal_id(store, n->journal, err) != 0) {
        notify_free(n);
        return NULL;
    }
    return n;
}

void notify_free(struct notify *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->count; i++) {
        if (n->sink[i].pid > 0)
            command_kill(n->sink[i].pid);
    }
    store_on_change(n->store, NULL, NULL);
    free(n);
}

/* ---- a test
 * ----------------------------------------------------------------------------------------------------
 */

struct trial {
    enum sink_kind kind;
    struct sink_result result;
};

static void on_tried(void *ctx, const struct web_answer *a)
{
    struct trial *t = ctx;

    sink_result_of(t->kind, a, &t->result);
}

static int try_command(const struct profile_notify *p, const char *text, const char *body,
                       struct trial *t, struct err *err)
{
    const struct timespec moment = { .tv_nsec = 20000000 };
    pid_t pid = command_start(p->command, notify_event_word(NOTIFY_TEST), text, body, err);

    if (pid < 0)
        return -1;
    for (int ms = 0; command_look(pid, &t->result) == 0; ms += 20) {
        if (ms >= SINK_COMMAND_MS) {
            command_kill(pid);
            return err_set(err, EXIT_REACH, "the command took longer than %d s",
                           SINK_COMMAND_MS / 1000);
        }
        nanosleep(&moment, NULL);
    }
    return 0;
}

static int try_sink(const struct profile_notify *p, const struct notify_facts *f, struct trial *t,
                    struct err *err)
{
    char text[NOTIFY_TEXT_MAX], body[NOTIFY_BODY_MAX], key[48];
    struct sink_request q;

    if (sink_kind_of(p->kind, &t->kind) != 0)
        return -1;
    notify_write(f, text, body);
    if (t->kind == SINK_COMMAND)
        return try_command(p, text, body, t, err);
    text_format(key, sizeof(key), "test-%lld", (long long)f->ts_ms);
    int rc = sink_request(p, t->kind, text, body, key, &q, err);
    if (rc == 0)
        rc = web_fetch(&q.web, on_tried, t, err);
    sink_request_wipe(&q);
    return rc;
}

int notify_test(const struct profile *profile, const char *sink, int64_t now_ms, struct err *err)
{
    struct notify_facts f = { .event = NOTIFY_TEST, .ts_ms = now_ms, .fleet = profile->fleet };
    struct trial t = { 0 };

    for (size_t i = 0; i < profile->notify_count; i++) {
        const struct profile_notify *p = &profile->notify[i];
        if (strcmp(p->name, sink) != 0)
            continue;
        if (notify_check(p, err) != 0)
            return -1;
        if (try_sink(p, &f, &t, err) != 0)
            return err_prefix(err, "%s", sink);
        if (t.result.outcome == NOTIFY_DELIVERED)
            return 0;
        return err_set(err, EXIT_REACH, "%s: %s", sink, t.result.why);
    }
    return err_set(err, EXIT_USAGE, "there is no [notify %s] in %s", sink, profile->path);
}
