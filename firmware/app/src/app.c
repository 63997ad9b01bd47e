#include "app/app.h"

#include <string.h>

#include "private.h"

enum { WAIT_MAX_MS = 1000, WAIT_BUSY_MS = 20, SPEED_WINDOW_MAX = 3600 };

void app_init(struct app *app, const struct app_build *build, const struct app_platform *platform,
              const struct ota_port *ota)
{
    memset(app, 0, sizeof(*app));
    app->build = build;
    app->platform = platform;
    app->ota_port = ota;
    app_ring_init(&app->ring);
}

bool app_is_dead(const struct app *app)
{
    return app->dead;
}

/* ---- the agent ------------------------------------------------------------------------------ */

struct ota_time app_ota_time(const struct app *app)
{
    return (struct ota_time){
        .mono_ms = (uint64_t)app->now.mono_ms,
        .unix_s = app->now.trusted && app->now.unix_s > 0 ? (uint64_t)app->now.unix_s : 0,
        .trusted = app->now.trusted,
    };
}

enum reason app_tell_agent(struct app *app, struct ota_event *event)
{
    event->now = app_ota_time(app);
    return ota_agent_handle(&app->agent, event);
}

static void tell(struct app *app, enum ota_event_kind kind)
{
    struct ota_event event = { .kind = kind };

    (void)app_tell_agent(app, &event);
}

static void remember_report(struct app *app, int mid, uint32_t n)
{
    memmove(&app->report[0], &app->report[1], sizeof(app->report) - sizeof(app->report[0]));
    app->report[APP_REPORTS - 1].mid = mid;
    app->report[APP_REPORTS - 1].n = n;
}

bool app_report(struct app *app, const struct ota_report *report)
{
    char body[PROTO_REPORT_BYTES];
    int len = ota_report_encode(report, body, sizeof(body));
    const struct app_publish message = {
        .kind = TOPIC_REPORT,
        .payload = body,
        .len = len < 0 ? 0 : (size_t)len,
        .qos = 1,
        .retain = true,
    };
    int mid;

    if (!app->online || len < 0)
        return false;
    mid = app->platform->publish(app->platform->ctx, &message);
    if (mid <= 0)
        return false;
    remember_report(app, mid, report->n);
    app_say(app, APP_LOG_INFO, "update %s: %s%s%s", report->rollout, ota_report_word(report->state),
            report->reason == REASON_NONE ? "" : ", ",
            report->reason == REASON_NONE ? "" : reason_text(report->reason));
    return true;
}

static bool report_acked(struct app *app, int mid)
{
    for (int i = 0; i < APP_REPORTS; i++) {
        struct ota_event event = { .kind = OTA_EV_REPORT_ACKED };

        if (mid <= 0 || app->report[i].mid != mid)
            continue;
        app->report[i].mid = 0;
        event.acked_n = app->report[i].n;
        (void)app_tell_agent(app, &event);
        return true;
    }
    return false;
}

/* An order may always be taken: it is on record before anything else, and outlives the restart. */
enum reason app_may_proceed(const struct app *app, enum ota_gate gate)
{
    if (app->rebooting && gate != OTA_GATE_ACCEPT)
        return REASON_DEFERRED;
    if (gate == OTA_GATE_SWITCH)
        sensors_keep_health(app);
    return REASON_NONE;
}

/* ---- boot ----------------------------------------------------------------------------------- */

/* A number that only the factory sets; 0: the default. */
static uint32_t factory_number(const struct app *app, const char *key, uint32_t most)
{
    const struct app_platform *p = app->platform;
    uint32_t n;

    return p->nvs_get_u32(p->ctx, APP_NS_FACTORY, key, &n) == 0 && n <= most ? n : 0;
}

static void start_agent(struct app *app)
{
    struct ota_event event = { .kind = OTA_EV_BOOT };

    app->ota_config = (struct ota_config){
        .id = app->config.id,
        .fleet = app->config.fleet,
        .product = app->config.product,
        .hw = app->config.hw,
        .keyset = &app->keys.now,
        .url = app->config.url,
        .hosts = app->config.hosts,
        .speed_window = factory_number(app, "speed_window", SPEED_WINDOW_MAX),
    };
    ota_agent_init(&app->agent, app->ota_port, &app->ota_config);
    event.boot = (struct ota_boot){
        .reset = app->boot.reset,
        .on_probation = app->boot.on_probation,
        .passive = app->boot.passive,
        .version = app->build->version,
        .boot_id = app->boot.boot,
        .security_floor = app->boot.security_floor,
        .factory_seq = factory_number(app, "release_seq", UINT32_MAX),
    };
    memcpy(event.boot.image, app->boot.image, sizeof(event.boot.image));
    if (app_tell_agent(app, &event) == REASON_RECORD_IO)
        app_say(app, APP_LOG_ERROR, "update records can't be read; orders will be refused");
}

