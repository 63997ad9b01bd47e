#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "protocol/release.h"
#include "protocol/reply.h"
#include "protocol/report.h"
#include "protocol/status.h"

#include "dispatch.h"
#include "late.h"
#include "short_state.h"
#include "zones.h"

enum {
    ROLLOUTS_MAX = 64, /* kept in memory: all that are not over, and the newest of the others */
    ACTS_PER_TICK = 8,
    ACT_PERIOD_MS = 500, /* how often the journal is asked for acts of other processes */
    LEAD_PERIOD_MS = 2000,
    LATE_PERIOD_MS = 60000,
    SHORT_PERIOD_MS = 1000,
    RETRY_MS = 2000, /* after the journal refused a write */
    GAP_MS = 15000,  /* the loop comes round once a second: so long, and it stood still */
    EPOCH_2020 = 1577836800
};

struct entry {
    struct rollout *r;
    char release_jws[PROTO_RELEASE_BYTES + 1];
    bool reload;     /* memory is ahead of the journal after a failed commit: read it again */
    bool unheard;    /* it has not been told what is known of its devices */
    int64_t late_ms; /* when devices that join late are looked for again */
    char short_state[SHORT_STATE_BYTES]; /* as last published; empty: not by this process */
};

struct engine {
    struct engine_config cfg;
    struct entry entry[ROLLOUTS_MAX];
    const struct rollout *shown[ROLLOUTS_MAX];
    size_t count;
    struct dispatch dispatch;
    bool leads, broker_up;
    char holder[160];
    int64_t version; /* of the journal, when it was last read */
    int64_t acts_ms, lead_ms, retry_ms, short_ms;
    int64_t clock_ms; /* when anything was last heard or done; 0: nothing yet */
    char trouble[256];
    struct rollout_effects fx; /* some 40 KB: too much for the stack */
};

/* ---- the list
 * ---------------------------------------------------------------------------------------------- */

static struct entry *find(struct engine *e, const char *id)
{
    for (size_t i = 0; i < e->count; i++) {
        if (strcmp(e->entry[i].r->id, id) == 0)
            return &e->entry[i];
    }
    return NULL;
}

static void show(struct engine *e)
{
    for (size_t i = 0; i < e->count; i++)
        e->shown[i] = e->entry[i].r;
}

static int load(struct engine *e, struct entry *entry, const char *id, struct err *err)
{
    struct rollout *r = store_rollout_load(e->cfg.store, id, err);
    if (!r)
        return -1;
    if (store_rollout_release(e->cfg.store, id, entry->release_jws, sizeof(entry->release_jws),
                              err)) {
        rollout_free(r);
        return -1;
    }
    zones_fill(r, e->cfg.log);
    rollout_free(entry->r);
    entry->r = r;
    entry->reload = false;
    entry->unheard = true;
    return 0;
}

/* On fleet/rollouts/<id>, retained; an empty body takes it away. */
static void publish_short_state(struct engine *e, const char *id, const char *text)
{
    char topic[PROTO_TOPIC_MAX];

    if (e->leads && e->broker_up &&
        topic_format(topic, sizeof(topic), e->cfg.profile->root, id, TOPIC_ROLLOUT, NULL) > 0)
        e->cfg.publish(e->cfg.ctx, topic, text, strlen(text), true);
}

static void forget_short_state(struct engine *e, const char *id)
{
    publish_short_state(e, id, "");
}

/* Room at the front (newest first); the oldest that is over makes way. NULL when 64 are alive. */
static struct entry *make_room(struct engine *e)
{
    if (e->count == ROLLOUTS_MAX) {
        size_t i = e->count;
        while (i > 0 && !rollout_is_closed(e->entry[i - 1].r))
            i--;
        if (i == 0)
            return NULL;
        forget_short_state(e, e->entry[i - 1].r->id);
        rollout_free(e->entry[i - 1].r);
        memmove(&e->entry[i - 1], &e->entry[i], (e->count - i) * sizeof(e->entry[0]));
        e->count--;
    }
    memmove(&e->entry[1], &e->entry[0], e->count * sizeof(e->entry[0]));
    memset(&e->entry[0], 0, sizeof(e->entry[0]));
    return &e->entry[0];
}

static struct entry *add(struct engine *e, const char *id, struct err *err)
{
    struct entry *entry = make_room(e);
    if (!entry) {
        err_set(err, EXIT_REFUSED, "%d rollouts are alive: end one first", ROLLOUTS_MAX);
        return NULL;
    }
    if (load(e, entry, id, err)) {
        memmove(&e->entry[0], &e->entry[1], e->count * sizeof(e->entry[0]));
        return NULL;
    }
    e->count++;
    show(e);
    return entry;
}

