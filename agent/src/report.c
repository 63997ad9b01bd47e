#include "internal.h"

#include <string.h>

#include "protocol/hex.h"

/* Numbers are taken from flash in lots, so that a report costs no write. */
enum { N_LOT = 64 };

enum ota_report_state report_state(enum ota_state state)
{
    static const uint8_t reports[OTA_STATE_COUNT] = {
#define X(name, report) [OTA_##name] = OTA_REPORT_##report,
        OTA_STATE_MAP(X)
#undef X
    };
    return (enum ota_report_state)reports[state];
}

/* The next number may be used only if flash says that it is taken: it must rise over a reset. */
static bool reserve_n(struct ota_agent *a)
{
    if (a->records_bad)
        return false;
    if (a->n < a->counters.n)
        return true;
    uint32_t before = a->counters.n;
    a->counters.n = a->n + N_LOT;
    if (counters_save(a) == REASON_NONE)
        return true;
    a->counters.n = before;
    return false;
}

/* What every report carries. Uses tmp: after reserve_n(). */
static struct ota_report *new_report(struct ota_agent *a)
{
    struct ota_report *r = &a->tmp.report;
    memset(r, 0, sizeof(*r));
    r->n = a->n + 1;
    r->ts = a->now.trusted ? a->now.unix_s : 0;
    copy_text(r->boot, sizeof(r->boot), a->boot_id);
    hex_encode(a->image, sizeof(a->image), r->image);
    return r;
}

static bool send(struct ota_agent *a)
{
    if (!a->port->report(a->port->ctx, &a->tmp.report))
        return false;
    a->n++;
    a->said_ms = a->now.mono_ms;
    return true;
}

static enum reason reason_now(const struct ota_agent *a)
{
    if (is_end(a->state) || (a->job.flags & JOB_UNFIT))
        return (enum reason)a->job.reason;
    return a->state == OTA_PAUSED ? (enum reason)a->why : REASON_NONE;
}

static void fill_state(struct ota_agent *a, struct ota_report *r)
{
    const struct ota_job *j = &a->job;
    copy_text(r->rollout, sizeof(r->rollout), j->rollout);
    r->attempt = j->attempt;
    r->state = report_state(a->state);
    r->reason = reason_now(a);
    copy_text(r->from, sizeof(r->from), j->from);
    copy_text(r->to, sizeof(r->to), j->to);
    r->size = j->size;
    r->slot = job_start_s(a);
    copy_text(r->detail, sizeof(r->detail), j->detail);
    if (a->state == OTA_TRIAL)
        trial_steps(a, r->detail, sizeof(r->detail));
    if (r->state == OTA_REPORT_DOWNLOADING || r->state == OTA_REPORT_PAUSED)
        r->got = a->slot_is_open ? a->offset - a->fill : a->progress.got;
    else if (a->state >= OTA_VERIFY && a->state <= OTA_ROLLED_BACK)
        r->got = j->size;
}

void say_state(struct ota_agent *a)
{
    a->unsaid = true;
    if (a->state == OTA_IDLE) {
        a->unsaid = false;
        return;
    }
    if (!reserve_n(a))
        return;
    fill_state(a, new_report(a));
    if (!send(a))
        return;
    a->unsaid = false;
    if (a->first_n == 0)
        a->first_n = a->n;
    a->own_n = a->n;
}

bool say_once(struct ota_agent *a, enum ota_report_state state, enum reason reason,
              const char *rollout, uint32_t attempt, const char *detail)
{
    if (!a->broker || !reserve_n(a))
        return false;
    struct ota_report *r = new_report(a);
    r->state = state;
    r->reason = reason;
    r->attempt = attempt;
    copy_text(r->rollout, sizeof(r->rollout), rollout);
    copy_text(r->from, sizeof(r->from), a->version);
    copy_text(r->detail, sizeof(r->detail), detail);
    return send(a);
}
