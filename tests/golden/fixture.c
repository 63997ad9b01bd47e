#include "fixture.h"
#include "fixture_keys.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ossl/crypto.h"
#include "protocol/hex.h"

#define DEVICES    20
#define INTERVAL_S 10
#define HISTORY_S  1810
#define GOOD_IMAGE "1c9e0d6a52b34f7788aa99bbccddeeff00112233445566778899aabbccddeeff"

static const char old_image[] = "77d1e2f3a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9001122334455";

/* What is told of a device, besides its readings. */
struct part {
    const char *id, *fw;
    int silent_s;   /* its last message is that old */
    int gap_from_s; /* no messages from … to so many seconds ago */
    int gap_to_s;
    bool air, dust; /* SCD30, SDS011 */
    double temperature;
    const char *groups;
    const char *reset;
    int cert_days;
};

static const struct part parts[DEVICES] = {
    { "berlin-roof-001", "1.3.0", 2, 0, 0, true, false, 8.2, "\"berlin\",\"outdoor\"", "poweron",
      300 },
    { "berlin-roof-002", "1.3.0", 4, 0, 0, true, false, 8.6, "\"berlin\",\"outdoor\"", "poweron",
      300 },
    { "berlin-roof-003", "1.3.0", 1, 1080, 860, true, true, 7.9, "\"berlin\",\"outdoor\"",
      "poweron", 300 },
    { "berlin-yard-001", "1.3.0", 6, 0, 0, false, true, 9.4, "\"berlin\",\"outdoor\"", "poweron",
      300 },
    { "berlin-yard-002", "1.3.0", 9, 0, 0, false, true, 9.1, "\"berlin\",\"outdoor\"", "panic",
      300 },
    { "hall-a-001", "1.4.0", 3, 0, 0, true, false, 21.4, "\"hall\"", "software", 300 },
    { "hall-a-002", "1.4.0", 7, 0, 0, true, false, 21.9, "\"hall\"", "software", 300 },
    { "hall-a-003", "1.4.0", 5, 0, 0, true, false, 22.3, "\"hall\"", "software", 300 },
    { "hall-a-004", "1.3.0", 2, 0, 0, true, false, 22.0, "\"hall\"", "poweron", 9 },
    { "hall-b-001", "1.3.0", 8, 0, 0, true, false, 23.2, "\"hall\"", "poweron", 300 },
    { "hall-b-002", "1.3.0", 1, 0, 0, true, true, 24.8, "\"hall\"", "poweron", 300 },
    { "hall-b-003", "1.3.0", 3, 0, 0, true, true, 26.1, "\"hall\"", "poweron", 300 },
    { "hall-b-004", "1.3.0", 2, 0, 0, false, false, 24.0, "\"hall\"", "poweron", 300 },
    { "hall-b-005", "1.3.0", 4, 0, 0, false, false, 23.7, "\"hall\"", "poweron", 300 },
    { "lab-001", "1.3.0", 5, 0, 0, true, false, 20.4, "\"lab\"", "poweron", 300 },
    { "lab-002", "1.3.0", 840, 0, 0, true, false, 20.1, "\"lab\"", "poweron", 300 },
    { "lab-003", "1.3.0", 185, 0, 0, true, false, 20.6, "\"lab\"", "poweron", 300 },
    { "lab-004", "1.3.0", 2, 0, 0, false, true, 19.8, "\"lab\"", "brownout", 300 },
    { "lab-005", "1.3.0", 3, 0, 0, true, true, 20.0, "\"lab\"", "poweron", 300 },
    { "lab-006", "1.3.0", 1, 0, 0, true, true, 20.3, "\"lab\"", "poweron", 300 },
};

static void say(struct fixture *f, int64_t at_ms, bool retained, const char *topic,
                const char *body)
{
    struct fleet_event ev = { .kind = FLEET_EV_MESSAGE,
                              .topic = topic,
                              .body = body,
                              .len = strlen(body),
                              .retained = retained };
    fleet_apply(f->fleet, &ev, at_ms);
}

