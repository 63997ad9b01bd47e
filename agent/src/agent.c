#include "ota/agent.h"

#include <assert.h>
#include <string.h>

#include "internal.h"

/* ---- the machine ----------------------------------------------------------------------------- */

enum ev {
    EV_TICK,    /* time has passed, or something changed that the state may wait for */
    EV_ORDER,   /* a good order in a->order, with a release in a->release if a->why is NONE */
    EV_ABORT,   /* a good abort order for this rollout */
    EV_BACK,    /* a good rollback order in a->order; `why` says how it was taken */
    EV_SETBACK, /* raised by actions, as the rest: */
    EV_RESTART, /* see enum outcome */
    EV_COMPLETE,
    EV_EXPIRED,
    EV_COUNT
};

/* clang-format off */
/* What is done, and the state that follows when it went well, or else. */
#define ACTION_MAP(X) \
    X(idle,     IDLE,        IDLE)     \
    X(take,     CHECK,       REJECTED) \
    X(back,     INSTALL,     FAILED)   \
    X(schedule, WAIT,        REJECTED) \
    X(there,    DONE,        FAILED)   \
    X(wait,     OPEN,        FAILED)   \
    X(replace,  CHECK,       REJECTED) \
    X(abort,    ABORTED,     ABORTED)  \
    X(pause,    PAUSED,      FAILED)   \
    X(expire,   EXPIRED,     EXPIRED)  \
    X(open,     CONNECT,     FAILED)   \
    X(seal,     VERIFY,      FAILED)   \
    X(connect,  DOWNLOAD,    FAILED)   \
    X(restart,  OPEN,        FAILED)   \
    X(download, DOWNLOAD,    FAILED)   \
    X(resume,   OPEN,        FAILED)   \
    X(verify,   INSTALL,     FAILED)   \
    X(install,  REBOOT,      FAILED)   \
    X(reboot,   REBOOT,      FAILED)   \
    X(trial,    DONE,        REBOOT)   \
    X(give_up,  REBOOT,      REBOOT)   \
    X(returned, ROLLED_BACK, FAILED)
/* clang-format on */

enum action {
    REFUSED,
#define X(name, ok, fail) DO_##name,
    ACTION_MAP(X)
#undef X
};

static action_fn *const actions[] = {
#define X(name, ok, fail) [DO_##name] = act_##name,
    ACTION_MAP(X)
#undef X
};

static const struct {
    uint8_t ok, fail; /* enum ota_state */
} follows[] = {
#define X(name, ok, fail) [DO_##name] = { OTA_##ok, OTA_##fail },
    ACTION_MAP(X)
#undef X
};

/*
 * The whole life of an update. An empty cell is a refused event: nothing changes. Actions never set
 * the state; the table above does. An end is IDLE with a memory: it takes IDLE's row, whose
 * act_idle always stays. Small numbers instead of pointers: a third of the size.
 */
/* clang-format off */
static const uint8_t transitions[OTA_TRIAL + 1][EV_COUNT] = {
    [OTA_IDLE]      = { [EV_TICK] = DO_idle, [EV_ORDER] = DO_take, [EV_BACK] = DO_back },
    [OTA_CHECK]     = { [EV_TICK] = DO_schedule, [EV_COMPLETE] = DO_there },
    [OTA_WAIT]      = { [EV_TICK] = DO_wait, [EV_ORDER] = DO_replace, [EV_ABORT] = DO_abort,
                        [EV_SETBACK] = DO_pause, [EV_EXPIRED] = DO_expire },
    [OTA_OPEN]      = { [EV_TICK] = DO_open, [EV_ORDER] = DO_replace, [EV_ABORT] = DO_abort,
                        [EV_COMPLETE] = DO_seal },
    [OTA_CONNECT]   = { [EV_TICK] = DO_connect, [EV_ORDER] = DO_replace, [EV_ABORT] = DO_abort,
                        [EV_SETBACK] = DO_pause, [EV_RESTART] = DO_restart,
                        [EV_EXPIRED] = DO_expire },
    [OTA_DOWNLOAD]  = { [EV_TICK] = DO_download, [EV_ORDER] = DO_replace, [EV_ABORT] = DO_abort,
                        [EV_SETBACK] = DO_pause, [EV_COMPLETE] = DO_seal,
                        [EV_EXPIRED] = DO_expire },
    [OTA_PAUSED]    = { [EV_TICK] = DO_resume, [EV_ORDER] = DO_replace, [EV_ABORT] = DO_abort,
                        [EV_SETBACK] = DO_pause, [EV_EXPIRED] = DO_expire },
    [OTA_VERIFY]    = { [EV_TICK] = DO_verify, [EV_ORDER] = DO_replace, [EV_ABORT] = DO_abort,
                        [EV_RESTART] = DO_restart },
    [OTA_INSTALL]   = { [EV_TICK] = DO_install, [EV_ORDER] = DO_replace, [EV_ABORT] = DO_abort,
                        [EV_SETBACK] = DO_pause, [EV_EXPIRED] = DO_expire },

    /* The switch is made: no order changes that any more. */
    [OTA_REBOOT]    = { [EV_TICK] = DO_reboot },
    [OTA_TRIAL]     = { [EV_TICK] = DO_trial, [EV_BACK] = DO_give_up,
                        [EV_COMPLETE] = DO_returned },
};
/* clang-format on */

