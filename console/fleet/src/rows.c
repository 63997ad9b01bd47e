/* What may be asked of alerts, silences, rollouts and releases. */
#include "fleet/rows.h"

#include <string.h>

#include "alert.h"
#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { READINGS = 8 };

static const char *const no_yes[] = { "no", "yes", NULL };

static void span(struct filter_cell *c, int64_t from_ms, int64_t to_ms)
{
    c->none = !from_ms || !to_ms;
    c->number = (double)(to_ms - from_ms) / 1000;
}

/* ---- alerts ---------------------------------------------------------------------------------- */

static const char *const alert_states[] = { "cleared", "muted", "seen", "firing", NULL };
static const char *const severities[] = { "info", "warn", "crit", NULL };

enum alert_field {
    ALERT_F_DEVICE,
    ALERT_F_ID,
    ALERT_F_RULE,
    ALERT_F_STATE,
    ALERT_F_SEVERITY,
    ALERT_F_READING,
    ALERT_F_TEXT,
    ALERT_F_AGE,
    ALERT_F_SINCE,
    ALERT_F_MUTED,
    ALERT_F_ACKNOWLEDGED,
    ALERT_F_BY
};
static const struct filter_field alert_fields[] = {
    [ALERT_F_DEVICE] = { "device", FILTER_TEXT, true, NULL },
    [ALERT_F_ID] = { "id", FILTER_TEXT, false, NULL },
    [ALERT_F_RULE] = { "rule", FILTER_TEXT, true, NULL },
    [ALERT_F_STATE] = { "state", FILTER_LEVEL, false, alert_states },
    [ALERT_F_SEVERITY] = { "severity", FILTER_LEVEL, false, severities },
    [ALERT_F_READING] = { "reading", FILTER_TEXT, false, NULL },
    [ALERT_F_TEXT] = { "text", FILTER_TEXT, true, NULL },
    [ALERT_F_AGE] = { "age", FILTER_SPAN, false, NULL },
    [ALERT_F_SINCE] = { "since", FILTER_SPAN, false, NULL },
    [ALERT_F_MUTED] = { "muted", FILTER_LEVEL, false, no_yes },
    [ALERT_F_ACKNOWLEDGED] = { "acknowledged", FILTER_LEVEL, false, no_yes },
    [ALERT_F_BY] = { "by", FILTER_TEXT, false, NULL },
};

static int alert_state(const struct alert_row *r)
{
    return r->cleared_ms ? 0 : r->muted ? 1 : r->acked ? 2 : 3;
}

static void alert_cell(const void *row, size_t field, int64_t now_ms, struct filter_cell *c)
{
    const struct alert_row *r = row;

    switch ((enum alert_field)field) {
    case ALERT_F_DEVICE:
    case ALERT_F_ID:
        c->text = r->subject;
        break;
    case ALERT_F_RULE:
        c->text = r->rule;
        break;
    case ALERT_F_STATE:
        c->number = alert_state(r);
        break;
    case ALERT_F_SEVERITY:
        c->number = r->level;
        break;
    case ALERT_F_READING:
        c->text = r->readings;
        c->none = !*c->text;
        break;
    case ALERT_F_TEXT:
        c->text = r->text;
        break;
    case ALERT_F_AGE:
        span(c, r->fired_ms, r->cleared_ms ? r->cleared_ms : now_ms);
        break;
    case ALERT_F_SINCE:
        span(c, r->since_ms, now_ms);
        break;
    case ALERT_F_MUTED:
        c->number = r->muted;
        break;
    case ALERT_F_ACKNOWLEDGED:
        c->number = r->acked;
        break;
    case ALERT_F_BY:
        c->text = r->by;
        c->none = !r->acked;
        break;
    }
}

static uint32_t alert_device(const void *row)
{
    return ((const struct alert_row *)row)->device;
}

const struct filter_rows alert_rows = { alert_fields, COUNT(alert_fields), alert_device,
                                        alert_cell };

void alert_rule_readings(const struct alerts *a, uint32_t rule, char out[ALERT_READINGS_MAX])
{
    struct filter_limit limit[READINGS];
    size_t n = rule < a->rule_count && a->rule[rule].when
                   ? filter_limits(a->rule[rule].when, a->fleet, limit, READINGS)
                   : 0;
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < n; i++)
        if (text_format(out + used, ALERT_READINGS_MAX - used, "%s%s", i ? " " : "",
                        fleet_reading(a->fleet, limit[i].reading)->name))
            used += strlen(out + used);
}

