#include "internal.h"

#include <string.h>

#include "protocol/slot.h"

/* From an order that passed its checks to the moment its jitter is over; and the ends before that.
 */

/* ---- time ------------------------------------------------------------------------------------ */

uint32_t job_delay_s(const struct ota_agent *a)
{
    uint64_t v = slot_value(a->port->crypto, a->job.rollout, a->cfg->id);
    return slot_delay(a->job.jitter, v);
}

uint64_t job_start_s(const struct ota_agent *a)
{
    if (a->job.receipt == 0)
        return 0;
    uint64_t base = a->job.nbf > a->job.receipt ? a->job.nbf : a->job.receipt;
    return base + job_delay_s(a);
}

bool job_is_expired(const struct ota_agent *a)
{
    return a->now.trusted && a->job.exp != 0 && a->now.unix_s > a->job.exp;
}

/* ---- CHECK ----------------------------------------------------------------------------------- */

static void fill_job(struct ota_agent *a)
{
    struct ota_job *j = &a->job;
    const struct order *o = &a->order;
    uint8_t digest[PROTO_SHA256_LEN];

    copy_digest(digest, j->order_digest);
    memset(j, 0, sizeof(*j));
    copy_digest(j->order_digest, digest);
    copy_text(j->rollout, sizeof(j->rollout), o->rollout);
    copy_text(j->url, sizeof(j->url), o->url);
    copy_text(j->from, sizeof(j->from), a->version);
    j->order_seq = o->seq;
    j->attempt = o->attempt;
    j->jitter = o->jitter;
    j->trial = o->trial;
    j->nbf = o->nbf;
    j->exp = o->exp;
    j->receipt = a->now.trusted ? a->now.unix_s : 0;
    copy_digest(j->from_image, a->image);
    j->from_seq = ota_agent_release_seq(a);
    memcpy(j->signed_by, a->signed_by, sizeof(j->signed_by));
}

static void fill_job_release(struct ota_agent *a)
{
    struct ota_job *j = &a->job;
    const struct release *r = &a->release;

    copy_text(j->to, sizeof(j->to), r->version);
    copy_digest(j->sha256, r->sha256);
    j->size = r->size;
    j->release_seq = r->seq;
    j->security = r->security;
}

/* An order that is what it should be, with a release that can't be taken. */
static enum outcome reject(struct ota_agent *a, enum reason why)
{
    /* These pass: the same order may be tried again. */
    if (why == REASON_BUSY || why == REASON_LOW_BATTERY)
        memset(a->job.order_digest, 0, sizeof(a->job.order_digest));
    return fail(a, why);
}

enum outcome act_take(struct ota_agent *a)
{
    fill_job(a);
    if (a->why != REASON_NONE)
        return reject(a, (enum reason)a->why);
    fill_job_release(a);
    a->job.phase = PHASE_WAITING;
    a->moment_ms = 0;
    a->progress.spent_s = 0;
    a->saved_spent_s = 0;
    a->setbacks = 0;
    a->refusals = 0;
    a->restarts = 0;
    return OUT_OK;
}

/* The operator's latest word counts; what the old download has got is kept if it is the same image.
 */
enum outcome act_replace(struct ota_agent *a)
{
    (void)say_once(a, OTA_REPORT_ABORTED, REASON_ABORTED_BY_OPERATOR, a->job.rollout,
                   a->job.attempt, "replaced by a newer order");
    return act_take(a);
}

/*
 * The job first, then the counter: with the counter alone on flash the order would look like a
 * replay when it is delivered again.
 */
enum outcome act_schedule(struct ota_agent *a)
{
    bool there = runs(a, a->job.sha256);

    if (job_save(a) != REASON_NONE || order_use_up(a) != REASON_NONE) {
        memset(a->job.order_digest, 0, sizeof(a->job.order_digest));
        return fail(a, REASON_RECORD_IO);
    }
    return there ? OUT_COMPLETE : OUT_OK;
}