/* ---- entering and leaving -------------------------------------------------------------------- */

static bool holds_http(enum ota_state state)
{
    return state == OTA_CONNECT || state == OTA_DOWNLOAD;
}

static bool holds_slot(enum ota_state state)
{
    return holds_http(state) || state == OTA_OPEN || state == OTA_VERIFY || state == OTA_INSTALL;
}

/* A restart goes from zero: the slot is opened anew. */
static void leave(struct ota_agent *a, enum ota_state next)
{
    if (a->http_is_open && !holds_http(next)) {
        a->port->http_close(a->port->ctx);
        a->http_is_open = false;
    }
    if (a->slot_is_open && (!holds_slot(next) || next == OTA_OPEN)) {
        a->port->slot_close(a->port->ctx);
        a->slot_is_open = false;
    }
}

void save_end(struct ota_agent *a)
{
    a->job_unsaved = job_save(a) != REASON_NONE;
    a->wake_ms = a->job_unsaved ? later(a->now.mono_ms, 10) : NEVER;
}

static void keep_end(struct ota_agent *a)
{
    a->job.phase = PHASE_ENDED;
    a->job.end = (uint8_t)a->state;
    a->job.flags &= (uint8_t) ~(JOB_ACKED | JOB_UNFIT);
    save_end(a);
}

static void enter(struct ota_agent *a, enum ota_state next)
{
    enum ota_state old = a->state;

    leave(a, next);
    a->state = next;
    if (next != OTA_PAUSED) /* there the pause says when */
        wake_in(a, 0);
    if (next != old)
        a->since_ms = a->now.mono_ms;
    if (is_end(next))
        keep_end(a);
    if (report_state(next) != report_state(old) || is_end(next)) {
        a->first_n = 0;
        a->own_n = 0;
        a->heard = false;
        a->unsaid = true;
        if (a->broker)
            say_state(a);
    }
}

static enum ev raised_by(enum outcome out)
{
    switch (out) {
    case OUT_SETBACK:
        return EV_SETBACK;
    case OUT_RESTART:
        return EV_RESTART;
    case OUT_COMPLETE:
        return EV_COMPLETE;
    case OUT_EXPIRED:
        return EV_EXPIRED;
    case OUT_OK:
    case OUT_FAIL:
    case OUT_STAY:
        break;
    }
    return EV_COUNT;
}

/* False when the event is refused in this state. */
static bool dispatch(struct ota_agent *a, enum ev ev)
{
    /* An event leads to at most an order, its check, and one raised event. */
    for (int hops = 0; hops < 4; hops++) {
        enum action action = (enum action)transitions[is_end(a->state) ? OTA_IDLE : a->state][ev];
        if (action == REFUSED)
            return false;
        enum outcome out = actions[action](a);
        if (out == OUT_STAY)
            return true;
        if (out == OUT_OK || out == OUT_FAIL) {
            enter(a, (enum ota_state)(out == OUT_OK ? follows[action].ok : follows[action].fail));
            if (a->state != OTA_CHECK)
                return true;
            ev = EV_TICK; /* CHECK is momentary */
            continue;
        }
        ev = raised_by(out);
    }
    return true;
}

/* ---- commands -------------------------------------------------------------------------------- */

/* Is it the order that was answered last? The head of its digest is enough. */
static bool was_told(const struct ota_agent *a, const uint8_t digest[PROTO_SHA256_LEN])
{
    return memcmp(a->told_digest, digest, sizeof(a->told_digest)) == 0;
}

static void note_told(struct ota_agent *a, const uint8_t digest[PROTO_SHA256_LEN],
                      enum reason reason)
{
    memcpy(a->told_digest, digest, sizeof(a->told_digest));
    a->told_reason = (uint16_t)reason;
}