void alert_row_of(const struct alerts *a, const struct alert *alert, struct alert_row *out)
{
    const struct alert_rule *rule = alerts_rule(a, alert->rule);

    *out = (struct alert_row){ .rule = rule ? rule->name : "",
                               .subject = alert->id,
                               .text = alert->text,
                               .device = alert->device,
                               .level = alert->level,
                               .since_ms = alert->since_ms,
                               .fired_ms = alert->fired_ms,
                               .cleared_ms = alert->cleared_ms,
                               .acked = alert->acked,
                               .muted = alert->silenced && !alert->cleared_ms,
                               .by = alert->ack_who };
    alert_rule_readings(a, alert->rule, out->readings);
}

/* ---- silences -------------------------------------------------------------------------------- */

enum silence_field {
    SILENCE_F_ID,
    SILENCE_F_RULE,
    SILENCE_F_TARGET,
    SILENCE_F_WHO,
    SILENCE_F_REASON,
    SILENCE_F_UNTIL,
    SILENCE_F_MUTES
};
static const struct filter_field silence_fields[] = {
    [SILENCE_F_ID] = { "id", FILTER_NUMBER, false, NULL },
    [SILENCE_F_RULE] = { "rule", FILTER_TEXT, true, NULL },
    [SILENCE_F_TARGET] = { "target", FILTER_TEXT, true, NULL },
    [SILENCE_F_WHO] = { "who", FILTER_TEXT, true, NULL },
    [SILENCE_F_REASON] = { "reason", FILTER_TEXT, true, NULL },
    [SILENCE_F_UNTIL] = { "until", FILTER_SPAN, false, NULL },
    [SILENCE_F_MUTES] = { "mutes", FILTER_NUMBER, false, NULL },
};

static void silence_cell(const void *row, size_t field, int64_t now_ms, struct filter_cell *c)
{
    const struct silence_row *r = row;
    const struct alert_silence *s = r->silence;

    switch ((enum silence_field)field) {
    case SILENCE_F_ID:
        c->number = (double)s->id;
        break;
    case SILENCE_F_RULE:
        c->text = s->rule[0] ? s->rule : "any";
        break;
    case SILENCE_F_TARGET:
        c->text = s->target[0] ? s->target : "all";
        break;
    case SILENCE_F_WHO:
        c->text = s->who;
        break;
    case SILENCE_F_REASON:
        c->text = s->reason;
        break;
    case SILENCE_F_UNTIL:
        span(c, now_ms, s->until_ms);
        break;
    case SILENCE_F_MUTES:
        c->number = r->mutes;
        break;
    }
}

const struct filter_rows silence_rows = { silence_fields, COUNT(silence_fields), NULL,
                                          silence_cell };

/* ---- rollouts -------------------------------------------------------------------------------- */

enum rollout_field {
    ROLLOUT_F_ID,
    ROLLOUT_F_STATE,
    ROLLOUT_F_PRODUCT,
    ROLLOUT_F_VERSION,
    ROLLOUT_F_TARGET,
    ROLLOUT_F_WHO,
    ROLLOUT_F_WHY,
    ROLLOUT_F_DEVICES,
    ROLLOUT_F_DONE,
    ROLLOUT_F_FAILED,
    ROLLOUT_F_RATE,
    ROLLOUT_F_STAGE,
    ROLLOUT_F_SINCE,
    ROLLOUT_F_ENDED,
    ROLLOUT_F_OVER
};
static const struct filter_field rollout_fields[] = {
    [ROLLOUT_F_ID] = { "id", FILTER_TEXT, true, NULL },
    [ROLLOUT_F_STATE] = { "state", FILTER_TEXT, true, NULL },
    [ROLLOUT_F_PRODUCT] = { "product", FILTER_TEXT, true, NULL },
    [ROLLOUT_F_VERSION] = { "version", FILTER_VERSION, true, NULL },
    [ROLLOUT_F_TARGET] = { "target", FILTER_TEXT, true, NULL },
    [ROLLOUT_F_WHO] = { "who", FILTER_TEXT, true, NULL },
    [ROLLOUT_F_WHY] = { "why", FILTER_TEXT, true, NULL },
    [ROLLOUT_F_DEVICES] = { "devices", FILTER_NUMBER, false, NULL },
    [ROLLOUT_F_DONE] = { "done", FILTER_NUMBER, false, NULL },
    [ROLLOUT_F_FAILED] = { "failed", FILTER_NUMBER, false, NULL },
    [ROLLOUT_F_RATE] = { "rate", FILTER_NUMBER, false, NULL },
    [ROLLOUT_F_STAGE] = { "stage", FILTER_NUMBER, false, NULL },
    [ROLLOUT_F_SINCE] = { "since", FILTER_SPAN, false, NULL },
    [ROLLOUT_F_ENDED] = { "ended", FILTER_SPAN, false, NULL },
    [ROLLOUT_F_OVER] = { "over", FILTER_LEVEL, false, no_yes },
};