/* ---- WAIT ------------------------------------------------------------------------------------ */

/* The clock has become right since the order came: now its receipt has a date. */
static void date_receipt(struct ota_agent *a)
{
    uint32_t passed = (uint32_t)(a->now.mono_ms - a->since_ms) / MS;
    a->job.receipt = a->now.unix_s > passed ? a->now.unix_s - passed : 1;
    (void)job_save(a); /* kept in memory at least */
    a->unsaid = true;
}

/*
 * Starts are agreed on in whole seconds. Within its second each device has a moment of its own, by
 * the rest of the same number: those whose orders came together would else begin together, once a
 * second, and the peak of downloads be a fifth higher than it need be (bench/peak).
 */
static uint64_t moment(struct ota_agent *a, uint64_t left_s)
{
    uint64_t v = slot_value(a->port->crypto, a->job.rollout, a->cfg->id);
    uint64_t at = a->now.mono_ms + left_s * MS + slot_fraction_ms(a->job.jitter, v);
    bool clock_was_set = at + 2 * MS - a->moment_ms > 4 * MS; /* two seconds off, either way */

    if (a->moment_ms == 0 || clock_was_set)
        a->moment_ms = at;
    return a->moment_ms;
}

/* Over for more than its second when we first look: power was gone, or the order came late. */
static uint64_t wait_over_ms(struct ota_agent *a)
{
    uint64_t start, now = a->now.unix_s;

    if (!a->now.trusted)
        return later(a->since_ms, job_delay_s(a));
    start = job_start_s(a);
    if (now > start && a->moment_ms == 0)
        return 0;
    return moment(a, start > now ? start - now : 0);
}

enum outcome act_wait(struct ota_agent *a)
{
    if (a->now.trusted && a->job.receipt == 0)
        date_receipt(a);
    if (job_is_expired(a))
        return OUT_EXPIRED;
    uint64_t over = wait_over_ms(a);
    if (!is_past(a, over)) {
        /* Not for longer than a minute: the clock may be set in between. */
        uint64_t minute = later(a->now.mono_ms, 60);
        a->wake_ms = over < minute ? over : minute;
        return OUT_STAY;
    }
    a->spent_ms = a->now.mono_ms;
    return ask_or_hold(a, OTA_GATE_DOWNLOAD);
}

/* ---- a pause ----------------------------------------------------------------------------------
 */

/* Full jitter: anything from nothing to the whole back-off, which doubles each time. */
static uint32_t backoff_ms(struct ota_agent *a)
{
    uint32_t limit = or_default(a->cfg->backoff_max_s, 900) * MS;
    uint32_t span = or_default(a->cfg->backoff_ms, 1000);
    for (uint32_t i = 0; i < a->setbacks && span < limit; i++)
        span *= 2;
    if (span > limit)
        span = limit;
    if (a->setbacks < 30)
        a->setbacks++;
    return a->port->random(a->port->ctx) % (span + 1);
}

enum outcome setback(struct ota_agent *a, enum reason reason)
{
    return hold(a, reason, backoff_ms(a));
}

/* ---- ends ------------------------------------------------------------------------------------ */

enum outcome act_abort(struct ota_agent *a)
{
    a->job.reason = REASON_ABORTED_BY_OPERATOR;
    return OUT_OK;
}

enum outcome act_expire(struct ota_agent *a)
{
    a->job.reason = REASON_EXPIRED;
    return OUT_OK;
}

/* The end is kept until it is on flash, and told until the broker has it. */
enum outcome act_idle(struct ota_agent *a)
{
    if (a->heard && !(a->job.flags & JOB_ACKED)) {
        a->job.flags |= JOB_ACKED;
        a->job_unsaved = true;
    }
    if (a->job_unsaved)
        save_end(a);
    else
        a->wake_ms = NEVER;
    return OUT_STAY;
}
