#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define NOBODY ROLLOUT_NO_DEVICE

/* Not CHECK(): it must hold in optimised builds too. */
#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "sim: at %lld s, seed %llx: %s\n", (long long)s->now_s,                \
                    (unsigned long long)s->seed, #what);                                           \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define START_S 1790000000

static const char target_image[] =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char old_image[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void fake_sha256(void *ctx, const void *data, size_t len, uint8_t out[PROTO_SHA256_LEN])
{
    const uint8_t *bytes = data;
    uint64_t h = 0;

    (void)ctx;
    for (size_t i = 0; i < len; i++)
        h = mix(h ^ bytes[i]);
    for (size_t i = 0; i < PROTO_SHA256_LEN; i++) {
        if (i % 8 == 0)
            h = mix(h);
        out[i] = (uint8_t)(h >> (8 * (i % 8)));
    }
}

const struct crypto sim_crypto = { .sha256 = fake_sha256 };

uint32_t sim_random(struct sim *s, uint32_t below)
{
    s->seed = mix(s->seed);
    return (uint32_t)((s->seed >> 32) * below >> 32);
}

static bool chance(struct sim *s, uint32_t in)
{
    return s->chaos && sim_random(s, in) == 0;
}

void sim_plan(struct rollout_plan *plan)
{
    plan_defaults(plan);
    plan_set_release(plan, "weather@1.4.0", NULL);
    plan->stage[0] =
        (struct plan_stage){ .name = "canary", .count = 2, .soak_s = 20, .allowed_failure = -1 };
    plan->stage[1] = (struct plan_stage){
        .name = "half", .share_ppm = 500000, .soak_s = 20, .allowed_failure = -1
    };
    plan->stage[2] = (struct plan_stage){
        .name = "rest", .share_ppm = 1000000, .soak_s = 20, .allowed_failure = -1
    };
    plan->stage_count = 3;
    plan->jitter_s = 60;
    plan->trial_s = 30;
    plan->in_flight = 10;
    plan->gate.silence_after_s = 300;
    plan->retry_after_s = 10;
    plan->deadline_s = 86400;
}

struct plan_candidate sim_candidate(const char *id, const char *hw, const char *fw)
{
    return (struct plan_candidate){ .id = id,
                                    .product = "weather",
                                    .hw = hw,
                                    .fw = fw,
                                    .image = old_image,
                                    .boot = "0000000000000001",
                                    .release_seq = 16,
                                    .agent = 1,
                                    .online = true };
}

void sim_init(struct sim *s, const struct rollout_plan *plan, uint32_t count, uint64_t seed)
{
    sim_init_labels(s, plan, count, seed, NULL);
}

/* What people call Berlin needs no file here. */
void sim_zones(struct sim *s)
{
    for (uint32_t i = 0; i < s->r->zone_count; i++) {
        struct zone zone;
        if (strcmp(s->r->zone[i].name, "UTC") == 0)
            zone_utc(&zone);
        else
            CHECK(zone_from_posix(&zone, "CET-1CEST,M3.5.0,M10.5.0/3", NULL) == 0);
        rollout_zone_rules(s->r, i, &zone);
    }
}

void sim_init_fleet(struct sim *s, const struct rollout_plan *plan, const char *id,
                    const struct plan_candidate *candidate, uint32_t count,
                    const struct crypto *crypto, int64_t start_s, uint64_t seed)
{
    struct release release = {
        .product = "weather", .seq = 17, .size = 900000, .hw = { "linux", "linux-b" }, .hw_count = 2
    };
    struct rollout_release facts = { .product = "weather", .size = 900000 };
    struct plan_set set;

    memset(s, 0, sizeof(*s));
    memset(release.sha256, 0xaa, sizeof(release.sha256));
    text_copy(release.version, sizeof(release.version), plan->version);
    text_copy(facts.version, sizeof(facts.version), plan->version);
    text_copy(facts.image, sizeof(facts.image), target_image);
    s->now_s = start_s;
    s->seed = seed;
    s->device = mem_array(count, sizeof(*s->device));
    int rc = plan_resolve(plan, &release, id, crypto, candidate, count, start_s * 1000, &set, NULL);
    CHECK(rc == 0);
    s->r = rollout_new(id, plan, &facts, candidate, &set, start_s * 1000);
    s->count = s->r->count;
    for (uint32_t i = 0; i < s->count; i++)
        s->device[i] = (struct sim_device){ .online = true, .boot = 1 };
    s->download_s = 20;
    s->active = NOBODY;
    s->watch_cap = true;
    sim_zones(s);
    plan_set_free(&set);
}

void sim_init_labels(struct sim *s, const struct rollout_plan *plan, uint32_t count, uint64_t seed,
                     const char *(*label)(uint32_t i))
{
    struct plan_candidate *candidate = mem_array(count, sizeof(*candidate));
    char(*id)[16] = mem_array(count, sizeof(*id));

    for (uint32_t i = 0; i < count; i++) {
        text_format(id[i], sizeof(id[i]), "dev-%07u", i);
        candidate[i] = sim_candidate(id[i], "linux", "1.3.0");
        if (label && label(i)) {
            candidate[i].group[0] = label(i);
            candidate[i].group_count = 1;
        }
    }
    sim_init_fleet(s, plan, "r-1", candidate, count, &sim_crypto, START_S, seed);
    free(candidate);
    free(id);
}

void sim_free(struct sim *s)
{
    rollout_free(s->r);
    free(s->device);
    free(s->unacked);
}

/* --- The engine's shell --- */

static void wake(struct sim *s, uint32_t device)
{
    if (s->device[device].active)
        return;
    s->device[device].active = true;
    s->device[device].next = s->active;
    s->active = device;
}

/* Is the window open for this device, asked anew? */
static bool is_inside(const struct sim *s, uint32_t device)
{
    const struct rollout_zone *z = &s->r->zone[s->r->device[device].zone];

    return s->r->plan.window.days == 0 || window_is_open(&s->r->plan.window, z->rules, s->now_s);
}

static bool is_new_order(const struct sim *s, const struct rollout_send *send)
{
    const struct sim_device *d = &s->device[send->device];

    return send->wire == WIRE_ORDER && send->attempt > d->wire_attempt;
}

/* Counted anew, not taken from the reducer's own counter. */
static uint32_t in_flight(const struct rollout *r)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < r->count; i++)
        count += !r->device[i].silent &&
                 (r->device[i].state == RDEV_ORDERED || r->device[i].state == RDEV_RECALLING);
    return count;
}