static void forget_all(struct engine *e)
{
    for (size_t i = 0; i < e->count; i++)
        rollout_free(e->entry[i].r);
    e->count = 0;
}

static int load_all(struct engine *e, struct err *err)
{
    struct store_rollout_row *row = mem_array(ROLLOUTS_MAX, sizeof(*row));
    int n = store_rollout_list(e->cfg.store, row, ROLLOUTS_MAX, err);

    forget_all(e);
    dispatch_forget(&e->dispatch);
    for (int i = n - 1; i >= 0; i--) { /* add() puts the newest in front */
        if (!add(e, row[i].id, err)) {
            n = -1;
            break;
        }
    }
    free(row);
    return n < 0 ? -1 : 0;
}

/* ---- the reducer's loop
 * ------------------------------------------------------------------------------------ */

static void say_notes(const struct engine *e, const struct rollout *r,
                      const struct rollout_effects *fx)
{
    for (uint32_t i = 0; i < fx->note_count; i++)
        log_say(e->cfg.log, fx->note[i].bad ? LOG_WARN : LOG_INFO, "%s: %s", r->id,
                fx->note[i].text);
}

/* Journal first. On failure the memory is ahead of the disk, so it is thrown away and read again.
 */
static int commit(struct engine *e, struct entry *entry, int64_t now_ms)
{
    struct dispatch_signing signing = { &e->cfg, now_ms };
    struct err err;
    uint32_t floor = (uint32_t)(now_ms / 1000 - EPOCH_2020);

    if (store_commit(e->cfg.store, entry->r, &e->fx, dispatch_sign, &signing, floor, &err) == 0) {
        e->trouble[0] = '\0';
        return 0;
    }
    text_copy(e->trouble, sizeof(e->trouble), err.text);
    log_say(e->cfg.log, LOG_ERROR, "%s holds: %s", entry->r->id, err.text);
    entry->reload = true;
    e->retry_ms = now_ms + RETRY_MS;
    return -1;
}

static bool fx_is_empty(const struct rollout_effects *fx)
{
    return !fx->send_count && !fx->save_count && !fx->save_head && !fx->note_count && !fx->act_id;
}

static void step(struct engine *e, struct entry *entry, const struct rollout_event *event)
{
    struct rollout_event ev = *event;

    if (!e->leads || entry->reload)
        return;
    do {
        rollout_step(entry->r, &ev, &e->fx);
        if (!fx_is_empty(&e->fx) && commit(e, entry, ev.now_ms))
            return;
        /* Without a broker the reducer asks again when it is back. */
        for (uint32_t i = 0; e->broker_up && i < e->fx.send_count; i++)
            dispatch_send(&e->dispatch, entry->r, entry->release_jws, &e->fx.send[i]);
        say_notes(e, entry->r, &e->fx);
        ev = (struct rollout_event){ .kind = ROLLOUT_EV_TICK, .now_ms = event->now_ms };
    } while (e->fx.more);
}

/* A rollout that came from the journal has no idea who is online: the broker is told up, and the
 * caller repeats what it knows. */
static void wake(struct engine *e, struct entry *entry, int64_t now_ms)
{
    struct rollout_event up = { .kind = ROLLOUT_EV_BROKER_UP, .now_ms = now_ms };

    if (!e->broker_up || !e->leads)
        return;
    entry->unheard = false;
    step(e, entry, &up);
    e->cfg.replay(e->cfg.ctx, entry->r);
}

/* ---- the clock
 * ------------------------------------------------------------------------------------------ */

/* A laptop that slept, a process that was stopped, a clock that was set forward: nobody listened in
 * between, whatever the link still says. */
static void mind_gap(struct engine *e, int64_t now_ms)
{
    int64_t before_ms = e->clock_ms;

    e->clock_ms = now_ms;
    if (!before_ms || now_ms - before_ms < GAP_MS || !e->broker_up)
        return;
    log_say(e->cfg.log, LOG_WARN, "the clock went on by %lld s at once: not counted as listening",
            (long long)(now_ms - before_ms) / 1000);
    engine_broker(e, false, before_ms);
    engine_broker(e, true, now_ms);
}

