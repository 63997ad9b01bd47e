#include "internal.h"

#include <string.h>

/*
 * What a start finds, and the new image's probation. The image that runs is known by its digest,
 * what flash remembers by the job's phase; the rest follows:
 *
 *   phase          runs the target?  on probation?  other slot    so
 *   SWITCHING,     yes               yes            -             TRIAL
 *     TRIAL
 *   SWITCHING,     yes               no             -             it was found good: commit
 *     TRIAL
 *   SWITCHING      no                no             NONE          the switch never took: do it
 * again SWITCHING      no                no             GIVEN_UP      rolled back before it could
 * write TRIAL          no                no             -             rolled back any other      -
 * yes            -             TRIAL without an order: prove it all the same WAITING        - no -
 * go on ENDED          -                 no             -             keep the end, tell it if need
 * be
 */

void text_add(char *out, size_t cap, const char *text)
{
    size_t len = strlen(out);
    if (len > 0 && len + 1 < cap) {
        out[len++] = ' ';
        out[len] = '\0';
    }
    copy_text(out + len, cap - len, text);
}

/* ---- the trial ------------------------------------------------------------------------------- */

static uint32_t trial_s(const struct ota_agent *a)
{
    return or_default(a->job.trial, or_default(a->cfg->trial_s, 300));
}

static uint64_t trial_over_ms(const struct ota_agent *a)
{
    return later(a->boot_ms, trial_s(a));
}

static uint64_t patience_over_ms(const struct ota_agent *a)
{
    return later(trial_over_ms(a), or_default(a->cfg->trial_grace_s, 180));
}

bool trial_is_proved(const struct ota_agent *a)
{
    /* What was left kept crashing: to live is enough. */
    if (a->job.flags & JOB_LOOPED)
        return true;
    return a->self_tested && a->network && a->broker && a->heard;
}

void trial_steps(const struct ota_agent *a, char *out, size_t cap)
{
    copy_text(out, cap, "proved: boot");
    if (a->self_tested)
        text_add(out, cap, "self-test");
    if (a->network)
        text_add(out, cap, "network");
    if (a->broker)
        text_add(out, cap, "broker");
    if (a->heard)
        text_add(out, cap, "acknowledged");
}

enum outcome unfit(struct ota_agent *a, enum reason reason, const char *detail)
{
    a->job.flags |= JOB_UNFIT;
    a->job.reason = (uint16_t)reason;
    if (detail != a->job.detail)
        set_detail(a, detail);
    a->job.phase = PHASE_TRIAL;
    (void)job_save(a); /* lost, the old image says `reset` instead; going back matters more */
    return OUT_FAIL;
}

/* Which step is missing? */
static enum outcome time_is_up(struct ota_agent *a)
{
    if (!a->self_tested)
        return unfit(a, REASON_TRIAL_TIMEOUT, "self-test did not end");
    if (!a->network)
        return unfit(a, REASON_NO_BROKER, "no network");
    if (!a->broker)
        return unfit(a, REASON_NO_BROKER, "no broker");
    if (!a->heard)
        return unfit(a, REASON_NO_ACK, "report not acknowledged");
    return unfit(a, REASON_TRIAL_TIMEOUT, "could not be marked valid");
}

/* What ran until this update: the image that a rollback may go back to. */
static void note_previous(struct ota_agent *a)
{
    const struct ota_job *j = &a->job;

    if (is_zero_digest(j->from_image) || runs(a, j->from_image))
        return;
    copy_digest(a->counters.prev_image, j->from_image);
    a->counters.prev_seq = j->from_seq;
}

/* The only place that raises the floors. In memory alone if `must`: the next counters on flash take
 * them along, and the next boot makes up for it. */
static enum reason raise_floors(struct ota_agent *a, bool must)
{
    struct ota_counters before = a->counters;
    struct ota_counters *c = &a->counters;

    if (a->job.release_seq > c->release_seq)
        c->release_seq = a->job.release_seq;
    if (a->job.security > c->security)
        c->security = a->job.security;
    copy_digest(c->image, a->image);
    note_previous(a);
    enum reason r = counters_save(a);
    if (r == REASON_NONE || must)
        return REASON_NONE;
    *c = before;
    return r;
}

/* Are the floors of a commit in place? Power may have gone between the two. */
static bool floors_are_raised(const struct ota_agent *a)
{
    const struct ota_counters *c = &a->counters;
    return c->release_seq >= a->job.release_seq && c->security >= a->job.security &&
           runs(a, c->image);
}