/* What nobody may ever see, whatever the fleet does. */
static void check_order(struct sim *s, const struct rollout_send *send)
{
    const struct rollout *r = s->r;

    CHECK(r->state == ROLLOUT_RUNNING || r->state == ROLLOUT_FINISHING);
    CHECK(r->device[send->device].stage <= r->stage);
    CHECK(r->stages[r->device[send->device].stage].state != ROLLOUT_STAGE_WAITING);
    if (s->watch_cap && s->count <= 1000)
        CHECK(in_flight(r) == r->in_flight && r->in_flight <= r->plan.in_flight);
}

static void publish(struct sim *s, const struct rollout_send *send)
{
    struct sim_device *d = &s->device[send->device];

    if (is_new_order(s, send)) {
        check_order(s, send);
        CHECK(is_inside(s, send->device));
        d->exp_s = rollout_order_expires(s->r, &s->r->device[send->device]) / 1000;
        s->stats.orders++;
    } else if (send->wire == WIRE_ROLLBACK)
        s->stats.backs++;
    else if (send->wire == WIRE_ABORT)
        s->stats.aborts++;
    else if (send->wire == WIRE_NOTHING)
        s->stats.clears++;
    else
        s->stats.resends++;
    d->wire = (uint8_t)send->wire;
    d->retained = send->wire == WIRE_ORDER;
    if (send->wire != WIRE_NOTHING) {
        d->wire_attempt = (uint16_t)send->attempt;
        d->unseen = true;
        wake(s, send->device);
    }
}

static void reborn(struct sim *s)
{
    s->deaths++;
    rollout_free(s->r);
    s->r = s->reload(s->ctx);
    CHECK(s->r);
    s->link_up = false;
    s->unacked_count = 0;
}

/* False when the engine died on the way. */
static bool carry_out(struct sim *s)
{
    if (s->commit && s->commit(s->ctx, s->r, &s->fx) != 0)
        return false;
    for (uint32_t i = 0; i < s->fx.send_count; i++) {
        if (s->on_send && s->on_send(s->ctx, &s->fx.send[i]) != 0)
            return false;
        CHECK(s->link_up);
        publish(s, &s->fx.send[i]);
        MEM_PUSH_ROOM(s->unacked, s->unacked_count, s->unacked_cap);
        s->unacked[s->unacked_count++] = s->fx.send[i];
    }
    if (s->r->in_flight > s->stats.most_in_flight)
        s->stats.most_in_flight = s->r->in_flight;
    return true;
}