static void status(struct fixture *f, int64_t at_ms, bool retained, const struct part *p,
                   const char *fw, const char *image, int boots)
{
    char topic[96], body[640];
    snprintf(topic, sizeof(topic), "devices/%s/status", p->id);
    snprintf(body, sizeof(body),
             "{\"state\":\"online\",\"product\":\"weather\",\"hw\":\"%s\",\"fw\":\"%s\","
             "\"slot\":\"ota_%d\",\"image\":\"%s\",\"boot\":\"%016x\",\"boots\":%d,"
             "\"reset\":\"%s\",\"release_seq\":%d,\"security\":1,\"keyset\":1,"
             "\"cert_not_after\":%lld,\"groups\":[%s],\"agent\":1,\"interval\":%d}",
             p->dust ? "esp32" : "esp32c3", fw, boots % 2, image,
             (unsigned)(boots * 7919 + (int)(p - parts)), boots, p->reset,
             strcmp(fw, "1.4.0") == 0 ? 14 : 13,
             (long long)(FIXTURE_NOW_MS / 1000 + (int64_t)p->cert_days * 86400), p->groups,
             INTERVAL_S);
    say(f, at_ms, retained, topic, body);
}

/* Readings that wander smoothly and alike on every machine: no libm in the last digit shown. */
static double wave(int64_t t_s, int period, double size)
{
    int64_t phase = t_s % period;
    double x = (double)phase / period * 4;        /* 0 … 4 */
    double y = x < 1 ? x : x < 3 ? 2 - x : x - 4; /* a triangle, -1 … 1 */
    return y * size * (1.5 - 0.5 * y * y);
}

static void telemetry(struct fixture *f, int64_t at_ms, const struct part *p)
{
    char topic[96], body[256];
    int n = (int)(p - parts);
    int64_t t = at_ms / 1000 + 97 * n;
    double temperature = p->temperature + wave(t, 2600 + 40 * n, 1.4) + wave(t, 170, 0.15);
    if (strcmp(p->id, "hall-b-003") == 0) /* something is getting hot */
        temperature += (double)(at_ms - FIXTURE_NOW_MS + HISTORY_S * 1000) / 1000 / HISTORY_S * 6;
    snprintf(topic, sizeof(topic), "devices/%s/telemetry/environment", p->id);
    snprintf(body, sizeof(body), "{\"temperature\":%.2f,\"humidity\":%.1f,\"pressure\":%.0f}",
             temperature, 48 + wave(t, 1900, 9), 101320 + wave(t, 5400, 160));
    say(f, at_ms, false, topic, body);
    if (p->air || p->dust) {
        snprintf(topic, sizeof(topic), "devices/%s/telemetry/air", p->id);
        if (p->dust)
            snprintf(body, sizeof(body), "{\"pm2_5\":%.1f,\"pm10\":%.1f}", 7 + wave(t, 900, 3),
                     12 + wave(t, 900, 5));
        else
            snprintf(body, sizeof(body), "{\"co2\":%.0f}", 620 + wave(t, 2100, 160));
        say(f, at_ms, false, topic, body);
    }
    snprintf(topic, sizeof(topic), "devices/%s/telemetry/health", p->id);
    snprintf(body, sizeof(body), "{\"rssi\":%d,\"heap\":%d,\"uptime\":%lld}",
             -58 - n % 9 * 4 + (int)(t % 3), 182000 - n * 900 - (int)(t % 7) * 128,
             (long long)(at_ms / 1000 - 1795000000 - n * 3600));
    say(f, at_ms, false, topic, body);
}