/* The clock was set back: what was to come within the next seconds must not wait for it. */
static void mind_set_back(struct engine *e, int64_t now_ms)
{
    int64_t *due[] = { &e->acts_ms, &e->lead_ms, &e->retry_ms, &e->short_ms };

    if (now_ms >= e->clock_ms - GAP_MS)
        return;
    for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++)
        if (*due[i] > now_ms + GAP_MS)
            *due[i] = now_ms;
    for (size_t i = 0; i < e->count; i++)
        if (e->entry[i].late_ms > now_ms + LATE_PERIOD_MS)
            e->entry[i].late_ms = now_ms;
}

static void mind_clock(struct engine *e, int64_t now_ms)
{
    mind_set_back(e, now_ms);
    mind_gap(e, now_ms);
}

/* ---- events from outside
 * ----------------------------------------------------------------------------------- */

void engine_broker(struct engine *e, bool up, int64_t now_ms)
{
    struct rollout_event ev = { .kind = up ? ROLLOUT_EV_BROKER_UP : ROLLOUT_EV_BROKER_DOWN,
                                .now_ms = now_ms };

    e->broker_up = up;
    if (!up)
        dispatch_forget(&e->dispatch); /* unacknowledged: the reducer sends again */
    for (size_t i = 0; i < e->count; i++) {
        if (up && e->entry[i].unheard)
            wake(e, &e->entry[i], now_ms);
        else
            step(e, &e->entry[i], &ev);
    }
}

static void feed(struct engine *e, const char *id, struct rollout_event *ev)
{
    mind_clock(e, ev->now_ms);
    for (size_t i = 0; e->leads && i < e->count; i++) {
        ev->device = rollout_find(e->entry[i].r, id);
        if (ev->device != ROLLOUT_NO_DEVICE)
            step(e, &e->entry[i], ev);
    }
}

void engine_status(struct engine *e, const char *id, const struct device_status *status,
                   int64_t now_ms)
{
    struct rollout_event ev = { .kind = ROLLOUT_EV_STATUS, .now_ms = now_ms, .status = status };
    feed(e, id, &ev);
}

void engine_report(struct engine *e, const char *id, const struct ota_report *report,
                   int64_t now_ms)
{
    struct rollout_event ev = { .kind = ROLLOUT_EV_REPORT, .now_ms = now_ms, .report = report };

    feed(e, id, &ev);
    for (size_t i = 0; !e->leads && i < e->count; i++) {
        uint32_t device = rollout_find(e->entry[i].r, id);
        if (device != ROLLOUT_NO_DEVICE)
            rollout_look(e->entry[i].r, device, report);
    }
}

void engine_message(struct engine *e, const struct topic *topic, const void *body, size_t len,
                    int64_t now_ms)
{
    struct ota_report report;
    struct device_status status;
    struct reply reply;
    struct rollout_event ev = { .kind = ROLLOUT_EV_REPLY, .now_ms = now_ms, .reply = &reply };

    if (e->count == 0)
        return;
    if (topic->kind == TOPIC_REPORT && ota_report_decode(body, len, &report) == 0)
        engine_report(e, topic->id, &report, now_ms);
    else if (topic->kind == TOPIC_STATUS && device_status_decode(body, len, &status) == 0)
        engine_status(e, topic->id, &status, now_ms);
    else if (topic->kind == TOPIC_REPLY && reply_decode(body, len, &reply) == 0)
        feed(e, topic->id, &ev);
}

void engine_published(struct engine *e, int mid, int64_t now_ms)
{
    struct flight f;

    mind_clock(e, now_ms);
    if (!dispatch_acknowledged(&e->dispatch, mid, &f))
        return;
    struct entry *entry = find(e, f.rollout);
    struct rollout_event ev = { .kind = ROLLOUT_EV_PUBLISHED,
                                .now_ms = now_ms,
                                .device = f.device,
                                .wire = f.wire,
                                .attempt = f.attempt };
    if (entry)
        step(e, entry, &ev);
}

/* ---- acts
 * --------------------------------------------------------------------------------------------------
 */

/* Whoever asks is told when he asks, but between that and here another rollout may have begun, and
 * one that stopped weeks ago may be resumed. */
static int check_clash(const struct engine *e, const struct rollout *r, enum rollout_act act,
                       struct err *err)
{
    for (size_t i = 0; i < e->count; i++) {
        const struct rollout *other = e->entry[i].r;
        const char *device = other == r ? NULL : rollout_clash(r, act, other);
        if (device)
            return err_set(err, EXIT_REFUSED,
                           "cannot %s: %s is still in rollout %s: wait for its end, or abort it",
                           rollout_act_word(act), device, other->id);
    }
    return 0;
}

