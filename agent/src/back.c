#include "internal.h"

#include <string.h>

/*
 * Back to the image that ran before the last commit: by an operator's order, or because the one
 * that was found good keeps crashing. It is an update without download: the same switch, the same
 * probation, the same records; only the floors stay, so that the next update must still be newer.
 */

enum { CRASH_LIMIT = 5, CRASH_CALM_S = 600 };

/* Only what has run here and was committed may come back: the other slot may as well hold an image
 * that failed its trial. */
static enum reason way_back(struct ota_agent *a, struct ota_other *o)
{
    const struct ota_counters *c = &a->counters;

    memset(o, 0, sizeof(*o));
    if (is_zero_digest(c->prev_image) || runs(a, c->prev_image))
        return REASON_NO_WAY_BACK;
    enum reason r = a->port->other_image(a->port->ctx, o);
    if (r != REASON_NONE)
        return r;
    if (memcmp(o->sha256, c->prev_image, sizeof(o->sha256)) != 0)
        return REASON_NO_WAY_BACK;
    return o->security < c->security ? REASON_SECURITY_DOWNGRADE : REASON_NONE;
}

/* The digest of the update's order stays: delivered again it is known, and not taken. */
static void fill_back(struct ota_agent *a, const struct ota_other *o, enum reason reason,
                      const char *detail)
{
    struct ota_job *j = &a->job;

    copy_text(j->from, sizeof(j->from), a->version);
    copy_text(j->to, sizeof(j->to), o->version);
    copy_digest(j->sha256, o->sha256);
    j->size = o->size;
    j->release_seq = 0;
    j->security = 0;
    j->jitter = 0;
    j->nbf = 0;
    j->exp = 0;
    j->receipt = 0;
    j->flags = JOB_BACK;
    j->reason = (uint16_t)reason;
    set_detail(a, detail);
}

static enum outcome back_fail(struct ota_agent *a, enum reason reason)
{
    set_detail(a, reason_word(reason));
    return fail(a, REASON_ROLLBACK_FAILED);
}

enum outcome act_back(struct ota_agent *a)
{
    struct ota_other o;
    enum reason r = way_back(a, &o);

    if (r != REASON_NONE) {
        a->why = (uint16_t)r;
        return OUT_STAY;
    }
    if (strcmp(a->job.rollout, a->order.rollout) != 0) {
        copy_text(a->job.rollout, sizeof(a->job.rollout), a->order.rollout);
        a->job.attempt = 0;
    }
    fill_back(a, &o, REASON_ABORTED_BY_OPERATOR, "rolled back by order");
    a->job.phase = PHASE_WAITING;
    return job_save(a) == REASON_NONE ? OUT_OK : back_fail(a, REASON_RECORD_IO);
}

enum outcome back_install(struct ota_agent *a)
{
    struct ota_other o;
    bool looped = (a->job.flags & JOB_LOOPED) != 0;

    if (!looped && ask(a, OTA_GATE_SWITCH) != REASON_NONE) {
        wake_in(a, gate_retry_ms(a));
        return OUT_STAY;
    }
    enum reason r = way_back(a, &o);
    if (r == REASON_NONE)
        r = switch_over(a);
    return r == REASON_NONE ? OUT_OK : back_fail(a, r);
}

/* Its probation is over and its boot record is good: all is as it was before the update. */
enum outcome act_returned(struct ota_agent *a)
{
    (void)a;
    return OUT_OK;
}

void back_failed(struct ota_agent *a, enum reason reason)
{
    struct ota_job *j = &a->job;
    char text[OTA_DETAIL_MAX];
    bool unfit = (j->flags & JOB_UNFIT) != 0;

    copy_text(text, sizeof(text), reason_word(unfit ? (enum reason)j->reason : reason));
    if (unfit)
        text_add(text, sizeof(text), j->detail);
    set_detail(a, text);
    j->reason = REASON_ROLLBACK_FAILED;
    a->state = OTA_FAILED;
}

/* ---- a committed image that loops ------------------------------------------------------------ */

uint64_t calm_at_ms(const struct ota_agent *a)
{
    if (a->counters.crashes == 0)
        return NEVER;
    return later(a->boot_ms, or_default(a->cfg->crash_calm_s, CRASH_CALM_S));
}

/* Once tried in vain is enough: two images that both crash would wear the flash out. */
static bool was_tried(const struct ota_agent *a)
{
    return (a->job.flags & JOB_LOOPED) && a->job.end == OTA_FAILED;
}

static bool leave_for_earlier(struct ota_agent *a, enum reset_reason reset, const char *detail)
{
    struct ota_other o;

    if (way_back(a, &o) != REASON_NONE)
        return false;
    if (!runs(a, a->job.sha256)) {
        a->job.rollout[0] = '\0'; /* what was last ordered is not what crashes */
        a->job.attempt = 0;
    }
    fill_back(a, &o, reset == RESET_PANIC ? REASON_PANIC : REASON_WATCHDOG, detail);
    a->job.flags |= JOB_LOOPED;
    a->counters.crashes = 0;
    a->state = OTA_INSTALL;
    return true;
}

bool crashed_too_often(struct ota_agent *a, enum reset_reason reset)
{
    uint32_t limit = or_default(a->cfg->crash_limit, CRASH_LIMIT);
    uint8_t before = a->counters.crashes;

    if ((reset != RESET_PANIC && reset != RESET_WATCHDOG) || a->on_probation || a->records_bad)
        return false;
    if (before < limit && before < UINT8_MAX)
        a->counters.crashes++;
    bool left = a->counters.crashes >= limit && !ota_agent_is_active(a) && !was_tried(a) &&
                leave_for_earlier(a, reset, "kept crashing after it was found good");
    if (a->counters.crashes != before)
        (void)counters_save(a);
    return left;
}

static enum reason leave_now(struct ota_agent *a, struct ota_event *ev, enum reset_reason reset)
{
    ev->kind = OTA_EV_TICK;
    if (a->state == OTA_TRIAL) /* it was found good, and power went before that was counted */
        (void)ota_agent_handle(a, ev);
    /* An order that waits here would wait for ever. A crash that was the last of a row counted by
     * the agent has led back already. */
    if (a->state != OTA_REBOOT && !a->on_probation &&
        leave_for_earlier(a, reset, "died before its agent came up"))
        (void)ota_agent_handle(a, ev);
    return a->state == OTA_REBOOT ? REASON_NONE : REASON_NO_WAY_BACK;
}

enum reason ota_agent_leave(struct ota_agent *a, const struct ota_port *port,
                            const struct ota_boot *boot)
{
    struct ota_config cfg = { .id = "" }; /* without keys: nothing is ordered here */
    struct ota_event ev = { .kind = OTA_EV_BOOT, .boot = *boot };

    agent_begin(a, port, &cfg);
    enum reason r = ota_agent_handle(a, &ev);
    if (r == REASON_NONE)
        r = leave_now(a, &ev, boot->reset);
    a->cfg = NULL; /* it ends here */
    return r;
}
