#include "fixture_rollouts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ossl/crypto.h"
#include "protocol/slot.h"

#define PUMPS 240
#define STEP  5000 /* ms */

static const char new_image[] = "1c9e0d6a52b34f7788aa99bbccddeeff00112233445566778899aabbccddeeff";
static const char old_image[] = "77d1e2f3a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9001122334455";
static const char *const sites[] = { "ams", "ber", "lis", "rtm" };

/* How far a device is with its update. */
struct pump {
    char id[PROTO_ID_MAX];
    enum ota_report_state at;
    int64_t next_ms, download_ms;
    uint32_t n;
    enum reason fate;
    bool silent;
};

static bool rev_b(int i)
{
    return i % 5 == 3;
}

static const char *version_before(int i)
{
    return i % 6 == 1 ? "1.8.0" : "1.8.2";
}

static void say(struct fixture *f, int64_t at_ms, bool retained, const char *id, const char *what,
                const char *body)
{
    char topic[96];
    snprintf(topic, sizeof(topic), "devices/%s/%s", id, what);
    struct fleet_event ev = { .kind = FLEET_EV_MESSAGE,
                              .topic = topic,
                              .body = body,
                              .len = strlen(body),
                              .retained = retained };
    fleet_apply(f->fleet, &ev, at_ms);
}

static void say_status(struct fixture *f, int64_t at_ms, bool retained, int i, const char *id,
                       bool updated)
{
    char body[512];
    snprintf(
        body, sizeof(body),
        "{\"state\":\"online\",\"product\":\"pump\",\"hw\":\"%s\",\"fw\":\"%s\","
        "\"slot\":\"ota_0\",\"image\":\"%s\",\"boot\":\"%016x\",\"boots\":%d,"
        "\"reset\":\"poweron\",\"release_seq\":%d,\"security\":1,\"keyset\":1,"
        "\"cert_not_after\":%lld,\"groups\":[\"site:%s\",\"line-%d\"],\"agent\":1,\"interval\":60}",
        rev_b(i) ? "px200b" : "px200a", updated ? "1.9.0" : version_before(i),
        updated ? new_image : old_image, updated ? 0xbb : 0xaa, updated ? 5 : 4, updated ? 19 : 18,
        (long long)(FIXTURE_NOW_MS / 1000 + 300 * 86400), sites[i % 4], i / 60 + 1);
    say(f, at_ms, retained, id, "status", body);
}

static void say_report(struct fixture *f, int64_t at_ms, int i, const struct ota_report *rep,
                       const char *id)
{
    char body[512];
    snprintf(body, sizeof(body),
             "{\"rollout\":\"%s\",\"attempt\":1,\"state\":\"%s\",\"reason\":\"%s\",\"from\":\"%s\","
             "\"to\":\"1.9.0\",\"got\":%u,\"size\":%u,\"slot\":%lld,\"boot\":\"%s\","
             "\"image\":\"%s\",\"n\":%u,\"ts\":%lld}",
             rep->rollout, ota_report_word(rep->state), reason_word(rep->reason), version_before(i),
             rep->got, rep->size, (long long)rep->slot, rep->boot, rep->image, rep->n,
             (long long)(at_ms / 1000));
    say(f, at_ms, false, id, "ota/report", body);
}

/* ------------------------------------------------------------------------------ one rollout */

struct run {
    struct fixture *f;
    struct rollout *r;
    struct pump pump[PUMPS]; /* in the rollout's order */
    int number[PUMPS];       /* of the fleet */
    bool speaks;             /* its devices' words reach the fleet too */
};

static void step(struct rollout *r, struct rollout_event ev)
{
    struct rollout_effects *fx = mem_alloc(sizeof(*fx));
    rollout_step(r, &ev, fx);
    while (fx->more) {
        struct rollout_event again = { .kind = ROLLOUT_EV_TICK, .now_ms = ev.now_ms };
        rollout_step(r, &again, fx);
    }
    free(fx);
}