/* Say no, once per order: a retained one comes again with every connection. */
static enum reason refuse(struct ota_agent *a, enum reason reason, bool authentic,
                          const uint8_t digest[PROTO_SHA256_LEN])
{
    const struct order *o = &a->order;

    if (was_told(a, digest) && a->told_reason == (uint16_t)reason)
        return reason;
    bool told = say_once(a, OTA_REPORT_REJECTED, reason, authentic ? o->rollout : "",
                         authentic ? o->attempt : 0, "");
    if (told)
        note_told(a, digest, reason);
    /* The retained report must go on to tell of the update under way. */
    if (ota_agent_is_active(a))
        a->unsaid = true;
    return reason;
}

/* The checks of the order by itself; refused, or *known: one that was answered before. */
static enum reason take_order(struct ota_agent *a, const struct ota_command *cmd,
                              uint8_t digest[PROTO_SHA256_LEN], bool *known)
{
    bool authentic = false;

    memset(digest, 0, PROTO_SHA256_LEN);
    *known = false;
    enum reason r = order_digest(a, cmd, digest);
    if (r == REASON_NONE) {
        *known = true;
        if (order_is_known(a, digest))
            return REASON_NONE;
        if (cmd->verb == VERB_ABORT && was_told(a, digest))
            return (enum reason)a->told_reason; /* QoS 1 delivers twice at times */
        *known = false;
        r = check_order(a, cmd, &authentic);
    }
    return r == REASON_NONE ? r : refuse(a, r, authentic, digest);
}

static enum reason take_update(struct ota_agent *a, const struct ota_command *cmd)
{
    uint8_t digest[PROTO_SHA256_LEN];
    bool known;

    enum reason r = take_order(a, cmd, digest, &known);
    if (r != REASON_NONE || known)
        return r;
    if (a->on_probation || a->state == OTA_REBOOT || a->state == OTA_TRIAL)
        return refuse(a, REASON_BUSY, true, digest);
    r = check_release(a, cmd);
    if (r == REASON_NONE)
        r = ask(a, OTA_GATE_ACCEPT);
    if (r == REASON_DEFERRED) /* may come in; when it may start is asked again */
        r = REASON_NONE;
    if (r != REASON_NONE && ota_agent_is_active(a))
        return refuse(a, r, true, digest);
    copy_digest(a->job.order_digest, digest);
    a->why = (uint16_t)r;
    dispatch(a, EV_ORDER);
    return a->state == OTA_REJECTED ? (enum reason)a->job.reason : REASON_NONE;
}

/* The abort is genuine: what there is to stop? */
static enum reason stop(struct ota_agent *a)
{
    bool ours = a->job.phase != PHASE_NONE && strcmp(a->job.rollout, a->order.rollout) == 0;

    if (!ours) {
        (void)say_once(a, OTA_REPORT_ABORTED, REASON_NO_ROLLOUT, a->order.rollout, 0,
                       "not known here");
        a->unsaid = a->unsaid || ota_agent_is_active(a);
        return REASON_NO_ROLLOUT;
    }
    if (dispatch(a, EV_ABORT))
        return REASON_NONE;
    if (is_end(a->state)) {
        a->unsaid = true; /* told again, so that the operator hears how it ended */
        return a->state == OTA_DONE || a->state == OTA_ROLLED_BACK ? REASON_TOO_LATE : REASON_NONE;
    }
    (void)say_once(a, report_state(a->state), REASON_TOO_LATE, a->job.rollout, a->job.attempt,
                   "the switch is made");
    return REASON_TOO_LATE;
}

enum reason order_use_up(struct ota_agent *a)
{
    uint32_t *seq = &a->counters.order_seq[verb_class(a->order.verb)];
    uint32_t before = *seq;

    *seq = a->order.seq;
    enum reason r = counters_save(a);
    if (r != REASON_NONE)
        *seq = before;
    return r;
}

static enum reason take_abort(struct ota_agent *a, const struct ota_command *cmd)
{
    uint8_t digest[PROTO_SHA256_LEN];
    bool known;

    enum reason r = take_order(a, cmd, digest, &known);
    if (r != REASON_NONE || known)
        return r;
    /* Counted last: a cut between the two brings the order again, to be heard again. The other way
     * round it would come back as a replay, and what it was to stop would go on. That it might be
     * heard twice, should the counter not reach flash, does no harm. */
    r = stop(a);
    (void)order_use_up(a);
    note_told(a, digest, r);
    return r;
}

