/*
 * In which state a device is: a function of what is known of it and of the time. Evaluated after
 * each message about it and, for silence, by the ticks.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

enum {
    ALERT_BITS = FLEET_COND_ALERT_WARN | FLEET_COND_ALERT_CRIT,
    CERT_SOON_S = 14 * 86400,
    CRASH_SHOWN_S = 3600,
    SILENT_INTERVALS = 3,
};

static int64_t silence_limit(const struct fleet_device *d)
{
    if (!d->interval_ms)
        return FLEET_STALE_BLIND_MS;
    int64_t limit = (int64_t)d->interval_ms * SILENT_INTERVALS;
    return limit > FLEET_STALE_FLOOR_MS ? limit : FLEET_STALE_FLOOR_MS;
}

/* Nobody is blamed for what was said while the link was down. */
static bool is_silent(const struct fleet *fleet, const struct fleet_device *d)
{
    if (!fleet->link.up)
        return d->state == FLEET_STALE; /* retained pictures come before the link says it is up */
    int64_t up = fleet->link.since_ms;
    if (fleet->vouched_ms && fleet->vouched_ms < up)
        up = fleet->vouched_ms;
    int64_t since = d->last_ms > up ? d->last_ms : up;
    since = since > d->met_ms ? since : d->met_ms;
    return fleet->now_ms - since > silence_limit(d);
}

static bool is_updating(const struct fleet_device *d)
{
    return d->ota && d->ota->state != OTA_REPORT_IDLE &&
           !ota_report_is_end((enum ota_report_state)d->ota->state);
}

/* Away because the update restarts it: not yet news. */
static bool is_restarting(const struct fleet *fleet, const struct fleet_device *d)
{
    if (!is_updating(d) || d->ota->state < OTA_REPORT_INSTALLING)
        return false;
    int64_t since = d->ota->arrived_ms > d->offline_ms ? d->ota->arrived_ms : d->offline_ms;
    return since && fleet->now_ms - since < FLEET_REBOOT_GRACE_MS;
}

static bool update_failed(const struct fleet *fleet, const struct fleet_device *d)
{
    (void)fleet;
    if (!d->ota)
        return false;
    return (d->ota->state == OTA_REPORT_REJECTED || d->ota->state == OTA_REPORT_FAILED ||
            d->ota->state == OTA_REPORT_ROLLED_BACK) &&
           (d->fw != d->ota->to || !d->fw);
}

static uint8_t conditions_of(const struct fleet *fleet, const struct fleet_device *d)
{
    uint64_t now = (uint64_t)(fleet->now_ms / 1000);
    unsigned bits = d->conditions & ALERT_BITS;

    if (update_failed(fleet, d))
        bits |= d->ota->reason == REASON_ROLLBACK_FAILED ? FLEET_COND_ROLLBACK_FAILED
                                                         : FLEET_COND_UPDATE_FAILED;
    if (d->cert_not_after && d->cert_not_after < now)
        bits |= FLEET_COND_CERT_EXPIRED;
    else if (d->cert_not_after && d->cert_not_after < now + CERT_SOON_S)
        bits |= FLEET_COND_CERT_SOON;
    if (d->bad_kinds)
        bits |= FLEET_COND_BAD_MESSAGE;
    if (d->crashed_s && now < (uint64_t)d->crashed_s + CRASH_SHOWN_S)
        bits |= FLEET_COND_CRASHED;
    return (uint8_t)bits;
}

static enum fleet_state state_of(const struct fleet *fleet, const struct fleet_device *d)
{
    if (d->conditions &
        (FLEET_COND_ROLLBACK_FAILED | FLEET_COND_CERT_EXPIRED | FLEET_COND_ALERT_CRIT))
        return FLEET_CRIT;
    bool away = d->has_status && !d->online;
    if (away || is_silent(fleet, d))
        return is_restarting(fleet, d) ? FLEET_UPDATING : away ? FLEET_OFFLINE : FLEET_STALE;
    if (d->conditions)
        return FLEET_WARN;
    return is_updating(d) ? FLEET_UPDATING : FLEET_OK;
}

void fleet_span_text(int64_t ms, char out[16])
{
    long long s = ms > 0 ? (long long)(ms / 1000) : 0;
    if (s > 9999LL * 86400)
        s = 9999LL * 86400;
    if (s < 60)
        snprintf(out, 16, "%llds", s);
    else if (s < 3600)
        snprintf(out, 16, "%lldm%02llds", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, 16, "%lldh%02lldm", s / 3600, s / 60 % 60);
    else
        snprintf(out, 16, "%lldd%lldh", s / 86400, s / 3600 % 24);
}

/* What a person is told when the state changes. Leaving WARN or CRIT says nothing: the cause does.
 */