static void report(struct run *run, uint32_t at, int64_t now_ms, enum reason reason, uint32_t got)
{
    struct pump *p = &run->pump[at];
    bool good = p->at == OTA_REPORT_DONE;
    struct ota_report rep = { .attempt = 1,
                              .state = p->at,
                              .reason = reason,
                              .got = got,
                              .size = run->r->release.size,
                              .n = ++p->n,
                              .slot = (uint64_t)(p->at == OTA_REPORT_WAITING ? p->next_ms / 1000
                                                                             : now_ms / 1000),
                              .ts = (uint64_t)(now_ms / 1000) };
    text_copy(rep.rollout, sizeof(rep.rollout), run->r->id);
    text_copy(rep.boot, sizeof(rep.boot), good ? "00000000000000bb" : "00000000000000aa");
    text_copy(rep.image, sizeof(rep.image), good ? new_image : old_image);
    step(run->r, (struct rollout_event){
                     .kind = ROLLOUT_EV_REPORT, .now_ms = now_ms, .device = at, .report = &rep });
    if (run->speaks)
        say_report(run->f, now_ms, run->number[at], &rep, p->id);
}

static void told(struct run *run, uint32_t at, int64_t now_ms)
{
    const struct rollout *r = run->r;
    struct pump *p = &run->pump[at];
    uint32_t delay =
        slot_delay(r->plan.jitter_s, slot_value(ossl_crypto(), r->id, r->device[at].id));
    p->at = OTA_REPORT_WAITING;
    p->next_ms = now_ms + (int64_t)delay * 1000;
    p->download_ms = 60000 + run->number[at] % 7 * 12000;
    if (!p->silent)
        report(run, at, now_ms, REASON_NONE, 0);
}

static void confirmed(struct run *run, uint32_t at, int64_t now_ms)
{
    struct device_status s = { .online = true };
    text_copy(s.image, sizeof(s.image), new_image);
    text_copy(s.boot, sizeof(s.boot), "00000000000000bb");
    report(run, at, now_ms, REASON_NONE, run->r->release.size);
    step(run->r, (struct rollout_event){
                     .kind = ROLLOUT_EV_STATUS, .now_ms = now_ms, .device = at, .status = &s });
    if (run->speaks)
        say_status(run->f, now_ms, false, run->number[at], run->pump[at].id, true);
}

/* To the next state of an update, and how long it stays there. */
static void move_on(struct run *run, uint32_t at, int64_t now_ms)
{
    static const struct {
        enum ota_report_state from, to;
        int64_t stays_ms;
    } path[] = {
        { OTA_REPORT_WAITING, OTA_REPORT_DOWNLOADING, 0 },
        { OTA_REPORT_DOWNLOADING, OTA_REPORT_INSTALLING, 15000 },
        { OTA_REPORT_INSTALLING, OTA_REPORT_REBOOTING, 20000 },
        { OTA_REPORT_REBOOTING, OTA_REPORT_TRIAL, 45000 },
        { OTA_REPORT_TRIAL, OTA_REPORT_DONE, INT64_MAX / 2 },
    };
    struct pump *p = &run->pump[at];
    uint32_t size = run->r->release.size;
    size_t i = 0;
    while (i < 5 && path[i].from != p->at)
        i++;
    bool fails = p->fate != REASON_NONE &&
                 (reason_class(p->fate) == REASON_CLASS_FIRMWARE ? p->at == OTA_REPORT_TRIAL
                                                                 : p->at == OTA_REPORT_DOWNLOADING);
    if (i == 5)
        return;
    p->next_ms = now_ms + (path[i].stays_ms ? path[i].stays_ms : p->download_ms);
    p->at = path[i].to;
    if (fails) {
        p->at = reason_class(p->fate) == REASON_CLASS_FIRMWARE ? OTA_REPORT_ROLLED_BACK
                                                               : OTA_REPORT_FAILED;
        report(run, at, now_ms, p->fate, size);
    } else if (p->at == OTA_REPORT_DONE) {
        confirmed(run, at, now_ms);
    } else {
        report(run, at, now_ms, REASON_NONE, p->at == OTA_REPORT_DOWNLOADING ? 0 : size);
    }
}