static enum reason take_command(struct ota_agent *a, const struct ota_command *cmd)
{
    if (cmd->verb == VERB_UPDATE)
        return take_update(a, cmd);
    if (cmd->verb == VERB_ABORT)
        return take_abort(a, cmd);
    return REASON_UNSUPPORTED;
}

/* What may be done twice: better than to be lost, and called a replay, if power goes in between. */
static bool is_counted_after(enum verb verb)
{
    return verb == VERB_CONFIG || verb == VERB_ROLLBACK || verb == VERB_RENEW;
}

enum reason ota_agent_check_order(struct ota_agent *a, const struct ota_event *ev,
                                  const struct order **out)
{
    uint8_t digest[PROTO_SHA256_LEN];
    const struct ota_command *cmd = &ev->command;
    bool authentic;

    *out = NULL;
    if (!a->booted || cmd->verb == VERB_UPDATE || cmd->verb == VERB_ABORT)
        return REASON_UNSUPPORTED;
    a->now = ev->now;
    /* Blinking a lamp does no harm, and the person with the screwdriver has no key. */
    if (cmd->verb == VERB_IDENTIFY && order_digest(a, cmd, digest) != REASON_NONE) {
        memset(&a->order, 0, sizeof(a->order));
        a->order.verb = VERB_IDENTIFY;
        *out = &a->order;
        return REASON_NONE;
    }
    enum reason r = check_order(a, cmd, &authentic);
    if (r == REASON_NONE && !is_counted_after(cmd->verb))
        r = order_use_up(a);
    if (r == REASON_NONE)
        *out = &a->order;
    return r;
}

enum reason ota_agent_count_order(struct ota_agent *a)
{
    return is_counted_after(a->order.verb) ? order_use_up(a) : REASON_UNSUPPORTED;
}

enum reason ota_agent_rollback(struct ota_agent *a)
{
    if (!a->booted || a->order.verb != VERB_ROLLBACK)
        return REASON_UNSUPPORTED;
    a->why = REASON_NONE;
    enum reason r = dispatch(a, EV_BACK) ? (enum reason)a->why : REASON_BUSY;
    a->why = REASON_NONE;
    (void)order_use_up(a); /* not kept, it comes again and finds itself done */
    return r;
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool wants_telling(const struct ota_agent *a)
{
    return a->state != OTA_IDLE && !(is_end(a->state) && (a->job.flags & JOB_ACKED));
}

static enum reason on_boot(struct ota_agent *a, const struct ota_boot *boot)
{
    copy_digest(a->image, boot->image);
    copy_text(a->version, sizeof(a->version), boot->version);
    copy_text(a->boot_id, sizeof(a->boot_id), boot->boot_id);
    a->factory_seq = boot->factory_seq;
    a->on_probation = boot->on_probation;
    a->boot_ms = a->now.mono_ms;
    a->since_ms = a->now.mono_ms;
    a->spent_ms = a->now.mono_ms;
    a->booted = true;