static void report(struct fixture *f, int64_t at_ms, const char *id, const char *rollout,
                   const char *state, const char *reason, unsigned got, int n)
{
    char topic[96], body[512];
    snprintf(topic, sizeof(topic), "devices/%s/ota/report", id);
    snprintf(body, sizeof(body),
             "{\"rollout\":\"%s\",\"attempt\":1,\"state\":\"%s\",\"reason\":\"%s\","
             "\"from\":\"1.3.0\",\"to\":\"1.4.0\",\"got\":%u,\"size\":917504,\"slot\":%lld,"
             "\"boot\":\"00000000000000aa\",\"image\":\"%s\",\"n\":%d,\"ts\":%lld}",
             rollout, state, reason, got, (long long)(FIXTURE_NOW_MS / 1000 + 95), old_image, n,
             (long long)(at_ms / 1000));
    say(f, at_ms, false, topic, body);
}

static bool speaks(const struct part *p, int n, int64_t ago_s)
{
    if (ago_s < p->silent_s || (ago_s - p->silent_s) % INTERVAL_S != 0)
        return false;
    (void)n;
    return !(p->gap_from_s && ago_s <= p->gap_from_s && ago_s >= p->gap_to_s);
}

static void tick(struct fixture *f, int64_t at_ms)
{
    struct fleet_event ev = { .kind = FLEET_EV_TICK };
    fleet_apply(f->fleet, &ev, at_ms);
}

/* What happens at certain moments, `ago_s` before now. */
static void history_at(struct fixture *f, int64_t at_ms, int64_t ago_s)
{
    if (ago_s == 836)
        say(f, at_ms, false, "devices/lab-002/status",
            "{\"state\":\"offline\",\"boot\":\"00000000000000aa\"}");
    if (ago_s == 1500)
        report(f, at_ms, "berlin-roof-002", "r-20261119-1", "rolled_back", "self_test", 917504, 8);
    if (ago_s == 1400)
        report(f, at_ms, "lab-004", "r-20261119-1", "failed", "rollback_failed", 917504, 9);
    for (int i = 5; i < 8; i++) {
        if (ago_s == 1300 - i * 20)
            report(f, at_ms, parts[i].id, "r-20261120-2", "done", "none", 917504, 21);
    }
    if (ago_s == 120)
        report(f, at_ms, "lab-006", "r-20261120-2", "waiting", "none", 0, 3);
    if (ago_s == 64)
        report(f, at_ms, "hall-b-001", "r-20261120-2", "downloading", "none", 385024, 5);
    if (ago_s == 31)
        report(f, at_ms, "hall-b-002", "r-20261120-2", "trial", "none", 917504, 7);
    if (ago_s == 33)
        say(f, at_ms, false, "devices/hall-b-003/log", "warn temperature rises faster than usual");
}

static void fill_fleet(struct fixture *f)
{
    struct fleet_event up = { .kind = FLEET_EV_LINK_UP };
    struct fleet_source source;
    struct fleet_config config = { .source = &source, .source_count = 1 };
    int64_t start = FIXTURE_NOW_MS - HISTORY_S * 1000;

    fleet_source_parse("seed", "sensors/#", "tag:location", &source, NULL);
    f->fleet = fleet_new(&config);
    fleet_apply(f->fleet, &up, start);
    for (int i = 0; i < DEVICES; i++) {
        status(f, start, true, &parts[i], parts[i].fw,
               strcmp(parts[i].fw, "1.4.0") == 0 ? GOOD_IMAGE : old_image, 3 + i % 5);
    }
    fleet_watch(f->fleet, "hall-b-003");
    for (int64_t ago = HISTORY_S; ago >= 0; ago--) {
        int64_t at = FIXTURE_NOW_MS - ago * 1000;
        for (int i = 0; i < DEVICES; i++) {
            if (speaks(&parts[i], i, ago))
                telemetry(f, at - 600 + 20 * i, &parts[i]);
        }
        if (ago % 30 == 4)
            say(f, at, false, "sensors",
                "weather,location=greenhouse temperature=27.4,humidity=71 1795183000000000000");
        history_at(f, at, ago);
        tick(f, at);
    }
}

/* --------------------------------------------------------------------------------- rollouts */