static void second(struct run *run, int64_t now_ms)
{
    for (uint32_t i = 0; i < run->r->count; i++) {
        struct pump *p = &run->pump[i];
        const struct rollout_device *d = &run->r->device[i];
        if (d->told_ms && p->at == OTA_REPORT_IDLE)
            told(run, i, now_ms);
        else if (p->at == OTA_REPORT_IDLE || p->silent)
            continue;
        else if (now_ms >= p->next_ms)
            move_on(run, i, now_ms);
        else if (p->at == OTA_REPORT_DOWNLOADING && (now_ms / STEP + i) % 3 == 0)
            report(run, i, now_ms, REASON_NONE,
                   (uint32_t)((p->download_ms - (p->next_ms - now_ms)) *
                              (int64_t)run->r->release.size / p->download_ms));
    }
    step(run->r, (struct rollout_event){ .kind = ROLLOUT_EV_TICK, .now_ms = now_ms });
}

/* A careful one: at night only, few of a site at a time, and somebody else must look at it. */
static void guard(struct rollout_plan *plan, bool rest_too)
{
    struct err err;
    plan->stage[1].approval = true;
    plan->stage[2].approval = rest_too;
    plan->four_eyes = true;
    plan->bandwidth = 500000;
    text_copy(plan->per_group.by, sizeof(plan->per_group.by), "site");
    plan->per_group.max = 2;
    window_parse(&plan->window, "01:00", "05:00", "Europe/Berlin", "mon-fri", &err);
}

static void plan_of(struct rollout_plan *plan)
{
    plan_defaults(plan);
    text_copy(plan->product, sizeof(plan->product), "pump");
    text_copy(plan->version, sizeof(plan->version), "1.9.0");
    text_copy(plan->target, sizeof(plan->target), "product:pump fw<1.9.0");
    plan->jitter_s = 300;
    plan->trial_s = 60;
    plan->in_flight = 40;
    plan->max_offline_s = 0;
    plan->gate.allowed_failure = 0.1;
    plan->gate.silence_after_s = 1200;
    plan->stage_count = 4;
    plan->stage[0] = (struct plan_stage){ .name = "canary", .count = 12, .soak_s = 600 };
    plan->stage[1] = (struct plan_stage){ .name = "early", .share_ppm = 150000, .soak_s = 300 };
    plan->stage[2] = (struct plan_stage){ .name = "half", .share_ppm = 500000, .soak_s = 300 };
    plan->stage[3] = (struct plan_stage){ .name = "rest", .share_ppm = 1000000, .soak_s = 300 };
    for (uint32_t i = 0; i < plan->stage_count; i++)
        plan->stage[i].allowed_failure = -1;
}

static void id_of(int i, char out[PROTO_ID_MAX])
{
    snprintf(out, PROTO_ID_MAX, "pump-%s-%04d", sites[i % 4], 1000 + i * 17 % 9000);
}

static struct rollout *make(struct fixture *f, const char *id, const struct rollout_plan *plan,
                            int64_t at_ms)
{
    static char ids[PUMPS][PROTO_ID_MAX], site[4][16];
    struct plan_candidate *c = mem_array(PUMPS, sizeof(*c));
    struct rollout_release what = { .size = 611000, .seq = 19 };
    struct plan_set set;
    struct err err;

    for (int i = 0; i < PUMPS; i++) {
        id_of(i, ids[i]);
        snprintf(site[i % 4], sizeof(site[0]), "site:%s", sites[i % 4]);
        c[i] = (struct plan_candidate){ .id = ids[i],
                                        .product = "pump",
                                        .hw = rev_b(i) ? "px200b" : "px200a",
                                        .fw = version_before(i),
                                        .image = old_image,
                                        .boot = "00000000000000aa",
                                        .release_seq = 18,
                                        .security = 1,
                                        .agent = 1,
                                        .last_seen_ms = at_ms,
                                        .online = true,
                                        .group = { site[i % 4] },
                                        .group_count = 1 };
    }
    if (plan_resolve(plan, &f->release[0].release, id, ossl_crypto(), c, PUMPS, at_ms, &set,
                     &err) != 0) {
        fprintf(stderr, "fixture: %s\n", err.text);
        abort();
    }
    text_copy(what.product, sizeof(what.product), "pump");
    text_copy(what.version, sizeof(what.version), "1.9.0");
    text_copy(what.image, sizeof(what.image), new_image);
    struct rollout *r = rollout_new(id, plan, &what, c, &set, at_ms);
    plan_set_free(&set);
    free(c);
    return r;
}