void sim_event(struct sim *s, struct rollout_event *ev)
{
    struct rollout_event tick = { .kind = ROLLOUT_EV_TICK, .now_ms = s->now_s * 1000 };

    ev->now_ms = tick.now_ms;
    do {
        int64_t before = s->clock_ns ? s->clock_ns() : 0;
        rollout_step(s->r, ev, &s->fx);
        s->stats.step_ns += s->clock_ns ? s->clock_ns() - before : 0;
        s->stats.steps++;
        if (!carry_out(s)) {
            reborn(s);
            return;
        }
        ev = &tick;
    } while (s->fx.more);
}

static void flush_acks(struct sim *s)
{
    uint32_t count = s->unacked_count;
    struct rollout_send *acked = s->unacked;

    s->unacked = NULL;
    s->unacked_count = s->unacked_cap = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct rollout_event ev = { .kind = ROLLOUT_EV_PUBLISHED,
                                    .device = acked[i].device,
                                    .wire = acked[i].wire,
                                    .attempt = acked[i].attempt };
        sim_event(s, &ev);
    }
    free(acked);
}

void sim_ask(struct sim *s, enum rollout_act act, const struct rollout_ask *ask, const char *who)
{
    struct rollout_event ev = {
        .kind = ROLLOUT_EV_ACT, .act = act, .act_id = (int64_t)act + 1, .who = who, .ask = ask
    };
    sim_event(s, &ev);
}

void sim_act(struct sim *s, enum rollout_act act)
{
    sim_ask(s, act, NULL, "test");
}

/* --- What a device says --- */

static void hex16(char out[PROTO_BOOT_MAX], uint32_t boot)
{
    text_format(out, PROTO_BOOT_MAX, "%016x", boot);
}

static void say_status(struct sim *s, uint32_t device)
{
    const struct sim_device *d = &s->device[device];
    struct device_status status = { .online = d->online };
    struct rollout_event ev = { .kind = ROLLOUT_EV_STATUS, .device = device, .status = &status };

    if (!s->link_up)
        return;
    hex16(status.boot, d->boot);
    text_copy(status.image, sizeof(status.image), d->new_image ? target_image : old_image);
    sim_event(s, &ev);
}

static void say_report(struct sim *s, uint32_t device)
{
    const struct sim_device *d = &s->device[device];
    struct ota_report report = { .attempt = d->nothing ? 0 : d->attempt,
                                 .state = (enum ota_report_state)d->ota,
                                 .reason = (enum reason)d->reason,
                                 .n = d->n };
    struct rollout_event ev = { .kind = ROLLOUT_EV_REPORT, .device = device, .report = &report };
    if (report.state == OTA_REPORT_WAITING)
        report.slot = (uint64_t)d->next_s;

    if (!s->link_up || d->n == 0)
        return;
    text_copy(report.rollout, sizeof(report.rollout), s->r->id);
    hex16(report.boot, d->boot);
    sim_event(s, &ev);
    if (s->link_up && chance(s, 8))
        sim_event(s, &ev);            /* QoS 1: at least once */
    if (s->link_up && chance(s, 8)) { /* and one that was long on its way */
        report.n = d->n > 1 ? d->n - 1 : 1;
        report.state = OTA_REPORT_WAITING;
        if (report.n < d->n)
            sim_event(s, &ev);
    }
}

static void report(struct sim *s, uint32_t device, enum ota_report_state state, enum reason reason)
{
    struct sim_device *d = &s->device[device];

    d->ota = (uint8_t)state;
    d->reason = (uint8_t)reason;
    if (d->fate == SIM_DEAD)
        return;
    d->n++;
    if (!chance(s, 6) || ota_report_is_end(state)) /* only the newest is retained */
        say_report(s, device);
}

static void answer(struct sim *s, uint32_t device, enum verb verb, enum reason reason)
{
    struct reply reply = { .verb = verb, .reason = reason, .ok = reason == REASON_NONE };
    struct rollout_event ev = { .kind = ROLLOUT_EV_REPLY, .device = device, .reply = &reply };

    if (s->link_up)
        sim_event(s, &ev);
}

void sim_link(struct sim *s, bool up)
{
    struct rollout_event ev = { .kind = up ? ROLLOUT_EV_BROKER_UP : ROLLOUT_EV_BROKER_DOWN };

    s->link_up = up;
    s->unacked_count = 0;
    sim_event(s, &ev);
    for (uint32_t i = 0; up && i < s->count && s->link_up; i++) {
        say_status(s, i);
        if (s->device[i].fate != SIM_DEAD && s->link_up)
            say_report(s, i);
    }
}