static void fill_releases(struct fixture *f)
{
    static const char *const versions[] = { "1.5.0", "1.4.0", "1.3.0" };
    for (uint32_t i = 0; i < 3; i++) {
        struct ui_release *r = &f->release[i];
        *r = (struct ui_release){ .signed_ok = true, .kid = "64917ae6cd0dd67d" };
        text_copy(r->release.product, sizeof(r->release.product), "weather");
        text_copy(r->release.version, sizeof(r->release.version), versions[i]);
        text_copy(r->release.hw[0], sizeof(r->release.hw[0]), "esp32");
        text_copy(r->release.hw[1], sizeof(r->release.hw[1]), "esp32c3");
        r->release.hw_count = 2;
        r->release.seq = 15 - i;
        r->release.security = 1;
        r->release.size = 917504 - 40960 * i;
        r->release.created = (uint64_t)(FIXTURE_NOW_MS / 1000) - 86400 * (2 + 9 * i);
        hex_decode(i == 2 ? old_image : GOOD_IMAGE, 64, r->release.sha256, PROTO_SHA256_LEN);
    }
    f->release[0].release.sha256[0] = 0x5a;
}

static void candidate_of(const struct part *p, struct plan_candidate *c)
{
    *c = (struct plan_candidate){ .id = p->id,
                                  .product = "weather",
                                  .hw = p->dust ? "esp32" : "esp32c3",
                                  .fw = "1.3.0",
                                  .image = old_image,
                                  .boot = "00000000000000aa",
                                  .release_seq = 13,
                                  .security = 1,
                                  .agent = 1,
                                  .last_seen_ms = FIXTURE_NOW_MS,
                                  .online = strcmp(p->id, "lab-002") != 0 };
}

static struct rollout *make_rollout(const char *id, const struct ui_release *release,
                                    int64_t started_ms)
{
    struct plan_candidate candidate[DEVICES];
    struct rollout_plan plan = { 0 };
    struct rollout_release what = { 0 };
    struct plan_set set;
    struct err err;

    plan_defaults(&plan);
    text_copy(plan.product, sizeof(plan.product), "weather");
    text_copy(plan.version, sizeof(plan.version), release->release.version);
    text_copy(plan.target, sizeof(plan.target), "product:weather");
    plan.jitter_s = 30;
    plan.max_offline_s = 0;
    plan.deadline_s = 86400;
    plan.stage_count = 3;
    plan.stage[0] = (struct plan_stage){ .name = "canary", .count = 3, .soak_s = 60 };
    plan.stage[1] = (struct plan_stage){ .name = "half", .share_ppm = 500000, .soak_s = 300 };
    plan.stage[2] = (struct plan_stage){ .name = "rest", .share_ppm = 1000000, .soak_s = 60 };
    plan.stage[0].allowed_failure = plan.stage[1].allowed_failure = -1;
    plan.stage[2].allowed_failure = -1;
    for (int i = 0; i < DEVICES; i++)
        candidate_of(&parts[i], &candidate[i]);
    if (plan_resolve(&plan, &release->release, id, ossl_crypto(), candidate, DEVICES, started_ms,
                     &set, &err) != 0) {
        fprintf(stderr, "fixture: %s\n", err.text);
        abort();
    }
    text_copy(what.product, sizeof(what.product), "weather");
    text_copy(what.version, sizeof(what.version), release->release.version);
    text_copy(what.image, sizeof(what.image), GOOD_IMAGE);
    what.size = release->release.size;
    what.seq = release->release.seq;
    struct rollout *r = rollout_new(id, &plan, &what, candidate, &set, started_ms);
    plan_set_free(&set);
    return r;
}

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

static void begin(struct rollout *r, int64_t now_ms)
{
    step(r, (struct rollout_event){ .kind = ROLLOUT_EV_BROKER_UP, .now_ms = now_ms });
    for (uint32_t i = 0; i < r->count; i++) {
        struct device_status s = { .online = strcmp(r->device[i].id, "lab-002") != 0 };
        text_copy(s.image, sizeof(s.image), old_image);
        text_copy(s.boot, sizeof(s.boot), "00000000000000aa");
        step(r, (struct rollout_event){
                    .kind = ROLLOUT_EV_STATUS, .now_ms = now_ms, .device = i, .status = &s });
    }
    step(r, (struct rollout_event){
                .kind = ROLLOUT_EV_ACT, .now_ms = now_ms, .act = ROLLOUT_ACT_START, .act_id = 1 });
}