static enum outcome commit(struct ota_agent *a)
{
    wake_in(a, MS);
    if (a->on_probation) {
        if (a->port->mark_valid(a->port->ctx) != REASON_NONE)
            return is_past(a, patience_over_ms(a)) ? time_is_up(a) : OUT_STAY;
        a->on_probation = false;
    }
    if (a->job.flags & JOB_BACK)
        return OUT_COMPLETE; /* the floors stay as they are */
    /* From here there is no way back: the image is good. */
    if (raise_floors(a, is_past(a, patience_over_ms(a))) != REASON_NONE)
        return OUT_STAY;
    a->job.reason = REASON_NONE;
    a->job.detail[0] = '\0';
    return OUT_OK;
}

/* The order names the image that runs: done, and its release's numbers count. */
enum outcome act_there(struct ota_agent *a)
{
    if (raise_floors(a, false) != REASON_NONE)
        return fail(a, REASON_RECORD_IO);
    set_detail(a, "was running already");
    return OUT_OK;
}

enum outcome act_trial(struct ota_agent *a)
{
    if (!a->on_probation)
        return commit(a);
    if (a->test_failed && !(a->job.flags & JOB_LOOPED))
        return unfit(a, REASON_SELF_TEST, a->job.detail);
    bool proved = trial_is_proved(a);
    a->wake_ms = proved ? trial_over_ms(a) : patience_over_ms(a);
    if (!is_past(a, a->wake_ms))
        return OUT_STAY;
    return proved ? commit(a) : time_is_up(a);
}

/* A rollback order for the update on trial. */
enum outcome act_give_up(struct ota_agent *a)
{
    if (!a->on_probation || (a->job.flags & JOB_BACK))
        a->why = REASON_BUSY;
    else if (strcmp(a->job.rollout, a->order.rollout) != 0)
        a->why = REASON_NO_ROLLOUT;
    else
        return unfit(a, REASON_ABORTED_BY_OPERATOR, "rolled back by order");
    return OUT_STAY;
}

/* ---- after a rollback ------------------------------------------------------------------------ */

/*
 * The new image found no broker. If the old one needs long as well, the network was down and the
 * image is not to blame.
 */
void settle_net_lost(struct ota_agent *a)
{
    if (a->state != OTA_ROLLED_BACK || !(a->job.flags & JOB_UNSETTLED))
        return;
    a->job.flags &= (uint8_t)~JOB_UNSETTLED;
    if (a->now.mono_ms > later(a->boot_ms, or_default(a->cfg->net_lost_s, 120)))
        a->job.reason = REASON_NET_LOST;
    a->job_unsaved = job_save(a) != REASON_NONE;
}

static enum reason reason_of_reset(enum reset_reason reset)
{
    switch (reset) {
    case RESET_POWERON:
        return REASON_POWER_LOST;
    case RESET_BROWNOUT:
        return REASON_BROWNOUT;
    case RESET_PANIC:
        return REASON_PANIC;
    case RESET_WATCHDOG:
        return REASON_WATCHDOG;
    case RESET_UNKNOWN:
    case RESET_SOFTWARE:
    case RESET_DEEPSLEEP:
    case RESET_COUNT:
        break;
    }
    return REASON_RESET;
}

static void end_rolled_back(struct ota_agent *a, enum reason reason)
{
    struct ota_job *j = &a->job;
    bool reached = j->phase == PHASE_TRIAL;

    if (!(j->flags & JOB_UNFIT)) {
        j->reason = (uint16_t)reason;
        set_detail(a, reached ? "reset while on trial" : "never reached its agent");
    }
    if (j->reason == REASON_NO_BROKER)
        j->flags |= JOB_UNSETTLED;
    a->state = OTA_ROLLED_BACK;
}

/* A fleet that lost power together must not go on together. */
static void pause_after_reset(struct ota_agent *a)
{
    uint32_t span = 8 * or_default(a->cfg->backoff_ms, 1000);

    a->state = OTA_PAUSED;
    wake_in(a, a->port->random(a->port->ctx) % (span + 1));
}

/* The old image runs although the switch was made. Power that goes is not the image's fault: once
 * more. */
static void came_back(struct ota_agent *a, enum reset_reason reset)
{
    struct ota_job *j = &a->job;
    enum reason reason = reason_of_reset(reset);
    bool power = reason == REASON_POWER_LOST || reason == REASON_BROWNOUT;

    bool back = (j->flags & JOB_BACK) != 0;

    if (!power || (j->flags & (JOB_RETRIED | JOB_UNFIT))) {
        back ? back_failed(a, reason) : end_rolled_back(a, reason);
        return;
    }
    j->flags |= JOB_RETRIED;
    if (back) { /* nothing to fetch: it only switches once more, which writes the job */
        a->state = OTA_INSTALL;
        return;
    }
    j->phase = PHASE_WAITING;
    (void)job_save(a); /* not kept: tried a third time, which costs nothing but time */
    a->why = (uint16_t)reason;
    pause_after_reset(a);
}

