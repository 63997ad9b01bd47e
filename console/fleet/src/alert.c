/*
 * The alerts' rules at work: devices are gone through in turns, a slice per tick, and each rule's
 * condition moves its entry on.
 */
#include "alert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
    ROUND_TICKS = 10,    /* all devices are looked at in so many ticks: about a second */
    SLICE_MIN = 64,      /* but at least so many a tick */
    ASK_MS = 60000,      /* `registered`, for strangers */
    NO_RATE_MS = 150000, /* a rate is known after two whole minutes */
    LIMITS = 8,
};

/* ---- making one ----------------------------------------------------------------------------- */

static struct filter *compiled(const struct alert_rule *r, const char *key, const char *text,
                               struct err *err)
{
    struct filter_error e;
    struct filter *f = filter_compile(text, &e);

    if (!f)
        err_set(err, EXIT_USAGE, "[alert %s] %s: %s", r->name, key, e.text);
    return f;
}

static int take_rule(struct rule *rule, const struct alert_rule *is, struct err *err)
{
    rule->is = *is;
    alert_rule_text(is, rule->text, sizeof(rule->text));
    if (is->target[0] && !(rule->target = compiled(is, "target", is->target, err)))
        return -1;
    if (is->kind == ALERT_WHEN && !(rule->when = compiled(is, "when", is->when, err)))
        return -1;
    if (is->clear[0] && !(rule->clear = compiled(is, "clear", is->clear, err)))
        return -1;
    rule->uses_time = is->kind != ALERT_WHEN || filter_uses_time(rule->when) ||
                      (rule->clear && filter_uses_time(rule->clear)) ||
                      (rule->target && filter_uses_time(rule->target));
    return 0;
}

struct alerts *alerts_new(struct fleet *fleet, const struct alert_rule *rule, size_t count,
                          alert_registered_fn *registered, void *ctx, struct err *err)
{
    struct alerts *a = mem_alloc(sizeof(*a));

    a->fleet = fleet;
    a->registered = registered;
    a->ctx = ctx;
    a->free_first = NO_ENTRY;
    a->version = 1;
    a->event = mem_array(ALERT_EVENTS, sizeof(*a->event));
    a->past = mem_array(ALERT_PAST, sizeof(*a->past));
    for (size_t i = 0; i < count && a->rule_count < ALERT_RULES; i++)
        if (take_rule(&a->rule[a->rule_count++], &rule[i], err)) {
            alerts_free(a);
            return NULL;
        }
    return a;
}

void alerts_free(struct alerts *a)
{
    if (!a)
        return;
    for (uint32_t i = 0; i < a->rule_count; i++) {
        filter_free(a->rule[i].when);
        filter_free(a->rule[i].clear);
        filter_free(a->rule[i].target);
    }
    for (uint32_t i = 0; i < a->seat_count; i++)
        free(a->seat[i].restarts);
    alert_silences_free(a);
    free(a->seat);
    free(a->entry);
    free(a->chain);
    free(a->event);
    free(a->past);
    free(a->list);
    free(a);
}

/* ---- conditions ----------------------------------------------------------------------------- */

static uint32_t restarts_within(const struct seat *seat, int64_t now_ms, uint32_t within_s)
{
    uint32_t n = 0;

    for (uint32_t i = 0; seat->restarts && i < ALERT_RESTARTS && i < seat->restarts->count; i++)
        n += now_ms - seat->restarts->at_ms[i] <= (int64_t)within_s * 1000;
    return n;
}

static bool rate_is_off(const struct alert_rule *r, const struct fleet_device *d, int64_t now_ms)
{
    double rate = fleet_rate(d, now_ms);

    if (r->above > 0 && rate > r->above)
        return true;
    /* Silence is another rule's business. */
    return r->below > 0 && d->online && now_ms - d->met_ms > NO_RATE_MS && rate < r->below;
}