static void ota(struct rollout *r, uint32_t i, int64_t now_ms, enum ota_report_state state,
                enum reason reason, uint32_t got, uint32_t n)
{
    struct ota_report rep = { .attempt = 1,
                              .state = state,
                              .reason = reason,
                              .got = got,
                              .size = r->release.size,
                              .n = n,
                              .slot = (uint64_t)(now_ms / 1000 + 12),
                              .ts = (uint64_t)(now_ms / 1000) };
    text_copy(rep.rollout, sizeof(rep.rollout), r->id);
    text_copy(rep.boot, sizeof(rep.boot),
              state == OTA_REPORT_DONE ? "00000000000000bb" : "00000000000000aa");
    text_copy(rep.image, sizeof(rep.image),
              state == OTA_REPORT_DONE ? r->release.image : old_image);
    step(r, (struct rollout_event){
                .kind = ROLLOUT_EV_REPORT, .now_ms = now_ms, .device = i, .report = &rep });
}

static void finish(struct rollout *r, uint32_t i, int64_t now_ms)
{
    struct device_status s = { .online = true };
    ota(r, i, now_ms, OTA_REPORT_DONE, REASON_NONE, r->release.size, 9);
    text_copy(s.image, sizeof(s.image), r->release.image);
    text_copy(s.boot, sizeof(s.boot), "00000000000000bb");
    step(r, (struct rollout_event){
                .kind = ROLLOUT_EV_STATUS, .now_ms = now_ms, .device = i, .status = &s });
}

static void tick_rollout(struct rollout *r, int64_t now_ms)
{
    step(r, (struct rollout_event){ .kind = ROLLOUT_EV_TICK, .now_ms = now_ms });
}

/* Canary through; half of the second stage in all phases. */
static struct rollout *running_rollout(const struct fixture *f)
{
    int64_t t = FIXTURE_NOW_MS - 1300 * 1000;
    struct rollout *r = make_rollout("r-20261120-2", &f->release[1], t);
    begin(r, t);
    for (uint32_t i = 0; i < 3; i++)
        finish(r, i, t + 60000 + 9000 * i);
    for (int64_t at = t + 100000; at < t + 400000; at += 5000)
        tick_rollout(r, at);
    t = FIXTURE_NOW_MS - 320 * 1000;
    finish(r, 3, t);
    ota(r, 4, t + 40000, OTA_REPORT_ROLLED_BACK, REASON_NET_LOST, r->release.size, 8);
    ota(r, 5, FIXTURE_NOW_MS - 131000, OTA_REPORT_TRIAL, REASON_NONE, r->release.size, 7);
    ota(r, 6, FIXTURE_NOW_MS - 64000, OTA_REPORT_DOWNLOADING, REASON_NONE, 385024, 4);
    ota(r, 7, FIXTURE_NOW_MS - 20000, OTA_REPORT_DOWNLOADING, REASON_NONE, 90112, 4);
    ota(r, 8, FIXTURE_NOW_MS - 9000, OTA_REPORT_WAITING, REASON_NONE, 0, 2);
    tick_rollout(r, FIXTURE_NOW_MS);
    return r;
}

/* A bad release: the canary rolled back, it stopped itself. */
static struct rollout *stopped_rollout(const struct fixture *f)
{
    int64_t t = FIXTURE_NOW_MS - 22 * 3600 * 1000;
    struct rollout *r = make_rollout("r-20261119-1", &f->release[0], t);
    begin(r, t);
    ota(r, 0, t + 150000, OTA_REPORT_ROLLED_BACK, REASON_SELF_TEST, r->release.size, 9);
    ota(r, 1, t + 152000, OTA_REPORT_ROLLED_BACK, REASON_SELF_TEST, r->release.size, 9);
    finish(r, 2, t + 160000);
    tick_rollout(r, t + 300000);
    return r;
}