static void take_act(struct engine *e, const struct store_act *act, int64_t now_ms)
{
    struct err err = { .text = "" };
    struct entry *entry = find(e, act->rollout);
    struct rollout_ask ask;

    if (!entry) {
        entry = add(e, act->rollout, &err);
        if (entry)
            wake(e, entry, now_ms);
    }
    if (entry && (rollout_ask_read(act->ask, &ask, &err) != 0 ||
                  check_clash(e, entry->r, act->act, &err) != 0))
        entry = NULL;
    if (!entry) {
        store_act_refuse(e->cfg.store, act->id, err.text, NULL);
        log_say(e->cfg.log, LOG_ERROR, "%s: %s", act->rollout, err.text);
        return;
    }
    struct rollout_event ev = { .kind = ROLLOUT_EV_ACT,
                                .now_ms = now_ms,
                                .act = act->act,
                                .act_id = act->id,
                                .who = act->who,
                                .ask = &ask };
    step(e, entry, &ev);
}

static void take_acts(struct engine *e, int64_t now_ms)
{
    struct store_act act[ACTS_PER_TICK];
    struct err err;

    e->acts_ms = now_ms + ACT_PERIOD_MS;
    int n = store_act_pending(e->cfg.store, act, ACTS_PER_TICK, &err);
    if (n < 0)
        text_copy(e->trouble, sizeof(e->trouble), err.text);
    for (int i = 0; i < n && !e->trouble[0]; i++)
        take_act(e, &act[i], now_ms);
}

/* ---- what others may see, and who joins late
 * --------------------------------------------------------------------------- */

/* One that was over before this process looked is left as its engine left it. */
static void say_short_states(struct engine *e, int64_t now_ms)
{
    char text[SHORT_STATE_BYTES];

    e->short_ms = now_ms + SHORT_PERIOD_MS;
    for (size_t i = 0; i < e->count && e->broker_up; i++) {
        struct entry *entry = &e->entry[i];
        bool old = !entry->short_state[0] && rollout_is_closed(entry->r);
        if (entry->reload || entry->r->state == ROLLOUT_DRAFT || old ||
            !short_state_text(entry->r, text, sizeof(text)) ||
            strcmp(text, entry->short_state) == 0)
            continue;
        text_copy(entry->short_state, sizeof(entry->short_state), text);
        publish_short_state(e, entry->r->id, text);
    }
}

static void look_for_late(struct engine *e, struct entry *entry, int64_t now_ms)
{
    struct plan_candidate *candidate = NULL;
    struct plan_candidate joins[ROLLOUT_JOINS];
    struct release release;

    entry->late_ms = now_ms + LATE_PERIOD_MS;
    if (!late_is_wanted(entry->r) || late_release(entry->release_jws, &release) != 0)
        return;
    uint32_t count =
        e->cfg.candidates(e->cfg.ctx, entry->r->plan.target, entry->r->release.image, &candidate);
    struct rollout_event ev = { .kind = ROLLOUT_EV_JOIN, .now_ms = now_ms, .join = joins };
    ev.join_count = late_pick(entry->r, &release, e->cfg.store, candidate, count, now_ms, joins);
    if (ev.join_count > 0) {
        step(e, entry, &ev);
        zones_fill(entry->r, e->cfg.log);
    }
    if (ev.join_count == ROLLOUT_JOINS)
        entry->late_ms = now_ms;
    free(candidate);
}

static void reload_failed(struct engine *e, int64_t now_ms)
{
    struct err err;
    bool all = true;

    for (size_t i = 0; i < e->count; i++) {
        char id[PROTO_ROLLOUT_MAX];
        if (!e->entry[i].reload)
            continue;
        text_copy(id, sizeof(id), e->entry[i].r->id);
        if (load(e, &e->entry[i], id, &err)) {
            all = false;
            continue;
        }
        show(e);
        wake(e, &e->entry[i], now_ms);
    }
    e->retry_ms = now_ms + RETRY_MS;
    if (all)
        e->trouble[0] = '\0';
}

/* ---- leading and following
 * --------------------------------------------------------------------------------- */

/* Who may only look says who leads, and asks for it as often as others try. */
static void look_for_leader(struct engine *e)
{
    struct err err;
    int rc = store_engine_holder(e->cfg.store, e->holder, sizeof(e->holder), &err);

    if (rc < 0)
        text_copy(e->trouble, sizeof(e->trouble), err.text);
    if (rc != 1)
        text_copy(e->holder, sizeof(e->holder), "nobody: rollouts stand still");
}