/* --- What a device does --- */

static bool is_busy(const struct sim_device *d)
{
    return d->attempt != 0 && d->ota != OTA_REPORT_IDLE &&
           !ota_report_is_end((enum ota_report_state)d->ota);
}

static void reboot(struct sim *s, uint32_t device)
{
    s->device[device].boot++;
    say_status(s, device);
}

static void take_order(struct sim *s, uint32_t device)
{
    struct sim_device *d = &s->device[device];

    if (d->wire_attempt == d->attempt)
        return; /* the same one again */
    if (is_busy(d) && d->ota >= OTA_REPORT_REBOOTING) {
        d->unseen = true; /* looks again after the trial */
        return;
    }
    d->attempt = d->wire_attempt;
    d->nothing = false;
    if (d->new_image)
        report(s, device, OTA_REPORT_REJECTED, REASON_DOWNGRADE);
    else if (d->fate == SIM_REJECTS)
        report(s, device, OTA_REPORT_REJECTED, REASON_LOW_BATTERY);
    else {
        d->next_s = s->now_s + 1;
        report(s, device, OTA_REPORT_RECEIVED, REASON_NONE);
    }
}

/* As the agent answers: "no such rollout" carries no attempt; and once it has forgotten the digest,
 * an order that comes again is a replay. */
static void say_no_rollout(struct sim *s, uint32_t device)
{
    s->device[device].nothing = true;
    report(s, device, OTA_REPORT_ABORTED, REASON_NO_ROLLOUT);
}

static void take_abort(struct sim *s, uint32_t device)
{
    struct sim_device *d = &s->device[device];
    bool again = d->abort_attempt == d->wire_attempt;

    d->abort_attempt = d->wire_attempt;
    if (again && !is_busy(d) && d->forgot) {
        d->attempt = d->wire_attempt;
        d->nothing = false;
        report(s, device, OTA_REPORT_REJECTED, REASON_REPLAY);
    } else if (again)
        return;
    else if (!is_busy(d) && d->attempt == d->wire_attempt)
        report(s, device, (enum ota_report_state)d->ota, (enum reason)d->reason);
    else if (!is_busy(d))
        say_no_rollout(s, device);
    else if (d->ota >= OTA_REPORT_REBOOTING && device % 2)
        report(s, device, (enum ota_report_state)d->ota, REASON_TOO_LATE);
    else if (d->ota >= OTA_REPORT_REBOOTING)
        answer(s, device, VERB_ABORT, REASON_TOO_LATE);
    else
        report(s, device, OTA_REPORT_ABORTED, REASON_ABORTED_BY_OPERATOR);
}

/* As the agent: what is on trial gives up; what was committed goes back; else there is no way. */
static void take_rollback(struct sim *s, uint32_t device)
{
    struct sim_device *d = &s->device[device];

    if (is_busy(d) && d->ota != OTA_REPORT_TRIAL) {
        answer(s, device, VERB_ROLLBACK, REASON_BUSY);
        return;
    }
    if (!d->new_image) {
        answer(s, device, VERB_ROLLBACK, REASON_NO_WAY_BACK);
        return;
    }
    answer(s, device, VERB_ROLLBACK, REASON_NONE);
    d->new_image = false;
    d->next_s = 0;
    reboot(s, device);
    report(s, device, OTA_REPORT_ROLLED_BACK, REASON_ABORTED_BY_OPERATOR);
}

static void end_trial(struct sim *s, uint32_t device)
{
    struct sim_device *d = &s->device[device];

    if (d->fate == SIM_BAD) {
        d->new_image = false;
        reboot(s, device);
        report(s, device, OTA_REPORT_ROLLED_BACK, REASON_SELF_TEST);
        return;
    }
    report(s, device, OTA_REPORT_DONE, REASON_NONE);
    if (d->fate == SIM_FALLS_BACK)
        d->next_s = s->now_s + 10;
}