/* ---- a start --------------------------------------------------------------------------------- */

static void begin_trial(struct ota_agent *a)
{
    a->job.phase = PHASE_TRIAL;
    a->job.starts++;
    a->state = OTA_TRIAL;
    if (!a->on_probation)
        return; /* good already: only the commit is missing */
    (void)job_save(a);
}

/* On probation for the second time although the bootloader should have gone back: do it again, but
 * not for ever. */
static void still_here(struct ota_agent *a, enum reset_reason reset)
{
    struct ota_job *j = &a->job;

    if (!(j->flags & JOB_UNFIT)) {
        j->flags |= JOB_UNFIT;
        j->reason = (uint16_t)reason_of_reset(reset);
        set_detail(a, "reset while on trial");
    }
    j->starts++;
    if (j->starts > STARTS_MAX) {
        j->reason = REASON_ROLLBACK_FAILED;
        a->state = OTA_FAILED;
        return;
    }
    (void)job_save(a);
    a->state = OTA_REBOOT;
}

static void switched(struct ota_agent *a, const struct ota_boot *boot, bool runs_target)
{
    struct ota_job *j = &a->job;

    if (runs_target && a->on_probation && j->starts > 0)
        still_here(a, boot->reset);
    else if (runs_target)
        begin_trial(a);
    else if (j->phase == PHASE_TRIAL || boot->passive == OTA_PASSIVE_GIVEN_UP)
        came_back(a, boot->reset);
    else if (j->flags & JOB_BACK)
        a->state = OTA_INSTALL;
    else
        pause_after_reset(a); /* the switch never took: what is in the slot is checked again */
}

/* On probation, and no word of why: the record is lost, or another tool switched. It must prove
 * itself like any other. */
static void stray_trial(struct ota_agent *a)
{
    struct ota_job *j = &a->job;
    memset(j, 0, sizeof(*j));
    copy_digest(j->sha256, a->image);
    copy_text(j->to, sizeof(j->to), a->version);
    begin_trial(a);
}

/* Nothing to fetch yet: the jitter is still to be waited for. */
static void go_on(struct ota_agent *a)
{
    if (a->job.flags & JOB_BACK)
        a->state = OTA_INSTALL;
    else if (progress_is_ours(a) && a->progress.got > 0)
        pause_after_reset(a);
    else
        a->state = OTA_WAIT;
}

static enum ota_state end_state(const struct ota_job *j)
{
    enum ota_state end = (enum ota_state)j->end; /* flash may hold any number */
    return is_end(end) && end < OTA_STATE_COUNT ? end : OTA_IDLE;
}

static void resolve(struct ota_agent *a, const struct ota_boot *boot)
{
    struct ota_job *j = &a->job;
    bool runs_target = runs(a, j->sha256);
    bool was_switched = j->phase == PHASE_SWITCHING || j->phase == PHASE_TRIAL;

    if (was_switched && (runs_target || !a->on_probation))
        switched(a, boot, runs_target);
    else if (a->on_probation)
        stray_trial(a);
    else if (j->phase == PHASE_WAITING)
        go_on(a);
    else if (j->phase == PHASE_ENDED)
        a->state = end_state(j);
    else
        a->state = OTA_IDLE;
}

void boot_resolve(struct ota_agent *a, const struct ota_boot *boot)
{
    uint32_t *seq = &a->counters.order_seq[VERB_CLASS_UPDATE];

    /* Floors that lag behind (the cut came between two writes) are made good. */
    if (boot->security_floor > a->counters.security)
        a->counters.security = boot->security_floor;
    /* At once on flash, too: the next job may take the place of the one that says so. */
    bool taken = a->job.phase != PHASE_ENDED || a->job.end != OTA_REJECTED;
    if (a->job.phase != PHASE_NONE && taken && a->job.order_seq > *seq) {
        *seq = a->job.order_seq;
        (void)counters_save(a);
    }
    a->n = a->counters.n;
    wake_in(a, 0);
    resolve(a, boot);
    if (a->state == OTA_DONE && runs(a, a->job.sha256) && !floors_are_raised(a))
        (void)raise_floors(a, true);
}