static bool is_stranger(struct alerts *a, struct seat *seat, const struct fleet_device *d)
{
    if (!a->registered || d->source)
        return false; /* a source's devices are other people's: no certificate of ours is due */
    if (seat->asked_ms && (!seat->stranger || a->now_ms - seat->asked_ms < ASK_MS))
        return seat->stranger;
    seat->asked_ms = a->now_ms;
    seat->stranger = !a->registered(a->ctx, d->id);
    return seat->stranger;
}

/* `was`: it has an entry already. */
static bool holds(struct alerts *a, struct rule *rule, struct seat *seat,
                  const struct fleet_device *d, bool was)
{
    const struct alert_rule *r = &rule->is;

    if (rule->target && !filter_match(rule->target, a->fleet, d, a->now_ms))
        return false;
    switch (r->kind) {
    case ALERT_WHEN:
        if (was && rule->clear)
            return !filter_match(rule->clear, a->fleet, d, a->now_ms);
        return filter_match(rule->when, a->fleet, d, a->now_ms);
    case ALERT_REBOOTS:
        return restarts_within(seat, a->now_ms, r->within_s) > r->count;
    case ALERT_NEW:
        return seat->fresh && !seat->acked_new &&
               a->now_ms - d->met_ms < (int64_t)ALERT_NEW_S * 1000;
    case ALERT_UNKNOWN:
        return is_stranger(a, seat, d);
    case ALERT_RATE:
        return rate_is_off(r, d, a->now_ms);
    case ALERT_ROLLOUT:
    case ALERT_KINDS:
        break;
    }
    return false;
}

/* ---- the life of an entry ------------------------------------------------------------------- */

void alert_show(struct alerts *a, uint32_t device)
{
    const struct alert *firing[ALERT_RULES];
    size_t n = alerts_of(a, device, firing, ALERT_RULES);
    const struct alert *worst = NULL;
    uint8_t count = 0;

    for (size_t i = 0; i < n && i < ALERT_RULES; i++) {
        if (firing[i]->silenced)
            continue;
        count++;
        if (!worst)
            worst = firing[i];
    }
    fleet_set_alert(a->fleet, device, count, worst && worst->level == ALERT_WARN,
                    worst && worst->level == ALERT_CRIT, worst ? a->rule[worst->rule].text : "");
}

/* What was seen, with the values of the readings that the rule names. */
static void describe(struct alerts *a, struct entry *e)
{
    const struct rule *rule = &a->rule[e->alert.rule];
    const struct fleet_device *d = fleet_device(a->fleet, e->alert.device);
    struct filter_limit limit[LIMITS];
    size_t n = rule->when ? filter_limits(rule->when, a->fleet, limit, LIMITS) : 0;
    char *out = e->alert.text;
    size_t cap = sizeof(e->alert.text);
    int len = snprintf(out, cap, "%s", rule->text);

    for (size_t i = 0; i < n && d; i++) {
        const struct fleet_reading *r = fleet_reading(a->fleet, limit[i].reading);
        const struct fleet_value *v = fleet_value(d, limit[i].reading);
        if (v && len > 0 && (size_t)len < cap)
            len +=
                snprintf(out + len, cap - (size_t)len, "%s%s %.*f%s%s", i ? ", " : ": ", r->label,
                         r->decimals, v->value * r->scale, *r->unit ? " " : "", r->unit);
    }
}

static void fire(struct alerts *a, struct entry *e)
{
    e->alert.fired_ms = a->now_ms;
    if (e->alert.device != FLEET_NONE)
        describe(a, e);
    e->alert.silenced = alert_is_silenced(a, &e->alert);
    alert_event_add(a, ALERT_FIRED, &e->alert);
    if (e->alert.device != FLEET_NONE)
        alert_show(a, e->alert.device);
}

