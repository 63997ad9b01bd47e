#include <string.h>

#include "private.h"

#include "protocol/hex.h"

enum {
    BACKOFF_BASE_MS = 1000,
    BACKOFF_CAP_MS = 60000,
    SPREAD_S = 10, /* devices whose power comes back together, where the factory says nothing */
    SPREAD_MAX_S = 600,
    RESTART_SPREAD_MS = 500, /* after any other reset: an update's slots are spread already */
    SETTLED_MS = 20000,      /* a link that held for so long was a good one */
};

static uint32_t random32(const struct app *app)
{
    uint32_t r = 0;

    app->platform->random(app->platform->ctx, &r, sizeof(r));
    return r;
}

/* ---- status --------------------------------------------------------------------------------- */

static void fill_status(const struct app *app, struct device_status *s)
{
    memset(s, 0, sizeof(*s));
    s->online = true;
    memcpy(s->product, app->config.product, sizeof(s->product));
    memcpy(s->hw, app->config.hw, sizeof(s->hw));
    (void)text_copy(s->fw, sizeof(s->fw), app->build->version, strlen(app->build->version));
    memcpy(s->slot, app->boot.slot, sizeof(s->slot));
    hex_encode(app->boot.image, sizeof(app->boot.image), s->image);
    memcpy(s->boot, app->boot.boot, sizeof(s->boot));
    s->boots = app->boot.boots;
    s->reset = app->boot.reset;
    s->release_seq = ota_agent_release_seq(&app->agent);
    s->security = ota_agent_security(&app->agent);
    s->keyset = app->keys.now.version;
    s->agent = OTA_AGENT_VERSION;
    s->cert_not_after = app->boot.cert_not_after;
    memcpy(s->groups, app->config.groups, sizeof(s->groups));
    s->group_count = app->config.group_count;
    s->interval = app->config.interval;
}

static void publish_status(struct app *app)
{
    struct device_status status;
    struct app_publish message = {
        .kind = TOPIC_STATUS, .payload = app->scratch, .qos = 1, .retain = true
    };
    int len;

    fill_status(app, &status);
    len = device_status_encode(&status, app->scratch, sizeof(app->scratch));
    if (len < 0) {
        app_say(app, APP_LOG_ERROR, "status does not fit its message");
        app->status_due = false;
        return;
    }
    message.len = (size_t)len;
    if (app->platform->publish(app->platform->ctx, &message) < 0)
        return;
    app->status_due = false;
    app->told_release_seq = status.release_seq;
    app->told_security = status.security;
}

static int encode_will(struct app *app)
{
    struct device_status status;

    memset(&status, 0, sizeof(status));
    memcpy(status.boot, app->boot.boot, sizeof(status.boot));
    return device_status_encode(&status, app->scratch, sizeof(app->scratch));
}

/* ---- the link ------------------------------------------------------------------------------- */

static void schedule(struct app *app, uint32_t wait_ms)
{
    app->connect_ms = app->now.mono_ms + wait_ms;
}

/* A site's power comes back to all its devices at once, and each handshake costs the broker a
 * millisecond of its one thread: they draw lots for the first attempt, as for the later ones. */
static uint32_t first_spread_ms(const struct app *app)
{
    const struct app_platform *p = app->platform;
    enum reset_reason reset = app->boot.reset;
    uint32_t s = SPREAD_S;

    if (reset != RESET_POWERON && reset != RESET_BROWNOUT)
        return RESTART_SPREAD_MS;
    if (p->nvs_get_u32(p->ctx, APP_NS_FACTORY, "spread", &s) != 0 || s > SPREAD_MAX_S)
        s = SPREAD_S;
    return s * 1000;
}

void session_start(struct app *app)
{
    backoff_init(&app->backoff, BACKOFF_BASE_MS, BACKOFF_CAP_MS);
    schedule(app, (uint32_t)((uint64_t)random32(app) * (first_spread_ms(app) + 1) >> 32));
}

static void connect(struct app *app)
{
    int len = encode_will(app);
    const struct app_broker broker = {
        .host = app->config.broker_host,
        .port = app->config.broker_port,
        .root = app->config.root,
        .id = app->config.id,
        .will = app->scratch,
        .will_len = len < 0 ? 0 : (size_t)len,
    };

    app->connecting = true;
    app->platform->broker_connect(app->platform->ctx, &broker);
}

void session_tick(struct app *app)
{
    if (!app->online && !app->connecting && app->now.mono_ms >= app->connect_ms)
        connect(app);
    if (!app->online)
        return;
    if (app->now.mono_ms - app->up_ms >= SETTLED_MS)
        backoff_reset(&app->backoff);
    if (ota_agent_release_seq(&app->agent) != app->told_release_seq ||
        ota_agent_security(&app->agent) != app->told_security)
        app->status_due = true; /* an update was committed */
    if (app->status_due)
        publish_status(app);
}

void session_up(struct app *app)
{
    app->online = true;
    app->connecting = false;
    app->up_ms = app->now.mono_ms;
    app->health_ms = app->now.mono_ms;
    app->status_due = true;
    publish_status(app);
    app_say(app, APP_LOG_INFO, "connected to %s:%u", app->config.broker_host,
            (unsigned)app->config.broker_port);
}

void session_down(struct app *app, const char *why)
{
    uint32_t wait = backoff_next(&app->backoff, random32(app));

    app->online = app->connecting = false;
    schedule(app, wait);
    app_say(app, APP_LOG_WARN, "no broker (%s), trying again in %u ms", why ? why : "link lost",
            (unsigned)wait);
}