static struct rollout *draft_rollout(const struct fixture *f)
{
    return make_rollout("r-20261120-3", &f->release[0], FIXTURE_NOW_MS - 9000);
}

/* -------------------------------------------------------------------------------- the whole */

static void fill_log(struct fixture *f)
{
    static const struct {
        int ago_s;
        enum tail_level level;
        const char *label, *text;
    } lines[] = {
        { 1805, TAIL_PLAIN, "link", "connected to broker-1:8883, TLS 1.3" },
        { 1300, TAIL_PLAIN, "rollout", "r-20261120-2 started by ada: weather 1.4.0 to 20 devices" },
        { 900, TAIL_PLAIN, "rollout", "r-20261120-2 stage canary passed: 0 of 3 failed" },
        { 280, TAIL_WARN, "rollout", "r-20261120-2 a device lost its network during the trial" },
        { 33, TAIL_WARN, "device", "hall-b-003: warn temperature rises faster than usual" },
        { 5, TAIL_ERROR, "gateway",
          "cannot read the store: permission denied on store/index.json" },
    };
    f->log = tail_new(256);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        tail_push(f->log, FIXTURE_NOW_MS - lines[i].ago_s * 1000, lines[i].level, false,
                  lines[i].label, lines[i].text, strlen(lines[i].text));
}

/* What the journal, the answers and the store say of hall-b-003. */
static void fill_device(struct fixture *f)
{
    static const struct ui_command command[] = {
        { .sent_ms = FIXTURE_NOW_MS - 75000, .verb = VERB_CONFIG, .seq = 218407 },
        { .sent_ms = FIXTURE_NOW_MS - 17720000,
          .answered_ms = FIXTURE_NOW_MS - 17718200,
          .verb = VERB_REBOOT,
          .seq = 218112,
          .ok = true },
        { .sent_ms = FIXTURE_NOW_MS - 97200000,
          .answered_ms = FIXTURE_NOW_MS - 97199400,
          .verb = VERB_CONFIG,
          .seq = 217733,
          .reason = REASON_EXPIRED,
          .detail = "the order's time is over" },
    };
    static const struct ui_update update[] = {
        { .t_ms = FIXTURE_NOW_MS - 410000000,
          .rollout = "r-20261115-1",
          .version = "1.3.0",
          .state = RDEV_DONE },
        { .t_ms = FIXTURE_NOW_MS - 1310000000,
          .rollout = "r-20261105-2",
          .version = "1.2.4",
          .state = RDEV_FAILED,
          .reason = REASON_SELF_TEST },
    };
    struct ui_device_acts *a = &f->acts;

    text_copy(a->id, sizeof(a->id), "hall-b-003");
    memcpy(a->command, command, sizeof(command));
    a->command_count = sizeof(command) / sizeof(command[0]);
    memcpy(a->update, update, sizeof(update));
    a->update_count = sizeof(update) / sizeof(update[0]);
    for (int i = 0; i < 960; i++) {
        int64_t t_ms = FIXTURE_NOW_MS - (960 - i) * INT64_C(900000) - HISTORY_S * 1000 + 450000;
        float v = (float)(26 + wave(t_ms / 1000, 86400, 3) + wave(t_ms / 1000, 300000, 1));
        f->sample[i] = (struct fleet_sample){ t_ms, 90, v - 0.4f, v, v + 0.4f };
    }
    f->series = (struct ui_past_series){ fleet_reading_find(f->fleet, "temperature"),
                                         { f->sample, 960, 900000 } };
    text_copy(f->past.id, sizeof(f->past.id), "hall-b-003");
    f->past.series = &f->series;
    f->past.count = 1;
}