static void clear(struct alerts *a, struct entry *e)
{
    uint32_t device = e->alert.device;
    struct alert was = e->alert;

    alert_remove(a, e);
    if (!was.fired_ms)
        return;
    was.cleared_ms = a->now_ms;
    a->past[a->past_total++ % ALERT_PAST] = was;
    alert_event_add(a, ALERT_CLEARED, &was);
    if (device != FLEET_NONE)
        alert_show(a, device);
}

static void move_on(struct alerts *a, uint32_t rule, uint32_t device, const char *id,
                    struct entry *e, bool holding)
{
    const struct alert_rule *r = &a->rule[rule].is;

    if (!e && !holding)
        return;
    if (!e) {
        e = alert_add(a, rule, device, id);
        if (!e)
            return;
        e->alert.since_ms = a->now_ms;
    }
    if (holding) {
        e->alert.gone_ms = 0;
        if (!e->alert.fired_ms && a->now_ms - e->alert.since_ms >= (int64_t)r->for_s * 1000)
            fire(a, e);
        return;
    }
    if (!e->alert.gone_ms)
        e->alert.gone_ms = a->now_ms;
    if (!e->alert.fired_ms || a->now_ms - e->alert.gone_ms >= (int64_t)r->clear_s * 1000)
        clear(a, e);
}

/* ---- devices in turns ----------------------------------------------------------------------- */

static void note_restart(struct seat *seat, int64_t now_ms)
{
    if (!seat->restarts)
        seat->restarts = mem_alloc(sizeof(*seat->restarts));
    seat->restarts->at_ms[seat->restarts->count++ % ALERT_RESTARTS] = now_ms;
    if (seat->restarts->count == 2 * ALERT_RESTARTS)
        seat->restarts->count = ALERT_RESTARTS; /* still full, and never runs over */
}

/* A boot counter counts also those restarts that nobody saw. */
static void follow_boots(struct seat *seat, const struct fleet_device *d, int64_t now_ms)
{
    uint64_t boot = d->boot[0] ? fleet_hash(d->boot, strlen(d->boot)) + UINT64_C(1) : 0;
    uint32_t more = boot && seat->boot && boot != seat->boot ? 1 : 0;

    if (d->boots > seat->boots && seat->boots)
        more = d->boots - seat->boots;
    for (uint32_t i = 0; i < more && i < ALERT_RESTARTS; i++)
        note_restart(seat, now_ms);
    if (boot)
        seat->boot = boot;
    if (d->boots)
        seat->boots = d->boots;
}

static void meet(struct alerts *a, struct seat *seat, const struct fleet_device *d)
{
    seat->met = true;
    seat->fresh = a->first_ready_ms && d->met_ms > a->first_ready_ms && d->last_ms;
}

static void look_at(struct alerts *a, uint32_t device, const struct fleet_device *d)
{
    struct seat *seat = &a->seat[device];
    bool changed = d->changed != seat->changed;

    if (!seat->met)
        meet(a, seat, d);
    if (changed)
        follow_boots(seat, d, a->now_ms);
    for (uint32_t i = 0; i < a->rule_count; i++) {
        struct rule *rule = &a->rule[i];
        bool was = seat->mask & UINT64_C(1) << i;
        if (rule->is.kind == ALERT_ROLLOUT || (!changed && !was && !rule->uses_time))
            continue;
        bool holding = holds(a, rule, seat, d, was);
        if (was || holding)
            move_on(a, i, device, d->id, alert_find(a, i, device, d->id), holding);
    }
    seat->changed = d->changed; /* our own mark is no news */
}

/* It has been forgotten, or another device sits there now. */
static void leave(struct alerts *a, uint32_t device)
{
    for (uint32_t i = 0; i < a->rule_count && a->seat[device].mask; i++) {
        struct entry *e = alert_find(a, i, device, "");
        if (e) {
            struct alert was = e->alert;
            alert_remove(a, e);
            was.cleared_ms = a->now_ms;
            if (was.fired_ms)
                alert_event_add(a, ALERT_CLEARED, &was);
        }
    }
    free(a->seat[device].restarts);
    memset(&a->seat[device], 0, sizeof(a->seat[device]));
}