static void rollout_text(const struct rollout_row *r, enum rollout_field field,
                         struct filter_cell *c)
{
    const char *const text[] = {
        [ROLLOUT_F_ID] = r->id,           [ROLLOUT_F_STATE] = r->state,
        [ROLLOUT_F_PRODUCT] = r->product, [ROLLOUT_F_VERSION] = r->version,
        [ROLLOUT_F_TARGET] = r->target,   [ROLLOUT_F_WHO] = r->who,
        [ROLLOUT_F_WHY] = r->why,
    };

    c->text = text[field];
}

static void rollout_cell(const void *row, size_t field, int64_t now_ms, struct filter_cell *c)
{
    const struct rollout_row *r = row;
    uint32_t results = r->done + r->failed;

    switch ((enum rollout_field)field) {
    case ROLLOUT_F_ID:
    case ROLLOUT_F_STATE:
    case ROLLOUT_F_PRODUCT:
    case ROLLOUT_F_VERSION:
    case ROLLOUT_F_TARGET:
    case ROLLOUT_F_WHO:
    case ROLLOUT_F_WHY:
        rollout_text(r, (enum rollout_field)field, c);
        break;
    case ROLLOUT_F_DEVICES:
        c->number = r->devices;
        break;
    case ROLLOUT_F_DONE:
        c->number = r->done;
        break;
    case ROLLOUT_F_FAILED:
        c->number = r->failed;
        break;
    case ROLLOUT_F_RATE:
        c->none = results == 0;
        c->number = results ? 100.0 * r->failed / results : 0;
        c->step = 0.1; /* as it is shown */
        break;
    case ROLLOUT_F_STAGE:
        c->none = r->stage_count == 0;
        c->number = r->stage + 1;
        break;
    case ROLLOUT_F_SINCE:
        span(c, r->started_ms, now_ms);
        break;
    case ROLLOUT_F_ENDED:
        span(c, r->ended_ms, now_ms);
        break;
    case ROLLOUT_F_OVER:
        c->number = r->over;
        break;
    }
}

const struct filter_rows rollout_row_fields = { rollout_fields, COUNT(rollout_fields), NULL,
                                                rollout_cell };

/* ---- releases -------------------------------------------------------------------------------- */

enum release_field {
    RELEASE_F_PRODUCT,
    RELEASE_F_VERSION,
    RELEASE_F_SEQ,
    RELEASE_F_SECURITY,
    RELEASE_F_SIZE,
    RELEASE_F_HW,
    RELEASE_F_IMAGE,
    RELEASE_F_KID,
    RELEASE_F_CREATED
};
static const struct filter_field release_fields[] = {
    [RELEASE_F_PRODUCT] = { "product", FILTER_TEXT, true, NULL },
    [RELEASE_F_VERSION] = { "version", FILTER_VERSION, true, NULL },
    [RELEASE_F_SEQ] = { "seq", FILTER_NUMBER, false, NULL },
    [RELEASE_F_SECURITY] = { "security", FILTER_NUMBER, false, NULL },
    [RELEASE_F_SIZE] = { "size", FILTER_NUMBER, false, NULL },
    [RELEASE_F_HW] = { "hw", FILTER_TEXT, true, NULL },
    [RELEASE_F_IMAGE] = { "image", FILTER_TEXT, false, NULL },
    [RELEASE_F_KID] = { "kid", FILTER_TEXT, false, NULL },
    [RELEASE_F_CREATED] = { "created", FILTER_SPAN, false, NULL },
};

static void release_cell(const void *row, size_t field, int64_t now_ms, struct filter_cell *c)
{
    const struct release_row *r = row;

    switch ((enum release_field)field) {
    case RELEASE_F_PRODUCT:
        c->text = r->product;
        break;
    case RELEASE_F_VERSION:
        c->text = r->version;
        break;
    case RELEASE_F_SEQ:
        c->number = r->seq;
        break;
    case RELEASE_F_SECURITY:
        c->number = r->security;
        break;
    case RELEASE_F_SIZE:
        c->number = r->size;
        break;
    case RELEASE_F_HW:
        c->text = r->hw;
        break;
    case RELEASE_F_IMAGE:
        c->text = r->image;
        break;
    case RELEASE_F_KID:
        c->text = r->kid;
        break;
    case RELEASE_F_CREATED:
        span(c, r->created_ms, now_ms);
        break;
    }
}

const struct filter_rows release_row_fields = { release_fields, COUNT(release_fields), NULL,
                                                release_cell };