/* Which device does badly, by its number in the fleet. */
typedef void fate_fn(struct pump *p, int number, uint32_t stage);

/* Good canaries; later some of revision B fail, and few others. */
static void fate_running(struct pump *p, int i, uint32_t stage)
{
    if (stage == 2 && rev_b(i) && i % 3 == 0)
        p->fate = REASON_SELF_TEST;
    else if (stage == 2 && i % 41 == 4)
        p->fate = REASON_HASH_MISMATCH;
    p->silent = stage == 2 && i == 30;
}

static void fate_stopped(struct pump *p, int i, uint32_t stage)
{
    (void)stage;
    if (rev_b(i))
        p->fate = REASON_WATCHDOG;
}

static void fate_good(struct pump *p, int i, uint32_t stage)
{
    (void)p;
    (void)i;
    (void)stage;
}

static void begin(struct run *run, fate_fn *fate, int64_t now_ms)
{
    struct rollout *r = run->r;
    step(r, (struct rollout_event){ .kind = ROLLOUT_EV_BROKER_UP, .now_ms = now_ms });
    for (uint32_t i = 0; i < r->count; i++) {
        struct device_status s = { .online = true };
        char id[PROTO_ID_MAX];
        text_copy(run->pump[i].id, sizeof(run->pump[i].id), r->device[i].id);
        while (id_of(run->number[i], id), strcmp(id, r->device[i].id) != 0)
            run->number[i]++;
        fate(&run->pump[i], run->number[i], r->device[i].stage);
        text_copy(s.image, sizeof(s.image), old_image);
        text_copy(s.boot, sizeof(s.boot), "00000000000000aa");
        step(r, (struct rollout_event){
                    .kind = ROLLOUT_EV_STATUS, .now_ms = now_ms, .device = i, .status = &s });
    }
    step(r, (struct rollout_event){ .kind = ROLLOUT_EV_ACT,
                                    .now_ms = now_ms,
                                    .act = ROLLOUT_ACT_START,
                                    .act_id = 1,
                                    .who = "ada@gw1" });
}

/* `speaks`: the fleet hears it. */
static struct rollout *drive(struct fixture *f, const char *id, fate_fn *fate, int64_t from_ms,
                             int64_t to_ms, bool speaks)
{
    struct run *run = mem_alloc(sizeof(*run));
    struct rollout_plan plan = { 0 };

    plan_of(&plan);
    *run = (struct run){ .f = f, .r = make(f, id, &plan, from_ms), .speaks = speaks };
    begin(run, fate, from_ms);
    for (int64_t t = from_ms + STEP; t <= to_ms; t += STEP)
        second(run, t);
    struct rollout *r = run->r;
    free(run);
    return r;
}

/* From the opening of the window in the night until now; grace approves the second stage late
 * in the night, or never does. */
static struct rollout *drive_guarded(struct fixture *f, const char *id, bool approved)
{
    struct run *run = mem_alloc(sizeof(*run));
    struct rollout_plan plan = { 0 };
    struct zone *berlin = mem_alloc(sizeof(*berlin));
    int64_t from = FIXTURE_NOW_MS / 86400000 * 86400000 + 600000, close = from + 13800000;