/* What the factory did not say is what the program was built for. */
static void complete_config(struct app *app)
{
    const char *product = app->build->product, *hw = app->build->hw;

    if (!app->config.product[0])
        (void)text_copy(app->config.product, sizeof(app->config.product), product, strlen(product));
    if (!app->config.hw[0])
        (void)text_copy(app->config.hw, sizeof(app->config.hw), hw, strlen(hw));
}

static void boot(struct app *app, const struct app_boot *facts)
{
    const char *why;

    app->boot = *facts;
    if (app_config_load(&app->config, app->platform, &why) != 0) {
        app->dead = true;
        app_say(app, APP_LOG_ERROR, "can't start: %s; flash the device's NVS image", why);
        return;
    }
    complete_config(app);
    app_say(app, APP_LOG_INFO, "%s %s starts on %s from %s (%s, boot %u)", app->config.product,
            app->build->version, app->config.hw, app->boot.slot, reset_word(app->boot.reset),
            (unsigned)app->boot.boots);
    keys_load(app);
    start_agent(app);
    command_start(app);
    sensors_init(app);
    sensors_self_test(app);
    session_start(app);
}

/* ---- events --------------------------------------------------------------------------------- */

static void tick(struct app *app)
{
    sensors_tick(app);
    session_tick(app);
    tell(app, OTA_EV_TICK);
    telemetry_tick(app);
    command_tick(app);
}

/* The status first: who reads the report must know the boot it speaks of. */
static void broker_up(struct app *app)
{
    session_up(app);
    tell(app, OTA_EV_BROKER_UP);
    telemetry_tick(app);
}

static void broker_down(struct app *app, const char *why)
{
    bool was_online = app->online;

    session_down(app, why);
    if (was_online)
        tell(app, OTA_EV_BROKER_DOWN);
}

static void dispatch(struct app *app, const struct app_event *event)
{
    switch (event->kind) {
    case APP_EV_BOOT:
        break; /* once only, see app_handle() */
    case APP_EV_TICK:
        tick(app);
        break;
    case APP_EV_NETWORK_UP:
        tell(app, OTA_EV_NETWORK_UP);
        break;
    case APP_EV_NETWORK_DOWN:
        tell(app, OTA_EV_NETWORK_DOWN);
        break;
    case APP_EV_BROKER_UP:
        broker_up(app);
        break;
    case APP_EV_BROKER_DOWN:
        broker_down(app, event->text);
        break;
    case APP_EV_MESSAGE:
        command_take(app, event);
        break;
    case APP_EV_PUBLISHED:
        if (!report_acked(app, event->mid) && telemetry_acked(app, event->mid))
            telemetry_tick(app);
        break;
    }
}

void app_handle(struct app *app, const struct app_event *event)
{
    app->now = event->time;
    if (event->kind == APP_EV_TICK)
        app->platform->watchdog_feed(app->platform->ctx);
    if (event->kind == APP_EV_BOOT)
        boot(app, event->boot);
    else if (!app->dead)
        dispatch(app, event);
}

static uint32_t sooner(uint32_t wait, int64_t due_ms, int64_t mono_ms)
{
    if (due_ms - mono_ms >= (int64_t)wait)
        return wait;
    return due_ms > mono_ms ? (uint32_t)(due_ms - mono_ms) : 0;
}

uint32_t app_wait_ms(const struct app *app, int64_t mono_ms)
{
    uint32_t wait = WAIT_MAX_MS, agent;

    if (app->dead)
        return wait;
    if (sensors_are_busy(app) || (app->online && app->status_due))
        wait = WAIT_BUSY_MS;
    else
        wait = sooner(wait, app->sample_ms, mono_ms);
    /* To the millisecond that was drawn: boards whose ticks go together would otherwise still come
     * in waves, one a second. */
    if (!app->online && !app->connecting)
        wait = sooner(wait, app->connect_ms, mono_ms);
    agent = ota_agent_wants(&app->agent, (uint64_t)mono_ms);
    return agent < wait ? agent : wait;
}