static void try_to_lead(struct engine *e, int64_t now_ms)
{
    struct err err;

    e->lead_ms = now_ms + LEAD_PERIOD_MS;
    if (e->cfg.only_follow) {
        look_for_leader(e);
        return;
    }
    int rc = store_engine_lock(e->cfg.store, e->cfg.name, e->holder, sizeof(e->holder), &err);
    if (rc < 0) {
        text_copy(e->trouble, sizeof(e->trouble), err.text);
        text_copy(e->holder, sizeof(e->holder), "nobody: the lock could not be taken");
        return;
    }
    if (rc != 0)
        return;
    e->leads = true;
    e->holder[0] = '\0';
    if (load_all(e, &err)) {
        text_copy(e->trouble, sizeof(e->trouble), err.text);
        log_say(e->cfg.log, LOG_ERROR, "%s", err.text);
    }
    for (size_t i = 0; i < e->count; i++)
        wake(e, &e->entry[i], now_ms);
}

void engine_resign(struct engine *e, int64_t until_ms)
{
    e->leads = false;
    dispatch_forget(&e->dispatch);
    e->lead_ms = until_ms;
    text_copy(e->holder, sizeof(e->holder), "nobody yet: it is being handed over");
    store_engine_unlock(e->cfg.store);
}

void engine_yield(struct engine *e, const char *who, int64_t until_ms)
{
    engine_resign(e, until_ms);
    text_copy(e->holder, sizeof(e->holder), who);
}

void engine_lead_again(struct engine *e, int64_t now_ms)
{
    e->lead_ms = now_ms;
}

static void follow(struct engine *e, int64_t now_ms)
{
    int64_t version;
    struct err err;

    if (now_ms < e->acts_ms)
        return;
    e->acts_ms = now_ms + ACT_PERIOD_MS;
    if (store_data_version(e->cfg.store, &version, &err) || version == e->version)
        return;
    e->version = version;
    load_all(e, &err);
    for (size_t i = 0; i < e->count; i++) {
        if (!rollout_is_over(e->entry[i].r))
            e->cfg.replay(e->cfg.ctx, e->entry[i].r);
    }
}

void engine_tick(struct engine *e, int64_t now_ms)
{
    struct rollout_event ev = { .kind = ROLLOUT_EV_TICK, .now_ms = now_ms };

    mind_clock(e, now_ms);
    if (!e->leads && now_ms >= e->lead_ms)
        try_to_lead(e, now_ms);
    if (!e->leads) {
        follow(e, now_ms);
        for (size_t i = 0; i < e->count; i++)
            rollout_look_clock(e->entry[i].r, now_ms);
        return;
    }
    if (e->trouble[0] && now_ms >= e->retry_ms)
        reload_failed(e, now_ms);
    if (now_ms >= e->acts_ms)
        take_acts(e, now_ms);
    for (size_t i = 0; i < e->count; i++) {
        if (rollout_next_due(e->entry[i].r) <= now_ms)
            step(e, &e->entry[i], &ev);
        if (now_ms >= e->entry[i].late_ms && e->broker_up)
            look_for_late(e, &e->entry[i], now_ms);
    }
    if (now_ms >= e->short_ms)
        say_short_states(e, now_ms);
}

void engine_nudge(struct engine *e)
{
    e->acts_ms = 0;
}

struct engine *engine_new(const struct engine_config *config, int64_t now_ms, struct err *err)
{
    struct engine *e = mem_alloc(sizeof(*e));
    e->cfg = *config;
    e->dispatch.cfg = &e->cfg;
    try_to_lead(e, now_ms);
    if (!e->leads && load_all(e, err)) {
        engine_free(e);
        return NULL;
    }
    return e;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    forget_all(e);
    dispatch_free(&e->dispatch);
    free(e);
}

const char *engine_leader(const struct engine *e)
{
    return e->leads ? NULL : e->holder;
}

const struct rollout *const *engine_rollouts(const struct engine *e, size_t *count)
{
    *count = e->count;
    return e->shown;
}

const struct rollout *engine_find(const struct engine *e, const char *id)
{
    for (size_t i = 0; i < e->count; i++) {
        if (strcmp(e->entry[i].r->id, id) == 0)
            return e->entry[i].r;
    }
    return NULL;
}

bool engine_is_busy(const struct engine *e)
{
    for (size_t i = 0; i < e->count; i++) {
        if (!rollout_is_over(e->entry[i].r))
            return true;
    }
    return false;
}

const char *engine_trouble(const struct engine *e)
{
    return e->trouble;
}