    enum reason r = records_load(a);
    a->records_bad = r != REASON_NONE;
    heal_counters(a);
    bool switched = a->job.phase == PHASE_SWITCHING || a->job.phase == PHASE_TRIAL;
    boot_resolve(a, boot);
    if (is_end(a->state) && a->job.phase != PHASE_ENDED)
        keep_end(a);
    a->unsaid = wants_telling(a);
    /* At once: it may not live to see a tick. */
    if (!switched && crashed_too_often(a, boot->reset)) {
        dispatch(a, EV_TICK);
        dispatch(a, EV_TICK);
    }
    return r;
}

static void on_broker(struct ota_agent *a, bool up)
{
    a->broker = up;
    if (!up)
        return;
    a->network = true;
    settle_net_lost(a);
    a->unsaid = wants_telling(a);
    if (a->unsaid)
        say_state(a);
    dispatch(a, EV_TICK);
}

static enum reason on_acked(struct ota_agent *a, uint32_t n)
{
    if (a->own_n == 0 || n < a->first_n || n > a->own_n)
        return REASON_NONE; /* of a state that has passed */
    a->heard = true;
    if (a->state >= OTA_REBOOT) /* the states that wait for it */
        dispatch(a, EV_TICK);
    return REASON_NONE;
}

static enum reason on_self_test(struct ota_agent *a, const struct ota_self_test *test)
{
    if (a->state != OTA_TRIAL)
        return REASON_UNSUPPORTED;
    a->unsaid = a->unsaid || !a->self_tested;
    a->self_tested = test->ok;
    a->test_failed = !test->ok;
    if (a->test_failed && !(a->job.flags & JOB_LOOPED))
        set_detail(a, test->detail);
    dispatch(a, EV_TICK);
    return REASON_NONE;
}

static enum reason take_event(struct ota_agent *a, const struct ota_event *ev)
{
    switch (ev->kind) {
    case OTA_EV_BOOT:
        return on_boot(a, &ev->boot);
    case OTA_EV_TICK:
        if (is_past(a, calm_at_ms(a))) {
            a->counters.crashes = 0;
            (void)counters_save(a); /* lost, the next counters on flash take it along */
        }
        dispatch(a, EV_TICK);
        return REASON_NONE;
    case OTA_EV_COMMAND:
        return take_command(a, &ev->command);
    case OTA_EV_NETWORK_UP:
    case OTA_EV_NETWORK_DOWN:
        a->network = ev->kind == OTA_EV_NETWORK_UP;
        a->broker = a->broker && a->network;
        dispatch(a, EV_TICK);
        return REASON_NONE;
    case OTA_EV_BROKER_UP:
    case OTA_EV_BROKER_DOWN:
        on_broker(a, ev->kind == OTA_EV_BROKER_UP);
        return REASON_NONE;
    case OTA_EV_REPORT_ACKED:
        return on_acked(a, ev->acked_n);
    case OTA_EV_SELF_TEST:
        return on_self_test(a, &ev->self_test);
    case OTA_EV_COUNT:
        break;
    }
    return REASON_UNSUPPORTED;
}

enum reason ota_agent_handle(struct ota_agent *a, const struct ota_event *ev)
{
    if (a->booted == (ev->kind == OTA_EV_BOOT))
        return REASON_UNSUPPORTED; /* BOOT comes first, and once */
    a->now = ev->now;
    enum reason r = take_event(a, ev);
    if (a->unsaid && a->broker)
        say_state(a);
    return r;
}

/* ---- around it ------------------------------------------------------------------------------- */

void agent_begin(struct ota_agent *a, const struct ota_port *p, const struct ota_config *cfg)
{
    memset(a, 0, sizeof(*a));
    a->port = p;
    a->cfg = cfg;
    a->wake_ms = NEVER;
}

void ota_agent_init(struct ota_agent *a, const struct ota_port *p, const struct ota_config *cfg)
{
    assert(p->crypto && p->slot_open && p->slot_write && p->slot_read && p->image_check);
    assert(p->other_image);
    assert(p->slot_close && p->boot_switch && p->mark_valid && p->rollback && p->reboot);
    assert(p->record_get && p->record_put && p->http_open && p->http_answer && p->http_read);
    assert(p->http_close && p->sha_begin && p->sha_add && p->sha_end && p->random);
    assert(p->report && p->may_proceed);
    assert(cfg->id && cfg->product && cfg->hw && cfg->keyset);
    agent_begin(a, p, cfg);
}

uint32_t ota_agent_wants(const struct ota_agent *a, uint64_t mono_ms)
{
    uint64_t at = a->wake_ms, calm = calm_at_ms(a);

    if (!a->booted)
        return UINT32_MAX;
    if (a->unsaid && a->broker && at > a->now.mono_ms + MS)
        at = a->now.mono_ms + MS; /* the port could not take the report: ask again */
    if (calm < at)
        at = calm;
    if (at == NEVER)
        return UINT32_MAX;
    if (at <= mono_ms)
        return 0;
    return at - mono_ms < UINT32_MAX ? (uint32_t)(at - mono_ms) : UINT32_MAX - 1;
}

enum ota_state ota_agent_state(const struct ota_agent *a)
{
    return a->state;
}

bool ota_agent_on_trial(const struct ota_agent *a)
{
    return a->state == OTA_TRIAL && a->on_probation;
}

bool ota_agent_is_active(const struct ota_agent *a)
{
    return a->state != OTA_IDLE && !is_end(a->state);
}

uint32_t ota_agent_release_seq(const struct ota_agent *a)
{
    if (a->counters.release_seq == 0 && !a->on_probation)
        return a->factory_seq;
    if (runs(a, a->counters.image))
        return a->counters.release_seq;
    /* Gone back: the floor stays where it was. */
    return runs(a, a->counters.prev_image) ? a->counters.prev_seq : 0;
}

uint32_t ota_agent_security(const struct ota_agent *a)
{
    return a->counters.security;
}