struct fixture *fixture_new(void)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    f->link =
        (struct ui_link){ .host = "broker-1:8883", .tls = true, .tls_text = "1.3", .rtt_ms = 38 };
    f->themes[0] = "default-dark";
    f->themes[1] = "default-light";
    f->themes[2] = "mono";
    fill_fleet(f);
    fill_releases(f);
    f->rollout[0] = draft_rollout(f);
    f->rollout[1] = running_rollout(f);
    f->rollout[2] = stopped_rollout(f);
    for (int i = 0; i < 3; i++)
        f->rollouts[i] = f->rollout[i];
    fill_log(f);
    fill_device(f);
    fixture_keys(f);
    f->model = (struct ui_model){ .now_ms = FIXTURE_NOW_MS,
                                  .fleet = f->fleet,
                                  .rollouts = f->rollouts,
                                  .rollout_count = 3,
                                  .releases = f->release,
                                  .release_count = 3,
                                  .next_rollout = "r-20261120-4",
                                  .crypto = ossl_crypto(),
                                  .link = &f->link,
                                  .past = &f->past,
                                  .acts = &f->acts,
                                  .trust = &f->trust,
                                  .key_orders = &f->key_orders,
                                  .device_cert = &f->device_cert,
                                  .log = f->log,
                                  .profile = "demo",
                                  .operator_name = "ada",
                                  .themes = f->themes,
                                  .theme_count = 3,
                                  .theme = "default-dark" };
    return f;
}

void fixture_free(struct fixture *f)
{
    if (!f)
        return;
    alerts_free(f->alerts);
    fleet_free(f->fleet);
    for (int i = 0; i < FIXTURE_ROLLOUTS; i++)
        rollout_free(f->rollout[i]);
    tail_free(f->log);
    free(f->rows);
    free(f);
}

void fixture_message(struct fixture *f, const char *topic, const char *body, size_t len,
                     bool retained)
{
    struct fleet_event ev = {
        .kind = FLEET_EV_MESSAGE, .topic = topic, .body = body, .len = len, .retained = retained
    };
    fleet_apply(f->fleet, &ev, f->model.now_ms);
}

void fixture_link_down(struct fixture *f)
{
    struct fleet_event ev = { .kind = FLEET_EV_LINK_DOWN, .text = "keepalive timeout" };
    fleet_apply(f->fleet, &ev, f->model.now_ms);
    f->link.attempt = 3;
    f->link.retry_at_ms = f->model.now_ms + 18000;
}

void fixture_alerts(struct fixture *f)
{
    static const struct alert_rule rules[] = {
        { .name = "hot",
          .kind = ALERT_WHEN,
          .level = ALERT_CRIT,
          .when = "temp>23",
          .clear = "temp<22",
          .for_s = 2 },
        { .name = "humid", .kind = ALERT_WHEN, .level = ALERT_WARN, .when = "hum>50" },
        { .name = "away", .kind = ALERT_WHEN, .level = ALERT_INFO, .when = "state=offline" },
        { .name = "rollout", .kind = ALERT_ROLLOUT, .level = ALERT_CRIT },
    };
    struct alert_silence silence = { .id = 7,
                                     .rule = "humid",
                                     .who = "alice@gw1",
                                     .reason = "the sprinklers are on",
                                     .until_ms = f->model.now_ms + 3600000 };
    struct err err;

    f->alerts = alerts_new(f->fleet, rules, 4, NULL, NULL, &err);
    alerts_set_silences(f->alerts, &silence, 1, f->model.now_ms, &err);
    for (int i = 0; i < 40; i++)
        alerts_tick(f->alerts, f->model.now_ms + i * 100);
    alerts_rollout(f->alerts, f->rollout[2]->id, true, "stage canary: 2 of 3 failed",
                   f->model.now_ms);
    alerts_ack(f->alerts, "rollout", f->rollout[2]->id, "bob@gw1", f->model.now_ms);
    f->model.alerts = f->alerts;
}

void fixture_pass(struct fixture *f, int64_t ms)
{
    for (int64_t left = ms; left > 0; left -= 100) {
        f->model.now_ms += left < 100 ? left : 100;
        tick(f, f->model.now_ms);
    }
}