static void advance(struct sim *s, uint32_t device)
{
    struct sim_device *d = &s->device[device];

    switch ((enum ota_report_state)d->ota) {
    case OTA_REPORT_RECEIVED:
        d->next_s = s->now_s + sim_random(s, s->r->plan.jitter_s + 1);
        report(s, device, OTA_REPORT_WAITING, REASON_NONE);
        break;
    case OTA_REPORT_WAITING:
        if (d->exp_s != 0 && s->now_s > d->exp_s) {
            report(s, device, OTA_REPORT_EXPIRED, REASON_EXPIRED);
            break;
        }
        CHECK(is_inside(s, device) || s->now_s == d->exp_s);
        d->next_s = s->now_s + s->download_s;
        report(s, device, OTA_REPORT_DOWNLOADING, REASON_NONE);
        break;
    case OTA_REPORT_DOWNLOADING:
        if (d->exp_s != 0 && s->now_s > d->exp_s) {
            report(s, device, OTA_REPORT_EXPIRED, REASON_EXPIRED);
            break;
        }
        if (d->fate == SIM_NET_NEVER || (d->fate == SIM_NET_ONCE && d->tries++ == 0)) {
            report(s, device, OTA_REPORT_FAILED, REASON_CONNECT);
            break;
        }
        d->next_s = s->now_s + 2;
        report(s, device, OTA_REPORT_INSTALLING, REASON_NONE);
        break;
    case OTA_REPORT_INSTALLING:
        d->next_s = s->now_s + 2;
        report(s, device, OTA_REPORT_REBOOTING, REASON_NONE);
        break;
    case OTA_REPORT_REBOOTING:
        d->new_image = true;
        d->next_s = s->now_s + s->r->plan.trial_s;
        reboot(s, device);
        report(s, device, OTA_REPORT_TRIAL, REASON_NONE);
        break;
    case OTA_REPORT_TRIAL:
        end_trial(s, device);
        break;
    case OTA_REPORT_DONE:
        if (d->fate == SIM_FALLS_BACK && d->new_image) {
            d->new_image = false;
            reboot(s, device);
        }
        break;
    case OTA_REPORT_IDLE:
    case OTA_REPORT_PAUSED:
    case OTA_REPORT_VERIFYING:
    case OTA_REPORT_REJECTED:
    case OTA_REPORT_FAILED:
    case OTA_REPORT_ABORTED:
    case OTA_REPORT_EXPIRED:
    case OTA_REPORT_ROLLED_BACK:
    case OTA_REPORT_STATES:
        break;
    }
}

static void live(struct sim *s, uint32_t device)
{
    struct sim_device *d = &s->device[device];

    if (!d->online) {
        if (d->online_s == 0 || s->now_s < d->online_s)
            return;
        d->online = true;
        d->online_s = 0;
        d->forgot = true;
        if (d->retained)
            d->unseen = true;
        else if (chance(s, 3))
            d->unseen = false; /* the broker lost its session */
        reboot(s, device);
        say_report(s, device); /* what the broker never acknowledged */
    }
    if (d->unseen) {
        d->unseen = false;
        if (d->wire == WIRE_ORDER)
            take_order(s, device);
        else if (d->wire == WIRE_ABORT)
            take_abort(s, device);
        else if (d->wire == WIRE_ROLLBACK)
            take_rollback(s, device);
    }
    if (s->now_s >= d->next_s && d->next_s != 0) {
        d->next_s = 0;
        advance(s, device);
    }
    if (chance(s, 400)) { /* power gone for a while */
        d->online = false;
        d->online_s = s->now_s + 5 + sim_random(s, 60);
        say_status(s, device);
    }
}

static bool is_idle(const struct sim_device *d)
{
    return d->next_s == 0 && !d->unseen && d->online_s == 0;
}

static void fleet_second(struct sim *s)
{
    uint32_t device = s->active;

    s->active = NOBODY;
    while (device != NOBODY) {
        uint32_t next = s->device[device].next;

        s->device[device].active = false;
        live(s, device);
        if (!is_idle(&s->device[device]))
            wake(s, device);
        device = next;
    }
}

void sim_wake_all(struct sim *s)
{
    s->active = NOBODY;
    for (uint32_t i = 0; i < s->count; i++) {
        s->device[i].active = false;
        if (!is_idle(&s->device[i]))
            wake(s, i);
    }
}

void sim_second(struct sim *s)
{
    struct rollout_event tick = { .kind = ROLLOUT_EV_TICK };

    s->now_s++;
    if (s->link_up ? chance(s, 900) : sim_random(s, 20) == 0)
        sim_link(s, !s->link_up);
    flush_acks(s);
    fleet_second(s);
    sim_event(s, &tick);
}

bool sim_run(struct sim *s, int64_t limit_s)
{
    int64_t end_s = s->now_s + limit_s;

    while (!rollout_is_over(s->r) && s->now_s < end_s)
        sim_second(s);
    return rollout_is_over(s->r);
}

uint32_t sim_phase(const struct sim *s, enum rollout_phase phase)
{
    uint32_t count[ROLLOUT_PHASES];

    rollout_totals(s->r, count);
    return count[phase];
}