    plan_of(&plan);
    guard(&plan, !approved);
    zone_from_posix(berlin, "CET-1CEST,M3.5.0,M10.5.0/3", NULL);
    *run = (struct run){ .f = f, .r = make(f, id, &plan, from) };
    for (uint32_t i = 0; i < run->r->zone_count; i++)
        rollout_zone_rules(run->r, i, berlin);
    begin(run, fate_good, from);
    for (int64_t t = from + 4 * STEP; t <= FIXTURE_NOW_MS; t += t < close ? 4 * STEP : 240 * STEP) {
        second(run, t);
        if (approved && t > close - 3000000 && run->r->approved == 0)
            step(run->r, (struct rollout_event){ .kind = ROLLOUT_EV_ACT,
                                                 .now_ms = t,
                                                 .act = ROLLOUT_ACT_APPROVE,
                                                 .act_id = 2,
                                                 .who = "grace@gw1" });
    }
    second(run, FIXTURE_NOW_MS);
    struct rollout *r = run->r;
    free(berlin);
    free(run);
    return r;
}

/* -------------------------------------------------------------------------------- the whole */

static void fill_fleet(struct fixture *f, int64_t at_ms)
{
    struct fleet_event up = { .kind = FLEET_EV_LINK_UP };
    struct fleet_config config = { 0 };
    char id[PROTO_ID_MAX];

    f->fleet = fleet_new(&config);
    fleet_apply(f->fleet, &up, at_ms);
    for (int i = 0; i < PUMPS; i++) {
        id_of(i, id);
        say_status(f, at_ms, true, i, id, false);
    }
}

static void fill_log(struct fixture *f)
{
    static const struct {
        int ago_s;
        enum tail_level level;
        const char *text;
    } lines[] = {
        { 5400, TAIL_PLAIN, "r-20261120-5: stage canary starts: 12 devices" },
        { 4100, TAIL_PLAIN, "r-20261120-5: stage canary passed: 0 of 12 failed" },
        { 61, TAIL_WARN,
          "r-20261120-5: pump-rtm-1408 rolled back: new firmware failed its self-test" },
        { 40, TAIL_PLAIN, "r-20261119-2: not of this rollout" },
        { 12, TAIL_PLAIN, "r-20261120-5: pump-lis-1170 confirmed 1.9.0 in 3m12s" },
    };
    f->log = tail_new(64);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        tail_push(f->log, FIXTURE_NOW_MS - lines[i].ago_s * 1000, lines[i].level, false, "",
                  lines[i].text, strlen(lines[i].text));
}

static void fill_release(struct fixture *f)
{
    struct ui_release *r = &f->release[0];
    *r = (struct ui_release){ .signed_ok = true };
    text_copy(r->release.product, sizeof(r->release.product), "pump");
    text_copy(r->release.version, sizeof(r->release.version), "1.9.0");
    text_copy(r->release.hw[0], sizeof(r->release.hw[0]), "px200a");
    text_copy(r->release.hw[1], sizeof(r->release.hw[1]), "px200b");
    r->release.hw_count = 2;
    r->release.seq = 19;
    r->release.security = 1;
    r->release.size = 611000;
    r->release.created = (uint64_t)(FIXTURE_NOW_MS / 1000) - 86400;
}

/* The journal's list: the three in memory, and years of others. */
#define ROWS (FIXTURE_ROLLOUTS + 500)

static void row_of(const struct rollout *r, const char *who, struct ui_rollout_row *row)
{
    uint32_t phase[ROLLOUT_PHASES];
    rollout_totals(r, phase);
    *row = (struct ui_rollout_row){ .state = r->state,
                                    .devices = r->count,
                                    .done = phase[ROLLOUT_PHASE_DONE],
                                    .failed = phase[ROLLOUT_PHASE_FAILED],
                                    .stage = r->stage,
                                    .stage_count = r->plan.stage_count,
                                    .created_ms = r->created_ms,
                                    .started_ms = r->started_ms,
                                    .ended_ms = r->ended_ms };
    text_copy(row->id, sizeof(row->id), r->id);
    text_copy(row->product, sizeof(row->product), "pump");
    text_copy(row->version, sizeof(row->version), r->release.version);
    text_copy(row->target, sizeof(row->target), r->plan.target);
    text_copy(row->who, sizeof(row->who), who);
}