static void seat_all(struct alerts *a)
{
    uint32_t span = fleet_span(a->fleet);

    if (span <= a->seat_count)
        return;
    uint32_t room = span + span / 2 + SLICE_MIN;
    a->seat = mem_grow(a->seat, room, sizeof(*a->seat));
    memset(a->seat + a->seat_count, 0, (room - a->seat_count) * sizeof(*a->seat));
    a->seat_count = room;
}

static void look_around(struct alerts *a)
{
    uint32_t span = fleet_span(a->fleet);
    uint32_t slice = span / ROUND_TICKS + 1;

    slice = slice > SLICE_MIN ? slice : SLICE_MIN;
    seat_all(a);
    for (uint32_t i = 0; i < slice && i < span; i++) {
        uint32_t device = a->at < span ? a->at : 0;
        const struct fleet_device *d = fleet_device(a->fleet, device);
        if (d)
            look_at(a, device, d);
        else if (a->seat[device].met)
            leave(a, device);
        a->at = device + 1;
    }
}

/* ---- time ----------------------------------------------------------------------------------- */

void alerts_tick(struct alerts *a, int64_t now_ms)
{
    alert_clock(a, now_ms);
    alert_silences_end(a);
    if (alert_hears(a))
        look_around(a);
}

bool alerts_ready(const struct alerts *a)
{
    return a->ready_ms != 0;
}

/* ---- what the caller says ------------------------------------------------------------------- */

static uint32_t rule_named(const struct alerts *a, const char *name)
{
    for (uint32_t i = 0; i < a->rule_count; i++)
        if (strcmp(a->rule[i].is.name, name) == 0)
            return i;
    return ALERT_RULES;
}

const struct alert *alerts_find(const struct alerts *a, const char *rule, const char *id)
{
    uint32_t at = rule_named(a, rule);

    if (at == ALERT_RULES)
        return NULL;
    uint32_t device = a->rule[at].is.kind == ALERT_ROLLOUT ? FLEET_NONE : fleet_find(a->fleet, id);
    if (device == FLEET_NONE && a->rule[at].is.kind != ALERT_ROLLOUT)
        return NULL;
    const struct entry *e = alert_find(a, at, device, id);
    return e && e->alert.fired_ms ? &e->alert : NULL;
}

bool alerts_restore(struct alerts *a, const char *rule, const char *id, int64_t since_ms,
                    int64_t fired_ms, const char *text)
{
    uint32_t at = rule_named(a, rule);
    bool of_rollout = at < ALERT_RULES && a->rule[at].is.kind == ALERT_ROLLOUT;
    uint32_t device = of_rollout ? FLEET_NONE : fleet_find(a->fleet, id);

    if (at == ALERT_RULES || (device == FLEET_NONE && !of_rollout))
        return false;
    seat_all(a);
    if (device != FLEET_NONE && a->rule[at].is.kind == ALERT_NEW)
        a->seat[device].fresh = a->seat[device].met = true;
    struct entry *e = alert_find(a, at, device, id);
    if (e && e->alert.fired_ms && e->alert.fired_ms <= fired_ms)
        return true;
    if (!e)
        e = alert_add(a, at, device, id);
    if (!e)
        return false;
    e->alert.since_ms = since_ms; /* it is older than this process */
    e->alert.fired_ms = fired_ms;
    text_copy(e->alert.text, sizeof(e->alert.text), text);
    e->alert.silenced = alert_is_silenced(a, &e->alert);
    a->version++;
    if (device != FLEET_NONE)
        alert_show(a, device);
    return true;
}