static void tell(struct fleet *fleet, const struct fleet_device *d, enum fleet_state was,
                 int64_t was_since)
{
    bool was_away = was == FLEET_OFFLINE || was == FLEET_STALE;
    bool is_away = d->state == FLEET_OFFLINE || d->state == FLEET_STALE;
    char text[96], span[16];

    if (is_away) {
        fleet_why(fleet, d, fleet->now_ms, text, sizeof(text));
        fleet_note_add(fleet, d, d->state == FLEET_STALE ? FLEET_NOTE_STALE : FLEET_NOTE_OFFLINE,
                       "%s", text);
    } else if (was_away && was_since) {
        fleet_span_text(fleet->now_ms - was_since, span);
        fleet_note_add(fleet, d, FLEET_NOTE_ONLINE, "back after %s", span);
    } else if (was_away) {
        fleet_note_add(fleet, d, FLEET_NOTE_ONLINE, "back");
    }
}

static void tell_conditions(struct fleet *fleet, struct fleet_device *d, uint8_t began)
{
    uint8_t all = d->conditions;
    char text[96];

    /* Update results have notes of their own. */
    d->conditions = began & (uint8_t) ~(FLEET_COND_UPDATE_FAILED | FLEET_COND_ROLLBACK_FAILED);
    if (d->conditions) {
        enum fleet_state state = (enum fleet_state)d->state;
        d->state = FLEET_WARN; /* so that the text is about the condition */
        fleet_why(fleet, d, fleet->now_ms, text, sizeof(text));
        d->state = (uint8_t)state;
        fleet_note_add(fleet, d, FLEET_NOTE_ALERT, "%s", text);
    }
    d->conditions = all;
}

/* `had`: the conditions before, of which those of alerts may have changed already. */
static void evaluate(struct fleet *fleet, struct fleet_device *d, uint8_t had)
{
    bool first = d->changed == 0;
    enum fleet_state was = (enum fleet_state)d->state;
    int64_t was_since = d->since_ms;

    d->conditions = conditions_of(fleet, d);
    enum fleet_state state = state_of(fleet, d);
    if (state == was && d->conditions == had)
        return;
    if (state != was) {
        fleet->state_count[was]--;
        fleet->state_count[state]++;
        d->state = (uint8_t)state;
        d->since_ms = first ? 0 : fleet->now_ms;
    }
    fleet_mark(fleet, d);
    if (first)
        return; /* that is how it was found: no news */
    if (state != was)
        tell(fleet, d, was, was_since);
    if (d->conditions & (uint8_t)~had)
        tell_conditions(fleet, d, d->conditions & (uint8_t)~had);
}

void fleet_evaluate(struct fleet *fleet, struct fleet_device *d)
{
    evaluate(fleet, d, d->conditions);
}

void fleet_set_alert(struct fleet *fleet, uint32_t device, uint8_t count, bool warn, bool crit,
                     const char *text)
{
    if (!fleet_device(fleet, device)) /* forgotten; the alerts have yet to come by */
        return;
    struct fleet_device *d = fleet_at(fleet, device);
    uint8_t had = d->conditions;
    uint16_t word = count ? fleet_words_add(&fleet->words, text) : 0;
    unsigned bits = (warn ? FLEET_COND_ALERT_WARN : 0) | (crit ? FLEET_COND_ALERT_CRIT : 0);

    if (d->alert_count == count && d->alert_word == word && (had & ALERT_BITS) == bits)
        return;
    d->alert_count = count;
    d->alert_word = word;
    d->conditions = (uint8_t)((had & ~(unsigned)ALERT_BITS) | bits);
    fleet_mark(fleet, d);
    evaluate(fleet, d, had);
}

void fleet_scan(struct fleet *fleet, uint32_t limit)
{
    if (limit > fleet->span)
        limit = fleet->span;
    for (uint32_t i = 0; i < limit; i++) {
        if (fleet->scan_at >= fleet->span)
            fleet->scan_at = 0;
        struct fleet_device *d = fleet_at(fleet, fleet->scan_at++);
        if (d->used)
            fleet_evaluate(fleet, d);
    }
}

int64_t fleet_age_ms(const struct fleet *fleet, const struct fleet_device *d, int64_t now_ms)
{
    if (!d->last_ms)
        return -1;
    if (!fleet->link.up && fleet->link.since_ms && now_ms > fleet->link.since_ms)
        now_ms = fleet->link.since_ms;
    return now_ms > d->last_ms ? now_ms - d->last_ms : 0;
}

double fleet_rate(const struct fleet_device *d, int64_t now_ms)
{
    int64_t minute = now_ms / 60000;
    double into = (double)(now_ms % 60000) / 60000.0;
    if (minute == d->rate_minute)
        return d->rate_before * (1.0 - into) + d->rate_now;
    if (minute == (int64_t)d->rate_minute + 1)
        return d->rate_now * (1.0 - into);
    return 0;
}