static void fill_rows(struct fixture *f)
{
    static const char *const people[] = { "ada@gw1", "grace@gw1", "linus@desk" };
    f->rows = mem_array(ROWS, sizeof(*f->rows));
    for (int i = 0; i < FIXTURE_ROLLOUTS; i++)
        row_of(f->rollout[i], people[i % 3], &f->rows[i]);
    for (int i = FIXTURE_ROLLOUTS; i < ROWS; i++) {
        struct ui_rollout_row *row = &f->rows[i];
        int64_t at = FIXTURE_NOW_MS - (int64_t)i * 86400000;
        bool ended_badly = i % 17 == 5;
        *row = (struct ui_rollout_row){ .state = ended_badly ? ROLLOUT_ABORTED : ROLLOUT_DONE,
                                        .devices = 240,
                                        .done = ended_badly ? 31 : 240 - (uint32_t)(i % 3),
                                        .failed = ended_badly ? 4 : (uint32_t)(i % 3),
                                        .stage = ended_badly ? 1 : 3,
                                        .stage_count = 4,
                                        .created_ms = at,
                                        .started_ms = at,
                                        .ended_ms = at + 5400000 };
        snprintf(row->id, sizeof(row->id), "r-2026%04d-1", 1117 - i);
        snprintf(row->version, sizeof(row->version), "1.%d.%d", 8 - i / 100, 9 - i / 10 % 10);
        text_copy(row->product, sizeof(row->product), "pump");
        text_copy(row->target, sizeof(row->target), "product:pump");
        text_copy(row->who, sizeof(row->who), people[i % 3]);
        if (ended_badly)
            text_copy(row->why, sizeof(row->why), "aborted by grace@gw1");
    }
}

struct fixture *fixture_rollouts_new(void)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    int64_t now = FIXTURE_NOW_MS, start = now - 2580 * 1000;

    f->link =
        (struct ui_link){ .host = "broker-1:8883", .tls = true, .tls_text = "1.3", .rtt_ms = 38 };
    f->themes[0] = "default-dark";
    fill_fleet(f, start);
    fill_release(f);
    f->rollout[0] = drive(f, "r-20261120-5", fate_running, start, now, true);
    f->rollout[1] =
        drive(f, "r-20261119-2", fate_stopped, now - 90000 * 1000, now - 84000 * 1000, false);
    f->rollout[2] =
        drive(f, "r-20261118-1", fate_good, now - 190000 * 1000, now - 175000 * 1000, false);
    f->rollout[3] = f->rollout[1];
    f->rollout[4] = f->rollout[2];
    f->rollout[1] = drive_guarded(f, "r-20261120-4", false);
    f->rollout[2] = drive_guarded(f, "r-20261120-3", true);
    for (int i = 0; i < FIXTURE_ROLLOUTS; i++)
        f->rollouts[i] = f->rollout[i];
    fill_log(f);
    fill_rows(f);
    struct fleet_event tick = { .kind = FLEET_EV_TICK };
    fleet_apply(f->fleet, &tick, now);
    f->model = (struct ui_model){ .now_ms = now,
                                  .fleet = f->fleet,
                                  .rollouts = f->rollouts,
                                  .rollout_count = FIXTURE_ROLLOUTS,
                                  .rows = f->rows,
                                  .row_count = ROWS,
                                  .releases = f->release,
                                  .release_count = 1,
                                  .next_rollout = "r-20261120-6",
                                  .crypto = ossl_crypto(),
                                  .link = &f->link,
                                  .log = f->log,
                                  .profile = "prod-eu",
                                  .operator_name = "ada@gw1",
                                  .themes = f->themes,
                                  .theme_count = 1,
                                  .theme = "default-dark" };
    return f;
}