void alerts_rollout(struct alerts *a, const char *id, bool stopped, const char *text,
                    int64_t now_ms)
{
    a->now_ms = now_ms > a->now_ms ? now_ms : a->now_ms;
    for (uint32_t i = 0; i < a->rule_count; i++) {
        if (a->rule[i].is.kind != ALERT_ROLLOUT)
            continue;
        struct entry *e = alert_find(a, i, FLEET_NONE, id);
        if (!e && !stopped)
            continue;
        if (!e && (e = alert_add(a, i, FLEET_NONE, id)) != NULL) {
            e->alert.since_ms = a->now_ms;
            snprintf(e->alert.text, sizeof(e->alert.text), "%s", text);
        }
        if (e)
            move_on(a, i, FLEET_NONE, id, e, stopped);
    }
}

bool alerts_ack(struct alerts *a, const char *rule, const char *id, const char *who, int64_t now_ms)
{
    uint32_t at = rule_named(a, rule);

    if (at == ALERT_RULES)
        return false;
    uint32_t device = a->rule[at].is.kind == ALERT_ROLLOUT ? FLEET_NONE : fleet_find(a->fleet, id);
    struct entry *e = alert_find(a, at, device, id);
    if (!e || !e->alert.fired_ms)
        return false;
    if (e->alert.acked)
        return true;
    e->alert.acked = true;
    e->alert.ack_ms = now_ms;
    if (!text_copy(e->alert.ack_who, sizeof(e->alert.ack_who), who))
        text_copy(e->alert.ack_who, sizeof(e->alert.ack_who), "somebody");
    if (device != FLEET_NONE && a->rule[at].is.kind == ALERT_NEW)
        a->seat[device].acked_new = true;
    a->version++;
    return true;
}

void alerts_say(const struct alerts *a, const struct alert *alert, int64_t now_ms, char *out,
                size_t cap)
{
    const struct rule *rule = &a->rule[alert->rule];
    const struct fleet_device *d = fleet_device(a->fleet, alert->device);
    struct filter_limit limit[LIMITS];
    size_t n = rule->when ? filter_limits(rule->when, a->fleet, limit, LIMITS) : 0;
    char what[ALERT_COND_MAX], values[ALERT_TEXT_MAX] = "", span[32];
    int len = 0;

    for (size_t i = 0; i < n && d; i++) {
        const struct fleet_reading *r = fleet_reading(a->fleet, limit[i].reading);
        const struct fleet_value *v = fleet_value(d, limit[i].reading);
        if (v && (size_t)len < sizeof(values))
            len += snprintf(values + len, sizeof(values) - (size_t)len, "%s%s%s%.*f%s%s",
                            len ? ", " : ": ", n > 1 ? r->label : "", n > 1 ? " " : "", r->decimals,
                            v->value * r->scale, *r->unit ? " " : "", r->unit);
    }
    alert_rule_condition(&rule->is, what, sizeof(what));
    long long minutes = (now_ms - alert->since_ms) / 60000; /* coarse: it stands on a screen */
    long long count = minutes < 60 ? minutes : minutes < 1440 ? minutes / 60 : minutes / 1440;
    snprintf(span, sizeof(span), " for %lld%c", count,
             minutes < 60     ? 'm'
             : minutes < 1440 ? 'h'
                              : 'd');
    text_format(out, cap, "%s%s%s", what, values, minutes > 0 ? span : "");
}

size_t alerts_limits(struct alerts *a, const struct fleet_device *device, uint32_t reading,
                     int64_t now_ms, struct alert_limit *out, size_t cap)
{
    size_t n = 0;

    for (uint32_t i = 0; i < a->rule_count; i++) {
        struct rule *rule = &a->rule[i];
        struct filter_limit limit[LIMITS];
        if (!rule->when || (rule->target && !filter_match(rule->target, a->fleet, device, now_ms)))
            continue;
        size_t found = filter_limits(rule->when, a->fleet, limit, LIMITS);
        for (size_t k = 0; k < found && n < cap; k++)
            if (limit[k].reading == reading)
                out[n++] = (struct alert_limit){ .value = limit[k].value,
                                                 .above = limit[k].above,
                                                 .level = rule->is.level };
    }
    return n;
}