double fleet_rate_heard(const struct fleet *fleet, const struct fleet_device *d, int64_t now_ms)
{
    const struct fleet_link *link = fleet_link(fleet);
    int64_t listened = now_ms - link->since_ms, minute = now_ms / 60000;
    if (link->since_ms && (!link->up || listened < 60000))
        return -1;
    if (!link->since_ms || listened >= 120000)
        return fleet_rate(d, now_ms);
    double heard = minute == d->rate_minute                ? d->rate_before + d->rate_now
                   : minute == (int64_t)d->rate_minute + 1 ? d->rate_now
                                                           : 0;
    int64_t before = (minute - 1) * 60000; /* what both counters reach back to */
    return heard * 60000.0 / (double)(now_ms - (before > link->since_ms ? before : link->since_ms));
}

uint32_t fleet_alerts(const struct fleet_device *d)
{
    uint32_t count = d->alert_count;
    for (unsigned bits = d->conditions & ~(unsigned)ALERT_BITS; bits; bits &= bits - 1)
        count++;
    return count;
}

static void why_away(const struct fleet *fleet, const struct fleet_device *d, int64_t now_ms,
                     char *out, size_t cap)
{
    char span[16];
    if (d->state == FLEET_STALE) {
        int64_t age = fleet_age_ms(fleet, d, now_ms);
        if (age < 0) {
            snprintf(out, cap, "not a word since the console looks");
            return;
        }
        fleet_span_text(age, span);
        if (d->interval_ms)
            snprintf(out, cap, "silent for %s, its interval is %us", span,
                     (d->interval_ms + 500) / 1000);
        else
            snprintf(out, cap, "silent for %s", span);
        return;
    }
    if (!d->offline_ms) {
        snprintf(out, cap, "offline");
        return;
    }
    fleet_span_text(now_ms - d->offline_ms, span);
    snprintf(out, cap, "offline for %s", span);
}

static void why_condition(const struct fleet *fleet, const struct fleet_device *d, char *out,
                          size_t cap)
{
    if (d->conditions & FLEET_COND_ALERT_CRIT)
        snprintf(out, cap, "%s", fleet_word(fleet, d->alert_word));
    else if (d->conditions & FLEET_COND_CERT_EXPIRED)
        snprintf(out, cap, "its certificate has expired");
    else if (d->conditions & (FLEET_COND_ROLLBACK_FAILED | FLEET_COND_UPDATE_FAILED))
        snprintf(out, cap, "update %s: %s", ota_report_word((enum ota_report_state)d->ota->state),
                 reason_text((enum reason)d->ota->reason));
    else if (d->conditions & FLEET_COND_BAD_MESSAGE)
        snprintf(out, cap, "its last %s can't be read",
                 d->bad_kinds & BAD_STATUS   ? "status"
                 : d->bad_kinds & BAD_REPORT ? "update report"
                                             : "telemetry");
    else if (d->conditions & FLEET_COND_CRASHED)
        snprintf(out, cap, "restarted by %s", reset_word((enum reset_reason)d->reset));
    else if (d->conditions & FLEET_COND_ALERT_WARN)
        snprintf(out, cap, "%s", fleet_word(fleet, d->alert_word));
    else if (d->conditions & FLEET_COND_CERT_SOON)
        snprintf(out, cap, "its certificate ends within 14 days");
}

static void why_updating(const struct fleet *fleet, const struct fleet_device *d, char *out,
                         size_t cap)
{
    const struct fleet_ota *ota = d->ota;
    const char *word = ota_report_word((enum ota_report_state)ota->state);
    if (ota->state == OTA_REPORT_DOWNLOADING && ota->size)
        snprintf(out, cap, "%s %s, %u %%", word, fleet_word(fleet, ota->to),
                 (unsigned)((uint64_t)ota->got * 100 / ota->size));
    else
        snprintf(out, cap, "%s %s", word, fleet_word(fleet, ota->to));
}

void fleet_why(const struct fleet *fleet, const struct fleet_device *d, int64_t now_ms, char *out,
               size_t cap)
{
    if (cap)
        out[0] = '\0';
    switch ((enum fleet_state)d->state) {
    case FLEET_CRIT:
    case FLEET_WARN:
        why_condition(fleet, d, out, cap);
        break;
    case FLEET_OFFLINE:
    case FLEET_STALE:
        why_away(fleet, d, now_ms, out, cap);
        break;
    case FLEET_UPDATING:
        why_updating(fleet, d, out, cap);
        break;
    case FLEET_OK:
    case FLEET_STATES:
        break;
    }
}
